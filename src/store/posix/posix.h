/*
 * The store on a local (or NFS) file system: what its files share.
 *
 * A stage is an open file without a name (O_TMPFILE) or, where the file system or a missing /proc
 * forbids that, one named `.lamella-<32 hex>.tmp` beside the destination. An exclusive flock on its
 * descriptor says that its writer lives: it is taken before the file gets a name, or at once after.
 *
 * Everything happens relative to a descriptor of the destination's directory that is opened once,
 * so that a chdir, or a rename of a directory above, in the middle harms nothing.
 */
#ifndef LM_STORE_POSIX_POSIX_H
#define LM_STORE_POSIX_POSIX_H

#include <limits.h>
#include <sys/stat.h>

#include "base/limits.h"
#include "store/store.h"
#include "store/sys.h"
#include "store/temp_name.h"

typedef struct lm_posix_store {
    lm_store store;
    lm_sys *sys;
    bool no_tmpfile; /* named temporary files only */
    bool no_proc;    /* as if there were no /proc */
} lm_posix_store;

/* In the caller's memory; needs no close. sys NULL: the kernel. */
void lm__posix_store_init(lm_posix_store *store, const lm_allocator *allocator, lm_sys *sys);

static inline bool lm__same_file(const struct stat *a, const struct stat *b)
{
    return a->st_dev == b->st_dev && a->st_ino == b->st_ino;
}

/* ---- destination.c ---- */

/* Where a file is to stand: an open directory and a name in it. */
typedef struct lm_destination {
    int directory; /* -1 when closed */
    char name[NAME_MAX + 1];
    char path[LM_PATH_BYTES_MAX]; /* for messages and for the caller */
    bool exists;
    struct stat stat; /* of what stands there, if it exists */
} lm_destination;

typedef struct lm_destination_options {
    bool no_follow, no_parents, is_durable;
} lm_destination_options;

/* Opens the directory, makes missing parents, follows symlinks by hand. On failure nothing is left
 * open (made parents stay). */
LM_MUST_USE lm_status lm__destination_open(lm_sys *sys, const char *path,
                                           const lm_destination_options *options,
                                           lm_destination *destination, lm_error *error);
/* The same for whatever stands there, with no symlink followed and no kind refused. */
LM_MUST_USE lm_status lm__place_open(lm_sys *sys, const char *path, bool make_parents,
                                     bool is_durable, lm_destination *place, lm_error *error);
void lm__destination_close(lm_sys *sys, lm_destination *destination);
/* The directory that holds `path`, from the root and without symlinks. */
LM_MUST_USE lm_status lm__parent_whole(const char *path, char whole[PATH_MAX], lm_error *error);
bool lm__same_directory(lm_sys *sys, int a, int b);
/* LM_UNSUITABLE, with what it is, unless `stat` is a regular file. */
LM_MUST_USE lm_status lm__destination_suits(const char *path, const struct stat *stat,
                                            lm_error *error);
/* Opens the directory `path` itself, making what is missing if `make`. *directory is -1 on
 * failure. */
LM_MUST_USE lm_status lm__directory_open(lm_sys *sys, int base, const char *path, bool make,
                                         bool is_durable, int *directory, lm_error *error);
/* fsync of a directory. A file system that cannot sync one at all (EINVAL) is an error like any
 * other: nobody would know what a power cut leaves. */
LM_MUST_USE lm_status lm__directory_sync(lm_sys *sys, int directory, const char *path,
                                         lm_error *error);

/* ---- lock.c ---- */

/* Marks a temporary file or tree as alive while `fd` is open. *warnings gets LM_FILE_WARN_LOCK
 * where there are no locks. LM_BUSY: somebody (gc) holds it. */
LM_MUST_USE lm_status lm__temp_lock(lm_sys *sys, int fd, unsigned *warnings, lm_error *error);
/* LOCK_SH or LOCK_EX on the directory, waiting as long as other commits need; *locked is false on a
 * file system without locks. */
LM_MUST_USE lm_status lm__commit_lock(lm_sys *sys, int directory, int operation, const char *path,
                                      lm_cancel *cancel, bool *locked, lm_error *error);
void lm__commit_unlock(lm_sys *sys, int directory, bool locked);

/* ---- attributes.c ---- */

/* Gives the open, still hidden file `fd` the mode, owner, group and ACL of the regular file at the
 * destination, which is looked at again; what it was when the stage was opened counts if it is gone
 * by now. */
LM_MUST_USE lm_status lm__attributes_keep(const lm_posix_store *posix, int fd,
                                          const lm_destination *destination, bool keep_xattrs,
                                          unsigned *warnings, lm_error *error);

/* ---- stage.c, read.c, tree*.c, reap.c: the operations ---- */
lm_status lm__posix_stage_open(lm_store *store, const char *path, const lm_stage_options *options,
                               lm_stage **stage, lm_error *error);
lm_status lm__posix_open(lm_store *store, const char *path, lm_source **source, lm_error *error);
/* The descriptor of a source that lm__posix_open made; -1 for any other. */
int lm__posix_source_fd(const lm_source *source);
lm_status lm__posix_stat(lm_store *store, const char *path, bool follow, lm_store_stat *stat,
                         lm_error *error);
lm_status lm__posix_list(lm_store *store, const char *path, const lm_list_options *options,
                         lm_list_callback *callback, void *context, lm_error *error);
lm_status lm__posix_remove(lm_store *store, const char *path, lm_durability durability,
                           lm_error *error);
lm_status lm__posix_link(lm_store *store, const char *from, const char *to,
                         lm_durability durability, lm_error *error);
lm_status lm__posix_exclusive(lm_store *store, const char *path, lm_cancel *cancel,
                              lm_exclusive_run *run, void *context, lm_error *error);
lm_status lm__posix_sync_directory(lm_store *store, const char *path, lm_error *error);
lm_status lm__posix_tree_sync(lm_store *store, const char *path, lm_cancel *cancel,
                              lm_error *error);
lm_status lm__posix_tree_commit(lm_store *store, const char *staged, const char *path,
                                const lm_tree_options *options, lm_tree_result *result,
                                lm_error *error);
lm_status lm__posix_tree_remove(lm_store *store, const char *path, lm_cancel *cancel,
                                lm_error *error);
lm_status lm__posix_reap(lm_store *store, const char *path, const lm_reap_options *options,
                         lm_gc_callback *callback, void *context, lm_error *error);

/* The stat in the store's words, and the version token of it. */
void lm__posix_stat_fill(const struct stat *from, lm_store_stat *to);

/* One directory, entry by entry; `.` and `..` left out. */
typedef struct lm_directory_reader {
    lm_sys *sys;
    int fd;
    size_t at, filled;
    _Alignas(8) char block[4096];
} lm_directory_reader;
void lm__directory_reader_init(lm_directory_reader *reader, lm_sys *sys, int fd);
/* 1 and the next entry's name and d_type, 0 at the end, or -errno. */
int lm__directory_reader_next(lm_directory_reader *reader, const char **name, unsigned char *type);

/* How a directory of a tree is opened: as what it is. */
#define LM_OPEN_TREE (O_RDONLY | O_DIRECTORY | O_NOFOLLOW)
#ifndef RENAME_NOREPLACE
#define RENAME_NOREPLACE 1u
#define RENAME_EXCHANGE 2u
#endif

/* The directory that holds `path`, and the last part of it; trailing slashes do not count. */
LM_MUST_USE lm_status lm__tree_place_open(lm_sys *sys, const char *path, bool make_parents,
                                          bool is_durable, lm_destination *place, lm_error *error);
/* Removes everything in the open directory `fd`, which is closed by it; `path` for messages. */
LM_MUST_USE lm_status lm__tree_empty(lm_sys *sys, int fd, const char *path, lm_cancel *cancel,
                                     lm_error *error);

#endif
