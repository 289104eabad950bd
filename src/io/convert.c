/*
 * Converting a directory of Parquet files into a table; see lamella/table_convert.h.
 *
 *     discover.c → each file's footer: schema, rows, statistics → one schema → the first entry
 *
 * Invariants
 *  1. No file is changed. Until the entry is there the directory is what it was.
 *  2. Types are those of the Parquet schema, as other readers see them, and such as Delta has.
 *  3. Bounds are taken from footers only where every row group tells them and their order is known,
 *     and neither they nor numbers of nulls from writers that are known to have been wrong.
 */
#include <lamella/parquet_inspect.h>
#include <lamella/table_convert.h>
#include <string.h>

#include "arrow/unify.h"
#include "base/alloc.h"
#include "base/cancel.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/json.h"
#include "base/utf8.h"
#include "io/discover.h"
#include "io/partition.h"
#include "parquet/reader.h"
#include "parquet/writer_faults.h"
#include "table/delta_schema.h"
#include "table/operation.h"
#include "table/part_path.h"

#define BOUND_BYTES_MAX 256

typedef struct converted_file {
    const lm_found_file *found;
    lm_schema *schema; /* as stored; of `schemas` */
    int64_t rows, mtime_ms;
    const char *stats;
} converted_file;

typedef struct conversion {
    lm_operation operation;
    lm_arena arena;
    lm_found found;
    converted_file *files;
    lm_schema **schemas;
    size_t schema_count;
    lm_batch *partitions;
    lm_unifier *unifier;
    lm_schema *schema; /* of the table */
    lm_table_converted *result;
} conversion;

static lm_status no_memory(const conversion *c) { return lm__operation_memory(&c->operation); }

/* Schemas. */

static bool is_partition(const conversion *c, const lm_field *field)
{
    return c->partitions &&
           lm__field_find(&c->partitions->schema->root, field->name, field->name_size) >= 0;
}

/* Delta has signed integers, and times in micro- or milliseconds. */
static lm_status check_type(const conversion *c, const lm_field *field, const char *file)
{
    const lm_type *type = &field->type;
    const char *why = NULL;
    switch (type->id) {
    case LM_TYPE_UINT8:
    case LM_TYPE_UINT16:
    case LM_TYPE_UINT32: why = "unsigned, and Delta has signed integers only"; break;
    case LM_TYPE_TIMESTAMP:
        if (type->unit == LM_UNIT_NANO || type->unit == LM_UNIT_SECOND)
            why = "a time in nanoseconds, and Delta has microseconds";
        break;
    default: break;
    }
    if (field->extension_name && strcmp(field->extension_name, "arrow.opaque") == 0)
        why = "of a type that is not known here";
    if (why)
        return lm__error_set(c->operation.error, LM_SCHEMA,
                             "%s: column %s is %s: it must be written "
                             "anew (`lamella append`)",
                             file, field->name, why);
    for (int32_t i = 0; i < field->n_children; i++)
        LM_TRY(check_type(c, &field->children[i], file));
    return LM_OK;
}

/* Times of 96 bits have a type that Delta's readers do not know. */
static lm_status check_widths(const conversion *c, const lm_parquet_reader *reader,
                              const char *file)
{
    char type[16], path[1024];
    int32_t leaves = lm_parquet_inspect_file(reader).columns;
    for (int32_t i = 0; i < leaves; i++) {
        (void)lm_parquet_column_type(reader, i, type, sizeof type);
        if (lm_parquet_inspect_column(reader, i).type_length != 12 ||
            strncmp(type, "TIMESTAMP", 9) != 0)
            continue;
        (void)lm_parquet_column_path(reader, i, path, sizeof path);
        return lm__error_set(c->operation.error, LM_SCHEMA,
                             "%s: column %s has times of 12 bytes, and Delta has those of 8: it "
                             "must be written anew (`lamella append --int96 us`)",
                             file, path);
    }
    return LM_OK;
}

/* The columns that no partition column stands for, as Delta stores them. */
static lm_status stored_schema(conversion *c, const lm_schema *source, const char *file,
                               lm_schema **stored)
{
    lm_error *error = c->operation.error;
    LM_TRY(lm__schema_new(c->operation.allocator, stored, error));
    lm_arena *arena = &(*stored)->arena;
    lm_field *fields = lm__field_children(arena, &(*stored)->root, source->root.n_children);
    lm_status status = fields ? LM_OK : no_memory(c);
    int32_t count = 0;
    for (int32_t i = 0; i < source->root.n_children && status == LM_OK; i++) {
        const lm_field *field = &source->root.children[i];
        const lm_path path = {NULL, field->name};
        if (is_partition(c, field)) continue;
        status = check_type(c, field, file);
        if (status != LM_OK) break;
        status = lm__delta_field(arena, field, &path, &fields[count++], error);
        if (status != LM_OK) status = lm__error_within(error, status, "%s", file);
    }
    (*stored)->root.n_children = count;
    if (status == LM_OK) status = lm__schema_seal(*stored, error);
    if (status == LM_OK) return LM_OK;
    lm_schema_free(*stored);
    *stored = NULL;
    return status;
}

/* Files with the schema of the file before share it. */
static lm_status learn_schema(conversion *c, converted_file *file, lm_parquet_reader *reader)
{
    lm_operation *o = &c->operation;
    const lm_parquet_read_options read = {.dictionaries = LM_DICTIONARIES_DECODE,
                                          .ignore_arrow_schema = true,
                                          .int96_per_second = 1000000};
    struct ArrowSchema exported;
    lm_schema *plain, *stored = NULL;
    LM_TRY(check_widths(c, reader, file->found->path));
    LM_TRY(lm_parquet_reader_schema(reader, &read, &exported, o->error));
    LM_TRY(lm_schema_import_take(o->allocator, &exported, &plain, o->error));
    lm_status status = stored_schema(c, plain, file->found->path, &stored);
    lm_schema_free(plain);
    LM_TRY(status);
    lm_schema *last = c->schema_count ? c->schemas[c->schema_count - 1] : NULL;
    if (last && lm__field_equal(&last->root, &stored->root)) {
        lm_schema_free(stored);
        file->schema = last;
        return LM_OK;
    }
    c->schemas[c->schema_count++] = file->schema = stored;
    return lm__unify(c->unifier, stored, file->found->path, o->error);
}

/* A column has one type in all files. */
static lm_status check_same(const conversion *c, const lm_schema *whole)
{
    for (size_t i = 0; i < c->found.count; i++) {
        const lm_field *root = &c->files[i].schema->root;
        if (i > 0 && c->files[i].schema == c->files[i - 1].schema) continue;
        for (int32_t k = 0; k < root->n_children; k++) {
            const lm_field *field = &root->children[k];
            int32_t at = lm__field_find(&whole->root, field->name, field->name_size);
            if (at >= 0 && lm__delta_same(field, &whole->root.children[at])) continue;
            return lm__error_set(c->operation.error, LM_SCHEMA,
                                 "%s: column %s has another type in other files, and a table has "
                                 "one: it must be written anew (`lamella append`)",
                                 c->files[i].found->path, field->name);
        }
    }
    return LM_OK;
}

/* The files' columns, and then the partitions'; all may be null, as far as Delta cares. */
static lm_status join_schemas(conversion *c)
{
    lm_operation *o = &c->operation;
    lm_schema *files;
    LM_TRY(lm__unified(c->unifier, &files, o->error));
    lm_status status = check_same(c, files);
    const lm_field *keys = c->partitions ? &c->partitions->schema->root : NULL;
    int32_t key_count = keys ? keys->n_children : 0;
    if (status == LM_OK) status = lm__schema_new(o->allocator, &c->schema, o->error);
    if (status == LM_OK) {
        lm_arena *arena = &c->schema->arena;
        int32_t own = files->root.n_children;
        lm_field *fields = lm__field_children(arena, &c->schema->root, own + key_count);
        if (!fields) status = no_memory(c);
        for (int32_t i = 0; i < own + key_count && status == LM_OK; i++) {
            const lm_field *from = i < own ? &files->root.children[i] : &keys->children[i - own];
            status = lm__field_copy(arena, from, &fields[i], o->error);
            fields[i].nullable = true;
        }
        if (status == LM_OK) status = lm__schema_seal(c->schema, o->error);
    }
    lm_schema_free(files);
    return status;
}

/* Statistics. */

/* Bounds of a column over all row groups, as bytes of the physical type. */
typedef struct column_bounds {
    lm_parquet_bytes min, max;
    int64_t nulls; /* -1: not known */
    bool has_bounds;
} column_bounds;

static int64_t number_of(lm_parquet_bytes bytes)
{
    int32_t narrow;
    int64_t wide;
    if (bytes.size == sizeof narrow) {
        memcpy(&narrow, bytes.data, sizeof narrow);
        return narrow;
    }
    memcpy(&wide, bytes.data, sizeof wide);
    return wide;
}

static int compare_bounds(lm_parquet_bytes a, lm_parquet_bytes b, bool text)
{
    if (!text) return number_of(a) < number_of(b) ? -1 : number_of(a) > number_of(b);
    size_t size = a.size < b.size ? a.size : b.size;
    int order = size ? memcmp(a.data, b.data, size) : 0;
    return order ? order : a.size < b.size ? -1 : a.size > b.size;
}

static bool bound_is_good(lm_parquet_bytes bytes, bool text)
{
    if (!bytes.data) return false;
    if (!text) return bytes.size == 4 || bytes.size == 8;
    return bytes.size <= BOUND_BYTES_MAX && lm__utf8_valid(bytes.data, bytes.size);
}

static lm_status read_bounds(const conversion *c, const lm_parquet_reader *reader, int32_t column,
                             bool wanted, bool text, column_bounds *out)
{
    int64_t groups = lm_parquet_reader_row_groups(reader);
    const lm_bytes by = reader->metadata.created_by;
    const lm_read_node *leaf = reader->schema.leaves[column];
    const char *order = lm_parquet_inspect_column(reader, column).order;
    bool is_ordered = order ? strcmp(order, "TYPE_ORDER") == 0 : !text;
    bool overcounts = lm__writer_overcounts_nulls(by), any = false;
    out->has_bounds = wanted && groups > 0 && is_ordered && !lm__writer_misleads(by, leaf, false);
    out->nulls = overcounts || lm__writer_misleads(by, leaf, true) ? -1 : 0;
    for (int64_t g = 0; g < groups; g++) {
        lm_parquet_chunk_info chunk;
        LM_TRY(lm_parquet_inspect_chunk(reader, g, column, &chunk, c->operation.error));
        const lm_parquet_statistics_info *s = &chunk.statistics;
        if (!s->there || s->null_count < 0) out->nulls = -1;
        if (out->nulls >= 0) out->nulls += s->null_count;
        bool bounded = s->min.data || s->max.data;
        if (s->there && s->null_count == chunk.values && !bounded && !overcounts)
            continue; /* none but nulls */
        if (!s->there || (text && s->deprecated) || !bound_is_good(s->min, text) ||
            !bound_is_good(s->max, text) || compare_bounds(s->min, s->max, text) > 0)
            out->has_bounds = false;
        if (!out->has_bounds) continue;
        if (!any || compare_bounds(s->min, out->min, text) < 0) out->min = s->min;
        if (!any || compare_bounds(s->max, out->max, text) > 0) out->max = s->max;
        any = true;
    }
    out->has_bounds &= any;
    return LM_OK;
}

/* Numbers as numbers, all else as text. */
static void put_bound(lm_json_writer *json, const lm_parquet_reader *reader, int32_t column,
                      const lm_field *field, lm_parquet_bytes bound)
{
    char text[BOUND_BYTES_MAX + 64];
    lm__json_key(json, field->name);
    if (lm__type_is_integer(field->type.id))
        lm__json_int(json, number_of(bound));
    else if (lm__type_is_text(field->type.id))
        lm__json_string_n(json, bound.data, bound.size);
    else {
        lm_parquet_value_text(reader, column, bound, text, sizeof text);
        lm__json_string(json, text);
    }
}

typedef struct stats_column {
    int32_t leaf;
    const lm_field *field;
    column_bounds bounds;
} stats_column;

/* The flat columns, in the schema's order. */
static lm_status list_columns(conversion *c, const converted_file *file,
                              const lm_parquet_reader *reader, stats_column *columns, size_t *count)
{
    const lm_field *root = &file->schema->root;
    int32_t leaves = lm_parquet_inspect_file(reader).columns;
    char path[1024];
    *count = 0;
    for (int32_t i = 0; i < leaves; i++) {
        lm_parquet_column_info info = lm_parquet_inspect_column(reader, i);
        size_t size = lm_parquet_column_path(reader, i, path, sizeof path);
        if (info.repetition_max > 0 || info.definition_max > 1 || size >= sizeof path) continue;
        int32_t at = lm__field_find(root, path, size);
        if (at < 0 || root->children[at].n_children > 0) continue;
        const lm_field *field = &root->children[at];
        bool text = lm__type_is_text(field->type.id);
        bool number = strcmp(info.physical, "INT32") == 0 || strcmp(info.physical, "INT64") == 0;
        bool wanted = text || (number && (lm__type_is_integer(field->type.id) ||
                                          field->type.id == LM_TYPE_DATE32 ||
                                          field->type.id == LM_TYPE_TIMESTAMP));
        stats_column *column = &columns[(*count)++];
        *column = (stats_column){.leaf = i, .field = field};
        LM_TRY(read_bounds(c, reader, i, wanted, text, &column->bounds));
    }
    return LM_OK;
}

static lm_status make_stats(conversion *c, converted_file *file, const lm_parquet_reader *reader)
{
    static const char *const keys[] = {"minValues", "maxValues"};
    lm_buffer text;
    lm_json_writer json;
    size_t count;
    stats_column *columns = lm__arena_array(
        &c->arena, (size_t)lm_parquet_inspect_file(reader).columns + 1, sizeof *columns);
    if (!columns) return no_memory(c);
    LM_TRY(list_columns(c, file, reader, columns, &count));
    lm__buffer_init(&text, c->operation.allocator, 0);
    lm__json_writer_init(&json, &text, false);
    lm__json_open_object(&json);
    lm__json_member_int_out(&json, "numRecords", file->rows);
    for (int side = 0; side < 2; side++) {
        lm__json_key(&json, keys[side]);
        lm__json_open_object(&json);
        for (size_t i = 0; i < count; i++)
            if (columns[i].bounds.has_bounds)
                put_bound(&json, reader, columns[i].leaf, columns[i].field,
                          side ? columns[i].bounds.max : columns[i].bounds.min);
        lm__json_close_object(&json);
    }
    lm__json_key(&json, "nullCount");
    lm__json_open_object(&json);
    for (size_t i = 0; i < count; i++)
        if (columns[i].bounds.nulls >= 0)
            lm__json_member_int_out(&json, columns[i].field->name, columns[i].bounds.nulls);
    lm__json_close_object(&json);
    lm__json_close_object(&json);
    file->stats = json.status == LM_OK
                      ? lm__arena_strndup(&c->arena, (const char *)text.data, text.size)
                      : NULL;
    lm__buffer_deinit(&text);
    return file->stats ? LM_OK : no_memory(c);
}

/* Files. */

static lm_status look_at_file(conversion *c, converted_file *file)
{
    lm_operation *o = &c->operation;
    const lm_parquet_reader_options how = {.allocator = o->allocator};
    lm_parquet_reader *reader;
    lm_store_stat stat;
    lm_source *source;
    const char *path = file->found->path;
    if (lm__cancel_requested(o->how->cancel))
        return lm__error_set(o->error, LM_CANCELLED, "%s: interrupted", o->root);
    LM_TRY(lm__store_stat(o->store, path, true, &stat, o->error));
    file->mtime_ms = stat.mtime_ns / 1000000;
    LM_TRY(lm__store_open(o->store, path, &source, o->error));
    lm_status status = lm_parquet_reader_open(source, &how, &reader, o->error);
    if (status != LM_OK)
        return lm__error_within(o->error, status, "a table has Parquet files only");
    file->rows = lm_parquet_reader_rows(reader);
    status = learn_schema(c, file, reader);
    if (status == LM_OK) status = make_stats(c, file, reader);
    lm_parquet_reader_close(reader);
    c->result->parts++;
    c->result->rows += (uint64_t)file->rows;
    c->result->bytes += file->found->size;
    return status;
}

static lm_status look_at_files(conversion *c)
{
    lm_operation *o = &c->operation;
    LM_TRY(
        lm__discover_directory(&c->arena, o->store, o->root, o->how->cancel, &c->found, o->error));
    LM_TRY(lm__partition_table(o->allocator, &c->found, NULL, &c->partitions, o->error));
    c->result->partition_columns = c->found.key_count;
    c->files = lm__arena_zero(&c->arena, (c->found.count + 1) * sizeof *c->files);
    c->schemas = lm__arena_array(&c->arena, c->found.count + 1, sizeof *c->schemas);
    if (!c->files || !c->schemas) return no_memory(c);
    LM_TRY(lm__unifier_new(o->allocator, &c->unifier, o->error));
    for (size_t i = 0; i < c->found.count; i++) {
        c->files[i].found = &c->found.files[i];
        LM_TRY(look_at_file(c, &c->files[i]));
    }
    return join_schemas(c);
}

/* The entry. */

static lm_status put_metadata(conversion *c, lm_action *action)
{
    lm_operation *o = &c->operation;
    lm_buffer text;
    char *id = lm__arena_alloc(&c->arena, 37);
    if (!id) return no_memory(c);
    LM_TRY(lm__uuid4(id, o->error));
    lm__buffer_init(&text, o->allocator, 0);
    const char *schema = lm__delta_schema_text(c->schema, &text) == LM_OK
                             ? lm__arena_strndup(&c->arena, (const char *)text.data, text.size)
                             : NULL;
    lm__buffer_deinit(&text);
    if (!schema) return no_memory(c);
    *action = (lm_action){.kind = LM_ACTION_METADATA,
                          .metadata = {.id = id,
                                       .provider = "parquet",
                                       .schema = schema,
                                       .schema_size = strlen(schema),
                                       .partition_columns = {c->found.keys, c->found.key_count},
                                       .has_created_time = true,
                                       .created_time_ms = lm__operation_now_ms(o)}};
    return LM_OK;
}

static lm_status put_add(conversion *c, const converted_file *file, lm_action *action)
{
    lm_operation *o = &c->operation;
    size_t root = strlen(o->root), keys = c->found.key_count;
    const char *below = file->found->path + root;
    lm_key_value *values = lm__arena_array(&c->arena, keys + 1, sizeof *values);
    lm_buffer path;
    while (*below == '/') below++;
    lm__buffer_init(&path, o->allocator, 0);
    const char *uri = lm__part_path_encode(&path, below) == LM_OK
                          ? lm__arena_strndup(&c->arena, (const char *)path.data, path.size)
                          : NULL;
    lm__buffer_deinit(&path);
    if (!uri || !values) return no_memory(c);
    for (size_t k = 0; k < keys; k++)
        values[k] = lm__text_pair(c->found.keys[k], file->found->values[k]);
    *action = (lm_action){.kind = LM_ACTION_ADD,
                          .add = {.path = uri,
                                  .partition_values = {values, keys},
                                  .size = (int64_t)file->found->size,
                                  .modification_time_ms = file->mtime_ms,
                                  .data_change = true,
                                  .stats = file->stats,
                                  .stats_size = strlen(file->stats)}};
    return LM_OK;
}

static lm_status commit(conversion *c)
{
    lm_operation *o = &c->operation;
    size_t count = c->found.count;
    lm_action *actions = lm__arena_array(&c->arena, count + 2, sizeof *actions);
    lm_table_change change = {.version = -1};
    lm_commit_request request = {
        .operation = "CONVERT", .actions = actions, .action_count = count + 2};
    if (!actions) return no_memory(c);
    actions[0] = (lm_action){.kind = LM_ACTION_PROTOCOL,
                             .protocol = lm__table_protocol(lm__delta_has_ntz(&c->schema->root))};
    LM_TRY(put_metadata(c, &actions[1]));
    for (size_t i = 0; i < count; i++) LM_TRY(put_add(c, &c->files[i], &actions[i + 2]));
    change.parts_added = count;
    change.bytes_added = c->result->bytes;
    lm_status status = lm__operation_commit(o, &request, &change);
    c->result->version = change.version;
    return status;
}

/* There is no table yet. */
static lm_status check_absent(conversion *c)
{
    lm_operation *o = &c->operation;
    const lm_snapshot_options brief = {.without_parts = true};
    lm_snapshot *snapshot;
    lm_error why;
    lm_status status = lm__snapshot_load(&o->log, &brief, &snapshot, &why);
    if (status == LM_NOT_FOUND) return LM_OK;
    if (status == LM_OK) {
        lm__snapshot_free(snapshot);
        return lm__error_set(o->error, LM_EXISTS, "%s: it is a Delta table already", o->root);
    }
    if (o->error) *o->error = why;
    return status;
}

lm_status lm_table_convert(const char *path, bool dry_run, const lm_table_operation *how,
                           lm_table_converted *result, lm_error *error)
{
    lm_table_converted ignored;
    conversion c = {.result = result ? result : &ignored};
    *c.result = (lm_table_converted){.version = -1};
    lm_status status = lm__operation_open(&c.operation, path, how, error);
    lm__arena_init(&c.arena, c.operation.allocator, 0);
    if (status == LM_OK) status = check_absent(&c);
    if (status == LM_OK) status = look_at_files(&c);
    if (status == LM_OK && !dry_run) status = commit(&c);
    for (size_t i = 0; i < c.schema_count; i++) lm_schema_free(c.schemas[i]);
    lm_schema_free(c.schema);
    lm__unifier_free(c.unifier);
    lm__batch_unref(c.partitions);
    lm__arena_deinit(&c.arena);
    lm__operation_close(&c.operation);
    return status;
}
