/* The publication of a directory, on any store that has LM_STORE_TREE. */
#ifndef LM_PUBLISH_DIRECTORY_H
#define LM_PUBLISH_DIRECTORY_H

#include <lamella/directory.h>

#include "store/store.h"

/* lm_directory_publish on a store that stays open; paths have no slash at the end, and *result is
 * all zero. */
LM_MUST_USE lm_status lm__directory_publish(lm_store *store, const char *staged, const char *path,
                                            const lm_directory_options *options,
                                            lm_directory_result *result, lm_error *error);

/* By its name: NULL is sha256. */
LM_MUST_USE lm_status lm__directory_checksum(const char *text, lm_checksum_kind *kind,
                                             lm_error *error);

#endif
