/*
 * What a caller knows of the bytes that it gives to be compressed. A help and no promise: any
 * layout gives bytes that unpack to the same.
 */
#ifndef LM_CODEC_LAYOUT_H
#define LM_CODEC_LAYOUT_H

#include <stddef.h>

typedef enum lm_codec_kind {
    LM_CODEC_BYTES,   /* nothing is known */
    LM_CODEC_WORDS,   /* little-endian numbers of 8 bytes */
    LM_CODEC_STRINGS, /* each after its length in 4 bytes, little-endian */
} lm_codec_kind;

typedef struct lm_codec_layout {
    lm_codec_kind kind;
    size_t start; /* where the values begin; they go on to the end */
} lm_codec_layout;

#endif
