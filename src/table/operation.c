/* What operations share; see operation.h. */
#include "table/operation.h"

#include <string.h>

#include "arrow/text.h"
#include "base/alloc.h"
#include "base/error.h"
#include "base/json.h"
#include "base/limits.h"
#include "store/place.h"
#include "table/checkpoint.h"
#include "table/delta_schema.h"
#include "table/manifest.h"
#include "table/part_path.h"

lm_status lm__operation_memory(const lm_operation *o)
{
    return lm__error_memory(o->error, "working on a table");
}

lm_status lm__operation_open(lm_operation *o, const char *path, const lm_table_operation *how,
                             lm_error *error)
{
    static const lm_table_operation defaults;
    if (!how) how = &defaults;
    *o = (lm_operation){
        .how = how, .allocator = lm__allocator_or_default(how->allocator), .error = error};
    lm__arena_init(&o->arena, o->allocator, 0);
    LM_TRY(lm__store_for(o->allocator, path, how->storage, &o->store, &o->root, error));
    LM_TRY(lm__table_log_init(&o->log, o->allocator, o->store, o->root, error));
    o->has_log = true;
    o->log.threads = how->threads;
    o->log.cancel = how->cancel;
    return LM_OK;
}

void lm__operation_close(lm_operation *o)
{
    lm_schema_free(o->schema);
    lm__snapshot_free(o->snapshot);
    if (o->has_log) lm__table_log_deinit(&o->log);
    lm__store_close(o->store);
    lm__arena_deinit(&o->arena);
}

lm_status lm__operation_look(lm_operation *o, const lm_snapshot_options *options)
{
    lm_schema_free(o->schema);
    lm__snapshot_free(o->snapshot);
    o->schema = NULL;
    o->snapshot = NULL;
    lm__arena_reset(&o->arena);
    LM_TRY(lm__snapshot_load(&o->log, options, &o->snapshot, o->error));
    const lm_delta_metadata *metadata = &o->snapshot->metadata;
    lm_status status = lm__delta_schema_parse(o->allocator, metadata->schema, metadata->schema_size,
                                              &o->schema, o->error);
    return status == LM_OK ? LM_OK : lm__error_within(o->error, status, "%s", o->root);
}

/* Actions. */

int64_t lm__operation_now_ms(const lm_operation *o)
{
    const lm_clock *clock = o->log.clock;
    return clock->wall_ns(clock->context) / 1000000;
}

lm_action lm__action_remove(const lm_delta_add *part, int64_t now_ms, bool data_change)
{
    return (lm_action){.kind = LM_ACTION_REMOVE,
                       .remove = {.path = part->path,
                                  .has_deletion_time = true,
                                  .deletion_time_ms = now_ms,
                                  .data_change = data_change,
                                  .extended = true,
                                  .partition_values = part->partition_values,
                                  .size = part->size}};
}

/* numRecords stands first in what every known writer writes, so mostly nothing is parsed. */
static lm_status rows_in_file(const lm_allocator *allocator, const lm_delta_add *part,
                              int64_t *rows, lm_error *error)
{
    static const char head[] = "{\"numRecords\":";
    size_t at = sizeof head - 1, end = at;
    *rows = -1;
    if (!part->stats) return LM_OK;
    if (part->stats_size > at && memcmp(part->stats, head, at) == 0) {
        while (end < part->stats_size && part->stats[end] >= '0' && part->stats[end] <= '9') end++;
        if (end < part->stats_size && (part->stats[end] == ',' || part->stats[end] == '}') &&
            lm__text_to_i64(part->stats + at, end - at, rows) == LM_TEXT_OK)
            return LM_OK;
    }
    lm_arena arena;
    const lm_json *stats = NULL;
    lm__arena_init(&arena, allocator, 0);
    lm_status status = lm__json_parse(&arena, part->stats, part->stats_size, &stats, error);
    *rows = status == LM_OK ? lm__json_member_int(stats, "numRecords", -1) : -1;
    lm__arena_deinit(&arena);
    return status == LM_NO_MEMORY ? status : LM_OK;
}

lm_status lm__part_rows(const lm_allocator *allocator, const lm_delta_add *part, int64_t *rows,
                        lm_error *error)
{
    LM_TRY(rows_in_file(allocator, part, rows, error));
    int64_t deleted = part->vector ? part->vector->cardinality : 0;
    *rows = deleted >= 0 && *rows >= deleted ? *rows - deleted : -1;
    return LM_OK;
}

lm_status lm__operation_count_removed(const lm_operation *o, const lm_delta_add *part,
                                      lm_table_change *change)
{
    int64_t rows;
    LM_TRY(lm__part_rows(o->allocator, part, &rows, o->error));
    change->parts_removed++;
    change->bytes_removed += (uint64_t)part->size;
    if (rows > 0) change->rows_removed += (uint64_t)rows;
    return LM_OK;
}

lm_key_value lm__text_pair(const char *key, const char *value)
{
    return (lm_key_value){key, value, strlen(key), value ? strlen(value) : 0};
}

lm_status lm__operation_describe(lm_operation *o, const lm_table_change *change,
                                 lm_commit_request *request)
{
    const struct {
        const char *key;
        uint64_t value;
    } rows[] = {{"numRemovedFiles", change->parts_removed},
                {"numAddedFiles", change->parts_added},
                {"numRemovedBytes", change->bytes_removed},
                {"numAddedBytes", change->bytes_added}};
    size_t count = sizeof rows / sizeof *rows;
    lm_key_value *metrics = lm__arena_array(&o->arena, count, sizeof *metrics);
    lm_key_value *extra = lm__arena_array(&o->arena, 1, sizeof *extra);
    if (!metrics || !extra) return lm__operation_memory(o);
    for (size_t i = 0; i < count; i++) {
        char *text = lm__arena_printf(&o->arena, "%llu", (unsigned long long)rows[i].value);
        if (!text) return lm__operation_memory(o);
        metrics[i] = lm__text_pair(rows[i].key, text);
    }
    request->metrics = (lm_text_map){metrics, count};
    if (!o->how->run_id) return LM_OK;
    extra[0] = lm__text_pair("runId", o->how->run_id);
    request->extra = (lm_text_map){extra, 1};
    return LM_OK;
}

bool lm__table_keep_up(lm_table_log *log, int64_t version, const lm_delta_metadata *metadata)
{
    lm_error ignored; /* what fails of it the next writer does */
    if (metadata) {
        lm_status status = lm__table_upkeep(log, version, metadata, &ignored);
        (void)status;
    }
    return lm__manifest_update(log, version, &ignored) == LM_OK;
}

lm_status lm__operation_commit(lm_operation *o, lm_commit_request *request, lm_table_change *change)
{
    lm_commit_result result;
    request->base = o->snapshot;
    LM_TRY(lm__operation_describe(o, change, request));
    lm_status status = lm__table_commit(&o->log, request, &result, o->error);
    if (status == LM_OK || status == LM_UNKNOWN_DURABILITY) change->version = result.version;
    if (status == LM_OK)
        change->manifest_is_behind = !lm__table_keep_up(
            &o->log, result.version, o->snapshot ? &o->snapshot->metadata : NULL);
    return status;
}

bool lm__operation_repeat(lm_status status, int *rounds)
{
    return (status == LM_CONFLICT || status == LM_STALE) &&
           (*rounds)++ < LM_TABLE_COMMIT_ROUNDS_MAX;
}

/* Paths. */

lm_status lm__part_path_below(lm_arena *arena, const char *root, const char *uri, const char **path,
                              lm_error *error)
{
    size_t size = strlen(root);
    while (size > 1 && root[size - 1] == '/') size--;
    LM_TRY(lm__part_path_decode(arena, uri, path, error));
    if (!lm__part_path_is_absolute(uri)) return LM_OK;
    const char *plain = lm__place_path(*path);
    bool below = strncmp(plain, root, size) == 0 && plain[size] == '/';
    *path = below ? plain + size + 1 : NULL;
    return LM_OK;
}

lm_status lm__part_path_whole(lm_arena *arena, const char *root, const char *uri, const char **path,
                              lm_error *error)
{
    const char *plain;
    size_t size = strlen(root);
    LM_TRY(lm__part_path_decode(arena, uri, &plain, error));
    if (!lm__part_path_is_absolute(uri)) {
        *path = lm__arena_printf(arena, "%s%s%s", root, size && root[size - 1] == '/' ? "" : "/",
                                 plain);
        return *path ? LM_OK : lm__error_memory(error, "reading a table's parts");
    }
    const char *ignored;
    bool here = uri[0] == '/' ? lm__place_is_local(root, &ignored) : lm__place_is_same(uri, root);
    if (!here)
        return lm__error_set(error, LM_UNSUPPORTED,
                             "%s: the part %s lies in another place than the table", root, uri);
    *path = lm__place_path(plain);
    return LM_OK;
}

lm_status lm_table_is(const char *path, const lm_table_operation *how, bool *is_table,
                      lm_error *error)
{
    lm_operation o;
    lm_store_stat stat;
    lm_error local;
    *is_table = false;
    lm_status status = lm__operation_open(&o, path, how, error);
    if (status == LM_OK) {
        status = lm__store_stat(o.store, o.log.directory, true, &stat, &local);
        *is_table = status == LM_OK && stat.kind == LM_STORE_DIRECTORY;
        if (status == LM_NOT_FOUND) status = LM_OK;
        if (status != LM_OK && error) *error = local;
    }
    lm__operation_close(&o);
    return status;
}
