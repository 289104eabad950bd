/*
 * FlatBuffers, as much of them as Arrow's messages need (flatbuffers.dev, "FlatBuffer internals").
 *
 * The reader takes bytes of any origin. It is sticky: a getter that would leave the buffer marks
 * the reader as bad and gives the default, so a walk is written straight and `bad` is asked at the
 * end, and before anything is allocated by a count that was read.
 *
 * The builder writes forward: a table is written with empty slots where its strings, vectors and
 * tables will be linked, and those follow. It is sticky too: `status` is asked at the end.
 *
 * Invariants
 *  1. The reader never looks outside [data, data + size), whatever the bytes are.
 *  2. A vector's bytes lie within the buffer before its length is told; a walk visits at most
 *     LM_FB_TABLES_MAX tables, so that shared tables cannot make it endless.
 *  3. What the builder writes is aligned relative to where it began, and verifies.
 */
#ifndef LM_ARROW_FLATBUFFER_H
#define LM_ARROW_FLATBUFFER_H

#include "base/buffer.h"

typedef struct lm_fb_reader {
    const uint8_t *data;
    size_t size, tables_left;
    bool bad;
} lm_fb_reader;

/* A table; one that is absent, or bad, has no reader, and all its getters give defaults. */
typedef struct lm_fb_table {
    lm_fb_reader *reader;
    size_t at, size, vtable, vtable_size;
} lm_fb_table;

typedef struct lm_fb_vector {
    lm_fb_reader *reader;
    const uint8_t *items; /* aligned to nothing: read with lm__fb_get_… */
    size_t at, length, item_size;
} lm_fb_vector;

void lm__fb_reader_init(lm_fb_reader *reader, const void *data, size_t size);
lm_fb_table lm__fb_root(lm_fb_reader *reader);

static inline bool lm__fb_present(const lm_fb_table *table) { return table->reader != NULL; }
bool lm__fb_has(const lm_fb_table *table, int field);
bool lm__fb_bool(const lm_fb_table *table, int field, bool fallback);
uint8_t lm__fb_u8(const lm_fb_table *table, int field, uint8_t fallback);
int16_t lm__fb_i16(const lm_fb_table *table, int field, int16_t fallback);
int32_t lm__fb_i32(const lm_fb_table *table, int field, int32_t fallback);
int64_t lm__fb_i64(const lm_fb_table *table, int field, int64_t fallback);
lm_fb_table lm__fb_child(const lm_fb_table *table, int field);
/* NULL when absent; the text is not terminated as far as we know, and need not be UTF-8. */
const char *lm__fb_text(const lm_fb_table *table, int field, size_t *size);
/* Of scalars or structs of `item_size` bytes; of tables with item_size 4. Absent: length 0. */
lm_fb_vector lm__fb_items(const lm_fb_table *table, int field, size_t item_size);
lm_fb_table lm__fb_item_table(const lm_fb_vector *vector, size_t item);
static inline const uint8_t *lm__fb_item(const lm_fb_vector *vector, size_t item)
{
    return vector->items + item * vector->item_size;
}

/* Little-endian scalars at any address. */
static inline int32_t lm__fb_get_i32(const uint8_t *at)
{
    return (int32_t)((uint32_t)at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 |
                     (uint32_t)at[3] << 24);
}
static inline int64_t lm__fb_get_i64(const uint8_t *at)
{
    return (int64_t)((uint64_t)(uint32_t)lm__fb_get_i32(at) |
                     (uint64_t)(uint32_t)lm__fb_get_i32(at + 4) << 32);
}

/* Building. Positions count from where the builder began; a slot is the position of an offset that
 * waits for its target. */
#define LM_FB_FIELDS_MAX 8

typedef struct lm_fb_builder {
    lm_buffer *out;
    size_t start; /* out->size at the beginning: a multiple of 8, for alignment's sake */
    lm_status status;
} lm_fb_builder;

/* What will be a table: fields by their number in the .fbs file. */
typedef struct lm_fb_draft {
    struct {
        uint8_t size; /* 0: absent */
        uint64_t value;
        size_t slot; /* after lm__fb_table: where it lies */
    } fields[LM_FB_FIELDS_MAX];
} lm_fb_draft;

#define LM_FB_ROOT ((size_t)0) /* the slot of the root table */

void lm__fb_builder_init(lm_fb_builder *builder, lm_buffer *out);
static inline void lm__fb_set(lm_fb_draft *draft, int field, uint8_t size, int64_t value)
{
    draft->fields[field].size = size;
    draft->fields[field].value = (uint64_t)value;
}
/* A string, vector or table, to be linked through draft->fields[field].slot. */
static inline void lm__fb_set_link(lm_fb_draft *draft, int field)
{
    lm__fb_set(draft, field, 4, 0);
}
/* Writes the table, links `slot` to it and fills in the slots of its fields. */
void lm__fb_table(lm_fb_builder *builder, size_t slot, lm_fb_draft *draft);
void lm__fb_string(lm_fb_builder *builder, size_t slot, const char *text, size_t size);
/* A vector of links: returns the slot of the first; the others follow 4 bytes apart. */
size_t lm__fb_links(lm_fb_builder *builder, size_t slot, size_t count);
/* A vector of scalars or structs: returns where count * item_size bytes (now zero) are to be
 * written, before the next call, or NULL. `alignment` is 1, 2, 4 or 8. */
uint8_t *lm__fb_vector(lm_fb_builder *builder, size_t slot, size_t count, size_t item_size,
                       size_t alignment);
static inline void lm__fb_put_i32(uint8_t *at, int32_t value)
{
    for (int i = 0; i < 4; i++) at[i] = (uint8_t)((uint32_t)value >> 8 * i);
}
static inline void lm__fb_put_i64(uint8_t *at, int64_t value)
{
    for (int i = 0; i < 8; i++) at[i] = (uint8_t)((uint64_t)value >> 8 * i);
}

#endif
