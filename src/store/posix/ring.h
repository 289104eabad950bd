/*
 * Writing around the page cache (O_DIRECT): a few large aligned buffers, and threads that write
 * them while the caller fills the next.
 *
 * Several writes are under way at once, since one at a time leaves the disk idle whenever a thread
 * waits for a processor; and space is reserved ahead of them, since a write that makes the file
 * longer would have to wait for the one before it.
 *
 * Invariants
 *  1. LM_STAGE_SLOTS buffers of LM_STAGE_SLOT_BYTES and LM_STAGE_THREADS threads at most, each made
 *     when it is first needed. Without a thread to be had, the caller writes.
 *  2. Writes begin in order, each at its own offset. After one has failed none begins, and its
 *     failure is the ring's for good.
 *  3. After drain every byte that was put in has been given to the kernel, no thread runs, O_DIRECT
 *     is off, and the file is as long as its bytes.
 *  4. Where O_DIRECT is refused, when it is switched on or at the first write, the same buffers go
 *     through the page cache.
 */
#ifndef LM_STORE_POSIX_RING_H
#define LM_STORE_POSIX_RING_H

#include <pthread.h>

#include "base/limits.h"
#include "store/store.h"
#include "store/sys.h"

typedef struct lm_ring_slot {
    uint8_t *data;
    size_t size;
    uint64_t offset;
    bool is_busy; /* handed over, and not written yet */
} lm_ring_slot;

typedef struct lm_ring {
    lm_sys *sys;
    int fd;
    const char *path; /* for messages */
    const lm_allocator *allocator;
    uint64_t offset;   /* where the slot that is being filled begins */
    uint64_t reserved; /* the space behind this is not reserved */
    bool no_reserve, no_threads;
    int thread_count;
    pthread_t threads[LM_STAGE_THREADS];

    pthread_mutex_t mutex; /* over all that follows, and each slot's is_busy */
    pthread_cond_t to_write, to_fill;
    uint64_t filled, taken; /* slots handed over; those that a thread has begun */
    lm_ring_slot slots[LM_STAGE_SLOTS];
    bool is_ending, direct_on, direct_tried, direct_used;
    lm_status result;
    lm_error result_error;
} lm_ring;

/* Begins the write-back of what went through the page cache, if it is much. A system that cannot is
 * no failure; one that says that a write was lost is. */
LM_MUST_USE lm_status lm__write_back(lm_sys *sys, int fd, uint64_t offset, uint64_t size,
                                     const char *path, lm_error *error);

/* Allocates nothing; always followed by _deinit. Begins at `offset`, a multiple of 4096. */
void lm__ring_init(lm_ring *ring, lm_sys *sys, int fd, uint64_t offset, const char *path,
                   const lm_allocator *allocator);
/* Room for at least one byte: where to, and how much. Waits for a slot to be written if need be. */
LM_MUST_USE lm_status lm__ring_room(lm_ring *ring, uint8_t **data, size_t *room, lm_error *error);
/* So many bytes were put there. */
void lm__ring_put(lm_ring *ring, size_t size);
LM_MUST_USE lm_status lm__ring_drain(lm_ring *ring, lm_error *error);
/* Ends the threads without writing what waits. */
void lm__ring_deinit(lm_ring *ring);

#endif
