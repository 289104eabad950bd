/*
 * A table (a directory with a Delta log, docs/tables.md) as a reader of a scan: what the log says
 * at a version is made a dataset (dataset.h).
 *
 * Invariants
 *  1. Columns, their types and the partition values are the log's; nothing is guessed from names of
 *     directories, and no file is opened to learn what the log tells.
 *  2. Parts that the filter rules out, by their partition or their statistics, are never opened.
 *  3. Rows come by partition, then as their parts were made: the same at each reading of a version.
 *  4. A table with a feature that is not supported is refused by its name.
 */
#ifndef LM_IO_TABLE_READER_H
#define LM_IO_TABLE_READER_H

#include "io/reader.h"
#include "table/snapshot.h"

/* Is there a log in the directory? */
LM_MUST_USE lm_status lm__path_is_table(lm_store *store, const char *path, bool *is_table,
                                        lm_error *error);

/* The table at `path`, as of what `at` says. Takes the store. */
LM_MUST_USE lm_status lm__table_reader_open_take(const lm_allocator *allocator,
                                                 lm_store *take_store, const char *path,
                                                 const lm_snapshot_options *at,
                                                 const lm_read_request *request,
                                                 const lm_format_row **row, lm_reader **reader,
                                                 lm_error *error);

#endif
