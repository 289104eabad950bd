/*
 * Joining two batches; see join.h.
 *
 * Children are joined whole, whatever part of them is used: so the second's offsets move up by the
 * length of the first's child, and nothing has to be looked for.
 */
#include "ipc/join.h"

#include "base/error.h"
#include "base/limits.h"
#include "ipc/hold.h"

typedef struct joiner {
    lm_batch *both;
    lm_ipc_hold *hold;
    lm_error *error;
} joiner;

static lm_status refuse_memory(joiner *j)
{
    return lm__error_memory(j->error, "joining dictionaries");
}

static lm_status refuse(joiner *j, const lm_array *array, lm_status code, const char *what)
{
    char type[LM_TYPE_TEXT_MAX];
    return lm__error_set(j->error, code, "a dictionary of %s %s",
                         lm__type_text_short(array->field, type), what);
}

static lm_status bytes_join(joiner *j, const void *a, size_t a_size, const void *b, size_t b_size,
                            const void **both)
{
    uint8_t *bytes = lm__ipc_hold_alloc(j->hold, a_size + b_size);
    if (!bytes) return refuse_memory(j);
    if (a_size > 0) memcpy(bytes, a, a_size);
    if (b_size > 0) memcpy(bytes + a_size, b, b_size);
    *both = bytes;
    return LM_OK;
}

static lm_status bits_join(joiner *j, const lm_array *a, const uint8_t *a_bits, const lm_array *b,
                           const uint8_t *b_bits, const uint8_t **both)
{
    size_t size = ((size_t)a->length + (size_t)b->length + 7) / 8;
    uint8_t *bits = lm__ipc_hold_alloc(j->hold, size);
    if (!bits) return refuse_memory(j);
    memset(bits, 0, size);
    lm__bits_copy(bits, 0, (lm_bits){a_bits, 0}, (size_t)a->length);
    lm__bits_copy(bits, (size_t)a->length, (lm_bits){b_bits, 0}, (size_t)b->length);
    *both = bits;
    return LM_OK;
}

/* `count` offsets of b, `by` higher, after the first `a_count` of a. */
static lm_status offsets_join(joiner *j, const lm_array *array, const void *a, size_t a_count,
                              const void *b, size_t b_count, size_t width, int64_t by,
                              const void **both)
{
    uint8_t *bytes = lm__ipc_hold_alloc(j->hold, (a_count + b_count) * width);
    if (!bytes) return refuse_memory(j);
    if (a_count > 0) memcpy(bytes, a, a_count * width);
    *both = bytes;
    for (size_t i = 0; i < b_count; i++) {
        int64_t moved = width == 4 ? ((const int32_t *)b)[i] : ((const int64_t *)b)[i];
        if (__builtin_add_overflow(moved, by, &moved) || (width == 4 && moved > INT32_MAX))
            return refuse(j, array, LM_LIMIT, "grows past its offsets");
        memcpy(bytes + (a_count + i) * width, &moved, width); /* little-endian: the low bytes */
    }
    return LM_OK;
}

/* Offsets with one more than there are rows; `by` is where a's contents end. */
static lm_status starts_join(joiner *j, const lm_array *a, const lm_array *b, size_t width,
                             int64_t by, lm_array *both)
{
    if (a->length + b->length == 0) return LM_OK;
    const int64_t zero = 0;
    const void *a_starts = a->length ? a->offsets : NULL,
               *b_starts = b->length ? b->offsets : &zero;
    return offsets_join(j, a, a_starts, (size_t)a->length, b_starts, (size_t)b->length + 1, width,
                        by, &both->offsets);
}

static int64_t bytes_end(const lm_array *array, size_t width)
{
    if (array->length == 0) return 0;
    return width == 4 ? ((const int32_t *)array->offsets)[array->length]
                      : ((const int64_t *)array->offsets)[array->length];
}

static lm_status binary_join(joiner *j, const lm_array *a, const lm_array *b, size_t width,
                             lm_array *both)
{
    int64_t a_end = bytes_end(a, width), b_end = bytes_end(b, width);
    LM_TRY(starts_join(j, a, b, width, a_end, both));
    return bytes_join(j, a->values, (size_t)a_end, b->values, (size_t)b_end, &both->values);
}

static lm_status views_join(joiner *j, const lm_array *a, const lm_array *b, lm_array *both)
{
    lm_arena *arena = &j->both->arena;
    int32_t count = a->n_variadic + b->n_variadic;
    if (count > LM_ARROW_VARIADIC_MAX) return refuse(j, a, LM_LIMIT, "has too many data buffers");
    const void **buffers = lm__arena_array(arena, (size_t)count, sizeof *buffers);
    int64_t *sizes = lm__arena_array(arena, (size_t)count, sizeof *sizes);
    if (!buffers || !sizes) return refuse_memory(j);
    for (int32_t i = 0; i < count; i++) {
        const lm_array *from = i < a->n_variadic ? a : b;
        int32_t at = from == a ? i : i - a->n_variadic;
        sizes[i] = from->variadic_sizes[at];
        LM_TRY(bytes_join(j, from->variadic[at], (size_t)sizes[i], NULL, 0, &buffers[i]));
    }
    LM_TRY(bytes_join(j, a->values, (size_t)a->length * sizeof(lm_view), b->values,
                      (size_t)b->length * sizeof(lm_view), &both->values));
    lm_view *views = (lm_view *)both->values + a->length;
    for (int64_t i = 0; i < b->length; i++)
        if (views[i].size > LM_VIEW_INLINE_MAX)
            views[i].buffer = (int32_t)((uint32_t)views[i].buffer + (uint32_t)a->n_variadic);
    both->variadic = buffers;
    both->variadic_sizes = sizes;
    both->n_variadic = count;
    return LM_OK;
}

static lm_status list_views_join(joiner *j, const lm_array *a, const lm_array *b, size_t width,
                                 lm_array *both)
{
    LM_TRY(offsets_join(j, a, a->offsets, (size_t)a->length, b->offsets, (size_t)b->length, width,
                        a->children[0].length, &both->offsets));
    return bytes_join(j, a->sizes, (size_t)a->length * width, b->sizes, (size_t)b->length * width,
                      &both->sizes);
}

static lm_status contents_join(joiner *j, const lm_array *a, const lm_array *b, lm_array *both)
{
    size_t width = (size_t)a->field->type.byte_width;
    switch (a->field->type.layout) {
    case LM_LAYOUT_BITS:
        return bits_join(j, a, a->values, b, b->values, (const uint8_t **)&both->values);
    case LM_LAYOUT_FIXED:
        if (a->field->dictionary) break;
        return bytes_join(j, a->values, (size_t)a->length * width, b->values,
                          (size_t)b->length * width, &both->values);
    case LM_LAYOUT_BINARY: return binary_join(j, a, b, 4, both);
    case LM_LAYOUT_LARGE_BINARY: return binary_join(j, a, b, 8, both);
    case LM_LAYOUT_VIEW: return views_join(j, a, b, both);
    case LM_LAYOUT_LIST: return starts_join(j, a, b, 4, a->children[0].length, both);
    case LM_LAYOUT_LARGE_LIST: return starts_join(j, a, b, 8, a->children[0].length, both);
    case LM_LAYOUT_LIST_VIEW: return list_views_join(j, a, b, 4, both);
    case LM_LAYOUT_LARGE_LIST_VIEW: return list_views_join(j, a, b, 8, both);
    case LM_LAYOUT_NULL:
    case LM_LAYOUT_FIXED_LIST:
    case LM_LAYOUT_STRUCT: return LM_OK;
    case LM_LAYOUT_RUN_END:
    case LM_LAYOUT_UNION: break;
    }
    return refuse(j, a, LM_UNSUPPORTED, "cannot be added to, only replaced");
}

static lm_status array_join(joiner *j, const lm_array *a, const lm_array *b, lm_array *both);

static lm_status children_join(joiner *j, const lm_array *a, const lm_array *b, lm_array *children)
{
    for (int32_t i = 0; i < a->n_children; i++) {
        lm_array left = a->children[i], right = b->children[i];
        /* These have as many entries as their parents' lengths say, however long they are. */
        if (a->field->type.layout == LM_LAYOUT_STRUCT) {
            left = lm__array_slice(&left, 0, a->length);
            right = lm__array_slice(&right, 0, b->length);
        } else if (a->field->type.layout == LM_LAYOUT_FIXED_LIST) {
            left = lm__array_slice(&left, 0, a->length * a->field->type.list_size);
            right = lm__array_slice(&right, 0, b->length * a->field->type.list_size);
        }
        LM_TRY(array_join(j, &left, &right, &children[i]));
    }
    return LM_OK;
}

static lm_status array_join(joiner *j, const lm_array *a, const lm_array *b, lm_array *both)
{
    *both = (lm_array){.field = a->field, .length = a->length + b->length};
    both->null_count = a->null_count + b->null_count;
    if (a->null_count < 0 || b->null_count < 0) both->null_count = -1;
    if (both->length > LM_ARROW_ROWS_MAX) return refuse(j, a, LM_LIMIT, "has too many values");
    if (a->validity || b->validity)
        LM_TRY(bits_join(j, a, a->validity, b, b->validity, &both->validity));
    LM_TRY(contents_join(j, a, b, both));
    both->n_children = a->n_children;
    lm_array *children = lm__arena_zero(&j->both->arena, (size_t)a->n_children * sizeof *children);
    if (!children) return refuse_memory(j);
    both->children = children;
    return children_join(j, a, b, children);
}

static void hold_release(void *context, void *memory)
{
    (void)context;
    lm__ipc_hold_unref(memory);
}

lm_status lm__ipc_batches_join(const lm_allocator *allocator, lm_schema *schema, const lm_batch *a,
                               const lm_batch *b, lm_batch **both, lm_error *error)
{
    joiner j = {.error = error};
    *both = NULL;
    LM_TRY(lm__batch_new(allocator, schema, a->root.length + b->root.length, &j.both, error));
    j.hold = lm__ipc_hold_new(allocator, NULL);
    lm_owned share = {.memory = j.hold, .release = hold_release};
    lm_status status = j.hold ? lm__batch_own_take(j.both, share) : LM_NO_MEMORY;
    if (status != LM_OK)
        status = refuse_memory(&j);
    else
        status = children_join(&j, &a->root, &b->root, lm__batch_columns(j.both));
    if (status == LM_OK)
        *both = j.both;
    else
        lm__batch_unref(j.both);
    return status;
}
