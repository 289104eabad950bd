/* Trying again; see retry.h. */
#include "net/retry.h"

#include <errno.h>
#include <time.h>

#include "base/cancel.h"
#include "base/limits.h"

#define NS_PER_MS 1000000
#define NS_PER_S 1000000000

static lm_status system_sleep(void *context, int64_t ns, const lm_cancel *cancel)
{
    (void)context;
    while (ns > 0) {
        if (lm__cancel_requested(cancel)) return LM_CANCELLED;
        int64_t step =
            ns < (int64_t)LM_HTTP_POLL_MS * NS_PER_MS ? ns : (int64_t)LM_HTTP_POLL_MS * NS_PER_MS;
        struct timespec wait = {step / NS_PER_S, step % NS_PER_S};
        (void)nanosleep(&wait, NULL); /* a signal makes it shorter: no harm */
        ns -= step;
    }
    return LM_OK;
}

/* splitmix64, begun by the clock: good enough to keep clients from marching in step. */
static uint64_t draw(lm_retry *retry)
{
    const lm_retry_policy *policy = &retry->policy;
    if (policy->random) return policy->random(policy->context);
    uint64_t z = atomic_fetch_add(&retry->random_state, 0x9e3779b97f4a7c15u);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

static int64_t now_ns(const lm_retry *retry)
{
    return retry->policy.clock->monotonic_ns(retry->policy.clock->context);
}

void lm__retry_init(lm_retry *retry, const lm_retry_policy *policy)
{
    static const lm_retry_policy usual = {0};
    retry->policy = policy ? *policy : usual;
    policy = &retry->policy;
    if (!policy->attempts_max) retry->policy.attempts_max = LM_RETRY_ATTEMPTS;
    if (!policy->wait_first_ns) retry->policy.wait_first_ns = LM_RETRY_WAIT_FIRST_NS;
    if (!policy->wait_max_ns) retry->policy.wait_max_ns = LM_RETRY_WAIT_MAX_NS;
    if (!policy->after_max_ns) retry->policy.after_max_ns = LM_RETRY_AFTER_MAX_NS;
    if (!policy->clock) retry->policy.clock = lm__clock_system();
    if (!policy->sleep) retry->policy.sleep = system_sleep;
    atomic_init(&retry->budget_tenths, LM_RETRY_BUDGET * 10);
    atomic_init(&retry->random_state, (uint64_t)now_ns(retry) ^ (uint64_t)(uintptr_t)retry);
}

void lm__retry_begin(lm_retry_loop *loop, lm_retry *retry, const lm_cancel *cancel)
{
    *loop = (lm_retry_loop){.retry = retry, .cancel = cancel, .end_ns = INT64_MAX};
    if (retry->policy.deadline_ns &&
        __builtin_add_overflow(now_ns(retry), retry->policy.deadline_ns, &loop->end_ns))
        loop->end_ns = INT64_MAX;
}

int64_t lm__retry_left_ns(const lm_retry_loop *loop)
{
    if (loop->end_ns == INT64_MAX) return INT64_MAX;
    int64_t left = loop->end_ns - now_ns(loop->retry);
    return left > 0 ? left : 1;
}

/* A tenth is given back for a success, up to what there was. */
static void budget_give(lm_retry *retry)
{
    int have = atomic_load(&retry->budget_tenths);
    while (have < LM_RETRY_BUDGET * 10 &&
           !atomic_compare_exchange_weak(&retry->budget_tenths, &have, have + 1)) {
    }
}

static bool budget_take(lm_retry *retry)
{
    int have = atomic_load(&retry->budget_tenths);
    while (have >= 10)
        if (atomic_compare_exchange_weak(&retry->budget_tenths, &have, have - 10)) return true;
    return false;
}

bool lm__retry_again(lm_retry_loop *loop, bool passes, int64_t after_ns)
{
    lm_retry *retry = loop->retry;
    const lm_retry_policy *policy = &retry->policy;
    if (!passes) {
        budget_give(retry);
        return false;
    }
    if (loop->attempt + 1 >= policy->attempts_max || after_ns > policy->after_max_ns) return false;
    int64_t most = policy->wait_first_ns;
    for (unsigned i = 0; i < loop->attempt && most < policy->wait_max_ns; i++)
        most = most > policy->wait_max_ns / 2 ? policy->wait_max_ns : most * 2;
    if (most > policy->wait_max_ns) most = policy->wait_max_ns;
    int64_t wait = (int64_t)(draw(retry) % ((uint64_t)most + 1));
    if (wait < after_ns) wait = after_ns;
    if (wait >= lm__retry_left_ns(loop) || !budget_take(retry)) return false;
    if (policy->sleep(policy->context, wait, loop->cancel) != LM_OK) return false;
    if (lm__cancel_requested(loop->cancel)) return false;
    loop->attempt++;
    return true;
}

/* Did the attempt fail by what may pass, so that it may be done again? */
static bool send_passes(const lm_http_request *request, const lm_http_response *response,
                        lm_status status, const lm_error *error)
{
    if (status == LM_OK) return request->repeatable && lm__http_status_passes(response->status);
    if (!error->retryable) return false;
    if (request->on_body && response->bytes_received > 0) return false;
    return request->repeatable || !response->began;
}

lm_status lm__retry_send(lm_retry *retry, lm_http *http, const lm_http_request *request,
                         lm_http_response *response, lm_error *error)
{
    lm_http_request attempt = *request;
    lm_retry_loop loop;
    lm_error local;
    lm_status status;
    if (!error) error = &local;
    lm__retry_begin(&loop, retry, request->cancel);
    do {
        int64_t left = lm__retry_left_ns(&loop), whole = request->times.whole_ns;
        if (!request->on_body && left != INT64_MAX && (whole == 0 || left < whole)) whole = left;
        attempt.times.whole_ns = whole;
        attempt.attempt = loop.attempt;
        status = lm__http_send(http, &attempt, response, error);
    } while (lm__retry_again(&loop, send_passes(request, response, status, error),
                             response->retry_after_ns));
    return status;
}
