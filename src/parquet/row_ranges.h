/*
 * Rows of a row group as ranges: what pruning leaves, and what a stream is told to read.
 *
 * Invariant 1: ranges are not empty, ascend, and neither touch nor overlap.
 */
#ifndef LM_PARQUET_ROW_RANGES_H
#define LM_PARQUET_ROW_RANGES_H

#include "base/arena.h"

typedef struct lm_row_range {
    uint64_t start, end;
} lm_row_range;

/* In an arena, which the caller names each time. */
typedef struct lm_row_ranges {
    lm_row_range *items;
    size_t count, capacity;
} lm_row_ranges;

/* Adds a range that begins no earlier than the last one ends; one that touches it is joined to it.
 * False when the arena is full. */
bool lm__row_ranges_add(lm_arena *arena, lm_row_ranges *ranges, uint64_t start, uint64_t end);
/* `out` is new. */
bool lm__row_ranges_and(lm_arena *arena, const lm_row_ranges *a, const lm_row_ranges *b,
                        lm_row_ranges *out);
bool lm__row_ranges_or(lm_arena *arena, const lm_row_ranges *a, const lm_row_ranges *b,
                       lm_row_ranges *out);
uint64_t lm__row_ranges_rows(const lm_row_ranges *ranges);

#endif
