/*
 * LZ4 frames ("LZ4 Frame Format Description" 1.6), as Arrow IPC buffers and some old Parquet
 * files (lz4.c) use them: whole frames in, whole frames out. The blocks may depend on one another,
 * which a decoder of single blocks cannot follow: so the decoder is our own.
 *
 * Invariants
 *  1. Nothing is read outside src nor written outside dst, whatever the bytes are.
 *  2. Decoding succeeds only when the frames' contents have exactly dst_size bytes and all
 *     checksums that they carry are right.
 */
#ifndef LM_CODEC_LZ4_FRAME_H
#define LM_CODEC_LZ4_FRAME_H

#include "codec/codec.h"

/* LM_CORRUPT, or LM_UNSUPPORTED for a frame that needs a dictionary. */
LM_MUST_USE lm_status lm__lz4_frame_decode(const uint8_t *src, size_t src_size, uint8_t *dst,
                                           size_t dst_size, lm_error *error);

/* The capacity that is enough for `size` bytes. */
size_t lm__lz4_frame_bound(size_t size);
LM_MUST_USE lm_status lm__lz4_frame_encode(lm_codec_context *context, const uint8_t *src,
                                           size_t size, uint8_t *dst, size_t *written,
                                           lm_error *error);

#endif
