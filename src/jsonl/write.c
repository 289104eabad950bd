/*
 * Writing JSON lines: batches in, a line for each row out.
 *
 * Invariants
 *  1. Every line ends with a line feed, the last one too.
 *  2. Lines go to the sink in blocks of about JSONL_BLOCK_BYTES; memory is that of one block and
 * the longest line.
 */
#include <lamella/jsonl.h>

#include "arrow/batch.h"
#include "arrow/value_json.h"
#include "base/alloc.h"
#include "base/cancel.h"
#include "base/error.h"
#include "base/limits.h"

#define JSONL_BLOCK_BYTES (256 * LM_KIB)

typedef struct jsonl_writer {
    lm_arena arena;
    lm_value_json root;
    lm_buffer text;
    lm_sink *sink;
    const lm_cancel *cancel;
} jsonl_writer;

static lm_status flush(jsonl_writer *w, lm_error *error)
{
    if (lm__cancel_requested(w->cancel)) return lm__error_set(error, LM_CANCELLED, "interrupted");
    lm_status status =
        w->text.size ? lm_sink_write(w->sink, w->text.data, w->text.size, error) : LM_OK;
    lm__buffer_clear(&w->text);
    return status;
}

static lm_status write_batch(jsonl_writer *w, const lm_batch *batch, lm_error *error)
{
    for (int64_t row = 0; row < lm__batch_rows(batch); row++) {
        lm_status status = lm__value_json_put(&w->root, &batch->root, row, &w->text);
        if (status == LM_OK) status = lm__buffer_byte(&w->text, '\n');
        if (status == LM_LIMIT)
            return lm__error_set(error, status, "a row that is too long for a line");
        if (status != LM_OK) return lm__error_memory(error, "writing JSON lines");
        if (w->text.size >= JSONL_BLOCK_BYTES) LM_TRY(flush(w, error));
    }
    return LM_OK;
}

static lm_status write_stream(jsonl_writer *w, lm_stream *stream, lm_error *error)
{
    lm_batch *batch;
    LM_TRY(lm__value_json_make(&w->arena, &stream->schema->root, NULL, &w->root, error));
    for (;;) {
        lm_status status = lm__stream_next(stream, &batch, error);
        if (status != LM_OK) (void)flush(w, NULL); /* the rows before what failed */
        if (status != LM_OK) return status;
        if (!batch) return flush(w, error);
        status = write_batch(w, batch, error);
        lm__batch_unref(batch);
        LM_TRY(status);
    }
}

lm_status lm_jsonl_write_take(const lm_allocator *allocator, struct ArrowArrayStream *stream,
                              lm_sink *sink, const lm_jsonl_write_options *options, lm_error *error)
{
    jsonl_writer w = {.sink = sink, .cancel = options ? options->cancel : NULL};
    lm_stream *rows;
    allocator = lm__allocator_or_default(allocator);
    LM_TRY(lm__stream_import_take(allocator, stream, LM_VALIDATE_TEXT, &rows, error));
    lm__arena_init(&w.arena, allocator, 0);
    lm__buffer_init(&w.text, allocator, 0);
    lm_status status = write_stream(&w, rows, error);
    lm__buffer_deinit(&w.text);
    lm__arena_deinit(&w.arena);
    lm__stream_close(rows);
    return status;
}
