/*
 * From Parquet's values to others of fixed width: narrower and wider integers, decimals, times of
 * 96 bits, seconds and intervals.
 *
 * Invariants
 *  1. The input is read bytewise: it need not be aligned.
 *  2. A value that the target cannot hold is LM_DATA, except where the file annotates a narrower
 *     integer than it stores: then the low bits count (CANONICAL.md says so too).
 */
#ifndef LM_PARQUET_READ_CONVERT_H
#define LM_PARQUET_READ_CONVERT_H

#include <lamella/base.h>

/* How a column lies in memory. */
typedef enum lm_read_form {
    LM_FORM_NOTHING, /* the null type: values are not looked at */
    LM_FORM_BITS,
    LM_FORM_FIXED,
    LM_FORM_STRINGS32,
    LM_FORM_STRINGS64,
} lm_read_form;

typedef enum lm_read_convert {
    LM_CONVERT_NONE,
    LM_CONVERT_NARROW,     /* the low 1, 2 or 4 bytes */
    LM_CONVERT_UNSIGNED,   /* INT64 to 32 bits, which must hold it */
    LM_CONVERT_EXTEND,     /* two's complement, little-endian: to any greater width */
    LM_CONVERT_BIG_ENDIAN, /* two's complement of any width, to any */
    LM_CONVERT_BYTES,      /* the same in byte strings */
    LM_CONVERT_MULTIPLY,   /* INT32 or INT64 to 64 bits, by `factor` */
    LM_CONVERT_DIVIDE,     /* to the same width; what is left over is LM_DATA */
    LM_CONVERT_INT96,      /* Julian days and nanoseconds, to units of `factor` nanoseconds */
    LM_CONVERT_TIME96,     /* a count in 96 bits, to units of `factor` of its own */
    LM_CONVERT_MONTHS,     /* INTERVAL to Arrow's months, */
    LM_CONVERT_DAY_TIME,   /* day_time */
    LM_CONVERT_MONTH_DAY_NANO,
} lm_read_convert;

/* What becomes of a leaf's values. */
typedef struct lm_read_spec {
    int32_t physical;
    uint32_t width; /* of the physical type; 0 for BOOLEAN and BYTE_ARRAY */
    lm_read_form form;
    uint32_t out_width; /* FIXED */
    lm_read_convert convert;
    int64_t factor;
    bool text;  /* must be UTF-8 */
    bool coded; /* of FIXED and strings: vectors have indices of 32 bits, not values (read_coded.h)
                 */
} lm_read_spec;

/* `count` values of fixed width; `out` may be `in` where out_width is not greater. */
LM_MUST_USE lm_status lm__read_convert(const lm_read_spec *spec, const uint8_t *in, size_t count,
                                       uint8_t *out, lm_error *error);
/* TIMESTAMP of 12 bytes, little-endian and signed (LogicalTypes.md). */
__int128 lm__read_time96(const uint8_t in[12]);
/* LM_CONVERT_BYTES: one value. */
LM_MUST_USE lm_status lm__read_convert_bytes(const lm_read_spec *spec, const uint8_t *in,
                                             size_t size, uint8_t *out, lm_error *error);

#endif
