/*
 * Dictionaries of byte strings, and of fixed widths that are no machine word: by hash, with half of
 * the hash kept in the slot.
 */
#include "base/alloc.h"
#include "base/error.h"
#include "encode/dict_table.h"

#define SLOTS_MIN 1024

/* Bytes in words: sixteen at a time, the last ones overlapping; short strings in two loads. */
uint64_t lm__dict_hash(const uint8_t *data, size_t size)
{
    const uint64_t k = 0x9e3779b97f4a7c15u, m = 0xe7037ed1a0b428dbu;
    uint64_t a, b, state = size * k;
    if (size > 16) {
        const uint8_t *end = data + size - 16;
        for (; data < end; data += 16) {
            a = lm__load64(data) ^ state;
            b = lm__load64(data + 8) ^ m;
            __uint128_t wide = (__uint128_t)a * b;
            state = (uint64_t)wide ^ (uint64_t)(wide >> 64);
        }
        a = lm__load64(end);
        b = lm__load64(end + 8);
    } else if (size >= 8) {
        a = lm__load64(data);
        b = lm__load64(data + size - 8);
    } else if (size >= 4) {
        a = lm__load32(data);
        b = lm__load32(data + size - 4);
    } else if (size) {
        a = data[0] | (uint64_t)data[size >> 1] << 8 | (uint64_t)data[size - 1] << 16;
        b = 0;
    } else {
        a = b = 0;
    }
    __uint128_t wide = (__uint128_t)(a ^ k ^ state) * (b ^ m);
    return ((uint64_t)wide ^ (uint64_t)(wide >> 64)) * k;
}

static inline bool equal_bytes(const uint8_t *a, const uint8_t *b, size_t size)
{
    if (size >= 8) {
        if (size <= 16)
            return lm__load64(a) == lm__load64(b) &&
                   lm__load64(a + size - 8) == lm__load64(b + size - 8);
        return memcmp(a, b, size) == 0;
    }
    if (size >= 4)
        return lm__load32(a) == lm__load32(b) &&
               lm__load32(a + size - 4) == lm__load32(b + size - 4);
    for (size_t i = 0; i < size; i++)
        if (a[i] != b[i]) return false;
    return true;
}

/* Entry i as it stands in the page. */
static inline lm_slice entry(const lm_dict *dict, uint32_t i)
{
    if (dict->value_width)
        return (lm_slice){dict->bytes.data + i * dict->value_width, dict->value_width};
    const uint8_t *at = dict->bytes.data + dict->offsets[i];
    return (lm_slice){at, lm__load32(at - 4)};
}

static lm_status slots_grow(lm_dict *dict, lm_error *error)
{
    size_t count = dict->slot_count ? dict->slot_count * 2 : SLOTS_MIN;
    lm_dict_slot *slots = lm__alloc_array(dict->options.allocator, count, sizeof *slots);
    if (!slots) return lm__dict_memory(error);
    memset(slots, 0xff, count * sizeof *slots);
    for (size_t i = 0; i < dict->slot_count; i++) {
        lm_dict_slot slot = dict->string_slots[i];
        if (slot.index == DICT_NONE) continue;
        size_t at = slot.hash & (count - 1);
        while (slots[at].index != DICT_NONE) at = (at + 1) & (count - 1);
        slots[at] = slot;
    }
    lm__free(dict->options.allocator, dict->string_slots);
    dict->string_slots = slots;
    dict->slot_count = count;
    return LM_OK;
}

/* Appends a value to the page. *full is set instead when it does not fit. */
static lm_status entry_add(lm_dict *dict, lm_slice value, uint32_t *index, bool *full,
                           lm_error *error)
{
    size_t prefix = dict->value_width ? 0 : 4;
    size_t left = dict->options.bytes_max - dict->bytes.size;
    if (value.size > left || prefix > left - value.size) {
        *full = true;
        return LM_OK;
    }
    if (!dict->value_width && dict->count == dict->offset_capacity) {
        size_t grown = dict->offset_capacity ? dict->offset_capacity * 2 : 256;
        size_t *offsets =
            lm__realloc_array(dict->options.allocator, dict->offsets, grown, sizeof *offsets);
        if (!offsets) return lm__dict_memory(error);
        dict->offsets = offsets;
        dict->offset_capacity = grown;
    }
    if (lm__buffer_reserve(&dict->bytes, prefix + value.size) != LM_OK)
        return lm__dict_memory(error);
    uint8_t *out = dict->bytes.data + dict->bytes.size;
    if (prefix) {
        uint32_t length = (uint32_t)value.size;
        memcpy(out, &length, 4);
        dict->offsets[dict->count] = dict->bytes.size + 4;
    }
    if (value.size) memcpy(out + prefix, value.data, value.size);
    dict->bytes.size += prefix + value.size;
    *index = dict->count++;
    return LM_OK;
}

/* The index of one value, which is made when it is new. */
static inline lm_status find_or_add(lm_dict *dict, lm_slice value, uint32_t *index, bool *full,
                                    lm_error *error)
{
    if (__builtin_expect(2 * (size_t)dict->count >= dict->slot_count, 0))
        LM_TRY(slots_grow(dict, error));
    uint32_t hash = (uint32_t)(lm__dict_hash(value.data, value.size) >> 32);
    size_t mask = dict->slot_count - 1, at = hash & mask;
    for (;; at = (at + 1) & mask) {
        lm_dict_slot slot = dict->string_slots[at];
        if (slot.index == DICT_NONE) break;
        if (slot.hash != hash) continue;
        lm_slice there = entry(dict, slot.index);
        if (there.size == value.size && equal_bytes(there.data, value.data, value.size)) {
            *index = slot.index;
            return LM_OK;
        }
    }
    LM_TRY(entry_add(dict, value, index, full, error));
    if (!*full) dict->string_slots[at] = (lm_dict_slot){hash, *index};
    return LM_OK;
}

/* One loop for each layout: the layout is known to the compiler. */
__attribute__((always_inline)) static inline lm_status
put_run(lm_dict *dict, const lm_strings *strings, lm_strings_kind kind, size_t start, size_t end,
        uint32_t *indices, lm_dict_progress *progress, bool *full, lm_error *error)
{
    lm_strings known = *strings;
    known.kind = kind;
    for (size_t i = start; i < end; i++) {
        uint32_t index = 0;
        lm_status status = find_or_add(dict, lm__strings_get(&known, i), &index, full, error);
        if (status != LM_OK || *full) {
            progress->consumed = i;
            return status;
        }
        indices[progress->written++] = index;
    }
    progress->consumed = end;
    return LM_OK;
}

lm_status lm__dict_put_strings(lm_dict *dict, const lm_strings *strings, lm_bits valid,
                               size_t count, uint32_t *indices, lm_dict_progress *progress,
                               lm_error *error)
{
    bool full = false;
    *progress = (lm_dict_progress){0};
    for (lm_bits_run run = {0}; lm__bits_next_run(valid, count, &run);) {
        size_t start = run.start, end = run.start + run.length;
        if (!run.set) {
            progress->consumed = end;
            continue;
        }
        lm_status status;
        switch (strings->kind) {
        case LM_STRINGS_OFFSETS32:
            status = put_run(dict, strings, LM_STRINGS_OFFSETS32, start, end, indices, progress,
                             &full, error);
            break;
        case LM_STRINGS_OFFSETS64:
            status = put_run(dict, strings, LM_STRINGS_OFFSETS64, start, end, indices, progress,
                             &full, error);
            break;
        case LM_STRINGS_VIEWS:
            status = put_run(dict, strings, LM_STRINGS_VIEWS, start, end, indices, progress, &full,
                             error);
            break;
        default:
            status = put_run(dict, strings, LM_STRINGS_FIXED, start, end, indices, progress, &full,
                             error);
        }
        if (status != LM_OK || full) return status;
    }
    return LM_OK;
}
