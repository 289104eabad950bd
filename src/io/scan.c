/*
 * Scans: a table that has been opened, and what of it is wanted.
 *
 *     reader's stream → filter → columns → rows, in the order of the file
 *
 * Invariants
 *  1. A reader does of a request what it can do with profit; what it leaves is done here, so the
 *     rows are the same for every format.
 *  2. A scan does not change once it is open, but for the feed of a pipe, which is read once.
 *  3. Streams do not need the scan.
 */
#include "io/scan.h"

#include <string.h>

#include "arrow/cast.h"
#include "arrow/filter.h"
#include "base/alloc.h"
#include "base/error.h"
#include "io/dataset.h"
#include "io/discover.h"
#include "io/project.h"
#include "io/reader.h"
#include "io/slice_stream.h"
#include "io/table_reader.h"
#include "publish/versions.h"
#include "store/place.h"

struct lm_scan {
    const lm_allocator *allocator;
    lm_arena arena; /* what was copied of the options */
    lm_read_request request;
    const lm_format_row *row;
    lm_reader *reader;
    lm_schema *schema; /* of the streams */
    lm_expr *filter;   /* a reference, or NULL */
    lm_schema *given;  /* a reference, or NULL */
    lm_schema *types;  /* a reference, or NULL */
    /* The columns to read where the filter is evaluated here: those that are wanted, and its own.
     */
    const char **columns;
    size_t column_count, filter_column_count; /* the filter's come last */
    /* Where a schema is given that the reader has not made its own: the table is read by these of
     * its columns and made to fit this. */
    lm_schema *wide;
    const char **names;
    size_t name_count;
};

static lm_status copy_options(lm_scan *scan, const lm_scan_options *options, lm_error *error)
{
    lm_read_request *request = &scan->request;
    if (options->batch_rows < 0) return lm__error_set(error, LM_INVALID, "batches below zero rows");
    *request = (lm_read_request){
        .column_count = options->columns ? options->column_count : 0,
        .offset = options->offset,
        .limit = options->limit,
        .limited = options->limited,
        .batch_rows = options->batch_rows,
        .memory_bytes_max = options->memory_bytes_max,
        .threads = options->threads,
        .dictionaries = options->dictionaries,
        .page_bytes_max = options->page_bytes_max,
        .int96_per_second = options->int96_per_second,
        .without_rows = options->without_rows,
        .schema = options->schema,
        .types = options->types,
        .csv = options->csv,
        .cancel = options->cancel,
    };
    if (options->schema) scan->given = lm_schema_ref(options->schema);
    if (options->types) scan->types = lm_schema_ref(options->types);
    if (options->filter) request->filter = scan->filter = lm_expr_ref(options->filter);
    if (!options->columns) return LM_OK;
    const char **columns =
        lm__arena_array(&scan->arena, options->column_count + 1, sizeof *columns);
    if (!columns) return lm__error_memory(error, "opening a table");
    for (size_t i = 0; i < options->column_count; i++)
        if (!(columns[i] = lm__arena_strdup(&scan->arena, options->columns[i])))
            return lm__error_memory(error, "opening a table");
    request->columns = columns;
    return LM_OK;
}

/* What columns and filter are chosen from. */
static lm_schema *whole_schema(const lm_scan *scan)
{
    return scan->given ? scan->given : scan->reader->schema;
}

/* What the filter is to be evaluated on, and whether it can be. */
static lm_status settle_filter(lm_scan *scan, lm_error *error)
{
    const lm_read_request *request = &scan->request;
    lm_filter *filter;
    if (!scan->filter) return LM_OK;
    LM_TRY(lm_expr_bind(scan->allocator, scan->filter, whole_schema(scan), &filter, error));
    lm_filter_free(filter);
    scan->filter_column_count = lm_expr_columns(scan->filter);
    scan->column_count = request->column_count + scan->filter_column_count;
    scan->columns = lm__arena_array(&scan->arena, scan->column_count + 1, sizeof *scan->columns);
    if (!scan->columns) return lm__error_memory(error, "opening a table");
    for (size_t i = 0; i < request->column_count; i++) scan->columns[i] = request->columns[i];
    for (size_t i = 0; i < scan->filter_column_count; i++) {
        const char *path = lm__expr_column_dotted(&scan->arena, scan->filter, i);
        if (!path) return lm__error_memory(error, "opening a table");
        scan->columns[request->column_count + i] = path;
    }
    return LM_OK;
}

static lm_status settle_given(lm_scan *scan, lm_error *error)
{
    const lm_read_request *request = &scan->request;
    const lm_field *found = &scan->reader->schema->root;
    if (!scan->given || scan->reader->fits) return LM_OK;
    if (!request->columns)
        scan->wide = lm_schema_ref(scan->given);
    else
        LM_TRY(lm__schema_project(scan->given, scan->filter ? scan->columns : request->columns,
                                  request->column_count + scan->filter_column_count, &scan->wide,
                                  error));
    const lm_field *root = &scan->wide->root;
    scan->names = lm__arena_array(&scan->arena, (size_t)root->n_children + 1, sizeof *scan->names);
    if (!scan->names) return lm__error_memory(error, "opening a table");
    for (int32_t i = 0; i < root->n_children; i++) {
        const lm_field *field = &root->children[i];
        if (lm__field_find(found, field->name, field->name_size) >= 0)
            scan->names[scan->name_count++] = field->name;
    }
    return LM_OK;
}

static lm_status settle_schema(lm_scan *scan, lm_error *error)
{
    const lm_read_request *request = &scan->request;
    lm_reader *reader = scan->reader;
    LM_TRY(settle_given(scan, error));
    if (!request->columns) {
        scan->schema = lm_schema_ref(whole_schema(scan));
        return LM_OK;
    }
    if (reader->ops->project && !scan->given)
        return reader->ops->project(reader, request, &scan->schema, error);
    return lm__schema_project(whole_schema(scan), request->columns, request->column_count,
                              &scan->schema, error);
}

typedef enum path_kind { A_FILE, A_DIRECTORY, A_PATTERN, A_TABLE } path_kind;

/* A pattern is what no file is called. */
static lm_status look_at(lm_store *store, const char *path, path_kind *kind, lm_store_stat *stat,
                         lm_error *error)
{
    bool is_table;
    *kind = A_FILE;
    *stat = (lm_store_stat){.kind = LM_STORE_OTHER};
    if (strcmp(path, "-") == 0) return LM_OK;
    lm_status status = lm__store_stat(store, path, true, stat, error);
    if (status == LM_NOT_FOUND && lm__is_pattern(path)) {
        *kind = A_PATTERN;
        if (error) lm_error_clear(error);
        return LM_OK;
    }
    if (status != LM_OK || stat->kind != LM_STORE_DIRECTORY) return status;
    LM_TRY(lm__path_is_table(store, path, &is_table, error));
    *kind = is_table ? A_TABLE : A_DIRECTORY;
    return LM_OK;
}

static lm_status open_path(lm_scan *scan, const char *path, const lm_scan_options *options,
                           lm_error *error)
{
    const lm_snapshot_options at = {.has_version = options->has_version,
                                    .version = options->version,
                                    .has_time = options->has_time,
                                    .time_ms = options->time_ms};
    const lm_version_which which = {.by_number = at.has_version, .number = at.version};
    char run[LM_PATH_BYTES_MAX];
    bool is_prefix = false;
    path_kind kind;
    lm_store_stat stat;
    lm_store *store;
    lm_format format = options->format;
    LM_TRY(lm__store_for(scan->allocator, path, options->storage, &store, &path, error));
    lm_status status = look_at(store, path, &kind, &stat, error);
    if (status == LM_OK && kind == A_DIRECTORY)
        status =
            lm__versions_follow(store, path, &which, options->cancel, &is_prefix, run, NULL, error);
    if (status == LM_OK && is_prefix) path = run;
    if (status == LM_OK && kind != A_TABLE && ((at.has_version && !is_prefix) || at.has_time))
        status = lm__error_set(error, LM_INVALID,
                               "%s is no table (it has no %s), so there are no versions of it",
                               path, LM_TABLE_LOG_DIRECTORY);
    if (status == LM_OK && kind == A_TABLE)
        return lm__table_reader_open_take(scan->allocator, store, path, &at, &scan->request,
                                          &scan->row, &scan->reader, error);
    if (status == LM_OK && kind != A_FILE)
        return lm__dataset_open_take(scan->allocator, store, path, kind == A_PATTERN, format,
                                     &scan->request, &scan->row, &scan->reader, error);
    if (status == LM_OK)
        status = lm__table_open(scan->allocator, store, path, is_prefix ? NULL : &stat, format,
                                &scan->request, &scan->row, &scan->reader, error);
    lm__store_close(store);
    return status;
}

/* Opens the path, or, where it is NULL, the source, which is taken. */
static lm_status open_any(lm_scan *scan, const char *path, lm_source *take_source,
                          const lm_scan_options *options, lm_error *error)
{
    lm_status status = copy_options(scan, options, error);
    if (status != LM_OK) {
        lm_source_close(take_source);
        return status;
    }
    if (take_source)
        LM_TRY(lm__table_open_source_take(scan->allocator, take_source, options->format,
                                          &scan->request, &scan->row, &scan->reader, error));
    else
        LM_TRY(open_path(scan, path, options, error));
    LM_TRY(settle_filter(scan, error));
    return settle_schema(scan, error);
}

static lm_status scan_new(const char *path, lm_source *take_source, const lm_scan_options *options,
                          lm_scan **out, lm_error *error)
{
    static const lm_scan_options defaults;
    if (!options) options = &defaults;
    const lm_allocator *allocator = lm__allocator_or_default(options->allocator);
    lm_scan *scan = lm__alloc_zero(allocator, sizeof *scan);
    *out = NULL;
    if (!scan) {
        lm_source_close(take_source);
        return lm__error_memory(error, "opening a table");
    }
    scan->allocator = allocator;
    lm__arena_init(&scan->arena, allocator, 0);
    lm_status status = open_any(scan, path, take_source, options, error);
    if (status == LM_OK)
        *out = scan;
    else
        lm_scan_close(scan);
    return status;
}

lm_status lm_scan_open(const char *path, const lm_scan_options *options, lm_scan **scan,
                       lm_error *error)
{
    return scan_new(path, NULL, options, scan, error);
}

lm_status lm_scan_open_source_take(lm_source *take_source, const lm_scan_options *options,
                                   lm_scan **scan, lm_error *error)
{
    return scan_new(NULL, take_source, options, scan, error);
}

void lm_scan_close(lm_scan *scan)
{
    if (!scan) return;
    lm__reader_close(scan->reader);
    lm_schema_free(scan->schema);
    lm_expr_free(scan->filter);
    lm_schema_free(scan->given);
    lm_schema_free(scan->types);
    lm_schema_free(scan->wide);
    lm__arena_deinit(&scan->arena);
    lm__free(scan->allocator, scan);
}

lm_format lm_scan_format(const lm_scan *scan) { return scan->row->format; }

lm_status lm_scan_schema(lm_scan *scan, struct ArrowSchema *out, lm_error *error)
{
    return lm_schema_export(scan->schema, out, error);
}

/* What the reader has left undone. Takes the stream. */
static lm_status finish_take(lm_scan *scan, lm_schema *schema, unsigned done, lm_stream *stream,
                             lm_stream **out, lm_error *error)
{
    const lm_read_request *request = &scan->request;
    lm_slice slice = {.cancel = request->cancel};
    if (schema && !(done & LM_READ_PROJECTED)) {
        lm_cast_options narrow = {.mode = LM_CAST_STRICT, .drop_extra = true};
        lm_stream *projected;
        LM_TRY(lm__cast_stream_take(scan->allocator, stream, schema, &narrow, &projected, error));
        stream = projected;
    }
    if (!(done & LM_READ_BATCHED)) slice.batch_rows = request->batch_rows;
    if (!(done & LM_READ_SLICED)) {
        slice.offset = request->offset;
        slice.limit = request->limit;
        slice.limited = request->limited;
    }
    return lm__slice_stream_take(scan->allocator, stream, &slice, out, error);
}

/* A filter is on the schema that is given, which a reader need not know of. */
static bool filters_here(const lm_scan *scan)
{
    return scan->filter && (!scan->reader->filters || scan->wide);
}

/* What the reader is asked for, when these columns (NULL: all) are wanted. */
static lm_read_request request_of(const lm_scan *scan, const char *const *columns,
                                  size_t column_count, bool filter_here)
{
    lm_read_request request = scan->request;
    request.columns = columns;
    request.column_count = column_count;
    if (filter_here) { /* rows are numbered after it */
        request.filter = NULL;
        request.offset = 0;
        request.limited = false;
    }
    if (scan->wide) {
        request.columns = scan->names;
        request.column_count = scan->name_count;
    } else if (filter_here && columns) {
        request.columns = scan->columns + (scan->request.column_count - column_count);
        request.column_count = column_count + scan->filter_column_count;
    }
    return request;
}

/* A stream of these columns in this schema (NULL: whatever comes). */
static lm_status open_stream(lm_scan *scan, const char *const *columns, size_t column_count,
                             lm_schema *schema, lm_stream **out, lm_error *error)
{
    lm_stream *stream, *next;
    unsigned done = 0;
    bool filter_here = filters_here(scan);
    lm_read_request request = request_of(scan, columns, column_count, filter_here);
    LM_TRY(scan->reader->ops->stream(scan->reader, &request, &done, &stream, error));
    if (!columns) done |= LM_READ_PROJECTED;
    if (scan->wide) {
        lm_cast_options fit = {.mode = LM_CAST_SAFE, .drop_extra = true};
        LM_TRY(lm__cast_stream_take(scan->allocator, stream, scan->wide, &fit, &next, error));
        stream = next;
        if (columns) done &= ~(unsigned)LM_READ_PROJECTED;
    }
    if (filter_here) {
        LM_TRY(lm__filter_stream_take(scan->allocator, stream, scan->filter, &next, error));
        stream = next;
        done = columns ? 0 : LM_READ_PROJECTED;
    }
    return finish_take(scan, schema, done, stream, out, error);
}

lm_status lm__scan_stream(lm_scan *scan, lm_stream **out, lm_error *error)
{
    return open_stream(scan, scan->request.columns, scan->request.column_count, scan->schema, out,
                       error);
}

lm_status lm_scan_stream(lm_scan *scan, struct ArrowArrayStream *out, lm_error *error)
{
    lm_stream *stream;
    *out = (struct ArrowArrayStream){0};
    LM_TRY(lm__scan_stream(scan, &stream, error));
    return lm__stream_export_take(scan->allocator, stream, out, error);
}

/* Reads, but only what the filter looks at where the format can do without the rest. */
static lm_status count_by_reading(lm_scan *scan, uint64_t *rows, lm_error *error)
{
    static const char *const none[1];
    lm_stream *stream;
    lm_batch *batch;
    *rows = 0;
    LM_TRY(open_stream(scan, none, 0, NULL, &stream, error));
    lm_status status;
    while ((status = lm__stream_next(stream, &batch, error)) == LM_OK && batch) {
        *rows += (uint64_t)lm__batch_rows(batch);
        lm__batch_unref(batch);
    }
    lm__stream_close(stream);
    return status;
}

lm_status lm__scan_rows_told(lm_scan *scan, int64_t *rows, lm_error *error)
{
    *rows = -1;
    if (!scan->reader->ops->rows || filters_here(scan)) return LM_OK;
    return scan->reader->ops->rows(scan->reader, &scan->request, rows, error);
}

lm_status lm_scan_rows(lm_scan *scan, uint64_t *rows, lm_error *error)
{
    const lm_read_request *request = &scan->request;
    int64_t told;
    LM_TRY(lm__scan_rows_told(scan, &told, error));
    if (told < 0) return count_by_reading(scan, rows, error);
    *rows = (uint64_t)told;
    *rows = *rows > request->offset ? *rows - request->offset : 0;
    if (request->limited && *rows > request->limit) *rows = request->limit;
    return LM_OK;
}
