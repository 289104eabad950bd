/*
 * Batches (rows of some schema, counted) and streams of batches.
 *
 * A batch owns what its views point to: an ArrowArray that was moved in, buffers that a builder
 * made, other batches whose columns it shares. It is counted, so that several stages may hold it,
 * on any thread; the last one to let go releases everything, once.
 *
 * A stream is where batches come from: an ArrowArrayStream that was moved in, a reader, a cast over
 * another stream. It is used by one thread at a time.
 *
 * Invariants
 *  1. What a "_take" function takes is released exactly once, also on every error.
 *  2. All batches of a stream have the stream's schema (the same object).
 *  3. A stream is sticky: after a failure every call gives that failure, after the end the end.
 *  4. A batch's root has no null rows.
 */
#ifndef LM_ARROW_BATCH_H
#define LM_ARROW_BATCH_H

#include "arrow/view.h"

/* How far an array from outside is looked at before its views are made. */
typedef enum lm_validate {
    LM_VALIDATE_NONE,      /* our own: trusted */
    LM_VALIDATE_STRUCTURE, /* O(columns): counts, lengths, null pointers, first and last offsets */
    LM_VALIDATE_FULL,      /* O(rows) too: every offset, index, view and run end */
    LM_VALIDATE_TEXT,      /* and that utf8 is UTF-8 */
} lm_validate;

typedef struct lm_owned {
    void *memory;
    void (*release)(void *context, void *memory);
    void *context;
} lm_owned;

typedef struct lm_batch lm_batch;
struct lm_batch {
    atomic_size_t references;
    const lm_allocator *allocator;
    lm_schema *schema;        /* a reference */
    lm_array root;            /* a struct */
    lm_arena arena;           /* of the views */
    struct ArrowArray source; /* released when there is none */
    lm_batch *parent;         /* a reference on a batch whose buffers are shared, or NULL */
    lm_owned *owned;
    size_t n_owned, owned_capacity;
};

/* Takes `array`, an array of the schema's root; keeps a reference on the schema. */
LM_MUST_USE lm_status lm__batch_import_take(const lm_allocator *allocator, lm_schema *schema,
                                            struct ArrowArray *array, lm_validate validate,
                                            lm_batch **batch, lm_error *error);
lm_batch *lm__batch_ref(lm_batch *batch);
void lm__batch_unref(lm_batch *batch); /* takes NULL */

static inline int64_t lm__batch_rows(const lm_batch *batch) { return batch->root.length; }
static inline lm_array lm__batch_column(const lm_batch *batch, int32_t column)
{
    return lm__array_child(&batch->root, column);
}

/* An empty batch of `rows` rows without columns, for the maker: views go into its arena, and
 * lm__batch_own_take hands it memory (also on failure, when it is released at once). */
LM_MUST_USE lm_status lm__batch_new(const lm_allocator *allocator, lm_schema *schema, int64_t rows,
                                    lm_batch **batch, lm_error *error);
LM_MUST_USE lm_status lm__batch_own_take(lm_batch *batch, lm_owned memory);
/* The same for memory of the batch's allocator. */
LM_MUST_USE lm_status lm__batch_own_memory_take(lm_batch *batch, void *memory);
/* The views of a batch that is being made, one a column: zeroed, but for their field and length. */
static inline lm_array *lm__batch_columns(lm_batch *batch)
{
    return (lm_array *)batch->root.children;
}
/* Rows [start, start + length) as a batch that shares the memory. */
LM_MUST_USE lm_status lm__batch_slice(lm_batch *batch, int64_t start, int64_t length,
                                      lm_batch **slice, lm_error *error);
/* A batch that is handed out piece by piece. */
typedef struct lm_batch_rest {
    lm_batch *batch; /* NULL: all of it was */
    int64_t at;      /* its rows before were */
} lm_batch_rest;

/* Its next rows, at most `rows_most` (0: all); NULL where nothing is left. */
LM_MUST_USE lm_status lm__batch_rest_next(lm_batch_rest *rest, int64_t rows_most, lm_batch **piece,
                                          lm_error *error);
/* Each exported array, children too, holds a reference on the batch. */
LM_MUST_USE lm_status lm__batch_export(lm_batch *batch, struct ArrowArray *out, lm_error *error);

/* The passes of lm__batch_import_take, for views that were made otherwise: by their structure, and
 * by their rows as far as `validate` says. FULL sets the null counts right, and makes rows beneath
 * a null parent null where what they hold is not sound. */
LM_MUST_USE lm_status lm__batch_validate(lm_batch *batch, lm_validate validate, lm_error *error);

/* Streams. */
typedef struct lm_stream lm_stream;
typedef struct lm_stream_ops {
    /* *batch is NULL at the end. */
    lm_status (*next)(lm_stream *stream, lm_batch **batch, lm_error *error);
    void (*close)(lm_stream *stream); /* frees the implementation, not the schema */
} lm_stream_ops;

/* Embed as the first member of an implementation. */
struct lm_stream {
    const lm_stream_ops *ops;
    lm_schema *schema; /* a reference, given back by lm__stream_close */
    lm_error failure;  /* code is LM_OK while all is well */
    bool ended;
};

void lm__stream_init(lm_stream *stream, const lm_stream_ops *ops, lm_schema *schema);
LM_MUST_USE lm_status lm__stream_next(lm_stream *stream, lm_batch **batch, lm_error *error);
void lm__stream_close(lm_stream *stream); /* takes NULL */

/* Over an ArrowArrayStream; its schema is asked for at once. One that we exported ourselves is
 * unwrapped, without validation. */
LM_MUST_USE lm_status lm__stream_import_take(const lm_allocator *allocator,
                                             struct ArrowArrayStream *source, lm_validate validate,
                                             lm_stream **stream, lm_error *error);
/* Takes the stream on success and on failure. */
LM_MUST_USE lm_status lm__stream_export_take(const lm_allocator *allocator, lm_stream *stream,
                                             struct ArrowArrayStream *out, lm_error *error);

#endif
