/* Row rules over batches; see row_rules.h. */
#define _GNU_SOURCE
#include "table/row_rules.h"

#include <locale.h>
#include <regex.h>
#include <stdio.h>

#include "arrow/value_json.h"
#include "base/alloc.h"
#include "base/error.h"
#include "base/limits.h"
#include "parquet/bloom.h"

typedef struct bound_rule {
    const lm_row_rule *rule;
    lm_filter *breaks; /* NULL: a pattern */
    regex_t regex;
    bool has_regex;
    int32_t column; /* in the batches; -1: CHECK */
} bound_rule;

typedef struct key_entry {
    uint64_t low, high;
    int64_t row; /* + 1; 0: free */
} key_entry;

typedef struct bound_key {
    const lm_unique_key *key;
    int32_t columns[LM_TABLE_KEY_COLUMNS_MAX];
    key_entry *entries;
    size_t count, capacity;
} bound_key;

struct lm_row_rules {
    const lm_allocator *allocator;
    lm_arena arena;
    lm_value_json json; /* of the whole row */
    bound_rule *rules;
    size_t rule_count;
    bound_key *keys;
    size_t key_count;
    lm_buffer text;
    locale_t locale; /* of patterns: UTF-8, whatever the program's is */
};

static lm_status no_memory(lm_error *error)
{
    return lm__error_memory(error, "checking the rules of rows");
}

void lm__row_rules_free(lm_row_rules *rules)
{
    if (!rules) return;
    for (size_t i = 0; i < rules->rule_count; i++) {
        lm_filter_free(rules->rules[i].breaks);
        if (rules->rules[i].has_regex) regfree(&rules->rules[i].regex);
    }
    for (size_t i = 0; i < rules->key_count; i++)
        lm__free(rules->allocator, rules->keys[i].entries);
    if (rules->locale) freelocale(rules->locale);
    lm__buffer_deinit(&rules->text);
    lm__arena_deinit(&rules->arena);
    lm__free(rules->allocator, rules);
}

static int32_t column_in(const lm_table_descriptor *descriptor, int32_t column,
                         const lm_schema *schema)
{
    const lm_field *field = &descriptor->declared->root.children[column];
    return lm__field_find(&schema->root, field->name, field->name_size);
}

static lm_status bind_rule(lm_row_rules *rules, const lm_row_rule *rule, int32_t column,
                           lm_schema *schema, lm_error *error)
{
    bound_rule *bound = &rules->rules[rules->rule_count++];
    bound->rule = rule;
    bound->column = column;
    if (rule->breaks)
        return lm_expr_bind(rules->allocator, rule->breaks, schema, &bound->breaks, error);
    if (!rules->locale) rules->locale = newlocale(LC_CTYPE_MASK, "C.UTF-8", (locale_t)0);
    locale_t before = rules->locale ? uselocale(rules->locale) : (locale_t)0;
    bound->has_regex = regcomp(&bound->regex, rule->pattern, REG_EXTENDED | REG_NOSUB) == 0;
    if (before) uselocale(before);
    return bound->has_regex ? LM_OK : no_memory(error);
}

static lm_status bind_all(lm_row_rules *rules, const lm_table_descriptor *d, lm_schema *schema,
                          lm_error *error)
{
    rules->rules = lm__arena_zero(&rules->arena, (d->rule_count + 1) * sizeof *rules->rules);
    rules->keys = lm__arena_zero(&rules->arena, (d->unique_count + 1) * sizeof *rules->keys);
    if (!rules->rules || !rules->keys) return no_memory(error);
    for (size_t i = 0; i < d->rule_count; i++) {
        const lm_row_rule *rule = &d->rules[i];
        int32_t column = rule->column < 0 ? -1 : column_in(d, rule->column, schema);
        LM_TRY(bind_rule(rules, rule, column, schema, error));
    }
    for (size_t i = 0; i < d->unique_count; i++) {
        bound_key *key = &rules->keys[rules->key_count++];
        key->key = &d->uniques[i];
        for (size_t k = 0; k < key->key->count; k++)
            key->columns[k] = column_in(d, key->key->columns[k], schema);
    }
    return lm__value_json_make(&rules->arena, &schema->root, NULL, &rules->json, error);
}

lm_status lm__row_rules_new(const lm_allocator *allocator, const lm_table_descriptor *descriptor,
                            lm_schema *schema, lm_row_rules **rules, lm_error *error)
{
    *rules = NULL;
    lm_row_rules *made = lm__alloc_zero(allocator, sizeof *made);
    if (!made) return no_memory(error);
    made->allocator = allocator;
    lm__arena_init(&made->arena, allocator, 0);
    lm__buffer_init(&made->text, allocator, 0);
    lm_status status = bind_all(made, descriptor, schema, error);
    if (status == LM_OK)
        *rules = made;
    else
        lm__row_rules_free(made);
    return status;
}

/* Messages. */

/* The value as JSON, cut where it is long. */
static lm_status value_text(lm_row_rules *rules, const lm_batch *batch, int32_t column, int64_t row)
{
    lm_array array = lm__batch_column(batch, column);
    lm__buffer_clear(&rules->text);
    LM_TRY(lm__value_json_put(&rules->json.children[column], &array, row, &rules->text));
    if (rules->text.size > 160) {
        rules->text.size = 160;
        while (rules->text.size > 0 && (rules->text.data[rules->text.size - 1] & 0xc0) == 0x80)
            rules->text.size--;
        if (rules->text.data[rules->text.size - 1] >= 0xc0) rules->text.size--;
        LM_TRY(lm__buffer_text(&rules->text, "\xe2\x80\xa6"));
    }
    return lm__buffer_byte(&rules->text, '\0');
}

static lm_status refuse(lm_row_rules *rules, const bound_rule *bound, const lm_batch *batch,
                        int64_t row, int64_t first_row, lm_error *error)
{
    const lm_path path = {NULL,
                          batch->schema->root.children[bound->column < 0 ? 0 : bound->column].name};
    if (bound->column < 0)
        return lm__error_set(error, LM_DATA, "row %lld breaks the rule %s",
                             (long long)(first_row + row), bound->rule->text);
    if (value_text(rules, batch, bound->column, row) != LM_OK) return no_memory(error);
    return lm__path_error(error, LM_DATA, &path, "row %lld: %s breaks the rule %s",
                          (long long)(first_row + row), (const char *)rules->text.data,
                          bound->rule->text);
}

/* Expressions and patterns. */

static lm_status check_filter(lm_row_rules *rules, const bound_rule *bound, const lm_batch *batch,
                              uint8_t *bits, int64_t first_row, lm_error *error)
{
    int64_t count = 0;
    size_t rows = (size_t)lm__batch_rows(batch);
    LM_TRY(lm__filter_rows(bound->breaks, &batch->root, bits, &count, error));
    if (count == 0) return LM_OK;
    int64_t row = (int64_t)lm__bits_find((lm_bits){bits, 0}, 0, rows, true);
    return refuse(rules, bound, batch, row, first_row, error);
}

/* The text is copied, for the NUL that regexec may look for; its length counts all the same. */
static lm_status matches(lm_row_rules *rules, const bound_rule *bound, const lm_array *values,
                         int64_t row, bool *fits)
{
    size_t size;
    const uint8_t *text = lm__array_bytes(values, row, &size);
    regmatch_t range = {.rm_so = 0, .rm_eo = (regoff_t)size};
    lm__buffer_clear(&rules->text);
    LM_TRY(lm__buffer_append(&rules->text, text, size));
    LM_TRY(lm__buffer_byte(&rules->text, '\0'));
    *fits = regexec(&bound->regex, (const char *)rules->text.data, 1, &range, REG_STARTEND) == 0;
    return LM_OK;
}

static lm_status check_pattern(lm_row_rules *rules, const bound_rule *bound, const lm_batch *batch,
                               int64_t first_row, lm_error *error)
{
    lm_array array = lm__batch_column(batch, bound->column);
    const lm_array *values = array.dictionary ? array.dictionary : &array;
    locale_t before = rules->locale ? uselocale(rules->locale) : (locale_t)0;
    int64_t row = 0;
    lm_status status = LM_OK;
    for (bool fits = true; row < array.length && status == LM_OK; row++) {
        if (!lm__array_valid_logical(&array, row)) continue;
        int64_t at = array.dictionary ? lm__array_index(&array, row) : row;
        status = matches(rules, bound, values, at, &fits);
        if (!fits) break;
    }
    if (before) uselocale(before);
    if (status != LM_OK) return no_memory(error);
    return row == array.length ? LM_OK : refuse(rules, bound, batch, row, first_row, error);
}

/* Keys. */

static bool keys_grow(lm_row_rules *rules, bound_key *key, lm_status *status)
{
    size_t capacity = key->capacity ? 2 * key->capacity : 1024;
    *status = LM_LIMIT;
    if (capacity * sizeof(key_entry) > LM_TABLE_UNIQUE_BYTES_MAX) return false;
    *status = LM_NO_MEMORY;
    key_entry *entries = lm__alloc_zero(rules->allocator, capacity * sizeof *entries);
    if (!entries) return false;
    for (size_t i = 0; i < key->capacity; i++) {
        const key_entry *old = &key->entries[i];
        size_t at = old->low & (capacity - 1);
        if (!old->row) continue;
        while (entries[at].row) at = (at + 1) & (capacity - 1);
        entries[at] = *old;
    }
    lm__free(rules->allocator, key->entries);
    key->entries = entries;
    key->capacity = capacity;
    return true;
}

/* The key's text in rules->text, values parted by commas; false where a value is null. */
static lm_status key_text(lm_row_rules *rules, const bound_key *key, const lm_array *columns,
                          int64_t row, bool *is_there)
{
    lm__buffer_clear(&rules->text);
    *is_there = false;
    for (size_t k = 0; k < key->key->count; k++) {
        if (!lm__array_valid_logical(&columns[k], row)) return LM_OK;
        if (k > 0) LM_TRY(lm__buffer_byte(&rules->text, ','));
        LM_TRY(lm__value_json_put(&rules->json.children[key->columns[k]], &columns[k], row,
                                  &rules->text));
    }
    *is_there = true;
    return LM_OK;
}

/* Two hashes of the same bytes: one of them with a byte more. */
static lm_status fingerprint(lm_buffer *text, key_entry *entry)
{
    entry->low = lm__xxh64(text->data, text->size);
    LM_TRY(lm__buffer_byte(text, 0xff));
    entry->high = lm__xxh64(text->data, text->size);
    text->data[text->size - 1] = '\0';
    return LM_OK;
}

static lm_status refuse_key(const lm_row_rules *rules, const bound_key *key, int64_t first,
                            int64_t second, lm_error *error)
{
    return lm__error_set(
        error, LM_DATA, "rows %lld and %lld have the same key: %s is %.160s (the rule unique)",
        (long long)first, (long long)second, key->key->text, (const char *)rules->text.data);
}

static lm_status check_key(lm_row_rules *rules, bound_key *key, const lm_batch *batch,
                           int64_t first_row, lm_error *error)
{
    lm_array columns[LM_TABLE_KEY_COLUMNS_MAX];
    lm_status status;
    for (size_t k = 0; k < key->key->count; k++)
        columns[k] = lm__batch_column(batch, key->columns[k]);
    for (int64_t row = 0; row < lm__batch_rows(batch); row++) {
        bool is_there;
        key_entry entry = {.row = first_row + row + 1};
        status = key_text(rules, key, columns, row, &is_there);
        if (status == LM_OK && !is_there) continue;
        if (status == LM_OK) status = fingerprint(&rules->text, &entry);
        if (status != LM_OK) return no_memory(error);
        if (key->count * 4 >= key->capacity * 3 && !keys_grow(rules, key, &status)) {
            if (status == LM_NO_MEMORY) return no_memory(error);
            return lm__error_set(error, LM_LIMIT,
                                 "the rule unique of %s: more than %zu keys in one append: append "
                                 "in several batches",
                                 key->key->text, key->count);
        }
        size_t at = entry.low & (key->capacity - 1);
        for (; key->entries[at].row; at = (at + 1) & (key->capacity - 1))
            if (key->entries[at].low == entry.low && key->entries[at].high == entry.high)
                return refuse_key(rules, key, key->entries[at].row - 1, entry.row - 1, error);
        key->entries[at] = entry;
        key->count++;
    }
    return LM_OK;
}

lm_status lm__row_rules_check(lm_row_rules *rules, const lm_batch *batch, int64_t first_row,
                              lm_error *error)
{
    lm_status status = LM_OK;
    uint8_t *bits = lm__alloc(rules->allocator, lm__filter_bits_bytes(lm__batch_rows(batch)) + 8);
    if (!bits) return no_memory(error);
    for (size_t i = 0; i < rules->rule_count && status == LM_OK; i++) {
        const bound_rule *bound = &rules->rules[i];
        status = bound->breaks ? check_filter(rules, bound, batch, bits, first_row, error)
                               : check_pattern(rules, bound, batch, first_row, error);
    }
    lm__free(rules->allocator, bits);
    for (size_t i = 0; i < rules->key_count && status == LM_OK; i++)
        status = check_key(rules, &rules->keys[i], batch, first_row, error);
    return status;
}
