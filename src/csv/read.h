/*
 * Reading CSV: what its parts share. read.c cuts the text into blocks of whole rows, jobs of the
 * pool make batches of them (block.c), convert.c their columns.
 */
#ifndef LM_CSV_READ_H
#define LM_CSV_READ_H

#include "arrow/batch.h"
#include "csv/room.h"
#include "csv/rows.h"

/* What a column becomes, settled before the first block. */
typedef struct lm_csv_column {
    const lm_field *field; /* of the schema; NULL: it is not wanted, so its cells are only cut */
    bool open;             /* its type is still to be found out */
    bool strict; /* found out: numbers only as they were in the sample: none with zeros in front,
                    none that a double would round to another whole number */
} lm_csv_column;

typedef struct lm_csv_plan {
    lm_csv_dialect dialect;
    const char *const *null_texts;
    size_t null_count;
    bool null_empty_only; /* the usual case: the empty text and no other */
    lm_csv_ragged ragged;
    bool replace_invalid;
    bool header;
    size_t n_columns; /* of the text */
    lm_csv_column *columns;
    lm_schema *schema; /* of the columns that are wanted */
} lm_csv_plan;

/* Values of one column of a block; their memory is the room's. */
typedef struct lm_csv_values {
    lm_csv_room *room;
    uint8_t *values, *validity; /* validity NULL: no null so far */
    uint8_t *bytes;             /* of text; `values` has its offsets */
    size_t bytes_size, bytes_capacity;
    int64_t null_count;
} lm_csv_values;

/* The rows of a slice: `spans` row by row. */
typedef struct lm_csv_slice {
    const uint8_t *text;
    const lm_csv_span *spans;
    size_t rows, columns;
    size_t row_first; /* of the block: where values go */
    size_t capacity;  /* rows of the block at most */
    size_t bytes;     /* of the cells at most, in all columns together */
} lm_csv_slice;

/* Cells of column `at` become values. The number of the slice's first row whose cell does not fit,
 * or the number of rows; LM_NO_MEMORY and LM_LIMIT come as a status. */
typedef lm_status lm_csv_convert(const lm_csv_plan *plan, size_t at, const lm_csv_slice *slice,
                                 lm_csv_values *out, size_t *good);
/* NULL for a type that is made of text by a cast. */
lm_csv_convert *lm__csv_convert(const lm_type *type);

bool lm__csv_is_null(const lm_csv_plan *plan, const uint8_t *text, lm_csv_span span);

/* Bytes behind a column's text that are written beyond it, and may be. */
#define LM_CSV_COPY_BYTES 64

/* Types of a column by its cells, as bits; all of them to begin with. */
typedef uint32_t lm_csv_types;
#define LM_CSV_TYPES_ALL UINT32_MAX
lm_csv_types lm__csv_types_narrow(lm_csv_types types, const char *text, size_t size);
/* Whether a column of floats could have it, by the rule of the sample. */
bool lm__csv_is_float(const char *text, size_t size);
/* Is it a number, a date or such? */
bool lm__csv_is_typed(const char *text, size_t size);
lm_type lm__csv_types_best(lm_csv_types types, bool any);

/* Finds the separator and the quote that the options leave open, by the sample. */
void lm__csv_sniff(const lm_csv_read_options *options, const uint8_t *sample, size_t size,
                   bool last, lm_csv_dialect *dialect);

#endif
