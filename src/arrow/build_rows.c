/* Rows of arrays copied into builders; see build.h. Runs of rows are copied as a whole where their
 * layout allows. */
#include "arrow/build.h"
#include "base/error.h"
#include "base/limits.h"

static lm_status copy_validity(lm_builder *builder, const lm_array *slice)
{
    int64_t nulls = lm__array_null_count(slice);
    if (nulls > 0 && slice->validity) LM_TRY(lm__builder_validity(builder));
    if (builder->validity)
        lm__bits_copy(builder->validity, (size_t)builder->length, lm__array_bits(slice),
                      (size_t)slice->length);
    builder->null_count += nulls;
    builder->length += slice->length;
    return LM_OK;
}

/* Offsets of `slice`, moved so that its first item lands at `base`. */
#define COPY_OFFSETS(type)                                                                         \
    do {                                                                                           \
        const type *from = (const type *)slice->offsets + slice->offset;                           \
        type *to = (type *)(void *)(builder->offsets.data + builder->offsets.size);                \
        type shift = (type)(base - from[0]);                                                       \
        for (int64_t i = 0; i < slice->length; i++) to[i] = (type)(from[i + 1] + shift);           \
        builder->offsets.size += (size_t)slice->length * sizeof(type);                             \
    } while (0)

static lm_status copy_binary(lm_builder *builder, const lm_array *slice)
{
    int64_t first, last, base = (int64_t)builder->bytes.size;
    lm__array_span(slice, &first, &last);
    size_t size = (size_t)(last - first);
    bool large = slice->field->type.layout == LM_LAYOUT_LARGE_BINARY;
    if (!large && size > (size_t)INT32_MAX - builder->bytes.size) return LM_LIMIT;
    LM_TRY(lm__builder_reserve_bytes(builder, size));
    if (size) {
        const uint8_t *bytes = slice->values;
        memcpy(builder->bytes.data + builder->bytes.size, bytes + first, size);
    }
    builder->bytes.size += size;
    if (large)
        COPY_OFFSETS(int64_t);
    else
        COPY_OFFSETS(int32_t);
    return copy_validity(builder, slice);
}

static lm_status copy_list(lm_builder *builder, const lm_array *slice)
{
    int64_t first, last, base = builder->children[0].length;
    lm__array_span(slice, &first, &last);
    bool large = slice->field->type.layout == LM_LAYOUT_LARGE_LIST;
    if (!large && last - first > INT32_MAX - base) return LM_LIMIT;
    LM_TRY(lm__build_rows(&builder->children[0], &slice->children[0], first, last - first));
    if (large)
        COPY_OFFSETS(int64_t);
    else
        COPY_OFFSETS(int32_t);
    return copy_validity(builder, slice);
}

/* One by one: views (their bytes move), and list views (their items do). */
static lm_status copy_each(lm_builder *builder, const lm_array *slice)
{
    for (int64_t row = 0; row < slice->length; row++) {
        if (!lm__array_valid(slice, row)) {
            LM_TRY(lm__build_null(builder));
        } else if (slice->field->type.layout == LM_LAYOUT_VIEW) {
            size_t size;
            const uint8_t *bytes = lm__array_bytes(slice, row, &size);
            LM_TRY(lm__build_bytes(builder, bytes, size));
        } else {
            int64_t start, size;
            lm__array_list_range(slice, row, &start, &size);
            LM_TRY(lm__build_rows(&builder->children[0], &slice->children[0], start, size));
            LM_TRY(lm__build_list_end(builder));
        }
    }
    return LM_OK;
}

static lm_status copy_runs(lm_builder *builder, const lm_array *slice)
{
    lm_builder *ends = &builder->children[0];
    int64_t most = lm__type_greatest(ends->field->type.id), begin = builder->length;
    if (slice->length > most - begin) return LM_LIMIT;
    for (int64_t row = 0, end; row < slice->length; row = end) {
        int64_t run = lm__array_run_find(slice, row, &end);
        LM_TRY(lm__builder_reserve(ends, 1));
        LM_TRY(lm__build_rows(&builder->children[1], &slice->children[1], run, 1));
        lm__build_int(ends, begin + end);
    }
    builder->length += slice->length;
    return LM_OK;
}

static lm_status copy_indices(lm_builder *builder, const lm_array *slice)
{
    const lm_array *values = slice->dictionary;
    if (builder->dictionary_from != values) {
        builder->dictionary_base = builder->dictionary->length;
        builder->dictionary_from = NULL; /* until they are all there */
        LM_TRY(lm__build_rows(builder->dictionary, values, 0, values->length));
        builder->dictionary_from = values;
    }
    int64_t base = builder->dictionary_base;
    const lm_type *type = &builder->field->type;
    if (base + values->length - 1 > lm__type_greatest(type->index_id)) return LM_LIMIT;
    for (int64_t row = 0; row < slice->length; row++) {
        bool valid = lm__array_valid(slice, row);
        int64_t index = valid ? base + lm__array_index(slice, row) : 0;
        memcpy(builder->values.data + builder->values.size, &index, (size_t)type->byte_width);
        builder->values.size += (size_t)type->byte_width;
    }
    return copy_validity(builder, slice);
}

static lm_status copy_slice(lm_builder *builder, const lm_array *slice)
{
    const lm_type *type = &slice->field->type;
    switch (type->layout) {
    case LM_LAYOUT_NULL: return lm__build_nulls(builder, slice->length);
    case LM_LAYOUT_BITS: {
        int64_t end = builder->length + slice->length;
        lm_bits from = {slice->values, (size_t)slice->offset};
        lm__bits_copy(builder->values.data, (size_t)builder->length, from, (size_t)slice->length);
        builder->values.size = (size_t)(end + 7) / 8;
        return copy_validity(builder, slice);
    }
    case LM_LAYOUT_FIXED: {
        if (type->id == LM_TYPE_DICTIONARY) return copy_indices(builder, slice);
        size_t bytes = (size_t)slice->length * (size_t)type->byte_width;
        if (bytes)
            memcpy(builder->values.data + builder->values.size, lm__array_fixed(slice), bytes);
        builder->values.size += bytes;
        return copy_validity(builder, slice);
    }
    case LM_LAYOUT_BINARY:
    case LM_LAYOUT_LARGE_BINARY: return copy_binary(builder, slice);
    case LM_LAYOUT_LIST:
    case LM_LAYOUT_LARGE_LIST: return copy_list(builder, slice);
    case LM_LAYOUT_STRUCT:
    case LM_LAYOUT_FIXED_LIST:
        for (int32_t i = 0; i < builder->n_children; i++) {
            lm_array child = lm__array_child(slice, i);
            LM_TRY(lm__build_rows(&builder->children[i], &child, 0, child.length));
        }
        return copy_validity(builder, slice);
    case LM_LAYOUT_RUN_END: return copy_runs(builder, slice);
    default: return copy_each(builder, slice);
    }
}

lm_status lm__build_rows(lm_builder *builder, const lm_array *array, int64_t start, int64_t rows)
{
    if (rows == 0) return LM_OK;
    LM_TRY(lm__builder_reserve(builder, rows));
    lm_array slice = lm__array_slice(array, start, rows);
    return copy_slice(builder, &slice);
}
