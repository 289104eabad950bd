/*
 * DELTA_BINARY_PACKED (delta.h), of 32 and 64 bits, both ways. Encodings.md, "Delta Encoding":
 *
 *     header  block size, miniblocks in a block, values (ULEB128), the first value (zigzag)
 *     block   the least delta (zigzag), a byte of width for each miniblock, the miniblocks: each
 *             delta less the least one, bit packed
 *
 * The last miniblock with values is padded to its whole size, those after it have no bytes. Other
 * readers never look at the padding, so there are writers that cut it off: a stream may end inside
 * it.
 */
#include "encode/delta.h"
#include "base/error.h"
#include "base/limits.h"
#include "encode/bitpack.h"

#define BLOCK_VALUES 128
#define MINI_VALUES 32
#define MINIS (BLOCK_VALUES / MINI_VALUES)
#define VARINT_BYTES_MAX 10
#define HEADER_BYTES_MAX (3 + 2 * VARINT_BYTES_MAX)

static uint8_t *put_varint(uint8_t *out, uint64_t value)
{
    for (; value >= 0x80; value >>= 7) *out++ = (uint8_t)(value | 0x80);
    *out++ = (uint8_t)value;
    return out;
}

static inline uint64_t zigzag(int64_t value) { return (uint64_t)value << 1 ^ (value < 0 ? -1 : 0); }

static inline int64_t unzigzag(uint64_t value)
{
    return (int64_t)(value >> 1 ^ (value & 1 ? ~(uint64_t)0 : 0));
}

static size_t bound(size_t count, size_t value_bytes)
{
    size_t blocks = (count + BLOCK_VALUES - 1) / BLOCK_VALUES;
    return HEADER_BYTES_MAX + blocks * (VARINT_BYTES_MAX + MINIS + BLOCK_VALUES * value_bytes) +
           LM_ENCODE_SLACK;
}

size_t lm__delta32_bound(size_t count) { return bound(count, 4); }
size_t lm__delta64_bound(size_t count) { return bound(count, 8); }

/* A last block that is not full is filled up by repeating its last delta, which changes neither the
 * least nor the bits needed, and then by the zeros of the padding. */
#define ENCODE(bits)                                                                               \
    static int##bits##_t last_block##bits(const lm_delta_kernels *kernels,                         \
                                          const int##bits##_t *values, size_t n,                   \
                                          uint##bits##_t *deltas, uint##bits##_t ors[MINIS])       \
    {                                                                                              \
        int##bits##_t padded[1 + BLOCK_VALUES];                                                    \
        memcpy(padded, values - 1, (1 + n) * sizeof *padded);                                      \
        uint##bits##_t last = (uint##bits##_t)padded[n] - (uint##bits##_t)padded[n - 1];           \
        for (size_t i = n + 1; i <= BLOCK_VALUES; i++)                                             \
            padded[i] = (int##bits##_t)((uint##bits##_t)padded[i - 1] + last);                     \
        int##bits##_t least = kernels->block##bits(padded + 1, deltas, ors);                       \
        memset(deltas + n, 0, (BLOCK_VALUES - n) * sizeof *deltas);                                \
        return least;                                                                              \
    }                                                                                              \
                                                                                                   \
    static uint8_t *put_block##bits(const lm_bitpack_kernels *pack, const uint##bits##_t *deltas,  \
                                    const uint##bits##_t ors[MINIS], size_t n, uint8_t *to)        \
    {                                                                                              \
        uint8_t widths[MINIS] = {0}, *at = to + MINIS;                                             \
        size_t minis = (n + MINI_VALUES - 1) / MINI_VALUES;                                        \
        for (size_t m = 0; m < minis; m++) widths[m] = (uint8_t)lm__bit_width(ors[m]);             \
        memcpy(to, widths, MINIS);                                                                 \
        if (lm__load32(widths) == widths[0] * 0x01010101u) /* one stream of bits */                \
            return at + pack->pack##bits(deltas, minis * MINI_VALUES, widths[0], at);              \
        for (size_t m = 0; m < minis; m++)                                                         \
            at += pack->pack##bits(deltas + m * MINI_VALUES, MINI_VALUES, widths[m], at);          \
        return at;                                                                                 \
    }                                                                                              \
                                                                                                   \
    size_t lm__delta##bits##_encode(const int##bits##_t *values, size_t count, uint8_t *out)       \
    {                                                                                              \
        const lm_delta_kernels *kernels = lm__delta_kernels(lm__cpu_level());                      \
        const lm_bitpack_kernels *pack = lm__bitpack_kernels(lm__cpu_level());                     \
        uint##bits##_t deltas[BLOCK_VALUES], ors[MINIS];                                           \
        uint8_t *to = put_varint(out, BLOCK_VALUES);                                               \
        to = put_varint(to, MINIS);                                                                \
        to = put_varint(to, count);                                                                \
        to = put_varint(to, zigzag(count ? values[0] : 0));                                        \
        for (size_t at = 1; at < count; at += BLOCK_VALUES) {                                      \
            size_t n = count - at < BLOCK_VALUES ? count - at : BLOCK_VALUES;                      \
            int##bits##_t least = n == BLOCK_VALUES                                                \
                                      ? kernels->block##bits(values + at, deltas, ors)             \
                                      : last_block##bits(kernels, values + at, n, deltas, ors);    \
            to = put_varint(to, zigzag(least));                                                    \
            to = put_block##bits(pack, deltas, ors, n, to);                                        \
        }                                                                                          \
        return (size_t)(to - out);                                                                 \
    }

ENCODE(32)
ENCODE(64)

typedef struct stream {
    const uint8_t *at, *end;
    size_t minis, mini_values;
    int64_t first;
} stream;

static lm_status corrupt(lm_error *error, const char *what)
{
    return lm__error_set(error, LM_CORRUPT, "DELTA_BINARY_PACKED data: %s", what);
}

static lm_status get_varint(stream *from, uint64_t *value, lm_error *error)
{
    *value = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
        if (from->at == from->end) return corrupt(error, "ends inside a number");
        uint64_t byte = *from->at++;
        if (shift == 63 && byte > 1) break;
        *value |= (byte & 0x7f) << shift;
        if (byte < 0x80) return LM_OK;
    }
    return corrupt(error, "a number of more than 64 bits");
}

/* The specification wants blocks of a multiple of 128 values and miniblocks of a multiple of 32;
 * what is needed is that miniblocks end at a byte. */
static lm_status read_header(stream *from, size_t count, lm_error *error)
{
    uint64_t block, minis, total, first;
    LM_TRY(get_varint(from, &block, error));
    LM_TRY(get_varint(from, &minis, error));
    LM_TRY(get_varint(from, &total, error));
    LM_TRY(get_varint(from, &first, error));
    if (block == 0 || block > LM_DELTA_BLOCK_VALUES_MAX || minis == 0 || block % minis != 0 ||
        block / minis % 8 != 0)
        return corrupt(error, "blocks that cannot be");
    if (total != count)
        return lm__error_set(error, LM_CORRUPT,
                             "DELTA_BINARY_PACKED data: %llu values where %zu are expected",
                             (unsigned long long)total, count);
    from->minis = (size_t)minis;
    from->mini_values = (size_t)(block / minis);
    from->first = unzigzag(first);
    return LM_OK;
}

#define WIDE_VALUES 128 /* they end at a byte */
#define FIRST32_MAX UINT32_MAX
#define FIRST64_MAX INT64_MAX

/* DuckDB has values of 32 bits, with and without a sign, and their deltas as such of 64, where the
 * specification has them wrap around: what is above the lowest 32 bits changes no value. */
static void unpack32(const uint8_t *src, size_t size, size_t count, unsigned width, uint32_t *out)
{
    uint64_t wide[WIDE_VALUES];
    if (width <= 32) {
        lm__bitunpack32(src, size, count, width, out);
        return;
    }
    for (size_t done = 0; done < count; done += WIDE_VALUES) {
        size_t some = count - done < WIDE_VALUES ? count - done : WIDE_VALUES;
        size_t at = lm__bitpack_bytes(done, width);
        lm__bitunpack64(src + at, size - at, some, width, wide);
        for (size_t i = 0; i < some; i++) out[done + i] = (uint32_t)wide[i];
    }
}

static void unpack64(const uint8_t *src, size_t size, size_t count, unsigned width, uint64_t *out)
{
    lm__bitunpack64(src, size, count, width, out);
}

/* The widths of one block are at `widths`; miniblocks of the same width that follow one another are
 * one stream of bits. A width means nothing where no value is left (Encodings.md). */
#define DECODE(bits)                                                                               \
    static lm_status unpack_block##bits(stream *from, const uint8_t *widths, size_t left,          \
                                        uint##bits##_t *out, size_t *unpacked, lm_error *error)    \
    {                                                                                              \
        size_t done = 0;                                                                           \
        for (size_t m = 0; m < from->minis && done < left;) {                                      \
            unsigned width = widths[m];                                                            \
            size_t values = 0, bytes = (size_t)(from->end - from->at);                             \
            if (width > 64) return corrupt(error, "values of more than 64 bits");                  \
            for (; m < from->minis && widths[m] == width && values < left - done; m++)             \
                values += from->mini_values;                                                       \
            size_t n = values < left - done ? values : left - done;                                \
            if (lm__bitpack_bytes(n, width) > bytes)                                               \
                return corrupt(error, "ends before its last value");                               \
            unpack##bits(from->at, bytes, n, width, out + done);                                   \
            size_t whole = lm__bitpack_bytes(values, width);                                       \
            from->at += whole < bytes ? whole : bytes;                                             \
            done += n;                                                                             \
        }                                                                                          \
        *unpacked = done;                                                                          \
        return LM_OK;                                                                              \
    }                                                                                              \
                                                                                                   \
    lm_status lm__delta##bits##_decode(const uint8_t *src, size_t size, size_t count,              \
                                       int##bits##_t *out, size_t *consumed, lm_error *error)      \
    {                                                                                              \
        const lm_delta_kernels *kernels = lm__delta_kernels(lm__cpu_level());                      \
        *consumed = 0;                                                                             \
        if (count == 0 && size == 0) return LM_OK;                                                 \
        stream from = {.at = src, .end = src + size};                                              \
        LM_TRY(read_header(&from, count, error));                                                  \
        if (from.first < INT##bits##_MIN || from.first > FIRST##bits##_MAX)                        \
            return corrupt(error, "a first value wider than its type");                            \
        uint##bits##_t *values = (uint##bits##_t *)out;                                            \
        uint##bits##_t last = (uint##bits##_t)from.first;                                          \
        if (count) values[0] = last;                                                               \
        for (size_t done = 1; done < count;) {                                                     \
            uint64_t least;                                                                        \
            LM_TRY(get_varint(&from, &least, error));                                              \
            const uint8_t *widths = from.at;                                                       \
            if (from.minis > (size_t)(from.end - from.at))                                         \
                return corrupt(error, "ends inside a block's header");                             \
            from.at += from.minis;                                                                 \
            size_t n = 0;                                                                          \
            LM_TRY(unpack_block##bits(&from, widths, count - done, values + done, &n, error));     \
            last = kernels->sum##bits(values + done, n, (uint##bits##_t)unzigzag(least), last);    \
            done += n;                                                                             \
        }                                                                                          \
        *consumed = (size_t)(from.at - src);                                                       \
        return LM_OK;                                                                              \
    }

DECODE(32)
DECODE(64)
