/* How a table lies on the disk: partitions, order within parts, Parquet's options. */
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/limits.h"
#include "base/number.h"
#include "codec/codec.h"
#include "parquet/metadata.h"
#include "table/descriptor.h"

/* Partitions. */

static const char *const part_words[] = {"year", "month", "day"};

static lm_type_id stored_type(const lm_table_descriptor *d, int32_t column)
{
    return d->stored->root.children[column].type.id;
}

/* The partition column among the stored ones: the declared one of that name, else a new one. */
static lm_status partition_column(lm_descriptor_reader *reader, lm_partition *partition,
                                  lm_type_id type, const char *path)
{
    lm_table_descriptor *d = reader->descriptor;
    lm_field *root = &d->stored->root;
    partition->column = lm__field_find(root, partition->name, strlen(partition->name));
    if (partition->column >= 0) {
        if (lm__type_is_integer(stored_type(d, partition->column))) return LM_OK;
        return lm__descriptor_refuse(reader, path, "the column %s is computed, and so an integer",
                                     partition->name);
    }
    lm_field *fields =
        lm__arena_array(&d->stored->arena, (size_t)root->n_children + 1, sizeof *fields);
    if (!fields) return lm__descriptor_memory(reader);
    memcpy(fields, root->children, (size_t)root->n_children * sizeof *fields);
    partition->column = root->n_children;
    if (!lm__field_init(&d->stored->arena, &fields[root->n_children], partition->name,
                        lm__type_make(type), fields[partition->source].nullable))
        return lm__descriptor_memory(reader);
    root->children = fields;
    root->n_children++;
    return LM_OK;
}

static lm_status bucket_partition(lm_descriptor_reader *reader, const lm_json *given,
                                  lm_partition *partition, const char *path)
{
    static const char *const words[] = {"column", "size", NULL};
    lm_table_descriptor *d = reader->descriptor;
    const lm_json *column = NULL;
    if (given) {
        LM_TRY(lm__descriptor_keys(reader, given, path, words));
        LM_TRY(lm__descriptor_count(reader, given, path, "size", 0, &d->bucket_size));
        column = lm__json_member(given, "column");
    }
    if (column)
        LM_TRY(lm__descriptor_column(reader, column, path, &partition->source));
    else
        partition->source = lm__field_find(&d->declared->root, "tick", 4);
    if (partition->source < 0)
        return lm__descriptor_refuse(reader, path,
                                     "the bucket is that of a column tick, which is "
                                     "not there; name another ({\"bucket\": {\"column\": …}})");
    if (!lm__type_is_integer(stored_type(d, partition->source)))
        return lm__descriptor_refuse(reader, path, "the bucket is that of an integer column");
    partition->kind = LM_PARTITION_BUCKET;
    partition->name = LM_TABLE_BUCKET;
    d->tick = partition->source;
    d->bucket = (int32_t)d->partition_count;
    LM_TRY(partition_column(reader, partition, LM_TYPE_INT64, path));
    if (partition->column != partition->source) return LM_OK;
    return lm__descriptor_refuse(reader, path, "the bucket cannot be that of itself");
}

static lm_status value_partition(lm_descriptor_reader *reader, const lm_json *given,
                                 lm_partition *partition, const char *path)
{
    LM_TRY(lm__descriptor_column(reader, given, path, &partition->column));
    const lm_field *field = &reader->descriptor->stored->root.children[partition->column];
    lm_type_id type = field->type.id;
    partition->kind = LM_PARTITION_VALUE;
    partition->source = partition->column;
    partition->name = field->name;
    if (lm__type_is_integer(type) || type == LM_TYPE_BOOL || type == LM_TYPE_UTF8 ||
        type == LM_TYPE_DATE32 || type == LM_TYPE_TIMESTAMP || lm__type_is_decimal(type))
        return LM_OK;
    char text[LM_TYPE_TEXT_MAX];
    return lm__descriptor_refuse(reader, path, "a column of %s does not partition a table",
                                 lm__type_text_short(field, text));
}

static lm_status date_partition(lm_descriptor_reader *reader, const lm_json *given, size_t word,
                                lm_partition *partition, const char *path)
{
    LM_TRY(lm__descriptor_column(reader, given, path, &partition->source));
    lm_type_id type = stored_type(reader->descriptor, partition->source);
    if (type != LM_TYPE_DATE32 && type != LM_TYPE_TIMESTAMP)
        return lm__descriptor_refuse(reader, path, "the %s is that of a date or a timestamp",
                                     part_words[word]);
    partition->kind = (lm_partition_kind)((size_t)LM_PARTITION_YEAR + word);
    partition->name = part_words[word];
    return partition_column(reader, partition, LM_TYPE_INT32, path);
}

/* "bucket", "venue", {"bucket": {"column": "tick", "size": 100}}, {"year": "when"} */
static lm_status read_partition(lm_descriptor_reader *reader, const lm_json *given,
                                lm_partition *partition, const char *path)
{
    if (given->kind == LM_JSON_STRING && strcmp(given->text, LM_TABLE_BUCKET) == 0)
        return bucket_partition(reader, NULL, partition, path);
    if (given->kind == LM_JSON_STRING) return value_partition(reader, given, partition, path);
    if (given->kind != LM_JSON_OBJECT || given->count != 1)
        return lm__descriptor_refuse(reader, path,
                                     "a column, or one of {\"bucket\": …}, {\"year\": …}, "
                                     "{\"month\": …}, {\"day\": …}");
    const lm_json *member = given->first;
    if (strcmp(member->key, LM_TABLE_BUCKET) == 0)
        return bucket_partition(reader, member, partition, path);
    for (size_t i = 0; i < 3; i++)
        if (strcmp(member->key, part_words[i]) == 0)
            return date_partition(reader, member, i, partition, path);
    return lm__descriptor_refuse(reader, path,
                                 "\"%.40s\" is no kind of partition (bucket, year, "
                                 "month, day)",
                                 member->key);
}

/* What a part stores must be something. */
static lm_status check_partitions(const lm_descriptor_reader *reader)
{
    const lm_table_descriptor *d = reader->descriptor;
    for (size_t i = 0; i < d->partition_count; i++)
        for (size_t k = 0; k < i; k++)
            if (d->partitions[i].column == d->partitions[k].column)
                return lm__descriptor_refuse(reader, "partitioning", "%s is there twice",
                                             d->partitions[i].name);
    if (d->partition_count < (size_t)d->stored->root.n_children) return LM_OK;
    return lm__descriptor_refuse(reader, "partitioning",
                                 "all columns are partitions: nothing is "
                                 "left to be stored");
}

lm_status lm__descriptor_partitions(lm_descriptor_reader *reader)
{
    lm_table_descriptor *d = reader->descriptor;
    const lm_json *list = lm__json_member(reader->root, "partitioning");
    size_t count = list && list->kind == LM_JSON_ARRAY ? list->count : 0;
    if (list && list->kind != LM_JSON_ARRAY && list->kind != LM_JSON_NULL)
        return lm__descriptor_refuse(reader, "partitioning", "a list is expected");
    if (count > LM_TABLE_PARTITIONS_MAX)
        return lm__descriptor_refuse(reader, "partitioning", "more than %d",
                                     LM_TABLE_PARTITIONS_MAX);
    d->partitions = lm__arena_zero(&d->arena, (count + 1) * sizeof *d->partitions);
    if (!d->partitions) return lm__descriptor_memory(reader);
    for (const lm_json *at = count ? list->first : NULL; at; at = at->next) {
        char path[48];
        snprintf(path, sizeof path, "partitioning[%zu]", d->partition_count);
        LM_TRY(read_partition(reader, at, &d->partitions[d->partition_count], path));
        d->partition_count++;
    }
    LM_TRY(check_partitions(reader));
    if (d->bucket < 0) {
        d->tick = lm__field_find(&d->stored->root, "tick", 4);
        if (d->tick >= 0 && !lm__type_is_integer(stored_type(d, d->tick))) d->tick = -1;
    }
    lm_status status = lm__schema_seal(d->stored, reader->error);
    return status == LM_OK ? LM_OK : lm__error_within(reader->error, status, "%s", reader->file);
}

/* The order. */

static bool is_partition(const lm_table_descriptor *d, int32_t column)
{
    for (size_t i = 0; i < d->partition_count; i++)
        if (d->partitions[i].column == column) return true;
    return false;
}

static lm_status read_sort(lm_descriptor_reader *reader, const lm_json *given, lm_table_sort *sort,
                           const char *path)
{
    static const char *const words[] = {"column", "descending", "nulls_first", NULL};
    const lm_json *name = given;
    if (given->kind == LM_JSON_OBJECT) {
        LM_TRY(lm__descriptor_keys(reader, given, path, words));
        LM_TRY(lm__descriptor_bool(reader, given, path, "descending", false, &sort->descending));
        LM_TRY(lm__descriptor_bool(reader, given, path, "nulls_first", false, &sort->nulls_first));
        name = lm__json_member(given, "column");
        if (!name) return lm__descriptor_refuse(reader, path, "no column is named");
    }
    LM_TRY(lm__descriptor_column(reader, name, path, &sort->column));
    const lm_table_descriptor *d = reader->descriptor;
    if (d->stored->root.children[sort->column].n_children > 0)
        return lm__descriptor_refuse(reader, path, "a nested column has no order");
    if (is_partition(d, sort->column))
        return lm__descriptor_refuse(reader, path, "a partition column is alike in the whole part");
    return LM_OK;
}

lm_status lm__descriptor_sorts(lm_descriptor_reader *reader)
{
    lm_table_descriptor *d = reader->descriptor;
    const lm_json *list = lm__json_member(reader->root, "sort");
    if (!list || list->kind == LM_JSON_NULL) return LM_OK;
    if (list->kind != LM_JSON_ARRAY || list->count > LM_TABLE_KEY_COLUMNS_MAX)
        return lm__descriptor_refuse(reader, "sort", "a list of at most %d columns is expected",
                                     LM_TABLE_KEY_COLUMNS_MAX);
    d->sorts = lm__arena_zero(&d->arena, (list->count + 1) * sizeof *d->sorts);
    if (!d->sorts) return lm__descriptor_memory(reader);
    for (const lm_json *at = list->first; at; at = at->next) {
        char path[48];
        snprintf(path, sizeof path, "sort[%zu]", d->sort_count);
        LM_TRY(read_sort(reader, at, &d->sorts[d->sort_count], path));
        d->sort_count++;
    }
    return LM_OK;
}

/* Parquet. */

static lm_status read_codec(const lm_descriptor_reader *reader, const char *text, const char *path,
                            lm_codec *codec, int32_t *level)
{
    lm_error why;
    if (lm__codec_level_parse(text, codec, level, &why) == LM_OK) return LM_OK;
    return lm__descriptor_refuse(reader, path, "codec: %s", why.message);
}

/* "a" or "a.b" of a column that is stored in the parts. */
static lm_status check_path(const lm_descriptor_reader *reader, const char *path, const char *where)
{
    const lm_table_descriptor *d = reader->descriptor;
    const lm_field *root = &d->declared->root;
    for (int32_t i = 0; i < root->n_children; i++) {
        const lm_field *field = &root->children[i];
        if (strncmp(path, field->name, field->name_size) != 0) continue;
        if (path[field->name_size] != '\0' && path[field->name_size] != '.') continue;
        if (!is_partition(d, i)) return LM_OK;
        return lm__descriptor_refuse(reader, where,
                                     "a partition column is not stored in the parts");
    }
    return lm__descriptor_refuse(reader, where, "there is no such column");
}

static lm_status read_parquet_column(lm_descriptor_reader *reader, const lm_json *given,
                                     lm_parquet_column_options *column)
{
    static const char *const words[] = {"codec", "encoding", "dictionary", "bloom", NULL};
    char path[LM_PATH_TEXT_MAX + 24], shown[LM_PATH_TEXT_MAX];
    const char *codec, *encoding;
    bool dictionary;
    snprintf(path, sizeof path, "parquet.columns.%s",
             lm__printable(shown, sizeof shown, given->key));
    LM_TRY(check_path(reader, given->key, path));
    LM_TRY(lm__descriptor_keys(reader, given, path, words));
    *column = (lm_parquet_column_options){.encoding = LM_ENCODING_AUTO, .field_id = -1};
    column->path = lm__arena_strdup(&reader->descriptor->arena, given->key);
    if (!column->path) return lm__descriptor_memory(reader);
    LM_TRY(lm__descriptor_text(reader, given, path, "codec", NULL, &codec));
    column->codec_set = codec != NULL;
    if (codec) LM_TRY(read_codec(reader, codec, path, &column->codec, &column->level));
    LM_TRY(lm__descriptor_text(reader, given, path, "encoding", NULL, &encoding));
    if (encoding && !lm__parquet_encoding_parse(encoding, &column->encoding))
        return lm__descriptor_refuse(reader, path, "no encoding is called %.40s", encoding);
    LM_TRY(lm__descriptor_bool(reader, given, path, "dictionary", true, &dictionary));
    if (lm__json_member(given, "dictionary"))
        column->dictionary = dictionary ? LM_CHOICE_ON : LM_CHOICE_OFF;
    const lm_json *bloom = lm__json_member(given, "bloom");
    if (!bloom) return LM_OK;
    if ((bloom->kind != LM_JSON_NUMBER && bloom->kind != LM_JSON_INT) ||
        !(bloom->number > 0 && bloom->number < 1))
        return lm__descriptor_refuse(reader, path,
                                     "bloom is the share of false positives, between "
                                     "0 and 1");
    column->bloom = LM_CHOICE_ON;
    column->bloom_false_share = bloom->number;
    return LM_OK;
}

static lm_status parquet_columns(lm_descriptor_reader *reader, const lm_json *given)
{
    lm_table_descriptor *d = reader->descriptor;
    if (given->kind != LM_JSON_OBJECT)
        return lm__descriptor_refuse(reader, "parquet.columns", "an object is expected");
    lm_parquet_column_options *columns =
        lm__arena_array(&d->arena, given->count + 1, sizeof *columns);
    if (!columns) return lm__descriptor_memory(reader);
    for (const lm_json *at = given->first; at; at = at->next)
        LM_TRY(read_parquet_column(reader, at, &columns[d->parquet.column_count++]));
    d->parquet.columns = columns;
    return LM_OK;
}

lm_status lm__descriptor_parquet(lm_descriptor_reader *reader)
{
    static const char *const words[] = {
        "codec", "row_group_rows", "row_group_bytes", "page_rows", "page_bytes", "columns", NULL};
    lm_table_descriptor *d = reader->descriptor;
    const lm_json *given = lm__json_member(reader->root, "parquet");
    d->parquet = (lm_parquet_options){0};
    if (!given || given->kind == LM_JSON_NULL) return LM_OK;
    LM_TRY(lm__descriptor_keys(reader, given, "parquet", words));
    const char *codec;
    int64_t group_bytes, page_bytes;
    LM_TRY(lm__descriptor_text(reader, given, "parquet", "codec", NULL, &codec));
    d->parquet_codec = codec != NULL;
    if (codec) LM_TRY(read_codec(reader, codec, "parquet", &d->parquet.codec, &d->parquet.level));
    LM_TRY(lm__descriptor_count(reader, given, "parquet", "row_group_rows", 0,
                                &d->parquet.row_group_rows_max));
    LM_TRY(lm__descriptor_count(reader, given, "parquet", "row_group_bytes", 0, &group_bytes));
    LM_TRY(
        lm__descriptor_count(reader, given, "parquet", "page_rows", 0, &d->parquet.page_rows_max));
    LM_TRY(lm__descriptor_count(reader, given, "parquet", "page_bytes", 0, &page_bytes));
    if ((size_t)page_bytes > LM_PARQUET_PAGE_BYTES_MAX)
        return lm__descriptor_refuse(reader, "parquet.page_bytes", "more than %zu",
                                     LM_PARQUET_PAGE_BYTES_MAX);
    d->parquet.row_group_bytes_max = (size_t)group_bytes;
    d->parquet.page_bytes_max = (size_t)page_bytes;
    const lm_json *columns = lm__json_member(given, "columns");
    return columns && columns->kind != LM_JSON_NULL ? parquet_columns(reader, columns) : LM_OK;
}
