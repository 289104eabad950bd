/*
 * put: a stream of rows becomes a published file.
 *
 *     open → (cast) → count → format writer → the publication's sink → expectations → seal → commit
 *
 * Invariants
 *  1. What the schemas and the first batch show to be wrong is told before anything is staged, of
 *     all columns together.
 *  2. A failure anywhere closes the publication, which leaves the destination as it was.
 *  3. With a sink in the options there is no publication: the bytes go there as they are made.
 *  4. What breaks off on its way to a far store is begun again, where the source can be read again.
 */
#include <lamella/io.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "arrow/cast.h"
#include "base/alloc.h"
#include "base/error.h"
#include "io/expect.h"
#include "io/first_batch.h"
#include "io/put.h"
#include "io/reader.h"
#include "io/write.h"
#include "parquet/writer.h"
#include "publish/file.h"
#include "store/find.h"
#include "store/place.h"

/* A stream that tells how far it is. */
typedef struct counted_stream {
    lm_stream stream;
    lm_stream *inner;
    const lm_allocator *allocator;
    const lm_put_options *options;
    lm_put_count *count;
} counted_stream;

static lm_status counted_next(lm_stream *stream, lm_batch **batch, lm_error *error)
{
    counted_stream *counted = (counted_stream *)stream;
    LM_TRY(lm__stream_next(counted->inner, batch, error));
    if (!*batch) return LM_OK;
    uint64_t rows = (uint64_t)lm__batch_rows(*batch);
    lm_put_count *count = counted->count;
    *count->rows += rows;
    if (!counted->options->progress) return LM_OK;
    count->bytes += (uint64_t)(lm__batch_row_bytes(*batch) * (double)rows);
    counted->options->progress(counted->options->context, *count->rows, count->bytes);
    return LM_OK;
}

static void counted_close(lm_stream *stream)
{
    counted_stream *counted = (counted_stream *)stream;
    lm__stream_close(counted->inner);
    lm__free(counted->allocator, counted);
}

/* Takes `inner`, also on failure. */
static lm_status counted_new_take(const lm_allocator *allocator, lm_stream *inner,
                                  const lm_put_options *options, lm_put_count *count,
                                  lm_stream **stream, lm_error *error)
{
    static const lm_stream_ops ops = {counted_next, counted_close};
    counted_stream *counted = lm__alloc_zero(allocator, sizeof *counted);
    if (!counted) {
        lm__stream_close(inner);
        return lm__error_memory(error, "opening a table");
    }
    lm__stream_init(&counted->stream, &ops, inner->schema);
    counted->inner = inner;
    counted->allocator = allocator;
    counted->options = options;
    counted->count = count;
    *stream = &counted->stream;
    return LM_OK;
}

lm_scan_options lm__put_scan(const lm_put_options *options)
{
    const lm_file_options *file = options->file;
    lm_scan_options what = options->scan ? *options->scan : (lm_scan_options){0};
    if (!what.allocator && file) what.allocator = file->allocator;
    if (!what.cancel && file) what.cancel = file->cancel;
    if (!what.storage && file) what.storage = file->storage;
    return what;
}

lm_status lm__put_conform_take(const lm_put_options *options, struct ArrowArrayStream *take_stream,
                               lm_put_count *count, lm_stream **out, lm_error *error)
{
    const lm_allocator *allocator = lm__put_allocator(options);
    const lm_parquet_options *parquet = options->parquet;
    bool text = !parquet || parquet->utf8_check;
    lm_stream *stream, *fitted;
    LM_TRY(lm__stream_import_take(allocator, take_stream,
                                  text ? LM_VALIDATE_TEXT : LM_VALIDATE_FULL, &stream, error));
    if (options->schema) {
        LM_TRY(lm__cast_stream_take(allocator, stream, options->schema, &options->cast, &fitted,
                                    error));
        stream = fitted;
    }
    return counted_new_take(allocator, stream, options, count, out, error);
}

/* From the opening on there is a publication, which is closed whatever happens. */
lm_status lm__put_publish(const char *path, const lm_put_options *options, lm_put_write *write,
                          void *context, const lm_expect *expect, lm_put_again *again,
                          lm_put_result *result, lm_error *error)
{
    const lm_file_options none = {0};
    lm_file_options file = options->file ? *options->file : none;
    lm_manifest manifest;
    if (file.manifest) {
        manifest = *file.manifest;
        manifest.schema_hash = result->schema_hash;
        file.manifest = &manifest;
    }
    if (options->sink) {
        if (options->expectation_count)
            return lm__error_set(error, LM_INVALID, "%s: expectations are of files", path);
        return write(context, &file, options->sink, result, error);
    }
    lm_file_publication *publication = NULL;
    LM_TRY(again && again->store
               ? lm__file_open(again->store, path, &file, NULL, &publication, error)
               : lm_file_open(path, &file, &publication, error));
    lm_status status = write(context, &file, lm_file_sink(publication), result, error);
    if (status == LM_OK)
        status =
            lm__expect_check(expect, path, file.storage, lm_file_sink(publication)->bytes, error);
    if (status == LM_OK) {
        manifest.has_rows = true;
        manifest.rows = result->rows;
        status = lm_file_finish(publication, &result->file, error);
    }
    if (status != LM_OK && again) again->wanted = lm__file_again(publication, again->turn);
    if (again && again->wanted && !again->store) again->store = lm__file_store_take(publication);
    lm_file_close(publication);
    return status;
}

typedef struct table_write {
    const char *path;
    lm_format format;
    const lm_put_options *options;
    struct ArrowArrayStream stream;
} table_write;

static lm_status write_table(void *context, const lm_file_options *file, lm_sink *sink,
                             lm_put_result *result, lm_error *error)
{
    table_write *table = context;
    lm_write_how how = {.format = table->format,
                        .parquet = table->options->parquet,
                        .csv = table->options->csv,
                        .path = table->path,
                        .cancel = file->cancel,
                        .allocator = file->allocator};
    return lm__write_table_take(&how, &table->stream, sink, result, error);
}

/* Takes the stream. */
static lm_status publish_take(const char *path, lm_format format, const lm_put_options *options,
                              lm_stream *stream, lm_put_again *again, lm_put_result *result,
                              lm_error *error)
{
    table_write table = {.path = path, .format = format, .options = options};
    const lm_allocator *allocator = lm__put_allocator(options);
    lm_expect *expect;
    lm_status status = lm__expect_new(allocator, options->expectations, options->expectation_count,
                                      stream->schema, &expect, error);
    if (status != LM_OK) {
        lm__stream_close(stream);
        return status;
    }
    if (expect) status = lm__expect_stream_take(expect, stream, &stream, error);
    if (status == LM_OK)
        status =
            lm__first_batch_take(allocator, stream, format == LM_FORMAT_PARQUET, &stream, error);
    if (status == LM_OK) status = lm__stream_export_take(allocator, stream, &table.stream, error);
    if (status == LM_OK)
        status = lm__put_publish(path, options, write_table, &table, expect, again, result, error);
    if (table.stream.release) table.stream.release(&table.stream);
    lm__expect_free(expect);
    return status;
}

static lm_status put_take(const char *path, struct ArrowArrayStream *take_stream,
                          const lm_put_options *options, lm_put_again *again, lm_put_result *result,
                          lm_error *error)
{
    static const lm_put_options defaults;
    lm_put_result ignored;
    if (!options) options = &defaults;
    if (!result) result = &ignored;
    memset(result, 0, sizeof *result);
    lm_format format = options->to ? options->to : lm_format_of_path(path);
    if (format == LM_FORMAT_AUTO) {
        take_stream->release(take_stream);
        char names[LM_FORMAT_NAMES_MAX];
        return lm__error_set(error, LM_INVALID,
                             "%s: no format is known by this suffix; say which (%s)", path,
                             lm__format_names(names));
    }
    if (format == LM_FORMAT_XLSX) {
        lm_put_sheet sheet = {.take_stream = take_stream, .options = options->sheet};
        return lm_put_workbook_take(path, &sheet, 1, options, result, error);
    }
    lm_put_count count = {.rows = &result->rows};
    lm_stream *stream = NULL;
    LM_TRY(lm__put_conform_take(options, take_stream, &count, &stream, error));
    lm_status status = lm_schema_hash(stream->schema, result->schema_hash, error);
    if (status != LM_OK) {
        lm__stream_close(stream);
        return status;
    }
    return publish_take(path, format, options, stream, again, result, error);
}

lm_status lm_put_stream_take(const char *path, struct ArrowArrayStream *take_stream,
                             const lm_put_options *options, lm_put_result *result, lm_error *error)
{
    return put_take(path, take_stream, options, NULL, result, error);
}

/* Not what can only be read forward. */
static bool is_read_again(const char *source)
{
    const char *local;
    struct stat stat_of;
    if (strcmp(source, "-") == 0) return false;
    if (!lm__place_is_local(source, &local)) return true;
    if (stat(local, &stat_of) != 0) return lm__is_pattern(local);
    return S_ISREG(stat_of.st_mode) || S_ISDIR(stat_of.st_mode);
}

lm_status lm_put(const char *source, const char *path, const lm_put_options *options,
                 lm_put_result *result, lm_error *error)
{
    const lm_scan_options what = options ? lm__put_scan(options) : (lm_scan_options){0};
    lm_scan *scan;
    struct ArrowArrayStream stream;
    if (result) memset(result, 0, sizeof *result);
    if (options && (options->to ? options->to : lm_format_of_path(path)) == LM_FORMAT_XLSX) {
        lm_put_sheet sheet = {.source = source, .options = options->sheet};
        return lm_put_workbook_take(path, &sheet, 1, options, result, error);
    }
    lm_put_again again = {0};
    lm_put_again *may_again = is_read_again(source) ? &again : NULL;
    lm_status status;
    do {
        again.wanted = false;
        status = lm_scan_open(source, &what, &scan, error);
        if (status != LM_OK) break;
        status = lm_scan_stream(scan, &stream, error);
        if (status == LM_OK) status = put_take(path, &stream, options, may_again, result, error);
        lm_scan_close(scan);
        again.turn++;
    } while (again.wanted);
    lm__store_close(again.store);
    return status;
}
