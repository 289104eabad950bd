/*
 * Few versions kept: what is too many goes, the oldest too; see versions.h, invariant 3.
 *
 * Only directories that the log names are touched: one that it does not name may be on its way to
 * it. A failure leaves versions that are too many, for the next time.
 */
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "publish/versions.h"
#include "store/temp_name.h"

typedef struct names {
    lm_arena arena;
    const char **items; /* of directories that stand */
    size_t count, capacity;
} names;

static lm_status add_name(void *context, const lm_store_entry *entry, lm_error *error)
{
    names *n = context;
    if (entry->stat.kind != LM_STORE_DIRECTORY || strcmp(entry->name, LM_VERSIONS_LOG) == 0)
        return LM_OK;
    const char *name = lm__arena_strdup(&n->arena, entry->name);
    if (!name ||
        !lm__arena_room(&n->arena, &n->items, &n->capacity, n->count + 1, sizeof *n->items))
        return lm__error_memory(error, "listing versions");
    n->items[n->count++] = name;
    return LM_OK;
}

/* Was it among them? Then it is no more. */
static bool take_name(names *n, const char *name)
{
    for (size_t i = 0; i < n->count; i++)
        if (strcmp(n->items[i], name) == 0) {
            n->items[i] = n->items[--n->count];
            return true;
        }
    return false;
}

static lm_status remove_version(lm_versions *versions, const char *path, lm_error *error)
{
    char name[LM_TEMP_NAME_MAX], aside[LM_PATH_BYTES_MAX];
    const lm_tree_options how = {
        .mode = LM_COMMIT_IF_ABSENT, .durability = LM_DURABILITY_NONE, .cancel = versions->cancel};
    lm_tree_result result;
    LM_TRY(lm__temp_name(name, LM_TEMP_TREE_SUFFIX, error));
    LM_TRY(lm__versions_path(versions, name, aside, error));
    LM_TRY(lm__store_tree_commit(versions->store, path, aside, &how, &result, error));
    return lm__store_tree_remove(versions->store, aside, versions->cancel, error);
}

static lm_status prune(lm_versions *versions, int64_t last, unsigned keep, names *n,
                       unsigned *removed, lm_error *error)
{
    char runs[LM_PATH_BYTES_MAX];
    lm_version_info version;
    const lm_list_options all = {.cancel = versions->cancel};
    LM_TRY(lm__versions_path(versions, "", runs, error));
    runs[strlen(runs) - 1] = '\0';
    LM_TRY(lm__store_list(versions->store, runs, &all, add_name, n, error));
    int64_t first = last - LM_VERSION_PRUNE_MAX;
    for (int64_t number = last; number >= 0 && number > first && n->count > 0; number--) {
        LM_TRY(lm__versions_read(versions, number, &version, error));
        if (!take_name(n, version.run_id) || last - number < (int64_t)keep) continue;
        lm_status status = remove_version(versions, version.path, error);
        if (status != LM_OK && status != LM_NOT_FOUND) return status; /* another's removal */
        *removed += status == LM_OK;
    }
    return LM_OK;
}

void lm__versions_prune(lm_versions *versions, int64_t last, unsigned keep, unsigned *removed,
                        bool *removal_left)
{
    names n = {0};
    lm_error unused;
    lm_error_clear(&unused);
    lm__arena_init(&n.arena, versions->store->allocator, 0);
    *removal_left = prune(versions, last, keep, &n, removed, &unused) != LM_OK;
    lm__arena_deinit(&n.arena);
}
