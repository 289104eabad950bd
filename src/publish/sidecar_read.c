/* Reading sidecars (sidecar.h, invariant 3): what is not as docs/sidecar.md tells is LM_CORRUPT. */
#include <string.h>

#include "base/alloc.h"
#include "base/error.h"
#include "base/limits.h"
#include "publish/sidecar.h"

lm_status lm__sidecar_checksum(const lm_json *object, lm_sidecar_record *record, lm_error *error)
{
    const char *checksum = lm__json_member_text(object, "checksum", NULL);
    if (!lm__json_uint_of(lm__json_member(object, "bytes"), &record->bytes))
        return lm__error_set(error, LM_CORRUPT, "\"bytes\" is not a number of bytes");
    if (!checksum || lm__checksum_parse(checksum, &record->kind, record->checksum, NULL) != LM_OK ||
        record->kind == LM_CHECKSUM_NONE)
        return lm__error_set(error, LM_CORRUPT, "\"checksum\" is not a checksum");
    return LM_OK;
}

static lm_status record_read(const lm_json *object, lm_sidecar_record *record, lm_error *error)
{
    memset(record, 0, sizeof *record);
    if (object->kind != LM_JSON_OBJECT)
        return lm__error_set(error, LM_CORRUPT, "a record is not an object");
    LM_TRY(lm__sidecar_checksum(object, record, error));
    const lm_json *file = lm__json_member(object, "file");
    if (file && !lm__json_uint_of(lm__json_member(file, "inode"), &record->inode))
        return lm__error_set(error, LM_CORRUPT, "\"inode\" is not a number");
    record->mtime_ns = lm__json_member_int(file, "mtime_ns", 0);
    record->json = object;
    return LM_OK;
}

lm_status lm__manifest_parse(lm_store *store, const char *path, size_t size_max, lm_arena *arena,
                             const lm_json **root, lm_error *error)
{
    uint8_t *data = NULL;
    size_t size = 0;
    lm_status status = lm__store_read(store, path, store->allocator, size_max, &data, &size, error);
    if (status == LM_LIMIT)
        return lm__error_set(error, LM_CORRUPT, "%s: larger than the %zu bytes of any manifest",
                             path, size_max);
    LM_TRY(status);
    status = lm__json_parse(arena, (const char *)data, size, root, error);
    lm__free(store->allocator, data);
    if (status == LM_NO_MEMORY) return status;
    if (status != LM_OK) return lm__error_within(error, LM_CORRUPT, "%s", path);
    int64_t format = lm__json_member_int(*root, "lamella_manifest", 0);
    if (format < 1)
        return lm__error_set(error, LM_CORRUPT, "%s: is not a manifest of Lamella", path);
    if (format > LM_SIDECAR_FORMAT)
        return lm__error_set(error, LM_UNSUPPORTED,
                             "%s: is a manifest of format %lld, this version reads %d", path,
                             (long long)format, LM_SIDECAR_FORMAT);
    return LM_OK;
}

lm_status lm__sidecar_read(lm_store *store, const char *path, lm_arena *arena, lm_sidecar *sidecar,
                           lm_error *error)
{
    memset(sidecar, 0, sizeof *sidecar);
    LM_TRY(lm__manifest_parse(store, path, LM_SIDECAR_BYTES_MAX, arena, &sidecar->root, error));
    lm_status status = record_read(sidecar->root, &sidecar->current, error);
    const lm_json *previous = lm__json_member(sidecar->root, "previous");
    if (status == LM_OK && previous && previous->kind != LM_JSON_NULL) {
        status = record_read(previous, &sidecar->previous, error);
        sidecar->has_previous = status == LM_OK;
    }
    return status == LM_OK ? LM_OK : lm__error_within(error, status, "%s", path);
}
