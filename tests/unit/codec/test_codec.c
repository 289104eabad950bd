/* The table of codecs: names, levels, round trips, damage, what other writers leave in files. */
#include <lamella/codec.h>

#include "base/alloc.h"
#include "check_alloc.h"
#include "codec/codec.h"
#include "codec/data.h"
#include "codec/snappy.h"

static lm_error error;
static const lm_codec writable[] = {LM_CODEC_UNCOMPRESSED, LM_CODEC_SNAPPY, LM_CODEC_GZIP,
                                    LM_CODEC_BROTLI,       LM_CODEC_ZSTD,   LM_CODEC_LZ4_RAW};
#define WRITABLE (sizeof writable / sizeof *writable)

TEST(names)
{
    lm_codec codec;
    for (int i = 0; i <= LM_CODEC_LZ4_RAW; i++) {
        CHECK_OK(lm__codec_parse(lm__codec_name(i), &codec, &error), error);
        CHECK_INT(codec, i);
    }
    CHECK(lm__codec_name(8) == NULL);
    CHECK(lm__codec_name(-1) == NULL);
    CHECK_OK(lm__codec_parse("ZSTD", &codec, &error), error);
    CHECK_INT(codec, LM_CODEC_ZSTD);
    CHECK_OK(lm__codec_parse("none", &codec, &error), error);
    CHECK_INT(codec, LM_CODEC_UNCOMPRESSED);
    CHECK_STATUS(lm__codec_parse("zip\n", &codec, &error), LM_INVALID);
    CHECK_TEXT(error.message, "there is no codec \"zip\\x0a\"; there are uncompressed, snappy, "
                              "gzip, brotli, zstd and lz4_raw");
}

TEST(what_can_be_written)
{
    for (size_t i = 0; i < WRITABLE; i++)
        CHECK_OK(lm__codec_check_write((int)writable[i], LM_CODEC_LEVEL_DEFAULT, &error), error);
    CHECK_STATUS(lm__codec_check_write(LM_CODEC_LZO, LM_CODEC_LEVEL_DEFAULT, &error),
                 LM_UNSUPPORTED);
    CHECK_TEXT(error.message, "the codec lzo is not supported");
    CHECK_STATUS(lm__codec_check_write(LM_CODEC_LZ4_HADOOP, LM_CODEC_LEVEL_DEFAULT, &error),
                 LM_UNSUPPORTED);
    CHECK_TEXT(error.message, "lz4 is an old framing that is read only; write lz4_raw");
    CHECK_STATUS(lm__codec_check_write(8, LM_CODEC_LEVEL_DEFAULT, &error), LM_INVALID);
    CHECK_STATUS(lm__codec_check_write(LM_CODEC_SNAPPY, 1, &error), LM_INVALID);
    CHECK_TEXT(error.message, "snappy has no levels, and 1 was given");
    CHECK_STATUS(lm__codec_check_write(LM_CODEC_ZSTD, 23, &error), LM_INVALID);
    CHECK_TEXT(error.message, "zstd has levels from -131072 to 22, not 23");
    CHECK_OK(lm__codec_check_write(LM_CODEC_ZSTD, -5, &error), error);
    CHECK_OK(lm__codec_check_read(LM_CODEC_LZ4_HADOOP, &error), error);
    CHECK_STATUS(lm__codec_check_read(LM_CODEC_LZO, &error), LM_UNSUPPORTED);
    CHECK_STATUS(lm__codec_check_read(1000, &error), LM_UNSUPPORTED);
    CHECK_TEXT(error.message, "codec 1000 is not known");
}

static void round_trip(lm_codec_context *context, lm_codec codec, int level, const uint8_t *bytes,
                       size_t size)
{
    size_t capacity = lm__codec_bound(codec, size), written = 0;
    uint8_t *in = data_exact(bytes, size), *packed = malloc(capacity ? capacity : 1);
    uint8_t *out = malloc(size + 1);
    CHECK_OK(
        lm__codec_compress(context, codec, level, in, size, packed, capacity, &written, &error),
        error);
    CHECK(written <= capacity);
    uint8_t *exact = data_exact(packed, written);
    CHECK_OK(lm__codec_decompress(context, (int)codec, exact, written, out, size, &error), error);
    CHECK_BYTES(out, bytes, size);
    /* Invariant 2: one byte more or less is another size. */
    CHECK_STATUS(lm__codec_decompress(context, (int)codec, exact, written, out, size + 1, &error),
                 LM_CORRUPT);
    if (size)
        CHECK_STATUS(
            lm__codec_decompress(context, (int)codec, exact, written, out, size - 1, &error),
            LM_CORRUPT);
    if (written > 1) {
        uint8_t *cut = data_exact(packed, written - 1);
        CHECK_STATUS(lm__codec_decompress(context, (int)codec, cut, written - 1, out, size, &error),
                     LM_CORRUPT);
        free(cut);
    }
    /* Too little room is no error to be told. */
    if (written > 1) {
        uint8_t *tight = malloc(written - 1);
        error.message[0] = '\0';
        CHECK_STATUS(lm__codec_compress(context, codec, level, in, size, tight, written - 1,
                                        &written, &error),
                     LM_LIMIT);
        CHECK_TEXT(error.message, "");
        free(tight);
    }
    free(in);
    free(packed);
    free(exact);
    free(out);
}

TEST(round_trips)
{
    enum { SIZE = 70000 };
    static uint8_t bytes[SIZE];
    lm_codec_context *context;
    CHECK_OK(lm__codec_context_new(NULL, &context, &error), error);
    for (int kind = 0; kind < DATA_KINDS; kind++) {
        data_fill(kind, 3, bytes, SIZE);
        for (size_t i = 0; i < WRITABLE; i++) {
            int lowest, highest, standard;
            lm__codec_levels(writable[i], &lowest, &highest, &standard);
            CHECK(standard >= lowest && standard <= highest);
            round_trip(context, writable[i], LM_CODEC_LEVEL_DEFAULT, bytes, SIZE);
            for (size_t size = 0; size < 70; size += size < 10 ? 1 : 13)
                round_trip(context, writable[i], LM_CODEC_LEVEL_DEFAULT, bytes, size);
            if (lowest == highest) continue;
            round_trip(context, writable[i], lowest < -7 ? -7 : lowest, bytes, 5000);
            round_trip(context, writable[i], highest, bytes, 5000);
        }
    }
    lm__codec_context_free(context);
    lm__codec_context_free(NULL);
}

/* Invariant 4: what a context did before does not show in what it does next. */
TEST(the_same_bytes_from_a_used_context)
{
    enum { SIZE = 40000, ROOM = 50000 };
    static uint8_t bytes[SIZE], other[SIZE], first[ROOM], second[ROOM];
    data_fill(DATA_MIXED, 1, bytes, SIZE);
    data_fill(DATA_TEXT, 2, other, SIZE);
    for (size_t i = 0; i < WRITABLE; i++) {
        lm_codec_context *fresh, *used;
        size_t a, b, ignored;
        CHECK_OK(lm__codec_context_new(NULL, &fresh, &error), error);
        CHECK_OK(lm__codec_context_new(NULL, &used, &error), error);
        int lowest, highest, standard;
        lm__codec_levels(writable[i], &lowest, &highest, &standard);
        for (size_t j = 0; j < WRITABLE; j++)
            CHECK_OK(lm__codec_compress(used, writable[j], LM_CODEC_LEVEL_DEFAULT, other, SIZE,
                                        second, ROOM, &ignored, &error),
                     error);
        if (lowest != highest)
            CHECK_OK(lm__codec_compress(used, writable[i], standard + 1, other, SIZE, second, ROOM,
                                        &ignored, &error),
                     error);
        CHECK_OK(lm__codec_compress(fresh, writable[i], LM_CODEC_LEVEL_DEFAULT, bytes, SIZE, first,
                                    ROOM, &a, &error),
                 error);
        CHECK_OK(lm__codec_compress(used, writable[i], LM_CODEC_LEVEL_DEFAULT, bytes, SIZE, second,
                                    ROOM, &b, &error),
                 error);
        CHECK_INT(a, b);
        CHECK_BYTES(second, first, a);
        lm__codec_context_free(fresh);
        lm__codec_context_free(used);
    }
}

TEST(bounds_hold)
{
    for (size_t i = 0; i < WRITABLE; i++) {
        CHECK(lm__codec_bound(writable[i], SIZE_MAX - 1) >= SIZE_MAX - 1);
        CHECK(lm__codec_bound(writable[i], 0) < 200);
    }
    CHECK(lm__codec_bound(LM_CODEC_LZO, 5) == SIZE_MAX);
}

/* Members one after the other are one stream (RFC 1952, 2.2). */
TEST(gzip_members)
{
    lm_codec_context *context;
    uint8_t packed[200], out[6];
    size_t first, second;
    CHECK_OK(lm__codec_context_new(NULL, &context, &error), error);
    CHECK_OK(lm__codec_compress(context, LM_CODEC_GZIP, 6, "abc", 3, packed, 100, &first, &error),
             error);
    CHECK_OK(lm__codec_compress(context, LM_CODEC_GZIP, 6, "def", 3, packed + first, 100, &second,
                                &error),
             error);
    CHECK_OK(lm__codec_decompress(context, LM_CODEC_GZIP, packed, first + second, out, 6, &error),
             error);
    CHECK_BYTES(out, "abcdef", 6);
    packed[first + second] = 0;
    CHECK_STATUS(
        lm__codec_decompress(context, LM_CODEC_GZIP, packed, first + second + 1, out, 6, &error),
        LM_CORRUPT);
    lm__codec_context_free(context);
}

/* Compression.md: Hadoop's framing, several pieces of it, a bare block, and a frame of LZ4's own. A
 * block: a token with the literal's length in its upper half, then the literal. */
TEST(lz4_of_old)
{
    static const uint8_t bare[] = {0x30, 'a', 'b', 'c'};
    static const uint8_t framed[] = {0, 0, 0, 3, 0, 0, 0, 4, 0x30, 'a', 'b', 'c'};
    static const uint8_t pieces[] = {0,   0, 0, 3, 0, 0, 0, 4, 0x30, 'a',  'b',
                                     'c', 0, 0, 0, 1, 0, 0, 0, 2,    0x10, 'd'};
    static const uint8_t parts[] = {0,   0,   0,   4, 0, 0, 0, 4,    0x30,
                                    'a', 'b', 'c', 0, 0, 0, 2, 0x10, 'd'};
    static const uint8_t frame[] = {0x04, 0x22, 0x4d, 0x18, 0x60, 0x40, 0x82, 4, 0, 0,
                                    0,    0x30, 'a',  'b',  'c',  0,    0,    0, 0};
    static const uint8_t endless[] = {0, 0, 0, 3, 0, 0, 0, 1, 0x00, 0, 0, 0, 1, 0x00};
    lm_codec_context *context;
    uint8_t out[8];
    CHECK_OK(lm__codec_context_new(NULL, &context, &error), error);
#define UNPACKS(bytes, text)                                                                       \
    CHECK_OK(lm__codec_decompress(context, LM_CODEC_LZ4_HADOOP, bytes, sizeof bytes, out,          \
                                  strlen(text), &error),                                           \
             error);                                                                               \
    CHECK_BYTES(out, text, strlen(text))
    UNPACKS(bare, "abc");
    UNPACKS(framed, "abc");
    UNPACKS(pieces, "abcd");
    UNPACKS(parts, "abcd");
    UNPACKS(frame, "abc");
    for (size_t cut = 1; cut < sizeof parts; cut++)
        CHECK_STATUS(lm__codec_decompress(context, LM_CODEC_LZ4_HADOOP, parts, cut, out, 4, &error),
                     LM_CORRUPT);
    CHECK_STATUS(
        lm__codec_decompress(context, LM_CODEC_LZ4_HADOOP, endless, sizeof endless, out, 3, &error),
        LM_CORRUPT);
    CHECK_TEXT(error.message, "lz4: 14 bytes of data are damaged, or do not hold 3 bytes");
    lm__codec_context_free(context);
}

TEST(nothing_holds_nothing)
{
    lm_codec_context *context;
    CHECK_OK(lm__codec_context_new(NULL, &context, &error), error);
    for (int codec = 0; codec <= LM_CODEC_LZ4_RAW; codec++) {
        if (codec == LM_CODEC_LZO) continue;
        CHECK_OK(lm__codec_decompress(context, codec, NULL, 0, NULL, 0, &error), error);
        CHECK_STATUS(lm__codec_decompress(context, codec, NULL, 0, &error, 1, NULL), LM_CORRUPT);
    }
    lm__codec_context_free(context);
}

/* Only what goes through our allocator: the libraries have their own. */
TEST(out_of_memory)
{
    uint8_t out[100];
    size_t written;
    for (size_t n = 0;; n++) {
        check_alloc memory;
        check_alloc_init(&memory, n);
        lm_codec_context *context = NULL;
        lm_status status = lm__codec_context_new(&memory.allocator, &context, &error);
        for (size_t i = 0; i < WRITABLE && status == LM_OK; i++)
            status = lm__codec_compress(context, writable[i], LM_CODEC_LEVEL_DEFAULT, "abc", 3, out,
                                        sizeof out, &written, &error);
        lm__codec_context_free(context);
        CHECK_INT(memory.live, 0);
        CHECK_STATUS(status, memory.failed ? LM_NO_MEMORY : LM_OK);
        if (!memory.failed) break;
    }
}

int main(void)
{
    RUN(names);
    RUN(what_can_be_written);
    RUN(round_trips);
    RUN(the_same_bytes_from_a_used_context);
    RUN(bounds_hold);
    RUN(gzip_members);
    RUN(lz4_of_old);
    RUN(nothing_holds_nothing);
    RUN(out_of_memory);
    return DONE();
}
