/*
 * Rows of one leaf: its values, and the lists and structs that it owns, out of a column chunk into
 * buffers that become Arrow's.
 */
#ifndef LM_PARQUET_READ_ROWS_H
#define LM_PARQUET_READ_ROWS_H

#include "arrow/batch.h"
#include "parquet/read_nest.h"

/* What one leaf gives for some rows of a row group. */
typedef struct lm_read_part {
    lm_read_vector vector;
    lm_read_group *groups; /* one for each that the leaf owns */
    uint32_t group_count;
    bool overflow; /* 32-bit offsets do not reach: fewer rows at once may help */
} lm_read_part;

/* How many rows, and entries of lists, are likely to come; the slab may be NULL. */
typedef struct lm_read_expected {
    size_t rows, entries, string_bytes;
    lm_read_slab *slab;
} lm_read_expected;

/* What of a slab the leaf would take for that. */
size_t lm__read_part_slab_bytes(const lm_read_leaf *leaf, const lm_read_expected *expected);
LM_MUST_USE lm_status lm__read_part_init(lm_read_part *part, const lm_allocator *allocator,
                                         const lm_read_leaf *leaf, const lm_read_expected *expected,
                                         lm_error *error);
void lm__read_part_deinit(lm_read_part *part);
/* The next `rows` rows of the column, at the end of the part. LM_CORRUPT when there are fewer. */
LM_MUST_USE lm_status lm__read_part_rows(lm_read_part *part, const lm_read_leaf *leaf,
                                         lm_read_column *column, size_t rows, lm_error *error);

/* All parts of the same rows as a batch, which gets their memory, and the slab's; also on failure
 * the parts are only to be deinitialised. LM_CORRUPT when the columns of a struct or list do not
 * agree. */
LM_MUST_USE lm_status lm__read_batch_make(const lm_allocator *allocator, const lm_read_plan *plan,
                                          lm_read_part *parts, lm_read_slab *slab, size_t rows,
                                          lm_batch **batch, lm_error *error);

#endif
