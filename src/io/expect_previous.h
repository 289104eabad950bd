#ifndef LM_IO_EXPECT_PREVIOUS_H
#define LM_IO_EXPECT_PREVIOUS_H

#include <lamella/storage.h>

/* How many rows the table at `path` has; 0 where nothing stands. */
LM_MUST_USE lm_status lm__expect_previous(const lm_allocator *allocator, const char *path,
                                          const lm_storage *storage, uint64_t *rows,
                                          lm_error *error);

#endif
