/*
 * BYTE_STREAM_SPLIT (split.h).
 *
 * The kernels for widths of 2, 4, 8 and 16 are one network. To write, registers of neighbouring
 * values are parted in pairs into their even and their odd bytes; after one level, two, three or
 * four, register k holds byte k of every value. To read, registers are merged byte by byte, k with
 * k + width / 2, as many times. A step takes as many values as a register has bytes.
 */
#include "encode/split.h"

#include "base/error.h"
#include "base/simd.h"

#define TILE_VALUES 128 /* walked once for each of their bytes: they stay in the cache */

/* Values [from, count). */
LM_ALWAYS_INLINE void encode_any(const uint8_t *values, size_t from, size_t count, size_t width,
                                 uint8_t *out)
{
    for (size_t end; from < count; from = end) {
        end = count - from > TILE_VALUES ? from + TILE_VALUES : count;
        for (size_t k = 0; k < width; k++)
            for (size_t i = from; i < end; i++) out[k * count + i] = values[i * width + k];
    }
}

/* What is left after a level's registers is few: all levels share one copy. */
__attribute__((noinline)) static void encode_rest(const uint8_t *values, size_t from, size_t count,
                                                  size_t width, uint8_t *out)
{
    encode_any(values, from, count, width, out);
}

__attribute__((noinline)) static void decode_rest(const uint8_t *src, size_t stride, size_t from,
                                                  size_t count, size_t width, uint8_t *out)
{
    for (size_t end; from < count; from = end) {
        end = count - from > TILE_VALUES ? from + TILE_VALUES : count;
        for (size_t k = 0; k < width; k++)
            for (size_t i = from; i < end; i++) out[i * width + k] = src[k * stride + i];
    }
}

static void encode_scalar(const uint8_t *values, size_t count, size_t width, uint8_t *out)
{
    encode_rest(values, 0, count, width, out);
}

static void decode_scalar(const uint8_t *src, size_t stride, size_t count, size_t width,
                          uint8_t *out)
{
    decode_rest(src, stride, 0, count, width, out);
}

#ifdef LM_SIMD_X86

/* The two halves of a register work apart, on 16 values each. */
#define LOAD_AVX2(from, apart)                                                                     \
    _mm256_inserti128_si256(                                                                       \
        _mm256_castsi128_si256(_mm_loadu_si128((const __m128i *)(const void *)(from))),            \
        _mm_loadu_si128((const __m128i *)(const void *)((from) + (apart))), 1)
#define STORE_AVX2(to, apart, v)                                                                   \
    (_mm_storeu_si128((__m128i *)(void *)(to), _mm256_castsi256_si128(v)),                         \
     _mm_storeu_si128((__m128i *)(void *)((to) + (apart)), _mm256_extracti128_si256(v, 1)))
#define PART_AVX2(a, b, even, odd)                                                                 \
    (even = _mm256_packus_epi16(_mm256_and_si256(a, low), _mm256_and_si256(b, low)),               \
     odd = _mm256_packus_epi16(_mm256_srli_epi16(a, 8), _mm256_srli_epi16(b, 8)))
#define MERGE_AVX2(a, b, first, second)                                                            \
    (first = _mm256_unpacklo_epi8(a, b), second = _mm256_unpackhi_epi8(a, b))

LM_TARGET_AVX2 LM_ALWAYS_INLINE void encode_body_avx2(const uint8_t *values, size_t count,
                                                      size_t width, uint8_t *out)
{
    __m256i low = _mm256_set1_epi16(0xff), a[16], b[16];
    size_t i = 0;
    for (; count - i >= 32; i += 32) {
        for (size_t k = 0; k < width; k++)
            a[k] = LOAD_AVX2(values + i * width + 16 * k, 16 * width);
        for (size_t level = 2; level <= width; level *= 2) {
            for (size_t k = 0; k < width / 2; k++)
                PART_AVX2(a[2 * k], a[2 * k + 1], b[k], b[k + width / 2]);
            for (size_t k = 0; k < width; k++) a[k] = b[k];
        }
        for (size_t k = 0; k < width; k++)
            _mm256_storeu_si256((__m256i *)(void *)(out + k * count + i), a[k]);
    }
    encode_rest(values, i, count, width, out);
}

LM_TARGET_AVX2 LM_ALWAYS_INLINE void decode_body_avx2(const uint8_t *src, size_t stride,
                                                      size_t count, size_t width, uint8_t *out)
{
    __m256i a[16], b[16];
    size_t i = 0;
    for (; count - i >= 32; i += 32) {
        for (size_t k = 0; k < width; k++)
            a[k] = _mm256_loadu_si256((const __m256i *)(const void *)(src + k * stride + i));
        for (size_t level = 2; level <= width; level *= 2) {
            for (size_t k = 0; k < width / 2; k++)
                MERGE_AVX2(a[k], a[k + width / 2], b[2 * k], b[2 * k + 1]);
            for (size_t k = 0; k < width; k++) a[k] = b[k];
        }
        for (size_t k = 0; k < width; k++) STORE_AVX2(out + i * width + 16 * k, 16 * width, a[k]);
    }
    decode_rest(src, stride, i, count, width, out);
}

/* Which bytes of two registers, 0 to 127. */
#define EVEN(k) (uint8_t)(2 * (k))
#define ODD(k) (uint8_t)(2 * (k) + 1)
#define FIRST(k) (uint8_t)((k) / 2 + (k) % 2 * 64)
#define SECOND(k) (uint8_t)(32 + (k) / 2 + (k) % 2 * 64)
#define EIGHT(m, k) m(k), m(k + 1), m(k + 2), m(k + 3), m(k + 4), m(k + 5), m(k + 6), m(k + 7)
#define ROW(m)                                                                                     \
    {                                                                                              \
        EIGHT(m, 0), EIGHT(m, 8), EIGHT(m, 16), EIGHT(m, 24), EIGHT(m, 32), EIGHT(m, 40),          \
            EIGHT(m, 48), EIGHT(m, 56)                                                             \
    }
static const uint8_t even_bytes[64] = ROW(EVEN), odd_bytes[64] = ROW(ODD);
static const uint8_t first_bytes[64] = ROW(FIRST), second_bytes[64] = ROW(SECOND);

LM_TARGET_AVX512 LM_ALWAYS_INLINE void encode_body_avx512(const uint8_t *values, size_t count,
                                                          size_t width, uint8_t *out)
{
    __m512i even = _mm512_loadu_si512(even_bytes), odd = _mm512_loadu_si512(odd_bytes), a[16],
            b[16];
    size_t i = 0;
    for (; count - i >= 64; i += 64) {
        for (size_t k = 0; k < width; k++) a[k] = _mm512_loadu_si512(values + i * width + 64 * k);
        for (size_t level = 2; level <= width; level *= 2) {
            for (size_t k = 0; k < width / 2; k++) {
                b[k] = _mm512_permutex2var_epi8(a[2 * k], even, a[2 * k + 1]);
                b[k + width / 2] = _mm512_permutex2var_epi8(a[2 * k], odd, a[2 * k + 1]);
            }
            for (size_t k = 0; k < width; k++) a[k] = b[k];
        }
        for (size_t k = 0; k < width; k++) _mm512_storeu_si512(out + k * count + i, a[k]);
    }
    encode_rest(values, i, count, width, out);
}

LM_TARGET_AVX512 LM_ALWAYS_INLINE void decode_body_avx512(const uint8_t *src, size_t stride,
                                                          size_t count, size_t width, uint8_t *out)
{
    __m512i first = _mm512_loadu_si512(first_bytes), second = _mm512_loadu_si512(second_bytes);
    __m512i a[16], b[16];
    size_t i = 0;
    for (; count - i >= 64; i += 64) {
        for (size_t k = 0; k < width; k++) a[k] = _mm512_loadu_si512(src + k * stride + i);
        for (size_t level = 2; level <= width; level *= 2) {
            for (size_t k = 0; k < width / 2; k++) {
                b[2 * k] = _mm512_permutex2var_epi8(a[k], first, a[k + width / 2]);
                b[2 * k + 1] = _mm512_permutex2var_epi8(a[k], second, a[k + width / 2]);
            }
            for (size_t k = 0; k < width; k++) a[k] = b[k];
        }
        for (size_t k = 0; k < width; k++) _mm512_storeu_si512(out + i * width + 64 * k, a[k]);
    }
    decode_rest(src, stride, i, count, width, out);
}

#define BY_WIDTH(level, target)                                                                    \
    target static void encode_##level(const uint8_t *values, size_t count, size_t width,           \
                                      uint8_t *out)                                                \
    {                                                                                              \
        switch (width) {                                                                           \
        case 2: encode_body_##level(values, count, 2, out); break;                                 \
        case 4: encode_body_##level(values, count, 4, out); break;                                 \
        case 8: encode_body_##level(values, count, 8, out); break;                                 \
        case 16: encode_body_##level(values, count, 16, out); break;                               \
        default: encode_any(values, 0, count, width, out);                                         \
        }                                                                                          \
    }                                                                                              \
    target static void decode_##level(const uint8_t *src, size_t stride, size_t count,             \
                                      size_t width, uint8_t *out)                                  \
    {                                                                                              \
        switch (width) {                                                                           \
        case 2: decode_body_##level(src, stride, count, 2, out); break;                            \
        case 4: decode_body_##level(src, stride, count, 4, out); break;                            \
        case 8: decode_body_##level(src, stride, count, 8, out); break;                            \
        case 16: decode_body_##level(src, stride, count, 16, out); break;                          \
        default: decode_rest(src, stride, 0, count, width, out);                                   \
        }                                                                                          \
    }

BY_WIDTH(avx2, LM_TARGET_AVX2)
BY_WIDTH(avx512, LM_TARGET_AVX512)

#endif

const lm_split_kernels *lm__split_kernels(lm_cpu_level level)
{
    static const lm_split_kernels scalar = {encode_scalar, decode_scalar};
#ifdef LM_SIMD_X86
    static const lm_split_kernels avx2 = {encode_avx2, decode_avx2};
    static const lm_split_kernels avx512 = {encode_avx512, decode_avx512};
    if (level >= LM_CPU_AVX512) return &avx512;
    if (level >= LM_CPU_AVX2) return &avx2;
#else
    (void)level;
#endif
    return &scalar;
}

void lm__split_encode(const void *values, size_t count, size_t width, uint8_t *out)
{
    lm__split_kernels(lm__cpu_level())->encode(values, count, width, out);
}

lm_status lm__split_decode(const uint8_t *src, size_t size, size_t start, size_t count,
                           size_t width, void *out, lm_error *error)
{
    if (width == 0 || size % width != 0)
        return lm__error_set(error, LM_CORRUPT,
                             "BYTE_STREAM_SPLIT data: %zu bytes of values of %zu", size, width);
    size_t stride = size / width;
    if (start > stride || count > stride - start)
        return lm__error_set(error, LM_CORRUPT, "BYTE_STREAM_SPLIT data: ends before its values");
    if (count) lm__split_kernels(lm__cpu_level())->decode(src + start, stride, count, width, out);
    return LM_OK;
}
