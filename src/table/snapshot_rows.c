/*
 * The rows of a checkpoint's file into a snapshot (PROTOCOL.md, "Checkpoint Schema"): Parquet by
 * our own reader, of the columns that are wanted and there. A column that is missing is null, as
 * the protocol has it; one of another type than the protocol's is LM_CORRUPT.
 */
#include <stdio.h>
#include <string.h>

#include <lamella/expr.h>
#include <lamella/parquet_read.h>

#include "arrow/batch.h"
#include "base/cancel.h"
#include "base/error.h"
#include "base/limits.h"
#include "table/replay.h"

/* What a column's values must be. */
typedef enum column_kind { TEXT, INT, BOOL, MAP, LIST } column_kind;

/* Of a deletion vector, after its storageType. */
enum {
    VECTOR_PLACE = 1,
    VECTOR_OFFSET,
    VECTOR_SIZE,
    VECTOR_CARDINALITY,
    VECTOR_COLUMNS,
};

typedef enum column_id {
    PROTOCOL_READER,
    PROTOCOL_WRITER,
    PROTOCOL_READER_FEATURES,
    PROTOCOL_WRITER_FEATURES,
    METADATA_ID,
    METADATA_NAME,
    METADATA_DESCRIPTION,
    METADATA_PROVIDER,
    METADATA_OPTIONS,
    METADATA_SCHEMA,
    METADATA_PARTITION_COLUMNS,
    METADATA_CREATED_TIME,
    METADATA_CONFIGURATION,
    TXN_APP_ID,
    TXN_VERSION,
    TXN_LAST_UPDATED,
    SIDECAR_PATH,
    ADD_PATH,
    ADD_PARTITION_VALUES,
    ADD_SIZE,
    ADD_MODIFICATION_TIME,
    ADD_DATA_CHANGE,
    ADD_STATS,
    ADD_TAGS,
    ADD_VECTOR,
    REMOVE_PATH = ADD_VECTOR + VECTOR_COLUMNS,
    REMOVE_DELETION_TIME,
    REMOVE_DATA_CHANGE,
    REMOVE_EXTENDED,
    REMOVE_PARTITION_VALUES,
    REMOVE_SIZE,
    REMOVE_VECTOR,
    COLUMN_COUNT = REMOVE_VECTOR + VECTOR_COLUMNS,
} column_id;

#define STATE_END ADD_PATH /* the columns before are of the first reading */
#define PARTS_END REMOVE_PATH

static const struct {
    const char *path;
    column_kind kind;
} columns[COLUMN_COUNT] = {
    [PROTOCOL_READER] = {"protocol.minReaderVersion", INT},
    [PROTOCOL_WRITER] = {"protocol.minWriterVersion", INT},
    [PROTOCOL_READER_FEATURES] = {"protocol.readerFeatures", LIST},
    [PROTOCOL_WRITER_FEATURES] = {"protocol.writerFeatures", LIST},
    [METADATA_ID] = {"metaData.id", TEXT},
    [METADATA_NAME] = {"metaData.name", TEXT},
    [METADATA_DESCRIPTION] = {"metaData.description", TEXT},
    [METADATA_PROVIDER] = {"metaData.format.provider", TEXT},
    [METADATA_OPTIONS] = {"metaData.format.options", MAP},
    [METADATA_SCHEMA] = {"metaData.schemaString", TEXT},
    [METADATA_PARTITION_COLUMNS] = {"metaData.partitionColumns", LIST},
    [METADATA_CREATED_TIME] = {"metaData.createdTime", INT},
    [METADATA_CONFIGURATION] = {"metaData.configuration", MAP},
    [TXN_APP_ID] = {"txn.appId", TEXT},
    [TXN_VERSION] = {"txn.version", INT},
    [TXN_LAST_UPDATED] = {"txn.lastUpdated", INT},
    [SIDECAR_PATH] = {"sidecar.path", TEXT},
    [ADD_PATH] = {"add.path", TEXT},
    [ADD_PARTITION_VALUES] = {"add.partitionValues", MAP},
    [ADD_SIZE] = {"add.size", INT},
    [ADD_MODIFICATION_TIME] = {"add.modificationTime", INT},
    [ADD_DATA_CHANGE] = {"add.dataChange", BOOL},
    [ADD_STATS] = {"add.stats", TEXT},
    [ADD_TAGS] = {"add.tags", MAP},
    [ADD_VECTOR] = {"add.deletionVector.storageType", TEXT},
    [ADD_VECTOR + VECTOR_PLACE] = {"add.deletionVector.pathOrInlineDv", TEXT},
    [ADD_VECTOR + VECTOR_OFFSET] = {"add.deletionVector.offset", INT},
    [ADD_VECTOR + VECTOR_SIZE] = {"add.deletionVector.sizeInBytes", INT},
    [ADD_VECTOR + VECTOR_CARDINALITY] = {"add.deletionVector.cardinality", INT},
    [REMOVE_PATH] = {"remove.path", TEXT},
    [REMOVE_DELETION_TIME] = {"remove.deletionTimestamp", INT},
    [REMOVE_DATA_CHANGE] = {"remove.dataChange", BOOL},
    [REMOVE_EXTENDED] = {"remove.extendedFileMetadata", BOOL},
    [REMOVE_PARTITION_VALUES] = {"remove.partitionValues", MAP},
    [REMOVE_SIZE] = {"remove.size", INT},
    [REMOVE_VECTOR] = {"remove.deletionVector.storageType", TEXT},
    [REMOVE_VECTOR + VECTOR_PLACE] = {"remove.deletionVector.pathOrInlineDv", TEXT},
    [REMOVE_VECTOR + VECTOR_OFFSET] = {"remove.deletionVector.offset", INT},
    [REMOVE_VECTOR + VECTOR_SIZE] = {"remove.deletionVector.sizeInBytes", INT},
    [REMOVE_VECTOR + VECTOR_CARDINALITY] = {"remove.deletionVector.cardinality", INT},
};

typedef struct reading {
    lm_replay *replay;
    const char *path; /* of the file */
    bool there[COLUMN_COUNT];
    lm_array values[COLUMN_COUNT]; /* of the batch */
    lm_array whole[COLUMN_COUNT];  /* the action that a column stands in, */
    lm_array within[COLUMN_COUNT]; /* and the struct */
    lm_arena row;                  /* maps and lists of one row */
    lm_replay_sidecars *sidecars;
} reading;

/* ---- columns ---- */

static bool is_kind(const lm_field *field, column_kind kind)
{
    lm_type_id id = field->type.id;
    switch (kind) {
    case TEXT: return lm__type_is_text(id);
    case INT: return id == LM_TYPE_INT64 || id == LM_TYPE_INT32;
    case BOOL: return id == LM_TYPE_BOOL;
    case MAP:
        return id == LM_TYPE_MAP && lm__type_is_text(field->children[0].children[0].type.id) &&
               lm__type_is_text(field->children[0].children[1].type.id);
    case LIST: return id == LM_TYPE_LIST && lm__type_is_text(field->children[0].type.id);
    }
    return false;
}

/* The field of a dotted path, or NULL; `steps` gets the children on the way. */
static const lm_field *field_find(const lm_field *root, const char *path, int32_t steps[4],
                                  int *depth)
{
    *depth = 0;
    for (;;) {
        size_t size = strcspn(path, ".");
        int32_t at = root->type.id == LM_TYPE_STRUCT ? lm__field_find(root, path, size) : -1;
        if (at < 0) return NULL;
        root = &root->children[at];
        steps[(*depth)++] = at;
        if (!path[size]) return root;
        path += size + 1;
    }
}

static lm_status columns_find(reading *c, const lm_schema *schema, int first, int end)
{
    for (int i = first; i < end; i++) {
        int32_t steps[4];
        int depth;
        const lm_field *field = field_find(&schema->root, columns[i].path, steps, &depth);
        c->there[i] = field != NULL;
        if (!field || is_kind(field, columns[i].kind)) continue;
        char type[LM_TYPE_TEXT_MAX];
        return lm__error_set(c->replay->error, LM_CORRUPT,
                             "%s: column %s is %s, which is not as the protocol has it", c->path,
                             columns[i].path, lm__type_text_short(field, type));
    }
    return LM_OK;
}

/* The views of a batch's columns. */
static void columns_take(reading *c, const lm_batch *batch, int first, int end)
{
    for (int i = first; i < end; i++) {
        int32_t steps[4];
        int depth;
        if (!c->there[i]) continue;
        (void)field_find(&batch->schema->root, columns[i].path, steps, &depth);
        lm_array array = lm__batch_column(batch, steps[0]);
        c->whole[i] = array;
        for (int d = 1; d < depth; d++) {
            c->within[i] = array;
            array = lm__array_child(&array, steps[d]);
        }
        c->values[i] = array;
    }
}

/* ---- values ---- */

static bool is_null(const reading *c, int column, int64_t row)
{
    return !c->there[column] || !lm__array_valid(&c->whole[column], row) ||
           !lm__array_valid(&c->within[column], row) || !lm__array_valid(&c->values[column], row);
}

static lm_status refuse(const reading *c, int column, const char *what)
{
    return lm__error_set(c->replay->error, LM_CORRUPT, "%s: a row's %s %s", c->path,
                         columns[column].path, what);
}

static lm_status no_memory(const reading *c)
{
    return lm__error_memory(c->replay->error, "reading a checkpoint");
}

static lm_status text_of(reading *c, const lm_array *array, int64_t row, const char **text,
                         size_t *size)
{
    const uint8_t *bytes = lm__array_bytes(array, row, size);
    *text = lm__arena_strndup(&c->row, (const char *)bytes, *size);
    return *text ? LM_OK : no_memory(c);
}

/* Text without a NUL; NULL for a null, unless it is required. */
static lm_status get_text(reading *c, int column, int64_t row, bool required, const char **text)
{
    size_t size;
    *text = NULL;
    if (is_null(c, column, row)) return required ? refuse(c, column, "is missing") : LM_OK;
    LM_TRY(text_of(c, &c->values[column], row, text, &size));
    return memchr(*text, '\0', size) ? refuse(c, column, "has a NUL in it") : LM_OK;
}

static bool get_int(const reading *c, int column, int64_t row, int64_t *value)
{
    *value = 0;
    if (is_null(c, column, row)) return false;
    const lm_array *array = &c->values[column];
    int64_t at = array->offset + row;
    *value = array->field->type.id == LM_TYPE_INT64 ? ((const int64_t *)array->values)[at]
                                                    : ((const int32_t *)array->values)[at];
    return true;
}

static bool get_bool(const reading *c, int column, int64_t row, bool fallback)
{
    if (is_null(c, column, row)) return fallback;
    const lm_array *array = &c->values[column];
    return lm__bit_get(array->values, array->offset + row);
}

static lm_status get_map(reading *c, int column, int64_t row, lm_text_map *map)
{
    *map = (lm_text_map){0};
    if (is_null(c, column, row)) return LM_OK;
    int64_t start, size;
    const lm_array *array = &c->values[column];
    lm__array_list_range(array, row, &start, &size);
    lm_array keys = lm__array_child(&array->children[0], 0);
    lm_array values = lm__array_child(&array->children[0], 1);
    lm_key_value *items = lm__arena_array(&c->row, (size_t)size, sizeof *items);
    if (!items && size) return no_memory(c);
    for (int64_t i = 0; i < size; i++) {
        items[i] = (lm_key_value){0};
        if (!lm__array_valid(&keys, start + i)) return refuse(c, column, "has a key that is null");
        LM_TRY(text_of(c, &keys, start + i, &items[i].key, &items[i].key_size));
        if (lm__array_valid(&values, start + i))
            LM_TRY(text_of(c, &values, start + i, &items[i].value, &items[i].value_size));
    }
    *map = (lm_text_map){items, (size_t)size};
    return LM_OK;
}

static lm_status get_list(reading *c, int column, int64_t row, lm_text_list *list, bool *there)
{
    *list = (lm_text_list){0};
    *there = !is_null(c, column, row);
    if (!*there) return LM_OK;
    int64_t start, size;
    const lm_array *array = &c->values[column];
    lm__array_list_range(array, row, &start, &size);
    const lm_array *texts = &array->children[0];
    const char **items = lm__arena_array(&c->row, (size_t)size, sizeof *items);
    if (!items && size) return no_memory(c);
    for (int64_t i = 0; i < size; i++) {
        size_t bytes;
        if (!lm__array_valid(texts, start + i))
            return refuse(c, column, "has an item that is null");
        LM_TRY(text_of(c, texts, start + i, &items[i], &bytes));
    }
    *list = (lm_text_list){items, (size_t)size};
    return LM_OK;
}

/* ---- rows ---- */

static lm_status take_protocol(reading *c, int64_t row)
{
    lm_delta_protocol protocol = {0};
    int64_t reader, writer;
    if (!get_int(c, PROTOCOL_READER, row, &reader) || !get_int(c, PROTOCOL_WRITER, row, &writer) ||
        reader < 0 || writer < 0 || reader > INT32_MAX || writer > INT32_MAX)
        return refuse(c, PROTOCOL_READER, "or its minWriterVersion is no version");
    protocol.reader = (int32_t)reader;
    protocol.writer = (int32_t)writer;
    LM_TRY(get_list(c, PROTOCOL_READER_FEATURES, row, &protocol.reader_features,
                    &protocol.has_reader_features));
    LM_TRY(get_list(c, PROTOCOL_WRITER_FEATURES, row, &protocol.writer_features,
                    &protocol.has_writer_features));
    return lm__replay_protocol(c->replay, &protocol);
}

static lm_status take_metadata(reading *c, int64_t row)
{
    lm_delta_metadata metadata = {0};
    bool there;
    LM_TRY(get_text(c, METADATA_ID, row, true, &metadata.id));
    LM_TRY(get_text(c, METADATA_NAME, row, false, &metadata.name));
    LM_TRY(get_text(c, METADATA_DESCRIPTION, row, false, &metadata.description));
    LM_TRY(get_text(c, METADATA_PROVIDER, row, false, &metadata.provider));
    if (!metadata.provider) metadata.provider = "parquet";
    LM_TRY(get_map(c, METADATA_OPTIONS, row, &metadata.format_options));
    LM_TRY(get_text(c, METADATA_SCHEMA, row, true, &metadata.schema));
    metadata.schema_size = strlen(metadata.schema);
    LM_TRY(get_list(c, METADATA_PARTITION_COLUMNS, row, &metadata.partition_columns, &there));
    LM_TRY(get_map(c, METADATA_CONFIGURATION, row, &metadata.configuration));
    metadata.has_created_time = get_int(c, METADATA_CREATED_TIME, row, &metadata.created_time_ms);
    return lm__replay_metadata(c->replay, &metadata);
}

static lm_status take_txn(reading *c, int64_t row)
{
    lm_delta_txn txn = {0};
    LM_TRY(get_text(c, TXN_APP_ID, row, true, &txn.app_id));
    if (!get_int(c, TXN_VERSION, row, &txn.version)) return refuse(c, TXN_VERSION, "is missing");
    txn.has_last_updated = get_int(c, TXN_LAST_UPDATED, row, &txn.last_updated_ms);
    return lm__replay_txn(c->replay, &txn, -1);
}

static lm_status take_sidecar(reading *c, int64_t row)
{
    const char *uri;
    LM_TRY(get_text(c, SIDECAR_PATH, row, true, &uri));
    return lm__replay_sidecar(c->sidecars, uri, c->path, c->replay->error);
}

static lm_status take_state(reading *c, int64_t row)
{
    if (!is_null(c, PROTOCOL_READER, row)) return take_protocol(c, row);
    if (!is_null(c, METADATA_ID, row)) return take_metadata(c, row);
    if (!is_null(c, TXN_APP_ID, row)) return take_txn(c, row);
    if (!is_null(c, SIDECAR_PATH, row)) return take_sidecar(c, row);
    return LM_OK;
}

/* Of the columns from `first` on. */
static lm_status get_vector(reading *c, int first, int64_t row, const lm_delta_vector **vector)
{
    *vector = NULL;
    if (is_null(c, first, row)) return LM_OK;
    lm_delta_vector *made = lm__arena_zero(&c->row, sizeof *made);
    if (!made) return no_memory(c);
    LM_TRY(get_text(c, first, row, true, &made->storage));
    LM_TRY(get_text(c, first + VECTOR_PLACE, row, true, &made->place));
    made->has_offset = get_int(c, first + VECTOR_OFFSET, row, &made->offset);
    if (!get_int(c, first + VECTOR_SIZE, row, &made->size) ||
        !get_int(c, first + VECTOR_CARDINALITY, row, &made->cardinality))
        return refuse(c, first, "comes without sizeInBytes or cardinality");
    *vector = made;
    return LM_OK;
}

static lm_status take_add(reading *c, int64_t row)
{
    lm_delta_add add = {0};
    LM_TRY(get_text(c, ADD_PATH, row, true, &add.path));
    if (!*add.path) return refuse(c, ADD_PATH, "is empty");
    LM_TRY(get_vector(c, ADD_VECTOR, row, &add.vector));
    if (!add.vector && lm__text_index_find(&c->replay->paths, add.path)) return LM_OK;
    LM_TRY(get_map(c, ADD_PARTITION_VALUES, row, &add.partition_values));
    if (!get_int(c, ADD_SIZE, row, &add.size) || add.size < 0)
        return refuse(c, ADD_SIZE, "is missing or below zero");
    (void)get_int(c, ADD_MODIFICATION_TIME, row, &add.modification_time_ms);
    add.data_change = get_bool(c, ADD_DATA_CHANGE, row, true);
    if (!is_null(c, ADD_STATS, row))
        LM_TRY(text_of(c, &c->values[ADD_STATS], row, &add.stats, &add.stats_size));
    add.has_tags = !is_null(c, ADD_TAGS, row);
    LM_TRY(get_map(c, ADD_TAGS, row, &add.tags));
    return lm__replay_add(c->replay, &add, -1);
}

static lm_status take_remove(reading *c, int64_t row)
{
    lm_delta_remove remove = {0};
    LM_TRY(get_text(c, REMOVE_PATH, row, true, &remove.path));
    if (!*remove.path) return refuse(c, REMOVE_PATH, "is empty");
    remove.has_deletion_time = get_int(c, REMOVE_DELETION_TIME, row, &remove.deletion_time_ms);
    remove.data_change = get_bool(c, REMOVE_DATA_CHANGE, row, false);
    bool has_size = get_int(c, REMOVE_SIZE, row, &remove.size);
    remove.extended = has_size && !is_null(c, REMOVE_PARTITION_VALUES, row) &&
                      get_bool(c, REMOVE_EXTENDED, row, true);
    LM_TRY(get_map(c, REMOVE_PARTITION_VALUES, row, &remove.partition_values));
    LM_TRY(get_vector(c, REMOVE_VECTOR, row, &remove.vector));
    return lm__replay_remove(c->replay, &remove, -1);
}

static lm_status take_part(reading *c, int64_t row)
{
    if (!is_null(c, ADD_PATH, row)) return take_add(c, row);
    if (!is_null(c, REMOVE_PATH, row)) return take_remove(c, row);
    return LM_OK;
}

/* ---- files ---- */

static lm_status stream_take(reading *c, lm_stream *stream, int first, int end)
{
    for (;;) {
        lm_batch *batch;
        lm_status status = lm__stream_next(stream, &batch, c->replay->error);
        if (status != LM_OK || !batch) return status;
        columns_take(c, batch, first, end);
        for (int64_t row = 0; status == LM_OK && row < lm__batch_rows(batch); row++) {
            lm__arena_reset(&c->row);
            status = first < STATE_END ? take_state(c, row) : take_part(c, row);
        }
        lm__batch_unref(batch);
        LM_TRY(status);
        if (lm__cancel_requested(c->replay->log->cancel))
            return lm__error_set(c->replay->error, LM_CANCELLED, "%s: interrupted", c->path);
    }
}

/* The rows of protocol, metadata and transactions are few among many: what the file's statistics
 * show to have none of them is not read. NULL where the file has no such column, or may lead to
 * sidecars: to miss one for a wrong statistic would be to miss parts. */
static lm_status state_filter(const reading *c, lm_expr **filter)
{
    static const int heads[] = {PROTOCOL_READER, METADATA_ID, TXN_APP_ID};
    char text[160] = "";
    size_t used = 0;
    for (size_t i = 0; i < sizeof heads / sizeof *heads; i++)
        if (c->there[heads[i]])
            used += (size_t)snprintf(text + used, sizeof text - used, "%s%s is not null",
                                     used ? " or " : "", columns[heads[i]].path);
    *filter = NULL;
    if (used == 0 || c->there[SIDECAR_PATH]) return LM_OK;
    return lm_expr_parse(c->replay->log->allocator, text, used, filter, c->replay->error);
}

static lm_status stream_read(reading *c, lm_parquet_reader *reader,
                             const lm_parquet_read_options *options, int first, int end)
{
    struct ArrowArrayStream source;
    lm_stream *stream;
    LM_TRY(lm_parquet_read_stream(reader, options, &source, c->replay->error));
    LM_TRY(lm__stream_import_take(c->replay->log->allocator, &source, LM_VALIDATE_NONE, &stream,
                                  c->replay->error));
    lm_status status = stream_take(c, stream, first, end);
    lm__stream_close(stream);
    return status;
}

/* Columns [first, end), as far as the file has them. */
static lm_status columns_read(reading *c, lm_parquet_reader *reader, int first, int end)
{
    const lm_table_log *log = c->replay->log;
    lm_error *error = c->replay->error;
    lm_parquet_read_options options = {
        .threads = log->threads,
        .dictionaries = LM_DICTIONARIES_DECODE,
        .memory_bytes_max = LM_TABLE_READ_AHEAD_BYTES, /* the parts are what takes memory here */
        .ignore_arrow_schema = true,
        .cancel = log->cancel,
    };
    struct ArrowSchema exported;
    lm_schema *schema;
    LM_TRY(lm_parquet_reader_schema(reader, &options, &exported, error));
    LM_TRY(lm_schema_import_take(log->allocator, &exported, &schema, error));
    lm_status status = columns_find(c, schema, first, end);
    lm_schema_free(schema);
    LM_TRY(status);
    const char *wanted[COLUMN_COUNT];
    for (int i = first; i < end; i++)
        if (c->there[i]) wanted[options.column_count++] = columns[i].path;
    if (options.column_count == 0) return LM_OK;
    options.columns = wanted;
    lm_expr *filter = NULL;
    if (first < STATE_END) LM_TRY(state_filter(c, &filter));
    options.filter = filter;
    status = stream_read(c, reader, &options, first, end);
    lm_expr_free(filter);
    return status;
}

static lm_status file_read(reading *c, int first, int end)
{
    const lm_table_log *log = c->replay->log;
    lm_error *error = c->replay->error;
    lm_source *source;
    lm_parquet_reader *reader;
    const lm_parquet_reader_options options = {.allocator = log->allocator};
    LM_TRY(lm__store_open(log->store, c->path, &source, error));
    LM_TRY(lm_parquet_reader_open(source, &options, &reader, error));
    lm_status status = columns_read(c, reader, first, end);
    lm_parquet_reader_close(reader);
    return status;
}

lm_status lm__replay_rows_state(lm_replay *r, const char *path, lm_replay_sidecars *sidecars)
{
    reading c = {.replay = r, .path = path, .sidecars = sidecars};
    lm__arena_init(&c.row, r->log->allocator, 0);
    lm_status status = file_read(&c, 0, STATE_END);
    lm__arena_deinit(&c.row);
    return status;
}

lm_status lm__replay_rows_parts(lm_replay *r, const char *path)
{
    reading c = {.replay = r, .path = path};
    lm__arena_init(&c.row, r->log->allocator, 0);
    lm_status status =
        file_read(&c, STATE_END, r->snapshot->has_removes ? COLUMN_COUNT : PARTS_END);
    lm__arena_deinit(&c.row);
    return status;
}
