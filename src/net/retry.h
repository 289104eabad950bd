/*
 * Trying again: how often, after what wait, and when to stop.
 *
 * The wait doubles from attempt to attempt, and the time waited is drawn evenly from nothing up to
 * it ("full jitter"), so that clients that failed together do not come back together. Retry-After
 * is waited for instead when it is longer, if it is below a bound; past the bound we give up.
 *
 * Invariants
 *  1. Attempts never exceed attempts_max, and none begins past the deadline; one that streams its
 *     body may go on past it.
 *  2. The budget is shared by all that use one lm_retry: each repetition takes one from it, each
 *     success gives a tenth back. A server that fails at everything gets few requests more than
 *     there would be without repetition.
 *  3. What was not declared repeatable is only tried again when no server can have seen it.
 */
#ifndef LM_NET_RETRY_H
#define LM_NET_RETRY_H

#include "base/clock.h"
#include "net/http.h"

/* Zeros mean what limits.h says. */
typedef struct lm_retry_policy {
    unsigned attempts_max; /* the first among them */
    int64_t wait_first_ns, wait_max_ns;
    int64_t after_max_ns; /* the longest Retry-After that is heeded */
    int64_t deadline_ns;  /* over all attempts and waits; 0: none */
    /* For tests. NULL: the system's. */
    const lm_clock *clock;
    lm_status (*sleep)(void *context, int64_t ns, const lm_cancel *cancel);
    uint64_t (*random)(void *context);
    void *context;
} lm_retry_policy;

typedef struct lm_retry {
    lm_retry_policy policy;
    atomic_int budget_tenths;
    atomic_ullong random_state;
} lm_retry;

void lm__retry_init(lm_retry *retry, const lm_retry_policy *policy); /* NULL: all zero */

/*
 * A loop of attempts:
 *
 *     lm__retry_begin(&loop, retry, cancel);
 *     do status = attempt(…); while (lm__retry_again(&loop, passes(status), after_ns));
 */
typedef struct lm_retry_loop {
    lm_retry *retry;
    const lm_cancel *cancel;
    int64_t end_ns;   /* on the monotonic clock; INT64_MAX: none */
    unsigned attempt; /* from 0 */
} lm_retry_loop;

void lm__retry_begin(lm_retry_loop *loop, lm_retry *retry, const lm_cancel *cancel);
/* After an attempt: `passes` when it failed by what may be over soon, and may be repeated. Waits
 * and says true when there shall be another. `after_ns` is what the server asked for, or 0. */
bool lm__retry_again(lm_retry_loop *loop, bool passes, int64_t after_ns);
/* The time that is left, or INT64_MAX; at least 1. */
int64_t lm__retry_left_ns(const lm_retry_loop *loop);

/* lm__http_send in such a loop. An attempt that gave bytes to on_body is the last: the caller knows
 * how to go on behind them. */
LM_MUST_USE lm_status lm__retry_send(lm_retry *retry, lm_http *http, const lm_http_request *request,
                                     lm_http_response *response, lm_error *error);

#endif
