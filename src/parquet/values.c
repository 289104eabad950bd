/* Values on their way to the encoders; see values.h. */
#include "parquet/values.h"

#include <string.h>

#include "arrow/strings.h"
#include "arrow/view.h"
#include "base/error.h"
#include "encode/plain.h"

typedef struct conversion {
    const lm_leaf *leaf;
    lm_piece *piece;
    lm_error *error;
} conversion;

static lm_status value_refused(const conversion *c, size_t i, int64_t value, const char *why)
{
    return lm__error_set(c->error, LM_DATA, "column %s: value %lld, the %zuth of its batch, %s",
                         c->leaf->arrow_path, (long long)value, i + 1, why);
}

static bool is_valid(const conversion *c, size_t i) { return lm__bits_get(c->piece->valid, i); }

/* Seconds to milliseconds. */
static lm_status convert_seconds64(const conversion *c, const int64_t *in, int64_t *out)
{
    for (size_t i = 0; i < c->piece->count; i++) {
        if (!__builtin_mul_overflow(in[i], (int64_t)1000, &out[i])) continue;
        out[i] = 0;
        if (is_valid(c, i)) return value_refused(c, i, in[i], "is past what milliseconds can say");
    }
    return LM_OK;
}

static lm_status convert_seconds32(const conversion *c, const int32_t *in, int32_t *out)
{
    for (size_t i = 0; i < c->piece->count; i++) {
        if (!__builtin_mul_overflow(in[i], 1000, &out[i])) continue;
        out[i] = 0;
        if (is_valid(c, i)) return value_refused(c, i, in[i], "is past what milliseconds can say");
    }
    return LM_OK;
}

static lm_status convert_date64(const conversion *c, const int64_t *in, int32_t *out)
{
    const int64_t day = 86400000;
    for (size_t i = 0; i < c->piece->count; i++) {
        int64_t days = in[i] / day;
        out[i] = (int32_t)days;
        if ((in[i] % day || days != out[i]) && is_valid(c, i))
            return value_refused(c, i, in[i], "is no whole day within Parquet's range");
    }
    return LM_OK;
}

/* Arrow's decimals are little-endian two's complement; Parquet's byte arrays big-endian. */
static void decimal_reverse(const uint8_t *in, uint8_t *out, size_t width)
{
    for (size_t k = 0; k < width; k++) out[k] = in[width - 1 - k];
}

/* Whether the bytes above `width` only repeat the sign. */
static bool decimal_fits(const uint8_t *in, size_t in_width, size_t width)
{
    uint8_t sign = in[width - 1] & 0x80 ? 0xff : 0;
    for (size_t k = width; k < in_width; k++)
        if (in[k] != sign) return false;
    return true;
}

static lm_status convert_decimal(const conversion *c, const uint8_t *in, uint8_t *out)
{
    size_t in_width = c->leaf->memory_width, width = c->leaf->width;
    bool is_integer = c->leaf->physical != LM_PARQUET_FIXED_LEN_BYTE_ARRAY;
    for (size_t i = 0; i < c->piece->count; i++, in += in_width, out += width) {
        if (!decimal_fits(in, in_width, width) && is_valid(c, i))
            return lm__error_set(c->error, LM_DATA,
                                 "column %s: the %zuth value of its batch has more than the "
                                 "decimal's %d digits",
                                 c->leaf->arrow_path, i + 1, c->leaf->value->type.precision);
        if (is_integer)
            memcpy(out, in, width);
        else
            decimal_reverse(in, out, width);
    }
    return LM_OK;
}

/* INTERVAL: months, days and milliseconds, each unsigned (LogicalTypes.md, "INTERVAL"). */
static lm_status convert_interval(const conversion *c, const uint8_t *in, uint8_t *out)
{
    lm_type_id id = c->leaf->value->type.id;
    size_t width = c->leaf->memory_width;
    for (size_t i = 0; i < c->piece->count; i++, in += width, out += 12) {
        int32_t parts[3] = {0, 0, 0};
        int64_t nanos = 0;
        if (id == LM_TYPE_INTERVAL_MONTHS) memcpy(&parts[0], in, 4);
        if (id == LM_TYPE_INTERVAL_DAY_TIME) memcpy(&parts[1], in, 8);
        if (id == LM_TYPE_INTERVAL_MONTH_DAY_NANO) {
            memcpy(&parts[0], in, 8);
            memcpy(&nanos, in + 8, 8);
        }
        int64_t millis = id == LM_TYPE_INTERVAL_MONTH_DAY_NANO ? nanos / 1000000 : parts[2];
        bool fits = nanos % 1000000 == 0 && parts[0] >= 0 && parts[1] >= 0 && millis >= 0 &&
                    millis <= UINT32_MAX;
        if (!fits && is_valid(c, i))
            return lm__error_set(c->error, LM_DATA,
                                 "column %s: the %zuth interval of its batch is negative or finer "
                                 "than a millisecond, which Parquet cannot say",
                                 c->leaf->arrow_path, i + 1);
        uint32_t written[3] = {(uint32_t)parts[0], (uint32_t)parts[1], (uint32_t)millis};
        memcpy(out, written, 12);
    }
    return LM_OK;
}

static lm_status convert(const conversion *c, const void *in, void *out)
{
    const lm_type *type = &c->leaf->value->type;
    switch (type->id) {
    case LM_TYPE_DATE64: return convert_date64(c, in, out);
    case LM_TYPE_TIME32: return convert_seconds32(c, in, out);
    case LM_TYPE_TIMESTAMP: return convert_seconds64(c, in, out);
    case LM_TYPE_INTERVAL_MONTHS:
    case LM_TYPE_INTERVAL_DAY_TIME:
    case LM_TYPE_INTERVAL_MONTH_DAY_NANO: return convert_interval(c, in, out);
    default: return convert_decimal(c, in, out);
    }
}

static void set_fixed(const lm_leaf *leaf, lm_piece *piece, const void *values)
{
    piece->fixed = values;
    piece->strings =
        (lm_strings){.kind = LM_STRINGS_FIXED, .width = (uint32_t)leaf->width, .data = values};
}

/* Sets the pointers of a piece whose count, nulls, valid and array are there. */
static lm_status piece_prepare(const lm_leaf *leaf, lm_piece *piece, lm_arena *arena,
                               lm_error *error)
{
    const lm_array *array = &piece->array;
    switch (leaf->store) {
    case LM_STORE_BITS: piece->bits = (lm_bits){array->values, (size_t)array->offset}; return LM_OK;
    case LM_STORE_STRINGS: piece->strings = lm__array_strings(array); return LM_OK;
    case LM_STORE_NOTHING: return LM_OK;
    case LM_STORE_WIDEN: piece->fixed = lm__array_fixed(array); return LM_OK;
    case LM_STORE_FIXED: set_fixed(leaf, piece, lm__array_fixed(array)); return LM_OK;
    default: break;
    }
    size_t bytes;
    if (__builtin_mul_overflow(piece->count, leaf->width, &bytes))
        return lm__error_memory(error, "converting values");
    void *converted = lm__arena_aligned(arena, 64, bytes);
    if (!converted) return lm__error_memory(error, "converting values");
    conversion c = {leaf, piece, error};
    LM_TRY(convert(&c, lm__array_fixed(array), converted));
    set_fixed(leaf, piece, converted);
    return LM_OK;
}

lm_status lm__values_prepare(const lm_leaf *leaf, lm_shredded *shredded, lm_error *error)
{
    for (size_t i = 0; i < shredded->piece_count; i++)
        LM_TRY(piece_prepare(leaf, &shredded->pieces[i], shredded->arena, error));
    return LM_OK;
}

lm_status lm__values_piece(const lm_leaf *leaf, const lm_array *array, lm_arena *arena,
                           lm_piece *piece, lm_error *error)
{
    *piece = (lm_piece){.count = (size_t)array->length, .array = *array};
    piece->nulls = array->validity ? (size_t)lm__array_null_count(array) : 0;
    if (piece->nulls) piece->valid = (lm_bits){array->validity, (size_t)array->offset};
    return piece_prepare(leaf, piece, arena, error);
}

/* A dictionary's strings as views, of which one is 16 bytes however long the string is. Bytes that
 * 32 bits do not reach are several buffers. */
static lm_status make_views(lm_piece *values, lm_arena *arena, lm_error *error)
{
    enum { REACH_BITS = 31 };
    const lm_strings *strings = &values->strings;
    if (strings->kind == LM_STRINGS_VIEWS || values->count == 0) return LM_OK;
    const lm_slice last = lm__strings_get(strings, values->count - 1);
    size_t bytes = (size_t)(last.data - strings->data) + last.size;
    size_t buffer_count = (bytes >> REACH_BITS) + 1;
    const uint8_t **buffers = lm__arena_array(arena, buffer_count, sizeof *buffers);
    lm_view *views = lm__arena_array(arena, values->count, sizeof *views);
    if (!buffers || !views) return lm__error_memory(error, "looking dictionary values up");
    for (size_t k = 0; k < buffer_count; k++) buffers[k] = strings->data + (k << REACH_BITS);
    for (size_t i = 0; i < values->count; i++) {
        const lm_slice string = lm__strings_get(strings, i);
        const size_t at = (size_t)(string.data - strings->data);
        views[i] = lm__view_of(string.data, string.size, (int32_t)(at >> REACH_BITS),
                               (int32_t)(at & (((size_t)1 << REACH_BITS) - 1)));
    }
    values->strings = (lm_strings){.kind = LM_STRINGS_VIEWS, .offsets = views, .buffers = buffers};
    return LM_OK;
}

/* Only views are copied: the bytes stay the dictionary's. */
static lm_status decode_strings(const lm_piece *values, lm_piece *piece, lm_arena *arena,
                                lm_error *error)
{
    const lm_view *from = values->strings.offsets;
    lm_view *to = lm__arena_array(arena, piece->count + 1, sizeof *to);
    if (!to) return lm__error_memory(error, "looking dictionary values up");
    for (size_t i = 0; i < piece->count; i++) {
        to[i] = (lm_view){0};
        if (lm__bits_get(piece->valid, i)) to[i] = from[lm__array_index(&piece->array, (int64_t)i)];
    }
    piece->strings = values->strings;
    piece->strings.kind = LM_STRINGS_VIEWS;
    piece->strings.offsets = to;
    return LM_OK;
}

static lm_status decode_fixed(const lm_leaf *leaf, const lm_piece *values, lm_piece *piece,
                              lm_arena *arena, lm_error *error)
{
    size_t width = lm__leaf_memory_width(leaf);
    uint8_t *out = lm__arena_aligned(arena, 64, piece->count * width + LM_ENCODE_SLACK);
    if (!out) return lm__error_memory(error, "looking dictionary values up");
    for (size_t i = 0; i < piece->count; i++) {
        if (lm__bits_get(piece->valid, i)) {
            size_t index = (size_t)lm__array_index(&piece->array, (int64_t)i);
            memcpy(out + i * width, (const uint8_t *)values->fixed + index * width, width);
        } else {
            memset(out + i * width, 0, width);
        }
    }
    if (leaf->store == LM_STORE_WIDEN)
        piece->fixed = out;
    else
        set_fixed(leaf, piece, out);
    return LM_OK;
}

static lm_status decode_bits(const lm_piece *values, lm_piece *piece, lm_arena *arena,
                             lm_error *error)
{
    uint8_t *out = lm__arena_zero(arena, piece->count / 8 + 1);
    if (!out) return lm__error_memory(error, "looking dictionary values up");
    for (size_t i = 0; i < piece->count; i++) {
        if (!lm__bits_get(piece->valid, i)) continue;
        size_t index = (size_t)lm__array_index(&piece->array, (int64_t)i);
        if (lm__bits_get(values->bits, index)) out[i >> 3] = (uint8_t)(out[i >> 3] | 1u << (i & 7));
    }
    piece->bits = (lm_bits){out, 0};
    return LM_OK;
}

lm_status lm__values_decode(const lm_leaf *leaf, lm_shredded *shredded, lm_error *error)
{
    lm_piece values = {0};
    const lm_array *prepared = NULL;
    for (size_t i = 0; i < shredded->piece_count; i++) {
        lm_piece *piece = &shredded->pieces[i];
        if (piece->array.dictionary != prepared) {
            prepared = piece->array.dictionary;
            LM_TRY(lm__values_piece(leaf, prepared, shredded->arena, &values, error));
            if (leaf->store == LM_STORE_STRINGS)
                LM_TRY(make_views(&values, shredded->arena, error));
        }
        if (leaf->store == LM_STORE_STRINGS)
            LM_TRY(decode_strings(&values, piece, shredded->arena, error));
        else if (leaf->store == LM_STORE_BITS)
            LM_TRY(decode_bits(&values, piece, shredded->arena, error));
        else if (leaf->store != LM_STORE_NOTHING)
            LM_TRY(decode_fixed(leaf, &values, piece, shredded->arena, error));
    }
    return LM_OK;
}
