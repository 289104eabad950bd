/* Small changes, and directories put in place: DELETE, MKDIRS, RENAME. */
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "store/hdfs/hdfs.h"

lm_status lm__hdfs_remove(lm_store *store, const char *path, lm_durability durability,
                          lm_error *error)
{
    (void)durability; /* the NameNode's answer is durable */
    lm_hdfs_store *hdfs = (lm_hdfs_store *)store;
    char on_store[LM_PATH_BYTES_MAX];
    lm_hdfs_file file;
    LM_TRY(lm__hdfs_path(hdfs->root, hdfs->root_size, path, on_store, error));
    /* Not given up when all else is: what was written in vain is removed then. */
    LM_TRY(lm__hdfs_look(hdfs, on_store, NULL, &file, error));
    if (file.kind == LM_STORE_DIRECTORY)
        return lm__error_set(error, LM_UNSUITABLE, "%s is a directory", path);
    return lm__hdfs_delete(hdfs, on_store, false, NULL, error);
}

/* ---- trees ---- */

static lm_status directory_check(lm_hdfs_store *hdfs, const char *path, const char *on_store,
                                 const lm_cancel *cancel, lm_hdfs_file *file, lm_error *error)
{
    LM_TRY(lm__hdfs_look(hdfs, on_store, cancel, file, error));
    if (file->kind == LM_STORE_DIRECTORY) return LM_OK;
    return lm__error_set(error, LM_UNSUITABLE, "%s is not a directory", path);
}

/* Each of its files was sealed on its own: nothing is left to do. */
lm_status lm__hdfs_tree_sync(lm_store *store, const char *path, lm_cancel *cancel, lm_error *error)
{
    lm_hdfs_store *hdfs = (lm_hdfs_store *)store;
    char on_store[LM_PATH_BYTES_MAX];
    lm_hdfs_file file;
    LM_TRY(lm__hdfs_path(hdfs->root, hdfs->root_size, path, on_store, error));
    return directory_check(hdfs, path, on_store, cancel, &file, error);
}

/* By a gateway's rules a directory would move into one that is there, so it is looked for. */
static lm_status gateway_check(lm_hdfs_store *hdfs, const lm_hdfs_move *move, lm_error *error)
{
    lm_hdfs_file file;
    if (move->what.id) return LM_OK;
    lm_status status = lm__hdfs_look(hdfs, move->to, move->cancel, &file, error);
    if (status == LM_NOT_FOUND) return LM_OK;
    return status == LM_OK ? lm__error_set(error, LM_EXISTS, "%s exists already", move->to)
                           : status;
}

lm_status lm__hdfs_tree_commit(lm_store *store, const char *staged, const char *path,
                               const lm_tree_options *options, lm_tree_result *result,
                               lm_error *error)
{
    lm_hdfs_store *hdfs = (lm_hdfs_store *)store;
    char to[LM_PATH_BYTES_MAX], parent[LM_PATH_BYTES_MAX], from[LM_PATH_BYTES_MAX];
    LM_TRY(lm__hdfs_path(hdfs->root, hdfs->root_size, path, to, error));
    LM_TRY(lm__hdfs_path(hdfs->root, hdfs->root_size, staged, from, error));
    lm_hdfs_move move = {.to = to, .suffix = LM_TEMP_TREE_SUFFIX, .cancel = options->cancel};
    memcpy(move.from, from, sizeof from);
    LM_TRY(directory_check(hdfs, staged, from, options->cancel, &move.what, error));
    snprintf(parent, sizeof parent, "%.*s", (int)lm__hdfs_parent_size(to), to);
    if (parent[0]) LM_TRY(lm__hdfs_mkdirs(hdfs, parent, options->cancel, error));
    lm_status status = gateway_check(hdfs, &move, error);
    if (status == LM_OK) status = lm__hdfs_move_run(hdfs, &move, error);
    result->is_visible = status == LM_OK;
    if (status == LM_OK) return LM_OK;
    if (status == LM_EXISTS && options->mode == LM_COMMIT_IF_ABSENT)
        status = lm__error_set(error, status, "%s exists already", path);
    else if (status == LM_EXISTS)
        status =
            lm__error_set(error, LM_UNSUPPORTED,
                          "%s is there, and the hdfs store cannot exchange a directory for "
                          "another in one step: publish versions of it (publish-dir --versioned, "
                          "docs/versions.md)",
                          path);
    return lm__hdfs_move_back(hdfs, &move, from, status, error);
}

lm_status lm__hdfs_tree_remove(lm_store *store, const char *path, lm_cancel *cancel,
                               lm_error *error)
{
    lm_hdfs_store *hdfs = (lm_hdfs_store *)store;
    char on_store[LM_PATH_BYTES_MAX];
    lm_hdfs_file file;
    LM_TRY(lm__hdfs_path(hdfs->root, hdfs->root_size, path, on_store, error));
    if (!on_store[1]) return lm__error_set(error, LM_INVALID, "%s: the root is not removed", path);
    LM_TRY(directory_check(hdfs, path, on_store, cancel, &file, error));
    return lm__hdfs_delete(hdfs, on_store, true, cancel, error);
}
