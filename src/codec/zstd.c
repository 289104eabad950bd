/* Zstandard (RFC 8878) by libzstd. */
#include <zstd.h>
#include <zstd_errors.h>

#include "codec/context.h"
#include "codec/library.h"

#define ZSTD_FUNCTIONS(X)                                                                          \
    X(ZSTD_createCCtx)                                                                             \
    X(ZSTD_freeCCtx)                                                                               \
    X(ZSTD_CCtx_setParameter)                                                                      \
    X(ZSTD_compress2)                                                                              \
    X(ZSTD_createDCtx)                                                                             \
    X(ZSTD_freeDCtx)                                                                               \
    X(ZSTD_decompressDCtx)                                                                         \
    X(ZSTD_isError)                                                                                \
    X(ZSTD_getErrorCode)                                                                           \
    X(ZSTD_getErrorName)

LM_LIBRARY(zstd, ZSTD_FUNCTIONS, "libzstd.so.1", "libzstd1")

/* zstd.h has the formula as a macro only for sizes that it can take. */
static size_t zstd_bound(size_t size)
{
    size_t bound, small = size < 128 * 1024 ? (128 * 1024 - size) >> 11 : 0;
    return __builtin_add_overflow(size, (size >> 8) + small, &bound) ? SIZE_MAX : bound;
}

static lm_status zstd_check(lm_error *error)
{
    const zstd_functions *zstd;
    return zstd_load(&zstd, error);
}

/* A compressor at `level`; the frame says its content's size, and has no checksum of its own. */
static lm_status compressor_at(lm_codec_context *context, const zstd_functions *zstd, int level,
                               lm_error *error)
{
    if (!context->zstd_compressor) {
        context->zstd_compressor = zstd->ZSTD_createCCtx();
        if (!context->zstd_compressor) return lm__error_memory(error, "compressing");
        context->zstd_level = ZSTD_CLEVEL_DEFAULT;
    }
    if (context->zstd_level == level) return LM_OK;
    size_t result =
        zstd->ZSTD_CCtx_setParameter(context->zstd_compressor, ZSTD_c_compressionLevel, level);
    if (zstd->ZSTD_isError(result))
        return lm__error_set(error, LM_INVALID, "zstd: level %d: %s", level,
                             zstd->ZSTD_getErrorName(result));
    context->zstd_level = level;
    return LM_OK;
}

static lm_status zstd_compress(lm_codec_context *context, int level, const lm_codec_job *job,
                               size_t *written, lm_error *error)
{
    const zstd_functions *zstd;
    LM_TRY(zstd_load(&zstd, error));
    LM_TRY(compressor_at(context, zstd, level, error));
    size_t result = zstd->ZSTD_compress2(context->zstd_compressor, job->dst, job->dst_size,
                                         job->src, job->src_size);
    if (!zstd->ZSTD_isError(result)) {
        *written = result;
        return LM_OK;
    }
    if (zstd->ZSTD_getErrorCode(result) == ZSTD_error_dstSize_tooSmall) return LM_LIMIT;
    if (zstd->ZSTD_getErrorCode(result) == ZSTD_error_memory_allocation)
        return lm__error_memory(error, "compressing");
    return lm__error_set(error, LM_BROKEN, "zstd: %s", zstd->ZSTD_getErrorName(result));
}

static lm_status zstd_decompress(lm_codec_context *context, const lm_codec_job *job,
                                 lm_error *error)
{
    const zstd_functions *zstd;
    LM_TRY(zstd_load(&zstd, error));
    if (!context->zstd_decompressor) context->zstd_decompressor = zstd->ZSTD_createDCtx();
    if (!context->zstd_decompressor) return lm__error_memory(error, "decompressing");
    size_t result = zstd->ZSTD_decompressDCtx(context->zstd_decompressor, job->dst, job->dst_size,
                                              job->src, job->src_size);
    if (zstd->ZSTD_isError(result) &&
        zstd->ZSTD_getErrorCode(result) == ZSTD_error_memory_allocation)
        return lm__error_memory(error, "decompressing");
    return result == job->dst_size ? LM_OK : lm__codec_damaged("zstd", job, error);
}

static void zstd_release(lm_codec_context *context)
{
    const zstd_functions *zstd;
    if (!context->zstd_compressor && !context->zstd_decompressor) return;
    if (zstd_load(&zstd, NULL) != LM_OK) return;
    zstd->ZSTD_freeCCtx(context->zstd_compressor);
    zstd->ZSTD_freeDCtx(context->zstd_decompressor);
}

const lm_codec_ops lm_codec_zstd_ops = {
    .name = "zstd",
    .level_lowest = -131072,
    .level_highest = 22,
    .level_standard = 1,
    .bound = zstd_bound,
    .load_write = zstd_check,
    .load_read = zstd_check,
    .compress = zstd_compress,
    .decompress = zstd_decompress,
    .release = zstd_release,
};
