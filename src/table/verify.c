/*
 * Verifying a table: each live part against the log, and manifest.json too.
 *
 * Invariants
 *  1. A problem of a part ends nothing but the look at that part.
 *  2. What could not be looked at (rights, a connection) is a failure, no problem of the table.
 */
#include <stdio.h>
#include <string.h>

#include <lamella/parquet_verify.h>

#include "arrow/cast.h"
#include "base/alloc.h"
#include "base/cancel.h"
#include "base/error.h"
#include "store/find.h"
#include "table/append.h"
#include "table/deletion_vector.h"
#include "table/manifest.h"
#include "table/operation.h"
#include "table/partition_rows.h"
#include "table/verify_stats.h"

typedef struct verifying {
    lm_operation operation;
    const lm_table_verifying *what;
    lm_table_verified *result;
    lm_arena arena; /* of one part */
    const char *part;
    const lm_delta_add *add;
    lm_row_set *deleted; /* of that part, or NULL */
    lm_schema *schema;   /* of the parts */
    lm_text_index live;
    lm_status worst;
    char first[LM_ERROR_MESSAGE_MAX];
    bool is_broken; /* the part at hand: no use in looking on */
} verifying;

static lm_status no_memory(const verifying *v) { return lm__operation_memory(&v->operation); }

static int rank(lm_status status)
{
    return status == LM_CORRUPT ? 3 : status == LM_NOT_FOUND ? 2 : status == LM_STALE ? 1 : 0;
}

static lm_status tell(verifying *v, lm_status status, const char *kind, const char *message)
{
    const lm_operation *o = &v->operation;
    const lm_table_problem problem = {v->part, kind, message};
    v->result->problems++;
    if (rank(status) > rank(v->worst)) {
        v->worst = status;
        snprintf(v->first, sizeof v->first, "%.300s%s%.200s: %s: %.400s", o->root,
                 v->part ? "/" : "", v->part ? v->part : "", kind, message);
    }
    return v->what->callback ? v->what->callback(v->what->context, &problem, o->error) : LM_OK;
}

/* What the Parquet file tells of itself. */
static lm_status part_problem(void *context, const lm_parquet_problem *problem, lm_error *error)
{
    verifying *v = context;
    char text[LM_ERROR_MESSAGE_MAX];
    (void)error;
    v->is_broken = true;
    snprintf(text, sizeof text, "%s%s%s: %.400s", problem->kind,
             problem->column ? " of column " : "", problem->column ? problem->column : "",
             problem->message);
    return tell(v, LM_CORRUPT, "contents", text);
}

/* LM_CORRUPT and LM_DATA are the part's; what else fails is ours. */
static lm_status settle(verifying *v, lm_status status, const lm_error *why, const char *kind)
{
    if (status == LM_OK) return LM_OK;
    if (status != LM_CORRUPT && status != LM_DATA && status != LM_SCHEMA) {
        if (v->operation.error) *v->operation.error = *why;
        return status;
    }
    v->is_broken = true;
    return tell(v, LM_CORRUPT, kind, why->message);
}

static lm_status check_checksum(verifying *v, const char *path)
{
    const lm_operation *o = &v->operation;
    const char *told = lm__text_map_get(&v->add->tags, LM_TABLE_TAG_CHECKSUM);
    char found[LM_CHECKSUM_TEXT_MAX], text[3 * LM_CHECKSUM_TEXT_MAX];
    lm_error why;
    bool sha = told && strncmp(told, "sha256:", 7) == 0;
    if (!told || (!sha && strncmp(told, "crc32c:", 7) != 0)) return LM_OK;
    lm_status status = lm__store_checksum(
        o->store, path, sha ? LM_CHECKSUM_SHA256 : LM_CHECKSUM_CRC32C, o->how->cancel, found, &why);
    if (status != LM_OK) return settle(v, status, &why, "checksum");
    if (strcmp(found, told) == 0) return LM_OK;
    v->is_broken = true;
    snprintf(text, sizeof text, "it is %s, and the log tells of %s", found, told);
    return tell(v, LM_CORRUPT, "checksum", text);
}

/* The rows as the table has them, against the statistics. */
static lm_status read_rows(verifying *v, lm_parquet_reader *reader, lm_stats_check *check,
                           lm_error *why)
{
    const lm_operation *o = &v->operation;
    const lm_parquet_read_options read = {.threads = o->how->threads,
                                          .dictionaries = LM_DICTIONARIES_DECODE,
                                          .cancel = o->how->cancel};
    const lm_cast_options fit = {.mode = LM_CAST_SAFE, .drop_extra = true};
    struct ArrowArrayStream exported;
    lm_stream *plain, *stream;
    lm_batch *batch;
    LM_TRY(lm_parquet_read_stream(reader, &read, &exported, why));
    LM_TRY(lm__stream_import_take(o->allocator, &exported, LM_VALIDATE_NONE, &plain, why));
    if (v->deleted) {
        lm_row_set *deleted = v->deleted;
        v->deleted = NULL;
        LM_TRY(lm__live_stream_take(o->allocator, plain, deleted, &plain, why));
    }
    LM_TRY(lm__cast_stream_take(o->allocator, plain, v->schema, &fit, &stream, why));
    lm_status status;
    while ((status = lm__stream_next(stream, &batch, why)) == LM_OK && batch) {
        if (check) status = lm__stats_check_batch(check, batch, why);
        lm__batch_unref(batch);
        if (status != LM_OK) break;
    }
    lm__stream_close(stream);
    return status;
}

static lm_status check_rows(verifying *v, lm_parquet_reader *reader)
{
    const lm_operation *o = &v->operation;
    lm_stats_check *check;
    lm_error why;
    LM_TRY(lm__stats_check_new(o->allocator, v->add, v->schema, &check, o->error));
    lm_status status = read_rows(v, reader, check, &why);
    if (status != LM_OK) {
        status = settle(v, status, &why, "schema");
    } else if (check) {
        const char *wrong = lm__stats_check_end(check);
        if (wrong) status = tell(v, LM_CORRUPT, "statistics", wrong);
    }
    lm__stats_check_free(check);
    return status;
}

/* `read` are all of the file's. */
static lm_status check_count(verifying *v, uint64_t read)
{
    const lm_operation *o = &v->operation;
    uint64_t deleted = v->deleted ? lm__row_set_count(v->deleted) : 0;
    int64_t told;
    char text[160];
    LM_TRY(lm__part_rows(o->allocator, v->add, &told, o->error));
    if (v->deleted && lm__row_set_end(v->deleted) > read) {
        v->is_broken = true;
        snprintf(text, sizeof text, "they go up to row %llu, and there are %llu",
                 (unsigned long long)lm__row_set_end(v->deleted), (unsigned long long)read);
        return tell(v, LM_CORRUPT, "deletions", text);
    }
    v->result->rows += read - deleted;
    if (v->is_broken || told < 0 || (uint64_t)told == read - deleted) return LM_OK;
    snprintf(text, sizeof text, "there are %llu, and the log tells of %lld",
             (unsigned long long)(read - deleted), (long long)told);
    return tell(v, LM_CORRUPT, "rows", text);
}

static lm_status check_contents(verifying *v, lm_source *take_source)
{
    const lm_operation *o = &v->operation;
    const lm_parquet_reader_options how = {.allocator = o->allocator};
    const lm_parquet_verify_options verify = {
        .callback = part_problem, .context = v, .cancel = o->how->cancel};
    lm_parquet_verified found = {0};
    lm_parquet_reader *reader;
    lm_error why;
    lm_status status = lm_parquet_reader_open(take_source, &how, &reader, &why);
    if (status != LM_OK) return settle(v, status, &why, "contents");
    status = lm_parquet_verify(reader, &verify, &found, &why);
    if (status != LM_OK && (status != LM_CORRUPT || found.problems == 0))
        status = settle(v, status, &why, "contents");
    else
        status = LM_OK; /* its problems were told */
    if (status == LM_OK) status = check_count(v, found.rows);
    if (status == LM_OK && !v->is_broken) status = check_rows(v, reader);
    lm_parquet_reader_close(reader);
    return status;
}

static lm_status check_vector(verifying *v)
{
    const lm_operation *o = &v->operation;
    lm_error why;
    lm__row_set_free(v->deleted);
    v->deleted = NULL;
    if (!v->add->vector) return LM_OK;
    lm_status status = lm__deletion_vector_read(o->allocator, o->store, o->root, v->add->vector,
                                                &v->deleted, &why);
    if (status != LM_NOT_FOUND) return settle(v, status, &why, "deletions");
    v->is_broken = true;
    return tell(v, LM_NOT_FOUND, "missing", why.message);
}

static lm_status check_part(verifying *v)
{
    const lm_operation *o = &v->operation;
    const char *path;
    lm_store_stat stat;
    lm_source *source;
    lm_error why;
    LM_TRY(lm__part_path_whole(&v->arena, o->root, v->add->path, &path, o->error));
    lm_status status = lm__store_stat(o->store, path, true, &stat, &why);
    if (status == LM_NOT_FOUND) return tell(v, LM_NOT_FOUND, "missing", "the file is not there");
    if (status != LM_OK) return settle(v, status, &why, "missing");
    v->result->bytes += stat.size;
    if ((int64_t)stat.size != v->add->size) {
        char text[160];
        snprintf(text, sizeof text, "it has %llu bytes, and the log tells of %lld",
                 (unsigned long long)stat.size, (long long)v->add->size);
        return tell(v, LM_CORRUPT, "size", text);
    }
    LM_TRY(check_vector(v));
    if (v->what->without_reading) return LM_OK;
    LM_TRY(check_checksum(v, path));
    status = lm__store_open(o->store, path, &source, &why);
    if (status != LM_OK) return settle(v, status, &why, "missing");
    return check_contents(v, source);
}

/* manifest.json at the version that it shows. The names in it depend on how the table was reached.
 */
static lm_status check_manifest(verifying *v)
{
    lm_operation *o = &v->operation;
    char *text;
    lm_buffer wanted;
    long long version = -1;
    v->part = NULL;
    v->result->manifest_version = -1;
    LM_TRY(lm__manifest_read(&o->log, &text, o->error));
    if (!text) return LM_OK;
    lm_status status = LM_OK;
    lm__buffer_init(&wanted, o->allocator, 0);
    if (sscanf(text, "{\"version\":%lld", &version) != 1 || version < 0 ||
        version > o->snapshot->version) {
        status = tell(v, LM_STALE, "manifest", "manifest.json shows no version of the log");
        goto done;
    }
    v->result->manifest_version = version;
    const lm_snapshot_options at = {.has_version = true, .version = version};
    lm_snapshot *then = NULL;
    lm_error why;
    if (version != o->snapshot->version) {
        status = lm__snapshot_load(&o->log, &at, &then, &why);
        if (status == LM_NOT_FOUND || status == LM_CORRUPT) {
            status = LM_OK; /* cleaned up: nobody can say */
            goto done;
        }
    }
    if (status == LM_OK)
        status = lm__manifest_text(then ? then : o->snapshot, o->root, &wanted, o->error);
    else if (o->error)
        *o->error = why;
    lm__snapshot_free(then);
    if (status == LM_OK) status = lm__buffer_byte(&wanted, '\0') == LM_OK ? LM_OK : no_memory(v);
    if (status == LM_OK) {
        const char *names[2] = {strstr(text, ",\"table\":"),
                                strstr((char *)wanted.data, ",\"table\":")};
        const char *rests[2] = {strstr(text, ",\"buckets\":"),
                                strstr((char *)wanted.data, ",\"buckets\":")};
        bool same = names[0] && rests[0] && names[0] - text == names[1] - (char *)wanted.data &&
                    memcmp(text, wanted.data, (size_t)(names[0] - text)) == 0 &&
                    strcmp(rests[0], rests[1]) == 0;
        if (!same)
            status = tell(v, LM_STALE, "manifest",
                          "manifest.json is not what the log tells of its version");
    }
done:
    lm__buffer_deinit(&wanted);
    lm__free(o->allocator, text);
    return status;
}

/* Files that no live part is. */
static lm_status look_at_file(void *context, const lm_find_entry *entry, lm_error *error)
{
    verifying *v = context;
    static const char suffix[] = ".parquet";
    const char *below = entry->path + entry->base;
    size_t size = strlen(entry->path);
    (void)error;
    while (*below == '/') below++;
    if (size < sizeof suffix || strcmp(entry->path + size - (sizeof suffix - 1), suffix) != 0 ||
        lm__text_index_find(&v->live, below))
        return LM_OK;
    v->result->unreferenced++;
    v->result->unreferenced_bytes += entry->size;
    return LM_OK;
}

static lm_status check_files(verifying *v)
{
    const lm_operation *o = &v->operation;
    for (size_t i = 0; i < o->snapshot->part_count; i++) {
        const char *path;
        LM_TRY(
            lm__part_path_below(&v->arena, o->root, o->snapshot->parts[i].path, &path, o->error));
        if (!path || lm__text_index_find(&v->live, path)) continue;
        if (lm__text_index_add(&v->live, path, 0) != LM_OK) return no_memory(v);
    }
    return lm__find_directory(&v->arena, o->store, o->root, o->how->cancel, look_at_file, v,
                              o->error);
}

static lm_status part_schema(verifying *v)
{
    lm_operation *o = &v->operation;
    const lm_field *root = &o->schema->root;
    int32_t count = 0;
    int32_t *columns = lm__arena_array(&o->arena, (size_t)root->n_children + 1, sizeof *columns);
    if (!columns) return no_memory(v);
    for (int32_t i = 0; i < root->n_children; i++)
        if (!lm__text_list_has(&o->snapshot->metadata.partition_columns, root->children[i].name))
            columns[count++] = i;
    return lm__schema_select(o->schema, columns, count, &v->schema, o->error);
}

/* Each value must be one of its column's type. */
static lm_status check_partitions(verifying *v)
{
    const lm_operation *o = &v->operation;
    lm_batch *rows;
    lm_error why;
    lm_status status =
        lm__partition_rows(o->allocator, o->root, o->schema,
                           &o->snapshot->metadata.partition_columns, &v->add, 1, &rows, &why);
    if (status == LM_OK)
        lm__batch_unref(rows);
    else
        status = settle(v, status, &why, "partition");
    return status;
}

static lm_status verify_all(verifying *v)
{
    lm_operation *o = &v->operation;
    LM_TRY(lm__operation_look(o, NULL));
    LM_TRY(part_schema(v));
    v->result->version = o->snapshot->version;
    v->result->parts = o->snapshot->part_count;
    for (size_t i = 0; i < o->snapshot->part_count; i++) {
        if (lm__cancel_requested(o->how->cancel))
            return lm__error_set(o->error, LM_CANCELLED, "%s: interrupted", o->root);
        lm__arena_reset(&v->arena);
        v->add = &o->snapshot->parts[i];
        v->is_broken = false;
        LM_TRY(lm__part_path_below(&v->arena, o->root, v->add->path, &v->part, o->error));
        if (!v->part) v->part = v->add->path;
        LM_TRY(check_partitions(v));
        LM_TRY(check_part(v));
    }
    LM_TRY(check_manifest(v));
    return check_files(v);
}

lm_status lm_table_verify(const char *path, const lm_table_verifying *what,
                          const lm_table_operation *how, lm_table_verified *result, lm_error *error)
{
    static const lm_table_verifying defaults;
    lm_table_verified ignored;
    verifying v = {.what = what ? what : &defaults, .result = result ? result : &ignored};
    *v.result = (lm_table_verified){.version = -1, .manifest_version = -1};
    lm_status status = lm__operation_open(&v.operation, path, how, error);
    lm__arena_init(&v.arena, v.operation.allocator, 0);
    lm__text_index_init(&v.live, v.operation.allocator);
    if (status == LM_OK) status = verify_all(&v);
    if (status == LM_OK && v.worst != LM_OK) status = lm__error_set(error, v.worst, "%s", v.first);
    lm__text_index_deinit(&v.live);
    lm__row_set_free(v.deleted);
    lm_schema_free(v.schema);
    lm__arena_deinit(&v.arena);
    lm__operation_close(&v.operation);
    return status;
}
