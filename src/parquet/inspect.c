/* What the footer says of a file, its row groups and its chunks; see lamella/parquet_inspect.h. */
#include "parquet/inspect.h"

#include "codec/codec.h"
#include "parquet/read_index.h"

lm_parquet_file_info lm_parquet_inspect_file(const lm_parquet_reader *reader)
{
    const lm_file_metadata *metadata = &reader->metadata;
    return (lm_parquet_file_info){
        .version = metadata->version,
        .rows = metadata->num_rows,
        .row_groups = (int64_t)metadata->row_groups.count,
        .columns = (int32_t)reader->schema.leaf_count,
        .bytes = reader->source->size,
        .footer_bytes = reader->footer_bytes,
        .created_by = lm__inspect_bytes(metadata->created_by),
        .key_values = metadata->key_value_metadata.count,
    };
}

void lm_parquet_inspect_key_value(const lm_parquet_reader *reader, size_t i, lm_parquet_bytes *key,
                                  lm_parquet_bytes *value)
{
    const lm_footer_key_value *pair = &reader->metadata.key_value_metadata.items[i];
    *key = lm__inspect_bytes(pair->key);
    *value = lm__inspect_bytes(pair->value);
}

static const char *name_of(const char *name) { return name ? name : "?"; }

lm_parquet_column_info lm_parquet_inspect_column(const lm_parquet_reader *reader, int32_t column)
{
    const lm_read_node *leaf = reader->schema.leaves[column];
    const lm_int32_list orders = reader->metadata.column_orders;
    return (lm_parquet_column_info){
        .physical = name_of(lm__parquet_type_name(leaf->physical)),
        .physical_number = leaf->physical,
        .repetition = name_of(lm__parquet_repetition_name(
            LM_HAS(leaf->element, LM_SCHEMA_ELEMENT_REPETITION) ? leaf->element->repetition_type
                                                                : leaf->mode)),
        .type_length = leaf->physical == LM_PARQUET_FIXED_LEN_BYTE_ARRAY ? (int32_t)leaf->width : 0,
        .definition_max = leaf->definition,
        .repetition_max = leaf->repetition,
        .has_field_id = LM_HAS(leaf->element, LM_SCHEMA_ELEMENT_FIELD_ID),
        .field_id = leaf->element->field_id,
        .order = (size_t)column < orders.count
                     ? name_of(lm__parquet_order_name(orders.items[column]))
                     : NULL,
    };
}

lm_parquet_row_group_info lm_parquet_inspect_row_group(const lm_parquet_reader *reader,
                                                       int64_t row_group)
{
    const lm_row_group *group = &reader->metadata.row_groups.items[row_group];
    lm_parquet_row_group_info info = {
        .rows = group->num_rows,
        .bytes = group->total_byte_size,
        .file_offset = LM_HAS(group, LM_ROW_GROUP_FILE_OFFSET) ? group->file_offset : -1,
        .sorting_columns = group->sorting_columns.count,
    };
    for (size_t i = 0; i < group->columns.count; i++) {
        const lm_column_metadata *metadata = group->columns.items[i].meta_data;
        if (metadata &&
            __builtin_add_overflow(info.compressed_bytes, metadata->total_compressed_size,
                                   &info.compressed_bytes))
            info.compressed_bytes = INT64_MAX;
    }
    return info;
}

lm_parquet_sorting_info lm_parquet_inspect_sorting(const lm_parquet_reader *reader,
                                                   int64_t row_group, size_t i)
{
    const lm_sorting_column *sorting =
        &reader->metadata.row_groups.items[row_group].sorting_columns.items[i];
    return (lm_parquet_sorting_info){sorting->column_idx, sorting->descending,
                                     sorting->nulls_first};
}

static int exactness(const lm_statistics *statistics, uint32_t bit, bool is_exact)
{
    return (statistics->has & bit) == 0 ? -1 : is_exact ? 1 : 0;
}

lm_parquet_statistics_info lm__inspect_statistics(const lm_statistics *statistics)
{
    lm_parquet_statistics_info info = {
        .min_exact = -1, .max_exact = -1, .null_count = -1, .distinct_count = -1, .nan_count = -1};
    if (!statistics) return info;
    info.there = true;
    info.deprecated = !statistics->min_value.data && !statistics->max_value.data &&
                      (statistics->min.data || statistics->max.data);
    info.min = lm__inspect_bytes(info.deprecated ? statistics->min : statistics->min_value);
    info.max = lm__inspect_bytes(info.deprecated ? statistics->max : statistics->max_value);
    info.min_exact = exactness(statistics, LM_STATISTICS_MIN_EXACT, statistics->is_min_value_exact);
    info.max_exact = exactness(statistics, LM_STATISTICS_MAX_EXACT, statistics->is_max_value_exact);
    if (LM_HAS(statistics, LM_STATISTICS_NULL_COUNT)) info.null_count = statistics->null_count;
    if (LM_HAS(statistics, LM_STATISTICS_DISTINCT_COUNT))
        info.distinct_count = statistics->distinct_count;
    if (LM_HAS(statistics, LM_STATISTICS_NAN_COUNT)) info.nan_count = statistics->nan_count;
    return info;
}

static void add_encoding(lm_parquet_chunk_info *info, int32_t encoding)
{
    const char *name = name_of(lm__parquet_encoding_name(encoding));
    for (size_t i = 0; i < info->encoding_count; i++)
        if (info->encodings[i] == name) return;
    if (info->encoding_count < LM_PARQUET_ENCODINGS_MAX)
        info->encodings[info->encoding_count++] = name;
}

static void describe_encodings(const lm_column_metadata *metadata, lm_parquet_chunk_info *info)
{
    for (size_t i = 0; i < metadata->encoding_stats.count; i++)
        if (metadata->encoding_stats.items[i].page_type != LM_PARQUET_DICTIONARY_PAGE)
            add_encoding(info, metadata->encoding_stats.items[i].encoding);
    for (size_t i = 0; i < metadata->encodings.count; i++)
        add_encoding(info, metadata->encodings.items[i]);
}

static void describe_sizes(const lm_column_metadata *metadata, lm_parquet_chunk_info *info)
{
    const lm_size_statistics *sizes = metadata->size_statistics;
    if (!sizes) return;
    if (LM_HAS(sizes, LM_SIZE_STATISTICS_UNENCODED_BYTES))
        info->unencoded_bytes = sizes->unencoded_byte_array_data_bytes;
    info->definition_histogram = sizes->definition_level_histogram.items;
    info->definition_histogram_count = sizes->definition_level_histogram.count;
    info->repetition_histogram = sizes->repetition_level_histogram.items;
    info->repetition_histogram_count = sizes->repetition_level_histogram.count;
}

static void describe_geospatial(const lm_column_metadata *metadata, lm_parquet_chunk_info *info)
{
    const lm_geospatial_statistics *geospatial = metadata->geospatial_statistics;
    if (!geospatial) return;
    info->geospatial_types = geospatial->geospatial_types.items;
    info->geospatial_type_count = geospatial->geospatial_types.count;
    if (!geospatial->bbox) return;
    info->has_box = true;
    info->x_min = geospatial->bbox->xmin;
    info->x_max = geospatial->bbox->xmax;
    info->y_min = geospatial->bbox->ymin;
    info->y_max = geospatial->bbox->ymax;
}

static void describe_chunk(const lm_column_metadata *metadata, lm_parquet_chunk_info *info)
{
    info->codec = lm__codec_name(metadata->codec);
    info->codec_number = metadata->codec;
    info->values = metadata->num_values;
    info->bytes = metadata->total_uncompressed_size;
    info->compressed_bytes = metadata->total_compressed_size;
    info->data_page_offset = metadata->data_page_offset;
    if (LM_HAS(metadata, LM_COLUMN_METADATA_DICTIONARY_PAGE_OFFSET) &&
        metadata->dictionary_page_offset > 0)
        info->dictionary_page_offset = metadata->dictionary_page_offset;
    info->statistics = lm__inspect_statistics(metadata->statistics);
    info->key_values = metadata->key_value_metadata.count;
    describe_encodings(metadata, info);
    describe_sizes(metadata, info);
    describe_geospatial(metadata, info);
}

lm_status lm_parquet_inspect_chunk(const lm_parquet_reader *reader, int64_t row_group,
                                   int32_t column, lm_parquet_chunk_info *info, lm_error *error)
{
    const lm_column_chunk *chunk =
        &reader->metadata.row_groups.items[row_group].columns.items[column];
    lm_read_bloom_place place;
    *info = (lm_parquet_chunk_info){
        .dictionary_page_offset = -1,
        .unencoded_bytes = -1,
        .column_index_offset = -1,
        .offset_index_offset = -1,
        .bloom_offset = -1,
        .bloom_bytes = -1,
        .in_file = chunk->file_path.size == 0,
        .statistics = lm__inspect_statistics(NULL),
    };
    info->encrypted = chunk->crypto_metadata || chunk->encrypted_column_metadata.data;
    if (info->encrypted || !chunk->meta_data) return LM_OK;
    describe_chunk(chunk->meta_data, info);
    if (LM_HAS(chunk, LM_COLUMN_CHUNK_COLUMN_INDEX_OFFSET)) {
        info->column_index_offset = chunk->column_index_offset;
        info->column_index_bytes = chunk->column_index_length;
    }
    if (LM_HAS(chunk, LM_COLUMN_CHUNK_OFFSET_INDEX_OFFSET)) {
        info->offset_index_offset = chunk->offset_index_offset;
        info->offset_index_bytes = chunk->offset_index_length;
    }
    if (!info->in_file) return LM_OK;
    lm_status status = lm__read_bloom_place(reader, (size_t)row_group,
                                            reader->schema.leaves[column], &place, error);
    if (status == LM_CORRUPT) {
        info->bloom_offset = chunk->meta_data->bloom_filter_offset;
        return LM_OK;
    }
    if (status == LM_OK && place.there) {
        info->bloom_offset = (int64_t)place.offset;
        info->bloom_bytes = place.header.num_bytes;
    }
    return lm__reader_within(reader, (size_t)row_group, status, error);
}
