/*
 * Running a cast over batches: what the steps share, structs, what passes through, and the stream.
 *
 * Memory that a step makes belongs to the new batch from the moment it is there, so a failure on
 * the way has nothing to give back but the batch.
 */
#include "arrow/cast.h"

#include <stdarg.h>
#include <stdio.h>

#include "arrow/cast_make.h"
#include "arrow/validate.h"
#include "base/alloc.h"
#include "base/error.h"

struct lm_cast {
    const lm_allocator *allocator;
    lm_schema *source, *target;
    lm_arena arena;
    cast_plan plan;
};

static const int64_t zeros[2];

lm_status lm__cast_memory(const cast_run *run)
{
    return lm__error_memory(run->error, "casting a batch");
}

void *lm__cast_alloc(cast_run *run, size_t count, size_t size)
{
    void *memory = lm__alloc_array(run->batch->allocator, count, size);
    if (!memory || lm__batch_own_memory_take(run->batch, memory) != LM_OK) return NULL;
    return memory;
}

lm_status lm__cast_validity(cast_run *run, const lm_array *in, lm_array *out)
{
    out->length = in->length;
    out->null_count = lm__array_null_count(in);
    if (out->null_count == 0 || !in->validity) return LM_OK;
    uint8_t *bits = lm__cast_alloc(run, (size_t)in->length / 8 + 1, 1);
    if (!bits) return lm__cast_memory(run);
    lm__bits_copy(bits, 0, lm__array_bits(in), (size_t)in->length);
    out->validity = bits;
    return LM_OK;
}

/* The row of a list that has the item. */
static int64_t row_of_item(const cast_frame *frame, int64_t item)
{
    int64_t low = 0, high = frame->rows - 1;
    while (low < high) { /* the first row that ends after the item */
        int64_t middle = low + (high - low) / 2;
        if (frame->offsets[middle + 1] > item)
            high = middle;
        else
            low = middle + 1;
    }
    return low;
}

bool lm__cast_is_live(const cast_run *run, const lm_array *in, int64_t row)
{
    if (!lm__array_valid(in, row)) return false;
    for (const cast_frame *frame = run->frame; frame; frame = frame->up) {
        if (frame->offsets) row = row_of_item(frame, row);
        if (!lm__bits_get(frame->valid, (size_t)row)) return false;
    }
    return true;
}

lm_status lm__cast_refuse(const cast_run *run, const cast_plan *plan, int64_t row,
                          const char *format, ...)
{
    char why[400];
    va_list args;
    va_start(args, format);
    vsnprintf(why, sizeof why, format, args);
    va_end(args);
    for (const cast_frame *frame = run->frame; frame; frame = frame->up)
        if (frame->offsets) row = row_of_item(frame, row);
    return lm__path_error(run->error, LM_DATA, &plan->path, "row %lld: %s",
                          (long long)(run->first_row + row), why);
}

lm_status lm__cast_refuse_bytes(const cast_run *run, const cast_plan *plan, const lm_array *in,
                                int64_t row, const char *why)
{
    char bytes[80], shown[100];
    size_t size;
    const uint8_t *value = lm__array_bytes(in, row, &size);
    size_t kept = size < sizeof bytes ? size : sizeof bytes - 1;
    for (size_t i = 0; i < kept; i++) bytes[i] = value[i] ? (char)value[i] : '?';
    bytes[kept] = '\0';
    lm__printable(shown, sizeof shown, bytes);
    return lm__cast_refuse(run, plan, row, "\"%s%s\" %s", shown, kept < size ? "\xe2\x80\xa6" : "",
                           why);
}

lm_status lm__cast_built(const cast_run *run, const cast_plan *plan, lm_status status)
{
    if (status == LM_OK) return LM_OK;
    if (status == LM_NO_MEMORY) return lm__cast_memory(run);
    return lm__path_error(run->error, status, &plan->path,
                          "more than a %s of one batch can hold: take smaller batches, or a large "
                          "type",
                          lm__type_name(plan->to->type.id));
}

/* The same array under another name. */
static lm_status relabel(cast_run *run, const lm_array *in, const lm_field *field, lm_array *out)
{
    *out = *in;
    out->field = field;
    size_t count = (size_t)in->n_children + !!in->dictionary;
    if (count == 0) return LM_OK;
    lm_array *children = lm__arena_array(&run->batch->arena, count, sizeof *children);
    if (!children) return lm__cast_memory(run);
    for (int32_t i = 0; i < in->n_children; i++)
        LM_TRY(relabel(run, &in->children[i], &field->children[i], &children[i]));
    out->children = children;
    if (!in->dictionary) return LM_OK;
    out->dictionary = &children[in->n_children];
    return relabel(run, in->dictionary, field->dictionary, &children[in->n_children]);
}

lm_status lm__cast_pass(cast_run *run, const cast_plan *plan, const lm_array *in, lm_array *out)
{
    return relabel(run, in, plan->to, out);
}

lm_status lm__cast_nulls(cast_run *run, const cast_plan *plan, const lm_array *in, lm_array *out)
{
    lm_builder builder;
    LM_TRY(lm__builder_init(&builder, run->batch->allocator, plan->to, run->error));
    lm_status status = lm__cast_built(run, plan, lm__build_nulls(&builder, in->length));
    if (status == LM_OK) status = lm__builder_take(&builder, run->batch, out, run->error);
    lm__builder_deinit(&builder);
    return status;
}

lm_status lm__cast_struct(cast_run *run, const cast_plan *plan, const lm_array *in, lm_array *out)
{
    int32_t count = plan->to->n_children;
    LM_TRY(lm__cast_validity(run, in, out));
    lm_array *children = lm__arena_array(&run->batch->arena, (size_t)count, sizeof *children);
    if (!children) return lm__cast_memory(run);
    cast_frame frame = {run->frame, lm__array_bits(in), NULL, in->length};
    run->frame = &frame;
    lm_status status = LM_OK;
    for (int32_t i = 0; status == LM_OK && i < count; i++) {
        const cast_plan *child = &plan->children[i];
        int32_t source = plan->sources[i];
        lm_array part = source < 0 ? *in : lm__array_child(in, source); /* or only its length */
        children[i] = (lm_array){.field = child->to, .values = zeros};
        status = child->step(run, child, &part, &children[i]);
    }
    run->frame = frame.up;
    out->children = children;
    out->n_children = count;
    return status;
}

/* The cast of tables. */

lm_status lm__cast_new(const lm_allocator *allocator, lm_schema *source, lm_schema *target,
                       const lm_cast_options *options, lm_cast **cast, lm_error *error)
{
    *cast = NULL;
    lm_cast *made = lm__alloc_zero(allocator, sizeof *made);
    if (!made) return lm__error_memory(error, "planning a cast");
    made->allocator = allocator;
    made->source = lm_schema_ref(source);
    made->target = lm_schema_ref(target);
    lm__arena_init(&made->arena, allocator, 0);
    made->arena.block_bytes = 2048;
    lm_status status =
        lm__cast_plan_make(&made->arena, &source->root, &target->root, options, &made->plan, error);
    if (status == LM_OK)
        *cast = made;
    else
        lm__cast_free(made);
    return status;
}

void lm__cast_free(lm_cast *cast)
{
    if (!cast) return;
    lm__arena_deinit(&cast->arena);
    lm_schema_free(cast->source);
    lm_schema_free(cast->target);
    lm__free(cast->allocator, cast);
}

lm_status lm__cast_batch(const lm_cast *cast, lm_batch *source, int64_t first_row, lm_batch **batch,
                         lm_error *error)
{
    *batch = NULL;
    lm_batch *made;
    LM_TRY(lm__batch_new(cast->allocator, cast->target, lm__batch_rows(source), &made, error));
    made->parent = lm__batch_ref(source);
    cast_run run = {.batch = made, .first_row = first_row, .error = error};
    lm_array root = {.field = &cast->target->root, .values = zeros};
    lm_status status = cast->plan.step(&run, &cast->plan, &source->root, &root);
    if (status == LM_OK) status = lm__columns_check_nulls(&root, first_row, error);
    if (status == LM_OK) {
        made->root = root;
        *batch = made;
    } else {
        lm__batch_unref(made);
    }
    return status;
}

/* The stream. */

typedef struct cast_stream {
    lm_stream stream;
    const lm_allocator *allocator;
    lm_stream *source;
    lm_cast *cast;
    int64_t rows; /* given so far */
} cast_stream;

static lm_status cast_stream_next(lm_stream *stream, lm_batch **batch, lm_error *error)
{
    cast_stream *own = (cast_stream *)stream;
    lm_batch *source;
    LM_TRY(lm__stream_next(own->source, &source, error));
    if (!source) return LM_OK;
    lm_status status = lm__cast_batch(own->cast, source, own->rows, batch, error);
    own->rows += lm__batch_rows(source);
    lm__batch_unref(source);
    return status;
}

static void cast_stream_close(lm_stream *stream)
{
    cast_stream *own = (cast_stream *)stream;
    lm__stream_close(own->source);
    lm__cast_free(own->cast);
    lm__free(own->allocator, own);
}

static const lm_stream_ops cast_stream_ops = {cast_stream_next, cast_stream_close};

lm_status lm__cast_stream_take(const lm_allocator *allocator, lm_stream *source, lm_schema *target,
                               const lm_cast_options *options, lm_stream **stream, lm_error *error)
{
    *stream = NULL;
    lm_cast *cast;
    lm_status status = lm__cast_new(allocator, source->schema, target, options, &cast, error);
    cast_stream *own = status == LM_OK ? lm__alloc_zero(allocator, sizeof *own) : NULL;
    if (!own) {
        lm__stream_close(source);
        if (status != LM_OK) return status;
        lm__cast_free(cast);
        return lm__error_memory(error, "casting a stream");
    }
    *own = (cast_stream){.allocator = allocator, .source = source, .cast = cast};
    lm__stream_init(&own->stream, &cast_stream_ops, target);
    *stream = &own->stream;
    return LM_OK;
}

lm_status lm_cast_stream_take(const lm_allocator *allocator, struct ArrowArrayStream *source,
                              lm_schema *target, const lm_cast_options *options,
                              struct ArrowArrayStream *out, lm_error *error)
{
    lm_stream *in, *cast;
    *out = (struct ArrowArrayStream){0};
    LM_TRY(lm__stream_import_take(allocator, source, LM_VALIDATE_TEXT, &in, error));
    LM_TRY(lm__cast_stream_take(allocator, in, target, options, &cast, error));
    return lm__stream_export_take(allocator, cast, out, error);
}
