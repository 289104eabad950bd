/*
 * A new version of a prefix; see versions.h.
 *
 *     seal      _manifest.json into the staged tree, all of it durable
 *     place     the tree to _runs/<run id>, where nothing is: no reader looks there yet
 *     commit    the next entry of the log: the one visible step
 *     after     `latest` says so; versions that are too many go
 *
 * On failure before the commit the tree goes back to where it was staged. What comes after the
 * commit cannot make it fail.
 */
#include <stdio.h>
#include <string.h>

#include "base/cancel.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/utf8.h"
#include "publish/directory.h"
#include "publish/path.h"
#include "publish/sidecar.h"
#include "publish/tree_manifest.h"
#include "publish/versions.h"
#include "store/place.h"

typedef struct publishing {
    lm_versions versions;
    const lm_version_options *options;
    lm_durability durability;
    const char *staged;
    lm_version_result *result;
} publishing;

static lm_status check_run_id(const char *run_id, lm_error *error)
{
    size_t size = strlen(run_id);
    if (size == 0 || size >= LM_VERSION_RUN_ID_MAX || strchr(run_id, '/') || run_id[0] == '.' ||
        run_id[0] == '_' || !lm__utf8_valid(run_id, size))
        return lm__error_set(error, LM_INVALID,
                             "the run id '%s' cannot name a directory: 1 to %d bytes of UTF-8 "
                             "without '/', and neither '.' nor '_' first",
                             run_id, LM_VERSION_RUN_ID_MAX - 1);
    return LM_OK;
}

/* The version's name, time and place; and refused is what can be before any work. */
static lm_status settle(publishing *p, lm_error *error)
{
    lm_version_info *version = &p->result->version;
    const lm_manifest *manifest = p->options->manifest;
    const lm_clock *clock = lm__clock_system();
    lm_store_stat stat;
    if (manifest) LM_TRY(lm__manifest_check(manifest, error));
    if (manifest && manifest->run_id) {
        LM_TRY(check_run_id(manifest->run_id, error));
        snprintf(version->run_id, sizeof version->run_id, "%s", manifest->run_id);
    } else {
        LM_TRY(lm__uuid4(version->run_id, error));
    }
    lm__rfc3339(clock->wall_ns(clock->context), version->created_at);
    LM_TRY(lm__versions_path(&p->versions, version->run_id, version->path, error));
    lm_store *store = p->versions.store;
    LM_TRY(lm__store_require(store, LM_STORE_TREE, error));
    LM_TRY(lm__store_require(store, LM_STORE_IF_ABSENT, error));
    LM_TRY(lm__store_stat(store, p->staged, false, &stat, error));
    if (stat.kind != LM_STORE_DIRECTORY)
        return lm__error_set(error, LM_UNSUITABLE, "%s is not a directory", p->staged);
    lm_status status = lm__store_stat(store, version->path, false, &stat, error);
    if (status == LM_NOT_FOUND) return LM_OK;
    LM_TRY(status);
    return lm__error_set(error, LM_EXISTS,
                         "%s exists already: the run %s was published, or began to be: publish "
                         "under another run id",
                         version->path, version->run_id);
}

static lm_status seal(publishing *p, lm_error *error)
{
    lm_version_info *version = &p->result->version;
    lm_store *store = p->versions.store;
    lm_manifest manifest = {0};
    lm_checksum_kind kind;
    char path[LM_PATH_BYTES_MAX];
    if (p->options->manifest) manifest = *p->options->manifest;
    manifest.run_id = version->run_id;
    LM_TRY(lm__directory_checksum(p->options->checksum, &kind, error));
    LM_TRY(lm__tree_manifest_write(store, p->staged, &manifest, kind, p->options->threads,
                                   p->options->cancel, &version->files, &version->bytes, error));
    int needed = snprintf(path, sizeof path, "%s/%s", p->staged, LM_MANIFEST_DIRECTORY_NAME);
    if (needed >= (int)sizeof path)
        return lm__error_set(error, LM_INVALID, "%s: the path is too long", p->staged);
    LM_TRY(lm__store_checksum(store, path, LM_CHECKSUM_SHA256, p->options->cancel,
                              version->checksum, error));
    if (p->durability == LM_DURABILITY_NONE) return LM_OK;
    return lm__store_tree_sync(store, p->staged, p->options->cancel, error);
}

static lm_status place(publishing *p, const char *from, const char *to, lm_error *error)
{
    const lm_tree_options how = {.mode = LM_COMMIT_IF_ABSENT, .durability = p->durability};
    const lm_tree_options back = {.mode = LM_COMMIT_IF_ABSENT, .durability = LM_DURABILITY_NONE};
    lm_tree_result tree = {0};
    lm_store *store = p->versions.store;
    lm_status status = lm__store_tree_commit(store, from, to, &how, &tree, error);
    if (status != LM_UNKNOWN_DURABILITY) return status;
    /* In place, but not durably: then the log must not say that it is there. */
    (void)!lm__store_tree_commit(store, to, from, &back, &tree, NULL);
    if (error) error->code = LM_IO;
    return LM_IO;
}

/* The next entry, whoever else makes some meanwhile. */
static lm_status commit(publishing *p, lm_error *error)
{
    lm_buffer text;
    int64_t last;
    lm__buffer_init(&text, p->versions.store->allocator, LM_VERSION_ENTRY_BYTES_MAX);
    lm_status status = lm__version_entry_text(&text, &p->result->version, error);
    if (status == LM_OK) status = lm__versions_last(&p->versions, &last, error);
    while (status == LM_OK) {
        p->result->version.number = last + 1;
        status = lm__log_put(&p->versions.log, last + 1, text.data, text.size, error);
        if (status != LM_EXISTS) break;
        if (lm__cancel_requested(p->options->cancel))
            status = lm__error_set(error, LM_CANCELLED, "interrupted before the commit");
        else
            status = lm__log_last(&p->versions.log, last + 1, &last, error);
    }
    lm__buffer_deinit(&text);
    return status;
}

/* ---- after ---- */

/* Within the store's exclusion, where it has one: never backwards. */
static lm_status replace_latest(void *context, lm_error *error)
{
    publishing *p = context;
    lm_versions *versions = &p->versions;
    lm_version_info newest = p->result->version;
    lm_buffer text;
    int64_t last;
    LM_TRY(lm__versions_last(versions, &last, error));
    if (last > newest.number) LM_TRY(lm__versions_read(versions, last, &newest, error));
    lm__buffer_init(&text, versions->store->allocator, LM_VERSION_ENTRY_BYTES_MAX);
    lm_status status = lm__version_latest_text(&text, &newest, error);
    if (status == LM_OK)
        status = lm__publish_small(versions->store, versions->latest_path, text.data, text.size,
                                   p->durability, true, NULL, error);
    lm__buffer_deinit(&text);
    return status;
}

static void after(publishing *p)
{
    lm_version_result *result = p->result;
    lm_error unused;
    lm_error_clear(&unused);
    result->latest_left = lm__store_exclusive(p->versions.store, p->versions.latest_path, NULL,
                                              replace_latest, p, &unused) != LM_OK;
    if (p->options->keep)
        lm__versions_prune(&p->versions, result->version.number, p->options->keep, &result->removed,
                           &result->removal_left);
}

static lm_status publish(publishing *p, lm_error *error)
{
    lm_version_result *result = p->result;
    LM_TRY(settle(p, error));
    LM_TRY(seal(p, error));
    LM_TRY(place(p, p->staged, result->version.path, error));
    lm_status status = commit(p, error);
    result->state = status == LM_OK                   ? LM_COMMIT_DONE
                    : status == LM_UNKNOWN_DURABILITY ? LM_COMMIT_VISIBLE
                    : status == LM_UNKNOWN_OUTCOME    ? LM_COMMIT_UNKNOWN
                                                      : LM_COMMIT_NOT_DONE;
    if (result->state == LM_COMMIT_NOT_DONE) {
        if (place(p, result->version.path, p->staged, NULL) != LM_OK)
            status =
                lm__error_within(error, status, "%s holds what was staged", result->version.path);
        return status;
    }
    if (result->state == LM_COMMIT_UNKNOWN) return status;
    result->version.is_there = true;
    after(p);
    return status;
}

lm_status lm__version_publish(lm_store *store, const char *staged, const char *prefix,
                              const lm_version_options *options, lm_version_result *result,
                              lm_error *error)
{
    publishing p = {.options = options,
                    .staged = staged,
                    .result = result,
                    .durability = options->durability == LM_DURABILITY_NONE ? LM_DURABILITY_NONE
                                                                            : LM_DURABILITY_FULL};
    LM_TRY(lm__versions_init(&p.versions, store, prefix, options->cancel, error));
    return publish(&p, error);
}

lm_status lm_version_publish(const char *staged, const char *prefix,
                             const lm_version_options *options, lm_version_result *result,
                             lm_error *error)
{
    static const lm_version_options defaults;
    char from[LM_FILE_PATH_MAX], to[LM_FILE_PATH_MAX];
    lm_version_result unused;
    lm_store *store;
    if (!options) options = &defaults;
    if (!result) result = &unused;
    memset(result, 0, sizeof *result);
    LM_TRY(lm__path_trim(lm__place_path(staged), from, error));
    LM_TRY(lm__path_trim(lm__place_path(prefix), to, error));
    if (!lm__place_is_same(staged, prefix))
        return lm__error_set(error, LM_UNSUPPORTED,
                             "%s is on another store than %s: copy it there first (lamella cp "
                             "--recursive)",
                             staged, prefix);
    LM_TRY(lm__store_for(options->allocator, prefix, options->storage, &store, &prefix, error));
    lm_status status = lm__version_publish(store, from, to, options, result, error);
    lm__store_close(store);
    return status;
}
