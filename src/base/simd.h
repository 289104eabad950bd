/*
 * How kernels are compiled: each function for its own level, the rest of the file for the plain
 * processor. A kernel of a level is only ever called when lm__cpu_level() reaches it.
 */
#ifndef LM_BASE_SIMD_H
#define LM_BASE_SIMD_H

#include "base/cpu.h"

#if defined(__x86_64__)
#define LM_SIMD_X86 1
#include <immintrin.h>
#define LM_TARGET_SSE42 __attribute__((target("sse4.2,popcnt")))
#define LM_TARGET_AVX2 __attribute__((target("avx2,bmi,bmi2,lzcnt,popcnt,fma")))
#define LM_AVX512_FEATURES                                                                         \
    "avx2,bmi,bmi2,lzcnt,popcnt,fma,avx512f,avx512bw,avx512dq,avx512vl,avx512vbmi,avx512vbmi2"
#if defined(__clang__)
#define LM_TARGET_AVX512 __attribute__((target(LM_AVX512_FEATURES)))
#else
#define LM_TARGET_AVX512 __attribute__((target(LM_AVX512_FEATURES ",prefer-vector-width=512")))
#endif
#endif

#define LM_ALWAYS_INLINE static inline __attribute__((always_inline))

#endif
