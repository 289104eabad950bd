/*
 * The first pass over a block of values that are looked up in a dictionary (dict_table.h), each
 * level by itself; dict_fixed.c does the rest.
 *
 * With AVX-512 a hash table is read in three steps of 64 values: the hashes are computed side by
 * side, each value's pair of slots is copied out one after the other (which gathering instructions
 * are no faster at), and the copies are compared side by side.
 */
#include "base/simd.h"
#include "encode/dict_table.h"

/* Keeps the compiler from joining a loop's loads into gathers, which cost more than they save. */
#define NO_GATHER(x) __asm__("" : "+r"(x))

#define LOOPS(bits, level, target)                                                                 \
    target static size_t heads##bits##_##level(const uint##bits##_t *values, size_t n,             \
                                               uint64_t *words)                                    \
    {                                                                                              \
        uint##bits##_t before = (uint##bits##_t) ~values[0];                                       \
        size_t total = 0;                                                                          \
        for (size_t w = 0; w * 64 < n; w++) {                                                      \
            size_t some = n - w * 64 < 64 ? n - w * 64 : 64;                                       \
            const uint##bits##_t *at = values + w * 64;                                            \
            uint64_t mask = at[0] != before;                                                       \
            if (some == 64)                                                                        \
                mask |= differ##bits##_##level(at);                                                \
            else                                                                                   \
                for (size_t i = 1; i < some; i++) mask |= (uint64_t)(at[i] != at[i - 1]) << i;     \
            words[w] = mask;                                                                       \
            total += (size_t)__builtin_popcountll(mask);                                           \
            before = at[some - 1];                                                                 \
        }                                                                                          \
        return total;                                                                              \
    }                                                                                              \
                                                                                                   \
    target static void direct##bits##_##level(const uint32_t *table, uint64_t base,                \
                                              const uint##bits##_t *values, size_t n,              \
                                              uint32_t *indices)                                   \
    {                                                                                              \
        for (size_t i = 0; i < n; i++) {                                                           \
            uint64_t at = (uint64_t)(int64_t)(int##bits##_t)values[i] - base;                      \
            NO_GATHER(at);                                                                         \
            indices[i] = table[at] - 1;                                                            \
        }                                                                                          \
    }                                                                                              \
                                                                                                   \
    /* By masks, since branches would be foreseen badly. An empty slot has key 0, but index 0. */  \
    target static void hashed##bits##_each_##level(                                                \
        const lm_dict_slot##bits *slots, unsigned slots_bits, const uint##bits##_t *values,        \
        size_t n, uint32_t *indices)                                                               \
    {                                                                                              \
        for (size_t i = 0; i < n; i++) {                                                           \
            uint##bits##_t value = values[i];                                                      \
            const lm_dict_slot##bits *slot = slots + lm__dict_home##bits(value, slots_bits);       \
            uint32_t first = -(uint32_t)(slot[0].key == value) & slot[0].index;                    \
            uint32_t second = -(uint32_t)(slot[1].key == value) & slot[1].index;                   \
            uint32_t index = first | second;                                                       \
            NO_GATHER(index);                                                                      \
            indices[i] = index - 1;                                                                \
        }                                                                                          \
    }

#define DIFFER_SCALAR(bits)                                                                        \
    LM_ALWAYS_INLINE uint64_t differ##bits##_scalar(const uint##bits##_t *at)                      \
    {                                                                                              \
        uint64_t mask = 0;                                                                         \
        for (size_t i = 1; i < 64; i++) mask |= (uint64_t)(at[i] != at[i - 1]) << i;               \
        return mask;                                                                               \
    }

DIFFER_SCALAR(32)
DIFFER_SCALAR(64)
LOOPS(32, scalar, )
LOOPS(64, scalar, )

/* An index has its top bit clear, LM_DICT_NONE has it set. */
LM_ALWAYS_INLINE uint64_t none_word(const uint32_t *indices, size_t n)
{
    uint64_t mask = 0;
    for (size_t i = 0; i < n; i++) mask |= (uint64_t)(indices[i] >> 31) << i;
    return mask;
}

static void nones_scalar(const uint32_t *indices, size_t n, uint64_t *words)
{
    for (size_t at = 0; at < n; at += 64)
        *words++ = none_word(indices + at, n - at < 64 ? n - at : 64);
}

#ifdef LM_SIMD_X86

/* Bit i: at[i] differs from at[i - 1], for 1 to 63. */
LM_TARGET_AVX2 static inline uint64_t differ32_avx2(const uint32_t *at)
{
    uint64_t same = 0;
    for (unsigned i = 0; i < 8; i++) {
        __m256i a = _mm256_loadu_si256((const __m256i *)(at + 8 * i));
        __m256i b = _mm256_permutevar8x32_epi32(a, _mm256_setr_epi32(0, 0, 1, 2, 3, 4, 5, 6));
        if (i) b = _mm256_loadu_si256((const __m256i *)(at + 8 * i - 1));
        __m256i equal = _mm256_cmpeq_epi32(a, b);
        same |= (uint64_t)(uint32_t)_mm256_movemask_ps(_mm256_castsi256_ps(equal)) << (8 * i);
    }
    return ~same & ~(uint64_t)1;
}

LM_TARGET_AVX2 static inline uint64_t differ64_avx2(const uint64_t *at)
{
    uint64_t same = 0;
    for (unsigned i = 0; i < 16; i++) {
        __m256i a = _mm256_loadu_si256((const __m256i *)(at + 4 * i));
        __m256i b = _mm256_permute4x64_epi64(a, 0x90);
        if (i) b = _mm256_loadu_si256((const __m256i *)(at + 4 * i - 1));
        __m256i equal = _mm256_cmpeq_epi64(a, b);
        same |= (uint64_t)(uint32_t)_mm256_movemask_pd(_mm256_castsi256_pd(equal)) << (4 * i);
    }
    return ~same & ~(uint64_t)1;
}

LM_TARGET_AVX2 static void nones_avx2(const uint32_t *indices, size_t n, uint64_t *words)
{
    size_t at = 0;
    for (; n - at >= 64; at += 64) {
        uint64_t mask = 0;
        for (unsigned i = 0; i < 8; i++) {
            __m256i v = _mm256_loadu_si256((const __m256i *)(indices + at + 8 * i));
            mask |= (uint64_t)(uint32_t)_mm256_movemask_ps(_mm256_castsi256_ps(v)) << (8 * i);
        }
        *words++ = mask;
    }
    if (at < n) *words = none_word(indices + at, n - at);
}

LOOPS(32, avx2, LM_TARGET_AVX2)
LOOPS(64, avx2, LM_TARGET_AVX2)

LM_TARGET_AVX512 static inline uint64_t differ32_avx512(const uint32_t *at)
{
    uint64_t mask = 0;
    for (unsigned i = 0; i < 4; i++) {
        __m512i a = _mm512_loadu_si512(at + 16 * i);
        __m512i b =
            i ? _mm512_loadu_si512(at + 16 * i - 1) : _mm512_maskz_loadu_epi32(0xfffe, at - 1);
        mask |= (uint64_t)_mm512_cmpneq_epi32_mask(a, b) << (16 * i);
    }
    return mask & ~(uint64_t)1;
}

LM_TARGET_AVX512 static inline uint64_t differ64_avx512(const uint64_t *at)
{
    uint64_t mask = 0;
    for (unsigned i = 0; i < 8; i++) {
        __m512i a = _mm512_loadu_si512(at + 8 * i);
        __m512i b = i ? _mm512_loadu_si512(at + 8 * i - 1) : _mm512_maskz_loadu_epi64(0xfe, at - 1);
        mask |= (uint64_t)_mm512_cmpneq_epi64_mask(a, b) << (8 * i);
    }
    return mask & ~(uint64_t)1;
}

LM_TARGET_AVX512 static void nones_avx512(const uint32_t *indices, size_t n, uint64_t *words)
{
    size_t at = 0;
    for (; n - at >= 64; at += 64) {
        uint64_t mask = 0;
        for (unsigned i = 0; i < 4; i++) {
            __m512i v = _mm512_loadu_si512(indices + at + 16 * i);
            mask |= (uint64_t)_mm512_movepi32_mask(v) << (16 * i);
        }
        *words++ = mask;
    }
    if (at < n) *words = none_word(indices + at, n - at);
}

LOOPS(32, avx512, LM_TARGET_AVX512)
LOOPS(64, avx512, LM_TARGET_AVX512)

/* 16 values: a pair of slots is 16 bytes, four pairs fill a register. */
LM_TARGET_AVX512 static inline __m512i every_fourth(const __m512i pairs[4], __m512i pick)
{
    __m512i low = _mm512_permutex2var_epi32(pairs[0], pick, pairs[1]);
    __m512i high = _mm512_permutex2var_epi32(pairs[2], pick, pairs[3]);
    return _mm512_mask_mov_epi64(low, 0xf0, high);
}

LM_TARGET_AVX512 static void hashed32_avx512(const lm_dict_slot32 *slots, unsigned slots_bits,
                                             const uint32_t *values, size_t n, uint32_t *indices)
{
    _Alignas(64) uint32_t homes[64];
    _Alignas(64) __m128i copies[64];
    const __m128i *table = (const __m128i *)slots;
    __m128i shift = _mm_cvtsi32_si128((int)(33 - slots_bits));
    /* 0, 4, 8, … of two registers, twice. */
    __m512i first = _mm512_set_epi32(28, 24, 20, 16, 12, 8, 4, 0, 28, 24, 20, 16, 12, 8, 4, 0);
    __m512i one = _mm512_set1_epi32(1), factor = _mm512_set1_epi32((int)0x9e3779b1u);
    size_t at = 0;
    for (; n - at >= 64; at += 64) {
        for (size_t i = 0; i < 64; i += 16) {
            __m512i v = _mm512_mullo_epi32(_mm512_loadu_si512(values + at + i), factor);
            _mm512_store_si512(homes + i, _mm512_srl_epi32(v, shift));
        }
        for (size_t i = 0; i < 64; i++) copies[i] = _mm_load_si128(table + homes[i]);
        for (size_t i = 0; i < 64; i += 16) {
            __m512i v = _mm512_loadu_si512(values + at + i), pairs[4];
            for (size_t k = 0; k < 4; k++) pairs[k] = _mm512_load_si512(copies + i + 4 * k);
            __m512i pick = first, key0 = every_fourth(pairs, pick);
            pick = _mm512_add_epi32(pick, one);
            __m512i index0 = every_fourth(pairs, pick);
            pick = _mm512_add_epi32(pick, one);
            __m512i key1 = every_fourth(pairs, pick);
            pick = _mm512_add_epi32(pick, one);
            __m512i index1 = every_fourth(pairs, pick);
            __m512i index = _mm512_maskz_mov_epi32(_mm512_cmpeq_epi32_mask(key1, v), index1);
            index = _mm512_mask_or_epi32(index, _mm512_cmpeq_epi32_mask(key0, v), index, index0);
            _mm512_storeu_si512(indices + at + i, _mm512_sub_epi32(index, one));
        }
    }
    hashed32_each_avx512(slots, slots_bits, values + at, n - at, indices + at);
}

/* 8 values: a pair of slots is 32 bytes, two pairs fill a register. */
LM_TARGET_AVX512 static inline __m512i every_fourth_64(const __m512i pairs[4], __m512i pick)
{
    __m512i low = _mm512_permutex2var_epi64(pairs[0], pick, pairs[1]);
    __m512i high = _mm512_permutex2var_epi64(pairs[2], pick, pairs[3]);
    return _mm512_mask_mov_epi64(low, 0xf0, high);
}

LM_TARGET_AVX512 static void hashed64_avx512(const lm_dict_slot64 *slots, unsigned slots_bits,
                                             const uint64_t *values, size_t n, uint32_t *indices)
{
    _Alignas(64) uint64_t homes[64];
    _Alignas(64) __m256i copies[64];
    const __m256i *table = (const __m256i *)slots;
    __m128i shift = _mm_cvtsi32_si128((int)(65 - slots_bits));
    __m512i first = _mm512_set_epi64(12, 8, 4, 0, 12, 8, 4, 0);
    __m512i one = _mm512_set1_epi64(1), factor = _mm512_set1_epi64((long long)0x9e3779b97f4a7c15);
    size_t at = 0;
    for (; n - at >= 64; at += 64) {
        for (size_t i = 0; i < 64; i += 8) {
            __m512i v = _mm512_loadu_si512(values + at + i);
            v = _mm512_mullo_epi64(_mm512_xor_si512(v, _mm512_srli_epi64(v, 32)), factor);
            _mm512_store_si512(homes + i, _mm512_srl_epi64(v, shift));
        }
        for (size_t i = 0; i < 64; i++) copies[i] = _mm256_load_si256(table + homes[i]);
        for (size_t i = 0; i < 64; i += 8) {
            __m512i v = _mm512_loadu_si512(values + at + i), pairs[4];
            for (size_t k = 0; k < 4; k++) pairs[k] = _mm512_load_si512(copies + i + 2 * k);
            __m512i pick = first, key0 = every_fourth_64(pairs, pick);
            pick = _mm512_add_epi64(pick, one);
            __m512i index0 = every_fourth_64(pairs, pick);
            pick = _mm512_add_epi64(pick, one);
            __m512i key1 = every_fourth_64(pairs, pick);
            pick = _mm512_add_epi64(pick, one);
            __m512i index1 = every_fourth_64(pairs, pick);
            __m512i index = _mm512_maskz_mov_epi64(_mm512_cmpeq_epi64_mask(key1, v), index1);
            index = _mm512_mask_or_epi64(index, _mm512_cmpeq_epi64_mask(key0, v), index, index0);
            _mm256_storeu_si256((__m256i *)(indices + at + i),
                                _mm512_cvtepi64_epi32(_mm512_sub_epi64(index, one)));
        }
    }
    hashed64_each_avx512(slots, slots_bits, values + at, n - at, indices + at);
}

#endif

const lm_dict_kernels *lm__dict_kernels(lm_cpu_level level)
{
    static const lm_dict_kernels scalar = {
        heads32_scalar,       heads64_scalar,       direct32_scalar, direct64_scalar,
        hashed32_each_scalar, hashed64_each_scalar, nones_scalar};
#ifdef LM_SIMD_X86
    static const lm_dict_kernels avx2 = {heads32_avx2,  heads64_avx2,       direct32_avx2,
                                         direct64_avx2, hashed32_each_avx2, hashed64_each_avx2,
                                         nones_avx2};
    static const lm_dict_kernels avx512 = {heads32_avx512,  heads64_avx512,  direct32_avx512,
                                           direct64_avx512, hashed32_avx512, hashed64_avx512,
                                           nones_avx512};
    if (level >= LM_CPU_AVX512) return &avx512;
    if (level >= LM_CPU_AVX2) return &avx2;
#else
    (void)level;
#endif
    return &scalar;
}
