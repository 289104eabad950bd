/* Keeping and pruning replaced files; keep.h tells the invariants. */
#define _GNU_SOURCE
#include "publish/keep.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/limits.h"
#include "publish/keep_name.h"

bool lm__keep_name_is(const char *name, const char *of, size_t of_size)
{
    if (strlen(name) != LM_KEEP_NAME_EXTRA + of_size || name[0] != '.') return false;
    const char *stamp = name + 1 + of_size + sizeof LM_KEEP_INFIX - 1;
    if (memcmp(name + 1, of, of_size) != 0) return false;
    if (memcmp(name + 1 + of_size, LM_KEEP_INFIX, sizeof LM_KEEP_INFIX - 1) != 0) return false;
    for (size_t i = 0; i < LM_KEEP_STAMP_SIZE; i++) {
        char wanted = LM_KEEP_STAMP_SHAPE[i];
        bool digit = stamp[i] >= '0' && stamp[i] <= '9';
        if (wanted == '0' ? !digit : stamp[i] != wanted) return false;
    }
    return true;
}

void lm__keep_stamp(int64_t wall_ns, char stamp[LM_KEEP_STAMP_SIZE + 1])
{
    time_t seconds = (time_t)(wall_ns / 1000000000);
    struct tm utc;
    if (wall_ns < 0 || !gmtime_r(&seconds, &utc)) utc = (struct tm){.tm_year = 70, .tm_mday = 1};
    size_t used = strftime(stamp, LM_KEEP_STAMP_SIZE + 1, "%Y%m%dT%H%M%S", &utc);
    snprintf(stamp + used, LM_KEEP_STAMP_SIZE + 1 - used, ".%09dZ", (int)(wall_ns % 1000000000));
}

/* The stamp after this one, should the clock have gone back: one more in its last digits. */
static void stamp_after(char stamp[LM_KEEP_STAMP_SIZE + 1])
{
    for (size_t i = LM_KEEP_STAMP_SIZE; i-- > 0;) {
        if (LM_KEEP_STAMP_SHAPE[i] != '0') continue;
        if (stamp[i] != '9') {
            stamp[i]++;
            return;
        }
        stamp[i] = '0';
    }
}

static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

static lm_status kept_path(const char *path, const char *kept_name, char out[LM_FILE_PATH_MAX],
                           lm_error *error)
{
    int directory = (int)(base_name(path) - path);
    int needed = snprintf(out, LM_FILE_PATH_MAX, "%.*s%s", directory, path, kept_name);
    if (needed > 0 && needed < LM_FILE_PATH_MAX) return LM_OK;
    return lm__error_set(error, LM_INVALID, "%s: the path is too long", path);
}

static lm_status directory_of(const char *path, char out[LM_FILE_PATH_MAX], lm_error *error)
{
    size_t length = (size_t)(base_name(path) - path);
    if (length >= LM_FILE_PATH_MAX)
        return lm__error_set(error, LM_INVALID, "%s: the path is too long", path);
    memcpy(out, path, length);
    strcpy(out + length, length ? "" : ".");
    return LM_OK;
}

lm_status lm__keep_check(lm_store *store, const char *path, lm_error *error)
{
    lm_store_stat stat;
    char unique[LM_UNIQUE_MAX], name[64], probe[LM_FILE_PATH_MAX];
    lm_status status = lm__store_require(store, LM_STORE_LINK, error);
    if (status != LM_OK) return lm__error_within(error, status, "%s", path);
    if (strlen(base_name(path)) + LM_KEEP_NAME_EXTRA > LM_NAME_BYTES_MAX)
        return lm__error_set(error, LM_INVALID,
                             "%s: the name is too long to be kept under another: %zu bytes, the "
                             "most is %zu",
                             path, strlen(base_name(path)),
                             (size_t)LM_NAME_BYTES_MAX - LM_KEEP_NAME_EXTRA);
    status = lm__store_stat(store, path, false, &stat, error);
    if (status == LM_NOT_FOUND) return LM_OK;
    LM_TRY(status);
    /* Named like a temporary file, so that gc takes it away should we die in between. */
    LM_TRY(lm__unique(unique, error));
    snprintf(name, sizeof name, ".lamella-%s.tmp", unique);
    LM_TRY(kept_path(path, name, probe, error));
    status = lm__store_link(store, path, probe, LM_DURABILITY_NONE, error);
    if (status == LM_NOT_FOUND) return LM_OK;
    if (status != LM_OK)
        return lm__error_within(error, status, "%s: the old file cannot be kept", path);
    return lm__store_remove(store, probe, LM_DURABILITY_NONE, error);
}

/* The newest kept name among the directory's. */
typedef struct newest_search {
    const char *name;
    size_t size;
    char stamp[LM_KEEP_STAMP_SIZE + 1];
} newest_search;

static lm_status newest_look(void *context, const lm_store_entry *entry, lm_error *error)
{
    newest_search *newest = context;
    (void)error;
    if (!lm__keep_name_is(entry->name, newest->name, newest->size)) return LM_OK;
    const char *stamp = entry->name + LM_KEEP_NAME_EXTRA - LM_KEEP_STAMP_SIZE + newest->size;
    if (strcmp(stamp, newest->stamp) > 0) memcpy(newest->stamp, stamp, sizeof newest->stamp);
    return LM_OK;
}

lm_status lm__keep_link(lm_store *store, const char *path, lm_durability durability, lm_keep *keep,
                        lm_error *error)
{
    const lm_clock *clock = lm__clock_system();
    const lm_list_options options = {0};
    char directory[LM_FILE_PATH_MAX], stamp[LM_KEEP_STAMP_SIZE + 1], name[LM_NAME_BYTES_MAX + 1];
    newest_search newest = {.name = base_name(path), .size = strlen(base_name(path))};
    keep->path[0] = '\0';
    LM_TRY(directory_of(path, directory, error));
    LM_TRY(lm__store_list(store, directory, &options, newest_look, &newest, error));
    lm__keep_stamp(clock->wall_ns(clock->context), stamp);
    if (strcmp(stamp, newest.stamp) <= 0) {
        memcpy(stamp, newest.stamp, sizeof stamp);
        stamp_after(stamp);
    }
    lm_status status = LM_EXISTS;
    for (int i = 0; status == LM_EXISTS && i < LM_KEEP_TRIES_MAX; i++, stamp_after(stamp)) {
        snprintf(name, sizeof name, ".%s" LM_KEEP_INFIX "%s", newest.name, stamp);
        LM_TRY(kept_path(path, name, keep->path, error));
        status = lm__store_link(store, path, keep->path, durability, error);
    }
    if (status != LM_OK) keep->path[0] = '\0';
    if (status == LM_NOT_FOUND) return LM_OK; /* nothing stands there */
    return status == LM_OK
               ? LM_OK
               : lm__error_within(error, status, "%s: the old file cannot be kept", path);
}

void lm__keep_drop(lm_store *store, lm_keep *keep)
{
    /* Should it fail, undo and the next prune know the link for what it is (invariant 3). */
    if (keep->path[0]) (void)!lm__store_remove(store, keep->path, LM_DURABILITY_NONE, NULL);
    keep->path[0] = '\0';
}

/* A prune's look at the directory: every kept name, newest last. */
typedef struct prune_search {
    const char *name;
    size_t size;
    uint64_t standing; /* the inode at the path */
    lm_keep_names names;
} prune_search;

static lm_status pruning_look(void *context, const lm_store_entry *entry, lm_error *error)
{
    prune_search *pruning = context;
    if (!lm__keep_name_is(entry->name, pruning->name, pruning->size)) return LM_OK;
    return lm__keep_names_add(&pruning->names, entry->name, entry->stat.inode == pruning->standing,
                              error);
}

lm_status lm__keep_prune(lm_store *store, const char *path, unsigned count, lm_error *error)
{
    prune_search pruning = {.name = base_name(path), .size = strlen(base_name(path))};
    const lm_list_options options = {.with_stat = true};
    char directory[LM_FILE_PATH_MAX], kept[LM_FILE_PATH_MAX];
    lm_store_stat stat;
    unsigned seen = 0;
    LM_TRY(directory_of(path, directory, error));
    LM_TRY(lm__store_stat(store, path, false, &stat, error));
    pruning.standing = stat.inode;
    lm__keep_names_init(&pruning.names, store->allocator);
    lm_status status = lm__store_list(store, directory, &options, pruning_look, &pruning, error);
    if (status == LM_OK) lm__keep_names_sort(&pruning.names);
    for (size_t i = pruning.names.count; status == LM_OK && i-- > 0;) {
        const lm_keep_name *next = &pruning.names.items[i];
        if (!next->is_standing && seen++ < count) continue;
        status = kept_path(path, next->name, kept, error);
        if (status == LM_OK) status = lm__store_remove(store, kept, LM_DURABILITY_NONE, error);
        if (status == LM_NOT_FOUND) status = LM_OK; /* another publication was faster */
    }
    lm__keep_names_deinit(&pruning.names);
    return status;
}
