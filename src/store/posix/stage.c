/*
 * A file on its way: hidden, sealed, and thrown away if it was not committed.
 *
 *     open    directory descriptor, hidden file (without a name, or with a temporary one), lock
 *     write   writer.c
 *     seal    last bytes, attributes of the replaced file, fsync, what close would have to say
 *     commit  commit.c
 *     close   what was not committed is gone
 *
 * Invariants
 *  1. A sealed file is durable, attributes and all, unless durability `none` was asked for.
 *  2. A failed fsync, write or close ends the stage; nothing of it is tried again.
 *  3. A temporary name is locked as long as it exists.
 *  4. The hidden file is never readable by more people than the finished one will be, if the
 *     destination was there at the start; otherwise the kernel gives it the umask's mode, and the
 *     directory's default list, at once.
 *
 * On failure close removes the temporary name, if there is one; a file without one goes by itself,
 * also when the process dies.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/error.h"
#include "store/posix/stage.h"

/* ---- the hidden file ---- */

/* False when this file could not be given a name later: there is no /proc. */
static bool unnamed_can_be_linked(const lm_posix_stage *s)
{
    char path[LM_PROC_PATH_MAX];
    struct stat through;
    if (s->posix->no_proc) return false;
    lm__proc_path(path, s->fd);
    return lm__sys_fstatat(s->posix->sys, AT_FDCWD, path, &through, 0) == 0 &&
           lm__same_file(&through, &s->file);
}

static lm_status hidden_failed(const lm_posix_stage *s, int result, lm_error *error)
{
    return lm__error_os(error, -result, "cannot make a temporary file beside %s",
                        s->destination.path);
}

/* A file without a name. *made is false, and nothing is wrong, where there is no such thing. */
static lm_status unnamed_make(lm_posix_stage *s, unsigned mode, bool *made, lm_error *error)
{
    *made = false;
    if (s->posix->no_tmpfile) return LM_OK;
    lm_sys *sys = s->posix->sys;
    int fd = lm__sys_openat(sys, s->destination.directory, ".", O_TMPFILE | O_WRONLY, mode);
    if (fd == -EOPNOTSUPP || fd == -EISDIR || fd == -EINVAL || fd == -ENOENT) return LM_OK;
    if (fd < 0) return hidden_failed(s, fd, error);
    s->fd = fd;
    int result = lm__sys_fstat(sys, fd, &s->file);
    if (result < 0) return hidden_failed(s, result, error);
    *made = unnamed_can_be_linked(s);
    if (*made) return LM_OK;
    (void)lm__sys_close(sys, fd);
    s->fd = -1;
    return LM_OK;
}

/* A file with a temporary name. gc may be faster than our lock: it has the lock then, or the name
 * is gone, and we take another. */
static lm_status named_make(lm_posix_stage *s, unsigned mode, lm_error *error)
{
    lm_sys *sys = s->posix->sys;
    int directory = s->destination.directory;
    for (int tries = 0; tries < LM_STAGE_NAME_TRIES_MAX; tries++) {
        char name[LM_TEMP_NAME_MAX];
        LM_TRY(lm__temp_name(name, LM_TEMP_FILE_SUFFIX, error));
        int fd =
            lm__sys_openat(sys, directory, name, O_CREAT | O_EXCL | O_WRONLY | O_NOFOLLOW, mode);
        if (fd == -EEXIST) continue;
        memcpy(s->temp, name, sizeof name); /* it may be there though the answer was an error */
        if (fd < 0) return hidden_failed(s, fd, error);
        s->fd = fd;
        int result = lm__sys_fstat(sys, fd, &s->file);
        if (result < 0) return hidden_failed(s, result, error);
        lm_status status = lm__temp_lock(sys, fd, &s->stage.sealed.warnings, error);
        if (status != LM_OK && status != LM_BUSY) return status;
        struct stat named;
        result = lm__sys_fstatat(sys, directory, name, &named, AT_SYMLINK_NOFOLLOW);
        if (result < 0 && result != -ENOENT) return hidden_failed(s, result, error);
        if (status == LM_OK && result == 0 && lm__same_file(&named, &s->file)) return LM_OK;
        (void)lm__sys_close(sys, fd);
        s->fd = -1;
        s->temp[0] = '\0'; /* whoever has the lock removes it */
    }
    return lm__error_set(error, LM_BUSY,
                         "temporary files beside %s are removed as fast as they are made",
                         s->destination.path);
}

static lm_status hidden_make(lm_posix_stage *s, lm_error *error)
{
    const lm_destination *d = &s->destination;
    bool replaces = d->exists && S_ISREG(d->stat.st_mode);
    unsigned mode = replaces ? d->stat.st_mode & 0600 : 0666;
    bool made;
    LM_TRY(unnamed_make(s, mode, &made, error));
    return made ? LM_OK : named_make(s, mode, error);
}

/* ---- seal ---- */

static lm_status file_sync(lm_posix_stage *s, lm_error *error)
{
    lm_sys *sys = s->posix->sys;
    const char *path = s->destination.path;
    if (s->options.durability != LM_DURABILITY_NONE) {
        int result = lm__sys_fsync(sys, s->fd);
        if (result < 0) return lm__error_os(error, -result, "cannot sync %s", path);
    }
    /* Network file systems tell of lost writes at close, but ours keeps the lock until the end: a
     * second descriptor is closed in its place. */
    int second = lm__sys_fcntl(sys, s->fd, F_DUPFD_CLOEXEC, 0);
    if (second < 0) return lm__error_os(error, -second, "cannot finish %s", path);
    int result = lm__sys_close(sys, second);
    if (result < 0) return lm__error_os(error, -result, "cannot close %s", path);
    return LM_OK;
}

static lm_status seal_look(lm_stage *stage, lm_error *error)
{
    lm_posix_stage *s = (lm_posix_stage *)stage;
    lm_sealed *sealed = &stage->sealed;
    const lm_destination *d = &s->destination;
    struct stat now;
    int result = lm__sys_fstat(s->posix->sys, s->fd, &now);
    if (result < 0) return lm__error_os(error, -result, "cannot look at the new %s", d->path);
    if ((uint64_t)now.st_size != stage->sink.bytes)
        return lm__error_set(error, LM_IO, "%s: %llu bytes were written, and the file has %llu",
                             d->path, (unsigned long long)stage->sink.bytes,
                             (unsigned long long)now.st_size);
    sealed->size = (uint64_t)now.st_size;
    sealed->mtime_ns = (int64_t)now.st_mtim.tv_sec * 1000000000 + now.st_mtim.tv_nsec;
    sealed->device = now.st_dev;
    sealed->inode = now.st_ino;
    return LM_OK;
}

/* The last bytes, the attributes, and what they come to. */
static lm_status stage_end(lm_stage *stage, bool *ended, lm_error *error)
{
    lm_posix_stage *s = (lm_posix_stage *)stage;
    lm_sealed *sealed = &stage->sealed;
    const lm_destination *d = &s->destination;
    LM_TRY(s->options.adopt ? lm__adopt_sum(s, error) : lm__writer_drain(&s->writer, error));
    if (d->exists && S_ISREG(d->stat.st_mode))
        LM_TRY(lm__attributes_keep(s->posix, s->fd, d, s->options.keep_xattrs, &sealed->warnings,
                                   error));
    if (lm__cancel_requested(s->options.cancel))
        return lm__error_set(error, LM_CANCELLED, "%s: interrupted", d->path);
    LM_TRY(seal_look(stage, error));
    sealed->direct = lm__writer_went_direct(&s->writer);
    *ended = true;
    return lm__checksum_final(&s->writer.checksum, sealed->checksum, error);
}

/* Who ends a stage before it is sealed has other things to make durable meanwhile: with its
 * write-back under way, and so its place on the disk known, one commit of the file system's journal
 * can serve them all. */
static lm_status stage_end_early(lm_stage *stage, bool *ended, lm_error *error)
{
    const lm_posix_stage *s = (const lm_posix_stage *)stage;
    LM_TRY(stage_end(stage, ended, error));
    if (s->options.durability != LM_DURABILITY_NONE && stage->sealed.size > 0)
        (void)lm__sys_sync_range(s->posix->sys, s->fd, 0, (size_t)stage->sealed.size);
    return LM_OK;
}

static lm_status stage_seal(lm_stage *stage, lm_error *error)
{
    bool ended;
    if (!stage->is_ended) LM_TRY(stage_end(stage, &ended, error));
    LM_TRY(file_sync((lm_posix_stage *)stage, error));
    return seal_look(stage, error);
}

/* ---- open, write, close ---- */

static lm_status stage_write(lm_sink *sink, const void *data, size_t size, lm_error *error)
{
    lm_posix_stage *s = (lm_posix_stage *)sink;
    if (s->options.adopt)
        return lm__error_set(error, LM_INVALID, "%s is taken as it is", s->options.adopt);
    return lm__writer_write(&s->writer, data, size, error);
}

static lm_status stage_copy(lm_stage *stage, lm_source *source, uint64_t offset, uint64_t length,
                            uint64_t *copied, lm_error *error)
{
    lm_posix_stage *s = (lm_posix_stage *)stage;
    int from = lm__posix_source_fd(source);
    if (s->options.adopt || from < 0) return LM_OK;
    return lm__writer_copy(&s->writer, from, offset, length, copied, error);
}

static void stage_close(lm_stage *stage)
{
    lm_posix_stage *s = (lm_posix_stage *)stage;
    lm_sys *sys = s->posix->sys;
    if (s->has_writer) lm__writer_deinit(&s->writer);
    /* The name goes before the descriptor: the lock keeps gc away until then. */
    if (s->temp[0] && !s->options.adopt)
        (void)lm__sys_unlinkat(sys, s->destination.directory, s->temp, 0);
    if (s->fd >= 0) (void)lm__sys_close(sys, s->fd);
    lm__adopt_close(s);
    lm__match_close(s);
    lm__destination_close(sys, &s->destination);
    lm__free(s->allocator, s);
}

/* Refuses what can be refused before the work is done. */
static lm_status condition_check(lm_posix_stage *s, lm_error *error)
{
    const lm_destination *d = &s->destination;
    if (s->options.mode == LM_COMMIT_IF_ABSENT && d->exists)
        return lm__error_set(error, LM_EXISTS, "%s exists already", d->path);
    if (s->options.mode != LM_COMMIT_IF_MATCH) return LM_OK;
    if (strlen(s->options.match) >= sizeof s->match)
        return lm__error_set(error, LM_INVALID, "if-match: not a checksum");
    memcpy(s->match, s->options.match, strlen(s->options.match) + 1);
    if (!d->exists) return lm__match_conflict(s, "is not there", error);
    return lm__match_look(s, error);
}

static lm_status stage_prepare(lm_posix_stage *s, const char *path, lm_error *error)
{
    const lm_destination_options where = {
        .no_follow = s->options.no_follow,
        .no_parents = s->options.no_parents,
        .is_durable = s->options.durability == LM_DURABILITY_FULL,
    };
    LM_TRY(lm__destination_open(s->posix->sys, path, &where, &s->destination, error));
    s->stage.sealed.path = s->destination.path;
    s->stage.sealed.replaces = s->destination.exists;
    LM_TRY(condition_check(s, error));
    s->temp_directory = s->destination.directory;
    LM_TRY(s->options.adopt ? lm__adopt_open(s, error) : hidden_make(s, error));
    s->has_writer = true;
    return lm__writer_init(&s->writer, s->posix->sys, s->fd, s->destination.path, &s->options,
                           s->allocator, error);
}

lm_status lm__posix_stage_open(lm_store *store, const char *path, const lm_stage_options *options,
                               lm_stage **stage, lm_error *error)
{
    static const lm_stage_ops ops = {stage_seal, lm__posix_commit, stage_close, stage_copy,
                                     stage_end_early};
    const lm_allocator *allocator = options->allocator ? options->allocator : store->allocator;
    lm_posix_stage *s = lm__alloc_zero(allocator, sizeof *s);
    if (!s) return lm__error_memory(error, "opening a publication");
    lm__stage_init(&s->stage, store, &ops, stage_write);
    s->posix = (const lm_posix_store *)store;
    s->allocator = allocator;
    s->options = *options;
    s->fd = s->matched_fd = s->destination.directory = s->temp_directory = -1;
    lm_status status = stage_prepare(s, path, error);
    if (status != LM_OK) {
        stage_close(&s->stage);
        return status;
    }
    *stage = &s->stage;
    return LM_OK;
}
