/*
 * One request under way on a lane: what sending (http.c) and pushing (upload.c) share.
 *
 * Invariants
 *  1. A lane belongs to one exchange at a time; everything in it but `next` is its thread's.
 *  2. `stop` holds the first failure of ours (a callback's, a limit, time, cancellation); it goes
 *     before what libcurl makes of it.
 *  3. Time is counted only while somebody drives: a slow producer is no slow server.
 */
#ifndef LM_NET_EXCHANGE_H
#define LM_NET_EXCHANGE_H

#include <pthread.h>

#include "net/curl.h"
#include "net/http.h"

typedef struct lm_lane lm_lane;

struct lm_http {
    const lm_allocator *allocator;
    const lm_curl *curl;
    lm_http_options options; /* its ca_file is `ca_file` */
    char *ca_file;
    pthread_mutex_t mutex; /* for the idle lanes */
    lm_lane *idle;
    size_t idle_count;
};

typedef enum lm_until {
    LM_UNTIL_ASKED, /* the body is wanted, or the answer is there */
    LM_UNTIL_TAKEN, /* libcurl has all of `out`, or the answer is there */
    LM_UNTIL_DONE,
} lm_until;

struct lm_lane {
    lm_http *http;
    lm_lane *next;
    CURL *easy;
    CURLM *multi;
    char curl_text[CURL_ERROR_SIZE];

    /* The exchange. */
    const lm_http_request *request;
    lm_http_response *response;
    struct curl_slist *headers;
    const uint8_t *out; /* of the body, not yet taken */
    size_t out_left;
    bool pushed;      /* `out` comes by and by, until out_end */
    bool out_end;     /* nothing comes after it */
    bool paused;      /* libcurl waits for more of it */
    bool asked;       /* libcurl wanted the body */
    bool answered;    /* since the request was last begun, an answer has been */
    bool added;       /* easy is in multi */
    bool head_whole;  /* of the answer's headers */
    bool refusal_cut; /* enough of a refusal's body is there */
    bool done;
    CURLcode result; /* once done */
    lm_error stop;
    lm_http_times times;
    int64_t began_ns, window_ns;
    uint64_t window_bytes; /* moved before the window */
    size_t header_bytes;   /* of all heads: those that announce another are bounded with it */
    size_t body_bytes_max; /* of a 2xx, collected */
};

/* Takes a lane and prepares the request on it. On failure there is none. `body_bytes`: what will be
 * pushed, or NULL when the body is the request's. */
LM_MUST_USE lm_status lm__exchange_begin(lm_http *http, const lm_http_request *request,
                                         const uint64_t *body_bytes, lm_http_response *response,
                                         lm_lane **lane, lm_error *error);
/* Fails when the exchange has ended without a whole answer. */
LM_MUST_USE lm_status lm__exchange_drive(lm_lane *lane, lm_until until, lm_error *error);
/* Traces, and gives the lane back. */
void lm__exchange_end(lm_lane *lane, lm_status status);

/* Lanes, in http.c. */
LM_MUST_USE lm_status lm__lane_take(lm_http *http, lm_lane **lane, lm_error *error);
void lm__lane_give(lm_lane *lane, bool keep);

#endif
