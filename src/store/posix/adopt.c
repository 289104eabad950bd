/*
 * A file that somebody finished under another name, taken as a stage: nothing is copied.
 *
 * Invariants
 *  1. Until the commit the file stays under its name; without one it is there afterwards, with its
 *     bytes (it may have the mode, owner and list of the destination by then).
 *  2. What is synced, summed and put in place is one open file: another one put under its name
 *     meanwhile is noticed before the commit.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <string.h>

#include "base/error.h"
#include "store/posix/stage.h"

static lm_status check(const lm_posix_stage *s, lm_error *error)
{
    const lm_destination *d = &s->destination;
    const char *path = s->options.adopt;
    struct stat directory;
    if (!S_ISREG(s->file.st_mode))
        return lm__error_set(error, LM_UNSUITABLE, "%s is not a regular file", path);
    if (d->exists && lm__same_file(&s->file, &d->stat))
        return lm__error_set(error, LM_INVALID, "%s and %s are the same file", path, d->path);
    int result = lm__sys_fstat(s->posix->sys, d->directory, &directory);
    if (result < 0)
        return lm__error_os(error, -result, "cannot look at the directory of %s", d->path);
    if (directory.st_dev != s->file.st_dev)
        return lm__error_set(error, LM_UNSUPPORTED,
                             "%s is on another file system than %s: make it beside the destination",
                             path, d->path);
    return LM_OK;
}

lm_status lm__adopt_open(lm_posix_stage *s, lm_error *error)
{
    static const int flags = O_NOFOLLOW | O_NONBLOCK | O_NOCTTY;
    lm_sys *sys = s->posix->sys;
    const char *path = s->options.adopt;
    lm_destination from;
    LM_TRY(lm__place_open(sys, path, false, false, &from, error));
    s->temp_directory = from.directory;
    memcpy(s->temp, from.name, sizeof from.name);
    if (!from.exists) return lm__error_set(error, LM_NOT_FOUND, "%s is not there", path);
    s->file = from.stat;
    LM_TRY(check(s, error));
    s->fd = lm__sys_openat(sys, from.directory, from.name, O_RDWR | flags, 0);
    if (s->fd == -EACCES || s->fd == -EPERM || s->fd == -ETXTBSY)
        s->fd = lm__sys_openat(sys, from.directory, from.name, O_RDONLY | flags, 0);
    if (s->fd < 0) {
        int result = s->fd;
        s->fd = -1;
        return lm__error_os(error, -result, "cannot open %s", path);
    }
    int result = lm__sys_fstat(sys, s->fd, &s->file);
    if (result < 0) return lm__error_os(error, -result, "cannot look at %s", path);
    return check(s, error);
}

lm_status lm__adopt_sum(lm_posix_stage *s, lm_error *error)
{
    struct stat named;
    uint64_t size = (uint64_t)s->file.st_size;
    int result =
        lm__sys_fstatat(s->posix->sys, s->temp_directory, s->temp, &named, AT_SYMLINK_NOFOLLOW);
    if (result < 0) return lm__error_os(error, -result, "cannot look at %s", s->options.adopt);
    if (!lm__same_file(&named, &s->file))
        return lm__error_set(error, LM_CONFLICT, "%s is another file by now", s->options.adopt);
    if (s->options.checksum != LM_CHECKSUM_NONE)
        LM_TRY(lm__file_sum(s, s->fd, s->options.adopt, &s->writer.checksum, &size, error));
    s->stage.sink.bytes = size;
    return LM_OK;
}

void lm__adopt_close(lm_posix_stage *s)
{
    if (s->options.adopt && s->temp_directory >= 0 && s->temp_directory != s->destination.directory)
        (void)lm__sys_close(s->posix->sys, s->temp_directory);
    s->temp_directory = -1;
}
