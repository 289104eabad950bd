/* The compression codecs, by Parquet's numbers. */
#ifndef LAMELLA_CODEC_H
#define LAMELLA_CODEC_H

#include <limits.h>

/* X(name, number, text) */
#define LM_CODEC_TABLE(X)                                                                          \
    X(LM_CODEC_UNCOMPRESSED, 0, "uncompressed")                                                    \
    X(LM_CODEC_SNAPPY, 1, "snappy")                                                                \
    X(LM_CODEC_GZIP, 2, "gzip")                                                                    \
    X(LM_CODEC_LZO, 3, "lzo") /* refused by name */                                                \
    X(LM_CODEC_BROTLI, 4, "brotli")                                                                \
    X(LM_CODEC_LZ4_HADOOP, 5, "lz4") /* read only */                                               \
    X(LM_CODEC_ZSTD, 6, "zstd")                                                                    \
    X(LM_CODEC_LZ4_RAW, 7, "lz4_raw")

typedef enum lm_codec {
#define LM_CODEC_ENUM(name, number, text) name = number,
    LM_CODEC_TABLE(LM_CODEC_ENUM)
#undef LM_CODEC_ENUM
} lm_codec;

/* The codec's own default level; the only one for codecs without levels. */
#define LM_CODEC_LEVEL_DEFAULT INT_MIN

#endif
