/*
 * Numbers as texts; see number.h. Reading them is number_parse.c.
 *
 * Shortest digits are found by Schubfach (R. Giulietti, "The Schubfach way to render doubles",
 * 2020): the interval of the reals that round to a value is scaled by a power of ten until it holds
 * at least one integer and at most one multiple of ten; three multiplications by a tabled 128-bit
 * power, rounded to odd, decide all comparisons exactly.
 */
#include "base/number.h"

#include <stdio.h>
#include <string.h>

#include "base/number_pow10.h"
#include "base/simd.h"

typedef unsigned __int128 u128;

#define ASCII_ZEROS 0x3030303030303030u
#define TEN_TO_8 100000000u

size_t lm__u64_text(uint64_t value, char text[LM_INTEGER_TEXT_MAX])
{
    size_t size = 0;
    uint64_t rest[2];
    int eights = 0;
    while (value >= TEN_TO_8) {
        rest[eights++] = lm__digits8((uint32_t)(value % TEN_TO_8)) + ASCII_ZEROS;
        value /= TEN_TO_8;
    }
    uint64_t digits = lm__digits8((uint32_t)value);
    /* A one in the place of the last digit: zero has a digit too. */
    int zeros = __builtin_ctzll(digits | (uint64_t)1 << 56) & ~7;
    digits = (digits + ASCII_ZEROS) >> zeros;
    memcpy(text, &digits, 8);
    size = (size_t)(8 - zeros / 8);
    while (eights > 0) {
        memcpy(text + size, &rest[--eights], 8);
        size += 8;
    }
    return size;
}

size_t lm__i64_text(int64_t value, char text[LM_INTEGER_TEXT_MAX])
{
    if (value >= 0) return lm__u64_text((uint64_t)value, text);
    text[0] = '-';
    char digits[LM_INTEGER_TEXT_MAX];
    size_t size = lm__u64_text(-(uint64_t)value, digits);
    memcpy(text + 1, digits, LM_INTEGER_TEXT_MAX - 1);
    return size + 1;
}

/* Shortest digits. */

/* floor(log10(2^e)), of 3/4 * 2^e too, and floor(log2(10^e)), for all exponents of doubles. */
static int log10_pow2(int e, bool three_quarters)
{
    return (e * 1262611 - (three_quarters ? 524031 : 0)) >> 22;
}
static int log2_pow10(int e) { return (e * 1741647) >> 19; }

static uint64_t round_to_odd(uint64_t high, uint64_t low, uint64_t by)
{
    u128 x = (u128)low * by, y = (u128)high * by + (uint64_t)(x >> 64);
    return (uint64_t)(y >> 64) | ((uint64_t)y > 1);
}

static uint64_t round_to_odd_float(uint64_t power, uint64_t by)
{
    u128 product = (u128)power * by;
    return (uint64_t)(product >> 64) | ((uint32_t)((uint64_t)product >> 32) > 1);
}

/* What the two widths share: c * 2^q is the value, below it lies the nearer neighbour or not. */
LM_ALWAYS_INLINE lm_shortest schubfach(uint64_t c, int q, bool nearer_below, bool single)
{
    uint64_t odd = c & 1, left = 4 * c - 2 + nearer_below, vl, v, vr;
    int k = log10_pow2(q, nearer_below), h = q + log2_pow10(-k) + 1;
    uint64_t high = lm__pow10[-k - LM_POW10_FIRST].high, low = lm__pow10[-k - LM_POW10_FIRST].low;
    if (single) {
        high += low != 0;
        vl = round_to_odd_float(high, left << h);
        v = round_to_odd_float(high, 4 * c << h);
        vr = round_to_odd_float(high, (4 * c + 2) << h);
    } else {
        vl = round_to_odd(high, low, left << h);
        v = round_to_odd(high, low, 4 * c << h);
        vr = round_to_odd(high, low, (4 * c + 2) << h);
    }
    uint64_t lower = vl + odd, upper = vr - odd, s = v / 4;
    if (s >= 10) {
        uint64_t tens = s / 10;
        bool under = lower <= 40 * tens, over = 40 * tens + 40 <= upper;
        if (under != over) return (lm_shortest){tens + over, k + 1};
    }
    bool under = lower <= 4 * s, over = 4 * s + 4 <= upper;
    if (under != over) return (lm_shortest){s + over, k};
    uint64_t middle = 4 * s + 2;
    return (lm_shortest){s + (v > middle || (v == middle && (s & 1))), k};
}

/* Zeros may stand at the end of the digits. */
static lm_shortest double_digits(double value)
{
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    uint64_t fraction = bits & 0xfffffffffffff;
    int exponent = (int)(bits >> 52 & 0x7ff);
    if (exponent == 0 && fraction == 0) return (lm_shortest){0, 0};
    uint64_t c = exponent ? fraction | (uint64_t)1 << 52 : fraction;
    int q = exponent ? exponent - 1075 : -1074;
    if (q <= 0 && q > -53 && (c & (((uint64_t)1 << -q) - 1)) == 0)
        return (lm_shortest){c >> -q, 0}; /* an integer */
    return schubfach(c, q, fraction == 0 && exponent > 1, false);
}

static lm_shortest float_digits(float value)
{
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    uint32_t fraction = bits & 0x7fffff;
    int exponent = (int)(bits >> 23 & 0xff);
    if (exponent == 0 && fraction == 0) return (lm_shortest){0, 0};
    uint32_t c = exponent ? fraction | (uint32_t)1 << 23 : fraction;
    int q = exponent ? exponent - 150 : -149;
    if (q <= 0 && q > -24 && (c & (((uint32_t)1 << -q) - 1)) == 0) return (lm_shortest){c >> -q, 0};
    return schubfach(c, q, fraction == 0 && exponent > 1, true);
}

static lm_shortest without_zeros(lm_shortest value)
{
    while (value.digits && value.digits % 10 == 0) {
        value.digits /= 10;
        value.exponent++;
    }
    if (!value.digits) value.exponent = 0;
    return value;
}

lm_shortest lm__double_shortest(double value) { return without_zeros(double_digits(value)); }
lm_shortest lm__float_shortest(float value) { return without_zeros(float_digits(value)); }

/* Their layout. */

static size_t put_exponent(int exponent, char *text)
{
    size_t size = 0;
    text[size++] = 'e';
    text[size++] = exponent < 0 ? '-' : '+';
    if (exponent < 0) exponent = -exponent;
    if (exponent >= 100) text[size++] = (char)('0' + exponent / 100);
    text[size++] = (char)('0' + exponent / 10 % 10);
    text[size++] = (char)('0' + exponent % 10);
    return size;
}

/* At most 17 digits. */
static size_t lay_out(lm_shortest value, char *text)
{
    char all[64]; /* 17 digits, and zeros */
    uint64_t high = value.digits / TEN_TO_8, top = high / TEN_TO_8;
    uint64_t middle = lm__digits8((uint32_t)(high % TEN_TO_8)),
             low = lm__digits8((uint32_t)(value.digits % TEN_TO_8));
    uint64_t ascii_middle = middle + ASCII_ZEROS, ascii_low = low + ASCII_ZEROS;
    memset(all + 17, '0', sizeof all - 17);
    all[0] = (char)('0' + top);
    memcpy(all + 1, &ascii_middle, 8);
    memcpy(all + 9, &ascii_low, 8);
    int first = top      ? 0
                : middle ? 1 + __builtin_ctzll(middle) / 8
                : low    ? 9 + __builtin_ctzll(low) / 8
                         : 16;
    int end = low ? 17 - __builtin_clzll(low) / 8 : middle ? 9 - __builtin_clzll(middle) / 8 : 1;
    int count = end - first, point = value.exponent + 17 - first; /* digits before it */
    if (!value.digits) count = 1;
    const char *digits = all + first;
    if (point > 0 && point <= 16) { /* 123.45, 1200.0 */
        memcpy(text, digits, 16);
        memcpy(text + point + 1, digits + point, 17);
        text[point] = '.';
        return (size_t)(count > point + 1 ? count : point + 1) + 1;
    }
    if (point <= 0 && point > -4) { /* 0.00012 */
        memcpy(text, "0.000000", 8);
        memcpy(text + 2 - point, digits, 17);
        return (size_t)(2 - point + count);
    }
    text[0] = digits[0]; /* 1.5e+300 */
    text[1] = '.';
    memcpy(text + 2, digits + 1, 16);
    size_t size = count > 1 ? (size_t)count + 1 : 1;
    return size + put_exponent(point - 1, text + size);
}

size_t lm__double_text(double value, char text[LM_DOUBLE_TEXT_MAX])
{
    text[0] = '-';
    bool negative = __builtin_signbit(value);
    return negative + lay_out(double_digits(value), text + negative);
}

size_t lm__float_text(float value, char text[LM_DOUBLE_TEXT_MAX])
{
    text[0] = '-';
    bool negative = __builtin_signbit(value);
    return negative + lay_out(float_digits(value), text + negative);
}

size_t lm__decimal_places_text(uint64_t digits, int places, char text[LM_DOUBLE_TEXT_MAX])
{
    return lay_out((lm_shortest){digits, -places}, text);
}

/* A fixed number of places. */

const uint64_t lm__pow10_u64[LM_POW10_U64_MAX + 1] = {1u,
                                                      10u,
                                                      100u,
                                                      1000u,
                                                      10000u,
                                                      100000u,
                                                      1000000u,
                                                      10000000u,
                                                      100000000u,
                                                      1000000000u,
                                                      10000000000u,
                                                      100000000000u,
                                                      1000000000000u,
                                                      10000000000000u,
                                                      100000000000000u,
                                                      1000000000000000u,
                                                      10000000000000000u,
                                                      100000000000000000u,
                                                      1000000000000000000u,
                                                      10000000000000000000u};

/* With zeros before them, up to `width` digits. */
static size_t put_padded(u128 value, int width, char *text)
{
    char digits[48], *end = digits + sizeof digits, *at = end;
    for (; value > 0; value /= 10) *--at = (char)('0' + (int)(value % 10));
    while (end - at < width) *--at = '0';
    memcpy(text, at, (size_t)(end - at));
    return (size_t)(end - at);
}

/* |value| * 10^places, rounded; false when that is no affair of 128 bits. */
static bool scaled(double value, int places, u128 *out)
{
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    uint64_t fraction = bits & 0xfffffffffffff;
    int exponent = (int)(bits >> 52 & 0x7ff);
    int q = exponent ? exponent - 1075 : -1074;
    if (q > 0) return false; /* 2^53 and more */
    u128 whole = (exponent ? fraction | (uint64_t)1 << 52 : fraction);
    if (places > 19) whole *= 10, places--;
    whole *= lm__pow10_u64[places]; /* below 2^120 */
    if (q < -126) {
        *out = 0; /* less than half */
        return true;
    }
    u128 rest = q ? whole & (((u128)1 << -q) - 1) : 0, half = q ? (u128)1 << (-q - 1) : 1;
    whole >>= -q;
    *out = whole + (rest > half || (rest == half && (whole & 1)));
    return true;
}

size_t lm__double_fixed(double value, int places, char text[LM_FIXED_TEXT_MAX])
{
    u128 whole;
    size_t size = 0;
    if (!scaled(value, places, &whole)) { /* an integer: no rounding, and no point of the locale */
        size = (size_t)snprintf(text, LM_FIXED_TEXT_MAX, "%.0f", value);
        if (places > 0) text[size++] = '.';
        memset(text + size, '0', (size_t)places);
        return size + (size_t)places;
    }
    if (__builtin_signbit(value)) text[size++] = '-';
    if (whole >> 64) {
        size += put_padded(whole, places + 1, text + size);
    } else {
        char digits[LM_INTEGER_TEXT_MAX];
        size_t count = lm__u64_text((uint64_t)whole, digits);
        size_t pad = (size_t)places + 1 > count ? (size_t)places + 1 - count : 0;
        memset(text + size, '0', pad);
        memcpy(text + size + pad, digits, count);
        size += pad + count;
    }
    if (places == 0) return size;
    memmove(text + size - places + 1, text + size - places, (size_t)places);
    text[size - (size_t)places] = '.';
    return size + 1;
}
