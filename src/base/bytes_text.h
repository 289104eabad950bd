/* Bytes as text and back: hex digits, base64 (RFC 4648), UUIDs (RFC 9562). Printing returns the end
 * of what was written, and writes no NUL. */
#ifndef LM_BASE_BYTES_TEXT_H
#define LM_BASE_BYTES_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LM_UUID_TEXT_BYTES 36
#define LM_BASE64_TEXT_BYTES(size) (((size) + 2) / 3 * 4)

/* The value of a hexadecimal digit of either case, -1 where it is none. */
static inline int lm__hex_digit(int c)
{
    if (c >= '0' && c <= '9') return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Two lower-case digits a byte. */
char *lm__hex_text(char *to, const uint8_t *bytes, size_t size);
/* LM_BASE64_TEXT_BYTES, with padding. */
char *lm__base64_text(char *to, const uint8_t *bytes, size_t size);
/* "01234567-89ab-cdef-0123-456789abcdef" */
char *lm__uuid_text(char *to, const uint8_t bytes[16]);

/* Both alphabets, with padding or without; false when it is no base64. `out` has room for
 * text_size / 4 * 3 + 3 bytes. */
bool lm__base64_parse(const char *text, size_t text_size, uint8_t *out, size_t *size);
/* 32 digits, in groups or not. */
bool lm__uuid_parse(const char *text, size_t text_size, uint8_t out[16]);

#endif
