/* What the decoders of Snappy share; see snappy_decompress.c. */
#ifndef LM_CODEC_SNAPPY_KERNEL_H
#define LM_CODEC_SNAPPY_KERNEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/cpu.h"
#include "codec/snappy.h"

/* Kernels start when at least this much is written, so that a literal may stand as a copy from
 * LM_SNAPPY_FAR bytes back that is not looked at. */
#define LM_SNAPPY_START 128
#define LM_SNAPPY_FAR 127

typedef struct lm_snappy_cursor {
    const uint8_t *in, *in_end;
    uint8_t *out, *out_start, *out_end;
} lm_snappy_cursor;

/* Decodes elements while both sides have room to spare for wide loads and stores, and moves the
 * cursor past them. False when the block is damaged. Needs out - out_start >= LM_SNAPPY_START. */
typedef bool lm_snappy_kernel(lm_snappy_cursor *cursor);

lm_snappy_kernel lm__snappy_decode_avx2;
lm_snappy_kernel lm__snappy_decode_avx512;
/* Two blocks by turns, until one of them has no room to spare (snappy_pair.c). */
bool lm__snappy_decode_two_avx512(lm_snappy_cursor *one, lm_snappy_cursor *two);

/* One element, every step of it checked. */
bool lm__snappy_decode_one(lm_snappy_cursor *cursor);

/* By tag: the length of an element, 0 for literals of more than 60 bytes and copies with offsets of
 * four bytes, which kernels leave to lm__snappy_decode_one. */
extern const uint8_t lm_snappy_lengths[256];
/* By tag: the part of a copy's offset that is in the tag; LM_SNAPPY_FAR for literals. */
extern const uint16_t lm_snappy_offsets[256];

/* For tests: with a processor of that level, or the least that the build has. */
bool lm__snappy_decompress_at(lm_cpu_level level, const void *src, size_t src_size, void *dst,
                              size_t size);
bool lm__snappy_decompress_two_at(lm_cpu_level level, const lm_snappy_block *one,
                                  const lm_snappy_block *two);

static inline uint32_t lm__snappy_load32(const void *at)
{
    uint32_t value;
    memcpy(&value, at, sizeof value);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    value = __builtin_bswap32(value);
#endif
    return value;
}

static inline uint64_t lm__snappy_load64(const void *at)
{
    uint64_t value;
    memcpy(&value, at, sizeof value);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    value = __builtin_bswap64(value);
#endif
    return value;
}

static inline void lm__snappy_store32(void *at, uint32_t value)
{
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    value = __builtin_bswap32(value);
#endif
    memcpy(at, &value, sizeof value);
}

/* condition ? yes : no, never by a branch where that can be had: what is chosen here cannot be
 * guessed. */
static inline uint64_t lm__snappy_select(uint64_t condition, uint64_t yes, uint64_t no)
{
#if defined(__x86_64__)
    __asm__("test %[condition], %[condition]\n\tcmovnz %[yes], %[no]"
            : [no] "+r"(no)
            : [condition] "r"(condition), [yes] "r"(yes)
            : "cc");
    return no;
#else
    return condition ? yes : no;
#endif
}

#endif
