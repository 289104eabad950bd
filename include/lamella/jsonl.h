/*
 * JSON lines: a JSON object for each row, each on a line of its own (docs/jsonl.md).
 */
#ifndef LAMELLA_JSONL_H
#define LAMELLA_JSONL_H

#include <lamella/arrow.h>
#include <lamella/codec.h>
#include <lamella/sink.h>
#include <lamella/source.h>

/* All zero is the default of everything. */
typedef struct lm_jsonl_write_options {
    const lm_cancel *cancel;
    lm_codec compression; /* UNCOMPRESSED, GZIP or ZSTD: members or frames of whole lines, which
                             every reader joins */
    bool level_set;
    int level; /* of the compression; its own default when not set */
} lm_jsonl_write_options;

/* Writes every row of the stream, which is released in any case. The sink is not finished: that is
 * the caller's decision. Options may be NULL. LM_SCHEMA where two fields of one object have the
 * same name. */
LM_API LM_MUST_USE lm_status lm_jsonl_write_take(const lm_allocator *allocator,
                                                 struct ArrowArrayStream *stream, lm_sink *sink,
                                                 const lm_jsonl_write_options *options,
                                                 lm_error *error);

typedef struct lm_jsonl_read_options {
    /* What the columns are; NULL: guessed by the lines of the first 4 MiB, and then strictly so. */
    lm_schema *schema;
    /* `schema` is what reading this very file gave before. As always where types are guessed, a
     * name that it has not is refused, where it is passed over else, and so is a whole number that
     * a guessed float64 would round. */
    bool schema_guessed;
    /* What columns of these names are, in place of what is guessed. */
    lm_schema *types;
    size_t line_bytes_max; /* of one line; longer ones are LM_LIMIT. 0: 64 MiB */
    int threads;           /* 0: LAMELLA_THREADS, else the CPUs of this process; 1: the caller */
    const lm_cancel *cancel;
} lm_jsonl_read_options;

/* A stream of the lines of a source, which is taken. The options may be NULL, and are not needed
 * afterwards, but for `cancel`. What is no JSON, or does not fit the schema, is LM_DATA, with line
 * and column. */
LM_API LM_MUST_USE lm_status lm_jsonl_read_take(const lm_allocator *allocator,
                                                lm_source *take_source,
                                                const lm_jsonl_read_options *options,
                                                struct ArrowArrayStream *out, lm_error *error);
/* The same from a pipe. */
LM_API LM_MUST_USE lm_status lm_jsonl_feed_take(const lm_allocator *allocator,
                                                const lm_feed *take_feed,
                                                const lm_jsonl_read_options *options,
                                                struct ArrowArrayStream *out, lm_error *error);

#endif
