/* Calls through an lm_allocator; sizes are checked for overflow. */
#ifndef LM_BASE_ALLOC_H
#define LM_BASE_ALLOC_H

#include <lamella/base.h>

static inline const lm_allocator *lm__allocator_or_default(const lm_allocator *allocator)
{
    return allocator ? allocator : lm_allocator_default();
}

void *lm__alloc(const lm_allocator *allocator, size_t bytes);
void *lm__alloc_zero(const lm_allocator *allocator, size_t bytes);
/* NULL when count * size overflows. */
void *lm__alloc_array(const lm_allocator *allocator, size_t count, size_t size);
void *lm__realloc_array(const lm_allocator *allocator, void *memory, size_t count, size_t size);
/* Room for `needed` items in an array that grows by at least half. `items` is the address of the
 * array's pointer; both it and the capacity stay as they were when there is no memory. */
bool lm__array_room(const lm_allocator *allocator, void *items, size_t *capacity, size_t needed,
                    size_t size);
/* Takes NULL. */
void lm__free(const lm_allocator *allocator, void *memory);
char *lm__strdup(const lm_allocator *allocator, const char *text);
char *lm__strndup(const lm_allocator *allocator, const char *text, size_t length);

/* A large block that will be filled: aligned to large pages, and the system is told that it may use
 * them, which saves a fault for each small one. Give back with lm__free_aligned. */
void *lm__alloc_large(const lm_allocator *allocator, size_t bytes);

/* Aligned to `alignment` (a power of two), zeroed never; give back with lm__free_aligned only. */
void *lm__alloc_aligned(const lm_allocator *allocator, size_t alignment, size_t bytes);
void lm__free_aligned(const lm_allocator *allocator, void *memory);

#endif
