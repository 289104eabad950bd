/*
 * Every system call of a publication made to fail in turn, in every way: the destination is as it
 * was or it is new, the status says which, no temporary file stays, no descriptor leaks. And every
 * allocation.
 */
#define _GNU_SOURCE
#include "check.h"
#include "check_alloc.h"
#include "scratch.h"

#include <errno.h>

#include "base/error.h"
#include "store/fault/sys.h"
#include "store/posix/posix.h"

typedef struct scene {
    const char *what, *name, *old;
    lm_commit_mode mode;
    bool no_tmpfile, keep_xattrs;
    size_t size; /* of the new file */
    lm_direct direct;
    lm_durability durability;
} scene;

static const scene scenes[] = {
    {.what = "a new file", .name = "a", .size = 5},
    {.what = "a new file, named", .name = "a", .size = 5, .no_tmpfile = true},
    {.what = "new parents", .name = "x/y/a", .size = 5},
    {.what = "a replaced file", .name = "a", .old = "123456789", .size = 5, .keep_xattrs = true},
    {.what = "a replaced file, named",
     .name = "a",
     .old = "123456789",
     .size = 5,
     .no_tmpfile = true},
    {.what = "if absent", .name = "a", .size = 5, .mode = LM_COMMIT_IF_ABSENT},
    {.what = "if absent, named",
     .name = "a",
     .size = 5,
     .mode = LM_COMMIT_IF_ABSENT,
     .no_tmpfile = true},
    {.what = "if it matches",
     .name = "a",
     .old = "123456789",
     .size = 5,
     .mode = LM_COMMIT_IF_MATCH},
    {.what = "if it matches, named",
     .name = "a",
     .old = "123456789",
     .size = 5,
     .mode = LM_COMMIT_IF_MATCH,
     .no_tmpfile = true},
    {.what = "by a link", .name = "link", .old = "123456789", .size = 5},
    {.what = "a large file", .name = "a", .size = (9 << 20) + 5, .direct = LM_DIRECT_NEVER},
    {.what = "a large file, directly",
     .name = "a",
     .size = (9 << 20) + 5,
     .direct = LM_DIRECT_ALWAYS},
    {.what = "durable no more than the bytes",
     .name = "a",
     .size = 5,
     .durability = LM_DURABILITY_FILE},
    {.what = "not durable",
     .name = "a",
     .old = "123456789",
     .size = 5,
     .durability = LM_DURABILITY_NONE},
};

static char here[256];
static uint8_t *bytes;
static const size_t bytes_max = (9 << 20) + 5;

static void scene_fill(const scene *s)
{
    scratch_make_fast(here);
    if (s->old) scratch_put(scratch_join(here, "a"), s->old);
    if (strcmp(s->name, "link") == 0)
        scratch_must(symlink("a", scratch_join(here, "link")) == 0, "link");
}

/* Publishes, and says how it ended. */
static lm_status scene_run(const scene *s, lm_sys *sys, const lm_allocator *allocator,
                           lm_error *error)
{
    lm_posix_store posix;
    lm__posix_store_init(&posix, allocator, sys);
    posix.no_tmpfile = s->no_tmpfile;
    lm_stage_options options = {.mode = s->mode,
                                .match = "crc32c:e3069283",
                                .keep_xattrs = s->keep_xattrs,
                                .checksum = LM_CHECKSUM_CRC32C,
                                .durability = s->durability,
                                .direct = s->direct};
    lm_stage *stage;
    lm_error_clear(error);
    lm_status status =
        lm__stage_open(&posix.store, scratch_join(here, s->name), &options, &stage, error);
    if (status != LM_OK) return status;
    status = lm__stage_write(stage, bytes, s->size, error);
    if (status == LM_OK) status = lm__stage_seal(stage, error);
    if (status == LM_OK) status = lm__stage_commit(stage, error);
    lm__stage_close(stage);
    return status;
}

static lm_status reaped(void *context, const lm_gc_found *found, lm_error *error)
{
    (void)error;
    *(int *)context += found->done == LM_GC_REMOVED ? 1 : 1000;
    return LM_OK;
}

/* What must hold whatever happened. `may_leave`: the removal of a name was what failed. */
static bool scene_check(const scene *s, lm_status status, bool may_leave)
{
    const char *path = scratch_join(here, s->name);
    bool is_new = scratch_is_bytes(path, bytes, s->size);
    bool is_old = s->old ? scratch_is(path, s->old) : access(path, F_OK) != 0;
    bool good = is_new || is_old;
    if (status == LM_OK || status == LM_UNKNOWN_DURABILITY)
        good &= is_new;
    else if (status != LM_UNKNOWN_OUTCOME)
        good &= is_old;

    int left = 0;
    lm_posix_store posix;
    lm__posix_store_init(&posix, NULL, NULL);
    lm_reap_options options = {.recursive = true};
    good &= lm__store_reap(&posix.store, here, &options, reaped, &left, NULL) == LM_OK;
    return good && left <= (may_leave ? 1 : 0);
}

typedef struct failure {
    lm_fault_action action;
    int os_code;
} failure;

static const failure failures[] = {
    {LM_FAULT_FAIL, ENOSPC}, {LM_FAULT_FAIL, EDQUOT}, {LM_FAULT_FAIL, EIO},
    {LM_FAULT_FAIL, EINTR},  {LM_FAULT_FAIL, EACCES}, {LM_FAULT_FAIL, EINVAL},
    {LM_FAULT_FAIL, ENOENT}, {LM_FAULT_FAIL, EEXIST}, {LM_FAULT_LOST, EIO},
    {LM_FAULT_LOST, EEXIST}, {LM_FAULT_SHORT, 0},
};

/* Has this error one meaning only, wherever it comes from? */
static bool is_plain(const failure *f)
{
    return f->os_code == ENOSPC || f->os_code == EDQUOT || f->os_code == EIO;
}

/* Fails the nth call; false when there are not that many. */
static bool call_fails(const scene *s, uint64_t nth, uint64_t times, const failure *f)
{
    lm_fault_sys fault;
    lm_error error;
    scene_fill(s);
    int files = scratch_open_files();
    lm__fault_sys_init(&fault, NULL, NULL);
    lm__fault_sys_rule(&fault, (lm_fault_rule){.any_op = true,
                                               .nth = nth,
                                               .times = times,
                                               .action = f->action,
                                               .os_code = f->os_code});
    fault.is_recording = true;
    lm_status status = scene_run(s, &fault.sys, NULL, &error);
    bool failed = fault.rules[0].used > 0;
    uint64_t unlinks = fault.calls_of[LM_SYS_UNLINKAT];
    uint64_t done = 0;
    for (size_t i = 0; i < fault.record_count; i++) done += fault.records[i].op == LM_SYS_UNLINKAT;
    lm__fault_sys_deinit(&fault);
    /* "There is one of that name" and "it is gone", when neither is true, leave a file to gc. */
    bool lie = s->no_tmpfile && (f->os_code == EEXIST || f->os_code == ENOENT);
    bool good = scene_check(s, status, unlinks > done || times == 0 || lie);
    good &= scratch_open_files() == files;
    good &= status == LM_OK ? error.code == LM_OK : error.code == status && error.message[0];
    if (failed && times == 1 && is_plain(f) && status != LM_OK && status != LM_CONFLICT)
        good &= error.os_code == f->os_code;
    if (!failed) good &= status == LM_OK;
    if (!good)
        check_fail(__FILE__, __LINE__, "%s: call %d fails (%d, %s): %s: %s", s->what, (int)nth,
                   (int)f->action, strerror(f->os_code), lm_status_name(status), error.message);
    scratch_remove(here);
    return failed;
}

TEST(every_call_in_turn)
{
    for (size_t s = 0; s < sizeof scenes / sizeof *scenes; s++)
        for (size_t f = 0; f < sizeof failures / sizeof *failures; f++) {
            /* The calls of a large file come from a thread: not always the same number. */
            uint64_t nth = 0;
            while (call_fails(&scenes[s], nth, 1, &failures[f]) && nth < 200) nth++;
            CHECK(nth >= 8 && nth < 200);
        }
}

/* A disk that fails and stays so. */
TEST(every_call_and_all_that_follow)
{
    for (size_t s = 0; s < sizeof scenes / sizeof *scenes; s++) {
        if (scenes[s].size > 5) continue;
        static const failure f = {LM_FAULT_FAIL, EIO};
        for (uint64_t nth = 0; call_fails(&scenes[s], nth, 0, &f);) nth++;
    }
}

/* The rule that the failing calls are told by their operation. */
static lm_status op_fails(const scene *s, lm_sys_op op, int on_kind, lm_fault_action action,
                          int os_code, lm_error *error, lm_fault_sys *fault)
{
    scene_fill(s);
    lm__fault_sys_init(fault, NULL, NULL);
    lm__fault_sys_rule(
        fault, (lm_fault_rule){
                   .op = op, .on_kind = on_kind, .times = 1, .action = action, .os_code = os_code});
    return scene_run(s, &fault->sys, NULL, error);
}

TEST(a_failed_sync_is_final)
{
    static const int codes[] = {EIO, ENOSPC, EDQUOT, EINTR};
    for (size_t i = 0; i < 4; i++) {
        lm_fault_sys fault;
        lm_error error;
        CHECK_INT(
            op_fails(&scenes[3], LM_SYS_FSYNC, S_IFREG, LM_FAULT_FAIL, codes[i], &error, &fault),
            lm__status_from_errno(codes[i]));
        CHECK_INT(fault.calls_of[LM_SYS_FSYNC], 1); /* not a second time, and no directory's */
        CHECK_INT(fault.calls_of[LM_SYS_RENAMEAT2] + fault.calls_of[LM_SYS_LINKAT], 0);
        CHECK(scene_check(&scenes[3], LM_IO, false));
        lm__fault_sys_deinit(&fault);
        scratch_remove(here);
    }
}

TEST(a_failed_sync_of_the_directory_is_the_third_outcome)
{
    for (size_t s = 0; s < sizeof scenes / sizeof *scenes; s++) {
        lm_fault_sys fault;
        lm_error error;
        if (scenes[s].durability != LM_DURABILITY_FULL || strcmp(scenes[s].name, "x/y/a") == 0)
            continue;
        lm_status status =
            op_fails(&scenes[s], LM_SYS_FSYNC, S_IFDIR, LM_FAULT_FAIL, EIO, &error, &fault);
        CHECK_STATUS(status, LM_UNKNOWN_DURABILITY);
        CHECK_INT(error.code, LM_UNKNOWN_DURABILITY);
        CHECK_INT(error.os_code, EIO);
        CHECK(strstr(error.message, "a power cut may take it back") != NULL);
        CHECK(scene_check(&scenes[s], status, false));
        lm__fault_sys_deinit(&fault);
        scratch_remove(here);
    }
}

/* A parent that cannot be made durable: refused before anything is in it. */
TEST(a_failed_sync_of_a_new_parent_refuses)
{
    lm_fault_sys fault;
    lm_error error;
    CHECK_STATUS(op_fails(&scenes[2], LM_SYS_FSYNC, S_IFDIR, LM_FAULT_FAIL, EIO, &error, &fault),
                 LM_IO);
    CHECK(scene_check(&scenes[2], LM_IO, false));
    lm__fault_sys_deinit(&fault);
    scratch_remove(here);
}

/* commit.c, 2: the call was done, and its answer lost. */
TEST(a_lost_answer_is_looked_up)
{
    for (size_t s = 0; s < sizeof scenes / sizeof *scenes; s++) {
        static const lm_sys_op ops[] = {LM_SYS_RENAMEAT2, LM_SYS_LINKAT};
        for (int i = 0; i < 2; i++) {
            lm_fault_sys fault;
            lm_error error;
            CHECK_OK(op_fails(&scenes[s], ops[i], 0, LM_FAULT_LOST, EIO, &error, &fault), error);
            CHECK(scene_check(&scenes[s], LM_OK, false));
            lm__fault_sys_deinit(&fault);
            scratch_remove(here);
        }
    }
}

/* The call fails, and so does looking: nobody can say. */
TEST(an_outcome_that_cannot_be_looked_up_is_unknown)
{
    static const int lost[] = {LM_FAULT_FAIL, LM_FAULT_LOST};
    for (size_t s = 0; s < sizeof scenes / sizeof *scenes; s++) {
        const scene *sc = &scenes[s];
        for (int i = 0; i < 2; i++) {
            lm_fault_sys fault;
            lm_error error;
            lm_sys_op op = sc->old || sc->no_tmpfile ? LM_SYS_RENAMEAT2 : LM_SYS_LINKAT;
            /* How many looks there are before the commit. */
            scene_fill(sc);
            lm__fault_sys_init(&fault, NULL, NULL);
            CHECK_STATUS(scene_run(sc, &fault.sys, NULL, &error), LM_OK);
            uint64_t looks = fault.calls_of[LM_SYS_FSTATAT];
            lm__fault_sys_deinit(&fault);
            scratch_remove(here);

            scene_fill(sc);
            lm__fault_sys_init(&fault, NULL, NULL);
            lm__fault_sys_rule(&fault, (lm_fault_rule){.op = op,
                                                       .times = 1,
                                                       .action = (lm_fault_action)lost[i],
                                                       .os_code = EIO});
            lm__fault_sys_rule(&fault, (lm_fault_rule){.op = LM_SYS_FSTATAT,
                                                       .nth = looks,
                                                       .action = LM_FAULT_FAIL,
                                                       .os_code = EIO});
            lm_status status = scene_run(sc, &fault.sys, NULL, &error);
            CHECK_STATUS(status, LM_UNKNOWN_OUTCOME);
            CHECK_INT(error.code, LM_UNKNOWN_OUTCOME);
            CHECK(scene_check(sc, status, false));
            lm__fault_sys_deinit(&fault);
            scratch_remove(here);
        }
    }
}

/* writer.h, 4: O_DIRECT is refused when it is switched on, or at the first write. */
TEST(without_direct_writes_the_page_cache_serves)
{
    static const scene direct = {
        .what = "direct", .name = "a", .size = (9 << 20) + 5, .direct = LM_DIRECT_ALWAYS};
    static const lm_sys_op ops[] = {LM_SYS_FCNTL, LM_SYS_PWRITE};
    for (int i = 0; i < 2; i++) {
        lm_fault_sys fault;
        lm_error error;
        CHECK_OK(op_fails(&direct, ops[i], 0, LM_FAULT_FAIL, EINVAL, &error, &fault), error);
        CHECK(scene_check(&direct, LM_OK, false));
        CHECK(fault.calls_of[LM_SYS_SYNC_RANGE] >= 2); /* written back early instead */
        lm__fault_sys_deinit(&fault);
        scratch_remove(here);
    }
}

/* A file system that knows no RENAME_NOREPLACE. */
TEST(exclusive_without_the_flag)
{
    static const scene absent = {
        .what = "absent", .name = "a", .size = 5, .mode = LM_COMMIT_IF_ABSENT, .no_tmpfile = true};
    static const int codes[] = {EINVAL, ENOSYS, EOPNOTSUPP};
    for (size_t i = 0; i < 3; i++) {
        lm_fault_sys fault;
        lm_error error;
        CHECK_OK(op_fails(&absent, LM_SYS_RENAMEAT2, 0, LM_FAULT_FAIL, codes[i], &error, &fault),
                 error);
        CHECK(scene_check(&absent, LM_OK, false));
        CHECK_INT(fault.calls_of[LM_SYS_LINKAT], 1);
        lm__fault_sys_deinit(&fault);
        scratch_remove(here);
    }
}

/* A file system without files that have no name. */
TEST(named_where_there_are_no_unnamed_files)
{
    static const int codes[] = {EOPNOTSUPP, EISDIR, EINVAL};
    for (size_t i = 0; i < 3; i++) {
        lm_fault_sys fault;
        lm_error error;
        scene_fill(&scenes[0]);
        lm__fault_sys_init(&fault, NULL, NULL);
        lm__fault_sys_rule(&fault, (lm_fault_rule){.op = LM_SYS_OPENAT,
                                                   .nth = 1, /* after the directory */
                                                   .times = 1,
                                                   .action = LM_FAULT_FAIL,
                                                   .os_code = codes[i]});
        CHECK_OK(scene_run(&scenes[0], &fault.sys, NULL, &error), error);
        CHECK_INT(fault.calls_of[LM_SYS_RENAMEAT2] + fault.calls_of[LM_SYS_LINKAT], 1);
        CHECK(scene_check(&scenes[0], LM_OK, false));
        lm__fault_sys_deinit(&fault);
        scratch_remove(here);
    }
}

/* A file system without locks: files are published, with a warning where a temporary name was
 * needed; what rests on a lock is refused. */
TEST(without_locks)
{
    for (size_t s = 0; s < sizeof scenes / sizeof *scenes; s++) {
        lm_fault_sys fault;
        lm_error error;
        scene_fill(&scenes[s]);
        lm__fault_sys_init(&fault, NULL, NULL);
        lm__fault_sys_rule(
            &fault,
            (lm_fault_rule){.op = LM_SYS_FLOCK, .action = LM_FAULT_FAIL, .os_code = EOPNOTSUPP});
        lm_status status = scene_run(&scenes[s], &fault.sys, NULL, &error);
        CHECK_STATUS(status, scenes[s].mode == LM_COMMIT_IF_MATCH ? LM_UNSUPPORTED : LM_OK);
        CHECK(scene_check(&scenes[s], status, false));
        lm__fault_sys_deinit(&fault);
        scratch_remove(here);
    }
}

TEST(every_allocation_in_turn)
{
    for (size_t s = 0; s < sizeof scenes / sizeof *scenes; s++)
        for (size_t n = 0;; n++) {
            check_alloc memory;
            lm_error error;
            scene_fill(&scenes[s]);
            int files = scratch_open_files();
            check_alloc_init(&memory, n);
            lm_status status = scene_run(&scenes[s], NULL, &memory.allocator, &error);
            CHECK_INT(memory.live, 0);
            CHECK_INT(scratch_open_files(), files);
            CHECK(scene_check(&scenes[s], status, false));
            CHECK_STATUS(status, memory.failed ? LM_NO_MEMORY : LM_OK);
            scratch_remove(here);
            if (!memory.failed) break;
        }
}

int main(void)
{
    umask(022);
    bytes = malloc(bytes_max);
    if (!bytes) return 1;
    uint64_t random = 3;
    for (size_t i = 0; i < bytes_max; i++) bytes[i] = (uint8_t)check_random(&random);
    RUN(every_call_in_turn);
    RUN(every_call_and_all_that_follow);
    RUN(a_failed_sync_is_final);
    RUN(a_failed_sync_of_the_directory_is_the_third_outcome);
    RUN(a_failed_sync_of_a_new_parent_refuses);
    RUN(a_lost_answer_is_looked_up);
    RUN(an_outcome_that_cannot_be_looked_up_is_unknown);
    RUN(without_direct_writes_the_page_cache_serves);
    RUN(exclusive_without_the_flag);
    RUN(named_where_there_are_no_unnamed_files);
    RUN(without_locks);
    RUN(every_allocation_in_turn);
    free(bytes);
    return DONE();
}
