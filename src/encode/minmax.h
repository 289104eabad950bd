/*
 * The least and the greatest of a column's values, for the statistics (parquet.thrift, ColumnOrder:
 * TYPE_ORDER).
 *
 * Each function looks at the valid ones among `count` values and returns false, writing nothing,
 * when there is none.
 *
 * Invariants
 *  1. Floats: NaNs are left out and counted; when all are NaN the answer is false. A least value
 * that is zero is given as -0.0, a greatest one as +0.0, whichever was there.
 *  2. Nothing is read of values that are null.
 */
#ifndef LM_ENCODE_MINMAX_H
#define LM_ENCODE_MINMAX_H

#include "base/cpu.h"
#include "encode/bits.h"

bool lm__minmax_i8(const int8_t *values, lm_bits valid, size_t count, int8_t *min, int8_t *max);
bool lm__minmax_u8(const uint8_t *values, lm_bits valid, size_t count, uint8_t *min, uint8_t *max);
bool lm__minmax_i16(const int16_t *values, lm_bits valid, size_t count, int16_t *min, int16_t *max);
bool lm__minmax_u16(const uint16_t *values, lm_bits valid, size_t count, uint16_t *min,
                    uint16_t *max);
bool lm__minmax_i32(const int32_t *values, lm_bits valid, size_t count, int32_t *min, int32_t *max);
bool lm__minmax_u32(const uint32_t *values, lm_bits valid, size_t count, uint32_t *min,
                    uint32_t *max);
bool lm__minmax_i64(const int64_t *values, lm_bits valid, size_t count, int64_t *min, int64_t *max);
bool lm__minmax_u64(const uint64_t *values, lm_bits valid, size_t count, uint64_t *min,
                    uint64_t *max);
/* nans may be NULL. */
bool lm__minmax_f16(const uint16_t *values, lm_bits valid, size_t count, uint16_t *min,
                    uint16_t *max, size_t *nans);
bool lm__minmax_f32(const float *values, lm_bits valid, size_t count, float *min, float *max,
                    size_t *nans);
bool lm__minmax_f64(const double *values, lm_bits valid, size_t count, double *min, double *max,
                    size_t *nans);
/* Booleans: bits. */
bool lm__minmax_bool(lm_bits values, lm_bits valid, size_t count, bool *min, bool *max);
/* Big-endian two's complement of one width: DECIMAL on FIXED_LEN_BYTE_ARRAY. */
bool lm__minmax_signed_be(const void *values, size_t width, lm_bits valid, size_t count,
                          size_t *min_index, size_t *max_index);
/* Unsigned bytes, lexicographic; a prefix comes before what it begins. FLBA by LM_STRINGS_FIXED. */
bool lm__minmax_strings(const lm_strings *strings, lm_bits valid, size_t count, size_t *min_index,
                        size_t *max_index);

/* -1, 0 or 1 as a comes before, equals or comes after b, in the same order as above. */
int lm__compare_bytes(lm_slice a, lm_slice b);

/* The kernels of one level over values without nulls, count > 0, for the tests; those of floats
 * give +inf, -inf when all are NaN. */
typedef struct lm_minmax_kernels {
    void (*i8)(const int8_t *, size_t, int8_t *, int8_t *);
    void (*u8)(const uint8_t *, size_t, uint8_t *, uint8_t *);
    void (*i16)(const int16_t *, size_t, int16_t *, int16_t *);
    void (*u16)(const uint16_t *, size_t, uint16_t *, uint16_t *);
    void (*i32)(const int32_t *, size_t, int32_t *, int32_t *);
    void (*u32)(const uint32_t *, size_t, uint32_t *, uint32_t *);
    void (*i64)(const int64_t *, size_t, int64_t *, int64_t *);
    void (*u64)(const uint64_t *, size_t, uint64_t *, uint64_t *);
    size_t (*f32)(const float *, size_t, float *, float *); /* returns the count of NaNs */
    size_t (*f64)(const double *, size_t, double *, double *);
} lm_minmax_kernels;
const lm_minmax_kernels *lm__minmax_kernels(lm_cpu_level level);

#endif
