/*
 * Rows of an append: cast, checked, scattered over partitions, buffered, and written as parts; see
 * append.h.
 *
 * The thread of the caller casts and scatters. Parts are encoded as jobs, a part a job; a part that
 * stands alone is encoded by this thread, its columns as jobs. So both ways the processors are
 * busy, and no job waits for another.
 *
 * A small append waits for the disk, four times: part, its directory, entry, log. Its few parts are
 * only ended here (`late`); they become durable and get their names beside the entry, which has no
 * name until they have theirs.
 */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/error.h"
#include "base/limits.h"
#include "table/append.h"

#define BATCH_BYTES (20 * LM_KIB) /* that a batch takes besides its rows */

static size_t memory_max(const lm_append *a)
{
    return a->options->memory_bytes_max ? a->options->memory_bytes_max : LM_TABLE_MEMORY_BYTES;
}

static size_t open_max(const lm_append *a)
{
    return a->options->open_parts_max ? a->options->open_parts_max : LM_TABLE_OPEN_PARTS;
}

static uint64_t part_bytes_max(const lm_append *a)
{
    return a->options->part_bytes_max ? a->options->part_bytes_max : LM_TABLE_PART_BYTES;
}

static bool is_sorted(const lm_append *a) { return a->descriptor->sort_count > 0; }

static void drop_pending(lm_append_slot *slot)
{
    for (size_t i = 0; i < slot->count; i++) lm__batch_unref(slot->pending[i]);
    slot->count = 0;
    slot->rows = 0;
    slot->bytes = 0;
}

void lm__append_rows_deinit(lm_append *a)
{
    for (size_t i = 0; i < a->slot_capacity; i++) {
        drop_pending(&a->slots[i]);
        lm__free(a->allocator, a->slots[i].pending);
        lm__part_abort(a->slots[i].part);
    }
    for (size_t i = 0; i < a->late_count; i++) lm__part_abort(a->late[i]);
    for (size_t i = 0; i < a->done_count; i++) lm__part_done_deinit(&a->part_plan, &a->done[i]);
    lm__free(a->allocator, a->slots);
    lm__free(a->allocator, a->done);
    lm__free(a->allocator, a->open);
    lm__free(a->allocator, a->row_slots);
    lm__free(a->allocator, a->row_order);
}

/* Parts. */

typedef struct part_job {
    lm_job job;
    lm_append *append;
    uint32_t slot;
    bool finish, may_be_late;
    lm_pool *pool; /* for the columns; NULL: this thread */
    bool is_done;  /* the part was ended; `done` is to be kept, whatever the status */
    lm_part_writer *late;
    lm_part_done done;
    lm_status status;
    lm_error error;
} part_job;

static lm_status write_pending(part_job *job, lm_append_slot *slot)
{
    lm_append *a = job->append;
    lm_batch *sorted = NULL;
    if (slot->count == 0) return LM_OK;
    if (!slot->part)
        LM_TRY(lm__part_open(&a->part_plan, lm__route_slot(a->route, job->slot)->directory,
                             &slot->part, &job->error));
    if (!is_sorted(a))
        return lm__part_write(slot->part, slot->pending, slot->count, job->pool, &job->error);
    LM_TRY(lm__sort_batches(a->allocator, slot->pending, slot->count, a->sorts,
                            a->descriptor->sort_count, &sorted, &job->error));
    lm_status status = lm__part_write(slot->part, &sorted, 1, job->pool, &job->error);
    lm__batch_unref(sorted);
    return status;
}

static lm_status end_part(part_job *job, lm_part_writer *part)
{
    bool ended;
    if (!job->may_be_late) return lm__part_finish(part, &job->done, &job->error);
    lm_status status = lm__part_end(part, &job->done, &ended, &job->error);
    if (status == LM_OK && !ended) return lm__part_place(part, &job->done, &job->error);
    if (status == LM_OK)
        job->late = part;
    else
        lm__part_abort(part);
    return status;
}

static void run_part(lm_job *base)
{
    part_job *job = (part_job *)base;
    lm_append *a = job->append;
    lm_append_slot *slot = &a->slots[job->slot];
    job->status = write_pending(job, slot);
    if (job->status != LM_OK || !slot->part) return; /* or it was closed to make room just now */
    drop_pending(slot);
    if (is_sorted(a) || lm__part_bytes(slot->part) >= part_bytes_max(a)) job->finish = true;
    if (!job->finish) return;
    lm_part_writer *part = slot->part;
    slot->part = NULL;
    job->is_done = true;
    job->status = end_part(job, part);
}

/* A part that was begun but not put in place is nothing that anybody sees. */
static lm_status part_failed(const lm_append *a, lm_status status, const lm_error *error)
{
    if (a->error) *a->error = *error;
    if (status == LM_UNKNOWN_DURABILITY || status == LM_UNKNOWN_OUTCOME) status = LM_IO;
    if (a->error) a->error->code = status;
    return status;
}

static lm_status keep_done(lm_append *a, lm_part_done *done)
{
    if (!lm__array_room(a->allocator, &a->done, &a->done_capacity, a->done_count + 1,
                        sizeof *a->done))
        return lm__append_memory(a);
    a->done[a->done_count++] = *done;
    return LM_OK;
}

/* What the jobs did, into the append. */
static lm_status settle_jobs(lm_append *a, part_job *jobs, size_t count)
{
    lm_status status = LM_OK;
    for (size_t i = 0; i < count; i++) {
        if (jobs[i].is_done) {
            lm_status kept = keep_done(a, &jobs[i].done);
            if (kept != LM_OK) {
                lm__part_remove(&a->part_plan, &jobs[i].done);
                lm__part_done_deinit(&a->part_plan, &jobs[i].done);
                status = kept;
            }
        }
        if (jobs[i].late) a->late[a->late_count++] = jobs[i].late;
        if (jobs[i].status != LM_OK && status == LM_OK)
            status = part_failed(a, jobs[i].status, &jobs[i].error);
    }
    size_t left = 0;
    for (size_t i = 0; i < a->open_count; i++)
        if (a->slots[a->open[i]].part) a->open[left++] = a->open[i];
    a->open_count = left;
    for (size_t i = 0; i < count; i++) {
        const lm_append_slot *slot = &a->slots[jobs[i].slot];
        bool known = false;
        for (size_t k = 0; k < left && !known; k++) known = a->open[k] == jobs[i].slot;
        if (slot->part && !known) a->open[a->open_count++] = jobs[i].slot;
    }
    return status;
}

/* Some slots, no more than may be open at once, none of them twice. */
static lm_status run_jobs(lm_append *a, const uint32_t *slots, size_t count, bool finish,
                          bool may_be_late, lm_pool *pool)
{
    part_job *jobs = lm__alloc_zero(a->allocator, (count + 1) * sizeof *jobs);
    if (!jobs) return lm__append_memory(a);
    lm_group group;
    lm__group_init(&group, pool);
    for (size_t i = 0; i < count; i++) {
        lm_append_slot *slot = &a->slots[slots[i]];
        jobs[i] = (part_job){.job.run = run_part,
                             .append = a,
                             .slot = slots[i],
                             .finish = finish,
                             .may_be_late = may_be_late,
                             .done.slot = slots[i]};
        lm_error_clear(&jobs[i].error);
        a->bytes -= slot->bytes;
        slot->used = ++a->clock;
        if (count > 1) {
            lm__group_submit(&group, &jobs[i].job);
            continue;
        }
        if (slot->bytes >= LM_TABLE_JOB_BYTES) jobs[i].pool = pool;
        run_part(&jobs[i].job);
    }
    lm__group_wait(&group);
    lm_status status = settle_jobs(a, jobs, count);
    lm__free(a->allocator, jobs);
    return status;
}

static bool is_among(const uint32_t *slots, size_t count, uint32_t slot)
{
    for (size_t i = 0; i < count; i++)
        if (slots[i] == slot) return true;
    return false;
}

/* Closes the parts that were written to longest ago, so that the slots can have one each. */
static lm_status make_room(lm_append *a, const uint32_t *slots, size_t count)
{
    size_t more = 0;
    uint32_t *oldest = lm__alloc_array(a->allocator, a->open_count + 1, sizeof *oldest);
    if (!oldest) return lm__append_memory(a);
    for (size_t i = 0; i < count; i++) more += !a->slots[slots[i]].part;
    size_t closing = 0;
    while (a->open_count - closing + more > open_max(a)) {
        uint32_t best = UINT32_MAX;
        for (size_t i = 0; i < a->open_count; i++) {
            uint32_t slot = a->open[i];
            if (is_among(slots, count, slot) || is_among(oldest, closing, slot)) continue;
            if (best == UINT32_MAX || a->slots[slot].used < a->slots[best].used) best = slot;
        }
        if (best == UINT32_MAX) break;
        oldest[closing++] = best;
    }
    lm_status status = closing ? run_jobs(a, oldest, closing, true, false, a->pool) : LM_OK;
    lm__free(a->allocator, oldest);
    return status;
}

static lm_status write_slots(lm_append *a, const uint32_t *slots, size_t count, bool finish,
                             lm_pool *pool)
{
    size_t most = open_max(a);
    for (size_t at = 0; at < count; at += most) {
        size_t some = count - at < most ? count - at : most;
        if (!finish) LM_TRY(make_room(a, slots + at, some));
        LM_TRY(run_jobs(a, slots + at, some, finish, false, pool));
        if (lm__cancel_requested(a->options->cancel))
            return lm__error_set(a->error, LM_CANCELLED, "%s: interrupted", a->directory);
    }
    return LM_OK;
}

/* Buffers. */

typedef struct slot_size {
    size_t bytes;
    uint32_t slot;
} slot_size;

static int larger_first(const void *a, const void *b)
{
    const slot_size *x = a, *y = b;
    if (x->bytes != y->bytes) return x->bytes > y->bytes ? -1 : 1;
    return x->slot < y->slot ? -1 : x->slot > y->slot;
}

/* The slots whose buffers are largest, until no more than `keep` bytes are left in the others; all
 * that have anything, or an open part, when `all` is set. */
static lm_status choose_slots(lm_append *a, size_t keep, bool all, uint32_t **slots, size_t *count)
{
    size_t slot_count = lm__route_count(a->route), found = 0, bytes = a->bytes;
    slot_size *sizes = lm__alloc_array(a->allocator, slot_count + 1, sizeof *sizes);
    *count = 0;
    *slots = lm__alloc_array(a->allocator, slot_count + 1, sizeof **slots);
    if (!sizes || !*slots) {
        lm__free(a->allocator, sizes);
        lm__free(a->allocator, *slots);
        *slots = NULL;
        return lm__append_memory(a);
    }
    for (size_t i = 0; i < slot_count; i++)
        if (a->slots[i].count || (all && a->slots[i].part))
            sizes[found++] = (slot_size){a->slots[i].bytes, (uint32_t)i};
    qsort(sizes, found, sizeof *sizes, larger_first);
    for (size_t i = 0; i < found && (all || bytes > keep); i++) {
        (*slots)[(*count)++] = sizes[i].slot;
        bytes -= sizes[i].bytes;
    }
    lm__free(a->allocator, sizes);
    return LM_OK;
}

static lm_status relieve(lm_append *a)
{
    uint32_t *slots;
    size_t count;
    if (a->bytes <= memory_max(a)) return LM_OK;
    LM_TRY(choose_slots(a, memory_max(a) / 2, false, &slots, &count));
    lm_status status = write_slots(a, slots, count, false, a->pool);
    lm__free(a->allocator, slots);
    return status;
}

/* Many small batches are joined: each has memory of its own besides its rows. */
static lm_status join_small(lm_append *a, lm_append_slot *slot)
{
    lm_batch *joined;
    if (slot->count < LM_TABLE_SMALL_BATCHES ||
        slot->rows > (int64_t)(slot->count * LM_TABLE_SMALL_ROWS))
        return LM_OK;
    LM_TRY(lm__join_batches(a->allocator, slot->pending, slot->count, &joined, a->error));
    for (size_t i = 0; i < slot->count; i++) lm__batch_unref(slot->pending[i]);
    size_t saved = (slot->count - 1) * BATCH_BYTES;
    slot->pending[0] = joined;
    slot->count = 1;
    slot->bytes -= saved;
    a->bytes -= saved;
    return LM_OK;
}

/* A slot whose rows fill a row group, or, where parts are sorted and so one buffer each, a part. */
static bool is_full(const lm_append *a, const lm_append_slot *slot)
{
    if (is_sorted(a)) return slot->bytes >= part_bytes_max(a);
    const lm_parquet_options *p = &a->part_plan.parquet;
    return slot->bytes >= p->row_group_bytes_max || slot->rows >= p->row_group_rows_max;
}

/* Takes the batch. */
static lm_status add_take(lm_append *a, uint32_t place, lm_batch *batch)
{
    lm_append_slot *slot = &a->slots[place];
    int64_t rows = lm__batch_rows(batch);
    size_t bytes = (size_t)(lm__batch_row_bytes(batch) * (double)rows) + BATCH_BYTES;
    if (!lm__array_room(a->allocator, &slot->pending, &slot->capacity, slot->count + 1,
                        sizeof *slot->pending)) {
        lm__batch_unref(batch);
        return lm__append_memory(a);
    }
    slot->pending[slot->count++] = batch;
    slot->rows += rows;
    slot->bytes += bytes;
    a->bytes += bytes;
    if (is_full(a, slot)) return write_slots(a, &place, 1, false, a->pool);
    return join_small(a, slot);
}

/* Scattering. */

static lm_status slots_room(lm_append *a)
{
    size_t count = lm__route_count(a->route), before = a->slot_capacity;
    if (count <= before) return LM_OK;
    if (!lm__array_room(a->allocator, &a->slots, &a->slot_capacity, count, sizeof *a->slots))
        return lm__append_memory(a);
    memset(a->slots + before, 0, (a->slot_capacity - before) * sizeof *a->slots);
    return LM_OK;
}

static lm_status rows_room(lm_append *a, size_t rows)
{
    if (!a->open) {
        a->open = lm__alloc_array(a->allocator, 2 * open_max(a) + 1, sizeof *a->open);
        if (!a->open) return lm__append_memory(a);
    }
    if (rows <= a->row_capacity) return LM_OK;
    if (rows > UINT32_MAX)
        return lm__error_set(a->error, LM_LIMIT, "a batch of more than 2^32 rows");
    a->row_capacity = 0;
    lm__free(a->allocator, a->row_slots);
    lm__free(a->allocator, a->row_order);
    a->row_slots = lm__alloc_array(a->allocator, rows, sizeof *a->row_slots);
    a->row_order = lm__alloc_array(a->allocator, rows, sizeof *a->row_order);
    if (!a->row_slots || !a->row_order) return lm__append_memory(a);
    a->row_capacity = rows;
    return LM_OK;
}

/* Some partitions' rows of a batch, taken by a job. */
typedef struct take_job {
    lm_job job;
    const lm_append *append;
    lm_batch *batch;
    const size_t *starts; /* of each slot's rows in the order; one more behind the last */
    size_t from, to;
    lm_batch **taken; /* one for each slot */
    lm_status status;
    lm_error error;
} take_job;

/* Rows of most of the batch, when they stand together, are a slice of it; fewer would keep a large
 * batch in memory, and are copied. */
static lm_status take_rows(lm_batch *batch, const uint32_t *rows, size_t count, lm_batch **taken,
                           lm_error *error)
{
    size_t all = (size_t)lm__batch_rows(batch);
    if (2 * count > all && rows[count - 1] - rows[0] + 1 == count)
        return lm__batch_slice(batch, rows[0], (int64_t)count, taken, error);
    return lm__batch_take_rows(batch, rows, (int64_t)count, NULL, taken, error);
}

static void run_take(lm_job *base)
{
    take_job *job = (take_job *)base;
    for (size_t i = job->from; i < job->to && job->status == LM_OK; i++) {
        size_t count = job->starts[i + 1] - job->starts[i];
        if (count)
            job->status = take_rows(job->batch, job->append->row_order + job->starts[i], count,
                                    &job->taken[i], &job->error);
    }
}

/* The slots' rows, those of some slots by each job, about as many rows in each. */
static lm_status take_all(lm_append *a, lm_batch *batch, const size_t *starts, size_t slots,
                          lm_batch **taken)
{
    take_job jobs[LM_TABLE_TAKE_JOBS];
    lm_group group;
    size_t rows = starts[slots], most = (size_t)lm__pool_threads(a->pool), count = 0, at = 0;
    if (rows < LM_TABLE_TAKE_ROWS) most = 1;
    if (most > LM_TABLE_TAKE_JOBS) most = LM_TABLE_TAKE_JOBS;
    lm__group_init(&group, a->pool);
    for (; count < most && at < slots; count++) {
        size_t from = at, end = rows / most * (count + 1);
        while (at < slots && (starts[at + 1] <= end || at == from || count + 1 == most)) at++;
        jobs[count] = (take_job){.job.run = run_take,
                                 .append = a,
                                 .batch = batch,
                                 .starts = starts,
                                 .from = from,
                                 .to = at,
                                 .taken = taken};
        lm__group_submit(&group, &jobs[count].job);
    }
    lm__group_wait(&group);
    for (size_t i = 0; i < count; i++)
        if (jobs[i].status != LM_OK) {
            if (a->error) *a->error = jobs[i].error;
            return jobs[i].status;
        }
    return LM_OK;
}

/* Rows in the order of their slots, each slot's in their own order (a counting sort). */
static void order_rows(lm_append *a, size_t rows, size_t slots, size_t *starts)
{
    for (size_t i = 0; i < rows; i++) starts[a->row_slots[i] + 1]++;
    for (size_t i = 0; i < slots; i++) starts[i + 1] += starts[i];
    for (size_t i = 0; i < rows; i++) a->row_order[starts[a->row_slots[i]]++] = (uint32_t)i;
    memmove(starts + 1, starts, slots * sizeof *starts); /* they have moved on by one slot */
    starts[0] = 0;
}

static lm_status scatter(lm_append *a, lm_batch *batch)
{
    size_t slots = lm__route_count(a->route);
    size_t *starts = lm__alloc_zero(a->allocator, (slots + 1) * sizeof *starts);
    lm_batch **taken = lm__alloc_zero(a->allocator, slots * sizeof *taken);
    lm_status status = starts && taken ? LM_OK : lm__append_memory(a);
    if (status == LM_OK) {
        order_rows(a, (size_t)lm__batch_rows(batch), slots, starts);
        status = take_all(a, batch, starts, slots, taken);
    }
    for (size_t i = 0; taken && i < slots; i++) {
        if (status == LM_OK && taken[i])
            status = add_take(a, (uint32_t)i, taken[i]);
        else
            lm__batch_unref(taken[i]);
    }
    lm__free(a->allocator, taken);
    lm__free(a->allocator, starts);
    return status;
}

static lm_status route(lm_append *a, const lm_batch *rows, lm_batch *parts)
{
    size_t count = (size_t)lm__batch_rows(rows), same = 1;
    LM_TRY(rows_room(a, count));
    LM_TRY(lm__route_rows(a->route, rows, a->row_count, a->row_slots, a->error));
    LM_TRY(lm__append_check_slots(a));
    LM_TRY(slots_room(a));
    while (same < count && a->row_slots[same] == a->row_slots[0]) same++;
    LM_TRY(same == count ? add_take(a, a->row_slots[0], lm__batch_ref(parts)) : scatter(a, parts));
    return relieve(a);
}

lm_status lm__append_batch(lm_append *a, lm_batch *batch)
{
    lm_batch *rows = NULL, *parts = NULL;
    int64_t count = lm__batch_rows(batch);
    if (count == 0) return LM_OK;
    lm_status status = lm__cast_batch(a->cast, batch, a->row_count, &rows, a->error);
    if (status == LM_OK && a->rules)
        status = lm__row_rules_check(a->rules, rows, a->row_count, a->error);
    if (status == LM_OK)
        status = lm__cast_batch(a->part_cast, rows, a->row_count, &parts, a->error);
    if (status == LM_OK) status = route(a, rows, parts);
    a->row_count += count;
    lm__batch_unref(parts);
    lm__batch_unref(rows);
    return status;
}

/* The entries that were seen must be durable before one is made upon them. The sync can be done as
 * well while the parts are: the disk takes both at once. */
typedef struct log_sync {
    lm_job job;
    const lm_table_log *log;
    lm_status status;
} log_sync;

static void sync_log(lm_job *base)
{
    log_sync *sync = (log_sync *)base;
    lm_error ignored; /* the commit tries again, and tells */
    sync->status = lm__store_sync_directory(sync->log->store, sync->log->directory, &ignored);
}

/* On more threads than there are processors, which wait for the disk; none where the parts are few.
 */
static lm_status sync_pool(lm_append *a, size_t count, lm_pool **pool)
{
    int threads = lm__pool_threads(a->pool);
    bool waits = a->options->durability != LM_DURABILITY_NONE && threads > 1 && count > 2;
    *pool = NULL;
    if (!waits || threads >= LM_TABLE_SYNC_THREADS) return LM_OK;
    return lm__pool_new(a->allocator,
                        count < LM_TABLE_SYNC_THREADS ? (int)count : LM_TABLE_SYNC_THREADS, pool,
                        a->error);
}

/* Many parts: side by side, and beside them the log's directory. */
static lm_status finish_many(lm_append *a, const uint32_t *slots, size_t count)
{
    log_sync sync = {.job.run = sync_log, .log = &a->log};
    lm_pool *pool;
    lm_group group;
    bool is_durable = a->options->durability == LM_DURABILITY_FULL;
    lm_status status = sync_pool(a, count, &pool);
    lm__group_init(&group, a->pool);
    if (a->base && is_durable) lm__group_submit(&group, &sync.job);
    if (status == LM_OK) status = write_slots(a, slots, count, true, pool ? pool : a->pool);
    lm__group_wait(&group);
    if (a->base && is_durable && sync.status == LM_OK) a->log.entries.durable = a->base->version;
    lm__pool_free(pool);
    return status;
}

lm_status lm__append_finish(lm_append *a)
{
    uint32_t *slots;
    size_t count;
    LM_TRY(choose_slots(a, 0, true, &slots, &count));
    bool late = a->options->durability != LM_DURABILITY_NONE && count <= LM_TABLE_LATE_PARTS &&
                (a->store->caps & LM_STORE_LOCAL);
    lm_status status =
        late ? run_jobs(a, slots, count, true, true, a->pool) : finish_many(a, slots, count);
    lm__free(a->allocator, slots);
    return status;
}

typedef struct place_job {
    lm_job job;
    lm_part_writer *part;
    lm_status status;
    lm_error error;
} place_job;

static void run_place(lm_job *base)
{
    place_job *job = (place_job *)base;
    job->status = lm__part_place(job->part, NULL, &job->error);
}

lm_status lm__append_place(lm_append *a)
{
    place_job jobs[LM_TABLE_LATE_PARTS];
    size_t count = a->late_count;
    lm_group group;
    lm_status status = LM_OK;
    lm__group_init(&group, a->pool);
    a->late_count = 0;
    for (size_t i = 0; i < count; i++) {
        jobs[i] = (place_job){.job.run = run_place, .part = a->late[i]};
        lm_error_clear(&jobs[i].error);
        if (i + 1 < count) lm__group_submit(&group, &jobs[i].job);
    }
    if (count) run_place(&jobs[count - 1].job);
    lm__group_wait(&group);
    for (size_t i = 0; i < count && status == LM_OK; i++)
        if (jobs[i].status != LM_OK) status = part_failed(a, jobs[i].status, &jobs[i].error);
    if (status == LM_EXISTS || status == LM_CONFLICT || status == LM_STALE) {
        status = LM_IO; /* of a part, not of the entry: there is nothing to try again */
        if (a->error) a->error->code = status;
    }
    return status;
}
