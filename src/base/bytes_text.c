/* Bytes as text and back; see bytes_text.h. */
#include "base/bytes_text.h"

static const char hex_digits[] = "0123456789abcdef";

char *lm__hex_text(char *to, const uint8_t *bytes, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        *to++ = hex_digits[bytes[i] >> 4];
        *to++ = hex_digits[bytes[i] & 15];
    }
    return to;
}

char *lm__base64_text(char *to, const uint8_t *bytes, size_t size)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for (; size >= 3; size -= 3, bytes += 3) {
        uint32_t word = (uint32_t)bytes[0] << 16 | (uint32_t)bytes[1] << 8 | bytes[2];
        for (int shift = 18; shift >= 0; shift -= 6) *to++ = digits[word >> shift & 63];
    }
    if (size == 0) return to;
    uint32_t word = (uint32_t)bytes[0] << 16 | (size > 1 ? (uint32_t)bytes[1] << 8 : 0);
    *to++ = digits[word >> 18];
    *to++ = digits[word >> 12 & 63];
    *to++ = size > 1 ? digits[word >> 6 & 63] : '=';
    *to++ = '=';
    return to;
}

char *lm__uuid_text(char *to, const uint8_t bytes[16])
{
    static const uint8_t groups[] = {4, 2, 2, 2, 6};
    for (size_t i = 0; i < sizeof groups; bytes += groups[i++]) {
        if (i > 0) *to++ = '-';
        to = lm__hex_text(to, bytes, groups[i]);
    }
    return to;
}

static int base64_digit(uint8_t c)
{
    if (c >= 'A' && c <= 'Z') return c - 'A';
    if (c >= 'a' && c <= 'z') return c - 'a' + 26;
    if (c >= '0' && c <= '9') return c - '0' + 52;
    if (c == '+' || c == '-') return 62;
    return c == '/' || c == '_' ? 63 : -1;
}

bool lm__base64_parse(const char *text, size_t text_size, uint8_t *out, size_t *size)
{
    uint32_t bits = 0;
    size_t digits = text_size;
    while (digits > 0 && text_size - digits < 2 && text[digits - 1] == '=') digits--;
    if (digits % 4 == 1 || (digits != text_size && text_size % 4 != 0)) return false;
    *size = 0;
    for (size_t i = 0; i < digits; i++) {
        int digit = base64_digit((uint8_t)text[i]);
        if (digit < 0) return false;
        bits = bits << 6 | (uint32_t)digit;
        if (i % 4 > 0) out[(*size)++] = (uint8_t)(bits >> (6 - 2 * (i % 4)));
    }
    return true;
}

bool lm__uuid_parse(const char *text, size_t text_size, uint8_t out[16])
{
    size_t at = 0;
    for (size_t i = 0; i < text_size; i++) {
        uint8_t c = (uint8_t)text[i], lower = c | 0x20;
        if (c == '-' && (i == 8 || i == 13 || i == 18 || i == 23)) continue;
        bool digit = c >= '0' && c <= '9', letter = lower >= 'a' && lower <= 'f';
        if ((!digit && !letter) || at == 32) return false;
        uint8_t value = (uint8_t)(digit ? c - '0' : lower - 'a' + 10);
        out[at / 2] = (uint8_t)(at % 2 ? out[at / 2] | value : value << 4);
        at++;
    }
    return at == 32;
}
