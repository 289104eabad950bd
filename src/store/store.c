/* The checked calls of store.h, and what can be said in terms of them. */
#include "store/store.h"

#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/error.h"

/* ---- refusals ---- */

static const char *cap_text(lm_store_cap cap)
{
    switch (cap) {
    case LM_STORE_REPLACE: return "replace an object in one step: use a new name (if-absent)";
    case LM_STORE_IF_ABSENT: return "create an object only where none is (if-absent)";
    case LM_STORE_IF_MATCH: return "replace only what was seen (if-match)";
    case LM_STORE_IF_MATCH_ALL: return "replace only what was seen, whoever else writes";
    case LM_STORE_LINK: return "give an object a second name, so none is kept (--keep)";
    case LM_STORE_TREE: return "put a directory in place in one step";
    case LM_STORE_TREE_EXCHANGE: return "exchange a directory for another in one step";
    case LM_STORE_LOCAL: return "choose the durability: it is always full";
    case LM_STORE_REAP: return "tell a dead writer's leftovers from a living one's";
    case LM_STORE_ADOPT: return "put a finished file in place";
    case LM_STORE_COPY: return "copy a file's bytes by itself";
    case LM_STORE_CONCAT: return "join files where their bytes lie";
    }
    return "do that";
}

lm_status lm__store_require(const lm_store *store, lm_store_cap cap, lm_error *error)
{
    if (store->caps & (unsigned)cap) return LM_OK;
    return lm__error_set(error, LM_UNSUPPORTED, "the %s store cannot %s", store->ops->name,
                         cap_text(cap));
}

static lm_status mode_check(const lm_store *store, lm_commit_mode mode, const char *match,
                            lm_error *error)
{
    lm_checksum_kind kind;
    char canonical[LM_CHECKSUM_TEXT_MAX];
    switch (mode) {
    case LM_COMMIT_REPLACE: return lm__store_require(store, LM_STORE_REPLACE, error);
    case LM_COMMIT_IF_ABSENT: return lm__store_require(store, LM_STORE_IF_ABSENT, error);
    case LM_COMMIT_IF_MATCH:
        LM_TRY(lm__store_require(store, LM_STORE_IF_MATCH, error));
        if (!match) return lm__error_set(error, LM_INVALID, "if-match needs a checksum");
        if (strncmp(match, "version:", 8) == 0) return LM_OK;
        return lm__checksum_parse(match, &kind, canonical, error);
    }
    return lm__error_set(error, LM_INVALID, "unknown commit mode %d", (int)mode);
}

/* ---- stages ---- */

static lm_status sink_finish(lm_sink *sink, lm_error *error)
{
    return lm__stage_seal((lm_stage *)sink, error);
}

static void sink_abort(lm_sink *sink)
{
    if (sink->first_error.code == LM_OK)
        lm__error_set(&sink->first_error, LM_CANCELLED, "the publication was given up");
}

void lm__stage_init(lm_stage *stage, lm_store *store, const lm_stage_ops *ops,
                    lm_status (*write)(lm_sink *sink, const void *data, size_t size,
                                       lm_error *error))
{
    stage->sink_ops = (lm_sink_ops){write, sink_finish, sink_abort};
    stage->owner = getpid();
    lm_sink_init(&stage->sink, &stage->sink_ops);
    stage->ops = ops;
    stage->store = store;
}

static lm_status options_check(const lm_store *store, const lm_stage_options *options,
                               lm_error *error)
{
    LM_TRY(mode_check(store, options->mode, options->match, error));
    if ((unsigned)options->durability > LM_DURABILITY_NONE)
        return lm__error_set(error, LM_INVALID, "unknown durability %d", (int)options->durability);
    if (options->durability != LM_DURABILITY_FULL)
        LM_TRY(lm__store_require(store, LM_STORE_LOCAL, error));
    return options->adopt ? lm__store_require(store, LM_STORE_ADOPT, error) : LM_OK;
}

lm_status lm__stage_open(lm_store *store, const char *path, const lm_stage_options *options,
                         lm_stage **stage, lm_error *error)
{
    static const lm_stage_options defaults = {0};
    if (!options) options = &defaults;
    *stage = NULL;
    lm_status status = options_check(store, options, error);
    if (status != LM_OK) return lm__error_within(error, status, "%s", path);
    return store->ops->stage_open(store, path, options, stage, error);
}

lm_status lm__stage_write(lm_stage *stage, const void *data, size_t size, lm_error *error)
{
    if (stage->is_sealed || stage->is_ended)
        return lm__error_set(error, LM_INVALID, "%s is sealed: nothing can be written any more",
                             stage->sealed.path);
    return lm_sink_write(&stage->sink, data, size, error);
}

lm_status lm__stage_copy(lm_stage *stage, lm_source *source, uint64_t offset, uint64_t length,
                         uint64_t *copied, lm_error *error)
{
    lm_error *first = &stage->sink.first_error;
    *copied = 0;
    if (stage->is_sealed || stage->is_ended)
        return lm__error_set(error, LM_INVALID, "%s is sealed: nothing can be written any more",
                             stage->sealed.path);
    if (offset > source->size || length > source->size - offset)
        return lm__error_set(error, LM_INVALID, "%s has no bytes there", source->name);
    if (first->code == LM_OK && stage->ops->copy && length > 0) {
        lm_status status = stage->ops->copy(stage, source, offset, length, copied, first);
        stage->sink.bytes += *copied;
        if (status != LM_OK && first->code == LM_OK)
            lm__error_set(first, status, "%s", lm_status_text(status));
    }
    if (first->code != LM_OK && error) *error = *first;
    return first->code;
}

lm_status lm__stage_end(lm_stage *stage, bool *ended, lm_error *error)
{
    lm_error *first = &stage->sink.first_error;
    *ended = false;
    if (first->code == LM_OK && !stage->is_ended && !stage->is_sealed && stage->ops->end) {
        lm_status status = stage->ops->end(stage, ended, first);
        if (status != LM_OK && first->code == LM_OK)
            lm__error_set(first, status, "%s", lm_status_text(status));
        stage->is_ended = status == LM_OK && *ended;
    }
    *ended = stage->is_ended || stage->is_sealed;
    if (first->code != LM_OK && error) *error = *first;
    return first->code;
}

lm_status lm__stage_seal(lm_stage *stage, lm_error *error)
{
    lm_error *first = &stage->sink.first_error;
    if (stage->owner != getpid())
        return lm__error_set(error, LM_INVALID,
                             "%s: process %ld opened this publication, and process %ld, which was "
                             "forked from it, cannot end it",
                             stage->sealed.path, stage->owner, (long)getpid());
    if (first->code == LM_OK && !stage->is_sealed) {
        lm_status status = stage->ops->seal(stage, first);
        if (status != LM_OK && first->code == LM_OK)
            lm__error_set(first, status, "%s", lm_status_text(status));
        stage->is_sealed = status == LM_OK;
    }
    if (first->code != LM_OK && error) *error = *first;
    return first->code;
}

lm_status lm__stage_commit(lm_stage *stage, lm_error *error)
{
    if (!stage->is_sealed || stage->is_committed)
        return lm__error_set(error, LM_INVALID, "%s is %s", stage->sealed.path,
                             stage->is_committed ? "committed already" : "not sealed");
    stage->is_committed = true; /* whatever comes of it: nothing is tried twice */
    return stage->ops->commit(stage, error);
}

void lm__stage_close(lm_stage *stage)
{
    if (stage && stage->owner == getpid()) stage->ops->close(stage);
}

/* ---- the store ---- */

lm_status lm__store_open(lm_store *store, const char *path, lm_source **source, lm_error *error)
{
    *source = NULL;
    lm_status status = store->ops->open(store, path, source, error);
    if (status != LM_OK) *source = NULL;
    return status;
}

lm_status lm__store_open_seen(lm_store *store, const char *path, uint64_t size, uint64_t inode,
                              lm_source **source, lm_error *error)
{
    *source = NULL;
    if (store->ops->open_seen && inode)
        return store->ops->open_seen(store, path, size, inode, source, error);
    LM_TRY(lm__store_open(store, path, source, error));
    if ((*source)->size == size) return LM_OK;
    lm_status status =
        lm__error_set(error, LM_STALE,
                      "%s: it had %llu bytes a moment ago, and has %llu now: it was replaced, or "
                      "is being written to",
                      path, (unsigned long long)size, (unsigned long long)(*source)->size);
    lm_source_close(*source);
    *source = NULL;
    return status;
}

lm_status lm__store_stat(lm_store *store, const char *path, bool follow, lm_store_stat *stat,
                         lm_error *error)
{
    return store->ops->stat(store, path, follow, stat, error);
}

lm_status lm__store_list(lm_store *store, const char *path, const lm_list_options *options,
                         lm_list_callback *callback, void *context, lm_error *error)
{
    static const lm_list_options defaults = {0};
    return store->ops->list(store, path, options ? options : &defaults, callback, context, error);
}

lm_status lm__store_remove(lm_store *store, const char *path, lm_durability durability,
                           lm_error *error)
{
    return store->ops->remove(store, path, durability, error);
}

lm_status lm__store_link(lm_store *store, const char *from, const char *to,
                         lm_durability durability, lm_error *error)
{
    LM_TRY(lm__store_require(store, LM_STORE_LINK, error));
    return store->ops->link(store, from, to, durability, error);
}

lm_status lm__store_exclusive(lm_store *store, const char *path, lm_cancel *cancel,
                              lm_exclusive_run *run, void *context, lm_error *error)
{
    if (!store->ops->exclusive) return run(context, error);
    return store->ops->exclusive(store, path, cancel, run, context, error);
}

lm_status lm__store_sync_directory(lm_store *store, const char *path, lm_error *error)
{
    if (!store->ops->sync_directory) return LM_OK;
    return store->ops->sync_directory(store, path, error);
}

lm_status lm__store_tree_sync(lm_store *store, const char *path, lm_cancel *cancel, lm_error *error)
{
    LM_TRY(lm__store_require(store, LM_STORE_TREE, error));
    return store->ops->tree_sync(store, path, cancel, error);
}

lm_status lm__store_tree_commit(lm_store *store, const char *staged, const char *path,
                                const lm_tree_options *options, lm_tree_result *result,
                                lm_error *error)
{
    static const lm_tree_options defaults = {0};
    if (!options) options = &defaults;
    memset(result, 0, sizeof *result);
    if (options->mode == LM_COMMIT_IF_MATCH)
        return lm__error_set(error, LM_UNSUPPORTED, "if-match is for files, not directories");
    LM_TRY(lm__store_require(store, LM_STORE_TREE, error));
    return store->ops->tree_commit(store, staged, path, options, result, error);
}

lm_status lm__store_tree_remove(lm_store *store, const char *path, lm_cancel *cancel,
                                lm_error *error)
{
    LM_TRY(lm__store_require(store, LM_STORE_TREE, error));
    return store->ops->tree_remove(store, path, cancel, error);
}

lm_status lm__store_reap(lm_store *store, const char *path, const lm_reap_options *options,
                         lm_gc_callback *callback, void *context, lm_error *error)
{
    LM_TRY(lm__store_require(store, LM_STORE_REAP, error));
    return store->ops->reap(store, path, options, callback, context, error);
}

/* The bytes of `path` up to its last part. */
static size_t directory_size(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? (size_t)(slash - path) : 0;
}

lm_status lm__store_concat(lm_store *store, const char *target, const char *const *sources,
                           size_t count, lm_cancel *cancel, size_t *done, lm_error *error)
{
    size_t directory = directory_size(target);
    *done = 0;
    LM_TRY(lm__store_require(store, LM_STORE_CONCAT, error));
    for (size_t i = 0; i < count; i++) {
        if (directory_size(sources[i]) != directory || memcmp(sources[i], target, directory) != 0)
            return lm__error_set(error, LM_INVALID,
                                 "%s and %s are in two directories: the %s "
                                 "store joins files of one",
                                 sources[i], target, store->ops->name);
        if (strcmp(sources[i], target) == 0)
            return lm__error_set(error, LM_INVALID, "%s cannot be joined to itself", target);
    }
    return store->ops->concat(store, target, sources, count, cancel, done, error);
}

void lm__store_close(lm_store *store)
{
    if (store) store->ops->close(store);
}

/* ---- in terms of the above ---- */

lm_status lm__store_put_if_absent(lm_store *store, const char *path, const void *data, size_t size,
                                  lm_error *error)
{
    const lm_stage_options options = {.mode = LM_COMMIT_IF_ABSENT, .size_expected = size};
    lm_stage *stage;
    LM_TRY(lm__stage_open(store, path, &options, &stage, error));
    lm_status status = lm__stage_write(stage, data, size, error);
    if (status == LM_OK) status = lm__stage_seal(stage, error);
    if (status == LM_OK) status = lm__stage_commit(stage, error);
    lm__stage_close(stage);
    return status;
}

lm_status lm__store_read(lm_store *store, const char *path, const lm_allocator *allocator,
                         size_t size_max, uint8_t **data, size_t *size, lm_error *error)
{
    lm_source *source;
    *data = NULL;
    *size = 0;
    LM_TRY(lm__store_open(store, path, &source, error));
    lm_status status = LM_OK;
    if (source->size > size_max) {
        status = lm__error_set(error, LM_LIMIT, "%s has %llu bytes, more than the %zu allowed",
                               path, (unsigned long long)source->size, size_max);
    } else if (!(*data = lm__alloc(allocator, (size_t)source->size))) {
        status = lm__error_memory(error, "reading a file");
    } else {
        *size = (size_t)source->size;
        status = lm_source_read(source, 0, *data, *size, error);
    }
    lm_source_close(source);
    if (status != LM_OK) {
        lm__free(allocator, *data);
        *data = NULL;
    }
    return status;
}

static lm_status source_sum(lm_source *source, lm_checksum *sum, uint8_t *block, size_t block_bytes,
                            lm_cancel *cancel, lm_error *error)
{
    for (uint64_t at = 0; at < source->size;) {
        size_t step = source->size - at < block_bytes ? (size_t)(source->size - at) : block_bytes;
        if (lm__cancel_requested(cancel))
            return lm__error_set(error, LM_CANCELLED, "%s: interrupted", source->name);
        LM_TRY(lm_source_read(source, at, block, step, error));
        LM_TRY(lm__checksum_update(sum, block, step, error));
        at += step;
    }
    return LM_OK;
}

lm_status lm__store_checksum(lm_store *store, const char *path, lm_checksum_kind kind,
                             lm_cancel *cancel, char text[LM_CHECKSUM_TEXT_MAX], lm_error *error)
{
    const size_t block_bytes = 256 * 1024;
    lm_checksum sum;
    lm_source *source;
    LM_TRY(lm__checksum_init(&sum, kind, error));
    lm_status status = lm__store_open(store, path, &source, error);
    uint8_t *block = NULL;
    if (status == LM_OK) {
        block = lm__alloc(store->allocator, block_bytes);
        status = block ? source_sum(source, &sum, block, block_bytes, cancel, error)
                       : lm__error_memory(error, "summing a file");
    }
    if (status == LM_OK) status = lm__checksum_final(&sum, text, error);
    lm__free(store->allocator, block);
    lm_source_close(source);
    lm__checksum_deinit(&sum);
    return status;
}
