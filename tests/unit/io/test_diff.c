/* Comparing and verifying tables: counts, the end at the first difference, and no memory lost. */
#define _GNU_SOURCE
#include <lamella/contents.h>
#include <lamella/diff.h>

#include "check_alloc.h"
#include "tables.h"

static char place[256], a[300], longer[300], later[300];
static const char *const id_key[] = {"id"};

static lm_status count_one(void *context, const lm_difference *difference, lm_error *error)
{
    (void)error;
    CHECK(difference->kind >= LM_DIFF_ROW_ADDED);
    CHECK(difference->kind == LM_DIFF_ROW_CHANGED || difference->row);
    ++*(int *)context;
    return LM_OK;
}

TEST(rows_are_counted_in_order_and_by_keys)
{
    lm_diff_result result;
    lm_error error;
    int told = 0;
    lm_diff_options options = {.rows_told_max = 3, .callback = count_one, .context = &told};
    CHECK_OK(lm_diff(a, longer, &options, &result, &error), error);
    CHECK(!result.equal);
    CHECK_INT(result.rows_added, 50);
    CHECK_INT(told, 3);
    CHECK_OK(lm_diff(a, later, &options, &result, &error), error);
    CHECK_INT(result.rows_changed, 250);
    options.keys = id_key;
    options.key_count = 1;
    CHECK_OK(lm_diff(a, later, &options, &result, &error), error);
    CHECK_INT(result.rows_removed, 20);
    CHECK_INT(result.rows_added, 20);
    CHECK_INT(result.rows_changed, 0);
    options.first_only = true;
    CHECK_OK(lm_diff(a, later, &options, &result, &error), error);
    CHECK_INT(result.rows_removed + result.rows_added, 1);
}

TEST(a_callback_ends_it)
{
    lm_diff_result result;
    lm_diff_options options = {.rows_told_max = 3, .callback = count_one, .context = &(int){0}};
    lm_cancel cancel = {.requested = true};
    options.cancel = &cancel;
    CHECK_STATUS(lm_diff(a, longer, &options, &result, NULL), LM_CANCELLED);
}

TEST(no_allocation_that_fails_loses_memory)
{
    for (int by_keys = 0; by_keys < 2; by_keys++) {
        for (size_t n = 0;; n++) {
            check_alloc memory;
            lm_diff_result result;
            check_alloc_init(&memory, n);
            lm_diff_options options = {.rows_told_max = 5,
                                       .callback = count_one,
                                       .context = &(int){0},
                                       .keys = id_key,
                                       .key_count = (size_t)by_keys,
                                       .threads = 1,
                                       .allocator = &memory.allocator};
            lm_status status = lm_diff(a, later, &options, &result, NULL);
            CHECK_INT(memory.live, 0);
            if (!memory.failed) break;
            CHECK(status == LM_OK || status == LM_NO_MEMORY); /* some is only asked for speed */
        }
    }
    for (size_t n = 0;; n++) {
        check_alloc memory;
        lm_contents contents;
        check_alloc_init(&memory, n);
        const lm_contents_options options = {.allocator = &memory.allocator};
        lm_status status = lm_verify_contents(a, &options, &contents, NULL);
        CHECK_INT(memory.live, 0);
        if (!memory.failed) break;
        CHECK_STATUS(status, LM_NO_MEMORY);
    }
}

TEST(contents_are_those_of_tables)
{
    lm_contents contents;
    lm_error error;
    char note[300];
    (void)snprintf(note, sizeof note, "%s/note", place);
    file_put(note, "no table");
    CHECK_OK(lm_verify_contents(note, NULL, &contents, &error), error);
    CHECK_INT(contents.format, LM_FORMAT_AUTO);
    CHECK_OK(lm_verify_contents(a, NULL, &contents, &error), error);
    CHECK_INT(contents.format, LM_FORMAT_PARQUET);
    CHECK_INT(contents.rows, 250);
    CHECK_OK(lm_verify_contents(later, NULL, &contents, &error), error);
    CHECK_INT(contents.format, LM_FORMAT_ARROW);
    CHECK_INT(contents.rows, 250);
}

int main(void)
{
    scratch_make_fast(place);
    (void)snprintf(a, sizeof a, "%s/a.parquet", place);
    (void)snprintf(longer, sizeof longer, "%s/longer.parquet", place);
    (void)snprintf(later, sizeof later, "%s/later.arrow", place);
    table_put(a, 0, 250);
    table_put(longer, 0, 300);
    table_put(later, 20, 250);
    RUN(rows_are_counted_in_order_and_by_keys);
    RUN(a_callback_ends_it);
    RUN(no_allocation_that_fails_loses_memory);
    RUN(contents_are_those_of_tables);
    scratch_remove(place);
    return DONE();
}
