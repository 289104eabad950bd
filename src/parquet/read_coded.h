/*
 * Columns that stay dictionaries: a vector of indices into a dictionary of its own.
 *
 * Stands beside read_values.h, which hands indices of pages and values of pages without a
 * dictionary over, and below read_batch.c, which makes Arrow's dictionary of it.
 *
 * Invariants
 *  1. The dictionary has each value once, in the order in which values are first met, and none that
 *     is not met.
 *  2. A coded vector is of one column chunk: there is one dictionary page.
 */
#ifndef LM_PARQUET_READ_CODED_H
#define LM_PARQUET_READ_CODED_H

#include "encode/dict.h"
#include "parquet/read_values.h"

struct lm_read_coded {
    const lm_allocator *allocator;
    lm_dict *dict;
    lm_read_vector values; /* of a page without dictionary, on their way into `dict` */
    uint32_t *known;       /* what index the values of the page's dictionary have in `dict` */
    bool has_known;
    /* Of LM_READ_INDICES indices those that are met for the first time, the values that they mean
     * (strings as views), and their indices in `dict`. */
    uint32_t *fresh, *fresh_indices;
    void *fresh_values;
};

LM_MUST_USE lm_status lm__read_coded_new(const lm_allocator *allocator, const lm_read_spec *spec,
                                         lm_read_coded **coded, lm_error *error);
void lm__read_coded_free(lm_read_coded *coded); /* takes NULL */

/* The next `count` indices of a page to `out`, in terms of the coded dictionary. */
LM_MUST_USE lm_status lm__read_coded_indices(lm_read_coded *coded, const lm_read_vector *dictionary,
                                             lm_rle_decoder *rle, uint32_t *scratch, size_t count,
                                             uint32_t *out, lm_error *error);
/* The indices of coded->values, which are taken in; LM_LIMIT past 2 GiB of them. */
LM_MUST_USE lm_status lm__read_coded_values(lm_read_coded *coded, uint32_t *out, lm_error *error);

#endif
