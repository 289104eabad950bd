/*
 * One dictionary for a column of an Arrow file, out of those that its batches have: a file holds a
 * single one, and readers that know no added values ("delta dictionaries") shall read it too.
 *
 * Invariants
 *  1. A value keeps the place that it got first: indices that were written stay true.
 *  2. The first dictionary's values stand as they are; of later ones those are added that are not
 *     there yet, by their bits. Of nulls there is one.
 */
#ifndef LM_IPC_UNIFY_H
#define LM_IPC_UNIFY_H

#include "arrow/build.h"

typedef struct lm_ipc_unified lm_ipc_unified;

/* Values of text, bytes and fixed width can be told apart. */
bool lm__ipc_unified_can(const lm_field *values);
/* `field` is that of the values, and must live as long. */
LM_MUST_USE lm_status lm__ipc_unified_new(const lm_allocator *allocator, const lm_field *field,
                                          const lm_array *first, lm_ipc_unified **unified,
                                          lm_error *error);
void lm__ipc_unified_free(lm_ipc_unified *unified); /* takes NULL */
/* (*places)[i] is where value i stands now; it is valid until the next call. */
LM_MUST_USE lm_status lm__ipc_unified_add(lm_ipc_unified *unified, const lm_array *values,
                                          const uint32_t **places, lm_error *error);
int64_t lm__ipc_unified_count(const lm_ipc_unified *unified);
/* What was added since the last time, and the whole. They are the batch's then, and no longer here.
 */
LM_MUST_USE lm_status lm__ipc_unified_take_added(lm_ipc_unified *unified, lm_batch *batch,
                                                 lm_array *out, lm_error *error);
LM_MUST_USE lm_status lm__ipc_unified_take(lm_ipc_unified *unified, lm_batch *batch, lm_array *out,
                                           lm_error *error);

#endif
