/* Requests as they arrive, answers as they are given; numbers are the invariants of net/http.h. */
#include <fcntl.h>

#include "fixture.h"

#define AGENT "User-Agent: lamella/" LM_VERSION "\r\n"

static bool answer_ok(web_peer *peer)
{
    const char *length = strstr(peer->head, "Content-Length: ");
    if (length && !peer_body(peer, strtoul(length + 16, NULL, 10))) return false;
    return peer_say(peer,
                    "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nX-One:  1 \r\nx-Two:\r\n\r\nhello");
}

TEST(a_get_arrives_byte_for_byte)
{
    static fixture f;
    fixture_begin(&f, answer_ok);
    lm_http_header headers[] = {{"X-Empty", ""}, {"X-Some", "a b"}};
    lm_http_request request = {.method = "GET", .headers = headers, .header_count = 2};
    CHECK_OK(send_to(&f, request, "/a/../b%20c?op=OPEN&x=%2F#"), f.error);
    CHECK_INT(f.response.status, 200);
    CHECK(f.response.began);
    CHECK_INT(f.response.body.size, 5);
    CHECK_BYTES(f.response.body.data, "hello", 5);
    CHECK_TEXT(lm__http_header_find(&f.response, "x-one"), "1");
    CHECK_TEXT(lm__http_header_find(&f.response, "X-TWO"), "");
    CHECK(!lm__http_header_find(&f.response, "X-Three"));
    CHECK_TEXT(f.server.log, server_text(&f.server,
                                         "GET /a/../b%20c?op=OPEN&x=%2F HTTP/1.1\r\n"
                                         "Host: 127.0.0.1:$\r\n" AGENT "Accept: */*\r\n"
                                         "X-Empty:\r\nX-Some: a b\r\n\r\n",
                                         f.text));
    fixture_end(&f);
}

TEST(other_methods_arrive_byte_for_byte)
{
    static const struct {
        const char *method, *body, *head;
    } rows[] = {
        {"PUT", NULL, "Content-Length: 0\r\n\r\n"},
        {"POST", NULL, "Content-Length: 0\r\n\r\n"},
        {"PUT", "abc", "Content-Length: 3\r\n\r\nabc"},
        {"POST", "abc", "Content-Length: 3\r\n\r\nabc"},
        {"DELETE", NULL, "\r\n"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        static fixture f;
        char want[256];
        fixture_begin(&f, answer_ok);
        lm_http_request request = {.method = rows[i].method, .body = rows[i].body};
        request.body_bytes = rows[i].body ? strlen(rows[i].body) : 0;
        CHECK_OK(send_to(&f, request, "/x"), f.error);
        snprintf(want, sizeof want,
                 "%s /x HTTP/1.1\r\nHost: 127.0.0.1:$\r\n" AGENT "Accept: */*\r\n%s",
                 rows[i].method, rows[i].head);
        CHECK_TEXT(f.server.log, server_text(&f.server, want, f.text));
        CHECK_INT(f.response.bytes_sent, request.body_bytes);
        CHECK_INT(f.response.bytes_received, 5);
        fixture_end(&f);
    }
}

TEST(connections_are_kept)
{
    static fixture f;
    fixture_begin(&f, answer_ok);
    for (int i = 0; i < 10; i++)
        CHECK_OK(send_to(&f, (lm_http_request){.method = i % 2 ? "GET" : "PUT"}, "/x"), f.error);
    CHECK_INT(f.server.connections, 1);
    CHECK_INT(f.server.requests, 10);
    fixture_end(&f);
}

TEST(no_program_that_is_started_inherits_a_connection)
{
    static fixture f;
    int connected = 0;
    fixture_begin(&f, answer_ok);
    CHECK_OK(get(&f, "/x"), f.error);
    for (int fd = 3; fd < 256; fd++) {
        struct sockaddr_in peer;
        socklen_t size = sizeof peer;
        if (getpeername(fd, (struct sockaddr *)&peer, &size) != 0 || size != sizeof peer ||
            peer.sin_family != AF_INET || ntohs(peer.sin_port) != f.server.port)
            continue;
        connected++;
        CHECK(fcntl(fd, F_GETFD) & FD_CLOEXEC);
    }
    CHECK_INT(connected, 1);
    fixture_end(&f);
}

static bool answer_kinds(web_peer *peer)
{
    if (peer_asks(peer, "HEAD "))
        return peer_say(peer, "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n");
    if (peer_asks(peer, "GET /307"))
        return peer_say(peer, "HTTP/1.1 307 There\r\nLocation: http://h.invalid/x\r\n"
                              "Content-Length: 0\r\n\r\n");
    if (peer_asks(peer, "GET /100"))
        return peer_say(peer, "HTTP/1.1 102 Wait\r\nX-A: early\r\n\r\n"
                              "HTTP/1.1 204 None\r\nX-A: late\r\n\r\n");
    if (peer_asks(peer, "GET /chunks"))
        return peer_say(peer, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
                              "5\r\nhello\r\n3;x=y\r\n, w\r\n0\r\nX-Last: z\r\n\r\n");
    if (peer_asks(peer, "GET /404"))
        return peer_say(peer, "HTTP/1.1 404 No\r\nContent-Length: 25\r\n\r\n"
                              "no /x\nhere, token=SECRET!");
    if (peer_asks(peer, "GET /range") && strstr(peer->head, "\r\nRange: bytes=2-4\r\n"))
        return peer_say(peer, "HTTP/1.1 206 Part\r\nContent-Range: bytes 2-4/9\r\n"
                              "Content-Length: 3\r\n\r\nllo");
    return answer_ok(peer);
}

TEST(answers_of_each_kind_are_given)
{
    static fixture f;
    lm_http_header range = {"Range", "bytes=2-4"};
    fixture_begin(&f, answer_kinds);
    CHECK_OK(send_to(&f, (lm_http_request){.method = "HEAD"}, "/x"), f.error);
    CHECK_TEXT(lm__http_header_find(&f.response, "content-length"), "1000");
    CHECK_INT(f.response.body.size, 0);
    CHECK_OK(get(&f, "/307"), f.error); /* 3. */
    CHECK_INT(f.response.status, 307);
    CHECK_TEXT(lm__http_header_find(&f.response, "location"), "http://h.invalid/x");
    CHECK_OK(get(&f, "/100"), f.error);
    CHECK_INT(f.response.status, 204);
    CHECK_TEXT(lm__http_header_find(&f.response, "x-a"), "late");
    CHECK_OK(get(&f, "/chunks"), f.error);
    CHECK_INT(f.response.body.size, 8);
    CHECK_BYTES(f.response.body.data, "hello, w", 8);
    CHECK_OK(send_to(&f, (lm_http_request){.method = "GET", .headers = &range, .header_count = 1},
                     "/range"),
             f.error);
    CHECK_INT(f.response.status, 206);
    CHECK_BYTES(f.response.body.data, "llo", 3);
    CHECK_INT(f.server.connections, 1);
    fixture_end(&f);
}

TEST(a_refusal_is_told_with_what_it_says)
{
    static fixture f;
    lm_http_request request = {.method = "GET"};
    fixture_begin(&f, answer_kinds);
    request.body_bytes_max = 2; /* no bound for what a refusal says */
    CHECK_OK(send_to(&f, request, "/404?sig=SECRET"), f.error);
    request.url = f.url;
    CHECK_STATUS(lm__http_refusal(&request, &f.response, &f.error), LM_NOT_FOUND);
    CHECK_TEXT(f.error.message, server_text(&f.server,
                                            "GET http://127.0.0.1:$/404?sig=***: answered 404: "
                                            "no /x\\x0ahere, token=***",
                                            f.text));
    CHECK_INT(f.error.http_code, 404);
    CHECK(!f.error.retryable);
    f.response.status = 503;
    CHECK_STATUS(lm__http_refusal(&request, &f.response, &f.error), LM_IO);
    CHECK(f.error.retryable);
    CHECK_STATUS(lm__http_refusal(&request, &f.response, NULL), LM_IO);
    fixture_end(&f);
}

static lm_status take_two(void *context, const void *data, size_t size, lm_error *error)
{
    size_t *taken = context;
    if (*taken + size > 2) return *taken = 0, LM_NO_SPACE;
    *taken += size;
    (void)data, (void)error;
    return LM_OK;
}

TEST(a_stream_ends_when_its_taker_fails)
{
    static fixture f;
    size_t taken = 0;
    fixture_begin(&f, answer_kinds);
    lm_http_request request = {.method = "GET", .on_body = take_two, .context = &taken};
    CHECK_STATUS(send_to(&f, request, "/x"), LM_NO_SPACE);
    CHECK_OK(send_to(&f, request, "/404"), f.error); /* its words do not go there */
    CHECK_INT(f.response.body.size, 25);
    fixture_end(&f);
}

static void keep_line(void *context, const char *line) { snprintf(context, 4096, "%s", line); }

/* The line up to the time that it took, which no test knows. */
static void check_trace(fixture *f, char *line, const char *want, const char *end)
{
    char *time = strstr(line, " down, ");
    CHECK(!strstr(line, "SECRET"));
    REQUIRE(time);
    CHECK(strstr(time, end));
    time[6] = '\0';
    CHECK_TEXT(line, server_text(&f->server, want, f->text));
}

TEST(each_request_is_traced_and_masked)
{
    static fixture f;
    static char line[4096];
    lm_http_upload *upload;
    lm_http_header secret = {"Authorization", "Bearer SECRET"};
    fixture_begin_with(&f, answer_kinds,
                       &(lm_http_options){.trace = keep_line, .trace_context = line});
    lm_http_request request = {.method = "PUT",
                               .body = "abc",
                               .body_bytes = 3,
                               .attempt = 1,
                               .headers = &secret,
                               .header_count = 1};
    CHECK_OK(send_to(&f, request, "/x?delegation=SECRET&op=CREATE"), f.error);
    CHECK(strstr(f.server.log, "Bearer SECRET"));
    check_trace(&f, line,
                "PUT http://127.0.0.1:$/x?delegation=***&op=CREATE: 200, 3 bytes up, 5 down,",
                " ms, attempt 2");
    request = (lm_http_request){.method = "GET", .url = "http://me:SECRET@h.invalid/x"};
    CHECK_STATUS(lm__http_send(f.http, &request, &f.response, &f.error), LM_IO);
    check_trace(
        &f, line,
        "GET http://***@h.invalid/x: Could not resolve host: h.invalid, 0 bytes up, 0 down,",
        "attempt 1");
    CHECK(!strstr(f.error.message, "SECRET"));
    request = (lm_http_request){.method = "PUT", .url = server_url(&f.server, "/x", f.url)};
    CHECK_OK(lm__http_upload_open(f.http, &request, 5, &f.response, &upload, &f.error), f.error);
    lm__http_upload_abort(upload);
    check_trace(&f, line, "PUT http://127.0.0.1:$/x: left off, 0 bytes up, 0 down,", "attempt 1");
    fixture_end(&f);
}

/* Half an answer, and the rest soon. */
static bool answer_in_two(web_peer *peer)
{
    peer_say(peer, "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello");
    peer_wait_ms(peer, 50);
    return peer_say(peer, "hello");
}

static lm_status take_slowly(void *context, const void *data, size_t size, lm_error *error)
{
    (void)data, (void)error;
    *(size_t *)context += size;
    usleep(200000);
    return LM_OK;
}

TEST(a_slow_taker_is_waited_for)
{
    static fixture f;
    size_t taken = 0;
    fixture_begin(&f, answer_in_two);
    lm_http_request request = {
        .method = "GET", .on_body = take_slowly, .context = &taken, .times = {.idle_ns = 150 * MS}};
    CHECK_OK(send_to(&f, request, "/x"), f.error);
    CHECK_INT(taken, 10);
    fixture_end(&f);
}

static bool answer_challenge(web_peer *peer)
{
    return peer_say(peer, "HTTP/1.1 401 Who\r\nWWW-Authenticate: Negotiate\r\n"
                          "Set-Cookie: hadoop.auth=; Path=/\r\nContent-Length: 0\r\n\r\n");
}

/* Without a ticket the refusal is the answer; with one, which this place hardly has, it may be
 * tried. */
TEST(a_challenge_without_a_ticket_is_a_refusal)
{
    static fixture f;
    fixture_begin(&f, answer_challenge);
    setenv("KRB5CCNAME", "FILE:/no/such/tickets", 1);
    CHECK_OK(send_to(&f, (lm_http_request){.method = "PUT", .negotiate = true}, "/x"), f.error);
    CHECK_INT(f.response.status, 401);
    unsetenv("KRB5CCNAME");
    fixture_end(&f);
}

int main(void)
{
    RUN(a_get_arrives_byte_for_byte);
    RUN(other_methods_arrive_byte_for_byte);
    RUN(connections_are_kept);
    RUN(no_program_that_is_started_inherits_a_connection);
    RUN(answers_of_each_kind_are_given);
    RUN(a_refusal_is_told_with_what_it_says);
    RUN(a_stream_ends_when_its_taker_fails);
    RUN(each_request_is_traced_and_masked);
    RUN(a_slow_taker_is_waited_for);
    RUN(a_challenge_without_a_ticket_is_a_refusal);
    return DONE();
}
