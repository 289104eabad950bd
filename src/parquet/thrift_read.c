/*
 * Reading the Thrift compact protocol into C structs by their tables; thrift.h has the invariants
 * and how fields lie in the structs.
 *
 * The tables name no struct inside itself, so known structs nest only as deep as the tables do;
 * what is unknown nests as deep as the file likes, and is skipped to LM_THRIFT_DEPTH_MAX.
 */
#include <string.h>

#include "base/error.h"
#include "base/limits.h"
#include "parquet/thrift.h"

const uint64_t lm_thrift_empty[2];

typedef struct reader {
    const uint8_t *at, *end, *start;
    lm_arena *arena;
    lm_error *error;
    const char *structure, *field; /* for messages */
    bool ended;                    /* the source was too short */
} reader;

__attribute__((cold, noinline)) static lm_status corrupt(reader *r, const char *what)
{
    return lm__error_set(r->error, LM_CORRUPT, "%s%s%s at byte %zu: %s", r->structure,
                         r->field ? "." : "", r->field ? r->field : "", (size_t)(r->at - r->start),
                         what);
}

__attribute__((cold, noinline)) static lm_status ended(reader *r)
{
    r->ended = true;
    return corrupt(r, "the bytes end too early");
}

__attribute__((cold, noinline)) static lm_status no_memory(reader *r, size_t bytes)
{
    if (bytes > r->arena->bytes_max - r->arena->bytes_held)
        return lm__error_set(r->error, LM_LIMIT, "%s: more than %zu bytes of memory are needed",
                             r->structure, r->arena->bytes_max);
    return lm__error_memory(r->error, "reading Parquet metadata");
}

static lm_status read_varint_long(reader *r, uint64_t *value)
{
    uint64_t result = 0;
    for (int shift = 0; shift < 70; shift += 7) {
        if (r->at == r->end) return ended(r);
        uint8_t byte = *r->at++;
        if (shift == 63 && byte > 1) return corrupt(r, "a number has more than 64 bits");
        result |= (uint64_t)(byte & 0x7f) << shift;
        if (!(byte & 0x80)) {
            *value = result;
            return LM_OK;
        }
    }
    return corrupt(r, "a number has more than 64 bits");
}

static inline lm_status read_varint(reader *r, uint64_t *value)
{
    if (__builtin_expect(r->at != r->end && *r->at < 0x80, 1)) {
        *value = *r->at++;
        return LM_OK;
    }
    return read_varint_long(r, value);
}

static inline lm_status read_zigzag(reader *r, int64_t *value)
{
    uint64_t raw = 0;
    LM_TRY(read_varint(r, &raw));
    *value = (int64_t)((raw >> 1) ^ -(raw & 1));
    return LM_OK;
}

/* An integer field or element of any wire width. */
static inline lm_status read_integer(reader *r, int wire, int64_t *value)
{
    if (__builtin_expect(wire >= LM_THRIFT_WIRE_I16 && wire <= LM_THRIFT_WIRE_I64, 1))
        return read_zigzag(r, value);
    if (wire != LM_THRIFT_WIRE_I8) return corrupt(r, "not an integer");
    if (r->at == r->end) return ended(r);
    *value = (int8_t)*r->at++;
    return LM_OK;
}

static inline lm_status read_bytes(reader *r, lm_bytes *bytes)
{
    uint64_t size = 0;
    LM_TRY(read_varint(r, &size));
    if (size > (uint64_t)(r->end - r->at)) return ended(r);
    *bytes = (lm_bytes){r->at, (size_t)size};
    r->at += size;
    return LM_OK;
}

/* The next field's wire type and id; LM_THRIFT_WIRE_STOP at the struct's end. */
static inline lm_status read_field_header(reader *r, int *wire, int32_t *id)
{
    if (r->at == r->end) return ended(r);
    uint8_t byte = *r->at++;
    *wire = byte & 0x0f;
    if (__builtin_expect(byte >> 4, 1)) {
        *id += byte >> 4;
        if (*wire == LM_THRIFT_WIRE_STOP || *wire > LM_THRIFT_WIRE_UUID)
            return corrupt(r, "no such field type");
        return LM_OK;
    }
    if (byte == LM_THRIFT_WIRE_STOP) return LM_OK;
    if (*wire > LM_THRIFT_WIRE_UUID) return corrupt(r, "no such field type");
    int64_t number = 0;
    LM_TRY(read_zigzag(r, &number));
    if (number < INT16_MIN || number > INT16_MAX) return corrupt(r, "no such field id");
    *id = (int32_t)number;
    return LM_OK;
}

static lm_status read_list_header(reader *r, int *wire, uint64_t *count)
{
    if (r->at == r->end) return ended(r);
    uint8_t byte = *r->at++;
    *wire = byte & 0x0f;
    *count = byte >> 4;
    if (*count == 15) LM_TRY(read_varint(r, count));
    return LM_OK;
}

/* The least bytes that an element of an unknown list takes. */
static size_t wire_bytes_min(int wire)
{
    return wire == LM_THRIFT_WIRE_DOUBLE ? 8 : wire == LM_THRIFT_WIRE_UUID ? 16 : 1;
}

static lm_status skip_bytes(reader *r, size_t size)
{
    if ((size_t)(r->end - r->at) < size) return ended(r);
    r->at += size;
    return LM_OK;
}

static lm_status skip_element(reader *r, int wire, int depth);

static lm_status skip_list(reader *r, int depth)
{
    int wire = 0;
    uint64_t count = 0;
    LM_TRY(read_list_header(r, &wire, &count));
    if (count > (size_t)(r->end - r->at) / wire_bytes_min(wire)) return ended(r);
    for (; count; count--) LM_TRY(skip_element(r, wire, depth));
    return LM_OK;
}

static lm_status skip_map(reader *r, int depth)
{
    uint64_t count = 0;
    LM_TRY(read_varint(r, &count));
    if (count == 0) return LM_OK;
    if (r->at == r->end) return ended(r);
    int key = *r->at >> 4, value = *r->at & 0x0f;
    r->at++;
    if (count > (size_t)(r->end - r->at) / (wire_bytes_min(key) + wire_bytes_min(value)))
        return ended(r);
    for (; count; count--) {
        LM_TRY(skip_element(r, key, depth));
        LM_TRY(skip_element(r, value, depth));
    }
    return LM_OK;
}

static lm_status skip_struct(reader *r, int depth)
{
    for (int32_t id = 0;;) {
        int wire = 0;
        LM_TRY(read_field_header(r, &wire, &id));
        if (wire == LM_THRIFT_WIRE_STOP) return LM_OK;
        if (wire == LM_THRIFT_WIRE_TRUE || wire == LM_THRIFT_WIRE_FALSE) continue;
        LM_TRY(skip_element(r, wire, depth));
    }
}

/* Passes over a value; a bool takes a byte, as it does in lists. */
static lm_status skip_element(reader *r, int wire, int depth)
{
    uint64_t number;
    lm_bytes bytes;
    switch (wire) {
    case LM_THRIFT_WIRE_TRUE:
    case LM_THRIFT_WIRE_FALSE:
    case LM_THRIFT_WIRE_I8: return skip_bytes(r, 1);
    case LM_THRIFT_WIRE_I16:
    case LM_THRIFT_WIRE_I32:
    case LM_THRIFT_WIRE_I64: return read_varint(r, &number);
    case LM_THRIFT_WIRE_DOUBLE: return skip_bytes(r, 8);
    case LM_THRIFT_WIRE_BINARY: return read_bytes(r, &bytes);
    case LM_THRIFT_WIRE_UUID: return skip_bytes(r, 16);
    default: break;
    }
    if (depth >= LM_THRIFT_DEPTH_MAX)
        return lm__error_set(r->error, LM_LIMIT, "%s: nested deeper than %d", r->structure,
                             LM_THRIFT_DEPTH_MAX);
    switch (wire) {
    case LM_THRIFT_WIRE_LIST:
    case LM_THRIFT_WIRE_SET: return skip_list(r, depth + 1);
    case LM_THRIFT_WIRE_MAP: return skip_map(r, depth + 1);
    case LM_THRIFT_WIRE_STRUCT: return skip_struct(r, depth + 1);
    default: return corrupt(r, "no such element type");
    }
}

static lm_status read_struct(reader *r, const lm_thrift_struct *table, uint32_t skip, void *out);

/* The id of the one member of a union of empty structs; 0 when there is none. */
static lm_status read_union(reader *r, int32_t *member)
{
    int32_t id = 0, next = 0;
    for (;;) {
        int wire = 0;
        LM_TRY(read_field_header(r, &wire, &next));
        if (wire == LM_THRIFT_WIRE_STOP) break;
        if (wire != LM_THRIFT_WIRE_STRUCT || id != 0 || next <= 0)
            return corrupt(r, "not a union of one struct");
        LM_TRY(skip_struct(r, 1));
        id = next;
    }
    *member = id;
    return LM_OK;
}

static lm_status read_fields(reader *r, const lm_thrift_struct *table, uint32_t skip, void *out);

/* A union of structs, whose fields lie side by side in `out`. */
static lm_status read_choice(reader *r, const lm_thrift_struct *table, void *out)
{
    lm_thrift_choice *choice = out;
    memset(out, 0, table->size);
    int32_t next = 0;
    for (;;) {
        int wire = 0;
        LM_TRY(read_field_header(r, &wire, &next));
        if (wire == LM_THRIFT_WIRE_STOP) return LM_OK;
        if (wire != LM_THRIFT_WIRE_STRUCT || choice->member != 0 || next <= 0)
            return corrupt(r, "not a union of one struct");
        choice->member = next;
        if (next <= table->field_max && table->fields[next].kind) {
            LM_TRY(read_fields(r, table->fields[next].child, 0, out));
        } else {
            choice->unknown.data = r->at;
            LM_TRY(skip_struct(r, 1));
            choice->unknown.size = (size_t)(r->at - choice->unknown.data);
        }
    }
}

static lm_status read_list_items(reader *r, const lm_thrift_field *field, int wire, size_t count,
                                 void *items)
{
    int64_t number = 0;
    switch (field->element) {
    case LM_THRIFT_BOOL:
        if (wire != LM_THRIFT_WIRE_TRUE && wire != LM_THRIFT_WIRE_FALSE)
            return corrupt(r, "not a list of booleans");
        for (size_t i = 0; i < count; i++) {
            if (r->at == r->end) return ended(r);
            /* 1 is true; false is 2, or 0 from some writers. */
            if (*r->at > 2) return corrupt(r, "not a boolean");
            ((bool *)items)[i] = *r->at++ == 1;
        }
        return LM_OK;
    case LM_THRIFT_I32:
        for (size_t i = 0; i < count; i++) {
            LM_TRY(read_integer(r, wire, &number));
            if (number != (int32_t)number) return corrupt(r, "a number has more than 32 bits");
            ((int32_t *)items)[i] = (int32_t)number;
        }
        return LM_OK;
    case LM_THRIFT_I64:
        for (size_t i = 0; i < count; i++) LM_TRY(read_integer(r, wire, (int64_t *)items + i));
        return LM_OK;
    case LM_THRIFT_BYTES:
        if (wire != LM_THRIFT_WIRE_BINARY) return corrupt(r, "not a list of binaries");
        for (size_t i = 0; i < count; i++) LM_TRY(read_bytes(r, (lm_bytes *)items + i));
        return LM_OK;
    case LM_THRIFT_UNION:
        if (wire != LM_THRIFT_WIRE_STRUCT) return corrupt(r, "not a list of unions");
        for (size_t i = 0; i < count; i++) LM_TRY(read_union(r, (int32_t *)items + i));
        return LM_OK;
    default:
        if (wire != LM_THRIFT_WIRE_STRUCT) return corrupt(r, "not a list of structs");
        for (size_t i = 0; i < count; i++)
            LM_TRY(read_struct(r, field->child, 0, (char *)items + i * field->child->size));
        return LM_OK;
    }
}

static lm_status read_list(reader *r, const lm_thrift_field *field, lm_thrift_list *list)
{
    static const uint8_t sizes[] = {
        [LM_THRIFT_BOOL] = sizeof(bool),     [LM_THRIFT_I32] = sizeof(int32_t),
        [LM_THRIFT_I64] = sizeof(int64_t),   [LM_THRIFT_BYTES] = sizeof(lm_bytes),
        [LM_THRIFT_UNION] = sizeof(int32_t),
    };
    int wire = 0;
    uint64_t count = 0;
    LM_TRY(read_list_header(r, &wire, &count));
    bool structs = field->element == LM_THRIFT_STRUCT;
    size_t bytes_min = structs ? field->child->bytes_min : 1;
    if (count > (size_t)(r->end - r->at) / bytes_min) return ended(r);
    *list = (lm_thrift_list){(void *)lm_thrift_empty, (size_t)count};
    if (count == 0) return LM_OK;
    size_t size = structs ? field->child->size : sizes[field->element];
    list->items = lm__arena_array(r->arena, (size_t)count, size);
    if (!list->items) return no_memory(r, (size_t)count * size);
    return read_list_items(r, field, wire, (size_t)count, list->items);
}

static inline lm_status read_number(reader *r, const lm_thrift_field *field, int wire, void *slot)
{
    int64_t number = 0;
    LM_TRY(read_integer(r, wire, &number));
    switch (field->kind) {
    case LM_THRIFT_I8:
        if (number != (int8_t)number) return corrupt(r, "a number has more than 8 bits");
        *(int8_t *)slot = (int8_t)number;
        return LM_OK;
    case LM_THRIFT_I16:
        if (number != (int16_t)number) return corrupt(r, "a number has more than 16 bits");
        *(int16_t *)slot = (int16_t)number;
        return LM_OK;
    case LM_THRIFT_I32:
        if (number != (int32_t)number) return corrupt(r, "a number has more than 32 bits");
        *(int32_t *)slot = (int32_t)number;
        return LM_OK;
    default: *(int64_t *)slot = number; return LM_OK;
    }
}

/* Memory for an optional struct, or the place of an embedded one. */
static inline lm_status struct_place(reader *r, const lm_thrift_field *field, void *slot,
                                     void **place)
{
    *place = slot;
    if (field->required) return LM_OK;
    *place = lm__arena_alloc(r->arena, field->child->size);
    if (!*place) return no_memory(r, field->child->size);
    *(void **)slot = *place;
    return LM_OK;
}

static inline lm_status read_value(reader *r, const lm_thrift_field *field, int wire, void *slot)
{
    void *place = NULL;
    switch (field->kind) {
    case LM_THRIFT_BOOL:
        if (wire != LM_THRIFT_WIRE_TRUE && wire != LM_THRIFT_WIRE_FALSE)
            return corrupt(r, "not a boolean");
        *(bool *)slot = wire == LM_THRIFT_WIRE_TRUE;
        return LM_OK;
    case LM_THRIFT_I8:
    case LM_THRIFT_I16:
    case LM_THRIFT_I32:
    case LM_THRIFT_I64: return read_number(r, field, wire, slot);
    case LM_THRIFT_DOUBLE:
        if (wire != LM_THRIFT_WIRE_DOUBLE) return corrupt(r, "not a double");
        if (r->end - r->at < 8) return ended(r);
        memcpy(slot, r->at, 8);
        r->at += 8;
        return LM_OK;
    case LM_THRIFT_BYTES:
        if (wire != LM_THRIFT_WIRE_BINARY) return corrupt(r, "not a binary");
        return read_bytes(r, slot);
    case LM_THRIFT_LIST:
        if (wire != LM_THRIFT_WIRE_LIST) return corrupt(r, "not a list");
        return read_list(r, field, slot);
    default: break;
    }
    if (wire != LM_THRIFT_WIRE_STRUCT) return corrupt(r, "not a struct");
    if (field->kind == LM_THRIFT_UNION) return read_union(r, slot);
    LM_TRY(struct_place(r, field, slot, &place));
    if (field->kind == LM_THRIFT_CHOICE) return read_choice(r, field->child, place);
    return read_struct(r, field->child, 0, place);
}

__attribute__((cold, noinline)) static lm_status missing(reader *r, const lm_thrift_struct *table,
                                                         uint32_t absent)
{
    r->structure = table->name;
    r->field = table->fields[__builtin_ctz(absent)].name;
    return corrupt(r, "the field is required and absent");
}

static lm_status read_fields(reader *r, const lm_thrift_struct *table, uint32_t skip, void *out)
{
    uint32_t seen = 0, has = 0;
    const lm_thrift_field *fields = table->fields;
    unsigned field_max = table->field_max;
    for (int32_t id = 0;;) {
        int wire = 0;
        r->structure = table->name;
        r->field = NULL;
        LM_TRY(read_field_header(r, &wire, &id));
        if (wire == LM_THRIFT_WIRE_STOP) break;
        if ((uint32_t)id > field_max || !fields[id].kind || (skip >> id & 1)) {
            if (wire != LM_THRIFT_WIRE_TRUE && wire != LM_THRIFT_WIRE_FALSE)
                LM_TRY(skip_element(r, wire, 1));
            continue;
        }
        const lm_thrift_field *field = &fields[id];
        r->field = field->name;
        uint32_t bit = (uint32_t)1 << id;
        if (seen & bit) return corrupt(r, "the field comes twice");
        seen |= bit;
        if (!field->required && field->kind <= LM_THRIFT_DOUBLE) has |= bit;
        LM_TRY(read_value(r, field, wire, (char *)out + field->offset));
    }
    *(uint32_t *)out |= has;
    uint32_t absent = table->required & ~seen & ~skip;
    return absent ? missing(r, table, absent) : LM_OK;
}

static lm_status read_struct(reader *r, const lm_thrift_struct *table, uint32_t skip, void *out)
{
    memset(out, 0, table->size);
    return read_fields(r, table, skip, out);
}

lm_status lm__thrift_read(const lm_thrift_struct *table, const void *source, size_t size,
                          uint32_t skip, lm_arena *arena, void *out, size_t *taken, lm_error *error)
{
    const uint8_t *start = source ? source : (const void *)lm_thrift_empty;
    reader r = {start, start + size, start, arena, error, table->name, NULL, false};
    lm_status status = read_struct(&r, table, skip, out);
    if (status == LM_OK)
        *taken = (size_t)(r.at - start);
    else
        *taken = r.ended ? SIZE_MAX : 0;
    return status;
}
