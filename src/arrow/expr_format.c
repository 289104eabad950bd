/* The text form of expressions, printed (docs/expressions.md): parentheses only where they are
 * needed, keywords small, columns and texts quoted as they must be. */
#include <stdio.h>
#include <string.h>

#include "arrow/expr.h"

/* Counts all, and writes what there is room for. */
typedef struct printer {
    char *text;
    size_t size, length;
} printer;

static void put(printer *out, const char *bytes, size_t size)
{
    for (size_t i = 0; i < size; i++, out->length++)
        if (out->length + 1 < out->size) out->text[out->length] = bytes[i];
}

static void put_text(printer *out, const char *text) { put(out, text, strlen(text)); }

static void put_quoted(printer *out, const char *data, size_t size)
{
    put(out, "'", 1);
    for (size_t i = 0; i < size; i++) {
        if (data[i] == '\'') put(out, "'", 1);
        put(out, &data[i], 1);
    }
    put(out, "'", 1);
}

static void put_literal(printer *out, const lm_literal *literal)
{
    static const char *const words[] = {
        [LM_LITERAL_DATE] = "date ",
        [LM_LITERAL_TIME] = "time ",
        [LM_LITERAL_TIMESTAMP] = "timestamp ",
        [LM_LITERAL_DURATION] = "duration ",
    };
    const char *data = literal->data;
    switch (literal->kind) {
    case LM_LITERAL_NULL: put_text(out, "null"); return;
    case LM_LITERAL_BOOL: put_text(out, literal->integer ? "true" : "false"); return;
    case LM_LITERAL_NUMBER: put(out, data, literal->size); return;
    case LM_LITERAL_BINARY:
        put_text(out, "x'");
        for (size_t i = 0; i < literal->size; i++) {
            char digits[3];
            snprintf(digits, sizeof digits, "%02x", (unsigned)(uint8_t)data[i]);
            put(out, digits, 2);
        }
        put(out, "'", 1);
        return;
    case LM_LITERAL_TEXT: break;
    default: put_text(out, words[literal->kind]);
    }
    put_quoted(out, data, literal->size);
}

static const char *sign_of(lm_comparison comparison)
{
    static const char *const signs[] = {" = ", " <> ", " < ", " <= ", " > ", " >= "};
    return signs[comparison];
}

static void put_leaf(printer *out, const lm_expr *expr, bool negated)
{
    put_text(out, expr->columns[0].text);
    const char *not = negated ? " not" : "";
    switch (expr->kind) {
    case LM_EXPR_COMPARE:
        put_text(out, sign_of(expr->comparison));
        put_literal(out, &expr->literals[0]);
        return;
    case LM_EXPR_COLUMNS:
        put_text(out, sign_of(expr->comparison));
        put_text(out, expr->columns[1].text);
        return;
    case LM_EXPR_IS_NULL: put_text(out, negated ? " is not null" : " is null"); return;
    case LM_EXPR_IN:
        put_text(out, not );
        put_text(out, " in (");
        for (size_t i = 0; i < expr->literal_count; i++) {
            if (i > 0) put_text(out, ", ");
            put_literal(out, &expr->literals[i]);
        }
        put(out, ")", 1);
        return;
    case LM_EXPR_BETWEEN:
        put_text(out, not );
        put_text(out, " between ");
        put_literal(out, &expr->literals[0]);
        put_text(out, " and ");
        put_literal(out, &expr->literals[1]);
        return;
    case LM_EXPR_LIKE:
        put_text(out, not );
        put_text(out, " like ");
        put_literal(out, &expr->literals[0]);
        if (!expr->escape) return;
        put_text(out, " escape ");
        put_quoted(out, &expr->escape, 1);
        return;
    default: return;
    }
}

static bool takes_not(const lm_expr *expr)
{
    return expr->kind == LM_EXPR_IS_NULL || expr->kind == LM_EXPR_IN ||
           expr->kind == LM_EXPR_BETWEEN || expr->kind == LM_EXPR_LIKE;
}

static void put_expr(printer *out, const lm_expr *expr, lm_expr_kind above)
{
    bool closed = (expr->kind == LM_EXPR_OR && above != LM_EXPR_CONSTANT) ||
                  (expr->kind == LM_EXPR_AND && (above == LM_EXPR_NOT || above == LM_EXPR_AND));
    if (closed) put(out, "(", 1);
    switch (expr->kind) {
    case LM_EXPR_CONSTANT: put_text(out, expr->value ? "true" : "false"); break;
    case LM_EXPR_AND:
    case LM_EXPR_OR:
        for (size_t i = 0; i < expr->child_count; i++) {
            if (i > 0) put_text(out, expr->kind == LM_EXPR_AND ? " and " : " or ");
            put_expr(out, expr->children[i], expr->kind);
        }
        break;
    case LM_EXPR_NOT:
        if (takes_not(expr->children[0])) {
            put_leaf(out, expr->children[0], true);
        } else {
            put_text(out, "not ");
            put_expr(out, expr->children[0], LM_EXPR_NOT);
        }
        break;
    default: put_leaf(out, expr, false);
    }
    if (closed) put(out, ")", 1);
}

size_t lm_expr_format(const lm_expr *expr, char *text, size_t size)
{
    printer out = {text, size, 0};
    put_expr(&out, expr, LM_EXPR_CONSTANT);
    if (size > 0) text[out.length < size ? out.length : size - 1] = '\0';
    return out.length;
}
