/*
 * Where a path leads. A path without a scheme, and one that begins with `file:`, is the system's
 * own; URLs lead to other stores (docs/storage.md):
 *
 *     webhdfs://namenode:9870/out/day.parquet      HDFS by its REST interface, swebhdfs:// by TLS
 *     hdfs://nameservice/out/day.parquet           the same, found by Hadoop's configuration
 *
 * What follows the host is taken byte for byte: nothing is percent-decoded, `?` and `#` are
 * characters of names.
 */
#ifndef LAMELLA_STORAGE_H
#define LAMELLA_STORAGE_H

#include <lamella/base.h>

typedef struct lm_storage_pair {
    const char *key, *value;
} lm_storage_pair;

/* One line for each request to a remote store, without its end; secrets are masked. Called from any
 * thread, also from several at once. */
typedef void lm_trace_callback(void *context, const char *line);

/* How stores are reached. NULL and all zero: by the environment and the configuration files alone.
 * Pairs are read when something is opened; `trace`, its context and `cancel` must outlive what was.
 */
typedef struct lm_storage {
    const lm_storage_pair *pairs; /* options, docs/storage.md: before the environment */
    size_t pair_count;
    lm_trace_callback *trace; /* may be NULL */
    void *trace_context;
    /* Reading and looking are given up when it is requested (a commit that has begun is not); what
     * calls have in their own options goes beside it. May be NULL. */
    const lm_cancel *cancel;
    void *reserved; /* NULL */
} lm_storage;

#endif
