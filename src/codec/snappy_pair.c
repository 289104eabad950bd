/*
 * Decoding two blocks of Snappy by turns, with AVX-512 (VBMI).
 *
 * Where an element ends is known only from its own first byte, so elements wait for one another,
 * and a processor that could do several at once stands idle. Two blocks do not wait for each other.
 * For the same reason, and unlike in snappy_x86.c, a step is a literal, which may be missing, and
 * the copy after it: libsnappy never puts two literals in a row, so more is done in one turn.
 * Neither step branches on what there is: without a literal 32 bytes are stored all the same and
 * the output moves on by none.
 *
 * What a step cannot take (long literals, a literal after a literal, offsets of four bytes) is left
 * to lm__snappy_decode_one.
 */
#include "codec/snappy_kernel.h"

#if defined(__x86_64__)

#include <immintrin.h>

/* The most that a step takes and makes, a literal of 60 bytes and a copy of 64; loads and stores go
 * up to 64 bytes past it, for which two steps are kept back. */
#define STEP_IN 66
#define STEP_OUT 128

static size_t steps_safe(const lm_snappy_cursor *c)
{
    size_t in = (size_t)(c->in_end - c->in) / STEP_IN;
    size_t out = (size_t)(c->out_end - c->out) / STEP_OUT;
    size_t least = in < out ? in : out;
    return least > 2 ? least - 2 : 0;
}

#define FOUR(f, i) f(i), f((i) + 1), f((i) + 2), f((i) + 3)
#define SIXTEEN(f, i) FOUR(f, i), FOUR(f, (i) + 4), FOUR(f, (i) + 8), FOUR(f, (i) + 12)
#define SIXTYFOUR(f, i)                                                                            \
    SIXTEEN(f, i), SIXTEEN(f, (i) + 16), SIXTEEN(f, (i) + 32), SIXTEEN(f, (i) + 48)
#define ALL(f)                                                                                     \
    {                                                                                              \
        SIXTYFOUR(f, 0), SIXTYFOUR(f, 64), SIXTYFOUR(f, 128), SIXTYFOUR(f, 192)                    \
    }
#define IS_SHORT(tag) (((tag)&3) == 0 && ((tag) >> 2) < 60)

/* By tag: the bytes that a literal brings, and those with its tag; 0 for copies, and for literals
 * that bring more than 60. */
#define BRINGS(tag) (IS_SHORT(tag) ? ((tag) >> 2) + 1 : 0)
#define TAKES(tag) (IS_SHORT(tag) ? ((tag) >> 2) + 2 : 0)
static const uint8_t literal_brings[256] = ALL(BRINGS), literal_takes[256] = ALL(TAKES);
/* By tag: the length of a copy, 0 for what is none or has an offset of four bytes; and the part of
 * its offset that is in the tag. */
#define COPIES(tag)                                                                                \
    (((tag)&3) == 1 ? (((tag) >> 2) & 7) + 4 : ((tag)&3) == 2 ? ((tag) >> 2) + 1 : 0)
#define HIGH(tag) (((tag)&3) == 1 ? ((tag) >> 5) << 8 : 0)
static const uint8_t copy_length[256] = ALL(COPIES);
static const uint16_t copy_high[256] = ALL(HIGH);

/* Row r, up to 32: i modulo r, so that a copy from r bytes back repeats them. Row 32 leaves the
 * bytes as they are; row 0 is of offsets that are refused. */
#define MOD4(r, i) (i) % (r), ((i) + 1) % (r), ((i) + 2) % (r), ((i) + 3) % (r)
#define MOD16(r, i) MOD4(r, i), MOD4(r, i + 4), MOD4(r, i + 8), MOD4(r, i + 12)
#define REPEAT(r)                                                                                  \
    {                                                                                              \
        MOD16(r, 0), MOD16(r, 16)                                                                  \
    }
static const uint8_t repeat[33][32] __attribute__((aligned(32))) = {
    {0},        REPEAT(1),  REPEAT(2),  REPEAT(3),  REPEAT(4),  REPEAT(5),  REPEAT(6),
    REPEAT(7),  REPEAT(8),  REPEAT(9),  REPEAT(10), REPEAT(11), REPEAT(12), REPEAT(13),
    REPEAT(14), REPEAT(15), REPEAT(16), REPEAT(17), REPEAT(18), REPEAT(19), REPEAT(20),
    REPEAT(21), REPEAT(22), REPEAT(23), REPEAT(24), REPEAT(25), REPEAT(26), REPEAT(27),
    REPEAT(28), REPEAT(29), REPEAT(30), REPEAT(31), REPEAT(32),
};

#define TARGET "avx2,bmi,bmi2,avx512f,avx512bw,avx512vl,avx512vbmi"

typedef struct block {
    const uint8_t *in;
    uint8_t *out, *out_start;
    size_t tag;          /* *in */
    size_t zero_offsets; /* the highest bit is set by an offset of 0 */
} block;

typedef enum step_end { STEP_ON, STEP_SLOW, STEP_BAD } step_end;

__attribute__((target(TARGET))) static inline __m256i load(const uint8_t *from)
{
    return _mm256_loadu_si256((const __m256i *)from);
}

__attribute__((target(TARGET))) static inline void store(uint8_t *to, __m256i bytes)
{
    _mm256_storeu_si256((__m256i *)to, bytes);
}

/* The rest of a copy of more than 32 bytes; those that overlap go on by whole repetitions. */
__attribute__((target(TARGET))) static inline void
copy_rest(uint8_t *out, size_t offset, size_t row, size_t length, __m256i order)
{
    size_t step = row ? 32 - 32 % row : 32;
    for (size_t i = step; i < length; i += step)
        store(out + i, _mm256_permutexvar_epi8(order, load(out + i - offset)));
}

__attribute__((always_inline, target(TARGET))) static inline step_end step(block *b)
{
    const uint8_t *in = b->in;
    uint8_t *out = b->out;
    size_t brings = literal_brings[b->tag], takes = literal_takes[b->tag];
    size_t tag = in[(b->tag >> 2) + 2]; /* where it is a short literal */
    store(out, load(in + 1));
    if (__builtin_expect(brings > 32, 0)) store(out + 32, load(in + 33));
    out += brings;
    in += takes;
    __asm__("test %[takes], %[takes]\n\tcmovz %[this], %[tag]"
            : [tag] "+r"(tag)
            : [takes] "r"(takes), [this] "r"(b->tag)
            : "cc");
    size_t length = copy_length[tag], kind = tag & 3;
    b->out = out;
    b->in = in;
    b->tag = tag;
    if (__builtin_expect(length == 0, 0)) return STEP_SLOW;
    size_t offset = _bzhi_u32(lm__snappy_load32(in + 1), (unsigned)kind * 8) | copy_high[tag];
    b->in = in + kind + 1;
    b->tag = *b->in;
    if (__builtin_expect(offset > (size_t)(out - b->out_start), 0)) return STEP_BAD;
    b->zero_offsets |= offset - 1;
    size_t row = offset < 32 ? offset : 32;
    __m256i order = _mm256_load_si256((const __m256i *)repeat[row]);
    store(out, _mm256_permutexvar_epi8(order, load(out - offset)));
    if (__builtin_expect(length > 32, 0)) copy_rest(out, offset, row, length, order);
    b->out = out + length;
    return STEP_ON;
}

static block take_up(const lm_snappy_cursor *c)
{
    return (block){c->in, c->out, c->out_start, *c->in, 0};
}

/* And decodes the element that a step could not take. */
static bool put_down(const block *b, step_end end, lm_snappy_cursor *c)
{
    c->in = b->in;
    c->out = b->out;
    if (end == STEP_BAD || (ptrdiff_t)b->zero_offsets < 0) return false;
    return end == STEP_ON || lm__snappy_decode_one(c);
}

__attribute__((target(TARGET))) bool lm__snappy_decode_two_avx512(lm_snappy_cursor *one,
                                                                  lm_snappy_cursor *two)
{
    for (;;) {
        size_t safe = steps_safe(one), other = steps_safe(two);
        if (other < safe) safe = other;
        if (safe == 0) return true;
        block a = take_up(one), b = take_up(two);
        step_end of_a = STEP_ON, of_b = STEP_ON;
        for (; safe && (of_a | of_b) == STEP_ON; safe--) {
            of_a = step(&a);
            of_b = step(&b);
        }
        if (!put_down(&a, of_a, one) || !put_down(&b, of_b, two)) return false;
    }
}

#endif
