/*
 * Encoding Snappy where it is known what the bytes are: columns of 64-bit numbers and of strings
 * repeat themselves from value to value, at the same place of each.
 *
 * So nothing is searched for: every value is compared once with one earlier value, and makes one
 * literal and one copy; only long strings are looked into. That is two to five times as fast as
 * looking at every byte, since the processor guesses right nearly always what comes next. It is a
 * way among others (see snappy_compress.c): the beginning of each block shows whether it leaves as
 * little.
 *
 *  1. What the layout says is never trusted: wherever values are said to begin, the result unpacks
 *     to what was given.
 */
#include "codec/snappy_encoder.h"

/* A number is like the last one with the same high bytes: those are copied, the others are a
 * literal. Numbers that are like none wait for the next literal. */
LM_ALWAYS_INLINE bool put_words_body(lm_snappy_encoder *given)
{
    lm_snappy_encoder e; /* its address goes nowhere, so that it may stay in registers */
    unsigned low = given->low_bits;
    do {
        e = *given;
        const uint8_t *in = e.in;
        for (; in <= e.stop; in += 8) {
            uint64_t word = lm__snappy_load64(in);
            uint16_t *entry = &e.table[((word >> low) * 0x9e3779b185ebca87u) >> (64 - 14)];
            const uint8_t *earlier = e.base + *entry;
            *entry = (uint16_t)(in - e.base);
            uint64_t difference = word ^ lm__snappy_load64(earlier);
            if (__builtin_expect(difference >> low != 0, 0)) continue;
            size_t same = (size_t)__builtin_clzll(difference | 1) >> 3; /* 4 to 7 */
            if (!lm__snappy_put_literal(&e, in + 8 - same)) return false;
            if (e.out_end - e.out < LM_SNAPPY_SLACK) return false;
            e.out = lm__snappy_put_short_copy(e.out, (size_t)(in - earlier), same);
            e.literal = in + 8;
        }
        e.in = in;
        *given = e;
    } while (lm__snappy_move_base(given));
    return true;
}

/* Copies what e->in and the bytes at `earlier` have in common, up to `limit`: at least four bytes,
 * which the caller has compared. */
LM_ALWAYS_INLINE bool put_copy(lm_snappy_encoder *e, const uint8_t *in, const uint8_t *earlier,
                               const uint8_t *limit)
{
    size_t offset = (size_t)(in - earlier);
    size_t length = 4 + lm__snappy_agreement(earlier + 4, in + 4, limit);
    if (!lm__snappy_put_literal(e, in)) return false;
    if ((size_t)(e->out_end - e->out) < length / 16 + LM_SNAPPY_SLACK) return false;
    e->out = length < 12 ? lm__snappy_put_short_copy(e->out, offset, length)
                         : lm__snappy_put_long_copy(e->out, offset, length);
    e->literal = in + length;
    return true;
}

/* Beyond these bytes a string is looked at byte by byte, where it is not like another. */
#define INSIDE_LEAST 1024

/* A string, its length before it, is like the last one of that length which followed the same last
 * byte and begins alike, else like the one before it. Where the two part, one more place is asked
 * for, and the rest is a literal. */
LM_ALWAYS_INLINE bool put_strings_body(lm_snappy_encoder *given)
{
    lm_snappy_encoder e;
    do {
        e = *given;
        const uint8_t *at = e.in;
        while (at <= e.stop) {
            size_t size = 4 + (size_t)lm__snappy_load32(at);
            const uint8_t *next = size < (size_t)(e.end - at) ? at + size : e.end;
            bool has_last = at > e.in && at > e.literal;
            const uint8_t *in = at - has_last;
            uint64_t bytes = lm__snappy_load64(in);
            uint16_t *entry = &e.table[lm__snappy_hash(bytes, true)];
            const uint8_t *earlier = e.base + *entry;
            *entry = (uint16_t)(in - e.base);
            if ((lm__snappy_load64(earlier) ^ bytes) << 24 && e.value >= e.base) {
                in = at;
                bytes = lm__snappy_load64(in);
                earlier = e.value;
            }
            while (lm__snappy_load32(earlier) == (uint32_t)bytes) {
                if (!put_copy(&e, in, earlier, next)) return false;
                in = e.literal;
                if (next - in < 4 || in > e.stop) break;
                bytes = lm__snappy_load64(in);
                entry = &e.table[lm__snappy_hash(bytes, true)];
                earlier = e.base + *entry;
                *entry = (uint16_t)(in - e.base);
            }
            if (__builtin_expect(next - in > INSIDE_LEAST, 0)) {
                lm_snappy_encoder inside = e;
                inside.in = in + 1; /* the table has `in` */
                if (!lm__snappy_put_exactly(&inside, next, e.inside)) return false;
                e = inside;
            }
            e.value = at;
            at = next;
        }
        e.in = at;
        *given = e;
    } while (lm__snappy_move_base(given));
    return true;
}

static bool put_words(lm_snappy_encoder *e) { return put_words_body(e); }
static bool put_strings(lm_snappy_encoder *e) { return put_strings_body(e); }
#if LM_SIMD_X86
LM_TARGET_AVX2 static bool put_words_avx2(lm_snappy_encoder *e) { return put_words_body(e); }
LM_TARGET_AVX2 static bool put_strings_avx2(lm_snappy_encoder *e) { return put_strings_body(e); }
#endif

/* How many of the low bytes of the words differ from one to the next: a sample of neighbours, in
 * which the high bytes are the same nearly always. 0 when there are no such. */
static unsigned low_bytes(const uint8_t *words, size_t count)
{
    enum { SAMPLE = 64, EXCEPTIONS = 2 };
    unsigned differ[9] = {0}, low = 8;
    if (count <= SAMPLE) return 0;
    for (size_t i = 0; i < SAMPLE; i++) {
        const uint8_t *at = words + (count - 1) / SAMPLE * i * 8;
        uint64_t difference = lm__snappy_load64(at) ^ lm__snappy_load64(at + 8);
        differ[difference ? 8 - (__builtin_clzll(difference) >> 3) : 0]++;
    }
    for (unsigned more = 0; low && (more += differ[low]) <= EXCEPTIONS;) low--;
    return low;
}

static lm_snappy_way *words_way(lm_snappy_encoder *e, const uint8_t *words)
{
    unsigned low = low_bytes(words, (size_t)(e->end - words) / 8);
    /* The highest of those has few values: it belongs to what is looked for. At least four bytes
     * are left to copy. */
    if (low < 2 || low > 5) return NULL;
    e->low_bits = 8 * (low - 1);
    if (e->in < words) e->in = words;
    e->in += (size_t)(words - e->in) & 7;
#if LM_SIMD_X86
    if (lm__cpu_level() >= LM_CPU_AVX2) return put_words_avx2;
#endif
    return put_words;
}

/* Where short strings take turns, looking at every byte is as fast, and finds more. */
static bool are_short(const lm_snappy_encoder *e, const uint8_t *string)
{
    enum { SAMPLE = 64, BYTES_LEAST = 16 };
    const uint8_t *at = string;
    for (size_t i = 0; i < SAMPLE && at < e->last; i++) {
        size_t size = lm__snappy_load32(at);
        if (size >= (size_t)(e->last - at)) return false;
        at += 4 + size;
    }
    return at - string < SAMPLE * BYTES_LEAST;
}

static lm_snappy_way *strings_way(lm_snappy_encoder *e, const uint8_t *string)
{
    if (are_short(e, string)) return NULL;
    e->value = e->base;
    while (string < e->in && string < e->last) {
        size_t size = lm__snappy_load32(string);
        e->value = string;
        if (size >= (size_t)(e->last - string)) return NULL; /* one long string, or none */
        string += 4 + size;
    }
    if (e->in < string) e->in = string;
#if LM_SIMD_X86
    if (lm__cpu_level() >= LM_CPU_AVX2) return put_strings_avx2;
#endif
    return put_strings;
}

lm_snappy_way *lm__snappy_values_way(lm_snappy_encoder *e, const uint8_t *src,
                                     const lm_codec_layout *layout)
{
    if (layout->kind == LM_CODEC_BYTES || layout->start >= (size_t)(e->last - src)) return NULL;
    if (layout->kind == LM_CODEC_WORDS) return words_way(e, src + layout->start);
    return strings_way(e, src + layout->start);
}
