/*
 * A power cut at every moment of an overwrite, a delete, a compaction and a vacuum: the table opens
 * at a version that was committed, its live parts are all there and whole, and after "done" it is
 * the last version. A manifest that the cut has damaged is told by verifying, and repaired. And the
 * proof that missing syncs would be noticed.
 */
#define _GNU_SOURCE
#include <sys/stat.h>
#include <unistd.h>

#include <lamella/jsonl.h>
#include <lamella/table_ops.h>

#include "base/clock.h"
#include "check.h"
#include "crash.h"
#include "store/fault/store.h"
#include "store/posix/posix.h"

enum { DONE_MARK = 0 };

/* The scheme of tests' own stores, here over the system's files: "mem:" is a directory. */
#define ROOT "mem://x/out"
#define TABLE ROOT "/r1/trades"

static const char descriptor[] =
    "{\"name\": \"trades\", \"schema_version\": \"1.0@2026-01-01\", \"columns\": [{\"name\": "
    "\"tick\", \"type\": \"int64\"}], \"partitioning\": [\"bucket\"]}";

typedef struct table {
    lm_registry *registry;
    lm_fault_store wrapper; /* whose close leaves the store open */
    lm_storage storage;
    lm_table_operation how;
    lm_fault_sys *sys; /* while there are records */
} table;

typedef struct scene {
    void (*before)(table *t); /* in peace, after three appends */
    void (*act)(table *t);
    bool drop_file_sync, drop_directory_sync;
    int64_t first; /* the version that is there before, */
    int count;     /* and how many there are with it when all is done: */
    uint64_t rows[4];
    int64_t seen; /* by a reader while nothing goes wrong */
    size_t broken_manifests;
    char wrong[600];
} scene;

/* ---- what is done ---- */

static void table_begin(table *t, lm_store *store)
{
    lm__fault_store_init(&t->wrapper, store);
    t->wrapper.plan.nth = UINT64_MAX;
    t->storage = (lm_storage){.reserved = &t->wrapper.store};
    t->how = (lm_table_operation){.threads = 1, .storage = &t->storage};
}

static lm_registry *registry_new(void)
{
    lm_registry *registry;
    lm_table_descriptor *d;
    if (lm_table_descriptor_parse(NULL, descriptor, strlen(descriptor), NULL, &d, NULL) != LM_OK ||
        lm_registry_new(NULL, &registry, NULL) != LM_OK ||
        lm_registry_add(registry, d, NULL) != LM_OK)
        abort();
    lm_table_descriptor_free(d);
    return registry;
}

static lm_expr *expr_of(const char *text)
{
    lm_expr *expr;
    if (lm_expr_parse(NULL, text, strlen(text), &expr, NULL) != LM_OK) abort();
    return expr;
}

static void write_rows(table *t, const char *rows, bool replace, const lm_expr *where)
{
    lm_memory_source source;
    lm_error error;
    struct ArrowArrayStream stream;
    const lm_jsonl_read_options how = {.threads = 1};
    const lm_table_options options = {.root = ROOT,
                                      .registry = t->registry,
                                      .tick_bucket_size = 10,
                                      .replace = replace,
                                      .replace_where = where,
                                      .threads = 1,
                                      .storage = &t->storage};
    lm_memory_source_init(&source, rows, strlen(rows), "rows");
    CHECK_OK(lm_jsonl_read_take(NULL, &source.source, &how, &stream, &error), error);
    CHECK_OK(lm_table_append_take(&options, "trades", "r1", &stream, NULL, &error), error);
}

static void overwrite_all(table *t) { write_rows(t, "{\"tick\": 5}\n", true, NULL); }

static void overwrite_a_bucket(table *t)
{
    lm_expr *where = expr_of("bucket = 0");
    write_rows(t, "{\"tick\": 6}\n{\"tick\": 7}\n", true, where);
    lm_expr_free(where);
}

static void delete_a_bucket(table *t)
{
    lm_table_change change;
    lm_error error;
    lm_expr *where = expr_of("bucket = 0");
    CHECK_OK(lm_table_delete(TABLE, where, &t->how, &change, &error), error);
    CHECK_INT(change.parts_removed, 3);
    lm_expr_free(where);
}

static void compact(table *t)
{
    lm_table_change change;
    lm_error error;
    CHECK_OK(lm_table_compact(TABLE, NULL, &t->how, &change, &error), error);
    CHECK_INT(change.parts_added, 1);
    CHECK_INT(change.parts_removed, 3);
}

/* What was removed is removed in the past. */
static void vacuum(table *t)
{
    const lm_table_vacuuming what = {.has_retention = true, .force = true};
    const lm_clock *clock = lm__clock_system();
    lm_vacuum_result result;
    lm_error error;
    for (int64_t now = clock->wall_ns(clock->context) / 1000000;
         clock->wall_ns(clock->context) / 1000000 == now;)
        (void)usleep(100);
    CHECK_OK(lm_table_vacuum(TABLE, &what, &t->how, &result, &error), error);
    CHECK_INT(result.files, 3);
}

static void compact_and_vacuum(table *t)
{
    compact(t);
    vacuum(t);
}

/* Upon the entry of a writer that never syncs the log's directory (vacuum.c, invariant 3). */
static void vacuum_after_anothers_delete(table *t)
{
    lm__fault_sys_rule(
        t->sys, (lm_fault_rule){.op = LM_SYS_FSYNC, .on_kind = S_IFDIR, .action = LM_FAULT_DROP});
    delete_a_bucket(t);
    lm__fault_sys_clear_rules(t->sys);
    vacuum(t);
}

/* ---- what must hold ---- */

static const char *check_version(scene *s, const crash_state *state, int64_t version, uint64_t rows)
{
    int64_t last = s->first + s->count - 1;
    if (version < s->first || version > last) return "a version that never was";
    if (rows != s->rows[version - s->first]) return "a version has other rows";
    if (state->marks & 1u << DONE_MARK && version != last)
        return "it was said to be done, and is not there";
    if (!state->is_live) return NULL;
    if (version < s->seen) return "a reader saw a newer version before";
    s->seen = version;
    return NULL;
}

static const char *check_state(void *context, const crash_state *state)
{
    scene *s = context;
    char path[1100];
    lm_table_verified found;
    lm_table_repaired repaired;
    lm_error error;
    const lm_table_operation how = {.threads = 1};
    snprintf(path, sizeof path, "%s/mem:/x/out/r1/trades", state->root);
    lm_status status = lm_table_verify(path, NULL, &how, &found, &error);
    if (status != LM_OK && status != LM_STALE) {
        snprintf(s->wrong, sizeof s->wrong, "version %lld: %.500s", (long long)found.version,
                 error.message);
        return s->wrong;
    }
    const char *wrong = check_version(s, state, found.version, found.rows);
    if (wrong || state->is_live) return wrong;
    s->broken_manifests += status == LM_STALE;
    if (lm_table_repair(path, &how, &repaired, &error) != LM_OK) {
        snprintf(s->wrong, sizeof s->wrong, "it cannot be repaired: %.500s", error.message);
        return s->wrong;
    }
    int64_t version = found.version;
    if (status == LM_STALE && !repaired.manifest) return "a wrong manifest was left";
    if (lm_table_verify(path, NULL, &how, &found, &error) != LM_OK)
        return "it is not whole after a repair";
    if (found.version != version) return "a repair changed the version";
    return found.manifest_version == version ? NULL : "the manifest shows another version";
}

static void drop_syncs(lm_fault_sys *sys, mode_t kind)
{
    lm__fault_sys_rule(
        sys, (lm_fault_rule){.op = LM_SYS_FSYNC, .on_kind = (int)kind, .action = LM_FAULT_DROP});
}

static void scene_run(scene *s, crash_report *report)
{
    char scratch[256], root[300];
    lm_posix_store store;
    table t = {.registry = registry_new()};
    crash_scratch(scratch, true);
    snprintf(root, sizeof root, "%s/root", scratch);
    REQUIRE(mkdir(root, 0755) == 0);
    REQUIRE(chdir(root) == 0);
    lm__posix_store_init(&store, NULL, NULL);
    table_begin(&t, &store.store);
    write_rows(&t, "{\"tick\": 1}\n{\"tick\": 11}\n", false, NULL);
    write_rows(&t, "{\"tick\": 2}\n", false, NULL);
    write_rows(&t, "{\"tick\": 3}\n", false, NULL);
    if (s->before) s->before(&t);
    crash_case crash;
    crash_begin(&crash, root);
    if (s->drop_file_sync) drop_syncs(&crash.fault, S_IFREG);
    if (s->drop_directory_sync) drop_syncs(&crash.fault, S_IFDIR);
    lm__posix_store_init(&store, NULL, &crash.fault.sys);
    table_begin(&t, &store.store);
    t.sys = &crash.fault;
    s->act(&t);
    crash_mark(&crash, DONE_MARK);
    CHECK(crash_explore(&crash, check_state, s, report));
    crash_end(&crash);
    lm_registry_free(t.registry);
    REQUIRE(chdir("/") == 0);
    crash_remove_all(scratch);
}

static void scene_must_hold(scene s)
{
    crash_report report;
    scene_run(&s, &report);
    CHECK(report.distinct > 3);
    if (report.wrong) check_fail(__FILE__, __LINE__, "%s", report.first_wrong);
    printf("# %zu calls, %zu states, %zu of them distinct, %zu with a wrong manifest\n",
           report.calls, report.states, report.distinct, s.broken_manifests);
}

static void scene_must_be_caught(scene s)
{
    crash_report report;
    scene_run(&s, &report);
    CHECK(report.wrong > 0);
}

static const scene overwriting = {.act = overwrite_all, .first = 2, .count = 2, .rows = {4, 1}};
static const scene compacting = {.act = compact, .first = 2, .count = 2, .rows = {4, 4}};
static const scene compacting_and_vacuuming = {
    .act = compact_and_vacuum, .first = 2, .count = 2, .rows = {4, 4}};

TEST(an_overwrite)
{
    scene_must_hold(overwriting);
}

TEST(an_overwrite_of_a_bucket)
{
    scene_must_hold((scene){.act = overwrite_a_bucket, .first = 2, .count = 2, .rows = {4, 3}});
}

TEST(a_delete)
{
    scene_must_hold((scene){.act = delete_a_bucket, .first = 2, .count = 2, .rows = {4, 1}});
}

TEST(a_compaction)
{
    scene_must_hold(compacting);
}

TEST(a_vacuum)
{
    scene_must_hold((scene){.before = compact, .act = vacuum, .first = 3, .count = 1, .rows = {4}});
}

TEST(a_compaction_and_a_vacuum)
{
    scene_must_hold(compacting_and_vacuuming);
}

/* Its files go only once the entry that removes them is durable, whoever made it. */
TEST(a_vacuum_upon_an_entry_that_is_not_durable)
{
    scene_must_hold(
        (scene){.act = vacuum_after_anothers_delete, .first = 2, .count = 2, .rows = {4, 1}});
}

TEST(a_missing_sync_is_noticed)
{
    const scene scenes[] = {overwriting, compacting, compacting_and_vacuuming};
    for (size_t i = 0; i < sizeof scenes / sizeof *scenes; i++)
        for (int directories = 0; directories < 2; directories++) {
            scene s = scenes[i];
            s.drop_file_sync = !directories;
            s.drop_directory_sync = directories;
            scene_must_be_caught(s);
        }
}

int main(void)
{
    RUN(an_overwrite);
    RUN(an_overwrite_of_a_bucket);
    RUN(a_delete);
    RUN(a_compaction);
    RUN(a_vacuum);
    RUN(a_compaction_and_a_vacuum);
    RUN(a_vacuum_upon_an_entry_that_is_not_durable);
    RUN(a_missing_sync_is_noticed);
    return DONE();
}
