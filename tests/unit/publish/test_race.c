/*
 * Many writers and many readers of one name: processes on a disk, threads on a disk and in memory.
 * Every reader checks every byte; none may see a mixture, or nothing.
 */
#define _GNU_SOURCE
#include "check.h"
#include "scratch.h"

#include <errno.h>
#include <pthread.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include <lamella/publish.h>

#include "base/alloc.h"
#include "publish/file.h"
#include "store/posix/posix.h"

/* A version of the file says in its first bytes who wrote it; the rest follows from that. */
typedef struct head {
    uint64_t writer, number, size;
} head;

enum { BODY_MAX = 300000 };

static size_t version_make(uint64_t writer, uint64_t number, uint8_t *out)
{
    uint64_t random = writer << 32 | number;
    size_t body = check_random(&random) % (number % 4 ? 5000 : BODY_MAX);
    head h = {writer, number, sizeof h + body};
    memcpy(out, &h, sizeof h);
    for (size_t i = 0; i < body; i++)
        out[sizeof h + i] = (uint8_t)(writer * 31 + number * 7 + i * 13 + (i >> 8));
    return h.size;
}

static bool version_is_whole(const uint8_t *data, size_t size)
{
    head h;
    if (size < sizeof h) return false;
    memcpy(&h, data, sizeof h);
    if (h.size != size) return false;
    for (size_t i = 0; i < size - sizeof h; i++)
        if (data[sizeof h + i] != (uint8_t)(h.writer * 31 + h.number * 7 + i * 13 + (i >> 8)))
            return false;
    return true;
}

/* What the racers share; in shared memory for processes. */
typedef struct race {
    lm_store *store;
    char path[400];
    int writes; /* of each writer */
    atomic_int writers_left, bad, reads;
    atomic_uint_fast64_t counter;
} race;

static void write_all(race *r, uint64_t writer)
{
    uint8_t *bytes = malloc(sizeof(head) + BODY_MAX);
    if (!bytes) abort();
    for (int i = 0; i < r->writes; i++) {
        lm_file_options options = {.durability = i % 2 ? LM_DURABILITY_NONE : LM_DURABILITY_FULL};
        lm_file_publication *p;
        size_t size = version_make(writer, (uint64_t)i, bytes);
        lm_status status = lm__file_open(r->store, r->path, &options, NULL, &p, NULL);
        if (status == LM_OK) status = lm_file_write(p, bytes, size, NULL);
        if (status == LM_OK) status = lm_file_finish(p, NULL, NULL);
        lm_file_close(p);
        if (status != LM_OK) atomic_fetch_add(&r->bad, 1);
    }
    atomic_fetch_sub(&r->writers_left, 1);
    free(bytes);
}

static void read_all(race *r)
{
    while (atomic_load(&r->writers_left) > 0) {
        uint8_t *data;
        size_t size;
        lm_status status =
            lm__store_read(r->store, r->path, NULL, sizeof(head) + BODY_MAX, &data, &size, NULL);
        if (status != LM_OK || !version_is_whole(data, size)) atomic_fetch_add(&r->bad, 1);
        lm__free(NULL, data);
        atomic_fetch_add(&r->reads, 1);
    }
}

/* Nobody's addition is lost: each writer replaces only what it has read. */
static void count_up(race *r, uint64_t writer)
{
    (void)writer;
    for (int i = 0; i < r->writes;) {
        uint8_t *data;
        size_t size;
        lm_checksum sum;
        char text[LM_CHECKSUM_TEXT_MAX], next[32];
        if (lm__store_read(r->store, r->path, NULL, 32, &data, &size, NULL) != LM_OK) abort();
        if (lm__checksum_init(&sum, LM_CHECKSUM_SHA256, NULL) != LM_OK ||
            lm__checksum_update(&sum, data, size, NULL) != LM_OK ||
            lm__checksum_final(&sum, text, NULL) != LM_OK)
            abort();
        long value = 0;
        for (size_t d = 0; d < size; d++) value = value * 10 + data[d] - '0';
        snprintf(next, sizeof next, "%ld", value + 1);
        lm__free(NULL, data);
        lm_stage_options options = {
            .mode = LM_COMMIT_IF_MATCH, .match = text, .durability = LM_DURABILITY_NONE};
        lm_stage *stage;
        lm_status status = lm__stage_open(r->store, r->path, &options, &stage, NULL);
        if (status == LM_OK) {
            status = lm__stage_write(stage, next, strlen(next), NULL);
            if (status == LM_OK) status = lm__stage_seal(stage, NULL);
            if (status == LM_OK) status = lm__stage_commit(stage, NULL);
            lm__stage_close(stage);
        }
        if (status == LM_OK)
            i++;
        else if (status != LM_CONFLICT)
            atomic_fetch_add(&r->bad, 1), i++;
    }
    atomic_fetch_sub(&r->writers_left, 1);
}

/* One winner for each entry of a log, and the others know that they lost. */
static void append_all(race *r, uint64_t writer)
{
    char path[500], text[32];
    for (int i = 0; i < r->writes; i++) {
        snprintf(path, sizeof path, "%s-log/%06d", r->path, i);
        snprintf(text, sizeof text, "%d", (int)writer);
        lm_status status = lm__store_put_if_absent(r->store, path, text, strlen(text), NULL);
        if (status == LM_OK)
            atomic_fetch_add(&r->counter, 1);
        else if (status != LM_EXISTS)
            atomic_fetch_add(&r->bad, 1);
        uint8_t *data; /* whoever won, it is there and whole */
        size_t size;
        if (lm__store_read(r->store, path, NULL, 32, &data, &size, NULL) != LM_OK || size == 0 ||
            (status == LM_OK && memcmp(data, text, size) != 0))
            atomic_fetch_add(&r->bad, 1);
        lm__free(NULL, data);
    }
    atomic_fetch_sub(&r->writers_left, 1);
}

typedef void racer(race *r, uint64_t writer);

/* ---- as threads ---- */

typedef struct runner {
    race *r;
    racer *work; /* NULL: reads */
    uint64_t writer;
} runner;

static void *run(void *argument)
{
    runner *me = argument;
    if (me->work)
        me->work(me->r, me->writer);
    else
        read_all(me->r);
    return NULL;
}

static void race_threads(race *r, racer *work, int writers, int readers)
{
    enum { MAX = 32 };
    pthread_t threads[MAX];
    runner runners[MAX];
    atomic_store(&r->writers_left, writers);
    for (int i = 0; i < writers + readers; i++) {
        runners[i] = (runner){r, i < writers ? work : NULL, (uint64_t)i};
        scratch_must(pthread_create(&threads[i], NULL, run, &runners[i]) == 0, "thread");
    }
    for (int i = 0; i < writers + readers; i++) pthread_join(threads[i], NULL);
}

/* ---- as processes ---- */

static void race_processes(race *r, racer *work, int writers, int readers)
{
    pid_t children[64];
    atomic_store(&r->writers_left, writers);
    fflush(stdout);
    for (int i = 0; i < writers + readers; i++) {
        children[i] = fork();
        scratch_must(children[i] >= 0, "fork");
        if (children[i] > 0) continue;
        if (i < writers)
            work(r, (uint64_t)i);
        else
            read_all(r);
        _exit(0);
    }
    for (int i = 0; i < writers + readers; i++) {
        int status;
        CHECK(waitpid(children[i], &status, 0) == children[i]);
        CHECK_INT(status, 0);
    }
}

/* ---- the races ---- */

typedef void starter(race *r, racer *work, int writers, int readers);

typedef struct scene {
    starter *start;
    bool in_memory, no_tmpfile;
    int writers, readers, writes;
} scene;

static void first_version(race *r, const char *text, bool whole)
{
    uint8_t bytes[sizeof(head) + 8192];
    size_t size = whole ? version_make(99, 1, bytes) : strlen(text);
    lm_status status =
        lm__store_put_if_absent(r->store, r->path, whole ? (void *)bytes : text, size, NULL);
    if (status != LM_OK) abort();
}

static lm_status count_entries(void *context, const lm_store_entry *entry, lm_error *error)
{
    (void)entry;
    (void)error;
    ++*(int *)context;
    return LM_OK;
}

static void race_run(const scene *s, racer *work, const char *first)
{
    char here[256];
    lm_posix_store posix;
    lm_store *mem = NULL;
    race *r = mmap(NULL, sizeof *r, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    scratch_must(r != MAP_FAILED, "mmap");
    scratch_make(here);
    lm__posix_store_init(&posix, NULL, NULL);
    posix.no_tmpfile = s->no_tmpfile;
    if (s->in_memory && lm__store_mem_open(NULL, &mem, NULL) != LM_OK) abort();
    r->store = mem ? mem : &posix.store;
    r->writes = s->writes;
    snprintf(r->path, sizeof r->path, "%s/one", here);
    first_version(r, first, work == write_all);

    s->start(r, work, s->writers, s->readers);
    CHECK_INT(r->bad, 0);
    int entries = 0, want = 1;
    if (work == count_up) {
        uint8_t *data = NULL;
        size_t size;
        char total[32];
        snprintf(total, sizeof total, "%d", s->writers * s->writes);
        CHECK_STATUS(lm__store_read(r->store, r->path, NULL, 32, &data, &size, NULL), LM_OK);
        CHECK(data && size == strlen(total) && memcmp(data, total, size) == 0);
        lm__free(NULL, data);
    }
    if (work == append_all) {
        want = 2;
        CHECK_INT(r->counter, s->writes);
    }
    if (work == write_all) printf("# %d reads\n", (int)r->reads);
    CHECK_STATUS(lm__store_list(r->store, here, NULL, count_entries, &entries, NULL), LM_OK);
    CHECK_INT(entries, want);
    if (!mem) CHECK_INT(scratch_count(here), want); /* no temporary file stayed */
    lm__store_close(mem);
    scratch_remove(here);
    munmap(r, sizeof *r);
}

TEST(sixteen_processes_and_eight_readers)
{
    for (int named = 0; named < 2; named++)
        race_run(&(scene){.start = race_processes,
                          .no_tmpfile = named,
                          .writers = 16,
                          .readers = 8,
                          .writes = 20},
                 write_all, NULL);
}

TEST(processes_that_compare)
{
    race_run(&(scene){.start = race_processes, .writers = 8, .writes = 15}, count_up, "0");
}

TEST(processes_that_append)
{
    for (int named = 0; named < 2; named++)
        race_run(&(scene){.start = race_processes, .no_tmpfile = named, .writers = 8, .writes = 20},
                 append_all, "0");
}

TEST(threads_on_a_disk)
{
    scene s = {.start = race_threads, .writers = 8, .readers = 4, .writes = 12};
    race_run(&s, write_all, NULL);
    s.readers = 0;
    race_run(&s, count_up, "0");
    race_run(&s, append_all, "0");
}

TEST(threads_in_memory)
{
    scene s = {.start = race_threads, .in_memory = true, .writers = 8, .readers = 4, .writes = 20};
    race_run(&s, write_all, NULL);
    s.readers = 0;
    race_run(&s, count_up, "0");
    race_run(&s, append_all, "0");
}

int main(void)
{
    umask(022);
    RUN(sixteen_processes_and_eight_readers);
    RUN(processes_that_compare);
    RUN(processes_that_append);
    RUN(threads_on_a_disk);
    RUN(threads_in_memory);
    return DONE();
}
