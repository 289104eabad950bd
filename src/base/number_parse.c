/*
 * Numbers from texts; see number.h.
 *
 * Up to 19 digits are read as an integer w, so that the value is w * 10^q. Where w and 10^q are
 * exact doubles one operation rounds correctly (Clinger); else w is multiplied by 128 bits of 10^q
 * (D. Lemire, "Number parsing at a gigabyte per second", 2021), which is enough for every 64-bit w.
 * With more digits both w and w + 1 are tried; where they differ the C library is asked, with a
 * text that has no point in it and so means the same in every locale.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/number.h"
#include "base/number_pow10.h"
#include "base/simd.h"

typedef unsigned __int128 u128;

#define EXPONENT_LIMIT 100000000
/* No tie between two doubles has more digits than 768; one more tells that something follows. */
#define DIGITS_KEPT 780

typedef struct decimal_text {
    const char *digits, *end; /* with the point among them, up to the exponent */
    int64_t exponent;         /* of all digits, read as an integer */
    uint64_t w;
    int64_t q;
    bool negative, cut; /* cut: w has the first 19 digits only */
} decimal_text;

static bool is_digit(char c) { return (unsigned char)(c - '0') < 10; }

static const char *take_digits(const char *at, const char *end, uint64_t *w)
{
    uint64_t sum = *w, eight;
    while (end - at >= 8 && lm__digits_value(at, 8, &eight)) {
        sum = sum * 100000000 + eight;
        at += 8;
    }
    for (; at < end && is_digit(*at); at++) sum = sum * 10 + (uint64_t)(*at - '0');
    *w = sum;
    return at;
}

/* The first 19 digits of `count`, which does not count zeros in front. */
static void cut_digits(decimal_text *number, int64_t count)
{
    const char *at = number->digits;
    number->w = 0;
    for (int taken = 0; taken < 19; at++) {
        if (*at == '.') continue;
        number->w = number->w * 10 + (uint64_t)(*at - '0');
        taken += number->w != 0;
    }
    number->q += count - 19;
    number->cut = true;
}

static bool scan(const char *at, const char *end, decimal_text *number)
{
    number->negative = false;
    if (at < end && (*at == '-' || *at == '+')) number->negative = *at++ == '-';
    const char *digits = at;
    uint64_t w = 0;
    int64_t fraction = 0, exponent = 0;
    at = take_digits(at, end, &w);
    int64_t count = at - digits;
    if (at < end && *at == '.') {
        const char *first = ++at;
        at = take_digits(at, end, &w);
        fraction = at - first;
        count += fraction;
    }
    if (count == 0) return false;
    number->digits = digits;
    number->end = at;
    if (at < end && (*at == 'e' || *at == 'E')) {
        at++;
        bool below = at < end && *at == '-';
        if (at < end && (*at == '-' || *at == '+')) at++;
        if (at == end) return false;
        for (; at < end && is_digit(*at); at++)
            if (exponent < EXPONENT_LIMIT) exponent = exponent * 10 + (*at - '0');
        if (below) exponent = -exponent;
        if (!is_digit(at[-1])) return false;
    }
    if (at != end) return false;
    number->w = w;
    number->q = number->exponent = exponent - fraction;
    number->cut = false;
    if (__builtin_expect(count <= 19, 1)) return true;
    for (at = digits; at < number->end && (*at == '0' || *at == '.'); at++) count -= *at == '0';
    if (count > 19) cut_digits(number, count);
    return true;
}

/* What tells the two widths apart. */
typedef struct float_kind {
    int fraction_bits, exponent_least, exponent_infinite, q_least, q_most;
    int tie_q_least, tie_q_most; /* where a product can lie exactly between two values */
} float_kind;

static const float_kind of_double = {52, -1023, 0x7ff, -342, 308, -4, 23};
static const float_kind of_float = {23, -127, 0xff, -65, 38, -17, 10};

/* The bits of w * 10^q; false when 128 bits of the power do not tell. */
LM_ALWAYS_INLINE bool nearest(uint64_t w, int64_t q, const float_kind *kind, uint64_t *bits)
{
    *bits = 0;
    if (w == 0 || q < kind->q_least) return true;
    *bits = (uint64_t)kind->exponent_infinite << kind->fraction_bits;
    if (q > kind->q_most) return true;
    int shift = __builtin_clzll(w), drop = 64 - kind->fraction_bits - 3;
    w <<= shift;
    uint64_t high = lm__pow10[q - LM_POW10_FIRST].high, low = lm__pow10[q - LM_POW10_FIRST].low;
    if (q < -27 || q > 55) low--; /* the table rounds up; here it must not (it is never zero) */
    u128 product = (u128)w * high;
    if (((uint64_t)(product >> 64) & ((UINT64_C(1) << drop) - 1)) == (UINT64_C(1) << drop) - 1) {
        product += (u128)w * low >> 64;
        if ((uint64_t)product == UINT64_MAX && (q < -27 || q > 55)) return false;
    }
    uint64_t top = (uint64_t)(product >> 64);
    int upper = (int)(top >> 63);
    uint64_t mantissa = top >> (upper + drop);
    int exponent = (int)(217706 * q >> 16) + 63 + upper - shift - kind->exponent_least;
    if (exponent <= 0) { /* subnormal */
        if (-exponent + 1 >= 64) {
            *bits = 0;
            return true;
        }
        mantissa >>= -exponent + 1;
        *bits = (mantissa + (mantissa & 1)) >> 1; /* carries into the exponent where it must */
        return true;
    }
    if ((uint64_t)product <= 1 && q >= kind->tie_q_least && q <= kind->tie_q_most &&
        (mantissa & 3) == 1 && mantissa << (upper + drop) == top)
        mantissa &= ~UINT64_C(1); /* a tie: to even */
    mantissa = (mantissa + (mantissa & 1)) >> 1;
    if (mantissa >= UINT64_C(2) << kind->fraction_bits) {
        mantissa = UINT64_C(1) << kind->fraction_bits;
        exponent++;
    }
    if (exponent >= kind->exponent_infinite) return true;
    *bits = (mantissa & ~(UINT64_C(1) << kind->fraction_bits)) | (uint64_t)exponent
                                                                     << kind->fraction_bits;
    return true;
}

static bool nearest_of(const decimal_text *number, const float_kind *kind, uint64_t *bits)
{
    uint64_t above;
    if (!nearest(number->w, number->q, kind, bits)) return false;
    if (!number->cut) return true;
    return nearest(number->w + 1, number->q, kind, &above) && above == *bits;
}

/* Digits and an exponent without a point; what is far behind becomes a single digit. */
static void plain_text(const decimal_text *number, char text[DIGITS_KEPT + 32])
{
    int64_t exponent = number->exponent;
    size_t size = 0;
    bool more = false;
    for (const char *at = number->digits; at < number->end; at++) {
        if (*at == '.' || (size == 0 && *at == '0')) continue;
        if (size < DIGITS_KEPT) {
            text[size++] = *at;
        } else {
            more = more || *at != '0';
            exponent++;
        }
    }
    if (more) {
        text[size++] = '1';
        exponent--;
    }
    snprintf(text + size, 32, "e%lld", (long long)exponent);
}

static const double exact_powers[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                      1e8,  1e9,  1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
                                      1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};

bool lm__decimal_double(uint64_t digits, int exponent, double *value)
{
    uint64_t bits;
    if (!nearest(digits, exponent, &of_double, &bits)) return false;
    memcpy(value, &bits, sizeof *value);
    return true;
}

bool lm__double_parse(const char *text, size_t size, double *value)
{
    decimal_text number;
    if (!scan(text, text + size, &number)) return false;
    double result;
    uint64_t bits;
    if (!number.cut && number.w >> 53 == 0 && number.q >= -22 && number.q <= 22) {
        result = (double)number.w;
        result = number.q < 0 ? result / exact_powers[-number.q] : result * exact_powers[number.q];
    } else if (nearest_of(&number, &of_double, &bits)) {
        memcpy(&result, &bits, sizeof result);
    } else {
        char plain[DIGITS_KEPT + 32];
        plain_text(&number, plain);
        result = strtod(plain, NULL);
    }
    *value = number.negative ? -result : result;
    return true;
}

bool lm__float_parse(const char *text, size_t size, float *value)
{
    decimal_text number;
    if (!scan(text, text + size, &number)) return false;
    float result;
    uint64_t bits;
    if (nearest_of(&number, &of_float, &bits)) {
        uint32_t narrow = (uint32_t)bits;
        memcpy(&result, &narrow, sizeof result);
    } else {
        char plain[DIGITS_KEPT + 32];
        plain_text(&number, plain);
        result = strtof(plain, NULL);
    }
    *value = number.negative ? -result : result;
    return true;
}
