/*
 * Casts among lists of all kinds, and maps.
 *
 * Whatever the source is, it is first told as offsets (64 bits, from 0) into a run of items without
 * gaps; that run is cast, and the target is put together from the offsets. Items are only moved
 * where the source has them out of order, or the target needs as many in null rows as in others.
 */
#include <stdio.h>

#include "arrow/cast_plan.h"
#include "base/alloc.h"
#include "base/error.h"
#include "base/limits.h"

typedef struct told_list {
    int64_t *offsets; /* rows + 1 */
    lm_array items;
} told_list;

static lm_status refuse_large(const cast_run *run, const cast_plan *plan)
{
    return lm__cast_built(run, plan, LM_LIMIT);
}

/* The offsets; true in *gathered when the items must be moved to where they say. Rows that are not
 * there get `null_items` items, when that is not negative. */
static lm_status tell_offsets(cast_run *run, const cast_plan *plan, const lm_array *in,
                              int64_t null_items, int64_t *offsets, bool *gathered)
{
    int64_t sum = 0, next = -1;
    lm_layout layout = in->field->type.layout;
    bool fixed = layout == LM_LAYOUT_FIXED_LIST;
    offsets[0] = 0;
    *gathered = false;
    for (int64_t row = 0; row < in->length; row++) {
        int64_t start, size;
        lm__array_list_range(in, row, &start, &size);
        if (null_items >= 0 && size != null_items && !lm__cast_is_live(run, in, row)) {
            *gathered = true;
            size = null_items;
        }
        if (size > 0 && next >= 0 && start != next) *gathered = true;
        if (size > 0 || fixed) next = start + size;
        sum += size;
        if (sum > LM_ARROW_ROWS_MAX) return refuse_large(run, plan);
        offsets[row + 1] = sum;
    }
    return LM_OK;
}

/* The items one by one in the order of the rows; nulls for rows that are not there. */
static lm_status gather_items(cast_run *run, const cast_plan *plan, const lm_array *in,
                              told_list *told, bool fill)
{
    int64_t count = told->offsets[in->length];
    int64_t *indices = lm__alloc_array(run->batch->allocator, (size_t)count, sizeof *indices);
    if (!indices) return lm__cast_memory(run);
    for (int64_t row = 0; row < in->length; row++) {
        int64_t start, size;
        lm__array_list_range(in, row, &start, &size);
        bool missing = fill && !lm__cast_is_live(run, in, row);
        for (int64_t at = told->offsets[row]; at < told->offsets[row + 1]; at++)
            indices[at] = missing ? -1 : start++;
    }
    lm_status status = lm__cast_take(run, plan, &in->children[0], indices, count, &told->items);
    lm__free(run->batch->allocator, indices);
    return status;
}

static lm_status tell_list(cast_run *run, const cast_plan *plan, const lm_array *in,
                           told_list *told)
{
    bool to_fixed = plan->to->type.layout == LM_LAYOUT_FIXED_LIST, gathered;
    int64_t null_items = to_fixed ? plan->to->type.list_size : -1;
    if (in->field->type.layout == LM_LAYOUT_LIST_VIEW ||
        in->field->type.layout == LM_LAYOUT_LARGE_LIST_VIEW)
        null_items = to_fixed ? null_items : 0;
    told->offsets = lm__cast_alloc(run, (size_t)in->length + 1, sizeof *told->offsets);
    if (!told->offsets) return lm__cast_memory(run);
    LM_TRY(tell_offsets(run, plan, in, null_items, told->offsets, &gathered));
    if (gathered) return gather_items(run, plan, in, told, null_items >= 0);
    int64_t count = told->offsets[in->length], first = 0;
    for (int64_t row = 0; row < in->length && count > 0; row++) {
        int64_t size;
        lm__array_list_range(in, row, &first, &size);
        if (told->offsets[row + 1] > 0) break; /* the first row that has items */
    }
    told->items = lm__array_slice(&in->children[0], first, count);
    return LM_OK;
}

static lm_status check_sizes(const cast_run *run, const cast_plan *plan, const int64_t *offsets,
                             int64_t rows)
{
    int64_t want = plan->to->type.list_size;
    for (int64_t row = 0; row < rows; row++) {
        int64_t size = offsets[row + 1] - offsets[row];
        if (size != want)
            return lm__cast_refuse(run, plan, row, "a list of %lld items, not %lld",
                                   (long long)size, (long long)want);
    }
    return LM_OK;
}

/* What the target's layout has instead of 64-bit offsets. */
static lm_status put_offsets(cast_run *run, const cast_plan *plan, const int64_t *offsets,
                             lm_array *out)
{
    size_t rows = (size_t)out->length;
    lm_layout layout = plan->to->type.layout;
    bool views = layout == LM_LAYOUT_LIST_VIEW || layout == LM_LAYOUT_LARGE_LIST_VIEW;
    out->offsets = offsets;
    if (layout == LM_LAYOUT_FIXED_LIST) out->offsets = NULL;
    if (layout == LM_LAYOUT_LIST || layout == LM_LAYOUT_LIST_VIEW) {
        int32_t *narrow = lm__cast_alloc(run, rows + 1, sizeof *narrow);
        if (!narrow) return lm__cast_memory(run);
        if (offsets[rows] > INT32_MAX) return refuse_large(run, plan);
        for (size_t i = 0; i <= rows; i++) narrow[i] = (int32_t)offsets[i];
        out->offsets = narrow;
    }
    if (!views) return LM_OK;
    size_t width = layout == LM_LAYOUT_LIST_VIEW ? 4 : 8;
    uint8_t *sizes = lm__cast_alloc(run, rows, width);
    if (!sizes) return lm__cast_memory(run);
    for (size_t i = 0; i < rows; i++) {
        int64_t size = offsets[i + 1] - offsets[i];
        memcpy(sizes + i * width, &size, width);
    }
    out->sizes = sizes;
    return LM_OK;
}

lm_status lm__cast_list(cast_run *run, const cast_plan *plan, const lm_array *in, lm_array *out)
{
    told_list told;
    LM_TRY(lm__cast_validity(run, in, out));
    LM_TRY(tell_list(run, plan, in, &told));
    if (plan->to->type.layout == LM_LAYOUT_FIXED_LIST)
        LM_TRY(check_sizes(run, plan, told.offsets, in->length));
    LM_TRY(put_offsets(run, plan, told.offsets, out));
    lm_array *items = lm__arena_zero(&run->batch->arena, sizeof *items);
    if (!items) return lm__cast_memory(run);
    static const int64_t zeros[2];
    *items = (lm_array){.field = &plan->to->children[0], .values = zeros};
    cast_frame frame = {run->frame, lm__array_bits(in), told.offsets, in->length};
    run->frame = &frame;
    lm_status status = plan->children[0].step(run, &plan->children[0], &told.items, items);
    run->frame = frame.up;
    out->children = items;
    out->n_children = 1;
    return status;
}
