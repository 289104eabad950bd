/*
 * What a power cut could leave of a directory's publication, and of a file's with a manifest and a
 * kept file: the old tree or the new one, whole; a manifest that speaks of the file that is there;
 * a way back that was promised. And the proof that the test can fail.
 */
#define _GNU_SOURCE
#include "check.h"
#include "crash.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "publish/directory.h"
#include "publish/file.h"
#include "publish/verify.h"
#include "store/posix/posix.h"

enum { DONE_MARK = 1, OLD_MARK = 2 };

typedef struct scene {
    const char *staged;
    bool has_old, with_manifest;
    lm_durability durability;
    bool drop_file_sync, drop_directory_sync;
    bool may_lose_name;
    bool live_saw_new;
    char scratch[256], root[300], wrong[200];
} scene;

static bool is_text(const char *directory, const char *name, const char *text)
{
    char path[1500], bytes[100];
    snprintf(path, sizeof path, "%s/%s", directory, name);
    int fd = open(path, O_RDONLY);
    if (fd < 0) return false;
    ssize_t size = read(fd, bytes, sizeof bytes);
    close(fd);
    return size == (ssize_t)strlen(text) && memcmp(bytes, text, (size_t)size) == 0;
}

static int entries(const char *path)
{
    int count = 0;
    DIR *listing = opendir(path);
    if (!listing) return -1;
    for (struct dirent *entry; (entry = readdir(listing));) count += entry->d_name[0] != '.';
    closedir(listing);
    return count;
}

/* Whole means: these files, these bytes, nothing else. */
static bool tree_is(const char *root, const char *name, const char *text, int count)
{
    char path[1000], sub[1100];
    snprintf(path, sizeof path, "%s/%s", root, name);
    snprintf(sub, sizeof sub, "%s/sub", path);
    return is_text(path, "a", text) && is_text(path, "sub/b", text) && entries(path) == count &&
           entries(sub) == 1;
}

/* Through recorded calls, so that what was never synced can be lost. */
static void tree_make(lm_sys *sys, const char *root, const char *name, const char *text)
{
    static const char *const files[] = {"a", "sub/b"};
    char path[1000];
    snprintf(path, sizeof path, "%s/%s", root, name);
    if (lm__sys_mkdirat(sys, AT_FDCWD, path, 0755) != 0) abort();
    strcat(path, "/sub");
    if (lm__sys_mkdirat(sys, AT_FDCWD, path, 0755) != 0) abort();
    for (int i = 0; i < 2; i++) {
        snprintf(path, sizeof path, "%s/%s/%s", root, name, files[i]);
        int fd = lm__sys_openat(sys, AT_FDCWD, path, O_CREAT | O_WRONLY, 0644);
        if (fd < 0 || lm__sys_pwrite(sys, fd, text, strlen(text), 0) != (int64_t)strlen(text))
            abort();
        lm__sys_close(sys, fd);
    }
}

static lm_status count_found(void *context, const lm_gc_found *found, lm_error *error)
{
    (void)error;
    *(int *)context += found->done == LM_GC_LIVE;
    return LM_OK;
}

static const char *check_state(void *context, const crash_state *state)
{
    scene *s = context;
    char path[1000];
    snprintf(path, sizeof path, "%s/out", state->root);
    struct stat stat;
    bool is_new = tree_is(state->root, "out", "new", s->with_manifest ? 3 : 2);
    bool is_old = s->has_old ? tree_is(state->root, "out", "old", 2) : lstat(path, &stat) != 0;
    if (!is_old && !is_new) return "neither the old tree nor the new one, whole";
    if (state->marks & 1u << DONE_MARK && !is_new && !s->may_lose_name)
        return "it was said to be done, and the old one is back";
    if (state->is_live) {
        if (s->live_saw_new && !is_new) return "a reader saw the new one, then the old one";
        s->live_saw_new |= is_new;
        return NULL;
    }
    if (is_new && s->with_manifest && lm_verify(path, NULL, NULL) != LM_OK)
        return "the manifest does not fit the tree";
    lm_posix_store store;
    int live = 0;
    const lm_reap_options all = {.recursive = true};
    lm__posix_store_init(&store, NULL, NULL);
    if (lm__store_reap(&store.store, state->root, &all, count_found, &live, NULL) != LM_OK || live)
        return "gc could not clean up";
    return tree_is(state->root, "out", is_new ? "new" : "old",
                   is_new && s->with_manifest ? 3 : 2) ||
                   (!s->has_old && !is_new)
               ? NULL
               : "gc took away what stood there";
}

static void drop_syncs(crash_case *crash, int kind)
{
    lm__fault_sys_rule(
        &crash->fault,
        (lm_fault_rule){.op = LM_SYS_FSYNC, .on_kind = kind, .action = LM_FAULT_DROP});
}

static void scene_run(scene *s, crash_report *report)
{
    static const lm_manifest manifest = {.run_id = "r"};
    crash_scratch(s->scratch, true);
    snprintf(s->root, sizeof s->root, "%s/root", s->scratch);
    char staged[600], path[600], below[600];
    snprintf(staged, sizeof staged, "%s/%s", s->root, s->staged);
    snprintf(path, sizeof path, "%s/out", s->root);
    snprintf(below, sizeof below, "%s/x", s->root);
    REQUIRE(mkdir(s->root, 0755) == 0 && mkdir(below, 0755) == 0);
    if (s->has_old) tree_make(lm__sys_kernel(), s->root, "out", "old");

    crash_case crash;
    crash_begin(&crash, s->root);
    tree_make(&crash.fault.sys, s->root, s->staged, "new");
    if (s->drop_file_sync) drop_syncs(&crash, S_IFREG);
    if (s->drop_directory_sync) drop_syncs(&crash, S_IFDIR);
    lm_posix_store store;
    lm__posix_store_init(&store, NULL, &crash.fault.sys);
    lm_error error = {0};
    lm_directory_result result = {0};
    const lm_directory_options options = {
        .manifest = s->with_manifest ? &manifest : NULL, .threads = 1, .durability = s->durability};
    CHECK_OK(lm__directory_publish(&store.store, staged, path, &options, &result, &error), error);
    CHECK(!result.old_left && result.replaced == s->has_old);
    crash_mark(&crash, DONE_MARK);
    CHECK(crash_explore(&crash, check_state, s, report));
    crash_end(&crash);
    crash_remove_all(s->scratch);
}

static void scene_must_hold(scene *s)
{
    crash_report report;
    scene_run(s, &report);
    CHECK(report.calls >= 10 && report.distinct > 10);
    if (report.wrong) check_fail(__FILE__, __LINE__, "%s", report.first_wrong);
    printf("# %zu calls, %zu states, %zu of them distinct\n", report.calls, report.states,
           report.distinct);
}

static void scene_must_be_caught(scene *s)
{
    crash_report report;
    scene_run(s, &report);
    CHECK(report.wrong > 0);
}

TEST(a_new_directory)
{
    scene_must_hold(&(scene){.staged = "new"});
}

TEST(an_exchanged_directory)
{
    scene_must_hold(&(scene){.staged = "new", .has_old = true});
}

TEST(an_exchanged_directory_staged_elsewhere)
{
    scene_must_hold(&(scene){.staged = "x/new", .has_old = true});
}

TEST(an_exchanged_directory_with_a_manifest)
{
    scene_must_hold(&(scene){.staged = "new", .has_old = true, .with_manifest = true});
}

/* `file` may lose the exchange, never a whole tree. */
TEST(durable_files)
{
    scene_must_hold(&(scene){
        .staged = "new", .has_old = true, .durability = LM_DURABILITY_FILE, .may_lose_name = true});
}

TEST(a_missing_file_sync_is_caught)
{
    scene_must_be_caught(&(scene){.staged = "new", .has_old = true, .drop_file_sync = true});
    scene_must_be_caught(&(scene){.staged = "new", .drop_file_sync = true});
}

TEST(a_missing_directory_sync_is_caught)
{
    scene_must_be_caught(&(scene){.staged = "new", .has_old = true, .drop_directory_sync = true});
    scene_must_be_caught(&(scene){.staged = "x/new", .drop_directory_sync = true});
}

/* ---- a file with a manifest and a kept file ---- */

typedef struct file_scene {
    bool had_manifest, drop_directory_sync, drop_file_sync;
    unsigned keep;
    char scratch[256], root[300];
} file_scene;

static const char *check_file(void *context, const crash_state *state)
{
    const file_scene *s = context;
    char path[700];
    snprintf(path, sizeof path, "%s/a", state->root);
    bool is_new = is_text(state->root, "a", "the new one");
    if (!is_new && !is_text(state->root, "a", "the old one")) return "neither old nor new";
    if (state->marks & 1u << DONE_MARK && !is_new) return "it was said to be done, and is not";
    lm_error error;
    lm_status status = lm_verify(path, NULL, &error);
    if (status == LM_NOT_FOUND && !is_new && !s->had_manifest) status = LM_OK; /* none, as before */
    static char wrong[LM_ERROR_MESSAGE_MAX + 50];
    snprintf(wrong, sizeof wrong, "%s is there: %s", is_new ? "new" : "old", error.message);
    if (status != LM_OK) return wrong;
    if (!s->keep || state->is_live) return NULL;
    if (is_new &&
        (lm_undo(path, NULL, NULL, &error) != LM_OK || !is_text(state->root, "a", "the old one")))
        return "the old file is not kept";
    if (!is_new && lm_undo(path, NULL, NULL, &error) != LM_NOT_FOUND) return "undo of nothing";
    return NULL;
}

static void file_run(file_scene *s, crash_report *report)
{
    static const lm_manifest manifest = {.run_id = "r"};
    const lm_file_options with = {.manifest = &manifest, .keep = s->keep};
    const lm_file_options without = {.durability = LM_DURABILITY_FULL};
    char path[600];
    lm_error error = {0};
    crash_scratch(s->scratch, true);
    snprintf(s->root, sizeof s->root, "%s/root", s->scratch);
    snprintf(path, sizeof path, "%s/a", s->root);
    REQUIRE(mkdir(s->root, 0755) == 0);
    CHECK_OK(
        lm_publish_bytes(path, "the old one", 11, s->had_manifest ? &with : &without, NULL, &error),
        error);
    crash_case crash;
    crash_begin(&crash, s->root);
    if (s->drop_file_sync) drop_syncs(&crash, S_IFREG);
    if (s->drop_directory_sync) drop_syncs(&crash, S_IFDIR);
    lm_posix_store store;
    lm__posix_store_init(&store, NULL, &crash.fault.sys);
    lm_file_publication *p = NULL;
    CHECK_OK(lm__file_open(&store.store, path, &with, NULL, &p, &error), error);
    if (p) {
        CHECK_OK(lm_file_write(p, "the new one", 11, &error), error);
        CHECK_OK(lm_file_finish(p, NULL, &error), error);
    }
    crash_mark(&crash, DONE_MARK);
    lm_file_close(p);
    CHECK(crash_explore(&crash, check_file, s, report));
    crash_end(&crash);
    crash_remove_all(s->scratch);
}

TEST(a_manifest_speaks_of_what_is_there)
{
    for (int i = 0; i < 4; i++) {
        file_scene s = {.had_manifest = i & 1, .keep = i & 2 ? 3 : 0};
        crash_report report;
        file_run(&s, &report);
        CHECK(report.distinct > 5);
        if (report.wrong) check_fail(__FILE__, __LINE__, "%d: %s", i, report.first_wrong);
        printf("# %zu calls, %zu states, %zu of them distinct\n", report.calls, report.states,
               report.distinct);
    }
}

TEST(a_manifest_without_its_syncs_is_caught)
{
    crash_report report;
    file_run(&(file_scene){.had_manifest = true, .drop_file_sync = true}, &report);
    CHECK(report.wrong > 0);
    file_run(&(file_scene){.had_manifest = true, .keep = 1, .drop_directory_sync = true}, &report);
    CHECK(report.wrong > 0);
}

int main(void)
{
    umask(022);
    RUN(a_new_directory);
    RUN(an_exchanged_directory);
    RUN(an_exchanged_directory_staged_elsewhere);
    RUN(an_exchanged_directory_with_a_manifest);
    RUN(durable_files);
    RUN(a_missing_file_sync_is_caught);
    RUN(a_missing_directory_sync_is_caught);
    RUN(a_manifest_speaks_of_what_is_there);
    RUN(a_manifest_without_its_syncs_is_caught);
    return DONE();
}
