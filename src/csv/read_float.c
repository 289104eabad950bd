/*
 * Floats of cells.
 *
 * Digits with a point among them or none, 19 of them at most, are read by read_amount; the same by
 * 32 bytes at a time, without a branch on where the point is or how many digits there are, by
 * amount_avx2. Whatever else is a number goes to base/number.h.
 *
 * Invariants
 *  1. The kernels read a cell as the same bits (or refuse it for the slow way).
 */
#include <math.h>
#include <string.h>
#include <strings.h>

#include "base/number_pow10.h"
#include "csv/convert.h"

static const double exact_powers[] = {1e0, 1e1, 1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                      1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15};

static bool is_word(const char *text, size_t size, const char *word)
{
    return strlen(word) == size && strncasecmp(text, word, size) == 0;
}

static bool read_special(const char *text, size_t size, double *value)
{
    bool negative = size > 0 && text[0] == '-';
    text += negative;
    size -= negative;
    if (is_word(text, size, "nan"))
        *value = (double)NAN;
    else if (is_word(text, size, "inf") || is_word(text, size, "infinity"))
        *value = (double)INFINITY;
    else
        return false;
    if (negative) *value = -*value;
    return true;
}

/* Where the point is among the first 16 bytes; `size` where there is none. */
LM_ALWAYS_INLINE size_t find_point(const char *text, size_t size)
{
    size_t most = size < 16 ? size : 16;
#if defined(__SSE2__)
    __m128i bytes = _mm_loadu_si128((const __m128i *)(const void *)text);
    unsigned found = (unsigned)_mm_movemask_epi8(_mm_cmpeq_epi8(bytes, _mm_set1_epi8('.')));
    found &= (1u << most) - 1;
    return found ? (size_t)__builtin_ctz(found) : size;
#else
    const char *found = memchr(text, '.', most);
    return found ? (size_t)(found - text) : size;
#endif
}

/* Digits with a point among them or none, 19 at most. Up to 15 of them are an exact double, as the
 * power of ten is: one division rounds correctly. */
LM_ALWAYS_INLINE bool read_amount(const char *text, size_t size, double *value)
{
    bool negative = text[0] == '-';
    text += negative;
    size -= negative;
    size_t point = find_point(text, size), places = point < size ? size - point - 1 : 0;
    uint64_t sum = 0;
    if (point == 0 || size > 20 || !lm__csv_take_digits(text, point, &sum)) return false;
    if (point < size && (places == 0 || point + places > 19 ||
                         !lm__csv_take_digits(text + point + 1, places, &sum)))
        return false;
    /* Decided by the length, which is much the same within a column, and not by the number. */
    double result;
    if (size <= 16)
        result = (double)sum / exact_powers[places];
    else if (!lm__decimal_double(sum, -(int)places, &result))
        return false;
    *value = copysign(result, negative ? -1.0 : 1.0);
    return true;
}

static bool read_f64_slow(const char *text, size_t size, double *value)
{
    if (!lm__double_parse(text, size, value)) return read_special(text, size, value);
    return !isinf(*value);
}

LM_ALWAYS_INLINE bool read_f64(const char *text, size_t size, double *value)
{
    return read_amount(text, size, value) || read_f64_slow(text, size, value);
}

/* '0' and another digit. */
LM_ALWAYS_INLINE bool has_needless_zero(const char *digits)
{
    uint16_t two = (uint16_t)((uint8_t)digits[0] << 8 | (uint8_t)digits[1]);
    return (uint16_t)(two - 0x3030) < 10;
}

/* Not what the sample would have taken for text. */
LM_ALWAYS_INLINE bool is_as_sampled(const char *text, size_t size)
{
    bool plain = text[0] != '+' && !has_needless_zero(text + (text[0] == '-'));
    if (plain && (size < 16 || find_point(text, size) < size)) return true;
    return lm__csv_is_float(text, size);
}

LM_ALWAYS_INLINE bool read_f64_of(const lm_csv_column *column, const char *text, size_t size,
                                  double *value)
{
    return read_f64(text, size, value) && (!column->strict || is_as_sampled(text, size));
}

static bool read_f32(const char *text, size_t size, float *value)
{
    double special;
    if (lm__float_parse(text, size, value)) return !isinf(*value);
    if (!read_special(text, size, &special)) return false;
    *value = (float)special;
    return true;
}

LM_CSV_CONVERT(, f64, double, read_f64_of(column, text, size, &to[row]))
LM_CSV_CONVERT(, f32, float, read_f32(text, size, &to[row]))

#ifdef LM_SIMD_X86

#define BEFORE_BYTES 33 /* before a cell's end, that the kernel reads */

/* The number that the last digits of 32 bytes say; `digits` of them, 19 at most, and the rest is
 * not looked at. False where one is no digit. */
LM_TARGET_AVX2 LM_ALWAYS_INLINE bool sum_avx2(__m256i bytes, __m256i lanes, int digits,
                                              uint64_t *sum)
{
    __m256i values = _mm256_sub_epi8(bytes, _mm256_set1_epi8('0'));
    values =
        _mm256_and_si256(values, _mm256_cmpgt_epi8(lanes, _mm256_set1_epi8((char)(31 - digits))));
    __m256i odd = _mm256_subs_epu8(values, _mm256_set1_epi8(9));
    __m256i twos = _mm256_maddubs_epi16(values, _mm256_set1_epi16(0x010a));
    __m256i fours = _mm256_madd_epi16(twos, _mm256_set1_epi32(0x00010064));
    fours = _mm256_packus_epi32(fours, fours);
    __m256i eights = _mm256_madd_epi16(fours, _mm256_set1_epi32(0x00012710));
    uint64_t high = (uint64_t)_mm256_extract_epi64(eights, 0) >> 32;
    uint64_t low = (uint64_t)_mm256_extract_epi64(eights, 2);
    *sum = (high * 100000000 + (uint32_t)low) * 100000000 + (low >> 32);
    return _mm256_testz_si256(odd, odd);
}

/* w * 10^-places as lm__decimal_double rounds it, without branches; false where that is not quite
 * certain: w is 0, or lies close to the middle of two doubles. */
LM_ALWAYS_INLINE bool decimal_surely(uint64_t w, int places, double *value)
{
    int shift = __builtin_clzll(w | 1);
    unsigned __int128 product =
        (unsigned __int128)(w << shift) * lm__pow10[-places - LM_POW10_FIRST].high;
    uint64_t top = (uint64_t)(product >> 64), drop = (top >> 63) + 9;
    uint64_t mantissa = top >> drop;
    mantissa = (mantissa + (mantissa & 1)) >> 1; /* 2^53 of it carries into the exponent */
    int64_t exponent = (217706 * -(int64_t)places >> 16) + 63 + (int64_t)(top >> 63) - shift + 1023;
    uint64_t bits = mantissa + ((uint64_t)(exponent - 1) << 52);
    memcpy(value, &bits, sizeof bits);
    return w != 0 && (top & 0x1ff) != 0x1ff && (uint64_t)product > 1;
}

/* What read_amount reads, where it surely is as in the sample. The digits
 * before the point are moved to those after it: the same bytes, loaded one further on. */
LM_TARGET_AVX2 LM_ALWAYS_INLINE bool amount_avx2(const char *text, size_t size, double *value)
{
    const __m256i lanes =
        _mm256_setr_epi8(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20,
                         21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31);
    const char *end = text + size;
    bool negative = text[0] == '-';
    size -= negative;
    if (size - 1 > 19 || has_needless_zero(text + negative)) return false;
    __m256i bytes = _mm256_loadu_si256((const __m256i *)(const void *)(end - 32));
    __m256i moved = _mm256_loadu_si256((const __m256i *)(const void *)(end - 33));
    uint32_t points =
        (uint32_t)_mm256_movemask_epi8(_mm256_cmpeq_epi8(bytes, _mm256_set1_epi8('.'))) >>
        (32 - size) << (32 - size);
    int lane = (int)_tzcnt_u32(points), pointed = points != 0; /* 32: none */
    int places = (31 - lane) & -pointed;
    int digits = (int)size - pointed;
    bool refused = (points & (UINT32_C(1) << 31 | UINT32_C(1) << (32 - size))) != 0 || digits > 19;
    __m256i behind = _mm256_cmpgt_epi8(lanes, _mm256_set1_epi8((char)(pointed ? lane : -1)));
    uint64_t sum;
    if (!sum_avx2(_mm256_blendv_epi8(moved, bytes, behind), lanes, digits, &sum) || refused)
        return false;
    double result;
    if (size <= 15)
        result = (double)sum / exact_powers[places];
    else if (!points ||
             (!decimal_surely(sum, places, &result) && !lm__decimal_double(sum, -places, &result)))
        return false;
    *value = copysign(result, negative ? -1.0 : 1.0);
    return true;
}

LM_CSV_CONVERT(LM_TARGET_AVX2, f64_avx2, double,
               (at_text + size >= BEFORE_BYTES && amount_avx2(text, size, &to[row])) ||
                   read_f64_of(column, text, size, &to[row]))
#endif

lm_csv_convert *lm__csv_convert_float(const lm_type *type)
{
    if (type->id == LM_TYPE_FLOAT32) return convert_f32;
#ifdef LM_SIMD_X86
    if (lm__cpu_level() >= LM_CPU_AVX2) return convert_f64_avx2;
#endif
    return convert_f64;
}
