/*
 * The numbers of Arrow's Message.fbs and File.fbs that fb_schema.h does not have.
 */
#ifndef LM_IPC_FORMAT_H
#define LM_IPC_FORMAT_H

#include "arrow/fb_schema.h"

#define LM_IPC_MAGIC "ARROW1"
#define LM_IPC_MAGIC_BYTES 6
#define LM_IPC_FILE_HEAD_BYTES 8                        /* the magic, padded */
#define LM_IPC_FILE_TAIL_BYTES (4 + LM_IPC_MAGIC_BYTES) /* the footer's length, the magic */

enum {
    LM_FB_RECORDS_LENGTH = 0,      /* i64 */
    LM_FB_RECORDS_NODES = 1,       /* structs */
    LM_FB_RECORDS_BUFFERS = 2,     /* structs */
    LM_FB_RECORDS_COMPRESSION = 3, /* table */
    LM_FB_RECORDS_VARIADIC = 4,    /* i64s */
};
#define LM_FB_NODE_BYTES 16   /* length i64, null count i64 */
#define LM_FB_BUFFER_BYTES 16 /* offset i64, length i64 */

enum {
    LM_FB_COMPRESSION_CODEC = 0,  /* i8 */
    LM_FB_COMPRESSION_METHOD = 1, /* i8: 0, each buffer alone */
};
enum { LM_FB_CODEC_LZ4_FRAME = 0, LM_FB_CODEC_ZSTD = 1 };

enum {
    LM_FB_DICTIONARY_ID = 0,    /* i64 */
    LM_FB_DICTIONARY_DATA = 1,  /* a RecordBatch */
    LM_FB_DICTIONARY_DELTA = 2, /* bool */
};

enum {
    LM_FB_FOOTER_VERSION = 0, /* i16 */
    LM_FB_FOOTER_SCHEMA = 1,
    LM_FB_FOOTER_DICTIONARIES = 2, /* Blocks */
    LM_FB_FOOTER_RECORDS = 3,      /* Blocks */
};
#define LM_FB_BLOCK_BYTES 24 /* offset i64, metadata length i32, padding, body length i64 */

#endif
