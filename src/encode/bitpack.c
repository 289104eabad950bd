/*
 * Bit packing: the scalar reference, the AVX2 kernels and the dispatch (bitpack.h); the AVX-512
 * kernels are in bitpack_avx512.c.
 *
 * The scalar forms work on whole unaligned words: a value never takes more than 8 bytes and one bit
 * of shift, so one load finds it, and one store of 8 bytes, mostly ahead of what is final, puts it.
 */
#include "encode/bitpack.h"

#include "encode/bitpack_kernels.h"

static inline uint64_t width_mask(unsigned width)
{
    return width ? ~(uint64_t)0 >> (64 - width) : 0;
}

static inline void store64(uint8_t *to, uint64_t word) { memcpy(to, &word, 8); }

/* Widths up to 28 join two values before they are put; others go one by one. */
#define PACK_SCALAR(bits, type)                                                                    \
    static size_t pack##bits##_scalar(const type *values, size_t count, unsigned width,            \
                                      uint8_t *out)                                                \
    {                                                                                              \
        if (width == 0) return 0;                                                                  \
        uint64_t mask = width_mask(width), word = 0;                                               \
        unsigned held = 0;                                                                         \
        size_t i = 0;                                                                              \
        uint8_t *at = out;                                                                         \
        if (width <= 28) {                                                                         \
            for (; count - i >= 2; i += 2) {                                                       \
                uint64_t pair = (values[i] & mask) | (values[i + 1] & mask) << width;              \
                word |= pair << held;                                                              \
                store64(at, word);                                                                 \
                held += 2 * width;                                                                 \
                at += held >> 3;                                                                   \
                word >>= held & ~7u;                                                               \
                held &= 7;                                                                         \
            }                                                                                      \
        }                                                                                          \
        for (; i < count; i++) {                                                                   \
            word |= (values[i] & mask) << held;                                                    \
            store64(at, word);                                                                     \
            held += width;                                                                         \
            at += held >> 3;                                                                       \
            word >>= held & ~7u;                                                                   \
            held &= 7;                                                                             \
        }                                                                                          \
        return lm__bitpack_bytes(count, width);                                                    \
    }

PACK_SCALAR(8, uint8_t)
PACK_SCALAR(16, uint16_t)
PACK_SCALAR(32, uint32_t)

static size_t pack64_scalar(const uint64_t *values, size_t count, unsigned width, uint8_t *out)
{
    if (width == 0) return 0;
    uint64_t mask = width_mask(width), word = 0;
    unsigned held = 0; /* below 8 */
    uint8_t *at = out;
    for (size_t i = 0; i < count; i++) {
        uint64_t value = values[i] & mask;
        word |= value << held;
        store64(at, word);
        unsigned filled = held + width;
        if (filled >= 64) {
            at += 8;
            word = held ? value >> (64 - held) : 0;
            filled -= 64;
            at[0] = (uint8_t)word;
        } else {
            at += filled >> 3;
            word >>= filled & ~7u;
        }
        held = filled & 7;
    }
    return lm__bitpack_bytes(count, width);
}

/* The bits from `bit` on, at least 57 of them or what there is. */
static inline uint64_t load_bits(const uint8_t *src, size_t size, size_t bit)
{
    size_t at = bit >> 3;
    uint64_t word = 0;
    if (size - at >= 8)
        word = lm__load64(src + at);
    else
        memcpy(&word, src + at, size - at);
    return word >> (bit & 7);
}

#define UNPACK_SCALAR(bits, type)                                                                  \
    static void unpack##bits##_scalar(const uint8_t *src, size_t size, size_t count,               \
                                      unsigned width, type *out)                                   \
    {                                                                                              \
        if (width == 0) {                                                                          \
            if (count) memset(out, 0, count * sizeof *out);                                        \
            return;                                                                                \
        }                                                                                          \
        uint64_t mask = width_mask(width);                                                         \
        size_t i = 0, bit = 0;                                                                     \
        /* Values whose 8 bytes are all there. */                                                  \
        size_t safe = size >= 8 ? ((size - 8) * 8 + 7) / width + 1 : 0;                            \
        if (safe > count) safe = count;                                                            \
        for (; i < safe; i++, bit += width)                                                        \
            out[i] = (type)((lm__load64(src + (bit >> 3)) >> (bit & 7)) & mask);                   \
        for (; i < count; i++, bit += width) out[i] = (type)(load_bits(src, size, bit) & mask);    \
    }

UNPACK_SCALAR(8, uint8_t)
UNPACK_SCALAR(16, uint16_t)
UNPACK_SCALAR(32, uint32_t)

static void unpack64_scalar(const uint8_t *src, size_t size, size_t count, unsigned width,
                            uint64_t *out)
{
    if (width == 0) {
        if (count) memset(out, 0, count * sizeof *out);
        return;
    }
    uint64_t mask = width_mask(width);
    size_t bit = 0;
    for (size_t i = 0; i < count; i++, bit += width) {
        uint64_t word = load_bits(src, size, bit);
        unsigned shift = (unsigned)(bit & 7);
        if (shift + width > 64) word |= (uint64_t)src[(bit >> 3) + 8] << (64 - shift);
        out[i] = word & mask;
    }
}

#ifdef LM_SIMD_X86

/*
 * Eight values take `width` bytes. Values 0 to 3 are shuffled out of the 16 bytes at the start, 4
 * to 7 out of the 16 bytes at bit 4 * width; each lands with up to 7 bits of its neighbour below
 * it, which a shift by lane removes. Above 25 bits a value and its shift pass 32 bits, and the byte
 * above comes by a second shuffle.
 */
LM_TARGET_AVX2 static size_t unpack32_groups_avx2(const uint8_t *src, size_t size, size_t count,
                                                  unsigned width, uint32_t *out)
{
    uint8_t low[32], high[32];
    uint32_t shifts[8];
    unsigned second = 4 * width >> 3;
    for (unsigned i = 0; i < 8; i++) {
        unsigned bit = i * width, byte = bit >> 3;
        shifts[i] = bit & 7;
        if (i >= 4) byte -= second;
        for (unsigned k = 0; k < 4; k++) {
            low[i * 4 + k] = (uint8_t)(byte + k < 16 ? byte + k : 0x80);
            high[i * 4 + k] = (uint8_t)(k == 0 && byte + 4 < 16 ? byte + 4 : 0x80);
        }
    }
    __m256i shuffle_low = _mm256_loadu_si256((const __m256i *)low);
    __m256i shuffle_high = _mm256_loadu_si256((const __m256i *)high);
    __m256i right = _mm256_loadu_si256((const __m256i *)shifts);
    __m256i left = _mm256_sub_epi32(_mm256_set1_epi32(32), right);
    __m256i mask = _mm256_set1_epi32((int)(uint32_t)width_mask(width));
    size_t done = 0, at = 0;
    for (; count - done >= 8 && size - at >= second + 16; done += 8, at += width) {
        __m256i bytes = _mm256_inserti128_si256(
            _mm256_castsi128_si256(_mm_loadu_si128((const __m128i *)(src + at))),
            _mm_loadu_si128((const __m128i *)(src + at + second)), 1);
        __m256i values = _mm256_srlv_epi32(_mm256_shuffle_epi8(bytes, shuffle_low), right);
        if (width > 25) {
            __m256i above = _mm256_sllv_epi32(_mm256_shuffle_epi8(bytes, shuffle_high), left);
            values = _mm256_or_si256(values, above);
        }
        _mm256_storeu_si256((__m256i *)(out + done), _mm256_and_si256(values, mask));
    }
    return done;
}

static void unpack32_avx2(const uint8_t *src, size_t size, size_t count, unsigned width,
                          uint32_t *out)
{
    if (width == 32) {
        if (count) memcpy(out, src, count * 4);
        return;
    }
    size_t done = width && count >= 16 ? unpack32_groups_avx2(src, size, count, width, out) : 0;
    size_t at = (done >> 3) * width;
    unpack32_scalar(src + at, size - at, count - done, width, out + done);
}

/* Through words of 32 bits on the stack, packed down by saturation (every value fits). */
LM_TARGET_AVX2 static void narrow16_avx2(const uint32_t *from, size_t count, uint16_t *out)
{
    for (size_t i = 0; i < count; i++) out[i] = (uint16_t)from[i];
}

LM_TARGET_AVX2 static void narrow8_avx2(const uint32_t *from, size_t count, uint8_t *out)
{
    for (size_t i = 0; i < count; i++) out[i] = (uint8_t)from[i];
}

#define UNPACK_BY_32(bits, type)                                                                   \
    static void unpack##bits##_avx2(const uint8_t *src, size_t size, size_t count, unsigned width, \
                                    type *out)                                                     \
    {                                                                                              \
        uint32_t wide[256];                                                                        \
        while (count) {                                                                            \
            size_t n = count < 256 ? count : 256;                                                  \
            unpack32_avx2(src, size, n, width, wide);                                              \
            narrow##bits##_avx2(wide, n, out);                                                     \
            out += n;                                                                              \
            count -= n;                                                                            \
            if (count == 0) break;                                                                 \
            src += 32 * width;                                                                     \
            size -= 32 * width;                                                                    \
        }                                                                                          \
    }

UNPACK_BY_32(8, uint8_t)
UNPACK_BY_32(16, uint16_t)

/*
 * Widths up to 7: bytes are joined in pairs by a multiply-add, pairs in fours by another, fours in
 * eights by a shift; each 8 values are then `width` bytes at the bottom of 8, and a shuffle closes
 * the gaps. 32 values a step.
 */
LM_TARGET_AVX2 static size_t pack8_groups_avx2(const uint8_t *values, size_t count, unsigned width,
                                               uint8_t *out)
{
    uint8_t close[16];
    for (unsigned k = 0; k < 16; k++)
        close[k] = (uint8_t)(k < 2 * width ? k / width * 8 + k % width : 0x80);
    __m256i shuffle =
        _mm256_broadcastsi128_si256(_mm_loadu_si128((const __m128i *)(const void *)close));
    __m256i mask = _mm256_set1_epi8((char)width_mask(width));
    __m256i pairs = _mm256_set1_epi16((short)(1 | 1 << (8 + width)));
    __m256i fours = _mm256_set1_epi32(1 | 1 << (16 + 2 * width));
    __m128i shift = _mm_cvtsi32_si128((int)(4 * width));
    size_t done = 0;
    for (; count - done >= 32; done += 32, out += 4 * width) {
        __m256i v = _mm256_loadu_si256((const __m256i *)(values + done));
        v = _mm256_maddubs_epi16(pairs, _mm256_and_si256(v, mask));
        v = _mm256_madd_epi16(v, fours);
        __m256i upper = _mm256_sll_epi64(_mm256_srli_epi64(v, 32), shift);
        v = _mm256_or_si256(_mm256_blend_epi32(v, _mm256_setzero_si256(), 0xaa), upper);
        v = _mm256_shuffle_epi8(v, shuffle);
        _mm_storeu_si128((__m128i *)out, _mm256_castsi256_si128(v));
        _mm_storeu_si128((__m128i *)(out + 2 * width), _mm256_extracti128_si256(v, 1));
    }
    return done;
}

static size_t pack8_avx2(const uint8_t *values, size_t count, unsigned width, uint8_t *out)
{
    if (width == 8) {
        if (count) memcpy(out, values, count);
        return count;
    }
    if (width == 0) return 0;
    size_t done = pack8_groups_avx2(values, count, width, out);
    size_t at = (done >> 3) * width;
    return at + pack8_scalar(values + done, count - done, width, out + at);
}

/* Narrow widths go by way of bytes. */
#define PACK_BY_8(bits, type)                                                                      \
    LM_TARGET_AVX2 static size_t pack##bits##_avx2(const type *values, size_t count,               \
                                                   unsigned width, uint8_t *out)                   \
    {                                                                                              \
        if (width == bits) {                                                                       \
            if (count) memcpy(out, values, count * sizeof *values);                                \
            return count * sizeof *values;                                                         \
        }                                                                                          \
        if (width > 8) return pack##bits##_scalar(values, count, width, out);                      \
        uint8_t bytes[512], *at = out;                                                             \
        while (count) {                                                                            \
            size_t n = count < 512 ? count : 512;                                                  \
            for (size_t i = 0; i < n; i++) bytes[i] = (uint8_t)values[i];                          \
            at += pack8_avx2(bytes, n, width, at);                                                 \
            values += n;                                                                           \
            count -= n;                                                                            \
        }                                                                                          \
        return (size_t)(at - out);                                                                 \
    }

PACK_BY_8(16, uint16_t)
PACK_BY_8(32, uint32_t)

#endif

const lm_bitpack_kernels *lm__bitpack_kernels(lm_cpu_level level)
{
    static const lm_bitpack_kernels scalar = {pack8_scalar,    pack16_scalar,  pack32_scalar,
                                              pack64_scalar,   unpack8_scalar, unpack16_scalar,
                                              unpack32_scalar, unpack64_scalar};
#ifdef LM_SIMD_X86
    static const lm_bitpack_kernels avx2 = {pack8_avx2,    pack16_avx2,    pack32_avx2,
                                            pack64_scalar, unpack8_avx2,   unpack16_avx2,
                                            unpack32_avx2, unpack64_scalar};
    static const lm_bitpack_kernels avx512 = {
        lm__pack8_avx512,   lm__pack16_avx512,   lm__pack32_avx512,   lm__pack64_avx512,
        lm__unpack8_avx512, lm__unpack16_avx512, lm__unpack32_avx512, lm__unpack64_avx512};
    if (level >= LM_CPU_AVX512) return &avx512;
    if (level >= LM_CPU_AVX2) return &avx2;
#else
    (void)level;
#endif
    return &scalar;
}

size_t lm__bitpack8(const uint8_t *values, size_t count, unsigned width, uint8_t *out)
{
    return lm__bitpack_kernels(lm__cpu_level())->pack8(values, count, width, out);
}

size_t lm__bitpack16(const uint16_t *values, size_t count, unsigned width, uint8_t *out)
{
    return lm__bitpack_kernels(lm__cpu_level())->pack16(values, count, width, out);
}

size_t lm__bitpack32(const uint32_t *values, size_t count, unsigned width, uint8_t *out)
{
    return lm__bitpack_kernels(lm__cpu_level())->pack32(values, count, width, out);
}

size_t lm__bitpack64(const uint64_t *values, size_t count, unsigned width, uint8_t *out)
{
    return lm__bitpack_kernels(lm__cpu_level())->pack64(values, count, width, out);
}

void lm__bitunpack8(const uint8_t *src, size_t size, size_t count, unsigned width, uint8_t *out)
{
    lm__bitpack_kernels(lm__cpu_level())->unpack8(src, size, count, width, out);
}

void lm__bitunpack16(const uint8_t *src, size_t size, size_t count, unsigned width, uint16_t *out)
{
    lm__bitpack_kernels(lm__cpu_level())->unpack16(src, size, count, width, out);
}

void lm__bitunpack32(const uint8_t *src, size_t size, size_t count, unsigned width, uint32_t *out)
{
    lm__bitpack_kernels(lm__cpu_level())->unpack32(src, size, count, width, out);
}

void lm__bitunpack64(const uint8_t *src, size_t size, size_t count, unsigned width, uint64_t *out)
{
    lm__bitpack_kernels(lm__cpu_level())->unpack64(src, size, count, width, out);
}
