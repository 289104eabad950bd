/* A ring of blocks that jobs compress, taken in order; see pack.h. */
#include "merge/pack.h"

#include <string.h>

#include "base/alloc.h"
#include "base/error.h"
#include "base/limits.h"
#include "base/pool.h"
#include "codec/codec.h"

typedef struct pack_block {
    lm_job job;
    lm_group group;
    const lm_pack *pack;
    lm_codec_context *context;
    uint8_t *text, *packed;
    size_t size, packed_size;
    lm_status status;
    lm_error error;
} pack_block;

struct lm_pack {
    const lm_allocator *allocator;
    lm_codec codec;
    int level;
    lm_sink *sink;
    lm_pool *pool;
    size_t bound; /* of a block, compressed */
    pack_block *blocks;
    size_t count, oldest, busy; /* the one behind the busy ones is being filled */
};

static void block_run(lm_job *job)
{
    pack_block *b = (pack_block *)job;
    const lm_pack *p = b->pack;
    b->status = LM_OK;
    if (!b->context) b->status = lm__codec_context_new(p->allocator, &b->context, &b->error);
    if (b->status == LM_OK)
        b->status = lm__codec_compress(b->context, p->codec, p->level, b->text, b->size, b->packed,
                                       p->bound, &b->packed_size, &b->error);
}

lm_status lm__pack_new(const lm_allocator *allocator, lm_codec codec, int level, int threads,
                       lm_sink *sink, lm_pack **pack, lm_error *error)
{
    lm_pack *p = lm__alloc_zero(allocator, sizeof *p);
    if (!p) return lm__error_memory(error, "compressing");
    *p = (lm_pack){.allocator = allocator, .codec = codec, .level = level, .sink = sink};
    p->bound = lm__codec_bound(codec, LM_MERGE_PACK_BYTES);
    lm_status status = lm__pool_new(allocator, threads, &p->pool, error);
    if (status != LM_OK) {
        lm__free(allocator, p);
        return status;
    }
    size_t most = LM_MERGE_PACKS_BYTES_MAX / (LM_MERGE_PACK_BYTES + p->bound);
    p->count = (size_t)lm__pool_threads(p->pool) + 1;
    if (p->count > most) p->count = most;
    p->blocks = lm__alloc_zero(allocator, p->count * sizeof *p->blocks);
    if (!p->blocks) {
        lm__pack_free(p);
        return lm__error_memory(error, "compressing");
    }
    *pack = p;
    return LM_OK;
}

static lm_status take_oldest(lm_pack *p, lm_error *error)
{
    pack_block *b = &p->blocks[p->oldest];
    lm__group_wait(&b->group);
    p->oldest = (p->oldest + 1) % p->count;
    p->busy--;
    b->size = 0;
    if (b->status != LM_OK) {
        if (error) *error = b->error;
        return b->status;
    }
    return lm_sink_write(p->sink, b->packed, b->packed_size, error);
}

static pack_block *filling(lm_pack *p) { return &p->blocks[(p->oldest + p->busy) % p->count]; }

static lm_status submit(lm_pack *p, lm_error *error)
{
    pack_block *b = filling(p);
    b->pack = p;
    b->job.run = block_run;
    lm__group_init(&b->group, p->pool);
    lm__group_submit(&b->group, &b->job);
    p->busy++;
    return p->busy == p->count ? take_oldest(p, error) : LM_OK;
}

lm_status lm__pack_write(lm_pack *p, const uint8_t *text, size_t size, lm_error *error)
{
    while (size > 0) {
        pack_block *b = filling(p);
        if (!b->text) {
            b->text = lm__alloc(p->allocator, LM_MERGE_PACK_BYTES);
            b->packed = lm__alloc(p->allocator, p->bound);
            if (!b->text || !b->packed) return lm__error_memory(error, "compressing");
        }
        size_t taken = LM_MERGE_PACK_BYTES - b->size;
        if (taken > size) taken = size;
        memcpy(b->text + b->size, text, taken);
        b->size += taken;
        text += taken;
        size -= taken;
        if (b->size == LM_MERGE_PACK_BYTES) LM_TRY(submit(p, error));
    }
    return LM_OK;
}

lm_status lm__pack_flush(lm_pack *p, lm_error *error)
{
    if (p->busy < p->count && filling(p)->size > 0) LM_TRY(submit(p, error));
    while (p->busy > 0) LM_TRY(take_oldest(p, error));
    return LM_OK;
}

void lm__pack_free(lm_pack *p)
{
    if (!p) return;
    for (size_t i = 0; p->blocks && i < p->count; i++) {
        pack_block *b = &p->blocks[i];
        if (b->group.pool) lm__group_wait(&b->group);
        lm__codec_context_free(b->context);
        lm__free(p->allocator, b->text);
        lm__free(p->allocator, b->packed);
    }
    lm__free(p->allocator, p->blocks);
    lm__pool_free(p->pool);
    lm__free(p->allocator, p);
}
