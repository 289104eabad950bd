/*
 * parquet.thrift as tables (2.13.0 and master of 2026-08): for each struct its fields by id, and
 * where they lie in the C structs of metadata.h. thrift_read.c and thrift_write.c work by them.
 *
 * A field is REQUIRED(id, kind, member, name) or OPTIONAL(…); the tables are checked against one
 * another by tests/unit/parquet/test_metadata.c, byte by byte against the specification.
 */
#include "parquet/metadata_tables.h"

#define FIELD(id_, type, need, kind_, element_, member, name_, child_)                             \
    [id_] = {.name = (name_),                                                                      \
             .kind = (kind_),                                                                      \
             .element = (element_),                                                                \
             .required = (need),                                                                   \
             .offset = offsetof(type, member),                                                     \
             .child = (child_)}
#define REQUIRED(id, type, kind, member)                                                           \
    FIELD(id, type, true, LM_THRIFT_##kind, 0, member, #member, NULL)
#define OPTIONAL(id, type, kind, member)                                                           \
    FIELD(id, type, false, LM_THRIFT_##kind, 0, member, #member, NULL)
#define REQUIRED_STRUCT(id, type, kind, member, child)                                             \
    FIELD(id, type, true, LM_THRIFT_##kind, 0, member, #member, child)
#define OPTIONAL_STRUCT(id, type, kind, member, child)                                             \
    FIELD(id, type, false, LM_THRIFT_##kind, 0, member, #member, child)
#define REQUIRED_LIST(id, type, element, member, child)                                            \
    FIELD(id, type, true, LM_THRIFT_LIST, LM_THRIFT_##element, member, #member, child)
#define OPTIONAL_LIST(id, type, element, member, child)                                            \
    FIELD(id, type, false, LM_THRIFT_LIST, LM_THRIFT_##element, member, #member, child)
/* A member of a union: its fields lie in the union's own C struct. */
#define MEMBER(id_, name_, child_)                                                                 \
    [id_] = {.name = (name_), .kind = LM_THRIFT_STRUCT, .child = (child_)}

/* bits: the required fields; least: the bytes of the shortest such struct. */
#define TABLE(variable, name_, type, bits, least)                                                  \
    const lm_thrift_struct variable = {                                                            \
        .name = (name_),                                                                           \
        .size = sizeof(type),                                                                      \
        .field_max = sizeof(variable##_fields) / sizeof(variable##_fields[0]) - 1,                 \
        .bytes_min = (least),                                                                      \
        .required = (bits),                                                                        \
        .fields = variable##_fields,                                                               \
    }
#define BIT LM_BIT

/* Statistics and the like. */

static const lm_thrift_field statistics_fields[] = {
    OPTIONAL(1, lm_statistics, BYTES, max),
    OPTIONAL(2, lm_statistics, BYTES, min),
    OPTIONAL(3, lm_statistics, I64, null_count),
    OPTIONAL(4, lm_statistics, I64, distinct_count),
    OPTIONAL(5, lm_statistics, BYTES, max_value),
    OPTIONAL(6, lm_statistics, BYTES, min_value),
    OPTIONAL(7, lm_statistics, BOOL, is_max_value_exact),
    OPTIONAL(8, lm_statistics, BOOL, is_min_value_exact),
    OPTIONAL(9, lm_statistics, I64, nan_count),
};
static TABLE(statistics, "Statistics", lm_statistics, 0, 1);

static const lm_thrift_field size_statistics_fields[] = {
    OPTIONAL(1, lm_size_statistics, I64, unencoded_byte_array_data_bytes),
    OPTIONAL_LIST(2, lm_size_statistics, I64, repetition_level_histogram, NULL),
    OPTIONAL_LIST(3, lm_size_statistics, I64, definition_level_histogram, NULL),
};
static TABLE(size_statistics, "SizeStatistics", lm_size_statistics, 0, 1);

static const lm_thrift_field bounding_box_fields[] = {
    REQUIRED(1, lm_bounding_box, DOUBLE, xmin), REQUIRED(2, lm_bounding_box, DOUBLE, xmax),
    REQUIRED(3, lm_bounding_box, DOUBLE, ymin), REQUIRED(4, lm_bounding_box, DOUBLE, ymax),
    OPTIONAL(5, lm_bounding_box, DOUBLE, zmin), OPTIONAL(6, lm_bounding_box, DOUBLE, zmax),
    OPTIONAL(7, lm_bounding_box, DOUBLE, mmin), OPTIONAL(8, lm_bounding_box, DOUBLE, mmax),
};
static TABLE(bounding_box, "BoundingBox", lm_bounding_box, BIT(1) | BIT(2) | BIT(3) | BIT(4), 37);

static const lm_thrift_field geospatial_fields[] = {
    OPTIONAL_STRUCT(1, lm_geospatial_statistics, STRUCT, bbox, &bounding_box),
    OPTIONAL_LIST(2, lm_geospatial_statistics, I32, geospatial_types, NULL),
};
static TABLE(geospatial, "GeospatialStatistics", lm_geospatial_statistics, 0, 1);

/* The schema. */

static const lm_thrift_field nothing_fields[] = {{0}};
static TABLE(nothing, "empty struct", lm_logical_type, 0, 1);

static const lm_thrift_field decimal_fields[] = {
    REQUIRED(1, lm_logical_type, I32, scale),
    REQUIRED(2, lm_logical_type, I32, precision),
};
static TABLE(decimal, "DecimalType", lm_logical_type, BIT(1) | BIT(2), 5);

static const lm_thrift_field time_fields[] = {
    REQUIRED(1, lm_logical_type, BOOL, is_adjusted_to_utc),
    REQUIRED(2, lm_logical_type, UNION, unit),
};
static TABLE(time, "TimeType", lm_logical_type, BIT(1) | BIT(2), 4);

static const lm_thrift_field timestamp_fields[] = {
    REQUIRED(1, lm_logical_type, BOOL, is_adjusted_to_utc),
    REQUIRED(2, lm_logical_type, UNION, unit),
};
static TABLE(timestamp, "TimestampType", lm_logical_type, BIT(1) | BIT(2), 4);

static const lm_thrift_field integer_fields[] = {
    REQUIRED(1, lm_logical_type, I8, bit_width),
    REQUIRED(2, lm_logical_type, BOOL, is_signed),
};
static TABLE(integer, "IntType", lm_logical_type, BIT(1) | BIT(2), 4);

static const lm_thrift_field variant_fields[] = {
    OPTIONAL(1, lm_logical_type, I8, specification_version),
};
static TABLE(variant, "VariantType", lm_logical_type, 0, 1);

static const lm_thrift_field geometry_fields[] = {
    OPTIONAL(1, lm_logical_type, BYTES, crs),
};
static TABLE(geometry, "GeometryType", lm_logical_type, 0, 1);

static const lm_thrift_field geography_fields[] = {
    OPTIONAL(1, lm_logical_type, BYTES, crs),
    OPTIONAL(2, lm_logical_type, I32, algorithm),
};
static TABLE(geography, "GeographyType", lm_logical_type, 0, 1);

static const lm_thrift_field logical_fields[] = {
    MEMBER(LM_PARQUET_LOGICAL_STRING, "STRING", &nothing),
    MEMBER(LM_PARQUET_LOGICAL_MAP, "MAP", &nothing),
    MEMBER(LM_PARQUET_LOGICAL_LIST, "LIST", &nothing),
    MEMBER(LM_PARQUET_LOGICAL_ENUM, "ENUM", &nothing),
    MEMBER(LM_PARQUET_LOGICAL_DECIMAL, "DECIMAL", &decimal),
    MEMBER(LM_PARQUET_LOGICAL_DATE, "DATE", &nothing),
    MEMBER(LM_PARQUET_LOGICAL_TIME, "TIME", &time),
    MEMBER(LM_PARQUET_LOGICAL_TIMESTAMP, "TIMESTAMP", &timestamp),
    MEMBER(LM_PARQUET_LOGICAL_INTEGER, "INTEGER", &integer),
    MEMBER(LM_PARQUET_LOGICAL_UNKNOWN, "UNKNOWN", &nothing),
    MEMBER(LM_PARQUET_LOGICAL_JSON, "JSON", &nothing),
    MEMBER(LM_PARQUET_LOGICAL_BSON, "BSON", &nothing),
    MEMBER(LM_PARQUET_LOGICAL_UUID, "UUID", &nothing),
    MEMBER(LM_PARQUET_LOGICAL_FLOAT16, "FLOAT16", &nothing),
    MEMBER(LM_PARQUET_LOGICAL_VARIANT, "VARIANT", &variant),
    MEMBER(LM_PARQUET_LOGICAL_GEOMETRY, "GEOMETRY", &geometry),
    MEMBER(LM_PARQUET_LOGICAL_GEOGRAPHY, "GEOGRAPHY", &geography),
};
static TABLE(logical, "LogicalType", lm_logical_type, 0, 1);

static const lm_thrift_field lm_parquet_schema_element_table_fields[] = {
    OPTIONAL(1, lm_schema_element, I32, type),
    OPTIONAL(2, lm_schema_element, I32, type_length),
    OPTIONAL(3, lm_schema_element, I32, repetition_type),
    REQUIRED(4, lm_schema_element, BYTES, name),
    OPTIONAL(5, lm_schema_element, I32, num_children),
    OPTIONAL(6, lm_schema_element, I32, converted_type),
    OPTIONAL(7, lm_schema_element, I32, scale),
    OPTIONAL(8, lm_schema_element, I32, precision),
    OPTIONAL(9, lm_schema_element, I32, field_id),
    OPTIONAL_STRUCT(10, lm_schema_element, CHOICE, logical_type, &logical),
};
TABLE(lm_parquet_schema_element_table, "SchemaElement", lm_schema_element, BIT(4), 3);

/* Pages. */

static const lm_thrift_field data_page_fields[] = {
    REQUIRED(1, lm_data_page_header, I32, num_values),
    REQUIRED(2, lm_data_page_header, I32, encoding),
    REQUIRED(3, lm_data_page_header, I32, definition_level_encoding),
    REQUIRED(4, lm_data_page_header, I32, repetition_level_encoding),
    OPTIONAL_STRUCT(5, lm_data_page_header, STRUCT, statistics, &statistics),
};
static TABLE(data_page, "DataPageHeader", lm_data_page_header, BIT(1) | BIT(2) | BIT(3) | BIT(4),
             9);

static const lm_thrift_field index_page_fields[] = {{0}};
static TABLE(index_page, "IndexPageHeader", lm_index_page_header, 0, 1);

static const lm_thrift_field dictionary_page_fields[] = {
    REQUIRED(1, lm_dictionary_page_header, I32, num_values),
    REQUIRED(2, lm_dictionary_page_header, I32, encoding),
    OPTIONAL(3, lm_dictionary_page_header, BOOL, is_sorted),
};
static TABLE(dictionary_page, "DictionaryPageHeader", lm_dictionary_page_header, BIT(1) | BIT(2),
             5);

static const lm_thrift_field data_page_v2_fields[] = {
    REQUIRED(1, lm_data_page_header_v2, I32, num_values),
    REQUIRED(2, lm_data_page_header_v2, I32, num_nulls),
    REQUIRED(3, lm_data_page_header_v2, I32, num_rows),
    REQUIRED(4, lm_data_page_header_v2, I32, encoding),
    REQUIRED(5, lm_data_page_header_v2, I32, definition_levels_byte_length),
    REQUIRED(6, lm_data_page_header_v2, I32, repetition_levels_byte_length),
    OPTIONAL(7, lm_data_page_header_v2, BOOL, is_compressed),
    OPTIONAL_STRUCT(8, lm_data_page_header_v2, STRUCT, statistics, &statistics),
};
static TABLE(data_page_v2, "DataPageHeaderV2", lm_data_page_header_v2,
             BIT(1) | BIT(2) | BIT(3) | BIT(4) | BIT(5) | BIT(6), 13);

static const lm_thrift_field lm_parquet_page_header_table_fields[] = {
    REQUIRED(1, lm_page_header, I32, type),
    REQUIRED(2, lm_page_header, I32, uncompressed_page_size),
    REQUIRED(3, lm_page_header, I32, compressed_page_size),
    OPTIONAL(4, lm_page_header, I32, crc),
    OPTIONAL_STRUCT(5, lm_page_header, STRUCT, data_page_header, &data_page),
    OPTIONAL_STRUCT(6, lm_page_header, STRUCT, index_page_header, &index_page),
    OPTIONAL_STRUCT(7, lm_page_header, STRUCT, dictionary_page_header, &dictionary_page),
    OPTIONAL_STRUCT(8, lm_page_header, STRUCT, data_page_header_v2, &data_page_v2),
};
TABLE(lm_parquet_page_header_table, "PageHeader", lm_page_header, BIT(1) | BIT(2) | BIT(3), 7);

static const lm_thrift_field lm_parquet_bloom_header_table_fields[] = {
    REQUIRED(1, lm_bloom_filter_header, I32, num_bytes),
    REQUIRED(2, lm_bloom_filter_header, UNION, algorithm),
    REQUIRED(3, lm_bloom_filter_header, UNION, hash),
    REQUIRED(4, lm_bloom_filter_header, UNION, compression),
};
TABLE(lm_parquet_bloom_header_table, "BloomFilterHeader", lm_bloom_filter_header,
      BIT(1) | BIT(2) | BIT(3) | BIT(4), 9);

/* Column chunks and row groups. */

static const lm_thrift_field key_value_fields[] = {
    REQUIRED(1, lm_footer_key_value, BYTES, key),
    OPTIONAL(2, lm_footer_key_value, BYTES, value),
};
static TABLE(key_value, "KeyValue", lm_footer_key_value, BIT(1), 3);

static const lm_thrift_field sorting_column_fields[] = {
    REQUIRED(1, lm_sorting_column, I32, column_idx),
    REQUIRED(2, lm_sorting_column, BOOL, descending),
    REQUIRED(3, lm_sorting_column, BOOL, nulls_first),
};
static TABLE(sorting_column, "SortingColumn", lm_sorting_column, BIT(1) | BIT(2) | BIT(3), 5);

static const lm_thrift_field page_encoding_fields[] = {
    REQUIRED(1, lm_page_encoding_stats, I32, page_type),
    REQUIRED(2, lm_page_encoding_stats, I32, encoding),
    REQUIRED(3, lm_page_encoding_stats, I32, count),
};
static TABLE(page_encoding, "PageEncodingStats", lm_page_encoding_stats, BIT(1) | BIT(2) | BIT(3),
             7);

static const lm_thrift_field column_metadata_fields[] = {
    REQUIRED(1, lm_column_metadata, I32, type),
    REQUIRED_LIST(2, lm_column_metadata, I32, encodings, NULL),
    OPTIONAL_LIST(3, lm_column_metadata, BYTES, path_in_schema, NULL),
    REQUIRED(4, lm_column_metadata, I32, codec),
    REQUIRED(5, lm_column_metadata, I64, num_values),
    REQUIRED(6, lm_column_metadata, I64, total_uncompressed_size),
    REQUIRED(7, lm_column_metadata, I64, total_compressed_size),
    OPTIONAL_LIST(8, lm_column_metadata, STRUCT, key_value_metadata, &key_value),
    REQUIRED(9, lm_column_metadata, I64, data_page_offset),
    OPTIONAL(10, lm_column_metadata, I64, index_page_offset),
    OPTIONAL(11, lm_column_metadata, I64, dictionary_page_offset),
    OPTIONAL_STRUCT(12, lm_column_metadata, STRUCT, statistics, &statistics),
    OPTIONAL_LIST(13, lm_column_metadata, STRUCT, encoding_stats, &page_encoding),
    OPTIONAL(14, lm_column_metadata, I64, bloom_filter_offset),
    OPTIONAL(15, lm_column_metadata, I32, bloom_filter_length),
    OPTIONAL_STRUCT(16, lm_column_metadata, STRUCT, size_statistics, &size_statistics),
    OPTIONAL_STRUCT(17, lm_column_metadata, STRUCT, geospatial_statistics, &geospatial),
};
static TABLE(column_metadata, "ColumnMetaData", lm_column_metadata,
             BIT(1) | BIT(2) | BIT(4) | BIT(5) | BIT(6) | BIT(7) | BIT(9), 15);

static const lm_thrift_field column_key_fields[] = {
    REQUIRED_LIST(1, lm_column_crypto, BYTES, path_in_schema, NULL),
    OPTIONAL(2, lm_column_crypto, BYTES, key_metadata),
};
static TABLE(column_key, "EncryptionWithColumnKey", lm_column_crypto, BIT(1), 3);

static const lm_thrift_field column_crypto_fields[] = {
    MEMBER(1, "ENCRYPTION_WITH_FOOTER_KEY", &nothing),
    MEMBER(2, "ENCRYPTION_WITH_COLUMN_KEY", &column_key),
};
static TABLE(column_crypto, "ColumnCryptoMetaData", lm_column_crypto, 0, 1);

static const lm_thrift_field column_chunk_fields[] = {
    OPTIONAL(1, lm_column_chunk, BYTES, file_path),
    REQUIRED(2, lm_column_chunk, I64, file_offset),
    OPTIONAL_STRUCT(3, lm_column_chunk, STRUCT, meta_data, &column_metadata),
    OPTIONAL(4, lm_column_chunk, I64, offset_index_offset),
    OPTIONAL(5, lm_column_chunk, I32, offset_index_length),
    OPTIONAL(6, lm_column_chunk, I64, column_index_offset),
    OPTIONAL(7, lm_column_chunk, I32, column_index_length),
    OPTIONAL_STRUCT(8, lm_column_chunk, CHOICE, crypto_metadata, &column_crypto),
    OPTIONAL(9, lm_column_chunk, BYTES, encrypted_column_metadata),
};
static TABLE(column_chunk, "ColumnChunk", lm_column_chunk, BIT(2), 3);

static const lm_thrift_field lm_parquet_row_group_table_fields[] = {
    REQUIRED_LIST(1, lm_row_group, STRUCT, columns, &column_chunk),
    REQUIRED(2, lm_row_group, I64, total_byte_size),
    REQUIRED(3, lm_row_group, I64, num_rows),
    OPTIONAL_LIST(4, lm_row_group, STRUCT, sorting_columns, &sorting_column),
    OPTIONAL(5, lm_row_group, I64, file_offset),
    OPTIONAL(6, lm_row_group, I64, total_compressed_size),
    OPTIONAL(7, lm_row_group, I16, ordinal),
};
TABLE(lm_parquet_row_group_table, "RowGroup", lm_row_group, BIT(1) | BIT(2) | BIT(3), 7);

/* The page index. */

static const lm_thrift_field page_location_fields[] = {
    REQUIRED(1, lm_page_location, I64, offset),
    REQUIRED(2, lm_page_location, I32, compressed_page_size),
    REQUIRED(3, lm_page_location, I64, first_row_index),
};
static TABLE(page_location, "PageLocation", lm_page_location, BIT(1) | BIT(2) | BIT(3), 7);

static const lm_thrift_field lm_parquet_offset_index_table_fields[] = {
    REQUIRED_LIST(1, lm_offset_index, STRUCT, page_locations, &page_location),
    OPTIONAL_LIST(2, lm_offset_index, I64, unencoded_byte_array_data_bytes, NULL),
};
TABLE(lm_parquet_offset_index_table, "OffsetIndex", lm_offset_index, BIT(1), 3);

static const lm_thrift_field lm_parquet_column_index_table_fields[] = {
    REQUIRED_LIST(1, lm_column_index, BOOL, null_pages, NULL),
    REQUIRED_LIST(2, lm_column_index, BYTES, min_values, NULL),
    REQUIRED_LIST(3, lm_column_index, BYTES, max_values, NULL),
    REQUIRED(4, lm_column_index, I32, boundary_order),
    OPTIONAL_LIST(5, lm_column_index, I64, null_counts, NULL),
    OPTIONAL_LIST(6, lm_column_index, I64, repetition_level_histograms, NULL),
    OPTIONAL_LIST(7, lm_column_index, I64, definition_level_histograms, NULL),
    OPTIONAL_LIST(8, lm_column_index, I64, nan_counts, NULL),
};
TABLE(lm_parquet_column_index_table, "ColumnIndex", lm_column_index,
      BIT(1) | BIT(2) | BIT(3) | BIT(4), 9);

/* The file. */

static const lm_thrift_field aes_fields[] = {
    OPTIONAL(1, lm_encryption_algorithm, BYTES, aad_prefix),
    OPTIONAL(2, lm_encryption_algorithm, BYTES, aad_file_unique),
    OPTIONAL(3, lm_encryption_algorithm, BOOL, supply_aad_prefix),
};
static TABLE(aes, "AesGcmV1", lm_encryption_algorithm, 0, 1);

static const lm_thrift_field encryption_fields[] = {
    MEMBER(1, "AES_GCM_V1", &aes),
    MEMBER(2, "AES_GCM_CTR_V1", &aes),
};
static TABLE(encryption, "EncryptionAlgorithm", lm_encryption_algorithm, 0, 1);

static const lm_thrift_field lm_parquet_file_metadata_table_fields[] = {
    REQUIRED(1, lm_file_metadata, I32, version),
    REQUIRED_LIST(2, lm_file_metadata, STRUCT, schema, &lm_parquet_schema_element_table),
    REQUIRED(3, lm_file_metadata, I64, num_rows),
    REQUIRED_LIST(4, lm_file_metadata, STRUCT, row_groups, &lm_parquet_row_group_table),
    OPTIONAL_LIST(5, lm_file_metadata, STRUCT, key_value_metadata, &key_value),
    OPTIONAL(6, lm_file_metadata, BYTES, created_by),
    OPTIONAL_LIST(7, lm_file_metadata, UNION, column_orders, NULL),
    OPTIONAL_STRUCT(8, lm_file_metadata, CHOICE, encryption_algorithm, &encryption),
    OPTIONAL(9, lm_file_metadata, BYTES, footer_signing_key_metadata),
};
TABLE(lm_parquet_file_metadata_table, "FileMetaData", lm_file_metadata,
      BIT(1) | BIT(2) | BIT(3) | BIT(4), 9);

static const lm_thrift_field lm_parquet_file_crypto_table_fields[] = {
    REQUIRED_STRUCT(1, lm_file_crypto_metadata, CHOICE, encryption_algorithm, &encryption),
    OPTIONAL(2, lm_file_crypto_metadata, BYTES, key_metadata),
};
TABLE(lm_parquet_file_crypto_table, "FileCryptoMetaData", lm_file_crypto_metadata, BIT(1), 3);
