/* A part's statistics, as the log has them, against its rows. */
#ifndef LM_TABLE_VERIFY_STATS_H
#define LM_TABLE_VERIFY_STATS_H

#include "arrow/batch.h"
#include "table/actions.h"

typedef struct lm_stats_check lm_stats_check;

/* Of rows in this schema. Bounds of columns that are not there, or of another kind than the column,
 * tell nothing and are passed over: so do readers. NULL where nothing is told. */
LM_MUST_USE lm_status lm__stats_check_new(const lm_allocator *allocator, const lm_delta_add *part,
                                          lm_schema *schema, lm_stats_check **check,
                                          lm_error *error);
LM_MUST_USE lm_status lm__stats_check_batch(lm_stats_check *check, const lm_batch *batch,
                                            lm_error *error);
/* After the last batch: the first of what is not so, as a clause, or NULL. It lives as long as the
 * check. */
const char *lm__stats_check_end(lm_stats_check *check);
void lm__stats_check_free(lm_stats_check *check); /* takes NULL */

#endif
