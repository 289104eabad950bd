/*
 * JSON lines: a JSON object for each row, each on a line of its own (docs/jsonl.md).
 */
#ifndef LAMELLA_JSONL_H
#define LAMELLA_JSONL_H

#include <lamella/arrow.h>
#include <lamella/sink.h>
#include <lamella/source.h>

typedef struct lm_jsonl_write_options {
    const lm_cancel *cancel;
} lm_jsonl_write_options;

/* Writes every row of the stream, which is released in any case. The sink is not finished: that is
 * the caller's decision. Options may be NULL. LM_SCHEMA where two fields of one object have the
 * same name. */
LM_API LM_MUST_USE lm_status lm_jsonl_write_take(const lm_allocator *allocator,
                                                 struct ArrowArrayStream *stream, lm_sink *sink,
                                                 const lm_jsonl_write_options *options,
                                                 lm_error *error);

#endif
