/* UTF-8, checked; see utf8.h. */
#include "base/utf8.h"

#include <string.h>

size_t lm__utf8_sequence(const uint8_t *text, size_t size)
{
    if (size == 0) return 0;
    uint8_t lead = text[0];
    if (lead < 0x80) return 1;
    if (lead < 0xc2 || lead > 0xf4) return 0;
    size_t length = lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
    if (size < length) return 0;
    /* The second byte's range closes over-long forms, surrogates and what lies past U+10FFFF. */
    uint8_t low = lead == 0xe0 ? 0xa0 : lead == 0xf0 ? 0x90 : 0x80;
    uint8_t high = lead == 0xed ? 0x9f : lead == 0xf4 ? 0x8f : 0xbf;
    if (text[1] < low || text[1] > high) return 0;
    for (size_t i = 2; i < length; i++)
        if ((text[i] & 0xc0) != 0x80) return 0;
    return length;
}

size_t lm__utf8_valid_prefix(const void *text, size_t size)
{
    const uint8_t *bytes = text;
    size_t at = 0;
    while (at < size) {
        uint64_t eight;
        while (size - at >= 8) { /* eight ASCII bytes at a time */
            memcpy(&eight, bytes + at, 8);
            if (eight & 0x8080808080808080u) break;
            at += 8;
        }
        if (at == size) break;
        size_t length = lm__utf8_sequence(bytes + at, size - at);
        if (length == 0) return at;
        at += length;
    }
    return at;
}
