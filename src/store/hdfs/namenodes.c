/* NameNodes by URL and configuration; see namenodes.h. */
#define _GNU_SOURCE
#include "store/hdfs/namenodes.h"

#include <string.h>
#include <strings.h>

#include "base/error.h"

typedef struct search {
    const lm_hadoop_conf *conf;
    lm_arena *arena;
    lm_namenodes *found;
    const char *url; /* for messages */
    lm_error *error;
} search;

static lm_status no_memory(const search *s)
{
    return lm__error_memory(s->error, "finding the NameNodes");
}

/* The value of `name`, or of `name.suffix` with a suffix that is not NULL. */
static lm_status get(const search *s, const char *name, const char *service, const char *node,
                     const char **value)
{
    const char *key = lm__arena_printf(s->arena, "%s%s%s%s%s", name, service ? "." : "",
                                       service ? service : "", node ? "." : "", node ? node : "");
    if (!key) return no_memory(s);
    return lm__hadoop_conf_get(s->conf, s->arena, key, value, s->error);
}

/* The next of a list with commas; NULL at its end. */
static const char *list_next(lm_arena *arena, const char **list)
{
    static const char between[] = ", \t\r\n";
    *list += strspn(*list, between);
    size_t size = strcspn(*list, between);
    if (size == 0) return NULL;
    const char *item = lm__arena_strndup(arena, *list, size);
    *list += size;
    return item;
}

/* The bytes of "host:port" that are the host; brackets belong to it. */
static size_t host_size(const char *authority)
{
    const char *bracket = strrchr(authority, ']');
    const char *colon = strchr(bracket ? bracket : authority, ':');
    return colon ? (size_t)(colon - authority) : strlen(authority);
}

static bool has_port(const char *authority) { return authority[host_size(authority)] == ':'; }

static int default_port(const search *s) { return s->found->is_tls ? 9871 : 9870; }

static lm_status authority_check(const search *s, const char *authority)
{
    size_t host = host_size(authority);
    const char *port = authority + host;
    size_t digits = *port == ':' ? strspn(port + 1, "0123456789") : 0;
    bool is_good = host > 0 && strpbrk(authority, "@?#%\\\"<> \t\r\n/") == NULL;
    if (*port == ':') is_good = is_good && digits > 0 && digits < 6 && port[1 + digits] == '\0';
    if (is_good) return LM_OK;
    if (strchr(authority, '@'))
        return lm__error_set(s->error, LM_INVALID,
                             "%s: the user is named by HADOOP_USER_NAME or the option user, not in "
                             "the URL",
                             s->url);
    return lm__error_set(s->error, LM_INVALID, "%s: %s is no host and port", s->url, authority);
}

/* Adds "host:port". An address of all interfaces is that of `host` as its clients know it. */
static lm_status add(const search *s, const char *address, const char *host)
{
    lm_namenodes *found = s->found;
    if (found->count == LM_HDFS_NAMENODES_MAX)
        return lm__error_set(s->error, LM_LIMIT, "%s has more than %d NameNodes", s->url,
                             LM_HDFS_NAMENODES_MAX);
    size_t size = host_size(address);
    bool is_any = (size == 7 && memcmp(address, "0.0.0.0", 7) == 0) ||
                  (size == 4 && memcmp(address, "[::]", 4) == 0);
    const char *port = address + size;
    const char *whole;
    if (is_any && host) {
        address = host;
        size = host_size(host);
    }
    if (*port == ':')
        whole = lm__arena_printf(s->arena, "%.*s%s", (int)size, address, port);
    else
        whole = lm__arena_printf(s->arena, "%.*s:%d", (int)size, address, default_port(s));
    if (!whole) return no_memory(s);
    LM_TRY(authority_check(s, whole));
    found->hosts[found->count++] = whole;
    return LM_OK;
}

/* A NameNode of a service (`node` NULL: its only one), by its HTTP address, else by that of its
 * RPC and the port that is the rule. */
static lm_status add_node(const search *s, const char *service, const char *node)
{
    const char *http, *rpc;
    LM_TRY(get(s, s->found->is_tls ? "dfs.namenode.https-address" : "dfs.namenode.http-address",
               service, node, &http));
    LM_TRY(get(s, "dfs.namenode.rpc-address", service, node, &rpc));
    if (http) return add(s, http, rpc);
    if (!rpc)
        return lm__error_set(
            s->error, LM_INVALID,
            "%s: Hadoop's configuration (%s) has no dfs.namenode.%s-address.%s%s%s", s->url,
            s->conf->directory ? s->conf->directory : "none found",
            s->found->is_tls ? "https" : "http", service, node ? "." : "", node ? node : "");
    const char *host = lm__arena_strndup(s->arena, rpc, host_size(rpc));
    return host ? add(s, host, NULL) : no_memory(s);
}

/* The NameNodes of a name service; none are added when it is not one. */
static lm_status service_find(const search *s, const char *name)
{
    const char *services, *nodes, *http, *rpc, *item;
    bool is_service = false;
    LM_TRY(get(s, "dfs.nameservices", NULL, NULL, &services));
    while (services && !is_service && (item = list_next(s->arena, &services)))
        is_service = strcmp(item, name) == 0;
    LM_TRY(get(s, "dfs.ha.namenodes", name, NULL, &nodes));
    if (!nodes) { /* a service of one NameNode, or no service */
        LM_TRY(get(s, "dfs.namenode.http-address", name, NULL, &http));
        LM_TRY(get(s, "dfs.namenode.rpc-address", name, NULL, &rpc));
        return is_service || http || rpc ? add_node(s, name, NULL) : LM_OK;
    }
    while ((item = list_next(s->arena, &nodes))) LM_TRY(add_node(s, name, item));
    return LM_OK;
}

/* The NameNode whose RPC address is this; none is added when the configuration has no such. */
static lm_status rpc_find(const search *s, const char *authority)
{
    const char *services, *nodes, *service, *node, *rpc;
    LM_TRY(get(s, "dfs.nameservices", NULL, NULL, &services));
    while (services && (service = list_next(s->arena, &services))) {
        LM_TRY(get(s, "dfs.ha.namenodes", service, NULL, &nodes));
        if (!nodes) {
            LM_TRY(get(s, "dfs.namenode.rpc-address", service, NULL, &rpc));
            if (rpc && strcasecmp(rpc, authority) == 0) return add_node(s, service, NULL);
            continue;
        }
        while ((node = list_next(s->arena, &nodes))) {
            LM_TRY(get(s, "dfs.namenode.rpc-address", service, node, &rpc));
            if (rpc && strcasecmp(rpc, authority) == 0) return add_node(s, service, node);
        }
    }
    const char *http, *standard;
    LM_TRY(get(s, "dfs.namenode.rpc-address", NULL, NULL, &rpc));
    LM_TRY(get(s, "fs.defaultFS", NULL, NULL, &standard));
    bool is_ours = rpc && strcasecmp(rpc, authority) == 0;
    if (standard && strncasecmp(standard, "hdfs://", 7) == 0) {
        size_t size = strcspn(standard + 7, "/");
        is_ours |= strlen(authority) == size && strncasecmp(standard + 7, authority, size) == 0;
    }
    LM_TRY(get(s, s->found->is_tls ? "dfs.namenode.https-address" : "dfs.namenode.http-address",
               NULL, NULL, &http));
    return is_ours && http ? add(s, http, authority) : LM_OK;
}

static lm_status default_find(const search *s, const char **root)
{
    const char *standard;
    LM_TRY(get(s, "fs.defaultFS", NULL, NULL, &standard));
    if (!standard)
        return lm__error_set(s->error, LM_INVALID,
                             "%s names no host, and Hadoop's configuration (%s) no fs.defaultFS: "
                             "set HADOOP_CONF_DIR, or write hdfs://HOST/…",
                             s->url, s->conf->directory ? s->conf->directory : "none found");
    const char *behind = strstr(standard, "://");
    if (!behind || behind[3] == '\0' || behind[3] == '/')
        return lm__error_set(s->error, LM_INVALID, "%s: fs.defaultFS is %s, which names no host",
                             s->url, standard);
    *root = lm__arena_strndup(s->arena, standard,
                              (size_t)(behind - standard) + 3 + strcspn(behind + 3, "/"));
    return *root ? LM_OK : no_memory(s);
}

static lm_status by_authority(const search *s, const char *authority, bool is_rpc)
{
    if (!has_port(authority)) LM_TRY(service_find(s, authority));
    if (s->found->count == 0 && is_rpc) LM_TRY(rpc_find(s, authority));
    if (s->found->count > 0) {
        s->found->is_configured = true;
        return LM_OK;
    }
    const char *host = authority; /* what the URL says, with a port that HTTP has */
    if (is_rpc) host = lm__arena_strndup(s->arena, authority, host_size(authority));
    return host ? add(s, host, NULL) : no_memory(s);
}

lm_status lm__namenodes_find(const lm_hadoop_conf *conf, lm_arena *arena, const char *root,
                             size_t root_size, lm_namenodes *found, lm_error *error)
{
    const char *url = lm__arena_strndup(arena, root, root_size), *policy;
    search s = {conf, arena, found, url, error};
    memset(found, 0, sizeof *found);
    if (!url) return no_memory(&s);
    const char *authority = strstr(url, "://");
    if (!authority) return lm__error_set(error, LM_INVALID, "%s is no URL", url);
    authority += 3;
    if (!authority[0] && strncasecmp(url, "hdfs:", 5) == 0) {
        LM_TRY(default_find(&s, &url));
        authority = strstr(url, "://") + 3;
    }
    LM_TRY(authority_check(&s, authority));
    if (strncasecmp(url, "webhdfs:", 8) == 0) return by_authority(&s, authority, false);
    if (strncasecmp(url, "swebhdfs:", 9) == 0) {
        found->is_tls = true;
        return by_authority(&s, authority, false);
    }
    if (strncasecmp(url, "hdfs:", 5) != 0)
        return lm__error_set(error, LM_UNSUPPORTED, "%s: fs.defaultFS is %s, which is no HDFS",
                             s.url, url);
    LM_TRY(get(&s, "dfs.http.policy", NULL, NULL, &policy));
    found->is_tls = policy && strcmp(policy, "HTTPS_ONLY") == 0;
    return by_authority(&s, authority, true);
}
