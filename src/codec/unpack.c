/* Decompression piece by piece; see unpack.h. */
#include "codec/unpack.h"

#include <isa-l/igzip_lib.h>
#include <string.h>
#include <zstd.h>

#include "base/alloc.h"
#include "codec/library.h"

#define ISAL_FUNCTIONS(X)                                                                          \
    X(isal_inflate_init)                                                                           \
    X(isal_inflate_reset)                                                                          \
    X(isal_inflate)

LM_LIBRARY(isal, ISAL_FUNCTIONS, "libisal.so.2", "libisal2")

#define ZSTD_FUNCTIONS(X)                                                                          \
    X(ZSTD_createDStream)                                                                          \
    X(ZSTD_freeDStream)                                                                            \
    X(ZSTD_decompressStream)                                                                       \
    X(ZSTD_isError)                                                                                \
    X(ZSTD_getErrorName)

LM_LIBRARY(zstd, ZSTD_FUNCTIONS, "libzstd.so.1", "libzstd1")

struct lm_unpack {
    const lm_allocator *allocator;
    lm_codec codec;
    bool within; /* a member has begun and not ended */
    ZSTD_DStream *zstd;
    struct inflate_state gzip;
};

lm_codec lm__unpack_codec(const uint8_t *head, size_t size)
{
    if (size >= 3 && memcmp(head, "\x1f\x8b\x08", 3) == 0) return LM_CODEC_GZIP;
    if (size >= 4 && memcmp(head, "\x28\xb5\x2f\xfd", 4) == 0) return LM_CODEC_ZSTD;
    return LM_CODEC_UNCOMPRESSED;
}

static void start_member(const isal_functions *isal, struct inflate_state *state)
{
    isal->isal_inflate_reset(state);
    state->crc_flag = ISAL_GZIP;
}

lm_status lm__unpack_new(const lm_allocator *allocator, lm_codec codec, lm_unpack **unpack,
                         lm_error *error)
{
    const isal_functions *isal;
    const zstd_functions *zstd;
    if (codec == LM_CODEC_GZIP) LM_TRY(isal_load(&isal, error));
    if (codec == LM_CODEC_ZSTD) LM_TRY(zstd_load(&zstd, error));
    lm_unpack *made = lm__alloc_zero(allocator, sizeof *made);
    if (!made) return lm__error_memory(error, "decompressing");
    made->allocator = allocator;
    made->codec = codec;
    if (codec == LM_CODEC_GZIP) {
        isal->isal_inflate_init(&made->gzip);
        start_member(isal, &made->gzip);
    } else {
        made->zstd = zstd->ZSTD_createDStream();
        if (!made->zstd) {
            lm__unpack_free(made);
            return lm__error_memory(error, "decompressing");
        }
    }
    *unpack = made;
    return LM_OK;
}

void lm__unpack_free(lm_unpack *unpack)
{
    const zstd_functions *zstd;
    if (!unpack) return;
    if (unpack->zstd && zstd_load(&zstd, NULL) == LM_OK) zstd->ZSTD_freeDStream(unpack->zstd);
    lm__free(unpack->allocator, unpack);
}

static uint32_t cut(size_t size) { return size > UINT32_MAX ? UINT32_MAX : (uint32_t)size; }

static lm_status run_gzip(lm_unpack *unpack, lm_unpack_step *step, lm_error *error)
{
    const isal_functions *isal;
    struct inflate_state *state = &unpack->gzip;
    LM_TRY(isal_load(&isal, error));
    while (step->out_size > 0) {
        if (state->block_state == ISAL_BLOCK_FINISH) {
            if (step->in_size == 0) return LM_OK;
            start_member(isal, state);
        }
        size_t in = cut(step->in_size), out = cut(step->out_size);
        state->next_in = (uint8_t *)step->in;
        state->avail_in = (uint32_t)in;
        state->next_out = step->out;
        state->avail_out = (uint32_t)out;
        /* What it says of a damaged stream can be one byte past the input. */
        if (isal->isal_inflate(state) < 0)
            return lm__error_set(error, LM_CORRUPT, "gzip: the data is damaged");
        size_t taken = in - state->avail_in, given = out - state->avail_out;
        step->in += taken;
        step->in_size -= taken;
        step->out += given;
        step->out_size -= given;
        unpack->within = state->block_state != ISAL_BLOCK_FINISH;
        if (taken == 0 && given == 0) return LM_OK;
    }
    return LM_OK;
}

static lm_status run_zstd(lm_unpack *unpack, lm_unpack_step *step, lm_error *error)
{
    const zstd_functions *zstd;
    LM_TRY(zstd_load(&zstd, error));
    /* Between frames it would take a call without input for the beginning of one. */
    while (step->in_size > 0 || unpack->within) {
        ZSTD_inBuffer in = {step->in, step->in_size, 0};
        ZSTD_outBuffer out = {step->out, step->out_size, 0};
        size_t result = zstd->ZSTD_decompressStream(unpack->zstd, &out, &in);
        step->in += in.pos;
        step->in_size -= in.pos;
        step->out += out.pos;
        step->out_size -= out.pos;
        if (zstd->ZSTD_isError(result))
            return lm__error_set(error, LM_CORRUPT, "zstd: %s", zstd->ZSTD_getErrorName(result));
        unpack->within = result != 0;
        if (step->out_size == 0 || step->in_size == 0) break;
    }
    return LM_OK;
}

lm_status lm__unpack_run(lm_unpack *unpack, lm_unpack_step *step, lm_error *error)
{
    return unpack->codec == LM_CODEC_GZIP ? run_gzip(unpack, step, error)
                                          : run_zstd(unpack, step, error);
}

bool lm__unpack_ended(const lm_unpack *unpack) { return !unpack->within; }
