/*
 * put: a stream of rows becomes a published file.
 *
 *     open → (cast) → count → format writer → the publication's sink → seal → commit
 *
 * Invariants
 *  1. What the schemas show to be wrong is told before anything is staged.
 *  2. A failure anywhere closes the publication, which leaves the destination as it was.
 */
#include <lamella/io.h>
#include <stdio.h>
#include <string.h>

#include "arrow/cast.h"
#include "base/alloc.h"
#include "base/error.h"
#include "io/reader.h"
#include "io/write.h"
#include "parquet/writer.h"

/* A stream that tells how far it is. */
typedef struct counted_stream {
    lm_stream stream;
    lm_stream *inner;
    const lm_allocator *allocator;
    const lm_put_options *options;
    uint64_t *rows, bytes;
} counted_stream;

static lm_status counted_next(lm_stream *stream, lm_batch **batch, lm_error *error)
{
    counted_stream *counted = (counted_stream *)stream;
    LM_TRY(lm__stream_next(counted->inner, batch, error));
    if (!*batch) return LM_OK;
    uint64_t rows = (uint64_t)lm__batch_rows(*batch);
    *counted->rows += rows;
    if (!counted->options->progress) return LM_OK;
    counted->bytes += (uint64_t)(lm__batch_row_bytes(*batch) * (double)rows);
    counted->options->progress(counted->options->context, *counted->rows, counted->bytes);
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
                                  const lm_put_options *options, uint64_t *rows, lm_stream **stream,
                                  lm_error *error)
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
    counted->rows = rows;
    *stream = &counted->stream;
    return LM_OK;
}

/* The rows as the file will have them. Takes the stream. */
static lm_status conform_take(const lm_put_options *options, const lm_allocator *allocator,
                              struct ArrowArrayStream *take_stream, uint64_t *rows, lm_stream **out,
                              lm_error *error)
{
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
    return counted_new_take(allocator, stream, options, rows, out, error);
}

/* From here on there is a publication, which is closed whatever happens. Takes the stream. */
static lm_status publish_take(const char *path, lm_format format, const lm_put_options *options,
                              lm_stream *stream, lm_put_result *result, lm_error *error)
{
    const lm_file_options none = {0};
    lm_file_options file = options->file ? *options->file : none;
    lm_manifest manifest;
    if (file.manifest) {
        manifest = *file.manifest;
        manifest.schema_hash = result->schema_hash;
        file.manifest = &manifest;
    }
    lm_file_publication *publication = NULL;
    struct ArrowArrayStream exported;
    lm_status status = lm__stream_export_take(file.allocator, stream, &exported, error);
    if (status != LM_OK) return status;
    status = lm_file_open(path, &file, &publication, error);
    if (status != LM_OK) {
        exported.release(&exported);
        return status;
    }
    lm_write_how how = {.format = format,
                        .parquet = options->parquet,
                        .csv = options->csv,
                        .path = path,
                        .cancel = file.cancel,
                        .allocator = file.allocator};
    status = lm__write_table_take(&how, &exported, lm_file_sink(publication), result, error);
    if (status == LM_OK) {
        manifest.has_rows = true;
        manifest.rows = result->rows;
        status = lm_file_finish(publication, &result->file, error);
    }
    lm_file_close(publication);
    return status;
}

lm_status lm_put_stream_take(const char *path, struct ArrowArrayStream *take_stream,
                             const lm_put_options *options, lm_put_result *result, lm_error *error)
{
    static const lm_put_options defaults;
    lm_put_result ignored;
    if (!options) options = &defaults;
    if (!result) result = &ignored;
    memset(result, 0, sizeof *result);
    const lm_allocator *allocator = options->file ? options->file->allocator : NULL;
    lm_format format = options->to ? options->to : lm_format_of_path(path);
    if (format == LM_FORMAT_AUTO) {
        take_stream->release(take_stream);
        char names[LM_FORMAT_NAMES_MAX];
        return lm__error_set(error, LM_INVALID,
                             "%s: no format is known by this suffix; say which (%s)", path,
                             lm__format_names(names));
    }
    lm_stream *stream = NULL;
    LM_TRY(conform_take(options, allocator, take_stream, &result->rows, &stream, error));
    lm_status status = lm_schema_hash(stream->schema, result->schema_hash, error);
    if (status != LM_OK) {
        lm__stream_close(stream);
        return status;
    }
    return publish_take(path, format, options, stream, result, error);
}

lm_status lm_put(const char *source, const char *path, const lm_put_options *options,
                 lm_put_result *result, lm_error *error)
{
    const lm_file_options *file = options ? options->file : NULL;
    lm_scan_options what = {0};
    lm_scan *scan;
    struct ArrowArrayStream stream;
    if (result) memset(result, 0, sizeof *result);
    if (options && options->scan) what = *options->scan;
    if (!what.allocator && file) what.allocator = file->allocator;
    if (!what.cancel && file) what.cancel = file->cancel;
    LM_TRY(lm_scan_open(source, &what, &scan, error));
    lm_status status = lm_scan_stream(scan, &stream, error);
    if (status == LM_OK) status = lm_put_stream_take(path, &stream, options, result, error);
    lm_scan_close(scan);
    return status;
}
