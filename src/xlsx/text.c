/* Text in SpreadsheetML; see text.h. */
#include "xlsx/text.h"

#include <stdbool.h>

/* Bytes that may need more than a copy: & < > ", the controls but for tab and line feed, the
 * underscore, and the first byte of U+FFFE and U+FFFF. */
static const bool special[256] = {
    [0x00] = true,         [0x01] = true,         [0x02] = true,         [0x03] = true,
    [0x04] = true,         [0x05] = true,         [0x06] = true,         [0x07] = true,
    [0x08] = true,         [0x0b] = true,         [0x0c] = true,         [0x0d] = true,
    [0x0e] = true,         [0x0f] = true,         [0x10] = true,         [0x11] = true,
    [0x12] = true,         [0x13] = true,         [0x14] = true,         [0x15] = true,
    [0x16] = true,         [0x17] = true,         [0x18] = true,         [0x19] = true,
    [0x1a] = true,         [0x1b] = true,         [0x1c] = true,         [0x1d] = true,
    [0x1e] = true,         [0x1f] = true,         [(uint8_t)'&'] = true, [(uint8_t)'<'] = true,
    [(uint8_t)'>'] = true, [(uint8_t)'"'] = true, [(uint8_t)'_'] = true, [0xef] = true,
};

static bool is_hex(uint8_t c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

static bool is_mark(const uint8_t *text, size_t size)
{
    return size >= 7 && text[0] == '_' && text[1] == 'x' && is_hex(text[2]) && is_hex(text[3]) &&
           is_hex(text[4]) && is_hex(text[5]) && text[6] == '_';
}

static uint8_t *put(uint8_t *to, const char *text, size_t size)
{
    memcpy(to, text, size);
    return to + size;
}

static uint8_t *put_mark(uint8_t *to, unsigned unit)
{
    static const char digits[] = "0123456789ABCDEF";
    const char mark[7] = {'_',
                          'x',
                          digits[unit >> 12],
                          digits[unit >> 8 & 15],
                          digits[unit >> 4 & 15],
                          digits[unit & 15],
                          '_'};
    return put(to, mark, sizeof mark);
}

/* One special byte, or the character that it begins; *taken bytes of the text. */
static uint8_t *escape_one(uint8_t *to, const uint8_t *text, size_t size, size_t *taken)
{
    *taken = 1;
    switch (*text) {
    case '&': return put(to, "&amp;", 5);
    case '<': return put(to, "&lt;", 4);
    case '>': return put(to, "&gt;", 4);
    case '"': return put(to, "&quot;", 6);
    case '_':
        if (is_mark(text, size)) return put_mark(to, '_');
        break;
    case 0xef:
        if (size >= 3 && text[1] == 0xbf && text[2] >= 0xbe) {
            *taken = 3;
            return put_mark(to, 0xff40u + text[2]);
        }
        break;
    default: return put_mark(to, *text);
    }
    *to = *text;
    return to + 1;
}

uint8_t *lm__xlsx_escape(uint8_t *to, const uint8_t *text, size_t size)
{
    for (size_t at = 0; at < size;) {
        size_t from = at;
        while (at < size && !special[text[at]]) at++;
        to = put(to, (const char *)text + from, at - from);
        if (at == size) break;
        size_t taken;
        to = escape_one(to, text + at, size - at, &taken);
        at += taken;
    }
    return to;
}

lm_status lm__xlsx_attribute_append(lm_buffer *out, const char *text, size_t size)
{
    while (size > 0) {
        size_t run = 0;
        while (run < size && text[run] != '\t' && text[run] != '\n') run++;
        lm_status status = lm__buffer_reserve(out, (run + 1) * LM_XLSX_ESCAPE_BYTES_MAX);
        if (status != LM_OK) return status;
        uint8_t *to = lm__xlsx_escape(out->data + out->size, (const uint8_t *)text, run);
        if (run < size) to = put_mark(to, (uint8_t)text[run++]);
        out->size = (size_t)(to - out->data);
        text += run;
        size -= run;
    }
    return LM_OK;
}

/* Characters past U+FFFF have four bytes and two units. */
size_t lm__xlsx_units(const uint8_t *text, size_t size)
{
    size_t units = 0;
    for (size_t i = 0; i < size; i++) units += ((text[i] & 0xc0) != 0x80) + (text[i] >= 0xf0);
    return units;
}

size_t lm__xlsx_units_prefix(const uint8_t *text, size_t size, size_t units)
{
    size_t at = 0;
    while (at < size) {
        size_t of_one = text[at] >= 0xf0 ? 2 : 1, next = at + 1;
        if (of_one > units) break;
        units -= of_one;
        while (next < size && (text[next] & 0xc0) == 0x80) next++;
        at = next;
    }
    return at;
}
