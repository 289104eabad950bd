/* The formats that are written; see write.h. */
#include "io/write.h"

#include <lamella/ipc.h>
#include <lamella/jsonl.h>

#include "base/error.h"
#include "io/reader.h"

static lm_status write_parquet(const lm_write_how *how, struct ArrowArrayStream *stream,
                               lm_sink *sink, lm_put_result *result, lm_error *error)
{
    lm_parquet_options parquet = how->parquet ? *how->parquet : lm_parquet_options_default();
    lm_parquet_result written = {0};
    if (!parquet.cancel) parquet.cancel = how->cancel;
    LM_TRY(lm_parquet_write_stream(sink, stream, &parquet, &written, error));
    result->row_groups = (uint64_t)written.row_groups;
    result->footer_bytes = written.footer_bytes;
    return LM_OK;
}

/* As the options say, else as the path's suffix does. */
static lm_csv_compression compression_of(const lm_write_how *how)
{
    size_t size;
    if (how->csv && how->csv->compression != LM_CSV_COMPRESSION_AUTO) return how->csv->compression;
    switch (how->path ? lm__path_packing(how->path, &size) : LM_PACKING_NONE) {
    case LM_PACKING_GZIP: return LM_CSV_COMPRESSION_GZIP;
    case LM_PACKING_ZSTD: return LM_CSV_COMPRESSION_ZSTD;
    default: return LM_CSV_COMPRESSION_NONE;
    }
}

static lm_status write_csv(const lm_write_how *how, struct ArrowArrayStream *stream, lm_sink *sink,
                           lm_error *error)
{
    lm_csv_write_options csv = {0};
    if (how->csv) csv = *how->csv;
    if (!csv.cancel) csv.cancel = how->cancel;
    if (!csv.allocator) csv.allocator = how->allocator;
    csv.compression = compression_of(how);
    if (!csv.separator && how->path && lm__path_has_tabs(how->path)) csv.separator = '\t';
    lm_status status = lm_csv_write_stream(sink, stream, &csv, NULL, error);
    if ((status == LM_DATA || status == LM_SCHEMA) && how->path)
        return lm__error_within(error, status, "%s", how->path);
    return status;
}

static lm_status write_jsonl(const lm_write_how *how, struct ArrowArrayStream *stream,
                             lm_sink *sink, lm_error *error)
{
    const lm_csv_compression compression = compression_of(how);
    lm_jsonl_write_options jsonl = {.cancel = how->cancel};
    if (compression == LM_CSV_COMPRESSION_GZIP) jsonl.compression = LM_CODEC_GZIP;
    if (compression == LM_CSV_COMPRESSION_ZSTD) jsonl.compression = LM_CODEC_ZSTD;
    jsonl.level_set = how->csv && how->csv->level_set;
    if (jsonl.level_set) jsonl.level = how->csv->level;
    return lm_jsonl_write_take(how->allocator, stream, sink, &jsonl, error);
}

lm_status lm__write_table_take(const lm_write_how *how, struct ArrowArrayStream *take_stream,
                               lm_sink *sink, lm_put_result *result, lm_error *error)
{
    switch (how->format) {
    case LM_FORMAT_PARQUET: return write_parquet(how, take_stream, sink, result, error);
    case LM_FORMAT_ARROW:
    case LM_FORMAT_ARROW_STREAM: {
        lm_ipc_write_options ipc = {.format = how->format == LM_FORMAT_ARROW ? LM_IPC_FILE
                                                                             : LM_IPC_STREAM,
                                    .cancel = how->cancel};
        return lm_ipc_write_take(how->allocator, take_stream, sink, &ipc, error);
    }
    case LM_FORMAT_JSONL: return write_jsonl(how, take_stream, sink, error);
    case LM_FORMAT_CSV: return write_csv(how, take_stream, sink, error);
    default:
        take_stream->release(take_stream);
        return lm__error_set(error, LM_INVALID, "%s is not written", lm_format_name(how->format));
    }
}
