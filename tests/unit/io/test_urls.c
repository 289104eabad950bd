/*
 * Everything that takes a path takes URLs: the same calls over a store in memory, which has objects
 * and no files (store/place.h).
 */
#define _GNU_SOURCE
#include <lamella/contents.h>
#include <lamella/diff.h>
#include <lamella/directory.h>
#include <lamella/upkeep.h>

#include "store/fault/store.h"
#include "store/store.h"
#include "tables.h"

static lm_store *mem;
static lm_fault_store fault; /* so that closing the store of a call leaves the objects */
static lm_storage storage;
static lm_error error;

static void put_at(const char *path, int64_t first, int64_t count, const lm_file_options *how)
{
    lm_file_options file = how ? *how : (lm_file_options){0};
    struct ArrowArrayStream stream;
    file.storage = &storage;
    lm_put_options options = {.file = &file};
    table_stream(first, count, 70, &stream);
    CHECK_OK(lm_put_stream_take(path, &stream, &options, NULL, &error), error);
}

static int64_t rows_at(const char *path)
{
    lm_scan_options options = {.storage = &storage};
    uint64_t rows = 0;
    lm_scan *scan;
    if (lm_scan_open(path, &options, &scan, &error) != LM_OK) return -1;
    lm_status status = lm_scan_rows(scan, &rows, &error);
    lm_scan_close(scan);
    return status == LM_OK ? (int64_t)rows : -1;
}

TEST(every_format_goes_there_and_back)
{
    static const char *const names[] = {"a.parquet", "a.arrow", "a.arrows", "a.jsonl"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char path[64];
        snprintf(path, sizeof path, "mem://x/t/%s", names[i]);
        put_at(path, 0, 200, NULL);
        CHECK_INT(rows_at(path), 200);
    }
    /* From one URL to another; the source is reached as the file is. */
    lm_file_options file = {.storage = &storage};
    lm_put_options options = {.file = &file};
    lm_put_result result;
    CHECK_OK(lm_put("mem://x/t/a.arrow", "mem://x/t/b.jsonl", &options, &result, &error), error);
    CHECK_TEXT(result.file.path, "mem://x/t/b.jsonl");
    CHECK_INT(result.rows, 200);
    CHECK_INT(lm_put("mem://x/t/none.arrow", "mem://x/t/b.jsonl", &options, &result, &error),
              LM_NOT_FOUND);
    CHECK(strstr(error.message, "mem://x/t/none.arrow") != NULL);
}

TEST(streams_outlive_their_scan)
{
    lm_scan_options options = {.storage = &storage};
    struct ArrowArrayStream stream;
    struct ArrowArray array;
    lm_scan *scan;
    put_at("mem://x/s.parquet", 0, 100, NULL);
    REQUIRE(lm_scan_open("mem://x/s.parquet", &options, &scan, &error) == LM_OK);
    CHECK_OK(lm_scan_stream(scan, &stream, &error), error);
    lm_scan_close(scan);
    CHECK_INT(stream.get_next(&stream, &array), 0);
    CHECK_INT(array.length, 100);
    array.release(&array);
    stream.release(&stream);
}

TEST(directories_and_patterns_are_tables)
{
    put_at("mem://x/d/day=1/part-9.parquet", 0, 30, NULL);
    put_at("mem://x/d/day=1/part-10.parquet", 30, 30, NULL);
    put_at("mem://x/d/day=2/part-1.parquet", 60, 40, NULL);
    put_at("mem://x/d/_hidden/part-1.parquet", 60, 40, NULL);
    CHECK_INT(rows_at("mem://x/d"), 100);
    CHECK_INT(rows_at("mem://x/d/*/part-1*.parquet"), 70);
    CHECK_INT(rows_at("mem://x/d/day=1"), 60);
    CHECK_INT(rows_at("mem://x/none"), -1);
    CHECK_INT(error.code, LM_NOT_FOUND);
}

TEST(manifests_and_expectations_are_held_against_what_stands)
{
    const lm_manifest manifest = {.run_id = "r1"};
    lm_file_options file = {.storage = &storage, .manifest = &manifest};
    lm_verify_options verify = {.storage = &storage};
    const char *path = "mem://x/m/a.parquet";
    put_at(path, 0, 100, &file);
    CHECK_OK(lm_verify(path, &verify, &error), error);

    static const char *const enough[] = {"rows >= 0.9*previous"};
    lm_put_options options = {.file = &file, .expectations = enough, .expectation_count = 1};
    struct ArrowArrayStream stream;
    table_stream(0, 80, 70, &stream);
    CHECK_INT(lm_put_stream_take(path, &stream, &options, NULL, &error), LM_DATA);
    table_stream(0, 95, 70, &stream);
    CHECK_OK(lm_put_stream_take(path, &stream, &options, NULL, &error), error);
    CHECK_OK(lm_verify(path, &verify, &error), error);

    CHECK_OK(
        lm_publish_bytes(path, "other", 5, &(lm_file_options){.storage = &storage}, NULL, &error),
        error);
    CHECK_INT(lm_verify(path, &verify, &error), LM_STALE);
    CHECK(strstr(error.message, path) != NULL);
    CHECK_INT(lm_verify("mem://x/m/none", &verify, &error), LM_NOT_FOUND);
}

TEST(two_tables_are_compared)
{
    lm_diff_options options = {.storage = &storage};
    lm_diff_result result;
    put_at("mem://x/e/a.parquet", 0, 100, NULL);
    put_at("mem://x/e/b.jsonl", 0, 90, NULL);
    CHECK_OK(lm_diff("mem://x/e/a.parquet", "mem://x/e/b.jsonl", &options, &result, &error), error);
    CHECK_INT(result.rows_removed, 10);
    lm_contents contents;
    lm_contents_options inside = {.storage = &storage};
    CHECK_OK(lm_verify_contents("mem://x/e/a.parquet", &inside, &contents, &error), error);
    CHECK_INT(contents.rows, 100);
}

TEST(what_a_store_lacks_is_refused_by_name)
{
    lm_file_options file = {.storage = &storage};
    lm_directory_options directory = {.storage = &storage};
    lm_gc_options gc = {.storage = &storage};
    CHECK_INT(lm_directory_publish("mem://x/d", "mem://x/f", &directory, NULL, &error),
              LM_UNSUPPORTED);
    CHECK(strstr(error.message, "directory") != NULL);
    CHECK_INT(lm_directory_publish("/nowhere", "mem://x/f", &directory, NULL, &error),
              LM_UNSUPPORTED);
    CHECK(strstr(error.message, "another store") != NULL);
    CHECK_INT(lm_publish_file("mem://x/f", "/nowhere", &file, NULL, &error), LM_UNSUPPORTED);
    CHECK(strstr(error.message, "another store") != NULL);
    CHECK_INT(lm_gc("mem://x", &gc, &error), LM_UNSUPPORTED);
    CHECK_INT(lm_undo("mem://x/f", &(lm_undo_options){.storage = &storage}, NULL, &error),
              LM_UNSUPPORTED);
    CHECK(strstr(error.message, "mem://x/f") != NULL);
}

TEST(file_urls_are_paths)
{
    char place[256], url[320];
    char other[320];
    scratch_make(place);
    snprintf(url, sizeof url, "file://%s/a.jsonl", place);
    snprintf(other, sizeof other, "%s/a.jsonl", place);
    put_at(url, 0, 10, NULL);
    CHECK_INT(rows_at(other), 10);
    CHECK_INT(rows_at(url), 10);
    scratch_remove(place);
}

int main(void)
{
    scratch_must(lm__store_mem_open(NULL, &mem, &error) == LM_OK, "a store");
    lm__fault_store_init(&fault, mem);
    fault.plan.nth = UINT64_MAX;
    storage.reserved = &fault.store;
    RUN(every_format_goes_there_and_back);
    RUN(streams_outlive_their_scan);
    RUN(directories_and_patterns_are_tables);
    RUN(manifests_and_expectations_are_held_against_what_stands);
    RUN(two_tables_are_compared);
    RUN(what_a_store_lacks_is_refused_by_name);
    RUN(file_urls_are_paths);
    lm__store_close(mem);
    return DONE();
}
