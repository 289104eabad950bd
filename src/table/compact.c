/*
 * Compaction: small parts of a partition become a large one, and one entry of the log puts it in
 * their place, without a change of data.
 *
 *     look → groups of parts → a new part for each → the entry
 *       ↑______________________________│_______________│   where a part has gone meanwhile
 *
 * Invariants
 *  1. The parts that are put together are whole: as many rows as the log tells, or nothing is
 *     committed.
 *  2. A group is committed only while every part of it is live. What another writer removed
 *     meanwhile takes its group with it, the rest is committed all the same. When the file of such
 *     a part has gone too (a vacuum without retention), or when no group is left, the newest
 *     version is looked at and groups are made anew, at most LM_TABLE_COMMIT_ROUNDS_MAX times.
 *  3. After any failure but LM_UNKNOWN_DURABILITY and LM_UNKNOWN_OUTCOME the new parts are removed.
 *  4. Memory: the rows of one row group; of sorted tables, those of one new part.
 */
#include <stdlib.h>
#include <string.h>

#include <lamella/parquet_read.h>

#include "arrow/cast.h"
#include "base/alloc.h"
#include "base/cancel.h"
#include "base/error.h"
#include "base/limits.h"
#include "table/append.h"
#include "table/operation.h"
#include "table/part_facts.h"
#include "table/part_path.h"
#include "table/partition_rows.h"

/* A part that may be put together with others of its partition. */
typedef struct small_part {
    const lm_delta_add *add;
    const char *path;  /* below the table */
    const char *group; /* its partition's values, one text */
} small_part;

/* Parts that became one. They live as long as the compaction, not as the look. */
typedef struct compacted {
    lm_delta_add *inputs;
    size_t count;
    lm_part_done done;
} compacted;

typedef struct compaction {
    lm_operation operation;
    const lm_table_compaction *what;
    uint64_t target;
    lm_arena arena;      /* of the whole */
    const char *planned; /* the metadata for which the plan was made; NULL: there is none */
    bool is_grouped;     /* every group of the look has its part */
    lm_table_descriptor *descriptor;
    lm_schema *schema; /* of the parts */
    lm_part_plan plan;
    lm_sort_key sorts[LM_TABLE_KEY_COLUMNS_MAX];
    size_t sort_count;
    lm_pool *pool;
    compacted *groups;
    size_t group_count, group_capacity;
    size_t waiting_bytes; /* of rows that were read and not written */
    lm_batch **waiting;
    size_t waiting_count, waiting_capacity;
    int64_t waiting_rows;
} compaction;

static lm_status no_memory(const compaction *c) { return lm__operation_memory(&c->operation); }

/* What parts are. */

static lm_status make_schema(compaction *c)
{
    const lm_operation *o = &c->operation;
    const lm_field *root = &o->schema->root;
    int32_t count = 0;
    int32_t *columns = lm__arena_array(&c->arena, (size_t)root->n_children + 1, sizeof *columns);
    if (!columns) return no_memory(c);
    for (int32_t i = 0; i < root->n_children; i++)
        if (!lm__text_list_has(&o->snapshot->metadata.partition_columns, root->children[i].name))
            columns[count++] = i;
    return lm__schema_select(o->schema, columns, count, &c->schema, o->error);
}

/* The order and Parquet's options, of the descriptor that is with the table. */
static lm_status make_parquet(compaction *c)
{
    const lm_operation *o = &c->operation;
    const lm_text_map *configuration = &o->snapshot->metadata.configuration;
    const char *text = lm__text_map_get(configuration, LM_TABLE_DESCRIPTOR_KEY);
    lm_parquet_options *p = &c->plan.parquet;
    lm_error ignored;
    *p = lm_parquet_options_default();
    p->statistics = true;
    p->arrow_schema = false;
    p->threads = 1; /* the pool is ours */
    p->cancel = o->how->cancel;
    p->allocator = o->allocator;
    if (!text) return LM_OK;
    lm_status status = lm_table_descriptor_parse(o->allocator, text, strlen(text), o->root,
                                                 &c->descriptor, &ignored);
    if (status != LM_OK) return status == LM_NO_MEMORY ? no_memory(c) : LM_OK;
    const lm_table_descriptor *d = c->descriptor;
    lm_parquet_sorting *sorting = lm__arena_array(&c->arena, d->sort_count + 1, sizeof *sorting);
    lm_parquet_key_value *pairs = lm__arena_array(&c->arena, 2, sizeof *pairs);
    if (!sorting || !pairs) return no_memory(c);
    for (size_t i = 0; i < d->sort_count; i++) {
        const lm_field *field = &d->stored->root.children[d->sorts[i].column];
        int32_t at = lm__field_find(&c->schema->root, field->name, field->name_size);
        if (at < 0) continue;
        c->sorts[c->sort_count] =
            (lm_sort_key){at, d->sorts[i].descending, d->sorts[i].nulls_first};
        sorting[c->sort_count++] = (lm_parquet_sorting){.path = field->name,
                                                        .descending = d->sorts[i].descending,
                                                        .nulls_first = d->sorts[i].nulls_first};
    }
    p->sorting = sorting;
    p->sorting_count = c->sort_count;
    pairs[0] = (lm_parquet_key_value){"crv_schema_version", d->version.text};
    pairs[1] = (lm_parquet_key_value){"crv_table_name", d->name};
    p->metadata = pairs;
    p->metadata_count = 2;
    if (d->parquet_codec) {
        p->codec = d->parquet.codec;
        p->level = d->parquet.level;
    }
    if (d->parquet.row_group_rows_max) p->row_group_rows_max = d->parquet.row_group_rows_max;
    if (d->parquet.row_group_bytes_max) p->row_group_bytes_max = d->parquet.row_group_bytes_max;
    if (d->parquet.page_rows_max) p->page_rows_max = d->parquet.page_rows_max;
    if (d->parquet.page_bytes_max) p->page_bytes_max = d->parquet.page_bytes_max;
    if (d->parquet.column_count) {
        p->columns = d->parquet.columns;
        p->column_count = d->parquet.column_count;
    }
    return LM_OK;
}

static void drop_group(compaction *c, size_t at)
{
    lm__part_remove(&c->plan, &c->groups[at].done);
    lm__part_done_deinit(&c->plan, &c->groups[at].done);
    c->groups[at] = c->groups[--c->group_count];
}

static void drop_plan(compaction *c)
{
    while (c->group_count > 0) drop_group(c, c->group_count - 1);
    lm__pool_free(c->pool);
    lm_table_descriptor_free(c->descriptor);
    lm_schema_free(c->schema);
    c->pool = NULL;
    c->descriptor = NULL;
    c->schema = NULL;
    c->sort_count = 0;
    c->plan = (lm_part_plan){0};
    c->planned = NULL;
}

/* What a plan goes by: schema, partition columns and configuration. */
static lm_status metadata_text(compaction *c, const char **text)
{
    const lm_delta_metadata *metadata = &c->operation.snapshot->metadata;
    lm_buffer joined;
    lm__buffer_init(&joined, c->operation.allocator, 0);
    lm_status status =
        lm__action_write(&joined, &(lm_action){.kind = LM_ACTION_METADATA, .metadata = *metadata},
                         c->operation.error);
    *text = status == LM_OK ? lm__arena_strndup(&c->arena, (const char *)joined.data, joined.size)
                            : NULL;
    lm__buffer_deinit(&joined);
    return status != LM_OK || *text ? status : no_memory(c);
}

static lm_status make_plan(compaction *c)
{
    lm_operation *o = &c->operation;
    const char *checksum = o->how->checksum, *now;
    lm_part_plan *plan = &c->plan;
    LM_TRY(metadata_text(c, &now));
    if (c->planned && strcmp(c->planned, now) == 0) return LM_OK;
    drop_plan(c);
    LM_TRY(make_schema(c));
    LM_TRY(make_parquet(c));
    plan->store = o->store;
    plan->allocator = o->allocator;
    plan->table = o->root;
    plan->schema = c->schema;
    plan->durability = o->how->durability;
    plan->cancel = o->how->cancel;
    plan->checksum = LM_CHECKSUM_CRC32C;
    if (checksum && strcmp(checksum, "sha256") == 0) plan->checksum = LM_CHECKSUM_SHA256;
    plan->stats_columns = lm__property_int(
        &o->snapshot->metadata, "delta.dataSkippingNumIndexedCols", LM_TABLE_STATS_COLUMNS);
    LM_TRY(lm__table_tick(&c->arena, &o->snapshot->metadata, &plan->tick, o->error));
    LM_TRY(lm__pool_new(o->allocator, o->how->threads, &c->pool, o->error));
    c->planned = now;
    return LM_OK;
}

/* One part of many. */

static void drop_waiting(compaction *c)
{
    for (size_t i = 0; i < c->waiting_count; i++) lm__batch_unref(c->waiting[i]);
    c->waiting_count = 0;
    c->waiting_bytes = 0;
    c->waiting_rows = 0;
}

static lm_status write_waiting(compaction *c, lm_part_writer *part)
{
    const lm_operation *o = &c->operation;
    lm_batch *sorted;
    if (c->waiting_count == 0) return LM_OK;
    lm_status status;
    if (c->sort_count == 0) {
        status = lm__part_write(part, c->waiting, c->waiting_count, c->pool, o->error);
    } else {
        LM_TRY(lm__sort_batches(o->allocator, c->waiting, c->waiting_count, c->sorts, c->sort_count,
                                &sorted, o->error));
        status = lm__part_write(part, &sorted, 1, c->pool, o->error);
        lm__batch_unref(sorted);
    }
    drop_waiting(c);
    return status;
}

/* Takes the batch. */
static lm_status wait_take(compaction *c, lm_batch *batch)
{
    const lm_operation *o = &c->operation;
    if (!lm__array_room(o->allocator, &c->waiting, &c->waiting_capacity, c->waiting_count + 1,
                        sizeof *c->waiting)) {
        lm__batch_unref(batch);
        return no_memory(c);
    }
    c->waiting[c->waiting_count++] = batch;
    c->waiting_rows += lm__batch_rows(batch);
    c->waiting_bytes += (size_t)(lm__batch_row_bytes(batch) * (double)lm__batch_rows(batch));
    return LM_OK;
}

static bool is_full(const compaction *c)
{
    const lm_parquet_options *p = &c->plan.parquet;
    size_t most = c->operation.how->memory_bytes_max;
    if (c->sort_count > 0) return false;
    return c->waiting_rows >= p->row_group_rows_max || c->waiting_bytes >= p->row_group_bytes_max ||
           c->waiting_bytes >= (most ? most : LM_TABLE_MEMORY_BYTES);
}

static lm_status open_part(const compaction *c, const lm_delta_add *add, lm_stream **stream)
{
    const lm_operation *o = &c->operation;
    const lm_parquet_reader_options how = {.allocator = o->allocator};
    const lm_parquet_read_options read = {.threads = o->how->threads,
                                          .dictionaries = LM_DICTIONARIES_DECODE,
                                          .cancel = o->how->cancel};
    const lm_cast_options fit = {.mode = LM_CAST_SAFE, .drop_extra = true};
    struct ArrowArrayStream exported;
    lm_parquet_reader *reader;
    lm_source *source;
    lm_arena arena;
    const char *path;
    lm_stream *plain;
    lm__arena_init(&arena, o->allocator, 0);
    lm_status status = lm__part_path_whole(&arena, o->root, add->path, &path, o->error);
    if (status == LM_OK) status = lm__store_open(o->store, path, &source, o->error);
    lm__arena_deinit(&arena);
    LM_TRY(status);
    LM_TRY(lm_parquet_reader_open(source, &how, &reader, o->error));
    status = lm_parquet_read_stream(reader, &read, &exported, o->error);
    lm_parquet_reader_close(reader);
    LM_TRY(status);
    LM_TRY(lm__stream_import_take(o->allocator, &exported, LM_VALIDATE_NONE, &plain, o->error));
    return lm__cast_stream_take(o->allocator, plain, c->schema, &fit, stream, o->error);
}

static lm_status copy_part(compaction *c, const lm_delta_add *add, lm_part_writer *part)
{
    const lm_operation *o = &c->operation;
    int64_t told, rows = 0;
    lm_stream *stream;
    lm_batch *batch;
    lm_status status;
    LM_TRY(lm__part_rows(o->allocator, add, &told, o->error));
    LM_TRY(open_part(c, add, &stream));
    while ((status = lm__stream_next(stream, &batch, o->error)) == LM_OK && batch) {
        rows += lm__batch_rows(batch);
        status = wait_take(c, batch);
        if (status == LM_OK && is_full(c)) status = write_waiting(c, part);
        if (status == LM_OK && lm__cancel_requested(o->how->cancel))
            status = lm__error_set(o->error, LM_CANCELLED, "%s: interrupted", o->root);
        if (status != LM_OK) break;
    }
    lm__stream_close(stream);
    if (status == LM_OK && told >= 0 && told != rows)
        status = lm__error_set(o->error, LM_CORRUPT,
                               "%s: the part %s has %lld rows, and the log tells of %lld", o->root,
                               add->path, (long long)rows, (long long)told);
    return status;
}

static lm_status write_group(compaction *c, compacted *group, const char *path)
{
    const lm_operation *o = &c->operation;
    const char *slash = strrchr(path, '/');
    lm_part_writer *part;
    char *directory = lm__arena_strndup(&c->arena, path, slash ? (size_t)(slash - path) : 0);
    if (!directory) return no_memory(c);
    LM_TRY(lm__part_open(&c->plan, directory, &part, o->error));
    lm_status status = LM_OK;
    for (size_t i = 0; i < group->count && status == LM_OK; i++)
        status = copy_part(c, &group->inputs[i], part);
    if (status == LM_OK) status = write_waiting(c, part);
    drop_waiting(c);
    if (status != LM_OK) {
        lm__part_abort(part);
        return status;
    }
    status = lm__part_finish(part, &group->done, o->error);
    if (status == LM_UNKNOWN_DURABILITY || status == LM_UNKNOWN_OUTCOME) {
        status = LM_IO; /* nobody knows of the part yet: it is as good as not there */
        if (o->error) o->error->code = status;
    }
    return status;
}

/* Which parts. */

static lm_status copy_add(compaction *c, const lm_delta_add *add, lm_delta_add *out)
{
    lm_arena *arena = &c->arena;
    lm_key_value *values = lm__arena_array(arena, add->partition_values.count + 1, sizeof *values);
    *out = (lm_delta_add){
        .path = lm__arena_strdup(arena, add->path),
        .size = add->size,
        .modification_time_ms = add->modification_time_ms,
        .partition_values = {values, add->partition_values.count},
        .stats = add->stats ? lm__arena_strndup(arena, add->stats, add->stats_size) : NULL,
        .stats_size = add->stats_size};
    if (!values || !out->path || (add->stats && !out->stats)) return no_memory(c);
    for (size_t i = 0; i < add->partition_values.count; i++) {
        const lm_key_value *item = &add->partition_values.items[i];
        const char *key = lm__arena_strdup(arena, item->key);
        const char *value = item->value ? lm__arena_strdup(arena, item->value) : NULL;
        if (!key || (item->value && !value)) return no_memory(c);
        values[i] = lm__text_pair(key, value);
    }
    return LM_OK;
}

static lm_status add_group(compaction *c, const small_part *parts, size_t count)
{
    const lm_operation *o = &c->operation;
    if (!lm__array_room(o->allocator, &c->groups, &c->group_capacity, c->group_count + 1,
                        sizeof *c->groups))
        return no_memory(c);
    compacted *group = &c->groups[c->group_count];
    *group = (compacted){.inputs = lm__arena_array(&c->arena, count, sizeof *group->inputs),
                         .count = count};
    if (!group->inputs) return no_memory(c);
    for (size_t i = 0; i < count; i++) LM_TRY(copy_add(c, parts[i].add, &group->inputs[i]));
    c->group_count++;
    return write_group(c, group, parts[0].path);
}

static int compare_parts(const void *left, const void *right)
{
    const small_part *a = left, *b = right;
    int order = strcmp(a->group, b->group);
    if (order) return order;
    if (a->add->modification_time_ms != b->add->modification_time_ms)
        return a->add->modification_time_ms < b->add->modification_time_ms ? -1 : 1;
    return strcmp(a->add->path, b->add->path);
}

/* The values with their lengths, so that no two partitions have one text. */
static lm_status group_text(compaction *c, const lm_delta_add *add, const char **text)
{
    const lm_text_list *columns = &c->operation.snapshot->metadata.partition_columns;
    char *joined = lm__arena_strdup(&c->operation.arena, "");
    for (size_t i = 0; i < columns->count && joined; i++) {
        const char *value = lm__part_value(add, columns->items[i]);
        joined = value && *value ? lm__arena_printf(&c->operation.arena, "%s%zu:%s/", joined,
                                                    strlen(value), value)
                                 : lm__arena_printf(&c->operation.arena, "%s-/", joined);
    }
    *text = joined;
    return joined ? LM_OK : no_memory(c);
}

static lm_status list_small(compaction *c, const bool *chosen, small_part *parts, size_t *count)
{
    lm_operation *o = &c->operation;
    *count = 0;
    for (size_t i = 0; i < o->snapshot->part_count; i++) {
        const lm_delta_add *add = &o->snapshot->parts[i];
        small_part *part = &parts[*count];
        if (!chosen[i] || (uint64_t)add->size >= c->target / 4 * 3) continue;
        *part = (small_part){.add = add};
        LM_TRY(lm__part_path_below(&o->arena, o->root, add->path, &part->path, o->error));
        if (!part->path) continue; /* another table's, that this one refers to */
        LM_TRY(group_text(c, add, &part->group));
        ++*count;
    }
    if (*count) qsort(parts, *count, sizeof *parts, compare_parts);
    return LM_OK;
}

/* Neighbours of one partition, as many as make a part of the target's size. */
static lm_status compact_parts(compaction *c, const small_part *parts, size_t count)
{
    for (size_t start = 0, end; start < count; start = end) {
        uint64_t bytes = (uint64_t)parts[start].add->size;
        for (end = start + 1; end < count && strcmp(parts[end].group, parts[start].group) == 0;
             end++) {
            if (bytes + (uint64_t)parts[end].add->size > c->target) break;
            bytes += (uint64_t)parts[end].add->size;
        }
        if (end - start > 1) LM_TRY(add_group(c, parts + start, end - start));
    }
    return LM_OK;
}

/* Parts that have been put together already are not chosen again. */
static lm_status leave_grouped(compaction *c, bool *chosen)
{
    const lm_operation *o = &c->operation;
    lm_text_index grouped;
    if (c->group_count == 0) return LM_OK;
    lm__text_index_init(&grouped, o->allocator);
    lm_status status = LM_OK;
    for (size_t i = 0; i < c->group_count; i++)
        for (size_t k = 0; k < c->groups[i].count && status == LM_OK; k++)
            status = lm__text_index_add(&grouped, c->groups[i].inputs[k].path, 0);
    for (size_t i = 0; i < o->snapshot->part_count && status == LM_OK; i++)
        chosen[i] = chosen[i] && !lm__text_index_find(&grouped, o->snapshot->parts[i].path);
    lm__text_index_deinit(&grouped);
    return status == LM_OK ? LM_OK : no_memory(c);
}

static lm_status group_all(compaction *c)
{
    lm_operation *o = &c->operation;
    const lm_snapshot *s = o->snapshot;
    size_t count;
    bool *chosen = lm__arena_array(&o->arena, s->part_count + 1, sizeof *chosen);
    small_part *parts = lm__arena_array(&o->arena, s->part_count + 1, sizeof *parts);
    c->is_grouped = false;
    if (!chosen || !parts) return no_memory(c);
    LM_TRY(lm__table_writable(o->allocator, &s->protocol, &s->metadata, o->root, o->error));
    LM_TRY(lm__partitions_choose(o->allocator, o->root, "compacted", o->schema,
                                 &s->metadata.partition_columns, s->parts, s->part_count,
                                 c->what->where, chosen, o->error));
    LM_TRY(make_plan(c));
    LM_TRY(leave_grouped(c, chosen));
    LM_TRY(list_small(c, chosen, parts, &count));
    LM_TRY(compact_parts(c, parts, count));
    c->is_grouped = true;
    return LM_OK;
}

/* The entry. */

static lm_status put_add(compaction *c, const compacted *group, lm_action *action)
{
    lm_operation *o = &c->operation;
    const lm_part_done *done = &group->done;
    lm_key_value *tag = lm__arena_array(&o->arena, 1, sizeof *tag);
    lm_buffer path;
    lm__buffer_init(&path, o->allocator, 0);
    char *uri = lm__part_path_encode(&path, done->path) == LM_OK
                    ? lm__arena_strndup(&o->arena, (const char *)path.data, path.size)
                    : NULL;
    lm__buffer_deinit(&path);
    if (!tag || !uri) return no_memory(c);
    *tag = lm__text_pair(LM_TABLE_TAG_CHECKSUM, done->checksum);
    *action = (lm_action){.kind = LM_ACTION_ADD,
                          .add = {.path = uri,
                                  .partition_values = group->inputs[0].partition_values,
                                  .size = (int64_t)done->bytes,
                                  .modification_time_ms = done->mtime_ms,
                                  .stats = done->stats,
                                  .stats_size = strlen(done->stats),
                                  .tags = {tag, done->checksum[0] ? 1 : 0},
                                  .has_tags = done->checksum[0] != '\0'}};
    return LM_OK;
}

static lm_status commit_groups(compaction *c, lm_table_change *change)
{
    lm_operation *o = &c->operation;
    int64_t now = lm__operation_now_ms(o);
    size_t most = c->group_count;
    for (size_t i = 0; i < c->group_count; i++) most += c->groups[i].count;
    lm_action *actions = lm__arena_array(&o->arena, most + 1, sizeof *actions);
    lm_key_value *parameters = lm__arena_array(&o->arena, 1, sizeof *parameters);
    char *target = lm__arena_printf(&o->arena, "%llu", (unsigned long long)c->target);
    if (!actions || !parameters || !target) return no_memory(c);
    parameters[0] = lm__text_pair("targetSize", target);
    lm_commit_request request = {.operation = "OPTIMIZE",
                                 .actions = actions,
                                 .parameters = {parameters, 1},
                                 .reads = LM_READS_NOTHING};
    *change = (lm_table_change){.version = -1};
    for (size_t i = 0; i < c->group_count; i++) {
        const compacted *group = &c->groups[i];
        LM_TRY(put_add(c, group, &actions[request.action_count++]));
        change->parts_added++;
        change->bytes_added += group->done.bytes;
        for (size_t k = 0; k < group->count; k++) {
            actions[request.action_count++] = lm__action_remove(&group->inputs[k], now, false);
            LM_TRY(lm__operation_count_removed(o, &group->inputs[k], change));
        }
    }
    if (c->group_count == 0) return LM_OK;
    return lm__operation_commit(o, &request, change);
}

/* Looks at the newest version: groups that it leaves whole stay. */
static lm_status drop_dead(compaction *c)
{
    lm_operation *o = &c->operation;
    lm_text_index live;
    LM_TRY(lm__operation_look(o, NULL));
    lm__text_index_init(&live, o->allocator);
    lm_status status = LM_OK;
    for (size_t i = 0; i < o->snapshot->part_count && status == LM_OK; i++)
        status = lm__text_index_add(&live, o->snapshot->parts[i].path, 0);
    if (status != LM_OK) status = no_memory(c);
    for (size_t i = c->group_count; i-- > 0 && status == LM_OK;) {
        bool whole = true;
        for (size_t k = 0; k < c->groups[i].count; k++)
            whole = whole && lm__text_index_find(&live, c->groups[i].inputs[k].path);
        if (!whole) drop_group(c, i);
    }
    lm__text_index_deinit(&live);
    return status;
}

/* The last group's part could not be made: because one of its own has gone from the table? Then
 * LM_CONFLICT; else what was wrong, with a remedy where the table lacks a part. */
static lm_status explain(compaction *c, lm_status status)
{
    const lm_operation *o = &c->operation;
    lm_error why = {.code = status};
    if (o->error) why = *o->error;
    if (c->group_count == 0 || c->groups[c->group_count - 1].done.path) return status;
    if (status == LM_CANCELLED || status == LM_NO_MEMORY) return status;
    size_t before = c->group_count;
    const compacted failed = c->groups[before - 1];
    LM_TRY(drop_dead(c));
    for (size_t i = 0; i < c->group_count; i++) {
        if (c->groups[i].inputs != failed.inputs) continue;
        drop_group(c, i);
        if (o->error) *o->error = why;
        if (status != LM_NOT_FOUND) return status;
        return lm__error_set(o->error, status,
                             "%s: version %lld has a part whose file is gone (%s); \"lamella "
                             "verify %s\" tells which: put it back, or take its partition out "
                             "with \"lamella delete\"",
                             o->root, (long long)o->snapshot->version, why.message, o->root);
    }
    return lm__error_set(o->error, LM_CONFLICT,
                         "%s: parts were removed while they were put together", o->root);
}

/* Groups, unless they are all there, and the entry. What fails because of another writer has the
 * newest version looked at. */
static lm_status compact_round(compaction *c, lm_table_change *change)
{
    lm_status status = c->is_grouped && c->group_count > 0 ? LM_OK : group_all(c);
    if (status != LM_OK) return explain(c, status);
    return commit_groups(c, change);
}

static lm_status compact_rounds(compaction *c, lm_table_change *change)
{
    const lm_operation *o = &c->operation;
    int rounds = 0;
    LM_TRY(lm__operation_look(&c->operation, NULL));
    for (;;) {
        lm_status status = compact_round(c, change);
        if (status != LM_CONFLICT && status != LM_STALE) return status;
        if (!lm__operation_repeat(status, &rounds))
            return lm__error_set(o->error, LM_CONFLICT,
                                 "%s: other writers removed parts while they were put together, "
                                 "%d times one after the other; nothing was changed: try again "
                                 "when they rest, or with fewer partitions",
                                 o->root, rounds);
        LM_TRY(drop_dead(c));
    }
}

static void compaction_close(compaction *c)
{
    const lm_allocator *allocator = c->operation.allocator;
    drop_waiting(c);
    lm__free(allocator, c->waiting);
    for (size_t i = 0; i < c->group_count; i++) lm__part_done_deinit(&c->plan, &c->groups[i].done);
    c->group_count = 0;
    drop_plan(c);
    lm__free(allocator, c->groups);
    lm__arena_deinit(&c->arena);
    lm__operation_close(&c->operation);
}

lm_status lm_table_compact(const char *path, const lm_table_compaction *what,
                           const lm_table_operation *how, lm_table_change *change, lm_error *error)
{
    static const lm_table_compaction defaults;
    lm_table_change made = {.version = -1};
    compaction c = {.what = what ? what : &defaults};
    lm_status status = lm__operation_open(&c.operation, path, how, error);
    lm__arena_init(&c.arena, c.operation.allocator, 0);
    c.target = c.what->target_bytes ? c.what->target_bytes : LM_TABLE_COMPACT_BYTES;
    if (status == LM_OK) status = compact_rounds(&c, &made);
    if (status != LM_OK && status != LM_UNKNOWN_DURABILITY && status != LM_UNKNOWN_OUTCOME)
        while (c.group_count > 0) drop_group(&c, c.group_count - 1);
    compaction_close(&c);
    if (change) *change = made;
    return status;
}
