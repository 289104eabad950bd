/*
 * Encoding Snappy.
 *
 * One pass: a table remembers, by a hash of the next bytes, where these were last seen; what was
 * seen no more than 64 KiB ago is written as a copy of it. Where nothing is found the steps grow,
 * so that data that cannot be compressed costs little more than a copy.
 *
 * Text and most numbers come out smaller, and sooner, when five bytes are hashed: the last place
 * where five bytes stood begins a longer match than the last place of four. Other data has hardly a
 * match of five. So a piece is done in each way, and the way that left less does the rest.
 *
 * The table holds 16-bit positions from `base`, which follows along half of 64 KiB at a time:
 *  1. base < in <= base + 65535 whenever the table is asked, and every entry is the position of an
 *     earlier byte from base on. What it says is compared in any case, so an entry that was never
 *     set (0: base itself) does no harm.
 *
 * Elements ("Compressed stream", format_description.txt): literals of any length, copies of 4 to 11
 * bytes from less than 2,048 bytes back in two bytes, copies of 1 to 64 bytes from less than 65,536
 * back in three.
 *
 * The time goes into wrong guesses of the processor and into the chain from one copy to the next:
 * the end of a match gives the bytes to look for, these the hash, that the place, and that the next
 * match's end. So the bytes after a match are shifted out of what was loaded to compare it, the
 * table's entry is added to base and to nothing else, and the two forms of a short copy are both
 * made and one is chosen.
 */
#include <string.h>

#include "base/simd.h"
#include "codec/snappy.h"
#include "codec/snappy_kernel.h"

/* Matches are looked for only where this much can be read; what is left is a literal. */
#define TAIL 24
/* What may be stored past the end of an element. */
#define SLACK 24
/* How far positions go, and by how much base moves. */
#define REACH 65535
#define MOVE 32768

/* A step is misses / 32 bytes, and each miss adds a step to the misses. */
#define MISSES_NONE 32
#define MISSES_MAX (32 * 256)
/* With steps of 16 so little is in the table that it is cleared, not moved. */
#define MISSES_CLEAR (32 * 16)

/* Each way is tried on a 32nd of the block, within these bounds; smaller blocks are hashed by four
 * bytes. */
#define PIECE_LEAST 512
#define PIECE_MOST (8 * 1024)

typedef struct encoder {
    const uint8_t *end, *last;   /* last: where a match may begin at the latest */
    const uint8_t *base, *stop;  /* stop: the least of base's reach, last and pause */
    const uint8_t *pause;        /* where this way ends */
    const uint8_t *in, *literal; /* where to look next; what is not written yet begins there */
    uint8_t *out, *out_end;
    uint16_t *table;
    size_t misses;
} encoder;

size_t lm__snappy_bound(size_t size)
{
    size_t bound;
    return __builtin_add_overflow(size, size / 6 + 32, &bound) ? SIZE_MAX : bound;
}

/* Of the first four or five bytes. */
LM_ALWAYS_INLINE uint32_t hash_of(uint64_t bytes, bool five)
{
    if (five) return (uint32_t)(((bytes << 24) * 0x9e3779b185ebca87u) >> (64 - 14));
    return ((uint32_t)bytes * 0x1e35a7bdu) >> (32 - 14);
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

/* A copy of 4 to 11 bytes, without a branch on how far back it is from. Stores four bytes. */
static inline uint8_t *put_short_copy(uint8_t *out, size_t offset, size_t length)
{
    size_t is_near = offset < 2048;
    uint32_t near = (uint32_t)(1 | (length - 4) << 2 | (offset >> 8) << 5 | (offset & 0xff) << 8);
    uint32_t far = (uint32_t)(2 | (length - 1) << 2 | offset << 8);
    uint32_t bytes = (uint32_t)lm__snappy_select(is_near, near, far);
    lm__snappy_store32(out, bytes);
    return out + 3 - is_near;
}

LM_ALWAYS_INLINE bool put_literal(encoder *e, const uint8_t *to)
{
    size_t length = (size_t)(to - e->literal);
    if ((size_t)(e->out_end - e->out) < length + SLACK) return false;
    if (__builtin_expect(length <= 16, 1)) {
        /* None at all is possible, and then the tag is overwritten. */
        *e->out = (uint8_t)((length - 1) << 2);
        memcpy(e->out + 1, e->literal, 16);
        e->out += length + (length != 0);
    } else {
        e->out = put_long_literal(e->out, e->literal, length);
    }
    return true;
}

static void set_stop(encoder *e)
{
    const uint8_t *stop = e->last < e->pause ? e->last : e->pause;
    e->stop = stop - e->base > REACH ? e->base + REACH : stop;
}

/* Makes room for e->in in the table's reach (1). False at the pause and near the end. */
static bool move_base(encoder *e)
{
    if (e->in > e->last || e->in > e->pause) return false;
    if (e->misses > MISSES_CLEAR || e->in - e->base > REACH + MOVE) {
        memset(e->table, 0, sizeof(lm_snappy_table));
        e->base = e->in - 1;
    } else {
        for (size_t i = 0; i < LM_SNAPPY_TABLE_ENTRIES; i++) {
            uint16_t position = e->table[i];
            e->table[i] = (uint16_t)(position > MOVE ? position - MOVE : 0);
        }
        e->base += MOVE;
    }
    set_stop(e);
    return true;
}

/* Looks on from e->in to e->stop until four bytes are found that were seen before; there e->in
 * stops. NULL when there are none. */
LM_ALWAYS_INLINE const uint8_t *find(encoder *e, bool five)
{
    const uint8_t *in = e->in, *base = e->base;
    size_t misses = e->misses;
    uint64_t bytes = lm__snappy_load64(in);
    for (;;) {
        uint16_t *entry = &e->table[hash_of(bytes, five)];
        const uint8_t *earlier = base + *entry, *next = in + (misses >> 5);
        *entry = (uint16_t)(in - base);
        if (__builtin_expect(lm__snappy_load32(earlier) == (uint32_t)bytes, 0)) {
            e->in = in;
            /* Not from the start again: a lone match in a desert does not end the desert. */
            e->misses = MISSES_NONE + (misses - MISSES_NONE) / 16;
            return earlier;
        }
        misses += misses >> 5;
        in = next;
        if (__builtin_expect(in > e->stop, 0)) break;
        bytes = lm__snappy_load64(in);
    }
    e->in = in;
    e->misses = misses < MISSES_MAX ? misses : MISSES_MAX;
    return NULL;
}

/* Writes the copy of `earlier` that begins at e->in, and those that follow it at once. */
LM_ALWAYS_INLINE bool put_copies(encoder *e, const uint8_t *earlier, bool five)
{
    const uint8_t *in = e->in, *base = e->base;
    uint64_t bytes;
    for (;;) {
        size_t offset = (size_t)(in - earlier);
        uint64_t after_4 = lm__snappy_load64(in + 4), after_8 = lm__snappy_load64(in + 8);
        uint64_t difference = after_4 ^ lm__snappy_load64(earlier + 4);
        if ((size_t)(e->out_end - e->out) < SLACK) return false;
        if (__builtin_expect(difference != 0, 1)) {
            size_t bit = (size_t)__builtin_ctzll(difference);
            bytes = lm__snappy_select(bit >> 5, after_8, after_4) >> (bit & 24);
            e->out = put_short_copy(e->out, offset, 4 + (bit >> 3));
            in += 4 + (bit >> 3);
        } else {
            size_t length = 12 + agreement(earlier + 12, in + 12, e->end);
            if ((size_t)(e->out_end - e->out) < length / 16 + SLACK) return false;
            e->out = put_long_copy(e->out, offset, length);
            in += length;
            bytes = in > e->last ? 0 : lm__snappy_load64(in);
        }
        e->literal = e->in = in;
        if (__builtin_expect(in > e->stop, 0)) return true;
        e->table[hash_of(lm__snappy_load64(in - 1), five)] = (uint16_t)(in - 1 - base);
        uint16_t *entry = &e->table[hash_of(bytes, five)];
        earlier = base + *entry;
        *entry = (uint16_t)(in - base);
        if (lm__snappy_load32(earlier) != (uint32_t)bytes) break;
    }
    e->in = in + 1;
    return true;
}

static uint8_t *put_size(uint8_t *out, size_t size)
{
    for (; size >= 0x80; size >>= 7) *out++ = (uint8_t)(size | 0x80);
    *out++ = (uint8_t)size;
    return out;
}

/* Goes on to the pause. False when it does not fit. */
LM_ALWAYS_INLINE bool put_elements(encoder *given, bool five)
{
    encoder e; /* its address goes nowhere, so that it may stay in registers */
    const uint8_t *earlier;
    do {
        e = *given;
        while (e.in <= e.stop && (earlier = find(&e, five)) != NULL)
            if (!put_literal(&e, e.in) || !put_copies(&e, earlier, five)) return false;
        *given = e;
    } while (move_base(given));
    return true;
}

static bool put_by_4(encoder *e) { return put_elements(e, false); }
static bool put_by_5(encoder *e) { return put_elements(e, true); }
#if LM_SIMD_X86
/* The same with shifts that take any register, and the table moved by wide words. */
LM_TARGET_AVX2 static bool put_by_4_avx2(encoder *e) { return put_elements(e, false); }
LM_TARGET_AVX2 static bool put_by_5_avx2(encoder *e) { return put_elements(e, true); }
#endif

static bool put_until(encoder *e, const uint8_t *pause, bool five)
{
    e->pause = pause;
    e->misses = MISSES_NONE; /* the other way's misses say nothing */
    set_stop(e);
    if (e->in > e->stop && !move_base(e)) return true;
#if LM_SIMD_X86
    if (lm__cpu_level() >= LM_CPU_AVX2) return five ? put_by_5_avx2(e) : put_by_4_avx2(e);
#endif
    return five ? put_by_5(e) : put_by_4(e);
}

/* Bytes written for a piece, what is still to be written as a literal among them. */
static size_t bytes_so_far(const encoder *e, const uint8_t *out)
{
    return (size_t)(e->out - out) + (size_t)(e->in - e->literal);
}

/* Everything between the size and the last literal. */
static bool put_all(encoder *e)
{
    const uint8_t *start = e->base, *out = e->out;
    size_t piece = (size_t)(e->last - start) / 32;
    if (piece < PIECE_LEAST) return put_until(e, e->last, false);
    if (piece > PIECE_MOST) piece = PIECE_MOST;
    if (!put_until(e, start + piece, true)) return false;
    const uint8_t *between = e->in;
    size_t by_5 = bytes_so_far(e, out), so_far = by_5;
    if (!put_until(e, start + 2 * piece, false)) return false;
    size_t by_4 = bytes_so_far(e, out) - so_far, in_5 = (size_t)(between - start);
    size_t in_4 = (size_t)(e->in - between);
    /* Per byte taken; four bytes must win by more than one part in 64. */
    bool five = by_4 * in_5 >= by_5 * in_4 - by_5 * in_4 / 64;
    return put_until(e, e->last, five);
}

size_t lm__snappy_compress(const void *src, size_t src_size, void *dst, size_t capacity,
                           lm_snappy_table *table)
{
    const uint8_t *start = src;
    encoder e = {.base = start, .literal = start, .table = table->entries, .misses = MISSES_NONE};
    if (capacity < 5) return 0;
    e.out = put_size(dst, src_size);
    e.out_end = (uint8_t *)dst + capacity;
    if (src_size == 0) return (size_t)(e.out - (uint8_t *)dst);
    e.end = start + src_size;
    if (src_size > TAIL + 1) {
        memset(table, 0, sizeof *table);
        e.last = e.end - TAIL;
        e.in = start + 1;
        if (!put_all(&e)) return 0;
    }
    size_t rest = (size_t)(e.end - e.literal);
    if (rest) {
        if ((size_t)(e.out_end - e.out) < rest + 5) return 0;
        e.out = put_long_literal(e.out, e.literal, rest);
    }
    return (size_t)(e.out - (uint8_t *)dst);
}
