/*
 * Decoding Snappy on x86-64: kernels for AVX2 and for AVX-512 (VBMI).
 *
 * What costs time in Snappy is not the copying but the guessing: literals and copies of all lengths
 * take turns, and each wrong guess of the processor costs as much as several elements. So neither
 * kernel branches on what an element is. Both possible places of the next tag are loaded, and the
 * tag chooses between them; both possible sources are computed, and the tag chooses; and a fixed
 * number of bytes is copied, whatever the length. The choice must be a conditional move, which the
 * compiler does not promise: hence the assembly.
 *
 * A copy from a few bytes back reads what was stored a moment ago in other pieces, and waits until
 * those stores have reached the cache. The AVX-512 kernel keeps the last 32 bytes of the output in
 * a register as well and takes near copies from there: any of them is one permutation of it
 * (near_first, near_second). Far copies and literals come from memory, and the register is moved on
 * by a second permutation.
 */
#include "codec/snappy_kernel.h"

#if defined(__x86_64__)

#include <immintrin.h>

/* The most bytes that an element takes here and that it makes. */
#define ELEMENT_IN 61
#define ELEMENT_OUT 64

/* Elements that are safe to decode before the room must be looked at again; two are kept back for
 * loads and stores past the last one. */
static inline size_t elements_safe(const lm_snappy_cursor *c)
{
    size_t in = (size_t)(c->in_end - c->in) / (ELEMENT_IN + 1);
    size_t out = (size_t)(c->out_end - c->out) / ELEMENT_OUT;
    size_t least = in < out ? in : out;
    return least > 2 ? least - 2 : 0;
}

/* What one element says; `from` is where its bytes are. A literal has the offset LM_SNAPPY_FAR. */
typedef struct element {
    size_t offset;
    const uint8_t *from;
} element;

/* Steps over the element at *in, whose tag is *tag, to the next one. */
__attribute__((always_inline, target("bmi2"))) static inline element
next_element(const uint8_t **in, size_t *tag, const uint8_t *out)
{
    const uint8_t *at = *in;
    size_t kind = *tag & 3, six = *tag >> 2;
    size_t offset = _bzhi_u32(lm__snappy_load32(at + 1), (unsigned)kind * 8);
    offset |= lm_snappy_offsets[*tag];
    size_t tag_after_copy = at[kind + 1], tag_after_literal = at[six + 2];
    size_t advance = kind;
    const uint8_t *from = out - offset;
    __asm__("test %[kind], %[kind]\n\t"
            "cmovz %[tag_after_literal], %[tag_after_copy]\n\t"
            "cmovz %[literal], %[from]\n\t"
            "cmovz %[literal_length], %[advance]"
            : [tag_after_copy] "+&r"(tag_after_copy), [from] "+&r"(from), [advance] "+&r"(advance)
            : [kind] "r"(kind), [tag_after_literal] "r"(tag_after_literal), [literal] "r"(at + 1),
              [literal_length] "r"(six + 1)
            : "cc");
    *tag = tag_after_copy;
    *in = at + advance + 1;
    return (element){offset, from};
}

/* i modulo the row's number, for 16 bytes; row 16 leaves them as they are. */
#define MOD4(r, i) (i) % (r), ((i) + 1) % (r), ((i) + 2) % (r), ((i) + 3) % (r)
#define REPEAT(r)                                                                                  \
    {                                                                                              \
        MOD4(r, 0), MOD4(r, 4), MOD4(r, 8), MOD4(r, 12)                                            \
    }
static const uint8_t repeat[17][16] __attribute__((aligned(16))) = {
    {0},        REPEAT(1),  REPEAT(2),  REPEAT(3),  REPEAT(4),  REPEAT(5),
    REPEAT(6),  REPEAT(7),  REPEAT(8),  REPEAT(9),  REPEAT(10), REPEAT(11),
    REPEAT(12), REPEAT(13), REPEAT(14), REPEAT(15), REPEAT(16),
};
/* The largest multiple of the offset within 16. */
static const uint8_t repeat_step[16] = {16, 16, 16, 15, 16, 15, 12, 14,
                                        16, 9,  10, 11, 12, 13, 14, 15};

__attribute__((target("avx2"))) static inline void store16(uint8_t *to, __m128i bytes)
{
    _mm_storeu_si128((__m128i *)to, bytes);
}

__attribute__((target("avx2"))) static inline __m128i load16(const uint8_t *from)
{
    return _mm_loadu_si128((const __m128i *)from);
}

/* The rest of an element of more than 16 bytes, the first 16 being there; writes up to 64. */
__attribute__((target("avx2"))) static inline void copy_rest(uint8_t *out, const element *e,
                                                             size_t length, __m128i first)
{
    if (e->offset < 16) {
        size_t step = repeat_step[e->offset];
        for (size_t at = step; at < length; at += step) store16(out + at, first);
        return;
    }
    store16(out + 32, load16(e->from + 32));
    store16(out + 48, load16(e->from + 48));
}

__attribute__((target("avx2,bmi,bmi2"))) bool lm__snappy_decode_avx2(lm_snappy_cursor *c)
{
    size_t safe;
    while ((safe = elements_safe(c)) > 0) {
        const uint8_t *in = c->in;
        uint8_t *out = c->out;
        size_t tag = *in, length;
        for (; safe && (length = lm_snappy_lengths[tag]) != 0; safe--) {
            element e = next_element(&in, &tag, out);
            if (__builtin_expect(e.offset - 1 >= (size_t)(out - c->out_start), 0)) return false;
            size_t row = e.offset < 16 ? e.offset : 16;
            __m128i first = _mm_shuffle_epi8(load16(e.from), load16(repeat[row]));
            store16(out, first);
            if (row == 16) {
                /* After the first store: a copy from 16 to 31 bytes back reads what it wrote. */
                store16(out + 16, load16(e.from + 16));
                if (__builtin_expect(length > 32, 0)) copy_rest(out, &e, length, first);
            } else if (__builtin_expect(length > 16, 0)) {
                copy_rest(out, &e, length, first);
            }
            out += length;
        }
        c->in = in;
        c->out = out;
        if (safe && !lm__snappy_decode_one(c)) return false;
    }
    return true;
}

/* Indices into the last 32 bytes of output (0 to 31) and 32 bytes from memory (32 to 63). Row r > 0
 * is a copy from r bytes back, row 0 takes the bytes from memory. */
#define BACK4(r, i)                                                                                \
    32 - (r) + (i) % (r), 32 - (r) + ((i) + 1) % (r), 32 - (r) + ((i) + 2) % (r),                  \
        32 - (r) + ((i) + 3) % (r)
#define BACK16(r, i) BACK4(r, i), BACK4(r, i + 4), BACK4(r, i + 8), BACK4(r, i + 12)
#define FIRST(r)                                                                                   \
    {                                                                                              \
        BACK16(r, 0), BACK16(r, 16)                                                                \
    }
#define SECOND(r)                                                                                  \
    {                                                                                              \
        BACK16(r, 32), BACK16(r, 48)                                                               \
    }
#define MEMORY                                                                                     \
    {                                                                                              \
        32, 33, 34, 35, 36, 37, 38, 39, 40, 41, 42, 43, 44, 45, 46, 47, 48, 49, 50, 51, 52, 53,    \
            54, 55, 56, 57, 58, 59, 60, 61, 62, 63                                                 \
    }
#define ROWS(f)                                                                                    \
    {                                                                                              \
        MEMORY, f(1), f(2), f(3), f(4), f(5), f(6), f(7), f(8), f(9), f(10), f(11), f(12), f(13),  \
            f(14), f(15), f(16), f(17), f(18), f(19), f(20), f(21), f(22), f(23), f(24), f(25),    \
            f(26), f(27), f(28), f(29), f(30), f(31), f(32)                                        \
    }
static const uint8_t near_first[33][32] __attribute__((aligned(32))) = ROWS(FIRST);
static const uint8_t near_second[33][32] __attribute__((aligned(32))) = ROWS(SECOND);
static const uint8_t counting[32]
    __attribute__((aligned(32))) = {0,  1,  2,  3,  4,  5,  6,  7,  8,  9,  10, 11, 12, 13, 14, 15,
                                    16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31};

#define TARGET_AVX512 "avx2,bmi,bmi2,avx512f,avx512bw,avx512vl,avx512vbmi"

__attribute__((target(TARGET_AVX512))) static inline __m256i load32(const uint8_t *from)
{
    return _mm256_loadu_si256((const __m256i *)from);
}

/* Decodes up to `safe` elements; how many are left is returned, or SIZE_MAX when the block is
 * damaged. */
__attribute__((target(TARGET_AVX512))) static size_t decode_run(lm_snappy_cursor *c, size_t safe)
{
    const uint8_t *in = c->in;
    uint8_t *out = c->out;
    size_t tag = *in, length, zero_offsets = 0;
    __m256i last = load32(out - 32);
    const __m256i iota = load32(counting);
    for (; safe && (length = lm_snappy_lengths[tag]) != 0; safe--) {
        const uint8_t *literal = in + 1;
        element e = next_element(&in, &tag, out);
        if (__builtin_expect(e.offset > (size_t)(out - c->out_start), 0)) return SIZE_MAX;
        zero_offsets |= e.offset - 1;
        /* Near copies load nothing that is still on its way to the cache. */
        size_t row = e.offset;
        __asm__("cmp $32, %[offset]\n\t"
                "cmova %[zero], %[row]\n\t"
                "cmovbe %[literal], %[from]"
                : [row] "+&r"(row), [from] "+&r"(e.from)
                : [offset] "r"(e.offset), [zero] "r"((size_t)0), [literal] "r"(literal)
                : "cc");
        __m256i memory = load32(e.from), first = load32(near_first[row]);
        __m256i next = _mm256_add_epi8(iota, _mm256_set1_epi8((char)length));
        __m256i bytes = _mm256_permutex2var_epi8(last, first, memory);
        _mm256_storeu_si256((__m256i *)out, bytes);
        if (__builtin_expect(length > 32, 0)) {
            __m256i more =
                _mm256_permutex2var_epi8(last, load32(near_second[row]), load32(e.from + 32));
            _mm256_storeu_si256((__m256i *)(out + 32), more);
            /* (i + length - 32) modulo 64 */
            last =
                _mm256_permutex2var_epi8(bytes, _mm256_xor_si256(next, _mm256_set1_epi8(32)), more);
        } else {
            /* Straight from the old register, not by way of `bytes`: one step a turn. */
            last =
                _mm256_permutex2var_epi8(last, _mm256_permutex2var_epi8(iota, next, first), memory);
        }
        out += length;
    }
    c->in = in;
    c->out = out;
    return (ptrdiff_t)zero_offsets < 0 ? SIZE_MAX : safe;
}

__attribute__((target(TARGET_AVX512))) bool lm__snappy_decode_avx512(lm_snappy_cursor *c)
{
    size_t safe;
    while ((safe = elements_safe(c)) > 0) {
        size_t left = decode_run(c, safe);
        if (left == SIZE_MAX || (left && !lm__snappy_decode_one(c))) return false;
    }
    return true;
}

#endif
