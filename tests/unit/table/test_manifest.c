/* manifest.json: a view of the log (table/manifest.h). */
#define _GNU_SOURCE
#include "check.h"
#include "check_alloc.h"
#include "scratch.h"

#include <lamella/table.h>

#include "base/json.h"
#include "base/limits.h"
#include "fixture.h"
#include "table/manifest.h"

static lm_action part_of(const char *path, const lm_key_value *bucket, const char *stats,
                         const lm_key_value *tag)
{
    return (lm_action){.kind = LM_ACTION_ADD,
                       .add = {.path = path,
                               .partition_values = {bucket, bucket != NULL},
                               .size = 100,
                               .modification_time_ms = 1700000000001,
                               .data_change = true,
                               .stats = stats,
                               .stats_size = stats ? strlen(stats) : 0,
                               .tags = {tag, tag != NULL},
                               .has_tags = tag != NULL}};
}

static const lm_key_value one = {"bucket", "1", 6, 1}, minus = {"bucket", "-2", 6, 2},
                          null = {"bucket", NULL, 6, 0},
                          sum = {"lamella.checksum", "crc32c:00000001", 16, 15};
#define STATS(rows, min, max)                                                                      \
    "{\"numRecords\":" #rows ",\"minValues\":{\"tick\":" #min "},\"maxValues\":{\"tick\":" #max "}}"

/* Adds parts at the next version of the table `root`, which the first call makes. */
static void commit_to(lm_store *store, const char *root, const lm_action *parts, size_t count)
{
    lm_table_log log;
    lm_error error;
    lm_action actions[8];
    size_t used = 0;
    lm_snapshot *base = NULL;
    const lm_snapshot_options brief = {.without_parts = true};
    if (lm__table_log_init(&log, lm_allocator_default(), store, root, NULL) != LM_OK) abort();
    log.threads = 1;
    if (lm__snapshot_load(&log, &brief, &base, &error) == LM_NOT_FOUND) {
        actions[used++] = action_protocol();
        actions[used++] = action_metadata();
    }
    for (size_t i = 0; i < count; i++) actions[used++] = parts[i];
    const lm_commit_request request = {
        .base = base, .actions = actions, .action_count = used, .operation = "WRITE"};
    lm_commit_result result;
    CHECK_OK(lm__table_commit(&log, &request, &result, &error), error);
    lm__snapshot_free(base);
    lm__table_log_deinit(&log);
}

static void update(lm_store *store, const char *root, int64_t version)
{
    lm_table_log log;
    lm_error error;
    if (lm__table_log_init(&log, lm_allocator_default(), store, root, NULL) != LM_OK) abort();
    log.threads = 1;
    CHECK_OK(lm__manifest_update(&log, version, &error), error);
    lm__table_log_deinit(&log);
}

static const char *read_text(lm_store *store, const char *path)
{
    static char text[65536];
    uint8_t *bytes;
    size_t size;
    text[0] = '\0';
    if (lm__store_read(store, path, lm_allocator_default(), sizeof text - 1, &bytes, &size, NULL) !=
        LM_OK)
        return "none";
    memcpy(text, bytes, size);
    text[size] = '\0';
    lm__free(lm_allocator_default(), bytes);
    return text;
}

TEST(the_manifest_has_the_parts_by_bucket)
{
    lm_store *store = mem_open();
    const lm_action parts[] = {
        part_of("bucket=1/part-b.parquet", &one, STATS(3, 15, 19), &sum),
        part_of("bucket=1/part-a%20b.parquet", &one, STATS(2, 10, 11), NULL),
        part_of("bucket=-2/part-c.parquet", &minus, STATS(1, -20, -20), NULL),
        part_of("bucket=__HIVE_DEFAULT_PARTITION__/part-d.parquet", &null, NULL, NULL),
    };
    commit_to(store, "out/r1/trades", parts, 4);
    update(store, "out/r1/trades", 0);
    CHECK_TEXT(
        read_text(store, "out/r1/trades/manifest.json"),
        "{\"version\":0,\"rows\":null,\"bytes\":400,\"tick_min\":-20,\"tick_max\":19,\"part_"
        "count\":"
        "4,\"table\":\"trades\",\"run_id\":\"r1\",\"buckets\":["
        "{\"bucket_id\":null,\"rows\":null,\"bytes\":100,\"tick_min\":null,\"tick_max\":null,"
        "\"part_"
        "count\":1,\"parts\":[{\"path\":\"bucket=__HIVE_DEFAULT_PARTITION__/"
        "part-d.parquet\",\"rows\":null,\"bytes\":100,\"tick_min\":null,\"tick_max\":null,"
        "\"created_"
        "at\":\"2023-11-14T22:13:20.001000Z\",\"checksum\":null}]},"
        "{\"bucket_id\":-2,\"rows\":1,\"bytes\":100,\"tick_min\":-20,\"tick_max\":-20,\"part_"
        "count\":"
        "1,\"parts\":[{\"path\":\"bucket=-2/"
        "part-c.parquet\",\"rows\":1,\"bytes\":100,\"tick_min\":-20,\"tick_max\":-20,\"created_"
        "at\":"
        "\"2023-11-14T22:13:20.001000Z\",\"checksum\":null}]},"
        "{\"bucket_id\":1,\"rows\":5,\"bytes\":200,\"tick_min\":10,\"tick_max\":19,\"part_count\":"
        "2,"
        "\"parts\":[{\"path\":\"bucket=1/part-a "
        "b.parquet\",\"rows\":2,\"bytes\":100,\"tick_min\":10,\"tick_max\":11,\"created_at\":"
        "\"2023-"
        "11-14T22:13:20.001000Z\",\"checksum\":null},{\"path\":\"bucket=1/"
        "part-b.parquet\",\"rows\":3,\"bytes\":100,\"tick_min\":15,\"tick_max\":19,\"created_at\":"
        "\"2023-11-14T22:13:20.001000Z\",\"checksum\":\"crc32c:00000001\"}]}]}\n");
    lm__store_close(store);
}

/* By itself it becomes what the log would have made of it. */
TEST(an_extended_manifest_is_the_logs)
{
    lm_store *store = mem_open();
    lm_table_log log;
    lm_error error;
    char extended[16384];
    const lm_action first[] = {
        part_of("bucket=1/part-a%20b.parquet", &one, STATS(2, 10, 11), &sum),
        part_of("bucket=__HIVE_DEFAULT_PARTITION__/part-d.parquet", &null, NULL, NULL)};
    const lm_action more[] = {part_of("bucket=-2/c", &minus, STATS(1, -20, -20), NULL),
                              part_of("bucket=1/b", &one, STATS(3, 15, 19), &sum)};
    const lm_manifest_part parts[] = {{{.path = "bucket=-2/c",
                                        .has_bucket = true,
                                        .bucket = -2,
                                        .has_rows = true,
                                        .rows = 1,
                                        .has_ticks = true,
                                        .tick_min = -20,
                                        .tick_max = -20,
                                        .checksum = ""},
                                       100,
                                       1700000000001},
                                      {{.path = "bucket=1/b",
                                        .has_bucket = true,
                                        .bucket = 1,
                                        .has_rows = true,
                                        .rows = 3,
                                        .has_ticks = true,
                                        .tick_min = 15,
                                        .tick_max = 19,
                                        .checksum = "crc32c:00000001"},
                                       100,
                                       1700000000001}};
    if (lm__table_log_init(&log, lm_allocator_default(), store, "t", NULL) != LM_OK) abort();
    log.threads = 1;
    commit_to(store, "t", first, 2);
    update(store, "t", 0);
    commit_to(store, "t", more, 2);
    CHECK_OK(lm__manifest_extend(&log, 1, parts, 2, &error), error);
    snprintf(extended, sizeof extended, "%s", read_text(store, "t/manifest.json"));
    CHECK(strstr(extended, "\"version\":1,") != NULL);
    remove_file(store, "t/manifest.json");
    update(store, "t", 1);
    CHECK_TEXT(extended, read_text(store, "t/manifest.json"));
    /* One that shows another version, or is no manifest of ours, is made by the log. */
    static const char *const others[] = {"{\"version\":0,\"part_count\":3,\"buckets\":[]}",
                                         "{\"version\":0,", "{}",
                                         "{\"version\":0,\"part_count\":0}"};
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        remove_file(store, "t/manifest.json");
        put_file(store, "t/manifest.json", others[i], strlen(others[i]));
        CHECK_OK(lm__manifest_extend(&log, 1, parts, 2, &error), error);
        CHECK_TEXT(read_text(store, "t/manifest.json"), extended);
    }
    lm__table_log_deinit(&log);
    lm__store_close(store);
}

TEST(it_never_goes_back)
{
    lm_store *store = mem_open();
    const lm_action part = part_of("bucket=1/a", &one, STATS(1, 10, 10), NULL);
    const lm_action other = part_of("bucket=1/b", &one, STATS(1, 10, 10), NULL);
    commit_to(store, "t", &part, 1);
    update(store, "t", 0);
    commit_to(store, "t", &other, 1);
    CHECK(strstr(read_text(store, "t/manifest.json"), "\"version\":0,") != NULL);
    update(store, "t", 1);
    CHECK(strstr(read_text(store, "t/manifest.json"), "\"version\":1,") != NULL);
    update(store, "t", 0); /* the slower of two writers */
    CHECK(strstr(read_text(store, "t/manifest.json"), "\"version\":1,") != NULL);
    lm__store_close(store);
}

/* Invariant 2: of a table of n parts every n / LM_TABLE_MANIFEST_PARTS versions. */
TEST(large_tables_get_one_now_and_then)
{
    lm_store *store = mem_open();
    char paths[8][32];
    int written = 0, many = 5 * LM_TABLE_MANIFEST_PARTS / 6 + 8;
    for (int version = 0; version < many; version++) {
        lm_action parts[6];
        for (int i = 0; i < 6; i++) {
            snprintf(paths[i], sizeof paths[i], "bucket=1/%d-%d", version, i);
            parts[i] = part_of(paths[i], &one, STATS(1, 10, 10), NULL);
        }
        commit_to(store, "t", parts, 6);
        char before[64], shows[64];
        snprintf(before, sizeof before, "%.40s", read_text(store, "t/manifest.json"));
        update(store, "t", version);
        snprintf(shows, sizeof shows, "%.40s", read_text(store, "t/manifest.json"));
        written += strcmp(before, shows) != 0;
        if (6 * version < LM_TABLE_MANIFEST_PARTS) CHECK_INT(written, version + 1);
    }
    CHECK(written < many * 2 / 3);
    CHECK(written > many / 4);
    lm__store_close(store);
}

TEST(loading_trusts_the_log)
{
    char here[256], root[512];
    lm_store *store;
    lm_error error;
    lm_table_manifest *m;
    const lm_action part = part_of("bucket=1/a", &one, STATS(1, 10, 10), NULL);
    const lm_action other = part_of("bucket=1/b", &one, STATS(1, 10, 10), NULL);
    scratch_make_fast(here);
    snprintf(root, sizeof root, "%s/t", here);
    CHECK_OK(lm__store_posix_open(NULL, &store, &error), error);
    CHECK_STATUS(lm_table_manifest_load(root, NULL, &m, &error), LM_NOT_FOUND);
    CHECK(!m);
    commit_to(store, root, &part, 1);
    commit_to(store, root, &other, 1);
    static const char *const damaged[] = {
        NULL, "", "{", "{\"version\":1,", "{\"version\":0,\"part_count\":1}", "{\"version\":7}",
        "[]"};
    for (size_t i = 0; i < sizeof damaged / sizeof *damaged; i++) {
        if (damaged[i]) scratch_put(scratch_join(root, "manifest.json"), damaged[i]);
        CHECK_OK(lm_table_manifest_load(root, NULL, &m, &error), error);
        REQUIRE(m);
        size_t size;
        const char *text = lm_table_manifest_text(m, &size);
        CHECK_INT(lm_table_manifest_version(m), 1);
        CHECK(lm_table_manifest_was_behind(m));
        CHECK_INT(strlen(text), size);
        CHECK(strstr(text, "\"version\":1,\"rows\":2,") != NULL);
        CHECK(strcmp(read_text(store, scratch_join(root, "manifest.json")), text) == 0);
        lm_table_manifest_free(m);
        scratch_put(scratch_join(root, "manifest.json"), "{}");
        CHECK_OK(lm_table_manifest_load(root, NULL, &m, &error), error);
        lm_table_manifest_free(m);
        CHECK_OK(lm_table_manifest_load(root, NULL, &m, &error), error);
        CHECK(!lm_table_manifest_was_behind(m));
        lm_table_manifest_free(m);
    }
    lm__store_close(store);
    scratch_remove(here);
}

TEST(every_allocation_may_fail)
{
    lm_store *store = mem_open();
    const lm_action part = part_of("bucket=1/a", &one, STATS(1, 10, 10), &sum);
    commit_to(store, "t", &part, 1);
    for (size_t n = 0;; n++) {
        check_alloc memory;
        lm_buffer text;
        lm_error error;
        check_alloc_init(&memory, n);
        lm_table_log log;
        lm_snapshot *snapshot = NULL;
        lm__buffer_init(&text, &memory.allocator, 0);
        lm_status status = lm__table_log_init(&log, &memory.allocator, store, "t", &error);
        if (status == LM_OK) {
            log.threads = 1;
            status = lm__snapshot_load(&log, NULL, &snapshot, &error);
            if (status == LM_OK) status = lm__manifest_text(snapshot, "t", &text, &error);
            lm__snapshot_free(snapshot);
            lm__table_log_deinit(&log);
        }
        lm__buffer_deinit(&text);
        CHECK_INT(memory.live, 0);
        if (!memory.failed) {
            CHECK_INT(status, LM_OK);
            break;
        }
        if (status != LM_OK) CHECK_INT(status, LM_NO_MEMORY);
        if (check_failed) break;
    }
    lm__store_close(store);
}

int main(void)
{
    RUN(the_manifest_has_the_parts_by_bucket);
    RUN(an_extended_manifest_is_the_logs);
    RUN(it_never_goes_back);
    RUN(large_tables_get_one_now_and_then);
    RUN(loading_trusts_the_log);
    RUN(every_allocation_may_fail);
    return DONE();
}
