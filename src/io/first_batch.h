/*
 * A stream whose first batch is asked for ahead: what is wrong with it is told before anything is
 * staged, and for most tables that is everything.
 */
#ifndef LM_IO_FIRST_BATCH_H
#define LM_IO_FIRST_BATCH_H

#include "arrow/batch.h"

/* The same rows. With `check_nulls` nulls of the first batch where its schema has none are LM_DATA,
 * of all columns together. Takes the stream. */
LM_MUST_USE lm_status lm__first_batch_take(const lm_allocator *allocator, lm_stream *inner,
                                           bool check_nulls, lm_stream **stream, lm_error *error);

#endif
