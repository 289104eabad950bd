/* The options that every store over HTTP takes; see remote.h. */
#include "store/remote.h"

#include <string.h>

#include "base/error.h"
#include "base/limits.h"
#include "base/number.h"
#include "store/place.h"

/* A time in seconds; what is not given leaves *ns as it is. */
static lm_status seconds_option(const lm_storage *storage, const char *name, const char *key,
                                int64_t *ns, lm_error *error)
{
    const char *text = lm__storage_value(storage, name, key);
    double seconds;
    if (!text) return LM_OK;
    if (!lm__double_parse(text, strlen(text), &seconds) || !(seconds >= 0.001) ||
        !(seconds <= LM_REMOTE_SECONDS_MAX))
        return lm__error_set(error, LM_INVALID,
                             "the storage option %s is a number of seconds from 0.001 to %d, "
                             "not '%s'",
                             key, LM_REMOTE_SECONDS_MAX, text);
    *ns = (int64_t)(seconds * 1e9);
    return LM_OK;
}

static lm_status attempts_option(const lm_storage *storage, const char *name, unsigned *attempts,
                                 lm_error *error)
{
    const char *text = lm__storage_value(storage, name, "attempts");
    double value;
    if (!text) return LM_OK;
    if (!lm__double_parse(text, strlen(text), &value) || !(value >= 1) ||
        !(value <= LM_REMOTE_ATTEMPTS_MAX) || value != (unsigned)value)
        return lm__error_set(error, LM_INVALID,
                             "the storage option attempts is a number from 1 to %d, not '%s'",
                             LM_REMOTE_ATTEMPTS_MAX, text);
    *attempts = (unsigned)value;
    return LM_OK;
}

lm_status lm__remote_init(lm_remote *remote, const lm_allocator *allocator,
                          const lm_storage *storage, const char *name, lm_error *error)
{
    lm_http_options options = {.ca_file = lm__storage_value(storage, name, "ca_file")};
    lm_retry_policy policy = {.deadline_ns = LM_RETRY_DEADLINE_NS};
    LM_TRY(seconds_option(storage, name, "connect_timeout", &options.times.connect_ns, error));
    LM_TRY(seconds_option(storage, name, "idle_timeout", &options.times.idle_ns, error));
    LM_TRY(seconds_option(storage, name, "deadline", &policy.deadline_ns, error));
    LM_TRY(attempts_option(storage, name, &policy.attempts_max, error));
    if (storage) {
        options.trace = storage->trace;
        options.trace_context = storage->trace_context;
    }
    lm__retry_init(&remote->retry, &policy);
    return lm__http_new(allocator, &options, &remote->http, error);
}

void lm__remote_deinit(lm_remote *remote) { lm__http_free(remote->http); }
