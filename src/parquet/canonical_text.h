/*
 * One text for each value: the leaves of `lamella cat --format canonical`.
 *
 * A format for comparing files byte for byte, not for people: what a value's text is depends on its
 * physical type and annotation alone. docs/canonical.md is the definition.
 *
 * Invariants
 *  1. Texts do not depend on the locale.
 *  2. Appending fails only as the buffer does, or with LM_LIMIT for decimals past
 *     LM_CANONICAL_DECIMAL_BYTES_MAX.
 */
#ifndef LM_PARQUET_CANONICAL_TEXT_H
#define LM_PARQUET_CANONICAL_TEXT_H

#include "base/buffer.h"
#include "parquet/read_schema.h"

/* Texts of single kinds. Each appends to `out`. */
LM_MUST_USE lm_status lm__canonical_string(lm_buffer *out, const uint8_t *text, size_t size);
/* The same without quotes. */
LM_MUST_USE lm_status lm__canonical_escaped(lm_buffer *out, const uint8_t *text, size_t size);
/* A string, or {"$invalid_utf8":"…"} for what is not UTF-8. */
LM_MUST_USE lm_status lm__canonical_text(lm_buffer *out, const uint8_t *text, size_t size);
LM_MUST_USE lm_status lm__canonical_hex(lm_buffer *out, const uint8_t *bytes, size_t size);
LM_MUST_USE lm_status lm__canonical_int(lm_buffer *out, int64_t value);
LM_MUST_USE lm_status lm__canonical_uint(lm_buffer *out, uint64_t value);
LM_MUST_USE lm_status lm__canonical_float(lm_buffer *out, float value);
LM_MUST_USE lm_status lm__canonical_double(lm_buffer *out, double value);
LM_MUST_USE lm_status lm__canonical_uuid(lm_buffer *out, const uint8_t bytes[16]);
LM_MUST_USE lm_status lm__canonical_date(lm_buffer *out, int64_t days);
/* `value` in units of which per_second make a second, with as many digits as those are. */
LM_MUST_USE lm_status lm__canonical_time(lm_buffer *out, int64_t value, int64_t per_second);
LM_MUST_USE lm_status lm__canonical_timestamp(lm_buffer *out, __int128 value, int64_t per_second,
                                              bool utc);
/* Big-endian two's complement of any length. */
LM_MUST_USE lm_status lm__canonical_decimal(lm_buffer *out, const uint8_t *bytes, size_t size,
                                            int32_t scale);

/* A leaf's value: of width bytes, or of any size for BYTE_ARRAY; a BOOLEAN as one byte. */
LM_MUST_USE lm_status lm__canonical_leaf(lm_buffer *out, const lm_read_node *leaf,
                                         const uint8_t *value, size_t size);

#endif
