/*
 * The dictionary of a column chunk, built while its values go by: the hot path of the writer.
 *
 *     lm__dict_new(&options, &dict) … for each piece: lm__dict_put → indices … the dictionary page
 * is lm__dict_bytes … lm__dict_reset for the next chunk … lm__dict_free
 *
 * Invariants
 *  1. Indices count up in the order in which values are first seen; the same bits get the same
 * index (floats are compared by their bits: NaNs and both zeros are kept apart).
 *  2. What has been given an index is in the dictionary for good: when it is full, put stops before
 *     the first value that does not fit, and all that came before stands.
 *  3. The dictionary's bytes are the values PLAIN-encoded; 1- and 2-byte integers as INT32.
 *  4. After LM_NO_MEMORY the values consumed so far stand; reset or free are all that may follow.
 */
#ifndef LM_ENCODE_DICT_H
#define LM_ENCODE_DICT_H

#include <lamella/base.h>

#include "encode/bits.h"

typedef struct lm_dict lm_dict;

typedef struct lm_dict_options {
    const lm_allocator *allocator;
    size_t width;     /* of a value in memory: 1, 2, 4, 8, any FLBA's; 0 for byte strings */
    bool is_unsigned; /* widths 1 and 2: how they widen to INT32 */
    bool is_bytes;    /* widths 1 and 2: they do not, but are FIXED_LEN_BYTE_ARRAY */
    size_t bytes_max; /* of the dictionary page, uncompressed; 0 means LM_DICT_BYTES_MAX */
} lm_dict_options;

LM_MUST_USE lm_status lm__dict_new(const lm_dict_options *options, lm_dict **dict, lm_error *error);
void lm__dict_free(lm_dict *dict);
/* Empty again, memory kept. */
void lm__dict_reset(lm_dict *dict);

/* What a put did. It is full when consumed is less than the count given. */
typedef struct lm_dict_progress {
    size_t consumed; /* values looked at, nulls among them */
    size_t written;  /* indices: the valid ones of those */
} lm_dict_progress;

/* `indices` has room for the valid values among `count`, and slack. Fixed widths. */
LM_MUST_USE lm_status lm__dict_put(lm_dict *dict, const void *values, lm_bits valid, size_t count,
                                   uint32_t *indices, lm_dict_progress *progress, lm_error *error);
/* Byte strings. */
LM_MUST_USE lm_status lm__dict_put_strings(lm_dict *dict, const lm_strings *strings, lm_bits valid,
                                           size_t count, uint32_t *indices,
                                           lm_dict_progress *progress, lm_error *error);

/* The dictionary so far; the bytes are valid until the next put, reset or free. */
size_t lm__dict_count(const lm_dict *dict);
const uint8_t *lm__dict_bytes(const lm_dict *dict, size_t *size);
/* Bits that an index takes: 0 for a dictionary of one value or none. */
unsigned lm__dict_index_width(const lm_dict *dict);

/* Before any value is hashed: will a dictionary pay? Looks at a sample of the values (a few
 * thousand, spread over the column); `values` and `strings`, one of them, as for put. */
typedef struct lm_dict_estimate {
    size_t sampled, distinct; /* in the sample */
    double distinct_total;    /* what that lets expect of `total` values */
    double bytes_dict;        /* dictionary and indices together, before the codec */
    double bytes_plain;
    bool pays; /* it fits bytes_max and is smaller than plain */
} lm_dict_estimate;

/* `total` is the number of values that the chunk will have, `count` at least of them are at hand.
 */
LM_MUST_USE lm_status lm__dict_estimate(const lm_dict_options *options, const void *values,
                                        const lm_strings *strings, lm_bits valid, size_t count,
                                        size_t total, lm_dict_estimate *estimate, lm_error *error);

#endif
