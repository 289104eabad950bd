/*
 * A source with several users: readers that are given one to keep, one after another. Each use is
 * ended by lm_source_close; the last one closes what is below.
 */
#ifndef LM_IO_SHARED_SOURCE_H
#define LM_IO_SHARED_SOURCE_H

#include <lamella/source.h>

/* Takes `source`, also on failure. */
LM_MUST_USE lm_status lm__source_share_take(const lm_allocator *allocator, lm_source *source,
                                            lm_source **shared, lm_error *error);
/* One more use of a shared source. */
lm_source *lm__source_again(lm_source *shared);

#endif
