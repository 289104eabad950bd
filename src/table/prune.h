/*
 * Which parts of a table may have rows that a filter selects, by what the log says of them:
 * partition values and statistics (PROTOCOL.md, "Per-file Statistics", "Partition Value
 * Serialization").
 *
 * Invariants
 *  1. A part that is ruled out has no row that the filter selects, if the log tells the truth.
 *  2. What is missing, damaged or of another type than the column rules nothing out; statistics are
 *     parsed only where the filter asks for a column that they may tell of.
 *  3. Bounds of timestamps are taken as cut to milliseconds, those of floats as leaving NaNs out
 *     and as the shortest texts of float32, those of long decimals as rounded to doubles: writers
 *     differ in all.
 */
#ifndef LM_TABLE_PRUNE_H
#define LM_TABLE_PRUNE_H

#include "arrow/filter.h"
#include "table/snapshot.h"

/* The filter is bound to the table's schema, partition columns included. may[i] becomes whether
 * snapshot->parts[i] may have rows, *count how many may. By so many threads (0: as many as there
 * are processors). */
LM_MUST_USE lm_status lm__snapshot_prune(const lm_snapshot *snapshot, const lm_filter *filter,
                                         int threads, bool *may, size_t *count, lm_error *error);

/* A partition value as the log has it, as a value of a column of this type; false when it is none.
 * Bytes stay where they are. */
bool lm__partition_scalar(const lm_test_column *column, const char *text, size_t size,
                          lm_scalar *value);

#endif
