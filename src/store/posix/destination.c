/*
 * Finding where a file is to stand: parents made, symlinks followed by hand, what stands there
 * looked at. The first step of every stage.
 *
 * Invariants
 *  1. After success every change goes through `directory`; the path is not walked again.
 *  2. A directory made here is durable before anything is put into it: its parent is synced, also
 *     when another process made it between our look and our mkdir.
 *  3. A symlink at the end is followed (at most LM_SYMLINKS_MAX), and a dangling one leads to a
 *     destination that does not exist yet. A link in /proc (/dev/stdout ends there) is refused: who
 *     has that file open would not get the new one.
 *
 * On failure nothing stays open. Directories made before the failure stay: another writer may be
 * at work in them already.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/vfs.h>

#include "base/error.h"
#include "store/posix/posix.h"

static lm_status open_failed(int result, const char *path, lm_error *error)
{
    if (result == -ENOTDIR)
        return lm__error_os(error, ENOTDIR, "%s: a part of the path is not a directory", path);
    return lm__error_os(error, -result, "cannot open the directory of %s", path);
}

/* Opens a directory by a path that may have many parts. */
static int directory_try(lm_sys *sys, int base, const char *path)
{
    return lm__sys_openat(sys, base, path[0] ? path : ".", O_RDONLY | O_DIRECTORY, 0);
}

/* mkdir of one part, its parent synced. EEXIST is success: somebody made it a moment ago, and its
 * entry may not be durable yet either. */
static lm_status directory_make(lm_sys *sys, int parent, const char *name, const char *path,
                                bool is_durable, lm_error *error)
{
    int result = lm__sys_mkdirat(sys, parent, name, 0777);
    if (result < 0 && result != -EEXIST)
        return lm__error_os(error, -result, "cannot make the directory %s of %s", name, path);
    return is_durable ? lm__directory_sync(sys, parent, path, error) : LM_OK;
}

/* The slow way: part by part, making what is missing. */
static lm_status directory_walk(lm_sys *sys, int base, const char *path, bool is_durable,
                                int *directory, lm_error *error)
{
    int here = directory_try(sys, base, path[0] == '/' ? "/" : "");
    if (here < 0) return open_failed(here, path, error);
    lm_status status = LM_OK;
    for (const char *part = path; status == LM_OK; part += strcspn(part, "/")) {
        part += strspn(part, "/");
        size_t length = strcspn(part, "/");
        char name[NAME_MAX + 1];
        if (length == 0) break;
        if (length > NAME_MAX) {
            status = lm__error_os(error, ENAMETOOLONG, "a part of the path %s", path);
            break;
        }
        memcpy(name, part, length);
        name[length] = '\0';
        int next = lm__sys_openat(sys, here, name, O_RDONLY | O_DIRECTORY, 0);
        if (next == -ENOENT) {
            status = directory_make(sys, here, name, path, is_durable, error);
            if (status != LM_OK) break;
            next = lm__sys_openat(sys, here, name, O_RDONLY | O_DIRECTORY, 0);
        }
        if (next < 0) {
            status = open_failed(next, path, error);
            break;
        }
        (void)lm__sys_close(sys, here);
        here = next;
    }
    if (status != LM_OK) {
        (void)lm__sys_close(sys, here);
        return status;
    }
    *directory = here;
    return LM_OK;
}

lm_status lm__directory_open(lm_sys *sys, int base, const char *path, bool make, bool is_durable,
                             int *directory, lm_error *error)
{
    *directory = -1;
    int fd = directory_try(sys, base, path);
    if (fd == -ENOENT && make) return directory_walk(sys, base, path, is_durable, directory, error);
    if (fd < 0) return open_failed(fd, path, error);
    *directory = fd;
    return LM_OK;
}

lm_status lm__directory_sync(lm_sys *sys, int directory, const char *path, lm_error *error)
{
    int result = lm__sys_fsync(sys, directory);
    if (result >= 0) return LM_OK;
    return lm__error_os(error, -result, "cannot sync the directory of %s", path);
}

lm_status lm__destination_suits(const char *path, const struct stat *stat, lm_error *error)
{
    const char *what = "not a regular file";
    switch (stat->st_mode & S_IFMT) {
    case S_IFREG: return LM_OK;
    case S_IFDIR: what = "a directory"; break;
    case S_IFIFO: what = "a FIFO"; break;
    case S_IFSOCK: what = "a socket"; break;
    case S_IFCHR:
    case S_IFBLK: what = "a device"; break;
    default: break;
    }
    return lm__error_set(error, LM_UNSUITABLE, "%s is %s and cannot be replaced by a file", path,
                         what);
}

/* The last part of `path` into `name`, what stands before it into `parent`. */
static lm_status path_split(const char *path, char parent[LM_PATH_BYTES_MAX],
                            char name[NAME_MAX + 1], lm_error *error)
{
    size_t length = strlen(path);
    if (length == 0) return lm__error_set(error, LM_INVALID, "the path of the file is empty");
    if (length >= (int64_t)LM_PATH_BYTES_MAX)
        return lm__error_os(error, ENAMETOOLONG, "the path of %zu bytes", length);
    const char *slash = strrchr(path, '/');
    const char *last = slash ? slash + 1 : path;
    if (*last == '\0' || strcmp(last, ".") == 0 || strcmp(last, "..") == 0)
        return lm__error_set(error, LM_UNSUITABLE,
                             "%s does not end in a name that could be given to something new",
                             path);
    if (strlen(last) > NAME_MAX) return lm__error_os(error, ENAMETOOLONG, "the name of %s", path);
    memcpy(name, last, strlen(last) + 1);
    size_t before = slash ? (size_t)(slash - path) + 1 : 0; /* with the slash: "/" stays "/" */
    memcpy(parent, path, before);
    parent[before] = '\0';
    return LM_OK;
}

/* The destination is a symlink: puts what it points to into `next`, as a path relative to
 * destination->directory, and makes destination->path readable. */
static lm_status link_follow(lm_sys *sys, lm_destination *destination, char next[LM_PATH_BYTES_MAX],
                             lm_error *error)
{
    const char *path = destination->path;
    struct stat target;
    int result = lm__sys_fstatat(sys, destination->directory, destination->name, &target, 0);
    if (result < 0 && result != -ENOENT)
        return lm__error_os(error, -result, "cannot follow the symlink %s", path);
    if (result == 0) LM_TRY(lm__destination_suits(path, &target, error));
    struct statfs system;
    if (fstatfs(destination->directory, &system) == 0 && system.f_type == PROC_SUPER_MAGIC)
        return lm__error_set(error, LM_UNSUITABLE,
                             "%s leads to an open file by way of /proc and cannot be replaced",
                             path);
    int64_t length =
        lm__sys_readlinkat(sys, destination->directory, destination->name, next, LM_PATH_BYTES_MAX);
    if (length < 0) return lm__error_os(error, (int)-length, "cannot read the symlink %s", path);
    if (length >= (int64_t)LM_PATH_BYTES_MAX)
        return lm__error_os(error, ENAMETOOLONG, "the target of the symlink %s", path);
    next[length] = '\0';

    char joined[2 * LM_PATH_BYTES_MAX];
    const char *slash = strrchr(path, '/');
    int before = next[0] != '/' && slash ? (int)(slash - path) + 1 : 0;
    int needed = snprintf(joined, sizeof joined, "%.*s%s", before, path, next);
    if (needed < 0 || (size_t)needed >= LM_PATH_BYTES_MAX)
        return lm__error_os(error, ENAMETOOLONG, "the target of the symlink %s", path);
    memcpy(destination->path, joined, (size_t)needed + 1);
    return LM_OK;
}

/* Opens the directory of `path`, relative to `base`, and looks at the name in it. */
static lm_status destination_step(lm_sys *sys, int base, const char *path,
                                  const lm_destination_options *options,
                                  lm_destination *destination, lm_error *error)
{
    char parent[LM_PATH_BYTES_MAX];
    LM_TRY(path_split(path, parent, destination->name, error));
    lm_status status = lm__directory_open(sys, base, parent, !options->no_parents,
                                          options->is_durable, &destination->directory, error);
    if (status != LM_OK) return status;
    int result = lm__sys_fstatat(sys, destination->directory, destination->name, &destination->stat,
                                 AT_SYMLINK_NOFOLLOW);
    destination->exists = result == 0;
    if (result < 0 && result != -ENOENT)
        return lm__error_os(error, -result, "cannot look at %s", destination->path);
    return LM_OK;
}

lm_status lm__place_open(lm_sys *sys, const char *path, bool make_parents, bool is_durable,
                         lm_destination *place, lm_error *error)
{
    const lm_destination_options options = {
        .no_follow = true, .no_parents = !make_parents, .is_durable = is_durable};
    size_t length = strlen(path);
    place->directory = -1;
    if (length >= sizeof place->path)
        return lm__error_os(error, ENAMETOOLONG, "the path of %zu bytes", length);
    memcpy(place->path, path, length + 1);
    lm_status status = destination_step(sys, AT_FDCWD, path, &options, place, error);
    if (status != LM_OK) lm__destination_close(sys, place);
    return status;
}

lm_status lm__destination_open(lm_sys *sys, const char *path, const lm_destination_options *options,
                               lm_destination *destination, lm_error *error)
{
    char here[LM_PATH_BYTES_MAX];
    int base = AT_FDCWD;
    lm_status status = LM_OK;
    destination->directory = -1;
    size_t length = strlen(path);
    if (length >= sizeof here)
        return lm__error_os(error, ENAMETOOLONG, "the path of %zu bytes", length);
    memcpy(here, path, length + 1);
    memcpy(destination->path, path, length + 1);

    for (int followed = 0;; followed++) {
        status = destination_step(sys, base, here, options, destination, error);
        if (base >= 0) (void)lm__sys_close(sys, base);
        base = -1;
        if (status != LM_OK) break;
        if (!destination->exists || !S_ISLNK(destination->stat.st_mode) || options->no_follow)
            break;
        if (followed == LM_SYMLINKS_MAX) {
            status = lm__error_os(error, ELOOP, "%s", path);
            break;
        }
        status = link_follow(sys, destination, here, error);
        if (status != LM_OK) break;
        base = destination->directory;
        destination->directory = -1;
    }
    if (status == LM_OK && destination->exists && !S_ISLNK(destination->stat.st_mode))
        status = lm__destination_suits(destination->path, &destination->stat, error);
    if (status != LM_OK) lm__destination_close(sys, destination);
    return status;
}

void lm__destination_close(lm_sys *sys, lm_destination *destination)
{
    if (destination->directory >= 0) (void)lm__sys_close(sys, destination->directory);
    destination->directory = -1;
}

lm_status lm__parent_whole(const char *path, char whole[PATH_MAX], lm_error *error)
{
    char parent[LM_PATH_BYTES_MAX];
    const char *slash = strrchr(path, '/');
    size_t length = slash ? (size_t)(slash - path) : 0;
    if (length >= sizeof parent) return lm__error_os(error, ENAMETOOLONG, "the path %s", path);
    memcpy(parent, path, length);
    parent[length] = '\0';
    if (realpath(length ? parent : slash ? "/" : ".", whole)) return LM_OK;
    return lm__error_os(error, errno, "cannot find the whole path of %s", path);
}

bool lm__same_directory(lm_sys *sys, int a, int b)
{
    struct stat of_a, of_b;
    return a == b || (lm__sys_fstat(sys, a, &of_a) == 0 && lm__sys_fstat(sys, b, &of_b) == 0 &&
                      lm__same_file(&of_a, &of_b));
}
