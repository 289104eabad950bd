/* Numbered entries, over a store in memory that fails in every way. Numbers in brackets are the
 * invariants of publish/numbered_log.h. */
#include "check.h"
#include "check_alloc.h"

#include "base/alloc.h"
#include "base/error.h"
#include "publish/numbered_log.h"
#include "store/fault/store.h"

#define ENTRY_MAX 1000

static lm_store *mem_open(void)
{
    lm_store *store = NULL;
    if (lm__store_mem_open(NULL, &store, NULL) != LM_OK) abort();
    return store;
}

static void must_put(lm_store *store, const char *path, const char *text)
{
    if (lm__store_put_if_absent(store, path, text, strlen(text), NULL) != LM_OK) abort();
}

static bool entry_is(lm_store *store, int64_t number, const char *text)
{
    lm_numbered_log log;
    uint8_t *data;
    size_t size;
    lm__log_init(&log, store, NULL, "t/_log", ".json", ENTRY_MAX);
    if (lm__log_read(&log, number, &data, &size, NULL) != LM_OK) return false;
    bool is = size == strlen(text) && memcmp(data, text, size) == 0;
    lm__free(NULL, data);
    return is;
}

TEST(names_are_twenty_digits_and_a_suffix)
{
    const char *rest = NULL;
    CHECK_INT(lm__log_number("00000000000000000042.json", &rest), 42);
    CHECK_TEXT(rest, ".json");
    CHECK_INT(lm__log_number("09223372036854775807", NULL), INT64_MAX);
    CHECK_INT(lm__log_number("09223372036854775808", NULL), -1);
    CHECK_INT(lm__log_number("99999999999999999999", NULL), -1);
    CHECK_INT(lm__log_number("0000000000000000004.json", NULL), -1);
    CHECK_INT(lm__log_number("_last_checkpoint", NULL), -1);
    CHECK_INT(lm__log_number("", NULL), -1);

    lm_numbered_log log;
    lm_error error;
    char path[LM_PATH_BYTES_MAX];
    lm__log_init(&log, NULL, NULL, "t/_log", ".json", ENTRY_MAX);
    CHECK_OK(lm__log_path(&log, 7, ".checkpoint.parquet", path, &error), error);
    CHECK_TEXT(path, "t/_log/00000000000000000007.checkpoint.parquet");
    char *directory = malloc(LM_PATH_BYTES_MAX);
    memset(directory, 'd', LM_PATH_BYTES_MAX - 1);
    directory[LM_PATH_BYTES_MAX - 1] = '\0';
    log.directory = directory;
    CHECK_STATUS(lm__log_path(&log, 7, ".json", path, &error), LM_LIMIT);
    free(directory);
}

TEST(the_last_one_is_found_and_gaps_are_told)
{
    lm_store *store = mem_open();
    lm_numbered_log log;
    lm_error error;
    int64_t last = 0;
    lm__log_init(&log, store, NULL, "t/_log", ".json", ENTRY_MAX);
    CHECK_OK(lm__log_last(&log, -1, &last, &error), error);
    CHECK_INT(last, -1);
    must_put(store, "t/_log/00000000000000000003.json", "3");
    must_put(store, "t/_log/00000000000000000004.json", "4");
    must_put(store, "t/_log/00000000000000000009.crc", "no entry");
    must_put(store, "t/_log/_last_checkpoint", "no entry");
    must_put(store, "t/_log/z", "no entry");
    CHECK_OK(lm__log_last(&log, -1, &last, &error), error);
    CHECK_INT(last, 4);
    CHECK_OK(lm__log_last(&log, 4, &last, &error), error);
    CHECK_INT(last, 4);
    CHECK_OK(lm__log_last(&log, 5, &last, &error), error);
    CHECK_INT(last, -1);
    must_put(store, "t/_log/00000000000000000007.json", "7");
    CHECK_STATUS(lm__log_last(&log, -1, &last, &error), LM_CORRUPT);
    CHECK_TEXT(error.message, "t/_log: of the entries from 3 to 7, 2 are missing");
    CHECK_OK(lm__log_last(&log, 5, &last, &error), error);
    CHECK_INT(last, 7);
    lm__store_close(store);
}

TEST(an_entry_is_made_once)
{
    lm_store *store = mem_open();
    lm_numbered_log log;
    lm_error error;
    char big[ENTRY_MAX + 1] = {0};
    lm__log_init(&log, store, NULL, "t/_log", ".json", ENTRY_MAX);
    CHECK_OK(lm__log_put(&log, 0, "a", 1, &error), error);
    CHECK_STATUS(lm__log_put(&log, 0, "b", 1, &error), LM_EXISTS);
    CHECK_TEXT(error.message, "t/_log/00000000000000000000.json exists already");
    CHECK_STATUS(lm__log_put(&log, 0, "ab", 2, NULL), LM_EXISTS);
    CHECK_OK(lm__log_put(&log, 0, "a", 1, &error), error); /* [1] its own */
    CHECK_STATUS(lm__log_put(&log, 1, big, sizeof big, &error), LM_LIMIT);
    CHECK(entry_is(store, 0, "a"));
    must_put(store, "t/_log/00000000000000000001.json", big);
    lm__store_close(store);
}

/* ---- every operation fails in turn ---- */

TEST(whatever_fails_the_answer_is_true)
{
    static const lm_fault_plan plans[] = {
        {.status = LM_IO},
        {.status = LM_UNKNOWN_OUTCOME},
        {.status = LM_UNKNOWN_OUTCOME, .after = true},
        {.status = LM_EXISTS},
        {.status = LM_EXISTS, .after = true}, /* the store asked twice, and met itself */
    };
    for (size_t p = 0; p < sizeof plans / sizeof *plans; p++) {
        for (int others = 0; others < 2; others++) {
            for (uint64_t nth = 0;; nth++) {
                lm_store *store = mem_open();
                lm_fault_store fault;
                lm_numbered_log log;
                lm_error error;
                must_put(store, "t/_log/00000000000000000000.json", "first");
                if (others) must_put(store, "t/_log/00000000000000000001.json", "theirs");
                lm__fault_store_init(&fault, store);
                fault.plan = plans[p];
                fault.plan.nth = nth;
                lm__log_init(&log, &fault.store, NULL, "t/_log", ".json", ENTRY_MAX);
                lm_status status = lm__log_put(&log, 1, "ours", 4, &error);
                bool ours = entry_is(store, 1, "ours");
                CHECK(ours != entry_is(store, 1, "theirs") || !others);
                if (status == LM_OK || status == LM_UNKNOWN_DURABILITY)
                    CHECK(ours); /* [1] */
                else if (status != LM_UNKNOWN_OUTCOME)
                    CHECK(!ours); /* [3] */
                if (others) CHECK(status != LM_OK && !ours);
                if (status != LM_OK) CHECK_INT(error.code, status);
                bool all = atomic_load(&fault.operations) <= nth;
                lm__store_close(store);
                if (all) {
                    CHECK_STATUS(status, others ? LM_EXISTS : LM_OK);
                    break;
                }
            }
        }
    }
}

TEST(every_allocation_failing)
{
    for (size_t n = 0;; n++) {
        check_alloc memory;
        lm_store *store;
        lm_numbered_log log;
        lm_status status = LM_NO_MEMORY;
        uint8_t *data = NULL;
        size_t size;
        check_alloc_init(&memory, n);
        if (lm__store_mem_open(&memory.allocator, &store, NULL) == LM_OK) {
            lm__log_init(&log, store, &memory.allocator, "t/_log", ".json", ENTRY_MAX);
            status = lm__log_put(&log, 0, "ours", 4, NULL);
            if (status == LM_OK) status = lm__log_read(&log, 0, &data, &size, NULL);
            lm__free(&memory.allocator, data);
            lm__store_close(store);
        }
        CHECK_INT(memory.live, 0);
        if (!memory.failed) break;
        CHECK_STATUS(status, LM_NO_MEMORY);
    }
}

/* ---- what an entry waits for ---- */

typedef struct waiting {
    lm_store *store;
    int64_t number; /* that must not be there yet */
    int calls;
    lm_status answer;
} waiting;

static lm_status get_ready(void *context, lm_error *error)
{
    waiting *w = context;
    w->calls++;
    CHECK(!entry_is(w->store, w->number, "ours"));
    if (w->answer != LM_OK) return lm__error_set(error, w->answer, "not ready");
    return LM_OK;
}

TEST(an_entry_waits_for_what_it_builds_upon)
{
    for (int threads = 0; threads < 3; threads++) {
        lm_store *store = mem_open();
        lm_numbered_log log;
        lm_error error;
        lm_pool *pool = NULL;
        if (threads && lm__pool_new(NULL, threads, &pool, NULL) != LM_OK) abort();
        waiting w = {.store = store, .number = 1, .answer = LM_IO};
        lm_log_ready ready = {.run = get_ready, .context = &w, .pool = pool};
        lm__log_init(&log, store, NULL, "t/_log", ".json", ENTRY_MAX);
        must_put(store, "t/_log/00000000000000000000.json", "first");
        CHECK_STATUS(lm__log_put_ready(&log, 1, "ours", 4, &ready, &error), LM_IO);
        CHECK_TEXT(error.message, "not ready");
        CHECK(ready.has_failed && !entry_is(store, 1, "ours"));
        ready.has_failed = false;
        w.answer = LM_OK;
        must_put(store, "t/_log/00000000000000000001.json", "theirs");
        CHECK_STATUS(lm__log_put_ready(&log, 1, "ours", 4, &ready, &error), LM_EXISTS);
        w.number = 2;
        CHECK_OK(lm__log_put_ready(&log, 2, "ours", 4, &ready, &error), error);
        CHECK_OK(lm__log_put_ready(&log, 3, "ours", 4, &ready, &error), error);
        CHECK(entry_is(store, 2, "ours") && entry_is(store, 3, "ours"));
        CHECK_INT(w.calls, 2); /* in vain, and once */
        lm__pool_free(pool);
        lm__store_close(store);
    }
}

TEST(whatever_fails_beside_what_it_waits_for)
{
    static const lm_fault_plan plans[] = {{.status = LM_IO},
                                          {.status = LM_UNKNOWN_OUTCOME},
                                          {.status = LM_UNKNOWN_OUTCOME, .after = true},
                                          {.status = LM_EXISTS}};
    for (size_t p = 0; p < sizeof plans / sizeof *plans; p++)
        for (uint64_t nth = 0;; nth++) {
            lm_store *store = mem_open();
            lm_fault_store fault;
            lm_numbered_log log;
            lm_error error;
            waiting w = {.store = store, .number = 1};
            lm_log_ready ready = {.run = get_ready, .context = &w};
            must_put(store, "t/_log/00000000000000000000.json", "first");
            lm__fault_store_init(&fault, store);
            fault.plan = plans[p];
            fault.plan.nth = nth;
            lm__log_init(&log, &fault.store, NULL, "t/_log", ".json", ENTRY_MAX);
            lm_status status = lm__log_put_ready(&log, 1, "ours", 4, &ready, &error);
            bool ours = entry_is(store, 1, "ours");
            CHECK(!ours || w.calls == 1);
            if (status == LM_OK || status == LM_UNKNOWN_DURABILITY)
                CHECK(ours);
            else if (status != LM_UNKNOWN_OUTCOME)
                CHECK(!ours);
            bool all = atomic_load(&fault.operations) <= nth;
            lm__store_close(store);
            if (all) break;
        }
}

/* ---- what was seen is made durable first ---- */

static int syncs;
static lm_status sync_answer;

static lm_status sync_spy(lm_store *store, const char *path, lm_error *error)
{
    (void)store;
    CHECK_TEXT(path, "t/_log");
    syncs++;
    if (sync_answer != LM_OK && error) *error = (lm_error){.code = sync_answer, .message = "no"};
    return sync_answer;
}

TEST(the_directory_is_synced_before_what_was_seen_is_built_upon)
{
    lm_store *store = mem_open();
    lm_numbered_log log;
    lm_error error;
    lm_store_ops ops = *store->ops;
    ops.sync_directory = sync_spy;
    store->ops = &ops;
    syncs = 0;
    sync_answer = LM_OK;
    lm__log_init(&log, store, NULL, "t/_log", ".json", ENTRY_MAX);
    CHECK_OK(lm__log_put(&log, 0, "0", 1, &error), error);
    CHECK_OK(lm__log_put(&log, 1, "1", 1, &error), error);
    CHECK_INT(syncs, 0); /* its own: durable since it was made */
    must_put(store, "t/_log/00000000000000000002.json", "another's");
    CHECK_OK(lm__log_put(&log, 3, "3", 1, &error), error);
    CHECK_INT(syncs, 1); /* [2] */
    must_put(store, "t/_log/00000000000000000004.json", "another's");
    sync_answer = LM_IO;
    CHECK_STATUS(lm__log_put(&log, 5, "5", 1, &error), LM_IO);
    CHECK(!entry_is(store, 5, "5"));
    CHECK_STATUS(lm__log_put(&log, 3, "3", 1, &error), LM_UNKNOWN_DURABILITY);
    CHECK_TEXT(error.message, "entry 3 of t/_log is made: no");
    lm__store_close(store);
}

int main(void)
{
    RUN(names_are_twenty_digits_and_a_suffix);
    RUN(the_last_one_is_found_and_gaps_are_told);
    RUN(an_entry_is_made_once);
    RUN(whatever_fails_the_answer_is_true);
    RUN(every_allocation_failing);
    RUN(an_entry_waits_for_what_it_builds_upon);
    RUN(whatever_fails_beside_what_it_waits_for);
    RUN(the_directory_is_synced_before_what_was_seen_is_built_upon);
    return DONE();
}
