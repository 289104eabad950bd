/*
 * Schemas as flatbuffers, both ways; see fb_schema.h.
 *
 * The numbers of fields and of the union's members are those of Schema.fbs in the Arrow format. A
 * dictionary field is written as its values' type with a DictionaryEncoding beside it.
 */
#include "arrow/fb_schema.h"

#include "base/error.h"
#include "base/limits.h"

enum { /* union Type */
       FB_NULL = 1,
       FB_INT,
       FB_FLOAT,
       FB_BINARY,
       FB_UTF8,
       FB_BOOL,
       FB_DECIMAL,
       FB_DATE,
       FB_TIME,
       FB_TIMESTAMP,
       FB_INTERVAL,
       FB_LIST,
       FB_STRUCT,
       FB_UNION,
       FB_FIXED_BINARY,
       FB_FIXED_LIST,
       FB_MAP,
       FB_DURATION,
       FB_LARGE_BINARY,
       FB_LARGE_UTF8,
       FB_LARGE_LIST,
       FB_RUN_END_ENCODED,
       FB_BINARY_VIEW,
       FB_UTF8_VIEW,
       FB_LIST_VIEW,
       FB_LARGE_LIST_VIEW,
};

enum { /* table Field */
       FIELD_NAME,
       FIELD_NULLABLE,
       FIELD_TYPE_TYPE,
       FIELD_TYPE,
       FIELD_DICTIONARY,
       FIELD_CHILDREN,
       FIELD_METADATA,
};
enum { SCHEMA_ENDIANNESS, SCHEMA_FIELDS, SCHEMA_METADATA };
enum { DICTIONARY_ID, DICTIONARY_INDEX, DICTIONARY_ORDERED };

static int64_t number_field(lm_field *field, int64_t next)
{
    if (field->dictionary) {
        field->dictionary_id = next++;
        next = number_field(field->dictionary, next);
    }
    for (int32_t i = 0; i < field->n_children; i++) next = number_field(&field->children[i], next);
    return next;
}

int64_t lm__fb_schema_number(lm_field *root) { return number_field(root, 0); }

/* Writing. */

/* The member of the union that a type is, and what stands in its table. */
static uint8_t draft_type(const lm_type *type, lm_fb_draft *draft)
{
    lm_type_id id = type->id;
    if (lm__type_is_integer(id)) {
        lm__fb_set(draft, 0, 4, type->byte_width * 8);
        lm__fb_set(draft, 1, 1, lm__type_is_signed(id));
        return FB_INT;
    }
    if (lm__type_is_float(id)) {
        lm__fb_set(draft, 0, 2, id - LM_TYPE_FLOAT16);
        return FB_FLOAT;
    }
    if (lm__type_is_decimal(id)) {
        lm__fb_set(draft, 0, 4, type->precision);
        lm__fb_set(draft, 1, 4, type->scale);
        lm__fb_set(draft, 2, 4, type->byte_width * 8);
        return FB_DECIMAL;
    }
    switch (id) {
    case LM_TYPE_NULL: return FB_NULL;
    case LM_TYPE_BOOL: return FB_BOOL;
    case LM_TYPE_UTF8: return FB_UTF8;
    case LM_TYPE_LARGE_UTF8: return FB_LARGE_UTF8;
    case LM_TYPE_UTF8_VIEW: return FB_UTF8_VIEW;
    case LM_TYPE_BINARY: return FB_BINARY;
    case LM_TYPE_LARGE_BINARY: return FB_LARGE_BINARY;
    case LM_TYPE_BINARY_VIEW: return FB_BINARY_VIEW;
    case LM_TYPE_FIXED_BINARY: lm__fb_set(draft, 0, 4, type->byte_width); return FB_FIXED_BINARY;
    case LM_TYPE_DATE32: lm__fb_set(draft, 0, 2, 0); return FB_DATE;
    case LM_TYPE_DATE64: lm__fb_set(draft, 0, 2, 1); return FB_DATE;
    case LM_TYPE_TIME32:
    case LM_TYPE_TIME64:
        lm__fb_set(draft, 0, 2, type->unit);
        lm__fb_set(draft, 1, 4, type->byte_width * 8);
        return FB_TIME;
    case LM_TYPE_TIMESTAMP:
        lm__fb_set(draft, 0, 2, type->unit);
        if (type->timezone) lm__fb_set_link(draft, 1);
        return FB_TIMESTAMP;
    case LM_TYPE_DURATION: lm__fb_set(draft, 0, 2, type->unit); return FB_DURATION;
    case LM_TYPE_INTERVAL_MONTHS:
    case LM_TYPE_INTERVAL_DAY_TIME:
    case LM_TYPE_INTERVAL_MONTH_DAY_NANO:
        lm__fb_set(draft, 0, 2, id - LM_TYPE_INTERVAL_MONTHS);
        return FB_INTERVAL;
    case LM_TYPE_LIST: return FB_LIST;
    case LM_TYPE_LARGE_LIST: return FB_LARGE_LIST;
    case LM_TYPE_LIST_VIEW: return FB_LIST_VIEW;
    case LM_TYPE_LARGE_LIST_VIEW: return FB_LARGE_LIST_VIEW;
    case LM_TYPE_FIXED_LIST: lm__fb_set(draft, 0, 4, type->list_size); return FB_FIXED_LIST;
    case LM_TYPE_STRUCT: return FB_STRUCT;
    case LM_TYPE_MAP: lm__fb_set(draft, 0, 1, type->keys_sorted); return FB_MAP;
    case LM_TYPE_RUN_END_ENCODED: return FB_RUN_END_ENCODED;
    default: return 0; /* a sealed schema has no others */
    }
}

static void put_pair(lm_fb_builder *builder, size_t slot, const char *key, size_t key_size,
                     const char *value, size_t value_size)
{
    lm_fb_draft pair = {0};
    lm__fb_set_link(&pair, 0);
    lm__fb_set_link(&pair, 1);
    lm__fb_table(builder, slot, &pair);
    lm__fb_string(builder, pair.fields[0].slot, key, key_size);
    lm__fb_string(builder, pair.fields[1].slot, value, value_size);
}

static size_t count_pairs(const lm_field *field)
{
    return field->n_metadata + !!field->extension_name + !!field->extension_metadata;
}

static void put_metadata(lm_fb_builder *builder, size_t slot, const lm_field *field)
{
    size_t link = lm__fb_links(builder, slot, count_pairs(field));
    if (field->extension_name) {
        put_pair(builder, link, "ARROW:extension:name", 20, field->extension_name,
                 strlen(field->extension_name));
        link += 4;
    }
    if (field->extension_metadata) {
        put_pair(builder, link, "ARROW:extension:metadata", 24, field->extension_metadata,
                 field->extension_metadata_size);
        link += 4;
    }
    for (size_t i = 0; i < field->n_metadata; i++) {
        const lm_key_value *pair = &field->metadata[i];
        put_pair(builder, link + 4 * i, pair->key, pair->key_size, pair->value, pair->value_size);
    }
}

static void put_dictionary(lm_fb_builder *builder, size_t slot, const lm_field *field)
{
    lm_fb_draft encoding = {0}, index = {0};
    lm__fb_set(&encoding, DICTIONARY_ID, 8, field->dictionary_id);
    lm__fb_set_link(&encoding, DICTIONARY_INDEX);
    lm__fb_set(&encoding, DICTIONARY_ORDERED, 1, field->type.ordered);
    lm__fb_table(builder, slot, &encoding);
    lm_type index_type = lm__type_make(field->type.index_id);
    draft_type(&index_type, &index);
    lm__fb_table(builder, encoding.fields[DICTIONARY_INDEX].slot, &index);
}

static void put_field(lm_fb_builder *builder, size_t slot, const lm_field *field);

static void put_fields(lm_fb_builder *builder, size_t slot, const lm_field *parent)
{
    size_t link = lm__fb_links(builder, slot, (size_t)parent->n_children);
    for (int32_t i = 0; i < parent->n_children; i++)
        put_field(builder, link + 4 * (size_t)i, &parent->children[i]);
}

static void put_field(lm_fb_builder *builder, size_t slot, const lm_field *field)
{
    const lm_field *stored = field->dictionary ? field->dictionary : field;
    lm_fb_draft table = {0}, type = {0};
    lm__fb_set_link(&table, FIELD_NAME);
    lm__fb_set(&table, FIELD_NULLABLE, 1, field->nullable);
    lm__fb_set(&table, FIELD_TYPE_TYPE, 1, draft_type(&stored->type, &type));
    lm__fb_set_link(&table, FIELD_TYPE);
    if (field->dictionary) lm__fb_set_link(&table, FIELD_DICTIONARY);
    lm__fb_set_link(&table, FIELD_CHILDREN);
    if (count_pairs(field)) lm__fb_set_link(&table, FIELD_METADATA);
    lm__fb_table(builder, slot, &table);
    lm__fb_string(builder, table.fields[FIELD_NAME].slot, field->name, field->name_size);
    lm__fb_table(builder, table.fields[FIELD_TYPE].slot, &type);
    if (stored->type.timezone)
        lm__fb_string(builder, type.fields[1].slot, stored->type.timezone,
                      strlen(stored->type.timezone));
    if (field->dictionary) put_dictionary(builder, table.fields[FIELD_DICTIONARY].slot, field);
    put_fields(builder, table.fields[FIELD_CHILDREN].slot, stored);
    if (count_pairs(field)) put_metadata(builder, table.fields[FIELD_METADATA].slot, field);
}

void lm__fb_schema_put(lm_fb_builder *builder, size_t slot, const lm_schema *schema)
{
    lm_fb_draft table = {0};
    lm__fb_set_link(&table, SCHEMA_FIELDS);
    if (count_pairs(&schema->root)) lm__fb_set_link(&table, SCHEMA_METADATA);
    lm__fb_table(builder, slot, &table);
    put_fields(builder, table.fields[SCHEMA_FIELDS].slot, &schema->root);
    if (count_pairs(&schema->root))
        put_metadata(builder, table.fields[SCHEMA_METADATA].slot, &schema->root);
}

lm_status lm__fb_schema_message(const lm_schema *schema, lm_buffer *out, lm_error *error)
{
    size_t start = out->size;
    lm_fb_builder builder;
    lm_status status = lm__buffer_append(out, "\xff\xff\xff\xff\0\0\0\0", 8);
    if (status == LM_OK) {
        lm_fb_draft message = {0};
        lm__fb_builder_init(&builder, out);
        lm__fb_set(&message, LM_FB_MESSAGE_VERSION, 2, LM_FB_VERSION_V5);
        lm__fb_set(&message, LM_FB_MESSAGE_HEADER_TYPE, 1, LM_FB_HEADER_SCHEMA);
        lm__fb_set_link(&message, LM_FB_MESSAGE_HEADER);
        lm__fb_set(&message, LM_FB_MESSAGE_BODY_LENGTH, 8, 0);
        lm__fb_table(&builder, LM_FB_ROOT, &message);
        lm__fb_schema_put(&builder, message.fields[LM_FB_MESSAGE_HEADER].slot, schema);
        status = builder.status;
    }
    size_t padding = -(out->size - start) & 7;
    if (status == LM_OK) status = lm__buffer_append(out, "\0\0\0\0\0\0\0", padding);
    if (status != LM_OK) {
        out->size = start;
        return lm__error_set(error, status, "writing a schema message: %s", lm_status_text(status));
    }
    lm__fb_put_i32(out->data + start + 4, (int32_t)(out->size - start - 8));
    return LM_OK;
}

/* Reading. */

typedef struct decoder {
    lm_arena *arena;
    size_t fields, depth, text_bytes;
    lm_error *error;
} decoder;

static lm_status full(decoder *d) { return lm__error_memory(d->error, "reading a schema"); }

/* A copy of a string, "" when it is absent. */
static lm_status read_text(decoder *d, const lm_fb_table *table, int field, const lm_path *path,
                           const char **text, size_t *size)
{
    const char *bytes = lm__fb_text(table, field, size);
    if (*size > LM_ARROW_METADATA_BYTES_MAX - d->text_bytes)
        return lm__path_error(d->error, LM_LIMIT, path, "its texts are too long");
    d->text_bytes += *size;
    *text = *size ? lm__arena_strndup(d->arena, bytes, *size) : "";
    return *text ? LM_OK : full(d);
}

static lm_status read_metadata(decoder *d, const lm_fb_table *table, int number, lm_field *field,
                               const lm_path *path)
{
    lm_fb_vector pairs = lm__fb_items(table, number, 4);
    if (pairs.length > LM_ARROW_METADATA_PAIRS_MAX)
        return lm__path_error(d->error, LM_LIMIT, path, "too many keys of metadata");
    for (size_t i = 0; i < pairs.length; i++) {
        lm_fb_table pair = lm__fb_item_table(&pairs, i);
        size_t key_size, value_size;
        const char *key = lm__fb_text(&pair, 0, &key_size);
        const char *value = lm__fb_text(&pair, 1, &value_size);
        size_t bytes = key_size + value_size;
        if (bytes > LM_ARROW_METADATA_BYTES_MAX - d->text_bytes)
            return lm__path_error(d->error, LM_LIMIT, path, "its texts are too long");
        d->text_bytes += bytes;
        if (!lm__field_add_metadata(d->arena, field, key ? key : "", key_size, value ? value : "",
                                    value_size))
            return full(d);
    }
    return LM_OK;
}

static bool read_int_type(const lm_fb_table *table, lm_type *type)
{
    bool is_signed = lm__fb_bool(table, 1, false);
    lm_type_id first = is_signed ? LM_TYPE_INT8 : LM_TYPE_UINT8;
    int step;
    switch (lm__fb_i32(table, 0, 0)) {
    case 8: step = 0; break;
    case 16: step = 1; break;
    case 32: step = 2; break;
    case 64: step = 3; break;
    default: return false;
    }
    *type = lm__type_make((lm_type_id)((int)first + step));
    return true;
}

static bool read_decimal_type(const lm_fb_table *table, lm_type *type)
{
    lm_type_id id;
    switch (lm__fb_i32(table, 2, 128)) {
    case 32: id = LM_TYPE_DECIMAL32; break;
    case 64: id = LM_TYPE_DECIMAL64; break;
    case 128: id = LM_TYPE_DECIMAL128; break;
    case 256: id = LM_TYPE_DECIMAL256; break;
    default: return false;
    }
    *type = lm__type_decimal(id, lm__fb_i32(table, 0, 0), lm__fb_i32(table, 1, 0));
    return true;
}

static bool read_unit(const lm_fb_table *table, int16_t fallback, lm_time_unit *unit)
{
    int16_t number = lm__fb_i16(table, 0, fallback);
    *unit = (lm_time_unit)number;
    return number >= LM_UNIT_SECOND && number <= LM_UNIT_NANO;
}

static bool read_temporal_type(uint8_t kind, const lm_fb_table *table, lm_type *type)
{
    lm_time_unit unit;
    int16_t number;
    switch (kind) {
    case FB_DATE:
        number = lm__fb_i16(table, 0, 1);
        *type = lm__type_make(number == 0 ? LM_TYPE_DATE32 : LM_TYPE_DATE64);
        return number == 0 || number == 1;
    case FB_TIME:
        if (!read_unit(table, LM_UNIT_MILLI, &unit)) return false;
        *type = lm__type_temporal(unit <= LM_UNIT_MILLI ? LM_TYPE_TIME32 : LM_TYPE_TIME64, unit);
        return lm__fb_i32(table, 1, 32) == type->byte_width * 8;
    case FB_DURATION:
        if (!read_unit(table, LM_UNIT_MILLI, &unit)) return false;
        *type = lm__type_temporal(LM_TYPE_DURATION, unit);
        return true;
    case FB_TIMESTAMP:
        if (!read_unit(table, LM_UNIT_SECOND, &unit)) return false;
        *type = lm__type_temporal(LM_TYPE_TIMESTAMP, unit);
        return true;
    default: /* FB_INTERVAL */
        number = lm__fb_i16(table, 0, 0);
        if (number < 0 || number > 2) return false;
        *type = lm__type_make((lm_type_id)(LM_TYPE_INTERVAL_MONTHS + number));
        return true;
    }
}

/* False when the table makes no sense or the kind is not known (then type->id is COUNT). */
static bool read_type(uint8_t kind, const lm_fb_table *table, lm_type *type)
{
    static const lm_type_id plain[] = {
        [FB_NULL] = LM_TYPE_NULL,
        [FB_BINARY] = LM_TYPE_BINARY,
        [FB_UTF8] = LM_TYPE_UTF8,
        [FB_BOOL] = LM_TYPE_BOOL,
        [FB_LIST] = LM_TYPE_LIST,
        [FB_STRUCT] = LM_TYPE_STRUCT,
        [FB_LARGE_BINARY] = LM_TYPE_LARGE_BINARY,
        [FB_LARGE_UTF8] = LM_TYPE_LARGE_UTF8,
        [FB_LARGE_LIST] = LM_TYPE_LARGE_LIST,
        [FB_RUN_END_ENCODED] = LM_TYPE_RUN_END_ENCODED,
        [FB_BINARY_VIEW] = LM_TYPE_BINARY_VIEW,
        [FB_UTF8_VIEW] = LM_TYPE_UTF8_VIEW,
        [FB_LIST_VIEW] = LM_TYPE_LIST_VIEW,
        [FB_LARGE_LIST_VIEW] = LM_TYPE_LARGE_LIST_VIEW,
    };
    int16_t number;
    switch (kind) {
    case FB_INT: return read_int_type(table, type);
    case FB_FLOAT:
        number = lm__fb_i16(table, 0, 0);
        if (number < 0 || number > 2) return false;
        *type = lm__type_make((lm_type_id)(LM_TYPE_FLOAT16 + number));
        return true;
    case FB_DECIMAL: return read_decimal_type(table, type);
    case FB_DATE:
    case FB_TIME:
    case FB_TIMESTAMP:
    case FB_INTERVAL:
    case FB_DURATION: return read_temporal_type(kind, table, type);
    case FB_FIXED_BINARY: *type = lm__type_fixed_binary(lm__fb_i32(table, 0, 0)); return true;
    case FB_FIXED_LIST:
        *type = lm__type_make(LM_TYPE_FIXED_LIST);
        type->list_size = lm__fb_i32(table, 0, 0);
        return true;
    case FB_MAP:
        *type = lm__type_make(LM_TYPE_MAP);
        type->keys_sorted = lm__fb_bool(table, 0, false);
        return true;
    case FB_UNION:
        *type = lm__type_make(lm__fb_i16(table, 0, 0) ? LM_TYPE_DENSE_UNION : LM_TYPE_SPARSE_UNION);
        return true;
    default:
        if (kind == 0 || kind > FB_LARGE_LIST_VIEW) return false;
        *type = lm__type_make(plain[kind]);
        return true;
    }
}

static lm_status read_field(decoder *d, const lm_fb_table *table, lm_field *field,
                            const lm_path *up);

static lm_status read_fields(decoder *d, const lm_fb_table *table, int number, lm_field *parent,
                             const lm_path *path)
{
    lm_fb_vector items = lm__fb_items(table, number, 4);
    if (items.length == 0) return LM_OK;
    d->fields += items.length;
    if (items.length > LM_ARROW_CHILDREN_MAX || d->fields > LM_ARROW_FIELDS_MAX ||
        d->depth > LM_ARROW_DEPTH_MAX)
        return lm__path_error(d->error, LM_LIMIT, path, "nested too deep, or too many fields");
    if (!lm__field_children(d->arena, parent, (int32_t)items.length)) return full(d);
    d->depth++;
    for (size_t i = 0; i < items.length; i++) {
        lm_fb_table item = lm__fb_item_table(&items, i);
        LM_TRY(read_field(d, &item, &parent->children[i], path));
    }
    d->depth--;
    return LM_OK;
}

/* Turns what was read (the values' type) into a dictionary of it. */
static lm_status read_dictionary(decoder *d, const lm_fb_table *encoding, lm_field *field,
                                 const lm_path *path)
{
    lm_type index = lm__type_make(LM_TYPE_INT32);
    lm_fb_table index_table = lm__fb_child(encoding, DICTIONARY_INDEX);
    if (lm__fb_present(&index_table) && !read_int_type(&index_table, &index))
        return lm__path_error(d->error, LM_SCHEMA, path, "its dictionary's index makes no sense");
    lm_field *values = lm__arena_zero(d->arena, sizeof *values);
    if (!values) return full(d);
    *values = (lm_field){
        .name = "",
        .type = field->type,
        .nullable = true,
        .n_children = field->n_children,
        .children = field->children,
    };
    field->type = lm__type_dictionary(index.id, lm__fb_bool(encoding, DICTIONARY_ORDERED, false));
    field->n_children = 0;
    field->children = NULL;
    field->dictionary = values;
    field->dictionary_id = lm__fb_i64(encoding, DICTIONARY_ID, 0);
    return LM_OK;
}

static lm_status read_field(decoder *d, const lm_fb_table *table, lm_field *field,
                            const lm_path *up)
{
    if (!lm__fb_present(table))
        return lm__path_error(d->error, LM_CORRUPT, up, "a field is missing");
    lm_path path = {up, ""};
    LM_TRY(read_text(d, table, FIELD_NAME, up, &field->name, &field->name_size));
    path.name = field->name;
    field->nullable = lm__fb_bool(table, FIELD_NULLABLE, false);
    uint8_t kind = lm__fb_u8(table, FIELD_TYPE_TYPE, 0);
    lm_fb_table type = lm__fb_child(table, FIELD_TYPE);
    if (kind > FB_LARGE_LIST_VIEW)
        return lm__path_error(d->error, LM_UNSUPPORTED, &path,
                              "a type that is newer than this library");
    if (!lm__fb_present(&type) || !read_type(kind, &type, &field->type))
        return lm__path_error(d->error, LM_CORRUPT, &path, "its type makes no sense");
    if (kind == FB_TIMESTAMP) {
        size_t size;
        LM_TRY(read_text(d, &type, 1, &path, &field->type.timezone, &size));
        if (size == 0) field->type.timezone = NULL;
    }
    LM_TRY(read_fields(d, table, FIELD_CHILDREN, field, &path));
    lm_fb_table encoding = lm__fb_child(table, FIELD_DICTIONARY);
    if (lm__fb_present(&encoding)) LM_TRY(read_dictionary(d, &encoding, field, &path));
    LM_TRY(read_metadata(d, table, FIELD_METADATA, field, &path));
    if (table->reader->bad)
        return lm__path_error(d->error, LM_CORRUPT, &path, "not a sound flatbuffer");
    return LM_OK;
}

static lm_status read_schema(decoder *d, const lm_fb_table *table, lm_schema *schema)
{
    if (!lm__fb_present(table))
        return lm__path_error(d->error, LM_CORRUPT, NULL, "not a sound flatbuffer");
    if (lm__fb_i16(table, SCHEMA_ENDIANNESS, 0) != 0)
        return lm__path_error(d->error, LM_UNSUPPORTED, NULL, "big-endian data is not supported");
    LM_TRY(read_fields(d, table, SCHEMA_FIELDS, &schema->root, NULL));
    LM_TRY(read_metadata(d, table, SCHEMA_METADATA, &schema->root, NULL));
    if (table->reader->bad)
        return lm__path_error(d->error, LM_CORRUPT, NULL, "not a sound flatbuffer");
    return lm__field_check(&schema->root, NULL, d->error); /* the numbers stay as they are */
}

lm_status lm__fb_schema_get(const lm_allocator *allocator, const lm_fb_table *table,
                            lm_schema **schema, lm_error *error)
{
    *schema = NULL;
    lm_schema *made;
    LM_TRY(lm__schema_new(allocator, &made, error));
    decoder d = {.arena = &made->arena, .error = error};
    lm_status status = read_schema(&d, table, made);
    if (status == LM_OK)
        *schema = made;
    else
        lm_schema_free(made);
    return status;
}

lm_status lm__fb_schema_parse(const lm_allocator *allocator, const void *data, size_t size,
                              lm_schema **schema, lm_error *error)
{
    const uint8_t *bytes = data;
    size_t prefix = 4;
    *schema = NULL;
    if (size >= 8 && (uint32_t)lm__fb_get_i32(bytes) == LM_FB_CONTINUATION) prefix = 8;
    int32_t length = size >= prefix ? lm__fb_get_i32(bytes + prefix - 4) : -1;
    if (length < 0 || (size_t)length > size - prefix)
        return lm__error_set(error, LM_CORRUPT, "the schema message is cut short");
    lm_fb_reader reader;
    lm__fb_reader_init(&reader, bytes + prefix, (size_t)length);
    lm_fb_table message = lm__fb_root(&reader);
    int16_t version = lm__fb_i16(&message, LM_FB_MESSAGE_VERSION, 0);
    if (!reader.bad && version != LM_FB_VERSION_V4 && version != LM_FB_VERSION_V5)
        return lm__error_set(error, LM_UNSUPPORTED,
                             "the schema message is of the format's version %d", version + 1);
    if (!reader.bad && lm__fb_u8(&message, LM_FB_MESSAGE_HEADER_TYPE, 0) != LM_FB_HEADER_SCHEMA)
        return lm__error_set(error, LM_CORRUPT, "the message holds no schema");
    lm_fb_table table = lm__fb_child(&message, LM_FB_MESSAGE_HEADER);
    return lm__fb_schema_get(allocator, &table, schema, error);
}
