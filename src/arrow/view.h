/*
 * Views of arrays: where the values of a column lie. A view owns nothing; the batch that it came
 * from (batch.h) does.
 *
 * A view is a slice (offset, length) of buffers, and copying the struct copies the slice. Row i of
 * a view, 0 <= i < length, is entry offset + i of validity, values, offsets and sizes.
 *
 * Invariants
 *  1. 0 <= offset, 0 <= length, and offset + length fits; null_count is exact or -1.
 *  2. validity is NULL where null_count is 0 (lm__array_valid knows the null type).
 *  3. Values and offsets are aligned to their width (8 at most): an import copies what is not.
 *  4. `children` and `dictionary` are whole, as the parent has them: lm__array_child gives the part
 *     that the parent's slice covers. They are shared by all the slices.
 *  5. Of an array that was validated in full (batch.h), what its slice refers to is sound: offsets,
 *     sizes and run ends lie within what they point to, in null rows too; views and dictionary
 *     indices do in rows that are not null, and say nothing in null rows.
 *  6. offsets[offset] can be read where length is 0 too.
 */
#ifndef LM_ARROW_VIEW_H
#define LM_ARROW_VIEW_H

#include <string.h>

#include "arrow/schema.h"
#include "base/bits.h"

typedef struct lm_array lm_array;
struct lm_array {
    const lm_field *field;
    int64_t length, offset;
    int64_t null_count; /* of this slice, by the bitmap; -1 unknown */
    const uint8_t *validity;
    const void *values;  /* fixed: values; bool: bits; binary: bytes; view: 16-byte views */
    const void *offsets; /* binary, list, list view: int32 or int64 by layout; never NULL where
                            length > 0 */
    const void *sizes;   /* list view */
    const void *const *variadic; /* views: data buffers and their sizes */
    const int64_t *variadic_sizes;
    int32_t n_variadic;
    int32_t n_children;
    const lm_array *children;
    const lm_array *dictionary;
};

/* The 16 bytes of a utf8_view or binary_view: up to 12 bytes lie within, longer ones in a buffer.
 */
typedef struct lm_view {
    int32_t size;
    union {
        uint8_t inlined[12];
        struct {
            uint8_t prefix[4];
            int32_t buffer, offset;
        };
    };
} lm_view;
_Static_assert(sizeof(lm_view) == 16, "a view has 16 bytes");
#define LM_VIEW_INLINE_MAX 12

/* Of bytes that lie at `offset` of that buffer, which counts for long ones only; the spare bytes
 * are zero. */
static inline lm_view lm__view_of(const void *data, size_t size, int32_t buffer, int32_t offset)
{
    lm_view view = {.size = (int32_t)size};
    if (size > LM_VIEW_INLINE_MAX) {
        memcpy(view.prefix, data, sizeof view.prefix);
        view.buffer = buffer;
        view.offset = offset;
    } else if (size) {
        memcpy(view.inlined, data, size);
    }
    return view;
}

static inline bool lm__bit_get(const uint8_t *bits, int64_t at)
{
    return bits[at >> 3] >> (at & 7) & 1;
}
static inline void lm__bit_set(uint8_t *bits, int64_t at)
{
    bits[at >> 3] = (uint8_t)(bits[at >> 3] | 1u << (at & 7));
}
static inline void lm__bit_clear(uint8_t *bits, int64_t at)
{
    bits[at >> 3] = (uint8_t)(bits[at >> 3] & ~(1u << (at & 7)));
}
/* The slice's validity, from row 0 on. */
static inline lm_bits lm__array_bits(const lm_array *array)
{
    return (lm_bits){array->validity, (size_t)array->offset};
}

/* By the bitmap (and the null type): a valid dictionary index may still point to a null, and a
 * run-end array has its nulls in the values. */
static inline bool lm__array_valid(const lm_array *array, int64_t row)
{
    if (array->validity) return lm__bit_get(array->validity, array->offset + row);
    return array->field->type.id != LM_TYPE_NULL;
}
/* Counts when it is not known. */
int64_t lm__array_null_count(const lm_array *array);
/* As the reader means it: through dictionaries and run ends. Slow for run ends (a search). */
bool lm__array_valid_logical(const lm_array *array, int64_t row);

/* Rows [start, start + length) of it; the caller has checked the range. */
static inline lm_array lm__array_slice(const lm_array *array, int64_t start, int64_t length)
{
    lm_array slice = *array;
    slice.offset += start;
    slice.length = length;
    if (length != array->length && array->null_count != 0)
        slice.null_count = array->null_count == array->length ? length : -1;
    return slice;
}

/* The part of a child that the parent's slice covers: of a struct its rows, of a fixed list its
 * items, of list, large list and map the items from the first row's to the last row's (so row r's
 * items start at offsets[offset + r] - offsets[offset] in it). Of list views and run ends all. */
lm_array lm__array_child(const lm_array *parent, int32_t child);

/* Where a slice's contents begin and end in `values` or the child: of binary, large_binary, list,
 * large_list and map. */
static inline void lm__array_span(const lm_array *array, int64_t *first, int64_t *last)
{
    int64_t end = array->offset + array->length;
    lm_layout layout = array->field->type.layout;
    if (layout == LM_LAYOUT_BINARY || layout == LM_LAYOUT_LIST) {
        *first = ((const int32_t *)array->offsets)[array->offset];
        *last = ((const int32_t *)array->offsets)[end];
    } else {
        *first = ((const int64_t *)array->offsets)[array->offset];
        *last = ((const int64_t *)array->offsets)[end];
    }
}

/* Row r's items, of any kind of list and of maps, as a range of children[0] (whole, invariant 4). A
 * null row may have items. */
static inline void lm__array_list_range(const lm_array *list, int64_t row, int64_t *start,
                                        int64_t *size)
{
    int64_t at = list->offset + row;
    switch (list->field->type.layout) {
    case LM_LAYOUT_LIST: {
        const int32_t *offsets = list->offsets;
        *start = offsets[at];
        *size = (int64_t)offsets[at + 1] - offsets[at];
        return;
    }
    case LM_LAYOUT_LARGE_LIST: {
        const int64_t *offsets = list->offsets;
        *start = offsets[at];
        *size = offsets[at + 1] - offsets[at];
        return;
    }
    case LM_LAYOUT_LIST_VIEW:
        *start = ((const int32_t *)list->offsets)[at];
        *size = ((const int32_t *)list->sizes)[at];
        return;
    case LM_LAYOUT_LARGE_LIST_VIEW:
        *start = ((const int64_t *)list->offsets)[at];
        *size = ((const int64_t *)list->sizes)[at];
        return;
    default: /* a fixed list */ *size = list->field->type.list_size; *start = at * *size;
    }
}

/* The bytes of a value of any text or binary type, fixed_binary too. Do not ask for null rows. */
static inline const uint8_t *lm__array_bytes(const lm_array *array, int64_t row, size_t *size)
{
    int64_t at = array->offset + row;
    switch (array->field->type.layout) {
    case LM_LAYOUT_BINARY: {
        const int32_t *offsets = array->offsets;
        *size = (size_t)(offsets[at + 1] - offsets[at]);
        return (const uint8_t *)array->values + offsets[at];
    }
    case LM_LAYOUT_LARGE_BINARY: {
        const int64_t *offsets = array->offsets;
        *size = (size_t)(offsets[at + 1] - offsets[at]);
        return (const uint8_t *)array->values + offsets[at];
    }
    case LM_LAYOUT_VIEW: {
        const lm_view *view = (const lm_view *)array->values + at;
        *size = (size_t)view->size;
        if (view->size <= LM_VIEW_INLINE_MAX) return view->inlined;
        return (const uint8_t *)array->variadic[view->buffer] + view->offset;
    }
    default: /* fixed */
        *size = (size_t)array->field->type.byte_width;
        return (const uint8_t *)array->values + at * array->field->type.byte_width;
    }
}

/* Where row 0's value of a FIXED layout lies; the rows follow without gaps. */
static inline const void *lm__array_fixed(const lm_array *array)
{
    return (const uint8_t *)array->values + array->offset * array->field->type.byte_width;
}

/* A dictionary's index, of any index type; meaningless for a null row. */
static inline int64_t lm__array_index(const lm_array *array, int64_t row)
{
    int64_t at = array->offset + row;
    switch (array->field->type.index_id) {
    case LM_TYPE_INT8: return ((const int8_t *)array->values)[at];
    case LM_TYPE_UINT8: return ((const uint8_t *)array->values)[at];
    case LM_TYPE_INT16: return ((const int16_t *)array->values)[at];
    case LM_TYPE_UINT16: return ((const uint16_t *)array->values)[at];
    case LM_TYPE_INT32: return ((const int32_t *)array->values)[at];
    case LM_TYPE_UINT32: return ((const uint32_t *)array->values)[at];
    default: return ((const int64_t *)array->values)[at]; /* validated to fit int64 */
    }
}

/* Run ends: the number (in children[1]) of the run that holds the row; *run_end, when it is not
 * NULL, gets the first row after that run, at most length. A binary search: walk with it from run
 * to run. */
int64_t lm__array_run_find(const lm_array *array, int64_t row, int64_t *run_end);

#endif
