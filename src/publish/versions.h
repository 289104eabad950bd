/*
 * The versions of a prefix, on a store that stays open; lamella/versions.h tells what they are.
 *
 * Invariants
 *  1. A version is in the log only when its directory stands, whole and durable; then it is what
 *     resolving gives, until a later one is there.
 *  2. `latest` is replaced after the log's entry, and is only where looking begins: whoever
 * resolves asks the log for what comes after it. It may lie, lag behind, or not be there.
 *  3. A version that is removed is first moved to a name that nobody looks at: none is ever seen
 *     half.
 */
#ifndef LM_PUBLISH_VERSIONS_H
#define LM_PUBLISH_VERSIONS_H

#include <lamella/versions.h>

#include "base/arena.h"
#include "base/buffer.h"
#include "publish/numbered_log.h"

#define LM_VERSIONS_RUNS "_runs"
#define LM_VERSIONS_LOG "_log"
#define LM_VERSIONS_LATEST "latest"

typedef struct lm_versions {
    lm_store *store;
    lm_cancel *cancel;
    char prefix[LM_PATH_BYTES_MAX];
    char log_path[LM_PATH_BYTES_MAX], latest_path[LM_PATH_BYTES_MAX];
    lm_numbered_log log;
} lm_versions;

/* `prefix` has no slash at its end. */
LM_MUST_USE lm_status lm__versions_init(lm_versions *versions, lm_store *store, const char *prefix,
                                        lm_cancel *cancel, lm_error *error);
/* "<prefix>/_runs/<run_id>" */
LM_MUST_USE lm_status lm__versions_path(const lm_versions *versions, const char *run_id,
                                        char path[LM_PATH_BYTES_MAX], lm_error *error);
/* The number of the newest version, -1 for none. */
LM_MUST_USE lm_status lm__versions_last(lm_versions *versions, int64_t *last, lm_error *error);
/* What the log says; is_there is not filled. */
LM_MUST_USE lm_status lm__versions_read(const lm_versions *versions, int64_t number,
                                        lm_version_info *version, lm_error *error);
/* Does the directory of the version stand? */
LM_MUST_USE lm_status lm__versions_look(const lm_versions *versions, lm_version_info *version,
                                        lm_error *error);
LM_MUST_USE lm_status lm__versions_find(lm_versions *versions, const lm_version_which *which,
                                        lm_version_info *version, lm_error *error);

/* A version of `path`, if it is the prefix of some: its path is put into `run` and *version is
 * filled; else *found is false. which (the newest) and version may be NULL. */
LM_MUST_USE lm_status lm__versions_follow(lm_store *store, const char *path,
                                          const lm_version_which *which, lm_cancel *cancel,
                                          bool *found, char run[LM_PATH_BYTES_MAX],
                                          lm_version_info *version, lm_error *error);
/* lm_version_publish on a store that stays open; paths have no slash at the end, and *result is all
 * zero. */
LM_MUST_USE lm_status lm__version_publish(lm_store *store, const char *staged, const char *prefix,
                                          const lm_version_options *options,
                                          lm_version_result *result, lm_error *error);

/* The log's entry of a version, and `latest`, as text. */
LM_MUST_USE lm_status lm__version_entry_text(lm_buffer *text, const lm_version_info *version,
                                             lm_error *error);
LM_MUST_USE lm_status lm__version_entry_parse(const char *name, const void *data, size_t size,
                                              lm_version_info *version, lm_error *error);
LM_MUST_USE lm_status lm__version_latest_text(lm_buffer *text, const lm_version_info *version,
                                              lm_error *error);
/* The version that `latest` names; -1 where it says nothing sensible. */
int64_t lm__version_latest_parse(const lm_allocator *allocator, const void *data, size_t size);

/* Removes all but the `keep` newest versions up to `last`. What is in the way is told by
 * *removal_left: the publication stands. */
void lm__versions_prune(lm_versions *versions, int64_t last, unsigned keep, unsigned *removed,
                        bool *removal_left);

#endif
