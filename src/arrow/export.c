/*
 * From batches to ArrowArrays.
 *
 * Every exported array, children too, holds a reference on the batch, so that a consumer may move a
 * child out and release the rest. The root of a table is exported with offset 0 (its columns are
 * sliced instead): some consumers take no other.
 */
#include "arrow/batch.h"
#include "base/alloc.h"
#include "base/error.h"

typedef struct exported {
    lm_batch *batch;
    const void **buffers;
    struct ArrowArray *arrays; /* the children's, and the dictionary's behind them */
    struct ArrowArray **pointers;
} exported;

static void exported_release(struct ArrowArray *array)
{
    exported *own = array->private_data;
    for (int64_t i = 0; i < array->n_children; i++)
        if (array->children[i]->release) array->children[i]->release(array->children[i]);
    if (array->dictionary && array->dictionary->release)
        array->dictionary->release(array->dictionary);
    array->release = NULL;
    lm_batch *batch = own->batch;
    lm__free(batch->allocator, own);
    lm__batch_unref(batch);
}

/* Buffers of one array, as the C interface orders them; returns how many. */
static int64_t put_buffers(const lm_array *view, const void **buffers)
{
    buffers[0] = view->validity;
    switch (view->field->type.layout) {
    case LM_LAYOUT_NULL:
    case LM_LAYOUT_RUN_END: return 0;
    case LM_LAYOUT_FIXED_LIST:
    case LM_LAYOUT_STRUCT: return 1;
    case LM_LAYOUT_BITS:
    case LM_LAYOUT_FIXED: buffers[1] = view->values; return 2;
    case LM_LAYOUT_LIST:
    case LM_LAYOUT_LARGE_LIST: buffers[1] = view->offsets; return 2;
    case LM_LAYOUT_LIST_VIEW:
    case LM_LAYOUT_LARGE_LIST_VIEW:
        buffers[1] = view->offsets;
        buffers[2] = view->sizes;
        return 3;
    case LM_LAYOUT_VIEW:
        buffers[1] = view->values;
        for (int32_t i = 0; i < view->n_variadic; i++) buffers[2 + i] = view->variadic[i];
        buffers[2 + view->n_variadic] = view->variadic_sizes;
        return 3 + view->n_variadic;
    default: /* binary */
        buffers[1] = view->offsets;
        buffers[2] = view->values;
        return 3;
    }
}

/* One block for all that an array owns. */
static exported *exported_new(lm_batch *batch, const lm_array *view)
{
    size_t children = (size_t)view->n_children, buffers = 3 + (size_t)view->n_variadic;
    size_t arrays = children + !!view->dictionary;
    size_t bytes = sizeof(exported) + arrays * sizeof(struct ArrowArray) +
                   children * sizeof(struct ArrowArray *) + buffers * sizeof(void *);
    exported *own = lm__alloc_zero(batch->allocator, bytes);
    if (!own) return NULL;
    own->batch = lm__batch_ref(batch);
    own->arrays = (struct ArrowArray *)(own + 1);
    own->pointers = (struct ArrowArray **)(own->arrays + arrays);
    own->buffers = (const void **)(own->pointers + children);
    return own;
}

static lm_status export_array(lm_batch *batch, const lm_array *view, bool is_root,
                              struct ArrowArray *out)
{
    exported *own = exported_new(batch, view);
    if (!own) return LM_NO_MEMORY;
    *out = (struct ArrowArray){
        .length = view->length,
        .null_count = view->null_count,
        .offset = is_root ? 0 : view->offset,
        .n_buffers = put_buffers(view, own->buffers),
        .n_children = view->n_children,
        .buffers = own->buffers,
        .children = own->pointers,
        .release = exported_release,
        .private_data = own,
    };
    lm_status status = LM_OK;
    for (int32_t i = 0; i < view->n_children; i++) own->pointers[i] = &own->arrays[i];
    for (int32_t i = 0; status == LM_OK && i < view->n_children; i++) {
        lm_array child = is_root ? lm__array_child(view, i) : view->children[i];
        status = export_array(batch, &child, false, &own->arrays[i]);
    }
    if (status == LM_OK && view->dictionary) {
        out->dictionary = &own->arrays[view->n_children];
        status = export_array(batch, view->dictionary, false, out->dictionary);
    }
    if (status != LM_OK) exported_release(out);
    return status;
}

lm_status lm__batch_export(lm_batch *batch, struct ArrowArray *out, lm_error *error)
{
    lm_status status = export_array(batch, &batch->root, true, out);
    if (status == LM_OK) return LM_OK;
    *out = (struct ArrowArray){0};
    return lm__error_memory(error, "exporting a batch");
}
