/*
 * Every interleaving of several writers on one table in memory: an exhaustive search, operation of
 * the store by operation.
 *
 * Each actor is a thread that stops before each operation that others could notice, and goes on
 * when the search says so. The search is depth first: a run follows a prefix of choices and then
 * takes the first actor that can go; the next run changes the last choice that has alternatives.
 * What an actor does depends on nothing but what it saw, so a state (what is in the store, and what
 * each actor has seen) that was met before needs no second look. In the contents nonces and times
 * are left out, which no actor decides by.
 */
#include <pthread.h>
#include <semaphore.h>

#include "fixture.h"

#include "store/fault/store.h"
#include "table/checkpoint.h"

#define ACTORS_MAX 4
#define STEPS_MAX 400

typedef struct actor actor;
struct actor {
    const char *what;
    void (*run)(actor *a);
    const char *path;    /* of the part that it adds, */
    const char *removes; /* and of the one that it removes; NULL: none */
    const char *app_id;
    bool rearranges;
    lm_commit_reads reads;
    lm_fault_plan plan;

    /* What came of it. */
    lm_status status;
    lm_commit_result result;
    lm_error error;

    lm_fault_store store;
    lm_snapshot *base;
    pthread_t thread;
    sem_t go, stopped;
    bool done;
    bool runs_on; /* without stops */
    uint64_t seen;
};

typedef struct scene {
    const char *name;
    actor actors[ACTORS_MAX];
    int count;
    void (*check)(const struct scene *s, lm_store *store); /* more than check_table does */
} scene;

/* ---- states ---- */

static uint64_t mix(uint64_t hash, const void *data, size_t size)
{
    const uint8_t *bytes = data;
    for (size_t i = 0; i < size; i++) hash = (hash ^ bytes[i]) * 0x100000001b3u;
    return hash ^ hash >> 31;
}

/* An entry without its first line, which is commitInfo: the rest says whose it is. */
static uint64_t mix_file(uint64_t hash, lm_store *store, const char *name)
{
    char path[200];
    uint8_t *data;
    size_t size, from = 0;
    snprintf(path, sizeof path, "t/_delta_log/%s", name);
    hash = mix(hash, name, strlen(name));
    if (strstr(name, "parquet") || lm__store_read(store, path, NULL, 1 << 20, &data, &size, NULL))
        return hash; /* a checkpoint says what the entries up to its version say */
    if (strstr(name, ".json"))
        while (from < size && data[from] != '\n') from++;
    if (strcmp(name, LM_TABLE_HINT_NAME) == 0) size = size < 14 ? size : 14; /* the version */
    hash = mix(hash, data + from, size - from);
    lm__free(NULL, data);
    return hash;
}

typedef struct hashing {
    lm_store *store;
    uint64_t hash;
} hashing;

static lm_status hash_entry(void *context, const lm_store_entry *entry, lm_error *error)
{
    hashing *h = context;
    (void)error;
    h->hash = mix_file(h->hash, h->store, entry->name);
    return LM_OK;
}

static uint64_t contents_hash(lm_store *store)
{
    hashing h = {store, 0xcbf29ce484222325u};
    if (lm__store_list(store, "t/_delta_log", NULL, hash_entry, &h, NULL) != LM_OK) abort();
    return h.hash;
}

/* The states that were met: an open table of hashes. */
static uint64_t *met;
static size_t met_capacity, met_count;

static bool meet(uint64_t hash)
{
    if (hash == 0) hash = 1;
    if (met_count * 2 >= met_capacity) {
        uint64_t *old = met;
        size_t old_capacity = met_capacity;
        met_capacity = met_capacity ? met_capacity * 2 : 1 << 12;
        met = calloc(met_capacity, sizeof *met);
        met_count = 0;
        for (size_t i = 0; i < old_capacity; i++)
            if (old[i]) (void)meet(old[i]);
        free(old);
    }
    for (size_t at = hash % met_capacity;; at = (at + 1) % met_capacity) {
        if (met[at] == hash) return false;
        if (met[at]) continue;
        met[at] = hash;
        met_count++;
        return true;
    }
}

/* ---- actors ---- */

static bool is_one_of(const char *name, const char *const *names)
{
    for (; *names; names++)
        if (strcmp(*names, name) == 0) return true;
    return false;
}

static void stop(void *context, const char *name)
{
    /* Nobody notices these, and a stage looks at what is there once more when it commits. */
    static const char *const quiet[] = {"fault_stage_open", "stage_write", "stage_seal",
                                        "fault_sync_directory", NULL};
    static const char *const told[] = {"fault_stat", "stage_commit", NULL}; /* by their answer */
    actor *a = context;
    if (a->runs_on || is_one_of(name, quiet)) return;
    sem_post(&a->stopped);
    sem_wait(&a->go);
    a->seen = mix(a->seen, name, strlen(name));
    uint64_t contents = is_one_of(name, told) ? 0 : contents_hash(a->store.inner);
    a->seen = mix(a->seen, &contents, sizeof contents);
}

static void answered(void *context, lm_status status)
{
    actor *a = context;
    if (a->runs_on) return;
    a->seen = mix(a->seen, &status, sizeof status);
}

static void run_commit(actor *a)
{
    lm_table_log log = log_open(&a->store.store, NULL);
    lm_action actions[3];
    size_t count = 0;
    if (a->app_id) actions[count++] = action_txn(a->app_id, 1);
    if (a->path) actions[count++] = action_add(a->path);
    if (a->removes) actions[count++] = action_remove(a->removes);
    for (size_t i = 0; i < count && a->rearranges; i++) {
        if (actions[i].kind == LM_ACTION_ADD) actions[i].add.data_change = false;
        if (actions[i].kind == LM_ACTION_REMOVE) actions[i].remove.data_change = false;
    }
    const lm_commit_request request = {.base = a->base,
                                       .actions = actions,
                                       .action_count = count,
                                       .operation = "WRITE",
                                       .reads = a->reads};
    a->status = lm__table_commit(&log, &request, &a->result, &a->error);
    lm__table_log_deinit(&log);
}

static int64_t next_year_ns(void *context)
{
    return lm__clock_system()->wall_ns(context) + 365 * INT64_C(86400000000000);
}

/* A checkpoint, and away with all that is before it. */
static void run_upkeep(actor *a)
{
    static const lm_clock next_year = {.wall_ns = next_year_ns};
    lm_table_log log = log_open(&a->store.store, NULL);
    lm_checkpoint_result result;
    size_t removed;
    log.clock = &next_year;
    a->status = lm__table_checkpoint(&log, -1, &result, &a->error);
    if (a->status == LM_OK)
        a->status = lm__table_cleanup(&log, &a->base->metadata, false, &removed, &a->error);
    lm__table_log_deinit(&log);
}

/* Two commits, and then upkeep: away with what a slow writer stands upon. */
static void run_busy(actor *a)
{
    static const char *const paths[] = {"busy1", "busy2"};
    lm_table_log log = log_open(&a->store.store, NULL);
    for (int i = 0; i < 2; i++) {
        const lm_action add = action_add(paths[i]);
        const lm_commit_request request = {
            .base = a->base, .actions = &add, .action_count = 1, .operation = "WRITE"};
        a->status = lm__table_commit(&log, &request, &a->result, &a->error);
        if (a->status != LM_OK) break;
    }
    lm__table_log_deinit(&log);
    if (a->status == LM_OK) run_upkeep(a);
}

/* The state as somebody sees it meanwhile: it is whole. */
static void run_reader(actor *a)
{
    lm_table_log log = log_open(&a->store.store, NULL);
    lm_snapshot *s = NULL;
    a->status = lm__snapshot_load(&log, NULL, &s, &a->error);
    if (a->status == LM_OK) {
        size_t old = 0;
        for (size_t i = 0; i < s->part_count; i++) old += strcmp(s->parts[i].path, "a") == 0;
        if (s->part_count != (size_t)s->version + 1 || old != 1) a->status = LM_BROKEN;
        lm__snapshot_free(s);
    }
    lm__table_log_deinit(&log);
}

static void *actor_main(void *context)
{
    actor *a = context;
    sem_wait(&a->go);
    a->run(a);
    a->done = true;
    sem_post(&a->stopped);
    return NULL;
}

/* Lets it go to its next stop, or to its end. */
static void step(actor *a)
{
    sem_post(&a->go);
    sem_wait(&a->stopped);
}

/* ---- what must hold in the end ---- */

typedef struct history {
    const actor *actors;
    int count;
    int found[ACTORS_MAX];
    int64_t in[ACTORS_MAX];
} history;

static lm_status look(void *context, int64_t version, const lm_action *actions, size_t count,
                      lm_error *error)
{
    history *h = context;
    (void)error;
    for (size_t i = 0; i < count; i++)
        for (int a = 0; a < h->count; a++) {
            const actor *who = &h->actors[a];
            bool adds = who->path && actions[i].kind == LM_ACTION_ADD &&
                        strcmp(actions[i].add.path, who->path) == 0;
            bool removes = !who->path && who->removes && actions[i].kind == LM_ACTION_REMOVE &&
                           strcmp(actions[i].remove.path, who->removes) == 0 && count == 2;
            if (!adds && !removes) continue;
            h->found[a]++;
            h->in[a] = version;
        }
    return LM_OK;
}

/* Each acknowledged commit is in the log once, in the entry that was named, and what was refused is
 * not; every version that can be read is whole. */
static void check_table(const scene *s, lm_store *store)
{
    lm_table_log log = log_open(store, NULL);
    lm_arena arena;
    lm_log_listing listing;
    lm_error error;
    history h = {.actors = s->actors, .count = s->count};
    lm__arena_init(&arena, NULL, 0);
    CHECK_OK(lm__log_listing_read(&log, 0, false, &arena, &listing, &error), error);
    int64_t first = listing.entries[0].version;
    int64_t last = listing.entries[listing.entry_count - 1].version;
    CHECK_INT(listing.entry_count, last - first + 1);
    CHECK_OK(lm__log_entries(&log, first, last, look, &h, &error), error);
    for (int a = 0; a < s->count; a++) {
        const actor *who = &s->actors[a];
        if (who->run != run_commit) {
            if (who->status != LM_OK)
                check_fail(__FILE__, __LINE__, "%s: %s: %s", s->name, who->what,
                           who->error.message);
            continue;
        }
        bool gone = who->result.version < first; /* cleaned up */
        if (who->status == LM_OK && !gone && !who->result.was_there) {
            CHECK_INT(h.found[a], 1);
            CHECK_INT(h.in[a], who->result.version);
        } else if (who->status == LM_UNKNOWN_OUTCOME) {
            CHECK(h.found[a] <= 1);
        } else if (who->status != LM_OK || who->result.was_there) {
            CHECK_INT(h.found[a], 0);
        }
    }
    lm_snapshot *newest = load_at(store, -1, &error);
    for (int a = 0; newest && a < s->count; a++) {
        int live = 0;
        for (size_t i = 0; s->actors[a].path && i < newest->part_count; i++)
            live += strcmp(newest->parts[i].path, s->actors[a].path) == 0;
        if (s->actors[a].run == run_commit && s->actors[a].path &&
            s->actors[a].status != LM_UNKNOWN_OUTCOME)
            CHECK_INT(live, s->actors[a].status == LM_OK && !s->actors[a].result.was_there);
    }
    lm__snapshot_free(newest);
    int64_t oldest = listing.checkpoint_count ? listing.checkpoints[0].version : first;
    for (int64_t version = first > oldest ? first : oldest; version <= last; version++) {
        lm_snapshot *at = load_at(store, version, &error);
        if (!at) check_fail(__FILE__, __LINE__, "%s: %s", s->name, error.message);
        lm__snapshot_free(at);
    }
    lm__arena_deinit(&arena);
    lm__table_log_deinit(&log);
}

/* ---- the search ---- */

static int choices[STEPS_MAX], alternatives[STEPS_MAX];

static uint64_t state_of(const scene *s, lm_store *store)
{
    uint64_t hash = contents_hash(store);
    for (int i = 0; i < s->count; i++) {
        hash = mix(hash, &s->actors[i].seen, sizeof s->actors[i].seen);
        hash = mix(hash, &s->actors[i].done, sizeof s->actors[i].done);
    }
    return hash;
}

static lm_store *table_open(void)
{
    lm_store *store = mem_open();
    lm_table_log log = log_open(store, NULL);
    const lm_action actions[] = {action_protocol(), action_metadata(), action_add("a")};
    const lm_commit_request request = {
        .actions = actions, .action_count = 3, .operation = "CREATE TABLE"};
    lm_commit_result result;
    lm_error error;
    CHECK_OK(lm__table_commit(&log, &request, &result, &error), error);
    lm__table_log_deinit(&log);
    return store;
}

/* The n-th of the actors that are not done. */
static actor *pick(scene *s, int n)
{
    for (int i = 0; i < s->count; i++)
        if (!s->actors[i].done && n-- == 0) return &s->actors[i];
    abort();
}

/* One run along choices[0..prefix) and then onwards; returns how many choices are recorded. What
 * lies beyond a state that was met is run to its end, and neither recorded nor looked at. */
static int run_once(scene *s, int prefix)
{
    lm_store *store = table_open();
    lm_error error;
    int depth = 0, left = s->count;
    bool known = false;
    for (int i = 0; i < s->count; i++) {
        actor *a = &s->actors[i];
        a->done = a->runs_on = false;
        a->seen = 0;
        a->base = load_at(store, -1, &error);
        lm__fault_store_init(&a->store, store);
        a->store.plan = a->plan;
        if (a->plan.status == LM_OK) a->store.plan.nth = UINT64_MAX;
        a->store.hook = stop;
        a->store.answered = answered;
        a->store.hook_context = a;
        sem_init(&a->go, 0, 0);
        sem_init(&a->stopped, 0, 0);
        if (pthread_create(&a->thread, NULL, actor_main, a) != 0) abort();
        step(a);
        left -= a->done;
    }
    while (left > 0) {
        if (depth >= prefix && !known) known = !meet(state_of(s, store));
        if (depth >= prefix && !known) {
            choices[depth] = 0;
            alternatives[depth] = left;
        }
        actor *a = pick(s, known ? 0 : choices[depth]);
        a->runs_on = known;
        if (!known && ++depth == STEPS_MAX) abort();
        step(a);
        left -= a->done;
    }
    for (int i = 0; i < s->count; i++) pthread_join(s->actors[i].thread, NULL);
    if (!known) check_table(s, store);
    if (!known && s->check) s->check(s, store);
    for (int i = 0; i < s->count; i++) {
        lm__snapshot_free(s->actors[i].base);
        sem_destroy(&s->actors[i].go);
        sem_destroy(&s->actors[i].stopped);
    }
    lm__store_close(store);
    return depth;
}

static size_t explore(scene *s)
{
    size_t runs = 0;
    free(met);
    met = NULL;
    met_capacity = met_count = 0;
    for (int depth = 0;;) {
        depth = run_once(s, depth);
        runs++;
        while (depth > 0 && choices[depth - 1] + 1 >= alternatives[depth - 1]) depth--;
        if (depth == 0 || check_failed) break;
        choices[depth - 1]++;
    }
    printf("# %s: %zu runs, %zu states\n", s->name, runs, met_count);
    return runs;
}

/* ---- scenes ---- */

static bool all; /* those that take long too */

static int oks(const scene *s)
{
    int ok = 0;
    for (int i = 0; i < s->count; i++) ok += s->actors[i].status == LM_OK;
    return ok;
}

static void all_succeed(const scene *s, lm_store *store)
{
    (void)store;
    for (int i = 0; i < s->count; i++)
        if (s->actors[i].status != LM_OK)
            check_fail(__FILE__, __LINE__, "%s: %s: %s", s->name, s->actors[i].what,
                       s->actors[i].error.message);
}

TEST(three_appends)
{
    scene s = {.name = "three appends",
               .actors = {{.what = "x", .run = run_commit, .path = "x"},
                          {.what = "y", .run = run_commit, .path = "y"},
                          {.what = "z", .run = run_commit, .path = "z"}},
               .count = 3,
               .check = all_succeed};
    CHECK(explore(&s) > 10);
}

static void one_of_the_two_removes(const scene *s, lm_store *store)
{
    CHECK_INT(s->actors[2].status, LM_OK);
    CHECK_INT((s->actors[0].status == LM_OK) + (s->actors[1].status == LM_OK), 1);
    for (int i = 0; i < 2; i++)
        CHECK(s->actors[i].status == LM_OK || s->actors[i].status == LM_CONFLICT);
    lm_error error;
    lm_snapshot *at = load_at(store, -1, &error);
    char paths[100];
    if (at)
        CHECK_TEXT(paths_of(at, paths, sizeof paths),
                   s->actors[0].status == LM_OK ? "compacted x " : "x ");
    lm__snapshot_free(at);
}

TEST(a_compaction_a_delete_and_an_append)
{
    scene s = {
        .name = "compaction, delete, append",
        .actors = {{.what = "compaction",
                    .run = run_commit,
                    .path = "compacted",
                    .removes = "a",
                    .rearranges = true},
                   {.what = "delete", .run = run_commit, .removes = "a", .reads = LM_READS_ALL},
                   {.what = "append", .run = run_commit, .path = "x"}},
        .count = 3,
        .check = one_of_the_two_removes};
    CHECK(explore(&s) > 10);
}

static void told_of_one_entry(const scene *s, lm_store *store)
{
    (void)store;
    CHECK_INT(oks(s), 3);
    CHECK_INT(s->actors[0].result.version, s->actors[1].result.version);
    CHECK_INT(s->actors[0].result.was_there + s->actors[1].result.was_there, 1);
}

TEST(one_transaction_twice)
{
    scene s = {.name = "one transaction twice, and an append",
               .actors = {{.what = "first", .run = run_commit, .path = "x1", .app_id = "run"},
                          {.what = "again", .run = run_commit, .path = "x2", .app_id = "run"},
                          {.what = "append", .run = run_commit, .path = "y"}},
               .count = 3,
               .check = told_of_one_entry};
    CHECK(explore(&s) > 10);
}

TEST(appends_checkpoint_cleanup_and_a_reader)
{
    scene s = {.name = "append, checkpoint and cleanup, reader",
               .actors = {{.what = "append", .run = run_commit, .path = "x"},
                          {.what = "upkeep", .run = run_upkeep},
                          {.what = "reader", .run = run_reader}},
               .count = 3,
               .check = all_succeed};
    CHECK(explore(&s) > 10);
}

/* An append whose base has gone is refused, or it cannot be said what became of it. */
static void stale_at_worst(const scene *s, lm_store *store)
{
    (void)store;
    for (int i = 0; i < s->count; i++) {
        lm_status status = s->actors[i].status;
        if (status != LM_OK && status != LM_STALE && status != LM_UNKNOWN_OUTCOME)
            check_fail(__FILE__, __LINE__, "%s: %s: %s", s->name, s->actors[i].what,
                       s->actors[i].error.message);
    }
}

TEST(a_slow_append_and_a_log_that_is_cleaned_up)
{
    scene s = {.name = "slow append; two appends, checkpoint and cleanup",
               .actors = {{.what = "slow", .run = run_commit, .path = "slow"},
                          {.what = "busy", .run = run_busy}},
               .count = 2,
               .check = stale_at_worst};
    CHECK(explore(&s) > 10);
}

TEST(two_appends_and_a_checkpoint)
{
    if (!all) SKIP("it takes a minute: ./dev test long runs it");
    scene s = {.name = "two appends, checkpoint and cleanup",
               .actors = {{.what = "x", .run = run_commit, .path = "x"},
                          {.what = "y", .run = run_commit, .path = "y"},
                          {.what = "upkeep", .run = run_upkeep}},
               .count = 3,
               .check = stale_at_worst};
    CHECK(explore(&s) > 10);
}

TEST(answers_that_are_lost)
{
    static const lm_fault_plan plans[] = {{.status = LM_UNKNOWN_OUTCOME, .after = true},
                                          {.status = LM_UNKNOWN_OUTCOME},
                                          {.status = LM_EXISTS, .after = true},
                                          {.status = LM_IO}};
    for (size_t p = 0; p < sizeof plans / sizeof *plans; p++)
        for (uint64_t nth = 0; nth < 12; nth++) {
            scene s = {.name = "a lost answer",
                       .actors = {{.what = "x", .run = run_commit, .path = "x"},
                                  {.what = "y", .run = run_commit, .path = "y"},
                                  {.what = "z", .run = run_commit, .path = "z"}},
                       .count = all && nth < 6 ? 3 : 2};
            s.actors[0].plan = plans[p];
            s.actors[0].plan.nth = nth;
            (void)explore(&s);
            CHECK(s.actors[1].status == LM_OK); /* the others are not touched by it */
        }
}

int main(int argc, char **argv)
{
    all = argc > 1 && strcmp(argv[1], "all") == 0;
    RUN(three_appends);
    RUN(a_compaction_a_delete_and_an_append);
    RUN(one_transaction_twice);
    RUN(appends_checkpoint_cleanup_and_a_reader);
    RUN(a_slow_append_and_a_log_that_is_cleaned_up);
    RUN(two_appends_and_a_checkpoint);
    RUN(answers_that_are_lost);
    free(met);
    return DONE();
}
