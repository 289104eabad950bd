/* Starting a row group's jobs; see row_group.h. */
#include "parquet/row_group.h"

#include <string.h>

#include "base/alloc.h"
#include "base/error.h"

lm_status lm__shelf_init(lm_scratch_shelf *shelf, const lm_allocator *allocator, size_t leaf_count,
                         lm_error *error)
{
    shelf->pages = lm__alloc_array(allocator, leaf_count + 1, sizeof *shelf->pages);
    if (!shelf->pages) return lm__error_memory(error, "opening a Parquet writer");
    for (size_t i = 0; i <= leaf_count; i++)
        for (int k = 0; k < 2; k++) lm__buffer_init(&shelf->pages[i].buffers[k], allocator, 0);
    shelf->leaf_count = leaf_count;
    shelf->free = NULL;
    shelf->allocator = allocator;
    pthread_mutex_init(&shelf->mutex, NULL);
    return LM_OK;
}

void lm__shelf_deinit(lm_scratch_shelf *shelf)
{
    if (!shelf->pages) return;
    for (lm_scratch *scratch = shelf->free, *next; scratch; scratch = next) {
        next = scratch->next;
        lm__scratch_free(scratch);
    }
    for (size_t i = 0; i <= shelf->leaf_count; i++)
        for (int k = 0; k < 2; k++) lm__buffer_deinit(&shelf->pages[i].buffers[k]);
    lm__free(shelf->allocator, shelf->pages);
    pthread_mutex_destroy(&shelf->mutex);
}

static void buffers_swap(lm_buffer *a, lm_buffer *b)
{
    lm_buffer swapped = *a;
    *a = *b;
    *b = swapped;
}

/* Where the memory of the job's pages is kept: the larger of the two buffers first. */
static lm_page_memory *pages_of(lm_scratch_shelf *shelf, const lm_chunk_job *job)
{
    lm_page_memory *memory = &shelf->pages[job->chunk.sink.put ? shelf->leaf_count : job->leaf];
    if (memory->buffers[0].capacity < memory->buffers[1].capacity)
        buffers_swap(&memory->buffers[0], &memory->buffers[1]);
    return memory;
}

/* A scratch for a job, and memory for its pages if some is there. */
static lm_status shelf_get(lm_scratch_shelf *shelf, lm_chunk_job *job, lm_scratch **scratch,
                           lm_error *error)
{
    pthread_mutex_lock(&shelf->mutex);
    *scratch = shelf->free;
    if (*scratch) shelf->free = (*scratch)->next;
    buffers_swap(&job->chunk.out, &pages_of(shelf, job)->buffers[0]);
    pthread_mutex_unlock(&shelf->mutex);
    return *scratch ? LM_OK : lm__scratch_new(shelf->allocator, scratch, error);
}

static void shelf_put(lm_scratch_shelf *shelf, lm_scratch *scratch)
{
    pthread_mutex_lock(&shelf->mutex);
    scratch->next = shelf->free;
    shelf->free = scratch;
    pthread_mutex_unlock(&shelf->mutex);
}

/* The smallest of the three goes. */
void lm__shelf_put_pages_take(lm_scratch_shelf *shelf, lm_chunk_job *job)
{
    lm_buffer *pages = &job->chunk.out;
    lm__buffer_clear(pages);
    pthread_mutex_lock(&shelf->mutex);
    lm_buffer *smaller = &pages_of(shelf, job)->buffers[1];
    if (smaller->capacity < pages->capacity) buffers_swap(pages, smaller);
    pthread_mutex_unlock(&shelf->mutex);
    lm__buffer_deinit(pages);
}

void lm__chunk_job_run(lm_chunk_job *chunk_job)
{
    lm_row_group_work *work = chunk_job->work;
    lm_scratch *scratch;
    chunk_job->status = shelf_get(work->shelf, chunk_job, &scratch, &chunk_job->error);
    if (chunk_job->status != LM_OK) return;
    chunk_job->status = lm__chunk_make(&chunk_job->chunk, work->rows, work->range_count, scratch,
                                       &chunk_job->error);
    shelf_put(work->shelf, scratch);
}

static void job_run(lm_job *job) { lm__chunk_job_run((lm_chunk_job *)job); }

static void rows_release(const lm_rows *rows, size_t count)
{
    for (size_t i = 0; i < count; i++) lm__batch_unref((lm_batch *)rows[i].batch);
}

lm_status lm__row_group_start_take(const lm_write_schema *schema, const lm_parquet_options *options,
                                   lm_pool *pool, lm_scratch_shelf *shelf, const lm_rows *take_rows,
                                   size_t range_count, lm_row_group_work **out, lm_error *error)
{
    const lm_allocator *allocator = options->allocator;
    lm_row_group_work *work = lm__alloc_zero(allocator, sizeof *work);
    lm_rows *rows = lm__alloc_array(allocator, range_count, sizeof *rows);
    lm_chunk_job *jobs = lm__alloc_array(allocator, schema->leaf_count, sizeof *jobs);
    if (!work || !rows || !jobs) {
        lm__free(allocator, work);
        lm__free(allocator, rows);
        lm__free(allocator, jobs);
        rows_release(take_rows, range_count);
        return lm__error_memory(error, "starting a row group");
    }
    *work = (lm_row_group_work){.allocator = allocator,
                                .shelf = shelf,
                                .rows = rows,
                                .range_count = range_count,
                                .jobs = jobs,
                                .job_count = schema->leaf_count};
    memcpy(rows, take_rows, range_count * sizeof *rows);
    for (size_t i = 0; i < range_count; i++) work->row_count += rows[i].length;
    for (size_t i = 0; i < work->job_count; i++) {
        lm_chunk_job *job = &jobs[i];
        memset(job, 0, sizeof *job);
        job->job.run = job_run;
        job->work = work;
        job->leaf = i;
        lm__chunk_init(&job->chunk, &schema->leaves[i], options);
        lm__group_init(&job->group, pool);
        lm__group_submit(&job->group, &job->job);
    }
    *out = work;
    return LM_OK;
}

void lm__row_group_free(lm_row_group_work *work)
{
    if (!work) return;
    for (size_t i = 0; i < work->job_count; i++) {
        lm__group_wait(&work->jobs[i].group);
        lm__chunk_deinit(&work->jobs[i].chunk);
    }
    rows_release(work->rows, work->range_count);
    lm__free(work->allocator, work->rows);
    lm__free(work->allocator, work->jobs);
    lm__free(work->allocator, work);
}
