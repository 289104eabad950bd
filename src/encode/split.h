/*
 * BYTE_STREAM_SPLIT (Encodings.md, "Byte Stream Split"): byte k of every value stands in stream k,
 * the streams one after the other. Any width; kernels for 2, 4, 8 and 16.
 */
#ifndef LM_ENCODE_SPLIT_H
#define LM_ENCODE_SPLIT_H

#include <lamella/base.h>

#include "base/cpu.h"
#include "encode/bits.h"

/* `count` values of `width` bytes; writes exactly count * width bytes. */
void lm__split_encode(const void *values, size_t count, size_t width, uint8_t *out);
/* Values [start, start + count) of a page that holds size / width of them. LM_CORRUPT when size is
 * no multiple of width or the page holds too few. */
LM_MUST_USE lm_status lm__split_decode(const uint8_t *src, size_t size, size_t start, size_t count,
                                       size_t width, void *out, lm_error *error);

typedef struct lm_split_kernels {
    void (*encode)(const uint8_t *values, size_t count, size_t width, uint8_t *out);
    /* Stream k starts at src + k * stride. */
    void (*decode)(const uint8_t *src, size_t stride, size_t count, size_t width, uint8_t *out);
} lm_split_kernels;
const lm_split_kernels *lm__split_kernels(lm_cpu_level level);

#endif
