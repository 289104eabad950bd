/*
 * lm_undo: the newest kept file back in place, on POSIX.
 *
 * Invariants
 *  1. One renameat2 does it: readers see what stood there or what was kept, whole.
 *  2. It happens under the exclusive lock of the directory, so that no publication of Lamella's
 *     comes between the look for the newest and the rename.
 *
 * On failure before the rename nothing has changed, but that names which led to the standing file
 * itself (keep.h, invariant 3) may be gone.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>

#include <lamella/upkeep.h>

#include "base/error.h"
#include "publish/keep_name.h"
#include "store/place.h"
#include "store/posix/posix.h"

_Static_assert(LM_UNDO_PATH_MAX >= LM_PATH_BYTES_MAX, "a path fits");

typedef struct undo {
    lm_sys *sys;
    const lm_undo_options *options;
    lm_destination place;
    lm_keep_names names;
} undo;

static bool is_standing(const undo *u, const struct stat *stat)
{
    return u->place.exists && u->place.stat.st_dev == stat->st_dev &&
           u->place.stat.st_ino == stat->st_ino;
}

static lm_status list_kept(undo *u, lm_error *error)
{
    lm_directory_reader reader;
    const char *name;
    unsigned char type;
    int more;
    int fd = lm__sys_openat(u->sys, u->place.directory, ".", O_RDONLY | O_DIRECTORY, 0);
    if (fd < 0) return lm__error_os(error, -fd, "cannot open the directory of %s", u->place.path);
    lm__directory_reader_init(&reader, u->sys, fd);
    lm_status status = LM_OK;
    while (status == LM_OK && (more = lm__directory_reader_next(&reader, &name, &type)) != 0) {
        struct stat stat;
        if (more < 0)
            status = lm__error_os(error, -more, "cannot list the directory of %s", u->place.path);
        else if (lm__keep_name_is(name, u->place.name, strlen(u->place.name)) &&
                 lm__sys_fstatat(u->sys, u->place.directory, name, &stat, AT_SYMLINK_NOFOLLOW) == 0)
            status = lm__keep_names_add(&u->names, name, is_standing(u, &stat), error);
    }
    (void)lm__sys_close(u->sys, fd);
    lm__keep_names_sort(&u->names);
    return status;
}

static lm_status put_back(undo *u, const char *kept, lm_undo_result *result, lm_error *error)
{
    struct stat before, after;
    int directory = u->place.directory;
    int looked = lm__sys_fstatat(u->sys, directory, kept, &before, AT_SYMLINK_NOFOLLOW);
    if (looked < 0) return lm__error_os(error, -looked, "cannot look at %s", kept);
    int answer = lm__sys_renameat2(u->sys, directory, kept, directory, u->place.name, 0);
    if (answer < 0) { /* not believed: which file is at the name now? */
        looked = lm__sys_fstatat(u->sys, directory, u->place.name, &after, AT_SYMLINK_NOFOLLOW);
        bool is_there =
            looked == 0 && after.st_dev == before.st_dev && after.st_ino == before.st_ino;
        if (looked < 0 && looked != -ENOENT) {
            result->state = LM_COMMIT_UNKNOWN;
            return lm__error_set(error, LM_UNKNOWN_OUTCOME,
                                 "%s: it cannot be told whether the kept file is in place",
                                 u->place.path);
        }
        if (!is_there)
            return lm__error_os(error, -answer, "cannot put %s back as %s", kept, u->place.path);
    }
    result->state = LM_COMMIT_DONE;
    return LM_OK;
}

static lm_status undo_locked(undo *u, lm_undo_result *result, lm_error *error)
{
    int looked = lm__sys_fstatat(u->sys, u->place.directory, u->place.name, &u->place.stat,
                                 AT_SYMLINK_NOFOLLOW);
    u->place.exists = looked == 0;
    LM_TRY(list_kept(u, error));
    while (u->names.count > 0) {
        const lm_keep_name *newest = &u->names.items[--u->names.count];
        if (newest->is_standing) {
            (void)lm__sys_unlinkat(u->sys, u->place.directory, newest->name, 0);
            continue;
        }
        const char *slash = strrchr(u->place.path, '/');
        int before = slash ? (int)(slash - u->place.path) + 1 : 0;
        snprintf(result->kept, sizeof result->kept, "%.*s%s", before, u->place.path, newest->name);
        for (size_t i = 0; i < u->names.count; i++) result->left += !u->names.items[i].is_standing;
        return put_back(u, newest->name, result, error);
    }
    return lm__error_set(error, LM_NOT_FOUND, "%s: no older file is kept", u->place.path);
}

static lm_status undo_run(undo *u, lm_undo_result *result, lm_error *error)
{
    bool locked;
    LM_TRY(lm__commit_lock(u->sys, u->place.directory, LOCK_EX, u->place.path, u->options->cancel,
                           &locked, error));
    lm_status status = undo_locked(u, result, error);
    lm__commit_unlock(u->sys, u->place.directory, locked);
    if (status != LM_OK || u->options->durability != LM_DURABILITY_FULL) return status;
    status = lm__directory_sync(u->sys, u->place.directory, u->place.path, error);
    if (status == LM_OK) return LM_OK;
    result->state = LM_COMMIT_VISIBLE;
    (void)lm__error_within(error, status,
                           "the kept file is in place, but a power cut may take it back");
    if (error) error->code = LM_UNKNOWN_DURABILITY;
    return LM_UNKNOWN_DURABILITY;
}

lm_status lm_undo(const char *path, const lm_undo_options *options, lm_undo_result *result,
                  lm_error *error)
{
    static const lm_undo_options defaults = {0};
    lm_undo_result unused;
    undo u = {.sys = lm__sys_kernel(), .options = options ? options : &defaults};
    const lm_destination_options where = {.no_follow = u.options->no_follow, .no_parents = true};
    if (!result) result = &unused;
    memset(result, 0, sizeof *result);
    LM_TRY(lm__place_require_local(
        path, "only there are files kept (--keep) that could be put back", &path, error));
    LM_TRY(lm__destination_open(u.sys, path, &where, &u.place, error));
    snprintf(result->path, sizeof result->path, "%s", u.place.path);
    lm__keep_names_init(&u.names, u.options->allocator);
    lm_status status = undo_run(&u, result, error);
    lm__keep_names_deinit(&u.names);
    lm__destination_close(u.sys, &u.place);
    return status;
}
