/*
 * A store around another one that fails before or after an operation: for everything above the
 * stores, on whatever store it stands.
 *
 * Invariants
 *  1. Operations are counted over the store and all its stages, in the order in which they start.
 *     close and writes of no bytes are not counted.
 *  2. "After" is the answer that was lost: the operation was done, and the caller gets `status`.
 */
#ifndef LM_STORE_FAULT_STORE_H
#define LM_STORE_FAULT_STORE_H

#include "store/store.h"

typedef struct lm_fault_plan {
    uint64_t nth; /* the operation that fails, from 0; UINT64_MAX: none */
    bool after;
    lm_status status;
    bool for_good; /* and all that follow it are not done: the process died */
} lm_fault_plan;

typedef struct lm_fault_store {
    lm_store store;
    lm_store *inner;
    lm_fault_plan plan;
    atomic_uint_fast64_t operations; /* so far */
    /* Called as each operation starts, with the name of its function here ("stage_commit",
     * "fault_list"): where whoever explores interleavings lets another go first. May be NULL. */
    void (*hook)(void *context, const char *name);
    /* Before it, of the operations that open, stat, list and remove, with the path: may be NULL. */
    void (*at)(void *context, const char *path);
    /* And with their answers, those of `open` and `seal` aside. May be NULL. */
    void (*answered)(void *context, lm_status status);
    void *hook_context;
} lm_fault_store;

/* In the caller's memory; `inner` stays the caller's, and is not closed with it. */
void lm__fault_store_init(lm_fault_store *fault, lm_store *inner);

#endif
