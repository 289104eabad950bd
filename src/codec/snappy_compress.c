/*
 * Encoding Snappy.
 *
 * One pass: a table remembers, by a hash of four bytes, where these were last seen; what was seen
 * no more than 64 KiB ago is written as a copy of it. The table holds positions modulo 65,536, so
 * that an entry is always a distance of less than 64 KiB, right or wrong, and the block needs no
 * cutting into pieces: what the entry points at is compared in any case. Where nothing is found the
 * steps grow, so that data that cannot be compressed costs little more than a copy.
 *
 * Elements ("Compressed stream", format_description.txt): literals of any length, copies of 4 to 11
 * bytes from less than 2,048 bytes back in two bytes, copies of 1 to 64 bytes from less than 65,536
 * back in three.
 */
#include <string.h>

#include "codec/snappy.h"
#include "codec/snappy_kernel.h"

/* Matches are looked for only where this much can be read; what is left is a literal. */
#define TAIL 24
/* What may be stored past the end of an element. */
#define SLACK 24

typedef struct encoder {
    const uint8_t *start, *end, *last; /* last: where a match may begin at the latest */
    const uint8_t *in;                 /* where to look next */
    const uint8_t *literal;            /* what is not written yet begins here */
    uint8_t *out, *out_end;
    uint16_t *table;
    size_t misses; /* 32 and up: an eighth of what was missed lately */
} encoder;

size_t lm__snappy_bound(size_t size)
{
    size_t bound;
    return __builtin_add_overflow(size, size / 6 + 32, &bound) ? SIZE_MAX : bound;
}

static inline uint32_t hash_of(uint32_t bytes) { return (bytes * 0x1e35a7bdu) >> (32 - 14); }

/* The entry for four bytes as a distance back from `at`; 0 is none. */
static inline size_t look_up(encoder *e, const uint8_t *at, uint32_t bytes)
{
    uint16_t *entry = &e->table[hash_of(bytes)];
    uint16_t position = (uint16_t)(at - e->start);
    uint16_t distance = (uint16_t)(position - *entry);
    *entry = position;
    return distance;
}

/* How far the bytes at a and b agree; b < end. */
static inline size_t agreement(const uint8_t *a, const uint8_t *b, const uint8_t *end)
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

static uint8_t *put_long_literal(uint8_t *out, const uint8_t *from, size_t length)
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

static uint8_t *put_copy_of_64(uint8_t *out, size_t offset, size_t length)
{
    *out++ = (uint8_t)(2 | (length - 1) << 2);
    *out++ = (uint8_t)offset;
    *out++ = (uint8_t)(offset >> 8);
    return out;
}

static uint8_t *put_long_copy(uint8_t *out, size_t offset, size_t length)
{
    for (; length >= 68; length -= 64) out = put_copy_of_64(out, offset, 64);
    if (length > 64) {
        out = put_copy_of_64(out, offset, 60);
        length -= 60;
    }
    if (length >= 12 || offset >= 2048) return put_copy_of_64(out, offset, length);
    *out++ = (uint8_t)(1 | (length - 4) << 2 | (offset >> 8) << 5);
    *out++ = (uint8_t)offset;
    return out;
}

/* A copy of 4 to 11 bytes, without a branch on how far back it is from. */
static inline uint8_t *put_short_copy(uint8_t *out, size_t offset, size_t length)
{
    size_t near = 1 | (length - 4) << 2 | (offset >> 8) << 5 | (offset & 0xff) << 8;
    size_t far = 2 | (length - 1) << 2 | offset << 8;
    size_t is_near = offset < 2048, mask = -is_near;
    size_t bytes = (near & mask) | (far & ~mask);
    for (int i = 0; i < 4; i++) out[i] = (uint8_t)(bytes >> (8 * i));
    return out + 3 - is_near;
}

static inline bool put_literal(encoder *e, const uint8_t *to)
{
    size_t length = (size_t)(to - e->literal);
    if ((size_t)(e->out_end - e->out) < length + SLACK) return false;
    if (__builtin_expect(length <= 16, 1)) {
        *e->out = (uint8_t)((length - 1) << 2);
        memcpy(e->out + 1, e->literal, 16);
        e->out += length + 1;
    } else {
        e->out = put_long_literal(e->out, e->literal, length);
    }
    return true;
}

/* Looks on from e->in until four bytes are found that were seen before, and leaves e->in there.
 * Gives their distance, or 0 when the end is near. */
static inline size_t find(encoder *e)
{
    const uint8_t *in = e->in;
    while (in <= e->last) {
        uint32_t bytes = lm__snappy_load32(in);
        size_t distance = look_up(e, in, bytes);
        if (__builtin_expect(lm__snappy_load32(in - distance) == bytes, 0) && distance) {
            e->in = in;
            return distance;
        }
        in += e->misses++ >> 5;
    }
    return 0;
}

/* Writes the copy that begins at e->in, and those that follow it at once. */
static inline bool put_copies(encoder *e, size_t distance)
{
    const uint8_t *in = e->in;
    uint32_t bytes;
    do {
        uint64_t difference = lm__snappy_load64(in + 4) ^ lm__snappy_load64(in + 4 - distance);
        if (__builtin_expect(difference != 0, 1)) {
            size_t length = 4 + ((size_t)__builtin_ctzll(difference) >> 3);
            if ((size_t)(e->out_end - e->out) < SLACK) return false;
            e->out = put_short_copy(e->out, distance, length);
            in += length;
        } else {
            size_t length = 12 + agreement(in + 12 - distance, in + 12, e->end);
            if ((size_t)(e->out_end - e->out) < length / 16 + SLACK) return false;
            e->out = put_long_copy(e->out, distance, length);
            in += length;
        }
        e->literal = in;
        if (__builtin_expect(in > e->last, 0)) break;
        look_up(e, in - 1, lm__snappy_load32(in - 1));
        bytes = lm__snappy_load32(in);
        distance = look_up(e, in, bytes);
    } while (lm__snappy_load32(in - distance) == bytes && distance);
    e->in = in + 1;
    return true;
}

static uint8_t *put_size(uint8_t *out, size_t size)
{
    for (; size >= 0x80; size >>= 7) *out++ = (uint8_t)(size | 0x80);
    *out++ = (uint8_t)size;
    return out;
}

size_t lm__snappy_compress(const void *src, size_t src_size, void *dst, size_t capacity,
                           lm_snappy_table *table)
{
    encoder e = {.start = src, .literal = src, .table = table->entries, .misses = 32};
    if (capacity < 5) return 0;
    e.out = put_size(dst, src_size);
    e.out_end = (uint8_t *)dst + capacity;
    if (src_size == 0) return (size_t)(e.out - (uint8_t *)dst);
    e.end = e.start + src_size;
    if (src_size > TAIL) {
        memset(table, 0, sizeof *table);
        e.last = e.end - TAIL;
        e.in = e.start + 1;
        for (size_t distance; (distance = find(&e)) != 0;) {
            if (!put_literal(&e, e.in) || !put_copies(&e, distance)) return 0;
            /* Half of it only: a lone match in a desert does not end the desert. */
            e.misses = 32 + (e.misses - 32) / 2;
        }
    }
    size_t rest = (size_t)(e.end - e.literal);
    if (rest) {
        if ((size_t)(e.out_end - e.out) < rest + 5) return 0;
        e.out = put_long_literal(e.out, e.literal, rest);
    }
    return (size_t)(e.out - (uint8_t *)dst);
}
