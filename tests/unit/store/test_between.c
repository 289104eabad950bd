/*
 * Somebody else acts between two of our system calls: other writers, gc, people. Each test lets the
 * one thing happen at the one moment. Numbers are commit.c's (c), lock.c's (l), match.c's (m) and
 * reap.c's (r) invariants.
 */
#define _GNU_SOURCE
#include "check.h"
#include "scratch.h"

#include <errno.h>
#include <sys/file.h>
#include <time.h>

#include "store/posix/posix.h"

static char here[256];
static const char *at(const char *name) { return scratch_join(here, name); }

static int syncs;

/* Acts at the first call of one operation that `suits`: before it, and instead of its answer. */
typedef struct meddler {
    lm_sys sys;
    lm_sys_op op;
    void (*before)(const lm_sys_call *call);
    void (*after)(const lm_sys_call *call);
    bool not_done;
    bool always; /* not only the first time */
    int os_code; /* the answer; 0: the true one */
    int times;   /* it happened */
} meddler;

static int64_t meddle(lm_sys *sys, const lm_sys_call *call)
{
    meddler *m = (meddler *)sys;
    bool suits = call->op == m->op && (m->always || m->times == 0);
    m->times += suits;
    if (suits && m->before) m->before(call);
    int64_t result = suits && m->not_done ? 0 : lm__sys_run(lm__sys_kernel(), call);
    if (suits && m->after && result >= 0) m->after(call);
    return suits && m->os_code ? -m->os_code : result;
}

typedef struct
try {
    lm_commit_mode mode;
    bool no_tmpfile;
    const char *name;
}
try;

static lm_status publish(try t, meddler *m, lm_error *error)
{
    lm_posix_store posix;
    lm_stage *stage;
    m->sys.run = meddle;
    lm__posix_store_init(&posix, NULL, &m->sys);
    posix.no_tmpfile = t.no_tmpfile;
    lm_stage_options options = {.mode = t.mode, .match = "crc32c:e3069283"};
    lm_status status =
        lm__stage_open(&posix.store, at(t.name ? t.name : "a"), &options, &stage, error);
    if (status != LM_OK) return status;
    status = lm__stage_write(stage, "new", 3, error);
    if (status == LM_OK) status = lm__stage_seal(stage, error);
    if (status == LM_OK) status = lm__stage_commit(stage, error);
    lm__stage_close(stage);
    return status;
}

#define IN_SCRATCH(name)                                                                           \
    static void name##_in_scratch(void);                                                           \
    TEST(name)                                                                                     \
    {                                                                                              \
        scratch_make_fast(here);                                                                   \
        name##_in_scratch();                                                                       \
        scratch_remove(here);                                                                      \
    }                                                                                              \
    static void name##_in_scratch(void)

/* ---- locks ---- */

static bool can_lock(int directory, const char *path, int flags, int operation)
{
    int fd = openat(directory, path, flags);
    scratch_must(fd >= 0, path);
    bool can = flock(fd, operation | LOCK_NB) == 0;
    close(fd);
    return can;
}

static void check_compared_alone(const lm_sys_call *call)
{
    CHECK(!can_lock(call->fd2, ".", O_RDONLY | O_DIRECTORY, LOCK_SH));
}

static void check_replaced_side_by_side(const lm_sys_call *call)
{
    CHECK(!can_lock(call->fd2, ".", O_RDONLY | O_DIRECTORY, LOCK_EX));
    CHECK(can_lock(call->fd2, ".", O_RDONLY | O_DIRECTORY, LOCK_SH));
}

/* The sync may take long: others commit meanwhile. */
static void check_free(const lm_sys_call *call)
{
    int fd = openat(call->fd, ".", O_RDONLY | O_DIRECTORY);
    if (fd < 0) return; /* the file's own sync */
    CHECK(flock(fd, LOCK_EX | LOCK_NB) == 0);
    close(fd);
    syncs++;
}

IN_SCRATCH(the_directory_is_locked_over_the_rename_and_no_longer) /* l2 */
{
    lm_error error;
    for (int named = 0; named < 2; named++) {
        scratch_put(at("a"), "123456789");
        meddler m = {.op = LM_SYS_RENAMEAT2, .before = check_compared_alone};
        CHECK_OK(publish((try){LM_COMMIT_IF_MATCH, named, NULL}, &m, &error), error);
        CHECK_INT(m.times, 1);
        m = (meddler){.op = LM_SYS_RENAMEAT2, .before = check_replaced_side_by_side};
        CHECK_OK(publish((try){LM_COMMIT_REPLACE, named, NULL}, &m, &error), error);
        CHECK_INT(m.times, 1);
    }
    meddler m = {.op = LM_SYS_FSYNC, .before = check_free, .always = true};
    syncs = 0;
    CHECK_OK(publish((try){LM_COMMIT_REPLACE, false, NULL}, &m, &error), error);
    CHECK_INT(syncs, 1);
}

/* The temporary name that is renamed is locked, and was so before it was there. */
static void check_temp_locked(const lm_sys_call *call)
{
    CHECK(!can_lock(call->fd, call->path, O_RDWR, LOCK_EX));
}

static void check_unnamed_locked(const lm_sys_call *call)
{
    CHECK(!can_lock(AT_FDCWD, call->path, O_RDWR, LOCK_EX));
}

IN_SCRATCH(a_temporary_name_is_locked_before_it_is_there) /* c3, l1 */
{
    lm_error error;
    for (int named = 0; named < 2; named++) {
        scratch_put(at("a"), "old");
        meddler m = {.op = LM_SYS_RENAMEAT2, .before = check_temp_locked};
        CHECK_OK(publish((try){LM_COMMIT_REPLACE, named, NULL}, &m, &error), error);
        CHECK_INT(m.times, 1);
    }
    meddler m = {.op = LM_SYS_LINKAT, .before = check_unnamed_locked};
    CHECK_OK(publish((try){LM_COMMIT_REPLACE, false, NULL}, &m, &error), error);
    CHECK_INT(m.times, 1);
}

/* ---- answers that are lost while others write ---- */

static void other_writes(const lm_sys_call *call)
{
    (void)call;
    scratch_put(at("other"), "other");
    scratch_must(rename(at("other"), at("a")) == 0, "rename");
}

static void other_removes(const lm_sys_call *call)
{
    (void)call;
    scratch_must(unlink(at("a")) == 0, "unlink");
}

static void person_removes_temp(const lm_sys_call *call)
{
    scratch_must(unlinkat(call->fd, call->path, 0) == 0, "unlink");
}

static void person_removes_temp_other_writes(const lm_sys_call *call)
{
    person_removes_temp(call);
    other_writes(call);
}

/* c2: whether ours stood there for a moment, nobody knows. */
IN_SCRATCH(a_lost_answer_under_another_writer_is_unknown)
{
    lm_error error;
    static const int codes[] = {EIO, ESTALE, ETIMEDOUT};
    for (size_t i = 0; i < 3; i++) {
        (void)unlink(at("a"));
        meddler link = {
            .op = LM_SYS_LINKAT, .before = other_writes, .not_done = true, .os_code = codes[i]};
        CHECK_STATUS(publish((try){LM_COMMIT_IF_ABSENT, false, NULL}, &link, &error),
                     LM_UNKNOWN_OUTCOME);
        CHECK_INT(error.os_code, codes[i]);
        CHECK(scratch_is(at("a"), "other"));
        meddler done = {.op = LM_SYS_RENAMEAT2, .after = other_writes, .os_code = codes[i]};
        CHECK_STATUS(publish((try){LM_COMMIT_REPLACE, true, NULL}, &done, &error),
                     LM_UNKNOWN_OUTCOME);
        CHECK(scratch_is(at("a"), "other"));
    }
    /* What says plainly that nothing was done is believed. */
    (void)unlink(at("a"));
    meddler plain = {.op = LM_SYS_LINKAT, .before = other_writes};
    CHECK_STATUS(publish((try){LM_COMMIT_IF_ABSENT, false, NULL}, &plain, &error), LM_EXISTS);
    CHECK(scratch_is(at("a"), "other"));
    CHECK_INT(scratch_count(here), 1);
}

IN_SCRATCH(a_temporary_file_that_a_person_removes)
{
    lm_error error;
    scratch_put(at("a"), "old");
    meddler m = {.op = LM_SYS_RENAMEAT2, .before = person_removes_temp};
    CHECK_STATUS(publish((try){LM_COMMIT_REPLACE, true, NULL}, &m, &error), LM_NOT_FOUND);
    CHECK(scratch_is(at("a"), "old"));
    m = (meddler){.op = LM_SYS_RENAMEAT2, .before = person_removes_temp_other_writes};
    CHECK_STATUS(publish((try){LM_COMMIT_REPLACE, true, NULL}, &m, &error), LM_NOT_FOUND);
    CHECK(scratch_is(at("a"), "other"));
    CHECK_INT(scratch_count(here), 1);
}

/* Done, answered with an error, and taken away at once: what is there is what was there. */
IN_SCRATCH(a_new_file_that_is_removed_at_once)
{
    lm_error error;
    meddler m = {.op = LM_SYS_LINKAT, .after = other_removes, .os_code = EIO};
    CHECK_STATUS(publish((try){LM_COMMIT_IF_ABSENT, false, NULL}, &m, &error), LM_IO);
    CHECK_INT(scratch_count(here), 0);
}

/* ---- if-match ---- */

/* m2: changed, and changed back, while we waited for the lock: it is summed again. */
static void same_bytes_again(const lm_sys_call *call)
{
    (void)call;
    scratch_put(at("other"), "123456789");
    scratch_must(rename(at("other"), at("a")) == 0, "rename");
}

IN_SCRATCH(what_changed_before_the_lock_is_looked_at_again)
{
    lm_error error;
    scratch_put(at("a"), "123456789");
    meddler m = {.op = LM_SYS_FSYNC, .before = same_bytes_again};
    CHECK_OK(publish((try){LM_COMMIT_IF_MATCH, false, NULL}, &m, &error), error);
    CHECK(scratch_is(at("a"), "new"));
    scratch_put(at("a"), "123456789");
    m = (meddler){.op = LM_SYS_FSYNC, .before = other_writes};
    CHECK_STATUS(publish((try){LM_COMMIT_IF_MATCH, false, NULL}, &m, &error), LM_CONFLICT);
    CHECK(scratch_is(at("a"), "other"));
}

/* ---- parents ---- */

static void other_makes_it(const lm_sys_call *call)
{
    scratch_must(mkdirat(call->fd, call->path, 0755) == 0, "mkdir");
}

static int64_t count_syncs(lm_sys *sys, const lm_sys_call *call)
{
    syncs += call->op == LM_SYS_FSYNC;
    return meddle(sys, call);
}

/* destination.c, 2: who made it may not have synced it yet. */
IN_SCRATCH(a_parent_that_another_makes_is_synced_all_the_same)
{
    lm_posix_store posix;
    lm_stage *stage;
    lm_error error;
    meddler m = {.sys = {count_syncs}, .op = LM_SYS_MKDIRAT, .before = other_makes_it};
    lm__posix_store_init(&posix, NULL, &m.sys);
    syncs = 0;
    CHECK_OK(lm__stage_open(&posix.store, at("d/a"), NULL, &stage, &error), error);
    CHECK_INT(m.times, 1);
    CHECK_INT(syncs, 1);
    lm__stage_close(stage);
}

/* ---- gc ---- */

#define TEMP ".lamella-00000000000000000000000000000001.tmp"

static void name_leads_elsewhere(const lm_sys_call *call)
{
    (void)call;
    scratch_put(at("other"), "another writer's");
    scratch_must(rename(at("other"), at(TEMP)) == 0, "rename");
}

static lm_status is_live(void *context, const lm_gc_found *found, lm_error *error)
{
    (void)error;
    *(int *)context += found->done == LM_GC_LIVE ? 1 : 100;
    return LM_OK;
}

/* r2 */
IN_SCRATCH(gc_removes_what_it_has_locked_and_nothing_else)
{
    lm_posix_store posix;
    lm_error error;
    int live = 0;
    meddler m = {.sys = {meddle}, .op = LM_SYS_FLOCK, .after = name_leads_elsewhere};
    lm_reap_options options = {0};
    lm__posix_store_init(&posix, NULL, &m.sys);
    scratch_put(at(TEMP), "a dead writer's");
    CHECK_OK(lm__store_reap(&posix.store, here, &options, is_live, &live, &error), error);
    CHECK_INT(m.times, 1);
    CHECK_INT(live, 1);
    CHECK(scratch_is(at(TEMP), "another writer's"));
}

/* ---- trees ---- */

static ino_t first_tree, second_tree;

static ino_t inode_of(const char *path)
{
    struct stat found;
    scratch_must(stat(path, &found) == 0, path);
    return found.st_ino;
}

/* The second tree has got the number of the first. */
static int64_t one_number(lm_sys *sys, const lm_sys_call *call)
{
    int64_t result = meddle(sys, call);
    struct stat *found = call->out;
    bool looks = call->op == LM_SYS_FSTATAT || call->op == LM_SYS_FSTAT;
    if (looks && result == 0 && found->st_ino == second_tree) found->st_ino = first_tree;
    return result;
}

static void another_is_published(const lm_sys_call *call)
{
    (void)call;
    scratch_must(rename(at("d"), at("gone")) == 0 && rename(at("other"), at("d")) == 0, "rename");
}

/* tree_commit.c, 3: what stood there when the journal was written was removed before the lock was
 * had, and its inode's number given to the tree of another publisher. */
IN_SCRATCH(a_tree_that_has_the_number_of_the_one_before)
{
    static const struct timespec tick = {.tv_nsec = 20 * 1000000}; /* two times of birth */
    lm_posix_store posix;
    lm_error error;
    lm_tree_result result = {0};
    const lm_tree_options options = {.discard_old = true};
    meddler m = {.sys = {one_number}, .op = LM_SYS_PWRITE, .after = another_is_published};
    scratch_must(mkdir(at("d"), 0755) == 0, "mkdir");
    (void)nanosleep(&tick, NULL);
    scratch_must(mkdir(at("other"), 0755) == 0 && mkdir(at("new"), 0755) == 0, "mkdir");
    scratch_put(at("new/file"), "new");
    first_tree = inode_of(at("d"));
    second_tree = inode_of(at("other"));
    lm__posix_store_init(&posix, NULL, &m.sys);
    char staged[300], path[300];
    snprintf(staged, sizeof staged, "%s", at("new"));
    snprintf(path, sizeof path, "%s", at("d"));
    CHECK_OK(lm__store_tree_commit(&posix.store, staged, path, &options, &result, &error), error);
    CHECK_INT(m.times, 1);
    CHECK(result.exchanged && !result.old_left);
    CHECK(scratch_is(at("d/file"), "new"));
    CHECK_INT(scratch_count(here), 2); /* d, gone */
}

/* ---- disks that lie ---- */

static void cut_short(const lm_sys_call *call)
{
    scratch_must(ftruncate(call->fd, 2) == 0, "ftruncate");
}

IN_SCRATCH(a_file_that_is_not_as_long_as_its_bytes_is_refused)
{
    lm_error error;
    scratch_put(at("a"), "old");
    meddler m = {.op = LM_SYS_PWRITE, .after = cut_short};
    CHECK_STATUS(publish((try){LM_COMMIT_REPLACE, false, NULL}, &m, &error), LM_IO);
    CHECK(strstr(error.message, "3 bytes were written, and the file has 2") != NULL);
    CHECK(scratch_is(at("a"), "old"));
}

int main(void)
{
    umask(022);
    RUN(the_directory_is_locked_over_the_rename_and_no_longer);
    RUN(a_temporary_name_is_locked_before_it_is_there);
    RUN(a_lost_answer_under_another_writer_is_unknown);
    RUN(a_temporary_file_that_a_person_removes);
    RUN(a_new_file_that_is_removed_at_once);
    RUN(what_changed_before_the_lock_is_looked_at_again);
    RUN(a_parent_that_another_makes_is_synced_all_the_same);
    RUN(gc_removes_what_it_has_locked_and_nothing_else);
    RUN(a_tree_that_has_the_number_of_the_one_before);
    RUN(a_file_that_is_not_as_long_as_its_bytes_is_refused);
    return DONE();
}
