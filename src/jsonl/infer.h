/*
 * Types from values: what the columns of JSON lines are, by the lines at the beginning.
 *
 * Booleans are bool, whole numbers int64 (float64 where one does not fit, and is refused where that
 * would round it), other numbers float64,
 * strings utf8, arrays lists, objects structs, and what is always null is of the null type. "NaN",
 * "Infinity" and "-Infinity" count as numbers where there are others. Names come in the order of
 * their first appearance; every column is nullable.
 */
#ifndef LM_JSONL_INFER_H
#define LM_JSONL_INFER_H

#include "arrow/schema.h"

/* `text` is whole lines, checked to be UTF-8. Columns that `types` (NULL: none) has are not looked
 * into, and of the null type. LM_DATA names line and column. */
LM_MUST_USE lm_status lm__jsonl_infer(const lm_allocator *allocator, const lm_schema *types,
                                      const uint8_t *text, size_t size, lm_schema **schema,
                                      lm_error *error);

#endif
