/* Tables for the tests of io: numbered rows in a few columns, put into files. Wants _GNU_SOURCE. */
#ifndef LM_TESTS_IO_TABLES_H
#define LM_TESTS_IO_TABLES_H

#include <lamella/io.h>

#include "arrow/build.h"
#include "base/alloc.h"
#include "check.h"
#include "scratch.h"

#define TABLE_SCHEMA                                                                               \
    "id: int64 not null, s: struct<x: int64, y: utf8>, l: list<item: struct<p: int64, q: int64>>"

/* Gives rows [at, end) in batches of `step`: id the row's number, s.x ten times that, s.y its text
 * or null for every third, l a list of (row % 3) items. */
typedef struct rows_stream {
    lm_stream stream;
    int64_t at, end, step;
} rows_stream;

static inline lm_status table_row(lm_builder *root, int64_t row)
{
    char text[32];
    lm_builder *id = &root->children[0], *s = &root->children[1], *l = &root->children[2];
    if (lm__builder_reserve(id, 1) || lm__builder_reserve(&s->children[0], 1)) return LM_NO_MEMORY;
    lm__build_i64(id, row);
    lm__build_i64(&s->children[0], row * 10);
    int size = snprintf(text, sizeof text, "row %" PRId64, row);
    lm_status status = row % 3 == 0 ? lm__build_null(&s->children[1])
                                    : lm__build_bytes(&s->children[1], text, (size_t)size);
    if (status == LM_OK) status = lm__build_struct_end(s);
    for (int64_t i = 0; i < row % 3 && status == LM_OK; i++) {
        lm_builder *item = &l->children[0];
        if (lm__builder_reserve(&item->children[0], 1) ||
            lm__builder_reserve(&item->children[1], 1))
            return LM_NO_MEMORY;
        lm__build_i64(&item->children[0], row);
        lm__build_i64(&item->children[1], i);
        status = lm__build_struct_end(item);
    }
    return status == LM_OK ? lm__build_list_end(l) : status;
}

static inline lm_status rows_next(lm_stream *stream, lm_batch **batch, lm_error *error)
{
    rows_stream *rows = (rows_stream *)stream;
    lm_builder root;
    if (rows->at == rows->end) return LM_OK;
    lm_status status = lm__builder_init(&root, NULL, &stream->schema->root, error);
    if (status != LM_OK) return status;
    for (int64_t i = 0; i < rows->step && rows->at < rows->end && status == LM_OK; i++)
        status = table_row(&root, rows->at++);
    if (status == LM_OK) status = lm__builder_finish(&root, stream->schema, batch, error);
    lm__builder_deinit(&root);
    return status;
}

static inline void rows_close(lm_stream *stream) { free(stream); }

static inline void table_stream(int64_t first, int64_t count, int64_t step,
                                struct ArrowArrayStream *out)
{
    static const lm_stream_ops ops = {rows_next, rows_close};
    rows_stream *rows = calloc(1, sizeof *rows);
    lm_schema *schema = NULL;
    scratch_must(rows && lm_schema_parse(NULL, TABLE_SCHEMA, strlen(TABLE_SCHEMA), &schema, NULL) ==
                             LM_OK,
                 "a table");
    lm__stream_init(&rows->stream, &ops, schema);
    lm_schema_free(schema);
    *rows = (rows_stream){rows->stream, first, first + count, step};
    scratch_must(lm__stream_export_take(NULL, &rows->stream, out, NULL) == LM_OK, "a stream");
}

/* Rows [first, first + count) as a file, in the format of its suffix; row groups of 100 rows. */
static inline void table_put(const char *path, int64_t first, int64_t count)
{
    struct ArrowArrayStream stream;
    lm_error error = {0};
    lm_parquet_options parquet = lm_parquet_options_default();
    lm_file_options file = {.durability = LM_DURABILITY_NONE};
    parquet.row_group_rows_max = 100;
    parquet.threads = 1;
    lm_put_options options = {.parquet = &parquet, .file = &file};
    table_stream(first, count, 70, &stream);
    if (lm_put_stream_take(path, &stream, &options, NULL, &error) != LM_OK) {
        fprintf(stderr, "%s\n", error.message);
        abort();
    }
}

static inline void file_put(const char *path, const char *text)
{
    lm_file_options file = {.durability = LM_DURABILITY_NONE};
    scratch_must(lm_publish_bytes(path, text, strlen(text), &file, NULL, NULL) == LM_OK, path);
}

#endif
