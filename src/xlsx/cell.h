/*
 * What stands in a cell: the value of one column in one row, as SpreadsheetML has it.
 *
 * Invariants
 *  1. Nulls are blank, never text.
 *  2. Text is text, whatever it looks like.
 *  3. A number is the value, or options say otherwise (lm_xlsx_exact); what no number can be is
 *     text.
 */
#ifndef LM_XLSX_CELL_H
#define LM_XLSX_CELL_H

#include <lamella/xlsx.h>

#include "arrow/int256.h"
#include "arrow/value_json.h"
#include "arrow/view.h"
#include "base/buffer.h"

/* The ways of a column's values. */
typedef enum lm_cell_way {
    LM_CELL_NOTHING,
    LM_CELL_BOOL,
    LM_CELL_SIGNED,
    LM_CELL_UNSIGNED,
    LM_CELL_HALF,
    LM_CELL_FLOAT,
    LM_CELL_DOUBLE,
    LM_CELL_DECIMAL,
    LM_CELL_DATE,
    LM_CELL_TIMESTAMP,
    LM_CELL_TIME,
    LM_CELL_DURATION,
    LM_CELL_TEXT,
    LM_CELL_BINARY,
    LM_CELL_UUID,
    LM_CELL_JSON,     /* lists, structs, maps */
    LM_CELL_INTERVAL, /* ISO 8601, as JSON has it in quotes */
} lm_cell_way;

typedef struct lm_cell_frame {
    char text[88];
    size_t size;
} lm_cell_frame;

typedef struct lm_cell_column {
    const lm_field *field;       /* of the table */
    const lm_field *value_field; /* what its dictionary or run ends are of, else the same */
    lm_cell_way way;
    lm_value_json json; /* LM_CELL_JSON, LM_CELL_INTERVAL */
    const lm_xlsx_sheet_options *options;
    uint32_t style; /* of the workbook's formats */
    double width;
    char letters[4];
    /* The XML around a value, the row's number being between `head` and the others. */
    char head[16];
    size_t head_size;
    lm_cell_frame number, text, spaced, boolean, mistake;
} lm_cell_column;

typedef enum lm_cell_kind {
    LM_CELL_BLANK,
    LM_CELL_IS_NUMBER,
    LM_CELL_IS_TEXT,
    LM_CELL_IS_BOOL,  /* "0" or "1" */
    LM_CELL_IS_ERROR, /* "#NUM!" */
} lm_cell_kind;

typedef struct lm_cell {
    lm_cell_kind kind;
    const uint8_t *text;
    size_t size;
    char digits[LM_DECIMAL_TEXT_MAX];
} lm_cell;

/* The column's place and style are settled: makes the XML around its values. */
void lm__cell_frames(lm_cell_column *column);

/* The text may lie in `scratch`, until the next call. Errors say what is wrong with the value, and
 * leave the place to the caller. */
LM_MUST_USE lm_status lm__cell_make(const lm_cell_column *column, const lm_array *array,
                                    int64_t row, lm_buffer *scratch, lm_cell *cell,
                                    lm_error *error);
/* Appends the cell's XML; nothing for a blank one. */
LM_MUST_USE lm_status lm__cell_append(const lm_cell_column *column, const lm_cell *cell,
                                      const char *row, size_t row_size, lm_buffer *out);
/* How wide it is to be shown, in characters. */
double lm__cell_width(const lm_cell_column *column, const lm_cell *cell);

#endif
