/*
 * Growing columns: what readers of rows (CSV, JSON lines) and casts put values into. A reader that
 * has whole buffers needs no builder: it makes a batch (lm__batch_new), gives it the buffers
 * (lm__batch_own_take) and fills in the views.
 *
 * A builder stands for a field and has builders for its children. Two ways to append:
 *   - reserve first, then the inline calls, which check nothing: lm__build_i32 and the like;
 *   - calls that return a status, which make room themselves: bytes, nulls, lists.
 * Rows of nested types are appended from below: the items first, then lm__build_list_end.
 *
 * Invariants
 *  1. A bitmap exists only from the first null on.
 *  2. What a failed call leaves is what was there before it, save rows in children that no parent's
 *     row refers to; the only use for it then is lm__builder_reset or _free.
 *  3. lm__builder_finish checks that the columns, and the children of structs, are equally long.
 */
#ifndef LM_ARROW_BUILD_H
#define LM_ARROW_BUILD_H

#include "arrow/batch.h"

typedef struct lm_growing {
    uint8_t *data;
    size_t size, capacity; /* bytes */
} lm_growing;

typedef struct lm_builder lm_builder;
struct lm_builder {
    const lm_field *field;
    const lm_allocator *allocator;
    int64_t length, null_count;
    int64_t capacity; /* rows that may be appended unchecked, in all */
    uint8_t *validity;
    lm_growing values;  /* fixed: values; bool: bits; views: views */
    lm_growing offsets; /* binary, lists: one more than rows; list views: one a row */
    lm_growing sizes;   /* list views */
    lm_growing bytes;   /* binary: contents; views: the current data buffer */
    lm_growing *full;   /* views: data buffers that came before */
    int32_t n_full;
    int32_t n_children;
    lm_builder *children;
    lm_builder *dictionary;
    const lm_array *dictionary_from; /* lm__build_rows: whose values came last, */
    int64_t dictionary_base;         /* and where they begin */
};

/* Takes nothing: the field must outlive the builder. */
LM_MUST_USE lm_status lm__builder_init(lm_builder *builder, const lm_allocator *allocator,
                                       const lm_field *field, lm_error *error);
void lm__builder_deinit(lm_builder *builder);
/* Drops the rows and keeps the memory. */
void lm__builder_reset(lm_builder *builder);

/* Room for that many more rows of this builder's own buffers (children's are theirs). No message:
 * LM_NO_MEMORY, or LM_LIMIT past LM_ARROW_ROWS_MAX. */
LM_MUST_USE lm_status lm__builder_grow(lm_builder *builder, int64_t rows);
static inline lm_status lm__builder_reserve(lm_builder *builder, int64_t rows)
{
    if (__builtin_expect(builder->capacity - builder->length >= rows, 1)) return LM_OK;
    return lm__builder_grow(builder, rows);
}
/* Room for contents of text and binary. */
LM_MUST_USE lm_status lm__builder_reserve_bytes(lm_builder *builder, size_t bytes);

/* Unchecked appends, after a reserve. */
static inline void lm__build_valid(lm_builder *builder)
{
    if (builder->validity) lm__bit_set(builder->validity, builder->length);
    builder->length++;
}
#define LM_BUILD_FIXED(name, type)                                                                 \
    static inline void lm__build_##name(lm_builder *builder, type value)                           \
    {                                                                                              \
        memcpy(builder->values.data + builder->values.size, &value, sizeof value);                 \
        builder->values.size += sizeof value;                                                      \
        lm__build_valid(builder);                                                                  \
    }
LM_BUILD_FIXED(i8, int8_t)
LM_BUILD_FIXED(i16, int16_t)
LM_BUILD_FIXED(i32, int32_t)
LM_BUILD_FIXED(i64, int64_t)
LM_BUILD_FIXED(f32, float)
LM_BUILD_FIXED(f64, double)
#undef LM_BUILD_FIXED
/* byte_width bytes: decimals, fixed_binary, anything of the FIXED layout. */
static inline void lm__build_fixed(lm_builder *builder, const void *value)
{
    size_t width = (size_t)builder->field->type.byte_width;
    memcpy(builder->values.data + builder->values.size, value, width);
    builder->values.size += width;
    lm__build_valid(builder);
}
static inline void lm__build_bool(lm_builder *builder, bool value)
{
    int64_t at = builder->length;
    if (at % 8 == 0) builder->values.data[builder->values.size++] = 0;
    if (value)
        lm__bit_set(builder->values.data, at);
    else
        lm__bit_clear(builder->values.data, at);
    lm__build_valid(builder);
}
/* The low bytes of an integer, as wide as the type is: integers, times, dictionary indices. */
void lm__build_int(lm_builder *builder, int64_t value);

/* Calls that make room themselves. LM_LIMIT when 32-bit offsets run over. */
LM_MUST_USE lm_status lm__build_bytes(lm_builder *builder, const void *data, size_t size);
/* Makes the bitmap, where there is none yet, with all rows so far valid. */
LM_MUST_USE lm_status lm__builder_validity(lm_builder *builder);
/* A null of any type; structs and fixed lists append to their children too. */
LM_MUST_USE lm_status lm__build_null(lm_builder *builder);
LM_MUST_USE lm_status lm__build_nulls(lm_builder *builder, int64_t rows);
/* A row of a list or map: the items that children[0] got since the last one. Of a fixed list they
 * must be list_size. */
LM_MUST_USE lm_status lm__build_list_end(lm_builder *builder);
/* A row of a struct whose children got a row each. */
LM_MUST_USE lm_status lm__build_struct_end(lm_builder *builder);
/* Rows [start, start + rows) of an array of the same layout (lm__field_same_layout). Values of its
 * dictionaries are appended once for each array that they come from. */
LM_MUST_USE lm_status lm__build_rows(lm_builder *builder, const lm_array *array, int64_t start,
                                     int64_t rows);

/* The views of what was built; `batch` becomes the owner of the memory, and the builder is empty
 * again. `out->field` is the builder's. */
LM_MUST_USE lm_status lm__builder_take(lm_builder *builder, lm_batch *batch, lm_array *out,
                                       lm_error *error);
/* A batch from the builder of a schema's root, which is empty again afterwards; with the columns'
 * length as its rows (`root->length` where there are no columns). */
LM_MUST_USE lm_status lm__builder_finish(lm_builder *root, lm_schema *schema, lm_batch **batch,
                                         lm_error *error);

/* Between build.c and build_take.c. */
/* Bytes of `offsets` a row; 0 where there are none. */
static inline size_t lm__offset_width(lm_layout layout)
{
    switch (layout) {
    case LM_LAYOUT_BINARY:
    case LM_LAYOUT_LIST:
    case LM_LAYOUT_LIST_VIEW: return 4;
    case LM_LAYOUT_LARGE_BINARY:
    case LM_LAYOUT_LARGE_LIST:
    case LM_LAYOUT_LARGE_LIST_VIEW: return 8;
    default: return 0;
    }
}

static inline bool lm__is_list_view(lm_layout layout)
{
    return layout == LM_LAYOUT_LIST_VIEW || layout == LM_LAYOUT_LARGE_LIST_VIEW;
}
/* The current data buffer joins those that are full. */
LM_MUST_USE lm_status lm__builder_turn_page(lm_builder *builder);

#endif
