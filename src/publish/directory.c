/*
 * The publication of a directory: its manifest, then the store's two calls for a tree.
 *
 *     refuse     what is no directory, or on another file system: before any work
 *     manifest   every file hashed, _manifest.json written into the staged tree
 *     seal       tree_sync: everything durable
 *     commit     tree_commit: in place in one step, made durable; the old tree removed
 *
 * Invariants
 *  1. Nothing of the destination changes before the commit's one step.
 *  2. The result's state is true whatever the status.
 *
 * On failure before the step the staged tree is still there; it may have a manifest by then.
 */
#include "publish/directory.h"

#include <string.h>

#include "base/error.h"
#include "base/limits.h"
#include "publish/sidecar.h"
#include "publish/tree_manifest.h"
#include "store/place.h"

lm_status lm__directory_checksum(const char *text, lm_checksum_kind *kind, lm_error *error)
{
    *kind = LM_CHECKSUM_SHA256;
    if (!text || strcmp(text, "sha256") == 0) return LM_OK;
    if (strcmp(text, "crc32c") != 0)
        return lm__error_set(error, LM_INVALID, "checksum %s is none of crc32c, sha256", text);
    *kind = LM_CHECKSUM_CRC32C;
    return LM_OK;
}

/* What the commit would refuse after long work. It looks again, and its word counts. */
static lm_status refuse_early(lm_store *store, const char *staged, const char *path,
                              const lm_directory_options *options, lm_error *error)
{
    lm_store_stat from, to;
    LM_TRY(lm__store_stat(store, staged, false, &from, error));
    if (from.kind != LM_STORE_DIRECTORY)
        return lm__error_set(error, LM_UNSUITABLE, "%s is not a directory", staged);
    lm_status status = lm__store_stat(store, path, false, &to, error);
    if (status == LM_NOT_FOUND) return LM_OK;
    LM_TRY(status);
    if (options->if_absent) return lm__error_set(error, LM_EXISTS, "%s exists already", path);
    if (to.kind != LM_STORE_DIRECTORY)
        return lm__error_set(error, LM_UNSUITABLE, "%s is %s and cannot be replaced by a directory",
                             path, to.kind == LM_STORE_SYMLINK ? "a symlink" : "not a directory");
    if (to.device != from.device)
        return lm__error_set(error, LM_UNSUPPORTED,
                             "%s is on another file system than %s: stage it beside the "
                             "destination",
                             staged, path);
    return LM_OK;
}

static lm_status manifest_write(lm_store *store, const char *staged,
                                const lm_directory_options *options, lm_directory_result *result,
                                lm_error *error)
{
    lm_checksum_kind kind;
    LM_TRY(lm__directory_checksum(options->checksum, &kind, error));
    LM_TRY(lm__manifest_check(options->manifest, error));
    LM_TRY(lm__tree_manifest_write(store, staged, options->manifest, kind, options->threads,
                                   options->cancel, &result->files, &result->bytes, error));
    result->has_manifest = true;
    return LM_OK;
}

static lm_commit_state state_of(const lm_tree_result *tree, lm_status status)
{
    if (status == LM_UNKNOWN_OUTCOME) return LM_COMMIT_UNKNOWN;
    if (!tree->is_visible) return LM_COMMIT_NOT_DONE;
    return status == LM_OK ? LM_COMMIT_DONE : LM_COMMIT_VISIBLE;
}

lm_status lm__directory_publish(lm_store *store, const char *staged, const char *path,
                                const lm_directory_options *options, lm_directory_result *result,
                                lm_error *error)
{
    lm_tree_result tree = {0};
    const lm_tree_options how = {
        .mode = options->if_absent ? LM_COMMIT_IF_ABSENT : LM_COMMIT_REPLACE,
        .durability = options->durability,
        .discard_old = true,
        .cancel = options->cancel,
    };
    LM_TRY(refuse_early(store, staged, path, options, error));
    if (options->manifest) LM_TRY(manifest_write(store, staged, options, result, error));
    if (options->durability != LM_DURABILITY_NONE)
        LM_TRY(lm__store_tree_sync(store, staged, options->cancel, error));
    lm_status status = lm__store_tree_commit(store, staged, path, &how, &tree, error);
    result->state = state_of(&tree, status);
    result->replaced = tree.exchanged;
    result->old_left = tree.old_left;
    return status;
}

lm_status lm_directory_publish(const char *staged, const char *path,
                               const lm_directory_options *options, lm_directory_result *result,
                               lm_error *error)
{
    static const lm_directory_options defaults = {0};
    char trimmed[2][LM_PATH_BYTES_MAX]; /* a slash at the end would follow a symlink */
    const char *given[2] = {lm__place_path(staged), lm__place_path(path)};
    lm_directory_result unused;
    lm_store *store;
    if (!options) options = &defaults;
    if (!result) result = &unused;
    memset(result, 0, sizeof *result);
    for (int i = 0; i < 2; i++) {
        size_t length = strlen(given[i]);
        while (length > 1 && given[i][length - 1] == '/') length--;
        if (length >= sizeof trimmed[i])
            return lm__error_set(error, LM_INVALID, "the path of %zu bytes is too long", length);
        memcpy(trimmed[i], given[i], length);
        trimmed[i][length] = '\0';
    }
    if (!lm__place_is_same(staged, path))
        return lm__error_set(error, LM_UNSUPPORTED,
                             "%s is on another store than %s: stage it beside the destination, or "
                             "copy it (lamella cp --recursive)",
                             staged, path);
    LM_TRY(lm__store_for(options->allocator, path, options->storage, &store, &path, error));
    lm_status status = lm__directory_publish(store, trimmed[0], trimmed[1], options, result, error);
    lm__store_close(store);
    return status;
}
