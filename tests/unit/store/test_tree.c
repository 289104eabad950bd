/* Directories put in place, exchanged, synced and removed. Numbers are tree_commit.c's
 * invariants. */
#define _GNU_SOURCE
#include "check.h"
#include "scratch.h"

#include <errno.h>

#include "store/fault/sys.h"
#include "store/posix/posix.h"

static char here[256];
static lm_posix_store posix;
static lm_fault_sys fault;

static const char *at(const char *name) { return scratch_join(here, name); }

static void begin(void)
{
    scratch_make(here);
    lm__fault_sys_init(&fault, NULL, NULL);
    lm__posix_store_init(&posix, NULL, &fault.sys);
}

static void end(void)
{
    lm__fault_sys_deinit(&fault);
    scratch_remove(here);
}

/* A directory that holds one file with this text, and one below it. */
static void make(const char *name, const char *text)
{
    char below[300];
    scratch_must(mkdir(at(name), 0755) == 0, name);
    snprintf(below, sizeof below, "%s/part", name);
    scratch_put(at(below), text);
    snprintf(below, sizeof below, "%s/sub", name);
    scratch_must(mkdir(at(below), 0755) == 0, below);
    snprintf(below, sizeof below, "%s/sub/part", name);
    scratch_put(at(below), text);
    snprintf(below, sizeof below, "%s/link", name);
    scratch_must(symlink("nowhere", at(below)) == 0, below);
}

static bool holds(const char *name, const char *text)
{
    char below[300];
    snprintf(below, sizeof below, "%s/part", name);
    return scratch_is(at(below), text);
}

static lm_status commit(const char *staged, const char *path, lm_commit_mode mode, bool *exchanged,
                        lm_error *error)
{
    lm_tree_options options = {.mode = mode};
    lm_tree_result result;
    lm_status status =
        lm__store_tree_commit(&posix.store, at(staged), at(path), &options, &result, error);
    *exchanged = result.exchanged;
    return status;
}

static void fail_with(lm_sys_op op, lm_fault_action action, int os_code)
{
    lm__fault_sys_clear_rules(&fault);
    lm__fault_sys_rule(&fault,
                       (lm_fault_rule){.op = op, .times = 1, .action = action, .os_code = os_code});
}

TEST(a_tree_is_put_where_nothing_is)
{
    begin();
    bool exchanged = true;
    lm_error error;
    make("new", "1");
    CHECK_OK(commit("new/", "x/y/out//", LM_COMMIT_IF_ABSENT, &exchanged, &error), error);
    CHECK(!exchanged);
    CHECK(holds("x/y/out", "1"));
    make("new", "2");
    CHECK_STATUS(commit("new", "x/y/out", LM_COMMIT_IF_ABSENT, &exchanged, &error), LM_EXISTS);
    CHECK_OK(commit("new", "other", LM_COMMIT_REPLACE, &exchanged, &error), error);
    CHECK(!exchanged && holds("other", "2") && holds("x/y/out", "1"));
    end();
}

TEST(a_tree_is_exchanged)
{
    begin();
    bool exchanged;
    lm_error error;
    make("out", "old");
    make("new", "new");
    uint64_t before = fault.calls_of[LM_SYS_RENAMEAT2];
    CHECK_OK(commit("new", "out", LM_COMMIT_REPLACE, &exchanged, &error), error);
    CHECK(exchanged && holds("out", "new") && holds("new", "old"));
    CHECK_INT(fault.calls_of[LM_SYS_RENAMEAT2] - before, 1); /* 1 */
    end();
}

TEST(what_is_no_tree_is_refused)
{
    begin();
    bool exchanged;
    lm_error error;
    make("new", "1");
    scratch_put(at("file"), "x");
    CHECK(symlink("new", at("link")) == 0);
    CHECK_STATUS(commit("new", "file", LM_COMMIT_REPLACE, &exchanged, &error), LM_UNSUITABLE);
    CHECK_STATUS(commit("new", "link", LM_COMMIT_REPLACE, &exchanged, &error), LM_UNSUITABLE);
    CHECK(strstr(error.message, "is a symlink") != NULL);
    CHECK_STATUS(commit("file", "out", LM_COMMIT_REPLACE, &exchanged, &error), LM_UNSUITABLE);
    CHECK_STATUS(commit("link", "out", LM_COMMIT_REPLACE, &exchanged, &error), LM_UNSUITABLE);
    CHECK_STATUS(commit("none", "out", LM_COMMIT_REPLACE, &exchanged, &error), LM_NOT_FOUND);
    CHECK_STATUS(commit("new", "new", LM_COMMIT_REPLACE, &exchanged, &error), LM_INVALID);
    CHECK_STATUS(commit("new", "new/sub", LM_COMMIT_REPLACE, &exchanged, &error), LM_INVALID);
    CHECK_STATUS(commit("new/sub", "new", LM_COMMIT_REPLACE, &exchanged, &error), LM_INVALID);
    CHECK_STATUS(commit("new", "out", LM_COMMIT_IF_MATCH, &exchanged, &error), LM_UNSUPPORTED);
    CHECK(holds("new", "1") && scratch_is(at("file"), "x"));
    CHECK_INT(scratch_count(here), 3);
    end();
}

TEST(without_the_primitive_it_is_refused) /* 1 */
{
    static const int codes[] = {EINVAL, ENOSYS, EOPNOTSUPP};
    for (size_t i = 0; i < 3; i++) {
        begin();
        bool exchanged;
        lm_error error;
        make("out", "old");
        make("new", "new");
        fail_with(LM_SYS_RENAMEAT2, LM_FAULT_FAIL, codes[i]);
        CHECK_STATUS(commit("new", "out", LM_COMMIT_REPLACE, &exchanged, &error), LM_UNSUPPORTED);
        CHECK(strstr(error.message, "RENAME_EXCHANGE") != NULL);
        fail_with(LM_SYS_RENAMEAT2, LM_FAULT_FAIL, codes[i]);
        CHECK_STATUS(commit("new", "o2", LM_COMMIT_IF_ABSENT, &exchanged, &error), LM_UNSUPPORTED);
        CHECK(strstr(error.message, "RENAME_NOREPLACE") != NULL);
        CHECK(holds("out", "old") && holds("new", "new"));
        CHECK_INT(scratch_count(here), 2);
        end();
    }
}

TEST(a_lost_answer_is_looked_up) /* 2 */
{
    for (int there = 0; there < 2; there++)
        for (int lost = 0; lost < 2; lost++) {
            begin();
            bool exchanged;
            lm_error error = {0};
            if (there) make("out", "old");
            make("new", "new");
            fail_with(LM_SYS_RENAMEAT2, lost ? LM_FAULT_LOST : LM_FAULT_FAIL, EIO);
            lm_status status = commit("new", "out", LM_COMMIT_REPLACE, &exchanged, &error);
            CHECK_STATUS(status, lost ? LM_OK : LM_IO);
            CHECK(exchanged == (lost && there));
            CHECK(holds(lost ? "out" : "new", "new"));
            if (there) CHECK(holds(lost ? "new" : "out", "old"));
            /* And when it cannot be looked up. */
            lm__fault_sys_clear_rules(&fault);
            lm__fault_sys_rule(
                &fault,
                (lm_fault_rule){.op = LM_SYS_RENAMEAT2, .action = LM_FAULT_FAIL, .os_code = EIO});
            lm__fault_sys_rule(&fault, (lm_fault_rule){.op = LM_SYS_FSTATAT,
                                                       .nth = there ? 4 : 3,
                                                       .action = LM_FAULT_FAIL,
                                                       .os_code = EIO});
            if (!lost)
                CHECK_STATUS(commit("new", "out", LM_COMMIT_REPLACE, &exchanged, &error),
                             LM_UNKNOWN_OUTCOME);
            end();
        }
}

TEST(a_directory_that_cannot_be_synced_is_the_third_outcome)
{
    begin();
    bool exchanged;
    lm_error error;
    make("out", "old");
    make("new", "new");
    fail_with(LM_SYS_FSYNC, LM_FAULT_FAIL, EIO);
    CHECK_STATUS(commit("new", "out", LM_COMMIT_REPLACE, &exchanged, &error),
                 LM_UNKNOWN_DURABILITY);
    CHECK_INT(error.code, LM_UNKNOWN_DURABILITY);
    CHECK(exchanged && holds("out", "new"));
    end();
}

TEST(both_directories_are_synced)
{
    begin();
    bool exchanged;
    lm_error error;
    CHECK(mkdir(at("p"), 0755) == 0);
    make("p/new", "new");
    CHECK_OK(commit("p/new", "out", LM_COMMIT_REPLACE, &exchanged, &error), error);
    CHECK_INT(fault.calls_of[LM_SYS_FSYNC], 2);
    make("new", "new");
    CHECK_OK(commit("new", "out2", LM_COMMIT_REPLACE, &exchanged, &error), error);
    CHECK_INT(fault.calls_of[LM_SYS_FSYNC], 3);
    lm_tree_options loose = {.durability = LM_DURABILITY_NONE};
    lm_tree_result result;
    make("new", "new");
    CHECK_STATUS(lm__store_tree_commit(&posix.store, at("new"), at("out3"), &loose, &result, NULL),
                 LM_OK);
    CHECK_INT(fault.calls_of[LM_SYS_FSYNC], 3);
    end();
}

TEST(every_file_and_directory_is_synced)
{
    begin();
    lm_error error;
    make("new", "1");
    CHECK_OK(lm__store_tree_sync(&posix.store, at("new"), NULL, &error), error);
    CHECK_INT(fault.calls_of[LM_SYS_FSYNC], 4); /* part, sub/part, sub, itself */
    for (uint64_t nth = 0; nth < 4; nth++) {
        lm__fault_sys_clear_rules(&fault);
        lm__fault_sys_rule(&fault, (lm_fault_rule){.op = LM_SYS_FSYNC,
                                                   .nth = nth,
                                                   .times = 1,
                                                   .action = LM_FAULT_FAIL,
                                                   .os_code = EIO});
        CHECK_STATUS(lm__store_tree_sync(&posix.store, at("new"), NULL, &error), LM_IO);
    }
    lm_cancel cancel = {1};
    CHECK_STATUS(lm__store_tree_sync(&posix.store, at("new"), &cancel, &error), LM_CANCELLED);
    CHECK(mkfifo(at("new/sub/fifo"), 0644) == 0);
    CHECK_STATUS(lm__store_tree_sync(&posix.store, at("new"), NULL, &error), LM_UNSUITABLE);
    CHECK_STATUS(lm__store_tree_sync(&posix.store, at("none"), NULL, &error), LM_NOT_FOUND);
    end();
}

TEST(a_tree_is_removed_and_nothing_beside_it) /* 3 */
{
    begin();
    lm_error error;
    make("old", "1");
    make("stays", "1");
    CHECK(symlink("../../stays", at("old/sub/link")) == 0);
    for (int i = 0; i < 300; i++) { /* more than one block of a listing */
        char name[64];
        snprintf(name, sizeof name, "old/a-rather-long-name-of-a-file-%d", i);
        scratch_put(at(name), "");
    }
    CHECK_OK(lm__store_tree_remove(&posix.store, at("old/"), NULL, &error), error);
    CHECK(access(at("old"), F_OK) != 0 && holds("stays", "1"));
    CHECK_STATUS(lm__store_tree_remove(&posix.store, at("old"), NULL, &error), LM_NOT_FOUND);
    CHECK(symlink("stays", at("link")) == 0);
    CHECK(lm__store_tree_remove(&posix.store, at("link"), NULL, &error) != LM_OK);
    lm_cancel cancel = {1};
    CHECK_STATUS(lm__store_tree_remove(&posix.store, at("stays"), &cancel, &error), LM_CANCELLED);
    CHECK(holds("stays", "1"));
    end();
}

TEST(a_tree_too_deep_is_refused)
{
    begin();
    char path[2 * (LM_TREE_DEPTH_MAX + 2) + 300];
    lm_error error;
    snprintf(path, sizeof path, "%s/d", here);
    for (int i = 0; i <= LM_TREE_DEPTH_MAX; i++) {
        scratch_must(mkdir(path, 0755) == 0, path);
        strcat(path, "/d");
    }
    int files = scratch_open_files();
    CHECK_STATUS(lm__store_tree_sync(&posix.store, at("d"), NULL, &error), LM_LIMIT);
    CHECK_STATUS(lm__store_tree_remove(&posix.store, at("d"), NULL, &error), LM_LIMIT);
    CHECK_INT(scratch_open_files(), files);
    path[strlen(path) - 2] = '\0';
    CHECK(rmdir(path) == 0);
    CHECK_OK(lm__store_tree_sync(&posix.store, at("d"), NULL, &error), error);
    CHECK_OK(lm__store_tree_remove(&posix.store, at("d"), NULL, &error), error);
    end();
}

int main(void)
{
    umask(022);
    RUN(a_tree_is_put_where_nothing_is);
    RUN(a_tree_is_exchanged);
    RUN(what_is_no_tree_is_refused);
    RUN(without_the_primitive_it_is_refused);
    RUN(a_lost_answer_is_looked_up);
    RUN(a_directory_that_cannot_be_synced_is_the_third_outcome);
    RUN(both_directories_are_synced);
    RUN(every_file_and_directory_is_synced);
    RUN(a_tree_is_removed_and_nothing_beside_it);
    RUN(a_tree_too_deep_is_refused);
    return DONE();
}
