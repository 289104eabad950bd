/* Doubles as JSON texts and back; see json_number.h. */
#define _GNU_SOURCE
#include "base/json_number.h"

#include <float.h>
#include <locale.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Clinger's fast path: a significand below 2^53 and a power of ten up to 10^22 are both exact
 * doubles, so one multiplication or division rounds once and correctly. */
static bool double_exact(const char *text, double *value)
{
    static const double powers[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                    1e8,  1e9,  1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
                                    1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
    bool negative = *text == '-', in_fraction = false;
    uint64_t significand = 0;
    int exponent = 0, digits = 0;
    if (negative) text++;
    for (; (*text >= '0' && *text <= '9') || *text == '.'; text++) {
        if (*text == '.') {
            in_fraction = true;
            continue;
        }
        if (++digits > 19) return false;
        significand = significand * 10 + (uint64_t)(*text - '0');
        exponent -= in_fraction;
    }
    if (*text == 'e' || *text == 'E') {
        bool below = *++text == '-';
        int written = 0;
        if (*text == '-' || *text == '+') text++;
        for (; *text; text++) {
            written = written * 10 + (*text - '0');
            if (written > 1000) return false;
        }
        exponent += below ? -written : written;
    }
    if (significand >> 53 || exponent < -22 || exponent > 22) return false;
    double result = (double)significand;
    result = exponent < 0 ? result / powers[-exponent] : result * powers[exponent];
    *value = negative ? -result : result;
    return true;
}

bool lm__double_from_text(const char *text, double *value)
{
    if (double_exact(text, value)) return true;
    locale_t c = newlocale(LC_ALL_MASK, "C", (locale_t)0);
    if (!c) return false;
    *value = strtod_l(text, NULL, c);
    freelocale(c);
    return true;
}

/* The digits d.ddd × 10^exponent of |value| at a precision, read out of printf's text: whatever
 * stands between the first digit and the second is the locale's point. */
static int digits_find(double value, int precision, char digits[24], int *exponent)
{
    char raw[64];
    snprintf(raw, sizeof raw, "%.*e", precision - 1, value);
    int count = 0;
    const char *at = raw;
    for (; *at != 'e'; at++)
        if (*at >= '0' && *at <= '9') digits[count++] = *at;
    *exponent = 0;
    bool negative = *++at == '-';
    for (at++; *at; at++) *exponent = *exponent * 10 + (*at - '0');
    if (negative) *exponent = -*exponent;
    while (count > 1 && digits[count - 1] == '0') count--;
    return count;
}

static void digits_lay_out(char *out, const char *digits, int count, int exponent)
{
    if (exponent >= -5 && exponent < 0) { /* 0.00012 */
        *out++ = '0';
        *out++ = '.';
        for (int i = -1; i > exponent; i--) *out++ = '0';
        memcpy(out, digits, (size_t)count);
        out[count] = '\0';
    } else if (exponent >= 0 && exponent < 17) { /* 123.45, 1200.0 */
        for (int i = 0; i < count || i <= exponent + 1; i++) {
            if (i == exponent + 1) *out++ = '.';
            *out++ = i < count ? digits[i] : '0';
        }
        *out = '\0';
    } else { /* 1.5e300 */
        *out++ = digits[0];
        if (count > 1) {
            *out++ = '.';
            memcpy(out, digits + 1, (size_t)count - 1);
            out += count - 1;
        }
        snprintf(out, 8, "e%d", exponent);
    }
}

void lm__double_text(double value, char text[LM_DOUBLE_TEXT_MAX])
{
    char digits[24];
    int exponent;
    bool negative = __builtin_signbit(value);
    if (negative) *text++ = '-';
    value = __builtin_fabs(value);
    int precision = value < DBL_MIN ? 1 : 15; /* subnormal numbers have fewer digits */
    for (; precision <= 17; precision++) {
        double back;
        int count = digits_find(value, precision, digits, &exponent);
        digits_lay_out(text, digits, count, exponent);
        /* Without a C locale to read back with, all 17 digits are right, if not the shortest. */
        if (lm__double_from_text(text, &back) && back == value) return;
    }
}

void lm__float_text(float value, char text[LM_DOUBLE_TEXT_MAX])
{
    char digits[24];
    int exponent;
    if (__builtin_signbit(value)) *text++ = '-';
    value = __builtin_fabsf(value);
    for (int precision = value < FLT_MIN ? 1 : 6; precision <= 9; precision++) {
        double back;
        int count = digits_find((double)value, precision, digits, &exponent);
        digits_lay_out(text, digits, count, exponent);
        if (lm__double_from_text(text, &back) && (float)back == value) return;
    }
}
