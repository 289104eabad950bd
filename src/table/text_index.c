/* Open addressing, at most half full; see text_index.h. */
#include "table/text_index.h"

#include <string.h>

#include "base/alloc.h"

#define CAPACITY_MIN 64

static uint64_t hash_of(const char *text)
{
    size_t size = strlen(text);
    uint64_t hash = 0x9e3779b97f4a7c15u ^ size;
    for (; size >= 8; size -= 8, text += 8) {
        uint64_t word;
        memcpy(&word, text, sizeof word);
        hash = (hash ^ word) * 0xff51afd7ed558ccdu;
        hash ^= hash >> 32;
    }
    uint64_t rest = 0;
    memcpy(&rest, text, size);
    hash = (hash ^ rest) * 0xc4ceb9fe1a85ec53u;
    return hash ^ hash >> 29;
}

void lm__text_index_init(lm_text_index *index, const lm_allocator *allocator)
{
    *index = (lm_text_index){.allocator = lm__allocator_or_default(allocator)};
}

void lm__text_index_deinit(lm_text_index *index)
{
    lm__free(index->allocator, index->slots);
    index->slots = NULL;
    index->capacity = index->count = 0;
}

/* Where the text is, or would be. */
static lm_text_slot *slot_of(const lm_text_index *index, const char *text, uint64_t hash)
{
    for (size_t at = hash & (index->capacity - 1);; at = (at + 1) & (index->capacity - 1)) {
        lm_text_slot *slot = &index->slots[at];
        if (!slot->text || (slot->hash == hash && strcmp(slot->text, text) == 0)) return slot;
    }
}

int64_t *lm__text_index_find(const lm_text_index *index, const char *text)
{
    if (index->count == 0) return NULL;
    lm_text_slot *slot = slot_of(index, text, hash_of(text));
    return slot->text ? &slot->value : NULL;
}

static lm_status grow(lm_text_index *index)
{
    size_t capacity = index->capacity ? index->capacity * 2 : CAPACITY_MIN;
    lm_text_index larger = {.capacity = capacity};
    size_t bytes;
    if (__builtin_mul_overflow(capacity, sizeof *larger.slots, &bytes)) return LM_NO_MEMORY;
    larger.slots = lm__alloc_zero(index->allocator, bytes);
    if (!larger.slots) return LM_NO_MEMORY;
    for (size_t i = 0; i < index->capacity; i++)
        if (index->slots[i].text)
            *slot_of(&larger, index->slots[i].text, index->slots[i].hash) = index->slots[i];
    lm__free(index->allocator, index->slots);
    index->slots = larger.slots;
    index->capacity = capacity;
    return LM_OK;
}

lm_status lm__text_index_add(lm_text_index *index, const char *text, int64_t value)
{
    if (index->count >= index->capacity / 2) {
        lm_status status = grow(index);
        if (status != LM_OK) return status;
    }
    uint64_t hash = hash_of(text);
    *slot_of(index, text, hash) = (lm_text_slot){text, hash, value};
    index->count++;
    return LM_OK;
}
