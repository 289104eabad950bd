/*
 * HTTP requests, on libcurl: what every remote store stands on.
 *
 * A client (lm_http) is used from any number of threads. Each request takes a *lane*, a handle of
 * libcurl with its open connections, and gives it back, so that connections are kept and nothing is
 * shared while a request runs. libcurl is loaded when the first client is made.
 *
 * Invariants
 *  1. A request that the caller does not call repeatable is sent once. What libcurl would send
 *     again by itself, because a kept connection was closed without an answer, is a failure here.
 *  2. response.began is false only when no byte of the request can have reached a server: what
 *     failed so may be tried again, whatever it was.
 *  3. An answer is whole or the call fails; its status is the caller's to judge. Redirects are
 *     answers.
 *  4. TLS is verified, always; a CA file of one's own is the only thing to choose.
 *  5. Every size from the network is bounded (limits.h): headers, collected bodies, waiting.
 *  6. Secrets stand in no message and no trace (net/mask.h).
 *
 * A cancelled request ends within LM_HTTP_POLL_MS.
 */
#ifndef LM_NET_HTTP_H
#define LM_NET_HTTP_H

#include "base/buffer.h"

/* Waiting, in nanoseconds; 0 means the client's, and in a client's options what limits.h says. */
typedef struct lm_http_times {
    int64_t connect_ns;
    int64_t idle_ns; /* without LM_HTTP_IDLE_BYTES going either way */
    int64_t
        whole_ns; /* a request's only; 0: no bound. Not for uploads, which wait for their caller */
} lm_http_times;

typedef struct lm_http_options {
    const char *ca_file; /* NULL: CURL_CA_BUNDLE, SSL_CERT_FILE, else the system's */
    lm_http_times times;
    /* One line for each request, masked; from any thread, also from several at once. */
    void (*trace)(void *context, const char *line);
    void *trace_context;
} lm_http_options;

typedef struct lm_http lm_http;

/* Proxies come from the environment (http_proxy, https_proxy, all_proxy, no_proxy). */
LM_MUST_USE lm_status lm__http_new(const lm_allocator *allocator, const lm_http_options *options,
                                   lm_http **http, lm_error *error);
/* After the last request has ended. Takes NULL. */
void lm__http_free(lm_http *http);

typedef struct lm_http_header {
    const char *name, *value;
} lm_http_header;

/* What is pointed to is borrowed for the call, or until an upload is open. */
typedef struct lm_http_request {
    const char *method; /* "GET"; in capitals */
    const char *url;    /* http: or https:, encoded; sent as it stands */
    const lm_http_header *headers;
    size_t header_count;
    const void *body; /* a PUT or a POST without one says `Content-Length: 0` */
    size_t body_bytes;
    bool repeatable; /* doing it twice is doing it once */
    bool expect;     /* `Expect: 100-continue`: the body waits until the server wants it */
    bool negotiate;  /* answer a demand for SPNEGO by the system's Kerberos ticket */
    /* The status of a failure after which the server may have acted on what is not repeatable; a
     * cancelled one among them. LM_OK: the failure's own, LM_IO mostly. */
    lm_status lost;
    /* The body of a 2xx answer in pieces; a failure ends the request with that status. NULL: it is
     * collected in response.body, as those of other answers are. */
    lm_status (*on_body)(void *context, const void *data, size_t size, lm_error *error);
    void *context;
    size_t body_bytes_max; /* collected; 0: LM_HTTP_BODY_BYTES_MAX. More is LM_LIMIT */
    lm_http_times times;
    const lm_cancel *cancel;
    unsigned attempt; /* from 0; shown in the trace */
} lm_http_request;

/* To be set up by _init and ended by _deinit; can be used for one request after the other. */
typedef struct lm_http_response {
    int status;                          /* 0: no whole head of an answer came */
    bool began;                          /* bytes of the request may have reached a server */
    uint64_t bytes_sent, bytes_received; /* of bodies */
    int64_t retry_after_ns;              /* what Retry-After asks for, or 0 */
    lm_buffer headers;                   /* name, NUL, value, NUL, … */
    lm_buffer body; /* of an answer that is not 2xx its first LM_HTTP_REFUSAL_BYTES */
} lm_http_response;

void lm__http_response_init(lm_http_response *response, const lm_allocator *allocator);
void lm__http_response_deinit(lm_http_response *response);
/* The value of the first header of this name, in any case of letters, or NULL. */
const char *lm__http_header_find(const lm_http_response *response, const char *name);

/* LM_OK when a whole answer came, of whatever status. On failure error.retryable says that the
 * cause may pass. */
LM_MUST_USE lm_status lm__http_send(lm_http *http, const lm_http_request *request,
                                    lm_http_response *response, lm_error *error);

/* The failure that an answer means whose status is not what the request is for: by its number
 * (404: LM_NOT_FOUND, 401 and 403: LM_PERMISSION, …), with the first of what its body says. */
lm_status lm__http_refusal(const lm_http_request *request, const lm_http_response *response,
                           lm_error *error);
bool lm__http_status_passes(int status); /* 408, 425, 429, 500, 502, 503, 504: may be over soon */

/*
 * An upload whose body is pushed, without a thread: each call does what there is to do. `response`,
 * the caller's, is filled on the way. When an answer comes before the body is whole, _write fails
 * with LM_IO and response.status is its number; _finish then succeeds and gives it.
 */
typedef struct lm_http_upload lm_http_upload;

#define LM_HTTP_BYTES_UNKNOWN UINT64_MAX /* sent in chunks */

/* Connects, sends the head and comes back when the body is wanted; request.body is not looked at.
 * On failure nothing is open. `body_bytes` must be what will be written. */
LM_MUST_USE lm_status lm__http_upload_open(lm_http *http, const lm_http_request *request,
                                           uint64_t body_bytes, lm_http_response *response,
                                           lm_http_upload **upload, lm_error *error);
LM_MUST_USE lm_status lm__http_upload_write(lm_http_upload *upload, const void *data, size_t size,
                                            lm_error *error);
/* The end of the body, and the answer. Frees the upload, whatever happens. */
LM_MUST_USE lm_status lm__http_upload_finish(lm_http_upload *upload, lm_error *error);
/* Cuts the connection: the server sees a body that is not whole. Takes NULL. */
void lm__http_upload_abort(lm_http_upload *upload);

#endif
