/*
 * A directory's files as a list, and their checksums, several at a time.
 *
 * Where it stands: publish/directory makes a manifest of it, publish/verify holds a manifest
 * against it. Works on any store that lists.
 */
#ifndef LM_PUBLISH_TREE_H
#define LM_PUBLISH_TREE_H

#include "base/arena.h"
#include "base/hash.h"
#include "store/store.h"

typedef struct lm_tree_entry {
    const char *path; /* below the root, without a slash at either end */
    lm_store_kind kind;
    uint64_t size;
    lm_checksum_kind checksum_kind; /* what lm__tree_hash is to do; NONE: nothing */
    char checksum[LM_CHECKSUM_TEXT_MAX];
    lm_status status; /* of the hashing */
} lm_tree_entry;

typedef struct lm_tree {
    lm_arena arena; /* holds the paths */
    lm_tree_entry *entries;
    size_t count, capacity;
} lm_tree;

void lm__tree_init(lm_tree *tree, const lm_allocator *allocator);
void lm__tree_deinit(lm_tree *tree);

/* Every file, symlink and other thing below `root` that is not a directory, in the order of the
 * paths' bytes. Names of temporary files are left out, as list leaves them out. */
LM_MUST_USE lm_status lm__tree_list(lm_tree *tree, lm_store *store, const char *root,
                                    lm_cancel *cancel, lm_error *error);
/* The entry of a path, or NULL. */
lm_tree_entry *lm__tree_find(const lm_tree *tree, const char *path);

/* Calls `visit` once for each entry, several at a time; the arena is its own for the call. After a
 * failure no more are begun, and it is the result. */
typedef lm_status lm_tree_visit(void *context, lm_tree_entry *entry, lm_arena *arena,
                                lm_error *error);
LM_MUST_USE lm_status lm__tree_each(lm_tree *tree, int threads, lm_tree_visit *visit, void *context,
                                    lm_error *error);

/* Fills checksum, or status, of each entry whose checksum_kind is not NONE. Fails as a whole only
 * when it is cancelled or has no memory. */
LM_MUST_USE lm_status lm__tree_hash(lm_tree *tree, lm_store *store, const char *root, int threads,
                                    lm_cancel *cancel, lm_error *error);

#endif
