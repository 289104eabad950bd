/*
 * Reading: the NameNode redirects each range to a DataNode.
 *
 * Invariants
 *  1. A source reads the file that was there when it was opened, or fails with LM_STALE: never
 *     bytes of two files. It asks for the inode, not the name; where a gateway tells no inode, it
 *     looks at the file again after each range.
 *  2. A DataNode that fails in the middle costs what is left of the range: the NameNode is asked
 *     for another one, from where the bytes ended. Nothing is asked for when nothing is left.
 */
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/alloc.h"
#include "base/cancel.h"
#include "base/error.h"
#include "store/hdfs/hdfs.h"
#include "store/window.h"

/* ---- a range ---- */

typedef struct range {
    uint64_t offset;
    uint8_t *to;
    size_t size, filled;
    const lm_http_response *response; /* that the bytes come with */
} range;

static lm_status take(void *context, const void *data, size_t size, lm_error *error)
{
    static const char type[] = "application/octet-stream";
    range *r = context;
    const char *told = lm__http_header_find(r->response, "Content-Type");
    if (!told || strncasecmp(told, type, strlen(type)) != 0)
        return lm__error_set(error, LM_IO,
                             "the server's answer is none of WebHDFS (it has %s, not a file's "
                             "bytes)",
                             told ? told : "no type");
    if (size > r->size - r->filled)
        return lm__error_set(error, LM_IO, "the server gives more bytes than were asked for");
    memcpy(r->to + r->filled, data, size);
    r->filled += size;
    return LM_OK;
}

static lm_status stale(const lm_hdfs_store *hdfs, const char *path, lm_error *error)
{
    return lm__error_set(error, LM_STALE,
                         "%s%s was replaced, shortened or removed while it was read; read it again",
                         hdfs->root, path);
}

/* Follows a redirect to the bytes. */
static lm_status take_redirected(lm_hdfs_store *hdfs, const lm_hdfs_call *call,
                                 lm_hdfs_answer *answer, range *r, bool *passes, lm_error *error)
{
    const char *location;
    LM_TRY(lm__hdfs_location(hdfs, call, answer, &location, error));
    const lm_http_request request = {.method = "GET",
                                     .url = location,
                                     .repeatable = true,
                                     .negotiate = hdfs->negotiate,
                                     .on_body = take,
                                     .context = r,
                                     .cancel = call->cancel};
    lm_status status = lm__http_send(hdfs->remote.http, &request, &answer->response, error);
    *passes = status == LM_IO;
    if (*passes) lm__hdfs_shun(hdfs, location, call->path, r->offset + r->filled, call->cancel);
    if (status != LM_OK)
        return lm__error_within(error, status, "%s%s: reading", hdfs->root, call->path);
    if (answer->response.status == 200 || answer->response.status == 206) return LM_OK;
    status = lm__hdfs_refusal(hdfs, call, answer, passes, error);
    /* A DataNode may lack a block that another one has. */
    *passes |= status == LM_IO || (status == LM_NOT_FOUND && !answer->exception.name[0]);
    return status;
}

/* One attempt at what is left. */
static lm_status attempt(lm_hdfs_store *hdfs, const lm_hdfs_call *call, range *r, bool *passes,
                         lm_error *error)
{
    lm_hdfs_answer answer;
    size_t before = r->filled;
    *passes = false;
    lm__hdfs_answer_init(&answer, hdfs);
    r->response = &answer.response;
    lm_status status = lm__hdfs_ask(hdfs, call, &answer, error);
    if (status == LM_OK && answer.response.status == 307)
        status = take_redirected(hdfs, call, &answer, r, passes, error);
    else if (status != LM_OK) /* a gateway's own bytes may end early too */
        *passes = status == LM_IO && r->filled > before;
    /* All that was asked for is there: an answer that promised more, or did not end, is no matter.
     */
    if (status == LM_IO && r->filled == r->size) status = LM_OK;
    if (status == LM_OK && r->filled < r->size) {
        *passes = r->filled > before;
        status = lm__error_set(error, LM_STALE, "fewer bytes came than were asked for");
    }
    /* By the names of their classes these are any failures. */
    if (status == LM_IO && strstr(answer.exception.message, "No active nodes")) {
        *passes = true;
        lm__hdfs_forgive(hdfs);
    }
    if (status == LM_IO && strstr(answer.exception.message, "out of the range")) {
        *passes = false;
        status = LM_STALE;
    }
    lm__hdfs_answer_deinit(&answer);
    return status;
}

static lm_status parameters_make(lm_hdfs_store *hdfs, const range *r, lm_buffer *out,
                                 lm_error *error)
{
    lm__buffer_clear(out);
    lm_status status = lm__hdfs_parameter_number(out, "offset", r->offset + r->filled);
    if (status == LM_OK) status = lm__hdfs_parameter_number(out, "length", r->size - r->filled);
    if (status == LM_OK) status = lm__hdfs_shunned_parameter(hdfs, out);
    if (status == LM_OK) status = lm__buffer_byte(out, '\0');
    return status == LM_OK ? LM_OK : lm__error_memory(error, "building a request");
}

static lm_status range_read(lm_hdfs_store *hdfs, const char *path, range *r,
                            const lm_cancel *cancel, lm_error *error)
{
    lm_retry_loop loop;
    lm_buffer parameters;
    lm_status status;
    bool passes = false;
    size_t before = 0;
    lm__buffer_init(&parameters, hdfs->store.allocator, 0);
    lm__retry_begin(&loop, &hdfs->remote.retry, cancel);
    do {
        if (r->filled > before) { /* it goes on: that counts as a beginning */
            before = r->filled;
            loop.attempt = 0;
        }
        status = parameters_make(hdfs, r, &parameters, error);
        if (status != LM_OK) break;
        const lm_hdfs_call call = {.method = "GET",
                                   .operation = "OPEN",
                                   .path = path,
                                   .parameters = (const char *)parameters.data,
                                   .repeatable = true,
                                   .on_body = take,
                                   .context = r,
                                   .cancel = cancel};
        status = attempt(hdfs, &call, r, &passes, error);
    } while (lm__retry_again(&loop, status != LM_OK && passes, 0));
    lm__buffer_deinit(&parameters);
    return status;
}

lm_status lm__hdfs_fetch(lm_hdfs_store *hdfs, const char *path, const lm_hdfs_file *file,
                         uint64_t offset, void *buffer, size_t size, const lm_cancel *cancel,
                         lm_error *error)
{
    char by_inode[48];
    lm_hdfs_file now;
    lm_error own;
    range r = {.offset = offset, .to = buffer, .size = size};
    if (!error) error = &own;
    snprintf(by_inode, sizeof by_inode, "/.reserved/.inodes/%llu", (unsigned long long)file->id);
    lm_status status = range_read(hdfs, file->id ? by_inode : path, &r, cancel, error);
    if (status == LM_STALE || status == LM_NOT_FOUND) return stale(hdfs, path, error);
    if (status == LM_OK && !file->id) {
        LM_TRY(lm__hdfs_look(hdfs, path, cancel, &now, error));
        if (!lm__hdfs_is_same(&now, file)) return stale(hdfs, path, error);
    }
    if (status != LM_OK && file->id)
        return lm__error_within(error, status, "%s%s", hdfs->root, path);
    return status;
}

/* ---- the source ---- */

typedef struct hdfs_source {
    lm_source source;
    lm_hdfs_store *hdfs;
    lm_windows *windows;
    lm_hdfs_file file;
    char path[LM_PATH_BYTES_MAX]; /* on the store */
    char name[];
} hdfs_source;

static lm_status source_fetch(void *context, uint64_t offset, void *buffer, size_t size,
                              const lm_cancel *cancel, lm_error *error)
{
    hdfs_source *s = context;
    return lm__hdfs_fetch(s->hdfs, s->path, &s->file, offset, buffer, size, cancel, error);
}

static lm_status source_read(lm_source *source, uint64_t offset, void *buffer, size_t size,
                             lm_error *error)
{
    return lm__windows_read(((hdfs_source *)source)->windows, offset, buffer, size, error);
}

static void source_coming(lm_source *source, uint64_t offset, uint64_t size)
{
    lm__windows_coming(((hdfs_source *)source)->windows, offset, size);
}

static void source_close(lm_source *source)
{
    hdfs_source *s = (hdfs_source *)source;
    lm_hdfs_store *hdfs = s->hdfs;
    lm__windows_free(s->windows);
    lm__free(hdfs->store.allocator, s);
    lm__hdfs_release(hdfs);
}

/* `seen` tells what the file is; NULL: it is asked. */
static lm_status source_open(lm_hdfs_store *hdfs, const char *path, const lm_hdfs_file *seen,
                             lm_source **source, lm_error *error)
{
    static const lm_source_ops ops = {
        .read = source_read, .close = source_close, .coming = source_coming};
    const lm_allocator *allocator = hdfs->store.allocator;
    size_t length = strlen(path) + 1;
    hdfs_source *s = lm__alloc_zero(allocator, sizeof *s + length);
    if (!s) return lm__error_memory(error, "opening a file");
    memcpy(s->name, path, length);
    s->hdfs = hdfs;
    lm_status status = lm__hdfs_path(hdfs->root, hdfs->root_size, path, s->path, error);
    if (seen)
        s->file = *seen;
    else if (status == LM_OK)
        status = lm__hdfs_look(hdfs, s->path, hdfs->cancel, &s->file, error);
    if (status == LM_OK && s->file.kind != LM_STORE_FILE)
        status = lm__error_set(error, LM_UNSUITABLE, "%s is not a file", path);
    if (status == LM_OK)
        status = lm__windows_new(allocator, s->file.size, source_fetch, s, hdfs->cancel,
                                 &s->windows, error);
    if (status != LM_OK) {
        lm__free(allocator, s);
        return status;
    }
    s->source = (lm_source){.ops = &ops, .size = s->file.size, .name = s->name};
    atomic_fetch_add(&hdfs->holders, 1);
    *source = &s->source;
    return LM_OK;
}

lm_status lm__hdfs_open(lm_store *store, const char *path, lm_source **source, lm_error *error)
{
    return source_open((lm_hdfs_store *)store, path, NULL, source, error);
}

lm_status lm__hdfs_open_seen(lm_store *store, const char *path, uint64_t size, uint64_t inode,
                             lm_source **source, lm_error *error)
{
    const lm_hdfs_file seen = {.kind = LM_STORE_FILE, .size = size, .id = inode};
    return source_open((lm_hdfs_store *)store, path, &seen, source, error);
}
