/*
 * The row rules of a descriptor: of columns ("min", "max", "set", "like", "pattern", "unique") and
 * of whole rows ("check", "unique").
 *
 * A rule is kept as an expression that is true for the rows that break it, so that rows where a
 * null leaves it open break none: nulls are the affair of `nullable`.
 */
#include <regex.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/limits.h"
#include "table/descriptor.h"

/* The column's name as expressions have it. */
static char *quoted(lm_arena *arena, const char *name)
{
    size_t size = strlen(name);
    char *text = lm__arena_aligned(arena, 1, 2 * size + 3), *to = text;
    if (!text) return NULL;
    *to++ = '"';
    for (; *name; name++) {
        if (*name == '"') *to++ = '"';
        *to++ = *name;
    }
    memcpy(to, "\"", 2);
    return text;
}

static const lm_field *column_of(const lm_descriptor_reader *reader, int32_t column)
{
    return &reader->descriptor->declared->root.children[column];
}

static lm_status literal_of(const lm_descriptor_reader *reader, const lm_json *value,
                            const char *path, lm_literal *literal)
{
    switch (value->kind) {
    case LM_JSON_TRUE:
    case LM_JSON_FALSE:
        *literal = (lm_literal){.kind = LM_LITERAL_BOOL, .integer = value->kind == LM_JSON_TRUE};
        return LM_OK;
    case LM_JSON_INT:
        *literal = (lm_literal){.kind = LM_LITERAL_INT, .integer = value->integer};
        return LM_OK;
    case LM_JSON_NUMBER: *literal = (lm_literal){.kind = LM_LITERAL_NUMBER}; break;
    case LM_JSON_STRING: *literal = (lm_literal){.kind = LM_LITERAL_TEXT}; break;
    default: return lm__descriptor_refuse(reader, path, "a number, a text, true or false");
    }
    literal->data = value->text;
    literal->size = value->text_size;
    return LM_OK;
}

/* The rule's text for messages: the key and the value as they stand in the descriptor. */
static const char *rule_text(const lm_descriptor_reader *reader, const char *key,
                             const lm_json *value)
{
    lm_buffer text;
    lm_json_writer writer;
    lm__buffer_init(&text, reader->descriptor->allocator, 0);
    lm__json_writer_init(&writer, &text, false);
    lm__json_tree(&writer, value);
    int size = text.size > 200 ? 200 : (int)text.size;
    const char *made =
        writer.status == LM_OK
            ? lm__arena_printf(&reader->descriptor->arena, "%s %.*s%s", key, size,
                               (const char *)text.data, text.size > 200 ? "\xe2\x80\xa6" : "")
            : NULL;
    lm__buffer_deinit(&text);
    return made;
}

/* Room for one more rule, which is there once its expression is. */
static lm_row_rule *next_rule(lm_descriptor_reader *reader)
{
    lm_table_descriptor *d = reader->descriptor;
    size_t count = d->rule_count;
    if ((count & (count - 1)) == 0) { /* full: 0, 1, 2, 4, … */
        lm_row_rule *more = lm__arena_array(&d->arena, count ? 2 * count : 1, sizeof *more);
        if (!more) return NULL;
        if (count) memcpy(more, d->rules, count * sizeof *more);
        d->rules = more;
    }
    memset(&d->rules[count], 0, sizeof d->rules[count]);
    return &d->rules[count];
}

/* Keeps the rule; its expression must fit the stored columns. */
static lm_status add_rule(lm_descriptor_reader *reader, lm_row_rule *rule, lm_expr *holds,
                          const char *path)
{
    lm_table_descriptor *d = reader->descriptor;
    lm_filter *filter = NULL;
    lm_error why;
    lm_error_clear(&why);
    lm_status status = lm_expr_not(d->allocator, holds, &rule->breaks, &why);
    lm_expr_free(holds);
    if (status == LM_OK) {
        d->rule_count++; /* from here the descriptor gives the expression back */
        status = lm_expr_bind(d->allocator, rule->breaks, d->stored, &filter, &why);
    }
    lm_filter_free(filter);
    if (status == LM_OK) return rule->text ? LM_OK : lm__descriptor_memory(reader);
    if (status == LM_NO_MEMORY) return lm__descriptor_memory(reader);
    return lm__descriptor_refuse(reader, path, "%s", why.message);
}

static lm_status range_rule(lm_descriptor_reader *reader, int32_t column, const lm_json *value,
                            const char *path, bool is_min)
{
    lm_row_rule *rule = next_rule(reader);
    char *name = quoted(&reader->descriptor->arena, column_of(reader, column)->name);
    lm_literal literal;
    lm_expr *holds;
    lm_error why;
    LM_TRY(literal_of(reader, value, path, &literal));
    if (!rule || !name) return lm__descriptor_memory(reader);
    *rule = (lm_row_rule){.kind = is_min ? LM_RULE_MIN : LM_RULE_MAX,
                          .column = column,
                          .text = rule_text(reader, is_min ? "min" : "max", value)};
    lm_status status =
        lm_expr_compare(reader->descriptor->allocator, name,
                        is_min ? LM_GREATER_EQUAL : LM_LESS_EQUAL, &literal, &holds, &why);
    if (status == LM_NO_MEMORY) return lm__descriptor_memory(reader);
    if (status != LM_OK) return lm__descriptor_refuse(reader, path, "%s", why.message);
    return add_rule(reader, rule, holds, path);
}

static lm_status set_rule(lm_descriptor_reader *reader, int32_t column, const lm_json *value,
                          const char *path)
{
    lm_arena *arena = &reader->descriptor->arena;
    if (value->kind != LM_JSON_ARRAY || value->count == 0)
        return lm__descriptor_refuse(reader, path, "a list of at least one value");
    lm_row_rule *rule = next_rule(reader);
    char *name = quoted(arena, column_of(reader, column)->name);
    lm_literal *literals = lm__arena_array(arena, value->count, sizeof *literals);
    if (!rule || !name || !literals) return lm__descriptor_memory(reader);
    size_t count = 0;
    for (const lm_json *at = value->first; at; at = at->next)
        LM_TRY(literal_of(reader, at, path, &literals[count++]));
    *rule = (lm_row_rule){
        .kind = LM_RULE_SET, .column = column, .text = rule_text(reader, "set", value)};
    lm_expr *holds;
    lm_error why;
    lm_status status =
        lm_expr_in(reader->descriptor->allocator, name, literals, count, &holds, &why);
    if (status == LM_NO_MEMORY) return lm__descriptor_memory(reader);
    if (status != LM_OK) return lm__descriptor_refuse(reader, path, "%s", why.message);
    return add_rule(reader, rule, holds, path);
}

static lm_status like_rule(lm_descriptor_reader *reader, int32_t column, const lm_json *value,
                           const char *path)
{
    if (value->kind != LM_JSON_STRING)
        return lm__descriptor_refuse(reader, path, "a text, with %% and _ as wildcards");
    lm_row_rule *rule = next_rule(reader);
    char *name = quoted(&reader->descriptor->arena, column_of(reader, column)->name);
    if (!rule || !name) return lm__descriptor_memory(reader);
    *rule = (lm_row_rule){
        .kind = LM_RULE_LIKE, .column = column, .text = rule_text(reader, "like", value)};
    lm_expr *holds;
    lm_error why;
    lm_status status = lm_expr_like(reader->descriptor->allocator, name, value->text,
                                    value->text_size, '\\', &holds, &why);
    if (status == LM_NO_MEMORY) return lm__descriptor_memory(reader);
    if (status != LM_OK) return lm__descriptor_refuse(reader, path, "%s", why.message);
    return add_rule(reader, rule, holds, path);
}

static lm_status pattern_rule(lm_descriptor_reader *reader, int32_t column, const lm_json *value,
                              const char *path)
{
    lm_table_descriptor *d = reader->descriptor;
    const char *text;
    regex_t compiled;
    if (value->kind != LM_JSON_STRING || strlen(value->text) != value->text_size ||
        value->text_size > LM_TABLE_PATTERN_BYTES_MAX)
        return lm__descriptor_refuse(reader, path,
                                     "an extended regular expression, of at most %zu "
                                     "bytes",
                                     LM_TABLE_PATTERN_BYTES_MAX);
    if (!lm__type_is_text(d->stored->root.children[column].type.id))
        return lm__descriptor_refuse(reader, path, "only text has patterns");
    int code = regcomp(&compiled, value->text, REG_EXTENDED | REG_NOSUB);
    if (code != 0) {
        char why[128];
        regerror(code, &compiled, why, sizeof why);
        return lm__descriptor_refuse(reader, path, "no regular expression: %s", why);
    }
    regfree(&compiled);
    lm_row_rule *rule = next_rule(reader);
    text = lm__arena_strdup(&d->arena, value->text);
    if (!rule || !text) return lm__descriptor_memory(reader);
    *rule = (lm_row_rule){.kind = LM_RULE_PATTERN,
                          .column = column,
                          .text = rule_text(reader, "pattern", value),
                          .pattern = text};
    d->rule_count++;
    return rule->text ? LM_OK : lm__descriptor_memory(reader);
}

static lm_status check_rule(lm_descriptor_reader *reader, const lm_json *value, const char *path)
{
    if (value->kind != LM_JSON_STRING)
        return lm__descriptor_refuse(reader, path, "an expression (docs/expressions.md)");
    lm_row_rule *rule = next_rule(reader);
    if (!rule) return lm__descriptor_memory(reader);
    *rule = (lm_row_rule){
        .kind = LM_RULE_CHECK, .column = -1, .text = rule_text(reader, "check", value)};
    lm_expr *holds;
    lm_error why;
    lm_status status =
        lm_expr_parse(reader->descriptor->allocator, value->text, value->text_size, &holds, &why);
    if (status == LM_NO_MEMORY) return lm__descriptor_memory(reader);
    if (status != LM_OK) return lm__descriptor_refuse(reader, path, "%s", why.message);
    return add_rule(reader, rule, holds, path);
}

/* Unique keys. */

static lm_status add_unique(lm_descriptor_reader *reader, const int32_t *columns, size_t count)
{
    lm_table_descriptor *d = reader->descriptor;
    lm_unique_key *more = lm__arena_array(&d->arena, d->unique_count + 1, sizeof *more);
    int32_t *copy = lm__arena_array(&d->arena, count, sizeof *copy);
    const char *text = "";
    if (!more || !copy) return lm__descriptor_memory(reader);
    for (size_t i = 0; i < count && text; i++) {
        const char *name = column_of(reader, columns[i])->name;
        text = lm__arena_printf(&d->arena, "%s%s%s", text, i ? ", " : "", name);
    }
    if (!text) return lm__descriptor_memory(reader);
    if (d->unique_count) memcpy(more, d->uniques, d->unique_count * sizeof *more);
    memcpy(copy, columns, count * sizeof *copy);
    more[d->unique_count++] = (lm_unique_key){copy, count, text};
    d->uniques = more;
    return LM_OK;
}

static lm_status read_unique(lm_descriptor_reader *reader, const lm_json *key, const char *path)
{
    int32_t columns[LM_TABLE_KEY_COLUMNS_MAX];
    size_t count = 0;
    if (key->kind != LM_JSON_ARRAY || key->count == 0 || key->count > LM_TABLE_KEY_COLUMNS_MAX)
        return lm__descriptor_refuse(reader, path, "a list of 1 to %d columns",
                                     LM_TABLE_KEY_COLUMNS_MAX);
    for (const lm_json *at = key->first; at; at = at->next)
        LM_TRY(lm__descriptor_column(reader, at, path, &columns[count++]));
    return add_unique(reader, columns, count);
}

/* Rules of a column. */

static lm_status column_rules(lm_descriptor_reader *reader, int32_t column, const lm_json *rules)
{
    static const char *const words[] = {"min", "max", "set", "like", "pattern", "unique", NULL};
    char where[48], path[96];
    bool unique;
    snprintf(where, sizeof where, "columns[%d].rules", (int)column);
    LM_TRY(lm__descriptor_keys(reader, rules, where, words));
    LM_TRY(lm__descriptor_bool(reader, rules, where, "unique", false, &unique));
    if (unique) LM_TRY(add_unique(reader, &column, 1));
    for (const lm_json *at = rules->first; at; at = at->next) {
        lm_status status = LM_OK;
        snprintf(path, sizeof path, "%s.%s", where, at->key);
        if (strcmp(at->key, "min") == 0 || strcmp(at->key, "max") == 0)
            status = range_rule(reader, column, at, path, at->key[1] == 'i');
        else if (strcmp(at->key, "set") == 0)
            status = set_rule(reader, column, at, path);
        else if (strcmp(at->key, "like") == 0)
            status = like_rule(reader, column, at, path);
        else if (strcmp(at->key, "pattern") == 0)
            status = pattern_rule(reader, column, at, path);
        if (status != LM_OK) return status;
    }
    return LM_OK;
}

/* Rules of the table: {"check": ["low <= high"], "unique": [["a", "b"]]}. */
static lm_status table_rules(lm_descriptor_reader *reader, const lm_json *rules)
{
    static const char *const words[] = {"check", "unique", NULL};
    LM_TRY(lm__descriptor_keys(reader, rules, "rules", words));
    for (const lm_json *list = rules->first; list; list = list->next) {
        char path[64];
        int place = 0;
        snprintf(path, sizeof path, "rules.%s", list->key);
        if (list->kind != LM_JSON_ARRAY)
            return lm__descriptor_refuse(reader, path, "a list is expected");
        for (const lm_json *at = list->first; at; at = at->next) {
            snprintf(path, sizeof path, "rules.%s[%d]", list->key, place++);
            LM_TRY(list->key[0] == 'c' ? check_rule(reader, at, path)
                                       : read_unique(reader, at, path));
        }
    }
    return LM_OK;
}

lm_status lm__descriptor_rules(lm_descriptor_reader *reader)
{
    const lm_json *columns = lm__json_member(reader->root, "columns");
    int32_t place = 0;
    for (const lm_json *at = columns->first; at; at = at->next, place++) {
        const lm_json *rules = lm__json_member(at, "rules");
        if (rules && rules->kind != LM_JSON_NULL) LM_TRY(column_rules(reader, place, rules));
    }
    const lm_json *rules = lm__json_member(reader->root, "rules");
    return rules && rules->kind != LM_JSON_NULL ? table_rules(reader, rules) : LM_OK;
}
