/*
 * The commit of a stage: one linkat or one renameat2, then the directory's fsync.
 *
 * Invariants
 *  1. The destination's name changes in one system call.
 *  2. When that call answers with an error, the answer is not believed: we look which file the name
 *     leads to. Ours: done. Ours still hidden: not done. Neither: LM_UNKNOWN_OUTCOME.
 *  3. A file without a name gets its lock before its temporary name.
 *
 * On failure before the call the destination is as it was; after it, LM_UNKNOWN_DURABILITY.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>

#include "base/error.h"
#include "store/posix/stage.h"

#ifndef RENAME_NOREPLACE
#define RENAME_NOREPLACE 1u
#endif

typedef enum placed { PLACED_YES, PLACED_NO, PLACED_UNKNOWN } placed;

/* Errors that the kernel gives before it does anything. After any other one the thing may have been
 * done, by a server whose answer was lost. */
static bool is_sure(int result)
{
    static const int sure[] = {EEXIST, ENOENT, ENOSPC, EDQUOT,       EACCES, EPERM,  EROFS,
                               EMLINK, EXDEV,  ELOOP,  ENAMETOOLONG, EINVAL, EISDIR, ENOTDIR};
    for (size_t i = 0; i < sizeof sure / sizeof *sure; i++)
        if (result == -sure[i]) return true;
    return false;
}

/* Invariant 2: what became of a call that answered with `answer`, an error. */
static placed placed_look(const lm_posix_stage *s, int answer)
{
    lm_sys *sys = s->posix->sys;
    const lm_destination *d = &s->destination;
    struct stat there, temp, ours;
    int seen = lm__sys_fstatat(sys, d->directory, d->name, &there, AT_SYMLINK_NOFOLLOW);
    if (seen < 0 && seen != -ENOENT) return PLACED_UNKNOWN;
    if (seen == 0 && lm__same_file(&there, &s->file)) return PLACED_YES;
    if (seen == 0 && d->exists && lm__same_file(&there, &d->stat)) return PLACED_NO;
    if (s->temp[0] &&
        lm__sys_fstatat(sys, s->temp_directory, s->temp, &temp, AT_SYMLINK_NOFOLLOW) == 0 &&
        lm__same_file(&temp, &s->file))
        return PLACED_NO; /* a rename would have taken the temporary name away */
    if (lm__sys_fstat(sys, s->fd, &ours) < 0) return PLACED_UNKNOWN;
    /* A name that is neither of the two: somebody renamed it, after the link or before our rename.
     */
    if (ours.st_nlink > 0) return s->temp[0] ? PLACED_UNKNOWN : PLACED_YES;
    /* No name at all. If something else stands there, it may stand where ours stood for a moment.
     */
    return seen == -ENOENT || is_sure(answer) ? PLACED_NO : PLACED_UNKNOWN;
}

/* From the call's answer to the status; LM_OK is "in place, by whatever way we know". */
static lm_status placed_settle(lm_posix_stage *s, int result, lm_error *error)
{
    if (result == 0) return LM_OK;
    switch (placed_look(s, result)) {
    case PLACED_YES: return LM_OK;
    case PLACED_NO: break;
    case PLACED_UNKNOWN:
        lm__error_os(error, -result, "%s: it cannot be told whether the new file is in place",
                     s->destination.path);
        if (error) error->code = LM_UNKNOWN_OUTCOME;
        return LM_UNKNOWN_OUTCOME;
    }
    if (result == -EEXIST)
        return lm__error_set(error, LM_EXISTS, "%s exists already", s->destination.path);
    if (result == -EISDIR || result == -ENOTEMPTY)
        return lm__error_set(error, LM_UNSUITABLE,
                             "%s is a directory and cannot be replaced by a file",
                             s->destination.path);
    return lm__error_os(error, -result, "cannot put %s in place", s->destination.path);
}

/* linkat of the file without a name. */
static int unnamed_link(lm_posix_stage *s, const char *name)
{
    char path[LM_PROC_PATH_MAX];
    lm__proc_path(path, s->fd);
    return lm__sys_linkat(s->posix->sys, AT_FDCWD, path, s->destination.directory, name,
                          AT_SYMLINK_FOLLOW);
}

/* O_TMPFILE cannot replace: a temporary name first, locked before it is there. */
static lm_status unnamed_give_name(lm_posix_stage *s, lm_error *error)
{
    LM_TRY(lm__temp_lock(s->posix->sys, s->fd, &s->stage.sealed.warnings, error));
    char name[LM_TEMP_NAME_MAX];
    for (int tries = 0;; tries++) {
        LM_TRY(lm__temp_name(name, LM_TEMP_FILE_SUFFIX, error));
        int result = unnamed_link(s, name);
        struct stat there;
        if (result < 0 && /* it may have been done all the same: then close must remove it */
            (lm__sys_fstatat(s->posix->sys, s->destination.directory, name, &there,
                             AT_SYMLINK_NOFOLLOW) != 0 ||
             !lm__same_file(&there, &s->file))) {
            if (result == -EEXIST && tries < LM_STAGE_NAME_TRIES_MAX) continue;
            return lm__error_os(error, -result, "cannot name the temporary file of %s",
                                s->destination.path);
        }
        memcpy(s->temp, name, sizeof name);
        return LM_OK;
    }
}

static lm_status place_absent(lm_posix_stage *s, lm_error *error)
{
    lm_sys *sys = s->posix->sys;
    int directory = s->destination.directory;
    const char *name = s->destination.name;
    if (!s->temp[0]) return placed_settle(s, unnamed_link(s, name), error);
    int result =
        lm__sys_renameat2(sys, s->temp_directory, s->temp, directory, name, RENAME_NOREPLACE);
    if (result != -EINVAL && result != -ENOSYS && result != -EOPNOTSUPP)
        return placed_settle(s, result, error);
    /* No such flag here: a second name is as exclusive, and the first one goes afterwards. */
    result = lm__sys_linkat(sys, s->temp_directory, s->temp, directory, name, 0);
    LM_TRY(placed_settle(s, result, error));
    (void)lm__sys_unlinkat(sys, s->temp_directory, s->temp, 0);
    return LM_OK;
}

static lm_status place_rename(lm_posix_stage *s, lm_error *error)
{
    int directory = s->destination.directory;
    return placed_settle(s,
                         lm__sys_renameat2(s->posix->sys, s->temp_directory, s->temp, directory,
                                           s->destination.name, 0),
                         error);
}

static lm_status place_over(lm_posix_stage *s, lm_error *error)
{
    lm_destination *d = &s->destination;
    if (!s->temp[0] && !d->exists) { /* the common case of a new file: one call, no other name */
        lm_status status = placed_settle(s, unnamed_link(s, d->name), error);
        if (status != LM_EXISTS) return status;
        lm_error_clear(error);
    }
    if (!s->temp[0]) LM_TRY(unnamed_give_name(s, error));
    bool locked = false;
    if (!s->options.in_exclusive)
        LM_TRY(lm__commit_lock(s->posix->sys, d->directory, LOCK_SH, d->path, s->options.cancel,
                               &locked, error));
    lm_status status = place_rename(s, error);
    lm__commit_unlock(s->posix->sys, d->directory, locked);
    return status;
}

static lm_status place_matching(lm_posix_stage *s, lm_error *error)
{
    lm_sys *sys = s->posix->sys;
    const lm_destination *d = &s->destination;
    if (!s->temp[0]) LM_TRY(unnamed_give_name(s, error));
    for (int tries = 0; tries < LM_COMMIT_MATCH_TRIES_MAX; tries++) {
        bool locked;
        LM_TRY(lm__commit_lock(sys, d->directory, LOCK_EX, d->path, s->options.cancel, &locked,
                               error));
        if (!locked)
            return lm__error_set(error, LM_UNSUPPORTED,
                                 "%s: the file system has no locks, which if-match needs", d->path);
        bool holds = lm__match_holds(s);
        lm_status status = holds ? place_rename(s, error) : LM_OK;
        lm__commit_unlock(sys, d->directory, locked);
        if (holds) return status;
        LM_TRY(lm__match_look(s, error));
    }
    return lm__match_conflict(s, "keeps changing", error);
}

lm_status lm__posix_commit(lm_stage *stage, lm_error *error)
{
    lm_posix_stage *s = (lm_posix_stage *)stage;
    const lm_destination *d = &s->destination;
    if (lm__cancel_requested(s->options.cancel))
        return lm__error_set(error, LM_CANCELLED, "%s: interrupted", d->path);
    lm_status status = LM_BROKEN;
    switch (s->options.mode) {
    case LM_COMMIT_REPLACE: status = place_over(s, error); break;
    case LM_COMMIT_IF_ABSENT: status = place_absent(s, error); break;
    case LM_COMMIT_IF_MATCH: status = place_matching(s, error); break;
    }
    if (status != LM_OK) return status;
    s->temp[0] = '\0';
    if (s->options.durability != LM_DURABILITY_FULL) return LM_OK;
    status = lm__directory_sync(s->posix->sys, d->directory, d->path, error);
    if (status == LM_OK && s->temp_directory != d->directory)
        status = lm__directory_sync(s->posix->sys, s->temp_directory, s->options.adopt, error);
    if (status == LM_OK) return LM_OK;
    lm__error_within(error, status, "the new file is in place, but a power cut may take it back");
    if (error) error->code = LM_UNKNOWN_DURABILITY;
    return LM_UNKNOWN_DURABILITY;
}
