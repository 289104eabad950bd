/*
 * What this processor can do, found once. Kernels choose by it;
 * LAMELLA_CPU=scalar|sse42|avx2|avx512 in the environment lowers it, so that tests and users can
 * hold the slower paths to the same answers.
 */
#ifndef LM_BASE_CPU_H
#define LM_BASE_CPU_H

typedef enum lm_cpu_level {
    LM_CPU_SCALAR = 0,
    LM_CPU_SSE42 = 1,  /* with popcnt and pclmulqdq */
    LM_CPU_AVX2 = 2,   /* with bmi1, bmi2, fma, lzcnt */
    LM_CPU_AVX512 = 3, /* f, bw, dq, vl, vbmi, vbmi2; with vpclmulqdq */
} lm_cpu_level;

lm_cpu_level lm__cpu_level(void);

#endif
