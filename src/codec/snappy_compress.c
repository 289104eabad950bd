/*
 * Encoding Snappy.
 *
 * One pass: a table remembers, by a hash of the next bytes, where these were last seen; what was
 * seen no more than 64 KiB ago is written as a copy of it. Where nothing is found the steps grow,
 * so that data that cannot be compressed costs little more than a copy.
 *
 * Text and most numbers come out smaller, and sooner, when five bytes are hashed: the last place
 * where five bytes stood begins a longer match than the last place of four. Other data has hardly a
 * match of five. So a piece is done in each way, and the way that left less does the rest. Where
 * the caller says what values there are, a third way (snappy_values.c) has its turn.
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

#include "codec/snappy_encoder.h"

/* By how much base moves. */
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

size_t lm__snappy_bound(size_t size)
{
    size_t bound;
    return __builtin_add_overflow(size, size / 6 + 32, &bound) ? SIZE_MAX : bound;
}

bool lm__snappy_move_base(lm_snappy_encoder *e)
{
    if (e->in > e->last || e->in > e->pause) return false;
    if (e->misses > MISSES_CLEAR || e->in - e->base > LM_SNAPPY_REACH + MOVE) {
        memset(e->table, 0, sizeof(lm_snappy_table));
        e->base = e->in - 1;
    } else {
        for (size_t i = 0; i < LM_SNAPPY_TABLE_ENTRIES; i++) {
            uint16_t position = e->table[i];
            e->table[i] = (uint16_t)(position > MOVE ? position - MOVE : 0);
        }
        e->base += MOVE;
    }
    lm__snappy_set_stop(e);
    return true;
}

/* Looks on from e->in to e->stop until four bytes are found that were seen before; there e->in
 * stops. NULL when there are none. */
LM_ALWAYS_INLINE const uint8_t *find(lm_snappy_encoder *e, bool five)
{
    const uint8_t *in = e->in, *base = e->base;
    size_t misses = e->misses;
    uint64_t bytes = lm__snappy_load64(in);
    for (;;) {
        uint16_t *entry = &e->table[lm__snappy_hash(bytes, five)];
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
LM_ALWAYS_INLINE bool put_copies(lm_snappy_encoder *e, const uint8_t *earlier, bool five)
{
    const uint8_t *in = e->in, *base = e->base;
    uint64_t bytes;
    for (;;) {
        size_t offset = (size_t)(in - earlier);
        uint64_t after_4 = lm__snappy_load64(in + 4), after_8 = lm__snappy_load64(in + 8);
        uint64_t difference = after_4 ^ lm__snappy_load64(earlier + 4);
        if ((size_t)(e->out_end - e->out) < LM_SNAPPY_SLACK) return false;
        if (__builtin_expect(difference != 0, 1)) {
            size_t bit = (size_t)__builtin_ctzll(difference);
            bytes = lm__snappy_select(bit >> 5, after_8, after_4) >> (bit & 24);
            e->out = lm__snappy_put_short_copy(e->out, offset, 4 + (bit >> 3));
            in += 4 + (bit >> 3);
        } else {
            size_t length = 12 + lm__snappy_agreement(earlier + 12, in + 12, e->end);
            if ((size_t)(e->out_end - e->out) < length / 16 + LM_SNAPPY_SLACK) return false;
            e->out = lm__snappy_put_long_copy(e->out, offset, length);
            in += length;
            bytes = in > e->last ? 0 : lm__snappy_load64(in);
        }
        e->literal = e->in = in;
        if (__builtin_expect(in > e->stop, 0)) return true;
        e->table[lm__snappy_hash(lm__snappy_load64(in - 1), five)] = (uint16_t)(in - 1 - base);
        uint16_t *entry = &e->table[lm__snappy_hash(bytes, five)];
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
LM_ALWAYS_INLINE bool put_elements(lm_snappy_encoder *given, bool five)
{
    lm_snappy_encoder e; /* its address goes nowhere, so that it may stay in registers */
    const uint8_t *earlier;
    do {
        e = *given;
        while (e.in <= e.stop && (earlier = find(&e, five)) != NULL)
            if (!lm__snappy_put_literal(&e, e.in) || !put_copies(&e, earlier, five)) return false;
        *given = e;
    } while (lm__snappy_move_base(given));
    return true;
}

static bool put_by_4(lm_snappy_encoder *e) { return put_elements(e, false); }
static bool put_by_5(lm_snappy_encoder *e) { return put_elements(e, true); }
#if LM_SIMD_X86
/* The same with shifts that take any register, and the table moved by wide words. */
LM_TARGET_AVX2 static bool put_by_4_avx2(lm_snappy_encoder *e) { return put_elements(e, false); }
LM_TARGET_AVX2 static bool put_by_5_avx2(lm_snappy_encoder *e) { return put_elements(e, true); }
#endif

static lm_snappy_way *way_of_hash(bool five)
{
#if LM_SIMD_X86
    if (lm__cpu_level() >= LM_CPU_AVX2) return five ? put_by_5_avx2 : put_by_4_avx2;
#endif
    return five ? put_by_5 : put_by_4;
}

/* What a way made of a piece: bytes taken, and bytes written for them, those that are still to be
 * written as a literal among them. */
typedef struct way_result {
    lm_snappy_way *way;
    size_t taken, left;
} way_result;

static bool put_until(lm_snappy_encoder *e, const uint8_t *pause, lm_snappy_way *way)
{
    e->pause = pause;
    e->misses = MISSES_NONE; /* the other way's misses say nothing */
    lm__snappy_set_stop(e);
    if (e->in > e->stop && !lm__snappy_move_base(e)) return true;
    return way(e);
}

bool lm__snappy_put_exactly(lm_snappy_encoder *e, const uint8_t *to, lm_snappy_way *way)
{
    const uint8_t *end = e->end, *last = e->last, *pause = e->pause;
    e->end = to;
    e->last = to - LM_SNAPPY_TAIL;
    if (!put_until(e, to, way)) return false;
    e->in = to;
    e->end = end;
    e->last = last;
    e->pause = pause;
    lm__snappy_set_stop(e);
    return true;
}

/* Goes on to where the values begin again, and finds the way of those, or none. */
static bool put_to_values(lm_snappy_encoder *e, const uint8_t *start, const lm_codec_layout *layout,
                          lm_snappy_way **way)
{
    const uint8_t *from = e->in, *to;
    *way = lm__snappy_values_way(e, start, layout);
    to = e->in;
    e->in = from;
    return to == from || lm__snappy_put_exactly(e, to, e->inside);
}

static bool try_until(lm_snappy_encoder *e, const uint8_t *pause, way_result *result)
{
    const uint8_t *in = e->in, *out = e->out, *literal = e->literal;
    if (!put_until(e, pause, result->way)) return false;
    result->taken = (size_t)(e->in - in);
    result->left = (size_t)(e->out - out) + (size_t)(e->in - e->literal) - (size_t)(in - literal);
    return true;
}

/* Whether a leaves no more than b of what it takes, but for one part in `share`. */
static bool is_level(const way_result *a, const way_result *b, size_t share)
{
    size_t most = b->left * a->taken;
    return a->left * b->taken <= most + most / share;
}

/* Everything between the size and the last literal. Where hardly anything is to be had, the cheaper
 * way is taken even if it leaves an eighth more: matches of four bytes save next to nothing, and
 * cost as much time as long ones. */
static bool put_all(lm_snappy_encoder *e, const lm_codec_layout *layout)
{
    const uint8_t *start = e->base;
    size_t piece = (size_t)(e->last - start) / 32;
    way_result best = {way_of_hash(false)}, five = {way_of_hash(true)}, values = {NULL};
    e->inside = five.way;
    if (piece < PIECE_LEAST) return put_until(e, e->last, best.way);
    if (piece > PIECE_MOST) piece = PIECE_MOST;
    if (!put_to_values(e, start, layout, &values.way)) return false;
    /* Twice, the second time to be judged: now the table knows some values. */
    for (int i = 0; i < 2 && values.way; i++)
        if (!try_until(e, e->in + piece / 4 + i * piece / 4, &values)) return false;
    if (!try_until(e, e->in + piece, &five)) return false;
    if (!try_until(e, e->in + piece, &best)) return false;
    bool dense = best.left > best.taken - best.taken / 8;
    if (is_level(&five, &best, dense ? 8 : 64)) best = five;
    if (values.taken && is_level(&values, &best, dense ? 8 : 32)) {
        if (!put_to_values(e, start, layout, &values.way)) return false;
        if (values.way) best = values;
    }
    return put_until(e, e->last, best.way);
}

size_t lm__snappy_compress_values(const void *src, size_t src_size, const lm_codec_layout *layout,
                                  void *dst, size_t capacity, lm_snappy_table *table)
{
    const uint8_t *start = src;
    lm_snappy_encoder e = {
        .base = start, .literal = start, .table = table->entries, .misses = MISSES_NONE};
    if (capacity < 5) return 0;
    e.out = put_size(dst, src_size);
    e.out_end = (uint8_t *)dst + capacity;
    if (src_size == 0) return (size_t)(e.out - (uint8_t *)dst);
    e.end = start + src_size;
    if (src_size > LM_SNAPPY_TAIL + 1) {
        memset(table, 0, sizeof *table);
        e.last = e.end - LM_SNAPPY_TAIL;
        e.in = start + 1;
        if (!put_all(&e, layout)) return 0;
    }
    size_t rest = (size_t)(e.end - e.literal);
    if (rest) {
        if ((size_t)(e.out_end - e.out) < rest + 5) return 0;
        e.out = lm__snappy_put_long_literal(e.out, e.literal, rest);
    }
    return (size_t)(e.out - (uint8_t *)dst);
}

size_t lm__snappy_compress(const void *src, size_t src_size, void *dst, size_t capacity,
                           lm_snappy_table *table)
{
    const lm_codec_layout none = {0};
    return lm__snappy_compress_values(src, src_size, &none, dst, capacity, table);
}
