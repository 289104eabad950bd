/* Checkpoints and their hint; see checkpoint.h for the invariants. */
#include "table/checkpoint.h"

#include <lamella/parquet_read.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/bytes_text.h"
#include "base/error.h"
#include "base/json.h"
#include "base/limits.h"

#define HINT_TRIES 4

/* ---- _last_checkpoint ---- */

static lm_status hint_put(lm_table_log *log, const char *path, const lm_stage_options *options,
                          const lm_buffer *bytes, lm_error *error)
{
    lm_stage *stage;
    LM_TRY(lm__stage_open(log->store, path, options, &stage, error));
    lm_status status = lm__stage_write(stage, bytes->data, bytes->size, error);
    if (status == LM_OK) status = lm__stage_seal(stage, error);
    if (status == LM_OK) status = lm__stage_commit(stage, error);
    lm__stage_close(stage);
    return status;
}

/* One look and one conditional replacement. LM_CONFLICT or LM_EXISTS: somebody else was there. */
static lm_status hint_try(lm_table_log *log, const char *path, int64_t version,
                          const lm_buffer *bytes, lm_error *error)
{
    char match[LM_STORE_VERSION_MAX + sizeof "version:"];
    lm_store_stat stat;
    lm_error local;
    int64_t seen;
    lm_stage_options options = {.mode = LM_COMMIT_IF_ABSENT, .size_expected = bytes->size};
    lm_status status = lm__store_stat(log->store, path, true, &stat, &local);
    if (status == LM_OK) {
        LM_TRY(lm__log_hint(log, &seen, error));
        if (seen >= version) return LM_OK;
        bool conditional = log->store->caps & LM_STORE_IF_MATCH;
        snprintf(match, sizeof match, "version:%s", stat.version);
        options.mode = conditional ? LM_COMMIT_IF_MATCH : LM_COMMIT_REPLACE;
        options.match = match;
    } else if (status != LM_NOT_FOUND) {
        if (error) *error = local;
        return status;
    }
    return hint_put(log, path, &options, bytes, error);
}

static lm_status hint_write(lm_table_log *log, const lm_checkpoint_result *result, lm_error *error)
{
    char path[LM_PATH_BYTES_MAX];
    lm_buffer bytes;
    lm_json_writer w;
    LM_TRY(lm__log_file_path(log, LM_TABLE_HINT_NAME, path, error));
    lm__buffer_init(&bytes, log->allocator, 0);
    lm__json_writer_init(&w, &bytes, false);
    lm__json_open_object(&w);
    lm__json_member_int_out(&w, "version", result->version);
    lm__json_member_int_out(&w, "size", result->actions);
    lm__json_key(&w, "sizeInBytes");
    lm__json_uint(&w, result->bytes);
    lm__json_member_int_out(&w, "numOfAddFiles", result->adds);
    lm__json_close_object(&w);
    lm_status status = w.status == LM_OK ? LM_CONFLICT : lm__error_memory(error, "writing a hint");
    for (int tries = 0; tries < HINT_TRIES && (status == LM_CONFLICT || status == LM_EXISTS);
         tries++)
        status = hint_try(log, path, result->version, &bytes, error);
    lm__buffer_deinit(&bytes);
    return status;
}

/* ---- the checkpoint ---- */

/* Of one that somebody else has made. */
static lm_status file_look(lm_table_log *log, const char *path, lm_checkpoint_result *result,
                           lm_error *error)
{
    const lm_parquet_reader_options options = {.allocator = log->allocator,
                                               .without_row_groups = true};
    lm_source *source;
    lm_parquet_reader *reader;
    LM_TRY(lm__store_open(log->store, path, &source, error));
    result->bytes = source->size;
    LM_TRY(lm_parquet_reader_open(source, &options, &reader, error));
    result->actions = lm_parquet_reader_rows(reader);
    result->was_there = true;
    lm_parquet_reader_close(reader);
    return LM_OK;
}

static lm_status file_write(lm_table_log *log, const char *path, const lm_snapshot *snapshot,
                            lm_checkpoint_result *result, lm_error *error)
{
    const lm_stage_options options = {.mode = LM_COMMIT_IF_ABSENT, .cancel = log->cancel};
    lm_stage *stage;
    LM_TRY(lm__stage_open(log->store, path, &options, &stage, error));
    lm_status status = lm__checkpoint_write(log, snapshot, &stage->sink, result, error);
    if (status == LM_OK) status = lm__stage_seal(stage, error);
    if (status == LM_OK) status = lm__stage_commit(stage, error);
    lm__stage_close(stage);
    return status;
}

/* Any UUID will do for a V2 one; with that of the table, of two writers one makes the file. */
static lm_status v2_suffix(const lm_snapshot *snapshot, char suffix[64], lm_error *error)
{
    char uuid[37];
    uint8_t bytes[16];
    const char *id = snapshot->metadata.id;
    if (lm__uuid_parse(id, strlen(id), bytes))
        lm__uuid_text(uuid, bytes)[0] = '\0';
    else
        LM_TRY(lm__uuid4(uuid, error));
    snprintf(suffix, 64, ".checkpoint.%s.parquet", uuid);
    return LM_OK;
}

static lm_status file_make(lm_table_log *log, const lm_snapshot *snapshot,
                           lm_checkpoint_result *result, lm_error *error)
{
    char path[LM_PATH_BYTES_MAX], suffix[64];
    lm_error local;
    lm_log_checkpoint name = {.version = snapshot->version};
    if (lm__table_wants_v2(&snapshot->protocol, &snapshot->metadata)) {
        LM_TRY(v2_suffix(snapshot, suffix, error));
        name.suffix = suffix;
    }
    LM_TRY(lm__log_checkpoint_path(log, &name, 1, path, error));
    lm_status status = file_write(log, path, snapshot, result, &local);
    result->adds = (int64_t)snapshot->part_count;
    if (status == LM_EXISTS) return file_look(log, path, result, error);
    if (status != LM_OK && error) *error = local;
    return status;
}

/* Statistics as structs are not written: a table that asks for them gets no checkpoint of ours. */
static lm_status suitable(const lm_table_log *log, const lm_snapshot *s, lm_error *error)
{
    LM_TRY(lm__table_writable(log->allocator, &s->protocol, &s->metadata, log->root, error));
    if (lm__property_bool(&s->metadata, "delta.checkpoint.writeStatsAsStruct", false) ||
        !lm__property_bool(&s->metadata, "delta.checkpoint.writeStatsAsJson", true))
        return lm__error_set(error, LM_UNSUPPORTED,
                             "%s: checkpoints are to have their statistics as structs "
                             "(delta.checkpoint.writeStatsAsStruct), which is not supported",
                             log->root);
    return LM_OK;
}

lm_status lm__table_checkpoint(lm_table_log *log, int64_t version, lm_checkpoint_result *result,
                               lm_error *error)
{
    const lm_snapshot_options options = {
        .has_version = version >= 0, .version = version, .with_removes = true};
    lm_snapshot *snapshot;
    *result = (lm_checkpoint_result){.version = version};
    LM_TRY(lm__snapshot_load(log, &options, &snapshot, error));
    result->version = snapshot->version;
    lm_status status = suitable(log, snapshot, error);
    if (status == LM_OK) status = file_make(log, snapshot, result, error);
    lm__snapshot_free(snapshot);
    LM_TRY(status);
    lm_error local; /* without the hint, readers look around and find the checkpoint */
    result->has_hint = hint_write(log, result, &local) == LM_OK;
    return LM_OK;
}

/* ---- when ---- */

#define CLEANUP_EVERY 10 /* checkpoints' worth of entries: a listing with times is not free */

/* What the hint says of the last checkpoint: its version and its size. */
static lm_status last_checkpoint(lm_table_log *log, int64_t *version, int64_t *size,
                                 lm_error *error)
{
    char path[LM_PATH_BYTES_MAX];
    uint8_t *data;
    size_t bytes;
    lm_error local;
    *size = 0;
    LM_TRY(lm__log_hint(log, version, error));
    if (*version < 0) return LM_OK;
    LM_TRY(lm__log_file_path(log, LM_TABLE_HINT_NAME, path, error));
    if (lm__store_read(log->store, path, log->allocator, LM_TABLE_HINT_BYTES_MAX, &data, &bytes,
                       &local) != LM_OK)
        return LM_OK;
    lm_arena arena;
    const lm_json *root;
    lm__arena_init(&arena, log->allocator, 0);
    if (lm__json_parse(&arena, (const char *)data, bytes, &root, &local) == LM_OK)
        *size = lm__json_member_int(root, "size", 0);
    lm__arena_deinit(&arena);
    lm__free(log->allocator, data);
    return LM_OK;
}

static lm_status is_due(lm_table_log *log, int64_t version, const lm_delta_metadata *metadata,
                        bool *due, lm_error *error)
{
    int64_t interval = lm__property_int(metadata, LM_PROPERTY_CHECKPOINT_INTERVAL, 0);
    *due = false;
    if (version <= 0) return LM_OK;
    if (interval > 0) {
        *due = version % interval == 0;
        return LM_OK;
    }
    if (version % LM_TABLE_CHECKPOINT_INTERVAL != 0) return LM_OK;
    int64_t last, size;
    LM_TRY(last_checkpoint(log, &last, &size, error));
    int64_t wait = LM_TABLE_CHECKPOINT_INTERVAL;
    while (wait < LM_TABLE_CHECKPOINT_INTERVAL_MAX &&
           wait * wait < size / LM_TABLE_CHECKPOINT_ACTIONS)
        wait += LM_TABLE_CHECKPOINT_INTERVAL;
    *due = last < 0 || last > version || version - last >= wait; /* a hint may lie */
    return LM_OK;
}

lm_status lm__table_upkeep(lm_table_log *log, int64_t version, const lm_delta_metadata *metadata,
                           lm_error *error)
{
    bool due;
    lm_checkpoint_result result;
    size_t removed;
    LM_TRY(is_due(log, version, metadata, &due, error));
    if (!due) return LM_OK;
    LM_TRY(lm__table_checkpoint(log, version, &result, error));
    int64_t interval =
        lm__property_int(metadata, LM_PROPERTY_CHECKPOINT_INTERVAL, LM_TABLE_CHECKPOINT_INTERVAL);
    if (interval < 1) interval = LM_TABLE_CHECKPOINT_INTERVAL;
    if (version / interval % CLEANUP_EVERY != 0) return LM_OK;
    return lm__table_cleanup(log, metadata, false, &removed, error);
}
