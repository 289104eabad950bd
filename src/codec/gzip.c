/* Gzip (RFC 1952) by libdeflate: one member is written, any number are read. */
#include <libdeflate.h>

#include "codec/context.h"
#include "codec/library.h"

#define GZIP_FUNCTIONS(X)                                                                          \
    X(libdeflate_alloc_compressor)                                                                 \
    X(libdeflate_free_compressor)                                                                  \
    X(libdeflate_gzip_compress)                                                                    \
    X(libdeflate_alloc_decompressor)                                                               \
    X(libdeflate_free_decompressor)                                                                \
    X(libdeflate_gzip_decompress_ex)

LM_LIBRARY(gzip, GZIP_FUNCTIONS, "libdeflate.so.0", "libdeflate0")

/* Stored blocks at worst, five bytes for each; libdeflate ends no block before 5,000 bytes. Header
 * and trailer take 18, and libdeflate wants some room to spare. */
static size_t gzip_bound(size_t size)
{
    size_t bound;
    return __builtin_add_overflow(size, 5 * (size / 5000 + 1) + 18 + 46, &bound) ? SIZE_MAX : bound;
}

static lm_status gzip_check(lm_error *error)
{
    const gzip_functions *gzip;
    return gzip_load(&gzip, error);
}

static lm_status gzip_compress(lm_codec_context *context, int level, const lm_codec_job *job,
                               size_t *written, lm_error *error)
{
    const gzip_functions *gzip;
    LM_TRY(gzip_load(&gzip, error));
    if (context->gzip_compressor && context->gzip_level != level) {
        gzip->libdeflate_free_compressor(context->gzip_compressor);
        context->gzip_compressor = NULL;
    }
    if (!context->gzip_compressor)
        context->gzip_compressor = gzip->libdeflate_alloc_compressor(level);
    if (!context->gzip_compressor) return lm__error_memory(error, "compressing");
    context->gzip_level = level;
    *written = gzip->libdeflate_gzip_compress(context->gzip_compressor, job->src, job->src_size,
                                              job->dst, job->dst_size);
    return *written ? LM_OK : LM_LIMIT;
}

static lm_status gzip_decompress(lm_codec_context *context, const lm_codec_job *job,
                                 lm_error *error)
{
    const gzip_functions *gzip;
    LM_TRY(gzip_load(&gzip, error));
    if (!context->gzip_decompressor)
        context->gzip_decompressor = gzip->libdeflate_alloc_decompressor();
    if (!context->gzip_decompressor) return lm__error_memory(error, "decompressing");
    size_t in = 0, out = 0;
    while (in < job->src_size) {
        size_t taken = 0, given = 0;
        enum libdeflate_result result = gzip->libdeflate_gzip_decompress_ex(
            context->gzip_decompressor, job->src + in, job->src_size - in, job->dst + out,
            job->dst_size - out, &taken, &given);
        if (result != LIBDEFLATE_SUCCESS) return lm__codec_damaged("gzip", job, error);
        in += taken;
        out += given;
    }
    return out == job->dst_size ? LM_OK : lm__codec_damaged("gzip", job, error);
}

static void gzip_release(lm_codec_context *context)
{
    const gzip_functions *gzip;
    if (!context->gzip_compressor && !context->gzip_decompressor) return;
    if (gzip_load(&gzip, NULL) != LM_OK) return;
    gzip->libdeflate_free_compressor(context->gzip_compressor);
    gzip->libdeflate_free_decompressor(context->gzip_decompressor);
}

const lm_codec_ops lm_codec_gzip_ops = {
    .name = "gzip",
    .level_lowest = 0,
    .level_highest = 12,
    .level_standard = 6,
    .bound = gzip_bound,
    .load_write = gzip_check,
    .load_read = gzip_check,
    .compress = gzip_compress,
    .decompress = gzip_decompress,
    .release = gzip_release,
};
