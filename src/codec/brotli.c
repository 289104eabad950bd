/* Brotli (RFC 7932) by libbrotlienc and libbrotlidec, which keep nothing from call to call. */
#include <brotli/decode.h>
#include <brotli/encode.h>

#include "codec/context.h"
#include "codec/library.h"

#define ENCODER_FUNCTIONS(X) X(BrotliEncoderCompress)
#define DECODER_FUNCTIONS(X) X(BrotliDecoderDecompress)

LM_LIBRARY(encoder, ENCODER_FUNCTIONS, "libbrotlienc.so.1", "libbrotli1")
LM_LIBRARY(decoder, DECODER_FUNCTIONS, "libbrotlidec.so.1", "libbrotli1")

/* The formula of BrotliEncoderMaxCompressedSize. */
static size_t brotli_bound(size_t size)
{
    size_t bound;
    return __builtin_add_overflow(size, 4 * (size >> 14) + 6, &bound) ? SIZE_MAX : bound;
}

static lm_status encoder_check(lm_error *error)
{
    const encoder_functions *encoder;
    return encoder_load(&encoder, error);
}

static lm_status decoder_check(lm_error *error)
{
    const decoder_functions *decoder;
    return decoder_load(&decoder, error);
}

static lm_status brotli_compress(lm_codec_context *context, int level, const lm_codec_job *job,
                                 size_t *written, lm_error *error)
{
    const encoder_functions *encoder;
    (void)context;
    LM_TRY(encoder_load(&encoder, error));
    *written = job->dst_size;
    BROTLI_BOOL done =
        encoder->BrotliEncoderCompress(level, BROTLI_DEFAULT_WINDOW, BROTLI_MODE_GENERIC,
                                       job->src_size, job->src, written, job->dst);
    if (done) return LM_OK;
    /* It does not say why. With room for anything, only memory can be lacking. */
    if (job->dst_size < brotli_bound(job->src_size)) return LM_LIMIT;
    return lm__error_memory(error, "compressing");
}

static lm_status brotli_decompress(lm_codec_context *context, const lm_codec_job *job,
                                   lm_error *error)
{
    const decoder_functions *decoder;
    (void)context;
    LM_TRY(decoder_load(&decoder, error));
    size_t size = job->dst_size;
    BrotliDecoderResult result =
        decoder->BrotliDecoderDecompress(job->src_size, job->src, &size, job->dst);
    if (result != BROTLI_DECODER_RESULT_SUCCESS || size != job->dst_size)
        return lm__codec_damaged("brotli", job, error);
    return LM_OK;
}

const lm_codec_ops lm_codec_brotli_ops = {
    .name = "brotli",
    .level_lowest = 0,
    .level_highest = 11,
    .level_standard = 5,
    .bound = brotli_bound,
    .load_write = encoder_check,
    .load_read = decoder_check,
    .compress = brotli_compress,
    .decompress = brotli_decompress,
};
