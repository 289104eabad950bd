/*
 * FlatBuffers; see flatbuffer.h for the invariants.
 *
 * A table begins with a signed 32-bit distance back to its vtable; the vtable holds its own size,
 * the table's size, and for each field the distance from the table's start, or 0. Offsets elsewhere
 * are unsigned, 32 bits, and point forward from where they stand.
 */
#include "arrow/flatbuffer.h"

#include "base/limits.h"

static uint16_t get_u16(const uint8_t *at) { return (uint16_t)(at[0] | at[1] << 8); }

void lm__fb_reader_init(lm_fb_reader *reader, const void *data, size_t size)
{
    *reader = (lm_fb_reader){.data = data, .size = size, .tables_left = LM_FB_TABLES_MAX};
}

static bool inside(const lm_fb_reader *reader, size_t at, size_t size)
{
    return at <= reader->size && size <= reader->size - at;
}

/* Follows the offset at `at`, which is inside; 0 (never a target) when it leads out. */
static size_t follow(lm_fb_reader *reader, size_t at)
{
    size_t target = at + (uint32_t)lm__fb_get_i32(reader->data + at);
    if (target != at && inside(reader, target, 4)) return target;
    reader->bad = true;
    return 0;
}

static lm_fb_table table_open(lm_fb_reader *reader, size_t at)
{
    lm_fb_table none = {0};
    if (at == 0 || reader->tables_left == 0) goto bad;
    reader->tables_left--;
    int64_t vtable = (int64_t)at - lm__fb_get_i32(reader->data + at);
    if (vtable < 0 || !inside(reader, (size_t)vtable, 4)) goto bad;
    size_t vtable_size = get_u16(reader->data + vtable);
    size_t size = get_u16(reader->data + vtable + 2);
    if (vtable_size < 4 || !inside(reader, (size_t)vtable, vtable_size)) goto bad;
    if (size < 4 || !inside(reader, at, size)) goto bad;
    return (lm_fb_table){reader, at, size, (size_t)vtable, vtable_size};
bad:
    reader->bad = true;
    return none;
}

lm_fb_table lm__fb_root(lm_fb_reader *reader)
{
    lm_fb_table none = {0};
    if (inside(reader, 0, 4)) return table_open(reader, follow(reader, 0));
    reader->bad = true;
    return none;
}

/* Where a field's `size` bytes lie, or 0 when it is absent. */
static size_t field_at(const lm_fb_table *table, int field, size_t size)
{
    if (!table->reader) return 0;
    size_t entry = 4 + 2 * (size_t)field;
    if (entry + 2 > table->vtable_size) return 0;
    size_t distance = get_u16(table->reader->data + table->vtable + entry);
    if (distance == 0) return 0;
    if (distance >= 4 && distance <= table->size && size <= table->size - distance)
        return table->at + distance;
    table->reader->bad = true;
    return 0;
}

bool lm__fb_has(const lm_fb_table *table, int field) { return field_at(table, field, 1) != 0; }

uint8_t lm__fb_u8(const lm_fb_table *table, int field, uint8_t fallback)
{
    size_t at = field_at(table, field, 1);
    return at ? table->reader->data[at] : fallback;
}

bool lm__fb_bool(const lm_fb_table *table, int field, bool fallback)
{
    return lm__fb_u8(table, field, fallback) != 0;
}

int16_t lm__fb_i16(const lm_fb_table *table, int field, int16_t fallback)
{
    size_t at = field_at(table, field, 2);
    return at ? (int16_t)get_u16(table->reader->data + at) : fallback;
}

int32_t lm__fb_i32(const lm_fb_table *table, int field, int32_t fallback)
{
    size_t at = field_at(table, field, 4);
    return at ? lm__fb_get_i32(table->reader->data + at) : fallback;
}

int64_t lm__fb_i64(const lm_fb_table *table, int field, int64_t fallback)
{
    size_t at = field_at(table, field, 8);
    return at ? lm__fb_get_i64(table->reader->data + at) : fallback;
}

lm_fb_table lm__fb_child(const lm_fb_table *table, int field)
{
    size_t at = field_at(table, field, 4);
    if (at) return table_open(table->reader, follow(table->reader, at));
    return (lm_fb_table){0};
}

lm_fb_vector lm__fb_items(const lm_fb_table *table, int field, size_t item_size)
{
    lm_fb_vector none = {0};
    size_t at = field_at(table, field, 4);
    if (!at) return none;
    lm_fb_reader *reader = table->reader;
    at = follow(reader, at);
    if (!at) return none;
    size_t length = (uint32_t)lm__fb_get_i32(reader->data + at), bytes;
    if (__builtin_mul_overflow(length, item_size, &bytes) || !inside(reader, at + 4, bytes)) {
        reader->bad = true;
        return none;
    }
    return (lm_fb_vector){reader, reader->data + at + 4, at + 4, length, item_size};
}

lm_fb_table lm__fb_item_table(const lm_fb_vector *vector, size_t item)
{
    if (item >= vector->length || vector->item_size != 4) return (lm_fb_table){0};
    return table_open(vector->reader, follow(vector->reader, vector->at + 4 * item));
}

const char *lm__fb_text(const lm_fb_table *table, int field, size_t *size)
{
    lm_fb_vector bytes = lm__fb_items(table, field, 1);
    *size = bytes.length;
    return (const char *)bytes.items;
}

/* Building. */

void lm__fb_builder_init(lm_fb_builder *builder, lm_buffer *out)
{
    *builder = (lm_fb_builder){.out = out, .start = out->size};
    builder->status = lm__buffer_append(out, "\0\0\0\0", 4);
}

/* Appends zeroes so that what comes after the next `before` bytes is aligned, then `bytes` zeroed
 * bytes; returns the position of those, or 0. */
static size_t append_zero(lm_fb_builder *builder, size_t before, size_t alignment, size_t bytes)
{
    if (builder->status != LM_OK) return 0;
    lm_buffer *out = builder->out;
    size_t at = out->size - builder->start;
    size_t padding = -(at + before) & (alignment - 1);
    if (bytes > UINT32_MAX / 2 - padding || at > UINT32_MAX / 2) builder->status = LM_LIMIT;
    if (builder->status == LM_OK) builder->status = lm__buffer_reserve(out, padding + bytes);
    if (builder->status != LM_OK) return 0;
    memset(out->data + out->size, 0, padding + bytes);
    out->size += padding + bytes;
    return at + padding;
}

static uint8_t *at_position(lm_fb_builder *builder, size_t position)
{
    return builder->out->data + builder->start + position;
}

static void link_slot(lm_fb_builder *builder, size_t slot, size_t target)
{
    if (builder->status != LM_OK) return;
    lm__fb_put_i32(at_position(builder, slot), (int32_t)(target - slot));
}

/* Lays the fields out, widest first, and fills the vtable in. */
static size_t draft_lay_out(lm_fb_draft *draft, uint8_t *vtable, size_t *vtable_size,
                            size_t *alignment)
{
    static const uint8_t widths[] = {8, 4, 2, 1};
    size_t size = 4, fields = 0;
    *alignment = 4;
    for (size_t i = 0; i < LM_FB_FIELDS_MAX; i++) {
        if (draft->fields[i].size) fields = i + 1;
        if (draft->fields[i].size == 8) *alignment = 8;
    }
    if (*alignment == 8) size = 8; /* the first wide field stands at 8 */
    *vtable_size = 4 + 2 * fields;
    memset(vtable, 0, *vtable_size);
    bool gap_used = *alignment == 4;
    for (size_t w = 0; w < sizeof widths; w++) {
        for (size_t i = 0; i < fields; i++) {
            if (draft->fields[i].size != widths[w]) continue;
            size_t at = size;
            if (!gap_used && widths[w] == 4) { /* the four bytes between the start and 8 */
                at = 4;
                gap_used = true;
            } else {
                size += widths[w];
            }
            draft->fields[i].slot = at;
            vtable[4 + 2 * i] = (uint8_t)at;
        }
    }
    vtable[0] = (uint8_t)*vtable_size;
    vtable[2] = (uint8_t)size;
    return size;
}

/* Each table has a vtable of its own, right before it. To share an earlier one would be allowed,
 * but Polars' reader follows no offset to before the object that holds the table. */
static size_t vtable_put(lm_fb_builder *builder, const uint8_t *vtable, size_t size)
{
    size_t at = append_zero(builder, 0, 2, size);
    if (builder->status == LM_OK) memcpy(at_position(builder, at), vtable, size);
    return at;
}

void lm__fb_table(lm_fb_builder *builder, size_t slot, lm_fb_draft *draft)
{
    uint8_t vtable[4 + 2 * LM_FB_FIELDS_MAX];
    size_t vtable_size, alignment;
    size_t size = draft_lay_out(draft, vtable, &vtable_size, &alignment);
    if (builder->status != LM_OK) return;
    size_t vtable_at = vtable_put(builder, vtable, vtable_size);
    size_t at = append_zero(builder, 0, alignment, size);
    if (builder->status != LM_OK) return;
    lm__fb_put_i32(at_position(builder, at), (int32_t)(at - vtable_at));
    for (size_t i = 0; i < LM_FB_FIELDS_MAX; i++) {
        draft->fields[i].slot += at;
        uint8_t *to = at_position(builder, draft->fields[i].slot);
        for (size_t b = 0; b < draft->fields[i].size; b++)
            to[b] = (uint8_t)(draft->fields[i].value >> 8 * b);
    }
    link_slot(builder, slot, at);
}

uint8_t *lm__fb_vector(lm_fb_builder *builder, size_t slot, size_t count, size_t item_size,
                       size_t alignment)
{
    size_t bytes;
    if (__builtin_mul_overflow(count, item_size, &bytes) || bytes > UINT32_MAX / 2) {
        if (builder->status == LM_OK) builder->status = LM_LIMIT;
        return NULL;
    }
    size_t at = append_zero(builder, 4, alignment < 4 ? 4 : alignment, 4 + bytes);
    if (builder->status != LM_OK) return NULL;
    lm__fb_put_i32(at_position(builder, at), (int32_t)count);
    link_slot(builder, slot, at);
    return at_position(builder, at) + 4;
}

size_t lm__fb_links(lm_fb_builder *builder, size_t slot, size_t count)
{
    const uint8_t *items = lm__fb_vector(builder, slot, count, 4, 4);
    return items ? (size_t)(items - (builder->out->data + builder->start)) : 0;
}

void lm__fb_string(lm_fb_builder *builder, size_t slot, const char *text, size_t size)
{
    uint8_t *bytes = lm__fb_vector(builder, slot, size, 1, 1);
    if (bytes && size) memcpy(bytes, text, size);
    append_zero(builder, 0, 1, 1); /* a terminating NUL that the length leaves out */
}
