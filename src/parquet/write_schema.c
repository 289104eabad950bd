/* The walk over an Arrow schema that makes Parquet's; see write_schema.h. */
#include "parquet/write_schema.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/limits.h"

typedef struct schema_walk {
    lm_arena *arena;
    const lm_parquet_options *options;
    lm_write_schema *out;
    size_t element_capacity, leaf_capacity;
    lm_leaf_step steps[LM_PARQUET_DEPTH_MAX];
    lm_bytes names[LM_PARQUET_DEPTH_MAX];
    size_t step_count, name_count;
    lm_error *error;
} schema_walk;

static lm_status walk_memory(schema_walk *walk)
{
    return lm__error_memory(walk->error, "making the Parquet schema");
}

static lm_schema_element *walk_element(schema_walk *walk, const char *name, size_t name_size,
                                       int repetition)
{
    lm_write_schema *out = walk->out;
    if (!lm__arena_room(walk->arena, &out->elements, &walk->element_capacity,
                        out->element_count + 1, sizeof *out->elements))
        return NULL;
    lm_schema_element *element = &out->elements[out->element_count++];
    *element = (lm_schema_element){.name = lm__bytes(name, name_size)};
    if (repetition >= 0) {
        element->repetition_type = repetition;
        element->has |= LM_SCHEMA_ELEMENT_REPETITION;
    }
    return element;
}

static const char *join_path(lm_arena *arena, const lm_bytes *names, size_t count)
{
    size_t size = 1;
    for (size_t i = 0; i < count; i++) size += names[i].size + 1;
    char *path = lm__arena_aligned(arena, 1, size), *at = path;
    if (!path) return NULL;
    for (size_t i = 0; i < count; i++) {
        if (i) *at++ = '.';
        memcpy(at, names[i].data, names[i].size);
        at += names[i].size;
    }
    *at = '\0';
    return path;
}

/* Arrow's own names, with "item", "key" and "value" as the fields are called. */
static const char *arrow_path(schema_walk *walk)
{
    lm_bytes names[LM_PARQUET_DEPTH_MAX];
    for (size_t i = 0; i < walk->step_count; i++)
        names[i] = lm__bytes(walk->steps[i].field->name, walk->steps[i].field->name_size);
    return join_path(walk->arena, names, walk->step_count);
}

static lm_logical_type *annotate(schema_walk *walk, lm_schema_element *element, int logical)
{
    lm_logical_type *type = lm__arena_zero(walk->arena, sizeof *type);
    if (!type) return NULL;
    type->choice.member = logical;
    element->logical_type = type;
    return type;
}

static void set_converted(lm_schema_element *element, int converted)
{
    element->converted_type = converted;
    element->has |= LM_SCHEMA_ELEMENT_CONVERTED;
}

static bool annotate_integer(schema_walk *walk, lm_schema_element *element, int width,
                             bool is_signed)
{
    lm_logical_type *type = annotate(walk, element, LM_PARQUET_LOGICAL_INTEGER);
    if (!type) return false;
    type->bit_width = (int8_t)width;
    type->is_signed = is_signed;
    int step = width == 8 ? 0 : width == 16 ? 1 : width == 32 ? 2 : 3;
    set_converted(element,
                  (is_signed ? LM_PARQUET_CONVERTED_INT_8 : LM_PARQUET_CONVERTED_UINT_8) + step);
    return true;
}

/* The old annotations stand for instants only, so a time without a zone gets the new one alone. */
static bool annotate_time(schema_walk *walk, lm_schema_element *element, int logical, int unit,
                          bool utc)
{
    lm_logical_type *type = annotate(walk, element, logical);
    if (!type) return false;
    type->unit = unit;
    type->is_adjusted_to_utc = utc;
    if (!utc || unit == LM_PARQUET_NANOS) return true;
    int base = logical == LM_PARQUET_LOGICAL_TIME ? LM_PARQUET_CONVERTED_TIME_MILLIS
                                                  : LM_PARQUET_CONVERTED_TIMESTAMP_MILLIS;
    set_converted(element, base + (unit == LM_PARQUET_MICROS));
    return true;
}

/* The fewest bytes of two's complement that hold `precision` digits (LogicalTypes.md, "DECIMAL").
 */
static size_t decimal_width(int32_t precision)
{
    static const uint8_t digits[] = {0,  2,  4,  6,  9,  11, 14, 16, 18, 21, 23,
                                     26, 28, 31, 33, 35, 38, 40, 43, 45, 47, 50,
                                     52, 55, 57, 59, 62, 64, 67, 69, 71, 74, 76};
    size_t width = 1;
    while (digits[width] < precision) width++;
    return width;
}

static bool leaf_decimal(schema_walk *walk, lm_leaf *leaf, lm_schema_element *element)
{
    const lm_type *type = &leaf->value->type;
    lm_logical_type *logical = annotate(walk, element, LM_PARQUET_LOGICAL_DECIMAL);
    if (!logical) return false;
    logical->precision = element->precision = type->precision;
    logical->scale = element->scale = type->scale;
    element->has |= LM_SCHEMA_ELEMENT_PRECISION | LM_SCHEMA_ELEMENT_SCALE;
    set_converted(element, LM_PARQUET_CONVERTED_DECIMAL);
    leaf->store = LM_STORE_CONVERT;
    if (type->precision <= 18) {
        bool small = type->precision <= 9;
        leaf->physical = small ? LM_PARQUET_INT32 : LM_PARQUET_INT64;
        leaf->width = small ? 4 : 8;
        leaf->order = LM_ORDER_SIGNED;
        if (type->byte_width == (int32_t)leaf->width) leaf->store = LM_STORE_FIXED;
    } else {
        leaf->physical = LM_PARQUET_FIXED_LEN_BYTE_ARRAY;
        leaf->width = decimal_width(type->precision);
        leaf->order = LM_ORDER_SIGNED_BE;
    }
    return true;
}

static void leaf_as(lm_leaf *leaf, lm_leaf_store store, int physical, size_t width,
                    lm_leaf_order order)
{
    leaf->store = store;
    leaf->physical = physical;
    leaf->width = width;
    leaf->order = order;
}

/* What a text or binary column is said to hold: by its extension type, or by the field's own
 * "lamella:logical". */
static bool annotate_bytes(schema_walk *walk, lm_leaf *leaf, lm_schema_element *element)
{
    const char *extension = leaf->field->extension_name;
    const lm_key_value *said = lm__field_metadata(leaf->field, "lamella:logical");
    const char *logical = said ? said->value : "";
    if ((extension && strcmp(extension, "arrow.json") == 0) || strcmp(logical, "json") == 0) {
        set_converted(element, LM_PARQUET_CONVERTED_JSON);
        return annotate(walk, element, LM_PARQUET_LOGICAL_JSON) != NULL;
    }
    if (strcmp(logical, "bson") == 0) {
        set_converted(element, LM_PARQUET_CONVERTED_BSON);
        return annotate(walk, element, LM_PARQUET_LOGICAL_BSON) != NULL;
    }
    if (strcmp(logical, "enum") == 0) {
        set_converted(element, LM_PARQUET_CONVERTED_ENUM);
        return annotate(walk, element, LM_PARQUET_LOGICAL_ENUM) != NULL;
    }
    if (!leaf->text) return true;
    set_converted(element, LM_PARQUET_CONVERTED_UTF8);
    return annotate(walk, element, LM_PARQUET_LOGICAL_STRING) != NULL;
}

static bool leaf_interval(lm_leaf *leaf, lm_schema_element *element)
{
    leaf_as(leaf, LM_STORE_CONVERT, LM_PARQUET_FIXED_LEN_BYTE_ARRAY, 12, LM_ORDER_NONE);
    set_converted(element, LM_PARQUET_CONVERTED_INTERVAL);
    return true;
}

/* Seconds become milliseconds: Parquet has no smaller unit. */
static bool leaf_temporal(schema_walk *walk, lm_leaf *leaf, lm_schema_element *element)
{
    const lm_type *type = &leaf->value->type;
    bool is_time = type->id == LM_TYPE_TIME32 || type->id == LM_TYPE_TIME64;
    bool seconds = type->unit == LM_UNIT_SECOND;
    int unit = type->unit == LM_UNIT_NANO    ? LM_PARQUET_NANOS
               : type->unit == LM_UNIT_MICRO ? LM_PARQUET_MICROS
                                             : LM_PARQUET_MILLIS;
    bool narrow = type->id == LM_TYPE_TIME32;
    leaf_as(leaf, seconds ? LM_STORE_CONVERT : LM_STORE_FIXED,
            narrow ? LM_PARQUET_INT32 : LM_PARQUET_INT64, narrow ? 4 : 8, LM_ORDER_SIGNED);
    return annotate_time(walk, element,
                         is_time ? LM_PARQUET_LOGICAL_TIME : LM_PARQUET_LOGICAL_TIMESTAMP, unit,
                         !is_time && type->timezone);
}

static bool leaf_fixed_binary(schema_walk *walk, lm_leaf *leaf, lm_schema_element *element)
{
    leaf_as(leaf, LM_STORE_FIXED, LM_PARQUET_FIXED_LEN_BYTE_ARRAY,
            (size_t)leaf->value->type.byte_width, LM_ORDER_BYTES);
    if (leaf->field->extension_name && strcmp(leaf->field->extension_name, "arrow.uuid") == 0 &&
        leaf->width == 16)
        return annotate(walk, element, LM_PARQUET_LOGICAL_UUID) != NULL;
    return true;
}

/* The physical type and annotation of each Arrow type. False when the arena is full. */
static bool leaf_type(schema_walk *walk, lm_leaf *leaf, lm_schema_element *element)
{
    const lm_type *type = &leaf->value->type;
    leaf->memory_width = (size_t)type->byte_width;
    leaf->text = lm__type_is_text(type->id);
    switch (type->id) {
    case LM_TYPE_NULL:
        leaf_as(leaf, LM_STORE_NOTHING, LM_PARQUET_INT32, 4, LM_ORDER_NONE);
        return annotate(walk, element, LM_PARQUET_LOGICAL_UNKNOWN) != NULL;
    case LM_TYPE_BOOL:
        leaf_as(leaf, LM_STORE_BITS, LM_PARQUET_BOOLEAN, 0, LM_ORDER_BOOL);
        return true;
    case LM_TYPE_INT8:
    case LM_TYPE_INT16:
    case LM_TYPE_UINT8:
    case LM_TYPE_UINT16:
        leaf->is_signed = lm__type_is_signed(type->id);
        leaf_as(leaf, LM_STORE_WIDEN, LM_PARQUET_INT32, 4,
                leaf->is_signed ? LM_ORDER_SIGNED : LM_ORDER_UNSIGNED);
        return annotate_integer(walk, element, (int)leaf->memory_width * 8, leaf->is_signed);
    case LM_TYPE_INT32:
        leaf_as(leaf, LM_STORE_FIXED, LM_PARQUET_INT32, 4, LM_ORDER_SIGNED);
        return true;
    case LM_TYPE_INT64:
    case LM_TYPE_DURATION:
        leaf_as(leaf, LM_STORE_FIXED, LM_PARQUET_INT64, 8, LM_ORDER_SIGNED);
        return true;
    case LM_TYPE_UINT32:
        leaf_as(leaf, LM_STORE_FIXED, LM_PARQUET_INT32, 4, LM_ORDER_UNSIGNED);
        return annotate_integer(walk, element, 32, false);
    case LM_TYPE_UINT64:
        leaf_as(leaf, LM_STORE_FIXED, LM_PARQUET_INT64, 8, LM_ORDER_UNSIGNED);
        return annotate_integer(walk, element, 64, false);
    case LM_TYPE_FLOAT16:
        leaf_as(leaf, LM_STORE_FIXED, LM_PARQUET_FIXED_LEN_BYTE_ARRAY, 2, LM_ORDER_FLOAT16);
        return annotate(walk, element, LM_PARQUET_LOGICAL_FLOAT16) != NULL;
    case LM_TYPE_FLOAT32:
        leaf_as(leaf, LM_STORE_FIXED, LM_PARQUET_FLOAT, 4, LM_ORDER_FLOAT);
        return true;
    case LM_TYPE_FLOAT64:
        leaf_as(leaf, LM_STORE_FIXED, LM_PARQUET_DOUBLE, 8, LM_ORDER_FLOAT);
        return true;
    case LM_TYPE_DECIMAL32:
    case LM_TYPE_DECIMAL64:
    case LM_TYPE_DECIMAL128:
    case LM_TYPE_DECIMAL256: return leaf_decimal(walk, leaf, element);
    case LM_TYPE_FIXED_BINARY: return leaf_fixed_binary(walk, leaf, element);
    case LM_TYPE_DATE32:
    case LM_TYPE_DATE64:
        leaf_as(leaf, type->id == LM_TYPE_DATE64 ? LM_STORE_CONVERT : LM_STORE_FIXED,
                LM_PARQUET_INT32, 4, LM_ORDER_SIGNED);
        set_converted(element, LM_PARQUET_CONVERTED_DATE);
        return annotate(walk, element, LM_PARQUET_LOGICAL_DATE) != NULL;
    case LM_TYPE_TIME32:
    case LM_TYPE_TIME64:
    case LM_TYPE_TIMESTAMP: return leaf_temporal(walk, leaf, element);
    case LM_TYPE_INTERVAL_MONTHS:
    case LM_TYPE_INTERVAL_DAY_TIME:
    case LM_TYPE_INTERVAL_MONTH_DAY_NANO: return leaf_interval(leaf, element);
    default: /* text and binary of any layout */
        leaf_as(leaf, LM_STORE_STRINGS, LM_PARQUET_BYTE_ARRAY, 0, LM_ORDER_BYTES);
        return annotate_bytes(walk, leaf, element);
    }
}

static void set_field_id(lm_schema_element *element, const lm_field *field)
{
    const lm_key_value *id = lm__field_metadata(field, "PARQUET:field_id");
    if (!id) return;
    char *end;
    long number = strtol(id->value, &end, 10);
    if (end == id->value || *end || number < 0 || number > INT32_MAX) return;
    element->field_id = (int32_t)number;
    element->has |= LM_SCHEMA_ELEMENT_FIELD_ID;
}

static lm_status walk_leaf(schema_walk *walk, const lm_field *field, lm_schema_element *element)
{
    lm_write_schema *out = walk->out;
    const lm_field *value = field->type.id == LM_TYPE_DICTIONARY ? field->dictionary : field;
    if (!lm__arena_room(walk->arena, &out->leaves, &walk->leaf_capacity, out->leaf_count + 1,
                        sizeof *out->leaves))
        return walk_memory(walk);
    lm_leaf *leaf = &out->leaves[out->leaf_count++];
    const lm_leaf_step *last = &walk->steps[walk->step_count - 1];
    *leaf = (lm_leaf){.field = field,
                      .value = value,
                      .element = (int32_t)out->element_count - 1,
                      .definition_max = last->definition};
    for (size_t i = 0; i < walk->step_count; i++) leaf->repetition_max += walk->steps[i].repeated;
    leaf->step_count = walk->step_count;
    lm_leaf_step *steps = lm__arena_array(walk->arena, walk->step_count, sizeof *steps);
    lm_bytes *names = lm__arena_array(walk->arena, walk->name_count, sizeof *names);
    leaf->path = join_path(walk->arena, walk->names, walk->name_count);
    leaf->arrow_path = arrow_path(walk);
    if (!steps || !names || !leaf->path || !leaf->arrow_path || !leaf_type(walk, leaf, element))
        return walk_memory(walk);
    memcpy(steps, walk->steps, walk->step_count * sizeof *steps);
    memcpy(names, walk->names, walk->name_count * sizeof *names);
    leaf->steps = steps;
    leaf->path_in_schema = (lm_bytes_list){names, walk->name_count};
    element->type = leaf->physical;
    element->has |= LM_SCHEMA_ELEMENT_TYPE;
    if (leaf->physical == LM_PARQUET_FIXED_LEN_BYTE_ARRAY) {
        if (leaf->width == 0)
            return lm__error_set(walk->error, LM_UNSUPPORTED,
                                 "column %s: Parquet has no values of fixed width 0",
                                 leaf->arrow_path);
        element->type_length = (int32_t)leaf->width;
        element->has |= LM_SCHEMA_ELEMENT_TYPE_LENGTH;
    }
    return LM_OK;
}

static lm_status walk_field(schema_walk *walk, const lm_field *field, int32_t child,
                            const char *name, bool required);

static lm_status walk_name(schema_walk *walk, const char *name, size_t size)
{
    if (walk->name_count == LM_PARQUET_DEPTH_MAX)
        return lm__error_set(walk->error, LM_LIMIT, "column %s: deeper than %d levels",
                             arrow_path(walk), LM_PARQUET_DEPTH_MAX);
    walk->names[walk->name_count++] = lm__bytes(name, size);
    return LM_OK;
}

/* LIST and MAP: two groups and the element (LogicalTypes.md, "Nested Types"). */
static lm_status walk_repeated(schema_walk *walk, const lm_field *field, lm_schema_element *element,
                               bool is_map)
{
    element->num_children = 1;
    element->has |= LM_SCHEMA_ELEMENT_NUM_CHILDREN;
    set_converted(element, is_map ? LM_PARQUET_CONVERTED_MAP : LM_PARQUET_CONVERTED_LIST);
    if (!annotate(walk, element, is_map ? LM_PARQUET_LOGICAL_MAP : LM_PARQUET_LOGICAL_LIST))
        return walk_memory(walk);
    const char *name = is_map ? "key_value" : "list";
    lm_schema_element *group = walk_element(walk, name, strlen(name), LM_PARQUET_REPEATED);
    if (!group) return walk_memory(walk);
    group->num_children = is_map ? 2 : 1;
    group->has |= LM_SCHEMA_ELEMENT_NUM_CHILDREN;
    LM_TRY(walk_name(walk, name, strlen(name)));
    lm_leaf_step *step = &walk->steps[walk->step_count - 1];
    step->repeated = true;
    if (is_map) {
        const lm_field *entries = &field->children[0];
        LM_TRY(walk_field(walk, &entries->children[0], 0, "key", true));
        LM_TRY(walk_field(walk, &entries->children[1], 1, "value", false));
    } else {
        LM_TRY(walk_field(walk, &field->children[0], 0, "element", false));
    }
    walk->name_count--;
    return LM_OK;
}

static lm_status walk_group(schema_walk *walk, const lm_field *field, lm_schema_element *element)
{
    if (field->n_children == 0)
        return lm__error_set(walk->error, LM_UNSUPPORTED,
                             "column %s: Parquet has no struct without fields", arrow_path(walk));
    element->num_children = field->n_children;
    element->has |= LM_SCHEMA_ELEMENT_NUM_CHILDREN;
    for (int32_t i = 0; i < field->n_children; i++)
        LM_TRY(walk_field(walk, &field->children[i], i, NULL, false));
    return LM_OK;
}

/* `name` NULL: the field's own. */
static lm_status walk_field(schema_walk *walk, const lm_field *field, int32_t child,
                            const char *name, bool required)
{
    if (walk->step_count == LM_PARQUET_DEPTH_MAX)
        return lm__error_set(walk->error, LM_LIMIT, "column %s: deeper than %d levels",
                             arrow_path(walk), LM_PARQUET_DEPTH_MAX);
    const char *own = name ? name : field->name;
    size_t own_size = name ? strlen(name) : field->name_size;
    lm_leaf_step *step = &walk->steps[walk->step_count];
    const lm_leaf_step *above = walk->step_count ? step - 1 : NULL;
    bool optional = (field->nullable && !required) || field->type.id == LM_TYPE_NULL;
    *step = (lm_leaf_step){.field = field, .child = child, .optional = optional};
    step->definition = (uint8_t)((above ? above->definition + above->repeated : 0) + optional);
    walk->step_count++;
    LM_TRY(walk_name(walk, own, own_size));
    lm_schema_element *element =
        walk_element(walk, own, own_size, optional ? LM_PARQUET_OPTIONAL : LM_PARQUET_REQUIRED);
    if (!element) return walk_memory(walk);
    set_field_id(element, field);
    lm_status status;
    if (field->type.id == LM_TYPE_STRUCT) {
        status = walk_group(walk, field, element);
    } else if (field->type.id == LM_TYPE_MAP || lm__type_is_list(field->type.id)) {
        status = walk_repeated(walk, field, element, field->type.id == LM_TYPE_MAP);
    } else if (field->type.id == LM_TYPE_RUN_END_ENCODED ||
               field->type.id >= LM_TYPE_SPARSE_UNION) {
        status =
            lm__error_set(walk->error, LM_UNSUPPORTED, "column %s: %s cannot be written to Parquet",
                          arrow_path(walk), lm__type_name(field->type.id));
    } else {
        status = walk_leaf(walk, field, element);
    }
    walk->name_count--;
    walk->step_count--;
    return status;
}

/* Whether `path` names the leaf or a group above it. */
static bool path_covers(const char *path, const char *leaf)
{
    size_t size = strlen(path);
    return strncmp(path, leaf, size) == 0 && (leaf[size] == '\0' || leaf[size] == '.');
}

static bool encoding_fits(const lm_leaf *leaf, lm_encoding encoding)
{
    int type = leaf->physical;
    switch (encoding) {
    case LM_ENCODING_AUTO:
    case LM_ENCODING_PLAIN: return true;
    case LM_ENCODING_RLE_DICTIONARY: return type != LM_PARQUET_BOOLEAN;
    case LM_ENCODING_RLE: return type == LM_PARQUET_BOOLEAN;
    case LM_ENCODING_DELTA_BINARY_PACKED:
        return type == LM_PARQUET_INT32 || type == LM_PARQUET_INT64;
    case LM_ENCODING_DELTA_LENGTH_BYTE_ARRAY: return type == LM_PARQUET_BYTE_ARRAY;
    case LM_ENCODING_DELTA_BYTE_ARRAY:
        return type == LM_PARQUET_BYTE_ARRAY || type == LM_PARQUET_FIXED_LEN_BYTE_ARRAY;
    case LM_ENCODING_BYTE_STREAM_SPLIT:
        return type != LM_PARQUET_BOOLEAN && type != LM_PARQUET_BYTE_ARRAY;
    default: return false;
    }
}

static lm_status leaf_options(lm_write_schema *schema, lm_leaf *leaf,
                              const lm_parquet_options *options, lm_error *error)
{
    leaf->encoding = LM_ENCODING_AUTO;
    leaf->codec = options->codec;
    leaf->level = options->level;
    leaf->dictionary = options->dictionary;
    leaf->statistics = options->statistics;
    leaf->bloom_false_share = 0.01;
    for (size_t i = 0; i < options->column_count; i++) {
        const lm_parquet_column_options *column = &options->columns[i];
        if (!path_covers(column->path, leaf->path) && !path_covers(column->path, leaf->arrow_path))
            continue;
        if (!encoding_fits(leaf, column->encoding))
            return lm__error_set(error, LM_INVALID, "column %s: %s does not fit a column of %s",
                                 leaf->path, lm__parquet_encoding_name((int)column->encoding),
                                 lm__parquet_type_name(leaf->physical));
        if (column->encoding != LM_ENCODING_AUTO) leaf->encoding = column->encoding;
        if (column->codec_set) {
            leaf->codec = column->codec;
            leaf->level = column->level;
        }
        if (column->dictionary) leaf->dictionary = column->dictionary == LM_CHOICE_ON;
        if (column->statistics) leaf->statistics = column->statistics == LM_CHOICE_ON;
        if (column->bloom) leaf->bloom = column->bloom == LM_CHOICE_ON;
        if (column->bloom_false_share > 0) leaf->bloom_false_share = column->bloom_false_share;
        if (column->bloom_distinct > 0) leaf->bloom_distinct = column->bloom_distinct;
        if (column->field_id >= 0) {
            schema->elements[leaf->element].field_id = column->field_id;
            schema->elements[leaf->element].has |= LM_SCHEMA_ELEMENT_FIELD_ID;
        }
    }
    if (leaf->physical == LM_PARQUET_BOOLEAN || leaf->store == LM_STORE_NOTHING)
        leaf->dictionary = leaf->bloom = false;
    return LM_OK;
}

/* Every path in the options must name something. */
static lm_status options_check(const lm_write_schema *schema, const lm_parquet_options *options,
                               lm_error *error)
{
    for (size_t i = 0; i < options->column_count; i++) {
        const char *path = options->columns[i].path;
        bool found = false;
        for (size_t k = 0; k < schema->leaf_count && !found; k++)
            found = path_covers(path, schema->leaves[k].path) ||
                    path_covers(path, schema->leaves[k].arrow_path);
        if (!found)
            return lm__error_set(error, LM_INVALID, "options name a column %s that is not there",
                                 path);
    }
    return LM_OK;
}

lm_status lm__write_schema_make(lm_arena *arena, const lm_schema *schema,
                                const lm_parquet_options *options, lm_write_schema *out,
                                lm_error *error)
{
    *out = (lm_write_schema){0};
    schema_walk *walk = lm__arena_zero(arena, sizeof *walk);
    if (!walk) return lm__error_memory(error, "making the Parquet schema");
    walk->arena = arena;
    walk->options = options;
    walk->out = out;
    walk->error = error;
    lm_schema_element *root = walk_element(walk, "schema", 6, -1);
    if (!root) return walk_memory(walk);
    root->num_children = schema->root.n_children;
    root->has |= LM_SCHEMA_ELEMENT_NUM_CHILDREN;
    for (int32_t i = 0; i < schema->root.n_children; i++)
        LM_TRY(walk_field(walk, &schema->root.children[i], i, NULL, false));
    LM_TRY(options_check(out, options, error));
    for (size_t i = 0; i < out->leaf_count; i++)
        LM_TRY(leaf_options(out, &out->leaves[i], options, error));
    return LM_OK;
}
