/*
 * Ranges and sets of numbers, 64 rows at a time: compared into bytes of 0 and 1, which compilers
 * turn into vectors, and packed into a word. A range of integers is one comparison: x - low is, as
 * an unsigned number, at most high - low.
 */
#include "arrow/filter_kernels.h"

#include <math.h>
#include <string.h>

#include "arrow/half.h"
#include "base/simd.h"

typedef __int128 i128;

/* Sets up to this are compared value by value, larger ones searched. */
#define SET_SMALL 8

/* Bytes of 0 and 1 as bits. */
LM_ALWAYS_INLINE uint64_t pack(const uint8_t marks[64])
{
    uint64_t word = 0;
    for (int i = 0; i < 8; i++)
        word |= ((lm__load64(marks + 8 * i) * 0x0102040810204080u) >> 56) << (8 * i);
    return word;
}

/* A body that marks `n` rows from `row` on, run over blocks of 64 and the rest. The rest is few:
 * what the compiler may not look past keeps it from making a second set of vectors for them. */
#define BLOCKS(body)                                                                               \
    do {                                                                                           \
        int64_t row = 0;                                                                           \
        uint8_t marks[64];                                                                         \
        for (; length - row >= 64; row += 64) {                                                    \
            for (int i = 0; i < 64; i++) marks[i] = (uint8_t)(body);                               \
            *words++ = pack(marks);                                                                \
        }                                                                                          \
        if (row == length) break;                                                                  \
        memset(marks, 0, sizeof marks);                                                            \
        for (int i = 0; i < length - row; i++) {                                                   \
            marks[i] = (uint8_t)(body);                                                            \
            __asm__ volatile("");                                                                  \
        }                                                                                          \
        *words = pack(marks);                                                                      \
    } while (0)

#define RANGES(suffix, type)                                                                       \
    LM_ALWAYS_INLINE void range_##suffix##_body(const type *v, int64_t length,                     \
                                                const lm_range *range, uint64_t *words)            \
    {                                                                                              \
        const type low = (type)range->low, span = (type)(range->high - range->low);                \
        BLOCKS((type)(v[row + i] - low) <= span);                                                  \
    }
RANGES(u8, uint8_t)
RANGES(u16, uint16_t)
RANGES(u32, uint32_t)
RANGES(u64, uint64_t)

#define FLOATS(suffix, type)                                                                       \
    LM_ALWAYS_INLINE void range_##suffix##_body(const type *v, int64_t length,                     \
                                                const lm_range *range, uint64_t *words)            \
    {                                                                                              \
        const type low = (type)range->low_float, high = (type)range->high_float;                   \
        if (range->nan)                                                                            \
            BLOCKS(((v[row + i] >= low) & (v[row + i] <= high)) | (v[row + i] != v[row + i]));     \
        else                                                                                       \
            BLOCKS((v[row + i] >= low) & (v[row + i] <= high));                                    \
    }
FLOATS(f32, float)
FLOATS(f64, double)

#ifdef LM_SIMD_X86
#define LEVELS(suffix, type)                                                                       \
    LM_TARGET_AVX2 static void range_##suffix##_avx2(const type *v, int64_t length,                \
                                                     const lm_range *range, uint64_t *words)       \
    {                                                                                              \
        range_##suffix##_body(v, length, range, words);                                            \
    }                                                                                              \
    static void range_##suffix(const type *v, int64_t length, const lm_range *range,               \
                               uint64_t *words)                                                    \
    {                                                                                              \
        if (lm__cpu_level() >= LM_CPU_AVX2)                                                        \
            range_##suffix##_avx2(v, length, range, words);                                        \
        else                                                                                       \
            range_##suffix##_body(v, length, range, words);                                        \
    }
#else
#define LEVELS(suffix, type)                                                                       \
    static void range_##suffix(const type *v, int64_t length, const lm_range *range,               \
                               uint64_t *words)                                                    \
    {                                                                                              \
        range_##suffix##_body(v, length, range, words);                                            \
    }
#endif
LEVELS(u8, uint8_t)
LEVELS(u16, uint16_t)
LEVELS(u32, uint32_t)
LEVELS(u64, uint64_t)
LEVELS(f32, float)
LEVELS(f64, double)

/* Sets. */

/* The number of the values of the sorted set that come before x, in order of `type`. */
#define SEARCH(name, type, member)                                                                 \
    static bool name(const lm_set *set, type x)                                                    \
    {                                                                                              \
        const type *from = (const type *)(const void *)set->member;                                \
        size_t count = set->count;                                                                 \
        if (count == 0) return false;                                                              \
        while (count > 1) {                                                                        \
            size_t half = count / 2;                                                               \
            from = from[half] <= x ? from + half : from;                                           \
            count -= half;                                                                         \
        }                                                                                          \
        return *from == x;                                                                         \
    }
SEARCH(has_signed, int64_t, ints)
SEARCH(has_unsigned, uint64_t, ints)
SEARCH(has_double, double, floats)

#define SMALL_SET(suffix, type, member)                                                            \
    static void small_##suffix(const type *v, int64_t length, const lm_set *set, uint64_t *words)  \
    {                                                                                              \
        type few[SET_SMALL];                                                                       \
        for (int k = 0; k < SET_SMALL; k++)                                                        \
            few[k] = (type)set->member[(size_t)k < set->count ? (size_t)k : 0];                    \
        BLOCKS((v[row + i] == few[0]) | (v[row + i] == few[1]) | (v[row + i] == few[2]) |          \
               (v[row + i] == few[3]) | (v[row + i] == few[4]) | (v[row + i] == few[5]) |          \
               (v[row + i] == few[6]) | (v[row + i] == few[7]));                                   \
    }
SMALL_SET(u8, uint8_t, ints)
SMALL_SET(u16, uint16_t, ints)
SMALL_SET(u32, uint32_t, ints)
SMALL_SET(u64, uint64_t, ints)

#define INTS(bits)                                                                                 \
    do {                                                                                           \
        const uint##bits##_t *v = lm__array_fixed(values);                                         \
        if (test->kind == LM_TEST_RANGE)                                                           \
            range_u##bits(v, length, &test->range, words);                                         \
        else if (set->count <= SET_SMALL)                                                          \
            small_u##bits(v, length, set, words);                                                  \
        else if (test->column.is_signed)                                                           \
            BLOCKS(has_signed(set, (int##bits##_t)v[row + i]));                                    \
        else                                                                                       \
            BLOCKS(has_unsigned(set, v[row + i]));                                                 \
    } while (0)

static void in_ints(const lm_test *test, const lm_array *values, uint64_t *words)
{
    const lm_set *set = &test->set;
    const int64_t length = values->length;
    switch (values->field->type.byte_width) {
    case 1: INTS(8); return;
    case 2: INTS(16); return;
    case 4: INTS(32); return;
    default: INTS(64); return;
    }
}

/* Halves pass through floats in blocks. */
static void in_halves(const lm_test *test, const lm_array *values, uint64_t *words)
{
    const uint16_t *v = lm__array_fixed(values);
    for (int64_t row = 0; row < values->length; row += 64, words++) {
        float block[64];
        int64_t count = values->length - row < 64 ? values->length - row : 64;
        for (int64_t i = 0; i < count; i++) block[i] = lm__half_to_float(v[row + i]);
        range_f32(block, count, &test->range, words);
    }
}

static bool in_float_set(const lm_set *set, double x)
{
    return isnan(x) ? set->nan : has_double(set, x);
}

static void in_floats(const lm_test *test, const lm_array *values, uint64_t *words)
{
    const int64_t length = values->length;
    const lm_set *set = &test->set;
    const void *v = lm__array_fixed(values);
    lm_type_id id = values->field->type.id;
    if (test->kind == LM_TEST_RANGE) {
        if (id == LM_TYPE_FLOAT64)
            range_f64(v, length, &test->range, words);
        else if (id == LM_TYPE_FLOAT32)
            range_f32(v, length, &test->range, words);
        else
            in_halves(test, values, words);
        return;
    }
    const double *doubles = v;
    const float *floats = v;
    const uint16_t *halves = v;
    if (id == LM_TYPE_FLOAT64)
        BLOCKS(in_float_set(set, doubles[row + i]));
    else if (id == LM_TYPE_FLOAT32)
        BLOCKS(in_float_set(set, (double)floats[row + i]));
    else
        BLOCKS(in_float_set(set, (double)lm__half_to_float(halves[row + i])));
}

static bool in_wide_set(const lm_set *set, lm_i256 x)
{
    size_t from = 0, to = set->count;
    while (from < to) {
        size_t middle = (from + to) / 2;
        int order = lm__i256_compare(x, set->wides[middle]);
        if (order == 0) return true;
        if (order < 0)
            to = middle;
        else
            from = middle + 1;
    }
    return false;
}

static i128 low_half(lm_i256 value)
{
    return (i128)((unsigned __int128)value.limb[1] << 64 | value.limb[0]);
}

static i128 load128(const uint8_t *from)
{
    i128 value;
    memcpy(&value, from, 16);
    return value;
}

static bool in_wide_range(const lm_range *range, lm_i256 x)
{
    return lm__i256_compare(range->low_wide, x) <= 0 && lm__i256_compare(x, range->high_wide) <= 0;
}

static void in_wides(const lm_test *test, const lm_array *values, uint64_t *words)
{
    const int64_t length = values->length;
    const int32_t width = values->field->type.byte_width;
    const uint8_t *v = lm__array_fixed(values);
    if (test->kind == LM_TEST_SET) {
        BLOCKS(in_wide_set(&test->set, lm__i256_load(v + (row + i) * width, width)));
    } else if (width == 16) {
        const i128 low = low_half(test->range.low_wide), high = low_half(test->range.high_wide);
        BLOCKS((uint64_t)(low <= load128(v + (row + i) * 16)) &
               (uint64_t)(load128(v + (row + i) * 16) <= high));
    } else {
        BLOCKS(in_wide_range(&test->range, lm__i256_load(v + (row + i) * width, width)));
    }
}

void lm__filter_kernel(const lm_test *test, const lm_array *values, uint64_t *words)
{
    switch (test->column.class) {
    case LM_CLASS_INT: in_ints(test, values, words); return;
    case LM_CLASS_FLOAT: in_floats(test, values, words); return;
    default: in_wides(test, values, words);
    }
}
