/*
 * put of several tables: each becomes a sheet of one workbook.
 *
 * Invariants
 *  1. Everything is opened, and what is known of it checked, before anything is staged.
 *  2. Every stream is released, whatever happens.
 */
#include <string.h>

#include "base/alloc.h"
#include "base/error.h"
#include "io/put.h"

typedef struct sheet_source {
    const lm_put_sheet *sheet;
    lm_scan *scan;
    struct ArrowArrayStream stream;
} sheet_source;

typedef struct workbook_write {
    const char *path;
    const lm_put_options *options;
    sheet_source *sources;
    size_t count;
    lm_put_count passed;
} workbook_write;

static const lm_xlsx_sheet_options *options_of(const sheet_source *source)
{
    static const lm_xlsx_sheet_options standard;
    return source->sheet->options ? source->sheet->options : &standard;
}

/* Footers tell how many rows there are; what else would have to be read is not counted. */
static lm_status check_rows(const workbook_write *book, const sheet_source *source, lm_error *error)
{
    const lm_xlsx_sheet_options *options = options_of(source);
    lm_format format = lm_scan_format(source->scan);
    const lm_scan_options *what = book->options->scan;
    uint64_t rows, most = LM_XLSX_ROWS_MAX - (options->no_header ? 0 : 1);
    if (options->split || (what && what->filter)) return LM_OK;
    if (format != LM_FORMAT_PARQUET && format != LM_FORMAT_ARROW) return LM_OK;
    LM_TRY(lm_scan_rows(source->scan, &rows, error));
    if (rows <= most) return LM_OK;
    return lm__error_set(error, LM_DATA,
                         "%s: %s has %llu rows, and a sheet holds %llu below its header; have the "
                         "rows split into several sheets, or write CSV or Parquet",
                         book->path, source->sheet->source, (unsigned long long)rows,
                         (unsigned long long)most);
}

static lm_status open_source(const workbook_write *book, sheet_source *source, lm_error *error)
{
    if (!source->sheet->source) {
        source->stream = *source->sheet->take_stream;
        source->sheet->take_stream->release = NULL;
        return LM_OK;
    }
    const lm_scan_options what = lm__put_scan(book->options);
    LM_TRY(lm_scan_open(source->sheet->source, &what, &source->scan, error));
    LM_TRY(check_rows(book, source, error));
    return lm_scan_stream(source->scan, &source->stream, error);
}

/* The stream as the sheet will have it, in place of the one that came. */
static lm_status conform(workbook_write *book, sheet_source *source, lm_put_result *result,
                         lm_error *error)
{
    lm_stream *stream;
    LM_TRY(lm__put_conform_take(book->options, &source->stream, &book->passed, &stream, error));
    if (source == book->sources) {
        lm_status status = lm_schema_hash(stream->schema, result->schema_hash, error);
        if (status != LM_OK) {
            lm__stream_close(stream);
            return status;
        }
    }
    return lm__stream_export_take(lm__put_allocator(book->options), stream, &source->stream, error);
}

static lm_status write_sheets(const workbook_write *book, lm_xlsx_writer *writer, lm_error *error)
{
    for (size_t i = 0; i < book->count; i++) {
        sheet_source *source = &book->sources[i];
        const char *name = options_of(source)->name;
        lm_status status =
            lm_xlsx_writer_sheet_take(writer, &source->stream, source->sheet->options, NULL, error);
        if (status != LM_OK)
            return lm__error_within(error, status, "%s: sheet %s", book->path,
                                    name ? name : "data");
    }
    return LM_OK;
}

static lm_status write_workbook(void *context, const lm_file_options *file, lm_sink *sink,
                                lm_put_result *result, lm_error *error)
{
    workbook_write *book = context;
    lm_xlsx_options xlsx = {0};
    lm_xlsx_writer *writer;
    (void)result;
    if (book->options->xlsx) xlsx = *book->options->xlsx;
    if (!xlsx.cancel) xlsx.cancel = file->cancel;
    if (!xlsx.allocator) xlsx.allocator = file->allocator;
    LM_TRY(lm_xlsx_writer_open(sink, &xlsx, &writer, error));
    lm_status status = write_sheets(book, writer, error);
    if (status == LM_OK) return lm_xlsx_writer_finish(writer, NULL, error);
    lm_xlsx_writer_abort(writer);
    return status;
}

static lm_status open_and_publish(workbook_write *book, lm_put_result *result, lm_error *error)
{
    for (size_t i = 0; i < book->count; i++) LM_TRY(open_source(book, &book->sources[i], error));
    for (size_t i = 0; i < book->count; i++)
        LM_TRY(conform(book, &book->sources[i], result, error));
    return lm__put_publish(book->path, book->options, write_workbook, book, NULL, NULL, result,
                           error);
}

static void release_streams(const lm_put_sheet *sheets, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (sheets[i].take_stream && sheets[i].take_stream->release)
            sheets[i].take_stream->release(sheets[i].take_stream);
}

lm_status lm_put_workbook_take(const char *path, const lm_put_sheet *sheets, size_t sheet_count,
                               const lm_put_options *options, lm_put_result *result,
                               lm_error *error)
{
    static const lm_put_options defaults;
    lm_put_result ignored;
    if (!options) options = &defaults;
    if (!result) result = &ignored;
    memset(result, 0, sizeof *result);
    const lm_allocator *allocator = lm__put_allocator(options);
    lm_status status;
    workbook_write book = {
        .path = path, .options = options, .count = sheet_count, .passed = {.rows = &result->rows}};
    if (options->schema && sheet_count > 1)
        status =
            lm__error_set(error, LM_INVALID, "a schema is for one sheet, not for %zu", sheet_count);
    else if (options->expectation_count)
        status = lm__error_set(error, LM_INVALID, "%s: expectations are not for workbooks", path);
    else if (!(book.sources = lm__alloc_zero(allocator, (sheet_count + 1) * sizeof *book.sources)))
        status = lm__error_memory(error, "opening a workbook");
    else {
        for (size_t i = 0; i < sheet_count; i++) book.sources[i].sheet = &sheets[i];
        status = open_and_publish(&book, result, error);
    }
    for (size_t i = 0; book.sources && i < sheet_count; i++) {
        if (book.sources[i].stream.release) book.sources[i].stream.release(&book.sources[i].stream);
        lm_scan_close(book.sources[i].scan);
    }
    lm__free(allocator, book.sources);
    release_streams(sheets, sheet_count);
    return status;
}
