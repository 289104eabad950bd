/* Integers of 256 bits and decimals as text; see int256.h. */
#include "arrow/int256.h"

#include <string.h>

#include "base/number.h"

typedef unsigned __int128 u128;

lm_i256 lm__i256_from_i64(int64_t value)
{
    uint64_t sign = value < 0 ? UINT64_MAX : 0;
    return (lm_i256){{(uint64_t)value, sign, sign, sign}};
}

lm_i256 lm__i256_from_u64(uint64_t value) { return (lm_i256){{value, 0, 0, 0}}; }

lm_i256 lm__i256_load(const void *from, int32_t width)
{
    lm_i256 value;
    if (width == 32) {
        memcpy(value.limb, from, 32);
    } else if (width == 16) {
        memcpy(value.limb, from, 16);
        value.limb[2] = value.limb[3] = value.limb[1] >> 63 ? UINT64_MAX : 0;
    } else if (width == 8) {
        int64_t narrow;
        memcpy(&narrow, from, 8);
        value = lm__i256_from_i64(narrow);
    } else {
        int32_t narrow;
        memcpy(&narrow, from, 4);
        value = lm__i256_from_i64(narrow);
    }
    return value;
}

bool lm__i256_store(lm_i256 value, void *to, int32_t width)
{
    memcpy(to, value.limb, (size_t)width);
    return lm__i256_compare(lm__i256_load(to, width), value) == 0;
}

int lm__i256_compare(lm_i256 a, lm_i256 b)
{
    bool negative = lm__i256_negative(a);
    if (negative != lm__i256_negative(b)) return negative ? -1 : 1;
    for (int i = 3; i >= 0; i--)
        if (a.limb[i] != b.limb[i]) return a.limb[i] < b.limb[i] ? -1 : 1;
    return 0;
}

lm_i256 lm__i256_add(lm_i256 a, lm_i256 b)
{
    u128 carry = 0;
    for (int i = 0; i < 4; i++) {
        carry += (u128)a.limb[i] + b.limb[i];
        a.limb[i] = (uint64_t)carry;
        carry >>= 64;
    }
    return a;
}

lm_i256 lm__i256_negate(lm_i256 a)
{
    for (int i = 0; i < 4; i++) a.limb[i] = ~a.limb[i];
    return lm__i256_add(a, lm__i256_from_u64(1));
}

lm_i256 lm__i256_absolute(lm_i256 a) { return lm__i256_negative(a) ? lm__i256_negate(a) : a; }

/* The magnitude times a small number; returns what runs over. */
static uint64_t multiply_small(lm_i256 *a, uint64_t factor)
{
    u128 carry = 0;
    for (int i = 0; i < 4; i++) {
        carry += (u128)a->limb[i] * factor;
        a->limb[i] = (uint64_t)carry;
        carry >>= 64;
    }
    return (uint64_t)carry;
}

uint64_t lm__i256_divide_small(lm_i256 *a, uint64_t divisor)
{
    u128 rest = 0;
    for (int i = 3; i >= 0; i--) {
        rest = rest << 64 | a->limb[i];
        a->limb[i] = (uint64_t)(rest / divisor);
        rest %= divisor;
    }
    return (uint64_t)rest;
}

lm_i256 lm__i256_pow10(int n)
{
    lm_i256 power = lm__i256_from_u64(1);
    for (; n > LM_POW10_U64_MAX; n -= LM_POW10_U64_MAX)
        multiply_small(&power, lm__pow10_u64[LM_POW10_U64_MAX]);
    multiply_small(&power, lm__pow10_u64[n]);
    return power;
}

bool lm__i256_scale_up(lm_i256 a, int n, lm_i256 *out)
{
    bool negative = lm__i256_negative(a);
    a = lm__i256_absolute(a);
    if (lm__i256_zero(a)) n = 0;
    for (int step; n > 0; n -= step) {
        step = n < LM_POW10_U64_MAX ? n : LM_POW10_U64_MAX;
        if (multiply_small(&a, lm__pow10_u64[step]) || a.limb[3] >> 63) return false;
    }
    if (a.limb[3] >> 63) return false; /* the one value that has no absolute */
    *out = negative ? lm__i256_negate(a) : a;
    return true;
}

bool lm__i256_scale_down(lm_i256 a, int n, lm_i256 *out)
{
    bool negative = lm__i256_negative(a), exact = true;
    a = lm__i256_absolute(a);
    if (lm__i256_zero(a)) n = 0;
    for (int step; n > 0; n -= step) {
        step = n < LM_POW10_U64_MAX ? n : LM_POW10_U64_MAX;
        if (lm__i256_divide_small(&a, lm__pow10_u64[step])) exact = false;
    }
    *out = negative ? lm__i256_negate(a) : a;
    return exact;
}

bool lm__i256_fits(lm_i256 a, int precision)
{
    a = lm__i256_absolute(a);
    return !lm__i256_negative(a) && lm__i256_compare(a, lm__i256_pow10(precision)) < 0;
}

size_t lm__decimal_text(lm_i256 value, int scale, char text[LM_DECIMAL_TEXT_MAX])
{
    char digits[80]; /* the lowest first */
    int count = 0;
    bool negative = lm__i256_negative(value);
    value = lm__i256_absolute(value);
    while (!lm__i256_zero(value)) {
        uint64_t part = lm__i256_divide_small(&value, lm__pow10_u64[LM_POW10_U64_MAX]);
        bool last = lm__i256_zero(value);
        for (int i = 0; i < LM_POW10_U64_MAX && (!last || part); i++, part /= 10)
            digits[count++] = (char)('0' + part % 10);
    }
    size_t size = 0;
    if (negative) text[size++] = '-';
    int whole = count - scale; /* digits before the point */
    if (whole <= 0 || count == 0) text[size++] = '0';
    for (int i = 0; count > 0 && i < whole; i++)
        text[size++] = i < count ? digits[count - 1 - i] : '0';
    if (scale <= 0) return size;
    text[size++] = '.';
    for (int at = scale - 1; at >= 0; at--) text[size++] = at < count ? digits[at] : '0';
    return size;
}

/* What is left of a text to be read. */
typedef struct cursor {
    const char *at, *end;
} cursor;

static bool read_exponent(cursor *in, int *exponent)
{
    bool minus = in->at < in->end && *in->at == '-';
    if (in->at < in->end && (*in->at == '-' || *in->at == '+')) in->at++;
    if (in->at == in->end) return false;
    int value = 0;
    for (; in->at < in->end && *in->at >= '0' && *in->at <= '9'; in->at++)
        if (value < 100000) value = value * 10 + (*in->at - '0');
    *exponent = minus ? -value : value;
    return in->at == in->end;
}

bool lm__decimal_parse(const char *text, size_t size, int scale, lm_i256 *value, bool *lost)
{
    cursor in = {text, text + size};
    *lost = false;
    bool negative = in.at < in.end && *in.at == '-';
    if (in.at < in.end && (*in.at == '-' || *in.at == '+')) in.at++;
    lm_i256 sum = {0};
    int fraction = 0, exponent = 0, zeroes = 0, digits = 0;
    bool point = false;
    for (; in.at < in.end; in.at++) {
        char c = *in.at;
        if (c == '.' && !point) {
            point = true;
            continue;
        }
        if (c < '0' || c > '9') break;
        digits = 1;
        if (fraction < 100000) fraction += point;
        /* Zeroes wait until a digit follows: those at the end cost nothing. */
        if (c == '0') {
            if (zeroes < 100000) zeroes++;
            continue;
        }
        for (; zeroes >= 0; zeroes--) {
            if (lm__i256_zero(sum)) zeroes = 0;
            if (multiply_small(&sum, 10) || sum.limb[3] >> 63) *lost = true;
            if (*lost) break;
        }
        zeroes = 0;
        sum = lm__i256_add(sum, lm__i256_from_u64((uint64_t)(c - '0')));
        if (lm__i256_negative(sum)) *lost = true;
        if (*lost) sum = (lm_i256){0};
    }
    if (!digits) return *lost = false;
    if (in.at < in.end) {
        if (*in.at != 'e' && *in.at != 'E') return *lost = false;
        in.at++;
        if (!read_exponent(&in, &exponent)) return *lost = false;
    }
    if (*lost) return false;
    if (lm__i256_zero(sum)) {
        *value = sum;
        return true;
    }
    /* sum * 10^(zeroes - fraction + exponent) is the number; times 10^scale is wanted. */
    int shift = zeroes - fraction + exponent + scale;
    bool exact = shift >= 0 ? shift <= 2 * LM_POW10_MAX && lm__i256_scale_up(sum, shift, &sum)
                            : shift >= -2 * LM_POW10_MAX && lm__i256_scale_down(sum, -shift, &sum);
    if (!exact) {
        *lost = true;
        return false;
    }
    *value = negative ? lm__i256_negate(sum) : sum;
    return true;
}
