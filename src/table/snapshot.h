/*
 * The state of a table at a version: what is left when the entries of its log are replayed
 * (PROTOCOL.md, "Action Reconciliation").
 *
 * Where it stands: log.h says what is there; the newest checkpoint that serves is read by our own
 * Parquet reader, of the columns that are wanted, and the entries after it in parallel, newest
 * first, so that what a later entry removed is never kept.
 *
 * Invariants
 *  1. Memory grows with the live parts (and the removes, where they are asked for), not with the
 *     log: a window of entries is held beside them.
 *  2. A version is read whole or not at all: an entry that is missing, cut or damaged is LM_CORRUPT
 *     with its name, a table that cannot be read rightly LM_UNSUPPORTED with the feature's.
 *  3. _last_checkpoint saves work and is never believed: without it, or with a wrong one, the same
 *     snapshot comes of it.
 *  4. A snapshot does not change, and may be read from many threads.
 */
#ifndef LM_TABLE_SNAPSHOT_H
#define LM_TABLE_SNAPSHOT_H

#include "table/actions.h"
#include "table/features.h"
#include "table/log.h"
#include "table/text_index.h"

typedef struct lm_snapshot_options {
    bool has_version; /* as of `version`, */
    int64_t version;
    bool has_time; /* or the last version that was there at `time_ms`; else the newest */
    int64_t time_ms;
    bool without_parts;       /* protocol, metadata and transactions only */
    bool with_removes;        /* tombstones too */
    bool without_checkpoints; /* by the entries alone: to hold a checkpoint against them, or where
                                 one is damaged */
} lm_snapshot_options;

/* A transaction and where it was found: the version of its entry, or -1 in a checkpoint. */
typedef struct lm_snapshot_txn {
    lm_delta_txn txn;
    int64_t entry;
} lm_snapshot_txn;

typedef struct lm_snapshot {
    const lm_allocator *allocator;
    lm_arena arena; /* all that follows */
    int64_t version;
    int64_t checkpoint_version; /* what was read from a checkpoint; -1: nothing */
    int64_t mtime_ms;           /* of the version's entry; 0 unless it was asked for by time */
    lm_delta_protocol protocol;
    lm_delta_metadata metadata;
    lm_snapshot_txn *txns;
    size_t txn_count, txn_capacity;
    lm_delta_add *parts; /* live ones; in no order that means anything */
    size_t part_count, part_capacity;
    lm_delta_remove *removes;
    size_t remove_count, remove_capacity;
    bool has_parts, has_removes;
} lm_snapshot;

/* LM_NOT_FOUND when there is no table, or none at that version or time. Options may be NULL. */
LM_MUST_USE lm_status lm__snapshot_load(lm_table_log *log, const lm_snapshot_options *options,
                                        lm_snapshot **snapshot, lm_error *error);
/* Takes NULL. */
void lm__snapshot_free(lm_snapshot *snapshot);

/* The transaction of an application, or NULL. */
const lm_snapshot_txn *lm__snapshot_txn(const lm_snapshot *snapshot, const char *app_id);
/* The value of a part's partition column, or NULL: a null, or no such column. An empty text is a
 * null too. */
const char *lm__part_value(const lm_delta_add *part, const char *column);

/* The entries of the versions `from` to `to`, one after the other, as they are; for history and
 * for whoever must know what happened between. `last` is taken to be there. */
typedef lm_status lm_entry_callback(void *context, int64_t version, const lm_action *actions,
                                    size_t count, lm_error *error);
LM_MUST_USE lm_status lm__log_entries(lm_table_log *log, int64_t from, int64_t to,
                                      lm_entry_callback *callback, void *context, lm_error *error);

#endif
