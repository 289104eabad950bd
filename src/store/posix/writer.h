/*
 * The bytes of a stage on their way into its file: buffered, summed, and written while the caller
 * makes more of them.
 *
 * Invariants
 *  1. A file of up to LM_STAGE_SMALL_BYTES is one write at the end and starts no thread. A larger
 *     one uses at most LM_STAGE_SLOTS buffers of LM_STAGE_SLOT_BYTES and one thread; memory never
 *     depends on the size of the file.
 *  2. Writes go out in order, each at its own offset. The first that fails is the writer's result
 *     for good; nothing is written after it.
 *  3. After drain every byte that was accepted has been given to the kernel and no thread runs;
 *     O_DIRECT is off again.
 *  4. Whole slots go around the page cache (O_DIRECT) once the file is large and is to be durable;
 *     the last, ragged one goes through it. Where O_DIRECT is refused, the page cache is used, and
 *     write-back is started early, so that the sync at the end finds little to do.
 */
#ifndef LM_STORE_POSIX_WRITER_H
#define LM_STORE_POSIX_WRITER_H

#include <pthread.h>

#include "base/hash.h"
#include "base/limits.h"
#include "store/store.h"
#include "store/sys.h"

typedef struct lm_writer_slot {
    uint8_t *data;
    size_t size;
    uint64_t offset;
} lm_writer_slot;

typedef struct lm_writer {
    lm_sys *sys;
    int fd;
    const char *path;
    const lm_allocator *allocator;
    lm_cancel *cancel;
    uint64_t direct_from; /* the offset past which O_DIRECT is used; UINT64_MAX: never */
    bool write_back;      /* start it early */
    bool small_only;      /* still within the first, small buffer */
    uint8_t *small;
    size_t small_capacity, small_size;
    uint64_t offset; /* where the slot that is being filled begins */
    lm_checksum checksum;

    /* The ring: the caller fills slots[filled % LM_STAGE_SLOTS], the thread empties
     * slots[emptied % LM_STAGE_SLOTS]. Behind the mutex: filled, emptied, is_ending, result. */
    lm_writer_slot slots[LM_STAGE_SLOTS];
    uint64_t filled, emptied;
    bool is_ending;
    lm_status result;
    lm_error result_error;
    bool has_thread, no_thread;
    pthread_t thread;
    pthread_mutex_t mutex;
    pthread_cond_t changed;

    /* The side that writes: the thread's while there is one. */
    bool direct_on, direct_tried, direct_refused, direct_used;
} lm_writer;

/* Allocates nothing yet; always followed by _deinit. `path` must stay valid. */
LM_MUST_USE lm_status lm__writer_init(lm_writer *writer, lm_sys *sys, int fd, const char *path,
                                      const lm_stage_options *options,
                                      const lm_allocator *allocator, lm_error *error);
LM_MUST_USE lm_status lm__writer_write(lm_writer *writer, const void *data, size_t size,
                                       lm_error *error);
LM_MUST_USE lm_status lm__writer_drain(lm_writer *writer, lm_error *error);
/* Ends the thread, if there is one, without writing what is left. */
void lm__writer_deinit(lm_writer *writer);

#endif
