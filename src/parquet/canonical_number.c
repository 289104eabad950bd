/*
 * Floats by the fewest digits that read back, decimals of any length.
 *
 * A decimal of at most 15 digits (6 for float) survives the way into a normal number and back, so
 * the first precision to try is that one, and what it gives without its trailing zeros is the
 * shortest there is; else one or two (three) digits more do. Subnormal numbers have fewer digits
 * and are tried from one digit on.
 */
#define _GNU_SOURCE
#include "parquet/canonical_number.h"

#include <float.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "parquet/canonical_text.h"

#define DIGITS_MAX 24

/* Floats. */

float lm__float_of_half(uint16_t half)
{
    uint32_t sign = (uint32_t)(half >> 15) << 31, exponent = half >> 10 & 31, rest = half & 1023;
    uint32_t bits;
    float value;
    if (exponent == 31) {
        bits = sign | 0x7f800000 | rest << 13;
    } else if (exponent) {
        bits = sign | (exponent + 112) << 23 | rest << 13;
    } else { /* zero and subnormal: rest * 2^-24, exact in a float */
        value = (float)rest * 0x1p-24f;
        memcpy(&bits, &value, 4);
        bits |= sign;
    }
    memcpy(&value, &bits, 4);
    return value;
}

/* d.ddd e±x as printf gives it; between the first digit and the second stands the locale's point,
 * which is made a full stop. */
static void print(double value, int precision, char text[48])
{
    char raw[64], *to = text;
    snprintf(raw, sizeof raw, "%.*e", precision - 1, value);
    const char *at = raw;
    *to++ = *at++;
    if (precision > 1) {
        *to++ = '.';
        while (*at < '0' || *at > '9') at++;
    }
    strcpy(to, at);
}

static bool reads_back(const char *text, double value, bool single)
{
    locale_t c = newlocale(LC_ALL_MASK, "C", (locale_t)0);
    if (!c) return false;
    double back = single ? (double)strtof_l(text, NULL, c) : strtod_l(text, NULL, c);
    freelocale(c);
    return back == value;
}

/* The significant digits of a positive value, without trailing zeros. */
static int shortest(double value, bool single, char digits[DIGITS_MAX], int *exponent)
{
    char text[48];
    int most = single ? 9 : 17, precision = single ? 6 : 15, count = 0;
    if (value < (single ? (double)FLT_MIN : DBL_MIN)) precision = 1;
    for (;; precision++) {
        print(value, precision, text);
        if (precision == most || reads_back(text, value, single)) break;
    }
    const char *at = text;
    for (; *at != 'e'; at++)
        if (*at != '.') digits[count++] = *at;
    *exponent = (int)strtol(at + 1, NULL, 10);
    while (count > 1 && digits[count - 1] == '0') count--;
    return count;
}

static void lay_out(const char *digits, int count, int exponent, char *out)
{
    if (exponent < -4 || exponent >= 16) { /* 1.5e-07 */
        *out++ = digits[0];
        if (count > 1) *out++ = '.';
        memcpy(out, digits + 1, (size_t)count - 1);
        snprintf(out + count - 1, 8, "e%c%02d", exponent < 0 ? '-' : '+', abs(exponent));
    } else if (exponent < 0) { /* 0.0015 */
        *out++ = '0';
        *out++ = '.';
        for (int i = -1; i > exponent; i--) *out++ = '0';
        memcpy(out, digits, (size_t)count);
        out[count] = '\0';
    } else { /* 15.0 */
        for (int i = 0; i < count || i < exponent + 2; i++) {
            if (i == exponent + 1) *out++ = '.';
            *out++ = i < count ? digits[i] : '0';
        }
        *out = '\0';
    }
}

static lm_status real(lm_buffer *out, double value, bool single)
{
    char digits[DIGITS_MAX] = "0", text[48] = "0.0";
    int exponent;
    if (value != value) return lm__buffer_text(out, "\"NaN\"");
    if (value - value != 0)
        return lm__buffer_text(out, value > 0 ? "\"Infinity\"" : "\"-Infinity\"");
    if (__builtin_signbit(value)) {
        lm_status status = lm__buffer_byte(out, '-');
        if (status != LM_OK) return status;
        value = -value;
    }
    if (value != 0) {
        int count = shortest(value, single, digits, &exponent);
        lay_out(digits, count, exponent, text);
    }
    return lm__buffer_text(out, text);
}

lm_status lm__canonical_float(lm_buffer *out, float value)
{
    return real(out, (double)value, true);
}

lm_status lm__canonical_double(lm_buffer *out, double value) { return real(out, value, false); }

/* Decimals. */

#define LIMB_DIGITS 9
#define LIMB 1000000000u

/* Divides the magnitude, big-endian words from words[*first], by 10^9 and gives the rest; *first
 * moves past words that have become 0. */
static uint32_t take_limb(uint32_t *words, size_t count, size_t *first)
{
    uint64_t rest = 0;
    for (size_t i = *first; i < count; i++) {
        uint64_t value = rest << 32 | words[i];
        words[i] = (uint32_t)(value / LIMB);
        rest = value % LIMB;
    }
    while (*first < count && words[*first] == 0) ++*first;
    return (uint32_t)rest;
}

/* The magnitude as big-endian words of 32 bits; returns whether the value is negative. */
static bool magnitude(const uint8_t *bytes, size_t size, uint32_t *words, size_t count)
{
    bool negative = size && bytes[0] & 0x80;
    uint8_t sign = negative ? 0xff : 0;
    uint32_t carry = negative;
    for (size_t w = 0; w < count; w++) {
        uint32_t word = 0;
        for (size_t b = 0; b < 4; b++) {
            size_t from_end = 4 * w + b; /* byte 0 is the last */
            uint8_t byte = from_end < size ? bytes[size - 1 - from_end] : sign;
            word |= (uint32_t)(uint8_t)(byte ^ sign) << (8 * b);
        }
        uint32_t sum = word + carry;
        carry = sum < word;
        words[count - 1 - w] = sum;
    }
    return negative;
}

/* The digits so far, backwards, become the text: sign, whole part, point, `scale` digits. */
static lm_status put_decimal(lm_buffer *out, const char *backwards, size_t count, bool negative,
                             size_t scale)
{
    size_t total = count > scale ? count : scale + 1;
    lm_status status = lm__buffer_reserve(out, total + 4);
    if (status != LM_OK) return status;
    uint8_t *to = out->data + out->size;
    *to++ = '"';
    if (negative) *to++ = '-';
    for (size_t i = total; i-- > 0;) {
        *to++ = i < count ? (uint8_t)backwards[i] : '0';
        if (i == scale && scale > 0) *to++ = '.';
    }
    *to++ = '"';
    out->size = (size_t)(to - out->data);
    return LM_OK;
}

lm_status lm__canonical_decimal(lm_buffer *out, const uint8_t *bytes, size_t size, int32_t scale)
{
    uint32_t words[LM_CANONICAL_DECIMAL_BYTES_MAX / 4 + 1];
    char digits[LM_CANONICAL_DECIMAL_BYTES_MAX * 5 / 2 + 2 * LIMB_DIGITS];
    if (size > LM_CANONICAL_DECIMAL_BYTES_MAX || scale > LM_CANONICAL_DECIMAL_SCALE_MAX)
        return LM_LIMIT;
    size_t count = size / 4 + 1, first = 0, length = 0;
    bool negative = magnitude(bytes, size, words, count);
    while (first < count && words[first] == 0) first++;
    do {
        uint32_t limb = take_limb(words, count, &first);
        for (int i = 0; i < LIMB_DIGITS; i++) {
            digits[length++] = (char)('0' + limb % 10);
            limb /= 10;
        }
    } while (first < count);
    while (length > 1 && digits[length - 1] == '0') length--;
    return put_decimal(out, digits, length, negative, (size_t)scale);
}
