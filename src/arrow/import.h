/* From an ArrowArray to views, with its structure checked in O(columns). */
#ifndef LM_ARROW_IMPORT_H
#define LM_ARROW_IMPORT_H

#include "arrow/batch.h"

/* Borrows `source`; the views, in the batch's arena, point into it. */
LM_MUST_USE lm_status lm__array_import(lm_batch *batch, const struct ArrowArray *source,
                                       const lm_field *field, const lm_path *path, lm_array *out,
                                       lm_error *error);

/* lm__batch_import_take, with first_row added to the rows in messages. */
LM_MUST_USE lm_status lm__batch_import_rows_take(const lm_allocator *allocator, lm_schema *schema,
                                                 struct ArrowArray *array, lm_validate validate,
                                                 int64_t first_row, lm_batch **batch,
                                                 lm_error *error);

#endif
