/* The tables of parquet.thrift's structs, for the files of metadata; see thrift.h. */
#ifndef LM_PARQUET_METADATA_TABLES_H
#define LM_PARQUET_METADATA_TABLES_H

#include "parquet/metadata.h"

extern const lm_thrift_struct lm_parquet_file_metadata_table;
extern const lm_thrift_struct lm_parquet_schema_element_table;
extern const lm_thrift_struct lm_parquet_row_group_table;
extern const lm_thrift_struct lm_parquet_file_crypto_table;
extern const lm_thrift_struct lm_parquet_page_header_table;
extern const lm_thrift_struct lm_parquet_column_index_table;
extern const lm_thrift_struct lm_parquet_offset_index_table;
extern const lm_thrift_struct lm_parquet_bloom_header_table;

#endif
