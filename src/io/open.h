/* Opening what is read: a path, or standard input. */
#ifndef LM_IO_OPEN_H
#define LM_IO_OPEN_H

#include <lamella/arrow.h>

#include "store/store.h"

/* A stream of the rows at `path` ("-" is standard input, which is read forward, as is anything that
 * is no regular file). The store must stay open until the stream is released. */
LM_MUST_USE lm_status lm__open_table(const lm_allocator *allocator, lm_store *store,
                                     const char *path, lm_cancel *cancel,
                                     struct ArrowArrayStream *out, lm_error *error);

#endif
