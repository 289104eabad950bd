/* Byte strings in any layout that Arrow has: views of memory that the caller holds. */
#ifndef LM_BASE_STRINGS_H
#define LM_BASE_STRINGS_H

#include "base/bits.h"

/*
 * `count` byte strings of one column, whichever way Arrow holds them. Element i of
 *   OFFSETS32, OFFSETS64: data[offsets[i], offsets[i + 1])
 *   VIEWS: the 16-byte view i, whose long form points into buffers[]
 *   FIXED: data[i * width, (i + 1) * width)
 */
typedef enum lm_strings_kind {
    LM_STRINGS_OFFSETS32,
    LM_STRINGS_OFFSETS64,
    LM_STRINGS_VIEWS,
    LM_STRINGS_FIXED,
} lm_strings_kind;

typedef struct lm_strings {
    lm_strings_kind kind;
    uint32_t width;                /* FIXED only */
    const void *offsets;           /* int32_t *, int64_t * or the views */
    const uint8_t *data;           /* not for VIEWS; not NULL, even where all are empty */
    const uint8_t *const *buffers; /* VIEWS only */
} lm_strings;

/* The same column from element `count` on. */
static inline lm_strings lm__strings_skip(lm_strings strings, size_t count)
{
    switch (strings.kind) {
    case LM_STRINGS_OFFSETS32: strings.offsets = (const int32_t *)strings.offsets + count; break;
    case LM_STRINGS_OFFSETS64: strings.offsets = (const int64_t *)strings.offsets + count; break;
    case LM_STRINGS_VIEWS: strings.offsets = (const uint8_t *)strings.offsets + 16 * count; break;
    case LM_STRINGS_FIXED: strings.data += (size_t)strings.width * count; break;
    }
    return strings;
}

typedef struct lm_slice {
    const uint8_t *data;
    size_t size;
} lm_slice;

static inline lm_slice lm__strings_get(const lm_strings *strings, size_t i)
{
    switch (strings->kind) {
    case LM_STRINGS_OFFSETS32: {
        const int32_t *at = (const int32_t *)strings->offsets + i;
        return (lm_slice){strings->data + at[0], (size_t)(at[1] - at[0])};
    }
    case LM_STRINGS_OFFSETS64: {
        const int64_t *at = (const int64_t *)strings->offsets + i;
        return (lm_slice){strings->data + at[0], (size_t)(at[1] - at[0])};
    }
    case LM_STRINGS_VIEWS: {
        const uint8_t *view = (const uint8_t *)strings->offsets + 16 * i;
        uint32_t size = lm__load32(view);
        if (size <= 12) return (lm_slice){view + 4, size};
        return (lm_slice){strings->buffers[lm__load32(view + 8)] + lm__load32(view + 12), size};
    }
    default: return (lm_slice){strings->data + i * strings->width, strings->width};
    }
}

/* The end of what may be read around the first `count` strings; NULL for views, whose buffers'
 * sizes are not known. */
static inline const uint8_t *lm__strings_limit(const lm_strings *strings, size_t count)
{
    switch (strings->kind) {
    case LM_STRINGS_OFFSETS32: return strings->data + ((const int32_t *)strings->offsets)[count];
    case LM_STRINGS_OFFSETS64: return strings->data + ((const int64_t *)strings->offsets)[count];
    case LM_STRINGS_FIXED: return strings->data + strings->width * count;
    default: return NULL;
    }
}

#endif
