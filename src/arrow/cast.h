/*
 * Making a table fit a schema.
 *
 * A cast is planned once, from the two schemas, and then run over batches. Columns whose arrays are
 * already what is wanted are shared, not copied; so are the contents of text that only changes its
 * offsets.
 *
 * What becomes what, in safe mode (strict takes only equal types, wherever they are nested; time
 * zones and a dictionary's order may differ in both):
 *   - integers, floats and decimals among one another where the value stays exactly the same, but
 *     floats and decimals not;
 *   - dates and timestamps, and units of time, timestamp and duration, exactly; integers of the
 *     same width from and to them; a date or a timestamp without a zone to one in UTC, a timestamp
 *     in UTC to a date, and no other change from having a zone to having none;
 *   - text to numbers, booleans, dates, times and timestamps, and back;
 *   - text and binary of all kinds among one another, when bytes are UTF-8 and lengths fit;
 *   - dictionaries to values and back, run ends to values;
 *   - lists of all kinds among one another; structs by the names of their fields; maps;
 *   - null to anything.
 *
 * Invariants
 *  1. All problems that the schemas show are in one error; then nothing has been read.
 *  2. No value is ever changed silently: LM_DATA names column, row and value.
 *  3. What lies beneath a null is never a reason to refuse.
 *  4. In what comes out no field that is not nullable has a null.
 */
#ifndef LM_ARROW_CAST_H
#define LM_ARROW_CAST_H

#include "arrow/batch.h"

typedef struct lm_cast lm_cast;

/* NULL options mean strict. Keeps a reference on the target. */
LM_MUST_USE lm_status lm__cast_new(const lm_allocator *allocator, lm_schema *source,
                                   lm_schema *target, const lm_cast_options *options,
                                   lm_cast **cast, lm_error *error);
void lm__cast_free(lm_cast *cast); /* takes NULL */
/* first_row is added to the numbers of rows in messages. The result shares what it can with
 * `source`, and keeps a reference on it. */
LM_MUST_USE lm_status lm__cast_batch(const lm_cast *cast, lm_batch *source, int64_t first_row,
                                     lm_batch **batch, lm_error *error);

LM_MUST_USE lm_status lm__cast_stream_take(const lm_allocator *allocator, lm_stream *source,
                                           lm_schema *target, const lm_cast_options *options,
                                           lm_stream **stream, lm_error *error);

#endif
