/* Pushed uploads, of known length and in chunks; numbers are the invariants of net/upload.c. */
#include "check_alloc.h"
#include "fixture.h"

static fixture f;
static char block[100000];

/* "/sized" reads Content-Length bytes, "/chunked" to the last chunk, and both say 201. */
static bool answer(web_peer *peer)
{
    const char *length = strstr(peer->head, "Content-Length: ");
    if (peer_asks(peer, "PUT /early")) { /* an answer after the first bytes, and no more reading */
        if (!peer_body(peer, 5)) return false;
        peer_say(peer,
                 "HTTP/1.1 403 Forbidden\r\nContent-Length: 4\r\nConnection: close\r\n\r\nhalt");
        peer_wait_ms(peer, 200);
        return peer_reset(peer);
    }
    if (peer_asks(peer, "PUT /refused")) {
        peer_say(peer, "HTTP/1.1 401 No\r\nContent-Length: 2\r\n\r\nno");
        return false;
    }
    if (peer_asks(peer, "PUT /continue")) {
        CHECK_INT(peer->body_bytes, 0); /* it waits */
        peer_say(peer, "HTTP/1.1 100 Continue\r\n\r\n");
    }
    if (peer_asks(peer, "PUT /reset")) return peer_body(peer, 5) && peer_reset(peer);
    if (peer_asks(peer, "PUT /stall")) {
        peer_wait_ms(peer, 60000);
        return false;
    }
    if (!peer_body(peer, length ? strtoul(length + 16, NULL, 10) : SIZE_MAX)) return false;
    if (peer_asks(peer, "PUT /lost")) return false;
    return peer_say(peer, "HTTP/1.1 201 Created\r\nContent-Length: 4\r\n\r\ndone");
}

static lm_status open_upload(lm_http_request request, const char *path, uint64_t size,
                             lm_http_upload **upload)
{
    request.method = "PUT";
    request.url = server_url(&f.server, path, f.url);
    return lm__http_upload_open(f.http, &request, size, &f.response, upload, &f.error);
}

TEST(a_body_of_known_length_arrives_byte_for_byte)
{
    lm_http_upload *upload;
    lm_http_header header = {"Content-Type", "application/octet-stream"};
    fixture_begin(&f, answer);
    CHECK_OK(open_upload((lm_http_request){.headers = &header, .header_count = 1}, "/sized", 11,
                         &upload),
             f.error);
    CHECK_OK(lm__http_upload_write(upload, "hello", 5, &f.error), f.error);
    CHECK_OK(lm__http_upload_write(upload, "", 0, &f.error), f.error);
    CHECK_OK(lm__http_upload_write(upload, " world", 6, &f.error), f.error);
    CHECK_OK(lm__http_upload_finish(upload, &f.error), f.error);
    CHECK_INT(f.response.status, 201);
    CHECK_INT(f.response.bytes_sent, 11);
    CHECK_INT(f.response.body.size, 4);
    CHECK_TEXT(f.server.log, server_text(&f.server,
                                         "PUT /sized HTTP/1.1\r\nHost: 127.0.0.1:$\r\nUser-Agent: "
                                         "lamella/" LM_VERSION "\r\nAccept: */*\r\n"
                                         "Content-Type: application/octet-stream\r\n"
                                         "Content-Length: 11\r\n\r\nhello world",
                                         f.text));
    fixture_end(&f);
}

TEST(a_body_of_unknown_length_goes_in_chunks)
{
    lm_http_upload *upload;
    fixture_begin(&f, answer);
    for (int i = 0; i < 2; i++) { /* the connection is kept */
        CHECK_OK(open_upload((lm_http_request){0}, "/chunked", LM_HTTP_BYTES_UNKNOWN, &upload),
                 f.error);
        if (i == 0) CHECK_OK(lm__http_upload_write(upload, "hello", 5, &f.error), f.error);
        CHECK_OK(lm__http_upload_finish(upload, &f.error), f.error);
        CHECK_INT(f.response.status, 201);
    }
    CHECK_INT(f.server.connections, 1);
    CHECK_TEXT(f.server.log,
               server_text(&f.server,
                           "PUT /chunked HTTP/1.1\r\nHost: 127.0.0.1:$\r\nUser-Agent: "
                           "lamella/" LM_VERSION "\r\nAccept: */*\r\n"
                           "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"
                           "PUT /chunked HTTP/1.1\r\nHost: 127.0.0.1:$\r\nUser-Agent: "
                           "lamella/" LM_VERSION "\r\nAccept: */*\r\n"
                           "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
                           f.text));
    fixture_end(&f);
}

TEST(an_empty_body_of_known_length_is_one)
{
    lm_http_upload *upload;
    fixture_begin(&f, answer);
    CHECK_OK(open_upload((lm_http_request){0}, "/sized", 0, &upload), f.error);
    CHECK_OK(lm__http_upload_finish(upload, &f.error), f.error);
    CHECK_INT(f.response.status, 201);
    fixture_end(&f);
}

TEST(many_pieces_arrive)
{
    static const uint64_t sizes[] = {100 * sizeof block, LM_HTTP_BYTES_UNKNOWN};
    for (size_t i = 0; i < 2; i++) {
        lm_http_upload *upload;
        fixture_begin(&f, answer);
        memset(block, 'a', sizeof block); /* no "0\r\n\r\n", by which the server knows the end */
        if (i == 1) memset(block, 'b', 1000);
        size_t count = i == 0 ? 100 : 1, size = i == 0 ? sizeof block : 1000;
        CHECK_OK(open_upload((lm_http_request){0}, "/any", sizes[i], &upload), f.error);
        for (size_t n = 0; n < count; n++)
            CHECK_OK(lm__http_upload_write(upload, block, size, &f.error), f.error);
        CHECK_OK(lm__http_upload_finish(upload, &f.error), f.error);
        CHECK_INT(f.response.status, 201);
        CHECK_INT(f.response.bytes_sent, count * size);
        fixture_end(&f);
    }
}

TEST(the_body_waits_for_a_100_where_that_is_asked_for)
{
    lm_http_upload *upload;
    fixture_begin(&f, answer);
    CHECK_OK(open_upload((lm_http_request){.expect = true}, "/continue", 5, &upload), f.error);
    CHECK(strstr(f.server.log, "\r\nExpect: 100-continue\r\n"));
    CHECK_OK(lm__http_upload_write(upload, "hello", 5, &f.error), f.error);
    CHECK_OK(lm__http_upload_finish(upload, &f.error), f.error);
    CHECK_INT(f.response.status, 201);
    /* A refusal instead of it: nothing of the body is sent. */
    CHECK_OK(open_upload((lm_http_request){.expect = true}, "/refused", 5, &upload), f.error);
    CHECK_INT(f.response.status, 401);
    CHECK_STATUS(lm__http_upload_write(upload, "WORLD", 5, &f.error), LM_IO);
    CHECK_OK(lm__http_upload_finish(upload, &f.error), f.error);
    CHECK_INT(f.response.status, 401);
    CHECK(!strstr(f.server.log, "WORLD"));
    fixture_end(&f);
}

TEST(an_answer_that_comes_early_is_given)
{
    static const uint64_t sizes[] = {1000000000, LM_HTTP_BYTES_UNKNOWN};
    for (size_t i = 0; i < 2; i++) {
        lm_http_upload *upload;
        lm_status status = LM_OK;
        fixture_begin(&f, answer);
        CHECK_OK(open_upload((lm_http_request){0}, "/early", sizes[i], &upload), f.error);
        for (int n = 0; n < 5000 && status == LM_OK; n++)
            status = lm__http_upload_write(upload, block, sizeof block, &f.error);
        CHECK_STATUS(status, LM_IO);
        CHECK_SAYS(&f, "answered 403 before the body was whole");
        CHECK_INT(f.error.http_code, 403);
        CHECK_STATUS(lm__http_upload_write(upload, block, 1, &f.error), LM_IO);
        CHECK_OK(lm__http_upload_finish(upload, &f.error), f.error);
        CHECK_INT(f.response.status, 403);
        CHECK_INT(f.response.body.size, 4);
        fixture_end(&f);
    }
}

TEST(a_length_that_was_announced_is_kept)
{
    lm_http_upload *upload;
    fixture_begin(&f, answer); /* 1. */
    CHECK_OK(open_upload((lm_http_request){0}, "/sized", 5, &upload), f.error);
    CHECK_STATUS(lm__http_upload_write(upload, "hello!", 6, &f.error), LM_INVALID);
    CHECK_SAYS(&f, "1 bytes more");
    CHECK_STATUS(lm__http_upload_write(upload, "hello", 5, &f.error), LM_INVALID); /* 2. */
    CHECK_STATUS(lm__http_upload_finish(upload, &f.error), LM_INVALID);
    CHECK_OK(open_upload((lm_http_request){0}, "/sized", 5, &upload), f.error);
    CHECK_OK(lm__http_upload_write(upload, "hell", 4, &f.error), f.error);
    CHECK_STATUS(lm__http_upload_finish(upload, &f.error), LM_INVALID);
    CHECK_SAYS(&f, "1 bytes fewer");
    fixture_end(&f);
}

TEST(an_upload_that_is_left_off_is_not_whole)
{
    lm_http_upload *upload;
    fixture_begin(&f, answer);
    CHECK_OK(open_upload((lm_http_request){0}, "/chunked", LM_HTTP_BYTES_UNKNOWN, &upload),
             f.error);
    CHECK_OK(lm__http_upload_write(upload, "hello", 5, &f.error), f.error);
    lm__http_upload_abort(upload);
    lm__http_upload_abort(NULL);
    fixture_end(&f); /* the server has read all that came */
    CHECK(!strstr(f.server.log, "0\r\n\r\n"));
}

TEST(a_connection_that_breaks_fails_the_upload)
{
    lm_http_upload *upload;
    lm_status status = LM_OK;
    fixture_begin(&f, answer);
    CHECK_OK(
        open_upload((lm_http_request){.lost = LM_UNKNOWN_OUTCOME}, "/reset", 1000000000, &upload),
        f.error);
    for (int n = 0; n < 5000 && status == LM_OK; n++)
        status = lm__http_upload_write(upload, block, sizeof block, &f.error);
    CHECK_STATUS(status, LM_UNKNOWN_OUTCOME);
    CHECK(f.response.began && f.response.status == 0);
    CHECK_STATUS(lm__http_upload_write(upload, block, 1, &f.error), LM_UNKNOWN_OUTCOME);
    CHECK_STATUS(lm__http_upload_finish(upload, &f.error), LM_UNKNOWN_OUTCOME);
    /* The whole body was read, and then no answer came. */
    CHECK_OK(open_upload((lm_http_request){0}, "/lost", 5, &upload), f.error);
    CHECK_OK(lm__http_upload_write(upload, "hello", 5, &f.error), f.error);
    CHECK_STATUS(lm__http_upload_finish(upload, &f.error), LM_IO);
    fixture_end(&f);
}

TEST(opening_tells_that_nobody_is_there)
{
    lm_http_upload *upload;
    web_server gone;
    fixture_begin(&f, answer);
    server_start(&gone, answer);
    server_stop(&gone);
    lm_http_request request = {
        .method = "PUT", .url = server_url(&gone, "/x", f.url), .lost = LM_UNKNOWN_OUTCOME};
    CHECK_STATUS(lm__http_upload_open(f.http, &request, 5, &f.response, &upload, &f.error), LM_IO);
    CHECK(!f.response.began && f.error.retryable);
    fixture_end(&f);
}

static void *cancel_soon(void *context)
{
    usleep(50000);
    atomic_store(&((lm_cancel *)context)->requested, 1);
    return NULL;
}

TEST(an_upload_can_be_cancelled_and_does_not_wait_for_ever)
{
    for (int i = 0; i < 2; i++) {
        lm_http_upload *upload;
        lm_status status = LM_OK;
        lm_cancel cancel = {0};
        pthread_t thread;
        lm_http_request request = {.cancel = &cancel};
        if (i == 1) request.times.idle_ns = 100 * MS;
        fixture_begin(&f, answer);
        CHECK_OK(open_upload(request, "/stall", LM_HTTP_BYTES_UNKNOWN, &upload), f.error);
        if (i == 0) pthread_create(&thread, NULL, cancel_soon, &cancel);
        for (int n = 0; n < 5000 && status == LM_OK; n++)
            status = lm__http_upload_write(upload, block, sizeof block, &f.error);
        CHECK_STATUS(status, i == 0 ? LM_CANCELLED : LM_IO);
        CHECK_STATUS(lm__http_upload_finish(upload, &f.error), status);
        if (i == 0) pthread_join(thread, NULL);
        fixture_end(&f);
    }
}

/* A producer that takes its time is no server that does. */
TEST(a_slow_producer_is_waited_for)
{
    lm_http_upload *upload;
    fixture_begin(&f, answer);
    CHECK_OK(open_upload((lm_http_request){.times = {.idle_ns = 100 * MS, .whole_ns = 100 * MS}},
                         "/sized", 10, &upload),
             f.error);
    for (int i = 0; i < 2; i++) {
        usleep(150000);
        CHECK_OK(lm__http_upload_write(upload, "hello", 5, &f.error), f.error);
    }
    usleep(150000);
    CHECK_OK(lm__http_upload_finish(upload, &f.error), f.error);
    CHECK_INT(f.response.status, 201);
    fixture_end(&f);
}

TEST(every_allocation_may_fail)
{
    fixture_begin(&f, answer);
    for (size_t n = 0;; n++) {
        check_alloc memory;
        lm_http *http = NULL;
        lm_http_upload *upload = NULL;
        lm_http_response response;
        lm_http_header header = {"X-Some", "thing"};
        check_alloc_init(&memory, n);
        lm__http_response_init(&response, &memory.allocator);
        lm_http_request request = {.method = "PUT",
                                   .url = server_url(&f.server, "/sized", f.url),
                                   .headers = &header,
                                   .header_count = 1};
        lm_status status = lm__http_new(&memory.allocator, NULL, &http, &f.error);
        if (status == LM_OK)
            status = lm__http_upload_open(http, &request, 5, &response, &upload, &f.error);
        if (status == LM_OK) status = lm__http_upload_write(upload, "hello", 5, &f.error);
        if (status == LM_OK)
            status = lm__http_upload_finish(upload, &f.error);
        else
            lm__http_upload_abort(upload);
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
    RUN(a_body_of_known_length_arrives_byte_for_byte);
    RUN(a_body_of_unknown_length_goes_in_chunks);
    RUN(an_empty_body_of_known_length_is_one);
    RUN(many_pieces_arrive);
    RUN(the_body_waits_for_a_100_where_that_is_asked_for);
    RUN(an_answer_that_comes_early_is_given);
    RUN(a_length_that_was_announced_is_kept);
    RUN(an_upload_that_is_left_off_is_not_whole);
    RUN(a_connection_that_breaks_fails_the_upload);
    RUN(opening_tells_that_nobody_is_there);
    RUN(an_upload_can_be_cancelled_and_does_not_wait_for_ever);
    RUN(a_slow_producer_is_waited_for);
    RUN(every_allocation_may_fail);
    return DONE();
}
