/* Counted memory of messages; see hold.h. */
#include "ipc/hold.h"

#include "base/alloc.h"

#define ALIGNMENT 64 /* what the format recommends */

struct lm_ipc_block {
    _Alignas(ALIGNMENT) lm_ipc_block *next;
    uint8_t data[];
};
#define BLOCK_HEAD sizeof(lm_ipc_block)
_Static_assert(BLOCK_HEAD == ALIGNMENT, "data[] is aligned as the head is");

/* True when this was the last reference; all that other threads did is visible then. */
static bool reference_drop(atomic_size_t *references)
{
    return atomic_fetch_sub_explicit(references, 1, memory_order_acq_rel) == 1;
}

lm_ipc_origin *lm__ipc_origin_new_take(const lm_allocator *allocator, lm_source *source)
{
    lm_ipc_origin *origin = lm__alloc(allocator, sizeof *origin);
    if (!origin) {
        lm_source_close(source);
        return NULL;
    }
    atomic_init(&origin->references, 1);
    origin->allocator = allocator;
    origin->source = source;
    return origin;
}

lm_ipc_origin *lm__ipc_origin_ref(lm_ipc_origin *origin)
{
    if (origin) atomic_fetch_add_explicit(&origin->references, 1, memory_order_relaxed);
    return origin;
}

void lm__ipc_origin_unref(lm_ipc_origin *origin)
{
    if (!origin || !reference_drop(&origin->references)) return;
    lm_source_close(origin->source);
    lm__free(origin->allocator, origin);
}

lm_ipc_hold *lm__ipc_hold_new(const lm_allocator *allocator, lm_ipc_origin *origin)
{
    lm_ipc_hold *hold = lm__alloc(allocator, sizeof *hold);
    if (!hold) return NULL;
    atomic_init(&hold->references, 1);
    hold->allocator = allocator;
    hold->origin = lm__ipc_origin_ref(origin);
    hold->blocks = NULL;
    return hold;
}

lm_ipc_hold *lm__ipc_hold_ref(lm_ipc_hold *hold)
{
    atomic_fetch_add_explicit(&hold->references, 1, memory_order_relaxed);
    return hold;
}

static void block_drop(lm_ipc_hold *hold, lm_ipc_block **link)
{
    lm_ipc_block *block = *link;
    *link = block->next;
    lm__free_aligned(hold->allocator, block);
}

void lm__ipc_hold_unref(lm_ipc_hold *hold)
{
    if (!hold || !reference_drop(&hold->references)) return;
    while (hold->blocks) block_drop(hold, &hold->blocks);
    lm__ipc_origin_unref(hold->origin);
    lm__free(hold->allocator, hold);
}

uint8_t *lm__ipc_hold_alloc(lm_ipc_hold *hold, size_t size)
{
    size_t bytes;
    if (__builtin_add_overflow(size, BLOCK_HEAD, &bytes)) return NULL;
    lm_ipc_block *block = lm__alloc_aligned(hold->allocator, ALIGNMENT, bytes);
    if (!block) return NULL;
    block->next = hold->blocks;
    hold->blocks = block;
    return block->data;
}

void lm__ipc_hold_drop_second(lm_ipc_hold *hold) { block_drop(hold, &hold->blocks->next); }
