/*
 * From levels to Arrow's nesting: which slots lists and structs have, where lists begin, what is
 * null (parquet-format, "Nested Encoding").
 *
 * Invariants
 *  1. What is appended for a block of entries depends on the entries before it only by the counts
 *     so far: blocks of any size give the same.
 *  2. A list's items are counted by its owner alone; whether its other leaves have as many is for
 *     the assembly to check (read_batch.c).
 */
#ifndef LM_PARQUET_READ_NEST_H
#define LM_PARQUET_READ_NEST_H

#include "parquet/read_arrow.h"
#include "parquet/read_column.h"

/* The slots of one list or struct, growing. */
typedef struct lm_read_group {
    const lm_allocator *allocator;
    const lm_read_field *field;
    size_t slots, capacity, expected, nulls;
    lm_read_slab *slab; /* may be NULL */
    lm_read_buffer offsets_buffer;
    int32_t *offsets; /* ITEMS: slots of them, and room for one more */
    uint8_t *validity;
    size_t items;  /* ITEMS */
    bool overflow; /* more items than 32 bits count: the status is LM_LIMIT */
} lm_read_group;

void lm__read_group_init(lm_read_group *group, const lm_allocator *allocator,
                         const lm_read_field *field);
void lm__read_group_deinit(lm_read_group *group);
/* Takes up a block of the owner's entries. */
LM_MUST_USE lm_status lm__read_group_add(lm_read_group *group, const lm_read_block *block,
                                         lm_error *error);
/* Closes the last list. */
LM_MUST_USE lm_status lm__read_group_end(lm_read_group *group, lm_error *error);

/* Of a leaf: appends the validity of a block's slots to the vector, from vector->count on (it is
 * nullable and has room), and says how many they are. */
void lm__read_leaf_slots(const lm_read_field *field, const lm_read_block *block,
                         lm_read_vector *vector, size_t *slots);

#endif
