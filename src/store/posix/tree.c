/*
 * A tree removed. No symlink is followed, neither inside it nor at its name.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "store/posix/posix.h"

typedef struct tree_walk {
    lm_sys *sys;
    const char *path; /* of the top, for messages */
    lm_cancel *cancel;
    int depth;
} tree_walk;

static lm_status walk_step(tree_walk *walk, lm_error *error)
{
    if (lm__cancel_requested(walk->cancel))
        return lm__error_set(error, LM_CANCELLED, "%s: interrupted", walk->path);
    if (walk->depth > LM_TREE_DEPTH_MAX)
        return lm__error_set(error, LM_LIMIT, "%s: more than %d directories deep", walk->path,
                             LM_TREE_DEPTH_MAX);
    return LM_OK;
}

static lm_status walk_failed(const tree_walk *walk, int result, const char *doing, const char *name,
                             lm_error *error)
{
    return lm__error_os(error, -result, "cannot %s %s in %s", doing, name, walk->path);
}

static lm_status empty_directory(tree_walk *walk, int fd, lm_error *error);

static lm_status empty_entry(tree_walk *walk, int directory, const char *name, lm_error *error)
{
    int result = lm__sys_unlinkat(walk->sys, directory, name, 0);
    if (result == 0 || result == -ENOENT) return LM_OK;
    if (result != -EISDIR && result != -EPERM)
        return walk_failed(walk, result, "remove", name, error);
    int fd = lm__sys_openat(walk->sys, directory, name, LM_OPEN_TREE, 0);
    if (fd == -ENOTDIR) return walk_failed(walk, result, "remove", name, error);
    if (fd < 0) return walk_failed(walk, fd, "open", name, error);
    LM_TRY(empty_directory(walk, fd, error));
    result = lm__sys_unlinkat(walk->sys, directory, name, AT_REMOVEDIR);
    if (result < 0 && result != -ENOENT) return walk_failed(walk, result, "remove", name, error);
    return LM_OK;
}

/* One pass over the directory; *removed says whether another one is needed, since a listing may
 * skip names while names go. */
static lm_status empty_pass(tree_walk *walk, int fd, bool *removed, lm_error *error)
{
    int listing = lm__sys_openat(walk->sys, fd, ".", LM_OPEN_TREE, 0);
    if (listing < 0) return walk_failed(walk, listing, "open", "a directory", error);
    lm_directory_reader reader;
    lm__directory_reader_init(&reader, walk->sys, listing);
    lm_status status = LM_OK;
    *removed = false;
    while (status == LM_OK) {
        const char *name;
        unsigned char type;
        status = walk_step(walk, error);
        if (status != LM_OK) break;
        int more = lm__directory_reader_next(&reader, &name, &type);
        if (more == 0) break;
        *removed = true;
        status = more < 0 ? walk_failed(walk, more, "list", "a directory", error)
                          : empty_entry(walk, fd, name, error);
    }
    (void)lm__sys_close(walk->sys, listing);
    return status;
}

/* Closes fd. */
static lm_status empty_directory(tree_walk *walk, int fd, lm_error *error)
{
    lm_status status = LM_OK;
    bool removed = true;
    walk->depth++;
    while (status == LM_OK && removed) status = empty_pass(walk, fd, &removed, error);
    walk->depth--;
    (void)lm__sys_close(walk->sys, fd);
    return status;
}

lm_status lm__tree_empty(lm_sys *sys, int fd, const char *path, lm_cancel *cancel, lm_error *error)
{
    tree_walk walk = {sys, path, cancel, 0};
    return empty_directory(&walk, fd, error);
}

/* ---- the place of a tree ---- */

lm_status lm__tree_place_open(lm_sys *sys, const char *path, bool make_parents, bool is_durable,
                              lm_destination *place, lm_error *error)
{
    char trimmed[LM_PATH_BYTES_MAX];
    size_t length = strlen(path);
    while (length > 1 && path[length - 1] == '/') length--;
    if (length >= sizeof trimmed)
        return lm__error_os(error, ENAMETOOLONG, "the path of %zu bytes", length);
    memcpy(trimmed, path, length);
    trimmed[length] = '\0';
    return lm__place_open(sys, trimmed, make_parents, is_durable, place, error);
}

lm_status lm__posix_tree_remove(lm_store *store, const char *path, lm_cancel *cancel,
                                lm_error *error)
{
    lm_sys *sys = ((lm_posix_store *)store)->sys;
    lm_destination place;
    LM_TRY(lm__tree_place_open(sys, path, false, false, &place, error));
    lm_status status;
    int fd = lm__sys_openat(sys, place.directory, place.name, LM_OPEN_TREE, 0);
    if (fd < 0) {
        status = lm__error_os(error, -fd, "cannot open the directory %s", path);
        goto done;
    }
    status = lm__tree_empty(sys, fd, path, cancel, error);
    if (status != LM_OK) goto done;
    int result = lm__sys_unlinkat(sys, place.directory, place.name, AT_REMOVEDIR);
    if (result < 0) status = lm__error_os(error, -result, "cannot remove %s", path);
done:
    lm__destination_close(sys, &place);
    return status;
}
