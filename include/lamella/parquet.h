/*
 * Writing Parquet: Arrow data in, bytes to a sink. The writer knows nothing of files or stores;
 * give it the sink of a publication and the file appears whole at finish, or not at all.
 *
 *     lm_parquet_options options = lm_parquet_options_default();
 *     LM_TRY(lm_parquet_writer_open(sink, schema, &options, &writer, error));
 *     while (…) LM_TRY(lm_parquet_writer_write(writer, &batch, error));   // moves the batch
 *     LM_TRY(lm_parquet_writer_finish(writer, &result, error));
 *
 * A writer is sticky: after a failure only _abort does anything. It never finishes the sink: the
 * caller does, after lm_parquet_writer_finish said that the footer is written.
 */
#ifndef LAMELLA_PARQUET_H
#define LAMELLA_PARQUET_H

#include <lamella/arrow.h>
#include <lamella/base.h>
#include <lamella/codec.h>
#include <lamella/sink.h>

/* Parquet's own numbers; AUTO leaves the choice to the writer: a dictionary where it pays, else
 * PLAIN. */
typedef enum lm_encoding {
    LM_ENCODING_AUTO = -1,
    LM_ENCODING_PLAIN = 0,
    LM_ENCODING_PLAIN_DICTIONARY = 2, /* read only */
    LM_ENCODING_RLE = 3,              /* booleans */
    LM_ENCODING_BIT_PACKED = 4,       /* read only */
    LM_ENCODING_DELTA_BINARY_PACKED = 5,
    LM_ENCODING_DELTA_LENGTH_BYTE_ARRAY = 6,
    LM_ENCODING_DELTA_BYTE_ARRAY = 7,
    LM_ENCODING_RLE_DICTIONARY = 8,
    LM_ENCODING_BYTE_STREAM_SPLIT = 9,
} lm_encoding;

/* A choice that may be left to the file's options. */
typedef enum lm_choice {
    LM_CHOICE_DEFAULT = 0,
    LM_CHOICE_ON = 1,
    LM_CHOICE_OFF = 2,
} lm_choice;

/* What one column does otherwise than the file. `path` is dotted and names a leaf ("a.list.element"
 * as Parquet has it, or "a.item" as Arrow has it) or a group, and then holds for all the leaves
 * below. */
typedef struct lm_parquet_column_options {
    const char *path;
    lm_encoding encoding; /* LM_ENCODING_AUTO to leave it */
    bool codec_set;       /* codec and level below count */
    lm_codec codec;
    int32_t level;
    lm_choice dictionary;
    lm_choice statistics;     /* min and max; null counts are always there */
    lm_choice bloom;          /* off unless asked for */
    double bloom_false_share; /* share of false positives; 0 means 0.01 */
    int64_t bloom_distinct;   /* expected distinct values; 0: as counted, or the rows */
    int32_t field_id;         /* -1: none but the schema's own (PARQUET:field_id) */
} lm_parquet_column_options;

typedef struct lm_parquet_sorting {
    const char *path; /* a leaf */
    bool descending, nulls_first;
} lm_parquet_sorting;

typedef struct lm_parquet_key_value {
    const char *key, *value;
} lm_parquet_key_value;

typedef struct lm_parquet_options {
    lm_codec codec;
    int32_t level;
    bool dictionary;
    bool statistics; /* min and max in the chunk and, with page_index, for each page */
    bool page_index; /* column and offset index */
    bool size_statistics;
    bool page_crc;
    bool arrow_schema; /* keep Arrow's schema in the footer, so that types come back as they were */
    int data_page_version; /* 1 or 2 */
    int64_t row_group_rows_max;
    size_t row_group_bytes_max; /* of Arrow data; bounds the memory too */
    size_t page_bytes_max;      /* of encoded values, before compression */
    int64_t page_rows_max;
    size_t dictionary_bytes_max;
    size_t statistics_bytes_max; /* longer binary bounds are cut, and say so */
    bool utf8_check;             /* refuse text that is not UTF-8 */
    int threads; /* 0: LAMELLA_THREADS, else the CPUs of this process; 1: this thread alone */
    const lm_parquet_column_options *columns;
    size_t column_count;
    const lm_parquet_sorting *sorting;
    size_t sorting_count;
    const lm_parquet_key_value *metadata;
    size_t metadata_count;
    const char *created_by; /* NULL: "lamella version …" in the form that readers parse */
    const lm_cancel *cancel;
    const lm_allocator *allocator;
} lm_parquet_options;

LM_API lm_parquet_options lm_parquet_options_default(void);

typedef struct lm_parquet_writer lm_parquet_writer;

typedef struct lm_parquet_result {
    int64_t rows;
    int64_t row_groups;
    uint64_t bytes;        /* of the whole file */
    uint64_t footer_bytes; /* of the metadata at its end */
} lm_parquet_result;

/* Borrows `schema` for the call, and the sink until finish or abort. Nothing is written before the
 * first row group is full. */
LM_API LM_MUST_USE lm_status lm_parquet_writer_open(lm_sink *sink, const struct ArrowSchema *schema,
                                                    const lm_parquet_options *options,
                                                    lm_parquet_writer **writer, lm_error *error);
/* Takes the batch (also on failure): a struct array whose children are the columns. */
LM_API LM_MUST_USE lm_status lm_parquet_writer_write(lm_parquet_writer *writer,
                                                     struct ArrowArray *take_batch,
                                                     lm_error *error);
/* Writes what is left and the footer, and frees the writer; on failure too. `result` may be NULL.
 */
LM_API LM_MUST_USE lm_status lm_parquet_writer_finish(lm_parquet_writer *writer,
                                                      lm_parquet_result *result, lm_error *error);
/* Frees the writer; the sink is the caller's to abort. Takes NULL. */
LM_API void lm_parquet_writer_abort(lm_parquet_writer *writer);

/* A whole stream: opens, writes, finishes. Takes the stream, also on failure. */
LM_API LM_MUST_USE lm_status lm_parquet_write_stream(lm_sink *sink,
                                                     struct ArrowArrayStream *take_stream,
                                                     const lm_parquet_options *options,
                                                     lm_parquet_result *result, lm_error *error);

#endif
