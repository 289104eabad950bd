/*
 * The partition values of parts as rows: a column for each partition column, of the type that the
 * table's schema has for it, a row for each part (PROTOCOL.md, "Partition Value Serialization").
 */
#ifndef LM_TABLE_PARTITION_ROWS_H
#define LM_TABLE_PARTITION_ROWS_H

#include "arrow/batch.h"
#include "arrow/expr.h"
#include "table/snapshot.h"

/* `where` is the table, for messages. Without partition columns *rows is NULL. */
LM_MUST_USE lm_status lm__partition_rows(const lm_allocator *allocator, const char *where,
                                         const lm_schema *schema, const lm_text_list *columns,
                                         const lm_delta_add *const *parts, size_t count,
                                         lm_batch **rows, lm_error *error);

/* The parts of the snapshot for which the condition (NULL: none) is true, a flag a part. LM_SCHEMA
 * for one that looks at other than partition columns, which names them. `what` is what happens to
 * the parts, as "deleted". */
LM_MUST_USE lm_status lm__partitions_choose(const lm_allocator *allocator, const char *where,
                                            const char *what, const lm_schema *schema,
                                            const lm_text_list *columns, const lm_delta_add *parts,
                                            size_t count, const lm_expr *condition, bool *chosen,
                                            lm_error *error);

#endif
