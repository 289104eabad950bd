/* Floats by the fewest digits that read back (base/number.h has the layout that is asked for too),
 * decimals of any length. */
#include "parquet/canonical_number.h"

#include <string.h>

#include "base/limits.h"
#include "base/number.h"
#include "parquet/canonical_text.h"

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

static lm_status special(lm_buffer *out, double value)
{
    const char *word = value != value ? "NaN" : value > 0 ? "Infinity" : "-Infinity";
    return lm__buffer_printf(out, "\"%s\"", word);
}

lm_status lm__canonical_float(lm_buffer *out, float value)
{
    char text[LM_DOUBLE_TEXT_MAX];
    if (value - value != 0) return special(out, (double)value);
    return lm__buffer_append(out, text, lm__float_text(value, text));
}

lm_status lm__canonical_double(lm_buffer *out, double value)
{
    char text[LM_DOUBLE_TEXT_MAX];
    if (value - value != 0) return special(out, value);
    return lm__buffer_append(out, text, lm__double_text(value, text));
}

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
