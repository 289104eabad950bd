/*
 * Integers of 256 bits, for decimals: two's complement, four limbs, the lowest first. Decimals of
 * every width pass through them where speed does not matter; the hot paths use __int128.
 */
#ifndef LM_ARROW_INT256_H
#define LM_ARROW_INT256_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct lm_i256 {
    uint64_t limb[4];
} lm_i256;

#define LM_POW10_MAX 76 /* 10^76 < 2^255 < 10^77 */

static inline bool lm__i256_negative(lm_i256 a) { return a.limb[3] >> 63; }
static inline bool lm__i256_zero(lm_i256 a)
{
    return (a.limb[0] | a.limb[1] | a.limb[2] | a.limb[3]) == 0;
}
lm_i256 lm__i256_from_i64(int64_t value);
lm_i256 lm__i256_from_u64(uint64_t value);
/* Little-endian two's complement of 4, 8, 16 or 32 bytes, at any address. */
lm_i256 lm__i256_load(const void *from, int32_t width);
/* False (and the low bytes are stored) when it does not fit. */
bool lm__i256_store(lm_i256 value, void *to, int32_t width);
int lm__i256_compare(lm_i256 a, lm_i256 b);
lm_i256 lm__i256_negate(lm_i256 a);
lm_i256 lm__i256_absolute(lm_i256 a);
lm_i256 lm__i256_add(lm_i256 a, lm_i256 b); /* wraps */
/* 10^n; n from 0 to LM_POW10_MAX. */
lm_i256 lm__i256_pow10(int n);
/* a * 10^n; false when that overflows. */
bool lm__i256_scale_up(lm_i256 a, int n, lm_i256 *out);
/* a / 10^n towards zero; true when nothing was lost. */
bool lm__i256_scale_down(lm_i256 a, int n, lm_i256 *out);
/* -10^p < a < 10^p */
bool lm__i256_fits(lm_i256 a, int precision);
/* Divides |a| by a small number; returns the remainder. */
uint64_t lm__i256_divide_small(lm_i256 *a, uint64_t divisor);

/* A decimal as text: "-12.30", "0.001"; negative scales with zeroes. Not terminated; returns the
 * length. */
#define LM_DECIMAL_TEXT_MAX 160
size_t lm__decimal_text(lm_i256 value, int scale, char text[LM_DECIMAL_TEXT_MAX]);
/* [+-]digits[.digits][e[+-]digits], rescaled to `scale`. False when it is not such a text, or when
 * digits would be lost (*lost is true then) or it overflows 256 bits (also lost). */
bool lm__decimal_parse(const char *text, size_t size, int scale, lm_i256 *value, bool *lost);

#endif
