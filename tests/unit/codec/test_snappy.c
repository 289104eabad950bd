/* Snappy on bytes of the format's description, on data of many kinds, on damage, and against
 * libsnappy where the build has it. */
#include "base/cpu.h"
#include "codec/data.h"
#include "codec/snappy.h"
#include "codec/snappy_kernel.h"

#if HAVE_SNAPPY
#include <snappy-c.h>
#endif

static const lm_cpu_level levels[] = {LM_CPU_SCALAR, LM_CPU_AVX2, LM_CPU_AVX512};

/* The kernels that this processor has. */
static bool can_run(lm_cpu_level level) { return level <= lm__cpu_level(); }

/* With another block by turns, as the first and as the second of the two: the same as by itself. */
static void check_by_turns(lm_cpu_level level, const lm_snappy_block *one, bool wanted)
{
    enum { SIZE = 5000 };
    static uint8_t bytes[SIZE], packed[SIZE * 2];
    static size_t packed_size;
    static lm_snappy_table table;
    if (packed_size == 0) {
        data_fill(DATA_TEXT, 5, bytes, SIZE);
        packed_size = lm__snappy_compress(bytes, SIZE, packed, sizeof packed, &table);
    }
    for (int order = 0; order < 2; order++) {
        uint8_t *mine = malloc(one->size + 1), *other = malloc(SIZE);
        lm_snappy_block a = {one->src, one->src_size, mine, one->size};
        lm_snappy_block b = {packed, packed_size, other, SIZE};
        CHECK_INT(lm__snappy_decompress_two_at(level, order ? &b : &a, order ? &a : &b), wanted);
        if (wanted) CHECK(one->size == 0 || memcmp(mine, one->dst, one->size) == 0);
        if (wanted) CHECK(memcmp(other, bytes, SIZE) == 0);
        free(mine);
        free(other);
    }
}

static void check_decodes(lm_cpu_level level, const void *block, size_t block_size,
                          const void *want, size_t size)
{
    uint8_t *in = data_exact(block, block_size), *out = data_exact(want, size);
    memset(out, 0xa5, size);
    CHECK(lm__snappy_decompress_at(level, in, block_size, out, size));
    CHECK_BYTES(out, want, size);
    check_by_turns(level, &(lm_snappy_block){in, block_size, out, size}, true);
    free(in);
    free(out);
}

static void check_refused(lm_cpu_level level, const void *block, size_t block_size, size_t size)
{
    uint8_t *in = data_exact(block, block_size), *out = calloc(size + 1, 1);
    CHECK(!lm__snappy_decompress_at(level, in, block_size, out, size));
    check_by_turns(level, &(lm_snappy_block){in, block_size, NULL, size}, false);
    free(in);
    free(out);
}

/* Elements worked out from format_description.txt. */
TEST(golden_elements)
{
    static const struct {
        const char *block;
        size_t block_size;
        const char *want;
    } cases[] = {
        /* a literal of 3: tag (3 - 1) << 2 */
        {"\x03\x08"
         "abc",
         5, "abc"},
        /* a copy of 4 to 11 with an offset of 11 bits: 001 | (5 - 4) << 2 | 0 << 5, 3 */
        {"\x08\x08"
         "abc\x05\x03",
         7, "abcabcab"},
        /* a copy with an offset of two bytes: 2 | (6 - 1) << 2, 2 little-endian */
        {"\x08\x04"
         "ab\x16\x02\x00",
         7, "abababab"},
        /* and of four bytes: 3 | (1 - 1) << 2 */
        {"\x03\x04"
         "ab\x03\x02\x00\x00\x00",
         9, "aba"},
        /* a literal of 61 in the long form: tag 60 << 2, and 60 in a byte */
        {"\x3d\xf0\x3c"
         "0123456789012345678901234567890123456789012345678901234567890",
         64, "0123456789012345678901234567890123456789012345678901234567890"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        for (size_t l = 0; l < 3; l++)
            if (can_run(levels[l]))
                check_decodes(levels[l], cases[i].block, cases[i].block_size, cases[i].want,
                              strlen(cases[i].want));
}

TEST(golden_compressed)
{
    lm_snappy_table table;
    uint8_t out[128];
    /* One literal where nothing repeats; "abcd" eight times is a literal of 4 and a copy of 28. */
    CHECK_INT(lm__snappy_compress("", 0, out, sizeof out, &table), 1);
    CHECK_INT(out[0], 0);
    CHECK_INT(lm__snappy_compress("xyz", 3, out, sizeof out, &table), 5);
    CHECK_BYTES(out, "\x03\x08xyz", 5);
    CHECK_INT(lm__snappy_compress("abcdabcdabcdabcdabcdabcdabcdabcd", 32, out, sizeof out, &table),
              9);
    CHECK_BYTES(out,
                "\x20\x0c"
                "abcd\x6e\x04\x00",
                9);
}

/* An element at a time into many blocks: every length and kind of element after every other, with
 * offsets near and far, at a distance from both ends that kernels reach. */
TEST(every_element)
{
    enum { SIZE = 8192 };
    static uint8_t block[SIZE * 2], want[SIZE];
    uint64_t state = 5;
    for (int round = 0; round < 300; round++) {
        size_t in = 0, out = 0;
        while (out < 6000) {
            uint64_t random = check_random(&state);
            size_t kind = out < 4 ? 0 : random % 4, length = 1 + (random >> 8) % 64;
            size_t reach = round % 3 == 0 ? 20 : round % 3 == 1 ? 100 : out;
            if (reach > out) reach = out;
            size_t offset = reach ? 1 + (random >> 16) % reach : 0;
            if (kind == 0) {
                if (random >> 60 == 0) length = 1 + (random >> 24) % 700;
                if (length <= 60) {
                    block[in++] = (uint8_t)((length - 1) << 2);
                } else {
                    block[in++] = 61 << 2;
                    block[in++] = (uint8_t)(length - 1);
                    block[in++] = (uint8_t)((length - 1) >> 8);
                }
                for (size_t i = 0; i < length; i++)
                    want[out + i] = block[in++] = (uint8_t)check_random(&state);
            } else {
                if (kind == 1) {
                    length = 4 + length % 8;
                    if (offset >= 2048) offset = 1 + offset % 2047;
                    block[in++] = (uint8_t)(1 | (length - 4) << 2 | (offset >> 8) << 5);
                    block[in++] = (uint8_t)offset;
                } else {
                    block[in++] = (uint8_t)(kind | (length - 1) << 2);
                    for (int i = 0; i < (kind == 2 ? 2 : 4); i++)
                        block[in++] = (uint8_t)(offset >> (8 * i));
                }
                for (size_t i = 0; i < length; i++) want[out + i] = want[out + i - offset];
            }
            out += length;
        }
        memmove(block + 2, block, in);
        block[0] = (uint8_t)(out | 0x80);
        block[1] = (uint8_t)(out >> 7);
        for (size_t l = 0; l < 3; l++)
            if (can_run(levels[l])) check_decodes(levels[l], block, in + 2, want, out);
    }
}

static void round_trip_as(const lm_codec_layout *layout, const uint8_t *bytes, size_t size)
{
    lm_snappy_table *table = malloc(sizeof *table);
    uint8_t *in = data_exact(bytes, size);
    size_t capacity = lm__snappy_bound(size), again;
    uint8_t *block = malloc(capacity), *other = malloc(capacity);
    memset(table, 0x5a, sizeof *table);
    size_t written = lm__snappy_compress_values(in, size, layout, block, capacity, table);
    CHECK(written > 0 && written <= capacity);
    /* Invariant 2: the table's history does not show. */
    again = lm__snappy_compress_values(in, size, layout, other, capacity, table);
    CHECK_INT(again, written);
    CHECK_BYTES(other, block, written);
    for (size_t l = 0; l < 3; l++)
        if (can_run(levels[l])) check_decodes(levels[l], block, written, bytes, size);
    /* Less room than the bound: no step past it, and the same bytes or none. */
    for (size_t room = 0; room < 3; room++) {
        size_t less = room == 0 ? written : room == 1 ? written / 2 : written ? written - 1 : 0;
        uint8_t *tight = malloc(less ? less : 1);
        size_t got = lm__snappy_compress_values(in, size, layout, tight, less, table);
        CHECK(got == 0 || (got == written && less == written));
        if (got) CHECK_BYTES(tight, block, written);
        free(tight);
    }
    free(table);
    free(in);
    free(block);
    free(other);
}

static void round_trip(const uint8_t *bytes, size_t size)
{
    const lm_codec_layout none = {LM_CODEC_BYTES, 0};
    round_trip_as(&none, bytes, size);
}

TEST(round_trips)
{
    enum { SIZE = 300000 };
    uint8_t *bytes = malloc(SIZE);
    uint64_t state = 11;
    for (int kind = 0; kind < DATA_KINDS; kind++) {
        data_fill(kind, 1, bytes, SIZE);
        round_trip(bytes, SIZE);
        for (size_t size = 0; size < 200; size++) round_trip(bytes, size);
        for (int i = 0; i < 20; i++) {
            size_t from = check_random(&state) % 100000, size = check_random(&state) % 200000;
            round_trip(bytes + from, size);
        }
    }
    free(bytes);
}

/* Values behind `start` bytes of something else: `size` bytes of ids, or of strings of hexadecimal
 * digits as PLAIN has them, `length` of each or, where that is 0, fewer than 100. */
static uint8_t *values_make(lm_codec_kind kind, size_t start, size_t length, size_t size)
{
    uint8_t *bytes = malloc(size + length + 200);
    uint64_t state = start + length + 1;
    data_fill(DATA_RANDOM, 1, bytes, start);
    if (kind == LM_CODEC_WORDS) data_fill(DATA_IDS, 2, bytes + start, size - start);
    for (size_t at = start; kind == LM_CODEC_STRINGS && at < size;) {
        uint32_t some = (uint32_t)(length ? length : check_random(&state) % 100);
        memcpy(bytes + at, &some, 4);
        for (at += 4; some; some--) bytes[at++] = "0123456789abcdef"[check_random(&state) % 16];
    }
    return bytes;
}

/* Invariant 1 of snappy_values.c: whatever the layout says, and whether it is true. */
TEST(round_trips_of_values)
{
    enum { SIZE = 100000 };
    uint8_t *bytes = malloc(SIZE);
    const size_t starts[] = {0, 1, 7, 16, 5000, 40000, SIZE - 25, SIZE - 1, SIZE, SIZE_MAX};
    for (int kind = 0; kind < DATA_KINDS; kind++) {
        data_fill(kind, 3, bytes, SIZE);
        for (size_t i = 0; i < sizeof starts / sizeof *starts; i++) {
            round_trip_as(&(lm_codec_layout){LM_CODEC_WORDS, starts[i]}, bytes, SIZE);
            round_trip_as(&(lm_codec_layout){LM_CODEC_STRINGS, starts[i]}, bytes, SIZE);
        }
    }
    free(bytes);
    const size_t lengths[] = {0, 1, 2, 3, 4, 15, 36, 3000, 70000};
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
        uint8_t *strings = values_make(LM_CODEC_STRINGS, 11, lengths[i], 300000);
        for (size_t size = 17000; size <= 300000; size = size * 2 - 1)
            round_trip_as(&(lm_codec_layout){LM_CODEC_STRINGS, 11}, strings, size);
        free(strings);
    }
    uint8_t *ids = values_make(LM_CODEC_WORDS, 11, 0, 300000);
    for (size_t size = 17000; size <= 300000; size = size * 2 - 1)
        round_trip_as(&(lm_codec_layout){LM_CODEC_WORDS, 11}, ids, size);
    free(ids);
}

static size_t elements(const uint8_t *block, size_t size)
{
    size_t at = 0, count = 0;
    while (block[at++] & 0x80) {
    }
    for (; at < size; count++) {
        size_t tag = block[at], bytes = tag >> 2 < 60 ? 0 : (tag >> 2) - 59, length = tag >> 2;
        at++;
        if (tag & 3) {
            at += (tag & 3) == 3 ? 4 : tag & 3;
            continue;
        }
        if (bytes) length = 0;
        for (size_t i = 0; i < bytes; i++) length |= (size_t)block[at + i] << (8 * i);
        at += bytes + length + 1;
    }
    return count;
}

/* One literal and one copy a value, and no more bytes than they say. */
TEST(known_values_take_two_elements)
{
    enum { SIZE = 1 << 20 };
    const struct {
        lm_codec_layout layout;
        size_t length, values;
        double share, share_found; /* with the layout, and without */
    } cases[] = {
        {{LM_CODEC_WORDS, 9}, 0, SIZE / 8, 0.63, 0.63},
        {{LM_CODEC_STRINGS, 9}, 36, SIZE / 40, 0.955, 0.945},
    };
    lm_snappy_table *table = malloc(sizeof *table);
    size_t capacity = lm__snappy_bound(SIZE);
    uint8_t *block = malloc(capacity);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const lm_codec_layout *layout = &cases[i].layout;
        uint8_t *bytes = values_make(layout->kind, layout->start, cases[i].length, SIZE);
        size_t written = lm__snappy_compress_values(bytes, SIZE, layout, block, capacity, table);
        CHECK((double)written < cases[i].share * SIZE);
        CHECK(elements(block, written) < cases[i].values * 2 + cases[i].values / 5);
        written = lm__snappy_compress(bytes, SIZE, block, capacity, table);
        CHECK((double)written < cases[i].share_found * SIZE);
        free(bytes);
    }
    free(block);
    free(table);
}

/* Matches at distances around 64 KiB, where positions modulo 65,536 begin again. */
/* Text of words, cut into strings whose length is `length`, or any up to it. */
static size_t texts_make(size_t length, bool any, uint8_t *bytes, size_t size)
{
    uint64_t state = length + any;
    size_t at = 0;
    while (at + 4 + length + 16 < size) {
        uint8_t *head = bytes + at;
        size_t end = at + 4 + (any ? check_random(&state) % length : length);
        for (at += 4; at < end;) {
            int word = (int)(check_random(&state) % 300);
            at += (size_t)sprintf((char *)bytes + at, "word%d ", word);
        }
        uint32_t some = (uint32_t)(end - (size_t)(head + 4 - bytes));
        memcpy(head, &some, 4);
        at = end;
    }
    return at;
}

/* Long strings are looked into: what repeats in them is found as if they were no strings. */
TEST(long_strings_are_compressed)
{
    enum { SIZE = 1 << 20 };
    const size_t lengths[] = {800, 1100, 5000, 30000, 70000, 400000, SIZE - 30};
    lm_snappy_table *table = malloc(sizeof *table);
    size_t capacity = lm__snappy_bound(SIZE);
    uint8_t *block = malloc(capacity), *bytes = malloc(SIZE);
    for (size_t i = 0; i < 2 * sizeof lengths / sizeof *lengths; i++) {
        const lm_codec_layout layout = {LM_CODEC_STRINGS, 0}, behind = {LM_CODEC_STRINGS, 40};
        size_t size = texts_make(lengths[i / 2], i % 2, bytes, SIZE);
        round_trip_as(&layout, bytes, size);
        round_trip_as(&behind, bytes, size);
        size_t found = lm__snappy_compress(bytes, size, block, capacity, table);
        size_t with = lm__snappy_compress_values(bytes, size, &layout, block, capacity, table);
        CHECK(with < found + found / 32);
        memset(bytes, 'a', size);
        with = lm__snappy_compress_values(bytes, size, &layout, block, capacity, table);
        CHECK(with < size / 20);
    }
    free(bytes);
    free(block);
    free(table);
}

TEST(distances_about_64_kib)
{
    enum { SIZE = 200000 };
    uint8_t *bytes = malloc(SIZE);
    for (size_t distance = 65530; distance <= 65542; distance++) {
        data_fill(DATA_RANDOM, distance, bytes, SIZE);
        memcpy(bytes + 1000 + distance, bytes + 1000, 500);
        memcpy(bytes + 2 * distance, bytes, 300);
        round_trip(bytes, SIZE);
    }
    /* The same at positions that are 0 modulo 65,536, where the cleared table points. */
    data_fill(DATA_RANDOM, 3, bytes, SIZE);
    memcpy(bytes + 65536, bytes, 64);
    memcpy(bytes + 131072, bytes + 65536, 64);
    round_trip(bytes, SIZE);
    free(bytes);
}

TEST(damage_is_refused)
{
    static const struct {
        const char *block;
        size_t block_size, size;
    } cases[] = {
        {"", 0, 0},                         /* no size */
        {"\x80", 1, 0},                     /* a size that does not end */
        {"\x80\x80\x80\x80\x80\x01", 6, 0}, /* a size of more than five bytes */
        {"\xff\xff\xff\xff\x1f", 5, 0},     /* and of more than 32 bits */
        {"\x03\x08"
         "ab",
         4, 3}, /* a literal past the end */
        {"\x03\x08"
         "abc",
         5, 4}, /* another size than was said */
        {"\x04\x08"
         "abc",
         5, 4}, /* less than was said */
        {"\x02\x08"
         "abc",
         5, 2}, /* more than was said */
        {"\x08\x08"
         "abc\x05\x00",
         7, 8}, /* an offset of nothing */
        {"\x08\x08"
         "abc\x05\x04",
         7, 8}, /* from before the start */
        {"\x08\x08"
         "abc\x05",
         6, 8}, /* half a copy */
        {"\x07\x08"
         "abc\x05\x03",
         7, 7},                     /* a copy past the end */
        {"\x05\xfc\xff\xff", 4, 5}, /* a long literal whose length is cut off */
        {"\x05\xfc\xff\xff\xff\xff"
         "abc",
         9, 5}, /* and one of 4 GiB */
        {"\x01", 1, 1},
        {"\x00\x00"
         "a",
         3, 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        for (size_t l = 0; l < 3; l++)
            if (can_run(levels[l]))
                check_refused(levels[l], cases[i].block, cases[i].block_size, cases[i].size);
}

/* Kernels meet each damage in the middle of a long block. */
TEST(damage_in_the_middle_is_refused)
{
    enum { SIZE = 4000 };
    static uint8_t bytes[SIZE], block[SIZE * 2];
    lm_snappy_table table;
    for (size_t l = 0; l < 3; l++) {
        if (!can_run(levels[l])) continue;
        /* Literals of 8 bytes: 9 bytes each. */
        for (int damage = 0; damage < 3; damage++) {
            size_t in = 0;
            block[in++] = (uint8_t)(SIZE | 0x80);
            block[in++] = SIZE >> 7;
            for (size_t i = 0; i < SIZE / 8; i++) {
                block[in++] = 7 << 2;
                memset(block + in, (int)i, 8);
                in += 8;
            }
            uint8_t *copy = block + 2 + 9 * 250;
            copy[0] = 2 | 7 << 2;
            copy[1] = damage == 0 ? 0 : damage == 1 ? 0xd1 : 0xd0;
            copy[2] = damage == 0 ? 0 : 7; /* 2001 and 2000 bytes back, 2000 being there */
            memmove(copy + 3, copy + 9, in - (size_t)(copy + 9 - block));
            in -= 6;
            if (damage == 2) {
                uint8_t *out = malloc(SIZE), *exact = data_exact(block, in);
                CHECK(lm__snappy_decompress_at(levels[l], exact, in, out, SIZE));
                free(out);
                free(exact);
            } else {
                check_refused(levels[l], block, in, SIZE);
            }
        }
    }
    /* Cut anywhere, and any byte changed: refused or something else, never outside. */
    data_fill(DATA_TEXT, 1, bytes, SIZE);
    size_t written = lm__snappy_compress(bytes, SIZE, block, sizeof block, &table);
    for (size_t l = 0; l < 3; l++) {
        if (!can_run(levels[l])) continue;
        for (size_t cut = 0; cut < written; cut++) check_refused(levels[l], block, cut, SIZE);
        for (size_t at = 2; at < written; at++) {
            uint8_t *in = data_exact(block, written), *out = malloc(SIZE);
            in[at] ^= (uint8_t)(1 + at % 255);
            (void)!lm__snappy_decompress_at(levels[l], in, written, out, SIZE);
            free(in);
            free(out);
        }
    }
}

TEST(kernels_agree_on_damage)
{
    enum { SIZE = 3000 };
    static uint8_t bytes[SIZE], block[SIZE * 2], outs[3][SIZE];
    lm_snappy_table table;
    uint64_t state = 17;
    for (int round = 0; round < 3000; round++) {
        data_fill(round % DATA_KINDS, (uint64_t)round, bytes, SIZE);
        size_t written = lm__snappy_compress(bytes, SIZE, block, sizeof block, &table);
        for (int i = 0; i < 3; i++)
            block[2 + check_random(&state) % (written - 2)] = (uint8_t)check_random(&state);
        bool want = lm__snappy_decompress_at(LM_CPU_SCALAR, block, written, outs[0], SIZE);
        for (size_t l = 1; l < 3; l++) {
            if (!can_run(levels[l])) continue;
            bool got = lm__snappy_decompress_at(levels[l], block, written, outs[l], SIZE);
            CHECK_INT(got, want);
            if (want && got) CHECK_BYTES(outs[l], outs[0], SIZE);
            check_by_turns(levels[l], &(lm_snappy_block){block, written, outs[0], SIZE}, want);
        }
    }
}

TEST(bound)
{
    CHECK_INT(lm__snappy_bound(0), 32);
    CHECK_INT(lm__snappy_bound(600), 732);
    CHECK(lm__snappy_bound(SIZE_MAX - 1) == SIZE_MAX);
}

TEST(agrees_with_libsnappy)
{
#if HAVE_SNAPPY
    enum { SIZE = 300000 };
    uint8_t *bytes = malloc(SIZE), *out = malloc(SIZE);
    lm_snappy_table *table = malloc(sizeof *table);
    for (int kind = 0; kind < DATA_KINDS; kind++)
        for (size_t size = kind; size <= SIZE; size = size * 3 + 7) {
            data_fill(kind, size, bytes, size);
            size_t theirs_size = snappy_max_compressed_length(size), out_size = size;
            char *theirs = malloc(theirs_size);
            CHECK_INT(snappy_compress((const char *)bytes, size, theirs, &theirs_size), SNAPPY_OK);
            for (size_t l = 0; l < 3; l++)
                if (can_run(levels[l])) check_decodes(levels[l], theirs, theirs_size, bytes, size);
            size_t capacity = lm__snappy_bound(size);
            char *ours = malloc(capacity);
            size_t written = lm__snappy_compress(bytes, size, ours, capacity, table);
            memset(out, 0xa5, size);
            CHECK_INT(snappy_uncompress(ours, written, (char *)out, &out_size), SNAPPY_OK);
            CHECK_INT(out_size, size);
            CHECK_BYTES(out, bytes, size);
            free(theirs);
            free(ours);
        }
    free(bytes);
    free(out);
    free(table);
#else
    SKIP("libsnappy is not here to compare with (Debian: libsnappy-dev)");
#endif
}

int main(void)
{
    RUN(golden_elements);
    RUN(golden_compressed);
    RUN(every_element);
    RUN(round_trips);
    RUN(round_trips_of_values);
    RUN(known_values_take_two_elements);
    RUN(long_strings_are_compressed);
    RUN(distances_about_64_kib);
    RUN(damage_is_refused);
    RUN(damage_in_the_middle_is_refused);
    RUN(kernels_agree_on_damage);
    RUN(bound);
    RUN(agrees_with_libsnappy);
    return DONE();
}
