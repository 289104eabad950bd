/* Appends: what becomes of rows, on stores that work, that fail, and with others at work
 * (src/table/ append.h). */
#define _GNU_SOURCE
#include "check.h"
#include "check_alloc.h"
#include "scratch.h"
#include "tables.h"

#include <pthread.h>

#include <lamella/jsonl.h>
#include <lamella/scan.h>

#include "arrow/build.h"
#include "base/error.h"
#include "store/fault/store.h"
#include "table/append.h"
#include "table/part_path.h"

static void table_describe(table *t, const char *descriptor)
{
    lm_registry_free((lm_registry *)(void *)t->options.registry);
    t->options.registry = descriptor ? registry_of(descriptor) : NULL;
}

static lm_status append(table *t, const char *rows, lm_table_summary **summary, lm_error *error)
{
    struct ArrowArrayStream stream = rows_of(rows, NULL);
    lm_error_clear(error);
    return lm_table_append_take(&t->options, "trades", "r1", &stream, summary, error);
}

static lm_snapshot *snapshot_of(lm_store *store, const char *root)
{
    lm_table_log log;
    lm_snapshot *snapshot = NULL;
    char directory[512];
    snprintf(directory, sizeof directory, "%s/r1/trades", root);
    if (lm__table_log_init(&log, lm_allocator_default(), store, directory, NULL) != LM_OK) abort();
    log.threads = 1;
    (void)!lm__snapshot_load(&log, NULL, &snapshot, NULL);
    lm__table_log_deinit(&log);
    return snapshot;
}

/* "bucket=0:2 bucket=1:1 ": the live parts' directories and rows. */
static const char *live(lm_store *store, const char *root)
{
    static char text[16384];
    lm_snapshot *s = snapshot_of(store, root);
    size_t used = 0;
    text[0] = '\0';
    if (!s) return "none";
    for (size_t pass = 0; s->part_count > 1 && pass < s->part_count; pass++)
        for (size_t i = 0; i + 1 < s->part_count; i++)
            if (strcmp(s->parts[i].path, s->parts[i + 1].path) > 0) {
                lm_delta_add moved = s->parts[i];
                s->parts[i] = s->parts[i + 1];
                s->parts[i + 1] = moved;
            }
    for (size_t i = 0; i < s->part_count; i++) {
        const char *path = s->parts[i].path, *slash = strrchr(path, '/');
        used += (size_t)snprintf(text + used, sizeof text - used, "%.*s:%d ",
                                 slash ? (int)(slash - path) : 0, path,
                                 atoi(strstr(s->parts[i].stats, "numRecords\":") + 12));
    }
    lm__snapshot_free(s);
    return text;
}

#define THREE "{'tick': -1, 'id': 'a'}\n{'tick': 5, 'id': 'b'}\n{'tick': 9, 'id': null}\n"

TEST(an_append_makes_a_part_for_each_bucket)
{
    table t;
    lm_error error;
    lm_table_summary *s;
    table_open(&t, BUCKETED);
    CHECK_OK(append(&t, THREE, &s, &error), error);
    REQUIRE(s);
    CHECK_TEXT(s->table, "trades");
    CHECK_TEXT(s->run_id, "r1");
    CHECK_INT(s->rows, 3);
    CHECK_INT(s->version, 0);
    CHECK_INT(s->part_count, 2);
    CHECK_INT(s->bucket_count, 2);
    CHECK_INT(s->buckets[0], -1);
    CHECK_INT(s->buckets[1], 0);
    CHECK_INT(s->parts[0].bucket_id, -1);
    CHECK_INT(s->parts[0].tick_min, -1);
    CHECK_INT(s->parts[1].rows, 2);
    CHECK_INT(s->parts[1].tick_min, 5);
    CHECK_INT(s->parts[1].tick_max, 9);
    CHECK_TEXT(s->parts[1].partition, "bucket=0");
    CHECK(strncmp(s->parts[1].path, "mem://x/out/r1/trades/bucket=0/part-", 36) == 0);
    char sum[LM_CHECKSUM_TEXT_MAX];
    CHECK_OK(lm__store_checksum(t.store, s->parts[1].path, LM_CHECKSUM_CRC32C, NULL, sum, &error),
             error);
    CHECK_TEXT(s->parts[1].checksum, sum);
    lm_table_summary_free(s);
    CHECK_OK(append(&t, "{'tick': 30, 'id': 'c'}\n", &s, &error), error);
    CHECK_INT(s->version, 1);
    lm_table_summary_free(s);
    CHECK_TEXT(live(t.store, t.options.root), "bucket=-1:1 bucket=0:2 bucket=3:1 ");
    /* The table has its descriptor with it. */
    table_describe(&t, NULL);
    t.options.tick_bucket_size = 0;
    CHECK_OK(append(&t, "{'tick': 31, 'id': 'c'}\n", NULL, &error), error);
    CHECK_TEXT(live(t.store, t.options.root), "bucket=-1:1 bucket=0:2 bucket=3:1 bucket=3:1 ");
    table_close(&t);
}

TEST(nothing_to_append_is_nothing)
{
    table t;
    lm_error error;
    lm_table_summary *s;
    table_open(&t, BUCKETED);
    struct ArrowArrayStream stream = rows_of("", "other: int8");
    CHECK_OK(lm_table_append_take(&t.options, "trades", "r1", &stream, &s, &error), error);
    CHECK_INT(s->rows, 0);
    CHECK_INT(s->part_count, 0);
    CHECK_INT(s->bucket_count, 0);
    CHECK_INT(s->version, -1);
    lm_table_summary_free(s);
    CHECK_TEXT(live(t.store, t.options.root), "none");
    table_close(&t);
}

static void check_refused(const char *descriptor, const char *rows, lm_status status,
                          const char *words)
{
    table t;
    lm_error error;
    table_open(&t, descriptor);
    lm_status got = append(&t, rows, NULL, &error);
    if (got != status || !strstr(error.message, words))
        check_fail(__FILE__, __LINE__, "%s: %s: %s", rows, lm_status_name(got), error.message);
    CHECK_TEXT(live(t.store, t.options.root), "none");
    table_close(&t);
}

TEST(rows_that_do_not_fit_are_refused)
{
    check_refused(BUCKETED, "{'tick': 1}\n{'tick': null}\n", LM_DATA, "column tick: row 1");
    check_refused(BUCKETED, "{'id': 'a'}\n", LM_SCHEMA, "column tick: it is missing");
    check_refused(BUCKETED, "{'tick': 1, 'more': 2}\n", LM_SCHEMA, "column more");
    check_refused(BUCKETED, "{'tick': '1', 'id': 2}\n", LM_SCHEMA, "2 problems");
    check_refused(BUCKETED, "{'tick': 1, 'bucket': 0}\n{'tick': 12, 'bucket': 2}\n", LM_DATA,
                  "column bucket: row 1: it is 2, and of the column tick comes 1");
    check_refused(BUCKETED, "{'tick': 1, 'bucket': 0}\n{'tick': 2, 'bucket': null}\n", LM_DATA,
                  "column bucket: row 1");
    check_refused("{'name': 'other', 'schema_version': '1.0@2026-01-01', 'columns': [{'name': "
                  "'tick', 'type': 'int64'}]}",
                  "{'tick': 1}\n", LM_SCHEMA, "describes no table trades");
}

TEST(names_are_checked)
{
    table t;
    lm_error error;
    table_open(&t, BUCKETED);
    static const char *const runs[] = {"", ".", "..", "a/b", "_x", ".x", "a\\b"};
    for (size_t i = 0; i < sizeof runs / sizeof *runs; i++) {
        struct ArrowArrayStream stream = rows_of(THREE, NULL);
        CHECK_STATUS(lm_table_append_take(&t.options, "trades", runs[i], &stream, NULL, &error),
                     LM_INVALID);
    }
    struct ArrowArrayStream stream = rows_of(THREE, NULL);
    CHECK_STATUS(lm_table_append_take(&t.options, "Trades", "r", &stream, NULL, &error), LM_SCHEMA);
    t.options.tick_bucket_size = 0;
    CHECK_STATUS(append(&t, THREE, NULL, &error), LM_INVALID);
    CHECK(strstr(error.message, "tick_bucket_size") != NULL);
    t.options.tick_bucket_size = 10;
    CHECK_OK(append(&t, THREE, NULL, &error), error);
    t.options.tick_bucket_size = 11;
    CHECK_STATUS(append(&t, THREE, NULL, &error), LM_INVALID);
    CHECK(strstr(error.message, "bucket size of the table is 10") != NULL);
    table_close(&t);
}

TEST(safe_appends_convert)
{
    table t;
    lm_error error;
    table_open(&t, BUCKETED);
    t.options.check = LM_TABLE_SAFE;
    CHECK_OK(append(&t, "{'id': 7, 'tick': '12'}\n", NULL, &error), error);
    CHECK_STATUS(append(&t, "{'id': 7, 'tick': 'x'}\n", NULL, &error), LM_DATA);
    CHECK_STATUS(append(&t, "{'tick': 12, 'more': 1}\n", NULL, &error), LM_SCHEMA);
    t.options.drop_extra = true;
    CHECK_OK(append(&t, "{'tick': 12, 'more': 1}\n", NULL, &error), error);
    CHECK_TEXT(live(t.store, t.options.root), "bucket=1:1 bucket=1:1 ");
    table_close(&t);
}

TEST(other_layouts_of_a_type_are_strict_too)
{
    static const char *const schemas[] = {
        "tick: int64, id: large_utf8", "id: utf8_view, tick: int64 not null",
        "tick: int64, id: dictionary<int8, utf8>", "tick: int64, bucket: int64"};
    table t;
    lm_error error;
    table_open(&t, BUCKETED);
    for (size_t i = 0; i < sizeof schemas / sizeof *schemas; i++) {
        struct ArrowArrayStream stream =
            rows_of("{'tick': 1, 'id': 'a', 'bucket': 0}\n", schemas[i]);
        CHECK_OK(lm_table_append_take(&t.options, "trades", "r1", &stream, NULL, &error), error);
    }
    CHECK_TEXT(live(t.store, t.options.root), "bucket=0:1 bucket=0:1 bucket=0:1 bucket=0:1 ");
    table_close(&t);
}

#define PARTED(columns, partitioning)                                                              \
    "{'name': 'trades', 'schema_version': '1.0@2026-01-01', 'columns': [" columns                  \
    ", {'name': 'x', 'type': 'int64'}], 'partitioning': [" partitioning "]}"

TEST(partitions_are_named_by_their_values)
{
    static const struct {
        const char *descriptor, *schema, *row, *directory;
    } rows[] = {
        {PARTED("{'name': 'a b', 'type': 'utf8'}", "'a b'"), "a b: utf8", "{'a b': 'x/y z%='}",
         "a%20b=x%2Fy%20z%25%3D"},
        {PARTED("{'name': 'a', 'type': 'utf8'}", "'a'"), "a: utf8", "{'a': '\xc3\xa5'}",
         "a=\xc3\xa5"},
        {PARTED("{'name': 'a', 'type': 'bool'}", "'a'"), "a: bool", "{'a': true}", "a=true"},
        {PARTED("{'name': 'a', 'type': 'date32'}", "'a'"), "a: date32", "{'a': '2026-01-31'}",
         "a=2026-01-31"},
        {PARTED("{'name': 'a', 'type': 'int8'}", "'a'"), "a: int8", "{'a': -7}", "a=-7"},
        {PARTED("{'name': 'a', 'type': 'decimal128(9, 2)'}", "'a'"), "a: decimal128(9, 2)",
         "{'a': '-7.5'}", "a=-7.50"},
        {PARTED("{'name': 'a', 'type': 'timestamp[us, UTC]'}", "'a'"), "a: timestamp[us, UTC]",
         "{'a': '2026-01-31T01:02:03Z'}", "a=2026-01-31T01%3A02%3A03.000000Z"},
        {PARTED("{'name': 'a', 'type': 'timestamp[us]'}", "{'year': 'a'}, {'month': 'a'}, {'day': "
                                                          "'a'}"),
         "a: timestamp[us]", "{'a': '1969-12-31T23:59:59'}", "year=1969/month=12/day=31"},
        {PARTED("{'name': 'a', 'type': 'date32'}", "{'year': 'a'}, {'day': 'a'}"), "a: date32",
         "{'a': null}", "year=__HIVE_DEFAULT_PARTITION__/day=__HIVE_DEFAULT_PARTITION__"},
        {PARTED("{'name': 'a', 'type': 'int32'}", "{'bucket': {'column': 'a', 'size': 10}}"),
         "a: int32", "{'a': -11}", "bucket=-2"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        table t;
        lm_error error;
        lm_table_summary *s = NULL;
        table_open(&t, rows[i].descriptor);
        char schema[256];
        /* Names with spaces are quoted in schema texts. */
        if (strncmp(rows[i].schema, "a b", 3) == 0)
            snprintf(schema, sizeof schema, "\"a b\": utf8, x: int64");
        else
            snprintf(schema, sizeof schema, "%s, x: int64", rows[i].schema);
        struct ArrowArrayStream stream = rows_of(rows[i].row, schema);
        CHECK_OK(lm_table_append_take(&t.options, "trades", "r1", &stream, &s, &error), error);
        if (s) CHECK_TEXT(s->parts[0].partition, rows[i].directory);
        lm_table_summary_free(s);
        table_close(&t);
    }
    check_refused(PARTED("{'name': 'a', 'type': 'utf8'}", "'a'"), "{'a': 'b', 'x': 1}\n{'a': ''}\n",
                  LM_DATA, "column a: row 1: an empty text");
}

TEST(the_log_tells_what_the_columns_hold)
{
    static const struct {
        const char *type, *rows, *stats;
    } rows[] = {
        {"int8", "{'x': -3}\n{'x': 7}\n{'x': null}\n",
         "{'numRecords':3,'minValues':{'x':-3},'maxValues':{'x':7},'nullCount':{'x':1}}"},
        {"int64", "{'x': -9223372036854775808}\n{'x': 9223372036854775807}\n",
         "{'numRecords':2,'minValues':{'x':-9223372036854775808},'maxValues':{'x':"
         "9223372036854775807},'nullCount':{'x':0}}"},
        {"float32", "{'x': 0.1}\n{'x': -2}\n",
         "{'numRecords':2,'minValues':{'x':-2.0},'maxValues':{'x':0.10000000149011612},'nullCount':"
         "{"
         "'x':0}}"},
        {"float64", "{'x': 0.1}\n{'x': 1e300}\n",
         "{'numRecords':2,'minValues':{'x':0.1},'maxValues':{'x':1e+300},'nullCount':{'x':0}}"},
        {"float64", "{'x': 0.5}\n{'x': 'NaN'}\n",
         "{'numRecords':2,'minValues':{'x':0.5},'maxValues':{},'nullCount':{'x':0}}"},
        {"struct<a: float32>", "{'x': {'a': 'NaN'}}\n{'x': {'a': -1}}\n{'x': null}\n",
         "{'numRecords':3,'minValues':{'x':{'a':-1.0}},'maxValues':{},'nullCount':{'x':{'a':1}}}"},
        {"decimal128(5, 2)", "{'x': '-1.50'}\n{'x': '99.99'}\n",
         "{'numRecords':2,'minValues':{'x':-1.50},'maxValues':{'x':99.99},'nullCount':{'x':0}}"},
        {"decimal128(30, 3)", "{'x': '-123456789012345678901.125'}\n{'x': '0.001'}\n",
         "{'numRecords':2,'minValues':{'x':-123456789012345678901.125},'maxValues':{'x':0.001},"
         "'nullCount':{'x':0}}"},
        {"utf8", "{'x': 'b'}\n{'x': 'a\\u00e5'}\n",
         "{'numRecords':2,'minValues':{'x':'a\xc3\xa5'},'maxValues':{'x':'b'},'nullCount':{'x':0}"
         "}"},
        {"date32", "{'x': '1969-12-31'}\n{'x': '2026-01-31'}\n",
         "{'numRecords':2,'minValues':{'x':'1969-12-31'},'maxValues':{'x':'2026-01-31'},'nullCount'"
         ":"
         "{'x':0}}"},
        {"timestamp[us, UTC]", "{'x': '1969-12-31T23:59:59.5Z'}\n{'x': '2026-01-31T00:00:00Z'}\n",
         "{'numRecords':2,'minValues':{'x':'1969-12-31T23:59:59.500000Z'},'maxValues':{'x':'2026-"
         "01-"
         "31T00:00:00.000000Z'},'nullCount':{'x':0}}"},
        {"timestamp[us]", "{'x': '2026-01-31T00:00:00'}\n",
         "{'numRecords':1,'minValues':{'x':'2026-01-31T00:00:00.000000'},'maxValues':{'x':'2026-01-"
         "31T00:00:00.000000'},'nullCount':{'x':0}}"},
        {"bool", "{'x': true}\n{'x': null}\n",
         "{'numRecords':2,'minValues':{},'maxValues':{},'nullCount':{'x':1}}"},
        {"int32", "{'x': null}\n",
         "{'numRecords':1,'minValues':{},'maxValues':{},'nullCount':{'x':1}}"},
        {"list<item: int32>", "{'x': [1, 2]}\n",
         "{'numRecords':1,'minValues':{},'maxValues':{},'nullCount':{}}"},
        {"struct<a: int32, b: struct<c: utf8, d: bool>>",
         "{'x': {'a': 1, 'b': {'c': 'z', 'd': true}}}\n{'x': null}\n",
         "{'numRecords':2,'minValues':{'x':{'a':1,'b':{'c':'z'}}},'maxValues':{'x':{'a':1,'b':{'c':"
         "'z'}}},'nullCount':{'x':{'a':1,'b':{'c':1,'d':1}}}}"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        table t;
        lm_error error;
        char text[512], schema[256];
        snprintf(text, sizeof text,
                 "{'name': 'trades', 'schema_version': '1.0@2026-01-01', 'columns': [{'name': 'x', "
                 "'type': '%s'}]}",
                 rows[i].type);
        snprintf(schema, sizeof schema, "x: %s", rows[i].type);
        table_open(&t, text);
        struct ArrowArrayStream stream = rows_of(rows[i].rows, schema);
        CHECK_OK(lm_table_append_take(&t.options, "trades", "r1", &stream, NULL, &error), error);
        lm_snapshot *s = snapshot_of(t.store, t.options.root);
        if (s) CHECK_TEXT(s->parts[0].stats, json(rows[i].stats));
        lm__snapshot_free(s);
        table_close(&t);
    }
}

/* Streams of made rows. */

typedef struct made_stream {
    lm_stream stream;
    uint64_t state;
    int64_t batches, rows_max, range;
    int64_t rows, sum; /* made so far */
} made_stream;

static lm_status made_next(lm_stream *stream, lm_batch **batch, lm_error *error)
{
    made_stream *m = (made_stream *)stream;
    lm_builder root;
    *batch = NULL;
    if (m->batches-- == 0) return LM_OK;
    LM_TRY(lm__builder_init(&root, lm_allocator_default(), &stream->schema->root, error));
    int64_t rows = (int64_t)(check_random(&m->state) % (uint64_t)m->rows_max);
    for (int64_t i = 0; i < rows; i++) {
        int64_t tick = (int64_t)(check_random(&m->state) % (uint64_t)(2 * m->range)) - m->range;
        char text[24];
        int size = snprintf(text, sizeof text, "id-%lld", (long long)tick);
        if (lm__builder_reserve(&root.children[0], 1) != LM_OK ||
            lm__build_bytes(&root.children[1], text, (size_t)size) != LM_OK)
            abort();
        lm__build_i64(&root.children[0], tick);
        m->sum += tick;
    }
    m->rows += rows;
    lm_status status = lm__builder_finish(&root, stream->schema, batch, error);
    lm__builder_deinit(&root);
    return status;
}

static void made_close(lm_stream *stream) { (void)stream; }

static struct ArrowArrayStream made_rows(made_stream *m)
{
    static const lm_stream_ops ops = {made_next, made_close};
    static const char text[] = "tick: int64, id: utf8";
    struct ArrowArrayStream out;
    lm_schema *schema;
    if (lm_schema_parse(NULL, text, strlen(text), &schema, NULL) != LM_OK) abort();
    lm__stream_init(&m->stream, &ops, schema);
    lm_schema_free(schema);
    if (lm__stream_export_take(lm_allocator_default(), &m->stream, &out, NULL) != LM_OK) abort();
    return out;
}

static int64_t floored(int64_t tick, int64_t size)
{
    return tick >= 0 ? tick / size : -((-tick + size - 1) / size);
}

/* All rows of the table's directory: how many, their sum, and whether bucket and id are right. */
static void read_back(const char *path, int64_t size, int64_t *rows, int64_t *sum, bool sorted)
{
    const char *columns[] = {"tick", "bucket", "id"};
    const lm_scan_options how = {.columns = columns, .column_count = 3, .threads = 1};
    lm_scan *scan;
    struct ArrowArrayStream given;
    lm_stream *stream;
    lm_batch *batch;
    lm_error error;
    *rows = *sum = 0;
    REQUIRE(lm_scan_open(path, &how, &scan, &error) == LM_OK);
    REQUIRE(lm_scan_stream(scan, &given, &error) == LM_OK);
    REQUIRE(lm__stream_import_take(lm_allocator_default(), &given, LM_VALIDATE_NONE, &stream,
                                   &error) == LM_OK);
    for (;;) {
        REQUIRE(lm__stream_next(stream, &batch, &error) == LM_OK);
        if (!batch) break;
        lm_array tick = lm__batch_column(batch, 0), bucket = lm__batch_column(batch, 1);
        lm_array id = lm__batch_column(batch, 2);
        const int64_t *ticks = lm__array_fixed(&tick), *buckets = lm__array_fixed(&bucket);
        for (int64_t i = 0; i < tick.length; i++) {
            char text[24];
            size_t length;
            const uint8_t *bytes = lm__array_bytes(&id, i, &length);
            int wanted = snprintf(text, sizeof text, "id-%lld", (long long)ticks[i]);
            if (buckets[i] != floored(ticks[i], size) || length != (size_t)wanted ||
                memcmp(bytes, text, length) != 0)
                check_fail(__FILE__, __LINE__, "tick %lld is in bucket %lld", (long long)ticks[i],
                           (long long)buckets[i]);
            if (sorted && i > 0 && buckets[i] == buckets[i - 1] && ticks[i] < ticks[i - 1])
                check_fail(__FILE__, __LINE__, "tick %lld comes after %lld", (long long)ticks[i],
                           (long long)ticks[i - 1]);
            *sum += ticks[i];
        }
        *rows += tick.length;
        lm__batch_unref(batch);
    }
    lm__stream_close(stream);
    lm_scan_close(scan);
}

#define SORTED                                                                                     \
    "{'name': 'trades', 'schema_version': '1.0@2026-01-01', 'columns': [{'name': 'tick', 'type': " \
    "'int64', 'nullable': false}, {'name': 'id', 'type': 'utf8'}], 'partitioning': ['bucket'], "   \
    "'sort': ['tick']}"

TEST(every_row_is_once_in_its_bucket)
{
    uint64_t seed = 7;
    for (int round = 0; round < 40; round++) {
        char here[256];
        lm_error error;
        lm_table_summary *s = NULL;
        int64_t rows, sum;
        scratch_make_fast(here);
        bool sorted = round % 3 == 0;
        lm_table_options options = {
            .root = here,
            .registry = registry_of(sorted ? SORTED : BUCKETED),
            .tick_bucket_size = (int64_t)(1 + check_random(&seed) % 100),
            .durability = LM_DURABILITY_NONE,
            .threads = round % 4 == 0 ? 1 : 3,
            .open_parts_max = (uint32_t)(1 + check_random(&seed) % 5),
            .memory_bytes_max = 64 << (check_random(&seed) % 14),
        };
        made_stream m = {.state = seed,
                         .batches = (int64_t)(1 + check_random(&seed) % 6),
                         .rows_max =
                             round % 10 == 9 ? 40000 : (int64_t)(2 + check_random(&seed) % 3000),
                         .range = (int64_t)(1 + check_random(&seed) % 500)};
        struct ArrowArrayStream stream = made_rows(&m);
        CHECK_OK(lm_table_append_take(&options, "trades", "r1", &stream, &s, &error), error);
        if (s && m.rows) {
            int64_t told = 0;
            for (size_t i = 0; i < s->part_count; i++) {
                const lm_table_part *part = &s->parts[i];
                told += (int64_t)part->rows;
                CHECK_INT(floored(part->tick_min, options.tick_bucket_size), part->bucket_id);
                CHECK_INT(floored(part->tick_max, options.tick_bucket_size), part->bucket_id);
                if (i) CHECK(s->parts[i - 1].bucket_id <= part->bucket_id);
            }
            CHECK_INT(told, m.rows);
            CHECK_INT(s->rows, m.rows);
            read_back(scratch_join(here, "r1/trades/*/*.parquet"), options.tick_bucket_size, &rows,
                      &sum, sorted);
            CHECK_INT(rows, m.rows);
            CHECK_INT(sum, m.sum);
        }
        lm_table_summary_free(s);
        lm_registry_free((lm_registry *)(void *)options.registry);
        scratch_remove(here);
        if (check_failed) return;
    }
}

/* An allocator that knows how much was live at once. */
typedef struct peak_alloc {
    lm_allocator allocator;
    size_t live, peak;
} peak_alloc;

static void *peak_realloc(void *context, void *old, size_t bytes)
{
    peak_alloc *p = context;
    size_t *block = old ? (size_t *)old - 2 : NULL;
    if (block) p->live -= block[0];
    block = realloc(block, bytes + 16);
    if (!block) abort();
    block[0] = bytes;
    p->live += bytes;
    if (p->live > p->peak) p->peak = p->live;
    return block + 2;
}

static void *peak_new(void *context, size_t bytes) { return peak_realloc(context, NULL, bytes); }

static void peak_free(void *context, void *old)
{
    if (!old) return;
    ((peak_alloc *)context)->live -= ((size_t *)old)[-2];
    free((size_t *)old - 2);
}

/* Ten times the rows take no more memory, save what is told of each part. */
TEST(memory_does_not_grow_with_the_stream)
{
    size_t peaks[2];
    for (int i = 0; i < 2; i++) {
        char here[256];
        lm_error error;
        peak_alloc memory = {.allocator = {peak_new, peak_realloc, peak_free, &memory}};
        scratch_make_fast(here);
        lm_table_options options = {.root = here,
                                    .registry = registry_of(BUCKETED),
                                    .tick_bucket_size = 100,
                                    .durability = LM_DURABILITY_NONE,
                                    .threads = 1,
                                    .memory_bytes_max = 4 << 20,
                                    .open_parts_max = 8,
                                    .allocator = &memory.allocator};
        made_stream m = {.state = 3, .batches = i ? 300 : 30, .rows_max = 20000, .range = 2000};
        struct ArrowArrayStream stream = made_rows(&m);
        CHECK_OK(lm_table_append_take(&options, "trades", "r1", &stream, NULL, &error), error);
        CHECK_INT(memory.live, 0);
        peaks[i] = memory.peak;
        lm_registry_free((lm_registry *)(void *)options.registry);
        scratch_remove(here);
    }
    printf("# %zu KiB, %zu KiB\n", peaks[0] / 1024, peaks[1] / 1024);
    CHECK(peaks[1] < 32 << 20);
    CHECK(peaks[1] < peaks[0] * 3 / 2);
}

TEST(a_batch_is_appended_once)
{
    table t;
    lm_error error;
    lm_table_summary *a, *b;
    table_open(&t, BUCKETED);
    t.options.has_batch = true;
    t.options.batch = 3;
    CHECK_OK(append(&t, THREE, &a, &error), error);
    CHECK(!a->repeated);
    CHECK_OK(append(&t, THREE, &b, &error), error);
    CHECK(b->repeated);
    CHECK_INT(b->version, 0);
    CHECK_INT(b->rows, 3);
    CHECK_INT(b->part_count, 2);
    CHECK_INT(b->bucket_count, 2);
    for (size_t i = 0; i < 2; i++) {
        CHECK_TEXT(b->parts[i].path, a->parts[i].path);
        CHECK_TEXT(b->parts[i].partition, a->parts[i].partition);
        CHECK_TEXT(b->parts[i].checksum, a->parts[i].checksum);
        CHECK_INT(b->parts[i].bucket_id, a->parts[i].bucket_id);
        CHECK_INT(b->parts[i].bytes, a->parts[i].bytes);
        CHECK_INT(b->parts[i].tick_min, a->parts[i].tick_min);
        CHECK_INT(b->parts[i].tick_max, a->parts[i].tick_max);
    }
    lm_table_summary_free(a);
    lm_table_summary_free(b);
    t.options.batch = 5;
    CHECK_OK(append(&t, THREE, NULL, &error), error);
    t.options.batch = 3; /* an earlier one that was there */
    CHECK_OK(append(&t, THREE, &b, &error), error);
    CHECK(b->repeated);
    CHECK_INT(b->version, 0);
    lm_table_summary_free(b);
    t.options.batch = 4; /* an earlier one that was not */
    CHECK_STATUS(append(&t, THREE, NULL, &error), LM_CONFLICT);
    CHECK(strstr(error.message, "batch 4 of the run r1 comes after batch 5") != NULL);
    CHECK_TEXT(live(t.store, t.options.root), "bucket=-1:1 bucket=-1:1 bucket=0:2 bucket=0:2 ");
    table_close(&t);
}

TEST(batches_may_come_in_any_order)
{
    static const int order[] = {5, 2, 9, 2, 0, 9, 5, 3};
    table t;
    lm_error error;
    lm_table_summary *s;
    bool seen[10] = {false};
    table_open(&t, BUCKETED);
    t.options.has_batch = t.options.any_order = true;
    for (size_t i = 0; i < sizeof order / sizeof *order; i++) {
        t.options.batch = order[i];
        CHECK_OK(append(&t, "{'tick': 1, 'id': 'a'}\n", &s, &error), error);
        CHECK_INT(s->repeated, seen[order[i]]);
        CHECK_INT(s->rows, 1);
        seen[order[i]] = true;
        lm_table_summary_free(s);
    }
    CHECK_TEXT(live(t.store, t.options.root),
               "bucket=0:1 bucket=0:1 bucket=0:1 bucket=0:1 bucket=0:1 ");
    t.options.any_order = false; /* a number that was there is known this way too */
    CHECK_OK(append(&t, THREE, &s, &error), error);
    CHECK(s->repeated);
    lm_table_summary_free(s);
    table_close(&t);
}

#define VERSION(version, columns)                                                                  \
    "{'name': 'trades', 'schema_version': '" version "@2026-01-01', 'columns': [{'name': 'tick', " \
    "'type': 'int64'}" columns "], 'partitioning': ['bucket']}"
#define ID ", {'name': 'id', 'type': 'utf8'}"
#define N(type) ", {'name': 'n', 'type': '" type "'}"

TEST(minor_versions_go_together_and_major_ones_do_not)
{
    table t;
    lm_error error;
    char text[512];
    table_open(&t, VERSION("1.0", ID));
    CHECK_OK(append(&t, "{'tick': 1, 'id': 'a'}\n", NULL, &error), error);
    table_describe(&t, VERSION("1.1", ID N("int32")));
    t.options.check = LM_TABLE_SAFE;
    CHECK_OK(append(&t, "{'tick': 1, 'id': 'a', 'n': 2}\n", NULL, &error), error);
    lm_snapshot *s = snapshot_of(t.store, t.options.root);
    CHECK(strstr(s->metadata.schema, "\"n\"") != NULL);
    lm__snapshot_free(s);
    table_describe(&t, VERSION("1.0", ID)); /* an older one: n is null */
    CHECK_OK(append(&t, "{'tick': 1, 'id': 'a'}\n", NULL, &error), error);
    s = snapshot_of(t.store, t.options.root);
    CHECK(strstr(s->metadata.schema, "\"n\"") != NULL);
    lm__snapshot_free(s);
    /* A wider type: the table keeps its own, and holds the values to it. */
    table_describe(&t, VERSION("1.2", ID N("int64")));
    CHECK_OK(append(&t, "{'tick': 1, 'n': 3}\n", NULL, &error), error);
    CHECK_STATUS(append(&t, "{'tick': 1, 'n': 3000000000}\n", NULL, &error), LM_DATA);
    s = snapshot_of(t.store, t.options.root);
    CHECK(strstr(s->metadata.schema, "\"n\",\"type\":\"integer\"") != NULL);
    lm__snapshot_free(s);
    table_describe(&t, VERSION("1.2", ID));
    CHECK_STATUS(append(&t, "{'tick': 1}\n", NULL, &error), LM_SCHEMA);
    snprintf(text, sizeof text, "%s", error.message);
    CHECK(strstr(text, "one version has one schema") != NULL);
    table_describe(&t, VERSION("1.3", N("int64")));
    CHECK_STATUS(append(&t, "{'tick': 1}\n", NULL, &error), LM_SCHEMA);
    CHECK(strstr(error.message, "column id is gone, which is a major one") != NULL);
    table_describe(&t, VERSION("2.0", ID N("int64")));
    CHECK_STATUS(append(&t, "{'tick': 1}\n", NULL, &error), LM_SCHEMA);
    CHECK(strstr(error.message, "1.2@2026-01-01") != NULL);
    CHECK(strstr(error.message, "2.0@2026-01-01") != NULL);
    CHECK_TEXT(live(t.store, t.options.root), "bucket=0:1 bucket=0:1 bucket=0:1 bucket=0:1 ");
    table_close(&t);
}

#define RULED                                                                                      \
    "{'name': 'trades', 'schema_version': '1.0@2026-01-01', 'columns': [{'name': 'tick', 'type': " \
    "'int64', 'rules': {'min': 0, 'max': 99}}, {'name': 'id', 'type': 'utf8', 'rules': {'set': "   \
    "['ab', 'b', 'cc'], 'like': '%', 'pattern': '^[a-z]+$'}}, {'name': 'k', 'type': 'int64', "     \
    "'rules': {'unique': true}}], 'rules': {'check': ['tick <> 13 or id is null'], 'unique': "     \
    "[['tick', 'id']]}, 'partitioning': ['bucket']}"

TEST(rows_that_break_a_rule_are_told)
{
    static const struct {
        const char *rows, *words;
    } rows[] = {
        {"{'tick': 1, 'id': 'b', 'k': 1}\n{'tick': 2, 'id': null, 'k': null}\n"
         "{'tick': 3, 'id': 'b', 'k': null}\n",
         NULL},
        {"{'tick': 1}\n{'tick': -2}\n", "column tick: row 1: -2 breaks the rule min 0"},
        {"{'tick': 100}\n", "column tick: row 0: 100 breaks the rule max 99"},
        {"{'tick': 1, 'id': 'b'}\n{'tick': 2, 'id': 'x'}\n",
         "column id: row 1: \"x\" breaks the rule set [\"ab\",\"b\",\"cc\"]"},
        {"{'tick': 13, 'id': 'b'}\n", "row 0 breaks the rule check"},
        {"{'tick': 1, 'k': 5}\n{'tick': 2, 'k': 6}\n{'tick': 3, 'k': 5}\n",
         "rows 0 and 2 have the same key: k is 5"},
        {"{'tick': 1, 'id': 'b'}\n{'tick': 2, 'id': 'b'}\n{'tick': 1, 'id': 'b'}\n",
         "rows 0 and 2 have the same key: tick, id is 1,\"b\""},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        table t;
        lm_error error;
        table_open(&t, RULED);
        t.options.validate_rows = true;
        struct ArrowArrayStream stream = rows_of(rows[i].rows, "tick: int64, id: utf8, k: int64");
        lm_error_clear(&error);
        lm_status status = lm_table_append_take(&t.options, "trades", "r1", &stream, NULL, &error);
        if (status != (rows[i].words ? LM_DATA : LM_OK) ||
            (rows[i].words && !strstr(error.message, rows[i].words)))
            check_fail(__FILE__, __LINE__, "%s: %s", rows[i].rows, error.message);
        table_close(&t);
    }
    table t;
    lm_error error;
    table_open(&t, RULED); /* not asked for: not looked at */
    CHECK_OK(append(&t, "{'tick': -5, 'id': 'x', 'k': 1}\n", NULL, &error), error);
    table_close(&t);
    table_open(&t, "{'name': 'trades', 'schema_version': '1.0@2026-01-01', 'columns': [{'name': "
                   "'id', 'type': 'utf8', 'rules': {'pattern': '^.{2}$'}}]}");
    t.options.validate_rows = true; /* a character is a character, whatever the locale */
    CHECK_OK(append(&t, "{'id': 'a\xc3\xa5'}\n", NULL, &error), error);
    CHECK_STATUS(append(&t, "{'id': 'abc'}\n", NULL, &error), LM_DATA);
    CHECK(strstr(error.message, "column id: row 0: \"abc\" breaks the rule pattern") != NULL);
    table_close(&t);
}

/* Failures. */

typedef struct file_count {
    lm_store *store;
    const char *directory;
    int parts;
} file_count;

static lm_status count_file(void *context, const lm_store_entry *entry, lm_error *error)
{
    file_count *count = context;
    char path[512];
    (void)error;
    snprintf(path, sizeof path, "%s/%s", count->directory, entry->name);
    if (entry->stat.kind == LM_STORE_DIRECTORY) {
        file_count below = {count->store, path, 0};
        lm_status status = lm__store_list(count->store, path, NULL, count_file, &below, NULL);
        count->parts += below.parts;
        return status == LM_NOT_FOUND ? LM_OK : status;
    }
    count->parts += strncmp(entry->name, "part-", 5) == 0;
    return LM_OK;
}

static int part_files(lm_store *store, const char *directory)
{
    file_count count = {store, directory, 0};
    (void)!lm__store_list(store, directory, NULL, count_file, &count, NULL);
    return count.parts;
}

/* Fails operation after operation of an append to a table that has a first one, before it is done
 * or after. */
static void check_faults(bool with_first, bool after)
{
    for (uint64_t nth = 0;; nth++) {
        table t;
        lm_error error;
        lm_table_summary *s;
        table_open(&t, BUCKETED);
        if (with_first) CHECK_OK(append(&t, THREE, NULL, &error), error);
        const char *before = with_first ? "bucket=-1:1 bucket=0:2 " : "none";
        const char *then = with_first ? "bucket=-1:1 bucket=0:2 bucket=3:1 " : "bucket=3:1 ";
        t.fault.operations = 0;
        /* A store that has lost the answer to a commit says so, and not that nothing happened. */
        t.fault.plan = (lm_fault_plan){
            .nth = nth, .after = after, .status = after ? LM_UNKNOWN_OUTCOME : LM_IO};
        lm_status status = append(&t, "{'tick': 30, 'id': 'c'}\n", &s, &error);
        bool all = t.fault.operations <= nth;
        t.fault.plan.nth = UINT64_MAX;
        const char *now = live(t.store, t.options.root);
        bool there = strcmp(now, then) == 0;
        if (!there && strcmp(now, before) != 0)
            check_fail(__FILE__, __LINE__, "operation %d: %s", (int)nth, now);
        if (status == LM_OK && !there)
            check_fail(__FILE__, __LINE__, "operation %d: it is not there", (int)nth);
        bool open = status == LM_UNKNOWN_DURABILITY || status == LM_UNKNOWN_OUTCOME;
        if (status != LM_OK && !open && there)
            check_fail(__FILE__, __LINE__, "operation %d: %s, and it is there: %s", (int)nth,
                       lm_status_name(status), error.message);
        CHECK_INT(s != NULL, status == LM_OK || status == LM_UNKNOWN_DURABILITY);
        int parts = (with_first ? 2 : 0) + there;
        if (part_files(t.store, "mem://x/out/r1/trades") != parts && !open)
            check_fail(__FILE__, __LINE__, "operation %d: parts are left that no log has",
                       (int)nth);
        lm_table_summary_free(s);
        table_close(&t);
        if (all || check_failed) break;
    }
}

TEST(every_operation_may_fail)
{
    check_faults(false, false);
    check_faults(true, false);
}

TEST(every_answer_may_be_lost)
{
    check_faults(false, true);
    check_faults(true, true);
}

/* The process dies before an operation: the next writer finds the one version or the other. */
TEST(a_writer_may_die_anywhere)
{
    for (uint64_t nth = 0;; nth++) {
        table t;
        lm_error error;
        table_open(&t, BUCKETED);
        CHECK_OK(append(&t, THREE, NULL, &error), error);
        t.options.has_batch = true;
        t.options.batch = 1;
        t.fault.operations = 0;
        t.fault.plan = (lm_fault_plan){.nth = nth, .for_good = true, .status = LM_IO};
        lm_status died = append(&t, "{'tick': 30, 'id': 'c'}\n", NULL, &error);
        bool all = t.fault.operations <= nth;
        t.fault.plan = (lm_fault_plan){.nth = UINT64_MAX};
        CHECK(died == LM_OK || died == LM_IO || died == LM_UNKNOWN_OUTCOME);
        CHECK_OK(append(&t, "{'tick': 30, 'id': 'c'}\n", NULL, &error), error); /* once more */
        CHECK_TEXT(live(t.store, t.options.root), "bucket=-1:1 bucket=0:2 bucket=3:1 ");
        table_close(&t);
        if (all || check_failed) break;
    }
}

TEST(every_allocation_may_fail)
{
    for (size_t n = 0;; n++) {
        check_alloc memory;
        table t;
        lm_error error;
        lm_table_summary *s;
        table_open(&t, RULED);
        check_alloc_init(&memory, n);
        t.options.allocator = &memory.allocator;
        t.options.validate_rows = true;
        t.options.has_batch = true;
        struct ArrowArrayStream stream =
            rows_of("{'tick': 1, 'id': 'b', 'k': 1}\n{'tick': 20, 'id': 'ab', 'k': 2}\n", NULL);
        lm_status status = lm_table_append_take(&t.options, "trades", "r1", &stream, &s, &error);
        CHECK_INT(s != NULL, status == LM_OK);
        lm_table_summary_free(s);
        CHECK_TEXT(live(t.store, t.options.root),
                   status == LM_OK ? "bucket=0:1 bucket=2:1 " : "none");
        if (status != LM_OK) CHECK_INT(part_files(t.store, "mem://x/out/r1/trades"), 0);
        table_close(&t); /* its files were of that memory too */
        CHECK_INT(memory.live, 0);
        if (!memory.failed) {
            CHECK_INT(status, LM_OK);
            break;
        }
        if (status != LM_OK) CHECK_INT(status, LM_NO_MEMORY);
        if (check_failed) {
            printf("# allocation %zu\n", n);
            return;
        }
    }
}

/* Others. */

typedef struct writer {
    pthread_t thread;
    const lm_table_options *options;
    int number, failed;
} writer;

static void *write_some(void *context)
{
    writer *w = context;
    for (int i = 0; i < 6; i++) {
        char text[64];
        lm_error error;
        snprintf(text, sizeof text, "{\"tick\": %d, \"id\": \"w\"}\n", 10 * w->number + i);
        text_source *source = calloc(1, sizeof *source);
        static const lm_source_ops ops = {.read = text_read, .close = text_close};
        source->text = strdup(text);
        source->source = (lm_source){.ops = &ops, .size = strlen(text), .name = "rows"};
        struct ArrowArrayStream stream;
        const lm_jsonl_read_options how = {.threads = 1};
        if (lm_jsonl_read_take(NULL, &source->source, &how, &stream, &error) != LM_OK) abort();
        if (lm_table_append_take(w->options, "trades", "r1", &stream, NULL, &error) != LM_OK) {
            printf("# %s\n", error.message);
            w->failed++;
        }
    }
    return NULL;
}

TEST(writers_at_once_lose_nothing)
{
    char here[256];
    lm_error error;
    writer writers[8] = {0};
    scratch_make_fast(here);
    lm_table_options options = {
        .root = here, .registry = registry_of(BUCKETED), .tick_bucket_size = 10, .threads = 1};
    for (int i = 0; i < 8; i++) {
        writers[i] = (writer){.options = &options, .number = i};
        if (pthread_create(&writers[i].thread, NULL, write_some, &writers[i]) != 0) abort();
    }
    for (int i = 0; i < 8; i++) {
        pthread_join(writers[i].thread, NULL);
        CHECK_INT(writers[i].failed, 0);
    }
    lm_store *store;
    CHECK_OK(lm__store_posix_open(NULL, &store, &error), error);
    lm_snapshot *s = snapshot_of(store, here);
    REQUIRE(s);
    CHECK_INT(s->version, 47);
    CHECK_INT(s->part_count, 48);
    lm__snapshot_free(s);
    lm__store_close(store);
    lm_registry_free((lm_registry *)(void *)options.registry);
    scratch_remove(here);
}

int main(void)
{
    RUN(an_append_makes_a_part_for_each_bucket);
    RUN(nothing_to_append_is_nothing);
    RUN(rows_that_do_not_fit_are_refused);
    RUN(names_are_checked);
    RUN(safe_appends_convert);
    RUN(other_layouts_of_a_type_are_strict_too);
    RUN(partitions_are_named_by_their_values);
    RUN(the_log_tells_what_the_columns_hold);
    RUN(every_row_is_once_in_its_bucket);
    RUN(memory_does_not_grow_with_the_stream);
    RUN(a_batch_is_appended_once);
    RUN(batches_may_come_in_any_order);
    RUN(minor_versions_go_together_and_major_ones_do_not);
    RUN(rows_that_break_a_rule_are_told);
    RUN(every_operation_may_fail);
    RUN(every_answer_may_be_lost);
    RUN(a_writer_may_die_anywhere);
    RUN(every_allocation_may_fail);
    RUN(writers_at_once_lose_nothing);
    return DONE();
}
