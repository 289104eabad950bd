/*
 * Time zones by their names, "Europe/Berlin", from the system's files (RFC 8536), for the writer.
 * Neither TZ nor any other part of the environment is looked at, and nothing is kept beyond the
 * arena.
 *
 * Invariants
 *  1. An offset is of whole minutes: local mean times of long ago, which have seconds, are cut to
 *     that, so that the text still says its instant.
 */
#ifndef LM_CSV_ZONE_H
#define LM_CSV_ZONE_H

#include "base/arena.h"

typedef struct lm_csv_zone lm_csv_zone;

/* Of "+02:00", "UTC" too; LM_INVALID where there is no such zone. */
LM_MUST_USE lm_status lm__csv_zone_load(lm_arena *arena, const char *name, const lm_csv_zone **zone,
                                        lm_error *error);
/* Of the file's bytes; `name` is for messages. */
LM_MUST_USE lm_status lm__csv_zone_parse(lm_arena *arena, const char *name, const uint8_t *file,
                                         size_t size, const lm_csv_zone **zone, lm_error *error);

/* Seconds ahead of UTC, and from when until before when they hold. */
typedef struct lm_csv_zone_span {
    int64_t from, until; /* seconds since 1970; none at first */
    int offset;
} lm_csv_zone_span;
void lm__csv_zone_find(const lm_csv_zone *zone, int64_t second, lm_csv_zone_span *span);

static inline int lm__csv_zone_offset(const lm_csv_zone *zone, int64_t second,
                                      lm_csv_zone_span *span)
{
    if (second < span->from || second >= span->until) lm__csv_zone_find(zone, second, span);
    return span->offset;
}

#endif
