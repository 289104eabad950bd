/* Times of 96 bits become those of 64 in a coarser unit, rounded down, or are refused
 * (read_convert.h 2). */
#include "parquet/read_convert.h"

#include "base/bits.h"
#include "check.h"

static lm_error error;

/* A count in 12 bytes: `high` of 2^64, and `low`. */
static void put(uint8_t value[12], int32_t high, uint64_t low)
{
    memcpy(value, &low, 8);
    memcpy(value + 8, &high, 4);
}

static lm_status convert(lm_read_convert how, int64_t factor, int32_t high, uint64_t low,
                         int64_t *out)
{
    const lm_read_spec spec = {
        .width = 12, .form = LM_FORM_FIXED, .out_width = 8, .convert = how, .factor = factor};
    uint8_t value[13];
    put(value + 1, high, low); /* not aligned */
    return lm__read_convert(&spec, value + 1, 1, (uint8_t *)out, &error);
}

TEST(a_count_of_12_bytes_is_signed_and_little_endian)
{
    int64_t out;
    CHECK_STATUS(convert(LM_CONVERT_TIME96, 1, 0, 5, &out), LM_OK);
    CHECK_INT(out, 5);
    CHECK_STATUS(convert(LM_CONVERT_TIME96, 1, -1, UINT64_MAX, &out), LM_OK);
    CHECK_INT(out, -1);
    CHECK_STATUS(convert(LM_CONVERT_TIME96, 1, 0, INT64_MAX, &out), LM_OK);
    CHECK_INT(out, INT64_MAX);
    CHECK_STATUS(convert(LM_CONVERT_TIME96, 1, -1, (uint64_t)INT64_MIN, &out), LM_OK);
    CHECK_INT(out, INT64_MIN);
}

TEST(what_64_bits_do_not_hold_is_refused_with_the_remedy)
{
    int64_t out;
    CHECK_STATUS(convert(LM_CONVERT_TIME96, 1, 0, (uint64_t)INT64_MAX + 1, &out), LM_DATA);
    CHECK(strstr(error.message, "--int96 us"));
    CHECK_STATUS(convert(LM_CONVERT_TIME96, 1, -1, INT64_MAX, &out), LM_DATA);
    CHECK_STATUS(convert(LM_CONVERT_TIME96, 1000, INT32_MAX, 0, &out), LM_DATA);
    CHECK_STATUS(convert(LM_CONVERT_INT96, 1, INT32_MAX, 0, &out), LM_DATA);
}

TEST(a_coarser_unit_is_rounded_down)
{
    int64_t out;
    CHECK_STATUS(convert(LM_CONVERT_TIME96, 1000, 1, 0, &out), LM_OK);
    CHECK_INT(out, 18446744073709551); /* 2^64 / 1000 */
    CHECK_STATUS(convert(LM_CONVERT_TIME96, 1000, -1, 0, &out), LM_OK);
    CHECK_INT(out, -18446744073709552);
    CHECK_STATUS(convert(LM_CONVERT_TIME96, 1000, -1, UINT64_MAX, &out), LM_OK);
    CHECK_INT(out, -1);
    CHECK_STATUS(convert(LM_CONVERT_INT96, 1000, 2440587, UINT64_C(86399999999999), &out), LM_OK);
    CHECK_INT(out, -1); /* the microsecond before 1970 */
}

int main(void)
{
    RUN(a_count_of_12_bytes_is_signed_and_little_endian);
    RUN(what_64_bits_do_not_hold_is_refused_with_the_remedy);
    RUN(a_coarser_unit_is_rounded_down);
    return DONE();
}
