/*
 * What is decoded on the way in. Run ends: Parquet has its own runs, so a column of them is written
 * as its values. Dictionaries of lists and structs: Parquet has dictionaries for leaves only, so
 * these, too, are written as their values, whose leaves then get their own.
 */
#include "arrow/cast.h"
#include "base/error.h"
#include "parquet/writer.h"

/* A dictionary whose values are no leaf. */
static bool is_nested_dictionary(const lm_field *field)
{
    return field->dictionary && field->dictionary->n_children > 0;
}

static bool needs_decoding(const lm_field *field)
{
    if (field->type.id == LM_TYPE_RUN_END_ENCODED || is_nested_dictionary(field)) return true;
    for (int32_t i = 0; i < field->n_children; i++)
        if (needs_decoding(&field->children[i])) return true;
    return false;
}

/* Such a field becomes its values' field, under its own name. */
static void decode_field(lm_field *field)
{
    while (field->type.id == LM_TYPE_RUN_END_ENCODED || is_nested_dictionary(field)) {
        bool runs = field->type.id == LM_TYPE_RUN_END_ENCODED;
        lm_field value = runs ? field->children[1] : *field->dictionary;
        value.name = field->name;
        value.name_size = field->name_size;
        /* A dictionary's values are nullable by their type, whatever the column is. */
        value.nullable = field->nullable || (runs && value.nullable);
        value.metadata = field->metadata;
        value.n_metadata = field->n_metadata;
        *field = value;
    }
    for (int32_t i = 0; i < field->n_children; i++) decode_field(&field->children[i]);
}

lm_status lm__writer_decode_input(lm_parquet_writer *writer, lm_schema *schema, lm_error *error)
{
    const lm_allocator *allocator = writer->options.allocator;
    if (!needs_decoding(&schema->root)) {
        writer->schema = lm_schema_ref(schema);
        return LM_OK;
    }
    lm_schema *decoded;
    LM_TRY(lm__schema_new(allocator, &decoded, error));
    lm_status status = lm__field_copy(&decoded->arena, &schema->root, &decoded->root, error);
    if (status == LM_OK) {
        decode_field(&decoded->root);
        status = lm__schema_seal(decoded, error);
    }
    lm_cast_options options = {.mode = LM_CAST_SAFE};
    if (status == LM_OK)
        status = lm__cast_new(allocator, schema, decoded, &options, &writer->decode, error);
    if (status == LM_OK)
        writer->schema = decoded;
    else
        lm_schema_free(decoded);
    return status;
}
