/*
 * Directories as one thing: made durable, put in place or exchanged, removed.
 *
 * Invariants
 *  1. tree_commit is one renameat2. What the file system cannot do in one is refused.
 *  2. An error of that call is not believed: whether the tree is in place is looked up, by inode.
 *  3. No symlink is followed, neither inside a tree nor at its name.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "store/posix/posix.h"

#ifndef RENAME_NOREPLACE
#define RENAME_NOREPLACE 1u
#define RENAME_EXCHANGE 2u
#endif

#define OPEN_DIRECTORY (O_RDONLY | O_DIRECTORY | O_NOFOLLOW)

/* ---- walking ---- */

typedef struct tree_walk {
    lm_sys *sys;
    const char *path; /* of the top, for messages */
    lm_cancel *cancel;
    int depth;
} tree_walk;

static lm_status walk_step(tree_walk *walk, lm_error *error)
{
    if (lm__cancel_requested(walk->cancel))
        return lm__error_set(error, LM_CANCELLED, "%s: interrupted", walk->path);
    if (walk->depth > LM_TREE_DEPTH_MAX)
        return lm__error_set(error, LM_LIMIT, "%s: more than %d directories deep", walk->path,
                             LM_TREE_DEPTH_MAX);
    return LM_OK;
}

static lm_status walk_failed(const tree_walk *walk, int result, const char *doing, const char *name,
                             lm_error *error)
{
    return lm__error_os(error, -result, "cannot %s %s in %s", doing, name, walk->path);
}

/* ---- sync ---- */

static lm_status sync_directory(tree_walk *walk, int fd, lm_error *error);

static lm_status sync_entry(tree_walk *walk, int directory, const char *name, lm_error *error)
{
    struct stat stat;
    int result = lm__sys_fstatat(walk->sys, directory, name, &stat, AT_SYMLINK_NOFOLLOW);
    if (result < 0) return walk_failed(walk, result, "look at", name, error);
    if (S_ISLNK(stat.st_mode)) return LM_OK; /* lives in its directory */
    bool is_directory = S_ISDIR(stat.st_mode);
    if (!is_directory && !S_ISREG(stat.st_mode))
        return lm__error_set(error, LM_UNSUITABLE,
                             "%s: %s is neither a file nor a directory nor a symlink", walk->path,
                             name);
    int fd = lm__sys_openat(walk->sys, directory, name,
                            is_directory ? OPEN_DIRECTORY : O_RDONLY | O_NOFOLLOW | O_NONBLOCK, 0);
    if (fd < 0) return walk_failed(walk, fd, "open", name, error);
    if (is_directory) return sync_directory(walk, fd, error);
    result = lm__sys_fsync(walk->sys, fd);
    (void)lm__sys_close(walk->sys, fd);
    return result < 0 ? walk_failed(walk, result, "sync", name, error) : LM_OK;
}

/* Closes fd. Contents first, so that a directory that is durable has durable contents. */
static lm_status sync_directory(tree_walk *walk, int fd, lm_error *error)
{
    lm_directory_reader reader;
    lm__directory_reader_init(&reader, walk->sys, fd);
    walk->depth++;
    lm_status status = LM_OK;
    while (status == LM_OK) {
        const char *name;
        unsigned char type;
        status = walk_step(walk, error);
        if (status != LM_OK) break;
        int more = lm__directory_reader_next(&reader, &name, &type);
        if (more == 0) break;
        status = more < 0 ? walk_failed(walk, more, "list", "a directory", error)
                          : sync_entry(walk, fd, name, error);
    }
    if (status == LM_OK) {
        int result = lm__sys_fsync(walk->sys, fd);
        if (result < 0) status = walk_failed(walk, result, "sync", "a directory", error);
    }
    walk->depth--;
    (void)lm__sys_close(walk->sys, fd);
    return status;
}

lm_status lm__posix_tree_sync(lm_store *store, const char *path, lm_cancel *cancel, lm_error *error)
{
    tree_walk walk = {((lm_posix_store *)store)->sys, path, cancel, 0};
    int fd = lm__sys_openat(walk.sys, AT_FDCWD, path, OPEN_DIRECTORY, 0);
    if (fd < 0) return lm__error_os(error, -fd, "cannot open the directory %s", path);
    return sync_directory(&walk, fd, error);
}

/* ---- remove ---- */

static lm_status empty_directory(tree_walk *walk, int fd, lm_error *error);

static lm_status empty_entry(tree_walk *walk, int directory, const char *name, lm_error *error)
{
    int result = lm__sys_unlinkat(walk->sys, directory, name, 0);
    if (result == 0 || result == -ENOENT) return LM_OK;
    if (result != -EISDIR && result != -EPERM)
        return walk_failed(walk, result, "remove", name, error);
    int fd = lm__sys_openat(walk->sys, directory, name, OPEN_DIRECTORY, 0);
    if (fd == -ENOTDIR) return walk_failed(walk, result, "remove", name, error);
    if (fd < 0) return walk_failed(walk, fd, "open", name, error);
    LM_TRY(empty_directory(walk, fd, error));
    result = lm__sys_unlinkat(walk->sys, directory, name, AT_REMOVEDIR);
    if (result < 0 && result != -ENOENT) return walk_failed(walk, result, "remove", name, error);
    return LM_OK;
}

/* One pass over the directory; *removed says whether another one is needed, since a listing may
 * skip names while names go. */
static lm_status empty_pass(tree_walk *walk, int fd, bool *removed, lm_error *error)
{
    int listing = lm__sys_openat(walk->sys, fd, ".", OPEN_DIRECTORY, 0);
    if (listing < 0) return walk_failed(walk, listing, "open", "a directory", error);
    lm_directory_reader reader;
    lm__directory_reader_init(&reader, walk->sys, listing);
    lm_status status = LM_OK;
    *removed = false;
    while (status == LM_OK) {
        const char *name;
        unsigned char type;
        status = walk_step(walk, error);
        if (status != LM_OK) break;
        int more = lm__directory_reader_next(&reader, &name, &type);
        if (more == 0) break;
        *removed = true;
        status = more < 0 ? walk_failed(walk, more, "list", "a directory", error)
                          : empty_entry(walk, fd, name, error);
    }
    (void)lm__sys_close(walk->sys, listing);
    return status;
}

/* Closes fd. */
static lm_status empty_directory(tree_walk *walk, int fd, lm_error *error)
{
    lm_status status = LM_OK;
    bool removed = true;
    walk->depth++;
    while (status == LM_OK && removed) status = empty_pass(walk, fd, &removed, error);
    walk->depth--;
    (void)lm__sys_close(walk->sys, fd);
    return status;
}

lm_status lm__tree_empty(lm_sys *sys, int fd, const char *path, lm_cancel *cancel, lm_error *error)
{
    tree_walk walk = {sys, path, cancel, 0};
    return empty_directory(&walk, fd, error);
}

/* ---- the place of a tree ---- */

/* The directory that holds `path`, and the last part of it; trailing slashes do not count. */
static lm_status tree_place_open(lm_sys *sys, const char *path, bool make_parents, bool is_durable,
                                 lm_destination *place, lm_error *error)
{
    char trimmed[LM_PATH_BYTES_MAX];
    size_t length = strlen(path);
    while (length > 1 && path[length - 1] == '/') length--;
    if (length >= sizeof trimmed)
        return lm__error_os(error, ENAMETOOLONG, "the path of %zu bytes", length);
    memcpy(trimmed, path, length);
    trimmed[length] = '\0';
    return lm__place_open(sys, trimmed, make_parents, is_durable, place, error);
}

lm_status lm__posix_tree_remove(lm_store *store, const char *path, lm_cancel *cancel,
                                lm_error *error)
{
    lm_sys *sys = ((lm_posix_store *)store)->sys;
    lm_destination place;
    LM_TRY(tree_place_open(sys, path, false, false, &place, error));
    lm_status status;
    int fd = lm__sys_openat(sys, place.directory, place.name, OPEN_DIRECTORY, 0);
    if (fd < 0) {
        status = lm__error_os(error, -fd, "cannot open the directory %s", path);
        goto done;
    }
    status = lm__tree_empty(sys, fd, path, cancel, error);
    if (status != LM_OK) goto done;
    int result = lm__sys_unlinkat(sys, place.directory, place.name, AT_REMOVEDIR);
    if (result < 0) status = lm__error_os(error, -result, "cannot remove %s", path);
done:
    lm__destination_close(sys, &place);
    return status;
}

/* ---- commit ---- */

typedef struct tree_commit {
    lm_sys *sys;
    const char *staged_path, *path;
    lm_destination from, to;
    bool exchanged;
} tree_commit;

static lm_status commit_check(const tree_commit *c, lm_error *error)
{
    if (!c->from.exists) return lm__error_os(error, ENOENT, "%s", c->staged_path);
    if (!S_ISDIR(c->from.stat.st_mode))
        return lm__error_set(error, LM_UNSUITABLE, "%s is not a directory", c->staged_path);
    if (c->to.exists && !S_ISDIR(c->to.stat.st_mode))
        return lm__error_set(error, LM_UNSUITABLE, "%s is %s and cannot be replaced by a directory",
                             c->path,
                             S_ISLNK(c->to.stat.st_mode) ? "a symlink" : "not a directory");
    if (c->to.exists && lm__same_file(&c->to.stat, &c->from.stat))
        return lm__error_set(error, LM_INVALID, "%s and %s are the same directory", c->staged_path,
                             c->path);
    return LM_OK;
}

/* Invariant 2. *is_done is false when the tree is certainly where it was. */
static lm_status commit_look(tree_commit *c, bool *is_done, lm_error *error)
{
    struct stat there, here;
    int at_path = lm__sys_fstatat(c->sys, c->to.directory, c->to.name, &there, AT_SYMLINK_NOFOLLOW);
    int at_staged =
        lm__sys_fstatat(c->sys, c->from.directory, c->from.name, &here, AT_SYMLINK_NOFOLLOW);
    *is_done = at_path == 0 && lm__same_file(&there, &c->from.stat);
    if (*is_done) c->exchanged = at_staged == 0;
    if (*is_done || (at_staged == 0 && lm__same_file(&here, &c->from.stat))) return LM_OK;
    return lm__error_set(error, LM_UNKNOWN_OUTCOME,
                         "%s: it cannot be told whether the new directory is in place", c->path);
}

/* One try. *again is set when the destination came or went between our look and the call. */
static lm_status commit_try(tree_commit *c, bool exchange, bool replace, bool *again,
                            lm_error *error)
{
    int result = lm__sys_renameat2(c->sys, c->from.directory, c->from.name, c->to.directory,
                                   c->to.name, exchange ? RENAME_EXCHANGE : RENAME_NOREPLACE);
    if (result == 0) {
        c->exchanged = exchange;
        return LM_OK;
    }
    bool is_done;
    LM_TRY(commit_look(c, &is_done, error));
    if (is_done) return LM_OK;
    if (exchange ? result == -ENOENT : result == -EEXIST && replace) {
        *again = true;
        return LM_OK;
    }
    if (result == -EEXIST) return lm__error_set(error, LM_EXISTS, "%s exists already", c->path);
    if (result == -EINVAL || result == -ENOSYS || result == -EOPNOTSUPP)
        return lm__error_set(error, LM_UNSUPPORTED,
                             "%s: the file system cannot %s in one step (renameat2 %s)", c->path,
                             exchange ? "exchange two directories"
                                      : "put a directory only where nothing is",
                             exchange ? "RENAME_EXCHANGE" : "RENAME_NOREPLACE");
    return lm__error_os(error, -result, "cannot put the directory %s in place", c->path);
}

static lm_status commit_place(tree_commit *c, const lm_tree_options *options, lm_error *error)
{
    bool replace = options->mode == LM_COMMIT_REPLACE, exchange = replace && c->to.exists;
    for (int tries = 0; tries < LM_STAGE_NAME_TRIES_MAX; tries++) {
        bool again = false;
        if (lm__cancel_requested(options->cancel))
            return lm__error_set(error, LM_CANCELLED, "%s: interrupted", c->path);
        lm_status status = commit_try(c, exchange, replace, &again, error);
        if (!again) return status;
        exchange = !exchange;
    }
    return lm__error_set(error, LM_CONFLICT, "%s comes and goes", c->path);
}

static lm_status commit_durable(tree_commit *c, lm_error *error)
{
    struct stat from, to;
    lm_status status = lm__directory_sync(c->sys, c->to.directory, c->path, error);
    bool same = lm__sys_fstat(c->sys, c->from.directory, &from) == 0 &&
                lm__sys_fstat(c->sys, c->to.directory, &to) == 0 && lm__same_file(&from, &to);
    if (status == LM_OK && !same)
        status = lm__directory_sync(c->sys, c->from.directory, c->staged_path, error);
    if (status == LM_OK) return LM_OK;
    lm__error_within(error, status,
                     "the new directory is in place, but a power cut may take it back");
    if (error) error->code = LM_UNKNOWN_DURABILITY;
    return LM_UNKNOWN_DURABILITY;
}

lm_status lm__posix_tree_commit(lm_store *store, const char *staged, const char *path,
                                const lm_tree_options *options, bool *exchanged, lm_error *error)
{
    lm_sys *sys = ((lm_posix_store *)store)->sys;
    bool is_durable = options->durability == LM_DURABILITY_FULL;
    tree_commit c = {.sys = sys, .staged_path = staged, .path = path, .to.directory = -1};
    LM_TRY(tree_place_open(sys, staged, false, false, &c.from, error));
    lm_status status = tree_place_open(sys, path, true, is_durable, &c.to, error);
    if (status == LM_OK) status = commit_check(&c, error);
    if (status == LM_OK) status = commit_place(&c, options, error);
    *exchanged = status == LM_OK && c.exchanged;
    if (status == LM_OK && is_durable) status = commit_durable(&c, error);
    lm__destination_close(sys, &c.from);
    lm__destination_close(sys, &c.to);
    return status;
}
