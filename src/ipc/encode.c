/* Arrays as nodes and buffers ("RecordBatch message"); see encode.h. */
#include "ipc/encode.h"

#include "base/error.h"

/* View columns that use less than a part of their data buffers are gathered into new ones. */
#define VIEW_WASTE_PART 2
#define VIEW_WASTE_BYTES ((int64_t)64 << 10) /* not looked at below this */

static lm_status refuse_memory(lm_ipc_encoder *e)
{
    return lm__error_memory(e->error, "writing a record batch");
}

static lm_status part_add(lm_ipc_encoder *e, const void *data, size_t size)
{
    lm_ipc_part part = {.data = data, .size = size};
    if (lm__buffer_append(&e->parts, &part, sizeof part) != LM_OK) return refuse_memory(e);
    return LM_OK;
}

static lm_status node_add(lm_ipc_encoder *e, int64_t length, int64_t null_count)
{
    uint8_t node[LM_FB_NODE_BYTES];
    lm__fb_put_i64(node, length);
    lm__fb_put_i64(node + 8, null_count);
    if (lm__buffer_append(&e->nodes, node, sizeof node) != LM_OK) return refuse_memory(e);
    return LM_OK;
}

static lm_status bits_add(lm_ipc_encoder *e, const uint8_t *bits, int64_t offset, int64_t length)
{
    size_t size = ((size_t)length + 7) / 8;
    if (offset % 8 == 0 && length % 8 == 0) return part_add(e, bits + offset / 8, size);
    uint8_t *copy = lm__ipc_hold_alloc(e->hold, size);
    if (!copy) return refuse_memory(e);
    if (size > 0) copy[size - 1] = 0;
    lm__bits_copy(copy, 0, (lm_bits){bits, (size_t)offset}, (size_t)length);
    return part_add(e, copy, size);
}

static lm_status validity_add(lm_ipc_encoder *e, const lm_array *array)
{
    int64_t nulls = lm__array_null_count(array);
    LM_TRY(node_add(e, array->length, nulls));
    if (array->field->type.layout == LM_LAYOUT_NULL) return LM_OK;
    if (nulls == 0) return part_add(e, NULL, 0);
    return bits_add(e, array->validity, array->offset, array->length);
}

/* Entries of `width` bytes; those of null rows are zeros when `clean` is set (invariant 3). */
static lm_status rows_add(lm_ipc_encoder *e, const lm_array *array, size_t width, bool clean)
{
    const uint8_t *rows = (const uint8_t *)array->values + (size_t)array->offset * width;
    size_t size = (size_t)array->length * width;
    if (clean && lm__array_null_count(array) > 0) {
        uint8_t *copy = lm__ipc_hold_alloc(e->hold, size);
        if (!copy) return refuse_memory(e);
        memcpy(copy, rows, size);
        for (int64_t i = 0; i < array->length; i++)
            if (!lm__array_valid(array, i)) memset(copy + (size_t)i * width, 0, width);
        rows = copy;
    }
    return part_add(e, rows, size);
}

static const uint32_t *places_of(const lm_ipc_encoder *e, const lm_array *dictionary)
{
    const lm_ipc_moved *moved = (const lm_ipc_moved *)(const void *)e->moved.data;
    for (size_t i = 0; i < e->moved.size / sizeof *moved; i++)
        if (moved[i].dictionary == dictionary) return moved[i].places;
    return NULL;
}

static lm_status indices_add(lm_ipc_encoder *e, const lm_array *array, size_t width)
{
    const uint32_t *places = places_of(e, array->dictionary);
    size_t size = (size_t)array->length * width;
    if (!places) return rows_add(e, array, width, true);
    uint8_t *copy = lm__ipc_hold_alloc(e->hold, size);
    if (!copy) return refuse_memory(e);
    for (int64_t i = 0; i < array->length; i++) {
        uint64_t place = lm__array_valid(array, i) ? places[lm__array_index(array, i)] : 0;
        memcpy(copy + (size_t)i * width, &place, width); /* little-endian: the low bytes */
    }
    return part_add(e, copy, size);
}

/* Offsets from 0 on, one more than there are rows; the contents they span. */
static lm_status offsets_add(lm_ipc_encoder *e, const lm_array *array, size_t width, int64_t *first,
                             int64_t *last)
{
    size_t count = (size_t)array->length + 1;
    const int32_t *narrow = (const int32_t *)array->offsets + array->offset;
    const int64_t *wide = (const int64_t *)array->offsets + array->offset;
    *first = width == 4 ? narrow[0] : wide[0];
    *last = width == 4 ? narrow[array->length] : wide[array->length];
    if (*first == 0) return part_add(e, width == 4 ? (const void *)narrow : wide, count * width);
    void *copy = lm__ipc_hold_alloc(e->hold, count * width);
    if (!copy) return refuse_memory(e);
    for (size_t i = 0; i < count && width == 4; i++)
        ((int32_t *)copy)[i] = (int32_t)(narrow[i] - *first);
    for (size_t i = 0; i < count && width == 8; i++) ((int64_t *)copy)[i] = wide[i] - *first;
    return part_add(e, copy, count * width);
}

static lm_status binary_add(lm_ipc_encoder *e, const lm_array *array, size_t width)
{
    int64_t first, last;
    LM_TRY(offsets_add(e, array, width, &first, &last));
    return part_add(e, (const uint8_t *)array->values + first, (size_t)(last - first));
}

/* Views. */

static lm_status variadic_add(lm_ipc_encoder *e, int64_t count)
{
    uint8_t bytes[8];
    lm__fb_put_i64(bytes, count);
    if (lm__buffer_append(&e->variadic, bytes, sizeof bytes) != LM_OK) return refuse_memory(e);
    return LM_OK;
}

static const lm_view *view_at(const lm_array *array, int64_t row)
{
    return (const lm_view *)array->values + array->offset + row;
}

/* Whether row's value lies in a data buffer. */
static bool view_is_far(const lm_array *array, int64_t row)
{
    return lm__array_valid(array, row) && view_at(array, row)->size > LM_VIEW_INLINE_MAX;
}

/* Copies what the views use; a new buffer is begun where offsets would not fit 31 bits. */
static lm_status views_gather(lm_ipc_encoder *e, const lm_array *array, int64_t used)
{
    lm_view *views = (void *)lm__ipc_hold_alloc(e->hold, (size_t)array->length * sizeof *views);
    if (!views) return refuse_memory(e);
    LM_TRY(part_add(e, views, (size_t)array->length * sizeof *views));
    uint8_t *buffer = NULL;
    int64_t filled = 0, capacity = 0;
    int32_t count = 0;
    for (int64_t i = 0; i < array->length; i++) {
        views[i] = lm__array_valid(array, i) ? *view_at(array, i) : (lm_view){.size = 0};
        if (views[i].size <= LM_VIEW_INLINE_MAX) continue;
        if (views[i].size > capacity - filled) {
            if (buffer) LM_TRY(part_add(e, buffer, (size_t)filled));
            capacity = used < INT32_MAX ? used : INT32_MAX;
            filled = 0;
            count++;
            buffer = lm__ipc_hold_alloc(e->hold, (size_t)capacity);
            if (!buffer) return refuse_memory(e);
        }
        const uint8_t *from = array->variadic[views[i].buffer];
        memcpy(buffer + filled, from + views[i].offset, (size_t)views[i].size);
        views[i].buffer = count - 1;
        views[i].offset = (int32_t)filled;
        filled += views[i].size;
        used -= views[i].size;
    }
    if (buffer) LM_TRY(part_add(e, buffer, (size_t)filled));
    return variadic_add(e, count);
}

static lm_status views_add(lm_ipc_encoder *e, const lm_array *array)
{
    int64_t held = 0, used = 0;
    for (int32_t i = 0; i < array->n_variadic; i++) held += array->variadic_sizes[i];
    for (int64_t i = 0; i < array->length && held > 0; i++)
        if (view_is_far(array, i)) used += view_at(array, i)->size;
    if (used == 0 || (held > VIEW_WASTE_BYTES && used < held / VIEW_WASTE_PART))
        return views_gather(e, array, used);
    LM_TRY(rows_add(e, array, sizeof(lm_view), true));
    for (int32_t i = 0; i < array->n_variadic; i++)
        LM_TRY(part_add(e, array->variadic[i], (size_t)array->variadic_sizes[i]));
    return variadic_add(e, array->n_variadic);
}

/* Nested arrays. */

static lm_status list_add(lm_ipc_encoder *e, const lm_array *array, size_t width)
{
    int64_t first, last;
    LM_TRY(offsets_add(e, array, width, &first, &last));
    lm_array items = lm__array_child(array, 0);
    return lm__ipc_encode_array(e, &items);
}

/* Offsets and sizes; of the items what lies between the first and the last that is used. */
static lm_status list_view_add(lm_ipc_encoder *e, const lm_array *array, size_t width)
{
    int64_t low = INT64_MAX, high = 0;
    size_t size = (size_t)array->length * width;
    uint8_t *offsets = lm__ipc_hold_alloc(e->hold, size),
            *sizes = lm__ipc_hold_alloc(e->hold, size);
    if (!offsets || !sizes) return refuse_memory(e);
    for (int64_t i = 0; i < array->length; i++) {
        int64_t start, count;
        lm__array_list_range(array, i, &start, &count);
        if (count == 0) continue;
        if (start < low) low = start;
        if (start + count > high) high = start + count;
    }
    if (low > high) low = 0;
    for (int64_t i = 0; i < array->length; i++) {
        int64_t start, count;
        lm__array_list_range(array, i, &start, &count);
        start = count > 0 ? start - low : 0;
        memcpy(offsets + (size_t)i * width, &start, width); /* little-endian: the low bytes */
        memcpy(sizes + (size_t)i * width, &count, width);
    }
    LM_TRY(part_add(e, offsets, size));
    LM_TRY(part_add(e, sizes, size));
    lm_array items = lm__array_slice(&array->children[0], low, high - low);
    return lm__ipc_encode_array(e, &items);
}

/* The runs that the slice touches, the first and the last cut to it. */
static lm_status runs_add(lm_ipc_encoder *e, const lm_array *array)
{
    const lm_array *ends = &array->children[0], *values = &array->children[1];
    size_t width = (size_t)ends->field->type.byte_width;
    int64_t first = 0, count = 0, row = 0;
    while (row < array->length) {
        int64_t run = lm__array_run_find(array, row, &row);
        if (count++ == 0) first = run;
    }
    uint8_t *copy = lm__ipc_hold_alloc(e->hold, (size_t)count * width);
    if (!copy) return refuse_memory(e);
    row = 0;
    for (int64_t i = 0; i < count; i++) {
        (void)lm__array_run_find(array, row, &row);
        memcpy(copy + (size_t)i * width, &row, width);
    }
    LM_TRY(node_add(e, count, 0));
    LM_TRY(part_add(e, NULL, 0));
    LM_TRY(part_add(e, copy, (size_t)count * width));
    lm_array used = lm__array_slice(values, first, count);
    return lm__ipc_encode_array(e, &used);
}

lm_status lm__ipc_encode_array(lm_ipc_encoder *e, const lm_array *array)
{
    const lm_type *type = &array->field->type;
    if (type->layout == LM_LAYOUT_RUN_END) {
        LM_TRY(node_add(e, array->length, 0));
        return runs_add(e, array);
    }
    LM_TRY(validity_add(e, array));
    switch (type->layout) {
    case LM_LAYOUT_BITS: return bits_add(e, array->values, array->offset, array->length);
    case LM_LAYOUT_FIXED:
        return type->id == LM_TYPE_DICTIONARY ? indices_add(e, array, (size_t)type->byte_width)
                                              : rows_add(e, array, (size_t)type->byte_width, false);
    case LM_LAYOUT_BINARY: return binary_add(e, array, 4);
    case LM_LAYOUT_LARGE_BINARY: return binary_add(e, array, 8);
    case LM_LAYOUT_VIEW: return views_add(e, array);
    case LM_LAYOUT_LIST: return list_add(e, array, 4);
    case LM_LAYOUT_LARGE_LIST: return list_add(e, array, 8);
    case LM_LAYOUT_LIST_VIEW: return list_view_add(e, array, 4);
    case LM_LAYOUT_LARGE_LIST_VIEW: return list_view_add(e, array, 8);
    case LM_LAYOUT_FIXED_LIST:
    case LM_LAYOUT_STRUCT:
        for (int32_t i = 0; i < array->n_children; i++) {
            lm_array child = lm__array_child(array, i);
            LM_TRY(lm__ipc_encode_array(e, &child));
        }
        return LM_OK;
    case LM_LAYOUT_NULL: return LM_OK;
    case LM_LAYOUT_RUN_END:
    case LM_LAYOUT_UNION: break;
    }
    return lm__error_set(e->error, LM_UNSUPPORTED, "%s cannot be written", lm__type_name(type->id));
}
