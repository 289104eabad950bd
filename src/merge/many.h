/*
 * What is done with many parts: side by side where the store is far and each answer has to be
 * waited for, one after another where it is near.
 *
 * Invariants
 *  1. What fails is told as if the parts had been taken in turn: the first failure by its number.
 *  2. At most LM_MERGE_ASIDE requests are under way, LM_MERGE_LISTINGS of them listings.
 */
#ifndef LM_MERGE_MANY_H
#define LM_MERGE_MANY_H

#include "merge/plan.h"

typedef lm_status lm_many_run(void *context, size_t number, lm_arena *scratch, lm_error *error);
/* Runs `run` for each number below `count`; the scratch is empty each time. Others may still be run
 * after one that fails. */
LM_MUST_USE lm_status lm__many_run(const lm_merge_plan *plan, size_t count, lm_many_run *run,
                                   void *context, lm_error *error);

/* What stands at a path of the sources' store. */
typedef struct lm_standing {
    const char *path;
    bool there, is_known;
    uint64_t size, stamp;
} lm_standing;

/* Fills them in: by listing directories where that takes fewer requests than looking at each. */
LM_MUST_USE lm_status lm__many_look(const lm_merge_plan *plan, lm_standing *standings, size_t count,
                                    lm_error *error);

#endif
