/* Powers of ten for reading and writing floats; the table is printed by tools/pow10.py. */
#ifndef LM_BASE_NUMBER_POW10_H
#define LM_BASE_NUMBER_POW10_H

#include <stdint.h>

#define LM_POW10_FIRST (-342)
#define LM_POW10_LAST 324

/* The first 128 bits of 10^n, at n - LM_POW10_FIRST. */
typedef struct lm_pow10 {
    uint64_t high, low;
} lm_pow10;
extern const lm_pow10 lm__pow10[LM_POW10_LAST - LM_POW10_FIRST + 1];

#endif
