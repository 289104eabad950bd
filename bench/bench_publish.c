/*
 * Publishing against what people write by hand, in one run, as ratios.
 *
 *     bench_publish [large|small] [directory]
 *
 * large: 1 GiB in writes of 1 MiB. The plain durable sequence is open, write, fsync, rename, fsync
 * of the directory; beside it the same without any sync. Ours sums the bytes too (crc32c).
 * small: 10,000 files of 4 KiB, new and replaced, against the sequence of the Python package
 * atomicwrites written in C: a temporary file, write, fsync, close, rename, fsync of the directory.
 *
 * The ways take turns, so that what the machine does besides hits all alike; medians are compared.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <ftw.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <lamella/publish.h>

enum { MIB = 1 << 20, LARGE_MIB = 1024, LARGE_ROUNDS = 7, SMALL_FILES = 10000, SMALL_BATCH = 250 };

static uint8_t *bytes; /* 64 MiB, not compressible */
static char here[512];

static void must(bool good, const char *what)
{
    if (good) return;
    perror(what);
    exit(1);
}

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

/* Of all threads, in the kernel too. */
static double cpu(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median(double *values, int count)
{
    qsort(values, (size_t)count, sizeof *values, by_value);
    return values[count / 2];
}

static void directory_sync(void)
{
    int fd = open(here, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    must(fd >= 0 && fsync(fd) == 0, here);
    close(fd);
}

/* What others left to be written back is not to be paid here. */
static void settle(void)
{
    int fd = open(here, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    must(fd >= 0 && syncfs(fd) == 0, here);
    close(fd);
}

/* ---- large ---- */

static void large_plain(const char *path, bool durable)
{
    char temp[700];
    snprintf(temp, sizeof temp, "%s.tmp", path);
    int fd = open(temp, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    must(fd >= 0, temp);
    for (size_t i = 0; i < LARGE_MIB; i++)
        must(write(fd, bytes + i % 64 * MIB, MIB) == MIB, "write");
    if (durable) must(fsync(fd) == 0, "fsync");
    must(close(fd) == 0, "close");
    must(rename(temp, path) == 0, "rename");
    if (durable) directory_sync();
}

static void large_ours(const char *path, lm_direct direct, lm_durability durability)
{
    lm_file_options options = {.direct = direct, .durability = durability};
    lm_file_publication *p;
    lm_error error;
    lm_status status = lm_file_open(path, &options, &p, &error);
    for (size_t i = 0; i < LARGE_MIB && status == LM_OK; i++)
        status = lm_file_write(p, bytes + i % 64 * MIB, MIB, &error);
    if (status == LM_OK) status = lm_file_finish(p, NULL, &error);
    lm_file_close(p);
    if (status != LM_OK) {
        fprintf(stderr, "%s\n", error.message);
        exit(1);
    }
}

static void large_way(int way, const char *path)
{
    switch (way) {
    case 0: large_plain(path, true); break;
    case 1: large_plain(path, false); break;
    case 2: large_ours(path, LM_DIRECT_AUTO, LM_DURABILITY_FULL); break;
    case 3: large_ours(path, LM_DIRECT_NEVER, LM_DURABILITY_FULL); break;
    default: large_ours(path, LM_DIRECT_AUTO, LM_DURABILITY_NONE); break;
    }
}

static void large(void)
{
    static const char *const names[] = {
        "plain, durable", "plain, never synced", "lamella, durable (default)",
        "lamella, durable, through the page cache", "lamella, durability none"};
    enum { WAYS = 5 };
    double seconds[WAYS][LARGE_ROUNDS], busy[WAYS][LARGE_ROUNDS], middle[WAYS];
    for (int round = 0; round < LARGE_ROUNDS; round++)
        for (int turn = 0; turn < WAYS; turn++) {
            int way = (turn + round) % WAYS;
            char path[600];
            snprintf(path, sizeof path, "%s/large-%d", here, way);
            (void)unlink(path);
            settle();
            double start = now(), start_cpu = cpu();
            large_way(way, path);
            seconds[way][round] = now() - start;
            busy[way][round] = cpu() - start_cpu;
            (void)unlink(path);
        }
    printf("1 GiB, median of %d\n", LARGE_ROUNDS);
    for (int way = 0; way < WAYS; way++) {
        middle[way] = median(seconds[way], LARGE_ROUNDS);
        printf("  %-42s %6.3f s  %5.2f GB/s  %5.2f x the speed of plain durable, %.2f s of CPU\n",
               names[way], middle[way], LARGE_MIB * (double)MIB / 1e9 / middle[way],
               middle[0] / middle[way], median(busy[way], LARGE_ROUNDS));
    }
    printf("large: %.2f x the speed of the plain durable sequence (aim: 1.3)\n",
           middle[0] / middle[2]);
}

/* ---- small ---- */

static void small_plain(const char *path, int number)
{
    char temp[600];
    snprintf(temp, sizeof temp, "%s/tmp%08x.tmp", here, (unsigned)number * 2654435761u);
    int fd = open(temp, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    must(fd >= 0, temp);
    must(write(fd, bytes + number * 8, 4096) == 4096, "write");
    must(fsync(fd) == 0, "fsync");
    must(close(fd) == 0, "close");
    must(rename(temp, path) == 0, "rename");
    directory_sync();
}

static void small_ours(const char *path, int number)
{
    lm_error error;
    if (lm_publish_bytes(path, bytes + number * 8, 4096, NULL, NULL, &error) == LM_OK) return;
    fprintf(stderr, "%s\n", error.message);
    exit(1);
}

static void small(bool replaced)
{
    enum { BATCHES = SMALL_FILES / SMALL_BATCH };
    double total[2] = {0, 0}, ratios[BATCHES];
    char path[600];
    for (int batch = 0; batch < BATCHES; batch++) {
        double seconds[2];
        for (int turn = 0; turn < 2; turn++) {
            int way = (turn + batch) % 2;
            settle();
            double start = now();
            for (int i = 0; i < SMALL_BATCH; i++) {
                int number = batch * SMALL_BATCH + i;
                snprintf(path, sizeof path, "%s/%s-%d", here, way ? "b" : "a", number);
                if (way)
                    small_ours(path, number);
                else
                    small_plain(path, number);
            }
            seconds[way] = now() - start;
            total[way] += seconds[way];
        }
        ratios[batch] = seconds[1] / seconds[0];
    }
    printf("%d files of 4 KiB, %s\n", SMALL_FILES, replaced ? "replaced" : "new");
    printf("  plain   %6.2f s  %6.1f us a file\n  lamella %6.2f s  %6.1f us a file\n", total[0],
           total[0] / SMALL_FILES * 1e6, total[1], total[1] / SMALL_FILES * 1e6);
    printf("small, %s: %.3f x the time of the plain sequence, median of the batches %.3f (aim: "
           "1.05)\n",
           replaced ? "replaced" : "new", total[1] / total[0], median(ratios, BATCHES));
}

static int remove_entry(const char *path, const struct stat *stat, int kind, struct FTW *walk)
{
    (void)stat;
    (void)kind;
    (void)walk;
    return remove(path);
}

int main(int argc, char **argv)
{
    const char *what = argc > 1 ? argv[1] : "";
    const char *base = argc > 2 ? argv[2] : getenv("TMPDIR");
    snprintf(here, sizeof here, "%s/lamella-bench-XXXXXX", base ? base : "/var/tmp");
    must(mkdtemp(here) != NULL, here);
    bytes = malloc((size_t)64 * MIB);
    must(bytes != NULL, "malloc");
    uint64_t word = 1;
    for (size_t i = 0; i < (size_t)64 * MIB / 8; i++) {
        word = word * 6364136223846793005u + 1442695040888963407u;
        memcpy(bytes + i * 8, &word, 8);
    }
    if (strcmp(what, "small") != 0) large();
    if (strcmp(what, "large") != 0) {
        small(false);
        small(true);
    }
    nftw(here, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
    free(bytes);
    return 0;
}
