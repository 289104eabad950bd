/* Commits against one another, and over a store that fails. Numbers in brackets are the invariants
 * of commit.h. */
#include "check_alloc.h"
#include "fixture.h"

#include "store/fault/store.h"

static char text[4096];

static lm_status commit_with(lm_table_log *log, const lm_snapshot *base, lm_commit_request *request,
                             const lm_action *actions, size_t count, lm_commit_result *result,
                             lm_error *error)
{
    request->base = base;
    request->actions = actions;
    request->action_count = count;
    if (!request->operation) request->operation = "WRITE";
    return lm__table_commit(log, request, result, error);
}

static lm_status commit(lm_store *store, const lm_snapshot *base, const lm_action *actions,
                        size_t count, lm_commit_result *result, lm_error *error)
{
    lm_table_log log = log_open(store, NULL);
    lm_commit_request request = {0};
    lm_status status = commit_with(&log, base, &request, actions, count, result, error);
    lm__table_log_deinit(&log);
    return status;
}

/* A table "t" with the parts a and b. */
static lm_store *table_open(void)
{
    lm_store *store = mem_open();
    lm_commit_result result;
    lm_error error;
    const lm_action actions[] = {action_add("a"), action_protocol(), action_add("b"),
                                 action_metadata()};
    CHECK_OK(commit(store, NULL, actions, 4, &result, &error), error);
    CHECK_INT(result.version, 0);
    return store;
}

static void check_paths(lm_store *store, const char *want)
{
    lm_error error;
    lm_snapshot *s = load_at(store, -1, &error);
    if (!s) {
        check_fail(__FILE__, __LINE__, "%s", error.message);
        return;
    }
    CHECK_TEXT(paths_of(s, text, sizeof text), want);
    lm__snapshot_free(s);
}

TEST(a_table_is_made_and_appended_to)
{
    lm_store *store = table_open();
    lm_commit_result result;
    lm_error error;
    lm_action add = action_add("c");
    lm_snapshot *base = load_at(store, -1, &error);
    CHECK_OK(commit(store, base, &add, 1, &result, &error), error);
    CHECK_INT(result.version, 1);
    CHECK_INT(result.tries, 1);
    CHECK(!result.was_there);
    add = action_add("d"); /* on a base that is not the newest */
    CHECK_OK(commit(store, base, &add, 1, &result, &error), error);
    CHECK_INT(result.version, 2);
    CHECK_INT(result.tries, 2);
    check_paths(store, "a b c d ");
    lm__snapshot_free(base);

    const lm_action again[] = {action_protocol(), action_metadata()};
    CHECK_STATUS(commit(store, NULL, again, 2, &result, &error), LM_EXISTS);
    remove_file(store, "t/_delta_log/00000000000000000000.json");
    CHECK_STATUS(commit(store, NULL, again, 2, &result, &error), LM_EXISTS);
    lm__store_close(store);
}

TEST(an_entry_has_its_head_first)
{
    lm_store *store = table_open();
    uint8_t *data;
    size_t size;
    if (lm__store_read(store, "t/_delta_log/00000000000000000000.json", NULL, 10000, &data, &size,
                       NULL) != LM_OK)
        abort();
    static const char *const order[] = {"{\"commitInfo\":{\"timestamp\":", "\n{\"protocol\":",
                                        "\n{\"metaData\":", "\n{\"add\":{\"path\":\"a\"",
                                        "\n{\"add\":{\"path\":\"b\""};
    const char *at = (const char *)data;
    CHECK(size > 0 && data[size - 1] == '\n');
    data[size - 1] = '\0';
    for (size_t i = 0; i < 5 && at; i++) {
        at = strstr(at, order[i]);
        CHECK(at != NULL);
    }
    CHECK(strstr((const char *)data, "\"engineInfo\":\"lamella/") != NULL);
    CHECK(strstr((const char *)data, "\"isBlindAppend\":true") != NULL);
    lm__free(NULL, data);
    lm__store_close(store);
}

/* ---- what conflicts ---- */

static bool is_a(void *context, const lm_delta_add *part)
{
    (void)context;
    return part->path[0] == 'a';
}

typedef struct scene {
    const char *what;
    const char *theirs; /* lines of the entry between */
    lm_commit_reads reads;
    const char *removes, *adds; /* ours */
    bool serializable, rearranges;
    const char *conflict; /* NULL: none */
} scene;

#define BLIND "{\"commitInfo\":{\"isBlindAppend\":true}}\n"
#define THEIR_ADD(path) "{\"add\":{\"path\":\"" path "\",\"size\":1}}\n"
#define THEIR_REMOVE(path)                                                                         \
    "{\"remove\":{\"path\":\"" path "\",\"size\":1,\"partitionValues\":{\"bucket\":\"1\"}}}\n"

static const scene scenes[] = {
    {.what = "append, append", .theirs = THEIR_ADD("x"), .adds = "c"},
    {.what = "append, remove", .theirs = THEIR_REMOVE("a"), .adds = "c"},
    {.what = "append, metadata",
     .theirs = "{\"metaData\":{\"id\":\"i\",\"schemaString\":\"{}\"}}",
     .adds = "c",
     .conflict = "changed the metadata of the table"},
    {.what = "append, protocol",
     .theirs = "{\"protocol\":{\"minReaderVersion\":1,\"minWriterVersion\":2}}",
     .adds = "c",
     .conflict = "changed the protocol of the table"},
    {.what = "remove, remove",
     .theirs = THEIR_REMOVE("a"),
     .removes = "a",
     .conflict = "removed a part that is removed here too: a"},
    {.what = "remove, another remove", .theirs = THEIR_REMOVE("b"), .removes = "a"},
    {.what = "overwrite, blind append",
     .theirs = BLIND THEIR_ADD("x"),
     .reads = LM_READS_ALL,
     .removes = "a"},
    {.what = "overwrite, append that read",
     .theirs = THEIR_ADD("x"),
     .reads = LM_READS_ALL,
     .removes = "a",
     .conflict = "added a part that would have been read: x"},
    {.what = "overwrite, blind append, serializable",
     .theirs = BLIND THEIR_ADD("x"),
     .reads = LM_READS_ALL,
     .removes = "a",
     .serializable = true,
     .conflict = "added a part that would have been read: x"},
    {.what = "delete where, an append elsewhere",
     .theirs = THEIR_ADD("x"),
     .reads = LM_READS_MATCHING,
     .removes = "a"},
    {.what = "delete where, an append there",
     .theirs = THEIR_ADD("a2"),
     .reads = LM_READS_MATCHING,
     .removes = "a",
     .conflict = "added a part that would have been read: a2"},
    {.what = "delete where, a remove there",
     .theirs = THEIR_REMOVE("a2"),
     .reads = LM_READS_MATCHING,
     .removes = "a",
     .conflict = "removed a part that was read: a2"},
    {.what = "delete where, a remove of who knows what",
     .theirs = "{\"remove\":{\"path\":\"x\"}}",
     .reads = LM_READS_MATCHING,
     .removes = "a",
     .conflict = "removed a part that was read: x"},
    {.what = "overwrite, remove",
     .theirs = THEIR_REMOVE("b"),
     .reads = LM_READS_ALL,
     .removes = "a",
     .conflict = "removed a part that was read: b"},
    {.what = "compaction, append",
     .theirs = THEIR_ADD("x"),
     .reads = LM_READS_NOTHING,
     .removes = "a",
     .adds = "c",
     .rearranges = true},
    {.what = "overwrite, compaction that adds",
     .theirs = "{\"add\":{\"path\":\"x\",\"size\":1,\"dataChange\":false}}",
     .reads = LM_READS_ALL,
     .removes = "a"},
};

TEST(conflicts_are_decided_as_the_protocol_has_it)
{
    for (size_t i = 0; i < sizeof scenes / sizeof *scenes; i++) {
        const scene *s = &scenes[i];
        lm_store *store = table_open();
        lm_table_log log = log_open(store, NULL);
        lm_commit_result result;
        lm_error error;
        lm_snapshot *base = load_at(store, -1, &error);
        const lm_key_value level = {.key = "delta.isolationLevel", .value = "Serializable"};
        if (s->serializable) base->metadata.configuration = (lm_text_map){&level, 1};
        put_entry(store, 1, s->theirs);
        lm_action actions[2];
        size_t count = 0;
        if (s->removes) actions[count++] = action_remove(s->removes);
        if (s->adds) actions[count++] = action_add(s->adds);
        if (s->rearranges) actions[0].remove.data_change = actions[1].add.data_change = false;
        lm_commit_request request = {.reads = s->reads, .test = is_a};
        lm_status status = commit_with(&log, base, &request, actions, count, &result, &error);
        if (s->conflict) {
            char want[300];
            snprintf(want, sizeof want,
                     "t/_delta_log/00000000000000000001.json, which was written meanwhile, %s",
                     s->conflict);
            if (status != LM_CONFLICT || strcmp(error.message, want) != 0)
                check_fail(__FILE__, __LINE__, "%s: %s", s->what, error.message);
        } else if (status != LM_OK || result.version != 2) {
            check_fail(__FILE__, __LINE__, "%s: %s", s->what, error.message);
        }
        lm__snapshot_free(base);
        lm__table_log_deinit(&log);
        lm__store_close(store);
    }
}

TEST(a_transaction_is_committed_once)
{
    lm_store *store = table_open();
    lm_commit_result result;
    lm_error error;
    lm_snapshot *old = load_at(store, -1, &error);
    lm_action actions[] = {action_txn("run", 4), action_add("c")};
    CHECK_OK(commit(store, old, actions, 2, &result, &error), error);
    CHECK(!result.was_there && result.version == 1);
    lm_action add = action_add("d");
    CHECK_OK(commit(store, old, &add, 1, &result, &error), error);

    /* Again, as somebody who does not know of it, and as somebody who does. */
    actions[1] = action_add("c2");
    CHECK_OK(commit(store, old, actions, 2, &result, &error), error);
    CHECK(result.was_there && result.version == 1);
    lm_snapshot *new = load_at(store, -1, &error);
    CHECK_OK(commit(store, new, actions, 2, &result, &error), error);
    CHECK(result.was_there && result.version == 1);
    new->txns[0].entry = -1; /* as from a checkpoint: the entries are asked */
    CHECK_OK(commit(store, new, actions, 2, &result, &error), error);
    CHECK(result.was_there && result.version == 1);
    actions[0].txn.version = 3;
    CHECK_OK(commit(store, new, actions, 2, &result, &error), error);
    CHECK(result.was_there && result.version == 1);
    check_paths(store, "a b c d ");
    actions[0].txn.version = 5;
    CHECK_OK(commit(store, old, actions, 2, &result, &error), error);
    CHECK(!result.was_there && result.version == 3);
    check_paths(store, "a b c c2 d ");
    lm__snapshot_free(old);
    lm__snapshot_free(new);
    lm__store_close(store);
}

TEST(what_may_not_be_written_is_refused)
{
    lm_store *store = table_open();
    lm_commit_result result;
    lm_error error;
    lm_snapshot *base = load_at(store, -1, &error);
    lm_action gone = action_remove("a");
    const lm_key_value append_only = {.key = "delta.appendOnly", .value = "true"};
    base->metadata.configuration = (lm_text_map){&append_only, 1};
    CHECK_STATUS(commit(store, base, &gone, 1, &result, &error), LM_UNSUPPORTED);
    CHECK(strstr(error.message, "delta.appendOnly") != NULL);
    gone.remove.data_change = false; /* rearranging is allowed */
    CHECK_OK(commit(store, base, &gone, 1, &result, &error), error);
    const lm_key_value constraint = {.key = "delta.constraints.x", .value = "id > 0"};
    base->metadata.configuration = (lm_text_map){&constraint, 1};
    CHECK_STATUS(commit(store, base, &gone, 1, &result, &error), LM_UNSUPPORTED);
    base->metadata.configuration = (lm_text_map){0};

    lm_action twice[] = {action_add("x"), action_add("x")};
    CHECK_STATUS(commit(store, base, twice, 2, &result, &error), LM_INVALID);
    twice[0] = action_remove("x");
    CHECK_STATUS(commit(store, base, twice, 2, &result, &error), LM_INVALID);
    twice[1] = action_remove("x");
    CHECK_STATUS(commit(store, base, twice, 2, &result, &error), LM_INVALID);
    twice[0] = twice[1] = action_txn("x", 1);
    CHECK_STATUS(commit(store, base, twice, 2, &result, &error), LM_INVALID);
    lm_action metadata = action_metadata(); /* into one that cannot be written */
    metadata.metadata.configuration = (lm_text_map){&constraint, 1};
    CHECK_STATUS(commit(store, base, &metadata, 1, &result, &error), LM_UNSUPPORTED);
    CHECK_STATUS(commit(store, NULL, &metadata, 1, &result, &error), LM_INVALID);
    lm__snapshot_free(base);
    lm__store_close(store);
}

TEST(a_base_that_was_cleaned_up_is_stale) /* [2] */
{
    lm_store *store = table_open();
    lm_commit_result result;
    lm_error error;
    lm_snapshot *base = load_at(store, -1, &error);
    const lm_action add = action_add("c");
    remove_file(store, "t/_delta_log/00000000000000000000.json");
    put_entry(store, 7, THEIR_ADD("x"));
    CHECK_STATUS(commit(store, base, &add, 1, &result, &error), LM_STALE);
    remove_file(store, "t/_delta_log/00000000000000000007.json");
    CHECK_OK(commit(store, base, &add, 1, &result, &error), error);
    lm__snapshot_free(base);
    lm__store_close(store);
}

TEST(tries_are_bounded)
{
    lm_store *store = table_open();
    lm_table_log log = log_open(store, NULL);
    lm_commit_result result;
    lm_error error;
    lm_snapshot *base = load_at(store, -1, &error);
    const lm_action add = action_add("c");
    put_entry(store, 1, THEIR_ADD("x"));
    lm_commit_request request = {.tries_max = 1};
    CHECK_STATUS(commit_with(&log, base, &request, &add, 1, &result, &error), LM_CONFLICT);
    CHECK_TEXT(error.message, "t: other writers were first 1 times, the last time at entry 1; "
                              "nothing conflicts: try again");
    lm__snapshot_free(base);
    lm__table_log_deinit(&log);
    lm__store_close(store);
}

/* ---- failures ---- */

static int live(lm_store *store, const char *path)
{
    lm_error error;
    int found = 0;
    lm_snapshot *s = load_at(store, -1, &error);
    if (!s) {
        check_fail(__FILE__, __LINE__, "%s", error.message);
        return -1;
    }
    for (size_t i = 0; i < s->part_count; i++) found += strcmp(s->parts[i].path, path) == 0;
    lm__snapshot_free(s);
    return found;
}

TEST(whatever_fails_the_answer_is_true) /* [1] */
{
    static const lm_fault_plan plans[] = {
        {.status = LM_IO},
        {.status = LM_UNKNOWN_OUTCOME},
        {.status = LM_UNKNOWN_OUTCOME, .after = true},
        {.status = LM_EXISTS, .after = true},
    };
    for (size_t p = 0; p < sizeof plans / sizeof *plans; p++)
        for (int others = 0; others < 2; others++)
            for (uint64_t nth = 0;; nth++) {
                lm_store *store = table_open();
                lm_fault_store fault;
                lm_commit_result result;
                lm_error error;
                lm_snapshot *base = load_at(store, -1, &error);
                const lm_action actions[] = {action_txn("run", 1), action_add("c")};
                if (others) put_entry(store, 1, THEIR_ADD("x"));
                lm__fault_store_init(&fault, store);
                fault.plan = plans[p];
                fault.plan.nth = nth;
                lm_status status = commit(&fault.store, base, actions, 2, &result, &error);
                int found = live(store, "c");
                if (status == LM_OK || status == LM_UNKNOWN_DURABILITY) {
                    CHECK_INT(found, 1);
                    CHECK_INT(result.version, 1 + others);
                } else {
                    CHECK(found == 0 || status == LM_UNKNOWN_OUTCOME);
                    /* The same again settles it, and does it once. */
                    CHECK_OK(commit(store, base, actions, 2, &result, &error), error);
                    CHECK_INT(live(store, "c"), 1);
                    CHECK_INT(result.was_there, found);
                }
                bool all = atomic_load(&fault.operations) <= nth;
                lm__snapshot_free(base);
                lm__store_close(store);
                if (!all) continue;
                CHECK_STATUS(status, LM_OK);
                break;
            }
}

TEST(every_allocation_failing)
{
    for (size_t n = 0;; n++) {
        lm_store *store = table_open();
        check_alloc memory;
        lm_table_log log;
        lm_commit_result result;
        lm_commit_request request = {0};
        lm_error error;
        lm_snapshot *base = load_at(store, -1, &error);
        const lm_action actions[] = {action_txn("run", 1), action_remove("a"), action_add("c")};
        put_entry(store, 1, THEIR_ADD("x"));
        check_alloc_init(&memory, n);
        lm_status status = lm__table_log_init(&log, &memory.allocator, store, "t", &error);
        log.threads = 1;
        if (status == LM_OK) {
            status = commit_with(&log, base, &request, actions, 3, &result, &error);
            lm__table_log_deinit(&log);
        }
        CHECK_INT(memory.live, 0);
        CHECK_INT(live(store, "c"), status == LM_OK);
        lm__snapshot_free(base);
        lm__store_close(store);
        if (!memory.failed) break;
        CHECK(status == LM_NO_MEMORY || status == LM_OK); /* an entry read once more */
        if (status != LM_OK) CHECK_INT(error.code, LM_NO_MEMORY);
    }
}

int main(void)
{
    RUN(a_table_is_made_and_appended_to);
    RUN(an_entry_has_its_head_first);
    RUN(conflicts_are_decided_as_the_protocol_has_it);
    RUN(a_transaction_is_committed_once);
    RUN(what_may_not_be_written_is_refused);
    RUN(a_base_that_was_cleaned_up_is_stale);
    RUN(tries_are_bounded);
    RUN(whatever_fails_the_answer_is_true);
    RUN(every_allocation_failing);
    return DONE();
}
