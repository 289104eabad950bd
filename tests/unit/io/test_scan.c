/* Scans of one file (src/io/scan.c): the same rows from every format, whatever is asked of them. */
#define _GNU_SOURCE
#include <lamella/ipc.h>

#include "check_alloc.h"
#include "io/scan.h"
#include "tables.h"

static char place[256];
static const char *const names[] = {"t.parquet", "t.arrow", "t.arrows"};
#define FORMATS (sizeof names / sizeof *names)
#define ROWS 250

/* The ids of a stream's rows, one after another from `first`; returns how many, or -1. */
static int64_t check_ids(lm_stream *stream, int64_t first, int64_t batch_max)
{
    int64_t rows = 0;
    lm_batch *batch;
    lm_error error = {0};
    while (lm__stream_next(stream, &batch, &error) == LM_OK && batch) {
        lm_array id = lm__batch_column(batch, 0);
        CHECK(!batch_max || id.length <= batch_max);
        CHECK(id.length > 0);
        for (int64_t i = 0; i < id.length; i++)
            if (((const int64_t *)lm__array_fixed(&id))[i] != first + rows + i) rows = -1000000;
        rows += id.length;
        lm__batch_unref(batch);
    }
    CHECK_TEXT(error.message, "");
    return rows;
}

static void check_scan(const char *name, lm_scan_options *options, int64_t first, int64_t count)
{
    lm_scan *scan;
    lm_stream *stream;
    lm_error error = {0};
    uint64_t rows = 0;
    options->threads = 2;
    lm_status status = lm_scan_open(scratch_join(place, name), options, &scan, &error);
    CHECK_TEXT(error.message, "");
    if (status != LM_OK) return;
    CHECK_INT(lm_scan_rows(scan, &rows, &error), LM_OK);
    CHECK_INT(rows, count);
    for (int again = 0; again < 2; again++) { /* a fresh stream for each call */
        REQUIRE(lm__scan_stream(scan, &stream, &error) == LM_OK);
        CHECK_INT(check_ids(stream, first, options->batch_rows), count);
        lm__stream_close(stream);
    }
    lm_scan_close(scan);
}

TEST(rows_come_alike_from_every_format)
{
    for (size_t i = 0; i < FORMATS; i++) {
        check_scan(names[i], &(lm_scan_options){0}, 0, ROWS);
        check_scan(names[i], &(lm_scan_options){.offset = 10}, 10, ROWS - 10);
        check_scan(names[i], &(lm_scan_options){.offset = 95, .limit = 10, .limited = true}, 95,
                   10);
        check_scan(names[i], &(lm_scan_options){.limit = 0, .limited = true}, 0, 0);
        check_scan(names[i], &(lm_scan_options){.limit = 1000, .limited = true}, 0, ROWS);
        check_scan(names[i], &(lm_scan_options){.offset = ROWS}, ROWS, 0);
        check_scan(names[i], &(lm_scan_options){.offset = UINT64_MAX}, ROWS, 0);
        check_scan(names[i], &(lm_scan_options){.batch_rows = 7, .offset = 3}, 3, ROWS - 3);
    }
}

static lm_expr *condition(const char *text, const lm_allocator *allocator)
{
    lm_expr *expr = NULL;
    lm_error error = {0};
    CHECK_INT(lm_expr_parse(allocator, text, strlen(text), &expr, &error), LM_OK);
    CHECK_TEXT(error.message, "");
    return expr;
}

TEST(rows_are_filtered_then_counted)
{
    static const char *const only[] = {"id"};
    lm_scan *scan;
    lm_error error = {0};
    lm_expr *expr = condition("id >= 100 and s.x < 2000", NULL);
    for (size_t i = 0; i < FORMATS; i++) {
        check_scan(names[i], &(lm_scan_options){.filter = expr}, 100, 100);
        check_scan(names[i], &(lm_scan_options){.filter = expr, .offset = 20, .batch_rows = 9}, 120,
                   80);
        check_scan(names[i],
                   &(lm_scan_options){.filter = expr,
                                      .columns = only,
                                      .column_count = 1,
                                      .offset = 20,
                                      .limit = 30,
                                      .limited = true},
                   120, 30);
    }
    lm_expr_free(expr);
    expr = condition("id = 'x'", NULL);
    lm_scan_options options = {.filter = expr};
    CHECK_INT(lm_scan_open(scratch_join(place, names[0]), &options, &scan, &error), LM_SCHEMA);
    lm_expr_free(expr);
}

/* The text of the schema that the columns give, or the error's message. */
static const char *schema_of(const char *name, const char *const *columns, size_t count)
{
    static char text[1024];
    lm_scan *scan;
    struct ArrowSchema exported;
    lm_schema *schema;
    lm_error error = {0};
    lm_scan_options options = {.columns = columns, .column_count = count};
    if (lm_scan_open(scratch_join(place, name), &options, &scan, &error) != LM_OK) {
        snprintf(text, sizeof text, "%d %s", error.code, error.message);
        return text;
    }
    CHECK_INT(lm_scan_schema(scan, &exported, &error), LM_OK);
    CHECK_INT(lm_schema_import_take(NULL, &exported, &schema, &error), LM_OK);
    (void)lm_schema_text(schema, text, sizeof text);
    lm_schema_free(schema);
    lm_stream *stream;
    CHECK_INT(lm__scan_stream(scan, &stream, &error), LM_OK);
    int64_t rows = 0;
    for (lm_batch *batch; lm__stream_next(stream, &batch, &error) == LM_OK && batch;) {
        CHECK_INT(batch->root.n_children, stream->schema->root.n_children);
        rows += lm__batch_rows(batch);
        lm__batch_unref(batch);
    }
    CHECK_INT(rows, ROWS);
    lm__stream_close(stream);
    lm_scan_close(scan);
    return text;
}

TEST(columns_are_chosen_by_path)
{
    for (size_t i = 0; i < FORMATS; i++) {
        CHECK_TEXT(schema_of(names[i], (const char *[]){"l", "id"}, 2),
                   "l: list<item: struct<p: int64, q: int64>>\nid: int64 not null\n");
        CHECK_TEXT(schema_of(names[i], (const char *[]){"l.item.q", "s.y"}, 2),
                   "l: list<item: struct<q: int64>>\ns: struct<y: utf8>\n");
        CHECK_TEXT(schema_of(names[i], (const char *[]){"s", "s.x", "s"}, 3),
                   "s: struct<x: int64, y: utf8>\n");
        CHECK_TEXT(schema_of(names[i], (const char *[]){NULL}, 0), "");
        CHECK(strstr(schema_of(names[i], (const char *[]){"id", "s.z"}, 2),
                     "there is no column 's.z'") != NULL);
    }
}

TEST(formats_are_known_by_their_bytes)
{
    lm_scan *scan;
    lm_error error = {0};
    lm_scan_options wrong = {.format = LM_FORMAT_ARROW};
    for (size_t i = 0; i < FORMATS; i++) {
        const char *odd = scratch_join(place, "odd.csv.txt");
        REQUIRE(rename(scratch_join(place, names[i]), odd) == 0);
        CHECK_INT(lm_scan_open(odd, NULL, &scan, &error), LM_OK);
        CHECK_TEXT(lm_format_name(lm_scan_format(scan)), i == 0 ? "parquet" : names[i] + 2);
        lm_scan_close(scan);
        REQUIRE(rename(odd, scratch_join(place, names[i])) == 0);
    }
    CHECK(lm_scan_open(scratch_join(place, names[0]), &wrong, &scan, &error) != LM_OK);
    file_put(scratch_join(place, "short"), "x");
    CHECK_INT(lm_scan_open(scratch_join(place, "short"), NULL, &scan, &error), LM_INVALID);
    CHECK(strstr(error.message, "parquet") != NULL);
    CHECK_INT(lm_scan_open(scratch_join(place, "nowhere"), NULL, &scan, &error), LM_NOT_FOUND);
}

TEST(rows_are_told_without_reading)
{
    static char bytes[1 << 16];
    lm_scan *scan;
    int64_t rows;
    lm_error error = {0};
    for (size_t i = 0; i < FORMATS; i++) {
        REQUIRE(lm_scan_open(scratch_join(place, names[i]), NULL, &scan, &error) == LM_OK);
        CHECK_INT(lm__scan_rows_told(scan, &rows, &error), LM_OK);
        CHECK_INT(rows, ROWS);
        lm_scan_close(scan);
    }
    /* Metadata that is cut off, or leads out of the file. */
    FILE *file = fopen(scratch_join(place, "t.arrows"), "rb");
    REQUIRE(file != NULL);
    size_t size = fread(bytes, 1, sizeof bytes, file);
    fclose(file);
    for (size_t cut = 0; cut < size; cut += 37) {
        lm_memory_source source;
        lm_memory_source_init(&source, bytes, cut, "cut");
        CHECK_INT(lm_ipc_rows_take(NULL, &source.source, &rows, &error), LM_CORRUPT);
    }
}

TEST(a_source_may_be_given)
{
    static char bytes[1 << 16];
    lm_memory_source source;
    lm_scan *scan;
    lm_stream *stream;
    FILE *file = fopen(scratch_join(place, "t.arrow"), "rb");
    REQUIRE(file != NULL);
    size_t size = fread(bytes, 1, sizeof bytes, file);
    fclose(file);
    lm_memory_source_init(&source, bytes, size, "given");
    REQUIRE(lm_scan_open_source_take(&source.source, NULL, &scan, NULL) == LM_OK);
    REQUIRE(lm__scan_stream(scan, &stream, NULL) == LM_OK);
    lm_scan_close(scan); /* streams go on */
    CHECK_INT(check_ids(stream, 0, 0), ROWS);
    lm__stream_close(stream);
    lm_memory_source_init(&source, "x", 1, "given");
    CHECK_INT(lm_scan_open_source_take(&source.source, NULL, &scan, NULL), LM_INVALID);
}

static lm_status read_all(const char *path, lm_expr *filter, check_alloc *memory)
{
    static const char *const columns[] = {"s.y", "id"};
    lm_scan_options options = {.columns = columns,
                               .column_count = 2,
                               .filter = filter,
                               .offset = 5,
                               .batch_rows = 64,
                               .threads = 1,
                               .allocator = &memory->allocator};
    lm_scan *scan;
    lm_stream *stream;
    lm_batch *batch = NULL;
    lm_status status = lm_scan_open(path, &options, &scan, NULL);
    if (status != LM_OK) return status;
    uint64_t rows;
    status = lm_scan_rows(scan, &rows, NULL);
    if (status == LM_OK) status = lm__scan_stream(scan, &stream, NULL);
    lm_scan_close(scan);
    if (status != LM_OK) return status;
    while ((status = lm__stream_next(stream, &batch, NULL)) == LM_OK && batch)
        lm__batch_unref(batch);
    lm__stream_close(stream);
    return status;
}

TEST(every_allocation_may_fail)
{
    lm_expr *filter = condition("l is null or s.x > 100", NULL);
    for (size_t i = 0; i < 2 * FORMATS; i++) {
        const char *path = scratch_join(place, names[i / 2]);
        for (size_t n = 0;; n++) {
            check_alloc memory;
            check_alloc_init(&memory, n);
            lm_status status = read_all(path, i % 2 ? filter : NULL, &memory);
            CHECK_INT(memory.live, 0);
            CHECK(status == LM_OK || (memory.failed && status == LM_NO_MEMORY));
            if (!memory.failed) break;
        }
    }
    lm_expr_free(filter);
}

int main(void)
{
    scratch_make_fast(place);
    for (size_t i = 0; i < FORMATS; i++) table_put(scratch_join(place, names[i]), 0, ROWS);
    RUN(rows_come_alike_from_every_format);
    RUN(rows_are_filtered_then_counted);
    RUN(columns_are_chosen_by_path);
    RUN(formats_are_known_by_their_bytes);
    RUN(rows_are_told_without_reading);
    RUN(a_source_may_be_given);
    RUN(every_allocation_may_fail);
    scratch_remove(place);
    return DONE();
}
