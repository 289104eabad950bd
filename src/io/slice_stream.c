/* Rows by number, and batches by size; see slice_stream.h. */
#include "io/slice_stream.h"

#include "base/alloc.h"
#include "base/error.h"
#include "store/store.h"

typedef struct slice_stream {
    lm_stream stream; /* first */
    const lm_allocator *allocator;
    lm_stream *inner;
    uint64_t skip, left;
    int64_t batch_rows;
    lm_cancel *cancel;
    lm_batch_rest rest;
} slice_stream;

/* The next batch with rows in the stretch, cut to it; NULL at the end. */
static lm_status fetch(slice_stream *s, lm_error *error)
{
    while (s->left > 0) {
        lm_batch *batch;
        if (lm__cancel_requested(s->cancel))
            return lm__error_set(error, LM_CANCELLED, "interrupted");
        LM_TRY(lm__stream_next(s->inner, &batch, error));
        if (!batch) return LM_OK;
        uint64_t rows = (uint64_t)lm__batch_rows(batch), first = s->skip < rows ? s->skip : rows;
        s->skip -= first;
        uint64_t kept = rows - first < s->left ? rows - first : s->left;
        s->left -= kept;
        if (kept == rows) {
            s->rest.batch = batch;
            return LM_OK;
        }
        lm_status status =
            kept ? lm__batch_slice(batch, (int64_t)first, (int64_t)kept, &s->rest.batch, error)
                 : LM_OK;
        lm__batch_unref(batch);
        if (status != LM_OK || kept > 0) return status;
    }
    return LM_OK;
}

static lm_status slice_next(lm_stream *stream, lm_batch **batch, lm_error *error)
{
    slice_stream *s = (slice_stream *)stream;
    if (!s->rest.batch) LM_TRY(fetch(s, error));
    return lm__batch_rest_next(&s->rest, s->batch_rows, batch, error);
}

static void slice_close(lm_stream *stream)
{
    slice_stream *s = (slice_stream *)stream;
    lm__batch_unref(s->rest.batch);
    lm__stream_close(s->inner);
    lm__free(s->allocator, s);
}

lm_status lm__slice_stream_take(const lm_allocator *allocator, lm_stream *take_stream,
                                const lm_slice *slice, lm_stream **stream, lm_error *error)
{
    static const lm_stream_ops ops = {slice_next, slice_close};
    slice_stream *s = lm__alloc_zero(allocator, sizeof *s);
    if (!s) {
        lm__stream_close(take_stream);
        return lm__error_memory(error, "opening a stream");
    }
    lm__stream_init(&s->stream, &ops, take_stream->schema);
    s->allocator = allocator;
    s->inner = take_stream;
    s->skip = slice->offset;
    s->left = slice->limited ? slice->limit : UINT64_MAX;
    s->batch_rows = slice->batch_rows;
    s->cancel = slice->cancel;
    *stream = &s->stream;
    return LM_OK;
}
