/*
 * The schema of merged files: those of all of them, joined by the names of columns, as elements of
 * Parquet and not as types of Arrow, so that chunks can be carried over as they are.
 *
 * What is inside lists and maps goes by place. A leaf goes with another of the same physical type
 * and meaning, whether the footer says it by a logical or by a converted type; one of the null type
 * (UNKNOWN), being null in every row, goes with any. What only some files have must be OPTIONAL or
 * REPEATED.
 *
 * Invariants
 *  1. A node's levels, physical type and meaning are the same in every file that has it as more
 *     than nulls.
 *  2. Children stand as in the first file; those that came later behind them.
 *  3. Errors name both files and the column, and say whether --rewrite helps.
 */
#ifndef LM_PARQUET_MERGE_SCHEMA_H
#define LM_PARQUET_MERGE_SCHEMA_H

#include "parquet/reader.h"

typedef struct lm_merge_node lm_merge_node;
struct lm_merge_node {
    lm_schema_element element; /* in the arena */
    lm_read_node like;         /* as the first file had it; its element is the one above, and its
                                  pointers to other nodes lead nowhere */
    bool item_is_child;        /* LIST */
    lm_merge_node *parent, *first, *last, *next;
    size_t n_children;
    uint32_t leaf_first, leaf_count; /* once laid out */
    size_t seen;                     /* the last file that had it, counted from 1 */
    const char *from;                /* the first one that had it */
    /* leaves: the order of bounds, and the file that settled it; NULL: none has bounds yet */
    int32_t order;
    const char *order_from;
    const struct lm_field *arrow; /* columns: what ARROW:schema says; merge_pairs.c */
};

typedef struct lm_merge_schema {
    lm_arena *arena;
    size_t files; /* joined so far */
    lm_merge_node *root;
    bool unique;     /* names were looked through */
    lm_buffer first; /* the first file's elements, as bytes */
    lm_buffer other; /* room for another's */
    lm_merge_node **first_leaves;
    /* once laid out */
    lm_merge_node **leaves;
    size_t leaf_count;
    lm_schema_element *elements;
    size_t element_count;
    lm_bytes_list *paths; /* of leaves */
} lm_merge_schema;

void lm__merge_schema_init(lm_merge_schema *schema, const lm_allocator *allocator, lm_arena *arena);
void lm__merge_schema_deinit(lm_merge_schema *schema);
/* One more file, of that name, which stays. `leaves` has room for one node of each of its leaves.
 * *widened: it lacks some columns of those before it. LM_SCHEMA where it does not fit. */
LM_MUST_USE lm_status lm__merge_join(lm_merge_schema *schema, const lm_parquet_reader *reader,
                                     const char *name, lm_merge_node **leaves, lm_error *error);
/* After the last one: numbers the leaves. */
LM_MUST_USE lm_status lm__merge_lay_out(lm_merge_schema *schema, lm_error *error);

/* Where the leaves of a file are found again. */
typedef struct lm_merge_place {
    int64_t leaf;              /* of the file; -1: it has none */
    const lm_read_node *above; /* where there is none: the deepest group around it that there is */
} lm_merge_place;
/* `places` has room for all leaves of the schema. The file is one of those joined: LM_CONFLICT
 * where it is not. */
LM_MUST_USE lm_status lm__merge_places(const lm_merge_schema *schema,
                                       const lm_parquet_reader *reader, lm_merge_place *places,
                                       lm_error *error);

/* The node's dotted path, printable; returns `text`. */
const char *lm__merge_path(const lm_merge_node *node, char text[LM_READ_PATH_MAX]);
/* Do the two hold the same values in the same bytes? */
bool lm__merge_alike(const lm_read_node *a, const lm_read_node *b);

#endif
