/*
 * A workbook that is being written: the archive, what its sheets share, and the threads.
 *
 *     stream → batches → parts of rows, formatted and deflated by the pool → the archive, in order
 *
 * Invariants
 *  1. Sticky: after a failure every call but finish and abort gives that failure.
 *  2. Memory is that of the parts under way: rows of some LM_XLSX_PART_CELLS cells each, whatever
 *     the number of rows.
 *  3. The bytes do not depend on the number of threads.
 */
#ifndef LM_XLSX_WORKBOOK_H
#define LM_XLSX_WORKBOOK_H

#include <lamella/xlsx.h>

#include "arrow/batch.h"
#include "base/arena.h"
#include "base/pool.h"
#include "xlsx/cell.h"
#include "xlsx/names.h"
#include "xlsx/zip.h"

/* Of cellXfs: the plain cell, the header, then one for each number format. */
#define LM_XLSX_STYLE_PLAIN 0
#define LM_XLSX_STYLE_HEADER 1
#define LM_XLSX_STYLE_FIRST 2

typedef struct lm_xlsx_sheet {
    const char *name;
    char filter[LM_XLSX_RANGE_TEXT_MAX]; /* the range with buttons, or "" */
    const char *table;                   /* its name, or NULL */
    struct lm_xlsx_sheet *next;
} lm_xlsx_sheet;

typedef struct lm_xlsx_format {
    const char *code;
    struct lm_xlsx_format *next;
} lm_xlsx_format;

typedef struct lm_sheet_part lm_sheet_part;

struct lm_xlsx_writer {
    lm_xlsx_options options;
    const lm_allocator *allocator;
    lm_arena arena;
    lm_zip zip;
    lm_deflate *deflate; /* of the calling thread */
    lm_pool *pool;
    lm_sheet_part *parts; /* part_count of them, used in turn */
    size_t part_count, part_next;
    lm_xlsx_sheet *first, **last;
    uint32_t sheet_count, table_count;
    lm_xlsx_format *formats, **formats_last;
    uint32_t format_count;
    uint64_t rows;
    lm_error failure;
};

/* The columns of a sheet, in the arena: ways, styles, places. */
typedef struct lm_sheet_plan {
    const lm_schema *schema;
    const lm_xlsx_sheet_options *options;
    lm_cell_column *columns;
    uint32_t column_count;
} lm_sheet_plan;

/* Checks everything that can be known before the first row. */
LM_MUST_USE lm_status lm__sheet_plan_make(lm_xlsx_writer *writer, lm_arena *arena,
                                          const lm_schema *schema,
                                          const lm_xlsx_sheet_options *options, lm_sheet_plan *plan,
                                          lm_error *error);
/* From the first rows; sets the columns' widths. */
LM_MUST_USE lm_status lm__sheet_plan_widths(lm_sheet_plan *plan, const lm_batch *batch,
                                            lm_error *error);

/* A number format's style; 0 is no style, for want of memory. */
uint32_t lm__xlsx_style(lm_xlsx_writer *writer, const char *code);

/* Rows of a batch, on their way to the archive (part.c). */
LM_MUST_USE lm_status lm__sheet_parts_new(lm_xlsx_writer *writer, lm_error *error);
void lm__sheet_parts_free(lm_xlsx_writer *writer);
/* Formats rows [start, start + count) as the sheet's rows from `sheet_row` on (from 1); table_row
 * is for messages. Writes earlier parts while it waits for a free one. */
LM_MUST_USE lm_status lm__sheet_parts_add(lm_xlsx_writer *writer, const lm_sheet_plan *plan,
                                          lm_batch *batch, int64_t start, int64_t count,
                                          uint64_t sheet_row, uint64_t table_row, lm_error *error);
/* Writes all that are under way. */
LM_MUST_USE lm_status lm__sheet_parts_flush(lm_xlsx_writer *writer, lm_error *error);
/* Ends them without writing anything. */
void lm__sheet_parts_drop(lm_xlsx_writer *writer);

/* All the stream's rows, as a sheet or several (sheet.c). */
LM_MUST_USE lm_status lm__sheet_write(lm_xlsx_writer *writer, lm_stream *stream,
                                      const lm_xlsx_sheet_options *options, uint64_t *rows,
                                      lm_error *error);

/* XML that is no row goes into the open entry. */
LM_MUST_USE lm_status lm__xlsx_put(lm_xlsx_writer *writer, const lm_buffer *xml, lm_error *error);

/* The parts of the package that are no sheets (package.c). */
LM_MUST_USE lm_status lm__package_begin(lm_xlsx_writer *writer, lm_error *error);
LM_MUST_USE lm_status lm__package_end(lm_xlsx_writer *writer, lm_error *error);
/* The table over a sheet, and what relates the sheet to it. */
LM_MUST_USE lm_status lm__package_table(lm_xlsx_writer *writer, const lm_sheet_plan *plan,
                                        const char *name, const char *range, lm_error *error);

#endif
