/*
 * Delta's types and ours (Delta protocol, "Schema Serialization Format"): what a table can hold,
 * and the schema as the log's text.
 *
 * Delta has one text, one binary, one list; signed integers; timestamps in microseconds, in UTC or
 * without a zone; decimals of up to 38 digits. A column is stored as the Arrow type that stands for
 * its Delta type: widened or made finer where that loses nothing, refused where it would.
 */
#ifndef LM_TABLE_DELTA_SCHEMA_H
#define LM_TABLE_DELTA_SCHEMA_H

#include "arrow/schema.h"

/* `out` is `source` as a table stores it, with its name and nullability. LM_SCHEMA, with the
 * column's path, for what Delta cannot hold. */
LM_MUST_USE lm_status lm__delta_field(lm_arena *arena, const lm_field *source, const lm_path *path,
                                      lm_field *out, lm_error *error);
/* Are arrays of both stored as the same Delta type without a value changing? Then they differ only
 * in how they lie in memory. */
bool lm__delta_same(const lm_field *a, const lm_field *b);
/* Does the schema hold a timestamp without a zone? */
bool lm__delta_has_ntz(const lm_field *field);
/* "long", "decimal(10,2)"; NULL for what is nested. `text` is for those with parameters. */
const char *lm__delta_type_name(const lm_field *field, char text[32]);

/* The schemaString of stored columns. A field's metadata go with it: "comment" is its description,
 * and "json:<key>" has what is no text, as JSON. */
LM_MUST_USE lm_status lm__delta_schema_text(const lm_schema *schema, lm_buffer *out);
/* LM_UNSUPPORTED, with its name, for a type that we do not know; LM_CORRUPT for no schema. */
LM_MUST_USE lm_status lm__delta_schema_parse(const lm_allocator *allocator, const char *text,
                                             size_t size, lm_schema **schema, lm_error *error);

#endif
