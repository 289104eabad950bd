/*
 * The text form of expressions (docs/expressions.md), read; expr_format.c prints it.
 *
 * A recursive descent over bytes of any origin: depth and size are limited, and errors tell line
 * and column. Parts of `and` and `or` become one node, so a long chain is not deep.
 */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "arrow/expr.h"
#include "base/alloc.h"
#include "base/buffer.h"
#include "base/bytes_text.h"
#include "base/error.h"
#include "base/limits.h"
#include "base/utf8.h"

typedef struct parser {
    const char *text, *at, *end;
    const lm_allocator *allocator;
    lm_arena arena; /* of paths and texts, until a node has copied them */
    int depth;
    lm_error *error;
} parser;

LM_PRINTF(2, 3)
static lm_status wrong(const parser *p, const char *format, ...)
{
    size_t line = 1, column = 1;
    for (const char *c = p->text; c < p->at; c++) {
        if (((unsigned char)*c & 0xc0) != 0x80) column++;
        if (*c != '\n') continue;
        column = 1;
        line++;
    }
    char why[256], near[64], shown[96] = "at its end";
    va_list args;
    va_start(args, format);
    vsnprintf(why, sizeof why, format, args);
    va_end(args);
    if (p->at < p->end) {
        size_t size = (size_t)(p->end - p->at) < 24 ? (size_t)(p->end - p->at) : 24;
        char text[32];
        memcpy(text, p->at, size);
        text[size] = '\0';
        snprintf(shown, sizeof shown, "at \"%s\"", lm__printable(near, sizeof near, text));
    }
    return lm__error_set(p->error, LM_INVALID, "expression, line %zu, column %zu, %s: %s", line,
                         column, shown, why);
}

static lm_status full(const parser *p)
{
    return lm__error_memory(p->error, "reading an expression");
}

static void skip(parser *p)
{
    while (p->at < p->end && strchr(" \t\r\n", *p->at) && *p->at) p->at++;
}

static size_t left(const parser *p) { return (size_t)(p->end - p->at); }

static bool is_word(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '$' || (unsigned char)c >= 0x80;
}

static size_t word_size(const char *at, const char *end)
{
    const char *from = at;
    while (at < end && is_word(*at)) at++;
    return (size_t)(at - from);
}

static bool is_keyword(const char *at, size_t size, const char *keyword)
{
    return strlen(keyword) == size && strncasecmp(at, keyword, size) == 0;
}

static bool take_keyword(parser *p, const char *keyword)
{
    skip(p);
    size_t size = word_size(p->at, p->end);
    if (!is_keyword(p->at, size, keyword)) return false;
    p->at += size;
    return true;
}

static bool take(parser *p, char c)
{
    skip(p);
    if (p->at >= p->end || *p->at != c) return false;
    p->at++;
    return true;
}

/* '…' with '' for a quote. */
static lm_status read_quoted(parser *p, const char **data, size_t *size)
{
    const char *close = p->at + 1;
    for (;; close++) {
        if (close >= p->end) return wrong(p, "a quoted text does not end");
        if (*close != '\'') continue;
        if (close + 1 == p->end || close[1] != '\'') break;
        close++;
    }
    char *text = lm__arena_alloc(&p->arena, (size_t)(close - p->at));
    if (!text) return full(p);
    size_t length = 0;
    for (const char *c = p->at + 1; c < close; c++) {
        text[length++] = *c;
        c += *c == '\'';
    }
    *data = text;
    *size = length;
    p->at = close + 1;
    return LM_OK;
}

static lm_status unhex(parser *p, lm_literal *literal)
{
    const char *digits = literal->data;
    uint8_t *bytes = lm__arena_alloc(&p->arena, literal->size / 2 + 1);
    if (!bytes) return full(p);
    for (size_t i = 0; i < literal->size; i++)
        if (literal->size % 2 || lm__hex_digit(digits[i]) < 0)
            return wrong(p, "x'…' takes pairs of hexadecimal digits");
    for (size_t i = 0; i < literal->size / 2; i++)
        bytes[i] = (uint8_t)(lm__hex_digit(digits[2 * i]) << 4 | lm__hex_digit(digits[2 * i + 1]));
    literal->data = bytes;
    literal->size /= 2;
    return LM_OK;
}

/* A literal's leading word, where a quote follows it. */
static bool typed_text(const parser *p, lm_literal_kind *kind, size_t *size)
{
    static const struct {
        const char *word;
        lm_literal_kind kind;
    } kinds[] = {
        {"x", LM_LITERAL_BINARY},          {"date", LM_LITERAL_DATE},
        {"time", LM_LITERAL_TIME},         {"timestamp", LM_LITERAL_TIMESTAMP},
        {"duration", LM_LITERAL_DURATION}, {"interval", LM_LITERAL_DURATION},
    };
    *size = word_size(p->at, p->end);
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        if (!is_keyword(p->at, *size, kinds[i].word)) continue;
        const char *at = p->at + *size;
        while (at < p->end && (*at == ' ' || *at == '\t')) at++;
        *kind = kinds[i].kind;
        return at < p->end && *at == '\'' && (*kind != LM_LITERAL_BINARY || at == p->at + 1);
    }
    return false;
}

/* *there is false, and nothing is taken, where no literal stands. */
static lm_status try_literal(parser *p, lm_literal *literal, bool *there)
{
    size_t size;
    *literal = (lm_literal){0};
    *there = true;
    skip(p);
    if (p->at < p->end && *p->at == '\'') {
        literal->kind = LM_LITERAL_TEXT;
        LM_TRY(read_quoted(p, (const char **)&literal->data, &literal->size));
        if (lm__utf8_valid(literal->data, literal->size)) return LM_OK;
        return wrong(p, "the text before is not UTF-8: write bytes as x'…'");
    }
    if (typed_text(p, &literal->kind, &size)) {
        p->at += size;
        skip(p);
        LM_TRY(read_quoted(p, (const char **)&literal->data, &literal->size));
        if (literal->kind == LM_LITERAL_BINARY) return unhex(p, literal);
        if (lm__utf8_valid(literal->data, literal->size)) return LM_OK;
        return wrong(p, "the text before is not UTF-8");
    }
    literal->kind = LM_LITERAL_NULL;
    if (take_keyword(p, "null")) return LM_OK;
    literal->kind = LM_LITERAL_BOOL;
    if (take_keyword(p, "false")) return LM_OK;
    literal->integer = 1;
    if (take_keyword(p, "true")) return LM_OK;
    literal->kind = LM_LITERAL_NUMBER;
    literal->data = p->at;
    literal->size = lm__expr_number_size(p->at, left(p));
    *there = literal->size > 0;
    if (literal->size > LM_EXPR_NUMBER_BYTES_MAX) return wrong(p, "a number that is too long");
    p->at += literal->size;
    if (*there && p->at < p->end && (is_word(*p->at) || *p->at == '.'))
        return wrong(p, "what follows the number is no part of it");
    return LM_OK;
}

static lm_status read_literal(parser *p, lm_literal *literal)
{
    bool there;
    LM_TRY(try_literal(p, literal, &there));
    return there ? LM_OK : wrong(p, "a value is expected: a number, 'text', true, false or null");
}

/* The column's path, as text in the parser's arena. */
static lm_status read_column(parser *p, const char **column)
{
    lm_expr_path path;
    size_t taken;
    const char *why;
    skip(p);
    size_t size = word_size(p->at, p->end);
    if (lm__expr_is_reserved(p->at, size))
        return wrong(p, "a column or a value is expected; a column of that name stands in quotes");
    lm_status status = lm__expr_path_read(&p->arena, p->at, left(p), &path, &taken, &why);
    if (status == LM_NO_MEMORY) return full(p);
    if (status != LM_OK) return wrong(p, "%s", left(p) ? why : "a column or a value is expected");
    p->at += taken;
    *column = path.text;
    return LM_OK;
}

static bool take_comparison(parser *p, lm_comparison *comparison)
{
    static const struct {
        char sign[3];
        lm_comparison comparison;
    } signs[] = {
        {"<=", LM_LESS_EQUAL}, {">=", LM_GREATER_EQUAL}, {"<>", LM_NOT_EQUAL}, {"!=", LM_NOT_EQUAL},
        {"==", LM_EQUAL},      {"=", LM_EQUAL},          {"<", LM_LESS},       {">", LM_GREATER},
    };
    skip(p);
    for (size_t i = 0; i < sizeof signs / sizeof *signs; i++) {
        size_t size = strlen(signs[i].sign);
        if (left(p) < size || memcmp(p->at, signs[i].sign, size) != 0) continue;
        p->at += size;
        *comparison = signs[i].comparison;
        return true;
    }
    return false;
}

static lm_comparison turned(lm_comparison comparison)
{
    switch (comparison) {
    case LM_LESS: return LM_GREATER;
    case LM_LESS_EQUAL: return LM_GREATER_EQUAL;
    case LM_GREATER: return LM_LESS;
    case LM_GREATER_EQUAL: return LM_LESS_EQUAL;
    default: return comparison;
    }
}

static lm_status read_in(parser *p, const char *column, lm_expr **expr)
{
    lm_buffer values;
    lm__buffer_init(&values, p->allocator, 0);
    lm_status status = take(p, '(') ? LM_OK : wrong(p, "'(' is expected after in");
    while (status == LM_OK && (values.size > 0 || !take(p, ')'))) {
        lm_literal value;
        status = read_literal(p, &value);
        if (status == LM_OK && lm__buffer_append(&values, &value, sizeof value) != LM_OK)
            status = full(p);
        if (status != LM_OK || take(p, ')')) break;
        if (!take(p, ',')) status = wrong(p, "',' or ')' is expected");
    }
    if (status == LM_OK)
        status = lm_expr_in(p->allocator, column, (const lm_literal *)values.data,
                            values.size / sizeof(lm_literal), expr, p->error);
    lm__buffer_deinit(&values);
    return status;
}

static lm_status read_like(parser *p, const char *column, lm_expr **expr)
{
    const char *pattern, *escape = "";
    size_t size, escape_size = 0;
    skip(p);
    if (p->at >= p->end || *p->at != '\'') return wrong(p, "like takes a pattern in quotes");
    LM_TRY(read_quoted(p, &pattern, &size));
    if (take_keyword(p, "escape")) {
        skip(p);
        if (p->at >= p->end || *p->at != '\'')
            return wrong(p, "escape takes a character in quotes");
        LM_TRY(read_quoted(p, &escape, &escape_size));
        if (escape_size != 1 || (unsigned char)*escape >= 0x80 || *escape == '\0')
            return wrong(p, "the escape before is not one ASCII character");
    }
    if (!lm__utf8_valid(pattern, size)) return wrong(p, "the pattern before is not UTF-8");
    return lm_expr_like(p->allocator, column, pattern, size, escape_size ? *escape : '\0', expr,
                        p->error);
}

static lm_status negate_take(const parser *p, bool negate, lm_expr **expr)
{
    if (!negate) return LM_OK;
    lm_expr *inner = *expr;
    lm_status status = lm_expr_not(p->allocator, inner, expr, p->error);
    lm_expr_free(inner);
    return status;
}

static lm_status read_between(parser *p, const char *column, lm_expr **expr)
{
    lm_literal low, high;
    LM_TRY(read_literal(p, &low));
    if (!take_keyword(p, "and"))
        return wrong(p, "between takes two values with 'and' in the middle");
    LM_TRY(read_literal(p, &high));
    return lm_expr_between(p->allocator, column, &low, &high, expr, p->error);
}

static lm_status read_is(parser *p, const char *column, lm_expr **expr)
{
    bool negate = take_keyword(p, "not");
    if (!take_keyword(p, "null")) return wrong(p, "'null' or 'not null' is expected after is");
    LM_TRY(lm_expr_is_null(p->allocator, column, expr, p->error));
    return negate_take(p, negate, expr);
}

/* What begins with a column. */
static lm_status read_of_column(parser *p, lm_expr **expr)
{
    const char *column, *other;
    lm_comparison comparison;
    lm_literal value;
    bool there;
    LM_TRY(read_column(p, &column));
    if (take_comparison(p, &comparison)) {
        LM_TRY(try_literal(p, &value, &there));
        if (there) return lm_expr_compare(p->allocator, column, comparison, &value, expr, p->error);
        LM_TRY(read_column(p, &other));
        return lm_expr_compare_columns(p->allocator, column, comparison, other, expr, p->error);
    }
    if (take_keyword(p, "is")) return read_is(p, column, expr);
    bool negate = take_keyword(p, "not");
    if (take_keyword(p, "in"))
        LM_TRY(read_in(p, column, expr));
    else if (take_keyword(p, "like"))
        LM_TRY(read_like(p, column, expr));
    else if (take_keyword(p, "between"))
        LM_TRY(read_between(p, column, expr));
    else if (negate)
        return wrong(p, "'in', 'like' or 'between' is expected after not");
    else
        return lm__expr_leaf(p->allocator, &(lm_expr_leaf){.kind = LM_EXPR_TRUTH, .column = column},
                             expr, p->error);
    return negate_take(p, negate, expr);
}

static lm_status read_or(parser *p, lm_expr **expr);

static lm_status read_primary(parser *p, lm_expr **expr)
{
    const char *column;
    lm_comparison comparison;
    lm_literal value;
    bool there;
    if (take(p, '(')) {
        LM_TRY(read_or(p, expr));
        if (take(p, ')')) return LM_OK;
        lm_expr_free(*expr);
        *expr = NULL;
        return wrong(p, "')' is expected");
    }
    LM_TRY(try_literal(p, &value, &there));
    if (!there) return read_of_column(p, expr);
    if (take_comparison(p, &comparison)) {
        LM_TRY(read_column(p, &column));
        return lm_expr_compare(p->allocator, column, turned(comparison), &value, expr, p->error);
    }
    if (value.kind == LM_LITERAL_BOOL)
        return lm_expr_constant(p->allocator, value.integer != 0, expr, p->error);
    return wrong(p, "a comparison is expected after a value");
}

static lm_status read_not(parser *p, lm_expr **expr)
{
    if (++p->depth > LM_EXPR_DEPTH_MAX) return wrong(p, "nested too deeply");
    lm_status status;
    if (take_keyword(p, "not")) {
        status = read_not(p, expr);
        if (status == LM_OK) status = negate_take(p, true, expr);
    } else {
        status = read_primary(p, expr);
    }
    p->depth--;
    return status;
}

typedef lm_status reader(parser *p, lm_expr **expr);
typedef lm_status joiner(const lm_allocator *allocator, lm_expr *const *parts, size_t count,
                         lm_expr **expr, lm_error *error);

/* Parts with a word between them, made one. */
static lm_status read_chain(parser *p, const char *word, reader *read, joiner *join, lm_expr **expr)
{
    lm_buffer parts;
    lm_status status;
    lm__buffer_init(&parts, p->allocator, 0);
    do {
        lm_expr *part = NULL;
        status = read(p, &part);
        if (status == LM_OK && lm__buffer_append(&parts, &part, sizeof part) != LM_OK) {
            lm_expr_free(part);
            status = full(p);
        }
    } while (status == LM_OK && take_keyword(p, word));
    lm_expr **items = (lm_expr **)(void *)parts.data;
    size_t count = parts.size / sizeof(lm_expr *);
    if (status == LM_OK) status = join(p->allocator, items, count, expr, p->error);
    for (size_t i = 0; i < count; i++) lm_expr_free(items[i]);
    lm__buffer_deinit(&parts);
    return status;
}

static lm_status read_and(parser *p, lm_expr **expr)
{
    return read_chain(p, "and", read_not, lm_expr_and, expr);
}

static lm_status read_or(parser *p, lm_expr **expr)
{
    return read_chain(p, "or", read_and, lm_expr_or, expr);
}

lm_status lm_expr_parse(const lm_allocator *allocator, const char *text, size_t size,
                        lm_expr **expr, lm_error *error)
{
    parser p = {text, text, text + size, allocator, {0}, 0, error};
    *expr = NULL;
    if (size > LM_EXPR_BYTES_MAX)
        return lm__error_set(error, LM_LIMIT, "an expression of more than %zu bytes",
                             LM_EXPR_BYTES_MAX);
    lm__arena_init(&p.arena, allocator, 0);
    lm_status status = read_or(&p, expr);
    skip(&p);
    if (status == LM_OK && p.at < p.end) {
        status = wrong(&p, "'and', 'or' or the end is expected");
        lm_expr_free(*expr);
    }
    if (status != LM_OK) *expr = NULL;
    lm__arena_deinit(&p.arena);
    return status;
}
