/* Delegation tokens from a file of Hadoop's; see tokens.h. */
#include "store/hdfs/tokens.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/bytes_text.h"
#include "base/error.h"
#include "base/limits.h"

typedef struct tokens_reader {
    const uint8_t *at, *end;
} tokens_reader;

typedef struct span {
    const uint8_t *bytes;
    size_t size;
} span;

/* org.apache.hadoop.io.WritableUtils: one byte from -112 up is the number, one below tells how many
 * bytes follow (and from -121 down that it is negative, which no length is). */
static bool number_read(tokens_reader *r, size_t *value)
{
    if (r->at == r->end) return false;
    int8_t first = (int8_t)*r->at++;
    *value = 0;
    if (first >= 0) *value = (size_t)first;
    if (first >= 0) return true;
    int bytes = first < -112 && first >= -120 ? -112 - first : 0;
    if (bytes == 0 || bytes > 4 || r->end - r->at < bytes) return false;
    for (int i = 0; i < bytes; i++) *value = *value << 8 | *r->at++;
    return true;
}

static bool span_read(tokens_reader *r, span *out)
{
    if (!number_read(r, &out->size) || out->size > (size_t)(r->end - r->at)) return false;
    out->bytes = r->at;
    r->at += out->size;
    return true;
}

static bool is(span text, const char *what)
{
    return text.size == strlen(what) && memcmp(text.bytes, what, text.size) == 0;
}

static bool is_hdfs(span kind)
{
    return is(kind, "HDFS_DELEGATION_TOKEN") || is(kind, "WEBHDFS delegation") ||
           is(kind, "SWEBHDFS delegation");
}

/* "ha-hdfs:ns1" is the service of the name service ns1; of one NameNode it is its address. */
static bool is_for(span service, const char *authority)
{
    static const char *const prefixes[] = {"", "ha-hdfs:", "ha-webhdfs:", "ha-swebhdfs:"};
    for (size_t i = 0; i < sizeof prefixes / sizeof *prefixes; i++) {
        size_t size = strlen(prefixes[i]);
        span rest = {service.bytes + size, service.size - size};
        if (service.size > size && memcmp(service.bytes, prefixes[i], size) == 0 &&
            is(rest, authority))
            return true;
    }
    return false;
}

/* In the alphabet of URLs, without padding. */
static const char *token_text(lm_arena *arena, span token)
{
    char *text = lm__arena_alloc(arena, LM_BASE64_TEXT_BYTES(token.size) + 1);
    if (!text) return NULL;
    char *end = lm__base64_text(text, token.bytes, token.size);
    for (char *c = text; c < end; c++) {
        if (*c == '+') *c = '-';
        if (*c == '/') *c = '_';
        if (*c == '=') end = c;
    }
    *end = '\0';
    return text;
}

static lm_status bad(const char *file, lm_error *error)
{
    return lm__error_set(error, LM_INVALID, "%s is no file of Hadoop's delegation tokens", file);
}

lm_status lm__hadoop_tokens_read(lm_arena *arena, const char *file, const void *data, size_t size,
                                 const char *authority, const char **token, lm_error *error)
{
    tokens_reader r = {data, (const uint8_t *)data + size};
    span chosen = {NULL, 0}, alias, identifier, password, kind, service;
    size_t count, candidates = 0;
    bool is_exact = false;
    *token = NULL;
    if (size < 5 || memcmp(data, "HDTS", 4) != 0) return bad(file, error);
    if (r.at[4] != 0)
        return lm__error_set(error, LM_UNSUPPORTED,
                             "%s has delegation tokens in another form than Hadoop's own (dtutil: "
                             "-format java)",
                             file);
    r.at += 5;
    if (!number_read(&r, &count)) return bad(file, error);
    for (size_t i = 0; i < count; i++) {
        if (!span_read(&r, &alias)) return bad(file, error);
        const uint8_t *start = r.at;
        if (!span_read(&r, &identifier) || !span_read(&r, &password) || !span_read(&r, &kind) ||
            !span_read(&r, &service))
            return bad(file, error);
        bool fits = is_for(service, authority);
        if (!is_hdfs(kind) || (is_exact && !fits)) continue;
        if (fits && !is_exact) candidates = 0;
        is_exact = fits;
        if (candidates++ == 0) chosen = (span){start, (size_t)(r.at - start)};
    }
    if (!chosen.bytes || (candidates > 1 && !is_exact)) return LM_OK;
    *token = token_text(arena, chosen);
    return *token ? LM_OK : lm__error_memory(error, "reading delegation tokens");
}

lm_status lm__hadoop_tokens_load(lm_arena *arena, const char *file, const char *authority,
                                 const char **token, lm_error *error)
{
    FILE *from = fopen(file, "re");
    if (!from) return lm__error_os(error, errno, "cannot open %s", file);
    uint8_t *data = lm__arena_alloc(arena, LM_HADOOP_TOKENS_BYTES_MAX + 1);
    size_t size = data ? fread(data, 1, LM_HADOOP_TOKENS_BYTES_MAX + 1, from) : 0;
    int failed = ferror(from) ? errno : 0;
    (void)fclose(from);
    if (!data) return lm__error_memory(error, "reading delegation tokens");
    if (failed) return lm__error_os(error, failed, "cannot read %s", file);
    if (size > LM_HADOOP_TOKENS_BYTES_MAX)
        return lm__error_set(error, LM_LIMIT, "%s has more than %zu bytes", file,
                             LM_HADOOP_TOKENS_BYTES_MAX);
    return lm__hadoop_tokens_read(arena, file, data, size, authority, token, error);
}
