/*
 * Text into members of gzip or frames of zstd, one after the other, by the threads of a pool.
 *
 * Invariants
 *  1. The same text in the same pieces between flushes gives the same bytes, whatever the threads.
 *  2. Memory is that of a few blocks; it does not depend on the text.
 */
#ifndef LM_MERGE_PACK_H
#define LM_MERGE_PACK_H

#include <lamella/codec.h>
#include <lamella/sink.h>

typedef struct lm_pack lm_pack;

/* The sink is not the packer's to finish. */
LM_MUST_USE lm_status lm__pack_new(const lm_allocator *allocator, lm_codec codec, int level,
                                   int threads, lm_sink *sink, lm_pack **pack, lm_error *error);
LM_MUST_USE lm_status lm__pack_write(lm_pack *pack, const uint8_t *text, size_t size,
                                     lm_error *error);
/* What was written so far is in the sink, in whole members. */
LM_MUST_USE lm_status lm__pack_flush(lm_pack *pack, lm_error *error);
void lm__pack_free(lm_pack *pack); /* takes NULL */

#endif
