/*
 * Any bytes as a Parquet file: its schema, all rows as a stream of batches and as canonical text,
 * its pages inspected, all of it verified. A stream says the same with and without views of the
 * source, its batches are sound, filtered ones too, and what is verified can be read, and is not
 * lost to a filter.
 */
#include <lamella/parquet_inspect.h>
#include <lamella/parquet_verify.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "arrow/batch.h"
#include "parquet/canonical.h"

#define ALLOCATION_BYTES_MAX ((size_t)64 << 20)
#define ENTRIES_MAX 20000 /* a run of levels may claim 2^31 of them in four bytes */
#define TEXT_BYTES_MAX ((uint64_t)16 << 20)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#include "capped.h"

/* Not a matter of soundness: such files only take long. */
static bool is_small(const lm_parquet_reader *reader)
{
    int64_t left = ENTRIES_MAX;
    if (reader->rows > ENTRIES_MAX || reader->metadata.row_groups.count > 64) return false;
    for (size_t i = 0; i < reader->metadata.row_groups.count; i++) {
        const lm_row_group *group = &reader->metadata.row_groups.items[i];
        for (size_t k = 0; k < group->columns.count; k++) {
            const lm_column_metadata *metadata = group->columns.items[k].meta_data;
            if (metadata && metadata->num_values > left) return false;
            if (metadata && metadata->num_values > 0) left -= metadata->num_values;
        }
    }
    return true;
}

static lm_parquet_reader *open_bytes(lm_memory_source *source, const uint8_t *data, size_t size,
                                     bool no_views)
{
    lm_parquet_reader_options options = {
        .no_views = no_views,
        .page_bytes_max = (size_t)1 << 20,
        .allocator = &capped,
    };
    lm_parquet_reader *reader;
    lm_memory_source_init(source, data, size, "fuzz");
    return lm_parquet_reader_open(&source->source, &options, &reader, NULL) == LM_OK ? reader
                                                                                     : NULL;
}

static lm_status null_write(lm_sink *sink, const void *data, size_t size, lm_error *error)
{
    (void)data;
    (void)size;
    (void)error;
    return sink->bytes > TEXT_BYTES_MAX ? LM_LIMIT : LM_OK;
}

static lm_status null_finish(lm_sink *sink, lm_error *error)
{
    (void)sink;
    (void)error;
    return LM_OK;
}

static void null_abort(lm_sink *sink) { (void)sink; }

static lm_status write_text(lm_parquet_reader *reader)
{
    static const lm_sink_ops ops = {null_write, null_finish, null_abort};
    lm_sink sink;
    lm_sink_init(&sink, &ops);
    lm_status status = lm__canonical_write(reader, &sink, NULL);
    lm_sink_abort(&sink);
    return status;
}

static lm_status page_text(void *context, const lm_parquet_page_info *page, lm_error *error)
{
    char text[64];
    (void)error;
    lm_parquet_reader *reader = context;
    if (page->statistics.min.data)
        (void)lm_parquet_value_text(reader, 0, page->statistics.min, text, sizeof text);
    return LM_OK;
}

static void inspect(lm_parquet_reader *reader)
{
    lm_parquet_file_info file = lm_parquet_inspect_file(reader);
    lm_parquet_chunk_info chunk;
    char text[64];
    for (int64_t i = 0; i < file.row_groups; i++) {
        (void)lm_parquet_inspect_row_group(reader, i);
        for (int32_t k = 0; k < file.columns; k++) {
            (void)lm_parquet_column_path(reader, k, text, sizeof text);
            (void)lm_parquet_column_type(reader, k, text, sizeof text);
            if (lm_parquet_inspect_chunk(reader, i, k, &chunk, NULL) != LM_OK) continue;
            if (chunk.statistics.max.data)
                (void)lm_parquet_value_text(reader, k, chunk.statistics.max, text, sizeof text);
            if (!chunk.encrypted && chunk.in_file)
                (void)!lm_parquet_inspect_pages(reader, i, k, page_text, reader, NULL);
        }
    }
}

/* A decimal beyond its column's precision is handed on as it is stored. */
static void unsound(const lm_error *error)
{
    if (strstr(error->message, " digits")) return;
    (void)fprintf(stderr, "a batch that is not sound: %s\n", error->message);
    abort();
}

/* Rows of the whole stream, or -1 when it fails. */
static int64_t read_all(lm_parquet_reader *reader, const lm_parquet_read_options *options)
{
    struct ArrowArrayStream source;
    lm_stream *stream;
    lm_batch *batch = NULL;
    lm_error error;
    int64_t rows = 0;
    if (lm_parquet_read_stream(reader, options, &source, NULL) != LM_OK) return -1;
    if (lm__stream_import_take(&capped, &source, LM_VALIDATE_NONE, &stream, NULL) != LM_OK)
        return -1;
    lm_status status;
    while ((status = lm__stream_next(stream, &batch, NULL)) == LM_OK && batch) {
        rows += lm__batch_rows(batch);
        status = lm__batch_validate(batch, LM_VALIDATE_STRUCTURE, &error);
        if (status == LM_OK) status = lm__batch_validate(batch, LM_VALIDATE_TEXT, &error);
        if (status != LM_OK && status != LM_NO_MEMORY) unsound(&error);
        lm__batch_unref(batch);
    }
    lm__stream_close(stream);
    return status == LM_OK ? rows : -1;
}

/* The column's name as an expression has it, quoted. */
static bool quote_name(const char *name, char *text, size_t size)
{
    size_t at = 0;
    text[at++] = '"';
    for (; *name && at + 4 < size; name++) {
        if (*name == '"') text[at++] = '"';
        text[at++] = *name;
    }
    text[at++] = '"';
    text[at] = '\0';
    return *name == '\0';
}

/* What a file says of its values may be a lie, which loses rows to a filter; where it was verified
 * as `true_claims`, none are lost. */
static void read_filtered(lm_parquet_reader *reader, const char *text, bool true_claims)
{
    lm_expr *expr;
    if (lm_expr_parse(&capped, text, strlen(text), &expr, NULL) != LM_OK) return;
    lm_parquet_read_options options = {.threads = 1, .filter = expr};
    int64_t pruned = read_all(reader, &options);
    options.no_pruning = true;
    int64_t all = true_claims && pruned >= 0 ? read_all(reader, &options) : -1;
    lm_expr_free(expr);
    if (all < 0 || all == pruned) return;
    (void)fprintf(stderr, "%s: %lld rows, %lld unpruned\n", text, (long long)pruned,
                  (long long)all);
    abort();
}

static void read_compared(lm_parquet_reader *reader, const char *name, const char *literal,
                          bool true_claims)
{
    static const char *const forms[] = {"not %s < %s and %s <> %s", "%s = %s or %s in (%s, null)"};
    char text[1200];
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
        (void)snprintf(text, sizeof text, forms[i], name, literal, name, literal);
        read_filtered(reader, text, true_claims);
    }
}

/* Of the first columns: are they null, and how do they compare to whatever literal does, and to a
 * bound of the leaf of that number, which is theirs unless one before is nested? */
static void read_columns_filtered(lm_parquet_reader *reader, bool true_claims)
{
    static const char *const literals[] = {"'5'", "date '2024-01-01'", "time '12:00'", "true",
                                           "x'00'"};
    const lm_parquet_file_info file = lm_parquet_inspect_file(reader);
    struct ArrowSchema schema;
    char name[256], text[300], bound[80];
    if (lm_parquet_reader_schema(reader, NULL, &schema, NULL) != LM_OK) return;
    for (int32_t i = 0; i < (int32_t)schema.n_children && i < 3; i++) {
        lm_parquet_chunk_info chunk;
        if (!quote_name(schema.children[i]->name, name, sizeof name)) continue;
        (void)snprintf(text, sizeof text, "%s is null", name);
        read_filtered(reader, text, true_claims);
        for (size_t k = 0; k < sizeof literals / sizeof *literals; k++)
            read_compared(reader, name, literals[k], true_claims);
        if (file.row_groups == 0 || i >= file.columns ||
            lm_parquet_inspect_chunk(reader, 0, i, &chunk, NULL) != LM_OK ||
            !chunk.statistics.min.data)
            continue;
        (void)lm_parquet_value_text(reader, i, chunk.statistics.min, text, 64);
        read_compared(reader, name, text, true_claims);
        (void)snprintf(bound, sizeof bound, "'%.64s'", text);
        read_compared(reader, name, bound, true_claims);
    }
    schema.release(&schema);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const lm_parquet_read_options whole = {.threads = 1};
    static const lm_parquet_read_options kept = {
        .threads = 1, .dictionaries = LM_DICTIONARIES_KEEP, .ignore_arrow_schema = true};
    lm_memory_source viewed, copied;
    lm_parquet_reader *reader = open_bytes(&viewed, data, size, false);
    if (!reader) return 0;
    if (is_small(reader)) {
        int64_t rows = read_all(reader, &whole);
        if (rows >= 0 && rows != lm_parquet_reader_rows(reader)) abort();
        (void)read_all(reader, &kept);
        inspect(reader);
        lm_status verified = lm_parquet_verify(reader, NULL, NULL, NULL);
        read_columns_filtered(reader, verified == LM_OK);
        lm_status written = write_text(reader);
        if (verified == LM_OK && written != LM_OK && written != LM_LIMIT && written != LM_NO_MEMORY)
            abort();
        lm_parquet_reader *other = open_bytes(&copied, data, size, true);
        if (other && read_all(other, &whole) != rows) abort();
        lm_parquet_reader_close(other);
    }
    lm_parquet_reader_close(reader);
    return 0;
}
