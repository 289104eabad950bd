/* Planning a cast of tables (cast_plan.c); cast.c runs it. */
#ifndef LM_ARROW_CAST_MAKE_H
#define LM_ARROW_CAST_MAKE_H

#include "arrow/cast_plan.h"

/* From one struct to another; the fields must outlive the plan. */
LM_MUST_USE lm_status lm__cast_plan_make(lm_arena *arena, const lm_field *from, const lm_field *to,
                                         const lm_cast_options *options, cast_plan *plan,
                                         lm_error *error);

#endif
