/*
 * A test against bounds and counts. Bounds are brought into the form that the column's values get
 * when they are read, by the same conversion: all of those keep the order (those that do not for
 * every value are not believed).
 */
#include <math.h>
#include <string.h>

#include "arrow/half.h"
#include "parquet/prune.h"
#include "parquet/writer_faults.h"

/* A value of a column, by its class. */
typedef struct scalar {
    union {
        uint64_t number; /* BOOL, INT */
        double real;
        lm_i256 wide;
        lm_value bytes;
    };
} scalar;

static int compare(const lm_test_column *column, const scalar *a, const scalar *b)
{
    switch (column->class) {
    case LM_CLASS_FLOAT: return (a->real > b->real) - (a->real < b->real);
    case LM_CLASS_WIDE: return lm__i256_compare(a->wide, b->wide);
    case LM_CLASS_BYTES:
        return lm__value_compare(a->bytes.data, a->bytes.size, b->bytes.data, b->bytes.size);
    default: break;
    }
    if (!column->is_signed) return (a->number > b->number) - (a->number < b->number);
    int64_t x = (int64_t)a->number, y = (int64_t)b->number;
    return (x > y) - (x < y);
}

/* Invariant 2: does the file order the column's values as the filter does? */
static bool is_ordered(const lm_prune *prune, const lm_test_column *column,
                       const lm_read_field *field, bool deprecated)
{
    const lm_read_node *node = field->node;
    const lm_int32_list orders = prune->reader->metadata.column_orders;
    bool is_signed = node->meaning != LM_MEANS_INTEGER || node->is_signed;
    bool bytes = node->physical == LM_PARQUET_BYTE_ARRAY ||
                 node->physical == LM_PARQUET_FIXED_LEN_BYTE_ARRAY;
    if (node->physical == LM_PARQUET_INT96 || node->meaning == LM_MEANS_INTERVAL ||
        node->meaning == LM_MEANS_GEOMETRY || node->meaning == LM_MEANS_GEOGRAPHY ||
        node->meaning == LM_MEANS_NULL)
        return false;
    if (orders.items && node->leaf_first < orders.count) {
        int32_t order = orders.items[node->leaf_first];
        if (order != LM_PARQUET_TYPE_ORDER &&
            (order != LM_PARQUET_IEEE_754_TOTAL_ORDER || column->class != LM_CLASS_FLOAT))
            return false;
    } else {
        deprecated = true;
    }
    if (deprecated && (bytes || !is_signed)) return false;
    switch (column->class) {
    case LM_CLASS_BYTES: return bytes && node->meaning != LM_MEANS_DECIMAL;
    case LM_CLASS_WIDE: return node->meaning == LM_MEANS_DECIMAL;
    case LM_CLASS_INT:
        if (bytes) return node->meaning == LM_MEANS_DECIMAL;
        return column->is_signed == is_signed || field->spec.convert == LM_CONVERT_UNSIGNED;
    default: return true;
    }
}

static scalar load(const lm_test_column *column, const uint8_t *bytes, uint32_t width)
{
    scalar value = {.number = 0};
    if (column->class == LM_CLASS_WIDE) {
        value.wide = lm__i256_load(bytes, (int32_t)width);
    } else if (column->class == LM_CLASS_FLOAT) {
        uint16_t half;
        float single;
        memcpy(&value.real, bytes, width == 8 ? 8 : 0);
        if (width == 4) memcpy(&single, bytes, 4), value.real = (double)single;
        if (width == 2) memcpy(&half, bytes, 2), value.real = (double)lm__half_to_float(half);
    } else {
        unsigned spare = 64 - 8 * width;
        memcpy(&value.number, bytes, width);
        if (column->is_signed) value.number = (uint64_t)((int64_t)(value.number << spare) >> spare);
    }
    return value;
}

/* A bound as a value of the column. */
static bool bound_of(const lm_test_column *column, const lm_read_spec *spec, lm_bytes bound,
                     scalar *out)
{
    uint8_t converted[32];
    if (!bound.data) return false;
    if (column->class == LM_CLASS_BYTES) {
        out->bytes = (lm_value){bound.data, bound.size};
        return true;
    }
    if (column->class == LM_CLASS_BOOL) {
        out->number = bound.size == 1 ? bound.data[0] : 0;
        return bound.size == 1 && bound.data[0] <= 1;
    }
    if (spec->form != LM_FORM_FIXED || spec->out_width > sizeof converted || bound.size == 0)
        return false;
    if (spec->convert == LM_CONVERT_BYTES) {
        if (lm__read_convert_bytes(spec, bound.data, bound.size, converted, NULL) != LM_OK)
            return false;
    } else if (bound.size != spec->width ||
               lm__read_convert(spec, bound.data, 1, converted, NULL) != LM_OK) {
        return false;
    }
    *out = load(column, converted, spec->out_width);
    if (column->class == LM_CLASS_FLOAT) return !isnan(out->real);
    if (spec->convert != LM_CONVERT_NARROW) return true;
    scalar whole = load(column, bound.data, spec->width); /* low bits of another have no order */
    return whole.number == out->number;
}

static scalar low_of(const lm_test *test)
{
    scalar value = {.number = 0};
    switch (test->column.class) {
    case LM_CLASS_FLOAT: value.real = test->range.low_float; break;
    case LM_CLASS_WIDE: value.wide = test->range.low_wide; break;
    case LM_CLASS_BYTES: value.bytes = test->range.low_bytes; break;
    default: value.number = test->range.low;
    }
    return value;
}

static scalar high_of(const lm_test *test)
{
    scalar value = {.number = 0};
    switch (test->column.class) {
    case LM_CLASS_FLOAT: value.real = test->range.high_float; break;
    case LM_CLASS_WIDE: value.wide = test->range.high_wide; break;
    case LM_CLASS_BYTES: value.bytes = test->range.high_bytes; break;
    default: value.number = test->range.high;
    }
    return value;
}

/* -1 where all of the range is above the value, 1 where all of it is below, 0 where it holds it. */
static int against_range(const lm_test *test, const scalar *value)
{
    const lm_range *range = &test->range;
    bool bytes = test->column.class == LM_CLASS_BYTES;
    scalar low = low_of(test), high = high_of(test);
    if (!bytes || low.bytes.data) {
        int order = compare(&test->column, value, &low);
        if (order < 0 || (bytes && order == 0 && range->low_open)) return -1;
    }
    if (!bytes || high.bytes.data) {
        int order = compare(&test->column, value, &high);
        if (order > 0 || (bytes && order == 0 && range->high_open)) return 1;
    }
    return 0;
}

static bool range_may(const lm_test *test, const scalar *min, const scalar *max)
{
    int low = against_range(test, min), high = against_range(test, max);
    if (test->negated) return low != 0 || high != 0;
    return low <= 0 && high >= 0 && !(low < 0 && high < 0) && !(low > 0 && high > 0);
}

static scalar item_of(const lm_test *test, size_t i)
{
    scalar value = {.number = 0};
    switch (test->column.class) {
    case LM_CLASS_FLOAT: value.real = test->set.floats[i]; break;
    case LM_CLASS_WIDE: value.wide = test->set.wides[i]; break;
    case LM_CLASS_BYTES: value.bytes = test->set.bytes[i]; break;
    default: value.number = test->set.ints[i];
    }
    return value;
}

static bool set_may(const lm_test *test, const scalar *min, const scalar *max)
{
    size_t from = 0, to = test->set.count; /* the first that is not below min */
    while (from < to) {
        size_t middle = (from + to) / 2;
        scalar item = item_of(test, middle);
        if (compare(&test->column, &item, min) < 0)
            from = middle + 1;
        else
            to = middle;
    }
    scalar item = {.number = 0};
    if (from < test->set.count) item = item_of(test, from);
    bool within = from < test->set.count && compare(&test->column, &item, max) <= 0;
    if (!test->negated) return within;
    return !within || compare(&test->column, min, max) != 0; /* one value, and that is in the set */
}

static int against_prefix(const lm_pattern *pattern, const scalar *value)
{
    size_t size = value->bytes.size < pattern->prefix ? value->bytes.size : pattern->prefix;
    int order = size ? memcmp(value->bytes.data, pattern->codes, size) : 0;
    if (order) return order;
    return value->bytes.size < pattern->prefix ? -1 : 0;
}

static bool pattern_may(const lm_test *test, const scalar *min, const scalar *max)
{
    const lm_pattern *pattern = &test->pattern;
    int low = against_prefix(pattern, min), high = against_prefix(pattern, max);
    if (!test->negated) return low <= 0 && high >= 0;
    bool all = pattern->count == pattern->prefix + 1 && pattern->codes[pattern->prefix] == '%';
    return !all || low != 0 || high != 0;
}

/* Would NaN pass the test? */
static bool takes_nan(const lm_test *test)
{
    bool has = test->kind == LM_TEST_SET ? test->set.nan : test->range.nan;
    return has != test->negated;
}

bool lm__prune_by_facts(const lm_prune *prune, const lm_test *test, const lm_read_field *field,
                        const lm_prune_facts *facts)
{
    scalar min, max;
    const lm_test_column *column = &test->column;
    if (lm__writer_misleads(prune->reader->metadata.created_by, field->node->physical,
                            test->kind == LM_TEST_NULL))
        return true;
    if (test->kind == LM_TEST_NULL) return !facts->has_nulls || facts->nulls > 0;
    if (facts->has_nulls && facts->values >= 0 && facts->nulls == facts->values) return false;
    if (test->kind != LM_TEST_RANGE && test->kind != LM_TEST_SET && test->kind != LM_TEST_LIKE)
        return true;
    if (!is_ordered(prune, column, field, facts->deprecated)) return true;
    if (!bound_of(column, &field->spec, facts->min, &min) ||
        !bound_of(column, &field->spec, facts->max, &max) || compare(column, &min, &max) > 0)
        return true;
    if (column->class == LM_CLASS_FLOAT && takes_nan(test) && !(facts->has_nans && !facts->nans))
        return true;
    if (test->kind == LM_TEST_RANGE) return range_may(test, &min, &max);
    if (test->kind == LM_TEST_SET) return set_may(test, &min, &max);
    return pattern_may(test, &min, &max);
}
