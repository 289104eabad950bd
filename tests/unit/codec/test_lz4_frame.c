/* LZ4 frames: those of the lz4 command, blocks worked out by hand, and lies (lz4_frame.h 1, 2). */
#include "codec/lz4_frame.h"

#include "check.h"

static const char fox[] = "the quick brown fox the quick brown fox the quick brown fox\n";
#define FOX_SIZE (sizeof fox - 1)

/* clang-format off */
/* lz4 -B4 --no-frame-crc */
static const uint8_t plain[] = {
    0x04, 0x22, 0x4d, 0x18, 0x60, 0x40, 0x82, 0x1f, 0x00, 0x00, 0x00, 0xff, 0x05, 0x74, 0x68, 0x65,
    0x20, 0x71, 0x75, 0x69, 0x63, 0x6b, 0x20, 0x62, 0x72, 0x6f, 0x77, 0x6e, 0x20, 0x66, 0x6f, 0x78,
    0x20, 0x14, 0x00, 0x10, 0x50, 0x20, 0x66, 0x6f, 0x78, 0x0a, 0x00, 0x00, 0x00, 0x00,
};
/* lz4 -BD -BX: dependent blocks, checksums of the block and the content */
static const uint8_t checked[] = {
    0x04, 0x22, 0x4d, 0x18, 0x74, 0x40, 0xbd, 0x1f, 0x00, 0x00, 0x00, 0xff, 0x05, 0x74, 0x68, 0x65,
    0x20, 0x71, 0x75, 0x69, 0x63, 0x6b, 0x20, 0x62, 0x72, 0x6f, 0x77, 0x6e, 0x20, 0x66, 0x6f, 0x78,
    0x20, 0x14, 0x00, 0x10, 0x50, 0x20, 0x66, 0x6f, 0x78, 0x0a, 0x7a, 0xa2, 0x75, 0xed, 0x00, 0x00,
    0x00, 0x00, 0x3e, 0x79, 0x7c, 0x83,
};
/* lz4 --content-size */
static const uint8_t sized[] = {
    0x04, 0x22, 0x4d, 0x18, 0x6c, 0x40, 0x3c, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x38, 0x1f,
    0x00, 0x00, 0x00, 0xff, 0x05, 0x74, 0x68, 0x65, 0x20, 0x71, 0x75, 0x69, 0x63, 0x6b, 0x20, 0x62,
    0x72, 0x6f, 0x77, 0x6e, 0x20, 0x66, 0x6f, 0x78, 0x20, 0x14, 0x00, 0x10, 0x50, 0x20, 0x66, 0x6f,
    0x78, 0x0a, 0x00, 0x00, 0x00, 0x00, 0x3e, 0x79, 0x7c, 0x83,
};
/* clang-format on */

static const struct {
    const uint8_t *bytes;
    size_t size;
} frames[] = {{plain, sizeof plain}, {checked, sizeof checked}, {sized, sizeof sized}};
#define FRAMES (sizeof frames / sizeof *frames)

/* From memory of just that size, so that a byte read or written outside is found out. */
static lm_status decode(const uint8_t *src, size_t size, uint8_t *dst, size_t dst_size)
{
    uint8_t *exact = malloc(size ? size : 1), *out = malloc(dst_size ? dst_size : 1);
    memcpy(exact, src, size);
    lm_status status = lm__lz4_frame_decode(exact, size, out, dst_size, NULL);
    if (dst) memcpy(dst, out, dst_size);
    free(exact);
    free(out);
    return status;
}

TEST(frames_of_the_command)
{
    for (size_t i = 0; i < FRAMES; i++) {
        uint8_t got[FOX_SIZE];
        CHECK_STATUS(decode(frames[i].bytes, frames[i].size, got, FOX_SIZE), LM_OK);
        CHECK_BYTES(got, fox, FOX_SIZE);
        CHECK_STATUS(decode(frames[i].bytes, frames[i].size, NULL, FOX_SIZE + 1), LM_CORRUPT);
        CHECK_STATUS(decode(frames[i].bytes, frames[i].size, NULL, FOX_SIZE - 1), LM_CORRUPT);
        for (size_t size = 0; size < frames[i].size; size++)
            CHECK_STATUS(decode(frames[i].bytes, size, NULL, FOX_SIZE), LM_CORRUPT);
    }
}

TEST(frames_follow_one_another)
{
    uint8_t joined[8 + 3 + 2 * sizeof plain] = {0x53, 0x2a, 0x4d, 0x18, 3, 0, 0, 0, 'x', 'y', 'z'};
    uint8_t got[2 * FOX_SIZE];
    memcpy(joined + 11, plain, sizeof plain);
    memcpy(joined + 11 + sizeof plain, plain, sizeof plain);
    CHECK_STATUS(decode(joined, sizeof joined, got, sizeof got), LM_OK);
    CHECK_BYTES(got + FOX_SIZE, fox, FOX_SIZE);
    CHECK_STATUS(decode((const uint8_t *)"", 0, NULL, 0), LM_OK);
    CHECK_STATUS(decode((const uint8_t *)"", 0, NULL, 1), LM_CORRUPT);
    joined[4] = 0xff;
    joined[7] = 0xff;
    CHECK_STATUS(decode(joined, sizeof joined, NULL, sizeof got), LM_CORRUPT);
}

/* A changed bit is found in the checked frame, wherever it is. */
TEST(checksums_are_looked_at)
{
    uint8_t bad[sizeof checked];
    for (size_t bit = 0; bit < 8 * sizeof bad; bit++) {
        memcpy(bad, checked, sizeof bad);
        bad[bit / 8] ^= (uint8_t)(1u << bit % 8);
        if (decode(bad, sizeof bad, NULL, FOX_SIZE) == LM_OK)
            check_fail(__FILE__, __LINE__, "bit %zu", bit);
    }
}

static void check_block(const uint8_t *block, size_t size, const char *want, lm_status status)
{
    uint8_t frame[100] = {0x04, 0x22, 0x4d, 0x18, 0x60, 0x40, 0x82}, got[100];
    size_t want_size = want ? strlen(want) : 8;
    frame[7] = (uint8_t)size;
    memcpy(frame + 11, block, size);
    CHECK_STATUS(decode(frame, 11 + size + 4, got, want_size), status);
    if (status == LM_OK) CHECK_BYTES(got, want, want_size);
}

TEST(blocks_by_hand)
{
#define BLOCK(want, status, ...)                                                                   \
    check_block((const uint8_t[]){__VA_ARGS__}, sizeof((const uint8_t[]){__VA_ARGS__}), want,      \
                status)
    BLOCK("abc", LM_OK, 0x30, 'a', 'b', 'c');
    BLOCK("aaaaaaaab", LM_OK, 0x13, 'a', 1, 0, 0x10, 'b');        /* a run: distance 1 */
    BLOCK("abababababz", LM_OK, 0x24, 'a', 'b', 2, 0, 0x10, 'z'); /* it overlaps itself */
    BLOCK("aaaaaaaaaaaaaaaaaaaaaaaab", LM_OK, 0x1f, 'a', 1, 0, 4, 0x10, 'b');
    BLOCK(NULL, LM_CORRUPT, 0x13, 'a', 0, 0, 0x10, 'b'); /* distance 0 */
    BLOCK(NULL, LM_CORRUPT, 0x13, 'a', 2, 0, 0x10, 'b'); /* before the beginning */
    BLOCK(NULL, LM_CORRUPT, 0x13, 'a', 1, 0);            /* ends with a match */
    BLOCK(NULL, LM_CORRUPT, 0x13, 'a', 1);
    BLOCK(NULL, LM_CORRUPT, 0xf0, 255, 255);                  /* lengths without an end */
    BLOCK(NULL, LM_CORRUPT, 0xf0, 0, 'a');                    /* literals past the end */
    BLOCK(NULL, LM_CORRUPT, 0x1f, 'a', 1, 0, 255);            /* a match's length without an end */
    BLOCK(NULL, LM_CORRUPT, 0x1f, 'a', 1, 0, 100, 0x10, 'b'); /* a match past the room */
#undef BLOCK
}

static void check_round_trip(lm_codec_context *context, const uint8_t *data, size_t size)
{
    uint8_t *packed = malloc(lm__lz4_frame_bound(size)), *got = malloc(size ? size : 1);
    size_t written = 0;
    lm_error error;
    CHECK_OK(lm__lz4_frame_encode(context, data, size, packed, &written, &error), error);
    CHECK(written <= lm__lz4_frame_bound(size));
    CHECK_OK(lm__lz4_frame_decode(packed, written, got, size, &error), error);
    CHECK(size == 0 || memcmp(got, data, size) == 0);
    free(packed);
    free(got);
}

TEST(there_and_back)
{
    static const size_t sizes[] = {0, 1, 2, 13, 100, 65536, 4 << 20, (4 << 20) + 1, 9000000};
    lm_codec_context *context;
    lm_error error;
    uint64_t seed = 1;
    uint8_t *data = malloc(9000000);
    CHECK_OK(lm__codec_context_new(NULL, &context, &error), error);
    for (int kind = 0; kind < 3; kind++) {
        for (size_t i = 0; i < 9000000; i++)
            data[i] = (uint8_t)(kind == 0 ? 7 : check_random(&seed) >> (kind == 1 ? 0 : 61));
        for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
            check_round_trip(context, data, sizes[i]);
    }
    lm__codec_context_free(context);
    free(data);
}

int main(void)
{
    RUN(frames_of_the_command);
    RUN(frames_follow_one_another);
    RUN(checksums_are_looked_at);
    RUN(blocks_by_hand);
    RUN(there_and_back);
    return DONE();
}
