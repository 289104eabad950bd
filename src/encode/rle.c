/*
 * The RLE / bit-packed hybrid, writing (rle.h); reading is in rle_decode.c, run detection in
 * rle_kernels.c.
 *
 * The values are walked from one place worth an RLE run to the next. What lies between is packed in
 * groups of 8; a run that begins inside a group first fills it up. The search goes by chunks that
 * stay in the first-level cache, so the packing that follows reads them there.
 *
 * A run is worth its own header when the groups that it would take, packed, are larger than an RLE
 * run and the header of the packed run that may follow it: lm__run_groups() of them.
 */
#include "encode/rle.h"

#include "encode/bitpack.h"

#define CHUNK_VALUES 4096

static uint8_t *put_varint(uint8_t *out, uint64_t value)
{
    for (; value >= 0x80; value >>= 7) *out++ = (uint8_t)(value | 0x80);
    *out++ = (uint8_t)value;
    return out;
}

static uint8_t *put_repeat(uint8_t *out, uint32_t value, size_t count, unsigned width)
{
    out = put_varint(out, (uint64_t)count << 1);
    memcpy(out, &value, 4); /* the bytes above the value's are overwritten, or slack */
    return out + ((width + 7) >> 3);
}

/* The header of a packed run; the groups that hold `count` values. */
static uint8_t *put_packed_header(uint8_t *out, size_t count)
{
    return put_varint(out, (uint64_t)((count + 7) >> 3) << 1 | 1);
}

static size_t run_worth(unsigned width)
{
    unsigned value_bytes = (width + 7) >> 3;
    return 8 * ((3 + value_bytes) / width + 1);
}

size_t lm__rle_bound(size_t count, unsigned width)
{
    return ((count + 7) >> 3) * width + 2 * (count / CHUNK_VALUES) + 16 + LM_ENCODE_SLACK;
}

size_t lm__rle_encode_repeat(uint32_t value, size_t count, unsigned width, uint8_t *out)
{
    return count ? (size_t)(put_repeat(out, value, count, width) - out) : 0;
}

#define ENCODE(bits, type)                                                                         \
    static uint8_t *put_packed##bits(const lm_bitpack_kernels *pack, const type *values,           \
                                     size_t count, unsigned width, uint8_t *out)                   \
    {                                                                                              \
        if (count == 0) return out;                                                                \
        out = put_packed_header(out, count);                                                       \
        size_t bytes = pack->pack##bits(values, count, width, out);                                \
        size_t whole = ((count + 7) >> 3) * width;                                                 \
        if (bytes < whole) memset(out + bytes, 0, whole - bytes);                                  \
        return out + whole;                                                                        \
    }                                                                                              \
                                                                                                   \
    size_t lm__rle_encode##bits(const type *values, size_t count, unsigned width, uint8_t *out)    \
    {                                                                                              \
        if (count == 0) return 0;                                                                  \
        if (width == 0) return lm__rle_encode_repeat(0, count, 0, out);                            \
        const lm_rle_kernels *kernels = lm__rle_kernels(lm__cpu_level());                          \
        const lm_bitpack_kernels *pack = lm__bitpack_kernels(lm__cpu_level());                     \
        size_t worth = run_worth(width), start = 0, at = 0;                                        \
        uint8_t *to = out;                                                                         \
        /* [start, at) is to be packed. */                                                         \
        while (at < count) {                                                                       \
            size_t length = kernels->run##bits(values + at, count - at);                           \
            size_t fill = (start - at) & 7;                                                        \
            if (length >= worth + fill || (at == start && length == count - at)) {                 \
                to = put_packed##bits(pack, values + start, at + fill - start, width, to);         \
                to = put_repeat(to, values[at], length - fill, width);                             \
                at += length;                                                                      \
                start = at;                                                                        \
                continue;                                                                          \
            }                                                                                      \
            if (length >= 8) at += length;                                                         \
            size_t end = start + CHUNK_VALUES;                                                     \
            if (end > count) end = count;                                                          \
            if (at < end) at += kernels->find##bits(values + at, end - at);                        \
            if (at >= end) {                                                                       \
                to = put_packed##bits(pack, values + start, end - start, width, to);               \
                start = at = end;                                                                  \
            }                                                                                      \
        }                                                                                          \
        return (size_t)(to - out);                                                                 \
    }

ENCODE(8, uint8_t)
ENCODE(16, uint16_t)
ENCODE(32, uint32_t)

/* Bits [start, end) as groups of 8. */
static uint8_t *put_packed_bits(lm_bits bits, size_t start, size_t end, uint8_t *out)
{
    if (start == end) return out;
    size_t bytes = (end - start + 7) >> 3;
    out = put_packed_header(out, end - start);
    out[bytes - 1] = 0;
    lm__bits_copy(out, 0, lm__bits_skip(bits, start), end - start);
    return out + bytes;
}

/* Words of 64 bits: one that is all zeros or all ones is worth a run, which then takes in whole
 * groups before it and every bit after it that is the same. */
size_t lm__rle_encode_bits(lm_bits bits, size_t count, uint8_t *out)
{
    if (!bits.bytes) return lm__rle_encode_repeat(1, count, 1, out);
    uint8_t *to = out;
    size_t start = 0, at = 0;
    while (at < count) {
        size_t n = count - at < 64 ? count - at : 64;
        uint64_t word = lm__bits_word(bits, at, n);
        bool same = word == 0 || word == ~(uint64_t)0 >> (64 - n);
        if (!same || (n < 64 && n <= (start < at ? 16 : 8))) {
            at += n;
            continue;
        }
        bool value = word & 1;
        size_t first = at, end = lm__bits_find(bits, at + n, count, !value);
        while (first > start && lm__bits_word(bits, first - 8, 8) == (value ? 0xff : 0)) first -= 8;
        to = put_packed_bits(bits, start, first, to);
        to = put_repeat(to, value, end - first, 1);
        start = at = end;
    }
    to = put_packed_bits(bits, start, count, to);
    return (size_t)(to - out);
}

size_t lm__rle_encode_bools(lm_bits bits, size_t count, uint8_t *out)
{
    uint32_t size = (uint32_t)lm__rle_encode_bits(bits, count, out + 4);
    memcpy(out, &size, 4);
    return 4 + (size_t)size;
}
