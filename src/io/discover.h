/*
 * The files of a dataset: what store/find.h finds, with their partitions. A directory's name that
 * is KEY=VALUE gives a partition column for what is below it; both are percent-decoded.
 *
 * Invariants
 *  1. The files come in the natural order of their paths: numbers within names by their value.
 *  2. All have the same keys, in the same order; else the two that differ are named (LM_SCHEMA).
 */
#ifndef LM_IO_DISCOVER_H
#define LM_IO_DISCOVER_H

#include "store/find.h"

typedef struct lm_found_file {
    const char *path;
    uint64_t size;
    const char **values; /* one for each key; NULL is null (__HIVE_DEFAULT_PARTITION__) */
} lm_found_file;

typedef struct lm_found {
    lm_found_file *files;
    size_t count;
    const char **keys;
    size_t key_count;
} lm_found;

/* What is below the directory `path`, in the arena. LM_NOT_FOUND where there is no file. */
LM_MUST_USE lm_status lm__discover_directory(lm_arena *arena, lm_store *store, const char *path,
                                             lm_cancel *cancel, lm_found *found, lm_error *error);
/* The files that fit the pattern, and all those below directories that do. Keys are taken from the
 * first part with a wildcard on. */
LM_MUST_USE lm_status lm__discover_pattern(lm_arena *arena, lm_store *store, const char *pattern,
                                           lm_cancel *cancel, lm_found *found, lm_error *error);

#endif
