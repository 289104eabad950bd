/* The sidecar and the kept file of a publication; extras.h tells the invariants. */
#include "publish/extras.h"

#include <string.h>

#include "base/error.h"
#include "base/limits.h"
#include "publish/sidecar.h"

void lm__extras_init(lm_extras *extras, const lm_file_options *options)
{
    *extras = (lm_extras){
        .manifest = options->manifest,
        .keep = options->keep,
        .durability = options->durability,
        .cancel = options->cancel,
    };
}

lm_status lm__extras_check(const lm_extras *extras, lm_store *store, const char *path,
                           lm_error *error)
{
    if (extras->manifest) {
        lm_arena arena;
        char *sidecar;
        lm__arena_init(&arena, store->allocator, 0);
        lm_status status = lm__sidecar_path(&arena, path, &sidecar, error);
        lm__arena_deinit(&arena);
        LM_TRY(status);
        LM_TRY(lm__manifest_check(extras->manifest, error));
    }
    if (extras->keep > LM_KEEP_MAX)
        return lm__error_set(error, LM_INVALID, "at most %d replaced files are kept", LM_KEEP_MAX);
    return extras->keep ? lm__keep_check(store, path, error) : LM_OK;
}

lm_status lm__extras_before(lm_extras *extras, lm_store *store, const lm_sealed *sealed,
                            lm_error *error)
{
    if (extras->manifest)
        LM_TRY(lm__sidecar_write(store, sealed, extras->manifest, false, extras->durability,
                                 extras->cancel, error));
    if (extras->keep)
        LM_TRY(lm__keep_link(store, sealed->path, extras->durability, &extras->kept, error));
    return LM_OK;
}

/* Invariant 3. Is the sidecar's newest record ours, or the file no longer? */
static lm_status sidecar_settled(lm_store *store, const lm_sealed *sealed, bool *settled)
{
    lm_arena arena;
    lm_sidecar sidecar;
    lm_store_stat stat;
    char *path;
    *settled = true;
    lm__arena_init(&arena, store->allocator, LM_SIDECAR_ARENA_BYTES_MAX);
    lm_status status = lm__sidecar_path(&arena, sealed->path, &path, NULL);
    if (status == LM_OK) status = lm__sidecar_read(store, path, &arena, &sidecar, NULL);
    if (status == LM_OK && (sidecar.current.inode != sealed->inode ||
                            strcmp(sidecar.current.checksum, sealed->checksum) != 0)) {
        status = lm__store_stat(store, sealed->path, false, &stat, NULL);
        *settled = status == LM_OK && stat.inode != sealed->inode;
    }
    lm__arena_deinit(&arena);
    return status;
}

static bool sidecar_settle(const lm_extras *extras, lm_store *store, const lm_sealed *sealed)
{
    for (int i = 0; i < LM_SIDECAR_SETTLE_TRIES_MAX; i++) {
        bool settled;
        if (sidecar_settled(store, sealed, &settled) != LM_OK) return false;
        if (settled) return true;
        if (lm__sidecar_write(store, sealed, extras->manifest, true, extras->durability, NULL,
                              NULL) != LM_OK)
            return false;
    }
    return false;
}

void lm__extras_after(lm_extras *extras, lm_store *store, const lm_sealed *sealed,
                      lm_commit_state state, unsigned *warnings)
{
    if (state == LM_COMMIT_NOT_DONE) lm__keep_drop(store, &extras->kept);
    if (state != LM_COMMIT_DONE && state != LM_COMMIT_VISIBLE) return;
    bool stands = extras->manifest ? sidecar_settle(extras, store, sealed)
                                   : !lm__sidecar_exists(store, sealed->path);
    if (!stands) *warnings |= LM_FILE_WARN_MANIFEST;
    if (extras->keep && state == LM_COMMIT_DONE &&
        lm__keep_prune(store, sealed->path, extras->keep, NULL) != LM_OK)
        *warnings |= LM_FILE_WARN_KEEP;
}
