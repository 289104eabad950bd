/*
 * A row group on its way: its rows, a job for each of its columns, and then its pages in the file.
 *
 * Invariants
 *  1. Batches are held from the start of the work until the row group is written, and given back
 * exactly once.
 *  2. Row groups are written in the order in which they were started, and the columns of each in
 * the schema's.
 */
#ifndef LM_PARQUET_ROW_GROUP_H
#define LM_PARQUET_ROW_GROUP_H

#include <pthread.h>

#include "base/pool.h"
#include "parquet/chunk.h"

/* Of a leaf, memory that its pages were in: of two row groups, since two are under way. */
typedef struct lm_page_memory {
    lm_buffer buffers[2];
} lm_page_memory;

/* What no job uses now: scratches, and the memory of pages that are in the file. Chunks that put
 * their pages into the sink need but little, and share what they need. */
typedef struct lm_scratch_shelf {
    pthread_mutex_t mutex;
    lm_scratch *free;
    lm_page_memory *pages; /* one for each leaf, and behind them one for such chunks */
    size_t leaf_count;
    const lm_allocator *allocator;
} lm_scratch_shelf;

LM_MUST_USE lm_status lm__shelf_init(lm_scratch_shelf *shelf, const lm_allocator *allocator,
                                     size_t leaf_count, lm_error *error);
void lm__shelf_deinit(lm_scratch_shelf *shelf);

typedef struct lm_chunk_job {
    lm_job job;
    lm_group group;
    lm_chunk chunk;
    size_t leaf;
    struct lm_row_group_work *work;
    lm_status status;
    lm_error error;
} lm_chunk_job;

/* Takes the memory of a job's pages for the leaf's next chunk. */
void lm__shelf_put_pages_take(lm_scratch_shelf *shelf, lm_chunk_job *job);

typedef struct lm_row_group_work {
    struct lm_row_group_work *next;
    const lm_allocator *allocator;
    lm_scratch_shelf *shelf;
    lm_rows *rows; /* each holds a reference on its batch */
    size_t range_count;
    int64_t row_count;
    lm_chunk_job *jobs; /* one a leaf */
    size_t job_count;
} lm_row_group_work;

/* Takes the references of `rows` (also on failure), and starts the jobs. */
LM_MUST_USE lm_status lm__row_group_start_take(const lm_write_schema *schema,
                                               const lm_parquet_options *options, lm_pool *pool,
                                               lm_scratch_shelf *shelf, const lm_rows *take_rows,
                                               size_t range_count, lm_row_group_work **work,
                                               lm_error *error);
/* What the job does, for who has withdrawn it. */
void lm__chunk_job_run(lm_chunk_job *job);
/* Waits for jobs that still run, and frees. Takes NULL. */
void lm__row_group_free(lm_row_group_work *work);

#endif
