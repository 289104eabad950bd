/* The client, its lanes, and sending; see http.h and exchange.h. */
#include <stdlib.h>
#include <strings.h>

#include "base/alloc.h"
#include "base/limits.h"
#include "net/exchange.h"
#include "net/mask.h"

static void lane_free(lm_lane *lane)
{
    const lm_curl *curl = lane->http->curl;
    if (lane->easy) curl->curl_easy_cleanup(lane->easy);
    if (lane->multi) curl->curl_multi_cleanup(lane->multi);
    lm__free(lane->http->allocator, lane);
}

lm_status lm__lane_take(lm_http *http, lm_lane **out, lm_error *error)
{
    pthread_mutex_lock(&http->mutex);
    lm_lane *lane = http->idle;
    if (lane) {
        http->idle = lane->next;
        http->idle_count--;
    }
    pthread_mutex_unlock(&http->mutex);
    if (!lane) {
        lane = lm__alloc_zero(http->allocator, sizeof *lane);
        if (!lane) return lm__error_memory(error, "making a connection");
        lane->http = http;
        lane->easy = http->curl->curl_easy_init();
        lane->multi = http->curl->curl_multi_init();
        if (!lane->easy || !lane->multi ||
            http->curl->curl_multi_setopt(lane->multi, CURLMOPT_MAXCONNECTS,
                                          (long)LM_HTTP_CONNECTIONS_MAX) != CURLM_OK) {
            lane_free(lane);
            return lm__error_memory(error, "making a connection");
        }
    }
    *out = lane;
    return LM_OK;
}

/* The lane that was used last is taken first: its connections are the freshest. */
void lm__lane_give(lm_lane *lane, bool keep)
{
    lm_http *http = lane->http;
    pthread_mutex_lock(&http->mutex);
    keep = keep && http->idle_count < LM_HTTP_LANES_KEPT;
    if (keep) {
        lane->next = http->idle;
        http->idle = lane;
        http->idle_count++;
    }
    pthread_mutex_unlock(&http->mutex);
    if (!keep) lane_free(lane);
}

lm_status lm__http_new(const lm_allocator *allocator, const lm_http_options *options, lm_http **out,
                       lm_error *error)
{
    static const lm_http_options usual = {0};
    const lm_curl *curl;
    if (!options) options = &usual;
    const char *ca_file = options->ca_file;
    if (!ca_file) ca_file = getenv("CURL_CA_BUNDLE");
    if (!ca_file || !*ca_file) ca_file = getenv("SSL_CERT_FILE");
    allocator = lm__allocator_or_default(allocator);
    LM_TRY(lm__curl_load(&curl, error));
    lm_http *http = lm__alloc_zero(allocator, sizeof *http);
    if (!http) return lm__error_memory(error, "making a client of HTTP");
    *http = (lm_http){.allocator = allocator, .curl = curl, .options = *options};
    if (ca_file && *ca_file) http->ca_file = lm__strdup(allocator, ca_file);
    if ((ca_file && *ca_file && !http->ca_file) || pthread_mutex_init(&http->mutex, NULL) != 0) {
        lm__free(allocator, http->ca_file);
        lm__free(allocator, http);
        return lm__error_memory(error, "making a client of HTTP");
    }
    *out = http;
    return LM_OK;
}

void lm__http_free(lm_http *http)
{
    if (!http) return;
    for (lm_lane *lane; (lane = http->idle);) {
        http->idle = lane->next;
        lane_free(lane);
    }
    pthread_mutex_destroy(&http->mutex);
    lm__free(http->allocator, http->ca_file);
    lm__free(http->allocator, http);
}

void lm__http_response_init(lm_http_response *response, const lm_allocator *allocator)
{
    *response = (lm_http_response){0};
    lm__buffer_init(&response->headers, allocator, 2 * LM_HTTP_HEADERS_BYTES_MAX);
    lm__buffer_init(&response->body, allocator, LM_HTTP_BODY_BYTES_MAX);
}

void lm__http_response_deinit(lm_http_response *response)
{
    lm__buffer_deinit(&response->headers);
    lm__buffer_deinit(&response->body);
}

const char *lm__http_header_find(const lm_http_response *response, const char *name)
{
    const char *at = (const char *)response->headers.data, *end = at + response->headers.size;
    while (at < end) {
        const char *value = at + strlen(at) + 1;
        if (strcasecmp(at, name) == 0) return value;
        at = value + strlen(value) + 1;
    }
    return NULL;
}

lm_status lm__http_send(lm_http *http, const lm_http_request *request, lm_http_response *response,
                        lm_error *error)
{
    lm_lane *lane;
    lm_error local;
    if (!error) error = &local;
    lm_error_clear(error);
    LM_TRY(lm__exchange_begin(http, request, NULL, response, &lane, error));
    lm_status status = lm__exchange_drive(lane, LM_UNTIL_DONE, error);
    lm__exchange_end(lane, status);
    return status;
}

bool lm__http_status_passes(int status)
{
    return status == 408 || status == 425 || status == 429 || status == 500 ||
           (status >= 502 && status <= 504);
}

static lm_status refusal_status(int status)
{
    switch (status) {
    case 401:
    case 403:
    case 407: return LM_PERMISSION;
    case 404:
    case 410: return LM_NOT_FOUND;
    case 409:
    case 412: return LM_CONFLICT;
    case 501: return LM_UNSUPPORTED;
    case 507: return LM_NO_SPACE;
    default: return LM_IO;
    }
}

lm_status lm__http_refusal(const lm_http_request *request, const lm_http_response *response,
                           lm_error *error)
{
    char url[512], words[256], shown[256];
    size_t size = response->body.size < sizeof words - 1 ? response->body.size : sizeof words - 1;
    if (size) memcpy(words, response->body.data, size);
    words[size] = '\0';
    (void)lm__error_set(error, refusal_status(response->status), "%s %s: answered %d%s%s",
                        request->method, lm__mask(url, sizeof url, request->url), response->status,
                        size ? ": " : "", lm__mask(shown, sizeof shown, words));
    if (error) {
        error->http_code = response->status;
        error->retryable = lm__http_status_passes(response->status);
    }
    return refusal_status(response->status);
}
