/* Percent signs on and off; see part_path.h. */
#include "table/part_path.h"

#include <string.h>

#include "base/bytes_text.h"
#include "base/error.h"
#include "base/utf8.h"

/* What java.net.URI leaves as it is in a path, but for the colon, which might end a scheme. */
static bool is_plain(unsigned char byte)
{
    return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') ||
           (byte >= '0' && byte <= '9') || (byte && strchr("-_.!~*'()@&=+$,;/", byte));
}

/* Beyond ASCII it encodes controls and spaces only (Character.isISOControl, isSpaceChar). */
static bool is_plain_sequence(const char *at, size_t size)
{
    static const char spaces[][4] = {"\u00a0", "\u1680", "\u2028", "\u2029",
                                     "\u202f", "\u205f", "\u3000"};
    const unsigned char *bytes = (const unsigned char *)at;
    if (size == 2 && bytes[0] == 0xc2 && bytes[1] < 0xa0) return false;   /* U+0080 to U+009F */
    if (memcmp(at, "\xe2\x80", 2) == 0 && bytes[2] <= 0x8a) return false; /* U+2000 to U+200A */
    for (size_t i = 0; i < sizeof spaces / sizeof *spaces; i++)
        if (strlen(spaces[i]) == size && memcmp(at, spaces[i], size) == 0) return false;
    return size > 1;
}

lm_status lm__part_path_encode(lm_buffer *out, const char *path)
{
    static const char digits[] = "0123456789ABCDEF";
    const char *end = path + strlen(path);
    lm_status status = LM_OK;
    while (path < end && status == LM_OK) {
        unsigned char byte = (unsigned char)*path;
        size_t size = lm__utf8_sequence((const uint8_t *)path, (size_t)(end - path));
        if (size == 0) size = 1; /* no UTF-8 */
        if (is_plain(byte) || is_plain_sequence(path, size)) {
            status = lm__buffer_append(out, path, size);
            path += size;
            continue;
        }
        for (; size > 0 && status == LM_OK; size--, path++) {
            byte = (unsigned char)*path;
            char escaped[3] = {'%', digits[byte >> 4], digits[byte & 15]};
            status = lm__buffer_append(out, escaped, sizeof escaped);
        }
    }
    return status;
}

lm_status lm__part_path_decode(lm_arena *arena, const char *uri, const char **path, lm_error *error)
{
    char *out = lm__arena_alloc(arena, strlen(uri) + 1);
    if (!out) return lm__error_memory(error, "reading the path of a part");
    *path = out;
    for (; *uri; uri++) {
        if (*uri != '%') {
            *out++ = *uri;
            continue;
        }
        int high = lm__hex_digit(uri[1]), low = high < 0 ? -1 : lm__hex_digit(uri[2]);
        if (low < 0 || (high == 0 && low == 0))
            return lm__error_set(error, LM_CORRUPT, "the path of a part has '%%' and no byte: %s",
                                 uri);
        *out++ = (char)(high * 16 + low);
        uri += 2;
    }
    *out = '\0';
    return LM_OK;
}

bool lm__part_path_is_absolute(const char *uri)
{
    if (uri[0] == '/') return true;
    size_t scheme =
        strspn(uri, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789+-.");
    return scheme > 0 && uri[scheme] == ':';
}
