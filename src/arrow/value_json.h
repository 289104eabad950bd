/*
 * Arrow values as JSON (RFC 8259), for whoever writes rows for people and other programs.
 * docs/jsonl.md tells what each type becomes.
 *
 * Invariants
 *  1. What is written is valid JSON without line breaks, provided that text is UTF-8.
 *  2. Integers and decimals have all their digits; a float the fewest that read back.
 */
#ifndef LM_ARROW_VALUE_JSON_H
#define LM_ARROW_VALUE_JSON_H

#include "arrow/view.h"

/* How the values of a field are written: a tree beside the field's own. */
typedef struct lm_value_json lm_value_json;
struct lm_value_json {
    const lm_field *field;
    const char *label; /* "name": as JSON, with a comma before it, save for the first of a struct */
    size_t label_size;
    lm_value_json *children; /* the field's; of a dictionary its values */
    bool uuid;
};

/* In the arena. LM_SCHEMA for a struct with two fields of one name, which no JSON object can have,
 * and for types that have no text. `path` is where the field stands; NULL at the root. */
LM_MUST_USE lm_status lm__value_json_make(lm_arena *arena, const lm_field *field,
                                          const lm_path *path, lm_value_json *node,
                                          lm_error *error);
/* One value. LM_NO_MEMORY and LM_LIMIT, without a message. */
LM_MUST_USE lm_status lm__value_json_put(const lm_value_json *node, const lm_array *array,
                                         int64_t row, lm_buffer *out);
/* A string with its quotes. */
LM_MUST_USE lm_status lm__value_json_string(lm_buffer *out, const void *text, size_t size);

/* How many of the bytes stand in a string as they are: no quote, no backslash, no control
 * character. */
size_t lm__value_json_plain(const uint8_t *text, size_t size);

#endif
