/*
 * A file on its way: hidden, sealed, put in place. The heart of the promise.
 *
 *     open    directory descriptor, hidden file (no name, or a temporary one), lock
 *     write   writer.c
 *     seal    last bytes, attributes of the replaced file, fsync, what close would have to say
 *     commit  one linkat or renameat2, then fsync of the directory
 *     close   what was not committed is gone
 *
 * Invariants
 *  1. The destination's name changes in one system call, and only after the bytes are durable
 * (unless durability `none` was asked for).
 *  2. A failed fsync, write or close ends the stage; nothing of it is tried again.
 *  3. When the one call answers with an error, the answer is not believed: we look which file the
 *     name leads to. Ours: done. Ours still hidden: not done. Neither: LM_UNKNOWN_OUTCOME.
 *  4. A temporary name is locked as long as it exists.
 *  5. The hidden file is never readable by more people than the finished one will be, if the
 *     destination was there at the start; otherwise the kernel gives it the umask's mode, and the
 *     directory's default list, at once.
 *
 * On failure before the one call: the destination is as it was, and close removes the temporary
 * name, if there is one. On failure after it: LM_UNKNOWN_DURABILITY.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>

#include "base/alloc.h"
#include "base/error.h"
#include "store/posix/posix.h"
#include "store/posix/writer.h"

#ifndef RENAME_NOREPLACE
#define RENAME_NOREPLACE 1u
#endif

typedef struct posix_stage {
    lm_stage stage;
    const lm_posix_store *posix;
    const lm_allocator *allocator;
    lm_stage_options options;
    lm_destination destination;
    lm_writer writer;
    bool has_writer;
    int fd;                      /* of the hidden file, -1 when closed */
    char temp[LM_TEMP_NAME_MAX]; /* its name; "" while it has none */
    char match[LM_STORE_VERSION_MAX];
    struct stat file; /* of the hidden file, since it was made: device and inode never change */

    /* IF_MATCH: the destination that had the checksum; kept open so that its inode is not reused.
     */
    int matched_fd;
    struct stat matched;
} posix_stage;

/* ---- the hidden file ---- */

/* Leads to an open file by way of /proc, for linkat. */
static void proc_path(char path[32], int fd) { snprintf(path, 32, "/proc/self/fd/%d", fd); }

static bool same_file(const struct stat *a, const struct stat *b)
{
    return a->st_dev == b->st_dev && a->st_ino == b->st_ino;
}

/* False when this file could not be given a name later: there is no /proc. */
static bool unnamed_can_be_linked(const posix_stage *s)
{
    char path[32];
    struct stat through;
    if (s->posix->no_proc) return false;
    proc_path(path, s->fd);
    return lm__sys_fstatat(s->posix->sys, AT_FDCWD, path, &through, 0) == 0 &&
           same_file(&through, &s->file);
}

static lm_status hidden_failed(const posix_stage *s, int result, lm_error *error)
{
    return lm__error_os(error, -result, "cannot make a temporary file beside %s",
                        s->destination.path);
}

/* A file without a name. *made is false, and nothing is wrong, where there is no such thing. */
static lm_status unnamed_make(posix_stage *s, unsigned mode, bool *made, lm_error *error)
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
static lm_status named_make(posix_stage *s, unsigned mode, lm_error *error)
{
    lm_sys *sys = s->posix->sys;
    int directory = s->destination.directory;
    for (int tries = 0; tries < LM_STAGE_NAME_TRIES_MAX; tries++) {
        char name[LM_TEMP_NAME_MAX];
        LM_TRY(lm__temp_name(name, LM_TEMP_FILE_SUFFIX, error));
        int fd =
            lm__sys_openat(sys, directory, name, O_CREAT | O_EXCL | O_WRONLY | O_NOFOLLOW, mode);
        if (fd == -EEXIST) continue;
        if (fd < 0) return hidden_failed(s, fd, error);
        s->fd = fd;
        memcpy(s->temp, name, sizeof name);
        int result = lm__sys_fstat(sys, fd, &s->file);
        if (result < 0) return hidden_failed(s, result, error);
        lm_status status = lm__temp_lock(sys, fd, &s->stage.sealed.warnings, error);
        if (status != LM_OK && status != LM_BUSY) return status;
        struct stat named;
        result = lm__sys_fstatat(sys, directory, name, &named, AT_SYMLINK_NOFOLLOW);
        if (result < 0 && result != -ENOENT) return hidden_failed(s, result, error);
        if (status == LM_OK && result == 0 && same_file(&named, &s->file)) return LM_OK;
        (void)lm__sys_close(sys, fd);
        s->fd = -1;
        s->temp[0] = '\0'; /* whoever has the lock removes it */
    }
    return lm__error_set(error, LM_BUSY,
                         "temporary files beside %s are removed as fast as they are made",
                         s->destination.path);
}

static lm_status hidden_make(posix_stage *s, lm_error *error)
{
    const lm_destination *d = &s->destination;
    bool replaces = d->exists && S_ISREG(d->stat.st_mode);
    unsigned mode = replaces ? d->stat.st_mode & 0600 : 0666;
    bool made;
    LM_TRY(unnamed_make(s, mode, &made, error));
    return made ? LM_OK : named_make(s, mode, error);
}

/* ---- if-match ---- */

static lm_status match_conflict(const posix_stage *s, const char *what, lm_error *error)
{
    return lm__error_set(error, LM_CONFLICT, "%s %s", s->destination.path, what);
}

static bool is_version(const posix_stage *s) { return strncmp(s->match, "version:", 8) == 0; }

static void matched_close(posix_stage *s)
{
    if (s->matched_fd >= 0) (void)lm__sys_close(s->posix->sys, s->matched_fd);
    s->matched_fd = -1;
}

static lm_status matched_sum(posix_stage *s, lm_checksum *sum, lm_error *error)
{
    lm_sys *sys = s->posix->sys;
    const size_t block_bytes = 256 * LM_KIB;
    uint8_t *block = lm__alloc(s->allocator, block_bytes);
    if (!block) return lm__error_memory(error, "comparing checksums");
    lm_status status = LM_OK;
    for (int64_t at = 0; status == LM_OK;) {
        int64_t got = lm__sys_pread(sys, s->matched_fd, block, block_bytes, at);
        if (got < 0)
            status = lm__error_os(error, (int)-got, "cannot read %s", s->destination.path);
        else if (lm__cancel_requested(s->options.cancel))
            status = lm__error_set(error, LM_CANCELLED, "%s: interrupted", s->destination.path);
        else if (got == 0)
            break;
        else
            status = lm__checksum_update(sum, block, (size_t)got, error);
        at += got;
    }
    lm__free(s->allocator, block);
    return status;
}

/* Reads what stands at the destination; LM_CONFLICT unless it is what the caller saw. */
static lm_status match_look(posix_stage *s, lm_error *error)
{
    lm_sys *sys = s->posix->sys;
    matched_close(s);
    int fd = lm__sys_openat(sys, s->destination.directory, s->destination.name,
                            O_RDONLY | O_NONBLOCK | O_NOFOLLOW | O_NOCTTY, 0);
    if (fd == -ENOENT) return match_conflict(s, "is not there any more", error);
    if (fd < 0) return lm__error_os(error, -fd, "cannot open %s", s->destination.path);
    s->matched_fd = fd;
    int result = lm__sys_fstat(sys, fd, &s->matched);
    if (result < 0) return lm__error_os(error, -result, "cannot look at %s", s->destination.path);
    LM_TRY(lm__destination_suits(s->destination.path, &s->matched, error));
    if (is_version(s)) {
        lm_store_stat seen;
        lm__posix_stat_fill(&s->matched, &seen);
        return strcmp(seen.version, s->match + 8) == 0
                   ? LM_OK
                   : match_conflict(s, "is another file than the one seen", error);
    }
    lm_checksum sum;
    char wanted[LM_CHECKSUM_TEXT_MAX], text[LM_CHECKSUM_TEXT_MAX];
    lm_checksum_kind kind;
    LM_TRY(lm__checksum_parse(s->match, &kind, wanted, error));
    LM_TRY(lm__checksum_init(&sum, kind, error));
    lm_status status = matched_sum(s, &sum, error);
    if (status == LM_OK) status = lm__checksum_final(&sum, text, error);
    lm__checksum_deinit(&sum);
    if (status != LM_OK) return status;
    return strcmp(text, wanted) == 0 ? LM_OK : match_conflict(s, "has another checksum", error);
}

/* Under the lock: is the file that matched still what stands there, untouched? */
static bool match_holds(const posix_stage *s)
{
    struct stat now;
    const struct stat *seen = &s->matched;
    return lm__sys_fstatat(s->posix->sys, s->destination.directory, s->destination.name, &now,
                           AT_SYMLINK_NOFOLLOW) == 0 &&
           same_file(&now, seen) && now.st_size == seen->st_size &&
           now.st_mtim.tv_sec == seen->st_mtim.tv_sec &&
           now.st_mtim.tv_nsec == seen->st_mtim.tv_nsec &&
           now.st_ctim.tv_sec == seen->st_ctim.tv_sec &&
           now.st_ctim.tv_nsec == seen->st_ctim.tv_nsec;
}

/* ---- commit ---- */

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

/* Invariant 3: what became of a call that answered with `answer`, an error. */
static placed placed_look(const posix_stage *s, int answer)
{
    lm_sys *sys = s->posix->sys;
    const lm_destination *d = &s->destination;
    struct stat there, temp, ours;
    int seen = lm__sys_fstatat(sys, d->directory, d->name, &there, AT_SYMLINK_NOFOLLOW);
    if (seen < 0 && seen != -ENOENT) return PLACED_UNKNOWN;
    if (seen == 0 && same_file(&there, &s->file)) return PLACED_YES;
    if (seen == 0 && d->exists && same_file(&there, &d->stat)) return PLACED_NO;
    if (s->temp[0] &&
        lm__sys_fstatat(sys, d->directory, s->temp, &temp, AT_SYMLINK_NOFOLLOW) == 0 &&
        same_file(&temp, &s->file))
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
static lm_status placed_settle(posix_stage *s, int result, lm_error *error)
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
static int unnamed_link(posix_stage *s, const char *name)
{
    char path[32];
    proc_path(path, s->fd);
    return lm__sys_linkat(s->posix->sys, AT_FDCWD, path, s->destination.directory, name,
                          AT_SYMLINK_FOLLOW);
}

/* O_TMPFILE cannot replace: a temporary name first, locked before it is there. */
static lm_status unnamed_give_name(posix_stage *s, lm_error *error)
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
             !same_file(&there, &s->file))) {
            if (result == -EEXIST && tries < LM_STAGE_NAME_TRIES_MAX) continue;
            return lm__error_os(error, -result, "cannot name the temporary file of %s",
                                s->destination.path);
        }
        memcpy(s->temp, name, sizeof name);
        return LM_OK;
    }
}

static lm_status place_absent(posix_stage *s, lm_error *error)
{
    lm_sys *sys = s->posix->sys;
    int directory = s->destination.directory;
    const char *name = s->destination.name;
    if (!s->temp[0]) return placed_settle(s, unnamed_link(s, name), error);
    int result = lm__sys_renameat2(sys, directory, s->temp, directory, name, RENAME_NOREPLACE);
    if (result != -EINVAL && result != -ENOSYS && result != -EOPNOTSUPP)
        return placed_settle(s, result, error);
    /* No such flag here: a second name is as exclusive, and the first one goes afterwards. */
    result = lm__sys_linkat(sys, directory, s->temp, directory, name, 0);
    LM_TRY(placed_settle(s, result, error));
    (void)lm__sys_unlinkat(sys, directory, s->temp, 0);
    return LM_OK;
}

static lm_status place_rename(posix_stage *s, lm_error *error)
{
    int directory = s->destination.directory;
    return placed_settle(
        s, lm__sys_renameat2(s->posix->sys, directory, s->temp, directory, s->destination.name, 0),
        error);
}

static lm_status place_over(posix_stage *s, lm_error *error)
{
    lm_destination *d = &s->destination;
    if (!s->temp[0] && !d->exists) { /* the common case of a new file: one call, no other name */
        lm_status status = placed_settle(s, unnamed_link(s, d->name), error);
        if (status != LM_EXISTS) return status;
        lm_error_clear(error);
    }
    if (!s->temp[0]) LM_TRY(unnamed_give_name(s, error));
    bool locked;
    LM_TRY(lm__commit_lock(s->posix->sys, d->directory, LOCK_SH, d->path, s->options.cancel,
                           &locked, error));
    lm_status status = place_rename(s, error);
    lm__commit_unlock(s->posix->sys, d->directory, locked);
    return status;
}

static lm_status place_matching(posix_stage *s, lm_error *error)
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
        bool holds = match_holds(s);
        lm_status status = holds ? place_rename(s, error) : LM_OK;
        lm__commit_unlock(sys, d->directory, locked);
        if (holds) return status;
        LM_TRY(match_look(s, error));
    }
    return match_conflict(s, "keeps changing", error);
}

static lm_status stage_commit(lm_stage *stage, lm_error *error)
{
    posix_stage *s = (posix_stage *)stage;
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
    if (status == LM_OK) return LM_OK;
    lm__error_within(error, status, "the new file is in place, but a power cut may take it back");
    if (error) error->code = LM_UNKNOWN_DURABILITY;
    return LM_UNKNOWN_DURABILITY;
}

/* ---- seal ---- */

static lm_status file_sync(posix_stage *s, lm_error *error)
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

static lm_status stage_seal(lm_stage *stage, lm_error *error)
{
    posix_stage *s = (posix_stage *)stage;
    lm_sealed *sealed = &stage->sealed;
    const lm_destination *d = &s->destination;
    LM_TRY(lm__writer_drain(&s->writer, error));
    if (d->exists && S_ISREG(d->stat.st_mode))
        LM_TRY(lm__attributes_keep(s->posix, s->fd, d, s->options.keep_xattrs, &sealed->warnings,
                                   error));
    if (lm__cancel_requested(s->options.cancel))
        return lm__error_set(error, LM_CANCELLED, "%s: interrupted", d->path);
    LM_TRY(file_sync(s, error));
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
    sealed->direct = s->writer.direct_used;
    return lm__checksum_final(&s->writer.checksum, sealed->checksum, error);
}

/* ---- open, write, close ---- */

static lm_status stage_write(lm_sink *sink, const void *data, size_t size, lm_error *error)
{
    return lm__writer_write(&((posix_stage *)sink)->writer, data, size, error);
}

static void stage_close(lm_stage *stage)
{
    posix_stage *s = (posix_stage *)stage;
    lm_sys *sys = s->posix->sys;
    if (s->has_writer) lm__writer_deinit(&s->writer);
    /* The name goes before the descriptor: the lock keeps gc away until then. */
    if (s->temp[0]) (void)lm__sys_unlinkat(sys, s->destination.directory, s->temp, 0);
    if (s->fd >= 0) (void)lm__sys_close(sys, s->fd);
    matched_close(s);
    lm__destination_close(sys, &s->destination);
    lm__free(s->allocator, s);
}

/* Refuses what can be refused before the work is done. */
static lm_status condition_check(posix_stage *s, lm_error *error)
{
    const lm_destination *d = &s->destination;
    if (s->options.mode == LM_COMMIT_IF_ABSENT && d->exists)
        return lm__error_set(error, LM_EXISTS, "%s exists already", d->path);
    if (s->options.mode != LM_COMMIT_IF_MATCH) return LM_OK;
    if (strlen(s->options.match) >= sizeof s->match)
        return lm__error_set(error, LM_INVALID, "if-match: not a checksum");
    memcpy(s->match, s->options.match, strlen(s->options.match) + 1);
    if (!d->exists) return match_conflict(s, "is not there", error);
    return match_look(s, error);
}

static lm_status stage_prepare(posix_stage *s, const char *path, lm_error *error)
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
    LM_TRY(hidden_make(s, error));
    s->has_writer = true;
    return lm__writer_init(&s->writer, s->posix->sys, s->fd, s->destination.path, &s->options,
                           s->allocator, error);
}

lm_status lm__posix_stage_open(lm_store *store, const char *path, const lm_stage_options *options,
                               lm_stage **stage, lm_error *error)
{
    static const lm_stage_ops ops = {stage_seal, stage_commit, stage_close};
    const lm_allocator *allocator = options->allocator ? options->allocator : store->allocator;
    posix_stage *s = lm__alloc_zero(allocator, sizeof *s);
    if (!s) return lm__error_memory(error, "opening a publication");
    lm__stage_init(&s->stage, store, &ops, stage_write);
    s->posix = (const lm_posix_store *)store;
    s->allocator = allocator;
    s->options = *options;
    s->fd = s->matched_fd = s->destination.directory = -1;
    lm_status status = stage_prepare(s, path, error);
    if (status != LM_OK) {
        stage_close(&s->stage);
        return status;
    }
    *stage = &s->stage;
    return LM_OK;
}
