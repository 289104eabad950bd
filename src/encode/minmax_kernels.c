/*
 * The least and the greatest of values without nulls: a loop that the compiler turns into each
 * level's vectors for integers, and by hand for floats, whose NaNs it would not pass over.
 */
#include "base/simd.h"
#include "encode/minmax.h"

#define INTEGER_BODY(name, type)                                                                   \
    LM_ALWAYS_INLINE void name##_body(const type *values, size_t count, type *min, type *max)      \
    {                                                                                              \
        type least = values[0], most = values[0];                                                  \
        for (size_t i = 1; i < count; i++) {                                                       \
            least = values[i] < least ? values[i] : least;                                         \
            most = values[i] > most ? values[i] : most;                                            \
        }                                                                                          \
        *min = least;                                                                              \
        *max = most;                                                                               \
    }
#define INTEGER_LEVEL(name, type, level, target)                                                   \
    target static void name##_##level(const type *values, size_t count, type *min, type *max)      \
    {                                                                                              \
        name##_body(values, count, min, max);                                                      \
    }
#define INTEGER(name, type)                                                                        \
    INTEGER_BODY(name, type)                                                                       \
    INTEGER_LEVEL(name, type, scalar, )                                                            \
    INTEGER_SIMD(name, type)

#ifdef LM_SIMD_X86
#define INTEGER_SIMD(name, type)                                                                   \
    INTEGER_LEVEL(name, type, avx2, LM_TARGET_AVX2)                                                \
    INTEGER_LEVEL(name, type, avx512, LM_TARGET_AVX512)
#else
#define INTEGER_SIMD(name, type)
#endif

INTEGER(i8, int8_t)
INTEGER(u8, uint8_t)
INTEGER(i16, int16_t)
INTEGER(u16, uint16_t)
INTEGER(i32, int32_t)
INTEGER(u32, uint32_t)
INTEGER(i64, int64_t)
INTEGER(u64, uint64_t)

#define FLOAT_SCALAR(name, type)                                                                   \
    static size_t name##_scalar(const type *values, size_t count, type *min, type *max)            \
    {                                                                                              \
        type least = (type)INFINITY, most = -(type)INFINITY;                                       \
        size_t nans = 0;                                                                           \
        for (size_t i = 0; i < count; i++) {                                                       \
            nans += values[i] != values[i];                                                        \
            least = values[i] < least ? values[i] : least;                                         \
            most = values[i] > most ? values[i] : most;                                            \
        }                                                                                          \
        *min = least;                                                                              \
        *max = most;                                                                               \
        return nans;                                                                               \
    }

#include <math.h>
FLOAT_SCALAR(f32, float)
FLOAT_SCALAR(f64, double)

#ifdef LM_SIMD_X86
/* min_pd(a, b) is b when one of them is NaN: with the value first, NaNs fall away. */
#define FLOAT_SIMD(name, type, level, target, vector, lanes, set1, loadu, vmin, vmax, nan_count)   \
    target static size_t name##_##level(const type *values, size_t count, type *min, type *max)    \
    {                                                                                              \
        vector least0 = set1((type)INFINITY), least1 = least0;                                     \
        vector most0 = set1(-(type)INFINITY), most1 = most0;                                       \
        size_t i = 0, nans = 0;                                                                    \
        for (; i + 2 * lanes <= count; i += 2 * lanes) {                                           \
            vector a = loadu(values + i), b = loadu(values + i + lanes);                           \
            nans += nan_count(a) + nan_count(b);                                                   \
            least0 = vmin(a, least0);                                                              \
            least1 = vmin(b, least1);                                                              \
            most0 = vmax(a, most0);                                                                \
            most1 = vmax(b, most1);                                                                \
        }                                                                                          \
        type low[lanes], high[lanes];                                                              \
        vector least = vmin(least0, least1), most = vmax(most0, most1);                            \
        memcpy(low, &least, sizeof low);                                                           \
        memcpy(high, &most, sizeof high);                                                          \
        for (size_t k = 1; k < lanes; k++) {                                                       \
            low[0] = low[k] < low[0] ? low[k] : low[0];                                            \
            high[0] = high[k] > high[0] ? high[k] : high[0];                                       \
        }                                                                                          \
        for (; i < count; i++) {                                                                   \
            nans += values[i] != values[i];                                                        \
            low[0] = values[i] < low[0] ? values[i] : low[0];                                      \
            high[0] = values[i] > high[0] ? values[i] : high[0];                                   \
        }                                                                                          \
        *min = low[0];                                                                             \
        *max = high[0];                                                                            \
        return nans;                                                                               \
    }

#define NANS_PS(v)                                                                                 \
    (size_t) __builtin_popcount(_mm256_movemask_ps(_mm256_cmp_ps(v, v, _CMP_UNORD_Q)))
#define NANS_PD(v)                                                                                 \
    (size_t) __builtin_popcount(_mm256_movemask_pd(_mm256_cmp_pd(v, v, _CMP_UNORD_Q)))
#define NANS512_PS(v) (size_t) __builtin_popcount(_mm512_cmp_ps_mask(v, v, _CMP_UNORD_Q))
#define NANS512_PD(v) (size_t) __builtin_popcount(_mm512_cmp_pd_mask(v, v, _CMP_UNORD_Q))

FLOAT_SIMD(f32, float, avx2, LM_TARGET_AVX2, __m256, 8, _mm256_set1_ps, _mm256_loadu_ps,
           _mm256_min_ps, _mm256_max_ps, NANS_PS)
FLOAT_SIMD(f64, double, avx2, LM_TARGET_AVX2, __m256d, 4, _mm256_set1_pd, _mm256_loadu_pd,
           _mm256_min_pd, _mm256_max_pd, NANS_PD)
FLOAT_SIMD(f32, float, avx512, LM_TARGET_AVX512, __m512, 16, _mm512_set1_ps, _mm512_loadu_ps,
           _mm512_min_ps, _mm512_max_ps, NANS512_PS)
FLOAT_SIMD(f64, double, avx512, LM_TARGET_AVX512, __m512d, 8, _mm512_set1_pd, _mm512_loadu_pd,
           _mm512_min_pd, _mm512_max_pd, NANS512_PD)
#endif

#define KERNELS(level)                                                                             \
    {                                                                                              \
        i8_##level, u8_##level, i16_##level, u16_##level, i32_##level, u32_##level, i64_##level,   \
            u64_##level, f32_##level, f64_##level                                                  \
    }

const lm_minmax_kernels *lm__minmax_kernels(lm_cpu_level level)
{
    static const lm_minmax_kernels scalar = KERNELS(scalar);
#ifdef LM_SIMD_X86
    static const lm_minmax_kernels avx2 = KERNELS(avx2), avx512 = KERNELS(avx512);
    if (level >= LM_CPU_AVX512) return &avx512;
    if (level >= LM_CPU_AVX2) return &avx2;
#endif
    (void)level;
    return &scalar;
}
