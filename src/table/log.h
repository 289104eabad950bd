/*
 * The log of a table: the directory `_delta_log` of entries and checkpoints, and what is in it.
 *
 * Where it stands: below snapshot.h, commit.h and checkpoint.h, over publish/numbered_log.
 *
 * Names in the directory (PROTOCOL.md, "File Types"):
 *     <20 digits>.json                                    an entry
 *     <20 digits>.checkpoint.parquet                      a checkpoint
 *     <20 digits>.checkpoint.<10 digits>.<10 digits>.parquet   part o of p of one
 *     <20 digits>.checkpoint.<uuid>.json or .parquet      a V2 checkpoint
 *     _sidecars/<name>.parquet                            parts of the table, for V2 checkpoints
 *     _last_checkpoint                                    a hint, which may lie
 */
#ifndef LM_TABLE_LOG_H
#define LM_TABLE_LOG_H

#include "base/arena.h"
#include "base/clock.h"
#include "publish/numbered_log.h"

#define LM_TABLE_LOG_DIRECTORY "_delta_log"
#define LM_TABLE_ENTRY_SUFFIX ".json"
#define LM_TABLE_CHECKPOINT_SUFFIX ".checkpoint.parquet"
#define LM_TABLE_HINT_NAME "_last_checkpoint"
#define LM_TABLE_SIDECARS "_sidecars"

/* For one thread at a time; `store` and `root` are borrowed. */
typedef struct lm_table_log {
    lm_numbered_log entries; /* its directory is the log's */
    lm_store *store;
    const lm_allocator *allocator;
    const char *root; /* the table's directory */
    char *directory;
    int threads; /* 0: as many as there are processors */
    lm_cancel *cancel;
    const lm_clock *clock;
} lm_table_log;

/* Looks at nothing yet. */
LM_MUST_USE lm_status lm__table_log_init(lm_table_log *log, const lm_allocator *allocator,
                                         lm_store *store, const char *root, lm_error *error);
void lm__table_log_deinit(lm_table_log *log);

typedef struct lm_log_entry {
    int64_t version;
    int64_t mtime_ms; /* 0 where it was not asked for */
} lm_log_entry;

typedef struct lm_log_checkpoint {
    int64_t version;
    uint32_t parts;     /* 0: one file */
    const char *suffix; /* ".checkpoint.<uuid>.json" of a V2 one; NULL: as its parts have it */
} lm_log_checkpoint;

/* The path of a file in the log's directory. */
LM_MUST_USE lm_status lm__log_file_path(const lm_table_log *log, const char *name,
                                        char path[LM_PATH_BYTES_MAX], lm_error *error);

/* What is in the directory, by versions. */
typedef struct lm_log_listing {
    lm_arena *arena;
    lm_log_entry *entries;
    size_t entry_count;
    lm_log_checkpoint *checkpoints; /* complete ones */
    size_t checkpoint_count;
} lm_log_listing;

/* From version `from` on. LM_NOT_FOUND when there is no log. */
LM_MUST_USE lm_status lm__log_listing_read(lm_table_log *log, int64_t from, bool with_times,
                                           lm_arena *arena, lm_log_listing *listing,
                                           lm_error *error);
/* The newest checkpoint of at most that version, or NULL. */
const lm_log_checkpoint *lm__log_listing_checkpoint(const lm_log_listing *listing, int64_t version);
/* The file of part `part`, from 1, of a checkpoint. */
LM_MUST_USE lm_status lm__log_checkpoint_path(const lm_table_log *log,
                                              const lm_log_checkpoint *checkpoint, uint32_t part,
                                              char path[LM_PATH_BYTES_MAX], lm_error *error);

/* The version that _last_checkpoint names; -1 when there is none or it cannot be understood: it is
 * a hint. Fails with LM_NO_MEMORY and LM_CANCELLED only. */
LM_MUST_USE lm_status lm__log_hint(lm_table_log *log, int64_t *version, lm_error *error);

#endif
