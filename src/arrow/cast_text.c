/* Casts of text to values and of values to text; text.h says which texts. */
#include <stdio.h>

#include "arrow/cast_plan.h"
#include "arrow/half.h"
#include "arrow/int256.h"
#include "arrow/text.h"
#include "base/error.h"

/* Parsing. */

static lm_text_result parse_integer(const lm_type *type, const char *text, size_t size, void *out)
{
    int64_t value;
    if (type->id == LM_TYPE_UINT64) return lm__text_to_u64(text, size, out);
    lm_text_result result = lm__text_to_i64(text, size, &value);
    if (result != LM_TEXT_OK) return result;
    int bits = 8 * type->byte_width;
    bool fits = true;
    if (lm__type_is_unsigned(type->id))
        fits = value >= 0 && value >> bits == 0;
    else if (bits < 64)
        fits = value >= -((int64_t)1 << (bits - 1)) && value < (int64_t)1 << (bits - 1);
    memcpy(out, &value, (size_t)type->byte_width);
    return fits ? LM_TEXT_OK : LM_TEXT_RANGE;
}

static lm_text_result parse_float(const lm_type *type, const char *text, size_t size, void *out)
{
    double value;
    lm_text_result result = lm__text_to_f64(text, size, &value);
    if (result != LM_TEXT_OK) return result;
    float narrow = (float)value;
    uint16_t half = lm__half_from_float(narrow);
    bool infinite = value - value != 0, over = false;
    if (type->id == LM_TYPE_FLOAT64) {
        memcpy(out, &value, sizeof value);
    } else if (type->id == LM_TYPE_FLOAT32) {
        memcpy(out, &narrow, sizeof narrow);
        over = narrow - narrow != 0;
    } else {
        memcpy(out, &half, sizeof half);
        over = (half & 0x7c00) == 0x7c00;
    }
    return over && !infinite ? LM_TEXT_RANGE : LM_TEXT_OK; /* a number that became infinite */
}

static lm_text_result parse_decimal(const lm_type *type, const char *text, size_t size, void *out)
{
    lm_i256 value;
    bool lost;
    if (!lm__decimal_parse(text, size, type->scale, &value, &lost))
        return lost ? LM_TEXT_RANGE : LM_TEXT_BAD;
    if (!lm__i256_fits(value, type->precision)) return LM_TEXT_RANGE;
    return lm__i256_store(value, out, type->byte_width) ? LM_TEXT_OK : LM_TEXT_RANGE;
}

static lm_text_result parse_temporal(const lm_type *type, const char *text, size_t size, void *out)
{
    int64_t value;
    bool zoned;
    lm_text_result result;
    switch (type->id) {
    case LM_TYPE_TIME32:
    case LM_TYPE_TIME64: result = lm__text_to_time(text, size, type->unit, &value); break;
    case LM_TYPE_TIMESTAMP:
        result = lm__text_to_timestamp(text, size, type->unit, &value, &zoned);
        /* A zone must be there when the type has one, and must not when it has none. */
        if (result == LM_TEXT_OK && zoned != (type->timezone != NULL)) result = LM_TEXT_BAD;
        break;
    default:
        result = lm__text_to_date(text, size, &value);
        if (result != LM_TEXT_OK) break;
        if (type->id == LM_TYPE_DATE64 && __builtin_mul_overflow(value, 86400000, &value))
            result = LM_TEXT_RANGE;
        if (type->id == LM_TYPE_DATE32 && value != (int32_t)value) result = LM_TEXT_RANGE;
    }
    if (result == LM_TEXT_OK) memcpy(out, &value, (size_t)type->byte_width);
    return result;
}

static lm_text_result parse_value(const lm_type *type, const char *text, size_t size, void *out)
{
    if (type->id == LM_TYPE_BOOL) return lm__text_to_bool(text, size, out);
    if (lm__type_is_integer(type->id)) return parse_integer(type, text, size, out);
    if (lm__type_is_float(type->id)) return parse_float(type, text, size, out);
    if (lm__type_is_decimal(type->id)) return parse_decimal(type, text, size, out);
    return parse_temporal(type, text, size, out);
}

lm_status lm__cast_parse(cast_run *run, const cast_plan *plan, const lm_array *in, lm_array *out)
{
    const lm_type *type = &plan->to->type;
    LM_TRY(lm__cast_validity(run, in, out));
    size_t width = type->id == LM_TYPE_BOOL ? 0 : (size_t)type->byte_width;
    size_t bytes = (size_t)in->length * width + (size_t)in->length / 8 + 1;
    uint8_t *to = lm__cast_alloc(run, bytes, 1);
    if (!to) return lm__cast_memory(run);
    memset(to, 0, bytes);
    out->values = to;
    for (int64_t row = 0; row < in->length; row++) {
        if (!lm__array_valid(in, row)) continue;
        uint64_t value[4] = {0};
        size_t size;
        const char *text = (const char *)lm__array_bytes(in, row, &size);
        lm_text_result result = parse_value(type, text, size, value);
        if (result != LM_TEXT_OK && lm__cast_is_live(run, in, row)) {
            char why[LM_TYPE_TEXT_MAX + 40], name[LM_TYPE_TEXT_MAX];
            snprintf(why, sizeof why,
                     result == LM_TEXT_BAD ? "is not a text of %s" : "does not fit %s",
                     lm__type_text_short(plan->to, name));
            return lm__cast_refuse_bytes(run, plan, in, row, why);
        }
        if (type->id != LM_TYPE_BOOL)
            memcpy(to + (size_t)row * width, value, width);
        else if (value[0])
            lm__bit_set(to, row);
    }
    return LM_OK;
}

/* Printing. */

static int64_t load_integer(const lm_type *type, const uint8_t *at)
{
    uint64_t bits = 0;
    memcpy(&bits, at, (size_t)type->byte_width);
    if (lm__type_is_unsigned(type->id)) return (int64_t)bits;
    int shift = 64 - 8 * type->byte_width;
    return (int64_t)(bits << shift) >> shift;
}

static size_t print_float(const lm_type *type, const uint8_t *at, char *text)
{
    double wide;
    float narrow;
    uint16_t half;
    switch (type->id) {
    case LM_TYPE_FLOAT64: memcpy(&wide, at, sizeof wide); return lm__text_from_f64(wide, text);
    case LM_TYPE_FLOAT32:
        memcpy(&narrow, at, sizeof narrow);
        return lm__text_from_f32(narrow, text);
    default:
        memcpy(&half, at, sizeof half);
        return lm__text_from_f32(lm__half_to_float(half), text);
    }
}

static size_t print_value(const lm_type *type, const uint8_t *at, char *text)
{
    if (lm__type_is_float(type->id)) return print_float(type, at, text);
    if (lm__type_is_decimal(type->id))
        return lm__decimal_text(lm__i256_load(at, type->byte_width), type->scale, text);
    int64_t value = load_integer(type, at), days;
    switch (type->id) {
    case LM_TYPE_UINT64: return lm__text_from_u64((uint64_t)value, text);
    case LM_TYPE_DATE32: return lm__text_from_date(value, text);
    case LM_TYPE_DATE64:
        days = value / 86400000 - (value % 86400000 < 0);
        return lm__text_from_date(days, text);
    case LM_TYPE_TIME32:
    case LM_TYPE_TIME64: return lm__text_from_time(value, type->unit, text);
    case LM_TYPE_TIMESTAMP:
        return lm__text_from_timestamp(value, type->unit, type->timezone != NULL, text);
    default: return lm__text_from_i64(value, text);
    }
}

static lm_status print_rows(const lm_array *in, lm_builder *builder)
{
    const lm_type *type = &in->field->type;
    char text[LM_DECIMAL_TEXT_MAX > LM_VALUE_TEXT_MAX ? LM_DECIMAL_TEXT_MAX : LM_VALUE_TEXT_MAX];
    LM_TRY(lm__builder_reserve(builder, in->length));
    for (int64_t row = 0; row < in->length; row++) {
        if (!lm__array_valid(in, row)) {
            LM_TRY(lm__build_null(builder));
            continue;
        }
        int64_t at = in->offset + row;
        if (type->id == LM_TYPE_BOOL) {
            bool is_true = lm__bit_get(in->values, at);
            LM_TRY(lm__build_bytes(builder, is_true ? "true" : "false", is_true ? 4 : 5));
            continue;
        }
        size_t size = print_value(type, (const uint8_t *)in->values + at * type->byte_width, text);
        LM_TRY(lm__build_bytes(builder, text, size));
    }
    return LM_OK;
}

lm_status lm__cast_print(cast_run *run, const cast_plan *plan, const lm_array *in, lm_array *out)
{
    lm_builder builder;
    LM_TRY(lm__builder_init(&builder, run->batch->allocator, plan->to, run->error));
    lm_status status = lm__cast_built(run, plan, print_rows(in, &builder));
    if (status == LM_OK) status = lm__builder_take(&builder, run->batch, out, run->error);
    lm__builder_deinit(&builder);
    return status;
}
