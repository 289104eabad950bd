/*
 * The tree of a Parquet schema: nodes with their levels, the shapes of lists and maps by the rules
 * of LogicalTypes.md, and what the values of each leaf mean.
 *
 * Stands between the footer (metadata.h) and all that reads columns: the Arrow side
 * (read_arrow.h) and the canonical text (canonical.h) both walk it.
 *
 * Invariants
 *  1. Children and leaves stand in the order of the schema's elements; leaf i of the tree is column
 *     i of every row group.
 *  2. definition and repetition of a node count it in: a node is there where an entry's definition
 *     level is at least node->definition, and a REPEATED node's items are told by
 *     node->repetition.
 *  3. A node of shape LIST has exactly one child, and that is REPEATED; of shape MAP the same, and
 *     the child is a group of one or two.
 *  4. Annotations that the physical type cannot carry are gone (NONE), except where the bytes would
 *     be misread: an integer, date or time on a type of another width is LM_CORRUPT, but for the
 *     TIMESTAMP of fixed bytes, which are 12 or bytes.
 *  5. A physical type or repetition that is not known spoils no other column: the leaves that it
 *     concerns are `unreadable`, and opening one of their chunks is refused (read_column.h).
 */
#ifndef LM_PARQUET_READ_SCHEMA_H
#define LM_PARQUET_READ_SCHEMA_H

#include "parquet/metadata.h"

typedef enum lm_read_shape {
    LM_READ_GROUP,
    LM_READ_LEAF,
    LM_READ_LIST,
    LM_READ_MAP,
    LM_READ_VARIANT,
} lm_read_shape;

/* What a leaf's values are, whether the footer says it the old way or the new one. */
typedef enum lm_read_meaning {
    LM_MEANS_NOTHING, /* the physical type itself */
    LM_MEANS_STRING,
    LM_MEANS_ENUM,
    LM_MEANS_JSON,
    LM_MEANS_BSON,
    LM_MEANS_UUID,
    LM_MEANS_FLOAT16,
    LM_MEANS_DECIMAL,
    LM_MEANS_DATE,
    LM_MEANS_TIME,
    LM_MEANS_TIMESTAMP,
    LM_MEANS_INTEGER,
    LM_MEANS_INTERVAL,
    LM_MEANS_NULL,
    LM_MEANS_GEOMETRY,
    LM_MEANS_GEOGRAPHY,
} lm_read_meaning;

typedef struct lm_read_node lm_read_node;
struct lm_read_node {
    const lm_schema_element *element;
    lm_read_node *parent; /* NULL at the root */
    lm_read_node *children;
    size_t n_children;
    const lm_read_node *item;        /* LIST: the element; children[0] itself or its only child */
    const lm_read_node *key, *value; /* MAP: value NULL when there is none */
    lm_read_shape shape;
    int32_t mode; /* lm_parquet_repetition; the root counts as REQUIRED */
    uint8_t definition, repetition;
    uint32_t leaf_first, leaf_count; /* the leaves at and below */
    bool unreadable;                 /* its repetition, one above it or a leaf's type is unknown */
    /* leaves */
    int32_t physical;
    uint32_t width; /* bytes of a value; 0 for BYTE_ARRAY and BOOLEAN */
    lm_read_meaning meaning;
    int32_t unit;             /* TIME, TIMESTAMP: lm_parquet_time_unit */
    int32_t scale, precision; /* DECIMAL */
    bool utc;                 /* TIME, TIMESTAMP */
    bool is_signed;           /* INTEGER */
    uint8_t bits;             /* INTEGER */
};

typedef struct lm_read_schema {
    lm_read_node *root;
    lm_read_node **leaves;
    uint32_t leaf_count;
} lm_read_schema;

/* Makes the tree in the arena, of a footer that lm__footer_read has checked. LM_CORRUPT for what is
 * no schema, LM_NO_MEMORY. */
LM_MUST_USE lm_status lm__read_schema_make(lm_arena *arena, const lm_file_metadata *metadata,
                                           lm_read_schema *out, lm_error *error);

/* A list, or group of none but such, that has no leaves: nothing is stored of it. */
bool lm__read_is_nowhere(const lm_read_node *node);
/* LM_UNSUPPORTED for a leaf that is unreadable, with what is not known. */
LM_MUST_USE lm_status lm__read_check_leaf(const lm_read_node *leaf, lm_error *error);

/* The node's dotted path for messages, printable, cut where it is too long; returns `text`. */
#define LM_READ_PATH_MAX 256
const char *lm__read_path(const lm_read_node *node, char text[LM_READ_PATH_MAX]);

/* The child of that name, or NULL. */
const lm_read_node *lm__read_child(const lm_read_node *node, const char *name, size_t size);

#endif
