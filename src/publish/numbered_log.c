/* Entries by create-if-absent; see numbered_log.h for the invariants. */
#include "publish/numbered_log.h"

#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/error.h"

void lm__log_init(lm_numbered_log *log, lm_store *store, const lm_allocator *allocator,
                  const char *directory, const char *suffix, size_t entry_bytes_max)
{
    *log = (lm_numbered_log){
        .store = store,
        .allocator = lm__allocator_or_default(allocator),
        .directory = directory,
        .suffix = suffix,
        .entry_bytes_max = entry_bytes_max,
        .durable = -1,
    };
}

int64_t lm__log_number(const char *name, const char **rest)
{
    uint64_t number = 0;
    for (int i = 0; i < LM_LOG_DIGITS; i++) {
        unsigned digit = (unsigned)(unsigned char)name[i] - '0';
        if (digit > 9 || __builtin_mul_overflow(number, 10, &number) ||
            __builtin_add_overflow(number, digit, &number))
            return -1;
    }
    if (number > INT64_MAX) return -1;
    if (rest) *rest = name + LM_LOG_DIGITS;
    return (int64_t)number;
}

lm_status lm__log_path(const lm_numbered_log *log, int64_t number, const char *suffix,
                       char path[LM_PATH_BYTES_MAX], lm_error *error)
{
    int size = snprintf(path, LM_PATH_BYTES_MAX, "%s/%020lld%s", log->directory, (long long)number,
                        suffix);
    if (size > 0 && (size_t)size < LM_PATH_BYTES_MAX) return LM_OK;
    return lm__error_set(error, LM_LIMIT, "%s: the path is longer than %zu bytes", log->directory,
                         LM_PATH_BYTES_MAX);
}

/* ---- the last one ---- */

typedef struct counting {
    const char *suffix;
    int64_t from, least, last;
    uint64_t count;
} counting;

static lm_status count_entry(void *context, const lm_store_entry *entry, lm_error *error)
{
    (void)error;
    counting *c = context;
    const char *rest;
    int64_t number = lm__log_number(entry->name, &rest);
    if (number < c->from || number < 0 || strcmp(rest, c->suffix) != 0) return LM_OK;
    if (c->count++ == 0 || number < c->least) c->least = number;
    if (number > c->last) c->last = number;
    return LM_OK;
}

lm_status lm__log_last(lm_numbered_log *log, int64_t from, int64_t *last, lm_error *error)
{
    char after[LM_LOG_DIGITS + 1];
    if (from < 0) from = 0;
    snprintf(after, sizeof after, "%020lld", (long long)from);
    const lm_list_options options = {.after = after, .cancel = log->cancel};
    counting c = {.suffix = log->suffix, .from = from, .last = -1};
    lm_error local;
    *last = -1;
    lm_status status = lm__store_list(log->store, log->directory, &options, count_entry, &c,
                                      error ? error : &local);
    if (status == LM_NOT_FOUND) return LM_OK;
    if (status != LM_OK) return status;
    if (c.count && (uint64_t)(c.last - c.least) + 1 != c.count)
        return lm__error_set(error, LM_CORRUPT,
                             "%s: of the entries from %lld to %lld, %lld are missing",
                             log->directory, (long long)c.least, (long long)c.last,
                             (long long)(c.last - c.least) + 1 - (long long)c.count);
    *last = c.last;
    return LM_OK;
}

/* ---- one ---- */

lm_status lm__log_read(const lm_numbered_log *log, int64_t number, uint8_t **data, size_t *size,
                       lm_error *error)
{
    char path[LM_PATH_BYTES_MAX];
    *data = NULL;
    LM_TRY(lm__log_path(log, number, log->suffix, path, error));
    return lm__store_read(log->store, path, log->allocator, log->entry_bytes_max, data, size,
                          error);
}

typedef enum whose { OURS, ANOTHERS, NOBODYS, NOT_KNOWN } whose;

static whose entry_whose(const lm_numbered_log *log, const char *path, const void *data,
                         size_t size)
{
    uint8_t *found;
    size_t found_size;
    lm_status status = lm__store_read(log->store, path, log->allocator, log->entry_bytes_max,
                                      &found, &found_size, NULL);
    if (status == LM_NOT_FOUND) return NOBODYS;
    if (status == LM_LIMIT) return ANOTHERS; /* ours is not longer than that */
    if (status != LM_OK) return NOT_KNOWN;
    bool same = found_size == size && memcmp(found, data, size) == 0;
    lm__free(log->allocator, found);
    return same ? OURS : ANOTHERS;
}

/* An answer that the caller did not see: what is there is ours, but is it durable? */
static lm_status settle_ours(lm_numbered_log *log, int64_t number, lm_error *error)
{
    lm_status status = lm__store_sync_directory(log->store, log->directory, error);
    if (status != LM_OK) {
        error->code = LM_UNKNOWN_DURABILITY;
        return lm__error_within(error, LM_UNKNOWN_DURABILITY, "entry %lld of %s is made",
                                (long long)number, log->directory);
    }
    log->durable = number;
    return LM_OK;
}

/* Invariant 2. */
static lm_status sync_before(lm_numbered_log *log, int64_t number, lm_error *error)
{
    if (number == 0 || log->durable >= number - 1) return LM_OK;
    LM_TRY(lm__store_sync_directory(log->store, log->directory, error));
    log->durable = number - 1;
    return LM_OK;
}

typedef struct sealing {
    lm_job job;
    lm_numbered_log *log;
    lm_stage *stage;
    int64_t number;
    lm_status status;
    lm_error error;
} sealing;

static void seal_entry(lm_job *base)
{
    sealing *s = (sealing *)base;
    s->status = sync_before(s->log, s->number, &s->error);
    if (s->status == LM_OK) s->status = lm__stage_seal(s->stage, &s->error);
}

/* The entry's bytes, the directory as it was seen, and what `ready` does, side by side. */
static lm_status seal_beside(lm_numbered_log *log, lm_stage *stage, int64_t number,
                             lm_log_ready *ready, lm_error *error)
{
    sealing s = {.job.run = seal_entry, .log = log, .stage = stage, .number = number};
    lm_group group;
    lm_error_clear(&s.error);
    lm__group_init(&group, ready->pool);
    if (ready->pool) lm__group_submit(&group, &s.job);
    lm_status status = ready->run(ready->context, error);
    ready->is_done = status == LM_OK;
    ready->has_failed = status != LM_OK;
    if (ready->pool)
        lm__group_wait(&group);
    else if (status == LM_OK)
        seal_entry(&s.job);
    if (status != LM_OK || s.status == LM_OK) return status;
    *error = s.error;
    return s.status;
}

static lm_status put_once(lm_numbered_log *log, int64_t number, const char *path, const void *data,
                          size_t size, lm_log_ready *ready, lm_error *error)
{
    const lm_stage_options options = {.mode = LM_COMMIT_IF_ABSENT, .size_expected = size};
    lm_stage *stage;
    if (!ready || ready->is_done) {
        LM_TRY(sync_before(log, number, error));
        return lm__store_put_if_absent(log->store, path, data, size, error);
    }
    LM_TRY(lm__stage_open(log->store, path, &options, &stage, error));
    bool ignored;
    lm_status status = lm__stage_write(stage, data, size, error);
    if (status == LM_OK) status = lm__stage_end(stage, &ignored, error);
    if (status == LM_OK) status = seal_beside(log, stage, number, ready, error);
    if (status == LM_OK) status = lm__stage_commit(stage, error);
    lm__stage_close(stage);
    return status;
}

/*
 * The same bytes may be put again after an unknown outcome: whichever of the two requests arrives
 * first makes the entry, and the other one finds it there.
 */
lm_status lm__log_put(lm_numbered_log *log, int64_t number, const void *data, size_t size,
                      lm_error *error)
{
    return lm__log_put_ready(log, number, data, size, NULL, error);
}

lm_status lm__log_put_ready(lm_numbered_log *log, int64_t number, const void *data, size_t size,
                            lm_log_ready *ready, lm_error *error)
{
    char path[LM_PATH_BYTES_MAX];
    lm_error local;
    if (!error) error = &local;
    if (size > log->entry_bytes_max)
        return lm__error_set(error, LM_LIMIT, "%s: an entry of %zu bytes, of %zu allowed",
                             log->directory, size, log->entry_bytes_max);
    LM_TRY(lm__log_path(log, number, log->suffix, path, error));
    lm_status unknown = LM_OK;
    for (int tries = 0; tries < LM_LOG_PUT_TRIES_MAX; tries++) {
        if (unknown != LM_OK && lm__cancel_requested(log->cancel)) break;
        lm_status status = put_once(log, number, path, data, size, ready, error);
        if (ready && ready->has_failed) return status;
        if (status == LM_OK) log->durable = number;
        if (status == LM_EXISTS || status == LM_UNKNOWN_OUTCOME) {
            whose now = entry_whose(log, path, data, size);
            if (now == OURS) return settle_ours(log, number, error);
            if (now == ANOTHERS) return lm__error_set(error, LM_EXISTS, "%s exists already", path);
            unknown = LM_UNKNOWN_OUTCOME;
            continue; /* to be asked again */
        }
        if (status == LM_OK || status == LM_UNKNOWN_DURABILITY || unknown == LM_OK) return status;
    }
    error->code = LM_UNKNOWN_OUTCOME;
    return lm__error_within(error, LM_UNKNOWN_OUTCOME, "nobody can say whether %s was made", path);
}
