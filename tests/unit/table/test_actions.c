/* Actions: the bytes of entries, both ways. Numbers in brackets are the invariants of actions.h. */
#include "check_alloc.h"
#include "fixture.h"

#include "table/part_path.h"

static lm_arena arena;

static void check_line(const lm_action *action, const char *want)
{
    lm_buffer out;
    lm_error error;
    lm__buffer_init(&out, NULL, 0);
    CHECK_OK(lm__action_write(&out, action, &error), error);
    CHECK_OK(lm__buffer_byte(&out, 0), error);
    CHECK_TEXT((const char *)out.data, want);

    /* And back: what is read is written the same. */
    lm_action *actions;
    size_t count;
    CHECK_OK(lm__actions_read(&arena, want, strlen(want), "e", &actions, &count, &error), error);
    CHECK_INT(count, 1);
    lm__buffer_clear(&out);
    if (count == 1 && actions[0].kind != LM_ACTION_COMMIT_INFO) {
        CHECK_OK(lm__action_write(&out, &actions[0], &error), error);
        CHECK_OK(lm__buffer_byte(&out, 0), error);
        CHECK_TEXT((const char *)out.data, want);
    }
    lm__buffer_deinit(&out);
}

TEST(lines_are_as_spark_writes_them) /* [3] */
{
    static const lm_key_value config[] = {
        {.key = "delta.appendOnly", .value = "true", .key_size = 16, .value_size = 4}};
    static const lm_key_value null_bucket[] = {
        {.key = "bucket", .key_size = 6},
        {.key = "tag \"x\"", .value = "a\nb", .key_size = 7, .value_size = 3}};
    lm__arena_init(&arena, NULL, 0);

    lm_action protocol = action_protocol();
    check_line(&protocol, "{\"protocol\":{\"minReaderVersion\":1,\"minWriterVersion\":2}}\n");
    protocol.protocol = lm__table_protocol(true);
    check_line(&protocol,
               "{\"protocol\":{\"minReaderVersion\":3,\"minWriterVersion\":7,\"readerFeatures\":"
               "[\"timestampNtz\"],\"writerFeatures\":[\"timestampNtz\",\"appendOnly\","
               "\"invariants\"]}}\n");

    lm_action metadata = action_metadata();
    metadata.metadata.schema = "{}";
    metadata.metadata.schema_size = 2;
    check_line(&metadata,
               "{\"metaData\":{\"id\":\"8e1f5b0a-0000-4000-8000-000000000001\",\"format\":"
               "{\"provider\":\"parquet\",\"options\":{}},\"schemaString\":\"{}\","
               "\"partitionColumns\":[\"bucket\"],\"configuration\":{},"
               "\"createdTime\":1700000000000}}\n");
    metadata.metadata.name = "n";
    metadata.metadata.description = "d";
    metadata.metadata.configuration = (lm_text_map){config, 1};
    metadata.metadata.has_created_time = false;
    check_line(&metadata,
               "{\"metaData\":{\"id\":\"8e1f5b0a-0000-4000-8000-000000000001\",\"name\":\"n\","
               "\"description\":\"d\",\"format\":{\"provider\":\"parquet\",\"options\":{}},"
               "\"schemaString\":\"{}\",\"partitionColumns\":[\"bucket\"],"
               "\"configuration\":{\"delta.appendOnly\":\"true\"}}}\n");

    lm_action add = action_add("bucket=1/a.parquet");
    check_line(&add, "{\"add\":{\"path\":\"bucket=1/a.parquet\",\"partitionValues\":{\"bucket\":"
                     "\"1\"},\"size\":100,\"modificationTime\":1700000000001,\"dataChange\":true,"
                     "\"stats\":\"{\\\"numRecords\\\":3}\"}}\n");
    add.add.partition_values = (lm_text_map){null_bucket, 2};
    add.add.stats = NULL;
    add.add.has_tags = true;
    add.add.data_change = false;
    check_line(&add, "{\"add\":{\"path\":\"bucket=1/a.parquet\",\"partitionValues\":{\"bucket\":"
                     "null,\"tag \\\"x\\\"\":\"a\\nb\"},\"size\":100,\"modificationTime\":"
                     "1700000000001,\"dataChange\":false,\"tags\":{}}}\n");

    lm_action gone = action_remove("a");
    check_line(&gone, "{\"remove\":{\"path\":\"a\",\"deletionTimestamp\":1700000000002,"
                      "\"dataChange\":true}}\n");
    gone.remove.extended = true;
    gone.remove.size = 7;
    check_line(&gone, "{\"remove\":{\"path\":\"a\",\"deletionTimestamp\":1700000000002,"
                      "\"dataChange\":true,\"extendedFileMetadata\":true,\"partitionValues\":{},"
                      "\"size\":7}}\n");

    lm_action txn = action_txn("app", 5);
    check_line(&txn, "{\"txn\":{\"appId\":\"app\",\"version\":5}}\n");
    lm_action domain = {.kind = LM_ACTION_DOMAIN, .domain = {.domain = "d", .configuration = "c"}};
    check_line(&domain, "{\"domainMetadata\":{\"domain\":\"d\",\"configuration\":\"c\","
                        "\"removed\":false}}\n");

    static const lm_key_value mode[] = {
        {.key = "mode", .value = "\"Append\"", .key_size = 4, .value_size = 8}};
    static const lm_key_value extra[] = {
        {.key = "runId", .value = "r1", .key_size = 5, .value_size = 2}};
    const lm_action info = {
        .kind = LM_ACTION_COMMIT_INFO,
        .commit_info = {.has_timestamp = true,
                        .timestamp_ms = 1,
                        .operation = "WRITE",
                        .parameters = {mode, 1},
                        .has_read_version = true,
                        .read_version = 4,
                        .is_blind_append = 1,
                        .engine = "lamella/0.1.0",
                        .txn_id = "u",
                        .extra = {extra, 1}},
    };
    check_line(&info, "{\"commitInfo\":{\"timestamp\":1,\"operation\":\"WRITE\","
                      "\"operationParameters\":{\"mode\":\"\\\"Append\\\"\"},\"readVersion\":4,"
                      "\"isBlindAppend\":true,\"engineInfo\":\"lamella/0.1.0\",\"txnId\":\"u\","
                      "\"runId\":\"r1\"}}\n");
    lm__arena_deinit(&arena);
}

TEST(commit_info_of_others_is_taken_loosely)
{
    static const char text[] =
        "{\"commitInfo\":{\"timestamp\":\"no number\",\"operation\":\"DELETE\",\"isBlindAppend\":"
        "false,\"operationParameters\":{\"predicate\":[\"a\",1],\"n\":null},\"clusterId\":7}}";
    lm_action *actions;
    size_t count;
    lm_error error;
    lm__arena_init(&arena, NULL, 0);
    CHECK_OK(lm__actions_read(&arena, text, sizeof text - 1, "e", &actions, &count, &error), error);
    REQUIRE(count == 1);
    const lm_delta_commit_info *info = &actions[0].commit_info;
    CHECK(!info->has_timestamp && info->is_blind_append == 0);
    CHECK_TEXT(info->operation, "DELETE");
    CHECK_TEXT(lm__text_map_get(&info->parameters, "predicate"), "[\"a\",1]");
    CHECK(lm__text_map_get(&info->parameters, "n") == NULL && info->parameters.count == 2);
    CHECK_INT(lm__json_member_int(info->tree, "clusterId", 0), 7);
    lm__arena_deinit(&arena);
}

TEST(what_is_unknown_is_passed_over)
{
    static const char text[] =
        "{\"checkpointMetadata\":{\"version\":1}}\r\n"
        "\n"
        "{\"txn\":{\"appId\":\"a\",\"version\":1,\"more\":{}},\"add\":null}\n"
        "{\"cdc\":{\"path\":\"c\"}}\n"
        "{\"sidecar\":{\"path\":\"s\",\"sizeInBytes\":1}}\n";
    lm_action *actions;
    size_t count;
    lm_error error;
    lm__arena_init(&arena, NULL, 0);
    CHECK_OK(lm__actions_read(&arena, text, sizeof text - 1, "e", &actions, &count, &error), error);
    REQUIRE(count == 3);
    CHECK_INT(actions[0].kind, LM_ACTION_TXN);
    CHECK_INT(actions[1].kind, LM_ACTION_CDC);
    CHECK_INT(actions[2].kind, LM_ACTION_SIDECAR);
    CHECK_TEXT(actions[2].sidecar.path, "s");
    lm__arena_deinit(&arena);
}

TEST(what_is_damaged_is_told_with_its_place) /* [1], [2] */
{
    static const struct {
        const char *text, *message;
        lm_status status;
    } cases[] = {
        {"", "e is empty", LM_CORRUPT},
        {"\n\n", "e is empty", LM_CORRUPT},
        {"{\"txn\":{\"appId\":\"a\",\"version\":1}}\n{\"add\":{\"pa",
         "e, line 2: column 12: a string without its end", LM_CORRUPT},
        {"[]", "e, line 1 is no object", LM_CORRUPT},
        {"{\"add\":7}", "e, line 1: add is no object", LM_CORRUPT},
        {"{\"add\":{\"size\":1}}", "e, line 1: add.path is missing", LM_CORRUPT},
        {"{\"add\":{\"path\":\"\",\"size\":1}}", "e, line 1: add.path is empty", LM_CORRUPT},
        {"{\"add\":{\"path\":\"a\\u0000b\",\"size\":1}}", "e, line 1: add.path has a NUL in it",
         LM_CORRUPT},
        {"{\"add\":{\"path\":\"a\"}}", "e, line 1: add.size is missing", LM_CORRUPT},
        {"{\"add\":{\"path\":\"a\",\"size\":-1}}", "e, line 1: add.size is below zero", LM_CORRUPT},
        {"{\"add\":{\"path\":\"a\",\"size\":1.5}}", "e, line 1: add.size is no whole number",
         LM_CORRUPT},
        {"{\"add\":{\"path\":\"a\",\"size\":1,\"partitionValues\":{\"k\":1}}}",
         "e, line 1: add.partitionValues has a value that is no text", LM_CORRUPT},
        {"{\"add\":{\"path\":\"a\",\"size\":1,\"deletionVector\":{}}}",
         "e, line 1: deletionVector.storageType is missing", LM_CORRUPT},
        {"{\"remove\":{\"path\":\"a\",\"deletionVector\":{\"storageType\":\"i\","
         "\"pathOrInlineDv\":\"\",\"sizeInBytes\":0}}}",
         "e, line 1: deletionVector.cardinality is missing", LM_CORRUPT},
        {"{\"remove\":{\"path\":\"a\",\"dataChange\":\"yes\"}}",
         "e, line 1: remove.dataChange is neither true nor false", LM_CORRUPT},
        {"{\"protocol\":{\"minReaderVersion\":-1,\"minWriterVersion\":2}}",
         "e, line 1: protocol.minReaderVersion is no version", LM_CORRUPT},
        {"{\"metaData\":{\"id\":\"i\"}}", "e, line 1: metaData.schemaString is missing",
         LM_CORRUPT},
        {"{\"txn\":{\"appId\":\"a\",\"version\":1},\"cdc\":{}}", "e, line 1 has two actions",
         LM_CORRUPT},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        lm_action *actions;
        size_t count;
        lm_error error;
        lm__arena_init(&arena, NULL, 0);
        CHECK_STATUS(lm__actions_read(&arena, cases[i].text, strlen(cases[i].text), "e", &actions,
                                      &count, &error),
                     cases[i].status);
        CHECK_TEXT(error.message, cases[i].message);
        CHECK_INT(error.code, cases[i].status);
        lm__arena_deinit(&arena);
    }
}

TEST(paths_are_uris)
{
    lm_buffer out;
    const char *path;
    lm_error error;
    lm__buffer_init(&out, NULL, 0);
    lm__arena_init(&arena, NULL, 0);
    static const char raw[] = "a=1/b c%d+\xc3\xa9:&#?~._-\x01.parquet";
    CHECK_OK(lm__part_path_encode(&out, raw), error);
    CHECK_OK(lm__buffer_byte(&out, 0), error);
    CHECK_TEXT((const char *)out.data, "a=1/b%20c%25d+\xc3\xa9%3A&%23%3F~._-%01.parquet");
    CHECK_OK(lm__part_path_decode(&arena, (const char *)out.data, &path, &error), error);
    CHECK_TEXT(path, raw);
    /* As Java's new Path(text).toUri() has them: Spark compares texts. */
    static const char *const texts[][2] = {
        {"!$&'()*+,;=@~", "!$&'()*+,;=@~"},
        {"\"#%<>?[\\]^`{|}\t\x7f", "%22%23%25%3C%3E%3F%5B%5C%5D%5E%60%7B%7C%7D%09%7F"},
        {"\u65e5\u672c\U0001f600\u00a1", "\u65e5\u672c\U0001f600\u00a1"},
        {"\u00a0\u1680\u2000\u200a\u200b", "%C2%A0%E1%9A%80%E2%80%80%E2%80%8A\u200b"},
        {"\u2028\u2029\u202f\u205f\u3000", "%E2%80%A8%E2%80%A9%E2%80%AF%E2%81%9F%E3%80%80"},
        {"\xc2\x85\xc2\x9f\xff\xc3", "%C2%85%C2%9F%FF%C3"},
    };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        out.size = 0;
        CHECK_OK(lm__part_path_encode(&out, texts[i][0]), error);
        CHECK_OK(lm__buffer_byte(&out, 0), error);
        CHECK_TEXT((const char *)out.data, texts[i][1]);
        CHECK_OK(lm__part_path_decode(&arena, (const char *)out.data, &path, &error), error);
        CHECK_TEXT(path, texts[i][0]);
    }
    CHECK_OK(lm__part_path_decode(&arena, "a+b%2f%C3%a9", &path, &error), error);
    CHECK_TEXT(path, "a+b/\xc3\xa9");
    CHECK_STATUS(lm__part_path_decode(&arena, "a%", &path, &error), LM_CORRUPT);
    CHECK_STATUS(lm__part_path_decode(&arena, "a%2", &path, &error), LM_CORRUPT);
    CHECK_STATUS(lm__part_path_decode(&arena, "a%zz", &path, &error), LM_CORRUPT);
    CHECK_STATUS(lm__part_path_decode(&arena, "a%00", &path, &error), LM_CORRUPT);
    CHECK(lm__part_path_is_absolute("/a") && lm__part_path_is_absolute("s3://b/k") &&
          lm__part_path_is_absolute("file:/a"));
    CHECK(!lm__part_path_is_absolute("a=1/b:c") && !lm__part_path_is_absolute("b%3Ac"));
    lm__arena_deinit(&arena);
    lm__buffer_deinit(&out);
}

/* ---- features and properties ---- */

TEST(intervals_and_other_properties_are_read)
{
    static const struct {
        const char *text;
        int64_t ms;
    } cases[] = {
        {"interval 30 days", 2592000000},
        {"INTERVAL 1 week 2 hours", 612000000},
        {"interval 0 hours", 0},
        {"1 day", 86400000},
        {"interval 5 minutes 3 seconds 7 milliseconds 999 microseconds", 303007},
        {"interval", -1},
        {"", -1},
        {"interval x days", -1},
        {"interval 1 fortnight", -1},
        {"interval 99999999999999999999 days", -1},
        {"interval 9223372036854775807 weeks", -1},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const lm_key_value item = {.key = "k", .value = cases[i].text};
        const lm_delta_metadata metadata = {.configuration = {&item, 1}};
        CHECK_INT(lm__property_interval_ms(&metadata, "k", -1), cases[i].ms);
        CHECK_INT(lm__property_interval_ms(&metadata, "other", 5), 5);
    }
    const lm_key_value items[] = {{.key = "t", .value = "TRUE"},
                                  {.key = "f", .value = "false"},
                                  {.key = "x", .value = "yes"},
                                  {.key = "n", .value = "12"},
                                  {.key = "m", .value = "12a"}};
    const lm_delta_metadata metadata = {.configuration = {items, 5}};
    CHECK(lm__property_bool(&metadata, "t", false) && !lm__property_bool(&metadata, "f", true));
    CHECK(lm__property_bool(&metadata, "x", true) && !lm__property_bool(&metadata, "x", false));
    CHECK_INT(lm__property_int(&metadata, "n", 1), 12);
    CHECK_INT(lm__property_int(&metadata, "m", 1), 1);
}

static void check_features(const lm_delta_protocol *protocol, const lm_delta_metadata *metadata,
                           const char *readable, const char *writable)
{
    lm_error error;
    CHECK_STATUS(lm__table_readable(protocol, metadata, "t", &error),
                 readable ? LM_UNSUPPORTED : LM_OK);
    if (readable) CHECK(strstr(error.message, readable) != NULL);
    CHECK_STATUS(lm__table_writable(NULL, protocol, metadata, "t", &error),
                 writable ? LM_UNSUPPORTED : LM_OK);
    if (writable) CHECK(strstr(error.message, writable) != NULL);
}

TEST(features_are_refused_by_name)
{
    static const char *const reader_features[] = {"columnMapping",  "deletionVectors",
                                                  "typeWidening",   "typeWidening-preview",
                                                  "catalogManaged", "somethingNew"};
    static const char *const writer_features[] = {"rowTracking", "domainMetadata", "clustering",
                                                  "icebergCompatV1"};
    static const char *const unused[] = {"appendOnly",     "invariants",       "checkConstraints",
                                         "changeDataFeed", "generatedColumns", "v2Checkpoint"};
    lm_delta_metadata plain = metadata_of();
    for (size_t i = 0; i < sizeof reader_features / sizeof *reader_features; i++) {
        const lm_delta_protocol protocol = {.reader = 3,
                                            .writer = 7,
                                            .has_reader_features = true,
                                            .has_writer_features = true,
                                            .reader_features = {&reader_features[i], 1},
                                            .writer_features = {&reader_features[i], 1}};
        /* A mapping that is not in use asks nothing; the next three are read. */
        check_features(&protocol, &plain, i < 4 ? NULL : reader_features[i],
                       i == 0 ? NULL : reader_features[i]);
    }
    for (size_t i = 0; i < sizeof writer_features / sizeof *writer_features; i++) {
        const lm_delta_protocol protocol = {.reader = 1,
                                            .writer = 7,
                                            .has_writer_features = true,
                                            .writer_features = {&writer_features[i], 1}};
        check_features(&protocol, &plain, NULL, writer_features[i]);
    }
    const lm_delta_protocol several = {.reader = 1,
                                       .writer = 7,
                                       .has_writer_features = true,
                                       .writer_features = {writer_features, 3}};
    check_features(&several, &plain, NULL, "features rowTracking, domainMetadata, clustering");
    const lm_delta_protocol listed = {
        .reader = 1, .writer = 7, .has_writer_features = true, .writer_features = {unused, 6}};
    check_features(&listed, &plain, NULL, NULL);
    check_features(&(lm_delta_protocol){.reader = 4, .writer = 7}, &plain, "reader version 4",
                   "reader version 4");
    check_features(&(lm_delta_protocol){.reader = 1, .writer = 8}, &plain, NULL,
                   "writer version 8");

    static const struct {
        const char *key, *value, *feature;
        bool unreadable;
    } properties[] = {
        {"delta.columnMapping.mode", "name", "columnMapping", true},
        {"delta.columnMapping.mode", "none", NULL, false},
        {"delta.constraints.c", "id > 0", "checkConstraints", false},
        {"delta.enableChangeDataFeed", "true", "changeDataFeed", false},
        {"delta.enableChangeDataFeed", "false", NULL, false},
        {"delta.appendOnly", "true", NULL, false},
    };
    for (size_t i = 0; i < sizeof properties / sizeof *properties; i++) {
        const lm_key_value item = {.key = properties[i].key, .value = properties[i].value};
        lm_delta_metadata metadata = plain;
        metadata.configuration = (lm_text_map){&item, 1};
        check_features(&(lm_delta_protocol){.reader = 2, .writer = 5}, &metadata,
                       properties[i].unreadable ? properties[i].feature : NULL,
                       properties[i].feature);
    }
    static const char *const keys[][2] = {{"delta.invariants", "invariants"},
                                          {"delta.generationExpression", "generatedColumns"},
                                          {"delta.identity.start", "identityColumns"},
                                          {"CURRENT_DEFAULT", "allowColumnDefaults"}};
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        char schema[300];
        lm_delta_metadata metadata = plain;
        metadata.schema_size = (size_t)snprintf(
            schema, sizeof schema,
            "{\"type\":\"struct\",\"fields\":[{\"name\":\"s\",\"type\":{\"type\":\"struct\","
            "\"fields\":[{\"name\":\"a\",\"type\":\"long\",\"nullable\":true,"
            "\"metadata\":{\"%s\":\"x\"}}]},\"nullable\":true,\"metadata\":{}}]}",
            keys[i][0]);
        metadata.schema = schema;
        check_features(&(lm_delta_protocol){.reader = 1, .writer = 6}, &metadata, NULL, keys[i][1]);
    }
    lm_delta_metadata orc = plain;
    orc.provider = "orc";
    check_features(&(lm_delta_protocol){.reader = 1, .writer = 2}, &orc, "orc", "orc");
}

TEST(every_allocation_failing)
{
    static const char text[] =
        "{\"commitInfo\":{\"operationParameters\":{\"p\":[1]},\"operationMetrics\":{\"n\":\"1\"}}}"
        "\n"
        "{\"add\":{\"path\":\"a\",\"size\":1,\"partitionValues\":{\"k\":\"v\"},\"tags\":{}}}\n"
        "{\"protocol\":{\"minReaderVersion\":1,\"minWriterVersion\":2,\"writerFeatures\":[\"x\"]}}";
    for (size_t n = 0;; n++) {
        check_alloc memory;
        lm_action *actions;
        size_t count;
        lm_error error;
        lm_buffer out;
        check_alloc_init(&memory, n);
        lm__arena_init(&arena, &memory.allocator, 0);
        lm__buffer_init(&out, &memory.allocator, 0);
        lm_status status =
            lm__actions_read(&arena, text, sizeof text - 1, "e", &actions, &count, &error);
        for (size_t i = 1; status == LM_OK && i < count; i++)
            status = lm__action_write(&out, &actions[i], &error);
        lm__arena_deinit(&arena);
        lm__buffer_deinit(&out);
        CHECK_INT(memory.live, 0);
        if (!memory.failed) break;
        CHECK_STATUS(status, LM_NO_MEMORY);
    }
}

int main(void)
{
    RUN(lines_are_as_spark_writes_them);
    RUN(commit_info_of_others_is_taken_loosely);
    RUN(what_is_unknown_is_passed_over);
    RUN(what_is_damaged_is_told_with_its_place);
    RUN(paths_are_uris);
    RUN(intervals_and_other_properties_are_read);
    RUN(features_are_refused_by_name);
    RUN(every_allocation_failing);
    return DONE();
}
