/* Paths and URLs of WebHDFS; url.h tells the invariants. */
#include "store/hdfs/url.h"

#include <string.h>

#include "base/error.h"
#include "base/limits.h"
#include "base/utf8.h"

/* ---- paths ---- */

lm_status lm__hdfs_path(const char *root, size_t root_size, const char *path, char *to,
                        lm_error *error)
{
    const char *from = path;
    size_t size = 0;
    if (strncmp(path, root, root_size) == 0 && (path[root_size] == '/' || !path[root_size]))
        from += root_size;
    else if (path[0] != '/')
        return lm__error_set(error, LM_INVALID, "%s does not lie on %.*s", path, (int)root_size,
                             root);
    if (strlen(from) >= LM_PATH_BYTES_MAX)
        return lm__error_set(error, LM_INVALID, "the path of %zu bytes is too long", strlen(from));
    while (*from) {
        from += strspn(from, "/");
        size_t part = strcspn(from, "/");
        if (part == 2 && memcmp(from, "..", 2) == 0) {
            while (size > 0 && to[--size] != '/') {
            }
        } else if (part > 0 && !(part == 1 && from[0] == '.')) {
            to[size++] = '/';
            memcpy(to + size, from, part);
            size += part;
        }
        from += part;
    }
    if (size == 0) to[size++] = '/';
    to[size] = '\0';
    if (strchr(to, ':') || !lm__utf8_valid(to, size)) /* before long work is done for it */
        return lm__error_set(error, LM_INVALID,
                             "%s: HDFS has no such names: they are UTF-8 and without a colon",
                             path);
    return LM_OK;
}

size_t lm__hdfs_parent_size(const char *path) { return (size_t)(strrchr(path, '/') - path); }

/* ---- URLs ---- */

static bool is_plain(uint8_t c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '.' || c == '_' || c == '~' || c == '/';
}

lm_status lm__hdfs_encode(lm_buffer *out, const char *text, size_t size)
{
    static const char digits[] = "0123456789ABCDEF";
    LM_TRY(lm__buffer_reserve(out, size));
    for (size_t i = 0; i < size; i++) {
        uint8_t c = (uint8_t)text[i];
        if (is_plain(c)) {
            LM_TRY(lm__buffer_byte(out, c));
            continue;
        }
        const char coded[3] = {'%', digits[c >> 4], digits[c & 15]};
        LM_TRY(lm__buffer_append(out, coded, sizeof coded));
    }
    return LM_OK;
}

lm_status lm__hdfs_parameter(lm_buffer *out, const char *name, const char *value)
{
    LM_TRY(lm__buffer_printf(out, "&%s=", name));
    return lm__hdfs_encode(out, value, strlen(value));
}

lm_status lm__hdfs_parameter_number(lm_buffer *out, const char *name, uint64_t value)
{
    return lm__buffer_printf(out, "&%s=%llu", name, (unsigned long long)value);
}

static lm_status url_build(lm_buffer *out, bool is_tls, const char *host, const char *path,
                           const char *operation, const lm_hdfs_who *who, const char *parameters)
{
    lm__buffer_clear(out);
    LM_TRY(lm__buffer_printf(out, "%s://%s/webhdfs/v1", is_tls ? "https" : "http", host));
    LM_TRY(lm__hdfs_encode(out, path, strlen(path)));
    LM_TRY(lm__buffer_printf(out, "?op=%s", operation));
    if (who->delegation)
        LM_TRY(lm__hdfs_parameter(out, "delegation", who->delegation));
    else if (who->user)
        LM_TRY(lm__hdfs_parameter(out, "user.name", who->user));
    if (parameters) LM_TRY(lm__buffer_text(out, parameters));
    return lm__buffer_byte(out, '\0');
}

lm_status lm__hdfs_url(lm_buffer *out, bool is_tls, const char *host, const char *path,
                       const char *operation, const lm_hdfs_who *who, const char *parameters,
                       lm_error *error)
{
    lm_status status = url_build(out, is_tls, host, path, operation, who, parameters);
    if (status == LM_LIMIT)
        return lm__error_set(error, status, "%s: the request's URL is longer than %zu bytes", path,
                             out->bytes_max);
    return status == LM_OK ? LM_OK : lm__error_memory(error, "building a request");
}
