/*
 * The RLE / bit-packed hybrid (Encodings.md, "Run Length Encoding / Bit-Packing Hybrid"): levels,
 * dictionary indices and booleans. None of these functions writes or reads the length prefix of v1
 * levels or the width byte before dictionary indices, except where its comment says so.
 *
 * Invariants
 *  1. A bit-packed run is a multiple of 8 values; only the last run of a stream is padded.
 *  2. An RLE run is written only where it is smaller than packing the same values.
 *  3. A decoder reads nothing outside [src, src + size). A run longer than what is asked is not an
 *     error; a stream that ends before the values asked for is LM_CORRUPT, and so is an RLE run of
 *     length 0 and a bit-packed run of no groups, which no writer has a reason to make.
 *  4. After an error the decoder must not be used.
 */
#ifndef LM_ENCODE_RLE_H
#define LM_ENCODE_RLE_H

#include <lamella/base.h>

#include "base/cpu.h"
#include "encode/bits.h"

/* Worst case for `count` values, slack included. */
size_t lm__rle_bound(size_t count, unsigned width);

/* Each returns the bytes written to `out`, which has lm__rle_bound() bytes of room. Values fit
 * width (at most 8, 16, 32); width 0 gives a stream of one run. */
size_t lm__rle_encode8(const uint8_t *values, size_t count, unsigned width, uint8_t *out);
size_t lm__rle_encode16(const uint16_t *values, size_t count, unsigned width, uint8_t *out);
size_t lm__rle_encode32(const uint32_t *values, size_t count, unsigned width, uint8_t *out);
/* Width 1, value i is bit i: definition levels of an optional column from its validity. */
size_t lm__rle_encode_bits(lm_bits bits, size_t count, uint8_t *out);
/* `count` times the same value. */
size_t lm__rle_encode_repeat(uint32_t value, size_t count, unsigned width, uint8_t *out);
/* The RLE encoding of BOOLEAN values: a 4-byte length, then width 1. Room: lm__rle_bound() + 4. */
size_t lm__rle_encode_bools(lm_bits bits, size_t count, uint8_t *out);

typedef struct lm_rle_decoder {
    const uint8_t *at, *end; /* at the next run's header; inside packed groups for a packed run */
    const uint8_t *packed;   /* first byte of the packed run, or NULL in an RLE run */
    size_t packed_size;      /* its bytes */
    size_t taken;            /* values of the run that are used up */
    size_t length;           /* values in the run */
    uint32_t value;          /* of the RLE run */
    unsigned width;
} lm_rle_decoder;

/* LM_CORRUPT when width is above 32. */
LM_MUST_USE lm_status lm__rle_decoder_init(lm_rle_decoder *decoder, const void *src, size_t size,
                                           unsigned width, lm_error *error);
/* The same for BOOLEAN values: reads the 4-byte length first. */
LM_MUST_USE lm_status lm__rle_decoder_init_bools(lm_rle_decoder *decoder, const void *src,
                                                 size_t size, lm_error *error);

/* The next `count` values. get8 and get16 need a width of at most 8 and 16 (LM_CORRUPT). */
LM_MUST_USE lm_status lm__rle_get8(lm_rle_decoder *decoder, uint8_t *out, size_t count,
                                   lm_error *error);
LM_MUST_USE lm_status lm__rle_get16(lm_rle_decoder *decoder, uint16_t *out, size_t count,
                                    lm_error *error);
LM_MUST_USE lm_status lm__rle_get32(lm_rle_decoder *decoder, uint32_t *out, size_t count,
                                    lm_error *error);
/* Width 1 only: the next `count` values as bits of `out` from out_offset; bits before it keep their
 * values, those after the last up to the byte's end are unspecified. *ones gets how many are set.
 */
LM_MUST_USE lm_status lm__rle_get_bits(lm_rle_decoder *decoder, uint8_t *out, size_t out_offset,
                                       size_t count, size_t *ones, lm_error *error);
/* *matches (may be NULL) gets how many of the skipped values were `value`: how many leaves lie
 * below skipped levels. */
LM_MUST_USE lm_status lm__rle_skip(lm_rle_decoder *decoder, size_t count, uint32_t value,
                                   size_t *matches, lm_error *error);
/* The next `count` values looked up in a dictionary; an index past it is LM_CORRUPT. */
LM_MUST_USE lm_status lm__rle_gather32(lm_rle_decoder *decoder, const uint32_t *dictionary,
                                       size_t dictionary_count, uint32_t *out, size_t count,
                                       lm_error *error);
LM_MUST_USE lm_status lm__rle_gather64(lm_rle_decoder *decoder, const uint64_t *dictionary,
                                       size_t dictionary_count, uint64_t *out, size_t count,
                                       lm_error *error);

/* Levels in the deprecated BIT_PACKED encoding (Encodings.md, "Bit-packed (Deprecated)"): most
 * significant bit first, no headers. Width 0 to 16. *consumed gets ceil(count * width / 8). */
LM_MUST_USE lm_status lm__bit_packed_levels(const uint8_t *src, size_t size, size_t count,
                                            unsigned width, uint16_t *out, size_t *consumed,
                                            lm_error *error);

/* Run detection of one level, for the tests: the length of the run of equal values at the start,
 * and the start of the first run of at least 8 (or of `count` when there is none). */
typedef struct lm_rle_kernels {
    size_t (*run8)(const uint8_t *values, size_t count);
    size_t (*run16)(const uint16_t *values, size_t count);
    size_t (*run32)(const uint32_t *values, size_t count);
    size_t (*find8)(const uint8_t *values, size_t count);
    size_t (*find16)(const uint16_t *values, size_t count);
    size_t (*find32)(const uint32_t *values, size_t count);
    bool (*gather32)(const uint32_t *indices, size_t count, const uint32_t *dictionary,
                     size_t dictionary_count, uint32_t *out);
    bool (*gather64)(const uint32_t *indices, size_t count, const uint64_t *dictionary,
                     size_t dictionary_count, uint64_t *out);
} lm_rle_kernels;
const lm_rle_kernels *lm__rle_kernels(lm_cpu_level level);

#endif
