/* Schema elements as text; see schema_text.h. */
#include "parquet/schema_text.h"

#include "base/error.h"

static const char *known(const char *name) { return name ? name : "unknown"; }

static const char *name_of(const char *const *names, size_t count, int32_t at)
{
    return known(at >= 0 && (size_t)at < count ? names[at] : NULL);
}
#define NAME_OF(names, at) name_of(names, sizeof names / sizeof *names, at)

static lm_status logical_text(const lm_logical_type *logical, lm_buffer *out)
{
    static const char *const units[] = {[LM_PARQUET_MILLIS] = "MILLIS",
                                        [LM_PARQUET_MICROS] = "MICROS",
                                        [LM_PARQUET_NANOS] = "NANOS"};
    static const char *const edges[] = {"SPHERICAL", "VINCENTY", "THOMAS", "ANDOYER", "KARNEY"};
    int32_t member = (int32_t)logical->choice.member;
    int crs_size = (int)(logical->crs.size < 4096 ? logical->crs.size : 4096);
    const char *crs = logical->crs.data ? (const char *)logical->crs.data : "OGC:CRS84";
    if (!logical->crs.data) crs_size = (int)strlen(crs);
    switch (member) {
    case LM_PARQUET_LOGICAL_DECIMAL:
        return lm__buffer_printf(out, " (DECIMAL(%d,%d))", logical->precision, logical->scale);
    case LM_PARQUET_LOGICAL_TIME:
    case LM_PARQUET_LOGICAL_TIMESTAMP:
        return lm__buffer_printf(
            out, " (%s(%s,%s))", member == LM_PARQUET_LOGICAL_TIME ? "TIME" : "TIMESTAMP",
            NAME_OF(units, logical->unit), logical->is_adjusted_to_utc ? "true" : "false");
    case LM_PARQUET_LOGICAL_INTEGER:
        return lm__buffer_printf(out, " (INTEGER(%d,%s))", logical->bit_width,
                                 logical->is_signed ? "true" : "false");
    case LM_PARQUET_LOGICAL_VARIANT:
        return lm__buffer_printf(out, " (VARIANT(%d))",
                                 LM_HAS(&logical->choice, LM_LOGICAL_TYPE_VARIANT_VERSION)
                                     ? logical->specification_version
                                     : 1);
    case LM_PARQUET_LOGICAL_GEOMETRY:
        return lm__buffer_printf(out, " (GEOMETRY(%.*s))", crs_size, crs);
    case LM_PARQUET_LOGICAL_GEOGRAPHY:
        return lm__buffer_printf(out, " (GEOGRAPHY(%.*s,%s))", crs_size, crs,
                                 NAME_OF(edges, LM_HAS(&logical->choice, LM_LOGICAL_TYPE_ALGORITHM)
                                                    ? logical->algorithm
                                                    : 0));
    default:
        if (!lm__parquet_logical_name(member))
            return lm__buffer_printf(out, " (unknown(%d))", member);
        return lm__buffer_printf(out, " (%s)", lm__parquet_logical_name(member));
    }
}

static lm_status converted_text(const lm_schema_element *element, lm_buffer *out)
{
    if (element->converted_type == LM_PARQUET_CONVERTED_DECIMAL)
        return lm__buffer_printf(out, " (DECIMAL(%d,%d))", element->precision, element->scale);
    return lm__buffer_printf(out, " (%s)",
                             known(lm__parquet_converted_name(element->converted_type)));
}

/* Names as they are, but for what would break the line. */
static lm_status put_name(lm_buffer *out, lm_bytes name)
{
    const uint8_t *bytes = (const uint8_t *)name.data;
    for (size_t i = 0; i < name.size; i++) {
        if (bytes[i] >= 0x20 && bytes[i] != 0x7f)
            LM_TRY(lm__buffer_byte(out, bytes[i]));
        else
            LM_TRY(lm__buffer_printf(out, "\\x%02x", bytes[i]));
    }
    return LM_OK;
}

/* A number that is not known is told. */
static lm_status put_known(lm_buffer *out, const char *const *names, size_t count, int32_t at)
{
    if (at >= 0 && (size_t)at < count) return lm__buffer_text(out, names[at]);
    return lm__buffer_printf(out, "unknown(%d)", at);
}

lm_status lm__parquet_node_text(const lm_read_node *node, lm_buffer *out)
{
    static const char *const types[] = {"boolean", "int32",  "int64",  "int96",
                                        "float",   "double", "binary", "fixed_len_byte_array"};
    static const char *const modes[] = {"required", "optional", "repeated"};
    const lm_schema_element *element = node->element;
    bool group = node->shape != LM_READ_LEAF;
    int32_t told =
        LM_HAS(element, LM_SCHEMA_ELEMENT_REPETITION) ? element->repetition_type : node->mode;
    int32_t mode = lm__parquet_repetition_name(told) ? node->mode : told;
    LM_TRY(put_known(out, modes, sizeof modes / sizeof *modes, mode));
    LM_TRY(lm__buffer_byte(out, ' '));
    LM_TRY(group ? lm__buffer_text(out, "group")
                 : put_known(out, types, sizeof types / sizeof *types, node->physical));
    if (!group && node->physical == LM_PARQUET_FIXED_LEN_BYTE_ARRAY)
        LM_TRY(lm__buffer_printf(out, "(%d)", element->type_length));
    LM_TRY(lm__buffer_byte(out, ' '));
    LM_TRY(put_name(out, element->name));
    if (element->logical_type)
        LM_TRY(logical_text(element->logical_type, out));
    else if (LM_HAS(element, LM_SCHEMA_ELEMENT_CONVERTED))
        LM_TRY(converted_text(element, out));
    if (LM_HAS(element, LM_SCHEMA_ELEMENT_FIELD_ID))
        LM_TRY(lm__buffer_printf(out, " = %d", element->field_id));
    return LM_OK;
}

static lm_status put_node(const lm_read_node *node, int depth, lm_buffer *out)
{
    LM_TRY(lm__buffer_printf(out, "%*s", 2 * depth, ""));
    LM_TRY(lm__parquet_node_text(node, out));
    if (node->shape == LM_READ_LEAF) return lm__buffer_text(out, ";\n");
    LM_TRY(lm__buffer_text(out, " {\n"));
    for (size_t i = 0; i < node->n_children; i++)
        LM_TRY(put_node(&node->children[i], depth + 1, out));
    return lm__buffer_printf(out, "%*s}\n", 2 * depth, "");
}

lm_status lm__parquet_schema_text(const lm_parquet_reader *reader, lm_buffer *out)
{
    const lm_read_node *root = reader->schema.root;
    LM_TRY(lm__buffer_text(out, "message "));
    LM_TRY(put_name(out, root->element->name));
    LM_TRY(lm__buffer_text(out, " {\n"));
    for (size_t i = 0; i < root->n_children; i++) LM_TRY(put_node(&root->children[i], 1, out));
    return lm__buffer_text(out, "}\n");
}
