/* Schemes and their stores; see place.h. */
#include "store/place.h"

#include <string.h>
#include <strings.h>

#include "base/error.h"

static bool is_letter(char c) { return (c | 0x20) >= 'a' && (c | 0x20) <= 'z'; }
static bool is_scheme_char(char c)
{
    return is_letter(c) || (c >= '0' && c <= '9') || c == '+' || c == '-' || c == '.';
}

/* The bytes before `://`, or 0. One letter is a drive elsewhere, and no scheme. */
static size_t scheme_size(const char *url)
{
    size_t size = 0;
    if (!is_letter(url[0])) return 0;
    while (is_scheme_char(url[size])) size++;
    return size > 1 && strncmp(url + size, "://", 3) == 0 ? size : 0;
}

static bool scheme_is(const char *url, size_t size, const char *name)
{
    return strlen(name) == size && strncasecmp(url, name, size) == 0;
}

/* `file:///a`, `file://localhost/a` and, as Hadoop writes it, `file:/a`. */
static const char *local_path(const char *url)
{
    size_t scheme = scheme_size(url);
    if (scheme == 0) {
        bool is_short = strncasecmp(url, "file:/", 6) == 0;
        return is_short ? url + 5 : url;
    }
    if (!scheme_is(url, scheme, "file")) return NULL;
    const char *path = url + scheme + 3;
    if (strncasecmp(path, "localhost/", 10) == 0) path += 9;
    return path;
}

const char *lm__place_path(const char *url)
{
    const char *local = local_path(url);
    return local ? local : url;
}

lm_status lm__place_require_local(const char *url, const char *what, const char **path,
                                  lm_error *error)
{
    if (lm__place_is_local(url, path)) return LM_OK;
    return lm__error_set(error, LM_UNSUPPORTED, "%s is not on this system: %s", url, what);
}

bool lm__place_is_local(const char *url, const char **path)
{
    const char *local = local_path(url);
    if (local) *path = local;
    return local != NULL;
}

size_t lm__place_root_size(const char *url)
{
    size_t scheme = scheme_size(url);
    if (scheme == 0 || scheme_is(url, scheme, "file")) return 0;
    return scheme + 3 + strcspn(url + scheme + 3, "/");
}

bool lm__place_is_same(const char *a, const char *b)
{
    size_t size = lm__place_root_size(a);
    return size == lm__place_root_size(b) && strncasecmp(a, b, size) == 0;
}

static lm_status open_local(const lm_allocator *allocator, const char *url, const char *local,
                            lm_store **store, const char **path, lm_error *error)
{
    if (local != url && local[0] != '/')
        return lm__error_set(error, LM_INVALID,
                             "%s: a file's URL names no host and a whole path: file:///path", url);
    LM_TRY(lm__store_posix_open(allocator, store, error));
    *path = local;
    return LM_OK;
}

lm_status lm__store_for(const lm_allocator *allocator, const char *url, const lm_storage *storage,
                        lm_store **store, const char **path, lm_error *error)
{
    size_t scheme = scheme_size(url);
    const char *local = local_path(url);
    *store = NULL;
    *path = url;
    if (local) return open_local(allocator, url, local, store, path, error);
    if (scheme_is(url, scheme, "mem") && storage && storage->reserved) {
        *store = storage->reserved; /* whose close does nothing: a test's own (store/fault) */
        return LM_OK;
    }
    if (scheme_is(url, scheme, "webhdfs") || scheme_is(url, scheme, "swebhdfs") ||
        scheme_is(url, scheme, "hdfs"))
        return lm__store_hdfs_open(allocator, url, storage, store, error);
    return lm__error_set(error, LM_UNSUPPORTED,
                         "%s: no store is known for %.*s:// (a path that begins so is written "
                         "./%.*s://…)",
                         url, (int)scheme, url, (int)scheme, url);
}

const char *lm__storage_value(const lm_storage *storage, const char *name, const char *key)
{
    const char *plain = NULL;
    size_t name_size = strlen(name);
    for (size_t i = 0; storage && i < storage->pair_count; i++) {
        const lm_storage_pair *pair = &storage->pairs[i];
        if (strncmp(pair->key, name, name_size) == 0 && pair->key[name_size] == '.' &&
            strcmp(pair->key + name_size + 1, key) == 0)
            return pair->value;
        if (strcmp(pair->key, key) == 0) plain = pair->value;
    }
    return plain;
}
