/*
 * What a merge that consumes its parts writes down before the first is gone:
 * `.lamella-merge.journal` in the directory that all sources lie below. As long as it is there
 * nobody merges or reads that directory as if it were whole (store/find.c refuses), and `--resume`
 * carries the merge on.
 *
 * Where it stands: written by consume.c, once, as one object that is there whole or not at all;
 * what has been done since is seen by looking at the parts, the target and the destination.
 * docs/merge.md tells the format.
 *
 * Invariants
 *  1. A journal is durable before anything that it tells of is consumed, and is removed after all
 *     of it is done.
 *  2. Paths are kept byte for byte.
 *  3. A journal that is damaged is LM_CORRUPT and is left alone.
 */
#ifndef LM_MERGE_JOURNAL_H
#define LM_MERGE_JOURNAL_H

#include "base/arena.h"
#include "store/store.h"

typedef struct lm_journal_part {
    const char *path;
    uint64_t size, stamp; /* as the plan saw it */
    bool joined;          /* its bytes go into the target; else it is only removed in the end */
} lm_journal_part;

typedef struct lm_journal {
    const char *path; /* of the journal itself */
    const char *destination;
    const char *target;    /* hidden, beside the parts, that the store joins them onto; NULL: the
                              parts are removed after the commit */
    const uint8_t *prefix; /* the target's first bytes */
    size_t prefix_size;
    uint64_t bytes;         /* of the result */
    uint64_t device, inode; /* of the result, where they are known before the commit; else 0 */
    uint64_t before;        /* the stamp of what stood at the destination; 0: nothing */
    lm_journal_part *parts;
    size_t count;
} lm_journal;

LM_MUST_USE lm_status lm__journal_path(lm_arena *arena, const char *directory, const char **path,
                                       lm_error *error);
/* LM_EXISTS where there is one. */
LM_MUST_USE lm_status lm__journal_write(lm_store *store, const lm_journal *journal,
                                        lm_error *error);
/* LM_NOT_FOUND where there is none. Everything lies in the arena. */
LM_MUST_USE lm_status lm__journal_read(lm_arena *arena, lm_store *store, const char *path,
                                       lm_journal **journal, lm_error *error);

#endif
