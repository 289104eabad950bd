/*
 * A place for a foreign program to write to: `.lamella-<32 hex>.tree/NAME` beside the destination
 * NAME. The program sees a name with the right suffix, on the right file system, and may make
 * temporary files of its own around it.
 *
 * Where it stands: the command `guard`. What the program left is published from there with
 * lm_publish_file or lm_directory_publish.
 *
 * Invariants
 *  1. The directory is locked while the staging is open: gc leaves it alone. Its writer dead, gc
 *     removes it.
 *  2. _close leaves nothing of it.
 */
#ifndef LM_PUBLISH_STAGING_H
#define LM_PUBLISH_STAGING_H

#include "store/posix/posix.h"

typedef struct lm_staging {
    lm_sys *sys;
    lm_destination place; /* of the destination, symlinks followed */
    int fd;               /* of the staging directory; -1 when closed */
    long owner;           /* the process that opened it: a fork of that one leaves it alone */
    char directory[LM_TEMP_NAME_MAX];
    char path[2 * LM_PATH_BYTES_MAX]; /* to write to: whole, from the root */
} lm_staging;

LM_MUST_USE lm_status lm__staging_open(lm_staging *staging, const char *path, bool no_follow,
                                       lm_error *error);
/* What is at the path to write to: 0 for nothing. */
LM_MUST_USE lm_status lm__staging_kind(const lm_staging *staging, lm_store_kind *kind,
                                       lm_error *error);
void lm__staging_close(lm_staging *staging);

#endif
