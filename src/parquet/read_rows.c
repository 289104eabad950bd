/* Column chunks into parts; see read_rows.h. */
#include "parquet/read_rows.h"

#include "base/alloc.h"
#include "base/error.h"
#include "parquet/read_coded.h"

static lm_read_form vector_form(const lm_read_spec *spec)
{
    return spec->coded ? LM_FORM_FIXED : spec->form;
}

static uint32_t vector_width(const lm_read_spec *spec)
{
    return spec->coded ? sizeof(uint32_t) : spec->out_width;
}

size_t lm__read_part_slab_bytes(const lm_read_leaf *leaf, const lm_read_expected *expected)
{
    const lm_read_spec *spec = &leaf->field->spec;
    size_t slots = leaf->node->repetition ? expected->entries : expected->rows, bytes = 0;
    switch (vector_form(spec)) {
    case LM_FORM_NOTHING: break;
    case LM_FORM_BITS: bytes = lm__read_slab_room(slots / 8 + 1); break;
    case LM_FORM_FIXED: bytes = lm__read_slab_room(slots * vector_width(spec)); break;
    case LM_FORM_STRINGS32: bytes = lm__read_slab_room((slots + 1) * 4); break;
    case LM_FORM_STRINGS64: bytes = lm__read_slab_room((slots + 1) * 8); break;
    }
    if (expected->string_bytes && !spec->coded)
        bytes += lm__read_slab_room(lm__read_strings_room(expected->string_bytes));
    for (uint32_t i = 0; i < leaf->owned_count; i++)
        if (leaf->owned[i]->kind == LM_READ_ITEMS && leaf->owned[i]->context == 0)
            bytes += lm__read_slab_room((expected->rows + 1 + LM_ENCODE_SLACK) * 4);
    return bytes;
}

lm_status lm__read_part_init(lm_read_part *part, const lm_allocator *allocator,
                             const lm_read_leaf *leaf, const lm_read_expected *expected,
                             lm_error *error)
{
    const lm_read_spec *spec = &leaf->field->spec;
    *part = (lm_read_part){.group_count = leaf->owned_count};
    lm__read_vector_init(&part->vector, allocator, vector_form(spec), vector_width(spec),
                         leaf->node->definition > leaf->field->slot);
    part->vector.expected = leaf->node->repetition ? expected->entries : expected->rows;
    part->vector.data_expected = spec->coded ? 0 : expected->string_bytes;
    part->vector.slab = expected->slab;
    if (spec->coded) LM_TRY(lm__read_coded_new(allocator, spec, &part->vector.coded, error));
    if (part->group_count == 0) return LM_OK;
    part->groups = lm__alloc_array(allocator, part->group_count, sizeof *part->groups);
    if (!part->groups) return lm__error_memory(error, "reading lists");
    for (uint32_t i = 0; i < part->group_count; i++) {
        lm_read_group *group = &part->groups[i];
        lm__read_group_init(group, allocator, leaf->owned[i]);
        if (leaf->owned[i]->context > 0) continue;
        group->expected = expected->rows;
        group->slab = expected->slab;
    }
    return LM_OK;
}

void lm__read_part_deinit(lm_read_part *part)
{
    lm__read_coded_free(part->vector.coded);
    lm__read_vector_deinit(&part->vector);
    for (uint32_t i = 0; i < part->group_count && part->groups; i++)
        lm__read_group_deinit(&part->groups[i]);
    lm__free(part->vector.allocator, part->groups);
    part->groups = NULL;
}

static lm_status add_block(lm_read_part *part, const lm_read_leaf *leaf, lm_read_column *column,
                           const lm_read_block *block, lm_error *error)
{
    lm_read_vector *vector = &part->vector;
    for (uint32_t i = 0; i < part->group_count; i++) {
        LM_TRY(lm__read_group_add(&part->groups[i], block, error));
    }
    LM_TRY(lm__read_column_values(column, block->values, block->entries, vector, error));
    size_t slots;
    if (vector->nullable)
        lm__read_leaf_slots(leaf->field, block, vector, &slots);
    else
        slots = block->values;
    return lm__read_vector_expand(vector, block->values, slots, column->scratch, error);
}

static lm_status fewer(const lm_read_leaf *leaf, lm_error *error)
{
    char path[LM_READ_PATH_MAX];
    return lm__error_set(error, LM_CORRUPT, "column %s has fewer rows than the row group",
                         lm__read_path(leaf->node, path));
}

static lm_status read_rows(lm_read_part *part, const lm_read_leaf *leaf, lm_read_column *column,
                           size_t rows, lm_error *error)
{
    size_t got = 0;
    if (lm__read_is_flat(leaf->node) && part->group_count == 0) {
        LM_TRY(lm__read_column_flat(column, rows, &part->vector, &got, error));
        return got == rows ? LM_OK : fewer(leaf, error);
    }
    for (;;) {
        lm_read_block block;
        LM_TRY(lm__read_column_block(column, rows - got, &block, error));
        if (block.entries == 0) break;
        LM_TRY(add_block(part, leaf, column, &block, error));
        got += block.rows;
    }
    for (uint32_t i = 0; i < part->group_count; i++)
        LM_TRY(lm__read_group_end(&part->groups[i], error));
    return got == rows ? LM_OK : fewer(leaf, error);
}

lm_status lm__read_part_rows(lm_read_part *part, const lm_read_leaf *leaf, lm_read_column *column,
                             size_t rows, lm_error *error)
{
    lm_status status = read_rows(part, leaf, column, rows, error);
    part->overflow = part->vector.overflow;
    for (uint32_t i = 0; i < part->group_count; i++) part->overflow |= part->groups[i].overflow;
    return status;
}
