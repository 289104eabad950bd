/*
 * A small server for the tests of net/, on a free port of 127.0.0.1: a thread for each connection,
 * and a function of the test's that sees each request and says what goes out, byte for byte.
 *
 * The log holds every byte that came, in order, whole requests of one connection together.
 */
#ifndef LM_TESTS_NET_SERVER_H
#define LM_TESTS_NET_SERVER_H

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/socket.h>
#include <unistd.h>

#include "check.h"

#define SERVER_LOG_MAX (1 << 16)
#define SERVER_CONNECTIONS_MAX 256

typedef struct web_server web_server;

typedef struct web_peer {
    web_server *server;
    int fd, number; /* of the connection, from 0 */
    int requests;   /* on it, before this one */
    char head[SERVER_LOG_MAX];
    char body[SERVER_LOG_MAX]; /* what came behind the head */
    size_t body_bytes;
} web_peer;

struct web_server {
    int listener, port;
    bool (*answer)(web_peer *peer); /* true: the connection is kept. NULL: reset at once */
    atomic_int connections, requests;
    atomic_bool stop;
    pthread_t thread, threads[SERVER_CONNECTIONS_MAX];
    pthread_mutex_t mutex;
    char log[SERVER_LOG_MAX];
    size_t log_bytes;
    atomic_int value; /* the test's */
};

static inline void peer_log(web_peer *peer, const char *bytes, size_t size)
{
    web_server *server = peer->server;
    pthread_mutex_lock(&server->mutex);
    if (size > SERVER_LOG_MAX - 1 - server->log_bytes)
        size = SERVER_LOG_MAX - 1 - server->log_bytes;
    memcpy(server->log + server->log_bytes, bytes, size);
    server->log_bytes += size;
    server->log[server->log_bytes] = '\0';
    pthread_mutex_unlock(&server->mutex);
}

/* Up to `size` bytes, or 0 at the end, at a reset, and when the server is stopped. */
static inline size_t peer_read(web_peer *peer, char *bytes, size_t size)
{
    while (!atomic_load(&peer->server->stop)) {
        struct pollfd wait = {.fd = peer->fd, .events = POLLIN};
        if (poll(&wait, 1, 20) == 0) continue;
        ssize_t got = recv(peer->fd, bytes, size, 0);
        if (got <= 0) return 0;
        peer_log(peer, bytes, (size_t)got);
        return (size_t)got;
    }
    return 0;
}

/* False when the other side no longer listens. */
static inline bool peer_send(web_peer *peer, const char *bytes, size_t size)
{
    while (size > 0 && !atomic_load(&peer->server->stop)) {
        ssize_t sent = send(peer->fd, bytes, size, MSG_NOSIGNAL);
        if (sent < 0) return false;
        bytes += sent;
        size -= (size_t)sent;
    }
    return size == 0;
}
static inline bool peer_say(web_peer *peer, const char *text)
{
    return peer_send(peer, text, strlen(text));
}

/* Waits, but not longer than the server runs. */
static inline void peer_wait_ms(web_peer *peer, int ms)
{
    for (; ms > 0 && !atomic_load(&peer->server->stop); ms -= 5) usleep(5000);
}

/* The connection ends with a reset instead of an end. */
static inline bool peer_reset(web_peer *peer)
{
    struct linger at_once = {1, 0};
    setsockopt(peer->fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    return false;
}

/* Does the request's line begin so? */
static inline bool peer_asks(const web_peer *peer, const char *begin)
{
    return strncmp(peer->head, begin, strlen(begin)) == 0;
}

/* Reads the rest of a body of this length, or of chunks (SIZE_MAX), to its end. */
static inline bool peer_body(web_peer *peer, size_t size)
{
    char *end;
    while (size == SIZE_MAX ? !(end = strstr(peer->body, "0\r\n\r\n")) : peer->body_bytes < size) {
        char bytes[8192];
        size_t got = peer_read(peer, bytes, sizeof bytes);
        if (!got) return false;
        size_t keep = got;
        if (keep > sizeof peer->body - 1 - peer->body_bytes)
            keep = sizeof peer->body - 1 - peer->body_bytes;
        memcpy(peer->body + peer->body_bytes, bytes, keep);
        peer->body_bytes += size == SIZE_MAX ? keep : got;
        peer->body[peer->body_bytes < sizeof peer->body ? peer->body_bytes : 0] = '\0';
        if (size != SIZE_MAX && peer->body_bytes >= sizeof peer->body - 1) { /* only counted */
            size -= peer->body_bytes < size ? peer->body_bytes : size;
            peer->body_bytes = 0;
        }
    }
    return true;
}

static inline bool peer_head(web_peer *peer)
{
    size_t used = 0;
    char *end = NULL;
    peer->head[0] = '\0';
    while (!(end = strstr(peer->head, "\r\n\r\n"))) {
        size_t got = used + 1 < sizeof peer->head
                         ? peer_read(peer, peer->head + used, sizeof peer->head - 1 - used)
                         : 0;
        if (!got) return false;
        used += got;
        peer->head[used] = '\0';
    }
    end += 4;
    peer->body_bytes = used - (size_t)(end - peer->head);
    memcpy(peer->body, end, peer->body_bytes);
    peer->body[peer->body_bytes] = '\0';
    *end = '\0';
    return true;
}

static inline void *peer_run(void *context)
{
    web_peer *peer = context;
    if (!peer->server->answer) (void)peer_reset(peer);
    while (peer->server->answer && peer_head(peer)) {
        atomic_fetch_add(&peer->server->requests, 1);
        if (!peer->server->answer(peer)) break;
        peer->requests++;
    }
    close(peer->fd);
    free(peer);
    return NULL;
}

static inline void *server_run(void *context)
{
    web_server *server = context;
    while (!atomic_load(&server->stop)) {
        struct pollfd wait = {.fd = server->listener, .events = POLLIN};
        if (poll(&wait, 1, 20) <= 0) continue;
        int fd = accept(server->listener, NULL, NULL);
        if (fd < 0) continue;
        int number = atomic_load(&server->connections);
        web_peer *peer = number < SERVER_CONNECTIONS_MAX ? calloc(1, sizeof *peer) : NULL;
        if (!peer) {
            close(fd);
            continue;
        }
        *peer = (web_peer){.server = server, .fd = fd, .number = number};
        atomic_fetch_add(&server->connections, 1);
        pthread_create(&server->threads[number], NULL, peer_run, peer);
    }
    return NULL;
}

static inline void server_start(web_server *server, bool (*answer)(web_peer *peer))
{
    struct sockaddr_in address = {.sin_family = AF_INET};
    socklen_t size = sizeof address;
    static const char *const proxies[] = {"http_proxy", "https_proxy", "HTTPS_PROXY", "all_proxy",
                                          "ALL_PROXY",  "no_proxy",    "NO_PROXY"};
    for (size_t i = 0; i < sizeof proxies / sizeof *proxies; i++) unsetenv(proxies[i]);
    memset(server, 0, sizeof *server);
    server->answer = answer;
    pthread_mutex_init(&server->mutex, NULL);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    server->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (bind(server->listener, (struct sockaddr *)&address, sizeof address) != 0 ||
        listen(server->listener, 64) != 0 ||
        getsockname(server->listener, (struct sockaddr *)&address, &size) != 0) {
        perror("a port of 127.0.0.1");
        exit(1);
    }
    server->port = ntohs(address.sin_port);
    pthread_create(&server->thread, NULL, server_run, server);
}

static inline void server_stop(web_server *server)
{
    atomic_store(&server->stop, true);
    pthread_join(server->thread, NULL);
    for (int i = 0; i < atomic_load(&server->connections); i++)
        pthread_join(server->threads[i], NULL);
    close(server->listener);
    pthread_mutex_destroy(&server->mutex);
}

/* A URL of the server. */
static inline const char *server_url(const web_server *server, const char *path, char url[512])
{
    snprintf(url, 512, "http://127.0.0.1:%d%s", server->port, path);
    return url;
}

/* `pattern` with the server's port for each `$`. */
static inline const char *server_text(const web_server *server, const char *pattern,
                                      char text[4096])
{
    size_t used = 0;
    for (; *pattern && used < 4000; pattern++)
        if (*pattern == '$')
            used += (size_t)snprintf(text + used, 16, "%d", server->port);
        else
            text[used++] = *pattern;
    text[used] = '\0';
    return text;
}

#endif
