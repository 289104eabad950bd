/*
 * Bit packing, least significant bit first: value i takes bits [i * width, (i + 1) * width) of the
 * stream (Encodings.md, "RLE / Bit-Packing Hybrid"). The hybrid and DELTA_BINARY_PACKED stand on
 * it.
 *
 * Invariants
 *  1. Packing `count` values writes ceil(count * width / 8) bytes, the spare bits of the last one
 * zero; up to LM_ENCODE_SLACK bytes past them may be overwritten.
 *  2. Values must fit `width`; higher bits are cut off.
 *  3. Unpacking reads nothing outside [src, src + size), writes exactly `count` values, and needs
 *     size >= lm__bitpack_bytes(count, width), which the caller has checked.
 */
#ifndef LM_ENCODE_BITPACK_H
#define LM_ENCODE_BITPACK_H

#include "base/cpu.h"
#include "encode/bits.h"

/* count must be below SIZE_MAX / 64. */
static inline size_t lm__bitpack_bytes(size_t count, unsigned width)
{
    return (count >> 3) * width + (((count & 7) * width + 7) >> 3);
}

/* The least width that holds the value: 0 for 0. */
static inline unsigned lm__bit_width(uint64_t value)
{
    return value ? 64 - (unsigned)__builtin_clzll(value) : 0;
}

/* Each returns the bytes written. width is at most 8, 16, 32, 64. */
size_t lm__bitpack8(const uint8_t *values, size_t count, unsigned width, uint8_t *out);
size_t lm__bitpack16(const uint16_t *values, size_t count, unsigned width, uint8_t *out);
size_t lm__bitpack32(const uint32_t *values, size_t count, unsigned width, uint8_t *out);
size_t lm__bitpack64(const uint64_t *values, size_t count, unsigned width, uint8_t *out);

void lm__bitunpack8(const uint8_t *src, size_t size, size_t count, unsigned width, uint8_t *out);
void lm__bitunpack16(const uint8_t *src, size_t size, size_t count, unsigned width, uint16_t *out);
void lm__bitunpack32(const uint8_t *src, size_t size, size_t count, unsigned width, uint32_t *out);
void lm__bitunpack64(const uint8_t *src, size_t size, size_t count, unsigned width, uint64_t *out);

/* The kernels of one level, for the tests and the benches; the calls above take the processor's. */
typedef struct lm_bitpack_kernels {
    size_t (*pack8)(const uint8_t *, size_t, unsigned, uint8_t *);
    size_t (*pack16)(const uint16_t *, size_t, unsigned, uint8_t *);
    size_t (*pack32)(const uint32_t *, size_t, unsigned, uint8_t *);
    size_t (*pack64)(const uint64_t *, size_t, unsigned, uint8_t *);
    void (*unpack8)(const uint8_t *, size_t, size_t, unsigned, uint8_t *);
    void (*unpack16)(const uint8_t *, size_t, size_t, unsigned, uint16_t *);
    void (*unpack32)(const uint8_t *, size_t, size_t, unsigned, uint32_t *);
    void (*unpack64)(const uint8_t *, size_t, size_t, unsigned, uint64_t *);
} lm_bitpack_kernels;
const lm_bitpack_kernels *lm__bitpack_kernels(lm_cpu_level level);

#endif
