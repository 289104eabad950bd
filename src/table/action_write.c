/* From actions to the lines of an entry; see actions.h. */
#include <string.h>

#include "base/error.h"
#include "table/actions.h"

static void put_text(lm_json_writer *w, const char *key, const char *text)
{
    if (text) lm__json_member_string_out(w, key, text);
}

static void put_map(lm_json_writer *w, const char *key, const lm_text_map *map)
{
    lm__json_key(w, key);
    lm__json_open_object(w);
    for (size_t i = 0; i < map->count; i++) {
        lm__json_key(w, map->items[i].key);
        if (map->items[i].value)
            lm__json_string_n(w, map->items[i].value, map->items[i].value_size);
        else
            lm__json_null(w);
    }
    lm__json_close_object(w);
}

static void put_list(lm_json_writer *w, const char *key, const lm_text_list *list)
{
    lm__json_key(w, key);
    lm__json_open_array(w);
    for (size_t i = 0; i < list->count; i++) lm__json_string(w, list->items[i]);
    lm__json_close_array(w);
}

static void put_commit_info(lm_json_writer *w, const lm_delta_commit_info *info)
{
    if (info->has_in_commit_timestamp)
        lm__json_member_int_out(w, "inCommitTimestamp", info->in_commit_timestamp_ms);
    if (info->has_timestamp) lm__json_member_int_out(w, "timestamp", info->timestamp_ms);
    put_text(w, "operation", info->operation);
    put_map(w, "operationParameters", &info->parameters);
    if (info->has_read_version) lm__json_member_int_out(w, "readVersion", info->read_version);
    if (info->is_blind_append >= 0)
        lm__json_member_bool_out(w, "isBlindAppend", info->is_blind_append);
    if (info->metrics.count) put_map(w, "operationMetrics", &info->metrics);
    put_text(w, "engineInfo", info->engine);
    put_text(w, "txnId", info->txn_id);
    for (size_t i = 0; i < info->extra.count; i++)
        put_text(w, info->extra.items[i].key, info->extra.items[i].value);
}

static void put_protocol(lm_json_writer *w, const lm_delta_protocol *protocol)
{
    lm__json_member_int_out(w, "minReaderVersion", protocol->reader);
    lm__json_member_int_out(w, "minWriterVersion", protocol->writer);
    if (protocol->has_reader_features) put_list(w, "readerFeatures", &protocol->reader_features);
    if (protocol->has_writer_features) put_list(w, "writerFeatures", &protocol->writer_features);
}

static void put_metadata(lm_json_writer *w, const lm_delta_metadata *metadata)
{
    put_text(w, "id", metadata->id);
    put_text(w, "name", metadata->name);
    put_text(w, "description", metadata->description);
    lm__json_key(w, "format");
    lm__json_open_object(w);
    put_text(w, "provider", metadata->provider ? metadata->provider : "parquet");
    put_map(w, "options", &metadata->format_options);
    lm__json_close_object(w);
    lm__json_key(w, "schemaString");
    lm__json_string_n(w, metadata->schema, metadata->schema_size);
    put_list(w, "partitionColumns", &metadata->partition_columns);
    put_map(w, "configuration", &metadata->configuration);
    if (metadata->has_created_time)
        lm__json_member_int_out(w, "createdTime", metadata->created_time_ms);
}

static void put_add(lm_json_writer *w, const lm_delta_add *add)
{
    put_text(w, "path", add->path);
    put_map(w, "partitionValues", &add->partition_values);
    lm__json_member_int_out(w, "size", add->size);
    lm__json_member_int_out(w, "modificationTime", add->modification_time_ms);
    lm__json_member_bool_out(w, "dataChange", add->data_change);
    if (add->stats) {
        lm__json_key(w, "stats");
        lm__json_string_n(w, add->stats, add->stats_size);
    }
    if (add->has_tags) put_map(w, "tags", &add->tags);
}

static void put_remove(lm_json_writer *w, const lm_delta_remove *remove)
{
    put_text(w, "path", remove->path);
    if (remove->has_deletion_time)
        lm__json_member_int_out(w, "deletionTimestamp", remove->deletion_time_ms);
    lm__json_member_bool_out(w, "dataChange", remove->data_change);
    if (!remove->extended) return;
    lm__json_member_bool_out(w, "extendedFileMetadata", true);
    put_map(w, "partitionValues", &remove->partition_values);
    lm__json_member_int_out(w, "size", remove->size);
}

static void put_txn(lm_json_writer *w, const lm_delta_txn *txn)
{
    put_text(w, "appId", txn->app_id);
    lm__json_member_int_out(w, "version", txn->version);
    if (txn->has_last_updated) lm__json_member_int_out(w, "lastUpdated", txn->last_updated_ms);
}

static void put_domain(lm_json_writer *w, const lm_delta_domain *domain)
{
    put_text(w, "domain", domain->domain);
    put_text(w, "configuration", domain->configuration ? domain->configuration : "");
    lm__json_member_bool_out(w, "removed", domain->removed);
}

static const char *key_of(lm_action_kind kind)
{
    switch (kind) {
    case LM_ACTION_COMMIT_INFO: return "commitInfo";
    case LM_ACTION_PROTOCOL: return "protocol";
    case LM_ACTION_METADATA: return "metaData";
    case LM_ACTION_TXN: return "txn";
    case LM_ACTION_ADD: return "add";
    case LM_ACTION_REMOVE: return "remove";
    case LM_ACTION_DOMAIN: return "domainMetadata";
    case LM_ACTION_SIDECAR:
    case LM_ACTION_CDC:
    case LM_ACTION_OTHER: break;
    }
    return NULL;
}

lm_status lm__action_write(lm_buffer *out, const lm_action *action, lm_error *error)
{
    lm_json_writer w;
    const char *key = key_of(action->kind);
    if (!key) return lm__error_set(error, LM_INVALID, "an action of this kind is never written");
    lm__json_writer_init(&w, out, false);
    lm__json_open_object(&w);
    lm__json_key(&w, key);
    lm__json_open_object(&w);
    switch (action->kind) {
    case LM_ACTION_COMMIT_INFO: put_commit_info(&w, &action->commit_info); break;
    case LM_ACTION_PROTOCOL: put_protocol(&w, &action->protocol); break;
    case LM_ACTION_METADATA: put_metadata(&w, &action->metadata); break;
    case LM_ACTION_TXN: put_txn(&w, &action->txn); break;
    case LM_ACTION_ADD: put_add(&w, &action->add); break;
    case LM_ACTION_REMOVE: put_remove(&w, &action->remove); break;
    default: put_domain(&w, &action->domain); break;
    }
    lm__json_close_object(&w);
    lm__json_close_object(&w);
    lm_status status = w.status == LM_OK ? lm__buffer_byte(out, '\n') : w.status;
    if (status == LM_LIMIT)
        return lm__error_set(error, LM_LIMIT, "an entry of the log would have more than %zu bytes",
                             out->bytes_max);
    if (status != LM_OK) return lm__error_memory(error, "writing an entry of the log");
    return LM_OK;
}
