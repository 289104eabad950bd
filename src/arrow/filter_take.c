/*
 * Rows kept by their bits: a batch of fewer rows, and the streams of such batches.
 *
 * Fixed widths, booleans and text are gathered by the rows' numbers; everything else goes through a
 * builder, run of rows by run of rows. Dictionaries stay whole and are shared.
 */
#include <string.h>

#include "arrow/build.h"
#include "arrow/filter.h"
#include "base/alloc.h"
#include "base/error.h"
#include "base/limits.h"

typedef struct taker {
    lm_batch *batch;      /* that is being made */
    const uint32_t *rows; /* the numbers of those that are kept */
    int64_t count;
} taker;

static void *room(const taker *t, size_t count, size_t size)
{
    size_t bytes;
    if (__builtin_mul_overflow(count, size, &bytes)) return NULL;
    void *memory = lm__alloc(t->batch->allocator, bytes + 16);
    if (!memory || lm__batch_own_memory_take(t->batch, memory) != LM_OK) return NULL;
    return memory;
}

static void take_bits(const taker *t, const uint8_t *from, int64_t offset, uint8_t *to)
{
    memset(to, 0, (size_t)t->count / 8 + 1);
    for (int64_t i = 0; i < t->count; i++) {
        int64_t at = offset + t->rows[i];
        to[i >> 3] = (uint8_t)(to[i >> 3] | (from[at >> 3] >> (at & 7) & 1) << (i & 7));
    }
}

static bool take_validity(const taker *t, const lm_array *array, lm_array *out)
{
    out->null_count = 0;
    if (!array->validity) return true;
    uint8_t *bits = room(t, (size_t)t->count / 8 + 1, 1);
    if (!bits) return false;
    take_bits(t, array->validity, array->offset, bits);
    int64_t valid = (int64_t)lm__bits_count((lm_bits){bits, 0}, (size_t)t->count);
    out->null_count = t->count - valid;
    out->validity = out->null_count ? bits : NULL;
    return true;
}

#define TAKE(type)                                                                                 \
    do {                                                                                           \
        const type *from = source;                                                                 \
        type *to = memory;                                                                         \
        for (int64_t i = 0; i < t->count; i++) to[i] = from[t->rows[i]];                           \
    } while (0)

static bool take_fixed(const taker *t, const lm_array *array, lm_array *out)
{
    size_t width = (size_t)array->field->type.byte_width;
    void *memory = room(t, (size_t)t->count, width);
    if (!memory) return false;
    out->values = memory;
    const void *source = lm__array_fixed(array);
    switch (width) {
    case 1: TAKE(uint8_t); return true;
    case 2: TAKE(uint16_t); return true;
    case 4: TAKE(uint32_t); return true;
    case 8: TAKE(uint64_t); return true;
    default: break;
    }
    const uint8_t *from = source;
    uint8_t *to = memory;
    for (int64_t i = 0; i < t->count; i++, to += width)
        if (width) memcpy(to, from + (size_t)t->rows[i] * width, width);
    return true;
}

/* Few bytes, as most texts are, without a call. */
static inline void copy_bytes(uint8_t *to, const uint8_t *from, size_t size)
{
    uint64_t a, b;
    uint32_t c, d;
    if (size > 16) {
        memcpy(to, from, size);
    } else if (size >= 8) { /* two that may overlap */
        memcpy(&a, from, 8);
        memcpy(&b, from + size - 8, 8);
        memcpy(to, &a, 8);
        memcpy(to + size - 8, &b, 8);
    } else if (size >= 4) {
        memcpy(&c, from, 4);
        memcpy(&d, from + size - 4, 4);
        memcpy(to, &c, 4);
        memcpy(to + size - 4, &d, 4);
    } else {
        for (size_t i = 0; i < size; i++) to[i] = from[i];
    }
}

/* Offsets first, then the bytes, run of rows by run of rows: they lie side by side. Short ones go
 * as 16 bytes where there are so many, without a look at their length, which no processor foresees:
 * what is too much is overwritten by the next, or slack. */
#define TAKE_BYTES(type)                                                                           \
    do {                                                                                           \
        const type *from = (const type *)array->offsets + array->offset;                           \
        const type end = from[array->length];                                                      \
        type *to = room(t, (size_t)t->count + 1, sizeof *to);                                      \
        if (!to) return false;                                                                     \
        type sum = 0;                                                                              \
        for (int64_t i = 0; i < t->count; i++) {                                                   \
            to[i] = sum;                                                                           \
            sum = (type)(sum + (from[t->rows[i] + 1] - from[t->rows[i]]));                         \
        }                                                                                          \
        to[t->count] = sum;                                                                        \
        uint8_t *bytes = room(t, (size_t)sum, 1), *next = bytes;                                   \
        if (!bytes) return false;                                                                  \
        for (int64_t i = 0, last; i < t->count; i = last) {                                        \
            for (last = i + 1; last < t->count && t->rows[last] == t->rows[last - 1] + 1;) last++; \
            type first = from[t->rows[i]], size = (type)(from[t->rows[last - 1] + 1] - first);     \
            if (size == 0) continue; /* there may be no bytes at all */                            \
            const uint8_t *text = (const uint8_t *)array->values + first;                          \
            if (size <= 16 && end - first >= 16)                                                   \
                memcpy(next, text, 16);                                                            \
            else                                                                                   \
                copy_bytes(next, text, (size_t)size);                                              \
            next += size;                                                                          \
        }                                                                                          \
        out->offsets = to;                                                                         \
        out->values = bytes;                                                                       \
    } while (0)

static bool take_bytes(const taker *t, const lm_array *array, lm_array *out)
{
    if (array->field->type.layout == LM_LAYOUT_BINARY)
        TAKE_BYTES(int32_t);
    else
        TAKE_BYTES(int64_t);
    return true;
}

static lm_status take_built(const taker *t, const lm_array *array, lm_array *out, lm_error *error)
{
    lm_builder builder;
    lm_status status = lm__builder_init(&builder, t->batch->allocator, array->field, error);
    for (int64_t i = 0, last; i < t->count && status == LM_OK; i = last) {
        for (last = i + 1; last < t->count && t->rows[last] == t->rows[last - 1] + 1;) last++;
        status = lm__build_rows(&builder, array, t->rows[i], last - i);
        if (status == LM_LIMIT)
            lm__error_set(error, status, "rows of more than 32-bit offsets reach");
        else if (status != LM_OK)
            lm__error_memory(error, "filtering rows");
    }
    if (status == LM_OK) status = lm__builder_take(&builder, t->batch, out, error);
    lm__builder_deinit(&builder);
    return status;
}

static lm_status take_array(const taker *t, const lm_array *array, lm_array *out, lm_error *error);

static lm_status take_struct(const taker *t, const lm_array *array, lm_array *out, lm_error *error)
{
    lm_array *children =
        lm__arena_array(&t->batch->arena, (size_t)array->n_children + 1, sizeof *children);
    if (!children) return lm__error_memory(error, "filtering rows");
    for (int32_t i = 0; i < array->n_children; i++) {
        lm_array child = lm__array_child(array, i);
        LM_TRY(take_array(t, &child, &children[i], error));
    }
    out->children = children;
    out->n_children = array->n_children;
    return LM_OK;
}

static lm_status take_array(const taker *t, const lm_array *array, lm_array *out, lm_error *error)
{
    bool had = true;
    *out = (lm_array){.field = array->field, .length = t->count};
    switch (array->field->type.layout) {
    case LM_LAYOUT_NULL: out->null_count = t->count; return LM_OK;
    case LM_LAYOUT_BITS: {
        uint8_t *bits = room(t, (size_t)t->count / 8 + 1, 1);
        if (bits) take_bits(t, array->values, array->offset, bits);
        out->values = bits;
        had = bits != NULL;
        break;
    }
    case LM_LAYOUT_FIXED:
        out->dictionary = array->dictionary;
        had = take_fixed(t, array, out);
        break;
    case LM_LAYOUT_VIEW: {
        lm_view *views = room(t, (size_t)t->count, sizeof *views);
        const lm_view *from = (const lm_view *)array->values + array->offset;
        for (int64_t i = 0; views && i < t->count; i++)
            views[i] = lm__array_valid(array, t->rows[i]) ? from[t->rows[i]] : (lm_view){0};
        out->values = views;
        out->variadic = array->variadic;
        out->variadic_sizes = array->variadic_sizes;
        out->n_variadic = array->n_variadic;
        had = views != NULL;
        break;
    }
    case LM_LAYOUT_BINARY:
    case LM_LAYOUT_LARGE_BINARY: had = take_bytes(t, array, out); break;
    case LM_LAYOUT_STRUCT: LM_TRY(take_struct(t, array, out, error)); break;
    default: return take_built(t, array, out, error);
    }
    return had && take_validity(t, array, out) ? LM_OK : lm__error_memory(error, "filtering rows");
}

static void number_rows(const uint8_t *bits, int64_t count, uint32_t *rows)
{
    const uint64_t *words = (const uint64_t *)(const void *)bits;
    for (size_t w = 0; count > 0; w++)
        for (uint64_t word = words[w]; word; word &= word - 1, count--)
            *rows++ = (uint32_t)(64 * w + (size_t)__builtin_ctzll(word));
}

lm_status lm__batch_take_rows(lm_batch *batch, const uint32_t *rows, int64_t count,
                              const bool *wanted, lm_batch **out, lm_error *error)
{
    lm_status status = lm__batch_new(batch->allocator, batch->schema, count, out, error);
    if (status != LM_OK) return status;
    (*out)->parent = lm__batch_ref(batch); /* of dictionaries and views */
    const taker t = {*out, rows, count};
    for (int32_t i = 0; i < batch->root.n_children && status == LM_OK; i++) {
        if (wanted && !wanted[i]) continue;
        lm_array column = lm__batch_column(batch, i);
        status = take_array(&t, &column, &lm__batch_columns(*out)[i], error);
    }
    if (status == LM_OK) return LM_OK;
    lm__batch_unref(*out);
    *out = NULL;
    return status;
}

lm_status lm__batch_take_bits(lm_batch *batch, const uint8_t *bits, int64_t count,
                              const bool *wanted, lm_batch **out, lm_error *error)
{
    *out = NULL;
    if (count == batch->root.length) {
        *out = lm__batch_ref(batch);
        return LM_OK;
    }
    size_t length = (size_t)batch->root.length;
    size_t first = lm__bits_find((lm_bits){bits, 0}, 0, length, true);
    if (count > batch->root.length / 2 && /* one run of rows, and most of the memory */
        lm__bits_find((lm_bits){bits, 0}, first, length, false) - first == (size_t)count)
        return lm__batch_slice(batch, (int64_t)first, count, out, error);
    if (batch->root.length > UINT32_MAX)
        return lm__error_set(error, LM_LIMIT, "a batch of more than 2^32 rows cannot be filtered");
    uint32_t *rows = lm__alloc_array(batch->allocator, (size_t)count + 1, sizeof *rows);
    if (!rows) return lm__error_memory(error, "filtering rows");
    number_rows(bits, count, rows);
    lm_status status = lm__batch_take_rows(batch, rows, count, wanted, out, error);
    lm__free(batch->allocator, rows);
    return status;
}

/* Selecting from arrays from outside. */

static void keep(struct ArrowArray *array) { array->release = NULL; }

lm_status lm_filter_select(const lm_filter *filter, const struct ArrowArray *array, uint8_t *bits,
                           int64_t *count, lm_error *error)
{
    struct ArrowArray borrowed = *array;
    lm_batch *batch;
    *count = 0;
    if (!array->release) return lm__error_set(error, LM_INVALID, "the array has been released");
    borrowed.release = keep;
    LM_TRY(lm__batch_import_take(filter->allocator, filter->schema, &borrowed, LM_VALIDATE_FULL,
                                 &batch, error));
    int64_t rows = lm__batch_rows(batch);
    uint8_t *words = lm__alloc(filter->allocator, lm__filter_bits_bytes(rows) + 8);
    lm_status status = words ? lm__filter_rows(filter, &batch->root, words, count, error)
                             : lm__error_memory(error, "filtering rows");
    if (status == LM_OK && rows > 0) memcpy(bits, words, (size_t)(rows + 7) / 8);
    lm__free(filter->allocator, words);
    lm__batch_unref(batch);
    return status;
}

/* Streams. */

typedef struct filtered {
    lm_stream stream;
    const lm_allocator *allocator;
    lm_stream *source;
    lm_filter *filter;
} filtered;

static lm_status filtered_next(lm_stream *stream, lm_batch **batch, lm_error *error)
{
    filtered *f = (filtered *)stream;
    for (;;) {
        lm_batch *all;
        int64_t count = 0;
        *batch = NULL;
        LM_TRY(lm__stream_next(f->source, &all, error));
        if (!all) return LM_OK;
        uint8_t *bits = lm__alloc(f->allocator, lm__filter_bits_bytes(lm__batch_rows(all)) + 8);
        lm_status status = bits ? lm__filter_rows(f->filter, &all->root, bits, &count, error)
                                : lm__error_memory(error, "filtering rows");
        if (status == LM_OK && count > 0)
            status = lm__batch_take_bits(all, bits, count, NULL, batch, error);
        lm__free(f->allocator, bits);
        lm__batch_unref(all);
        if (status != LM_OK || *batch) return status;
    }
}

static void filtered_close(lm_stream *stream)
{
    filtered *f = (filtered *)stream;
    lm__stream_close(f->source);
    lm_filter_free(f->filter);
    lm__free(f->allocator, f);
}

lm_status lm__filter_stream_take(const lm_allocator *allocator, lm_stream *source,
                                 const lm_expr *expr, lm_stream **stream, lm_error *error)
{
    static const lm_stream_ops ops = {filtered_next, filtered_close};
    filtered *f = lm__alloc_zero(allocator, sizeof *f);
    *stream = NULL;
    lm_status status = f ? lm_expr_bind(allocator, expr, source->schema, &f->filter, error)
                         : lm__error_memory(error, "filtering rows");
    if (status != LM_OK) {
        lm__stream_close(source);
        lm__free(allocator, f);
        return status;
    }
    f->allocator = allocator;
    f->source = source;
    lm__stream_init(&f->stream, &ops, source->schema);
    *stream = &f->stream;
    return LM_OK;
}

lm_status lm_filter_stream_take(const lm_allocator *allocator, struct ArrowArrayStream *source,
                                const lm_expr *expr, struct ArrowArrayStream *out, lm_error *error)
{
    lm_stream *all, *fewer;
    LM_TRY(lm__stream_import_take(allocator, source, LM_VALIDATE_FULL, &all, error));
    LM_TRY(lm__filter_stream_take(allocator, all, expr, &fewer, error));
    return lm__stream_export_take(allocator, fewer, out, error);
}
