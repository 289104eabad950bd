/* The formats that are written; see write.h. */
#include "io/write.h"

#include <lamella/ipc.h>
#include <lamella/jsonl.h>

#include "base/error.h"

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
    case LM_FORMAT_JSONL: {
        lm_jsonl_write_options jsonl = {.cancel = how->cancel};
        return lm_jsonl_write_take(how->allocator, take_stream, sink, &jsonl, error);
    }
    default:
        take_stream->release(take_stream);
        return lm__error_set(error, LM_INVALID, "%s is not written", lm_format_name(how->format));
    }
}
