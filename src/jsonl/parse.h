/*
 * Lines of JSON into a batch of a schema: a plan that is made once, and its use on blocks of lines,
 * by any number of threads.
 *
 * What goes into what:
 *   - null into every nullable column; a name that a line lacks is null;
 *   - numbers without point and exponent into integers, any number into floats and decimals, where
 *     nothing is lost but the nearness of floats; "NaN", "Infinity" and "-Infinity" into floats,
 *     strings of digits into decimals;
 *   - strings into text; any other value into text as it is written;
 *   - base64 into binary, UUIDs into arrow.uuid;
 *   - ISO 8601 into dates, times, timestamps (with a zone exactly where the column has one),
 *     durations and intervals;
 *   - arrays into lists, objects into structs, objects or arrays of {"key", "value"} into maps.
 *
 * Invariants
 *  1. A plan does not change once made.
 *  2. A failure is LM_DATA with line and column, unless memory or a limit is its reason.
 */
#ifndef LM_JSONL_PARSE_H
#define LM_JSONL_PARSE_H

#include "arrow/batch.h"

typedef struct lm_jsonl_plan lm_jsonl_plan;

/* Dictionaries and run ends are read as their values: `lm__jsonl_plan_schema` has them so. Where
 * the schema was `guessed`, but for the columns in `types` (which may be NULL), a name that it has
 * not is refused, else passed over, and so is a whole number that a float64 would round. */
LM_MUST_USE lm_status lm__jsonl_plan_new(const lm_allocator *allocator, const lm_schema *schema,
                                         bool guessed, const lm_schema *types, lm_jsonl_plan **plan,
                                         lm_error *error);
void lm__jsonl_plan_free(lm_jsonl_plan *plan); /* takes NULL */
lm_schema *lm__jsonl_plan_schema(const lm_jsonl_plan *plan);

/* `text` is whole lines, the first of which has this number; empty ones are passed over. */
LM_MUST_USE lm_status lm__jsonl_parse(const lm_jsonl_plan *plan, const uint8_t *text, size_t size,
                                      int64_t first_line, lm_batch **batch, lm_error *error);

#endif
