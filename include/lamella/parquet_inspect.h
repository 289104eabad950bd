/*
 * What a Parquet file tells of itself: footer, row groups, column chunks, pages, indexes, bloom
 * filters. Nothing is decompressed, and nothing is believed: numbers are as the file has them.
 *
 *     lm_parquet_file_info file = lm_parquet_inspect_file(reader);
 *     for (int64_t g = 0; g < file.row_groups; g++)
 *         for (int32_t c = 0; c < file.columns; c++)
 *             LM_TRY(lm_parquet_inspect_chunk(reader, g, c, &chunk, error));
 *
 * A column is a leaf of the schema, by its number. Bytes and names that are given belong to the
 * reader. Counts that a file may leave out are -1 then.
 */
#ifndef LAMELLA_PARQUET_INSPECT_H
#define LAMELLA_PARQUET_INSPECT_H

#include <lamella/parquet_read.h>

/* NULL `data` says that there are none. */
typedef struct lm_parquet_bytes {
    const void *data;
    size_t size;
} lm_parquet_bytes;

typedef struct lm_parquet_file_info {
    int32_t version;
    int64_t rows, row_groups;
    int32_t columns;
    uint64_t bytes, footer_bytes; /* the footer without its length and magic */
    lm_parquet_bytes created_by;
    size_t key_values;
} lm_parquet_file_info;

LM_API lm_parquet_file_info lm_parquet_inspect_file(const lm_parquet_reader *reader);
/* Entry `i` of the footer's key-value metadata; value.data is NULL where it has none. */
LM_API void lm_parquet_inspect_key_value(const lm_parquet_reader *reader, size_t i,
                                         lm_parquet_bytes *key, lm_parquet_bytes *value);

typedef struct lm_parquet_column_info {
    const char *physical;   /* "INT64"; "?": one that is not known */
    const char *repetition; /* "OPTIONAL"; "?" likewise */
    int32_t type_length;    /* of FIXED_LEN_BYTE_ARRAY; else 0 */
    int32_t definition_max, repetition_max;
    bool has_field_id;
    int32_t field_id;
    int32_t physical_number;
    const char *order; /* of its bounds: "TYPE_ORDER"; "?": one that is not known; NULL: not told */
} lm_parquet_column_info;

LM_API lm_parquet_column_info lm_parquet_inspect_column(const lm_parquet_reader *reader,
                                                        int32_t column);
/* Texts, cut to `size` and always terminated; the length of the whole is returned, as snprintf
 * does. The path has dots between Parquet's names. The type is the annotation with its parameters,
 * "TIMESTAMP(us, UTC)", and empty where there is none. */
LM_API size_t lm_parquet_column_path(const lm_parquet_reader *reader, int32_t column, char *text,
                                     size_t size);
LM_API size_t lm_parquet_column_type(const lm_parquet_reader *reader, int32_t column, char *text,
                                     size_t size);
/* The value of a statistic (bytes in its physical form) as its type reads: a date as a date, text
 * without quotes, binary in hexadecimal; bytes that cannot be such a value in hexadecimal too. */
LM_API size_t lm_parquet_value_text(const lm_parquet_reader *reader, int32_t column,
                                    lm_parquet_bytes value, char *text, size_t size);

typedef struct lm_parquet_row_group_info {
    int64_t rows;
    int64_t bytes;            /* uncompressed, as the footer says */
    int64_t compressed_bytes; /* the sum of its chunks */
    int64_t file_offset;      /* -1: not told */
    size_t sorting_columns;
} lm_parquet_row_group_info;

typedef struct lm_parquet_sorting_info {
    int32_t column;
    bool descending, nulls_first;
} lm_parquet_sorting_info;

LM_API lm_parquet_row_group_info lm_parquet_inspect_row_group(const lm_parquet_reader *reader,
                                                              int64_t row_group);
LM_API lm_parquet_sorting_info lm_parquet_inspect_sorting(const lm_parquet_reader *reader,
                                                          int64_t row_group, size_t i);

/* Of a chunk or a page. */
typedef struct lm_parquet_statistics_info {
    bool there;
    bool deprecated; /* min and max are the old fields, whose order is signed bytes or unknown */
    lm_parquet_bytes min, max;
    int min_exact, max_exact; /* 1, 0, or -1: not told */
    int64_t null_count, distinct_count, nan_count;
} lm_parquet_statistics_info;

#define LM_PARQUET_ENCODINGS_MAX 16

typedef struct lm_parquet_chunk_info {
    bool encrypted;    /* nothing else is known then */
    bool in_file;      /* false: its data lie in another file */
    const char *codec; /* NULL: a number that is not known */
    int32_t codec_number;
    int64_t values; /* entries, nulls and empty lists counted in */
    int64_t bytes, compressed_bytes;
    int64_t data_page_offset, dictionary_page_offset; /* -1: no dictionary */
    const char *encodings[LM_PARQUET_ENCODINGS_MAX];  /* those of data pages first; "?" is one that
                                                         is not known */
    size_t encoding_count;
    lm_parquet_statistics_info statistics;
    int64_t unencoded_bytes; /* of BYTE_ARRAY values, as the size statistics say */
    const int64_t *definition_histogram, *repetition_histogram;
    size_t definition_histogram_count, repetition_histogram_count;
    bool has_box; /* of geospatial statistics */
    double x_min, x_max, y_min, y_max;
    const int32_t *geospatial_types;
    size_t geospatial_type_count;
    size_t key_values;
    int64_t column_index_offset, offset_index_offset; /* -1: none */
    int64_t column_index_bytes, offset_index_bytes;
    int64_t bloom_offset; /* -1: no bloom filter */
    int64_t bloom_bytes;  /* of its bits; -1: its header cannot be read */
} lm_parquet_chunk_info;

/* Reads the header of the bloom filter, if there is one; all else is in the footer. Fails only
 * where the source does. */
LM_API LM_MUST_USE lm_status lm_parquet_inspect_chunk(const lm_parquet_reader *reader,
                                                      int64_t row_group, int32_t column,
                                                      lm_parquet_chunk_info *info, lm_error *error);

typedef struct lm_parquet_page_info {
    int64_t page;     /* from 0, the dictionary counted in */
    const char *kind; /* "DICTIONARY_PAGE", "DATA_PAGE", "DATA_PAGE_V2" */
    const char *encoding;
    uint64_t offset; /* of the header */
    size_t header_bytes, compressed_bytes, bytes;
    int64_t values, nulls, rows; /* nulls and rows: -1 where the header does not say */
    bool has_crc;
    uint32_t crc;
    lm_parquet_statistics_info statistics; /* of the header; where it has none, of the index */
    bool from_index;                       /* the statistics are the column index's */
    int64_t first_row;                     /* as the offset index says; -1: it does not */
} lm_parquet_page_info;

/* Gives each page of a chunk in turn; `page` lives for the call. Another status than LM_OK ends it
 * and is returned. */
typedef lm_status (*lm_parquet_page_callback)(void *context, const lm_parquet_page_info *page,
                                              lm_error *error);
LM_API LM_MUST_USE lm_status lm_parquet_inspect_pages(const lm_parquet_reader *reader,
                                                      int64_t row_group, int32_t column,
                                                      lm_parquet_page_callback callback,
                                                      void *context, lm_error *error);

#endif
