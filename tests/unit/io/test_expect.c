/* Expectations in C: what is read as what, what is counted, and every allocation failing in turn.
 */
#define _GNU_SOURCE
#include "io/expect.h"

#include "check_alloc.h"
#include "tables.h"

static lm_stream *table_rows(int64_t count)
{
    struct ArrowArrayStream stream;
    lm_stream *rows;
    table_stream(0, count, 7, &stream);
    scratch_must(lm__stream_import_take(NULL, &stream, LM_VALIDATE_FULL, &rows, NULL) == LM_OK,
                 "rows");
    return rows;
}

/* All of it on a table of `count` rows that is to be `bytes` large, at a path where nothing is. */
static lm_status expect(const lm_allocator *allocator, const char *const *texts, size_t n,
                        int64_t count, uint64_t bytes, lm_error *error)
{
    lm_expect *made;
    lm_stream *rows = table_rows(count);
    lm_status status = lm__expect_new(allocator, texts, n, rows->schema, &made, error);
    if (status != LM_OK) {
        lm__stream_close(rows);
        return status;
    }
    status = lm__expect_stream_take(made, rows, &rows, error);
    if (status != LM_OK) rows = NULL;
    while (status == LM_OK) {
        lm_batch *batch;
        status = lm__stream_next(rows, &batch, error);
        if (status != LM_OK || !batch) break;
        lm__batch_unref(batch);
    }
    lm__stream_close(rows);
    if (status == LM_OK) status = lm__expect_check(made, "/nowhere/at/all", NULL, bytes, error);
    lm__expect_free(made);
    return status;
}

static void check_one(const char *text, lm_status want)
{
    lm_error error = {0};
    lm_status status = expect(NULL, &text, 1, 100, 5000, &error);
    if (status != want)
        check_fail(__FILE__, __LINE__, "%s is %s, not %s: %s", text, lm_status_name(status),
                   lm_status_name(want), error.message);
}

TEST(texts_are_read_as_what_they_say)
{
    static const struct {
        const char *text;
        lm_status status;
    } rows[] = {
        {"rows = 100", LM_OK},
        {"rows == 1e2", LM_OK},
        {" rows*0.5 >= 50 ", LM_OK},
        {"rows > 100", LM_DATA},
        {"100 <= rows", LM_OK},
        {"rows < previous", LM_DATA},
        {"previous = 0", LM_OK},
        {"bytes = 50 * rows", LM_OK},
        {"bytes != 5000", LM_DATA},
        {"nulls(s.y) = 34", LM_OK},
        {"nulls(\"s\".y) <> 34", LM_DATA},
        {"nulls(id)*3 < 1", LM_OK},
        {"id not null", LM_OK},
        {"s.y NOT\tNULL ", LM_DATA},
        {"l is not null", LM_OK},
        {"id between 0 and 99", LM_OK},
        {"id < 99", LM_DATA},
        {"s.y is null or id > 0", LM_OK},
        {"not null", LM_INVALID},
        {"rows", LM_SCHEMA},
        {"nulls(rows) = 0", LM_SCHEMA},
        {"rows_of = 3", LM_SCHEMA},
        {"rows = ", LM_INVALID},
        {"nulls(id = 0", LM_INVALID},
        {"1*1*1*1*1*1*1*1*rows > 0", LM_INVALID},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) check_one(rows[i].text, rows[i].status);
}

TEST(what_fails_is_told_together)
{
    static const char *const texts[] = {"id > 5", "rows >= 10", "nulls(s.y) < 0.1*rows"};
    lm_error error;
    CHECK_STATUS(expect(NULL, texts, 3, 20, 0, &error), LM_DATA);
    CHECK_TEXT(error.message, "/nowhere/at/all: not as expected: id > 5: not true of 6 of 20 rows, "
                              "first of row 0; nulls(s.y) < 0.1*rows: the sides are 7 and 2");
}

TEST(every_allocation_may_fail)
{
    static const char *const texts[] = {"id not null", "nulls(s.y) < rows", "rows >= previous"};
    for (size_t n = 0;; n++) {
        check_alloc memory;
        lm_error error;
        check_alloc_init(&memory, n);
        lm_status status = expect(&memory.allocator, texts, 3, 20, 0, &error);
        CHECK_INT(memory.live, 0);
        if (!memory.failed) {
            CHECK_OK(status, error);
            break;
        }
        CHECK_INT(status, LM_NO_MEMORY);
    }
}

int main(void)
{
    RUN(texts_are_read_as_what_they_say);
    RUN(what_fails_is_told_together);
    RUN(every_allocation_may_fail);
    return check_done();
}
