/*
 * An append on its way: what the table is, what the rows are made to be, which parts they go to,
 * and the entry of the log that makes the parts the table's.
 *
 *     plan      append_plan.c    descriptor against table; schemas of rows, table and parts
 *     begin     begin.c          of a new table: a mark, for whoever looks before the entry is
 * there rows      append_rows.c    batches are cast, checked and scattered over partitions; buffers
 *                                become row groups and parts, side by side
 *     commit    append_commit.c  one entry of the log; what other writers did in between
 *     summary   append_summary.c of this append, or of the one before that was the same
 *
 * Invariants
 *  1. No entry can be seen before every part is as durable as was asked, its directory too.
 *  2. After any failure but LM_UNKNOWN_DURABILITY and LM_UNKNOWN_OUTCOME the table is as it was,
 * and the parts that were made are gone, as far as they could be removed; the others no log knows,
 *     and vacuum finds them.
 *  3. Rows that wait take at most memory_bytes_max, what one batch brings aside; no more than
 *     open_parts_max parts are open. When there is too much, the largest buffers become row groups.
 *     When too many parts are open, the one that was written to longest ago is closed, since rows
 *     mostly come in the order of their ticks; a partition that gets rows again begins another.
 */
#ifndef LM_TABLE_APPEND_H
#define LM_TABLE_APPEND_H

#include "arrow/cast.h"
#include "table/commit.h"
#include "table/descriptor.h"
#include "table/part_writer.h"
#include "table/route.h"
#include "table/row_rules.h"
#include "table/sort.h"

#define LM_TABLE_DESCRIPTOR_KEY "lamella.descriptor" /* of the table's configuration */
#define LM_TABLE_BUCKET_SIZE_KEY "lamella.tick_bucket_size"
#define LM_TABLE_TAG_CHECKSUM "lamella.checksum" /* of a part's tags */
#define LM_TABLE_TAG_RUN "lamella.run_id"
#define LM_TABLE_TAG_BATCH "lamella.batch"

/* A partition that has got rows. */
typedef struct lm_append_slot {
    lm_batch **pending;
    size_t count, capacity;
    int64_t rows;
    size_t bytes; /* of the pending rows, as Arrow has them */
    lm_part_writer *part;
    uint64_t used; /* when it was written to */
} lm_append_slot;

typedef struct lm_append {
    const lm_table_options *options;
    const lm_allocator *allocator;
    const char *table, *run_id;
    lm_arena arena;
    lm_store *store;
    const char *root;      /* as the store has it */
    const char *directory; /* the table's */
    const char *batch_app; /* "run/batch": the application of batches in any order */
    lm_table_log log;
    bool has_log;
    lm_snapshot *base; /* NULL: there is no table yet */
    lm_error *error;

    /* The plan. */
    lm_table_descriptor *descriptor; /* that the caller goes by */
    lm_table_descriptor *known;      /* the table's own; NULL: none */
    int64_t bucket_size;
    lm_schema *stored;     /* the table's columns once the append is there */
    bool changes_metadata; /* of a table that is there */
    bool widens_protocol;  /* and its protocol, for timestamps without a zone */

    /* The rows. */
    lm_schema *rows;  /* as the batches are cast */
    lm_schema *parts; /* without the partition columns */
    lm_cast *cast, *part_cast;
    lm_route_column *route_columns;
    lm_route *route;
    lm_row_rules *rules;
    lm_sort_key sorts[LM_TABLE_KEY_COLUMNS_MAX];
    int64_t row_count;
    lm_append_slot *slots;
    size_t slot_capacity;
    uint32_t *row_slots, *row_order; /* of a batch */
    size_t row_capacity;
    size_t bytes;   /* pending, in all slots */
    uint32_t *open; /* slots with an open part */
    size_t open_count;
    uint64_t clock;
    lm_pool *pool;
    lm_part_plan part_plan;
    lm_part_done *done;
    size_t done_count, done_capacity;
    /* Parts of a small append, in `done` already, that are put in place while the entry is made
     * durable. */
    lm_part_writer *late[LM_TABLE_LATE_PARTS];
    size_t late_count;
    size_t slots_checked; /* that belong to what is replaced */
    uint64_t parts_removed;

    lm_commit_result committed;
} lm_append;

lm_status lm__append_memory(const lm_append *append);

/* append_plan.c: the registry's descriptor, or the table's. */
LM_MUST_USE lm_status lm__append_describe(lm_append *append);
/* `descriptor`, `stored` and what the table says, of the base as it is now. */
LM_MUST_USE lm_status lm__append_plan(lm_append *append);
/* Then what the rows become, of the schema in which they come. */
LM_MUST_USE lm_status lm__append_fit(lm_append *append, lm_schema *source);
/* The base is another than what the parts were written for: do they still belong to it? */
LM_MUST_USE lm_status lm__append_refit(lm_append *append);

/* append_replace.c, of overwrites: the slots that came since belong to what is replaced, or
 * LM_DATA; the parts that go, from `actions` on, and how the commit reads. */
LM_MUST_USE lm_status lm__append_check_slots(lm_append *append);
LM_MUST_USE lm_status lm__append_removes(lm_append *append, lm_arena *arena, lm_action **removes,
                                         size_t *count);
void lm__append_reads(lm_append *append, lm_commit_request *request);

/* append_rows.c */
LM_MUST_USE lm_status lm__append_batch(lm_append *append, lm_batch *batch);
/* All that is pending goes into parts, and all parts are put in place. */
LM_MUST_USE lm_status lm__append_finish(lm_append *append);
/* The late ones: durable and in place. */
LM_MUST_USE lm_status lm__append_place(lm_append *append);
void lm__append_rows_deinit(lm_append *append);

/* append_commit.c: the parts by partition, before the rest. */
void lm__append_sort(lm_append *append);
LM_MUST_USE lm_status lm__append_commit(lm_append *append);
/* The entry that has the transaction of this run and batch, -1 when it is gone from the log;
 * LM_CONFLICT where a later batch was there and this one was not. */
LM_MUST_USE lm_status lm__append_find_batch(lm_append *append, int64_t *version);

/* append_summary.c: of the parts that are there, before the commit, which must not fail for want of
 * memory once it is done; without the version. */
LM_MUST_USE lm_status lm__append_summary(lm_append *append, lm_table_summary **summary);
/* Of the append that has this run and batch: by its entry, or by the parts that are left of it. */
LM_MUST_USE lm_status lm__append_summary_again(lm_append *append, int64_t version,
                                               lm_table_summary **summary);

#endif
