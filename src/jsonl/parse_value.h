/* Strings and numbers as values of Arrow types: the leaves of parse.c. */
#ifndef LM_JSONL_PARSE_VALUE_H
#define LM_JSONL_PARSE_VALUE_H

#include "arrow/build.h"

/* Each appends a value, or says in *why what is wrong (LM_DATA; what the text is not, or does not
 * fit). LM_NO_MEMORY and LM_LIMIT come from the builder. */

/* A number as JSON has it; `whole` when it has neither point nor exponent. */
LM_MUST_USE lm_status lm__jsonl_put_number(lm_builder *builder, const char *text, size_t size,
                                           bool whole, const char **why);
/* Whether a float64 has exactly this whole number; also of what is too large for any. */
bool lm__jsonl_float_keeps(const char *text, size_t size);
#define LM_JSONL_WOULD_ROUND                                                                       \
    "a whole number that float64 would round: say a type that has it (decimal128(38, 0), uint64, " \
    "or utf8)"
/* A string's contents. `uuid`: the column is arrow.uuid. `key`: it is the key of an object, which
 * may stand for a number or a boolean too. */
LM_MUST_USE lm_status lm__jsonl_put_string(lm_builder *builder, const char *text, size_t size,
                                           bool uuid, bool key, const char **why);

#endif
