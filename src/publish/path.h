/* Paths and URLs taken apart as publications need it, and the two ways of a copy. */
#ifndef LM_PUBLISH_PATH_H
#define LM_PUBLISH_PATH_H

#include <lamella/path.h>

#include "store/store.h"

/* Without slashes at its end, unless it is the root. */
LM_MUST_USE lm_status lm__path_trim(const char *path, char out[LM_FILE_PATH_MAX], lm_error *error);
/* The last part of a trimmed path: "" of a root. */
const char *lm__path_name(const char *path);
/* What it lies in: "." where it names nothing above. */
LM_MUST_USE lm_status lm__path_parent(const char *path, char out[LM_FILE_PATH_MAX],
                                      lm_error *error);

/* Copies that are under way; more than one thread may be at it. */
typedef struct lm_copy {
    const lm_allocator *allocator;
    const lm_copy_options *options;
    const lm_file_options *file;
    lm_store *from, *to;
    lm_cancel *cancel;
    bool is_within;              /* one store: it may copy bytes by itself */
    atomic_flag telling;         /* progress is told by one at a time, */
    atomic_uint_fast64_t untold; /* of so many bytes */
} lm_copy;

/* One file: read once, or copied by the store, and published with these options, if it still is
 * what it was (`before`). Both paths are those of their stores. */
LM_MUST_USE lm_status lm__copy_file(lm_copy *copy, const char *source, const lm_store_stat *before,
                                    const char *path, const lm_file_options *file,
                                    lm_file_result *result, lm_error *error);
/* copy_tree.c: a directory, at once; trimmed paths. */
LM_MUST_USE lm_status lm__copy_tree(lm_copy *copy, const char *source, const char *path,
                                    lm_copy_result *result, lm_error *error);

#endif
