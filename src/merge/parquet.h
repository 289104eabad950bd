/* Parts of Parquet; parquet.c. */
#ifndef LM_MERGE_PARQUET_H
#define LM_MERGE_PARQUET_H

#include <lamella/parquet_merge.h>

#include "merge/flow.h"

/* Looks at all footers; fills in what the summary says of costs. */
LM_MUST_USE lm_status lm__merge_parquet_plan(lm_merge_plan *plan, bool can_copy, lm_error *error);
/* Into the flow's publication. */
LM_MUST_USE lm_status lm__merge_parquet_run(lm_merge_plan *plan, lm_flow *flow, uint64_t *rows,
                                            lm_error *error);
void lm__merge_parquet_close(lm_merge_plan *plan);

#endif
