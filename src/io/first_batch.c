/* See first_batch.h. */
#include "io/first_batch.h"

#include "arrow/validate.h"
#include "base/alloc.h"
#include "base/error.h"

typedef struct ahead_stream {
    lm_stream stream;
    lm_stream *inner;
    lm_batch *first; /* until it is given */
    const lm_allocator *allocator;
} ahead_stream;

static lm_status ahead_next(lm_stream *stream, lm_batch **batch, lm_error *error)
{
    ahead_stream *ahead = (ahead_stream *)stream;
    if (!ahead->first) return lm__stream_next(ahead->inner, batch, error);
    *batch = ahead->first;
    ahead->first = NULL;
    return LM_OK;
}

static void ahead_close(lm_stream *stream)
{
    ahead_stream *ahead = (ahead_stream *)stream;
    lm__batch_unref(ahead->first);
    lm__stream_close(ahead->inner);
    lm__free(ahead->allocator, ahead);
}

lm_status lm__first_batch_take(const lm_allocator *allocator, lm_stream *inner, bool check_nulls,
                               lm_stream **stream, lm_error *error)
{
    static const lm_stream_ops ops = {ahead_next, ahead_close};
    ahead_stream *ahead = lm__alloc_zero(allocator, sizeof *ahead);
    lm_status status = ahead ? LM_OK : lm__error_memory(error, "opening a table");
    lm_batch *first = NULL;
    if (status == LM_OK) status = lm__stream_next(inner, &first, error);
    if (status == LM_OK && first && check_nulls)
        status = lm__columns_check_nulls(&first->root, 0, error);
    if (status != LM_OK) {
        lm__batch_unref(first);
        lm__free(allocator, ahead);
        lm__stream_close(inner);
        return status;
    }
    lm__stream_init(&ahead->stream, &ops, inner->schema);
    ahead->inner = inner;
    ahead->first = first;
    ahead->allocator = allocator;
    *stream = &ahead->stream;
    return LM_OK;
}
