/* Bounds of values; see bounds.h. */
#include "parquet/bounds.h"

#include <string.h>

#include "base/error.h"
#include "encode/minmax.h"
#include "parquet/values.h"

/* Room for the least and the greatest of a fixed width, at most 8 bytes. */
typedef union bound_value {
    int8_t i8;
    uint8_t u8;
    int16_t i16;
    uint16_t u16;
    int32_t i32;
    uint32_t u32;
    int64_t i64;
    uint64_t u64;
    float f32;
    double f64;
    bool truth;
} bound_value;

typedef struct bound_pair {
    bound_value min, max;
} bound_pair;

/* 1 and 2 byte integers, told as the INT32 that they become. */
static bool bounds_widen(const lm_leaf *leaf, const void *values, lm_bits valid, size_t count,
                         bound_pair *out)
{
    bound_pair p;
    bool there;
    if (leaf->memory_width == 1) {
        there = leaf->is_signed ? lm__minmax_i8(values, valid, count, &p.min.i8, &p.max.i8)
                                : lm__minmax_u8(values, valid, count, &p.min.u8, &p.max.u8);
        if (!there) return false;
        out->min.i32 = leaf->is_signed ? p.min.i8 : p.min.u8;
        out->max.i32 = leaf->is_signed ? p.max.i8 : p.max.u8;
        return true;
    }
    there = leaf->is_signed ? lm__minmax_i16(values, valid, count, &p.min.i16, &p.max.i16)
                            : lm__minmax_u16(values, valid, count, &p.min.u16, &p.max.u16);
    if (!there) return false;
    out->min.i32 = leaf->is_signed ? p.min.i16 : p.min.u16;
    out->max.i32 = leaf->is_signed ? p.max.i16 : p.max.u16;
    return true;
}

static bool bounds_number(const lm_leaf *leaf, const void *values, lm_bits valid, size_t count,
                          bound_pair *out, size_t *nans)
{
    bool wide = leaf->width == 8;
    if (leaf->store == LM_STORE_WIDEN) return bounds_widen(leaf, values, valid, count, out);
    switch (leaf->order) {
    case LM_ORDER_SIGNED:
        return wide ? lm__minmax_i64(values, valid, count, &out->min.i64, &out->max.i64)
                    : lm__minmax_i32(values, valid, count, &out->min.i32, &out->max.i32);
    case LM_ORDER_UNSIGNED:
        return wide ? lm__minmax_u64(values, valid, count, &out->min.u64, &out->max.u64)
                    : lm__minmax_u32(values, valid, count, &out->min.u32, &out->max.u32);
    case LM_ORDER_FLOAT:
        return wide ? lm__minmax_f64(values, valid, count, &out->min.f64, &out->max.f64, nans)
                    : lm__minmax_f32(values, valid, count, &out->min.f32, &out->max.f32, nans);
    default: return lm__minmax_f16(values, valid, count, &out->min.u16, &out->max.u16, nans);
    }
}

/* Where strings are compared the bounds point at them. */
static bool bounds_strings(const lm_leaf *leaf, const lm_piece *piece, size_t from, size_t count,
                           lm_bounds *bounds)
{
    lm_strings strings = lm__strings_skip(piece->strings, from);
    lm_bits valid = lm__bits_skip(piece->valid, from);
    size_t min, max;
    bool there = leaf->order == LM_ORDER_SIGNED_BE
                     ? lm__minmax_signed_be(strings.data, leaf->width, valid, count, &min, &max)
                     : lm__minmax_strings(&strings, valid, count, &min, &max);
    if (!there) return false;
    lm_slice least = lm__strings_get(&strings, min), most = lm__strings_get(&strings, max);
    bounds->min = lm__bytes(least.data, least.size);
    bounds->max = lm__bytes(most.data, most.size);
    return true;
}

lm_status lm__bounds_of(const lm_leaf *leaf, const lm_piece *piece, size_t from, size_t count,
                        lm_arena *arena, lm_bounds *bounds, lm_error *error)
{
    *bounds = (lm_bounds){0};
    if (leaf->order == LM_ORDER_NONE || count == 0) return LM_OK;
    if (leaf->order == LM_ORDER_BYTES || leaf->order == LM_ORDER_SIGNED_BE) {
        bounds->there = bounds_strings(leaf, piece, from, count, bounds);
        return LM_OK;
    }
    bound_pair *pair = lm__arena_zero(arena, sizeof *pair);
    if (!pair) return lm__error_memory(error, "keeping statistics");
    lm_bits valid = lm__bits_skip(piece->valid, from);
    size_t width = leaf->width;
    if (leaf->order == LM_ORDER_BOOL) {
        width = 1;
        bounds->there = lm__minmax_bool(lm__bits_skip(piece->bits, from), valid, count,
                                        &pair->min.truth, &pair->max.truth);
    } else {
        const uint8_t *values = (const uint8_t *)piece->fixed + from * lm__leaf_memory_width(leaf);
        bounds->there = bounds_number(leaf, values, valid, count, pair, &bounds->nans);
    }
    bounds->min = lm__bytes(&pair->min, width);
    bounds->max = lm__bytes(&pair->max, width);
    return LM_OK;
}

#define COMPARE(type)                                                                              \
    do {                                                                                           \
        type x, y;                                                                                 \
        memcpy(&x, a.data, sizeof x);                                                              \
        memcpy(&y, b.data, sizeof y);                                                              \
        return (x > y) - (x < y);                                                                  \
    } while (0)

/* Half floats in the order of their numbers: sign and magnitude. Both zeros are equal. */
static int compare_half(lm_bytes a, lm_bytes b)
{
    int16_t x, y;
    memcpy(&x, a.data, 2);
    memcpy(&y, b.data, 2);
    int left = x < 0 ? -(x & 0x7fff) : x, right = y < 0 ? -(y & 0x7fff) : y;
    return (left > right) - (left < right);
}

int lm__bounds_compare(const lm_leaf *leaf, lm_bytes a, lm_bytes b)
{
    bool wide = leaf->width == 8;
    switch (leaf->order) {
    case LM_ORDER_BOOL: COMPARE(uint8_t);
    case LM_ORDER_SIGNED:
        if (wide) COMPARE(int64_t);
        COMPARE(int32_t);
    case LM_ORDER_UNSIGNED:
        if (wide) COMPARE(uint64_t);
        COMPARE(uint32_t);
    case LM_ORDER_FLOAT:
        if (wide) COMPARE(double);
        COMPARE(float);
    case LM_ORDER_FLOAT16: return compare_half(a, b);
    case LM_ORDER_SIGNED_BE: {
        int sign = (int)(int8_t)a.data[0] - (int)(int8_t)b.data[0];
        if (sign) return sign < 0 ? -1 : 1;
        int order = memcmp(a.data, b.data, leaf->width);
        return (order > 0) - (order < 0);
    }
    default: return lm__compare_bytes((lm_slice){a.data, a.size}, (lm_slice){b.data, b.size});
    }
}

void lm__bounds_merge(const lm_leaf *leaf, lm_bounds *a, const lm_bounds *b)
{
    a->nans += b->nans;
    if (!b->there) return;
    if (!a->there || lm__bounds_compare(leaf, b->min, a->min) < 0) a->min = b->min;
    if (!a->there || lm__bounds_compare(leaf, b->max, a->max) > 0) a->max = b->max;
    a->there = true;
}
