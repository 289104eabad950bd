/*
 * Uploads whose body is pushed; see http.h.
 *
 * libcurl asks for bytes by a callback; when there are none it pauses, and the next write wakes it.
 * A write comes back when libcurl has taken its bytes, so at most LM_HTTP_BUFFER_BYTES are under
 * way: that is the backpressure.
 *
 * Invariants
 *  1. What was said of the length is kept: a body that is longer is refused before it is sent, one
 *     that is shorter is cut off, so that no server takes it for whole.
 *  2. After a failure every write and the finish give the same one (but see http.h for an answer
 *     that came early).
 */
#include "base/alloc.h"
#include "base/limits.h"
#include "net/exchange.h"
#include "net/mask.h"

struct lm_http_upload {
    lm_http_request request; /* with texts of our own */
    lm_lane *lane;
    uint64_t left; /* of the body, or LM_HTTP_BYTES_UNKNOWN */
    lm_error failed;
};

static void upload_free(lm_http_upload *upload, const lm_allocator *allocator)
{
    lm__free(allocator, (char *)upload->request.method);
    lm__free(allocator, (char *)upload->request.url);
    lm__free(allocator, upload);
}

static void upload_end(lm_http_upload *upload, lm_status status)
{
    const lm_allocator *allocator = upload->lane->http->allocator;
    lm__exchange_end(upload->lane, status);
    upload_free(upload, allocator);
}

/* Remembers a failure; gives its status and copies it to the caller's. */
static lm_status upload_failed(const lm_http_upload *upload, lm_error *error)
{
    if (error) *error = upload->failed;
    return upload->failed.code;
}

lm_status lm__http_upload_open(lm_http *http, const lm_http_request *request, uint64_t body_bytes,
                               lm_http_response *response, lm_http_upload **out, lm_error *error)
{
    lm_http_upload *upload = lm__alloc_zero(http->allocator, sizeof *upload);
    if (!upload) return lm__error_memory(error, "beginning an upload");
    upload->request = *request;
    upload->left = body_bytes;
    upload->request.method = lm__strdup(http->allocator, request->method);
    upload->request.url = lm__strdup(http->allocator, request->url);
    lm_status status = LM_OK;
    if (!upload->request.method || !upload->request.url)
        status = lm__error_memory(error, "beginning an upload");
    if (status == LM_OK)
        status =
            lm__exchange_begin(http, &upload->request, &body_bytes, response, &upload->lane, error);
    if (status != LM_OK) {
        upload_free(upload, http->allocator);
        return status;
    }
    /* What the headers pointed to was copied, and the caller's memory is no longer ours. */
    upload->request.headers = NULL;
    upload->request.header_count = 0;
    status = lm__exchange_drive(upload->lane, LM_UNTIL_ASKED, &upload->failed);
    if (status != LM_OK) {
        (void)upload_failed(upload, error);
        upload_end(upload, status);
        return status;
    }
    *out = upload;
    return LM_OK;
}

static lm_status answered_early(const lm_http_upload *upload, lm_error *error)
{
    const lm_lane *lane = upload->lane;
    char url[512];
    (void)lm__error_set(error, LM_IO, "%s %s: answered %d before the body was whole",
                        upload->request.method, lm__mask(url, sizeof url, upload->request.url),
                        lane->response->status);
    if (error) error->http_code = lane->response->status;
    return LM_IO;
}

static lm_status push(lm_http_upload *upload, lm_until until)
{
    lm_lane *lane = upload->lane;
    if (lane->paused) {
        lane->paused = false;
        (void)lane->http->curl->curl_easy_pause(lane->easy, CURLPAUSE_CONT);
    }
    return lm__exchange_drive(lane, until, &upload->failed);
}

lm_status lm__http_upload_write(lm_http_upload *upload, const void *data, size_t size,
                                lm_error *error)
{
    lm_lane *lane = upload->lane;
    if (upload->failed.code != LM_OK) return upload_failed(upload, error);
    if (size == 0) return LM_OK;
    if (upload->left != LM_HTTP_BYTES_UNKNOWN && size > upload->left) {
        (void)lm__error_set(&upload->failed, LM_INVALID,
                            "%llu bytes more are written to an upload than were announced",
                            (unsigned long long)(size - upload->left));
        return upload_failed(upload, error);
    }
    if (lane->done) return answered_early(upload, error);
    lane->out = data;
    lane->out_left = size;
    if (push(upload, LM_UNTIL_TAKEN) != LM_OK) return upload_failed(upload, error);
    if (upload->left != LM_HTTP_BYTES_UNKNOWN) upload->left -= size;
    bool taken = lane->out_left == 0;
    lane->out = NULL;
    lane->out_left = 0;
    return taken ? LM_OK : answered_early(upload, error);
}

lm_status lm__http_upload_finish(lm_http_upload *upload, lm_error *error)
{
    lm_lane *lane = upload->lane;
    lm_status status = upload->failed.code;
    if (status == LM_OK && !lane->done && upload->left != LM_HTTP_BYTES_UNKNOWN && upload->left > 0)
        status = lm__error_set(&upload->failed, LM_INVALID,
                               "%llu bytes fewer were written to an upload than were announced",
                               (unsigned long long)upload->left);
    if (status == LM_OK) {
        lane->out_end = true;
        status = push(upload, LM_UNTIL_DONE);
    }
    if (status != LM_OK) (void)upload_failed(upload, error);
    upload_end(upload, status);
    return status;
}

void lm__http_upload_abort(lm_http_upload *upload)
{
    if (upload) upload_end(upload, LM_CANCELLED);
}
