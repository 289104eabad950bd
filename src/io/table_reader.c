/* Reading tables; see table_reader.h. */
#include "io/table_reader.h"

#include <stdlib.h>
#include <string.h>

#include "arrow/filter.h"
#include "arrow/text.h"
#include "base/alloc.h"
#include "base/error.h"
#include "base/limits.h"
#include "io/dataset.h"
#include "table/delta_schema.h"
#include "table/operation.h"
#include "table/partition_rows.h"
#include "table/prune.h"

typedef struct opening {
    const lm_read_request *request;
    lm_dataset *dataset;
    const char *root;
    lm_snapshot *snapshot;
    lm_error *error;
} opening;

/* A live part on its way into its order. */
typedef struct live_part {
    const lm_delta_add *add;
    const char **values; /* `keys` partition values, NULL is null */
    size_t keys;
} live_part;

static lm_status no_memory(const opening *o)
{
    return lm__error_memory(o->error, "opening a table");
}

lm_status lm__path_is_table(lm_store *store, const char *path, bool *is_table, lm_error *error)
{
    char log[LM_PATH_BYTES_MAX];
    lm_store_stat stat;
    lm_error local;
    size_t size = strlen(path);
    *is_table = false;
    if (size + sizeof LM_TABLE_LOG_DIRECTORY + 1 > sizeof log) return LM_OK;
    memcpy(log, path, size);
    if (size && log[size - 1] != '/') log[size++] = '/';
    memcpy(log + size, LM_TABLE_LOG_DIRECTORY, sizeof LM_TABLE_LOG_DIRECTORY);
    lm_status status = lm__store_stat(store, log, true, &stat, &local);
    *is_table = status == LM_OK && stat.kind == LM_STORE_DIRECTORY;
    if (status == LM_OK || status == LM_NOT_FOUND) return LM_OK;
    if (error) *error = local;
    return status;
}

/* Which parts the filter leaves. It is bound to a schema that was asked for only where that is the
 * table's own. */
static lm_status choose_parts(const opening *o, bool *may)
{
    const lm_snapshot *s = o->snapshot;
    const lm_read_request *request = o->request;
    lm_filter *filter;
    size_t count;
    memset(may, true, s->part_count);
    if (!request->filter || request->schema) return LM_OK;
    LM_TRY(lm_expr_bind(o->dataset->allocator, request->filter, o->dataset->schema, &filter,
                        o->error));
    lm_status status = lm__snapshot_prune(s, filter, request->threads, may, &count, o->error);
    lm_filter_free(filter);
    return status;
}

/* Partitions by their values, as numbers where they are such; nulls first. */
static int compare_values(const char *a, const char *b)
{
    int64_t x, y;
    if (!a || !b) return (a != NULL) - (b != NULL);
    if (lm__text_to_i64(a, strlen(a), &x) == LM_TEXT_OK &&
        lm__text_to_i64(b, strlen(b), &y) == LM_TEXT_OK && x != y)
        return x < y ? -1 : 1;
    return strcmp(a, b);
}

static int compare_parts(const void *left, const void *right)
{
    const live_part *a = left, *b = right;
    for (size_t i = 0; i < a->keys; i++) {
        int order = compare_values(a->values[i], b->values[i]);
        if (order) return order;
    }
    if (a->add->modification_time_ms != b->add->modification_time_ms)
        return a->add->modification_time_ms < b->add->modification_time_ms ? -1 : 1;
    return strcmp(a->add->path, b->add->path);
}

static lm_status list_parts(const opening *o, const bool *may, live_part *live, size_t *count)
{
    const lm_snapshot *s = o->snapshot;
    const lm_text_list *keys = &s->metadata.partition_columns;
    *count = 0;
    for (size_t i = 0; i < s->part_count; i++) {
        if (!may[i]) continue;
        live_part *part = &live[(*count)++];
        *part = (live_part){.add = &s->parts[i], .keys = keys->count};
        part->values = lm__arena_array(&o->dataset->arena, keys->count + 1, sizeof *part->values);
        if (!part->values) return no_memory(o);
        for (size_t k = 0; k < keys->count; k++) {
            part->values[k] = lm__part_value(part->add, keys->items[k]);
        }
    }
    if (*count) qsort(live, *count, sizeof *live, compare_parts);
    return LM_OK;
}

/* The dataset's parts, which outlive the snapshot, and the table of their partition values. */
static lm_status put_parts(const opening *o, const live_part *live, size_t count)
{
    lm_dataset *d = o->dataset;
    const lm_delta_add **adds = lm__arena_array(&d->arena, count + 1, sizeof *adds);
    d->parts = lm__arena_array(&d->arena, count + 1, sizeof *d->parts);
    d->root = lm__arena_strdup(&d->arena, o->root);
    if (!adds || !d->parts || !d->root) return no_memory(o);
    for (size_t i = 0; i < count; i++) {
        lm_part *part = &d->parts[i];
        adds[i] = live[i].add;
        *part = (lm_part){.size = (uint64_t)adds[i]->size, .place = (int64_t)i};
        LM_TRY(lm__part_path_whole(&d->arena, o->root, adds[i]->path, &part->path, o->error));
        LM_TRY(lm__part_rows(d->allocator, adds[i], &part->rows, o->error));
        if (!adds[i]->vector) continue;
        part->vector = lm__delta_vector_copy(&d->arena, adds[i]->vector);
        if (!part->vector) return no_memory(o);
    }
    d->count = count;
    return lm__partition_rows(d->allocator, o->root, d->schema,
                              &o->snapshot->metadata.partition_columns, adds, count, &d->partitions,
                              o->error);
}

static lm_status find_parts(const opening *o)
{
    const lm_allocator *allocator = o->dataset->allocator;
    size_t count = o->snapshot->part_count;
    bool *may = lm__alloc_array(allocator, count + 1, sizeof *may);
    live_part *live = lm__alloc_array(allocator, count + 1, sizeof *live);
    lm_status status = may && live ? choose_parts(o, may) : no_memory(o);
    if (status == LM_OK) status = list_parts(o, may, live, &count);
    if (status == LM_OK) status = put_parts(o, live, count);
    lm__free(allocator, live);
    lm__free(allocator, may);
    return status;
}

static lm_status load(opening *o, const lm_snapshot_options *at)
{
    lm_dataset *d = o->dataset;
    lm_table_log log;
    LM_TRY(lm__table_log_init(&log, d->allocator, d->store, o->root, o->error));
    log.threads = o->request->threads;
    log.cancel = o->request->cancel;
    lm_status status = lm__snapshot_load(&log, at, &o->snapshot, o->error);
    lm__table_log_deinit(&log);
    return status;
}

static lm_status open_table(opening *o, const lm_snapshot_options *at)
{
    lm_dataset *d = o->dataset;
    LM_TRY(load(o, at));
    const lm_delta_metadata *metadata = &o->snapshot->metadata;
    lm_status status = lm__delta_schema_parse(d->allocator, metadata->schema, metadata->schema_size,
                                              &d->schema, o->error);
    if (status != LM_OK) return lm__error_within(o->error, status, "%s", o->root);
    d->row = lm__format_row(LM_FORMAT_PARQUET);
    status = find_parts(o);
    if (status != LM_OK || o->request->schema) return status;
    return lm__dataset_prune(d, o->request, o->error);
}

lm_status lm__table_reader_open_take(const lm_allocator *allocator, lm_store *take_store,
                                     const char *path, const lm_snapshot_options *at,
                                     const lm_read_request *request, const lm_format_row **row,
                                     lm_reader **reader, lm_error *error)
{
    opening o = {.request = request, .root = path, .error = error};
    LM_TRY(lm__dataset_new_take(allocator, take_store, &o.dataset, error));
    lm_status status = open_table(&o, at);
    lm__snapshot_free(o.snapshot);
    if (status == LM_OK) return lm__dataset_reader_take(o.dataset, false, row, reader, error);
    lm__dataset_unref(o.dataset);
    return status;
}
