/*
 * The journal of an exchange: what finishes the removal of an old tree, should its writer die.
 *
 * After an exchange the old tree stands where the new one was staged, under a name that only the
 * writer knows to be garbage. So before the exchange a small file `.lamella-<32 hex>.swap` is made
 * durable in the destination's directory. It says what is exchanged for what; its writer holds an
 * exclusive lock on it.
 *
 *     begin     the journal, locked and durable
 *     (exchange, and the directories synced)
 *     finish    the old tree is renamed to `.lamella-<same hex>.tree` beside the destination, that
 *               is made durable, the journal goes, the old tree is emptied, the journal's going is
 *               made durable, the empty directory goes
 *     settle    what reap does with the journal of a dead writer
 *
 * Invariants
 *  1. Nothing is removed that is not, by inode and time of birth (or, where the file system does
 *     not know that, time of the last change), the tree that the journal calls old, and only while
 *     the one that it calls new stands at the destination: that the exchange took place is proved,
 *     not supposed.
 *  2. A tree is removed under a name of our own only, never under the one it was staged at.
 *  3. The old tree's directory outlives its journal on the disk: while a journal can come back
 *     after a power cut, the inode that it names is not free for another directory.
 *  4. Whatever cannot be decided is left as it is, and told.
 *
 * Devices are not recorded: their numbers change from one start of the system to the next. Both
 * trees lie on the destination's.
 */
#ifndef LM_STORE_POSIX_SWAP_H
#define LM_STORE_POSIX_SWAP_H

#include "store/posix/posix.h"

typedef struct lm_tree_identity {
    uint64_t inode;
    int64_t birth_ns; /* 0: the file system does not know */
    int64_t mtime_ns;
} lm_tree_identity;

typedef struct lm_swap {
    lm_sys *sys;
    const lm_allocator *allocator;
    int directory; /* of the destination; borrowed */
    int fd;        /* of the journal; -1: there is none */
    bool is_durable;
    char name[LM_TEMP_NAME_MAX], tree[LM_TEMP_NAME_MAX];
    lm_tree_identity old;
} lm_swap;

/* What reap found out about a journal whose writer is dead. */
typedef enum lm_swap_end {
    LM_SWAP_NOT_DONE,  /* the exchange did not take place, or is not known to: nothing to do */
    LM_SWAP_FINISHED,  /* the old tree is removed */
    LM_SWAP_NOTHING,   /* there is no old tree any more */
    LM_SWAP_UNDECIDED, /* left as it is */
} lm_swap_end;

/* The journal for exchanging what stands at `from` for what stands at `to`. */
LM_MUST_USE lm_status lm__swap_begin(lm_swap *swap, const lm_posix_store *posix,
                                     const lm_destination *from, const lm_destination *to,
                                     bool is_durable, lm_error *error);
/* The exchange does not take place: the journal goes. Does nothing where there is none. */
void lm__swap_cancel(lm_swap *swap);
/* The exchange is durable: the old tree goes, then the journal. *left says that not all of it
 * could be removed; reap does the rest. */
void lm__swap_finish(lm_swap *swap, const lm_destination *from, lm_cancel *cancel, bool *left);
/* Closes the journal and leaves it to reap, because the exchange may not be durable. */
void lm__swap_leave(lm_swap *swap);

/* Brings what the locked journal `fd` of a dead writer, called `name` in `directory`, tells of to
 * its end, and removes the journal unless the end is UNDECIDED. With dry_run nothing is changed,
 * and the end is what would come. */
LM_MUST_USE lm_status lm__swap_settle(const lm_posix_store *posix, int directory, const char *name,
                                      int fd, bool dry_run, lm_cancel *cancel, lm_swap_end *end,
                                      lm_error *error);

#endif
