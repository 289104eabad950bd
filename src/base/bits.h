/*
 * Bits with an offset: validity bitmaps, as Arrow and Parquet have them, LSB first. Everything here
 * is a view of memory that the caller holds, and nothing outside the range is read or changed.
 */
#ifndef LM_BASE_BITS_H
#define LM_BASE_BITS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* Bit i of the view is bit (offset + i) of the bytes. bytes NULL means that every bit is set. */
typedef struct lm_bits {
    const uint8_t *bytes;
    size_t offset;
} lm_bits;

#define LM_BITS_ALL ((lm_bits){NULL, 0})

static inline lm_bits lm__bits_skip(lm_bits bits, size_t count)
{
    return (lm_bits){bits.bytes, bits.offset + count};
}

static inline bool lm__bits_get(lm_bits bits, size_t i)
{
    size_t at = bits.offset + i;
    return !bits.bytes || ((bits.bytes[at >> 3] >> (at & 7)) & 1);
}

static inline uint64_t lm__load64(const void *from)
{
    uint64_t word;
    memcpy(&word, from, 8);
    return word;
}

static inline uint32_t lm__load32(const void *from)
{
    uint32_t word;
    memcpy(&word, from, 4);
    return word;
}

/* Bits [from, from + count) as the low bits of a word, count at most 64; only bytes that hold one
 * of them are read. */
static inline uint64_t lm__bits_word(lm_bits bits, size_t from, size_t count)
{
    if (count == 0) return 0;
    uint64_t mask = ~(uint64_t)0 >> (64 - count);
    if (!bits.bytes) return mask;
    size_t at = bits.offset + from;
    const uint8_t *first = bits.bytes + (at >> 3);
    unsigned shift = (unsigned)(at & 7);
    size_t bytes = (shift + count + 7) >> 3;
    uint64_t word = 0;
    if (__builtin_expect(bytes >= 8, 1)) {
        word = lm__load64(first) >> shift;
        if (bytes > 8) word |= (uint64_t)first[8] << (64 - shift);
    } else {
        for (size_t i = 0; i < bytes; i++) word |= (uint64_t)first[i] << (8 * i);
        word >>= shift;
    }
    return word & mask;
}

/* How many of the first `count` bits are set. */
size_t lm__bits_count(lm_bits bits, size_t count);
/* Bits of `to` outside [to_offset, to_offset + count) keep their values. The two do not overlap. */
void lm__bits_copy(uint8_t *to, size_t to_offset, lm_bits from, size_t count);
void lm__bits_fill(uint8_t *to, size_t to_offset, size_t count, bool value);
/* to = a and b, from bit 0 of `to`; the spare bits of its last byte are cleared. */
void lm__bits_and(uint8_t *to, lm_bits a, lm_bits b, size_t count);
/* Index of the first bit at or after `from` that is `value`; `count` when there is none. */
size_t lm__bits_find(lm_bits bits, size_t from, size_t count, bool value);

/* A walk over the runs of equal bits:
 *     for (lm_bits_run run = {0}; lm__bits_next_run(bits, count, &run);) … */
typedef struct lm_bits_run {
    size_t start, length;
    bool set;
} lm_bits_run;

static inline bool lm__bits_next_run(lm_bits bits, size_t count, lm_bits_run *run)
{
    size_t start = run->start + run->length;
    if (start >= count) return false;
    bool set = lm__bits_get(bits, start);
    *run = (lm_bits_run){start, lm__bits_find(bits, start, count, !set) - start, set};
    return true;
}

/* How many of the bytes are at least `least`, and how many are `value`. */
size_t lm__bytes_count_least(const uint8_t *bytes, size_t count, uint8_t least);
size_t lm__bytes_count_equal(const uint8_t *bytes, size_t count, uint8_t value);

#endif
