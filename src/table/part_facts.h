/*
 * What the log tells of a part, for people: its file, bucket, rows, ticks and checksum. Whoever
 * prunes or verifies reads the statistics whole (prune.h).
 */
#ifndef LM_TABLE_PART_FACTS_H
#define LM_TABLE_PART_FACTS_H

#include "table/snapshot.h"

typedef struct lm_part_facts {
    const char *path; /* relative to the table; an absolute one as the log has it */
    bool has_bucket;
    int64_t bucket;
    bool has_rows;
    int64_t rows;
    bool has_ticks;
    int64_t tick_min, tick_max;
    const char *checksum; /* "" when it is not known */
} lm_part_facts;

/* `tick` is the column whose bounds are told; NULL: none. Texts live in the arena. Statistics that
 * cannot be read tell nothing; LM_CORRUPT is for a path that cannot. */
LM_MUST_USE lm_status lm__part_facts(lm_arena *arena, const lm_delta_add *add, const char *tick,
                                     lm_part_facts *facts, lm_error *error);
/* The tick's column, of the descriptor that is with the table or by its name; in the arena, NULL
 * for none. */
LM_MUST_USE lm_status lm__table_tick(lm_arena *arena, const lm_delta_metadata *metadata,
                                     const char **tick, lm_error *error);

#endif
