/* Snapshots of logs that were made by hand. Numbers in brackets are the invariants of snapshot.h.
 */
#include "check_alloc.h"
#include "fixture.h"

#define HEAD                                                                                       \
    "{\"protocol\":{\"minReaderVersion\":1,\"minWriterVersion\":2}}\n"                             \
    "{\"metaData\":{\"id\":\"i\",\"format\":{\"provider\":\"parquet\",\"options\":{}},"            \
    "\"schemaString\":\"{}\",\"partitionColumns\":[\"bucket\"],\"configuration\":{}}}\n"
#define ADD(path) "{\"add\":{\"path\":\"" path "\",\"size\":1,\"modificationTime\":2}}\n"
#define REMOVE(path) "{\"remove\":{\"path\":\"" path "\",\"deletionTimestamp\":5}}\n"

static char text[4096];

TEST(entries_are_replayed)
{
    lm_store *store = mem_open();
    lm_error error;
    put_entry(store, 0, HEAD ADD("a") ADD("b") "{\"txn\":{\"appId\":\"x\",\"version\":1}}");
    put_entry(store, 1, REMOVE("a") ADD("c") "{\"txn\":{\"appId\":\"x\",\"version\":9}}");
    put_entry(store, 2, ADD("a") REMOVE("c"));
    put_entry(store, 3, "{\"txn\":{\"appId\":\"y\",\"version\":2}}");
    static const char *const want[] = {"a b ", "b c ", "a b ", "a b "};
    for (int64_t version = -1; version < 4; version++) {
        lm_snapshot *s = load_at(store, version, &error);
        REQUIRE(s != NULL);
        CHECK_INT(s->version, version < 0 ? 3 : version);
        CHECK_TEXT(paths_of(s, text, sizeof text), want[version < 0 ? 3 : version]);
        CHECK_INT(lm__snapshot_txn(s, "x")->txn.version, version == 0 ? 1 : 9);
        CHECK_INT(lm__snapshot_txn(s, "x")->entry, version == 0 ? 0 : 1);
        CHECK((lm__snapshot_txn(s, "y") != NULL) == (version < 0 || version == 3));
        CHECK_TEXT(s->metadata.partition_columns.items[0], "bucket");
        CHECK_INT(s->checkpoint_version, -1);
        lm__snapshot_free(s);
    }
    lm_table_log log = log_open(store, NULL);
    lm_snapshot *s;
    CHECK_OK(lm__snapshot_load(&log, &(lm_snapshot_options){.with_removes = true}, &s, &error),
             error);
    CHECK_INT(s->remove_count, 1);
    CHECK_TEXT(s->removes[0].path, "c");
    CHECK_INT(s->removes[0].deletion_time_ms, 5);
    lm__snapshot_free(s);
    CHECK_OK(lm__snapshot_load(&log, &(lm_snapshot_options){.without_parts = true}, &s, &error),
             error);
    CHECK_INT(s->part_count, 0);
    CHECK_INT(s->txn_count, 2);
    lm__snapshot_free(s);
    lm__table_log_deinit(&log);
    lm__store_close(store);
}

TEST(of_two_actions_in_one_entry_the_last_counts)
{
    lm_store *store = mem_open();
    lm_error error;
    put_entry(store, 0, HEAD ADD("a") REMOVE("a") REMOVE("b") ADD("b"));
    lm_snapshot *s = load_at(store, -1, &error);
    REQUIRE(s != NULL);
    CHECK_TEXT(paths_of(s, text, sizeof text), "b ");
    lm__snapshot_free(s);
    lm__store_close(store);
}

#define VECTORS                                                                                    \
    "{\"protocol\":{\"minReaderVersion\":3,\"minWriterVersion\":7,\"readerFeatures\":"             \
    "[\"deletionVectors\"],\"writerFeatures\":[\"deletionVectors\"]}}\n"
#define OF_VECTOR(kind, place, offset)                                                             \
    "{\"" kind "\":{\"path\":\"a\",\"size\":1,\"deletionVector\":{\"storageType\":\"u\","          \
    "\"pathOrInlineDv\":\"" place "\"," offset "\"sizeInBytes\":9,\"cardinality\":2}}}\n"

/* A path may be removed with one vector and added with another in the same entry, in any order. */
TEST(path_and_vector_together_are_a_part)
{
    lm_store *store = mem_open();
    lm_error error;
    put_entry(store, 0, HEAD ADD("a") ADD("b"));
    put_entry(store, 1, VECTORS OF_VECTOR("add", "x", "\"offset\":1,") REMOVE("a"));
    put_entry(store, 2,
              OF_VECTOR("remove", "x", "\"offset\":1,") OF_VECTOR("add", "x", "\"offset\":7,"));
    put_entry(store, 3, OF_VECTOR("add", "y", "") OF_VECTOR("remove", "x", "\"offset\":7,"));
    put_entry(store, 4, OF_VECTOR("remove", "y", "") ADD("a"));
    static const char *const places[] = {NULL, "x", "x", "y", NULL};
    static const int64_t offsets[] = {0, 1, 7, 0, 0};
    for (int64_t version = 0; version < 5; version++) {
        lm_snapshot *s = load_at(store, version, &error);
        REQUIRE(s != NULL);
        CHECK_TEXT(paths_of(s, text, sizeof text), "a b ");
        for (size_t i = 0; i < s->part_count; i++) {
            const lm_delta_vector *vector = s->parts[i].vector;
            const char *place = s->parts[i].path[0] == 'a' ? places[version] : NULL;
            CHECK((vector != NULL) == (place != NULL));
            if (!vector || !place) continue;
            CHECK_TEXT(vector->place, place);
            CHECK_TEXT(vector->storage, "u");
            CHECK_INT(vector->offset, offsets[version]);
            CHECK_INT(vector->has_offset, version != 3);
            CHECK_INT(vector->size, 9);
            CHECK_INT(vector->cardinality, 2);
        }
        lm__snapshot_free(s);
    }
    lm__store_close(store);
}

static void check_refused(lm_store *store, int64_t version, lm_status status, const char *message)
{
    lm_error error;
    lm_snapshot *s = load_at(store, version, &error);
    CHECK(s == NULL);
    CHECK_INT(error.code, status);
    CHECK_TEXT(error.message, message);
    lm__snapshot_free(s);
}

TEST(what_is_missing_or_damaged_is_told) /* [2] */
{
    lm_store *store = mem_open();
    check_refused(store, -1, LM_NOT_FOUND, "t: no Delta table is there");
    put_file(store, "t/_delta_log/.hidden", "", 0);
    check_refused(store, -1, LM_NOT_FOUND, "t: no Delta table is there");
    put_entry(store, 1, ADD("b"));
    check_refused(store, -1, LM_CORRUPT, "t/_delta_log: entry 0 is missing");
    put_entry(store, 0, ADD("a"));
    check_refused(store, 1, LM_CORRUPT, "t/_delta_log: version 1 has no protocol");
    put_entry(store, 2, HEAD);
    put_entry(store, 4, ADD("d"));
    check_refused(store, -1, LM_CORRUPT, "t/_delta_log: entry 3 is missing");
    check_refused(store, 5, LM_NOT_FOUND, "t: there is no version 5; the last is 4");
    put_entry(store, 3, "{\"add\":{\"path\":\"c");
    check_refused(store, -1, LM_CORRUPT,
                  "t/_delta_log/00000000000000000003.json, line 1: column 18: a string without its "
                  "end");
    lm_error error;
    lm_snapshot *s = load_at(store, 2, &error);
    REQUIRE(s != NULL);
    CHECK_TEXT(paths_of(s, text, sizeof text), "a b ");
    lm__snapshot_free(s);
    lm__store_close(store);
}

TEST(a_wrong_hint_changes_nothing) /* [3] */
{
    static const char *const hints[] = {
        "{\"version\":2,\"size\":1}", /* there is no such checkpoint */
        "{\"version\":1000}",
        "{\"version\":-5}",
        "{\"version\":\"2\"}",
        "{\"ver",
        "",
        "[]",
        "{\"version\":9223372036854775807}"};
    for (size_t i = 0; i < sizeof hints / sizeof *hints; i++) {
        lm_store *store = mem_open();
        lm_error error;
        put_entry(store, 0, HEAD ADD("a"));
        put_entry(store, 1, ADD("b"));
        put_entry(store, 2, REMOVE("a"));
        put_entry(store, 3, ADD("d"));
        put_file(store, "t/_delta_log/_last_checkpoint", hints[i], strlen(hints[i]));
        lm_snapshot *s = load_at(store, -1, &error);
        REQUIRE(s != NULL);
        CHECK_TEXT(paths_of(s, text, sizeof text), "b d ");
        lm__snapshot_free(s);
        s = load_at(store, 1, &error);
        REQUIRE(s != NULL);
        CHECK_TEXT(paths_of(s, text, sizeof text), "a b ");
        lm__snapshot_free(s);
        lm__store_close(store);
    }
}

#define V2 "t/_delta_log/00000000000000000004.checkpoint.80a083e8-7026-4e79-81be-64bd76c43a11"
#define SIDECAR(path)                                                                              \
    "{\"sidecar\":{\"path\":\"" path "\",\"sizeInBytes\":1,\"modificationTime\":2}}\n"

static lm_store *with_v2(const char *name, const char *json)
{
    lm_store *store = mem_open();
    put_file(store, name, json, strlen(json));
    put_entry(store, 5, ADD("e") REMOVE("b"));
    return store;
}

TEST(v2_checkpoints_in_json_are_read)
{
    lm_store *store =
        with_v2(V2 ".json", "{\"checkpointMetadata\":{\"version\":4}}\n" HEAD ADD("a") ADD("b")
                                REMOVE("c") "{\"txn\":{\"appId\":\"x\",\"version\":7}}\n");
    lm_error error;
    lm_snapshot *s = load_at(store, -1, &error);
    REQUIRE(s != NULL);
    CHECK_TEXT(paths_of(s, text, sizeof text), "a e ");
    CHECK_INT(s->checkpoint_version, 4);
    CHECK_INT(lm__snapshot_txn(s, "x")->txn.version, 7);
    CHECK_INT(lm__snapshot_txn(s, "x")->entry, -1);
    lm__snapshot_free(s);
    lm_table_log log = log_open(store, NULL);
    CHECK_OK(lm__snapshot_load(&log, &(lm_snapshot_options){.with_removes = true}, &s, &error),
             error);
    CHECK_INT(s->remove_count, 2);
    lm__snapshot_free(s);
    lm__table_log_deinit(&log);
    lm__store_close(store);
}

TEST(v2_checkpoints_that_are_none_or_not_whole_are_told) /* [2] */
{
    static const struct {
        const char *name, *json, *message;
    } cases[] = {
        {"t/_delta_log/00000000000000000004.checkpoint.80a083e8-7026.json", HEAD,
         "t/_delta_log: entry 0 is missing"},
        {V2 ".txt", HEAD, "t/_delta_log: entry 0 is missing"},
        {V2 ".json", HEAD "{\"add\":", V2 ".json, line 3"},
        {V2 ".json", HEAD SIDECAR("s%20x.parquet"), "t/_delta_log/_sidecars/s x.parquet"},
        {V2 ".json", HEAD SIDECAR("file:/else/where/../s.parquet"),
         "_delta_log/_sidecars/s.parquet"},
        {V2 ".json", HEAD SIDECAR("else/.."), V2 ".json: a sidecar without a name"},
        {V2 ".json", HEAD SIDECAR("a%2F"), V2 ".json: a sidecar without a name"},
        {V2 ".json", HEAD "{\"sidecar\":{}}", "sidecar.path is missing"},
        {V2 ".json", ADD("a"), "version 5 has no protocol"},
        {V2 ".parquet", HEAD, V2 ".parquet"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        lm_store *store = with_v2(cases[i].name, cases[i].json);
        lm_error error;
        CHECK(load_at(store, -1, &error) == NULL);
        CHECK_INT(error.code, LM_CORRUPT);
        if (!strstr(error.message, cases[i].message)) CHECK_TEXT(error.message, cases[i].message);
        lm__store_close(store);
    }
}

TEST(checkpoints_in_parts_are_whole_or_none)
{
    lm_store *store = mem_open();
    put_file(store, "t/_delta_log/00000000000000000005.checkpoint.0000000001.0000000002.parquet",
             "", 0);
    put_entry(store, 6, ADD("f"));
    check_refused(store, -1, LM_CORRUPT, "t/_delta_log: entry 0 is missing");
    put_file(store, "t/_delta_log/00000000000000000005.checkpoint.0000000002.0000000002.parquet",
             "", 0);
    lm_error error;
    CHECK(load_at(store, -1, &error) == NULL);
    CHECK_INT(error.code, LM_CORRUPT);
    CHECK(strstr(error.message, "0000000001.0000000002.parquet") != NULL);
    lm__store_close(store);
}

TEST(features_that_are_not_supported_are_refused_before_parts_are_read)
{
    lm_store *store = mem_open();
    put_entry(store, 0,
              "{\"protocol\":{\"minReaderVersion\":3,\"minWriterVersion\":7,\"readerFeatures\":"
              "[\"columnMapping\",\"someFeature\"],\"writerFeatures\":[\"someFeature\"]}}\n"
              "{\"metaData\":{\"id\":\"i\",\"schemaString\":\"{}\"}}\n" ADD("a"));
    check_refused(store, -1, LM_UNSUPPORTED,
                  "t: the table has the Delta feature someFeature, with which it cannot be read "
                  "here");
    lm__store_close(store);
    store = mem_open();
    put_entry(store, 0, HEAD OF_VECTOR("add", "x", ""));
    check_refused(store, -1, LM_CORRUPT,
                  "t/_delta_log: version 0 has a part with a deletion vector, and the table has "
                  "not the Delta feature deletionVectors");
    lm__store_close(store);
}

TEST(many_entries_are_read_by_many_threads)
{
    lm_store *store = mem_open();
    lm_table_log log = log_open(store, NULL);
    lm_error error;
    lm_snapshot *s = NULL;
    char line[200];
    put_entry(store, 0, HEAD);
    for (int i = 1; i < 500; i++) { /* each takes away what the one before it added */
        snprintf(line, sizeof line,
                 "{\"add\":{\"path\":\"p%d\",\"size\":1}}\n{\"remove\":{\"path\":\"p%d\"}}\n", i,
                 i - 1);
        put_entry(store, i, line);
    }
    log.threads = 4;
    CHECK_OK(lm__snapshot_load(&log, NULL, &s, &error), error);
    REQUIRE(s != NULL);
    CHECK_TEXT(paths_of(s, text, sizeof text), "p499 ");
    lm__snapshot_free(s);
    lm__table_log_deinit(&log);
    lm__store_close(store);
}

TEST(versions_by_time)
{
    lm_store *store = mem_open();
    lm_error error;
    lm_snapshot *s;
    for (int64_t version = 0; version < 3; version++)
        put_entry(store, version, version ? ADD("x") : HEAD);
    lm_table_log log = log_open(store, NULL);
    lm_snapshot_options options = {.has_time = true, .time_ms = INT64_MAX};
    CHECK_OK(lm__snapshot_load(&log, &options, &s, &error), error);
    CHECK_INT(s->version, 2);
    /* Of one millisecond, the versions count as a millisecond apart. */
    options.time_ms = s->mtime_ms - 1;
    lm__snapshot_free(s);
    CHECK_OK(lm__snapshot_load(&log, &options, &s, &error), error);
    CHECK(s->version < 2);
    lm__snapshot_free(s);
    options.time_ms = 0;
    CHECK_STATUS(lm__snapshot_load(&log, &options, &s, &error), LM_NOT_FOUND);
    CHECK(strncmp(error.message, "t: there was no version yet; the oldest that is kept is of 2",
                  59) == 0);
    lm__table_log_deinit(&log);
    lm__store_close(store);
}

TEST(every_allocation_failing)
{
    lm_store *store = mem_open();
    put_entry(store, 0, HEAD ADD("a") "{\"txn\":{\"appId\":\"x\",\"version\":1}}");
    put_entry(store, 1, ADD("b") REMOVE("a"));
    put_entry(store, 2, VECTORS OF_VECTOR("add", "x", "\"offset\":1,"));
    put_file(store, "t/_delta_log/_last_checkpoint", "{\"version\":1}", 13);
    for (size_t n = 0;; n++) {
        check_alloc memory;
        lm_table_log log;
        lm_snapshot *s = NULL;
        check_alloc_init(&memory, n);
        lm_error error;
        lm_status status = lm__table_log_init(&log, &memory.allocator, store, "t", &error);
        log.threads = 1;
        if (status == LM_OK) {
            status =
                lm__snapshot_load(&log, &(lm_snapshot_options){.with_removes = true}, &s, &error);
            lm__snapshot_free(s);
            lm__table_log_deinit(&log);
        }
        CHECK_INT(memory.live, 0);
        if (!memory.failed) break;
        CHECK_STATUS(status, LM_NO_MEMORY);
        CHECK_INT(error.code, LM_NO_MEMORY);
    }
    lm__store_close(store);
}

int main(void)
{
    RUN(entries_are_replayed);
    RUN(of_two_actions_in_one_entry_the_last_counts);
    RUN(path_and_vector_together_are_a_part);
    RUN(what_is_missing_or_damaged_is_told);
    RUN(a_wrong_hint_changes_nothing);
    RUN(v2_checkpoints_in_json_are_read);
    RUN(v2_checkpoints_that_are_none_or_not_whole_are_told);
    RUN(checkpoints_in_parts_are_whole_or_none);
    RUN(features_that_are_not_supported_are_refused_before_parts_are_read);
    RUN(many_entries_are_read_by_many_threads);
    RUN(versions_by_time);
    RUN(every_allocation_failing);
    return DONE();
}
