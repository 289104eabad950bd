/*
 * One table from what lies at a path: a file of any format that can be read, standard input, a
 * directory or a pattern for many files that are one table (docs/datasets.md).
 *
 *     LM_TRY(lm_scan_open("day.parquet", NULL, &scan, error));
 *     LM_TRY(lm_scan_stream(scan, &stream, error));   // an ArrowArrayStream, fresh for each call
 *     lm_scan_close(scan);                            // streams go on
 */
#ifndef LAMELLA_SCAN_H
#define LAMELLA_SCAN_H

#include <lamella/arrow.h>
#include <lamella/base.h>
#include <lamella/csv.h>
#include <lamella/expr.h>
#include <lamella/parquet_read.h>
#include <lamella/source.h>
#include <lamella/storage.h>

typedef enum lm_format {
    LM_FORMAT_AUTO = 0, /* of what is read by its first bytes, then by the path's suffix; of what
                           is written by the suffix */
    LM_FORMAT_PARQUET,
    LM_FORMAT_ARROW,        /* the IPC file */
    LM_FORMAT_ARROW_STREAM, /* the IPC stream */
    LM_FORMAT_JSONL,        /* JSON lines */
    LM_FORMAT_CSV,          /* .gz and .zst too */
    LM_FORMAT_XLSX,         /* written only */
} lm_format;

/* By suffix: .parquet, .pq; .arrow, .feather, .ipc; .arrows; .jsonl, .ndjson, .csv, .tsv, and these
 * four with .gz or .zst after them; .xlsx. LM_FORMAT_AUTO for any other. */
LM_API lm_format lm_format_of_path(const char *path);
/* "parquet", "arrow", "arrows", "jsonl", "csv", "xlsx"; "auto". */
LM_API const char *lm_format_name(lm_format format);

typedef struct lm_scan lm_scan;

/* All zero reads everything. What is pointed to is copied, or kept by a
 * reference, but for `cancel`, `csv`, and trace and
 * cancel of `storage`. */
typedef struct lm_scan_options {
    lm_format format;
    /* Dotted paths of columns or of what lies in them ("a", "a.item.x"), which come in this order.
     * NULL: all; none at all is a table of rows without columns. */
    const char *const *columns;
    size_t column_count;
    lm_expr *filter; /* only rows for which it is true; its columns need not be among the others */
    uint64_t offset; /* rows that are passed over, of those that the filter leaves */
    uint64_t limit;  /* the most rows, when `limited` */
    bool limited;
    int64_t batch_rows;      /* at most so many in a batch; 0: as they come */
    size_t memory_bytes_max; /* of rows decoded ahead of the reader; 0: 128 MiB */
    int threads;             /* 0: LAMELLA_THREADS, else the CPUs of this process; 1: the caller */
    lm_dictionaries dictionaries; /* Parquet only */
    size_t page_bytes_max; /* Parquet: of one page, decompressed; larger ones are LM_LIMIT. 0: 1 GiB
                              and a sixteenth */
    int int96_per_second;  /* Parquet: units of times of 96 bits, as in parquet_read.h */
    /* What the table shall be: formats without types (JSON lines) are read so, of others the
     * columns are made to fit, safely; columns that it has not are left out. NULL: as it is found.
     */
    lm_schema *schema;
    /* What columns of these names are read as where the format has no types (CSV, JSON lines), in
     * place of what would be found out. It asks for no column and leaves none out. NULL: none. */
    lm_schema *types;
    const lm_csv_read_options *csv; /* how CSV is read; NULL: all is found out */
    /* Schema and rows only, from footers alone: a large one is not read whole, and there is no
     * stream. */
    bool without_rows;
    /* Of a table (docs/tables.md): as it was at a version, or at a time, in milliseconds since
     * 1970-01-01 UTC. LM_INVALID for what is no table. */
    bool has_version, has_time;
    int64_t version, time_ms;
    lm_cancel *cancel;
    const lm_storage *storage; /* how a URL's store is reached; NULL: the defaults */
    const lm_allocator *allocator;
} lm_scan_options;

/* Opens what is at `path` ("-" is standard input, of which there is one stream only, unless it is a
 * file) and reads its schema. A directory stands for all files below it; so does a pattern with
 * `*`, `?`, `[…]` or `**` for those that fit it, unless it is a file's name. A directory with a
 * Delta log is a table: its rows are those that the log says. LM_INVALID for a column that is not
 * there, or where no format is known; LM_SCHEMA for a filter that does not fit.
 */
LM_API LM_MUST_USE lm_status lm_scan_open(const char *path, const lm_scan_options *options,
                                          lm_scan **scan, lm_error *error);
/* The same of bytes from a source, which is taken, also on failure. */
LM_API LM_MUST_USE lm_status lm_scan_open_source_take(lm_source *take_source,
                                                      const lm_scan_options *options,
                                                      lm_scan **scan, lm_error *error);
/* Gives the scan back; streams that it made go on. Takes NULL. */
LM_API void lm_scan_close(lm_scan *scan);

LM_API lm_format lm_scan_format(const lm_scan *scan);
/* The schema that the streams have. */
LM_API LM_MUST_USE lm_status lm_scan_schema(lm_scan *scan, struct ArrowSchema *out,
                                            lm_error *error);
/* The rows from the first on; each call begins anew. A stream is for one thread at a time. */
LM_API LM_MUST_USE lm_status lm_scan_stream(lm_scan *scan, struct ArrowArrayStream *out,
                                            lm_error *error);
/* How many rows a stream has: from footers alone where they tell it, else by reading. */
LM_API LM_MUST_USE lm_status lm_scan_rows(lm_scan *scan, uint64_t *rows, lm_error *error);

#endif
