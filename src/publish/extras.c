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

/* Invariant 3: a look at the sidecar, and the file, after the commit. */
typedef struct settling {
    const lm_extras *extras;
    lm_store *store;
    const lm_sealed *sealed;
    bool is_ours; /* the sidecar's newest record */
} settling;

static lm_status sidecar_look(settling *s, lm_error *error)
{
    lm_arena arena;
    lm_sidecar sidecar;
    char *path;
    lm__arena_init(&arena, s->store->allocator, LM_SIDECAR_ARENA_BYTES_MAX);
    lm_status status = lm__sidecar_path(&arena, s->sealed->path, &path, error);
    if (status == LM_OK) status = lm__sidecar_read(s->store, path, &arena, &sidecar, error);
    s->is_ours = status == LM_OK && sidecar.current.inode == s->sealed->inode &&
                 strcmp(sidecar.current.checksum, s->sealed->checksum) == 0;
    lm__arena_deinit(&arena);
    return status;
}

/* Within lm__store_exclusive, so that of two that settle the later one sees what the earlier did.
 */
static lm_status sidecar_settle(void *context, lm_error *error)
{
    settling *s = context;
    lm_store_stat stat;
    LM_TRY(sidecar_look(s, error));
    LM_TRY(lm__store_stat(s->store, s->sealed->path, false, &stat, error));
    if (s->is_ours || stat.inode != s->sealed->inode) return LM_OK;
    return lm__sidecar_write(s->store, s->sealed, s->extras->manifest, true, s->extras->durability,
                             NULL, error);
}

static bool sidecar_stands(const lm_extras *extras, lm_store *store, const lm_sealed *sealed)
{
    settling s = {.extras = extras, .store = store, .sealed = sealed};
    if (sidecar_look(&s, NULL) == LM_OK && s.is_ours) return true;
    return lm__store_exclusive(store, sealed->path, NULL, sidecar_settle, &s, NULL) == LM_OK;
}

void lm__extras_after(lm_extras *extras, lm_store *store, const lm_sealed *sealed,
                      lm_commit_state state, unsigned *warnings)
{
    if (state == LM_COMMIT_NOT_DONE) lm__keep_drop(store, &extras->kept);
    if (state != LM_COMMIT_DONE && state != LM_COMMIT_VISIBLE) return;
    bool stands = extras->manifest ? sidecar_stands(extras, store, sealed)
                                   : !lm__sidecar_exists(store, sealed->path);
    if (!stands) *warnings |= LM_FILE_WARN_MANIFEST;
    if (extras->keep && state == LM_COMMIT_DONE &&
        lm__keep_prune(store, sealed->path, extras->keep, NULL) != LM_OK)
        *warnings |= LM_FILE_WARN_KEEP;
}
