/* Verifying what is in a table's file; see lamella/contents.h. */
#include <lamella/contents.h>
#include <string.h>

#include "base/alloc.h"
#include "base/error.h"
#include "io/reader.h"
#include "store/place.h"

static lm_status verify_parquet(lm_source *take_source, const char *path,
                                const lm_contents_options *options, lm_contents *out,
                                lm_error *error)
{
    const lm_parquet_reader_options how = {.page_bytes_max = options->page_bytes_max,
                                           .allocator = options->allocator};
    const lm_parquet_verify_options verify = {
        .callback = options->callback, .context = options->context, .cancel = options->cancel};
    lm_parquet_verified result = {0};
    lm_parquet_reader *reader;
    lm_status status = lm_parquet_reader_open(take_source, &how, &reader, error);
    if (status == LM_OK) {
        status = lm_parquet_verify(reader, &verify, &result, error);
        lm_parquet_reader_close(reader);
    } else if (status == LM_CORRUPT) {
        const char *message = error ? error->message : "it cannot be read";
        size_t size = strlen(path);
        if (strncmp(message, path, size) == 0 && message[size] == ':') message += size + 2;
        const lm_parquet_problem problem = {-1, NULL, -1, "file", message};
        result.problems = result.damage = 1;
        if (options->callback) LM_TRY(options->callback(options->context, &problem, error));
    }
    out->rows = result.rows;
    out->pages = result.pages;
    out->values = result.values;
    out->problems = result.problems;
    out->damage = result.damage;
    out->unread = result.unread;
    return status;
}

/* Its reader looks at all offsets, indices and text as it goes. */
static lm_status read_all(lm_source *take_source, lm_format format,
                          const lm_contents_options *options, lm_contents *out, lm_error *error)
{
    const lm_scan_options how = {
        .format = format, .cancel = options->cancel, .allocator = options->allocator};
    struct ArrowArrayStream exported;
    lm_stream *stream;
    lm_batch *batch;
    lm_scan *scan;
    LM_TRY(lm_scan_open_source_take(take_source, &how, &scan, error));
    lm_status status = lm_scan_stream(scan, &exported, error);
    lm_scan_close(scan);
    LM_TRY(status);
    LM_TRY(lm__stream_import_take(lm__allocator_or_default(options->allocator), &exported,
                                  LM_VALIDATE_NONE, &stream, error));
    while ((status = lm__stream_next(stream, &batch, error)) == LM_OK && batch) {
        out->rows += (uint64_t)lm__batch_rows(batch);
        lm__batch_unref(batch);
    }
    lm__stream_close(stream);
    return status;
}

static lm_status verify_source(lm_source *take_source, const char *path,
                               const lm_contents_options *options, lm_contents *out,
                               lm_error *error)
{
    uint8_t head[LM_FORMAT_HEAD_BYTES];
    size_t size = take_source->size < sizeof head ? (size_t)take_source->size : sizeof head;
    lm_status status = lm_source_read(take_source, 0, head, size, error);
    const lm_format_row *row = status == LM_OK ? lm__format_find(head, size, path) : NULL;
    if (!row || (!row->open && !row->forward)) {
        lm_source_close(take_source);
        return status;
    }
    out->format = row->format;
    if (row->format == LM_FORMAT_PARQUET)
        return verify_parquet(take_source, path, options, out, error);
    return read_all(take_source, row->format, options, out, error);
}

lm_status lm_verify_contents(const char *path, const lm_contents_options *options, lm_contents *out,
                             lm_error *error)
{
    static const lm_contents_options defaults;
    if (!options) options = &defaults;
    lm_store_stat stat;
    lm_source *source;
    lm_store *store;
    *out = (lm_contents){.format = LM_FORMAT_AUTO};
    LM_TRY(lm__store_for(options->allocator, path, options->storage, &store, &path, error));
    lm_status status = lm__store_stat(store, path, true, &stat, error);
    if (status == LM_OK && stat.kind == LM_STORE_FILE) {
        status = lm__store_open(store, path, &source, error);
        if (status == LM_OK) status = verify_source(source, path, options, out, error);
    }
    lm__store_close(store);
    return status;
}
