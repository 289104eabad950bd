/*
 * Cells: how the values of a column become text. A cell belongs to one thread; it is made once for
 * a column (cell_plan.c), bound to the rows of a batch, and asked row by row.
 *
 * Invariants
 *  1. Whoever calls a put has made room for out->row_room bytes; a put that needs more makes room
 *     for that and for row_room again behind it.
 *  2. A put writes the value and nothing behind its end that counts; it returns the end, or NULL
 *     when out->status says why not.
 */
#ifndef LM_CSV_CELLS_H
#define LM_CSV_CELLS_H

#include <lamella/csv.h>

#include "arrow/value_json.h"
#include "base/buffer.h"
#include "csv/time_text.h"
#include "csv/zone.h"

/* Bytes that may be written past a cell's end by copies of whole words. */
#define LM_CSV_SLACK 32

/* The options, checked and filled in; shared by all threads. */
typedef struct lm_csv_style {
    lm_csv_write_options options;
    char separator, quote, escape; /* escape 0: none */
    const char *null_text;
    size_t null_size;
    const char *line_end;
    size_t line_end_size;
    bool special[256];       /* what makes quotes needed */
    bool alone;              /* the table has one column: an empty line would be no row */
    const lm_csv_zone *zone; /* of timestamps that have one; NULL: UTC, or the column's own */
    bool own_zones;
} lm_csv_style;

typedef struct lm_csv_out {
    const lm_csv_style *style;
    lm_buffer text, scratch;
    char *end;       /* of the memory of `text` */
    size_t row_room; /* enough for a row's cells of bounded width, its separators and its end */
    int64_t row;     /* of the stream, for messages */
    lm_status status;
    lm_error *error;
} lm_csv_out;

typedef struct lm_csv_cell lm_csv_cell;
typedef char *lm_csv_put(lm_csv_out *out, lm_csv_cell *cell, int64_t row, char *to);

struct lm_csv_cell {
    lm_csv_put *put;  /* of a row that is not null */
    lm_csv_put *bare; /* what `put` puts into quotes */
    const lm_field *field;
    lm_array array;
    lm_csv_cell *value;   /* of a dictionary or of run ends */
    lm_value_json *json;  /* of nested values and durations */
    size_t room;          /* the most bytes of a value of bounded width; else 0 */
    const char *format;   /* of dates and times; NULL: ISO 8601 */
    int64_t run, run_end; /* of run ends: the run that was found last, and the row after it */
    int64_t day;          /* whose text is at hand */
    char day_text[LM_CSV_DATE_TEXT_MAX];
    size_t day_size;
    uint32_t tries, misses;    /* of put_f64's guess */
    const lm_csv_zone *zone;   /* of timestamps; NULL: UTC, as Z */
    lm_csv_zone_span zone_now; /* of the value before */
};

/* Everything of the cell lives in the arena. LM_SCHEMA where the column cannot be written. */
LM_MUST_USE lm_status lm__csv_cell_make(lm_arena *arena, const lm_csv_style *style,
                                        const lm_field *field, lm_csv_cell *cell, lm_error *error);
void lm__csv_cell_bind(lm_csv_cell *cell, const lm_array *array);

/* Any row: the null text where it is null. */
char *lm__csv_cell_put(lm_csv_out *out, lm_csv_cell *cell, int64_t row, char *to);
/* Text, in quotes where the style wants them. */
char *lm__csv_text_put(lm_csv_out *out, const char *column, const uint8_t *text, size_t size,
                       bool quoted, char *to);
/* Room for `bytes` and row_room behind them. */
char *lm__csv_room(lm_csv_out *out, char *to, size_t bytes);

/* The puts of bounded width (cell_fixed.c), and how wide they are. */
lm_csv_put *lm__csv_fixed_put(const lm_csv_style *style, const lm_type *type, size_t *room);

LM_MUST_USE lm_status lm__csv_style_init(lm_arena *arena, lm_csv_style *style,
                                         const lm_csv_write_options *options, lm_error *error);

#endif
