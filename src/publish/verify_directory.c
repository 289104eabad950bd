/* The verdict on a directory: each file against `_manifest.json` (verify.h). */
#include <limits.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/error.h"
#include "base/limits.h"
#include "publish/sidecar.h"
#include "publish/tree_manifest.h"
#include "publish/verify.h"

/* One file of the manifest. */
typedef struct wanted_file {
    const char *path, *symlink; /* symlink NULL: a file, with the record */
    lm_sidecar_record record;
    lm_tree_entry *found;
    lm_verdict verdict;
    const char *reason;
} wanted_file;

typedef struct directory_look {
    lm_arena arena;
    lm_tree tree;
    wanted_file *wanted;
    size_t count;
} directory_look;

static int wanted_order(const void *a, const void *b)
{
    return strcmp(((const wanted_file *)a)->path, ((const wanted_file *)b)->path);
}

static lm_status wanted_read(directory_look *look, const lm_json *root, lm_error *error)
{
    const lm_json *files = lm__json_member(root, "files");
    if (!files || files->kind != LM_JSON_ARRAY)
        return lm__error_set(error, LM_CORRUPT, "\"files\" is not a list");
    look->wanted = lm__arena_array(&look->arena, files->count + 1, sizeof *look->wanted);
    if (!look->wanted) return lm__error_memory(error, "reading a manifest");
    for (const lm_json *file = files->first; file; file = file->next) {
        wanted_file *next = &look->wanted[look->count++];
        memset(next, 0, sizeof *next);
        next->path = lm__json_path(&look->arena, file, "path");
        next->symlink = lm__json_path(&look->arena, file, "symlink");
        if (!next->path) return lm__error_set(error, LM_CORRUPT, "a file has no path");
        if (!next->symlink) LM_TRY(lm__sidecar_checksum(file, &next->record, error));
    }
    if (look->count > 0) qsort(look->wanted, look->count, sizeof *look->wanted, wanted_order);
    for (size_t i = 1; i < look->count; i++)
        if (strcmp(look->wanted[i].path, look->wanted[i - 1].path) == 0)
            return lm__error_set(error, LM_CORRUPT, "a file stands in it twice");
    return LM_OK;
}

static void set(wanted_file *wanted, lm_verdict verdict, const char *reason)
{
    wanted->verdict = verdict;
    wanted->reason = reason;
}

/* Pairs the manifest with what is there; what only the bytes can tell is marked for hashing. */
static lm_status pair(directory_look *look, const char *root, lm_error *error)
{
    for (size_t i = 0; i < look->count; i++) {
        wanted_file *next = &look->wanted[i];
        lm_tree_entry *found = next->found = lm__tree_find(&look->tree, next->path);
        set(next, LM_VERDICT_OK, "has the bytes that were published");
        if (!found) {
            set(next, LM_VERDICT_MISSING, "is not there");
        } else if (next->symlink) {
            char target[PATH_MAX];
            if (found->kind == LM_STORE_SYMLINK)
                LM_TRY(lm__tree_symlink(root, found, target, error));
            if (found->kind != LM_STORE_SYMLINK || strcmp(target, next->symlink) != 0)
                set(next, LM_VERDICT_CORRUPT, "is not the symlink that was published");
        } else if (found->kind != LM_STORE_FILE) {
            set(next, LM_VERDICT_CORRUPT, "is not a file any more");
        } else if (found->size != next->record.bytes) {
            set(next, LM_VERDICT_CORRUPT,
                found->size < next->record.bytes ? "has been cut short" : "has grown");
        } else {
            found->checksum_kind = next->record.kind;
        }
    }
    return LM_OK;
}

static lm_status compare(directory_look *look, const char *root, lm_error *error)
{
    for (size_t i = 0; i < look->count; i++) {
        wanted_file *next = &look->wanted[i];
        lm_tree_entry *found = next->found;
        if (!found || found->checksum_kind == LM_CHECKSUM_NONE) continue;
        if (found->status == LM_NOT_FOUND)
            set(next, LM_VERDICT_MISSING, "is not there");
        else if (found->status != LM_OK)
            return lm__error_set(error, found->status, "%s/%s: cannot be read: %s", root,
                                 next->path, lm_status_text(found->status));
        else if (strcmp(found->checksum, next->record.checksum) != 0)
            set(next, LM_VERDICT_CORRUPT, "has the size that was published, but other bytes");
    }
    return LM_OK;
}

static lm_status tell(const lm_verify_options *options, const lm_verified *verified,
                      lm_verified *whole, lm_error *error)
{
    if (lm__verdict_is_worse(verified->verdict, whole->verdict)) {
        static const char *const reasons[] = {
            [LM_VERDICT_CORRUPT] = "holds files with other bytes than were published",
            [LM_VERDICT_MISSING] = "lacks files that were published",
            [LM_VERDICT_STALE] = "holds files that were not published with it"};
        whole->verdict =
            verified->verdict == LM_VERDICT_EXTRA ? LM_VERDICT_STALE : verified->verdict;
        whole->reason = reasons[whole->verdict];
    }
    return options->callback ? options->callback(options->context, verified, error) : LM_OK;
}

static lm_status report(const directory_look *look, const lm_verify_options *options,
                        lm_verified *whole, lm_error *error)
{
    wanted_file key = {0};
    whole->verdict = LM_VERDICT_OK;
    whole->reason = "holds what was published";
    whole->bytes = 0;
    for (size_t i = 0; i < look->count; i++) {
        const wanted_file *next = &look->wanted[i];
        lm_verified verified = {next->path, next->verdict, next->reason,
                                next->found ? next->found->size : 0};
        whole->bytes += verified.bytes;
        LM_TRY(tell(options, &verified, whole, error));
    }
    for (size_t i = 0; i < look->tree.count && !options->extra_ok; i++) {
        const lm_tree_entry *entry = &look->tree.entries[i];
        key.path = entry->path;
        if (strcmp(entry->path, LM_MANIFEST_DIRECTORY_NAME) == 0) continue;
        if (look->count && bsearch(&key, look->wanted, look->count, sizeof key, wanted_order))
            continue;
        lm_verified verified = {entry->path, LM_VERDICT_EXTRA, "was not published with the rest",
                                entry->size};
        LM_TRY(tell(options, &verified, whole, error));
    }
    return LM_OK;
}

static lm_status look_once(directory_look *look, lm_store *store, const char *path,
                           const char *manifest, const lm_verify_options *options,
                           bool *has_changed, lm_error *error)
{
    const lm_json *root;
    LM_TRY(lm__manifest_parse(store, manifest, LM_JSON_BYTES_MAX, &look->arena, &root, error));
    lm_status status = wanted_read(look, root, error);
    if (status != LM_OK) return lm__error_within(error, status, "%s", manifest);
    status = lm__tree_list(&look->tree, store, path, options->cancel, error);
    if (status == LM_OK) status = pair(look, path, error);
    if (status == LM_NOT_FOUND) *has_changed = true; /* went away in the middle */
    LM_TRY(status);
    LM_TRY(lm__tree_hash(&look->tree, store, path, options->threads, options->cancel, error));
    return compare(look, path, error);
}

lm_status lm__verify_directory(lm_store *store, const char *path, const lm_verify_options *options,
                               lm_verified *whole, bool *has_changed, lm_error *error)
{
    directory_look look = {0};
    lm_store_stat before, after;
    lm__arena_init(&look.arena, store->allocator, 0);
    lm__tree_init(&look.tree, store->allocator);
    *has_changed = false;
    const char *manifest = lm__arena_printf(&look.arena, "%s/%s", path, LM_MANIFEST_DIRECTORY_NAME);
    lm_status status = manifest ? lm__store_stat(store, path, true, &before, error)
                                : lm__error_memory(error, "verifying a directory");
    if (status == LM_OK)
        status = look_once(&look, store, path, manifest, options, has_changed, error);
    bool looked = status != LM_CANCELLED && status != LM_NO_MEMORY;
    if (looked &&
        (lm__store_stat(store, path, true, &after, NULL) != LM_OK || before.inode != after.inode))
        *has_changed = true; /* whatever was seen belongs to two trees */
    if (*has_changed) {
        status = LM_OK;
    } else if (status == LM_OK) {
        status = report(&look, options, whole, error);
    } else if (status == LM_NOT_FOUND || status == LM_CORRUPT) {
        whole->verdict = status == LM_CORRUPT ? LM_VERDICT_CORRUPT : LM_VERDICT_MANIFEST_MISSING;
        whole->reason =
            status == LM_CORRUPT ? "has a manifest that is not valid" : "has no manifest";
        status = LM_OK;
    }
    lm__tree_deinit(&look.tree);
    lm__arena_deinit(&look.arena);
    return status;
}
