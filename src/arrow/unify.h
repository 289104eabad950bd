/*
 * One schema for tables whose schemas differ a little.
 *
 * Columns go by name: a column that some tables lack is nullable, and so is one that is nullable in
 * any of them; new ones come after those that are known. Types may differ where one of them, or a
 * third, holds all values of both: integers and floats of several widths, decimals, units of time,
 * text and binary of several kinds, lists, structs field by field, dictionaries and their values,
 * null and anything. Anything else is a conflict, which names the column, both types and both
 * tables.
 */
#ifndef LM_ARROW_UNIFY_H
#define LM_ARROW_UNIFY_H

#include "arrow/schema.h"

typedef struct lm_unifier lm_unifier;

LM_MUST_USE lm_status lm__unifier_new(const lm_allocator *allocator, lm_unifier **unifier,
                                      lm_error *error);
void lm__unifier_free(lm_unifier *unifier); /* takes NULL */
/* Takes one more schema into account. `name` is of its table, for messages, and must stay until the
 * end. LM_SCHEMA for a conflict. */
LM_MUST_USE lm_status lm__unify(lm_unifier *unifier, const lm_schema *schema, const char *name,
                                lm_error *error);
/* The schema of them all; at least one must have been there. */
LM_MUST_USE lm_status lm__unified(const lm_unifier *unifier, lm_schema **schema, lm_error *error);

#endif
