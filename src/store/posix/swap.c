/* Writing an exchange's journal, and what comes after the exchange; swap.h tells the invariants. */
#define _GNU_SOURCE
#include "store/posix/swap.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>

#include "base/error.h"
#include "base/json_path.h"
#include "store/posix/swap_text.h"

int lm__tree_identity_at(lm_sys *sys, int directory, const char *name, lm_tree_identity *identity)
{
    struct stat stat;
    int result = lm__sys_fstatat(sys, directory, name, &stat, AT_SYMLINK_NOFOLLOW);
    if (result < 0) return result;
    identity->inode = stat.st_ino;
    identity->mtime_ns = (int64_t)stat.st_mtim.tv_sec * 1000000000 + stat.st_mtim.tv_nsec;
    return lm__sys_birth(sys, directory, name, AT_SYMLINK_NOFOLLOW, &identity->birth_ns);
}

bool lm__tree_identity_same(const lm_tree_identity *a, const lm_tree_identity *b)
{
    if (a->inode != b->inode) return false;
    if (a->birth_ns && b->birth_ns) return a->birth_ns == b->birth_ns;
    return a->mtime_ns == b->mtime_ns;
}

/* ---- begin ---- */

/* Where the staged tree is, for a process that only has the destination's directory: relative to
 * that if it lies below, which holds wherever the two are moved to, and whole otherwise. */
static lm_status staged_path(const lm_destination *from, const lm_destination *to,
                             char path[2 * LM_PATH_BYTES_MAX], lm_error *error)
{
    char of_from[PATH_MAX], of_to[PATH_MAX];
    LM_TRY(lm__parent_whole(from->path, of_from, error));
    LM_TRY(lm__parent_whole(to->path, of_to, error));
    size_t size = strlen(of_to);
    const char *rest = strncmp(of_from, of_to, size) == 0 ? of_from + size : NULL;
    if (rest && !*rest)
        snprintf(path, 2 * LM_PATH_BYTES_MAX, "%s", from->name);
    else if (rest && *rest == '/')
        snprintf(path, 2 * LM_PATH_BYTES_MAX, "%s/%s", rest + 1, from->name);
    else
        snprintf(path, 2 * LM_PATH_BYTES_MAX, "%s%s%s", of_from, of_from[1] ? "/" : "", from->name);
    return LM_OK;
}

/* A journal that is locked, and whose name is ours. gc may have been faster than our lock. */
static lm_status journal_make(lm_swap *swap, lm_error *error)
{
    lm_sys *sys = swap->sys;
    for (int tries = 0; tries < LM_STAGE_NAME_TRIES_MAX; tries++) {
        struct stat ours, named;
        unsigned warnings = 0;
        LM_TRY(lm__temp_name(swap->name, LM_TEMP_SWAP_SUFFIX, error));
        int fd = lm__sys_openat(sys, swap->directory, swap->name,
                                O_CREAT | O_EXCL | O_RDWR | O_NOFOLLOW, 0600);
        if (fd == -EEXIST) continue;
        if (fd < 0) return lm__error_os(error, -fd, "cannot make the journal of the exchange");
        swap->fd = fd;
        lm_status status = lm__temp_lock(sys, fd, &warnings, error);
        if (status != LM_OK && status != LM_BUSY) return status;
        int result = lm__sys_fstat(sys, fd, &ours);
        if (result == 0)
            result = lm__sys_fstatat(sys, swap->directory, swap->name, &named, AT_SYMLINK_NOFOLLOW);
        if (result < 0 && result != -ENOENT)
            return lm__error_os(error, -result, "cannot look at the journal of the exchange");
        if (status == LM_OK && result == 0 && lm__same_file(&ours, &named)) return LM_OK;
        (void)lm__sys_close(sys, fd);
        swap->fd = -1;
    }
    return lm__error_set(error, LM_BUSY,
                         "journals of exchanges are removed as fast as they are made");
}

static lm_status journal_write(lm_swap *swap, const lm_swap_text *text, lm_error *error)
{
    lm_buffer out;
    lm__buffer_init(&out, swap->allocator, LM_SWAP_BYTES_MAX);
    lm_status status = lm__swap_text_write(text, &out, error);
    for (size_t at = 0; status == LM_OK && at < out.size;) {
        int64_t put =
            lm__sys_pwrite(swap->sys, swap->fd, out.data + at, out.size - at, (int64_t)at);
        if (put <= 0)
            status = lm__error_os(error, put ? (int)-put : EIO,
                                  "cannot write the journal of the exchange");
        else
            at += (size_t)put;
    }
    lm__buffer_deinit(&out);
    if (status != LM_OK || !swap->is_durable) return status;
    int result = lm__sys_fsync(swap->sys, swap->fd);
    if (result < 0) return lm__error_os(error, -result, "cannot sync the journal of the exchange");
    return lm__directory_sync(swap->sys, swap->directory, swap->name, error);
}

lm_status lm__swap_begin(lm_swap *swap, const lm_posix_store *posix, const lm_destination *from,
                         const lm_destination *to, bool is_durable, lm_error *error)
{
    char staged[2 * LM_PATH_BYTES_MAX];
    lm_swap_text text = {.destination = to->name, .staged = staged};
    lm_sys *sys = posix->sys;
    *swap = (lm_swap){.sys = sys,
                      .allocator = posix->store.allocator,
                      .directory = to->directory,
                      .fd = -1,
                      .is_durable = is_durable};
    int result = lm__tree_identity_at(sys, to->directory, to->name, &text.old);
    if (result == 0) result = lm__tree_identity_at(sys, from->directory, from->name, &text.new);
    if (result < 0) return lm__error_os(error, -result, "cannot look at %s", to->path);
    swap->old = text.old;
    LM_TRY(staged_path(from, to, staged, error));
    lm_status status = journal_make(swap, error);
    if (status == LM_OK) status = journal_write(swap, &text, error);
    if (status != LM_OK) {
        lm__swap_cancel(swap);
        return lm__error_within(error, status, "%s", to->path);
    }
    lm__swap_tree_name(swap->name, swap->tree);
    return LM_OK;
}

void lm__swap_cancel(lm_swap *swap)
{
    if (swap->fd < 0) return;
    (void)lm__sys_unlinkat(swap->sys, swap->directory, swap->name, 0);
    lm__swap_leave(swap);
}

void lm__swap_leave(lm_swap *swap)
{
    if (swap->fd >= 0) (void)lm__sys_close(swap->sys, swap->fd);
    swap->fd = -1;
}

/* ---- finish ---- */

/* The old tree from where it was staged to its own name beside the destination, durably (swap.h,
 * invariants 1 and 2). The descriptor of it, locked if it can be, or -errno. */
static int old_take(const lm_swap *swap, int staged_directory, const char *staged_name)
{
    lm_tree_identity found;
    lm_sys *sys = swap->sys;
    int result = lm__tree_identity_at(sys, staged_directory, staged_name, &found);
    if (result < 0) return result;
    if (!lm__tree_identity_same(&found, &swap->old)) return -ESTALE;
    int fd = lm__sys_openat(sys, staged_directory, staged_name, LM_OPEN_TREE, 0);
    if (fd < 0) return fd;
    /* A lock in vain is no harm: two that remove one tree do not disturb each other. */
    (void)lm__sys_flock(sys, fd, LOCK_EX | LOCK_NB);
    result = lm__sys_renameat2(sys, staged_directory, staged_name, swap->directory, swap->tree,
                               RENAME_NOREPLACE);
    if (result == 0 && swap->is_durable) result = lm__sys_fsync(sys, swap->directory);
    if (result == 0 && swap->is_durable &&
        !lm__same_directory(sys, staged_directory, swap->directory))
        result = lm__sys_fsync(sys, staged_directory);
    if (result == 0) return fd;
    (void)lm__sys_close(sys, fd);
    return result;
}

/* Closes fd. The journal goes between the taking and the removing (invariant 3). */
static lm_status old_remove(const lm_swap *swap, int fd, lm_cancel *cancel, lm_error *error)
{
    lm_sys *sys = swap->sys;
    (void)lm__sys_unlinkat(sys, swap->directory, swap->name, 0);
    int second = lm__sys_openat(sys, fd, ".", LM_OPEN_TREE, 0);
    lm_status status = second < 0 ? lm__error_os(error, -second, "cannot open the old directory")
                                  : lm__tree_empty(sys, second, swap->tree, cancel, error);
    if (status == LM_OK && swap->is_durable)
        status = lm__directory_sync(sys, swap->directory, swap->tree, error);
    if (status == LM_OK) {
        int result = lm__sys_unlinkat(sys, swap->directory, swap->tree, AT_REMOVEDIR);
        if (result < 0 && result != -ENOENT)
            status = lm__error_os(error, -result, "cannot remove %s", swap->tree);
    }
    (void)lm__sys_close(sys, fd);
    return status;
}

void lm__swap_finish(lm_swap *swap, const lm_destination *from, lm_cancel *cancel, bool *left)
{
    int fd = old_take(swap, from->directory, from->name);
    *left = fd < 0 || old_remove(swap, fd, cancel, NULL) != LM_OK;
    lm__swap_leave(swap);
}

/* ---- settle ---- */

/* The directory that the staged tree stood in: the destination's own, or another. Needs a close
 * unless it is `directory`. */
static int staged_directory_open(lm_sys *sys, int directory, const char *staged, const char **name)
{
    char parent[2 * LM_PATH_BYTES_MAX];
    const char *slash = strrchr(staged, '/');
    *name = slash ? slash + 1 : staged;
    if (!slash) return directory;
    snprintf(parent, sizeof parent, "%.*s", (int)(slash - staged), staged);
    return lm__sys_openat(sys, directory, parent[0] ? parent : "/", O_RDONLY | O_DIRECTORY, 0);
}

/* Makes the exchange durable, which its dead writer may not have done, and removes the old tree. */
static lm_status settle_finish(lm_swap *swap, int staged_directory, const char *staged_name,
                               lm_cancel *cancel, lm_swap_end *end, lm_error *error)
{
    int result = lm__sys_fsync(swap->sys, swap->directory);
    if (result == 0 && !lm__same_directory(swap->sys, staged_directory, swap->directory))
        result = lm__sys_fsync(swap->sys, staged_directory);
    int fd = result < 0 ? result : old_take(swap, staged_directory, staged_name);
    if (fd < 0) {
        *end = LM_SWAP_UNDECIDED;
        return LM_OK;
    }
    return old_remove(swap, fd, cancel, error);
}

static lm_swap_end settle_look(lm_sys *sys, int directory, const lm_swap_text *text,
                               int staged_directory, const char *staged_name)
{
    lm_tree_identity staged, standing;
    int at_staged = lm__tree_identity_at(sys, staged_directory, staged_name, &staged);
    int at_path = lm__tree_identity_at(sys, directory, text->destination, &standing);
    if (at_staged == -ENOENT) return LM_SWAP_NOTHING;
    if (at_staged < 0) return LM_SWAP_UNDECIDED;
    if (!lm__tree_identity_same(&staged, &text->old))
        return lm__tree_identity_same(&staged, &text->new) ? LM_SWAP_NOT_DONE : LM_SWAP_NOTHING;
    if (at_path == 0 && lm__tree_identity_same(&standing, &text->new)) return LM_SWAP_FINISHED;
    return LM_SWAP_UNDECIDED;
}

lm_status lm__swap_settle(const lm_posix_store *posix, int directory, const char *name, int fd,
                          bool dry_run, lm_cancel *cancel, lm_swap_end *end, lm_error *error)
{
    lm_sys *sys = posix->sys;
    lm_swap swap = {.sys = sys, .directory = directory, .fd = -1, .is_durable = true};
    lm_swap_text text;
    lm_arena arena;
    const char *staged_name;
    int staged_directory = -1;
    lm__arena_init(&arena, posix->store.allocator, LM_SWAP_ARENA_BYTES_MAX);
    lm_status status = lm__swap_text_read(sys, fd, &arena, &text, error);
    if (status == LM_CORRUPT) { /* torn: its writer never came to the exchange */
        status = LM_OK;
        *end = LM_SWAP_NOT_DONE;
    } else if (status == LM_OK) {
        staged_directory = staged_directory_open(sys, directory, text.staged, &staged_name);
        if (staged_directory < 0) /* one that lay below the destination's is surely gone */
            *end = staged_directory == -ENOENT && text.staged[0] != '/' ? LM_SWAP_NOTHING
                                                                        : LM_SWAP_UNDECIDED;
        else
            *end = settle_look(sys, directory, &text, staged_directory, staged_name);
    }
    if (status == LM_OK && *end == LM_SWAP_FINISHED && !dry_run) {
        snprintf(swap.name, sizeof swap.name, "%s", name);
        lm__swap_tree_name(name, swap.tree);
        swap.old = text.old;
        status = settle_finish(&swap, staged_directory, staged_name, cancel, end, error);
    } else if (status == LM_OK && *end != LM_SWAP_UNDECIDED && !dry_run) {
        int result = lm__sys_unlinkat(sys, directory, name, 0);
        if (result < 0 && result != -ENOENT)
            status = lm__error_os(error, -result, "cannot remove %s", name);
    }
    if (staged_directory >= 0 && staged_directory != directory)
        (void)lm__sys_close(sys, staged_directory);
    lm__arena_deinit(&arena);
    return status;
}
