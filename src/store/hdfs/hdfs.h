/*
 * The store on HDFS, by WebHDFS or HttpFS: what its files share.
 *
 * Data goes to and comes from DataNodes, all else is the NameNode's: a request of its own for each
 * step, which names the operation.
 *
 *     stage     CREATE `.lamella-<32 hex>.tmp` beside the destination: the NameNode redirects, the
 *               DataNode takes the bytes. A file up to LM_HDFS_SMALL_BYTES is kept until its end
 * and sent at once, so it can be sent again; a larger one streams. seal      GETFILESTATUS: an
 * upload that was cut leaves a file that is whole to look at, but shorter commit    RENAME with
 * renameoptions=NONE or OVERWRITE; never without, which moves into directories
 *
 * Invariants
 *  1. What is not repeatable is sent once, unless the NameNode said that it did nothing (standby,
 *     safe mode, RetriableException) or no byte of the request went out.
 *  2. A RENAME whose answer was lost is never repeated as it was: the staged file gets another name
 *     first, so that the lost request finds nothing, should it still be waiting somewhere
 *     (commit.c).
 *  3. A file is told by its inode number (fileId), which HDFS never gives twice and which a rename
 *     keeps. Gateways leave it out; there length and time have to do.
 *  4. Memory: one block of LM_HDFS_SMALL_BYTES for each stage, LM_WINDOW_SLOTS windows for each
 *     source.
 */
#ifndef LM_STORE_HDFS_HDFS_H
#define LM_STORE_HDFS_HDFS_H

#include <pthread.h>

#include "store/hdfs/answer.h"
#include "store/hdfs/namenodes.h"
#include "store/hdfs/url.h"
#include "store/remote.h"
#include "store/store.h"
#include "store/temp_name.h"

/* A DataNode that failed, by the address that the NameNode calls it by. */
typedef struct lm_hdfs_shunned {
    char name[LM_HDFS_NODE_NAME_MAX];
    int64_t until_ns; /* on the monotonic clock; past: an empty place */
} lm_hdfs_shunned;

typedef struct lm_hdfs_store {
    lm_store store;
    lm_arena arena;
    const char *root; /* "hdfs://service", as the caller wrote it */
    size_t root_size;
    lm_namenodes nodes;
    atomic_uint active; /* the NameNode that answered last */
    lm_hdfs_who who;
    bool negotiate;
    uint64_t replication, block_bytes; /* of new files; 0: the server's */
    lm_remote remote;
    const lm_cancel *cancel; /* of reading and looking; may be NULL */
    atomic_bool no_batch;    /* the server has no LISTSTATUS_BATCH */
    atomic_size_t holders;   /* the caller, and sources, which may outlive it */
    pthread_mutex_t mutex;   /* of the next */
    lm_hdfs_shunned shunned[LM_HDFS_SHUNNED_MAX];
} lm_hdfs_store;

void lm__hdfs_release(lm_hdfs_store *hdfs);

/* ---- client.c ---- */

typedef struct lm_hdfs_call {
    const char *method, *operation;
    const char *path;       /* on the store */
    const char *parameters; /* encoded, beginning with '&'; or NULL */
    bool repeatable;
    bool once;        /* no attempt after the first */
    int64_t whole_ns; /* 0: the client's */
    /* The body of an answer that is no redirect, in pieces; see net/http.h. */
    lm_status (*on_body)(void *context, const void *data, size_t size, lm_error *error);
    void *context;
    const lm_cancel *cancel;
} lm_hdfs_call;

typedef struct lm_hdfs_answer {
    lm_http_response response;
    lm_arena arena; /* what is read of the answer */
    lm_buffer url;
    lm_hdfs_exception exception; /* of a refusal */
    bool lost;                   /* after a failure: it may have been done nevertheless */
} lm_hdfs_answer;

void lm__hdfs_answer_init(lm_hdfs_answer *answer, const lm_hdfs_store *hdfs);
void lm__hdfs_answer_deinit(lm_hdfs_answer *answer);

/* Asks the NameNodes. LM_OK with a 2xx answer or a redirect. */
LM_MUST_USE lm_status lm__hdfs_ask(lm_hdfs_store *hdfs, const lm_hdfs_call *call,
                                   lm_hdfs_answer *answer, lm_error *error);
/* The place that the answer redirects to, in the answer's arena. */
LM_MUST_USE lm_status lm__hdfs_location(const lm_hdfs_store *hdfs, const lm_hdfs_call *call,
                                        lm_hdfs_answer *answer, const char **location,
                                        lm_error *error);
/* The failure that a whole answer is which was not wanted; *passes when it may be over soon. */
LM_MUST_USE lm_status lm__hdfs_refusal(const lm_hdfs_store *hdfs, const lm_hdfs_call *call,
                                       lm_hdfs_answer *answer, bool *passes, lm_error *error);
/* Asks for what is answered by nothing or by a boolean. Any other answer is a lost one: whoever
 * gave it was no NameNode. */
LM_MUST_USE lm_status lm__hdfs_ask_yes(lm_hdfs_store *hdfs, const lm_hdfs_call *call,
                                       lm_hdfs_answer *answer, bool *value, lm_error *error);
/* The same, where there is nothing to be said but yes: MKDIRS, SETPERMISSION. */
LM_MUST_USE lm_status lm__hdfs_do(lm_hdfs_store *hdfs, const lm_hdfs_call *call, lm_error *error);

/* GETFILESTATUS; the texts of *file are not kept but the kind, numbers and permission are. */
LM_MUST_USE lm_status lm__hdfs_look(lm_hdfs_store *hdfs, const char *path, const lm_cancel *cancel,
                                    lm_hdfs_file *file, lm_error *error);
/* The same within `arena`, texts and all. */
LM_MUST_USE lm_status lm__hdfs_look_whole(lm_hdfs_store *hdfs, const char *path,
                                          const lm_cancel *cancel, lm_arena *arena,
                                          lm_hdfs_file *file, lm_error *error);
/* MKDIRS, which says yes to a directory that is there. */
LM_MUST_USE lm_status lm__hdfs_mkdirs(lm_hdfs_store *hdfs, const char *path,
                                      const lm_cancel *cancel, lm_error *error);
/* DELETE of what was looked at just now; that it is gone already is no failure. LM_UNKNOWN_OUTCOME
 * after a lost answer, unless it is seen to be gone. */
LM_MUST_USE lm_status lm__hdfs_delete(lm_hdfs_store *hdfs, const char *path, bool recursive,
                                      const lm_cancel *cancel, lm_error *error);
/* DELETE of what is ours, as well as it goes: nobody is told of a failure. */
void lm__hdfs_discard(lm_hdfs_store *hdfs, const char *path);

void lm__hdfs_stat_fill(const lm_hdfs_file *file, lm_store_stat *stat);
/* Are they the same file, unchanged? */
bool lm__hdfs_is_same(const lm_hdfs_file *a, const lm_hdfs_file *b);

/* ---- datanodes.c ---- */

/* The DataNode at `location`, which the NameNode believes in for some minutes after its end,
 * failed: for a while it is not to be sent to. It may be one of those that have the byte at
 * `offset` of `path`, by which the NameNode can tell its name; else it is taken to be alone on its
 * host. */
void lm__hdfs_shun(lm_hdfs_store *hdfs, const char *location, const char *path, uint64_t offset,
                   const lm_cancel *cancel);
/* "&excludedatanodes=…", or nothing. */
LM_MUST_USE lm_status lm__hdfs_shunned_parameter(lm_hdfs_store *hdfs, lm_buffer *out);
/* No DataNode was left: all may be asked again. */
void lm__hdfs_forgive(lm_hdfs_store *hdfs);

/* ---- stage.c, commit.c ---- */

lm_status lm__hdfs_stage_open(lm_store *store, const char *path, const lm_stage_options *options,
                              lm_stage **stage, lm_error *error);

/* A file or directory put where it is to stand, in one step. */
typedef struct lm_hdfs_move {
    char from[LM_PATH_BYTES_MAX]; /* where it is; after a failure too, when it was not moved */
    const char *to;
    bool overwrite;
    lm_hdfs_file what;  /* what is at `from` */
    const char *suffix; /* of the name that it gets when an answer was lost */
    const lm_cancel *cancel;
} lm_hdfs_move;

/* Answers as a commit does. */
LM_MUST_USE lm_status lm__hdfs_move_run(lm_hdfs_store *hdfs, lm_hdfs_move *move, lm_error *error);
/* After a failed run: what an answer that was lost cost its name `name` gets it back. Gives
 * `status`; where it cannot, the message tells the name that it has. */
LM_MUST_USE lm_status lm__hdfs_move_back(lm_hdfs_store *hdfs, const lm_hdfs_move *move,
                                         const char *name, lm_status status, lm_error *error);
/* "<directory of path>/.lamella-<32 hex><suffix>" */
LM_MUST_USE lm_status lm__hdfs_temp_beside(const char *path, const char *suffix,
                                           char temp[LM_PATH_BYTES_MAX], lm_error *error);

/* ---- read.c, list.c, change.c, concat.c, reap.c ---- */

lm_status lm__hdfs_open(lm_store *store, const char *path, lm_source **source, lm_error *error);
lm_status lm__hdfs_open_seen(lm_store *store, const char *path, uint64_t size, uint64_t inode,
                             lm_source **source, lm_error *error);
lm_status lm__hdfs_stat(lm_store *store, const char *path, bool follow, lm_store_stat *stat,
                        lm_error *error);
lm_status lm__hdfs_list(lm_store *store, const char *path, const lm_list_options *options,
                        lm_list_callback *callback, void *context, lm_error *error);
lm_status lm__hdfs_remove(lm_store *store, const char *path, lm_durability durability,
                          lm_error *error);
lm_status lm__hdfs_tree_sync(lm_store *store, const char *path, lm_cancel *cancel, lm_error *error);
lm_status lm__hdfs_tree_commit(lm_store *store, const char *staged, const char *path,
                               const lm_tree_options *options, lm_tree_result *result,
                               lm_error *error);
lm_status lm__hdfs_tree_remove(lm_store *store, const char *path, lm_cancel *cancel,
                               lm_error *error);
lm_status lm__hdfs_reap(lm_store *store, const char *path, const lm_reap_options *options,
                        lm_gc_callback *callback, void *context, lm_error *error);
lm_status lm__hdfs_concat(lm_store *store, const char *target, const char *const *sources,
                          size_t count, lm_cancel *cancel, size_t *done, lm_error *error);

/* What lies in the directory `path` (on the store), page by page; temporary things too. The texts
 * of a file are valid during the call. */
typedef lm_status lm_hdfs_each(void *context, const lm_hdfs_file *file, lm_error *error);
LM_MUST_USE lm_status lm__hdfs_each_file(lm_hdfs_store *hdfs, const char *path,
                                         const lm_cancel *cancel, lm_hdfs_each *each, void *context,
                                         lm_error *error);
/* Fills `buffer` with bytes of the file `file` at `path`. */
LM_MUST_USE lm_status lm__hdfs_fetch(lm_hdfs_store *hdfs, const char *path,
                                     const lm_hdfs_file *file, uint64_t offset, void *buffer,
                                     size_t size, const lm_cancel *cancel, lm_error *error);

#endif
