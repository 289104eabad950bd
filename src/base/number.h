/*
 * Numbers as texts and back, whatever the locale says a decimal point is; for every format that
 * has numbers in its text.
 *
 * Invariants
 *  1. A printed double or float is the shortest decimal that reads back as the same bits, and of
 *     the shortest ones the nearest to the value: Python's repr, digit for digit and in its layout
 *     ("0.1", "1e-05", "1e+16", "100.0").
 *  2. What is read is rounded correctly, to the nearest, ties to even.
 *  3. Texts are not terminated. Printing may write all the bytes that its array is declared with.
 */
#ifndef LM_BASE_NUMBER_H
#define LM_BASE_NUMBER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define LM_POW10_U64_MAX 19 /* 10^19 fits uint64 */
extern const uint64_t lm__pow10_u64[LM_POW10_U64_MAX + 1];

#define LM_INTEGER_TEXT_MAX 24
#define LM_DOUBLE_TEXT_MAX 48
#define LM_FIXED_PLACES_MAX 20
#define LM_FIXED_TEXT_MAX 336

/* Each returns the text's length. */
size_t lm__u64_text(uint64_t value, char text[LM_INTEGER_TEXT_MAX]);
size_t lm__i64_text(int64_t value, char text[LM_INTEGER_TEXT_MAX]);
/* `value` is finite. */
size_t lm__double_text(double value, char text[LM_DOUBLE_TEXT_MAX]);
size_t lm__float_text(float value, char text[LM_DOUBLE_TEXT_MAX]);
/* digits * 10^-places as a double has it in its text, without looking for them: for who knows that
 * these digits read back. Below 10^16. */
size_t lm__decimal_places_text(uint64_t digits, int places, char text[LM_DOUBLE_TEXT_MAX]);
/* With so many places after the point (0 to LM_FIXED_PLACES_MAX), as printf rounds: the exact
 * value to the nearest, ties to even. */
size_t lm__double_fixed(double value, int places, char text[LM_FIXED_TEXT_MAX]);

/* |value| = digits * 10^exponent, without zeros at the end of the digits; zero is 0 * 10^0. */
typedef struct lm_shortest {
    uint64_t digits;
    int exponent;
} lm_shortest;
lm_shortest lm__double_shortest(double value);
lm_shortest lm__float_shortest(float value);

/* [+-]digits[.digits][e[+-]digits], the digits before the point or those after it may be missing;
 * false when the whole text is no such number. Past the range it is an infinity or a zero. */
bool lm__double_parse(const char *text, size_t size, double *value);
bool lm__float_parse(const char *text, size_t size, float *value);

/* digits * 10^exponent, rounded; false where that needs more than its first 128 bits to tell. */
bool lm__decimal_double(uint64_t digits, int exponent, double *value);

/* The number that 1 to 8 digits say; false where they are no digits. Reads 8 bytes. */
static inline bool lm__digits_value(const char *text, size_t size, uint64_t *value)
{
    uint64_t word;
    memcpy(&word, text, 8);
    word = word << (64 - 8 * size) | UINT64_C(0x3030303030303030) >> 1 >> (8 * size - 1);
    uint64_t digits = word - 0x3030303030303030;
    if (((word + 0x4646464646464646) | digits) & 0x8080808080808080) return false;
    digits = digits * 10 + (digits >> 8);
    *value = ((digits & 0x000000ff000000ff) * 0x000f424000000064 +
              (digits >> 16 & 0x000000ff000000ff) * 0x0000271000000001) >>
             32;
    return true;
}

/* Eight digits of a number below 10^8, the first in the lowest byte, as numbers from 0 to 9. */
static inline uint64_t lm__digits8(uint32_t value)
{
    uint64_t halves = value / 10000 | (uint64_t)(value % 10000) << 32;
    uint64_t high = (halves * 10486 >> 20) & 0x0000007f0000007f;
    uint64_t pairs = ((halves - high * 100) << 16) + high;
    uint64_t tens = (pairs * 103 >> 10) & 0x000f000f000f000f;
    return tens + ((pairs - tens * 10) << 8);
}

#endif
