/*
 * Schemas as Arrow IPC messages (Schema.fbs, Message.fbs): what Parquet keeps under "ARROW:schema"
 * and what IPC streams and files begin with.
 *
 * Dictionaries are numbered: a schema that is written gives each dictionary field the number of its
 * place, depth first, counting from 0 (lm__fb_schema_number), and one that is read keeps the
 * numbers it had.
 *
 * Invariants
 *  1. A schema that was read is sound (schema.h 1); anything else is refused with the column's
 *     path: LM_CORRUPT for bytes that are no flatbuffer, LM_SCHEMA for a schema that makes no
 *     sense, LM_UNSUPPORTED for what we do not know.
 */
#ifndef LM_ARROW_FB_SCHEMA_H
#define LM_ARROW_FB_SCHEMA_H

#include "arrow/flatbuffer.h"
#include "arrow/schema.h"

/* Message.fbs */
enum {
    LM_FB_MESSAGE_VERSION = 0, /* i16: LM_FB_VERSION_V5 */
    LM_FB_MESSAGE_HEADER_TYPE = 1,
    LM_FB_MESSAGE_HEADER = 2,
    LM_FB_MESSAGE_BODY_LENGTH = 3, /* i64 */
    LM_FB_MESSAGE_METADATA = 4,
};
enum { LM_FB_VERSION_V4 = 3, LM_FB_VERSION_V5 = 4 };
enum {
    LM_FB_HEADER_SCHEMA = 1,
    LM_FB_HEADER_DICTIONARY = 2,
    LM_FB_HEADER_RECORDS = 3,
};
#define LM_FB_CONTINUATION 0xffffffffu

/* Numbers the dictionaries of a schema that is being made, depth first from 0; returns how many
 * there are. */
int64_t lm__fb_schema_number(lm_field *root);

/* Links `slot` to a Schema table. */
void lm__fb_schema_put(lm_fb_builder *builder, size_t slot, const lm_schema *schema);
/* A whole encapsulated message: continuation, length, Message, padding to 8 bytes. */
LM_MUST_USE lm_status lm__fb_schema_message(const lm_schema *schema, lm_buffer *out,
                                            lm_error *error);

/* From a Schema table; the reader's bytes are not needed afterwards. */
LM_MUST_USE lm_status lm__fb_schema_get(const lm_allocator *allocator, const lm_fb_table *table,
                                        lm_schema **schema, lm_error *error);
/* From an encapsulated message, with or without the continuation (files before 0.15). */
LM_MUST_USE lm_status lm__fb_schema_parse(const lm_allocator *allocator, const void *data,
                                          size_t size, lm_schema **schema, lm_error *error);

#endif
