/* Checkpoints: what is in them, the hint, and what may be removed then. Numbers in brackets are the
 * invariants of checkpoint.h. */
#include "check_alloc.h"
#include "fixture.h"

#include "store/fault/store.h"
#include "table/checkpoint.h"

#define DAY_MS INT64_C(86400000)

static char text[4096];

/* A clock that stands `ahead_ms` before the true one. */
static int64_t ahead_ms;
static int64_t wall_ns(void *context)
{
    (void)context;
    const lm_clock *clock = lm__clock_system();
    return clock->wall_ns(clock->context) + ahead_ms * 1000000;
}
static const lm_clock ahead = {.wall_ns = wall_ns};

static void commit(lm_store *store, const lm_action *actions, size_t count)
{
    lm_table_log log = log_open(store, NULL);
    lm_commit_result result;
    lm_error error;
    lm_snapshot *base = load_at(store, -1, &error);
    const lm_commit_request request = {
        .base = base, .actions = actions, .action_count = count, .operation = "WRITE"};
    CHECK_OK(lm__table_commit(&log, &request, &result, &error), error);
    lm__snapshot_free(base);
    lm__table_log_deinit(&log);
}

/* Entries 0 to `last`: each adds a part and, but for the first two, removes the one before. */
static lm_store *table_open(int64_t last, const lm_text_map *configuration)
{
    lm_store *store = mem_open();
    lm_action first[] = {action_protocol(), action_metadata(), action_add("p0")};
    if (configuration) first[1].metadata.configuration = *configuration;
    commit(store, first, 3);
    for (int64_t i = 1; i <= last; i++) {
        char path[16], old[16];
        snprintf(path, sizeof path, "p%lld", (long long)i);
        snprintf(old, sizeof old, "p%lld", (long long)i - 1);
        const lm_action actions[] = {action_add(path), action_txn("run", i), action_remove(old)};
        commit(store, actions, i > 1 ? 3 : 2);
    }
    return store;
}

static lm_checkpoint_result checkpoint(lm_store *store, int64_t version)
{
    lm_table_log log = log_open(store, NULL);
    lm_checkpoint_result result;
    lm_error error;
    CHECK_OK(lm__table_checkpoint(&log, version, &result, &error), error);
    lm__table_log_deinit(&log);
    return result;
}

static bool is_there(lm_store *store, const char *name)
{
    char path[200];
    lm_store_stat stat;
    snprintf(path, sizeof path, "t/_delta_log/%s", name);
    return lm__store_stat(store, path, true, &stat, NULL) == LM_OK;
}

static void check_hint(lm_store *store, int64_t want)
{
    lm_table_log log = log_open(store, NULL);
    int64_t version = -2;
    lm_error error;
    CHECK_OK(lm__log_hint(&log, &version, &error), error);
    CHECK_INT(version, want);
    lm__table_log_deinit(&log);
}

TEST(a_checkpoint_stands_for_the_entries_before_it) /* [2] */
{
    static const lm_key_value config[] = {
        {.key = "delta.appendOnly", .key_size = 16, .value = "false", .value_size = 5},
        {.key = "k", .key_size = 1}};
    static const lm_key_value tags[] = {
        {.key = "checksum", .key_size = 8, .value = "crc32c:00", .value_size = 9},
        {.key = "null", .key_size = 4}};
    lm_store *store = mem_open();
    lm_action first[] = {action_protocol(), action_metadata(), action_add("a b"), action_add("b")};
    first[0].protocol = lm__table_protocol(true);
    first[1].metadata.name = "name";
    first[1].metadata.description = "description";
    first[1].metadata.configuration = (lm_text_map){config, 2};
    first[3].add.has_tags = true;
    first[3].add.tags = (lm_text_map){tags, 2};
    first[3].add.stats = NULL;
    first[3].add.partition_values = (lm_text_map){0};
    commit(store, first, 4);
    lm_action second[] = {action_txn("x", 7), action_remove("a b"), action_remove("long ago"),
                          action_add("c")};
    second[0].txn.has_last_updated = true;
    second[0].txn.last_updated_ms = 1234;
    second[1].remove.deletion_time_ms = lm__clock_system()->wall_ns(NULL) / 1000000;
    second[1].remove.extended = true;
    second[1].remove.size = 100;
    second[1].remove.partition_values = first[2].add.partition_values;
    second[2].remove.deletion_time_ms = 1;
    commit(store, second, 4);

    lm_checkpoint_result result = checkpoint(store, -1);
    CHECK_INT(result.version, 1);
    CHECK_INT(result.adds, 2);
    CHECK_INT(result.actions, 6);
    CHECK(!result.was_there && result.has_hint && result.bytes > 0);
    remove_file(store, "t/_delta_log/00000000000000000000.json");
    remove_file(store, "t/_delta_log/00000000000000000001.json");

    lm_table_log log = log_open(store, NULL);
    lm_snapshot *s = NULL;
    lm_error error;
    CHECK_OK(lm__snapshot_load(&log, &(lm_snapshot_options){.with_removes = true}, &s, &error),
             error);
    REQUIRE(s != NULL);
    CHECK_INT(s->version, 1);
    CHECK_INT(s->checkpoint_version, 1);
    CHECK_TEXT(paths_of(s, text, sizeof text), "b c ");
    CHECK(s->protocol.reader == 3 && s->protocol.writer == 7 && s->protocol.has_reader_features);
    CHECK(lm__text_list_has(&s->protocol.writer_features, "timestampNtz"));
    CHECK_TEXT(s->metadata.id, "8e1f5b0a-0000-4000-8000-000000000001");
    CHECK_TEXT(s->metadata.name, "name");
    CHECK_TEXT(s->metadata.description, "description");
    CHECK_TEXT(s->metadata.provider, "parquet");
    CHECK_TEXT(s->metadata.schema, SCHEMA);
    CHECK_TEXT(s->metadata.partition_columns.items[0], "bucket");
    CHECK(s->metadata.has_created_time && s->metadata.created_time_ms == 1700000000000);
    CHECK_TEXT(lm__text_map_get(&s->metadata.configuration, "delta.appendOnly"), "false");
    CHECK(s->metadata.configuration.count == 2 && !s->metadata.configuration.items[1].value);
    REQUIRE(s->txn_count == 1);
    CHECK_TEXT(s->txns[0].txn.app_id, "x");
    CHECK(s->txns[0].txn.version == 7 && s->txns[0].txn.last_updated_ms == 1234);
    CHECK_INT(s->txns[0].entry, -1);
    const lm_delta_add *b = &s->parts[0], *c = &s->parts[1];
    CHECK(b->stats == NULL && b->has_tags && b->tags.count == 2 && !b->tags.items[1].value);
    CHECK_TEXT(lm__text_map_get(&b->tags, "checksum"), "crc32c:00");
    CHECK(lm__part_value(b, "bucket") == NULL);
    CHECK(!c->has_tags && c->size == 100 && c->modification_time_ms == 1700000000001);
    CHECK_TEXT(c->stats, "{\"numRecords\":3}");
    CHECK_TEXT(lm__part_value(c, "bucket"), "1");
    REQUIRE(s->remove_count == 1); /* the other one has expired */
    CHECK_TEXT(s->removes[0].path, "a b");
    CHECK(s->removes[0].extended && s->removes[0].size == 100);
    CHECK_TEXT(lm__text_map_get(&s->removes[0].partition_values, "bucket"), "1");
    lm__snapshot_free(s);
    lm__table_log_deinit(&log);

    const lm_action more = action_add("d"); /* and it is built upon */
    commit(store, &more, 1);
    s = load_at(store, -1, &error);
    REQUIRE(s != NULL);
    CHECK_TEXT(paths_of(s, text, sizeof text), "b c d ");
    lm__snapshot_free(s);
    lm__store_close(store);
}

#define TABLE_ID "80a083e8-7026-4e79-81be-64bd76c43a11"
#define V2_NAME "00000000000000000001.checkpoint." TABLE_ID ".parquet"

/* A table that wants V2 checkpoints, with the parts a, b and, in entry 1, c instead of a. */
static lm_store *v2_table(void)
{
    static const char *const features[] = {"v2Checkpoint"};
    static const lm_key_value config[] = {
        {.key = "delta.checkpointPolicy", .key_size = 22, .value = "v2", .value_size = 2}};
    lm_store *store = mem_open();
    lm_action first[] = {action_protocol(), action_metadata(), action_add("a"), action_add("b")};
    first[0].protocol = (lm_delta_protocol){.reader = 3,
                                            .writer = 7,
                                            .has_reader_features = true,
                                            .has_writer_features = true,
                                            .reader_features = {features, 1},
                                            .writer_features = {features, 1}};
    first[1].metadata.id = TABLE_ID;
    first[1].metadata.configuration = (lm_text_map){config, 1};
    commit(store, first, 4);
    lm_action second[] = {action_txn("x", 7), action_remove("a"), action_add("c")};
    commit(store, second, 3);
    return store;
}

static void check_v2_parts(lm_store *store)
{
    char paths[100];
    lm_error error;
    lm_snapshot *s = load_at(store, -1, &error);
    REQUIRE(s != NULL);
    CHECK_TEXT(paths_of(s, paths, sizeof paths), "b c ");
    CHECK_INT(s->checkpoint_version, 1);
    CHECK_INT(lm__snapshot_txn(s, "x")->txn.version, 7);
    lm__snapshot_free(s);
}

TEST(a_table_that_wants_v2_checkpoints_gets_them) /* [1] */
{
    lm_store *store = v2_table();
    lm_checkpoint_result result = checkpoint(store, -1);
    CHECK(!result.was_there && result.has_hint);
    CHECK_INT(result.actions, 6); /* the removed one has expired */
    CHECK(is_there(store, V2_NAME));
    CHECK(!is_there(store, "00000000000000000001.checkpoint.parquet"));
    result = checkpoint(store, -1);
    CHECK(result.was_there);
    CHECK_INT(result.actions, 6);
    remove_file(store, "t/_delta_log/00000000000000000000.json");
    remove_file(store, "t/_delta_log/00000000000000000001.json");
    check_v2_parts(store);
    lm__store_close(store);
}

#define V2_JSON                                                                                    \
    "t/_delta_log/00000000000000000001.checkpoint.90a083e8-7026-4e79-81be-64bd76c43a11.json"
static const char v2_manifest[] =
    "{\"checkpointMetadata\":{\"version\":1}}\n"
    "{\"protocol\":{\"minReaderVersion\":3,\"minWriterVersion\":7,\"readerFeatures\":"
    "[\"v2Checkpoint\"],\"writerFeatures\":[\"v2Checkpoint\"]}}\n"
    "{\"metaData\":{\"id\":\"i\",\"format\":{\"provider\":\"parquet\",\"options\":{}},"
    "\"schemaString\":\"{}\",\"partitionColumns\":[],\"configuration\":{}}}\n"
    "{\"txn\":{\"appId\":\"x\",\"version\":7}}\n"
    "{\"sidecar\":{\"path\":\"s.parquet\",\"sizeInBytes\":1,\"modificationTime\":2}}\n";

TEST(parts_are_read_from_sidecars)
{
    lm_store *store = v2_table();
    lm_error error;
    uint8_t *data;
    size_t size;
    (void)checkpoint(store, -1);
    CHECK_OK(lm__store_read(store, "t/_delta_log/" V2_NAME, NULL, 1 << 20, &data, &size, &error),
             error);
    put_file(store, "t/_delta_log/_sidecars/s.parquet", (const char *)data, size);
    lm__free(NULL, data);
    remove_file(store, "t/_delta_log/" V2_NAME);
    remove_file(store, "t/_delta_log/00000000000000000000.json");
    remove_file(store, "t/_delta_log/00000000000000000001.json");
    put_file(store, V2_JSON, v2_manifest, sizeof v2_manifest - 1);
    check_v2_parts(store);
    lm__store_close(store);
}

TEST(many_parts_are_read_back_as_they_were)
{
    enum { PARTS = 20000 };
    lm_store *store = mem_open();
    lm_action head[] = {action_protocol(), action_metadata()};
    commit(store, head, 2);
    lm_action *adds = malloc(PARTS * sizeof *adds);
    char(*paths)[16] = malloc(PARTS * sizeof *paths);
    for (int i = 0; i < PARTS; i++) {
        snprintf(paths[i], sizeof *paths, "p%06d", i);
        adds[i] = action_add(paths[i]);
        adds[i].add.size = i;
    }
    commit(store, adds, PARTS);
    lm_checkpoint_result result = checkpoint(store, -1);
    CHECK_INT(result.adds, PARTS);
    const lm_action gone = action_remove("p000007");
    commit(store, &gone, 1);
    lm_error error;
    lm_snapshot *s = load_at(store, -1, &error);
    REQUIRE(s != NULL);
    CHECK_INT(s->checkpoint_version, 1);
    CHECK_INT(s->part_count, PARTS - 1);
    int wrong = 0;
    for (size_t i = 0; i < s->part_count; i++) {
        long number = strtol(s->parts[i].path + 1, NULL, 10);
        wrong += s->parts[i].size != number || number == 7;
    }
    CHECK_INT(wrong, 0);
    lm__snapshot_free(s);
    free(adds);
    free(paths);
    lm__store_close(store);
}

TEST(the_hint_never_goes_back) /* [3] */
{
    lm_store *store = table_open(5, NULL);
    CHECK(checkpoint(store, 3).has_hint);
    check_hint(store, 3);
    CHECK(checkpoint(store, 1).has_hint);
    check_hint(store, 3);
    CHECK(checkpoint(store, 5).has_hint);
    check_hint(store, 5);
    CHECK(checkpoint(store, 5).was_there); /* [1] */
    lm_error error;
    for (int64_t version = 0; version <= 5; version++) { /* with checkpoints at 1, 3 and 5 */
        lm_snapshot *s = load_at(store, version, &error);
        REQUIRE(s != NULL);
        CHECK_INT(s->checkpoint_version, version == 0 ? -1 : (version - 1) / 2 * 2 + 1);
        snprintf(text, sizeof text, version == 1 ? "p0 p1 " : "p0 p%lld ", (long long)version);
        char got[100];
        CHECK_TEXT(paths_of(s, got, sizeof got), version == 0 ? "p0 " : text);
        lm__snapshot_free(s);
    }
    lm__store_close(store);
}

TEST(a_damaged_checkpoint_is_told_and_can_be_done_without)
{
    lm_store *store = table_open(4, NULL);
    lm_table_log log = log_open(store, NULL);
    lm_error error;
    lm_snapshot *s = NULL;
    put_file(store, "t/_delta_log/00000000000000000003.checkpoint.parquet", "PAR1PAR1", 8);
    CHECK(load_at(store, -1, &error) == NULL);
    CHECK_INT(error.code, LM_CORRUPT);
    CHECK(strstr(error.message, "00000000000000000003.checkpoint.parquet") != NULL);
    const lm_snapshot_options options = {.without_checkpoints = true};
    CHECK_OK(lm__snapshot_load(&log, &options, &s, &error), error);
    REQUIRE(s != NULL);
    CHECK_INT(s->version, 4);
    CHECK_INT(s->checkpoint_version, -1);
    CHECK_TEXT(paths_of(s, text, sizeof text), "p0 p4 ");
    lm__snapshot_free(s);
    lm__table_log_deinit(&log);
    lm__store_close(store);
}

TEST(a_lost_entry_is_told_behind_a_checkpoint_too)
{
    static const int distances[] = {1, 2, 100}; /* of the next entry that is there */
    for (size_t i = 0; i < sizeof distances / sizeof *distances; i++) {
        lm_store *store = table_open(4, NULL);
        lm_error error;
        (void)checkpoint(store, 3);
        for (int64_t more = 0; more < 200; more++) /* a lost one is one of many */
            put_entry(store, 5 + distances[i] + more, "{\"txn\":{\"appId\":\"a\",\"version\":1}}");
        CHECK(load_at(store, -1, &error) == NULL);
        CHECK_INT(error.code, LM_CORRUPT);
        CHECK_TEXT(error.message, "t/_delta_log: entry 5 is missing");
        lm_snapshot *s = load_at(store, 4, &error);
        REQUIRE(s != NULL);
        CHECK_TEXT(paths_of(s, text, sizeof text), "p0 p4 ");
        lm__snapshot_free(s);
        lm__store_close(store);
    }
}

TEST(many_entries_after_a_checkpoint)
{
    lm_store *store = table_open(4, NULL);
    lm_error error;
    (void)checkpoint(store, 3);
    for (int64_t more = 0; more < 1000; more++)
        put_entry(store, 5 + more, "{\"txn\":{\"appId\":\"a\",\"version\":1}}");
    lm_snapshot *s = load_at(store, -1, &error);
    REQUIRE(s != NULL);
    CHECK_INT(s->version, 1004);
    CHECK_INT(s->checkpoint_version, 3);
    lm__snapshot_free(s);
    lm__store_close(store);
}

TEST(a_checkpoint_is_due_now_and_then)
{
    static const lm_key_value every[] = {
        {.key = "delta.checkpointInterval", .key_size = 24, .value = "3", .value_size = 1}};
    for (int given = 0; given < 2; given++) {
        const lm_text_map configuration = {every, 1};
        lm_store *store = table_open(21, given ? &configuration : NULL);
        lm_table_log log = log_open(store, NULL);
        lm_error error;
        lm_delta_metadata metadata = metadata_of();
        if (given) metadata.configuration = configuration;
        for (int64_t version = 0; version <= 21; version++) {
            char name[64];
            CHECK_OK(lm__table_upkeep(&log, version, &metadata, &error), error);
            snprintf(name, sizeof name, "%020lld.checkpoint.parquet", (long long)version);
            CHECK(is_there(store, name) == (version > 0 && version % (given ? 3 : 10) == 0));
        }
        lm__table_log_deinit(&log);
        lm__store_close(store);
    }
}

/* ---- cleaning up ---- */

static size_t cleanup(lm_store *store, int64_t days, bool dry_run)
{
    lm_table_log log = log_open(store, NULL);
    lm_delta_metadata metadata = metadata_of();
    size_t removed;
    lm_error error;
    ahead_ms = days * DAY_MS;
    log.clock = &ahead;
    CHECK_OK(lm__table_cleanup(&log, &metadata, dry_run, &removed, &error), error);
    lm__table_log_deinit(&log);
    return removed;
}

TEST(only_what_nobody_can_ask_for_is_removed) /* [4] */
{
    lm_store *store = table_open(9, NULL);
    put_file(store, "t/_delta_log/00000000000000000002.crc", "", 0);
    put_file(store, "t/_delta_log/00000000000000000001.note", "", 0);
    put_file(store, "t/_delta_log/00000000000000000001.00000000000000000002.compacted.json", "", 0);
    CHECK_INT(cleanup(store, 400, false), 0); /* no checkpoint */
    (void)checkpoint(store, 2);
    (void)checkpoint(store, 5);
    CHECK_INT(cleanup(store, 29, false), 0); /* too young */
    CHECK_INT(cleanup(store, 32, true), 8);  /* 0 to 4, a checkpoint, a sum, a compaction */
    CHECK(is_there(store, "00000000000000000000.json"));
    CHECK_INT(cleanup(store, 32, false), 8);
    CHECK(!is_there(store, "00000000000000000004.json"));
    CHECK(!is_there(store, "00000000000000000002.checkpoint.parquet"));
    CHECK(is_there(store, "00000000000000000005.json"));
    CHECK(is_there(store, "00000000000000000005.checkpoint.parquet"));
    CHECK(is_there(store, "00000000000000000001.note"));
    CHECK_INT(cleanup(store, 32, false), 0);
    lm_error error;
    for (int64_t version = 5; version <= 9; version++) {
        lm_snapshot *s = load_at(store, version, &error);
        CHECK(s != NULL);
        lm__snapshot_free(s);
    }
    CHECK(load_at(store, 4, &error) == NULL);
    CHECK_INT(error.code, LM_CORRUPT);
    lm__store_close(store);

    store = table_open(3, NULL); /* a damaged one is no reason to remove anything */
    put_file(store, "t/_delta_log/00000000000000000002.checkpoint.parquet", "PAR1", 4);
    CHECK_INT(cleanup(store, 400, false), 0);
    lm__store_close(store);

    store = v2_table(); /* nor is one whose sidecar is missing */
    put_file(store, V2_JSON, v2_manifest, sizeof v2_manifest - 1);
    CHECK_INT(cleanup(store, 400, false), 0);
    remove_file(store, V2_JSON);
    (void)checkpoint(store, -1);
    CHECK_INT(cleanup(store, 400, false), 1);
    check_v2_parts(store);
    lm__store_close(store);
}

/* ---- failures ---- */

TEST(whatever_fails_the_table_is_as_it_was)
{
    static const lm_fault_plan plans[] = {{.status = LM_IO},
                                          {.status = LM_UNKNOWN_OUTCOME, .after = true}};
    for (size_t p = 0; p < sizeof plans / sizeof *plans; p++)
        for (uint64_t nth = 0;; nth++) {
            lm_store *store = table_open(2, NULL);
            lm_fault_store fault;
            lm_checkpoint_result result;
            lm_error error;
            lm__fault_store_init(&fault, store);
            fault.plan = plans[p];
            fault.plan.nth = nth;
            lm_table_log log = log_open(&fault.store, NULL);
            lm_status status = lm__table_checkpoint(&log, -1, &result, &error);
            lm__table_log_deinit(&log);
            lm_snapshot *s = load_at(store, -1, &error);
            REQUIRE(s != NULL);
            CHECK_TEXT(paths_of(s, text, sizeof text), "p0 p2 ");
            lm__snapshot_free(s);
            bool all = atomic_load(&fault.operations) <= nth;
            lm__store_close(store);
            if (!all) continue;
            CHECK_STATUS(status, LM_OK);
            break;
        }
}

TEST(every_allocation_failing)
{
    lm_store *store = table_open(2, NULL);
    for (size_t n = 0;; n++) {
        check_alloc memory;
        lm_table_log log;
        lm_checkpoint_result result;
        lm_snapshot *s = NULL;
        lm_error error;
        size_t removed = 0;
        lm_delta_metadata metadata = metadata_of();
        check_alloc_init(&memory, n);
        lm_status status = lm__table_log_init(&log, &memory.allocator, store, "t", &error);
        log.threads = 1;
        log.clock = &ahead;
        ahead_ms = 400 * DAY_MS;
        if (status == LM_OK) {
            status = lm__table_checkpoint(&log, -1, &result, &error);
            if (status == LM_OK)
                status = lm__snapshot_load(&log, &(lm_snapshot_options){.with_removes = true}, &s,
                                           &error);
            if (status == LM_OK)
                status = lm__table_cleanup(&log, &metadata, true, &removed, &error);
            lm__snapshot_free(s);
            lm__table_log_deinit(&log);
        }
        CHECK_INT(memory.live, 0);
        if (is_there(store, "00000000000000000002.checkpoint.parquet") && memory.failed)
            remove_file(store, "t/_delta_log/00000000000000000002.checkpoint.parquet");
        if (!memory.failed) break;
        CHECK(status == LM_NO_MEMORY || status == LM_OK); /* the hint, the look at a checkpoint */
    }
    lm__store_close(store);
}

int main(void)
{
    RUN(a_checkpoint_stands_for_the_entries_before_it);
    RUN(a_table_that_wants_v2_checkpoints_gets_them);
    RUN(parts_are_read_from_sidecars);
    RUN(many_parts_are_read_back_as_they_were);
    RUN(the_hint_never_goes_back);
    RUN(a_damaged_checkpoint_is_told_and_can_be_done_without);
    RUN(a_lost_entry_is_told_behind_a_checkpoint_too);
    RUN(many_entries_after_a_checkpoint);
    RUN(a_checkpoint_is_due_now_and_then);
    RUN(only_what_nobody_can_ask_for_is_removed);
    RUN(whatever_fails_the_table_is_as_it_was);
    RUN(every_allocation_failing);
    return DONE();
}
