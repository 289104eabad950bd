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

/* Invariant 2: does the file order the column's values as the filter does? */
static bool is_ordered(const lm_prune *prune, const lm_test_column *column,
                       const lm_read_field *field, bool deprecated)
{
    const lm_read_node *node = field->node;
    const lm_int32_list orders = prune->reader->metadata.column_orders;
    bool is_signed = node->meaning != LM_MEANS_INTEGER || node->is_signed;
    bool bytes = node->physical == LM_PARQUET_BYTE_ARRAY ||
                 node->physical == LM_PARQUET_FIXED_LEN_BYTE_ARRAY;
    if (node->meaning == LM_MEANS_INTERVAL || node->meaning == LM_MEANS_GEOMETRY ||
        node->meaning == LM_MEANS_GEOGRAPHY || node->meaning == LM_MEANS_NULL)
        return false;
    if (orders.items && node->leaf_first < orders.count) {
        int32_t order = orders.items[node->leaf_first];
        if (node->physical == LM_PARQUET_INT96)
            return !deprecated && order == LM_PARQUET_INT96_TIMESTAMP_ORDER;
        if (order != LM_PARQUET_TYPE_ORDER &&
            (order != LM_PARQUET_IEEE_754_TOTAL_ORDER || column->class != LM_CLASS_FLOAT))
            return false;
    } else {
        deprecated = true;
    }
    if (deprecated && (bytes || !is_signed || node->physical == LM_PARQUET_INT96)) return false;
    switch (column->class) {
    case LM_CLASS_BYTES: return bytes && node->meaning != LM_MEANS_DECIMAL;
    case LM_CLASS_WIDE: return node->meaning == LM_MEANS_DECIMAL;
    case LM_CLASS_INT:
        if (bytes) return node->meaning == LM_MEANS_DECIMAL || node->meaning == LM_MEANS_TIMESTAMP;
        return column->is_signed == is_signed || field->spec.convert == LM_CONVERT_UNSIGNED;
    default: return true;
    }
}

static lm_scalar load(const lm_test_column *column, const uint8_t *bytes, uint32_t width)
{
    lm_scalar value = {.number = 0};
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
                     lm_scalar *out)
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
    lm_scalar whole = load(column, bound.data, spec->width); /* low bits of another have no order */
    return whole.number == out->number;
}

/* Days come first in the order of INT96, and nanoseconds may be of more than one: it is that of
 * time within one day only. */
static bool is_one_day(lm_bytes min, lm_bytes max)
{
    return memcmp(min.data + 8, max.data + 8, 4) == 0;
}

/* Bytes cut short, which no greater ones of that length follow: some writers tell them nevertheless
 * (parquet-go, in column indexes). */
static bool is_endless(const lm_test_column *column, lm_bytes max)
{
    if (column->class != LM_CLASS_BYTES || max.size == 0) return false;
    for (size_t i = 0; i < max.size; i++)
        if (max.data[i] != 0xff) return false;
    return true;
}

bool lm__prune_by_facts(const lm_prune *prune, const lm_test *test, const lm_read_field *field,
                        const lm_prune_facts *facts)
{
    lm_scalar min, max;
    const lm_test_column *column = &test->column;
    const lm_bytes by = prune->reader->metadata.created_by;
    if (field->node->meaning == LM_MEANS_NULL || /* its values count for nothing */
        lm__writer_misleads(by, field->node, test->kind == LM_TEST_NULL))
        return true;
    if (test->kind == LM_TEST_NULL) return !facts->has_nulls || facts->nulls > 0;
    if (facts->has_nulls && facts->values >= 0 && facts->nulls == facts->values &&
        !facts->min.data && !facts->max.data && !lm__writer_overcounts_nulls(by))
        return false; /* nulls alone: bounds would be those of some value */
    if (test->kind != LM_TEST_RANGE && test->kind != LM_TEST_SET && test->kind != LM_TEST_LIKE)
        return true;
    if (!is_ordered(prune, column, field, facts->deprecated)) return true;
    if (!bound_of(column, &field->spec, facts->min, &min) ||
        !bound_of(column, &field->spec, facts->max, &max) || is_endless(column, facts->max) ||
        lm__scalar_compare(column, &min, &max) > 0)
        return true;
    if (field->node->physical == LM_PARQUET_INT96 && !is_one_day(facts->min, facts->max))
        return true;
    if (column->class == LM_CLASS_FLOAT && lm__test_takes_nan(test) &&
        !(facts->has_nans && !facts->nans))
        return true;
    return lm__test_may(test, &min, &max);
}
