/* Percent signs on and off; see part_path.h. */
#include "table/part_path.h"

#include <string.h>

#include "base/bytes_text.h"
#include "base/error.h"

static bool is_plain(unsigned char byte)
{
    return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') ||
           (byte >= '0' && byte <= '9') || (byte && strchr("-_.~/=", byte));
}

lm_status lm__part_path_encode(lm_buffer *out, const char *path)
{
    static const char digits[] = "0123456789ABCDEF";
    lm_status status = LM_OK;
    for (; *path && status == LM_OK; path++) {
        unsigned char byte = (unsigned char)*path;
        char escaped[3] = {'%', digits[byte >> 4], digits[byte & 15]};
        status = is_plain(byte) ? lm__buffer_byte(out, byte) : lm__buffer_append(out, escaped, 3);
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
