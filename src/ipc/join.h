/* Two batches one after the other, for dictionaries that are added to ("delta dictionaries"). */
#ifndef LM_IPC_JOIN_H
#define LM_IPC_JOIN_H

#include "arrow/batch.h"

/* Both are of that schema and have no offsets, as decoded. Everything is copied. Values with
 * dictionaries or run ends within are refused. */
LM_MUST_USE lm_status lm__ipc_batches_join(const lm_allocator *allocator, lm_schema *schema,
                                           const lm_batch *a, const lm_batch *b, lm_batch **both,
                                           lm_error *error);

#endif
