/*
 * The entry of an append: a new table's protocol and metaData or an evolved schema, the transaction
 * of run and batch, and an add for each part; see append.h.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/limits.h"
#include "table/append.h"
#include "table/delta_schema.h"
#include "table/part_path.h"

typedef struct entry {
    lm_append *append;
    lm_arena arena; /* of one round */
    lm_action *actions;
    size_t count;
} entry;

static lm_key_value pair(const char *key, const char *value)
{
    return (lm_key_value){key, value, strlen(key), value ? strlen(value) : 0};
}

static char *arena_text(lm_arena *arena, lm_buffer *text, lm_status status)
{
    char *copy =
        status == LM_OK ? lm__arena_strndup(arena, (const char *)text->data, text->size) : NULL;
    lm__buffer_deinit(text);
    return copy;
}

static int64_t now_ms(const lm_append *a)
{
    const lm_clock *clock = a->log.clock;
    return clock->wall_ns(clock->context) / 1000000;
}

/* Metadata and protocol. */

/* The configuration that is there, with ours over it. */
static lm_status put_configuration(entry *e, lm_delta_metadata *metadata)
{
    const lm_append *a = e->append;
    lm_text_map old = metadata->configuration;
    lm_key_value *items = lm__arena_array(&e->arena, old.count + 2, sizeof *items);
    char *size = lm__arena_printf(&e->arena, "%lld", (long long)a->bucket_size);
    size_t count = 0;
    if (!items || !size) return lm__append_memory(a);
    for (size_t i = 0; i < old.count; i++)
        if (strcmp(old.items[i].key, LM_TABLE_DESCRIPTOR_KEY) != 0 &&
            strcmp(old.items[i].key, LM_TABLE_BUCKET_SIZE_KEY) != 0)
            items[count++] = old.items[i];
    items[count++] = pair(LM_TABLE_DESCRIPTOR_KEY, a->descriptor->json);
    if (a->bucket_size) items[count++] = pair(LM_TABLE_BUCKET_SIZE_KEY, size);
    metadata->configuration = (lm_text_map){items, count};
    return LM_OK;
}

static lm_status put_schema(entry *e, lm_delta_metadata *metadata)
{
    lm_buffer text;
    lm__buffer_init(&text, e->append->allocator, 0);
    metadata->schema =
        arena_text(&e->arena, &text, lm__delta_schema_text(e->append->stored, &text));
    if (!metadata->schema) return lm__append_memory(e->append);
    metadata->schema_size = strlen(metadata->schema);
    return LM_OK;
}

static lm_status put_metadata(entry *e)
{
    lm_append *a = e->append;
    const lm_table_descriptor *d = a->descriptor;
    lm_action *action = &e->actions[e->count++];
    *action = (lm_action){.kind = LM_ACTION_METADATA};
    lm_delta_metadata *metadata = &action->metadata;
    if (a->base) {
        *metadata = a->base->metadata;
    } else {
        char *id = lm__arena_alloc(&e->arena, 37);
        const char **columns = lm__arena_array(&e->arena, d->partition_count + 1, sizeof *columns);
        if (!id || !columns) return lm__append_memory(a);
        LM_TRY(lm__uuid4(id, a->error));
        for (size_t i = 0; i < d->partition_count; i++) columns[i] = d->partitions[i].name;
        *metadata = (lm_delta_metadata){.id = id,
                                        .name = a->table,
                                        .provider = "parquet",
                                        .partition_columns = {columns, d->partition_count},
                                        .has_created_time = true,
                                        .created_time_ms = now_ms(a)};
    }
    if (*d->description) metadata->description = d->description;
    LM_TRY(put_schema(e, metadata));
    return put_configuration(e, metadata);
}

/* A table that is there keeps the features that it has. */
static lm_status put_protocol(entry *e)
{
    lm_append *a = e->append;
    lm_action *action = &e->actions[e->count++];
    *action = (lm_action){.kind = LM_ACTION_PROTOCOL,
                          .protocol = lm__table_protocol(lm__delta_has_ntz(&a->stored->root))};
    if (!a->base) return LM_OK;
    lm_delta_protocol *now = &action->protocol;
    const lm_delta_protocol *old = &a->base->protocol;
    const lm_text_list *lists[2][2] = {{&old->reader_features, &now->reader_features},
                                       {&old->writer_features, &now->writer_features}};
    lm_text_list *out[2] = {&now->reader_features, &now->writer_features};
    for (int side = 0; side < 2; side++) {
        size_t count = 0, most = lists[side][0]->count + lists[side][1]->count;
        const char **items = lm__arena_array(&e->arena, most + 1, sizeof *items);
        if (!items) return lm__append_memory(a);
        for (int from = 0; from < 2; from++)
            for (size_t i = 0; i < lists[side][from]->count; i++) {
                const char *name = lists[side][from]->items[i];
                if (!lm__text_list_has(&(lm_text_list){items, count}, name)) items[count++] = name;
            }
        *out[side] = (lm_text_list){items, count};
    }
    return LM_OK;
}

/* Parts. */

static lm_status put_add(entry *e, const lm_part_done *done)
{
    lm_append *a = e->append;
    const lm_slot *slot = lm__route_slot(a->route, done->slot);
    size_t partitions = a->descriptor->partition_count, tags = 0;
    lm_key_value *values = lm__arena_array(&e->arena, partitions + 1, sizeof *values);
    lm_key_value *tag = lm__arena_array(&e->arena, 3, sizeof *tag);
    lm_buffer path;
    lm__buffer_init(&path, a->allocator, 0);
    char *uri = arena_text(&e->arena, &path, lm__part_path_encode(&path, done->path));
    char *batch = lm__arena_printf(&e->arena, "%lld", (long long)a->options->batch);
    if (!values || !tag || !uri || !batch) return lm__append_memory(a);
    for (size_t i = 0; i < partitions; i++)
        values[i] = pair(a->descriptor->partitions[i].name, slot->values[i]);
    if (done->checksum[0]) tag[tags++] = pair(LM_TABLE_TAG_CHECKSUM, done->checksum);
    if (a->options->has_batch) {
        tag[tags++] = pair(LM_TABLE_TAG_RUN, a->run_id);
        tag[tags++] = pair(LM_TABLE_TAG_BATCH, batch);
    }
    lm_action *action = &e->actions[e->count++];
    *action = (lm_action){.kind = LM_ACTION_ADD};
    action->add = (lm_delta_add){.path = uri,
                                 .partition_values = {values, partitions},
                                 .size = (int64_t)done->bytes,
                                 .modification_time_ms = done->mtime_ms,
                                 .data_change = true,
                                 .stats = done->stats,
                                 .stats_size = strlen(done->stats),
                                 .tags = {tag, tags},
                                 .has_tags = tags > 0};
    return LM_OK;
}

/* By partition, as their values' order is, nulls first; parts of one in the order they were made.
 */
static int compare_keys(const lm_append *a, const lm_part_done *x, const lm_part_done *y)
{
    const lm_slot *p = lm__route_slot(a->route, x->slot), *q = lm__route_slot(a->route, y->slot);
    for (size_t i = 0; i < a->descriptor->partition_count; i++) {
        const lm_slot_key *k = &p->keys[i], *l = &q->keys[i];
        if (k->is_null != l->is_null) return k->is_null ? -1 : 1;
        if (k->code == l->code) continue;
        lm_type_id type = a->route_columns[i].field->type.id;
        if (type == LM_TYPE_UTF8 || type == LM_TYPE_DECIMAL128)
            return strcmp(p->values[i], q->values[i]);
        return k->code < l->code ? -1 : 1;
    }
    return 0;
}

void lm__append_sort(lm_append *a)
{
    for (size_t gap = a->done_count / 2; gap > 0; gap /= 2) /* Shell's: no context for qsort */
        for (size_t i = gap; i < a->done_count; i++) {
            lm_part_done moved = a->done[i];
            size_t at = i;
            for (; at >= gap; at -= gap) {
                int order = compare_keys(a, &a->done[at - gap], &moved);
                if (order < 0 || (order == 0 && strcmp(a->done[at - gap].path, moved.path) <= 0))
                    break;
                a->done[at] = a->done[at - gap];
            }
            a->done[at] = moved;
        }
}

/* The whole. */

static lm_status make_actions(entry *e)
{
    lm_append *a = e->append;
    e->count = 0;
    lm_action *removes;
    size_t remove_count;
    LM_TRY(lm__append_removes(a, &e->arena, &removes, &remove_count));
    e->actions = lm__arena_array(&e->arena, a->done_count + remove_count + 3, sizeof *e->actions);
    if (!e->actions) return lm__append_memory(a);
    if (!a->base || a->widens_protocol) LM_TRY(put_protocol(e));
    if (!a->base || a->changes_metadata) LM_TRY(put_metadata(e));
    if (a->options->has_batch) {
        lm_action *action = &e->actions[e->count++];
        *action = (lm_action){.kind = LM_ACTION_TXN};
        action->txn = (lm_delta_txn){.app_id = a->options->any_order ? a->batch_app : a->run_id,
                                     .version = a->options->batch,
                                     .has_last_updated = true,
                                     .last_updated_ms = now_ms(a)};
    }
    for (size_t i = 0; i < a->done_count; i++) LM_TRY(put_add(e, &a->done[i]));
    for (size_t i = 0; i < remove_count; i++) e->actions[e->count++] = removes[i];
    return LM_OK;
}

/* As Spark has them: mode Append or Overwrite, partitionBy ["bucket"], and the predicate of an
 * overwrite of some partitions. */
static lm_status make_parameters(entry *e, lm_text_map *parameters)
{
    lm_append *a = e->append;
    lm_key_value *items = lm__arena_array(&e->arena, 3, sizeof *items);
    const lm_expr *where = a->options->replace_where;
    size_t where_size = where ? lm_expr_format(where, NULL, 0) + 1 : 1;
    char *predicate = lm__arena_alloc(&e->arena, where_size);
    lm_buffer list;
    lm_json_writer writer;
    lm__buffer_init(&list, a->allocator, 0);
    lm__json_writer_init(&writer, &list, false);
    lm__json_open_array(&writer);
    for (size_t i = 0; i < a->descriptor->partition_count; i++)
        lm__json_string(&writer, a->descriptor->partitions[i].name);
    lm__json_close_array(&writer);
    char *columns = arena_text(&e->arena, &list, writer.status);
    if (!items || !columns || !predicate) return lm__append_memory(a);
    items[0] = pair("mode", a->options->replace ? "Overwrite" : "Append");
    items[1] = pair("partitionBy", columns);
    if (where) {
        lm_expr_format(where, predicate, where_size);
        items[2] = pair("predicate", predicate);
    }
    *parameters = (lm_text_map){items, where ? 3 : 2};
    return LM_OK;
}

static lm_status make_metrics(entry *e, lm_text_map *metrics)
{
    const lm_append *a = e->append;
    uint64_t bytes = 0;
    lm_key_value *items = lm__arena_array(&e->arena, 4, sizeof *items);
    for (size_t i = 0; i < a->done_count; i++) bytes += a->done[i].bytes;
    char *removed = lm__arena_printf(&e->arena, "%llu", (unsigned long long)a->parts_removed);
    char *count = lm__arena_printf(&e->arena, "%zu", a->done_count);
    char *rows = lm__arena_printf(&e->arena, "%lld", (long long)a->row_count);
    char *size = lm__arena_printf(&e->arena, "%llu", (unsigned long long)bytes);
    if (!items || !count || !rows || !size || !removed) return lm__append_memory(a);
    items[0] = pair("numFiles", count);
    items[1] = pair("numOutputRows", rows);
    items[2] = pair("numOutputBytes", size);
    items[3] = pair("numRemovedFiles", removed);
    *metrics = (lm_text_map){items, a->options->replace ? 4 : 3};
    return LM_OK;
}

static lm_status make_extra(entry *e, lm_text_map *extra)
{
    const lm_append *a = e->append;
    lm_key_value *items = lm__arena_array(&e->arena, 4, sizeof *items);
    char *batch = lm__arena_printf(&e->arena, "%lld", (long long)a->options->batch);
    size_t count = 0;
    if (!items || !batch) return lm__append_memory(a);
    items[count++] = pair("table", a->table);
    items[count++] = pair("runId", a->run_id);
    items[count++] = pair("schemaVersion", a->descriptor->version.text);
    if (a->options->has_batch) items[count++] = pair("batch", batch);
    *extra = (lm_text_map){items, count};
    return LM_OK;
}

static lm_status place_late(void *context, lm_error *error)
{
    lm_append *a = context;
    (void)error; /* the append's own */
    return lm__append_place(a);
}

static lm_status commit_once(entry *e)
{
    lm_append *a = e->append;
    lm_log_ready ready = {.run = place_late, .context = a, .pool = a->pool};
    lm_commit_request request = {.base = a->base,
                                 .operation = "WRITE",
                                 .reads = LM_READS_NOTHING,
                                 .ready = a->late_count ? &ready : NULL};
    LM_TRY(make_actions(e));
    lm__append_reads(a, &request);
    LM_TRY(make_parameters(e, &request.parameters));
    LM_TRY(make_metrics(e, &request.metrics));
    LM_TRY(make_extra(e, &request.extra));
    request.actions = e->actions;
    request.action_count = e->count;
    return lm__table_commit(&a->log, &request, &a->committed, a->error);
}

/* Another writer was first with something that matters: made the table, changed its schema, or got
 * so far that the entries are gone. */
static lm_status look_again(lm_append *a)
{
    const lm_snapshot_options options = {.without_parts = !a->options->replace};
    lm_snapshot *now;
    LM_TRY(lm__snapshot_load(&a->log, &options, &now, a->error));
    lm__snapshot_free(a->base);
    a->base = now;
    return lm__append_refit(a);
}

lm_status lm__append_commit(lm_append *a)
{
    entry e = {.append = a};
    lm_status status = LM_OK;
    lm__arena_init(&e.arena, a->allocator, 0);
    for (int round = 0;; round++) {
        int64_t there = -1;
        lm__arena_reset(&e.arena);
        status = commit_once(&e);
        if (status == LM_OK && a->committed.was_there) {
            /* To the commit a later batch of the run is as good as ours: was ours appended? */
            status = look_again(a);
            if (status == LM_OK) status = lm__append_find_batch(a, &there);
            a->committed.version = there;
            break;
        }
        bool again =
            status == LM_CONFLICT || status == LM_STALE || (status == LM_EXISTS && !a->base);
        if (!again || round == LM_TABLE_COMMIT_ROUNDS_MAX) break;
        status = look_again(a);
        if (status == LM_OK && a->options->has_batch) {
            status = lm__append_find_batch(a, &there);
            if (status == LM_OK) {
                a->committed = (lm_commit_result){.version = there, .was_there = true};
                break;
            }
            if (status == LM_NOT_FOUND) status = LM_OK;
        }
        if (status != LM_OK) break;
    }
    lm__arena_deinit(&e.arena);
    return status;
}

/* Batches. */

typedef struct batch_search {
    const lm_append *append;
    int64_t found;
} batch_search;

static lm_status look_for_batch(void *context, int64_t version, const lm_action *actions,
                                size_t count, lm_error *error)
{
    batch_search *search = context;
    (void)error;
    for (size_t i = 0; i < count; i++)
        if (actions[i].kind == LM_ACTION_TXN &&
            actions[i].txn.version == search->append->options->batch &&
            (strcmp(actions[i].txn.app_id, search->append->run_id) == 0 ||
             strcmp(actions[i].txn.app_id, search->append->batch_app) == 0))
            search->found = version;
    return LM_OK;
}

/* The oldest entry that is still there, and all after it; *whole: none is gone. */
static lm_status search_log(lm_append *a, int64_t *version, bool *whole)
{
    lm_arena arena;
    lm_log_listing listing = {0};
    batch_search search = {a, -1};
    lm__arena_init(&arena, a->allocator, 0);
    lm_status status = lm__log_listing_read(&a->log, 0, false, &arena, &listing, a->error);
    *whole = status == LM_OK && listing.entry_count > 0 && listing.entries[0].version == 0;
    if (status == LM_OK && listing.entry_count > 0)
        status = lm__log_entries(&a->log, listing.entries[0].version,
                                 listing.entries[listing.entry_count - 1].version, look_for_batch,
                                 &search, a->error);
    lm__arena_deinit(&arena);
    *version = search.found;
    return status;
}

lm_status lm__append_find_batch(lm_append *a, int64_t *version)
{
    const lm_snapshot_txn *own = a->base ? lm__snapshot_txn(a->base, a->batch_app) : NULL;
    const lm_snapshot_txn *last = a->base ? lm__snapshot_txn(a->base, a->run_id) : NULL;
    int64_t batch = a->options->batch;
    bool whole;
    *version = -1;
    if (!own && last && last->txn.version == batch) own = last;
    if (own) { /* in a checkpoint: its entry may be gone */
        *version = own->entry;
        return LM_OK;
    }
    if (!last || last->txn.version < batch) return LM_NOT_FOUND;
    LM_TRY(search_log(a, version, &whole));
    if (*version >= 0) return LM_OK;
    if (a->options->any_order && whole) return LM_NOT_FOUND;
    return lm__error_set(a->error, LM_CONFLICT,
                         "%s: batch %lld of the run %s comes after batch %lld, and it is not known "
                         "whether it was appended: the numbers of a run rise, unless all of them "
                         "are told to come in any order",
                         a->directory, (long long)batch, a->run_id, (long long)last->txn.version);
}
