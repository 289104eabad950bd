/*
 * Short strings, moved fast: a call of memcpy costs more than the bytes of most strings, so up to
 * LM_SHORT_BYTES are moved by one copy of that many wherever so many may be read. What is written
 * past a string is overwritten by the next one, or is slack.
 */
#ifndef LM_ENCODE_COPY_H
#define LM_ENCODE_COPY_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define LM_SHORT_BYTES 32

/* `limit` is the end of what may be read around `from`. */
static inline void lm__copy_short(uint8_t *to, const uint8_t *from, size_t size,
                                  const uint8_t *limit)
{
    if (__builtin_expect(size <= LM_SHORT_BYTES && (size_t)(limit - from) >= LM_SHORT_BYTES, 1))
        memcpy(to, from, LM_SHORT_BYTES);
    else if (size)
        memcpy(to, from, size);
}

#endif
