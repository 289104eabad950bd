/*
 * DataNodes that failed. The NameNode takes minutes to notice that one is dead, and redirects to it
 * until then; it leaves out those that a request names, by the IP address and port that they speak
 * to each other on, which are not what the redirect says, or by the IP address alone.
 */
#define _GNU_SOURCE
#include <netdb.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "store/hdfs/hdfs.h"

/* "host:port" of a URL. */
static bool web_address(const char *location, char web[LM_HDFS_NODE_NAME_MAX])
{
    const char *host = strstr(location, "://");
    size_t size = host ? strcspn(host + 3, "/?") : 0;
    if (size == 0 || size >= LM_HDFS_NODE_NAME_MAX) return false;
    memcpy(web, host + 3, size);
    web[size] = '\0';
    return true;
}

/* What the NameNode calls the DataNode, by asking where the bytes lie. */
static bool name_ask(lm_hdfs_store *hdfs, const char *web, const char *path, uint64_t offset,
                     const lm_cancel *cancel, char name[LM_HDFS_NODE_NAME_MAX])
{
    char parameters[64];
    lm_hdfs_answer answer;
    snprintf(parameters, sizeof parameters, "&offset=%llu&length=1", (unsigned long long)offset);
    const lm_hdfs_call call = {.method = "GET",
                               .operation = "GET_BLOCK_LOCATIONS",
                               .path = path,
                               .parameters = parameters,
                               .repeatable = true,
                               .once = true,
                               .cancel = cancel};
    lm__hdfs_answer_init(&answer, hdfs);
    const lm_buffer *body = &answer.response.body;
    bool found = lm__hdfs_ask(hdfs, &call, &answer, NULL) == LM_OK &&
                 lm__hdfs_node_read(&answer.arena, body->data, body->size, web, name);
    lm__hdfs_answer_deinit(&answer);
    return found;
}

/* The IP address of its host: enough where no other DataNode is on it. */
static bool name_guess(const char *web, char name[LM_HDFS_NODE_NAME_MAX])
{
    const struct addrinfo hints = {.ai_family = AF_INET, .ai_socktype = SOCK_STREAM};
    struct addrinfo *found;
    char host[LM_HDFS_NODE_NAME_MAX];
    snprintf(host, sizeof host, "%.*s", (int)strcspn(web, ":"), web);
    if (getaddrinfo(host, NULL, &hints, &found) != 0) return false;
    bool told = getnameinfo(found->ai_addr, found->ai_addrlen, name, LM_HDFS_NODE_NAME_MAX, NULL, 0,
                            NI_NUMERICHOST) == 0;
    freeaddrinfo(found);
    return told;
}

static int64_t now_ns(const lm_hdfs_store *hdfs)
{
    const lm_clock *clock = hdfs->remote.retry.policy.clock;
    return clock->monotonic_ns(clock->context);
}

void lm__hdfs_shun(lm_hdfs_store *hdfs, const char *location, const char *path, uint64_t offset,
                   const lm_cancel *cancel)
{
    char web[LM_HDFS_NODE_NAME_MAX], name[LM_HDFS_NODE_NAME_MAX];
    if (!web_address(location, web)) return;
    if (!name_ask(hdfs, web, path, offset, cancel, name) && !name_guess(web, name)) return;
    lm_hdfs_shunned *oldest = &hdfs->shunned[0];
    pthread_mutex_lock(&hdfs->mutex);
    for (size_t i = 0; i < LM_HDFS_SHUNNED_MAX; i++) {
        lm_hdfs_shunned *known = &hdfs->shunned[i];
        if (strcmp(known->name, name) == 0) {
            oldest = known;
            break;
        }
        if (known->until_ns < oldest->until_ns) oldest = known;
    }
    memcpy(oldest->name, name, sizeof name);
    oldest->until_ns = now_ns(hdfs) + LM_HDFS_SHUN_NS;
    pthread_mutex_unlock(&hdfs->mutex);
}

lm_status lm__hdfs_shunned_parameter(lm_hdfs_store *hdfs, lm_buffer *out)
{
    lm_status status = LM_OK;
    bool has_one = false;
    pthread_mutex_lock(&hdfs->mutex);
    for (size_t i = 0; i < LM_HDFS_SHUNNED_MAX && status == LM_OK; i++) {
        const lm_hdfs_shunned *known = &hdfs->shunned[i];
        if (known->until_ns == 0 || known->until_ns < now_ns(hdfs)) continue;
        status = lm__buffer_text(out, has_one ? "%2C" : "&excludedatanodes=");
        if (status == LM_OK) status = lm__hdfs_encode(out, known->name, strlen(known->name));
        has_one = true;
    }
    pthread_mutex_unlock(&hdfs->mutex);
    return status;
}

void lm__hdfs_forgive(lm_hdfs_store *hdfs)
{
    pthread_mutex_lock(&hdfs->mutex);
    memset(hdfs->shunned, 0, sizeof hdfs->shunned);
    pthread_mutex_unlock(&hdfs->mutex);
}
