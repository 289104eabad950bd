/*
 * Writing the Thrift compact protocol from C structs by their tables; thrift.h has the invariants
 * and how fields lie in the structs.
 */
#include <string.h>

#include "base/error.h"
#include "parquet/thrift.h"

/* A varint of 64 bits takes at most ten bytes; a field header three. */
#define NUMBER_BYTES_MAX 10
#define HEADER_BYTES_MAX 3

static inline uint8_t *put_varint(uint8_t *at, uint64_t value)
{
    for (; value >= 0x80; value >>= 7) *at++ = (uint8_t)(value | 0x80);
    *at++ = (uint8_t)value;
    return at;
}

static inline uint8_t *put_zigzag(uint8_t *at, int64_t value)
{
    return put_varint(at, ((uint64_t)value << 1) ^ (uint64_t)(value >> 63));
}

static lm_status write_varint(lm_buffer *out, uint64_t value)
{
    LM_TRY(lm__buffer_reserve(out, NUMBER_BYTES_MAX));
    out->size = (size_t)(put_varint(out->data + out->size, value) - out->data);
    return LM_OK;
}

static lm_status write_zigzag(lm_buffer *out, int64_t value)
{
    return write_varint(out, ((uint64_t)value << 1) ^ (uint64_t)(value >> 63));
}

static lm_status write_bytes(lm_buffer *out, lm_bytes bytes)
{
    LM_TRY(write_varint(out, bytes.size));
    return lm__buffer_append(out, bytes.data, bytes.size);
}

/* The short header where the id rises by at most 15, else the long one. */
static lm_status write_field_header(lm_buffer *out, int wire, int id, int *last)
{
    LM_TRY(lm__buffer_reserve(out, HEADER_BYTES_MAX + 1));
    uint8_t *at = out->data + out->size;
    int delta = id - *last;
    *last = id;
    if (delta >= 1 && delta <= 15) {
        *at++ = (uint8_t)(delta << 4 | wire);
    } else {
        *at++ = (uint8_t)wire;
        at = put_zigzag(at, id);
    }
    out->size = (size_t)(at - out->data);
    return LM_OK;
}

static lm_status write_union(lm_buffer *out, int32_t member)
{
    int last = 0;
    if (member != 0) {
        LM_TRY(write_field_header(out, LM_THRIFT_WIRE_STRUCT, member, &last));
        LM_TRY(lm__buffer_byte(out, LM_THRIFT_WIRE_STOP));
    }
    return lm__buffer_byte(out, LM_THRIFT_WIRE_STOP);
}

static lm_status write_choice(const lm_thrift_struct *table, const void *in, lm_buffer *out)
{
    const lm_thrift_choice *choice = in;
    int last = 0;
    if (choice->member != 0) {
        LM_TRY(write_field_header(out, LM_THRIFT_WIRE_STRUCT, choice->member, &last));
        bool known = choice->member <= table->field_max && table->fields[choice->member].kind;
        if (known)
            LM_TRY(lm__thrift_write(table->fields[choice->member].child, in, out));
        else if (choice->unknown.size)
            LM_TRY(lm__buffer_append(out, choice->unknown.data, choice->unknown.size));
        else
            LM_TRY(lm__buffer_byte(out, LM_THRIFT_WIRE_STOP));
    }
    return lm__buffer_byte(out, LM_THRIFT_WIRE_STOP);
}

static lm_status write_list_header(lm_buffer *out, int wire, size_t count)
{
    if (count < 15) return lm__buffer_byte(out, (uint8_t)(count << 4 | (unsigned)wire));
    LM_TRY(lm__buffer_byte(out, (uint8_t)(0xf0 | wire)));
    return write_varint(out, count);
}

static lm_status write_list(const lm_thrift_field *field, const lm_thrift_list *list,
                            lm_buffer *out)
{
    static const uint8_t wires[] = {
        [LM_THRIFT_BOOL] = LM_THRIFT_WIRE_TRUE,    [LM_THRIFT_I32] = LM_THRIFT_WIRE_I32,
        [LM_THRIFT_I64] = LM_THRIFT_WIRE_I64,      [LM_THRIFT_BYTES] = LM_THRIFT_WIRE_BINARY,
        [LM_THRIFT_UNION] = LM_THRIFT_WIRE_STRUCT, [LM_THRIFT_STRUCT] = LM_THRIFT_WIRE_STRUCT,
    };
    LM_TRY(write_list_header(out, wires[field->element], list->count));
    for (size_t i = 0; i < list->count; i++) {
        switch (field->element) {
        case LM_THRIFT_BOOL: LM_TRY(lm__buffer_byte(out, ((bool *)list->items)[i] ? 1 : 2)); break;
        case LM_THRIFT_I32: LM_TRY(write_zigzag(out, ((int32_t *)list->items)[i])); break;
        case LM_THRIFT_I64: LM_TRY(write_zigzag(out, ((int64_t *)list->items)[i])); break;
        case LM_THRIFT_BYTES: LM_TRY(write_bytes(out, ((lm_bytes *)list->items)[i])); break;
        case LM_THRIFT_UNION: LM_TRY(write_union(out, ((int32_t *)list->items)[i])); break;
        default:
            LM_TRY(
                lm__thrift_write(field->child, (char *)list->items + i * field->child->size, out));
            break;
        }
    }
    return LM_OK;
}

/* Whether a field is to be written; required ones always are. */
static bool is_present(const lm_thrift_field *field, unsigned id, const void *in, const void *slot)
{
    if (field->required) return true;
    switch (field->kind) {
    case LM_THRIFT_BYTES: return ((const lm_bytes *)slot)->data != NULL;
    case LM_THRIFT_LIST: return ((const lm_thrift_list *)slot)->items != NULL;
    case LM_THRIFT_STRUCT:
    case LM_THRIFT_CHOICE: return *(void *const *)slot != NULL;
    case LM_THRIFT_UNION: return *(const int32_t *)slot != 0;
    default: return *(const uint32_t *)in >> id & 1;
    }
}

/* Required structs are embedded, optional ones are pointed at. */
static const void *struct_place(const lm_thrift_field *field, const void *slot)
{
    return field->required ? slot : *(void *const *)slot;
}

static lm_status write_field(const lm_thrift_field *field, unsigned id, int *last, const void *slot,
                             lm_buffer *out)
{
    static const uint8_t wires[] = {
        [LM_THRIFT_I8] = LM_THRIFT_WIRE_I8,         [LM_THRIFT_I16] = LM_THRIFT_WIRE_I16,
        [LM_THRIFT_I32] = LM_THRIFT_WIRE_I32,       [LM_THRIFT_I64] = LM_THRIFT_WIRE_I64,
        [LM_THRIFT_DOUBLE] = LM_THRIFT_WIRE_DOUBLE, [LM_THRIFT_BYTES] = LM_THRIFT_WIRE_BINARY,
        [LM_THRIFT_STRUCT] = LM_THRIFT_WIRE_STRUCT, [LM_THRIFT_UNION] = LM_THRIFT_WIRE_STRUCT,
        [LM_THRIFT_CHOICE] = LM_THRIFT_WIRE_STRUCT, [LM_THRIFT_LIST] = LM_THRIFT_WIRE_LIST,
    };
    int wire = wires[field->kind];
    if (field->kind == LM_THRIFT_BOOL)
        wire = *(const bool *)slot ? LM_THRIFT_WIRE_TRUE : LM_THRIFT_WIRE_FALSE;
    LM_TRY(write_field_header(out, wire, (int)id, last));
    switch (field->kind) {
    case LM_THRIFT_BOOL: return LM_OK;
    case LM_THRIFT_I8: return lm__buffer_byte(out, *(const uint8_t *)slot);
    case LM_THRIFT_I16: return write_zigzag(out, *(const int16_t *)slot);
    case LM_THRIFT_I32: return write_zigzag(out, *(const int32_t *)slot);
    case LM_THRIFT_I64: return write_zigzag(out, *(const int64_t *)slot);
    case LM_THRIFT_DOUBLE: return lm__buffer_append(out, slot, 8);
    case LM_THRIFT_BYTES: return write_bytes(out, *(const lm_bytes *)slot);
    case LM_THRIFT_LIST: return write_list(field, slot, out);
    case LM_THRIFT_UNION: return write_union(out, *(const int32_t *)slot);
    case LM_THRIFT_CHOICE: return write_choice(field->child, struct_place(field, slot), out);
    default: return lm__thrift_write(field->child, struct_place(field, slot), out);
    }
}

static lm_status write_fields(const lm_thrift_struct *table, const void *in, unsigned first,
                              unsigned end, int last, lm_buffer *out)
{
    for (unsigned id = first; id < end; id++) {
        const lm_thrift_field *field = &table->fields[id];
        if (!field->kind) continue;
        const void *slot = (const char *)in + field->offset;
        if (is_present(field, id, in, slot)) LM_TRY(write_field(field, id, &last, slot, out));
    }
    return LM_OK;
}

lm_status lm__thrift_write(const lm_thrift_struct *table, const void *in, lm_buffer *out)
{
    LM_TRY(write_fields(table, in, 1, table->field_max + 1u, 0, out));
    return lm__buffer_byte(out, LM_THRIFT_WIRE_STOP);
}

lm_status lm__thrift_write_before(const lm_thrift_struct *table, const void *in, unsigned list_id,
                                  size_t count, lm_buffer *out)
{
    int last = (int)list_id - 1; /* which is there: fields in front of the list are required */
    LM_TRY(write_fields(table, in, 1, list_id, 0, out));
    LM_TRY(write_field_header(out, LM_THRIFT_WIRE_LIST, (int)list_id, &last));
    return write_list_header(out, LM_THRIFT_WIRE_STRUCT, count);
}

lm_status lm__thrift_write_after(const lm_thrift_struct *table, const void *in, unsigned list_id,
                                 lm_buffer *out)
{
    LM_TRY(write_fields(table, in, list_id + 1, table->field_max + 1u, (int)list_id, out));
    return lm__buffer_byte(out, LM_THRIFT_WIRE_STOP);
}
