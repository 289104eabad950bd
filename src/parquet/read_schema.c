/* Making the tree: levels first, then shapes, then the meaning of the leaves; see read_schema.h. */
#include "parquet/read_schema.h"

#include <string.h>

#include "base/error.h"
#include "base/limits.h"

typedef struct schema_walk {
    lm_arena *arena;
    const lm_schema_element *elements;
    size_t next; /* element */
    lm_read_schema *out;
    lm_error *error;
} schema_walk;

const char *lm__read_path(const lm_read_node *node, char text[LM_READ_PATH_MAX])
{
    const lm_read_node *chain[LM_PARQUET_DEPTH_MAX + 1];
    size_t depth = 0, size = 0;
    for (; node->parent && depth < LM_PARQUET_DEPTH_MAX; node = node->parent) chain[depth++] = node;
    text[0] = '\0';
    while (depth > 0 && size < LM_READ_PATH_MAX - 1) {
        const lm_bytes name = chain[--depth]->element->name;
        char raw[LM_READ_PATH_MAX];
        size_t length = name.size < sizeof raw - 1 ? name.size : sizeof raw - 1;
        memcpy(raw, name.data, length);
        raw[length] = '\0';
        lm__printable(text + size, LM_READ_PATH_MAX - size, raw);
        size += strlen(text + size);
        if (depth > 0 && size < LM_READ_PATH_MAX - 1) {
            text[size++] = '.';
            text[size] = '\0';
        }
    }
    return text;
}

const lm_read_node *lm__read_child(const lm_read_node *node, const char *name, size_t size)
{
    for (size_t i = 0; i < node->n_children; i++) {
        const lm_bytes have = node->children[i].element->name;
        if (have.size == size && memcmp(have.data, name, size) == 0) return &node->children[i];
    }
    return NULL;
}

bool lm__read_is_nowhere(const lm_read_node *node)
{
    if (node->leaf_count > 0) return false;
    if (node->mode == LM_PARQUET_REPEATED) return true;
    for (size_t i = 0; i < node->n_children; i++)
        if (!lm__read_is_nowhere(&node->children[i])) return false;
    return node->n_children > 0;
}

lm_status lm__read_check_leaf(const lm_read_node *leaf, lm_error *error)
{
    const lm_read_node *node = leaf;
    if (!leaf->unreadable) return LM_OK;
    while (node->parent && node->parent->unreadable) node = node->parent;
    bool is_type = !lm__parquet_type_name(leaf->physical);
    return lm__error_set(error, LM_UNSUPPORTED,
                         "its %s %d is not known here; read the other columns (--columns)",
                         is_type ? "physical type" : "repetition type",
                         is_type ? leaf->physical : node->element->repetition_type);
}

/* Shapes (LogicalTypes.md, "Nested Types"). */

/* The logical type where the footer has one that is known here, else what the converted type says.
 */
static bool is_annotated(const lm_schema_element *element, int32_t logical, int32_t converted)
{
    if (element->logical_type && element->logical_type->choice.member > 0 &&
        element->logical_type->choice.member <= LM_PARQUET_LOGICAL_FILE)
        return element->logical_type->choice.member == logical;
    return LM_HAS(element, LM_SCHEMA_ELEMENT_CONVERTED) && element->converted_type == converted;
}

static bool is_map(const lm_schema_element *element)
{
    return is_annotated(element, LM_PARQUET_LOGICAL_MAP, LM_PARQUET_CONVERTED_MAP);
}

static bool ends_with_tuple(lm_bytes name, lm_bytes list)
{
    static const char tuple[] = "_tuple";
    size_t length = sizeof tuple - 1;
    return name.size == list.size + length && memcmp(name.data, list.data, list.size) == 0 &&
           memcmp(name.data + list.size, tuple, length) == 0;
}

/* "Backward-compatibility rules" 1 to 5 for LIST: the repeated field itself is the element, or its
 * only child. */
static const lm_read_node *list_item(const lm_read_node *list)
{
    const lm_read_node *repeated = &list->children[0];
    const lm_bytes name = repeated->element->name;
    if (repeated->shape == LM_READ_LEAF || repeated->n_children != 1) return repeated;
    if (repeated->children[0].mode == LM_PARQUET_REPEATED) return repeated;
    if (name.size == 5 && memcmp(name.data, "array", 5) == 0) return repeated;
    if (ends_with_tuple(name, list->element->name)) return repeated;
    return &repeated->children[0];
}

static void settle_shape(lm_read_node *node)
{
    const lm_schema_element *element = node->element;
    bool one_repeated = node->n_children == 1 && node->children[0].mode == LM_PARQUET_REPEATED;
    if (!node->parent) return;
    if (element->logical_type &&
        element->logical_type->choice.member == LM_PARQUET_LOGICAL_VARIANT) {
        node->shape = LM_READ_VARIANT;
    } else if (one_repeated &&
               is_annotated(element, LM_PARQUET_LOGICAL_LIST, LM_PARQUET_CONVERTED_LIST)) {
        node->shape = LM_READ_LIST;
        node->item = list_item(node);
    } else if (one_repeated && node->children[0].shape != LM_READ_LEAF &&
               (node->children[0].n_children == 1 || node->children[0].n_children == 2) &&
               (is_map(element) || (is_annotated(element, -1, LM_PARQUET_CONVERTED_MAP_KEY_VALUE) &&
                                    !is_map(node->parent->element)))) {
        const lm_read_node *entries = &node->children[0];
        node->shape = LM_READ_MAP;
        node->key = &entries->children[0];
        node->value = entries->n_children == 2 ? &entries->children[1] : NULL;
    }
}

/* Leaves. */

static lm_status bad_leaf(schema_walk *walk, const lm_read_node *node, const char *what)
{
    char path[LM_READ_PATH_MAX];
    return lm__error_set(walk->error, LM_CORRUPT, "column %s: %s does not go with %s",
                         lm__read_path(node, path), what, lm__parquet_type_name(node->physical));
}

static lm_status means_integer(schema_walk *walk, lm_read_node *node, int bits, bool is_signed)
{
    bool fits = node->physical == LM_PARQUET_INT32   ? bits == 8 || bits == 16 || bits == 32
                : node->physical == LM_PARQUET_INT64 ? bits == 64
                                                     : false;
    if (!fits) return bad_leaf(walk, node, "an annotation as an integer of another width");
    node->meaning = LM_MEANS_INTEGER;
    node->bits = (uint8_t)bits;
    node->is_signed = is_signed;
    return LM_OK;
}

/* Timestamps may have 96 bits ("TIMESTAMP"); fixed bytes of another width are bytes. */
static lm_status means_time(schema_walk *walk, lm_read_node *node, lm_read_meaning meaning,
                            int32_t unit, bool utc)
{
    bool is_wide = meaning == LM_MEANS_TIMESTAMP && node->element->logical_type &&
                   node->physical == LM_PARQUET_FIXED_LEN_BYTE_ARRAY;
    int32_t physical =
        meaning == LM_MEANS_TIME && unit == LM_PARQUET_MILLIS ? LM_PARQUET_INT32 : LM_PARQUET_INT64;
    if (unit < LM_PARQUET_MILLIS || unit > LM_PARQUET_NANOS) return LM_OK; /* from the future */
    if (is_wide && node->width != 12) return LM_OK;
    if (!is_wide && node->physical != physical)
        return bad_leaf(walk, node, "an annotation as a time");
    node->meaning = meaning;
    node->unit = unit;
    node->utc = utc;
    return LM_OK;
}

static void means_decimal(lm_read_node *node, int32_t precision, int32_t scale)
{
    bool can = node->physical == LM_PARQUET_INT32 || node->physical == LM_PARQUET_INT64 ||
               node->physical == LM_PARQUET_BYTE_ARRAY ||
               node->physical == LM_PARQUET_FIXED_LEN_BYTE_ARRAY;
    if (!can || scale < 0) return;
    node->meaning = LM_MEANS_DECIMAL;
    node->precision = precision;
    node->scale = scale;
}

static void means_bytes(lm_read_node *node, lm_read_meaning meaning)
{
    if (node->physical == LM_PARQUET_BYTE_ARRAY) node->meaning = meaning;
}

static void means_fixed(lm_read_node *node, lm_read_meaning meaning, uint32_t width)
{
    if (node->physical == LM_PARQUET_FIXED_LEN_BYTE_ARRAY && node->width == width)
        node->meaning = meaning;
}

static lm_status means_date(schema_walk *walk, lm_read_node *node)
{
    if (node->physical != LM_PARQUET_INT32) return bad_leaf(walk, node, "an annotation as a date");
    node->meaning = LM_MEANS_DATE;
    return LM_OK;
}

static lm_status meaning_of_logical(schema_walk *walk, lm_read_node *node)
{
    const lm_logical_type *type = node->element->logical_type;
    switch (type->choice.member) {
    case LM_PARQUET_LOGICAL_STRING: means_bytes(node, LM_MEANS_STRING); break;
    case LM_PARQUET_LOGICAL_ENUM: means_bytes(node, LM_MEANS_ENUM); break;
    case LM_PARQUET_LOGICAL_JSON: means_bytes(node, LM_MEANS_JSON); break;
    case LM_PARQUET_LOGICAL_BSON: means_bytes(node, LM_MEANS_BSON); break;
    case LM_PARQUET_LOGICAL_GEOMETRY: means_bytes(node, LM_MEANS_GEOMETRY); break;
    case LM_PARQUET_LOGICAL_GEOGRAPHY: means_bytes(node, LM_MEANS_GEOGRAPHY); break;
    case LM_PARQUET_LOGICAL_UUID: means_fixed(node, LM_MEANS_UUID, 16); break;
    case LM_PARQUET_LOGICAL_FLOAT16: means_fixed(node, LM_MEANS_FLOAT16, 2); break;
    case LM_PARQUET_LOGICAL_INTERVAL: means_fixed(node, LM_MEANS_INTERVAL, 12); break;
    case LM_PARQUET_LOGICAL_UNKNOWN: /* parquet-java has no other one for intervals */
        if (LM_HAS(node->element, LM_SCHEMA_ELEMENT_CONVERTED) &&
            node->element->converted_type == LM_PARQUET_CONVERTED_INTERVAL)
            means_fixed(node, LM_MEANS_INTERVAL, 12);
        else
            node->meaning = LM_MEANS_NULL;
        break;
    case LM_PARQUET_LOGICAL_DECIMAL: means_decimal(node, type->precision, type->scale); break;
    case LM_PARQUET_LOGICAL_DATE: return means_date(walk, node);
    case LM_PARQUET_LOGICAL_TIME:
        return means_time(walk, node, LM_MEANS_TIME, type->unit, type->is_adjusted_to_utc);
    case LM_PARQUET_LOGICAL_TIMESTAMP:
        return means_time(walk, node, LM_MEANS_TIMESTAMP, type->unit, type->is_adjusted_to_utc);
    case LM_PARQUET_LOGICAL_INTEGER:
        return means_integer(walk, node, type->bit_width, type->is_signed);
    default: break;
    }
    return LM_OK;
}

static lm_status meaning_of_converted(schema_walk *walk, lm_read_node *node)
{
    const lm_schema_element *element = node->element;
    int32_t converted = element->converted_type;
    switch (converted) {
    case LM_PARQUET_CONVERTED_UTF8: means_bytes(node, LM_MEANS_STRING); break;
    case LM_PARQUET_CONVERTED_ENUM: means_bytes(node, LM_MEANS_ENUM); break;
    case LM_PARQUET_CONVERTED_JSON: means_bytes(node, LM_MEANS_JSON); break;
    case LM_PARQUET_CONVERTED_BSON: means_bytes(node, LM_MEANS_BSON); break;
    case LM_PARQUET_CONVERTED_INTERVAL: means_fixed(node, LM_MEANS_INTERVAL, 12); break;
    case LM_PARQUET_CONVERTED_DECIMAL:
        means_decimal(node, LM_HAS(element, LM_SCHEMA_ELEMENT_PRECISION) ? element->precision : 0,
                      LM_HAS(element, LM_SCHEMA_ELEMENT_SCALE) ? element->scale : 0);
        break;
    case LM_PARQUET_CONVERTED_DATE: return means_date(walk, node);
    case LM_PARQUET_CONVERTED_TIME_MILLIS:
        return means_time(walk, node, LM_MEANS_TIME, LM_PARQUET_MILLIS, true);
    case LM_PARQUET_CONVERTED_TIME_MICROS:
        return means_time(walk, node, LM_MEANS_TIME, LM_PARQUET_MICROS, true);
    case LM_PARQUET_CONVERTED_TIMESTAMP_MILLIS:
        return means_time(walk, node, LM_MEANS_TIMESTAMP, LM_PARQUET_MILLIS, true);
    case LM_PARQUET_CONVERTED_TIMESTAMP_MICROS:
        return means_time(walk, node, LM_MEANS_TIMESTAMP, LM_PARQUET_MICROS, true);
    default:
        if (converted >= LM_PARQUET_CONVERTED_UINT_8 && converted <= LM_PARQUET_CONVERTED_UINT_64)
            return means_integer(walk, node, 8 << (converted - LM_PARQUET_CONVERTED_UINT_8), false);
        if (converted >= LM_PARQUET_CONVERTED_INT_8 && converted <= LM_PARQUET_CONVERTED_INT_64)
            return means_integer(walk, node, 8 << (converted - LM_PARQUET_CONVERTED_INT_8), true);
        break;
    }
    return LM_OK;
}

static lm_status settle_leaf(schema_walk *walk, lm_read_node *node)
{
    static const uint8_t widths[] = {0, 4, 8, 12, 4, 8, 0};
    const lm_schema_element *element = node->element;
    char path[LM_READ_PATH_MAX];
    node->shape = LM_READ_LEAF;
    node->physical = element->type;
    if (!lm__parquet_type_name(node->physical)) {
        node->unreadable = true;
    } else if (node->physical == LM_PARQUET_FIXED_LEN_BYTE_ARRAY) {
        int32_t length = LM_HAS(element, LM_SCHEMA_ELEMENT_TYPE_LENGTH) ? element->type_length : 0;
        if (length <= 0 || length > LM_PARQUET_WIDTH_MAX)
            return lm__error_set(walk->error, length > 0 ? LM_LIMIT : LM_CORRUPT,
                                 "column %s: FIXED_LEN_BYTE_ARRAY of length %d",
                                 lm__read_path(node, path), length);
        node->width = (uint32_t)length;
    } else {
        node->width = widths[node->physical];
    }
    node->leaf_count = 1;
    walk->out->leaves[walk->out->leaf_count++] = node;
    if (node->unreadable) return LM_OK;
    if (element->logical_type && element->logical_type->choice.member > 0) {
        if (element->logical_type->choice.member <= LM_PARQUET_LOGICAL_FILE)
            return meaning_of_logical(walk, node);
        return LM_OK; /* one from the future says nothing, whatever the old annotation is */
    }
    if (LM_HAS(element, LM_SCHEMA_ELEMENT_CONVERTED)) return meaning_of_converted(walk, node);
    return LM_OK;
}

/* The depth is bounded by lm__footer_read. */
static lm_status walk_node(schema_walk *walk, lm_read_node *node, lm_read_node *parent)
{
    const lm_schema_element *element = &walk->elements[walk->next++];
    node->element = element;
    node->parent = parent;
    node->leaf_first = walk->out->leaf_count;
    if (parent) {
        node->mode = LM_HAS(element, LM_SCHEMA_ELEMENT_REPETITION) ? element->repetition_type
                                                                   : LM_PARQUET_REQUIRED;
        node->unreadable = parent->unreadable || !lm__parquet_repetition_name(node->mode);
        if (!lm__parquet_repetition_name(node->mode)) node->mode = LM_PARQUET_REQUIRED;
        node->definition = (uint8_t)(parent->definition + (node->mode != LM_PARQUET_REQUIRED));
        node->repetition = (uint8_t)(parent->repetition + (node->mode == LM_PARQUET_REPEATED));
    }
    node->n_children =
        LM_HAS(element, LM_SCHEMA_ELEMENT_NUM_CHILDREN) ? (size_t)element->num_children : 0;
    if (parent && node->n_children == 0 && LM_HAS(element, LM_SCHEMA_ELEMENT_TYPE))
        return settle_leaf(walk, node);
    if (node->n_children > 0) {
        size_t bytes;
        if (__builtin_mul_overflow(node->n_children, sizeof *node, &bytes) ||
            !(node->children = lm__arena_zero(walk->arena, bytes)))
            return lm__error_memory(walk->error, "reading the schema");
        for (size_t i = 0; i < node->n_children; i++)
            LM_TRY(walk_node(walk, &node->children[i], node));
    }
    node->leaf_count = walk->out->leaf_count - node->leaf_first;
    return LM_OK;
}

/* From the top down, once all levels are known: what a group is depends on its parent. */
static void walk_shapes(lm_read_node *node)
{
    if (node->shape == LM_READ_LEAF) return;
    settle_shape(node);
    for (size_t i = 0; i < node->n_children; i++) walk_shapes(&node->children[i]);
}

lm_status lm__read_schema_make(lm_arena *arena, const lm_file_metadata *metadata,
                               lm_read_schema *out, lm_error *error)
{
    schema_walk walk = {arena, metadata->schema.items, 0, out, error};
    *out = (lm_read_schema){0};
    out->leaves = lm__arena_array(arena, metadata->schema.count, sizeof *out->leaves);
    out->root = lm__arena_zero(arena, sizeof *out->root);
    if (!out->leaves || !out->root) return lm__error_memory(error, "reading the schema");
    LM_TRY(walk_node(&walk, out->root, NULL));
    walk_shapes(out->root);
    return LM_OK;
}
