/* Taking actions into a snapshot; see replay.h. */
#include "table/replay.h"

#include <string.h>

#include "base/alloc.h"
#include "base/error.h"
#include "base/limits.h"

static lm_status no_memory(const lm_replay *r)
{
    return lm__error_memory(r->error, "reading the state of a table");
}

/* ---- copies; NULL is no memory, save of a NULL ---- */

static const char *copy_text(lm_replay *r, const char *text)
{
    return text ? lm__arena_strdup(&r->snapshot->arena, text) : NULL;
}

/* Keys are few and come again and again. */
static const char *copy_key(lm_replay *r, const char *key)
{
    for (size_t i = 0; i < r->key_count; i++)
        if (strcmp(r->keys[i], key) == 0) return r->keys[i];
    const char *copy = copy_text(r, key);
    if (copy && r->key_count < LM_REPLAY_KEYS_MAX) r->keys[r->key_count++] = copy;
    return copy;
}

static bool copy_map(lm_replay *r, lm_text_map *map)
{
    lm_arena *arena = &r->snapshot->arena;
    if (map->count == 0) {
        map->items = NULL;
        return true;
    }
    lm_key_value *items = lm__arena_array(arena, map->count, sizeof *items);
    if (!items) return false;
    for (size_t i = 0; i < map->count; i++) {
        items[i] = map->items[i];
        items[i].key = copy_key(r, items[i].key);
        if (items[i].value)
            items[i].value = lm__arena_strndup(arena, items[i].value, items[i].value_size);
        if (!items[i].key || (!items[i].value && map->items[i].value)) return false;
    }
    map->items = items;
    return true;
}

static bool copy_list(lm_replay *r, lm_text_list *list)
{
    if (list->count == 0) return true;
    const char **items = lm__arena_array(&r->snapshot->arena, list->count, sizeof *items);
    if (!items) return false;
    for (size_t i = 0; i < list->count; i++)
        if (!(items[i] = copy_text(r, list->items[i]))) return false;
    list->items = items;
    return true;
}

/* Items with room for one more, or NULL. */
static void *room(const lm_replay *r, void *items, size_t count, size_t *capacity, size_t size)
{
    if (count < *capacity) return items;
    size_t more = *capacity ? *capacity + *capacity / 2 : 64;
    if (more > LM_TABLE_PARTS_MAX) return NULL;
    void *grown = lm__realloc_array(r->snapshot->allocator, items, more, size);
    if (grown) *capacity = more;
    return grown;
}

/* ---- one of each ---- */

lm_status lm__replay_protocol(lm_replay *r, const lm_delta_protocol *protocol)
{
    if (r->has_protocol) return LM_OK;
    lm_delta_protocol *own = &r->snapshot->protocol;
    *own = *protocol;
    if (!copy_list(r, &own->reader_features) || !copy_list(r, &own->writer_features))
        return no_memory(r);
    r->has_protocol = true;
    return LM_OK;
}

lm_status lm__replay_metadata(lm_replay *r, const lm_delta_metadata *metadata)
{
    if (r->has_metadata) return LM_OK;
    lm_delta_metadata *own = &r->snapshot->metadata;
    *own = *metadata;
    own->id = copy_text(r, own->id);
    own->name = copy_text(r, own->name);
    own->description = copy_text(r, own->description);
    own->provider = copy_text(r, own->provider);
    own->schema = lm__arena_strndup(&r->snapshot->arena, own->schema, own->schema_size);
    if (!own->id || !own->provider || !own->schema || (!own->name && metadata->name) ||
        (!own->description && metadata->description) || !copy_map(r, &own->format_options) ||
        !copy_map(r, &own->configuration) || !copy_list(r, &own->partition_columns))
        return no_memory(r);
    r->has_metadata = true;
    return LM_OK;
}

lm_status lm__replay_readable(const lm_replay *r)
{
    const lm_snapshot *s = r->snapshot;
    if (!r->has_protocol || !r->has_metadata)
        return lm__error_set(r->error, LM_CORRUPT, "%s: version %lld has no %s", r->log->directory,
                             (long long)s->version, r->has_protocol ? "metaData" : "protocol");
    return lm__table_readable(&s->protocol, &s->metadata, r->log->root, r->error);
}

/* ---- many ---- */

lm_status lm__replay_txn(lm_replay *r, const lm_delta_txn *txn, int64_t entry)
{
    lm_snapshot *s = r->snapshot;
    if (lm__text_index_find(&r->apps, txn->app_id)) return LM_OK;
    lm_snapshot_txn *grown = room(r, s->txns, s->txn_count, &s->txn_capacity, sizeof *grown);
    if (!grown) return no_memory(r);
    s->txns = grown;
    lm_snapshot_txn own = {*txn, entry};
    own.txn.app_id = copy_text(r, txn->app_id);
    if (!own.txn.app_id ||
        lm__text_index_add(&r->apps, own.txn.app_id, (int64_t)s->txn_count) != LM_OK)
        return no_memory(r);
    s->txns[s->txn_count++] = own;
    return LM_OK;
}

/* Has a newer action spoken of this path? If not, this one has now. */
static lm_status settle(lm_replay *r, const char *path, int64_t entry, const char **own)
{
    *own = NULL;
    if (lm__text_index_find(&r->paths, path)) return LM_OK;
    *own = copy_text(r, path);
    if (!*own || (entry >= 0 && lm__text_index_add(&r->paths, *own, entry) != LM_OK))
        return no_memory(r);
    return LM_OK;
}

lm_status lm__replay_add(lm_replay *r, const lm_delta_add *add, int64_t entry)
{
    lm_snapshot *s = r->snapshot;
    lm_delta_add own = *add;
    if (!s->has_parts) return LM_OK;
    lm_status status = settle(r, add->path, entry, &own.path);
    if (status != LM_OK || !own.path) return status;
    lm_delta_add *grown = room(r, s->parts, s->part_count, &s->part_capacity, sizeof *grown);
    if (!grown) return no_memory(r);
    s->parts = grown;
    if (own.stats) own.stats = lm__arena_strndup(&s->arena, own.stats, own.stats_size);
    if ((!own.stats && add->stats) || !copy_map(r, &own.partition_values) ||
        !copy_map(r, &own.tags))
        return no_memory(r);
    s->parts[s->part_count++] = own;
    return LM_OK;
}

lm_status lm__replay_remove(lm_replay *r, const lm_delta_remove *remove, int64_t entry)
{
    lm_snapshot *s = r->snapshot;
    lm_delta_remove own = *remove;
    if (!s->has_parts || (entry < 0 && !s->has_removes)) return LM_OK;
    lm_status status = settle(r, remove->path, entry, &own.path);
    if (status != LM_OK || !own.path || !s->has_removes) return status;
    lm_delta_remove *grown =
        room(r, s->removes, s->remove_count, &s->remove_capacity, sizeof *grown);
    if (!grown) return no_memory(r);
    s->removes = grown;
    if (!copy_map(r, &own.partition_values)) return no_memory(r);
    s->removes[s->remove_count++] = own;
    return LM_OK;
}

/* ---- any ---- */

lm_status lm__replay_action(lm_replay *r, const lm_action *action, int64_t entry)
{
    switch (action->kind) {
    case LM_ACTION_PROTOCOL: return lm__replay_protocol(r, &action->protocol);
    case LM_ACTION_METADATA: return lm__replay_metadata(r, &action->metadata);
    case LM_ACTION_TXN: return lm__replay_txn(r, &action->txn, entry);
    case LM_ACTION_ADD: return lm__replay_add(r, &action->add, entry);
    case LM_ACTION_REMOVE: return lm__replay_remove(r, &action->remove, entry);
    default: return LM_OK;
    }
}
