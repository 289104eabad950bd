/*
 * PLAIN (Encodings.md, "Plain"), both ways, and the two moves around nulls: Parquet stores only the
 * values that are there, Arrow keeps a place for each.
 *
 * Fixed-width values without nulls are PLAIN as they lie in memory; they need no function.
 *
 * Invariants
 *  1. Encoders write into room that the caller has reserved (the bound, slack included) and return
 * the bytes written.
 *  2. Decoders take any bytes, read nothing outside [src, src + size) and answer LM_CORRUPT to what
 * is not what it should be.
 */
#ifndef LM_ENCODE_PLAIN_H
#define LM_ENCODE_PLAIN_H

#include <lamella/base.h>

#include "base/cpu.h"
#include "encode/bits.h"

/* The valid ones among `count` values of `width` bytes, moved together; returns how many. `out` has
 * room for them and LM_ENCODE_SLACK bytes. `out` may be `values` itself.
 * Neither need be aligned. */
size_t lm__compact(const void *values, size_t width, lm_bits valid, size_t count, void *out);
/* The reverse: value after value of `packed` goes to the places whose bit is set, zeros to the
 * others. Reads exactly lm__bits_count(valid, count) values, writes exactly count. `out` may be
 * `packed`. */
void lm__expand(const void *packed, size_t width, lm_bits valid, size_t count, void *out);
/* The same for the boolean bits of `values`; `out` starts at bit 0 and gets whole bytes, the spare
 * bits zero. compact returns how many bits. */
size_t lm__compact_bits(lm_bits values, lm_bits valid, size_t count, uint8_t *out);
void lm__expand_bits(lm_bits packed, lm_bits valid, size_t count, uint8_t *out);

/* Small integers as INT32; `out` may lie anywhere. */
void lm__widen_i8(const int8_t *values, size_t count, void *out);
void lm__widen_u8(const uint8_t *values, size_t count, void *out);
void lm__widen_i16(const int16_t *values, size_t count, void *out);
void lm__widen_u16(const uint16_t *values, size_t count, void *out);
/* And back: the low bytes, whatever the rest; false when a value was not one of the type's (a file
 * that annotates what it does not hold). */
bool lm__narrow_i8(const int32_t *values, size_t count, int8_t *out);
bool lm__narrow_u8(const int32_t *values, size_t count, uint8_t *out);
bool lm__narrow_i16(const int32_t *values, size_t count, int16_t *out);
bool lm__narrow_u16(const int32_t *values, size_t count, uint16_t *out);

/* BYTE_ARRAY: 4 bytes of length, then the bytes, for each valid string. The caller has checked that
 * no string is longer than 2^31 - 1 bytes (32-bit offsets and views cannot be). */
static inline size_t lm__plain_strings_bound(size_t bytes, size_t count)
{
    return bytes + 4 * count + LM_ENCODE_SLACK;
}
size_t lm__plain_strings_encode(const lm_strings *strings, lm_bits valid, size_t count,
                                uint8_t *out);

/* Reads `count` strings. Their bytes are appended to `data` and offsets[0 … count] are written, the
 * first of them `base`: with data pointing at the byte that `base` names, a column is put together
 * page by page. `data` has room for size - 4 * count bytes and slack (check size first: less than
 * 4 * count is corrupt). *data_bytes gets the sum of the lengths, *consumed the bytes of src used.
 * LM_LIMIT when an offset would pass INT32_MAX. */
LM_MUST_USE lm_status lm__plain_strings_decode32(const uint8_t *src, size_t size, size_t count,
                                                 int32_t base, int32_t *offsets, uint8_t *data,
                                                 size_t *data_bytes, size_t *consumed,
                                                 lm_error *error);
LM_MUST_USE lm_status lm__plain_strings_decode64(const uint8_t *src, size_t size, size_t count,
                                                 int64_t base, int64_t *offsets, uint8_t *data,
                                                 size_t *data_bytes, size_t *consumed,
                                                 lm_error *error);
/* The sum of the lengths only, and the bytes used: to skip values, or to size a buffer exactly. */
LM_MUST_USE lm_status lm__plain_strings_measure(const uint8_t *src, size_t size, size_t count,
                                                size_t *data_bytes, size_t *consumed,
                                                lm_error *error);

/* Dictionary strings by index into offsets + data, in two steps: the offsets (count + 1 of them,
 * the first is `base`) with the indices checked (LM_CORRUPT), then the bytes, with slack. */
LM_MUST_USE lm_status lm__gather_strings_offsets32(const uint32_t *indices, size_t count,
                                                   const int32_t *dictionary_offsets,
                                                   size_t dictionary_count, int32_t base,
                                                   int32_t *offsets, lm_error *error);
void lm__gather_strings_data32(const uint32_t *indices, size_t count,
                               const int32_t *dictionary_offsets, size_t dictionary_count,
                               const uint8_t *dictionary_data, uint8_t *data);

/* Both steps in one where the dictionary has no string longer than LM_GATHER_SHORT_BYTES: `data`
 * has room for `count` of the longest and slack, the dictionary's bytes have slack behind them, and
 * the offsets reach. False when an index is past the dictionary. */
#define LM_GATHER_SHORT_BYTES 32
bool lm__gather_strings_short32(const uint32_t *indices, size_t count,
                                const int32_t *dictionary_offsets, size_t dictionary_count,
                                const uint8_t *dictionary_data, int32_t base, int32_t *offsets,
                                uint8_t *data);

typedef struct lm_plain_kernels {
    size_t (*compact)(const void *values, size_t width, lm_bits valid, size_t count, void *out);
    void (*expand)(const void *packed, size_t width, lm_bits valid, size_t count, void *out);
    size_t (*compact_bits)(lm_bits values, lm_bits valid, size_t count, uint8_t *out);
    void (*expand_bits)(lm_bits packed, lm_bits valid, size_t count, uint8_t *out);
} lm_plain_kernels;
const lm_plain_kernels *lm__plain_kernels(lm_cpu_level level);

#endif
