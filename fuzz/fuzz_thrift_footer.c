/* Any bytes as a footer; one that is read is written, and what was written is read to the same. */
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "parquet/metadata.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Reads, and writes what was read; false when it is no footer. */
static bool pass(const void *data, size_t size, lm_buffer *out)
{
    lm_arena arena;
    lm_file_metadata file;
    lm_error error;
    lm__arena_init(&arena, NULL, 64 * LM_MIB);
    lm_status status = lm__footer_read(data, size, NULL, &arena, &file, &error);
    if (status == LM_OK && lm__footer_write(&file, out) != LM_OK) abort();
    lm__arena_deinit(&arena);
    if (status != LM_OK && status != LM_CORRUPT && status != LM_LIMIT) abort();
    return status == LM_OK;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    lm_buffer once, twice;
    lm__buffer_init(&once, NULL, 0);
    lm__buffer_init(&twice, NULL, 0);
    if (pass(data, size, &once)) {
        if (!pass(once.data, once.size, &twice)) abort();
        if (once.size != twice.size || memcmp(once.data, twice.data, once.size) != 0) abort();
    }
    lm__buffer_deinit(&once);
    lm__buffer_deinit(&twice);
    return 0;
}
