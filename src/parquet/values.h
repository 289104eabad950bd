/*
 * A leaf's values in the form that the encoders take: pointers set, and made anew where Parquet has
 * another representation (seconds, date64, decimals, intervals, dictionaries that do not stay).
 *
 * Invariants
 *  1. After prepare every piece has what its leaf's store says: `fixed`, `bits` or `strings`, from
 * its slot 0.
 *  2. A value that cannot be said in Parquet is LM_DATA with column, row of the piece and value;
 * nulls are never looked at.
 */
#ifndef LM_PARQUET_VALUES_H
#define LM_PARQUET_VALUES_H

#include "parquet/shred.h"

/* What the leaf's values are after prepare: CONVERT and NOTHING have become FIXED. */
static inline lm_leaf_store lm__leaf_prepared(const lm_leaf *leaf)
{
    return leaf->store == LM_STORE_CONVERT || leaf->store == LM_STORE_NOTHING ? LM_STORE_FIXED
                                                                              : leaf->store;
}
/* Bytes of a prepared value in memory; 0 for strings and bits. */
static inline size_t lm__leaf_memory_width(const lm_leaf *leaf)
{
    return leaf->store == LM_STORE_WIDEN ? leaf->memory_width : leaf->width;
}

/* All pieces of a leaf that is no dictionary. */
LM_MUST_USE lm_status lm__values_prepare(const lm_leaf *leaf, lm_shredded *shredded,
                                         lm_error *error);
/* One array of the leaf's values (a dictionary's, say) as a piece. */
LM_MUST_USE lm_status lm__values_piece(const lm_leaf *leaf, const lm_array *array, lm_arena *arena,
                                       lm_piece *piece, lm_error *error);
/* The pieces of a dictionary leaf, each value looked up: as if the column had never been one. */
LM_MUST_USE lm_status lm__values_decode(const lm_leaf *leaf, lm_shredded *shredded,
                                        lm_error *error);

#endif
