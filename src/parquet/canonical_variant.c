/*
 * VARIANT columns put together: what was shredded into typed_value, merged with what stayed in
 * value (VariantShredding.md, "Reconstructing a Shredded Variant").
 *
 * A pair is a group with `value` and `typed_value`, both of which may be null: the column itself, a
 * field of a shredded object, an element of a shredded array.
 */
#include "base/error.h"
#include "base/limits.h"
#include "parquet/canonical_rows.h"
#include "parquet/variant.h"

typedef struct merge {
    lm_canonical *state;
    const lm_read_node *metadata_node;
    lm_variant_metadata metadata;
} merge;

static lm_status refuse(merge *m, const lm_read_node *node, const char *what)
{
    char path[LM_READ_PATH_MAX];
    return lm__error_set(m->state->error, LM_CORRUPT, "column %s: variant: %s",
                         lm__read_path(node, path), what);
}

static lm_status no_memory(merge *m)
{
    return lm__error_memory(m->state->error, "reading a variant");
}

static const lm_read_node *child(const lm_read_node *node, const char *name)
{
    return lm__read_child(node, name, strlen(name));
}

static lm_status is_there(merge *m, const lm_read_node *node, bool *present)
{
    *present = true;
    if (node->mode == LM_PARQUET_REQUIRED) return LM_OK;
    LM_TRY(lm__canonical_present(m->state, node, present));
    return *present ? LM_OK : lm__canonical_absent(m->state, node);
}

static lm_status read_pair(merge *m, const lm_read_node *pair, lm_variant *out, bool *present);

/* The binary `value` of a pair. */
static lm_status read_binary(merge *m, const lm_read_node *pair, lm_variant *out, bool *present)
{
    const lm_read_node *node = child(pair, "value");
    lm_bytes bytes;
    char path[LM_READ_PATH_MAX];
    *present = false;
    if (!node) return LM_OK;
    if (node->shape != LM_READ_LEAF || node->physical != LM_PARQUET_BYTE_ARRAY ||
        node->mode == LM_PARQUET_REPEATED)
        return refuse(m, node, "its value is no column of bytes");
    LM_TRY(is_there(m, node, present));
    if (!*present) return LM_OK;
    LM_TRY(lm__canonical_take(m->state, node, &bytes));
    lm_status status =
        lm__variant_read(&m->metadata, bytes, &m->state->arena, out, m->state->error);
    if (status == LM_OK) return LM_OK;
    return lm__error_within(m->state->error, status, "column %s", lm__read_path(node, path));
}

/* A shredded array: its elements are pairs; an element that is missing counts as null, also where
 * it is a group that may be null itself, as it should not be. */
static lm_status read_array(merge *m, const lm_read_node *list, lm_variant *out)
{
    const lm_read_node *repeated = &list->children[0], *item = list->item;
    size_t capacity = 0;
    bool more, present;
    out->kind = LM_VARIANT_ARRAY;
    if (item->shape != LM_READ_GROUP) return refuse(m, item, "elements of an array must be groups");
    LM_TRY(lm__canonical_present(m->state, repeated, &more));
    if (!more) return lm__canonical_absent(m->state, repeated);
    while (more) {
        if (!lm__arena_room(&m->state->arena, &out->items, &capacity, out->count + 1,
                            sizeof *out->items))
            return no_memory(m);
        lm_variant *element = &out->items[out->count++];
        present = true;
        if (item->mode == LM_PARQUET_OPTIONAL) LM_TRY(is_there(m, item, &present));
        if (present) LM_TRY(read_pair(m, item, element, &present));
        if (!present) *element = (lm_variant){.kind = LM_VARIANT_NULL};
        LM_TRY(lm__canonical_again(m->state, repeated, &more));
    }
    return LM_OK;
}

/* A shredded object: its fields are pairs; one that is missing is left out. `spare` more fields
 * have room behind them. */
static lm_status read_object(merge *m, const lm_read_node *group, size_t spare, lm_variant *out)
{
    bool present;
    out->kind = LM_VARIANT_OBJECT;
    out->items =
        lm__arena_array(&m->state->arena, group->n_children + spare + 1, sizeof *out->items);
    if (!out->items) return no_memory(m);
    for (size_t i = 0; i < group->n_children; i++) {
        const lm_read_node *field = &group->children[i];
        lm_variant *item = &out->items[out->count];
        if (field->shape != LM_READ_GROUP || field->mode == LM_PARQUET_REPEATED)
            return refuse(m, field, "fields of an object must be groups");
        LM_TRY(is_there(m, field, &present));
        if (!present) continue;
        LM_TRY(read_pair(m, field, item, &present));
        item->name = field->element->name;
        out->count += present;
    }
    return LM_OK;
}

static lm_status read_typed(merge *m, const lm_read_node *node, size_t spare, lm_variant *out)
{
    switch (node->shape) {
    case LM_READ_LEAF:
        out->kind = LM_VARIANT_LEAF;
        out->node = node;
        return lm__canonical_take(m->state, node, &out->bytes);
    case LM_READ_LIST: return read_array(m, node, out);
    case LM_READ_GROUP: return read_object(m, node, spare, out);
    default: return refuse(m, node, "its typed_value has a type that no variant has");
    }
}

/* Columns of the group that are no part of a variant. */
static lm_status pass_others(merge *m, const lm_read_node *pair)
{
    const lm_read_node *value = child(pair, "value"), *typed = child(pair, "typed_value");
    for (size_t i = 0; i < pair->n_children; i++) {
        const lm_read_node *other = &pair->children[i];
        if (other == value || other == typed || other == m->metadata_node) continue;
        lm__buffer_clear(&m->state->passed);
        LM_TRY(lm__canonical_field(m->state, other, &m->state->passed));
    }
    return LM_OK;
}

static lm_status read_pair(merge *m, const lm_read_node *pair, lm_variant *out, bool *present)
{
    const lm_read_node *node = child(pair, "typed_value");
    lm_variant rest = {0};
    bool has_rest, has_typed = false;
    *out = (lm_variant){0};
    LM_TRY(pass_others(m, pair));
    LM_TRY(read_binary(m, pair, &rest, &has_rest));
    if (node && node->mode == LM_PARQUET_REPEATED)
        return refuse(m, node, "its typed_value is repeated");
    if (node) LM_TRY(is_there(m, node, &has_typed));
    *present = has_rest || has_typed;
    if (!has_typed) {
        *out = rest;
        return LM_OK;
    }
    LM_TRY(read_typed(m, node, rest.count, out));
    if (!has_rest)
        return out->kind == LM_VARIANT_OBJECT ? lm__variant_sort(out, m->state->error) : LM_OK;
    if (out->kind != LM_VARIANT_OBJECT) return refuse(m, pair, "both value and typed_value");
    if (rest.kind != LM_VARIANT_OBJECT)
        return refuse(m, pair, "fields shredded out of a value that is no object");
    if (rest.count) memcpy(out->items + out->count, rest.items, rest.count * sizeof rest);
    out->count += rest.count;
    return lm__variant_sort(out, m->state->error);
}

lm_status lm__canonical_variant(lm_canonical *state, const lm_read_node *node, lm_buffer *out)
{
    const lm_read_node *metadata = child(node, "metadata");
    merge m = {.state = state, .metadata_node = metadata};
    lm_variant variant;
    lm_bytes bytes;
    bool present;
    char path[LM_READ_PATH_MAX];
    lm__arena_reset(&state->arena);
    if (!metadata || metadata->shape != LM_READ_LEAF || metadata->mode == LM_PARQUET_REPEATED ||
        metadata->physical != LM_PARQUET_BYTE_ARRAY)
        return refuse(&m, node, "it has no column of metadata");
    LM_TRY(is_there(&m, metadata, &present));
    if (!present) return refuse(&m, node, "its metadata is null");
    LM_TRY(lm__canonical_take(state, metadata, &bytes));
    lm_status status = lm__variant_metadata_read(bytes, &m.metadata, state->error);
    if (status != LM_OK)
        return lm__error_within(state->error, status, "column %s", lm__read_path(node, path));
    LM_TRY(read_pair(&m, node, &variant, &present));
    if (!present) variant.kind = LM_VARIANT_NULL;
    return lm__canonical_full(state, lm__variant_text(&variant, out));
}
