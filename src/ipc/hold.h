/*
 * What the buffers of a message lie in: blocks of memory, and a share in the source whose view they
 * borrow. Batches and dictionaries hold it; the last to let go releases it, on any thread.
 */
#ifndef LM_IPC_HOLD_H
#define LM_IPC_HOLD_H

#include <lamella/source.h>

/* A source, counted. */
typedef struct lm_ipc_origin {
    atomic_size_t references;
    const lm_allocator *allocator;
    lm_source *source;
} lm_ipc_origin;

lm_ipc_origin *lm__ipc_origin_new_take(const lm_allocator *allocator, lm_source *source);
lm_ipc_origin *lm__ipc_origin_ref(lm_ipc_origin *origin); /* takes NULL */
void lm__ipc_origin_unref(lm_ipc_origin *origin);         /* takes NULL */

typedef struct lm_ipc_block lm_ipc_block;
typedef struct lm_ipc_hold {
    atomic_size_t references;
    const lm_allocator *allocator;
    lm_ipc_origin *origin; /* or NULL */
    lm_ipc_block *blocks;
} lm_ipc_hold;

/* NULL without memory. `origin` may be NULL. */
lm_ipc_hold *lm__ipc_hold_new(const lm_allocator *allocator, lm_ipc_origin *origin);
lm_ipc_hold *lm__ipc_hold_ref(lm_ipc_hold *hold);
void lm__ipc_hold_unref(lm_ipc_hold *hold); /* takes NULL */
/* `size` bytes, aligned to 64; NULL without memory. By one thread at a time. */
uint8_t *lm__ipc_hold_alloc(lm_ipc_hold *hold, size_t size);
/* Gives the allocation before the last back early. */
void lm__ipc_hold_drop_second(lm_ipc_hold *hold);

#endif
