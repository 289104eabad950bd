/*
 * Closing the gaps that nulls leave, and opening them again (plain.h).
 *
 * Both go by words of 64 validity bits; a word of ones is a plain copy, a word of zeros nothing or
 * zeros. Compacting runs upwards and expanding downwards, so that either can work in place: what is
 * written never lies over what is still to be read.
 */
#include "encode/plain.h"

#include "base/simd.h"

/* --- Scalar --------------------------------------------------------------------------------- */

/* Values in a page stand at any address. */
typedef uint16_t word16 __attribute__((aligned(1), may_alias));
typedef uint32_t word32 __attribute__((aligned(1), may_alias));
typedef uint64_t word64 __attribute__((aligned(1), may_alias));
typedef unsigned __int128 word128 __attribute__((aligned(1), may_alias));

/* Without a branch on the bits: every value is written, a valid one moves the end on. */
#define COMPACT_SCALAR(bits, type)                                                                 \
    LM_ALWAYS_INLINE size_t compact##bits##_body(const type *values, lm_bits valid, size_t count,  \
                                                 type *out)                                        \
    {                                                                                              \
        size_t n = 0;                                                                              \
        for (size_t at = 0; at < count; at += 64) {                                                \
            size_t some = count - at < 64 ? count - at : 64;                                       \
            uint64_t word = lm__bits_word(valid, at, some);                                        \
            if (word == ~(uint64_t)0) {                                                            \
                memmove(out + n, values + at, 64 * sizeof *out);                                   \
                n += 64;                                                                           \
            } else if (word) {                                                                     \
                for (size_t i = 0; i < some; i++, word >>= 1) {                                    \
                    out[n] = values[at + i];                                                       \
                    n += word & 1;                                                                 \
                }                                                                                  \
            }                                                                                      \
        }                                                                                          \
        return n;                                                                                  \
    }                                                                                              \
    /* Once the last valid value is placed there is always one below `p`'s end to be read. */      \
    LM_ALWAYS_INLINE void expand##bits##_body(const type *packed, lm_bits valid, size_t count,     \
                                              type *out)                                           \
    {                                                                                              \
        size_t p = lm__bits_count(valid, count);                                                   \
        if (p == 0) {                                                                              \
            if (count) memset(out, 0, count * sizeof *out);                                        \
            return;                                                                                \
        }                                                                                          \
        size_t at = count;                                                                         \
        while (!lm__bits_get(valid, at - 1)) out[--at] = 0;                                        \
        while (at) {                                                                               \
            size_t some = at < 64 ? at : 64;                                                       \
            at -= some;                                                                            \
            uint64_t word = lm__bits_word(valid, at, some);                                        \
            if (word == ~(uint64_t)0) {                                                            \
                p -= 64;                                                                           \
                memmove(out + at, packed + p, 64 * sizeof *out);                                   \
                continue;                                                                          \
            }                                                                                      \
            for (size_t i = some; i-- > 0;) {                                                      \
                type bit = (type)(word >> i & 1);                                                  \
                p -= (size_t)bit;                                                                  \
                out[at + i] = (type)(packed[p] & (type)-bit);                                      \
            }                                                                                      \
        }                                                                                          \
    }

COMPACT_SCALAR(8, uint8_t)
COMPACT_SCALAR(16, word16)
COMPACT_SCALAR(32, word32)
COMPACT_SCALAR(64, word64)
COMPACT_SCALAR(128, word128)

static size_t compact_any(const uint8_t *values, size_t width, lm_bits valid, size_t count,
                          uint8_t *out)
{
    size_t n = 0;
    for (lm_bits_run run = {0}; lm__bits_next_run(valid, count, &run);) {
        if (!run.set) continue;
        memmove(out + n * width, values + run.start * width, run.length * width);
        n += run.length;
    }
    return n;
}

static void expand_any(const uint8_t *packed, size_t width, lm_bits valid, size_t count,
                       uint8_t *out)
{
    size_t p = lm__bits_count(valid, count);
    while (count) {
        count--;
        if (lm__bits_get(valid, count)) {
            p--;
            memmove(out + count * width, packed + p * width, width);
        } else {
            memset(out + count * width, 0, width);
        }
    }
}

static size_t compact_scalar(const void *values, size_t width, lm_bits valid, size_t count,
                             void *out)
{
    switch (width) {
    case 1: return compact8_body(values, valid, count, out);
    case 2: return compact16_body(values, valid, count, out);
    case 4: return compact32_body(values, valid, count, out);
    case 8: return compact64_body(values, valid, count, out);
    case 16: return compact128_body(values, valid, count, out);
    default: return compact_any(values, width, valid, count, out);
    }
}

static void expand_scalar(const void *packed, size_t width, lm_bits valid, size_t count, void *out)
{
    switch (width) {
    case 1: expand8_body(packed, valid, count, out); break;
    case 2: expand16_body(packed, valid, count, out); break;
    case 4: expand32_body(packed, valid, count, out); break;
    case 8: expand64_body(packed, valid, count, out); break;
    case 16: expand128_body(packed, valid, count, out); break;
    default: expand_any(packed, width, valid, count, out);
    }
}

/* The bits of `word` that `mask` names, moved together; and the reverse. */
static uint64_t gather_bits(uint64_t word, uint64_t mask)
{
    uint64_t result = 0;
    for (unsigned n = 0; mask; mask &= mask - 1, n++)
        result |= (word >> __builtin_ctzll(mask) & 1) << n;
    return result;
}

static uint64_t scatter_bits(uint64_t word, uint64_t mask)
{
    uint64_t result = 0;
    for (; mask; mask &= mask - 1, word >>= 1) result |= (word & 1) << __builtin_ctzll(mask);
    return result;
}

#define BITS_BODIES(level, target, gather, scatter)                                                \
    target static size_t compact_bits_##level(lm_bits values, lm_bits valid, size_t count,         \
                                              uint8_t *out)                                        \
    {                                                                                              \
        uint64_t held = 0;                                                                         \
        unsigned bits = 0;                                                                         \
        size_t total = 0;                                                                          \
        for (size_t at = 0; at < count; at += 64) {                                                \
            size_t some = count - at < 64 ? count - at : 64;                                       \
            uint64_t mask = lm__bits_word(valid, at, some);                                        \
            uint64_t word = gather(lm__bits_word(values, at, some), mask);                         \
            unsigned n = (unsigned)__builtin_popcountll(mask);                                     \
            held |= word << bits;                                                                  \
            total += n;                                                                            \
            if (bits + n >= 64) {                                                                  \
                memcpy(out, &held, 8);                                                             \
                out += 8;                                                                          \
                held = bits ? word >> (64 - bits) : 0;                                             \
                bits = bits + n - 64;                                                              \
            } else {                                                                               \
                bits += n;                                                                         \
            }                                                                                      \
        }                                                                                          \
        memcpy(out, &held, (bits + 7) / 8);                                                        \
        return total;                                                                              \
    }                                                                                              \
    target static void expand_bits_##level(lm_bits packed, lm_bits valid, size_t count,            \
                                           uint8_t *out)                                           \
    {                                                                                              \
        size_t p = 0;                                                                              \
        for (size_t at = 0; at < count; at += 64, out += 8) {                                      \
            size_t some = count - at < 64 ? count - at : 64;                                       \
            uint64_t mask = lm__bits_word(valid, at, some);                                        \
            size_t n = (size_t)__builtin_popcountll(mask);                                         \
            uint64_t word = scatter(lm__bits_word(packed, p, n), mask);                            \
            p += n;                                                                                \
            memcpy(out, &word, (some + 7) / 8);                                                    \
        }                                                                                          \
    }

BITS_BODIES(scalar, , gather_bits, scatter_bits)

#ifdef LM_SIMD_X86

BITS_BODIES(avx2, LM_TARGET_AVX2, _pext_u64, _pdep_u64)

/* --- AVX-512 -------------------------------------------------------------------------------- */

LM_TARGET_AVX512 static inline uint64_t ones(size_t n)
{
    return _bzhi_u64(~(uint64_t)0, (unsigned)n);
}

/* Elements in a register, or for width 12 in three of them. */
LM_TARGET_AVX512 static inline size_t lanes_of(size_t width)
{
    return width == 12 ? 16 : 64 / width;
}

/* One register's worth (three for width 12), and the bits for it at the bottom of `mask`. Returns
 * the bytes that count; 64 or more are written. */
LM_TARGET_AVX512 static inline size_t squeeze(const uint8_t *from, size_t width, uint64_t mask,
                                              uint8_t *out)
{
    if (width == 12) {
        size_t bytes = 0;
        uint64_t words = _pdep_u64(mask, 0x249249249249) * 7;
        for (int i = 0; i < 3; i++, words >>= 16) {
            __m512i v = _mm512_loadu_si512(from + 64 * i);
            _mm512_storeu_si512(out + bytes, _mm512_maskz_compress_epi32((__mmask16)words, v));
            bytes += 4 * (size_t)__builtin_popcountll(words & 0xffff);
        }
        return bytes;
    }
    __m512i v = _mm512_loadu_si512(from);
    switch (width) {
    case 1: v = _mm512_maskz_compress_epi8(mask, v); break;
    case 2: v = _mm512_maskz_compress_epi16((__mmask32)mask, v); break;
    case 4: v = _mm512_maskz_compress_epi32((__mmask16)mask, v); break;
    case 8: v = _mm512_maskz_compress_epi64((__mmask8)mask, v); break;
    case 16: v = _mm512_maskz_compress_epi64((__mmask8)(_pdep_u64(mask, 0x55) * 3), v); break;
    default: v = _mm512_maskz_compress_epi64((__mmask8)(_pdep_u64(mask, 0x11) * 15), v);
    }
    _mm512_storeu_si512(out, v);
    return width * (size_t)__builtin_popcountll(mask & ones(64 / width));
}

/* 64 values. */
LM_TARGET_AVX512 static inline size_t squeeze_word(const uint8_t *from, size_t width, uint64_t word,
                                                   uint8_t *out)
{
    if (word == 0) return 0;
    if (word == ~(uint64_t)0) {
        for (size_t i = 0; i < width; i++)
            _mm512_storeu_si512(out + 64 * i, _mm512_loadu_si512(from + 64 * i));
        return 64 * width;
    }
    size_t lanes = lanes_of(width), bytes = 0;
    for (size_t i = 0; i < 64; i += lanes)
        bytes += squeeze(from + i * width, width, lanes < 64 ? word >> i : word, out + bytes);
    return bytes;
}

LM_TARGET_AVX512 static inline size_t compact_words(const uint8_t *values, size_t width,
                                                    lm_bits valid, size_t count, uint8_t *out)
{
    uint8_t *to = out;
    size_t at = 0;
    for (; count - at >= 64; at += 64)
        to += squeeze_word(values + at * width, width, lm__bits_word(valid, at, 64), to);
    if (at < count) {
        uint8_t rest[64 * 32], packed[64 * 32 + 64];
        uint64_t word = lm__bits_word(valid, at, count - at);
        memset(rest, 0, 64 * width);
        memcpy(rest, values + at * width, (count - at) * width);
        size_t bytes = squeeze_word(rest, width, word, packed);
        memcpy(to, packed, bytes);
        to += bytes;
    }
    return (size_t)(to - out) / width;
}

/* The reverse of squeeze: the values start at `from`, only those that the mask names are read. */
LM_TARGET_AVX512 static inline void stretch(const uint8_t *from, size_t width, uint64_t mask,
                                            uint8_t *out)
{
    if (width == 12) {
        uint64_t words = _pdep_u64(mask, 0x249249249249) * 7;
        size_t before[3], n = 0;
        for (int i = 0; i < 3; i++) {
            before[i] = n;
            n += (size_t)__builtin_popcountll(words >> 16 * i & 0xffff);
        }
        for (int i = 2; i >= 0; i--) {
            __mmask16 some = (__mmask16)(words >> 16 * i);
            __m512i v = _mm512_maskz_loadu_epi32(
                (__mmask16)ones((size_t)__builtin_popcountll(some)), from + 4 * before[i]);
            _mm512_storeu_si512(out + 64 * i, _mm512_maskz_expand_epi32(some, v));
        }
        return;
    }
    size_t n = (size_t)__builtin_popcountll(mask & ones(64 / width));
    __m512i v = _mm512_maskz_loadu_epi8(ones(n * width), from);
    switch (width) {
    case 1: v = _mm512_maskz_expand_epi8(mask, v); break;
    case 2: v = _mm512_maskz_expand_epi16((__mmask32)mask, v); break;
    case 4: v = _mm512_maskz_expand_epi32((__mmask16)mask, v); break;
    case 8: v = _mm512_maskz_expand_epi64((__mmask8)mask, v); break;
    case 16: v = _mm512_maskz_expand_epi64((__mmask8)(_pdep_u64(mask, 0x55) * 3), v); break;
    default: v = _mm512_maskz_expand_epi64((__mmask8)(_pdep_u64(mask, 0x11) * 15), v);
    }
    _mm512_storeu_si512(out, v);
}

LM_TARGET_AVX512 static inline void stretch_word(const uint8_t *from, size_t width, uint64_t word,
                                                 uint8_t *out)
{
    if (word == ~(uint64_t)0) {
        for (size_t i = width; i-- > 0;)
            _mm512_storeu_si512(out + 64 * i, _mm512_loadu_si512(from + 64 * i));
        return;
    }
    size_t lanes = lanes_of(width);
    for (size_t i = 64; i > 0;) {
        i -= lanes;
        size_t before = (size_t)__builtin_popcountll(word & ones(i));
        stretch(from + before * width, width, lanes < 64 ? word >> i & ones(lanes) : word,
                out + i * width);
    }
}

LM_TARGET_AVX512 static inline void expand_words(const uint8_t *packed, size_t width, lm_bits valid,
                                                 size_t count, uint8_t *out)
{
    size_t p = lm__bits_count(valid, count), whole = count & ~(size_t)63;
    if (whole < count) {
        uint8_t rest[64 * 32];
        uint64_t word = lm__bits_word(valid, whole, count - whole);
        p -= (size_t)__builtin_popcountll(word);
        stretch_word(packed + p * width, width, word, rest);
        memcpy(out + whole * width, rest, (count - whole) * width);
    }
    while (whole) {
        whole -= 64;
        uint64_t word = lm__bits_word(valid, whole, 64);
        p -= (size_t)__builtin_popcountll(word);
        stretch_word(packed + p * width, width, word, out + whole * width);
    }
}

LM_TARGET_AVX512 static size_t compact_avx512(const void *values, size_t width, lm_bits valid,
                                              size_t count, void *out)
{
    switch (width) {
    case 1: return compact_words(values, 1, valid, count, out);
    case 2: return compact_words(values, 2, valid, count, out);
    case 4: return compact_words(values, 4, valid, count, out);
    case 8: return compact_words(values, 8, valid, count, out);
    case 12: return compact_words(values, 12, valid, count, out);
    case 16: return compact_words(values, 16, valid, count, out);
    case 32: return compact_words(values, 32, valid, count, out);
    default: return compact_any(values, width, valid, count, out);
    }
}

LM_TARGET_AVX512 static void expand_avx512(const void *packed, size_t width, lm_bits valid,
                                           size_t count, void *out)
{
    switch (width) {
    case 1: expand_words(packed, 1, valid, count, out); break;
    case 2: expand_words(packed, 2, valid, count, out); break;
    case 4: expand_words(packed, 4, valid, count, out); break;
    case 8: expand_words(packed, 8, valid, count, out); break;
    case 12: expand_words(packed, 12, valid, count, out); break;
    case 16: expand_words(packed, 16, valid, count, out); break;
    case 32: expand_words(packed, 32, valid, count, out); break;
    default: expand_any(packed, width, valid, count, out);
    }
}

#endif

const lm_plain_kernels *lm__plain_kernels(lm_cpu_level level)
{
    static const lm_plain_kernels scalar = {compact_scalar, expand_scalar, compact_bits_scalar,
                                            expand_bits_scalar};
#ifdef LM_SIMD_X86
    static const lm_plain_kernels avx2 = {compact_scalar, expand_scalar, compact_bits_avx2,
                                          expand_bits_avx2};
    static const lm_plain_kernels avx512 = {compact_avx512, expand_avx512, compact_bits_avx2,
                                            expand_bits_avx2};
    if (level >= LM_CPU_AVX512) return &avx512;
    if (level >= LM_CPU_AVX2) return &avx2;
#else
    (void)level;
#endif
    return &scalar;
}

size_t lm__compact(const void *values, size_t width, lm_bits valid, size_t count, void *out)
{
    if (!valid.bytes) {
        if (count && out != values) memmove(out, values, count * width);
        return count;
    }
    return lm__plain_kernels(lm__cpu_level())->compact(values, width, valid, count, out);
}

void lm__expand(const void *packed, size_t width, lm_bits valid, size_t count, void *out)
{
    if (!valid.bytes) {
        if (count && out != packed) memmove(out, packed, count * width);
        return;
    }
    lm__plain_kernels(lm__cpu_level())->expand(packed, width, valid, count, out);
}

size_t lm__compact_bits(lm_bits values, lm_bits valid, size_t count, uint8_t *out)
{
    return lm__plain_kernels(lm__cpu_level())->compact_bits(values, valid, count, out);
}

void lm__expand_bits(lm_bits packed, lm_bits valid, size_t count, uint8_t *out)
{
    lm__plain_kernels(lm__cpu_level())->expand_bits(packed, valid, count, out);
}
