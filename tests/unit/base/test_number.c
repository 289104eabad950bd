/* base/number.h: shortest texts and their layout, fixed places, integers, and reading them all. An
 * argument says how many random doubles are tried; the suite `long` tries ten million. */
#include "base/number.h"

#include <float.h>
#include <math.h>

#include "../check.h"

static size_t randoms = 100000;

static const char *text_of(double value)
{
    static char text[LM_DOUBLE_TEXT_MAX + 1];
    text[lm__double_text(value, text)] = '\0';
    return text;
}

static const char *float_text_of(float value)
{
    static char text[LM_DOUBLE_TEXT_MAX + 1];
    text[lm__float_text(value, text)] = '\0';
    return text;
}

static double from_bits(uint64_t bits)
{
    double value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

static bool same(double a, double b) { return memcmp(&a, &b, sizeof a) == 0; }

/* As repr in Python 3.11 has them. */
TEST(doubles_have_the_layout_of_repr)
{
    static const struct {
        double value;
        const char *text;
    } rows[] = {
        {0.0, "0.0"},
        {-0.0, "-0.0"},
        {1, "1.0"},
        {-1.5, "-1.5"},
        {0.1, "0.1"},
        {0.1 + 0.2, "0.30000000000000004"},
        {100, "100.0"},
        {0.0001, "0.0001"},
        {0.00012345678901234567, "0.00012345678901234567"},
        {0.00001, "1e-05"},
        {1.5e-7, "1.5e-07"},
        {123456789012345.6, "123456789012345.6"},
        {9007199254740993.0, "9007199254740992.0"},
        {9999999999999998.0, "9999999999999998.0"},
        {1e15, "1000000000000000.0"},
        {1e16, "1e+16"},
        {1.2345e17, "1.2345e+17"},
        {1e22, "1e+22"},
        {1e23, "1e+23"},
        {9.5e-101, "9.5e-101"},
        {5e-324, "5e-324"},
        {1.5e-323, "1.5e-323"},
        {DBL_MIN, "2.2250738585072014e-308"},
        {DBL_MAX, "1.7976931348623157e+308"},
        {2.225073858507201e-308, "2.225073858507201e-308"},
        {9.007199254740992e15, "9007199254740992.0"},
        {18446744073709551616.0, "1.8446744073709552e+19"},
        {6.0221412927e23, "6.0221412927e+23"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        CHECK_TEXT(text_of(rows[i].value), rows[i].text);
    CHECK_TEXT(float_text_of(0.1f), "0.1");
    CHECK_TEXT(float_text_of(16777216.0f), "16777216.0");
    CHECK_TEXT(float_text_of(1e-45f), "1e-45");
    CHECK_TEXT(float_text_of(FLT_MAX), "3.4028235e+38");
    CHECK_TEXT(float_text_of(FLT_MIN), "1.1754944e-38");
    CHECK_TEXT(float_text_of(-8388608.5f), "-8388608.0");
    CHECK_TEXT(float_text_of(3.3554432e7f), "33554432.0");
}

/* The digits of the text are the shortest: one digit less does not read back; and the nearest: so
 * many digits, correctly rounded, are these, unless those do not read back. */
static bool is_shortest(double value, bool single)
{
    char text[LM_DOUBLE_TEXT_MAX + 1], wanted[64];
    lm_shortest found = single ? lm__float_shortest((float)value) : lm__double_shortest(value);
    size_t size = single ? lm__float_text((float)value, text) : lm__double_text(value, text);
    text[size] = '\0';
    double back = single ? (double)strtof(text, NULL) : strtod(text, NULL);
    if (!same(back, value)) return false;
    double magnitude = fabs(value);
    char digits[24];
    int count = snprintf(digits, sizeof digits, "%" PRIu64, found.digits);
    if (value != 0 && found.digits % 10 == 0) return false;
    snprintf(wanted, sizeof wanted, "%.*e", count - 1, magnitude);
    back = single ? (double)strtof(wanted, NULL) : strtod(wanted, NULL);
    if (back == magnitude) {
        char got[64];
        snprintf(got, sizeof got, "%c%s%s", digits[0], count > 1 ? "." : "", digits + 1);
        if (strncmp(got, wanted, strlen(got)) != 0) return false;
    }
    if (count == 1) return true;
    snprintf(wanted, sizeof wanted, "%.*e", count - 2, magnitude);
    back = single ? (double)strtof(wanted, NULL) : strtod(wanted, NULL);
    return back != magnitude;
}

static bool reads_alike(const char *text)
{
    double value;
    float narrow;
    char *end;
    return lm__double_parse(text, strlen(text), &value) && same(value, strtod(text, &end)) &&
           lm__float_parse(text, strlen(text), &narrow) &&
           same((double)narrow, (double)strtof(text, &end));
}

static void check_double(double value)
{
    if (!isfinite(value)) return;
    if (!is_shortest(value, false))
        check_fail(__FILE__, __LINE__, "%a is not well as %s", value, text_of(value));
    char text[LM_DOUBLE_TEXT_MAX + 1], long_text[64];
    text[lm__double_text(value, text)] = '\0';
    snprintf(long_text, sizeof long_text, "%.24e", value);
    if (!reads_alike(text)) check_fail(__FILE__, __LINE__, "%s is read otherwise", text);
    if (!reads_alike(long_text)) check_fail(__FILE__, __LINE__, "%s is read otherwise", long_text);
}

TEST(every_class_of_doubles_is_printed_and_read)
{
    for (int e = 0; e < 0x7ff; e++) /* powers of two and their neighbours, all exponents */
        for (int d = -2; d <= 2; d++) check_double(from_bits(((uint64_t)e << 52) + (uint64_t)d));
    for (uint64_t bits = 1; bits && bits < (uint64_t)1 << 52; bits <<= 1) /* subnormals */
        for (int d = -1; d <= 1; d++) check_double(from_bits(bits + (uint64_t)d));
    for (int e = -323; e <= 308; e++) { /* powers of ten and their neighbours */
        char text[16];
        uint64_t bits;
        snprintf(text, sizeof text, "1e%d", e);
        double value = strtod(text, NULL);
        memcpy(&bits, &value, sizeof bits);
        for (int d = -3; d <= 3; d++) check_double(from_bits(bits + (uint64_t)d));
    }
    uint64_t state = 1;
    for (size_t i = 0; i < 20000; i++) { /* prices, and integers up to 2^53 */
        uint64_t random = check_random(&state);
        check_double((double)(random % 10000000) / 100);
        check_double((double)(random >> 11));
        check_double((double)(random % 1000000) / 1e9);
    }
}

TEST(random_doubles_are_printed_and_read)
{
    uint64_t state = 42;
    for (size_t i = 0; i < randoms && !check_failed; i++)
        check_double(from_bits(check_random(&state)));
}

TEST(floats_are_printed_and_read)
{
    uint64_t state = 7;
    for (size_t i = 0; i < randoms + 0x1000; i++) {
        uint32_t bits = i < 0x1000 ? (uint32_t)(i >> 3 << 23) + (uint32_t)(i & 7) - 4
                                   : (uint32_t)check_random(&state);
        float value, back;
        memcpy(&value, &bits, sizeof value);
        if (!isfinite(value)) continue;
        char text[LM_DOUBLE_TEXT_MAX];
        size_t size = lm__float_text(value, text);
        if (!is_shortest((double)value, true))
            check_fail(__FILE__, __LINE__, "%a is not well as %s", (double)value,
                       float_text_of(value));
        if (!lm__float_parse(text, size, &back) || memcmp(&back, &value, sizeof back) != 0)
            check_fail(__FILE__, __LINE__, "%a is read otherwise", (double)value);
        if (check_failed) return;
    }
}

/* The text halfway between two doubles, exactly, and a last digit that tips it over. */
TEST(ties_are_decided_by_all_digits)
{
    static const uint64_t starts[] = {1,
                                      0x000fffffffffffff,
                                      0x0010000000000000,
                                      0x3ff0000000000000,
                                      0x3ff0000000000001,
                                      0x4340000000000001,
                                      0x3e112e0be826d694,
                                      0x7feffffffffffffe};
    static char text[1200];
    for (size_t i = 0; i < sizeof starts / sizeof *starts; i++) {
        /* The middle has one more bit than either, so long double holds it (subnormals do too). */
        long double a = (long double)from_bits(starts[i]),
                    b = (long double)from_bits(starts[i] + 1);
        snprintf(text, sizeof text, "%.1100Lf", (a + b) / 2);
        size_t size = strlen(text);
        CHECK(reads_alike(text));
        text[size - 1] = '1';
        CHECK(reads_alike(text));
        snprintf(text, sizeof text, "%.790Le", (a + b) / 2);
        CHECK(reads_alike(text));
    }
    uint64_t state = 3;
    for (int i = 0; i < 2000; i++) {
        long double a = (long double)(check_random(&state) >> 11) * 2 + 1;
        snprintf(text, sizeof text, "%.0Lf", a); /* odd: a tie from 2^53 on */
        CHECK(reads_alike(text));
        snprintf(text, sizeof text, "%.0Lf.0000000000000000000000000000000000001", a);
        CHECK(reads_alike(text));
    }
}

TEST(odd_texts_are_read_as_the_c_library_does)
{
    static const char *const texts[] = {
        "0",
        "-0",
        "+1",
        ".5",
        "5.",
        "00000000000000000000000000000001.5",
        "1e400",
        "-1e400",
        "1e-400",
        "0e999999999999",
        "1e99999999999999999999",
        "1e-99999999999999999999",
        "0.000000000000000000000000000000000000000000000000000000000000000001",
        ("17976931348623158079372897140530341507993413271003782693617377898044496829276475094664"
         "9017"),
        "2.4703282292062327e-324",
        "2.4703282292062328e-324",
        "9007199254740993",
        "8.41e21",
        "1.00000017881393432617187499",
        "1.00000017881393432617187500",
        "1.00000017881393432617187501",
        "123456789012345678901234567890e-20",
        "0.00000000000000000000000000000000000001175494350822287507968736537222245",
        "18446744073709551615",
        "18446744073709551616",
        "99999999999999999999999",
        "1E5",
        "1e+5",
        "1e05",
        "3.4028235677973366e38",
        "3.4028235677973365e38",
        "7e-46",
        "7.1e-46",
    };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        if (!reads_alike(texts[i]))
            check_fail(__FILE__, __LINE__, "%s is read otherwise", texts[i]);
    static const char *const bad[] = {"",     ".",     "-",   "e5",        "1e",   "1e+", "1.5.5",
                                      "0x10", "1 ",    " 1",  "--1",       "1e5x", "nan", "inf",
                                      "1,5",  "1e5.0", ".e5", "12345678x", "+",    "1_0"};
    double value;
    float narrow;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        CHECK(!lm__double_parse(bad[i], strlen(bad[i]), &value));
        CHECK(!lm__float_parse(bad[i], strlen(bad[i]), &narrow));
    }
}

static void check_fixed(double value, int places)
{
    char text[LM_FIXED_TEXT_MAX + 1], wanted[512];
    size_t size = lm__double_fixed(value, places, text);
    text[size] = '\0';
    snprintf(wanted, sizeof wanted, "%.*f", places, value);
    CHECK_TEXT(text, wanted);
}

TEST(fixed_places_are_rounded_as_printf_does)
{
    static const double values[] = {0,       -0.0,    0.5,   1.5,    2.5,      0.125,
                                    1e22,    1e300,   -1e-9, 0.005,  1.005,    123456.789,
                                    DBL_MAX, DBL_MIN, -0.25, 5e-324, 999.9995, 9007199254740993.0,
                                    0.05};
    for (size_t i = 0; i < sizeof values / sizeof *values; i++)
        for (int places = 0; places <= LM_FIXED_PLACES_MAX; places++)
            check_fixed(values[i], places);
    uint64_t state = 5;
    for (size_t i = 0; i < 50000 && !check_failed; i++) {
        uint64_t random = check_random(&state);
        double value = from_bits(random);
        if (isfinite(value)) check_fixed(value, (int)(random % 21));
        check_fixed((double)(int64_t)random / 65536, (int)(random % 9));
    }
}

TEST(integers_of_every_length)
{
    uint64_t state = 9;
    for (int i = 0; i < 100000 && !check_failed; i++) {
        uint64_t value = check_random(&state) >> (i % 64);
        char text[LM_INTEGER_TEXT_MAX + 1], wanted[32];
        text[lm__u64_text(value, text)] = '\0';
        snprintf(wanted, sizeof wanted, "%" PRIu64, value);
        CHECK_TEXT(text, wanted);
        text[lm__i64_text(-(int64_t)value, text)] = '\0';
        snprintf(wanted, sizeof wanted, "%" PRId64, -(int64_t)value);
        CHECK_TEXT(text, wanted);
    }
    char text[LM_INTEGER_TEXT_MAX + 1];
    text[lm__u64_text(0, text)] = '\0';
    CHECK_TEXT(text, "0");
    text[lm__u64_text(UINT64_MAX, text)] = '\0';
    CHECK_TEXT(text, "18446744073709551615");
    text[lm__i64_text(INT64_MIN, text)] = '\0';
    CHECK_TEXT(text, "-9223372036854775808");
    for (uint64_t power = 1; power < UINT64_MAX / 10; power *= 10) {
        char wanted[32];
        text[lm__u64_text(power, text)] = '\0';
        snprintf(wanted, sizeof wanted, "%" PRIu64, power);
        CHECK_TEXT(text, wanted);
    }
}

int main(int argc, char **argv)
{
    if (argc > 1) randoms = strtoull(argv[1], NULL, 10);
    RUN(doubles_have_the_layout_of_repr);
    RUN(every_class_of_doubles_is_printed_and_read);
    RUN(random_doubles_are_printed_and_read);
    RUN(floats_are_printed_and_read);
    RUN(ties_are_decided_by_all_digits);
    RUN(odd_texts_are_read_as_the_c_library_does);
    RUN(fixed_places_are_rounded_as_printf_does);
    RUN(integers_of_every_length);
    return DONE();
}
