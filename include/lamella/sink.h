/*
 * Where bytes go. A sink is all or nothing: what was written becomes real at _finish, and nothing
 * does after _abort. Formats write into sinks and never learn what storage is.
 *
 * Invariants
 *  1. Sticky: after the first failure every write and the finish return that same failure.
 *  2. Exactly one of finish or abort ends a sink; abort after a failed finish is allowed and does
 * nothing more than release.
 *  3. `bytes` counts the bytes accepted so far.
 */
#ifndef LAMELLA_SINK_H
#define LAMELLA_SINK_H

#include <lamella/base.h>

typedef struct lm_sink lm_sink;

typedef struct lm_sink_ops {
    lm_status (*write)(lm_sink *sink, const void *data, size_t size, lm_error *error);
    lm_status (*finish)(lm_sink *sink, lm_error *error);
    void (*abort)(lm_sink *sink);
} lm_sink_ops;

/* Embed as the first member of an implementation. */
struct lm_sink {
    const lm_sink_ops *ops;
    uint64_t bytes;
    lm_error first_error; /* code is LM_OK while all is well */
};

LM_API void lm_sink_init(lm_sink *sink, const lm_sink_ops *ops);
LM_API LM_MUST_USE lm_status lm_sink_write(lm_sink *sink, const void *data, size_t size,
                                           lm_error *error);
LM_API LM_MUST_USE lm_status lm_sink_finish(lm_sink *sink, lm_error *error);
LM_API void lm_sink_abort(lm_sink *sink);

/* A growing buffer in memory, refused past `bytes_max`. The bytes are valid until _deinit, after
 * finish. */
typedef struct lm_memory_sink {
    lm_sink sink;
    const lm_allocator *allocator;
    uint8_t *data;
    size_t size, capacity, bytes_max;
} lm_memory_sink;

LM_API void lm_memory_sink_init(lm_memory_sink *sink, const lm_allocator *allocator,
                                size_t bytes_max);
LM_API void lm_memory_sink_deinit(lm_memory_sink *sink);

#endif
