/* Integers of 256 bits and decimals as text, against 128-bit arithmetic and against themselves. */
#include "arrow/int256.h"

#include <lamella/base.h>

#include "arrow/half.h"
#include "check.h"

typedef __int128 i128;

static lm_i256 wide(i128 value)
{
    lm_i256 out;
    memcpy(out.limb, &value, 16);
    out.limb[2] = out.limb[3] = value < 0 ? UINT64_MAX : 0;
    return out;
}

static bool same(lm_i256 a, lm_i256 b) { return memcmp(&a, &b, sizeof a) == 0; }

static i128 random_i128(uint64_t *seed)
{
    int shift = (int)(check_random(seed) % 126);
    i128 value = (i128)((unsigned __int128)check_random(seed) << 64 | check_random(seed));
    return value >> shift;
}

TEST(arithmetic_is_that_of_128_bits)
{
    uint64_t seed = 1;
    for (int i = 0; i < 100000; i++) {
        i128 a = random_i128(&seed) / 2, b = random_i128(&seed) / 2;
        CHECK(same(lm__i256_add(wide(a), wide(b)), wide(a + b)));
        CHECK(same(lm__i256_negate(wide(a)), wide(-a)));
        CHECK_INT(lm__i256_compare(wide(a), wide(b)), a < b ? -1 : a > b);
        lm_i256 out;
        bool exact = lm__i256_scale_down(wide(a), 3, &out);
        CHECK(same(out, wide(a / 1000)));
        CHECK(exact == (a % 1000 == 0));
        uint8_t bytes[32];
        CHECK(lm__i256_store(wide(a), bytes, 16));
        CHECK(same(lm__i256_load(bytes, 16), wide(a)));
        CHECK(lm__i256_store(wide(a), bytes, 8) == (a == (int64_t)a));
        CHECK(lm__i256_store(wide(a), bytes, 4) == (a == (int32_t)a));
    }
}

TEST(powers_and_their_limits)
{
    lm_i256 power = lm__i256_from_u64(1), out;
    for (int n = 0; n <= LM_POW10_MAX; n++) {
        CHECK(same(lm__i256_pow10(n), power));
        CHECK(lm__i256_scale_up(lm__i256_from_i64(-1), n, &out));
        CHECK(same(out, lm__i256_negate(power)));
        if (n > 0) {
            CHECK(!lm__i256_fits(power, n));
            CHECK(lm__i256_fits(lm__i256_add(power, lm__i256_from_i64(-1)), n));
            CHECK(lm__i256_fits(lm__i256_negate(lm__i256_add(power, lm__i256_from_i64(-1))), n));
            CHECK(lm__i256_scale_down(power, n, &out));
            CHECK(same(out, lm__i256_from_u64(1)));
        }
        if (n < LM_POW10_MAX) CHECK(lm__i256_scale_up(power, 1, &power));
    }
    CHECK(!lm__i256_scale_up(power, 1, &out));
    lm_i256 least = {{0, 0, 0, (uint64_t)1 << 63}};
    CHECK(!lm__i256_fits(least, 76));
    CHECK(!lm__i256_scale_up(least, 1, &out));
    CHECK(lm__i256_scale_up((lm_i256){0}, 1000, &out) && lm__i256_zero(out));
}

TEST(texts_come_back)
{
    uint64_t seed = 2;
    for (int i = 0; i < 50000; i++) {
        char text[LM_DECIMAL_TEXT_MAX];
        lm_i256 value, back;
        for (int l = 0; l < 4; l++) value.limb[l] = check_random(&seed);
        lm__i256_scale_down(value, (int)(check_random(&seed) % 77), &value);
        if (!lm__i256_fits(value, 76)) continue;
        int scale = (int)(check_random(&seed) % 100) - 10;
        size_t size = lm__decimal_text(value, scale, text);
        bool lost;
        if (scale < -1 && !lm__i256_zero(value) && size > 78) continue; /* past 256 bits */
        if (!lm__decimal_parse(text, size, scale, &back, &lost) || !same(value, back))
            check_fail(__FILE__, __LINE__, "%.*s at scale %d", (int)size, text, scale);
    }
    static const struct {
        const char *text;
        int scale;
        int64_t want; /* INT64_MIN: lost, INT64_MAX: bad */
    } rows[] = {
        {"0", 0, 0},
        {"-0.0", 2, 0},
        {"1e2", 0, 100},
        {"1E+2", 1, 1000},
        {"120e-1", 0, 12},
        {"125e-1", 0, INT64_MIN},
        {"", 0, INT64_MAX},
        {"-", 0, INT64_MAX},
        {"1e", 0, INT64_MAX},
        {"e1", 0, INT64_MAX},
        {".", 0, INT64_MAX},
        {"1.", 0, 1},
        {".5", 1, 5},
        {"00012.500", 1, 125},
        {"1 ", 0, INT64_MAX},
        {"+7", 0, 7},
        {"1000000e-6", 0, 1},
        {"1e77", 0, INT64_MIN},
        {"1e-77", 0, INT64_MIN},
        {"--1", 0, INT64_MAX},
        {"0.00000000000000000000000000000000000000000000000000000000000000000000000000000001e80", 0,
         1},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        lm_i256 value = {0};
        bool lost;
        bool ok =
            lm__decimal_parse(rows[i].text, strlen(rows[i].text), rows[i].scale, &value, &lost);
        bool as_wanted = rows[i].want == INT64_MIN   ? !ok && lost
                         : rows[i].want == INT64_MAX ? !ok && !lost
                                                     : ok && same(value, wide(rows[i].want));
        if (!as_wanted) check_fail(__FILE__, __LINE__, "\"%s\"", rows[i].text);
    }
}

TEST(halves_go_to_floats_and_back)
{
    for (uint32_t half = 0; half < 0x10000; half++) {
        float value = lm__half_to_float((uint16_t)half);
        uint16_t back = lm__half_from_float(value);
        bool nan = (half & 0x7c00) == 0x7c00 && (half & 0x3ff);
        if (nan)
            CHECK((back & 0x7c00) == 0x7c00 && (back & 0x3ff));
        else
            CHECK_INT(back, half);
    }
    /* Between two halves: to the nearer, and to the even one from the middle. */
    for (uint32_t half = 0; half < 0x7bff; half++) {
        float low = lm__half_to_float((uint16_t)half),
              high = lm__half_to_float((uint16_t)(half + 1));
        float middle = (low + high) / 2;
        CHECK_INT(lm__half_from_float(middle), half + (half & 1));
        CHECK_INT(lm__half_from_float(low + (high - low) * 0.25f), half);
        CHECK_INT(lm__half_from_float(low + (high - low) * 0.75f), half + 1);
    }
    CHECK_INT(lm__half_from_float(65519.0f), 0x7bff);
    CHECK_INT(lm__half_from_float(65520.0f), 0x7c00);
    CHECK_INT(lm__half_from_float(-1e30f), 0xfc00);
}

int main(void)
{
    RUN(arithmetic_is_that_of_128_bits);
    RUN(powers_and_their_limits);
    RUN(texts_come_back);
    RUN(halves_go_to_floats_and_back);
    return DONE();
}
