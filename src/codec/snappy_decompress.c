/*
 * Decoding Snappy.
 *
 * A block is a size and then elements: literals, which bring their bytes along, and copies of what
 * was written before ("Compressed stream", format_description.txt). lm__snappy_decode_one checks
 * every step and does the block's start and end. What lies between is done by a kernel, which
 * leaves some room on both sides, so that it may load and store more than an element has:
 * snappy_x86.c has two, decode_wide here is for all other processors, and snappy_pair.c is for two
 * blocks at once.
 *
 * On failure the cursor is somewhere in the block and the output is unspecified.
 */
#include "codec/snappy.h"
#include "codec/snappy_kernel.h"

#define LITERAL_LENGTH(tag) (((tag) >> 2) < 60 ? ((tag) >> 2) + 1 : 0)
#define LENGTH(tag)                                                                                \
    (((tag)&3) == 0   ? LITERAL_LENGTH(tag)                                                        \
     : ((tag)&3) == 1 ? (((tag) >> 2) & 7) + 4                                                     \
     : ((tag)&3) == 2 ? ((tag) >> 2) + 1                                                           \
                      : 0)
#define OFFSET(tag) (((tag)&3) == 0 ? LM_SNAPPY_FAR : ((tag)&3) == 1 ? ((tag) >> 5) << 8 : 0)
#define FOUR(f, tag) f(tag), f(tag + 1), f(tag + 2), f(tag + 3)
#define SIXTEEN(f, tag) FOUR(f, tag), FOUR(f, tag + 4), FOUR(f, tag + 8), FOUR(f, tag + 12)
#define SIXTYFOUR(f, tag)                                                                          \
    SIXTEEN(f, tag), SIXTEEN(f, tag + 16), SIXTEEN(f, tag + 32), SIXTEEN(f, tag + 48)
#define ALL(f) SIXTYFOUR(f, 0), SIXTYFOUR(f, 64), SIXTYFOUR(f, 128), SIXTYFOUR(f, 192)

const uint8_t lm_snappy_lengths[256] = {ALL(LENGTH)};
const uint16_t lm_snappy_offsets[256] = {ALL(OFFSET)};

bool lm__snappy_size(const void *src, size_t src_size, size_t *size)
{
    const uint8_t *at = src;
    uint64_t value = 0;
    for (unsigned i = 0; i < 5 && i < src_size; i++) {
        value |= (uint64_t)(at[i] & 0x7f) << (7 * i);
        if (at[i] < 0x80) {
            *size = (size_t)value;
            return value <= UINT32_MAX;
        }
    }
    return false;
}

/* Copies that overlap repeat the last `offset` bytes. */
static void copy_back(uint8_t *out, size_t offset, size_t length)
{
    const uint8_t *from = out - offset;
    if (offset >= length) {
        memcpy(out, from, length);
        return;
    }
    for (size_t i = 0; i < length; i++) out[i] = from[i];
}

static bool decode_literal(lm_snappy_cursor *c, size_t six)
{
    uint64_t length = six;
    if (six >= 60) {
        size_t bytes = six - 59;
        if ((size_t)(c->in_end - c->in) < bytes) return false;
        length = 0;
        for (size_t i = 0; i < bytes; i++) length |= (uint64_t)c->in[i] << (8 * i);
        c->in += bytes;
    }
    length++;
    if ((size_t)(c->in_end - c->in) < length || (size_t)(c->out_end - c->out) < length)
        return false;
    memcpy(c->out, c->in, (size_t)length);
    c->in += length;
    c->out += length;
    return true;
}

bool lm__snappy_decode_one(lm_snappy_cursor *c)
{
    static const uint8_t offset_bytes[4] = {0, 1, 2, 4};
    size_t tag = *c->in++, kind = tag & 3;
    if (kind == 0) return decode_literal(c, tag >> 2);
    size_t length = kind == 1 ? ((tag >> 2) & 7) + 4 : (tag >> 2) + 1;
    size_t offset = kind == 1 ? (tag >> 5) << 8 : 0;
    if ((size_t)(c->in_end - c->in) < offset_bytes[kind]) return false;
    for (size_t i = 0; i < offset_bytes[kind]; i++) offset |= (size_t)c->in[i] << (8 * i);
    c->in += offset_bytes[kind];
    if (offset == 0 || offset > (size_t)(c->out - c->out_start) ||
        length > (size_t)(c->out_end - c->out))
        return false;
    copy_back(c->out, offset, length);
    c->out += length;
    return true;
}

/* The kernel for processors without one of their own: 64 bytes of room on both sides. */
static bool decode_wide(lm_snappy_cursor *c)
{
    while (c->in_end - c->in > 72 && c->out_end - c->out > 72) {
        size_t tag = *c->in, kind = tag & 3, length = lm_snappy_lengths[tag];
        if (length == 0) {
            if (!lm__snappy_decode_one(c)) return false;
            continue;
        }
        uint8_t *out = c->out;
        if (kind == 0) {
            memcpy(out, c->in + 1, 16);
            if (length > 16) memcpy(out + 16, c->in + 17, 48);
            c->in += length + 1;
            c->out += length;
            continue;
        }
        size_t offset = lm__snappy_load32(c->in + 1) & (kind == 1 ? 0xff : 0xffff);
        if (kind == 1) offset |= lm_snappy_offsets[tag];
        if (offset - 1 >= (size_t)(out - c->out_start)) return false;
        c->in += kind + 1;
        c->out += length;
        if (offset < 8)
            copy_back(out, offset, length);
        else
            for (size_t i = 0; i < length; i += 8) memcpy(out + i, out + i - offset, 8);
    }
    return true;
}

static lm_snappy_kernel *kernel_of(lm_cpu_level level)
{
#if defined(__x86_64__)
    if (level >= LM_CPU_AVX512) return lm__snappy_decode_avx512;
    if (level >= LM_CPU_AVX2) return lm__snappy_decode_avx2;
#endif
    (void)level;
    return decode_wide;
}

/* The cursor past the size and the first LM_SNAPPY_START bytes of output, or the end. */
static bool start(lm_snappy_cursor *c, const lm_snappy_block *block)
{
    size_t header = 0, said;
    if (!lm__snappy_size(block->src, block->src_size, &said) || said != block->size) return false;
    const uint8_t *in = block->src;
    while (in[header++] & 0x80) {
    }
    uint8_t *out = block->dst;
    *c = (lm_snappy_cursor){in + header, in + block->src_size, out, out, out};
    if (block->size == 0) return c->in == c->in_end;
    c->out_end = out + block->size;
    while (c->in < c->in_end && c->out - c->out_start < LM_SNAPPY_START)
        if (!lm__snappy_decode_one(c)) return false;
    return true;
}

static bool finish(lm_cpu_level level, lm_snappy_cursor *c)
{
    if (c->out - c->out_start >= LM_SNAPPY_START && !kernel_of(level)(c)) return false;
    while (c->in < c->in_end)
        if (!lm__snappy_decode_one(c)) return false;
    return c->out == c->out_end;
}

bool lm__snappy_decompress_at(lm_cpu_level level, const void *src, size_t src_size, void *dst,
                              size_t size)
{
    lm_snappy_cursor c;
    return start(&c, &(lm_snappy_block){src, src_size, dst, size}) && finish(level, &c);
}

bool lm__snappy_decompress_two_at(lm_cpu_level level, const lm_snappy_block *one,
                                  const lm_snappy_block *two)
{
    lm_snappy_cursor a, b;
    if (!start(&a, one) || !start(&b, two)) return false;
#if defined(__x86_64__)
    if (level >= LM_CPU_AVX512 && a.out - a.out_start >= LM_SNAPPY_START &&
        b.out - b.out_start >= LM_SNAPPY_START && !lm__snappy_decode_two_avx512(&a, &b))
        return false;
#endif
    return finish(level, &a) && finish(level, &b);
}

bool lm__snappy_decompress(const void *src, size_t src_size, void *dst, size_t size)
{
    return lm__snappy_decompress_at(lm__cpu_level(), src, src_size, dst, size);
}

bool lm__snappy_gains_by_two(void)
{
#if defined(__x86_64__)
    return lm__cpu_level() >= LM_CPU_AVX512;
#else
    return false;
#endif
}

bool lm__snappy_decompress_two(const lm_snappy_block *one, const lm_snappy_block *two)
{
    return lm__snappy_decompress_two_at(lm__cpu_level(), one, two);
}
