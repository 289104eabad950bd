/*
 * Two files of any bytes merged in memory, carried over or written anew: what comes of it can be
 * opened and has the rows of both, and it is sound where both of them are. The first byte says how,
 * the next three how long the first file is.
 */
#include <lamella/parquet_merge.h>
#include <lamella/parquet_verify.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "parquet/merge.h"

#define ALLOCATION_BYTES_MAX ((size_t)64 << 20)
#define ENTRIES_MAX 20000 /* a run of levels may claim 2^31 of them in four bytes */
#define RESULT_BYTES_MAX ((size_t)4 << 20)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#include "capped.h"

typedef struct both {
    const uint8_t *data[2];
    size_t size[2];
    lm_memory_source source;
} both;

static lm_status open_part(void *context, size_t index, lm_source **source, lm_error *error)
{
    both *b = context;
    (void)error;
    lm_memory_source_init(&b->source, b->data[index], b->size[index], index ? "b" : "a");
    *source = &b->source.source;
    return LM_OK;
}

static lm_parquet_reader *open_bytes(lm_memory_source *source, const uint8_t *data, size_t size)
{
    lm_parquet_reader_options options = {.page_bytes_max = (size_t)1 << 20, .allocator = &capped};
    lm_parquet_reader *reader;
    lm_memory_source_init(source, data, size, "fuzz");
    return lm_parquet_reader_open(&source->source, &options, &reader, NULL) == LM_OK ? reader
                                                                                     : NULL;
}

/* Not a matter of soundness: such files only take long. */
static bool is_small(const both *b)
{
    int64_t left = ENTRIES_MAX;
    for (int i = 0; i < 2; i++) {
        lm_memory_source source;
        lm_parquet_reader *reader = open_bytes(&source, b->data[i], b->size[i]);
        if (!reader) return true; /* and so it is refused at once */
        bool small =
            reader->rows >= 0 && reader->rows <= left && reader->metadata.row_groups.count <= 64;
        if (small) left -= reader->rows;
        for (size_t g = 0; small && g < reader->metadata.row_groups.count; g++) {
            const lm_row_group *group = &reader->metadata.row_groups.items[g];
            for (size_t k = 0; small && k < group->columns.count; k++) {
                const lm_column_metadata *metadata = group->columns.items[k].meta_data;
                if (metadata && metadata->num_values > left) small = false;
                if (metadata && metadata->num_values > 0) left -= metadata->num_values;
            }
        }
        lm_parquet_reader_close(reader);
        if (!small) return false;
    }
    return true;
}

static lm_status verify(const uint8_t *data, size_t size, int64_t *rows, lm_error *error)
{
    lm_memory_source source;
    lm_parquet_reader *reader = open_bytes(&source, data, size);
    if (!reader) return LM_BROKEN;
    *rows = reader->rows;
    lm_status status = lm_parquet_verify(reader, NULL, NULL, error);
    lm_parquet_reader_close(reader);
    return status;
}

static void check(const both *b, const lm_memory_sink *result)
{
    lm_error error = {0};
    int64_t rows[3];
    lm_status parts = verify(b->data[0], b->size[0], &rows[0], NULL);
    lm_status second = verify(b->data[1], b->size[1], &rows[1], NULL);
    lm_status whole = verify(result->data, result->size, &rows[2], &error);
    if (whole == LM_BROKEN || rows[2] != rows[0] + rows[1]) {
        (void)fprintf(stderr, "a result that cannot be opened, or has other rows\n");
        abort();
    }
    if (parts == LM_OK && second == LM_OK && whole == LM_CORRUPT) {
        (void)fprintf(stderr, "not sound, and the parts are: %s\n", error.message);
        abort();
    }
}

static lm_status merge(both *b, uint8_t how, lm_sink *sink)
{
    lm_parquet_merge_sources sources = {.count = 2, .open = open_part, .context = b};
    lm_parquet_options write = lm_parquet_options_default();
    lm_parquet_merge_options options = {.rewrite = (how & 3) == 1,
                                        .small_rows = (how & 3) == 2 ? 6 : 0,
                                        .write = &write,
                                        .pairs = (lm_parquet_merge_pairs)(how >> 2 & 1),
                                        .alignment = how & 8 ? 64 : 0,
                                        .allocator = &capped};
    lm_parquet_merge *made;
    write.threads = 1;
    lm_status status = lm_parquet_merge_open(&sources, &options, &made, NULL);
    if (status != LM_OK) return status;
    for (size_t i = 0; i < 2 && how & 16; i++) { /* open the files again for everything */
        lm__free(made->allocator, made->parts[i].tail);
        made->parts[i].tail = NULL;
    }
    status = lm_parquet_merge_run(made, sink, NULL, NULL);
    lm_parquet_merge_close(made);
    return status;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    lm_memory_sink result;
    if (size < 4) return 0;
    size_t first = (size_t)data[1] | (size_t)data[2] << 8 | (size_t)data[3] << 16;
    if (first > size - 4) return 0;
    both b = {.data = {data + 4, data + 4 + first}, .size = {first, size - 4 - first}};
    if (!is_small(&b)) return 0;
    lm_memory_sink_init(&result, &capped, RESULT_BYTES_MAX);
    if (merge(&b, data[0], &result.sink) == LM_OK) check(&b, &result);
    lm_memory_sink_deinit(&result);
    return 0;
}
