/*
 * A tree made durable: every file and directory of it synced, many at a time.
 *
 * A file system does not wait for one sync after another when they come together: a journal commits
 * them as one. So the walk only opens; what is open is collected, and synced by several threads
 * once there are enough. One file, or two, start no thread.
 *
 * Invariants
 *  1. When tree_sync answers LM_OK, every file and directory that the walk saw was synced by a call
 *     that succeeded. In which order does not matter: nobody looks at the tree before.
 *  2. No symlink is followed; anything but a file, directory or symlink is refused.
 *  3. At most LM_TREE_SYNC_BATCH descriptors wait, besides one for each directory above.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <string.h>

#include "base/alloc.h"
#include "base/error.h"
#include "base/pool.h"
#include "store/posix/posix.h"

typedef struct sync_job {
    lm_job job;
    struct tree_sync *sync;
    int fd, result;
    char name[NAME_MAX + 1];
} sync_job;

typedef struct tree_sync {
    lm_sys *sys;
    const lm_allocator *allocator;
    const char *path; /* of the top, for messages */
    lm_cancel *cancel;
    lm_pool *pool; /* NULL until it is needed */
    int depth;
    size_t count;
    sync_job jobs[LM_TREE_SYNC_BATCH];
} tree_sync;

static lm_status sync_failed(const tree_sync *sync, int result, const char *doing, const char *name,
                             lm_error *error)
{
    return lm__error_os(error, -result, "cannot %s %s in %s", doing, name, sync->path);
}

static lm_status cancelled(const tree_sync *sync, lm_error *error)
{
    return lm__error_set(error, LM_CANCELLED, "%s: interrupted", sync->path);
}

static void job_run(lm_job *base)
{
    sync_job *job = (sync_job *)base;
    tree_sync *sync = job->sync;
    if (!lm__cancel_requested(sync->cancel)) job->result = lm__sys_fsync(sync->sys, job->fd);
    (void)lm__sys_close(sync->sys, job->fd);
}

/* Syncs and closes all that was collected. */
static lm_status batch_run(tree_sync *sync, lm_error *error)
{
    lm_status status = LM_OK;
    if (sync->count > LM_TREE_SYNC_ALONE && !sync->pool)
        status = lm__pool_new(sync->allocator, LM_TREE_SYNC_THREADS, &sync->pool, error);
    if (sync->pool) {
        lm_group group;
        lm__group_init(&group, sync->pool);
        for (size_t i = 0; i < sync->count; i++) lm__group_submit(&group, &sync->jobs[i].job);
        lm__group_wait(&group);
    } else {
        for (size_t i = 0; i < sync->count; i++) job_run(&sync->jobs[i].job);
    }
    for (size_t i = 0; status == LM_OK && i < sync->count; i++)
        if (sync->jobs[i].result < 0)
            status = sync_failed(sync, sync->jobs[i].result, "sync", sync->jobs[i].name, error);
    sync->count = 0;
    if (status == LM_OK && lm__cancel_requested(sync->cancel)) status = cancelled(sync, error);
    return status;
}

/* Takes fd. */
static lm_status batch_add(tree_sync *sync, int fd, const char *name, lm_error *error)
{
    sync_job *job = &sync->jobs[sync->count++];
    job->job = (lm_job){.run = job_run};
    job->sync = sync;
    job->fd = fd;
    job->result = 0;
    size_t size = strlen(name);
    if (size > NAME_MAX) size = NAME_MAX;
    memcpy(job->name, name, size);
    job->name[size] = '\0';
    return sync->count == LM_TREE_SYNC_BATCH ? batch_run(sync, error) : LM_OK;
}

static lm_status directory_walk(tree_sync *sync, int fd, const char *name, lm_error *error);

static lm_status entry_walk(tree_sync *sync, int directory, const char *name, lm_error *error)
{
    struct stat stat;
    int result = lm__sys_fstatat(sync->sys, directory, name, &stat, AT_SYMLINK_NOFOLLOW);
    if (result < 0) return sync_failed(sync, result, "look at", name, error);
    if (S_ISLNK(stat.st_mode)) return LM_OK; /* lives in its directory */
    bool is_directory = S_ISDIR(stat.st_mode);
    if (!is_directory && !S_ISREG(stat.st_mode))
        return lm__error_set(error, LM_UNSUITABLE,
                             "%s: %s is neither a file nor a directory nor a symlink", sync->path,
                             name);
    int fd = lm__sys_openat(sync->sys, directory, name,
                            is_directory ? LM_OPEN_TREE : O_RDONLY | O_NOFOLLOW | O_NONBLOCK, 0);
    if (fd < 0) return sync_failed(sync, fd, "open", name, error);
    return is_directory ? directory_walk(sync, fd, name, error) : batch_add(sync, fd, name, error);
}

/* Takes fd. */
static lm_status directory_walk(tree_sync *sync, int fd, const char *name, lm_error *error)
{
    lm_directory_reader reader;
    lm__directory_reader_init(&reader, sync->sys, fd);
    lm_status status = LM_OK;
    if (++sync->depth > LM_TREE_DEPTH_MAX)
        status = lm__error_set(error, LM_LIMIT, "%s: more than %d directories deep", sync->path,
                               LM_TREE_DEPTH_MAX);
    while (status == LM_OK) {
        const char *entry;
        unsigned char type;
        int more = lm__directory_reader_next(&reader, &entry, &type);
        if (more == 0) break;
        if (more < 0)
            status = sync_failed(sync, more, "list", name, error);
        else if (lm__cancel_requested(sync->cancel))
            status = cancelled(sync, error);
        else
            status = entry_walk(sync, fd, entry, error);
    }
    sync->depth--;
    if (status == LM_OK) return batch_add(sync, fd, name, error);
    (void)lm__sys_close(sync->sys, fd);
    return status;
}

lm_status lm__posix_tree_sync(lm_store *store, const char *path, lm_cancel *cancel, lm_error *error)
{
    lm_sys *sys = ((lm_posix_store *)store)->sys;
    int fd = lm__sys_openat(sys, AT_FDCWD, path, LM_OPEN_TREE, 0);
    if (fd < 0) return lm__error_os(error, -fd, "cannot open the directory %s", path);
    tree_sync *sync = lm__alloc(store->allocator, sizeof *sync);
    if (!sync) {
        (void)lm__sys_close(sys, fd);
        return lm__error_memory(error, "syncing a directory");
    }
    sync->sys = sys;
    sync->allocator = store->allocator;
    sync->path = path;
    sync->cancel = cancel;
    sync->pool = NULL;
    sync->depth = 0;
    sync->count = 0;
    lm_status status = directory_walk(sync, fd, ".", error);
    if (status == LM_OK) status = batch_run(sync, error);
    for (size_t i = 0; i < sync->count; i++) (void)lm__sys_close(sys, sync->jobs[i].fd);
    lm__pool_free(sync->pool);
    lm__free(store->allocator, sync);
    return status;
}
