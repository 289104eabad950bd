/*
 * Between canonical.c, which reads columns a few rows at a time, and those that put the rows
 * together: canonical_rows.c and, for VARIANT, canonical_variant.c.
 */
#ifndef LM_PARQUET_CANONICAL_ROWS_H
#define LM_PARQUET_CANONICAL_ROWS_H

#include "parquet/canonical.h"
#include "parquet/read_column.h"

/* A leaf's entries of the rows at hand, and how far they are used up. */
typedef struct lm_canonical_leaf {
    const lm_read_node *node;
    lm_read_spec spec;
    lm_read_scratch *scratch;
    lm_read_column column;
    bool open;
    lm_buffer definitions, repetitions; /* empty where the level is 0 */
    lm_read_vector values;
    size_t entries, at; /* at: the next entry */
    size_t value;       /* the next value */
} lm_canonical_leaf;

typedef struct lm_canonical {
    const lm_allocator *allocator;
    lm_canonical_leaf *leaves;
    size_t rows_at_once; /* found out on the way, by the bytes that they have */
    lm_buffer out;
    lm_sink *sink;
    lm_arena arena;   /* of the variant at hand */
    lm_buffer passed; /* texts that nobody wants */
    lm_error *error;
} lm_canonical;

/* The next row of all leaves, with its line feed. */
LM_MUST_USE lm_status lm__canonical_row(lm_canonical *state, const lm_read_node *root);

/* Steps for canonical_variant.c. */

/* Whether the node, which is OPTIONAL or REPEATED, is there in the next entry. */
LM_MUST_USE lm_status lm__canonical_present(lm_canonical *state, const lm_read_node *node,
                                            bool *present);
/* Passes the one entry that says that the node is not there. */
LM_MUST_USE lm_status lm__canonical_absent(lm_canonical *state, const lm_read_node *node);
/* After an item of a REPEATED node: whether another follows. */
LM_MUST_USE lm_status lm__canonical_again(lm_canonical *state, const lm_read_node *node,
                                          bool *again);
/* Takes the next value of a leaf that is there; the bytes live until the next row. */
LM_MUST_USE lm_status lm__canonical_take(lm_canonical *state, const lm_read_node *node,
                                         lm_bytes *value);
/* The text of a node of any shape, its own OPTIONAL or REPEATED counted in, appended to `out`. */
LM_MUST_USE lm_status lm__canonical_field(lm_canonical *state, const lm_read_node *node,
                                          lm_buffer *out);
/* A failure to append, told. */
lm_status lm__canonical_full(lm_canonical *state, lm_status status);

/* canonical_variant.c: the text of a VARIANT group that is there. */
LM_MUST_USE lm_status lm__canonical_variant(lm_canonical *state, const lm_read_node *node,
                                            lm_buffer *out);

#endif
