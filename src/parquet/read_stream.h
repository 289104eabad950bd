/*
 * A stream of batches from a Parquet file: row groups decoded column by column, side by side, a
 * bounded stretch ahead of whoever reads.
 *
 * The rows are cut into units: a row group, or a piece of one that is too large to be decoded
 * whole. A unit has a job for each leaf. The units of one row group follow each other leaf by leaf:
 * when a leaf's job ends it hands its column on to the same leaf's job of the next unit. Where that
 * would leave threads idle, the units of a row group are read apart, each from a column of its own.
 *
 * Invariants
 *  1. Batches come in the order of the rows, whatever the order of the jobs.
 *  2. The rows decoded and not yet fetched are estimated at no more than memory_bytes_max, or are
 *     those of one unit.
 *  3. A column is used by one job at a time.
 *  4. Strings or lists that run over 32-bit offsets make the unit be read again in halves; only a
 *     single row that does is LM_LIMIT.
 *  5. A stream over ranges of rows counts its rows as if the ranges lay end to end; a leaf's job
 *     passes over what lies between them, page by page where the offset index tells how.
 */
#ifndef LM_PARQUET_READ_STREAM_H
#define LM_PARQUET_READ_STREAM_H

#include "arrow/batch.h"
#include "base/pool.h"
#include "parquet/read_arrow.h"
#include "parquet/reader.h"
#include "parquet/row_ranges.h"

/* The stream keeps the reader; options may be NULL. */
LM_MUST_USE lm_status lm__parquet_stream_open(lm_parquet_reader *reader,
                                              const lm_parquet_read_options *options,
                                              lm_stream **stream, lm_error *error);

/* A stream over some rows of one row group, part of another stream. What it points to must outlive
 * it, but for the ranges. */
typedef struct lm_read_part_of {
    const lm_read_plan *plan;
    lm_pool *pool;
    const lm_allocator *blocks; /* of slabs */
    const lm_read_limits *limits;
    size_t row_group;
    const lm_row_range *ranges; /* of rows, ascending; at least one */
    size_t range_count;
    size_t bytes_max, batch_rows;
    bool by_index; /* the offset index may be used, and is believed */
} lm_read_part_of;

/* Its work begins at once. */
LM_MUST_USE lm_status lm__parquet_stream_open_part(lm_parquet_reader *reader,
                                                   const lm_read_part_of *part, lm_stream **stream,
                                                   lm_error *error);

/* read_filter.c: the stream of options that have a filter. */
LM_MUST_USE lm_status lm__parquet_filter_open(lm_parquet_reader *reader,
                                              const lm_parquet_read_options *options,
                                              lm_stream **stream, lm_error *error);

/* What options ask for, checked and with the defaults filled in, as streams with and without a
 * filter begin with it. `row_groups` is the stream's to free. */
typedef struct lm_read_asked {
    size_t *row_groups;
    size_t row_group_count;
    uint64_t rows_to_skip, rows_left;
    size_t batch_rows, bytes_max;
    lm_read_limits limits;
} lm_read_asked;

LM_MUST_USE lm_status lm__read_asked_make(const lm_parquet_reader *reader,
                                          const lm_parquet_read_options *options,
                                          lm_read_tally *tally, lm_read_asked *asked,
                                          lm_error *error);

/* Of the threads that the options ask for; where nothing is said and what is read has to be fetched
 * from far, of more than there are CPUs, as they mostly wait. */
LM_MUST_USE lm_status lm__read_pool_new(const lm_parquet_reader *reader,
                                        const lm_parquet_read_options *options, lm_pool **pool,
                                        lm_error *error);

#endif
