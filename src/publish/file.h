/*
 * The publication of one file, as the rest of the library sees it: on any store, with a place to
 * stand between seal and commit.
 */
#ifndef LM_PUBLISH_FILE_H
#define LM_PUBLISH_FILE_H

#include <lamella/publish.h>

#include "store/store.h"

/* Called once, after the bytes are sealed (size, checksum, mtime and inode are final) and before
 * the commit. Any status but LM_OK ends the publication with it, the destination as it was. What it
 * writes itself (a sidecar, a kept link of the old file) must be right for both: the commit may
 * still fail. */
typedef struct lm_file_hooks {
    lm_status (*before_commit)(void *context, lm_store *store, const lm_sealed *sealed,
                               lm_error *error);
    void *context;
} lm_file_hooks;

/* lm_file_open on a store that the caller keeps open until close; hooks may be NULL. */
LM_MUST_USE lm_status lm__file_open(lm_store *store, const char *path,
                                    const lm_file_options *options, const lm_file_hooks *hooks,
                                    lm_file_publication **publication, lm_error *error);
/* The finished file `staged`, of the same store, becomes the publication (LM_STORE_ADOPT); nothing
 * can be written to it. */
LM_MUST_USE lm_status lm__file_adopt(lm_store *store, const char *path, const char *staged,
                                     const lm_file_options *options, const lm_file_hooks *hooks,
                                     lm_file_publication **publication, lm_error *error);
/* After a failure, before the close: did what was written break off by what may pass, and is it
 * worth it to publish it once more from its beginning, after `turn` repetitions? Waits before it
 * says so. What cannot be had once more does not ask. */
bool lm__file_again(const lm_file_publication *publication, unsigned turn);
/* Before the close: the store that was opened for it, which by now knows what of it fails, for the
 * repetition. The caller closes it. NULL where the caller has it already. */
lm_store *lm__file_store_take(lm_file_publication *publication);
/* lm__stage_copy into the publication. */
LM_MUST_USE lm_status lm__file_copy(lm_file_publication *publication, lm_source *source,
                                    uint64_t offset, uint64_t length, uint64_t *copied,
                                    lm_error *error);
/* Reads fd to its end into the publication; neither finishes nor closes it. */
LM_MUST_USE lm_status lm__file_copy_fd(lm_file_publication *publication, int fd, lm_error *error);
/* lm__stage_copy: bytes that the store copies by itself; *copied may be fewer. */
LM_MUST_USE lm_status lm__file_copy_source(lm_file_publication *publication, lm_source *source,
                                           uint64_t offset, uint64_t length, uint64_t *copied,
                                           lm_error *error);
LM_MUST_USE lm_status lm__file_copy_stream(lm_file_publication *publication, lm_pull *pull,
                                           void *context, lm_error *error);

#endif
