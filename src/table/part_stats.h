/*
 * What the log says of a part's columns, from what the Parquet writer already knows of its chunks
 * (PROTOCOL.md, "Per-file Statistics").
 *
 * Invariants
 *  1. Bounds hold: a text's may be cut, as the file's own are, and then lie outside its values.
 * What JSON or Delta has no form for (infinities, binary, booleans, years past 9999, columns within
 * lists and maps) has none. A column with a NaN has no maximum: to Spark NaN is above all numbers.
 *  2. nullCount is exact.
 */
#ifndef LM_TABLE_PART_STATS_H
#define LM_TABLE_PART_STATS_H

#include "parquet/writer.h"

typedef struct lm_part_ticks {
    bool there;
    int64_t min, max;
} lm_part_ticks;

/* Of a writer that has ended: JSON for add.stats, of the first `columns_max` leaves (negative:
 * all), and the bounds of the integer column `tick` (NULL: none). */
LM_MUST_USE lm_status lm__part_stats(const lm_parquet_writer *writer, int64_t columns_max,
                                     const char *tick, lm_buffer *json, lm_part_ticks *ticks,
                                     lm_error *error);

#endif
