/*
 * A test against the least and the greatest of some values, of which nothing else is known: for
 * whoever has bounds, of pages, row groups or whole files (filter.h, invariant 4).
 */
#include <string.h>

#include "arrow/filter.h"

int lm__scalar_compare(const lm_test_column *column, const lm_scalar *a, const lm_scalar *b)
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

static lm_scalar low_of(const lm_test *test)
{
    lm_scalar value = {.number = 0};
    switch (test->column.class) {
    case LM_CLASS_FLOAT: value.real = test->range.low_float; break;
    case LM_CLASS_WIDE: value.wide = test->range.low_wide; break;
    case LM_CLASS_BYTES: value.bytes = test->range.low_bytes; break;
    default: value.number = test->range.low;
    }
    return value;
}

static lm_scalar high_of(const lm_test *test)
{
    lm_scalar value = {.number = 0};
    switch (test->column.class) {
    case LM_CLASS_FLOAT: value.real = test->range.high_float; break;
    case LM_CLASS_WIDE: value.wide = test->range.high_wide; break;
    case LM_CLASS_BYTES: value.bytes = test->range.high_bytes; break;
    default: value.number = test->range.high;
    }
    return value;
}

/* -1 where all of the range is above the value, 1 where all of it is below, 0 where it holds it. */
static int against_range(const lm_test *test, const lm_scalar *value)
{
    const lm_range *range = &test->range;
    bool bytes = test->column.class == LM_CLASS_BYTES;
    lm_scalar low = low_of(test), high = high_of(test);
    if (!bytes || low.bytes.data) {
        int order = lm__scalar_compare(&test->column, value, &low);
        if (order < 0 || (bytes && order == 0 && range->low_open)) return -1;
    }
    if (!bytes || high.bytes.data) {
        int order = lm__scalar_compare(&test->column, value, &high);
        if (order > 0 || (bytes && order == 0 && range->high_open)) return 1;
    }
    return 0;
}

static bool range_may(const lm_test *test, const lm_scalar *min, const lm_scalar *max)
{
    int low = against_range(test, min), high = against_range(test, max);
    if (test->negated) return low != 0 || high != 0;
    return low <= 0 && high >= 0 && !(low < 0 && high < 0) && !(low > 0 && high > 0);
}

static lm_scalar item_of(const lm_test *test, size_t i)
{
    lm_scalar value = {.number = 0};
    switch (test->column.class) {
    case LM_CLASS_FLOAT: value.real = test->set.floats[i]; break;
    case LM_CLASS_WIDE: value.wide = test->set.wides[i]; break;
    case LM_CLASS_BYTES: value.bytes = test->set.bytes[i]; break;
    default: value.number = test->set.ints[i];
    }
    return value;
}

static bool set_may(const lm_test *test, const lm_scalar *min, const lm_scalar *max)
{
    size_t from = 0, to = test->set.count; /* the first that is not below min */
    while (from < to) {
        size_t middle = (from + to) / 2;
        lm_scalar item = item_of(test, middle);
        if (lm__scalar_compare(&test->column, &item, min) < 0)
            from = middle + 1;
        else
            to = middle;
    }
    lm_scalar item = {.number = 0};
    if (from < test->set.count) item = item_of(test, from);
    bool within = from < test->set.count && lm__scalar_compare(&test->column, &item, max) <= 0;
    if (!test->negated) return within;
    return !within ||
           lm__scalar_compare(&test->column, min, max) != 0; /* one value, and that is in the set */
}

static int against_prefix(const lm_pattern *pattern, const lm_scalar *value)
{
    size_t size = value->bytes.size < pattern->prefix ? value->bytes.size : pattern->prefix;
    int order = size ? memcmp(value->bytes.data, pattern->codes, size) : 0;
    if (order) return order;
    return value->bytes.size < pattern->prefix ? -1 : 0;
}

static bool pattern_may(const lm_test *test, const lm_scalar *min, const lm_scalar *max)
{
    const lm_pattern *pattern = &test->pattern;
    int low = against_prefix(pattern, min), high = against_prefix(pattern, max);
    if (!test->negated) return low <= 0 && high >= 0;
    bool all = pattern->count == pattern->prefix + 1 && pattern->codes[pattern->prefix] == '%';
    return !all || low != 0 || high != 0;
}

bool lm__test_takes_nan(const lm_test *test)
{
    bool has = test->kind == LM_TEST_SET ? test->set.nan : test->range.nan;
    return has != test->negated;
}

bool lm__test_may(const lm_test *test, const lm_scalar *min, const lm_scalar *max)
{
    if (test->kind == LM_TEST_RANGE) return range_may(test, min, max);
    if (test->kind == LM_TEST_SET) return set_may(test, min, max);
    return pattern_may(test, min, max);
}
