/*
 * Writing JSON lines: batches in, a line for each row out.
 *
 * Invariants
 *  1. Every line ends with a line feed, the last one too.
 *  2. Lines go to the sink in blocks of about JSONL_BLOCK_BYTES; memory is that of one block and
 *     the longest line.
 *  3. Compressed, each block is a member or a frame of its own, and a table without rows an empty
 *     one.
 */
#include <lamella/jsonl.h>

#include "arrow/batch.h"
#include "arrow/value_json.h"
#include "base/alloc.h"
#include "base/cancel.h"
#include "base/error.h"
#include "base/limits.h"
#include "codec/codec.h"

#define JSONL_BLOCK_BYTES (256 * LM_KIB)

typedef struct jsonl_writer {
    lm_arena arena;
    lm_value_json root;
    lm_buffer text, packed;
    lm_codec compression;
    int level;
    lm_codec_context *codec; /* NULL: not compressed */
    lm_sink *sink;
    const lm_cancel *cancel;
} jsonl_writer;

static lm_status pack(jsonl_writer *w, lm_error *error)
{
    size_t bound = lm__codec_bound(w->compression, w->text.size);
    lm__buffer_clear(&w->packed);
    lm_status status = bound == SIZE_MAX ? LM_LIMIT : lm__buffer_reserve(&w->packed, bound);
    if (status == LM_NO_MEMORY) return lm__error_memory(error, "compressing JSON lines");
    if (status != LM_OK) return lm__error_set(error, status, "a row is too large to compress");
    LM_TRY(lm__codec_compress(w->codec, w->compression, w->level, w->text.data, w->text.size,
                              w->packed.data, w->packed.capacity, &w->packed.size, error));
    return lm_sink_write(w->sink, w->packed.data, w->packed.size, error);
}

static lm_status flush(jsonl_writer *w, lm_error *error)
{
    lm_status status = LM_OK;
    if (lm__cancel_requested(w->cancel)) return lm__error_set(error, LM_CANCELLED, "interrupted");
    if (w->codec && (w->text.size || !w->packed.data))
        status = pack(w, error);
    else if (w->text.size)
        status = lm_sink_write(w->sink, w->text.data, w->text.size, error);
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

static lm_status open_codec(jsonl_writer *w, const lm_allocator *allocator,
                            const lm_jsonl_write_options *options, lm_error *error)
{
    if (!options || options->compression == LM_CODEC_UNCOMPRESSED) return LM_OK;
    w->compression = options->compression;
    w->level = options->level_set ? options->level : LM_CODEC_LEVEL_DEFAULT;
    if (w->compression != LM_CODEC_GZIP && w->compression != LM_CODEC_ZSTD)
        return lm__error_set(error, LM_INVALID, "JSON lines are compressed by gzip or zstd");
    LM_TRY(lm__codec_check_write((int)w->compression, w->level, error));
    return lm__codec_context_new(allocator, &w->codec, error);
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
    lm__buffer_init(&w.packed, allocator, 0);
    lm_status status = open_codec(&w, allocator, options, error);
    if (status == LM_OK) status = write_stream(&w, rows, error);
    lm__codec_context_free(w.codec);
    lm__buffer_deinit(&w.packed);
    lm__buffer_deinit(&w.text);
    lm__arena_deinit(&w.arena);
    lm__stream_close(rows);
    return status;
}
