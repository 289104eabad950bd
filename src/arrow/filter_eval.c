/*
 * Filters made over rows: one bit a row, 64 at a time.
 *
 * Each leaf gives its bits for all rows; `and` and `or` join words, and `and` ends where none is
 * left. Dictionaries are tested value by value and looked up by their indices, run ends run by run.
 * Kernels compare into bytes, which compilers turn into vectors, and pack those into a word.
 */
#include <string.h>

#include "arrow/filter_kernels.h"
#include "base/alloc.h"
#include "base/error.h"

static size_t words_of(int64_t rows) { return ((size_t)rows + 63) / 64; }

/* Bits past the last row are clear. */
static void clear_tail(uint64_t *words, int64_t rows)
{
    if (rows % 64) words[rows / 64] &= ~(uint64_t)0 >> (64 - rows % 64);
}

static void set_all(uint64_t *words, int64_t rows, bool value)
{
    memset(words, value ? 0xff : 0, words_of(rows) * 8);
    clear_tail(words, rows);
}

static void invert(uint64_t *words, int64_t rows)
{
    for (size_t w = 0; w < words_of(rows); w++) words[w] = ~words[w];
    clear_tail(words, rows);
}

/* Leaves the rows whose bit is set in `bits` too, or, inverted, those whose is not. */
static void mask(uint64_t *words, lm_bits bits, int64_t rows)
{
    if (!bits.bytes) return;
    for (int64_t row = 0; row < rows; row += 64) {
        size_t count = rows - row < 64 ? (size_t)(rows - row) : 64;
        words[row / 64] &= lm__bits_word(bits, (size_t)row, count);
    }
}

/* Leaves. */

static void in_bools(const lm_test *test, const lm_array *values, uint64_t *words)
{
    bool with[2] = {false, false};
    for (uint64_t v = 0; v < 2; v++) {
        if (test->kind == LM_TEST_RANGE) with[v] = test->range.low <= v && v <= test->range.high;
        for (size_t i = 0; test->kind == LM_TEST_SET && i < test->set.count; i++)
            with[v] |= test->set.ints[i] == v;
    }
    set_all(words, values->length, true);
    if (with[0] && with[1]) return;
    mask(words, (lm_bits){values->values, (size_t)values->offset}, values->length);
    if (with[0]) invert(words, values->length);
    if (!with[0] && !with[1]) set_all(words, values->length, false);
}

static bool bytes_fit(const lm_range *range, const uint8_t *data, size_t size)
{
    if (range->low_bytes.data) {
        int order = lm__value_compare(data, size, range->low_bytes.data, range->low_bytes.size);
        if (order < 0 || (order == 0 && range->low_open)) return false;
    }
    if (range->high_bytes.data) {
        int order = lm__value_compare(data, size, range->high_bytes.data, range->high_bytes.size);
        if (order > 0 || (order == 0 && range->high_open)) return false;
    }
    return true;
}

static bool in_set(const lm_set *set, const uint8_t *data, size_t size)
{
    size_t from = 0, to = set->count;
    while (from < to) {
        size_t middle = (from + to) / 2;
        const lm_value *value = &set->bytes[middle];
        int order = lm__value_compare(data, size, value->data, value->size);
        if (order == 0) return true;
        if (order < 0)
            to = middle;
        else
            from = middle + 1;
    }
    return false;
}

const lm_value *lm__test_same_bytes(const lm_test *test)
{
    const lm_range *range = &test->range;
    bool same = test->kind == LM_TEST_RANGE && range->low_bytes.data &&
                range->high_bytes.data == range->low_bytes.data;
    return same ? &range->low_bytes : NULL;
}

bool lm__test_has_bytes(const lm_test *test, const uint8_t *data, size_t size)
{
    if (test->kind == LM_TEST_RANGE) return bytes_fit(&test->range, data, size);
    if (test->kind == LM_TEST_SET) return in_set(&test->set, data, size);
    return lm__pattern_match(&test->pattern, data, size);
}

/* Null rows are not looked at: a view may point anywhere there. */
static void in_bytes(const lm_test *test, const lm_array *values, uint64_t *words)
{
    const lm_value *same = lm__test_same_bytes(test);
    for (int64_t row = 0; row < values->length; row += 64) {
        int64_t count = values->length - row < 64 ? values->length - row : 64;
        lm_bits valid = lm__array_bits(values);
        uint64_t word = 0, live = lm__bits_word(valid, (size_t)row, (size_t)count);
        for (int64_t i = 0; i < count; i++) {
            size_t size;
            if (!(live >> i & 1)) continue;
            const uint8_t *data = lm__array_bytes(values, row + i, &size);
            bool fits =
                same ? size == same->size && (size == 0 || memcmp(data, same->data, size) == 0)
                     : lm__test_has_bytes(test, data, size);
            word |= (uint64_t)fits << i;
        }
        words[row / 64] = word;
    }
}

/* Values that are stored plainly; rows that are null get any bit. */
static void in_values(const lm_test *test, const lm_array *values, uint64_t *words)
{
    switch (test->column.class) {
    case LM_CLASS_BOOL: in_bools(test, values, words); break;
    case LM_CLASS_BYTES: in_bytes(test, values, words); break;
    case LM_CLASS_NONE: set_all(words, values->length, false); break;
    default: lm__filter_kernel(test, values, words);
    }
    if (test->negated) invert(words, values->length);
}

static uint64_t *new_words(const lm_allocator *allocator, int64_t rows)
{
    return lm__alloc_array(allocator, words_of(rows) + 1, 8);
}

static lm_status no_memory(lm_error *error) { return lm__error_memory(error, "filtering rows"); }

static lm_status leaf_words(const lm_allocator *allocator, const lm_test *test,
                            const lm_array *values, uint64_t *words, lm_error *error);

/* Through the dictionary: which values the leaf is true for, and then which rows have one. */
static lm_status in_dictionary(const lm_allocator *allocator, const lm_test *test,
                               const lm_array *values, uint64_t *words, lm_error *error)
{
    const lm_array *dictionary = values->dictionary;
    uint64_t *true_for = new_words(allocator, dictionary->length);
    if (!true_for) return no_memory(error);
    lm_status status = leaf_words(allocator, test, dictionary, true_for, error);
    for (int64_t row = 0; status == LM_OK && row < values->length; row += 64) {
        int64_t count = values->length - row < 64 ? values->length - row : 64;
        uint64_t word = 0;
        uint64_t live = lm__bits_word(lm__array_bits(values), (size_t)row, (size_t)count);
        for (int64_t i = 0; i < count; i++) {
            uint64_t index = live >> i & 1 ? (uint64_t)lm__array_index(values, row + i) : 0;
            if (live >> i & 1) word |= (true_for[index / 64] >> (index % 64) & 1) << i;
        }
        words[row / 64] = word;
    }
    lm__free(allocator, true_for);
    return status;
}

static lm_status in_runs(const lm_allocator *allocator, const lm_test *test, const lm_array *values,
                         uint64_t *words, lm_error *error)
{
    const lm_array *runs = &values->children[1];
    uint64_t *true_for = new_words(allocator, runs->length);
    if (!true_for) return no_memory(error);
    lm_status status = leaf_words(allocator, test, runs, true_for, error);
    set_all(words, values->length, false);
    for (int64_t row = 0, end; status == LM_OK && row < values->length; row = end) {
        int64_t run = lm__array_run_find(values, row, &end);
        bool set = true_for[run / 64] >> (run % 64) & 1;
        if (set) lm__bits_fill((uint8_t *)words, (size_t)row, (size_t)(end - row), true);
    }
    lm__free(allocator, true_for);
    return status;
}

/* Is a row of the array not null, through dictionaries and run ends? As a leaf's words. */
static void valid_words(const lm_array *values, uint64_t *words)
{
    set_all(words, values->length, values->field->type.id != LM_TYPE_NULL);
    mask(words, lm__array_bits(values), values->length);
}

/* True and not null. */
static lm_status leaf_words(const lm_allocator *allocator, const lm_test *test,
                            const lm_array *values, uint64_t *words, lm_error *error)
{
    lm_type_id id = values->field->type.id;
    if (id == LM_TYPE_DICTIONARY) return in_dictionary(allocator, test, values, words, error);
    if (id == LM_TYPE_RUN_END_ENCODED) return in_runs(allocator, test, values, words, error);
    valid_words(values, words);
    if (test->kind == LM_TEST_NOT_NULL || id == LM_TYPE_NULL || values->length == 0) return LM_OK;
    if (!values->validity) {
        in_values(test, values, words);
        return LM_OK;
    }
    in_values(test, values, words);
    mask(words, lm__array_bits(values), values->length);
    return LM_OK;
}

lm_status lm__test_values(const lm_allocator *allocator, const lm_test *test,
                          const lm_array *values, uint8_t *bits, lm_error *error)
{
    return leaf_words(allocator, test, values, (uint64_t *)(void *)bits, error);
}

lm_array lm__filter_column(const lm_test_column *column, const lm_array *root)
{
    lm_array array = *root;
    for (int32_t i = 0; i < column->depth; i++) array = lm__array_child(&array, column->path[i]);
    return array;
}

/* Leaves the rows that no struct above the column has as null. */
static void mask_above(const lm_test_column *column, const lm_array *root, uint64_t *words)
{
    lm_array array = *root;
    for (int32_t i = 0; i < column->depth; i++) {
        if (i > 0) mask(words, lm__array_bits(&array), root->length);
        array = lm__array_child(&array, column->path[i]);
    }
}

static lm_status leaf_of_root(const lm_allocator *allocator, const lm_test *test,
                              const lm_array *root, uint64_t *words, lm_error *error)
{
    lm_array values = lm__filter_column(&test->column, root);
    if (test->kind == LM_TEST_COLUMNS) {
        lm_array others = lm__filter_column(&test->other, root);
        lm__filter_columns(test, &values, &others, words);
        mask_above(&test->other, root, words);
    } else {
        lm_test present = *test;
        if (test->kind == LM_TEST_NULL) present.kind = LM_TEST_NOT_NULL;
        LM_TRY(leaf_words(allocator, &present, &values, words, error));
    }
    mask_above(&test->column, root, words);
    if (test->kind == LM_TEST_NULL) invert(words, root->length);
    return LM_OK;
}

/* Trees. */

static bool any_set(const uint64_t *words, int64_t rows)
{
    for (size_t w = 0; w < words_of(rows); w++)
        if (words[w]) return true;
    return false;
}

static lm_status tree_words(const lm_allocator *allocator, const lm_test *test,
                            const lm_array *root, uint64_t *words, lm_error *error)
{
    if (test->kind == LM_TEST_NEVER || test->kind == LM_TEST_ALWAYS) {
        set_all(words, root->length, test->kind == LM_TEST_ALWAYS);
        return LM_OK;
    }
    if (test->kind != LM_TEST_AND && test->kind != LM_TEST_OR)
        return leaf_of_root(allocator, test, root, words, error);
    LM_TRY(tree_words(allocator, &test->children[0], root, words, error));
    uint64_t *more = new_words(allocator, root->length);
    if (!more) return no_memory(error);
    lm_status status = LM_OK;
    bool is_and = test->kind == LM_TEST_AND;
    for (size_t c = 1; c < test->child_count && status == LM_OK; c++) {
        if (is_and && !any_set(words, root->length)) break;
        status = tree_words(allocator, &test->children[c], root, more, error);
        for (size_t w = 0; status == LM_OK && w < words_of(root->length); w++)
            words[w] = is_and ? words[w] & more[w] : words[w] | more[w];
    }
    lm__free(allocator, more);
    return status;
}

lm_status lm__filter_rows(const lm_filter *filter, const lm_array *root, uint8_t *bits,
                          int64_t *count, lm_error *error)
{
    uint64_t *words = (uint64_t *)(void *)bits;
    LM_TRY(tree_words(filter->allocator, &filter->root, root, words, error));
    *count = root->length ? (int64_t)lm__bits_count((lm_bits){bits, 0}, (size_t)root->length) : 0;
    return LM_OK;
}
