/*
 * The actions of a Delta log (github.com/delta-io/delta, PROTOCOL.md, "Actions"): from the lines of
 * an entry, and back to bytes.
 *
 * Where it stands: an entry of publish/numbered_log is made of these; snapshot.h replays them,
 * commit.h writes them.
 *
 * Invariants
 *  1. What is read has its required fields, in their types; an entry that is cut or damaged is
 *     LM_CORRUPT with its name and the line. Members and actions that are not known are passed
 *     over, as the protocol asks ("Protocol Evolution").
 *  2. Path and deletion vector together say which part is meant.
 *  3. The same action gives the same bytes, one line, in the order of Spark's fields; absent fields
 *     are left out.
 *  4. What was read lives in the arena; what is written is borrowed for the call.
 */
#ifndef LM_TABLE_ACTIONS_H
#define LM_TABLE_ACTIONS_H

#include "arrow/schema.h"
#include "base/json.h"

typedef enum lm_action_kind {
    LM_ACTION_OTHER, /* passed over: checkpointMetadata, what will come */
    LM_ACTION_COMMIT_INFO,
    LM_ACTION_PROTOCOL,
    LM_ACTION_METADATA,
    LM_ACTION_TXN,
    LM_ACTION_ADD,
    LM_ACTION_REMOVE,
    LM_ACTION_CDC,
    LM_ACTION_DOMAIN,
    LM_ACTION_SIDECAR, /* in checkpoints only */
} lm_action_kind;

/* A map of texts; a NULL value is a null. */
typedef struct lm_text_map {
    const lm_key_value *items;
    size_t count;
} lm_text_map;

typedef struct lm_text_list {
    const char *const *items;
    size_t count;
} lm_text_list;

typedef struct lm_delta_protocol {
    int32_t reader, writer;
    bool has_reader_features, has_writer_features;
    lm_text_list reader_features, writer_features;
} lm_delta_protocol;

typedef struct lm_delta_metadata {
    const char *id;
    const char *name, *description; /* NULL: absent */
    const char *provider;           /* of the format; NULL: "parquet" */
    lm_text_map format_options;
    const char *schema; /* schemaString: delta_schema.h reads it */
    size_t schema_size;
    lm_text_list partition_columns;
    bool has_created_time;
    int64_t created_time_ms;
    lm_text_map configuration;
} lm_delta_metadata;

/* Where it is told which rows of a part count no more (deletion_vector.h). */
typedef struct lm_delta_vector {
    const char *storage; /* "u", "p" or "i" */
    const char *place;   /* pathOrInlineDv */
    bool has_offset;
    int64_t offset, size;
    int64_t cardinality; /* how many rows */
} lm_delta_vector;

/* A part: a data file of the table. */
typedef struct lm_delta_add {
    const char *path; /* as the log has it: a URI, see part_path.h */
    lm_text_map partition_values;
    int64_t size, modification_time_ms;
    bool data_change;
    const char *stats; /* JSON, see stats.h; NULL: none */
    size_t stats_size;
    lm_text_map tags;
    bool has_tags;
    const lm_delta_vector *vector; /* NULL: every row counts */
} lm_delta_add;

typedef struct lm_delta_remove {
    const char *path;
    bool has_deletion_time;
    int64_t deletion_time_ms;
    bool data_change;
    bool extended; /* the next two are known */
    lm_text_map partition_values;
    int64_t size;
    const lm_delta_vector *vector;
} lm_delta_remove;

typedef struct lm_delta_txn {
    const char *app_id;
    int64_t version;
    bool has_last_updated;
    int64_t last_updated_ms;
} lm_delta_txn;

typedef struct lm_delta_domain {
    const char *domain, *configuration;
    bool removed;
} lm_delta_domain;

/* A file of adds and removes that belong to a checkpoint. */
typedef struct lm_delta_sidecar {
    const char *path; /* a URI; the file is in _sidecars whatever it says */
} lm_delta_sidecar;

typedef struct lm_delta_commit_info {
    bool has_timestamp, has_in_commit_timestamp;
    int64_t timestamp_ms, in_commit_timestamp_ms;
    const char *operation;  /* "WRITE", "DELETE", …; NULL: none */
    lm_text_map parameters; /* operationParameters; read: their JSON where they are no text */
    bool has_read_version;  /* the version that the commit was made upon */
    int64_t read_version;
    int is_blind_append; /* 1, 0, or -1: not told */
    const char *engine;  /* engineInfo */
    const char *txn_id;  /* unique to the commit: how its maker knows it again */
    lm_text_map metrics; /* operationMetrics */
    lm_text_map extra;   /* written: more members, as texts */
    const lm_json *tree; /* read: all of it */
} lm_delta_commit_info;

typedef struct lm_action {
    lm_action_kind kind;
    union {
        lm_delta_commit_info commit_info;
        lm_delta_protocol protocol;
        lm_delta_metadata metadata;
        lm_delta_txn txn;
        lm_delta_add add;
        lm_delta_remove remove;
        lm_delta_domain domain;
        lm_delta_sidecar sidecar;
    };
} lm_action;

/* The value of a key, or NULL: absent, or null. */
const char *lm__text_map_get(const lm_text_map *map, const char *key);
bool lm__text_list_has(const lm_text_list *list, const char *text);
/* NULL: no memory. */
const lm_delta_vector *lm__delta_vector_copy(lm_arena *arena, const lm_delta_vector *vector);

/* The actions of an entry, without those that are passed over. `name` is for messages. */
LM_MUST_USE lm_status lm__actions_read(lm_arena *arena, const void *text, size_t size,
                                       const char *name, lm_action **actions, size_t *count,
                                       lm_error *error);
/* Appends a line, with its newline. */
LM_MUST_USE lm_status lm__action_write(lm_buffer *out, const lm_action *action, lm_error *error);

#endif
