/*
 * A tree put in place, or exchanged for another, in one step.
 *
 * Invariants
 *  1. The one step is a renameat2. What the file system cannot do in one is refused.
 *  2. An error of that call is not believed: whether the tree is in place is looked up, by inode.
 *  3. What is exchanged out is what the journal (swap.h) calls old: the destination is looked at
 *     again, under the exclusive lock of its directory, before the exchange. Writers that are not
 *     Lamella's do not know the lock; the journal's end does not trust them either.
 *  4. The old tree is touched only after both directories were synced with success.
 *
 * On failure before the one step: both trees are where they were, and the journal is gone. After
 * it: LM_UNKNOWN_DURABILITY, the old tree stands at `staged`, and the journal stays for reap.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>

#include "base/error.h"
#include "store/posix/posix.h"
#include "store/posix/swap.h"
#include "store/posix/swap_text.h"

typedef struct tree_commit {
    const lm_posix_store *posix;
    lm_sys *sys;
    const lm_tree_options *options;
    const char *staged_path, *path;
    lm_destination from, to;
    bool is_durable, exchanged;
    lm_swap swap;
} tree_commit;

/* ---- what is refused ---- */

static lm_status look(tree_commit *c, lm_error *error)
{
    int result =
        lm__sys_fstatat(c->sys, c->to.directory, c->to.name, &c->to.stat, AT_SYMLINK_NOFOLLOW);
    c->to.exists = result == 0;
    if (result < 0 && result != -ENOENT)
        return lm__error_os(error, -result, "cannot look at %s", c->path);
    if (c->to.exists && c->options->mode == LM_COMMIT_IF_ABSENT)
        return lm__error_set(error, LM_EXISTS, "%s exists already", c->path);
    if (c->to.exists && !S_ISDIR(c->to.stat.st_mode))
        return lm__error_set(error, LM_UNSUITABLE, "%s is %s and cannot be replaced by a directory",
                             c->path,
                             S_ISLNK(c->to.stat.st_mode) ? "a symlink" : "not a directory");
    if (c->to.exists && lm__same_file(&c->to.stat, &c->from.stat))
        return lm__error_set(error, LM_INVALID, "%s and %s are the same directory", c->staged_path,
                             c->path);
    return LM_OK;
}

/* Is `directory`, or one above it, `top`? */
static bool lies_below(lm_sys *sys, int directory, const struct stat *top)
{
    struct stat here, above;
    bool below = false;
    int fd = lm__sys_openat(sys, directory, ".", O_RDONLY | O_DIRECTORY, 0);
    int result = fd < 0 ? fd : lm__sys_fstat(sys, fd, &here);
    while (result == 0 && !(below = lm__same_file(&here, top))) {
        int up = lm__sys_openat(sys, fd, "..", O_RDONLY | O_DIRECTORY, 0);
        (void)lm__sys_close(sys, fd);
        fd = up;
        result = fd < 0 ? fd : lm__sys_fstat(sys, fd, &above);
        if (result == 0 && lm__same_file(&here, &above)) break; /* the root */
        here = above;
    }
    if (fd >= 0) (void)lm__sys_close(sys, fd);
    return below;
}

static lm_status check(tree_commit *c, lm_error *error)
{
    struct stat parent;
    if (!c->from.exists) return lm__error_os(error, ENOENT, "%s", c->staged_path);
    if (!S_ISDIR(c->from.stat.st_mode))
        return lm__error_set(error, LM_UNSUITABLE, "%s is not a directory", c->staged_path);
    LM_TRY(look(c, error));
    if (lies_below(c->sys, c->to.directory, &c->from.stat) ||
        (c->to.exists && lies_below(c->sys, c->from.directory, &c->to.stat)))
        return lm__error_set(error, LM_INVALID, "%s and %s lie one in the other", c->staged_path,
                             c->path);
    int result = lm__sys_fstat(c->sys, c->to.directory, &parent);
    if (result < 0)
        return lm__error_os(error, -result, "cannot look at the directory of %s", c->path);
    if (parent.st_dev != c->from.stat.st_dev)
        return lm__error_set(error, LM_UNSUPPORTED,
                             "%s is on another file system than %s: stage it beside the "
                             "destination",
                             c->staged_path, c->path);
    return LM_OK;
}

/* ---- the one step ---- */

/* Invariant 2. *is_done is false when the tree is certainly where it was. */
static lm_status settle(tree_commit *c, bool *is_done, lm_error *error)
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

/* *again is set when the destination came or went between our look and the call. */
static lm_status step(tree_commit *c, bool exchange, bool *again, lm_error *error)
{
    int result = lm__sys_renameat2(c->sys, c->from.directory, c->from.name, c->to.directory,
                                   c->to.name, exchange ? RENAME_EXCHANGE : RENAME_NOREPLACE);
    if (result == 0) {
        c->exchanged = exchange;
        return LM_OK;
    }
    bool is_done;
    LM_TRY(settle(c, &is_done, error));
    if (is_done) return LM_OK;
    if (result == (exchange ? -ENOENT : -EEXIST)) {
        *again = true;
        return LM_OK;
    }
    if (result == -EINVAL || result == -ENOSYS || result == -EOPNOTSUPP)
        return lm__error_set(error, LM_UNSUPPORTED,
                             "%s: the file system cannot %s in one step (renameat2 %s)", c->path,
                             exchange ? "exchange two directories"
                                      : "put a directory only where nothing is",
                             exchange ? "RENAME_EXCHANGE" : "RENAME_NOREPLACE");
    if (result == -EXDEV)
        return lm__error_set(error, LM_UNSUPPORTED,
                             "%s cannot be renamed to %s across file systems or mounts: stage it "
                             "beside the destination",
                             c->staged_path, c->path);
    return lm__error_os(error, -result, "cannot put the directory %s in place", c->path);
}

/* Does the destination hold what the journal calls old? A number of an inode is not enough: what
 * stood there when we looked may be gone, and its number given to another's tree. */
static bool is_old(const tree_commit *c)
{
    lm_tree_identity found;
    return lm__tree_identity_at(c->sys, c->to.directory, c->to.name, &found) == 0 &&
           lm__tree_identity_same(&found, &c->swap.old);
}

/* Invariant 3. */
static lm_status exchange(tree_commit *c, bool *again, lm_error *error)
{
    const struct stat before = c->to.stat;
    bool locked = false;
    if (c->options->discard_old)
        LM_TRY(lm__swap_begin(&c->swap, c->posix, &c->from, &c->to, c->is_durable, error));
    lm_status status = lm__commit_lock(c->sys, c->to.directory, LOCK_EX, c->path,
                                       c->options->cancel, &locked, error);
    if (status == LM_OK) status = look(c, error);
    if (status == LM_OK) {
        *again = !c->to.exists || !lm__same_file(&before, &c->to.stat) ||
                 (c->options->discard_old && !is_old(c));
        if (!*again) status = step(c, true, again, error);
    }
    lm__commit_unlock(c->sys, c->to.directory, locked);
    if (status == LM_UNKNOWN_OUTCOME)
        lm__swap_leave(&c->swap);
    else if (status != LM_OK || *again)
        lm__swap_cancel(&c->swap);
    return status;
}

static lm_status place(tree_commit *c, lm_error *error)
{
    for (int tries = 0; tries < LM_STAGE_NAME_TRIES_MAX; tries++) {
        bool again = false;
        if (lm__cancel_requested(c->options->cancel))
            return lm__error_set(error, LM_CANCELLED, "%s: interrupted", c->path);
        if (tries > 0) LM_TRY(look(c, error));
        lm_status status =
            c->to.exists ? exchange(c, &again, error) : step(c, false, &again, error);
        if (!again) return status;
    }
    return lm__error_set(error, LM_CONFLICT, "%s comes and goes", c->path);
}

/* ---- after it ---- */

static lm_status make_durable(tree_commit *c, lm_error *error)
{
    lm_status status = lm__directory_sync(c->sys, c->to.directory, c->path, error);
    if (status == LM_OK && !lm__same_directory(c->sys, c->from.directory, c->to.directory))
        status = lm__directory_sync(c->sys, c->from.directory, c->staged_path, error);
    if (status == LM_OK) return LM_OK;
    (void)lm__error_within(error, status,
                           "the new directory is in place, but a power cut may take it back");
    if (error) error->code = LM_UNKNOWN_DURABILITY;
    return LM_UNKNOWN_DURABILITY;
}

lm_status lm__posix_tree_commit(lm_store *store, const char *staged, const char *path,
                                const lm_tree_options *options, lm_tree_result *result,
                                lm_error *error)
{
    const lm_posix_store *posix = (const lm_posix_store *)store;
    lm_sys *sys = posix->sys;
    tree_commit c = {.posix = posix,
                     .sys = sys,
                     .options = options,
                     .staged_path = staged,
                     .path = path,
                     .to.directory = -1,
                     .is_durable = options->durability != LM_DURABILITY_NONE,
                     .swap.fd = -1};
    LM_TRY(lm__tree_place_open(sys, staged, false, false, &c.from, error));
    lm_status status = lm__tree_place_open(sys, path, true, c.is_durable, &c.to, error);
    if (status == LM_OK) status = check(&c, error);
    if (status == LM_OK) status = place(&c, error);
    if (status == LM_OK) {
        result->is_visible = true;
        result->exchanged = c.exchanged;
        if (c.is_durable) status = make_durable(&c, error);
    }
    if (status == LM_OK && c.swap.fd >= 0)
        lm__swap_finish(&c.swap, &c.from, options->cancel, &result->old_left);
    else
        result->old_left = c.swap.fd >= 0;
    lm__swap_leave(&c.swap);
    lm__destination_close(sys, &c.from);
    lm__destination_close(sys, &c.to);
    return status;
}
