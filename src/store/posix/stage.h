/*
 * A stage of the posix store, as the files that make it, compare for it and commit it share it.
 *
 *     stage.c    open, seal, close
 *     adopt.c    a file that is there already, in place of a hidden one
 *     writer.c   the bytes
 *     match.c    what if-match compares
 *     commit.c   the one visible step
 */
#ifndef LM_STORE_POSIX_STAGE_H
#define LM_STORE_POSIX_STAGE_H

#include <stdio.h>

#include "store/posix/posix.h"
#include "store/posix/writer.h"

typedef struct lm_posix_stage {
    lm_stage stage;
    const lm_posix_store *posix;
    const lm_allocator *allocator;
    lm_stage_options options;
    lm_destination destination;
    lm_writer writer;
    bool has_writer;
    int fd;                  /* of the hidden file, -1 when closed */
    char temp[NAME_MAX + 1]; /* its name; "" while it has none */
    int temp_directory;      /* where that is; the destination's, unless the file was adopted */
    char match[LM_STORE_VERSION_MAX];
    struct stat file; /* of the hidden file, since it was made: device and inode never change */

    /* IF_MATCH: the destination that had the checksum; kept open so that its inode is not reused.
     */
    int matched_fd;
    struct stat matched;
} lm_posix_stage;

/* adopt.c. Opens and locks the file options.adopt; its name counts as the temporary one. */
LM_MUST_USE lm_status lm__adopt_open(lm_posix_stage *stage, lm_error *error);
/* Its bytes are what the sink would have had. */
LM_MUST_USE lm_status lm__adopt_sum(lm_posix_stage *stage, lm_error *error);
void lm__adopt_close(lm_posix_stage *stage);

#define LM_PROC_PATH_MAX 32
/* Leads to an open file by way of /proc, for linkat. */
static inline void lm__proc_path(char path[LM_PROC_PATH_MAX], int fd)
{
    snprintf(path, LM_PROC_PATH_MAX, "/proc/self/fd/%d", fd);
}

/* match.c. The bytes of an open file into a checksum, from the start; their number to *size. */
LM_MUST_USE lm_status lm__file_sum(lm_posix_stage *stage, int fd, const char *path,
                                   lm_checksum *sum, uint64_t *size, lm_error *error);
/* Reads what stands at the destination; LM_CONFLICT unless it is what the caller saw. */
LM_MUST_USE lm_status lm__match_look(lm_posix_stage *stage, lm_error *error);
/* Under the lock: is the file that matched still what stands there, untouched? */
bool lm__match_holds(const lm_posix_stage *stage);
LM_MUST_USE lm_status lm__match_conflict(const lm_posix_stage *stage, const char *what,
                                         lm_error *error);
void lm__match_close(lm_posix_stage *stage);

/* commit.c, as lm_stage_ops has it. */
LM_MUST_USE lm_status lm__posix_commit(lm_stage *stage, lm_error *error);

#endif
