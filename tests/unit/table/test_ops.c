/* Operations on tables, on stores that fail before or after each operation, and without memory
 * (src/table/operation.h): the old version or the new one, whole. */
#define _GNU_SOURCE
#include "check.h"
#include "check_alloc.h"
#include "scratch.h"
#include "tables.h"

#include <lamella/jsonl.h>
#include <lamella/scan.h>
#include <lamella/table_ops.h>

#include "base/error.h"
#include "store/fault/store.h"
#include "table/append.h"

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

#define TABLE "mem://x/out/r1/trades"

static const char *const appends[] = {"{'tick': 1, 'id': 'a'}\n{'tick': 11, 'id': 'b'}\n",
                                      "{'tick': 2, 'id': 'c'}\n", "{'tick': 3, 'id': 'd'}\n"};

static void table_fill(table *t)
{
    lm_error error;
    table_open(t, BUCKETED);
    for (size_t i = 0; i < 3; i++) CHECK_OK(append(t, appends[i], NULL, &error), error);
}

typedef enum change {
    OVERWRITE,
    OVERWRITE_SOME,
    DELETE_SOME,
    DELETE_ALL,
    COMPACT,
    REPAIR,
    CHANGES
} change;

static lm_expr *expression(const char *text)
{
    lm_expr *expr;
    if (lm_expr_parse(NULL, text, strlen(text), &expr, NULL) != LM_OK) abort();
    return expr;
}

static lm_status do_change(table *t, change which, const lm_allocator *allocator, lm_error *error)
{
    const lm_table_operation how = {.threads = 1, .storage = &t->storage, .allocator = allocator};
    lm_expr *where = expression("bucket = 0");
    lm_status status = LM_OK;
    lm_error_clear(error);
    switch (which) {
    case OVERWRITE:
    case OVERWRITE_SOME:
        t->options.replace = true;
        t->options.replace_where = which == OVERWRITE ? NULL : where;
        t->options.allocator = allocator;
        status = append(t, "{'tick': 5, 'id': 'x'}\n", NULL, error);
        t->options.replace = false;
        t->options.replace_where = NULL;
        t->options.allocator = NULL;
        break;
    case DELETE_SOME: status = lm_table_delete(TABLE, where, &how, NULL, error); break;
    case DELETE_ALL: status = lm_table_delete(TABLE, NULL, &how, NULL, error); break;
    case COMPACT: status = lm_table_compact(TABLE, NULL, &how, NULL, error); break;
    default: status = lm_table_repair(TABLE, &how, NULL, error); break;
    }
    lm_expr_free(where);
    return status;
}

static const char *const before = "bucket=0:1 bucket=0:1 bucket=0:1 bucket=1:1 ";
static const char *const afterwards[CHANGES] = {
    [OVERWRITE] = "bucket=0:1 ",          [OVERWRITE_SOME] = "bucket=0:1 bucket=1:1 ",
    [DELETE_SOME] = "bucket=1:1 ",        [DELETE_ALL] = "",
    [COMPACT] = "bucket=0:3 bucket=1:1 ", [REPAIR] = "bucket=0:1 bucket=0:1 bucket=0:1 bucket=1:1 ",
};

/* Old or new as the status has it, and every part there and sound. */
static void check_state(table *t, change which, lm_status status, const char *place)
{
    const lm_table_operation how = {.threads = 1, .storage = &t->storage};
    lm_error error;
    bool unknown = status == LM_UNKNOWN_OUTCOME;
    bool is_new = status == LM_OK || status == LM_UNKNOWN_DURABILITY;
    const char *now = live(t->store, t->options.root);
    bool old_is = strcmp(now, before) == 0, new_is = strcmp(now, afterwards[which]) == 0;
    if (!(unknown ? old_is || new_is : is_new ? new_is : old_is))
        check_fail(__FILE__, __LINE__, "%s: %s, and there is %s", place, lm_status_name(status),
                   now);
    lm_status sound = lm_table_verify(TABLE, NULL, &how, NULL, &error);
    if (sound != LM_OK && sound != LM_STALE)
        check_fail(__FILE__, __LINE__, "%s: %s", place, error.message);
}

TEST(each_operation_does_what_it_says)
{
    for (change which = 0; which < CHANGES; which++) {
        table t;
        lm_error error;
        table_fill(&t);
        CHECK_TEXT(live(t.store, t.options.root), before);
        CHECK_OK(do_change(&t, which, NULL, &error), error);
        check_state(&t, which, LM_OK, "plain");
        table_close(&t);
    }
}

static void check_faults(bool after, bool for_good, lm_status status)
{
    for (change which = 0; which < CHANGES; which++)
        for (uint64_t nth = 0;; nth++) {
            table t;
            lm_error error;
            char place[64];
            table_fill(&t);
            t.fault.operations = 0;
            t.fault.plan =
                (lm_fault_plan){.nth = nth, .after = after, .status = status, .for_good = for_good};
            lm_status got = do_change(&t, which, NULL, &error);
            bool all = t.fault.operations <= nth;
            t.fault.plan = (lm_fault_plan){.nth = UINT64_MAX};
            snprintf(place, sizeof place, "change %d, operation %d", (int)which, (int)nth);
            if (for_good && got != LM_OK) got = LM_UNKNOWN_OUTCOME; /* nobody was told */
            check_state(&t, which, got, place);
            /* And the next one works. */
            CHECK_OK(append(&t, "{'tick': 40, 'id': 'z'}\n", NULL, &error), error);
            table_close(&t);
            if (all) break;
        }
}

TEST(every_operation_of_the_store_may_fail)
{
    check_faults(false, false, LM_IO);
}
TEST(every_answer_may_be_lost)
{
    check_faults(true, false, LM_UNKNOWN_OUTCOME);
}
TEST(whoever_does_it_may_die_anywhere)
{
    check_faults(false, true, LM_IO);
}

TEST(every_allocation_may_fail)
{
    for (change which = 0; which < CHANGES; which++)
        for (size_t n = 0;; n++) {
            table t;
            lm_error error;
            char place[64];
            check_alloc memory;
            check_alloc_init(&memory, n);
            table_fill(&t);
            lm_status status = do_change(&t, which, &memory.allocator, &error);
            snprintf(place, sizeof place, "change %d, allocation %d", (int)which, (int)n);
            if (memory.failed && status != LM_OK) CHECK_INT(status, LM_NO_MEMORY);
            check_state(&t, which, status, place);
            table_close(&t); /* its files were of that memory too */
            if (memory.live != 0)
                check_fail(__FILE__, __LINE__, "%s: %d are left", place, (int)memory.live);
            if (!memory.failed) break;
        }
}

TEST(verify_and_vacuum_may_fail_anywhere)
{
    for (uint64_t nth = 0;; nth++) {
        table t;
        lm_error error;
        lm_vacuum_result result;
        table_fill(&t);
        const lm_table_operation how = {.threads = 1, .storage = &t.storage};
        const lm_table_vacuuming what = {.has_retention = true, .force = true};
        CHECK_OK(lm_table_compact(TABLE, NULL, &how, NULL, &error), error);
        t.fault.operations = 0;
        t.fault.plan = (lm_fault_plan){.nth = nth, .status = LM_IO};
        lm_status vacuumed = lm_table_vacuum(TABLE, &what, &how, &result, &error);
        bool all = t.fault.operations <= nth;
        t.fault.plan = (lm_fault_plan){.nth = UINT64_MAX};
        if (all) CHECK_OK(vacuumed, error);
        check_state(&t, COMPACT, LM_OK, "vacuum");
        t.fault.operations = 0;
        t.fault.plan = (lm_fault_plan){.nth = nth, .status = LM_IO};
        lm_status verified = lm_table_verify(TABLE, NULL, &how, NULL, &error);
        CHECK(verified == LM_OK || verified == LM_IO);
        table_close(&t);
        if (all) break;
    }
}

/* Takes the files of all live parts away, below the log. */
static void remove_files(lm_store *store)
{
    lm_snapshot *s = snapshot_of(store, "mem://x/out");
    for (size_t i = 0; i < s->part_count; i++) {
        char path[300];
        snprintf(path, sizeof path, TABLE "/%s", s->parts[i].path);
        if (lm__store_remove(store, path, LM_DURABILITY_NONE, NULL) != LM_OK) abort();
    }
    lm__snapshot_free(s);
}

TEST(a_compaction_of_a_table_that_lacks_a_part_says_what_to_do)
{
    table t;
    lm_error error;
    table_fill(&t);
    const lm_table_operation how = {.threads = 1, .storage = &t.storage};
    remove_files(t.store);
    CHECK_STATUS(lm_table_compact(TABLE, NULL, &how, NULL, &error), LM_NOT_FOUND);
    CHECK(strstr(error.message, "version 2 has a part whose file is gone") != NULL);
    CHECK(strstr(error.message, "lamella verify " TABLE) != NULL);
    CHECK_TEXT(live(t.store, t.options.root), before);
    table_close(&t);
}

/* Another who overwrites whatever a compaction is about to read, with two parts, and vacuums. */
typedef struct rival {
    table *table;
    lm_fault_store wrapper;
    lm_storage storage;
    int left, rounds;
    bool is_at_it;
} rival;

static void rival_acts(void *context, const char *name)
{
    rival *r = context;
    if (strcmp(name, "fault_open") != 0 || r->is_at_it || r->left == 0) return;
    table mine = *r->table;
    lm_error error;
    mine.options.storage = &r->storage;
    r->is_at_it = true;
    remove_files(r->table->store);
    for (int i = 0; i < 2; i++) {
        mine.options.replace = i == 0;
        CHECK_OK(append(&mine, "{'tick': 1, 'id': 'x'}\n", NULL, &error), error);
    }
    r->is_at_it = false;
    r->left--;
    r->rounds++;
}

static void at_parts_only(void *context, const char *path)
{
    rival *r = context;
    r->table->fault.hook = strstr(path, "/bucket=") ? rival_acts : NULL;
}

static lm_status compact_beside(table *t, int rounds, int *met, lm_error *error)
{
    rival r = {.table = t, .left = rounds};
    const lm_table_operation how = {.threads = 1, .storage = &t->storage};
    lm__fault_store_init(&r.wrapper, t->store);
    r.wrapper.plan.nth = UINT64_MAX;
    r.storage = (lm_storage){.reserved = &r.wrapper.store};
    t->fault.hook_context = &r;
    t->fault.at = at_parts_only;
    lm_status status = lm_table_compact(TABLE, NULL, &how, NULL, error);
    t->fault.hook = NULL;
    t->fault.at = NULL;
    *met = r.rounds;
    return status;
}

/* compact.c, 2: groups are made anew of what is there now; and after so many times it says so. */
TEST(a_compaction_whose_parts_go_begins_anew)
{
    for (int rounds = 1; rounds < 40; rounds += 38) {
        table t;
        lm_error error;
        lm_table_verified verified;
        int met;
        table_fill(&t);
        const lm_table_operation how = {.threads = 1, .storage = &t.storage};
        lm_status status = compact_beside(&t, rounds, &met, &error);
        if (rounds == 1) {
            CHECK_OK(status, error);
            CHECK_TEXT(live(t.store, t.options.root), "bucket=0:2 ");
        } else {
            CHECK_STATUS(status, LM_CONFLICT);
            CHECK_INT(met, LM_TABLE_COMMIT_ROUNDS_MAX + 1);
            CHECK(strstr(error.message, "nothing was changed: try again") != NULL);
            CHECK_TEXT(live(t.store, t.options.root), "bucket=0:1 bucket=0:1 ");
        }
        CHECK_OK(lm_table_verify(TABLE, NULL, &how, &verified, &error), error);
        CHECK_INT(verified.unreferenced, rounds == 1 ? 2 : 0);
        table_close(&t);
    }
}

int main(void)
{
    RUN(each_operation_does_what_it_says);
    RUN(every_operation_of_the_store_may_fail);
    RUN(every_answer_may_be_lost);
    RUN(whoever_does_it_may_die_anywhere);
    RUN(every_allocation_may_fail);
    RUN(verify_and_vacuum_may_fail_anywhere);
    RUN(a_compaction_of_a_table_that_lacks_a_part_says_what_to_do);
    RUN(a_compaction_whose_parts_go_begins_anew);
    return DONE();
}
