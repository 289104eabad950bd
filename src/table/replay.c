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

/* Room for one more item. */
static bool room(const lm_replay *r, void *items, size_t count, size_t *capacity, size_t size)
{
    return count < LM_TABLE_PARTS_MAX &&
           lm__array_room(r->snapshot->allocator, items, capacity, count + 1, size);
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
    if (r->has_vectors && !lm__text_list_has(&s->protocol.reader_features, "deletionVectors"))
        return lm__error_set(r->error, LM_CORRUPT,
                             "%s: version %lld has a part with a deletion vector, and the table "
                             "has not the Delta feature deletionVectors",
                             r->log->directory, (long long)s->version);
    return lm__table_readable(&s->protocol, &s->metadata, r->log->root, r->error);
}

/* ---- many ---- */

lm_status lm__replay_txn(lm_replay *r, const lm_delta_txn *txn, int64_t entry)
{
    lm_snapshot *s = r->snapshot;
    if (lm__text_index_find(&r->apps, txn->app_id)) return LM_OK;
    if (!room(r, &s->txns, s->txn_count, &s->txn_capacity, sizeof *s->txns)) return no_memory(r);
    lm_snapshot_txn own = {*txn, entry};
    own.txn.app_id = copy_text(r, txn->app_id);
    if (!own.txn.app_id ||
        lm__text_index_add(&r->apps, own.txn.app_id, (int64_t)s->txn_count) != LM_OK)
        return no_memory(r);
    s->txns[s->txn_count++] = own;
    return LM_OK;
}

/* What an action speaks of: a path, and its deletion vector behind a byte that no URI has. NULL: no
 * memory. */
static const char *name_of(lm_replay *r, const char *path, const lm_delta_vector *vector)
{
    if (!vector) return path;
    lm__buffer_clear(&r->name);
    lm_status status =
        lm__buffer_printf(&r->name, "%s\n%s%s@%lld", path, vector->storage, vector->place,
                          vector->has_offset ? (long long)vector->offset : -1);
    if (status == LM_OK) status = lm__buffer_byte(&r->name, '\0');
    return status == LM_OK ? (const char *)r->name.data : NULL;
}

/* Has a newer action spoken of this? If not, this one has now, and *own is its path. */
static lm_status settle(lm_replay *r, const char *path, const lm_delta_vector *vector,
                        int64_t entry, const char **own)
{
    const char *name = name_of(r, path, vector);
    *own = NULL;
    if (!name) return no_memory(r);
    if (lm__text_index_find(&r->paths, name)) return LM_OK;
    *own = copy_text(r, path);
    if (!*own) return no_memory(r);
    if (entry < 0) return LM_OK;
    name = vector ? copy_text(r, name) : *own;
    return name && lm__text_index_add(&r->paths, name, entry) == LM_OK ? LM_OK : no_memory(r);
}

static bool copy_vector(lm_replay *r, const lm_delta_vector **vector)
{
    if (!*vector) return true;
    *vector = lm__delta_vector_copy(&r->snapshot->arena, *vector);
    return *vector != NULL;
}

lm_status lm__replay_add(lm_replay *r, const lm_delta_add *add, int64_t entry)
{
    lm_snapshot *s = r->snapshot;
    lm_delta_add own = *add;
    if (!s->has_parts) return LM_OK;
    lm_status status = settle(r, add->path, add->vector, entry, &own.path);
    if (status != LM_OK || !own.path) return status;
    if (!room(r, &s->parts, s->part_count, &s->part_capacity, sizeof *s->parts))
        return no_memory(r);
    if (own.stats) own.stats = lm__arena_strndup(&s->arena, own.stats, own.stats_size);
    if ((!own.stats && add->stats) || !copy_map(r, &own.partition_values) ||
        !copy_map(r, &own.tags) || !copy_vector(r, &own.vector))
        return no_memory(r);
    r->has_vectors |= own.vector != NULL;
    s->parts[s->part_count++] = own;
    return LM_OK;
}

lm_status lm__replay_remove(lm_replay *r, const lm_delta_remove *remove, int64_t entry)
{
    lm_snapshot *s = r->snapshot;
    lm_delta_remove own = *remove;
    if (!s->has_parts || (entry < 0 && !s->has_removes)) return LM_OK;
    lm_status status = settle(r, remove->path, remove->vector, entry, &own.path);
    if (status != LM_OK || !own.path || !s->has_removes) return status;
    if (!room(r, &s->removes, s->remove_count, &s->remove_capacity, sizeof *s->removes))
        return no_memory(r);
    if (!copy_map(r, &own.partition_values) || !copy_vector(r, &own.vector)) return no_memory(r);
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
