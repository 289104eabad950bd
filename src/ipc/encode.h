/*
 * From an array to the nodes and buffers of a RecordBatch, and to its message.
 *
 * Invariants
 *  1. What is written depends on the values of the slice alone, not on where in its buffers it
 *     lies: offsets begin at 0, children are cut to what is used.
 *  2. Buffers lie at multiples of 64 bytes, counted from the beginning of the output.
 *  3. Null rows of views and dictionary indices are written as zeros: what a producer left there
 *     need not be valid.
 *  4. Indices into a dictionary whose values stand elsewhere in what is written are written as
 * that.
 */
#ifndef LM_IPC_ENCODE_H
#define LM_IPC_ENCODE_H

#include <lamella/ipc.h>

#include "arrow/batch.h"
#include "codec/codec.h"
#include "ipc/format.h"
#include "ipc/hold.h"

#define LM_IPC_ALIGNMENT 64

/* One buffer: what stands before it ("Compression": its size, or -1) and the bytes. */
typedef struct lm_ipc_part {
    const uint8_t *data;
    size_t size;
    int64_t prefix;
    bool has_prefix;
} lm_ipc_part;

/* A dictionary whose value i is written as the one at places[i]. */
typedef struct lm_ipc_moved {
    const lm_array *dictionary;
    const uint32_t *places;
} lm_ipc_moved;

typedef struct lm_ipc_encoder {
    const lm_allocator *allocator;
    lm_ipc_codec compression;
    int level;
    lm_codec_context *codec; /* made when first needed */
    lm_ipc_hold *hold;       /* of what had to be copied, for one record batch */
    lm_buffer nodes, variadic;
    lm_buffer parts;   /* of lm_ipc_part */
    lm_buffer message; /* the last one that was made */
    lm_buffer moved;   /* of lm_ipc_moved; the caller's to fill and to clear */
    int64_t rows;
    lm_error *error;
} lm_ipc_encoder;

void lm__ipc_encoder_init(lm_ipc_encoder *encoder, const lm_allocator *allocator);
void lm__ipc_encoder_deinit(lm_ipc_encoder *encoder);

/* Begins a record batch of `rows` rows. */
LM_MUST_USE lm_status lm__ipc_encode_start(lm_ipc_encoder *encoder, int64_t rows, lm_error *error);
/* Adds a column. */
LM_MUST_USE lm_status lm__ipc_encode_array(lm_ipc_encoder *encoder, const lm_array *array);
/* The sum over all that was added, before compression: equal for equal values. */
void lm__ipc_encode_digest(const lm_ipc_encoder *encoder, uint8_t digest[32]);
LM_MUST_USE lm_status lm__ipc_encode_compress(lm_ipc_encoder *encoder);
/* Makes encoder->message, of a record batch or (dictionary >= 0) of that dictionary, or of values
 * that are added to it; the message will lie at `at` in the output. */
LM_MUST_USE lm_status lm__ipc_encode_message(lm_ipc_encoder *encoder, uint64_t at,
                                             int64_t dictionary, bool is_added, size_t *body_size);

#endif
