/*
 * Removing what dead writers left. HDFS has no locks: a file that is open for writing is told by
 * the NameNode, anything else by its age alone, so an age has to be named. The age of a directory
 * is that of the youngest thing in it.
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

/* The last change of anything in a directory, whose own time tells only of the names in it. */
typedef struct newest {
    reaper *r;
    char path[LM_PATH_BYTES_MAX]; /* on the store */
    int64_t mtime_ms;
    bool is_open; /* a file in it is being written */
    int depth;
} newest;

static lm_status newest_see(void *context, const lm_hdfs_file *file, lm_error *error)
{
    newest *n = context;
    size_t before = strlen(n->path);
    int size = snprintf(n->path + before, sizeof n->path - before, "/%s", file->name);
    lm_status status = LM_OK;
    if (file->mtime_ms > n->mtime_ms) n->mtime_ms = file->mtime_ms;
    if (size < 0 || (size_t)size >= sizeof n->path - before || n->depth == LM_TREE_DEPTH_MAX)
        status = lm__error_set(error, LM_LIMIT, "%.1024s: the path is too long", n->path);
    else if (file->kind == LM_STORE_FILE)
        n->is_open = n->is_open || is_open(n->r, n->path);
    else {
        n->depth++;
        status =
            lm__hdfs_each_file(n->r->hdfs, n->path, n->r->options->cancel, newest_see, n, error);
        n->depth--;
        if (status == LM_NOT_FOUND) status = LM_OK; /* it went meanwhile */
    }
    n->path[before] = '\0';
    return status;
}

static lm_status tell(const reaper *r, const lm_gc_found *found, lm_error *error)
{
    return r->callback ? r->callback(r->context, found, error) : LM_OK;
}

static lm_status temp_reap(reaper *r, const lm_hdfs_file *file, lm_gc_what what, lm_error *error)
{
    const lm_reap_options *options = r->options;
    const char *path = r->path + r->root_size;
    lm_gc_found found = {.path = r->path, .what = what, .bytes = file->size};
    newest n = {.r = r, .mtime_ms = file->mtime_ms};
    bool is_tree = file->kind == LM_STORE_DIRECTORY;
    if (options->older_than_ns <= 0) {
        found.done = LM_GC_SPARED;
        found.reason = "HDFS has no locks that would tell whether its writer lives: name an age "
                       "(--older-than)";
        return tell(r, &found, error);
    }
    if (is_tree) {
        snprintf(n.path, sizeof n.path, "%s", path);
        lm_status status =
            lm__hdfs_each_file(r->hdfs, path, options->cancel, newest_see, &n, error);
        if (status != LM_OK) return status == LM_NOT_FOUND ? LM_OK : status;
    }
    if (options->now_ns - n.mtime_ms * 1000000 < options->older_than_ns) {
        found.done = LM_GC_SPARED;
        found.reason = "it is younger than asked for";
    } else if (is_tree ? n.is_open : is_open(r, path)) {
        found.done = LM_GC_LIVE;
        found.reason = is_tree ? "a file in it is open for writing" : "it is open for writing";
    } else {
        found.reason = "it is older than asked for, and nobody is writing to it";
        if (!options->dry_run)
            LM_TRY(lm__hdfs_delete(r->hdfs, path, is_tree, options->cancel, error));
    }
    return tell(r, &found, error);
}

/* What of a name and kind is to be looked at. False: nothing. */
static bool is_ours(const lm_hdfs_file *file, lm_gc_what *what, lm_left *left)
{
    bool is_tree = file->kind == LM_STORE_DIRECTORY;
    *left = LM_LEFT_NOTHING;
    if (lm__temp_name_is(file->name, what)) return (*what == LM_GC_TREE) == is_tree;
    *left = lm__left_name(file->name);
    *what = *left == LM_LEFT_SPARK     ? LM_GC_TREE
            : *left == LM_LEFT_JOURNAL ? LM_GC_JOURNAL
                                       : LM_GC_FILE;
    if ((*left == LM_LEFT_SPARK) != is_tree) *left = LM_LEFT_NOTHING;
    return *left != LM_LEFT_NOTHING;
}

/* Parts that a merge has consumed are nowhere else: they are told of, and never removed. */
static lm_status merge_tell(const reaper *r, const lm_hdfs_file *file, lm_gc_what what,
                            lm_left left, lm_error *error)
{
    const lm_gc_found found = {.path = r->path,
                               .what = what,
                               .done = LM_GC_SPARED,
                               .bytes = file->size,
                               .reason = lm__left_reason(left)};
    return tell(r, &found, error);
}

static lm_status directory_reap(reaper *r, lm_error *error);

static lm_status entry_reap(void *context, const lm_hdfs_file *file, lm_error *error)
{
    reaper *r = context;
    size_t before = r->size;
    lm_gc_what what;
    lm_left left;
    bool is_temp = is_ours(file, &what, &left);
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
    bool is_merge = left == LM_LEFT_TARGET || left == LM_LEFT_JOURNAL;
    lm_status status = is_merge  ? merge_tell(r, file, what, left, error)
                       : is_temp ? temp_reap(r, file, what, error)
                                 : directory_reap(r, error);
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
