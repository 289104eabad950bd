/* Counts the rows of a text that comes in pieces. */
#ifndef LM_MERGE_ROWS_H
#define LM_MERGE_ROWS_H

#include <lamella/merge.h>

typedef struct lm_rows {
    uint64_t count; /* that have ended */
    bool csv;       /* quotes may hide line ends, and empty lines are no rows */
    bool keeps_empty;
    char quote, separator, end;
    uint8_t mark; /* bytes of a byte order mark that were passed; 3: behind where one could be */
    bool within;  /* something stands on the line */
    bool quoted;  /* a quoted part is open */
    bool opens;   /* a quote here opens one: a cell begins */
} lm_rows;

void lm__rows_init(lm_rows *rows, lm_merge_format format, char quote, char separator,
                   lm_merge_line_end line_end);
void lm__rows_add(lm_rows *rows, const uint8_t *text, size_t size);
/* Of all that was added; a last line without an end counts. */
uint64_t lm__rows_total(const lm_rows *rows);

#endif
