/*
 * ALP (AlpEncoding.md, "Adaptive Lossless floating-Point"), to read: floats that are decimal
 * numbers of few digits, as integers times a power of ten. A page is cut into vectors of 8 to 32768
 * values, each with its powers, a least integer, bit-packed differences from it, and exceptions as
 * they are.
 *
 * Invariants
 *  1. Whatever the bytes are, nothing outside them is read; what cannot be is LM_CORRUPT, and what
 *     the format keeps for later is LM_UNSUPPORTED.
 *  2. A value is integer * 10^factor * 10^-exponent, two products in its own precision, with powers
 *     that are correctly rounded; exceptions keep their bits.
 *  3. Vectors that nobody asks for are not looked at.
 */
#ifndef LM_ENCODE_ALP_H
#define LM_ENCODE_ALP_H

#include <lamella/base.h>

typedef struct lm_alp {
    const uint8_t *offsets; /* of the vectors, from here; they lie behind */
    size_t size;            /* from `offsets` on */
    size_t count;           /* values of the page */
    size_t vector_count;    /* values of a vector, but of the last */
    size_t width;           /* 4 or 8 bytes */
} lm_alp;

/* A page's values; the bytes stay the caller's. No bytes at all are no values. */
LM_MUST_USE lm_status lm__alp_open(lm_alp *alp, const uint8_t *src, size_t size, size_t width,
                                   lm_error *error);
/* Values [start, start + count), to `out` of any alignment. */
LM_MUST_USE lm_status lm__alp_decode(const lm_alp *alp, size_t start, size_t count, void *out,
                                     lm_error *error);

#endif
