/*
 * The values part of a data page, in every encoding (Encodings.md). Values come from the pieces
 * span by span; encodings that need them side by side get them from scratch->dense.
 */
#include <string.h>

#include "base/error.h"
#include "encode/delta.h"
#include "encode/plain.h"
#include "encode/rle.h"
#include "encode/split.h"
#include "parquet/chunk.h"
#include "parquet/values.h"

lm_span lm__cursor_next(const lm_chunk *chunk, lm_cursor *cursor, size_t slots)
{
    const lm_piece *piece = &chunk->shredded.pieces[cursor->piece];
    while (cursor->slot == piece->count) {
        piece++;
        cursor->piece++;
        cursor->slot = 0;
    }
    size_t left = piece->count - cursor->slot;
    lm_span span = {piece, cursor->slot, left < slots ? left : slots};
    cursor->slot += span.count;
    cursor->value += piece->nulls
                         ? lm__bits_count(lm__bits_skip(piece->valid, span.from), span.count)
                         : span.count;
    return span;
}

static lm_bits span_valid(const lm_span *span)
{
    return span->piece->nulls ? lm__bits_skip(span->piece->valid, span->from) : LM_BITS_ALL;
}

static lm_status page_room(lm_buffer *buffer, size_t bytes, lm_error *error)
{
    if (lm__buffer_reserve(buffer, bytes) == LM_OK) return LM_OK;
    return lm__error_memory(error, "encoding a page");
}

static void widen(const lm_leaf *leaf, const void *values, size_t count, void *out)
{
    if (leaf->memory_width == 1) {
        if (leaf->is_signed)
            lm__widen_i8(values, count, out);
        else
            lm__widen_u8(values, count, out);
    } else if (leaf->is_signed) {
        lm__widen_i16(values, count, out);
    } else {
        lm__widen_u16(values, count, out);
    }
}

/* Fixed values without gaps, in their physical width; returns the bytes written. The room is there.
 */
static size_t span_fixed(const lm_leaf *leaf, const lm_span *span, uint8_t *out)
{
    size_t width = lm__leaf_memory_width(leaf);
    if (!span->piece->fixed) return 0; /* of the null type */
    const uint8_t *values = (const uint8_t *)span->piece->fixed + span->from * width;
    lm_bits valid = span_valid(span);
    size_t count = span->count;
    if (leaf->store != LM_STORE_WIDEN) {
        if (valid.bytes)
            count = lm__compact(values, width, valid, count, out);
        else
            memcpy(out, values, count * width);
        return count * width;
    }
    uint8_t together[4096 + LM_ENCODE_SLACK];
    size_t done = 0, batch = 4096 / width;
    for (size_t from = 0; from < count; from += batch) {
        size_t some = count - from < batch ? count - from : batch;
        const uint8_t *source = values + from * width;
        if (valid.bytes) {
            some = lm__compact(source, width, lm__bits_skip(valid, from), some, together);
            source = together;
        }
        widen(leaf, source, some, out + done * 4);
        done += some;
    }
    return done * 4;
}

/* All the page's fixed values side by side in `to`. */
static lm_status gather_fixed(const lm_chunk *chunk, lm_cursor *cursor, size_t slots, lm_buffer *to,
                              lm_error *error)
{
    LM_TRY(page_room(to, slots * chunk->leaf->width + LM_ENCODE_SLACK, error));
    while (slots) {
        lm_span span = lm__cursor_next(chunk, cursor, slots);
        to->size += span_fixed(chunk->leaf, &span, to->data + to->size);
        slots -= span.count;
    }
    return LM_OK;
}

/* All the page's booleans as bits from bit 0 of `to`; *values gets how many. */
static lm_status gather_bits(const lm_chunk *chunk, lm_cursor *cursor, size_t slots, lm_buffer *to,
                             size_t *values, lm_error *error)
{
    LM_TRY(page_room(to, 2 * (slots / 8 + 8 + LM_ENCODE_SLACK), error));
    uint8_t *out = to->data + to->size, *apart = out + slots / 8 + 8 + LM_ENCODE_SLACK;
    size_t at = 0;
    memset(out, 0, slots / 8 + 1);
    while (slots) {
        lm_span span = lm__cursor_next(chunk, cursor, slots);
        lm_bits bits = lm__bits_skip(span.piece->bits, span.from), valid = span_valid(&span);
        size_t count = span.count;
        if (valid.bytes) {
            count = lm__compact_bits(bits, valid, count, apart);
            bits = (lm_bits){apart, 0};
        }
        lm__bits_copy(out, at, bits, count);
        at += count;
        slots -= span.count;
    }
    to->size += (at + 7) / 8;
    *values = at;
    return LM_OK;
}

static size_t cursor_strings_bytes(const lm_chunk *chunk, lm_cursor cursor, size_t slots)
{
    size_t bytes = 0;
    while (slots) {
        lm_span span = lm__cursor_next(chunk, &cursor, slots);
        lm_strings strings = lm__strings_skip(span.piece->strings, span.from);
        bytes += lm__strings_bytes(&strings, span_valid(&span), span.count);
        slots -= span.count;
    }
    return bytes;
}

static lm_status plain_strings(const lm_chunk *chunk, lm_cursor *cursor, size_t slots,
                               lm_buffer *to, lm_error *error)
{
    size_t bytes = cursor_strings_bytes(chunk, *cursor, slots);
    LM_TRY(page_room(to, lm__plain_strings_bound(bytes, slots), error));
    while (slots) {
        lm_span span = lm__cursor_next(chunk, cursor, slots);
        lm_strings strings = lm__strings_skip(span.piece->strings, span.from);
        to->size +=
            lm__plain_strings_encode(&strings, span_valid(&span), span.count, to->data + to->size);
        slots -= span.count;
    }
    return LM_OK;
}

/* The page's strings as one run without nulls: as they lie when they are that already, else copied.
 */
static lm_status gather_strings(const lm_chunk *chunk, lm_cursor *cursor, size_t slots,
                                lm_buffer *dense, lm_strings *strings, size_t *count,
                                lm_error *error)
{
    lm_cursor look = *cursor;
    if (slots) {
        lm_span first = lm__cursor_next(chunk, &look, slots);
        if (first.count == slots && !first.piece->nulls) {
            *cursor = look;
            *strings = lm__strings_skip(first.piece->strings, first.from);
            *count = slots;
            return LM_OK;
        }
    }
    size_t bytes = cursor_strings_bytes(chunk, *cursor, slots), at = 0, n = 0;
    LM_TRY(page_room(dense, (slots + 1) * sizeof(int64_t) + bytes + LM_ENCODE_SLACK, error));
    int64_t *offsets = (int64_t *)(void *)dense->data;
    uint8_t *data = dense->data + (slots + 1) * sizeof(int64_t);
    while (slots) {
        lm_span span = lm__cursor_next(chunk, cursor, slots);
        lm_strings some = lm__strings_skip(span.piece->strings, span.from);
        lm_bits valid = span_valid(&span);
        for (size_t i = 0; i < span.count; i++) {
            if (!lm__bits_get(valid, i)) continue;
            lm_slice value = lm__strings_get(&some, i);
            offsets[n++] = (int64_t)at;
            if (value.size) memcpy(data + at, value.data, value.size);
            at += value.size;
        }
        slots -= span.count;
    }
    offsets[n] = (int64_t)at;
    *strings = (lm_strings){.kind = LM_STRINGS_OFFSETS64, .offsets = offsets, .data = data};
    *count = n;
    return LM_OK;
}

static lm_status delta_strings(const lm_chunk *chunk, lm_cursor *cursor, size_t slots,
                               int32_t encoding, lm_scratch *scratch, lm_error *error)
{
    lm_strings strings;
    size_t count;
    lm__buffer_clear(&scratch->dense);
    if (chunk->leaf->width) { /* FIXED_LEN_BYTE_ARRAY */
        LM_TRY(gather_fixed(chunk, cursor, slots, &scratch->dense, error));
        count = scratch->dense.size / chunk->leaf->width;
        strings = (lm_strings){.kind = LM_STRINGS_FIXED,
                               .width = (uint32_t)chunk->leaf->width,
                               .data = scratch->dense.data};
    } else {
        LM_TRY(gather_strings(chunk, cursor, slots, &scratch->dense, &strings, &count, error));
    }
    size_t bytes = lm__strings_bytes(&strings, LM_BITS_ALL, count);
    bool prefixes = encoding == LM_PARQUET_DELTA_BYTE_ARRAY;
    LM_TRY(page_room(&scratch->page,
                     prefixes ? lm__delta_strings_bound(bytes, count)
                              : lm__delta_length_bound(bytes, count),
                     error));
    uint8_t *out = scratch->page.data + scratch->page.size;
    scratch->page.size += prefixes ? lm__delta_strings_encode(&strings, LM_BITS_ALL, count, out)
                                   : lm__delta_length_encode(&strings, LM_BITS_ALL, count, out);
    return LM_OK;
}

static lm_status dense_numbers(const lm_chunk *chunk, lm_cursor *cursor, size_t slots,
                               int32_t encoding, lm_scratch *scratch, lm_error *error)
{
    size_t width = chunk->leaf->width;
    lm__buffer_clear(&scratch->dense);
    LM_TRY(gather_fixed(chunk, cursor, slots, &scratch->dense, error));
    size_t count = scratch->dense.size / width;
    lm_buffer *to = &scratch->page;
    if (encoding == LM_PARQUET_BYTE_STREAM_SPLIT) {
        LM_TRY(page_room(to, count * width + LM_ENCODE_SLACK, error));
        lm__split_encode(scratch->dense.data, count, width, to->data + to->size);
        to->size += count * width;
        return LM_OK;
    }
    LM_TRY(page_room(to, width == 4 ? lm__delta32_bound(count) : lm__delta64_bound(count), error));
    uint8_t *out = to->data + to->size;
    const void *dense = scratch->dense.data;
    to->size +=
        width == 4 ? lm__delta32_encode(dense, count, out) : lm__delta64_encode(dense, count, out);
    return LM_OK;
}

static lm_status dictionary_indices(const lm_chunk *chunk, lm_cursor *cursor, size_t slots,
                                    lm_scratch *scratch, lm_error *error)
{
    size_t from = cursor->value;
    for (size_t left = slots; left;) left -= lm__cursor_next(chunk, cursor, left).count;
    size_t count = cursor->value - from;
    lm_buffer *to = &scratch->page;
    LM_TRY(page_room(to, 1 + lm__rle_bound(count, chunk->index_width), error));
    to->data[to->size++] = (uint8_t)chunk->index_width;
    to->size +=
        lm__rle_encode32(scratch->indices + from, count, chunk->index_width, to->data + to->size);
    return LM_OK;
}

lm_status lm__page_values(const lm_chunk *chunk, lm_cursor *cursor, size_t slots, int32_t encoding,
                          lm_scratch *scratch, lm_error *error)
{
    size_t values;
    lm_buffer *to = &scratch->page;
    switch (encoding) {
    case LM_PARQUET_RLE_DICTIONARY: return dictionary_indices(chunk, cursor, slots, scratch, error);
    case LM_PARQUET_DELTA_LENGTH_BYTE_ARRAY:
    case LM_PARQUET_DELTA_BYTE_ARRAY:
        return delta_strings(chunk, cursor, slots, encoding, scratch, error);
    case LM_PARQUET_DELTA_BINARY_PACKED:
    case LM_PARQUET_BYTE_STREAM_SPLIT:
        return dense_numbers(chunk, cursor, slots, encoding, scratch, error);
    case LM_PARQUET_RLE:
        lm__buffer_clear(&scratch->dense);
        LM_TRY(gather_bits(chunk, cursor, slots, &scratch->dense, &values, error));
        LM_TRY(page_room(to, lm__rle_bound(values, 1) + 4, error));
        to->size +=
            lm__rle_encode_bools((lm_bits){scratch->dense.data, 0}, values, to->data + to->size);
        return LM_OK;
    default: break;
    }
    if (chunk->leaf->store == LM_STORE_BITS)
        return gather_bits(chunk, cursor, slots, to, &values, error);
    if (chunk->leaf->store == LM_STORE_STRINGS)
        return plain_strings(chunk, cursor, slots, to, error);
    if (chunk->leaf->store == LM_STORE_NOTHING) {
        for (size_t left = slots; left;) left -= lm__cursor_next(chunk, cursor, left).count;
        return LM_OK;
    }
    return gather_fixed(chunk, cursor, slots, to, error);
}
