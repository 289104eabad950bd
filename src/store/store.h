/*
 * Storage, at the level of a publication: stage, seal, commit; read, look, list, remove.
 *
 * A store is a table of functions and a set of declared capabilities. The table fits stores that
 * rename (posix, hdfs) and stores that put (s3, gcs, azure): a stage is a temporary file, an open
 * multipart upload or a buffer, and nothing above this header can tell which. What a store cannot
 * do as one atomic step it refuses with LM_UNSUPPORTED, naming what is missing; nothing emulates
 * atomicity by looking first and writing then.
 *
 *     stage_open -> lm_sink_write ... -> seal -> commit -> close
 *
 * Invariants
 *  1. Until commit no reader of `path` can tell that a stage exists; list does not show it.
 *  2. commit has four kinds of answer. LM_OK: visible, and as durable as was asked.
 *     LM_UNKNOWN_DURABILITY: visible, but a power cut may take it back. LM_UNKNOWN_OUTCOME: nobody
 *     can say whether it is visible. Any other status: definitely not visible, the destination is
 *     as it was.
 *  3. close of a stage that was not committed leaves nothing behind (a store that dies first leaves
 *     what `reap` recognises).
 *  4. A stage belongs to one thread at a time; a store may be used from many threads at once, each
 *     with stages of its own, and outlives them. Sources go on after their store is closed.
 *  5. Paths are bytes ended by NUL, not necessarily UTF-8, with '/' between parts. For posix they
 *     are paths of the system; for others they are relative to what the store was opened on.
 */
#ifndef LM_STORE_STORE_H
#define LM_STORE_STORE_H

#include <lamella/commit.h>
#include <lamella/sink.h>
#include <lamella/source.h>
#include <lamella/storage.h>
#include <lamella/upkeep.h>

#include "base/cancel.h"
#include "base/hash.h"

typedef struct lm_store lm_store;
typedef struct lm_stage lm_stage;

/* What a store can do, each as one atomic step. */
typedef enum lm_store_cap {
    LM_STORE_REPLACE = 1 << 0,       /* commit over what is there */
    LM_STORE_IF_ABSENT = 1 << 1,     /* commit only where nothing is; exclusive among all writers */
    LM_STORE_IF_MATCH = 1 << 2,      /* commit only over what was seen, among Lamella's writers */
    LM_STORE_IF_MATCH_ALL = 1 << 3,  /* the same, among all writers of the store */
    LM_STORE_LINK = 1 << 4,          /* a second name for the same bytes */
    LM_STORE_TREE = 1 << 5,          /* a directory put in place where nothing is */
    LM_STORE_TREE_EXCHANGE = 1 << 6, /* a directory exchanged for another */
    LM_STORE_LOCAL = 1 << 7,         /* durability `file` and `none` mean something */
    LM_STORE_REAP = 1 << 8,          /* can tell a dead writer's stages from a live one's */
    LM_STORE_ADOPT = 1 << 9,         /* a finished file of the same store becomes a stage */
    LM_STORE_CONCAT = 1 << 10,       /* files joined into one where their bytes lie */
    LM_STORE_COPY = 1 << 11,         /* a stage's bytes from a file of the store, past the client */
} lm_store_cap;

typedef enum lm_store_kind {
    LM_STORE_FILE = 1,
    LM_STORE_DIRECTORY = 2,
    LM_STORE_SYMLINK = 3,
    LM_STORE_OTHER = 4, /* FIFO, device, socket */
} lm_store_kind;

/* A token that changes whenever the object does: an ETag, a generation, or device, inode, size and
 * times. "version:" + token may stand in lm_stage_options.match. */
#define LM_STORE_VERSION_MAX 128

typedef struct lm_store_stat {
    lm_store_kind kind;
    uint64_t size;
    int64_t mtime_ns;       /* since 1970, 0 where the store does not know */
    uint64_t device, inode; /* 0 where there is no such thing */
    uint64_t links;         /* names of the same bytes, 0 where unknown */
    uint64_t block_bytes;   /* HDFS: of the blocks that it is made of; 0 elsewhere */
    char version[LM_STORE_VERSION_MAX];
} lm_store_stat;

typedef struct lm_stage_options {
    const lm_allocator *allocator; /* NULL: the store's */
    lm_cancel *cancel;             /* may be NULL */
    lm_commit_mode mode;
    const char *match; /* IF_MATCH: "sha256:…", "crc32c:…" or "version:…" */
    lm_durability durability;
    lm_checksum_kind checksum;
    lm_direct direct;
    uint64_t size_expected; /* 0: not known */
    uint64_t block_bytes;   /* HDFS: of its blocks; 0: the store's default. Not used elsewhere */
    const char *adopt;      /* LM_STORE_ADOPT. The path of a finished file: it is moved into place
                               itself, nothing is written; without a commit it stays where it is */
    bool in_exclusive;      /* the caller runs within lm__store_exclusive beside this path */
    bool no_follow;         /* replace a symlink itself */
    bool keep_xattrs;       /* carry user.* attributes over too */
    bool no_parents;        /* a missing parent directory is an error */
} lm_stage_options;

/* What is known of a stage once it is sealed. */
typedef struct lm_sealed {
    const char *path; /* where it will stand, symlinks followed; valid until the stage is closed */
    uint64_t size;
    char checksum[LM_CHECKSUM_TEXT_MAX]; /* "" when none was asked for */
    int64_t mtime_ns;
    uint64_t device, inode; /* of the new file; 0 where there is no such thing */
    bool replaces;          /* something stood at the path when the stage was opened */
    bool direct;            /* the bytes went around the page cache: reading back will be cold */
    unsigned warnings;      /* LM_FILE_WARN_… */
} lm_sealed;

typedef struct lm_stage_ops {
    /* The bytes are whole and where they must be; nothing can be written any more. Durable, if the
     * durability asked for is not `none`. */
    lm_status (*seal)(lm_stage *stage, lm_error *error);
    /* The one visible step; see invariant 2. Called at most once, on a sealed stage. */
    lm_status (*commit)(lm_stage *stage, lm_error *error);
    /* Undoes what was not committed and releases everything. */
    void (*close)(lm_stage *stage);
    /* LM_STORE_COPY. Bytes of an open source of this store come behind what was written, without
     * passing through this process. *copied tells how many; fewer than `length` with LM_OK: the
     * rest has to be read and written. May be NULL. */
    lm_status (*copy)(lm_stage *stage, lm_source *source, uint64_t offset, uint64_t length,
                      uint64_t *copied, lm_error *error);
    /* Before seal: the bytes are whole, and `sealed` tells of them, but nothing is durable yet.
     * *ended is false where only seal can tell. May be NULL. */
    lm_status (*end)(lm_stage *stage, bool *ended, lm_error *error);
} lm_stage_ops;

/* Implementations embed it as their first member. Its sink's finish is seal, its abort closes
 * nothing: use lm__stage_close. */
struct lm_stage {
    lm_sink sink;
    const lm_stage_ops *ops;
    lm_store *store;
    lm_sealed sealed; /* filled by seal; `path` and `replaces` from the start */
    bool is_ended, is_sealed, is_committed;
    bool broke_off; /* a store's word after a failure: what was written is lost, by what may pass */
    long owner;     /* the process that opened it: a fork of that one leaves it alone */
    lm_sink_ops sink_ops;
};

typedef struct lm_store_entry {
    const char *name; /* within the listed directory; valid during the call */
    lm_store_stat stat;
} lm_store_entry;

typedef struct lm_list_options {
    const char *after; /* only names greater than this, bytewise; NULL: all */
    bool with_stat;    /* fill size, times and version; the kind is always there */
    lm_cancel *cancel;
} lm_list_options;

/* Any status but LM_OK ends the listing and is its result. */
typedef lm_status lm_list_callback(void *context, const lm_store_entry *entry, lm_error *error);

typedef struct lm_tree_options {
    lm_commit_mode mode; /* IF_ABSENT: put in place; REPLACE: exchange if there is one, else put */
    lm_durability durability;
    bool discard_old; /* the tree that was exchanged out is removed once the exchange is durable;
                         reap finishes what a crash leaves of that */
    lm_cancel *cancel;
} lm_tree_options;

typedef struct lm_tree_result {
    bool is_visible; /* the tree is in place, whatever the status */
    bool exchanged;  /* another tree stood there; `staged` holds it now, unless it was discarded */
    bool old_left;   /* it was to be discarded, and something of it is left for reap */
} lm_tree_result;

typedef struct lm_reap_options {
    bool dry_run;
    bool recursive;
    int64_t older_than_ns; /* additionally spare what is younger; 0: no condition */
    int64_t now_ns;        /* wall clock, for older_than_ns */
    lm_cancel *cancel;
} lm_reap_options;

typedef lm_status lm_exclusive_run(void *context, lm_error *error);

typedef struct lm_store_ops {
    const char *name; /* "posix", "mem", "s3" */
    lm_status (*stage_open)(lm_store *store, const char *path, const lm_stage_options *options,
                            lm_stage **stage, lm_error *error);
    lm_status (*open)(lm_store *store, const char *path, lm_source **source, lm_error *error);
    /* The same, of a file that was looked at or listed just now, with this size and inode: nothing
     * is asked again. LM_STALE, now or when it is read, where it is gone or another. May be NULL.
     */
    lm_status (*open_seen)(lm_store *store, const char *path, uint64_t size, uint64_t inode,
                           lm_source **source, lm_error *error);
    lm_status (*stat)(lm_store *store, const char *path, bool follow, lm_store_stat *stat,
                      lm_error *error);
    /* What lies directly under `path`, in no order. A directory that is not there is LM_NOT_FOUND,
     * or has nothing in it on a store that knows no directories. */
    lm_status (*list)(lm_store *store, const char *path, const lm_list_options *options,
                      lm_list_callback *callback, void *context, lm_error *error);
    /* A file's name, gone, and durably so when `durability` is full. LM_NOT_FOUND if none is. */
    lm_status (*remove)(lm_store *store, const char *path, lm_durability durability,
                        lm_error *error);
    /* LM_STORE_LINK. A second name `to` for the file `from`; LM_EXISTS if `to` is there. */
    lm_status (*link)(lm_store *store, const char *from, const char *to, lm_durability durability,
                      lm_error *error);
    /* Runs `run` while no other commit of Lamella's on this host takes place in the directory of
     * `path`. May be NULL: then it is just run. */
    lm_status (*exclusive)(lm_store *store, const char *path, lm_cancel *cancel,
                           lm_exclusive_run *run, void *context, lm_error *error);
    /* Makes what was listed or seen under `path` (a directory) outlive a power cut: a log's writer
     * calls it after listing and before it builds on what it saw. A no-op where seeing is enough.
     */
    lm_status (*sync_directory)(lm_store *store, const char *path, lm_error *error);
    /* LM_STORE_TREE. Every file and directory under `path`, and itself, durable. Anything that is
     * no file, directory or symlink is LM_UNSUITABLE. */
    lm_status (*tree_sync)(lm_store *store, const char *path, lm_cancel *cancel, lm_error *error);
    /* LM_STORE_TREE. The tree `staged`, synced before, takes the place of `path` in one step; after
     * an exchange `staged` holds the old tree, or nothing with discard_old. Answers as commit does.
     */
    lm_status (*tree_commit)(lm_store *store, const char *staged, const char *path,
                             const lm_tree_options *options, lm_tree_result *result,
                             lm_error *error);
    /* LM_STORE_TREE. Everything under `path`, and itself; follows no symlink. */
    lm_status (*tree_remove)(lm_store *store, const char *path, lm_cancel *cancel, lm_error *error);
    /* LM_STORE_REAP. Removes what dead writers left in the directory `path`. callback may be NULL.
     */
    lm_status (*reap)(lm_store *store, const char *path, const lm_reap_options *options,
                      lm_gc_callback *callback, void *context, lm_error *error);
    /* LM_STORE_CONCAT. The bytes of the files `sources` come, in order, behind those of the file
     * `target`, all in one directory; no byte is moved, and a source is gone in the same step. One
     * that is empty is counted as done and left where it is. Many sources are joined in several
     * steps: *done tells how many of them, from the first on, are in the target, whatever the
     * status; of the others nothing is, but with LM_UNKNOWN_OUTCOME nobody can say that. A request
     * whose answer was lost may be repeated: what is in the target is no longer a source. */
    lm_status (*concat)(lm_store *store, const char *target, const char *const *sources,
                        size_t count, lm_cancel *cancel, size_t *done, lm_error *error);
    /* After a stage that broke off: shall all be written once more, after `turn` repetitions? Waits
     * before it says so, and heeds what bounds the store's own repetitions. NULL: no. */
    bool (*again)(lm_store *store, unsigned turn, const lm_cancel *cancel);
    void (*close)(lm_store *store);
} lm_store_ops;

/* Implementations embed it as their first member. An operation that a store lacks is NULL. */
struct lm_store {
    const lm_store_ops *ops;
    unsigned caps; /* lm_store_cap, joined */
    const lm_allocator *allocator;
};

/*
 * The calls. They check the capability, the options and the state of the stage, so that stores need
 * not, and refuse with the name of what is missing.
 */
/* Refuses, LM_UNSUPPORTED, where the store lacks it: before work that would be in vain. */
LM_MUST_USE lm_status lm__store_require(const lm_store *store, lm_store_cap cap, lm_error *error);
LM_MUST_USE lm_status lm__stage_open(lm_store *store, const char *path,
                                     const lm_stage_options *options, lm_stage **stage,
                                     lm_error *error);
LM_MUST_USE lm_status lm__stage_write(lm_stage *stage, const void *data, size_t size,
                                      lm_error *error);
/* As many bytes of the source as can be had past this process; a stage that sums its bytes copies
 * none. The rest is the caller's to read and write. */
LM_MUST_USE lm_status lm__stage_copy(lm_stage *stage, lm_source *source, uint64_t offset,
                                     uint64_t length, uint64_t *copied, lm_error *error);
/* For whoever must know of the bytes before they are durable: *ended tells whether `sealed` has
 * size, checksum and time; nothing more is to be written either way. Then seal, all the same. */
LM_MUST_USE lm_status lm__stage_end(lm_stage *stage, bool *ended, lm_error *error);
LM_MUST_USE lm_status lm__stage_seal(lm_stage *stage, lm_error *error);
LM_MUST_USE lm_status lm__stage_commit(lm_stage *stage, lm_error *error);
/* Aborts what was not committed. Takes NULL. */
void lm__stage_close(lm_stage *stage);

LM_MUST_USE lm_status lm__store_open(lm_store *store, const char *path, lm_source **source,
                                     lm_error *error);
/* A file that was looked at or listed just now, of this size and inode (0: not known); LM_STALE,
 * now or when it is read, where another one stands there. */
LM_MUST_USE lm_status lm__store_open_seen(lm_store *store, const char *path, uint64_t size,
                                          uint64_t inode, lm_source **source, lm_error *error);
LM_MUST_USE lm_status lm__store_stat(lm_store *store, const char *path, bool follow,
                                     lm_store_stat *stat, lm_error *error);
LM_MUST_USE lm_status lm__store_list(lm_store *store, const char *path,
                                     const lm_list_options *options, lm_list_callback *callback,
                                     void *context, lm_error *error);
LM_MUST_USE lm_status lm__store_remove(lm_store *store, const char *path, lm_durability durability,
                                       lm_error *error);
LM_MUST_USE lm_status lm__store_link(lm_store *store, const char *from, const char *to,
                                     lm_durability durability, lm_error *error);
LM_MUST_USE lm_status lm__store_exclusive(lm_store *store, const char *path, lm_cancel *cancel,
                                          lm_exclusive_run *run, void *context, lm_error *error);
LM_MUST_USE lm_status lm__store_sync_directory(lm_store *store, const char *path, lm_error *error);
LM_MUST_USE lm_status lm__store_tree_sync(lm_store *store, const char *path, lm_cancel *cancel,
                                          lm_error *error);
LM_MUST_USE lm_status lm__store_tree_commit(lm_store *store, const char *staged, const char *path,
                                            const lm_tree_options *options, lm_tree_result *result,
                                            lm_error *error);
LM_MUST_USE lm_status lm__store_tree_remove(lm_store *store, const char *path, lm_cancel *cancel,
                                            lm_error *error);
LM_MUST_USE lm_status lm__store_reap(lm_store *store, const char *path,
                                     const lm_reap_options *options, lm_gc_callback *callback,
                                     void *context, lm_error *error);
/* No source may be the target, or stand there twice. */
LM_MUST_USE lm_status lm__store_concat(lm_store *store, const char *target,
                                       const char *const *sources, size_t count, lm_cancel *cancel,
                                       size_t *done, lm_error *error);
/* Takes NULL. */
void lm__store_close(lm_store *store);

/* The next entry of a log: the bytes at `path`, durable, or LM_EXISTS and nothing changed. */
LM_MUST_USE lm_status lm__store_put_if_absent(lm_store *store, const char *path, const void *data,
                                              size_t size, lm_error *error);
/* The whole object in memory, LM_LIMIT past size_max; the caller frees *data with lm__free. */
LM_MUST_USE lm_status lm__store_read(lm_store *store, const char *path,
                                     const lm_allocator *allocator, size_t size_max, uint8_t **data,
                                     size_t *size, lm_error *error);
/* The checksum of an object's bytes, as text. */
LM_MUST_USE lm_status lm__store_checksum(lm_store *store, const char *path, lm_checksum_kind kind,
                                         lm_cancel *cancel, char text[LM_CHECKSUM_TEXT_MAX],
                                         lm_error *error);

/* For implementations: a stage whose sink writes by `write`, seals at finish, and whose abort does
 * nothing but make it sticky. */
void lm__stage_init(lm_stage *stage, lm_store *store, const lm_stage_ops *ops,
                    lm_status (*write)(lm_sink *sink, const void *data, size_t size,
                                       lm_error *error));

/* The stores. Each is closed with lm__store_close. */
LM_MUST_USE lm_status lm__store_posix_open(const lm_allocator *allocator, lm_store **store,
                                           lm_error *error);
LM_MUST_USE lm_status lm__store_mem_open(const lm_allocator *allocator, lm_store **store,
                                         lm_error *error);
/* By "scheme://authority" of a URL: webhdfs, swebhdfs, hdfs. */
LM_MUST_USE lm_status lm__store_hdfs_open(const lm_allocator *allocator, const char *url,
                                          const lm_storage *storage, lm_store **store,
                                          lm_error *error);

#endif
