/* From a log to the state of its table; see snapshot.h for the invariants. */
#include "table/snapshot.h"

#include <string.h>

#include "base/alloc.h"
#include "base/error.h"
#include "base/limits.h"
#include "table/replay.h"

/* Cleaning up can take away what was listed: then the directory is listed again. */
#define LOAD_TRIES 3

/* What is to be read: a checkpoint or none, and the entries after it. */
typedef struct choice {
    lm_arena arena;
    lm_log_listing listing;
    int64_t version, mtime_ms;
    const lm_log_checkpoint *checkpoint;
    lm_log_checkpoint probed;
} choice;

static lm_status no_such(const lm_table_log *log, const choice *c, const lm_snapshot_options *o,
                         int64_t last, lm_error *error)
{
    char oldest[LM_RFC3339_MAX];
    if (o->has_version)
        return lm__error_set(error, LM_NOT_FOUND, "%s: there is no version %lld; the last is %lld",
                             log->root, (long long)o->version, (long long)last);
    if (c->listing.entry_count == 0)
        return lm__error_set(error, LM_NOT_FOUND, "%s: no version has a time", log->root);
    lm__rfc3339(c->listing.entries[0].mtime_ms * 1000000, oldest);
    return lm__error_set(error, LM_NOT_FOUND,
                         "%s: there was no version yet; the oldest that is kept is of %s",
                         log->root, oldest);
}

/* The times of versions never go back: one that is not later than its predecessor counts as a
 * millisecond later (as Spark has it). */
static bool choose_by_time(choice *c, int64_t time_ms)
{
    int64_t last_ms = INT64_MIN;
    bool found = false;
    for (size_t i = 0; i < c->listing.entry_count; i++) {
        const lm_log_entry *entry = &c->listing.entries[i];
        last_ms = entry->mtime_ms > last_ms ? entry->mtime_ms : last_ms + 1;
        if (last_ms > time_ms) break;
        c->version = entry->version;
        c->mtime_ms = last_ms;
        found = true;
    }
    return found;
}

/* Every entry from the checkpoint to the version is there. */
static lm_status choice_check(const lm_table_log *log, const choice *c, lm_error *error)
{
    int64_t next = c->checkpoint ? c->checkpoint->version + 1 : 0;
    const lm_log_listing *l = &c->listing;
    for (size_t i = 0; i < l->entry_count && next <= c->version; i++) {
        if (l->entries[i].version < next) continue;
        if (l->entries[i].version > next) break;
        next++;
    }
    if (next > c->version) return LM_OK;
    return lm__error_set(error, LM_CORRUPT, "%s: entry %lld is missing", log->directory,
                         (long long)next);
}

static lm_status choose_from(lm_table_log *log, const lm_snapshot_options *o, int64_t from,
                             choice *c, lm_error *error)
{
    LM_TRY(lm__log_listing_read(log, from, o->has_time, &c->arena, &c->listing, error));
    const lm_log_listing *l = &c->listing;
    int64_t last = l->entry_count ? l->entries[l->entry_count - 1].version : -1;
    if (l->checkpoint_count && l->checkpoints[l->checkpoint_count - 1].version > last)
        last = l->checkpoints[l->checkpoint_count - 1].version;
    if (last < 0)
        return lm__error_set(error, LM_NOT_FOUND, "%s: no Delta table, its log has no entries",
                             log->root);
    c->version = o->has_version ? o->version : last;
    bool there = o->has_version ? o->version >= 0 && o->version <= last
                 : o->has_time  ? choose_by_time(c, o->time_ms)
                                : true;
    if (!there) return no_such(log, c, o, last, error);
    if (!o->without_checkpoints) c->checkpoint = lm__log_listing_checkpoint(l, c->version);
    return choice_check(log, c, error);
}

/* ---- without a listing ---- */

#define PROBES_MAX 512  /* entries after a checkpoint that are looked for one by one, */
#define PROBE_AHEAD 256 /* and how far past the last one, in steps that double */

static lm_status is_there(lm_table_log *log, int64_t version, const char *suffix, bool *there,
                          lm_error *error)
{
    char path[LM_PATH_BYTES_MAX];
    lm_store_stat stat;
    lm_error local;
    LM_TRY(lm__log_path(&log->entries, version, suffix, path, error));
    lm_status status = lm__store_stat(log->store, path, true, &stat, &local);
    *there = status == LM_OK;
    if (status == LM_OK || status == LM_NOT_FOUND) return LM_OK;
    if (error) *error = local;
    return status;
}

/*
 * Where looking is cheap and listing is not: the hint's checkpoint, and the entries after it one by
 * one. A directory of ten thousand entries is then no slower than one of ten. Cleaning up takes all
 * that is before a checkpoint, so where this one is, what comes after it is. *found is false when
 * only a listing can tell: no such checkpoint, too many entries, or one behind a gap.
 */
static lm_status probe(lm_table_log *log, int64_t hint, choice *c, bool *found, lm_error *error)
{
    bool there;
    int64_t last = hint;
    *found = false;
    LM_TRY(is_there(log, hint, LM_TABLE_CHECKPOINT_SUFFIX, &there, error));
    if (!there || hint > INT64_MAX - PROBES_MAX - PROBE_AHEAD) return LM_OK;
    for (; there && last - hint <= PROBES_MAX; last += there)
        LM_TRY(is_there(log, last + 1, LM_TABLE_ENTRY_SUFFIX, &there, error));
    for (int64_t step = 1; step <= PROBE_AHEAD; step *= 2) {
        LM_TRY(is_there(log, last + 1 + step, LM_TABLE_ENTRY_SUFFIX, &there, error));
        if (there) return LM_OK; /* a gap, or somebody who was quicker than this */
    }
    if (last - hint > PROBES_MAX) return LM_OK; /* there may be more */
    c->probed = (lm_log_checkpoint){.version = hint};
    c->checkpoint = &c->probed;
    c->version = last;
    *found = true;
    return LM_OK;
}

static lm_status choose(lm_table_log *log, const lm_snapshot_options *o, bool with_hint, choice *c,
                        lm_error *error)
{
    int64_t hint = -1;
    lm_error local;
    if (with_hint && !o->has_time && !o->without_checkpoints)
        LM_TRY(lm__log_hint(log, &hint, error));
    if (hint > 0 && !o->has_version && (log->store->caps & LM_STORE_LOCAL)) {
        bool found;
        LM_TRY(probe(log, hint, c, &found, error));
        if (found) return LM_OK;
    }
    if (hint > 0 && !(o->has_version && o->version < hint)) {
        lm_status status = choose_from(log, o, hint, c, &local);
        if (status == LM_OK && c->checkpoint) return LM_OK;
        if (status == LM_NO_MEMORY || status == LM_CANCELLED) {
            if (error) *error = local;
            return status;
        }
        lm__arena_reset(&c->arena); /* a hint that leads nowhere */
    }
    lm_status status = choose_from(log, o, 0, c, error);
    if (status == LM_NOT_FOUND && c->listing.entry_count == 0)
        return lm__error_set(error, LM_NOT_FOUND, "%s: no Delta table is there", log->root);
    return status;
}

/* ---- replaying ---- */

static lm_status replay_entry(void *context, int64_t version, const lm_action *actions,
                              size_t count, lm_error *error)
{
    lm_replay *r = context;
    (void)error;
    for (size_t i = count; i-- > 0;) LM_TRY(lm__replay_action(r, &actions[i], version));
    return LM_OK;
}

static lm_status replay(lm_replay *r, const choice *c)
{
    int64_t first = c->checkpoint ? c->checkpoint->version + 1 : 0;
    if (c->version >= first)
        LM_TRY(lm__log_entries(r->log, c->version, first, replay_entry, r, r->error));
    if (c->checkpoint) LM_TRY(lm__replay_checkpoint(r, c->checkpoint));
    return lm__replay_readable(r);
}

static lm_status load(lm_table_log *log, const lm_snapshot_options *o, const choice *c,
                      lm_snapshot **snapshot, lm_error *error)
{
    lm_snapshot *s = lm__alloc_zero(log->allocator, sizeof *s);
    if (!s) return lm__error_memory(error, "reading the state of a table");
    *s = (lm_snapshot){
        .allocator = log->allocator,
        .version = c->version,
        .mtime_ms = c->mtime_ms,
        .checkpoint_version = c->checkpoint ? c->checkpoint->version : -1,
        .has_parts = !o->without_parts,
        .has_removes = o->with_removes,
    };
    lm__arena_init(&s->arena, log->allocator, 0);
    lm_replay r = {.log = log, .snapshot = s, .error = error};
    lm__text_index_init(&r.paths, log->allocator);
    lm__text_index_init(&r.apps, log->allocator);
    lm__buffer_init(&r.name, log->allocator, 0);
    lm_status status = replay(&r, c);
    lm__text_index_deinit(&r.paths);
    lm__text_index_deinit(&r.apps);
    lm__buffer_deinit(&r.name);
    if (status == LM_OK && o->has_time &&
        lm__property_bool(&s->metadata, "delta.enableInCommitTimestamps", false))
        status = lm__error_set(error, LM_UNSUPPORTED,
                               "%s: the table has the Delta feature inCommitTimestamp, with which "
                               "its versions cannot be told by time here; ask by version",
                               log->root);
    if (status == LM_OK)
        *snapshot = s;
    else
        lm__snapshot_free(s);
    return status;
}

lm_status lm__snapshot_load(lm_table_log *log, const lm_snapshot_options *options,
                            lm_snapshot **snapshot, lm_error *error)
{
    static const lm_snapshot_options defaults = {0};
    if (!options) options = &defaults;
    *snapshot = NULL;
    for (int tries = 1;; tries++) {
        choice c = {.version = -1};
        lm__arena_init(&c.arena, log->allocator, 0);
        lm_status status = choose(log, options, tries == 1, &c, error);
        bool chosen = status == LM_OK;
        if (chosen) status = load(log, options, &c, snapshot, error);
        lm__arena_deinit(&c.arena);
        if (!chosen || status != LM_NOT_FOUND) return status;
        if (tries < LOAD_TRIES) continue;
        if (error) error->code = LM_CORRUPT; /* the table is there, a file of its log is not */
        return LM_CORRUPT;
    }
}

void lm__snapshot_free(lm_snapshot *snapshot)
{
    if (!snapshot) return;
    const lm_allocator *allocator = snapshot->allocator;
    lm__free(allocator, snapshot->parts);
    lm__free(allocator, snapshot->removes);
    lm__free(allocator, snapshot->txns);
    lm__arena_deinit(&snapshot->arena);
    lm__free(allocator, snapshot);
}

const lm_snapshot_txn *lm__snapshot_txn(const lm_snapshot *snapshot, const char *app_id)
{
    for (size_t i = 0; i < snapshot->txn_count; i++)
        if (strcmp(snapshot->txns[i].txn.app_id, app_id) == 0) return &snapshot->txns[i];
    return NULL;
}

const char *lm__part_value(const lm_delta_add *part, const char *column)
{
    const char *value = lm__text_map_get(&part->partition_values, column);
    return value && *value ? value : NULL;
}
