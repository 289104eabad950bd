/* Leaves: from Parquet's types and annotations to Arrow's (LogicalTypes.md). */
#include "base/error.h"
#include "parquet/read_arrow.h"

typedef struct leaf_type {
    const lm_read_node *leaf;
    lm_field *field;
    lm_read_spec *spec;
} leaf_type;

static void fixed(leaf_type *t, lm_type type, lm_read_convert convert)
{
    t->field->type = type;
    t->spec->form = LM_FORM_FIXED;
    t->spec->out_width = (uint32_t)type.byte_width;
    t->spec->convert = convert;
}

static void plain(leaf_type *t, lm_type_id id) { fixed(t, lm__type_make(id), LM_CONVERT_NONE); }

static void strings(leaf_type *t, lm_type_id id)
{
    t->field->type = lm__type_make(id);
    t->spec->form = LM_FORM_STRINGS32;
}

static lm_time_unit asked_unit(int int96_per_second)
{
    return int96_per_second == 1000      ? LM_UNIT_MILLI
           : int96_per_second == 1000000 ? LM_UNIT_MICRO
                                         : LM_UNIT_NANO;
}

static void no_annotation(leaf_type *t, int int96_per_second)
{
    switch (t->leaf->physical) {
    case LM_PARQUET_BOOLEAN:
        t->field->type = lm__type_make(LM_TYPE_BOOL);
        t->spec->form = LM_FORM_BITS;
        break;
    case LM_PARQUET_INT32: plain(t, LM_TYPE_INT32); break;
    case LM_PARQUET_INT64: plain(t, LM_TYPE_INT64); break;
    case LM_PARQUET_INT96: {
        lm_time_unit unit = asked_unit(int96_per_second);
        fixed(t, lm__type_temporal(LM_TYPE_TIMESTAMP, unit), LM_CONVERT_INT96);
        t->spec->factor = 1000000000 / lm__unit_per_second(unit);
        break;
    }
    case LM_PARQUET_FLOAT: plain(t, LM_TYPE_FLOAT32); break;
    case LM_PARQUET_DOUBLE: plain(t, LM_TYPE_FLOAT64); break;
    case LM_PARQUET_BYTE_ARRAY: strings(t, LM_TYPE_BINARY); break;
    default: fixed(t, lm__type_fixed_binary((int32_t)t->leaf->width), LM_CONVERT_NONE); break;
    }
}

static void integer(leaf_type *t)
{
    static const lm_type_id ids[2][4] = {
        {LM_TYPE_UINT8, LM_TYPE_UINT16, LM_TYPE_UINT32, LM_TYPE_UINT64},
        {LM_TYPE_INT8, LM_TYPE_INT16, LM_TYPE_INT32, LM_TYPE_INT64},
    };
    int step = t->leaf->bits == 8 ? 0 : t->leaf->bits == 16 ? 1 : t->leaf->bits == 32 ? 2 : 3;
    fixed(t, lm__type_make(ids[t->leaf->is_signed][step]),
          step < 2 ? LM_CONVERT_NARROW : LM_CONVERT_NONE);
}

/* False where Arrow has no such decimal: then it is what it is stored as. */
static bool decimal(leaf_type *t)
{
    const lm_read_node *leaf = t->leaf;
    lm_type_id id = leaf->precision <= 38 ? LM_TYPE_DECIMAL128 : LM_TYPE_DECIMAL256;
    int most = lm__decimal_precision_max(id);
    if (leaf->precision < 1 || leaf->precision > most || leaf->scale > most) return false;
    fixed(t, lm__type_decimal(id, leaf->precision, leaf->scale),
          leaf->physical == LM_PARQUET_BYTE_ARRAY             ? LM_CONVERT_BYTES
          : leaf->physical == LM_PARQUET_FIXED_LEN_BYTE_ARRAY ? LM_CONVERT_BIG_ENDIAN
                                                              : LM_CONVERT_EXTEND);
    return true;
}

static lm_time_unit unit_of(int32_t unit)
{
    return unit == LM_PARQUET_MILLIS   ? LM_UNIT_MILLI
           : unit == LM_PARQUET_MICROS ? LM_UNIT_MICRO
                                       : LM_UNIT_NANO;
}

/* Of 96 bits: in its own unit, or a coarser one that is asked for. */
static void temporal(leaf_type *t, lm_type_id id, int int96_per_second)
{
    lm_time_unit own = unit_of(t->leaf->unit), unit = own;
    bool is_wide = t->leaf->physical == LM_PARQUET_FIXED_LEN_BYTE_ARRAY;
    if (is_wide && asked_unit(int96_per_second) < own) unit = asked_unit(int96_per_second);
    lm_type type = lm__type_temporal(id, unit);
    if (id == LM_TYPE_TIMESTAMP && t->leaf->utc) type.timezone = "UTC";
    fixed(t, type, is_wide ? LM_CONVERT_TIME96 : LM_CONVERT_NONE);
    t->spec->factor = lm__unit_per_second(own) / lm__unit_per_second(unit);
}

/* Arrow's word for what it has no type for (CanonicalExtensions, "Opaque"). */
static const char opaque_type[] =
    "{\"type_name\": \"unknown\", \"vendor_name\": \"Apache Parquet\"}";

void lm__read_leaf_type(const lm_read_node *leaf, int int96_per_second, lm_read_field *out)
{
    leaf_type t = {leaf, out->field, &out->spec};
    out->spec = (lm_read_spec){.physical = leaf->physical, .width = leaf->width};
    if (leaf->unreadable) { /* its values are never read: read_column.h refuses that */
        strings(&t, LM_TYPE_BINARY);
        out->field->extension_name = "arrow.opaque";
        out->field->extension_metadata = opaque_type;
        out->field->extension_metadata_size = sizeof opaque_type - 1;
        return;
    }
    switch (leaf->meaning) {
    case LM_MEANS_STRING:
    case LM_MEANS_ENUM: strings(&t, LM_TYPE_UTF8); break;
    case LM_MEANS_JSON:
        strings(&t, LM_TYPE_UTF8);
        out->field->extension_name = "arrow.json";
        break;
    case LM_MEANS_UUID:
        fixed(&t, lm__type_fixed_binary(16), LM_CONVERT_NONE);
        out->field->extension_name = "arrow.uuid";
        break;
    case LM_MEANS_FLOAT16: plain(&t, LM_TYPE_FLOAT16); break;
    case LM_MEANS_DECIMAL:
        if (!decimal(&t)) no_annotation(&t, int96_per_second);
        break;
    case LM_MEANS_DATE: plain(&t, LM_TYPE_DATE32); break;
    case LM_MEANS_TIME:
        temporal(&t, leaf->unit == LM_PARQUET_MILLIS ? LM_TYPE_TIME32 : LM_TYPE_TIME64, 0);
        break;
    case LM_MEANS_TIMESTAMP: temporal(&t, LM_TYPE_TIMESTAMP, int96_per_second); break;
    case LM_MEANS_INTEGER: integer(&t); break;
    case LM_MEANS_INTERVAL:
        fixed(&t, lm__type_make(LM_TYPE_INTERVAL_MONTH_DAY_NANO), LM_CONVERT_MONTH_DAY_NANO);
        break;
    case LM_MEANS_NULL:
        t.field->type = lm__type_make(LM_TYPE_NULL);
        t.spec->form = LM_FORM_NOTHING;
        break;
    default: no_annotation(&t, int96_per_second); break;
    }
}
