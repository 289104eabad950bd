/*
 * From an ArrowArray to views.
 *
 * The C interface carries no sizes of buffers: what can be checked without reading rows is checked
 * here (counts, lengths, null pointers, first and last offsets), the rest in validate.c, and that
 * buffers are as long as the lengths say is the producer's word.
 *
 * Invariants
 *  1. Depth follows the schema's tree, which has limits; an array cannot lead deeper.
 *  2. Every product and sum of lengths is checked before it is used.
 *  3. Buffers that are not aligned to their values are copied, the slice's part of them only.
 */
#include "arrow/import.h"

#include "arrow/validate.h"
#include "base/alloc.h"
#include "base/error.h"
#include "base/limits.h"

typedef struct importer {
    lm_batch *batch;
    lm_error *error;
} importer;

/* What an empty array reads: one offset, and no bytes. */
static const int64_t zeros[2];

static int64_t fixed_buffers(lm_layout layout)
{
    switch (layout) {
    case LM_LAYOUT_NULL:
    case LM_LAYOUT_RUN_END: return 0;
    case LM_LAYOUT_FIXED_LIST:
    case LM_LAYOUT_STRUCT: return 1;
    case LM_LAYOUT_BITS:
    case LM_LAYOUT_FIXED:
    case LM_LAYOUT_LIST:
    case LM_LAYOUT_LARGE_LIST: return 2;
    default: return 3; /* binary, list views; views at least */
    }
}

static lm_status import_shape(importer *in, const struct ArrowArray *source, const lm_field *field,
                              const lm_path *path)
{
    lm_error *error = in->error;
    const lm_type *type = &field->type;
    int64_t buffers = fixed_buffers(type->layout), end;
    if (!source->release)
        return lm__path_error(error, LM_INVALID, path, "its array has been released already");
    if (source->length < 0 || source->offset < 0 ||
        __builtin_add_overflow(source->length, source->offset, &end) || end > LM_ARROW_ROWS_MAX)
        return lm__path_error(error, LM_DATA, path, "an impossible length (%lld) or offset (%lld)",
                              (long long)source->length, (long long)source->offset);
    if (source->null_count < -1 || source->null_count > source->length)
        return lm__path_error(error, LM_DATA, path, "%lld nulls in %lld rows",
                              (long long)source->null_count, (long long)source->length);
    bool count_fits = source->n_buffers == buffers;
    if (type->layout == LM_LAYOUT_VIEW) /* validity, views, data …, sizes of the data */
        count_fits = source->n_buffers >= 3 && source->n_buffers - 3 <= LM_ARROW_VARIADIC_MAX;
    if (type->layout == LM_LAYOUT_NULL)
        count_fits = source->n_buffers == 0 || source->n_buffers == 1;
    if (!count_fits)
        return lm__path_error(error, LM_DATA, path, "%s with %lld buffers, not %lld",
                              lm__type_name(type->id), (long long)source->n_buffers,
                              (long long)buffers);
    if (source->n_buffers > 0 && !source->buffers)
        return lm__path_error(error, LM_DATA, path, "its buffers are missing");
    if (source->n_children != field->n_children)
        return lm__path_error(error, LM_DATA, path, "an array with %lld children, not %d",
                              (long long)source->n_children, field->n_children);
    if (source->n_children > 0 && !source->children)
        return lm__path_error(error, LM_DATA, path, "its children are missing");
    if ((source->dictionary != NULL) != (field->dictionary != NULL))
        return lm__path_error(error, LM_DATA, path, "%s",
                              field->dictionary ? "its dictionary is missing"
                                                : "a dictionary that its type does not have");
    return LM_OK;
}

static lm_status import_validity(importer *in, const struct ArrowArray *source, lm_array *out,
                                 const lm_path *path)
{
    lm_layout layout = out->field->type.layout;
    out->null_count = source->null_count;
    if (layout == LM_LAYOUT_NULL) {
        out->null_count = out->length;
        return LM_OK;
    }
    if (layout != LM_LAYOUT_RUN_END) out->validity = source->buffers[0];
    if (!out->validity && out->null_count > 0)
        return lm__path_error(in->error, LM_DATA, path, "%lld nulls, but no bitmap that says which",
                              (long long)out->null_count);
    if (!out->validity || out->length == 0) out->null_count = 0;
    if (out->null_count == 0) out->validity = NULL;
    return LM_OK;
}

/* The buffers with one entry a row that an array has, with the widths of the entries. */
typedef struct row_buffers {
    const void **pointer[2];
    int64_t width[2];
    int64_t more; /* entries beyond the rows: 1 for offsets */
    int count;
} row_buffers;

static row_buffers rows_of(lm_array *out, const struct ArrowArray *source)
{
    row_buffers rows = {0};
    const void **buffers = source->buffers;
    lm_layout layout = out->field->type.layout;
    bool large = layout == LM_LAYOUT_LARGE_BINARY || layout == LM_LAYOUT_LARGE_LIST ||
                 layout == LM_LAYOUT_LARGE_LIST_VIEW;
    switch (layout) {
    case LM_LAYOUT_FIXED:
    case LM_LAYOUT_VIEW:
    case LM_LAYOUT_BITS:
        out->values = buffers[1];
        rows.pointer[0] = &out->values;
        rows.width[0] = layout == LM_LAYOUT_VIEW ? 16 : out->field->type.byte_width;
        rows.count = 1;
        break;
    case LM_LAYOUT_BINARY:
    case LM_LAYOUT_LARGE_BINARY:
        out->values = buffers[2];
        /* fall through */
    case LM_LAYOUT_LIST:
    case LM_LAYOUT_LARGE_LIST:
        out->offsets = buffers[1];
        rows = (row_buffers){{&out->offsets}, {large ? 8 : 4}, 1, 1};
        break;
    case LM_LAYOUT_LIST_VIEW:
    case LM_LAYOUT_LARGE_LIST_VIEW:
        out->offsets = buffers[1];
        out->sizes = buffers[2];
        rows = (row_buffers){{&out->offsets, &out->sizes}, {large ? 8 : 4, large ? 8 : 4}, 0, 2};
        break;
    default: break;
    }
    return rows;
}

static bool is_aligned(const void *pointer, int64_t width)
{
    uintptr_t alignment = width % 8 == 0 ? 8 : width % 4 == 0 ? 4 : width % 2 == 0 ? 2 : 1;
    return ((uintptr_t)pointer & (alignment - 1)) == 0;
}

/* Moves the slice's start to the first 8 rows of its buffers and copies those that are not aligned.
 */
static lm_status align_rows(importer *in, lm_array *out, const row_buffers *rows)
{
    int64_t skip = out->offset & ~(int64_t)7;
    out->offset -= skip;
    if (out->validity) out->validity += skip / 8;
    for (int i = 0; i < rows->count; i++) {
        int64_t width = rows->width[i], bytes;
        const uint8_t *start = (const uint8_t *)*rows->pointer[i] + skip * width;
        *rows->pointer[i] = start;
        if (is_aligned(start, width)) continue;
        if (__builtin_mul_overflow(out->offset + out->length + rows->more, width, &bytes))
            return lm__error_set(in->error, LM_LIMIT, "an array too large to align");
        void *copy = lm__alloc(in->batch->allocator, (size_t)bytes);
        if (!copy) return lm__error_memory(in->error, "aligning an array");
        memcpy(copy, start, (size_t)bytes);
        *rows->pointer[i] = copy;
        if (lm__batch_own_memory_take(in->batch, copy) != LM_OK)
            return lm__error_memory(in->error, "aligning an array");
    }
    return LM_OK;
}

static lm_status import_rows(importer *in, const struct ArrowArray *source, lm_array *out,
                             const lm_path *path)
{
    row_buffers rows = rows_of(out, source);
    bool aligned = true;
    if (out->length == 0) {
        for (int i = 0; i < rows.count; i++) *rows.pointer[i] = zeros;
        if (rows.count) out->offset = 0;
        return LM_OK;
    }
    for (int i = 0; i < rows.count; i++) {
        int64_t bytes;
        if (!*rows.pointer[i] && rows.width[i] == 0 && out->field->type.layout == LM_LAYOUT_FIXED)
            *rows.pointer[i] = zeros; /* fixed_binary[0] */
        if (!*rows.pointer[i])
            return lm__path_error(in->error, LM_DATA, path, "%lld rows, but buffer %d is missing",
                                  (long long)out->length, i + 1);
        if (__builtin_mul_overflow(out->offset + out->length + rows.more, rows.width[i], &bytes))
            return lm__path_error(in->error, LM_LIMIT, path, "more bytes than there can be");
        aligned = aligned && (rows.width[i] == 0 || is_aligned(*rows.pointer[i], rows.width[i]));
    }
    return aligned ? LM_OK : align_rows(in, out, &rows);
}

static lm_status import_variadic(importer *in, const struct ArrowArray *source, lm_array *out,
                                 const lm_path *path)
{
    out->n_variadic = (int32_t)(source->n_buffers - 3);
    if (out->n_variadic == 0) return LM_OK;
    const void *sizes = source->buffers[source->n_buffers - 1];
    if (!sizes)
        return lm__path_error(in->error, LM_DATA, path, "the sizes of its buffers are missing");
    int64_t *own = lm__arena_array(&in->batch->arena, (size_t)out->n_variadic, sizeof *own);
    if (!own) return lm__error_memory(in->error, "reading an array");
    memcpy(own, sizes, (size_t)out->n_variadic * sizeof *own);
    out->variadic = source->buffers + 2;
    out->variadic_sizes = own;
    for (int32_t i = 0; i < out->n_variadic; i++)
        if (own[i] < 0 || (own[i] > 0 && !out->variadic[i]))
            return lm__path_error(in->error, LM_DATA, path, "data buffer %d %s", i,
                                  own[i] < 0 ? "has an impossible size" : "is missing");
    return LM_OK;
}

static lm_status import_array(importer *in, const struct ArrowArray *source, const lm_field *field,
                              const lm_path *path, lm_array *out);

static lm_status import_children(importer *in, const struct ArrowArray *source, lm_array *out,
                                 const lm_path *path)
{
    const lm_field *field = out->field;
    size_t count = (size_t)field->n_children + !!field->dictionary;
    if (count == 0) return LM_OK;
    lm_array *children = lm__arena_array(&in->batch->arena, count, sizeof *children);
    if (!children) return lm__error_memory(in->error, "reading an array");
    for (int32_t i = 0; i < field->n_children; i++) {
        lm_path below = {path, field->children[i].name};
        if (!source->children[i])
            return lm__path_error(in->error, LM_DATA, &below, "its array is missing");
        LM_TRY(import_array(in, source->children[i], &field->children[i], &below, &children[i]));
    }
    out->children = children;
    out->n_children = field->n_children;
    if (!field->dictionary) return LM_OK;
    lm_array *dictionary = &children[field->n_children];
    out->dictionary = dictionary;
    return import_array(in, source->dictionary, field->dictionary, path, dictionary);
}

static lm_status import_array(importer *in, const struct ArrowArray *source, const lm_field *field,
                              const lm_path *path, lm_array *out)
{
    LM_TRY(import_shape(in, source, field, path));
    *out = (lm_array){.field = field, .length = source->length, .offset = source->offset};
    LM_TRY(import_validity(in, source, out, path));
    LM_TRY(import_rows(in, source, out, path));
    LM_TRY(import_children(in, source, out, path));
    if (field->type.layout == LM_LAYOUT_VIEW) LM_TRY(import_variadic(in, source, out, path));
    LM_TRY(lm__array_check_structure(out, path, in->error));
    if (!out->values) out->values = zeros; /* a pointer, where no byte is read */
    return LM_OK;
}

lm_status lm__array_import(lm_batch *batch, const struct ArrowArray *source, const lm_field *field,
                           const lm_path *path, lm_array *out, lm_error *error)
{
    importer in = {batch, error};
    return import_array(&in, source, field, path, out);
}
