/* What the parts of a filter's evaluation share (filter_eval.c). */
#ifndef LM_ARROW_FILTER_KERNELS_H
#define LM_ARROW_FILTER_KERNELS_H

#include "arrow/filter.h"

/* filter_kernels.c: RANGE and SET of INT, WIDE and FLOAT; rows that are null get any bit. */
void lm__filter_kernel(const lm_test *test, const lm_array *values, uint64_t *words);
/* filter_columns.c: COLUMNS, row by row; nulls are false. */
void lm__filter_columns(const lm_test *test, const lm_array *left, const lm_array *right,
                        uint64_t *words);
/* The column's array in a batch's root. */
lm_array lm__filter_column(const lm_test_column *column, const lm_array *root);

#endif
