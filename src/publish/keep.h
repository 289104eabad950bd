/*
 * Files that were replaced, kept under hidden names beside the new one: `.NAME.keep-<UTC time>`.
 *
 * Where it stands: publish/file links the old file between seal and commit, and prunes after the
 * commit; lm_file_undo puts the newest one back.
 *
 * Invariants
 *  1. A kept file is a hard link to what stood at the path, made and durable before the commit: the
 *     old file is never without a name, whatever comes in between.
 *  2. The names' order is the order of time, also when the clock goes back: a new one is greater
 *     than all that are there.
 *  3. A kept name that leads to the very file that stands at the path is left over from a
 *     publication that did not come to its commit: it counts for nothing and is removed.
 *
 * On failure before the commit the new link is removed again, and nothing was pruned.
 */
#ifndef LM_PUBLISH_KEEP_H
#define LM_PUBLISH_KEEP_H

#include <lamella/publish.h>

#include "store/store.h"

/* One publication's kept file. */
typedef struct lm_keep {
    char path[LM_FILE_PATH_MAX]; /* of the new link; "" when there was nothing to keep */
} lm_keep;

/* Refuses, before anything is staged, a name that is too long to keep and a file system without
 * hard links. */
LM_MUST_USE lm_status lm__keep_check(lm_store *store, const char *path, lm_error *error);
/* Before the commit. */
LM_MUST_USE lm_status lm__keep_link(lm_store *store, const char *path, lm_durability durability,
                                    lm_keep *keep, lm_error *error);
/* After a commit that was not done. */
void lm__keep_drop(lm_store *store, lm_keep *keep);
/* After the commit: the `count` newest stay. A failure is told, but the publication stands. */
LM_MUST_USE lm_status lm__keep_prune(lm_store *store, const char *path, unsigned count,
                                     lm_error *error);

#endif
