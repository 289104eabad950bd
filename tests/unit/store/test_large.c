/* A file past 4 GiB: its size is told as it is, and it is read at the edges of 31 and 32 bits.
 * Memory is left out: it would need as much. */
#define _GNU_SOURCE
#include "stores.h"

static const uint64_t large = (UINT64_C(4) << 30) + 70001;
enum { BLOCK = 1 << 20 };

/* Each block tells its number, then repeats itself. */
static void fill(uint64_t *block, uint64_t number)
{
    for (size_t i = 0; i < BLOCK / sizeof *block; i++) block[i] = number * 1000003 + i;
}

static void check_at(lm_source *source, uint64_t offset, size_t size)
{
    uint8_t got[1000];
    uint64_t *block = malloc(BLOCK);
    lm_error error;
    scratch_must(block != NULL, "memory");
    CHECK_OK(lm_source_read(source, offset, got, size, &error), error);
    /* Simulated blocks have a size and no bytes. */
    for (size_t i = 0; i < size && !getenv("LAMELLA_TEST_SIMULATED"); i++) {
        uint64_t place = offset + i;
        if (i == 0 || place % BLOCK == 0) fill(block, place / BLOCK);
        if (got[i] == ((uint8_t *)block)[place % BLOCK]) continue;
        check_fail(__FILE__, __LINE__, "byte %" PRIu64 " differs", place);
        break;
    }
    free(block);
}

static bool write_large(bench *b)
{
    uint64_t *block = malloc(BLOCK);
    lm_stage *stage;
    lm_error error;
    lm_status status;
    scratch_must(block != NULL, "memory");
    CHECK_OK(status = lm__stage_open(b->store, at(b, "a"), NULL, &stage, &error), error);
    for (uint64_t from = 0; status == LM_OK && from < large; from += BLOCK) {
        fill(block, from / BLOCK);
        status = lm__stage_write(stage, block, large - from < BLOCK ? large - from : BLOCK, &error);
    }
    if (status == LM_OK) status = lm__stage_seal(stage, &error);
    if (status == LM_OK) CHECK_INT(stage->sealed.size, large);
    if (status == LM_OK) status = lm__stage_commit(stage, &error);
    CHECK_OK(status, error);
    lm__stage_close(stage);
    free(block);
    return status == LM_OK;
}

TEST(past_four_gib)
{
    static const uint64_t edges[] = {0, (UINT64_C(1) << 31) - 500, UINT64_C(1) << 31,
                                     (UINT64_C(1) << 32) - 500, UINT64_C(1) << 32};
    bench b;
    lm_source *source;
    lm_store_stat stat;
    bench_open(&b, 0);
    if (write_large(&b)) {
        CHECK_STATUS(lm__store_stat(b.store, at(&b, "a"), true, &stat, NULL), LM_OK);
        CHECK_INT(stat.size, large);
        CHECK_INT(list(&b, NULL).bytes, large);
        CHECK_STATUS(lm__store_open(b.store, at(&b, "a"), &source, NULL), LM_OK);
        CHECK_INT(source->size, large);
        for (size_t i = 0; i < sizeof edges / sizeof *edges; i++) check_at(source, edges[i], 1000);
        check_at(source, large - 1000, 1000);
        check_at(source, large - 1, 1);
        uint8_t byte;
        CHECK_STATUS(lm_source_read(source, large, &byte, 1, NULL), LM_CORRUPT);
        lm_source_close(source);
        CHECK_STATUS(lm__store_remove(b.store, at(&b, "a"), LM_DURABILITY_FULL, NULL), LM_OK);
    }
    bench_close(&b);
}

int main(void)
{
    RUN(past_four_gib);
    return DONE();
}
