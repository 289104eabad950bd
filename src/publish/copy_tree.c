/*
 * A directory, copied: its files, several at a time, into a staged tree beside the destination,
 * which is then put in place as any other.
 *
 * Invariants
 *  1. What the destination's store cannot do is refused before a byte is copied.
 *  2. On failure nothing of the staged tree is left, unless its outcome is not known.
 */
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/limits.h"
#include "publish/directory.h"
#include "publish/path.h"
#include "publish/staging.h"
#include "publish/tree.h"
#include "store/place.h"
#include "store/temp_name.h"

/* Where the tree is staged: on this system under a lock that gc heeds. */
typedef struct staged_tree {
    lm_staging local;
    bool is_local;
    char path[LM_FILE_PATH_MAX];
} staged_tree;

static lm_status staged_open(lm_copy *copy, const char *path, staged_tree *staged, lm_error *error)
{
    char parent[LM_FILE_PATH_MAX], name[LM_TEMP_NAME_MAX];
    int needed;
    staged->is_local = lm__place_root_size(path) == 0;
    if (staged->is_local) {
        LM_TRY(lm__staging_open(&staged->local, path, copy->file->no_follow, error));
        needed = snprintf(staged->path, sizeof staged->path, "%s", staged->local.path);
    } else {
        LM_TRY(lm__path_parent(path, parent, error));
        LM_TRY(lm__temp_name(name, LM_TEMP_TREE_SUFFIX, error));
        size_t size = strlen(parent);
        needed = snprintf(staged->path, sizeof staged->path, "%s%s%s", parent,
                          size && parent[size - 1] == '/' ? "" : "/", name);
    }
    if (needed > 0 && needed < LM_FILE_PATH_MAX) return LM_OK;
    if (staged->is_local) lm__staging_close(&staged->local);
    return lm__error_set(error, LM_INVALID, "%s: the path is too long", path);
}

/* Should it fail, gc finds what is left. */
static void staged_close(lm_copy *copy, staged_tree *staged, bool is_gone)
{
    if (staged->is_local)
        lm__staging_close(&staged->local);
    else if (!is_gone)
        (void)!lm__store_tree_remove(copy->to, staged->path, NULL, NULL);
}

/* Invariant 1. */
static lm_status refuse_early(lm_copy *copy, const char *path, lm_error *error)
{
    lm_store_stat stat;
    lm_status status = lm__store_require(copy->to, LM_STORE_TREE, error);
    if (status != LM_OK)
        return lm__error_within(error, status, "%s: copy the files one by one", path);
    if (copy->file->mode == LM_COMMIT_IF_MATCH || copy->file->keep)
        return lm__error_set(error, LM_UNSUPPORTED, "%s: --if-match and --keep are for files",
                             path);
    status = lm__store_stat(copy->to, path, false, &stat, error);
    if (status == LM_NOT_FOUND) return LM_OK;
    LM_TRY(status);
    if (copy->file->mode == LM_COMMIT_IF_ABSENT)
        return lm__error_set(error, LM_EXISTS, "%s exists already", path);
    if (stat.kind != LM_STORE_DIRECTORY)
        return lm__error_set(error, LM_UNSUITABLE, "%s is %s and cannot be replaced by a directory",
                             path, stat.kind == LM_STORE_SYMLINK ? "a symlink" : "not a directory");
    status = lm__store_require(copy->to, LM_STORE_TREE_EXCHANGE, error);
    if (status == LM_OK) return LM_OK;
    return lm__error_within(error, status,
                            "%s stands there: copy to a new name, and publish that (lamella "
                            "publish-dir --versioned), or "
                            "remove it first",
                            path);
}

/* Links to files are copied as files. What else is no file cannot be. */
static lm_status check_entries(lm_copy *copy, const char *source, lm_tree *tree, lm_error *error)
{
    for (size_t i = 0; i < tree->count; i++) {
        lm_tree_entry *entry = &tree->entries[i];
        lm_store_stat stat;
        if (entry->kind == LM_STORE_FILE) continue;
        const char *path = lm__arena_printf(&tree->arena, "%s/%s", source, entry->path);
        if (!path) return lm__error_memory(error, "copying a directory");
        LM_TRY(lm__store_stat(copy->from, path, true, &stat, error));
        if (stat.kind == LM_STORE_FILE) continue;
        return lm__error_set(
            error, LM_UNSUITABLE, "%s is %s: copy what it stands for by itself", path,
            stat.kind == LM_STORE_DIRECTORY ? "a symlink to a directory" : "no file");
    }
    if (tree->count > 0) return LM_OK;
    return lm__error_set(error, LM_NOT_FOUND, "%s has no files in it: there is nothing to copy",
                         source);
}

typedef struct tree_copy {
    lm_copy *copy;
    const char *source, *staged;
    lm_file_options file;
    atomic_uint_fast64_t bytes;
} tree_copy;

static lm_status copy_entry(void *context, lm_tree_entry *entry, lm_arena *arena, lm_error *error)
{
    tree_copy *t = context;
    lm_store_stat before;
    lm_file_result result;
    const char *from = lm__arena_printf(arena, "%s/%s", t->source, entry->path);
    const char *to = lm__arena_printf(arena, "%s/%s", t->staged, entry->path);
    if (!from || !to) return lm__error_memory(error, "copying a directory");
    LM_TRY(lm__store_stat(t->copy->from, from, true, &before, error));
    LM_TRY(lm__copy_file(t->copy, from, &before, to, &t->file, &result, error));
    atomic_fetch_add(&t->bytes, result.bytes);
    return LM_OK;
}

static lm_status copy_and_publish(lm_copy *copy, const char *source, const char *staged,
                                  const char *path, lm_tree *tree, lm_copy_result *result,
                                  lm_error *error)
{
    const lm_file_options *file = copy->file;
    bool is_local = copy->to->caps & LM_STORE_LOCAL;
    bool is_remote = lm__place_root_size(path) || lm__place_root_size(source);
    int threads = copy->options->threads;
    if (threads == 0 && is_remote) threads = LM_COPY_THREADS;
    tree_copy t = {.copy = copy,
                   .source = source,
                   .staged = staged,
                   /* The tree is synced as a whole, and summed, if at all, for its manifest. */
                   .file = {.durability = is_local ? LM_DURABILITY_NONE : LM_DURABILITY_FULL,
                            .checksum = copy->options->check ? "crc32c" : "none",
                            .direct = file->direct,
                            .cancel = file->cancel,
                            .allocator = copy->allocator}};
    const lm_directory_options how = {.durability = file->durability,
                                      .if_absent = file->mode == LM_COMMIT_IF_ABSENT,
                                      .manifest = file->manifest,
                                      .checksum = file->manifest ? file->checksum : NULL,
                                      .threads = threads,
                                      .cancel = file->cancel,
                                      .allocator = copy->allocator};
    LM_TRY(lm__tree_each(tree, threads, copy_entry, &t, error));
    LM_TRY(lm__directory_publish(copy->to, staged, path, &how, &result->directory, error));
    result->files = tree->count;
    result->bytes = t.bytes;
    return LM_OK;
}

lm_status lm__copy_tree(lm_copy *copy, const char *source, const char *path, lm_copy_result *result,
                        lm_error *error)
{
    staged_tree staged;
    lm_tree tree;
    LM_TRY(refuse_early(copy, path, error));
    lm__tree_init(&tree, copy->allocator);
    lm_status status = lm__tree_list(&tree, copy->from, source, copy->cancel, error);
    if (status == LM_OK) status = check_entries(copy, source, &tree, error);
    if (status == LM_OK) {
        status = staged_open(copy, path, &staged, error);
        if (status == LM_OK) {
            status = copy_and_publish(copy, source, staged.path, path, &tree, result, error);
            bool is_gone = result->directory.state != LM_COMMIT_NOT_DONE;
            staged_close(copy, &staged, is_gone);
        }
    }
    lm__tree_deinit(&tree);
    return status;
}
