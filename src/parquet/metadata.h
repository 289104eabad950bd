/*
 * The structures of parquet.thrift (2.13.0 and master of 2026-08) as C structs, and their reading
 * and writing by the tables of metadata.c. Footers, page headers, page indexes and bloom filter
 * headers pass through here and nowhere else.
 *
 * thrift.h tells how fields lie in the structs. In short: `has` says which optional numbers are
 * there (LM_HAS), NULL says that anything else is absent. Enums are int32_t, so that a number from
 * a newer writer stays what it is. Field names are those of parquet.thrift.
 *
 * Invariants
 *  1. What _read gives is bounded by the source and by the limits (LM_PARQUET_…): columns, schema
 *     elements, depth. The numbers in it are as the file has them: offsets and sizes are for the
 *     reader to check against the file, enum values against what it knows.
 *  2. _write gives the same bytes for the same struct.
 *  3. A struct that was read and is written again gives the same bytes where the first writer kept
 *     rising field ids and wrote nothing that the tables do not know.
 *
 * On failure _read gives LM_CORRUPT (or LM_LIMIT, LM_NO_MEMORY), and `out` holds nothing of use.
 */
#ifndef LM_PARQUET_METADATA_H
#define LM_PARQUET_METADATA_H

#include <lamella/parquet.h>

#include "parquet/thrift.h"

/* Enums. The fields that hold them are int32_t. */
typedef enum lm_parquet_type {
    LM_PARQUET_BOOLEAN = 0,
    LM_PARQUET_INT32 = 1,
    LM_PARQUET_INT64 = 2,
    LM_PARQUET_INT96 = 3,
    LM_PARQUET_FLOAT = 4,
    LM_PARQUET_DOUBLE = 5,
    LM_PARQUET_BYTE_ARRAY = 6,
    LM_PARQUET_FIXED_LEN_BYTE_ARRAY = 7,
} lm_parquet_type;

typedef enum lm_parquet_converted {
    LM_PARQUET_CONVERTED_UTF8 = 0,
    LM_PARQUET_CONVERTED_MAP = 1,
    LM_PARQUET_CONVERTED_MAP_KEY_VALUE = 2,
    LM_PARQUET_CONVERTED_LIST = 3,
    LM_PARQUET_CONVERTED_ENUM = 4,
    LM_PARQUET_CONVERTED_DECIMAL = 5,
    LM_PARQUET_CONVERTED_DATE = 6,
    LM_PARQUET_CONVERTED_TIME_MILLIS = 7,
    LM_PARQUET_CONVERTED_TIME_MICROS = 8,
    LM_PARQUET_CONVERTED_TIMESTAMP_MILLIS = 9,
    LM_PARQUET_CONVERTED_TIMESTAMP_MICROS = 10,
    LM_PARQUET_CONVERTED_UINT_8 = 11,
    LM_PARQUET_CONVERTED_UINT_16 = 12,
    LM_PARQUET_CONVERTED_UINT_32 = 13,
    LM_PARQUET_CONVERTED_UINT_64 = 14,
    LM_PARQUET_CONVERTED_INT_8 = 15,
    LM_PARQUET_CONVERTED_INT_16 = 16,
    LM_PARQUET_CONVERTED_INT_32 = 17,
    LM_PARQUET_CONVERTED_INT_64 = 18,
    LM_PARQUET_CONVERTED_JSON = 19,
    LM_PARQUET_CONVERTED_BSON = 20,
    LM_PARQUET_CONVERTED_INTERVAL = 21,
} lm_parquet_converted;

typedef enum lm_parquet_repetition {
    LM_PARQUET_REQUIRED = 0,
    LM_PARQUET_OPTIONAL = 1,
    LM_PARQUET_REPEATED = 2,
} lm_parquet_repetition;

typedef enum lm_parquet_encoding {
    LM_PARQUET_PLAIN = 0,
    LM_PARQUET_PLAIN_DICTIONARY = 2,
    LM_PARQUET_RLE = 3,
    LM_PARQUET_BIT_PACKED = 4,
    LM_PARQUET_DELTA_BINARY_PACKED = 5,
    LM_PARQUET_DELTA_LENGTH_BYTE_ARRAY = 6,
    LM_PARQUET_DELTA_BYTE_ARRAY = 7,
    LM_PARQUET_RLE_DICTIONARY = 8,
    LM_PARQUET_BYTE_STREAM_SPLIT = 9,
    LM_PARQUET_ALP = 10, /* preview */
} lm_parquet_encoding;

typedef enum lm_parquet_page_type {
    LM_PARQUET_DATA_PAGE = 0,
    LM_PARQUET_INDEX_PAGE = 1,
    LM_PARQUET_DICTIONARY_PAGE = 2,
    LM_PARQUET_DATA_PAGE_V2 = 3,
} lm_parquet_page_type;

typedef enum lm_parquet_boundary_order {
    LM_PARQUET_UNORDERED = 0,
    LM_PARQUET_ASCENDING = 1,
    LM_PARQUET_DESCENDING = 2,
} lm_parquet_boundary_order;

/* Members of the union LogicalType. */
typedef enum lm_parquet_logical {
    LM_PARQUET_LOGICAL_NONE = 0,
    LM_PARQUET_LOGICAL_STRING = 1,
    LM_PARQUET_LOGICAL_MAP = 2,
    LM_PARQUET_LOGICAL_LIST = 3,
    LM_PARQUET_LOGICAL_ENUM = 4,
    LM_PARQUET_LOGICAL_DECIMAL = 5,
    LM_PARQUET_LOGICAL_DATE = 6,
    LM_PARQUET_LOGICAL_TIME = 7,
    LM_PARQUET_LOGICAL_TIMESTAMP = 8,
    LM_PARQUET_LOGICAL_INTERVAL = 9, /* reserved */
    LM_PARQUET_LOGICAL_INTEGER = 10,
    LM_PARQUET_LOGICAL_UNKNOWN = 11, /* the null type */
    LM_PARQUET_LOGICAL_JSON = 12,
    LM_PARQUET_LOGICAL_BSON = 13,
    LM_PARQUET_LOGICAL_UUID = 14,
    LM_PARQUET_LOGICAL_FLOAT16 = 15,
    LM_PARQUET_LOGICAL_VARIANT = 16,
    LM_PARQUET_LOGICAL_GEOMETRY = 17,
    LM_PARQUET_LOGICAL_GEOGRAPHY = 18,
    LM_PARQUET_LOGICAL_FILE = 19, /* master after 2.13.0; its contents are kept, not known */
} lm_parquet_logical;

typedef enum lm_parquet_time_unit {
    LM_PARQUET_MILLIS = 1,
    LM_PARQUET_MICROS = 2,
    LM_PARQUET_NANOS = 3,
} lm_parquet_time_unit;

typedef enum lm_parquet_column_order {
    LM_PARQUET_TYPE_ORDER = 1,
    LM_PARQUET_IEEE_754_TOTAL_ORDER = 2,
    LM_PARQUET_INT96_TIMESTAMP_ORDER = 3,
} lm_parquet_column_order;

typedef enum lm_parquet_edges {
    LM_PARQUET_SPHERICAL = 0,
    LM_PARQUET_VINCENTY = 1,
    LM_PARQUET_THOMAS = 2,
    LM_PARQUET_ANDOYER = 3,
    LM_PARQUET_KARNEY = 4,
} lm_parquet_edges;

/* Whether an optional number is there: LM_HAS(statistics, LM_STATISTICS_NULL_COUNT). Bit i is field
 * i of the thrift struct. */
#define LM_BIT(id) ((uint32_t)1 << (id))
#define LM_HAS(structure, bit) (((structure)->has & (bit)) != 0)

/* Name and text of enum values, for messages and inspect; NULL for numbers that are none. */
const char *lm__parquet_type_name(int32_t type);
const char *lm__parquet_converted_name(int32_t converted);
const char *lm__parquet_repetition_name(int32_t repetition);
const char *lm__parquet_encoding_name(int32_t encoding);
/* Of those that can be asked for; false for any other name. */
bool lm__parquet_encoding_parse(const char *name, lm_encoding *encoding);
const char *lm__parquet_page_type_name(int32_t page_type);
const char *lm__parquet_logical_name(int32_t logical);
const char *lm__parquet_order_name(int32_t column_order);

/* Lists. */
typedef struct lm_int32_list {
    const int32_t *items;
    size_t count;
} lm_int32_list;

typedef struct lm_int64_list {
    const int64_t *items;
    size_t count;
} lm_int64_list;

typedef struct lm_bool_list {
    const bool *items;
    size_t count;
} lm_bool_list;

typedef struct lm_bytes_list {
    const lm_bytes *items;
    size_t count;
} lm_bytes_list;

typedef struct lm_size_statistics {
    uint32_t has;
    int64_t unencoded_byte_array_data_bytes;
    lm_int64_list repetition_level_histogram;
    lm_int64_list definition_level_histogram;
} lm_size_statistics;
enum { LM_SIZE_STATISTICS_UNENCODED_BYTES = LM_BIT(1) };

typedef struct lm_bounding_box {
    uint32_t has;
    double xmin, xmax, ymin, ymax, zmin, zmax, mmin, mmax;
} lm_bounding_box;
enum {
    LM_BOUNDING_BOX_ZMIN = LM_BIT(5),
    LM_BOUNDING_BOX_ZMAX = LM_BIT(6),
    LM_BOUNDING_BOX_MMIN = LM_BIT(7),
    LM_BOUNDING_BOX_MMAX = LM_BIT(8),
};

typedef struct lm_geospatial_statistics {
    uint32_t has;
    const lm_bounding_box *bbox;
    lm_int32_list geospatial_types;
} lm_geospatial_statistics;

typedef struct lm_statistics {
    uint32_t has;
    bool is_max_value_exact, is_min_value_exact;
    lm_bytes max, min; /* deprecated: signed comparison */
    int64_t null_count;
    int64_t distinct_count;
    lm_bytes max_value, min_value;
    int64_t nan_count;
} lm_statistics;
enum {
    LM_STATISTICS_NULL_COUNT = LM_BIT(3),
    LM_STATISTICS_DISTINCT_COUNT = LM_BIT(4),
    LM_STATISTICS_MAX_EXACT = LM_BIT(7),
    LM_STATISTICS_MIN_EXACT = LM_BIT(8),
    LM_STATISTICS_NAN_COUNT = LM_BIT(9),
};

/* The union LogicalType: choice.member says which (lm_parquet_logical), and which fields count. */
typedef struct lm_logical_type {
    lm_thrift_choice choice;
    int32_t scale, precision;     /* DECIMAL */
    bool is_adjusted_to_utc;      /* TIME, TIMESTAMP */
    bool is_signed;               /* INTEGER */
    int8_t bit_width;             /* INTEGER */
    int8_t specification_version; /* VARIANT, optional */
    int32_t unit;                 /* TIME, TIMESTAMP: lm_parquet_time_unit */
    lm_bytes crs;                 /* GEOMETRY, GEOGRAPHY, optional */
    int32_t algorithm;            /* GEOGRAPHY, optional: lm_parquet_edges */
} lm_logical_type;
enum {
    LM_LOGICAL_TYPE_VARIANT_VERSION = LM_BIT(1),
    LM_LOGICAL_TYPE_ALGORITHM = LM_BIT(2),
};

typedef struct lm_schema_element {
    uint32_t has;
    int32_t type;
    int32_t type_length;
    int32_t repetition_type;
    lm_bytes name;
    int32_t num_children;
    int32_t converted_type;
    int32_t scale, precision;
    int32_t field_id;
    const lm_logical_type *logical_type;
} lm_schema_element;
enum {
    LM_SCHEMA_ELEMENT_TYPE = LM_BIT(1),
    LM_SCHEMA_ELEMENT_TYPE_LENGTH = LM_BIT(2),
    LM_SCHEMA_ELEMENT_REPETITION = LM_BIT(3),
    LM_SCHEMA_ELEMENT_NUM_CHILDREN = LM_BIT(5),
    LM_SCHEMA_ELEMENT_CONVERTED = LM_BIT(6),
    LM_SCHEMA_ELEMENT_SCALE = LM_BIT(7),
    LM_SCHEMA_ELEMENT_PRECISION = LM_BIT(8),
    LM_SCHEMA_ELEMENT_FIELD_ID = LM_BIT(9),
};

typedef struct lm_footer_key_value {
    uint32_t has;
    lm_bytes key;
    lm_bytes value; /* optional */
} lm_footer_key_value;

typedef struct lm_footer_key_value_list {
    const lm_footer_key_value *items;
    size_t count;
} lm_footer_key_value_list;

typedef struct lm_sorting_column {
    uint32_t has;
    int32_t column_idx;
    bool descending;
    bool nulls_first;
} lm_sorting_column;

typedef struct lm_page_encoding_stats {
    uint32_t has;
    int32_t page_type;
    int32_t encoding;
    int32_t count;
} lm_page_encoding_stats;

typedef struct lm_column_metadata {
    uint32_t has;
    int32_t type;
    lm_int32_list encodings;
    lm_bytes_list path_in_schema; /* optional by now, and never needed: columns go by place */
    int32_t codec;
    int32_t bloom_filter_length;
    int64_t num_values;
    int64_t total_uncompressed_size;
    int64_t total_compressed_size;
    lm_footer_key_value_list key_value_metadata;
    int64_t data_page_offset;
    int64_t index_page_offset;
    int64_t dictionary_page_offset;
    const lm_statistics *statistics;
    struct {
        const lm_page_encoding_stats *items;
        size_t count;
    } encoding_stats;
    int64_t bloom_filter_offset;
    const lm_size_statistics *size_statistics;
    const lm_geospatial_statistics *geospatial_statistics;
} lm_column_metadata;
enum {
    LM_COLUMN_METADATA_INDEX_PAGE_OFFSET = LM_BIT(10),
    LM_COLUMN_METADATA_DICTIONARY_PAGE_OFFSET = LM_BIT(11),
    LM_COLUMN_METADATA_BLOOM_FILTER_OFFSET = LM_BIT(14),
    LM_COLUMN_METADATA_BLOOM_FILTER_LENGTH = LM_BIT(15),
};

/* The union ColumnCryptoMetaData. */
typedef struct lm_column_crypto {
    lm_thrift_choice choice; /* 1: with the footer's key, 2: with the column's */
    lm_bytes_list path_in_schema;
    lm_bytes key_metadata;
} lm_column_crypto;

typedef struct lm_column_chunk {
    uint32_t has;
    int32_t offset_index_length;
    int32_t column_index_length;
    lm_bytes file_path; /* optional */
    int64_t file_offset;
    const lm_column_metadata *meta_data; /* optional, yet every writer writes it */
    int64_t offset_index_offset;
    int64_t column_index_offset;
    const lm_column_crypto *crypto_metadata;
    lm_bytes encrypted_column_metadata;
} lm_column_chunk;
enum {
    LM_COLUMN_CHUNK_OFFSET_INDEX_OFFSET = LM_BIT(4),
    LM_COLUMN_CHUNK_OFFSET_INDEX_LENGTH = LM_BIT(5),
    LM_COLUMN_CHUNK_COLUMN_INDEX_OFFSET = LM_BIT(6),
    LM_COLUMN_CHUNK_COLUMN_INDEX_LENGTH = LM_BIT(7),
};

typedef struct lm_row_group {
    uint32_t has;
    int16_t ordinal;
    struct {
        const lm_column_chunk *items;
        size_t count;
    } columns;
    int64_t total_byte_size;
    int64_t num_rows;
    struct {
        const lm_sorting_column *items;
        size_t count;
    } sorting_columns;
    int64_t file_offset;
    int64_t total_compressed_size;
} lm_row_group;
enum {
    LM_ROW_GROUP_FILE_OFFSET = LM_BIT(5),
    LM_ROW_GROUP_TOTAL_COMPRESSED_SIZE = LM_BIT(6),
    LM_ROW_GROUP_ORDINAL = LM_BIT(7),
};

/* The union EncryptionAlgorithm: 1 AES_GCM_V1, 2 AES_GCM_CTR_V1. */
typedef struct lm_encryption_algorithm {
    lm_thrift_choice choice;
    lm_bytes aad_prefix, aad_file_unique;
    bool supply_aad_prefix;
} lm_encryption_algorithm;
enum { LM_ENCRYPTION_ALGORITHM_SUPPLY_AAD_PREFIX = LM_BIT(3) };

typedef struct lm_file_metadata {
    uint32_t has;
    int32_t version;
    struct {
        const lm_schema_element *items;
        size_t count;
    } schema;
    int64_t num_rows;
    struct {
        const lm_row_group *items;
        size_t count;
    } row_groups;
    lm_footer_key_value_list key_value_metadata;
    lm_bytes created_by;
    lm_int32_list column_orders; /* members of the union ColumnOrder */
    const lm_encryption_algorithm *encryption_algorithm;
    lm_bytes footer_signing_key_metadata;
} lm_file_metadata;

typedef struct lm_file_crypto_metadata {
    uint32_t has;
    lm_encryption_algorithm encryption_algorithm;
    lm_bytes key_metadata;
} lm_file_crypto_metadata;

typedef struct lm_data_page_header {
    uint32_t has;
    int32_t num_values;
    int32_t encoding;
    int32_t definition_level_encoding;
    int32_t repetition_level_encoding;
    const lm_statistics *statistics;
} lm_data_page_header;

typedef struct lm_index_page_header {
    uint32_t has;
} lm_index_page_header;

typedef struct lm_dictionary_page_header {
    uint32_t has;
    int32_t num_values;
    int32_t encoding;
    bool is_sorted;
} lm_dictionary_page_header;
enum { LM_DICTIONARY_PAGE_HEADER_IS_SORTED = LM_BIT(3) };

typedef struct lm_data_page_header_v2 {
    uint32_t has;
    int32_t num_values;
    int32_t num_nulls;
    int32_t num_rows;
    int32_t encoding;
    int32_t definition_levels_byte_length;
    int32_t repetition_levels_byte_length;
    bool is_compressed; /* true when absent */
    const lm_statistics *statistics;
} lm_data_page_header_v2;
enum { LM_DATA_PAGE_HEADER_V2_IS_COMPRESSED = LM_BIT(7) };

typedef struct lm_page_header {
    uint32_t has;
    int32_t type;
    int32_t uncompressed_page_size;
    int32_t compressed_page_size;
    int32_t crc;
    const lm_data_page_header *data_page_header;
    const lm_index_page_header *index_page_header;
    const lm_dictionary_page_header *dictionary_page_header;
    const lm_data_page_header_v2 *data_page_header_v2;
} lm_page_header;
enum { LM_PAGE_HEADER_CRC = LM_BIT(4) };

typedef struct lm_page_location {
    uint32_t has;
    int32_t compressed_page_size;
    int64_t offset;
    int64_t first_row_index;
} lm_page_location;

typedef struct lm_offset_index {
    uint32_t has;
    struct {
        const lm_page_location *items;
        size_t count;
    } page_locations;
    lm_int64_list unencoded_byte_array_data_bytes;
} lm_offset_index;

typedef struct lm_column_index {
    uint32_t has;
    int32_t boundary_order;
    lm_bool_list null_pages;
    lm_bytes_list min_values, max_values;
    lm_int64_list null_counts;
    lm_int64_list repetition_level_histograms;
    lm_int64_list definition_level_histograms;
    lm_int64_list nan_counts;
} lm_column_index;

typedef struct lm_bloom_filter_header {
    uint32_t has;
    int32_t num_bytes;
    int32_t algorithm;   /* 1: BLOCK */
    int32_t hash;        /* 1: XXHASH */
    int32_t compression; /* 1: UNCOMPRESSED */
} lm_bloom_filter_header;

/* What of a footer is wanted; zeroes want all of it. */
typedef struct lm_footer_options {
    bool without_row_groups; /* row_groups stays absent: for the schema and the number of rows */
} lm_footer_options;

/* Reads FileMetaData from the start of footer[0, size); what follows it (a signature, say) is not
 * looked at. The footer must live as long as `out`. Past the thrift the schema's shape is checked
 * too: a root, children that add up, a depth of at most LM_PARQUET_DEPTH_MAX, as many columns in
 * each row group as the schema has leaves. A group without children is a group when it has no
 * type. */
LM_MUST_USE lm_status lm__footer_read(const void *footer, size_t size,
                                      const lm_footer_options *options, lm_arena *arena,
                                      lm_file_metadata *out, lm_error *error);
LM_MUST_USE lm_status lm__footer_write(const lm_file_metadata *in, lm_buffer *out);
/* The same without having all row groups at once (in->row_groups is not looked at): the head, then
 * row_group_count times a row group, then the rest. */
LM_MUST_USE lm_status lm__footer_write_head(const lm_file_metadata *in, size_t row_group_count,
                                            lm_buffer *out);
LM_MUST_USE lm_status lm__footer_write_row_group(const lm_row_group *in, lm_buffer *out);
LM_MUST_USE lm_status lm__footer_write_rest(const lm_file_metadata *in, lm_buffer *out);
/* One element of the schema, as the footer would have it. */
LM_MUST_USE lm_status lm__schema_element_write(const lm_schema_element *in, lm_buffer *out);

/* The encryption's own structure at the start of an encrypted footer ("PARE" files). */
LM_MUST_USE lm_status lm__file_crypto_read(const void *source, size_t size, lm_arena *arena,
                                           lm_file_crypto_metadata *out, size_t *taken,
                                           lm_error *error);

/* Reads the page header at the start of source[0, size); `taken` is its length. LM_CORRUPT also
 * when the header that its type promises is absent or a size is negative. When size is too small to
 * hold the whole header the status is LM_CORRUPT too and *taken is SIZE_MAX: more bytes may help,
 * up to LM_PARQUET_PAGE_HEADER_BYTES_MAX. */
LM_MUST_USE lm_status lm__page_header_read(const void *source, size_t size, lm_arena *arena,
                                           lm_page_header *out, size_t *taken, lm_error *error);
LM_MUST_USE lm_status lm__page_header_write(const lm_page_header *in, lm_buffer *out);

/* The lists of a column index are checked to be of one length, those of levels a multiple of it. */
LM_MUST_USE lm_status lm__column_index_read(const void *source, size_t size, lm_arena *arena,
                                            lm_column_index *out, lm_error *error);
LM_MUST_USE lm_status lm__column_index_write(const lm_column_index *in, lm_buffer *out);
LM_MUST_USE lm_status lm__offset_index_read(const void *source, size_t size, lm_arena *arena,
                                            lm_offset_index *out, lm_error *error);
LM_MUST_USE lm_status lm__offset_index_write(const lm_offset_index *in, lm_buffer *out);

LM_MUST_USE lm_status lm__bloom_filter_header_read(const void *source, size_t size,
                                                   lm_bloom_filter_header *out, size_t *taken,
                                                   lm_error *error);
LM_MUST_USE lm_status lm__bloom_filter_header_write(const lm_bloom_filter_header *in,
                                                    lm_buffer *out);

#endif
