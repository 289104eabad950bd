/*
 * Writing XLSX: Arrow streams in, one workbook out, in constant memory.
 *
 *     LM_TRY(lm_xlsx_writer_open(sink, NULL, &writer, error));
 *     status = lm_xlsx_writer_sheet_take(writer, &stream, NULL, &rows, error);  // for each sheet
 *     status = lm_xlsx_writer_finish(writer, &result, error);                   // frees it
 *
 * docs/xlsx.md tells what each type becomes. The sink is not finished: that is the caller's
 * decision.
 */
#ifndef LAMELLA_XLSX_H
#define LAMELLA_XLSX_H

#include <lamella/arrow.h>
#include <lamella/sink.h>

#define LM_XLSX_ROWS_MAX 1048576 /* of a sheet, the header's among them */
#define LM_XLSX_COLUMNS_MAX 16384

/* Integers past 2^53 and decimals of more than 15 digits, which a spreadsheet's numbers would
 * round. */
typedef enum lm_xlsx_exact {
    LM_XLSX_EXACT_AUTO = 0, /* as text where the number would be another one */
    LM_XLSX_EXACT_TEXT,     /* such columns (64-bit integers and decimals) always as text */
    LM_XLSX_EXACT_NUMBER,   /* always as numbers, rounded when read */
} lm_xlsx_exact;

/* NaN and infinities, which no cell's number can be. */
typedef enum lm_xlsx_nonfinite {
    LM_XLSX_NONFINITE_BLANK = 0, /* NaN is blank, infinities are the texts "inf" and "-inf" */
    LM_XLSX_NONFINITE_ERROR,     /* #NUM! and #DIV/0! */
    LM_XLSX_NONFINITE_REFUSE,
} lm_xlsx_nonfinite;

typedef enum lm_xlsx_binary {
    LM_XLSX_BINARY_HEX = 0,
    LM_XLSX_BINARY_BASE64,
    LM_XLSX_BINARY_REFUSE,
} lm_xlsx_binary;

typedef struct lm_xlsx_column {
    const char *name;   /* of the table's column */
    const char *format; /* a number format ("0.00", "dd.mm.yyyy"); NULL: by the type */
    double width;       /* in characters; 0: from the sample */
} lm_xlsx_column;

/* All zero is the default of everything. Text is copied. */
typedef struct lm_xlsx_sheet_options {
    const char *name;   /* NULL: "data" */
    bool no_header;     /* no row with the columns' names */
    bool plain_header;  /* not in bold */
    bool no_freeze;     /* the header scrolls with the rows */
    bool no_widths;     /* columns as wide as the program makes them, no sample */
    bool filter;        /* buttons to filter by, on the header */
    const char *table;  /* an Excel table of this name over the sheet; NULL: none */
    bool split;         /* rows past the last go to further sheets: "data (2)", … */
    bool cut;           /* texts that are longer than a cell can hold are cut, not refused */
    bool refuse_nested; /* lists, structs and maps are refused, not JSON text */
    lm_xlsx_exact exact;
    lm_xlsx_nonfinite nonfinite;
    lm_xlsx_binary binary;
    /* number formats of all columns of a kind; NULL: ISO */
    const char *date_format, *timestamp_format, *time_format, *duration_format;
    const char *integer_format, *float_format, *decimal_format; /* NULL: as the program has them */
    const lm_xlsx_column *columns;
    size_t column_count;
} lm_xlsx_sheet_options;

typedef struct lm_xlsx_options {
    int level;   /* of deflate, 1 to 12; 0: 5 */
    int threads; /* 0: LAMELLA_THREADS, else the CPUs of this process; 1: this thread alone */
    const lm_cancel *cancel;
    const lm_allocator *allocator;
} lm_xlsx_options;

typedef struct lm_xlsx_result {
    uint64_t rows; /* without headers */
    uint32_t sheets;
    uint64_t bytes;
} lm_xlsx_result;

typedef struct lm_xlsx_writer lm_xlsx_writer;

/* Borrows the sink until finish or abort. Nothing is written before the first sheet. */
LM_API LM_MUST_USE lm_status lm_xlsx_writer_open(lm_sink *sink, const lm_xlsx_options *options,
                                                 lm_xlsx_writer **writer, lm_error *error);
/* A sheet of all the stream's rows, or several with `split`. Takes the stream, also on failure. A
 * name, a type or a number of columns that cannot be is refused before anything of the sheet is
 * written. `rows` may be NULL. */
LM_API LM_MUST_USE lm_status lm_xlsx_writer_sheet_take(lm_xlsx_writer *writer,
                                                       struct ArrowArrayStream *take_stream,
                                                       const lm_xlsx_sheet_options *options,
                                                       uint64_t *rows, lm_error *error);
/* Writes what makes the sheets a workbook, and frees the writer; on failure too. LM_INVALID without
 * a sheet. `result` may be NULL. */
LM_API LM_MUST_USE lm_status lm_xlsx_writer_finish(lm_xlsx_writer *writer, lm_xlsx_result *result,
                                                   lm_error *error);
/* Frees the writer; the sink is the caller's to abort. Takes NULL. */
LM_API void lm_xlsx_writer_abort(lm_xlsx_writer *writer);

#endif
