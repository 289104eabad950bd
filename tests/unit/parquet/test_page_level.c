/* The level at which zstd is asked to compress a chunk's pages (page_level.c). */
#include "check.h"

#include <string.h>

#include "parquet/chunk.h"

#define SIZE ((size_t)1 << 19)

static uint8_t body[SIZE];

/* Hexadecimal digits: the quickest level leaves less of them. */
static void fill_digits(void)
{
    uint64_t state = 1;
    for (size_t i = 0; i < SIZE; i++)
        body[i] = (uint8_t) "0123456789abcdef"[check_random(&state) % 16];
}

/* Prices: looking harder pays. */
static void fill_prices(void)
{
    uint64_t state = 2;
    for (size_t i = 0; i + 8 <= SIZE; i += 8) {
        double price = (double)(check_random(&state) % 5000) / 100;
        memcpy(body + i, &price, 8);
    }
}

static int32_t level_of(lm_chunk *chunk, lm_codec codec, int level, size_t size, bool coded)
{
    static lm_leaf leaf;
    lm_scratch *scratch;
    lm_error error;
    int32_t chosen = -99;
    leaf.codec = codec;
    leaf.level = level;
    chunk->leaf = &leaf;
    CHECK_OK(lm__scratch_new(lm_allocator_default(), &scratch, &error), error);
    CHECK_OK(lm__page_level(chunk, scratch, coded, body, size, &chosen, &error), error);
    lm__scratch_free(scratch);
    return chosen;
}

TEST(the_quickest_level_is_taken_where_it_leaves_as_little)
{
    lm_chunk chunk = {0};
    fill_digits();
    CHECK_INT(level_of(&chunk, LM_CODEC_ZSTD, 3, SIZE, false), 1);
    CHECK_INT(level_of(&(lm_chunk){0}, LM_CODEC_ZSTD, 9, SIZE, false), 1);
    fill_prices();
    CHECK_INT(level_of(&(lm_chunk){0}, LM_CODEC_ZSTD, 3, SIZE, false), 3);
    /* The first page decides for the chunk; pages of indices for themselves. */
    CHECK_INT(level_of(&chunk, LM_CODEC_ZSTD, 3, SIZE, false), 1);
    CHECK_INT(level_of(&chunk, LM_CODEC_ZSTD, 3, SIZE, true), 3);
}

TEST(small_pages_decide_nothing)
{
    lm_chunk chunk = {0};
    fill_digits();
    CHECK_INT(level_of(&chunk, LM_CODEC_ZSTD, 3, 1000, false), 3);
    CHECK(!chunk.levels[0].made);
    CHECK_INT(level_of(&chunk, LM_CODEC_ZSTD, 3, SIZE, false), 1);
    CHECK_INT(level_of(&chunk, LM_CODEC_ZSTD, 3, 1000, false), 1);
}

TEST(other_codecs_and_quick_levels_stay_as_they_are)
{
    lm_chunk chunk = {0};
    fill_digits();
    CHECK_INT(level_of(&chunk, LM_CODEC_GZIP, 6, SIZE, false), 6);
    CHECK_INT(level_of(&chunk, LM_CODEC_ZSTD, -5, SIZE, false), -5);
    CHECK_INT(level_of(&chunk, LM_CODEC_ZSTD, LM_CODEC_LEVEL_DEFAULT, SIZE, false),
              LM_CODEC_LEVEL_DEFAULT);
    CHECK(!chunk.levels[0].made);
}

int main(void)
{
    RUN(the_quickest_level_is_taken_where_it_leaves_as_little);
    RUN(small_pages_decide_nothing);
    RUN(other_codecs_and_quick_levels_stay_as_they_are);
    return DONE();
}
