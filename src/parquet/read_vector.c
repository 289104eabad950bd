/* Columns that grow while pages come in; see read_values.h. */
#include <string.h>

#include "base/alloc.h"
#include "base/error.h"
#include "base/limits.h"
#include "encode/plain.h"
#include "parquet/read_values.h"

/* Vectors. */

void lm__read_vector_init(lm_read_vector *vector, const lm_allocator *allocator, lm_read_form form,
                          uint32_t width, bool nullable)
{
    *vector = (lm_read_vector){
        .allocator = allocator,
        .form = form,
        .width = width,
        .nullable = nullable,
    };
}

void lm__read_vector_deinit(lm_read_vector *vector)
{
    lm__read_buffer_free(vector->allocator, &vector->values_buffer);
    lm__read_buffer_free(vector->allocator, &vector->offsets_buffer);
    lm__read_buffer_free(vector->allocator, &vector->data_buffer);
    lm__free(vector->allocator, vector->validity);
    lm__read_vector_init(vector, vector->allocator, vector->form, vector->width, vector->nullable);
}

void lm__read_vector_clear(lm_read_vector *vector)
{
    vector->count = vector->nulls = vector->data_size = 0;
    vector->overflow = false;
}

void lm__read_vector_take_kept(lm_read_vector *vector, lm_read_kept *kept)
{
    vector->values_buffer = kept->values;
    vector->offsets_buffer = kept->offsets;
    vector->data_buffer = kept->data;
    *kept = (lm_read_kept){0};
    vector->values = vector->values_buffer.memory;
    vector->offsets = vector->offsets_buffer.memory;
    vector->data = vector->data_buffer.memory;
    vector->data_capacity = vector->data_buffer.size;
    size_t bytes = vector->values_buffer.size, width = vector->width;
    switch (vector->form) {
    case LM_FORM_NOTHING: return;
    case LM_FORM_BITS: vector->capacity = bytes ? (bytes - 1) * 8 : 0; return;
    case LM_FORM_FIXED: vector->capacity = bytes / (width ? width : 1); return;
    default: break;
    }
    bytes = vector->offsets_buffer.size;
    width = vector->form == LM_FORM_STRINGS32 ? 4 : 8;
    vector->capacity = bytes / width ? bytes / width - 1 : 0;
    if (bytes >= 8) memset(vector->offsets, 0, 8);
}

void lm__read_vector_give_kept(lm_read_vector *vector, lm_read_kept *kept)
{
    lm__read_kept_free(vector->allocator, kept);
    *kept = (lm_read_kept){vector->values_buffer, vector->offsets_buffer, vector->data_buffer};
    if (kept->values.size > LM_PARQUET_READ_KEPT_BYTES_MAX ||
        kept->offsets.size > LM_PARQUET_READ_KEPT_BYTES_MAX ||
        kept->data.size > LM_PARQUET_READ_KEPT_BYTES_MAX)
        lm__read_kept_free(vector->allocator, kept);
    lm__free(vector->allocator, vector->validity);
    lm__read_vector_init(vector, vector->allocator, vector->form, vector->width, vector->nullable);
}

static lm_status no_memory(lm_error *error) { return lm__error_memory(error, "reading a column"); }

/* Room for `capacity` slots of `width` bytes and `extra` more of them. */
static bool grow_slots(lm_read_vector *vector, lm_read_buffer *buffer, size_t extra,
                       size_t capacity, size_t width)
{
    size_t bytes;
    if (__builtin_mul_overflow(capacity + extra, width, &bytes)) return false;
    size_t used = buffer->memory ? (vector->count + extra) * width : 0;
    return lm__read_buffer_grow(vector->allocator, buffer, vector->slab, used, bytes);
}

static bool grow_values(lm_read_vector *vector, size_t capacity)
{
    size_t used = vector->values ? vector->count / 8 + 1 : 0;
    switch (vector->form) {
    case LM_FORM_NOTHING: return true;
    case LM_FORM_BITS:
        return lm__read_buffer_grow(vector->allocator, &vector->values_buffer, vector->slab, used,
                                    capacity / 8 + 1);
    case LM_FORM_FIXED:
        return grow_slots(vector, &vector->values_buffer, 0, capacity, vector->width);
    case LM_FORM_STRINGS32: return grow_slots(vector, &vector->offsets_buffer, 1, capacity, 4);
    default: return grow_slots(vector, &vector->offsets_buffer, 1, capacity, 8);
    }
}

lm_status lm__read_vector_reserve(lm_read_vector *vector, size_t slots, lm_error *error)
{
    size_t needed = vector->count + slots;
    if (needed <= vector->capacity && vector->capacity > 0) return LM_OK;
    size_t capacity =
        lm__read_next_capacity(needed, vector->capacity, vector->expected, vector->slab);
    if (!grow_values(vector, capacity)) return no_memory(error);
    vector->values = vector->values_buffer.memory;
    if (!vector->offsets && vector->offsets_buffer.memory)
        memset(vector->offsets_buffer.memory, 0, 8);
    vector->offsets = vector->offsets_buffer.memory;
    if (vector->nullable) {
        uint8_t *validity = lm__realloc_array(vector->allocator, vector->validity,
                                              capacity / 8 + 1 + LM_ENCODE_SLACK, 1);
        if (!validity) return no_memory(error);
        vector->validity = validity;
    }
    vector->capacity = capacity;
    return LM_OK;
}

/* What is expected of the whole, or what the strings so far let expect of those to come, is asked
 * for at once, with a sixteenth to spare: memory that is never touched costs nothing. */
lm_status lm__read_vector_reserve_data(lm_read_vector *vector, size_t bytes, lm_error *error)
{
    size_t needed = vector->data_size + bytes, capacity = vector->data_capacity;
    if (needed <= capacity && vector->data) return LM_OK;
    double likely = (double)vector->data_expected;
    if (vector->data_expected < needed && vector->count > 0 && vector->expected > vector->count)
        likely = (double)vector->data_size / (double)vector->count * (double)vector->expected;
    likely += likely / 16;
    capacity += capacity / 2;
    lm_read_slab *slab = NULL;
    if (!vector->data && vector->data_expected > needed && vector->slab && vector->slab->memory) {
        slab = vector->slab; /* the room is there */
        capacity = lm__read_strings_room(vector->data_expected);
    } else if (likely < 16.0 * (double)needed && likely > (double)capacity) {
        capacity = (size_t)likely;
    }
    if (capacity < needed) capacity = needed;
    if (!lm__read_buffer_grow(vector->allocator, &vector->data_buffer, slab, vector->data_size,
                              capacity))
        return no_memory(error);
    vector->data = vector->data_buffer.memory;
    vector->data_capacity = capacity;
    return LM_OK;
}

/* Gaps. */

#define EXPAND_OFFSETS(bits)                                                                       \
    static void expand_offsets##bits(int##bits##_t *offsets, size_t present, lm_bits valid,        \
                                     size_t slots)                                                 \
    {                                                                                              \
        size_t from = present;                                                                     \
        for (size_t i = slots; i > from;) {                                                        \
            offsets[i] = offsets[from];                                                            \
            from -= lm__bits_get(valid, --i);                                                      \
        }                                                                                          \
    }

EXPAND_OFFSETS(32)
EXPAND_OFFSETS(64)

/* Bits are expanded aside: where the vector's end lies within a byte, expanding cannot begin. */
static lm_status expand_bits(lm_read_vector *vector, size_t slots, lm_bits valid,
                             lm_read_scratch *scratch, lm_error *error)
{
    size_t bytes = slots / 8 + 1 + LM_ENCODE_SLACK;
    if (lm__read_room(&scratch->values, bytes) != LM_OK) return no_memory(error);
    lm__expand_bits((lm_bits){vector->values, vector->count}, valid, slots, scratch->values.data);
    lm__bits_copy(vector->values, vector->count, (lm_bits){scratch->values.data, 0}, slots);
    return LM_OK;
}

lm_status lm__read_vector_expand(lm_read_vector *vector, size_t present, size_t slots,
                                 lm_read_scratch *scratch, lm_error *error)
{
    lm_bits valid = {vector->validity, vector->count};
    if (present < slots) {
        uint8_t *values;
        switch (vector->form) {
        case LM_FORM_NOTHING: break;
        case LM_FORM_BITS: LM_TRY(expand_bits(vector, slots, valid, scratch, error)); break;
        case LM_FORM_FIXED:
            values = vector->values + vector->count * vector->width;
            lm__expand(values, vector->width, valid, slots, values);
            break;
        case LM_FORM_STRINGS32:
            expand_offsets32((int32_t *)vector->offsets + vector->count, present, valid, slots);
            break;
        case LM_FORM_STRINGS64:
            expand_offsets64((int64_t *)vector->offsets + vector->count, present, valid, slots);
            break;
        }
    }
    vector->nulls += slots - present;
    vector->count += slots;
    return LM_OK;
}
