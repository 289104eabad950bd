/* Batches: counted owners of views; see batch.h. */
#include "arrow/batch.h"

#include "arrow/import.h"
#include "arrow/validate.h"
#include "base/alloc.h"
#include "base/error.h"

static lm_status batch_alloc(const lm_allocator *allocator, lm_schema *schema, lm_batch **batch,
                             lm_error *error)
{
    lm_batch *made = lm__alloc_zero(allocator, sizeof *made);
    *batch = NULL;
    if (!made) return lm__error_memory(error, "making a batch");
    atomic_init(&made->references, 1);
    made->allocator = lm__allocator_or_default(allocator);
    made->schema = lm_schema_ref(schema);
    lm__arena_init(&made->arena, allocator, 0);
    made->arena.block_bytes = 2048;
    made->root.field = &schema->root;
    *batch = made;
    return LM_OK;
}

lm_batch *lm__batch_ref(lm_batch *batch)
{
    atomic_fetch_add_explicit(&batch->references, 1, memory_order_relaxed);
    return batch;
}

void lm__batch_unref(lm_batch *batch)
{
    if (!batch) return;
    if (atomic_fetch_sub_explicit(&batch->references, 1, memory_order_acq_rel) != 1) return;
    if (batch->source.release) batch->source.release(&batch->source);
    for (size_t i = 0; i < batch->n_owned; i++)
        batch->owned[i].release(batch->owned[i].context, batch->owned[i].memory);
    lm__free(batch->allocator, batch->owned);
    lm__batch_unref(batch->parent);
    lm__arena_deinit(&batch->arena);
    lm_schema_free(batch->schema);
    lm__free(batch->allocator, batch);
}

lm_status lm__batch_own_take(lm_batch *batch, lm_owned memory)
{
    if (!lm__array_room(batch->allocator, &batch->owned, &batch->owned_capacity, batch->n_owned + 1,
                        sizeof *batch->owned)) {
        memory.release(memory.context, memory.memory);
        return LM_NO_MEMORY;
    }
    batch->owned[batch->n_owned++] = memory;
    return LM_OK;
}

static void free_memory(void *context, void *memory) { lm__free(context, memory); }

lm_status lm__batch_own_memory_take(lm_batch *batch, void *memory)
{
    return lm__batch_own_take(batch,
                              (lm_owned){memory, free_memory, (void *)(uintptr_t)batch->allocator});
}

lm_status lm__batch_new(const lm_allocator *allocator, lm_schema *schema, int64_t rows,
                        lm_batch **batch, lm_error *error)
{
    LM_TRY(batch_alloc(allocator, schema, batch, error));
    lm_array *root = &(*batch)->root;
    int32_t count = schema->root.n_children;
    lm_array *columns = lm__arena_array(&(*batch)->arena, (size_t)count, sizeof *columns);
    if (!columns) {
        lm__batch_unref(*batch);
        *batch = NULL;
        return lm__error_memory(error, "making a batch");
    }
    for (int32_t i = 0; i < count; i++)
        columns[i] = (lm_array){.field = &schema->root.children[i], .length = rows};
    root->length = rows;
    root->children = columns;
    root->n_children = count;
    return LM_OK;
}

lm_status lm__batch_import_rows_take(const lm_allocator *allocator, lm_schema *schema,
                                     struct ArrowArray *array, lm_validate validate,
                                     int64_t first_row, lm_batch **batch, lm_error *error)
{
    struct ArrowArray own = *array;
    array->release = NULL;
    lm_status status = batch_alloc(allocator, schema, batch, error);
    if (status != LM_OK) {
        if (own.release) own.release(&own);
        return status;
    }
    (*batch)->source = own;
    lm_array *root = &(*batch)->root;
    status = lm__array_import(*batch, &(*batch)->source, &schema->root, NULL, root, error);
    if (status == LM_OK) status = lm__batch_check_rows(*batch, validate, first_row, error);
    if (status == LM_OK && lm__array_null_count(root) > 0)
        status = lm__error_set(error, LM_DATA,
                               "the table has rows that are null as a whole (%lld of them)",
                               (long long)lm__array_null_count(root));
    if (status == LM_OK) {
        root->validity = NULL;
        root->null_count = 0;
        return LM_OK;
    }
    lm__batch_unref(*batch);
    *batch = NULL;
    return status;
}

lm_status lm__batch_import_take(const lm_allocator *allocator, lm_schema *schema,
                                struct ArrowArray *array, lm_validate validate, lm_batch **batch,
                                lm_error *error)
{
    return lm__batch_import_rows_take(allocator, schema, array, validate, 0, batch, error);
}

lm_status lm__batch_slice(lm_batch *batch, int64_t start, int64_t length, lm_batch **slice,
                          lm_error *error)
{
    *slice = NULL;
    if (start < 0 || length < 0 || start > batch->root.length ||
        length > batch->root.length - start)
        return lm__error_set(error, LM_INVALID, "rows %lld and %lld on, of %lld", (long long)start,
                             (long long)length, (long long)batch->root.length);
    LM_TRY(batch_alloc(batch->allocator, batch->schema, slice, error));
    (*slice)->parent = lm__batch_ref(batch);
    (*slice)->root = lm__array_slice(&batch->root, start, length);
    return LM_OK;
}

lm_status lm__batch_rest_next(lm_batch_rest *rest, int64_t rows_most, lm_batch **piece,
                              lm_error *error)
{
    lm_batch *whole = rest->batch;
    *piece = NULL;
    if (!whole) return LM_OK;
    int64_t rows = lm__batch_rows(whole) - rest->at;
    bool is_last = rows_most == 0 || rows <= rows_most;
    if (!is_last) rows = rows_most;
    if (is_last && rest->at == 0)
        *piece = lm__batch_ref(whole);
    else
        LM_TRY(lm__batch_slice(whole, rest->at, rows, piece, error));
    rest->at += rows;
    if (!is_last) return LM_OK;
    lm__batch_unref(whole);
    *rest = (lm_batch_rest){0};
    return LM_OK;
}
