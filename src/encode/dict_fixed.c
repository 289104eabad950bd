/*
 * Looking integers and floats up in a dictionary (dict_table.h).
 *
 * A block of values is looked up in two passes. The first, in dict_kernels.c, has no branch on the
 * data: it takes the index that the table's first place for the value gives, or LM_DICT_NONE. The
 * second goes to those that got none, in order: they are new, or (in the hash table) displaced.
 * Once the dictionary has settled the second pass finds nothing, or little.
 *
 * A block in which most values equal the one before them (sorted ids, long repeats) is looked up
 * run by run instead.
 */
#include "base/alloc.h"
#include "base/error.h"
#include "encode/dict_table.h"
#include "encode/minmax.h"

#define DIRECT_MAX ((uint64_t)1 << 20) /* entries of a direct table: 4 MiB */

/* --- Adding --------------------------------------------------------------------------------- */

/* Room for one more value within the limit; the memory was reserved for the block. */
static inline bool has_room(const lm_dict *dict)
{
    return dict->size + dict->out_width <= dict->options.bytes_max;
}

static inline uint32_t append(lm_dict *dict, const void *value)
{
    memcpy(dict->bytes + dict->size, value, dict->out_width);
    dict->size += dict->out_width;
    return (uint32_t)++dict->count;
}

/* --- Direct tables -------------------------------------------------------------------------- */

static lm_status resize_direct(lm_dict *dict, uint64_t base, uint64_t size, lm_error *error)
{
    uint32_t *table = dict->direct;
    if (dict->direct_size == 0 && size <= dict->direct_capacity) {
        memset(table, 0, size * sizeof *table);
    } else {
        table = lm__alloc_array(dict->options.allocator, size, sizeof *table);
        if (!table) return lm__dict_memory(error);
        memset(table, 0, size * sizeof *table);
        if (dict->direct_size) {
            memcpy(table + (dict->direct_base - base), dict->direct,
                   dict->direct_size * sizeof *table);
        }
        lm__free(dict->options.allocator, dict->direct);
        dict->direct = table;
        dict->direct_capacity = size;
    }
    dict->direct_base = base;
    dict->direct_size = size;
    return LM_OK;
}

/* Makes the direct table reach from min to max (signed order, as 64-bit). *covered is false when
 * that would make it too large for the values seen so far. */
static lm_status cover(lm_dict *dict, int64_t min, int64_t max, bool *covered, lm_error *error)
{
    int64_t low = min, high = max;
    *covered = true;
    if (dict->direct_size) {
        int64_t first = (int64_t)dict->direct_base;
        int64_t last = (int64_t)(dict->direct_base + dict->direct_size - 1);
        if (min >= first && max <= last) return LM_OK;
        if (first < low) low = first;
        if (last > high) high = last;
    }
    uint64_t need = (uint64_t)high - (uint64_t)low;
    uint64_t most = 4096 + 8 * (uint64_t)dict->seen;
    if (most > DIRECT_MAX) most = DIRECT_MAX;
    if (need >= most) {
        *covered = false;
        return LM_OK;
    }
    uint64_t size = 1024;
    while (size <= need) size *= 2;
    /* What is over lies on the side to which the values go, as far as the type's end. */
    bool down = dict->direct_size && min < (int64_t)dict->direct_base;
    uint64_t base = (uint64_t)low;
    if (down) {
        uint64_t spare = size - 1 - need, below = (uint64_t)low - (uint64_t)INT64_MIN;
        base -= spare < below ? spare : below;
    }
    uint64_t above = (uint64_t)INT64_MAX - base;
    if (size - 1 > above) size = above + 1;
    return resize_direct(dict, base, size, error);
}

/* --- Hash tables ---------------------------------------------------------------------------- */

#define HASH_TABLE(bits)                                                                           \
    static void place##bits(lm_dict *dict, uint##bits##_t key, uint32_t index)                     \
    {                                                                                              \
        lm_dict_slot##bits *slots = dict->slots;                                                   \
        size_t mask = ((size_t)1 << dict->slots_bits) - 1;                                         \
        size_t at = lm__dict_home##bits(key, dict->slots_bits);                                    \
        while (slots[at].index) at = (at + 1) & mask;                                              \
        slots[at].key = key;                                                                       \
        slots[at].index = index;                                                                   \
    }                                                                                              \
                                                                                                   \
    /* A table for the values there are and `extra` more, filled from the dictionary's bytes. */   \
    static lm_status make_room##bits(lm_dict *dict, size_t extra, lm_error *error)                 \
    {                                                                                              \
        unsigned want = lm__dict_slots_bits(dict->count + extra);                                  \
        if (dict->hashed && want <= dict->slots_bits) return LM_OK;                                \
        LM_TRY(lm__dict_new_slots(dict, sizeof(lm_dict_slot##bits) << want, error));               \
        dict->hashed = true;                                                                       \
        dict->slots_bits = want;                                                                   \
        for (size_t i = 0; i < dict->count; i++) {                                                 \
            uint##bits##_t key;                                                                    \
            memcpy(&key, dict->bytes + i * sizeof key, sizeof key);                                \
            place##bits(dict, key, (uint32_t)i + 1);                                               \
        }                                                                                          \
        return LM_OK;                                                                              \
    }                                                                                              \
                                                                                                   \
    /* The index of a value, added if need be; LM_DICT_NONE when it is new and there is no room.   \
     */                                                                                            \
    static uint32_t find_or_add##bits(lm_dict *dict, uint##bits##_t value)                         \
    {                                                                                              \
        if (!dict->hashed) {                                                                       \
            uint32_t *place =                                                                      \
                dict->direct + ((uint64_t)(int64_t)(int##bits##_t)value - dict->direct_base);      \
            if (*place == 0) {                                                                     \
                if (!has_room(dict)) return LM_DICT_NONE;                                          \
                *place = append(dict, &value);                                                     \
            }                                                                                      \
            return *place - 1;                                                                     \
        }                                                                                          \
        lm_dict_slot##bits *slots = dict->slots;                                                   \
        size_t mask = ((size_t)1 << dict->slots_bits) - 1;                                         \
        size_t at = lm__dict_home##bits(value, dict->slots_bits);                                  \
        for (; slots[at].index; at = (at + 1) & mask)                                              \
            if (slots[at].key == value) return slots[at].index - 1;                                \
        if (!has_room(dict)) return LM_DICT_NONE;                                                  \
        slots[at].key = value;                                                                     \
        slots[at].index = append(dict, &value);                                                    \
        return slots[at].index - 1;                                                                \
    }

HASH_TABLE(32)
HASH_TABLE(64)

/* --- Blocks --------------------------------------------------------------------------------- */

#define BLOCK(bits)                                                                                \
    /* Run by run: heads has a bit for each value that differs from the one before it. */          \
    static size_t runs##bits(lm_dict *dict, const uint##bits##_t *values, size_t n,                \
                             const uint64_t *heads, uint32_t *indices)                             \
    {                                                                                              \
        size_t start = 0, w = 0;                                                                   \
        uint64_t word = heads[0] & ~(uint64_t)1;                                                   \
        while (start < n) {                                                                        \
            while (word == 0 && (w + 1) * 64 < n) word = heads[++w];                               \
            size_t end = word ? w * 64 + (size_t)__builtin_ctzll(word) : n;                        \
            word &= word - 1;                                                                      \
            uint32_t index = find_or_add##bits(dict, values[start]);                               \
            if (index == LM_DICT_NONE) return start;                                               \
            /* In whole registers: what is too much is overwritten, or slack. */                   \
            for (size_t i = start; i < end; i += 16)                                               \
                for (size_t k = 0; k < 16; k++) indices[i + k] = index;                            \
            start = end;                                                                           \
        }                                                                                          \
        return n;                                                                                  \
    }                                                                                              \
                                                                                                   \
    static size_t look_up##bits(lm_dict *dict, const uint##bits##_t *values, size_t n,             \
                                uint32_t *indices)                                                 \
    {                                                                                              \
        const lm_dict_kernels *kernels = lm__dict_kernels(lm__cpu_level());                        \
        uint64_t words[LM_DICT_BLOCK / 64];                                                        \
        if (kernels->heads##bits(values, n, words) <= n / 4)                                       \
            return runs##bits(dict, values, n, words, indices);                                    \
        if (dict->hashed)                                                                          \
            kernels->hashed##bits(dict->slots, dict->slots_bits, values, n, indices);              \
        else                                                                                       \
            kernels->direct##bits(dict->direct, dict->direct_base, values, n, indices);            \
        kernels->nones(indices, n, words);                                                         \
        for (size_t w = 0; w * 64 < n; w++) {                                                      \
            for (uint64_t left = words[w]; left; left &= left - 1) {                               \
                size_t i = w * 64 + (size_t)__builtin_ctzll(left);                                 \
                indices[i] = find_or_add##bits(dict, values[i]);                                   \
                if (indices[i] == LM_DICT_NONE) return i;                                          \
            }                                                                                      \
        }                                                                                          \
        return n;                                                                                  \
    }                                                                                              \
                                                                                                   \
    lm_status lm__dict_block##bits(lm_dict *dict, const uint##bits##_t *values, size_t n,          \
                                   uint32_t *indices, size_t *done, lm_error *error)               \
    {                                                                                              \
        *done = 0;                                                                                 \
        if (n == 0) return LM_OK;                                                                  \
        LM_TRY(lm__dict_reserve(dict, n * sizeof *values, error));                                 \
        if (!dict->hashed) {                                                                       \
            int##bits##_t min = 0, max = 0;                                                        \
            bool covered;                                                                          \
            lm__minmax_i##bits((const int##bits##_t *)values, LM_BITS_ALL, n, &min, &max);         \
            LM_TRY(cover(dict, min, max, &covered, error));                                        \
            if (!covered) LM_TRY(make_room##bits(dict, n, error));                                 \
        } else {                                                                                   \
            LM_TRY(make_room##bits(dict, n, error));                                               \
        }                                                                                          \
        *done = look_up##bits(dict, values, n, indices);                                           \
        return LM_OK;                                                                              \
    }

BLOCK(32)
BLOCK(64)

/* 1- and 2-byte integers: a table of all there can be. */
#define SMALL_BLOCK(bits)                                                                          \
    lm_status lm__dict_block##bits(lm_dict *dict, const uint##bits##_t *values, size_t n,          \
                                   uint32_t *indices, size_t *done, lm_error *error)               \
    {                                                                                              \
        LM_TRY(lm__dict_reserve(dict, n * 4, error));                                              \
        if (dict->direct_size == 0) LM_TRY(resize_direct(dict, 0, 1u << bits, error));             \
        uint32_t *table = dict->direct;                                                            \
        for (size_t i = 0; i < n; i++) {                                                           \
            if (__builtin_expect(table[values[i]] == 0, 0)) {                                      \
                int32_t wide =                                                                     \
                    dict->options.is_unsigned ? (int32_t)values[i] : (int##bits##_t)values[i];     \
                if (!has_room(dict)) {                                                             \
                    *done = i;                                                                     \
                    return LM_OK;                                                                  \
                }                                                                                  \
                table[values[i]] = append(dict, &wide);                                            \
            }                                                                                      \
            indices[i] = table[values[i]] - 1;                                                     \
        }                                                                                          \
        *done = n;                                                                                 \
        return LM_OK;                                                                              \
    }

SMALL_BLOCK(8)
SMALL_BLOCK(16)
