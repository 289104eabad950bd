/* Small tables from text, for the tests of CSV. */
#ifndef LM_TESTS_CSV_TABLE_H
#define LM_TESTS_CSV_TABLE_H

#include "arrow/build.h"
#include "arrow/cast.h"

#include "check.h"

/* A stream of one batch, `turns` times. */
typedef struct table_stream {
    lm_stream stream;
    lm_batch *batch;
    int turns;
} table_stream;

static lm_status table_next(lm_stream *stream, lm_batch **batch, lm_error *error)
{
    table_stream *table = (table_stream *)stream;
    (void)error;
    *batch = table->turns-- > 0 ? lm__batch_ref(table->batch) : NULL;
    return LM_OK;
}

static void table_close(lm_stream *stream)
{
    lm__batch_unref(((table_stream *)stream)->batch);
    free(stream);
}

/* Columns of utf8, named as those of `schema`, but for nested ones: those are not in the text, and
 * null. Rows are parted by '\n', cells by '|', "~" for null. */
static lm_batch *table_texts(const lm_schema *schema, const char *rows)
{
    lm_schema *texts;
    lm_builder root;
    lm_batch *batch = NULL;
    int32_t count = 0;
    if (lm__schema_new(NULL, &texts, NULL) != LM_OK) abort();
    for (int32_t i = 0; i < schema->root.n_children; i++)
        count += schema->root.children[i].n_children == 0;
    lm_field *column = lm__field_children(&texts->arena, &texts->root, count);
    for (int32_t i = 0; i < schema->root.n_children; i++)
        if (schema->root.children[i].n_children == 0 &&
            !lm__field_init(&texts->arena, column++, schema->root.children[i].name,
                            lm__type_make(LM_TYPE_UTF8), true))
            abort();
    if (lm__schema_seal(texts, NULL) != LM_OK) abort();
    if (lm__builder_init(&root, NULL, &texts->root, NULL) != LM_OK) abort();
    for (const char *at = rows; *at;) {
        for (int32_t i = 0; i < count; i++) {
            size_t size = strcspn(at, "|\n");
            lm_status status = size == 1 && *at == '~'
                                   ? lm__build_null(&root.children[i])
                                   : lm__build_bytes(&root.children[i], at, size);
            if (status != LM_OK) abort();
            at += size + (at[size] != '\0');
        }
        if (lm__build_struct_end(&root) != LM_OK) abort();
    }
    if (lm__builder_finish(&root, texts, &batch, NULL) != LM_OK) abort();
    lm__builder_deinit(&root);
    lm_schema_free(texts);
    return batch;
}

/* The rows as a stream of `schema` (docs/schema-text.md), as often as `turns` says. */
static void table_stream_make(const char *schema_text, const char *rows, int turns,
                              struct ArrowArrayStream *out)
{
    lm_schema *schema;
    lm_cast *cast;
    lm_batch *batch;
    lm_error error;
    lm_error_clear(&error);
    lm_cast_options safe = {.mode = LM_CAST_SAFE};
    CHECK_OK(lm_schema_parse(NULL, schema_text, strlen(schema_text), &schema, &error), error);
    lm_batch *texts = table_texts(schema, rows);
    CHECK_OK(lm__cast_new(NULL, texts->schema, schema, &safe, &cast, &error), error);
    lm_status status = lm__cast_batch(cast, texts, 0, &batch, &error);
    CHECK_OK(status, error);
    if (status != LM_OK) abort();
    static const lm_stream_ops ops = {table_next, table_close};
    table_stream *stream = calloc(1, sizeof *stream);
    lm__stream_init(&stream->stream, &ops, batch->schema);
    stream->batch = batch;
    stream->turns = turns;
    CHECK_OK(lm__stream_export_take(NULL, &stream->stream, out, &error), error);
    lm__cast_free(cast);
    lm__batch_unref(texts);
    lm_schema_free(schema);
}

#endif
