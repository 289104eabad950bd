/*
 * Memory for columns that are read: blocks for many columns at once, and buffers that grow.
 *
 * Fresh memory is a great part of what reading costs, so it is taken in large pages, in the size
 * that the footer lets expect, and what is used aside is kept from column to column.
 */
#ifndef LM_PARQUET_READ_MEMORY_H
#define LM_PARQUET_READ_MEMORY_H

#include <lamella/base.h>
#include <stdatomic.h>

#include "encode/bits.h"

/*
 * One block of memory for many columns of the same rows, whose sizes are known beforehand: in large
 * pages it costs a fraction of what it would in small ones. It belongs to the batch in the end.
 */
typedef struct lm_read_slab {
    const lm_allocator *allocator;
    uint8_t *memory;
    size_t size;
    atomic_size_t used;
} lm_read_slab;

/* The room that a buffer of so many bytes takes in a slab. */
static inline size_t lm__read_slab_room(size_t bytes)
{
    return (bytes + LM_ENCODE_SLACK + 63) & ~(size_t)63;
}
/* What is made room for where so many bytes of strings are expected of a share of the rows. */
static inline size_t lm__read_strings_room(size_t bytes) { return bytes + bytes / 64 + 1024; }
/* NULL when the slab has no such room left, or is NULL. */
void *lm__read_slab_take(lm_read_slab *slab, size_t bytes);

/* A buffer of a column: in the slab, or of its own. */
typedef struct lm_read_buffer {
    void *memory;
    size_t size; /* without the slack */
    bool in_slab, large;
} lm_read_buffer;

/* What a vector had, for the next one: no slab is in it. */
typedef struct lm_read_kept {
    lm_read_buffer values, offsets, data;
} lm_read_kept;

void lm__read_buffer_free(const lm_allocator *allocator, lm_read_buffer *buffer);
/* Room for `bytes` and LM_ENCODE_SLACK, keeping the first `used`. */
LM_MUST_USE bool lm__read_buffer_grow(const lm_allocator *allocator, lm_read_buffer *buffer,
                                      lm_read_slab *slab, size_t used, size_t bytes);

void lm__read_kept_free(const lm_allocator *allocator, lm_read_kept *kept);

/* How many slots to make room for. */
size_t lm__read_next_capacity(size_t needed, size_t capacity, size_t expected,
                              const lm_read_slab *slab);

#endif
