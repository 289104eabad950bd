/*
 * Partition columns: the values that the directories' names have for each file, typed.
 *
 * Without a schema a column is int64 when every value is a whole number written without a plus or
 * needless zeros, date32 when every value is YYYY-MM-DD, and text else.
 */
#ifndef LM_IO_PARTITION_H
#define LM_IO_PARTITION_H

#include "arrow/batch.h"
#include "io/discover.h"

/* A batch with a row for each file and a column for each key; *table is NULL where there are no
 * keys. `given` may be NULL; a key that it has no column for is inferred. */
LM_MUST_USE lm_status lm__partition_table(const lm_allocator *allocator, const lm_found *found,
                                          const lm_schema *given, lm_batch **table,
                                          lm_error *error);

#endif
