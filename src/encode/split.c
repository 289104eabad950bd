/*
 * BYTE_STREAM_SPLIT (split.h).
 */
#include "encode/split.h"

#include "base/error.h"

static void encode_scalar(const uint8_t *values, size_t count, size_t width, uint8_t *out)
{
    for (size_t k = 0; k < width; k++)
        for (size_t i = 0; i < count; i++) out[k * count + i] = values[i * width + k];
}

static void decode_scalar(const uint8_t *src, size_t stride, size_t count, size_t width,
                          uint8_t *out)
{
    for (size_t k = 0; k < width; k++)
        for (size_t i = 0; i < count; i++) out[i * width + k] = src[k * stride + i];
}

const lm_split_kernels *lm__split_kernels(lm_cpu_level level)
{
    static const lm_split_kernels scalar = {encode_scalar, decode_scalar};
    (void)level;
    return &scalar;
}

void lm__split_encode(const void *values, size_t count, size_t width, uint8_t *out)
{
    lm__split_kernels(lm__cpu_level())->encode(values, count, width, out);
}

lm_status lm__split_decode(const uint8_t *src, size_t size, size_t start, size_t count,
                           size_t width, void *out, lm_error *error)
{
    if (width == 0 || size % width != 0)
        return lm__error_set(error, LM_CORRUPT,
                             "BYTE_STREAM_SPLIT data: %zu bytes of values of %zu", size, width);
    size_t stride = size / width;
    if (start > stride || count > stride - start)
        return lm__error_set(error, LM_CORRUPT, "BYTE_STREAM_SPLIT data: ends before its values");
    if (count) lm__split_kernels(lm__cpu_level())->decode(src + start, stride, count, width, out);
    return LM_OK;
}
