/*
 * Whole tables from one place to another: a source that can be read, a format, and a publication.
 * What is published appears whole at its path, or not at all.
 */
#ifndef LAMELLA_IO_H
#define LAMELLA_IO_H

#include <lamella/csv.h>
#include <lamella/parquet.h>
#include <lamella/publish.h>
#include <lamella/scan.h>
#include <lamella/xlsx.h>

typedef struct lm_put_options {
    lm_format to;                       /* AUTO: by the destination's suffix */
    lm_schema *schema;                  /* NULL: as it comes */
    lm_cast_options cast;               /* how it is made to fit `schema` */
    const lm_scan_options *scan;        /* lm_put: what of the source is read. NULL: all of it */
    const lm_parquet_options *parquet;  /* NULL: the defaults */
    const lm_csv_write_options *csv;    /* NULL: the defaults */
    const lm_xlsx_options *xlsx;        /* NULL: the defaults */
    const lm_xlsx_sheet_options *sheet; /* of XLSX; NULL: the defaults */
    const lm_file_options *file;        /* NULL: the defaults */
    /* What must hold of the rows, or the destination stays as it was (LM_DATA):
     * docs/expectations.md. Not of workbooks. */
    const char *const *expectations;
    size_t expectation_count;
    /* Told after each batch: the rows so far, and the bytes of Arrow data that they took. May be
     * NULL. */
    void (*progress)(void *context, uint64_t rows, uint64_t bytes);
    void *context;
    /* Where the bytes go, in place of a file: nothing is published then, the path is a name for
     * messages, `to` is needed, and expectations are refused. It is not finished. NULL: a file. */
    lm_sink *sink;
} lm_put_options;

typedef struct lm_put_result {
    uint64_t rows, row_groups;              /* row_groups: Parquet only */
    uint64_t footer_bytes;                  /* Parquet only */
    char schema_hash[LM_SCHEMA_HASH_BYTES]; /* "sha256:…" of the canonical schema text */
    lm_file_result file;
} lm_put_result;

/* Publishes a stream of rows at `path`. Takes the stream, also on failure. `result` may be NULL. */
LM_API LM_MUST_USE lm_status lm_put_stream_take(const char *path,
                                                struct ArrowArrayStream *take_stream,
                                                const lm_put_options *options,
                                                lm_put_result *result, lm_error *error);

/* A sheet of a workbook: the table at `source`, or a stream. */
typedef struct lm_put_sheet {
    const char *source; /* as of lm_put; NULL: the stream */
    struct ArrowArrayStream *take_stream;
    const lm_xlsx_sheet_options *options; /* NULL: the defaults; names must differ */
} lm_put_sheet;

/* Publishes a workbook of these sheets at `path`. All sources are opened before anything is
 * written; `scan` is for each of them. A schema is for one sheet only. Takes the streams, also on
 * failure. result->rows is the sum, and the schema hash that of the first sheet. */
LM_API LM_MUST_USE lm_status lm_put_workbook_take(const char *path, const lm_put_sheet *sheets,
                                                  size_t sheet_count, const lm_put_options *options,
                                                  lm_put_result *result, lm_error *error);

/* Reads the table at `source`, as lm_scan_open does, and publishes it. */
LM_API LM_MUST_USE lm_status lm_put(const char *source, const char *path,
                                    const lm_put_options *options, lm_put_result *result,
                                    lm_error *error);

#endif
