/*
 * Delegation tokens as YARN and Spark hand them to their processes: in a file of Hadoop's
 * Credentials, which HADOOP_TOKEN_FILE_LOCATION names.
 *
 *     "HDTS" 0, a count, and for each token a name, an identifier, a password, a kind, a service;
 *     each of them its length (Hadoop's VInt) and bytes
 *
 * What a request says as `delegation=` is the token's own bytes, from the identifier on, in base64.
 */
#ifndef LM_STORE_HDFS_TOKENS_H
#define LM_STORE_HDFS_TOKENS_H

#include "base/arena.h"

/* The token for the name service or host `authority` among HDFS's: the one of that service, else
 * the only one, else *token is NULL. `file` is for messages. */
LM_MUST_USE lm_status lm__hadoop_tokens_read(lm_arena *arena, const char *file, const void *data,
                                             size_t size, const char *authority, const char **token,
                                             lm_error *error);
/* The same from the file itself. */
LM_MUST_USE lm_status lm__hadoop_tokens_load(lm_arena *arena, const char *file,
                                             const char *authority, const char **token,
                                             lm_error *error);

#endif
