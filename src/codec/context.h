/* What a context holds, and what each codec's file offers to codec.c. */
#ifndef LM_CODEC_CONTEXT_H
#define LM_CODEC_CONTEXT_H

#include "base/error.h"
#include "codec/codec.h"
#include "codec/snappy.h"

/* Everything is made at its first use; NULL until then. */
struct lm_codec_context {
    const lm_allocator *allocator;
    lm_snappy_table *snappy;
    void *zstd_compressor, *zstd_decompressor;
    int zstd_level;
    void *gzip_compressor, *gzip_decompressor;
    int gzip_level;
    void *lz4_state, *lz4_state_high;
};

/* One buffer into another; dst is never NULL. */
typedef struct lm_codec_job {
    const uint8_t *src;
    size_t src_size;
    uint8_t *dst;
    size_t dst_size; /* the capacity, or the size that is expected */
    lm_codec_layout layout;
} lm_codec_job;

typedef struct lm_codec_ops {
    const char *name;
    int level_lowest, level_highest, level_standard; /* all 0: no levels */
    size_t (*bound)(size_t size);                    /* SIZE_MAX when it overflows */
    /* Whether the library is there; NULL when there is none to load. */
    lm_status (*load_write)(lm_error *error);
    lm_status (*load_read)(lm_error *error);
    /* NULL when the codec is read only. LM_LIMIT, without a message, when it does not fit. */
    lm_status (*compress)(lm_codec_context *context, int level, const lm_codec_job *job,
                          size_t *written, lm_error *error);
    /* Fills the whole of dst, or LM_CORRUPT. */
    lm_status (*decompress)(lm_codec_context *context, const lm_codec_job *job, lm_error *error);
    void (*release)(lm_codec_context *context);
} lm_codec_ops;

extern const lm_codec_ops lm_codec_snappy_ops, lm_codec_gzip_ops, lm_codec_brotli_ops,
    lm_codec_lz4_hadoop_ops, lm_codec_lz4_raw_ops, lm_codec_zstd_ops;

/* "snappy: the data is damaged, or not 123 bytes long". */
lm_status lm__codec_damaged(const char *name, const lm_codec_job *job, lm_error *error);

#endif
