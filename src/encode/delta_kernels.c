/*
 * Kernels of DELTA_BINARY_PACKED (delta.h): the deltas of one block with their least and the bits
 * they need, and the sums that turn deltas into values again. All arithmetic wraps around.
 */
#include "encode/delta.h"

#define BLOCK_VALUES 128
#define MINI_VALUES 32

#define DELTA_SCALAR(bits)                                                                         \
    static int##bits##_t block##bits##_scalar(const int##bits##_t *values, uint##bits##_t *deltas, \
                                              uint##bits##_t ors[4])                               \
    {                                                                                              \
        int##bits##_t least = INT##bits##_MAX;                                                     \
        for (int i = 0; i < BLOCK_VALUES; i++) {                                                   \
            deltas[i] = (uint##bits##_t)values[i] - (uint##bits##_t)values[i - 1];                 \
            if ((int##bits##_t)deltas[i] < least) least = (int##bits##_t)deltas[i];                \
        }                                                                                          \
        for (int m = 0; m < 4; m++) {                                                              \
            ors[m] = 0;                                                                            \
            for (int i = m * MINI_VALUES; i < (m + 1) * MINI_VALUES; i++)                          \
                ors[m] |= deltas[i] -= (uint##bits##_t)least;                                      \
        }                                                                                          \
        return least;                                                                              \
    }                                                                                              \
                                                                                                   \
    static uint##bits##_t sum##bits##_scalar(uint##bits##_t *deltas, size_t count,                 \
                                             uint##bits##_t least, uint##bits##_t last)            \
    {                                                                                              \
        for (size_t i = 0; i < count; i++) deltas[i] = last += deltas[i] + least;                  \
        return last;                                                                               \
    }

DELTA_SCALAR(32)
DELTA_SCALAR(64)

const lm_delta_kernels *lm__delta_kernels(lm_cpu_level level)
{
    static const lm_delta_kernels scalar = {block32_scalar, block64_scalar, sum32_scalar,
                                            sum64_scalar};
    (void)level;
    return &scalar;
}
