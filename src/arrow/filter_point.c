/*
 * Literals as values of a column's type, exactly: where a number, a date or a time stands among the
 * values that the type has, so that "int8 > 1000" and "int < 1.5" are decided and never rounded.
 * Floats alone take the nearest value of their type.
 */
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "arrow/filter.h"
#include "arrow/half.h"
#include "arrow/text.h"
#include "base/bytes_text.h"
#include "base/error.h"
#include "base/limits.h"

typedef __int128 i128;

#define NS_PER_SECOND 1000000000
#define DIGITS_MAX 76 /* of a value of 256 bits */

lm_status lm__literal_refuse(const lm_literal *literal, const lm_field *field, const char *column,
                             const char *why, lm_error *error)
{
    static const char *const kinds[] = {"null",     "a boolean",   "a number",  "a number",
                                        "a number", "text",        "bytes",     "a date",
                                        "a time",   "a timestamp", "a duration"};
    char type[LM_TYPE_TEXT_MAX], data[48], shown[64] = "", name[LM_PATH_TEXT_MAX];
    if (literal->kind >= LM_LITERAL_NUMBER && literal->kind != LM_LITERAL_BINARY) {
        size_t size = literal->size < sizeof data - 1 ? literal->size : sizeof data - 1;
        memcpy(data, literal->data, size);
        data[size] = '\0';
        lm__printable(shown, sizeof shown, data);
    }
    return lm__error_set(error, LM_SCHEMA, "column %s (%s) cannot be compared with %s%s%s%s%s%s",
                         lm__printable(name, sizeof name, column), lm__type_text_short(field, type),
                         kinds[literal->kind], *shown ? " '" : "", shown, *shown ? "'" : "",
                         why ? ": " : "", why ? why : "");
}

/* Numbers. */

/* A number as its digits without zeroes before, and how many of them stand before the point. */
typedef struct decimal {
    bool negative;
    char digits[LM_EXPR_NUMBER_BYTES_MAX];
    int count, point;
} decimal;

static void read_decimal(const char *text, size_t size, decimal *out)
{
    const char *at = text, *end = text + size;
    bool after_point = false;
    int exponent = 0;
    out->negative = size > 0 && *at == '-';
    out->count = out->point = 0;
    if (at < end && (*at == '-' || *at == '+')) at++;
    for (; at < end && (*at | 0x20) != 'e'; at++) {
        if (*at == '.') {
            after_point = true;
        } else if (out->count > 0 || *at != '0') {
            out->digits[out->count++] = *at;
            out->point += !after_point;
        } else {
            out->point -= after_point;
        }
    }
    if (at < end) {
        bool minus = at[1] == '-';
        for (at += 1 + (at[1] == '-' || at[1] == '+'); at < end; at++)
            if (exponent < 1000000) exponent = exponent * 10 + (*at - '0');
        if (minus) exponent = -exponent;
    }
    out->point += exponent;
}

/* Among the multiples of 10^-scale. */
static lm_point number_point(const char *text, size_t size, int scale)
{
    decimal number;
    lm_point point = {.exact = true};
    bool lost;
    read_decimal(text, size, &number);
    int whole = number.point + scale; /* digits before the point, of the scaled number */
    if (number.count == 0) return point;
    if (whole > DIGITS_MAX) {
        point.beyond = number.negative ? -1 : 1;
        return point;
    }
    char digits[DIGITS_MAX + 1] = "0";
    int used = whole > 0 ? whole : 0;
    for (int i = 0; i < used; i++) digits[i] = i < number.count ? number.digits[i] : '0';
    for (int i = used; i < number.count; i++) point.exact &= number.digits[i] == '0';
    if (!lm__decimal_parse(digits, used ? (size_t)used : 1, 0, &point.floor, &lost))
        point.beyond = 1;
    if (number.negative) {
        point.floor = lm__i256_negate(point.floor);
        if (!point.exact) point.floor = lm__i256_add(point.floor, lm__i256_from_i64(-1));
        point.beyond = -point.beyond;
    }
    return point;
}

/* "inf", "nan" and the like as text: past all numbers, on the side of their sign. */
static bool is_special(const lm_literal *literal, bool *nan, int *sign)
{
    char word[16];
    const char *text = literal->data;
    size_t size = literal->size;
    *sign = size > 0 && *text == '-' ? -1 : 1;
    if (literal->kind != LM_LITERAL_TEXT) return false;
    if (size > 0 && (*text == '-' || *text == '+')) text++, size--;
    if (size == 0 || size >= sizeof word) return false;
    memcpy(word, text, size);
    word[size] = '\0';
    *nan = strcasecmp(word, "nan") == 0;
    if (*nan) *sign = 1;
    return *nan || strcasecmp(word, "inf") == 0 || strcasecmp(word, "infinity") == 0;
}

static bool is_number(const lm_literal *literal)
{
    if (literal->kind == LM_LITERAL_NUMBER) return true;
    return literal->kind == LM_LITERAL_TEXT && literal->size > 0 &&
           literal->size <= LM_EXPR_NUMBER_BYTES_MAX &&
           lm__expr_number_size(literal->data, literal->size) == literal->size;
}

static lm_status numeric(const lm_literal *literal, const lm_field *field, const char *column,
                         int scale, lm_point *point, lm_error *error)
{
    bool nan;
    int sign;
    if (is_special(literal, &nan, &sign)) {
        *point = (lm_point){.beyond = sign};
        return LM_OK;
    }
    if (!is_number(literal))
        return lm__literal_refuse(literal, field, column,
                                  literal->kind == LM_LITERAL_TEXT ? "that is no number" : NULL,
                                  error);
    *point = number_point(literal->data, literal->size, scale);
    return LM_OK;
}

lm_status lm__literal_float(const lm_literal *literal, const lm_field *field, const char *column,
                            double *value, int *beyond, lm_error *error)
{
    bool nan;
    int sign;
    *beyond = 0;
    if (is_special(literal, &nan, &sign)) {
        *value = nan ? NAN : sign < 0 ? -INFINITY : INFINITY;
        return LM_OK;
    }
    if (!is_number(literal))
        return lm__literal_refuse(literal, field, column,
                                  literal->kind == LM_LITERAL_TEXT ? "that is no number" : NULL,
                                  error);
    if (lm__text_to_f64(literal->data, literal->size, value) == LM_TEXT_BAD)
        return lm__literal_refuse(literal, field, column, "that is no number", error);
    if (field->type.id == LM_TYPE_FLOAT32) *value = (double)(float)*value;
    if (field->type.id == LM_TYPE_FLOAT16)
        *value = (double)lm__half_to_float(lm__half_from_float((float)*value));
    if (!isinf(*value)) return LM_OK;
    *beyond = *(const char *)literal->data == '-' ? -1 : 1;
    *value = *beyond < 0 ? -INFINITY : INFINITY;
    return LM_OK;
}

/* Times. */

/* Nanoseconds, and whether something smaller was left off, as a point among the multiples of
 * `unit`. */
static lm_point time_point(lm_i256 ns, bool exact, uint64_t unit)
{
    bool negative = lm__i256_negative(ns);
    lm_i256 floor = lm__i256_absolute(ns);
    bool rest = lm__i256_divide_small(&floor, unit) != 0;
    if (negative) {
        floor = lm__i256_negate(floor);
        if (rest) floor = lm__i256_add(floor, lm__i256_from_i64(-1));
    }
    return (lm_point){.exact = exact && !rest, .floor = floor};
}

static lm_i256 wide(i128 value) { return lm__i256_load(&value, 16); }

/* The text without the fraction of its seconds, and that as nanoseconds. */
typedef struct clock_text {
    char text[96];
    size_t size;
    int64_t ns;
    bool exact;
} clock_text;

static bool cut_fraction(const lm_literal *literal, clock_text *out)
{
    const char *text = literal->data, *end = text + literal->size;
    const char *dot = literal->size ? memchr(text, '.', literal->size) : NULL, *rest = end;
    out->ns = 0;
    out->exact = true;
    if (dot) {
        int64_t unit = NS_PER_SECOND;
        for (rest = dot + 1; rest < end && *rest >= '0' && *rest <= '9'; rest++) {
            unit /= 10;
            out->ns += (*rest - '0') * unit;
            out->exact &= unit > 0 || *rest == '0';
        }
        if (rest == dot + 1) return false;
    }
    size_t before = dot ? (size_t)(dot - text) : literal->size,
           after = dot ? (size_t)(end - rest) : 0;
    if (before + after >= sizeof out->text) return false;
    memcpy(out->text, text, before);
    if (after) memcpy(out->text + before, rest, after);
    out->size = before + after;
    return true;
}

static lm_status instant(const lm_literal *literal, const lm_field *field, const char *column,
                         lm_i256 *ns, bool *exact, lm_error *error)
{
    bool is_date = field->type.id == LM_TYPE_DATE32 || field->type.id == LM_TYPE_DATE64;
    bool has_zone = field->type.id == LM_TYPE_TIMESTAMP && field->type.timezone, zoned = false;
    const char *why = is_date ? "a date is 'YYYY-MM-DD'"
                              : "a timestamp is 'YYYY-MM-DD HH:MM:SS', a zone after it or none";
    int64_t seconds;
    clock_text cut;
    if (literal->kind != LM_LITERAL_TEXT && literal->kind != LM_LITERAL_DATE &&
        literal->kind != LM_LITERAL_TIMESTAMP)
        return lm__literal_refuse(literal, field, column, NULL, error);
    if (literal->kind == LM_LITERAL_DATE &&
        lm__text_to_date(literal->data, literal->size, &seconds) != LM_TEXT_OK)
        return lm__literal_refuse(literal, field, column, "a date is 'YYYY-MM-DD'", error);
    if (!cut_fraction(literal, &cut) ||
        lm__text_to_timestamp(cut.text, cut.size, LM_UNIT_SECOND, &seconds, &zoned) != LM_TEXT_OK)
        return lm__literal_refuse(literal, field, column, why, error);
    if (zoned && !has_zone)
        return lm__literal_refuse(literal, field, column, "the column has no zone", error);
    *ns = wide((i128)seconds * NS_PER_SECOND + cut.ns);
    *exact = cut.exact;
    return LM_OK;
}

static lm_status of_day(const lm_literal *literal, const lm_field *field, const char *column,
                        lm_i256 *ns, bool *exact, lm_error *error)
{
    int64_t seconds;
    clock_text cut;
    if (literal->kind != LM_LITERAL_TEXT && literal->kind != LM_LITERAL_TIME)
        return lm__literal_refuse(literal, field, column, NULL, error);
    if (!cut_fraction(literal, &cut) ||
        lm__text_to_time(cut.text, cut.size, LM_UNIT_SECOND, &seconds) != LM_TEXT_OK)
        return lm__literal_refuse(literal, field, column, "a time is 'HH:MM:SS'", error);
    *ns = wide((i128)seconds * NS_PER_SECOND + cut.ns);
    *exact = cut.exact;
    return LM_OK;
}

/* "90s": a number and its unit. */
static lm_status span(const lm_literal *literal, const lm_field *field, const char *column,
                      lm_i256 *ns, bool *exact, int *beyond, lm_error *error)
{
    static const struct {
        char name[3];
        int scale;        /* nanoseconds are 10^-scale of it, */
        uint64_t seconds; /* times that */
    } units[] = {{"ns", 0, 1}, {"us", 3, 1},   {"ms", 6, 1},   {"s", 9, 1},
                 {"m", 9, 60}, {"h", 9, 3600}, {"d", 9, 86400}};
    static const char why[] = "a duration is a number and one of d, h, m, s, ms, us and ns";
    if (literal->kind != LM_LITERAL_TEXT && literal->kind != LM_LITERAL_DURATION)
        return lm__literal_refuse(literal, field, column, NULL, error);
    const char *text = literal->data;
    size_t digits = lm__expr_number_size(text, literal->size), at = digits;
    while (at < literal->size && text[at] == ' ') at++;
    if (digits == 0 || digits > LM_EXPR_NUMBER_BYTES_MAX)
        return lm__literal_refuse(literal, field, column, why, error);
    for (size_t i = 0; i < sizeof units / sizeof *units; i++) {
        if (literal->size - at != strlen(units[i].name) ||
            memcmp(text + at, units[i].name, literal->size - at) != 0)
            continue;
        lm_point point = number_point(text, digits, units[i].scale);
        *beyond = point.beyond;
        *exact = point.exact;
        *ns = point.floor;
        if (units[i].seconds == 1 || point.beyond) return LM_OK;
        if (!point.exact)
            return lm__literal_refuse(literal, field, column, "finer than a nanosecond", error);
        if (!lm__i256_fits(point.floor, DIGITS_MAX - 5)) {
            *beyond = lm__i256_negative(point.floor) ? -1 : 1;
            return LM_OK;
        }
        lm_i256 sum = {{0}}, step = point.floor;
        for (uint64_t bits = units[i].seconds; bits; bits >>= 1) {
            if (bits & 1) sum = lm__i256_add(sum, step);
            step = lm__i256_add(step, step);
        }
        *ns = sum;
        return LM_OK;
    }
    return lm__literal_refuse(literal, field, column, why, error);
}

static uint64_t unit_ns(const lm_type *type)
{
    if (type->id == LM_TYPE_DATE32) return (uint64_t)86400 * NS_PER_SECOND;
    if (type->id == LM_TYPE_DATE64) return 1000000;
    return (uint64_t)(NS_PER_SECOND / lm__unit_per_second(type->unit));
}

lm_status lm__literal_point(const lm_literal *literal, const lm_field *field, const char *column,
                            lm_point *point, lm_error *error)
{
    const lm_type *type = &field->type;
    lm_i256 ns = {{0}};
    bool exact = true, truth;
    int beyond = 0;
    if (lm__type_is_integer(type->id)) return numeric(literal, field, column, 0, point, error);
    if (lm__type_is_decimal(type->id))
        return numeric(literal, field, column, type->scale, point, error);
    switch (type->id) {
    case LM_TYPE_BOOL:
        truth = literal->integer != 0;
        if (literal->kind != LM_LITERAL_BOOL &&
            (literal->kind != LM_LITERAL_TEXT ||
             lm__text_to_bool(literal->data, literal->size, &truth) != LM_TEXT_OK))
            return lm__literal_refuse(literal, field, column, NULL, error);
        *point = (lm_point){.exact = true, .floor = lm__i256_from_i64(truth)};
        return LM_OK;
    case LM_TYPE_DATE32:
    case LM_TYPE_DATE64:
    case LM_TYPE_TIMESTAMP: LM_TRY(instant(literal, field, column, &ns, &exact, error)); break;
    case LM_TYPE_TIME32:
    case LM_TYPE_TIME64: LM_TRY(of_day(literal, field, column, &ns, &exact, error)); break;
    default: /* a duration; a plain number counts in the column's unit */
        if (literal->kind == LM_LITERAL_NUMBER)
            return numeric(literal, field, column, 0, point, error);
        LM_TRY(span(literal, field, column, &ns, &exact, &beyond, error));
    }
    *point = time_point(ns, exact, unit_ns(type));
    point->beyond = beyond;
    return LM_OK;
}

/* Bytes. */

/* "6a2f41a3-c54c-fce8-32d2-0324e1c32e22" */
static bool uuid_bytes(const lm_literal *literal, uint8_t out[16])
{
    const char *text = literal->data;
    size_t nibbles = 0;
    for (size_t i = 0; i < literal->size; i++) {
        if (text[i] == '-') continue;
        int digit = lm__hex_digit(text[i]);
        if (digit < 0 || nibbles == 32) return false;
        out[nibbles / 2] = (uint8_t)(nibbles % 2 ? out[nibbles / 2] << 4 | digit : digit);
        nibbles++;
    }
    return nibbles == 32;
}

lm_status lm__literal_bytes(lm_arena *arena, const lm_literal *literal, const lm_field *field,
                            const char *column, lm_value *value, lm_error *error)
{
    bool uuid = field->extension_name && strcmp(field->extension_name, "arrow.uuid") == 0;
    if (literal->kind != LM_LITERAL_TEXT && literal->kind != LM_LITERAL_BINARY)
        return lm__literal_refuse(literal, field, column,
                                  literal->kind == LM_LITERAL_NUMBER ? "quote it" : NULL, error);
    uint8_t *data = lm__arena_alloc(arena, literal->size + 16);
    if (!data) return lm__error_memory(error, "binding an expression");
    *value = (lm_value){data, literal->size};
    if (uuid && literal->kind == LM_LITERAL_TEXT) {
        if (!uuid_bytes(literal, data))
            return lm__literal_refuse(literal, field, column, "that is no UUID", error);
        value->size = 16;
        return LM_OK;
    }
    if (literal->size) memcpy(data, literal->data, literal->size);
    return LM_OK;
}
