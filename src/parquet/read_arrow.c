/* Making a plan: fields for all columns, types as written, then what is wanted of them. */
#include "parquet/read_arrow.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/limits.h"

typedef struct plan_maker {
    const lm_parquet_reader *reader;
    const lm_parquet_read_options *options;
    lm_read_plan *plan;
    lm_arena *arena;    /* of the plan's own things */
    lm_arena *fields;   /* of the schema */
    const bool *leaves; /* that are wanted, instead of options->columns; or NULL */
    const bool *wanted;
    lm_error *error;
} plan_maker;

/* Where a field stands: under which repeated node. */
typedef struct place {
    uint8_t context, slot;
} place;

static lm_status no_memory(plan_maker *m) { return lm__error_memory(m->error, "making a schema"); }

/* Fields. */

static lm_status new_field(plan_maker *m, const lm_read_node *node, place at, bool nullable,
                           lm_read_field *out)
{
    const lm_bytes name = node->element->name;
    *out = (lm_read_field){.node = node, .owner = LM_READ_NO_LEAF};
    out->context = at.context;
    out->slot = at.slot;
    out->valid = node->definition;
    out->field = lm__arena_zero(m->fields, sizeof *out->field);
    char *text = lm__arena_strndup(m->fields, (const char *)name.data, name.size);
    if (!out->field || !text) return no_memory(m);
    out->field->name = text;
    out->field->name_size = name.size;
    out->field->nullable = nullable;
    if (!LM_HAS(node->element, LM_SCHEMA_ELEMENT_FIELD_ID)) return LM_OK;
    char id[16];
    int length = snprintf(id, sizeof id, "%d", node->element->field_id);
    if (!lm__field_add_metadata(m->fields, out->field, "PARQUET:field_id", 16, id, (size_t)length))
        return no_memory(m);
    return LM_OK;
}

static lm_status new_children(plan_maker *m, lm_read_field *out, size_t count)
{
    if (count > LM_ARROW_CHILDREN_MAX)
        return lm__error_set(m->error, LM_LIMIT, "a group of %zu columns; the limit is %d", count,
                             LM_ARROW_CHILDREN_MAX);
    out->children = lm__arena_array(m->arena, count + 1, sizeof *out->children);
    out->n_children = (int32_t)count;
    return out->children ? LM_OK : no_memory(m);
}

static lm_status make_field(plan_maker *m, const lm_read_node *node, place at, lm_read_field *out);
static lm_status make_value(plan_maker *m, const lm_read_node *node, lm_read_field *out);

/* A list of `repeated`, whose items are `item`: itself or its only child. */
static lm_status make_items(plan_maker *m, const lm_read_node *repeated, const lm_read_node *item,
                            lm_read_field *out)
{
    place below = {repeated->repetition, repeated->definition};
    out->kind = LM_READ_ITEMS;
    out->field->type = lm__type_make(LM_TYPE_LIST);
    out->item = repeated->definition;
    out->repetition = repeated->repetition;
    LM_TRY(new_children(m, out, 1));
    if (item != repeated) return make_field(m, item, below, &out->children[0]);
    LM_TRY(new_field(m, item, below, false, &out->children[0]));
    return make_value(m, item, &out->children[0]);
}

static lm_status make_map(plan_maker *m, const lm_read_node *map, lm_read_field *out)
{
    const lm_read_node *repeated = &map->children[0];
    place below = {repeated->repetition, repeated->definition};
    if (!map->value) return make_items(m, repeated, map->key, out);
    if (lm__read_is_nowhere(map->key) || lm__read_is_nowhere(map->value))
        return make_items(m, repeated, repeated, out);
    LM_TRY(make_items(m, repeated, repeated, out));
    out->field->type = lm__type_make(LM_TYPE_MAP);
    /* The entries are a struct, whatever their annotation says. */
    lm_read_field *entries = &out->children[0];
    entries->kind = LM_READ_STRUCT;
    entries->field->type = lm__type_make(LM_TYPE_STRUCT);
    LM_TRY(new_children(m, entries, 2));
    LM_TRY(make_field(m, map->key, below, &entries->children[0]));
    LM_TRY(make_field(m, map->value, below, &entries->children[1]));
    entries->children[0].field->nullable = false;
    return LM_OK;
}

/* The children that are stored anywhere. */
static lm_status make_fields(plan_maker *m, const lm_read_node *node, place at, lm_read_field *out)
{
    LM_TRY(new_children(m, out, node->n_children));
    out->n_children = 0;
    for (size_t i = 0; i < node->n_children; i++)
        if (!lm__read_is_nowhere(&node->children[i]))
            LM_TRY(make_field(m, &node->children[i], at, &out->children[out->n_children++]));
    return LM_OK;
}

/* `out` has its name; what the node is, its repetition aside. */
static lm_status make_value(plan_maker *m, const lm_read_node *node, lm_read_field *out)
{
    place here = {out->context, out->slot};
    switch (node->shape) {
    case LM_READ_LEAF:
        out->kind = LM_READ_VALUES;
        lm__read_leaf_type(node, m->options->int96_per_second, out);
        return LM_OK;
    case LM_READ_LIST: return make_items(m, &node->children[0], node->item, out);
    case LM_READ_MAP: return make_map(m, node, out);
    default: break;
    }
    out->kind = LM_READ_STRUCT;
    out->field->type = lm__type_make(LM_TYPE_STRUCT);
    return make_fields(m, node, here, out);
}

static lm_status make_field(plan_maker *m, const lm_read_node *node, place at, lm_read_field *out)
{
    LM_TRY(new_field(m, node, at, node->mode == LM_PARQUET_OPTIONAL, out));
    if (node->mode != LM_PARQUET_REPEATED) return make_value(m, node, out);
    /* A bare REPEATED node is a list of itself; the list is always there. */
    out->valid = at.slot;
    return make_items(m, node, node, out);
}

/* What is wanted. */

/* Drops children without wanted leaves; *kept says whether the field itself stays. */
static void prune(const plan_maker *m, lm_read_field *field, bool *kept)
{
    if (field->kind == LM_READ_VALUES) {
        *kept = m->wanted[field->node->leaf_first];
        return;
    }
    int32_t count = 0;
    for (int32_t i = 0; i < field->n_children; i++) {
        bool keep;
        prune(m, &field->children[i], &keep);
        if (keep) field->children[count++] = field->children[i];
    }
    field->n_children = count;
    *kept = count > 0;
    if (field->node->leaf_count == 0) { /* nothing below that could be wanted or not */
        *kept = true;
    } else if (field->field->type.id == LM_TYPE_MAP && field->children[0].n_children < 2) {
        field->field->type = lm__type_make(LM_TYPE_LIST); /* of what is left of the entries */
    }
}

static bool has_wanted(const plan_maker *m, const lm_read_node *node)
{
    bool wanted = node->leaf_count == 0;
    for (uint32_t i = 0; i < node->leaf_count; i++) wanted |= m->leaves[node->leaf_first + i];
    return wanted;
}

static int by_order(const void *a, const void *b)
{
    size_t x = *(const size_t *)a, y = *(const size_t *)b;
    return (x > y) - (x < y);
}

/* The columns that are wanted, in the order asked for. */
static lm_status select_columns(plan_maker *m)
{
    lm_read_plan *plan = m->plan;
    const lm_read_schema *schema = &m->reader->schema;
    size_t count = (size_t)plan->n_columns, kept_count = 0;
    bool *wanted = lm__arena_zero(m->arena, schema->leaf_count + 1);
    size_t *order = lm__arena_array(m->arena, 2 * count + 1, sizeof *order);
    lm_read_field *kept = lm__arena_array(m->arena, count + 1, sizeof *kept);
    if (!wanted || !order || !kept) return no_memory(m);
    if (!m->options->columns && !m->leaves) return LM_OK;
    for (size_t i = 0; i < count; i++) order[i] = SIZE_MAX;
    m->wanted = wanted;
    if (m->leaves) {
        m->wanted = m->leaves;
        for (size_t i = 0; i < count; i++)
            if (has_wanted(m, plan->columns[i].node)) order[i] = i;
    } else {
        LM_TRY(lm__read_select(m->reader, m->options, plan, m->arena, wanted, order, m->error));
    }
    size_t *places = order + count; /* (asked for, column) as one number, to be sorted */
    for (size_t i = 0; i < count; i++) {
        bool keep = false;
        if (order[i] != SIZE_MAX) prune(m, &plan->columns[i], &keep);
        if (keep) places[kept_count++] = order[i] * count + i;
    }
    qsort(places, kept_count, sizeof *places, by_order);
    for (size_t i = 0; i < kept_count; i++) kept[i] = plan->columns[places[i] % count];
    plan->columns = kept;
    plan->n_columns = (int32_t)kept_count;
    return LM_OK;
}

/* The schema's tree and the leaves. */

static lm_status add_leaf(plan_maker *m, lm_read_field *field, const lm_read_field **above,
                          uint32_t count)
{
    lm_read_plan *plan = m->plan;
    lm_read_leaf *leaf = &plan->leaves[plan->leaf_count];
    field->owner = plan->leaf_count++;
    leaf->node = field->node;
    leaf->field = field;
    for (uint32_t i = 0; i < count; i++) leaf->owned_count += above[i]->owner == field->owner;
    leaf->owned = lm__arena_array(m->arena, leaf->owned_count + 1, sizeof(void *));
    if (!leaf->owned) return no_memory(m);
    for (uint32_t i = 0, n = 0; i < count; i++)
        if (above[i]->owner == field->owner) leaf->owned[n++] = above[i];
    return LM_OK;
}

/* Settles the place of the field's struct in the schema, and gives owners to all that is above. */
static lm_status settle(plan_maker *m, lm_read_field *field, lm_field *slot,
                        const lm_read_field **above, uint32_t depth)
{
    char path[LM_READ_PATH_MAX];
    lm_type dictionary = lm__type_dictionary(LM_TYPE_INT32, false);
    if (m->options->dictionaries == LM_DICTIONARIES_KEEP && field->kind == LM_READ_VALUES &&
        !field->field->dictionary && !field->field->extension_name &&
        field->spec.physical == LM_PARQUET_BYTE_ARRAY && field->spec.convert == LM_CONVERT_NONE &&
        field->spec.form != LM_FORM_NOTHING)
        LM_TRY(lm__read_become_dictionary(m->fields, field, &dictionary, m->error));
    const lm_field *values = field->field->dictionary ? field->field->dictionary : field->field;
    field->spec.text = lm__type_is_text(values->type.id) && !m->options->utf8_unchecked;
    *slot = *field->field;
    field->field = slot;
    if (depth > LM_ARROW_DEPTH_MAX)
        return lm__error_set(m->error, LM_LIMIT, "column %s: nested deeper than %d",
                             lm__read_path(field->node, path), LM_ARROW_DEPTH_MAX);
    if (field->kind == LM_READ_VALUES) return add_leaf(m, field, above, depth);
    field->owner = m->plan->leaf_count;
    above[depth] = field;
    if (field->n_children > 0 && !lm__field_children(m->fields, slot, field->n_children))
        return no_memory(m);
    for (int32_t i = 0; i < field->n_children; i++)
        LM_TRY(settle(m, &field->children[i], &slot->children[i], above, depth + 1));
    if (field->owner == m->plan->leaf_count) field->owner = LM_READ_NO_LEAF;
    return LM_OK;
}

static lm_status settle_schema(plan_maker *m)
{
    const lm_read_field *above[LM_ARROW_DEPTH_MAX + 1];
    lm_read_plan *plan = m->plan;
    lm_field *root = &plan->schema->root;
    plan->leaves =
        lm__arena_zero(m->arena, (m->reader->schema.leaf_count + 1) * sizeof *plan->leaves);
    if (!plan->leaves || (plan->n_columns && !lm__field_children(m->fields, root, plan->n_columns)))
        return no_memory(m);
    for (int32_t i = 0; i < plan->n_columns; i++)
        LM_TRY(settle(m, &plan->columns[i], &root->children[i], above, 0));
    return lm__schema_seal(plan->schema, m->error);
}

/* What else the footer tells goes with the schema, as its metadata. */
static lm_status add_metadata(plan_maker *m)
{
    const lm_footer_key_value_list pairs = m->reader->metadata.key_value_metadata;
    for (size_t i = 0; i < pairs.count; i++) {
        const lm_bytes key = pairs.items[i].key, value = pairs.items[i].value;
        if (key.size == 12 && memcmp(key.data, "ARROW:schema", 12) == 0) continue;
        if (!lm__field_add_metadata(m->fields, &m->plan->schema->root, (const char *)key.data,
                                    key.size, value.data ? (const char *)value.data : "",
                                    value.data ? value.size : 0))
            return no_memory(m);
    }
    return LM_OK;
}

/* Written columns go by their place when the names there agree, else by name. */
static lm_status apply_written(plan_maker *m)
{
    lm_schema *written = NULL;
    lm_status status = LM_OK;
    lm_read_plan *plan = m->plan;
    bool kept = m->options->dictionaries != LM_DICTIONARIES_DECODE;
    LM_TRY(lm__read_written_schema(m->reader, &written, m->error));
    if (!written) return LM_OK;
    const lm_field *root = &written->root;
    for (int32_t i = 0; i < plan->n_columns && status == LM_OK; i++) {
        const lm_field *field = plan->columns[i].field;
        int32_t at = i;
        if (i >= root->n_children || root->children[i].name_size != field->name_size ||
            memcmp(root->children[i].name, field->name, field->name_size) != 0)
            at = lm__field_find(root, field->name, field->name_size);
        if (at >= 0)
            status = lm__read_apply_written(m->fields, &plan->columns[i], &root->children[at], kept,
                                            m->error);
    }
    lm_schema_free(written);
    return status;
}

static lm_status make_plan(plan_maker *m)
{
    lm_read_plan *plan = m->plan;
    const lm_read_node *root = m->reader->schema.root;
    lm_read_field whole = {0};
    place top = {0, 0};
    LM_TRY(make_fields(m, root, top, &whole));
    plan->columns = whole.children;
    plan->n_columns = whole.n_children;
    if (!m->options->ignore_arrow_schema) LM_TRY(apply_written(m));
    LM_TRY(select_columns(m));
    LM_TRY(add_metadata(m));
    return settle_schema(m);
}

lm_status lm__read_plan_make(const lm_parquet_reader *reader,
                             const lm_parquet_read_options *options, lm_read_plan *plan,
                             lm_error *error)
{
    return lm__read_plan_make_leaves(reader, options, NULL, plan, error);
}

lm_status lm__read_plan_make_leaves(const lm_parquet_reader *reader,
                                    const lm_parquet_read_options *options, const bool *wanted,
                                    lm_read_plan *plan, lm_error *error)
{
    *plan = (lm_read_plan){0};
    lm__arena_init(&plan->arena, reader->allocator, 0);
    lm_status status = lm__schema_new(reader->allocator, &plan->schema, error);
    if (status == LM_OK) {
        plan_maker m = {
            .reader = reader,
            .options = options,
            .leaves = wanted,
            .plan = plan,
            .arena = &plan->arena,
            .fields = &plan->schema->arena,
            .error = error,
        };
        status = make_plan(&m);
    }
    if (status != LM_OK) {
        lm__read_plan_deinit(plan);
        return lm__reader_within(reader, SIZE_MAX, status, error);
    }
    return LM_OK;
}

void lm__read_plan_deinit(lm_read_plan *plan)
{
    if (plan->schema) lm_schema_free(plan->schema);
    lm__arena_deinit(&plan->arena);
    *plan = (lm_read_plan){0};
}
