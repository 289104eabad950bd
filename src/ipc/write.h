/*
 * Writing Arrow IPC, batch by batch.
 *
 * Invariants
 *  1. Sticky: after a failure every call gives that same failure.
 *  2. The sink is never finished nor aborted here.
 *  3. Each dictionary column has a dictionary of its own, numbered by its place; it is written
 *     before the first record batch that uses it. When its values change a stream has it again; a
 *     file adds them to it, for who reads it as a stream, and has all in one behind the last batch,
 *     which is what the footer leads to.
 *  4. Nothing is written that would mean something else: where a file cannot have one dictionary of
 *     all (nested values, an order, indices that are too narrow) it is LM_UNSUPPORTED.
 */
#ifndef LM_IPC_WRITE_H
#define LM_IPC_WRITE_H

#include <lamella/ipc.h>

#include "arrow/batch.h"

typedef struct lm_ipc_writer lm_ipc_writer;

/* Writes the schema. The sink is borrowed, and is at its beginning or at a multiple of 8 bytes.
 * Options may be NULL. */
LM_MUST_USE lm_status lm__ipc_writer_open(const lm_allocator *allocator, const lm_schema *schema,
                                          lm_sink *sink, const lm_ipc_write_options *options,
                                          lm_ipc_writer **writer, lm_error *error);
LM_MUST_USE lm_status lm__ipc_writer_batch(lm_ipc_writer *writer, lm_batch *batch, lm_error *error);
/* The end mark, and of a file the footer. */
LM_MUST_USE lm_status lm__ipc_writer_end(lm_ipc_writer *writer, lm_error *error);
void lm__ipc_writer_close(lm_ipc_writer *writer); /* takes NULL */

#endif
