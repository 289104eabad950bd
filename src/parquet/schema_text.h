/* The schema of a Parquet file as text, in the notation that the Java library prints and many
 * tools know: "message schema { optional binary name (STRING) = 3; … }". */
#ifndef LM_PARQUET_SCHEMA_TEXT_H
#define LM_PARQUET_SCHEMA_TEXT_H

#include "base/buffer.h"
#include "parquet/reader.h"

/* One node of it, without what is inside: "optional binary name (STRING) = 3". */
LM_MUST_USE lm_status lm__parquet_node_text(const lm_read_node *node, lm_buffer *out);
LM_MUST_USE lm_status lm__parquet_schema_text(const lm_parquet_reader *reader, lm_buffer *out);

#endif
