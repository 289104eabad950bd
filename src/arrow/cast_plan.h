/* What the parts of cast share: the plan, and what runs it. */
#ifndef LM_ARROW_CAST_PLAN_H
#define LM_ARROW_CAST_PLAN_H

#include "arrow/build.h"
#include "arrow/cast.h"

typedef struct cast_plan cast_plan;
typedef struct cast_run cast_run;

/* `out` comes zeroed but for its field; what it points to is the run's batch's, or its parent's. */
typedef lm_status cast_step(cast_run *run, const cast_plan *plan, const lm_array *in,
                            lm_array *out);

struct cast_plan {
    cast_step *step;
    const lm_field *from, *to;
    lm_path path;
    cast_plan *inner;    /* after decoding, or before encoding */
    cast_plan *children; /* one for each child of `to` */
    int32_t *sources;    /* and the child of `from` that it is made of, or -1 */
    int64_t factor;      /* integers: multiplied by it, or divided when it is negative, */
    int64_t multiple;    /* and then a multiple of this, when it is not 0 */
};

/* Above the arrays that are being cast: to find the table's row, and whether it is there at all. */
typedef struct cast_frame {
    const struct cast_frame *up;
    lm_bits valid;
    const int64_t *offsets; /* lists: where each row's items begin, and where they end; else NULL */
    int64_t rows;
} cast_frame;

struct cast_run {
    lm_batch *batch;
    int64_t first_row;
    const cast_frame *frame;
    lm_error *error;
};

/* Aligned to 8, owned by the batch; NULL when there is no memory. */
void *lm__cast_alloc(cast_run *run, size_t count, size_t size);
lm_status lm__cast_memory(const cast_run *run);
/* Length and validity of `out` as those of `in`, from offset 0. */
LM_MUST_USE lm_status lm__cast_validity(cast_run *run, const lm_array *in, lm_array *out);
/* False for rows that are null, and for those beneath a null. */
bool lm__cast_is_live(const cast_run *run, const lm_array *in, int64_t row);
/* "column a: row 5: …", LM_DATA. */
lm_status lm__cast_refuse(const cast_run *run, const cast_plan *plan, int64_t row,
                          const char *format, ...) LM_PRINTF(4, 5);
/* The same for a value of a text or binary array: "\"abc\" is no int32". */
lm_status lm__cast_refuse_bytes(const cast_run *run, const cast_plan *plan, const lm_array *in,
                                int64_t row, const char *why);
/* A builder's failure, as a status with a message. */
lm_status lm__cast_built(const cast_run *run, const cast_plan *plan, lm_status status);

/* `out` gets the rows of `values` that the indices name; -1 is a null. */
LM_MUST_USE lm_status lm__cast_take(cast_run *run, const cast_plan *plan, const lm_array *values,
                                    const int64_t *indices, int64_t count, lm_array *out);

cast_step lm__cast_pass, lm__cast_nulls, lm__cast_struct, lm__cast_list, lm__cast_integers,
    lm__cast_floats, lm__cast_decimals, lm__cast_parse, lm__cast_print, lm__cast_bytes,
    lm__cast_decode, lm__cast_encode;

#endif
