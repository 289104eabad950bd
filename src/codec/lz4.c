/*
 * LZ4 blocks by liblz4, in both of Parquet's wrappings (Compression.md, "LZ4" and "LZ4_RAW").
 *
 * LZ4_RAW is one block. The older LZ4 was never described; files have one of these:
 *  - Hadoop's framing: the size of a piece unpacked, then packed, both of four bytes big-endian,
 * and the block; where Hadoop's buffer was too small for a piece, several packed sizes with their
 *    blocks follow one unpacked size;
 *  - a block without any framing, by older versions of Arrow C++;
 *  - LZ4's own frames, by older versions of the parquet crate of Rust and of fastparquet.
 * Hadoop's framing is tried first, then frames, which begin with a magic number. A block that
 * happens to look like one of them fails later, and is then read as what it is.
 */
#include <lz4.h>
#include <lz4hc.h>

#include "base/alloc.h"
#include "codec/context.h"
#include "codec/library.h"
#include "codec/lz4_frame.h"

#define LZ4_FUNCTIONS(X)                                                                           \
    X(LZ4_sizeofState)                                                                             \
    X(LZ4_compress_fast_extState)                                                                  \
    X(LZ4_sizeofStateHC)                                                                           \
    X(LZ4_compress_HC_extStateHC)                                                                  \
    X(LZ4_decompress_safe)

LM_LIBRARY(lz4, LZ4_FUNCTIONS, "liblz4.so.1", "liblz4-1")

/* From here on levels mean LZ4's high compression. */
#define LEVEL_HIGH 3

static size_t lz4_bound(size_t size)
{
    size_t bound;
    return __builtin_add_overflow(size, size / 255 + 16, &bound) ? SIZE_MAX : bound;
}

static lm_status lz4_check(lm_error *error)
{
    const lz4_functions *lz4;
    return lz4_load(&lz4, error);
}

static lm_status lz4_compress(lm_codec_context *context, int level, const lm_codec_job *job,
                              size_t *written, lm_error *error)
{
    const lz4_functions *lz4;
    LM_TRY(lz4_load(&lz4, error));
    if (job->src_size > LZ4_MAX_INPUT_SIZE)
        return lm__error_set(error, LM_INVALID, "lz4_raw takes at most %d bytes at once",
                             LZ4_MAX_INPUT_SIZE);
    bool high = level >= LEVEL_HIGH;
    void **state = high ? &context->lz4_state_high : &context->lz4_state;
    int state_size = high ? lz4->LZ4_sizeofStateHC() : lz4->LZ4_sizeofState();
    if (!*state) *state = lm__alloc(context->allocator, (size_t)state_size);
    if (!*state) return lm__error_memory(error, "compressing");
    int capacity = job->dst_size > INT_MAX ? INT_MAX : (int)job->dst_size;
    const char *src = (const char *)job->src;
    char *dst = (char *)job->dst;
    int size = (int)job->src_size;
    int result = high ? lz4->LZ4_compress_HC_extStateHC(*state, src, dst, size, capacity, level)
                      : lz4->LZ4_compress_fast_extState(*state, src, dst, size, capacity, 1);
    if (result <= 0) return LM_LIMIT;
    *written = (size_t)result;
    return LM_OK;
}

/* The bytes that one block gives, or -1. */
static int unpack_block(const lz4_functions *lz4, const uint8_t *src, size_t src_size, uint8_t *dst,
                        size_t capacity)
{
    return lz4->LZ4_decompress_safe((const char *)src, (char *)dst, (int)src_size, (int)capacity);
}

static lm_status lz4_raw_decompress(lm_codec_context *context, const lm_codec_job *job,
                                    lm_error *error)
{
    const lz4_functions *lz4;
    (void)context;
    LM_TRY(lz4_load(&lz4, error));
    int size = unpack_block(lz4, job->src, job->src_size, job->dst, job->dst_size);
    if (size < 0 || (size_t)size != job->dst_size) return lm__codec_damaged("lz4_raw", job, error);
    return LM_OK;
}

static size_t big_endian(const uint8_t *at)
{
    return (size_t)at[0] << 24 | (size_t)at[1] << 16 | (size_t)at[2] << 8 | at[3];
}

/* Whether the whole of src is in Hadoop's framing and gives the whole of dst. */
static bool unpack_hadoop(const lz4_functions *lz4, const lm_codec_job *job)
{
    const uint8_t *in = job->src, *in_end = in + job->src_size;
    uint8_t *out = job->dst, *out_end = out + job->dst_size;
    while (in < in_end) {
        if (in_end - in < 4) return false;
        size_t left = big_endian(in);
        in += 4;
        if (left > (size_t)(out_end - out)) return false;
        while (left > 0) {
            if (in_end - in < 4) return false;
            size_t packed = big_endian(in);
            in += 4;
            if (packed > (size_t)(in_end - in)) return false;
            int size = unpack_block(lz4, in, packed, out, left);
            if (size <= 0) return false;
            in += packed;
            out += size;
            left -= (size_t)size;
        }
    }
    return out == out_end;
}

static lm_status lz4_hadoop_decompress(lm_codec_context *context, const lm_codec_job *job,
                                       lm_error *error)
{
    const lz4_functions *lz4;
    (void)context;
    LM_TRY(lz4_load(&lz4, error));
    if (unpack_hadoop(lz4, job) ||
        lm__lz4_frame_decode(job->src, job->src_size, job->dst, job->dst_size, NULL) == LM_OK)
        return LM_OK;
    int size = unpack_block(lz4, job->src, job->src_size, job->dst, job->dst_size);
    if (size < 0 || (size_t)size != job->dst_size) return lm__codec_damaged("lz4", job, error);
    return LM_OK;
}

static void lz4_release(lm_codec_context *context)
{
    lm__free(context->allocator, context->lz4_state);
    lm__free(context->allocator, context->lz4_state_high);
}

const lm_codec_ops lm_codec_lz4_raw_ops = {
    .name = "lz4_raw",
    .level_lowest = 1,
    .level_highest = LZ4HC_CLEVEL_MAX,
    .level_standard = 1,
    .bound = lz4_bound,
    .load_write = lz4_check,
    .load_read = lz4_check,
    .compress = lz4_compress,
    .decompress = lz4_raw_decompress,
    .release = lz4_release,
};

const lm_codec_ops lm_codec_lz4_hadoop_ops = {
    .name = "lz4",
    .load_read = lz4_check,
    .decompress = lz4_hadoop_decompress,
};
