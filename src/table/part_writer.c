/* Writing parts; see part_writer.h. */
#include "table/part_writer.h"

#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/limits.h"

struct lm_part_writer {
    const lm_part_plan *plan;
    lm_stage *stage;
    lm_parquet_writer *writer;
    char *path; /* relative to the table */
};

static lm_status no_memory(lm_error *error) { return lm__error_memory(error, "writing a part"); }

void lm__part_done_deinit(const lm_part_plan *plan, lm_part_done *done)
{
    lm__free(plan->allocator, done->path);
    lm__free(plan->allocator, done->stats);
    done->path = done->stats = NULL;
}

void lm__part_abort(lm_part_writer *part)
{
    if (!part) return;
    lm_parquet_writer_abort(part->writer);
    lm__stage_close(part->stage);
    lm__free(part->plan->allocator, part->path);
    lm__free(part->plan->allocator, part);
}

static lm_status whole_path(const lm_part_plan *plan, const char *path,
                            char whole[LM_PATH_BYTES_MAX], lm_error *error)
{
    int size = snprintf(whole, LM_PATH_BYTES_MAX, "%s/%s", plan->table, path);
    if (size >= 0 && (size_t)size < LM_PATH_BYTES_MAX) return LM_OK;
    return lm__error_set(error, LM_LIMIT, "%s: the path of a part is too long", plan->table);
}

static lm_status open_stage(lm_part_writer *part, const char *directory, lm_error *error)
{
    const lm_part_plan *plan = part->plan;
    char name[37], whole[LM_PATH_BYTES_MAX];
    LM_TRY(lm__uuid4(name, error));
    size_t size = strlen(directory) + sizeof "/part-.parquet" + sizeof name;
    part->path = lm__alloc(plan->allocator, size);
    if (!part->path) return no_memory(error);
    snprintf(part->path, size, "%s%spart-%s.parquet", directory, *directory ? "/" : "", name);
    LM_TRY(whole_path(plan, part->path, whole, error));
    const lm_stage_options options = {.allocator = plan->allocator,
                                      .cancel = plan->cancel,
                                      .mode = LM_COMMIT_IF_ABSENT,
                                      .durability = plan->durability,
                                      .checksum = plan->checksum};
    LM_TRY(lm__stage_open(plan->store, whole, &options, &part->stage, error));
    return lm__writer_new(&part->stage->sink, &plan->parquet, plan->schema, &part->writer, error);
}

lm_status lm__part_open(const lm_part_plan *plan, const char *directory, lm_part_writer **part,
                        lm_error *error)
{
    *part = NULL;
    lm_part_writer *made = lm__alloc_zero(plan->allocator, sizeof *made);
    if (!made) return no_memory(error);
    made->plan = plan;
    lm_status status = open_stage(made, directory, error);
    if (status == LM_OK)
        *part = made;
    else
        lm__part_abort(made);
    return status;
}

lm_status lm__part_write(lm_part_writer *part, lm_batch *const *batches, size_t count,
                         lm_pool *pool, lm_error *error)
{
    return lm__writer_batches(part->writer, batches, count, pool, error);
}

uint64_t lm__part_bytes(const lm_part_writer *part) { return part->stage->sink.bytes; }

static lm_status end_file(lm_part_writer *part, lm_part_done *done, lm_error *error)
{
    const lm_part_plan *plan = part->plan;
    lm_parquet_result result;
    lm_buffer stats;
    LM_TRY(lm__writer_end(part->writer, &result, error));
    done->rows = result.rows;
    done->bytes = result.bytes;
    lm__buffer_init(&stats, plan->allocator, 0);
    lm_status status =
        lm__part_stats(part->writer, plan->stats_columns, plan->tick, &stats, &done->ticks, error);
    if (status == LM_OK) {
        done->stats = lm__strndup(plan->allocator, (const char *)stats.data, stats.size);
        if (!done->stats) status = no_memory(error);
    }
    lm__buffer_deinit(&stats);
    return status;
}

static void take_sealed(const lm_part_writer *part, lm_part_done *done)
{
    done->mtime_ms = part->stage->sealed.mtime_ns / 1000000;
    if (done->mtime_ms == 0) {
        const lm_clock *clock = lm__clock_system();
        done->mtime_ms = clock->wall_ns(clock->context) / 1000000;
    }
    memcpy(done->checksum, part->stage->sealed.checksum, sizeof done->checksum);
}

lm_status lm__part_end(lm_part_writer *part, lm_part_done *done, bool *ended, lm_error *error)
{
    uint32_t slot = done->slot;
    *done = (lm_part_done){.slot = slot};
    *ended = false;
    LM_TRY(end_file(part, done, error));
    done->path = part->path;
    part->path = NULL;
    LM_TRY(lm__stage_end(part->stage, ended, error));
    if (*ended) take_sealed(part, done);
    return LM_OK;
}

lm_status lm__part_place(lm_part_writer *part, lm_part_done *done, lm_error *error)
{
    lm_status status = lm__stage_seal(part->stage, error);
    if (status == LM_OK && done) take_sealed(part, done);
    if (status == LM_OK) status = lm__stage_commit(part->stage, error);
    lm__part_abort(part);
    return status;
}

lm_status lm__part_finish(lm_part_writer *part, lm_part_done *done, lm_error *error)
{
    bool ended;
    lm_status status = lm__part_end(part, done, &ended, error);
    if (status == LM_OK) return lm__part_place(part, done, error);
    lm__part_abort(part);
    return status;
}

void lm__part_remove(const lm_part_plan *plan, const lm_part_done *done)
{
    char whole[LM_PATH_BYTES_MAX];
    lm_error ignored;
    if (!done->path || whole_path(plan, done->path, whole, &ignored) != LM_OK) return;
    lm_status status = lm__store_remove(plan->store, whole, LM_DURABILITY_NONE, &ignored);
    (void)status;
}
