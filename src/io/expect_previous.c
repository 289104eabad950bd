/* The rows of the file that is about to be replaced: by its record where the file is still the one
 * that was recorded, else by its own footer, or by reading it. */
#include "io/expect_previous.h"

#include <lamella/scan.h>

#include "base/error.h"
#include "base/json.h"
#include "publish/sidecar.h"
#include "store/place.h"

/* Sets *known where the sidecar tells it of the file that stands. */
static lm_status recorded_rows(lm_store *store, const char *path, const lm_store_stat *stat,
                               lm_arena *arena, uint64_t *rows, bool *known, lm_error *error)
{
    char *place;
    lm_sidecar sidecar;
    LM_TRY(lm__sidecar_path(arena, path, &place, error));
    lm_status status = lm__sidecar_read(store, place, arena, &sidecar, error);
    if (status == LM_NO_MEMORY) return status;
    if (status != LM_OK) return LM_OK; /* none, or none that can be read: the file is asked */
    const lm_sidecar_record *record = &sidecar.current;
    int64_t told = lm__json_member_int(record->json, "rows", -1);
    if (told < 0 || record->bytes != stat->size || record->mtime_ns != stat->mtime_ns ||
        record->inode != stat->inode)
        return LM_OK;
    *rows = (uint64_t)told;
    *known = true;
    return LM_OK;
}

static lm_status read_rows(const lm_allocator *allocator, const char *path,
                           const lm_storage *storage, uint64_t *rows, lm_error *error)
{
    lm_scan_options options = {.storage = storage, .allocator = allocator};
    lm_scan *scan;
    LM_TRY(lm_scan_open(path, &options, &scan, error));
    lm_status status = lm_scan_rows(scan, rows, error);
    lm_scan_close(scan);
    return status;
}

lm_status lm__expect_previous(const lm_allocator *allocator, const char *path,
                              const lm_storage *storage, uint64_t *rows, lm_error *error)
{
    const char *at;
    lm_store *store;
    lm_store_stat stat;
    lm_arena arena;
    bool known = false;
    *rows = 0;
    LM_TRY(lm__store_for(allocator, path, storage, &store, &at, error));
    lm__arena_init(&arena, allocator, 0);
    lm_status status = lm__store_stat(store, at, true, &stat, error);
    if (status == LM_NOT_FOUND) {
        status = LM_OK;
        known = true;
    }
    if (status == LM_OK && !known)
        status = recorded_rows(store, at, &stat, &arena, rows, &known, error);
    lm__arena_deinit(&arena);
    lm__store_close(store);
    if (status == LM_OK && !known) status = read_rows(allocator, path, storage, rows, error);
    if (status == LM_OK) return LM_OK;
    return lm__error_within(error, status,
                            "previous: the rows of the file that stands are not known (with "
                            "--manifest they are recorded)");
}
