/*
 * Footers, page headers and page indexes: the thrift by its tables, then what thrift alone does not
 * say (the schema's shape, lists of one length, headers that go with their type). metadata.h has
 * the invariants.
 */
#include "parquet/metadata.h"

#include <string.h>

#include "base/error.h"
#include "base/limits.h"
#include "parquet/metadata_tables.h"

/* Names of enum values. */

#define NAME_OF(names, number)                                                                     \
    ((number) >= 0 && (size_t)(number) < sizeof(names) / sizeof(names)[0] ? (names)[number] : NULL)

const char *lm__parquet_type_name(int32_t type)
{
    static const char *const names[] = {"BOOLEAN", "INT32",  "INT64",      "INT96",
                                        "FLOAT",   "DOUBLE", "BYTE_ARRAY", "FIXED_LEN_BYTE_ARRAY"};
    return NAME_OF(names, type);
}

const char *lm__parquet_converted_name(int32_t converted)
{
    static const char *const names[] = {
        "UTF8",
        "MAP",
        "MAP_KEY_VALUE",
        "LIST",
        "ENUM",
        "DECIMAL",
        "DATE",
        "TIME_MILLIS",
        "TIME_MICROS",
        "TIMESTAMP_MILLIS",
        "TIMESTAMP_MICROS",
        "UINT_8",
        "UINT_16",
        "UINT_32",
        "UINT_64",
        "INT_8",
        "INT_16",
        "INT_32",
        "INT_64",
        "JSON",
        "BSON",
        "INTERVAL",
    };
    return NAME_OF(names, converted);
}

const char *lm__parquet_repetition_name(int32_t repetition)
{
    static const char *const names[] = {"REQUIRED", "OPTIONAL", "REPEATED"};
    return NAME_OF(names, repetition);
}

const char *lm__parquet_encoding_name(int32_t encoding)
{
    static const char *const names[] = {
        "PLAIN",
        NULL,
        "PLAIN_DICTIONARY",
        "RLE",
        "BIT_PACKED",
        "DELTA_BINARY_PACKED",
        "DELTA_LENGTH_BYTE_ARRAY",
        "DELTA_BYTE_ARRAY",
        "RLE_DICTIONARY",
        "BYTE_STREAM_SPLIT",
        "ALP",
    };
    return NAME_OF(names, encoding);
}

bool lm__parquet_encoding_parse(const char *name, lm_encoding *encoding)
{
    static const lm_encoding written[] = {
        LM_ENCODING_PLAIN,
        LM_ENCODING_RLE,
        LM_ENCODING_RLE_DICTIONARY,
        LM_ENCODING_DELTA_BINARY_PACKED,
        LM_ENCODING_DELTA_LENGTH_BYTE_ARRAY,
        LM_ENCODING_DELTA_BYTE_ARRAY,
        LM_ENCODING_BYTE_STREAM_SPLIT,
    };
    for (size_t i = 0; i < sizeof written / sizeof *written; i++)
        if (strcmp(name, lm__parquet_encoding_name(written[i])) == 0) {
            *encoding = written[i];
            return true;
        }
    return false;
}

const char *lm__parquet_page_type_name(int32_t page_type)
{
    static const char *const names[] = {"DATA_PAGE", "INDEX_PAGE", "DICTIONARY_PAGE",
                                        "DATA_PAGE_V2"};
    return NAME_OF(names, page_type);
}

const char *lm__parquet_logical_name(int32_t logical)
{
    static const char *const names[] = {
        NULL,   "STRING",    "MAP",      "LIST",     "ENUM",      "DECIMAL", "DATE",
        "TIME", "TIMESTAMP", "INTERVAL", "INTEGER",  "UNKNOWN",   "JSON",    "BSON",
        "UUID", "FLOAT16",   "VARIANT",  "GEOMETRY", "GEOGRAPHY", "FILE",
    };
    return NAME_OF(names, logical);
}

const char *lm__parquet_order_name(int32_t column_order)
{
    static const char *const names[] = {NULL, "TYPE_ORDER", "IEEE_754_TOTAL_ORDER",
                                        "INT96_TIMESTAMP_ORDER"};
    return NAME_OF(names, column_order);
}

/* The footer. */

/* Walks the schema's elements, which stand depth first (README.md, "Metadata"), and counts the
 * leaves. `left[d]` is how many children of the group at depth d are still to come. */
static lm_status check_schema(const lm_file_metadata *file, size_t *leaves, lm_error *error)
{
    int64_t left[LM_PARQUET_DEPTH_MAX + 1];
    int depth = -1; /* of the innermost open group; the root's is 0 */
    *leaves = 0;
    if (file->schema.count == 0)
        return lm__error_set(error, LM_CORRUPT, "the schema has no elements");
    for (size_t i = 0; i < file->schema.count; i++) {
        const lm_schema_element *element = &file->schema.items[i];
        while (depth >= 0 && left[depth] == 0) depth--;
        if (i > 0 && depth < 0)
            return lm__error_set(error, LM_CORRUPT, "schema element %zu belongs to no group", i);
        if (depth >= 0) left[depth]--;
        int64_t children =
            LM_HAS(element, LM_SCHEMA_ELEMENT_NUM_CHILDREN) ? element->num_children : 0;
        if (children < 0 || (size_t)children > file->schema.count - i - 1)
            return lm__error_set(error, LM_CORRUPT, "schema element %zu has %lld children", i,
                                 (long long)children);
        if (i == 0 || children > 0 || !LM_HAS(element, LM_SCHEMA_ELEMENT_TYPE)) {
            if (depth == LM_PARQUET_DEPTH_MAX)
                return lm__error_set(error, LM_LIMIT, "the schema is deeper than %d",
                                     LM_PARQUET_DEPTH_MAX);
            left[++depth] = children;
        } else {
            ++*leaves;
        }
    }
    for (; depth >= 0; depth--)
        if (left[depth] != 0)
            return lm__error_set(error, LM_CORRUPT, "the schema ends before its groups do");
    return LM_OK;
}

static lm_status check_row_groups(const lm_file_metadata *file, size_t leaves, lm_error *error)
{
    for (size_t i = 0; i < file->row_groups.count; i++) {
        const lm_row_group *group = &file->row_groups.items[i];
        if (group->num_rows < 0)
            return lm__error_set(error, LM_CORRUPT, "row group %zu has %lld rows", i,
                                 (long long)group->num_rows);
        if (group->columns.count != leaves)
            return lm__error_set(error, LM_CORRUPT,
                                 "row group %zu has %zu columns where the schema has %zu", i,
                                 group->columns.count, leaves);
    }
    return LM_OK;
}

lm_status lm__footer_read(const void *footer, size_t size, const lm_footer_options *options,
                          lm_arena *arena, lm_file_metadata *out, lm_error *error)
{
    bool without = options && options->without_row_groups;
    size_t taken, leaves;
    if (size > LM_PARQUET_FOOTER_BYTES_MAX)
        return lm__error_set(error, LM_LIMIT, "the footer has %zu bytes; the limit is %zu", size,
                             LM_PARQUET_FOOTER_BYTES_MAX);
    LM_TRY(lm__thrift_read(&lm_parquet_file_metadata_table, footer, size, without ? LM_BIT(4) : 0,
                           arena, out, &taken, error));
    LM_TRY(check_schema(out, &leaves, error));
    if (out->num_rows < 0)
        return lm__error_set(error, LM_CORRUPT, "the file has %lld rows", (long long)out->num_rows);
    return check_row_groups(out, leaves, error);
}

lm_status lm__footer_write(const lm_file_metadata *in, lm_buffer *out)
{
    return lm__thrift_write(&lm_parquet_file_metadata_table, in, out);
}

#define ROW_GROUPS_ID 4 /* of FileMetaData */

lm_status lm__footer_write_head(const lm_file_metadata *in, size_t row_group_count, lm_buffer *out)
{
    return lm__thrift_write_before(&lm_parquet_file_metadata_table, in, ROW_GROUPS_ID,
                                   row_group_count, out);
}

lm_status lm__footer_write_row_group(const lm_row_group *in, lm_buffer *out)
{
    return lm__thrift_write(&lm_parquet_row_group_table, in, out);
}

lm_status lm__footer_write_rest(const lm_file_metadata *in, lm_buffer *out)
{
    return lm__thrift_write_after(&lm_parquet_file_metadata_table, in, ROW_GROUPS_ID, out);
}

lm_status lm__schema_element_write(const lm_schema_element *in, lm_buffer *out)
{
    return lm__thrift_write(&lm_parquet_schema_element_table, in, out);
}

lm_status lm__file_crypto_read(const void *source, size_t size, lm_arena *arena,
                               lm_file_crypto_metadata *out, size_t *taken, lm_error *error)
{
    return lm__thrift_read(&lm_parquet_file_crypto_table, source, size, 0, arena, out, taken,
                           error);
}

/* Page headers. */

static lm_status check_page_header(const lm_page_header *header, lm_error *error)
{
    const void *const headers[] = {
        [LM_PARQUET_DATA_PAGE] = header->data_page_header,
        [LM_PARQUET_INDEX_PAGE] = header, /* nobody needs its header */
        [LM_PARQUET_DICTIONARY_PAGE] = header->dictionary_page_header,
        [LM_PARQUET_DATA_PAGE_V2] = header->data_page_header_v2,
    };
    const lm_data_page_header_v2 *v2 = header->data_page_header_v2;
    if (header->type >= 0 && header->type <= LM_PARQUET_DATA_PAGE_V2 && !headers[header->type])
        return lm__error_set(error, LM_CORRUPT, "a page of type %s has no header of that type",
                             lm__parquet_page_type_name(header->type));
    if (header->uncompressed_page_size < 0 || header->compressed_page_size < 0)
        return lm__error_set(error, LM_CORRUPT, "a page has a negative size");
    if ((header->data_page_header && header->data_page_header->num_values < 0) ||
        (header->dictionary_page_header && header->dictionary_page_header->num_values < 0) ||
        (v2 && (v2->num_values < 0 || v2->num_nulls < 0 || v2->num_rows < 0 ||
                v2->num_nulls > v2->num_values)))
        return lm__error_set(error, LM_CORRUPT, "a page's counts cannot be right");
    if (v2 && (v2->definition_levels_byte_length < 0 || v2->repetition_levels_byte_length < 0))
        return lm__error_set(error, LM_CORRUPT, "a page's levels have a negative size");
    return LM_OK;
}

lm_status lm__page_header_read(const void *source, size_t size, lm_arena *arena,
                               lm_page_header *out, size_t *taken, lm_error *error)
{
    LM_TRY(
        lm__thrift_read(&lm_parquet_page_header_table, source, size, 0, arena, out, taken, error));
    lm_data_page_header_v2 *v2 = (lm_data_page_header_v2 *)out->data_page_header_v2;
    if (v2 && !LM_HAS(v2, LM_DATA_PAGE_HEADER_V2_IS_COMPRESSED)) v2->is_compressed = true;
    return check_page_header(out, error);
}

lm_status lm__page_header_write(const lm_page_header *in, lm_buffer *out)
{
    return lm__thrift_write(&lm_parquet_page_header_table, in, out);
}

/* The page index. */

static bool fits(lm_int64_list list, size_t pages) { return !list.items || list.count == pages; }

/* Histograms of all pages, end to end; an empty one counts as none. */
static bool is_multiple(lm_int64_list list, size_t pages)
{
    return list.count == 0 || (pages != 0 && list.count % pages == 0);
}

lm_status lm__column_index_read(const void *source, size_t size, lm_arena *arena,
                                lm_column_index *out, lm_error *error)
{
    size_t taken;
    LM_TRY(lm__thrift_read(&lm_parquet_column_index_table, source, size, 0, arena, out, &taken,
                           error));
    size_t pages = out->null_pages.count;
    if (out->min_values.count != pages || out->max_values.count != pages ||
        !fits(out->null_counts, pages) || !fits(out->nan_counts, pages) ||
        !is_multiple(out->repetition_level_histograms, pages) ||
        !is_multiple(out->definition_level_histograms, pages))
        return lm__error_set(error, LM_CORRUPT, "the lists of a column index differ in length");
    return LM_OK;
}

lm_status lm__column_index_write(const lm_column_index *in, lm_buffer *out)
{
    return lm__thrift_write(&lm_parquet_column_index_table, in, out);
}

lm_status lm__offset_index_read(const void *source, size_t size, lm_arena *arena,
                                lm_offset_index *out, lm_error *error)
{
    size_t taken;
    LM_TRY(lm__thrift_read(&lm_parquet_offset_index_table, source, size, 0, arena, out, &taken,
                           error));
    if (out->unencoded_byte_array_data_bytes.count != 0 &&
        out->unencoded_byte_array_data_bytes.count != out->page_locations.count)
        return lm__error_set(error, LM_CORRUPT, "the lists of an offset index differ in length");
    return LM_OK;
}

lm_status lm__offset_index_write(const lm_offset_index *in, lm_buffer *out)
{
    return lm__thrift_write(&lm_parquet_offset_index_table, in, out);
}

lm_status lm__bloom_filter_header_read(const void *source, size_t size, lm_bloom_filter_header *out,
                                       size_t *taken, lm_error *error)
{
    return lm__thrift_read(&lm_parquet_bloom_header_table, source, size, 0, NULL, out, taken,
                           error);
}

lm_status lm__bloom_filter_header_write(const lm_bloom_filter_header *in, lm_buffer *out)
{
    return lm__thrift_write(&lm_parquet_bloom_header_table, in, out);
}
