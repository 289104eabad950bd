/*
 * Decompression of what comes piece by piece: gzip (RFC 1952, by ISA-L) and zstd (RFC 8878), any
 * number of members or frames one after the other, as the commands of those names read them.
 *
 * Invariants
 *  1. Nothing is written outside the output, nor read outside the input.
 *  2. Checksums are compared where there are any. An end within a member is LM_CORRUPT.
 */
#ifndef LM_CODEC_UNPACK_H
#define LM_CODEC_UNPACK_H

#include <lamella/codec.h>

#include <lamella/base.h>

typedef struct lm_unpack lm_unpack;

typedef struct lm_unpack_step {
    const uint8_t *in;
    size_t in_size; /* what is left of it, afterwards */
    uint8_t *out;
    size_t out_size; /* likewise */
} lm_unpack_step;

/* LM_CODEC_GZIP or LM_CODEC_ZSTD. */
LM_MUST_USE lm_status lm__unpack_new(const lm_allocator *allocator, lm_codec codec,
                                     lm_unpack **unpack, lm_error *error);
void lm__unpack_free(lm_unpack *unpack); /* takes NULL */
/* Goes on until the input is used up or the output is full. */
LM_MUST_USE lm_status lm__unpack_run(lm_unpack *unpack, lm_unpack_step *step, lm_error *error);
/* Whether what came so far ends where a member does. */
bool lm__unpack_ended(const lm_unpack *unpack);
/* By the first four bytes; LM_CODEC_UNCOMPRESSED for any others. */
lm_codec lm__unpack_codec(const uint8_t *head, size_t size);

#endif
