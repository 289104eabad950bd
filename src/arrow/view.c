/* Views of arrays; see view.h. */
#include "arrow/view.h"

int64_t lm__array_null_count(const lm_array *array)
{
    if (array->field->type.id == LM_TYPE_NULL) return array->length;
    if (!array->validity) return 0;
    if (array->null_count >= 0) return array->null_count;
    return array->length - (int64_t)lm__bits_count(lm__array_bits(array), (size_t)array->length);
}

bool lm__array_valid_logical(const lm_array *array, int64_t row)
{
    if (!lm__array_valid(array, row)) return false;
    if (array->dictionary)
        return lm__array_valid_logical(array->dictionary, lm__array_index(array, row));
    if (array->field->type.layout != LM_LAYOUT_RUN_END) return true;
    return lm__array_valid_logical(&array->children[1], lm__array_run_find(array, row, NULL));
}

lm_array lm__array_child(const lm_array *parent, int32_t child)
{
    const lm_array *whole = &parent->children[child];
    int64_t start, end;
    switch (parent->field->type.layout) {
    case LM_LAYOUT_STRUCT: return lm__array_slice(whole, parent->offset, parent->length);
    case LM_LAYOUT_FIXED_LIST: {
        int64_t size = parent->field->type.list_size;
        return lm__array_slice(whole, parent->offset * size, parent->length * size);
    }
    case LM_LAYOUT_LIST:
    case LM_LAYOUT_LARGE_LIST:
        lm__array_span(parent, &start, &end);
        return lm__array_slice(whole, start, end - start);
    default: return *whole; /* list views and run ends */
    }
}

static int64_t run_end_at(const lm_array *ends, int64_t run)
{
    int64_t at = ends->offset + run;
    switch (ends->field->type.id) {
    case LM_TYPE_INT16: return ((const int16_t *)ends->values)[at];
    case LM_TYPE_INT32: return ((const int32_t *)ends->values)[at];
    default: return ((const int64_t *)ends->values)[at];
    }
}

int64_t lm__array_run_find(const lm_array *array, int64_t row, int64_t *run_end)
{
    const lm_array *ends = &array->children[0];
    int64_t target = array->offset + row, low = 0, high = ends->length - 1;
    while (low < high) { /* the first run that ends after the target */
        int64_t middle = low + (high - low) / 2;
        if (run_end_at(ends, middle) > target)
            high = middle;
        else
            low = middle + 1;
    }
    if (run_end) {
        int64_t end = run_end_at(ends, low) - array->offset;
        *run_end = end < array->length ? end : array->length;
    }
    return low;
}
