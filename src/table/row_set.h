/*
 * A set of row numbers as Delta keeps it in a deletion vector (PROTOCOL.md, "Deletion Vector
 * Format"): Roaring bitmaps in their portable serialisation (RoaringFormatSpec), one for each 2^32
 * rows.
 *
 * Invariants
 *  1. The bytes are looked through once, when the set is made: rows rise, counts are true, nothing
 *     is left over. What is asked of it afterwards needs no check.
 *  2. Memory is that of the bytes and of an entry for each 65,536 rows that have one deleted.
 */
#ifndef LM_TABLE_ROW_SET_H
#define LM_TABLE_ROW_SET_H

#include <lamella/base.h>

typedef struct lm_row_set lm_row_set;

/* Takes the bytes, of the allocator, also on failure. LM_CORRUPT when they are no set; the message
 * begins with what is wrong. */
LM_MUST_USE lm_status lm__row_set_new_take(const lm_allocator *allocator, uint8_t *take_bytes,
                                           size_t size, lm_row_set **set, lm_error *error);
void lm__row_set_free(lm_row_set *set); /* takes NULL */

uint64_t lm__row_set_count(const lm_row_set *set);
/* One past the last row; 0 of an empty set. */
uint64_t lm__row_set_end(const lm_row_set *set);
/* Clears the bits of those of the rows [first, first + count) that are in the set, bit 0 being
 * `first`. All were set; how many were cleared is returned. */
size_t lm__row_set_clear(const lm_row_set *set, uint64_t first, size_t count, uint8_t *bits);

#endif
