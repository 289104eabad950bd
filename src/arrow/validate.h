/*
 * Whether an array is what it says: its structure in O(columns), then its rows (offsets, indices,
 * views, run ends, decimals), then its text. The passes over rows look at what the array's slice
 * refers to, not at all that its children hold: small slices of large columns stay cheap.
 */
#ifndef LM_ARROW_VALIDATE_H
#define LM_ARROW_VALIDATE_H

#include "arrow/batch.h"

/* One array against its children, which have been looked at. */
LM_MUST_USE lm_status lm__array_check_structure(const lm_array *array, const lm_path *path,
                                                lm_error *error);

/* The passes over the rows of a batch; first_row is added to the numbers in messages. */
LM_MUST_USE lm_status lm__batch_check_rows(lm_batch *batch, lm_validate validate, int64_t first_row,
                                           lm_error *error);

/* No null stands where `field` says that none may, at any depth: LM_DATA with the row. Rows beneath
 * a null parent do not count. The array's own rows are looked at when field->nullable is false. */
LM_MUST_USE lm_status lm__array_check_nulls(const lm_array *array, const lm_field *field,
                                            const lm_path *path, int64_t first_row,
                                            lm_error *error);
/* The same of each column of a batch's root; what is wrong is told of all of them together. */
LM_MUST_USE lm_status lm__columns_check_nulls(const lm_array *root, int64_t first_row,
                                              lm_error *error);

#endif
