/*
 * What a power cut could leave, state by state.
 *
 * A test runs a real publication, in a real directory, through recorded system calls (store/fault).
 * From the records the harness builds, in a small model of a file system, every state that the disk
 * could be in if the power went at any moment: it writes each one out as a directory of its own and
 * asks the test whether that is right.
 *
 *     crash_case crash;
 *     crash_begin(&crash, "/tmp/x/root");            what is there now is durable
 *     lm_posix_store store;
 *     lm__posix_store_init(&store, NULL, &crash.fault.sys);
 *     ... publish with &store.store under /tmp/x/root ...
 *     crash_mark(&crash, DONE);                      the caller was told
 *     crash_report report;
 *     crash_explore(&crash, check, context, &report);
 *     crash_end(&crash);
 *
 * The model. A file's bytes are durable once it was synced after they were written; a name is
 * durable once its directory was synced after it changed; a file's sync says nothing of its name, a
 * directory's nothing of its files. What is not durable may be there after the cut or not, each
 * change for itself and in any order; the bytes of one write may also be torn in the middle, or be
 * zeros where the file already has the length. One call is one change: a rename or an exchange is
 * there whole or not at all, and counts as durable when every directory that it touched is synced.
 * The mode of a file behaves as its bytes do. Nothing is durable that was only written back
 * (sync_file_range), and nothing that was made to fail or dropped by a rule.
 *
 * All combinations of names are tried up to CRASH_NAMES_MAX changes in flight, beyond that none,
 * all, each alone, each missing, every beginning and a few hundred seeded ones; the bytes of files
 * vary one file at a time, the others all there or all lost. Equal states are told once for each
 * set of marks.
 *
 * What the test is told besides crashes: the live state after each call (is_live), which is what a
 * reader sees while nothing goes wrong. A test that remembers what it saw there holds the
 * publication to never going back.
 *
 * For one process; the publication may use threads. Paths given to the store lie under the root.
 */
#ifndef LM_TESTS_CRASH_H
#define LM_TESTS_CRASH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "store/fault/sys.h"

#define CRASH_NAMES_MAX 8
#define CRASH_MESSAGE_MAX 4096

typedef struct crash_case {
    lm_fault_sys fault;
    char root[1024];
    struct crash_model *model;
} crash_case;

typedef struct crash_state {
    const char *root; /* the directory as it would be found; the test may change it */
    unsigned marks;   /* 1 << mark for each mark that was reached before */
    size_t calls;     /* how many of the recorded calls were made */
    bool is_live;     /* no cut: what a reader sees at this moment */
} crash_state;

/* NULL when the state is right, otherwise what is wrong with it (valid until the next call). */
typedef const char *crash_check(void *context, const crash_state *state);

typedef struct crash_report {
    size_t calls, states, distinct, wrong;
    char first_wrong[CRASH_MESSAGE_MAX]; /* what was said of it, and how it came about */
} crash_report;

/* Takes what lies under `root`, an existing directory, as durable, and starts to record. */
void crash_begin(crash_case *crash, const char *root);
/* mark: 0 to 31. */
void crash_mark(crash_case *crash, int mark);
/* Stops recording and tries every state. False when the harness itself could not do its work. */
bool crash_explore(crash_case *crash, crash_check *check, void *context, crash_report *report);
void crash_end(crash_case *crash);

/* A directory of the test's own under TMPDIR (or /dev/shm when `fast`), and its end. */
void crash_scratch(char path[256], bool fast);
void crash_remove_all(const char *path);

#endif
