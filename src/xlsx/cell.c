/* The value of a cell; see cell.h. */
#include "xlsx/cell.h"

#include <math.h>
#include <stdio.h>

#include "arrow/calendar.h"
#include "arrow/half.h"
#include "arrow/text.h"
#include "base/bytes_text.h"
#include "base/error.h"
#include "base/number.h"
#include "xlsx/text.h"

/* Days are counted from 1899-12-31, with a 29th of February 1900 that never was (ECMA-376 part 1,
 * 18.17.4.1). */
enum {
    SERIAL_OF_1970 = 25569,
    SERIAL_OF_MARCH_1900 = 61,
    SERIAL_LAST = 2958465, /* 9999-12-31 */
    EXACT_DIGITS = 15,     /* of a decimal, that every double keeps */
};
static const int64_t exact_integer_max = (int64_t)1 << 53;

/* False when a sheet has no such day. */
static bool serial_day(int64_t days, int64_t *serial)
{
    if (days < -SERIAL_OF_1970 || days > SERIAL_LAST) return false;
    *serial = days + SERIAL_OF_1970;
    if (*serial < SERIAL_OF_MARCH_1900) --*serial;
    return *serial >= 1 && *serial <= SERIAL_LAST;
}

static lm_status number(lm_cell *cell, size_t size)
{
    cell->kind = LM_CELL_IS_NUMBER;
    cell->text = (const uint8_t *)cell->digits;
    cell->size = size;
    return LM_OK;
}

/* What lies in `digits`, as text. */
static lm_status digits_text(lm_cell *cell, size_t size)
{
    number(cell, size);
    cell->kind = LM_CELL_IS_TEXT;
    return LM_OK;
}

static lm_status fixed_text(lm_cell *cell, lm_cell_kind kind, const char *text)
{
    cell->kind = kind;
    cell->text = (const uint8_t *)text;
    cell->size = strlen(text);
    return LM_OK;
}

static lm_status nonfinite(const lm_cell_column *column, double value, lm_cell *cell,
                           lm_error *error)
{
    const char *word = isnan(value) ? "nan" : value < 0 ? "-inf" : "inf";
    switch (column->options->nonfinite) {
    case LM_XLSX_NONFINITE_ERROR:
        return fixed_text(cell, LM_CELL_IS_ERROR, isnan(value) ? "#NUM!" : "#DIV/0!");
    case LM_XLSX_NONFINITE_REFUSE:
        return lm__error_set(error, LM_DATA, "%s, which no cell can hold as a number", word);
    default:
        if (isnan(value)) {
            cell->kind = LM_CELL_BLANK;
            return LM_OK;
        }
        return fixed_text(cell, LM_CELL_IS_TEXT, word);
    }
}

static lm_status signed_cell(const lm_cell_column *column, int64_t value, lm_cell *cell)
{
    lm_xlsx_exact exact = column->options->exact;
    bool wide = column->value_field->type.byte_width == 8;
    bool text = exact == LM_XLSX_EXACT_TEXT
                    ? wide
                    : exact == LM_XLSX_EXACT_AUTO &&
                          (value > exact_integer_max || value < -exact_integer_max);
    size_t size = lm__i64_text(value, cell->digits);
    return text ? digits_text(cell, size) : number(cell, size);
}

static lm_status unsigned_cell(const lm_cell_column *column, uint64_t value, lm_cell *cell)
{
    if (value <= INT64_MAX) return signed_cell(column, (int64_t)value, cell);
    size_t size = lm__u64_text(value, cell->digits);
    return column->options->exact == LM_XLSX_EXACT_NUMBER ? number(cell, size)
                                                          : digits_text(cell, size);
}

static lm_status decimal_cell(const lm_cell_column *column, const void *value, lm_cell *cell)
{
    const lm_type *type = &column->value_field->type;
    lm_xlsx_exact exact = column->options->exact;
    size_t size =
        lm__decimal_text(lm__i256_load(value, type->byte_width), type->scale, cell->digits);
    size_t digits = 0;
    bool leading = true;
    for (size_t i = 0; i < size; i++) {
        char c = cell->digits[i];
        leading = leading && (c == '0' || c == '-' || c == '.');
        digits += !leading && c != '.';
    }
    bool text =
        exact == LM_XLSX_EXACT_TEXT || (exact == LM_XLSX_EXACT_AUTO && digits > EXACT_DIGITS);
    return text ? digits_text(cell, size) : number(cell, size);
}

static lm_status date_cell(int64_t days, lm_cell *cell)
{
    int64_t serial;
    if (!serial_day(days, &serial))
        return digits_text(cell, lm__text_from_date(days, cell->digits));
    return number(cell, lm__i64_text(serial, cell->digits));
}

static lm_status timestamp_cell(const lm_type *type, int64_t value, lm_cell *cell)
{
    int64_t per_day = LM_SECONDS_PER_DAY * lm__unit_per_second(type->unit), serial;
    int64_t days = value / per_day, of_day = value % per_day;
    if (of_day < 0) {
        of_day += per_day;
        days--;
    }
    if (!serial_day(days, &serial))
        return digits_text(
            cell, lm__text_from_timestamp(value, type->unit, type->timezone != NULL, cell->digits));
    if (of_day == 0) return number(cell, lm__i64_text(serial, cell->digits));
    return number(cell,
                  lm__double_text((double)serial + (double)of_day / (double)per_day, cell->digits));
}

static lm_status part_of_day_cell(const lm_type *type, int64_t value, lm_cell *cell)
{
    double per_day = LM_SECONDS_PER_DAY * (double)lm__unit_per_second(type->unit);
    return number(cell, lm__double_text((double)value / per_day, cell->digits));
}

static lm_status text_cell(const lm_cell_column *column, const uint8_t *text, size_t size,
                           lm_cell *cell, lm_error *error)
{
    cell->kind = LM_CELL_IS_TEXT;
    cell->text = text;
    cell->size = size;
    if (size <= LM_XLSX_TEXT_UNITS_MAX) return LM_OK;
    size_t units = lm__xlsx_units(text, size);
    if (units <= LM_XLSX_TEXT_UNITS_MAX) return LM_OK;
    if (!column->options->cut)
        return lm__error_set(error, LM_DATA,
                             "a text of %zu characters, and a cell holds %d; have such texts cut, "
                             "or leave the column out",
                             units, LM_XLSX_TEXT_UNITS_MAX);
    cell->size = lm__xlsx_units_prefix(text, size, LM_XLSX_TEXT_UNITS_MAX);
    return LM_OK;
}

static lm_status binary_cell(const lm_cell_column *column, const uint8_t *bytes, size_t size,
                             lm_buffer *scratch, lm_cell *cell, lm_error *error)
{
    lm__buffer_clear(scratch);
    if (size > SIZE_MAX / 4 || lm__buffer_reserve(scratch, size * 2 + 4) != LM_OK)
        return lm__error_memory(error, "writing a sheet");
    bool hex = column->options->binary == LM_XLSX_BINARY_HEX;
    char *start = (char *)scratch->data;
    char *end = (hex ? lm__hex_text : lm__base64_text)(start, bytes, size);
    return text_cell(column, scratch->data, (size_t)(end - start), cell, error);
}

static lm_status uuid_cell(const uint8_t *bytes, lm_cell *cell)
{
    lm__uuid_text(cell->digits, bytes);
    return digits_text(cell, LM_UUID_TEXT_BYTES);
}

static lm_status json_cell(const lm_cell_column *column, const lm_array *array, int64_t row,
                           lm_buffer *scratch, lm_cell *cell, lm_error *error)
{
    lm__buffer_clear(scratch);
    if (lm__value_json_put(&column->json, array, row, scratch) != LM_OK)
        return lm__error_memory(error, "writing a sheet");
    size_t quote = column->way == LM_CELL_INTERVAL ? 1 : 0;
    return text_cell(column, scratch->data + quote, scratch->size - 2 * quote, cell, error);
}

static int64_t signed_value(const lm_array *array, int64_t at)
{
    switch (array->field->type.byte_width) {
    case 1: return ((const int8_t *)array->values)[at];
    case 2: return ((const int16_t *)array->values)[at];
    case 4: return ((const int32_t *)array->values)[at];
    default: return ((const int64_t *)array->values)[at];
    }
}

static uint64_t unsigned_value(const lm_array *array, int64_t at)
{
    switch (array->field->type.byte_width) {
    case 1: return ((const uint8_t *)array->values)[at];
    case 2: return ((const uint16_t *)array->values)[at];
    case 4: return ((const uint32_t *)array->values)[at];
    default: return ((const uint64_t *)array->values)[at];
    }
}

static lm_status double_cell(const lm_cell_column *column, double value, lm_cell *cell,
                             lm_error *error)
{
    if (!isfinite(value)) return nonfinite(column, value, cell, error);
    return number(cell, lm__double_text(value, cell->digits));
}

static lm_status float_cell(const lm_cell_column *column, float value, lm_cell *cell,
                            lm_error *error)
{
    if (!isfinite(value)) return nonfinite(column, (double)value, cell, error);
    return number(cell, lm__float_text(value, cell->digits));
}

/* A row that is not null, of an array without dictionary and run ends. */
static lm_status value_cell(const lm_cell_column *column, const lm_array *array, int64_t row,
                            lm_buffer *scratch, lm_cell *cell, lm_error *error)
{
    int64_t at = array->offset + row;
    const lm_type *type = &array->field->type;
    size_t size;
    const uint8_t *bytes;
    switch (column->way) {
    case LM_CELL_NOTHING: return LM_OK;
    case LM_CELL_BOOL:
        return fixed_text(cell, LM_CELL_IS_BOOL, lm__bit_get(array->values, at) ? "1" : "0");
    case LM_CELL_SIGNED: return signed_cell(column, signed_value(array, at), cell);
    case LM_CELL_UNSIGNED: return unsigned_cell(column, unsigned_value(array, at), cell);
    case LM_CELL_HALF:
        return float_cell(column, lm__half_to_float(((const uint16_t *)array->values)[at]), cell,
                          error);
    case LM_CELL_FLOAT: return float_cell(column, ((const float *)array->values)[at], cell, error);
    case LM_CELL_DOUBLE:
        return double_cell(column, ((const double *)array->values)[at], cell, error);
    case LM_CELL_DECIMAL:
        return decimal_cell(column, (const uint8_t *)array->values + at * type->byte_width, cell);
    case LM_CELL_DATE: {
        int64_t value = signed_value(array, at);
        int64_t day = LM_SECONDS_PER_DAY * 1000;
        if (type->id == LM_TYPE_DATE64) value = value / day - (value % day < 0);
        return date_cell(value, cell);
    }
    case LM_CELL_TIMESTAMP: return timestamp_cell(type, signed_value(array, at), cell);
    case LM_CELL_TIME:
    case LM_CELL_DURATION: return part_of_day_cell(type, signed_value(array, at), cell);
    case LM_CELL_TEXT:
        bytes = lm__array_bytes(array, row, &size);
        return text_cell(column, bytes, size, cell, error);
    case LM_CELL_UUID: return uuid_cell(lm__array_bytes(array, row, &size), cell);
    case LM_CELL_BINARY:
        bytes = lm__array_bytes(array, row, &size);
        return binary_cell(column, bytes, size, scratch, cell, error);
    case LM_CELL_JSON:
    case LM_CELL_INTERVAL: return json_cell(column, array, row, scratch, cell, error);
    }
    return LM_OK;
}

lm_status lm__cell_make(const lm_cell_column *column, const lm_array *array, int64_t row,
                        lm_buffer *scratch, lm_cell *cell, lm_error *error)
{
    lm_array below;
    cell->kind = LM_CELL_BLANK;
    for (;;) {
        if (!lm__array_valid(array, row)) return LM_OK;
        if (array->field->type.id == LM_TYPE_DICTIONARY) {
            row = lm__array_index(array, row);
            array = array->dictionary;
        } else if (array->field->type.id == LM_TYPE_RUN_END_ENCODED) {
            row = lm__array_run_find(array, row, NULL);
            below = lm__array_child(array, 1);
            array = &below;
        } else {
            return value_cell(column, array, row, scratch, cell, error);
        }
    }
}

static void frame(lm_cell_frame *to, uint32_t style, const char *rest)
{
    to->size = style ? (size_t)sprintf(to->text, "\" s=\"%u\"%s", style, rest)
                     : (size_t)sprintf(to->text, "\"%s", rest);
}

void lm__cell_frames(lm_cell_column *column)
{
    uint32_t style = column->style;
    column->head_size = (size_t)sprintf(column->head, "<c r=\"%s", column->letters);
    frame(&column->number, style, "><v>");
    frame(&column->boolean, style, " t=\"b\"><v>");
    frame(&column->mistake, style, " t=\"e\"><v>");
    frame(&column->text, style, " t=\"inlineStr\"><is><t>");
    frame(&column->spaced, style, " t=\"inlineStr\"><is><t xml:space=\"preserve\">");
}

/* XML keeps such spaces only when it is told to. */
static bool is_spaced(const lm_cell *cell)
{
    if (cell->size == 0) return false;
    uint8_t first = cell->text[0], last = cell->text[cell->size - 1];
    return first <= ' ' || last <= ' ';
}

static uint8_t *put(uint8_t *to, const void *text, size_t size)
{
    memcpy(to, text, size);
    return to + size;
}

lm_status lm__cell_append(const lm_cell_column *column, const lm_cell *cell, const char *row,
                          size_t row_size, lm_buffer *out)
{
    static const char end[] = "</v></c>", text_end[] = "</t></is></c>";
    if (cell->kind == LM_CELL_BLANK) return LM_OK;
    bool text = cell->kind == LM_CELL_IS_TEXT;
    const lm_cell_frame *frame = &column->number;
    if (text)
        frame = is_spaced(cell) ? &column->spaced : &column->text;
    else if (cell->kind != LM_CELL_IS_NUMBER)
        frame = cell->kind == LM_CELL_IS_BOOL ? &column->boolean : &column->mistake;
    size_t room = 160 + cell->size * (text ? LM_XLSX_ESCAPE_BYTES_MAX : 1);
    lm_status status = lm__buffer_reserve(out, room);
    if (status != LM_OK) return status;
    uint8_t *to = put(out->data + out->size, column->head, column->head_size);
    to = put(to, row, row_size);
    to = put(to, frame->text, frame->size);
    if (text)
        to = put(lm__xlsx_escape(to, cell->text, cell->size), text_end, sizeof text_end - 1);
    else
        to = put(put(to, cell->text, cell->size), end, sizeof end - 1);
    out->size = (size_t)(to - out->data);
    return LM_OK;
}

/* East Asian characters are twice as wide; what combines is not looked for. */
static double text_width(const uint8_t *text, size_t size)
{
    double width = 0;
    for (size_t i = 0; i < size && text[i] != '\n'; i++)
        if ((text[i] & 0xc0) != 0x80) width += text[i] >= 0xe1 ? 2 : 1;
    return width;
}

double lm__cell_width(const lm_cell_column *column, const lm_cell *cell)
{
    enum { DATE_WIDTH = 10, TIMESTAMP_WIDTH = 19, TIME_WIDTH = 8, DOUBLE_WIDTH_MAX = 12 };
    if (cell->kind == LM_CELL_IS_TEXT) return text_width(cell->text, cell->size);
    if (cell->kind != LM_CELL_IS_NUMBER) return (double)cell->size;
    switch (column->way) {
    case LM_CELL_DATE: return DATE_WIDTH;
    case LM_CELL_TIMESTAMP: return TIMESTAMP_WIDTH;
    case LM_CELL_TIME:
    case LM_CELL_DURATION: return TIME_WIDTH;
    case LM_CELL_FLOAT:
    case LM_CELL_DOUBLE: /* which a program rounds to what it shows */
        return cell->size < DOUBLE_WIDTH_MAX ? (double)cell->size : DOUBLE_WIDTH_MAX;
    default: return (double)cell->size;
    }
}
