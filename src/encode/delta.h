/*
 * DELTA_BINARY_PACKED, DELTA_LENGTH_BYTE_ARRAY and DELTA_BYTE_ARRAY (Encodings.md, the sections
 * "Delta Encoding", "Delta-length byte array", "Delta Strings"), both ways.
 *
 * Ours are written with blocks of 128 values in 4 miniblocks of 32; any legal header is read.
 * Deltas wrap around in the width of the type, as the specification says; those of 32-bit values
 * are read where they do not, too.
 *
 * Invariants
 *  1. Encoders write into room that the caller has reserved (the bound, slack and work space
 * included) and return the bytes written.
 *  2. Decoders take any bytes, read nothing outside [src, src + size), write exactly the values
 *     expected, and answer LM_CORRUPT to a stream that holds fewer or more of them than expected.
 */
#ifndef LM_ENCODE_DELTA_H
#define LM_ENCODE_DELTA_H

#include <lamella/base.h>

#include "base/buffer.h"
#include "base/cpu.h"
#include "encode/bits.h"

size_t lm__delta32_bound(size_t count);
size_t lm__delta64_bound(size_t count);
size_t lm__delta32_encode(const int32_t *values, size_t count, uint8_t *out);
size_t lm__delta64_encode(const int64_t *values, size_t count, uint8_t *out);

/* *consumed gets where the stream ends. */
LM_MUST_USE lm_status lm__delta32_decode(const uint8_t *src, size_t size, size_t count,
                                         int32_t *out, size_t *consumed, lm_error *error);
LM_MUST_USE lm_status lm__delta64_decode(const uint8_t *src, size_t size, size_t count,
                                         int64_t *out, size_t *consumed, lm_error *error);

/* Strings: `bytes` is lm__strings_bytes(), count the strings with the nulls. FLBA too, by
 * LM_STRINGS_FIXED. */
size_t lm__delta_length_bound(size_t bytes, size_t count);
size_t lm__delta_length_encode(const lm_strings *strings, lm_bits valid, size_t count,
                               uint8_t *out);
size_t lm__delta_strings_bound(size_t bytes, size_t count);
size_t lm__delta_strings_encode(const lm_strings *strings, lm_bits valid, size_t count,
                                uint8_t *out);

/*
 * Reading strings takes two steps, since the size of their bytes must be known before there is room
 * for them: open decodes the lengths and checks all that can be, read writes.
 *
 *     lm__delta_length_open(&reader, allocator, src, size, count, error)
 *     … room for reader.data_bytes and slack …
 *     lm__delta_reader_read32(&reader, base, offsets, data, error)
 *     lm__delta_reader_close(&reader)
 */
typedef struct lm_delta_reader {
    const lm_allocator *allocator;
    lm_slice before;
    int32_t *prefixes, *suffixes; /* prefixes NULL for DELTA_LENGTH_BYTE_ARRAY */
    size_t count;
    const uint8_t *bytes;
    size_t suffix_bytes;
    size_t data_bytes; /* of all the strings */
    size_t consumed;   /* bytes of src */
} lm_delta_reader;

/* LM_LIMIT when the strings together pass LM_STRINGS_BYTES_MAX. */
LM_MUST_USE lm_status lm__delta_length_open(lm_delta_reader *reader, const lm_allocator *allocator,
                                            const uint8_t *src, size_t size, size_t count,
                                            lm_error *error);
/* `before` is what the first string may share a prefix with, and has slack: nothing, but in files
 * of a writer that went on from page to page. It must live as long as the reader. */
LM_MUST_USE lm_status lm__delta_strings_open(lm_delta_reader *reader, const lm_allocator *allocator,
                                             const uint8_t *src, size_t size, size_t count,
                                             lm_slice before, lm_error *error);
/* count + 1 offsets, the first is `base`; data has room for data_bytes and slack. */
LM_MUST_USE lm_status lm__delta_reader_read32(const lm_delta_reader *reader, int32_t base,
                                              int32_t *offsets, uint8_t *data, lm_error *error);
LM_MUST_USE lm_status lm__delta_reader_read64(const lm_delta_reader *reader, int64_t base,
                                              int64_t *offsets, uint8_t *data, lm_error *error);
/* For FIXED_LEN_BYTE_ARRAY: LM_CORRUPT when a string is not `width` long; count * width bytes. */
LM_MUST_USE lm_status lm__delta_reader_read_fixed(const lm_delta_reader *reader, size_t width,
                                                  uint8_t *data, lm_error *error);
/* Makes of `before`, in its place, the last string, and slack: for the reader of the next page. */
LM_MUST_USE lm_status lm__delta_reader_last(const lm_delta_reader *reader, lm_buffer *before,
                                            lm_error *error);
void lm__delta_reader_close(lm_delta_reader *reader);

/* One block's kernels of one level, for the tests. */
typedef struct lm_delta_kernels {
    /* deltas[i] = values[i] - values[i - 1] - their least, for 128 values; ors[m] gathers the bits
     * of miniblock m; returns the least delta. */
    int32_t (*block32)(const int32_t *values, uint32_t *deltas, uint32_t ors[4]);
    int64_t (*block64)(const int64_t *values, uint64_t *deltas, uint64_t ors[4]);
    /* values[i] = last + the sum of (deltas[0 … i] + least); in place; returns the last value. */
    uint32_t (*sum32)(uint32_t *deltas, size_t count, uint32_t least, uint32_t last);
    uint64_t (*sum64)(uint64_t *deltas, size_t count, uint64_t least, uint64_t last);
} lm_delta_kernels;
const lm_delta_kernels *lm__delta_kernels(lm_cpu_level level);

#endif
