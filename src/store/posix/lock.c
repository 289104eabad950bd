/*
 * Locks of temporary files, and the lock that commits take on a directory.
 *
 * Invariants
 *  1. A temporary file whose lock can be taken has no living writer: a writer holds LOCK_EX on the
 *     open file from before it has a name (or from just after; it checks then that nobody was
 *     faster) until it has none.
 *  2. Whoever replaces or removes a name does so under LOCK_SH of its directory, whoever compares
 *     and replaces under LOCK_EX: among these, what was compared is what is replaced. The lock is
 *     held over one stat and one rename, never over a sync, but for a manifest that writers at once
 *     have brought into disorder (publish/extras).
 */
#define _GNU_SOURCE
#include <string.h>
#include <sys/file.h>
#include <time.h>

#include "base/error.h"
#include "store/posix/posix.h"

/* A file system that has no locks, as against a lock that somebody else has. */
static bool lock_is_unknown(int result)
{
    return result == -ENOLCK || result == -EOPNOTSUPP || result == -ENOSYS || result == -EINVAL ||
           result == -EBADF; /* NFS: LOCK_EX on a directory, which cannot be open for writing */
}

lm_status lm__temp_lock(lm_sys *sys, int fd, unsigned *warnings, lm_error *error)
{
    int result = lm__sys_flock(sys, fd, LOCK_EX | LOCK_NB);
    if (result == 0) return LM_OK;
    if (lock_is_unknown(result)) {
        *warnings |= LM_FILE_WARN_LOCK;
        return LM_OK;
    }
    if (result == -EWOULDBLOCK)
        return lm__error_set(error, LM_BUSY, "the temporary file is locked by another process");
    return lm__error_os(error, -result, "cannot lock the temporary file");
}

lm_status lm__commit_lock(lm_sys *sys, int directory, int operation, const char *path,
                          lm_cancel *cancel, bool *locked, lm_error *error)
{
    int64_t waited_us = 0;
    *locked = false;
    for (long pause_us = 20;; pause_us = pause_us < 5000 ? pause_us * 2 : 10000) {
        int result = lm__sys_flock(sys, directory, operation | LOCK_NB);
        if (result == 0) {
            *locked = true;
            return LM_OK;
        }
        if (lock_is_unknown(result)) return LM_OK;
        if (result != -EWOULDBLOCK && result != -EINTR)
            return lm__error_os(error, -result, "cannot lock the directory of %s", path);
        if (lm__cancel_requested(cancel))
            return lm__error_set(error, LM_CANCELLED, "%s: interrupted", path);
        if (waited_us > LM_COMMIT_LOCK_WAIT_US_MAX) {
            lm__error_set(error, LM_BUSY,
                          "%s: another process has held a lock on the directory for too long",
                          path);
            if (error) error->retryable = true;
            return LM_BUSY;
        }
        nanosleep(&(struct timespec){.tv_nsec = pause_us * 1000}, NULL);
        waited_us += pause_us;
    }
}

void lm__commit_unlock(lm_sys *sys, int directory, bool locked)
{
    /* The descriptor's close would do it too, but only after the directory's sync. */
    if (locked) (void)lm__sys_flock(sys, directory, LOCK_UN);
}

lm_status lm__posix_exclusive(lm_store *store, const char *path, lm_cancel *cancel,
                              lm_exclusive_run *run, void *context, lm_error *error)
{
    lm_sys *sys = ((lm_posix_store *)store)->sys;
    lm_destination place;
    bool locked;
    LM_TRY(lm__place_open(sys, path, false, false, &place, error));
    lm_status status = lm__commit_lock(sys, place.directory, LOCK_EX, path, cancel, &locked, error);
    if (status == LM_OK) {
        status = run(context, error);
        lm__commit_unlock(sys, place.directory, locked);
    }
    lm__destination_close(sys, &place);
    return status;
}
