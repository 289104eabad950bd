/*
 * Conditions on rows: an expression over columns, made in C or read from text, bound to a schema,
 * and then a filter of batches and streams. docs/expressions.md tells the text form, what becomes
 * of nulls and NaNs, and what readers make of an expression before they have read a row.
 *
 *     LM_TRY(lm_expr_parse(NULL, text, strlen(text), &expr, error));
 *     LM_TRY(lm_expr_bind(expr, schema, &filter, error));         // columns and types are settled
 *     LM_TRY(lm_filter_stream_take(filter, &stream, &fewer, error));
 *
 * A column is named as the text form has it: a path of fields of nested structs, joined by dots; a
 * name that is no word of letters, digits and underscores stands in double quotes or backticks.
 */
#ifndef LAMELLA_EXPR_H
#define LAMELLA_EXPR_H

#include <lamella/arrow.h>
#include <lamella/base.h>

/* Never changes once made; counted, so that it may be part of several and shared by threads. */
typedef struct lm_expr lm_expr;

typedef enum lm_comparison {
    LM_EQUAL,
    LM_NOT_EQUAL,
    LM_LESS,
    LM_LESS_EQUAL,
    LM_GREATER,
    LM_GREATER_EQUAL,
} lm_comparison;

typedef enum lm_literal_kind {
    LM_LITERAL_NULL,
    LM_LITERAL_BOOL,      /* integer: 0 or 1 */
    LM_LITERAL_INT,       /* integer */
    LM_LITERAL_DOUBLE,    /* real: the shortest decimal number that reads back as it */
    LM_LITERAL_NUMBER,    /* data: [+-]digits[.digits][e[+-]digits] */
    LM_LITERAL_TEXT,      /* data: UTF-8, converted to the column's type */
    LM_LITERAL_BINARY,    /* data */
    LM_LITERAL_DATE,      /* data: "2024-01-31" */
    LM_LITERAL_TIME,      /* data: "12:34:56.789" */
    LM_LITERAL_TIMESTAMP, /* data: "2024-01-31 12:34:56.789", a zone after it or none */
    LM_LITERAL_DURATION,  /* data: "90s"; units are d, h, m, s, ms, us and ns */
} lm_literal_kind;

/* `data` is borrowed for the call. */
typedef struct lm_literal {
    lm_literal_kind kind;
    int64_t integer;
    double real;
    const void *data;
    size_t size;
} lm_literal;

/* The text form. LM_INVALID tells the place and what is wrong there. */
LM_API LM_MUST_USE lm_status lm_expr_parse(const lm_allocator *allocator, const char *text,
                                           size_t size, lm_expr **expr, lm_error *error);
/* Writes the text form, cut to `size` and always terminated; returns the length of the whole, as
 * snprintf does. What is printed parses to an expression that prints the same. */
LM_API size_t lm_expr_format(const lm_expr *expr, char *text, size_t size);
LM_API lm_expr *lm_expr_ref(lm_expr *expr);
/* Gives one reference back; takes NULL. */
LM_API void lm_expr_free(lm_expr *expr);

LM_API LM_MUST_USE lm_status lm_expr_constant(const lm_allocator *allocator, bool value,
                                              lm_expr **expr, lm_error *error);
/* column <comparison> value */
LM_API LM_MUST_USE lm_status lm_expr_compare(const lm_allocator *allocator, const char *column,
                                             lm_comparison comparison, const lm_literal *value,
                                             lm_expr **expr, lm_error *error);
/* left <comparison> right, both columns */
LM_API LM_MUST_USE lm_status lm_expr_compare_columns(const lm_allocator *allocator,
                                                     const char *left, lm_comparison comparison,
                                                     const char *right, lm_expr **expr,
                                                     lm_error *error);
LM_API LM_MUST_USE lm_status lm_expr_in(const lm_allocator *allocator, const char *column,
                                        const lm_literal *values, size_t count, lm_expr **expr,
                                        lm_error *error);
/* low <= column <= high */
LM_API LM_MUST_USE lm_status lm_expr_between(const lm_allocator *allocator, const char *column,
                                             const lm_literal *low, const lm_literal *high,
                                             lm_expr **expr, lm_error *error);
LM_API LM_MUST_USE lm_status lm_expr_is_null(const lm_allocator *allocator, const char *column,
                                             lm_expr **expr, lm_error *error);
/* SQL's pattern: % is any text, _ any character; `escape` (0: none) before one of them, or before
 * itself, stands for it as it is. */
LM_API LM_MUST_USE lm_status lm_expr_like(const lm_allocator *allocator, const char *column,
                                          const char *pattern, size_t size, char escape,
                                          lm_expr **expr, lm_error *error);
/* Of any number of expressions, each of which gets one more reference: without any it is true, and
 * false. */
LM_API LM_MUST_USE lm_status lm_expr_and(const lm_allocator *allocator, lm_expr *const *parts,
                                         size_t count, lm_expr **expr, lm_error *error);
LM_API LM_MUST_USE lm_status lm_expr_or(const lm_allocator *allocator, lm_expr *const *parts,
                                        size_t count, lm_expr **expr, lm_error *error);
LM_API LM_MUST_USE lm_status lm_expr_not(const lm_allocator *allocator, lm_expr *part,
                                         lm_expr **expr, lm_error *error);

/* How many columns the expression names, each path once, and their names as the text form has them;
 * they live as long as the expression. */
LM_API size_t lm_expr_columns(const lm_expr *expr);
LM_API const char *lm_expr_column(const lm_expr *expr, size_t i);

/* An expression whose columns and literals have been settled for a schema. Never changes; may be
 * used by several threads at once. */
typedef struct lm_filter lm_filter;

/* LM_SCHEMA for a column that is not there or that the literal cannot be compared with: it is
 * named. Keeps a reference on the schema; the expression is not needed afterwards. */
LM_API LM_MUST_USE lm_status lm_expr_bind(const lm_allocator *allocator, const lm_expr *expr,
                                          lm_schema *schema, lm_filter **filter, lm_error *error);
LM_API void lm_filter_free(lm_filter *filter); /* takes NULL */
/* Which rows of the array, a struct of the schema's columns, the filter selects: those for which it
 * is true, neither false nor null. `bits` gets one a row, lowest first, in whole bytes; *count how
 * many are set. The array is borrowed, and checked as one from outside. */
LM_API LM_MUST_USE lm_status lm_filter_select(const lm_filter *filter,
                                              const struct ArrowArray *array, uint8_t *bits,
                                              int64_t *count, lm_error *error);
/* The stream's rows that the expression selects, in its schema; batches without any are left out.
 */
LM_API LM_MUST_USE lm_status lm_filter_stream_take(const lm_allocator *allocator,
                                                   struct ArrowArrayStream *source,
                                                   const lm_expr *expr,
                                                   struct ArrowArrayStream *out, lm_error *error);

#endif
