/* Preparing a request, driving it, and saying what became of it; see exchange.h. */
#include "net/exchange.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <strings.h>
#include <sys/socket.h>
#include <time.h>

#include "base/cancel.h"
#include "base/clock.h"
#include "base/limits.h"
#include "net/mask.h"

#define URL_SHOWN_BYTES 512
#define NS_PER_MS 1000000
#define NS_PER_S 1000000000

static int64_t now_ns(void)
{
    const lm_clock *clock = lm__clock_system();
    return clock->monotonic_ns(clock->context);
}

/* The first failure of ours; the callbacks that set it make libcurl end the transfer. */
static void stop_with(lm_lane *lane, lm_status code, const char *text)
{
    if (lane->stop.code == LM_OK) (void)lm__error_set(&lane->stop, code, "%s", text);
}

static bool in_2xx(const lm_lane *lane)
{
    return lane->response->status >= 200 && lane->response->status <= 299;
}

/* What libcurl calls. */

/* The connection stands and the request is about to be sent. That comes a second time when libcurl
 * answers a challenge, which is well, and when a kept connection was closed without an answer: then
 * the server may have done what was asked. */
static int on_begin(void *context, char *ip, char *local_ip, int port, int local_port)
{
    lm_lane *lane = context;
    (void)ip, (void)local_ip, (void)port, (void)local_port;
    if (lane->response->began && !lane->answered && !lane->request->repeatable) {
        stop_with(lane, LM_IO, "the connection was closed without an answer");
        lane->stop.retryable = true;
        return CURL_PREREQFUNC_ABORT;
    }
    lane->response->began = true;
    lane->answered = false;
    return CURL_PREREQFUNC_OK;
}

/* As libcurl would, but no program that we start inherits it. */
static curl_socket_t on_socket(void *context, curlsocktype purpose, struct curl_sockaddr *address)
{
    (void)context, (void)purpose;
    return socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

static size_t on_out(char *buffer, size_t size, size_t count, void *context)
{
    lm_lane *lane = context;
    lane->asked = true;
    if (lane->out_left == 0 && lane->pushed && !lane->out_end) {
        lane->paused = true;
        return CURL_READFUNC_PAUSE;
    }
    size_t bytes = size * count < lane->out_left ? size * count : lane->out_left;
    if (bytes == 0) return 0;
    memcpy(buffer, lane->out, bytes);
    lane->out += bytes;
    lane->out_left -= bytes;
    lane->response->bytes_sent += bytes;
    return bytes;
}

static int on_seek(void *context, curl_off_t offset, int origin)
{
    lm_lane *lane = context;
    const lm_http_request *request = lane->request;
    if (lane->pushed || origin != SEEK_SET || offset < 0 || (uint64_t)offset > request->body_bytes)
        return CURL_SEEKFUNC_FAIL;
    lane->out = (const uint8_t *)request->body + offset;
    lane->out_left = request->body_bytes - (size_t)offset;
    return CURL_SEEKFUNC_OK;
}

static lm_status header_keep(lm_buffer *headers, const char *line, size_t size)
{
    const char *colon = memchr(line, ':', size), *end = line + size;
    if (!colon || colon == line || *line == ' ' || *line == '\t' || memchr(line, '\0', size))
        return LM_OK; /* no header; libcurl has judged what matters to it */
    const char *value = colon + 1;
    while (value < end && (*value == ' ' || *value == '\t')) value++;
    while (end > value && (uint8_t)end[-1] <= ' ') end--;
    lm_status status = lm__buffer_append(headers, line, (size_t)(colon - line));
    if (status == LM_OK) status = lm__buffer_byte(headers, 0);
    if (status == LM_OK) status = lm__buffer_append(headers, value, (size_t)(end - value));
    return status == LM_OK ? lm__buffer_byte(headers, 0) : status;
}

static size_t on_header(char *line, size_t size, size_t count, void *context)
{
    lm_lane *lane = context;
    lm_http_response *response = lane->response;
    size_t bytes = size * count;
    if (bytes >= 5 && strncasecmp(line, "HTTP/", 5) == 0) {
        lm__buffer_clear(&response->headers);
        lane->answered = true;
        lane->head_whole = false;
        response->status = 0;
    }
    lane->header_bytes += bytes;
    if (lane->header_bytes > LM_HTTP_HEADERS_BYTES_MAX) {
        stop_with(lane, LM_LIMIT, "the headers of the answer are longer than 64 KiB");
        return 0;
    }
    if (bytes > 0 && (line[0] == '\r' || line[0] == '\n')) {
        long status = 0;
        lane->http->curl->curl_easy_getinfo(lane->easy, CURLINFO_RESPONSE_CODE, &status);
        response->status = status >= 200 ? (int)status : 0;
        lane->head_whole = status >= 200;
        return bytes;
    }
    if (header_keep(&response->headers, line, bytes) != LM_OK) {
        stop_with(lane, LM_NO_MEMORY, "out of memory while keeping the headers of the answer");
        return 0;
    }
    return bytes;
}

/* A refusal is only shown and looked at: what comes behind its beginning is left where it is. */
static size_t refusal_keep(lm_lane *lane, const char *data, size_t bytes)
{
    lm_buffer *body = &lane->response->body;
    size_t room = body->size < LM_HTTP_REFUSAL_BYTES ? LM_HTTP_REFUSAL_BYTES - body->size : 0;
    if (lm__buffer_append(body, data, bytes < room ? bytes : room) != LM_OK) {
        stop_with(lane, LM_NO_MEMORY, "out of memory while reading the answer");
        return 0;
    }
    lane->refusal_cut = bytes > room;
    return lane->refusal_cut ? 0 : bytes;
}

static size_t on_in(char *data, size_t size, size_t count, void *context)
{
    lm_lane *lane = context;
    lm_http_response *response = lane->response;
    const lm_http_request *request = lane->request;
    size_t bytes = size * count;
    response->bytes_received += bytes;
    if (!in_2xx(lane)) return refusal_keep(lane, data, bytes);
    if (request->on_body) {
        lm_error error;
        lm_error_clear(&error);
        lm_status status = request->on_body(request->context, data, bytes, &error);
        lane->window_ns = now_ns(); /* what the caller took for it is not the server's time */
        if (status == LM_OK) return bytes;
        if (lane->stop.code == LM_OK) {
            lane->stop = error;
            lane->stop.code = status;
        }
        return 0;
    }
    lm_status status = bytes > lane->body_bytes_max - response->body.size
                           ? LM_LIMIT
                           : lm__buffer_append(&response->body, data, bytes);
    if (status == LM_OK) return bytes;
    if (status == LM_LIMIT)
        stop_with(lane, LM_LIMIT, "the body of the answer is longer than was asked for");
    else
        stop_with(lane, LM_NO_MEMORY, "out of memory while reading the answer");
    return 0;
}

/* Preparing. */

static bool header_given(const lm_http_request *request, const char *name)
{
    for (size_t i = 0; i < request->header_count; i++)
        if (strcasecmp(request->headers[i].name, name) == 0) return true;
    return false;
}

static bool header_add(lm_lane *lane, const char *line)
{
    struct curl_slist *more = lane->http->curl->curl_slist_append(lane->headers, line);
    if (more) lane->headers = more;
    return more != NULL;
}

/* Besides the caller's: what libcurl would add by itself is taken out. */
static lm_status headers_make(lm_lane *lane, lm_error *error)
{
    const lm_http_request *request = lane->request;
    lm_buffer line;
    lm__buffer_init(&line, lane->http->allocator, LM_MIB);
    lm_status status = LM_OK;
    for (size_t i = 0; i < request->header_count && status == LM_OK; i++) {
        const lm_http_header *header = &request->headers[i];
        lm__buffer_clear(&line);
        /* "name;" is libcurl's way to say an empty value. */
        status = *header->value ? lm__buffer_printf(&line, "%s: %s", header->name, header->value)
                                : lm__buffer_printf(&line, "%s;", header->name);
        if (status == LM_OK && strpbrk((char *)line.data, "\r\n"))
            status = LM_INVALID;
        else if (status == LM_OK && !header_add(lane, (char *)line.data))
            status = LM_NO_MEMORY;
    }
    lm__buffer_deinit(&line);
    if (status == LM_OK && !header_add(lane, request->expect ? "Expect: 100-continue" : "Expect:"))
        status = LM_NO_MEMORY;
    if (status == LM_OK && !header_given(request, "Content-Type") &&
        !header_add(lane, "Content-Type:"))
        status = LM_NO_MEMORY;
    if (status == LM_OK) return LM_OK;
    if (status == LM_INVALID)
        return lm__error_set(error, status, "a header of a request holds a line's end");
    return lm__error_memory(error, "making the headers of a request");
}

#define SET(option, value)                                                                         \
    do {                                                                                           \
        if (code == CURLE_OK) code = curl->curl_easy_setopt(lane->easy, option, value);            \
    } while (0)

static CURLcode callbacks_set(lm_lane *lane, const lm_curl *curl)
{
    CURLcode code = CURLE_OK;
    SET(CURLOPT_ERRORBUFFER, lane->curl_text);
    SET(CURLOPT_PREREQFUNCTION, on_begin);
    SET(CURLOPT_PREREQDATA, lane);
    SET(CURLOPT_OPENSOCKETFUNCTION, on_socket);
    SET(CURLOPT_HEADERFUNCTION, on_header);
    SET(CURLOPT_HEADERDATA, lane);
    SET(CURLOPT_WRITEFUNCTION, on_in);
    SET(CURLOPT_WRITEDATA, lane);
    SET(CURLOPT_READFUNCTION, on_out);
    SET(CURLOPT_READDATA, lane);
    SET(CURLOPT_SEEKFUNCTION, on_seek);
    SET(CURLOPT_SEEKDATA, lane);
    return code;
}

static CURLcode method_set(lm_lane *lane, const lm_curl *curl, const uint64_t *body_bytes)
{
    const lm_http_request *request = lane->request;
    CURLcode code = CURLE_OK;
    uint64_t bytes = body_bytes ? *body_bytes : request->body_bytes;
    bool takes_body = strcmp(request->method, "PUT") == 0 || strcmp(request->method, "POST") == 0;
    if (strcmp(request->method, "HEAD") == 0) {
        SET(CURLOPT_NOBODY, 1L);
        return code;
    }
    if (body_bytes || bytes > 0 || takes_body) {
        curl_off_t said = bytes > INT64_MAX ? -1 : (curl_off_t)bytes;
        SET(CURLOPT_UPLOAD, 1L);
        SET(CURLOPT_INFILESIZE_LARGE, said);
        SET(CURLOPT_UPLOAD_BUFFERSIZE, (long)LM_HTTP_BUFFER_BYTES);
    }
    SET(CURLOPT_CUSTOMREQUEST, request->method);
    return code;
}

static CURLcode easy_set(lm_lane *lane, const uint64_t *body_bytes)
{
    const lm_curl *curl = lane->http->curl;
    const lm_http_request *request = lane->request;
    const char *ca_file = lane->http->ca_file;
    int64_t connect_ms = lane->times.connect_ns / NS_PER_MS;
    CURLcode code = CURLE_OK;
    curl->curl_easy_reset(lane->easy);
    SET(CURLOPT_URL, request->url);
    SET(CURLOPT_NOSIGNAL, 1L);
    SET(CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    SET(CURLOPT_USERAGENT, "lamella/" LM_VERSION);
    SET(CURLOPT_PATH_AS_IS, 1L); /* a name may be "..", encoded or not */
    SET(CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
    SET(CURLOPT_CONNECTTIMEOUT_MS, (long)(connect_ms > 0 ? connect_ms : 1));
    SET(CURLOPT_MAXAGE_CONN, (long)(request->repeatable ? LM_HTTP_REUSE_S : LM_HTTP_REUSE_ONCE_S));
    SET(CURLOPT_BUFFERSIZE, (long)LM_HTTP_BUFFER_BYTES);
    SET(CURLOPT_HTTPHEADER, lane->headers);
    if (ca_file) {
        SET(CURLOPT_CAINFO, ca_file);
        SET(CURLOPT_CAPATH, NULL); /* these and no others */
    }
    if (request->negotiate) {
        SET(CURLOPT_HTTPAUTH, (long)CURLAUTH_NEGOTIATE);
        SET(CURLOPT_USERPWD, ":");
        SET(CURLOPT_COOKIEFILE, ""); /* Hadoop's, which saves the next negotiation */
    }
    if (code == CURLE_OK) code = callbacks_set(lane, curl);
#if LIBCURL_VERSION_NUM >= 0x075700
    /* Else the end of a request waits for its name's resolution. Older ones refuse it, and wait. */
    (void)curl->curl_easy_setopt(lane->easy, CURLOPT_QUICK_EXIT, 1L);
#endif
    return code == CURLE_OK ? method_set(lane, curl, body_bytes) : code;
}

static lm_status url_check(const lm_http_request *request, lm_error *error)
{
    char shown[URL_SHOWN_BYTES];
    if (strncasecmp(request->url, "http://", 7) == 0 ||
        strncasecmp(request->url, "https://", 8) == 0)
        return LM_OK;
    return lm__error_set(error, LM_INVALID, "%s is no URL of HTTP",
                         lm__mask(shown, sizeof shown, request->url));
}

static int64_t first_of(int64_t a, int64_t b, int64_t c) { return a ? a : b ? b : c; }

static void exchange_reset(lm_lane *lane, const lm_http_request *request, bool pushed,
                           lm_http_response *response)
{
    const lm_http_times *usual = &lane->http->options.times;
    lane->request = request;
    lane->response = response;
    lane->headers = NULL;
    lane->out = pushed ? NULL : request->body;
    lane->out_left = pushed ? 0 : request->body_bytes;
    lane->pushed = pushed;
    lane->out_end = lane->paused = lane->asked = lane->answered = lane->added = lane->head_whole =
        lane->refusal_cut = lane->done = false;
    lane->result = CURLE_OK;
    lane->curl_text[0] = '\0';
    lane->header_bytes = 0;
    lm_error_clear(&lane->stop);
    lane->times = (lm_http_times){
        first_of(request->times.connect_ns, usual->connect_ns, LM_HTTP_CONNECT_NS),
        first_of(request->times.idle_ns, usual->idle_ns, LM_HTTP_IDLE_NS),
        pushed ? 0 : request->times.whole_ns,
    };
    lane->began_ns = now_ns();
    response->status = 0;
    response->began = false;
    response->bytes_sent = response->bytes_received = 0;
    response->retry_after_ns = 0;
    lm__buffer_clear(&response->headers);
    lm__buffer_clear(&response->body);
    lane->body_bytes_max =
        request->body_bytes_max ? request->body_bytes_max : LM_HTTP_BODY_BYTES_MAX;
    response->body.bytes_max = LM_BUFFER_BYTES_MAX; /* it is bounded as it grows */
}

lm_status lm__exchange_begin(lm_http *http, const lm_http_request *request,
                             const uint64_t *body_bytes, lm_http_response *response,
                             lm_lane **lane_out, lm_error *error)
{
    lm_lane *lane;
    lm_status status;
    response->status = 0;
    response->began = false;
    LM_TRY(url_check(request, error));
    LM_TRY(lm__lane_take(http, &lane, error));
    exchange_reset(lane, request, body_bytes != NULL, response);
    status = headers_make(lane, error);
    if (status == LM_OK) {
        CURLcode code = easy_set(lane, body_bytes);
        if (code == CURLE_OK &&
            http->curl->curl_multi_add_handle(lane->multi, lane->easy) == CURLM_OK)
            lane->added = true;
        else
            status = code == CURLE_OK || code == CURLE_OUT_OF_MEMORY
                         ? lm__error_memory(error, "preparing a request")
                         : lm__error_set(error, LM_UNSUPPORTED, "libcurl refuses a request: %s",
                                         http->curl->curl_easy_strerror(code));
    }
    if (status != LM_OK) {
        lm__exchange_end(lane, status);
        return status;
    }
    *lane_out = lane;
    return LM_OK;
}

/* Driving. */

/* A write to a connection that the other side has closed raises SIGPIPE in the TLS libraries under
 * older versions of libcurl: held back while libcurl runs, and taken away. */
typedef struct pipe_guard {
    sigset_t pipe, before;
    bool on;
} pipe_guard;

static void pipe_guard_begin(pipe_guard *guard, const char *url)
{
    sigset_t pending;
    guard->on = strncasecmp(url, "https:", 6) == 0 && sigpending(&pending) == 0 &&
                !sigismember(&pending, SIGPIPE);
    if (!guard->on) return;
    sigemptyset(&guard->pipe);
    sigaddset(&guard->pipe, SIGPIPE);
    pthread_sigmask(SIG_BLOCK, &guard->pipe, &guard->before);
}

static void pipe_guard_end(pipe_guard *guard)
{
    static const struct timespec at_once = {0, 0};
    if (!guard->on) return;
    while (sigtimedwait(&guard->pipe, NULL, &at_once) < 0 && errno == EINTR) {
    }
    pthread_sigmask(SIG_SETMASK, &guard->before, NULL);
}

static uint64_t moved_bytes(const lm_lane *lane)
{
    return lane->response->bytes_sent + lane->response->bytes_received + lane->header_bytes;
}

static void times_check(lm_lane *lane)
{
    int64_t now = now_ns();
    uint64_t moved = moved_bytes(lane);
    char text[160];
    if (lm__cancel_requested(lane->request->cancel)) {
        stop_with(lane, LM_CANCELLED, "interrupted");
    } else if (lane->times.whole_ns && now - lane->began_ns >= lane->times.whole_ns) {
        snprintf(text, sizeof text, "not done after %.1f s, with %llu bytes of the answer's body",
                 (double)lane->times.whole_ns / NS_PER_S,
                 (unsigned long long)lane->response->bytes_received);
        stop_with(lane, LM_IO, text);
        lane->stop.retryable = true;
    } else if (moved - lane->window_bytes >= LM_HTTP_IDLE_BYTES || !lane->response->began) {
        lane->window_ns = now; /* until it has begun, the time for connecting counts */
        lane->window_bytes = moved;
    } else if (now - lane->window_ns >= lane->times.idle_ns) {
        snprintf(text, sizeof text, "next to nothing was sent or received for %.1f s",
                 (double)lane->times.idle_ns / NS_PER_S);
        stop_with(lane, LM_IO, text);
        lane->stop.retryable = true;
    }
}

static void perform(lm_lane *lane)
{
    const lm_curl *curl = lane->http->curl;
    int running, left;
    CURLMcode code = curl->curl_multi_perform(lane->multi, &running);
    if (code != CURLM_OK) {
        stop_with(lane, code == CURLM_OUT_OF_MEMORY ? LM_NO_MEMORY : LM_BROKEN,
                  "libcurl cannot go on");
        return;
    }
    for (CURLMsg *message; (message = curl->curl_multi_info_read(lane->multi, &left));)
        if (message->msg == CURLMSG_DONE) {
            lane->done = true;
            lane->result = message->data.result;
            /* An end amid the head is no failure to libcurl. */
            if (lane->result == CURLE_OK && !lane->head_whole) {
                lane->result = CURLE_GOT_NOTHING;
                if (lane->answered)
                    snprintf(lane->curl_text, sizeof lane->curl_text,
                             "the connection was closed in the head of the answer");
            }
        }
}

/* libcurl's own bound for one line of a head is told like a lack of memory. */
static bool line_is_too_long(const lm_lane *lane)
{
    return lane->result == CURLE_OUT_OF_MEMORY && lane->response->began && !lane->head_whole;
}

/* What libcurl's verdict is to us. */
static lm_status result_status(const lm_lane *lane, bool *retryable)
{
    *retryable = false;
    switch (lane->result) {
    case CURLE_OUT_OF_MEMORY: return line_is_too_long(lane) ? LM_LIMIT : LM_NO_MEMORY;
    case CURLE_COULDNT_RESOLVE_PROXY:
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_CONNECT:
    case CURLE_OPERATION_TIMEDOUT:
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_GOT_NOTHING:
    case CURLE_SEND_ERROR:
    case CURLE_RECV_ERROR:
    case CURLE_PARTIAL_FILE:
    case CURLE_SEND_FAIL_REWIND: *retryable = true; return LM_IO;
    case CURLE_URL_MALFORMAT: return LM_INVALID;
    case CURLE_UNSUPPORTED_PROTOCOL: return lane->response->began ? LM_IO : LM_UNSUPPORTED;
    default: return LM_IO;
    }
}

static void result_remedy(const lm_lane *lane, char *text, size_t size)
{
    const char *ca_file = lane->http->ca_file;
    if (lane->result == CURLE_PEER_FAILED_VERIFICATION)
        snprintf(text, size, " (a CA of your own is named by the option ca_file or SSL_CERT_FILE)");
    else if (lane->result == CURLE_SSL_CACERT_BADFILE)
        snprintf(text, size, " (the CA file is %s)", ca_file ? ca_file : "the system's");
}

static const char *failure_text(const lm_lane *lane)
{
    if (lane->stop.code != LM_OK) return lane->stop.message;
    if (line_is_too_long(lane)) return "a line of the answer's head is too long";
    return lane->curl_text[0] ? lane->curl_text
                              : lane->http->curl->curl_easy_strerror(lane->result);
}

/* The end of an exchange without a whole answer, as a failure that names method, URL and cause. */
static lm_status exchange_failure(lm_lane *lane, lm_error *error)
{
    const lm_http_request *request = lane->request;
    char url[URL_SHOWN_BYTES], seen[CURL_ERROR_SIZE], cut[64] = "";
    char remedy[256] = "";
    const char *lost = "";
    bool retryable = lane->stop.retryable;
    lm_status status = lane->stop.code;
    long os_code = 0;
    if (status == LM_OK) {
        status = result_status(lane, &retryable);
        result_remedy(lane, remedy, sizeof remedy);
        lane->http->curl->curl_easy_getinfo(lane->easy, CURLINFO_OS_ERRNO, &os_code);
    }
    if (lane->response->status)
        snprintf(cut, sizeof cut, "answered %d, but not to the end: ", lane->response->status);
    if (request->lost != LM_OK && lane->response->began && !request->repeatable) {
        status = request->lost;
        retryable = false;
        lost = "; the server may have done it all the same";
    }
    (void)lm__error_set(error, status, "%s %s: %s%s%s%s", request->method,
                        lm__mask(url, sizeof url, request->url), cut,
                        lm__mask(seen, sizeof seen, failure_text(lane)), remedy, lost);
    if (error) {
        error->os_code = lane->stop.code ? lane->stop.os_code : (int)os_code;
        error->http_code = lane->response->status;
        error->retryable = retryable;
    }
    return status;
}

lm_status lm__exchange_drive(lm_lane *lane, lm_until until, lm_error *error)
{
    pipe_guard guard;
    lane->window_ns = now_ns();
    lane->window_bytes = moved_bytes(lane);
    pipe_guard_begin(&guard, lane->request->url);
    while (!lane->done && lane->stop.code == LM_OK) {
        perform(lane);
        if (lane->done || (until == LM_UNTIL_ASKED && lane->asked) ||
            (until == LM_UNTIL_TAKEN && lane->out_left == 0))
            break;
        times_check(lane);
        if (lane->stop.code == LM_OK)
            (void)lane->http->curl->curl_multi_poll(lane->multi, NULL, 0, LM_HTTP_POLL_MS, NULL);
    }
    pipe_guard_end(&guard);
    if (lane->stop.code != LM_OK) return exchange_failure(lane, error);
    if (!lane->done || lane->result == CURLE_OK) return LM_OK;
    if (lane->refusal_cut && lane->result == CURLE_WRITE_ERROR) return LM_OK;
    return exchange_failure(lane, error);
}

/* Ending. */

static void trace(const lm_lane *lane, lm_status status)
{
    const lm_http_options *options = &lane->http->options;
    const lm_http_response *response = lane->response;
    char url[2048], seen[256], raw[2560], line[2560], number[16] = "";
    if (!options->trace) return;
    if (response->status) snprintf(number, sizeof number, "%d", response->status);
    bool ended = lane->done || lane->stop.code != LM_OK;
    snprintf(raw, sizeof raw, "%s %s: %s%s%s, %llu bytes up, %llu down, %.1f ms, attempt %u",
             lane->request->method, lm__mask(url, sizeof url, lane->request->url), number,
             status != LM_OK && number[0] ? ", then " : "",
             status == LM_OK ? ""
             : ended         ? lm__mask(seen, sizeof seen, failure_text(lane))
                             : "left off",
             (unsigned long long)response->bytes_sent, (unsigned long long)response->bytes_received,
             (double)(now_ns() - lane->began_ns) / NS_PER_MS, lane->request->attempt + 1);
    options->trace(options->trace_context, lm__printable(line, sizeof line, raw));
}

void lm__exchange_end(lm_lane *lane, lm_status status)
{
    const lm_curl *curl = lane->http->curl;
    if (lane->added) {
        curl_off_t after_s = 0;
        curl->curl_easy_getinfo(lane->easy, CURLINFO_RETRY_AFTER, &after_s);
        if (after_s > INT64_MAX / NS_PER_S) after_s = INT64_MAX / NS_PER_S;
        lane->response->retry_after_ns = after_s > 0 ? (int64_t)after_s * NS_PER_S : 0;
        curl->curl_multi_remove_handle(lane->multi, lane->easy);
        trace(lane, status);
    }
    curl->curl_slist_free_all(lane->headers);
    lane->headers = NULL;
    /* One that never began may leave libcurl's handle in a state that takes no options. */
    lm__lane_give(lane, lane->response->began);
}
