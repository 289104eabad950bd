/* lm_table_append_take, from its options to its summary; see append.h. */
#include <string.h>

#include "arrow/text.h"
#include "base/alloc.h"
#include "base/error.h"
#include "base/limits.h"
#include "store/place.h"
#include "table/append.h"
#include "table/begin.h"
#include "table/checkpoint.h"
#include "table/manifest.h"

lm_status lm__append_memory(const lm_append *append)
{
    return lm__error_memory(append->error, "appending to a table");
}

/* What may be asked for. */

static bool is_run_id(const char *text)
{
    size_t size = text ? strlen(text) : 0;
    if (size == 0 || size > LM_TABLE_RUN_ID_BYTES_MAX || text[0] == '.' || text[0] == '_')
        return false;
    return text[strcspn(text, "/\\")] == '\0';
}

static lm_status check_options(lm_append *a)
{
    const lm_table_options *o = a->options;
    char shown[LM_PATH_TEXT_MAX];
    if (!o->root || !*o->root)
        return lm__error_set(a->error, LM_INVALID, "appending to a table: there is no root");
    if (!a->table || !lm__table_name_is(a->table))
        return lm__error_set(a->error, LM_SCHEMA,
                             "\"%s\" is no table's name (small letters, digits and _, a letter "
                             "first)",
                             lm__printable(shown, sizeof shown, a->table ? a->table : ""));
    if (!is_run_id(a->run_id))
        return lm__error_set(a->error, LM_INVALID,
                             "\"%s\" is no run id: the name of a directory, without '/', not "
                             "beginning with '.' or '_'",
                             lm__printable(shown, sizeof shown, a->run_id ? a->run_id : ""));
    if (o->tick_bucket_size < 0)
        return lm__error_set(a->error, LM_INVALID, "tick_bucket_size is 1 or more");
    if (o->replace_where && !o->replace)
        return lm__error_set(a->error, LM_INVALID, "replace_where is for overwrites");
    if (o->has_batch && o->batch < 0)
        return lm__error_set(a->error, LM_INVALID, "batch is 0 or more");
    if (o->threads < 0) return lm__error_set(a->error, LM_INVALID, "threads is at least 0");
    a->part_plan.checksum = LM_CHECKSUM_CRC32C;
    if (!o->checksum || strcmp(o->checksum, "crc32c") == 0) return LM_OK;
    a->part_plan.checksum = LM_CHECKSUM_SHA256;
    if (strcmp(o->checksum, "sha256") == 0) return LM_OK;
    return lm__error_set(a->error, LM_INVALID, "%s: a part's checksum is crc32c or sha256",
                         lm__printable(shown, sizeof shown, o->checksum));
}

/* The table. */

static lm_status open_table(lm_append *a)
{
    const lm_snapshot_options options = {.without_parts = !a->options->replace};
    LM_TRY(lm__store_for(a->allocator, a->options->root, a->options->storage, &a->store, &a->root,
                         a->error));
    LM_TRY(lm__store_require(a->store, LM_STORE_IF_ABSENT, a->error));
    size_t size = strlen(a->root);
    a->directory =
        lm__arena_printf(&a->arena, "%s%s%s/%s", a->root,
                         size && a->root[size - 1] == '/' ? "" : "/", a->run_id, a->table);
    a->batch_app = lm__arena_printf(&a->arena, "%s/%lld", a->run_id, (long long)a->options->batch);
    if (!a->directory || !a->batch_app) return lm__append_memory(a);
    LM_TRY(lm__table_log_init(&a->log, a->allocator, a->store, a->directory, a->error));
    a->has_log = true;
    a->log.threads = a->options->threads;
    a->log.cancel = a->options->cancel;
    lm_error why;
    lm_status status = lm__snapshot_load(&a->log, &options, &a->base, &why);
    if (status == LM_NOT_FOUND) return LM_OK;
    if (status != LM_OK && a->error) *a->error = why;
    return status;
}

static void close_table(lm_append *a)
{
    lm__append_rows_deinit(a);
    lm__row_rules_free(a->rules);
    lm__route_free(a->route);
    lm__cast_free(a->part_cast);
    lm__cast_free(a->cast);
    lm__pool_free(a->pool);
    lm_schema_free(a->parts);
    lm_schema_free(a->rows);
    lm_schema_free(a->stored);
    lm_table_descriptor_free(a->known);
    lm_table_descriptor_free(a->descriptor);
    lm__snapshot_free(a->base);
    if (a->has_log) lm__table_log_deinit(&a->log);
    lm__store_close(a->store);
    lm__arena_deinit(&a->arena);
}

/* The rows. */

static lm_status first_rows(lm_append *a, lm_stream *stream, lm_batch **batch)
{
    for (;;) {
        LM_TRY(lm__stream_next(stream, batch, a->error));
        if (!*batch || lm__batch_rows(*batch) > 0) return LM_OK;
        lm__batch_unref(*batch);
    }
}

static lm_status append_rows(lm_append *a, lm_stream *stream, lm_batch *first)
{
    lm_status status = lm__append_fit(a, stream->schema);
    if (status == LM_OK)
        status = lm__pool_new(a->allocator, a->options->threads, &a->pool, a->error);
    for (lm_batch *batch = first; batch;) {
        if (status == LM_OK) status = lm__append_batch(a, batch);
        lm__batch_unref(batch);
        if (status != LM_OK) return status;
        LM_TRY(lm__stream_next(stream, &batch, a->error));
    }
    if (status != LM_OK) return status;
    return lm__append_finish(a);
}

static void remove_parts(const lm_append *a)
{
    for (size_t i = 0; i < a->done_count; i++) lm__part_remove(&a->part_plan, &a->done[i]);
}

/* The new parts, as the log would tell of them. */
static lm_status update_manifest(lm_append *a)
{
    lm_error ignored;
    lm_manifest_part *parts = lm__arena_zero(&a->arena, (a->done_count + 1) * sizeof *parts);
    if (!parts) return LM_NO_MEMORY;
    for (size_t i = 0; i < a->done_count; i++) {
        const lm_part_done *done = &a->done[i];
        const lm_slot *slot = lm__route_slot(a->route, done->slot);
        lm_part_facts *facts = &parts[i].facts;
        *facts = (lm_part_facts){.path = done->path,
                                 .has_rows = true,
                                 .rows = done->rows,
                                 .has_ticks = done->ticks.there,
                                 .tick_min = done->ticks.min,
                                 .tick_max = done->ticks.max,
                                 .checksum = done->checksum};
        parts[i].bytes = (int64_t)done->bytes;
        parts[i].mtime_ms = done->mtime_ms;
        for (size_t k = 0; k < a->descriptor->partition_count; k++) {
            const char *value = slot->values[k];
            if (value && strcmp(a->descriptor->partitions[k].name, LM_TABLE_BUCKET) == 0)
                facts->has_bucket =
                    lm__text_to_i64(value, strlen(value), &facts->bucket) == LM_TEXT_OK;
        }
    }
    return lm__manifest_extend(&a->log, a->committed.version, parts, a->done_count, &ignored);
}

/* What follows a commit and is no part of it: checkpoint, cleanup, manifest. What fails of it the
 * next writer does. */
static void keep_up(lm_append *a, lm_table_summary *summary)
{
    lm_error ignored;
    if (a->base) {
        lm_status kept =
            lm__table_upkeep(&a->log, a->committed.version, &a->base->metadata, &ignored);
        (void)kept;
    }
    lm_status status = a->options->replace
                           ? lm__manifest_update(&a->log, a->committed.version, &ignored)
                           : update_manifest(a);
    summary->manifest_is_behind = status != LM_OK;
}

/* From the first rows to the entry. */
static lm_status append_all(lm_append *a, lm_stream *stream, lm_table_summary **summary)
{
    lm_batch *first;
    int64_t version;
    if (a->options->has_batch) {
        lm_status found = lm__append_find_batch(a, &version);
        if (found == LM_OK) return lm__append_summary_again(a, version, summary);
        if (found != LM_NOT_FOUND) return found;
    }
    LM_TRY(first_rows(a, stream, &first));
    if (!first && !(a->options->replace && a->base)) return lm__append_summary(a, summary);
    const bool is_new = !a->base;
    bool marked = false;
    lm_status status = a->base ? LM_OK : lm__table_begin(&a->log, &marked, a->error);
    if (status == LM_OK)
        status = append_rows(a, stream, first);
    else
        lm__batch_unref(first);
    if (status == LM_OK) {
        lm__append_sort(a);
        status = lm__append_summary(a, summary);
    }
    if (status == LM_OK) status = lm__append_commit(a);
    if (status == LM_OK || status == LM_UNKNOWN_DURABILITY) {
        (*summary)->version = a->committed.version;
        (*summary)->parts_removed = a->parts_removed;
    } else if (status != LM_UNKNOWN_OUTCOME) {
        remove_parts(a);
    }
    bool is_there = status == LM_OK || status == LM_UNKNOWN_DURABILITY;
    if (is_new && (is_there || (marked && status != LM_UNKNOWN_OUTCOME))) lm__table_begun(&a->log);
    if (status != LM_OK) return status;
    if (!a->committed.was_there) {
        keep_up(a, *summary);
        return LM_OK;
    }
    remove_parts(a);
    lm_table_summary_free(*summary);
    *summary = NULL;
    return lm__append_summary_again(a, a->committed.version, summary);
}

static void append_init(lm_append *a, const lm_table_options *options, const char *table,
                        const char *run_id, lm_error *error)
{
    *a = (lm_append){.options = options,
                     .allocator = lm__allocator_or_default(options->allocator),
                     .table = table,
                     .run_id = run_id,
                     .error = error};
    lm__arena_init(&a->arena, a->allocator, 0);
}

lm_status lm_table_describe(const lm_table_options *options, const char *table, const char *run_id,
                            lm_table_descriptor **descriptor, lm_error *error)
{
    lm_append a;
    *descriptor = NULL;
    append_init(&a, options, table, run_id, error);
    lm_status status = check_options(&a);
    if (status == LM_OK && options->registry) {
        lm_table_descriptor *found = lm_registry_find(options->registry, table);
        if (found) a.descriptor = lm_table_descriptor_ref(found);
    }
    if (status == LM_OK && !a.descriptor) {
        status = open_table(&a);
        if (status == LM_OK) status = lm__append_describe(&a);
    }
    if (status == LM_OK) *descriptor = lm_table_descriptor_ref(a.descriptor);
    close_table(&a);
    return status;
}

lm_status lm_table_append_take(const lm_table_options *options, const char *table,
                               const char *run_id, struct ArrowArrayStream *take_stream,
                               lm_table_summary **summary, lm_error *error)
{
    lm_append a;
    lm_table_summary *made = NULL;
    lm_stream *stream = NULL;
    if (summary) *summary = NULL;
    append_init(&a, options, table, run_id, error);
    lm_status status =
        lm__stream_import_take(a.allocator, take_stream, LM_VALIDATE_TEXT, &stream, error);
    if (status == LM_OK) status = check_options(&a);
    if (status == LM_OK) status = open_table(&a);
    if (status == LM_OK) status = lm__append_plan(&a);
    if (status == LM_OK) status = append_all(&a, stream, &made);
    lm__stream_close(stream);
    close_table(&a);
    if (status != LM_OK && status != LM_UNKNOWN_DURABILITY) {
        lm_table_summary_free(made);
        made = NULL;
    }
    if (summary)
        *summary = made;
    else
        lm_table_summary_free(made);
    return status;
}
