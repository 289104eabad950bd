/* Parts that a merge consumes, and carrying on where one was interrupted; consume.c. */
#ifndef LM_MERGE_CONSUME_H
#define LM_MERGE_CONSUME_H

#include "merge/journal.h"
#include "merge/plan.h"
#include "publish/file.h"

/* The parts are joined by the store and put in place. *begun is false where the store refused
 * before anything was consumed, and nothing is left of it: the parts can be merged in another way.
 */
LM_MUST_USE lm_status lm__merge_concat(lm_merge_plan *plan, lm_merge_result *result, bool *begun,
                                       lm_error *error);
/* Between seal and commit: a journal of what is to be removed after it. */
LM_MUST_USE lm_status lm__merge_remember(lm_merge_plan *plan, const lm_sealed *sealed,
                                         lm_journal **journal, lm_error *error);
/* After the commit, or when there was none for sure: the journal goes, after the parts in the first
 * case. */
LM_MUST_USE lm_status lm__merge_remove(lm_merge_plan *plan, const lm_journal *journal,
                                       bool committed, lm_merge_result *result, lm_error *error);
/* Carries plan->journal on. *anew: nothing had been done, the journal is gone, and the merge begins
 * from the start. */
LM_MUST_USE lm_status lm__merge_resume(lm_merge_plan *plan, lm_merge_result *result, bool *anew,
                                       lm_error *error);

#endif
