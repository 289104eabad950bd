/*
 * Casts among decimals and integers: the value stays the same, its scale and width may change.
 *
 * Up to 128 bits in the processor's own arithmetic; only where 256 bits come in, limb by limb.
 */
#include "arrow/cast_plan.h"
#include "arrow/int256.h"
#include "base/error.h"

typedef __int128 i128;

typedef struct rescale {
    int32_t from_width, to_width;
    bool from_unsigned, to_integer, to_unsigned;
    int from_scale, up; /* digits to append, or (negative) to take away */
    int precision;      /* of the target; 0 for integers */
    i128 power;         /* 10^|up|, where that fits */
    i128 limit;         /* 10^precision, where that fits */
} rescale;

static i128 narrow(lm_i256 value)
{
    i128 low;
    memcpy(&low, value.limb, sizeof low);
    return low;
}

static rescale rescale_of(const lm_type *from, const lm_type *to)
{
    rescale r = {
        .from_width = from->byte_width,
        .to_width = to->byte_width,
        .from_unsigned = lm__type_is_unsigned(from->id),
        .to_integer = lm__type_is_integer(to->id),
        .to_unsigned = lm__type_is_unsigned(to->id),
        .from_scale = from->scale,
        .up = to->scale - from->scale,
        .precision = to->precision,
    };
    int digits = r.up < 0 ? -r.up : r.up;
    r.power = digits <= 38 ? narrow(lm__i256_pow10(digits)) : 0;
    r.limit = r.precision && r.precision <= 38 ? narrow(lm__i256_pow10(r.precision)) : 0;
    return r;
}

/* Integers have widths of 1 and 2 bytes too, and may be unsigned. */
static i128 load_narrow(const rescale *r, const uint8_t *at)
{
    i128 value;
    if (r->from_width == 16) {
        memcpy(&value, at, 16);
        return value;
    }
    uint64_t bits = 0;
    memcpy(&bits, at, (size_t)r->from_width);
    if (r->from_unsigned) return (i128)bits;
    int shift = 64 - 8 * r->from_width;
    return (i128)((int64_t)(bits << shift) >> shift);
}

static lm_i256 widen(i128 value)
{
    lm_i256 wide;
    memcpy(wide.limb, &value, 16);
    wide.limb[2] = wide.limb[3] = value < 0 ? UINT64_MAX : 0;
    return wide;
}

static lm_i256 load_wide(const rescale *r, const uint8_t *at)
{
    return r->from_width == 32 ? lm__i256_load(at, 32) : widen(load_narrow(r, at));
}

static bool fits_integer(const rescale *r, i128 value)
{
    int bits = 8 * r->to_width;
    if (r->to_unsigned) return value >= 0 && value >> bits == 0;
    return value >= -((i128)1 << (bits - 1)) && value < (i128)1 << (bits - 1);
}

/* False when the value cannot be kept. */
static bool convert_narrow(const rescale *r, const uint8_t *from, uint8_t *to)
{
    i128 value = load_narrow(r, from);
    if (r->up > 0 && value != 0) {
        if (!r->power || __builtin_mul_overflow(value, r->power, &value)) return false;
    } else if (r->up < 0 && value != 0) {
        if (!r->power || value % r->power != 0) return false;
        value /= r->power;
    }
    memcpy(to, &value, (size_t)r->to_width);
    if (r->to_integer) return fits_integer(r, value);
    return r->limit == 0 || (value < r->limit && value > -r->limit);
}

static bool convert_wide(const rescale *r, const uint8_t *from, uint8_t *to)
{
    lm_i256 value = load_wide(r, from);
    memset(to, 0, (size_t)r->to_width);
    if (r->up > 0 && !lm__i256_scale_up(value, r->up, &value)) return false;
    if (r->up < 0 && !lm__i256_scale_down(value, -r->up, &value)) return false;
    if (r->to_integer) {
        i128 low = narrow(value);
        memcpy(to, &low, (size_t)r->to_width);
        return lm__i256_compare(widen(low), value) == 0 && fits_integer(r, low);
    }
    return lm__i256_fits(value, r->precision) && lm__i256_store(value, to, r->to_width);
}

static lm_status refuse(const cast_run *run, const cast_plan *plan, const rescale *r,
                        const uint8_t *at, int64_t row)
{
    char value[LM_DECIMAL_TEXT_MAX], type[LM_TYPE_TEXT_MAX];
    size_t size = lm__decimal_text(load_wide(r, at), r->from_scale, value);
    return lm__cast_refuse(run, plan, row, "%.*s cannot become %s without loss", (int)size, value,
                           lm__type_text_short(plan->to, type));
}

lm_status lm__cast_decimals(cast_run *run, const cast_plan *plan, const lm_array *in, lm_array *out)
{
    LM_TRY(lm__cast_validity(run, in, out));
    rescale r = rescale_of(&plan->from->type, &plan->to->type);
    uint8_t *to = lm__cast_alloc(run, (size_t)in->length, (size_t)r.to_width);
    if (!to) return lm__cast_memory(run);
    out->values = to;
    bool wide = r.from_width == 32 || r.to_width == 32;
    const uint8_t *from = lm__array_fixed(in);
    for (int64_t row = 0; row < in->length; row++, from += r.from_width, to += r.to_width) {
        bool fits = wide ? convert_wide(&r, from, to) : convert_narrow(&r, from, to);
        if (fits) continue;
        if (lm__cast_is_live(run, in, row)) return refuse(run, plan, &r, from, row);
        memset(to, 0, (size_t)r.to_width);
    }
    return LM_OK;
}
