/* The table of codecs, and what is the same for all of them; see codec.h. */
#include "codec/codec.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/alloc.h"
#include "base/limits.h"
#include "codec/context.h"

/* Uncompressed and snappy, which need no library. */

static size_t same_size(size_t size) { return size; }

static lm_status uncompressed_compress(lm_codec_context *context, int level,
                                       const lm_codec_job *job, size_t *written, lm_error *error)
{
    (void)context, (void)level, (void)error;
    if (job->src_size > job->dst_size) return LM_LIMIT;
    if (job->src_size) memcpy(job->dst, job->src, job->src_size);
    *written = job->src_size;
    return LM_OK;
}

static lm_status uncompressed_decompress(lm_codec_context *context, const lm_codec_job *job,
                                         lm_error *error)
{
    (void)context;
    if (job->src_size != job->dst_size) return lm__codec_damaged("uncompressed", job, error);
    if (job->src_size) memcpy(job->dst, job->src, job->src_size);
    return LM_OK;
}

static const lm_codec_ops uncompressed_ops = {
    .name = "uncompressed",
    .bound = same_size,
    .compress = uncompressed_compress,
    .decompress = uncompressed_decompress,
};

static lm_status snappy_compress(lm_codec_context *context, int level, const lm_codec_job *job,
                                 size_t *written, lm_error *error)
{
    (void)level;
    if (!context->snappy) context->snappy = lm__alloc(context->allocator, sizeof *context->snappy);
    if (!context->snappy) return lm__error_memory(error, "compressing");
    *written = lm__snappy_compress_values(job->src, job->src_size, &job->layout, job->dst,
                                          job->dst_size, context->snappy);
    return *written ? LM_OK : LM_LIMIT;
}

static lm_status snappy_decompress(lm_codec_context *context, const lm_codec_job *job,
                                   lm_error *error)
{
    (void)context;
    if (!lm__snappy_decompress(job->src, job->src_size, job->dst, job->dst_size))
        return lm__codec_damaged("snappy", job, error);
    return LM_OK;
}

static void snappy_release(lm_codec_context *context)
{
    lm__free(context->allocator, context->snappy);
}

const lm_codec_ops lm_codec_snappy_ops = {
    .name = "snappy",
    .bound = lm__snappy_bound,
    .compress = snappy_compress,
    .decompress = snappy_decompress,
    .release = snappy_release,
};

/* LZO is known by name only: neither direction. */
static const lm_codec_ops lzo_ops = {.name = "lzo"};

static const lm_codec_ops *const table[] = {
    [LM_CODEC_UNCOMPRESSED] = &uncompressed_ops, [LM_CODEC_SNAPPY] = &lm_codec_snappy_ops,
    [LM_CODEC_GZIP] = &lm_codec_gzip_ops,        [LM_CODEC_LZO] = &lzo_ops,
    [LM_CODEC_BROTLI] = &lm_codec_brotli_ops,    [LM_CODEC_LZ4_HADOOP] = &lm_codec_lz4_hadoop_ops,
    [LM_CODEC_ZSTD] = &lm_codec_zstd_ops,        [LM_CODEC_LZ4_RAW] = &lm_codec_lz4_raw_ops,
};
#define TABLE_COUNT (sizeof table / sizeof *table)

static const lm_codec_ops *ops_of(int codec)
{
    return codec >= 0 && (size_t)codec < TABLE_COUNT ? table[codec] : NULL;
}

lm_status lm__codec_damaged(const char *name, const lm_codec_job *job, lm_error *error)
{
    return lm__error_set(error, LM_CORRUPT,
                         "%s: %zu bytes of data are damaged, or do not hold %zu bytes", name,
                         job->src_size, job->dst_size);
}

const char *lm__codec_name(int codec)
{
    const lm_codec_ops *ops = ops_of(codec);
    return ops ? ops->name : NULL;
}

lm_status lm__codec_parse(const char *name, lm_codec *codec, lm_error *error)
{
    static const struct {
        const char *name;
        lm_codec codec;
    } others[] = {{"none", LM_CODEC_UNCOMPRESSED},
                  {"lz4raw", LM_CODEC_LZ4_RAW},
                  {"lz4_hadoop", LM_CODEC_LZ4_HADOOP}};
    char shown[64];
    for (size_t i = 0; i < TABLE_COUNT; i++)
        if (strcasecmp(name, table[i]->name) == 0) {
            *codec = (lm_codec)i;
            return LM_OK;
        }
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        if (strcasecmp(name, others[i].name) == 0) {
            *codec = others[i].codec;
            return LM_OK;
        }
    return lm__error_set(error, LM_INVALID,
                         "there is no codec \"%s\"; there are uncompressed, snappy, gzip, brotli, "
                         "zstd and lz4_raw",
                         lm__printable(shown, sizeof shown, name));
}

lm_status lm__codec_level_parse(const char *text, lm_codec *codec, int32_t *level, lm_error *error)
{
    char name[32];
    const char *colon = strchr(text, ':');
    size_t size = colon ? (size_t)(colon - text) : strlen(text);
    if (size >= sizeof name)
        return lm__error_set(error, LM_INVALID, "%s: no codec has this name", text);
    memcpy(name, text, size);
    name[size] = '\0';
    *level = LM_CODEC_LEVEL_DEFAULT;
    LM_TRY(lm__codec_parse(name, codec, error));
    if (!colon) return LM_OK;
    char *end;
    long number = strtol(colon + 1, &end, 10);
    if (end == colon + 1 || *end || number < -1000 || number > 1000)
        return lm__error_set(error, LM_INVALID, "%s: the level is no number", text);
    *level = (int32_t)number;
    return LM_OK;
}

void lm__codec_levels(lm_codec codec, int *lowest, int *highest, int *standard)
{
    const lm_codec_ops *ops = ops_of((int)codec);
    *lowest = ops ? ops->level_lowest : 0;
    *highest = ops ? ops->level_highest : 0;
    *standard = ops ? ops->level_standard : 0;
}

static lm_status check_level(const lm_codec_ops *ops, int level, lm_error *error)
{
    if (level == LM_CODEC_LEVEL_DEFAULT) return LM_OK;
    if (ops->level_lowest == 0 && ops->level_highest == 0)
        return lm__error_set(error, LM_INVALID, "%s has no levels, and %d was given", ops->name,
                             level);
    if (level < ops->level_lowest || level > ops->level_highest)
        return lm__error_set(error, LM_INVALID, "%s has levels from %d to %d, not %d", ops->name,
                             ops->level_lowest, ops->level_highest, level);
    return LM_OK;
}

lm_status lm__codec_check_write(int codec, int level, lm_error *error)
{
    const lm_codec_ops *ops = ops_of(codec);
    if (!ops) return lm__error_set(error, LM_INVALID, "there is no codec %d", codec);
    if (!ops->compress && ops->decompress)
        return lm__error_set(error, LM_UNSUPPORTED,
                             "%s is an old framing that is read only; write lz4_raw", ops->name);
    if (!ops->compress)
        return lm__error_set(error, LM_UNSUPPORTED, "the codec %s is not supported", ops->name);
    LM_TRY(check_level(ops, level, error));
    return ops->load_write ? ops->load_write(error) : LM_OK;
}

lm_status lm__codec_check_read(int codec, lm_error *error)
{
    const lm_codec_ops *ops = ops_of(codec);
    if (!ops) return lm__error_set(error, LM_UNSUPPORTED, "codec %d is not known", codec);
    if (!ops->decompress)
        return lm__error_set(error, LM_UNSUPPORTED, "the codec %s is not supported", ops->name);
    return ops->load_read ? ops->load_read(error) : LM_OK;
}

lm_status lm__codec_context_new(const lm_allocator *allocator, lm_codec_context **context,
                                lm_error *error)
{
    *context = lm__alloc_zero(allocator, sizeof **context);
    if (!*context) return lm__error_memory(error, "preparing to compress");
    (*context)->allocator = lm__allocator_or_default(allocator);
    return LM_OK;
}

void lm__codec_context_free(lm_codec_context *context)
{
    if (!context) return;
    for (size_t i = 0; i < TABLE_COUNT; i++)
        if (table[i]->release) table[i]->release(context);
    lm__free(context->allocator, context);
}

size_t lm__codec_bound(lm_codec codec, size_t size)
{
    const lm_codec_ops *ops = ops_of((int)codec);
    return ops && ops->bound ? ops->bound(size) : SIZE_MAX;
}

lm_status lm__codec_compress_values(lm_codec_context *context, lm_codec codec, int level,
                                    const lm_codec_layout *layout, const void *src, size_t src_size,
                                    void *dst, size_t capacity, size_t *written, lm_error *error)
{
    static const uint8_t nothing[1];
    uint8_t nowhere[1];
    const lm_codec_ops *ops = ops_of((int)codec);
    if (!ops || !ops->compress) return lm__codec_check_write((int)codec, level, error);
    LM_TRY(check_level(ops, level, error));
    if (src_size > LM_CODEC_BYTES_MAX)
        return lm__error_set(error, LM_INVALID, "%zu bytes are more than %s takes at once (%zu)",
                             src_size, ops->name, LM_CODEC_BYTES_MAX);
    lm_codec_job job = {src_size ? src : nothing, src_size, capacity ? dst : nowhere, capacity,
                        *layout};
    if (level == LM_CODEC_LEVEL_DEFAULT) level = ops->level_standard;
    return ops->compress(context, level, &job, written, error);
}

lm_status lm__codec_compress(lm_codec_context *context, lm_codec codec, int level, const void *src,
                             size_t src_size, void *dst, size_t capacity, size_t *written,
                             lm_error *error)
{
    const lm_codec_layout none = {LM_CODEC_BYTES, 0};
    return lm__codec_compress_values(context, codec, level, &none, src, src_size, dst, capacity,
                                     written, error);
}

lm_status lm__codec_decompress(lm_codec_context *context, int codec, const void *src,
                               size_t src_size, void *dst, size_t dst_size, lm_error *error)
{
    uint8_t nowhere[1];
    const lm_codec_ops *ops = ops_of(codec);
    if (!ops || !ops->decompress) return lm__codec_check_read(codec, error);
    if (src_size > LM_CODEC_BYTES_MAX || dst_size > LM_CODEC_BYTES_MAX)
        return lm__error_set(error, LM_LIMIT, "%s: %zu bytes that hold %zu are past the limit",
                             ops->name, src_size, dst_size);
    /* Some writers leave out what an empty page would be compressed to. */
    if (src_size == 0 && dst_size == 0) return LM_OK;
    lm_codec_job job = {src, src_size, dst_size ? dst : nowhere, dst_size, {LM_CODEC_BYTES, 0}};
    if (src_size == 0) return lm__codec_damaged(ops->name, &job, error);
    return ops->decompress(context, &job, error);
}
