/*
 * An open Parquet file: its source, its footer, its schema. Shared by the reader's user and the
 * streams that it made; nothing in it changes once it is open.
 */
#ifndef LM_PARQUET_READER_H
#define LM_PARQUET_READER_H

#include <lamella/parquet_read.h>

#include "parquet/read_pages.h"

struct lm_parquet_reader {
    atomic_size_t references;
    const lm_allocator *allocator;
    lm_source *source; /* for the columns; `owned`, or a mask of it without views */
    lm_source *owned;
    lm_source masked;
    lm_arena arena;
    uint8_t *tail; /* the bytes that the footer lies in; NULL when they are a view */
    lm_file_metadata metadata;
    lm_read_schema schema;
    lm_read_limits limits;
    int64_t rows;
    const uint8_t *footer; /* its bytes, */
    size_t footer_bytes;   /* without length and magic */
    lm_writer_oddities oddities;
    bool without_row_groups;
};

lm_parquet_reader *lm__parquet_reader_ref(lm_parquet_reader *reader);

/* The chunk of a leaf in a row group, once it is sure that it can be read: LM_UNSUPPORTED for
 * encrypted ones and for those in other files. Errors name the column. */
LM_MUST_USE lm_status lm__reader_chunk(const lm_parquet_reader *reader, size_t row_group,
                                       const lm_read_node *leaf,
                                       const lm_column_metadata **metadata, lm_error *error);

/* Puts the file's name, and the row group where it is not SIZE_MAX, before an error. */
lm_status lm__reader_within(const lm_parquet_reader *reader, size_t row_group, lm_status status,
                            lm_error *error);

#endif
