/*
 * Schemas through the Arrow C data interface: format strings read strictly, trees from outside
 * walked with limits, and exports that own all they point to.
 *
 * Failures leave nothing behind; the source is never changed.
 */
#include <stdio.h>
#include <string.h>

#include "arrow/schema.h"
#include "base/alloc.h"
#include "base/error.h"
#include "base/limits.h"

typedef struct importer {
    lm_arena *arena;
    size_t fields, depth, metadata_bytes;
    lm_error *error;
} importer;

/* A decimal number without signs or spaces unless `negative`; moves past it. */
static bool read_number(const char **text, bool negative, int32_t *number)
{
    const char *at = *text;
    bool minus = negative && *at == '-';
    if (minus) at++;
    if (*at < '0' || *at > '9') return false;
    int64_t value = 0;
    for (; *at >= '0' && *at <= '9'; at++) {
        value = value * 10 + (*at - '0');
        if (value > INT32_MAX) return false;
    }
    *number = (int32_t)(minus ? -value : value);
    *text = at;
    return true;
}

static bool read_unit(char letter, lm_time_unit *unit)
{
    static const char letters[] = "smun";
    const char *found = letter ? strchr(letters, letter) : NULL;
    if (!found) return false;
    *unit = (lm_time_unit)(found - letters);
    return true;
}

/* "d:precision,scale[,bits]" */
static bool read_decimal(const char *text, lm_type *type)
{
    int32_t precision, scale, bits = 128;
    if (!read_number(&text, false, &precision) || *text++ != ',') return false;
    if (!read_number(&text, true, &scale)) return false;
    if (*text == ',') {
        text++;
        if (!read_number(&text, false, &bits)) return false;
    }
    lm_type_id id = bits == 32    ? LM_TYPE_DECIMAL32
                    : bits == 64  ? LM_TYPE_DECIMAL64
                    : bits == 128 ? LM_TYPE_DECIMAL128
                                  : LM_TYPE_DECIMAL256;
    if (*text || (id == LM_TYPE_DECIMAL256 && bits != 256)) return false;
    *type = lm__type_decimal(id, precision, scale);
    return true;
}

/* What follows the 't'. */
static bool read_temporal(const char *text, lm_type *type)
{
    if (strcmp(text, "dD") == 0 || strcmp(text, "dm") == 0) {
        *type = lm__type_make(text[1] == 'D' ? LM_TYPE_DATE32 : LM_TYPE_DATE64);
        return true;
    }
    if (strcmp(text, "iM") == 0 || strcmp(text, "iD") == 0 || strcmp(text, "in") == 0) {
        *type = lm__type_make(text[1] == 'M'   ? LM_TYPE_INTERVAL_MONTHS
                              : text[1] == 'D' ? LM_TYPE_INTERVAL_DAY_TIME
                                               : LM_TYPE_INTERVAL_MONTH_DAY_NANO);
        return true;
    }
    lm_time_unit unit;
    if (!text[0] || !read_unit(text[1], &unit)) return false;
    switch (text[0]) {
    case 't':
        *type = lm__type_temporal(unit <= LM_UNIT_MILLI ? LM_TYPE_TIME32 : LM_TYPE_TIME64, unit);
        return text[2] == '\0';
    case 'D': *type = lm__type_temporal(LM_TYPE_DURATION, unit); return text[2] == '\0';
    case 's':
        if (text[2] != ':') return false;
        *type = lm__type_temporal(LM_TYPE_TIMESTAMP, unit);
        type->timezone = text[3] ? text + 3 : NULL; /* the caller makes a copy */
        return true;
    default: return false;
    }
}

typedef struct format_row {
    const char *format;
    lm_type_id id;
} format_row;

/* The formats without parameters. */
static const format_row formats[] = {
    {"n", LM_TYPE_NULL},
    {"b", LM_TYPE_BOOL},
    {"c", LM_TYPE_INT8},
    {"C", LM_TYPE_UINT8},
    {"s", LM_TYPE_INT16},
    {"S", LM_TYPE_UINT16},
    {"i", LM_TYPE_INT32},
    {"I", LM_TYPE_UINT32},
    {"l", LM_TYPE_INT64},
    {"L", LM_TYPE_UINT64},
    {"e", LM_TYPE_FLOAT16},
    {"f", LM_TYPE_FLOAT32},
    {"g", LM_TYPE_FLOAT64},
    {"z", LM_TYPE_BINARY},
    {"Z", LM_TYPE_LARGE_BINARY},
    {"vz", LM_TYPE_BINARY_VIEW},
    {"u", LM_TYPE_UTF8},
    {"U", LM_TYPE_LARGE_UTF8},
    {"vu", LM_TYPE_UTF8_VIEW},
    {"+l", LM_TYPE_LIST},
    {"+L", LM_TYPE_LARGE_LIST},
    {"+vl", LM_TYPE_LIST_VIEW},
    {"+vL", LM_TYPE_LARGE_LIST_VIEW},
    {"+s", LM_TYPE_STRUCT},
    {"+m", LM_TYPE_MAP},
    {"+r", LM_TYPE_RUN_END_ENCODED},
};
#define FORMATS (sizeof formats / sizeof *formats)

static bool read_format(const char *format, lm_type *type)
{
    for (size_t i = 0; i < FORMATS; i++) {
        if (strcmp(format, formats[i].format) != 0) continue;
        *type = lm__type_make(formats[i].id);
        return true;
    }
    if (format[0] == 't') return read_temporal(format + 1, type);
    if (strncmp(format, "d:", 2) == 0) return read_decimal(format + 2, type);
    if (strncmp(format, "+ud:", 4) == 0 || strncmp(format, "+us:", 4) == 0) {
        *type = lm__type_make(format[2] == 'd' ? LM_TYPE_DENSE_UNION : LM_TYPE_SPARSE_UNION);
        return true;
    }
    const char *number = format;
    int32_t value;
    if (strncmp(format, "w:", 2) == 0) {
        number += 2;
        if (!read_number(&number, false, &value)) return false;
        *type = lm__type_fixed_binary(value);
        return *number == '\0';
    }
    if (strncmp(format, "+w:", 3) == 0) {
        number += 3;
        if (!read_number(&number, false, &value)) return false;
        *type = lm__type_make(LM_TYPE_FIXED_LIST);
        type->list_size = value;
        return *number == '\0';
    }
    return false;
}

/* int32 count, then for each pair int32 size and bytes of key and value; native byte order. */
static lm_status import_metadata(importer *in, const char *bytes, lm_field *field,
                                 const lm_path *path)
{
    int32_t count, sizes[2];
    const char *parts[2];
    memcpy(&count, bytes, sizeof count);
    bytes += sizeof count;
    if (count < 0 || count > LM_ARROW_METADATA_PAIRS_MAX)
        return lm__path_error(in->error, LM_SCHEMA, path, "its metadata has an impossible count");
    for (int32_t i = 0; i < count; i++) {
        for (int part = 0; part < 2; part++) {
            memcpy(&sizes[part], bytes, sizeof *sizes);
            bytes += sizeof *sizes;
            if (sizes[part] < 0 ||
                (size_t)sizes[part] > LM_ARROW_METADATA_BYTES_MAX - in->metadata_bytes)
                return lm__path_error(in->error, LM_SCHEMA, path,
                                      "its metadata has an impossible size");
            in->metadata_bytes += (size_t)sizes[part];
            parts[part] = bytes;
            bytes += sizes[part];
        }
        if (!lm__field_add_metadata(in->arena, field, parts[0], (size_t)sizes[0], parts[1],
                                    (size_t)sizes[1]))
            return lm__error_memory(in->error, "reading a schema");
    }
    return LM_OK;
}

static lm_status import_field(importer *in, const struct ArrowSchema *source, lm_field *field,
                              const lm_path *path);

static lm_status import_children(importer *in, const struct ArrowSchema *source, lm_field *field,
                                 const lm_path *path)
{
    if (source->n_children == 0) return LM_OK;
    if (source->n_children < 0 || !source->children)
        return lm__path_error(in->error, LM_SCHEMA, path, "its children are missing");
    if (source->n_children > LM_ARROW_CHILDREN_MAX)
        return lm__path_error(in->error, LM_LIMIT, path, "too many child fields");
    if (!lm__field_children(in->arena, field, (int32_t)source->n_children))
        return lm__error_memory(in->error, "reading a schema");
    for (int32_t i = 0; i < field->n_children; i++) {
        const struct ArrowSchema *child = source->children[i];
        lm_path below = {path, child && child->name ? child->name : ""};
        if (!child) return lm__path_error(in->error, LM_SCHEMA, &below, "a child is missing");
        LM_TRY(import_field(in, child, &field->children[i], &below));
    }
    return LM_OK;
}

static lm_status import_dictionary(importer *in, const struct ArrowSchema *source, lm_field *field,
                                   const lm_path *path)
{
    if (!lm__type_is_integer(field->type.id))
        return lm__path_error(in->error, LM_SCHEMA, path, "a dictionary's index is an integer");
    bool ordered = source->flags & ARROW_FLAG_DICTIONARY_ORDERED;
    field->type = lm__type_dictionary(field->type.id, ordered);
    field->dictionary = lm__arena_zero(in->arena, sizeof *field->dictionary);
    if (!field->dictionary) return lm__error_memory(in->error, "reading a schema");
    LM_TRY(import_field(in, source->dictionary, field->dictionary, path));
    field->dictionary->name = "";
    field->dictionary->name_size = 0;
    return LM_OK;
}

static lm_status import_field(importer *in, const struct ArrowSchema *source, lm_field *field,
                              const lm_path *path)
{
    if (!source->release)
        return lm__path_error(in->error, LM_INVALID, path, "it has been released already");
    if (!source->format) return lm__path_error(in->error, LM_SCHEMA, path, "it has no format");
    if (++in->fields > LM_ARROW_FIELDS_MAX || in->depth > LM_ARROW_DEPTH_MAX)
        return lm__path_error(in->error, LM_LIMIT, path,
                              "nested too deep, or too many fields in all");
    const char *name = source->name ? source->name : "";
    if (strnlen(name, LM_ARROW_NAME_BYTES_MAX + 1) > LM_ARROW_NAME_BYTES_MAX)
        return lm__path_error(in->error, LM_LIMIT, path, "its name is too long");
    lm_type type;
    if (!read_format(source->format, &type)) {
        char format[80];
        lm__printable(format, sizeof format, source->format);
        return lm__path_error(in->error, LM_SCHEMA, path, "\"%s\" is no format of Arrow's", format);
    }
    if (type.id == LM_TYPE_MAP) type.keys_sorted = source->flags & ARROW_FLAG_MAP_KEYS_SORTED;
    if (type.timezone &&
        strnlen(type.timezone, LM_ARROW_TIMEZONE_BYTES_MAX + 1) > LM_ARROW_TIMEZONE_BYTES_MAX)
        return lm__path_error(in->error, LM_SCHEMA, path, "its time zone is not a name");
    bool nullable = source->flags & ARROW_FLAG_NULLABLE;
    if (!lm__field_init(in->arena, field, name, type, nullable))
        return lm__error_memory(in->error, "reading a schema");
    if (source->metadata) LM_TRY(import_metadata(in, source->metadata, field, path));
    in->depth++;
    LM_TRY(import_children(in, source, field, path));
    if (source->dictionary) LM_TRY(import_dictionary(in, source, field, path));
    in->depth--;
    return LM_OK;
}

lm_status lm__field_import(lm_arena *arena, const struct ArrowSchema *source, lm_field *field,
                           lm_error *error)
{
    importer in = {.arena = arena, .error = error};
    lm_path path = {NULL, source->release && source->name ? source->name : ""};
    LM_TRY(import_field(&in, source, field, &path));
    return lm__field_check(field, &path, error);
}

lm_status lm__schema_import(const lm_allocator *allocator, const struct ArrowSchema *source,
                            lm_schema **schema, lm_error *error)
{
    *schema = NULL;
    lm_schema *made;
    LM_TRY(lm__schema_new(allocator, &made, error));
    importer in = {.arena = &made->arena, .error = error};
    lm_status status = import_field(&in, source, &made->root, NULL);
    if (status == LM_OK && made->root.type.id != LM_TYPE_STRUCT)
        status = lm__error_set(error, LM_SCHEMA,
                               "a table is a struct of columns (\"+s\"), this is %s alone",
                               lm__type_name(made->root.type.id));
    if (status == LM_OK) status = lm__schema_seal(made, error);
    if (status == LM_OK)
        *schema = made;
    else
        lm_schema_free(made);
    return status;
}

lm_status lm_schema_import_take(const lm_allocator *allocator, struct ArrowSchema *source,
                                lm_schema **schema, lm_error *error)
{
    struct ArrowSchema own = *source;
    source->release = NULL;
    lm_status status = lm__schema_import(allocator, &own, schema, error);
    if (own.release) own.release(&own);
    return status;
}

/* Export. */

lm_status lm__field_format(const lm_field *field, lm_buffer *text)
{
    static const char units[] = "smun";
    const lm_type *type = &field->type;
    lm_type_id id = type->id == LM_TYPE_DICTIONARY ? type->index_id : type->id;
    for (size_t i = 0; i < FORMATS; i++)
        if (formats[i].id == id) return lm__buffer_text(text, formats[i].format);
    switch (id) {
    case LM_TYPE_DECIMAL128:
        return lm__buffer_printf(text, "d:%d,%d", type->precision, type->scale);
    case LM_TYPE_DECIMAL32:
    case LM_TYPE_DECIMAL64:
    case LM_TYPE_DECIMAL256:
        return lm__buffer_printf(text, "d:%d,%d,%d", type->precision, type->scale,
                                 type->byte_width * 8);
    case LM_TYPE_FIXED_BINARY: return lm__buffer_printf(text, "w:%d", type->byte_width);
    case LM_TYPE_FIXED_LIST: return lm__buffer_printf(text, "+w:%d", type->list_size);
    case LM_TYPE_DATE32: return lm__buffer_text(text, "tdD");
    case LM_TYPE_DATE64: return lm__buffer_text(text, "tdm");
    case LM_TYPE_TIME32:
    case LM_TYPE_TIME64: return lm__buffer_printf(text, "tt%c", units[type->unit]);
    case LM_TYPE_DURATION: return lm__buffer_printf(text, "tD%c", units[type->unit]);
    case LM_TYPE_TIMESTAMP:
        return lm__buffer_printf(text, "ts%c:%s", units[type->unit],
                                 type->timezone ? type->timezone : "");
    case LM_TYPE_INTERVAL_MONTHS: return lm__buffer_text(text, "tiM");
    case LM_TYPE_INTERVAL_DAY_TIME: return lm__buffer_text(text, "tiD");
    case LM_TYPE_INTERVAL_MONTH_DAY_NANO: return lm__buffer_text(text, "tin");
    default: return LM_UNSUPPORTED; /* unions; a sealed schema has none */
    }
}

/* What an exported node owns, in one block: its texts, its children's structs and pointers. */
typedef struct exported {
    const lm_allocator *allocator;
    char *texts;
    struct ArrowSchema *children; /* and the dictionary behind them */
    struct ArrowSchema *pointers[];
} exported;

static void exported_release(struct ArrowSchema *schema)
{
    exported *own = schema->private_data;
    for (int64_t i = 0; i < schema->n_children; i++)
        if (schema->children[i]->release) schema->children[i]->release(schema->children[i]);
    if (schema->dictionary && schema->dictionary->release)
        schema->dictionary->release(schema->dictionary);
    lm__free(own->allocator, own->texts);
    lm__free(own->allocator, own->children);
    lm__free(own->allocator, own);
    schema->release = NULL;
}

static lm_status put_pair(lm_buffer *out, const char *key, size_t key_size, const char *value,
                          size_t value_size)
{
    int32_t sizes[2] = {(int32_t)key_size, (int32_t)value_size};
    LM_TRY(lm__buffer_append(out, &sizes[0], sizeof *sizes));
    LM_TRY(lm__buffer_append(out, key, key_size));
    LM_TRY(lm__buffer_append(out, &sizes[1], sizeof *sizes));
    return lm__buffer_append(out, value, value_size);
}

static lm_status put_metadata(lm_buffer *out, const lm_field *field)
{
    int32_t count =
        (int32_t)field->n_metadata + !!field->extension_name + !!field->extension_metadata;
    LM_TRY(lm__buffer_append(out, &count, sizeof count));
    if (field->extension_name)
        LM_TRY(put_pair(out, "ARROW:extension:name", 20, field->extension_name,
                        strlen(field->extension_name)));
    if (field->extension_metadata)
        LM_TRY(put_pair(out, "ARROW:extension:metadata", 24, field->extension_metadata,
                        field->extension_metadata_size));
    for (size_t i = 0; i < field->n_metadata; i++) {
        const lm_key_value *pair = &field->metadata[i];
        LM_TRY(put_pair(out, pair->key, pair->key_size, pair->value, pair->value_size));
    }
    return LM_OK;
}

/* Metadata first, for its alignment, then name and format. */
static lm_status put_texts(lm_buffer *texts, const lm_field *field, size_t *name_at,
                           size_t *format_at)
{
    if (field->n_metadata || field->extension_name || field->extension_metadata)
        LM_TRY(put_metadata(texts, field));
    *name_at = texts->size;
    LM_TRY(lm__buffer_append(texts, field->name, field->name_size + 1));
    *format_at = texts->size;
    LM_TRY(lm__field_format(field, texts));
    return lm__buffer_byte(texts, 0);
}

static lm_status export_node(const lm_allocator *allocator, const lm_field *field,
                             struct ArrowSchema *out)
{
    size_t n_children = (size_t)field->n_children, name_at = 0, format_at = 0;
    lm_buffer texts;
    lm__buffer_init(&texts, allocator, 0);
    lm_status status = put_texts(&texts, field, &name_at, &format_at);
    exported *own = lm__alloc(allocator, sizeof *own + n_children * sizeof *own->pointers);
    struct ArrowSchema *children = lm__alloc_zero(allocator, (n_children + 1) * sizeof *children);
    if (status == LM_OK && (!own || !children)) status = LM_NO_MEMORY;
    if (status != LM_OK) {
        lm__buffer_deinit(&texts);
        lm__free(allocator, own);
        lm__free(allocator, children);
        return status;
    }
    *own = (exported){allocator, (char *)texts.data, children};
    *out = (struct ArrowSchema){
        .format = own->texts + format_at,
        .name = own->texts + name_at,
        .metadata = name_at ? own->texts : NULL,
        .flags = (field->nullable ? ARROW_FLAG_NULLABLE : 0) |
                 (field->type.ordered ? ARROW_FLAG_DICTIONARY_ORDERED : 0) |
                 (field->type.keys_sorted ? ARROW_FLAG_MAP_KEYS_SORTED : 0),
        .n_children = field->n_children,
        .children = n_children ? own->pointers : NULL,
        .release = exported_release,
        .private_data = own,
    };
    for (size_t i = 0; i < n_children; i++) own->pointers[i] = &children[i];
    for (size_t i = 0; status == LM_OK && i < n_children; i++)
        status = export_node(allocator, &field->children[i], &children[i]);
    if (status == LM_OK && field->dictionary) {
        out->dictionary = &children[n_children];
        status = export_node(allocator, field->dictionary, out->dictionary);
    }
    if (status != LM_OK) exported_release(out);
    return status;
}

lm_status lm__field_export(const lm_allocator *allocator, const lm_field *field,
                           struct ArrowSchema *out, lm_error *error)
{
    lm_status status = export_node(allocator, field, out);
    if (status == LM_OK) return LM_OK;
    *out = (struct ArrowSchema){0};
    return lm__error_set(error, status, "exporting a schema: %s", lm_status_text(status));
}

lm_status lm_schema_export(const lm_schema *schema, struct ArrowSchema *out, lm_error *error)
{
    return lm__field_export(schema->allocator, &schema->root, out, error);
}
