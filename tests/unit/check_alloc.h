/*
 * An allocator for tests: counts what is live, and fails one allocation by its number.
 *
 *     for (size_t n = 0;; n++) {
 *         check_alloc memory;
 *         check_alloc_init(&memory, n);
 *         lm_status status = thing(&memory.allocator, ...);
 *         CHECK_INT(memory.live, 0);
 *         if (!memory.failed) break;         // all have had their turn
 *         CHECK_INT(status, LM_NO_MEMORY);
 *     }
 *
 * From many threads too, but then the numbers of allocations are not the same each time. Not to be
 * moved once in use.
 */
#ifndef LM_TESTS_CHECK_ALLOC_H
#define LM_TESTS_CHECK_ALLOC_H

#include <stdatomic.h>
#include <stdlib.h>

#include <lamella/base.h>

typedef struct check_alloc {
    lm_allocator allocator;
    size_t fail_at;
    atomic_size_t calls, live;
    atomic_size_t largest; /* asked for at once */
    atomic_bool failed;
} check_alloc;

static inline bool check_alloc_fails(check_alloc *memory, size_t bytes)
{
    if (bytes > memory->largest) memory->largest = bytes;
    if (memory->calls++ != memory->fail_at) return false;
    memory->failed = true;
    return true;
}

static inline void *check_alloc_alloc(void *context, size_t bytes)
{
    check_alloc *memory = context;
    void *got = check_alloc_fails(memory, bytes) ? NULL : malloc(bytes ? bytes : 1);
    if (got) memory->live++;
    return got;
}

static inline void *check_alloc_realloc(void *context, void *old, size_t bytes)
{
    check_alloc *memory = context;
    void *got = check_alloc_fails(memory, bytes) ? NULL : realloc(old, bytes ? bytes : 1);
    if (got && !old) memory->live++;
    return got;
}

static inline void check_alloc_free(void *context, void *old)
{
    check_alloc *memory = context;
    if (old) memory->live--;
    free(old);
}

/* The allocation number `fail_at`, from 0, fails; SIZE_MAX for none. */
static inline void check_alloc_init(check_alloc *memory, size_t fail_at)
{
    *memory = (check_alloc){
        .allocator = {check_alloc_alloc, check_alloc_realloc, check_alloc_free, memory},
        .fail_at = fail_at,
    };
}

#endif
