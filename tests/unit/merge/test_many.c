/* Many parts at once (src/merge/many.h): which failure is told, and how often the store is asked.
 */
#include "check.h"

#include "base/error.h"
#include "base/limits.h"
#include "merge/many.h"
#include "store/fault/store.h"
#include "store/find.h"

#define ROOT "mem://m"

typedef struct bench {
    lm_store *mem;
    lm_fault_store fault;
    lm_merge_plan plan;
    lm_cancel cancel;
    atomic_int lists, stats, under_way, most;
} bench;

static void count_operation(void *context, const char *name)
{
    bench *b = context;
    if (strcmp(name, "fault_list") == 0) atomic_fetch_add(&b->lists, 1);
    if (strcmp(name, "fault_stat") == 0) atomic_fetch_add(&b->stats, 1);
}

static void bench_open(bench *b, bool is_local)
{
    lm_error error = {0};
    memset(b, 0, sizeof *b);
    CHECK_OK(lm__store_mem_open(NULL, &b->mem, &error), error);
    lm__fault_store_init(&b->fault, b->mem);
    b->fault.hook = count_operation;
    b->fault.hook_context = b;
    b->plan.from = &b->fault.store;
    b->plan.is_local = is_local;
    b->plan.file.cancel = &b->cancel;
}

static const char *put(bench *b, const char *format, int number)
{
    static char path[128];
    lm_error error = {0};
    snprintf(path, sizeof path, format, number);
    CHECK_OK(lm__store_put_if_absent(b->mem, path, "x\n", 2, &error), error);
    return path;
}

/* ---- side by side ---- */

typedef struct numbers {
    bench *b;
    atomic_int ran[300];
    size_t bad, cancel_at;
} numbers;

static lm_status run_number(void *context, size_t number, lm_arena *scratch, lm_error *error)
{
    numbers *n = context;
    atomic_fetch_add(&n->ran[number], 1);
    int now = atomic_fetch_add(&n->b->under_way, 1) + 1, most = atomic_load(&n->b->most);
    while (now > most && !atomic_compare_exchange_weak(&n->b->most, &most, now)) continue;
    CHECK(lm__arena_alloc(scratch, 100) != NULL);
    atomic_fetch_sub(&n->b->under_way, 1);
    if (number == n->cancel_at) atomic_store(&n->b->cancel.requested, 1);
    if (number >= n->bad && number % 3 == n->bad % 3)
        return lm__error_set(error, LM_DATA, "number %zu", number);
    return LM_OK;
}

TEST(the_first_failure_by_its_number_is_told)
{
    for (int turn = 0; turn < 60; turn++) {
        bench b;
        lm_error error = {0};
        char wanted[32];
        bench_open(&b, turn % 10 == 9);
        numbers n = {.b = &b, .bad = (size_t)turn * 4, .cancel_at = SIZE_MAX};
        snprintf(wanted, sizeof wanted, "number %d", turn * 4);
        CHECK_STATUS(lm__many_run(&b.plan, 300, run_number, &n, &error), LM_DATA);
        CHECK_TEXT(error.message, wanted);
        for (size_t i = 0; i <= n.bad; i++) CHECK_INT(n.ran[i], 1);
        CHECK(b.most <= (b.plan.is_local ? 1 : LM_MERGE_ASIDE));
        lm__store_close(b.mem);
    }
}

TEST(each_number_has_its_turn_once_or_the_cancellation_is_told)
{
    for (int turn = 0; turn < 20; turn++) {
        bench b;
        lm_error error = {0};
        bench_open(&b, turn == 0);
        numbers n = {.b = &b, .bad = SIZE_MAX, .cancel_at = turn < 10 ? SIZE_MAX : 100};
        lm_status status = lm__many_run(&b.plan, 300, run_number, &n, &error);
        CHECK_STATUS(status, turn < 10 ? LM_OK : LM_CANCELLED);
        size_t missing = 0; /* a number can be taken and then find the work cancelled */
        for (size_t i = 0; i < 300; i++) CHECK(n.ran[i] == 1 || (turn >= 10 && n.ran[i] == 0));
        for (size_t i = 0; i < (turn < 10 ? 300 : 101); i++) missing += n.ran[i] == 0;
        CHECK(turn < 10 ? missing == 0 : missing < LM_MERGE_ASIDE && n.ran[100] == 1);
        lm__store_close(b.mem);
    }
}

/* ---- looking ---- */

enum { MANY = 40 };

/* Of two directories in turn, and of one with few. */
static size_t fill(bench *b, lm_standing *standings, lm_arena *arena)
{
    size_t count = 0;
    for (int i = 0; i < MANY; i++)
        standings[count++].path =
            lm__arena_strdup(arena, put(b, i % 2 ? ROOT "/in/b/%d" : ROOT "/in/a/x%d", i));
    for (int i = 0; i < 3; i++)
        standings[count++].path = lm__arena_strdup(arena, put(b, ROOT "/in/a/few/%d", i));
    standings[count++].path = ROOT "/in/a/gone";
    standings[count++].path = ROOT "/nowhere/gone";
    put(b, ROOT "/in/a/.hidden%d", 1);
    standings[count++].path = ROOT "/in/a/.hidden1";
    return count;
}

static void check_standings(const bench *b, const lm_standing *standings, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        lm_store_stat stat;
        lm_status status = lm__store_stat(b->mem, standings[i].path, true, &stat, NULL);
        CHECK(standings[i].is_known);
        CHECK_INT(standings[i].there, status == LM_OK);
        if (status == LM_OK) {
            CHECK_INT(standings[i].size, stat.size);
            CHECK(standings[i].stamp == lm__store_stamp(&stat));
        }
    }
}

TEST(directories_are_listed_where_many_of_their_files_are_looked_for)
{
    for (int is_local = 0; is_local < 2; is_local++) {
        bench b;
        lm_standing standings[MANY + 8] = {0};
        lm_arena arena;
        lm_error error = {0};
        lm__arena_init(&arena, NULL, 0);
        bench_open(&b, is_local);
        size_t count = fill(&b, standings, &arena);
        CHECK_OK(lm__many_look(&b.plan, standings, count, &error), error);
        check_standings(&b, standings, count);
        CHECK_INT(b.lists, is_local ? 0 : 2);
        CHECK_INT(b.stats, is_local ? (int)count : 5);
        lm__arena_deinit(&arena);
        lm__store_close(b.mem);
    }
}

TEST(a_directory_that_is_far_larger_is_not_listed_to_its_end)
{
    bench b;
    lm_standing standings[9] = {0};
    char paths[9][64];
    lm_error error = {0};
    bench_open(&b, false);
    for (int i = 0; i < 3000; i++) put(&b, ROOT "/large/%d", i);
    for (int i = 0; i < 9; i++) {
        snprintf(paths[i], sizeof paths[i], ROOT "/large/%d", i * 377);
        standings[i].path = paths[i];
    }
    CHECK_OK(lm__many_look(&b.plan, standings, 9, &error), error);
    check_standings(&b, standings, 9);
    CHECK_INT(b.lists, 1);
    CHECK(b.stats <= 9);
    lm__store_close(b.mem);
}

TEST(each_operation_may_fail)
{
    for (uint64_t nth = 0;; nth++) {
        bench b;
        lm_standing standings[MANY + 8] = {0};
        lm_arena arena;
        lm_error error = {0};
        lm__arena_init(&arena, NULL, 0);
        bench_open(&b, false);
        size_t count = fill(&b, standings, &arena);
        b.fault.plan = (lm_fault_plan){.nth = nth, .status = LM_IO};
        lm_status status = lm__many_look(&b.plan, standings, count, &error);
        bool reached = b.fault.operations > nth;
        CHECK_STATUS(status, reached ? LM_IO : LM_OK);
        lm__arena_deinit(&arena);
        lm__store_close(b.mem);
        if (!reached) break;
    }
}

int main(void)
{
    RUN(the_first_failure_by_its_number_is_told);
    RUN(each_number_has_its_turn_once_or_the_cancellation_is_told);
    RUN(directories_are_listed_where_many_of_their_files_are_looked_for);
    RUN(a_directory_that_is_far_larger_is_not_listed_to_its_end);
    RUN(each_operation_may_fail);
    return DONE();
}
