/* Datasets (src/io/dataset.c): which files, which columns, which rows, and what goes wrong. */
#define _GNU_SOURCE
#include "arrow/cast.h"
#include "arrow/unify.h"
#include "check_alloc.h"
#include "io/discover.h"
#include "io/scan.h"
#include "tables.h"

static char place[256];

#define MUST(condition) scratch_must(condition, #condition)

static const char *at(const char *name) { return scratch_join(place, name); }

static void make_directory(const char *name) { scratch_must(mkdir(at(name), 0777) == 0, name); }

/* Natural order. */

TEST(names_are_ordered_by_the_numbers_in_them)
{
    static const char *const rising[] = {"a",
                                         "a/z",
                                         "a-1",
                                         "a1",
                                         "a2",
                                         "a10",
                                         "a10b",
                                         "a10b2",
                                         "b",
                                         "part-9.parquet",
                                         "part-10.parquet",
                                         "part-100.parquet"};
    for (size_t i = 0; i < sizeof rising / sizeof *rising; i++)
        for (size_t k = 0; k < sizeof rising / sizeof *rising; k++) {
            int order = lm__natural_compare(rising[i], rising[k]);
            CHECK_INT(order < 0 ? -1 : order > 0, i < k ? -1 : i > k);
        }
    CHECK_INT(lm__natural_compare("a007", "a7"), 0);
    CHECK(lm__natural_compare("a99999999999999999999999", "a100000000000000000000000") < 0);
}

/* Discovery. */

/* "path[value,value] …" of what the pattern or directory finds, or the message. */
static const char *found_in(const char *path)
{
    static char text[4096];
    lm_arena arena;
    lm_store *store;
    lm_found found;
    lm_error error = {0};
    size_t size = 0;
    lm__arena_init(&arena, NULL, 0);
    MUST(lm__store_posix_open(NULL, &store, &error) == LM_OK);
    const char *whole = at(path);
    lm_status status = lm__is_pattern(path)
                           ? lm__discover_pattern(&arena, store, whole, NULL, &found, &error)
                           : lm__discover_directory(&arena, store, whole, NULL, &found, &error);
    text[0] = '\0';
    if (status != LM_OK) snprintf(text, sizeof text, "%s", error.message);
    for (size_t i = 0; status == LM_OK && i < found.count; i++) {
        size += (size_t)snprintf(text + size, sizeof text - size, "%s%s", i ? " " : "",
                                 found.files[i].path + strlen(place) + 1);
        for (size_t k = 0; k < found.key_count; k++)
            size += (size_t)snprintf(text + size, sizeof text - size, "[%s:%s]", found.keys[k],
                                     found.files[i].values[k] ? found.files[i].values[k] : "NULL");
    }
    lm__store_close(store);
    lm__arena_deinit(&arena);
    return text;
}

TEST(hidden_names_and_manifests_are_passed_over)
{
    make_directory("plain");
    make_directory("plain/_delta_log");
    make_directory("plain/.git");
    make_directory("plain/sub");
    for (const char *const *name =
             (const char *const[]){"plain/b.parquet", "plain/a10.parquet", "plain/a9.parquet",
                                   "plain/_SUCCESS", "plain/.hidden", "plain/_delta_log/x",
                                   "plain/.git/y", "plain/sub/c.parquet",
                                   "plain/b.parquet.manifest.json", NULL};
         *name; name++)
        file_put(at(*name), "x");
    CHECK_TEXT(found_in("plain"),
               "plain/a9.parquet plain/a10.parquet plain/b.parquet plain/sub/c.parquet");
    CHECK_TEXT(found_in("plain/*.parquet"), "plain/a9.parquet plain/a10.parquet plain/b.parquet");
    CHECK_TEXT(found_in("plain/a[0-9].*"), "plain/a9.parquet");
    CHECK_TEXT(found_in("pl?in/s*"), "plain/sub/c.parquet");
    CHECK_TEXT(found_in("plain/**/c*"), "plain/sub/c.parquet");
    CHECK_TEXT(found_in("**/**/b.*"), "plain/b.parquet");
    CHECK_TEXT(found_in("plain/_*"), "plain/_SUCCESS plain/_delta_log/x");
    CHECK(strstr(found_in("plain/*.csv"), "no file fits") != NULL);
    make_directory("empty");
    CHECK(strstr(found_in("empty"), "no file is in this directory") != NULL);
}

TEST(partitions_are_read_from_names)
{
    make_directory("parts");
    make_directory("parts/year=2025");
    make_directory("parts/year=2025/a%20b=x%2Fy%zz");
    make_directory("parts/year=__HIVE_DEFAULT_PARTITION__");
    make_directory("parts/year=__HIVE_DEFAULT_PARTITION__/a b=");
    file_put(at("parts/year=2025/a%20b=x%2Fy%zz/f"), "x");
    file_put(at("parts/year=__HIVE_DEFAULT_PARTITION__/a b=/f"), "x");
    CHECK_TEXT(found_in("parts"), "parts/year=2025/a%20b=x%2Fy%zz/f[year:2025][a b:x/y%zz] "
                                  "parts/year=__HIVE_DEFAULT_PARTITION__/a b=/f[year:NULL][a b:]");
    CHECK_TEXT(found_in("parts/*/*/f"), found_in("parts"));
    CHECK_TEXT(found_in("parts/year=2025/*/f"), "parts/year=2025/a%20b=x%2Fy%zz/f[a b:x/y%zz]");
    file_put(at("parts/odd"), "x");
    CHECK(strstr(found_in("parts"), "do not have the same partition keys") != NULL);
    CHECK(strstr(found_in("parts"), "parts/odd") != NULL);
    scratch_must(unlink(at("parts/odd")) == 0, "odd");
}

/* Schemas. */

static const char *unified(const char *const *texts)
{
    static char text[2048];
    static char names[8][16];
    lm_unifier *unifier;
    lm_error error = {0};
    MUST(lm__unifier_new(NULL, &unifier, &error) == LM_OK);
    lm_status status = LM_OK;
    for (int i = 0; texts[i] && status == LM_OK; i++) {
        lm_schema *schema;
        MUST(lm_schema_parse(NULL, texts[i], strlen(texts[i]), &schema, &error) == LM_OK);
        snprintf(names[i], sizeof names[i], "file%d", i);
        status = lm__unify(unifier, schema, names[i], &error);
        lm_schema_free(schema);
    }
    if (status == LM_OK) {
        lm_schema *schema;
        MUST(lm__unified(unifier, &schema, &error) == LM_OK);
        (void)lm_schema_text(schema, text, sizeof text);
        lm_schema_free(schema);
    } else {
        snprintf(text, sizeof text, "%s", error.message);
    }
    lm__unifier_free(unifier);
    return text;
}
#define UNIFIED(...) unified((const char *const[]){__VA_ARGS__, NULL})

TEST(schemas_are_joined_by_names)
{
    CHECK_TEXT(UNIFIED("a: int32 not null, b: utf8"), "a: int32 not null\nb: utf8\n");
    CHECK_TEXT(UNIFIED("a: int32 not null", "a: int32 not null"), "a: int32 not null\n");
    CHECK_TEXT(UNIFIED("a: int32 not null", "b: utf8 not null, a: int64 not null"),
               "a: int64 not null\nb: utf8\n");
    CHECK_TEXT(UNIFIED("a: int32 not null", "b: utf8"), "a: int32\nb: utf8\n");
    CHECK_TEXT(UNIFIED("a: uint8", "a: int8", "a: uint16"), "a: int32\n");
    CHECK_TEXT(UNIFIED("a: null", "a: list<item: null>", "a: list<item: int8>"),
               "a: list<item: int8>\n");
    CHECK_TEXT(UNIFIED("a: int8", "a: float32"), "a: float32\n");
    CHECK_TEXT(UNIFIED("a: int64", "a: float32"), "a: float64\n");
    CHECK_TEXT(UNIFIED("a: decimal128(5, 2)", "a: decimal128(10, 0)"), "a: decimal128(12, 2)\n");
    CHECK_TEXT(UNIFIED("a: decimal128(38, 0)", "a: decimal128(38, 2)"), "a: decimal256(40, 2)\n");
    CHECK_TEXT(UNIFIED("a: timestamp[s, UTC]", "a: timestamp[ns, UTC]"), "a: timestamp[ns, UTC]\n");
    CHECK_TEXT(UNIFIED("a: time32[ms]", "a: time64[us]"), "a: time64[us]\n");
    CHECK_TEXT(UNIFIED("a: utf8_view", "a: large_utf8"), "a: large_utf8\n");
    CHECK_TEXT(UNIFIED("a: fixed_binary[3]", "a: binary"), "a: binary\n");
    CHECK_TEXT(UNIFIED("a: dictionary<int8, utf8>", "a: dictionary<int8, utf8>"),
               "a: dictionary<int8, utf8>\n");
    CHECK_TEXT(UNIFIED("a: dictionary<int8, utf8>", "a: utf8"), "a: utf8\n");
    CHECK_TEXT(UNIFIED("a: utf8", "a: dictionary<int8, large_utf8>"), "a: large_utf8\n");
    CHECK_TEXT(UNIFIED("a: struct<x: int8 not null>", "a: struct<y: utf8, x: int16 not null>",
                       "a: struct<y: utf8>"),
               "a: struct<x: int16, y: utf8>\n");
    CHECK_TEXT(UNIFIED("a: map<key: utf8 not null, value: int8>",
                       "a: map<key: utf8 not null, value: int32>"),
               "a: map<key: utf8 not null, value: int32>\n");
}

TEST(conflicts_name_column_types_and_files)
{
    CHECK_TEXT(UNIFIED("a: int32, b: struct<x: list<item: utf8>>", "a: int32",
                       "b: struct<x: list<item: bool>>"),
               "column b.x.item: it is utf8 in file0 and bool in file2: no type holds both");
    CHECK(strstr(UNIFIED("a: uint64", "a: int8"), "uint64 in file0 and int8 in file1") != NULL);
    CHECK(strstr(UNIFIED("a: timestamp[s]", "a: timestamp[s, UTC]"), "column a") != NULL);
    CHECK(strstr(UNIFIED("a: int8", "a: int16", "a: utf8"), "int16 in file1 and utf8") != NULL);
    CHECK(strstr(UNIFIED("a: int8, a: int8"), "more than one") != NULL);
}

/* Rows. */

static int64_t sum_of(lm_stream *stream, int64_t *rows, lm_status *status, lm_error *error)
{
    int64_t sum = 0;
    lm_batch *batch;
    *rows = 0;
    while ((*status = lm__stream_next(stream, &batch, error)) == LM_OK && batch) {
        lm_array id = lm__batch_column(batch, 0);
        for (int64_t i = 0; i < id.length; i++) {
            int64_t value = ((const int64_t *)lm__array_fixed(&id))[i];
            sum += value * (*rows + i + 1); /* the order counts */
        }
        *rows += id.length;
        lm__batch_unref(batch);
    }
    return sum;
}

static int64_t expected_sum(int64_t first, int64_t count)
{
    int64_t sum = 0;
    for (int64_t i = 0; i < count; i++) sum += (first + i) * (i + 1);
    return sum;
}

static void make_files(const char *directory, const char *suffix, int files)
{
    char name[128];
    make_directory(directory);
    for (int i = 0; i < files; i++) {
        snprintf(name, sizeof name, "%s/k=%d", directory, i / 4);
        if (i % 4 == 0) make_directory(name);
        snprintf(name, sizeof name, "%s/k=%d/part-%d%s", directory, i / 4, i, suffix);
        table_put(at(name), i * 250, 250);
    }
}

static void check_rows(const char *path, lm_scan_options *options, int64_t first, int64_t count)
{
    lm_scan *scan;
    lm_stream *stream;
    lm_error error = {0};
    uint64_t told = 0;
    int64_t rows;
    lm_status status = lm_scan_open(at(path), options, &scan, &error);
    CHECK_TEXT(error.message, "");
    if (status != LM_OK) return;
    CHECK_INT(lm_scan_rows(scan, &told, &error), LM_OK);
    CHECK_INT(told, count);
    REQUIRE(lm__scan_stream(scan, &stream, &error) == LM_OK);
    lm_scan_close(scan);
    int64_t sum = sum_of(stream, &rows, &status, &error);
    CHECK_TEXT(error.message, "");
    CHECK_INT(rows, count);
    CHECK_INT(sum, expected_sum(first, count));
    lm__stream_close(stream);
}

static lm_expr *condition(const char *text)
{
    lm_expr *expr = NULL;
    CHECK_INT(lm_expr_parse(NULL, text, strlen(text), &expr, NULL), LM_OK);
    return expr;
}

TEST(rows_come_in_order_with_any_number_of_threads)
{
    static const char *const kinds[] = {"ds_parquet", "ds_arrow"};
    make_files("ds_parquet", ".parquet", 12);
    make_files("ds_arrow", ".arrow", 12);
    for (int i = 0; i < 2; i++)
        for (int threads = 1; threads <= 4; threads += 3)
            for (size_t memory = 0; memory < 3; memory++) {
                static const size_t sizes[] = {0, 100000, 1};
                lm_scan_options o = {.threads = threads, .memory_bytes_max = sizes[memory]};
                check_rows(kinds[i], &o, 0, 3000);
                o.batch_rows = 33;
                o.offset = 777;
                o.limit = 1000;
                o.limited = true;
                check_rows(kinds[i], &o, 777, 1000);
                o.offset = 2990;
                check_rows(kinds[i], &o, 2990, 10);
            }
}

TEST(filters_prune_and_select)
{
    static const struct {
        const char *text;
        int64_t first, count;
    } rows[] = {
        {"k = 1", 1000, 1000}, {"k = 1 and id >= 1990", 1990, 10}, {"id < 10 or k = 7", 0, 10},
        {"k in (5, 6)", 0, 0}, {"s.x >= 29990", 2999, 1},          {"k >= 1 and k < 2", 1000, 1000},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        lm_expr *filter = condition(rows[i].text);
        lm_scan_options o = {.filter = filter, .threads = 1};
        check_rows("ds_parquet", &o, rows[i].first, rows[i].count);
        check_rows("ds_arrow", &o, rows[i].first, rows[i].count);
        lm_expr_free(filter);
    }
}

TEST(what_pruning_leaves_out_is_not_opened)
{
    make_files("pruned", ".parquet", 8);
    file_put(at("pruned/k=0/part-1.parquet"), "this is no Parquet file at all");
    lm_expr *filter = condition("k = 1");
    lm_scan_options o = {.filter = filter};
    check_rows("pruned", &o, 1000, 1000);
    lm_expr_free(filter);
    lm_scan *scan;
    lm_error error = {0};
    CHECK_INT(lm_scan_open(at("pruned"), NULL, &scan, &error), LM_CORRUPT);
    CHECK(strstr(error.message, "pruned/k=0/part-1.parquet") != NULL);
}

TEST(a_file_that_goes_or_breaks_is_named)
{
    lm_scan *scan;
    lm_stream *stream;
    lm_status status;
    lm_error error = {0};
    int64_t rows;
    make_files("broken", ".parquet", 8);
    for (int threads = 1; threads <= 3; threads += 2) {
        lm_scan_options o = {.threads = threads};
        REQUIRE(lm_scan_open(at("broken"), &o, &scan, &error) == LM_OK);
        file_put(at("broken/k=1/part-5.parquet"), "torn");
        REQUIRE(lm__scan_stream(scan, &stream, &error) == LM_OK);
        (void)sum_of(stream, &rows, &status, &error);
        CHECK_INT(status, LM_CORRUPT);
        CHECK_INT(rows, 5 * 250); /* the rows before it have been given */
        CHECK(strstr(error.message, "broken/k=1/part-5.parquet") != NULL);
        lm__stream_close(stream);
        scratch_must(unlink(at("broken/k=1/part-5.parquet")) == 0, "part-5");
        REQUIRE(lm__scan_stream(scan, &stream, &error) == LM_OK);
        lm_scan_close(scan);
        (void)sum_of(stream, &rows, &status, &error);
        CHECK_INT(status, LM_NOT_FOUND);
        CHECK_INT(rows, 5 * 250);
        CHECK(strstr(error.message, "broken/k=1/part-5.parquet") != NULL);
        lm__stream_close(stream);
        table_put(at("broken/k=1/part-5.parquet"), 1250, 250);
    }
}

TEST(a_stream_may_be_closed_in_the_middle)
{
    lm_scan *scan;
    lm_stream *stream;
    lm_batch *batch;
    lm_scan_options o = {.threads = 4};
    for (int batches = 0; batches < 4; batches++) {
        REQUIRE(lm_scan_open(at("ds_parquet"), &o, &scan, NULL) == LM_OK);
        REQUIRE(lm__scan_stream(scan, &stream, NULL) == LM_OK);
        lm_scan_close(scan);
        for (int i = 0; i < batches; i++) {
            REQUIRE(lm__stream_next(stream, &batch, NULL) == LM_OK && batch);
            lm__batch_unref(batch);
        }
        lm__stream_close(stream);
    }
}

TEST(formats_are_not_mixed)
{
    lm_scan *scan;
    lm_error error = {0};
    make_directory("mixed");
    table_put(at("mixed/a.parquet"), 0, 10);
    table_put(at("mixed/b.arrow"), 10, 10);
    CHECK_INT(lm_scan_open(at("mixed"), NULL, &scan, &error), LM_INVALID);
    CHECK(strstr(error.message, "a.parquet is parquet") &&
          strstr(error.message, "b.arrow is arrow"));
    check_rows("mixed/*.arrow", &(lm_scan_options){0}, 10, 10);
}

TEST(a_given_schema_is_what_the_table_has)
{
    static const char text[] = "id: int64, k: utf8, more: bool";
    lm_schema *schema;
    lm_scan *scan;
    lm_error error = {0};
    struct ArrowSchema exported;
    REQUIRE(lm_schema_parse(NULL, text, strlen(text), &schema, &error) == LM_OK);
    for (int i = 0; i < 2; i++) {
        lm_scan_options o = {.schema = schema, .threads = 2};
        const char *path = i ? "ds_parquet" : "ds_parquet/k=0/part-0.parquet";
        REQUIRE(lm_scan_open(at(path), &o, &scan, &error) == LM_OK);
        lm_schema *told;
        CHECK_INT(lm_scan_schema(scan, &exported, &error), LM_OK);
        CHECK_INT(lm_schema_import_take(NULL, &exported, &told, &error), LM_OK);
        CHECK(lm_schema_equal(told, schema));
        lm_schema_free(told);
        lm_scan_close(scan);
        check_rows(path, &o, 0, i ? 3000 : 250);
        o.filter = condition("id < 20 and more is null");
        check_rows(path, &o, 0, 20);
        o.columns = (const char *const[]){"id"};
        o.column_count = 1;
        check_rows(path, &o, 0, 20);
        lm_expr_free(o.filter);
    }
    lm_schema_free(schema);
}

TEST(a_partition_column_may_be_asked_for_without_nulls)
{
    static const char text[] = "k: int8 not null, id: int64";
    lm_schema *schema;
    lm_error error = {0};
    REQUIRE(lm_schema_parse(NULL, text, strlen(text), &schema, &error) == LM_OK);
    lm_scan_options o = {.schema = schema,
                         .threads = 1,
                         .columns = (const char *const[]){"id", "k"},
                         .column_count = 2};
    check_rows("ds_parquet", &o, 0, 3000);
    o.filter = condition("k = 2 and id >= 2500");
    check_rows("ds_parquet", &o, 2500, 500);
    lm_expr_free(o.filter);
    lm_schema_free(schema);
}

static lm_status read_all(const char *path, lm_expr *filter, check_alloc *memory)
{
    static const char *const columns[] = {"id", "k"};
    lm_scan_options options = {.columns = columns,
                               .column_count = 2,
                               .filter = filter,
                               .threads = 1,
                               .offset = 100,
                               .allocator = &memory->allocator};
    lm_scan *scan;
    lm_stream *stream;
    lm_status status = lm_scan_open(path, &options, &scan, NULL);
    if (status != LM_OK) return status;
    status = lm__scan_stream(scan, &stream, NULL);
    lm_scan_close(scan);
    if (status != LM_OK) return status;
    for (lm_batch *batch; (status = lm__stream_next(stream, &batch, NULL)) == LM_OK && batch;)
        lm__batch_unref(batch);
    lm__stream_close(stream);
    return status;
}

TEST(every_allocation_may_fail)
{
    make_directory("few");
    make_directory("few/k=1");
    make_directory("few/k=2");
    table_put(at("few/k=1/a.parquet"), 0, 150);
    table_put(at("few/k=2/b.parquet"), 150, 20);
    lm_expr *filter = condition("k > 0 and id > 20 and (k > 1 or id < 140)");
    const char *path = at("few");
    for (size_t n = 0;; n++) {
        check_alloc memory;
        check_alloc_init(&memory, n);
        lm_status status = read_all(path, filter, &memory);
        CHECK_INT(memory.live, 0);
        CHECK(status == LM_OK || (memory.failed && status == LM_NO_MEMORY));
        if (!memory.failed) break;
    }
    lm_expr_free(filter);
}

int main(void)
{
    scratch_make_fast(place);
    RUN(names_are_ordered_by_the_numbers_in_them);
    RUN(hidden_names_and_manifests_are_passed_over);
    RUN(partitions_are_read_from_names);
    RUN(schemas_are_joined_by_names);
    RUN(conflicts_name_column_types_and_files);
    RUN(rows_come_in_order_with_any_number_of_threads);
    RUN(filters_prune_and_select);
    RUN(what_pruning_leaves_out_is_not_opened);
    RUN(a_file_that_goes_or_breaks_is_named);
    RUN(a_stream_may_be_closed_in_the_middle);
    RUN(formats_are_not_mixed);
    RUN(a_given_schema_is_what_the_table_has);
    RUN(a_partition_column_may_be_asked_for_without_nulls);
    RUN(every_allocation_may_fail);
    scratch_remove(place);
    return DONE();
}
