/*
 * Levels as masks of 64 entries; see read_levels.h. A comparison of a whole register gives the
 * mask, and what is left are counts of bits and their extraction.
 */
#include "parquet/read_levels.h"

#include <string.h>

#include "base/bits.h"
#include "base/simd.h"

/* The reference. */

static size_t slots_scalar(const lm_level_slots *rule, const uint8_t *definitions,
                           const uint8_t *repetitions, size_t count, uint8_t *bits, size_t at,
                           size_t *valid)
{
    size_t slots = 0, set = 0;
    for (size_t i = 0; i < count; i++) {
        if (definitions[i] < rule->slot) continue;
        if (repetitions && repetitions[i] > rule->context) continue;
        bool is_valid = definitions[i] >= rule->valid;
        lm__bits_fill(bits, at + slots++, 1, is_valid);
        set += is_valid;
    }
    *valid = set;
    return slots;
}

static size_t lists_scalar(const lm_level_lists *rule, const uint8_t *definitions,
                           const uint8_t *repetitions, size_t count, int32_t *offsets,
                           int32_t *items)
{
    int32_t *to = offsets, before = *items;
    for (size_t i = 0; i < count; i++) {
        if (definitions[i] >= rule->slot && repetitions[i] < rule->repetition) *to++ = before;
        before += definitions[i] >= rule->item && repetitions[i] <= rule->repetition;
    }
    *items = before;
    return (size_t)(to - offsets);
}

#ifdef LM_SIMD_X86

/* Bits on their way to memory: `word` has `fill` of them, fewer than 64. */
typedef struct bit_writer {
    uint8_t *to;
    uint64_t word;
    unsigned fill;
} bit_writer;

LM_ALWAYS_INLINE bit_writer writer_at(uint8_t *bits, size_t at)
{
    bit_writer w = {bits + (at >> 3), 0, (unsigned)(at & 7)};
    if (w.fill) w.word = *w.to & ((1u << w.fill) - 1);
    return w;
}

/* The low `count` bits of `more`, whose others are zero. */
LM_ALWAYS_INLINE void writer_put(bit_writer *w, uint64_t more, unsigned count)
{
    w->word |= more << w->fill;
    if (w->fill + count >= 64) {
        memcpy(w->to, &w->word, 8);
        w->to += 8;
        w->word = w->fill ? more >> (64 - w->fill) : 0;
        count -= 64;
    }
    w->fill += count;
}

LM_ALWAYS_INLINE void writer_end(bit_writer *w) { memcpy(w->to, &w->word, 8); }

/* Which of 64 levels are at least `least`. */
LM_TARGET_AVX2 static inline uint64_t least64_avx2(const uint8_t *levels, uint8_t least)
{
    __m256i with = _mm256_set1_epi8((char)least);
    __m256i a = _mm256_loadu_si256((const __m256i *)levels);
    __m256i b = _mm256_loadu_si256((const __m256i *)(levels + 32));
    a = _mm256_cmpeq_epi8(_mm256_max_epu8(a, with), a);
    b = _mm256_cmpeq_epi8(_mm256_max_epu8(b, with), b);
    return (uint64_t)(uint32_t)_mm256_movemask_epi8(a) | (uint64_t)(uint32_t)_mm256_movemask_epi8(b)
                                                             << 32;
}

LM_TARGET_AVX512 static inline uint64_t least64_avx512(const uint8_t *levels, uint8_t least)
{
    return _mm512_cmpge_epu8_mask(_mm512_loadu_si512(levels), _mm512_set1_epi8((char)least));
}

/* Levels are at most 255, so `context + 1` and the like would not fit where nothing is above it:
 * such a comparison is left out. */
#define LEVEL_KERNELS(level, target)                                                               \
    target static size_t slots_##level(const lm_level_slots *rule, const uint8_t *definitions,     \
                                       const uint8_t *repetitions, size_t count, uint8_t *bits,    \
                                       size_t at, size_t *valid)                                   \
    {                                                                                              \
        size_t i = 0, slots = 0, set = 0, rest;                                                    \
        if (repetitions && rule->context == UINT8_MAX) repetitions = NULL;                         \
        bit_writer w = writer_at(bits, at);                                                        \
        for (; count - i >= 64; i += 64) {                                                         \
            uint64_t has = least64_##level(definitions + i, rule->slot);                           \
            uint64_t good = least64_##level(definitions + i, rule->valid);                         \
            if (repetitions)                                                                       \
                has &= ~least64_##level(repetitions + i, (uint8_t)(rule->context + 1));            \
            unsigned some = (unsigned)__builtin_popcountll(has);                                   \
            writer_put(&w, _pext_u64(good, has), some);                                            \
            slots += some;                                                                         \
            set += (size_t)__builtin_popcountll(good & has);                                       \
        }                                                                                          \
        writer_end(&w);                                                                            \
        slots += slots_scalar(rule, definitions + i, repetitions ? repetitions + i : NULL,         \
                              count - i, bits, at + slots, &rest);                                 \
        *valid = set + rest;                                                                       \
        return slots;                                                                              \
    }                                                                                              \
    target static size_t lists_##level(const lm_level_lists *rule, const uint8_t *definitions,     \
                                       const uint8_t *repetitions, size_t count, int32_t *offsets, \
                                       int32_t *items)                                             \
    {                                                                                              \
        size_t i = 0;                                                                              \
        int32_t *to = offsets, before = *items;                                                    \
        bool bounded = rule->repetition < UINT8_MAX;                                               \
        for (; count - i >= 64; i += 64) {                                                         \
            uint64_t begins = least64_##level(definitions + i, rule->slot) &                       \
                              ~least64_##level(repetitions + i, rule->repetition);                 \
            uint64_t has = least64_##level(definitions + i, rule->item);                           \
            if (bounded)                                                                           \
                has &= ~least64_##level(repetitions + i, (uint8_t)(rule->repetition + 1));         \
            for (; begins; begins &= begins - 1)                                                   \
                *to++ = before + __builtin_popcountll(has & (_blsmsk_u64(begins) >> 1));           \
            before += __builtin_popcountll(has);                                                   \
        }                                                                                          \
        *items = before;                                                                           \
        to += lists_scalar(rule, definitions + i, repetitions + i, count - i, to, items);          \
        return (size_t)(to - offsets);                                                             \
    }                                                                                              \
    target static size_t count_##level(const uint8_t *levels, size_t count, uint8_t least)         \
    {                                                                                              \
        size_t i = 0, found = 0;                                                                   \
        for (; count - i >= 64; i += 64)                                                           \
            found += (size_t)__builtin_popcountll(least64_##level(levels + i, least));             \
        return found + lm__bytes_count_least(levels + i, count - i, least);                        \
    }

LEVEL_KERNELS(avx2, LM_TARGET_AVX2)
LEVEL_KERNELS(avx512, LM_TARGET_AVX512)

#endif

const lm_level_kernels *lm__level_kernels(lm_cpu_level level)
{
    static const lm_level_kernels scalar = {slots_scalar, lists_scalar, lm__bytes_count_least};
#ifdef LM_SIMD_X86
    static const lm_level_kernels avx2 = {slots_avx2, lists_avx2, count_avx2};
    static const lm_level_kernels avx512 = {slots_avx512, lists_avx512, count_avx512};
    if (level >= LM_CPU_AVX512) return &avx512;
    if (level >= LM_CPU_AVX2) return &avx2;
#else
    (void)level;
#endif
    return &scalar;
}
