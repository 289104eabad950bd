/*
 * After the fact: what dead writers left is removed, and a replaced file is put back.
 */
#ifndef LAMELLA_UPKEEP_H
#define LAMELLA_UPKEEP_H

#include <lamella/commit.h>
#include <lamella/storage.h>

typedef enum lm_gc_what {
    LM_GC_FILE = 0,    /* a temporary file */
    LM_GC_TREE = 1,    /* a temporary directory, or an old one on its way out */
    LM_GC_JOURNAL = 2, /* of an exchange of directories that did not come to its end */
} lm_gc_what;

typedef enum lm_gc_done {
    LM_GC_REMOVED = 0, /* or would be, in a dry run */
    LM_GC_LIVE = 1,    /* its writer lives: not touched */
    LM_GC_SPARED = 2,  /* too young for older_than_ns, or nothing that can be decided: see reason */
} lm_gc_done;

typedef struct lm_gc_found {
    const char *path;
    lm_gc_what what;
    lm_gc_done done;
    uint64_t bytes;     /* of a file */
    const char *reason; /* a clause for people; never NULL */
} lm_gc_found;

/* Any status but LM_OK ends the collection and is its result. */
typedef lm_status lm_gc_callback(void *context, const lm_gc_found *found, lm_error *error);

typedef struct lm_gc_options {
    bool dry_run;
    bool recursive;
    int64_t older_than_ns;    /* spare what was changed more recently than this; 0: no condition */
    lm_gc_callback *callback; /* may be NULL */
    void *context;
    lm_cancel *cancel;         /* may be NULL */
    const lm_storage *storage; /* how a URL's store is reached; NULL: the defaults */
    const lm_allocator *allocator;
} lm_gc_options;

/* Removes what dead writers left in the directory `path`. What a living writer has is never
 * touched. */
LM_API LM_MUST_USE lm_status lm_gc(const char *path, const lm_gc_options *options, lm_error *error);

#define LM_UNDO_PATH_MAX 4096

typedef struct lm_undo_options {
    lm_durability durability;
    bool no_follow;            /* undo the symlink itself, not what it points to */
    lm_cancel *cancel;         /* may be NULL */
    const lm_storage *storage; /* how a URL's store is reached; NULL: the defaults */
    const lm_allocator *allocator;
} lm_undo_options;

typedef struct lm_undo_result {
    lm_commit_state state;
    char path[LM_UNDO_PATH_MAX]; /* where the file stands, symlinks followed */
    char kept[LM_UNDO_PATH_MAX]; /* the name that it was kept under */
    unsigned left;               /* kept files that are older */
} lm_undo_result;

/* Puts the newest kept file (lm_file_options.keep) back in place, in one step; what stood there is
 * gone. Each undo goes one further back; LM_NOT_FOUND when nothing is kept. */
LM_API LM_MUST_USE lm_status lm_undo(const char *path, const lm_undo_options *options,
                                     lm_undo_result *result, lm_error *error);

#endif
