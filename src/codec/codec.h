/*
 * The compression codecs behind one table, by Parquet's numbers (Compression.md).
 *
 * It stands between the pages that encode/ fills and the files that parquet/, ipc/ and csv/ write:
 * whole buffers in, whole buffers out. A context belongs to one thread at a time and is used again
 * from page to page, so that a page costs no set-up.
 *
 * Invariants
 *  1. Nothing is written outside dst[0, capacity), nor read outside src[0, size), whatever the
 *     bytes are.
 *  2. Decompression succeeds only when the result has exactly the expected size; what it wrote
 *     before it failed is unspecified.
 *  3. lm__codec_bound is enough for any input of that size: a compression with that capacity fails
 *     only for want of memory.
 *  4. The same input, codec, level and layout give the same bytes, whatever the context did before.
 *
 * Snappy is our own. The libraries of the others are loaded at the first use of their codec; where
 * one is missing the error is LM_UNSUPPORTED and names the package.
 */
#ifndef LM_CODEC_CODEC_H
#define LM_CODEC_CODEC_H

#include <lamella/base.h>
#include <lamella/codec.h>

#include "codec/layout.h"

/* "snappy"; "codec 9" style numbers are the caller's affair: a number that is none gives NULL. */
const char *lm__codec_name(int codec);
/* By name, in any case; also "none" and "lz4raw". LM_INVALID lists the names. */
LM_MUST_USE lm_status lm__codec_parse(const char *name, lm_codec *codec, lm_error *error);
/* "zstd", or "zstd:3" with its level, which is not held against the codec; else the level is
 * LM_CODEC_LEVEL_DEFAULT. */
LM_MUST_USE lm_status lm__codec_level_parse(const char *text, lm_codec *codec, int32_t *level,
                                            lm_error *error);

/* The levels that lm__codec_compress takes; both 0 for codecs without levels. */
void lm__codec_levels(lm_codec codec, int *lowest, int *highest, int *standard);
/* Whether this process can write `codec` at `level`: LM_UNSUPPORTED (a codec that is read only or
 * whose library is missing) or LM_INVALID (the level), with a message. */
LM_MUST_USE lm_status lm__codec_check_write(int codec, int level, lm_error *error);
/* Whether this process can read `codec`; takes any number from a file. */
LM_MUST_USE lm_status lm__codec_check_read(int codec, lm_error *error);

typedef struct lm_codec_context lm_codec_context;

LM_MUST_USE lm_status lm__codec_context_new(const lm_allocator *allocator,
                                            lm_codec_context **context, lm_error *error);
void lm__codec_context_free(lm_codec_context *context);

/* The capacity that is enough for `size` bytes; SIZE_MAX when that overflows. */
size_t lm__codec_bound(lm_codec codec, size_t size);

/* LM_LIMIT when the result does not fit `capacity`; that is no failure of the context, and no
 * message is made for it (a page is then stored as it is, say). */
LM_MUST_USE lm_status lm__codec_compress(lm_codec_context *context, lm_codec codec, int level,
                                         const void *src, size_t src_size, void *dst,
                                         size_t capacity, size_t *written, lm_error *error);

/* The same, with what is known of the bytes: another result perhaps, sooner. */
LM_MUST_USE lm_status lm__codec_compress_values(lm_codec_context *context, lm_codec codec,
                                                int level, const lm_codec_layout *layout,
                                                const void *src, size_t src_size, void *dst,
                                                size_t capacity, size_t *written, lm_error *error);

/* Fills dst with exactly dst_size bytes, or LM_CORRUPT. */
LM_MUST_USE lm_status lm__codec_decompress(lm_codec_context *context, int codec, const void *src,
                                           size_t src_size, void *dst, size_t dst_size,
                                           lm_error *error);

#endif
