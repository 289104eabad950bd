/*
 * What the ways of encoding Snappy share: where the encoder stands, and how elements are put; see
 * snappy_compress.c.
 */
#ifndef LM_CODEC_SNAPPY_ENCODER_H
#define LM_CODEC_SNAPPY_ENCODER_H

#include "base/simd.h"
#include "codec/snappy.h"
#include "codec/snappy_kernel.h"

/* Matches are looked for only where this much can be read; what is left is a literal. */
#define LM_SNAPPY_TAIL 24
/* What may be stored past the end of an element. */
#define LM_SNAPPY_SLACK 24
/* How far the table's positions go. */
#define LM_SNAPPY_REACH 65535

typedef struct lm_snappy_encoder lm_snappy_encoder;
/* Goes on to the pause. False when it does not fit. */
typedef bool lm_snappy_way(lm_snappy_encoder *e);

struct lm_snappy_encoder {
    const uint8_t *end, *last;   /* last: where a match may begin at the latest */
    const uint8_t *base, *stop;  /* stop: the least of base's reach, last and pause */
    const uint8_t *pause;        /* where this way ends */
    const uint8_t *in, *literal; /* where to look next; what is not written yet begins there */
    uint8_t *out, *out_end;
    uint16_t *table;
    size_t misses;
    const uint8_t *value;  /* of strings, the one that ends where the next begins */
    lm_snappy_way *inside; /* of strings, how to look on within long ones */
    unsigned low_bits;     /* of words, how many hardly repeat */
};

/* Goes on by `way` as if the block ended at `to`, which is where it stands then. */
bool lm__snappy_put_exactly(lm_snappy_encoder *e, const uint8_t *to, lm_snappy_way *way);

/* snappy_values.c: a way that makes use of the layout, or NULL when none does. It begins at the
 * first value from e->in on, which moves there. */
lm_snappy_way *lm__snappy_values_way(lm_snappy_encoder *e, const uint8_t *src,
                                     const lm_codec_layout *layout);

/* Makes room for e->in in the table's reach. False at the pause and near the end. */
bool lm__snappy_move_base(lm_snappy_encoder *e);

/* Of the first four or five bytes. */
LM_ALWAYS_INLINE uint32_t lm__snappy_hash(uint64_t bytes, bool five)
{
    if (five) return (uint32_t)(((bytes << 24) * 0x9e3779b185ebca87u) >> (64 - 14));
    return ((uint32_t)bytes * 0x1e35a7bdu) >> (32 - 14);
}

/* How far the bytes at a and b agree; b < end. */
static inline size_t lm__snappy_agreement(const uint8_t *a, const uint8_t *b, const uint8_t *end)
{
    const uint8_t *start = b;
    while (end - b >= 8) {
        uint64_t difference = lm__snappy_load64(a) ^ lm__snappy_load64(b);
        if (difference) return (size_t)(b - start) + ((size_t)__builtin_ctzll(difference) >> 3);
        a += 8;
        b += 8;
    }
    while (b < end && *a == *b) {
        a++;
        b++;
    }
    return (size_t)(b - start);
}

static inline uint8_t *lm__snappy_put_long_literal(uint8_t *out, const uint8_t *from, size_t length)
{
    size_t number = length - 1, bytes = 0;
    if (number < 60) {
        *out++ = (uint8_t)(number << 2);
    } else {
        for (size_t rest = number; rest; rest >>= 8) out[++bytes] = (uint8_t)rest;
        *out = (uint8_t)((59 + bytes) << 2);
        out += 1 + bytes;
    }
    memcpy(out, from, length);
    return out + length;
}

static inline uint8_t *lm__snappy_put_copy_of_64(uint8_t *out, size_t offset, size_t length)
{
    *out++ = (uint8_t)(2 | (length - 1) << 2);
    *out++ = (uint8_t)offset;
    *out++ = (uint8_t)(offset >> 8);
    return out;
}

static inline uint8_t *lm__snappy_put_long_copy(uint8_t *out, size_t offset, size_t length)
{
    for (; length >= 68; length -= 64) out = lm__snappy_put_copy_of_64(out, offset, 64);
    if (length > 64) {
        out = lm__snappy_put_copy_of_64(out, offset, 60);
        length -= 60;
    }
    if (length >= 12 || offset >= 2048) return lm__snappy_put_copy_of_64(out, offset, length);
    *out++ = (uint8_t)(1 | (length - 4) << 2 | (offset >> 8) << 5);
    *out++ = (uint8_t)offset;
    return out;
}

/* A copy of 4 to 11 bytes, without a branch on how far back it is from. Stores four bytes. */
static inline uint8_t *lm__snappy_put_short_copy(uint8_t *out, size_t offset, size_t length)
{
    size_t is_near = offset < 2048;
    uint32_t near = (uint32_t)(1 | (length - 4) << 2 | (offset >> 8) << 5 | (offset & 0xff) << 8);
    uint32_t far = (uint32_t)(2 | (length - 1) << 2 | offset << 8);
    uint32_t bytes = (uint32_t)lm__snappy_select(is_near, near, far);
    lm__snappy_store32(out, bytes);
    return out + 3 - is_near;
}

LM_ALWAYS_INLINE bool lm__snappy_put_literal(lm_snappy_encoder *e, const uint8_t *to)
{
    size_t length = (size_t)(to - e->literal);
    if ((size_t)(e->out_end - e->out) < length + LM_SNAPPY_SLACK) return false;
    if (__builtin_expect(length <= 16, 1)) {
        /* None at all is possible, and then the tag is overwritten. */
        *e->out = (uint8_t)((length - 1) << 2);
        memcpy(e->out + 1, e->literal, 16);
        e->out += length + (length != 0);
    } else {
        e->out = lm__snappy_put_long_literal(e->out, e->literal, length);
    }
    return true;
}

static inline void lm__snappy_set_stop(lm_snappy_encoder *e)
{
    const uint8_t *stop = e->last < e->pause ? e->last : e->pause;
    e->stop = stop - e->base > LM_SNAPPY_REACH ? e->base + LM_SNAPPY_REACH : stop;
}

#endif
