/* The manifest of a table; see manifest.h. */
#include "table/manifest.h"

#include <lamella/table.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/error.h"
#include "base/json_path.h"
#include "base/limits.h"
#include "store/place.h"
#include "table/append.h"
#include "table/part_facts.h"

static lm_status no_memory(lm_error *error)
{
    return lm__error_memory(error, "writing a table's manifest");
}

/* The text. */

/* Buckets rising, the one of nulls (or of a table without buckets) first; then ticks, then names.
 */
static int compare_parts(const void *a, const void *b)
{
    const lm_part_facts *x = &((const lm_manifest_part *)a)->facts;
    const lm_part_facts *y = &((const lm_manifest_part *)b)->facts;
    if (x->has_bucket != y->has_bucket) return x->has_bucket ? 1 : -1;
    if (x->bucket != y->bucket) return x->bucket < y->bucket ? -1 : 1;
    if (x->tick_min != y->tick_min) return x->tick_min < y->tick_min ? -1 : 1;
    return strcmp(x->path, y->path);
}

static bool same_bucket(const lm_part_facts *a, const lm_part_facts *b)
{
    return a->has_bucket == b->has_bucket && a->bucket == b->bucket;
}

static void put_number(lm_json_writer *json, const char *key, bool there, int64_t value)
{
    lm__json_key(json, key);
    if (there)
        lm__json_int(json, value);
    else
        lm__json_null(json);
}

/* Rows, bytes and ticks of some parts together; rows are null where one part's are not known. */
static void put_sums(lm_json_writer *json, const lm_manifest_part *parts, size_t count)
{
    int64_t rows = 0, bytes = 0, min = INT64_MAX, max = INT64_MIN;
    bool knows_rows = true, has_ticks = false;
    for (size_t i = 0; i < count; i++) {
        const lm_part_facts *facts = &parts[i].facts;
        rows += facts->rows;
        bytes += parts[i].bytes;
        knows_rows = knows_rows && facts->has_rows;
        if (!facts->has_ticks) continue;
        has_ticks = true;
        if (facts->tick_min < min) min = facts->tick_min;
        if (facts->tick_max > max) max = facts->tick_max;
    }
    put_number(json, "rows", knows_rows, rows);
    put_number(json, "bytes", true, bytes);
    put_number(json, "tick_min", has_ticks, min);
    put_number(json, "tick_max", has_ticks, max);
    put_number(json, "part_count", true, (int64_t)count);
}

static void put_part(lm_json_writer *json, const lm_manifest_part *part)
{
    const lm_part_facts *facts = &part->facts;
    char created[LM_RFC3339_MAX];
    lm__rfc3339(part->mtime_ms * 1000000, created);
    lm__json_open_object(json);
    lm__json_path_out(json, "path", facts->path);
    put_number(json, "rows", facts->has_rows, facts->rows);
    put_number(json, "bytes", true, part->bytes);
    put_number(json, "tick_min", facts->has_ticks, facts->tick_min);
    put_number(json, "tick_max", facts->has_ticks, facts->tick_max);
    lm__json_member_string_out(json, "created_at", created);
    lm__json_key(json, "checksum");
    if (*facts->checksum)
        lm__json_string(json, facts->checksum);
    else
        lm__json_null(json);
    lm__json_close_object(json);
}

/* Table and run are the last two names of the path. */
static void put_names(lm_json_writer *json, const char *path)
{
    size_t end = strlen(path);
    static const char *const keys[] = {"table", "run_id"};
    for (int i = 0; i < 2; i++) {
        while (end > 0 && path[end - 1] == '/') end--;
        size_t start = end;
        while (start > 0 && path[start - 1] != '/') start--;
        lm__json_key(json, keys[i]);
        lm__json_string_n(json, path + start, end - start);
        end = start;
    }
}

static void put_all(lm_json_writer *json, int64_t version, const char *table,
                    const lm_manifest_part *parts, size_t count)
{
    lm__json_open_object(json);
    put_number(json, "version", true, version); /* first: it is read without the rest */
    put_sums(json, parts, count);
    put_names(json, table);
    lm__json_key(json, "buckets");
    lm__json_open_array(json);
    for (size_t start = 0, end; start < count; start = end) {
        for (end = start + 1; end < count && same_bucket(&parts[end].facts, &parts[start].facts);)
            end++;
        lm__json_open_object(json);
        put_number(json, "bucket_id", parts[start].facts.has_bucket, parts[start].facts.bucket);
        put_sums(json, parts + start, end - start);
        lm__json_key(json, "parts");
        lm__json_open_array(json);
        for (size_t i = start; i < end; i++) put_part(json, &parts[i]);
        lm__json_close_array(json);
        lm__json_close_object(json);
    }
    lm__json_close_array(json);
    lm__json_close_object(json);
}

static lm_status put_text(lm_manifest_part *parts, size_t count, int64_t version, const char *table,
                          lm_buffer *out, lm_error *error)
{
    lm_json_writer json;
    qsort(parts, count, sizeof *parts, compare_parts);
    lm__json_writer_init(&json, out, false);
    put_all(&json, version, table, parts, count);
    if (json.status == LM_OK) json.status = lm__buffer_byte(out, '\n');
    return json.status == LM_OK ? LM_OK : no_memory(error);
}

lm_status lm__manifest_text(const lm_snapshot *snapshot, const char *table, lm_buffer *out,
                            lm_error *error)
{
    lm_arena arena;
    const char *tick;
    lm__arena_init(&arena, snapshot->allocator, 0);
    lm_manifest_part *parts = lm__arena_array(&arena, snapshot->part_count + 1, sizeof *parts);
    lm_status status =
        parts ? lm__table_tick(&arena, &snapshot->metadata, &tick, error) : no_memory(error);
    for (size_t i = 0; i < snapshot->part_count && status == LM_OK; i++) {
        const lm_delta_add *add = &snapshot->parts[i];
        if (add->vector) {
            status = lm__error_set(error, LM_UNSUPPORTED,
                                   "%s: the part %s has a deletion vector, of which a manifest "
                                   "cannot tell",
                                   table, add->path);
            break;
        }
        parts[i] = (lm_manifest_part){.bytes = add->size, .mtime_ms = add->modification_time_ms};
        status = lm__part_facts(&arena, add, tick, &parts[i].facts, error);
    }
    if (status == LM_OK)
        status = put_text(parts, snapshot->part_count, snapshot->version, table, out, error);
    lm__arena_deinit(&arena);
    return status;
}

/* What stands there. */

typedef struct manifest_head {
    int64_t version, parts; /* -1: there is none that can be read */
} manifest_head;

static lm_status manifest_path(const lm_table_log *log, char path[LM_PATH_BYTES_MAX],
                               lm_error *error)
{
    int size = snprintf(path, LM_PATH_BYTES_MAX, "%s/%s", log->root, LM_TABLE_MANIFEST_NAME);
    if (size >= 0 && (size_t)size < LM_PATH_BYTES_MAX) return LM_OK;
    return lm__error_set(error, LM_LIMIT, "%s: the path of the manifest is too long", log->root);
}

static int64_t number_after(const char *text, const char *key)
{
    const char *at = strstr(text, key);
    return at ? strtoll(at + strlen(key), NULL, 10) : -1;
}

/* Its first bytes say which version it shows, and of how many parts. What cannot be read is none.
 */
static void look(const lm_table_log *log, const char *path, manifest_head *head)
{
    char text[257];
    lm_source *source;
    *head = (manifest_head){-1, -1};
    if (lm__store_open(log->store, path, &source, NULL) != LM_OK) return;
    size_t size = source->size < sizeof text - 1 ? (size_t)source->size : sizeof text - 1;
    lm_status status = lm_source_read(source, 0, text, size, NULL);
    lm_source_close(source);
    text[status == LM_OK ? size : 0] = '\0';
    if (strncmp(text, "{\"version\":", 11) != 0) return;
    *head =
        (manifest_head){number_after(text, "\"version\":"), number_after(text, "\"part_count\":")};
}

/* Replacing it. */

typedef struct replacing {
    const lm_table_log *log;
    const char *path;
    const lm_buffer *text;
    int64_t version;
    bool anew; /* also one that shows the same version: it is damaged */
} replacing;

/* Is what stands there no older than ours? One that shows a version which the log does not have was
 * left by a table that is gone: writers make the entry first. */
static bool is_newer(const replacing *r)
{
    manifest_head head;
    int64_t last;
    lm_error ignored;
    look(r->log, r->path, &head);
    if (head.version < r->version || (r->anew && head.version == r->version)) return false;
    lm_numbered_log entries = r->log->entries;
    return lm__log_last(&entries, r->version, &last, &ignored) != LM_OK || head.version <= last;
}

static lm_status put_file(const lm_table_log *log, const char *path, const lm_buffer *text,
                          lm_error *error)
{
    lm_stage *stage;
    bool is_local = log->store->caps & LM_STORE_LOCAL;
    const lm_stage_options options = {
        .allocator = log->allocator,
        .cancel = log->cancel,
        .durability = is_local ? LM_DURABILITY_NONE : LM_DURABILITY_FULL,
        .in_exclusive = true,
    };
    LM_TRY(lm__stage_open(log->store, path, &options, &stage, error));
    lm_status status = lm__stage_write(stage, text->data, text->size, error);
    if (status == LM_OK) status = lm__stage_seal(stage, error);
    if (status == LM_OK) status = lm__stage_commit(stage, error);
    lm__stage_close(stage);
    return status;
}

static lm_status replace(void *context, lm_error *error)
{
    const replacing *r = context;
    return is_newer(r) ? LM_OK : put_file(r->log, r->path, r->text, error);
}

static lm_status put_manifest(const lm_table_log *log, const lm_snapshot *snapshot,
                              const lm_buffer *text, bool anew, lm_error *error)
{
    char path[LM_PATH_BYTES_MAX];
    LM_TRY(manifest_path(log, path, error));
    replacing r = {log, path, text, snapshot->version, anew};
    return lm__store_exclusive(log->store, path, log->cancel, replace, &r, error);
}

/* The newest snapshot's text; its version may be later than what was asked for. */
static lm_status make_text(lm_table_log *log, lm_snapshot **snapshot, lm_buffer *text,
                           lm_error *error)
{
    LM_TRY(lm__snapshot_load(log, NULL, snapshot, error));
    lm_status status = lm__manifest_text(*snapshot, log->root, text, error);
    if (status == LM_OK) return LM_OK;
    lm__snapshot_free(*snapshot);
    *snapshot = NULL;
    return status;
}

lm_status lm__manifest_update(lm_table_log *log, int64_t version, lm_error *error)
{
    char path[LM_PATH_BYTES_MAX];
    manifest_head head;
    lm_snapshot *snapshot;
    lm_buffer text;
    LM_TRY(manifest_path(log, path, error));
    look(log, path, &head);
    if (head.version == version) return LM_OK;
    if (head.version >= 0 && head.version <= version && head.parts > 0 &&
        version - head.version < head.parts / LM_TABLE_MANIFEST_PARTS)
        return LM_OK; /* invariant 2 */
    lm__buffer_init(&text, log->allocator, 0);
    lm_status status = make_text(log, &snapshot, &text, error);
    if (status == LM_OK) {
        status = put_manifest(log, snapshot, &text, false, error);
        lm__snapshot_free(snapshot);
    }
    lm__buffer_deinit(&text);
    return status;
}

lm_status lm__manifest_read(lm_table_log *log, char **text, lm_error *error)
{
    char path[LM_PATH_BYTES_MAX];
    lm_error local;
    uint8_t *bytes;
    size_t size;
    *text = NULL;
    LM_TRY(manifest_path(log, path, error));
    lm_status status =
        lm__store_read(log->store, path, log->allocator, LM_JSON_BYTES_MAX, &bytes, &size, &local);
    if (status == LM_NOT_FOUND) return LM_OK;
    if (status != LM_OK) {
        if (error) *error = local;
        return status;
    }
    *text = lm__strndup(log->allocator, (const char *)bytes, size);
    lm__free(log->allocator, bytes);
    return *text ? LM_OK : no_memory(error);
}

lm_status lm__manifest_repair(lm_table_log *log, bool *changed, lm_error *error)
{
    lm_snapshot *snapshot = NULL;
    lm_buffer text;
    char *old;
    LM_TRY(lm__manifest_read(log, &old, error));
    lm__buffer_init(&text, log->allocator, 0);
    lm_status status = make_text(log, &snapshot, &text, error);
    if (status == LM_OK) {
        *changed = !old || strlen(old) != text.size || memcmp(old, text.data, text.size) != 0;
        if (*changed) status = put_manifest(log, snapshot, &text, true, error);
    }
    lm__snapshot_free(snapshot);
    lm__buffer_deinit(&text);
    lm__free(log->allocator, old);
    return status;
}

/* By itself: what stands there, and some parts more. */
typedef struct extending {
    const lm_table_log *log;
    const char *path;
    int64_t version;
    const lm_manifest_part *parts;
    size_t count;
    bool is_done; /* it showed the version before */
} extending;

static bool read_number(const lm_json *object, const char *key, bool *there, int64_t *number)
{
    const lm_json *member = lm__json_member(object, key);
    *there = member && member->kind == LM_JSON_INT;
    *number = *there ? member->integer : 0;
    return *there || (member && member->kind == LM_JSON_NULL);
}

static bool read_part(lm_arena *arena, const lm_json *json, lm_manifest_part *part)
{
    lm_part_facts *facts = &part->facts;
    const char *created = lm__json_member_text(json, "created_at", NULL);
    int64_t created_ns, tick_min = 0;
    bool has_bytes, has_min;
    if (!created || !lm__rfc3339_parse(created, &created_ns)) return false;
    part->mtime_ms = created_ns / 1000000;
    facts->path = lm__json_path(arena, json, "path");
    facts->checksum = lm__json_member_text(json, "checksum", "");
    bool whole = read_number(json, "rows", &facts->has_rows, &facts->rows) &&
                 read_number(json, "bytes", &has_bytes, &part->bytes) &&
                 read_number(json, "tick_min", &has_min, &tick_min) &&
                 read_number(json, "tick_max", &facts->has_ticks, &facts->tick_max);
    facts->tick_min = tick_min;
    return whole && facts->path && has_bytes && has_min == facts->has_ticks;
}

/* All parts of what was read, and room for `more`; NULL where it is not what we write. */
static lm_manifest_part *read_parts(lm_arena *arena, const lm_json *root, size_t more,
                                    size_t *count)
{
    const lm_json *buckets = lm__json_member(root, "buckets");
    int64_t told = lm__json_member_int(root, "part_count", -1);
    if (told < 0 || told > INT32_MAX || !buckets) return NULL;
    lm_manifest_part *parts = lm__arena_zero(arena, ((size_t)told + more + 1) * sizeof *parts);
    *count = 0;
    for (const lm_json *b = parts ? buckets->first : NULL; b; b = b->next) {
        const lm_json *list = lm__json_member(b, "parts");
        lm_part_facts of_bucket = {0};
        if (!list || !read_number(b, "bucket_id", &of_bucket.has_bucket, &of_bucket.bucket))
            return NULL;
        for (const lm_json *at = list->first; at; at = at->next) {
            lm_manifest_part *part = &parts[*count];
            if ((int64_t)*count == told) return NULL;
            part->facts = of_bucket;
            if (!read_part(arena, at, part)) return NULL;
            ++*count;
        }
    }
    return parts && (int64_t)*count == told ? parts : NULL;
}

static lm_status extend(void *context, lm_error *error)
{
    extending *x = context;
    const lm_table_log *log = x->log;
    uint8_t *bytes;
    size_t size, count;
    lm_arena arena;
    lm_buffer text;
    const lm_json *root;
    if (lm__store_read(log->store, x->path, log->allocator, LM_JSON_BYTES_MAX, &bytes, &size,
                       NULL) != LM_OK)
        return LM_OK;
    lm_status status = LM_OK;
    lm_manifest_part *parts = NULL;
    lm__arena_init(&arena, log->allocator, 0);
    lm__buffer_init(&text, log->allocator, 0);
    if (lm__json_parse(&arena, (const char *)bytes, size, &root, NULL) == LM_OK &&
        lm__json_member_int(root, "version", -1) == x->version - 1)
        parts = read_parts(&arena, root, x->count, &count);
    if (parts) {
        memcpy(parts + count, x->parts, x->count * sizeof *parts);
        status = put_text(parts, count + x->count, x->version, log->root, &text, error);
        if (status == LM_OK) status = put_file(log, x->path, &text, error);
        x->is_done = status == LM_OK;
    }
    lm__buffer_deinit(&text);
    lm__arena_deinit(&arena);
    lm__free(log->allocator, bytes);
    return status;
}

lm_status lm__manifest_extend(lm_table_log *log, int64_t version, const lm_manifest_part *parts,
                              size_t count, lm_error *error)
{
    char path[LM_PATH_BYTES_MAX];
    manifest_head head;
    LM_TRY(manifest_path(log, path, error));
    look(log, path, &head);
    if (head.version >= 0 && head.version == version - 1 &&
        head.parts < 2 * LM_TABLE_MANIFEST_PARTS) {
        extending x = {log, path, version, parts, count, false};
        LM_TRY(lm__store_exclusive(log->store, path, log->cancel, extend, &x, error));
        if (x.is_done) return LM_OK;
    }
    return lm__manifest_update(log, version, error);
}

/* For callers. */

struct lm_table_manifest {
    const lm_allocator *allocator;
    lm_buffer text;
    int64_t version;
    bool was_behind;
};

void lm_table_manifest_free(lm_table_manifest *manifest)
{
    if (!manifest) return;
    lm__buffer_deinit(&manifest->text);
    lm__free(manifest->allocator, manifest);
}

const char *lm_table_manifest_text(const lm_table_manifest *manifest, size_t *size)
{
    if (size) *size = manifest->text.size - 1; /* a NUL ends it */
    return (const char *)manifest->text.data;
}

int64_t lm_table_manifest_version(const lm_table_manifest *manifest) { return manifest->version; }

bool lm_table_manifest_was_behind(const lm_table_manifest *manifest)
{
    return manifest->was_behind;
}

/* The file, if it is whole and shows the log's last version. */
static bool read_current(lm_table_log *log, const char *path, int64_t version,
                         lm_table_manifest *manifest)
{
    uint8_t *bytes;
    size_t size;
    lm_arena arena;
    const lm_json *root;
    if (lm__store_read(log->store, path, log->allocator, LM_JSON_BYTES_MAX, &bytes, &size, NULL) !=
        LM_OK)
        return false;
    lm__arena_init(&arena, log->allocator, 0);
    bool current = lm__json_parse(&arena, (const char *)bytes, size, &root, NULL) == LM_OK &&
                   lm__json_member_int(root, "version", -1) == version &&
                   lm__buffer_append(&manifest->text, bytes, size) == LM_OK;
    lm__arena_deinit(&arena);
    lm__free(log->allocator, bytes);
    if (!current) lm__buffer_clear(&manifest->text);
    return current;
}

static lm_status load(lm_table_log *log, lm_table_manifest *manifest, lm_error *error)
{
    const lm_snapshot_options brief = {.without_parts = true};
    char path[LM_PATH_BYTES_MAX];
    lm_snapshot *snapshot;
    LM_TRY(manifest_path(log, path, error));
    LM_TRY(lm__snapshot_load(log, &brief, &snapshot, error));
    manifest->version = snapshot->version;
    lm__snapshot_free(snapshot);
    if (read_current(log, path, manifest->version, manifest)) return LM_OK;
    manifest->was_behind = true;
    LM_TRY(make_text(log, &snapshot, &manifest->text, error));
    manifest->version = snapshot->version;
    lm_error ignored; /* who may only read gets it all the same */
    lm_status written = put_manifest(log, snapshot, &manifest->text, true, &ignored);
    lm__snapshot_free(snapshot);
    return written == LM_CANCELLED ? lm__error_set(error, LM_CANCELLED, "%s: interrupted", path)
                                   : LM_OK;
}

lm_status lm_table_manifest_load(const char *path, const lm_table_options *options,
                                 lm_table_manifest **manifest, lm_error *error)
{
    static const lm_table_options defaults;
    if (!options) options = &defaults;
    const lm_allocator *allocator = lm__allocator_or_default(options->allocator);
    lm_store *store;
    lm_table_log log;
    const char *place;
    *manifest = NULL;
    LM_TRY(lm__store_for(allocator, path, options->storage, &store, &place, error));
    lm_table_manifest *made = lm__alloc_zero(allocator, sizeof *made);
    lm_status status =
        made ? lm__table_log_init(&log, allocator, store, place, error) : no_memory(error);
    if (status == LM_OK) {
        log.threads = options->threads;
        log.cancel = options->cancel;
        made->allocator = allocator;
        lm__buffer_init(&made->text, allocator, 0);
        status = load(&log, made, error);
        if (status == LM_OK && lm__buffer_byte(&made->text, '\0') != LM_OK)
            status = no_memory(error);
        lm__table_log_deinit(&log);
    }
    lm__store_close(store);
    if (status == LM_OK)
        *manifest = made;
    else if (made && made->allocator)
        lm_table_manifest_free(made);
    else
        lm__free(allocator, made);
    return status;
}
