/* The versions of a table, as their entries tell of them. */
#include "base/alloc.h"
#include "base/error.h"
#include "base/json.h"
#include "table/operation.h"

typedef struct history {
    lm_operation operation;
    lm_arena arena;
    lm_table_entry *versions;
    size_t count, capacity;
} history;

static const char *keep(history *h, const char *text)
{
    return text ? lm__arena_strdup(&h->arena, text) : "";
}

static lm_status keep_parameters(history *h, const lm_text_map *map, const char **text)
{
    lm_buffer out;
    lm_json_writer json;
    lm__buffer_init(&out, h->operation.allocator, 0);
    lm__json_writer_init(&json, &out, false);
    lm__json_open_object(&json);
    for (size_t i = 0; i < map->count; i++) {
        lm__json_key(&json, map->items[i].key);
        if (map->items[i].value)
            lm__json_string(&json, map->items[i].value);
        else
            lm__json_null(&json);
    }
    lm__json_close_object(&json);
    *text = json.status == LM_OK ? lm__arena_strndup(&h->arena, (const char *)out.data, out.size)
                                 : NULL;
    lm__buffer_deinit(&out);
    return *text ? LM_OK : lm__operation_memory(&h->operation);
}

static lm_status put_info(history *h, const lm_delta_commit_info *info, lm_table_entry *out)
{
    const char *run = info->tree ? lm__json_member_text(info->tree, "runId", NULL) : NULL;
    if (info->has_timestamp) out->time_ms = info->timestamp_ms;
    if (info->has_in_commit_timestamp) out->time_ms = info->in_commit_timestamp_ms;
    out->operation = keep(h, info->operation);
    out->engine = keep(h, info->engine);
    out->run_id = keep(h, run);
    if (!out->operation || !out->engine || !out->run_id) return lm__operation_memory(&h->operation);
    return keep_parameters(h, &info->parameters, &out->parameters);
}

static lm_status put_add(const history *h, const lm_delta_add *add, lm_table_entry *out)
{
    int64_t rows;
    LM_TRY(lm__part_rows(h->operation.allocator, add, &rows, h->operation.error));
    out->parts_added++;
    out->bytes_added += (uint64_t)add->size;
    out->changes_data |= add->data_change;
    if (rows < 0)
        out->knows_rows_added = false;
    else
        out->rows_added += (uint64_t)rows;
    return LM_OK;
}

static lm_status put_entry(void *context, int64_t version, const lm_action *actions, size_t count,
                           lm_error *error)
{
    history *h = context;
    (void)error;
    if (!lm__array_room(h->operation.allocator, &h->versions, &h->capacity, h->count + 1,
                        sizeof *h->versions))
        return lm__operation_memory(&h->operation);
    lm_table_entry *out = &h->versions[h->count];
    *out = (lm_table_entry){.version = version,
                            .time_ms = -1,
                            .operation = "",
                            .run_id = "",
                            .engine = "",
                            .parameters = "{}",
                            .knows_rows_added = true};
    for (size_t i = 0; i < count; i++) {
        const lm_action *action = &actions[i];
        if (action->kind == LM_ACTION_COMMIT_INFO) LM_TRY(put_info(h, &action->commit_info, out));
        if (action->kind == LM_ACTION_ADD) LM_TRY(put_add(h, &action->add, out));
        if (action->kind != LM_ACTION_REMOVE) continue;
        out->parts_removed++;
        out->bytes_removed += (uint64_t)action->remove.size;
        out->changes_data |= action->remove.data_change;
    }
    h->count++;
    return LM_OK;
}

/* The entries that are kept without a gap, up to the last. */
static lm_status read_entries(history *h, uint64_t limit)
{
    lm_operation *o = &h->operation;
    lm_log_listing listing = {0};
    LM_TRY(lm__log_listing_read(&o->log, 0, true, &h->arena, &listing, o->error));
    if (listing.entry_count == 0) return LM_OK;
    int64_t last = listing.entries[listing.entry_count - 1].version;
    size_t at = listing.entry_count - 1;
    while (at > 0 && listing.entries[at - 1].version + 1 == listing.entries[at].version) at--;
    int64_t first = listing.entries[at].version;
    if (limit > 0 && (uint64_t)(last - first) >= limit) first = last - (int64_t)limit + 1;
    LM_TRY(lm__log_entries(&o->log, first, last, put_entry, h, o->error));
    for (size_t i = 0; i < h->count; i++) {
        const lm_log_entry *entry = &listing.entries[listing.entry_count - h->count + i];
        if (h->versions[i].time_ms < 0) h->versions[i].time_ms = entry->mtime_ms;
    }
    return LM_OK;
}

lm_status lm_table_history(const char *path, uint64_t limit, const lm_table_operation *how,
                           lm_table_history_callback *callback, void *context, lm_error *error)
{
    history h = {0};
    lm_status status = lm__operation_open(&h.operation, path, how, error);
    lm__arena_init(&h.arena, h.operation.allocator, 0);
    if (status == LM_OK) status = read_entries(&h, limit);
    for (size_t i = h.count; i-- > 0 && status == LM_OK;)
        status = callback(context, &h.versions[i], error);
    lm__free(h.operation.allocator, h.versions);
    lm__arena_deinit(&h.arena);
    lm__operation_close(&h.operation);
    return status;
}
