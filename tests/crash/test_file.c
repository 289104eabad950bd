/*
 * A power cut at every moment of a file's publication (ARCHITECTURE.md's promise: old or new,
 * whole; after "done" always new), and the proof that the harness would notice a missing sync.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "check.h"
#include "crash.h"
#include "publish/file.h"
#include "store/posix/posix.h"

enum { DONE_MARK = 0, SAW_MARK = 1 };

typedef struct scene {
    char scratch[256], root[300], path[400];
    const char *name;      /* of the destination under the root */
    const char *old, *new; /* contents; old NULL: nothing is there at first */
    size_t new_size;
    bool no_tmpfile, drop_file_sync, drop_directory_sync;
    bool may_lose_name; /* durability `file` */
    lm_file_options options;
    bool live_saw_new; /* the observer */
    char wrong[600];
} scene;

static void put(const char *path, const char *text)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0640);
    if (fd < 0 || write(fd, text, strlen(text)) != (ssize_t)strlen(text)) abort();
    close(fd);
}

/* -1: nothing there. */
static long slurp(const char *path, char *buffer, size_t size)
{
    int fd = open(path, O_RDONLY);
    if (fd < 0) return -1;
    size_t at = 0;
    for (ssize_t got; at < size && (got = read(fd, buffer + at, size - at)) > 0;) at += (size_t)got;
    close(fd);
    return (long)at;
}

static lm_status nothing_found(void *context, const lm_gc_found *found, lm_error *error)
{
    (void)error;
    *(int *)context += found->done == LM_GC_LIVE ? 100 : 1;
    return LM_OK;
}

static const char *check_state(void *context, const crash_state *state)
{
    scene *s = context;
    static char bytes[8 << 20];
    char path[700];
    snprintf(path, sizeof path, "%s/%s", state->root, s->name);
    long size = slurp(path, bytes, sizeof bytes);
    bool is_new = size == (long)s->new_size && memcmp(bytes, s->new, s->new_size) == 0;
    bool is_old = s->old ? size == (long)strlen(s->old) && memcmp(bytes, s->old, (size_t)size) == 0
                         : size == -1;
    snprintf(s->wrong, sizeof s->wrong, "%ld bytes, neither old nor new", size);
    if (!is_old && !is_new) return s->wrong;
    if (state->marks & 1u << DONE_MARK && !is_new && !s->may_lose_name)
        return "it was said to be done, and the old one is back";
    struct stat stat;
    if (s->old && lstat(path, &stat) == 0 && (stat.st_mode & 07777) != 0640)
        return "the mode is not the replaced file's";
    if (state->is_live) {
        if (s->live_saw_new && !is_new) return "a reader saw the new one, then the old one";
        s->live_saw_new |= is_new;
        return NULL;
    }
    /* What the dead writer left is known for what it is: nothing but the destination remains. */
    lm_posix_store store;
    lm__posix_store_init(&store, NULL, NULL);
    int found = 0;
    lm_reap_options all = {.recursive = true};
    if (lm__store_reap(&store.store, state->root, &all, nothing_found, &found, NULL) != LM_OK ||
        found > 1)
        return "gc could not clean up";
    return NULL;
}

static void scene_run(scene *s, crash_report *report)
{
    crash_scratch(s->scratch, false);
    snprintf(s->root, sizeof s->root, "%s/root", s->scratch);
    snprintf(s->path, sizeof s->path, "%s/%s", s->root, s->name);
    REQUIRE(mkdir(s->root, 0755) == 0);
    if (s->old) put(s->path, s->old);
    if (!s->new_size) s->new_size = strlen(s->new);

    crash_case crash;
    crash_begin(&crash, s->root);
    if (s->drop_file_sync)
        lm__fault_sys_rule(
            &crash.fault,
            (lm_fault_rule){.op = LM_SYS_FSYNC, .on_kind = S_IFREG, .action = LM_FAULT_DROP});
    if (s->drop_directory_sync)
        lm__fault_sys_rule(
            &crash.fault,
            (lm_fault_rule){.op = LM_SYS_FSYNC, .on_kind = S_IFDIR, .action = LM_FAULT_DROP});
    lm_posix_store store;
    lm__posix_store_init(&store, NULL, &crash.fault.sys);
    store.no_tmpfile = s->no_tmpfile;
    lm_error error = {0};
    lm_file_publication *p = NULL;
    CHECK_OK(lm__file_open(&store.store, s->path, &s->options, NULL, &p, &error), error);
    for (size_t at = 0; p && at < s->new_size;) { /* in two unequal parts */
        size_t step = at == 0 && s->new_size > 3 ? s->new_size / 3 : s->new_size - at;
        CHECK_OK(lm_file_write(p, s->new + at, step, &error), error);
        at += step;
    }
    if (p) CHECK_OK(lm_file_finish(p, NULL, &error), error);
    crash_mark(&crash, DONE_MARK);
    lm_file_close(p);
    CHECK(crash_explore(&crash, check_state, s, report));
    crash_end(&crash);
    crash_remove_all(s->scratch);
}

static void scene_must_hold(scene *s)
{
    crash_report report;
    scene_run(s, &report);
    CHECK(report.calls >= 3);
    CHECK(report.distinct > 3);
    if (report.wrong) check_fail(__FILE__, __LINE__, "%s", report.first_wrong);
    printf("# %zu calls, %zu states, %zu of them distinct\n", report.calls, report.states,
           report.distinct);
}

/* The proof that the harness can fail. */
static void scene_must_be_caught(scene *s)
{
    crash_report report;
    scene_run(s, &report);
    CHECK(report.wrong > 0);
}

TEST(a_new_file)
{
    scene_must_hold(&(scene){.name = "a", .new = "the new one"});
}

TEST(a_new_file_by_a_temporary_name)
{
    scene_must_hold(&(scene){.name = "a", .new = "the new one", .no_tmpfile = true});
}

TEST(a_replaced_file)
{
    scene_must_hold(&(scene){.name = "a", .old = "the old one, longer", .new = "the new one"});
}

TEST(a_replaced_file_by_a_temporary_name)
{
    scene_must_hold(&(scene){
        .name = "a", .old = "the old one, longer", .new = "the new one", .no_tmpfile = true});
}

TEST(an_empty_file)
{
    scene_must_hold(&(scene){.name = "a", .old = "not empty", .new = ""});
}

TEST(new_parents)
{
    scene_must_hold(&(scene){.name = "x/y/z/a", .new = "deep"});
    scene_must_hold(&(scene){.name = "x/y/a", .new = "deep", .no_tmpfile = true});
}

TEST(only_if_absent)
{
    scene_must_hold(&(scene){.name = "a", .new = "1", .options.mode = LM_COMMIT_IF_ABSENT});
    scene_must_hold(
        &(scene){.name = "a", .new = "1", .no_tmpfile = true, .options.mode = LM_COMMIT_IF_ABSENT});
}

TEST(only_if_it_matches)
{
    lm_file_options options = {.mode = LM_COMMIT_IF_MATCH, .match = "crc32c:e3069283"};
    scene_must_hold(&(scene){.name = "a", .old = "123456789", .new = "2", .options = options});
}

/* Each of its writes may be lost or torn, and so may the space that was reserved for them. */
TEST(a_large_file)
{
    const size_t size = LM_STAGE_SLOT_BYTES + 12345; /* several writes */
    char *new = malloc(size);
    uint64_t random = 7;
    REQUIRE(new != NULL);
    for (size_t i = 0; i < size; i++) new[i] = (char)check_random(&random);
    scene_must_hold(&(scene){.name = "a", .old = "old", .new = new, .new_size = size});
    lm_file_options direct = {.direct = LM_DIRECT_ALWAYS};
    scene_must_hold(
        &(scene){.name = "a", .old = "old", .new = new, .new_size = size, .options = direct});
    free(new);
}

TEST(without_the_directory_sync_only_the_name_may_be_lost)
{
    lm_file_options options = {.durability = LM_DURABILITY_FILE};
    scene_must_hold(&(scene){
        .name = "a", .old = "old", .new = "new", .options = options, .may_lose_name = true});
}

TEST(a_missing_file_sync_is_caught)
{
    scene_must_be_caught(&(scene){.name = "a", .old = "old", .new = "new", .drop_file_sync = true});
    scene_must_be_caught(
        &(scene){.name = "a", .new = "new", .no_tmpfile = true, .drop_file_sync = true});
}

TEST(a_missing_directory_sync_is_caught)
{
    scene_must_be_caught(
        &(scene){.name = "a", .old = "old", .new = "new", .drop_directory_sync = true});
    scene_must_be_caught(&(scene){.name = "x/a", .new = "new", .drop_directory_sync = true});
}

/* Durability `none` and `file` are weaker, and the harness sees that they are. */
TEST(no_durability_is_caught)
{
    lm_file_options none = {.durability = LM_DURABILITY_NONE};
    lm_file_options file = {.durability = LM_DURABILITY_FILE};
    scene_must_be_caught(&(scene){.name = "a", .old = "old", .new = "new", .options = none});
    scene_must_be_caught(&(scene){.name = "a", .old = "old", .new = "new", .options = file});
}

/* ---- the log: an entry that was seen and built upon must not go away ---- */

typedef struct log_scene {
    bool no_sync;
    char wrong[100];
} log_scene;

static const char *check_log(void *context, const crash_state *state)
{
    (void)context;
    char path[700], bytes[10];
    snprintf(path, sizeof path, "%s/0", state->root);
    bool has_0 = slurp(path, bytes, sizeof bytes) == 1;
    snprintf(path, sizeof path, "%s/1", state->root);
    bool has_1 = slurp(path, bytes, sizeof bytes) == 1;
    if (state->marks & 1u << SAW_MARK && !has_0) return "entry 0 was seen, and is gone";
    if (state->marks & 1u << DONE_MARK && !has_1) return "entry 1 was done, and is gone";
    return NULL;
}

/* One writer's entry is visible but not durable; another one sees it and goes on from there. */
static void log_run(bool no_sync, crash_report *report)
{
    char scratch[256], root[300], path[400];
    crash_scratch(scratch, false);
    snprintf(root, sizeof root, "%s/root", scratch);
    REQUIRE(mkdir(root, 0755) == 0);
    crash_case crash;
    crash_begin(&crash, root);
    lm_posix_store store;
    lm__posix_store_init(&store, NULL, &crash.fault.sys);
    lm_error error = {0};
    lm_stage *first;
    /* `file`: stands for a writer that is between its link and its sync. */
    lm_stage_options half = {.mode = LM_COMMIT_IF_ABSENT, .durability = LM_DURABILITY_FILE};
    snprintf(path, sizeof path, "%s/0", root);
    CHECK_OK(lm__stage_open(&store.store, path, &half, &first, &error), error);
    CHECK_OK(lm__stage_write(first, "0", 1, &error), error);
    CHECK_OK(lm__stage_seal(first, &error), error);
    CHECK_OK(lm__stage_commit(first, &error), error);
    if (!no_sync) CHECK_OK(lm__store_sync_directory(&store.store, root, &error), error);
    crash_mark(&crash, SAW_MARK);
    snprintf(path, sizeof path, "%s/1", root);
    CHECK_OK(lm__store_put_if_absent(&store.store, path, "1", 1, &error), error);
    crash_mark(&crash, DONE_MARK);
    lm__stage_close(first);
    CHECK(crash_explore(&crash, check_log, NULL, report));
    crash_end(&crash);
    crash_remove_all(scratch);
}

TEST(an_entry_that_was_seen_stays)
{
    crash_report report;
    log_run(false, &report);
    if (report.wrong) check_fail(__FILE__, __LINE__, "%s", report.first_wrong);
}

TEST(a_log_that_does_not_sync_what_it_saw_is_caught)
{
    crash_report report;
    log_run(true, &report);
    CHECK(report.wrong > 0);
}

int main(void)
{
    umask(022);
    RUN(a_new_file);
    RUN(a_new_file_by_a_temporary_name);
    RUN(a_replaced_file);
    RUN(a_replaced_file_by_a_temporary_name);
    RUN(an_empty_file);
    RUN(new_parents);
    RUN(only_if_absent);
    RUN(only_if_it_matches);
    RUN(a_large_file);
    RUN(without_the_directory_sync_only_the_name_may_be_lost);
    RUN(a_missing_file_sync_is_caught);
    RUN(a_missing_directory_sync_is_caught);
    RUN(no_durability_is_caught);
    RUN(an_entry_that_was_seen_stays);
    RUN(a_log_that_does_not_sync_what_it_saw_is_caught);
    return DONE();
}
