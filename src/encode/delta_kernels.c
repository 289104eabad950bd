/*
 * Kernels of DELTA_BINARY_PACKED (delta.h): the deltas of one block with their least and the bits
 * they need, and the sums that turn deltas into values again. All arithmetic wraps around.
 *
 * The blocks' loops are left to the compiler, at each level. The sums of a register are made by
 * adding it to itself moved up by 1, 2, 4 … lanes; what they start from is added last, so that from
 * one register to the next there is but one addition to wait for.
 */
#include "encode/delta.h"

#include "base/simd.h"

#define BLOCK_VALUES 128
#define MINI_VALUES 32

#define BLOCK_BODY(bits)                                                                           \
    LM_ALWAYS_INLINE int##bits##_t block##bits##_body(const int##bits##_t *restrict values,        \
                                                      uint##bits##_t *restrict deltas,             \
                                                      uint##bits##_t *restrict ors)                \
    {                                                                                              \
        int##bits##_t least = INT##bits##_MAX;                                                     \
        for (int i = 0; i < BLOCK_VALUES; i++) {                                                   \
            deltas[i] = (uint##bits##_t)values[i] - (uint##bits##_t)values[i - 1];                 \
            int##bits##_t delta = (int##bits##_t)deltas[i];                                        \
            least = delta < least ? delta : least;                                                 \
        }                                                                                          \
        for (int m = 0; m < BLOCK_VALUES / MINI_VALUES; m++) {                                     \
            uint##bits##_t all = 0, *at = deltas + m * MINI_VALUES;                                \
            for (int i = 0; i < MINI_VALUES; i++) {                                                \
                at[i] -= (uint##bits##_t)least;                                                    \
                all |= at[i];                                                                      \
            }                                                                                      \
            ors[m] = all;                                                                          \
        }                                                                                          \
        return least;                                                                              \
    }

#define BLOCK(bits, level, target)                                                                 \
    target static int##bits##_t block##bits##_##level(                                             \
        const int##bits##_t *values, uint##bits##_t *deltas, uint##bits##_t ors[4])                \
    {                                                                                              \
        return block##bits##_body(values, deltas, ors);                                            \
    }

#define SUM_SCALAR(bits)                                                                           \
    static uint##bits##_t sum##bits##_scalar(uint##bits##_t *deltas, size_t count,                 \
                                             uint##bits##_t least, uint##bits##_t last)            \
    {                                                                                              \
        for (size_t i = 0; i < count; i++) deltas[i] = last += deltas[i] + least;                  \
        return last;                                                                               \
    }

BLOCK_BODY(32)
BLOCK_BODY(64)
BLOCK(32, scalar, )
BLOCK(64, scalar, )
SUM_SCALAR(32)
SUM_SCALAR(64)

#ifdef LM_SIMD_X86

BLOCK(32, avx2, LM_TARGET_AVX2)
BLOCK(64, avx2, LM_TARGET_AVX2)
BLOCK(32, avx512, LM_TARGET_AVX512)
BLOCK(64, avx512, LM_TARGET_AVX512)

LM_TARGET_AVX2 static uint32_t sum32_avx2(uint32_t *deltas, size_t count, uint32_t least,
                                          uint32_t last)
{
    __m256i base = _mm256_set1_epi32((int)least), before = _mm256_set1_epi32((int)last);
    __m256i top = _mm256_set1_epi32(7);
    size_t i = 0;
    for (; count - i >= 8; i += 8) {
        __m256i *at = (__m256i *)(void *)(deltas + i);
        __m256i v = _mm256_add_epi32(_mm256_loadu_si256(at), base);
        v = _mm256_add_epi32(v, _mm256_slli_si256(v, 4));
        v = _mm256_add_epi32(v, _mm256_slli_si256(v, 8));
        __m256i lower = _mm256_shuffle_epi32(_mm256_permute2x128_si256(v, v, 0x08), 0xff);
        v = _mm256_add_epi32(v, lower);
        _mm256_storeu_si256(at, _mm256_add_epi32(v, before));
        before = _mm256_add_epi32(before, _mm256_permutevar8x32_epi32(v, top));
    }
    last = (uint32_t)_mm256_cvtsi256_si32(before);
    return sum32_scalar(deltas + i, count - i, least, last);
}

LM_TARGET_AVX2 static uint64_t sum64_avx2(uint64_t *deltas, size_t count, uint64_t least,
                                          uint64_t last)
{
    __m256i base = _mm256_set1_epi64x((long long)least);
    __m256i before = _mm256_set1_epi64x((long long)last);
    size_t i = 0;
    for (; count - i >= 4; i += 4) {
        __m256i *at = (__m256i *)(void *)(deltas + i);
        __m256i v = _mm256_add_epi64(_mm256_loadu_si256(at), base);
        v = _mm256_add_epi64(v, _mm256_slli_si256(v, 8));
        __m256i lower = _mm256_permute4x64_epi64(v, 0x55);
        v = _mm256_add_epi64(v, _mm256_blend_epi32(_mm256_setzero_si256(), lower, 0xf0));
        _mm256_storeu_si256(at, _mm256_add_epi64(v, before));
        before = _mm256_add_epi64(before, _mm256_permute4x64_epi64(v, 0xff));
    }
    last = (uint64_t)_mm_cvtsi128_si64(_mm256_castsi256_si128(before));
    return sum64_scalar(deltas + i, count - i, least, last);
}

#define UP32(v, lanes) _mm512_alignr_epi32(v, zero, 16 - (lanes))
#define UP64(v, lanes) _mm512_alignr_epi64(v, zero, 8 - (lanes))

LM_TARGET_AVX512 static uint32_t sum32_avx512(uint32_t *deltas, size_t count, uint32_t least,
                                              uint32_t last)
{
    __m512i base = _mm512_set1_epi32((int)least), before = _mm512_set1_epi32((int)last);
    __m512i zero = _mm512_setzero_si512(), top = _mm512_set1_epi32(15);
    size_t i = 0;
    for (; count - i >= 16; i += 16) {
        __m512i v = _mm512_add_epi32(_mm512_loadu_si512(deltas + i), base);
        v = _mm512_add_epi32(v, UP32(v, 1));
        v = _mm512_add_epi32(v, UP32(v, 2));
        v = _mm512_add_epi32(v, UP32(v, 4));
        v = _mm512_add_epi32(v, UP32(v, 8));
        _mm512_storeu_si512(deltas + i, _mm512_add_epi32(v, before));
        before = _mm512_add_epi32(before, _mm512_permutexvar_epi32(top, v));
    }
    last = (uint32_t)_mm512_cvtsi512_si32(before);
    return sum32_scalar(deltas + i, count - i, least, last);
}

LM_TARGET_AVX512 static uint64_t sum64_avx512(uint64_t *deltas, size_t count, uint64_t least,
                                              uint64_t last)
{
    __m512i base = _mm512_set1_epi64((long long)least);
    __m512i before = _mm512_set1_epi64((long long)last);
    __m512i zero = _mm512_setzero_si512(), top = _mm512_set1_epi64(7);
    size_t i = 0;
    for (; count - i >= 8; i += 8) {
        __m512i v = _mm512_add_epi64(_mm512_loadu_si512(deltas + i), base);
        v = _mm512_add_epi64(v, UP64(v, 1));
        v = _mm512_add_epi64(v, UP64(v, 2));
        v = _mm512_add_epi64(v, UP64(v, 4));
        _mm512_storeu_si512(deltas + i, _mm512_add_epi64(v, before));
        before = _mm512_add_epi64(before, _mm512_permutexvar_epi64(top, v));
    }
    last = (uint64_t)_mm_cvtsi128_si64(_mm512_castsi512_si128(before));
    return sum64_scalar(deltas + i, count - i, least, last);
}

#endif

const lm_delta_kernels *lm__delta_kernels(lm_cpu_level level)
{
    static const lm_delta_kernels scalar = {block32_scalar, block64_scalar, sum32_scalar,
                                            sum64_scalar};
#ifdef LM_SIMD_X86
    static const lm_delta_kernels avx2 = {block32_avx2, block64_avx2, sum32_avx2, sum64_avx2};
    static const lm_delta_kernels avx512 = {block32_avx512, block64_avx512, sum32_avx512,
                                            sum64_avx512};
    if (level >= LM_CPU_AVX512) return &avx512;
    if (level >= LM_CPU_AVX2) return &avx2;
#else
    (void)level;
#endif
    return &scalar;
}
