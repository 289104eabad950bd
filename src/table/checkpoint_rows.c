/*
 * The rows of a checkpoint: an action each, in the one column of its kind (PROTOCOL.md, "Checkpoint
 * Schema"), by our own Parquet writer.
 */
#include <string.h>

#include "arrow/build.h"
#include "base/cancel.h"
#include "base/error.h"
#include "base/limits.h"
#include "parquet/writer.h"
#include "table/checkpoint.h"

#define BATCH_ROWS 8192
#define BATCH_BYTES (32 * LM_MIB) /* of texts; a batch ends past it */

#define MAP "map<key: utf8 not null, value: utf8>"
/* Of V2 ones only, and last. */
#define V2_TEXT "checkpointMetadata: struct<version: int64, tags: " MAP ">\n"
static const char schema_text[] =
    "txn: struct<appId: utf8, version: int64, lastUpdated: int64>\n"
    "add: struct<path: utf8, partitionValues: " MAP ", size: int64, modificationTime: int64,"
    " dataChange: bool, stats: utf8, tags: " MAP ">\n"
    "remove: struct<path: utf8, deletionTimestamp: int64, dataChange: bool,"
    " extendedFileMetadata: bool, partitionValues: " MAP ", size: int64>\n"
    "metaData: struct<id: utf8, name: utf8, description: utf8,"
    " format: struct<provider: utf8, options: " MAP ">, schemaString: utf8,"
    " partitionColumns: list<element: utf8>, configuration: " MAP ", createdTime: int64>\n"
    "protocol: struct<minReaderVersion: int32, minWriterVersion: int32,"
    " readerFeatures: list<element: utf8>, writerFeatures: list<element: utf8>>\n" V2_TEXT;

/* The columns, as they stand there. */
enum { TXN, ADD, REMOVE, METADATA, PROTOCOL, CHECKPOINT };

typedef struct writing {
    const lm_table_log *log;
    lm_schema *schema;
    lm_builder root;
    lm_parquet_writer *writer;
    lm_builder *at; /* the next member of the struct that is being filled */
    size_t bytes;   /* of texts in this batch */
    lm_status status;
    lm_error *error;
} writing;

/* ---- members, one after the other; sticky ---- */

static void keep(writing *w, lm_status status)
{
    if (w->status == LM_OK) w->status = status;
}

static bool reserve(writing *w, lm_builder *builder)
{
    if (w->status == LM_OK) w->status = lm__builder_reserve(builder, 1);
    return w->status == LM_OK;
}

static void bytes_into(writing *w, lm_builder *builder, const char *text, size_t size)
{
    if (w->status != LM_OK) return;
    w->bytes += text ? size : 0;
    keep(w, text ? lm__build_bytes(builder, text, size) : lm__build_null(builder));
}

static void put_text(writing *w, const char *text)
{
    bytes_into(w, w->at++, text, text ? strlen(text) : 0);
}

static void put_int(writing *w, bool there, int64_t value)
{
    lm_builder *builder = w->at++;
    if (!there)
        keep(w, lm__build_null(builder));
    else if (reserve(w, builder))
        lm__build_int(builder, value);
}

static void put_bool(writing *w, bool there, bool value)
{
    lm_builder *builder = w->at++;
    if (!there)
        keep(w, lm__build_null(builder));
    else if (reserve(w, builder))
        lm__build_bool(builder, value);
}

static void put_map(writing *w, bool there, const lm_text_map *map)
{
    lm_builder *builder = w->at++;
    if (!there) {
        keep(w, lm__build_null(builder));
        return;
    }
    lm_builder *entries = &builder->children[0];
    for (size_t i = 0; i < map->count && w->status == LM_OK; i++) {
        const lm_key_value *item = &map->items[i];
        bytes_into(w, &entries->children[0], item->key, strlen(item->key));
        bytes_into(w, &entries->children[1], item->value, item->value_size);
        if (w->status == LM_OK) keep(w, lm__build_struct_end(entries));
    }
    if (w->status == LM_OK) keep(w, lm__build_list_end(builder));
}

static void put_list(writing *w, bool there, const lm_text_list *list)
{
    lm_builder *builder = w->at++;
    if (!there) {
        keep(w, lm__build_null(builder));
        return;
    }
    for (size_t i = 0; i < list->count; i++)
        bytes_into(w, &builder->children[0], list->items[i], strlen(list->items[i]));
    if (w->status == LM_OK) keep(w, lm__build_list_end(builder));
}

/* ---- rows ---- */

static lm_status failed(const writing *w, lm_status status)
{
    if (status == LM_NO_MEMORY) return lm__error_memory(w->error, "writing a checkpoint");
    return lm__error_set(w->error, status, "%s: a checkpoint's batch is too large",
                         w->log->directory);
}

static lm_status batch_end(writing *w)
{
    lm_batch *batch;
    struct ArrowArray array;
    w->bytes = 0;
    if (w->root.children[0].length == 0) return LM_OK;
    LM_TRY(lm__builder_finish(&w->root, w->schema, &batch, w->error));
    lm_status status = lm__batch_export(batch, &array, w->error);
    lm__batch_unref(batch);
    if (status == LM_OK) status = lm_parquet_writer_write(w->writer, &array, w->error);
    if (status == LM_OK && lm__cancel_requested(w->log->cancel))
        status = lm__error_set(w->error, LM_CANCELLED, "%s: interrupted", w->log->directory);
    return status;
}

static void row_begin(writing *w, int kind) { w->at = w->root.children[kind].children; }

static lm_status row_end(writing *w, int kind)
{
    if (w->status == LM_OK) keep(w, lm__build_struct_end(&w->root.children[kind]));
    for (int other = 0; other < w->root.n_children && w->status == LM_OK; other++)
        if (other != kind) keep(w, lm__build_null(&w->root.children[other]));
    if (w->status != LM_OK) return failed(w, w->status);
    if (w->root.children[0].length < BATCH_ROWS && w->bytes < BATCH_BYTES) return LM_OK;
    return batch_end(w);
}

static lm_status write_protocol(writing *w, const lm_delta_protocol *protocol)
{
    row_begin(w, PROTOCOL);
    put_int(w, true, protocol->reader);
    put_int(w, true, protocol->writer);
    put_list(w, protocol->has_reader_features, &protocol->reader_features);
    put_list(w, protocol->has_writer_features, &protocol->writer_features);
    return row_end(w, PROTOCOL);
}

/* What makes it a V2 one. */
static lm_status write_checkpoint(writing *w, int64_t version)
{
    row_begin(w, CHECKPOINT);
    put_int(w, true, version);
    put_map(w, false, NULL);
    return row_end(w, CHECKPOINT);
}

static lm_status write_metadata(writing *w, const lm_delta_metadata *metadata)
{
    row_begin(w, METADATA);
    put_text(w, metadata->id);
    put_text(w, metadata->name);
    put_text(w, metadata->description);
    lm_builder *format = w->at++, *next = w->at;
    w->at = format->children;
    put_text(w, metadata->provider);
    put_map(w, true, &metadata->format_options);
    if (w->status == LM_OK) keep(w, lm__build_struct_end(format));
    w->at = next;
    put_text(w, metadata->schema);
    put_list(w, true, &metadata->partition_columns);
    put_map(w, true, &metadata->configuration);
    put_int(w, metadata->has_created_time, metadata->created_time_ms);
    return row_end(w, METADATA);
}

static lm_status write_txn(writing *w, const lm_delta_txn *txn)
{
    row_begin(w, TXN);
    put_text(w, txn->app_id);
    put_int(w, true, txn->version);
    put_int(w, txn->has_last_updated, txn->last_updated_ms);
    return row_end(w, TXN);
}

/* "dataChange" is false in a checkpoint: nothing changes by it. */
static lm_status write_add(writing *w, const lm_delta_add *add)
{
    row_begin(w, ADD);
    put_text(w, add->path);
    put_map(w, true, &add->partition_values);
    put_int(w, true, add->size);
    put_int(w, true, add->modification_time_ms);
    put_bool(w, true, false);
    bytes_into(w, w->at++, add->stats, add->stats_size);
    put_map(w, add->has_tags, &add->tags);
    return row_end(w, ADD);
}

static lm_status write_remove(writing *w, const lm_delta_remove *remove)
{
    row_begin(w, REMOVE);
    put_text(w, remove->path);
    put_int(w, remove->has_deletion_time, remove->deletion_time_ms);
    put_bool(w, true, false);
    put_bool(w, true, remove->extended);
    put_map(w, remove->extended, &remove->partition_values);
    put_int(w, remove->extended, remove->size);
    return row_end(w, REMOVE);
}

static lm_status write_all(writing *w, const lm_snapshot *s, lm_checkpoint_result *result)
{
    int64_t now_ms = w->log->clock->wall_ns(w->log->clock->context) / 1000000;
    int64_t removes_from =
        now_ms - lm__property_interval_ms(&s->metadata, LM_PROPERTY_REMOVE_RETENTION,
                                          LM_REMOVE_RETENTION_MS);
    int64_t txns_ms =
        lm__property_interval_ms(&s->metadata, "delta.setTransactionRetentionDuration", -1);
    result->actions = 2;
    if (w->root.n_children > CHECKPOINT) {
        LM_TRY(write_checkpoint(w, s->version));
        result->actions++;
    }
    LM_TRY(write_protocol(w, &s->protocol));
    LM_TRY(write_metadata(w, &s->metadata));
    for (size_t i = 0; i < s->txn_count; i++) {
        const lm_delta_txn *txn = &s->txns[i].txn;
        if (txns_ms >= 0 && txn->has_last_updated && txn->last_updated_ms < now_ms - txns_ms)
            continue;
        LM_TRY(write_txn(w, txn));
        result->actions++;
    }
    /* A row group of their own: who wants no parts need not read of them. */
    LM_TRY(batch_end(w));
    LM_TRY(lm__writer_flush(w->writer, w->error));
    for (size_t i = 0; i < s->remove_count; i++) {
        if (!s->removes[i].has_deletion_time || s->removes[i].deletion_time_ms <= removes_from)
            continue;
        LM_TRY(write_remove(w, &s->removes[i]));
        result->actions++;
    }
    for (size_t i = 0; i < s->part_count; i++) LM_TRY(write_add(w, &s->parts[i]));
    result->actions += (int64_t)s->part_count;
    return batch_end(w);
}

static lm_status writer_open(writing *w, lm_sink *sink)
{
    struct ArrowSchema exported;
    lm_parquet_options options = lm_parquet_options_default();
    options.arrow_schema = false;
    options.page_index = false;
    options.size_statistics = false;
    options.utf8_check = false; /* it was JSON or a checkpoint */
    options.threads = w->log->threads;
    options.cancel = w->log->cancel;
    options.allocator = w->log->allocator;
    LM_TRY(lm_schema_export(w->schema, &exported, w->error));
    lm_status status = lm_parquet_writer_open(sink, &exported, &options, &w->writer, w->error);
    exported.release(&exported);
    return status;
}

lm_status lm__checkpoint_write(const lm_table_log *log, const lm_snapshot *snapshot, lm_sink *sink,
                               lm_checkpoint_result *result, lm_error *error)
{
    writing w = {.log = log, .error = error};
    bool v2 = lm__table_wants_v2(&snapshot->protocol, &snapshot->metadata);
    size_t size = sizeof schema_text - 1 - (v2 ? 0 : sizeof V2_TEXT - 1);
    LM_TRY(lm_schema_parse(log->allocator, schema_text, size, &w.schema, error));
    lm_status status = lm__builder_init(&w.root, log->allocator, &w.schema->root, error);
    if (status == LM_OK) {
        status = writer_open(&w, sink);
        if (status == LM_OK) status = write_all(&w, snapshot, result);
        if (status == LM_OK) {
            lm_parquet_result written;
            status = lm_parquet_writer_finish(w.writer, &written, error);
            result->bytes = written.bytes;
        } else {
            lm_parquet_writer_abort(w.writer);
        }
        lm__builder_deinit(&w.root);
    }
    lm_schema_free(w.schema);
    return status;
}
