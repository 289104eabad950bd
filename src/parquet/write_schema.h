/*
 * From an Arrow schema to Parquet's: the tree of schema elements for the footer, and for each leaf
 * (a column of the file) how its values get there.
 *
 * Stands between arrow/schema.h and the chunk writer. LogicalTypes.md says which annotation goes
 * with what.
 *
 * Invariants
 *  1. Leaves come in the order of the schema elements, which is the order of the fields.
 *  2. definition levels: +1 for each nullable step and each list; repetition levels: +1 for each
 * list.
 *  3. A map's entries and keys are required; everything else is as nullable as Arrow says.
 */
#ifndef LM_PARQUET_WRITE_SCHEMA_H
#define LM_PARQUET_WRITE_SCHEMA_H

#include <lamella/parquet.h>

#include "arrow/schema.h"
#include "parquet/metadata.h"

/* How a leaf's values get from Arrow's memory to Parquet's. */
typedef enum lm_leaf_store {
    LM_STORE_NOTHING, /* the null type */
    LM_STORE_BITS,
    LM_STORE_FIXED, /* as they lie: 4, 8 or any fixed width */
    LM_STORE_WIDEN, /* 1 and 2 byte integers as INT32 */
    LM_STORE_STRINGS,
    LM_STORE_CONVERT, /* made anew, then FIXED: see convert.c */
} lm_leaf_store;

/* How statistics compare (parquet.thrift, ColumnOrder). */
typedef enum lm_leaf_order {
    LM_ORDER_NONE, /* no order is defined: no bounds */
    LM_ORDER_BOOL,
    LM_ORDER_SIGNED,
    LM_ORDER_UNSIGNED,
    LM_ORDER_FLOAT,
    LM_ORDER_FLOAT16,
    LM_ORDER_BYTES,     /* unsigned, lexicographic */
    LM_ORDER_SIGNED_BE, /* big-endian two's complement */
    /* Never written: */
    LM_ORDER_TIME96, /* 12 bytes, little-endian two's complement */
    LM_ORDER_INT96,  /* the day, then the nanoseconds, both signed */
} lm_leaf_order;

/* One step from a column down to a leaf. The first step is the column itself. */
typedef struct lm_leaf_step {
    const lm_field *field;
    int32_t child;      /* which child of the step before; for the first, which column */
    bool optional;      /* a definition level for being valid */
    bool repeated;      /* a list or a map: a definition and a repetition level more */
    uint8_t definition; /* levels when the value of this step is valid, its items aside */
} lm_leaf_step;

typedef struct lm_leaf {
    const lm_leaf_step *steps;
    size_t step_count;
    const lm_field *field;  /* the leaf's, as Arrow has it */
    const lm_field *value;  /* the same, or a dictionary's values */
    const char *path;       /* dotted, Parquet's names */
    const char *arrow_path; /* dotted, Arrow's names */
    lm_bytes_list path_in_schema;
    int32_t element;     /* index in the schema elements */
    int32_t physical;    /* lm_parquet_type */
    size_t width;        /* of a physical value; 0 for BYTE_ARRAY and BOOLEAN */
    size_t memory_width; /* of a value in Arrow's memory, where FIXED or WIDEN */
    lm_leaf_store store;
    lm_leaf_order order;
    bool is_signed; /* WIDEN */
    bool text;      /* UTF-8 */
    uint8_t definition_max, repetition_max;
    /* options, settled */
    lm_encoding encoding;
    lm_codec codec;
    int level;
    bool dictionary, statistics, bloom;
    double bloom_false_share;
    int64_t bloom_distinct;
} lm_leaf;

typedef struct lm_write_schema {
    lm_schema_element *elements;
    size_t element_count;
    lm_leaf *leaves;
    size_t leaf_count;
} lm_write_schema;

/* Everything lives in the arena; `schema` must live as long. Refuses what Parquet cannot hold, and
 * options that name no column or do not fit its type, with the column's path. */
LM_MUST_USE lm_status lm__write_schema_make(lm_arena *arena, const lm_schema *schema,
                                            const lm_parquet_options *options, lm_write_schema *out,
                                            lm_error *error);

#endif
