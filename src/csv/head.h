/*
 * What a CSV text begins with, for who passes it on and does not read it as a table (merge/): where
 * its first row ends, and whether that looks like a header.
 */
#ifndef LM_CSV_HEAD_H
#define LM_CSV_HEAD_H

#include "base/arena.h"
#include "csv/read.h"

typedef struct lm_csv_head {
    size_t begin, end; /* the first row, without what ends it; empty lines may stand before it */
    size_t next;       /* where the row behind it begins */
    bool whole;        /* it ends within the text, or with it; else nothing else is known */
    size_t cells;
    bool typed;   /* one of them is a number, a date or such */
    bool names;   /* each cell could be a column's name: none is empty, a number, a date */
    bool evident; /* and the next row has a cell that could not */
} lm_csv_head;

/* `last`: the text is all there is. What is needed meanwhile comes from the arena. LM_NO_MEMORY. */
LM_MUST_USE lm_status lm__csv_head(lm_arena *arena, const lm_csv_dialect *dialect,
                                   const uint8_t *text, size_t size, bool last, lm_csv_head *head,
                                   lm_error *error);
/* The cells of the first row of a text that is one row, each ended by NUL, without their quotes. */
LM_MUST_USE lm_status lm__csv_head_cells(lm_arena *arena, const lm_csv_dialect *dialect,
                                         const uint8_t *row, size_t size, const char ***cells,
                                         size_t *count, lm_error *error);
/* Could each cell be a name? */
bool lm__csv_is_names(const lm_csv_span *spans, size_t cells, const uint8_t *text);
/* The same of a row with empty cells, by the rows after it, with which `text` begins: one of its
 * words stands above numbers, dates or such; or no name is missing but those of the last columns,
 * which have nothing, or that of the first one, which counts. */
LM_MUST_USE lm_status lm__csv_is_names_with_gaps(lm_arena *arena, const lm_csv_dialect *dialect,
                                                 const lm_csv_span *spans, size_t cells,
                                                 const uint8_t *words, const uint8_t *text,
                                                 size_t size, bool last, bool *names,
                                                 lm_error *error);

#endif
