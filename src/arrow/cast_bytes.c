/*
 * Casts among text and binary of all kinds. The bytes themselves are shared with the source
 * wherever only the way they are pointed at changes.
 */
#include <stdio.h>

#include "arrow/cast_plan.h"
#include "base/error.h"
#include "base/utf8.h"

/* Offsets of 0 to `length` rows of `width` bytes, or those of `in`, moved to begin at 0. */
static lm_status make_offsets(cast_run *run, const lm_array *in, bool large, lm_array *out)
{
    size_t count = (size_t)in->length + 1;
    void *offsets = lm__cast_alloc(run, count, large ? 8 : 4);
    if (!offsets) return lm__cast_memory(run);
    int64_t width = in->field->type.byte_width;
    /* Without offsets there are values of a width, or no rows at all. */
    bool fixed = in->field->type.layout == LM_LAYOUT_FIXED || !in->offsets;
    const int32_t *narrow = fixed ? NULL : (const int32_t *)in->offsets + in->offset;
    const int64_t *wide = fixed ? NULL : (const int64_t *)in->offsets + in->offset;
    bool from_large = in->field->type.layout == LM_LAYOUT_LARGE_BINARY;
    for (size_t i = 0; i < count; i++) {
        int64_t offset = fixed        ? (int64_t)i * width
                         : from_large ? wide[i] - wide[0]
                                      : (int64_t)narrow[i] - narrow[0];
        if (large)
            ((int64_t *)offsets)[i] = offset;
        else
            ((int32_t *)offsets)[i] = (int32_t)offset;
    }
    out->offsets = offsets;
    return LM_OK;
}

/* Where the contents of a binary or fixed array begin, and how many there are. */
static const uint8_t *contents_of(const lm_array *in, int64_t *size)
{
    if (in->field->type.layout == LM_LAYOUT_FIXED) {
        *size = in->length * in->field->type.byte_width;
        return lm__array_fixed(in);
    }
    int64_t first, last;
    lm__array_span(in, &first, &last);
    *size = last - first;
    return (const uint8_t *)in->values + first;
}

/* Views onto the source's own bytes. */
static lm_status make_views(cast_run *run, const lm_array *in, const uint8_t *contents,
                            int64_t size, lm_array *out)
{
    lm_view *views = lm__cast_alloc(run, (size_t)in->length, sizeof *views);
    const void **buffers = lm__arena_alloc(&run->batch->arena, sizeof *buffers);
    int64_t *sizes = lm__arena_alloc(&run->batch->arena, sizeof *sizes);
    if (!views || !buffers || !sizes) return lm__cast_memory(run);
    buffers[0] = contents;
    sizes[0] = size;
    for (int64_t row = 0; row < in->length; row++) {
        size_t length = 0;
        const uint8_t *bytes = NULL;
        if (lm__array_valid(in, row)) bytes = lm__array_bytes(in, row, &length);
        views[row] = lm__view_of(bytes, length, 0, length ? (int32_t)(bytes - contents) : 0);
    }
    out->values = views;
    out->variadic = buffers;
    out->variadic_sizes = sizes;
    out->n_variadic = 1;
    return LM_OK;
}

static lm_status make_fixed(cast_run *run, const cast_plan *plan, const lm_array *in, lm_array *out)
{
    size_t width = (size_t)plan->to->type.byte_width, size;
    uint8_t *to = lm__cast_alloc(run, (size_t)in->length, width);
    if (!to) return lm__cast_memory(run);
    out->values = to;
    for (int64_t row = 0; row < in->length; row++, to += width) {
        const uint8_t *bytes = lm__array_valid(in, row) ? lm__array_bytes(in, row, &size) : NULL;
        if (bytes && size == width) {
            if (width) memcpy(to, bytes, width);
            continue;
        }
        memset(to, 0, width);
        if (!bytes || !lm__cast_is_live(run, in, row)) continue;
        char why[80];
        snprintf(why, sizeof why, "has %zu bytes, not %zu", size, width);
        return lm__cast_refuse_bytes(run, plan, in, row, why);
    }
    return LM_OK;
}

/* Every value copied: from views, and where offsets or views could not reach. */
static lm_status copy_values(cast_run *run, const cast_plan *plan, const lm_array *in,
                             lm_array *out)
{
    lm_builder builder;
    LM_TRY(lm__builder_init(&builder, run->batch->allocator, plan->to, run->error));
    lm_status status = lm__builder_reserve(&builder, in->length);
    for (int64_t row = 0; status == LM_OK && row < in->length; row++) {
        size_t size;
        if (!lm__array_valid(in, row)) {
            status = lm__build_null(&builder);
            continue;
        }
        const uint8_t *bytes = lm__array_bytes(in, row, &size);
        status = lm__build_bytes(&builder, bytes, size);
    }
    status = lm__cast_built(run, plan, status);
    if (status == LM_OK) status = lm__builder_take(&builder, run->batch, out, run->error);
    lm__builder_deinit(&builder);
    return status;
}

static lm_status check_utf8(const cast_run *run, const cast_plan *plan, const lm_array *in)
{
    for (int64_t row = 0; row < in->length; row++) {
        size_t size;
        if (!lm__array_valid(in, row)) continue;
        const uint8_t *bytes = lm__array_bytes(in, row, &size);
        if (!lm__utf8_valid(bytes, size) && lm__cast_is_live(run, in, row))
            return lm__cast_refuse_bytes(run, plan, in, row, "is not UTF-8");
    }
    return LM_OK;
}

lm_status lm__cast_bytes(cast_run *run, const cast_plan *plan, const lm_array *in, lm_array *out)
{
    lm_layout from = plan->from->type.layout, to = plan->to->type.layout;
    if (lm__type_is_text(plan->to->type.id) && !lm__type_is_text(plan->from->type.id))
        LM_TRY(check_utf8(run, plan, in));
    if (from == to && from != LM_LAYOUT_FIXED) return lm__cast_pass(run, plan, in, out);
    if (to == LM_LAYOUT_FIXED) {
        LM_TRY(lm__cast_validity(run, in, out));
        return make_fixed(run, plan, in, out);
    }
    if (from == LM_LAYOUT_VIEW) return copy_values(run, plan, in, out);
    int64_t size;
    const uint8_t *contents = contents_of(in, &size);
    if (size > INT32_MAX && to != LM_LAYOUT_LARGE_BINARY) return copy_values(run, plan, in, out);
    LM_TRY(lm__cast_validity(run, in, out));
    if (to == LM_LAYOUT_VIEW) return make_views(run, in, contents, size, out);
    out->values = contents;
    return make_offsets(run, in, to == LM_LAYOUT_LARGE_BINARY, out);
}
