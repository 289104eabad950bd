/*
 * Asking NameNodes: which of them, how often, and what their answers mean.
 *
 * A NameNode that cannot be reached, or is on standby, is passed over for the next of its service;
 * the one that answered is asked first from then on. hdfs.h tells the invariants.
 */
#define _GNU_SOURCE
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/cancel.h"
#include "base/error.h"
#include "store/hdfs/hdfs.h"

/* ---- answers ---- */

void lm__hdfs_answer_init(lm_hdfs_answer *answer, const lm_hdfs_store *hdfs)
{
    const lm_allocator *allocator = hdfs->store.allocator;
    memset(answer, 0, sizeof *answer);
    lm__http_response_init(&answer->response, allocator);
    lm__arena_init(&answer->arena, allocator, LM_HDFS_ANSWER_ARENA_BYTES_MAX);
    lm__buffer_init(&answer->url, allocator, LM_HDFS_URL_BYTES_MAX);
}

void lm__hdfs_answer_deinit(lm_hdfs_answer *answer)
{
    lm__http_response_deinit(&answer->response);
    lm__arena_deinit(&answer->arena);
    lm__buffer_deinit(&answer->url);
}

static bool is_wanted(int status) { return (status >= 200 && status < 300) || status == 307; }

lm_status lm__hdfs_refusal(const lm_hdfs_store *hdfs, const lm_hdfs_call *call,
                           lm_hdfs_answer *answer, bool *passes, lm_error *error)
{
    const lm_http_response *response = &answer->response;
    lm_hdfs_exception *told = &answer->exception;
    lm__hdfs_exception_read(&answer->arena, response->body.data, response->body.size, told);
    lm_hdfs_meaning meaning = lm__hdfs_meaning(response->status, told);
    bool is_clear = told->name[0] && response->status < 500;
    bool is_odd = response->status < 400; /* not what it should be, and no refusal either */
    *passes = meaning.passes || is_odd || (!is_clear && lm__http_status_passes(response->status));
    answer->lost = !meaning.passes && (is_odd || response->status >= 500);
    lm_status status;
    bool only_looks = strcmp(call->operation, "GETFILESTATUS") == 0 ||
                      strncmp(call->operation, "LISTSTATUS", strlen("LISTSTATUS")) == 0;
    if (meaning.status == LM_NOT_FOUND && told->name[0] && only_looks) {
        status = lm__error_set(error, LM_NOT_FOUND, "%s%s: there is no such file or directory",
                               hdfs->root, call->path);
    } else if (told->name[0]) {
        status = lm__error_set(error, meaning.status, "%s%s: %s is refused: %s (%s)%s%s",
                               hdfs->root, call->path, call->operation,
                               told->message[0] ? told->message : "no reason is given", told->name,
                               meaning.remedy ? "; " : "", meaning.remedy ? meaning.remedy : "");
    } else {
        status = lm__error_set(error, meaning.status, "%s%s: %s is answered by HTTP status %d%s%s",
                               hdfs->root, call->path, call->operation, response->status,
                               meaning.remedy ? "; " : "", meaning.remedy ? meaning.remedy : "");
    }
    if (error) {
        error->http_code = response->status;
        error->retryable = *passes;
    }
    return status;
}

/* The redirect with the path as we say it. NameNodes leave a '+' in it, which DataNodes take for a
 * blank, and compose accents that were apart. A gateway's may be something else: it stands. */
static char *location_make(lm_hdfs_answer *answer, const char *from, const char *path)
{
    static const char root[] = "/webhdfs/v1/";
    size_t before = (size_t)(strstr(from, "://") + 3 - from);
    before += strcspn(from + before, "/?");
    if (strncmp(from + before, root, strlen(root)) != 0)
        return lm__arena_strdup(&answer->arena, from);
    before += strlen(root) - 1;
    lm__buffer_clear(&answer->url);
    const char *query = from + before + strcspn(from + before, "?");
    if (lm__buffer_append(&answer->url, from, before) != LM_OK ||
        lm__hdfs_encode(&answer->url, path, strlen(path)) != LM_OK ||
        lm__buffer_append(&answer->url, query, strlen(query) + 1) != LM_OK)
        return NULL;
    return lm__arena_strdup(&answer->arena, (const char *)answer->url.data);
}

lm_status lm__hdfs_location(const lm_hdfs_store *hdfs, const lm_hdfs_call *call,
                            lm_hdfs_answer *answer, const char **location, lm_error *error)
{
    const char *found = lm__http_header_find(&answer->response, "Location");
    bool is_good = found && (strncasecmp(found, "https://", 8) == 0 ||
                             (!hdfs->nodes.is_tls && strncasecmp(found, "http://", 7) == 0));
    if (answer->response.status != 307 || !is_good)
        return lm__error_set(error, LM_IO,
                             "%s%s: %s is answered by HTTP status %d and no %sLocation: is this a "
                             "WebHDFS or HttpFS address?",
                             hdfs->root, call->path, call->operation, answer->response.status,
                             hdfs->nodes.is_tls ? "safe " : "");
    *location = location_make(answer, found, call->path);
    return *location ? LM_OK : lm__error_memory(error, "following a redirect");
}

/* ---- one request ---- */

static lm_status send_to(lm_hdfs_store *hdfs, const lm_hdfs_call *call, unsigned node,
                         const lm_retry_loop *loop, lm_hdfs_answer *answer, lm_error *error)
{
    static const lm_http_header headers[] = {{"Content-Type", "application/octet-stream"}};
    lm__arena_reset(&answer->arena);
    LM_TRY(lm__hdfs_url(&answer->url, hdfs->nodes.is_tls, hdfs->nodes.hosts[node], call->path,
                        call->operation, &hdfs->who, call->parameters, error));
    int64_t whole_ns = lm__retry_left_ns(loop);
    if (call->whole_ns > 0 && call->whole_ns < whole_ns) whole_ns = call->whole_ns;
    if (whole_ns == INT64_MAX || call->on_body) whole_ns = 0; /* bytes take the time they take */
    const lm_http_request request = {
        .method = call->method,
        .url = (const char *)answer->url.data,
        .headers = headers,
        .header_count = strcmp(call->method, "PUT") == 0,
        .repeatable = call->repeatable,
        .negotiate = hdfs->negotiate,
        .on_body = call->on_body,
        .context = call->context,
        .body_bytes_max = LM_HDFS_ANSWER_BYTES_MAX,
        .times = {.whole_ns = whole_ns},
        .cancel = call->cancel,
        .attempt = loop->attempt,
    };
    return lm__http_send(hdfs->remote.http, &request, &answer->response, error);
}

/* What came of one request to one NameNode. */
typedef enum ending {
    WANTED, /* a 2xx answer or a redirect */
    NEXT,   /* nothing was done here: another NameNode may do it */
    AGAIN,  /* it may be asked again */
    ENDED,  /* failed, and that is that */
} ending;

static ending judge(lm_hdfs_store *hdfs, const lm_hdfs_call *call, lm_status sent,
                    lm_hdfs_answer *answer, lm_status *status, lm_error *error)
{
    *status = sent;
    answer->lost = false;
    if (sent != LM_OK) {
        bool was_cancelled = sent == LM_CANCELLED || lm__cancel_requested(call->cancel);
        answer->lost = answer->response.began;
        if (was_cancelled || sent == LM_NO_MEMORY || sent == LM_LIMIT) return ENDED;
        if (!answer->response.began) return NEXT;
        bool took_some = call->on_body && answer->response.bytes_received > 0;
        if (!call->repeatable || took_some) return ENDED;
        return error->retryable ? NEXT : ENDED;
    }
    if (is_wanted(answer->response.status)) return WANTED;
    bool passes;
    *status = lm__hdfs_refusal(hdfs, call, answer, &passes, error);
    if (lm__hdfs_meaning(answer->response.status, &answer->exception).is_standby) return NEXT;
    if (answer->lost && !call->repeatable) return ENDED;
    return passes ? AGAIN : ENDED;
}

/* The NameNodes in turn, from the one that answered last on, until one is not passed over. *passes:
 * it may be over soon, and another round is worth it. */
static ending ask_each(lm_hdfs_store *hdfs, const lm_hdfs_call *call, const lm_retry_loop *loop,
                       lm_hdfs_answer *answer, lm_status *status, bool *passes, lm_error *error)
{
    unsigned count = (unsigned)hdfs->nodes.count;
    ending how = ENDED;
    bool lost = false;
    *passes = false;
    for (unsigned tried = 0; tried < count; tried++) {
        unsigned node = atomic_load_explicit(&hdfs->active, memory_order_relaxed) % count;
        *status = send_to(hdfs, call, node, loop, answer, error);
        how = judge(hdfs, call, *status, answer, status, error);
        *passes |= how == AGAIN || (how == NEXT && error->retryable);
        lost |= answer->lost;
        if (how != NEXT) break;
        /* Only if no other thread has turned away from it. */
        atomic_compare_exchange_strong(&hdfs->active, &node, (node + 1) % count);
    }
    answer->lost = lost;
    return how;
}

lm_status lm__hdfs_ask(lm_hdfs_store *hdfs, const lm_hdfs_call *call, lm_hdfs_answer *answer,
                       lm_error *error)
{
    lm_retry_loop loop;
    lm_error own;
    lm_status status = LM_OK;
    ending how;
    bool passes, lost = false;
    if (!error) error = &own;
    lm__retry_begin(&loop, &hdfs->remote.retry, call->cancel);
    do {
        how = ask_each(hdfs, call, &loop, answer, &status, &passes, error);
        answer->lost = lost |= answer->lost; /* whatever became of the attempts after it */
    } while (lm__retry_again(&loop, passes && !call->once && how != WANTED && how != ENDED,
                             answer->response.retry_after_ns));
    if (how == WANTED) return LM_OK;
    if (answer->response.status != 0) return status; /* told as what was refused */
    bool may_be_service = how == NEXT && !hdfs->nodes.is_configured && hdfs->root[0] == 'h';
    return lm__error_within(error, status, "%s%s: %s%s", hdfs->root, call->path,
                            how == NEXT ? "no NameNode can be reached" : call->operation,
                            may_be_service ? " (is HADOOP_CONF_DIR set?)" : "");
}

/* ---- small calls ---- */

lm_status lm__hdfs_ask_yes(lm_hdfs_store *hdfs, const lm_hdfs_call *call, lm_hdfs_answer *answer,
                           bool *value, lm_error *error)
{
    const lm_buffer *body = &answer->response.body;
    *value = true;
    LM_TRY(lm__hdfs_ask(hdfs, call, answer, error));
    if (body->size == 0 && answer->response.status == 200) return LM_OK;
    lm_status status = lm__hdfs_boolean_read(&answer->arena, body->data, body->size, value, error);
    if (status == LM_OK) return LM_OK;
    answer->lost = true;
    return lm__error_within(error, status, "%s%s: %s", hdfs->root, call->path, call->operation);
}

lm_status lm__hdfs_do(lm_hdfs_store *hdfs, const lm_hdfs_call *call, lm_error *error)
{
    lm_hdfs_answer answer;
    bool done;
    lm__hdfs_answer_init(&answer, hdfs);
    lm_status status = lm__hdfs_ask_yes(hdfs, call, &answer, &done, error);
    if (status == LM_OK && !done)
        status = lm__error_set(error, LM_IO, "%s%s: the server did not do %s", hdfs->root,
                               call->path, call->operation);
    lm__hdfs_answer_deinit(&answer);
    return status;
}

lm_status lm__hdfs_delete(lm_hdfs_store *hdfs, const char *path, bool recursive,
                          const lm_cancel *cancel, lm_error *error)
{
    const lm_hdfs_call call = {.method = "DELETE",
                               .operation = "DELETE",
                               .path = path,
                               .parameters = recursive ? "&recursive=true" : "&recursive=false",
                               .repeatable = true,
                               .cancel = cancel};
    lm_hdfs_answer answer;
    lm_hdfs_file file;
    lm_error own;
    bool was_there;
    if (!error) error = &own;
    lm__hdfs_answer_init(&answer, hdfs);
    lm_status status = lm__hdfs_ask_yes(hdfs, &call, &answer, &was_there, error);
    bool lost = answer.lost;
    lm__hdfs_answer_deinit(&answer);
    if (status == LM_OK || !lost) return status;
    if (lm__hdfs_look(hdfs, path, NULL, &file, &(lm_error){0}) == LM_NOT_FOUND) return LM_OK;
    (void)lm__error_within(error, LM_UNKNOWN_OUTCOME, "nobody can say whether it was removed");
    error->code = LM_UNKNOWN_OUTCOME;
    return LM_UNKNOWN_OUTCOME;
}

lm_status lm__hdfs_look_whole(lm_hdfs_store *hdfs, const char *path, const lm_cancel *cancel,
                              lm_arena *arena, lm_hdfs_file *file, lm_error *error)
{
    const lm_hdfs_call call = {.method = "GET",
                               .operation = "GETFILESTATUS",
                               .path = path,
                               .repeatable = true,
                               .cancel = cancel};
    lm_hdfs_answer answer;
    lm__hdfs_answer_init(&answer, hdfs);
    lm_status status = lm__hdfs_ask(hdfs, &call, &answer, error);
    if (status == LM_OK) {
        const lm_buffer *body = &answer.response.body;
        status = lm__hdfs_file_read(arena, body->data, body->size, file, error);
        if (status != LM_OK) status = lm__error_within(error, status, "%s%s", hdfs->root, path);
    }
    lm__hdfs_answer_deinit(&answer);
    return status;
}

lm_status lm__hdfs_look(lm_hdfs_store *hdfs, const char *path, const lm_cancel *cancel,
                        lm_hdfs_file *file, lm_error *error)
{
    lm_arena arena;
    lm__arena_init(&arena, hdfs->store.allocator, LM_HDFS_ANSWER_ARENA_BYTES_MAX);
    lm_status status = lm__hdfs_look_whole(hdfs, path, cancel, &arena, file, error);
    lm__arena_deinit(&arena);
    file->name = file->owner = file->group = "";
    return status;
}

lm_status lm__hdfs_mkdirs(lm_hdfs_store *hdfs, const char *path, const lm_cancel *cancel,
                          lm_error *error)
{
    const lm_hdfs_call call = {
        .method = "PUT", .operation = "MKDIRS", .path = path, .repeatable = true, .cancel = cancel};
    return lm__hdfs_do(hdfs, &call, error);
}

void lm__hdfs_discard(lm_hdfs_store *hdfs, const char *path)
{
    const lm_hdfs_call call = {.method = "DELETE",
                               .operation = "DELETE",
                               .path = path,
                               .parameters = "&recursive=false",
                               .repeatable = true,
                               .once = true,
                               .whole_ns = LM_HDFS_DISCARD_NS};
    (void)!lm__hdfs_do(hdfs, &call, NULL);
}

void lm__hdfs_stat_fill(const lm_hdfs_file *file, lm_store_stat *stat)
{
    memset(stat, 0, sizeof *stat);
    stat->kind = file->kind;
    stat->size = file->size;
    stat->mtime_ns = file->mtime_ms * 1000000;
    stat->inode = file->id;
    stat->links = 1;
    stat->block_bytes = file->block_bytes;
    snprintf(stat->version, sizeof stat->version, "%llx-%llx-%llx", (unsigned long long)file->id,
             (unsigned long long)file->size, (unsigned long long)file->mtime_ms);
}

bool lm__hdfs_is_same(const lm_hdfs_file *a, const lm_hdfs_file *b)
{
    return a->kind == b->kind && a->id == b->id && a->size == b->size && a->mtime_ms == b->mtime_ms;
}
