/* Trying again; numbers are the invariants of net/retry.h. */
#include "net/retry.h"

#include "fixture.h"

static fixture f;

/* A clock that only waiting moves, and the waits. */
typedef struct fake {
    int64_t now, waits[64];
    size_t count;
    uint64_t random;
    lm_cancel *cancel_in_sleep;
} fake;

static int64_t fake_now(void *context) { return ((fake *)context)->now; }
static lm_status fake_sleep(void *context, int64_t ns, const lm_cancel *cancel)
{
    fake *time = context;
    (void)cancel;
    time->waits[time->count++ % 64] = ns;
    time->now += ns;
    if (time->cancel_in_sleep) atomic_store(&time->cancel_in_sleep->requested, 1);
    return LM_OK;
}
static uint64_t fake_random(void *context) { return ((fake *)context)->random; }

static lm_clock fake_clock;

static lm_retry_policy policy_of(fake *time)
{
    fake_clock = (lm_clock){fake_now, fake_now, time};
    return (lm_retry_policy){
        .clock = &fake_clock, .sleep = fake_sleep, .random = fake_random, .context = time};
}

TEST(waits_double_and_are_drawn_from_nothing_to_all)
{
    fake time = {0};
    lm_retry retry;
    lm_retry_loop loop;
    lm_retry_policy policy = policy_of(&time);
    policy.attempts_max = 8;
    policy.wait_first_ns = 100;
    policy.wait_max_ns = 1000;
    static const int64_t most[] = {100, 200, 400, 800, 1000, 1000, 1000};
    for (int all = 0; all < 2; all++) {
        time.count = 0;
        lm__retry_init(&retry, &policy);
        lm__retry_begin(&loop, &retry, NULL);
        for (size_t i = 0; i < 7; i++) {
            time.random = all ? (uint64_t)most[i] : 0;
            CHECK(lm__retry_again(&loop, true, 0));
            CHECK_INT(time.waits[i], all ? most[i] : 0);
            CHECK_INT(loop.attempt, i + 1);
        }
        CHECK(!lm__retry_again(&loop, true, 0)); /* 1. */
    }
}

TEST(what_the_server_asks_for_is_waited_up_to_a_bound)
{
    fake time = {0};
    lm_retry retry;
    lm_retry_loop loop;
    lm_retry_policy policy = policy_of(&time);
    policy.after_max_ns = 5000;
    policy.wait_first_ns = 10;
    lm__retry_init(&retry, &policy);
    lm__retry_begin(&loop, &retry, NULL);
    CHECK(lm__retry_again(&loop, true, 5000));
    CHECK_INT(time.waits[0], 5000);
    CHECK(!lm__retry_again(&loop, true, 5001));
}

TEST(nothing_begins_past_the_deadline)
{
    fake time = {.now = 77};
    lm_retry retry;
    lm_retry_loop loop;
    lm_retry_policy policy = policy_of(&time);
    policy.deadline_ns = 1000;
    lm__retry_init(&retry, &policy);
    lm__retry_begin(&loop, &retry, NULL);
    CHECK_INT(lm__retry_left_ns(&loop), 1000);
    CHECK(lm__retry_again(&loop, true, 999));
    CHECK_INT(lm__retry_left_ns(&loop), 1);
    CHECK(!lm__retry_again(&loop, true, 1));
    policy.deadline_ns = INT64_MAX;
    lm__retry_init(&retry, &policy);
    lm__retry_begin(&loop, &retry, NULL);
    CHECK_INT(lm__retry_left_ns(&loop), INT64_MAX);
}

TEST(a_cancelled_wait_is_the_last)
{
    lm_cancel cancel = {0};
    fake time = {.cancel_in_sleep = &cancel};
    lm_retry retry;
    lm_retry_loop loop;
    lm_retry_policy policy = policy_of(&time);
    lm__retry_init(&retry, &policy);
    lm__retry_begin(&loop, &retry, &cancel);
    CHECK(!lm__retry_again(&loop, true, 0));
    /* The system's own sleep ends too. */
    policy.sleep = NULL;
    lm__retry_init(&retry, &policy);
    lm__retry_begin(&loop, &retry, &cancel);
    CHECK(!lm__retry_again(&loop, true, LM_RETRY_AFTER_MAX_NS));
}

/* Answers server.value's status, less one time for each request; then 200. */
static bool answer(web_peer *peer)
{
    char text[128];
    const char *status = strstr(peer->head, "/s");
    int left = atomic_fetch_sub(&peer->server->value, 1);
    if (left <= 0) return peer_say(peer, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
    if (strncmp(status, "/scut", 5) == 0) {
        peer_say(peer, "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello");
        return false;
    }
    if (strncmp(status, "/sreset", 7) == 0) return peer_reset(peer);
    snprintf(text, sizeof text,
             "HTTP/1.1 %.3s No\r\nRetry-After: %s\r\nContent-Length: 2\r\n\r\nno", status + 2,
             strstr(peer->head, "?long") ? "100000" : "2");
    return peer_say(peer, text);
}

static lm_status try(lm_retry *retry, lm_http_request request, const char *path, int failures)
{
    atomic_store(&f.server.value, failures);
    atomic_store(&f.server.requests, 0);
    request.url = server_url(&f.server, path, f.url);
    return lm__retry_send(retry, f.http, &request, &f.response, &f.error);
}

TEST(only_what_may_be_and_deserves_it_is_repeated)
{
    static const struct {
        const char *path;
        bool repeatable;
        int failures;
        lm_status status;
        int answer, requests;
    } rows[] = {
        {"/s503", true, 2, LM_OK, 200, 3},      {"/s503", true, 9, LM_OK, 503, 5},
        {"/s503", false, 9, LM_OK, 503, 1},     {"/s408", true, 1, LM_OK, 200, 2},
        {"/s425", true, 1, LM_OK, 200, 2},      {"/s429", true, 1, LM_OK, 200, 2},
        {"/s500", true, 1, LM_OK, 200, 2},      {"/s502", true, 1, LM_OK, 200, 2},
        {"/s504", true, 1, LM_OK, 200, 2},      {"/s501", true, 1, LM_OK, 501, 1},
        {"/s404", true, 1, LM_OK, 404, 1},      {"/s307", true, 1, LM_OK, 307, 1},
        {"/scut", true, 2, LM_OK, 200, 3},      {"/scut", false, 2, LM_IO, 200, 1},
        {"/sreset", true, 1, LM_OK, 200, 2},    {"/sreset", false, 1, LM_IO, 0, 1},
        {"/s503?long", true, 9, LM_OK, 503, 1},
    };
    fake time = {0};
    lm_retry_policy policy = policy_of(&time);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        lm_retry retry;
        lm__retry_init(&retry, &policy);
        fixture_begin(&f, answer);
        lm_status status =
            try(&retry, (lm_http_request){.method = "PUT", .repeatable = rows[i].repeatable},
                rows[i].path, rows[i].failures);
        if (status != rows[i].status || f.response.status != rows[i].answer ||
            f.server.requests != rows[i].requests)
            check_fail(__FILE__, __LINE__, "row %zu: %s, %d, %d requests", i,
                       lm_status_name(status), f.response.status, f.server.requests);
        fixture_end(&f);
    }
    CHECK(time.waits[0] >= 2000000000); /* of Retry-After */
}

TEST(what_nobody_can_have_seen_is_repeated)
{
    fake time = {0};
    lm_retry retry;
    lm_retry_policy policy = policy_of(&time);
    lm__retry_init(&retry, &policy);
    fixture_begin(&f, answer);
    web_server gone;
    server_start(&gone, answer);
    server_stop(&gone);
    lm_http_request request = {.method = "PUT", .url = server_url(&gone, "/s", f.url)};
    CHECK_STATUS(lm__retry_send(&retry, f.http, &request, &f.response, NULL), LM_IO); /* 3. */
    CHECK_INT(time.count, LM_RETRY_ATTEMPTS - 1);
    fixture_end(&f);
}

static lm_status count_bytes(void *context, const void *data, size_t size, lm_error *error)
{
    (void)data, (void)error;
    *(size_t *)context += size;
    return LM_OK;
}

TEST(what_has_begun_to_stream_is_not_streamed_again)
{
    fake time = {0};
    size_t bytes = 0;
    lm_retry retry;
    lm_retry_policy policy = policy_of(&time);
    lm__retry_init(&retry, &policy);
    fixture_begin(&f, answer);
    lm_http_request request = {
        .method = "GET", .repeatable = true, .on_body = count_bytes, .context = &bytes};
    CHECK_STATUS(try(&retry, request, "/scut", 1), LM_IO);
    CHECK_INT(bytes, 5);
    CHECK(f.error.retryable);
    CHECK_OK(try(&retry, request, "/s503", 2), f.error); /* the words of a refusal are no stream */
    CHECK_INT(bytes, 7);
    fixture_end(&f);
}

TEST(a_broken_server_does_not_multiply_requests)
{
    fake time = {0};
    lm_retry retry;
    lm_retry_policy policy = policy_of(&time);
    int requests = 0;
    policy.attempts_max = 100;
    lm__retry_init(&retry, &policy);
    fixture_begin(&f, answer);
    lm_http_request request = {.method = "GET", .repeatable = true};
    for (int i = 0; i < 50; i++) {
        CHECK_OK(try(&retry, request, "/s503", 1000000), f.error);
        requests += f.server.requests;
    }
    CHECK_INT(requests, 50 + LM_RETRY_BUDGET); /* 2. */
    for (int i = 0; i < 10; i++) CHECK_OK(try(&retry, request, "/s503", 0), f.error);
    CHECK_OK(try(&retry, request, "/s503", 1), f.error); /* ten successes paid for it */
    CHECK_INT(f.response.status, 200);
    CHECK_OK(try(&retry, request, "/s503", 1), f.error);
    CHECK_INT(f.response.status, 503);
    fixture_end(&f);
}

int main(void)
{
    RUN(waits_double_and_are_drawn_from_nothing_to_all);
    RUN(what_the_server_asks_for_is_waited_up_to_a_bound);
    RUN(nothing_begins_past_the_deadline);
    RUN(a_cancelled_wait_is_the_last);
    RUN(only_what_may_be_and_deserves_it_is_repeated);
    RUN(what_nobody_can_have_seen_is_repeated);
    RUN(what_has_begun_to_stream_is_not_streamed_again);
    RUN(a_broken_server_does_not_multiply_requests);
    return DONE();
}
