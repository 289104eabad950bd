/* See parse_value.h. */
#include "jsonl/parse_value.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "arrow/calendar.h"
#include "arrow/half.h"
#include "arrow/int256.h"
#include "arrow/text.h"
#include "base/alloc.h"
#include "base/bytes_text.h"
#include "base/error.h"
#include "base/number.h"

static lm_status wrong(const char **why, const char *what)
{
    *why = what;
    return LM_DATA;
}

static lm_status room(lm_builder *builder) { return lm__builder_reserve(builder, 1); }

/* Numbers. */

static bool fits_signed(int64_t value, int32_t width)
{
    int shift = 64 - 8 * width;
    return (int64_t)((uint64_t)value << shift) >> shift == value;
}

static lm_status put_integer(lm_builder *builder, const char *text, size_t size, const char **why)
{
    const lm_type *type = &builder->field->type;
    int64_t value = 0;
    uint64_t positive = 0;
    lm_text_result result = lm__type_is_signed(type->id) ? lm__text_to_i64(text, size, &value)
                                                         : lm__text_to_u64(text, size, &positive);
    if (result == LM_TEXT_BAD) return wrong(why, "no integer");
    bool fits = lm__type_is_signed(type->id)
                    ? fits_signed(value, type->byte_width)
                    : type->byte_width == 8 || positive >> (8 * type->byte_width) == 0;
    if (result != LM_TEXT_OK || !fits) return wrong(why, "it is outside the range of the type");
    LM_TRY(room(builder));
    lm__build_int(builder, lm__type_is_signed(type->id) ? value : (int64_t)positive);
    return LM_OK;
}

static lm_status put_real(lm_builder *builder, double value)
{
    LM_TRY(room(builder));
    if (builder->field->type.id == LM_TYPE_FLOAT64) {
        lm__build_f64(builder, value);
    } else if (builder->field->type.id == LM_TYPE_FLOAT32) {
        lm__build_f32(builder, (float)value);
    } else {
        uint16_t half = lm__half_from_float((float)value);
        lm__build_i16(builder, (int16_t)half);
    }
    return LM_OK;
}

static lm_status put_float(lm_builder *builder, const char *text, size_t size, const char **why)
{
    double value;
    float single;
    bool good = lm__double_parse(text, size, &value);
    if (good && builder->field->type.id != LM_TYPE_FLOAT64) {
        good = lm__float_parse(text, size, &single); /* rounded once */
        value = (double)single;
    }
    if (!good) return wrong(why, "no number");
    if (!isfinite(value)) return wrong(why, "it is outside the range of the type");
    return put_real(builder, value);
}

bool lm__jsonl_float_keeps(const char *text, size_t size)
{
    char digits[400];
    double value;
    if (size <= 15 || !lm__double_parse(text, size, &value) || !isfinite(value)) return true;
    int length = snprintf(digits, sizeof digits, "%.0f", value);
    return (size_t)length == size && memcmp(digits, text, size) == 0;
}

static lm_status put_decimal(lm_builder *builder, const char *text, size_t size, const char **why)
{
    const lm_type *type = &builder->field->type;
    uint8_t bytes[32];
    lm_i256 value;
    bool lost = false;
    if (!lm__decimal_parse(text, size, type->scale, &value, &lost))
        return wrong(why, lost ? "it has more digits than the type" : "no decimal number");
    if (!lm__i256_fits(value, type->precision) || !lm__i256_store(value, bytes, type->byte_width))
        return wrong(why, "it has more digits than the type");
    LM_TRY(room(builder));
    lm__build_fixed(builder, bytes);
    return LM_OK;
}

lm_status lm__jsonl_put_number(lm_builder *builder, const char *text, size_t size, bool whole,
                               const char **why)
{
    lm_type_id id = builder->field->type.id;
    if (lm__type_is_integer(id))
        return whole ? put_integer(builder, text, size, why) : wrong(why, "no integer");
    if (lm__type_is_float(id)) return put_float(builder, text, size, why);
    if (lm__type_is_decimal(id)) return put_decimal(builder, text, size, why);
    return wrong(why, "a number");
}

/* Bytes. */

static lm_status put_binary(lm_builder *builder, const char *text, size_t size, bool uuid,
                            const char **why)
{
    const lm_type *type = &builder->field->type;
    uint8_t small[256], *bytes = small;
    size_t bytes_size = 16;
    if (uuid && size != 24) { /* 24: base64 */
        if (!lm__uuid_parse(text, size, small)) return wrong(why, "no UUID");
        LM_TRY(room(builder));
        lm__build_fixed(builder, small);
        return LM_OK;
    }
    if (size > sizeof small) bytes = lm__alloc(builder->allocator, size);
    if (!bytes) return LM_NO_MEMORY;
    lm_status status = LM_OK;
    if (!lm__base64_parse(text, size, bytes, &bytes_size))
        status = wrong(why, "no base64");
    else if (type->id != LM_TYPE_FIXED_BINARY)
        status = lm__build_bytes(builder, bytes, bytes_size);
    else if (bytes_size != (size_t)type->byte_width)
        status = wrong(why, "it has not as many bytes as the type");
    else if ((status = room(builder)) == LM_OK)
        lm__build_fixed(builder, bytes);
    if (bytes != small) lm__free(builder->allocator, bytes);
    return status;
}

/* Dates and times. */

/* A number with a sign, perhaps a fraction, and one of the letters; *letter tells which. The value
 * counts parts of which `per` make one. */
static bool take_amount(const char **at, const char *end, int64_t per, int64_t *value, char *letter)
{
    bool negative = *at < end && **at == '-';
    const char *start = *at += *at < end && (**at == '-' || **at == '+');
    uint64_t whole = 0, below = 0;
    for (; *at < end && **at >= '0' && **at <= '9'; (*at)++)
        if (__builtin_mul_overflow(whole, (uint64_t)10, &whole) ||
            __builtin_add_overflow(whole, (uint64_t)(**at - '0'), &whole))
            return false;
    if (*at == start) return false;
    if (__builtin_mul_overflow(whole, (uint64_t)per, &whole)) return false;
    if (*at < end && **at == '.') {
        uint64_t place = (uint64_t)per;
        for (start = ++*at; *at < end && **at >= '0' && **at <= '9'; (*at)++) {
            place /= 10;
            if (place == 0 && **at != '0') return false;
            below += place * (uint64_t)(**at - '0');
        }
        if (*at == start) return false;
    }
    if (*at == end || __builtin_add_overflow(whole, below, &whole)) return false;
    if (whole > (uint64_t)INT64_MAX + negative) return false;
    *value = negative ? (int64_t)-whole : (int64_t)whole;
    *letter = *(*at)++;
    return true;
}

typedef struct iso_duration {
    int64_t months, days, time; /* time in parts of a second */
    bool has_months, has_days, has_time;
} iso_duration;

/* [-]P[nY][nM][nW][nD][T[nH][nM][nS]], with a sign before each number if need be. */
static bool take_duration(const char *text, size_t size, int64_t per, iso_duration *out)
{
    const char *at = text, *end = text + size;
    bool in_time = false, any = false;
    *out = (iso_duration){0};
    if (at == end || *at++ != 'P') return false;
    while (at < end) {
        int64_t value, factor, *sum;
        char letter;
        if (*at == 'T' && !in_time) {
            in_time = true;
            at++;
            continue;
        }
        if (!take_amount(&at, end, in_time ? per : 1, &value, &letter)) return false;
        any = true;
        const char *letters = in_time ? "HMS" : "YMWD", *found = strchr(letters, letter);
        if (!found || !letter) return false;
        static const int64_t time_factors[] = {3600, 60, 1}, date_factors[] = {12, 1, 7, 1};
        size_t place = (size_t)(found - letters);
        factor = in_time ? time_factors[place] : date_factors[place];
        sum = in_time ? &out->time : place < 2 ? &out->months : &out->days;
        *(in_time ? &out->has_time : place < 2 ? &out->has_months : &out->has_days) = true;
        if (__builtin_mul_overflow(value, factor, &value) ||
            __builtin_add_overflow(*sum, value, sum))
            return false;
    }
    return any;
}

static lm_status put_duration(lm_builder *builder, const char *text, size_t size, const char **why)
{
    const lm_type *type = &builder->field->type;
    iso_duration d;
    lm_type_id id = type->id;
    int64_t per = id == LM_TYPE_DURATION            ? lm__unit_per_second(type->unit)
                  : id == LM_TYPE_INTERVAL_DAY_TIME ? 1000
                                                    : 1000000000;
    if (!take_duration(text, size, per, &d)) return wrong(why, "no ISO 8601 duration that fits");
    bool narrow = fits_signed(d.months, 4) && fits_signed(d.days, 4);
    uint8_t bytes[16];
    int32_t months = (int32_t)d.months, days = (int32_t)d.days, time = (int32_t)d.time;
    switch (id) {
    case LM_TYPE_DURATION:
        if (d.has_months || __builtin_mul_overflow(d.days, per * LM_SECONDS_PER_DAY, &d.days) ||
            __builtin_add_overflow(d.time, d.days, &d.time))
            return wrong(why, "no ISO 8601 duration that fits");
        memcpy(bytes, &d.time, 8);
        break;
    case LM_TYPE_INTERVAL_MONTHS:
        if (d.has_days || d.has_time || !narrow) return wrong(why, "no whole months");
        memcpy(bytes, &months, 4);
        break;
    case LM_TYPE_INTERVAL_DAY_TIME:
        if (d.has_months || !narrow || !fits_signed(d.time, 4))
            return wrong(why, "no days and milliseconds that fit");
        memcpy(bytes, &days, 4);
        memcpy(bytes + 4, &time, 4);
        break;
    default:
        if (!narrow) return wrong(why, "it is outside the range of the type");
        memcpy(bytes, &months, 4);
        memcpy(bytes + 4, &days, 4);
        memcpy(bytes + 8, &d.time, 8);
    }
    LM_TRY(room(builder));
    lm__build_fixed(builder, bytes);
    return LM_OK;
}

static lm_status put_moment(lm_builder *builder, const char *text, size_t size, const char **why)
{
    const lm_type *type = &builder->field->type;
    int64_t value = 0;
    bool zoned = false;
    lm_text_result result;
    switch (type->id) {
    case LM_TYPE_DATE32:
    case LM_TYPE_DATE64: result = lm__text_to_date(text, size, &value); break;
    case LM_TYPE_TIME32:
    case LM_TYPE_TIME64: result = lm__text_to_time(text, size, type->unit, &value); break;
    default: result = lm__text_to_timestamp(text, size, type->unit, &value, &zoned);
    }
    if (result == LM_TEXT_BAD) return wrong(why, "no ISO 8601 date or time of the type");
    if (result == LM_TEXT_OK && type->id == LM_TYPE_TIMESTAMP && zoned != !!type->timezone)
        return wrong(why, zoned ? "a timestamp with a zone, and the column has none"
                                : "a timestamp without a zone, and the column has one");
    if (type->id == LM_TYPE_DATE64 &&
        __builtin_mul_overflow(value, (int64_t)LM_SECONDS_PER_DAY * 1000, &value))
        result = LM_TEXT_RANGE;
    if (result != LM_TEXT_OK || !fits_signed(value, type->byte_width))
        return wrong(why, "it is outside the range of the type");
    LM_TRY(room(builder));
    lm__build_int(builder, value);
    return LM_OK;
}

/* "NaN", "Infinity", "-Infinity". */
static bool take_special(const char *text, size_t size, double *value)
{
    bool negative = size > 0 && text[0] == '-';
    if (size == 3 && memcmp(text, "NaN", 3) == 0) {
        *value = (double)NAN;
        return true;
    }
    if (size - negative != 8 || memcmp(text + negative, "Infinity", 8) != 0) return false;
    *value = negative ? -(double)INFINITY : (double)INFINITY;
    return true;
}

lm_status lm__jsonl_put_string(lm_builder *builder, const char *text, size_t size, bool uuid,
                               bool key, const char **why)
{
    lm_type_id id = builder->field->type.id;
    double special;
    bool truth;
    if (lm__type_is_text(id)) return lm__build_bytes(builder, text, size);
    if (lm__type_is_binary(id) || id == LM_TYPE_FIXED_BINARY)
        return put_binary(builder, text, size, uuid, why);
    if (lm__type_is_float(id) && take_special(text, size, &special))
        return put_real(builder, special);
    if (lm__type_is_decimal(id)) return put_decimal(builder, text, size, why);
    if (key && lm__type_is_integer(id)) return put_integer(builder, text, size, why);
    if (key && lm__type_is_float(id)) return put_float(builder, text, size, why);
    if (key && id == LM_TYPE_BOOL) {
        if (lm__text_to_bool(text, size, &truth) != LM_TEXT_OK) return wrong(why, "no boolean");
        LM_TRY(room(builder));
        lm__build_bool(builder, truth);
        return LM_OK;
    }
    switch (id) {
    case LM_TYPE_DURATION:
    case LM_TYPE_INTERVAL_MONTHS:
    case LM_TYPE_INTERVAL_DAY_TIME:
    case LM_TYPE_INTERVAL_MONTH_DAY_NANO: return put_duration(builder, text, size, why);
    case LM_TYPE_DATE32:
    case LM_TYPE_DATE64:
    case LM_TYPE_TIME32:
    case LM_TYPE_TIME64:
    case LM_TYPE_TIMESTAMP: return put_moment(builder, text, size, why);
    default: return wrong(why, "a string");
    }
}
