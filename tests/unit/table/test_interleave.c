/*
 * Every interleaving of several writers on one table in memory: an exhaustive search, operation of
 * the store by operation.
 *
 * Each actor is a thread that stops before each operation that others could notice, and goes on
 * when the search says so. The search is depth first: a run follows a prefix of choices and then
 * takes the first actor that can go; the next run changes the last choice that has alternatives.
 * What an actor does depends on nothing but what it saw, so a state (what is in the store, and what
 * each actor has seen) that was met before needs no second look. In the contents nonces and times
 * are left out, which no actor decides by, and parts are known by their bytes, not by their names.
 *
 * The first scenes commit entries; the others are whole operations on a table with rows: appends,
 * overwrites, deletes, compactions, and vacuums that keep nothing of the past. What must be in each
 * version follows from the log alone, entry by entry (`replay`). manifest.json, which is a view, is
 * left out of what they look at.
 */
#include <pthread.h>
#include <semaphore.h>
#include <sys/random.h>

#include "fixture.h"

#include <lamella/jsonl.h>
#include <lamella/parquet_read.h>
#include <lamella/table_ops.h>

#include "base/clock.h"
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
    int64_t tick; /* of the row that it appends */
    lm_fault_plan plan;

    /* What came of it. */
    lm_status status;
    lm_commit_result result;
    lm_error error;

    lm_fault_store store;
    lm_snapshot *base;
    uint64_t number;
    pthread_t thread;
    sem_t go, stopped;
    bool done;
    bool runs_on; /* without stops */
    bool waits;   /* for the clock to go on, before each step: it decides by what is past */
    char at[300]; /* the path of the last operation that had one */
    uint64_t seen;
};

typedef struct scene {
    const char *name;
    actor actors[ACTORS_MAX];
    int count;
    bool has_rows; /* the table is that of whole operations */
    void (*check)(const struct scene *s, lm_store *store); /* more than check_table does */
} scene;

/* In the place of the C library's: a run that follows another's choices must meet the same names,
 * since listings, and so vacuums, go by their order. Each thread has its own. */
static _Thread_local uint64_t random_state;

ssize_t getrandom(void *buffer, size_t size, unsigned flags)
{
    uint8_t *bytes = buffer;
    (void)flags;
    for (size_t i = 0; i < size; i++) {
        uint64_t z = random_state += 0x9e3779b97f4a7c15u;
        z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
        bytes[i] = (uint8_t)((z ^ z >> 27) * 0x94d049bb133111ebu >> 56);
    }
    return (ssize_t)size;
}

/* ---- states ---- */

static uint64_t mix(uint64_t hash, const void *data, size_t size)
{
    const uint8_t *bytes = data;
    for (size_t i = 0; i < size; i++) hash = (hash ^ bytes[i]) * 0x100000001b3u;
    return hash ^ hash >> 31;
}

/* The table that the scene is about: the fixture's, or that of whole operations. */
#define ROWS_ROOT "mem://x/out"
#define ROWS_TABLE ROWS_ROOT "/r1/t"
#define ROWS_BUCKET ROWS_TABLE "/bucket=0"
static const char *table = "t";

/* The parts of one run that were ever there, by name, with what is in them. */
#define PARTS_MAX 64
#define PART_NAME_SIZE (sizeof "part-00000000-0000-4000-8000-000000000000.parquet" - 1)
static struct {
    char name[PART_NAME_SIZE + 1];
    uint64_t bytes;
} parts[PARTS_MAX];
static int part_count;

static uint64_t part_bytes(const char *name)
{
    for (int i = 0; i < part_count; i++)
        if (strncmp(parts[i].name, name, PART_NAME_SIZE) == 0) return parts[i].bytes;
    return 0;
}

typedef struct part_listing {
    lm_store *store;
    uint64_t hash;
} part_listing;

static lm_status hash_part(void *context, const lm_store_entry *entry, lm_error *error)
{
    part_listing *l = context;
    char path[300];
    uint8_t *data;
    size_t size;
    (void)error;
    if (strlen(entry->name) != PART_NAME_SIZE) return LM_OK;
    uint64_t bytes = part_bytes(entry->name);
    if (!bytes) {
        snprintf(path, sizeof path, ROWS_BUCKET "/%s", entry->name);
        if (part_count == PARTS_MAX ||
            lm__store_read(l->store, path, NULL, 1 << 20, &data, &size, NULL) != LM_OK)
            abort();
        bytes = mix(0xcbf29ce484222325u, data, size);
        memcpy(parts[part_count].name, entry->name, PART_NAME_SIZE);
        parts[part_count++].bytes = bytes;
        lm__free(NULL, data);
    }
    l->hash += bytes * 0x9e3779b97f4a7c15u; /* in whatever order */
    return LM_OK;
}

/* Of the files that are there. */
static uint64_t parts_hash(lm_store *store)
{
    part_listing l = {store, 0};
    if (strcmp(table, ROWS_TABLE) != 0) return 0;
    lm_status status = lm__store_list(store, ROWS_BUCKET, NULL, hash_part, &l, NULL);
    if (status != LM_OK && status != LM_NOT_FOUND) abort();
    return l.hash;
}

/* Text without times, and with parts' bytes for their names. */
static uint64_t mix_text(uint64_t hash, const char *text, size_t size)
{
    static const char *const times[] = {"\"modificationTime\":", "\"deletionTimestamp\":"};
    for (size_t at = 0; at < size;) {
        bool is_time = false;
        for (int i = 0; i < 2 && !is_time; i++) {
            size_t key = strlen(times[i]);
            if (size - at < key || memcmp(text + at, times[i], key) != 0) continue;
            is_time = true;
            for (at += key; at < size && text[at] >= '0' && text[at] <= '9';) at++;
        }
        uint64_t bytes =
            !is_time && size - at >= PART_NAME_SIZE && memcmp(text + at, "part-", 5) == 0
                ? part_bytes(text + at)
                : 0;
        if (bytes) {
            hash = mix(hash, &bytes, sizeof bytes);
            at += PART_NAME_SIZE;
        } else if (!is_time) {
            hash = mix(hash, text + at++, 1);
        }
    }
    return hash;
}

/* An entry without its first line, which is commitInfo: the rest says whose it is. The first entry
 * is the same in all runs, but for the table's own id. */
static uint64_t mix_file(uint64_t hash, lm_store *store, const char *name)
{
    char path[200];
    uint8_t *data;
    size_t size, from = 0;
    snprintf(path, sizeof path, "%s/_delta_log/%s", table, name);
    hash = mix(hash, name, strlen(name));
    if (strcmp(name, "00000000000000000000.json") == 0) return hash;
    if (strstr(name, "parquet") || lm__store_read(store, path, NULL, 1 << 20, &data, &size, NULL))
        return hash; /* a checkpoint says what the entries up to its version say */
    if (strstr(name, ".json"))
        while (from < size && data[from] != '\n') from++;
    if (strcmp(name, LM_TABLE_HINT_NAME) == 0) size = size < 14 ? size : 14; /* the version */
    hash = mix_text(hash, (const char *)data + from, size - from);
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

static uint64_t log_hash(lm_store *store)
{
    hashing h = {store, 0xcbf29ce484222325u};
    char path[200];
    snprintf(path, sizeof path, "%s/_delta_log", table);
    if (lm__store_list(store, path, NULL, hash_entry, &h, NULL) != LM_OK) abort();
    return h.hash;
}

static uint64_t contents_hash(lm_store *store)
{
    uint64_t there = parts_hash(store), hash = log_hash(store);
    return mix(hash, &there, sizeof there);
}

/* What an operation on `path` can tell its caller: of a file whether it is there and what is in it,
 * of a directory what is there. */
static uint64_t view_hash(lm_store *store, const char *path)
{
    static const char log[] = "/_delta_log";
    lm_store_stat stat;
    const char *in_log = strstr(path, log), *name = strrchr(path, '/');
    uint64_t there = parts_hash(store); /* first: entries name parts, and parts go */
    if (in_log && strcmp(in_log, log) == 0) return log_hash(store);
    if (!in_log && strstr(path, "/bucket=0") && !strstr(path, ".parquet")) return there;
    if (!name || lm__store_stat(store, path, true, &stat, NULL) != LM_OK) return 0;
    return in_log ? mix_file(1, store, name + 1) : part_bytes(name + 1);
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

/* Whole operations clean no log up and make no checkpoint: an entry that is there stays as it is,
 * and no other moment to open it would tell anything else. */
static bool is_settled(const actor *a)
{
    lm_store_stat stat;
    if (strcmp(table, ROWS_TABLE) != 0) return false;
    if (strstr(a->at, "manifest.json") || strstr(a->at, LM_TABLE_HINT_NAME)) return true;
    return strstr(a->at, "_delta_log/") &&
           lm__store_stat(a->store.inner, a->at, true, &stat, NULL) == LM_OK;
}

static void stop(void *context, const char *name)
{
    /* Nobody notices these, and a stage looks at what is there once more when it commits. */
    static const char *const quiet[] = {"fault_stage_open", "stage_write",          "stage_end",
                                        "stage_seal",       "fault_sync_directory", NULL};
    static const char *const told[] = {"fault_stat", "stage_commit", NULL}; /* by their answer */
    actor *a = context;
    if (a->runs_on || is_one_of(name, quiet) || is_settled(a)) return;
    sem_post(&a->stopped);
    sem_wait(&a->go);
    a->seen = mix(a->seen, name, strlen(name));
    uint64_t view = is_one_of(name, told) ? 0 : view_hash(a->store.inner, a->at);
    a->seen = mix(a->seen, &view, sizeof view);
}

static void note_path(void *context, const char *path)
{
    actor *a = context;
    snprintf(a->at, sizeof a->at, "%s", path);
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

/* Whole operations. */

static lm_registry *registry;

static lm_status put_row(lm_store *store, int64_t tick, bool replace, lm_error *error)
{
    char text[64];
    lm_memory_source source;
    struct ArrowArrayStream stream;
    const lm_jsonl_read_options how = {.threads = 1};
    const lm_storage storage = {.reserved = store};
    const lm_table_options options = {.root = ROWS_ROOT,
                                      .registry = registry,
                                      .tick_bucket_size = 1000,
                                      .replace = replace,
                                      .threads = 1,
                                      .storage = &storage};
    int size = snprintf(text, sizeof text, "{\"tick\": %lld}\n", (long long)tick);
    lm_memory_source_init(&source, text, (size_t)size, "row");
    LM_TRY(lm_jsonl_read_take(NULL, &source.source, &how, &stream, error));
    return lm_table_append_take(&options, "t", "r1", &stream, NULL, error);
}

static void run_append(actor *a)
{
    a->status = put_row(&a->store.store, a->tick, false, &a->error);
}

static void run_overwrite(actor *a)
{
    a->status = put_row(&a->store.store, a->tick, true, &a->error);
}

/* The partition that all rows are in. */
static void run_delete(actor *a)
{
    static const char text[] = "bucket = 0";
    const lm_storage storage = {.reserved = &a->store.store};
    const lm_table_operation how = {.threads = 1, .storage = &storage};
    lm_expr *where;
    if (lm_expr_parse(NULL, text, strlen(text), &where, NULL) != LM_OK) abort();
    a->status = lm_table_delete(ROWS_TABLE, where, &how, NULL, &a->error);
    lm_expr_free(where);
}

static void run_compact(actor *a)
{
    const lm_storage storage = {.reserved = &a->store.store};
    const lm_table_operation how = {.threads = 1, .storage = &storage};
    a->status = lm_table_compact(ROWS_TABLE, NULL, &how, NULL, &a->error);
}

static void run_vacuum(actor *a)
{
    const lm_storage storage = {.reserved = &a->store.store};
    const lm_table_operation how = {.threads = 1, .storage = &storage};
    const lm_table_vacuuming what = {.has_retention = true, .force = true};
    a->status = lm_table_vacuum(ROWS_TABLE, &what, &how, NULL, &a->error);
}

static void *actor_main(void *context)
{
    actor *a = context;
    random_state = a->number;
    sem_wait(&a->go);
    a->run(a);
    a->done = true;
    sem_post(&a->stopped);
    return NULL;
}

/* All that was done is done in the past. */
static void wait_for_the_clock(void)
{
    const lm_clock *clock = lm__clock_system();
    const struct timespec pause = {.tv_nsec = 50000};
    int64_t now = clock->wall_ns(clock->context) / 1000000;
    while (clock->wall_ns(clock->context) / 1000000 == now) (void)nanosleep(&pause, NULL);
}

/* Lets it go to its next stop, or to its end. */
static void step(actor *a)
{
    if (a->waits) wait_for_the_clock();
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

/* The ticks of a version's rows, which are different powers of two: their sum tells them all. */
static int64_t sum_of(lm_store *store, const lm_snapshot *at, int64_t *rows)
{
    int64_t sum = 0;
    *rows = 0;
    for (size_t i = 0; i < at->part_count; i++) {
        const lm_parquet_read_options read = {.threads = 1};
        char path[400];
        lm_error error;
        lm_source *source;
        lm_parquet_reader *reader;
        struct ArrowArrayStream stream;
        struct ArrowArray array;
        snprintf(path, sizeof path, ROWS_TABLE "/%s", at->parts[i].path);
        lm_status status = lm__store_open(store, path, &source, &error);
        if (status == LM_OK) status = lm_parquet_reader_open(source, NULL, &reader, &error);
        if (status != LM_OK) {
            check_fail(__FILE__, __LINE__, "version %lld: %s", (long long)at->version,
                       error.message);
            return -1;
        }
        CHECK_OK(lm_parquet_read_stream(reader, &read, &stream, &error), error);
        lm_parquet_reader_close(reader);
        while (stream.get_next(&stream, &array) == 0 && array.release) {
            const int64_t *ticks = array.children[0]->buffers[1];
            for (int64_t r = 0; r < array.length; r++)
                sum += ticks[array.offset + array.children[0]->offset + r];
            *rows += array.length;
            array.release(&array);
        }
        stream.release(&stream);
    }
    return sum;
}

/* What the log says that each version has. */
#define VERSIONS_MAX 40
typedef struct replayed {
    int64_t sums[VERSIONS_MAX]; /* of the ticks that are there */
    int64_t added[64];          /* the version that has the row of tick 1 << i; 0: none (0 to 2 are
                                   there before) */
    int times[64];              /* how often */
    int64_t last;
} replayed;

static int bit_of(int64_t tick) { return __builtin_ctzll((unsigned long long)tick); }

/* An append adds its row; an overwrite and a delete take out what was there when they last looked,
 * and blind appends that came between count as having come after (WriteSerializable); a compaction
 * changes nothing. */
static lm_status replay(void *context, int64_t version, const lm_action *actions, size_t count,
                        lm_error *error)
{
    replayed *r = context;
    const lm_delta_commit_info *info = NULL;
    int64_t sum = version > 0 ? r->sums[version - 1] : 0;
    (void)error;
    if (version == VERSIONS_MAX) abort();
    for (size_t i = 0; i < count; i++)
        if (actions[i].kind == LM_ACTION_COMMIT_INFO) info = &actions[i].commit_info;
    const char *mode = lm__text_map_get(&info->parameters, "mode");
    bool optimize = strcmp(info->operation, "OPTIMIZE") == 0;
    bool takes = strcmp(info->operation, "DELETE") == 0 || (mode && strstr(mode, "Overwrite"));
    for (int b = 0; b < 63 && takes; b++)
        if (r->added[b] <= info->read_version) sum &= ~(INT64_C(1) << b);
    for (size_t i = 0; i < count && !optimize; i++) {
        if (actions[i].kind != LM_ACTION_ADD) continue;
        const char *tick = strstr(actions[i].add.stats, "\"tick\":");
        int64_t value = strtoll(tick + strlen("\"tick\":"), NULL, 10);
        sum |= value;
        r->added[bit_of(value)] = version;
        r->times[bit_of(value)]++;
    }
    r->sums[version] = sum;
    r->last = version;
    return LM_OK;
}

/* Each version has the rows that the log says, each once: the newest, and all where nobody vacuums.
 * What was acknowledged is one entry's, what was refused is nobody's. */
static void check_rows(const scene *s, lm_store *store)
{
    replayed r = {.last = -1};
    bool vacuums = false;
    lm_error error;
    lm_table_log log;
    int64_t rows;
    if (lm__table_log_init(&log, NULL, store, ROWS_TABLE, NULL) != LM_OK) abort();
    log.threads = 1;
    lm_snapshot *newest = NULL;
    CHECK_OK(lm__snapshot_load(&log, NULL, &newest, &error), error);
    if (!newest) abort();
    CHECK_OK(lm__log_entries(&log, 0, newest->version, replay, &r, &error), error);
    lm__snapshot_free(newest);
    for (int i = 0; i < s->count; i++) {
        const actor *who = &s->actors[i];
        vacuums |= who->run == run_vacuum;
        if (who->tick == 0) continue;
        int times = r.times[bit_of(who->tick)];
        bool acknowledged = who->status == LM_OK || who->status == LM_UNKNOWN_DURABILITY;
        if (acknowledged ? times != 1 : who->status == LM_UNKNOWN_OUTCOME ? times > 1 : times != 0)
            check_fail(__FILE__, __LINE__, "%s: %s: %s, and its row is there %d times", s->name,
                       who->what, lm_status_name(who->status), times);
    }
    for (int64_t version = vacuums ? r.last : 0; version <= r.last && !check_failed; version++) {
        const lm_snapshot_options options = {.has_version = true, .version = version};
        lm_snapshot *at = NULL;
        CHECK_OK(lm__snapshot_load(&log, &options, &at, &error), error);
        if (!at) break;
        CHECK_INT(sum_of(store, at, &rows), r.sums[version]);
        CHECK_INT(rows, __builtin_popcountll((unsigned long long)r.sums[version]));
        lm__snapshot_free(at);
    }
    lm__table_log_deinit(&log);
}

/* ---- the search ---- */

static int choices[STEPS_MAX], alternatives[STEPS_MAX];
static uint64_t first_operations; /* the most that the first actor did in a run */

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

/* Three rows in three parts, of which a compaction makes one. */
static lm_store *rows_open(void)
{
    static const char descriptor[] =
        "{\"name\": \"t\", \"schema_version\": \"1.0@2026-01-01\", \"columns\": [{\"name\": "
        "\"tick\", \"type\": \"int64\"}], \"partitioning\": [\"bucket\"]}";
    lm_store *store = mem_open();
    lm_fault_store wrapper; /* whose close leaves the store open */
    lm_error error;
    if (!registry) {
        lm_table_descriptor *d;
        lm_registry *made;
        if (lm_table_descriptor_parse(NULL, descriptor, strlen(descriptor), NULL, &d, NULL) ||
            lm_registry_new(NULL, &made, NULL) || lm_registry_add(made, d, NULL))
            abort();
        lm_table_descriptor_free(d);
        registry = made;
    }
    lm__fault_store_init(&wrapper, store);
    for (int64_t tick = 1; tick <= 4; tick *= 2) {
        CHECK_OK(put_row(&wrapper.store, tick, false, &error), error);
        wait_for_the_clock(); /* so that their order is theirs */
    }
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
    random_state = 0;
    lm_store *store = s->has_rows ? rows_open() : table_open();
    lm_error error;
    int depth = 0, left = s->count;
    bool known = false;
    part_count = 0;
    memset(parts, 0, sizeof parts);
    for (int i = 0; i < s->count; i++) {
        actor *a = &s->actors[i];
        a->done = a->runs_on = false;
        a->waits = a->run == run_vacuum;
        a->at[0] = '\0';
        a->number = (uint64_t)i + 1;
        a->seen = 0;
        a->base = s->has_rows ? NULL : load_at(store, -1, &error);
        lm__fault_store_init(&a->store, store);
        a->store.plan = a->plan;
        if (a->plan.status == LM_OK) a->store.plan.nth = UINT64_MAX;
        a->store.hook = stop;
        a->store.at = note_path;
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
        if (depth < prefix && alternatives[depth] != left) abort(); /* not the run that it was */
        actor *a = pick(s, known ? 0 : choices[depth]);
        a->runs_on = known;
        if (!known && ++depth == STEPS_MAX) abort();
        step(a);
        left -= a->done;
    }
    for (int i = 0; i < s->count; i++) pthread_join(s->actors[i].thread, NULL);
    if (s->actors[0].store.operations > first_operations)
        first_operations = s->actors[0].store.operations;
    if (!known && s->has_rows) check_rows(s, store);
    if (!known && !s->has_rows) check_table(s, store);
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
    first_operations = 0;
    table = s->has_rows ? ROWS_TABLE : "t";
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

TEST(a_compaction_and_an_append)
{
    scene s = {.name = "compaction, append",
               .actors = {{.what = "compaction", .run = run_compact},
                          {.what = "append", .run = run_append, .tick = 8}},
               .count = 2,
               .has_rows = true,
               .check = all_succeed};
    CHECK(explore(&s) > 10);
}

TEST(a_compaction_and_a_vacuum)
{
    scene s = {.name = "compaction, vacuum",
               .actors = {{.what = "compaction", .run = run_compact},
                          {.what = "vacuum", .run = run_vacuum}},
               .count = 2,
               .has_rows = true,
               .check = all_succeed};
    CHECK(explore(&s) > 10);
}

#define COMPACTION                                                                                 \
    {                                                                                              \
        .what = "compaction", .run = run_compact                                                   \
    }
#define VACUUM                                                                                     \
    {                                                                                              \
        .what = "vacuum", .run = run_vacuum                                                        \
    }
#define APPEND                                                                                     \
    {                                                                                              \
        .what = "append", .run = run_append, .tick = 8                                             \
    }
#define OVERWRITE                                                                                  \
    {                                                                                              \
        .what = "overwrite", .run = run_overwrite, .tick = 16                                      \
    }
#define DELETE                                                                                     \
    {                                                                                              \
        .what = "delete", .run = run_delete                                                        \
    }

/* Nobody fails: who meets another looks again. */
TEST(two_whole_operations)
{
    static const actor pairs[][2] = {
        {COMPACTION, OVERWRITE}, {COMPACTION, DELETE}, {OVERWRITE, APPEND},     {DELETE, APPEND},
        {OVERWRITE, VACUUM},     {OVERWRITE, DELETE},  {COMPACTION, COMPACTION}};
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
        char name[60];
        snprintf(name, sizeof name, "%s, %s", pairs[i][0].what, pairs[i][1].what);
        scene s = {.name = name,
                   .actors = {pairs[i][0], pairs[i][1]},
                   .count = 2,
                   .has_rows = true,
                   .check = all_succeed};
        CHECK(explore(&s) > 10);
    }
}

TEST(three_whole_operations)
{
    static const actor threes[][3] = {
        {COMPACTION, DELETE, VACUUM}, {COMPACTION, OVERWRITE, VACUUM},
        {COMPACTION, VACUUM, APPEND}, {COMPACTION, OVERWRITE, APPEND},
        {COMPACTION, DELETE, APPEND}, {OVERWRITE, VACUUM, APPEND},
        {OVERWRITE, DELETE, APPEND},  {COMPACTION, OVERWRITE, DELETE}};
    for (size_t i = 0; i < (all ? sizeof threes / sizeof *threes : 1); i++) {
        char name[60];
        snprintf(name, sizeof name, "%s, %s, %s", threes[i][0].what, threes[i][1].what,
                 threes[i][2].what);
        scene s = {.name = name,
                   .actors = {threes[i][0], threes[i][1], threes[i][2]},
                   .count = 3,
                   .has_rows = true,
                   .check = all_succeed};
        CHECK(explore(&s) > 10);
    }
}

/* One of them never hears what came of one of its steps: what it tells is true all the same, and
 * the others are not touched by it. */
static void others_succeed(const scene *s, lm_store *store)
{
    (void)store;
    for (int i = 1; i < s->count; i++)
        if (s->actors[i].status != LM_OK)
            check_fail(__FILE__, __LINE__, "%s: %s: %s", s->name, s->actors[i].what,
                       s->actors[i].error.message);
}

TEST(answers_that_whole_operations_lose)
{
    static const lm_fault_plan plans[] = {{.status = LM_UNKNOWN_OUTCOME, .after = true},
                                          {.status = LM_UNKNOWN_OUTCOME},
                                          {.status = LM_IO}};
    static const actor unlucky[] = {APPEND, OVERWRITE, DELETE, COMPACTION};
    static const actor other = {.what = "other", .run = run_overwrite, .tick = 32};
    for (size_t u = 0; u < sizeof unlucky / sizeof *unlucky; u++)
        for (size_t p = 0; p < (all ? sizeof plans / sizeof *plans : 1); p++)
            for (uint64_t nth = 0;; nth++) {
                char name[60];
                snprintf(name, sizeof name, "%s that loses answer %d", unlucky[u].what, (int)nth);
                scene s = {.name = name,
                           .actors = {unlucky[u], other},
                           .count = 2,
                           .has_rows = true,
                           .check = others_succeed};
                s.actors[0].plan = plans[p];
                s.actors[0].plan.nth = nth;
                (void)explore(&s);
                if (first_operations <= nth || check_failed) break;
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
    RUN(a_compaction_and_an_append);
    RUN(a_compaction_and_a_vacuum);
    RUN(two_whole_operations);
    RUN(three_whole_operations);
    RUN(answers_that_whole_operations_lose);
    lm_registry_free(registry);
    free(met);
    return DONE();
}
