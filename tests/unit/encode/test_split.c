/* BYTE_STREAM_SPLIT: the specification's example, kernels against loops, pages that are too short.
 */
#include "encode/split.h"
#include "exact.h"

/* Encodings.md, "Byte Stream Split": the table of three FLOAT values. */
TEST(golden_example)
{
    static const uint8_t values[] = {0xaa, 0xbb, 0xcc, 0xdd, 0x00, 0x11,
                                     0x22, 0x33, 0xa3, 0xb4, 0xc5, 0xd6};
    static const uint8_t want[] = {0xaa, 0x00, 0xa3, 0xbb, 0x11, 0xb4,
                                   0xcc, 0x22, 0xc5, 0xdd, 0x33, 0xd6};
    uint8_t out[12], back[8];
    lm_error error = {0};
    lm__split_encode(values, 3, 4, out);
    CHECK_BYTES(out, want, 12);
    CHECK_OK(lm__split_decode(out, 12, 0, 2, 4, back, &error), error);
    CHECK_BYTES(back, values, 8);
    CHECK_OK(lm__split_decode(out, 12, 1, 2, 4, back, &error), error);
    CHECK_BYTES(back, values + 4, 8);
}

TEST(kernels_at_every_width)
{
    static const size_t widths[] = {2, 4, 8, 2, 4, 8, 1, 3, 5, 7, 12, 16, 20};
    uint64_t state = 51;
    for (int round = 0; round < 4000 && !check_failed; round++) {
        size_t width = widths[round % 13];
        size_t page = check_random(&state) % (round % 5 ? 150 : 1200);
        size_t start = page ? check_random(&state) % page : 0;
        size_t count = page ? check_random(&state) % (page - start + 1) : 0;
        size_t shift = check_random(&state) % 16;
        exact values = exact_new(page * width, shift), streams = exact_new(page * width, 0);
        random_bytes(&state, values.data, page * width);
        for (size_t k = 0; k < width; k++)
            for (size_t i = 0; i < page; i++)
                streams.data[k * page + i] = values.data[i * width + k];
        for (lm_cpu_level level = 0; level <= lm__cpu_level(); level++) {
            const lm_split_kernels *kernels = lm__split_kernels(level);
            exact out = exact_new(page * width, shift / 3);
            kernels->encode(values.data, page, width, out.data);
            CHECK_BYTES(out.data, streams.data, page * width);
            exact_free(out);
            out = exact_new(count * width, shift);
            kernels->decode(streams.data + start, page, count, width, out.data);
            CHECK_BYTES(out.data, values.data + start * width, count * width);
            exact_free(out);
        }
        exact_free(values);
        exact_free(streams);
    }
}

TEST(pages_that_are_wrong)
{
    uint8_t src[16] = {0}, out[16];
    lm_error error = {0};
    CHECK_STATUS(lm__split_decode(src, 15, 0, 3, 4, out, &error), LM_CORRUPT);
    CHECK_STATUS(lm__split_decode(src, 16, 0, 5, 4, out, &error), LM_CORRUPT);
    CHECK_STATUS(lm__split_decode(src, 16, 3, 2, 4, out, &error), LM_CORRUPT);
    CHECK_STATUS(lm__split_decode(src, 16, 5, 0, 4, out, &error), LM_CORRUPT);
    CHECK_STATUS(lm__split_decode(src, 16, SIZE_MAX, 2, 4, out, NULL), LM_CORRUPT);
    CHECK_STATUS(lm__split_decode(src, 16, 0, 1, 0, out, NULL), LM_CORRUPT);
    CHECK_OK(lm__split_decode(src, 16, 4, 0, 4, out, &error), error);
    CHECK_OK(lm__split_decode(NULL, 0, 0, 0, 4, NULL, &error), error);
}

int main(void)
{
    RUN(golden_example);
    RUN(kernels_at_every_width);
    RUN(pages_that_are_wrong);
    return DONE();
}
