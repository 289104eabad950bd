/* What lies where, and removal, on any store; see lamella/path.h. */
#include <lamella/path.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/arena.h"
#include "base/error.h"
#include "base/limits.h"
#include "publish/path.h"
#include "store/find.h"
#include "store/place.h"

_Static_assert(LM_PATH_VERSION_MAX >= LM_STORE_VERSION_MAX, "a version fits");
_Static_assert(LM_PATH_FILE == (int)LM_STORE_FILE && LM_PATH_DIRECTORY == (int)LM_STORE_DIRECTORY &&
                   LM_PATH_SYMLINK == (int)LM_STORE_SYMLINK && LM_PATH_OTHER == (int)LM_STORE_OTHER,
               "kinds are the stores'");

const char *lm_path_kind_word(lm_path_kind kind)
{
    static const char *const words[] = {"other", "file", "directory", "symlink", "other"};
    return words[kind <= LM_PATH_OTHER ? kind : 0];
}

static lm_path_info info_of(const char *path, const lm_store_stat *stat)
{
    lm_path_info info = {.path = path,
                         .kind = (lm_path_kind)stat->kind,
                         .bytes = stat->kind == LM_STORE_FILE ? stat->size : 0,
                         .mtime_ns = stat->mtime_ns};
    snprintf(info.version, sizeof info.version, "%s", stat->version);
    return info;
}

/* What it leads to; a symlink that leads nowhere is told as such. */
static lm_status look(lm_store *store, const char *path, lm_store_stat *stat, lm_error *error)
{
    lm_status status = lm__store_stat(store, path, true, stat, error);
    if (status != LM_NOT_FOUND || lm__store_stat(store, path, false, stat, NULL) != LM_OK)
        return status;
    if (error) lm_error_clear(error);
    return LM_OK;
}

lm_status lm_path_stat(const char *path, const lm_path_options *options, lm_path_info *info,
                       lm_error *error)
{
    static const lm_path_options defaults;
    if (!options) options = &defaults;
    lm_store *store;
    lm_store_stat stat;
    const char *at;
    char trimmed[LM_FILE_PATH_MAX];
    LM_TRY(lm__store_for(options->allocator, path, options->storage, &store, &at, error));
    lm_status status = lm__path_trim(at, trimmed, error);
    if (status == LM_OK) status = look(store, trimmed, &stat, error);
    if (status == LM_OK) *info = info_of(path, &stat);
    lm__store_close(store);
    return status;
}

/* ---- listing ---- */

typedef struct listing {
    lm_store *store;
    const lm_path_options *options;
    lm_path_callback *callback;
    void *context;
} listing;

/* One directory's entries. */
typedef struct entries {
    lm_arena arena;
    lm_path_info *items; /* `path` is the name until it is told */
    size_t count, capacity;
} entries;

static lm_status no_memory(lm_error *error) { return lm__error_memory(error, "listing files"); }

static lm_status take_entry(void *context, const lm_store_entry *entry, lm_error *error)
{
    entries *list = context;
    if (list->count == LM_SCAN_FILES_MAX)
        return lm__error_set(error, LM_LIMIT, "more than %d files in one directory",
                             LM_SCAN_FILES_MAX);
    const char *name = lm__arena_strdup(&list->arena, entry->name);
    if (!name || !lm__array_room(list->arena.allocator, &list->items, &list->capacity,
                                 list->count + 1, sizeof *list->items))
        return no_memory(error);
    list->items[list->count++] = info_of(name, &entry->stat);
    return LM_OK;
}

static int by_name(const void *a, const void *b)
{
    const char *x = ((const lm_path_info *)a)->path, *y = ((const lm_path_info *)b)->path;
    int order = lm__natural_compare(x, y);
    return order ? order : strcmp(x, y);
}

static lm_status list_directory(listing *l, const char *path, int depth, lm_error *error);

static lm_status tell_entries(listing *l, const char *path, entries *list, int depth,
                              lm_error *error)
{
    size_t size = strlen(path);
    const char *join = size > 0 && path[size - 1] == '/' ? "%s%s" : "%s/%s";
    for (size_t i = 0; i < list->count; i++) {
        lm_path_info *info = &list->items[i];
        info->path = lm__arena_printf(&list->arena, join, path, info->path);
        if (!info->path) return no_memory(error);
        LM_TRY(l->callback(l->context, info, error));
        if (l->options->recursive && info->kind == LM_PATH_DIRECTORY)
            LM_TRY(list_directory(l, info->path, depth + 1, error));
    }
    return LM_OK;
}

static lm_status list_directory(listing *l, const char *path, int depth, lm_error *error)
{
    const lm_list_options how = {.with_stat = !l->options->names_only,
                                 .cancel = l->options->cancel};
    entries list = {0};
    if (depth > LM_TREE_DEPTH_MAX)
        return lm__error_set(error, LM_LIMIT, "%s is more than %d directories deep", path,
                             LM_TREE_DEPTH_MAX);
    lm__arena_init(&list.arena, l->store->allocator, 0);
    lm_status status = lm__store_list(l->store, path, &how, take_entry, &list, error);
    if (status == LM_OK && list.count) qsort(list.items, list.count, sizeof *list.items, by_name);
    if (status == LM_OK) status = tell_entries(l, path, &list, depth, error);
    lm__free(list.arena.allocator, list.items);
    lm__arena_deinit(&list.arena);
    return status;
}

static lm_status tell_found(void *context, const lm_find_entry *entry, lm_error *error)
{
    listing *l = context;
    const lm_path_info info = {.path = entry->path,
                               .kind = LM_PATH_FILE,
                               .bytes = entry->size,
                               .mtime_ns = entry->mtime_ns};
    return l->callback(l->context, &info, error);
}

static lm_status list_pattern(listing *l, const char *pattern, lm_error *error)
{
    lm_arena arena;
    lm__arena_init(&arena, l->store->allocator, 0);
    lm_status status =
        lm__find_pattern(&arena, l->store, pattern, l->options->cancel, tell_found, l, error);
    lm__arena_deinit(&arena);
    return status;
}

static lm_status list_path(listing *l, const char *path, lm_error *error)
{
    lm_store_stat stat;
    lm_status status = look(l->store, path, &stat, error);
    if (status == LM_NOT_FOUND && lm__is_pattern(path)) {
        if (error) lm_error_clear(error);
        return list_pattern(l, path, error);
    }
    LM_TRY(status);
    if (stat.kind == LM_STORE_DIRECTORY) return list_directory(l, path, 1, error);
    const lm_path_info info = info_of(path, &stat);
    return l->callback(l->context, &info, error);
}

lm_status lm_path_list(const char *path, const lm_path_options *options, lm_path_callback *callback,
                       void *context, lm_error *error)
{
    static const lm_path_options defaults;
    char trimmed[LM_FILE_PATH_MAX];
    listing l = {
        .options = options ? options : &defaults, .callback = callback, .context = context};
    LM_TRY(lm__store_for(l.options->allocator, path, l.options->storage, &l.store, &path, error));
    lm_status status = lm__path_trim(path, trimmed, error);
    if (status == LM_OK) status = list_path(&l, trimmed, error);
    lm__store_close(l.store);
    return status;
}

/* ---- removal ---- */

lm_status lm__path_trim(const char *path, char out[LM_FILE_PATH_MAX], lm_error *error)
{
    size_t root = lm__place_root_size(path), size = strlen(path);
    size_t least = root ? root : 1;
    while (size > least && path[size - 1] == '/') size--;
    if (size >= LM_FILE_PATH_MAX)
        return lm__error_set(error, LM_INVALID, "the path of %zu bytes is too long", size);
    memcpy(out, path, size);
    out[size] = '\0';
    return LM_OK;
}

const char *lm__path_name(const char *path)
{
    const char *slash = strrchr(path + lm__place_root_size(path), '/');
    return slash ? slash + 1 : path + lm__place_root_size(path);
}

lm_status lm__path_parent(const char *path, char out[LM_FILE_PATH_MAX], lm_error *error)
{
    size_t root = lm__place_root_size(path), size = (size_t)(lm__path_name(path) - path);
    if (size >= LM_FILE_PATH_MAX)
        return lm__error_set(error, LM_INVALID, "the path of %zu bytes is too long", strlen(path));
    memcpy(out, path, size);
    out[size] = '\0';
    while (size > root + 1 && out[size - 1] == '/') out[--size] = '\0';
    if (size == 0) strcpy(out, ".");
    return LM_OK;
}

/* Never the root, under whatever name, nor a directory that goes by no name of its own. */
static lm_status refuse_root(lm_store *store, const char *path, const lm_store_stat *stat,
                             lm_error *error)
{
    const char *name = lm__path_name(path);
    char root[LM_FILE_PATH_MAX];
    lm_store_stat top;
    size_t size = lm__place_root_size(path);
    snprintf(root, sizeof root, "%.*s/", (int)size, path);
    bool is_root = name[0] == '\0';
    if (!is_root && stat->kind == LM_STORE_DIRECTORY && stat->inode)
        is_root = lm__store_stat(store, root, false, &top, NULL) == LM_OK &&
                  top.inode == stat->inode && top.device == stat->device;
    if (is_root) return lm__error_set(error, LM_INVALID, "%s is the root: it is not removed", path);
    if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
        return lm__error_set(error, LM_INVALID, "%s: give the directory's own name", path);
    return LM_OK;
}

/* On a store that has directories in name only: object by object. */
typedef struct removal {
    lm_store *store;
    lm_arena arena;
    struct removal_name {
        const char *path;
        struct removal_name *next;
    } * first;
} removal;

static lm_status remove_later(void *context, const lm_path_info *info, lm_error *error)
{
    removal *r = context;
    struct removal_name *name = lm__arena_alloc(&r->arena, sizeof *name);
    if (info->kind == LM_PATH_DIRECTORY) return LM_OK;
    if (!name || !(name->path = lm__arena_strdup(&r->arena, info->path)))
        return lm__error_memory(error, "removing files");
    name->next = r->first;
    r->first = name;
    return LM_OK;
}

static lm_status remove_objects(lm_store *store, const char *path, const lm_path_options *options,
                                lm_error *error)
{
    const lm_path_options how = {.recursive = true, .names_only = true, .cancel = options->cancel};
    removal r = {.store = store};
    listing l = {.store = store, .options = &how, .callback = remove_later, .context = &r};
    lm__arena_init(&r.arena, store->allocator, 0);
    lm_status status = list_directory(&l, path, 1, error);
    for (; r.first && status == LM_OK; r.first = r.first->next) {
        if (lm__cancel_requested(options->cancel))
            status = lm__error_set(error, LM_CANCELLED, "%s: interrupted", path);
        else
            status = lm__store_remove(store, r.first->path, LM_DURABILITY_FULL, error);
        if (status == LM_NOT_FOUND) status = LM_OK; /* somebody else removes too */
    }
    lm__arena_deinit(&r.arena);
    return status;
}

static lm_status remove_tree(lm_store *store, const char *path, const lm_path_options *options,
                             lm_error *error)
{
    char parent[LM_FILE_PATH_MAX];
    if (!(store->caps & LM_STORE_TREE)) return remove_objects(store, path, options, error);
    LM_TRY(lm__path_parent(path, parent, error));
    LM_TRY(lm__store_tree_remove(store, path, options->cancel, error));
    return lm__store_sync_directory(store, parent, error);
}

static lm_status remove_path(lm_store *store, const char *path, const lm_path_options *options,
                             lm_error *error)
{
    lm_store_stat stat;
    if (!lm__path_name(path)[0])
        return lm__error_set(error, LM_INVALID, "%s is the root: it is not removed", path);
    lm_status status = lm__store_stat(store, path, false, &stat, error);
    if (status == LM_NOT_FOUND && lm__is_pattern(path))
        return lm__error_set(error, status,
                             "%s: nothing has this name; what is removed is named, not fitted by a "
                             "pattern",
                             path);
    LM_TRY(status);
    LM_TRY(refuse_root(store, path, &stat, error));
    if (stat.kind != LM_STORE_DIRECTORY)
        return lm__store_remove(store, path, LM_DURABILITY_FULL, error);
    if (!options->recursive)
        return lm__error_set(error, LM_UNSUITABLE,
                             "%s is a directory: --recursive (recursive=True) removes it with all "
                             "that is in it",
                             path);
    return remove_tree(store, path, options, error);
}

lm_status lm_path_remove(const char *path, const lm_path_options *options, lm_error *error)
{
    static const lm_path_options defaults;
    char trimmed[LM_FILE_PATH_MAX]; /* with a slash at its end a symlink would be followed */
    lm_store *store;
    if (!options) options = &defaults;
    LM_TRY(lm__store_for(options->allocator, path, options->storage, &store, &path, error));
    lm_status status = lm__path_trim(path, trimmed, error);
    if (status == LM_OK) status = remove_path(store, trimmed, options, error);
    lm__store_close(store);
    return status;
}
