/*
 * A small WebHDFS for tests: NameNode and DataNode in one, a namespace in memory, faults by the
 * number of the request. It answers as Hadoop 3.4.3 was seen to.
 *
 * The journal has a line for each request: method, operation, path and parameters, without
 * user.name; temporary names are told as `.lamella-1.tmp`, numbered as they come.
 */
#ifndef LM_TESTS_WEBHDFS_H
#define LM_TESTS_WEBHDFS_H

#include "../net/server.h"

enum { WEB_FILES = 64, WEB_JOURNAL = 1 << 16 };

typedef struct web_file {
    char path[512]; /* "" for none */
    bool is_directory;
    uint64_t id, mtime_ms;
    unsigned char *bytes;
    size_t size;
    unsigned permission;
    const char *owner, *group;
    bool is_open;
} web_file;

typedef enum web_fault {
    FAULT_NONE,
    FAULT_CUT_BEFORE, /* the connection ends, nothing is done */
    FAULT_CUT_AFTER,  /* it is done, the connection ends before the answer */
    FAULT_LATER,      /* the connection ends, and it is done after the next request */
    FAULT_HALF,       /* half of the body goes or comes; an upload leaves a file that is closed */
    FAULT_500,        /* nothing is done */
    FAULT_500_AFTER,  /* it is done */
    FAULT_503,
    FAULT_STANDBY,
    FAULT_RETRIABLE,
    FAULT_GARBAGE,  /* it is done, and the answer is none */
    FAULT_NONSENSE, /* nothing is done, and the answer is somebody else's */
    FAULT_LONG,     /* of bytes: the answer promises more than there is */
    FAULTS,
} web_fault;

typedef struct web_hdfs {
    web_server server, other; /* two NameNodes of one namespace */
    pthread_mutex_t mutex;
    web_file files[WEB_FILES];
    uint64_t next_id, clock_ms;
    char journal[WEB_JOURNAL];
    char temps[64][80]; /* temporary names, as they came */
    int temp_count;
    int request, fault_at, fault_count; /* fault_at -1: none */
    web_fault fault;
    web_server *standby;
    bool is_gateway; /* HttpFS: no fileId, no renameoptions, no redirect of OPEN */
    bool no_batch;
    size_t page; /* entries; 0: all */
    size_t sources_bytes_max, concats;
    char later[2][2][1024]; /* a RENAME that is still on its way: from, to, and its options */
    int later_in;           /* requests until it is done; -1: none */
    bool dead_node;         /* the DataNode 127.0.0.1:7001, whose port for us is 1, is no more */
} web_hdfs;

static web_hdfs web;

/* ---- the namespace; all under the mutex ---- */

static inline web_file *web_find(const char *path)
{
    for (int i = 0; i < WEB_FILES; i++)
        if (strcmp(web.files[i].path, path) == 0) return &web.files[i];
    return NULL;
}

static inline web_file *web_add(const char *path, bool is_directory)
{
    web_file *file = web_find("");
    if (!file) abort();
    *file = (web_file){.is_directory = is_directory,
                       .id = web.next_id++,
                       .mtime_ms = web.clock_ms++,
                       .permission = is_directory ? 0755 : 0644,
                       .owner = "ada",
                       .group = "staff"};
    snprintf(file->path, sizeof file->path, "%s", path);
    return file;
}

static inline void web_drop(web_file *file)
{
    free(file->bytes);
    memset(file, 0, sizeof *file);
}

static inline bool web_parent(const char *path, char *parent)
{
    const char *slash = strrchr(path, '/');
    snprintf(parent, 512, "%.*s", (int)(slash - path), path);
    return parent[0] != '\0';
}

static inline void web_mkdirs(const char *path)
{
    char parent[512];
    if (!path[0] || strcmp(path, "/") == 0 || web_find(path)) return;
    if (web_parent(path, parent)) web_mkdirs(parent);
    web_add(path, true);
}

static inline bool web_is_under(const char *path, const char *directory)
{
    size_t size = strlen(directory);
    if (strcmp(directory, "/") == 0) return path[0] != '\0';
    return strncmp(path, directory, size) == 0 && path[size] == '/';
}

static inline bool web_has_children(const char *path)
{
    for (int i = 0; i < WEB_FILES; i++)
        if (web_is_under(web.files[i].path, path)) return true;
    return false;
}

/* For the tests: a file with this text; NULL: none is there. */
static inline void web_put(const char *path, const char *text)
{
    char parent[512];
    pthread_mutex_lock(&web.mutex);
    web_file *file = web_find(path);
    if (file) web_drop(file);
    if (text) {
        if (web_parent(path, parent)) web_mkdirs(parent);
        file = web_add(path, false);
        file->size = strlen(text);
        file->bytes = (unsigned char *)strdup(text);
    }
    pthread_mutex_unlock(&web.mutex);
}

static inline bool web_is(const char *path, const char *text)
{
    pthread_mutex_lock(&web.mutex);
    const web_file *file = web_find(path);
    bool same =
        text ? file && file->size == strlen(text) && memcmp(file->bytes, text, file->size) == 0
             : !file;
    pthread_mutex_unlock(&web.mutex);
    return same;
}

/* Temporary things that are left. */
static inline int web_temps_left(void)
{
    int left = 0;
    for (int i = 0; i < WEB_FILES; i++) left += strstr(web.files[i].path, "/.lamella-") != NULL;
    return left;
}

/* ---- requests ---- */

typedef struct web_request {
    char method[8], path[1024], query[SERVER_LOG_MAX];
    char op[32];
    bool is_data;
} web_request;

static inline void web_decode(const char *from, size_t size, char *to, size_t room)
{
    size_t used = 0;
    for (size_t i = 0; i < size && used + 1 < room; i++) {
        unsigned c = (unsigned char)from[i];
        if (c == '%' && i + 2 < size + 0 && sscanf(from + i + 1, "%2x", &c) == 1) i += 2;
        to[used++] = (char)c;
    }
    to[used] = '\0';
}

/* The value of a parameter, decoded; "" when it is not there. */
static inline const char *web_parameter(const web_request *r, const char *name, char *value,
                                        size_t room)
{
    const char *at = r->query;
    size_t size = strlen(name);
    value[0] = '\0';
    while (at) {
        if (strncmp(at, name, size) == 0 && at[size] == '=') {
            web_decode(at + size + 1, strcspn(at + size + 1, "&"), value, room);
            break;
        }
        at = strchr(at, '&');
        if (at) at++;
    }
    return value;
}

static inline bool web_parse(const web_peer *peer, web_request *r)
{
    static const char root[] = "/webhdfs/v1";
    char target[SERVER_LOG_MAX];
    if (sscanf(peer->head, "%7s %65535s", r->method, target) != 2) return false;
    if (strncmp(target, root, strlen(root)) != 0) return false;
    const char *path = target + strlen(root);
    size_t size = strcspn(path, "?");
    web_decode(path, size, r->path, sizeof r->path);
    snprintf(r->query, sizeof r->query, "%s", path[size] ? path + size + 1 : "");
    char data[8];
    web_parameter(r, "op", r->op, sizeof r->op);
    r->is_data = strcmp(web_parameter(r, "data", data, sizeof data), "true") == 0;
    return true;
}

/* Appends text with temporary names told by number. */
static inline void web_journal_add(const char *text)
{
    size_t used = strlen(web.journal);
    while (*text && used + 100 < sizeof web.journal) {
        bool is_temp = strncmp(text, ".lamella-", 9) == 0;
        const char *digits = is_temp ? text + 9 : "";
        if (strspn(digits, "0123456789abcdef") >= 32) {
            int n = 0;
            while (n < web.temp_count && strncmp(web.temps[n], digits, 32) != 0) n++;
            if (n == web.temp_count && n < 64) {
                snprintf(web.temps[n], sizeof web.temps[n], "%.32s", digits);
                web.temp_count++;
            }
            used += (size_t)snprintf(web.journal + used, 40, ".lamella-%d", n + 1);
            text = digits + 32;
            continue;
        }
        web.journal[used++] = *text++;
        web.journal[used] = '\0';
    }
}

static inline void web_journal_request(const web_request *r)
{
    char decoded[2048];
    const char *at = r->query;
    web_journal_add(r->method);
    web_journal_add(" ");
    web_journal_add(r->is_data ? "data " : "");
    web_journal_add(r->op);
    web_journal_add(" ");
    web_journal_add(r->path);
    for (; at && *at; at = strchr(at, '&') ? strchr(at, '&') + 1 : NULL) {
        size_t size = strcspn(at, "&");
        if (strncmp(at, "op=", 3) == 0 || strncmp(at, "user.name=", 10) == 0 ||
            strncmp(at, "data=", 5) == 0 || r->is_data)
            continue;
        web_decode(at, size, decoded, sizeof decoded);
        web_journal_add(" ");
        web_journal_add(decoded);
    }
    web_journal_add("\n");
}

/* ---- answers ---- */

/* In one piece: two would wait for each other (Nagle). */
static inline bool web_say(web_peer *peer, const char *status, const char *headers,
                           const char *body)
{
    static __thread char text[1 << 17];
    snprintf(text, sizeof text,
             "HTTP/1.1 %s\r\nContent-Type: application/json\r\n%sContent-Length: %zu\r\n\r\n%s",
             status, headers, strlen(body), body);
    return peer_say(peer, text);
}

static inline bool web_refuse(web_peer *peer, const char *status, const char *name,
                              const char *message)
{
    char body[2048];
    snprintf(body, sizeof body,
             "{\"RemoteException\":{\"exception\":\"%s\",\"javaClassName\":\"x.%s\",\"message\":"
             "\"%s\\n\\tat org.apache.Thing.run(Thing.java:1)\"}}",
             name, name, message);
    return web_say(peer, status, "", body);
}

static inline void web_status_text(const web_file *file, const char *suffix, char *to, size_t room)
{
    char id[40] = "";
    if (!web.is_gateway) snprintf(id, sizeof id, "\"fileId\":%llu,", (unsigned long long)file->id);
    snprintf(
        to, room,
        "{\"accessTime\":0,\"blockSize\":1048576,%s\"group\":\"%s\",\"length\":%zu,"
        "\"modificationTime\":%llu,\"owner\":\"%s\",\"pathSuffix\":\"%s\",\"permission\":\"%o\","
        "\"replication\":1,\"type\":\"%s\"}",
        id, file->group, file->size, (unsigned long long)file->mtime_ms, file->owner, suffix,
        file->permission, file->is_directory ? "DIRECTORY" : "FILE");
}

static inline int web_compare(const void *a, const void *b)
{
    const signed char *x = *(const signed char *const *)a, *y = *(const signed char *const *)b;
    while (*x && *x == *y) x++, y++;
    return *x - *y;
}

static inline bool web_list(web_peer *peer, const web_request *r, const web_file *file)
{
    static char body[1 << 16];
    const char *names[WEB_FILES];
    char after[300], one[1000];
    size_t count = 0, told = 0, prefix = strlen(r->path) + (r->path[1] != '\0'), used;
    bool batch = strcmp(r->op, "LISTSTATUS_BATCH") == 0;
    web_parameter(r, "startAfter", after, sizeof after);
    char twice[300];
    web_decode(after, strlen(after), twice, sizeof twice); /* as servers do */
    for (int i = 0; i < WEB_FILES && file->is_directory; i++)
        if (web_is_under(web.files[i].path, r->path) && !strchr(web.files[i].path + prefix, '/'))
            names[count++] = web.files[i].path + prefix;
    if (!file->is_directory) names[count++] = "";
    qsort(names, count, sizeof *names, web_compare);
    used = (size_t)snprintf(body, sizeof body, "%s{\"FileStatuses\":{\"FileStatus\":[",
                            batch ? "{\"DirectoryListing\":{\"partialListing\":" : "");
    size_t i = 0;
    const char *behind = twice;
    while (batch && after[0] && i < count && web_compare(&names[i], &behind) <= 0) i++;
    for (; i < count && !(batch && web.page && told == web.page); i++, told++) {
        const web_file *entry =
            file->is_directory ? (const web_file *)(const void *)(names[i] - prefix) : file;
        web_status_text(entry, names[i], one, sizeof one);
        used += (size_t)snprintf(body + used, sizeof body - used, "%s%s", told ? "," : "", one);
    }
    snprintf(body + used, sizeof body - used, "]}}%s", batch ? "" : "");
    used = strlen(body);
    if (batch) snprintf(body + used, sizeof body - used, ",\"remainingEntries\":%zu}}", count - i);
    return web_say(peer, "200 OK", "", body);
}

/* The body of an upload, of a length or in chunks; at most `most` bytes of it. */
static inline bool web_body(web_peer *peer, unsigned char **bytes, size_t *size, size_t most)
{
    static char raw[4 << 20];
    size_t used = peer->body_bytes, fill = 0;
    const char *length = strcasestr(peer->head, "\r\nContent-Length:");
    size_t wanted = length ? strtoul(length + 17, NULL, 10) : SIZE_MAX;
    if (strcasestr(peer->head, "\r\nExpect:") && !peer_say(peer, "HTTP/1.1 100 Continue\r\n\r\n"))
        return false;
    memcpy(raw, peer->body, used);
    while (wanted == SIZE_MAX ? used < 5 || memcmp(raw + used - 5, "0\r\n\r\n", 5) != 0
                              : used < wanted) {
        size_t got = used < sizeof raw ? peer_read(peer, raw + used, sizeof raw - used) : 0;
        if (got == 0 || used >= most) break;
        used += got;
    }
    *bytes = malloc(used + 1);
    if (wanted != SIZE_MAX) {
        memcpy(*bytes, raw, fill = used);
    } else {
        for (size_t at = 0; at < used;) {
            char *end;
            size_t chunk = strtoul(raw + at, &end, 16);
            at = (size_t)(end + 2 - raw);
            if (chunk == 0 || at >= used) break;
            size_t part = chunk < used - at ? chunk : used - at;
            memcpy(*bytes + fill, raw + at, part);
            fill += part;
            at += chunk + 2;
        }
    }
    *size = fill;
    return true;
}

static inline bool web_redirect(web_peer *peer, const web_request *r)
{
    char headers[1400], path[1024], excluded[400];
    size_t used = 0;
    web_parameter(r, "excludedatanodes", excluded, sizeof excluded);
    bool is_dead =
        web.dead_node && !strstr(excluded, "127.0.0.1:7001") && strcmp(excluded, "127.0.0.1") != 0;
    for (const char *c = r->path; *c; c++) /* as the NameNode says it: '+' stays */
        used +=
            (size_t)snprintf(path + used, sizeof path - used,
                             isalnum((unsigned char)*c) || strchr("/-._~+", *c) ? "%c" : "%%%02X",
                             (unsigned char)*c);
    snprintf(headers, sizeof headers, "Location: http://127.0.0.1:%d/webhdfs/v1%s?%s&data=true\r\n",
             is_dead ? 1 : peer->server->port, path, r->query);
    return web_say(peer, "307 Temporary Redirect", headers, "");
}

static inline bool web_open_data(web_peer *peer, const web_request *r, const web_file *file,
                                 bool half)
{
    char text[32], head[200];
    size_t offset = strtoul(web_parameter(r, "offset", text, sizeof text), NULL, 10);
    size_t length = strtoul(web_parameter(r, "length", text, sizeof text), NULL, 10);
    bool is_long = web.fault == FAULT_LONG && web.request - 1 == web.fault_at;
    if (offset >= file->size)
        return web_refuse(peer, "403 Forbidden", "IOException",
                          "Offset=1 out of the range [0, 1); OPEN, path=/x");
    if (length > file->size - offset) length = file->size - offset;
    snprintf(head, sizeof head,
             "HTTP/1.1 200 OK\r\nContent-Type: application/octet-stream\r\n"
             "Content-Length: %zu\r\n\r\n",
             length + (is_long ? 7 : 0));
    if (!peer_say(peer, head)) return false;
    if (half) return peer_send(peer, (const char *)file->bytes + offset, length / 2) && false;
    return peer_send(peer, (const char *)file->bytes + offset, length) && !is_long;
}

/* ---- operations; each under the mutex ---- */

/* NULL: done. */
static inline const char *web_rename(const char *from, const char *to, bool overwrite,
                                     const char **name)
{
    char parent[512];
    web_file *source = web_find(from), *target = web_find(to);
    *name = "FileNotFoundException";
    if (!source) return "rename source is not found.";
    if (web_parent(to, parent) && !web_find(parent)) return "rename destination parent not found.";
    *name = "IOException";
    if (target && target->is_directory != source->is_directory)
        return "Source and destination must both be directories";
    if (web_is_under(to, from)) return "Rename destination is a directory or file under source";
    *name = "FileAlreadyExistsException";
    if (target && !overwrite) return "rename destination already exists.";
    if (target) web_drop(target);
    size_t size = strlen(from);
    for (int i = 0; i < WEB_FILES; i++) {
        char moved[1024];
        web_file *file = &web.files[i];
        if (file != source && !web_is_under(file->path, from)) continue;
        snprintf(moved, sizeof moved, "%s%s", to, file->path + size);
        snprintf(file->path, sizeof file->path, "%s", moved);
    }
    return NULL;
}

static inline bool web_concat(web_peer *peer, const web_request *r)
{
    static char sources[SERVER_LOG_MAX];
    web_file *target = web_find(r->path);
    web_parameter(r, "sources", sources, sizeof sources);
    size_t bytes = strlen(r->query);
    if (bytes > web.sources_bytes_max) web.sources_bytes_max = bytes;
    if (!target) return web_refuse(peer, "404 Not Found", "FileNotFoundException", "no target");
    for (int pass = 0; pass < 2; pass++) {
        char *rest = sources, copy[SERVER_LOG_MAX], *one;
        snprintf(copy, sizeof copy, "%s", sources);
        rest = copy;
        while ((one = strsep(&rest, ","))) {
            web_file *source = web_find(one);
            if (pass == 0 && !source)
                return web_refuse(peer, "404 Not Found", "FileNotFoundException", "no source");
            if (pass == 0 && source->size == 0)
                return web_refuse(peer, "400 Bad Request", "HadoopIllegalArgumentException",
                                  "concat: source file is empty");
            if (pass == 0 && strstr(one, "large-blocks"))
                return web_refuse(peer, "400 Bad Request", "HadoopIllegalArgumentException",
                                  "concat: source file's preferred block size is greater than "
                                  "target's");
            if (pass == 0) continue;
            target->bytes = realloc(target->bytes, target->size + source->size + 1);
            memcpy(target->bytes + target->size, source->bytes, source->size);
            target->size += source->size;
            target->mtime_ms = web.clock_ms++;
            web_drop(source);
        }
    }
    web.concats++;
    return web_say(peer, "200 OK", "", "");
}

static inline bool web_create_data(web_peer *peer, const web_request *r, bool half)
{
    char parent[512], text[16];
    unsigned char *bytes;
    size_t size;
    /* The lock is not held while the body comes: the client may wait for something else. */
    pthread_mutex_unlock(&web.mutex);
    bool whole = web_body(peer, &bytes, &size, half ? 1 : SIZE_MAX);
    pthread_mutex_lock(&web.mutex);
    if (!whole) return false;
    bool exists = web_find(r->path) != NULL;
    bool orphan = web_parent(r->path, parent) && !web_find(parent);
    if (exists || (orphan && strcmp(web_parameter(r, "createparent", text, 16), "true") != 0)) {
        free(bytes);
        if (exists)
            return web_refuse(peer, "403 Forbidden", "FileAlreadyExistsException", "exists");
        return web_refuse(peer, "404 Not Found", "FileNotFoundException",
                          "Parent directory doesn't exist");
    }
    web_mkdirs(parent);
    web_file *file = web_add(r->path, false);
    file->bytes = bytes;
    file->size = half ? size / 2 : size;
    if (web_parameter(r, "permission", text, 16)[0])
        file->permission = (unsigned)strtoul(text, NULL, 8) & 0755;
    if (half) return false;
    return web_say(peer, "201 Created", "", "");
}

static inline bool web_do(web_peer *peer, const web_request *r, bool half)
{
    char text[1100], to[512], options[32];
    const char *name, *why;
    unsigned long long id;
    web_file *file = web_find(r->path);
    static web_file top = {.path = "/", .is_directory = true};
    if (sscanf(r->path, "/.reserved/.inodes/%llu", &id) == 1)
        for (int i = 0; i < WEB_FILES; i++)
            if (web.files[i].path[0] && web.files[i].id == id) file = &web.files[i];
    if (!file && strcmp(r->path, "/") == 0) file = &top;
    if (strcmp(r->op, "CREATE") == 0)
        return r->is_data ? web_create_data(peer, r, half) : web_redirect(peer, r);
    if (strcmp(r->op, "MKDIRS") == 0) {
        web_mkdirs(r->path);
        return web_say(peer, "200 OK", "", "{\"boolean\":true}");
    }
    if (strcmp(r->op, "DELETE") == 0) {
        bool recursive =
            strcmp(web_parameter(r, "recursive", options, sizeof options), "true") == 0;
        if (file && !recursive && web_has_children(r->path))
            return web_refuse(peer, "403 Forbidden", "PathIsNotEmptyDirectoryException",
                              "not empty");
        for (int i = 0; file && i < WEB_FILES; i++)
            if (web_is_under(web.files[i].path, r->path)) web_drop(&web.files[i]);
        if (file) web_drop(file);
        return web_say(peer, "200 OK", "", file ? "{\"boolean\":true}" : "{\"boolean\":false}");
    }
    if (strcmp(r->op, "RENAME") == 0) {
        web_parameter(r, "destination", to, sizeof to);
        web_parameter(r, "renameoptions", options, sizeof options);
        if (web.is_gateway) { /* the old rules: false where something stands, into directories */
            const web_file *target = web_find(to);
            if (target && target->is_directory)
                snprintf(to + strlen(to), sizeof to - strlen(to), "%s", strrchr(r->path, '/'));
            why = web_rename(r->path, to, false, &name);
            return web_say(peer, "200 OK", "", why ? "{\"boolean\":false}" : "{\"boolean\":true}");
        }
        why = web_rename(r->path, to, strcmp(options, "OVERWRITE") == 0, &name);
        if (!why) return web_say(peer, "200 OK", "", "");
        return web_refuse(peer, name[4] == 'N' ? "404 Not Found" : "403 Forbidden", name, why);
    }
    if (strcmp(r->op, "CONCAT") == 0) return web_concat(peer, r);
    if (!file)
        return web_refuse(peer, "404 Not Found", "FileNotFoundException", "File does not exist");
    if (strcmp(r->op, "GETFILESTATUS") == 0) {
        web_status_text(file, "", text, sizeof text);
        char body[1200];
        snprintf(body, sizeof body, "{\"FileStatus\":%s}", text);
        return web_say(peer, "200 OK", "", body);
    }
    if (strcmp(r->op, "LISTSTATUS_BATCH") == 0 && web.no_batch)
        return web_refuse(peer, "400 Bad Request", "IllegalArgumentException",
                          "Invalid value for webhdfs parameter \\\"op\\\"");
    if (strncmp(r->op, "LISTSTATUS", 10) == 0) return web_list(peer, r, file);
    if (strcmp(r->op, "OPEN") == 0)
        return r->is_data || web.is_gateway ? web_open_data(peer, r, file, half)
                                            : web_redirect(peer, r);
    if (strcmp(r->op, "GET_BLOCK_LOCATIONS") == 0) {
        snprintf(
            text, sizeof text,
            "{\"LocatedBlocks\":{\"isUnderConstruction\":%s,\"locatedBlocks\":[{\"locations\":["
            "{\"hostName\":\"h\",\"infoPort\":1,\"ipAddr\":\"127.0.0.1\",\"name\":"
            "\"127.0.0.1:7001\"},{\"hostName\":\"h\",\"infoPort\":%d,\"ipAddr\":\"127.0.0.1\","
            "\"name\":\"127.0.0.1:7002\"}]}]}}",
            file->is_open ? "true" : "false", peer->server->port);
        return web_say(peer, "200 OK", "", text);
    }
    if (strcmp(r->op, "SETPERMISSION") == 0)
        file->permission =
            (unsigned)strtoul(web_parameter(r, "permission", options, sizeof options), NULL, 8);
    else if (strcmp(r->op, "SETOWNER") == 0) {
        if (web_parameter(r, "owner", options, sizeof options)[0])
            return web_refuse(peer, "403 Forbidden", "AccessControlException", "no superuser");
        if (strcmp(web_parameter(r, "group", options, sizeof options), "wheel") == 0)
            file->group = "wheel";
    }
    return web_say(peer, "200 OK", "", "");
}

/* Does it, and lets nobody have the answer. */
static inline void web_do_unheard(web_peer *peer, const web_request *r)
{
    int pair[2], fd = peer->fd;
    if (strcmp(r->op, "CREATE") == 0 && r->is_data) { /* its body is on the connection */
        unsigned char *bytes;
        size_t size;
        char parent[512];
        pthread_mutex_unlock(&web.mutex);
        bool whole = web_body(peer, &bytes, &size, SIZE_MAX);
        pthread_mutex_lock(&web.mutex);
        if (!whole || web_find(r->path)) return;
        if (web_parent(r->path, parent)) web_mkdirs(parent);
        web_file *file = web_add(r->path, false);
        file->bytes = bytes;
        file->size = size;
        return;
    }
    if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair) != 0) abort();
    peer->fd = pair[0];
    (void)web_do(peer, r, false);
    peer->fd = fd;
    close(pair[0]);
    close(pair[1]);
}

static inline void web_later(void)
{
    const char *name;
    if (web.later_in < 0 || web.later_in-- > 0) return;
    (void)!web_rename(web.later[0][0], web.later[0][1], web.later[1][0][0] == 'O', &name);
}

static inline bool web_faulty(web_peer *peer, const web_request *r)
{
    switch (web.fault) {
    case FAULT_CUT_BEFORE: return peer_reset(peer);
    case FAULT_LATER:
        if (strcmp(r->op, "RENAME") == 0) {
            snprintf(web.later[0][0], 1024, "%s", r->path);
            web_parameter(r, "destination", web.later[0][1], 1024);
            web_parameter(r, "renameoptions", web.later[1][0], 1024);
            web.later_in = 1;
        }
        return false;
    case FAULT_CUT_AFTER: web_do_unheard(peer, r); return false;
    case FAULT_HALF: return web_do(peer, r, true) && false;
    case FAULT_500:
        return web_say(peer, "500 Internal Server Error", "Connection: close\r\n", "{}") && false;
    case FAULT_500_AFTER:
        web_do_unheard(peer, r);
        return web_refuse(peer, "500 Internal Server Error", "RuntimeException", "x") && false;
    case FAULT_503:
        return web_say(peer, "503 Service Unavailable", "Connection: close\r\n", "") && false;
    case FAULT_STANDBY:
        return web_refuse(peer, "403 Forbidden", "StandbyException", "x is on standby");
    case FAULT_RETRIABLE: return web_refuse(peer, "403 Forbidden", "RetriableException", "later");
    case FAULT_GARBAGE:
        web_do_unheard(peer, r);
        return web_say(peer, "200 OK", "", "<html>") && false;
    case FAULT_NONSENSE:
        return web_say(peer, "200 OK", "Connection: close\r\n", "<html>log in</html>") && false;
    default: return web_do(peer, r, false);
    }
}

static inline bool web_answer(web_peer *peer)
{
    static __thread web_request r;
    bool kept;
    if (!web_parse(peer, &r)) return false;
    pthread_mutex_lock(&web.mutex);
    int number = web.request++;
    web_later();
    web_journal_request(&r);
    if (peer->server == web.standby)
        kept = web_refuse(peer, "403 Forbidden", "StandbyException", "Operation is not supported");
    else if (web.fault_at >= 0 && number >= web.fault_at && number < web.fault_at + web.fault_count)
        kept = web_faulty(peer, &r);
    else
        kept = web_do(peer, &r, false);
    pthread_mutex_unlock(&web.mutex); /* the test may go on since the answer went out */
    return kept;
}

/* ---- start to end ---- */

static inline void web_start(void)
{
    memset(&web, 0, sizeof web);
    pthread_mutex_init(&web.mutex, NULL);
    web.next_id = 16386;
    web.clock_ms = 1700000000000;
    web.fault_at = web.later_in = -1;
    server_start(&web.server, web_answer);
    server_start(&web.other, web_answer);
}

static inline void web_stop(void)
{
    server_stop(&web.server);
    server_stop(&web.other);
    for (int i = 0; i < WEB_FILES; i++) free(web.files[i].bytes);
    pthread_mutex_destroy(&web.mutex);
}

/* As at the start, for the next store. */
static inline void web_reset(void)
{
    pthread_mutex_lock(&web.mutex);
    for (int i = 0; i < WEB_FILES; i++) web_drop(&web.files[i]);
    web.request = web.temp_count = 0;
    web.journal[0] = '\0';
    web.fault_at = web.later_in = -1;
    pthread_mutex_unlock(&web.mutex);
}

/* Requests from now on: the `at`-th and `count` in all fail so. The journal begins anew. */
static inline void web_plan(web_fault fault, int at, int count)
{
    pthread_mutex_lock(&web.mutex);
    web.request = 0;
    web.fault = fault;
    web.fault_at = fault == FAULT_NONE ? -1 : at;
    web.fault_count = count;
    web.journal[0] = '\0';
    web.temp_count = 0;
    web.later_in = -1;
    pthread_mutex_unlock(&web.mutex);
}

#endif
