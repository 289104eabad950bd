/* Finding versions; see versions.h. */
#include "publish/versions.h"

#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/cancel.h"
#include "base/error.h"
#include "publish/path.h"
#include "store/place.h"

_Static_assert(LM_VERSION_PATH_MAX >= LM_PATH_BYTES_MAX, "a path fits");

static lm_status join(char out[LM_PATH_BYTES_MAX], const char *prefix, const char *below,
                      lm_error *error)
{
    int needed = snprintf(out, LM_PATH_BYTES_MAX, "%s/%s", prefix, below);
    if (needed > 0 && needed < (int)LM_PATH_BYTES_MAX) return LM_OK;
    return lm__error_set(error, LM_INVALID, "%s/%s: the path is too long", prefix, below);
}

lm_status lm__versions_init(lm_versions *versions, lm_store *store, const char *prefix,
                            lm_cancel *cancel, lm_error *error)
{
    memset(versions, 0, sizeof *versions);
    versions->store = store;
    versions->cancel = cancel;
    LM_TRY(join(versions->log_path, prefix, LM_VERSIONS_RUNS "/" LM_VERSIONS_LOG, error));
    LM_TRY(join(versions->latest_path, prefix, LM_VERSIONS_LATEST, error));
    snprintf(versions->prefix, sizeof versions->prefix, "%s", prefix);
    lm__log_init(&versions->log, store, store->allocator, versions->log_path, ".json",
                 LM_VERSION_ENTRY_BYTES_MAX);
    versions->log.cancel = cancel;
    return LM_OK;
}

lm_status lm__versions_path(const lm_versions *versions, const char *run_id,
                            char path[LM_PATH_BYTES_MAX], lm_error *error)
{
    char below[LM_VERSION_RUN_ID_MAX + sizeof LM_VERSIONS_RUNS + 1];
    snprintf(below, sizeof below, LM_VERSIONS_RUNS "/%s", run_id);
    return join(path, versions->prefix, below, error);
}

/* Where looking begins (invariant 2): what is not as it should be costs time and nothing else. */
static int64_t hint(const lm_versions *versions)
{
    uint8_t *data;
    size_t size;
    const lm_allocator *allocator = versions->store->allocator;
    if (lm__store_read(versions->store, versions->latest_path, allocator,
                       LM_VERSION_ENTRY_BYTES_MAX, &data, &size, NULL) != LM_OK)
        return -1;
    int64_t number = lm__version_latest_parse(allocator, data, size);
    lm__free(allocator, data);
    return number;
}

lm_status lm__versions_last(lm_versions *versions, int64_t *last, lm_error *error)
{
    int64_t from = hint(versions);
    LM_TRY(lm__log_last(&versions->log, from, last, error));
    if (*last < 0 && from > 0) return lm__log_last(&versions->log, 0, last, error);
    return LM_OK;
}

lm_status lm__versions_read(const lm_versions *versions, int64_t number, lm_version_info *version,
                            lm_error *error)
{
    char name[LM_PATH_BYTES_MAX];
    uint8_t *data;
    size_t size;
    memset(version, 0, sizeof *version);
    LM_TRY(lm__log_path(&versions->log, number, versions->log.suffix, name, error));
    LM_TRY(lm__log_read(&versions->log, number, &data, &size, error));
    lm_status status = lm__version_entry_parse(name, data, size, version, error);
    lm__free(versions->log.allocator, data);
    version->number = number;
    return status == LM_OK ? lm__versions_path(versions, version->run_id, version->path, error)
                           : status;
}

lm_status lm__versions_look(const lm_versions *versions, lm_version_info *version, lm_error *error)
{
    lm_store_stat stat;
    lm_status status = lm__store_stat(versions->store, version->path, false, &stat, error);
    version->is_there = status == LM_OK;
    if (status != LM_NOT_FOUND) return status;
    if (error) lm_error_clear(error);
    return LM_OK;
}

static lm_status find_run(lm_versions *versions, int64_t last, const char *run_id,
                          lm_version_info *version, lm_error *error)
{
    for (int64_t number = last; number >= 0; number--) {
        if (lm__cancel_requested(versions->cancel))
            return lm__error_set(error, LM_CANCELLED, "interrupted while looking for a version");
        LM_TRY(lm__versions_read(versions, number, version, error));
        if (strcmp(version->run_id, run_id) == 0) return LM_OK;
    }
    return lm__error_set(error, LM_NOT_FOUND, "%s has no version of the run %s", versions->prefix,
                         run_id);
}

lm_status lm__versions_find(lm_versions *versions, const lm_version_which *which,
                            lm_version_info *version, lm_error *error)
{
    static const lm_version_which newest;
    int64_t last;
    if (!which) which = &newest;
    LM_TRY(lm__versions_last(versions, &last, error));
    if (last < 0)
        return lm__error_set(error, LM_NOT_FOUND, "%s has no versions: nothing was published there",
                             versions->prefix);
    if (which->run_id) {
        LM_TRY(find_run(versions, last, which->run_id, version, error));
    } else if (which->by_number && (which->number < 0 || which->number > last)) {
        return lm__error_set(error, LM_NOT_FOUND, "%s has no version %lld: the newest is %lld",
                             versions->prefix, (long long)which->number, (long long)last);
    } else {
        LM_TRY(
            lm__versions_read(versions, which->by_number ? which->number : last, version, error));
    }
    LM_TRY(lm__versions_look(versions, version, error));
    if (version->is_there) return LM_OK;
    return lm__error_set(error, LM_NOT_FOUND,
                         "version %lld of %s (run %s) was removed, as only the newest are kept",
                         (long long)version->number, versions->prefix, version->run_id);
}

lm_status lm__versions_follow(lm_store *store, const char *path, const lm_version_which *which,
                              lm_cancel *cancel, bool *found, char run[LM_PATH_BYTES_MAX],
                              lm_version_info *version, lm_error *error)
{
    char trimmed[LM_FILE_PATH_MAX];
    lm_version_info unused;
    lm_versions versions;
    lm_store_stat stat;
    *found = false;
    LM_TRY(lm__path_trim(path, trimmed, error));
    if (lm__versions_init(&versions, store, trimmed, cancel, NULL) != LM_OK) return LM_OK;
    lm_status status = lm__store_stat(store, versions.log_path, true, &stat, error);
    if (status == LM_NOT_FOUND) {
        if (error) lm_error_clear(error);
        return LM_OK;
    }
    LM_TRY(status);
    if (!version) version = &unused;
    LM_TRY(lm__versions_find(&versions, which, version, error));
    *found = true;
    memcpy(run, version->path, LM_PATH_BYTES_MAX);
    return LM_OK;
}

/* ---- for callers ---- */

static lm_status open_prefix(const char *prefix, const lm_version_options *options,
                             lm_store **store, lm_versions *versions, lm_error *error)
{
    char trimmed[LM_FILE_PATH_MAX];
    LM_TRY(lm__store_for(options->allocator, prefix, options->storage, store, &prefix, error));
    lm_status status = lm__path_trim(prefix, trimmed, error);
    if (status == LM_OK)
        status = lm__versions_init(versions, *store, trimmed, options->cancel, error);
    if (status != LM_OK) lm__store_close(*store);
    return status;
}

static const lm_version_options defaults;

lm_status lm_version_resolve(const char *prefix, const lm_version_which *which,
                             const lm_version_options *options, lm_version_info *version,
                             lm_error *error)
{
    lm_store *store;
    lm_versions versions;
    LM_TRY(open_prefix(prefix, options ? options : &defaults, &store, &versions, error));
    lm_status status = lm__versions_find(&versions, which, version, error);
    lm__store_close(store);
    return status;
}

lm_status lm_version_list(const char *prefix, const lm_version_options *options,
                          lm_version_callback *callback, void *context, lm_error *error)
{
    lm_store *store;
    lm_versions versions;
    int64_t last;
    LM_TRY(open_prefix(prefix, options ? options : &defaults, &store, &versions, error));
    lm_status status = lm__versions_last(&versions, &last, error);
    if (status == LM_OK && last < 0)
        status = lm__error_set(error, LM_NOT_FOUND, "%s has no versions", versions.prefix);
    for (int64_t number = last; status == LM_OK && number >= 0; number--) {
        lm_version_info version;
        status = lm__versions_read(&versions, number, &version, error);
        if (status == LM_OK) status = lm__versions_look(&versions, &version, error);
        if (status == LM_OK) status = callback(context, &version, error);
    }
    lm__store_close(store);
    return status;
}
