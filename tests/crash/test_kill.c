/*
 * A real process that publishes is killed (SIGKILL) at random moments, hundreds of times, while
 * readers check every byte: always a whole version, never one older than what was said to be done,
 * never nothing. What it leaves is removed by gc.
 */
#define _GNU_SOURCE
#include "check.h"
#include "scratch.h"

#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>

#include "base/alloc.h"
#include "publish/file.h"
#include "store/posix/posix.h"

enum { KILLS = 600, READERS = 2, BODY_MAX = 6 << 20 };

/* In memory that parent, writer and readers share. */
typedef struct shared {
    atomic_uint_fast64_t begun, done, bad, reads, over;
    char path[300];
} shared;

static lm_posix_store posix;

static size_t body_size(uint64_t number)
{
    uint64_t random = number;
    uint64_t dice = check_random(&random);
    if (dice % 64 == 0) return check_random(&random) % BODY_MAX; /* with a thread */
    return check_random(&random) % (dice % 2 ? 100 : 70000);
}

static uint8_t body_byte(uint64_t number, size_t at)
{
    return (uint8_t)(number * 31 + at * 13 + (at >> 8));
}

static size_t version_make(uint64_t number, uint8_t *out)
{
    size_t size = body_size(number);
    memcpy(out, &number, sizeof number);
    for (size_t i = 0; i < size; i++) out[sizeof number + i] = body_byte(number, i);
    return sizeof number + size;
}

/* The number of the version, 0 when it is none. */
static uint64_t version_check(const uint8_t *data, size_t size)
{
    uint64_t number;
    if (size < sizeof number) return 0;
    memcpy(&number, data, sizeof number);
    if (size != sizeof number + body_size(number)) return 0;
    for (size_t i = 0; i < size - sizeof number; i++)
        if (data[sizeof number + i] != body_byte(number, i)) return 0;
    return number;
}

static lm_status publish(shared *s, uint64_t number, uint8_t *bytes)
{
    /* The kernel keeps what a killed process has written: the sync is not what is tried here. */
    lm_file_options options = {.durability = number % 8 ? LM_DURABILITY_NONE : LM_DURABILITY_FULL};
    lm_file_publication *p;
    size_t size = version_make(number, bytes);
    posix.no_tmpfile = number % 3 == 0;
    lm_status status = lm__file_open(&posix.store, s->path, &options, NULL, &p, NULL);
    if (status == LM_OK) status = lm_file_write(p, bytes, size, NULL);
    if (status == LM_OK) status = lm_file_finish(p, NULL, NULL);
    lm_file_close(p);
    return status;
}

static _Noreturn void write_until_killed(shared *s)
{
    uint8_t *bytes = malloc(BODY_MAX + 8);
    scratch_must(bytes != NULL, "malloc");
    for (uint64_t number = atomic_load(&s->begun) + 1;; number++) {
        atomic_store(&s->begun, number);
        if (publish(s, number, bytes) != LM_OK) atomic_fetch_add(&s->bad, 1);
        atomic_store(&s->done, number);
    }
}

/* One look: whole, not older than what was done before the look, not newer than what was begun. */
static bool look(shared *s)
{
    uint8_t *data;
    size_t size;
    uint64_t done = atomic_load(&s->done);
    lm_status status =
        lm__store_read(&posix.store, s->path, NULL, BODY_MAX + 8, &data, &size, NULL);
    uint64_t number = status == LM_OK ? version_check(data, size) : 0;
    lm__free(NULL, data);
    return number >= done && number >= 1 && number <= atomic_load(&s->begun);
}

static void read_until_over(shared *s)
{
    while (!atomic_load(&s->over)) {
        if (!look(s)) atomic_fetch_add(&s->bad, 1);
        atomic_fetch_add(&s->reads, 1);
    }
    _exit(0);
}

static lm_status reaped(void *context, const lm_gc_found *found, lm_error *error)
{
    (void)error;
    *(int *)context += found->done == LM_GC_REMOVED;
    return LM_OK;
}

TEST(killed_at_any_moment)
{
    char here[256];
    pid_t readers[READERS];
    uint64_t random = (uint64_t)time(NULL);
    shared *s = mmap(NULL, sizeof *s, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    scratch_must(s != MAP_FAILED, "mmap");
    scratch_make(here);
    lm__posix_store_init(&posix, NULL, NULL);
    snprintf(s->path, sizeof s->path, "%s/one", here);
    uint8_t *first = malloc(BODY_MAX + 8);
    REQUIRE(first != NULL);
    atomic_store(&s->begun, 1);
    CHECK_STATUS(publish(s, 1, first), LM_OK);
    free(first);
    atomic_store(&s->done, 1);
    printf("# seed %" PRIu64 "\n", random);
    fflush(stdout);
    for (int i = 0; i < READERS; i++)
        if ((readers[i] = fork()) == 0) read_until_over(s);

    int left = 0;
    for (int kills = 0; kills < KILLS && !check_failed; kills++) {
        pid_t writer = fork();
        if (writer == 0) write_until_killed(s);
        scratch_must(writer > 0, "fork");
        long wait_ns = (long)(check_random(&random) % 4000000);
        nanosleep(&(struct timespec){.tv_nsec = wait_ns}, NULL);
        kill(writer, SIGKILL);
        int status;
        CHECK(waitpid(writer, &status, 0) == writer);
        CHECK(WIFSIGNALED(status));
        CHECK(look(s));
        if (kills % 10) continue;
        lm_reap_options options = {0};
        CHECK_STATUS(lm__store_reap(&posix.store, here, &options, reaped, &left, NULL), LM_OK);
        CHECK_INT(scratch_count(here), 1);
    }
    atomic_store(&s->over, 1);
    for (int i = 0; i < READERS; i++) {
        int status;
        CHECK(waitpid(readers[i], &status, 0) == readers[i]);
        CHECK_INT(status, 0);
    }
    CHECK_INT(s->bad, 0);
    printf("# %d kills, %d versions, %d reads, %d temporary files left and removed\n", KILLS,
           (int)s->done, (int)s->reads, left);
    scratch_remove(here);
    munmap(s, sizeof *s);
}

int main(void)
{
    umask(022);
    RUN(killed_at_any_moment);
    return DONE();
}
