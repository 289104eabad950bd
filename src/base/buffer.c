/* A growing run of bytes with a limit; see buffer.h. */
#include "base/buffer.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/alloc.h"
#include "base/limits.h"

void lm__buffer_init(lm_buffer *buffer, const lm_allocator *allocator, size_t bytes_max)
{
    *buffer = (lm_buffer){
        .allocator = lm__allocator_or_default(allocator),
        .bytes_max = bytes_max ? bytes_max : LM_BUFFER_BYTES_MAX,
    };
}

void lm__buffer_deinit(lm_buffer *buffer)
{
    lm__free(buffer->allocator, buffer->data);
    buffer->data = NULL;
    buffer->size = buffer->capacity = 0;
}

lm_status lm__buffer_grow(lm_buffer *buffer, size_t extra)
{
    if (extra > buffer->bytes_max - buffer->size) return LM_LIMIT;
    size_t needed = buffer->size + extra, capacity = buffer->capacity ? buffer->capacity : 64;
    while (capacity < needed) capacity += capacity / 2 + 64;
    if (capacity > buffer->bytes_max) capacity = buffer->bytes_max;
    uint8_t *data = lm__realloc_array(buffer->allocator, buffer->data, capacity, 1);
    if (!data) return LM_NO_MEMORY;
    buffer->data = data;
    buffer->capacity = capacity;
    return LM_OK;
}

lm_status lm__buffer_printf(lm_buffer *buffer, const char *format, ...)
{
    va_list args, again;
    va_start(args, format);
    va_copy(again, args);
    int length = vsnprintf(NULL, 0, format, args);
    va_end(args);
    lm_status status = length < 0 ? LM_INVALID : lm__buffer_reserve(buffer, (size_t)length + 1);
    if (status == LM_OK) {
        vsnprintf((char *)buffer->data + buffer->size, (size_t)length + 1, format, again);
        buffer->size += (size_t)length;
    }
    va_end(again);
    return status;
}
