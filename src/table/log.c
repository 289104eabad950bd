/* What is in the directory of a log; see log.h. */
#include "table/log.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/bytes_text.h"
#include "base/error.h"
#include "base/json.h"

#define PART_DIGITS 10
#define PART_SHAPE ".checkpoint.0000000000.0000000000.parquet"
#define V2_END (sizeof ".checkpoint.00000000-0000-0000-0000-000000000000" - 1)

lm_status lm__table_log_init(lm_table_log *log, const lm_allocator *allocator, lm_store *store,
                             const char *root, lm_error *error)
{
    allocator = lm__allocator_or_default(allocator);
    size_t size = strlen(root);
    while (size > 1 && root[size - 1] == '/') size--;
    *log = (lm_table_log){
        .store = store,
        .allocator = allocator,
        .root = root,
        .clock = lm__clock_system(),
    };
    size_t bytes = size + sizeof "/" LM_TABLE_LOG_DIRECTORY;
    log->directory = lm__alloc(allocator, bytes);
    if (!log->directory) return lm__error_memory(error, "opening a table");
    snprintf(log->directory, bytes, "%.*s/%s", (int)size, root, LM_TABLE_LOG_DIRECTORY);
    lm__log_init(&log->entries, store, allocator, log->directory, LM_TABLE_ENTRY_SUFFIX,
                 LM_TABLE_ENTRY_BYTES_MAX);
    return LM_OK;
}

void lm__table_log_deinit(lm_table_log *log)
{
    lm__free(log->allocator, log->directory);
    log->directory = NULL;
}

lm_status lm__log_file_path(const lm_table_log *log, const char *name, char path[LM_PATH_BYTES_MAX],
                            lm_error *error)
{
    int size = snprintf(path, LM_PATH_BYTES_MAX, "%s/%s", log->directory, name);
    if (size > 0 && (size_t)size < LM_PATH_BYTES_MAX) return LM_OK;
    return lm__error_set(error, LM_LIMIT, "%s: the path is too long", log->directory);
}

/* ---- listing ---- */

typedef struct part {
    int64_t version;
    uint32_t part, parts; /* 0 of 0: one file */
    const char *suffix;   /* of a V2 one */
} part;

typedef struct gathering {
    const lm_allocator *allocator;
    lm_arena *arena; /* of suffixes */
    int64_t from;
    lm_log_entry *entries;
    size_t entry_count, entry_capacity;
    part *parts;
    size_t part_count, part_capacity;
} gathering;

static lm_status gather_entry(gathering *g, lm_log_entry entry)
{
    if (!lm__array_room(g->allocator, &g->entries, &g->entry_capacity, g->entry_count + 1,
                        sizeof *g->entries))
        return LM_NO_MEMORY;
    g->entries[g->entry_count++] = entry;
    return LM_OK;
}

static lm_status gather_part(gathering *g, part found)
{
    if (!lm__array_room(g->allocator, &g->parts, &g->part_capacity, g->part_count + 1,
                        sizeof *g->parts))
        return LM_NO_MEMORY;
    g->parts[g->part_count++] = found;
    return LM_OK;
}

static bool digits_of(const char *text, uint32_t *value)
{
    uint64_t number = 0;
    for (int i = 0; i < PART_DIGITS; i++) {
        if (text[i] < '0' || text[i] > '9') return false;
        number = number * 10 + (uint64_t)(text[i] - '0');
    }
    *value = (uint32_t)number;
    return number <= LM_TABLE_CHECKPOINT_FILES_MAX;
}

/* "….checkpoint.0000000001.0000000003.parquet" */
static bool is_part(const char *rest, part *found)
{
    if (strlen(rest) != sizeof PART_SHAPE - 1) return false;
    const char *first = rest + sizeof ".checkpoint." - 1, *second = first + PART_DIGITS + 1;
    return strncmp(rest, ".checkpoint.", sizeof ".checkpoint." - 1) == 0 &&
           first[PART_DIGITS] == '.' && strcmp(second + PART_DIGITS, ".parquet") == 0 &&
           digits_of(first, &found->part) && digits_of(second, &found->parts) && found->part > 0 &&
           found->part <= found->parts;
}

/* ".checkpoint.80a083e8-7026-4e79-81be-64bd76c43a11.json" or ".parquet" */
static bool is_v2(const char *rest)
{
    uint8_t uuid[16];
    const char *end = rest + V2_END;
    return strlen(rest) > V2_END && strncmp(rest, ".checkpoint.", sizeof ".checkpoint." - 1) == 0 &&
           lm__uuid_parse(rest + sizeof ".checkpoint." - 1, 36, uuid) &&
           (strcmp(end, ".json") == 0 || strcmp(end, ".parquet") == 0);
}

static lm_status gather_v2(gathering *g, part found, const char *rest)
{
    found.suffix = lm__arena_strdup(g->arena, rest);
    return found.suffix ? gather_part(g, found) : LM_NO_MEMORY;
}

static lm_status gather(void *context, const lm_store_entry *entry, lm_error *error)
{
    gathering *g = context;
    const char *rest;
    part found = {.version = lm__log_number(entry->name, &rest)};
    if (found.version < 0 || found.version < g->from) return LM_OK;
    lm_status status = LM_OK;
    if (strcmp(rest, LM_TABLE_ENTRY_SUFFIX) == 0)
        status = gather_entry(g, (lm_log_entry){found.version, entry->stat.mtime_ns / 1000000});
    else if (strcmp(rest, LM_TABLE_CHECKPOINT_SUFFIX) == 0 || is_part(rest, &found))
        status = gather_part(g, found);
    else if (is_v2(rest))
        status = gather_v2(g, found, rest);
    return status == LM_OK ? LM_OK : lm__error_memory(error, "listing a table's log");
}

static int compare_entries(const void *a, const void *b)
{
    int64_t x = ((const lm_log_entry *)a)->version, y = ((const lm_log_entry *)b)->version;
    return (x > y) - (x < y);
}

static int compare_parts(const void *a, const void *b)
{
    const part *x = a, *y = b;
    if (x->version != y->version) return x->version < y->version ? -1 : 1;
    if (x->parts != y->parts) return x->parts < y->parts ? -1 : 1;
    if (x->suffix && y->suffix) return strcmp(x->suffix, y->suffix);
    if (x->suffix || y->suffix) return x->suffix ? 1 : -1;
    return (x->part > y->part) - (x->part < y->part);
}

/* The complete ones of the sorted files; of several of one version the first, which is the one in
 * one file where there is such a one, and a classic one rather than a V2 one. */
static size_t complete(const part *parts, size_t count, lm_log_checkpoint *out)
{
    size_t found = 0;
    for (size_t i = 0, next; i < count; i = next) {
        for (next = i + 1; next < count && parts[next].version == parts[i].version &&
                           parts[next].parts == parts[i].parts;)
            next++;
        bool whole = parts[i].parts == 0 || next - i == parts[i].parts;
        if (!whole || (found && out[found - 1].version == parts[i].version)) continue;
        out[found++] = (lm_log_checkpoint){parts[i].version, parts[i].parts, parts[i].suffix};
    }
    return found;
}

static lm_status listing_fill(gathering *g, lm_log_listing *listing, lm_error *error)
{
    if (g->entry_count) qsort(g->entries, g->entry_count, sizeof *g->entries, compare_entries);
    if (g->part_count) qsort(g->parts, g->part_count, sizeof *g->parts, compare_parts);
    lm_arena *arena = listing->arena;
    listing->entries = lm__arena_array(arena, g->entry_count, sizeof *listing->entries);
    listing->checkpoints = lm__arena_array(arena, g->part_count, sizeof *listing->checkpoints);
    if ((!listing->entries && g->entry_count) || (!listing->checkpoints && g->part_count))
        return lm__error_memory(error, "listing a table's log");
    listing->entry_count = g->entry_count;
    if (g->entry_count)
        memcpy(listing->entries, g->entries, g->entry_count * sizeof *listing->entries);
    listing->checkpoint_count = complete(g->parts, g->part_count, listing->checkpoints);
    return LM_OK;
}

lm_status lm__log_listing_read(lm_table_log *log, int64_t from, bool with_times, lm_arena *arena,
                               lm_log_listing *listing, lm_error *error)
{
    char after[LM_LOG_DIGITS + 1];
    if (from < 0) from = 0;
    snprintf(after, sizeof after, "%020lld", (long long)from);
    const lm_list_options options = {
        .after = after, .with_stat = with_times, .cancel = log->cancel};
    gathering g = {.allocator = log->allocator, .arena = arena, .from = from};
    *listing = (lm_log_listing){.arena = arena};
    lm_status status = lm__store_list(log->store, log->directory, &options, gather, &g, error);
    if (status == LM_OK) status = listing_fill(&g, listing, error);
    lm__free(log->allocator, g.entries);
    lm__free(log->allocator, g.parts);
    return status;
}

const lm_log_checkpoint *lm__log_listing_checkpoint(const lm_log_listing *listing, int64_t version)
{
    for (size_t i = listing->checkpoint_count; i-- > 0;)
        if (listing->checkpoints[i].version <= version) return &listing->checkpoints[i];
    return NULL;
}

lm_status lm__log_checkpoint_path(const lm_table_log *log, const lm_log_checkpoint *checkpoint,
                                  uint32_t number, char path[LM_PATH_BYTES_MAX], lm_error *error)
{
    char suffix[sizeof PART_SHAPE + PART_DIGITS];
    if (checkpoint->suffix)
        return lm__log_path(&log->entries, checkpoint->version, checkpoint->suffix, path, error);
    if (checkpoint->parts == 0)
        snprintf(suffix, sizeof suffix, "%s", LM_TABLE_CHECKPOINT_SUFFIX);
    else
        snprintf(suffix, sizeof suffix, ".checkpoint.%010u.%010u.parquet", number,
                 checkpoint->parts);
    return lm__log_path(&log->entries, checkpoint->version, suffix, path, error);
}

/* ---- the hint ---- */

lm_status lm__log_hint(lm_table_log *log, int64_t *version, lm_error *error)
{
    char path[LM_PATH_BYTES_MAX];
    uint8_t *data;
    size_t size;
    lm_error local;
    *version = -1;
    if (lm__log_file_path(log, LM_TABLE_HINT_NAME, path, NULL) != LM_OK) return LM_OK;
    lm_status status = lm__store_read(log->store, path, log->allocator, LM_TABLE_HINT_BYTES_MAX,
                                      &data, &size, &local);
    if (status == LM_OK) {
        lm_arena arena;
        const lm_json *root;
        lm__arena_init(&arena, log->allocator, 0);
        status = lm__json_parse(&arena, (const char *)data, size, &root, &local);
        if (status == LM_OK) *version = lm__json_member_int(root, "version", -1);
        if (*version < 0) *version = -1;
        lm__arena_deinit(&arena);
        lm__free(log->allocator, data);
    }
    if (status != LM_NO_MEMORY && status != LM_CANCELLED) return LM_OK;
    if (error) *error = local;
    return status;
}
