/* Joining the schemas of files that are merged; see merge_schema.h. The depth of all walks is that
 * of the files' schemas, which lm__footer_read has bounded. */
#include "parquet/merge_schema.h"

#include <string.h>

#include "base/alloc.h"
#include "base/error.h"
#include "base/limits.h"
#include "parquet/schema_text.h"

typedef struct join_run {
    lm_merge_schema *schema;
    const char *name;
    lm_merge_node **leaves; /* NULL: only whether it fits is asked */
    lm_error *error;
} join_run;

static lm_status no_memory(lm_error *error)
{
    return lm__error_memory(error, "joining Parquet schemas");
}

void lm__merge_schema_init(lm_merge_schema *schema, const lm_allocator *allocator, lm_arena *arena)
{
    *schema = (lm_merge_schema){.arena = arena};
    lm__buffer_init(&schema->first, allocator, 0);
    lm__buffer_init(&schema->other, allocator, 0);
}

void lm__merge_schema_deinit(lm_merge_schema *schema)
{
    lm__buffer_deinit(&schema->first);
    lm__buffer_deinit(&schema->other);
}

static bool bytes_equal(lm_bytes a, lm_bytes b)
{
    return a.size == b.size && (a.size == 0 || memcmp(a.data, b.data, a.size) == 0);
}

const char *lm__merge_path(const lm_merge_node *node, char text[LM_READ_PATH_MAX])
{
    const lm_merge_node *chain[LM_PARQUET_DEPTH_MAX + 1];
    lm_read_node nodes[LM_PARQUET_DEPTH_MAX + 1];
    size_t depth = 0;
    for (; node->parent && depth < LM_PARQUET_DEPTH_MAX; node = node->parent) chain[depth++] = node;
    nodes[depth] = (lm_read_node){0};
    for (size_t i = depth; i-- > 0;)
        nodes[i] = (lm_read_node){.element = &chain[i]->element, .parent = &nodes[i + 1]};
    return lm__read_path(&nodes[0], text);
}

/* Leaves. */

static bool same_annotation(const lm_schema_element *a, const lm_schema_element *b)
{
    const lm_logical_type *x = a->logical_type, *y = b->logical_type;
    if (!x != !y) return false;
    if (!x)
        return (a->has & LM_SCHEMA_ELEMENT_CONVERTED) == (b->has & LM_SCHEMA_ELEMENT_CONVERTED) &&
               a->converted_type == b->converted_type && a->scale == b->scale &&
               a->precision == b->precision;
    return x->choice.member == y->choice.member && x->choice.has == y->choice.has &&
           bytes_equal(x->choice.unknown, y->choice.unknown) && x->scale == y->scale &&
           x->precision == y->precision && x->is_adjusted_to_utc == y->is_adjusted_to_utc &&
           x->is_signed == y->is_signed && x->bit_width == y->bit_width &&
           x->specification_version == y->specification_version && x->unit == y->unit &&
           bytes_equal(x->crs, y->crs) && x->algorithm == y->algorithm;
}

/* INT32 and INT64 say as much as signed integers of their width. */
static bool is_plain_integer(const lm_read_node *node)
{
    if (node->physical != LM_PARQUET_INT32 && node->physical != LM_PARQUET_INT64) return false;
    if (node->meaning == LM_MEANS_INTEGER) return node->is_signed && node->bits == 8 * node->width;
    return node->meaning == LM_MEANS_NOTHING && !node->element->logical_type &&
           !LM_HAS(node->element, LM_SCHEMA_ELEMENT_CONVERTED);
}

bool lm__merge_alike(const lm_read_node *a, const lm_read_node *b)
{
    if (a->physical != b->physical || a->width != b->width) return false;
    if (is_plain_integer(a) && is_plain_integer(b)) return true;
    if (a->meaning != b->meaning) return false;
    switch (a->meaning) {
    case LM_MEANS_NOTHING:
    case LM_MEANS_GEOMETRY:
    case LM_MEANS_GEOGRAPHY: return same_annotation(a->element, b->element);
    case LM_MEANS_DECIMAL: return a->scale == b->scale && a->precision == b->precision;
    case LM_MEANS_TIME:
    case LM_MEANS_TIMESTAMP: return a->unit == b->unit && a->utc == b->utc;
    case LM_MEANS_INTEGER: return a->bits == b->bits && a->is_signed == b->is_signed;
    default: return true;
    }
}

/* Messages. */

static lm_status differ(join_run *run, const lm_merge_node *ours, const lm_read_node *theirs)
{
    char path[LM_READ_PATH_MAX];
    lm_buffer text;
    lm__buffer_init(&text, run->schema->first.allocator, 0);
    lm_status status = lm__parquet_node_text(&ours->like, &text);
    size_t first = text.size;
    if (status == LM_OK) status = lm__parquet_node_text(theirs, &text);
    if (status != LM_OK)
        no_memory(run->error);
    else
        status = lm__error_set(run->error, LM_SCHEMA,
                               "column %s is \"%.*s\" in %s and \"%.*s\" in %s; with --rewrite it "
                               "becomes what holds both, if anything does",
                               lm__merge_path(ours, path), (int)(first < 120 ? first : 120),
                               (const char *)text.data, ours->from,
                               (int)(text.size - first < 120 ? text.size - first : 120),
                               (const char *)text.data + first, run->name);
    lm__buffer_deinit(&text);
    return status;
}

static lm_status missing(join_run *run, const lm_merge_node *node, const char *has,
                         const char *lacks)
{
    char path[LM_READ_PATH_MAX];
    return lm__error_set(run->error, LM_SCHEMA,
                         "column %s is REQUIRED in %s and not there in %s; --rewrite makes it "
                         "OPTIONAL",
                         lm__merge_path(node, path), has, lacks);
}

static lm_status twice(join_run *run, const lm_merge_node *node, const char *name)
{
    char path[LM_READ_PATH_MAX];
    return lm__error_set(run->error, LM_SCHEMA,
                         "there is more than one column %s in %s, and schemas that differ are "
                         "joined by names",
                         lm__merge_path(node, path), name);
}

/* Whether the group is null in a row is told by its leaves: with none there is nothing to go by. */
static lm_status unknown_group(join_run *run, const lm_merge_node *node, const char *name)
{
    char path[LM_READ_PATH_MAX];
    return lm__error_set(run->error, LM_SCHEMA,
                         "group %s has no columns at all in %s and some in another file; use "
                         "--rewrite",
                         lm__merge_path(node, path), name);
}

/* Nodes. */

static lm_status copy_bytes(join_run *run, lm_bytes from, lm_bytes *to)
{
    if (!from.data) return LM_OK;
    uint8_t *copy = lm__arena_aligned(run->schema->arena, 1, from.size + 1);
    if (!copy) return no_memory(run->error);
    memcpy(copy, from.data, from.size);
    *to = lm__bytes(copy, from.size);
    return LM_OK;
}

static lm_status copy_element(join_run *run, const lm_schema_element *from, lm_schema_element *to)
{
    *to = *from;
    LM_TRY(copy_bytes(run, from->name, &to->name));
    if (!from->logical_type) return LM_OK;
    lm_logical_type *logical = lm__arena_alloc(run->schema->arena, sizeof *logical);
    if (!logical) return no_memory(run->error);
    *logical = *from->logical_type;
    to->logical_type = logical;
    LM_TRY(copy_bytes(run, from->logical_type->crs, &logical->crs));
    return copy_bytes(run, from->logical_type->choice.unknown, &logical->choice.unknown);
}

static lm_status add_node(join_run *run, lm_merge_node *parent, const lm_read_node *theirs,
                          lm_merge_node **out)
{
    lm_merge_node *node = lm__arena_zero(run->schema->arena, sizeof *node);
    if (!node) return no_memory(run->error);
    LM_TRY(copy_element(run, theirs->element, &node->element));
    node->like = *theirs;
    node->like.element = &node->element;
    node->item_is_child = theirs->shape == LM_READ_LIST && theirs->item != theirs->children;
    node->parent = parent;
    node->seen = run->schema->files + 1;
    node->from = run->name;
    if (parent) {
        if (parent->last)
            parent->last->next = node;
        else
            parent->first = node;
        parent->last = node;
        parent->n_children++;
    }
    if (theirs->shape == LM_READ_LEAF && run->leaves) run->leaves[theirs->leaf_first] = node;
    for (size_t i = 0; i < theirs->n_children; i++) {
        lm_merge_node *child;
        LM_TRY(add_node(run, node, &theirs->children[i], &child));
    }
    *out = node;
    return LM_OK;
}

/* The child of that name, looked for from `hint` on, where it mostly is. */
static lm_merge_node *find_child(const lm_merge_node *ours, lm_bytes name, lm_merge_node *hint)
{
    for (lm_merge_node *node = hint; node; node = node->next)
        if (bytes_equal(node->element.name, name)) return node;
    for (lm_merge_node *node = ours->first; node && node != hint; node = node->next)
        if (bytes_equal(node->element.name, name)) return node;
    return NULL;
}

static lm_status join_node(join_run *run, lm_merge_node *ours, const lm_read_node *theirs);

static lm_status join_by_place(join_run *run, lm_merge_node *ours, const lm_read_node *theirs)
{
    if (ours->n_children != theirs->n_children) return differ(run, ours, theirs);
    lm_merge_node *child = ours->first;
    for (size_t i = 0; i < theirs->n_children; i++, child = child->next)
        LM_TRY(join_node(run, child, &theirs->children[i]));
    return LM_OK;
}

static lm_status join_by_name(join_run *run, lm_merge_node *ours, const lm_read_node *theirs)
{
    size_t now = run->schema->files + 1;
    bool grows = false;
    lm_merge_node *child, *hint = ours->first, *end = ours->last;
    for (size_t i = 0; i < theirs->n_children; i++) {
        const lm_read_node *other = &theirs->children[i];
        child = find_child(ours, other->element->name, hint);
        if (child && child->seen == now) return twice(run, child, run->name);
        if (child) {
            hint = child->next;
            LM_TRY(join_node(run, child, other));
            continue;
        }
        grows = true;
        LM_TRY(add_node(run, ours, other, &child));
        if (other->mode == LM_PARQUET_REQUIRED) return missing(run, child, run->name, ours->from);
    }
    bool told = ours->like.definition > 0;
    if (grows && told && !end) return unknown_group(run, ours, ours->from);
    for (child = ours->first; child && end; child = child->next) {
        if (child->seen != now) {
            if (child->like.mode == LM_PARQUET_REQUIRED)
                return missing(run, child, child->from, run->name);
            if (told && theirs->leaf_count == 0) return unknown_group(run, ours, run->name);
        }
        if (child == end) break;
    }
    return LM_OK;
}

/* A column that only nulls have been seen of goes with any other: where it is, it counts as
 * missing. */
static bool only_one_is_null(const lm_read_node *a, const lm_read_node *b)
{
    return a->shape == LM_READ_LEAF && b->shape == LM_READ_LEAF && a->mode == LM_PARQUET_OPTIONAL &&
           b->mode == LM_PARQUET_OPTIONAL &&
           (a->meaning == LM_MEANS_NULL) != (b->meaning == LM_MEANS_NULL);
}

static lm_status join_null(join_run *run, lm_merge_node *ours, const lm_read_node *theirs)
{
    ours->seen = run->schema->files + 1;
    if (run->leaves) run->leaves[theirs->leaf_first] = ours;
    if (theirs->meaning == LM_MEANS_NULL) return LM_OK;
    LM_TRY(copy_element(run, theirs->element, &ours->element));
    ours->like = *theirs;
    ours->like.element = &ours->element;
    ours->from = run->name;
    return LM_OK;
}

static lm_status join_node(join_run *run, lm_merge_node *ours, const lm_read_node *theirs)
{
    if (only_one_is_null(&ours->like, theirs)) return join_null(run, ours, theirs);
    const lm_read_node *like = &ours->like;
    const lm_schema_element *a = &ours->element, *b = theirs->element;
    bool leaf = theirs->shape == LM_READ_LEAF;
    ours->seen = run->schema->files + 1;
    if (like->shape != theirs->shape || like->mode != theirs->mode ||
        (leaf && !lm__merge_alike(like, theirs)) ||
        (LM_HAS(a, LM_SCHEMA_ELEMENT_FIELD_ID) && LM_HAS(b, LM_SCHEMA_ELEMENT_FIELD_ID) &&
         a->field_id != b->field_id))
        return differ(run, ours, theirs);
    if (LM_HAS(b, LM_SCHEMA_ELEMENT_FIELD_ID)) {
        ours->element.field_id = b->field_id;
        ours->element.has |= LM_SCHEMA_ELEMENT_FIELD_ID;
    }
    if (leaf) {
        if (run->leaves) run->leaves[theirs->leaf_first] = ours;
        return LM_OK;
    }
    if (theirs->shape == LM_READ_LIST || theirs->shape == LM_READ_MAP) {
        bool item_is_child = theirs->shape == LM_READ_LIST && theirs->item != theirs->children;
        lm_merge_node *inner = ours->first;
        if (ours->item_is_child != item_is_child) return differ(run, ours, theirs);
        if (theirs->shape == LM_READ_LIST && !item_is_child)
            return join_by_place(run, ours, theirs);
        inner->seen = ours->seen;
        if (inner->like.mode != theirs->children[0].mode) return differ(run, ours, theirs);
        return join_by_place(run, inner, &theirs->children[0]);
    }
    return join_by_name(run, ours, theirs);
}

/* Files. */

/* The elements as bytes, but for the root's name. */
static lm_status elements_bytes(const lm_parquet_reader *reader, lm_buffer *out)
{
    lm__buffer_clear(out);
    for (size_t i = 0; i < reader->metadata.schema.count; i++) {
        lm_schema_element element = reader->metadata.schema.items[i];
        if (i == 0) element.name = lm__bytes(NULL, 0);
        LM_TRY(lm__schema_element_write(&element, out));
    }
    return LM_OK;
}

static bool is_like_first(const lm_merge_schema *schema)
{
    return schema->first.size == schema->other.size &&
           memcmp(schema->first.data, schema->other.data, schema->first.size) == 0;
}

static lm_status check_unique(join_run *run, const lm_merge_node *node)
{
    for (const lm_merge_node *child = node->first; child; child = child->next) {
        for (const lm_merge_node *other = child->next; other; other = other->next)
            if (bytes_equal(child->element.name, other->element.name))
                return twice(run, child, child->from);
        LM_TRY(check_unique(run, child));
    }
    return LM_OK;
}

static lm_status join_first(join_run *run, const lm_parquet_reader *reader)
{
    lm_merge_schema *schema = run->schema;
    size_t bytes = (reader->schema.leaf_count + 1) * sizeof *schema->first_leaves;
    if (elements_bytes(reader, &schema->first) != LM_OK) return no_memory(run->error);
    LM_TRY(add_node(run, NULL, reader->schema.root, &schema->root));
    schema->first_leaves = lm__arena_alloc(schema->arena, bytes);
    if (!schema->first_leaves) return no_memory(run->error);
    if (reader->schema.leaf_count)
        memcpy(schema->first_leaves, run->leaves, bytes - sizeof *schema->first_leaves);
    return LM_OK;
}

static lm_status join_other(join_run *run, const lm_parquet_reader *reader)
{
    lm_merge_schema *schema = run->schema;
    if (elements_bytes(reader, &schema->other) != LM_OK) return no_memory(run->error);
    if (is_like_first(schema)) {
        if (reader->schema.leaf_count)
            memcpy(run->leaves, schema->first_leaves,
                   reader->schema.leaf_count * sizeof *run->leaves);
        return LM_OK;
    }
    if (!schema->unique) LM_TRY(check_unique(run, schema->root));
    schema->unique = true;
    return join_by_name(run, schema->root, reader->schema.root);
}

lm_status lm__merge_join(lm_merge_schema *schema, const lm_parquet_reader *reader, const char *name,
                         lm_merge_node **leaves, lm_error *error)
{
    join_run run = {schema, name, leaves, error};
    LM_TRY(schema->files ? join_other(&run, reader) : join_first(&run, reader));
    schema->files++;
    return LM_OK;
}

/* Numbering. */

static void count_nodes(lm_merge_schema *schema, const lm_merge_node *node)
{
    schema->element_count++;
    if (node->like.shape == LM_READ_LEAF) schema->leaf_count++;
    for (const lm_merge_node *child = node->first; child; child = child->next)
        count_nodes(schema, child);
}

static lm_status leaf_path(lm_merge_schema *schema, const lm_merge_node *leaf, lm_error *error)
{
    size_t depth = 0;
    for (const lm_merge_node *node = leaf; node->parent; node = node->parent) depth++;
    lm_bytes *names = lm__arena_array(schema->arena, depth + 1, sizeof *names);
    if (!names) return no_memory(error);
    schema->paths[leaf->leaf_first] = (lm_bytes_list){names, depth};
    for (const lm_merge_node *node = leaf; node->parent; node = node->parent)
        names[--depth] = node->element.name;
    return LM_OK;
}

static lm_status number_nodes(lm_merge_schema *schema, lm_merge_node *node, lm_error *error)
{
    if (node->n_children) { /* a group without children has the number or not, as it was */
        node->element.num_children = (int32_t)node->n_children;
        node->element.has |= LM_SCHEMA_ELEMENT_NUM_CHILDREN;
    }
    schema->elements[schema->element_count++] = node->element;
    node->leaf_first = (uint32_t)schema->leaf_count;
    if (node->like.shape == LM_READ_LEAF) {
        schema->leaves[schema->leaf_count++] = node;
        LM_TRY(leaf_path(schema, node, error));
    }
    for (lm_merge_node *child = node->first; child; child = child->next)
        LM_TRY(number_nodes(schema, child, error));
    node->leaf_count = (uint32_t)schema->leaf_count - node->leaf_first;
    return LM_OK;
}

lm_status lm__merge_lay_out(lm_merge_schema *schema, lm_error *error)
{
    count_nodes(schema, schema->root);
    size_t leaves = schema->leaf_count + 1;
    schema->elements =
        lm__arena_array(schema->arena, schema->element_count, sizeof *schema->elements);
    schema->leaves = lm__arena_array(schema->arena, leaves, sizeof *schema->leaves);
    schema->paths = lm__arena_array(schema->arena, leaves, sizeof *schema->paths);
    if (!schema->elements || !schema->leaves || !schema->paths) return no_memory(error);
    schema->element_count = schema->leaf_count = 0;
    return number_nodes(schema, schema->root, error);
}

/* Finding a file's leaves again. */

static lm_status changed(lm_error *error)
{
    return lm__error_set(error, LM_CONFLICT, "the schema is no longer what it was");
}

static lm_status place_node(const lm_merge_node *ours, const lm_read_node *theirs,
                            lm_merge_place *places, lm_error *error)
{
    for (uint32_t i = 0; i < ours->leaf_count; i++)
        places[ours->leaf_first + i] = (lm_merge_place){-1, theirs};
    if (theirs->shape != ours->like.shape) return changed(error);
    if (theirs->shape == LM_READ_LEAF) {
        if (only_one_is_null(&ours->like, theirs))
            places[ours->leaf_first].above = theirs->parent;
        else
            places[ours->leaf_first].leaf = theirs->leaf_first;
        return LM_OK;
    }
    bool by_place = theirs->shape == LM_READ_LIST || theirs->shape == LM_READ_MAP ||
                    (ours->parent && ours->parent->like.shape == LM_READ_MAP) ||
                    (ours->parent && ours->parent->item_is_child);
    lm_merge_node *hint = ours->first;
    for (size_t i = 0; i < theirs->n_children; i++) {
        const lm_read_node *other = &theirs->children[i];
        lm_merge_node *child = by_place ? hint : find_child(ours, other->element->name, hint);
        if (!child) return changed(error);
        LM_TRY(place_node(child, other, places, error));
        hint = child->next;
    }
    return LM_OK;
}

lm_status lm__merge_places(const lm_merge_schema *schema, const lm_parquet_reader *reader,
                           lm_merge_place *places, lm_error *error)
{
    return place_node(schema->root, reader->schema.root, places, error);
}
