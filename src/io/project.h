/*
 * Choosing columns by dotted paths: "a" is a column with all that is in it, "a.b" the field b of
 * the struct a and nothing else of it, "a.item.x" the field x of a list's items.
 *
 * The columns come in the order of the paths that name them first; what is chosen within a column
 * keeps its order. Of a map either all or nothing is chosen.
 */
#ifndef LM_IO_PROJECT_H
#define LM_IO_PROJECT_H

#include "arrow/expr.h"
#include "arrow/schema.h"

/* LM_INVALID for a path that names nothing. */
LM_MUST_USE lm_status lm__schema_project(const lm_schema *source, const char *const *paths,
                                         size_t path_count, lm_schema **schema, lm_error *error);

/* Column i of the expression as such a path, in the arena; NULL when that is full. */
const char *lm__expr_column_dotted(lm_arena *arena, const lm_expr *expr, size_t i);

#endif
