/* Nodes of expressions and their builders; see expr.h. */
#include "arrow/expr.h"

#include <math.h>
#include <string.h>
#include <strings.h>

#include "arrow/text.h"
#include "base/alloc.h"
#include "base/error.h"
#include "base/limits.h"
#include "base/utf8.h"

static lm_status full(lm_error *error) { return lm__error_memory(error, "making an expression"); }

static lm_status node_new(const lm_allocator *allocator, lm_expr_kind kind, lm_expr **expr,
                          lm_error *error)
{
    *expr = lm__alloc_zero(allocator, sizeof **expr);
    if (!*expr) return full(error);
    atomic_init(&(*expr)->references, 1);
    (*expr)->allocator = allocator;
    (*expr)->kind = kind;
    (*expr)->depth = 1;
    (*expr)->nodes = 1;
    lm__arena_init(&(*expr)->arena, allocator, 0);
    (*expr)->arena.block_bytes = 256;
    return LM_OK;
}

lm_expr *lm_expr_ref(lm_expr *expr)
{
    atomic_fetch_add_explicit(&expr->references, 1, memory_order_relaxed);
    return expr;
}

void lm_expr_free(lm_expr *expr)
{
    if (!expr) return;
    if (atomic_fetch_sub_explicit(&expr->references, 1, memory_order_acq_rel) != 1) return;
    for (size_t i = 0; i < expr->child_count; i++) lm_expr_free(expr->children[i]);
    lm__arena_deinit(&expr->arena);
    lm__free(expr->allocator, expr);
}

size_t lm_expr_columns(const lm_expr *expr) { return expr->name_count; }

const char *lm_expr_column(const lm_expr *expr, size_t i)
{
    return i < expr->name_count ? expr->names[i] : NULL;
}

/* Names of this node and of those below it, each once. */
static lm_status gather_names(lm_expr *expr, lm_error *error)
{
    size_t most = 2;
    for (size_t i = 0; i < expr->child_count; i++) most += expr->children[i]->name_count;
    if (most > LM_EXPR_COLUMNS_MAX + 1) most = LM_EXPR_COLUMNS_MAX + 1;
    expr->names = lm__arena_array(&expr->arena, most, sizeof *expr->names);
    if (!expr->names) return full(error);
    for (size_t i = 0; i < 2; i++)
        if (expr->columns[i].text &&
            (i == 0 || strcmp(expr->columns[0].text, expr->columns[1].text) != 0))
            expr->names[expr->name_count++] = expr->columns[i].text;
    for (size_t i = 0; i < expr->child_count; i++) {
        const lm_expr *child = expr->children[i];
        for (size_t c = 0; c < child->name_count; c++) {
            size_t at = 0;
            while (at < expr->name_count && strcmp(expr->names[at], child->names[c]) != 0) at++;
            if (at < expr->name_count) continue;
            if (at == LM_EXPR_COLUMNS_MAX)
                return lm__error_set(error, LM_LIMIT, "an expression of more than %d columns",
                                     LM_EXPR_COLUMNS_MAX);
            expr->names[expr->name_count++] = child->names[c];
        }
    }
    return LM_OK;
}

/* Paths. */

static bool is_word(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '$' || (unsigned char)c >= 0x80;
}

static bool is_digit(char c) { return c >= '0' && c <= '9'; }

bool lm__expr_is_reserved(const char *word, size_t size)
{
    static const char *const words[] = {"and",  "or",   "not",     "in",    "is",    "like",
                                        "null", "true", "between", "false", "escape"};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (strlen(words[i]) == size && strncasecmp(words[i], word, size) == 0) return true;
    return false;
}

/* One name; *taken is 0 where there is none. */
static lm_status read_part(lm_arena *arena, const char *text, size_t size, const char **part,
                           size_t *taken, const char **why)
{
    char quote = size ? *text : '\0', *name = NULL;
    size_t at = 0, length = 0;
    *taken = 0;
    if (quote == '"' || quote == '`') {
        for (at = 1; at < size; at++) {
            if (text[at] == quote && (at + 1 == size || text[at + 1] != quote)) break;
            at += text[at] == quote;
            length++;
        }
        *why = "a quoted name does not end";
        if (at >= size) return LM_INVALID;
        name = lm__arena_alloc(arena, length + 1);
        if (!name) return LM_NO_MEMORY;
        for (size_t from = 1, to = 0; to < length; from++) {
            name[to++] = text[from];
            from += text[from] == quote;
        }
        name[length] = '\0';
        at++;
    } else {
        while (at < size && is_word(text[at])) at++;
        *why = "the name of a column is expected";
        if (at == 0 || is_digit(*text)) return LM_INVALID;
        length = at;
        name = lm__arena_strndup(arena, text, length);
        if (!name) return LM_NO_MEMORY;
    }
    *why = "a name that is not UTF-8, or has a zero byte";
    if (!lm__utf8_valid(name, length) || memchr(name, '\0', length)) return LM_INVALID;
    *why = "a name that is too long";
    if (length > LM_ARROW_NAME_BYTES_MAX) return LM_INVALID;
    *part = name;
    *taken = at;
    return LM_OK;
}

/* The path as it is printed: names that are no words, and reserved ones that come first, quoted. */
static const char *path_text(lm_arena *arena, const lm_expr_path *path)
{
    size_t most = 0;
    for (size_t i = 0; i < path->count; i++) most += 2 * strlen(path->parts[i]) + 3;
    char *text = lm__arena_alloc(arena, most + 1), *to = text;
    if (!text) return NULL;
    for (size_t i = 0; i < path->count; i++) {
        const char *part = path->parts[i];
        size_t size = strlen(part), words = 0;
        while (words < size && is_word(part[words])) words++;
        bool bare = size > 0 && words == size && !is_digit(*part) &&
                    (i > 0 || !lm__expr_is_reserved(part, size));
        if (i > 0) *to++ = '.';
        if (!bare) *to++ = '"';
        for (size_t c = 0; c < size; c++) {
            if (part[c] == '"') *to++ = '"';
            *to++ = part[c];
        }
        if (!bare) *to++ = '"';
    }
    *to = '\0';
    return text;
}

lm_status lm__expr_path_read(lm_arena *arena, const char *text, size_t size, lm_expr_path *path,
                             size_t *taken, const char **why)
{
    const char *parts[LM_EXPR_PATH_MAX];
    size_t at = 0, part_size;
    *path = (lm_expr_path){0};
    for (;;) {
        *why = "a path of too many parts";
        if (path->count == LM_EXPR_PATH_MAX) return LM_INVALID;
        LM_TRY(read_part(arena, text + at, size - at, &parts[path->count], &part_size, why));
        at += part_size;
        path->count++;
        if (at == size || text[at] != '.') break;
        at++;
    }
    path->parts = lm__arena_array(arena, path->count, sizeof *path->parts);
    if (!path->parts) return LM_NO_MEMORY;
    memcpy(path->parts, parts, path->count * sizeof *path->parts);
    path->text = path_text(arena, path);
    *taken = at;
    return path->text ? LM_OK : LM_NO_MEMORY;
}

static lm_status set_column(lm_expr *expr, int which, const char *column, lm_error *error)
{
    size_t size = strlen(column), taken = 0;
    const char *why = "";
    lm_status status =
        lm__expr_path_read(&expr->arena, column, size, &expr->columns[which], &taken, &why);
    if (status == LM_NO_MEMORY) return full(error);
    if (status == LM_OK && taken == size) return LM_OK;
    char shown[128];
    lm__printable(shown, sizeof shown, column);
    if (status != LM_OK) return lm__error_set(error, LM_INVALID, "column %s: %s", shown, why);
    return lm__error_set(error, LM_INVALID,
                         "column %s: put a name that is no plain word in double quotes", shown);
}

/* Literals. */

size_t lm__expr_number_size(const char *text, size_t size)
{
    size_t at = size > 0 && (*text == '-' || *text == '+'), digits = 0;
    for (; at < size && is_digit(text[at]); at++) digits++;
    if (at < size && text[at] == '.')
        for (at++; at < size && is_digit(text[at]); at++) digits++;
    if (digits == 0) return 0;
    if (at < size && (text[at] | 0x20) == 'e') {
        size_t exponent = at + 1;
        if (exponent < size && (text[exponent] == '-' || text[exponent] == '+')) exponent++;
        if (exponent < size && is_digit(text[exponent])) {
            while (exponent < size && is_digit(text[exponent])) exponent++;
            at = exponent;
        }
    }
    return at;
}

/* Numbers as text, and what they point to in the arena (invariant 3). */
static lm_status copy_literal(lm_arena *arena, const lm_literal *in, lm_literal *out,
                              lm_error *error)
{
    char number[LM_VALUE_TEXT_MAX];
    const void *data = in->data;
    *out = (lm_literal){.kind = in->kind, .integer = in->integer != 0, .size = in->size};
    if (in->kind == LM_LITERAL_INT) {
        out->kind = LM_LITERAL_NUMBER;
        out->size = lm__text_from_i64(in->integer, number);
        data = number;
    } else if (in->kind == LM_LITERAL_DOUBLE) {
        out->kind = isfinite(in->real) ? LM_LITERAL_NUMBER : LM_LITERAL_TEXT;
        out->size = lm__text_from_f64(in->real, number);
        data = number;
    }
    if (out->kind == LM_LITERAL_NULL || out->kind == LM_LITERAL_BOOL) {
        out->size = 0;
        return LM_OK;
    }
    if ((int)out->kind < 0 || out->kind > LM_LITERAL_DURATION || (!data && out->size > 0))
        return lm__error_set(error, LM_INVALID,
                             "a literal of an unknown kind, or without its data");
    if (out->size > LM_EXPR_BYTES_MAX)
        return lm__error_set(error, LM_LIMIT, "a literal of %zu bytes", out->size);
    if (out->kind == LM_LITERAL_NUMBER && (out->size > LM_EXPR_NUMBER_BYTES_MAX ||
                                           lm__expr_number_size(data, out->size) != out->size))
        return lm__error_set(error, LM_INVALID, "a literal that is no number");
    if (out->kind != LM_LITERAL_BINARY && !lm__utf8_valid(data ? data : "", out->size))
        return lm__error_set(error, LM_INVALID, "a literal that is not UTF-8");
    out->data = lm__arena_strndup(arena, data ? data : "", out->size);
    if (!out->data) return full(error);
    memcpy((char *)(uintptr_t)out->data, data ? data : "", out->size);
    return LM_OK;
}

static lm_status set_literals(lm_expr *expr, const lm_literal *values, size_t count,
                              lm_error *error)
{
    if (count > LM_EXPR_NODES_MAX)
        return lm__error_set(error, LM_LIMIT, "an expression of %zu values", count);
    lm_literal *literals = lm__arena_array(&expr->arena, count ? count : 1, sizeof *literals);
    if (!literals) return full(error);
    for (size_t i = 0; i < count; i++)
        LM_TRY(copy_literal(&expr->arena, &values[i], &literals[i], error));
    expr->literals = literals;
    expr->literal_count = count;
    expr->nodes += count;
    return LM_OK;
}

/* Builders. */

static lm_status done(lm_expr *made, lm_status status, lm_expr **expr, lm_error *error)
{
    if (status == LM_OK) status = gather_names(made, error);
    if (status == LM_OK)
        *expr = made;
    else
        lm_expr_free(made);
    return status;
}

lm_status lm_expr_constant(const lm_allocator *allocator, bool value, lm_expr **expr,
                           lm_error *error)
{
    lm_expr *made;
    *expr = NULL;
    LM_TRY(node_new(allocator, LM_EXPR_CONSTANT, &made, error));
    made->value = value;
    return done(made, LM_OK, expr, error);
}

lm_status lm__expr_leaf(const lm_allocator *allocator, const lm_expr_leaf *leaf, lm_expr **expr,
                        lm_error *error)
{
    lm_expr *made;
    *expr = NULL;
    LM_TRY(node_new(allocator, leaf->kind, &made, error));
    made->comparison = leaf->comparison;
    made->escape = leaf->escape;
    lm_status status = set_column(made, 0, leaf->column, error);
    if (status == LM_OK && leaf->other) status = set_column(made, 1, leaf->other, error);
    if (status == LM_OK) status = set_literals(made, leaf->literals, leaf->literal_count, error);
    return done(made, status, expr, error);
}

static bool is_comparison(lm_comparison comparison)
{
    return (int)comparison >= 0 && comparison <= LM_GREATER_EQUAL;
}

static lm_status no_comparison(lm_error *error)
{
    return lm__error_set(error, LM_INVALID, "a comparison of an unknown kind");
}

lm_status lm_expr_compare(const lm_allocator *allocator, const char *column,
                          lm_comparison comparison, const lm_literal *value, lm_expr **expr,
                          lm_error *error)
{
    const lm_expr_leaf leaf = {
        LM_EXPR_COMPARE, comparison, '\0', column, NULL, value, 1,
    };
    *expr = NULL;
    if (!is_comparison(comparison)) return no_comparison(error);
    return lm__expr_leaf(allocator, &leaf, expr, error);
}

lm_status lm_expr_compare_columns(const lm_allocator *allocator, const char *left,
                                  lm_comparison comparison, const char *right, lm_expr **expr,
                                  lm_error *error)
{
    const lm_expr_leaf leaf = {
        LM_EXPR_COLUMNS, comparison, '\0', left, right, NULL, 0,
    };
    *expr = NULL;
    if (!is_comparison(comparison)) return no_comparison(error);
    return lm__expr_leaf(allocator, &leaf, expr, error);
}

lm_status lm_expr_in(const lm_allocator *allocator, const char *column, const lm_literal *values,
                     size_t count, lm_expr **expr, lm_error *error)
{
    const lm_expr_leaf leaf = {LM_EXPR_IN, LM_EQUAL, '\0', column, NULL, values, count};
    return lm__expr_leaf(allocator, &leaf, expr, error);
}

lm_status lm_expr_between(const lm_allocator *allocator, const char *column, const lm_literal *low,
                          const lm_literal *high, lm_expr **expr, lm_error *error)
{
    const lm_literal values[] = {*low, *high};
    const lm_expr_leaf leaf = {LM_EXPR_BETWEEN, LM_EQUAL, '\0', column, NULL, values, 2};
    return lm__expr_leaf(allocator, &leaf, expr, error);
}

lm_status lm_expr_is_null(const lm_allocator *allocator, const char *column, lm_expr **expr,
                          lm_error *error)
{
    const lm_expr_leaf leaf = {LM_EXPR_IS_NULL, LM_EQUAL, '\0', column, NULL, NULL, 0};
    return lm__expr_leaf(allocator, &leaf, expr, error);
}

lm_status lm_expr_like(const lm_allocator *allocator, const char *column, const char *pattern,
                       size_t size, char escape, lm_expr **expr, lm_error *error)
{
    const lm_literal value = {.kind = LM_LITERAL_TEXT, .data = pattern, .size = size};
    const lm_expr_leaf leaf = {LM_EXPR_LIKE, LM_EQUAL, escape, column, NULL, &value, 1};
    *expr = NULL;
    if ((unsigned char)escape >= 0x80)
        return lm__error_set(error, LM_INVALID, "the escape of a pattern is one ASCII character");
    for (size_t i = 0; escape && i < size; i++) {
        if (pattern[i] != escape) continue;
        i++;
        if (i == size || (pattern[i] != '%' && pattern[i] != '_' && pattern[i] != escape))
            return lm__error_set(error, LM_INVALID,
                                 "a pattern's escape stands before %%, _ or itself");
    }
    return lm__expr_leaf(allocator, &leaf, expr, error);
}

static lm_status join(const lm_allocator *allocator, lm_expr_kind kind, lm_expr *const *parts,
                      size_t count, lm_expr **expr, lm_error *error)
{
    lm_expr *made;
    *expr = NULL;
    if (count == 1 && kind != LM_EXPR_NOT) {
        *expr = lm_expr_ref(parts[0]);
        return LM_OK;
    }
    if (count == 0) return lm_expr_constant(allocator, kind == LM_EXPR_AND, expr, error);
    LM_TRY(node_new(allocator, kind, &made, error));
    lm_status status = LM_OK;
    made->children = lm__arena_array(&made->arena, count, sizeof *made->children);
    if (!made->children) status = full(error);
    for (size_t i = 0; i < count && status == LM_OK; i++) {
        made->children[made->child_count++] = lm_expr_ref(parts[i]);
        if (parts[i]->depth >= made->depth) made->depth = parts[i]->depth + 1;
        made->nodes += parts[i]->nodes;
        if (made->depth > LM_EXPR_DEPTH_MAX || made->nodes > LM_EXPR_NODES_MAX)
            status =
                lm__error_set(error, LM_LIMIT, "an expression of more than %d levels or %d parts",
                              LM_EXPR_DEPTH_MAX, LM_EXPR_NODES_MAX);
    }
    return done(made, status, expr, error);
}

lm_status lm_expr_and(const lm_allocator *allocator, lm_expr *const *parts, size_t count,
                      lm_expr **expr, lm_error *error)
{
    return join(allocator, LM_EXPR_AND, parts, count, expr, error);
}

lm_status lm_expr_or(const lm_allocator *allocator, lm_expr *const *parts, size_t count,
                     lm_expr **expr, lm_error *error)
{
    return join(allocator, LM_EXPR_OR, parts, count, expr, error);
}

lm_status lm_expr_not(const lm_allocator *allocator, lm_expr *part, lm_expr **expr, lm_error *error)
{
    return join(allocator, LM_EXPR_NOT, &part, 1, expr, error);
}
