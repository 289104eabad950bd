/*
 * Removing what dead writers left: temporary files and trees whose lock can be taken; bringing to
 * its end what the journals of exchanges tell of (swap.h).
 *
 * Invariants
 *  1. Only names that lm__temp_name_is and lm__left_name know are looked at, and only regular files
 *     and directories.
 *  2. A thing is removed while we hold its lock, and only if its name still leads to what we
 *     locked. A live writer's is never touched; where there are no locks, nothing is. A directory
 *     of Spark's, which nobody locks, goes when all in it is older than asked for.
 *  3. What a merge has joined, and its journal, are told of and stay.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>

#include "base/error.h"
#include "store/posix/posix.h"
#include "store/posix/swap.h"

typedef struct reaper {
    const lm_posix_store *posix;
    lm_sys *sys;
    const lm_reap_options *options;
    lm_gc_callback *callback;
    void *context;
    int depth;
    char path[LM_PATH_BYTES_MAX];
    size_t path_size;
} reaper;

/* Appends "/name"; false when it would be too long. */
static bool path_push(reaper *r, const char *name, size_t *before)
{
    *before = r->path_size;
    size_t room = sizeof r->path - r->path_size;
    bool slash = r->path_size > 0 && r->path[r->path_size - 1] != '/';
    int length = snprintf(r->path + r->path_size, room, "%s%s", slash ? "/" : "", name);
    if (length < 0 || (size_t)length >= room) {
        r->path[r->path_size] = '\0';
        return false;
    }
    r->path_size += (size_t)length;
    return true;
}

static void path_pop(reaper *r, size_t before)
{
    r->path_size = before;
    r->path[before] = '\0';
}

/* Opens and locks; -1 when it is alive, or may be, or is gone. */
static int dead_open(reaper *r, int directory, const char *name, bool is_tree, struct stat *stat,
                     bool *is_gone)
{
    static const int file_flags = O_NOFOLLOW | O_NONBLOCK | O_NOCTTY;
    lm_sys *sys = r->sys;
    int fd;
    *is_gone = false;
    if (is_tree) {
        fd = lm__sys_openat(sys, directory, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0);
    } else { /* NFS locks exclusively only what is open for writing */
        fd = lm__sys_openat(sys, directory, name, O_RDWR | file_flags, 0);
        if (fd == -EACCES || fd == -EROFS || fd == -EPERM)
            fd = lm__sys_openat(sys, directory, name, O_RDONLY | file_flags, 0);
    }
    if (fd < 0) {
        *is_gone = fd == -ENOENT;
        return -1;
    }
    struct stat named;
    if (lm__sys_flock(sys, fd, LOCK_EX | LOCK_NB) != 0) goto alive;
    int result = lm__sys_fstatat(sys, directory, name, &named, AT_SYMLINK_NOFOLLOW);
    *is_gone = result == -ENOENT;
    if (result != 0 || lm__sys_fstat(sys, fd, stat) != 0) goto alive;
    if (!lm__same_file(&named, stat)) goto alive;
    if (is_tree ? !S_ISDIR(stat->st_mode) : !S_ISREG(stat->st_mode)) goto alive;
    return fd;
alive:
    (void)lm__sys_close(sys, fd);
    return -1;
}

static int64_t time_ns(const struct stat *stat)
{
    return (int64_t)stat->st_mtim.tv_sec * 1000000000 + stat->st_mtim.tv_nsec;
}

static bool is_young(const reaper *r, const struct stat *stat)
{
    return r->options->older_than_ns > 0 &&
           r->options->now_ns - time_ns(stat) < r->options->older_than_ns;
}

static lm_status tell(reaper *r, const lm_gc_found *found, lm_error *error)
{
    return r->callback ? r->callback(r->context, found, error) : LM_OK;
}

static lm_status file_or_tree_remove(reaper *r, int directory, const char *name, int fd,
                                     bool is_tree, lm_error *error)
{
    lm_sys *sys = r->sys;
    if (is_tree) {
        int second = lm__sys_openat(sys, fd, ".", O_RDONLY | O_DIRECTORY, 0);
        if (second < 0) return lm__error_os(error, -second, "cannot open %s", r->path);
        LM_TRY(lm__tree_empty(sys, second, r->path, r->options->cancel, error));
    }
    int result = lm__sys_unlinkat(sys, directory, name, is_tree ? AT_REMOVEDIR : 0);
    if (result < 0 && result != -ENOENT)
        return lm__error_os(error, -result, "cannot remove %s", r->path);
    return LM_OK;
}

static lm_status journal_settle(reaper *r, int directory, const char *name, int fd,
                                lm_gc_found *found, lm_error *error)
{
    static const char *const reasons[] = {
        [LM_SWAP_NOT_DONE] = "its exchange did not take place; the staged directory is left alone",
        [LM_SWAP_FINISHED] = "its exchange took place; the old directory is removed with it",
        [LM_SWAP_NOTHING] = "there is no old directory any more",
        [LM_SWAP_UNDECIDED] = ("it cannot be told whether the staged directory is the old one; "
                               "remove both if it is"),
    };
    lm_swap_end end = LM_SWAP_UNDECIDED;
    LM_TRY(lm__swap_settle(r->posix, directory, name, fd, r->options->dry_run, r->options->cancel,
                           &end, error));
    found->reason = reasons[end];
    if (end == LM_SWAP_UNDECIDED) found->done = LM_GC_SPARED;
    return LM_OK;
}

static lm_status temp_reap(reaper *r, int directory, const char *name, lm_gc_what what,
                           lm_error *error)
{
    struct stat stat;
    bool is_gone;
    int fd = dead_open(r, directory, name, what == LM_GC_TREE, &stat, &is_gone);
    if (is_gone) return LM_OK;
    lm_gc_found found = {.path = r->path, .what = what, .reason = "its writer is dead"};
    if (fd < 0) {
        found.done = LM_GC_LIVE;
        found.reason = "its writer lives, or cannot be asked";
        return tell(r, &found, error);
    }
    lm_status status = LM_OK;
    if (what != LM_GC_TREE) found.bytes = (uint64_t)stat.st_size;
    if (is_young(r, &stat)) {
        found.done = LM_GC_SPARED;
        found.reason = "it is younger than asked for";
    } else if (what == LM_GC_JOURNAL) {
        status = journal_settle(r, directory, name, fd, &found, error);
    } else if (!r->options->dry_run) {
        status = file_or_tree_remove(r, directory, name, fd, what == LM_GC_TREE, error);
    }
    (void)lm__sys_close(r->sys, fd);
    return status == LM_OK ? tell(r, &found, error) : status;
}

/* The last change of anything in the directory `name`, of `directory`; 0 where it cannot be told.
 */
static int64_t tree_newest_ns(lm_sys *sys, int directory, const char *name, int depth)
{
    lm_directory_reader reader;
    struct stat stat;
    int64_t most = 0;
    int fd = lm__sys_openat(sys, directory, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0);
    if (fd < 0) return 0;
    bool is_whole = lm__sys_fstat(sys, fd, &stat) == 0 && depth < LM_TREE_DEPTH_MAX;
    if (is_whole) most = time_ns(&stat);
    lm__directory_reader_init(&reader, sys, fd);
    while (is_whole) {
        unsigned char type;
        int more = lm__directory_reader_next(&reader, &name, &type);
        if (more == 0) break;
        is_whole = more > 0 && lm__sys_fstatat(sys, fd, name, &stat, AT_SYMLINK_NOFOLLOW) == 0;
        if (!is_whole) break;
        int64_t one =
            S_ISDIR(stat.st_mode) ? tree_newest_ns(sys, fd, name, depth + 1) : time_ns(&stat);
        is_whole = one > 0;
        if (one > most) most = one;
    }
    (void)lm__sys_close(sys, fd);
    return is_whole ? most : 0;
}

/* What Spark's tasks write to has no lock, and goes by age. */
static lm_status spark_reap(reaper *r, int directory, const char *name, lm_error *error)
{
    int64_t age_ns = r->options->older_than_ns;
    lm_gc_found found = {.path = r->path, .what = LM_GC_TREE, .done = LM_GC_SPARED};
    if (age_ns <= 0) {
        found.reason = "nothing tells whether its Spark job lives: name an age (--older-than)";
        return tell(r, &found, error);
    }
    int64_t newest_ns = tree_newest_ns(r->sys, directory, name, r->depth);
    if (newest_ns == 0 || r->options->now_ns - newest_ns < age_ns) {
        found.reason = "it is younger than asked for, or being changed";
        return tell(r, &found, error);
    }
    found.done = LM_GC_REMOVED;
    found.reason = "all in it is older than asked for";
    int fd = lm__sys_openat(r->sys, directory, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0);
    if (fd < 0) return fd == -ENOENT ? LM_OK : lm__error_os(error, -fd, "cannot open %s", r->path);
    lm_status status = LM_OK;
    if (!r->options->dry_run) status = file_or_tree_remove(r, directory, name, fd, true, error);
    (void)lm__sys_close(r->sys, fd);
    return status == LM_OK ? tell(r, &found, error) : status;
}

static lm_status left_reap(reaper *r, int directory, const char *name, lm_left left,
                           lm_error *error)
{
    struct stat stat;
    if (left == LM_LEFT_SPARK) return spark_reap(r, directory, name, error);
    if (lm__sys_fstatat(r->sys, directory, name, &stat, AT_SYMLINK_NOFOLLOW) != 0) return LM_OK;
    const lm_gc_found found = {.path = r->path,
                               .what = left == LM_LEFT_JOURNAL ? LM_GC_JOURNAL : LM_GC_FILE,
                               .done = LM_GC_SPARED,
                               .bytes = (uint64_t)stat.st_size,
                               .reason = lm__left_reason(left)};
    return tell(r, &found, error);
}

static lm_status directory_reap(reaper *r, int fd, lm_error *error);

static lm_status entry_reap(reaper *r, int directory, const char *name, unsigned char type,
                            lm_error *error)
{
    lm_gc_what what;
    bool is_temp = lm__temp_name_is(name, &what);
    lm_left left = lm__left_name(name);
    const unsigned char unknown = 0, is_directory = 4; /* d_type */
    if (left == LM_LEFT_PROBE) left = LM_LEFT_NOTHING; /* of HDFS */
    bool is_left = left != LM_LEFT_NOTHING &&
                   (type == unknown || (type == is_directory) == (left == LM_LEFT_SPARK));
    if (!is_temp && !is_left &&
        !(r->options->recursive && (type == is_directory || type == unknown)))
        return LM_OK;
    size_t before;
    if (!path_push(r, name, &before))
        return lm__error_os(error, ENAMETOOLONG, "%s/%s", r->path, name);
    lm_status status = LM_OK;
    if (is_temp) {
        status = temp_reap(r, directory, name, what, error);
    } else if (is_left) {
        status = left_reap(r, directory, name, left, error);
    } else {
        int fd = lm__sys_openat(r->sys, directory, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0);
        if (fd >= 0)
            status = directory_reap(r, fd, error);
        else if (fd != -ENOENT && fd != -ENOTDIR && fd != -ELOOP)
            status = lm__error_os(error, -fd, "cannot open the directory %s", r->path);
    }
    path_pop(r, before);
    return status;
}

/* Closes fd. */
static lm_status directory_reap(reaper *r, int fd, lm_error *error)
{
    lm_directory_reader reader;
    lm__directory_reader_init(&reader, r->sys, fd);
    lm_status status = LM_OK;
    if (++r->depth > LM_TREE_DEPTH_MAX)
        status = lm__error_set(error, LM_LIMIT, "%s: more than %d directories deep", r->path,
                               LM_TREE_DEPTH_MAX);
    while (status == LM_OK) {
        const char *name;
        unsigned char type;
        int more = lm__directory_reader_next(&reader, &name, &type);
        if (more == 0) break;
        if (more < 0)
            status = lm__error_os(error, -more, "cannot list %s", r->path);
        else if (lm__cancel_requested(r->options->cancel))
            status = lm__error_set(error, LM_CANCELLED, "%s: interrupted", r->path);
        else
            status = entry_reap(r, fd, name, type, error);
    }
    r->depth--;
    (void)lm__sys_close(r->sys, fd);
    return status;
}

lm_status lm__posix_reap(lm_store *store, const char *path, const lm_reap_options *options,
                         lm_gc_callback *callback, void *context, lm_error *error)
{
    const lm_posix_store *posix = (const lm_posix_store *)store;
    reaper r = {.posix = posix,
                .sys = posix->sys,
                .options = options,
                .callback = callback,
                .context = context};
    size_t before;
    if (!path_push(&r, path[0] ? path : ".", &before))
        return lm__error_os(error, ENAMETOOLONG, "the path of %zu bytes", strlen(path));
    int fd = lm__sys_openat(r.sys, AT_FDCWD, r.path, O_RDONLY | O_DIRECTORY, 0);
    if (fd < 0) return lm__error_os(error, -fd, "cannot open the directory %s", path);
    return directory_reap(&r, fd, error);
}
