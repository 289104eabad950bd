/*
 * The RLE / bit-packed hybrid, reading (rle.h). The stream is untrusted: a run's header is checked
 * against the bytes that are left before anything of the run is used.
 */
#include "base/error.h"
#include "encode/bitpack.h"
#include "encode/rle.h"

#define CHUNK_VALUES 512

static lm_status corrupt(lm_error *error, const char *what)
{
    return lm__error_set(error, LM_CORRUPT, "RLE data: %s", what);
}

lm_status lm__rle_decoder_init(lm_rle_decoder *decoder, const void *src, size_t size,
                               unsigned width, lm_error *error)
{
    if (width > 32) return corrupt(error, "values wider than 32 bits");
    const uint8_t *at = src;
    *decoder = (lm_rle_decoder){.at = at, .end = at + size, .width = width};
    return LM_OK;
}

lm_status lm__rle_decoder_init_bools(lm_rle_decoder *decoder, const void *src, size_t size,
                                     lm_error *error)
{
    const uint8_t *at = src;
    if (size < 4 || lm__load32(at) > size - 4) return corrupt(error, "longer than its page");
    return lm__rle_decoder_init(decoder, at + 4, lm__load32(at), 1, error);
}

static lm_status read_packed(lm_rle_decoder *decoder, size_t groups, lm_error *error)
{
    size_t left = (size_t)(decoder->end - decoder->at), bytes = groups * decoder->width;
    decoder->length = groups * 8;
    if (bytes > left) {
        /* Some writers cut the padding of the last group off. */
        bytes = left;
        decoder->length = left * 8 / decoder->width;
    }
    if (decoder->length == 0) return corrupt(error, "an empty run");
    decoder->packed = decoder->at;
    decoder->packed_size = bytes;
    decoder->at += bytes;
    return LM_OK;
}

static lm_status read_repeat(lm_rle_decoder *decoder, size_t length, lm_error *error)
{
    size_t left = (size_t)(decoder->end - decoder->at), bytes = (decoder->width + 7) >> 3;
    uint32_t value = 0;
    if (bytes > left) return corrupt(error, "ends inside a run");
    for (size_t i = 0; i < bytes; i++) value |= (uint32_t)decoder->at[i] << (8 * i);
    if ((uint64_t)value >> decoder->width) return corrupt(error, "a value wider than declared");
    if (length == 0) return corrupt(error, "an empty run");
    decoder->at += bytes;
    decoder->packed = NULL;
    decoder->length = length;
    decoder->value = value;
    return LM_OK;
}

static lm_status next_run_slow(lm_rle_decoder *decoder, lm_error *error)
{
    uint64_t header = 0;
    for (unsigned shift = 0;; shift += 7) {
        if (decoder->at == decoder->end) return corrupt(error, "ends before its last value");
        uint64_t byte = *decoder->at++;
        header |= (byte & 0x7f) << shift;
        if (byte < 0x80) break;
        if (shift == 28) return corrupt(error, "a run header of more than 5 bytes");
    }
    if (header >> 32) return corrupt(error, "a run longer than 32 bits can tell");
    decoder->taken = 0;
    return header & 1 ? read_packed(decoder, (size_t)(header >> 1), error)
                      : read_repeat(decoder, (size_t)(header >> 1), error);
}

/* A header of one byte, with the bytes that follow it there and nothing wrong with them, takes the
 * short way. */
static inline lm_status next_run(lm_rle_decoder *decoder, lm_error *error)
{
    size_t left = (size_t)(decoder->end - decoder->at);
    if (left < 8 || decoder->at[0] >= 0x80 || decoder->at[0] < 2)
        return next_run_slow(decoder, error);
    size_t header = decoder->at[0], bytes;
    if (header & 1) {
        bytes = (header >> 1) * decoder->width;
        if (bytes == 0 || bytes > left - 1) return next_run_slow(decoder, error);
        decoder->packed = decoder->at + 1;
        decoder->packed_size = bytes;
        decoder->length = (header >> 1) * 8;
    } else {
        uint64_t value = lm__load64(decoder->at) >> 8;
        bytes = (decoder->width + 7) >> 3;
        value &= ((uint64_t)1 << (8 * bytes)) - 1;
        if (value >> decoder->width) return next_run_slow(decoder, error);
        decoder->packed = NULL;
        decoder->value = (uint32_t)value;
        decoder->length = header >> 1;
    }
    decoder->at += 1 + bytes;
    decoder->taken = 0;
    return LM_OK;
}

/* Makes a run of at least one value current; *n gets how many of `count` it can give. */
static inline lm_status current_run(lm_rle_decoder *decoder, size_t count, size_t *n,
                                    lm_error *error)
{
    if (decoder->taken == decoder->length) LM_TRY(next_run(decoder, error));
    size_t left = decoder->length - decoder->taken;
    *n = count < left ? count : left;
    return LM_OK;
}

/* Runs of few values are the costly ones, so they have short ways: an RLE run is written as one
 * block of 64 bytes where there is room for it, and a few packed values are cut out one by one
 * where 8 bytes may be read for each. */
#define FEW_VALUES 24

/* The same value n times; there is room for `room` values. */
#define FILL(bits, type)                                                                           \
    static inline void fill##bits(type *out, type value, size_t n, size_t room)                    \
    {                                                                                              \
        enum { BLOCK = 64 / sizeof(type) };                                                        \
        if (n <= BLOCK && room >= BLOCK) {                                                         \
            for (size_t i = 0; i < BLOCK; i++) out[i] = value;                                     \
        } else {                                                                                   \
            for (size_t i = 0; i < n; i++) out[i] = value;                                         \
        }                                                                                          \
    }

FILL(8, uint8_t)
FILL(16, uint16_t)
FILL(32, uint32_t)
FILL(64, uint64_t)

/* The packed values from `taken` on. A start inside a group of 8 is not at a byte: that group is
 * unpacked aside. */
#define GET(bits, type)                                                                            \
    static void unpack##bits(const lm_rle_decoder *decoder, type *out, size_t n)                   \
    {                                                                                              \
        unsigned width = decoder->width;                                                           \
        size_t bit = decoder->taken * width, left = (size_t)(decoder->end - decoder->packed);      \
        if (n <= FEW_VALUES && ((bit + n * width) >> 3) + 8 <= left) {                             \
            uint64_t mask = ((uint64_t)1 << width) - 1;                                            \
            for (size_t i = 0; i < n; i++, bit += width) {                                         \
                uint64_t word = lm__load64(decoder->packed + (bit >> 3));                          \
                out[i] = (type)(word >> (bit & 7) & mask);                                         \
            }                                                                                      \
            return;                                                                                \
        }                                                                                          \
        size_t inside = decoder->taken & 7, at = (decoder->taken >> 3) * width;                    \
        if (inside) {                                                                              \
            type group[8];                                                                         \
            size_t most = decoder->length - (decoder->taken - inside), few = 8 - inside;           \
            lm__bitunpack##bits(decoder->packed + at, decoder->packed_size - at,                   \
                                most < 8 ? most : 8, width, group);                                \
            if (few > n) few = n;                                                                  \
            for (size_t i = 0; i < few; i++) out[i] = group[inside + i];                           \
            out += few;                                                                            \
            n -= few;                                                                              \
            at += width;                                                                           \
        }                                                                                          \
        if (n) {                                                                                   \
            lm__bitunpack##bits(decoder->packed + at, decoder->packed_size - at, n, width, out);   \
        }                                                                                          \
    }

GET(8, uint8_t)
GET(16, uint16_t)
GET(32, uint32_t)

#define GET_RUNS(bits, type)                                                                       \
    lm_status lm__rle_get##bits(lm_rle_decoder *decoder, type *out, size_t count, lm_error *error) \
    {                                                                                              \
        if (decoder->width > bits) return corrupt(error, "values wider than their type");          \
        while (count) {                                                                            \
            size_t n;                                                                              \
            LM_TRY(current_run(decoder, count, &n, error));                                        \
            if (decoder->packed)                                                                   \
                unpack##bits(decoder, out, n);                                                     \
            else                                                                                   \
                fill##bits(out, (type)decoder->value, n, count);                                   \
            decoder->taken += n;                                                                   \
            out += n;                                                                              \
            count -= n;                                                                            \
        }                                                                                          \
        return LM_OK;                                                                              \
    }

GET_RUNS(8, uint8_t)
GET_RUNS(16, uint16_t)
GET_RUNS(32, uint32_t)

/* Bits on their way to memory. Runs of a few are the rule where a few values are null: they are put
 * together in a word, and longer ones go around it. */
#define LONG_RUN 256

typedef struct bit_writer {
    uint8_t *out;
    size_t at;     /* of the word's first bit, a multiple of 8 */
    uint64_t word; /* of `fill` bits, fewer than 64, the others zero */
    unsigned fill;
} bit_writer;

static void writer_start(bit_writer *w, size_t at)
{
    w->at = at & ~(size_t)7;
    w->fill = (unsigned)(at & 7);
    w->word = w->fill ? w->out[at >> 3] & ((1u << w->fill) - 1) : 0;
}

static void writer_end(const bit_writer *w)
{
    memcpy(w->out + (w->at >> 3), &w->word, (w->fill + 7) >> 3);
}

/* At most 64 bits; those above are zero. */
static inline void writer_put(bit_writer *w, uint64_t bits, unsigned count)
{
    w->word |= bits << w->fill;
    if (w->fill + count < 64) {
        w->fill += count;
        return;
    }
    memcpy(w->out + (w->at >> 3), &w->word, 8);
    w->at += 64;
    w->word = w->fill ? bits >> (64 - w->fill) : 0;
    w->fill = w->fill + count - 64;
}

static void put_run(const lm_rle_decoder *decoder, bit_writer *w, size_t n)
{
    lm_bits bits = {decoder->packed, decoder->taken};
    if (n > LONG_RUN) {
        size_t at = w->at + w->fill;
        writer_end(w);
        if (decoder->packed)
            lm__bits_copy(w->out, at, bits, n);
        else
            lm__bits_fill(w->out, at, n, decoder->value);
        writer_start(w, at + n);
        return;
    }
    for (size_t done = 0; done < n;) {
        size_t some = n - done < 64 ? n - done : 64;
        uint64_t all = decoder->value ? ~(uint64_t)0 >> (64 - some) : 0;
        writer_put(w, decoder->packed ? lm__bits_word(bits, done, some) : all, (unsigned)some);
        done += some;
    }
}

lm_status lm__rle_get_bits(lm_rle_decoder *decoder, uint8_t *out, size_t out_offset, size_t count,
                           size_t *ones, lm_error *error)
{
    if (decoder->width != 1) return corrupt(error, "not one bit a value");
    bit_writer w = {.out = out};
    *ones = 0;
    if (count == 0) return LM_OK;
    writer_start(&w, out_offset);
    for (size_t left = count; left;) {
        size_t n;
        LM_TRY(current_run(decoder, left, &n, error));
        put_run(decoder, &w, n);
        decoder->taken += n;
        left -= n;
    }
    writer_end(&w);
    *ones = lm__bits_count((lm_bits){out, out_offset}, count);
    return LM_OK;
}

static size_t count_packed(lm_rle_decoder *decoder, size_t n, uint32_t value)
{
    size_t matches = 0;
    uint32_t values[CHUNK_VALUES];
    if (decoder->width == 1) {
        size_t ones = lm__bits_count((lm_bits){decoder->packed, decoder->taken}, n);
        return value == 1 ? ones : value == 0 ? n - ones : 0;
    }
    size_t taken = decoder->taken;
    while (n) {
        size_t few = n < CHUNK_VALUES ? n : CHUNK_VALUES;
        unpack32(decoder, values, few);
        for (size_t i = 0; i < few; i++) matches += values[i] == value;
        decoder->taken += few;
        n -= few;
    }
    decoder->taken = taken;
    return matches;
}

lm_status lm__rle_skip(lm_rle_decoder *decoder, size_t count, uint32_t value, size_t *matches,
                       lm_error *error)
{
    size_t found = 0;
    while (count) {
        size_t n;
        LM_TRY(current_run(decoder, count, &n, error));
        if (matches) {
            if (decoder->packed)
                found += count_packed(decoder, n, value);
            else
                found += decoder->value == value ? n : 0;
        }
        decoder->taken += n;
        count -= n;
    }
    if (matches) *matches = found;
    return LM_OK;
}

#define GATHER_RUNS(bits, type)                                                                    \
    lm_status lm__rle_gather##bits(lm_rle_decoder *decoder, const type *dictionary,                \
                                   size_t dictionary_count, type *out, size_t count,               \
                                   lm_error *error)                                                \
    {                                                                                              \
        const lm_rle_kernels *kernels = lm__rle_kernels(lm__cpu_level());                          \
        uint32_t indices[CHUNK_VALUES];                                                            \
        while (count) {                                                                            \
            size_t n;                                                                              \
            LM_TRY(current_run(decoder, count, &n, error));                                        \
            if (decoder->packed) {                                                                 \
                if (n > CHUNK_VALUES) n = CHUNK_VALUES;                                            \
                unpack32(decoder, indices, n);                                                     \
                if (!kernels->gather##bits(indices, n, dictionary, dictionary_count, out))         \
                    return corrupt(error, "an index past the dictionary");                         \
            } else {                                                                               \
                if (decoder->value >= dictionary_count)                                            \
                    return corrupt(error, "an index past the dictionary");                         \
                fill##bits(out, dictionary[decoder->value], n, count);                             \
            }                                                                                      \
            decoder->taken += n;                                                                   \
            out += n;                                                                              \
            count -= n;                                                                            \
        }                                                                                          \
        return LM_OK;                                                                              \
    }

GATHER_RUNS(32, uint32_t)
GATHER_RUNS(64, uint64_t)

lm_status lm__bit_packed_levels(const uint8_t *src, size_t size, size_t count, unsigned width,
                                uint16_t *out, size_t *consumed, lm_error *error)
{
    if (width > 16) return corrupt(error, "levels wider than 16 bits");
    size_t bytes = lm__bitpack_bytes(count, width);
    if (count > SIZE_MAX / 64 || bytes > size) return corrupt(error, "levels end too early");
    uint32_t word = 0; /* the bits not yet used are its lowest `held` */
    unsigned held = 0;
    for (size_t i = 0; i < count; i++) {
        while (held < width) {
            word = word << 8 | *src++;
            held += 8;
        }
        held -= width;
        out[i] = (uint16_t)(word >> held & ((1u << width) - 1));
    }
    *consumed = bytes;
    return LM_OK;
}
