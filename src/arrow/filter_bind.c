/* Expressions bound to a schema: columns found, `not` carried to the leaves, literals made ranges
 * and sets of the column's type; see filter.h. */
#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "arrow/filter.h"
#include "base/alloc.h"
#include "base/error.h"
#include "base/limits.h"

typedef struct binder {
    const lm_schema *schema;
    lm_arena *arena;
    lm_error *error;
} binder;

static lm_status full(const binder *b)
{
    return lm__error_memory(b->error, "binding an expression");
}

/* Columns. */

static lm_status no_column(const binder *b, const char *name)
{
    const lm_field *root = &b->schema->root;
    char shown[LM_PATH_TEXT_MAX], names[400], one[80];
    size_t at = 0;
    names[0] = '\0';
    for (int32_t i = 0; i < root->n_children; i++) {
        lm__printable(one, sizeof one, root->children[i].name);
        bool last = at + strlen(one) + 8 > sizeof names;
        at += (size_t)snprintf(names + at, sizeof names - at, "%s%s", i ? ", " : "",
                               last ? "…" : one);
        if (last) break;
    }
    return lm__error_set(b->error, LM_SCHEMA, "there is no column %s; the columns are: %s",
                         lm__printable(shown, sizeof shown, name), names);
}

static const lm_field *values_of(const lm_field *field)
{
    for (;;) {
        if (field->type.id == LM_TYPE_DICTIONARY)
            field = field->dictionary;
        else if (field->type.id == LM_TYPE_RUN_END_ENCODED)
            field = &field->children[1];
        else
            return field;
    }
}

static void classify(lm_test_column *column)
{
    const lm_type *type = &column->field->type;
    column->class = LM_CLASS_NONE;
    if (type->id == LM_TYPE_BOOL) {
        column->class = LM_CLASS_BOOL;
    } else if (lm__type_is_float(type->id)) {
        column->class = LM_CLASS_FLOAT;
    } else if (lm__type_is_decimal(type->id)) {
        column->class = type->byte_width > 8 ? LM_CLASS_WIDE : LM_CLASS_INT;
        column->is_signed = true;
    } else if (lm__type_is_integer(type->id) ||
               (type->id >= LM_TYPE_DATE32 && type->id <= LM_TYPE_DURATION)) {
        column->class = LM_CLASS_INT;
        column->is_signed = !lm__type_is_unsigned(type->id);
    } else if (lm__type_is_text(type->id) || lm__type_is_binary(type->id) ||
               type->id == LM_TYPE_FIXED_BINARY) {
        column->class = LM_CLASS_BYTES;
    }
}

/* By the fields' names from the root; else a column whose own name is the path without quotes. */
static lm_status find_column(const binder *b, const lm_expr_path *path, lm_test_column *column)
{
    const lm_field *field = &b->schema->root;
    int32_t *indices = lm__arena_array(b->arena, path->count, sizeof *indices), depth = 0;
    char shown[LM_PATH_TEXT_MAX];
    if (!indices) return full(b);
    for (size_t i = 0; i < path->count; i++) {
        int32_t at = -1;
        if (i == 0 || field->type.id == LM_TYPE_STRUCT)
            at = lm__field_find(field, path->parts[i], strlen(path->parts[i]));
        if (at == -2)
            return lm__error_set(b->error, LM_SCHEMA, "there is more than one column %s",
                                 lm__printable(shown, sizeof shown, path->text));
        if (at < 0) {
            depth = -1;
            break;
        }
        indices[depth++] = at;
        field = &field->children[at];
    }
    if (depth < 0 && path->count > 1) {
        size_t size = 0;
        for (size_t i = 0; i < path->count; i++) size += strlen(path->parts[i]) + 1;
        char *name = lm__arena_alloc(b->arena, size), *to = name;
        if (!name) return full(b);
        for (size_t i = 0; i < path->count; i++) {
            if (i > 0) *to++ = '.';
            to = stpcpy(to, path->parts[i]);
        }
        int32_t at = lm__field_find(&b->schema->root, name, size - 1);
        if (at >= 0) {
            field = &b->schema->root.children[at];
            indices[0] = at;
            depth = 1;
        }
    }
    if (depth < 0) return no_column(b, path->text);
    *column = (lm_test_column){.path = indices, .depth = depth, .field = values_of(field)};
    classify(column);
    return LM_OK;
}

static lm_status comparable(const binder *b, const lm_expr *expr, const lm_test_column *column)
{
    char type[LM_TYPE_TEXT_MAX], name[LM_PATH_TEXT_MAX];
    if (column->class != LM_CLASS_NONE || column->field->type.id == LM_TYPE_NULL) return LM_OK;
    return lm__error_set(b->error, LM_SCHEMA, "column %s (%s) can only be asked whether it is null",
                         lm__printable(name, sizeof name, expr->columns[0].text),
                         lm__type_text_short(column->field, type));
}

/* Ranges. */

static lm_comparison opposite(lm_comparison comparison)
{
    switch (comparison) {
    case LM_EQUAL: return LM_NOT_EQUAL;
    case LM_NOT_EQUAL: return LM_EQUAL;
    case LM_LESS: return LM_GREATER_EQUAL;
    case LM_LESS_EQUAL: return LM_GREATER;
    case LM_GREATER: return LM_LESS_EQUAL;
    default: return LM_LESS;
    }
}

/* The least and greatest values of an integral class. */
static void limits_of(const lm_test_column *column, lm_i256 *least, lm_i256 *greatest)
{
    int32_t width = column->class == LM_CLASS_BOOL ? 1 : column->field->type.byte_width;
    if (column->class == LM_CLASS_BOOL) {
        *least = lm__i256_from_i64(0);
        *greatest = lm__i256_from_i64(1);
    } else if (!column->is_signed) {
        *least = lm__i256_from_i64(0);
        *greatest = lm__i256_from_u64(UINT64_MAX >> (64 - 8 * width));
    } else {
        uint8_t bytes[32];
        memset(bytes, 0xff, sizeof bytes);
        bytes[width - 1] = 0x7f;
        if (width < 4) { /* lm__i256_load takes 4 bytes and more */
            *greatest = lm__i256_from_i64(width == 1 ? INT8_MAX : INT16_MAX);
        } else {
            *greatest = lm__i256_load(bytes, width);
        }
        *least = lm__i256_add(lm__i256_negate(*greatest), lm__i256_from_i64(-1));
    }
}

static void no_values(lm_test *test, bool negated)
{
    test->kind = negated ? LM_TEST_NOT_NULL : LM_TEST_NEVER;
}

/* The comparison's range among the values of an integral class; != is = turned round. */
static void range_of_point(lm_test *test, lm_comparison comparison, const lm_point *point)
{
    const lm_i256 one = lm__i256_from_i64(1), minus = lm__i256_from_i64(-1);
    lm_i256 least, greatest, low, high;
    limits_of(&test->column, &least, &greatest);
    low = least;
    high = greatest;
    bool negated = comparison == LM_NOT_EQUAL, empty = false;
    lm_i256 after = lm__i256_add(point->floor, one);
    switch (comparison) {
    case LM_LESS:
        empty = point->beyond < 0;
        if (!point->beyond) high = point->exact ? lm__i256_add(point->floor, minus) : point->floor;
        break;
    case LM_LESS_EQUAL:
        empty = point->beyond < 0;
        if (!point->beyond) high = point->floor;
        break;
    case LM_GREATER:
        empty = point->beyond > 0;
        if (!point->beyond) low = after;
        break;
    case LM_GREATER_EQUAL:
        empty = point->beyond > 0;
        if (!point->beyond) low = point->exact ? point->floor : after;
        break;
    default: empty = point->beyond || !point->exact; low = high = point->floor;
    }
    if (!empty && lm__i256_compare(low, least) < 0) low = least;
    if (!empty && lm__i256_compare(high, greatest) > 0) high = greatest;
    if (empty || lm__i256_compare(low, high) > 0) {
        no_values(test, negated);
        return;
    }
    test->kind = LM_TEST_RANGE;
    test->negated = negated;
    if (lm__i256_compare(low, least) == 0 && lm__i256_compare(high, greatest) == 0) {
        test->kind = negated ? LM_TEST_NEVER : LM_TEST_NOT_NULL;
    } else if (test->column.class == LM_CLASS_WIDE) {
        test->range.low_wide = low;
        test->range.high_wide = high;
    } else {
        test->range.low = low.limb[0];
        test->range.high = high.limb[0];
    }
}

/* The next value above or below, by its bits: those of one sign count away from zero. */
#define NEXT(type, bits_type)                                                                      \
    do {                                                                                           \
        type value = (type)from;                                                                   \
        bits_type bits;                                                                            \
        if (from == 0) return (double)(up ? least : -least);                                       \
        memcpy(&bits, &value, sizeof bits);                                                        \
        bits = (bits_type)((from > 0) == up ? bits + 1 : bits - 1);                                \
        memcpy(&value, &bits, sizeof bits);                                                        \
        return (double)value;                                                                      \
    } while (0)

/* Of the column's type; halves are compared as floats. Not for the last infinity. */
static double next_float(const lm_type *type, double from, bool up)
{
    if (type->id == LM_TYPE_FLOAT64) {
        const double least = DBL_TRUE_MIN;
        NEXT(double, uint64_t);
    }
    const float least = FLT_TRUE_MIN;
    NEXT(float, uint32_t);
}

/* A number past the greatest (`beyond`) stands between that and infinity; NaN above that. */
static void range_of_float(lm_test *test, lm_comparison comparison, double value, int beyond)
{
    const lm_type *type = &test->column.field->type;
    const double least = -INFINITY, greatest = INFINITY;
    bool nan = isnan(value), empty = false, with_nan = false;
    bool open = !beyond && (comparison == LM_LESS || comparison == LM_GREATER);
    double low = least, high = greatest;
    switch (comparison) {
    case LM_LESS:
    case LM_LESS_EQUAL:
        with_nan = nan && comparison == LM_LESS_EQUAL;
        if (nan) break;
        empty = open && value == least;
        high = (open && !empty) || beyond > 0 ? next_float(type, value, false) : value;
        break;
    case LM_GREATER:
    case LM_GREATER_EQUAL:
        with_nan = true;
        empty = nan && open;
        if (nan || (open && value == greatest)) { /* NaNs alone */
            low = greatest;
            high = least;
        } else {
            low = open || beyond < 0 ? next_float(type, value, true) : value;
        }
        break;
    default:
        with_nan = nan;
        empty = beyond != 0;
        low = nan ? greatest : value;
        high = nan ? least : value;
    }
    test->negated = comparison == LM_NOT_EQUAL;
    if (empty) {
        no_values(test, test->negated);
        return;
    }
    test->kind = low == least && high == greatest && with_nan ? LM_TEST_NOT_NULL : LM_TEST_RANGE;
    test->range.low_float = low;
    test->range.high_float = high;
    test->range.nan = with_nan;
}

static void range_of_bytes(lm_test *test, lm_comparison comparison, lm_value value)
{
    lm_range *range = &test->range;
    *range = (lm_range){0};
    test->kind = LM_TEST_RANGE;
    test->negated = comparison == LM_NOT_EQUAL;
    if (comparison != LM_LESS && comparison != LM_LESS_EQUAL) range->low_bytes = value;
    if (comparison != LM_GREATER && comparison != LM_GREATER_EQUAL) range->high_bytes = value;
    range->low_open = comparison == LM_GREATER;
    range->high_open = comparison == LM_LESS;
    if (comparison == LM_LESS && value.size == 0) test->kind = LM_TEST_NEVER;
    if (comparison == LM_GREATER_EQUAL && value.size == 0) test->kind = LM_TEST_NOT_NULL;
}

static lm_status bind_compare(const binder *b, const lm_expr *expr, lm_comparison comparison,
                              const lm_literal *literal, lm_test *test)
{
    const lm_field *field = test->column.field;
    const char *name = expr->columns[0].text;
    LM_TRY(comparable(b, expr, &test->column));
    test->kind = LM_TEST_NEVER;
    test->negated = false;
    if (literal->kind == LM_LITERAL_NULL) return LM_OK;
    lm_point point;
    double value;
    lm_value bytes;
    int beyond;
    switch (test->column.class) {
    case LM_CLASS_NONE: return LM_OK; /* a column of nulls */
    case LM_CLASS_FLOAT:
        LM_TRY(lm__literal_float(literal, field, name, &value, &beyond, b->error));
        range_of_float(test, comparison, value, beyond);
        return LM_OK;
    case LM_CLASS_BYTES:
        LM_TRY(lm__literal_bytes(b->arena, literal, field, name, &bytes, b->error));
        range_of_bytes(test, comparison, bytes);
        return LM_OK;
    default:
        LM_TRY(lm__literal_point(literal, field, name, &point, b->error));
        range_of_point(test, comparison, &point);
        return LM_OK;
    }
}

/* Sets. */

static int by_signed(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

static int by_unsigned(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

static int by_double(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static int by_wide(const void *a, const void *b)
{
    return lm__i256_compare(*(const lm_i256 *)a, *(const lm_i256 *)b);
}

static int by_bytes(const void *a, const void *b)
{
    const lm_value *x = a, *y = b;
    return lm__value_compare(x->data, x->size, y->data, y->size);
}

static size_t sort_once(void *items, size_t count, size_t size,
                        int (*compare)(const void *, const void *))
{
    uint8_t *bytes = items;
    if (count == 0) return 0;
    qsort(items, count, size, compare);
    size_t kept = 1;
    for (size_t i = 1; i < count; i++) {
        if (compare(bytes + (kept - 1) * size, bytes + i * size) == 0) continue;
        if (kept != i) memcpy(bytes + kept * size, bytes + i * size, size);
        kept++;
    }
    return kept;
}

/* What "= literal" would be, added to the set. */
static void add_to_set(const lm_test *equal, lm_set *set, void *items)
{
    switch (equal->column.class) {
    case LM_CLASS_FLOAT:
        set->nan |= equal->range.nan;
        if (!equal->range.nan) ((double *)items)[set->count++] = equal->range.low_float;
        return;
    case LM_CLASS_BYTES: ((lm_value *)items)[set->count++] = equal->range.low_bytes; return;
    case LM_CLASS_WIDE: ((lm_i256 *)items)[set->count++] = equal->range.low_wide; return;
    default: ((uint64_t *)items)[set->count++] = equal->range.low;
    }
}

static lm_status bind_in(const binder *b, const lm_expr *expr, bool negated, lm_test *test)
{
    static const size_t sizes[] = {8, 8, 8, sizeof(lm_i256), 8, sizeof(lm_value)};
    const lm_value_class class = test->column.class;
    bool has_null = false;
    LM_TRY(comparable(b, expr, &test->column));
    test->kind = LM_TEST_ALWAYS;
    if (expr->literal_count == 0) {
        if (!negated) test->kind = LM_TEST_NEVER;
        return LM_OK;
    }
    void *items = lm__arena_array(b->arena, expr->literal_count, sizes[class]);
    if (!items) return full(b);
    lm_set set = {.ints = items};
    for (size_t i = 0; i < expr->literal_count; i++) {
        lm_test equal = {.column = test->column};
        has_null |= expr->literals[i].kind == LM_LITERAL_NULL;
        LM_TRY(bind_compare(b, expr, LM_EQUAL, &expr->literals[i], &equal));
        if (equal.kind == LM_TEST_RANGE) add_to_set(&equal, &set, items);
    }
    static int (*const orders[])(const void *, const void *) = {by_signed, by_signed, by_signed,
                                                                by_wide,   by_double, by_bytes};
    set.count =
        sort_once(items, set.count, sizes[class],
                  class == LM_CLASS_INT && !test->column.is_signed ? by_unsigned : orders[class]);
    test->negated = negated;
    test->set = set;
    test->kind = LM_TEST_SET;
    if (negated && has_null)
        test->kind = LM_TEST_NEVER;
    else if (set.count == 0 && !set.nan)
        no_values(test, negated);
    else if (test->column.field->type.id == LM_TYPE_NULL)
        test->kind = LM_TEST_NEVER;
    return LM_OK;
}

static lm_status bind_like(const binder *b, const lm_expr *expr, bool negated, lm_test *test)
{
    const lm_literal *literal = &expr->literals[0];
    const uint8_t *text = literal->data;
    LM_TRY(comparable(b, expr, &test->column));
    test->kind = LM_TEST_NEVER;
    if (test->column.field->type.id == LM_TYPE_NULL) return LM_OK;
    if (test->column.class != LM_CLASS_BYTES)
        return lm__literal_refuse(literal, test->column.field, expr->columns[0].text,
                                  "like is for text and binary", b->error);
    uint8_t *codes = lm__arena_alloc(b->arena, literal->size + 1);
    bool *wild = lm__arena_alloc(b->arena, literal->size + 1);
    if (!codes || !wild) return full(b);
    lm_pattern *pattern = &test->pattern;
    *pattern = (lm_pattern){codes, wild, 0, 0, !lm__type_is_text(test->column.field->type.id)};
    bool any = false;
    for (size_t i = 0; i < literal->size; i++) {
        bool escaped = expr->escape && text[i] == (uint8_t)expr->escape;
        if (escaped) i++;
        wild[pattern->count] = !escaped && (text[i] == '%' || text[i] == '_');
        any |= wild[pattern->count];
        codes[pattern->count++] = text[i];
        if (!any) pattern->prefix++;
    }
    test->kind = LM_TEST_LIKE;
    test->negated = negated;
    if (any) return LM_OK;
    range_of_bytes(test, negated ? LM_NOT_EQUAL : LM_EQUAL, (lm_value){codes, pattern->count});
    return LM_OK;
}

/* Columns with columns. */

typedef enum kinship {
    KIN_NUMBER,
    KIN_FLOAT,
    KIN_BOOL,
    KIN_DATE,
    KIN_ZONED,
    KIN_TIME,
    KIN_SPAN,
    KIN_BYTES,
    KIN_NONE
} kinship;

static kinship kin_of(const lm_test_column *column)
{
    switch (column->field->type.id) {
    case LM_TYPE_BOOL: return KIN_BOOL;
    case LM_TYPE_DATE32:
    case LM_TYPE_DATE64: return KIN_DATE;
    case LM_TYPE_TIMESTAMP: return column->field->type.timezone ? KIN_ZONED : KIN_DATE;
    case LM_TYPE_TIME32:
    case LM_TYPE_TIME64: return KIN_TIME;
    case LM_TYPE_DURATION: return KIN_SPAN;
    default: break;
    }
    if (column->class == LM_CLASS_FLOAT) return KIN_FLOAT;
    if (column->class == LM_CLASS_BYTES) return KIN_BYTES;
    return column->class == LM_CLASS_NONE ? KIN_NONE : KIN_NUMBER;
}

static lm_status bind_columns(const binder *b, const lm_expr *expr, bool negated, lm_test *test)
{
    LM_TRY(find_column(b, &expr->columns[1], &test->other));
    kinship left = kin_of(&test->column), right = kin_of(&test->other);
    lm_type_id left_id = test->column.field->type.id, right_id = test->other.field->type.id;
    test->kind = LM_TEST_NEVER;
    if (left_id == LM_TYPE_NULL || right_id == LM_TYPE_NULL) return LM_OK;
    test->kind = LM_TEST_COLUMNS;
    test->comparison = negated ? opposite(expr->comparison) : expr->comparison;
    if (left == right && left != KIN_NONE) return LM_OK;
    if ((left == KIN_FLOAT && lm__type_is_integer(right_id)) ||
        (right == KIN_FLOAT && lm__type_is_integer(left_id)))
        return LM_OK;
    char types[2][LM_TYPE_TEXT_MAX], names[2][LM_PATH_TEXT_MAX];
    return lm__error_set(b->error, LM_SCHEMA, "column %s (%s) cannot be compared with %s (%s)",
                         lm__printable(names[0], LM_PATH_TEXT_MAX, expr->columns[0].text),
                         lm__type_text_short(test->column.field, types[0]),
                         lm__printable(names[1], LM_PATH_TEXT_MAX, expr->columns[1].text),
                         lm__type_text_short(test->other.field, types[1]));
}

/* The tree. */

static lm_status bind(const binder *b, const lm_expr *expr, bool negated, lm_test *test);

/* How dear a test is, to put the cheap ones first. */
static int cost_of(const lm_test *test)
{
    switch (test->kind) {
    case LM_TEST_NEVER:
    case LM_TEST_ALWAYS: return 0;
    case LM_TEST_NULL:
    case LM_TEST_NOT_NULL: return 1;
    case LM_TEST_AND:
    case LM_TEST_OR: return 6;
    case LM_TEST_LIKE: return 5;
    case LM_TEST_COLUMNS: return 4;
    default: return test->column.class == LM_CLASS_BYTES ? 3 : 2;
    }
}

static lm_status bind_children(const binder *b, const lm_expr *expr, bool negated, lm_test *test)
{
    bool is_and = (expr->kind == LM_EXPR_AND) != negated;
    lm_test_kind stops = is_and ? LM_TEST_NEVER : LM_TEST_ALWAYS,
                 passes = is_and ? LM_TEST_ALWAYS : LM_TEST_NEVER;
    lm_test *children = lm__arena_array(b->arena, expr->child_count, sizeof *children);
    size_t count = 0;
    bool stopped = false;
    if (!children) return full(b);
    for (size_t i = 0; i < expr->child_count; i++) {
        LM_TRY(bind(b, expr->children[i], negated, &children[count]));
        stopped |= children[count].kind == stops;
        count += children[count].kind != passes;
    }
    *test = (lm_test){.kind = stopped ? stops : passes};
    if (stopped || count == 0) return LM_OK;
    if (count == 1) {
        *test = children[0];
        return LM_OK;
    }
    size_t at = 0;
    lm_test *sorted = lm__arena_array(b->arena, count, sizeof *sorted);
    if (!sorted) return full(b);
    for (int cost = 0; cost <= 6; cost++)
        for (size_t i = 0; i < count; i++)
            if (cost_of(&children[i]) == cost) sorted[at++] = children[i];
    *test = (lm_test){
        .kind = is_and ? LM_TEST_AND : LM_TEST_OR, .children = sorted, .child_count = count};
    return LM_OK;
}

static lm_status bind_between(const binder *b, const lm_expr *expr, bool negated, lm_test *test)
{
    lm_test *ends = lm__arena_array(b->arena, 2, sizeof *ends);
    if (!ends) return full(b);
    ends[0] = (lm_test){.column = test->column};
    ends[1] = ends[0];
    LM_TRY(
        bind_compare(b, expr, negated ? LM_LESS : LM_GREATER_EQUAL, &expr->literals[0], &ends[0]));
    LM_TRY(
        bind_compare(b, expr, negated ? LM_GREATER : LM_LESS_EQUAL, &expr->literals[1], &ends[1]));
    *test =
        (lm_test){.kind = negated ? LM_TEST_OR : LM_TEST_AND, .children = ends, .child_count = 2};
    return LM_OK;
}

static lm_status bind(const binder *b, const lm_expr *expr, bool negated, lm_test *test)
{
    static const lm_literal truth = {.kind = LM_LITERAL_BOOL, .integer = 1};
    *test = (lm_test){.kind = LM_TEST_NEVER};
    switch (expr->kind) {
    case LM_EXPR_NOT: return bind(b, expr->children[0], !negated, test);
    case LM_EXPR_AND:
    case LM_EXPR_OR: return bind_children(b, expr, negated, test);
    case LM_EXPR_CONSTANT:
        test->kind = expr->value != negated ? LM_TEST_ALWAYS : LM_TEST_NEVER;
        return LM_OK;
    default: break;
    }
    LM_TRY(find_column(b, &expr->columns[0], &test->column));
    lm_comparison comparison = negated ? opposite(expr->comparison) : expr->comparison;
    switch (expr->kind) {
    case LM_EXPR_COMPARE: return bind_compare(b, expr, comparison, &expr->literals[0], test);
    case LM_EXPR_TRUTH:
        if (test->column.class != LM_CLASS_BOOL && test->column.field->type.id != LM_TYPE_NULL) {
            char type[LM_TYPE_TEXT_MAX], name[LM_PATH_TEXT_MAX];
            return lm__error_set(b->error, LM_SCHEMA, "column %s (%s) is no condition by itself",
                                 lm__printable(name, sizeof name, expr->columns[0].text),
                                 lm__type_text_short(test->column.field, type));
        }
        return bind_compare(b, expr, negated ? LM_NOT_EQUAL : LM_EQUAL, &truth, test);
    case LM_EXPR_IN: return bind_in(b, expr, negated, test);
    case LM_EXPR_BETWEEN: return bind_between(b, expr, negated, test);
    case LM_EXPR_LIKE: return bind_like(b, expr, negated, test);
    case LM_EXPR_COLUMNS: return bind_columns(b, expr, negated, test);
    default: /* IS_NULL */ test->kind = negated ? LM_TEST_NOT_NULL : LM_TEST_NULL; return LM_OK;
    }
}

lm_status lm_expr_bind(const lm_allocator *allocator, const lm_expr *expr, lm_schema *schema,
                       lm_filter **filter, lm_error *error)
{
    lm_filter *made = lm__alloc_zero(allocator, sizeof *made);
    *filter = NULL;
    if (!made) return lm__error_memory(error, "binding an expression");
    made->allocator = allocator;
    made->schema = lm_schema_ref(schema);
    lm__arena_init(&made->arena, allocator, 0);
    made->arena.block_bytes = 1024;
    const binder b = {schema, &made->arena, error};
    lm_status status = bind(&b, expr, false, &made->root);
    if (status == LM_OK)
        *filter = made;
    else
        lm_filter_free(made);
    return status;
}

void lm_filter_free(lm_filter *filter)
{
    if (!filter) return;
    lm_schema_free(filter->schema);
    lm__arena_deinit(&filter->arena);
    lm__free(filter->allocator, filter);
}
