/*
 * Kernels of the hybrid (rle.h): how long a run of equal values is, where the next run of 8 begins,
 * and the lookup of indices in a dictionary.
 *
 * The search compares 64 values with their right-hand neighbours at once; seven equal comparisons
 * in a row are a run of 8, found by shifting the mask of comparisons over itself. A run that
 * crosses from one mask into the next is found by counting the ones at its top.
 */
#include "encode/rle.h"

#include "base/simd.h"

#define RUN_SCALAR(bits, type)                                                                     \
    static size_t run##bits##_scalar(const type *values, size_t count)                             \
    {                                                                                              \
        size_t i = 1;                                                                              \
        while (i < count && values[i] == values[0]) i++;                                           \
        return count ? i : 0;                                                                      \
    }                                                                                              \
    static size_t find##bits##_scalar(const type *values, size_t count)                            \
    {                                                                                              \
        size_t same = 1;                                                                           \
        for (size_t i = 1; i < count; i++) {                                                       \
            same = values[i] == values[i - 1] ? same + 1 : 1;                                      \
            if (same == 8) return i - 7;                                                           \
        }                                                                                          \
        return count;                                                                              \
    }

RUN_SCALAR(8, uint8_t)
RUN_SCALAR(16, uint16_t)
RUN_SCALAR(32, uint32_t)

/* Indices are checked all at once; the loop has no branch for the compiler to keep. */
LM_ALWAYS_INLINE bool indices_below(const uint32_t *indices, size_t count, size_t limit)
{
    uint32_t most = 0;
    for (size_t i = 0; i < count; i++) most = indices[i] > most ? indices[i] : most;
    return count == 0 || most < limit;
}

#define GATHER(bits, type)                                                                         \
    LM_ALWAYS_INLINE bool gather##bits##_body(const uint32_t *indices, size_t count,               \
                                              const type *dictionary, size_t dictionary_count,     \
                                              type *out)                                           \
    {                                                                                              \
        if (!indices_below(indices, count, dictionary_count)) return false;                        \
        size_t i = 0;                                                                              \
        for (; count - i >= 4; i += 4) {                                                           \
            type a = dictionary[indices[i]], b = dictionary[indices[i + 1]];                       \
            type c = dictionary[indices[i + 2]], d = dictionary[indices[i + 3]];                   \
            out[i] = a;                                                                            \
            out[i + 1] = b;                                                                        \
            out[i + 2] = c;                                                                        \
            out[i + 3] = d;                                                                        \
        }                                                                                          \
        for (; i < count; i++) out[i] = dictionary[indices[i]];                                    \
        return true;                                                                               \
    }                                                                                              \
    static bool gather##bits##_scalar(const uint32_t *indices, size_t count,                       \
                                      const type *dictionary, size_t dictionary_count, type *out)  \
    {                                                                                              \
        return gather##bits##_body(indices, count, dictionary, dictionary_count, out);             \
    }

GATHER(32, uint32_t)
GATHER(64, uint64_t)

#ifdef LM_SIMD_X86

/* Bit i: values[i] == values[i + 1], for 64 of them. */
LM_TARGET_AVX2 static inline uint64_t equal_next8_avx2(const uint8_t *values)
{
    uint64_t mask = 0;
    for (unsigned i = 0; i < 2; i++) {
        __m256i a = _mm256_loadu_si256((const __m256i *)(values + 32 * i));
        __m256i b = _mm256_loadu_si256((const __m256i *)(values + 32 * i + 1));
        mask |= (uint64_t)(uint32_t)_mm256_movemask_epi8(_mm256_cmpeq_epi8(a, b)) << (32 * i);
    }
    return mask;
}

LM_TARGET_AVX2 static inline uint64_t equal_next16_avx2(const uint16_t *values)
{
    uint64_t mask = 0;
    for (unsigned i = 0; i < 2; i++) {
        const uint16_t *at = values + 32 * i;
        __m256i low = _mm256_cmpeq_epi16(_mm256_loadu_si256((const __m256i *)at),
                                         _mm256_loadu_si256((const __m256i *)(at + 1)));
        __m256i high = _mm256_cmpeq_epi16(_mm256_loadu_si256((const __m256i *)(at + 16)),
                                          _mm256_loadu_si256((const __m256i *)(at + 17)));
        __m256i both = _mm256_permute4x64_epi64(_mm256_packs_epi16(low, high), 0xd8);
        mask |= (uint64_t)(uint32_t)_mm256_movemask_epi8(both) << (32 * i);
    }
    return mask;
}

LM_TARGET_AVX2 static inline uint64_t equal_next32_avx2(const uint32_t *values)
{
    uint64_t mask = 0;
    for (unsigned i = 0; i < 8; i++) {
        const uint32_t *at = values + 8 * i;
        __m256i same = _mm256_cmpeq_epi32(_mm256_loadu_si256((const __m256i *)at),
                                          _mm256_loadu_si256((const __m256i *)(at + 1)));
        mask |= (uint64_t)(uint32_t)_mm256_movemask_ps(_mm256_castsi256_ps(same)) << (8 * i);
    }
    return mask;
}

LM_TARGET_AVX512 static inline uint64_t equal_next8_avx512(const uint8_t *values)
{
    return _mm512_cmpeq_epi8_mask(_mm512_loadu_si512(values), _mm512_loadu_si512(values + 1));
}

LM_TARGET_AVX512 static inline uint64_t equal_next16_avx512(const uint16_t *values)
{
    __mmask32 low =
        _mm512_cmpeq_epi16_mask(_mm512_loadu_si512(values), _mm512_loadu_si512(values + 1));
    __mmask32 high =
        _mm512_cmpeq_epi16_mask(_mm512_loadu_si512(values + 32), _mm512_loadu_si512(values + 33));
    return (uint64_t)low | (uint64_t)high << 32;
}

LM_TARGET_AVX512 static inline uint64_t equal_next32_avx512(const uint32_t *values)
{
    uint64_t mask = 0;
    for (unsigned i = 0; i < 4; i++) {
        const uint32_t *at = values + 16 * i;
        mask |=
            (uint64_t)_mm512_cmpeq_epi32_mask(_mm512_loadu_si512(at), _mm512_loadu_si512(at + 1))
            << (16 * i);
    }
    return mask;
}

/* How many values at the start equal the first, in one register. */
LM_TARGET_AVX2 static inline size_t same_as_first8_avx2(const uint8_t *values)
{
    __m256i v = _mm256_loadu_si256((const __m256i *)values);
    __m256i equal = _mm256_cmpeq_epi8(v, _mm256_set1_epi8((char)values[0]));
    return _tzcnt_u64(~(uint64_t)(uint32_t)_mm256_movemask_epi8(equal));
}

LM_TARGET_AVX2 static inline size_t same_as_first16_avx2(const uint16_t *values)
{
    __m256i v = _mm256_loadu_si256((const __m256i *)values);
    __m256i equal = _mm256_cmpeq_epi16(v, _mm256_set1_epi16((short)values[0]));
    return _tzcnt_u64(~(uint64_t)(uint32_t)_mm256_movemask_epi8(equal)) / 2;
}

LM_TARGET_AVX2 static inline size_t same_as_first32_avx2(const uint32_t *values)
{
    __m256i v = _mm256_loadu_si256((const __m256i *)values);
    __m256i equal = _mm256_cmpeq_epi32(v, _mm256_set1_epi32((int)values[0]));
    return _tzcnt_u64(~(uint64_t)(uint32_t)_mm256_movemask_ps(_mm256_castsi256_ps(equal)));
}

LM_TARGET_AVX512 static inline size_t same_as_first8_avx512(const uint8_t *values)
{
    __m512i v = _mm512_loadu_si512(values);
    return _tzcnt_u64(_mm512_cmpneq_epi8_mask(v, _mm512_set1_epi8((char)values[0])));
}

LM_TARGET_AVX512 static inline size_t same_as_first16_avx512(const uint16_t *values)
{
    __m512i v = _mm512_loadu_si512(values);
    uint64_t other = _mm512_cmpneq_epi16_mask(v, _mm512_set1_epi16((short)values[0]));
    return _tzcnt_u64(other | (uint64_t)1 << 32);
}

LM_TARGET_AVX512 static inline size_t same_as_first32_avx512(const uint32_t *values)
{
    __m512i v = _mm512_loadu_si512(values);
    uint64_t other = _mm512_cmpneq_epi32_mask(v, _mm512_set1_epi32((int)values[0]));
    return _tzcnt_u64(other | (uint64_t)1 << 16);
}

#define FIRST_LANES_avx2(bits) (256 / (bits))
#define FIRST_LANES_avx512(bits) (512 / (bits))

/* Most runs end soon: one register is compared with the first value before whole masks are. */
#define RUN_AND_FIND(bits, type, level, target)                                                    \
    target static size_t run##bits##_##level(const type *values, size_t count)                     \
    {                                                                                              \
        if (count < 2 || values[0] != values[1]) return count ? 1 : 0;                             \
        size_t i = 0, lanes = FIRST_LANES_##level(bits);                                           \
        if (count >= lanes) {                                                                      \
            size_t same = same_as_first##bits##_##level(values);                                   \
            if (same < lanes) return same;                                                         \
            i = lanes - 1;                                                                         \
        }                                                                                          \
        for (; count - i >= 65; i += 64) {                                                         \
            uint64_t other = ~equal_next##bits##_##level(values + i);                              \
            if (other) return i + (size_t)__builtin_ctzll(other) + 1;                              \
        }                                                                                          \
        return i + run##bits##_scalar(values + i, count - i);                                      \
    }                                                                                              \
    target static size_t find##bits##_##level(const type *values, size_t count)                    \
    {                                                                                              \
        size_t i = 0, before = 0; /* equal comparisons just before values[i] */                    \
        for (; count - i >= 65; i += 64) {                                                         \
            uint64_t same = equal_next##bits##_##level(values + i);                                \
            uint64_t other = ~same;                                                                \
            if (other == 0) return i - before;                                                     \
            if (before + (size_t)__builtin_ctzll(other) >= 7) return i - before;                   \
            uint64_t runs = same & same >> 1;                                                      \
            runs &= runs >> 2;                                                                     \
            runs &= runs >> 3;                                                                     \
            if (runs) return i + (size_t)__builtin_ctzll(runs);                                    \
            before = (size_t)__builtin_clzll(other);                                               \
        }                                                                                          \
        return i - before + find##bits##_scalar(values + i - before, count - i + before);          \
    }

RUN_AND_FIND(8, uint8_t, avx2, LM_TARGET_AVX2)
RUN_AND_FIND(16, uint16_t, avx2, LM_TARGET_AVX2)
RUN_AND_FIND(32, uint32_t, avx2, LM_TARGET_AVX2)
RUN_AND_FIND(8, uint8_t, avx512, LM_TARGET_AVX512)
RUN_AND_FIND(16, uint16_t, avx512, LM_TARGET_AVX512)
RUN_AND_FIND(32, uint32_t, avx512, LM_TARGET_AVX512)

LM_TARGET_AVX2 static bool gather32_avx2(const uint32_t *indices, size_t count,
                                         const uint32_t *dictionary, size_t dictionary_count,
                                         uint32_t *out)
{
    return gather32_body(indices, count, dictionary, dictionary_count, out);
}

LM_TARGET_AVX2 static bool gather64_avx2(const uint32_t *indices, size_t count,
                                         const uint64_t *dictionary, size_t dictionary_count,
                                         uint64_t *out)
{
    return gather64_body(indices, count, dictionary, dictionary_count, out);
}

/* A dictionary of up to 32 words of 4 bytes, or 16 of 8, fits two registers. */
LM_TARGET_AVX512 static bool gather32_avx512(const uint32_t *indices, size_t count,
                                             const uint32_t *dictionary, size_t dictionary_count,
                                             uint32_t *out)
{
    if (dictionary_count > 32 || count < 16)
        return gather32_body(indices, count, dictionary, dictionary_count, out);
    if (!indices_below(indices, count, dictionary_count)) return false;
    uint32_t table[32] = {0};
    memcpy(table, dictionary, dictionary_count * 4);
    __m512i low = _mm512_loadu_si512(table), high = _mm512_loadu_si512(table + 16);
    size_t i = 0;
    for (; count - i >= 16; i += 16) {
        __m512i index = _mm512_loadu_si512(indices + i);
        _mm512_storeu_si512(out + i, _mm512_permutex2var_epi32(low, index, high));
    }
    for (; i < count; i++) out[i] = table[indices[i]];
    return true;
}

LM_TARGET_AVX512 static bool gather64_avx512(const uint32_t *indices, size_t count,
                                             const uint64_t *dictionary, size_t dictionary_count,
                                             uint64_t *out)
{
    if (dictionary_count > 16 || count < 8)
        return gather64_body(indices, count, dictionary, dictionary_count, out);
    if (!indices_below(indices, count, dictionary_count)) return false;
    uint64_t table[16] = {0};
    memcpy(table, dictionary, dictionary_count * 8);
    __m512i low = _mm512_loadu_si512(table), high = _mm512_loadu_si512(table + 8);
    size_t i = 0;
    for (; count - i >= 8; i += 8) {
        __m512i index = _mm512_cvtepu32_epi64(_mm256_loadu_si256((const __m256i *)(indices + i)));
        _mm512_storeu_si512(out + i, _mm512_permutex2var_epi64(low, index, high));
    }
    for (; i < count; i++) out[i] = table[indices[i]];
    return true;
}

#endif

const lm_rle_kernels *lm__rle_kernels(lm_cpu_level level)
{
    static const lm_rle_kernels scalar = {run8_scalar,     run16_scalar,   run32_scalar,
                                          find8_scalar,    find16_scalar,  find32_scalar,
                                          gather32_scalar, gather64_scalar};
#ifdef LM_SIMD_X86
    static const lm_rle_kernels avx2 = {run8_avx2,   run16_avx2,  run32_avx2,    find8_avx2,
                                        find16_avx2, find32_avx2, gather32_avx2, gather64_avx2};
    static const lm_rle_kernels avx512 = {run8_avx512,     run16_avx512,   run32_avx512,
                                          find8_avx512,    find16_avx512,  find32_avx512,
                                          gather32_avx512, gather64_avx512};
    if (level >= LM_CPU_AVX512) return &avx512;
    if (level >= LM_CPU_AVX2) return &avx2;
#else
    (void)level;
#endif
    return &scalar;
}
