/*
 * The next entry of a table's log: optimistic, by create-if-absent, with what came between looked
 * at when another writer was first.
 *
 * Where it stands: over snapshot.h (what the commit is made upon) and publish/numbered_log (how the
 * entry is made). Whoever appends, overwrites, deletes or compacts ends here, after all parts are
 * durable.
 *
 * What conflicts is decided as Delta's Spark writer decides it (ConflictChecker, isolation level
 * WriteSerializable, or Serializable by the table's delta.isolationLevel). An entry that came
 * between makes the commit fail with LM_CONFLICT when it
 *   - changed the protocol or the metadata;
 *   - removed a part that this commit removes, or one that it read;
 *   - added a part that this commit would have read, unless it was a blind append and the level is
 *     WriteSerializable (then the append counts as coming after), or this commit only rearranges.
 * Else the commit is tried again at the next number.
 *
 * Invariants
 *  1. LM_OK or LM_UNKNOWN_DURABILITY: exactly one entry has the actions, and the result names it,
 *     or (`was_there`) an earlier entry had the transaction already and nothing was written.
 *     LM_UNKNOWN_OUTCOME: nobody can say; the same commit with a `txn` may be tried again. Any
 *     other status: no entry has them.
 *  2. An entry is written on no version that was not replayed or looked at.
 */
#ifndef LM_TABLE_COMMIT_H
#define LM_TABLE_COMMIT_H

#include "table/snapshot.h"

typedef enum lm_commit_reads {
    LM_READS_NOTHING,  /* appends; compaction, whose parts are among its removes */
    LM_READS_MATCHING, /* the parts that `test` is true of */
    LM_READS_ALL,
} lm_commit_reads;

/* Might the part hold rows that were read, or would have been? Removed ones are shown with what is
 * known of them: path, partition values, size. */
typedef bool lm_part_test(void *context, const lm_delta_add *part);

typedef struct lm_commit_request {
    const lm_snapshot *base; /* what it is made upon; NULL: there is no table yet. Its parts are not
                                looked at */
    const lm_action *actions; /* no commitInfo: that is made here */
    size_t action_count;
    const char *operation;  /* "WRITE", "DELETE", "OPTIMIZE", "CREATE TABLE", … */
    lm_text_map parameters; /* of the operation; values as JSON: {"mode", "\"Append\""} */
    lm_text_map metrics;    /* "numFiles": "3" */
    lm_text_map extra;      /* more of commitInfo: "runId": "…" */
    lm_commit_reads reads;
    lm_part_test *test;
    void *test_context;
    int tries_max;       /* 0: LM_TABLE_TRIES_MAX */
    lm_log_ready *ready; /* what must be done before an entry is seen; NULL: nothing. It is not
                            called where there is nothing to write */
} lm_commit_request;

typedef struct lm_commit_result {
    int64_t version;
    bool was_there; /* the transaction was in entry `version` before (-1: in one that is gone) */
    int tries;      /* numbers that were tried */
    int64_t timestamp_ms; /* of commitInfo */
} lm_commit_result;

/* LM_EXISTS when there is a table already and `base` is NULL; LM_UNSUPPORTED for a table that
 * cannot be written rightly, for removes of data from one that is append-only; LM_STALE when the
 * entries after `base` have been cleaned up. */
LM_MUST_USE lm_status lm__table_commit(lm_table_log *log, const lm_commit_request *request,
                                       lm_commit_result *result, lm_error *error);

/* conflict.c: what an entry that came between means. */
typedef struct lm_conflicts {
    const lm_table_log *log;
    const lm_commit_request *request;
    bool serializable;
    bool changes_data;       /* some action has dataChange */
    lm_text_index removes;   /* paths that the commit removes */
    const lm_delta_txn *txn; /* its transaction, or NULL */
    bool was_there;          /* found by the check: the entry has that transaction */
} lm_conflicts;

LM_MUST_USE lm_status lm__conflicts_init(lm_conflicts *conflicts, const lm_table_log *log,
                                         const lm_commit_request *request, lm_error *error);
void lm__conflicts_deinit(lm_conflicts *conflicts);
/* LM_CONFLICT names the entry and the reason. */
LM_MUST_USE lm_status lm__conflicts_check(lm_conflicts *conflicts, int64_t version,
                                          const lm_action *actions, size_t count, lm_error *error);

#endif
