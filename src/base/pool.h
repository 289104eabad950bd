/*
 * Threads for work that can be done side by side.
 *
 * A group is a set of jobs that is waited for together. The waiter runs the jobs of its own group
 * while it waits, and no others: so a job may make a group of its own and wait for it without a
 * deadlock (what it waits for is run by itself if by nobody else), the stack is never deeper than
 * such groups nest, and a pool of one thread (the caller) starts no thread at all. Who is no job
 * and waits for many small groups in turn waits helping: else it would sleep while the last job of
 * one runs, and find the first of the next one taken, for ever one behind.
 *
 * Invariants
 *  1. A job runs exactly once, on a pool thread or on a thread that waits.
 *  2. After lm__group_wait returns, no job of the group runs or is queued, and what the jobs wrote
 * is visible.
 *  3. Jobs belong to the caller (intrusive): submitting allocates nothing and cannot fail. A job's
 *     memory is not touched once its function was entered, a group's not after its last job ended.
 *  4. A thread that cannot be started is done without; in the worst case the waiter does all.
 *  5. Pool threads have all signals blocked.
 *
 * A child of fork has the pool's memory but none of its threads: it must not use a pool made by its
 * parent, nor free it.
 */
#ifndef LM_BASE_POOL_H
#define LM_BASE_POOL_H

#include <lamella/base.h>

typedef struct lm_pool lm_pool;
typedef struct lm_job lm_job;

typedef struct lm_group lm_group;
struct lm_group {
    lm_pool *pool;
    atomic_size_t pending; /* queued or running */
    /* The rest is the pool's, under its lock. */
    lm_job *first, *last; /* queued */
    lm_group *next;       /* among the groups that have something queued */
    int waiters;
};

struct lm_job {
    void (*run)(lm_job *job);
    lm_job *next;
    lm_group *group;
};

/* threads counts the caller: 1 starts none. 0 means LAMELLA_THREADS from the environment, else the
 * CPUs that this process may use; more than LM_POOL_THREADS_MAX are taken as that many. Threads
 * start as jobs come in. */
LM_MUST_USE lm_status lm__pool_new(const lm_allocator *allocator, int threads, lm_pool **pool,
                                   lm_error *error);
/* Takes NULL. No group of the pool may be pending. */
void lm__pool_free(lm_pool *pool);
int lm__pool_threads(const lm_pool *pool);

void lm__group_init(lm_group *group, lm_pool *pool);
/* Sets job->group and queues it; with one thread it runs at the wait. */
void lm__group_submit(lm_group *group, lm_job *job);
/* Takes a job that has not begun out of the group again, for the caller to run in its own way; NULL
 * when there is none. */
lm_job *lm__group_withdraw(lm_group *group);
void lm__group_wait(lm_group *group);
/* The same, but takes jobs of other groups too, in their order, while its own all run elsewhere.
 * Not from within a job. */
void lm__group_wait_helping(lm_group *group);
/* True when nothing of the group is pending: wait would return at once. */
bool lm__group_done(const lm_group *group);

#endif
