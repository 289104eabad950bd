/* A file's sidecar and kept files: every call failing, every allocation failing, several writers at
 * once; and finished files put in place. Numbers are extras.h's invariants. */
#define _GNU_SOURCE
#include "check.h"
#include "check_alloc.h"
#include "scratch.h"

#include <errno.h>
#include <pthread.h>
#include <sys/wait.h>

#include <lamella/upkeep.h>

#include "publish/file.h"
#include "publish/sidecar.h"
#include "publish/verify.h"
#include "store/fault/sys.h"
#include "store/posix/posix.h"

static char here[256];

static const char *at(const char *name) { return scratch_join(here, name); }

static const lm_manifest manifest = {.run_id = "r"};

static lm_status write_new(lm_sys *sys, const lm_allocator *allocator, unsigned keep,
                           lm_file_result *result, lm_error *error)
{
    lm_posix_store posix;
    const lm_file_options options = {.manifest = &manifest, .keep = keep, .allocator = allocator};
    lm_file_publication *p;
    memset(result, 0, sizeof *result);
    lm__posix_store_init(&posix, allocator, sys);
    lm_status status = lm__file_open(&posix.store, at("a"), &options, NULL, &p, error);
    if (status != LM_OK) return status;
    status = lm_file_write(p, "new", 3, error);
    if (status == LM_OK) status = lm_file_finish(p, result, error);
    lm_file_close(p);
    return status;
}

/* An old file with a manifest and one kept before it. */
static void fill(void)
{
    const lm_file_options options = {.manifest = &manifest, .keep = 1};
    scratch_make_fast(here);
    CHECK_STATUS(lm_publish_bytes(at("a"), "older", 5, &options, NULL, NULL), LM_OK);
    CHECK_STATUS(lm_publish_bytes(at("a"), "old", 3, &options, NULL, NULL), LM_OK);
}

static int kept_count(void)
{
    int count = 0;
    DIR *listing = opendir(here);
    for (struct dirent *entry; (entry = readdir(listing));)
        count += strncmp(entry->d_name, ".a.keep-", 8) == 0;
    closedir(listing);
    return count;
}

static bool temp_is_left(void)
{
    bool left = false;
    DIR *listing = opendir(here);
    for (struct dirent *entry; (entry = readdir(listing));)
        left |= strncmp(entry->d_name, ".lamella-", 9) == 0;
    closedir(listing);
    return left;
}

static void fails_well(uint64_t nth, lm_fault_action action, int os_code, bool *again)
{
    lm_fault_sys fault;
    lm_file_result result;
    lm_error error = {0};
    fill();
    lm__fault_sys_init(&fault, NULL, NULL);
    lm__fault_sys_rule(
        &fault, (lm_fault_rule){
                    .any_op = true, .nth = nth, .times = 1, .action = action, .os_code = os_code});
    lm_status status = write_new(&fault.sys, NULL, 1, &result, &error);
    *again = fault.calls > nth;
    bool is_new = scratch_is(at("a"), "new");
    CHECK(is_new || scratch_is(at("a"), "old"));
    CHECK(status != LM_OK || is_new);
    CHECK(result.state != LM_COMMIT_NOT_DONE || !is_new);
    CHECK((result.state == LM_COMMIT_DONE) == (status == LM_OK));
    if (!(result.warnings & LM_FILE_WARN_MANIFEST)) /* whatever came of it, 2 */
        CHECK_STATUS(lm_verify(at("a"), NULL, NULL), LM_OK);
    CHECK(kept_count() <= 2);
    if (action == LM_FAULT_FAIL) {
        lm_undo_result undone;
        CHECK(lm_undo(at("a"), NULL, &undone, NULL) == LM_OK || temp_is_left());
        CHECK(scratch_is(at("a"), is_new ? "old" : "older"));
    }
    if (check_failed)
        printf("# call %llu, action %d, %d: %s: %s\n", (unsigned long long)nth, (int)action,
               os_code, lm_status_name(status), error.message);
    lm__fault_sys_deinit(&fault);
    scratch_remove(here);
}

TEST(any_call_may_fail)
{
    static const int codes[] = {EIO, ENOSPC, EACCES, EINTR};
    for (size_t code = 0; code < sizeof codes / sizeof *codes; code++)
        for (int lost = 0; lost < 2; lost++) {
            bool again = true;
            for (uint64_t nth = 0; again && !check_failed; nth++)
                fails_well(nth, lost ? LM_FAULT_LOST : LM_FAULT_FAIL, codes[code], &again);
        }
}

TEST(any_allocation_may_fail)
{
    for (size_t n = 0;; n++) {
        check_alloc memory;
        lm_file_result result;
        lm_error error = {0};
        fill();
        check_alloc_init(&memory, n);
        lm_status status = write_new(NULL, &memory.allocator, 1, &result, &error);
        CHECK_INT(memory.live, 0);
        CHECK(scratch_is(at("a"), status == LM_OK ? "new" : "old"));
        CHECK(status == LM_OK || status == LM_NO_MEMORY);
        CHECK(!temp_is_left());
        CHECK_STATUS(lm_verify(at("a"), NULL, NULL), LM_OK);
        scratch_remove(here);
        if (!memory.failed || check_failed) break;
    }
}

TEST(verify_with_any_allocation_failing)
{
    fill();
    for (size_t n = 0;; n++) {
        check_alloc memory;
        lm_error error = {0};
        check_alloc_init(&memory, n);
        const lm_verify_options options = {.allocator = &memory.allocator, .threads = 1};
        lm_status status = lm_verify(at("a"), &options, &error);
        CHECK_INT(memory.live, 0);
        CHECK_STATUS(status, memory.failed ? LM_NO_MEMORY : LM_OK);
        if (!memory.failed || check_failed) break;
    }
    scratch_remove(here);
}

enum { WRITERS = 4, ROUNDS = 150 };
static pthread_barrier_t together;
static char race_path[300];

static void *write_once(void *context)
{
    const lm_file_options options = {.manifest = &manifest, .durability = LM_DURABILITY_NONE};
    const char *text = context;
    pthread_barrier_wait(&together);
    return lm_publish_bytes(race_path, text, strlen(text), &options, NULL, NULL) == LM_OK ? context
                                                                                          : NULL;
}

/* The order of the sidecars' and the files' commits is anybody's; the last one settles it (3). */
TEST(writers_at_once_leave_a_manifest_that_fits)
{
    scratch_make_fast(here);
    snprintf(race_path, sizeof race_path, "%s", at("a"));
    pthread_barrier_init(&together, NULL, WRITERS);
    for (int round = 0; round < ROUNDS && !check_failed; round++) {
        pthread_t threads[WRITERS];
        char texts[WRITERS][40];
        lm_error error = {0};
        for (int i = 0; i < WRITERS; i++) {
            snprintf(texts[i], sizeof texts[i], "round %d, writer %d", round, i);
            scratch_must(pthread_create(&threads[i], NULL, write_once, texts[i]) == 0, "thread");
        }
        for (int i = 0; i < WRITERS; i++) {
            void *good;
            pthread_join(threads[i], &good);
            CHECK(good != NULL);
        }
        CHECK_OK(lm_verify(race_path, NULL, &error), error);
    }
    pthread_barrier_destroy(&together);
    CHECK(!temp_is_left());
    scratch_remove(here);
}

/* A reader of file and manifest never hears that the file is corrupt while it is replaced. */
TEST(verify_beside_a_writer)
{
    scratch_make_fast(here);
    const lm_file_options options = {.manifest = &manifest};
    CHECK_STATUS(lm_publish_bytes(at("a"), "0", 1, &options, NULL, NULL), LM_OK);
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        for (int i = 0; i < 300; i++) {
            char text[50];
            int size = snprintf(text, sizeof text, "%d", i % 10);
            if (lm_publish_bytes(at("a"), text, (size_t)size, &options, NULL, NULL) != LM_OK)
                _exit(1);
        }
        _exit(0);
    }
    int status = 0, looks = 0;
    while (waitpid(child, &status, WNOHANG) == 0) {
        lm_error error = {0};
        CHECK_OK(lm_verify(at("a"), NULL, &error), error);
        looks++;
    }
    CHECK_INT(status, 0);
    CHECK(looks > 0);
    scratch_remove(here);
}

/* ---- finished files ---- */

TEST(a_finished_file_is_put_in_place)
{
    scratch_make(here);
    lm_file_result result;
    lm_error error = {0};
    struct stat before, after;
    scratch_put(at("a"), "old");
    CHECK(chmod(at("a"), 0640) == 0);
    CHECK(mkdir(at("x"), 0755) == 0);
    scratch_put(at("x/made"), "123456789");
    CHECK(stat(at("x/made"), &before) == 0);
    CHECK_OK(lm_publish_file(at("a"), at("x/made"), NULL, &result, &error), error);
    CHECK(stat(at("a"), &after) == 0 && after.st_ino == before.st_ino);
    CHECK_INT(after.st_mode & 07777, 0640);
    CHECK_TEXT(result.checksum, "crc32c:e3069283");
    CHECK_INT(result.bytes, 9);
    CHECK_INT(result.state, LM_COMMIT_DONE);
    CHECK(result.replaced && scratch_count(at("x")) == 0);

    scratch_put(at("x/made"), "2");
    const lm_file_options absent = {.mode = LM_COMMIT_IF_ABSENT};
    CHECK_STATUS(lm_publish_file(at("a"), at("x/made"), &absent, &result, &error), LM_EXISTS);
    CHECK(scratch_is(at("x/made"), "2") && scratch_is(at("a"), "123456789"));
    CHECK_OK(lm_publish_file(at("y/z/b"), at("x/made"), &absent, &result, &error), error);
    CHECK(scratch_is(at("y/z/b"), "2") && scratch_count(at("x")) == 0);
    scratch_remove(here);
}

TEST(what_is_no_finished_file_is_refused)
{
    scratch_make(here);
    lm_error error = {0};
    scratch_put(at("a"), "old");
    CHECK(link(at("a"), at("same")) == 0 && mkdir(at("d"), 0755) == 0);
    CHECK(symlink("a", at("link")) == 0 && mkfifo(at("pipe"), 0644) == 0);
    CHECK_STATUS(lm_publish_file(at("a"), at("same"), NULL, NULL, &error), LM_INVALID);
    CHECK_STATUS(lm_publish_file(at("a"), at("a"), NULL, NULL, &error), LM_INVALID);
    CHECK_STATUS(lm_publish_file(at("a"), at("d"), NULL, NULL, &error), LM_UNSUITABLE);
    CHECK_STATUS(lm_publish_file(at("a"), at("link"), NULL, NULL, &error), LM_UNSUITABLE);
    CHECK_STATUS(lm_publish_file(at("a"), at("pipe"), NULL, NULL, &error), LM_UNSUITABLE);
    CHECK_STATUS(lm_publish_file(at("a"), at("none"), NULL, NULL, &error), LM_NOT_FOUND);
    CHECK(scratch_is(at("a"), "old"));
    CHECK_INT(scratch_count(here), 5);
    scratch_remove(here);
}

TEST(a_finished_file_stays_where_it_is_on_failure)
{
    for (uint64_t nth = 0;; nth++) {
        lm_fault_sys fault;
        lm_posix_store posix;
        lm_stage *stage = NULL;
        lm_error error = {0};
        scratch_make_fast(here);
        scratch_put(at("a"), "old");
        scratch_put(at("made"), "new");
        int files = scratch_open_files();
        lm__fault_sys_init(&fault, NULL, NULL);
        lm__fault_sys_rule(
            &fault,
            (lm_fault_rule){
                .any_op = true, .nth = nth, .times = 1, .action = LM_FAULT_FAIL, .os_code = EIO});
        lm__posix_store_init(&posix, NULL, &fault.sys);
        const lm_stage_options options = {.adopt = at("made"), .checksum = LM_CHECKSUM_SHA256};
        lm_status status = lm__stage_open(&posix.store, at("a"), &options, &stage, &error);
        if (status == LM_OK) CHECK_STATUS(lm__stage_write(stage, "x", 1, NULL), LM_INVALID);
        lm__stage_close(stage);
        stage = NULL;
        if (status == LM_OK)
            status = lm__stage_open(&posix.store, at("a"), &options, &stage, &error);
        if (status == LM_OK) status = lm__stage_seal(stage, &error);
        if (status == LM_OK) status = lm__stage_commit(stage, &error);
        lm__stage_close(stage);
        bool is_new = scratch_is(at("a"), "new");
        CHECK(is_new || (scratch_is(at("a"), "old") && scratch_is(at("made"), "new")));
        CHECK(status == LM_OK || status == LM_UNKNOWN_DURABILITY || !is_new);
        CHECK(status != LM_OK || is_new);
        CHECK_INT(scratch_count(here), is_new ? 1 : 2);
        CHECK_INT(scratch_open_files(), files);
        if (check_failed) printf("# call %d: %s\n", (int)nth, error.message);
        bool again = fault.calls > nth;
        lm__fault_sys_deinit(&fault);
        scratch_remove(here);
        if (!again || check_failed) break;
    }
}

int main(void)
{
    umask(022);
    RUN(any_call_may_fail);
    RUN(any_allocation_may_fail);
    RUN(verify_with_any_allocation_failing);
    RUN(writers_at_once_leave_a_manifest_that_fits);
    RUN(verify_beside_a_writer);
    RUN(a_finished_file_is_put_in_place);
    RUN(what_is_no_finished_file_is_refused);
    RUN(a_finished_file_stays_where_it_is_on_failure);
    return DONE();
}
