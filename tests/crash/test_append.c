/*
 * A power cut at every moment of an append: the table opens at the version before or after, whole,
 * with every part that its log names; after "done" always after. The manifest, which is not synced,
 * may be damaged, and what is loaded is right all the same. And the proof that a missing sync would
 * be noticed.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <lamella/jsonl.h>
#include <lamella/table.h>

#include "check.h"
#include "crash.h"
#include "store/fault/store.h"
#include "store/posix/posix.h"
#include "table/append.h"

enum { DONE_MARK = 0 };

/* The scheme of tests' own stores, here over the system's files: "mem:" is a directory. */
#define ROOT "mem://x/out"

static const char descriptor[] =
    "{\"name\": \"trades\", \"schema_version\": \"1.0@2026-01-01\", \"columns\": [{\"name\": "
    "\"tick\", \"type\": \"int64\"}], \"partitioning\": [\"bucket\"]}";

typedef struct scene {
    int before;       /* appends that were made in peace */
    const char *rows; /* of the one that is looked at */
    bool drop_file_sync, drop_directory_sync;
    bool live_saw_new;
    uint64_t syncs; /* of the append */
    char wrong[600];
} scene;

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

static void append(lm_store *store, const lm_registry *registry, const char *rows)
{
    lm_memory_source source;
    lm_fault_store wrapper; /* whose close leaves the store open */
    lm_error error;
    struct ArrowArrayStream stream;
    const lm_jsonl_read_options how = {.threads = 1};
    lm__fault_store_init(&wrapper, store);
    wrapper.plan.nth = UINT64_MAX;
    const lm_storage storage = {.reserved = &wrapper.store};
    const lm_table_options options = {.root = ROOT,
                                      .registry = registry,
                                      .tick_bucket_size = 10,
                                      .threads = 1,
                                      .storage = &storage};
    lm_memory_source_init(&source, rows, strlen(rows), "rows");
    CHECK_OK(lm_jsonl_read_take(NULL, &source.source, &how, &stream, &error), error);
    CHECK_OK(lm_table_append_take(&options, "trades", "r1", &stream, NULL, &error), error);
}

/* The version that is there, -1 for none, with its parts held against their checksums. */
static const char *look(scene *s, const char *table, int64_t *version)
{
    lm_store *store;
    lm_table_log log;
    lm_snapshot *snapshot = NULL;
    lm_error error;
    *version = -1;
    if (lm__store_posix_open(NULL, &store, NULL) != LM_OK) abort();
    if (lm__table_log_init(&log, lm_allocator_default(), store, table, NULL) != LM_OK) abort();
    log.threads = 1;
    lm_status status = lm__snapshot_load(&log, NULL, &snapshot, &error);
    s->wrong[0] = '\0';
    if (status != LM_OK && status != LM_NOT_FOUND)
        snprintf(s->wrong, sizeof s->wrong, "the table cannot be opened: %.400s", error.message);
    if (status == LM_OK) *version = snapshot->version;
    for (size_t i = 0; status == LM_OK && i < snapshot->part_count && !s->wrong[0]; i++) {
        char path[1200], sum[LM_CHECKSUM_TEXT_MAX] = "";
        const char *told = lm__text_map_get(&snapshot->parts[i].tags, LM_TABLE_TAG_CHECKSUM);
        snprintf(path, sizeof path, "%s/%s", table, snapshot->parts[i].path);
        if (lm__store_checksum(store, path, LM_CHECKSUM_CRC32C, NULL, sum, &error) != LM_OK ||
            !told || strcmp(told, sum) != 0)
            snprintf(s->wrong, sizeof s->wrong, "version %lld names %.300s, which is not as it was",
                     (long long)*version, snapshot->parts[i].path);
    }
    lm__snapshot_free(snapshot);
    lm__table_log_deinit(&log);
    lm__store_close(store);
    return s->wrong[0] ? s->wrong : NULL;
}

static const char *check_state(void *context, const crash_state *state)
{
    scene *s = context;
    char table[1100];
    int64_t version;
    lm_table_manifest *manifest;
    lm_error error;
    snprintf(table, sizeof table, "%s/mem:/x/out/r1/trades", state->root);
    const char *wrong = look(s, table, &version);
    if (wrong) return wrong;
    if (version != s->before - 1 && version != s->before) return "a version that never was";
    if (state->marks & 1u << DONE_MARK && version != s->before)
        return "it was said to be done, and is not there";
    if (state->is_live) {
        if (s->live_saw_new && version != s->before)
            return "a reader saw the new version, then not";
        s->live_saw_new |= version == s->before;
        return NULL;
    }
    if (version < 0) return NULL;
    if (lm_table_manifest_load(table, NULL, &manifest, &error) != LM_OK) {
        snprintf(s->wrong, sizeof s->wrong, "the manifest: %.400s", error.message);
        return s->wrong;
    }
    int64_t shown = lm_table_manifest_version(manifest);
    lm_table_manifest_free(manifest);
    return shown == version ? NULL : "the manifest shows another version";
}

static void scene_run(scene *s, crash_report *report)
{
    char scratch[256], root[300];
    crash_scratch(scratch, true);
    snprintf(root, sizeof root, "%s/root", scratch);
    REQUIRE(mkdir(root, 0755) == 0);
    REQUIRE(chdir(root) == 0);
    lm_registry *registry = registry_new();
    lm_posix_store store;
    lm__posix_store_init(&store, NULL, NULL);
    for (int i = 0; i < s->before; i++) append(&store.store, registry, "{\"tick\": 1}\n");
    crash_case crash;
    crash_begin(&crash, root);
    for (int i = 0; i < 2; i++) {
        if (i == 0 ? s->drop_file_sync : s->drop_directory_sync)
            lm__fault_sys_rule(&crash.fault, (lm_fault_rule){.op = LM_SYS_FSYNC,
                                                             .on_kind = i == 0 ? S_IFREG : S_IFDIR,
                                                             .action = LM_FAULT_DROP});
    }
    lm__posix_store_init(&store, NULL, &crash.fault.sys);
    append(&store.store, registry, s->rows);
    crash_mark(&crash, DONE_MARK);
    s->syncs = crash.fault.calls_of[LM_SYS_FSYNC];
    CHECK(crash_explore(&crash, check_state, s, report));
    crash_end(&crash);
    lm_registry_free(registry);
    REQUIRE(chdir("/") == 0);
    crash_remove_all(scratch);
}

static void scene_must_hold(scene *s)
{
    crash_report report;
    scene_run(s, &report);
    CHECK(report.distinct > 3);
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

TEST(the_first_append)
{
    scene_must_hold(&(scene){.rows = "{\"tick\": 1}\n"});
}

TEST(one_more_append)
{
    scene s = {.before = 1, .rows = "{\"tick\": 2}\n"};
    scene_must_hold(&s);
    /* The part, its directory, the log's as it was seen, the entry, the log's again; no more. */
    CHECK_INT(s.syncs, 5);
    scene_must_hold(&(scene){.before = 2, .rows = "{\"tick\": 2}\n"});
}

TEST(an_append_to_several_buckets)
{
    scene_must_hold(
        &(scene){.before = 1, .rows = "{\"tick\": 2}\n{\"tick\": 12}\n{\"tick\": -3}\n"});
}

TEST(an_append_with_a_checkpoint)
{
    scene_must_hold(&(scene){.before = 10, .rows = "{\"tick\": 2}\n"});
}

TEST(a_missing_sync_is_noticed)
{
    scene_must_be_caught(&(scene){.before = 1, .rows = "{\"tick\": 2}\n", .drop_file_sync = true});
    scene_must_be_caught(
        &(scene){.before = 1, .rows = "{\"tick\": 2}\n", .drop_directory_sync = true});
}

int main(void)
{
    RUN(the_first_append);
    RUN(one_more_append);
    RUN(an_append_to_several_buckets);
    RUN(an_append_with_a_checkpoint);
    RUN(a_missing_sync_is_noticed);
    return DONE();
}
