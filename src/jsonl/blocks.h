/*
 * The lines of a source or a feed in blocks: each is whole lines, of about LM_JSONL_BLOCK_BYTES.
 *
 * Invariants
 *  1. Bytes of a source that can be looked at in place are not copied.
 *  2. Memory grows with the line that is being looked for, not with what a length says.
 *  3. What is packed by gzip or zstd, as its first bytes tell, is unpacked on the way.
 */
#ifndef LM_JSONL_BLOCKS_H
#define LM_JSONL_BLOCKS_H

#include <lamella/source.h>

#include "base/buffer.h"
#include "codec/unpack.h"

typedef struct lm_jsonl_blocks {
    const lm_allocator *allocator;
    lm_source *source; /* or NULL: the feed */
    lm_feed feed;
    uint64_t at;       /* in the source */
    lm_buffer pending; /* read, and not yet given: part of a line */
    size_t line_bytes_max;
    int64_t line; /* of the next block, from 1 */
    bool looked, ended;
    uint8_t head[4]; /* of a feed: what it began with, until it is read again */
    size_t head_size;
    lm_unpack *unpack; /* NULL for bytes that are lines themselves */
    uint8_t *packed;
    size_t packed_at, packed_size;
    bool packed_ended;
} lm_jsonl_blocks;

typedef struct lm_jsonl_block {
    const uint8_t *text;
    size_t size;
    uint8_t *owned; /* given back by lm__jsonl_block_free; NULL for a view */
    int64_t first_line;
} lm_jsonl_block;

/* Takes source and feed, whichever is given. */
void lm__jsonl_blocks_init(lm_jsonl_blocks *blocks, const lm_allocator *allocator,
                           lm_source *take_source, const lm_feed *take_feed, size_t line_bytes_max);
void lm__jsonl_blocks_deinit(lm_jsonl_blocks *blocks);
/* size is 0 at the end. */
LM_MUST_USE lm_status lm__jsonl_block_next(lm_jsonl_blocks *blocks, lm_jsonl_block *block,
                                           lm_error *error);
void lm__jsonl_block_free(const lm_jsonl_blocks *blocks, lm_jsonl_block *block);

#endif
