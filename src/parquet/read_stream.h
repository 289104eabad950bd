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
 */
#ifndef LM_PARQUET_READ_STREAM_H
#define LM_PARQUET_READ_STREAM_H

#include "arrow/batch.h"
#include "parquet/reader.h"

/* The stream keeps the reader; options may be NULL. */
LM_MUST_USE lm_status lm__parquet_stream_open(lm_parquet_reader *reader,
                                              const lm_parquet_read_options *options,
                                              lm_stream **stream, lm_error *error);

#endif
