/* What the tests of merging share: files made of a schema's text, footers changed, sources of files
 * in memory, and merges of them. */
#ifndef LM_TESTS_MERGING_H
#define LM_TESTS_MERGING_H

#include <lamella/parquet.h>
#include <lamella/parquet_verify.h>

#include "arrow/build.h"
#include "base/alloc.h"
#include "base/bits.h"
#include "base/error.h"
#include "check.h"
#include "check_alloc.h"
#include "parquet/canonical.h"
#include "parquet/merge.h"

/* Files in memory, as sources: which one is open, and how often. */
typedef struct files {
    lm_memory_sink *items;
    size_t count;
    lm_source source;
    size_t at;     /* of the open one */
    int live;      /* open now */
    int opened[8]; /* how often each was */
    bool no_views;
    int changed_at;         /* opened for so many times, a file is another */
    lm_memory_sink *change; /* that is, this one */
    const lm_memory_sink *now;
} files;

static files *files_of(lm_source *source)
{
    return (files *)((char *)source - offsetof(files, source));
}

static lm_status files_read(lm_source *source, uint64_t offset, void *buffer, size_t size,
                            lm_error *error)
{
    (void)error;
    memcpy(buffer, files_of(source)->now->data + offset, size);
    return LM_OK;
}

static const void *files_view(lm_source *source, uint64_t offset, size_t size)
{
    (void)size;
    return files_of(source)->no_views ? NULL : files_of(source)->now->data + offset;
}

static void files_close(lm_source *source) { files_of(source)->live--; }

static lm_status files_open(void *context, size_t index, lm_source **source, lm_error *error)
{
    static const lm_source_ops ops = {files_read, files_view, files_close};
    static const char *const names[] = {"a", "b", "c", "d", "e", "f", "g", "h"};
    files *f = context;
    (void)error;
    CHECK_INT(f->live++, 0); /* one at a time: merge.h, invariant 1 */
    f->at = index;
    f->now = &f->items[index];
    if (f->change && ++f->opened[index] > f->changed_at) f->now = f->change;
    f->source = (lm_source){&ops, f->now->size, names[index]};
    *source = &f->source;
    return LM_OK;
}

static inline lm_status merge_files(files *f, const lm_parquet_merge_options *options,
                                    lm_sink *sink, lm_parquet_merge_summary *summary,
                                    lm_parquet_result *result, lm_error *error)
{
    lm_parquet_merge_sources sources = {.count = f->count, .open = files_open, .context = f};
    lm_parquet_merge *merge;
    LM_TRY(lm_parquet_merge_open(&sources, options, &merge, error));
    CHECK_INT(f->live, 0);
    if (summary) *summary = *lm_parquet_merge_plan(merge);
    lm_status status = lm_parquet_merge_run(merge, sink, result, error);
    CHECK_INT(f->live, 0);
    lm_parquet_merge_close(merge);
    return status;
}

/* A value for each row, by its number; every few rows a null where there may be. */
static lm_status fill_value(lm_builder *to, const lm_field *field, int64_t row)
{
    char text[32];
    if (field->nullable && (row * 7 + field->name[0]) % 5 == 0) return lm__build_null(to);
    switch (field->type.id) {
    case LM_TYPE_STRUCT:
        for (int32_t i = 0; i < field->n_children; i++)
            LM_TRY(fill_value(&to->children[i], &field->children[i], row));
        return lm__build_struct_end(to);
    case LM_TYPE_LIST:
        for (int64_t i = 0; i < row % 4; i++)
            LM_TRY(fill_value(&to->children[0], &field->children[0], row + 3 * i));
        return lm__build_list_end(to);
    case LM_TYPE_BINARY:
    case LM_TYPE_UTF8:
        snprintf(text, sizeof text, "%s%lld", field->name, (long long)row);
        return lm__build_bytes(to, text, strlen(text));
    case LM_TYPE_FLOAT64:
        LM_TRY(lm__builder_reserve(to, 1));
        lm__build_f64(to, 0.5 * (double)row);
        return LM_OK;
    case LM_TYPE_BOOL:
        LM_TRY(lm__builder_reserve(to, 1));
        lm__build_bool(to, row % 3 == 0);
        return LM_OK;
    case LM_TYPE_DECIMAL128: {
        int64_t wide[2] = {row, 0};
        LM_TRY(lm__builder_reserve(to, 1));
        lm__build_fixed(to, wide);
        return LM_OK;
    }
    default:
        LM_TRY(lm__builder_reserve(to, 1));
        lm__build_int(to, row);
        return LM_OK;
    }
}

static lm_status write_rows(lm_builder *root, lm_schema *schema, int64_t first, int64_t rows,
                            const lm_parquet_options *options, lm_memory_sink *sink,
                            lm_error *error)
{
    struct ArrowSchema exported;
    struct ArrowArray array;
    lm_parquet_writer *writer;
    lm_batch *batch;
    for (int64_t row = first; row < first + rows; row++)
        for (int32_t i = 0; i < schema->root.n_children; i++)
            LM_TRY(fill_value(&root->children[i], &schema->root.children[i], row));
    LM_TRY(lm__builder_finish(root, schema, &batch, error));
    LM_TRY(lm__batch_export(batch, &array, error));
    lm__batch_unref(batch);
    LM_TRY(lm_schema_export(schema, &exported, error));
    LM_TRY(lm_parquet_writer_open(&sink->sink, &exported, options, &writer, error));
    exported.release(&exported);
    if (rows)
        LM_TRY(lm_parquet_writer_write(writer, &array, error));
    else
        array.release(&array);
    LM_TRY(lm_parquet_writer_finish(writer, NULL, error));
    return lm_sink_finish(&sink->sink, error);
}

static inline lm_parquet_options small_options(void)
{
    lm_parquet_options options = lm_parquet_options_default();
    options.threads = 1;
    options.row_group_rows_max = 40;
    options.page_rows_max = 16;
    return options;
}

/* A file of rows [first, first + rows) of the schema. */
static inline void make_file(lm_memory_sink *sink, const char *schema_text, int64_t first,
                             int64_t rows, const lm_parquet_options *options)
{
    lm_parquet_options standard = small_options();
    lm_schema *schema;
    lm_builder root;
    lm_error error;
    lm_memory_sink_init(sink, NULL, SIZE_MAX / 4);
    CHECK_OK(lm_schema_parse(NULL, schema_text, strlen(schema_text), &schema, &error), error);
    CHECK_OK(lm__builder_init(&root, lm_allocator_default(), &schema->root, &error), error);
    CHECK_OK(write_rows(&root, schema, first, rows, options ? options : &standard, sink, &error),
             error);
    lm__builder_deinit(&root);
    lm_schema_free(schema);
}

/* The footer of a file; lm__arena_deinit frees it. */
static inline void read_footer(const lm_memory_sink *file, lm_arena *arena, lm_file_metadata *out)
{
    size_t footer = lm__load32(file->data + file->size - 8);
    lm_error error;
    lm__arena_init(arena, NULL, 0);
    CHECK_OK(
        lm__footer_read(file->data + file->size - 8 - footer, footer, NULL, arena, out, &error),
        error);
}

/* The same file with its footer changed. */
static inline void change_footer(lm_memory_sink *file,
                                 void (*change)(lm_file_metadata *metadata, lm_arena *arena))
{
    lm_file_metadata metadata;
    lm_memory_sink changed;
    lm_arena arena;
    lm_buffer footer;
    lm_error error;
    size_t body = file->size - 8 - lm__load32(file->data + file->size - 8);
    read_footer(file, &arena, &metadata);
    change(&metadata, &arena);
    lm__buffer_init(&footer, NULL, 0);
    CHECK_OK(lm__footer_write(&metadata, &footer), error);
    uint32_t size = (uint32_t)footer.size;
    lm_memory_sink_init(&changed, NULL, SIZE_MAX / 4);
    CHECK_OK(lm_sink_write(&changed.sink, file->data, body, &error), error);
    CHECK_OK(lm_sink_write(&changed.sink, footer.data, footer.size, &error), error);
    CHECK_OK(lm_sink_write(&changed.sink, &size, 4, &error), error);
    CHECK_OK(lm_sink_write(&changed.sink, "PAR1", 4, &error), error);
    CHECK_OK(lm_sink_finish(&changed.sink, &error), error);
    lm__buffer_deinit(&footer);
    lm__arena_deinit(&arena);
    lm_memory_sink_deinit(file);
    *file = changed;
}

static inline lm_status open_file(const lm_memory_sink *file, lm_memory_source *source,
                                  lm_parquet_reader **reader, lm_error *error)
{
    lm_memory_source_init(source, file->data, file->size, "result");
    return lm_parquet_reader_open(&source->source, NULL, reader, error);
}

/* The rows as canonical text, appended. */
static inline void put_text(const lm_memory_sink *file, lm_memory_sink *text)
{
    lm_memory_source source;
    lm_parquet_reader *reader;
    lm_error error;
    lm_status status = open_file(file, &source, &reader, &error);
    CHECK_OK(status, error);
    if (status != LM_OK) return;
    CHECK_OK(lm__canonical_write(reader, &text->sink, &error), error);
    lm_parquet_reader_close(reader);
}

static lm_status tell_problem(void *context, const lm_parquet_problem *problem, lm_error *error)
{
    (void)context, (void)error;
    check_fail(__FILE__, __LINE__, "row group %d, column %s, page %d: %s", (int)problem->row_group,
               problem->column ? problem->column : "", (int)problem->page, problem->message);
    return LM_OK;
}

/* What the file says of itself is true. */
static inline void check_sound(const lm_memory_sink *file)
{
    lm_parquet_verify_options options = {.callback = tell_problem};
    lm_memory_source source;
    lm_parquet_reader *reader;
    lm_error error;
    lm_status status = open_file(file, &source, &reader, &error);
    CHECK_OK(status, error);
    if (status != LM_OK) return;
    CHECK_OK(lm_parquet_verify(reader, &options, NULL, &error), error);
    lm_parquet_reader_close(reader);
}

/* The rows of the files one after another are those of the result, which is sound. */
static inline void check_rows(const files *f, const lm_memory_sink *result)
{
    lm_memory_sink want, got;
    lm_memory_sink_init(&want, NULL, SIZE_MAX / 4);
    lm_memory_sink_init(&got, NULL, SIZE_MAX / 4);
    for (size_t i = 0; i < f->count; i++) put_text(&f->items[i], &want);
    put_text(result, &got);
    CHECK_INT(got.size, want.size);
    if (got.size == want.size) CHECK_BYTES(got.data, want.data, want.size);
    check_sound(result);
    lm_memory_sink_deinit(&want);
    lm_memory_sink_deinit(&got);
}

#endif
