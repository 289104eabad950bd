/*
 * The allocator that keeps large blocks (lamella/base.h).
 *
 * Each block has its size in front of it. Small ones go to the inner allocator and back. Large ones
 * wait in a list, oldest last, until somebody asks for as much or little less, or until newer ones
 * need their place.
 *
 * Invariants
 *  1. What is kept is never more than bytes_max.
 *  2. A block is handed out for no less than 8/9 of its size.
 *  3. After closing nothing is kept, and the allocator goes with the last block in use.
 */
#include <pthread.h>
#include <string.h>

#include "base/alloc.h"
#include "base/error.h"
#include "base/limits.h"

/* In front of each block; the links count while it is kept. */
typedef struct block block;
struct block {
    size_t size;
    block *newer, *older;
    void *padding; /* 16 bytes are kept aligned */
};

typedef struct keeping {
    lm_allocator allocator; /* first */
    const lm_allocator *inner;
    pthread_mutex_t lock;
    block *newest, *oldest;
    size_t bytes_kept, bytes_max;
    size_t in_use; /* blocks */
    bool closed;
} keeping;

static void unlink_block(keeping *k, block *b)
{
    *(b->newer ? &b->newer->older : &k->newest) = b->older;
    *(b->older ? &b->older->newer : &k->oldest) = b->newer;
    k->bytes_kept -= b->size;
}

static void link_block(keeping *k, block *b)
{
    b->newer = NULL;
    b->older = k->newest;
    *(k->newest ? &k->newest->newer : &k->oldest) = b;
    k->newest = b;
    k->bytes_kept += b->size;
}

/* The smallest that will do, of the newest such. */
static block *find(keeping *k, size_t bytes)
{
    block *best = NULL;
    for (block *b = k->newest; b; b = b->older)
        if (b->size >= bytes && b->size - bytes <= bytes / 8 && (!best || b->size < best->size))
            best = b;
    if (best) unlink_block(k, best);
    return best;
}

static void *keeping_alloc(void *context, size_t bytes)
{
    keeping *k = context;
    block *b = NULL;
    size_t whole;
    if (__builtin_add_overflow(bytes, sizeof *b, &whole)) return NULL;
    pthread_mutex_lock(&k->lock);
    if (bytes >= LM_KEEPING_BYTES_MIN) b = find(k, bytes);
    k->in_use++;
    pthread_mutex_unlock(&k->lock);
    if (b) return b + 1;
    b = lm__alloc(k->inner, whole);
    if (b) {
        b->size = bytes;
        return b + 1;
    }
    pthread_mutex_lock(&k->lock);
    k->in_use--;
    pthread_mutex_unlock(&k->lock);
    return NULL;
}

static void end(keeping *k)
{
    pthread_mutex_destroy(&k->lock);
    lm__free(k->inner, k);
}

static void free_blocks(keeping *k, block *b)
{
    while (b) {
        block *next = b->older;
        lm__free(k->inner, b);
        b = next;
    }
}

static void keeping_free(void *context, void *memory)
{
    keeping *k = context;
    if (!memory) return;
    block *b = (block *)memory - 1, *rest = NULL;
    pthread_mutex_lock(&k->lock);
    if (k->closed || b->size < LM_KEEPING_BYTES_MIN || b->size > k->bytes_max) {
        b->older = NULL;
        rest = b;
    } else {
        while (k->bytes_kept > k->bytes_max - b->size) {
            block *oldest = k->oldest;
            unlink_block(k, oldest);
            oldest->older = rest;
            rest = oldest;
        }
        link_block(k, b);
    }
    bool last = --k->in_use == 0 && k->closed;
    pthread_mutex_unlock(&k->lock);
    free_blocks(k, rest);
    if (last) end(k);
}

static void *keeping_realloc(void *context, void *memory, size_t bytes)
{
    keeping *k = context;
    if (!memory) return keeping_alloc(context, bytes);
    block *b = (block *)memory - 1;
    size_t whole, size = b->size;
    if (__builtin_add_overflow(bytes, sizeof *b, &whole)) return NULL;
    if (size < LM_KEEPING_BYTES_MIN && bytes < LM_KEEPING_BYTES_MIN) {
        block *moved = lm__realloc_array(k->inner, b, whole, 1);
        if (!moved) return NULL;
        moved->size = bytes;
        return moved + 1;
    }
    if (bytes <= size && size - bytes <= size / 2) return memory;
    void *moved = keeping_alloc(context, bytes);
    if (!moved) return NULL;
    memcpy(moved, memory, size < bytes ? size : bytes);
    keeping_free(context, memory);
    return moved;
}

lm_status lm_keeping_allocator_new(const lm_allocator *inner, size_t bytes_max,
                                   const lm_allocator **allocator, lm_error *error)
{
    keeping *k = lm__alloc_zero(inner, sizeof *k);
    if (!k) return lm__error_memory(error, "making an allocator");
    k->allocator = (lm_allocator){keeping_alloc, keeping_realloc, keeping_free, k};
    k->inner = lm__allocator_or_default(inner);
    k->bytes_max = bytes_max;
    pthread_mutex_init(&k->lock, NULL);
    *allocator = &k->allocator;
    return LM_OK;
}

void lm_keeping_allocator_close(const lm_allocator *allocator)
{
    if (!allocator) return;
    keeping *k = allocator->context;
    pthread_mutex_lock(&k->lock);
    block *rest = k->newest;
    k->newest = k->oldest = NULL;
    k->bytes_kept = 0;
    k->closed = true;
    bool last = k->in_use == 0;
    pthread_mutex_unlock(&k->lock);
    free_blocks(k, rest);
    if (last) end(k);
}
