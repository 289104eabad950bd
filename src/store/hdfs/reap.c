/*
 * Removing what dead writers left. HDFS has no locks: a file that is open for writing is told by
 * the NameNode, anything else by its age alone, so an age has to be named.
 */
#include <stdio.h>
#include <string.h>

#include "base/cancel.h"
#include "base/error.h"
#include "store/hdfs/hdfs.h"

typedef struct reaper {
    lm_hdfs_store *hdfs;
    const lm_reap_options *options;
    lm_gc_callback *callback;
    void *context;
    int depth;
    size_t root_size;                 /* of what the caller wrote before the path on the store */
    char path[2 * LM_PATH_BYTES_MAX]; /* the caller's root, then the path on the store */
    size_t size;
} reaper;

/* Does the NameNode have a writer for it? Gateways cannot be asked. */
static bool is_open(const reaper *r, const char *path)
{
    const lm_hdfs_call call = {.method = "GET",
                               .operation = "GET_BLOCK_LOCATIONS",
                               .path = path,
                               .repeatable = true,
                               .cancel = r->options->cancel};
    lm_hdfs_answer answer;
    lm_error unused;
    lm__hdfs_answer_init(&answer, r->hdfs);
    bool open =
        lm__hdfs_ask(r->hdfs, &call, &answer, &unused) == LM_OK &&
        lm__hdfs_is_open_read(&answer.arena, answer.response.body.data, answer.response.body.size);
    lm__hdfs_answer_deinit(&answer);
    return open;
}

static lm_status temp_reap(reaper *r, const lm_hdfs_file *file, lm_gc_what what, lm_error *error)
{
    const lm_reap_options *options = r->options;
    const char *path = r->path + r->root_size;
    lm_gc_found found = {.path = r->path, .what = what, .bytes = file->size};
    int64_t age_ns = options->now_ns - file->mtime_ms * 1000000;
    if (options->older_than_ns <= 0) {
        found.done = LM_GC_SPARED;
        found.reason = "HDFS has no locks that would tell whether its writer lives: name an age "
                       "(--older-than)";
    } else if (age_ns < options->older_than_ns) {
        found.done = LM_GC_SPARED;
        found.reason = "it is younger than asked for";
    } else if (file->kind == LM_STORE_FILE && is_open(r, path)) {
        found.done = LM_GC_LIVE;
        found.reason = "it is open for writing";
    } else {
        found.reason = "it is older than asked for, and nobody is writing to it";
        if (!options->dry_run)
            LM_TRY(lm__hdfs_delete(r->hdfs, path, file->kind == LM_STORE_DIRECTORY, options->cancel,
                                   error));
    }
    return r->callback ? r->callback(r->context, &found, error) : LM_OK;
}

static lm_status directory_reap(reaper *r, lm_error *error);

static lm_status entry_reap(void *context, const lm_hdfs_file *file, lm_error *error)
{
    reaper *r = context;
    size_t before = r->size;
    lm_gc_what what;
    bool is_temp = lm__temp_name_is(file->name, &what);
    if (is_temp) is_temp = (what == LM_GC_TREE) == (file->kind == LM_STORE_DIRECTORY);
    if (!is_temp && !(r->options->recursive && file->kind == LM_STORE_DIRECTORY)) return LM_OK;
    bool has_slash = r->path[before - 1] == '/';
    int size = snprintf(r->path + before, sizeof r->path - before, "%s%s", has_slash ? "" : "/",
                        file->name);
    if (size < 0 || (size_t)size >= sizeof r->path - before ||
        before + (size_t)size - r->root_size >= LM_PATH_BYTES_MAX) {
        r->path[before] = '\0';
        return lm__error_set(error, LM_INVALID, "%s/%s: the path is too long", r->path, file->name);
    }
    r->size += (size_t)size;
    lm_status status = is_temp ? temp_reap(r, file, what, error) : directory_reap(r, error);
    r->size = before;
    r->path[before] = '\0';
    return status;
}

static lm_status directory_reap(reaper *r, lm_error *error)
{
    char path[LM_PATH_BYTES_MAX];
    snprintf(path, sizeof path, "%s", r->path + r->root_size);
    if (++r->depth > LM_TREE_DEPTH_MAX)
        return lm__error_set(error, LM_LIMIT, "%s: more than %d directories deep", r->path,
                             LM_TREE_DEPTH_MAX);
    lm_status status = lm__hdfs_each_file(r->hdfs, path, r->options->cancel, entry_reap, r, error);
    r->depth--;
    return r->depth > 0 && status == LM_NOT_FOUND ? LM_OK : status; /* it went meanwhile */
}

lm_status lm__hdfs_reap(lm_store *store, const char *path, const lm_reap_options *options,
                        lm_gc_callback *callback, void *context, lm_error *error)
{
    lm_hdfs_store *hdfs = (lm_hdfs_store *)store;
    reaper r = {.hdfs = hdfs, .options = options, .callback = callback, .context = context};
    char on_store[LM_PATH_BYTES_MAX];
    LM_TRY(lm__hdfs_path(hdfs->root, hdfs->root_size, path, on_store, error));
    r.root_size = hdfs->root_size < LM_PATH_BYTES_MAX ? hdfs->root_size : 0;
    r.size =
        (size_t)snprintf(r.path, sizeof r.path, "%.*s%s", (int)r.root_size, hdfs->root, on_store);
    return directory_reap(&r, error);
}
