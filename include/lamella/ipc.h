/*
 * Arrow IPC ("Arrow Columnar Format", "Serialization and Interprocess Communication"): files and
 * streams of record batches, read and written.
 *
 * All types of the Arrow format are read but unions, which are refused by name, as is big-endian
 * data. What is read is checked whole: every offset, index and view, and that text is UTF-8.
 */
#ifndef LAMELLA_IPC_H
#define LAMELLA_IPC_H

#include <lamella/arrow.h>
#include <lamella/sink.h>
#include <lamella/source.h>

typedef struct lm_ipc_read_options {
    /* The format lets a writer end a stream by closing it. So ends, too, the stream of a writer
     * that died: without this a stream must have its end mark. */
    bool open_end;
} lm_ipc_read_options;

typedef lm_feed lm_ipc_pull; /* a pipe */

/* A file ("ARROW1") or a stream, told apart by its first bytes. The schema is read at once, batches
 * as they are asked for. The source is closed when the stream and all arrays that came from it are
 * released: buffers are borrowed from a source that has a view. Options may be NULL. */
LM_API LM_MUST_USE lm_status lm_ipc_read_take(const lm_allocator *allocator, lm_source *source,
                                              const lm_ipc_read_options *options,
                                              struct ArrowArrayStream *out, lm_error *error);
/* The same from a pipe; of a file that comes through one the footer is not used. The pull is closed
 * at the end of the stream, on failure, or when the stream is released. */
LM_API LM_MUST_USE lm_status lm_ipc_pull_take(const lm_allocator *allocator,
                                              const lm_ipc_pull *pull,
                                              const lm_ipc_read_options *options,
                                              struct ArrowArrayStream *out, lm_error *error);

/* The rows of a source, which is taken, by the metadata of its messages: no batch is looked at. */
LM_API LM_MUST_USE lm_status lm_ipc_rows_take(const lm_allocator *allocator, lm_source *take_source,
                                              int64_t *rows, lm_error *error);

typedef enum lm_ipc_format {
    LM_IPC_STREAM, /* ends with its end mark */
    LM_IPC_FILE,   /* with a footer; a column's dictionary cannot change from batch to batch */
} lm_ipc_format;

typedef enum lm_ipc_codec {
    LM_IPC_UNCOMPRESSED,
    LM_IPC_ZSTD,
    LM_IPC_LZ4,
} lm_ipc_codec;

typedef struct lm_ipc_write_options {
    lm_ipc_format format;
    lm_ipc_codec codec;
    int level; /* of zstd; 0 means its own default */
    const lm_cancel *cancel;
} lm_ipc_write_options;

/* Writes every batch of the stream, which is released in any case. The sink is not finished: that
 * is the caller's decision. Options may be NULL. */
LM_API LM_MUST_USE lm_status lm_ipc_write_take(const lm_allocator *allocator,
                                               struct ArrowArrayStream *stream, lm_sink *sink,
                                               const lm_ipc_write_options *options,
                                               lm_error *error);

#endif
