/* Staging directories for foreign programs; staging.h tells the invariants. */
#define _GNU_SOURCE
#include "publish/staging.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "store/place.h"

/* The destination may be a directory, or nothing, or a file: all can be published to. */
static lm_status place_open(lm_staging *staging, const char *path, bool no_follow, lm_error *error)
{
    const lm_destination_options where = {.no_follow = no_follow, .is_durable = true};
    struct stat stat;
    int result = lm__sys_fstatat(staging->sys, AT_FDCWD, path, &stat, AT_SYMLINK_NOFOLLOW);
    if (result == 0 && S_ISDIR(stat.st_mode))
        return lm__tree_place_open(staging->sys, path, false, false, &staging->place, error);
    return lm__destination_open(staging->sys, path, &where, &staging->place, error);
}

/* gc may be faster than our lock, as with temporary files. */
static lm_status directory_make(lm_staging *staging, lm_error *error)
{
    lm_sys *sys = staging->sys;
    int parent = staging->place.directory;
    for (int tries = 0; tries < LM_STAGE_NAME_TRIES_MAX; tries++) {
        struct stat ours, named;
        unsigned warnings = 0;
        LM_TRY(lm__temp_name(staging->directory, LM_TEMP_TREE_SUFFIX, error));
        int result = lm__sys_mkdirat(sys, parent, staging->directory, 0700);
        if (result == -EEXIST) continue;
        if (result < 0)
            return lm__error_os(error, -result, "cannot make a directory beside %s",
                                staging->place.path);
        int fd = lm__sys_openat(sys, parent, staging->directory, LM_OPEN_TREE, 0);
        if (fd == -ENOENT) continue;
        if (fd < 0)
            return lm__error_os(error, -fd, "cannot open %s beside %s", staging->directory,
                                staging->place.path);
        staging->fd = fd;
        lm_status status = lm__temp_lock(sys, fd, &warnings, error);
        if (status != LM_OK && status != LM_BUSY) return status;
        result = lm__sys_fstat(sys, fd, &ours);
        if (result == 0)
            result = lm__sys_fstatat(sys, parent, staging->directory, &named, AT_SYMLINK_NOFOLLOW);
        if (status == LM_OK && result == 0 && lm__same_file(&ours, &named)) return LM_OK;
        (void)lm__sys_close(sys, fd);
        staging->fd = -1;
        if (result < 0 && result != -ENOENT)
            return lm__error_os(error, -result, "cannot look at %s beside %s", staging->directory,
                                staging->place.path);
    }
    return lm__error_set(error, LM_BUSY,
                         "directories beside %s are removed as fast as they are made",
                         staging->place.path);
}

/* Whole, since the program may work in another directory. */
static lm_status path_make(lm_staging *staging, lm_error *error)
{
    char whole[PATH_MAX];
    LM_TRY(lm__parent_whole(staging->place.path, whole, error));
    int needed = snprintf(staging->path, sizeof staging->path, "%s%s%s/%s", whole,
                          whole[1] ? "/" : "", staging->directory, staging->place.name);
    if (needed > 0 && needed < PATH_MAX) return LM_OK;
    return lm__error_set(error, LM_INVALID, "%s: the path is too long", staging->place.path);
}

lm_status lm__staging_open(lm_staging *staging, const char *path, bool no_follow, lm_error *error)
{
    memset(staging, 0, sizeof *staging);
    staging->sys = lm__sys_kernel();
    staging->owner = getpid();
    staging->fd = staging->place.directory = -1;
    LM_TRY(lm__place_require_local(path,
                                   "what programs write to is staged on this system; write it to a "
                                   "file here and copy that (lamella cp)",
                                   &path, error));
    LM_TRY(place_open(staging, path, no_follow, error));
    lm_status status = directory_make(staging, error);
    if (status == LM_OK) status = path_make(staging, error);
    if (status != LM_OK) lm__staging_close(staging);
    return status;
}

lm_status lm__staging_kind(const lm_staging *staging, lm_store_kind *kind, lm_error *error)
{
    struct stat stat;
    lm_store_stat told;
    int result =
        lm__sys_fstatat(staging->sys, staging->fd, staging->place.name, &stat, AT_SYMLINK_NOFOLLOW);
    *kind = 0;
    if (result == -ENOENT) return LM_OK;
    if (result < 0) return lm__error_os(error, -result, "cannot look at %s", staging->path);
    lm__posix_stat_fill(&stat, &told);
    *kind = told.kind;
    return LM_OK;
}

void lm__staging_close(lm_staging *staging)
{
    lm_sys *sys = staging->sys;
    if (staging->owner != getpid()) return;
    if (staging->fd >= 0) {
        int second = lm__sys_openat(sys, staging->fd, ".", LM_OPEN_TREE, 0);
        if (second >= 0 && lm__tree_empty(sys, second, staging->path, NULL, NULL) == LM_OK)
            (void)lm__sys_unlinkat(sys, staging->place.directory, staging->directory, AT_REMOVEDIR);
        (void)lm__sys_close(sys, staging->fd);
    }
    staging->fd = -1;
    lm__destination_close(sys, &staging->place);
}
