/* Growing columns; see build.h for the invariants. build_rows.c copies from arrays, build_take.c
 * makes arrays of what was built. */
#include "arrow/build.h"

#include "base/alloc.h"
#include "base/error.h"
#include "base/limits.h"

/* More than this, and the data buffer of views is full. */
#define VIEW_BUFFER_BYTES ((size_t)1 << 30)

static bool growing_reserve(const lm_allocator *allocator, lm_growing *g, size_t more)
{
    if (g->capacity - g->size >= more) return true;
    size_t needed;
    return !__builtin_add_overflow(g->size, more, &needed) &&
           lm__array_room(allocator, &g->data, &g->capacity, needed, 1);
}

static bool is_large(lm_layout layout)
{
    return layout == LM_LAYOUT_LARGE_BINARY || layout == LM_LAYOUT_LARGE_LIST ||
           layout == LM_LAYOUT_LARGE_LIST_VIEW;
}

lm_status lm__builder_init(lm_builder *builder, const lm_allocator *allocator,
                           const lm_field *field, lm_error *error)
{
    *builder = (lm_builder){.field = field, .allocator = lm__allocator_or_default(allocator)};
    size_t count = (size_t)field->n_children + !!field->dictionary;
    if (count == 0) return LM_OK;
    builder->children = lm__alloc_array(allocator, count, sizeof *builder->children);
    if (!builder->children) return lm__error_memory(error, "making a builder");
    memset(builder->children, 0, count * sizeof *builder->children);
    lm_status status = LM_OK;
    for (int32_t i = 0; status == LM_OK && i < field->n_children; i++) {
        status = lm__builder_init(&builder->children[i], allocator, &field->children[i], error);
        builder->n_children = i + 1;
    }
    if (status == LM_OK && field->dictionary) {
        builder->dictionary = &builder->children[field->n_children];
        status = lm__builder_init(builder->dictionary, allocator, field->dictionary, error);
    }
    if (status != LM_OK) lm__builder_deinit(builder);
    return status;
}

static void full_free(lm_builder *builder)
{
    for (int32_t i = 0; i < builder->n_full; i++)
        lm__free(builder->allocator, builder->full[i].data);
    lm__free(builder->allocator, builder->full);
    builder->full = NULL;
    builder->n_full = 0;
}

void lm__builder_deinit(lm_builder *builder)
{
    for (int32_t i = 0; i < builder->n_children; i++) lm__builder_deinit(&builder->children[i]);
    if (builder->dictionary) lm__builder_deinit(builder->dictionary);
    lm__free(builder->allocator, builder->children);
    lm__free(builder->allocator, builder->validity);
    lm__free(builder->allocator, builder->values.data);
    lm__free(builder->allocator, builder->offsets.data);
    lm__free(builder->allocator, builder->sizes.data);
    lm__free(builder->allocator, builder->bytes.data);
    full_free(builder);
    *builder = (lm_builder){0};
}

void lm__builder_reset(lm_builder *builder)
{
    for (int32_t i = 0; i < builder->n_children; i++) lm__builder_reset(&builder->children[i]);
    if (builder->dictionary) lm__builder_reset(builder->dictionary);
    lm__free(builder->allocator, builder->validity);
    full_free(builder);
    builder->validity = NULL;
    builder->length = builder->null_count = 0;
    builder->values.size = builder->sizes.size = builder->bytes.size = 0;
    builder->offsets.size = builder->offsets.size && !lm__is_list_view(builder->field->type.layout)
                                ? lm__offset_width(builder->field->type.layout)
                                : 0;
}

lm_status lm__builder_grow(lm_builder *builder, int64_t rows)
{
    const lm_allocator *allocator = builder->allocator;
    const lm_type *type = &builder->field->type;
    int64_t target;
    if (__builtin_add_overflow(builder->length, rows, &target) || target > LM_ARROW_ROWS_MAX)
        return LM_LIMIT;
    int64_t capacity = builder->capacity + builder->capacity / 2 + 64;
    if (capacity < target) capacity = target;
    size_t count = (size_t)capacity, more;
    if (builder->validity) {
        uint8_t *bits = lm__realloc_array(allocator, builder->validity, count / 8 + 1, 1);
        if (!bits) return LM_NO_MEMORY;
        builder->validity = bits;
    }
    size_t width = type->layout == LM_LAYOUT_VIEW    ? sizeof(lm_view)
                   : type->layout == LM_LAYOUT_FIXED ? (size_t)type->byte_width
                                                     : 0;
    if (__builtin_mul_overflow(count, width, &more)) return LM_NO_MEMORY;
    if (type->layout == LM_LAYOUT_BITS) more = count / 8 + 1;
    if (more && !growing_reserve(allocator, &builder->values, more - builder->values.size))
        return LM_NO_MEMORY;
    size_t offset = lm__offset_width(type->layout);
    if (offset) {
        more = (count + 1) * offset - builder->offsets.size;
        if (!growing_reserve(allocator, &builder->offsets, more)) return LM_NO_MEMORY;
        if (builder->offsets.size == 0 && !lm__is_list_view(type->layout)) {
            memset(builder->offsets.data, 0, offset);
            builder->offsets.size = offset;
        }
    }
    if (lm__is_list_view(type->layout) &&
        !growing_reserve(allocator, &builder->sizes, count * offset - builder->sizes.size))
        return LM_NO_MEMORY;
    builder->capacity = capacity;
    return LM_OK;
}

lm_status lm__builder_reserve_bytes(lm_builder *builder, size_t bytes)
{
    return growing_reserve(builder->allocator, &builder->bytes, bytes) ? LM_OK : LM_NO_MEMORY;
}

void lm__build_int(lm_builder *builder, int64_t value)
{
    size_t width = (size_t)builder->field->type.byte_width; /* little-endian: the low bytes first */
    memcpy(builder->values.data + builder->values.size, &value, width);
    builder->values.size += width;
    lm__build_valid(builder);
}

/* Appends to offsets (or, of list views, to whichever is given). */
static void put_offset(lm_builder *builder, lm_growing *to, int64_t value)
{
    size_t width = lm__offset_width(builder->field->type.layout);
    memcpy(to->data + to->size, &value, width);
    to->size += width;
}

lm_status lm__builder_turn_page(lm_builder *builder)
{
    lm_growing *full = lm__realloc_array(builder->allocator, builder->full,
                                         (size_t)builder->n_full + 1, sizeof *full);
    if (!full) return LM_NO_MEMORY;
    full[builder->n_full++] = builder->bytes;
    builder->full = full;
    builder->bytes = (lm_growing){0};
    return LM_OK;
}

static lm_status build_view(lm_builder *builder, const void *data, size_t size)
{
    int32_t offset = 0;
    if (size > INT32_MAX) return LM_LIMIT;
    if (size > LM_VIEW_INLINE_MAX) {
        if (builder->bytes.size > 0 && builder->bytes.size + size > VIEW_BUFFER_BYTES)
            LM_TRY(lm__builder_turn_page(builder));
        LM_TRY(lm__builder_reserve_bytes(builder, size));
        offset = (int32_t)builder->bytes.size;
        memcpy(builder->bytes.data + builder->bytes.size, data, size);
        builder->bytes.size += size;
    }
    const lm_view view = lm__view_of(data, size, builder->n_full, offset);
    memcpy(builder->values.data + builder->values.size, &view, sizeof view);
    builder->values.size += sizeof view;
    lm__build_valid(builder);
    return LM_OK;
}

lm_status lm__build_bytes(lm_builder *builder, const void *data, size_t size)
{
    LM_TRY(lm__builder_reserve(builder, 1));
    lm_layout layout = builder->field->type.layout;
    if (layout == LM_LAYOUT_VIEW) return build_view(builder, data, size);
    if (layout == LM_LAYOUT_FIXED) {
        if (size != (size_t)builder->field->type.byte_width) return LM_INVALID;
        lm__build_fixed(builder, data);
        return LM_OK;
    }
    if (layout == LM_LAYOUT_BINARY && size > INT32_MAX - builder->bytes.size) return LM_LIMIT;
    LM_TRY(lm__builder_reserve_bytes(builder, size));
    if (size) memcpy(builder->bytes.data + builder->bytes.size, data, size);
    builder->bytes.size += size;
    put_offset(builder, &builder->offsets, (int64_t)builder->bytes.size);
    lm__build_valid(builder);
    return LM_OK;
}

lm_status lm__builder_validity(lm_builder *builder)
{
    if (builder->validity) return LM_OK;
    builder->validity = lm__alloc(builder->allocator, (size_t)builder->capacity / 8 + 1);
    if (!builder->validity) return LM_NO_MEMORY;
    lm__bits_fill(builder->validity, 0, (size_t)builder->length, true);
    return LM_OK;
}

/* What stands in the buffers where a row is null: zeroes, no bytes, no items. */
static void put_nothing(lm_builder *builder, int64_t rows)
{
    const lm_type *type = &builder->field->type;
    size_t width = type->layout == LM_LAYOUT_VIEW ? sizeof(lm_view) : (size_t)type->byte_width;
    size_t bytes = (size_t)rows * width;
    switch (type->layout) {
    case LM_LAYOUT_BITS:
        bytes = (size_t)(builder->length + rows + 7) / 8 - builder->values.size;
        /* fall through */
    case LM_LAYOUT_FIXED:
    case LM_LAYOUT_VIEW:
        if (bytes) memset(builder->values.data + builder->values.size, 0, bytes);
        builder->values.size += bytes;
        break;
    case LM_LAYOUT_BINARY:
    case LM_LAYOUT_LARGE_BINARY:
        for (int64_t i = 0; i < rows; i++)
            put_offset(builder, &builder->offsets, (int64_t)builder->bytes.size);
        break;
    case LM_LAYOUT_LIST:
    case LM_LAYOUT_LARGE_LIST:
        for (int64_t i = 0; i < rows; i++)
            put_offset(builder, &builder->offsets, builder->children[0].length);
        break;
    case LM_LAYOUT_LIST_VIEW:
    case LM_LAYOUT_LARGE_LIST_VIEW:
        for (int64_t i = 0; i < rows; i++) {
            put_offset(builder, &builder->offsets, builder->children[0].length);
            put_offset(builder, &builder->sizes, 0);
        }
        break;
    default: break;
    }
}

/* A null of a run-end array is a run of its own. */
static lm_status build_null_run(lm_builder *builder, int64_t rows)
{
    lm_builder *ends = &builder->children[0];
    int64_t end = builder->length + rows;
    if (ends->field->type.byte_width < 8 &&
        end >> (8 * ends->field->type.byte_width - 1)) /* past the greatest run end */
        return LM_LIMIT;
    LM_TRY(lm__builder_reserve(ends, 1));
    LM_TRY(lm__build_nulls(&builder->children[1], 1));
    lm__build_int(ends, end);
    builder->length = end;
    return LM_OK;
}

lm_status lm__build_nulls(lm_builder *builder, int64_t rows)
{
    if (rows <= 0) return LM_OK;
    lm_layout layout = builder->field->type.layout;
    LM_TRY(lm__builder_reserve(builder, rows));
    if (layout == LM_LAYOUT_RUN_END) return build_null_run(builder, rows);
    if (layout == LM_LAYOUT_NULL) {
        builder->length += rows;
        builder->null_count += rows;
        return LM_OK;
    }
    LM_TRY(lm__builder_validity(builder));
    if (layout == LM_LAYOUT_STRUCT)
        for (int32_t i = 0; i < builder->n_children; i++)
            LM_TRY(lm__build_nulls(&builder->children[i], rows));
    if (layout == LM_LAYOUT_FIXED_LIST) {
        int64_t items;
        if (__builtin_mul_overflow(rows, (int64_t)builder->field->type.list_size, &items))
            return LM_LIMIT;
        LM_TRY(lm__build_nulls(&builder->children[0], items));
    }
    put_nothing(builder, rows);
    lm__bits_fill(builder->validity, (size_t)builder->length, (size_t)rows, false);
    builder->length += rows;
    builder->null_count += rows;
    return LM_OK;
}

lm_status lm__build_null(lm_builder *builder) { return lm__build_nulls(builder, 1); }

static int64_t last_offset(const lm_builder *builder)
{
    const lm_growing *offsets = &builder->offsets;
    if (is_large(builder->field->type.layout)) {
        int64_t last;
        memcpy(&last, offsets->data + offsets->size - sizeof last, sizeof last);
        return last;
    }
    int32_t last;
    memcpy(&last, offsets->data + offsets->size - sizeof last, sizeof last);
    return last;
}

lm_status lm__build_list_end(lm_builder *builder)
{
    LM_TRY(lm__builder_reserve(builder, 1));
    lm_layout layout = builder->field->type.layout;
    int64_t items = builder->children[0].length;
    if (layout == LM_LAYOUT_FIXED_LIST) {
        if (items != (builder->length + 1) * builder->field->type.list_size) return LM_INVALID;
        lm__build_valid(builder);
        return LM_OK;
    }
    if (!is_large(layout) && items > INT32_MAX) return LM_LIMIT;
    if (lm__is_list_view(layout)) {
        int64_t start = 0;
        if (builder->length > 0) {
            lm_growing *sizes = &builder->sizes;
            int64_t size = 0;
            size_t width = lm__offset_width(layout);
            memcpy(&size, sizes->data + sizes->size - width, width);
            start = last_offset(builder) + size;
        }
        put_offset(builder, &builder->offsets, start);
        put_offset(builder, &builder->sizes, items - start);
    } else {
        put_offset(builder, &builder->offsets, items);
    }
    lm__build_valid(builder);
    return LM_OK;
}

lm_status lm__build_struct_end(lm_builder *builder)
{
    LM_TRY(lm__builder_reserve(builder, 1));
    lm__build_valid(builder);
    return LM_OK;
}
