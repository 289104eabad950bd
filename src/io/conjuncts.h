/* A filter taken apart at its `and`s, by where the columns of each part come from. */
#ifndef LM_IO_CONJUNCTS_H
#define LM_IO_CONJUNCTS_H

#include "arrow/expr.h"
#include "arrow/schema.h"

/* Each NULL where no part is of that kind. */
typedef struct lm_conjuncts {
    lm_expr *partitions; /* partition columns alone, and what has no columns at all */
    lm_expr *files;      /* columns of files alone */
    lm_expr *mixed;      /* both */
} lm_conjuncts;

/* `partitions` are the partition columns; NULL for none. */
LM_MUST_USE lm_status lm__conjuncts(const lm_allocator *allocator, const lm_expr *filter,
                                    const lm_schema *partitions, lm_conjuncts *out,
                                    lm_error *error);
void lm__conjuncts_free(lm_conjuncts *conjuncts);

#endif
