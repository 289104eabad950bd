/* The verdict on a file (verify.h, invariants 1 to 3), and the way in for both kinds. */
#include "publish/verify.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/error.h"
#include "base/limits.h"
#include "publish/sidecar.h"
#include "publish/versions.h"
#include "store/place.h"

const char *lm_verdict_word(lm_verdict verdict)
{
    static const char *const words[] = {"ok",      "previous",         "stale", "corrupt",
                                        "missing", "manifest_missing", "extra"};
    size_t index = (size_t)verdict;
    return index < sizeof words / sizeof *words ? words[index] : "corrupt";
}

bool lm__verdict_is_worse(lm_verdict a, lm_verdict b)
{
    static const int rank[] = {0, 1, 3, 6, 5, 4, 2};
    return rank[a] > rank[b];
}

/* One look at a file and its sidecar. */
typedef struct file_look {
    lm_store_stat file, sidecar;
    bool has_file, has_sidecar;
} file_look;

static lm_status stat_maybe(lm_store *store, const char *path, lm_store_stat *stat, bool *exists,
                            lm_error *error)
{
    lm_status status = lm__store_stat(store, path, true, stat, error);
    *exists = status == LM_OK;
    return status == LM_NOT_FOUND ? LM_OK : status;
}

static lm_status look_at(lm_store *store, const char *path, const char *sidecar, file_look *look,
                         lm_error *error)
{
    memset(look, 0, sizeof *look);
    LM_TRY(stat_maybe(store, path, &look->file, &look->has_file, error));
    return stat_maybe(store, sidecar, &look->sidecar, &look->has_sidecar, error);
}

static bool look_same(const file_look *a, const file_look *b)
{
    return a->has_file == b->has_file && a->has_sidecar == b->has_sidecar &&
           strcmp(a->file.version, b->file.version) == 0 &&
           strcmp(a->sidecar.version, b->sidecar.version) == 0;
}

static lm_status record_fits(lm_store *store, const char *path, const lm_store_stat *stat,
                             const lm_sidecar_record *record, lm_cancel *cancel, bool *fits,
                             lm_error *error)
{
    char sum[LM_CHECKSUM_TEXT_MAX];
    *fits = false;
    if (record->bytes != stat->size) return LM_OK;
    lm_status status = lm__store_checksum(store, path, record->kind, cancel, sum, error);
    if (status == LM_NOT_FOUND) return LM_OK; /* gone meanwhile: the next look will say so */
    LM_TRY(status);
    *fits = strcmp(sum, record->checksum) == 0;
    return LM_OK;
}

/* The file does not have the record's bytes. Is it the record's file all the same, spoilt? */
static const char *spoilt(const lm_store_stat *stat, const lm_sidecar_record *record)
{
    bool same_inode = record->inode && record->inode == stat->inode;
    bool not_newer = record->mtime_ns && stat->mtime_ns <= record->mtime_ns;
    if (stat->size == record->bytes && (same_inode || not_newer))
        return "has the size that was published, but other bytes";
    if (stat->size < record->bytes && same_inode) return "has been cut short";
    return NULL;
}

static void set(lm_verified *verified, lm_verdict verdict, const char *reason)
{
    verified->verdict = verdict;
    verified->reason = reason;
}

static lm_status judge(lm_store *store, const char *path, const file_look *look,
                       const lm_sidecar *sidecar, lm_cancel *cancel, lm_verified *verified,
                       lm_error *error)
{
    const lm_sidecar_record *records[] = {&sidecar->current, &sidecar->previous};
    size_t count = sidecar->has_previous ? 2 : 1;
    for (size_t i = 0; i < count; i++) {
        bool fits;
        LM_TRY(record_fits(store, path, &look->file, records[i], cancel, &fits, error));
        if (!fits) continue;
        if (i == 0)
            set(verified, LM_VERDICT_OK, "has the bytes that were published");
        else
            set(verified, LM_VERDICT_PREVIOUS,
                "is the file before: a newer one did not come into place, or was undone");
        return LM_OK;
    }
    for (size_t i = 0; i < count; i++) {
        const char *how = spoilt(&look->file, records[i]);
        if (!how) continue;
        set(verified, LM_VERDICT_CORRUPT, how);
        return LM_OK;
    }
    set(verified, LM_VERDICT_STALE, "is another file than the one its manifest speaks of");
    return LM_OK;
}

static lm_status file_once(lm_store *store, const char *path, const char *sidecar_path,
                           const file_look *look, lm_cancel *cancel, lm_verified *verified,
                           lm_error *error)
{
    lm_arena arena;
    lm_sidecar sidecar;
    verified->bytes = look->file.size;
    if (!look->has_file) {
        set(verified, LM_VERDICT_MISSING,
            look->has_sidecar ? "is not there, its manifest is" : "is not there");
        return LM_OK;
    }
    lm__arena_init(&arena, store->allocator, LM_SIDECAR_ARENA_BYTES_MAX);
    lm_status status = lm__sidecar_read(store, sidecar_path, &arena, &sidecar, error);
    if (status == LM_OK) {
        status = judge(store, path, look, &sidecar, cancel, verified, error);
    } else if (status == LM_NOT_FOUND) {
        set(verified, LM_VERDICT_MANIFEST_MISSING, "has no manifest");
        status = LM_OK;
    } else if (status == LM_CORRUPT) {
        set(verified, LM_VERDICT_CORRUPT, "has a manifest that is not valid");
        status = LM_OK;
    }
    lm__arena_deinit(&arena);
    return status;
}

static lm_status keeps_changing(const char *path, lm_error *error)
{
    return lm__error_set(error, LM_BUSY, "%s keeps being replaced while it is looked at", path);
}

static lm_status verify_file(lm_store *store, const char *path, lm_cancel *cancel,
                             lm_verified *verified, lm_error *error)
{
    lm_arena arena;
    char *sidecar = NULL;
    file_look before, after;
    lm__arena_init(&arena, store->allocator, 0);
    lm_status status = lm__sidecar_path(&arena, path, &sidecar, error);
    bool has_changed = true;
    for (int i = 0; status == LM_OK && has_changed && i < LM_VERIFY_TRIES_MAX; i++) {
        status = look_at(store, path, sidecar, &before, error);
        if (status == LM_OK)
            status = file_once(store, path, sidecar, &before, cancel, verified, error);
        if (status == LM_OK) status = look_at(store, path, sidecar, &after, error);
        has_changed = status == LM_OK && verified->verdict != LM_VERDICT_OK &&
                      verified->verdict != LM_VERDICT_PREVIOUS && !look_same(&before, &after);
    }
    if (status == LM_OK && has_changed) status = keeps_changing(path, error);
    lm__arena_deinit(&arena);
    return status;
}

static lm_status verify_tree(lm_store *store, const char *path, const lm_verify_options *options,
                             lm_verified *verified, lm_error *error)
{
    bool has_changed = true;
    for (int i = 0; has_changed && i < LM_VERIFY_TRIES_MAX; i++)
        LM_TRY(lm__verify_directory(store, path, options, verified, &has_changed, error));
    return has_changed ? keeps_changing(path, error) : LM_OK;
}

static lm_status verdict_status(const lm_verified *verified, lm_error *error)
{
    lm_status status = LM_OK;
    switch (verified->verdict) {
    case LM_VERDICT_OK:
    case LM_VERDICT_PREVIOUS: return LM_OK;
    case LM_VERDICT_STALE:
    case LM_VERDICT_EXTRA: status = LM_STALE; break;
    case LM_VERDICT_CORRUPT: status = LM_CORRUPT; break;
    case LM_VERDICT_MISSING:
    case LM_VERDICT_MANIFEST_MISSING: status = LM_NOT_FOUND; break;
    }
    return lm__error_set(error, status, "%s: %s: %s", verified->path,
                         lm_verdict_word(verified->verdict), verified->reason);
}

lm_status lm__verify(lm_store *store, const char *path, const char *shown,
                     const lm_verify_options *options, lm_error *error)
{
    lm_verified verified = {.path = shown};
    lm_store_stat stat;
    bool exists;
    LM_TRY(stat_maybe(store, path, &stat, &exists, error));
    if (exists && stat.kind == LM_STORE_OTHER)
        return lm__error_set(error, LM_UNSUITABLE, "%s: is neither a file nor a directory", path);
    if (exists && stat.kind == LM_STORE_DIRECTORY)
        LM_TRY(verify_tree(store, path, options, &verified, error));
    else
        LM_TRY(verify_file(store, path, options->cancel, &verified, error));
    if (options->callback) LM_TRY(options->callback(options->context, &verified, error));
    return verdict_status(&verified, error);
}

/* A prefix of versions is its newest one, whose manifest must be the one that was published. */
static lm_status follow(lm_store *store, const char *path, const lm_verify_options *options,
                        char newest[LM_PATH_BYTES_MAX], bool *found, lm_error *error)
{
    char manifest[LM_PATH_BYTES_MAX + sizeof LM_MANIFEST_DIRECTORY_NAME + 1];
    char sum[LM_CHECKSUM_TEXT_MAX];
    lm_version_info version;
    lm_store_stat stat;
    *found = false;
    if (lm__store_stat(store, path, true, &stat, NULL) != LM_OK || stat.kind != LM_STORE_DIRECTORY)
        return LM_OK;
    LM_TRY(lm__versions_follow(store, path, NULL, options->cancel, found, newest, &version, error));
    if (!*found) return LM_OK;
    snprintf(manifest, sizeof manifest, "%s/" LM_MANIFEST_DIRECTORY_NAME, newest);
    lm_status status =
        lm__store_checksum(store, manifest, LM_CHECKSUM_SHA256, options->cancel, sum, error);
    if (status == LM_NOT_FOUND) return LM_OK; /* the verdict says so */
    LM_TRY(status);
    if (strcmp(sum, version.checksum) == 0) return LM_OK;
    return lm__error_set(error, LM_CORRUPT, "%s is not the manifest that was published: it has %s",
                         manifest, sum);
}

lm_status lm_verify(const char *path, const lm_verify_options *options, lm_error *error)
{
    static const lm_verify_options defaults = {0};
    char target[PATH_MAX]; /* a sidecar lies beside what a symlink leads to */
    char newest[LM_PATH_BYTES_MAX];
    lm_store *store;
    lm_store_stat stat;
    const char *at;
    if (!options) options = &defaults;
    LM_TRY(lm__store_for(options->allocator, path, options->storage, &store, &at, error));
    bool is_link = lm__place_is_local(path, &at) &&
                   lm__store_stat(store, at, false, &stat, NULL) == LM_OK &&
                   stat.kind == LM_STORE_SYMLINK;
    if (is_link && realpath(at, target)) at = target;
    bool found;
    lm_status status = follow(store, at, options, newest, &found, error);
    if (status == LM_OK)
        status = lm__verify(store, found ? newest : at, found ? newest : path, options, error);
    lm__store_close(store);
    return status;
}
