/* Calls through an lm_allocator. */
#define _GNU_SOURCE
#include "base/alloc.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "base/limits.h"

static void *system_alloc(void *context, size_t bytes)
{
    (void)context;
    return malloc(bytes);
}

static void *system_realloc(void *context, void *memory, size_t bytes)
{
    (void)context;
    return realloc(memory, bytes);
}

static void system_free(void *context, void *memory)
{
    (void)context;
    free(memory);
}

const lm_allocator *lm_allocator_default(void)
{
    static const lm_allocator system = {system_alloc, system_realloc, system_free, NULL};
    return &system;
}

void *lm__alloc(const lm_allocator *allocator, size_t bytes)
{
    allocator = lm__allocator_or_default(allocator);
    return allocator->alloc(allocator->context, bytes ? bytes : 1);
}

void *lm__alloc_zero(const lm_allocator *allocator, size_t bytes)
{
    void *memory = lm__alloc(allocator, bytes);
    if (memory) memset(memory, 0, bytes);
    return memory;
}

void *lm__alloc_array(const lm_allocator *allocator, size_t count, size_t size)
{
    size_t bytes;
    if (__builtin_mul_overflow(count, size, &bytes)) return NULL;
    return lm__alloc(allocator, bytes);
}

void *lm__realloc_array(const lm_allocator *allocator, void *memory, size_t count, size_t size)
{
    size_t bytes;
    if (__builtin_mul_overflow(count, size, &bytes)) return NULL;
    allocator = lm__allocator_or_default(allocator);
    return allocator->realloc(allocator->context, memory, bytes ? bytes : 1);
}

/* A sum that wraps is less than what is needed. */
bool lm__array_room(const lm_allocator *allocator, void *items, size_t *capacity, size_t needed,
                    size_t size)
{
    if (needed <= *capacity) return true;
    size_t grown = *capacity + *capacity / 2 + 16;
    if (grown < needed) grown = needed;
    void *memory;
    memcpy(&memory, items, sizeof memory);
    memory = lm__realloc_array(allocator, memory, grown, size);
    if (!memory) return false;
    memcpy(items, &memory, sizeof memory);
    *capacity = grown;
    return true;
}

void lm__free(const lm_allocator *allocator, void *memory)
{
    if (!memory) return;
    allocator = lm__allocator_or_default(allocator);
    allocator->free(allocator->context, memory);
}

char *lm__strndup(const lm_allocator *allocator, const char *text, size_t length)
{
    char *copy = lm__alloc(allocator, length + 1);
    if (!copy) return NULL;
    memcpy(copy, text, length);
    copy[length] = '\0';
    return copy;
}

char *lm__strdup(const lm_allocator *allocator, const char *text)
{
    return lm__strndup(allocator, text, strlen(text));
}

/* The pointer that the allocator gave stands just before the aligned block. */
void *lm__alloc_aligned(const lm_allocator *allocator, size_t alignment, size_t bytes)
{
    size_t whole;
    if (__builtin_add_overflow(bytes, alignment + sizeof(void *), &whole)) return NULL;
    uint8_t *base = lm__alloc(allocator, whole);
    if (!base) return NULL;
    uintptr_t start =
        ((uintptr_t)base + sizeof(void *) + alignment - 1) & ~(uintptr_t)(alignment - 1);
    memcpy((uint8_t *)start - sizeof(void *), &base, sizeof base);
    return (void *)start;
}

void lm__free_aligned(const lm_allocator *allocator, void *memory)
{
    if (!memory) return;
    void *base;
    memcpy(&base, (uint8_t *)memory - sizeof(void *), sizeof base);
    lm__free(allocator, base);
}

/* The hint covers whole large pages only: nothing beside the block is touched. A last one that is
 * at least half used is made whole, since in small pages it would cost more. */
void *lm__alloc_large(const lm_allocator *allocator, size_t bytes)
{
    size_t rest = bytes % LM_LARGE_PAGE_BYTES;
    if (rest >= LM_LARGE_PAGE_BYTES / 2 && bytes <= SIZE_MAX - LM_LARGE_PAGE_BYTES)
        bytes += LM_LARGE_PAGE_BYTES - rest;
    uint8_t *memory = lm__alloc_aligned(allocator, LM_LARGE_PAGE_BYTES, bytes);
#ifdef MADV_HUGEPAGE
    size_t whole = bytes - bytes % LM_LARGE_PAGE_BYTES;
    if (memory && whole) (void)madvise(memory, whole, MADV_HUGEPAGE);
#endif
    return memory;
}
