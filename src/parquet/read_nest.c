/* Levels to slots, a block at a time; see read_nest.h. */
#include "parquet/read_nest.h"

#include "base/alloc.h"
#include "base/error.h"
#include "base/limits.h"
#include "parquet/read_levels.h"

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

/* Appends the validity of a block's slots to `bits` from bit `at` on. */
static size_t add_slots(const lm_read_field *field, const lm_read_block *block, uint8_t *bits,
                        size_t at, size_t *valid)
{
    lm_level_slots rule = {field->slot, field->valid, field->context};
    bool continued = block->repetitions && field->kind != LM_READ_VALUES;
    return lm__level_kernels(lm__cpu_level())
        ->slots(&rule, block->definitions, continued ? block->repetitions : NULL, block->entries,
                bits, at, valid);
}

/* Where lists begin: an entry that does not continue one. */
static lm_status add_lists(lm_read_group *group, const lm_read_block *block, lm_error *error)
{
    const lm_read_field *field = group->field;
    if (group->items > (size_t)INT32_MAX - block->entries) {
        group->overflow = true;
        return lm__error_set(error, LM_LIMIT, "lists of more than 2^31 items in one array");
    }
    lm_level_lists rule = {field->slot, field->item, field->repetition};
    int32_t items = (int32_t)group->items;
    group->slots += lm__level_kernels(lm__cpu_level())
                        ->lists(&rule, block->definitions, block->repetitions, block->entries,
                                group->offsets + group->slots, &items);
    group->items = (size_t)items;
    return LM_OK;
}

lm_status lm__read_group_add(lm_read_group *group, const lm_read_block *block, lm_error *error)
{
    LM_TRY(reserve(group, block->entries, error));
    size_t before = group->slots;
    if (group->field->kind == LM_READ_ITEMS) LM_TRY(add_lists(group, block, error));
    if (!block->definitions) { /* nothing is optional, nothing repeated */
        group->slots += block->entries;
        return LM_OK;
    }
    if (!group->validity && group->field->kind == LM_READ_ITEMS) return LM_OK;
    uint8_t unused[LM_READ_INDICES / 8 + LM_ENCODE_SLACK];
    size_t at = group->validity ? before : 0, valid;
    size_t slots =
        add_slots(group->field, block, group->validity ? group->validity : unused, at, &valid);
    if (group->validity) group->nulls += slots - valid;
    group->slots = before + slots;
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
    size_t valid;
    *slots = add_slots(field, block, vector->validity, vector->count, &valid);
}
