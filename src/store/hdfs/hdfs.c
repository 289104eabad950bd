/* The store: its options, its table of operations, its end. hdfs.h tells the rest. */
#define _GNU_SOURCE
#include "store/hdfs/hdfs.h"

#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/cancel.h"
#include "base/error.h"
#include "store/hdfs/tokens.h"
#include "store/place.h"

/* ---- options ---- */

static lm_status option_check(const lm_storage *storage, lm_error *error)
{
    static const char *const known[] = {
        "user",    "delegation",      "negotiate",    "conf_dir", "replication", "block_size",
        "ca_file", "connect_timeout", "idle_timeout", "attempts", "deadline",    "token"};
    for (size_t i = 0; storage && i < storage->pair_count; i++) {
        const char *key = storage->pairs[i].key;
        bool is_ours = strncmp(key, "hdfs.", 5) == 0;
        bool is_known = !is_ours && strchr(key, '.'); /* another store's */
        for (size_t k = 0; k < sizeof known / sizeof *known && !is_known; k++)
            is_known = strcmp(is_ours ? key + 5 : key, known[k]) == 0;
        if (!is_known)
            return lm__error_set(
                error, LM_INVALID,
                "the storage option %s is none of HDFS's: user, token (delegation), "
                "negotiate, conf_dir, replication, block_size, ca_file, "
                "connect_timeout, idle_timeout, attempts, deadline",
                key);
    }
    return LM_OK;
}

static lm_status number_option(const lm_storage *storage, const char *key, uint64_t max,
                               uint64_t *value, lm_error *error)
{
    const char *text = lm__storage_value(storage, "hdfs", key);
    char *end;
    if (!text) return LM_OK;
    unsigned long long number = strtoull(text, &end, 10);
    if (text[0] < '0' || text[0] > '9' || *end || number == 0 || number > max)
        return lm__error_set(error, LM_INVALID,
                             "the storage option %s is a whole number from 1 to %llu, not '%s'",
                             key, (unsigned long long)max, text);
    *value = number;
    return LM_OK;
}

static lm_status boolean_option(const lm_storage *storage, const char *key, bool *value,
                                lm_error *error)
{
    const char *text = lm__storage_value(storage, "hdfs", key);
    if (!text) return LM_OK;
    *value = strcasecmp(text, "true") == 0 || strcmp(text, "1") == 0;
    if (*value || strcasecmp(text, "false") == 0 || strcmp(text, "0") == 0) return LM_OK;
    return lm__error_set(error, LM_INVALID, "the storage option %s is true or false, not '%s'", key,
                         text);
}

/* An option, else what the environment says; in the arena. */
static lm_status text_option(lm_hdfs_store *hdfs, const lm_storage *storage, const char *key,
                             const char *variable, const char **value, lm_error *error)
{
    const char *text = lm__storage_value(storage, "hdfs", key);
    if (!text && variable) text = getenv(variable);
    *value = NULL;
    if (!text || !text[0]) return LM_OK;
    *value = lm__arena_strdup(&hdfs->arena, text);
    return *value ? LM_OK : lm__error_memory(error, "opening a store");
}

/* As whom the process runs. */
static lm_status login_name(lm_hdfs_store *hdfs, const char **name, lm_error *error)
{
    struct passwd entry, *found = NULL;
    char room[4096];
    if (getpwuid_r(geteuid(), &entry, room, sizeof room, &found) != 0 || !found) return LM_OK;
    *name = lm__arena_strdup(&hdfs->arena, found->pw_name);
    return *name ? LM_OK : lm__error_memory(error, "opening a store");
}

/* What YARN gives its containers. */
static lm_status token_load(lm_hdfs_store *hdfs, lm_error *error)
{
    const char *file = getenv("HADOOP_TOKEN_FILE_LOCATION");
    if (!file || !file[0]) return LM_OK;
    return lm__hadoop_tokens_load(&hdfs->arena, file, strstr(hdfs->root, "://") + 3,
                                  &hdfs->who.delegation, error);
}

static lm_status options_read(lm_hdfs_store *hdfs, const lm_storage *storage, lm_error *error)
{
    LM_TRY(option_check(storage, error));
    LM_TRY(number_option(storage, "replication", 512, &hdfs->replication, error));
    LM_TRY(number_option(storage, "block_size", INT64_MAX, &hdfs->block_bytes, error));
    LM_TRY(boolean_option(storage, "negotiate", &hdfs->negotiate, error));
    LM_TRY(text_option(hdfs, storage, "delegation", "HADOOP_TOKEN", &hdfs->who.delegation, error));
    if (lm__storage_value(storage, "hdfs", "token"))
        LM_TRY(text_option(hdfs, storage, "token", NULL, &hdfs->who.delegation, error));
    if (!hdfs->who.delegation) LM_TRY(token_load(hdfs, error));
    LM_TRY(text_option(hdfs, storage, "user", "HADOOP_USER_NAME", &hdfs->who.user, error));
    if (!hdfs->who.user && !hdfs->negotiate && !hdfs->who.delegation)
        LM_TRY(login_name(hdfs, &hdfs->who.user, error));
    return LM_OK;
}

static lm_status namenodes_find(lm_hdfs_store *hdfs, const lm_storage *storage, lm_error *error)
{
    lm_hadoop_conf conf;
    lm__hadoop_conf_init(&conf, hdfs->store.allocator);
    conf.user = hdfs->who.user;
    lm_status status =
        lm__hadoop_conf_load(&conf, lm__storage_value(storage, "hdfs", "conf_dir"), error);
    if (status == LM_OK)
        status = lm__namenodes_find(&conf, &hdfs->arena, hdfs->root, hdfs->root_size, &hdfs->nodes,
                                    error);
    lm__hadoop_conf_deinit(&conf);
    return status;
}

/* ---- open and close ---- */

void lm__hdfs_release(lm_hdfs_store *hdfs)
{
    if (atomic_fetch_sub(&hdfs->holders, 1) != 1) return;
    lm__remote_deinit(&hdfs->remote);
    pthread_mutex_destroy(&hdfs->mutex);
    lm__arena_deinit(&hdfs->arena);
    lm__free(hdfs->store.allocator, hdfs);
}

static bool hdfs_again(lm_store *store, unsigned turn, const lm_cancel *cancel)
{
    lm_retry_loop loop;
    lm__retry_begin(&loop, &((lm_hdfs_store *)store)->remote.retry, cancel);
    loop.attempt = turn;
    return lm__retry_again(&loop, !lm__cancel_requested(cancel), 0);
}

static void hdfs_close(lm_store *store) { lm__hdfs_release((lm_hdfs_store *)store); }

lm_status lm__store_hdfs_open(const lm_allocator *allocator, const char *url,
                              const lm_storage *storage, lm_store **store, lm_error *error)
{
    static const lm_store_ops ops = {
        .name = "hdfs",
        .stage_open = lm__hdfs_stage_open,
        .open = lm__hdfs_open,
        .open_seen = lm__hdfs_open_seen,
        .stat = lm__hdfs_stat,
        .list = lm__hdfs_list,
        .remove = lm__hdfs_remove,
        .tree_sync = lm__hdfs_tree_sync,
        .tree_commit = lm__hdfs_tree_commit,
        .tree_remove = lm__hdfs_tree_remove,
        .reap = lm__hdfs_reap,
        .concat = lm__hdfs_concat,
        .again = hdfs_again,
        .close = hdfs_close,
    };
    allocator = lm__allocator_or_default(allocator);
    lm_hdfs_store *hdfs = lm__alloc_zero(allocator, sizeof *hdfs);
    *store = NULL;
    if (!hdfs) return lm__error_memory(error, "opening a store");
    hdfs->store = (lm_store){.ops = &ops,
                             .caps = LM_STORE_REPLACE | LM_STORE_IF_ABSENT | LM_STORE_TREE |
                                     LM_STORE_REAP | LM_STORE_ADOPT | LM_STORE_CONCAT,
                             .allocator = allocator};
    lm__arena_init(&hdfs->arena, allocator, LM_HDFS_ANSWER_ARENA_BYTES_MAX);
    atomic_init(&hdfs->holders, 1);
    pthread_mutex_init(&hdfs->mutex, NULL);
    if (storage) hdfs->cancel = storage->cancel;
    hdfs->root_size = lm__place_root_size(url);
    hdfs->root = lm__arena_strndup(&hdfs->arena, url, hdfs->root_size);
    lm_status status = hdfs->root ? LM_OK : lm__error_memory(error, "opening a store");
    if (status == LM_OK) status = options_read(hdfs, storage, error);
    if (status == LM_OK) status = namenodes_find(hdfs, storage, error);
    if (status == LM_OK) status = lm__remote_init(&hdfs->remote, allocator, storage, "hdfs", error);
    if (status != LM_OK) {
        lm__hdfs_release(hdfs);
        return status;
    }
    *store = &hdfs->store;
    return LM_OK;
}
