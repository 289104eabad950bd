/* Memory for columns; see read_memory.h. */
#include "parquet/read_memory.h"

#include <string.h>

#include "base/alloc.h"
#include "base/limits.h"

void *lm__read_slab_take(lm_read_slab *slab, size_t bytes)
{
    if (!slab || !slab->memory) return NULL;
    size_t room = lm__read_slab_room(bytes);
    size_t at = atomic_fetch_add_explicit(&slab->used, room, memory_order_relaxed);
    if (at > slab->size || room > slab->size - at) return NULL;
    return slab->memory + at;
}

void lm__read_buffer_free(const lm_allocator *allocator, lm_read_buffer *buffer)
{
    if (buffer->large)
        lm__free_aligned(allocator, buffer->memory);
    else if (!buffer->in_slab)
        lm__free(allocator, buffer->memory);
    *buffer = (lm_read_buffer){0};
}

bool lm__read_buffer_grow(const lm_allocator *allocator, lm_read_buffer *buffer, lm_read_slab *slab,
                          size_t used, size_t bytes)
{
    lm_read_buffer grown = {0};
    size_t room;
    if (__builtin_add_overflow(bytes, LM_ENCODE_SLACK, &room)) return false;
    if (used == 0) lm__read_buffer_free(allocator, buffer);
    if (!buffer->memory && (grown.memory = lm__read_slab_take(slab, bytes))) {
        grown.in_slab = true;
    } else if (room >= LM_LARGE_PAGE_BYTES) {
        grown.memory = lm__alloc_large(allocator, room);
        grown.large = true;
    } else if (buffer->memory && !buffer->in_slab && !buffer->large) {
        void *moved = lm__realloc_array(allocator, buffer->memory, room, 1);
        if (!moved) return false;
        buffer->memory = moved;
        buffer->size = bytes;
        return true;
    } else {
        grown.memory = lm__alloc(allocator, room);
    }
    if (!grown.memory) return false;
    if (used) memcpy(grown.memory, buffer->memory, used);
    lm__read_buffer_free(allocator, buffer);
    grown.size = bytes;
    *buffer = grown;
    return true;
}

void lm__read_kept_free(const lm_allocator *allocator, lm_read_kept *kept)
{
    lm__read_buffer_free(allocator, &kept->values);
    lm__read_buffer_free(allocator, &kept->offsets);
    lm__read_buffer_free(allocator, &kept->data);
}

/* All that is expected at once where there is at least an eighth of it, else by doubling: a file
 * that promises much and holds little gets no more than it shows. */
size_t lm__read_next_capacity(size_t needed, size_t capacity, size_t expected,
                              const lm_read_slab *slab)
{
    bool believed = expected / 8 <= needed || expected <= 64 * LM_KIB;
    if (capacity == 0 && slab && slab->memory) believed = true; /* the room is there */
    if (needed <= expected && believed) return expected;
    return needed > 2 * capacity ? needed : 2 * capacity;
}
