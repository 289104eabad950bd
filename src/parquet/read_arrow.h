/*
 * What a Parquet file is in Arrow: for each column a field, and for each leaf how its values and
 * levels become Arrow's buffers.
 *
 * Types are those that were written, where the footer has Arrow's schema and it fits the Parquet
 * one; else they follow from the annotations. Stands between the Parquet schema (read_schema.h) and
 * the decoding of row groups (read_rows.h).
 *
 * Invariants
 *  1. A plan does not change once made, and is shared by all the jobs of a stream.
 *  2. A field of kind LIST or STRUCT is built by the levels of one leaf, its owner: the first
 *     below it that is read.
 *  3. Written types are taken only where every value of the Parquet type has its place in them, or
 *     where a value that has none is told (LM_DATA).
 *  4. Lists of groups without columns, of which a file stores nothing, are no columns here.
 */
#ifndef LM_PARQUET_READ_ARROW_H
#define LM_PARQUET_READ_ARROW_H

#include "arrow/schema.h"
#include "parquet/read_convert.h"
#include "parquet/reader.h"

typedef enum lm_read_kind {
    LM_READ_VALUES,
    LM_READ_STRUCT,
    LM_READ_ITEMS, /* lists of all kinds, and maps */
} lm_read_kind;

#define LM_READ_NO_LEAF UINT32_MAX

typedef struct lm_read_field lm_read_field;
struct lm_read_field {
    lm_field *field;
    const lm_read_node *node; /* the leaf or group; of a bare REPEATED node's list the node too */
    lm_read_kind kind;
    lm_read_field *children;
    int32_t n_children;
    uint32_t owner; /* in plan->leaves; LM_READ_NO_LEAF for a struct without columns */
    /* Levels. An entry has a slot in this field when its repetition level is at most `context` and
     * its definition level at least `slot`; the slot is no null when that is at least `valid`. */
    uint8_t context, slot, valid;
    /* ITEMS: the list has an item when the definition level is at least `item`; its items continue
     * at `repetition`. */
    uint8_t item, repetition;
    /* VALUES */
    lm_read_spec spec;
};

typedef struct lm_read_leaf {
    const lm_read_node *node;
    const lm_read_field *field;
    const lm_read_field **owned; /* from the outermost */
    uint32_t owned_count;
} lm_read_leaf;

typedef struct lm_read_plan {
    lm_arena arena;
    lm_schema *schema;
    lm_read_field *columns;
    int32_t n_columns;
    lm_read_leaf *leaves;
    uint32_t leaf_count;
} lm_read_plan;

/* LM_INVALID for a path that names nothing, LM_SCHEMA for what Arrow cannot hold. */
LM_MUST_USE lm_status lm__read_plan_make(const lm_parquet_reader *reader,
                                         const lm_parquet_read_options *options, lm_read_plan *plan,
                                         lm_error *error);
/* The same with the leaves that are wanted, one a column of the file, instead of the paths of the
 * options; columns come as the file has them. */
LM_MUST_USE lm_status lm__read_plan_make_leaves(const lm_parquet_reader *reader,
                                                const lm_parquet_read_options *options,
                                                const bool *wanted, lm_read_plan *plan,
                                                lm_error *error);
void lm__read_plan_deinit(lm_read_plan *plan);

/* Does the field hold a bitmap, by its levels and its type? Fixed lists do to know what has no
 * items: what is beneath a null. */
static inline bool lm__read_has_validity(const lm_read_field *field)
{
    bool wanted = field->field->nullable || field->field->type.id == LM_TYPE_FIXED_LIST;
    return wanted && field->valid > field->slot;
}

/* Steps of the making. */

/* read_types.c: the Arrow type of a leaf by its annotation, and the spec for it. */
void lm__read_leaf_type(const lm_read_node *leaf, int int96_per_second, lm_read_field *out);
/* read_written.c: takes over what was written, as far as it fits. */
LM_MUST_USE lm_status lm__read_apply_written(lm_arena *arena, lm_read_field *field,
                                             const lm_field *written, bool is_dictionary_kept,
                                             lm_error *error);
/* A column of values becomes one of indices into them. */
LM_MUST_USE lm_status lm__read_become_dictionary(lm_arena *arena, lm_read_field *field,
                                                 const lm_type *type, lm_error *error);
/* Arrow's schema in the footer: *schema is NULL where there is none that can be read. */
LM_MUST_USE lm_status lm__read_written_schema(const lm_parquet_reader *reader, lm_schema **schema,
                                              lm_error *error);
/* read_select.c: which leaves of the file are wanted; `order` gets for each column the place in
 * which it was asked for. */
LM_MUST_USE lm_status lm__read_select(const lm_parquet_reader *reader,
                                      const lm_parquet_read_options *options,
                                      const lm_read_plan *plan, lm_arena *arena, bool *wanted,
                                      size_t *order, lm_error *error);

#endif
