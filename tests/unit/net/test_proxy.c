/* Proxies are those that the environment names, as curl takes them. */
#include "fixture.h"

static fixture f;

static bool answer(web_peer *peer)
{
    if (peer_asks(peer, "CONNECT "))
        return peer_say(peer, "HTTP/1.1 403 No\r\nContent-Length: 0\r\n\r\n");
    return peer_say(peer, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
}

static void proxy_set(const char *name, const char *pattern)
{
    setenv(name, server_text(&f.server, pattern, f.text), 1);
}

TEST(a_plain_request_goes_to_the_proxy_whole)
{
    fixture_begin(&f, answer);
    proxy_set("http_proxy", "http://me:SECRET@127.0.0.1:$");
    lm_http_request request = {.method = "GET", .url = "http://h.invalid/a?b=c"};
    CHECK_OK(lm__http_send(f.http, &request, &f.response, &f.error), f.error);
    CHECK_INT(f.response.body.size, 2);
    CHECK(strncmp(f.server.log, "GET http://h.invalid/a?b=c HTTP/1.1\r\nHost: h.invalid\r\n", 53) ==
          0);
    CHECK(strstr(f.server.log, "\r\nProxy-Authorization: Basic bWU6U0VDUkVU\r\n"));
    unsetenv("http_proxy");
    fixture_end(&f);
}

TEST(no_proxy_is_heeded)
{
    fixture_begin(&f, answer);
    setenv("http_proxy", "http://nowhere.invalid:1", 1);
    CHECK_STATUS(get(&f, "/x"), LM_IO);
    CHECK_SAYS(&f, "nowhere.invalid");
    CHECK(!f.response.began);
    setenv("no_proxy", "h.invalid,127.0.0.1", 1);
    CHECK_OK(get(&f, "/x"), f.error);
    CHECK(strncmp(f.server.log, "GET /x HTTP/1.1\r\n", 17) == 0);
    unsetenv("http_proxy");
    unsetenv("no_proxy");
    fixture_end(&f);
}

TEST(tls_goes_through_the_proxy)
{
    fixture_begin(&f, answer);
    proxy_set("https_proxy", "http://127.0.0.1:$");
    lm_http_request request = {.method = "PUT", .url = "https://h.invalid/a"};
    CHECK_STATUS(lm__http_send(f.http, &request, &f.response, &f.error), LM_IO);
    CHECK(strncmp(f.server.log, "CONNECT h.invalid:443 HTTP/1.1\r\n", 32) == 0);
    CHECK(!f.response.began); /* the host was never reached */
    CHECK_INT(f.response.status, 0);
    CHECK_SAYS(&f, "403");
    unsetenv("https_proxy");
    fixture_end(&f);
}

int main(void)
{
    RUN(a_plain_request_goes_to_the_proxy_whole);
    RUN(no_proxy_is_heeded);
    RUN(tls_goes_through_the_proxy);
    return DONE();
}
