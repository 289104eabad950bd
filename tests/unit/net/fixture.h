/* A server, a client and a place for the answer. */
#ifndef LM_TESTS_NET_FIXTURE_H
#define LM_TESTS_NET_FIXTURE_H

#include "base/limits.h"
#include "net/http.h"
#include "server.h"

#define MS INT64_C(1000000)

typedef struct fixture {
    web_server server;
    lm_http *http;
    lm_http_response response;
    lm_error error;
    char url[512], text[4096];
} fixture;

static inline void fixture_begin_with(fixture *f, bool (*answer)(web_peer *peer),
                                      const lm_http_options *options)
{
    server_start(&f->server, answer);
    CHECK_OK(lm__http_new(NULL, options, &f->http, &f->error), f->error);
    lm__http_response_init(&f->response, NULL);
}
static inline void fixture_begin(fixture *f, bool (*answer)(web_peer *peer))
{
    fixture_begin_with(f, answer, NULL);
}

static inline void fixture_end(fixture *f)
{
    lm__http_response_deinit(&f->response);
    lm__http_free(f->http);
    server_stop(&f->server);
}

static inline lm_status send_to(fixture *f, lm_http_request request, const char *path)
{
    request.url = server_url(&f->server, path, f->url);
    return lm__http_send(f->http, &request, &f->response, &f->error);
}

static inline lm_status get(fixture *f, const char *path)
{
    return send_to(f, (lm_http_request){.method = "GET"}, path);
}

#define CHECK_SAYS(f, words)                                                                       \
    do {                                                                                           \
        if (!strstr((f)->error.message, words))                                                    \
            check_fail(__FILE__, __LINE__, "\"%s\" does not say \"%s\"", (f)->error.message,       \
                       words);                                                                     \
    } while (0)

#endif
