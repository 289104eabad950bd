/* What is settled before the first block: the dialect, the header, the columns. */
#ifndef LM_CSV_OPEN_H
#define LM_CSV_OPEN_H

#include "csv/input.h"
#include "csv/read.h"

/* Settles the plan by the sample, of which `last` says that it is all there is. `*used` bytes of
 * it are empty lines before the header, and the header; `*lines` lines. `narrow` says whether the
 * types are still to be found out: then the columns are text until lm__csv_plan_types. What the
 * plan holds lies in the arena of its schema, and in `arena`. */
LM_MUST_USE lm_status lm__csv_plan_make(lm_arena *arena, const lm_allocator *allocator,
                                        const lm_csv_read_options *options, const char *name,
                                        uint8_t *sample, size_t size, bool last, lm_csv_plan *plan,
                                        size_t *used, size_t *lines, bool *narrow, lm_error *error);
/* The columns' types by what their cells were. */
LM_MUST_USE lm_status lm__csv_plan_types(const lm_allocator *allocator, lm_csv_plan *plan,
                                         const lm_csv_types *types, const bool *any,
                                         lm_error *error);

/* The columns that the options ask for; the others are not made. */
LM_MUST_USE lm_status lm__csv_plan_choose(const lm_allocator *allocator,
                                          const lm_csv_read_options *options, const char *file,
                                          lm_csv_plan *plan, lm_error *error);

#endif
