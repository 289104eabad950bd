/*
 * Raw deflate (RFC 1951) in parts: each part is compressed by itself, on any thread, and parts in a
 * row, with LM_DEFLATE_END after the last, are one deflate stream. For containers whose streams are
 * longer than memory is to be (a sheet in a zip file).
 *
 * libdeflate makes the smaller and the quicker streams, but only whole ones. So the last block of
 * each part is found by reading the part's own codes again, its mark as the last one is taken away,
 * and an empty stored block ends the part on a whole byte.
 *
 * Invariants
 *  1. A part refers to nothing before it.
 *  2. The same bytes and level give the same part.
 */
#ifndef LM_CODEC_DEFLATE_H
#define LM_CODEC_DEFLATE_H

#include "base/buffer.h"

#define LM_DEFLATE_LEVEL_LOWEST 1
#define LM_DEFLATE_LEVEL_HIGHEST 12
#define LM_DEFLATE_END "\x03\x00"
#define LM_DEFLATE_END_BYTES 2

typedef struct lm_deflate lm_deflate;

/* For one thread at a time. LM_UNSUPPORTED where libdeflate is missing. */
LM_MUST_USE lm_status lm__deflate_new(const lm_allocator *allocator, int level,
                                      lm_deflate **deflate, lm_error *error);
void lm__deflate_free(lm_deflate *deflate); /* takes NULL */
/* Appends the part. */
LM_MUST_USE lm_status lm__deflate_part(lm_deflate *deflate, const void *bytes, size_t size,
                                       lm_buffer *out, lm_error *error);
/* CRC-32 as zip and gzip have it, carried on from `crc` (0 at the start). */
uint32_t lm__deflate_crc(const lm_deflate *deflate, uint32_t crc, const void *bytes, size_t size);
/* The CRC of two runs of bytes in a row, from those of the first and of the second, which has
 * `size` bytes. */
uint32_t lm__crc32_join(uint32_t first, uint32_t second, uint64_t size);

#endif
