/*
 * A power cut at every moment of what is done to a table's log: an entry upon one that another
 * writer has not made durable, a checkpoint, cleaning up. The table opens at a version that is
 * whole, and what was acknowledged is in it. And the proof that the test can fail.
 */
#define _GNU_SOURCE
#include "check.h"
#include "crash.h"

#include <fcntl.h>
#include <sys/stat.h>

#include "store/posix/posix.h"
#include "table/checkpoint.h"
#include "table/commit.h"

enum { DONE_MARK = 1 };

typedef struct scene {
    bool upkeep;        /* a checkpoint and cleaning up, instead of a commit */
    bool trusts_others; /* nothing is synced before the entry is made */
    bool drop_syncs;    /* of directories */
    int64_t version;    /* when all is done */
    int64_t seen;       /* by a reader while nothing goes wrong */
    char scratch[256], root[300];
} scene;

static int64_t next_year_ns(void *context)
{
    return lm__clock_system()->wall_ns(context) + 365 * INT64_C(86400000000000);
}
static const lm_clock next_year = {.wall_ns = next_year_ns};

static const char *const paths[] = {"a", "theirs", "ours", "more"};

static lm_action add_of(int64_t version)
{
    return (lm_action){
        .kind = LM_ACTION_ADD,
        .add = {.path = paths[version], .size = 1, .data_change = true},
    };
}

/* Version v has the first v + 1 of the parts. */
static const char *check_snapshot(const lm_snapshot *s)
{
    if (s->part_count != (size_t)s->version + 1) return "a version has other parts";
    for (int64_t v = 0; v <= s->version; v++) {
        size_t found = 0;
        for (size_t i = 0; i < s->part_count; i++) found += strcmp(s->parts[i].path, paths[v]) == 0;
        if (found != 1) return "a part is missing";
    }
    return NULL;
}

static const char *check_state(void *context, const crash_state *state)
{
    static char wrong[LM_ERROR_MESSAGE_MAX];
    scene *s = context;
    lm_posix_store store;
    lm_table_log log;
    lm_snapshot *snapshot;
    lm_error error;
    lm__posix_store_init(&store, NULL, NULL);
    if (lm__table_log_init(&log, NULL, &store.store, state->root, &error) != LM_OK) abort();
    log.threads = 1;
    const char *what = NULL;
    if (lm__snapshot_load(&log, NULL, &snapshot, &error) != LM_OK) {
        snprintf(wrong, sizeof wrong, "%.900s", error.message);
        what = wrong;
    } else {
        what = check_snapshot(snapshot);
        if (state->marks & 1u << DONE_MARK && snapshot->version != s->version)
            what = "what was acknowledged is not there";
        if (state->is_live && snapshot->version < s->seen) what = "a reader went back";
        if (state->is_live) s->seen = snapshot->version;
        lm__snapshot_free(snapshot);
    }
    lm__table_log_deinit(&log);
    return what;
}

/* ---- what is done ---- */

static void must_commit(lm_store *store, const char *root, int64_t version, bool trusts_others)
{
    static const lm_action head[] = {
        {.kind = LM_ACTION_PROTOCOL, .protocol = {.reader = 1, .writer = 2}},
        {.kind = LM_ACTION_METADATA, .metadata = {.id = "i", .schema = "{}", .schema_size = 2}},
    };
    const lm_action actions[] = {add_of(version), head[0], head[1]};
    lm_table_log log;
    lm_snapshot *base = NULL;
    lm_commit_result result;
    lm_error error = {0};
    CHECK_OK(lm__table_log_init(&log, NULL, store, root, &error), error);
    log.threads = 1;
    if (version > 0) CHECK_OK(lm__snapshot_load(&log, NULL, &base, &error), error);
    if (trusts_others) log.entries.durable = INT64_MAX;
    const lm_commit_request request = {.base = base,
                                       .actions = actions,
                                       .action_count = version > 0 ? 1 : 3,
                                       .operation = "WRITE"};
    CHECK_OK(lm__table_commit(&log, &request, &result, &error), error);
    CHECK_INT(result.version, version);
    lm__snapshot_free(base);
    lm__table_log_deinit(&log);
}

/* As a writer makes an entry that syncs the file and never the directory. */
static void foreign_commit(lm_sys *sys, const char *root, int64_t version)
{
    char temporary[600], path[600], text[100];
    snprintf(temporary, sizeof temporary, "%s/_delta_log/.tmp", root);
    snprintf(path, sizeof path, "%s/_delta_log/%020lld.json", root, (long long)version);
    int size =
        snprintf(text, sizeof text, "{\"add\":{\"path\":\"%s\",\"size\":1}}\n", paths[version]);
    int fd = lm__sys_openat(sys, AT_FDCWD, temporary, O_CREAT | O_WRONLY, 0644);
    if (fd < 0 || lm__sys_pwrite(sys, fd, text, (size_t)size, 0) != size ||
        lm__sys_fsync(sys, fd) != 0)
        abort();
    lm__sys_close(sys, fd);
    if (lm__sys_linkat(sys, AT_FDCWD, temporary, AT_FDCWD, path, 0) != 0 ||
        lm__sys_unlinkat(sys, AT_FDCWD, temporary, 0) != 0)
        abort();
}

static void must_upkeep(lm_store *store, const char *root)
{
    lm_table_log log;
    lm_checkpoint_result result;
    size_t removed;
    const lm_delta_metadata metadata = {.id = "i"};
    lm_error error = {0};
    CHECK_OK(lm__table_log_init(&log, NULL, store, root, &error), error);
    log.threads = 1;
    log.clock = &next_year;
    CHECK_OK(lm__table_checkpoint(&log, -1, &result, &error), error);
    CHECK_OK(lm__table_cleanup(&log, &metadata, false, &removed, &error), error);
    CHECK_INT(removed, 3);
    lm__table_log_deinit(&log);
}

static void scene_run(scene *s, crash_report *report)
{
    crash_scratch(s->scratch, true);
    snprintf(s->root, sizeof s->root, "%s/root", s->scratch);
    REQUIRE(mkdir(s->root, 0755) == 0);
    lm_posix_store before, store;
    lm__posix_store_init(&before, NULL, NULL);
    s->version = s->upkeep ? 3 : 2;
    for (int64_t version = 0; version < (s->upkeep ? 4 : 1); version++)
        must_commit(&before.store, s->root, version, false);

    crash_case crash;
    crash_begin(&crash, s->root);
    if (s->drop_syncs)
        lm__fault_sys_rule(
            &crash.fault,
            (lm_fault_rule){.op = LM_SYS_FSYNC, .on_kind = S_IFDIR, .action = LM_FAULT_DROP});
    lm__posix_store_init(&store, NULL, &crash.fault.sys);
    if (s->upkeep) {
        must_upkeep(&store.store, s->root);
    } else {
        foreign_commit(&crash.fault.sys, s->root, 1);
        must_commit(&store.store, s->root, 2, s->trusts_others);
    }
    crash_mark(&crash, DONE_MARK);
    CHECK(crash_explore(&crash, check_state, s, report));
    crash_end(&crash);
    crash_remove_all(s->scratch);
}

static void scene_must_hold(scene *s)
{
    crash_report report = {0};
    scene_run(s, &report);
    CHECK(report.calls >= 10 && report.distinct > 5);
    if (report.wrong) check_fail(__FILE__, __LINE__, "%s", report.first_wrong);
    printf("# %zu calls, %zu states, %zu of them distinct\n", report.calls, report.states,
           report.distinct);
}

static void scene_must_be_caught(scene *s)
{
    crash_report report = {0};
    scene_run(s, &report);
    CHECK(report.wrong > 0);
}

TEST(an_entry_upon_one_that_is_not_durable)
{
    scene_must_hold(&(scene){.seen = 0});
}

TEST(a_checkpoint_and_cleaning_up)
{
    scene_must_hold(&(scene){.upkeep = true});
}

TEST(trust_in_what_others_made_is_caught)
{
    scene_must_be_caught(&(scene){.trusts_others = true});
}

TEST(missing_syncs_are_caught)
{
    scene_must_be_caught(&(scene){.drop_syncs = true});
    scene_must_be_caught(&(scene){.upkeep = true, .drop_syncs = true});
}

int main(void)
{
    RUN(an_entry_upon_one_that_is_not_durable);
    RUN(a_checkpoint_and_cleaning_up);
    RUN(trust_in_what_others_made_is_caught);
    RUN(missing_syncs_are_caught);
    return DONE();
}
