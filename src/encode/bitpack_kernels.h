/* Private to bitpack*.c: the kernels of the AVX-512 level. Contracts as in bitpack.h. */
#ifndef LM_ENCODE_BITPACK_KERNELS_H
#define LM_ENCODE_BITPACK_KERNELS_H

#include "base/simd.h"
#include "encode/bits.h"

size_t lm__pack8_avx512(const uint8_t *values, size_t count, unsigned width, uint8_t *out);
size_t lm__pack16_avx512(const uint16_t *values, size_t count, unsigned width, uint8_t *out);
size_t lm__pack32_avx512(const uint32_t *values, size_t count, unsigned width, uint8_t *out);
size_t lm__pack64_avx512(const uint64_t *values, size_t count, unsigned width, uint8_t *out);
void lm__unpack8_avx512(const uint8_t *src, size_t size, size_t count, unsigned width,
                        uint8_t *out);
void lm__unpack16_avx512(const uint8_t *src, size_t size, size_t count, unsigned width,
                         uint16_t *out);
void lm__unpack32_avx512(const uint8_t *src, size_t size, size_t count, unsigned width,
                         uint32_t *out);
void lm__unpack64_avx512(const uint8_t *src, size_t size, size_t count, unsigned width,
                         uint64_t *out);

#endif
