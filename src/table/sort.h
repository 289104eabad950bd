/*
 * Rows in order: what a part of a sorted table is made of.
 *
 * Invariants
 *  1. The sort is stable. Floats are ordered with -0.0 equal to 0.0 and NaN above all; text and
 *     binary by their bytes.
 *  2. Batches that are in order already are left as they are.
 */
#ifndef LM_TABLE_SORT_H
#define LM_TABLE_SORT_H

#include "table/descriptor.h"

typedef struct lm_sort_key {
    int32_t column; /* of the batches */
    bool descending, nulls_first;
} lm_sort_key;

/* The rows of all the batches, which are of one schema, as one batch in order. */
LM_MUST_USE lm_status lm__sort_batches(const lm_allocator *allocator, lm_batch *const *batches,
                                       size_t count, const lm_sort_key *keys, size_t key_count,
                                       lm_batch **sorted, lm_error *error);
/* The rows of all the batches as one, as they come. */
LM_MUST_USE lm_status lm__join_batches(const lm_allocator *allocator, lm_batch *const *batches,
                                       size_t count, lm_batch **joined, lm_error *error);

#endif
