/*
 * Least and greatest values of pages and chunks, in their physical form.
 *
 * Invariants
 *  1. Bounds are values of the column (or floats' zeros as parquet.thrift wants them: -0.0 least,
 * +0.0 greatest), never cut here: cutting is for whoever writes them (statistics.h).
 *  2. A column without a defined order, or a range of nulls and NaNs alone, has none.
 */
#ifndef LM_PARQUET_BOUNDS_H
#define LM_PARQUET_BOUNDS_H

#include "parquet/shred.h"

typedef struct lm_bounds {
    bool there;
    lm_bytes min, max;
    size_t nans; /* floats */
} lm_bounds;

/* Slots [from, from + count) of a prepared piece. Fixed values are copied to the arena; byte
 * strings stay where they are. */
LM_MUST_USE lm_status lm__bounds_of(const lm_leaf *leaf, const lm_piece *piece, size_t from,
                                    size_t count, lm_arena *arena, lm_bounds *bounds,
                                    lm_error *error);
/* -1, 0 or 1 as the physical value a comes before, equals or comes after b. */
int lm__bounds_compare(const lm_leaf *leaf, lm_bytes a, lm_bytes b);
/* a becomes the bounds of both. */
void lm__bounds_merge(const lm_leaf *leaf, lm_bounds *a, const lm_bounds *b);

#endif
