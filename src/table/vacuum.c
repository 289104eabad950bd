/*
 * Vacuum: Parquet files in a table's directory that no version within the retention has.
 *
 * Invariants
 *  1. The files are listed before the log is read: what is listed and live by then is seen to be.
 *  2. A file is removed only when it is older than the retention and no live part; when the log
 *     tells of its removal, only once that is older than the retention too; when the log does not
 *     know it, only once it is older than LM_VACUUM_WRITER_MS as well.
 *  3. No file is removed before the entries that were read are durable, whoever made them: after a
 *     power cut the table may not be back at a version that has it.
 *  4. Hidden names (staged files, the log), manifest.json and files that are no Parquet are never
 *     touched; directories stay, since a writer may be about to put a part into one.
 */
#include <string.h>

#include "base/alloc.h"
#include "base/cancel.h"
#include "base/error.h"
#include "store/find.h"
#include "table/begin.h"
#include "table/operation.h"

typedef struct vacuum_file {
    const char *path, *below;
    uint64_t bytes;
    int64_t mtime_ms;
} vacuum_file;

typedef struct vacuum {
    lm_operation operation;
    const lm_table_vacuuming *what;
    lm_vacuum_result *result;
    lm_arena arena; /* of the files */
    vacuum_file *files;
    size_t count, capacity;
    int64_t cutoff_ms, writer_cutoff_ms;
    bool log_is_durable;
    lm_text_index kept;    /* paths of parts that are live (0), or were within the retention (1) */
    lm_text_index removed; /* of parts that the log knows to be removed for longer */
} vacuum;

static lm_status no_memory(const vacuum *v) { return lm__operation_memory(&v->operation); }

static bool is_parquet(const char *path)
{
    static const char suffix[] = ".parquet";
    size_t size = strlen(path);
    return size >= sizeof suffix && strcmp(path + size - (sizeof suffix - 1), suffix) == 0;
}

static lm_status keep_file(void *context, const lm_find_entry *entry, lm_error *error)
{
    vacuum *v = context;
    (void)error;
    if (!is_parquet(entry->path)) return LM_OK;
    if (!lm__array_room(v->operation.allocator, &v->files, &v->capacity, v->count + 1,
                        sizeof *v->files))
        return no_memory(v);
    const char *below = entry->path + entry->base;
    while (*below == '/') below++;
    v->files[v->count++] =
        (vacuum_file){entry->path, below, entry->size, entry->mtime_ns / 1000000};
    return LM_OK;
}

static lm_status index_path(vacuum *v, lm_text_index *index, const char *uri, int64_t value)
{
    const lm_operation *o = &v->operation;
    const char *path;
    LM_TRY(lm__part_path_below(&v->arena, o->root, uri, &path, o->error));
    if (!path || lm__text_index_find(index, path)) return LM_OK;
    return lm__text_index_add(index, path, value) == LM_OK ? LM_OK : no_memory(v);
}

/* A removal without a time counts as one of now. */
static lm_status index_remove(vacuum *v, const lm_delta_remove *remove)
{
    bool old = remove->has_deletion_time && remove->deletion_time_ms < v->cutoff_ms;
    return index_path(v, old ? &v->removed : &v->kept, remove->path, !old);
}

static lm_status look_at_entry(void *context, int64_t version, const lm_action *actions,
                               size_t count, lm_error *error)
{
    vacuum *v = context;
    (void)version;
    (void)error;
    for (size_t i = 0; i < count; i++)
        if (actions[i].kind == LM_ACTION_REMOVE) LM_TRY(index_remove(v, &actions[i].remove));
    return LM_OK;
}

/* Checkpoints forget old removals, and a retention may be longer than theirs: the entries that are
 * kept tell all of them. */
static lm_status look_at_log(vacuum *v)
{
    lm_operation *o = &v->operation;
    const lm_snapshot *s = o->snapshot;
    lm_log_listing listing = {0};
    for (size_t i = 0; i < s->part_count; i++) LM_TRY(index_path(v, &v->kept, s->parts[i].path, 0));
    for (size_t i = 0; i < s->remove_count; i++) LM_TRY(index_remove(v, &s->removes[i]));
    LM_TRY(lm__log_listing_read(&o->log, 0, false, &v->arena, &listing, o->error));
    if (listing.entry_count == 0) return LM_OK;
    int64_t first = listing.entries[0].version;
    if (first > s->version) return LM_OK;
    lm_status status = lm__log_entries(&o->log, first, s->version, look_at_entry, v, o->error);
    if (status != LM_NOT_FOUND) return status;
    return lm__error_set(o->error, LM_CONFLICT, "%s: the log was cleaned up meanwhile: try again",
                         o->root);
}

static lm_status settle_retention(vacuum *v)
{
    const lm_operation *o = &v->operation;
    int64_t tables = lm__property_interval_ms(&o->snapshot->metadata, LM_PROPERTY_REMOVE_RETENTION,
                                              LM_REMOVE_RETENTION_MS);
    int64_t retention = v->what->has_retention ? v->what->retention_ms : tables;
    int64_t now = lm__operation_now_ms(o);
    if (retention < 0) return lm__error_set(o->error, LM_INVALID, "a retention below zero");
    if (retention < tables && !v->what->force)
        return lm__error_set(o->error, LM_INVALID,
                             "%s: the retention is shorter than the table's (%lld hours): who "
                             "still reads an older version would miss parts; it must be forced",
                             o->root, (long long)(tables / 3600000));
    v->cutoff_ms = now - retention;
    v->writer_cutoff_ms =
        v->cutoff_ms < now - LM_VACUUM_WRITER_MS ? v->cutoff_ms : now - LM_VACUUM_WRITER_MS;
    return LM_OK;
}

static lm_status remove_file(vacuum *v, const vacuum_file *file)
{
    const lm_operation *o = &v->operation;
    lm_error local;
    if (!v->log_is_durable) LM_TRY(lm__store_sync_directory(o->store, o->log.directory, o->error));
    v->log_is_durable = true;
    lm_status status = lm__store_remove(o->store, file->path, LM_DURABILITY_NONE, &local);
    if (status == LM_OK || status == LM_NOT_FOUND) return LM_OK;
    if (o->error) *o->error = local;
    return status;
}

static lm_status vacuum_one(vacuum *v, const vacuum_file *file)
{
    const lm_operation *o = &v->operation;
    const int64_t *kept = lm__text_index_find(&v->kept, file->below);
    if (kept) {
        v->result->kept += (uint64_t)*kept;
        return LM_OK;
    }
    bool known = lm__text_index_find(&v->removed, file->below) != NULL;
    if (file->mtime_ms >= (known ? v->cutoff_ms : v->writer_cutoff_ms)) {
        v->result->kept++;
        return LM_OK;
    }
    const lm_vacuum_file told = {file->below, file->bytes, file->mtime_ms,
                                 known ? LM_VACUUM_REMOVED : LM_VACUUM_UNKNOWN};
    if (v->what->callback) LM_TRY(v->what->callback(v->what->context, &told, o->error));
    if (!v->what->dry_run) LM_TRY(remove_file(v, file));
    v->result->files++;
    v->result->bytes += file->bytes;
    return LM_OK;
}

static lm_status vacuum_all(vacuum *v)
{
    lm_operation *o = &v->operation;
    const lm_snapshot_options options = {.with_removes = true};
    LM_TRY(
        lm__find_directory(&v->arena, o->store, o->root, o->how->cancel, keep_file, v, o->error));
    LM_TRY(lm__operation_look(o, &options));
    LM_TRY(lm__table_writable(o->allocator, &o->snapshot->protocol, &o->snapshot->metadata, o->root,
                              o->error));
    LM_TRY(settle_retention(v));
    LM_TRY(look_at_log(v));
    for (size_t i = 0; i < v->count; i++) {
        if (lm__cancel_requested(o->how->cancel))
            return lm__error_set(o->error, LM_CANCELLED, "%s: interrupted", o->root);
        LM_TRY(vacuum_one(v, &v->files[i]));
    }
    return LM_OK;
}

lm_status lm_table_vacuum(const char *path, const lm_table_vacuuming *what,
                          const lm_table_operation *how, lm_vacuum_result *result, lm_error *error)
{
    static const lm_table_vacuuming defaults;
    lm_vacuum_result ignored;
    vacuum v = {.what = what ? what : &defaults, .result = result ? result : &ignored};
    *v.result = (lm_vacuum_result){0};
    lm_status status = lm__operation_open(&v.operation, path, how, error);
    const lm_allocator *allocator = v.operation.allocator;
    lm__arena_init(&v.arena, allocator, 0);
    lm__text_index_init(&v.kept, allocator);
    lm__text_index_init(&v.removed, allocator);
    if (status == LM_OK) status = vacuum_all(&v);
    if (status == LM_OK && !v.what->dry_run) lm__table_begun(&v.operation.log);
    lm__text_index_deinit(&v.removed);
    lm__text_index_deinit(&v.kept);
    lm__free(allocator, v.files);
    lm__arena_deinit(&v.arena);
    lm__operation_close(&v.operation);
    return status;
}
