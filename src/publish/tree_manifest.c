/* Writing a directory's manifest; tree_manifest.h. A failure leaves an older one as it was. */
#include "publish/tree_manifest.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>

#include "base/error.h"
#include "base/limits.h"
#include "publish/sidecar.h"
#include "store/sys.h"

lm_status lm__tree_symlink(const char *root, const lm_tree_entry *entry, char target[PATH_MAX],
                           lm_error *error)
{
    char path[2 * PATH_MAX];
    int needed = snprintf(path, sizeof path, "%s/%s", root, entry->path);
    if (needed < 0 || needed >= PATH_MAX)
        return lm__error_set(error, LM_INVALID, "%s/%s: the path is too long", root, entry->path);
    int64_t size = lm__sys_readlinkat(lm__sys_kernel(), AT_FDCWD, path, target, PATH_MAX);
    if (size < 0) return lm__error_os(error, (int)-size, "cannot read the symlink %s", path);
    if (size >= PATH_MAX)
        return lm__error_set(error, LM_INVALID, "%s: the target of the symlink is too long", path);
    target[size] = '\0';
    return LM_OK;
}

static bool is_manifest(const lm_tree_entry *entry)
{
    return strcmp(entry->path, LM_MANIFEST_DIRECTORY_NAME) == 0;
}

static lm_status entry_out(lm_json_writer *writer, const char *root, const lm_tree_entry *entry,
                           lm_error *error)
{
    char target[PATH_MAX];
    if (entry->kind == LM_STORE_SYMLINK) LM_TRY(lm__tree_symlink(root, entry, target, error));
    lm__json_open_object(writer);
    lm__json_path_out(writer, "path", entry->path);
    if (entry->kind == LM_STORE_SYMLINK) {
        lm__json_path_out(writer, "symlink", target);
    } else {
        lm__json_key(writer, "bytes");
        lm__json_uint(writer, entry->size);
        lm__json_member_string_out(writer, "checksum", entry->checksum);
    }
    lm__json_close_object(writer);
    return LM_OK;
}

static lm_status manifest_text(lm_buffer *text, const char *root, const lm_tree *tree,
                               const lm_manifest *manifest, uint64_t files, uint64_t bytes,
                               lm_error *error)
{
    lm_json_writer writer;
    lm__json_writer_init(&writer, text, true);
    lm__json_open_object(&writer);
    lm__json_member_int_out(&writer, "lamella_manifest", LM_SIDECAR_FORMAT);
    LM_TRY(lm__manifest_members(&writer, manifest, error));
    lm__json_key(&writer, "file_count");
    lm__json_uint(&writer, files);
    lm__json_key(&writer, "bytes");
    lm__json_uint(&writer, bytes);
    lm__json_key(&writer, "files");
    lm__json_open_array(&writer);
    for (size_t i = 0; i < tree->count; i++)
        if (!is_manifest(&tree->entries[i]))
            LM_TRY(entry_out(&writer, root, &tree->entries[i], error));
    lm__json_close_array(&writer);
    lm__json_close_object(&writer);
    if (writer.status == LM_OK) writer.status = lm__buffer_byte(text, '\n');
    if (writer.status == LM_LIMIT)
        return lm__error_set(error, LM_LIMIT, "the manifest of %s is larger than %zu bytes", root,
                             (size_t)LM_JSON_BYTES_MAX);
    return writer.status == LM_OK ? LM_OK : lm__error_memory(error, "writing a manifest");
}

static lm_status entries_check(const lm_tree *tree, const char *root, lm_error *error)
{
    for (size_t i = 0; i < tree->count; i++) {
        const lm_tree_entry *entry = &tree->entries[i];
        if (entry->kind == LM_STORE_OTHER)
            return lm__error_set(error, LM_UNSUITABLE,
                                 "%s/%s is no file, directory or symlink and cannot be published",
                                 root, entry->path);
        if (entry->status == LM_NOT_FOUND)
            return lm__error_set(error, LM_CONFLICT, "%s/%s went away while it was published", root,
                                 entry->path);
        if (entry->status != LM_OK)
            return lm__error_set(error, entry->status, "%s/%s: cannot be read: %s", root,
                                 entry->path, lm_status_text(entry->status));
    }
    return LM_OK;
}

lm_status lm__tree_manifest_write(lm_store *store, const char *staged, const lm_manifest *manifest,
                                  lm_checksum_kind kind, int threads, lm_cancel *cancel,
                                  uint64_t *files, uint64_t *bytes, lm_error *error)
{
    lm_tree tree;
    lm_buffer text;
    char path[2 * PATH_MAX];
    *files = *bytes = 0;
    lm__tree_init(&tree, store->allocator);
    lm__buffer_init(&text, store->allocator, LM_JSON_BYTES_MAX);
    lm_status status = lm__tree_list(&tree, store, staged, cancel, error);
    if (status != LM_OK) goto done;
    status = entries_check(&tree, staged, error);
    if (status != LM_OK) goto done;
    for (size_t i = 0; i < tree.count; i++) {
        lm_tree_entry *entry = &tree.entries[i];
        if (is_manifest(entry)) continue;
        *files += 1;
        if (entry->kind != LM_STORE_FILE) continue;
        *bytes += entry->size;
        entry->checksum_kind = kind;
    }
    status = lm__tree_hash(&tree, store, staged, threads, cancel, error);
    if (status == LM_OK) status = entries_check(&tree, staged, error);
    if (status == LM_OK)
        status = manifest_text(&text, staged, &tree, manifest, *files, *bytes, error);
    if (status != LM_OK) goto done;
    /* Where that means something the tree's own sync makes it durable. */
    lm_durability durability =
        store->caps & LM_STORE_LOCAL ? LM_DURABILITY_NONE : LM_DURABILITY_FULL;
    int needed = snprintf(path, sizeof path, "%s/%s", staged, LM_MANIFEST_DIRECTORY_NAME);
    status =
        needed < PATH_MAX
            ? lm__publish_small(store, path, text.data, text.size, durability, false, cancel, error)
            : lm__error_set(error, LM_INVALID, "%s: the path is too long", staged);
done:
    lm__buffer_deinit(&text);
    lm__tree_deinit(&tree);
    return status;
}
