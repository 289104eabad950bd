/*
 * What the operations on a table share: the table that was opened, its state, the entry that ends
 * them, and what follows an entry.
 *
 * Where it stands: between lamella/table_ops.h and commit.h. An operation looks, decides, commits,
 * and where another writer came between, looks again (lm__operation_repeat).
 */
#ifndef LM_TABLE_OPERATION_H
#define LM_TABLE_OPERATION_H

#include <lamella/table_ops.h>

#include "arrow/schema.h"
#include "table/commit.h"

typedef struct lm_operation {
    const lm_table_operation *how;
    const lm_allocator *allocator;
    lm_store *store;
    const char *root;
    lm_table_log log;
    bool has_log;
    lm_arena arena;        /* of one look */
    lm_snapshot *snapshot; /* of the last look, */
    lm_schema *schema;     /* with its schema */
    lm_error *error;
} lm_operation;

/* Opens the table and looks at nothing yet. To be closed on failure too. `path` and `how` outlive
 * it. */
LM_MUST_USE lm_status lm__operation_open(lm_operation *operation, const char *path,
                                         const lm_table_operation *how, lm_error *error);
void lm__operation_close(lm_operation *operation);
/* The newest state, or what the options say (NULL: all of the newest). The arena begins anew. */
LM_MUST_USE lm_status lm__operation_look(lm_operation *operation,
                                         const lm_snapshot_options *options);
lm_status lm__operation_memory(const lm_operation *operation);

/* A part is the table's no longer. */
lm_action lm__action_remove(const lm_delta_add *part, int64_t now_ms, bool data_change);
int64_t lm__operation_now_ms(const lm_operation *operation);
/* The rows of a part that count, by its statistics and its deletion vector, or -1. Fails for want
 * of memory only. */
LM_MUST_USE lm_status lm__part_rows(const lm_allocator *allocator, const lm_delta_add *part,
                                    int64_t *rows, lm_error *error);
/* Counts a part among those removed. */
LM_MUST_USE lm_status lm__operation_count_removed(const lm_operation *operation,
                                                  const lm_delta_add *part,
                                                  lm_table_change *change);
lm_key_value lm__text_pair(const char *key, const char *value);
/* The metrics of a change, as Spark names them, and run and writer, into the request. */
LM_MUST_USE lm_status lm__operation_describe(lm_operation *operation, const lm_table_change *change,
                                             lm_commit_request *request);
/* Commits upon the snapshot; then checkpoint and manifest follow. */
LM_MUST_USE lm_status lm__operation_commit(lm_operation *operation, lm_commit_request *request,
                                           lm_table_change *change);
/* After a commit that failed so: is it worth to look and decide again? Counts the rounds. */
bool lm__operation_repeat(lm_status status, int *rounds);

/* What follows a commit: checkpoint, cleanup, manifest; false where the manifest is behind. */
bool lm__table_keep_up(lm_table_log *log, int64_t version, const lm_delta_metadata *metadata);

/* The path of a part for the store, in the arena. LM_UNSUPPORTED for one on another store. */
LM_MUST_USE lm_status lm__part_path_whole(lm_arena *arena, const char *root, const char *uri,
                                          const char **path, lm_error *error);
/* The same below the table's directory; NULL for what lies elsewhere. */
LM_MUST_USE lm_status lm__part_path_below(lm_arena *arena, const char *root, const char *uri,
                                          const char **path, lm_error *error);

#endif
