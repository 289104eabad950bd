/* What was written is read, every byte at its place: sizes around buffers and blocks, ranges at
 * every edge, writes in pieces of every size, many readers of one source. */
#define _GNU_SOURCE
#include "stores.h"

#include <pthread.h>

/* The byte at each place, so that no range looks like another. */
static void fill(uint8_t *data, uint64_t offset, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        uint64_t z = (offset + i) * 0x9e3779b97f4a7c15u;
        data[i] = (uint8_t)(z >> 56 ^ z >> 33);
    }
}

static void check_range(lm_source *source, uint64_t offset, size_t size)
{
    lm_error error;
    uint8_t *got = malloc(size + 1), *want = malloc(size + 1);
    scratch_must(got && want, "memory");
    got[size] = 77;
    fill(want, offset, size);
    lm_status status = lm_source_read(source, offset, got, size, &error);
    if (status != LM_OK)
        check_fail(__FILE__, __LINE__, "%zu bytes from %" PRIu64 " of %" PRIu64 ": %s", size,
                   offset, source->size, error.message);
    else if (memcmp(got, want, size) != 0)
        check_fail(__FILE__, __LINE__, "%zu bytes from %" PRIu64 " of %" PRIu64 " differ", size,
                   offset, source->size);
    CHECK_INT(got[size], 77);
    free(got);
    free(want);
}

static const uint32_t sizes[] = {0,       1,       2,       511,     512,     513,
                                 4095,    4096,    4097,    65535,   65536,   65537,
                                 262143,  262145,  1048575, 1048576, 1048577, 2097151,
                                 2097152, 2097153, 4194303, 4194304, 4194305, 8388613};
enum { SIZES = sizeof sizes / sizeof *sizes };

static uint8_t *content(size_t size)
{
    uint8_t *data = malloc(size + 1);
    scratch_must(data != NULL, "memory");
    fill(data, 0, size);
    return data;
}

ON_EACH(every_range_of_every_size)
{
    uint8_t *data = content(sizes[SIZES - 1]), byte;
    lm_source *source;
    lm_error error;
    uint64_t seed = 1;
    for (int i = 0; i < SIZES; i++) {
        uint32_t size = sizes[i];
        CHECK_STATUS(put_bytes(b, "a", data, size, (lm_stage_options){0}), LM_OK);
        CHECK_OK(lm__store_open(b->store, at(b, "a"), &source, &error), error);
        if (check_failed) break;
        CHECK_INT(source->size, size);
        check_range(source, 0, size);
        check_range(source, 0, 0);
        check_range(source, size, 0);
        CHECK_STATUS(lm_source_read(source, size, &byte, 1, NULL), LM_CORRUPT);
        CHECK_STATUS(lm_source_read(source, (uint64_t)size + 1, &byte, 1, NULL), LM_CORRUPT);
        CHECK_STATUS(lm_source_read(source, UINT64_MAX, &byte, 1, NULL), LM_CORRUPT);
        CHECK(lm_source_read(source, 0, data, (size_t)size + 1, NULL) == LM_CORRUPT);
        if (size > 0) {
            check_range(source, 0, 1);
            check_range(source, size - 1, 1);
            check_range(source, size / 2, size - size / 2);
        }
        for (uint32_t edge = 4096; edge < size; edge *= 4) {
            check_range(source, edge - 1, 1);
            check_range(source, edge - 1, size - edge < 2 ? 1 : 2);
            check_range(source, edge, 1);
        }
        for (int k = 0; k < 8 && size > 0; k++) {
            uint64_t from = check_random(&seed) % size, room = size - from;
            check_range(source, from, (size_t)(check_random(&seed) % (room + 1)));
        }
        lm_source_close(source);
    }
    free(data);
}

/* In pieces of one byte, of odd sizes, and larger than any buffer. */
ON_EACH(pieces_of_every_size_make_the_same_bytes)
{
    static const size_t pieces[] = {1, 7, 4095, 65536, 65537, 1 << 20, 3000017};
    for (size_t i = 0; i < sizeof pieces / sizeof *pieces; i++) {
        size_t size = pieces[i] < 10 ? 20011 : 3000017;
        uint8_t *data = content(size);
        char whole[LM_CHECKSUM_TEXT_MAX] = "";
        lm_stage *stage;
        lm_source *source;
        lm_stage_options options = {.checksum = LM_CHECKSUM_SHA256,
                                    .size_expected = i % 2 ? size : 0};
        CHECK_STATUS(lm__stage_open(b->store, at(b, "a"), &options, &stage, NULL), LM_OK);
        CHECK_STATUS(lm__stage_write(stage, data, 0, NULL), LM_OK);
        for (size_t from = 0; from < size; from += pieces[i])
            CHECK_STATUS(lm__stage_write(stage, data + from,
                                         size - from < pieces[i] ? size - from : pieces[i], NULL),
                         LM_OK);
        CHECK_STATUS(lm__stage_seal(stage, NULL), LM_OK);
        CHECK_INT(stage->sealed.size, size);
        CHECK_STATUS(lm__stage_commit(stage, NULL), LM_OK);
        CHECK_STATUS(
            lm__store_checksum(b->store, at(b, "a"), LM_CHECKSUM_SHA256, NULL, whole, NULL), LM_OK);
        CHECK_TEXT(whole, stage->sealed.checksum);
        lm__stage_close(stage);
        CHECK_STATUS(lm__store_open(b->store, at(b, "a"), &source, NULL), LM_OK);
        if (check_failed) return;
        check_range(source, 0, size);
        lm_source_close(source);
        free(data);
    }
}

/* A size that was expected and does not come is no reason to fail, nor to make up bytes. */
ON_EACH(the_expected_size_is_a_guess)
{
    static const uint64_t guesses[] = {1, 100, 5 << 20};
    for (size_t i = 0; i < 3; i++) {
        lm_stage_options options = {.size_expected = guesses[i]};
        CHECK_STATUS(put(b, "a", "0123456789", options), LM_OK);
        CHECK(is(b, "a", "0123456789"));
    }
}

typedef struct reading {
    pthread_t thread;
    lm_source *source;
    uint64_t seed;
    int wrong;
} reading;

static void *read_randomly(void *context)
{
    reading *r = context;
    uint8_t got[3000], want[3000];
    for (int i = 0; i < 60; i++) {
        uint64_t from = check_random(&r->seed) % (r->source->size - sizeof got);
        size_t size = check_random(&r->seed) % sizeof got;
        fill(want, from, size);
        if (lm_source_read(r->source, from, got, size, NULL) != LM_OK ||
            memcmp(got, want, size) != 0)
            r->wrong++;
    }
    return NULL;
}

ON_EACH(many_threads_read_one_source)
{
    enum { THREADS = 8, SIZE = 2500000 };
    reading threads[THREADS];
    uint8_t *data = content(SIZE);
    lm_source *source;
    CHECK_STATUS(put_bytes(b, "a", data, SIZE, (lm_stage_options){0}), LM_OK);
    free(data);
    REQUIRE(lm__store_open(b->store, at(b, "a"), &source, NULL) == LM_OK);
    for (int i = 0; i < THREADS; i++) {
        threads[i] = (reading){.source = source, .seed = (uint64_t)i};
        scratch_must(pthread_create(&threads[i].thread, NULL, read_randomly, &threads[i]) == 0,
                     "pthread_create");
    }
    for (int i = 0; i < THREADS; i++) {
        pthread_join(threads[i].thread, NULL);
        CHECK_INT(threads[i].wrong, 0);
    }
    lm_source_close(source);
}

int main(void)
{
    RUN(every_range_of_every_size);
    RUN(pieces_of_every_size_make_the_same_bytes);
    RUN(the_expected_size_is_a_guess);
    RUN(many_threads_read_one_source);
    return DONE();
}
