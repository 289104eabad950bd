/* The pool keeps its promises (pool.h 1 to 5); run under ThreadSanitizer too. */
#define _GNU_SOURCE
#include "base/pool.h"

#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "base/limits.h"
#include "check.h"

typedef struct sum_job {
    lm_job job;
    int runs; /* not atomic: the wait must make it visible */
    uint64_t value;
} sum_job;

static void sum_run(lm_job *job)
{
    sum_job *sum = (sum_job *)job;
    sum->runs++;
    for (uint64_t i = 0; i < 1000; i++) sum->value += i;
}

static lm_pool *pool_make(int threads)
{
    lm_error error;
    lm_pool *pool = NULL;
    CHECK_OK(lm__pool_new(NULL, threads, &pool, &error), error);
    return pool;
}

static void every_job_once(int threads)
{
    enum { jobs = 2000 };
    lm_pool *pool = pool_make(threads);
    sum_job *all = calloc(jobs, sizeof *all);
    lm_group group;
    REQUIRE(pool && all);
    CHECK_INT(lm__pool_threads(pool), threads);
    for (int round = 1; round <= 3; round++) {
        lm__group_init(&group, pool);
        CHECK(lm__group_done(&group));
        for (int i = 0; i < jobs; i++) {
            all[i].job.run = sum_run;
            lm__group_submit(&group, &all[i].job);
        }
        lm__group_wait(&group);
        CHECK(lm__group_done(&group));
        for (int i = 0; i < jobs; i++)
            if (all[i].runs != round) check_fail(__FILE__, __LINE__, "job %d: %d", i, all[i].runs);
    }
    free(all);
    lm__pool_free(pool);
}

TEST(every_job_runs_once)
{
    for (int threads = 1; threads <= 5; threads++) every_job_once(threads);
}

TEST(one_thread_runs_at_the_wait)
{
    lm_pool *pool = pool_make(1);
    lm_group group;
    sum_job one = {.job.run = sum_run};
    lm__group_init(&group, pool);
    lm__group_submit(&group, &one.job);
    CHECK_INT(one.runs, 0);
    CHECK(!lm__group_done(&group));
    lm__group_wait(&group);
    CHECK_INT(one.runs, 1);
    lm__pool_free(pool);
}

/* A tree of groups: each job waits for three of its own. */
typedef struct tree_job {
    lm_job job;
    lm_pool *pool;
    int depth, leaves;
} tree_job;

static void tree_run(lm_job *job)
{
    tree_job *tree = (tree_job *)job, children[3];
    if (tree->depth == 0) {
        tree->leaves = 1;
        return;
    }
    lm_group group;
    lm__group_init(&group, tree->pool);
    for (int i = 0; i < 3; i++) {
        children[i] = (tree_job){.job.run = tree_run, .pool = tree->pool, .depth = tree->depth - 1};
        lm__group_submit(&group, &children[i].job);
    }
    lm__group_wait(&group);
    for (int i = 0; i < 3; i++) tree->leaves += children[i].leaves;
}

TEST(groups_nest)
{
    for (int threads = 1; threads <= 4; threads++) {
        lm_pool *pool = pool_make(threads);
        tree_job root = {.job.run = tree_run, .pool = pool, .depth = 7};
        lm_group group;
        lm__group_init(&group, pool);
        lm__group_submit(&group, &root.job);
        lm__group_wait(&group);
        CHECK_INT(root.leaves, 2187);
        lm__pool_free(pool);
    }
}

/* A job frees itself, and hands a successor to its own group while that is waited for. */
typedef struct chain_job {
    lm_job job;
    int left;
    atomic_int *runs;
} chain_job;

static void chain_run(lm_job *job)
{
    chain_job *chain = (chain_job *)job;
    lm_group *group = job->group;
    atomic_fetch_add(chain->runs, 1);
    if (chain->left > 0) {
        chain_job *next = malloc(sizeof *next);
        *next = (chain_job){.job.run = chain_run, .left = chain->left - 1, .runs = chain->runs};
        lm__group_submit(group, &next->job);
    }
    free(chain);
}

TEST(jobs_may_submit_to_their_group_and_free_themselves)
{
    for (int threads = 1; threads <= 3; threads++) {
        lm_pool *pool = pool_make(threads);
        atomic_int runs = 0;
        lm_group group;
        lm__group_init(&group, pool);
        for (int i = 0; i < 4; i++) {
            chain_job *first = malloc(sizeof *first);
            *first = (chain_job){.job.run = chain_run, .left = 99, .runs = &runs};
            lm__group_submit(&group, &first->job);
        }
        lm__group_wait(&group);
        CHECK_INT(runs, 400);
        lm__pool_free(pool);
    }
}

static void *foreign_main(void *pool)
{
    for (int round = 0; round < 50; round++) {
        sum_job jobs[8] = {0};
        lm_group group;
        lm__group_init(&group, pool);
        for (int i = 0; i < 8; i++) {
            jobs[i].job.run = sum_run;
            lm__group_submit(&group, &jobs[i].job);
        }
        while (round % 2 && !lm__group_done(&group)) sched_yield();
        lm__group_wait(&group);
        for (int i = 0; i < 8; i++)
            if (jobs[i].runs != 1) return "a job did not run once";
    }
    return NULL;
}

TEST(several_threads_share_a_pool)
{
    lm_pool *pool = pool_make(3);
    pthread_t threads[4];
    for (int i = 0; i < 4; i++) pthread_create(&threads[i], NULL, foreign_main, pool);
    for (int i = 0; i < 4; i++) {
        void *complaint;
        pthread_join(threads[i], &complaint);
        CHECK(!complaint);
    }
    lm__pool_free(pool);
}

typedef struct mask_job {
    lm_job job;
    pthread_t caller;
    bool elsewhere, blocked;
} mask_job;

typedef struct signal_job {
    lm_job job;
    atomic_bool started;
    atomic_bool *wait_for; /* NULL: waits for nothing */
} signal_job;

static void signal_run(lm_job *job)
{
    signal_job *own = (signal_job *)job;
    atomic_store(&own->started, true);
    while (own->wait_for && !atomic_load(own->wait_for)) sched_yield();
}

/* The only pool thread is in a job that ends when another group's job has begun. */
TEST(who_waits_helping_runs_jobs_of_other_groups)
{
    lm_pool *pool = pool_make(2);
    REQUIRE(pool);
    signal_job other = {.job.run = signal_run};
    signal_job slow = {.job.run = signal_run, .wait_for = &other.started};
    lm_group first, second;
    lm__group_init(&first, pool);
    lm__group_init(&second, pool);
    lm__group_submit(&first, &slow.job);
    while (!atomic_load(&slow.started)) sched_yield();
    lm__group_submit(&second, &other.job);
    lm__group_wait_helping(&first);
    lm__group_wait(&second);
    CHECK(atomic_load(&other.started));
    lm__pool_free(pool);
}

/* The only pool thread is kept from the second job, which is taken back and not run. */
TEST(a_job_that_has_not_begun_can_be_withdrawn)
{
    lm_pool *pool = pool_make(2);
    REQUIRE(pool);
    atomic_bool go = false;
    signal_job slow = {.job.run = signal_run, .wait_for = &go}, other = {.job.run = signal_run};
    lm_group group;
    lm__group_init(&group, pool);
    lm__group_submit(&group, &slow.job);
    while (!atomic_load(&slow.started)) sched_yield();
    CHECK(!lm__group_withdraw(&group));
    lm__group_submit(&group, &other.job);
    CHECK(lm__group_withdraw(&group) == &other.job);
    CHECK(!lm__group_withdraw(&group));
    CHECK(!lm__group_done(&group));
    atomic_store(&go, true);
    lm__group_wait(&group);
    CHECK(lm__group_done(&group) && !atomic_load(&other.started));
    lm__pool_free(pool);
}

static void mask_run(lm_job *job)
{
    mask_job *mask = (mask_job *)job;
    sigset_t set;
    mask->elsewhere = !pthread_equal(pthread_self(), mask->caller);
    pthread_sigmask(SIG_SETMASK, NULL, &set);
    mask->blocked = sigismember(&set, SIGINT) == 1 && sigismember(&set, SIGTERM) == 1;
}

TEST(pool_threads_take_no_signals)
{
    lm_pool *pool = pool_make(2);
    mask_job job = {.job.run = mask_run, .caller = pthread_self()};
    lm_group group;
    sigset_t set;
    lm__group_init(&group, pool);
    lm__group_submit(&group, &job.job);
    while (!lm__group_done(&group)) sched_yield();
    CHECK(job.elsewhere && job.blocked);
    pthread_sigmask(SIG_SETMASK, NULL, &set);
    CHECK_INT(sigismember(&set, SIGINT), 0);
    lm__pool_free(pool);
}

TEST(threads_that_cannot_start_are_done_without)
{
    pid_t child = fork();
    REQUIRE(child >= 0);
    if (child == 0) {
        const struct rlimit one = {1, 1};
        if (geteuid() == 0) CHECK_INT(setuid(65534), 0); /* the limit does not hold for root */
        CHECK_INT(setrlimit(RLIMIT_NPROC, &one), 0);
        every_job_once(4);
        fflush(stdout);
        _exit(check_failed);
    }
    int status = -1;
    CHECK_INT(waitpid(child, &status, 0), child);
    CHECK_INT(status, 0);
}

TEST(the_number_of_threads)
{
    lm_error error;
    lm_pool *pool;
    setenv("LAMELLA_THREADS", "3", 1);
    pool = pool_make(0);
    CHECK_INT(lm__pool_threads(pool), 3);
    lm__pool_free(pool);
    setenv("LAMELLA_THREADS", "99999999999999999999", 1);
    pool = pool_make(0);
    CHECK_INT(lm__pool_threads(pool), LM_POOL_THREADS_MAX);
    lm__pool_free(pool);
    static const char *const bad[] = {"0", "-1", "two", "1 "};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        setenv("LAMELLA_THREADS", bad[i], 1);
        CHECK_STATUS(lm__pool_new(NULL, 0, &pool, &error), LM_INVALID);
        CHECK(!pool);
    }
    pool = pool_make(2); /* an argument goes before the environment */
    CHECK_INT(lm__pool_threads(pool), 2);
    lm__pool_free(pool);
    unsetenv("LAMELLA_THREADS");
    CHECK_STATUS(lm__pool_new(NULL, -1, &pool, &error), LM_INVALID);
    pool = pool_make(0);
    CHECK(lm__pool_threads(pool) >= 1);
    lm__pool_free(pool);
    lm__pool_free(NULL);
}

int main(void)
{
    RUN(every_job_runs_once);
    RUN(one_thread_runs_at_the_wait);
    RUN(groups_nest);
    RUN(jobs_may_submit_to_their_group_and_free_themselves);
    RUN(several_threads_share_a_pool);
    RUN(who_waits_helping_runs_jobs_of_other_groups);
    RUN(a_job_that_has_not_begun_can_be_withdrawn);
    RUN(pool_threads_take_no_signals);
    RUN(threads_that_cannot_start_are_done_without);
    RUN(the_number_of_threads);
    return DONE();
}
