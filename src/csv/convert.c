/*
 * Cells become values, a column at a time.
 *
 * Numbers, dates and times that are written as usual are read by short loops; everything else by
 * arrow/text.h, which takes whatever is a text of the type.
 */
#include <string.h>
#include <strings.h>

#include "arrow/calendar.h"
#include "arrow/int256.h"
#include "arrow/text.h"
#include "base/error.h"
#include "base/limits.h"
#include "base/simd.h"
#include "csv/convert.h"

bool lm__csv_is_null(const lm_csv_plan *plan, const uint8_t *text, lm_csv_span span)
{
    size_t size = lm__csv_span_size(span);
    if (plan->null_empty_only || span.at == LM_CSV_MISSING) return size == 0;
    for (size_t i = 0; i < plan->null_count; i++)
        if (strlen(plan->null_texts[i]) == size &&
            memcmp(text + span.at, plan->null_texts[i], size) == 0)
            return true;
    return false;
}

#define CONVERT(name, type, READ) LM_CSV_CONVERT(, name, type, READ)

/* Integers. */

LM_ALWAYS_INLINE bool read_i64(const lm_csv_column *column, const char *text, size_t size,
                               int64_t *value)
{
    size_t at = text[0] == '-';
    uint64_t sum = 0;
    if (__builtin_expect(size > at && lm__csv_take_digits(text + at, size - at, &sum), 1)) {
        if (column->strict && text[at] == '0' && size > 1) return false;
        *value = at ? -(int64_t)sum : (int64_t)sum;
        return true;
    }
    if (column->strict && (text[0] == '+' || text[at] == '0')) return false;
    return lm__text_to_i64(text, size, value) == LM_TEXT_OK;
}

LM_ALWAYS_INLINE bool read_narrow(const lm_csv_column *column, const char *text, size_t size,
                                  int64_t least, int64_t most, int64_t *value)
{
    return read_i64(column, text, size, value) && *value >= least && *value <= most;
}

#define CONVERT_NARROW(name, type, least, most)                                                    \
    LM_ALWAYS_INLINE bool read_##name(const lm_csv_column *column, const char *text, size_t size,  \
                                      type *to)                                                    \
    {                                                                                              \
        int64_t value;                                                                             \
        if (!read_narrow(column, text, size, least, most, &value)) return false;                   \
        *to = (type)value;                                                                         \
        return true;                                                                               \
    }                                                                                              \
    CONVERT(name, type, read_##name(column, text, size, &to[row]))

CONVERT_NARROW(i8, int8_t, INT8_MIN, INT8_MAX)
CONVERT_NARROW(i16, int16_t, INT16_MIN, INT16_MAX)
CONVERT_NARROW(i32, int32_t, INT32_MIN, INT32_MAX)
CONVERT_NARROW(u8, uint8_t, 0, UINT8_MAX)
CONVERT_NARROW(u16, uint16_t, 0, UINT16_MAX)
CONVERT_NARROW(u32, uint32_t, 0, UINT32_MAX)
CONVERT(i64, int64_t, read_i64(column, text, size, &to[row]))
CONVERT(u64, uint64_t, lm__text_to_u64(text, size, &to[row]) == LM_TEXT_OK)

/* Dates and times. */

LM_ALWAYS_INLINE bool two(const char *text, int *value)
{
    unsigned high = (unsigned)(uint8_t)text[0] - '0', low = (unsigned)(uint8_t)text[1] - '0';
    *value = (int)(high * 10 + low);
    return high <= 9 && low <= 9;
}

/* YYYY-MM-DD. */
static bool read_day(const char *text, int64_t *days)
{
    int century, year, month, day;
    if (text[4] != '-' || text[7] != '-' || !two(text, &century) || !two(text + 2, &year) ||
        !two(text + 5, &month) || !two(text + 8, &day))
        return false;
    if (!lm__is_date(century * 100 + year, month, day)) return false;
    *days = lm__days_from_date(century * 100 + year, month, day);
    return true;
}

static bool read_date(const char *text, size_t size, int32_t *value)
{
    int64_t days;
    if ((size != 10 || !read_day(text, &days)) && lm__text_to_date(text, size, &days) != LM_TEXT_OK)
        return false;
    *value = (int32_t)days;
    return days == *value;
}

CONVERT(date32, int32_t, read_date(text, size, &to[row]))

static bool read_date64(const char *text, size_t size, int64_t *value)
{
    int64_t days;
    if (lm__text_to_date(text, size, &days) != LM_TEXT_OK) return false;
    return !__builtin_mul_overflow(days, (int64_t)LM_SECONDS_PER_DAY * 1000, value);
}

CONVERT(date64, int64_t, read_date64(text, size, &to[row]))

/* HH:MM:SS[.digits] with at most the unit's digits, in units; false for any other form. */
LM_ALWAYS_INLINE bool read_clock(const char *text, size_t size, int unit_digits, int64_t per,
                                 int64_t *value)
{
    int hour, minute, second;
    if (size < 8 || text[2] != ':' || text[5] != ':' || !two(text, &hour) ||
        !two(text + 3, &minute) || !two(text + 6, &second))
        return false;
    if (hour > 23 || minute > 59 || second > 59) return false;
    int64_t below = 0;
    if (size > 8) {
        size_t digits = size - 9;
        if (text[8] != '.' || digits == 0 || digits > (size_t)unit_digits) return false;
        for (size_t i = 9; i < size; i++) {
            unsigned digit = (unsigned)(uint8_t)text[i] - '0';
            if (digit > 9) return false;
            below = below * 10 + digit;
        }
        for (; digits < (size_t)unit_digits; digits++) below *= 10;
    }
    *value = ((int64_t)hour * 3600 + minute * 60 + second) * per + below;
    return true;
}

static bool read_time(const lm_csv_column *column, const char *text, size_t size, int64_t *value)
{
    lm_time_unit unit = column->field->type.unit;
    return read_clock(text, size, 3 * (int)unit, lm__unit_per_second(unit), value) ||
           lm__text_to_time(text, size, unit, value) == LM_TEXT_OK;
}

static bool read_time32(const lm_csv_column *column, const char *text, size_t size, int32_t *value)
{
    int64_t wide;
    if (!read_time(column, text, size, &wide)) return false;
    *value = (int32_t)wide;
    return true;
}

CONVERT(time32, int32_t, read_time32(column, text, size, &to[row]))
CONVERT(time64, int64_t, read_time(column, text, size, &to[row]))

LM_ALWAYS_INLINE bool read_day_again(lm_csv_day_before *before, const char *text, int64_t *days)
{
    uint64_t first;
    uint16_t last;
    memcpy(&first, text, 8);
    memcpy(&last, text + 8, 2);
    if (!before->known || first != before->first || last != before->last) {
        before->known = read_day(text, &before->days);
        before->first = first;
        before->last = last;
    }
    *days = before->days;
    return before->known;
}

/* A column with a zone has instants: text without one is in UTC where a schema asks for that. */
static bool read_timestamp_slow(const lm_csv_column *column, const char *text, size_t size,
                                int64_t *value)
{
    bool zoned, wanted = column->field->type.timezone != NULL;
    if (lm__text_to_timestamp(text, size, column->field->type.unit, value, &zoned) != LM_TEXT_OK)
        return false;
    return zoned == wanted || (wanted && !column->strict);
}

LM_ALWAYS_INLINE bool read_timestamp(const lm_csv_column *column, lm_csv_day_before *before,
                                     int digits, int64_t per, const char *text, size_t size,
                                     int64_t *value)
{
    int64_t days, clock, whole;
    bool wanted = column->field->type.timezone != NULL, zoned = size > 11 && text[size - 1] == 'Z';
    size_t end = size - zoned;
    if (zoned == wanted && end >= 19 && (text[10] == ' ' || text[10] == 'T') &&
        read_day_again(before, text, &days) &&
        read_clock(text + 11, end - 11, digits, per, &clock) &&
        !__builtin_mul_overflow(days * LM_SECONDS_PER_DAY, per, &whole) &&
        !__builtin_add_overflow(whole, clock, value))
        return true;
    return read_timestamp_slow(column, text, size, value);
}

/* `before` is of the column and the slice. */
#define CONVERT_TIMESTAMP(name, digits, per)                                                       \
    CONVERT(name, int64_t, read_timestamp(column, &before, digits, per, text, size, &to[row]))
CONVERT_TIMESTAMP(seconds, 0, 1)
CONVERT_TIMESTAMP(millis, 3, 1000)
CONVERT_TIMESTAMP(micros, 6, 1000000)
CONVERT_TIMESTAMP(nanos, 9, 1000000000)

/* Booleans: a byte each here, packed by the caller. */

LM_ALWAYS_INLINE bool read_bool(const char *text, size_t size, uint8_t *value)
{
    bool is_true;
    if (lm__text_to_bool(text, size, &is_true) != LM_TEXT_OK) return false;
    *value = is_true;
    return true;
}

CONVERT(boolean, uint8_t, read_bool(text, size, &to[row]))

/* Decimals. */

typedef struct decimal128 {
    uint64_t low, high;
} decimal128;

static bool read_decimal(const lm_csv_column *column, const char *text, size_t size, void *to)
{
    const lm_type *type = &column->field->type;
    lm_i256 value;
    bool lost;
    if (!lm__decimal_parse(text, size, type->scale, &value, &lost)) return false;
    return lm__i256_fits(value, type->precision) && lm__i256_store(value, to, type->byte_width);
}

CONVERT(decimal32, int32_t, read_decimal(column, text, size, &to[row]))
CONVERT(decimal64, int64_t, read_decimal(column, text, size, &to[row]))
CONVERT(decimal128, decimal128, read_decimal(column, text, size, &to[row]))
CONVERT(decimal256, lm_i256, read_decimal(column, text, size, &to[row]))

/* Text. Quoted text is never null. */

/* Cells are short: the first bytes are copied whatever the size, which is a branch less. There is
 * room for it, and slack behind the text. */
LM_ALWAYS_INLINE void copy_text(uint8_t *to, const uint8_t *from, size_t size)
{
    memcpy(to, from, LM_CSV_COPY_BYTES / 2);
    if (size <= LM_CSV_COPY_BYTES / 2) return;
    if (size <= LM_CSV_COPY_BYTES)
        memcpy(to + LM_CSV_COPY_BYTES / 2, from + LM_CSV_COPY_BYTES / 2, LM_CSV_COPY_BYTES / 2);
    else
        memcpy(to, from, size);
}

/* Room for the text of a slice. */
static lm_status reserve_text(const lm_csv_slice *slice, const lm_csv_span *span,
                              lm_csv_values *out)
{
    size_t needed = 0, most = out->bytes_size + slice->bytes + LM_CSV_COPY_BYTES;
    if (out->bytes_capacity >= most) return LM_OK;
    for (size_t row = 0; row < slice->rows; row++, span += slice->columns)
        needed += lm__csv_span_size(*span);
    needed += out->bytes_size;
    if (needed > INT32_MAX) return LM_LIMIT;
    needed += LM_CSV_COPY_BYTES;
    if (out->bytes_capacity >= needed) return LM_OK;
    size_t capacity = needed + needed / 2;
    uint8_t *bytes = lm__csv_room_take(out->room, capacity);
    if (!bytes) return LM_NO_MEMORY;
    if (out->bytes_size > 0) memcpy(bytes, out->bytes, out->bytes_size);
    out->bytes = bytes;
    out->bytes_capacity = capacity;
    return LM_OK;
}

static lm_status convert_text(const lm_csv_plan *plan, size_t at, const lm_csv_slice *slice,
                              lm_csv_values *out, size_t *good)
{
    const lm_csv_span *span = slice->spans + at;
    int32_t *offsets = (int32_t *)(void *)out->values + slice->row_first;
    LM_TRY(reserve_text(slice, span, out));
    uint8_t *to = out->bytes + out->bytes_size;
    for (size_t row = 0; row < slice->rows; row++, span += slice->columns) {
        size_t size = lm__csv_span_size(*span);
        offsets[row] = (int32_t)(to - out->bytes);
        bool quoted = span->size & LM_CSV_QUOTED;
        if (!quoted && (size == 0 || !plan->null_empty_only) &&
            lm__csv_is_null(plan, slice->text, *span)) {
            LM_TRY(lm__csv_set_null(slice, row, out));
            continue;
        }
        copy_text(to, slice->text + span->at, size);
        to += size;
    }
    offsets[slice->rows] = (int32_t)(to - out->bytes);
    out->bytes_size = (size_t)(to - out->bytes);
    *good = slice->rows;
    return LM_OK;
}

lm_csv_convert *lm__csv_convert(const lm_type *type)
{
    switch (type->id) {
    case LM_TYPE_BOOL: return convert_boolean;
    case LM_TYPE_INT8: return convert_i8;
    case LM_TYPE_INT16: return convert_i16;
    case LM_TYPE_INT32: return convert_i32;
    case LM_TYPE_INT64: return convert_i64;
    case LM_TYPE_UINT8: return convert_u8;
    case LM_TYPE_UINT16: return convert_u16;
    case LM_TYPE_UINT32: return convert_u32;
    case LM_TYPE_UINT64: return convert_u64;
    case LM_TYPE_FLOAT32:
    case LM_TYPE_FLOAT64: return lm__csv_convert_float(type);
    case LM_TYPE_DECIMAL32: return convert_decimal32;
    case LM_TYPE_DECIMAL64: return convert_decimal64;
    case LM_TYPE_DECIMAL128: return convert_decimal128;
    case LM_TYPE_DECIMAL256: return convert_decimal256;
    case LM_TYPE_DATE32: return convert_date32;
    case LM_TYPE_DATE64: return convert_date64;
    case LM_TYPE_TIME32: return convert_time32;
    case LM_TYPE_TIME64: return convert_time64;
    case LM_TYPE_TIMESTAMP:
        return type->unit == LM_UNIT_SECOND  ? convert_seconds
               : type->unit == LM_UNIT_MILLI ? convert_millis
               : type->unit == LM_UNIT_MICRO ? convert_micros
                                             : convert_nanos;
    case LM_TYPE_UTF8: return convert_text;
    default: return NULL;
    }
}
