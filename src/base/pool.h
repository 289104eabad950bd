/*
 * Threads for work that can be done side by side.
 *
 * A group is a set of jobs that is waited for together. The waiter runs jobs itself while it waits,
 * so groups may nest without a deadlock, and a pool of one thread (the caller) starts no thread at
 * all.
 *
 * Invariants
 *  1. A job runs exactly once, on a pool thread or on a thread that waits.
 *  2. After lm__group_wait returns, no job of the group runs or is queued, and what the jobs wrote
 * is visible.
 *  3. Jobs belong to the caller (intrusive): submitting allocates nothing and cannot fail.
 */
#ifndef LM_BASE_POOL_H
#define LM_BASE_POOL_H

#include <lamella/base.h>

typedef struct lm_pool lm_pool;
typedef struct lm_job lm_job;

typedef struct lm_group {
    lm_pool *pool;
    atomic_size_t pending;
} lm_group;

struct lm_job {
    void (*run)(lm_job *job);
    lm_job *next;
    lm_group *group;
};

/* threads counts the caller: 1 starts none. 0 means LAMELLA_THREADS from the environment, else the
 * CPUs that this process may use. Threads start at the first job. */
LM_MUST_USE lm_status lm__pool_new(const lm_allocator *allocator, int threads, lm_pool **pool,
                                   lm_error *error);
void lm__pool_free(lm_pool *pool);
int lm__pool_threads(const lm_pool *pool);

void lm__group_init(lm_group *group, lm_pool *pool);
/* Sets job->group and queues it; with one thread it runs at the wait. */
void lm__group_submit(lm_group *group, lm_job *job);
void lm__group_wait(lm_group *group);
/* True when nothing of the group is pending: wait would return at once. */
bool lm__group_done(const lm_group *group);

#endif
