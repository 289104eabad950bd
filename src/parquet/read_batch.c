/*
 * Parts into a batch: the buffers change hands, and what Arrow has otherwise than Parquet (views,
 * 64-bit offsets, fixed lists, dictionaries) is made of them.
 */
#include <string.h>

#include "arrow/build.h"
#include "base/alloc.h"
#include "base/error.h"
#include "encode/dict.h"
#include "encode/plain.h"
#include "parquet/read_coded.h"
#include "parquet/read_rows.h"

typedef struct batch_maker {
    const lm_allocator *allocator;
    const lm_read_plan *plan;
    lm_read_part *parts;
    lm_batch *batch;
    lm_error *error;
} batch_maker;

static lm_status no_memory(batch_maker *m) { return lm__error_memory(m->error, "making a batch"); }

static lm_status disagree(batch_maker *m, const lm_read_field *field)
{
    char path[LM_READ_PATH_MAX];
    return lm__error_set(m->error, LM_CORRUPT,
                         "column %s: its levels do not agree with those of the columns beside it",
                         lm__read_path(field->node, path));
}

/* Moves memory to the batch. */
static lm_status own(batch_maker *m, void *memory)
{
    return lm__batch_own_memory_take(m->batch, memory) == LM_OK ? LM_OK : no_memory(m);
}

static void free_large(void *allocator, void *memory) { lm__free_aligned(allocator, memory); }

static lm_status own_large(batch_maker *m, const lm_allocator *allocator, void *memory)
{
    lm_owned owned = {memory, free_large, (void *)(uintptr_t)allocator};
    return lm__batch_own_take(m->batch, owned) == LM_OK ? LM_OK : no_memory(m);
}

/* The same for a column's buffer, of which `used` bytes are used: cut where that is much less than
 * it is, unless what is left is memory that was never touched. */
static lm_status own_buffer(batch_maker *m, lm_read_buffer *buffer, size_t used, const void *memory,
                            const void **out)
{
    lm_read_buffer moved = *buffer;
    *buffer = (lm_read_buffer){0};
    *out = memory;
    if (!moved.memory || moved.in_slab) return LM_OK;
    if (moved.large) return own_large(m, m->allocator, moved.memory);
    uint8_t *cut = lm__realloc_array(m->allocator, moved.memory, used + LM_ENCODE_SLACK, 1);
    if (cut) *out = moved.memory = cut;
    return own(m, moved.memory);
}

static lm_status own_validity(batch_maker *m, const lm_read_field *field, uint8_t **bits,
                              size_t nulls, lm_array *out)
{
    out->null_count = 0;
    if (!lm__read_has_validity(field) || nulls == 0) return LM_OK;
    out->null_count = (int64_t)nulls;
    out->validity = *bits;
    *bits = NULL;
    return own(m, (void *)(uintptr_t)out->validity);
}

/* Values. */

/* The 16-byte views of strings that lie one after the other. */
static lm_status make_views(batch_maker *m, lm_read_vector *vector, lm_array *out)
{
    const int32_t *offsets = vector->offsets;
    size_t count = (size_t)out->length;
    lm_view *views = lm__alloc_array(m->allocator, count + 1, sizeof *views);
    const void **buffers = lm__arena_array(&m->batch->arena, 1, sizeof *buffers);
    int64_t *sizes = lm__arena_array(&m->batch->arena, 1, sizeof *sizes);
    if (!views) return no_memory(m);
    out->values = views;
    if (lm__batch_own_memory_take(m->batch, views) != LM_OK || !buffers || !sizes)
        return no_memory(m);
    const uint8_t *text = lm__bytes(vector->data, 0).data; /* never NULL */
    for (size_t i = 0; i < count; i++)
        views[i] =
            lm__view_of(text + offsets[i], (size_t)(offsets[i + 1] - offsets[i]), 0, offsets[i]);
    sizes[0] = (int64_t)vector->data_size;
    LM_TRY(own_buffer(m, &vector->data_buffer, vector->data_size, vector->data, &buffers[0]));
    if (!buffers[0]) return LM_OK;
    out->variadic = buffers;
    out->variadic_sizes = sizes;
    out->n_variadic = 1;
    return LM_OK;
}

/* Arrow's values of a vector, of the type without dictionary. */
static lm_status make_plain_values(batch_maker *m, const lm_type *type, lm_read_vector *vector,
                                   lm_array *out)
{
    size_t count = vector->count;
    /* Arrow has one offset even where there are no rows. */
    if (vector->form >= LM_FORM_STRINGS32) LM_TRY(lm__read_vector_reserve(vector, 0, m->error));
    switch (vector->form) {
    case LM_FORM_NOTHING: return LM_OK;
    case LM_FORM_BITS:
        return own_buffer(m, &vector->values_buffer, count / 8 + 1, vector->values, &out->values);
    case LM_FORM_FIXED:
        return own_buffer(m, &vector->values_buffer, count * vector->width, vector->values,
                          &out->values);
    default: break;
    }
    if (type->layout == LM_LAYOUT_VIEW) return make_views(m, vector, out);
    size_t width = vector->form == LM_FORM_STRINGS32 ? 4 : 8;
    LM_TRY(own_buffer(m, &vector->offsets_buffer, (count + 1) * width, vector->offsets,
                      &out->offsets));
    return own_buffer(m, &vector->data_buffer, vector->data_size, vector->data, &out->values);
}

static lm_status make_dictionary(batch_maker *m, const lm_read_field *field, lm_read_vector *vector,
                                 lm_array *out);

/* A dictionary of the null type: of no value, and every index is null. */
static lm_status make_null_dictionary(batch_maker *m, const lm_read_field *field, int64_t length,
                                      lm_array *out)
{
    lm_array *values = lm__arena_zero(&m->batch->arena, sizeof *values);
    uint8_t *zeros = lm__alloc_zero(m->allocator, ((size_t)length + 1) * 8);
    if (!values || !zeros) {
        lm__free(m->allocator, zeros);
        return no_memory(m);
    }
    LM_TRY(own(m, zeros));
    values->field = field->field->dictionary;
    out->dictionary = values;
    out->values = out->validity = zeros;
    return LM_OK;
}

static lm_status make_values(batch_maker *m, const lm_read_field *field, int64_t length,
                             lm_array *out)
{
    lm_read_vector *vector = &m->parts[field->owner].vector;
    char path[LM_READ_PATH_MAX];
    if (vector->count != (size_t)length) return disagree(m, field);
    if (vector->form == LM_FORM_NOTHING) {
        out->null_count = length;
        if (vector->nulls == vector->count || field->node->meaning == LM_MEANS_NULL)
            return field->field->dictionary ? make_null_dictionary(m, field, length, out) : LM_OK;
        return lm__error_set(
            m->error, LM_DATA,
            "column %s: values in a column of nulls (ignore_arrow_schema reads it)",
            lm__read_path(field->node, path));
    }
    size_t nulls = vector->nulls;
    if (field->field->type.id == LM_TYPE_DICTIONARY)
        LM_TRY(make_dictionary(m, field, vector, out));
    else
        LM_TRY(make_plain_values(m, &field->field->type, vector, out));
    return own_validity(m, field, &vector->validity, nulls, out);
}

/* Dictionaries. */

static void narrow_indices(const uint32_t *from, size_t count, size_t width, uint8_t *to)
{
    for (size_t i = 0; i < count; i++) {
        uint64_t index = from[i];
        memcpy(to + i * width, &index, width);
    }
}

static lm_status index_width(batch_maker *m, const lm_read_field *field, size_t distinct,
                             size_t *width)
{
    lm_type_id id = field->field->type.index_id;
    char path[LM_READ_PATH_MAX];
    *width = (size_t)field->field->type.byte_width;
    if ((int64_t)distinct - 1 <= lm__type_greatest(id)) return LM_OK;
    return lm__error_set(m->error, LM_LIMIT,
                         "column %s: %zu values in a dictionary of %s indices; read it without "
                         "dictionaries",
                         lm__read_path(field->node, path), distinct, lm__type_name(id));
}

/* The distinct values, as a column of their own. */
static lm_status dictionary_values(batch_maker *m, const lm_read_field *field, const lm_dict *dict,
                                   lm_array *out)
{
    const lm_read_spec *spec = &field->spec;
    size_t count = lm__dict_count(dict), size, bytes, consumed;
    const uint8_t *from = lm__bytes(lm__dict_bytes(dict, &size), 0).data; /* never NULL */
    lm_read_vector values;
    lm__read_vector_init(&values, m->allocator, spec->form, spec->out_width, false);
    values.expected = count;
    lm_status status = lm__read_vector_reserve(&values, count, m->error);
    if (status == LM_OK && spec->form >= LM_FORM_STRINGS32)
        status = lm__read_vector_reserve_data(&values, size - 4 * count, m->error);
    if (status == LM_OK && spec->form == LM_FORM_STRINGS32)
        status = lm__plain_strings_decode32(from, size, count, 0, values.offsets, values.data,
                                            &values.data_size, &consumed, m->error);
    else if (status == LM_OK && spec->form == LM_FORM_STRINGS64)
        status = lm__plain_strings_decode64(from, size, count, 0, values.offsets, values.data,
                                            &values.data_size, &consumed, m->error);
    else if (status == LM_OK && spec->out_width <= 2) /* which the dictionary has widened */
        narrow_indices((const uint32_t *)from, count, spec->out_width, values.values);
    else if (status == LM_OK && __builtin_mul_overflow(count, spec->out_width, &bytes) == 0 &&
             count)
        memcpy(values.values, from, bytes);
    values.count = count;
    *out = (lm_array){.field = field->field->dictionary, .length = (int64_t)count};
    if (status == LM_OK) status = make_plain_values(m, &out->field->type, &values, out);
    lm__read_vector_deinit(&values);
    return status;
}

/* Slots beneath nulls, of a column that itself has none, point at something all the same. */
static lm_status put_nothing(batch_maker *m, const lm_read_spec *spec, lm_dict *dict)
{
    static const int32_t offsets[2] = {0};
    lm_dict_progress progress;
    uint32_t index[1 + LM_ENCODE_SLACK];
    if (spec->form != LM_FORM_FIXED) {
        lm_strings empty = {
            .kind = LM_STRINGS_OFFSETS32, .offsets = offsets, .data = lm__bytes(NULL, 0).data};
        return lm__dict_put_strings(dict, &empty, (lm_bits){0}, 1, index, &progress, m->error);
    }
    uint8_t *zeros = lm__alloc_zero(m->allocator, (size_t)spec->out_width + LM_ENCODE_SLACK);
    if (!zeros) return no_memory(m);
    lm_status status = lm__dict_put(dict, zeros, (lm_bits){0}, 1, index, &progress, m->error);
    lm__free(m->allocator, zeros);
    return status;
}

/* Of false and true; the bits are the indices. */
static lm_status make_bool_dictionary(batch_maker *m, const lm_read_field *field,
                                      const lm_read_vector *vector, lm_array *out)
{
    static const uint8_t both[8] = {2};
    size_t width = (size_t)field->field->type.byte_width;
    lm_array *values = lm__arena_array(&m->batch->arena, 1, sizeof *values);
    uint8_t *indices = lm__alloc_array(m->allocator, vector->count + 1, width);
    if (!values || !indices) {
        lm__free(m->allocator, indices);
        return no_memory(m);
    }
    for (size_t i = 0; i < vector->count; i++) {
        uint64_t index = vector->values && lm__bit_get(vector->values, (int64_t)i);
        memcpy(indices + i * width, &index, width);
    }
    *values = (lm_array){.field = field->field->dictionary, .length = 2, .values = both};
    out->dictionary = values;
    out->values = indices;
    return own(m, indices);
}

static lm_status make_dictionary(batch_maker *m, const lm_read_field *field, lm_read_vector *vector,
                                 lm_array *out)
{
    if (vector->form == LM_FORM_BITS) return make_bool_dictionary(m, field, vector, out);
    const size_t count = vector->count;
    lm_dict *dict = vector->coded->dict;
    lm_array *values = lm__arena_array(&m->batch->arena, 1, sizeof *values);
    size_t width;
    if (!values) return no_memory(m);
    if (!vector->values) LM_TRY(lm__read_vector_reserve(vector, 0, m->error));
    if (count && lm__dict_count(dict) == 0 && !lm__read_has_validity(field))
        LM_TRY(put_nothing(m, &field->spec, dict));
    LM_TRY(index_width(m, field, lm__dict_count(dict), &width));
    LM_TRY(dictionary_values(m, field, dict, values));
    out->dictionary = values;
    if (width == sizeof(uint32_t))
        return own_buffer(m, &vector->values_buffer, count * width, vector->values, &out->values);
    uint8_t *narrow = lm__alloc_array(m->allocator, count + 1, width);
    if (!narrow) return no_memory(m);
    narrow_indices((const uint32_t *)(const void *)vector->values, count, width, narrow);
    out->values = narrow;
    return own(m, narrow);
}

/* Lists and structs. */

static lm_read_group *group_of(batch_maker *m, const lm_read_field *field)
{
    lm_read_part *part = &m->parts[field->owner];
    for (uint32_t i = 0; i < part->group_count; i++)
        if (part->groups[i].field == field) return &part->groups[i];
    return NULL;
}

static lm_status make_array(batch_maker *m, const lm_read_field *field, int64_t length,
                            lm_array *out);

static lm_status make_children(batch_maker *m, const lm_read_field *field, int64_t length,
                               lm_array *out)
{
    lm_array *children =
        lm__arena_array(&m->batch->arena, (size_t)field->n_children + 1, sizeof *children);
    if (!children) return no_memory(m);
    for (int32_t i = 0; i < field->n_children; i++)
        LM_TRY(make_array(m, &field->children[i], length, &children[i]));
    out->children = children;
    out->n_children = field->n_children;
    return LM_OK;
}

static lm_status make_struct(batch_maker *m, const lm_read_field *field, int64_t length,
                             lm_array *out)
{
    if (field->owner != LM_READ_NO_LEAF) {
        lm_read_group *group = group_of(m, field);
        if (group->slots != (size_t)length) return disagree(m, field);
        LM_TRY(own_validity(m, field, &group->validity, group->nulls, out));
    }
    return make_children(m, field, length, out);
}

/* Offsets of 64 bits, or sizes, out of the offsets of 32. */
static lm_status make_offsets(batch_maker *m, lm_read_group *group, lm_array *out)
{
    size_t count = (size_t)out->length, width = 4;
    lm_layout layout = out->field->type.layout;
    bool large = layout == LM_LAYOUT_LARGE_LIST || layout == LM_LAYOUT_LARGE_LIST_VIEW;
    bool views = layout == LM_LAYOUT_LIST_VIEW || layout == LM_LAYOUT_LARGE_LIST_VIEW;
    const int32_t *from = group->offsets;
    if (large) width = 8;
    if (views) {
        uint8_t *sizes = lm__alloc_array(m->allocator, count + 1, width);
        if (!sizes) return no_memory(m);
        for (size_t i = 0; i < count; i++) {
            int64_t size = from[i + 1] - from[i];
            memcpy(sizes + i * width, &size, width);
        }
        out->sizes = sizes;
        LM_TRY(own(m, sizes));
    }
    if (!large) return own_buffer(m, &group->offsets_buffer, (count + 1) * 4, from, &out->offsets);
    int64_t *offsets = lm__alloc_array(m->allocator, count + 1, sizeof *offsets);
    if (!offsets) return no_memory(m);
    for (size_t i = 0; i <= count; i++) offsets[i] = from[i];
    out->offsets = offsets;
    return own(m, offsets);
}

/* The items of fixed lists, with places for those of null lists, which Parquet does not have. */
static lm_status spread_items(batch_maker *m, const lm_read_group *group, const lm_array *items,
                              const lm_array *lists, lm_array *out)
{
    int64_t size = lists->field->type.list_size;
    lm_builder builder;
    LM_TRY(lm__builder_init(&builder, m->allocator, items->field, m->error));
    lm_status status = LM_OK;
    lm_bits valid = {lists->validity, 0};
    for (lm_bits_run run = {0};
         status == LM_OK && lm__bits_next_run(valid, (size_t)lists->length, &run);) {
        int64_t count = (int64_t)run.length * size;
        status = run.set ? lm__build_rows(&builder, items, group->offsets[run.start], count)
                         : lm__build_nulls(&builder, count);
    }
    if (status == LM_OK)
        status = lm__builder_take(&builder, m->batch, out, m->error);
    else
        status = lm__error_set(m->error, status, "cannot make fixed lists");
    lm__builder_deinit(&builder);
    return status;
}

static lm_status make_fixed_list(batch_maker *m, const lm_read_field *field, lm_read_group *group,
                                 lm_array *out)
{
    char path[LM_READ_PATH_MAX];
    int32_t size = field->field->type.list_size;
    for (int64_t i = 0; i < out->length; i++) {
        bool present = !out->validity || lm__bit_get(out->validity, i);
        if (group->offsets[i + 1] - group->offsets[i] == (present ? size : 0)) continue;
        return lm__error_set(m->error, LM_DATA,
                             "column %s: a list of %d items where all have %d (ignore_arrow_schema "
                             "reads it)",
                             lm__read_path(field->node, path),
                             group->offsets[i + 1] - group->offsets[i], size);
    }
    LM_TRY(make_children(m, field, (int64_t)group->items, out));
    if (!out->validity) return LM_OK;
    lm_array items = out->children[0];
    LM_TRY(spread_items(m, group, &items, out, (lm_array *)&out->children[0]));
    if (field->field->nullable) return LM_OK;
    out->validity = NULL; /* what is not there is beneath a null */
    out->null_count = 0;
    return LM_OK;
}

static lm_status make_items(batch_maker *m, const lm_read_field *field, int64_t length,
                            lm_array *out)
{
    lm_read_group *group = group_of(m, field);
    char path[LM_READ_PATH_MAX];
    if (group->slots != (size_t)length) return disagree(m, field);
    size_t items = group->items;
    LM_TRY(own_validity(m, field, &group->validity, group->nulls, out));
    if (field->field->type.id == LM_TYPE_FIXED_LIST) return make_fixed_list(m, field, group, out);
    LM_TRY(make_offsets(m, group, out));
    LM_TRY(make_children(m, field, (int64_t)items, out));
    if (field->field->type.id != LM_TYPE_MAP) return LM_OK;
    const lm_read_field *key = &field->children[0].children[0];
    if (key->kind == LM_READ_VALUES && m->parts[key->owner].vector.nulls > 0)
        return lm__error_set(m->error, LM_DATA, "column %s: a map with a key that is null",
                             lm__read_path(key->node, path));
    return LM_OK;
}

static lm_status make_array(batch_maker *m, const lm_read_field *field, int64_t length,
                            lm_array *out)
{
    *out = (lm_array){.field = field->field, .length = length};
    switch (field->kind) {
    case LM_READ_VALUES: return make_values(m, field, length, out);
    case LM_READ_STRUCT: return make_struct(m, field, length, out);
    default: return make_items(m, field, length, out);
    }
}

lm_status lm__read_batch_make(const lm_allocator *allocator, const lm_read_plan *plan,
                              lm_read_part *parts, lm_read_slab *slab, size_t rows,
                              lm_batch **batch, lm_error *error)
{
    batch_maker m = {allocator, plan, parts, NULL, error};
    LM_TRY(lm__batch_new(allocator, plan->schema, (int64_t)rows, &m.batch, error));
    lm_status status = LM_OK;
    if (slab->memory) status = own_large(&m, slab->allocator, slab->memory);
    slab->memory = NULL;
    for (int32_t i = 0; i < plan->n_columns && status == LM_OK; i++)
        status = make_array(&m, &plan->columns[i], (int64_t)rows, &lm__batch_columns(m.batch)[i]);
    if (status == LM_OK)
        *batch = m.batch;
    else
        lm__batch_unref(m.batch);
    return status;
}
