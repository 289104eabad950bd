/*
 * What stores over HTTP have in common: a client and its way to try again, set up by the options
 * that all of them take (docs/storage.md): ca_file, connect_timeout, idle_timeout, attempts,
 * deadline.
 */
#ifndef LM_STORE_REMOTE_H
#define LM_STORE_REMOTE_H

#include <lamella/storage.h>

#include "net/retry.h"

typedef struct lm_remote {
    lm_http *http;
    lm_retry retry; /* one budget for all requests of the store */
} lm_remote;

/* `name` is the store's, by which options may be called ("hdfs": hdfs.ca_file). In place: it is not
 * to be moved once it is in use. */
LM_MUST_USE lm_status lm__remote_init(lm_remote *remote, const lm_allocator *allocator,
                                      const lm_storage *storage, const char *name, lm_error *error);
void lm__remote_deinit(lm_remote *remote);

#endif
