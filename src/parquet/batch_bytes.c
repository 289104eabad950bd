/* What a batch weighs: row groups are bounded in bytes of Arrow data. */
#include "parquet/writer.h"

/* Views are told by their sixteen bytes and the share of the buffers that all rows have. */
static double array_bytes(const lm_array *array)
{
    double rows = (double)array->length, bytes = array->validity ? rows / 8 : 0;
    if (array->length == 0) return 0;
    switch (array->field->type.layout) {
    case LM_LAYOUT_BITS: return bytes + rows / 8;
    case LM_LAYOUT_FIXED: return bytes + rows * array->field->type.byte_width;
    case LM_LAYOUT_BINARY: {
        const int32_t *offsets = (const int32_t *)array->offsets + array->offset;
        return bytes + 4 * rows + (double)offsets[array->length] - (double)offsets[0];
    }
    case LM_LAYOUT_LARGE_BINARY: {
        const int64_t *offsets = (const int64_t *)array->offsets + array->offset;
        return bytes + 8 * rows + (double)offsets[array->length] - (double)offsets[0];
    }
    case LM_LAYOUT_VIEW: {
        bytes += 16 * rows;
        double whole = (double)(array->offset + array->length);
        for (int32_t i = 0; i < array->n_variadic; i++)
            bytes += (double)array->variadic_sizes[i] * rows / whole;
        return bytes;
    }
    default: break;
    }
    for (int32_t i = 0; i < array->n_children; i++) {
        lm_array child = lm__array_child(array, i);
        bytes += array_bytes(&child);
    }
    return bytes + 8 * rows;
}

double lm__batch_row_bytes(const lm_batch *batch)
{
    int64_t rows = lm__batch_rows(batch);
    return rows ? array_bytes(&batch->root) / (double)rows : 0;
}
