/*
 * Arrow's own schema, which writers keep in the footer under "ARROW:schema" (base64 of an IPC
 * message), and what of it can be taken over.
 *
 * A written type is taken where the Parquet type holds the same values: other layouts of text and
 * lists, dictionaries, the time zone's name, units and widths that Parquet lacks. All else in it is
 * passed over without a word: the Parquet schema is what the file is.
 */
#include <string.h>

#include "arrow/fb_schema.h"
#include "base/alloc.h"
#include "base/bytes_text.h"
#include "base/error.h"
#include "parquet/read_arrow.h"

/* The footer's text. */

lm_status lm__read_written_schema(const lm_parquet_reader *reader, lm_schema **schema,
                                  lm_error *error)
{
    const lm_footer_key_value_list pairs = reader->metadata.key_value_metadata;
    *schema = NULL;
    for (size_t i = 0; i < pairs.count; i++) {
        const lm_bytes key = pairs.items[i].key, text = pairs.items[i].value;
        size_t size;
        if (key.size != 12 || memcmp(key.data, "ARROW:schema", 12) != 0 || !text.data) continue;
        uint8_t *bytes = lm__alloc(reader->allocator, text.size + 3);
        if (!bytes) return lm__error_memory(error, "reading Arrow's schema");
        lm_status status = LM_CORRUPT;
        if (lm__base64_parse((const char *)text.data, text.size, bytes, &size))
            status = lm__fb_schema_parse(reader->allocator, bytes, size, schema, error);
        lm__free(reader->allocator, bytes);
        if (status == LM_NO_MEMORY) return status;
        if (status != LM_OK) *schema = NULL; /* one that cannot be read counts for nothing */
        return LM_OK;
    }
    return LM_OK;
}

/* Leaves. */

static void become(lm_read_field *field, const lm_type *type, lm_read_convert convert,
                   int64_t factor)
{
    field->field->type = *type;
    field->spec.out_width = (uint32_t)type->byte_width;
    field->spec.convert = convert;
    field->spec.factor = factor;
}

static bool is_bytes(const lm_read_field *field)
{
    return field->spec.form == LM_FORM_STRINGS32 || field->spec.form == LM_FORM_STRINGS64;
}

/* Text as text and binary as binary, in the layout that was written. */
static bool fit_bytes(lm_read_field *field, const lm_type *type)
{
    bool text = field->field->type.id == LM_TYPE_UTF8;
    if (!is_bytes(field) || (text ? !lm__type_is_text(type->id) : !lm__type_is_binary(type->id)))
        return false;
    field->field->type = *type;
    if (type->layout == LM_LAYOUT_LARGE_BINARY) field->spec.form = LM_FORM_STRINGS64;
    return true;
}

static bool fit_decimal(lm_read_field *field, const lm_type *type)
{
    const lm_type *have = &field->field->type;
    if (!lm__type_is_decimal(have->id) || have->precision != type->precision ||
        have->scale != type->scale || type->precision > lm__decimal_precision_max(type->id))
        return false;
    lm_read_convert convert = field->spec.convert;
    if (convert == LM_CONVERT_EXTEND && (uint32_t)type->byte_width <= field->spec.width)
        convert =
            (uint32_t)type->byte_width == field->spec.width ? LM_CONVERT_NONE : LM_CONVERT_NARROW;
    become(field, type, convert, 0);
    return true;
}

/* parquet-rs stores what Parquet has no unit for as the number that it is. */
static bool fit_number(lm_read_field *field, const lm_type *type, lm_type_id number)
{
    if (field->field->type.id != number || field->node->meaning != LM_MEANS_NOTHING) return false;
    become(field, type, LM_CONVERT_NONE, 0);
    return true;
}

static bool fit_timestamp(lm_read_field *field, const lm_type *type)
{
    lm_type *have = &field->field->type;
    if (type->unit == LM_UNIT_SECOND && fit_number(field, type, LM_TYPE_INT64)) return true;
    if (have->id != LM_TYPE_TIMESTAMP) return false;
    if (field->spec.convert == LM_CONVERT_INT96) {
        become(field, type, LM_CONVERT_INT96, 1000000000 / lm__unit_per_second(type->unit));
        return true;
    }
    if (!have->timezone != !type->timezone) return false;
    if (type->unit == LM_UNIT_SECOND && have->unit == LM_UNIT_MILLI &&
        field->spec.convert == LM_CONVERT_NONE)
        become(field, type, LM_CONVERT_DIVIDE, 1000);
    else /* what is stored counts, whatever its unit; the zone's name stays */
        have->timezone = type->timezone;
    return true;
}

static bool fit_interval(lm_read_field *field, const lm_type *type)
{
    if (field->field->type.id != LM_TYPE_INTERVAL_MONTH_DAY_NANO) return false;
    become(field, type,
           type->id == LM_TYPE_INTERVAL_MONTHS     ? LM_CONVERT_MONTHS
           : type->id == LM_TYPE_INTERVAL_DAY_TIME ? LM_CONVERT_DAY_TIME
                                                   : LM_CONVERT_MONTH_DAY_NANO,
           0);
    return true;
}

static bool fit_leaf(lm_read_field *field, const lm_type *type)
{
    lm_type_id have = field->field->type.id;
    switch (type->id) {
    case LM_TYPE_DECIMAL32:
    case LM_TYPE_DECIMAL64:
    case LM_TYPE_DECIMAL128:
    case LM_TYPE_DECIMAL256: return fit_decimal(field, type);
    case LM_TYPE_UTF8:
    case LM_TYPE_LARGE_UTF8:
    case LM_TYPE_UTF8_VIEW:
    case LM_TYPE_BINARY:
    case LM_TYPE_LARGE_BINARY:
    case LM_TYPE_BINARY_VIEW: return fit_bytes(field, type);
    case LM_TYPE_TIMESTAMP: return fit_timestamp(field, type);
    case LM_TYPE_INTERVAL_MONTHS:
    case LM_TYPE_INTERVAL_DAY_TIME:
    case LM_TYPE_INTERVAL_MONTH_DAY_NANO: return fit_interval(field, type);
    case LM_TYPE_DURATION:
        if (have != LM_TYPE_INT64) return false;
        become(field, type, LM_CONVERT_NONE, 0);
        return true;
    case LM_TYPE_DATE64:
        if (fit_number(field, type, LM_TYPE_INT64)) return true;
        if (have != LM_TYPE_DATE32) return false;
        become(field, type, LM_CONVERT_MULTIPLY, 86400000);
        return true;
    case LM_TYPE_TIME32:
        if (type->unit == LM_UNIT_SECOND && fit_number(field, type, LM_TYPE_INT32)) return true;
        if (have != LM_TYPE_TIME32) return false;
        if (type->unit != field->field->type.unit) become(field, type, LM_CONVERT_DIVIDE, 1000);
        return true;
    case LM_TYPE_NULL: /* by writers that knew no annotation for it; values would be LM_DATA */
        if (field->node->mode != LM_PARQUET_OPTIONAL) return false;
        field->field->type = *type;
        field->spec.form = LM_FORM_NOTHING;
        return true;
    case LM_TYPE_UINT32: /* stored in 64 bits by format version 1 */
        if (have == LM_TYPE_INT64) become(field, type, LM_CONVERT_UNSIGNED, 0);
        return have == LM_TYPE_UINT32 || have == LM_TYPE_INT64;
    default: return lm__type_equal(&field->field->type, type);
    }
}

/* Nesting. */

static bool fit_list(lm_read_field *field, const lm_field *written)
{
    switch (written->type.id) {
    case LM_TYPE_LIST:
    case LM_TYPE_LARGE_LIST:
    case LM_TYPE_LIST_VIEW:
    case LM_TYPE_LARGE_LIST_VIEW:
    case LM_TYPE_FIXED_LIST:
        if (field->field->type.id != LM_TYPE_LIST) return false;
        field->field->type = written->type;
        return true;
    case LM_TYPE_MAP:
        if (field->field->type.id != LM_TYPE_MAP) return false;
        field->field->type = written->type;
        return true;
    default: return false;
    }
}

static lm_status no_memory(lm_error *error) { return lm__error_memory(error, "making a schema"); }

static lm_status take_name(lm_arena *arena, lm_field *field, const lm_field *written,
                           lm_error *error)
{
    char *name = lm__arena_strndup(arena, written->name, written->name_size);
    if (!name) return no_memory(error);
    field->name = name;
    field->name_size = written->name_size;
    return LM_OK;
}

/* What hangs on the field besides its type: the time zone's text moves to the arena too. */
static lm_status take_attributes(lm_arena *arena, lm_field *field, const lm_field *written,
                                 lm_error *error)
{
    if (field->type.timezone &&
        !(field->type.timezone = lm__arena_strdup(arena, field->type.timezone)))
        return no_memory(error);
    if (written->extension_name) {
        size_t size = written->extension_metadata_size;
        field->extension_name = lm__arena_strdup(arena, written->extension_name);
        field->extension_metadata = NULL;
        if (written->extension_metadata) {
            field->extension_metadata = lm__arena_strndup(arena, written->extension_metadata, size);
            field->extension_metadata_size = size;
            if (!field->extension_metadata) return no_memory(error);
        }
        if (!field->extension_name) return no_memory(error);
    }
    for (size_t i = 0; i < written->n_metadata; i++) {
        const lm_key_value *pair = &written->metadata[i];
        if (lm__field_metadata(field, pair->key)) continue;
        if (!lm__field_add_metadata(arena, field, pair->key, pair->key_size, pair->value,
                                    pair->value_size))
            return no_memory(error);
    }
    return LM_OK;
}

lm_status lm__read_become_dictionary(lm_arena *arena, lm_read_field *field, const lm_type *type,
                                     lm_error *error)
{
    lm_field *values = lm__arena_zero(arena, sizeof *values);
    if (!values) return no_memory(error);
    values->name = "";
    values->type = field->field->type;
    values->nullable = true;
    field->field->dictionary = values;
    field->field->type = *type;
    field->spec.coded = field->spec.form != LM_FORM_NOTHING && field->spec.form != LM_FORM_BITS;
    return LM_OK;
}

static lm_status apply_leaf(lm_arena *arena, lm_read_field *field, const lm_field *written,
                            bool is_dictionary_kept, lm_error *error)
{
    const lm_field *value = written;
    if (value->type.id == LM_TYPE_RUN_END_ENCODED) value = &value->children[1];
    if (value->type.id == LM_TYPE_DICTIONARY) value = value->dictionary;
    if (value->n_children || !fit_leaf(field, &value->type)) return LM_OK;
    LM_TRY(take_attributes(arena, field->field, written, error));
    if (written->type.id != LM_TYPE_DICTIONARY || !is_dictionary_kept) return LM_OK;
    return lm__read_become_dictionary(arena, field, &written->type, error);
}

/* The items of lists and maps are called what they were called; columns and the fields of structs
 * are called the same on both sides, or are not the same. */
static lm_status apply(lm_arena *arena, lm_read_field *field, const lm_field *written,
                       bool is_dictionary_kept, bool by_place, lm_error *error)
{
    if (by_place) LM_TRY(take_name(arena, field->field, written, error));
    if (field->kind == LM_READ_VALUES)
        return apply_leaf(arena, field, written, is_dictionary_kept, error);
    if (field->kind == LM_READ_ITEMS) {
        if (!fit_list(field, written)) return LM_OK;
    } else if (written->type.id != LM_TYPE_STRUCT || written->n_children != field->n_children) {
        return LM_OK;
    }
    bool is_items = field->kind == LM_READ_ITEMS;
    bool is_entries = by_place && field->node->mode == LM_PARQUET_REPEATED;
    for (int32_t i = 0; i < field->n_children; i++) {
        const lm_field *child = field->children[i].field, *from = &written->children[i];
        bool alike = child->name_size == from->name_size &&
                     memcmp(child->name, from->name, child->name_size) == 0;
        if (!is_items && !is_entries && !alike) continue;
        LM_TRY(apply(arena, &field->children[i], from, is_dictionary_kept, is_items || is_entries,
                     error));
    }
    return take_attributes(arena, field->field, written, error);
}

lm_status lm__read_apply_written(lm_arena *arena, lm_read_field *field, const lm_field *written,
                                 bool is_dictionary_kept, lm_error *error)
{
    return apply(arena, field, written, is_dictionary_kept, false, error);
}
