/* How values compare, for verification; see verify.h. The order is that of parquet.thrift,
 * ColumnOrder. */
#include <string.h>

#include "base/bits.h"
#include "base/limits.h"
#include "encode/minmax.h"
#include "parquet/verify.h"

static lm_leaf_order order_of_bytes(const lm_read_node *leaf)
{
    for (const lm_read_node *node = leaf->parent; node; node = node->parent)
        if (node->shape == LM_READ_VARIANT) return LM_ORDER_NONE;
    switch (leaf->meaning) {
    case LM_MEANS_DECIMAL: return LM_ORDER_SIGNED_BE;
    case LM_MEANS_TIMESTAMP: return LM_ORDER_TIME96;
    case LM_MEANS_FLOAT16: return LM_ORDER_FLOAT16;
    case LM_MEANS_INTERVAL:
    case LM_MEANS_GEOMETRY:
    case LM_MEANS_GEOGRAPHY: return LM_ORDER_NONE;
    default: return LM_ORDER_BYTES;
    }
}

lm_leaf_order lm__verify_order(const lm_parquet_reader *reader, const lm_read_node *leaf)
{
    const lm_int32_list orders = reader->metadata.column_orders;
    int32_t order =
        leaf->leaf_first < orders.count ? orders.items[leaf->leaf_first] : LM_PARQUET_TYPE_ORDER;
    bool is_float = leaf->physical == LM_PARQUET_FLOAT || leaf->physical == LM_PARQUET_DOUBLE ||
                    leaf->meaning == LM_MEANS_FLOAT16;
    if (leaf->meaning == LM_MEANS_NULL) return LM_ORDER_NONE;
    if (leaf->physical == LM_PARQUET_INT96)
        return order == LM_PARQUET_INT96_TIMESTAMP_ORDER ? LM_ORDER_INT96 : LM_ORDER_NONE;
    if (order != LM_PARQUET_TYPE_ORDER && !(order == LM_PARQUET_IEEE_754_TOTAL_ORDER && is_float))
        return LM_ORDER_NONE;
    switch (leaf->physical) {
    case LM_PARQUET_BOOLEAN: return LM_ORDER_BOOL;
    case LM_PARQUET_INT32:
    case LM_PARQUET_INT64:
        return leaf->meaning == LM_MEANS_INTEGER && !leaf->is_signed ? LM_ORDER_UNSIGNED
                                                                     : LM_ORDER_SIGNED;
    case LM_PARQUET_FLOAT:
    case LM_PARQUET_DOUBLE: return LM_ORDER_FLOAT;
    default: return order_of_bytes(leaf);
    }
}

/* Big-endian two's complement of any lengths. */
static int compare_decimals(lm_bytes a, lm_bytes b)
{
    uint8_t sign_a = a.size && a.data[0] & 0x80 ? 0xff : 0;
    uint8_t sign_b = b.size && b.data[0] & 0x80 ? 0xff : 0;
    if (sign_a != sign_b) return sign_a ? -1 : 1;
    for (size_t i = a.size > b.size ? a.size : b.size; i > 0; i--) {
        uint8_t x = i > a.size ? sign_a : a.data[a.size - i];
        uint8_t y = i > b.size ? sign_b : b.data[b.size - i];
        if (x != y) return x < y ? -1 : 1;
    }
    return 0;
}

/* The high 4 bytes signed, then the low 8: unsigned in a number, signed as nanoseconds are. */
static int compare_96_bits(lm_bytes a, lm_bytes b, uint64_t sign)
{
    int32_t x_high = (int32_t)lm__load32(a.data + 8), y_high = (int32_t)lm__load32(b.data + 8);
    uint64_t x = lm__load64(a.data) ^ sign, y = lm__load64(b.data) ^ sign;
    if (x_high != y_high) return x_high < y_high ? -1 : 1;
    return (x > y) - (x < y);
}

lm_bytes lm__verify_clip(const lm_verifier *v, lm_bytes value)
{
    bool long_one = v->order.order == LM_ORDER_BYTES && value.size > LM_VERIFY_BOUND_BYTES_MAX;
    return long_one ? lm__bytes(value.data, LM_VERIFY_BOUND_BYTES_MAX) : value;
}

int lm__verify_compare(const lm_verifier *v, lm_bytes a, lm_bytes b)
{
    switch (v->order.order) {
    case LM_ORDER_SIGNED_BE: return compare_decimals(a, b);
    case LM_ORDER_TIME96: return compare_96_bits(a, b, 0);
    case LM_ORDER_INT96: return compare_96_bits(a, b, UINT64_C(1) << 63);
    default: return lm__bounds_compare(&v->order, a, b);
    }
}

bool lm__verify_is_nan(const lm_verifier *v, lm_bytes value)
{
    float single;
    double both;
    if (v->order.order == LM_ORDER_FLOAT16)
        return (value.data[1] & 0x7c) == 0x7c && ((value.data[1] & 3) || value.data[0]);
    if (v->order.order != LM_ORDER_FLOAT) return false;
    if (value.size == 4) {
        memcpy(&single, value.data, 4);
        return single != single;
    }
    memcpy(&both, value.data, 8);
    return both != both;
}

lm_bytes lm__verify_value(const lm_read_vector *vector, size_t i)
{
    static const uint8_t bools[] = {0, 1};
    if (vector->form == LM_FORM_BITS)
        return lm__bytes(&bools[lm__bits_get((lm_bits){vector->values, 0}, i)], 1);
    if (vector->form == LM_FORM_FIXED)
        return lm__bytes(vector->values + i * vector->width, vector->width);
    const int64_t *offsets = (const int64_t *)vector->offsets + i;
    return lm__bytes(vector->data + offsets[0], (size_t)(offsets[1] - offsets[0]));
}

static bool bounds_by_comparing(const lm_verifier *v, const lm_read_vector *vector, lm_bytes *min,
                                lm_bytes *max)
{
    for (size_t i = 0; i < vector->count; i++) {
        lm_bytes value = lm__verify_value(vector, i);
        if (i == 0 || lm__verify_compare(v, value, *min) < 0) *min = value;
        if (i == 0 || lm__verify_compare(v, value, *max) > 0) *max = value;
    }
    return vector->count > 0;
}

static bool bounds_of_bytes(const lm_read_vector *vector, lm_bytes *min, lm_bytes *max)
{
    bool fixed = vector->form == LM_FORM_FIXED;
    const lm_strings strings = {
        .kind = fixed ? LM_STRINGS_FIXED : LM_STRINGS_OFFSETS64,
        .offsets = vector->offsets,
        .data = lm__bytes(fixed ? vector->values : vector->data, 0).data,
        .width = vector->width,
    };
    size_t least, most;
    if (!lm__minmax_strings(&strings, (lm_bits){0}, vector->count, &least, &most)) return false;
    *min = lm__verify_value(vector, least);
    *max = lm__verify_value(vector, most);
    return true;
}

static bool bounds_of_numbers(const lm_verifier *v, const lm_read_vector *vector,
                              lm_verify_room room[2], size_t *nans)
{
    const void *values = vector->values;
    const lm_bits all = {0};
    size_t n = vector->count;
    bool wide = vector->width == 8;
    void *min = &room[0], *max = &room[1];
    switch (v->order.order) {
    case LM_ORDER_BOOL: return lm__minmax_bool((lm_bits){values, 0}, all, n, min, max);
    case LM_ORDER_SIGNED:
        return wide ? lm__minmax_i64(values, all, n, min, max)
                    : lm__minmax_i32(values, all, n, min, max);
    case LM_ORDER_UNSIGNED:
        return wide ? lm__minmax_u64(values, all, n, min, max)
                    : lm__minmax_u32(values, all, n, min, max);
    case LM_ORDER_FLOAT:
        return wide ? lm__minmax_f64(values, all, n, min, max, nans)
                    : lm__minmax_f32(values, all, n, min, max, nans);
    default: return lm__minmax_f16(values, all, n, min, max, nans);
    }
}

bool lm__verify_bounds(const lm_verifier *v, const lm_read_vector *vector, lm_verify_room room[2],
                       lm_bytes *min, lm_bytes *max, int64_t *nans)
{
    size_t not_numbers = 0;
    *nans = 0;
    if (vector->count == 0 || v->order.order == LM_ORDER_NONE) return false;
    if (v->order.order == LM_ORDER_BYTES) return bounds_of_bytes(vector, min, max);
    if (v->order.order == LM_ORDER_SIGNED_BE || v->order.order == LM_ORDER_TIME96 ||
        v->order.order == LM_ORDER_INT96)
        return bounds_by_comparing(v, vector, min, max);
    bool there = bounds_of_numbers(v, vector, room, &not_numbers);
    size_t width = vector->form == LM_FORM_BITS ? 1 : vector->width;
    *nans = (int64_t)not_numbers;
    *min = lm__bytes(&room[0], width);
    *max = lm__bytes(&room[1], width);
    return there;
}
