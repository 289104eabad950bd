/*
 * Between the files of lm_diff: diff.c compares schemas and rows in their order, diff_keys.c rows
 * by keys, and diff_rows.c compares, prints and tells single rows.
 *
 * Invariants
 *  1. Columns are paired by name; of columns of one name the first goes with the first.
 *  2. In order, memory holds a batch of each table. By keys it holds `a`, and of `b` a batch.
 *  3. Rows are counted and compared to the end, unless first_only is set.
 */
#ifndef LM_IO_DIFF_H
#define LM_IO_DIFF_H

#include <lamella/diff.h>

#include "arrow/batch.h"
#include "arrow/value_json.h"

/* A column of both tables. */
typedef struct lm_diff_pair {
    int32_t a, b;
    bool direct; /* values are compared as they lie; else by their text */
    bool key;
} lm_diff_pair;

typedef struct lm_diff_side {
    const char *path;
    lm_scan *scan;
    lm_stream *stream;
    const lm_field *root;
    lm_value_json *columns; /* how each column's values are printed */
} lm_diff_side;

typedef struct lm_diff_state {
    const lm_allocator *allocator;
    const lm_diff_options *options;
    lm_diff_result *result;
    lm_arena arena;
    lm_diff_side a, b;
    lm_diff_pair *pairs;
    size_t pair_count;
    uint64_t rows_told;
    lm_buffer text_a, text_b, text; /* texts of what is told */
    lm_diff_change *changes;        /* room for one a pair, */
    size_t *places;                 /* and which pairs those are */
    lm_error *error;
} lm_diff_state;

/* No more need be looked at. */
static inline bool lm__diff_is_done(const lm_diff_state *d)
{
    return d->options->first_only && !d->result->equal;
}

LM_MUST_USE lm_status lm__diff_tell(lm_diff_state *d, const lm_difference *difference);
/* *equal: whether these values are. */
LM_MUST_USE lm_status lm__diff_values(lm_diff_state *d, const lm_diff_pair *pair, const lm_batch *a,
                                      int64_t row_a, const lm_batch *b, int64_t row_b, bool *equal);
/* Compares two rows and tells what differs; `key` may be NULL. base_a and base_b are the rows
 * before these batches. */
LM_MUST_USE lm_status lm__diff_rows(lm_diff_state *d, const lm_batch *a, int64_t row_a,
                                    int64_t base_a, const lm_batch *b, int64_t row_b,
                                    int64_t base_b, const char *key);
/* Tells a row that only one of them has. */
LM_MUST_USE lm_status lm__diff_row_alone(lm_diff_state *d, lm_diff_kind kind, const lm_batch *batch,
                                         int64_t row, int64_t base, const char *key);
/* Appends the key columns of a row, {"k":1}, with the names that a has. */
LM_MUST_USE lm_status lm__diff_key_text(lm_diff_state *d, const lm_batch *batch, bool is_a,
                                        int64_t row, lm_buffer *out);

LM_MUST_USE lm_status lm__diff_by_keys(lm_diff_state *d);

#endif
