/* The table of types; see type.h. */
#include "arrow/type.h"

#include <string.h>

typedef struct type_row {
    const char *name;
    lm_layout layout;
    int32_t byte_width;
} type_row;

static const type_row rows[LM_TYPE_COUNT] = {
    [LM_TYPE_NULL] = {"null", LM_LAYOUT_NULL, 0},
    [LM_TYPE_BOOL] = {"bool", LM_LAYOUT_BITS, 0},
    [LM_TYPE_INT8] = {"int8", LM_LAYOUT_FIXED, 1},
    [LM_TYPE_INT16] = {"int16", LM_LAYOUT_FIXED, 2},
    [LM_TYPE_INT32] = {"int32", LM_LAYOUT_FIXED, 4},
    [LM_TYPE_INT64] = {"int64", LM_LAYOUT_FIXED, 8},
    [LM_TYPE_UINT8] = {"uint8", LM_LAYOUT_FIXED, 1},
    [LM_TYPE_UINT16] = {"uint16", LM_LAYOUT_FIXED, 2},
    [LM_TYPE_UINT32] = {"uint32", LM_LAYOUT_FIXED, 4},
    [LM_TYPE_UINT64] = {"uint64", LM_LAYOUT_FIXED, 8},
    [LM_TYPE_FLOAT16] = {"float16", LM_LAYOUT_FIXED, 2},
    [LM_TYPE_FLOAT32] = {"float32", LM_LAYOUT_FIXED, 4},
    [LM_TYPE_FLOAT64] = {"float64", LM_LAYOUT_FIXED, 8},
    [LM_TYPE_DECIMAL32] = {"decimal32", LM_LAYOUT_FIXED, 4},
    [LM_TYPE_DECIMAL64] = {"decimal64", LM_LAYOUT_FIXED, 8},
    [LM_TYPE_DECIMAL128] = {"decimal128", LM_LAYOUT_FIXED, 16},
    [LM_TYPE_DECIMAL256] = {"decimal256", LM_LAYOUT_FIXED, 32},
    [LM_TYPE_UTF8] = {"utf8", LM_LAYOUT_BINARY, 0},
    [LM_TYPE_LARGE_UTF8] = {"large_utf8", LM_LAYOUT_LARGE_BINARY, 0},
    [LM_TYPE_UTF8_VIEW] = {"utf8_view", LM_LAYOUT_VIEW, 0},
    [LM_TYPE_BINARY] = {"binary", LM_LAYOUT_BINARY, 0},
    [LM_TYPE_LARGE_BINARY] = {"large_binary", LM_LAYOUT_LARGE_BINARY, 0},
    [LM_TYPE_BINARY_VIEW] = {"binary_view", LM_LAYOUT_VIEW, 0},
    [LM_TYPE_FIXED_BINARY] = {"fixed_binary", LM_LAYOUT_FIXED, 0},
    [LM_TYPE_DATE32] = {"date32", LM_LAYOUT_FIXED, 4},
    [LM_TYPE_DATE64] = {"date64", LM_LAYOUT_FIXED, 8},
    [LM_TYPE_TIME32] = {"time32", LM_LAYOUT_FIXED, 4},
    [LM_TYPE_TIME64] = {"time64", LM_LAYOUT_FIXED, 8},
    [LM_TYPE_TIMESTAMP] = {"timestamp", LM_LAYOUT_FIXED, 8},
    [LM_TYPE_DURATION] = {"duration", LM_LAYOUT_FIXED, 8},
    [LM_TYPE_INTERVAL_MONTHS] = {"interval_months", LM_LAYOUT_FIXED, 4},
    [LM_TYPE_INTERVAL_DAY_TIME] = {"interval_day_time", LM_LAYOUT_FIXED, 8},
    [LM_TYPE_INTERVAL_MONTH_DAY_NANO] = {"interval_month_day_nano", LM_LAYOUT_FIXED, 16},
    [LM_TYPE_LIST] = {"list", LM_LAYOUT_LIST, 0},
    [LM_TYPE_LARGE_LIST] = {"large_list", LM_LAYOUT_LARGE_LIST, 0},
    [LM_TYPE_LIST_VIEW] = {"list_view", LM_LAYOUT_LIST_VIEW, 0},
    [LM_TYPE_LARGE_LIST_VIEW] = {"large_list_view", LM_LAYOUT_LARGE_LIST_VIEW, 0},
    [LM_TYPE_FIXED_LIST] = {"fixed_list", LM_LAYOUT_FIXED_LIST, 0},
    [LM_TYPE_STRUCT] = {"struct", LM_LAYOUT_STRUCT, 0},
    [LM_TYPE_MAP] = {"map", LM_LAYOUT_LIST, 0},
    [LM_TYPE_DICTIONARY] = {"dictionary", LM_LAYOUT_FIXED, 0},
    [LM_TYPE_RUN_END_ENCODED] = {"run_end_encoded", LM_LAYOUT_RUN_END, 0},
    [LM_TYPE_SPARSE_UNION] = {"sparse_union", LM_LAYOUT_UNION, 0},
    [LM_TYPE_DENSE_UNION] = {"dense_union", LM_LAYOUT_UNION, 0},
};

lm_type lm__type_make(lm_type_id id)
{
    return (lm_type){.id = id, .layout = rows[id].layout, .byte_width = rows[id].byte_width};
}

lm_type lm__type_fixed_binary(int32_t byte_width)
{
    lm_type type = lm__type_make(LM_TYPE_FIXED_BINARY);
    type.byte_width = byte_width;
    return type;
}

lm_type lm__type_decimal(lm_type_id id, int32_t precision, int32_t scale)
{
    lm_type type = lm__type_make(id);
    type.precision = precision;
    type.scale = scale;
    return type;
}

lm_type lm__type_temporal(lm_type_id id, lm_time_unit unit)
{
    lm_type type = lm__type_make(id);
    type.unit = unit;
    return type;
}

int64_t lm__type_greatest(lm_type_id integer)
{
    int bits = 8 * rows[integer].byte_width - !lm__type_is_unsigned(integer);
    return bits >= 63 ? INT64_MAX : ((int64_t)1 << bits) - 1;
}

lm_type lm__type_dictionary(lm_type_id index_id, bool ordered)
{
    lm_type type = lm__type_make(LM_TYPE_DICTIONARY);
    type.index_id = index_id;
    type.byte_width = rows[index_id].byte_width;
    type.ordered = ordered;
    return type;
}

const char *lm__type_name(lm_type_id id) { return rows[id].name; }

const char *lm__unit_name(lm_time_unit unit)
{
    static const char *const names[] = {"s", "ms", "us", "ns"};
    return names[unit];
}

int64_t lm__unit_per_second(lm_time_unit unit)
{
    static const int64_t counts[] = {1, 1000, 1000000, 1000000000};
    return counts[unit];
}

int lm__decimal_precision_max(lm_type_id id)
{
    switch (id) {
    case LM_TYPE_DECIMAL32: return 9;
    case LM_TYPE_DECIMAL64: return 18;
    case LM_TYPE_DECIMAL128: return 38;
    default: return 76;
    }
}

bool lm__type_equal(const lm_type *a, const lm_type *b)
{
    if (a->id != b->id || a->unit != b->unit || a->byte_width != b->byte_width ||
        a->precision != b->precision || a->scale != b->scale || a->list_size != b->list_size ||
        a->ordered != b->ordered || a->keys_sorted != b->keys_sorted)
        return false;
    if (a->id == LM_TYPE_DICTIONARY && a->index_id != b->index_id) return false;
    if (!a->timezone || !b->timezone) return a->timezone == b->timezone;
    return strcmp(a->timezone, b->timezone) == 0;
}
