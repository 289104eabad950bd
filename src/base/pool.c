/*
 * The thread pool; see pool.h.
 *
 * One lock guards everything but the jobs' own work. Groups with queued jobs stand in a ring-like
 * list; a pool thread takes one job from the first and moves that group to the end, so no group
 * starves another. Two conditions: `work` wakes idle threads, `done` wakes waiters.
 *
 * Why no deadlock: a thread blocks in wait only when every pending job of its group runs on some
 * other thread; that thread is either at work or in a wait of a group made inside, and groups made
 * inside one another form no circle.
 */
#define _GNU_SOURCE
#include "base/pool.h"

#include <assert.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/error.h"
#include "base/limits.h"

struct lm_pool {
    const lm_allocator *allocator;
    pthread_mutex_t lock;
    pthread_cond_t work, done;
    lm_group *first, *last; /* groups with something queued */
    size_t queued;          /* jobs */
    int threads;            /* wanted, with the caller */
    int started, idle;
    bool cannot_start, stop;
    pthread_t handles[];
};

/* Takes the first queued job of a group; the list of groups is put right by the caller. */
static lm_job *group_pop(lm_pool *pool, lm_group *group)
{
    lm_job *job = group->first;
    group->first = job->next;
    if (!group->first) group->last = NULL;
    pool->queued--;
    return job;
}

static void ready_append(lm_pool *pool, lm_group *group)
{
    group->next = NULL;
    if (pool->last)
        pool->last->next = group;
    else
        pool->first = group;
    pool->last = group;
}

static void ready_remove(lm_pool *pool, lm_group *group)
{
    lm_group *before = NULL, *at = pool->first;
    while (at != group) {
        before = at;
        at = at->next;
    }
    if (before)
        before->next = group->next;
    else
        pool->first = group->next;
    if (pool->last == group) pool->last = before;
}

/* Runs with the lock held on entry and exit, but not during the job. */
static void job_run(lm_pool *pool, lm_job *job)
{
    lm_group *group = job->group;
    pthread_mutex_unlock(&pool->lock);
    job->run(job);
    pthread_mutex_lock(&pool->lock);
    if (atomic_fetch_sub_explicit(&group->pending, 1, memory_order_release) == 1)
        pthread_cond_broadcast(&pool->done);
}

/* Runs one job of the group that has waited longest. */
static void run_next(lm_pool *pool)
{
    lm_group *group = pool->first;
    lm_job *job = group_pop(pool, group);
    ready_remove(pool, group);
    if (group->first) ready_append(pool, group);
    job_run(pool, job);
}

static void *thread_main(void *context)
{
    lm_pool *pool = context;
    pthread_mutex_lock(&pool->lock);
    for (;;) {
        if (pool->first) {
            run_next(pool);
        } else if (pool->stop) {
            break;
        } else {
            pool->idle++;
            pthread_cond_wait(&pool->work, &pool->lock);
            pool->idle--;
        }
    }
    pthread_mutex_unlock(&pool->lock);
    return NULL;
}

/* The new thread inherits the mask: signals go to the program's own threads. */
static void thread_start(lm_pool *pool)
{
    sigset_t all, before;
    sigfillset(&all);
    if (pthread_sigmask(SIG_SETMASK, &all, &before) != 0) return;
    if (pthread_create(&pool->handles[pool->started], NULL, thread_main, pool) == 0)
        pool->started++;
    else
        pool->cannot_start = true;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
}

static int cpus_usable(void)
{
    cpu_set_t set;
    if (sched_getaffinity(0, sizeof set, &set) == 0) return CPU_COUNT(&set);
    long online = sysconf(_SC_NPROCESSORS_ONLN); /* more CPUs than the set has room for */
    return online < 1 ? 1 : online > LM_POOL_THREADS_MAX ? LM_POOL_THREADS_MAX : (int)online;
}

static lm_status threads_choose(int *threads, lm_error *error)
{
    if (*threads < 0) return lm__error_set(error, LM_INVALID, "%d threads are asked for", *threads);
    const char *text = getenv("LAMELLA_THREADS");
    if (*threads == 0 && text && *text) {
        int value = 0;
        for (const char *digit = text; *digit; digit++) {
            if (*digit < '0' || *digit > '9')
                return lm__error_set(error, LM_INVALID, "LAMELLA_THREADS is no number: %s", text);
            if (value <= LM_POOL_THREADS_MAX) value = value * 10 + (*digit - '0');
        }
        if (value == 0) return lm__error_set(error, LM_INVALID, "LAMELLA_THREADS is 0");
        *threads = value;
    }
    if (*threads == 0) *threads = cpus_usable();
    if (*threads > LM_POOL_THREADS_MAX) *threads = LM_POOL_THREADS_MAX;
    return LM_OK;
}

lm_status lm__pool_new(const lm_allocator *allocator, int threads, lm_pool **pool, lm_error *error)
{
    *pool = NULL;
    LM_TRY(threads_choose(&threads, error));
    allocator = lm__allocator_or_default(allocator);
    size_t handles = (size_t)threads * sizeof(pthread_t);
    lm_pool *made = lm__alloc_zero(allocator, sizeof *made + handles);
    if (!made) return lm__error_memory(error, "making a thread pool");
    made->allocator = allocator;
    made->threads = threads;
    /* With default attributes these do not fail on Linux, and hold no memory. */
    pthread_mutex_init(&made->lock, NULL);
    pthread_cond_init(&made->work, NULL);
    pthread_cond_init(&made->done, NULL);
    *pool = made;
    return LM_OK;
}

void lm__pool_free(lm_pool *pool)
{
    if (!pool) return;
    pthread_mutex_lock(&pool->lock);
    assert(!pool->first);
    pool->stop = true;
    pthread_cond_broadcast(&pool->work);
    pthread_mutex_unlock(&pool->lock);
    for (int i = 0; i < pool->started; i++) pthread_join(pool->handles[i], NULL);
    pthread_cond_destroy(&pool->done);
    pthread_cond_destroy(&pool->work);
    pthread_mutex_destroy(&pool->lock);
    lm__free(pool->allocator, pool);
}

int lm__pool_threads(const lm_pool *pool) { return pool->threads; }

void lm__group_init(lm_group *group, lm_pool *pool)
{
    *group = (lm_group){.pool = pool};
    atomic_init(&group->pending, 0);
}

void lm__group_submit(lm_group *group, lm_job *job)
{
    lm_pool *pool = group->pool;
    job->group = group;
    job->next = NULL;
    pthread_mutex_lock(&pool->lock);
    atomic_fetch_add_explicit(&group->pending, 1, memory_order_relaxed);
    if (group->last)
        group->last->next = job;
    else
        group->first = job;
    bool is_new = !group->last;
    group->last = job;
    pool->queued++;
    if (is_new) ready_append(pool, group);
    if (pool->idle > 0) pthread_cond_signal(&pool->work);
    if (pool->queued > (size_t)pool->idle && pool->started < pool->threads - 1 &&
        !pool->cannot_start)
        thread_start(pool);
    if (group->waiters > 0) pthread_cond_broadcast(&pool->done);
    pthread_mutex_unlock(&pool->lock);
}

lm_job *lm__group_withdraw(lm_group *group)
{
    lm_pool *pool = group->pool;
    lm_job *job = NULL;
    pthread_mutex_lock(&pool->lock);
    if (group->first) {
        job = group_pop(pool, group);
        if (!group->first) ready_remove(pool, group);
        if (atomic_fetch_sub_explicit(&group->pending, 1, memory_order_release) == 1)
            pthread_cond_broadcast(&pool->done);
    }
    pthread_mutex_unlock(&pool->lock);
    return job;
}

static void group_wait(lm_group *group, bool helping)
{
    lm_pool *pool = group->pool;
    pthread_mutex_lock(&pool->lock);
    while (atomic_load_explicit(&group->pending, memory_order_acquire) > 0) {
        if (group->first) {
            lm_job *job = group_pop(pool, group);
            if (!group->first) ready_remove(pool, group);
            job_run(pool, job);
        } else if (helping && pool->first) {
            run_next(pool);
        } else {
            group->waiters++;
            pthread_cond_wait(&pool->done, &pool->lock);
            group->waiters--;
        }
    }
    pthread_mutex_unlock(&pool->lock);
}

void lm__group_wait(lm_group *group) { group_wait(group, false); }

void lm__group_wait_helping(lm_group *group) { group_wait(group, true); }

bool lm__group_done(const lm_group *group)
{
    return atomic_load_explicit(&group->pending, memory_order_acquire) == 0;
}
