/* Bounds against a slow search, at every level of the processor (minmax.h, invariants 1 and 2). */
#include "encode/minmax.h"

#include <math.h>

#include "check.h"

enum { MOST = 3000 };
static uint8_t bitmap[MOST / 8 + 16];

static void make_bitmap(uint64_t *seed, int density)
{
    for (size_t i = 0; i < sizeof bitmap * 8; i++) {
        uint8_t bit = (uint8_t)(check_random(seed) % 10 < (uint64_t)density);
        bitmap[i / 8] = (uint8_t)((bitmap[i / 8] & ~(1u << i % 8)) | (unsigned)bit << i % 8);
    }
}

#define INTEGERS(name, type)                                                                       \
    TEST(integers_##name)                                                                          \
    {                                                                                              \
        static type values[MOST];                                                                  \
        uint64_t seed = 11;                                                                        \
        for (int round = 0; round < 200; round++) {                                                \
            size_t count = check_random(&seed) % MOST, offset = check_random(&seed) % 9;           \
            for (size_t i = 0; i < MOST; i++) values[i] = (type)check_random(&seed);               \
            make_bitmap(&seed, round % 11);                                                        \
            lm_bits valid = round % 3 ? (lm_bits){bitmap, offset} : LM_BITS_ALL;                   \
            type min = 0, max = 0, low = 0, high = 0;                                              \
            bool there = false;                                                                    \
            for (size_t i = 0; i < count; i++) {                                                   \
                if (!lm__bits_get(valid, i)) continue;                                             \
                if (!there || values[i] < low) low = values[i];                                    \
                if (!there || values[i] > high) high = values[i];                                  \
                there = true;                                                                      \
            }                                                                                      \
            CHECK_INT(lm__minmax_##name(values, valid, count, &min, &max), there);                 \
            if (there) CHECK(min == low && max == high);                                           \
            if (!valid.bytes && count)                                                             \
                for (int level = 0; level <= (int)lm__cpu_level(); level++) {                      \
                    lm__minmax_kernels((lm_cpu_level)level)->name(values, count, &min, &max);      \
                    CHECK(min == low && max == high);                                              \
                }                                                                                  \
        }                                                                                          \
    }
INTEGERS(i8, int8_t)
INTEGERS(u8, uint8_t)
INTEGERS(i16, int16_t)
INTEGERS(u16, uint16_t)
INTEGERS(i32, int32_t)
INTEGERS(u32, uint32_t)
INTEGERS(i64, int64_t)
INTEGERS(u64, uint64_t)

#define FLOATS(name, type)                                                                         \
    TEST(floats_##name)                                                                            \
    {                                                                                              \
        static type values[MOST];                                                                  \
        uint64_t seed = 13;                                                                        \
        for (int round = 0; round < 300; round++) {                                                \
            size_t count = check_random(&seed) % MOST, nans = 99, want_nans = 0;                   \
            for (size_t i = 0; i < MOST; i++) {                                                    \
                uint64_t kind = check_random(&seed) % 8;                                           \
                values[i] = kind == 0   ? (type)NAN                                                \
                            : kind == 1 ? -(type)0                                                 \
                            : kind == 2 ? 0                                                        \
                                        : (type)(int64_t)check_random(&seed);                      \
                if (round % 5 == 0 && kind > 2) values[i] = (type)fabs((double)values[i]);         \
            }                                                                                      \
            make_bitmap(&seed, round % 11);                                                        \
            lm_bits valid = round % 3 ? (lm_bits){bitmap, 3} : LM_BITS_ALL;                        \
            type min = 0, max = 0, low = (type)INFINITY, high = -(type)INFINITY;                   \
            bool there = false;                                                                    \
            for (size_t i = 0; i < count; i++) {                                                   \
                if (!lm__bits_get(valid, i)) continue;                                             \
                want_nans += values[i] != values[i];                                               \
                if (values[i] != values[i]) continue;                                              \
                if (values[i] < low) low = values[i];                                              \
                if (values[i] > high) high = values[i];                                            \
                there = true;                                                                      \
            }                                                                                      \
            CHECK_INT(lm__minmax_##name(values, valid, count, &min, &max, &nans), there);          \
            CHECK_INT(nans, want_nans);                                                            \
            if (!there) continue;                                                                  \
            CHECK(min == low && max == high);                                                      \
            if (min == 0) CHECK(signbit(min));                                                     \
            if (max == 0) CHECK(!signbit(max));                                                    \
            if (valid.bytes) continue;                                                             \
            for (int level = 0; level <= (int)lm__cpu_level(); level++) {                          \
                const lm_minmax_kernels *kernels = lm__minmax_kernels((lm_cpu_level)level);        \
                CHECK_INT(kernels->name(values, count, &min, &max), want_nans);                    \
                CHECK(min == low && max == high);                                                  \
            }                                                                                      \
        }                                                                                          \
    }
FLOATS(f32, float)
FLOATS(f64, double)

TEST(half_floats)
{
    /* 1.0, -2.0, NaN, -0.0, 65504 */
    static const uint16_t values[] = {0x3c00, 0xc000, 0x7e01, 0x8000, 0x7bff};
    uint16_t min, max;
    size_t nans;
    CHECK(lm__minmax_f16(values, LM_BITS_ALL, 5, &min, &max, &nans));
    CHECK_INT(min, 0xc000);
    CHECK_INT(max, 0x7bff);
    CHECK_INT(nans, 1);
    CHECK(lm__minmax_f16(values + 3, LM_BITS_ALL, 1, &min, &max, NULL));
    CHECK_INT(min, 0x8000);
    CHECK_INT(max, 0);
    CHECK(!lm__minmax_f16(values + 2, LM_BITS_ALL, 1, &min, &max, NULL));
}

TEST(strings_and_big_endian_numbers)
{
    static uint8_t data[MOST * 64];
    static int32_t offsets[MOST + 1];
    uint64_t seed = 17;
    for (int round = 0; round < 100; round++) {
        size_t count = 1 + check_random(&seed) % 400, at = 0;
        make_bitmap(&seed, 1 + round % 10);
        lm_bits valid = round % 2 ? (lm_bits){bitmap, 1} : LM_BITS_ALL;
        for (size_t i = 0; i < count; i++) { /* a shared beginning, and few letters */
            size_t shared = round % 4 * 5, length = check_random(&seed) % 18;
            offsets[i] = (int32_t)at;
            if (round % 5 == 4) { /* rising or falling numbers behind it */
                shared = (size_t)round / 5 * 2;
                memset(data + at, 'x', shared);
                size_t number = round / 5 % 2 ? i : count - i;
                at += shared + (size_t)sprintf((char *)data + at + shared, "%05zu", number);
                continue;
            }
            if (length) memset(data + at, 'x', shared);
            for (size_t k = shared; k < length; k++)
                data[at + k] = (uint8_t)(check_random(&seed) % 3 * 100);
            at += length;
        }
        offsets[count] = (int32_t)at;
        lm_strings strings = {.kind = LM_STRINGS_OFFSETS32, .offsets = offsets, .data = data};
        size_t min, max, low = SIZE_MAX, high = 0;
        for (size_t i = 0; i < count; i++) {
            if (!lm__bits_get(valid, i)) continue;
            lm_slice value = lm__strings_get(&strings, i);
            if (low == SIZE_MAX) low = high = i;
            if (lm__compare_bytes(value, lm__strings_get(&strings, low)) < 0) low = i;
            if (lm__compare_bytes(value, lm__strings_get(&strings, high)) > 0) high = i;
        }
        bool there = lm__minmax_strings(&strings, valid, count, &min, &max);
        CHECK_INT(there, low != SIZE_MAX);
        if (!there) continue;
        CHECK_INT(lm__compare_bytes(lm__strings_get(&strings, min), lm__strings_get(&strings, low)),
                  0);
        CHECK_INT(
            lm__compare_bytes(lm__strings_get(&strings, max), lm__strings_get(&strings, high)), 0);
    }
    static const uint8_t numbers[] = {0, 1, 0xff, 0xfe, 0x7f, 0xff, 0x80, 0};
    size_t min, max;
    CHECK(lm__minmax_signed_be(numbers, 2, LM_BITS_ALL, 4, &min, &max));
    CHECK_INT(min, 3);
    CHECK_INT(max, 2);
}

TEST(booleans)
{
    bool min, max;
    static const uint8_t bits[] = {0x0f}, none[] = {0};
    CHECK(lm__minmax_bool((lm_bits){bits, 0}, LM_BITS_ALL, 8, &min, &max));
    CHECK(!min && max);
    CHECK(lm__minmax_bool((lm_bits){bits, 0}, (lm_bits){bits, 0}, 8, &min, &max));
    CHECK(min && max);
    CHECK(lm__minmax_bool((lm_bits){bits, 4}, LM_BITS_ALL, 4, &min, &max));
    CHECK(!min && !max);
    CHECK(!lm__minmax_bool((lm_bits){bits, 0}, (lm_bits){none, 0}, 8, &min, &max));
}

int main(void)
{
    RUN(integers_i8);
    RUN(integers_u8);
    RUN(integers_i16);
    RUN(integers_u16);
    RUN(integers_i32);
    RUN(integers_u32);
    RUN(integers_i64);
    RUN(integers_u64);
    RUN(floats_f32);
    RUN(floats_f64);
    RUN(half_floats);
    RUN(strings_and_big_endian_numbers);
    RUN(booleans);
    return DONE();
}
