/* Dead writers' leavings are removed, a living writer's never; and the locks between commits.
 * Numbers are reap.c's (r) and lock.c's (l) invariants. */
#define _GNU_SOURCE
#include "check.h"
#include "scratch.h"

#include <errno.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/wait.h>
#include <time.h>

#include "store/fault/sys.h"
#include "store/posix/posix.h"

#define TEMP(digit) ".lamella-0000000000000000000000000000000" digit ".tmp"
#define TREE(digit) ".lamella-0000000000000000000000000000000" digit ".tree"
#define SWAP(digit) ".lamella-0000000000000000000000000000000" digit ".swap"

static char here[256];
static lm_posix_store posix;

static const char *at(const char *name) { return scratch_join(here, name); }

typedef struct counts {
    int found, live, removed, trees;
    uint64_t bytes;
} counts;

static lm_status count(void *context, const lm_gc_found *found, lm_error *error)
{
    (void)error;
    counts *c = context;
    c->found++;
    c->live += found->done == LM_GC_LIVE;
    c->removed += found->done == LM_GC_REMOVED;
    c->trees += found->what == LM_GC_TREE;
    c->bytes += found->bytes;
    return LM_OK;
}

static counts reap(lm_reap_options options)
{
    counts c = {0};
    lm_error error;
    CHECK_OK(lm__store_reap(&posix.store, here, &options, count, &c, &error), error);
    return c;
}

static void begin(void)
{
    scratch_make(here);
    lm__posix_store_init(&posix, NULL, NULL);
}

TEST(names)
{
    lm_gc_what what;
    char name[LM_TEMP_NAME_MAX];
    CHECK(lm__temp_name_is(TEMP("a"), &what) && what == LM_GC_FILE);
    CHECK(lm__temp_name_is(TREE("9"), &what) && what == LM_GC_TREE);
    CHECK(lm__temp_name_is(SWAP("9"), &what) && what == LM_GC_JOURNAL);
    CHECK(!lm__temp_name_is(TEMP("g"), &what) && !lm__temp_name_is(TEMP("A"), &what));
    CHECK(!lm__temp_name_is(TEMP("0") "x", &what) && !lm__temp_name_is(".lamella-", &what));
    CHECK(!lm__temp_name_is(".lamella-00000000000000000000000000000000", &what));
    CHECK(!lm__temp_name_is(".lamella-000000000000000000000000000000000.tmp", &what));
    CHECK(!lm__temp_name_is("a", &what) && !lm__temp_name_is("", &what));
    CHECK_STATUS(lm__temp_name(name, LM_TEMP_FILE_SUFFIX, NULL), LM_OK);
    CHECK(lm__temp_name_is(name, &what) && what == LM_GC_FILE);
}

TEST(the_dead_are_removed) /* r1, r2 */
{
    begin();
    scratch_put(at(TEMP("1")), "12345");
    scratch_put(at(".lamella-mine"), "x");
    scratch_put(at("a.tmp"), "x");
    CHECK(mkdir(at(TREE("2")), 0755) == 0 && mkdir(at(TREE("2") "/x"), 0755) == 0);
    scratch_put(at(TREE("2") "/x/y"), "x");
    CHECK(symlink("..", at(TREE("2") "/up")) == 0);
    CHECK(mkdir(at("sub"), 0755) == 0);
    scratch_put(at("sub/" TEMP("3")), "1");
    /* Not what their names say: left alone, and told. */
    CHECK(mkdir(at(TEMP("4")), 0755) == 0 && mkfifo(at(TEMP("5")), 0644) == 0);
    CHECK(symlink("a.tmp", at(TEMP("6"))) == 0);
    scratch_put(at(TREE("7")), "x");

    counts dry = reap((lm_reap_options){.dry_run = true});
    CHECK_INT(dry.found, 6);
    CHECK_INT(dry.removed, 2); /* would be */
    CHECK_INT(dry.bytes, 5);
    CHECK_INT(scratch_count(here), 9);
    counts flat = reap((lm_reap_options){0});
    CHECK_INT(flat.removed, 2);
    CHECK_INT(flat.live, 4);
    CHECK_INT(scratch_count(here), 7);
    counts deep = reap((lm_reap_options){.recursive = true});
    CHECK_INT(deep.removed, 1);
    CHECK_INT(scratch_count(at("sub")), 0);
    CHECK(access(at(".lamella-mine"), F_OK) == 0 && access(at("a.tmp"), F_OK) == 0);
    scratch_remove(here);
}

#define LEFT(kind) ".lamella-" kind "-0123456789abcdef0123456789abcdef"

TEST(what_spark_and_merges_leave_is_found) /* r3 */
{
    CHECK_INT(lm__left_name(LEFT("spark")), LM_LEFT_SPARK);
    CHECK_INT(lm__left_name(LEFT("probe")), LM_LEFT_PROBE);
    CHECK_INT(lm__left_name(LEFT("merge")), LM_LEFT_TARGET);
    CHECK_INT(lm__left_name(LEFT("merge") ".part"), LM_LEFT_TARGET);
    CHECK_INT(lm__left_name(".lamella-merge.journal"), LM_LEFT_JOURNAL);
    CHECK_INT(lm__left_name(LEFT("spark") "0"), LM_LEFT_NOTHING);
    CHECK_INT(lm__left_name(LEFT("spark") ".part"), LM_LEFT_NOTHING);
    CHECK_INT(lm__left_name(".lamella-spark-"), LM_LEFT_NOTHING);
    begin();
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    lm_reap_options options = {.now_ns = (int64_t)now.tv_sec * 1000000000 + 10000000000};
    CHECK(mkdir(at(LEFT("spark")), 0755) == 0 && mkdir(at(LEFT("spark") "/parts"), 0755) == 0);
    scratch_put(at(LEFT("spark") "/parts/part-0"), "x");
    CHECK(symlink("..", at(LEFT("spark") "/parts/up")) == 0);
    scratch_put(at(".lamella-merge.journal"), "lamella merge 1");
    scratch_put(at("spark"), "x");
    counts c = reap(options);
    CHECK_INT(c.found, 2);
    CHECK_INT(c.removed, 0);
    CHECK_INT(c.bytes, 15);
    options.older_than_ns = 5000000000;
    /* The age of the youngest in it counts. */
    struct timespec later[2] = {{now.tv_sec + 9, 0}, {now.tv_sec + 9, 0}};
    CHECK(utimensat(AT_FDCWD, at(LEFT("spark") "/parts/part-0"), later, 0) == 0);
    CHECK_INT(reap(options).removed, 0);
    later[0].tv_sec = later[1].tv_sec = now.tv_sec;
    CHECK(utimensat(AT_FDCWD, at(LEFT("spark") "/parts/part-0"), later, 0) == 0);
    options.dry_run = true;
    CHECK_INT(reap(options).removed, 1);
    CHECK_INT(scratch_count(here), 3);
    options.dry_run = false;
    c = reap(options);
    CHECK_INT(c.removed, 1);
    CHECK_INT(c.trees, 1);
    CHECK_INT(c.found, 2);
    CHECK_INT(scratch_count(here), 2);
    scratch_remove(here);
}

TEST(the_young_are_spared_by_choice)
{
    begin();
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    int64_t now_ns = (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
    scratch_put(at(TEMP("1")), "x");
    lm_reap_options hour = {.older_than_ns = 3600 * (int64_t)1000000000, .now_ns = now_ns};
    CHECK_INT(reap(hour).removed, 0);
    hour.now_ns += 2 * hour.older_than_ns;
    CHECK_INT(reap(hour).removed, 1);
    scratch_remove(here);
}

/* A stage of this process holds its lock by its own descriptor: alive for everybody. */
TEST(the_living_are_left_alone) /* r2, l1 */
{
    begin();
    posix.no_tmpfile = true;
    lm_stage *stage;
    CHECK_STATUS(lm__stage_open(&posix.store, at("a"), NULL, &stage, NULL), LM_OK);
    CHECK_STATUS(lm__stage_write(stage, "new", 3, NULL), LM_OK);
    CHECK_INT(scratch_count(here), 1);
    counts c = reap((lm_reap_options){0});
    CHECK_INT(c.live, 1);
    CHECK_INT(c.removed, 0);
    CHECK_STATUS(lm__stage_seal(stage, NULL), LM_OK);
    CHECK_INT(reap((lm_reap_options){0}).live, 1);
    CHECK_STATUS(lm__stage_commit(stage, NULL), LM_OK);
    lm__stage_close(stage);
    CHECK_INT(reap((lm_reap_options){0}).found, 0);
    CHECK(scratch_is(at("a"), "new"));
    scratch_remove(here);
}

TEST(a_killed_writer_is_dead)
{
    begin();
    posix.no_tmpfile = true;
    int ready[2];
    REQUIRE(pipe(ready) == 0);
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        lm_stage *stage;
        if (lm__stage_open(&posix.store, at("a"), NULL, &stage, NULL) != LM_OK) _exit(1);
        if (write(ready[1], "x", 1) != 1) _exit(1);
        pause();
        _exit(0);
    }
    char byte;
    CHECK(read(ready[0], &byte, 1) == 1);
    CHECK_INT(reap((lm_reap_options){0}).live, 1);
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
    CHECK_INT(reap((lm_reap_options){0}).removed, 1);
    CHECK_INT(scratch_count(here), 0);
    close(ready[0]);
    close(ready[1]);
    scratch_remove(here);
}

/* gc is between the making of a named file and its lock: it has taken the lock, or removed the
 * name. The writer notices either and takes another name. */
typedef struct meddler {
    lm_sys sys;
    lm_sys *inner;
    bool remove_name, hold_lock;
    int meddled, held;
} meddler;

static int64_t meddle(lm_sys *sys, const lm_sys_call *call)
{
    meddler *m = (meddler *)sys;
    int64_t result = lm__sys_run(m->inner, call);
    if (call->op != LM_SYS_OPENAT || !(call->flags & O_CREAT) || result < 0 || m->meddled++ > 0)
        return result;
    if (m->hold_lock) {
        m->held = openat(call->fd, call->path, O_RDWR);
        if (flock(m->held, LOCK_EX | LOCK_NB) != 0) abort();
    }
    if (m->remove_name && unlinkat(call->fd, call->path, 0) != 0) abort();
    return result;
}

TEST(gc_in_the_gap_is_noticed) /* l1 */
{
    for (int how = 1; how < 4; how++) {
        begin();
        meddler m = {.sys = {meddle},
                     .inner = lm__sys_kernel(),
                     .remove_name = how & 1,
                     .hold_lock = how & 2,
                     .held = -1};
        lm_stage *stage;
        lm_error error;
        posix.sys = &m.sys;
        posix.no_tmpfile = true;
        CHECK_OK(lm__stage_open(&posix.store, at("a"), NULL, &stage, &error), error);
        CHECK_INT(m.meddled, 2);
        if (m.held >= 0) { /* and gc goes on with what it has locked */
            close(m.held);
            CHECK_INT(reap((lm_reap_options){0}).live, 1);
        }
        CHECK_INT(scratch_count(here), 1);
        CHECK_STATUS(lm__stage_seal(stage, NULL), LM_OK);
        CHECK_OK(lm__stage_commit(stage, &error), error);
        lm__stage_close(stage);
        CHECK(scratch_is(at("a"), ""));
        CHECK_INT(scratch_count(here), 1);
        scratch_remove(here);
    }
}

TEST(where_there_are_no_locks_nothing_is_removed)
{
    begin();
    lm_fault_sys fault;
    scratch_put(at(TEMP("1")), "x");
    lm__fault_sys_init(&fault, NULL, NULL);
    lm__fault_sys_rule(
        &fault, (lm_fault_rule){.op = LM_SYS_FLOCK, .action = LM_FAULT_FAIL, .os_code = ENOLCK});
    posix.sys = &fault.sys;
    CHECK_INT(reap((lm_reap_options){0}).live, 1);
    CHECK_INT(scratch_count(here), 1);
    lm__fault_sys_deinit(&fault);
    scratch_remove(here);
}

static lm_status stop(void *context, const lm_gc_found *found, lm_error *error)
{
    (void)context;
    (void)found;
    (void)error;
    return LM_LIMIT;
}

TEST(a_reaping_can_be_ended)
{
    begin();
    lm_cancel cancel = {1};
    lm_reap_options options = {.cancel = &cancel};
    scratch_put(at(TEMP("1")), "x");
    CHECK_STATUS(lm__store_reap(&posix.store, here, &options, stop, NULL, NULL), LM_CANCELLED);
    options.cancel = NULL;
    options.dry_run = true;
    CHECK_STATUS(lm__store_reap(&posix.store, here, &options, stop, NULL, NULL), LM_LIMIT);
    CHECK_STATUS(lm__store_reap(&posix.store, at("none"), &options, stop, NULL, NULL),
                 LM_NOT_FOUND);
    CHECK_INT(scratch_count(here), 1);
    scratch_remove(here);
}

/* ---- the lock of commits (l2) ---- */

TEST(commits_side_by_side_do_not_wait)
{
    begin();
    lm_error error;
    lm_stage *stage;
    scratch_put(at("a"), "old");
    CHECK_STATUS(lm__stage_open(&posix.store, at("a"), NULL, &stage, NULL), LM_OK);
    CHECK_STATUS(lm__stage_seal(stage, NULL), LM_OK);
    int directory = open(here, O_RDONLY | O_DIRECTORY);
    CHECK(flock(directory, LOCK_SH) == 0);
    CHECK_OK(lm__stage_commit(stage, &error), error);
    close(directory);
    lm__stage_close(stage);
    CHECK(scratch_is(at("a"), ""));
    scratch_remove(here);
}

/* Frees the lock after a moment, from a child that shares nothing but the directory. */
TEST(a_commit_waits_for_the_one_that_compares)
{
    begin();
    scratch_put(at("a"), "123456789");
    lm_stage *stage;
    lm_error error;
    CHECK_STATUS(lm__stage_open(&posix.store, at("a"), NULL, &stage, NULL), LM_OK);
    CHECK_STATUS(lm__stage_seal(stage, NULL), LM_OK);
    int ready[2];
    REQUIRE(pipe(ready) == 0);
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        int directory = open(here, O_RDONLY | O_DIRECTORY);
        if (flock(directory, LOCK_EX) != 0 || write(ready[1], "x", 1) != 1) _exit(1);
        usleep(50000);
        /* Still the old one: nobody replaces while this lock is held. */
        _exit(scratch_is(at("a"), "123456789") ? 0 : 2);
    }
    char byte;
    int status;
    CHECK(read(ready[0], &byte, 1) == 1);
    CHECK_OK(lm__stage_commit(stage, &error), error);
    lm__stage_close(stage);
    CHECK(waitpid(child, &status, 0) == child);
    CHECK_INT(status, 0);
    CHECK(scratch_is(at("a"), ""));
    close(ready[0]);
    close(ready[1]);
    scratch_remove(here);
}

TEST(a_wait_for_a_lock_can_be_ended)
{
    begin();
    lm_error error;
    bool locked;
    lm_cancel cancel = {1};
    int first = open(here, O_RDONLY | O_DIRECTORY), second = open(here, O_RDONLY | O_DIRECTORY);
    CHECK(flock(first, LOCK_EX) == 0);
    CHECK_STATUS(lm__commit_lock(lm__sys_kernel(), second, LOCK_SH, "a", &cancel, &locked, &error),
                 LM_CANCELLED);
    CHECK(!locked);
    CHECK(flock(first, LOCK_UN) == 0);
    CHECK_STATUS(lm__commit_lock(lm__sys_kernel(), second, LOCK_EX, "a", &cancel, &locked, &error),
                 LM_OK);
    CHECK(locked);
    CHECK(flock(first, LOCK_SH | LOCK_NB) != 0);
    lm__commit_unlock(lm__sys_kernel(), second, locked);
    CHECK(flock(first, LOCK_SH | LOCK_NB) == 0);
    close(first);
    close(second);
    scratch_remove(here);
}

int main(void)
{
    umask(022);
    RUN(names);
    RUN(the_dead_are_removed);
    RUN(what_spark_and_merges_leave_is_found);
    RUN(the_young_are_spared_by_choice);
    RUN(the_living_are_left_alone);
    RUN(a_killed_writer_is_dead);
    RUN(gc_in_the_gap_is_noticed);
    RUN(where_there_are_no_locks_nothing_is_removed);
    RUN(a_reaping_can_be_ended);
    RUN(commits_side_by_side_do_not_wait);
    RUN(a_commit_waits_for_the_one_that_compares);
    RUN(a_wait_for_a_lock_can_be_ended);
    return DONE();
}
