/*
 * Finding files: all that lie below a directory, or that fit a pattern, on any store.
 *
 * Names that begin with `_` or `.` are passed over, files and directories, unless the pattern
 * spells that letter out; so are the manifests that Lamella keeps beside files
 * (NAME.manifest.json). Symlinks are followed.
 *
 * Invariants
 *  1. The files come in the natural order of their paths: numbers within names by their value.
 *  2. A store is asked once for each directory, and once more for each symlink in it.
 */
#ifndef LM_STORE_FIND_H
#define LM_STORE_FIND_H

#include "base/arena.h"
#include "store/store.h"

/* Stands in a directory while a merge consumes its files, or after one that was interrupted: what
 * is there is not all, so that no search goes through it (LM_CONFLICT). */
#define LM_MERGE_JOURNAL_NAME ".lamella-merge.journal"

typedef struct lm_find_entry {
    const char *path; /* in the arena */
    size_t base;      /* where in it what was found begins: below the directory that was given, or
                         at the first part of the pattern that has a wildcard */
    uint64_t size;
    int64_t mtime_ns;
    uint64_t stamp;              /* lm__store_stamp of what was seen */
    uint64_t inode, block_bytes; /* as in lm_store_stat */
} lm_find_entry;

/* Any status but LM_OK ends the search and is its result. */
typedef lm_status lm_find_callback(void *context, const lm_find_entry *entry, lm_error *error);

/* Has the path a wildcard: `*`, `?` or `[`? */
bool lm__is_pattern(const char *path);
/* Paths as strverscmp orders names, but for leading zeros, which do not count. */
int lm__natural_compare(const char *a, const char *b);
/* Is the name one that lists leave out? */
bool lm__name_is_hidden(const char *name);
/* A number that is another one when the object is, as far as the store's version can tell. */
uint64_t lm__store_stamp(const lm_store_stat *stat);

/* What is below the directory `path`. That nothing is there is no failure here. */
LM_MUST_USE lm_status lm__find_directory(lm_arena *arena, lm_store *store, const char *path,
                                         lm_cancel *cancel, lm_find_callback *callback,
                                         void *context, lm_error *error);
/* The files that fit the pattern, and all those below directories that do: `*` is any text within a
 * name, `?` a character, `[a-z]` one of some, and `**` any number of directories. */
LM_MUST_USE lm_status lm__find_pattern(lm_arena *arena, lm_store *store, const char *pattern,
                                       lm_cancel *cancel, lm_find_callback *callback, void *context,
                                       lm_error *error);

#endif
