/* Cells of bounded width: numbers, booleans, dates and times. */
#include <math.h>
#include <string.h>

#include "arrow/calendar.h"
#include "arrow/half.h"
#include "arrow/int256.h"
#include "arrow/text.h"
#include "base/limits.h"
#include "base/number.h"
#include "csv/cells.h"

#define VALUE(type) (((const type *)cell->array.values)[cell->array.offset + row])

#define PUT_INTEGER(name, type, text)                                                              \
    static char *put_##name(lm_csv_out *out, lm_csv_cell *cell, int64_t row, char *to)             \
    {                                                                                              \
        (void)out;                                                                                 \
        return to + text(VALUE(type), to);                                                         \
    }
PUT_INTEGER(i8, int8_t, lm__i64_text)
PUT_INTEGER(i16, int16_t, lm__i64_text)
PUT_INTEGER(i32, int32_t, lm__i64_text)
PUT_INTEGER(i64, int64_t, lm__i64_text)
PUT_INTEGER(u8, uint8_t, lm__u64_text)
PUT_INTEGER(u16, uint16_t, lm__u64_text)
PUT_INTEGER(u32, uint32_t, lm__u64_text)
PUT_INTEGER(u64, uint64_t, lm__u64_text)

static char *put_word(const char *word, char *to)
{
    size_t size = strlen(word);
    memcpy(to, word, size);
    return to + size;
}

static char *put_bool(lm_csv_out *out, lm_csv_cell *cell, int64_t row, char *to)
{
    const lm_csv_write_options *options = &out->style->options;
    bool value = lm__bit_get(cell->array.values, cell->array.offset + row);
    return put_word(value ? options->true_text : options->false_text, to);
}

/* Floats. */

static char *put_special(const lm_csv_out *out, double value, char *to)
{
    if (isnan(value)) return put_word(out->style->options.nan_text, to);
    return put_word(value < 0 ? "-inf" : "inf", to);
}

/* Amounts with at most two places are frequent. Such a number of up to 15 digits that reads back
 * as the value (the division rounds as reading does) is its shortest text: no other of so few
 * digits reads back as the same value. */
static char *put_amount(double value, char *to)
{
    double magnitude = fabs(value);
    if (!(magnitude < 1e13)) return NULL;
    uint64_t hundredths = (uint64_t)(magnitude * 100 + 0.5);
    if ((double)hundredths / 100 != magnitude) return NULL;
    *to = '-';
    to += __builtin_signbit(value) ? 1 : 0;
    to += lm__u64_text(hundredths / 100, to);
    unsigned places = (unsigned)(hundredths % 100);
    to[0] = '.';
    to[1] = (char)('0' + places / 10);
    to[2] = (char)('0' + places % 10);
    return to + (places % 10 ? 3 : 2);
}

static char *put_f64(lm_csv_out *out, lm_csv_cell *cell, int64_t row, char *to)
{
    double value = VALUE(double);
    if (cell->misses <= 16 + cell->tries / 4) { /* a column without amounts is not tried for long */
        char *end = put_amount(value, to);
        cell->tries++;
        if (end) return end;
        cell->misses++;
    }
    if (!isfinite(value)) return put_special(out, value, to);
    return to + lm__double_text(value, to);
}

static char *put_float(const lm_csv_out *out, float value, char *to)
{
    if (!isfinite(value)) return put_special(out, (double)value, to);
    return to + lm__float_text(value, to);
}

static char *put_f32(lm_csv_out *out, lm_csv_cell *cell, int64_t row, char *to)
{
    return put_float(out, VALUE(float), to);
}

static char *put_f16(lm_csv_out *out, lm_csv_cell *cell, int64_t row, char *to)
{
    return put_float(out, lm__half_to_float(VALUE(uint16_t)), to);
}

static char *put_fixed(lm_csv_out *out, lm_csv_cell *cell, int64_t row, char *to)
{
    double value;
    switch (cell->field->type.id) {
    case LM_TYPE_FLOAT64: value = VALUE(double); break;
    case LM_TYPE_FLOAT32: value = (double)VALUE(float); break;
    default: value = (double)lm__half_to_float(VALUE(uint16_t));
    }
    if (!isfinite(value)) return put_special(out, value, to);
    return to + lm__double_fixed(value, out->style->options.float_places, to);
}

/* Decimals. */

static char *put_decimal(lm_csv_out *out, lm_csv_cell *cell, int64_t row, char *to)
{
    const lm_type *type = &cell->field->type;
    const uint8_t *at =
        (const uint8_t *)cell->array.values + (cell->array.offset + row) * type->byte_width;
    (void)out;
    return to + lm__decimal_text(lm__i256_load(at, type->byte_width), type->scale, to);
}

/* Dates and times. */

static char *put_two(int64_t value, char *to)
{
    to[0] = (char)('0' + value / 10);
    to[1] = (char)('0' + value % 10);
    return to + 2;
}

/* The text of the day before is often the text of this one. */
static char *put_day(lm_csv_cell *cell, int64_t days, char *to)
{
    if (days != cell->day || cell->day_size == 0) {
        lm_csv_moment moment = {.days = days};
        cell->day_size = lm__csv_time_put("%F", &moment, cell->day_text);
        cell->day = days;
    }
    memcpy(to, cell->day_text, sizeof cell->day_text);
    return to + cell->day_size;
}

/* Of the day, in units, with all their digits. */
static char *put_clock(int64_t value, lm_time_unit unit, char *to)
{
    uint32_t seconds = (uint32_t)(value / lm__unit_per_second(unit)), minutes = seconds / 60;
    uint64_t below = (uint64_t)(value % lm__unit_per_second(unit));
    to = put_two(minutes / 60, to);
    *to++ = ':';
    to = put_two(minutes % 60, to);
    *to++ = ':';
    to = put_two(seconds % 60, to);
    if (unit == LM_UNIT_SECOND) return to;
    *to = '.';
    for (int i = 3 * (int)unit; i > 0; i--, below /= 10) to[i] = (char)('0' + below % 10);
    return to + 1 + 3 * (int)unit;
}

static int64_t floor_divide(int64_t value, int64_t by, int64_t *rest)
{
    int64_t quotient = value / by;
    *rest = value % by;
    if (*rest < 0) {
        *rest += by;
        quotient--;
    }
    return quotient;
}

static int64_t days_of(const lm_csv_cell *cell, int64_t row)
{
    int64_t rest;
    if (cell->field->type.id == LM_TYPE_DATE32) return VALUE(int32_t);
    return floor_divide(VALUE(int64_t), (int64_t)LM_SECONDS_PER_DAY * 1000, &rest);
}

static char *put_date(lm_csv_out *out, lm_csv_cell *cell, int64_t row, char *to)
{
    (void)out;
    return put_day(cell, days_of(cell, row), to);
}

static char *put_date_format(lm_csv_out *out, lm_csv_cell *cell, int64_t row, char *to)
{
    lm_csv_moment moment = {.days = days_of(cell, row)};
    return to + lm__csv_time_put(out->style->options.date_format, &moment, to);
}

static int64_t time_of(const lm_csv_cell *cell, int64_t row)
{
    return cell->field->type.id == LM_TYPE_TIME32 ? VALUE(int32_t) : VALUE(int64_t);
}

/* No time of day: outside its day, which no clock shows. It is told as what it is. */
static bool is_clock(const lm_csv_cell *cell, int64_t value)
{
    return value >= 0 && value < LM_SECONDS_PER_DAY * lm__unit_per_second(cell->field->type.unit);
}

static char *put_time(lm_csv_out *out, lm_csv_cell *cell, int64_t row, char *to)
{
    int64_t value = time_of(cell, row);
    (void)out;
    if (!is_clock(cell, value)) return to + lm__text_from_time(value, cell->field->type.unit, to);
    return put_clock(value, cell->field->type.unit, to);
}

static char *put_time_format(lm_csv_out *out, lm_csv_cell *cell, int64_t row, char *to)
{
    int64_t value = time_of(cell, row), per = lm__unit_per_second(cell->field->type.unit);
    if (!is_clock(cell, value)) return to + lm__text_from_time(value, cell->field->type.unit, to);
    lm_csv_moment moment = {.nanoseconds = value * (1000000000 / per)};
    return to + lm__csv_time_put(out->style->options.time_format, &moment, to);
}

/* In parts, moved to the zone that is asked for. */
static lm_csv_moment moment_of(lm_csv_cell *cell, int64_t row, int64_t *in_day)
{
    int64_t per = lm__unit_per_second(cell->field->type.unit), per_day = LM_SECONDS_PER_DAY * per;
    lm_csv_moment moment = {.zoned = cell->field->type.timezone != NULL};
    moment.days = floor_divide(VALUE(int64_t), per_day, in_day);
    if (cell->zone) {
        int64_t second = moment.days * LM_SECONDS_PER_DAY + *in_day / per;
        moment.zone_seconds = lm__csv_zone_offset(cell->zone, second, &cell->zone_now);
        moment.days += floor_divide(*in_day + moment.zone_seconds * per, per_day, in_day);
    }
    return moment;
}

static char *put_timestamp(lm_csv_out *out, lm_csv_cell *cell, int64_t row, char *to)
{
    int64_t in_day;
    lm_csv_moment moment = moment_of(cell, row, &in_day);
    (void)out;
    to = put_day(cell, moment.days, to);
    *to++ = ' ';
    to = put_clock(in_day, cell->field->type.unit, to);
    if (!moment.zoned) return to;
    if (cell->zone) return to + lm__csv_zone_put(moment.zone_seconds, true, to);
    *to++ = 'Z';
    return to;
}

static char *put_timestamp_format(lm_csv_out *out, lm_csv_cell *cell, int64_t row, char *to)
{
    int64_t in_day;
    lm_csv_moment moment = moment_of(cell, row, &in_day);
    moment.nanoseconds = in_day * (1000000000 / lm__unit_per_second(cell->field->type.unit));
    return to + lm__csv_time_put(out->style->options.timestamp_format, &moment, to);
}

static lm_csv_put *temporal_put(const lm_csv_style *style, const lm_type *type, size_t *room)
{
    const char *format;
    *room = LM_VALUE_TEXT_MAX;
    switch (type->id) {
    case LM_TYPE_DATE32:
    case LM_TYPE_DATE64: format = style->options.date_format; break;
    case LM_TYPE_TIME32:
    case LM_TYPE_TIME64: format = style->options.time_format; break;
    default: format = style->options.timestamp_format;
    }
    if (format) *room = lm__csv_time_room(format);
    switch (type->id) {
    case LM_TYPE_DATE32:
    case LM_TYPE_DATE64: return format ? put_date_format : put_date;
    case LM_TYPE_TIME32:
    case LM_TYPE_TIME64: return format ? put_time_format : put_time;
    default: return format ? put_timestamp_format : put_timestamp;
    }
}

lm_csv_put *lm__csv_fixed_put(const lm_csv_style *style, const lm_type *type, size_t *room)
{
    *room = LM_INTEGER_TEXT_MAX;
    switch (type->id) {
    case LM_TYPE_INT8: return put_i8;
    case LM_TYPE_INT16: return put_i16;
    case LM_TYPE_INT32: return put_i32;
    case LM_TYPE_INT64: return put_i64;
    case LM_TYPE_UINT8: return put_u8;
    case LM_TYPE_UINT16: return put_u16;
    case LM_TYPE_UINT32: return put_u32;
    case LM_TYPE_UINT64: return put_u64;
    case LM_TYPE_BOOL:
    case LM_TYPE_FLOAT16:
    case LM_TYPE_FLOAT32:
    case LM_TYPE_FLOAT64:
        *room = LM_CSV_WORD_BYTES_MAX + LM_DOUBLE_TEXT_MAX;
        if (type->id == LM_TYPE_BOOL) return put_bool;
        if (style->options.float_fixed) {
            *room += LM_FIXED_TEXT_MAX;
            return put_fixed;
        }
        return type->id == LM_TYPE_FLOAT64   ? put_f64
               : type->id == LM_TYPE_FLOAT32 ? put_f32
                                             : put_f16;
    case LM_TYPE_DECIMAL32:
    case LM_TYPE_DECIMAL64:
    case LM_TYPE_DECIMAL128:
    case LM_TYPE_DECIMAL256: *room = LM_DECIMAL_TEXT_MAX; return put_decimal;
    case LM_TYPE_DATE32:
    case LM_TYPE_DATE64:
    case LM_TYPE_TIME32:
    case LM_TYPE_TIME64:
    case LM_TYPE_TIMESTAMP: return temporal_put(style, type, room);
    default: *room = 0; return NULL;
    }
}
