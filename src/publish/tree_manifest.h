/*
 * `_manifest.json`: what a published directory holds, file by file (docs/sidecar.md).
 *
 * It is written into the staged tree before that is synced, so it comes into view with the tree, in
 * the same step; there is no record of the tree before in it.
 */
#ifndef LM_PUBLISH_TREE_MANIFEST_H
#define LM_PUBLISH_TREE_MANIFEST_H

#include <limits.h>

#include <lamella/manifest.h>

#include "publish/tree.h"

/* Hashes every file below `staged` and writes its manifest there; what the tree changes meanwhile
 * is LM_CONFLICT where it is noticed. `bytes` and `files` get the sums. */
LM_MUST_USE lm_status lm__tree_manifest_write(lm_store *store, const char *staged,
                                              const lm_manifest *manifest, lm_checksum_kind kind,
                                              int threads, lm_cancel *cancel, uint64_t *files,
                                              uint64_t *bytes, lm_error *error);

/* Where the symlink `entry` below `root` points to. */
LM_MUST_USE lm_status lm__tree_symlink(const char *root, const lm_tree_entry *entry,
                                       char target[PATH_MAX], lm_error *error);

#endif
