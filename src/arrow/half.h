/* IEEE 754 half precision, to and from float, in plain integer arithmetic. */
#ifndef LM_ARROW_HALF_H
#define LM_ARROW_HALF_H

#include <stdint.h>
#include <string.h>

static inline float lm__half_to_float(uint16_t half)
{
    uint32_t sign = (uint32_t)(half & 0x8000) << 16, exponent = half >> 10 & 0x1f,
             fraction = half & 0x3ff, bits;
    if (exponent == 0x1f) {
        bits = sign | 0x7f800000u | fraction << 13;
    } else if (exponent) {
        bits = sign | (exponent + 112) << 23 | fraction << 13;
    } else if (fraction) { /* subnormal: fraction * 2^-24 */
        int shift = __builtin_clz(fraction) - 21;
        bits = sign | (uint32_t)(113 - shift) << 23 | (fraction << shift & 0x3ff) << 13;
    } else {
        bits = sign;
    }
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

/* To the nearest, ties to even; what is too large becomes infinity. NaN keeps being one. */
static inline uint16_t lm__half_from_float(float value)
{
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    uint32_t sign = bits >> 16 & 0x8000, rest = bits & 0x7fffffffu;
    if (rest >= 0x7f800000u) /* infinity and NaN */
        return (uint16_t)(sign | 0x7c00u |
                          (rest > 0x7f800000u ? 0x200u | (rest >> 13 & 0x3ff) : 0));
    if (rest >= 0x477ff000u) return (uint16_t)(sign | 0x7c00u); /* 65520 and more */
    if (rest >= 0x38800000u) {                                  /* normal */
        uint32_t half = (rest - 0x38000000u) >> 13, lost = rest & 0x1fff;
        half += lost > 0x1000 || (lost == 0x1000 && (half & 1));
        return (uint16_t)(sign | half);
    }
    if (rest < 0x33000000u) return (uint16_t)sign; /* less than half of the least */
    uint32_t exponent = rest >> 23, fraction = (rest & 0x7fffff) | 0x800000;
    uint32_t shift = 126 - exponent, half = fraction >> shift;
    uint32_t lost = fraction & ((1u << shift) - 1), tie = 1u << (shift - 1);
    half += lost > tie || (lost == tie && (half & 1));
    return (uint16_t)(sign | half);
}

#endif
