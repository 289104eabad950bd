/* The one text of each value (docs/canonical.md), on its edges. */
#include "check.h"
#include "parquet/canonical_number.h"
#include "parquet/canonical_text.h"
#include "parquet/read_pages.h"

#define CHECK_CANONICAL(call, want)                                                                \
    do {                                                                                           \
        lm_buffer out;                                                                             \
        lm__buffer_init(&out, NULL, 0);                                                            \
        CHECK_STATUS(call, LM_OK);                                                                 \
        CHECK_STATUS(lm__buffer_byte(&out, 0), LM_OK);                                             \
        CHECK_TEXT((char *)out.data, want);                                                        \
        lm__buffer_deinit(&out);                                                                   \
    } while (0)

TEST(doubles_have_the_fewest_digits_that_read_back)
{
    CHECK_CANONICAL(lm__canonical_double(&out, 0.1), "0.1");
    CHECK_CANONICAL(lm__canonical_double(&out, -0.0), "-0.0");
    CHECK_CANONICAL(lm__canonical_double(&out, 1e16), "1e+16");
    CHECK_CANONICAL(lm__canonical_double(&out, 1e15), "1000000000000000.0");
    CHECK_CANONICAL(lm__canonical_double(&out, 0.0001), "0.0001");
    CHECK_CANONICAL(lm__canonical_double(&out, 0.00001), "1e-05");
    CHECK_CANONICAL(lm__canonical_double(&out, 5e-324), "5e-324");
    CHECK_CANONICAL(lm__canonical_double(&out, 1.7976931348623157e308), "1.7976931348623157e+308");
    CHECK_CANONICAL(lm__canonical_double(&out, 0.1 + 0.2), "0.30000000000000004");
    CHECK_CANONICAL(lm__canonical_float(&out, 0.1f), "0.1");
    CHECK_CANONICAL(lm__canonical_float(&out, 16777216.0f), "16777216.0");
    CHECK_CANONICAL(lm__canonical_float(&out, 1e-45f), "1e-45");
    CHECK_CANONICAL(lm__canonical_float(&out, lm__float_of_half(0x3555)), "0.33325195");
    CHECK_CANONICAL(lm__canonical_double(&out, __builtin_nan("")), "\"NaN\"");
    CHECK_CANONICAL(lm__canonical_double(&out, -__builtin_inf()), "\"-Infinity\"");
}

TEST(decimals_are_exact_at_any_length)
{
    const uint8_t small[] = {0xfb}, zero[] = {0}, wide[] = {0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0};
    CHECK_CANONICAL(lm__canonical_decimal(&out, small, 1, 2), "\"-0.05\"");
    CHECK_CANONICAL(lm__canonical_decimal(&out, zero, 1, 0), "\"0\"");
    CHECK_CANONICAL(lm__canonical_decimal(&out, zero, 0, 3), "\"0.000\"");
    CHECK_CANONICAL(lm__canonical_decimal(&out, wide, 10, 0), "\"-604462909807314587353088\"");
}

TEST(dates_and_times_reach_beyond_four_digits)
{
    CHECK_CANONICAL(lm__canonical_date(&out, 0), "\"1970-01-01\"");
    CHECK_CANONICAL(lm__canonical_date(&out, -719528), "\"0000-01-01\"");
    CHECK_CANONICAL(lm__canonical_date(&out, -719529), "\"-0001-12-31\"");
    CHECK_CANONICAL(lm__canonical_date(&out, 2932897), "\"+10000-01-01\"");
    CHECK_CANONICAL(lm__canonical_time(&out, 86399999, 1000), "\"23:59:59.999\"");
    CHECK_CANONICAL(lm__canonical_time(&out, 86400000, 1000), "86400000");
    CHECK_CANONICAL(lm__canonical_timestamp(&out, -1, 1000000, true),
                    "\"1969-12-31T23:59:59.999999Z\"");
}

TEST(timestamps_of_96_bits_are_not_wrapped_around)
{
    const lm_read_node leaf = {.physical = LM_PARQUET_FIXED_LEN_BYTE_ARRAY,
                               .width = 12,
                               .meaning = LM_MEANS_TIMESTAMP,
                               .unit = LM_PARQUET_MILLIS};
    uint8_t value[12];
    memset(value, 0xff, 12);
    CHECK_CANONICAL(lm__canonical_leaf(&out, &leaf, value, 12), "\"1969-12-31T23:59:59.999\"");
    value[11] = 0x7f; /* 2^95 - 1 */
    CHECK_CANONICAL(lm__canonical_leaf(&out, &leaf, value, 12),
                    "\"+1255320262144843106-08-25T12:39:35.167\"");
    memset(value, 0, 12);
    value[11] = 0x80;
    CHECK_CANONICAL(lm__canonical_leaf(&out, &leaf, value, 12),
                    "\"-1255320262144839167-05-09T11:20:24.832\"");
}

TEST(strings_are_escaped_or_told_to_be_no_text)
{
    CHECK_CANONICAL(lm__canonical_text(&out, (const uint8_t *)"a\"\\\n\x01", 5),
                    "\"a\\\"\\\\\\n\\u0001\"");
    CHECK_CANONICAL(lm__canonical_text(&out, (const uint8_t *)"\xc3", 1),
                    "{\"$invalid_utf8\":\"c3\"}");
}

TEST(old_writers_are_known_by_what_they_say)
{
    CHECK(lm__writer_oddities(lm__bytes("parquet-mr", 10)).short_chunks);
    CHECK(lm__writer_oddities(lm__bytes("parquet-mr version 1.2.8", 24)).short_chunks);
    CHECK(!lm__writer_oddities(lm__bytes("parquet-mr version 1.2.9", 24)).short_chunks);
    CHECK(!lm__writer_oddities(lm__bytes("lamella version 0.1.0", 21)).short_chunks);
    CHECK(lm__writer_oddities(lm__bytes("parquet-mr version 1.7.9-x", 26)).prefixes_go_on);
    CHECK(!lm__writer_oddities(lm__bytes("parquet-mr version 1.8.0", 24)).prefixes_go_on);
}

int main(void)
{
    RUN(doubles_have_the_fewest_digits_that_read_back);
    RUN(decimals_are_exact_at_any_length);
    RUN(dates_and_times_reach_beyond_four_digits);
    RUN(timestamps_of_96_bits_are_not_wrapped_around);
    RUN(strings_are_escaped_or_told_to_be_no_text);
    RUN(old_writers_are_known_by_what_they_say);
    return DONE();
}
