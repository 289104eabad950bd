/* Tables in memory for the tests of table/. */
#ifndef LM_TESTS_TABLE_FIXTURE_H
#define LM_TESTS_TABLE_FIXTURE_H

#include "check.h"

#include "base/alloc.h"
#include "base/error.h"
#include "table/commit.h"

#define SCHEMA                                                                                     \
    "{\"type\":\"struct\",\"fields\":[{\"name\":\"id\",\"type\":\"long\",\"nullable\":true,"       \
    "\"metadata\":{}},{\"name\":\"bucket\",\"type\":\"long\",\"nullable\":true,\"metadata\":{}}]}"

static inline lm_store *mem_open(void)
{
    lm_store *store = NULL;
    if (lm__store_mem_open(NULL, &store, NULL) != LM_OK) abort();
    return store;
}

static inline void put_file(lm_store *store, const char *path, const void *bytes, size_t size)
{
    if (lm__store_put_if_absent(store, path, bytes, size, NULL) != LM_OK) abort();
}

/* Entry `version` of the table "t". */
static inline void put_entry(lm_store *store, int64_t version, const char *text)
{
    char path[64];
    snprintf(path, sizeof path, "t/_delta_log/%020lld.json", (long long)version);
    put_file(store, path, text, strlen(text));
}

static inline void remove_file(lm_store *store, const char *path)
{
    if (lm__store_remove(store, path, LM_DURABILITY_NONE, NULL) != LM_OK) abort();
}

static inline lm_table_log log_open(lm_store *store, const lm_allocator *allocator)
{
    lm_table_log log;
    if (lm__table_log_init(&log, allocator, store, "t", NULL) != LM_OK) abort();
    log.threads = 1;
    return log;
}

static inline lm_delta_metadata metadata_of(void)
{
    static const char *const partition_columns[] = {"bucket"};
    return (lm_delta_metadata){
        .id = "8e1f5b0a-0000-4000-8000-000000000001",
        .provider = "parquet",
        .schema = SCHEMA,
        .schema_size = sizeof SCHEMA - 1,
        .partition_columns = {partition_columns, 1},
        .has_created_time = true,
        .created_time_ms = 1700000000000,
    };
}

static inline lm_action action_metadata(void)
{
    return (lm_action){.kind = LM_ACTION_METADATA, .metadata = metadata_of()};
}

static inline lm_action action_protocol(void)
{
    return (lm_action){.kind = LM_ACTION_PROTOCOL, .protocol = lm__table_protocol(false)};
}

static inline lm_action action_add(const char *path)
{
    static const lm_key_value bucket = {
        .key = "bucket", .key_size = 6, .value = "1", .value_size = 1};
    return (lm_action){
        .kind = LM_ACTION_ADD,
        .add = {.path = path,
                .partition_values = {&bucket, 1},
                .size = 100,
                .modification_time_ms = 1700000000001,
                .data_change = true,
                .stats = "{\"numRecords\":3}",
                .stats_size = 16},
    };
}

static inline lm_action action_remove(const char *path)
{
    return (lm_action){
        .kind = LM_ACTION_REMOVE,
        .remove = {.path = path,
                   .has_deletion_time = true,
                   .deletion_time_ms = 1700000000002,
                   .data_change = true},
    };
}

static inline lm_action action_txn(const char *app_id, int64_t version)
{
    return (lm_action){.kind = LM_ACTION_TXN, .txn = {.app_id = app_id, .version = version}};
}

/* The live paths, sorted, with a space after each. */
static inline int compare_paths(const void *a, const void *b)
{
    return strcmp(((const lm_delta_add *)a)->path, ((const lm_delta_add *)b)->path);
}
static inline const char *paths_of(lm_snapshot *s, char *text, size_t size)
{
    size_t used = 0;
    text[0] = '\0';
    if (s->part_count) qsort(s->parts, s->part_count, sizeof *s->parts, compare_paths);
    for (size_t i = 0; i < s->part_count && used < size; i++)
        used += (size_t)snprintf(text + used, size - used, "%s ", s->parts[i].path);
    return text;
}

/* The newest version, or (version >= 0) that one; NULL when it cannot be loaded. */
static inline lm_snapshot *load_at(lm_store *store, int64_t version, lm_error *error)
{
    lm_table_log log = log_open(store, NULL);
    const lm_snapshot_options options = {.has_version = version >= 0, .version = version};
    lm_snapshot *snapshot = NULL;
    lm_status status = lm__snapshot_load(&log, &options, &snapshot, error);
    if (status != LM_OK && snapshot) abort();
    lm__table_log_deinit(&log);
    return snapshot;
}

#endif
