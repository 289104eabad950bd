/*
 * Deletion vectors: the rows of a part that count no more, told beside it (PROTOCOL.md, "Deletion
 * Vectors"). They are read; none is made here.
 */
#ifndef LM_TABLE_DELETION_VECTOR_H
#define LM_TABLE_DELETION_VECTOR_H

#include "arrow/batch.h"
#include "store/store.h"
#include "table/actions.h"
#include "table/row_set.h"

/* The rows that the vector tells of: in the log itself, or in a file that belongs to the table at
 * `root`. LM_CORRUPT when it is damaged, and LM_NOT_FOUND when the file is gone, with its name. */
LM_MUST_USE lm_status lm__deletion_vector_read(const lm_allocator *allocator, lm_store *store,
                                               const char *root, const lm_delta_vector *vector,
                                               lm_row_set **rows, lm_error *error);

/* A part's stream, all of its rows in their order, without those of the set. Takes both, also on
 * failure. At the end LM_CORRUPT where the set has rows that the part has not. */
LM_MUST_USE lm_status lm__live_stream_take(const lm_allocator *allocator, lm_stream *take_source,
                                           lm_row_set *take_deleted, lm_stream **stream,
                                           lm_error *error);

#endif
