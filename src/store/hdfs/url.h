/*
 * Paths and the URLs of WebHDFS (the "WebHDFS REST API" of Hadoop's documentation).
 *
 *     http://HOST:PORT/webhdfs/v1/PATH?op=OPERATION&user.name=USER&…
 *
 * Invariants
 *  1. Every byte but letters, digits and `-._~/` is percent-encoded, in upper-case digits: nothing
 *     in a name can become part of a URL's syntax, and no server turns `+` into a blank.
 *  2. A path on the store begins with '/', has no empty part and none that is `.` or `..`: these
 *     are taken out by their text, as Hadoop's clients do.
 */
#ifndef LM_STORE_HDFS_URL_H
#define LM_STORE_HDFS_URL_H

#include "base/buffer.h"

/* The path on the store, from one that is the URL's or begins with '/'; LM_INVALID for what HDFS
 * has no name for. `to` has room for LM_PATH_BYTES_MAX. */
LM_MUST_USE lm_status lm__hdfs_path(const char *root, size_t root_size, const char *path, char *to,
                                    lm_error *error);
/* The bytes of a path's directory: 0 when that is the root itself. `path` is of lm__hdfs_path. */
size_t lm__hdfs_parent_size(const char *path);

/* Appends encoded. */
LM_MUST_USE lm_status lm__hdfs_encode(lm_buffer *out, const char *text, size_t size);
/* "&name=value" */
LM_MUST_USE lm_status lm__hdfs_parameter(lm_buffer *out, const char *name, const char *value);
LM_MUST_USE lm_status lm__hdfs_parameter_number(lm_buffer *out, const char *name, uint64_t value);

typedef struct lm_hdfs_who {
    const char *user, *delegation; /* NULL: none; the second goes before the first */
} lm_hdfs_who;

/* The whole URL, ended by NUL; `parameters` are encoded and begin with '&', or NULL. */
LM_MUST_USE lm_status lm__hdfs_url(lm_buffer *out, bool is_tls, const char *host, const char *path,
                                   const char *operation, const lm_hdfs_who *who,
                                   const char *parameters, lm_error *error);

#endif
