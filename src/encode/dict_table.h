/*
 * The inside of a dictionary, shared by dict*.c; dict.h is what others see.
 *
 * Fixed widths keep no keys but the dictionary's own bytes. They start with a direct table (the
 * index of value v stands at direct[v - base]) and change to hashing when the values are too far
 * apart; 1- and 2-byte integers never do. Strings are hashed always.
 *
 * Tables hold indices plus one, so that zeroed memory is an empty table, and one that is looked up
 * and not there comes out as LM_DICT_NONE by itself.
 */
#ifndef LM_ENCODE_DICT_TABLE_H
#define LM_ENCODE_DICT_TABLE_H

#include "base/cpu.h"
#include "encode/dict.h"

#define LM_DICT_BLOCK 1024u /* values looked up at once: they and their indices stay in the L1 */
#define LM_DICT_NONE UINT32_MAX /* no index */

/* A slot of the hash table for values of 4 and of 8 bytes. */
typedef struct lm_dict_slot32 {
    uint32_t key, index; /* plus one; 0 is empty */
} lm_dict_slot32;

typedef struct lm_dict_slot64 {
    uint64_t key;
    uint32_t index, unused;
} lm_dict_slot64;

/* A string of the dictionary, with its key and hash; see dict_strings.c. */
typedef struct lm_dict_string {
    uint64_t low, high, hash;
    uint32_t size, offset; /* of the bytes in the dictionary page */
} lm_dict_string;

/* A slot for strings: what of the hash the place does not tell, and the entry in `strings`. */
typedef struct lm_dict_slot_string {
    uint32_t tag, index;
} lm_dict_slot_string;

struct lm_dict {
    lm_dict_options options;
    size_t out_width; /* of a PLAIN value; 0 for strings */
    size_t count;     /* values in the dictionary */
    size_t seen;      /* values put so far */
    uint8_t *bytes;   /* PLAIN */
    size_t size, capacity;

    uint32_t *direct; /* by value, plus one */
    size_t direct_capacity;
    uint64_t direct_base, direct_size;

    bool hashed;
    void *slots;           /* aligned to 64 */
    size_t slots_capacity; /* in bytes */
    unsigned slots_bits;

    lm_dict_string *strings; /* the first is a dummy that nothing equals */
    size_t strings_capacity;
};

LM_MUST_USE lm_status lm__dict_memory(lm_error *error);
/* Makes room for `extra` bytes of PLAIN values and slack. */
LM_MUST_USE lm_status lm__dict_reserve(lm_dict *dict, size_t extra, lm_error *error);
/* Zeroed slots of `bytes`; what was there is gone. */
LM_MUST_USE lm_status lm__dict_new_slots(lm_dict *dict, size_t bytes, lm_error *error);
/* How many slots, as a power of two, `count` values want. */
unsigned lm__dict_slots_bits(size_t count);

/*
 * Looks at most LM_DICT_BLOCK dense values up and adds those that are new. *done is how many got an
 * index: fewer than n when the dictionary is full. `indices` has slack.
 */
LM_MUST_USE lm_status lm__dict_block8(lm_dict *dict, const uint8_t *values, size_t n,
                                      uint32_t *indices, size_t *done, lm_error *error);
LM_MUST_USE lm_status lm__dict_block16(lm_dict *dict, const uint16_t *values, size_t n,
                                       uint32_t *indices, size_t *done, lm_error *error);
LM_MUST_USE lm_status lm__dict_block32(lm_dict *dict, const uint32_t *values, size_t n,
                                       uint32_t *indices, size_t *done, lm_error *error);
LM_MUST_USE lm_status lm__dict_block64(lm_dict *dict, const uint64_t *values, size_t n,
                                       uint32_t *indices, size_t *done, lm_error *error);

/*
 * The first place of a value is a pair of slots, the first of which fills first; from there on the
 * search is linear. A look at the pair finds nearly every value there is in a table that is half
 * full.
 */
static inline size_t lm__dict_home32(uint32_t value, unsigned bits)
{
    return (size_t)((value * 0x9e3779b1u) >> (33 - bits)) * 2;
}

/* Doubles have their entropy at the top, integers at the bottom: one half is folded over the other,
 * then Fibonacci hashing spreads it. */
static inline size_t lm__dict_home64(uint64_t value, unsigned bits)
{
    return (size_t)(((value ^ value >> 32) * 0x9e3779b97f4a7c15u) >> (65 - bits)) * 2;
}

/* The kernels over a block of n values. */
typedef struct lm_dict_kernels {
    /* Bit i of words: values[i] is the first or differs from the one before it. Returns their
     * number. */
    size_t (*heads32)(const uint32_t *values, size_t n, uint64_t *words);
    size_t (*heads64)(const uint64_t *values, size_t n, uint64_t *words);
    /* The index that the table tells at the value's first place, or LM_DICT_NONE. */
    void (*direct32)(const uint32_t *table, uint64_t base, const uint32_t *values, size_t n,
                     uint32_t *indices);
    void (*direct64)(const uint32_t *table, uint64_t base, const uint64_t *values, size_t n,
                     uint32_t *indices);
    void (*hashed32)(const lm_dict_slot32 *slots, unsigned slots_bits, const uint32_t *values,
                     size_t n, uint32_t *indices);
    void (*hashed64)(const lm_dict_slot64 *slots, unsigned slots_bits, const uint64_t *values,
                     size_t n, uint32_t *indices);
    /* Bit i of words: indices[i] is LM_DICT_NONE. */
    void (*nones)(const uint32_t *indices, size_t n, uint64_t *words);
} lm_dict_kernels;
const lm_dict_kernels *lm__dict_kernels(lm_cpu_level level);

/* A hash of bytes, good in its high and its low bits. */
uint64_t lm__dict_hash(const uint8_t *data, size_t size);

/* 1 and 2 byte integers become INT32. */
static inline bool lm__dict_widens(const lm_dict_options *options)
{
    return (options->width == 1 || options->width == 2) && !options->is_bytes;
}

static inline uint64_t lm__dict_mix(uint64_t value) { return value * 0x9e3779b97f4a7c15u; }

#endif
