/*
 * The publication of one file: a stage of a store, with what the caller gets to know of it. Above
 * the stores, below the command, the tables and Python.
 *
 * Invariants
 *  1. The result's state is NOT_DONE until the store has said otherwise, and is true whatever the
 *     status.
 *  2. After a finish, good or bad, the stage is closed: nothing is left beside the destination.
 *  3. The hook runs after seal and before commit, or not at all.
 *  4. A publication is its process's: in a fork of that one a finish is refused, and a close leaves
 *     all as it is.
 */
#define _GNU_SOURCE
#include "publish/file.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/error.h"
#include "base/limits.h"
#include "publish/extras.h"
#include "store/place.h"

_Static_assert(LM_FILE_CHECKSUM_MAX >= LM_CHECKSUM_TEXT_MAX, "a checksum's text fits");
_Static_assert(LM_FILE_PATH_MAX >= LM_PATH_BYTES_MAX, "a path fits");

struct lm_file_publication {
    lm_sink sink; /* the first member: lm_file_sink gives it out */
    const lm_allocator *allocator;
    lm_store *own_store; /* closed with the publication; NULL: the caller's */
    lm_stage *stage;     /* NULL once finished */
    lm_store *store;     /* of the stage */
    bool broke_off;      /* as lm_stage has it */
    lm_file_hooks hooks;
    lm_extras extras;
    lm_cancel *cancel;
    lm_file_result result;
};

/* ---- the sink ---- */

static lm_status publication_write(lm_sink *sink, const void *data, size_t size, lm_error *error)
{
    lm_file_publication *p = (lm_file_publication *)sink;
    if (!p->stage) return lm__error_set(error, LM_INVALID, "the publication is finished");
    return lm__stage_write(p->stage, data, size, error);
}

/* The part of the result that the seal has settled. */
static void result_fill(lm_file_publication *p)
{
    const lm_sealed *sealed = &p->stage->sealed;
    lm_file_result *result = &p->result;
    result->bytes = p->stage->sink.bytes;
    result->replaced = sealed->replaces;
    result->warnings = sealed->warnings;
    result->direct = sealed->direct;
    result->mtime_ns = sealed->mtime_ns;
    result->device = sealed->device;
    result->inode = sealed->inode;
    snprintf(result->checksum, sizeof result->checksum, "%s", sealed->checksum);
    snprintf(result->path, sizeof result->path, "%s", sealed->path);
}

static lm_commit_state state_of(lm_status status)
{
    switch (status) {
    case LM_OK: return LM_COMMIT_DONE;
    case LM_UNKNOWN_DURABILITY: return LM_COMMIT_VISIBLE;
    case LM_UNKNOWN_OUTCOME: return LM_COMMIT_UNKNOWN;
    default: return LM_COMMIT_NOT_DONE;
    }
}

static void stage_end(lm_file_publication *p)
{
    p->broke_off = p->stage->broke_off && p->result.state == LM_COMMIT_NOT_DONE;
    lm__stage_close(p->stage);
    p->stage = NULL;
}

static lm_status publication_finish(lm_sink *sink, lm_error *error)
{
    lm_file_publication *p = (lm_file_publication *)sink;
    if (!p->stage) return lm__error_set(error, LM_INVALID, "the publication is finished");
    lm_store *store = p->stage->store;
    lm_status status = lm__stage_seal(p->stage, error);
    if (status == LM_OK) status = lm__extras_before(&p->extras, store, &p->stage->sealed, error);
    if (status == LM_OK && p->hooks.before_commit)
        status = p->hooks.before_commit(p->hooks.context, store, &p->stage->sealed, error);
    if (status == LM_OK) {
        status = lm__stage_commit(p->stage, error);
        p->result.state = state_of(status);
    }
    lm__extras_after(&p->extras, store, &p->stage->sealed, p->result.state,
                     &p->stage->sealed.warnings);
    result_fill(p);
    stage_end(p);
    return status;
}

static void publication_abort(lm_sink *sink)
{
    lm_file_publication *p = (lm_file_publication *)sink;
    if (!p->stage) return;
    if (sink->first_error.code == LM_OK)
        lm__error_set(&sink->first_error, LM_CANCELLED, "%s: the publication was given up",
                      p->stage->sealed.path);
    stage_end(p);
}

/* ---- open to close ---- */

static lm_status checksum_kind(const char *text, const lm_manifest *manifest,
                               lm_checksum_kind *kind, lm_error *error)
{
    *kind = manifest && !text ? LM_CHECKSUM_SHA256 : LM_CHECKSUM_CRC32C;
    if (!text || strcmp(text, "crc32c") == 0) return LM_OK;
    if (strcmp(text, "sha256") == 0)
        *kind = LM_CHECKSUM_SHA256;
    else if (strcmp(text, "none") == 0)
        *kind = LM_CHECKSUM_NONE;
    else
        return lm__error_set(error, LM_INVALID, "checksum %s is none of crc32c, sha256, none",
                             text);
    if (manifest && *kind == LM_CHECKSUM_NONE)
        return lm__error_set(error, LM_INVALID, "a manifest needs a checksum");
    return LM_OK;
}

/* A failure before there is a publication has a result too. */
static lm_status file_open(lm_store *store, const char *path, const char *adopt,
                           const lm_file_options *options, const lm_file_hooks *hooks,
                           lm_file_publication **publication, lm_error *error)
{
    static const lm_sink_ops ops = {publication_write, publication_finish, publication_abort};
    static const lm_file_options defaults = {0};
    if (!options) options = &defaults;
    lm_stage_options stage = {
        .allocator = options->allocator,
        .cancel = options->cancel,
        .mode = options->mode,
        .match = options->match,
        .adopt = adopt,
        .durability = options->durability,
        .direct = options->direct,
        .size_expected = options->size_expected,
        .no_follow = options->no_follow,
        .keep_xattrs = options->keep_xattrs,
        .no_parents = options->no_parents,
    };
    LM_TRY(checksum_kind(options->checksum, options->manifest, &stage.checksum, error));
    lm_file_publication *p = lm__alloc_zero(options->allocator, sizeof *p);
    if (!p) return lm__error_memory(error, "opening a publication");
    lm_sink_init(&p->sink, &ops);
    p->allocator = options->allocator;
    p->cancel = options->cancel;
    if (hooks) p->hooks = *hooks;
    lm__extras_init(&p->extras, options);
    lm_status status = LM_OK;
    if (!store) {
        status =
            lm__store_for(options->allocator, path, options->storage, &p->own_store, &path, error);
        store = p->own_store;
    }
    p->store = store;
    if (status == LM_OK) status = lm__stage_open(store, path, &stage, &p->stage, error);
    if (status == LM_OK)
        status = lm__extras_check(&p->extras, p->stage->store, p->stage->sealed.path, error);
    if (status != LM_OK) {
        lm_file_close(p);
        return status;
    }
    *publication = p;
    return LM_OK;
}

lm_status lm__file_open(lm_store *store, const char *path, const lm_file_options *options,
                        const lm_file_hooks *hooks, lm_file_publication **publication,
                        lm_error *error)
{
    *publication = NULL;
    return file_open(store, path, NULL, options, hooks, publication, error);
}

lm_status lm__file_adopt(lm_store *store, const char *path, const char *staged,
                         const lm_file_options *options, const lm_file_hooks *hooks,
                         lm_file_publication **publication, lm_error *error)
{
    *publication = NULL;
    return file_open(store, path, staged, options, hooks, publication, error);
}

lm_status lm__file_copy(lm_file_publication *publication, lm_source *source, uint64_t offset,
                        uint64_t length, uint64_t *copied, lm_error *error)
{
    *copied = 0;
    if (!publication->stage) return lm__error_set(error, LM_INVALID, "the publication is finished");
    lm_status status = lm__stage_copy(publication->stage, source, offset, length, copied, error);
    publication->sink.bytes += *copied;
    if (status != LM_OK && publication->sink.first_error.code == LM_OK)
        publication->sink.first_error = publication->stage->sink.first_error;
    return status;
}

lm_status lm_file_open(const char *path, const lm_file_options *options,
                       lm_file_publication **publication, lm_error *error)
{
    *publication = NULL;
    return file_open(NULL, path, NULL, options, NULL, publication, error);
}

lm_sink *lm_file_sink(lm_file_publication *publication) { return &publication->sink; }

lm_status lm_file_write(lm_file_publication *publication, const void *data, size_t size,
                        lm_error *error)
{
    return lm_sink_write(&publication->sink, data, size, error);
}

lm_status lm_file_finish(lm_file_publication *publication, lm_file_result *result, lm_error *error)
{
    lm_status status = lm_sink_finish(&publication->sink, error);
    if (publication->stage) { /* a write had failed: the finish was not reached */
        result_fill(publication);
        stage_end(publication);
    }
    if (result) *result = publication->result;
    return status;
}

bool lm__file_again(const lm_file_publication *p, unsigned turn)
{
    bool broke_off = p->stage ? p->stage->broke_off : p->broke_off;
    return broke_off && p->store->ops->again && p->store->ops->again(p->store, turn, p->cancel);
}

lm_store *lm__file_store_take(lm_file_publication *p)
{
    lm_store *store = p->own_store;
    p->own_store = NULL;
    return store;
}

void lm_file_close(lm_file_publication *publication)
{
    if (!publication) return;
    lm__stage_close(publication->stage);
    lm__store_close(publication->own_store);
    lm__free(publication->allocator, publication);
}

/* ---- in one call ---- */

/* Finishes if all went well so far; closes in any case. */
static lm_status one_call_end(lm_file_publication *p, lm_status status, lm_file_result *result,
                              lm_error *error)
{
    if (status == LM_OK) {
        status = lm_file_finish(p, result, error);
    } else if (result) {
        result_fill(p);
        *result = p->result;
    }
    lm_file_close(p);
    return status;
}

static lm_status one_call_open(const char *path, const lm_file_options *options,
                               uint64_t size_expected, lm_file_publication **publication,
                               lm_file_result *result, lm_error *error)
{
    lm_file_options own = options ? *options : (lm_file_options){0};
    if (size_expected) own.size_expected = size_expected;
    if (result) memset(result, 0, sizeof *result);
    return lm_file_open(path, &own, publication, error);
}

lm_status lm_publish_bytes(const char *path, const void *data, size_t size,
                           const lm_file_options *options, lm_file_result *result, lm_error *error)
{
    lm_file_publication *p;
    LM_TRY(one_call_open(path, options, size, &p, result, error));
    return one_call_end(p, lm_file_write(p, data, size, error), result, error);
}

lm_status lm_publish_file(const char *path, const char *staged, const lm_file_options *options,
                          lm_file_result *result, lm_error *error)
{
    lm_file_publication *p = NULL;
    if (result) memset(result, 0, sizeof *result);
    if (!lm__place_is_same(path, staged))
        return lm__error_set(error, LM_UNSUPPORTED,
                             "%s is on another store than %s: stage it beside the destination, or "
                             "copy it",
                             staged, path);
    LM_TRY(file_open(NULL, path, lm__place_path(staged), options, NULL, &p, error));
    return one_call_end(p, LM_OK, result, error);
}

lm_status lm__file_copy_stream(lm_file_publication *publication, lm_pull *pull, void *context,
                               lm_error *error)
{
    uint8_t *block = lm__alloc(publication->allocator, LM_COPY_BLOCK_BYTES);
    if (!block) return lm__error_memory(error, "reading a stream");
    lm_status status = LM_OK;
    while (status == LM_OK) {
        size_t got = 0;
        status = pull(context, block, LM_COPY_BLOCK_BYTES, &got, error);
        if (status != LM_OK || got == 0) break;
        if (got > LM_COPY_BLOCK_BYTES)
            status = lm__error_set(error, LM_INVALID, "a stream gave more than there was room");
        else
            status = lm_file_write(publication, block, got, error);
    }
    lm__free(publication->allocator, block);
    return status;
}

lm_status lm__file_copy_source(lm_file_publication *publication, lm_source *source, uint64_t offset,
                               uint64_t length, uint64_t *copied, lm_error *error)
{
    *copied = 0;
    if (!publication->stage) return lm__error_set(error, LM_INVALID, "the publication is finished");
    return lm__stage_copy(publication->stage, source, offset, length, copied, error);
}

typedef struct fd_pull {
    int fd;
    lm_cancel *cancel;
} fd_pull;

static lm_status pull_from_fd(void *context, void *buffer, size_t size, size_t *got,
                              lm_error *error)
{
    const fd_pull *from = context;
    for (;;) {
        if (lm__cancel_requested(from->cancel))
            return lm__error_set(error, LM_CANCELLED, "interrupted while reading the input");
        ssize_t result = read(from->fd, buffer, size);
        if (result >= 0) {
            *got = (size_t)result;
            return LM_OK;
        }
        if (errno != EINTR) return lm__error_os(error, errno, "cannot read the input");
    }
}

lm_status lm__file_copy_fd(lm_file_publication *publication, int fd, lm_error *error)
{
    fd_pull from = {fd, publication->cancel};
    return lm__file_copy_stream(publication, pull_from_fd, &from, error);
}

lm_status lm_publish_stream(const char *path, lm_pull *pull, void *context,
                            const lm_file_options *options, lm_file_result *result, lm_error *error)
{
    lm_file_publication *p;
    LM_TRY(one_call_open(path, options, 0, &p, result, error));
    return one_call_end(p, lm__file_copy_stream(p, pull, context, error), result, error);
}

lm_status lm_publish_fd(const char *path, int fd, const lm_file_options *options,
                        lm_file_result *result, lm_error *error)
{
    lm_file_publication *p;
    LM_TRY(one_call_open(path, options, 0, &p, result, error));
    return one_call_end(p, lm__file_copy_fd(p, fd, error), result, error);
}

const char *lm_file_warning_text(unsigned warning)
{
    switch (warning) {
    case LM_FILE_WARN_OWNER: return "the owner of the replaced file could not be kept";
    case LM_FILE_WARN_GROUP:
        return "the group of the replaced file could not be kept; its permissions were narrowed";
    case LM_FILE_WARN_ACL:
        return "the access control list of the replaced file could not be kept; permissions were "
               "narrowed";
    case LM_FILE_WARN_XATTR:
        return "some extended attributes of the replaced file could not be kept";
    case LM_FILE_WARN_LOCK:
        return "the file system has no locks, so that gc cannot tell whether a temporary file is "
               "in use";
    case LM_FILE_WARN_MANIFEST:
        return "the manifest beside the file does not speak of the new file";
    case LM_FILE_WARN_KEEP: return "not all of the older kept files could be removed";
    default: return "unknown warning";
    }
}
