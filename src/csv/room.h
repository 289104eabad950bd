/*
 * The memory of batches: large pages, each shared by batches that follow one another, so that the
 * system is asked seldom and a page is wasted by little.
 *
 * Invariants
 *  1. A page lives as long as a batch that has something in it, or as it is being filled.
 *  2. A room is one block's: only one thread takes from it at a time. Batches may be released by
 *     any.
 */
#ifndef LM_CSV_ROOM_H
#define LM_CSV_ROOM_H

#include "arrow/batch.h"

typedef struct lm_csv_page lm_csv_page;
typedef struct lm_csv_room {
    const lm_allocator *allocator;
    size_t page_bytes;  /* of the next page, unless more is asked for at once */
    lm_csv_page *page;  /* that is being filled, or NULL */
    lm_csv_page *taken; /* those that the batch under way has something in */
} lm_csv_room;

/* Aligned to 64 bytes and not zeroed; NULL: there is no memory. */
void *lm__csv_room_take(lm_csv_room *room, size_t bytes);
/* The batch keeps what was taken since the last one; on failure too. */
LM_MUST_USE lm_status lm__csv_room_give(lm_csv_room *room, lm_batch *batch);
/* What was taken since the last batch is not needed. */
void lm__csv_room_drop(lm_csv_room *room);
void lm__csv_room_deinit(lm_csv_room *room);

#endif
