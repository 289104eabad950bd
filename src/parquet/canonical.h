/*
 * The canonical text of a Parquet file: a line of JSON for each row, put together from the physical
 * values and the Parquet schema alone (docs/canonical.md).
 *
 * Arrow cannot hold all that a file can (INT96 out of range, names twice), so this side has an
 * assembly of rows of its own, which verify shares.
 *
 * Invariants
 *  1. The columns of a record agree: where one has an item, a null or the end of a list, so have
 *     its siblings. A file whose levels contradict each other is LM_CORRUPT.
 *  2. Memory holds a few thousand values of each column, or one row where that has more.
 */
#ifndef LM_PARQUET_CANONICAL_H
#define LM_PARQUET_CANONICAL_H

#include <lamella/sink.h>

#include "parquet/reader.h"

/* Writes all rows; the sink is the caller's to finish. Errors name file, row group and column. */
LM_MUST_USE lm_status lm__canonical_write(lm_parquet_reader *reader, lm_sink *sink,
                                          lm_error *error);

#endif
