/* What was built becomes an array, once a batch; see build.h. */
#include "arrow/build.h"
#include "base/error.h"

static const int64_t zeros[2];

/* Hands memory over; what the batch cannot take is freed. */
static lm_status give(lm_batch *batch, uint8_t **memory, const void **view)
{
    uint8_t *given = *memory;
    *memory = NULL;
    *view = given ? (const void *)given : zeros;
    if (!given) return LM_OK;
    return lm__batch_own_memory_take(batch, given);
}

static lm_status give_views(lm_builder *builder, lm_batch *batch, lm_array *out)
{
    if (builder->bytes.size > 0) LM_TRY(lm__builder_turn_page(builder));
    size_t count = (size_t)builder->n_full;
    const void **buffers = lm__arena_array(&batch->arena, count, sizeof *buffers);
    int64_t *sizes = lm__arena_array(&batch->arena, count, sizeof *sizes);
    if (!buffers || !sizes) return LM_NO_MEMORY;
    for (size_t i = 0; i < count; i++) {
        sizes[i] = (int64_t)builder->full[i].size;
        LM_TRY(give(batch, &builder->full[i].data, &buffers[i]));
    }
    out->variadic = buffers;
    out->variadic_sizes = sizes;
    out->n_variadic = builder->n_full;
    return LM_OK;
}

static lm_status take_buffers(lm_builder *builder, lm_batch *batch, lm_array *out)
{
    const void *validity = NULL;
    lm_layout layout = builder->field->type.layout;
    *out = (lm_array){
        .field = builder->field,
        .length = builder->length,
        .null_count = builder->null_count,
        .n_children = builder->n_children,
        .values = zeros,
    };
    if (builder->validity) LM_TRY(give(batch, &builder->validity, &validity));
    out->validity = builder->null_count ? validity : NULL;
    if (layout == LM_LAYOUT_VIEW) LM_TRY(give_views(builder, batch, out));
    if (lm__offset_width(layout)) {
        LM_TRY(give(batch, &builder->offsets.data, &out->offsets));
        if (lm__is_list_view(layout))
            LM_TRY(give(batch, &builder->sizes.data, &out->sizes));
        else
            LM_TRY(give(batch, &builder->bytes.data, &out->values));
        return LM_OK;
    }
    return give(batch, &builder->values.data, &out->values);
}

static lm_status take_tree(lm_builder *builder, lm_batch *batch, lm_array *out)
{
    LM_TRY(take_buffers(builder, batch, out));
    size_t count = (size_t)builder->n_children + !!builder->dictionary;
    if (count == 0) return LM_OK;
    lm_array *children = lm__arena_array(&batch->arena, count, sizeof *children);
    if (!children) return LM_NO_MEMORY;
    for (size_t i = 0; i < count; i++)
        LM_TRY(take_tree(&builder->children[i], batch, &children[i]));
    out->children = children;
    if (builder->dictionary) out->dictionary = &children[builder->n_children];
    return LM_OK;
}

/* Forgets memory that has been given away, so that the builder begins anew. */
static void begin_anew(lm_builder *builder)
{
    for (int32_t i = 0; i < builder->n_children; i++) begin_anew(&builder->children[i]);
    if (builder->dictionary) begin_anew(builder->dictionary);
    lm_growing *buffers[] = {&builder->values, &builder->offsets, &builder->sizes, &builder->bytes};
    for (size_t i = 0; i < sizeof buffers / sizeof *buffers; i++)
        if (!buffers[i]->data) *buffers[i] = (lm_growing){0};
    lm__builder_reset(builder);
    builder->capacity = 0;
    builder->offsets.size = 0;
    builder->dictionary_from = NULL;
}

static lm_status check_lengths(const lm_builder *builder, const lm_path *path, lm_error *error)
{
    for (int32_t i = 0; i < builder->n_children; i++) {
        const lm_builder *child = &builder->children[i];
        lm_path below = {path, child->field->name};
        if (builder->field->type.layout == LM_LAYOUT_STRUCT && child->length != builder->length)
            return lm__path_error(error, LM_BROKEN, &below, "%lld rows were built, not %lld",
                                  (long long)child->length, (long long)builder->length);
        LM_TRY(check_lengths(child, &below, error));
    }
    return LM_OK;
}

lm_status lm__builder_take(lm_builder *builder, lm_batch *batch, lm_array *out, lm_error *error)
{
    LM_TRY(check_lengths(builder, NULL, error));
    lm_status status = take_tree(builder, batch, out);
    begin_anew(builder);
    return status == LM_OK ? LM_OK : lm__error_memory(error, "building a batch");
}

lm_status lm__builder_finish(lm_builder *root, lm_schema *schema, lm_batch **batch, lm_error *error)
{
    if (root->n_children) root->length = root->children[0].length;
    LM_TRY(lm__batch_new(root->allocator, schema, root->length, batch, error));
    lm_array view;
    lm_status status = lm__builder_take(root, *batch, &view, error);
    if (status == LM_OK) {
        view.field = (*batch)->root.field;
        (*batch)->root = view;
        return LM_OK;
    }
    lm__batch_unref(*batch);
    *batch = NULL;
    return status;
}
