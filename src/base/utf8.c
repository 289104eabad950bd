/* UTF-8, checked; see utf8.h. */
#include "base/utf8.h"

#include <string.h>

#include "base/simd.h"

size_t lm__utf8_sequence(const uint8_t *text, size_t size)
{
    if (size == 0) return 0;
    uint8_t lead = text[0];
    if (lead < 0x80) return 1;
    if (lead < 0xc2 || lead > 0xf4) return 0;
    size_t length = lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
    if (size < length) return 0;
    /* The second byte's range closes over-long forms, surrogates and what lies past U+10FFFF. */
    uint8_t low = lead == 0xe0 ? 0xa0 : lead == 0xf0 ? 0x90 : 0x80;
    uint8_t high = lead == 0xed ? 0x9f : lead == 0xf4 ? 0x8f : 0xbf;
    if (text[1] < low || text[1] > high) return 0;
    for (size_t i = 2; i < length; i++)
        if ((text[i] & 0xc0) != 0x80) return 0;
    return length;
}

size_t lm__utf8_valid_prefix(const void *text, size_t size)
{
    const uint8_t *bytes = text;
    size_t at = 0;
    while (at < size) {
        uint64_t eight;
        while (size - at >= 8) { /* eight ASCII bytes at a time */
            memcpy(&eight, bytes + at, 8);
            if (eight & 0x8080808080808080u) break;
            at += 8;
        }
        if (at == size) break;
        size_t length = lm__utf8_sequence(bytes + at, size - at);
        if (length == 0) return at;
        at += length;
    }
    return at;
}

#ifdef LM_SIMD_X86

/*
 * 32 bytes at a time (J. Keiser, D. Lemire, "Validating UTF-8 in less than one instruction per
 * byte", 2021). What is wrong with two bytes in a row shows in three of their four half-bytes:
 * three tables give, for each half-byte, the faults that it may be part of, and a bit that is in
 * all three is a fault. Only the third and fourth bytes of a sequence need a look further back.
 */
enum {
    TOO_SHORT = 1 << 0,  /* a lead that no continuation follows */
    TOO_LONG = 1 << 1,   /* a continuation after ASCII */
    OVERLONG_3 = 1 << 2, /* e0 80 to e0 9f */
    TOO_LARGE = 1 << 3,  /* f4 90 and more */
    SURROGATE = 1 << 4,  /* ed a0 to ed bf */
    OVERLONG_2 = 1 << 5, /* c0, c1 */
    OVERLONG_4 = 1 << 6, /* f0 80 to f0 8f; and f5 to ff before 80 to 8f */
    TWO_CONTS = 1 << 7,  /* a continuation after one: no fault where the look back wants it */
    ANY_LOW = TOO_SHORT | TOO_LONG | TWO_CONTS, /* faults that the first low half has no part in */
};

#define TWICE(a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p)                                      \
    _mm256_setr_epi8((char)(a), (char)(b), (char)(c), (char)(d), (char)(e), (char)(f), (char)(g),  \
                     (char)(h), (char)(i), (char)(j), (char)(k), (char)(l), (char)(m), (char)(n),  \
                     (char)(o), (char)(p), (char)(a), (char)(b), (char)(c), (char)(d), (char)(e),  \
                     (char)(f), (char)(g), (char)(h), (char)(i), (char)(j), (char)(k), (char)(l),  \
                     (char)(m), (char)(n), (char)(o), (char)(p))

/* The block moved `n` bytes up, with the last ones of the block before it below. */
#define MOVED(n) _mm256_alignr_epi8(block, _mm256_permute2x128_si256(before, block, 0x21), 16 - (n))

/* The faults of a block: zero bytes where there are none. */
LM_TARGET_AVX2 static inline __m256i block_faults(__m256i before, __m256i block)
{
    const __m256i first_high =
        TWICE(TOO_LONG, TOO_LONG, TOO_LONG, TOO_LONG, TOO_LONG, TOO_LONG, TOO_LONG, TOO_LONG,
              TWO_CONTS, TWO_CONTS, TWO_CONTS, TWO_CONTS, TOO_SHORT | OVERLONG_2, TOO_SHORT,
              TOO_SHORT | OVERLONG_3 | SURROGATE, TOO_SHORT | TOO_LARGE | OVERLONG_4);
    const int high = ANY_LOW | TOO_LARGE | OVERLONG_4;
    const __m256i first_low =
        TWICE(ANY_LOW | OVERLONG_3 | OVERLONG_2 | OVERLONG_4, ANY_LOW | OVERLONG_2, ANY_LOW,
              ANY_LOW, ANY_LOW | TOO_LARGE, high, high, high, high, high, high, high, high,
              high | SURROGATE, high, high);
    const int second = TOO_LONG | OVERLONG_2 | TWO_CONTS;
    const __m256i second_high =
        TWICE(TOO_SHORT, TOO_SHORT, TOO_SHORT, TOO_SHORT, TOO_SHORT, TOO_SHORT, TOO_SHORT,
              TOO_SHORT, second | OVERLONG_3 | OVERLONG_4, second | OVERLONG_3 | TOO_LARGE,
              second | SURROGATE | TOO_LARGE, second | SURROGATE | TOO_LARGE, TOO_SHORT, TOO_SHORT,
              TOO_SHORT, TOO_SHORT);
    const __m256i low_half = _mm256_set1_epi8(0x0f);
    __m256i first = MOVED(1);
    __m256i faults =
        _mm256_shuffle_epi8(first_high, _mm256_and_si256(_mm256_srli_epi16(first, 4), low_half));
    faults =
        _mm256_and_si256(faults, _mm256_shuffle_epi8(first_low, _mm256_and_si256(first, low_half)));
    faults = _mm256_and_si256(
        faults,
        _mm256_shuffle_epi8(second_high, _mm256_and_si256(_mm256_srli_epi16(block, 4), low_half)));
    /* e0 and more two bytes before, or f0 and more three before, want a second continuation. */
    __m256i third = _mm256_subs_epu8(MOVED(2), _mm256_set1_epi8(0xe0 - 0x80));
    __m256i fourth = _mm256_subs_epu8(MOVED(3), _mm256_set1_epi8(0xf0 - 0x80));
    __m256i wanted =
        _mm256_and_si256(_mm256_or_si256(third, fourth), _mm256_set1_epi8((char)TWO_CONTS));
    return _mm256_xor_si256(wanted, faults);
}

LM_TARGET_AVX2 static bool valid_avx2(const uint8_t *bytes, size_t size)
{
    __m256i before = _mm256_setzero_si256(), faults = before;
    bool open = false; /* the block before may have left a sequence open */
    for (; size >= 32; bytes += 32, size -= 32) {
        __m256i block = _mm256_loadu_si256((const __m256i *)(const void *)bytes);
        bool ascii = _mm256_movemask_epi8(block) == 0;
        if (!ascii || open) faults = _mm256_or_si256(faults, block_faults(before, block));
        open = !ascii;
        before = block;
    }
    /* The rest, and zeroes that close what is open. */
    uint8_t rest[32] = {0};
    memcpy(rest, bytes, size);
    __m256i block = _mm256_loadu_si256((const __m256i *)(const void *)rest);
    faults = _mm256_or_si256(faults, block_faults(before, block));
    return _mm256_testz_si256(faults, faults);
}
#endif

bool lm__utf8_valid(const void *text, size_t size)
{
#ifdef LM_SIMD_X86
    if (size >= 64 && lm__cpu_level() >= LM_CPU_AVX2) return valid_avx2(text, size);
#endif
    return lm__utf8_valid_prefix(text, size) == size;
}
