/*
 * DELTA_BINARY_PACKED: bytes worked out by hand from Encodings.md, "Delta Encoding"; both ways over
 * random values; kernels against the reference; streams of other shapes, cut, and of any bytes.
 */
#include "encode/delta.h"
#include "exact.h"

#define HEADER(count, first) 0x80, 0x01, 0x04, (count), (first)

#define CHECK_STREAM(bits, values, n, want)                                                        \
    do {                                                                                           \
        exact room_ = exact_new(lm__delta##bits##_bound(n), 0);                                    \
        size_t size_ = lm__delta##bits##_encode(values, n, room_.data);                            \
        CHECK_INT(size_, sizeof(want));                                                            \
        CHECK_BYTES(room_.data, want, sizeof(want));                                               \
        exact_free(room_);                                                                         \
        exact src_ = exact_copy(want, sizeof(want), 0);                                            \
        exact back_ = exact_new((n) * sizeof(int##bits##_t), 0);                                   \
        lm_error error_ = {0};                                                                     \
        CHECK_OK(lm__delta##bits##_decode(src_.data, sizeof(want), n, (void *)back_.data, &size_,  \
                                          &error_),                                                \
                 error_);                                                                          \
        CHECK_INT(size_, sizeof(want));                                                            \
        CHECK_BYTES(back_.data, values, (n) * sizeof(int##bits##_t));                              \
        exact_free(src_);                                                                          \
        exact_free(back_);                                                                         \
    } while (0)

/* Example 1: 1 2 3 4 5, deltas of 1, a width of 0. Example 2: 7 5 3 1 2 3 4 5, the least delta -2
 * (zigzag 3), the others 0 0 0 3 3 3 3 in 2 bits. */
TEST(golden_examples)
{
    static const int32_t one[] = {1, 2, 3, 4, 5}, two[] = {7, 5, 3, 1, 2, 3, 4, 5};
    static const int64_t one64[] = {1, 2, 3, 4, 5}, two64[] = {7, 5, 3, 1, 2, 3, 4, 5};
    static const uint8_t want_one[] = {HEADER(5, 2), 2, 0, 0, 0, 0};
    static const uint8_t want_two[] = {HEADER(8, 14), 3, 2, 0, 0, 0, 0xc0, 0x3f, 0, 0, 0, 0, 0, 0};
    CHECK_STREAM(32, one, 5, want_one);
    CHECK_STREAM(64, one64, 5, want_one);
    CHECK_STREAM(32, two, 8, want_two);
    CHECK_STREAM(64, two64, 8, want_two);
}

TEST(golden_none_and_one)
{
    static const int32_t values[] = {-3};
    static const uint8_t none[] = {HEADER(0, 0)}, one[] = {HEADER(1, 5)};
    lm_error error = {0};
    size_t consumed, count = 0;
    CHECK_STREAM(32, values, count, none);
    CHECK_STREAM(32, values, 1, one);
    CHECK_OK(lm__delta64_decode(NULL, 0, 0, NULL, &consumed, &error), error);
    CHECK_INT(consumed, 0);
}

/* From the least value to the most the delta wraps around to -1, and back to 1: relative to -1 they
 * are 0 and 2. */
TEST(golden_wrap_around)
{
    static const int32_t narrow[] = {INT32_MIN, INT32_MAX, INT32_MIN};
    static const int64_t wide[] = {INT64_MIN, INT64_MAX, INT64_MIN};
    static const uint8_t want32[] = {0x80, 1, 4, 3,    0xff, 0xff, 0xff, 0xff, 0x0f, 1, 2,
                                     0,    0, 0, 0x08, 0,    0,    0,    0,    0,    0, 0};
    static const uint8_t want64[] = {0x80, 1,    4,    3,    0xff, 0xff, 0xff, 0xff, 0xff,
                                     0xff, 0xff, 0xff, 0xff, 0x01, 1,    2,    0,    0,
                                     0,    0x08, 0,    0,    0,    0,    0,    0,    0};
    CHECK_STREAM(32, narrow, 3, want32);
    CHECK_STREAM(64, wide, 3, want64);
}

/* 130 values: a full block of 128 deltas, then a block of one. Deltas are 1 but for one of 2 in the
 * second miniblock (its place 3) and one of 17 in the fourth (its place 31). */
TEST(golden_two_blocks)
{
    int32_t values[130];
    for (int i = 0; i < 130; i++) values[i] = i + (i >= 36) + 16 * (i >= 128);
    uint8_t want[] = {0x80, 1, 4, 0x82, 0x01, 0,             /* header */
                      2,    0, 1, 0,    5,    0x08, 0, 0, 0, /* widths 0 1 0 5 */
                      0,    0, 0, 0,    0,    0,    0, 0, 0,
                      0,    0,                                  /* 31 zeros and 16 in 5 bits */
                      0,    0, 0, 0,    0,    0,    0, 0, 0x80, /* the top bit of 20 bytes */
                      2,    0, 0, 0,    0};
    CHECK_STREAM(32, values, 130, want);
}

static void fill(uint64_t *state, int64_t *values, size_t count)
{
    uint64_t kind = check_random(state) % 6, last = check_random(state);
    unsigned bits = (unsigned)(check_random(state) % 64);
    for (size_t i = 0; i < count; i++) {
        uint64_t random = check_random(state);
        switch (kind) {
        case 0: last += random >> bits; break;
        case 1: last = random >> bits; break;
        case 2: last += 1000; break;
        case 3: last += (uint64_t)((int64_t)random >> bits); break;
        case 4: last = (i & 1 ? (uint64_t)INT64_MAX : (uint64_t)INT64_MIN) + (random & 3); break;
        default: last += i % 40 ? random >> 60 : random >> bits;
        }
        values[i] = (int64_t)last;
    }
}

#define ROUND_TRIP(bits)                                                                           \
    do {                                                                                           \
        exact values_ = exact_new(count * sizeof(int##bits##_t), 0);                               \
        for (size_t i = 0; i < count; i++)                                                         \
            ((int##bits##_t *)(void *)values_.data)[i] = (int##bits##_t)wide[i];                   \
        exact room_ = exact_new(lm__delta##bits##_bound(count), count % 3);                        \
        size_t size_ = lm__delta##bits##_encode((void *)values_.data, count, room_.data), used_;   \
        CHECK(size_ + LM_ENCODE_SLACK <= lm__delta##bits##_bound(count));                          \
        exact src_ = exact_copy(room_.data, size_, count % 5);                                     \
        exact back_ = exact_new(count * sizeof(int##bits##_t), 0);                                 \
        CHECK_OK(                                                                                  \
            lm__delta##bits##_decode(src_.data, size_, count, (void *)back_.data, &used_, &error), \
            error);                                                                                \
        CHECK_INT(used_, size_);                                                                   \
        CHECK_BYTES(back_.data, values_.data, count * sizeof(int##bits##_t));                      \
        exact_free(values_);                                                                       \
        exact_free(room_);                                                                         \
        exact_free(src_);                                                                          \
        exact_free(back_);                                                                         \
    } while (0)

TEST(both_ways)
{
    static int64_t wide[1200];
    uint64_t state = 31;
    lm_error error = {0};
    for (int round = 0; round < 3000 && !check_failed; round++) {
        size_t count = check_random(&state) % (round % 4 ? 300 : 1200);
        fill(&state, wide, count);
        ROUND_TRIP(32);
        ROUND_TRIP(64);
    }
}

#define BLOCK_EQUAL(bits)                                                                          \
    do {                                                                                           \
        int##bits##_t values_[129];                                                                \
        uint##bits##_t relative_[128], ors_[4] = {0}, out_[128], out_ors_[4];                      \
        for (int i = 0; i < 129; i++) values_[i] = (int##bits##_t)wide[i];                         \
        int##bits##_t least_ = INT##bits##_MAX;                                                    \
        for (int i = 0; i < 128; i++) {                                                            \
            relative_[i] = (uint##bits##_t)values_[i + 1] - (uint##bits##_t)values_[i];            \
            if ((int##bits##_t)relative_[i] < least_) least_ = (int##bits##_t)relative_[i];        \
        }                                                                                          \
        for (int i = 0; i < 128; i++) ors_[i / 32] |= relative_[i] -= (uint##bits##_t)least_;      \
        CHECK_INT(kernels->block##bits(values_ + 1, out_, out_ors_), least_);                      \
        CHECK_BYTES(out_, relative_, sizeof relative_);                                            \
        CHECK_BYTES(out_ors_, ors_, sizeof ors_);                                                  \
        size_t few_ = check_random(&state) % 129;                                                  \
        exact sums_ = exact_copy(relative_, few_ * sizeof *relative_, 0);                          \
        uint##bits##_t last_ = kernels->sum##bits(                                                 \
            (void *)sums_.data, few_, (uint##bits##_t)least_, (uint##bits##_t)values_[0]);         \
        CHECK_BYTES(sums_.data, values_ + 1, few_ * sizeof *relative_);                            \
        CHECK(last_ == (uint##bits##_t)values_[few_]);                                             \
        exact_free(sums_);                                                                         \
    } while (0)

TEST(kernels_of_every_level)
{
    int64_t wide[129];
    uint64_t state = 32;
    for (int round = 0; round < 3000 && !check_failed; round++) {
        fill(&state, wide, 129);
        for (lm_cpu_level level = 0; level <= lm__cpu_level(); level++) {
            const lm_delta_kernels *kernels = lm__delta_kernels(level);
            BLOCK_EQUAL(32);
            BLOCK_EQUAL(64);
        }
    }
}

static lm_status decode32(const void *bytes, size_t size, size_t count, int32_t *out,
                          size_t *consumed)
{
    exact src = exact_copy(bytes, size, 0);
    lm_status status = lm__delta32_decode(src.data, size, count, out, consumed, NULL);
    exact_free(src);
    return status;
}

/* Blocks of 16 in one miniblock, of 256 in 8, widths that differ, and widths of garbage where no
 * value is left, as Encodings.md allows. */
TEST(other_shapes)
{
    static const uint8_t small[] = {16, 1, 19, 2, 2, 1, 0xff, 0xff, 2, 2, 0xe4, 0, 0, 0};
    int32_t out[19];
    size_t consumed;
    CHECK_INT(decode32(small, sizeof small, 19, out, &consumed), LM_OK);
    CHECK_INT(consumed, sizeof small);
    for (int i = 0; i < 17; i++) CHECK_INT(out[i], 1 + 2 * i);
    CHECK_INT(out[17], 34);
    CHECK_INT(out[18], 36);

    /* One value after the first, in a block of 8 miniblocks of 32: 7 of the widths say nothing. */
    uint8_t wide[] = {0x80, 2, 8, 2, 20, 1, 3, 0xff, 99, 64, 33, 1, 2,
                      0xee, 7, 0, 0, 0,  0, 0, 0,    0,  0,  0,  0, 0};
    CHECK_INT(decode32(wide, sizeof wide, 2, out, &consumed), LM_OK);
    CHECK_INT(consumed, sizeof wide);
    CHECK_INT(out[1], 10 - 1 + 7);
    /* The padding cut off, as other readers do not mind; but not the value. */
    CHECK_INT(decode32(wide, 15, 2, out, &consumed), LM_OK);
    CHECK_INT(consumed, 15);
    CHECK_INT(decode32(wide, 14, 2, out, &consumed), LM_CORRUPT);
}

/* As DuckDB packs them: deltas that do not wrap around, of up to 33 bits. */
TEST(values_of_32_bits_with_deltas_of_64)
{
    uint64_t state = 34;
    for (int round = 0; round < 500 && !check_failed; round++) {
        int64_t values[300];
        int32_t out[300];
        uint8_t packed[300 * 9 + 1000];
        size_t consumed, count = check_random(&state) % 301;
        unsigned bits = 1 + (unsigned)(check_random(&state) % 32);
        for (size_t i = 0; i < count; i++)
            values[i] = (int32_t)(uint32_t)(check_random(&state) >> (64 - bits) << (32 - bits));
        REQUIRE(lm__delta64_bound(count) <= sizeof packed);
        size_t size = lm__delta64_encode(values, count, packed);
        CHECK_INT(decode32(packed, size, count, out, &consumed), LM_OK);
        CHECK_INT(consumed, size);
        for (size_t i = 0; i < count; i++) CHECK_INT(out[i], values[i]);
    }
}

TEST(what_cannot_be)
{
    static const uint8_t five[] = {HEADER(5, 2), 2, 0, 0, 0, 0};
    int32_t out[8];
    size_t consumed;
    CHECK_INT(decode32(five, sizeof five, 5, out, &consumed), LM_OK);
    CHECK_INT(decode32(five, sizeof five, 4, out, &consumed), LM_CORRUPT);
    CHECK_INT(decode32(five, sizeof five, 6, out, &consumed), LM_CORRUPT);
    CHECK_INT(decode32(five, sizeof five, 0, out, &consumed), LM_CORRUPT);
    for (size_t size = 0; size < sizeof five; size++)
        CHECK_INT(decode32(five, size, 5, out, &consumed), LM_CORRUPT);
    static const struct {
        const char *what;
        uint8_t bytes[24];
        size_t size;
    } bad[] = {
        {"no values in a block", {0, 1, 5, 2, 2, 0}, 6},
        {"no miniblocks", {0x80, 1, 0, 5, 2, 2, 0}, 7},
        {"miniblocks that do not divide a block", {0x80, 1, 3, 5, 2, 2, 0, 0, 0}, 9},
        {"miniblocks of 4 values", {0x80, 1, 32, 5, 2}, 5},
        {"blocks of 2^31", {0x80, 0x80, 0x80, 0x80, 8, 1, 5, 2, 2, 0}, 10},
        {"a width of 65", {HEADER(2, 2), 2, 65, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8}, 18},
        {"a first value of 34 bits", {0x80, 1, 4, 1, 0x80, 0x80, 0x80, 0x80, 0x40}, 9},
        {"a number of 65 bits",
         {0x80, 1, 4, 1, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2},
         14},
        {"a number without end",
         {0x80, 1, 4, 1, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x81, 0},
         15},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        size_t count = bad[i].bytes[bad[i].bytes[0] == 0x80 ? 3 : 2];
        if (bad[i].size == 10 || bad[i].size == 6) count = 5;
        if (decode32(bad[i].bytes, bad[i].size, count, out, &consumed) != LM_CORRUPT)
            check_fail(__FILE__, __LINE__, "%s is taken", bad[i].what);
    }
}

/* Every cut of a stream fails but within its padding; every bit turned gives an answer. */
TEST(cut_and_spoilt)
{
    int64_t values[300], out[300];
    uint64_t state = 33;
    for (int round = 0; round < 60; round++) {
        size_t count = 2 + check_random(&state) % 298, used;
        fill(&state, values, count);
        exact room = exact_new(lm__delta64_bound(count), 0);
        size_t size = lm__delta64_encode(values, count, room.data);
        for (size_t cut = 0; cut < size; cut++) {
            exact src = exact_copy(room.data, cut, 0);
            if (lm__delta64_decode(src.data, cut, count, out, &used, NULL) == LM_OK) {
                CHECK(count % 32 != 1 && size - cut <= 31 * 8);
                CHECK_INT(used, cut);
                CHECK_BYTES(out, values, count * 8);
            }
            exact_free(src);
        }
        for (int i = 0; i < 200; i++) {
            exact src = exact_copy(room.data, size, 0);
            src.data[check_random(&state) % size] ^= (uint8_t)(1 << check_random(&state) % 8);
            lm_status status = lm__delta64_decode(src.data, size, count, out, &used, NULL);
            CHECK(status == LM_CORRUPT || (status == LM_OK && used <= size));
            exact_free(src);
        }
        exact_free(room);
    }
}

TEST(any_bytes)
{
    uint64_t state = 34;
    for (int round = 0; round < 20000 && !check_failed; round++) {
        size_t size = check_random(&state) % 120, count = check_random(&state) % 128, used;
        exact src = exact_new(size, 0), out = exact_new(count * 8, 0);
        random_bytes(&state, src.data, size);
        uint8_t header[] = {HEADER((uint8_t)count, 0)};
        if (round % 4 && size >= sizeof header) memcpy(src.data, header, sizeof header);
        if (round % 2 && size >= 10)
            for (int k = 6; k < 10; k++) src.data[k] %= 12;
        for (int bits = 32; bits <= 64; bits += 32) {
            void *to = out.data;
            lm_status status = bits == 32
                                   ? lm__delta32_decode(src.data, size, count, to, &used, NULL)
                                   : lm__delta64_decode(src.data, size, count, to, &used, NULL);
            CHECK(status == LM_CORRUPT || (status == LM_OK && used <= size));
        }
        exact_free(src);
        exact_free(out);
    }
}

int main(void)
{
    RUN(golden_examples);
    RUN(golden_none_and_one);
    RUN(golden_wrap_around);
    RUN(golden_two_blocks);
    RUN(both_ways);
    RUN(kernels_of_every_level);
    RUN(other_shapes);
    RUN(values_of_32_bits_with_deltas_of_64);
    RUN(what_cannot_be);
    RUN(cut_and_spoilt);
    RUN(any_bytes);
    return DONE();
}
