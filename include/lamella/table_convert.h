/*
 * An existing directory of Parquet files becomes a table, without a byte of them rewritten: a Delta
 * log beside them tells of all of them (docs/tables.md).
 */
#ifndef LAMELLA_TABLE_CONVERT_H
#define LAMELLA_TABLE_CONVERT_H

#include <lamella/table_ops.h>

typedef struct lm_table_converted {
    int64_t version; /* 0; -1 in a dry run */
    uint64_t parts, rows, bytes, partition_columns;
} lm_table_converted;

/* Directories KEY=VALUE are partition columns, typed as docs/datasets.md has it. The files' schemas
 * are joined by name, but a column has one type in all of them, as Delta has no other; LM_SCHEMA,
 * with column and file, for what does not fit. LM_EXISTS for what is a table already. With dry_run
 * all is looked at, and nothing written. */
LM_API LM_MUST_USE lm_status lm_table_convert(const char *path, bool dry_run,
                                              const lm_table_operation *how,
                                              lm_table_converted *result, lm_error *error);

#endif
