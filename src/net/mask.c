/* What is masked, and how it is found; see mask.h. Rather too much than too little is hidden. */
#include "net/mask.h"

#include <stdbool.h>
#include <string.h>

#include "base/bytes_text.h"

#define NAME_BYTES_MAX 64 /* of a name, decoded; of a longer one its end counts */

typedef struct mask_out {
    char *at, *end; /* `end` keeps room for the terminator */
} mask_out;

static void put(mask_out *out, const char *bytes, size_t size)
{
    size_t room = (size_t)(out->end - out->at);
    if (size > room) size = room;
    memcpy(out->at, bytes, size);
    out->at += size;
}

static void put_mask(mask_out *out) { put(out, "***", 3); }

static bool is_digit(char c) { return c >= '0' && c <= '9'; }

static bool is_word(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || is_digit(c) || c == '_' ||
           c == '-' || c == '.' || c == '%';
}

/* A name in small letters, percent-decoded. */
static void name_decode(char name[NAME_BYTES_MAX + 1], const char *text, size_t size)
{
    size_t used = 0;
    for (size_t i = 0; i < size; i++) {
        char c = text[i];
        if (c == '%' && i + 2 < size && lm__hex_digit(text[i + 1]) >= 0 &&
            lm__hex_digit(text[i + 2]) >= 0) {
            c = (char)(lm__hex_digit(text[i + 1]) << 4 | lm__hex_digit(text[i + 2]));
            i += 2;
        }
        if (c >= 'A' && c <= 'Z') c = (char)(c | 0x20);
        if (used == NAME_BYTES_MAX) memmove(name, name + 1, --used);
        name[used++] = c ? c : ' ';
    }
    name[used] = '\0';
}

static bool name_is_secret(const char *text, size_t size)
{
    static const char *const parts[] = {
        "token",      "secret",        "passw",  "signature", "credential",
        "delegation", "authorization", "cookie", "apikey",    "api-key",
    };
    char name[NAME_BYTES_MAX + 1];
    name_decode(name, text, size);
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        if (strstr(name, parts[i])) return true;
    return strcmp(name, "sig") == 0 || strcmp(name, "pwd") == 0;
}

/* The end of a value in a query, in running text or between quotes. */
static size_t value_end(const char *text) { return strcspn(text, "&# \t\r\n\"'<>"); }

/* After a secret name: how long what follows is that must not be shown, with what of it may be
 * (`shown` bytes), or 0. */
static size_t secret_span(const char *text, size_t *shown)
{
    size_t at = 0;
    if (*text == '=') {
        *shown = 1;
        return 1 + value_end(text + 1);
    }
    bool quoted = *text == '"';
    if (quoted) at++;
    at += strspn(text + at, " ");
    if (text[at] != ':' || (!quoted && text[at + 1] != ' ' && text[at + 1] != '\t')) return 0;
    at++;
    at += strspn(text + at, " \t");
    *shown = at;
    /* Of JSON, all that follows: where a string of it ends is not for us to say. */
    return quoted ? strlen(text) : at + strcspn(text + at, "\r\n");
}

static size_t last_at_sign(const char *text, size_t size)
{
    while (size > 0 && text[size - 1] != '@') size--;
    return size;
}

/* How many bytes after "://" are a user, a password and their '@'. A '/' in a password that was not
 * encoded looks like the end of the host: then what should be a port is no number. */
static size_t user_span(const char *text)
{
    size_t host = strcspn(text, "/?# \t\r\n\"'<>"), span = last_at_sign(text, host);
    const char *port = *text == '[' ? NULL : memchr(text, ':', host);
    if (span > 0 || !port) return span;
    for (port++; port < text + host; port++)
        if (!is_digit(*port)) return last_at_sign(text, strcspn(text, "?# \t\r\n\"'<>"));
    return 0;
}

const char *lm__mask(char *out, size_t out_size, const char *text)
{
    mask_out to = {out, out + out_size - 1};
    while (*text && to.at < to.end) {
        size_t word = 0, shown, span;
        while (is_word(text[word])) word++;
        put(&to, text, word ? word : 1);
        if (word == 0) {
            bool host = strncmp(text, "://", 3) == 0;
            text++;
            if (!host) continue;
            put(&to, text, 2);
            text += 2;
            if ((span = user_span(text)) > 0) {
                put_mask(&to);
                text += span - 1;
            }
            continue;
        }
        bool secret = name_is_secret(text, word);
        text += word;
        if (!secret || (span = secret_span(text, &shown)) == 0) continue;
        put(&to, text, shown);
        put_mask(&to);
        text += span;
    }
    *to.at = '\0';
    return out;
}
