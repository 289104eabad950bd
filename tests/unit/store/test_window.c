/* Windows on a remote file (window.h), by a fetch that counts and can be held up. */
#define _GNU_SOURCE
#include <pthread.h>
#include <unistd.h>

#include "base/cancel.h"
#include "base/error.h"
#include "base/limits.h"
#include "check.h"
#include "check_alloc.h"
#include "store/window.h"

typedef struct remote {
    uint64_t size;
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    int fetches, fail_at, ahead_of;
    uint64_t fetched, end; /* bytes; behind the furthest one */
    size_t largest;
    bool held, past_end; /* fetches wait; somebody asked behind the end */
    int waiting;
} remote;

static uint8_t byte_at(uint64_t offset) { return (uint8_t)(offset * 31 + (offset >> 13)); }

static lm_status fetch(void *context, uint64_t offset, void *buffer, size_t size,
                       const lm_cancel *cancel, lm_error *error)
{
    remote *r = context;
    pthread_mutex_lock(&r->mutex);
    int number = r->fetches++;
    r->waiting++;
    pthread_cond_broadcast(&r->changed);
    while (r->held && !lm__cancel_requested(cancel)) {
        pthread_mutex_unlock(&r->mutex);
        usleep(1000);
        pthread_mutex_lock(&r->mutex);
    }
    r->waiting--;
    r->fetched += size;
    if (offset + size > r->end) r->end = offset + size;
    if (size > r->largest) r->largest = size;
    r->past_end |= offset + size > r->size || size == 0;
    bool fails = number == r->fail_at, stopped = r->held && lm__cancel_requested(cancel);
    pthread_mutex_unlock(&r->mutex);
    if (stopped) return lm__error_set(error, LM_CANCELLED, "interrupted");
    if (fails) return lm__error_set(error, LM_IO, "a failure was asked for");
    for (size_t i = 0; i < size; i++) ((uint8_t *)buffer)[i] = byte_at(offset + i);
    return LM_OK;
}

static void remote_init(remote *r, uint64_t size)
{
    memset(r, 0, sizeof *r);
    r->size = size;
    r->fail_at = -1;
    pthread_mutex_init(&r->mutex, NULL);
    pthread_cond_init(&r->changed, NULL);
}

static void remote_deinit(remote *r)
{
    CHECK(!r->past_end);
    pthread_cond_destroy(&r->changed);
    pthread_mutex_destroy(&r->mutex);
}

static lm_windows *windows_new(remote *r)
{
    lm_windows *w;
    if (lm__windows_new(NULL, r->size, fetch, r, NULL, &w, NULL) != LM_OK) abort();
    return w;
}

static void check_read(lm_windows *w, uint64_t offset, size_t size)
{
    lm_error error;
    uint8_t *got = malloc(size);
    CHECK_OK(lm__windows_read(w, offset, got, size, &error), error);
    for (size_t i = 0; i < size; i++)
        if (got[i] != byte_at(offset + i)) {
            check_fail(__FILE__, __LINE__, "the byte %llu of a read at %llu is wrong",
                       (unsigned long long)(offset + i), (unsigned long long)offset);
            break;
        }
    free(got);
}

static int fetches(remote *r)
{
    pthread_mutex_lock(&r->mutex);
    int count = r->fetches;
    pthread_mutex_unlock(&r->mutex);
    return count;
}

TEST(a_read_here_and_there_fetches_what_it_wants) /* 2 */
{
    remote r;
    remote_init(&r, 10 * LM_MIB);
    lm_windows *w = windows_new(&r);
    check_read(w, 10 * LM_MIB - 100, 100);
    check_read(w, 5000, 10);
    check_read(w, 3000000, 70000);
    CHECK_INT(r.fetches, 3);
    CHECK_INT(r.fetched, 70110);
    check_read(w, 3000000, 70000);
    check_read(w, 5003, 2);
    CHECK_INT(r.fetches, 3);
    lm__windows_free(w);
    remote_deinit(&r);
}

TEST(reads_in_order_become_windows) /* 1, 2 */
{
    remote r;
    const uint64_t size = 64 * LM_MIB + 4711;
    remote_init(&r, size);
    lm_windows *w = windows_new(&r);
    const size_t step = 64 * LM_KIB;
    for (uint64_t at = 0; at < size; at += step)
        check_read(w, at, size - at < step ? (size_t)(size - at) : step);
    lm__windows_free(w);
    CHECK(r.fetches < 45);
    CHECK_INT(r.fetched, size);
    CHECK_INT(r.largest, LM_WINDOW_BYTES);
    remote_deinit(&r);
}

TEST(what_was_announced_is_fetched_ahead)
{
    remote r;
    remote_init(&r, 32 * LM_MIB);
    lm_windows *w = windows_new(&r);
    lm__windows_coming(w, LM_MIB, 8 * LM_MIB);
    while (fetches(&r) < 1) usleep(1000);
    check_read(w, LM_MIB, 1000);
    CHECK_INT(r.largest, LM_WINDOW_BYTES);
    check_read(w, LM_MIB + LM_WINDOW_BYTES - 1000, 1000); /* late in it: the next is asked for */
    while (fetches(&r) < 2) usleep(1000);
    check_read(w, LM_MIB + LM_WINDOW_BYTES, 1000);
    CHECK_INT(fetches(&r), 2);
    check_read(w, 9 * LM_MIB - 1000, 1000);
    CHECK_INT(fetches(&r), 3);
    CHECK_INT(r.end, 9 * LM_MIB);
    lm__windows_coming(w, 40 * LM_MIB, 1);
    lm__windows_coming(w, 31 * LM_MIB, UINT64_MAX);
    lm__windows_free(w);
    remote_deinit(&r);
}

TEST(short_stretches_that_are_announced_are_one_fetch) /* 2 */
{
    remote r;
    remote_init(&r, 32 * LM_MIB);
    lm_windows *w = windows_new(&r);
    lm__windows_coming(w, 5000, 3000);
    lm__windows_coming(w, 8000, 40 * LM_KIB); /* joined to the first */
    check_read(w, 5000, 10);
    check_read(w, 7000, 2000);
    check_read(w, 40000, 8960);
    CHECK_INT(r.fetches, 1);
    CHECK_INT(r.end, 8000 + 40 * LM_KIB);
    /* Nothing that is there is fetched again, and nothing behind what was announced. */
    check_read(w, 4000, 2000);
    CHECK_INT(r.fetches, 2);
    CHECK_INT(r.fetched, 3000 + 40 * LM_KIB + 1000);
    lm__windows_free(w);
    remote_deinit(&r);
}

TEST(a_large_read_goes_past_the_windows) /* 1 */
{
    remote r;
    remote_init(&r, 32 * LM_MIB);
    lm_windows *w = windows_new(&r);
    check_read(w, 100, 20 * LM_MIB);
    CHECK_INT(r.fetches, 1);
    check_read(w, 90, 2 * LM_MIB); /* begins before, and nothing is kept */
    CHECK_INT(r.fetches, 2);
    lm__windows_free(w);
    remote_deinit(&r);
}

TEST(a_failed_fetch_leaves_nothing) /* 3 */
{
    remote r;
    lm_error error;
    char got[10];
    remote_init(&r, LM_MIB);
    lm_windows *w = windows_new(&r);
    r.fail_at = 0;
    CHECK_STATUS(lm__windows_read(w, 10, got, 10, &error), LM_IO);
    check_read(w, 10, 10);
    CHECK_INT(r.fetches, 2);
    /* One that was fetched ahead in vain. */
    r.fail_at = 2;
    lm__windows_coming(w, 100 * LM_KIB, 200 * LM_KIB);
    while (fetches(&r) < 3) usleep(1000);
    check_read(w, 100 * LM_KIB, 1000);
    lm__windows_free(w);
    remote_deinit(&r);
}

/* ---- threads ---- */

typedef struct reader {
    lm_windows *windows;
    uint64_t from, to;
    uint64_t seed;
    pthread_t thread;
} reader;

static void *reader_run(void *context)
{
    reader *r = context;
    for (uint64_t at = r->from; at < r->to;) {
        size_t size = (size_t)(check_random(&r->seed) % 300000) + 1;
        if (size > r->to - at) size = (size_t)(r->to - at);
        check_read(r->windows, at, size);
        at += size;
        if (check_random(&r->seed) % 20 == 0)
            check_read(r->windows, check_random(&r->seed) % r->to, 0 + 1);
    }
    return NULL;
}

TEST(readers_at_once_get_their_bytes)
{
    enum { READERS = 6 };
    remote r;
    reader readers[READERS];
    const uint64_t size = 24 * LM_MIB;
    remote_init(&r, size);
    lm_windows *w = windows_new(&r);
    for (int i = 0; i < READERS; i++) {
        readers[i] = (reader){w, size / READERS * (uint64_t)i, size / READERS * (uint64_t)(i + 1),
                              (uint64_t)i, 0};
        if (pthread_create(&readers[i].thread, NULL, reader_run, &readers[i]) != 0) abort();
    }
    for (int i = 0; i < READERS; i++) pthread_join(readers[i].thread, NULL);
    lm__windows_free(w);
    remote_deinit(&r);
}

TEST(closing_ends_what_is_fetched_ahead)
{
    remote r;
    remote_init(&r, 32 * LM_MIB);
    lm_windows *w = windows_new(&r);
    r.held = true;
    lm__windows_coming(w, 0, 32 * LM_MIB);
    while (fetches(&r) < 1) usleep(1000);
    lm__windows_free(w);
    lm__windows_free(NULL);
    remote_deinit(&r);
}

TEST(a_cancel_above_ends_whatever_waits)
{
    uint8_t bytes[10];
    remote r;
    lm_windows *w;
    lm_cancel stop = {.requested = 1};
    lm_error error;
    remote_init(&r, 1 << 20);
    r.held = true;
    REQUIRE(lm__windows_new(NULL, r.size, fetch, &r, &stop, &w, &error) == LM_OK);
    lm__windows_coming(w, 0, r.size); /* another thread begins with these bytes */
    CHECK_STATUS(lm__windows_read(w, 0, bytes, sizeof bytes, &error), LM_CANCELLED);
    lm__windows_free(w);
    remote_deinit(&r);
}

TEST(without_memory_it_goes_without_windows)
{
    remote r;
    for (size_t n = 0;; n++) {
        check_alloc memory;
        lm_windows *w;
        lm_error error;
        remote_init(&r, LM_MIB);
        check_alloc_init(&memory, n);
        lm_status status = lm__windows_new(&memory.allocator, r.size, fetch, &r, NULL, &w, &error);
        CHECK_STATUS(status, n == 0 ? LM_NO_MEMORY : LM_OK);
        if (status == LM_OK) check_read(w, 5, 100);
        lm__windows_free(w);
        remote_deinit(&r);
        CHECK_INT(memory.live, 0);
        if (!memory.failed) break;
    }
}

int main(void)
{
    RUN(a_read_here_and_there_fetches_what_it_wants);
    RUN(reads_in_order_become_windows);
    RUN(what_was_announced_is_fetched_ahead);
    RUN(short_stretches_that_are_announced_are_one_fetch);
    RUN(a_large_read_goes_past_the_windows);
    RUN(a_failed_fetch_leaves_nothing);
    RUN(readers_at_once_get_their_bytes);
    RUN(closing_ends_what_is_fetched_ahead);
    RUN(a_cancel_above_ends_whatever_waits);
    RUN(without_memory_it_goes_without_windows);
    return DONE();
}
