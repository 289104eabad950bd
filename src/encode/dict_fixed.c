/*
 * Dictionaries of 1, 2, 4 and 8 byte values.
 *
 * Integers of a small range are looked up by value in a table; everything else by hash, open
 * addressing. What is a small range is seen from the values, a part at a time: the table grows
 * while the range stays small, and when it does not the values so far move to the hash table.
 */
#include "base/alloc.h"
#include "base/error.h"
#include "encode/dict_table.h"
#include "encode/minmax.h"

/* The largest range looked up by value: the table of indices (256 KiB) stays in the cache. */
#define DIRECT_RANGE_MAX ((uint64_t)1 << 16)
/* Values whose range is seen before they are looked up. */
#define RANGE_STEP 8192
#define SLOTS_MIN 1024

static inline uint64_t load(const uint8_t *values, size_t width, size_t i)
{
    if (width == 8) return lm__load64(values + 8 * i);
    return lm__load32(values + 4 * i);
}

/* The value that dictionary entry i has. */
static inline uint64_t entry(const lm_dict *dict, size_t width, size_t i)
{
    return load(dict->bytes.data, width, i);
}

static inline size_t hash_slot(uint64_t value, unsigned shift)
{
    return (size_t)(lm__dict_mix(value ^ value >> 32) >> shift);
}

static unsigned slot_shift(const lm_dict *dict)
{
    return 64 - (unsigned)__builtin_ctzll(dict->slot_count);
}

/* Twice the slots, or the first ones; every entry finds its place anew. */
static lm_status slots_grow(lm_dict *dict, size_t width, lm_error *error)
{
    size_t count = dict->slot_count ? dict->slot_count * 2 : SLOTS_MIN;
    while (count < 2 * (size_t)dict->count) count *= 2;
    uint32_t *slots = lm__alloc_array(dict->options.allocator, count, sizeof *slots);
    if (!slots) return lm__dict_memory(error);
    memset(slots, 0xff, count * sizeof *slots);
    lm__free(dict->options.allocator, dict->slots);
    dict->slots = slots;
    dict->slot_count = count;
    unsigned shift = slot_shift(dict);
    for (uint32_t i = 0; i < dict->count; i++) {
        size_t at = hash_slot(entry(dict, width, i), shift);
        while (slots[at] != DICT_NONE) at = (at + 1) & (count - 1);
        slots[at] = i;
    }
    return LM_OK;
}

/* Appends a value; false when the dictionary is full. The buffer's room was reserved. */
static inline bool entry_add(lm_dict *dict, size_t width, uint64_t value, uint32_t *index)
{
    if (dict->bytes.size + width > dict->options.bytes_max) return false;
    memcpy(dict->bytes.data + dict->bytes.size, &value, width);
    dict->bytes.size += width;
    *index = dict->count++;
    return true;
}

static lm_status entries_room(lm_dict *dict, size_t width, size_t count, lm_error *error)
{
    size_t left =
        dict->options.bytes_max > dict->bytes.size ? dict->options.bytes_max - dict->bytes.size : 0;
    size_t wanted = count * width < left ? count * width : left;
    return lm__buffer_reserve(&dict->bytes, wanted) == LM_OK ? LM_OK : lm__dict_memory(error);
}

/* Values [0, count) by hash; *consumed where it became full. */
__attribute__((always_inline)) static inline lm_status put_hashed(lm_dict *dict, size_t width,
                                                                  const uint8_t *values,
                                                                  size_t count, uint32_t *indices,
                                                                  size_t *consumed, lm_error *error)
{
    size_t i = 0;
    while (i < count) {
        if (2 * (size_t)dict->count >= dict->slot_count) {
            lm_status status = slots_grow(dict, width, error);
            if (status != LM_OK) {
                *consumed = i;
                return status;
            }
        }
        uint32_t *slots = dict->slots;
        size_t mask = dict->slot_count - 1;
        uint32_t room = (uint32_t)(dict->slot_count / 2);
        unsigned shift = slot_shift(dict);
        const uint8_t *entries = dict->bytes.data;
        uint64_t last = load(values, width, i) + 1;
        uint32_t last_index = 0;
        for (; i < count; i++) {
            uint64_t value = load(values, width, i);
            if (value == last) {
                indices[i] = last_index;
                continue;
            }
            size_t at = hash_slot(value, shift);
            uint32_t index = slots[at];
            while (index != DICT_NONE && load(entries, width, index) != value) {
                at = (at + 1) & mask;
                index = slots[at];
            }
            if (__builtin_expect(index == DICT_NONE, 0)) {
                if (dict->count == room) break; /* more slots first */
                if (!entry_add(dict, width, value, &index)) {
                    *consumed = i;
                    return LM_OK;
                }
                slots[at] = index;
            }
            indices[i] = last_index = index;
            last = value;
        }
    }
    *consumed = count;
    return LM_OK;
}

/* Makes the direct table cover [least, most]; false when that is too much. */
static bool direct_cover(lm_dict *dict, uint64_t least, uint64_t most)
{
    if (dict->direct_count && dict->count) {
        uint64_t base = dict->direct_base, end = base + dict->direct_count - 1;
        /* Compared as signed: ranges around zero are one range. */
        if ((int64_t)base < (int64_t)least) least = base;
        if ((int64_t)end > (int64_t)most) most = end;
    }
    uint64_t range = most - least;
    if (range >= DIRECT_RANGE_MAX) return false;
    if (dict->direct_count && dict->count && least == dict->direct_base &&
        range < dict->direct_count)
        return true;
    size_t count = (size_t)range + 1;
    uint32_t *direct = lm__alloc_array(dict->options.allocator, count, sizeof *direct);
    if (!direct) return false;
    memset(direct, 0xff, count * sizeof *direct);
    if (dict->count)
        memcpy(direct + (dict->direct_base - least), dict->direct,
               dict->direct_count * sizeof *direct);
    lm__free(dict->options.allocator, dict->direct);
    dict->direct = direct;
    dict->direct_base = least;
    dict->direct_count = count;
    return true;
}

/* Sign-extended, so that small negative numbers lie beside small positive ones. */
static inline uint64_t load_signed(const uint8_t *values, size_t width, size_t i)
{
    if (width == 8) return lm__load64(values + 8 * i);
    return (uint64_t)(int64_t)(int32_t)lm__load32(values + 4 * i);
}

/* Values whose range the table covers. */
__attribute__((always_inline)) static inline size_t
put_direct(lm_dict *dict, size_t width, const uint8_t *values, size_t count, uint32_t *indices)
{
    uint32_t *direct = dict->direct;
    uint64_t base = dict->direct_base;
    for (size_t i = 0; i < count; i++) {
        uint64_t value = load_signed(values, width, i);
        uint32_t index = direct[value - base];
        if (__builtin_expect(index == DICT_NONE, 0)) {
            if (!entry_add(dict, width, value, &index)) return i;
            direct[value - base] = index;
        }
        indices[i] = index;
    }
    return count;
}

static bool range_of(const uint8_t *values, size_t width, size_t count, uint64_t *least,
                     uint64_t *most)
{
    if (width == 8) {
        int64_t min, max;
        if (!lm__minmax_i64((const int64_t *)(const void *)values, LM_BITS_ALL, count, &min, &max))
            return false;
        *least = (uint64_t)min;
        *most = (uint64_t)max;
        return true;
    }
    int32_t min, max;
    if (!lm__minmax_i32((const int32_t *)(const void *)values, LM_BITS_ALL, count, &min, &max))
        return false;
    *least = (uint64_t)(int64_t)min;
    *most = (uint64_t)(int64_t)max;
    return true;
}

__attribute__((always_inline)) static inline lm_status
put_wide_values(lm_dict *dict, size_t width, const uint8_t *values, size_t count, uint32_t *indices,
                size_t *consumed, lm_error *error)
{
    size_t done = 0;
    *consumed = 0;
    LM_TRY(entries_room(dict, width, count, error));
    while (done < count && !dict->direct_over) {
        size_t some = count - done < RANGE_STEP ? count - done : RANGE_STEP;
        uint64_t least = 0, most = 0;
        range_of(values + done * width, width, some, &least, &most);
        if (!direct_cover(dict, least, most)) {
            dict->direct_over = true;
            /* A table with what is there already; slots from an earlier use may be there too. */
            lm__free(dict->options.allocator, dict->slots);
            dict->slots = NULL;
            dict->slot_count = 0;
            break;
        }
        size_t put = put_direct(dict, width, values + done * width, some, indices + done);
        done += put;
        if (put < some) {
            *consumed = done;
            return LM_OK;
        }
    }
    if (done < count) {
        size_t put = 0;
        lm_status status = put_hashed(dict, width, values + done * width, count - done,
                                      indices + done, &put, error);
        done += put;
        if (status != LM_OK) {
            *consumed = done;
            return status;
        }
    }
    *consumed = done;
    return LM_OK;
}

lm_status lm__dict_put_4(lm_dict *dict, const void *values, size_t count, uint32_t *indices,
                         size_t *consumed, lm_error *error)
{
    return put_wide_values(dict, 4, values, count, indices, consumed, error);
}

lm_status lm__dict_put_8(lm_dict *dict, const void *values, size_t count, uint32_t *indices,
                         size_t *consumed, lm_error *error)
{
    return put_wide_values(dict, 8, values, count, indices, consumed, error);
}

/* 1 and 2 byte integers: a table of every value there is. */
lm_status lm__dict_put_small(lm_dict *dict, const void *values, size_t count, uint32_t *indices,
                             size_t *consumed, lm_error *error)
{
    bool one = dict->options.width == 1;
    size_t table = one ? 256 : 65536;
    *consumed = 0;
    if (!dict->direct) {
        dict->direct = lm__alloc_array(dict->options.allocator, table, sizeof *dict->direct);
        if (!dict->direct) return lm__dict_memory(error);
        memset(dict->direct, 0xff, table * sizeof *dict->direct);
        dict->direct_count = table;
    }
    LM_TRY(entries_room(dict, 4, count < table ? count : table, error));
    const uint8_t *bytes = values;
    for (size_t i = 0; i < count; i++) {
        uint16_t value = one ? bytes[i] : 0;
        if (!one) memcpy(&value, bytes + 2 * i, 2);
        uint32_t index = dict->direct[value];
        if (__builtin_expect(index == DICT_NONE, 0)) {
            int32_t wide = dict->options.is_unsigned ? value : one ? (int8_t)value : (int16_t)value;
            if (!entry_add(dict, 4, (uint32_t)wide, &index)) {
                *consumed = i;
                return LM_OK;
            }
            dict->direct[value] = index;
        }
        indices[i] = index;
    }
    *consumed = count;
    return LM_OK;
}
