/*
 * An arena: many small allocations, one release. One arena serves a row group, a publication, a
 * parsed document.
 *
 * Invariants
 *  1. Memory from the arena is valid until reset or deinit, and is aligned to 16 bytes (or as
 * asked).
 *  2. The sum of its blocks never exceeds `bytes_max`; past that allocation returns NULL.
 *  3. reset keeps the blocks for reuse.
 */
#ifndef LM_BASE_ARENA_H
#define LM_BASE_ARENA_H

#include <lamella/base.h>

typedef struct lm_arena_block lm_arena_block;

typedef struct lm_arena {
    const lm_allocator *allocator;
    lm_arena_block *first, *current;
    size_t block_bytes, bytes_max, bytes_held;
} lm_arena;

/* Allocates nothing yet. bytes_max 0 means LM_ARENA_BYTES_MAX. */
void lm__arena_init(lm_arena *arena, const lm_allocator *allocator, size_t bytes_max);
void lm__arena_deinit(lm_arena *arena);
void lm__arena_reset(lm_arena *arena);

void *lm__arena_alloc(lm_arena *arena, size_t bytes);
void *lm__arena_zero(lm_arena *arena, size_t bytes);
void *lm__arena_array(lm_arena *arena, size_t count, size_t size);
/* Room for `needed` items in an array that doubles, as lm__array_room; the old one stays in the
 * arena. */
bool lm__arena_room(lm_arena *arena, void *items, size_t *capacity, size_t needed, size_t size);
void *lm__arena_aligned(lm_arena *arena, size_t alignment, size_t bytes);
char *lm__arena_strdup(lm_arena *arena, const char *text);
char *lm__arena_strndup(lm_arena *arena, const char *text, size_t length);
char *lm__arena_printf(lm_arena *arena, const char *format, ...) LM_PRINTF(2, 3);

#endif
