/* Values of one fixed width made into another; see read_convert.h. */
#include "parquet/read_convert.h"

#include <string.h>

#include "base/bits.h"
#include "base/error.h"

#define NANOS_PER_DAY INT64_C(86400000000000)
#define JULIAN_EPOCH 2440588 /* 1970-01-01 */

static lm_status too_wide(lm_error *error)
{
    return lm__error_set(error, LM_DATA, "a decimal of more digits than its type can hold");
}

lm_status lm__read_convert_bytes(const lm_read_spec *spec, const uint8_t *in, size_t size,
                                 uint8_t *out, lm_error *error)
{
    size_t width = spec->out_width;
    uint8_t sign = size && in[0] & 0x80 ? 0xff : 0;
    for (; size > width; in++, size--)
        if (in[0] != sign || ((in[1] ^ sign) & 0x80)) return too_wide(error);
    for (size_t i = 0; i < size; i++) out[i] = in[size - 1 - i];
    memset(out + size, sign, width - size);
    return LM_OK;
}

static lm_status from_big_endian(const lm_read_spec *spec, const uint8_t *in, size_t count,
                                 uint8_t *out, lm_error *error)
{
    if (spec->width <= 16 && spec->out_width == 16) {
        /* The usual case: Arrow's decimal128. */
        for (size_t i = 0; i < count; i++, in += spec->width, out += 16) {
            unsigned __int128 value = in[0] & 0x80 ? ~(unsigned __int128)0 : 0;
            for (size_t k = 0; k < spec->width; k++) value = value << 8 | in[k];
            memcpy(out, &value, 16);
        }
        return LM_OK;
    }
    for (size_t i = 0; i < count; i++, in += spec->width, out += spec->out_width)
        LM_TRY(lm__read_convert_bytes(spec, in, spec->width, out, error));
    return LM_OK;
}

/* From the last to the first, so that `out` may be `in`. */
static void extend(const lm_read_spec *spec, const uint8_t *in, size_t count, uint8_t *out)
{
    size_t width = spec->width, out_width = spec->out_width;
    if (out_width == 16) {
        for (size_t i = count; i-- > 0;) {
            int64_t low =
                width == 4 ? (int32_t)lm__load32(in + i * 4) : (int64_t)lm__load64(in + i * 8);
            __int128 value = low;
            memcpy(out + i * 16, &value, 16);
        }
        return;
    }
    for (size_t i = count; i-- > 0;) {
        uint8_t sign = in[(i + 1) * width - 1] & 0x80 ? 0xff : 0;
        memmove(out + i * out_width, in + i * width, width);
        memset(out + i * out_width + width, sign, out_width - width);
    }
}

static lm_status multiply(const lm_read_spec *spec, const uint8_t *in, size_t count, uint8_t *out,
                          lm_error *error)
{
    bool lost = false;
    for (size_t i = count; i-- > 0;) {
        int64_t value =
            spec->width == 4 ? (int32_t)lm__load32(in + i * 4) : (int64_t)lm__load64(in + i * 8);
        lost |= __builtin_mul_overflow(value, spec->factor, &value);
        memcpy(out + i * 8, &value, 8);
    }
    if (lost) return lm__error_set(error, LM_DATA, "a time that its type cannot hold");
    return LM_OK;
}

static lm_status divide(const lm_read_spec *spec, const uint8_t *in, size_t count, uint8_t *out,
                        lm_error *error)
{
    int64_t rest = 0;
    for (size_t i = 0; i < count; i++) {
        int64_t value =
            spec->width == 4 ? (int32_t)lm__load32(in + i * 4) : (int64_t)lm__load64(in + i * 8);
        rest |= value % spec->factor;
        value /= spec->factor;
        memcpy(out + i * spec->width, &value, spec->width);
    }
    if (rest)
        return lm__error_set(error, LM_DATA, "a time finer than the unit that it was written in");
    return LM_OK;
}

/* Nanoseconds of the day, then the Julian day (parquet.thrift, "INT96"). */
static __int128 nanos_of_int96(const uint8_t in[12])
{
    int64_t day = (int64_t)(int32_t)lm__load32(in + 8) - JULIAN_EPOCH;
    return (__int128)day * NANOS_PER_DAY + (int64_t)lm__load64(in);
}

__int128 lm__read_time96(const uint8_t in[12])
{
    return (__int128)(int32_t)lm__load32(in + 8) * ((__int128)1 << 64) + lm__load64(in);
}

/* Rounded down, as times are. */
static lm_status from_96_bits(const lm_read_spec *spec, const uint8_t *in, size_t count,
                              uint8_t *out, lm_error *error)
{
    bool lost = false;
    for (size_t i = 0; i < count; i++, in += 12) {
        __int128 fine =
            spec->convert == LM_CONVERT_INT96 ? nanos_of_int96(in) : lm__read_time96(in);
        __int128 value = fine / spec->factor - (fine % spec->factor < 0);
        lost |= value != (int64_t)value;
        int64_t low = (int64_t)value;
        memcpy(out + 8 * i, &low, 8);
    }
    if (lost)
        return lm__error_set(error, LM_DATA,
                             "a time of 96 bits out of the range of its unit; ask for a coarser "
                             "one (int96_per_second; --int96 us or ms)");
    return LM_OK;
}

/* Months, days and milliseconds, 32 bits each and unsigned (LogicalTypes.md, "INTERVAL"). */
static lm_status from_interval(const lm_read_spec *spec, const uint8_t *in, size_t count,
                               uint8_t *out, lm_error *error)
{
    uint32_t high = 0, left = 0;
    for (size_t i = 0; i < count; i++, in += 12, out += spec->out_width) {
        uint32_t months = lm__load32(in), days = lm__load32(in + 4), millis = lm__load32(in + 8);
        high |= months | days;
        if (spec->convert == LM_CONVERT_MONTHS) {
            left |= days | millis;
            memcpy(out, &months, 4);
        } else if (spec->convert == LM_CONVERT_DAY_TIME) {
            left |= months;
            high |= millis;
            memcpy(out, in + 4, 8);
        } else {
            int64_t nanos = (int64_t)millis * 1000000;
            memcpy(out, in, 8);
            memcpy(out + 8, &nanos, 8);
        }
    }
    if (left || high >> 31)
        return lm__error_set(error, LM_DATA, "an interval that its type cannot hold");
    return LM_OK;
}

/* As many low bytes of each value as the target has. */
static void narrow(const uint8_t *in, size_t width, size_t count, size_t out_width, uint8_t *out)
{
    switch (out_width) {
    case 1:
        for (size_t i = 0; i < count; i++) out[i] = in[i * width];
        break;
    case 2:
        for (size_t i = 0; i < count; i++) memmove(out + i * 2, in + i * width, 2);
        break;
    default:
        for (size_t i = 0; i < count; i++) memmove(out + i * 4, in + i * width, 4);
        break;
    }
}

static lm_status from_wide_unsigned(const uint8_t *in, size_t count, uint8_t *out, lm_error *error)
{
    uint64_t high = 0;
    for (size_t i = 0; i < count; i++) {
        uint64_t value = lm__load64(in + i * 8);
        high |= value;
        memcpy(out + i * 4, &value, 4);
    }
    if (high >> 32) return lm__error_set(error, LM_DATA, "an integer that uint32 cannot hold");
    return LM_OK;
}

lm_status lm__read_convert(const lm_read_spec *spec, const uint8_t *in, size_t count, uint8_t *out,
                           lm_error *error)
{
    switch (spec->convert) {
    case LM_CONVERT_NONE:
        if (count && out != in) memmove(out, in, count * spec->width);
        return LM_OK;
    case LM_CONVERT_NARROW: narrow(in, spec->width, count, spec->out_width, out); return LM_OK;
    case LM_CONVERT_UNSIGNED: return from_wide_unsigned(in, count, out, error);
    case LM_CONVERT_EXTEND: extend(spec, in, count, out); return LM_OK;
    case LM_CONVERT_BIG_ENDIAN: return from_big_endian(spec, in, count, out, error);
    case LM_CONVERT_MULTIPLY: return multiply(spec, in, count, out, error);
    case LM_CONVERT_DIVIDE: return divide(spec, in, count, out, error);
    case LM_CONVERT_INT96:
    case LM_CONVERT_TIME96: return from_96_bits(spec, in, count, out, error);
    default: return from_interval(spec, in, count, out, error);
    }
}
