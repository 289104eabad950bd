/*
 * A growing run of bytes with a limit.
 *
 * Invariants
 *  1. size <= capacity <= bytes_max.
 *  2. A failed append leaves the contents as they were.
 */
#ifndef LM_BASE_BUFFER_H
#define LM_BASE_BUFFER_H

#include <string.h>

#include <lamella/base.h>

typedef struct lm_buffer {
    const lm_allocator *allocator;
    uint8_t *data;
    size_t size, capacity, bytes_max;
} lm_buffer;

/* bytes_max 0 means LM_BUFFER_BYTES_MAX. */
void lm__buffer_init(lm_buffer *buffer, const lm_allocator *allocator, size_t bytes_max);
void lm__buffer_deinit(lm_buffer *buffer);

/* Makes room for `extra` more bytes. LM_NO_MEMORY or LM_LIMIT; no message is needed of it: callers
 * know what they were building and say so. */
LM_MUST_USE lm_status lm__buffer_grow(lm_buffer *buffer, size_t extra);

static inline void lm__buffer_clear(lm_buffer *buffer) { buffer->size = 0; }

LM_MUST_USE static inline lm_status lm__buffer_reserve(lm_buffer *buffer, size_t extra)
{
    if (__builtin_expect(buffer->capacity - buffer->size >= extra, 1)) return LM_OK;
    return lm__buffer_grow(buffer, extra);
}

LM_MUST_USE static inline lm_status lm__buffer_append(lm_buffer *buffer, const void *data,
                                                      size_t size)
{
    lm_status status = lm__buffer_reserve(buffer, size);
    if (status != LM_OK) return status;
    if (size) memcpy(buffer->data + buffer->size, data, size);
    buffer->size += size;
    return LM_OK;
}

LM_MUST_USE static inline lm_status lm__buffer_byte(lm_buffer *buffer, uint8_t byte)
{
    lm_status status = lm__buffer_reserve(buffer, 1);
    if (status != LM_OK) return status;
    buffer->data[buffer->size++] = byte;
    return LM_OK;
}

LM_MUST_USE static inline lm_status lm__buffer_text(lm_buffer *buffer, const char *text)
{
    return lm__buffer_append(buffer, text, strlen(text));
}

LM_MUST_USE lm_status lm__buffer_printf(lm_buffer *buffer, const char *format, ...) LM_PRINTF(2, 3);

#endif
