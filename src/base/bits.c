/*
 * Counting, copying and searching bits (bits.h). All of it works on words of 64 bits cut out of the
 * bytes; only the first and last bytes need care, since nothing outside the range may be read or
 * changed.
 */
#include "base/bits.h"

#include "base/simd.h"

LM_ALWAYS_INLINE size_t count_body(lm_bits bits, size_t count)
{
    size_t ones = 0, at = 0;
    size_t head = (8 - (bits.offset & 7)) & 7;
    if (head > count) head = count;
    if (head) {
        ones += (size_t)__builtin_popcountll(lm__bits_word(bits, 0, head));
        at = head;
    }
    const uint8_t *from = bits.bytes + ((bits.offset + at) >> 3);
    for (; count - at >= 256; at += 256, from += 32) {
        ones += (size_t)__builtin_popcountll(lm__load64(from)) +
                (size_t)__builtin_popcountll(lm__load64(from + 8)) +
                (size_t)__builtin_popcountll(lm__load64(from + 16)) +
                (size_t)__builtin_popcountll(lm__load64(from + 24));
    }
    while (at < count) {
        size_t n = count - at < 64 ? count - at : 64;
        ones += (size_t)__builtin_popcountll(lm__bits_word(bits, at, n));
        at += n;
    }
    return ones;
}

#ifdef LM_SIMD_X86
LM_TARGET_SSE42 static size_t count_popcnt(lm_bits bits, size_t count)
{
    return count_body(bits, count);
}
#endif

size_t lm__bits_count(lm_bits bits, size_t count)
{
    if (!bits.bytes || count == 0) return count;
#ifdef LM_SIMD_X86
    if (lm__cpu_level() >= LM_CPU_SSE42) return count_popcnt(bits, count);
#endif
    return count_body(bits, count);
}

/* `count` low bits of `word` into one byte or two of `to`; count is at most 8. */
static void put_few(uint8_t *to, size_t to_offset, unsigned word, size_t count)
{
    uint8_t *at = to + (to_offset >> 3);
    unsigned shift = (unsigned)(to_offset & 7);
    unsigned mask = (1u << count) - 1;
    unsigned placed = (word & mask) << shift;
    mask <<= shift;
    at[0] = (uint8_t)((at[0] & ~mask) | placed);
    if (mask >> 8) at[1] = (uint8_t)((at[1] & ~(mask >> 8)) | (placed >> 8));
}

void lm__bits_copy(uint8_t *to, size_t to_offset, lm_bits from, size_t count)
{
    if (!from.bytes) {
        lm__bits_fill(to, to_offset, count, true);
        return;
    }
    size_t at = (8 - (to_offset & 7)) & 7;
    if (at > count) at = count;
    if (at) put_few(to, to_offset, (unsigned)lm__bits_word(from, 0, at), at);
    uint8_t *out = to + ((to_offset + at) >> 3);
    if (((from.offset + at) & 7) == 0) {
        size_t bytes = (count - at) >> 3;
        if (bytes) memcpy(out, from.bytes + ((from.offset + at) >> 3), bytes);
        out += bytes;
        at += bytes * 8;
    } else {
        for (; count - at >= 64; at += 64, out += 8) {
            uint64_t word = lm__bits_word(from, at, 64);
            memcpy(out, &word, 8);
        }
        for (; count - at >= 8; at += 8) *out++ = (uint8_t)lm__bits_word(from, at, 8);
    }
    if (at < count) {
        put_few(to, to_offset + at, (unsigned)lm__bits_word(from, at, count - at), count - at);
    }
}

void lm__bits_fill(uint8_t *to, size_t to_offset, size_t count, bool value)
{
    unsigned byte = value ? 0xff : 0;
    size_t at = (8 - (to_offset & 7)) & 7;
    if (at > count) at = count;
    if (at) put_few(to, to_offset, byte, at);
    size_t bytes = (count - at) >> 3;
    if (bytes) memset(to + ((to_offset + at) >> 3), (int)byte, bytes);
    at += bytes * 8;
    if (at < count) put_few(to, to_offset + at, byte, count - at);
}

void lm__bits_and(uint8_t *to, lm_bits a, lm_bits b, size_t count)
{
    size_t at = 0;
    for (; count - at >= 64; at += 64, to += 8) {
        uint64_t word = lm__bits_word(a, at, 64) & lm__bits_word(b, at, 64);
        memcpy(to, &word, 8);
    }
    if (at == count) return;
    uint64_t word = lm__bits_word(a, at, count - at) & lm__bits_word(b, at, count - at);
    memcpy(to, &word, (count - at + 7) >> 3);
}

size_t lm__bits_find(lm_bits bits, size_t from, size_t count, bool value)
{
    if (!bits.bytes) return value && from < count ? from : count;
    uint64_t flip = value ? 0 : ~(uint64_t)0;
    while (from < count) {
        size_t n = count - from < 64 ? count - from : 64;
        uint64_t word = lm__bits_word(bits, from, n) ^ flip;
        if (word) {
            size_t found = from + (size_t)__builtin_ctzll(word);
            return found < count ? found : count;
        }
        from += n;
    }
    return count;
}

/* Sums of 16 bits are vectors of many lanes; they hold a block of this many. */
#define COUNT_BLOCK 32768
#define COUNT_BYTES(name, condition)                                                               \
    size_t name(const uint8_t *bytes, size_t count, uint8_t with)                                  \
    {                                                                                              \
        size_t total = 0;                                                                          \
        while (count) {                                                                            \
            size_t some = count < COUNT_BLOCK ? count : COUNT_BLOCK;                               \
            uint16_t sum = 0;                                                                      \
            for (size_t i = 0; i < some; i++) sum = (uint16_t)(sum + (condition));                 \
            total += sum;                                                                          \
            bytes += some;                                                                         \
            count -= some;                                                                         \
        }                                                                                          \
        return total;                                                                              \
    }
COUNT_BYTES(lm__bytes_count_least, bytes[i] >= with)
COUNT_BYTES(lm__bytes_count_equal, bytes[i] == with)
