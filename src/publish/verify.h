/*
 * Verdicts: what stands at a path against what its sidecar tells. lamella/manifest.h has the words.
 *
 * Invariants
 *  1. A file is OK only if its bytes have the checksum of a record; nothing less is taken for it.
 *  2. CORRUPT is said only where the file is, by its inode or its time, the one that was published;
 *     everything else that does not fit is STALE.
 *  3. A publication that comes in between is noticed (the file or the sidecar is another one than
 *     before) and the look is taken again, at most LM_VERIFY_TRIES_MAX times.
 */
#ifndef LM_PUBLISH_VERIFY_H
#define LM_PUBLISH_VERIFY_H

#include <lamella/manifest.h>

#include "store/store.h"

/* lm_verify on a store that stays open; symlinks are not followed. `shown` is the path to tell. */
LM_MUST_USE lm_status lm__verify(lm_store *store, const char *path, const char *shown,
                                 const lm_verify_options *options, lm_error *error);
/* The directory's part of it: calls back for each file in it that a manifest knows or should know.
 * *worst and *reason are the directory's own verdict; *has_changed says that it was replaced
 * meanwhile, and nothing was called back. */
LM_MUST_USE lm_status lm__verify_directory(lm_store *store, const char *path,
                                           const lm_verify_options *options, lm_verified *whole,
                                           bool *has_changed, lm_error *error);
/* Is `a` a worse verdict than `b`? Corrupt, then missing, then stale and extra. */
bool lm__verdict_is_worse(lm_verdict a, lm_verdict b);

#endif
