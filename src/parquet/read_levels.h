/*
 * Levels looked at many at a time: which entries have slots, and where lists begin. read_nest.h
 * says what the numbers mean.
 *
 * Invariants
 *  1. Every level of processor gives what the scalar one gives.
 *  2. Up to 8 bytes past the last bit are written over.
 */
#ifndef LM_PARQUET_READ_LEVELS_H
#define LM_PARQUET_READ_LEVELS_H

#include <stddef.h>
#include <stdint.h>

#include "base/cpu.h"

/* An entry has a slot when its definition is at least `slot` and its repetition at most `context`;
 * the slot is no null when the definition is at least `valid`. */
typedef struct lm_level_slots {
    uint8_t slot, valid, context;
} lm_level_slots;

/* An entry begins a list when its definition is at least `slot` and its repetition below
 * `repetition`; it has an item when the definition is at least `item` and the repetition at most
 * `repetition`. */
typedef struct lm_level_lists {
    uint8_t slot, item, repetition;
} lm_level_lists;

typedef struct lm_level_kernels {
    /* How many entries have a slot; their validity goes to `bits` from bit `at` on, and *valid gets
     * how many are no nulls. Without `repetitions` none continues a slot. */
    size_t (*slots)(const lm_level_slots *rule, const uint8_t *definitions,
                    const uint8_t *repetitions, size_t count, uint8_t *bits, size_t at,
                    size_t *valid);
    /* How many lists begin; each one's offset goes to `offsets`: *items and the items before it.
     * *items is moved on past them all. */
    size_t (*lists)(const lm_level_lists *rule, const uint8_t *definitions,
                    const uint8_t *repetitions, size_t count, int32_t *offsets, int32_t *items);
    /* How many bytes are at least `least`. */
    size_t (*count)(const uint8_t *levels, size_t count, uint8_t least);
} lm_level_kernels;

const lm_level_kernels *lm__level_kernels(lm_cpu_level level);

#endif
