/*
 * One part on its way: rows to a Parquet file that nobody sees, sealed, and put in place under a
 * name of its own. The log does not know it yet, so to its readers it is not there.
 *
 * Invariants
 *  1. After _finish the part and its directory are as durable as was asked, and what is told of it
 *     is what is in it.
 *  2. _abort leaves nothing behind. A part that was finished and is not wanted is removed by
 *     lm__part_remove.
 *
 * One thread at a time; different parts from different threads.
 */
#ifndef LM_TABLE_PART_WRITER_H
#define LM_TABLE_PART_WRITER_H

#include "parquet/writer.h"
#include "store/store.h"
#include "table/part_stats.h"

/* What all parts of an append share. */
typedef struct lm_part_plan {
    lm_store *store;
    const lm_allocator *allocator;
    const char *table; /* the table's directory */
    lm_schema *schema; /* of the batches: what is stored */
    lm_parquet_options parquet;
    lm_durability durability;
    lm_checksum_kind checksum;
    int64_t stats_columns; /* of the log's statistics; negative: all */
    const char *tick;      /* NULL: none */
    lm_cancel *cancel;
} lm_part_plan;

/* A part that is in place. */
typedef struct lm_part_done {
    uint32_t slot;
    char *path;  /* relative to the table; with `stats` of the allocator */
    char *stats; /* JSON */
    int64_t rows, mtime_ms;
    uint64_t bytes;
    char checksum[LM_CHECKSUM_TEXT_MAX];
    lm_part_ticks ticks;
} lm_part_done;

void lm__part_done_deinit(const lm_part_plan *plan, lm_part_done *done);

typedef struct lm_part_writer lm_part_writer;

/* In `directory`, relative to the table; "" is the table's own. */
LM_MUST_USE lm_status lm__part_open(const lm_part_plan *plan, const char *directory,
                                    lm_part_writer **part, lm_error *error);
/* The batches become row groups, by the pool's threads (NULL: by this one). */
LM_MUST_USE lm_status lm__part_write(lm_part_writer *part, lm_batch *const *batches, size_t count,
                                     lm_pool *pool, lm_error *error);
/* Bytes in the file so far. */
uint64_t lm__part_bytes(const lm_part_writer *part);
/* Ends the file, seals it and puts it in place; fills `done`, its slot aside, which must be given
 * back on failure too. Frees the part. Where it is not sure that the part is not there `done` has
 * its path. */
LM_MUST_USE lm_status lm__part_finish(lm_part_writer *part, lm_part_done *done, lm_error *error);
/* The same in two steps: the file ends, and `done` is filled, unless only the second step can tell
 * of it (*ended); then it becomes durable, is put in place, and frees the part. `done` may be NULL
 * there where it was filled. */
LM_MUST_USE lm_status lm__part_end(lm_part_writer *part, lm_part_done *done, bool *ended,
                                   lm_error *error);
LM_MUST_USE lm_status lm__part_place(lm_part_writer *part, lm_part_done *done, lm_error *error);
void lm__part_abort(lm_part_writer *part); /* takes NULL */
/* As far as it can be. */
void lm__part_remove(const lm_part_plan *plan, const lm_part_done *done);

#endif
