/*
 * Expressions as trees of counted nodes: what builders (expr.c) and the parser (expr_parse.c) make,
 * the printer (expr_format.c) prints and binding (filter_bind.c) reads.
 *
 * Invariants
 *  1. A node never changes once made; its children are nodes, counted.
 *  2. Depth and number of nodes, literals counted, are within LM_EXPR_DEPTH_MAX and
 *     LM_EXPR_NODES_MAX, so whoever walks a tree may recurse.
 *  3. Numbers are [+-]digits[.digits][e[+-]digits]; texts are UTF-8; paths have at least one part.
 */
#ifndef LM_ARROW_EXPR_H
#define LM_ARROW_EXPR_H

#include <lamella/expr.h>

#include "base/arena.h"

typedef enum lm_expr_kind {
    LM_EXPR_CONSTANT,
    LM_EXPR_COMPARE, /* columns[0] comparison literals[0] */
    LM_EXPR_COLUMNS, /* columns[0] comparison columns[1] */
    LM_EXPR_IN,
    LM_EXPR_BETWEEN, /* two literals */
    LM_EXPR_IS_NULL,
    LM_EXPR_LIKE,  /* one literal; escape */
    LM_EXPR_TRUTH, /* columns[0] alone: a boolean */
    LM_EXPR_AND,
    LM_EXPR_OR,
    LM_EXPR_NOT,
} lm_expr_kind;

/* A path: its names, each NUL-terminated, and the whole as the text form has it. */
typedef struct lm_expr_path {
    const char **parts;
    size_t count;
    const char *text;
} lm_expr_path;

struct lm_expr {
    atomic_size_t references;
    lm_arena arena; /* of what the node points to, and of the list of paths */
    const lm_allocator *allocator;
    lm_expr_kind kind;
    bool value;  /* CONSTANT */
    char escape; /* LIKE */
    lm_comparison comparison;
    lm_expr_path columns[2];
    const lm_literal *literals; /* never of kind INT or DOUBLE */
    size_t literal_count;
    lm_expr **children;
    size_t child_count;
    size_t depth, nodes;
    const char **names; /* lm_expr_column: of the whole tree */
    size_t name_count;
};

/* What the builders of leaves are made of; columns in the text form. */
typedef struct lm_expr_leaf {
    lm_expr_kind kind;
    lm_comparison comparison;
    char escape;
    const char *column, *other;
    const lm_literal *literals;
    size_t literal_count;
} lm_expr_leaf;
LM_MUST_USE lm_status lm__expr_leaf(const lm_allocator *allocator, const lm_expr_leaf *leaf,
                                    lm_expr **expr, lm_error *error);

/* Reads a path from text[0, size); *taken is its length, without what follows. LM_INVALID without a
 * message where there is none, and *why says it; LM_NO_MEMORY without one too. */
LM_MUST_USE lm_status lm__expr_path_read(lm_arena *arena, const char *text, size_t size,
                                         lm_expr_path *path, size_t *taken, const char **why);
/* Words that cannot be a path's first part without quotes. */
bool lm__expr_is_reserved(const char *word, size_t size);
/* How much of the text is a number as invariant 3 has it; 0: nothing. */
size_t lm__expr_number_size(const char *text, size_t size);

#endif
