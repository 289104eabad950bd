/*
 * A file on its way: bytes to a DataNode under a temporary name, and what is known of them then.
 *
 * Until a block is full nothing is sent: a file that ends in it is one request, which can be made
 * again, each time under a fresh name. Larger ones stream; their first block is still at hand when
 * the upload begins, so beginning can be tried again too. What breaks later is told, with its
 * remedy: the bytes are gone, and who has them still may write them again (broke_off). (They cannot
 * be carried on with: how many a DataNode has kept is known when the lease of the file is
 * recovered, and until then another writer of the same file is still alive.)
 *
 * Invariants
 *  1. A temporary name that a failed upload may have used is never used again. What may lie there
 * is removed as well as it goes, and known to gc by its name.
 *  2. After seal the file has as many bytes as were written, by the NameNode's own word.
 */
#define _GNU_SOURCE
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/cancel.h"
#include "base/error.h"
#include "store/hdfs/hdfs.h"

typedef struct hdfs_stage {
    lm_stage stage;
    lm_hdfs_store *hdfs;
    const lm_allocator *allocator;
    lm_stage_options options;
    lm_checksum sum;
    uint8_t *block;
    size_t filled;
    lm_http_upload *upload; /* NULL until the first block is full */
    const char *data_node;  /* the place that it goes to, in `arena` */
    lm_hdfs_answer answer;  /* of the upload */
    uint64_t sent;
    lm_hdfs_file before; /* what stood there, if stage.sealed.replaces */
    lm_arena arena;      /* its texts */
    lm_hdfs_move move;   /* move.from: the temporary name, or the adopted file; "" for none yet */
    char adopted[LM_PATH_BYTES_MAX];
    char path[LM_PATH_BYTES_MAX]; /* on the store */
    char url[];                   /* as the caller wrote it */
} hdfs_stage;

static lm_status check_cancel(const hdfs_stage *s, lm_error *error)
{
    if (!lm__cancel_requested(s->options.cancel)) return LM_OK;
    return lm__error_set(error, LM_CANCELLED, "%s: interrupted", s->url);
}

lm_status lm__hdfs_temp_beside(const char *path, const char *suffix, char temp[LM_PATH_BYTES_MAX],
                               lm_error *error)
{
    char name[LM_TEMP_NAME_MAX];
    LM_TRY(lm__temp_name(name, suffix, error));
    int size =
        snprintf(temp, LM_PATH_BYTES_MAX, "%.*s/%s", (int)lm__hdfs_parent_size(path), path, name);
    if (size > 0 && (size_t)size < LM_PATH_BYTES_MAX) return LM_OK;
    return lm__error_set(error, LM_INVALID, "%s: the path is too long", path);
}

/* ---- creating ---- */

static lm_status create_parameters(const hdfs_stage *s, lm_buffer *out, lm_error *error)
{
    const lm_hdfs_store *hdfs = s->hdfs;
    uint64_t block_bytes = s->options.block_bytes ? s->options.block_bytes : hdfs->block_bytes;
    lm_status status = lm__buffer_text(out, "&overwrite=false&createparent=");
    if (status == LM_OK) status = lm__buffer_text(out, s->options.no_parents ? "false" : "true");
    if (status == LM_OK && block_bytes)
        status = lm__hdfs_parameter_number(out, "blocksize", block_bytes);
    if (status == LM_OK && hdfs->replication)
        status = lm__hdfs_parameter_number(out, "replication", hdfs->replication);
    if (status == LM_OK && s->stage.sealed.replaces)
        status = lm__buffer_printf(out, "&permission=%o", s->before.permission);
    if (status == LM_OK) status = lm__hdfs_shunned_parameter(s->hdfs, out);
    if (status == LM_OK) status = lm__buffer_byte(out, '\0');
    return status == LM_OK ? LM_OK : lm__error_memory(error, "building a request");
}

/* A fresh temporary name, and the DataNode that shall get its bytes. The NameNode makes nothing
 * yet. */
static lm_status create(hdfs_stage *s, lm_hdfs_call *call, const char **location, lm_error *error)
{
    lm_buffer parameters;
    LM_TRY(lm__hdfs_temp_beside(s->path, LM_TEMP_FILE_SUFFIX, s->move.from, error));
    lm__buffer_init(&parameters, s->allocator, 0);
    lm_status status = create_parameters(s, &parameters, error);
    if (status == LM_OK) {
        *call = (lm_hdfs_call){.method = "PUT",
                               .operation = "CREATE",
                               .path = s->move.from,
                               .parameters = (const char *)parameters.data,
                               .repeatable = true,
                               .cancel = s->options.cancel};
        status = lm__hdfs_ask(s->hdfs, call, &s->answer, error);
    }
    if (status == LM_OK) status = lm__hdfs_location(s->hdfs, call, &s->answer, location, error);
    lm__buffer_deinit(&parameters);
    if (status != LM_OK) s->move.from[0] = '\0';
    return status;
}

/* The failure that a DataNode's answer is, told of the destination. */
static lm_status data_refusal(hdfs_stage *s, const lm_hdfs_call *call, bool *passes,
                              lm_error *error)
{
    lm_hdfs_call told = *call;
    told.path = s->path;
    lm_status status = lm__hdfs_refusal(s->hdfs, &told, &s->answer, passes, error);
    if (status == LM_EXISTS || status == LM_NOT_FOUND) /* of the temporary file */
        status = lm__error_within(error, s->options.no_parents ? LM_NOT_FOUND : LM_IO,
                                  "the upload failed");
    if (error) error->code = status;
    return status;
}

static lm_http_request data_request(const hdfs_stage *s, const char *location)
{
    static const lm_http_header headers[] = {{"Content-Type", "application/octet-stream"}};
    return (lm_http_request){.method = "PUT",
                             .url = location,
                             .headers = headers,
                             .header_count = 1,
                             .expect = true,
                             .negotiate = s->hdfs->negotiate,
                             .cancel = s->options.cancel};
}

/* What failed may have left a file, and it must not meet the next attempt. */
static void forget(hdfs_stage *s)
{
    if (s->move.from[0]) lm__hdfs_discard(s->hdfs, s->move.from);
    s->move.from[0] = '\0';
}

/* One attempt to send the block and be done. */
static lm_status small_attempt(hdfs_stage *s, bool *passes, lm_error *error)
{
    lm_hdfs_call call;
    const char *location;
    *passes = false; /* the NameNode was asked as often as is worth it */
    LM_TRY(create(s, &call, &location, error));
    lm_http_request request = data_request(s, location);
    request.body = s->block;
    request.body_bytes = s->filled;
    request.expect = s->filled > 0;
    lm_status status = lm__http_send(s->hdfs->remote.http, &request, &s->answer.response, error);
    if (status != LM_OK) {
        *passes = status == LM_IO && !lm__cancel_requested(s->options.cancel);
        if (*passes) lm__hdfs_shun(s->hdfs, location, s->move.from, 0, NULL);
        return lm__error_within(error, status, "%s: the upload failed", s->url);
    }
    if (s->answer.response.status == 201) return LM_OK;
    return data_refusal(s, &call, passes, error);
}

/* One attempt to begin an upload with a full block. */
static lm_status large_attempt(hdfs_stage *s, bool *passes, lm_error *error)
{
    lm_hdfs_call call;
    const char *location;
    lm_http *http = s->hdfs->remote.http;
    *passes = false;
    LM_TRY(create(s, &call, &location, error));
    const lm_http_request request = data_request(s, location);
    lm_status status = lm__http_upload_open(http, &request, LM_HTTP_BYTES_UNKNOWN,
                                            &s->answer.response, &s->upload, error);
    if (status == LM_OK) {
        status = lm__http_upload_write(s->upload, s->block, s->filled, error);
        if (status == LM_OK) s->data_node = lm__arena_strdup(&s->arena, location);
        if (status == LM_OK) return LM_OK;
        if (s->answer.response.status == 0)
            lm__http_upload_abort(s->upload);
        else if (lm__http_upload_finish(s->upload, NULL) == LM_OK)
            status = LM_OK; /* it was answered, and the answer tells more */
        s->upload = NULL;
    }
    if (status == LM_OK || s->answer.response.status >= 400)
        return data_refusal(s, &call, passes, error);
    *passes = status == LM_IO && !lm__cancel_requested(s->options.cancel);
    if (*passes) lm__hdfs_shun(s->hdfs, location, s->move.from, 0, NULL);
    return lm__error_within(error, status, "%s: the upload failed", s->url);
}

/* The bytes are at hand: as often as it is worth it. */
static lm_status attempts(hdfs_stage *s,
                          lm_status (*attempt)(hdfs_stage *s, bool *passes, lm_error *error),
                          lm_error *error)
{
    lm_retry_loop loop;
    lm_error own;
    lm_status status;
    bool passes;
    if (!error) error = &own;
    lm__retry_begin(&loop, &s->hdfs->remote.retry, s->options.cancel);
    do {
        status = attempt(s, &passes, error);
        if (status != LM_OK) forget(s);
    } while (lm__retry_again(&loop, status != LM_OK && passes, s->answer.response.retry_after_ns));
    return status;
}

/* ---- writing ---- */

/* All of it may be written again, to another DataNode if this one is why. */
static void break_off(hdfs_stage *s, lm_status status)
{
    s->stage.broke_off = status == LM_IO && !lm__cancel_requested(s->options.cancel);
    if (s->stage.broke_off && s->data_node && s->answer.response.status == 0)
        lm__hdfs_shun(s->hdfs, s->data_node, s->move.from, 0, NULL);
}

/* What went wrong in the middle of an upload: the bytes before are gone. */
static lm_status upload_broken(hdfs_stage *s, lm_status status, lm_error *error)
{
    const lm_hdfs_call call = {.operation = "CREATE", .path = s->path};
    bool passes;
    if (s->answer.response.status == 0)
        lm__http_upload_abort(s->upload);
    else if (lm__http_upload_finish(s->upload, NULL) == LM_OK && s->answer.response.status >= 400)
        status = data_refusal(s, &call, &passes, error);
    s->upload = NULL;
    break_off(s, status);
    status = lm__error_within(error, status,
                              "%s: the upload was cut after %llu bytes and nothing is published; "
                              "write it once more",
                              s->url, (unsigned long long)s->sent);
    if (error) error->retryable = status == LM_IO;
    return status;
}

static lm_status push(hdfs_stage *s, const void *data, size_t size, lm_error *error)
{
    lm_status status = lm__http_upload_write(s->upload, data, size, error);
    if (status == LM_CANCELLED) return lm__error_set(error, status, "%s: interrupted", s->url);
    if (status != LM_OK) return upload_broken(s, status, error);
    s->sent += size;
    return LM_OK;
}

/* Sends the block, which may be full for the first time. */
static lm_status flush(hdfs_stage *s, lm_error *error)
{
    if (s->upload) {
        LM_TRY(push(s, s->block, s->filled, error));
    } else {
        LM_TRY(attempts(s, large_attempt, error));
        s->sent = s->filled;
    }
    s->filled = 0;
    return LM_OK;
}

static lm_status stage_write(lm_sink *sink, const void *data, size_t size, lm_error *error)
{
    hdfs_stage *s = (hdfs_stage *)sink;
    const uint8_t *from = data;
    LM_TRY(check_cancel(s, error));
    if (s->options.adopt)
        return lm__error_set(error, LM_INVALID, "%s is adopted: nothing can be written to it",
                             s->url);
    if (!s->block && !(s->block = lm__alloc(s->allocator, LM_HDFS_SMALL_BYTES)))
        return lm__error_memory(error, "writing to HDFS");
    LM_TRY(lm__checksum_update(&s->sum, data, size, error));
    while (size > 0) {
        if (s->upload && s->filled == 0 && size >= LM_HDFS_SMALL_BYTES)
            return push(s, from, size, error);
        size_t room = LM_HDFS_SMALL_BYTES - s->filled, part = size < room ? size : room;
        if (room == 0) {
            LM_TRY(flush(s, error));
            continue;
        }
        memcpy(s->block + s->filled, from, part);
        s->filled += part;
        from += part;
        size -= part;
    }
    return LM_OK;
}

/* ---- seal ---- */

/* The end of an upload. An answer that did not come is no failure yet: the NameNode knows. */
static lm_status upload_end(hdfs_stage *s, lm_error *error)
{
    const lm_hdfs_call call = {.operation = "CREATE", .path = s->path};
    bool passes;
    LM_TRY(push(s, s->block, s->filled, error));
    lm_status status = lm__http_upload_finish(s->upload, error);
    s->upload = NULL;
    if (status == LM_CANCELLED || status == LM_NO_MEMORY) return status;
    if (status == LM_OK && s->answer.response.status == 201) return LM_OK;
    if (status == LM_OK) (void)data_refusal(s, &call, &passes, error);
    lm_hdfs_file file;
    lm_error unused;
    if (lm__hdfs_look(s->hdfs, s->move.from, s->options.cancel, &file, &unused) == LM_OK &&
        file.size == s->stage.sink.bytes)
        return LM_OK;
    status = lm__error_within(error, LM_IO,
                              "%s: the upload of %llu bytes was not finished and nothing is "
                              "published; write it once more",
                              s->url, (unsigned long long)s->stage.sink.bytes);
    break_off(s, LM_IO);
    if (error) {
        error->code = LM_IO;
        error->retryable = true;
    }
    return status;
}

/* Whoever took the bytes was no DataNode, or somebody removed them. */
static lm_status gone(hdfs_stage *s, lm_error *error)
{
    break_off(s, LM_IO);
    lm_status status =
        lm__error_set(error, LM_IO,
                      "%s: what was uploaded is not there, and nothing is published; "
                      "write it once more",
                      s->url);
    if (error) error->retryable = true;
    return status;
}

static lm_status length_check(hdfs_stage *s, lm_error *error)
{
    const lm_hdfs_file *file = &s->move.what;
    if (file->kind != LM_STORE_FILE)
        return lm__error_set(error, LM_UNSUITABLE, "%s is not a file", s->move.from);
    if (s->options.adopt || file->size == s->stage.sink.bytes) return LM_OK;
    break_off(s, LM_IO);
    lm_status status = lm__error_set(
        error, LM_IO,
        "%s: %llu bytes were written, but the file on HDFS has %llu: nothing is "
        "published; write it once more",
        s->url, (unsigned long long)s->stage.sink.bytes, (unsigned long long)file->size);
    if (error) error->retryable = true;
    return status;
}

/* One of the attributes of the file that is to be replaced; a refusal is a warning. */
static lm_status attribute_set(hdfs_stage *s, const char *operation, const char *name,
                               const char *value, unsigned warning, lm_error *error)
{
    lm_buffer parameters;
    lm__buffer_init(&parameters, s->allocator, 0);
    lm_status status = lm__hdfs_parameter(&parameters, name, value);
    if (status == LM_OK) status = lm__buffer_byte(&parameters, '\0');
    if (status != LM_OK) {
        lm__buffer_deinit(&parameters);
        return lm__error_memory(error, "building a request");
    }
    const lm_hdfs_call call = {.method = "PUT",
                               .operation = operation,
                               .path = s->move.from,
                               .parameters = (const char *)parameters.data,
                               .repeatable = true,
                               .cancel = s->options.cancel};
    status = lm__hdfs_do(s->hdfs, &call, error);
    lm__buffer_deinit(&parameters);
    if (status == LM_PERMISSION || status == LM_UNSUPPORTED || status == LM_INVALID) {
        s->stage.sealed.warnings |= warning;
        return LM_OK;
    }
    return status;
}

/* Mode, group and owner of the file that is to be replaced, where the new one has others. */
static lm_status attributes_keep(hdfs_stage *s, const lm_hdfs_file *made, lm_error *error)
{
    const lm_hdfs_file *old = &s->before;
    char mode[8];
    if (!s->stage.sealed.replaces) return LM_OK;
    if (s->options.keep_xattrs) s->stage.sealed.warnings |= LM_FILE_WARN_XATTR;
    if (old->has_acl) s->stage.sealed.warnings |= LM_FILE_WARN_ACL;
    if (old->owner[0] && strcmp(old->owner, made->owner) != 0)
        LM_TRY(attribute_set(s, "SETOWNER", "owner", old->owner, LM_FILE_WARN_OWNER, error));
    if (old->group[0] && strcmp(old->group, made->group) != 0)
        LM_TRY(attribute_set(s, "SETOWNER", "group", old->group, LM_FILE_WARN_GROUP, error));
    if (old->permission == made->permission) return LM_OK;
    snprintf(mode, sizeof mode, "%o", old->permission);
    return attribute_set(s, "SETPERMISSION", "permission", mode, LM_FILE_WARN_ACL, error);
}

static lm_status adopted_sum(hdfs_stage *s, lm_error *error)
{
    char path[LM_PATH_BYTES_MAX];
    if (s->options.checksum == LM_CHECKSUM_NONE) return LM_OK;
    snprintf(path, sizeof path, "%s", s->move.from);
    return lm__store_checksum(&s->hdfs->store, path, s->options.checksum, s->options.cancel,
                              s->stage.sealed.checksum, error);
}

static lm_status stage_seal(lm_stage *stage, lm_error *error)
{
    hdfs_stage *s = (hdfs_stage *)stage;
    lm_sealed *sealed = &stage->sealed;
    lm_arena arena;
    LM_TRY(check_cancel(s, error));
    if (s->upload)
        LM_TRY(upload_end(s, error));
    else if (!s->options.adopt)
        LM_TRY(attempts(s, small_attempt, error));
    lm__arena_init(&arena, s->allocator, LM_HDFS_ANSWER_ARENA_BYTES_MAX);
    lm_hdfs_file *file = &s->move.what;
    lm_status status =
        lm__hdfs_look_whole(s->hdfs, s->move.from, s->options.cancel, &arena, file, error);
    if (status == LM_NOT_FOUND && !s->options.adopt) status = gone(s, error);
    if (status == LM_OK) status = length_check(s, error);
    if (status == LM_OK) status = attributes_keep(s, file, error);
    file->name = file->owner = file->group = "";
    lm__arena_deinit(&arena);
    if (status == LM_OK)
        status = s->options.adopt ? adopted_sum(s, error)
                                  : lm__checksum_final(&s->sum, sealed->checksum, error);
    if (status != LM_OK) return status;
    if (s->options.adopt) stage->sink.bytes = file->size;
    sealed->size = file->size;
    sealed->inode = file->id;
    sealed->mtime_ns = file->mtime_ms * 1000000;
    return LM_OK;
}

/* ---- commit and close ---- */

/* Is it still the file that was summed? Somebody may have put another one under its name. */
static lm_status adopted_check(const hdfs_stage *s, lm_error *error)
{
    lm_hdfs_file file;
    LM_TRY(lm__hdfs_look(s->hdfs, s->move.from, s->options.cancel, &file, error));
    if (lm__hdfs_is_same(&file, &s->move.what)) return LM_OK;
    return lm__error_set(error, LM_CONFLICT, "%s is another file by now", s->options.adopt);
}

static lm_status stage_commit(lm_stage *stage, lm_error *error)
{
    hdfs_stage *s = (hdfs_stage *)stage;
    LM_TRY(check_cancel(s, error));
    if (s->options.adopt) LM_TRY(adopted_check(s, error));
    lm_status status = lm__hdfs_move_run(s->hdfs, &s->move, error);
    if (status == LM_OK) {
        s->move.from[0] = '\0';
        return LM_OK;
    }
    if (status == LM_EXISTS) status = lm__error_set(error, status, "%s exists already", s->url);
    if (!s->options.adopt) return status;
    return lm__hdfs_move_back(s->hdfs, &s->move, s->adopted, status, error);
}

static void stage_close(lm_stage *stage)
{
    hdfs_stage *s = (hdfs_stage *)stage;
    lm__http_upload_abort(s->upload);
    if (!s->options.adopt) forget(s);
    lm__checksum_deinit(&s->sum);
    lm__hdfs_answer_deinit(&s->answer);
    lm__arena_deinit(&s->arena);
    lm__free(s->allocator, s->block);
    lm__free(s->allocator, s);
}

/* ---- open ---- */

/* What stands at the destination decides some things early; the commit's word counts. */
static lm_status destination_look(hdfs_stage *s, lm_error *error)
{
    lm_status status =
        lm__hdfs_look_whole(s->hdfs, s->path, s->options.cancel, &s->arena, &s->before, error);
    if (status == LM_NOT_FOUND) {
        lm_error_clear(error);
        return LM_OK;
    }
    LM_TRY(status);
    if (s->options.mode == LM_COMMIT_IF_ABSENT)
        return lm__error_set(error, LM_EXISTS, "%s exists already", s->url);
    if (s->before.kind != LM_STORE_FILE)
        return lm__error_set(error, LM_UNSUITABLE, "%s is a directory", s->url);
    s->stage.sealed.replaces = true;
    return LM_OK;
}

static lm_status adopted_look(hdfs_stage *s, lm_error *error)
{
    const lm_hdfs_store *hdfs = s->hdfs;
    lm_hdfs_file file;
    LM_TRY(lm__hdfs_path(hdfs->root, hdfs->root_size, s->options.adopt, s->adopted, error));
    LM_TRY(lm__hdfs_look(s->hdfs, s->adopted, s->options.cancel, &file, error));
    if (file.kind != LM_STORE_FILE)
        return lm__error_set(error, LM_UNSUITABLE, "%s is not a file", s->options.adopt);
    if (strcmp(s->adopted, s->path) == 0)
        return lm__error_set(error, LM_INVALID, "%s and %s are the same file", s->options.adopt,
                             s->url);
    memcpy(s->move.from, s->adopted, sizeof s->adopted);
    size_t parent = lm__hdfs_parent_size(s->path);
    if (parent == 0 || s->options.no_parents) return LM_OK;
    char directory[LM_PATH_BYTES_MAX];
    snprintf(directory, sizeof directory, "%.*s", (int)parent, s->path);
    return lm__hdfs_mkdirs(s->hdfs, directory, s->options.cancel, error);
}

lm_status lm__hdfs_stage_open(lm_store *store, const char *path, const lm_stage_options *options,
                              lm_stage **stage, lm_error *error)
{
    static const lm_stage_ops ops = {
        .seal = stage_seal, .commit = stage_commit, .close = stage_close};
    lm_hdfs_store *hdfs = (lm_hdfs_store *)store;
    const lm_allocator *allocator = options->allocator ? options->allocator : store->allocator;
    size_t length = strlen(path);
    hdfs_stage *s = lm__alloc_zero(allocator, sizeof *s + length + 1);
    if (!s) return lm__error_memory(error, "opening a publication");
    memcpy(s->url, path, length + 1);
    lm__stage_init(&s->stage, store, &ops, stage_write);
    s->hdfs = hdfs;
    s->allocator = allocator;
    s->options = *options;
    s->stage.sealed.path = s->url;
    s->move.to = s->path;
    s->move.overwrite = options->mode == LM_COMMIT_REPLACE;
    s->move.suffix = LM_TEMP_FILE_SUFFIX;
    s->move.cancel = options->cancel;
    lm__arena_init(&s->arena, allocator, LM_HDFS_ANSWER_ARENA_BYTES_MAX);
    lm__hdfs_answer_init(&s->answer, hdfs);
    lm_status status = lm__checksum_init(&s->sum, options->checksum, error);
    if (status == LM_OK) status = lm__hdfs_path(hdfs->root, hdfs->root_size, path, s->path, error);
    if (status == LM_OK && (s->path[1] == '\0' || path[length - 1] == '/'))
        status = lm__error_set(error, LM_UNSUITABLE, "%s is a directory", path);
    if (status == LM_OK) status = destination_look(s, error);
    if (status == LM_OK && options->adopt) status = adopted_look(s, error);
    if (status != LM_OK) {
        stage_close(&s->stage);
        return status;
    }
    *stage = &s->stage;
    return LM_OK;
}
