/* A stretch of a stream's rows, in batches of at most so many. */
#ifndef LM_IO_SLICE_STREAM_H
#define LM_IO_SLICE_STREAM_H

#include "arrow/batch.h"

typedef struct lm_slice {
    uint64_t offset, limit;
    bool limited;
    int64_t batch_rows; /* 0: as they come */
    lm_cancel *cancel;
} lm_slice;

/* Takes the stream, also on failure. Once the limit is reached the stream is not asked again. */
LM_MUST_USE lm_status lm__slice_stream_take(const lm_allocator *allocator, lm_stream *take_stream,
                                            const lm_slice *slice, lm_stream **stream,
                                            lm_error *error);

#endif
