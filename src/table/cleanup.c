/*
 * Removing what a log no longer needs (PROTOCOL.md, "Metadata Cleanup"); see checkpoint.h,
 * invariant 4.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <lamella/parquet_read.h>

#include "arrow/calendar.h"
#include "base/cancel.h"
#include "base/error.h"
#include "table/checkpoint.h"

typedef struct doomed {
    int64_t version;
    const char *name;
} doomed;

typedef struct cleaning {
    lm_table_log *log;
    lm_arena arena;
    int64_t before; /* versions below it go */
    doomed *files;
    size_t count, capacity;
} cleaning;

/* ---- up to where? ---- */

/* The newest version of at most that time; versions' times never go back. */
static int64_t version_at(const lm_log_listing *listing, int64_t time_ms)
{
    int64_t last_ms = INT64_MIN, version = -1;
    for (size_t i = 0; i < listing->entry_count; i++) {
        const lm_log_entry *entry = &listing->entries[i];
        last_ms = entry->mtime_ms > last_ms ? entry->mtime_ms : last_ms + 1;
        if (last_ms > time_ms) break;
        version = entry->version;
    }
    return version;
}

/* A V2 checkpoint leads to other files: it is read, with all of them. */
static bool is_whole(lm_table_log *log, int64_t version)
{
    const lm_snapshot_options options = {.has_version = true, .version = version};
    lm_snapshot *snapshot;
    lm_error error;
    if (lm__snapshot_load(log, &options, &snapshot, &error) != LM_OK) return false;
    lm__snapshot_free(snapshot);
    return true;
}

/* Can it be opened, and has it rows? Nothing is removed on the word of a damaged file. */
static bool is_sound(lm_table_log *log, const lm_log_checkpoint *checkpoint)
{
    if (checkpoint->suffix) return is_whole(log, checkpoint->version);
    uint32_t files = checkpoint->parts ? checkpoint->parts : 1;
    const lm_parquet_reader_options options = {.allocator = log->allocator,
                                               .without_row_groups = true};
    int64_t rows = 0;
    for (uint32_t part = 1; part <= files; part++) {
        char path[LM_PATH_BYTES_MAX];
        lm_source *source;
        lm_parquet_reader *reader;
        lm_error error;
        if (lm__log_checkpoint_path(log, checkpoint, part, path, &error) != LM_OK ||
            lm__store_open(log->store, path, &source, &error) != LM_OK ||
            lm_parquet_reader_open(source, &options, &reader, &error) != LM_OK)
            return false;
        rows += lm_parquet_reader_rows(reader);
        lm_parquet_reader_close(reader);
    }
    return rows > 0;
}

/* The version of the checkpoint before which all goes; 0: nothing. */
static lm_status find_before(cleaning *c, const lm_delta_metadata *metadata, lm_error *error)
{
    lm_log_listing listing;
    const lm_clock *clock = c->log->clock;
    int64_t day_ms = LM_SECONDS_PER_DAY * INT64_C(1000);
    int64_t cut_ms =
        clock->wall_ns(clock->context) / 1000000 -
        lm__property_interval_ms(metadata, LM_PROPERTY_LOG_RETENTION, LM_LOG_RETENTION_MS);
    cut_ms -= ((cut_ms % day_ms) + day_ms) % day_ms; /* midnight */
    c->before = 0;
    LM_TRY(lm__log_listing_read(c->log, 0, true, &c->arena, &listing, error));
    const lm_log_checkpoint *checkpoint =
        lm__log_listing_checkpoint(&listing, version_at(&listing, cut_ms));
    if (checkpoint && checkpoint->version > 0 && is_sound(c->log, checkpoint))
        c->before = checkpoint->version;
    return LM_OK;
}

/* ---- what? ---- */

/* Entries, checkpoints, checksums and compactions; nothing else of what may lie there. */
static bool is_ours(const char *rest)
{
    if (strcmp(rest, LM_TABLE_ENTRY_SUFFIX) == 0 || strcmp(rest, ".crc") == 0) return true;
    size_t size = strlen(rest);
    bool parquet = size > 8 && strcmp(rest + size - 8, ".parquet") == 0;
    bool json = size > 5 && strcmp(rest + size - 5, ".json") == 0;
    if (strncmp(rest, ".checkpoint.", 12) == 0) return parquet || json;
    return size == 1 + LM_LOG_DIGITS + sizeof ".compacted.json" - 1 && rest[0] == '.' &&
           lm__log_number(rest + 1, NULL) >= 0 &&
           strcmp(rest + 1 + LM_LOG_DIGITS, ".compacted.json") == 0;
}

static lm_status gather(void *context, const lm_store_entry *entry, lm_error *error)
{
    cleaning *c = context;
    const char *rest;
    int64_t version = lm__log_number(entry->name, &rest);
    if (version < 0 || version >= c->before || !is_ours(rest)) return LM_OK;
    const char *name = lm__arena_strdup(&c->arena, entry->name);
    if (!name ||
        !lm__arena_room(&c->arena, &c->files, &c->capacity, c->count + 1, sizeof *c->files))
        return lm__error_memory(error, "cleaning up a log");
    c->files[c->count++] = (doomed){version, name};
    return LM_OK;
}

static int compare(const void *a, const void *b)
{
    const doomed *x = a, *y = b;
    if (x->version != y->version) return x->version < y->version ? -1 : 1;
    return strcmp(x->name, y->name);
}

static lm_status clean(cleaning *c, bool dry_run, size_t *removed, lm_error *error)
{
    const lm_list_options options = {.cancel = c->log->cancel};
    LM_TRY(lm__store_list(c->log->store, c->log->directory, &options, gather, c, error));
    if (c->count) qsort(c->files, c->count, sizeof *c->files, compare);
    for (size_t i = 0; i < c->count; i++) {
        char path[LM_PATH_BYTES_MAX];
        lm_error local;
        if (lm__cancel_requested(c->log->cancel))
            return lm__error_set(error, LM_CANCELLED, "%s: interrupted", c->log->directory);
        LM_TRY(lm__log_file_path(c->log, c->files[i].name, path, error));
        lm_status status =
            dry_run ? LM_OK : lm__store_remove(c->log->store, path, LM_DURABILITY_NONE, &local);
        if (status == LM_NOT_FOUND) continue; /* somebody else cleans up too */
        if (status != LM_OK && error) *error = local;
        LM_TRY(status);
        ++*removed;
    }
    return LM_OK;
}

lm_status lm__table_cleanup(lm_table_log *log, const lm_delta_metadata *metadata, bool dry_run,
                            size_t *removed, lm_error *error)
{
    cleaning c = {.log = log};
    *removed = 0;
    if (!lm__property_bool(metadata, LM_PROPERTY_LOG_CLEANUP, true)) return LM_OK;
    lm__arena_init(&c.arena, log->allocator, 0);
    lm_status status = find_before(&c, metadata, error);
    if (status == LM_OK && c.before > 0) status = clean(&c, dry_run, removed, error);
    lm__arena_deinit(&c.arena);
    return status;
}
