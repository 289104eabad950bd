/* An arena; see arena.h for its invariants. Blocks are chained and grow with what has been asked
 * for. */
#include "base/arena.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/limits.h"

struct lm_arena_block {
    lm_arena_block *next;
    size_t capacity, used;
    _Alignas(16) uint8_t data[];
};

void lm__arena_init(lm_arena *arena, const lm_allocator *allocator, size_t bytes_max)
{
    *arena = (lm_arena){
        .allocator = lm__allocator_or_default(allocator),
        .block_bytes = LM_ARENA_BLOCK_BYTES,
        .bytes_max = bytes_max ? bytes_max : LM_ARENA_BYTES_MAX,
    };
}

void lm__arena_deinit(lm_arena *arena)
{
    for (lm_arena_block *block = arena->first, *next; block; block = next) {
        next = block->next;
        lm__free(arena->allocator, block);
    }
    arena->first = arena->current = NULL;
    arena->bytes_held = 0;
}

void lm__arena_reset(lm_arena *arena)
{
    for (lm_arena_block *block = arena->first; block; block = block->next) block->used = 0;
    arena->current = arena->first;
}

/* Where an allocation would start in a block, or SIZE_MAX when it does not fit. */
static size_t block_offset(const lm_arena_block *block, size_t alignment, size_t bytes)
{
    uintptr_t at = (uintptr_t)block->data + block->used;
    size_t offset = block->used + (size_t)(-at & (alignment - 1));
    if (offset > block->capacity || block->capacity - offset < bytes) return SIZE_MAX;
    return offset;
}

static lm_arena_block *arena_add_block(lm_arena *arena, size_t alignment, size_t bytes)
{
    size_t capacity;
    if (__builtin_add_overflow(bytes, alignment, &capacity)) return NULL;
    size_t left = arena->bytes_max - arena->bytes_held;
    if (capacity < arena->block_bytes) capacity = arena->block_bytes;
    if (capacity > left) capacity = left;
    if (capacity < bytes + alignment) return NULL;
    lm_arena_block *block = lm__alloc(arena->allocator, sizeof *block + capacity);
    if (!block) return NULL;
    block->capacity = capacity;
    block->used = 0;
    arena->bytes_held += capacity;
    if (arena->block_bytes < 1024 * 1024) arena->block_bytes *= 2;
    if (arena->current) {
        block->next = arena->current->next;
        arena->current->next = block;
    } else {
        block->next = NULL;
        arena->first = block;
    }
    arena->current = block;
    return block;
}

void *lm__arena_aligned(lm_arena *arena, size_t alignment, size_t bytes)
{
    for (lm_arena_block *block = arena->current; block; block = block->next) {
        size_t offset = block_offset(block, alignment, bytes);
        if (offset == SIZE_MAX) continue;
        arena->current = block;
        block->used = offset + bytes;
        return block->data + offset;
    }
    lm_arena_block *block = arena_add_block(arena, alignment, bytes);
    if (!block) return NULL;
    size_t offset = block_offset(block, alignment, bytes);
    block->used = offset + bytes;
    return block->data + offset;
}

void *lm__arena_alloc(lm_arena *arena, size_t bytes) { return lm__arena_aligned(arena, 16, bytes); }

void *lm__arena_zero(lm_arena *arena, size_t bytes)
{
    void *memory = lm__arena_alloc(arena, bytes);
    if (memory) memset(memory, 0, bytes);
    return memory;
}

void *lm__arena_array(lm_arena *arena, size_t count, size_t size)
{
    size_t bytes;
    if (__builtin_mul_overflow(count, size, &bytes)) return NULL;
    return lm__arena_alloc(arena, bytes);
}

bool lm__arena_room(lm_arena *arena, void *items, size_t *capacity, size_t needed, size_t size)
{
    if (needed <= *capacity) return true;
    size_t grown = 2 * *capacity + 8;
    if (grown < needed) grown = needed;
    void *old, *memory = lm__arena_array(arena, grown, size);
    if (!memory) return false;
    memcpy(&old, items, sizeof old);
    if (*capacity) memcpy(memory, old, *capacity * size);
    memcpy(items, &memory, sizeof memory);
    *capacity = grown;
    return true;
}

char *lm__arena_strndup(lm_arena *arena, const char *text, size_t length)
{
    char *copy = lm__arena_aligned(arena, 1, length + 1);
    if (!copy) return NULL;
    if (length) memcpy(copy, text, length);
    copy[length] = '\0';
    return copy;
}

char *lm__arena_strdup(lm_arena *arena, const char *text)
{
    return lm__arena_strndup(arena, text, strlen(text));
}

char *lm__arena_printf(lm_arena *arena, const char *format, ...)
{
    va_list args, again;
    va_start(args, format);
    va_copy(again, args);
    int length = vsnprintf(NULL, 0, format, args);
    va_end(args);
    char *text = length < 0 ? NULL : lm__arena_aligned(arena, 1, (size_t)length + 1);
    if (text) vsnprintf(text, (size_t)length + 1, format, again);
    va_end(again);
    return text;
}
