/*
 * The structure of CSV: where rows and cells begin and end.
 *
 * Rows end with LF, CR LF or CR. A quote opens a quoted part at the beginning of a cell only; two
 * of them within it are one; what follows the closing quote up to the separator belongs to the
 * cell. The escape character takes the next one as it is. Empty lines are no rows. So says Python's
 * csv module, which the tests hold this to.
 *
 * Invariants
 *  1. Cells are found by one walk (row_walk); rows that are regular are found by 64 bytes at a time
 *     (rows_regular.c), and have the same cells.
 *  2. Quotes and escapes are taken out in place, so a row is walked for its cells once only.
 */
#ifndef LM_CSV_ROWS_H
#define LM_CSV_ROWS_H

#include <lamella/csv.h>

typedef struct lm_csv_dialect {
    char separator, quote, escape; /* quote and escape may be 0: none */
} lm_csv_dialect;

/* A cell: `size` bytes at `at`, and whether there were quotes. */
typedef struct lm_csv_span {
    uint32_t at;
    uint32_t size; /* with LM_CSV_QUOTED */
} lm_csv_span;
#define LM_CSV_QUOTED 0x80000000u
#define LM_CSV_MISSING UINT32_MAX /* at: a cell that the row lacks; it is null */
static inline uint32_t lm__csv_span_size(lm_csv_span span) { return span.size & ~LM_CSV_QUOTED; }

/* One row, from `from` on. */
typedef enum lm_csv_walk {
    LM_CSV_ROW,      /* whole */
    LM_CSV_PARTIAL,  /* the text ends within it */
    LM_CSV_UNCLOSED, /* as before, and the text is the last: a quote is never closed */
} lm_csv_walk;

typedef struct lm_csv_row {
    size_t cells;
    size_t end;   /* where the next one begins */
    size_t lines; /* that it takes */
} lm_csv_row;

/* A row, and the first `spans_max` of its cells (spans NULL: none, and the text is not changed).
 * `last`: nothing follows the text, so its end ends the row. */
lm_csv_walk lm__csv_row_walk(const lm_csv_dialect *dialect, uint8_t *text, size_t size, size_t from,
                             bool last, lm_csv_span *spans, size_t spans_max, lm_csv_row *row);
/* Is it a line without anything? (From a row's beginning; `end` is behind it.) */
bool lm__csv_row_empty(const uint8_t *text, size_t size, size_t from, size_t *end);

/* Where the last whole row of the text ends; 0 when none does. */
size_t lm__csv_rows_end(const lm_csv_dialect *dialect, const uint8_t *text, size_t size, bool last);
size_t lm__csv_lines(const uint8_t *text, size_t size); /* LFs and lone CRs */
size_t lm__csv_count(const uint8_t *text, size_t size, char c);

bool lm__csv_has_escapes(const lm_csv_dialect *dialect, const uint8_t *text, size_t size);

/* In text without escapes: up to `rows_max` rows that are regular, have `columns` cells each and
 * are not empty; stops before one that is otherwise. Returns the rows; `end` is behind them,
 * `lines` the LFs among them. `spans` has room for (rows_max + 1) * columns + 64. */
size_t lm__csv_regular_rows(const lm_csv_dialect *dialect, uint8_t *text, size_t size, size_t from,
                            size_t columns, size_t rows_max, lm_csv_span *spans, size_t *end,
                            size_t *lines);
/* Where the last regular row ends, of those that the text begins with; `regular`: what follows may
 * be the beginning of another. */
size_t lm__csv_regular_end(const lm_csv_dialect *dialect, const uint8_t *text, size_t size,
                           bool *regular);

#endif
