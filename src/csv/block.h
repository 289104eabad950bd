/* A block: whole rows of text that become a batch, on any thread. */
#ifndef LM_CSV_BLOCK_H
#define LM_CSV_BLOCK_H

#include "base/buffer.h"
#include "base/pool.h"
#include "csv/read.h"

typedef struct lm_csv_block {
    lm_job job;
    lm_group group;
    const lm_csv_plan *plan;
    const lm_allocator *allocator;
    /* in */
    lm_buffer text;      /* changed on the way */
    bool last;           /* nothing follows it */
    bool infer;          /* types are narrowed, no batch is made */
    lm_csv_types *types; /* `infer`: a column each, and whether it has a value */
    bool *any;
    /* out */
    lm_batch *batch;                           /* NULL when no row is left, too */
    size_t lines, rows_skipped, first_skipped; /* lines from the block's first, 0 */
    lm_status status;
    size_t error_line; /* likewise; SIZE_MAX: the error is of no line */
    lm_error error;    /* without the line and the name of the file */
    /* kept from block to block */
    lm_csv_span *spans;
    uint32_t *row_lines;
    lm_csv_values *values;
    lm_csv_room room;
    size_t *bytes_before, text_before; /* text of the columns and of all, in the block before */
    lm_buffer valid_text;              /* with U+FFFD for what is not UTF-8 */
} lm_csv_block;

LM_MUST_USE lm_status lm__csv_block_init(lm_csv_block *block, const lm_allocator *allocator,
                                         const lm_csv_plan *plan, lm_error *error);
void lm__csv_block_deinit(lm_csv_block *block);
/* A job's function. Bytes of `text` from its size up to LM_CSV_TEXT_SLACK more can be read. */
void lm__csv_block_run(lm_job *job);

#define LM_CSV_TEXT_SLACK 64

#endif
