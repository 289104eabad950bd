/* What lamella inspect tells programs. */
#include "base/alloc.h"
#include "base/error.h"
#include "base/json_path.h"
#include "cli/inspect.h"

typedef size_t (*text_of)(const lm_parquet_reader *reader, int32_t column, char *text, size_t size);

/* A text of any length, as a member; an empty type is none. */
static void text_out(const lm_inspection *asked, const char *key, text_of function, int32_t column)
{
    lm_json_writer *writer = &asked->cli->writer;
    char few[LM_INSPECT_TEXT_MAX], *text = few;
    size_t size = function(asked->reader, column, few, sizeof few);
    if (size >= sizeof few && (text = lm__alloc(NULL, size + 1)) != NULL)
        (void)function(asked->reader, column, text, size + 1);
    if (!text) writer->status = LM_NO_MEMORY;
    if (text && (size || function == lm_parquet_column_path)) {
        lm__json_key(writer, key);
        lm__json_string_n(writer, text, size);
    }
    if (text != few) lm__free(NULL, text);
}

static void value_out(const lm_inspection *asked, const char *key, int32_t column,
                      lm_parquet_bytes value)
{
    lm_json_writer *writer = &asked->cli->writer;
    char few[LM_INSPECT_TEXT_MAX], *text = few;
    if (!value.data) return;
    size_t size = lm_parquet_value_text(asked->reader, column, value, few, sizeof few);
    if (size >= sizeof few && (text = lm__alloc(NULL, size + 1)) != NULL)
        (void)lm_parquet_value_text(asked->reader, column, value, text, size + 1);
    if (!text) {
        writer->status = LM_NO_MEMORY;
        return;
    }
    lm__json_key(writer, key);
    lm__json_string_n(writer, text, size);
    if (text != few) lm__free(NULL, text);
}

static void bytes_out(lm_json_writer *writer, const char *key, lm_parquet_bytes bytes)
{
    lm__json_key(writer, key);
    if (bytes.data)
        lm__json_string_n(writer, bytes.data, bytes.size);
    else
        lm__json_null(writer);
}

/* Left out when it is not told. */
static void count_out(lm_json_writer *writer, const char *key, int64_t count)
{
    if (count >= 0) lm__json_member_int_out(writer, key, count);
}

static void list_out(lm_json_writer *writer, const char *key, const int64_t *items, size_t count)
{
    if (count == 0) return;
    lm__json_key(writer, key);
    lm__json_open_array(writer);
    for (size_t i = 0; i < count; i++) lm__json_int(writer, items[i]);
    lm__json_close_array(writer);
}

static void file_out(const lm_inspection *asked)
{
    lm_json_writer *writer = &asked->cli->writer;
    const lm_parquet_file_info *file = &asked->file;
    lm__json_path_out(writer, "path", asked->path);
    lm__json_member_int_out(writer, "bytes", (int64_t)file->bytes);
    lm__json_member_int_out(writer, "footer_bytes", (int64_t)file->footer_bytes);
    lm__json_member_int_out(writer, "version", file->version);
    if (file->created_by.data) bytes_out(writer, "created_by", file->created_by);
    lm__json_member_int_out(writer, "rows", file->rows);
    lm__json_key(writer, "metadata");
    lm__json_open_array(writer);
    for (size_t i = 0; i < file->key_values; i++) {
        lm_parquet_bytes key, value;
        lm_parquet_inspect_key_value(asked->reader, i, &key, &value);
        lm__json_open_object(writer);
        bytes_out(writer, "key", key);
        bytes_out(writer, "value", value);
        lm__json_close_object(writer);
    }
    lm__json_close_array(writer);
}

static void columns_out(const lm_inspection *asked)
{
    lm_json_writer *writer = &asked->cli->writer;
    lm__json_key(writer, "columns");
    lm__json_open_array(writer);
    for (int32_t i = 0; i < asked->file.columns; i++) {
        if (!lm__inspect_wants(asked, i)) continue;
        lm_parquet_column_info column = lm_parquet_inspect_column(asked->reader, i);
        lm__json_open_object(writer);
        text_out(asked, "path", lm_parquet_column_path, i);
        lm__json_member_string_out(writer, "physical", column.physical);
        if (column.physical[0] == '?')
            lm__json_member_int_out(writer, "physical_number", column.physical_number);
        if (column.type_length) lm__json_member_int_out(writer, "type_length", column.type_length);
        text_out(asked, "type", lm_parquet_column_type, i);
        lm__json_member_string_out(writer, "repetition", column.repetition);
        lm__json_member_int_out(writer, "definition_max", column.definition_max);
        lm__json_member_int_out(writer, "repetition_max", column.repetition_max);
        if (column.has_field_id) lm__json_member_int_out(writer, "field_id", column.field_id);
        if (column.order) lm__json_member_string_out(writer, "order", column.order);
        lm__json_close_object(writer);
    }
    lm__json_close_array(writer);
}

static void exact_out(lm_json_writer *writer, const char *key, int exact)
{
    if (exact >= 0) lm__json_member_bool_out(writer, key, exact == 1);
}

static void statistics_out(const lm_inspection *asked, int32_t column,
                           const lm_parquet_statistics_info *statistics)
{
    lm_json_writer *writer = &asked->cli->writer;
    if (!statistics->there) return;
    lm__json_key(writer, "statistics");
    lm__json_open_object(writer);
    value_out(asked, "min", column, statistics->min);
    value_out(asked, "max", column, statistics->max);
    exact_out(writer, "min_exact", statistics->min_exact);
    exact_out(writer, "max_exact", statistics->max_exact);
    if (statistics->deprecated) lm__json_member_bool_out(writer, "deprecated", true);
    count_out(writer, "null_count", statistics->null_count);
    count_out(writer, "distinct_count", statistics->distinct_count);
    count_out(writer, "nan_count", statistics->nan_count);
    lm__json_close_object(writer);
}

typedef struct page_list {
    const lm_inspection *asked;
    int32_t column;
} page_list;

static lm_status page_out(void *context, const lm_parquet_page_info *page, lm_error *error)
{
    const page_list *list = context;
    lm_json_writer *writer = &list->asked->cli->writer;
    (void)error;
    lm__json_open_object(writer);
    lm__json_member_string_out(writer, "kind", page->kind);
    lm__json_member_string_out(writer, "encoding", page->encoding);
    lm__json_member_int_out(writer, "offset", (int64_t)page->offset);
    lm__json_member_int_out(writer, "header_bytes", (int64_t)page->header_bytes);
    lm__json_member_int_out(writer, "compressed_bytes", (int64_t)page->compressed_bytes);
    lm__json_member_int_out(writer, "bytes", (int64_t)page->bytes);
    lm__json_member_int_out(writer, "values", page->values);
    count_out(writer, "nulls", page->nulls);
    count_out(writer, "rows", page->rows);
    count_out(writer, "first_row", page->first_row);
    if (page->has_crc) lm__json_member_int_out(writer, "crc", page->crc);
    statistics_out(list->asked, list->column, &page->statistics);
    if (page->from_index) lm__json_member_bool_out(writer, "statistics_from_index", true);
    lm__json_close_object(writer);
    return LM_OK;
}

static void place_out(lm_json_writer *writer, const char *key, int64_t offset, int64_t bytes)
{
    if (offset < 0) return;
    lm__json_key(writer, key);
    lm__json_open_object(writer);
    lm__json_member_int_out(writer, "offset", offset);
    count_out(writer, "bytes", bytes);
    lm__json_close_object(writer);
}

static void geospatial_out(lm_json_writer *writer, const lm_parquet_chunk_info *chunk)
{
    if (chunk->has_box) {
        const double box[] = {chunk->x_min, chunk->x_max, chunk->y_min, chunk->y_max};
        lm__json_key(writer, "bounding_box");
        lm__json_open_array(writer);
        for (int i = 0; i < 4; i++) lm__json_double(writer, box[i]);
        lm__json_close_array(writer);
    }
    if (chunk->geospatial_type_count == 0) return;
    lm__json_key(writer, "geospatial_types");
    lm__json_open_array(writer);
    for (size_t i = 0; i < chunk->geospatial_type_count; i++)
        lm__json_int(writer, chunk->geospatial_types[i]);
    lm__json_close_array(writer);
}

static void chunk_members(const lm_inspection *asked, int32_t column,
                          const lm_parquet_chunk_info *chunk)
{
    lm_json_writer *writer = &asked->cli->writer;
    if (chunk->codec) lm__json_member_string_out(writer, "codec", chunk->codec);
    if (!chunk->codec) lm__json_member_int_out(writer, "codec", chunk->codec_number);
    lm__json_key(writer, "encodings");
    lm__json_open_array(writer);
    for (size_t i = 0; i < chunk->encoding_count; i++) lm__json_string(writer, chunk->encodings[i]);
    lm__json_close_array(writer);
    lm__json_member_int_out(writer, "values", chunk->values);
    lm__json_member_int_out(writer, "bytes", chunk->bytes);
    lm__json_member_int_out(writer, "compressed_bytes", chunk->compressed_bytes);
    count_out(writer, "dictionary_page_offset", chunk->dictionary_page_offset);
    lm__json_member_int_out(writer, "data_page_offset", chunk->data_page_offset);
    statistics_out(asked, column, &chunk->statistics);
    count_out(writer, "unencoded_bytes", chunk->unencoded_bytes);
    list_out(writer, "definition_histogram", chunk->definition_histogram,
             chunk->definition_histogram_count);
    list_out(writer, "repetition_histogram", chunk->repetition_histogram,
             chunk->repetition_histogram_count);
    geospatial_out(writer, chunk);
    place_out(writer, "column_index", chunk->column_index_offset, chunk->column_index_bytes);
    place_out(writer, "offset_index", chunk->offset_index_offset, chunk->offset_index_bytes);
    place_out(writer, "bloom_filter", chunk->bloom_offset, chunk->bloom_bytes);
}

static lm_status chunk_out(const lm_inspection *asked, int64_t row_group, int32_t column,
                           lm_error *error)
{
    lm_json_writer *writer = &asked->cli->writer;
    lm_parquet_chunk_info chunk;
    lm_status status = LM_OK;
    LM_TRY(lm_parquet_inspect_chunk(asked->reader, row_group, column, &chunk, error));
    lm__json_open_object(writer);
    text_out(asked, "path", lm_parquet_column_path, column);
    if (chunk.encrypted) lm__json_member_bool_out(writer, "encrypted", true);
    if (!chunk.in_file) lm__json_member_bool_out(writer, "in_file", false);
    if (!chunk.encrypted && chunk.in_file) {
        page_list list = {asked, column};
        chunk_members(asked, column, &chunk);
        if (asked->pages) {
            lm__json_key(writer, "pages");
            lm__json_open_array(writer);
            status =
                lm_parquet_inspect_pages(asked->reader, row_group, column, page_out, &list, error);
            lm__json_close_array(writer);
        }
    }
    lm__json_close_object(writer);
    return status;
}

static void row_group_members(const lm_inspection *asked, int64_t row_group)
{
    lm_json_writer *writer = &asked->cli->writer;
    lm_parquet_row_group_info info = lm_parquet_inspect_row_group(asked->reader, row_group);
    lm__json_member_int_out(writer, "row_group", row_group);
    lm__json_member_int_out(writer, "rows", info.rows);
    lm__json_member_int_out(writer, "bytes", info.bytes);
    lm__json_member_int_out(writer, "compressed_bytes", info.compressed_bytes);
    count_out(writer, "file_offset", info.file_offset);
    lm__json_key(writer, "sorting");
    lm__json_open_array(writer);
    for (size_t i = 0; i < info.sorting_columns; i++) {
        lm_parquet_sorting_info by = lm_parquet_inspect_sorting(asked->reader, row_group, i);
        lm__json_open_object(writer);
        if (by.column >= 0 && by.column < asked->file.columns)
            text_out(asked, "path", lm_parquet_column_path, by.column);
        lm__json_member_int_out(writer, "column", by.column);
        lm__json_member_bool_out(writer, "descending", by.descending);
        lm__json_member_bool_out(writer, "nulls_first", by.nulls_first);
        lm__json_close_object(writer);
    }
    lm__json_close_array(writer);
}

lm_status lm__inspect_json(const lm_inspection *asked, lm_error *error)
{
    lm_json_writer *writer = &asked->cli->writer;
    lm_status status = LM_OK;
    file_out(asked);
    columns_out(asked);
    lm__json_key(writer, "row_groups");
    lm__json_open_array(writer);
    for (int64_t i = asked->row_group_first; i < asked->row_group_end && status == LM_OK; i++) {
        lm__json_open_object(writer);
        row_group_members(asked, i);
        lm__json_key(writer, "columns");
        lm__json_open_array(writer);
        for (int32_t k = 0; k < asked->file.columns && status == LM_OK; k++)
            if (lm__inspect_wants(asked, k)) status = chunk_out(asked, i, k, error);
        lm__json_close_array(writer);
        lm__json_close_object(writer);
    }
    lm__json_close_array(writer);
    return status;
}
