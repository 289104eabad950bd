/*
 * What it takes to read a Parquet file over a network, by the requests of a small WebHDFS: each is
 * a journey, and of a file's bytes there are two (the NameNode sends to a DataNode). Counts are the
 * most that there may be; fewer come about where one thread finds what another has fetched.
 */
#define _GNU_SOURCE
#include <ctype.h>
#include <lamella/scan.h>

#include "../store/webhdfs.h"
#include "tables.h"

enum { ROWS = 60000 }; /* in three row groups of 0.7 MB */
static char url[128];
static const lm_storage_pair user = {"user", "u"};
static const lm_storage storage = {.pairs = &user, .pair_count = 1};
static lm_error error;

static void put_file(void)
{
    struct ArrowArrayStream stream;
    lm_parquet_options parquet = lm_parquet_options_default();
    lm_file_options file = {.storage = &storage};
    lm_put_options options = {.file = &file, .parquet = &parquet};
    parquet.row_group_rows_max = ROWS / 3;
    parquet.page_rows_max = 2000;
    parquet.codec = LM_CODEC_UNCOMPRESSED;
    table_stream(0, ROWS, 5000, &stream);
    CHECK_OK(lm_put_stream_take(url, &stream, &options, NULL, &error), error);
}

static int count_of(const char *text)
{
    int count = 0;
    for (const char *at = web.journal; (at = strstr(at, text)); at++) count++;
    return count;
}

typedef struct requests {
    int looks, ranges, all; /* at the file's status, for its bytes */
} requests;

static requests requests_made(void)
{
    return (requests){count_of("GETFILESTATUS"), count_of("GET data OPEN"), web.request};
}

/* The rows that are read; without_rows: that the footer tells. */
static int64_t read_rows(lm_scan_options options)
{
    struct ArrowArrayStream stream;
    struct ArrowArray array;
    lm_scan *scan;
    int64_t rows = 0;
    uint64_t told = 0;
    web_plan(FAULT_NONE, -1, 0);
    options.storage = &storage;
    lm_status status = lm_scan_open(url, &options, &scan, &error);
    CHECK_OK(status, error);
    if (status != LM_OK) return -1;
    if (options.without_rows) {
        CHECK_OK(lm_scan_rows(scan, &told, &error), error);
        lm_scan_close(scan);
        return (int64_t)told;
    }
    CHECK_OK(lm_scan_stream(scan, &stream, &error), error);
    lm_scan_close(scan);
    while (stream.get_next(&stream, &array) == 0 && array.release) {
        rows += array.length;
        array.release(&array);
    }
    stream.release(&stream);
    return rows;
}

static void check_requests(const char *what, int64_t rows, int64_t wanted, int ranges)
{
    requests made = requests_made();
    if (rows != wanted || made.looks != 1 || made.ranges > ranges)
        check_fail(__FILE__, __LINE__, "%s: %d rows, %d looks, %d ranges of at most %d:\n%s", what,
                   (int)rows, made.looks, made.ranges, ranges, web.journal);
    CHECK(made.all <= made.looks + 2 * ranges);
}

TEST(a_footer_is_one_range)
{
    int64_t rows = read_rows((lm_scan_options){.without_rows = true});
    check_requests("count, schema", rows, ROWS, 1);
}

TEST(the_first_rows_are_one_range_more)
{
    int64_t rows = read_rows((lm_scan_options){.limited = true, .limit = 10});
    check_requests("head", rows, 10, 2);
}

TEST(row_groups_are_a_range_each)
{
    for (int threads = 0; threads < 3; threads++) {
        int64_t rows = read_rows((lm_scan_options){.threads = threads});
        check_requests("whole", rows, ROWS, 4);
    }
}

TEST(chunks_that_lie_apart_are_a_range_each)
{
    static const char *const id[] = {"id"};
    for (int threads = 0; threads < 3; threads++) {
        int64_t rows =
            read_rows((lm_scan_options){.columns = id, .column_count = 1, .threads = threads});
        check_requests("one column", rows, ROWS, 4);
    }
}

/* Footer and indexes, the filter's column and the others. */
TEST(a_row_by_a_filter_is_a_few_ranges)
{
    lm_expr *filter = NULL;
    CHECK_OK(lm_expr_parse(NULL, "id = 34567", 10, &filter, &error), error);
    for (int threads = 0; threads < 3; threads++) {
        int64_t rows = read_rows((lm_scan_options){.filter = filter, .threads = threads});
        check_requests("filtered", rows, 1, 3);
    }
    lm_expr_free(filter);
}

int main(void)
{
    web_start();
    snprintf(url, sizeof url, "webhdfs://127.0.0.1:%d/t/a.parquet", web.server.port);
    put_file();
    RUN(a_footer_is_one_range);
    RUN(the_first_rows_are_one_range_more);
    RUN(row_groups_are_a_range_each);
    RUN(chunks_that_lie_apart_are_a_range_each);
    RUN(a_row_by_a_filter_is_a_few_ranges);
    web_stop();
    return DONE();
}
