/*
 * The text form of schemas, printed (docs/schema-text.md); schema_parse.c reads it.
 *
 * Invariants
 *  1. What is printed parses back to an equal schema (lm_schema_equal), save names of a map's
 *     entries, and is the same for equal schemas: the schema hash is taken of it.
 *  2. Printing allocates nothing: it counts what has no room.
 */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "arrow/schema.h"
#include "base/error.h"
#include "base/hash.h"

typedef struct printer {
    char *text;
    size_t room, length; /* length counts on past the room */
} printer;

static void put(printer *to, const char *text, size_t size)
{
    if (to->length < to->room) {
        size_t fits = to->room - to->length;
        memcpy(to->text + to->length, text, size < fits ? size : fits);
    }
    to->length += size;
}

static void put_text(printer *to, const char *text) { put(to, text, strlen(text)); }

LM_PRINTF(2, 3)
static void put_format(printer *to, const char *format, ...)
{
    char piece[64];
    va_list args;
    va_start(args, format);
    vsnprintf(piece, sizeof piece, format, args);
    va_end(args);
    put_text(to, piece);
}

static bool is_bare(const char *text, size_t size, const char *also)
{
    for (size_t i = 0; i < size; i++) {
        unsigned char c = (unsigned char)text[i];
        bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                     c == '_' || c >= 0x80;
        if (!plain && !(c && strchr(also, c))) return false;
    }
    return size > 0;
}

/* As it is where that can be read back, else as a JSON string. */
static void put_word(printer *to, const char *text, size_t size, const char *also)
{
    if (is_bare(text, size, also)) {
        put(to, text, size);
        return;
    }
    put(to, "\"", 1);
    for (size_t i = 0; i < size; i++) {
        unsigned char c = (unsigned char)text[i];
        if (c == '"' || c == '\\') put(to, "\\", 1);
        if (c < 0x20 || c == 0x7f)
            put_format(to, "\\u%04x", c);
        else
            put(to, &text[i], 1);
    }
    put(to, "\"", 1);
}

static void put_name(printer *to, const lm_field *field)
{
    put_word(to, field->name, field->name_size, "-.");
}

static void put_type(printer *to, const lm_field *field);

static void put_field(printer *to, const lm_field *field)
{
    put_name(to, field);
    put_text(to, ": ");
    put_type(to, field);
    if (!field->nullable) put_text(to, " not null");
}

static void put_fields(printer *to, const lm_field *field)
{
    put(to, "<", 1);
    for (int32_t i = 0; i < field->n_children; i++) {
        if (i) put(to, ", ", 2);
        put_field(to, &field->children[i]);
    }
    put(to, ">", 1);
}

static void put_storage(printer *to, const lm_field *field)
{
    const lm_type *type = &field->type;
    if (type->id == LM_TYPE_MAP) {
        put_text(to, "map");
        put_fields(to, &field->children[0]);
        if (type->keys_sorted) put_text(to, "[sorted]");
        return;
    }
    put_text(to, lm__type_name(type->id));
    switch (type->id) {
    case LM_TYPE_DECIMAL32:
    case LM_TYPE_DECIMAL64:
    case LM_TYPE_DECIMAL128:
    case LM_TYPE_DECIMAL256: put_format(to, "(%d, %d)", type->precision, type->scale); break;
    case LM_TYPE_FIXED_BINARY: put_format(to, "[%d]", type->byte_width); break;
    case LM_TYPE_TIME32:
    case LM_TYPE_TIME64:
    case LM_TYPE_DURATION: put_format(to, "[%s]", lm__unit_name(type->unit)); break;
    case LM_TYPE_TIMESTAMP:
        put_format(to, "[%s", lm__unit_name(type->unit));
        if (type->timezone) {
            put(to, ", ", 2);
            put_word(to, type->timezone, strlen(type->timezone), "-+/:.");
        }
        put(to, "]", 1);
        break;
    case LM_TYPE_DICTIONARY:
        put_format(to, "<%s, ", lm__type_name(type->index_id));
        put_type(to, field->dictionary);
        put_text(to, type->ordered ? ">[ordered]" : ">");
        break;
    case LM_TYPE_FIXED_LIST:
        put_fields(to, field);
        put_format(to, "[%d]", type->list_size);
        break;
    case LM_TYPE_LIST:
    case LM_TYPE_LARGE_LIST:
    case LM_TYPE_LIST_VIEW:
    case LM_TYPE_LARGE_LIST_VIEW:
    case LM_TYPE_STRUCT:
    case LM_TYPE_RUN_END_ENCODED: put_fields(to, field); break;
    default: break;
    }
}

static void put_type(printer *to, const lm_field *field)
{
    if (!field->extension_name) {
        put_storage(to, field);
        return;
    }
    put_text(to, "extension<");
    put_word(to, field->extension_name, strlen(field->extension_name), "-.");
    put_text(to, ": ");
    put_storage(to, field);
    put(to, ">", 1);
}

static void put_schema(printer *to, const lm_field *root)
{
    for (int32_t i = 0; i < root->n_children; i++) {
        put_field(to, &root->children[i]);
        put(to, "\n", 1);
    }
}

static lm_status print_into(lm_buffer *out, void (*print)(printer *, const lm_field *),
                            const lm_field *field)
{
    printer count = {0};
    print(&count, field);
    LM_TRY(lm__buffer_reserve(out, count.length));
    printer to = {(char *)out->data + out->size, count.length, 0};
    print(&to, field);
    out->size += to.length;
    return LM_OK;
}

lm_status lm__type_text(const lm_field *field, lm_buffer *out)
{
    return print_into(out, put_type, field);
}

lm_status lm__field_text(const lm_field *field, lm_buffer *out)
{
    return print_into(out, put_field, field);
}

lm_status lm__schema_canonical(const lm_schema *schema, lm_buffer *out)
{
    return print_into(out, put_schema, &schema->root);
}

const char *lm__type_text_short(const lm_field *field, char text[LM_TYPE_TEXT_MAX])
{
    char whole[LM_TYPE_TEXT_MAX + 1] = {0};
    printer to = {whole, LM_TYPE_TEXT_MAX, 0}; /* one more than fits, so that a cut is seen */
    put_type(&to, field);
    return lm__printable(text, LM_TYPE_TEXT_MAX, whole);
}

size_t lm_schema_text(const lm_schema *schema, char *text, size_t size)
{
    printer to = {text, size ? size - 1 : 0, 0};
    put_schema(&to, &schema->root);
    if (size) text[to.length < size ? to.length : size - 1] = '\0';
    return to.length;
}

lm_status lm_schema_hash(const lm_schema *schema, char hash[LM_SCHEMA_HASH_BYTES], lm_error *error)
{
    lm_buffer text;
    lm_checksum checksum;
    char whole[LM_CHECKSUM_TEXT_MAX];
    lm__buffer_init(&text, schema->allocator, 0);
    lm_status status = lm__schema_canonical(schema, &text);
    if (status != LM_OK) {
        lm__buffer_deinit(&text);
        return lm__error_memory(error, "hashing a schema");
    }
    status = lm__checksum_init(&checksum, LM_CHECKSUM_SHA256, error);
    if (status == LM_OK) {
        status = lm__checksum_update(&checksum, text.data, text.size, error);
        if (status == LM_OK) status = lm__checksum_final(&checksum, whole, error);
        lm__checksum_deinit(&checksum);
    }
    lm__buffer_deinit(&text);
    if (status == LM_OK) snprintf(hash, LM_SCHEMA_HASH_BYTES, "%s", whole);
    return status;
}
