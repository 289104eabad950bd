/*
 * Which partition each row belongs to: buckets, parts of dates, values of columns.
 *
 * Where it stands: between the cast of an append's batches and its parts. Each partition that was
 * seen has a number, its *slot*, from 0 on.
 *
 * Invariants
 *  1. A row's slot depends on the row alone; a partition has one slot.
 *  2. A bucket is floor(source / size), for negative numbers too; a null stays a null.
 *  3. A partition column that was given and is computed has in each row what was computed, or the
 *     first row that has not is LM_DATA with both values.
 *  4. Directories are names that every file system takes: what is no letter, digit, `.`, `_` or `-`
 *     is percent-encoded (bytes beyond ASCII are left as they are).
 */
#ifndef LM_TABLE_ROUTE_H
#define LM_TABLE_ROUTE_H

#include "arrow/batch.h"
#include "base/buffer.h"
#include "table/descriptor.h"

typedef struct lm_route_column {
    lm_partition_kind kind;
    const char *name;
    const lm_field *field; /* of the partition column, as it is stored */
    int32_t source;        /* in the batches */
    int32_t given;         /* where it is computed and given all the same; else -1 */
    int64_t size;          /* BUCKET */
} lm_route_column;

typedef struct lm_slot_key {
    int64_t code;
    bool is_null;
} lm_slot_key;

typedef struct lm_slot {
    const lm_slot_key *keys; /* one for each partition column */
    const char *directory;   /* "bucket=42/venue=oslo"; "" without partitions */
    const char **values;     /* as Delta has them; NULL is null */
} lm_slot;

typedef struct lm_route lm_route;

#define LM_HIVE_NULL "__HIVE_DEFAULT_PARTITION__"

/* Borrows what the columns point to. */
LM_MUST_USE lm_status lm__route_new(const lm_allocator *allocator, const lm_route_column *columns,
                                    size_t count, lm_route **route, lm_error *error);
void lm__route_free(lm_route *route); /* takes NULL */
/* The slot of each row, into `slots`; first_row is added to the numbers in messages. */
LM_MUST_USE lm_status lm__route_rows(lm_route *route, const lm_batch *batch, int64_t first_row,
                                     uint32_t *slots, lm_error *error);
size_t lm__route_count(const lm_route *route);
/* Valid as long as the route. */
const lm_slot *lm__route_slot(const lm_route *route, size_t slot);

/* A part of a partition's directory, percent-encoded. Fails without a message. */
LM_MUST_USE lm_status lm__hive_encode(lm_buffer *out, const char *text, size_t size);

#endif
