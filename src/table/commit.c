/* Committing to a table; see commit.h for the invariants. */
#include "table/commit.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/alloc.h"
#include "base/cancel.h"
#include "base/error.h"
#include "base/limits.h"

typedef struct committing {
    lm_table_log *log;
    const lm_commit_request *request;
    lm_commit_result *result;
    lm_conflicts conflicts;
    char nonce[37];
    lm_buffer bytes;  /* of the entry */
    int64_t next;     /* the number to try */
    bool has_entries; /* some were read: what stands before `next` is there */
    lm_error *error;
} committing;

/* ---- is it allowed at all? ---- */

static lm_status refuse_invalid(const committing *c, const char *what)
{
    return lm__error_set(c->error, LM_INVALID, "%s: %s in one commit", c->log->root, what);
}

/* "A single log entry MUST NOT include more than one action that reconciles with each other." */
static lm_status actions_check(const committing *c)
{
    const lm_commit_request *r = c->request;
    size_t protocols = 0, metadatas = 0, txns = 0;
    lm_text_index adds;
    lm_status status = LM_OK;
    lm__text_index_init(&adds, c->log->allocator);
    for (size_t i = 0; i < r->action_count && status == LM_OK; i++) {
        const lm_action *action = &r->actions[i];
        protocols += action->kind == LM_ACTION_PROTOCOL;
        metadatas += action->kind == LM_ACTION_METADATA;
        txns += action->kind == LM_ACTION_TXN;
        if (action->kind == LM_ACTION_COMMIT_INFO)
            status = refuse_invalid(c, "commitInfo by the caller");
        if (action->kind != LM_ACTION_ADD || status != LM_OK) continue;
        if (lm__text_index_find(&adds, action->add.path) ||
            lm__text_index_find(&c->conflicts.removes, action->add.path))
            status = refuse_invalid(c, "a part twice");
        else if (lm__text_index_add(&adds, action->add.path, 0) != LM_OK)
            status = lm__error_memory(c->error, "committing to a table");
    }
    lm__text_index_deinit(&adds);
    LM_TRY(status);
    if (protocols > 1 || metadatas > 1 || txns > 1)
        return refuse_invalid(c, "protocol, metaData or txn twice");
    if (!r->base && (protocols == 0 || metadatas == 0))
        return refuse_invalid(c, "a new table without protocol or metaData");
    return LM_OK;
}

/* The table as it is, and as the commit makes it, can be written. */
static lm_status table_check(const committing *c)
{
    const lm_commit_request *r = c->request;
    const lm_delta_protocol *protocol = r->base ? &r->base->protocol : NULL;
    const lm_delta_metadata *metadata = r->base ? &r->base->metadata : NULL;
    bool changed = !r->base;
    if (r->base) {
        LM_TRY(lm__table_writable(c->log->allocator, protocol, metadata, c->log->root, c->error));
        for (size_t i = 0; i < r->action_count; i++)
            if (r->actions[i].kind == LM_ACTION_REMOVE && r->actions[i].remove.data_change &&
                lm__property_bool(metadata, LM_PROPERTY_APPEND_ONLY, false))
                return lm__error_set(c->error, LM_UNSUPPORTED,
                                     "%s: the table is append-only (its property %s is true): "
                                     "nothing can be removed from it",
                                     c->log->root, LM_PROPERTY_APPEND_ONLY);
    }
    for (size_t i = 0; i < r->action_count; i++) {
        if (r->actions[i].kind == LM_ACTION_PROTOCOL) protocol = &r->actions[i].protocol;
        if (r->actions[i].kind == LM_ACTION_METADATA) metadata = &r->actions[i].metadata;
        changed |=
            r->actions[i].kind == LM_ACTION_PROTOCOL || r->actions[i].kind == LM_ACTION_METADATA;
    }
    if (!changed) return LM_OK;
    return lm__table_writable(c->log->allocator, protocol, metadata, c->log->root, c->error);
}

/* ---- what came before ---- */

static lm_status find_txn(void *context, int64_t version, const lm_action *actions, size_t count,
                          lm_error *error)
{
    committing *c = context;
    (void)error;
    const lm_delta_txn *txn = c->conflicts.txn;
    for (size_t i = 0; i < count; i++)
        if (actions[i].kind == LM_ACTION_TXN && strcmp(actions[i].txn.app_id, txn->app_id) == 0 &&
            actions[i].txn.version >= txn->version) {
            c->result->version = version;
            return LM_EXISTS; /* ends the walk */
        }
    return LM_OK;
}

/* A transaction that the base has already: in which entry? Those that are left are asked. */
static lm_status txn_in_base(committing *c, const lm_snapshot_txn *found)
{
    c->result->was_there = true;
    c->result->version = found->entry;
    if (found->entry >= 0) return LM_OK;
    lm_arena arena;
    lm_log_listing listing;
    lm__arena_init(&arena, c->log->allocator, 0);
    lm_status status = lm__log_listing_read(c->log, 0, false, &arena, &listing, c->error);
    int64_t last = c->request->base->version;
    if (status == LM_OK && listing.entry_count > 0 && listing.entries[0].version <= last) {
        lm_error local;
        status = lm__log_entries(c->log, last, listing.entries[0].version, find_txn, c, &local);
        if (status == LM_EXISTS || status == LM_NOT_FOUND) status = LM_OK;
        if (status != LM_OK && c->error) *c->error = local;
    }
    lm__arena_deinit(&arena);
    return status;
}

/* Entry `next` - 1 is there, or nothing beyond it is: else the log was cleaned up past the base,
 * and `next` would be made where one has been. */
static lm_status base_check(const committing *c)
{
    char path[LM_PATH_BYTES_MAX];
    lm_store_stat stat;
    lm_arena arena;
    lm_log_listing listing;
    LM_TRY(lm__log_path(&c->log->entries, c->next - 1, LM_TABLE_ENTRY_SUFFIX, path, c->error));
    lm_status status = lm__store_stat(c->log->store, path, true, &stat, c->error);
    if (status != LM_NOT_FOUND) return status;
    lm__arena_init(&arena, c->log->allocator, 0);
    status = lm__log_listing_read(c->log, c->next, false, &arena, &listing, c->error);
    if (status == LM_OK && listing.entry_count + listing.checkpoint_count > 0)
        status = lm__error_set(c->error, LM_STALE,
                               "%s: version %lld, upon which this was made, has been cleaned up; "
                               "load the table anew",
                               c->log->root, (long long)(c->next - 1));
    lm__arena_deinit(&arena);
    return status;
}

/*
 * The entry was made; is what came before it still there? A log is cleaned up in its order, so if
 * it is, number `next` had never been used. If not, then perhaps it had, was cleaned up after
 * base_check, and the entry stands where nobody looks.
 */
static lm_status made_check(const committing *c)
{
    char path[LM_PATH_BYTES_MAX];
    lm_store_stat stat;
    lm_arena arena;
    lm_log_listing listing;
    lm_error local;
    if (c->next == 0) return LM_OK;
    LM_TRY(lm__log_path(&c->log->entries, c->next - 1, LM_TABLE_ENTRY_SUFFIX, path, c->error));
    if (lm__store_stat(c->log->store, path, true, &stat, &local) != LM_NOT_FOUND) return LM_OK;
    lm__arena_init(&arena, c->log->allocator, 0);
    lm_status status = lm__log_listing_read(c->log, c->next, false, &arena, &listing, &local);
    bool later = status == LM_OK && (listing.checkpoint_count > 0 || listing.entry_count > 1);
    if (later && listing.checkpoint_count > 0 && listing.checkpoints[0].version == c->next)
        later = false; /* it was made of this entry: older ones go before it */
    lm__arena_deinit(&arena);
    if (!later) return LM_OK;
    return lm__error_set(c->error, LM_UNKNOWN_OUTCOME,
                         "%s: the log was cleaned up around entry %lld while it was made; nobody "
                         "can say whether it counts",
                         c->log->root, (long long)c->next);
}

static lm_status none_check(const committing *c)
{
    lm_arena arena;
    lm_log_listing listing;
    lm_error local;
    lm__arena_init(&arena, c->log->allocator, 0);
    lm_status status = lm__log_listing_read(c->log, 0, false, &arena, &listing, &local);
    bool there = status == LM_OK && listing.entry_count + listing.checkpoint_count > 0;
    lm__arena_deinit(&arena);
    if (there)
        return lm__error_set(c->error, LM_EXISTS, "%s: a Delta table is there already",
                             c->log->root);
    if (status == LM_OK || status == LM_NOT_FOUND) return LM_OK;
    if (c->error) *c->error = local;
    return status;
}

/* ---- trying ---- */

static bool is_blind_append(const committing *c)
{
    const lm_commit_request *r = c->request;
    if (r->reads != LM_READS_NOTHING) return false;
    bool adds = false;
    for (size_t i = 0; i < r->action_count; i++) {
        if (r->actions[i].kind == LM_ACTION_REMOVE) return false;
        adds |= r->actions[i].kind == LM_ACTION_ADD;
    }
    return adds;
}

static int64_t now_ms(const lm_table_log *log)
{
    return log->clock->wall_ns(log->clock->context) / 1000000;
}

/* commitInfo first, then protocol and metadata, then the rest in its order. */
static lm_status entry_write(committing *c)
{
    const lm_commit_request *r = c->request;
    const lm_action info = {
        .kind = LM_ACTION_COMMIT_INFO,
        .commit_info =
            {
                .has_timestamp = true,
                .timestamp_ms = c->result->timestamp_ms = now_ms(c->log),
                .operation = r->operation,
                .parameters = r->parameters,
                .has_read_version = r->base != NULL,
                .read_version = r->base ? r->base->version : 0,
                .is_blind_append = is_blind_append(c),
                .metrics = r->metrics,
                .engine = "lamella/" LM_VERSION,
                .txn_id = c->nonce,
                .extra = r->extra,
            },
    };
    lm__buffer_clear(&c->bytes);
    LM_TRY(lm__action_write(&c->bytes, &info, c->error));
    for (int head = 1; head >= 0; head--)
        for (size_t i = 0; i < r->action_count; i++) {
            lm_action_kind kind = r->actions[i].kind;
            if ((kind == LM_ACTION_PROTOCOL || kind == LM_ACTION_METADATA) == head)
                LM_TRY(lm__action_write(&c->bytes, &r->actions[i], c->error));
        }
    return LM_OK;
}

static lm_status between(void *context, int64_t version, const lm_action *actions, size_t count,
                         lm_error *error)
{
    committing *c = context;
    LM_TRY(lm__conflicts_check(&c->conflicts, version, actions, count, error));
    c->next = version + 1;
    c->has_entries = true;
    if (!c->conflicts.was_there) return LM_OK;
    c->result->was_there = true;
    c->result->version = version;
    return LM_OK;
}

/* Looks at what others have written since: from `next` on until there is no more. */
static lm_status catch_up(committing *c)
{
    for (;;) {
        lm_error local;
        lm_status status = lm__log_entries(c->log, c->next, c->next, between, c, &local);
        if (status == LM_NOT_FOUND) return LM_OK;
        if (status != LM_OK && c->error) *c->error = local;
        if (status != LM_OK || c->result->was_there) return status;
    }
}

/* Many writers at once: let them not step on each other's toes again. */
static void wait_a_little(int tries, const char *nonce)
{
    if (tries < 3) return;
    unsigned long most_us = tries < 20 ? 500ul * (unsigned)tries : 10000ul;
    char seed[9] = {0};
    memcpy(seed, nonce, 8); /* hexadecimal digits of a random number */
    unsigned long random = strtoul(seed, NULL, 16) * 2654435761ul * (unsigned)tries >> 8;
    struct timespec pause = {.tv_nsec = (long)(random % most_us) * 1000};
    (void)nanosleep(&pause, NULL);
}

static lm_status try_all(committing *c)
{
    int tries_max = c->request->tries_max > 0 ? c->request->tries_max : LM_TABLE_TRIES_MAX;
    while (c->result->tries < tries_max) {
        if (lm__cancel_requested(c->log->cancel))
            return lm__error_set(c->error, LM_CANCELLED, "%s: interrupted", c->log->root);
        if (c->request->base && !c->has_entries) LM_TRY(base_check(c));
        LM_TRY(entry_write(c));
        c->result->tries++;
        lm_status status = lm__log_put_ready(&c->log->entries, c->next, c->bytes.data,
                                             c->bytes.size, c->request->ready, c->error);
        c->result->version = c->next;
        if (status == LM_OK) return made_check(c);
        if (status != LM_EXISTS) return status;
        if (!c->request->base)
            return lm__error_set(c->error, LM_EXISTS, "%s: a Delta table is there already",
                                 c->log->root);
        wait_a_little(c->result->tries, c->nonce);
        LM_TRY(catch_up(c));
        if (c->result->was_there) return LM_OK;
    }
    return lm__error_set(c->error, LM_CONFLICT,
                         "%s: other writers were first %d times, the last time at entry %lld; "
                         "nothing conflicts: try again",
                         c->log->root, c->result->tries, (long long)c->result->version);
}

static lm_status commit(committing *c)
{
    const lm_snapshot *base = c->request->base;
    LM_TRY(actions_check(c));
    LM_TRY(table_check(c));
    const lm_snapshot_txn *found =
        base && c->conflicts.txn ? lm__snapshot_txn(base, c->conflicts.txn->app_id) : NULL;
    if (found && found->txn.version >= c->conflicts.txn->version) return txn_in_base(c, found);
    if (!base) LM_TRY(none_check(c));
    LM_TRY(lm__uuid4(c->nonce, c->error));
    c->next = base ? base->version + 1 : 0;
    return try_all(c);
}

lm_status lm__table_commit(lm_table_log *log, const lm_commit_request *request,
                           lm_commit_result *result, lm_error *error)
{
    committing c = {.log = log, .request = request, .result = result, .error = error};
    *result = (lm_commit_result){.version = -1};
    lm__buffer_init(&c.bytes, log->allocator, LM_TABLE_ENTRY_BYTES_MAX);
    lm_status status = lm__conflicts_init(&c.conflicts, log, request, error);
    if (status == LM_OK) status = commit(&c);
    lm__conflicts_deinit(&c.conflicts);
    lm__buffer_deinit(&c.bytes);
    return status;
}
