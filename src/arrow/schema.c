/*
 * Schemas: making, checking, copying and comparing them; see schema.h for the invariants. The C
 * interface is in schema_c.c, the text form in schema_text.c, the flatbuffer in fb_schema.c.
 */
#include "arrow/schema.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "arrow/fb_schema.h"
#include "base/alloc.h"
#include "base/error.h"
#include "base/limits.h"
#include "base/utf8.h"

const char *lm__path_text(const lm_path *path, char text[LM_PATH_TEXT_MAX])
{
    const char *names[LM_ARROW_DEPTH_MAX + 2];
    size_t count = 0, used = 0;
    for (; path && count < sizeof names / sizeof *names; path = path->up)
        names[count++] = path->name;
    text[0] = '\0';
    while (count > 0 && used + 2 < LM_PATH_TEXT_MAX) {
        if (used) text[used++] = '.';
        lm__printable(text + used, LM_PATH_TEXT_MAX - used, names[--count]);
        used += strlen(text + used);
    }
    return text;
}

lm_status lm__path_error(lm_error *error, lm_status code, const lm_path *path, const char *format,
                         ...)
{
    char where[LM_PATH_TEXT_MAX], why[512];
    va_list args;
    va_start(args, format);
    vsnprintf(why, sizeof why, format, args);
    va_end(args);
    if (!path) return lm__error_set(error, code, "the table: %s", why);
    return lm__error_set(error, code, "column %s: %s", lm__path_text(path, where), why);
}

lm_status lm__schema_new(const lm_allocator *allocator, lm_schema **schema, lm_error *error)
{
    *schema = lm__alloc_zero(allocator, sizeof **schema);
    if (!*schema) return lm__error_memory(error, "making a schema");
    (*schema)->allocator = lm__allocator_or_default(allocator);
    atomic_init(&(*schema)->references, 1);
    lm__arena_init(&(*schema)->arena, allocator, 0);
    (*schema)->arena.block_bytes = 1024; /* most schemas are small */
    (*schema)->root.type = lm__type_make(LM_TYPE_STRUCT);
    (*schema)->root.name = "";
    return LM_OK;
}

lm_schema *lm_schema_ref(lm_schema *schema)
{
    atomic_fetch_add_explicit(&schema->references, 1, memory_order_relaxed);
    return schema;
}

void lm_schema_free(lm_schema *schema)
{
    if (!schema) return;
    if (atomic_fetch_sub_explicit(&schema->references, 1, memory_order_acq_rel) != 1) return;
    lm__arena_deinit(&schema->arena);
    lm__free(schema->allocator, schema);
}

size_t lm_schema_columns(const lm_schema *schema) { return (size_t)schema->root.n_children; }

/* Checking. */

typedef struct checker {
    size_t fields, depth;
    lm_error *error;
} checker;

static lm_status check_parameters(checker *c, lm_field *field, const lm_path *path)
{
    lm_type *type = &field->type;
    switch (type->id) {
    case LM_TYPE_DECIMAL32:
    case LM_TYPE_DECIMAL64:
    case LM_TYPE_DECIMAL128:
    case LM_TYPE_DECIMAL256: {
        int most = lm__decimal_precision_max(type->id);
        if (type->precision < 1 || type->precision > most)
            return lm__path_error(c->error, LM_SCHEMA, path,
                                  "a precision of %d, where %s has 1 to %d", type->precision,
                                  lm__type_name(type->id), most);
        if (type->scale < -most || type->scale > most)
            return lm__path_error(c->error, LM_SCHEMA, path, "a scale of %d, where %s has %d to %d",
                                  type->scale, lm__type_name(type->id), -most, most);
        return LM_OK;
    }
    case LM_TYPE_FIXED_BINARY:
        if (type->byte_width < 0 || type->byte_width > LM_ARROW_BYTE_WIDTH_MAX)
            return lm__path_error(c->error, LM_SCHEMA, path,
                                  "a width of %d bytes, where 0 to %d are possible",
                                  type->byte_width, LM_ARROW_BYTE_WIDTH_MAX);
        return LM_OK;
    case LM_TYPE_TIME32:
        if (type->unit <= LM_UNIT_MILLI) return LM_OK;
        return lm__path_error(c->error, LM_SCHEMA, path, "time32 counts s or ms, not %s",
                              lm__unit_name(type->unit));
    case LM_TYPE_TIME64:
        if (type->unit >= LM_UNIT_MICRO) return LM_OK;
        return lm__path_error(c->error, LM_SCHEMA, path, "time64 counts us or ns, not %s",
                              lm__unit_name(type->unit));
    case LM_TYPE_TIMESTAMP:
        if (type->timezone && !*type->timezone) type->timezone = NULL;
        if (!type->timezone) return LM_OK;
        if (strlen(type->timezone) > LM_ARROW_TIMEZONE_BYTES_MAX ||
            !lm__utf8_valid(type->timezone, strlen(type->timezone)))
            return lm__path_error(c->error, LM_SCHEMA, path, "its time zone is not a name");
        return LM_OK;
    case LM_TYPE_FIXED_LIST:
        if (type->list_size >= 0) return LM_OK;
        return lm__path_error(c->error, LM_SCHEMA, path, "a list size of %d", type->list_size);
    case LM_TYPE_DICTIONARY:
        if (lm__type_is_integer(type->index_id)) return LM_OK;
        return lm__path_error(c->error, LM_SCHEMA, path,
                              "a dictionary's index is an integer, not %s",
                              lm__type_name(type->index_id));
    case LM_TYPE_SPARSE_UNION:
    case LM_TYPE_DENSE_UNION:
        return lm__path_error(c->error, LM_UNSUPPORTED, path, "unions (%s) are not supported",
                              lm__type_name(type->id));
    default: return LM_OK;
    }
}

/* How many children, and of what kind, a type has. */
static lm_status check_shape(checker *c, lm_field *field, const lm_path *path)
{
    lm_type_id id = field->type.id;
    int32_t want = lm__type_is_list(id) || id == LM_TYPE_MAP ? 1
                   : id == LM_TYPE_RUN_END_ENCODED           ? 2
                                                             : 0;
    if (id != LM_TYPE_STRUCT && field->n_children != want)
        return lm__path_error(c->error, LM_SCHEMA, path, "%s has %d child fields, not %d",
                              lm__type_name(id), want, field->n_children);
    if ((id == LM_TYPE_DICTIONARY) != (field->dictionary != NULL))
        return lm__path_error(c->error, LM_SCHEMA, path, "%s %s", lm__type_name(id),
                              field->dictionary ? "cannot have a dictionary"
                                                : "without its values");
    if (id == LM_TYPE_DICTIONARY && field->dictionary->type.id == LM_TYPE_DICTIONARY)
        return lm__path_error(c->error, LM_UNSUPPORTED, path,
                              "a dictionary of dictionaries is not supported");
    if (id == LM_TYPE_MAP) {
        lm_field *entries = &field->children[0];
        if (entries->type.id != LM_TYPE_STRUCT || entries->n_children != 2)
            return lm__path_error(c->error, LM_SCHEMA, path,
                                  "a map's entries are a struct of key and value");
        /* The format says so; some producers leave the flags unset. */
        entries->nullable = entries->children[0].nullable = false;
    }
    if (id == LM_TYPE_RUN_END_ENCODED) {
        lm_type_id ends = field->children[0].type.id;
        if (ends != LM_TYPE_INT16 && ends != LM_TYPE_INT32 && ends != LM_TYPE_INT64)
            return lm__path_error(c->error, LM_SCHEMA, path,
                                  "run ends are int16, int32 or int64, not %s",
                                  lm__type_name(ends));
        field->children[0].nullable = false;
    }
    return LM_OK;
}

static lm_status check_name(checker *c, const lm_field *field, const lm_path *path)
{
    if (field->name_size > LM_ARROW_NAME_BYTES_MAX)
        return lm__path_error(c->error, LM_LIMIT, path, "a name of %zu bytes, more than %zu",
                              field->name_size, LM_ARROW_NAME_BYTES_MAX);
    if (!lm__utf8_valid(field->name, field->name_size))
        return lm__path_error(c->error, LM_SCHEMA, path, "its name is not UTF-8");
    if (strlen(field->name) != field->name_size)
        return lm__path_error(c->error, LM_SCHEMA, path, "its name has a NUL within");
    return LM_OK;
}

static lm_status check_field(checker *c, lm_field *field, const lm_path *path)
{
    LM_TRY(check_name(c, field, path));
    if (++c->fields > LM_ARROW_FIELDS_MAX)
        return lm__path_error(c->error, LM_LIMIT, path, "more than %d fields", LM_ARROW_FIELDS_MAX);
    if (field->n_children < 0 || field->n_children > LM_ARROW_CHILDREN_MAX)
        return lm__path_error(c->error, LM_LIMIT, path, "%d child fields, more than %d",
                              field->n_children, LM_ARROW_CHILDREN_MAX);
    if (c->depth > LM_ARROW_DEPTH_MAX)
        return lm__path_error(c->error, LM_LIMIT, path, "nested deeper than %d",
                              LM_ARROW_DEPTH_MAX);
    LM_TRY(check_parameters(c, field, path));
    LM_TRY(check_shape(c, field, path));
    c->depth++;
    for (int32_t i = 0; i < field->n_children; i++) {
        lm_path below = {path, field->children[i].name};
        LM_TRY(check_field(c, &field->children[i], &below));
    }
    if (field->dictionary) {
        field->dictionary->nullable = true; /* whether there are nulls is the index's affair */
        LM_TRY(check_field(c, field->dictionary, path));
    }
    c->depth--;
    return LM_OK;
}

lm_status lm__field_check(lm_field *field, const lm_path *path, lm_error *error)
{
    checker c = {.error = error};
    return check_field(&c, field, path);
}

lm_status lm__schema_seal(lm_schema *schema, lm_error *error)
{
    schema->root.nullable = false;
    LM_TRY(lm__field_check(&schema->root, NULL, error));
    lm__fb_schema_number(&schema->root);
    return LM_OK;
}

/* Making. */

bool lm__field_init(lm_arena *arena, lm_field *field, const char *name, lm_type type, bool nullable)
{
    size_t size = strlen(name);
    *field = (lm_field){.name_size = size, .type = type, .nullable = nullable};
    field->name = lm__arena_strndup(arena, name, size);
    if (!field->name) return false;
    if (!type.timezone) return true;
    field->type.timezone = lm__arena_strdup(arena, type.timezone);
    return field->type.timezone != NULL;
}

lm_field *lm__field_children(lm_arena *arena, lm_field *field, int32_t n_children)
{
    size_t bytes;
    if (__builtin_mul_overflow((size_t)n_children, sizeof *field->children, &bytes)) return NULL;
    field->children = lm__arena_zero(arena, bytes);
    if (!field->children) return NULL;
    for (int32_t i = 0; i < n_children; i++) field->children[i].name = "";
    field->n_children = n_children;
    return field->children;
}

bool lm__field_add_metadata(lm_arena *arena, lm_field *field, const char *key, size_t key_size,
                            const char *value, size_t value_size)
{
    static const char name_key[] = "ARROW:extension:name";
    static const char metadata_key[] = "ARROW:extension:metadata";
    char *own = lm__arena_strndup(arena, value, value_size);
    if (!own) return false;
    if (key_size == sizeof name_key - 1 && memcmp(key, name_key, key_size) == 0) {
        field->extension_name = own;
        return true;
    }
    if (key_size == sizeof metadata_key - 1 && memcmp(key, metadata_key, key_size) == 0) {
        field->extension_metadata = own;
        field->extension_metadata_size = value_size;
        return true;
    }
    /* The array doubles when the count is a power of two. */
    size_t count = field->n_metadata;
    if ((count & (count - 1)) == 0) {
        lm_key_value *more = lm__arena_array(arena, count ? 2 * count : 1, sizeof *more);
        if (!more) return false;
        if (count) memcpy(more, field->metadata, count * sizeof *more);
        field->metadata = more;
    }
    char *own_key = lm__arena_strndup(arena, key, key_size);
    if (!own_key) return false;
    field->metadata[field->n_metadata++] = (lm_key_value){own_key, own, key_size, value_size};
    return true;
}

const lm_key_value *lm__field_metadata(const lm_field *field, const char *key)
{
    size_t size = strlen(key);
    for (size_t i = 0; i < field->n_metadata; i++)
        if (field->metadata[i].key_size == size && memcmp(field->metadata[i].key, key, size) == 0)
            return &field->metadata[i];
    return NULL;
}

static bool copy_field(lm_arena *arena, const lm_field *source, lm_field *out)
{
    lm_field copy = *source;
    copy.name = lm__arena_strndup(arena, source->name, source->name_size);
    if (!copy.name) return false;
    if (source->type.timezone) {
        copy.type.timezone = lm__arena_strdup(arena, source->type.timezone);
        if (!copy.type.timezone) return false;
    }
    if (source->extension_name) {
        copy.extension_name = lm__arena_strdup(arena, source->extension_name);
        if (!copy.extension_name) return false;
    }
    if (source->extension_metadata) {
        copy.extension_metadata =
            lm__arena_strndup(arena, source->extension_metadata, source->extension_metadata_size);
        if (!copy.extension_metadata) return false;
    }
    copy.n_metadata = 0;
    copy.metadata = NULL;
    for (size_t i = 0; i < source->n_metadata; i++) {
        const lm_key_value *pair = &source->metadata[i];
        if (!lm__field_add_metadata(arena, &copy, pair->key, pair->key_size, pair->value,
                                    pair->value_size))
            return false;
    }
    if (source->n_children) {
        if (!lm__field_children(arena, &copy, source->n_children)) return false;
        for (int32_t i = 0; i < source->n_children; i++)
            if (!copy_field(arena, &source->children[i], &copy.children[i])) return false;
    }
    if (source->dictionary) {
        copy.dictionary = lm__arena_zero(arena, sizeof *copy.dictionary);
        if (!copy.dictionary || !copy_field(arena, source->dictionary, copy.dictionary))
            return false;
    }
    *out = copy;
    return true;
}

lm_status lm__field_copy(lm_arena *arena, const lm_field *source, lm_field *out, lm_error *error)
{
    if (copy_field(arena, source, out)) return LM_OK;
    return lm__error_memory(error, "copying a schema");
}

lm_status lm__schema_select(const lm_schema *source, const int32_t *columns, int32_t n_columns,
                            lm_schema **schema, lm_error *error)
{
    LM_TRY(lm__schema_new(source->allocator, schema, error));
    lm_field flat = source->root; /* its metadata, without its columns */
    flat.children = NULL;
    flat.n_children = 0;
    lm_arena *arena = &(*schema)->arena;
    lm_field *root = &(*schema)->root;
    lm_status status = lm__field_copy(arena, &flat, root, error);
    if (status == LM_OK && !lm__field_children(arena, root, n_columns))
        status = lm__error_memory(error, "copying a schema");
    for (int32_t i = 0; status == LM_OK && i < n_columns; i++)
        status =
            lm__field_copy(arena, &source->root.children[columns[i]], &root->children[i], error);
    if (status == LM_OK) status = lm__schema_seal(*schema, error);
    if (status == LM_OK) return LM_OK;
    lm_schema_free(*schema);
    *schema = NULL;
    return status;
}

int32_t lm__field_find(const lm_field *parent, const char *name, size_t name_size)
{
    int32_t found = -1;
    for (int32_t i = 0; i < parent->n_children; i++) {
        const lm_field *child = &parent->children[i];
        if (child->name_size != name_size || memcmp(child->name, name, name_size) != 0) continue;
        if (found >= 0) return -2;
        found = i;
    }
    return found;
}

/* Comparing. */

static bool text_equal(const char *a, const char *b)
{
    if (!a || !b) return a == b;
    return strcmp(a, b) == 0;
}

bool lm__field_equal(const lm_field *a, const lm_field *b)
{
    if (a->name_size != b->name_size || memcmp(a->name, b->name, a->name_size) != 0) return false;
    if (a->nullable != b->nullable || a->n_children != b->n_children) return false;
    if (!lm__type_equal(&a->type, &b->type)) return false;
    if (!text_equal(a->extension_name, b->extension_name)) return false;
    if (a->type.id == LM_TYPE_MAP) { /* whatever the entries are called */
        a = &a->children[0];
        b = &b->children[0];
    }
    for (int32_t i = 0; i < a->n_children; i++)
        if (!lm__field_equal(&a->children[i], &b->children[i])) return false;
    if (!a->dictionary || !b->dictionary) return a->dictionary == b->dictionary;
    return lm__field_equal(a->dictionary, b->dictionary);
}

bool lm__field_same_layout(const lm_field *a, const lm_field *b)
{
    if (a->n_children != b->n_children || !lm__type_equal(&a->type, &b->type)) return false;
    for (int32_t i = 0; i < a->n_children; i++)
        if (!lm__field_same_layout(&a->children[i], &b->children[i])) return false;
    if (!a->dictionary || !b->dictionary) return a->dictionary == b->dictionary;
    return lm__field_same_layout(a->dictionary, b->dictionary);
}

static bool has_pair(const lm_field *field, const lm_key_value *pair)
{
    for (size_t i = 0; i < field->n_metadata; i++) {
        const lm_key_value *own = &field->metadata[i];
        if (own->key_size == pair->key_size && own->value_size == pair->value_size &&
            memcmp(own->key, pair->key, pair->key_size) == 0 &&
            memcmp(own->value, pair->value, pair->value_size) == 0)
            return true;
    }
    return false;
}

bool lm__field_metadata_equal(const lm_field *a, const lm_field *b)
{
    if (a->n_metadata != b->n_metadata) return false;
    for (size_t i = 0; i < a->n_metadata; i++) /* a key may occur twice */
        if (!has_pair(b, &a->metadata[i]) || !has_pair(a, &b->metadata[i])) return false;
    return true;
}

bool lm_schema_equal(const lm_schema *a, const lm_schema *b)
{
    return a == b || lm__field_equal(&a->root, &b->root);
}

bool lm__field_is_uuid(const lm_field *field)
{
    return field->type.id == LM_TYPE_FIXED_BINARY && field->type.byte_width == 16 &&
           field->extension_name && strcmp(field->extension_name, "arrow.uuid") == 0;
}
