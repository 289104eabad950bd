/*
 * Checkpoints of a table's log, the hint that leads to them, and the removal of what they make
 * superfluous (PROTOCOL.md, "Checkpoints", "Last Checkpoint File", "Metadata Cleanup").
 *
 * Where it stands: after a commit, and never part of it: what fails here leaves the table as it
 * was, and is done by whoever commits next.
 *
 * Invariants
 *  1. A checkpoint is one file, made where none is: it is whole or absent, and of two writers one
 *     makes it. It is classic, or in a table that wants that a V2 one without sidecars, which is
 *     called by the table's id.
 *  2. It has every live part, transaction, and each tombstone that has not expired.
 *  3. _last_checkpoint is replaced by one of a later version only, as far as it can be seen: among
 *     Lamella's writers always, where the store replaces on a condition.
 *  4. Cleaning removes only what comes before a checkpoint that can be opened, and only when that
 *     checkpoint's version is itself older than the log's retention: each version that is not yet
 *     expired can still be read. Entries go in their order, so what is left has no gaps.
 */
#ifndef LM_TABLE_CHECKPOINT_H
#define LM_TABLE_CHECKPOINT_H

#include "table/snapshot.h"

typedef struct lm_checkpoint_result {
    int64_t version;
    bool was_there; /* somebody else made it */
    bool has_hint;  /* _last_checkpoint leads to it, or to a later one */
    int64_t actions, adds;
    uint64_t bytes;
} lm_checkpoint_result;

/* Of a version, or (below 0) of the newest. LM_UNSUPPORTED for a table that cannot be written
 * rightly. */
LM_MUST_USE lm_status lm__table_checkpoint(lm_table_log *log, int64_t version,
                                           lm_checkpoint_result *result, lm_error *error);

/* Removes what the log's retention (the table's delta.logRetentionDuration, or 30 days) leaves
 * superfluous, unless delta.enableExpiredLogCleanup is false; *removed counts the files. */
LM_MUST_USE lm_status lm__table_cleanup(lm_table_log *log, const lm_delta_metadata *metadata,
                                        bool dry_run, size_t *removed, lm_error *error);

/*
 * What the maker of entry `version` does after it: a checkpoint when one is due, and then and when
 * a cleanup. A checkpoint is due at every multiple of delta.checkpointInterval; without that, at
 * multiples of 10, and in a table of many parts after as many entries as make the sum least of
 * what writing checkpoints costs each entry and what each reader pays for entries: that grows with
 * the root of the parts.
 */
LM_MUST_USE lm_status lm__table_upkeep(lm_table_log *log, int64_t version,
                                       const lm_delta_metadata *metadata, lm_error *error);

/* checkpoint_rows.c: the Parquet file, to a sink that is not finished. */
LM_MUST_USE lm_status lm__checkpoint_write(const lm_table_log *log, const lm_snapshot *snapshot,
                                           lm_sink *sink, lm_checkpoint_result *result,
                                           lm_error *error);

#endif
