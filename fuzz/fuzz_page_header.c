/* Any bytes as a page header, a column index, an offset index, a bloom filter and an encrypted
 * file's metadata: what is read is written and read to the same. */
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "parquet/bloom.h"
#include "parquet/metadata.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { PAGE_HEADER, COLUMN_INDEX, OFFSET_INDEX, KINDS };

static bool pass(int kind, const void *data, size_t size, lm_buffer *out)
{
    lm_arena arena;
    lm_page_header page;
    lm_column_index column;
    lm_offset_index offsets;
    lm_status status, written = LM_OK;
    size_t taken = 0;
    lm__arena_init(&arena, NULL, 64 * LM_MIB);
    switch (kind) {
    case PAGE_HEADER:
        status = lm__page_header_read(data, size, &arena, &page, &taken, NULL);
        if (status == LM_OK && taken > size) abort();
        if (status == LM_OK) written = lm__page_header_write(&page, out);
        break;
    case COLUMN_INDEX:
        status = lm__column_index_read(data, size, &arena, &column, NULL);
        if (status == LM_OK) written = lm__column_index_write(&column, out);
        break;
    default:
        status = lm__offset_index_read(data, size, &arena, &offsets, NULL);
        if (status == LM_OK) written = lm__offset_index_write(&offsets, out);
        break;
    }
    lm__arena_deinit(&arena);
    if (written != LM_OK) abort();
    return status == LM_OK;
}

static void read_others(const uint8_t *data, size_t size)
{
    lm_arena arena;
    lm_bloom bloom;
    lm_file_crypto_metadata crypto;
    size_t taken;
    if (lm__bloom_read(&bloom, NULL, data, size, NULL) == LM_OK)
        (void)lm__bloom_has(&bloom, data, size);
    lm__bloom_deinit(&bloom);
    lm__arena_init(&arena, NULL, 64 * LM_MIB);
    (void)!lm__file_crypto_read(data, size, &arena, &crypto, &taken, NULL);
    lm__arena_deinit(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    for (int kind = 0; kind < KINDS; kind++) {
        lm_buffer once, twice;
        lm__buffer_init(&once, NULL, 0);
        lm__buffer_init(&twice, NULL, 0);
        if (pass(kind, data, size, &once)) {
            if (!pass(kind, once.data, once.size, &twice)) abort();
            if (once.size != twice.size || memcmp(once.data, twice.data, once.size) != 0) abort();
        }
        lm__buffer_deinit(&once);
        lm__buffer_deinit(&twice);
    }
    read_others(data, size);
    return 0;
}
