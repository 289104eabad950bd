/*
 * Values as text and back: what casts between text and other types are made of, and what readers
 * and writers of text formats may use. ISO 8601 for dates and times; numbers as C and JSON write
 * them, whatever the locale says.
 *
 * Parsing takes the whole of [text, text + size): no spaces around, nothing left over. Printing
 * writes at most LM_VALUE_TEXT_MAX bytes without a terminator, and returns how many.
 */
#ifndef LM_ARROW_TEXT_H
#define LM_ARROW_TEXT_H

#include "arrow/type.h"

typedef enum lm_text_result {
    LM_TEXT_OK,
    LM_TEXT_BAD,   /* not such a text */
    LM_TEXT_RANGE, /* such a text, but the value does not fit, or not without loss */
} lm_text_result;

#define LM_VALUE_TEXT_MAX 64

/* [+-]digits */
lm_text_result lm__text_to_i64(const char *text, size_t size, int64_t *value);
lm_text_result lm__text_to_u64(const char *text, size_t size, uint64_t *value);
/* [+-]digits[.digits][e[+-]digits], "inf", "infinity" and "nan" in any case; the nearest double. */
lm_text_result lm__text_to_f64(const char *text, size_t size, double *value);
/* "true", "false" in any case, "1", "0" */
lm_text_result lm__text_to_bool(const char *text, size_t size, bool *value);
/* YYYY-MM-DD, or a sign and more digits for the year; days since 1970-01-01. */
lm_text_result lm__text_to_date(const char *text, size_t size, int64_t *days);
/* HH:MM[:SS[.fraction]], since midnight. Digits past the unit must be zeroes. */
lm_text_result lm__text_to_time(const char *text, size_t size, lm_time_unit unit, int64_t *value);
/* A date, alone or with 'T' or a space and a time, and a zone ("Z", "+HH", "+HHMM", "+HH:MM") or
 * none. The value is in UTC where there is a zone, and *zoned says whether there was one. */
lm_text_result lm__text_to_timestamp(const char *text, size_t size, lm_time_unit unit,
                                     int64_t *value, bool *zoned);

size_t lm__text_from_i64(int64_t value, char text[LM_VALUE_TEXT_MAX]);
size_t lm__text_from_u64(uint64_t value, char text[LM_VALUE_TEXT_MAX]);
/* The shortest that reads back; "inf", "-inf", "nan". */
size_t lm__text_from_f64(double value, char text[LM_VALUE_TEXT_MAX]);
size_t lm__text_from_f32(float value, char text[LM_VALUE_TEXT_MAX]);
size_t lm__text_from_date(int64_t days, char text[LM_VALUE_TEXT_MAX]);
/* Always with seconds, and with all the unit's digits: "12:34:56.789000". */
size_t lm__text_from_time(int64_t value, lm_time_unit unit, char text[LM_VALUE_TEXT_MAX]);
/* "2026-11-21T02:43:06.123456", with "Z" after it when it has a zone. */
size_t lm__text_from_timestamp(int64_t value, lm_time_unit unit, bool zoned,
                               char text[LM_VALUE_TEXT_MAX]);

#endif
