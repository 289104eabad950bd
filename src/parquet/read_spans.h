/*
 * Ranges of rows of one leaf, out of a column chunk that is read forward: what lies between them is
 * skipped, by the offset index where there is one.
 */
#ifndef LM_PARQUET_READ_SPANS_H
#define LM_PARQUET_READ_SPANS_H

#include "parquet/read_rows.h"
#include "parquet/row_ranges.h"

/* A range, and how many rows those before it have. */
typedef struct lm_row_span {
    lm_row_range range;
    uint64_t at;
} lm_row_span;

/* Where a column stands. */
typedef struct lm_read_place {
    lm_arena arena;
    const lm_offset_index *index; /* NULL: not to be used */
    uint64_t row;                 /* the next, in the row group */
} lm_read_place;

void lm__read_place_init(lm_read_place *place, const lm_allocator *allocator);
/* Takes up the offset index of a leaf; without one that holds together pages are passed over one by
 * one. */
LM_MUST_USE lm_status lm__read_place_open(lm_read_place *place, const lm_parquet_reader *reader,
                                          size_t row_group, const lm_read_node *leaf,
                                          lm_error *error);
void lm__read_place_close(lm_read_place *place);

/* Rows [start, start + rows) of the spans, counted from the first span's first, at the end of the
 * part. */
LM_MUST_USE lm_status lm__read_part_spans(lm_read_part *part, const lm_read_leaf *leaf,
                                          lm_read_column *column, lm_read_place *place,
                                          const lm_row_span *spans, size_t count, size_t start,
                                          size_t rows, lm_error *error);

#endif
