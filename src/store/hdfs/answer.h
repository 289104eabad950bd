/*
 * What a NameNode answers: JSON, read into what the store needs of it.
 *
 * Invariants
 *  1. The bytes are a server's, and believed in nothing: what is absent or of another kind than the
 *     specification's is LM_IO ("an answer that is none"), numbers are checked, names have no NUL
 *     and no '/'.
 *  2. Texts lie in the arena.
 */
#ifndef LM_STORE_HDFS_ANSWER_H
#define LM_STORE_HDFS_ANSWER_H

#include "base/arena.h"
#include "base/limits.h"
#include "store/store.h"

/* "FileStatus JSON Schema". What a gateway leaves out is 0. */
typedef struct lm_hdfs_file {
    lm_store_kind kind;
    const char *name; /* "" where it is the path's own */
    uint64_t size, id, block_bytes;
    int64_t mtime_ms;
    unsigned permission; /* 01777 */
    const char *owner, *group;
    bool has_acl;
} lm_hdfs_file;

LM_MUST_USE lm_status lm__hdfs_file_read(lm_arena *arena, const void *text, size_t size,
                                         lm_hdfs_file *file, lm_error *error);

/* LISTSTATUS and LISTSTATUS_BATCH; of the second, how many entries are left. */
typedef struct lm_hdfs_listing {
    lm_hdfs_file *files;
    size_t count;
    uint64_t remaining;
} lm_hdfs_listing;

LM_MUST_USE lm_status lm__hdfs_listing_read(lm_arena *arena, const void *text, size_t size,
                                            lm_hdfs_listing *listing, lm_error *error);

/* {"boolean":true} */
LM_MUST_USE lm_status lm__hdfs_boolean_read(lm_arena *arena, const void *text, size_t size,
                                            bool *value, lm_error *error);
/* GET_BLOCK_LOCATIONS: is it still being written? False where the answer does not say. */
bool lm__hdfs_is_open_read(lm_arena *arena, const void *text, size_t size);

/* The same: the address ("ip:port") by which the NameNode calls the DataNode whose HTTP address is
 * `web`; false when it is not among them. */
bool lm__hdfs_node_read(lm_arena *arena, const void *text, size_t size, const char *web,
                        char name[LM_HDFS_NODE_NAME_MAX]);

#define LM_HDFS_EXCEPTION_MAX 80

/* "RemoteException JSON Schema". An answer that is none has an empty name. The message is cut
 * before a stack trace. */
typedef struct lm_hdfs_exception {
    char name[LM_HDFS_EXCEPTION_MAX];
    char message[LM_ERROR_MESSAGE_MAX / 2];
} lm_hdfs_exception;

void lm__hdfs_exception_read(lm_arena *arena, const void *text, size_t size,
                             lm_hdfs_exception *exception);

/* What an exception or, without one, the number of the answer means. */
typedef struct lm_hdfs_meaning {
    lm_status status;
    const char *remedy; /* a clause, or NULL */
    bool is_standby;    /* another NameNode may answer */
    bool passes;        /* nothing was done, and it may be over soon */
} lm_hdfs_meaning;

lm_hdfs_meaning lm__hdfs_meaning(int http_status, const lm_hdfs_exception *exception);

#endif
