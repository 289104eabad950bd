/* Requests as they arrive, answers as they are given; numbers are the invariants of net/http.h. */
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

int main(void)
{
    RUN(a_get_arrives_byte_for_byte);
    RUN(other_methods_arrive_byte_for_byte);
    RUN(connections_are_kept);
    return DONE();
}
