/*
 * The row rules of a descriptor, held against batches as they pass.
 *
 * Invariants
 *  1. The first row that breaks a rule is told, with the rule, the column, the row and the value;
 *     of several rules that one batch breaks, the first in the descriptor's order.
 *  2. Keys are compared by fingerprints of 128 bits; rows with a null in the key have none. Memory
 *     for them is bounded by LM_TABLE_UNIQUE_BYTES_MAX.
 */
#ifndef LM_TABLE_ROW_RULES_H
#define LM_TABLE_ROW_RULES_H

#include "table/descriptor.h"

typedef struct lm_row_rules lm_row_rules;

/* For batches of `schema`, which has the descriptor's columns by name. Borrows the descriptor. */
LM_MUST_USE lm_status lm__row_rules_new(const lm_allocator *allocator,
                                        const lm_table_descriptor *descriptor, lm_schema *schema,
                                        lm_row_rules **rules, lm_error *error);
void lm__row_rules_free(lm_row_rules *rules); /* takes NULL */
LM_MUST_USE lm_status lm__row_rules_check(lm_row_rules *rules, const lm_batch *batch,
                                          int64_t first_row, lm_error *error);

#endif
