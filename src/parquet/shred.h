/*
 * Shredding: from Arrow's trees to a leaf's levels and values (Dremel; parquet-format, "Nested
 * Encoding").
 *
 * An entry is a place in the leaf's column: a value, a null, or a list that ends early. A slot is
 * an entry that has a place in the leaf's Arrow array (its value may be null). Pieces tell where
 * the slots lie: nothing is copied but what has to be made anew.
 *
 * Invariants
 *  1. A leaf without lists has one entry and one slot for each row.
 *  2. definition[i] == definition_max exactly for slots whose bit in `valid` is set, in order.
 *  3. Without level arrays (LM_LEVELS_VALIDITY) entries are the slots of the pieces, in order, and
 * an entry's definition is definition_max when valid, else definition_max - 1.
 */
#ifndef LM_PARQUET_SHRED_H
#define LM_PARQUET_SHRED_H

#include "arrow/batch.h"
#include "base/arena.h"
#include "encode/bits.h"
#include "parquet/write_schema.h"

/* Slots that lie one after the other in memory. */
typedef struct lm_piece {
    size_t count;
    size_t nulls;
    lm_bits valid;      /* bytes NULL: all are */
    lm_array array;     /* the leaf's slice, as Arrow has it */
    const void *fixed;  /* FIXED, WIDEN; of a dictionary its indices */
    lm_bits bits;       /* BITS */
    lm_strings strings; /* STRINGS, and FIXED as strings of one width */
} lm_piece;

typedef enum lm_levels_kind {
    LM_LEVELS_NONE,     /* no definition levels at all: required */
    LM_LEVELS_VALIDITY, /* invariant 3 */
    LM_LEVELS_ARRAYS,
} lm_levels_kind;

/* Rows [start, start + length) of a batch. */
typedef struct lm_rows {
    const lm_batch *batch;
    int64_t start, length;
} lm_rows;

typedef struct lm_shredded {
    lm_arena *arena;
    const lm_allocator *allocator;
    lm_levels_kind kind;
    uint8_t *definitions, *repetitions; /* ARRAYS; repetitions NULL when there are none */
    size_t entries, entry_capacity;
    lm_piece *pieces;
    size_t piece_count, piece_capacity;
    size_t slots, nulls; /* nulls among the slots */
    size_t rows;
} lm_shredded;

/* Fills `out` with the leaf's entries of all the rows; what it points to lives in the arena and the
 * batches, the level arrays in the arena `levels`. A null where the leaf's path is required is
 * LM_SCHEMA, with column and row. */
LM_MUST_USE lm_status lm__shred(const lm_leaf *leaf, const lm_rows *rows, size_t row_ranges,
                                lm_arena *arena, lm_arena *levels, lm_shredded *out,
                                lm_error *error);

#endif
