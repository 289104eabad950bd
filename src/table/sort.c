/* Rows in order; see sort.h. */
#include "table/sort.h"

#include "arrow/build.h"
#include "base/alloc.h"
#include "base/error.h"
#include "base/limits.h"

/* A row by the beginning of its first key, in an order of unsigned numbers. */
typedef struct sort_row {
    uint64_t prefix;
    uint32_t row;
} sort_row;

typedef struct sorter {
    const lm_sort_key *keys;
    size_t count;
    const lm_array *columns;
} sorter;

static lm_status no_memory(lm_error *error) { return lm__error_memory(error, "sorting rows"); }

lm_status lm__join_batches(const lm_allocator *allocator, lm_batch *const *batches, size_t count,
                           lm_batch **joined, lm_error *error)
{
    lm_builder root;
    *joined = NULL;
    if (count == 1) {
        *joined = lm__batch_ref(batches[0]);
        return LM_OK;
    }
    LM_TRY(lm__builder_init(&root, allocator, &batches[0]->schema->root, error));
    lm_status status = LM_OK;
    for (size_t i = 0; i < count && status == LM_OK; i++)
        status = lm__build_rows(&root, &batches[i]->root, 0, lm__batch_rows(batches[i]));
    if (status == LM_LIMIT)
        lm__error_set(error, status, "the rows of one part reach beyond 32-bit offsets");
    else if (status != LM_OK)
        no_memory(error);
    if (status == LM_OK) status = lm__builder_finish(&root, batches[0]->schema, joined, error);
    lm__builder_deinit(&root);
    return status;
}

/* Values. */

static const lm_array *value_at(const lm_array *column, int64_t *row)
{
    if (!column->dictionary) return column;
    *row = lm__array_index(column, *row);
    return column->dictionary;
}

static int64_t integer_at(const lm_array *array, int64_t row)
{
    const void *values = lm__array_fixed(array);
    switch (array->field->type.byte_width) {
    case 1: return ((const int8_t *)values)[row];
    case 2: return ((const int16_t *)values)[row];
    case 4: return ((const int32_t *)values)[row];
    default: return ((const int64_t *)values)[row];
    }
}

/* Floats as integers in their order: the bits, with those below zero turned round. */
static int64_t float_at(const lm_array *array, int64_t row)
{
    double value = array->field->type.byte_width == 4
                       ? (double)((const float *)lm__array_fixed(array))[row]
                       : ((const double *)lm__array_fixed(array))[row];
    int64_t bits;
    if (value != value) return INT64_MAX;
    if (value == 0) return 0;
    memcpy(&bits, &value, sizeof bits);
    return bits < 0 ? INT64_MIN - bits : bits;
}

static __int128 wide_at(const lm_array *array, int64_t row)
{
    __int128 value;
    memcpy(&value, (const uint8_t *)lm__array_fixed(array) + 16 * row, sizeof value);
    return value;
}

typedef enum value_kind {
    VALUE_INTEGER,
    VALUE_BOOL,
    VALUE_FLOAT,
    VALUE_WIDE,
    VALUE_BYTES
} value_kind;

static value_kind kind_of(const lm_field *field)
{
    if (field->type.id == LM_TYPE_BOOL) return VALUE_BOOL;
    if (lm__type_is_float(field->type.id)) return VALUE_FLOAT;
    if (field->type.layout != LM_LAYOUT_FIXED || field->type.id == LM_TYPE_FIXED_BINARY)
        return VALUE_BYTES;
    return field->type.byte_width == 16 ? VALUE_WIDE : VALUE_INTEGER;
}

/* -1, 0, 1 */
static int compare_values(const lm_array *a, int64_t i, const lm_array *b, int64_t k)
{
    switch (kind_of(a->field)) {
    case VALUE_BOOL:
        return (int)lm__bit_get(a->values, a->offset + i) -
               (int)lm__bit_get(b->values, b->offset + k);
    case VALUE_FLOAT: {
        int64_t x = float_at(a, i), y = float_at(b, k);
        return (x > y) - (x < y);
    }
    case VALUE_WIDE: {
        __int128 x = wide_at(a, i), y = wide_at(b, k);
        return (x > y) - (x < y);
    }
    case VALUE_INTEGER: {
        int64_t x = integer_at(a, i), y = integer_at(b, k);
        return (x > y) - (x < y);
    }
    case VALUE_BYTES: break;
    }
    size_t x_size, y_size;
    const uint8_t *x = lm__array_bytes(a, i, &x_size), *y = lm__array_bytes(b, k, &y_size);
    int order = lm__value_compare(x, x_size, y, y_size);
    return (order > 0) - (order < 0);
}

static int compare_keys(const sorter *s, int64_t i, int64_t k)
{
    for (size_t c = 0; c < s->count; c++) {
        const lm_array *column = &s->columns[c];
        bool a = lm__array_valid_logical(column, i), b = lm__array_valid_logical(column, k);
        int order = 0;
        if (a && b) {
            int64_t x = i, y = k;
            const lm_array *of_x = value_at(column, &x), *of_y = value_at(column, &y);
            order = compare_values(of_x, x, of_y, y);
            if (s->keys[c].descending) order = -order;
        } else if (a != b) {
            order = (a ? 1 : -1) * (s->keys[c].nulls_first ? 1 : -1);
        }
        if (order) return order;
    }
    return 0;
}

/* Prefixes that differ order the rows as the first key does; 0 and all ones are nulls' too. */
static uint64_t prefix_of(const sorter *s, int64_t row)
{
    const lm_array *column = &s->columns[0];
    const lm_sort_key *key = &s->keys[0];
    if (!lm__array_valid_logical(column, row)) return key->nulls_first ? 0 : UINT64_MAX;
    const lm_array *values = value_at(column, &row);
    uint64_t prefix = 0;
    switch (kind_of(values->field)) {
    case VALUE_BOOL:
        prefix = (uint64_t)lm__bit_get(values->values, values->offset + row) << 32;
        break;
    case VALUE_FLOAT: prefix = (uint64_t)float_at(values, row) ^ (UINT64_C(1) << 63); break;
    case VALUE_WIDE: prefix = (uint64_t)(wide_at(values, row) >> 64) ^ (UINT64_C(1) << 63); break;
    case VALUE_INTEGER: prefix = (uint64_t)integer_at(values, row) ^ (UINT64_C(1) << 63); break;
    case VALUE_BYTES: {
        size_t size;
        const uint8_t *bytes = lm__array_bytes(values, row, &size);
        for (size_t i = 0; i < 8; i++) prefix = prefix << 8 | (i < size ? bytes[i] : 0);
    }
    }
    return key->descending ? ~prefix : prefix;
}

static bool comes_after(const sorter *s, const sort_row *a, const sort_row *b)
{
    if (a->prefix != b->prefix) return a->prefix > b->prefix;
    return compare_keys(s, a->row, b->row) > 0;
}

/* Runs of 1, 2, 4, … rows are merged from one array into the other; the result's is returned. */
static sort_row *merge_sort(const sorter *s, sort_row *from, sort_row *to, size_t count)
{
    for (size_t run = 1; run < count; run *= 2) {
        for (size_t start = 0; start < count; start += 2 * run) {
            size_t middle = start + run < count ? start + run : count;
            size_t end = start + 2 * run < count ? start + 2 * run : count;
            size_t a = start, b = middle, at = start;
            if (middle == end || !comes_after(s, &from[middle - 1], &from[middle])) {
                memcpy(&to[start], &from[start], (end - start) * sizeof *to);
                continue;
            }
            while (a < middle && b < end)
                to[at++] = comes_after(s, &from[a], &from[b]) ? from[b++] : from[a++];
            while (a < middle) to[at++] = from[a++];
            while (b < end) to[at++] = from[b++];
        }
        sort_row *other = from;
        from = to;
        to = other;
    }
    return from;
}

static lm_status sort_batch(const sorter *s, lm_batch *batch, lm_batch **sorted, lm_error *error)
{
    size_t rows = (size_t)lm__batch_rows(batch), in_order = 1;
    const lm_allocator *allocator = batch->allocator;
    while (in_order < rows && compare_keys(s, (int64_t)in_order - 1, (int64_t)in_order) <= 0)
        in_order++;
    if (in_order >= rows) {
        *sorted = lm__batch_ref(batch);
        return LM_OK;
    }
    if (rows > UINT32_MAX)
        return lm__error_set(error, LM_LIMIT, "a part of more than 2^32 rows cannot be sorted");
    sort_row *all = lm__alloc_array(allocator, 2 * rows, sizeof *all);
    uint32_t *numbers = lm__alloc_array(allocator, rows, sizeof *numbers);
    lm_status status = all && numbers ? LM_OK : no_memory(error);
    if (status == LM_OK) {
        for (size_t i = 0; i < rows; i++)
            all[i] = (sort_row){prefix_of(s, (int64_t)i), (uint32_t)i};
        const sort_row *done = merge_sort(s, all, all + rows, rows);
        for (size_t i = 0; i < rows; i++) numbers[i] = done[i].row;
        status = lm__batch_take_rows(batch, numbers, (int64_t)rows, NULL, sorted, error);
    }
    lm__free(allocator, all);
    lm__free(allocator, numbers);
    return status;
}

lm_status lm__sort_batches(const lm_allocator *allocator, lm_batch *const *batches, size_t count,
                           const lm_sort_key *keys, size_t key_count, lm_batch **sorted,
                           lm_error *error)
{
    lm_array columns[LM_TABLE_KEY_COLUMNS_MAX];
    lm_batch *joined;
    *sorted = NULL;
    LM_TRY(lm__join_batches(allocator, batches, count, &joined, error));
    for (size_t i = 0; i < key_count; i++) columns[i] = lm__batch_column(joined, keys[i].column);
    const sorter s = {keys, key_count, columns};
    lm_status status = sort_batch(&s, joined, sorted, error);
    lm__batch_unref(joined);
    return status;
}
