/* UTF-8, checked (RFC 3629: no surrogates, nothing over-long, nothing past U+10FFFF). */
#ifndef LM_BASE_UTF8_H
#define LM_BASE_UTF8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The offset of the first byte that is not part of valid UTF-8; `size` when all is well. */
size_t lm__utf8_valid_prefix(const void *text, size_t size);
/* The same question with a yes or no, several times faster on long text that is not ASCII. */
bool lm__utf8_valid(const void *text, size_t size);
/* Length in bytes (1 to 4) of the valid sequence at the start of `text`, or 0. */
size_t lm__utf8_sequence(const uint8_t *text, size_t size);

#endif
