/*
 * The workbook as a whole (xlsx/workbook.h 1 and 3): the same bytes whatever the threads, streams
 * released exactly once, limits refused before anything is written, memory and sinks that fail.
 */
#include <lamella/xlsx.h>

#include "arrow/build.h"
#include "base/error.h"
#include "check.h"
#include "check_alloc.h"

static lm_error error;

/* `batches` batches of `rows` rows: a number, and a text that is null in each seventh row. */
typedef struct made_stream {
    lm_stream stream;
    const lm_allocator *allocator;
    int batches;
    int64_t rows;
    int *closed;
} made_stream;

static lm_status made_next(lm_stream *stream, lm_batch **batch, lm_error *e)
{
    made_stream *made = (made_stream *)stream;
    lm_builder root;
    *batch = NULL;
    if (made->batches-- == 0) return LM_OK;
    LM_TRY(lm__builder_init(&root, made->allocator, &stream->schema->root, e));
    lm_status status = LM_OK;
    char text[32];
    for (int64_t i = 0; status == LM_OK && i < made->rows; i++) {
        status = lm__builder_reserve(&root.children[0], 1);
        if (status == LM_OK) lm__build_i64(&root.children[0], i * i);
        if (status != LM_OK || root.n_children < 2) continue;
        int size = snprintf(text, sizeof text, "row <%d>", (int)i % 100);
        status = i % 7 ? lm__build_bytes(&root.children[1], text, (size_t)size)
                       : lm__build_null(&root.children[1]);
    }
    if (status == LM_OK) status = lm__builder_finish(&root, stream->schema, batch, e);
    lm__builder_deinit(&root);
    return status;
}

static void made_close(lm_stream *stream)
{
    made_stream *made = (made_stream *)stream;
    ++*made->closed;
    free(made);
}

static struct ArrowArrayStream stream_of(const char *schema_text, int batches, int64_t rows,
                                         int *closed)
{
    static const lm_stream_ops ops = {made_next, made_close};
    struct ArrowArrayStream out = {0};
    lm_schema *schema = NULL;
    made_stream *made = calloc(1, sizeof *made);
    CHECK_OK(lm_schema_parse(NULL, schema_text, strlen(schema_text), &schema, &error), error);
    lm__stream_init(&made->stream, &ops, schema);
    lm_schema_free(schema);
    made->batches = batches;
    made->rows = rows;
    made->closed = closed;
    CHECK_OK(lm__stream_export_take(NULL, &made->stream, &out, &error), error);
    return out;
}

static const char two_columns[] = "n: int64, text: utf8";

static lm_status write_book(lm_sink *sink, const lm_xlsx_options *options, int *closed)
{
    lm_xlsx_writer *writer = NULL;
    lm_xlsx_sheet_options sheet = {.name = "one", .table = "Rows"},
                          other = {.name = "two", .filter = true, .date_format = "dd"};
    LM_TRY(lm_xlsx_writer_open(sink, options, &writer, &error));
    struct ArrowArrayStream stream = stream_of(two_columns, 2, 9000, closed);
    lm_status status = lm_xlsx_writer_sheet_take(writer, &stream, &sheet, NULL, &error);
    stream = stream_of(two_columns, 0, 0, closed);
    lm_status second = lm_xlsx_writer_sheet_take(writer, &stream, &other, NULL, &error);
    if (status != LM_OK) CHECK_INT(second, status); /* sticky */
    return lm_xlsx_writer_finish(writer, NULL, &error);
}

TEST(the_same_bytes_whatever_the_threads)
{
    lm_memory_sink sinks[3];
    for (int i = 0; i < 3; i++) {
        lm_xlsx_options options = {.threads = 1 + 2 * i};
        int closed = 0;
        lm_memory_sink_init(&sinks[i], NULL, 1 << 24);
        CHECK_OK(write_book(&sinks[i].sink, &options, &closed), error);
        CHECK_OK(lm_sink_finish(&sinks[i].sink, &error), error);
        CHECK_INT(closed, 2);
        CHECK_INT(sinks[i].size, sinks[0].size);
        if (sinks[i].size == sinks[0].size)
            CHECK(memcmp(sinks[i].data, sinks[0].data, sinks[0].size) == 0);
    }
    for (int i = 0; i < 3; i++) lm_memory_sink_deinit(&sinks[i]);
}

TEST(every_allocation_fails_once)
{
    for (size_t n = 0;; n++) {
        check_alloc memory;
        lm_memory_sink sink;
        int closed = 0;
        check_alloc_init(&memory, n);
        lm_memory_sink_init(&sink, NULL, 1 << 24);
        lm_xlsx_options options = {.threads = 1, .allocator = &memory.allocator};
        lm_status status = write_book(&sink.sink, &options, &closed);
        CHECK_INT(memory.live, 0);
        CHECK(closed == 2 || closed == 0);
        lm_memory_sink_deinit(&sink);
        if (!memory.failed) break;
        CHECK_INT(status, LM_NO_MEMORY);
    }
}

TEST(a_sink_that_fails_at_any_byte)
{
    lm_memory_sink whole;
    int closed = 0;
    lm_xlsx_options options = {.threads = 2};
    lm_memory_sink_init(&whole, NULL, 1 << 24);
    CHECK_OK(write_book(&whole.sink, &options, &closed), error);
    for (size_t room = 0; room < whole.size; room += whole.size / 40 + 1) {
        lm_memory_sink sink;
        closed = 0;
        lm_memory_sink_init(&sink, NULL, room);
        CHECK_INT(write_book(&sink.sink, &options, &closed), LM_LIMIT);
        CHECK_INT(closed, 2);
        lm_memory_sink_deinit(&sink);
    }
    lm_memory_sink_deinit(&whole);
}

static lm_status one_sheet(const char *schema, int batches, int64_t rows,
                           const lm_xlsx_sheet_options *sheet, lm_xlsx_result *result)
{
    lm_memory_sink sink;
    lm_xlsx_writer *writer = NULL;
    int closed = 0;
    lm_memory_sink_init(&sink, NULL, 1 << 28);
    CHECK_OK(lm_xlsx_writer_open(&sink.sink, NULL, &writer, &error), error);
    struct ArrowArrayStream stream = stream_of(schema, batches, rows, &closed);
    lm_status status = lm_xlsx_writer_sheet_take(writer, &stream, sheet, NULL, &error);
    if (status == LM_OK)
        status = lm_xlsx_writer_finish(writer, result, &error);
    else
        lm_xlsx_writer_abort(writer);
    CHECK_INT(closed, 1);
    lm_memory_sink_deinit(&sink);
    return status;
}

TEST(a_sheet_has_so_many_rows)
{
    lm_xlsx_result result;
    lm_xlsx_sheet_options split = {.split = true}, bare = {.no_header = true, .no_widths = true};
    CHECK_OK(one_sheet("n: int64", 1, LM_XLSX_ROWS_MAX - 1, NULL, &result), error);
    CHECK_INT(result.rows, LM_XLSX_ROWS_MAX - 1);
    CHECK_INT(result.sheets, 1);
    CHECK_STATUS(one_sheet("n: int64", 1, LM_XLSX_ROWS_MAX, NULL, &result), LM_DATA);
    CHECK_TEXT(error.message,
               "row 1048575: a sheet holds 1048576 rows with its header; have the rows split into "
               "several sheets, or write CSV or Parquet");
    CHECK_OK(one_sheet("n: int64", 1, LM_XLSX_ROWS_MAX, &bare, &result), error);
    CHECK_OK(one_sheet("n: int64", 2, LM_XLSX_ROWS_MAX, &split, &result), error);
    CHECK_INT(result.sheets, 3);
    CHECK_INT(result.rows, 2 * LM_XLSX_ROWS_MAX);
}

TEST(what_is_refused_before_the_first_byte)
{
    lm_xlsx_sheet_options name = {.name = "a/b"}, table = {.table = "A1"},
                          bare_table = {.table = "T", .no_header = true}, twice = {.table = "T"};
    const lm_xlsx_column column = {.name = "missing", .format = "0.00"};
    lm_xlsx_sheet_options unknown = {.columns = &column, .column_count = 1};
    CHECK_STATUS(one_sheet("n: int64", 0, 0, &name, NULL), LM_INVALID);
    CHECK_STATUS(one_sheet("n: int64", 0, 0, &table, NULL), LM_INVALID);
    CHECK_STATUS(one_sheet("n: int64", 0, 0, &bare_table, NULL), LM_INVALID);
    CHECK_STATUS(one_sheet("n: int64, N: int64", 0, 0, &twice, NULL), LM_SCHEMA);
    CHECK_STATUS(one_sheet("n: int64", 0, 0, &unknown, NULL), LM_INVALID);
    CHECK_TEXT(error.message, "the table has no column missing to be formatted");
    CHECK_STATUS(one_sheet("", 0, 0, NULL, NULL), LM_SCHEMA);
    lm_xlsx_writer *writer = NULL;
    lm_memory_sink sink;
    lm_memory_sink_init(&sink, NULL, 0);
    CHECK_OK(lm_xlsx_writer_open(&sink.sink, NULL, &writer, &error), error);
    CHECK_STATUS(lm_xlsx_writer_finish(writer, NULL, &error), LM_INVALID);
    CHECK_TEXT(error.message, "a workbook needs a sheet");
    lm_memory_sink_deinit(&sink);
}

TEST(two_sheets_of_one_name)
{
    lm_xlsx_writer *writer = NULL;
    lm_memory_sink sink;
    int closed = 0;
    lm_xlsx_sheet_options small = {.name = "sums"}, large = {.name = "SUMS"};
    lm_memory_sink_init(&sink, NULL, 1 << 20);
    CHECK_OK(lm_xlsx_writer_open(&sink.sink, NULL, &writer, &error), error);
    struct ArrowArrayStream stream = stream_of(two_columns, 1, 3, &closed);
    CHECK_OK(lm_xlsx_writer_sheet_take(writer, &stream, &small, NULL, &error), error);
    stream = stream_of(two_columns, 1, 3, &closed);
    CHECK_STATUS(lm_xlsx_writer_sheet_take(writer, &stream, &large, NULL, &error), LM_INVALID);
    CHECK_STATUS(lm_xlsx_writer_finish(writer, NULL, &error), LM_INVALID);
    CHECK_INT(closed, 2);
    lm_memory_sink_deinit(&sink);
}

TEST(an_interrupt_ends_it)
{
    lm_cancel cancel = {.requested = 1};
    lm_xlsx_options options = {.cancel = &cancel};
    lm_memory_sink sink;
    int closed = 0;
    lm_memory_sink_init(&sink, NULL, 1 << 20);
    CHECK_INT(write_book(&sink.sink, &options, &closed), LM_CANCELLED);
    CHECK_INT(closed, 2);
    lm_memory_sink_deinit(&sink);
}

int main(void)
{
    RUN(the_same_bytes_whatever_the_threads);
    RUN(every_allocation_fails_once);
    RUN(a_sink_that_fails_at_any_byte);
    RUN(a_sheet_has_so_many_rows);
    RUN(what_is_refused_before_the_first_byte);
    RUN(two_sheets_of_one_name);
    RUN(an_interrupt_ends_it);
    return DONE();
}
