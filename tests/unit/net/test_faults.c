/* Servers that do what they should not; numbers are the invariants of net/http.h. */
#include <errno.h>

#include "check_alloc.h"
#include "fixture.h"

static fixture f;

/* Each path is a fault. */
static bool answer(web_peer *peer)
{
    static const struct {
        const char *path, *words;
    } rows[] = {
        {"/half-a-header", "HTTP/1.1 200 OK\r\nContent-Le"},
        {"/half-a-body", "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello"},
        {"/half-a-chunk", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhel"},
        {"/no-last-chunk", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n"},
        {"/bad-chunk", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nhello\r\n"},
        {"/bad-length", "HTTP/1.1 200 OK\r\nContent-Length: abc\r\n\r\nhello"},
        {"/ftp", "220 ready\r\n220 and waiting\r\n"},
        {"/binary", "\x16\x03\x01\x02\x05\x01\r\n\r\n"},
        {"/version", "HTTP/7.3 200 OK\r\n\r\n"},
        {"/silence", ""},
    };
    static char filler[8192];
    memset(filler, 'a', sizeof filler);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char line[64];
        snprintf(line, sizeof line, "GET %s HTTP", rows[i].path);
        if (peer_asks(peer, line)) return peer_say(peer, rows[i].words) && false;
    }
    if (peer_asks(peer, "GET /reset")) return peer_reset(peer);
    if (peer_asks(peer, "GET /too-much"))
        return peer_say(peer, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello and more");
    if (peer_asks(peer, "GET /stall-before")) peer_wait_ms(peer, 60000);
    if (peer_asks(peer, "GET /stall-in")) {
        peer_say(peer, "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello");
        peer_wait_ms(peer, 60000);
        return false;
    }
    if (peer_asks(peer, "GET /trickle")) {
        peer_say(peer, "HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n");
        for (int i = 0; i < 10000 && peer_say(peer, "a"); i++) peer_wait_ms(peer, 10);
        return false;
    }
    if (peer_asks(peer, "GET /endless-body") || peer_asks(peer, "GET /endless-refusal")) {
        peer_say(peer, peer_asks(peer, "GET /endless-b") ? "HTTP/1.1 200 OK\r\n\r\n"
                                                         : "HTTP/1.1 500 No\r\n\r\n");
        while (peer_send(peer, filler, sizeof filler)) {
        }
        return false;
    }
    if (peer_asks(peer, "GET /endless-line")) {
        peer_say(peer, "HTTP/1.1 200 OK\r\nX: ");
        while (peer_send(peer, filler, sizeof filler)) {
        }
        return false;
    }
    if (peer_asks(peer, "GET /endless-head")) {
        peer_say(peer, "HTTP/1.1 200 OK\r\n");
        while (peer_say(peer, "X-Some: thing\r\n")) {
        }
        return false;
    }
    if (peer_asks(peer, "GET /endless-wait")) {
        while (peer_say(peer, "HTTP/1.1 102 Wait\r\n\r\n")) {
        }
        return false;
    }
    return peer_say(peer, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
}

TEST(a_refused_connection_has_not_begun)
{
    char url[512];
    lm_http_request request = {.method = "PUT", .url = url, .lost = LM_UNKNOWN_OUTCOME};
    web_server gone;
    server_start(&gone, answer);
    server_url(&gone, "/x?delegation=SECRET", url);
    server_stop(&gone);
    fixture_begin(&f, answer);
    CHECK_STATUS(lm__http_send(f.http, &request, &f.response, &f.error), LM_IO);
    CHECK(!f.response.began); /* 2. */
    CHECK(f.error.retryable);
    CHECK_INT(f.error.os_code, ECONNREFUSED);
    CHECK_INT(f.response.status, 0);
    char want[600];
    snprintf(want, sizeof want, "PUT http://127.0.0.1:%d/x?delegation=***: ", gone.port);
    CHECK_SAYS(&f, want);
    CHECK_SAYS(&f, "onnect"); /* libcurl's own words */
    fixture_end(&f);
}

TEST(an_unknown_host_has_not_begun)
{
    lm_http_request request = {.method = "GET", .url = "http://no-such-host.invalid/"};
    fixture_begin(&f, answer);
    CHECK_STATUS(lm__http_send(f.http, &request, &f.response, &f.error), LM_IO);
    CHECK(!f.response.began);
    CHECK_SAYS(&f, "no-such-host.invalid");
    fixture_end(&f);
}

TEST(what_is_no_url_of_http_is_refused)
{
    static const char *const urls[] = {
        "ftp://h/",        "file:///etc/passwd",        "", "http://", "http://a b/",
        "http://h:99999/", "http://h/\r\nX-Injected: c"};
    fixture_begin(&f, answer);
    for (size_t i = 0; i < sizeof urls / sizeof *urls; i++) {
        lm_http_request request = {.method = "GET", .url = urls[i]};
        CHECK_STATUS(lm__http_send(f.http, &request, &f.response, &f.error), LM_INVALID);
        CHECK(!f.response.began);
        CHECK(!f.error.retryable);
    }
    lm_http_header header = {"X-A", "b\r\nX-Injected: c"};
    CHECK_STATUS(
        send_to(&f, (lm_http_request){.method = "GET", .headers = &header, .header_count = 1}, "/"),
        LM_INVALID);
    CHECK_INT(f.server.requests, 0);
    fixture_end(&f);
}

TEST(answers_that_are_not_whole_fail)
{
    static const struct {
        const char *path;
        int status;
        bool retryable;
        const char *says;
    } rows[] = {
        {"/half-a-header", 0, true, "in the head"},
        {"/half-a-body", 200, true, "answered 200, but not to the end"},
        {"/half-a-chunk", 200, true, "answered 200, but not to the end"},
        {"/no-last-chunk", 200, true, "answered 200, but not to the end"},
        {"/bad-chunk", 200, true, ""},
        {"/bad-length", 0, false, ""},
        {"/ftp", 0, false, "HTTP/0.9"},
        {"/binary", 0, false, "HTTP/0.9"},
        {"/version", 0, false, ""},
        {"/silence", 0, true, "Empty reply"},
        {"/reset", 0, true, ""},
    };
    fixture_begin(&f, answer);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char want[600];
        CHECK_STATUS(get(&f, rows[i].path), LM_IO); /* 3. */
        if (f.response.status != rows[i].status || f.error.retryable != rows[i].retryable)
            check_fail(__FILE__, __LINE__, "%s: status %d, retryable %d: %s", rows[i].path,
                       f.response.status, f.error.retryable, f.error.message);
        CHECK(f.response.began);
        snprintf(want, sizeof want, "GET http://127.0.0.1:%d%s: ", f.server.port, rows[i].path);
        CHECK_SAYS(&f, want);
        CHECK_SAYS(&f, rows[i].says);
    }
    CHECK_OK(get(&f, "/well"), f.error);
    fixture_end(&f);
}

TEST(a_reset_before_the_request_is_read_fails)
{
    fixture_begin(&f, NULL);
    CHECK_STATUS(get(&f, "/"), LM_IO);
    CHECK(f.error.retryable);
    fixture_end(&f);
}

TEST(what_follows_an_answer_is_not_the_next_one)
{
    fixture_begin(&f, answer);
    CHECK_OK(get(&f, "/too-much"), f.error);
    CHECK_INT(f.response.body.size, 5);
    CHECK_OK(get(&f, "/well"), f.error);
    CHECK_INT(f.response.body.size, 2);
    CHECK_INT(f.server.connections, 2);
    fixture_end(&f);
}

TEST(waiting_is_bounded)
{
    static const char *const paths[] = {"/stall-before", "/stall-in", "/trickle"};
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
        lm_http_options options = {.times = {.idle_ns = 150 * MS}};
        fixture_begin_with(&f, answer, &options);
        CHECK_STATUS(get(&f, paths[i]), LM_IO);
        CHECK(f.error.retryable && f.response.began);
        CHECK_SAYS(&f, "next to nothing");
        lm_http_request request = {.method = "GET",
                                   .times = {.idle_ns = 60000 * MS, .whole_ns = 100 * MS}};
        CHECK_STATUS(send_to(&f, request, paths[i]), LM_IO);
        CHECK_SAYS(&f, "not done after 0.1 s");
        fixture_end(&f);
    }
}

TEST(connecting_is_bounded)
{
    /* A listener whose queue is full lets nobody in. */
    struct sockaddr_in address = {.sin_family = AF_INET};
    socklen_t size = sizeof address;
    int listener = socket(AF_INET, SOCK_STREAM, 0), fill[4];
    char url[128];
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    REQUIRE(bind(listener, (struct sockaddr *)&address, sizeof address) == 0);
    REQUIRE(listen(listener, 0) == 0);
    REQUIRE(getsockname(listener, (struct sockaddr *)&address, &size) == 0);
    for (int i = 0; i < 4; i++) {
        fill[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
        (void)!connect(fill[i], (struct sockaddr *)&address, sizeof address);
    }
    fixture_begin(&f, answer);
    snprintf(url, sizeof url, "http://127.0.0.1:%d/", ntohs(address.sin_port));
    lm_http_request request = {
        .method = "GET", .url = url, .times = {.connect_ns = 100 * MS, .idle_ns = 60000 * MS}};
    CHECK_STATUS(lm__http_send(f.http, &request, &f.response, &f.error), LM_IO);
    CHECK(!f.response.began && f.error.retryable);
    CHECK_SAYS(&f, "127.0.0.1");
    fixture_end(&f);
    for (int i = 0; i < 4; i++) close(fill[i]);
    close(listener);
}

TEST(sizes_are_bounded)
{
    fixture_begin(&f, answer); /* 5. */
    CHECK_STATUS(
        send_to(&f, (lm_http_request){.method = "GET", .body_bytes_max = 100000}, "/endless-body"),
        LM_LIMIT);
    CHECK(f.response.body.size <= 100000);
    CHECK_STATUS(get(&f, "/endless-head"), LM_LIMIT);
    CHECK_STATUS(get(&f, "/endless-wait"), LM_LIMIT);
    CHECK_STATUS(get(&f, "/endless-line"), LM_LIMIT);
    CHECK_SAYS(&f, "too long");
    CHECK(!f.error.retryable);
    CHECK_OK(get(&f, "/endless-refusal"), f.error);
    CHECK_INT(f.response.status, 500);
    CHECK_INT(f.response.body.size, LM_HTTP_REFUSAL_BYTES);
    CHECK_OK(send_to(&f, (lm_http_request){.method = "GET", .body_bytes_max = 2}, "/well"),
             f.error);
    CHECK_STATUS(send_to(&f, (lm_http_request){.method = "GET", .body_bytes_max = 1}, "/well"),
                 LM_LIMIT);
    fixture_end(&f);
}

/* The second request on a connection is read and then gets no answer. */
static bool answer_first_only(web_peer *peer)
{
    if (peer->requests > 0) return peer_asks(peer, "POST /reset") ? peer_reset(peer) : false;
    return peer_say(peer, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
}

TEST(what_may_not_be_repeated_is_sent_once)
{
    static const char *const paths[] = {"/close", "/reset"};
    for (size_t i = 0; i < 2; i++) {
        fixture_begin(&f, answer_first_only); /* 1. */
        CHECK_OK(get(&f, "/"), f.error);
        CHECK_STATUS(send_to(&f, (lm_http_request){.method = "POST"}, paths[i]), LM_IO);
        CHECK(f.response.began);
        CHECK(f.error.retryable);
        CHECK_INT(f.server.requests, 2);
        CHECK_OK(get(&f, "/"), f.error);
        lm_http_request commit = {.method = "POST", .lost = LM_UNKNOWN_OUTCOME};
        CHECK_STATUS(send_to(&f, commit, paths[i]), LM_UNKNOWN_OUTCOME);
        CHECK_SAYS(&f, "the server may have done it");
        CHECK(!f.error.retryable);
        CHECK_INT(f.server.requests, 4);
        fixture_end(&f);
    }
}

TEST(what_may_be_repeated_survives_a_kept_connection_that_was_closed)
{
    fixture_begin(&f, answer_first_only);
    for (int i = 0; i < 3; i++) {
        lm_http_request request = {
            .method = "PUT", .body = "abc", .body_bytes = 3, .repeatable = true};
        CHECK_OK(send_to(&f, request, "/"), f.error);
        CHECK_INT(f.response.status, 200);
    }
    fixture_end(&f);
}

static void *cancel_soon(void *context)
{
    usleep(50000);
    atomic_store(&((lm_cancel *)context)->requested, 1);
    return NULL;
}

TEST(a_request_can_be_cancelled)
{
    static const char *const paths[] = {"/stall-before", "/stall-in", "/trickle"};
    fixture_begin(&f, answer);
    for (size_t i = 0; i < 4; i++) {
        lm_cancel cancel = {0};
        lm_http_request request = {.method = "GET", .cancel = &cancel};
        pthread_t thread;
        if (i == 3) request.lost = LM_UNKNOWN_OUTCOME;
        pthread_create(&thread, NULL, cancel_soon, &cancel);
        CHECK_STATUS(send_to(&f, request, paths[i % 3]),
                     i == 3 ? LM_UNKNOWN_OUTCOME : LM_CANCELLED);
        CHECK_SAYS(&f, "interrupted");
        pthread_join(thread, NULL);
        CHECK_STATUS(send_to(&f, request, "/well"), LM_CANCELLED); /* it stays requested */
    }
    fixture_end(&f);
}

TEST(every_allocation_may_fail)
{
    fixture_begin(&f, answer);
    for (size_t n = 0;; n++) {
        check_alloc memory;
        lm_http *http = NULL;
        lm_http_response response;
        lm_http_header header = {"X-Some", "thing"};
        lm_http_options options = {.ca_file = "/some.pem"};
        lm_http_request request = {.method = "GET", .headers = &header, .header_count = 1};
        check_alloc_init(&memory, n);
        lm__http_response_init(&response, &memory.allocator);
        request.url = server_url(&f.server, "/x", f.url);
        lm_status status = lm__http_new(&memory.allocator, &options, &http, &f.error);
        if (status == LM_OK) status = lm__http_send(http, &request, &response, &f.error);
        if (status == LM_OK) CHECK_INT(response.body.size, 2);
        lm__http_response_deinit(&response);
        lm__http_free(http);
        CHECK_INT(memory.live, 0);
        if (!memory.failed) break;
        CHECK_STATUS(status, LM_NO_MEMORY);
    }
    fixture_end(&f);
}

int main(void)
{
    RUN(a_refused_connection_has_not_begun);
    RUN(an_unknown_host_has_not_begun);
    RUN(what_is_no_url_of_http_is_refused);
    RUN(answers_that_are_not_whole_fail);
    RUN(a_reset_before_the_request_is_read_fails);
    RUN(what_follows_an_answer_is_not_the_next_one);
    RUN(waiting_is_bounded);
    RUN(connecting_is_bounded);
    RUN(sizes_are_bounded);
    RUN(what_may_not_be_repeated_is_sent_once);
    RUN(what_may_be_repeated_survives_a_kept_connection_that_was_closed);
    RUN(a_request_can_be_cancelled);
    RUN(every_allocation_may_fail);
    return DONE();
}
