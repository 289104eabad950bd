/* Deflate in parts; see deflate.h. Sections are those of RFC 1951. */
#include "codec/deflate.h"

#include <libdeflate.h>

#include "base/alloc.h"
#include "base/bits.h"
#include "codec/library.h"

#define DEFLATE_FUNCTIONS(X)                                                                       \
    X(libdeflate_alloc_compressor)                                                                 \
    X(libdeflate_free_compressor)                                                                  \
    X(libdeflate_deflate_compress)                                                                 \
    X(libdeflate_deflate_compress_bound)                                                           \
    X(libdeflate_crc32)

LM_LIBRARY(deflate, DEFLATE_FUNCTIONS, "libdeflate.so.0", "libdeflate0")

enum {
    CODE_BITS_MAX = 15,
    LITERALS = 288,
    DISTANCES = 32,
    LENGTH_CODES = 19,
    END_OF_BLOCK = 256,
};

/* What a code means, by its bits as they come: how many bits it has with the extra ones that
 * follow it, and whether a distance follows. */
typedef struct code_entry {
    uint8_t bits;  /* of the code */
    uint8_t extra; /* after it */
    uint16_t symbol;
} code_entry;

typedef struct code_table {
    int bits_max;
    code_entry entries[1 << CODE_BITS_MAX];
} code_table;

struct lm_deflate {
    const lm_allocator *allocator;
    const deflate_functions *functions;
    struct libdeflate_compressor *compressor;
    code_table literals, distances;
};

/* The reader of a part's bits. Past the end come zeroes. */
typedef struct bit_reader {
    const uint8_t *bytes;
    size_t size, at; /* the next byte to be taken into `word` */
    uint64_t word;
    int held; /* bits of the word */
} bit_reader;

static void refill(bit_reader *in)
{
    if (in->size - in->at >= 8) {
        in->word |= lm__load64(in->bytes + in->at) << in->held;
        int taken = (63 - in->held) >> 3;
        in->at += (size_t)taken;
        in->held += taken * 8;
        return;
    }
    while (in->held <= 56 && in->at < in->size) {
        in->word |= (uint64_t)in->bytes[in->at++] << in->held;
        in->held += 8;
    }
}

static uint32_t peek(const bit_reader *in, int bits)
{
    return (uint32_t)(in->word & ((1ull << bits) - 1));
}

static void drop(bit_reader *in, int bits)
{
    in->word >>= bits;
    in->held -= bits;
}

static uint32_t take(bit_reader *in, int bits)
{
    refill(in);
    uint32_t value = peek(in, bits);
    drop(in, bits);
    return value;
}

static size_t bit_position(const bit_reader *in) { return in->at * 8 - (size_t)in->held; }

static uint32_t reversed(uint32_t code, int bits)
{
    uint32_t out = 0;
    for (int i = 0; i < bits; i++) out |= (code >> i & 1) << (bits - 1 - i);
    return out;
}

/* 3.2.2: codes from their lengths, every entry that begins with a code's bits being that code. */
static void make_table(code_table *table, const uint8_t *lengths, size_t count,
                       uint8_t (*extra)(size_t symbol))
{
    uint32_t counts[CODE_BITS_MAX + 1] = {0}, next[CODE_BITS_MAX + 2] = {0};
    table->bits_max = 1;
    for (size_t i = 0; i < count; i++) {
        counts[lengths[i]]++;
        if (lengths[i] > table->bits_max) table->bits_max = lengths[i];
    }
    counts[0] = 0;
    for (int bits = 1; bits <= CODE_BITS_MAX; bits++)
        next[bits + 1] = (next[bits] + counts[bits]) << 1;
    memset(table->entries, 0, sizeof(code_entry) << table->bits_max);
    for (size_t i = 0; i < count; i++) {
        int bits = lengths[i];
        if (bits == 0) continue;
        code_entry entry = {(uint8_t)bits, extra ? extra(i) : 0, (uint16_t)i};
        uint32_t first = reversed(next[bits]++, bits);
        for (uint32_t at = first; at < 1u << table->bits_max; at += 1u << bits)
            table->entries[at] = entry;
    }
}

/* 3.2.5 */
static uint8_t literal_extra(size_t symbol)
{
    if (symbol < 265 || symbol >= 285) return 0;
    return (uint8_t)((symbol - 261) / 4);
}

static uint8_t distance_extra(size_t symbol) { return (uint8_t)(symbol < 4 ? 0 : symbol / 2 - 1); }

static code_entry next_code(bit_reader *in, const code_table *table)
{
    code_entry entry = table->entries[peek(in, table->bits_max)];
    drop(in, entry.bits + entry.extra);
    return entry;
}

/* 3.2.7 */
static void read_dynamic(lm_deflate *deflate, bit_reader *in)
{
    static const uint8_t order[LENGTH_CODES] = {16, 17, 18, 0, 8,  7, 9,  6, 10, 5,
                                                11, 4,  12, 3, 13, 2, 14, 1, 15};
    uint8_t of_lengths[LENGTH_CODES] = {0}, lengths[LITERALS + DISTANCES] = {0};
    size_t literals = take(in, 5) + 257, distances = take(in, 5) + 1, codes = take(in, 4) + 4;
    for (size_t i = 0; i < codes; i++) of_lengths[order[i]] = (uint8_t)take(in, 3);
    make_table(&deflate->distances, of_lengths, LENGTH_CODES, NULL);
    for (size_t i = 0; i < literals + distances;) {
        refill(in);
        uint16_t symbol = next_code(in, &deflate->distances).symbol;
        uint8_t value = symbol < 16 ? (uint8_t)symbol : symbol == 16 ? lengths[i - 1] : 0;
        size_t repeat = symbol < 16    ? 1
                        : symbol == 16 ? 3 + take(in, 2)
                        : symbol == 17 ? 3 + take(in, 3)
                                       : 11 + take(in, 7);
        while (repeat--) lengths[i++] = value;
    }
    make_table(&deflate->literals, lengths, literals, literal_extra);
    make_table(&deflate->distances, lengths + literals, distances, distance_extra);
}

/* 3.2.6 */
static void set_fixed(lm_deflate *deflate)
{
    uint8_t lengths[LITERALS], of_distances[DISTANCES];
    for (size_t i = 0; i < LITERALS; i++) lengths[i] = i < 144 ? 8 : i < 256 ? 9 : i < 280 ? 7 : 8;
    memset(of_distances, 5, sizeof of_distances);
    make_table(&deflate->literals, lengths, LITERALS, literal_extra);
    make_table(&deflate->distances, of_distances, DISTANCES, distance_extra);
}

static void skip_codes(lm_deflate *deflate, bit_reader *in)
{
    for (;;) {
        refill(in); /* for 15 + 5 + 15 + 13 bits */
        uint16_t symbol = next_code(in, &deflate->literals).symbol;
        if (symbol == END_OF_BLOCK) return;
        if (symbol > END_OF_BLOCK) next_code(in, &deflate->distances);
    }
}

/* 3.2.4 */
static void skip_stored(bit_reader *in)
{
    drop(in, in->held & 7);
    uint32_t size = take(in, 16);
    take(in, 16);
    in->at = bit_position(in) / 8 + size;
    in->word = 0;
    in->held = 0;
}

/* Takes the mark off the last block; returns where that block ends, in bits. The bytes are
 * libdeflate's own, made a moment ago: they are sound. */
static size_t open_end(lm_deflate *deflate, uint8_t *bytes, size_t size)
{
    bit_reader in = {.bytes = bytes, .size = size};
    for (;;) {
        refill(&in);
        size_t header = bit_position(&in);
        bool last = take(&in, 1);
        switch (take(&in, 2)) {
        case 0: skip_stored(&in); break;
        case 1:
            set_fixed(deflate);
            skip_codes(deflate, &in);
            break;
        default: read_dynamic(deflate, &in); skip_codes(deflate, &in);
        }
        if (!last) continue;
        bytes[header / 8] = (uint8_t)(bytes[header / 8] & ~(1u << header % 8));
        return bit_position(&in);
    }
}

lm_status lm__deflate_part(lm_deflate *deflate, const void *bytes, size_t size, lm_buffer *out,
                           lm_error *error)
{
    const deflate_functions *functions = deflate->functions;
    size_t bound = functions->libdeflate_deflate_compress_bound(deflate->compressor, size);
    lm_status status = lm__buffer_reserve(out, bound + 5);
    if (status != LM_OK) return lm__error_memory(error, "compressing");
    uint8_t *part = out->data + out->size;
    size_t written =
        functions->libdeflate_deflate_compress(deflate->compressor, bytes, size, part, bound);
    size_t end = open_end(deflate, part, written);
    /* 3.2.4: three bits of 0 (the rest of the last byte is 0 already), then length and its
     * complement from the next whole byte on. */
    size_t at = (end + 3 + 7) / 8;
    if (at > written) part[written] = 0;
    memcpy(part + at, "\x00\x00\xff\xff", 4);
    out->size += at + 4;
    return LM_OK;
}

lm_status lm__deflate_new(const lm_allocator *allocator, int level, lm_deflate **deflate,
                          lm_error *error)
{
    const deflate_functions *functions;
    LM_TRY(deflate_load(&functions, error));
    if (level < LM_DEFLATE_LEVEL_LOWEST || level > LM_DEFLATE_LEVEL_HIGHEST)
        return lm__error_set(error, LM_INVALID, "deflate has levels from %d to %d, not %d",
                             LM_DEFLATE_LEVEL_LOWEST, LM_DEFLATE_LEVEL_HIGHEST, level);
    allocator = lm__allocator_or_default(allocator);
    lm_deflate *made = lm__alloc(allocator, sizeof *made);
    if (!made) return lm__error_memory(error, "compressing");
    made->allocator = allocator;
    made->functions = functions;
    made->compressor = functions->libdeflate_alloc_compressor(level);
    if (!made->compressor) {
        lm__free(allocator, made);
        return lm__error_memory(error, "compressing");
    }
    *deflate = made;
    return LM_OK;
}

void lm__deflate_free(lm_deflate *deflate)
{
    if (!deflate) return;
    deflate->functions->libdeflate_free_compressor(deflate->compressor);
    lm__free(deflate->allocator, deflate);
}

uint32_t lm__deflate_crc(const lm_deflate *deflate, uint32_t crc, const void *bytes, size_t size)
{
    return deflate->functions->libdeflate_crc32(crc, bytes, size);
}

/* Polynomials over GF(2) modulo the CRC's, the highest power in the lowest bit: 0x80000000 is 1. */
static uint32_t polynomial_times(uint32_t a, uint32_t b)
{
    uint32_t product = 0;
    for (uint32_t bit = 0x80000000; bit; bit >>= 1) {
        if (a & bit) product ^= b;
        b = b & 1 ? b >> 1 ^ 0xedb88320 : b >> 1;
    }
    return product;
}

/* `size` bytes after it multiply a CRC by x^(8 size). */
uint32_t lm__crc32_join(uint32_t first, uint32_t second, uint64_t size)
{
    uint32_t power = 0x00800000; /* x^8 */
    for (; size; size >>= 1) {
        if (size & 1) first = polynomial_times(first, power);
        power = polynomial_times(power, power);
    }
    return first ^ second;
}
