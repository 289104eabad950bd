/*
 * CSV (RFC 4180 and its relatives): Arrow data in, text to a sink, and the other way round.
 *
 * What is written reads back: quotes where they are needed, empty text told apart from nulls,
 * floats by the fewest digits that give the same value, decimals with all of theirs. docs/csv.md
 * tells what each type becomes.
 */
#ifndef LAMELLA_CSV_H
#define LAMELLA_CSV_H

#include <lamella/arrow.h>
#include <lamella/base.h>
#include <lamella/sink.h>
#include <lamella/source.h>

/* Which cells stand in quotes. A null never does. */
typedef enum lm_csv_quoting {
    LM_CSV_QUOTE_MINIMAL = 0, /* text that would be read otherwise without them */
    LM_CSV_QUOTE_ALL,
    LM_CSV_QUOTE_NON_NUMERIC, /* all but integers, floats, decimals and booleans */
    LM_CSV_QUOTE_NONE,        /* what needs quotes has the escape character before it */
} lm_csv_quoting;

typedef enum lm_csv_compression {
    LM_CSV_COMPRESSION_AUTO = 0, /* of a file by its suffix (.gz, .zst); else none */
    LM_CSV_COMPRESSION_NONE,
    LM_CSV_COMPRESSION_GZIP, /* members of about a MiB of text each, which every reader joins */
    LM_CSV_COMPRESSION_ZSTD, /* frames likewise */
} lm_csv_compression;

typedef enum lm_csv_binary {
    LM_CSV_BINARY_HEX = 0,
    LM_CSV_BINARY_BASE64,
    LM_CSV_BINARY_REFUSE,
} lm_csv_binary;

typedef enum lm_csv_nested {
    LM_CSV_NESTED_JSON = 0,
    LM_CSV_NESTED_REFUSE,
} lm_csv_nested;

/* All zero is the default of everything. Texts are needed until the call returns. */
typedef struct lm_csv_write_options {
    bool no_header;
    char separator; /* 0: ','. An ASCII character, as are the two below */
    char quote;     /* 0: '"' */
    char escape;    /* 0: none: quotes are doubled. Else it stands before quotes and itself */
    lm_csv_quoting quoting;
    bool crlf;                    /* "\r\n" ends lines, not "\n" */
    bool bom;                     /* utf-8-sig: the file begins with a byte order mark */
    const char *null_text;        /* NULL: "" */
    const char *true_text;        /* NULL: "true" */
    const char *false_text;       /* NULL: "false" */
    const char *nan_text;         /* NULL: "nan" */
    bool float_fixed;             /* `float_places` after the point, not the shortest text */
    int float_places;             /* 0 to 20 */
    const char *date_format;      /* strftime's letters (docs/csv.md); NULL: 2026-11-21 */
    const char *time_format;      /* NULL: 12:34:56.789000, with all the unit's digits */
    const char *timestamp_format; /* NULL: 2026-11-21 12:34:56.789000, and Z with a time zone */
    const char *timezone;         /* timestamps with a zone are written in this one: "+02:00",
                                     "Europe/Berlin", or "column": each in its own; NULL: UTC */
    lm_csv_binary binary;
    lm_csv_nested nested;
    bool guard_formulas; /* a ' before text that a spreadsheet would take for a formula */
    lm_csv_compression compression;
    bool level_set;
    int level;   /* of the compression; its own default when not set */
    int threads; /* 0: LAMELLA_THREADS, else the CPUs of this process; 1: the caller */
    const lm_cancel *cancel;
    const lm_allocator *allocator;
} lm_csv_write_options;

typedef struct lm_csv_write_result {
    uint64_t rows;
    uint64_t text_bytes; /* before compression */
} lm_csv_write_result;

/* Writes the stream's rows as they come. Takes the stream, also on failure; the sink is not
 * finished: that is the caller's decision. `options` and `result` may be NULL. LM_SCHEMA for what
 * no CSV can have, before anything is written; LM_DATA for a value that cannot be written, with
 * its row and column. */
LM_API LM_MUST_USE lm_status lm_csv_write_stream(lm_sink *sink,
                                                 struct ArrowArrayStream *take_stream,
                                                 const lm_csv_write_options *options,
                                                 lm_csv_write_result *result, lm_error *error);

typedef enum lm_csv_header {
    LM_CSV_HEADER_AUTO = 0, /* the first row, unless a cell of it is empty, a number or a date */
    LM_CSV_HEADER_YES,
    LM_CSV_HEADER_NO, /* columns are called column1, column2, ... */
} lm_csv_header;

/* Rows with more or fewer cells than the first one. */
typedef enum lm_csv_ragged {
    LM_CSV_RAGGED_REFUSE = 0,
    LM_CSV_RAGGED_PAD,  /* what is missing is null; too many cells are refused all the same */
    LM_CSV_RAGGED_SKIP, /* such rows are left out, and counted */
} lm_csv_ragged;

/* What was left out; readings that share one add to it. */
typedef struct lm_csv_report {
    uint64_t rows_skipped;
    uint64_t first_skipped_line; /* 0: none */
} lm_csv_report;

/* All zero is the default of everything. What is pointed to is needed until the stream is there,
 * but for `cancel` and `report`, which are until it is released. */
typedef struct lm_csv_read_options {
    char separator; /* 0: found out: a comma, semicolon, tab or bar */
    char quote;     /* 0: found out: " or ' */
    bool no_quotes; /* quotes are text as any other */
    char escape;    /* 0: none */
    lm_csv_header header;
    const char *const *null_texts; /* cells without quotes that are null; NULL: "" alone */
    size_t null_count;
    bool all_text;     /* columns are utf8 */
    lm_schema *schema; /* types of columns, by their names, or by their places where there is no
                          header. Those that it has not are found out by the first rows; what is
                          no number, date, time or boolean stays utf8. NULL: all are found out */
    lm_schema *found;  /* what an earlier look at the same bytes gave, with these options: types
                          of all columns by their places. NULL: there was none */
    const char *const *columns; /* those that are wanted: the stream has them alone, in the order of
                                   the file. Cells of others are cut and checked to be UTF-8, and
                                   whether they fit a type is not looked at. LM_INVALID for a name
                                   that the file lacks. NULL: all */
    size_t column_count;
    bool whole_sample; /* the types are found out by all rows: a column that has one value that is
                       no number is text. Needs a source: a pipe cannot be read twice */
    lm_csv_ragged ragged;
    bool replace_invalid;  /* what is not UTF-8 becomes U+FFFD, and is not refused */
    size_t sample_bytes;   /* that types are found out by; 0: 1 MiB */
    size_t row_bytes_max;  /* of one row; 0: 64 MiB */
    size_t lines_skipped;  /* lines at the beginning that are passed over: titles, remarks */
    lm_csv_report *report; /* filled as the rows go by; may be NULL */
    int threads;           /* 0: LAMELLA_THREADS, else the CPUs of this process; 1: the caller */
    const lm_cancel *cancel;
} lm_csv_read_options;

/* The rows as a stream; gzip and zstd are known by their first bytes. The separator, the types and
 * so the schema are settled by then. LM_DATA, with line, column and value, for what does not fit
 * them. The source is closed when the stream is released. Options may be NULL. */
LM_API LM_MUST_USE lm_status lm_csv_read_take(const lm_allocator *allocator, lm_source *take_source,
                                              const lm_csv_read_options *options,
                                              struct ArrowArrayStream *out, lm_error *error);
/* The same from a pipe, which is closed at the end of the stream, on failure, or when it is
 * released. */
LM_API LM_MUST_USE lm_status lm_csv_pull_take(const lm_allocator *allocator,
                                              const lm_feed *take_feed,
                                              const lm_csv_read_options *options,
                                              struct ArrowArrayStream *out, lm_error *error);

#endif
