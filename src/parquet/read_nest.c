/* Levels to slots, a block at a time; see read_nest.h. */
#include "parquet/read_nest.h"

#include <string.h>

#include "base/alloc.h"
#include "base/error.h"
#include "base/limits.h"

void lm__read_group_init(lm_read_group *group, const lm_allocator *allocator,
                         const lm_read_field *field)
{
    *group = (lm_read_group){.allocator = allocator, .field = field};
}

void lm__read_group_deinit(lm_read_group *group)
{
    lm__read_buffer_free(group->allocator, &group->offsets_buffer);
    lm__free(group->allocator, group->validity);
    lm__read_group_init(group, group->allocator, group->field);
}

static lm_status reserve(lm_read_group *group, size_t slots, lm_error *error)
{
    size_t needed = group->slots + slots;
    if (needed <= group->capacity && group->capacity > 0) return LM_OK;
    size_t capacity = lm__read_next_capacity(needed, group->capacity, group->expected, group->slab);
    if (group->field->kind == LM_READ_ITEMS) {
        size_t bytes, used = group->offsets ? (group->slots + 1) * 4 : 0;
        if (__builtin_mul_overflow(capacity + 1 + LM_ENCODE_SLACK, 4, &bytes) ||
            !lm__read_buffer_grow(group->allocator, &group->offsets_buffer, group->slab, used,
                                  bytes))
            return lm__error_memory(error, "reading lists");
        group->offsets = group->offsets_buffer.memory;
    }
    if (lm__read_has_validity(group->field)) {
        uint8_t *validity = lm__realloc_array(group->allocator, group->validity,
                                              capacity / 8 + 1 + LM_ENCODE_SLACK, 1);
        if (!validity) return lm__error_memory(error, "reading lists");
        group->validity = validity;
    }
    group->capacity = capacity;
    return LM_OK;
}

/* Bytes of 0 and 1 as bits from `at` on; returns how many are set. Eight at a time: the
 * multiplication gathers the lowest bit of each byte in the highest byte. */
static size_t put_bits(const uint8_t *bytes, size_t count, uint8_t *bits, size_t at)
{
    size_t set = 0, i = 0;
    for (; i < count && (at & 7); i++, at++) {
        lm__bits_fill(bits, at, 1, bytes[i]);
        set += bytes[i];
    }
    for (; i + 8 <= count; i += 8, at += 8) {
        uint64_t eight = lm__load64(bytes + i);
        bits[at >> 3] = (uint8_t)((eight * 0x0102040810204080u) >> 56);
        set += (size_t)((eight * 0x0101010101010101u) >> 56);
    }
    for (; i < count; i++, at++) {
        lm__bits_fill(bits, at, 1, bytes[i]);
        set += bytes[i];
    }
    return set;
}

/* For each entry with a slot, one byte: is its definition level at least `valid`? */
static size_t slot_bytes(const lm_read_field *field, const lm_read_block *block, uint8_t *bytes)
{
    const uint8_t *definitions = block->definitions, *repetitions = block->repetitions;
    uint8_t slot = field->slot, valid = field->valid, context = field->context;
    size_t count = 0;
    if (slot == 0 && !repetitions) { /* every entry has one */
        for (size_t i = 0; i < block->entries; i++) bytes[i] = definitions[i] >= valid;
        return block->entries;
    }
    if (!repetitions || field->kind == LM_READ_VALUES) { /* none continues a slot */
        for (size_t i = 0; i < block->entries; i++) {
            bytes[count] = definitions[i] >= valid;
            count += definitions[i] >= slot;
        }
        return count;
    }
    for (size_t i = 0; i < block->entries; i++) {
        bytes[count] = definitions[i] >= valid;
        count += (definitions[i] >= slot) & (repetitions[i] <= context);
    }
    return count;
}

/* Where lists begin: an entry that does not continue one. */
static lm_status add_lists(lm_read_group *group, const lm_read_block *block, lm_error *error)
{
    const lm_read_field *field = group->field;
    const uint8_t *definitions = block->definitions, *repetitions = block->repetitions;
    uint8_t slot = field->slot, item = field->item, repetition = field->repetition;
    if (group->items > (size_t)INT32_MAX - block->entries) {
        group->overflow = true;
        return lm__error_set(error, LM_LIMIT, "lists of more than 2^31 items in one array");
    }
    int32_t items = (int32_t)group->items, *offsets = group->offsets + group->slots;
    for (size_t i = 0; i < block->entries; i++) {
        *offsets = items;
        offsets += (definitions[i] >= slot) & (repetitions[i] < repetition);
        items += (definitions[i] >= item) & (repetitions[i] <= repetition);
    }
    group->items = (size_t)items;
    group->slots = (size_t)(offsets - group->offsets);
    return LM_OK;
}

lm_status lm__read_group_add(lm_read_group *group, const lm_read_block *block, lm_error *error)
{
    uint8_t bytes[LM_READ_INDICES + 1];
    LM_TRY(reserve(group, block->entries, error));
    size_t before = group->slots;
    if (group->field->kind == LM_READ_ITEMS) LM_TRY(add_lists(group, block, error));
    if (!block->definitions) { /* nothing is optional, nothing repeated */
        group->slots += block->entries;
        return LM_OK;
    }
    if (!group->validity && group->field->kind == LM_READ_ITEMS) return LM_OK;
    size_t count = slot_bytes(group->field, block, bytes);
    if (group->validity) group->nulls += count - put_bits(bytes, count, group->validity, before);
    group->slots = before + count;
    return LM_OK;
}

lm_status lm__read_group_end(lm_read_group *group, lm_error *error)
{
    LM_TRY(reserve(group, 1, error));
    if (group->field->kind == LM_READ_ITEMS) group->offsets[group->slots] = (int32_t)group->items;
    return LM_OK;
}

void lm__read_leaf_slots(const lm_read_field *field, const lm_read_block *block,
                         lm_read_vector *vector, size_t *slots)
{
    uint8_t bytes[LM_READ_INDICES + 1];
    *slots = slot_bytes(field, block, bytes);
    (void)put_bits(bytes, *slots, vector->validity, vector->count);
}

size_t lm__read_count_slots(const lm_read_field *field, const lm_read_block *block)
{
    size_t count = 0;
    if (field->slot == 0) return block->entries;
    for (size_t i = 0; i < block->entries; i++) count += block->definitions[i] >= field->slot;
    return count;
}
