/*
 * Reading Parquet: bytes from a source, Arrow data out. Any file that exists in the wild, whatever
 * its bytes are: what is damaged is refused with a status, what is not supported is named with file
 * and column.
 *
 *     LM_TRY(lm_parquet_reader_open(source, NULL, &reader, error));      // takes the source
 *     LM_TRY(lm_parquet_read_stream(reader, NULL, &stream, error));      // an ArrowArrayStream
 *     lm_parquet_reader_close(reader);                                   // streams keep it alive
 */
#ifndef LAMELLA_PARQUET_READ_H
#define LAMELLA_PARQUET_READ_H

#include <lamella/arrow.h>
#include <lamella/base.h>
#include <lamella/expr.h>
#include <lamella/sink.h>
#include <lamella/source.h>

typedef struct lm_parquet_reader lm_parquet_reader;

/* All zero is the default of everything. */
typedef struct lm_parquet_reader_options {
    bool crc_check;          /* compare each page with its CRC, where it has one */
    bool without_row_groups; /* the schema and the number of rows only: nothing can be read */
    bool no_views;           /* read the source even where it could be looked at in place */
    size_t page_bytes_max;   /* of one page, uncompressed; larger ones are LM_LIMIT. 0: 1 GiB and
                                a sixteenth */
    const lm_allocator *allocator;
} lm_parquet_reader_options;

/* Takes the source, also on failure. Reads the footer: in one request where it fits into 64 KiB.
 * LM_CORRUPT for what is no Parquet file, LM_UNSUPPORTED for one whose footer is encrypted. */
LM_API LM_MUST_USE lm_status lm_parquet_reader_open(lm_source *take_source,
                                                    const lm_parquet_reader_options *options,
                                                    lm_parquet_reader **reader, lm_error *error);
/* Gives the reader back; streams that it made go on. Takes NULL. */
LM_API void lm_parquet_reader_close(lm_parquet_reader *reader);

/* What becomes of dictionaries. */
typedef enum lm_dictionaries {
    LM_DICTIONARIES_AS_WRITTEN = 0, /* dictionary columns of the Arrow schema that was written */
    LM_DICTIONARIES_KEEP = 1,       /* all text and binary columns as dictionaries too */
    LM_DICTIONARIES_DECODE = 2,     /* none */
} lm_dictionaries;

/* How much was read, and what was left unread. Rows that are passed over by pages count neither as
 * filtered nor as selected. */
typedef struct lm_parquet_read_counts {
    int64_t row_groups; /* looked at; and of those passed over whole, by which means: */
    int64_t row_groups_by_statistics, row_groups_by_bloom, row_groups_by_dictionary,
        row_groups_by_pages;
    int64_t rows;           /* of the row groups looked at */
    int64_t rows_by_values; /* passed over since no value of their page fits, without decoding it */
    int64_t rows_filtered;  /* whose columns of the filter were decoded */
    int64_t rows_selected;
    int64_t pages_read, bytes_read; /* dictionaries' too, as they lie in the file */
} lm_parquet_read_counts;

/* All zero reads everything. */
typedef struct lm_parquet_read_options {
    /* A column of a physical type or a repetition that is not known is an opaque one (Arrow's
     * extension arrow.opaque), and reading it LM_UNSUPPORTED: name the others. Lists of groups
     * without columns are no columns.
     *
     * Dotted paths of leaves or groups, with Parquet's names ("a.list.element.x") or Arrow's
     * ("a.element.x"); columns come in this order. NULL: all. */
    const char *const *columns;
    size_t column_count;
    const int64_t *row_groups; /* in this order; NULL: all */
    size_t row_group_count;
    int64_t row_first;       /* of the rows of those row groups, from 0 */
    int64_t row_count;       /* 0: all from there */
    int64_t batch_rows;      /* at most so many in a batch; 0: as they come */
    size_t memory_bytes_max; /* of rows decoded ahead of the reader; 0: 128 MiB. A batch that is
                                larger is decoded all the same, alone */
    int threads;             /* 0: LAMELLA_THREADS, else the CPUs of this process; 1: the caller */
    lm_dictionaries dictionaries;
    bool ignore_arrow_schema; /* types by the Parquet schema alone */
    bool utf8_unchecked;      /* text is handed on as it is, where it is not UTF-8 too */
    int int96_per_second;     /* units of INT96 times: 1000, 1000000; 0: as written, else ns. Of
                                 timestamps of 12 bytes too, where it is coarser than their own */
    const lm_cancel *cancel;
    /* Only the rows for which it is true (then row_first and row_count count those alone). Its
     * columns need not be among those asked for. */
    const lm_expr *filter;
    bool no_pruning;                /* the filter is held against every row; for tests */
    lm_parquet_read_counts *counts; /* kept up to date while the stream is read; may be NULL */
} lm_parquet_read_options;

/* The schema that a stream of these options has. */
LM_API LM_MUST_USE lm_status lm_parquet_reader_schema(lm_parquet_reader *reader,
                                                      const lm_parquet_read_options *options,
                                                      struct ArrowSchema *out, lm_error *error);
/* Options may be NULL, and are not needed afterwards, but for `counts` and `cancel`. The stream is
 * for one thread at a time, and keeps the reader. LM_SCHEMA for a filter that does not fit the
 * file's columns. */
LM_API LM_MUST_USE lm_status lm_parquet_read_stream(lm_parquet_reader *reader,
                                                    const lm_parquet_read_options *options,
                                                    struct ArrowArrayStream *out, lm_error *error);

/* Rows, by the row groups (by the footer alone without them), and row groups. */
LM_API int64_t lm_parquet_reader_rows(const lm_parquet_reader *reader);
LM_API int64_t lm_parquet_reader_row_groups(const lm_parquet_reader *reader);

#endif
