/* Delta's types and schema text; see delta_schema.h. */
#include "table/delta_schema.h"

#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/json.h"
#include "base/limits.h"

#define COMMENT "comment"

static lm_status no_memory(lm_error *error)
{
    return lm__error_memory(error, "making a table's schema");
}

/* What a table stores. */

static bool stored_leaf(const lm_type *type, lm_type *out)
{
    switch (type->id) {
    case LM_TYPE_BOOL:
    case LM_TYPE_INT8:
    case LM_TYPE_INT16:
    case LM_TYPE_INT32:
    case LM_TYPE_INT64:
    case LM_TYPE_FLOAT32:
    case LM_TYPE_FLOAT64:
    case LM_TYPE_DATE32: *out = lm__type_make(type->id); return true;
    case LM_TYPE_UINT8: *out = lm__type_make(LM_TYPE_INT16); return true;
    case LM_TYPE_UINT16: *out = lm__type_make(LM_TYPE_INT32); return true;
    case LM_TYPE_UINT32: *out = lm__type_make(LM_TYPE_INT64); return true;
    case LM_TYPE_DATE64: *out = lm__type_make(LM_TYPE_DATE32); return true;
    case LM_TYPE_UTF8:
    case LM_TYPE_LARGE_UTF8:
    case LM_TYPE_UTF8_VIEW: *out = lm__type_make(LM_TYPE_UTF8); return true;
    case LM_TYPE_BINARY:
    case LM_TYPE_LARGE_BINARY:
    case LM_TYPE_BINARY_VIEW:
    case LM_TYPE_FIXED_BINARY: *out = lm__type_make(LM_TYPE_BINARY); return true;
    case LM_TYPE_DECIMAL32:
    case LM_TYPE_DECIMAL64:
    case LM_TYPE_DECIMAL128:
    case LM_TYPE_DECIMAL256:
        if (type->precision > 38 || type->scale < 0 || type->scale > type->precision) return false;
        *out = lm__type_decimal(LM_TYPE_DECIMAL128, type->precision, type->scale);
        return true;
    case LM_TYPE_TIMESTAMP:
        *out = lm__type_temporal(LM_TYPE_TIMESTAMP, LM_UNIT_MICRO);
        out->timezone = type->timezone ? "UTC" : NULL;
        return true;
    default: return false;
    }
}

static lm_status refuse(const lm_field *field, const lm_path *path, lm_error *error)
{
    char type[LM_TYPE_TEXT_MAX];
    return lm__path_error(error, LM_SCHEMA, path, "a Delta table cannot hold %s%s",
                          lm__type_text_short(field, type),
                          lm__type_is_decimal(field->type.id) ? " (at most 38 digits)" : "");
}

static bool keep_comment(lm_arena *arena, const lm_field *source, lm_field *out)
{
    const lm_key_value *comment = lm__field_metadata(source, COMMENT);
    return !comment || lm__field_add_metadata(arena, out, COMMENT, strlen(COMMENT), comment->value,
                                              comment->value_size);
}

/* Children have the names that `names` gives them, or their own. */
static lm_status stored_children(lm_arena *arena, const lm_field *source, const lm_path *path,
                                 const char *const *names, lm_field *out, lm_error *error)
{
    lm_field *children = lm__field_children(arena, out, source->n_children);
    if (!children) return no_memory(error);
    for (int32_t i = 0; i < source->n_children; i++) {
        lm_field child = source->children[i];
        const lm_path below = {path, child.name};
        if (names) {
            child.name = names[i];
            child.name_size = strlen(names[i]);
        }
        LM_TRY(lm__delta_field(arena, &child, &below, &children[i], error));
    }
    return LM_OK;
}

lm_status lm__delta_field(lm_arena *arena, const lm_field *source, const lm_path *path,
                          lm_field *out, lm_error *error)
{
    static const char *const element[] = {"element"}, *const pair[] = {"key", "value"};
    const lm_field *value = source;
    lm_type type;
    bool nested = true;
    if (source->extension_name && !lm__field_is_uuid(source)) return refuse(source, path, error);
    if (source->dictionary) value = source->dictionary;
    if (source->type.id == LM_TYPE_RUN_END_ENCODED) value = &source->children[1];
    if (lm__type_is_list(value->type.id))
        type = lm__type_make(LM_TYPE_LIST);
    else if (value->type.id == LM_TYPE_STRUCT || value->type.id == LM_TYPE_MAP)
        type = lm__type_make(value->type.id);
    else if (stored_leaf(&value->type, &type))
        nested = false;
    else
        return refuse(value, path, error);
    if (value->type.id == LM_TYPE_STRUCT && value->n_children == 0)
        return lm__path_error(error, LM_SCHEMA, path, "a struct without fields cannot be stored");
    if (!lm__field_init(arena, out, source->name, type, source->nullable)) return no_memory(error);
    if (!keep_comment(arena, source, out)) return no_memory(error);
    if (!nested) return LM_OK;
    if (value->type.id != LM_TYPE_MAP)
        return stored_children(arena, value, path, type.id == LM_TYPE_LIST ? element : NULL, out,
                               error);
    /* The entries are a struct that is no column of its own. */
    lm_field *entries = lm__field_children(arena, out, 1);
    if (!entries ||
        !lm__field_init(arena, entries, "entries", lm__type_make(LM_TYPE_STRUCT), false))
        return no_memory(error);
    return stored_children(arena, &value->children[0], path, pair, entries, error);
}

bool lm__delta_same(const lm_field *a, const lm_field *b)
{
    if (a->dictionary) a = a->dictionary;
    if (b->dictionary) b = b->dictionary;
    if (a->type.id == LM_TYPE_RUN_END_ENCODED) a = &a->children[1];
    if (b->type.id == LM_TYPE_RUN_END_ENCODED) b = &b->children[1];
    lm_type_id x = a->type.id, y = b->type.id;
    if (lm__type_is_list(x) && lm__type_is_list(y))
        return lm__delta_same(&a->children[0], &b->children[0]);
    if (lm__type_is_text(x)) return lm__type_is_text(y);
    if (lm__type_is_binary(x)) return lm__type_is_binary(y);
    if (lm__type_is_decimal(x))
        return lm__type_is_decimal(y) && a->type.precision == b->type.precision &&
               a->type.scale == b->type.scale;
    if (x != y) return false;
    if (x == LM_TYPE_TIMESTAMP)
        return a->type.unit == b->type.unit && !a->type.timezone == !b->type.timezone;
    if (x == LM_TYPE_MAP) {
        const lm_field *p = &a->children[0], *q = &b->children[0];
        return lm__delta_same(&p->children[0], &q->children[0]) &&
               lm__delta_same(&p->children[1], &q->children[1]);
    }
    if (x == LM_TYPE_STRUCT) {
        if (a->n_children != b->n_children) return false;
        for (int32_t i = 0; i < a->n_children; i++) {
            const lm_field *child = &b->children[i];
            int32_t at = lm__field_find(a, child->name, child->name_size);
            if (at < 0 || !lm__delta_same(&a->children[at], child)) return false;
        }
        return true;
    }
    return lm__type_equal(&a->type, &b->type);
}

bool lm__delta_has_ntz(const lm_field *field)
{
    if (field->type.id == LM_TYPE_TIMESTAMP && !field->type.timezone) return true;
    for (int32_t i = 0; i < field->n_children; i++)
        if (lm__delta_has_ntz(&field->children[i])) return true;
    return false;
}

/* The text. A field's metadata are texts; other JSON stands under "json:<key>" as its text. */

#define JSON_KEY "json:"

const char *lm__delta_type_name(const lm_field *field, char text[32])
{
    switch (field->type.id) {
    case LM_TYPE_NULL: return "void";
    case LM_TYPE_BOOL: return "boolean";
    case LM_TYPE_INT8: return "byte";
    case LM_TYPE_INT16: return "short";
    case LM_TYPE_INT32: return "integer";
    case LM_TYPE_INT64: return "long";
    case LM_TYPE_FLOAT32: return "float";
    case LM_TYPE_FLOAT64: return "double";
    case LM_TYPE_UTF8: return "string";
    case LM_TYPE_BINARY: return "binary";
    case LM_TYPE_DATE32: return "date";
    case LM_TYPE_TIMESTAMP: return field->type.timezone ? "timestamp" : "timestamp_ntz";
    case LM_TYPE_DECIMAL128:
        snprintf(text, 32, "decimal(%d,%d)", field->type.precision, field->type.scale);
        return text;
    default: return NULL;
    }
}

static void put_type(lm_json_writer *writer, const lm_field *field);

static void put_metadata(lm_json_writer *writer, const lm_field *field)
{
    lm__json_open_object(writer);
    for (size_t i = 0; i < field->n_metadata; i++) {
        const lm_key_value *pair = &field->metadata[i];
        lm_arena arena;
        const lm_json *tree;
        if (strncmp(pair->key, JSON_KEY, strlen(JSON_KEY)) != 0) {
            lm__json_key(writer, pair->key);
            lm__json_string_n(writer, pair->value, pair->value_size);
            continue;
        }
        lm__arena_init(&arena, writer->out->allocator, 0);
        lm_status status = lm__json_parse(&arena, pair->value, pair->value_size, &tree, NULL);
        if (status == LM_OK) {
            lm__json_key(writer, pair->key + strlen(JSON_KEY));
            lm__json_tree(writer, tree);
        } else if (status == LM_NO_MEMORY) {
            writer->status = status;
        }
        lm__arena_deinit(&arena);
    }
    lm__json_close_object(writer);
}

static void put_fields(lm_json_writer *writer, const lm_field *parent)
{
    lm__json_member_string_out(writer, "type", "struct");
    lm__json_key(writer, "fields");
    lm__json_open_array(writer);
    for (int32_t i = 0; i < parent->n_children; i++) {
        const lm_field *field = &parent->children[i];
        lm__json_open_object(writer);
        lm__json_key(writer, "name");
        lm__json_string_n(writer, field->name, field->name_size);
        lm__json_key(writer, "type");
        put_type(writer, field);
        lm__json_member_bool_out(writer, "nullable", field->nullable);
        lm__json_key(writer, "metadata");
        put_metadata(writer, field);
        lm__json_close_object(writer);
    }
    lm__json_close_array(writer);
}

static void put_type(lm_json_writer *writer, const lm_field *field)
{
    char text[32];
    const char *name = lm__delta_type_name(field, text);
    if (name) {
        lm__json_string(writer, name);
        return;
    }
    lm__json_open_object(writer);
    if (field->type.id == LM_TYPE_STRUCT) {
        put_fields(writer, field);
    } else if (field->type.id == LM_TYPE_MAP) {
        const lm_field *entries = &field->children[0];
        lm__json_member_string_out(writer, "type", "map");
        lm__json_key(writer, "keyType");
        put_type(writer, &entries->children[0]);
        lm__json_key(writer, "valueType");
        put_type(writer, &entries->children[1]);
        lm__json_member_bool_out(writer, "valueContainsNull", entries->children[1].nullable);
    } else {
        lm__json_member_string_out(writer, "type", "array");
        lm__json_key(writer, "elementType");
        put_type(writer, &field->children[0]);
        lm__json_member_bool_out(writer, "containsNull", field->children[0].nullable);
    }
    lm__json_close_object(writer);
}

lm_status lm__delta_schema_text(const lm_schema *schema, lm_buffer *out)
{
    lm_json_writer writer;
    lm__json_writer_init(&writer, out, false);
    lm__json_open_object(&writer);
    put_fields(&writer, &schema->root);
    lm__json_close_object(&writer);
    return writer.status;
}

/* And back. */

static lm_status corrupt(lm_error *error, const char *what)
{
    return lm__error_set(error, LM_CORRUPT, "the table's schema: %s", what);
}

static bool leaf_of(const char *name, lm_type *out)
{
    static const struct {
        const char *name;
        lm_type_id id;
    } rows[] = {
        {"void", LM_TYPE_NULL},     {"boolean", LM_TYPE_BOOL},   {"byte", LM_TYPE_INT8},
        {"short", LM_TYPE_INT16},   {"integer", LM_TYPE_INT32},  {"long", LM_TYPE_INT64},
        {"float", LM_TYPE_FLOAT32}, {"double", LM_TYPE_FLOAT64}, {"string", LM_TYPE_UTF8},
        {"binary", LM_TYPE_BINARY}, {"date", LM_TYPE_DATE32},
    };
    int precision, scale, end = 0;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (strcmp(name, rows[i].name) == 0) {
            *out = lm__type_make(rows[i].id);
            return true;
        }
    if (strcmp(name, "timestamp") == 0 || strcmp(name, "timestamp_ntz") == 0) {
        *out = lm__type_temporal(LM_TYPE_TIMESTAMP, LM_UNIT_MICRO);
        out->timezone = name[9] ? NULL : "UTC";
        return true;
    }
    if (strlen(name) < 20 &&
        sscanf(name, "decimal( %2d , %2d ) %n", &precision, &scale, &end) == 2 && end > 0 &&
        !name[end] && precision >= 1 && precision <= 38 && scale >= 0 && scale <= precision) {
        *out = lm__type_decimal(LM_TYPE_DECIMAL128, precision, scale);
        return true;
    }
    return false;
}

static lm_status read_type(lm_arena *arena, const lm_json *type, const char *name, bool nullable,
                           int depth, lm_field *out, lm_error *error);

static lm_status read_metadata(lm_arena *arena, const lm_json *metadata, lm_field *field,
                               lm_error *error)
{
    const lm_json *first = metadata && metadata->kind == LM_JSON_OBJECT ? metadata->first : NULL;
    for (const lm_json *at = first; at; at = at->next) {
        lm_buffer text;
        lm__buffer_init(&text, arena->allocator, 0);
        bool is_text = at->kind == LM_JSON_STRING;
        char *key = lm__arena_printf(arena, "%s%s", is_text ? "" : JSON_KEY, at->key);
        lm_json_writer writer;
        lm__json_writer_init(&writer, &text, false);
        if (!is_text) lm__json_tree(&writer, at);
        bool kept = key && writer.status == LM_OK &&
                    lm__field_add_metadata(arena, field, key, strlen(key),
                                           is_text ? at->text : (const char *)text.data,
                                           is_text ? at->text_size : text.size);
        lm__buffer_deinit(&text);
        if (!kept) return no_memory(error);
    }
    return LM_OK;
}

static lm_status read_fields(lm_arena *arena, const lm_json *type, int depth, lm_field *parent,
                             lm_error *error)
{
    const lm_json *fields = lm__json_member(type, "fields");
    if (!fields || fields->kind != LM_JSON_ARRAY || fields->count > LM_ARROW_CHILDREN_MAX)
        return corrupt(error, "a struct has no list of fields");
    lm_field *children = lm__field_children(arena, parent, (int32_t)fields->count);
    if (!children) return no_memory(error);
    for (const lm_json *at = fields->first; at; at = at->next, children++) {
        const char *name = lm__json_member_text(at, "name", NULL);
        const lm_json *kind = lm__json_member(at, "type");
        if (!name || !kind) return corrupt(error, "a field has no name or no type");
        LM_TRY(read_type(arena, kind, name, lm__json_member_bool(at, "nullable", true), depth,
                         children, error));
        LM_TRY(read_metadata(arena, lm__json_member(at, "metadata"), children, error));
    }
    return LM_OK;
}

static lm_status read_item(lm_arena *arena, const lm_json *type, const char *key, const char *name,
                           bool nullable, int depth, lm_field *out, lm_error *error)
{
    const lm_json *item = lm__json_member(type, key);
    if (!item) return corrupt(error, "a list or map has no type of its items");
    return read_type(arena, item, name, nullable, depth, out, error);
}

static lm_status read_nested(lm_arena *arena, const lm_json *type, const char *name, bool nullable,
                             int depth, lm_field *out, lm_error *error)
{
    const char *kind = lm__json_member_text(type, "type", "");
    lm_type_id id = strcmp(kind, "struct") == 0  ? LM_TYPE_STRUCT
                    : strcmp(kind, "array") == 0 ? LM_TYPE_LIST
                    : strcmp(kind, "map") == 0   ? LM_TYPE_MAP
                                                 : LM_TYPE_NULL;
    if (id == LM_TYPE_NULL)
        return lm__error_set(error, LM_UNSUPPORTED,
                             "the table's column %s is of the type \"%.40s\", which is not "
                             "supported",
                             name, kind);
    if (!lm__field_init(arena, out, name, lm__type_make(id), nullable)) return no_memory(error);
    if (id == LM_TYPE_STRUCT) return read_fields(arena, type, depth, out, error);
    lm_field *child = lm__field_children(arena, out, 1);
    if (!child) return no_memory(error);
    if (id == LM_TYPE_LIST)
        return read_item(arena, type, "elementType", "element",
                         lm__json_member_bool(type, "containsNull", true), depth, child, error);
    if (!lm__field_init(arena, child, "entries", lm__type_make(LM_TYPE_STRUCT), false))
        return no_memory(error);
    lm_field *pair = lm__field_children(arena, child, 2);
    if (!pair) return no_memory(error);
    LM_TRY(read_item(arena, type, "keyType", "key", false, depth, &pair[0], error));
    return read_item(arena, type, "valueType", "value",
                     lm__json_member_bool(type, "valueContainsNull", true), depth, &pair[1], error);
}

static lm_status read_type(lm_arena *arena, const lm_json *type, const char *name, bool nullable,
                           int depth, lm_field *out, lm_error *error)
{
    lm_type leaf;
    if (depth >= LM_ARROW_DEPTH_MAX) return corrupt(error, "nested too deep");
    if (type->kind == LM_JSON_OBJECT)
        return read_nested(arena, type, name, nullable, depth + 1, out, error);
    if (type->kind != LM_JSON_STRING) return corrupt(error, "a type is no text");
    if (!leaf_of(type->text, &leaf))
        return lm__error_set(error, LM_UNSUPPORTED,
                             "the table's column %s is of the type \"%.40s\", which is not "
                             "supported",
                             name, type->text);
    return lm__field_init(arena, out, name, leaf, nullable) ? LM_OK : no_memory(error);
}

lm_status lm__delta_schema_parse(const lm_allocator *allocator, const char *text, size_t size,
                                 lm_schema **schema, lm_error *error)
{
    lm_arena arena;
    const lm_json *root;
    *schema = NULL;
    lm__arena_init(&arena, allocator, 0);
    lm_status status = lm__json_parse(&arena, text, size, &root, error);
    if (status != LM_OK) status = lm__error_within(error, status, "the table's schema");
    if (status == LM_OK) status = lm__schema_new(allocator, schema, error);
    if (status == LM_OK) status = read_fields(&(*schema)->arena, root, 0, &(*schema)->root, error);
    if (status == LM_OK) status = lm__schema_seal(*schema, error);
    lm__arena_deinit(&arena);
    if (status == LM_OK) return LM_OK;
    lm_schema_free(*schema);
    *schema = NULL;
    return status;
}
