/* The binary form of VARIANT; see variant.h. */
#include "parquet/variant.h"

#include <stdlib.h>
#include <string.h>

#include "base/bits.h"
#include "base/error.h"
#include "base/limits.h"
#include "parquet/canonical_text.h"

/* Primitive types ("Encoding types"). */
enum {
    PRIMITIVE_NULL,
    PRIMITIVE_TRUE,
    PRIMITIVE_FALSE,
    PRIMITIVE_INT8,
    PRIMITIVE_INT16,
    PRIMITIVE_INT32,
    PRIMITIVE_INT64,
    PRIMITIVE_DOUBLE,
    PRIMITIVE_DECIMAL4,
    PRIMITIVE_DECIMAL8,
    PRIMITIVE_DECIMAL16,
    PRIMITIVE_DATE,
    PRIMITIVE_TIMESTAMP_MICROS,
    PRIMITIVE_TIMESTAMP_MICROS_LOCAL,
    PRIMITIVE_FLOAT,
    PRIMITIVE_BINARY,
    PRIMITIVE_STRING,
    PRIMITIVE_TIME_MICROS,
    PRIMITIVE_TIMESTAMP_NANOS,
    PRIMITIVE_TIMESTAMP_NANOS_LOCAL,
    PRIMITIVE_UUID,
    PRIMITIVE_COUNT,
};

/* Bytes after the header; of binary and string their length's. */
static const uint8_t primitive_bytes[PRIMITIVE_COUNT] = {0, 0, 0, 1, 2, 4, 8, 8, 5, 9, 17,
                                                         4, 8, 8, 4, 4, 4, 8, 8, 8, 16};

typedef struct variant_reader {
    const lm_variant_metadata *metadata;
    lm_arena *arena;
    size_t budget; /* invariant 1: bytes not yet taken by a node */
    int depth;
    lm_error *error;
} variant_reader;

static lm_status corrupt(lm_error *error, const char *what)
{
    return lm__error_set(error, LM_CORRUPT, "variant: %s", what);
}

static uint32_t unsigned_le(const uint8_t *at, unsigned size)
{
    uint32_t value = 0;
    for (unsigned i = 0; i < size; i++) value |= (uint32_t)at[i] << (8 * i);
    return value;
}

/* Metadata ("Metadata encoding"). */

lm_status lm__variant_metadata_read(lm_bytes source, lm_variant_metadata *out, lm_error *error)
{
    if (source.size < 1) return corrupt(error, "no metadata");
    unsigned header = source.data[0], offset_size = (header >> 6) + 1;
    if ((header & 15) != 1) return corrupt(error, "metadata of a version that is not known");
    if (source.size < 1 + offset_size) return corrupt(error, "metadata that is cut short");
    uint64_t count = unsigned_le(source.data + 1, offset_size);
    uint64_t names = 1 + offset_size + (count + 1) * offset_size;
    if (names > source.size) return corrupt(error, "metadata that is cut short");
    out->count = (size_t)count;
    out->offset_size = offset_size;
    out->offsets = source.data + 1 + offset_size;
    out->bytes = lm__bytes(source.data + names, source.size - (size_t)names);
    return LM_OK;
}

static lm_status name_of(variant_reader *reader, uint32_t id, lm_bytes *name)
{
    const lm_variant_metadata *metadata = reader->metadata;
    if (id >= metadata->count) return corrupt(reader->error, "a name that the metadata lacks");
    const uint8_t *at = metadata->offsets + (size_t)id * metadata->offset_size;
    uint32_t start = unsigned_le(at, metadata->offset_size);
    uint32_t end = unsigned_le(at + metadata->offset_size, metadata->offset_size);
    if (start > end || end > metadata->bytes.size)
        return corrupt(reader->error, "a name outside the metadata");
    *name = lm__bytes(metadata->bytes.data + start, end - start);
    return LM_OK;
}

/* Values ("Value encoding"). */

static lm_status take(variant_reader *reader, size_t bytes)
{
    if (bytes > reader->budget)
        return corrupt(reader->error, "values that overlap, or reach past the end");
    reader->budget -= bytes;
    return LM_OK;
}

static lm_status read_value(variant_reader *reader, lm_bytes source, lm_variant *out);

static lm_status read_primitive(variant_reader *reader, lm_bytes source, lm_variant *out)
{
    unsigned type = source.data[0] >> 2;
    if (type >= PRIMITIVE_COUNT)
        return lm__error_set(reader->error, LM_UNSUPPORTED, "variant: primitive type %u", type);
    size_t size = 1 + (size_t)primitive_bytes[type];
    if (size > source.size) return corrupt(reader->error, "a value that is cut short");
    bool counted = type == PRIMITIVE_BINARY || type == PRIMITIVE_STRING;
    if (counted) {
        uint32_t length = lm__load32(source.data + 1);
        if (length > source.size - size) return corrupt(reader->error, "a value that is cut short");
        out->bytes = lm__bytes(source.data + size, length);
        size += length;
    }
    if (type == PRIMITIVE_NULL) {
        out->kind = LM_VARIANT_NULL;
    } else if (type == PRIMITIVE_STRING) {
        out->kind = LM_VARIANT_STRING;
    } else {
        out->kind = LM_VARIANT_PRIMITIVE;
        out->bytes = lm__bytes(source.data, size);
    }
    return take(reader, size);
}

/* A container's parts: `count` ids of id_size bytes (objects), count + 1 offsets, the values. */
static lm_status read_container(variant_reader *reader, lm_bytes source, lm_variant *out,
                                bool large, unsigned id_size, unsigned offset_size)
{
    size_t header = large ? 5 : 2;
    if (source.size < header) return corrupt(reader->error, "a value that is cut short");
    uint64_t count = large ? lm__load32(source.data + 1) : source.data[1];
    uint64_t tables = header + count * id_size + (count + 1) * offset_size;
    if (tables > source.size) return corrupt(reader->error, "a value that is cut short");
    LM_TRY(take(reader, (size_t)tables));
    const uint8_t *ids = source.data + header, *offsets = ids + count * id_size;
    lm_bytes values = lm__bytes(source.data + tables, source.size - (size_t)tables);
    out->count = (size_t)count;
    if (count && !(out->items = lm__arena_array(reader->arena, out->count, sizeof *out->items)))
        return lm__error_memory(reader->error, "reading a variant");
    if (++reader->depth > LM_VARIANT_DEPTH_MAX)
        return lm__error_set(reader->error, LM_LIMIT, "variant: deeper than %d",
                             LM_VARIANT_DEPTH_MAX);
    for (size_t i = 0; i < out->count; i++) {
        lm_variant *item = &out->items[i];
        uint32_t offset = unsigned_le(offsets + i * offset_size, offset_size);
        *item = (lm_variant){0};
        if (offset > values.size) return corrupt(reader->error, "an item outside its value");
        if (id_size) LM_TRY(name_of(reader, unsigned_le(ids + i * id_size, id_size), &item->name));
        LM_TRY(read_value(reader, lm__bytes(values.data + offset, values.size - offset), item));
    }
    reader->depth--;
    return LM_OK;
}

static lm_status read_value(variant_reader *reader, lm_bytes source, lm_variant *out)
{
    if (source.size < 1) return corrupt(reader->error, "a value that is cut short");
    unsigned header = source.data[0] >> 2;
    switch (source.data[0] & 3) {
    case 0: return read_primitive(reader, source, out);
    case 1:
        if (header > source.size - 1) return corrupt(reader->error, "a value that is cut short");
        out->kind = LM_VARIANT_STRING;
        out->bytes = lm__bytes(source.data + 1, header);
        return take(reader, 1 + (size_t)header);
    case 2:
        out->kind = LM_VARIANT_OBJECT;
        LM_TRY(read_container(reader, source, out, header & 16, (header >> 2 & 3) + 1,
                              (header & 3) + 1));
        return lm__variant_sort(out, reader->error);
    default:
        out->kind = LM_VARIANT_ARRAY;
        return read_container(reader, source, out, header & 4, 0, (header & 3) + 1);
    }
}

lm_status lm__variant_read(const lm_variant_metadata *metadata, lm_bytes source, lm_arena *arena,
                           lm_variant *out, lm_error *error)
{
    variant_reader reader = {metadata, arena, source.size, 0, error};
    *out = (lm_variant){0};
    return read_value(&reader, source, out);
}

static int compare_names(const void *a, const void *b)
{
    const lm_bytes x = ((const lm_variant *)a)->name, y = ((const lm_variant *)b)->name;
    size_t least = x.size < y.size ? x.size : y.size;
    int order = least ? memcmp(x.data, y.data, least) : 0;
    return order ? order : (x.size > y.size) - (x.size < y.size);
}

lm_status lm__variant_sort(lm_variant *object, lm_error *error)
{
    if (object->count > 1)
        qsort(object->items, object->count, sizeof *object->items, compare_names);
    for (size_t i = 1; i < object->count; i++)
        if (compare_names(&object->items[i - 1], &object->items[i]) == 0)
            return corrupt(error, "a field that an object has twice");
    return LM_OK;
}

/* Text. */

/* Little-endian, `size` bytes of two's complement. */
static lm_status decimal_text(lm_buffer *out, const uint8_t *value, size_t size, uint8_t scale)
{
    uint8_t big_endian[16];
    for (size_t i = 0; i < size; i++) big_endian[i] = value[size - 1 - i];
    return lm__canonical_decimal(out, big_endian, size, scale);
}

static lm_status primitive_text(lm_bytes bytes, lm_buffer *out)
{
    const uint8_t *value = bytes.data + 1;
    unsigned type = bytes.data[0] >> 2;
    float single;
    double both;
    switch (type) {
    case PRIMITIVE_TRUE: return lm__buffer_text(out, "true");
    case PRIMITIVE_FALSE: return lm__buffer_text(out, "false");
    case PRIMITIVE_INT8: return lm__canonical_int(out, (int8_t)value[0]);
    case PRIMITIVE_INT16: return lm__canonical_int(out, (int16_t)(value[0] | value[1] << 8));
    case PRIMITIVE_INT32: return lm__canonical_int(out, (int32_t)lm__load32(value));
    case PRIMITIVE_INT64: return lm__canonical_int(out, (int64_t)lm__load64(value));
    case PRIMITIVE_DOUBLE: memcpy(&both, value, 8); return lm__canonical_double(out, both);
    case PRIMITIVE_FLOAT: memcpy(&single, value, 4); return lm__canonical_float(out, single);
    case PRIMITIVE_DECIMAL4: return decimal_text(out, value + 1, 4, value[0]);
    case PRIMITIVE_DECIMAL8: return decimal_text(out, value + 1, 8, value[0]);
    case PRIMITIVE_DECIMAL16: return decimal_text(out, value + 1, 16, value[0]);
    case PRIMITIVE_DATE: return lm__canonical_date(out, (int32_t)lm__load32(value));
    case PRIMITIVE_TIME_MICROS: return lm__canonical_time(out, (int64_t)lm__load64(value), 1000000);
    case PRIMITIVE_TIMESTAMP_MICROS:
    case PRIMITIVE_TIMESTAMP_MICROS_LOCAL:
        return lm__canonical_timestamp(out, (int64_t)lm__load64(value), 1000000,
                                       type == PRIMITIVE_TIMESTAMP_MICROS);
    case PRIMITIVE_TIMESTAMP_NANOS:
    case PRIMITIVE_TIMESTAMP_NANOS_LOCAL:
        return lm__canonical_timestamp(out, (int64_t)lm__load64(value), 1000000000,
                                       type == PRIMITIVE_TIMESTAMP_NANOS);
    case PRIMITIVE_UUID: return lm__canonical_uuid(out, value);
    default: return lm__canonical_hex(out, value + 4, bytes.size - 5); /* binary */
    }
}

static lm_status container_text(const lm_variant *variant, lm_buffer *out)
{
    bool object = variant->kind == LM_VARIANT_OBJECT;
    lm_status status = lm__buffer_byte(out, object ? '{' : '[');
    for (size_t i = 0; i < variant->count && status == LM_OK; i++) {
        const lm_variant *item = &variant->items[i];
        if (i) status = lm__buffer_byte(out, ',');
        if (object && status == LM_OK) {
            status = lm__canonical_string(out, item->name.data, item->name.size);
            if (status == LM_OK) status = lm__buffer_byte(out, ':');
        }
        if (status == LM_OK) status = lm__variant_text(item, out);
    }
    return status == LM_OK ? lm__buffer_byte(out, object ? '}' : ']') : status;
}

lm_status lm__variant_text(const lm_variant *variant, lm_buffer *out)
{
    switch (variant->kind) {
    case LM_VARIANT_PRIMITIVE: return primitive_text(variant->bytes, out);
    case LM_VARIANT_STRING:
        return lm__canonical_text(out, variant->bytes.data, variant->bytes.size);
    case LM_VARIANT_LEAF:
        return lm__canonical_leaf(out, variant->node, variant->bytes.data, variant->bytes.size);
    case LM_VARIANT_ARRAY:
    case LM_VARIANT_OBJECT: return container_text(variant, out);
    default: return lm__buffer_text(out, "null");
    }
}
