/*
 * Entries of a log one after the other, read and parsed several at a time.
 *
 * A window of entries is read by jobs, each into an arena of its own, and handed out in order; then
 * the next window. Failing entries are told in order too: the first one wins.
 */
#include "base/alloc.h"
#include "base/cancel.h"
#include "base/error.h"
#include "base/limits.h"
#include "base/pool.h"
#include "table/snapshot.h"

#define WINDOW 64
#define ALONE 4        /* so many entries are worth no thread; */
#define ALONE_LOCAL 16 /* in this system's page cache */

typedef struct entry_job {
    lm_job job;
    const lm_table_log *log;
    int64_t version;
    lm_arena arena;
    lm_action *actions;
    size_t count;
    lm_status status;
    lm_error error;
} entry_job;

static lm_status entry_read(entry_job *e)
{
    char path[LM_PATH_BYTES_MAX];
    uint8_t *data;
    size_t size;
    const lm_numbered_log *entries = &e->log->entries;
    if (lm__cancel_requested(e->log->cancel))
        return lm__error_set(&e->error, LM_CANCELLED, "%s: interrupted", e->log->directory);
    LM_TRY(lm__log_path(entries, e->version, entries->suffix, path, &e->error));
    LM_TRY(lm__log_read(entries, e->version, &data, &size, &e->error));
    lm_status status =
        lm__actions_read(&e->arena, data, size, path, &e->actions, &e->count, &e->error);
    lm__free(e->log->allocator, data);
    return status;
}

static void entry_run(lm_job *job)
{
    entry_job *e = (entry_job *)job;
    e->status = entry_read(e);
}

static lm_status window_run(entry_job *jobs, size_t count, lm_pool *pool,
                            lm_entry_callback *callback, void *context, lm_error *error)
{
    lm_group group;
    if (pool) {
        lm__group_init(&group, pool);
        for (size_t i = 0; i < count; i++) lm__group_submit(&group, &jobs[i].job);
        lm__group_wait(&group);
    }
    for (size_t i = 0; i < count; i++) {
        if (!pool) entry_run(&jobs[i].job);
        if (jobs[i].status != LM_OK) {
            if (error) *error = jobs[i].error;
            return jobs[i].status;
        }
        LM_TRY(callback(context, jobs[i].version, jobs[i].actions, jobs[i].count, error));
        lm__arena_reset(&jobs[i].arena);
    }
    return LM_OK;
}

lm_status lm__log_entries(lm_table_log *log, int64_t from, int64_t to, lm_entry_callback *callback,
                          void *context, lm_error *error)
{
    int64_t step = from <= to ? 1 : -1;
    uint64_t left = (uint64_t)(step > 0 ? to - from : from - to) + 1;
    size_t window = left < WINDOW ? (size_t)left : WINDOW;
    lm_pool *pool = NULL;
    lm_status status = LM_OK;
    entry_job *jobs = lm__alloc_array(log->allocator, window, sizeof *jobs);
    if (!jobs) return lm__error_memory(error, "reading a table's log");
    for (size_t i = 0; i < window; i++) {
        jobs[i] = (entry_job){.job = {.run = entry_run}, .log = log};
        lm__arena_init(&jobs[i].arena, log->allocator, 0);
    }
    bool is_local = log->store->caps & LM_STORE_LOCAL;
    if (left > (is_local ? ALONE_LOCAL : ALONE) && log->threads != 1)
        status = lm__pool_new(log->allocator, log->threads, &pool, error);
    while (status == LM_OK && left > 0) {
        size_t count = left < window ? (size_t)left : window;
        for (size_t i = 0; i < count; i++, from += step) jobs[i].version = from;
        status = window_run(jobs, count, pool, callback, context, error);
        left -= count;
    }
    lm__pool_free(pool);
    for (size_t i = 0; i < window; i++) lm__arena_deinit(&jobs[i].arena);
    lm__free(log->allocator, jobs);
    return status;
}
