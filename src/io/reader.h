/*
 * One table that has been opened, of whatever format: what a scan (scan.c) is made of.
 *
 * A format that can be read has a row in formats.c. Formats that are read from the first byte to
 * the last give a function that makes a stream from a source or a feed (lm_forward_open), and
 * forward.c makes a reader of it; formats that have more to offer, as Parquet's footer, bring a
 * reader of their own.
 *
 * Invariants
 *  1. A stream does not need its reader, nor the request, once it is there (but for `cancel`).
 *  2. What a reader has not done of a request (`done`) is done after it, by the scan: so each
 *     format may leave out what it gains nothing by.
 */
#ifndef LM_IO_READER_H
#define LM_IO_READER_H

#include <lamella/scan.h>

#include "arrow/batch.h"
#include "store/store.h"

/* The bytes of a table: a source that may be read again, or a feed that is read once. */
typedef struct lm_input {
    const lm_allocator *allocator;
    lm_source *source; /* shared (shared_source.h); NULL: the feed */
    lm_feed feed;
    const char *name; /* for messages; lives as long as the reader */
} lm_input;

/* What of a table is wanted. */
typedef struct lm_read_request {
    const char *const *columns; /* NULL: all */
    size_t column_count;
    const lm_expr *filter; /* NULL: all rows. Only for readers that say that they filter */
    uint64_t offset, limit;
    bool limited;
    int64_t batch_rows;
    size_t memory_bytes_max;
    int threads;
    lm_dictionaries dictionaries;
    size_t page_bytes_max; /* of Parquet; 0: the reader's own */
    int int96_per_second;  /* of Parquet; 0: as written, else ns */
    bool without_rows;     /* no stream will be asked for */
    lm_schema *schema;     /* formats without types: the file's schema. NULL: as it is found */
    bool schema_found;     /* it was found in this very file: it has no other columns */
    lm_schema *types;      /* lm_scan_options; without `schema` only */
    const lm_csv_read_options *csv; /* how CSV is read; or NULL */
    lm_cancel *cancel;
} lm_read_request;

/* What a stream does already of what was asked for. */
enum {
    LM_READ_PROJECTED = 1 << 0, /* it has the columns, in their order */
    LM_READ_SLICED = 1 << 1,    /* offset and limit */
    LM_READ_BATCHED = 1 << 2,   /* batch_rows */
};

typedef struct lm_reader lm_reader;
typedef struct lm_reader_ops {
    /* The schema of these columns, by the format's own names for them. NULL: the scan chooses from
     * the whole schema. */
    lm_status (*project)(lm_reader *reader, const lm_read_request *request, lm_schema **schema,
                         lm_error *error);
    lm_status (*stream)(lm_reader *reader, const lm_read_request *request, unsigned *done,
                        lm_stream **stream, lm_error *error);
    /* How many rows there are, of those that the request's filter selects where the reader filters;
     * -1: not to be told without reading. May be NULL. */
    lm_status (*rows)(lm_reader *reader, const lm_read_request *request, int64_t *rows,
                      lm_error *error);
    void (*close)(lm_reader *reader);
} lm_reader_ops;

/* Embed as the first member. */
struct lm_reader {
    const lm_reader_ops *ops;
    bool filters;      /* streams have the rows that the request's filter selects, and no others */
    bool fits;         /* streams have the schema that the request gives */
    lm_schema *schema; /* a reference, given back by lm__reader_close */
};

void lm__reader_close(lm_reader *reader); /* takes NULL */

/* Makes a stream from the first byte on: of `source` (taken) or, where that is NULL, of `feed`
 * (taken). */
typedef lm_status lm_forward_open(const lm_allocator *allocator, lm_source *take_source,
                                  const lm_feed *take_feed, const lm_read_request *request,
                                  unsigned *done, lm_stream **stream, lm_error *error);
/* The rows of a source (taken), without reading them. */
typedef lm_status lm_forward_rows(const lm_allocator *allocator, lm_source *take_source,
                                  int64_t *rows, lm_error *error);
/* Takes the input, also on failure. */
typedef lm_status lm_reader_open(lm_input *take_input, const lm_read_request *request,
                                 lm_reader **reader, lm_error *error);

/* A format that is read. */
typedef struct lm_format_row {
    lm_format format;
    const char *name;
    const char *suffixes[4]; /* ends with NULL */
    bool packed;             /* .gz or .zst may come after them */
    const char *magic[4];    /* what its files begin with; ends with NULL. Goes before the suffix */
    lm_reader_open *open;    /* or NULL, and */
    lm_forward_open *forward;
    lm_forward_rows *rows; /* of `forward`; may be NULL */
} lm_format_row;

/* How a file's bytes are compressed as a whole, by its suffix. */
typedef enum lm_packing { LM_PACKING_NONE, LM_PACKING_GZIP, LM_PACKING_ZSTD } lm_packing;

/* *size gets that of the path without that suffix. */
lm_packing lm__path_packing(const char *path, size_t *size);
/* .tsv, also packed: tabs separate. */
bool lm__path_has_tabs(const char *path);

/* NULL for a format that is not read. */
const lm_format_row *lm__format_row(lm_format format);
#define LM_FORMAT_HEAD_BYTES 8
/* By the first bytes, else by the suffix of the path; else `{` is JSON lines. NULL where nothing
 * tells. */
const lm_format_row *lm__format_find(const void *head, size_t head_size, const char *path);
/* The formats' names, for messages: "parquet, arrow or arrows". */
#define LM_FORMAT_NAMES_MAX 96
const char *lm__format_names(char text[LM_FORMAT_NAMES_MAX]);

lm_reader_open lm__parquet_table_open;
lm_forward_open lm__ipc_table_open, lm__jsonl_table_open, lm__csv_table_open;

LM_MUST_USE lm_status lm__forward_reader_open(const lm_format_row *row, lm_input *take_input,
                                              const lm_read_request *request, lm_reader **reader,
                                              lm_error *error);

void lm__input_close(lm_input *input);

/* The table at `path` ("-": standard input), of the format (AUTO: as it is found). `seen` is what
 * it was looked at as, or NULL. */
LM_MUST_USE lm_status lm__table_open(const lm_allocator *allocator, lm_store *store,
                                     const char *path, const lm_store_stat *seen, lm_format format,
                                     const lm_read_request *request, const lm_format_row **row,
                                     lm_reader **reader, lm_error *error);
/* The same of a source, which is taken. */
LM_MUST_USE lm_status lm__table_open_source_take(const lm_allocator *allocator,
                                                 lm_source *take_source, lm_format format,
                                                 const lm_read_request *request,
                                                 const lm_format_row **row, lm_reader **reader,
                                                 lm_error *error);

#endif
