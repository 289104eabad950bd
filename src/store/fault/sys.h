/*
 * System calls that are recorded, and that fail when they are told to. It stands between the posix
 * store and the kernel; tests make it, and the crash harness reads its records.
 *
 * Invariants
 *  1. Without rules every call goes through unchanged, and its answer comes back unchanged.
 *  2. Calls are taken one at a time, in one order, which is the order of the records.
 *  3. A record of a change names the objects that it touched by their identity, looked up before
 * the call where the call takes a name away: no reader of the records has to resolve a path.
 */
#ifndef LM_STORE_FAULT_SYS_H
#define LM_STORE_FAULT_SYS_H

#include <pthread.h>

#include "store/store.h"
#include "store/sys.h"

typedef enum lm_fault_action {
    LM_FAULT_FAIL,  /* not done, and `os_code` is the answer */
    LM_FAULT_SHORT, /* a read or write of half the bytes (at least one) */
    LM_FAULT_LOST,  /* done, but `os_code` is the answer */
    LM_FAULT_DROP,  /* not done, and success is the answer: a lie, for harnesses that must notice */
} lm_fault_action;

/* Matches the nth call (from 0) of those that it looks at; `times` calls from there on, 0 meaning
 * all. */
typedef struct lm_fault_rule {
    bool any_op;
    lm_sys_op op;
    uint64_t nth, times;
    int on_kind; /* 0: any; otherwise only calls on a descriptor of this kind, S_IFREG or S_IFDIR */
    lm_fault_action action;
    int os_code; /* errno, positive */
    uint64_t seen, used;
} lm_fault_rule;

#define LM_FAULT_RULES_MAX 8

typedef struct lm_fault_object {
    uint64_t device, inode; /* 0, 0: none */
} lm_fault_object;

/* One call that went through to the kernel (or was dropped), and succeeded. */
typedef struct lm_fault_record {
    lm_sys_op op;
    bool is_mark; /* no call: a mark of the caller's, `mark` */
    bool is_dropped;
    int mark;
    int64_t result;
    /* What the descriptor or the path led to: the file written, synced, linked or renamed. */
    lm_fault_object object;
    /* renameat2 with RENAME_EXCHANGE: what stood at the new name. */
    lm_fault_object other;
    /* The directories that hold name and name2 (unlinkat, mkdirat, openat that creates: name in
     * parent; linkat: name2 in parent2; renameat2: both). */
    lm_fault_object parent, parent2;
    char name[256], name2[256];
    int flags;
    unsigned mode, uid, gid;
    int64_t offset; /* ftruncate: the new size */
    size_t size;
    uint8_t *data; /* pwrite, fsetxattr */
} lm_fault_record;

typedef struct lm_fault_sys {
    lm_sys sys;
    lm_sys *inner;
    pthread_mutex_t mutex;
    bool is_recording;
    lm_fault_rule rules[LM_FAULT_RULES_MAX];
    int rule_count;
    uint64_t calls; /* all of them, so that tests can fail each in turn */
    uint64_t calls_of[LM_SYS_OP_COUNT];
    const lm_allocator *allocator;
    lm_fault_record *records;
    size_t record_count, record_capacity;
    bool lost_a_record; /* there was no memory for one */
} lm_fault_sys;

/* inner NULL: the kernel. */
void lm__fault_sys_init(lm_fault_sys *fault, lm_sys *inner, const lm_allocator *allocator);
void lm__fault_sys_deinit(lm_fault_sys *fault);
/* Adds a rule; the first that matches a call decides about it. */
void lm__fault_sys_rule(lm_fault_sys *fault, lm_fault_rule rule);
void lm__fault_sys_clear_rules(lm_fault_sys *fault);
/* Puts a mark between the records: "the writer was told that it is done", "a reader saw the new
 * one". */
void lm__fault_sys_mark(lm_fault_sys *fault, int mark);

#endif
