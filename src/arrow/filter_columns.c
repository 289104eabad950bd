/* Columns compared with columns, and patterns: row by row. */
#include <math.h>
#include <string.h>

#include "arrow/filter_kernels.h"
#include "arrow/half.h"
#include "base/utf8.h"

typedef __int128 i128;

/* The array and row that hold the value; false where it is null. */
static bool resolve(const lm_array **array, int64_t *row)
{
    for (;;) {
        const lm_array *at = *array;
        if (at->field->type.id == LM_TYPE_RUN_END_ENCODED) {
            *row = lm__array_run_find(at, *row, NULL);
            *array = &at->children[1];
        } else if (!lm__array_valid(at, *row)) {
            return false;
        } else if (at->field->type.id == LM_TYPE_DICTIONARY) {
            *row = lm__array_index(at, *row);
            *array = at->dictionary;
        } else {
            return true;
        }
    }
}

static int64_t load_int(const lm_array *array, int64_t row)
{
    const lm_type *type = &array->field->type;
    const uint8_t *at = (const uint8_t *)lm__array_fixed(array) + row * type->byte_width;
    int64_t value = 0;
    if (type->id == LM_TYPE_BOOL) return lm__bit_get(array->values, array->offset + row);
    memcpy(&value, at, (size_t)type->byte_width);
    int spare = 64 - 8 * type->byte_width;
    if (lm__type_is_unsigned(type->id)) return value;
    return (int64_t)((uint64_t)value << spare) >> spare;
}

static double load_float(const lm_array *array, int64_t row)
{
    const void *values = lm__array_fixed(array);
    switch (array->field->type.id) {
    case LM_TYPE_FLOAT64: return ((const double *)values)[row];
    case LM_TYPE_FLOAT32: return (double)((const float *)values)[row];
    case LM_TYPE_FLOAT16: return (double)lm__half_to_float(((const uint16_t *)values)[row]);
    case LM_TYPE_UINT64: return (double)((const uint64_t *)values)[row];
    default: return (double)load_int(array, row);
    }
}

static int order_floats(double a, double b)
{
    if (isnan(a) || isnan(b)) return (int)isnan(a) - (int)isnan(b);
    return (a > b) - (a < b);
}

static int64_t ns_of(const lm_type *type)
{
    if (type->id == LM_TYPE_DATE32) return (int64_t)86400 * 1000000000;
    if (type->id == LM_TYPE_DATE64) return 1000000;
    return 1000000000 / lm__unit_per_second(type->unit);
}

static int order_ints(i128 a, i128 b) { return (a > b) - (a < b); }

static i128 load_number(const lm_array *array, int64_t row)
{
    int64_t value = load_int(array, row);
    return array->field->type.id == LM_TYPE_UINT64 ? (i128)(uint64_t)value : (i128)value;
}

static lm_i256 load_wide(const lm_array *array, int64_t row)
{
    const lm_type *type = &array->field->type;
    if (!lm__type_is_decimal(type->id)) {
        i128 number = load_number(array, row);
        return lm__i256_load(&number, 16);
    }
    return lm__i256_load((const uint8_t *)lm__array_fixed(array) + row * type->byte_width,
                         type->byte_width);
}

static int scale_of(const lm_array *array)
{
    return lm__type_is_decimal(array->field->type.id) ? array->field->type.scale : 0;
}

/* The one of the smaller scale is multiplied; where it becomes too large its sign decides. */
static int order_decimals(const lm_array *a, int64_t a_row, const lm_array *b, int64_t b_row)
{
    lm_i256 x = load_wide(a, a_row), y = load_wide(b, b_row);
    int more = scale_of(b) - scale_of(a), steps = more < 0 ? -more : more;
    lm_i256 *small = more > 0 ? &x : &y;
    if (steps > 0 && !lm__i256_zero(*small) &&
        (steps > LM_POW10_MAX || !lm__i256_scale_up(*small, steps, small))) {
        int sign = lm__i256_negative(*small) ? -1 : 1;
        return more > 0 ? sign : -sign;
    }
    return lm__i256_compare(x, y);
}

static int order_bytes(const lm_array *a, int64_t a_row, const lm_array *b, int64_t b_row)
{
    size_t a_size, b_size;
    const uint8_t *x = lm__array_bytes(a, a_row, &a_size), *y = lm__array_bytes(b, b_row, &b_size);
    return lm__value_compare(x, a_size, y, b_size);
}

static int order_rows(const lm_array *a, int64_t a_row, const lm_array *b, int64_t b_row)
{
    const lm_type *left = &a->field->type, *right = &b->field->type;
    if (lm__type_is_float(left->id) || lm__type_is_float(right->id))
        return order_floats(load_float(a, a_row), load_float(b, b_row));
    if (lm__type_is_decimal(left->id) || lm__type_is_decimal(right->id))
        return order_decimals(a, a_row, b, b_row);
    if (lm__type_is_text(left->id) || lm__type_is_binary(left->id) ||
        left->id == LM_TYPE_FIXED_BINARY)
        return order_bytes(a, a_row, b, b_row);
    if (left->id >= LM_TYPE_DATE32 && left->id <= LM_TYPE_DURATION)
        return order_ints((i128)load_int(a, a_row) * ns_of(left),
                          (i128)load_int(b, b_row) * ns_of(right));
    return order_ints(load_number(a, a_row), load_number(b, b_row));
}

static bool holds(lm_comparison comparison, int order)
{
    switch (comparison) {
    case LM_EQUAL: return order == 0;
    case LM_NOT_EQUAL: return order != 0;
    case LM_LESS: return order < 0;
    case LM_LESS_EQUAL: return order <= 0;
    case LM_GREATER: return order > 0;
    default: return order >= 0;
    }
}

void lm__filter_columns(const lm_test *test, const lm_array *left, const lm_array *right,
                        uint64_t *words)
{
    for (int64_t row = 0; row < left->length; row++) {
        const lm_array *a = left, *b = right;
        int64_t a_row = row, b_row = row;
        bool fits = resolve(&a, &a_row) && resolve(&b, &b_row) &&
                    holds(test->comparison, order_rows(a, a_row, b, b_row));
        if (row % 64 == 0) words[row / 64] = 0;
        words[row / 64] |= (uint64_t)fits << (row % 64);
    }
}

/* Patterns. */

static size_t character(const lm_pattern *pattern, const uint8_t *text, size_t size)
{
    size_t length = pattern->bytewise ? 1 : lm__utf8_sequence(text, size);
    return length ? length : 1; /* text that was not checked may be anything */
}

/* After a mismatch the last % takes one character more: earlier ones need never be tried again. */
bool lm__pattern_match(const lm_pattern *pattern, const uint8_t *text, size_t size)
{
    size_t code = pattern->prefix, at = pattern->prefix, star = SIZE_MAX, star_at = 0;
    if (size < at || (at > 0 && memcmp(text, pattern->codes, at) != 0)) return false;
    while (at < size || code < pattern->count) {
        bool wild = code < pattern->count && pattern->wild[code];
        if (wild && pattern->codes[code] == '%') {
            star = code++;
            star_at = at;
            if (code == pattern->count) return true;
            continue;
        }
        if (at < size && wild) {
            at += character(pattern, text + at, size - at);
            code++;
            continue;
        }
        if (at < size && code < pattern->count && pattern->codes[code] == text[at]) {
            at++;
            code++;
            continue;
        }
        if (star == SIZE_MAX || star_at >= size) return false;
        star_at += character(pattern, text + star_at, size - star_at);
        at = star_at;
        code = star + 1;
    }
    return true;
}
