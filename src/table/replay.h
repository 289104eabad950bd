/*
 * A snapshot while it comes to be: actions are told newest first, and each is taken unless a newer
 * one has settled what it is about. What is kept is copied into the snapshot's arena.
 */
#ifndef LM_TABLE_REPLAY_H
#define LM_TABLE_REPLAY_H

#include "table/snapshot.h"

#define LM_REPLAY_KEYS_MAX 32

typedef struct lm_replay {
    lm_table_log *log;
    lm_snapshot *snapshot;
    bool has_protocol, has_metadata, has_vectors;
    lm_text_index paths; /* settled by entries; with their deletion vectors, if any */
    lm_text_index apps;
    const char *keys[LM_REPLAY_KEYS_MAX]; /* of partition columns and tags, each once */
    size_t key_count;
    lm_buffer name; /* of a part with a deletion vector, while it is looked for */
    lm_error *error;
} lm_replay;

/* Each copies what it keeps. `entry` is the version of the entry, -1 for a checkpoint, whose paths
 * are distinct and settle nothing. */
LM_MUST_USE lm_status lm__replay_protocol(lm_replay *r, const lm_delta_protocol *protocol);
LM_MUST_USE lm_status lm__replay_metadata(lm_replay *r, const lm_delta_metadata *metadata);
LM_MUST_USE lm_status lm__replay_txn(lm_replay *r, const lm_delta_txn *txn, int64_t entry);
LM_MUST_USE lm_status lm__replay_add(lm_replay *r, const lm_delta_add *add, int64_t entry);
LM_MUST_USE lm_status lm__replay_remove(lm_replay *r, const lm_delta_remove *remove, int64_t entry);

/* Whichever of them it is; others are passed over. */
LM_MUST_USE lm_status lm__replay_action(lm_replay *r, const lm_action *action, int64_t entry);

/* Files of parts that a V2 checkpoint leads to, by their names in the log's directory. */
typedef struct lm_replay_sidecars {
    lm_arena arena;
    const char **names;
    size_t count, capacity;
} lm_replay_sidecars;

/* `from` is the checkpoint's file, for messages. */
LM_MUST_USE lm_status lm__replay_sidecar(lm_replay_sidecars *sidecars, const char *uri,
                                         const char *from, lm_error *error);

/* snapshot_rows.c: of one Parquet file, protocol, metadata, transactions and sidecars, and then
 * adds and, where they are wanted, removes. */
LM_MUST_USE lm_status lm__replay_rows_state(lm_replay *r, const char *path,
                                            lm_replay_sidecars *sidecars);
LM_MUST_USE lm_status lm__replay_rows_parts(lm_replay *r, const char *path);

/* snapshot_checkpoint.c: all of a checkpoint, protocol and metadata first; the table is checked to
 * be readable in between. */
LM_MUST_USE lm_status lm__replay_checkpoint(lm_replay *r, const lm_log_checkpoint *checkpoint);
/* Protocol and metadata are there and can be heeded. */
LM_MUST_USE lm_status lm__replay_readable(const lm_replay *r);

#endif
