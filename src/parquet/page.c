/*
 * Pages: levels and values, compressed, checked by a CRC, under a header (parquet-format, "Data
 * Pages").
 *
 * The header's length is known only when the body's is, so a gap is left for it before the body and
 * it is written against the body's start; what is left of the gap belongs to no page. A finished
 * page stays in chunk->out, or goes to chunk->sink, and the memory serves the next one.
 */
#include <string.h>

#include "base/error.h"
#include "encode/rle.h"
#include "parquet/chunk.h"
#include "parquet/crc.h"

/* A header without statistics is shorter. */
#define HEADER_ROOM 80

static lm_status page_memory(lm_error *error) { return lm__error_memory(error, "making a page"); }

static unsigned level_width(unsigned most) { return most ? 32 - (unsigned)__builtin_clz(most) : 0; }

/* Reserves room for levels of `entries` entries and a v1 length; returns where they start. */
static lm_status levels_room(lm_scratch *scratch, size_t entries, unsigned width, lm_error *error)
{
    if (lm__buffer_reserve(&scratch->page, 4 + lm__rle_bound(entries, width)) == LM_OK)
        return LM_OK;
    return page_memory(error);
}

/* Appends levels to the page, with their length before them in v1; returns their bytes through
 * `bytes`. */
static void levels_put(const lm_chunk *chunk, lm_buffer *page, size_t size, size_t *bytes)
{
    if (chunk->options->data_page_version == 1) {
        uint32_t length = (uint32_t)size;
        memcpy(page->data + page->size, &length, 4);
        page->size += 4;
    }
    page->size += size;
    *bytes = size;
}

static uint8_t *levels_start(const lm_chunk *chunk, const lm_buffer *page)
{
    return page->data + page->size + (chunk->options->data_page_version == 1 ? 4 : 0);
}

static lm_status repetition_levels(const lm_chunk *chunk, size_t first, size_t entries,
                                   lm_scratch *scratch, size_t *bytes, lm_error *error)
{
    *bytes = 0;
    unsigned most = chunk->leaf->repetition_max;
    if (!most) return LM_OK;
    LM_TRY(levels_room(scratch, entries, level_width(most), error));
    uint8_t *out = levels_start(chunk, &scratch->page);
    size_t size =
        lm__rle_encode8(chunk->shredded.repetitions + first, entries, level_width(most), out);
    levels_put(chunk, &scratch->page, size, bytes);
    return LM_OK;
}

/* Definition levels straight from the validity of the spans. Only one span can be encoded from its
 * bitmap; more are put together first, a byte an entry, as is what has a maximum above 1. */
static lm_status validity_levels(const lm_chunk *chunk, lm_cursor cursor, size_t entries,
                                 lm_scratch *scratch, uint8_t *out, size_t *size, lm_error *error)
{
    unsigned most = chunk->leaf->definition_max, width = level_width(most);
    lm_cursor look = cursor;
    bool any_null = false;
    size_t spans = 0;
    for (size_t left = entries; left; spans++) {
        lm_span span = lm__cursor_next(chunk, &look, left);
        any_null |= span.piece->nulls > 0;
        left -= span.count;
    }
    if (!any_null) {
        *size = lm__rle_encode_repeat(most, entries, width, out);
        return LM_OK;
    }
    if (spans == 1 && most == 1) {
        lm_span span = lm__cursor_next(chunk, &cursor, entries);
        *size = lm__rle_encode_bits(lm__bits_skip(span.piece->valid, span.from), entries, out);
        return LM_OK;
    }
    lm__buffer_clear(&scratch->dense);
    if (lm__buffer_reserve(&scratch->dense, entries) != LM_OK) return page_memory(error);
    uint8_t *levels = scratch->dense.data;
    for (size_t left = entries; left;) {
        lm_span span = lm__cursor_next(chunk, &cursor, left);
        lm_bits valid =
            span.piece->nulls ? lm__bits_skip(span.piece->valid, span.from) : LM_BITS_ALL;
        for (size_t i = 0; i < span.count; i++)
            *levels++ = (uint8_t)(most - 1 + lm__bits_get(valid, i));
        left -= span.count;
    }
    *size = lm__rle_encode8(scratch->dense.data, entries, width, out);
    return LM_OK;
}

static lm_status definition_levels(const lm_chunk *chunk, const lm_cursor *cursor, size_t first,
                                   size_t entries, lm_scratch *scratch, size_t *bytes,
                                   lm_error *error)
{
    *bytes = 0;
    unsigned most = chunk->leaf->definition_max;
    if (!most) return LM_OK;
    LM_TRY(levels_room(scratch, entries, level_width(most), error));
    uint8_t *out = levels_start(chunk, &scratch->page);
    size_t size = 0;
    if (chunk->shredded.kind == LM_LEVELS_ARRAYS)
        size =
            lm__rle_encode8(chunk->shredded.definitions + first, entries, level_width(most), out);
    else
        LM_TRY(validity_levels(chunk, *cursor, entries, scratch, out, &size, error));
    levels_put(chunk, &scratch->page, size, bytes);
    return LM_OK;
}

/* A body begins behind the room for its header. */
static lm_status page_begin(lm_scratch *scratch, lm_error *error)
{
    lm__buffer_clear(&scratch->page);
    if (lm__buffer_reserve(&scratch->page, HEADER_ROOM) != LM_OK) return page_memory(error);
    scratch->page.size = HEADER_ROOM;
    return LM_OK;
}

static size_t body_size(const lm_scratch *scratch) { return scratch->page.size - HEADER_ROOM; }

/* What the codec is told of a body. */
typedef struct body_kind {
    size_t prefix; /* so many bytes stay as they are */
    lm_codec_layout layout;
    bool by_dictionary;
} body_kind;

/* `levels` bytes of levels stand before the values. */
static body_kind body_kind_of(const lm_leaf *leaf, int32_t encoding, size_t prefix, size_t levels)
{
    lm_codec_kind kind = LM_CODEC_BYTES;
    if (encoding == LM_PARQUET_PLAIN && leaf->physical == LM_PARQUET_BYTE_ARRAY)
        kind = LM_CODEC_STRINGS;
    else if (encoding == LM_PARQUET_PLAIN && leaf->width == 8 &&
             leaf->physical != LM_PARQUET_FIXED_LEN_BYTE_ARRAY)
        kind = LM_CODEC_WORDS;
    return (body_kind){prefix, {kind, levels - prefix}, encoding == LM_PARQUET_RLE_DICTIONARY};
}

/* A finished body, HEADER_ROOM bytes before it. */
typedef struct page_body {
    uint8_t *data;
    size_t size;
    bool compressed;
} page_body;

/* Compresses the body in scratch->page into chunk->out. One that stays as it is and goes to the
 * sink now is not even copied. */
static lm_status body_put(lm_chunk *chunk, lm_scratch *scratch, const body_kind *kind,
                          page_body *out, lm_error *error)
{
    const lm_leaf *leaf = chunk->leaf;
    uint8_t *made = scratch->page.data + HEADER_ROOM;
    size_t prefix = kind->prefix, whole = body_size(scratch), plain = whole - prefix;
    size_t bound = lm__codec_bound(leaf->codec, plain);
    if (bound == SIZE_MAX || whole > INT32_MAX)
        return lm__error_set(error, LM_LIMIT,
                             "column %s: a page of %zu bytes is more than Parquet can say",
                             leaf->arrow_path, whole);
    bool compressed = leaf->codec != LM_CODEC_UNCOMPRESSED && plain > 0;
    *out = (page_body){made, whole, compressed};
    if (!compressed && chunk->sink.put) return LM_OK;
    if (lm__buffer_reserve(&chunk->out, HEADER_ROOM + prefix + bound) != LM_OK)
        return page_memory(error);
    out->data = chunk->out.data + chunk->out.size + HEADER_ROOM;
    memcpy(out->data, made, compressed ? prefix : whole);
    if (!compressed) return LM_OK;
    size_t written;
    int32_t level;
    LM_TRY(
        lm__page_level(chunk, scratch, kind->by_dictionary, made + prefix, plain, &level, error));
    LM_TRY(lm__codec_compress_values(scratch->codec, leaf->codec, level, &kind->layout,
                                     made + prefix, plain, out->data + prefix, bound, &written,
                                     error));
    out->size = prefix + written;
    return LM_OK;
}

/* Writes the header against the body, which has HEADER_ROOM bytes before it: in chunk->out, where
 * the page stays, or wherever it was made when it goes to the sink now. */
static lm_status header_put(lm_chunk *chunk, lm_page_record *page, lm_page_header *header,
                            const page_body *body, lm_scratch *scratch, lm_error *error)
{
    header->uncompressed_page_size = (int32_t)page->uncompressed_size;
    header->compressed_page_size = (int32_t)body->size;
    if (chunk->options->page_crc) {
        header->crc = (int32_t)lm__crc32(0, body->data, body->size);
        header->has |= LM_PAGE_HEADER_CRC;
    }
    lm__buffer_clear(&scratch->header);
    if (lm__page_header_write(header, &scratch->header) != LM_OK) return page_memory(error);
    page->header_size = scratch->header.size;
    if (page->header_size > HEADER_ROOM)
        return lm__error_set(error, LM_BROKEN, "a page header of %zu bytes", page->header_size);
    uint8_t *start = body->data - page->header_size;
    memcpy(start, scratch->header.data, page->header_size);
    page->start = chunk->out.size + HEADER_ROOM - page->header_size;
    page->size = page->header_size + body->size;
    if (chunk->sink.put) return chunk->sink.put(chunk->sink.context, start, page->size, error);
    chunk->out.size += HEADER_ROOM + body->size;
    return LM_OK;
}

lm_status lm__page_dictionary(lm_chunk *chunk, lm_scratch *scratch, lm_error *error)
{
    size_t size;
    page_body body;
    const uint8_t *bytes = lm__dict_bytes(chunk->dict, &size);
    LM_TRY(page_begin(scratch, error));
    if (lm__buffer_append(&scratch->page, bytes, size) != LM_OK) return page_memory(error);
    body_kind kind = body_kind_of(chunk->leaf, LM_PARQUET_PLAIN, 0, 0);
    LM_TRY(body_put(chunk, scratch, &kind, &body, error));
    lm_dictionary_page_header dictionary = {.num_values = (int32_t)lm__dict_count(chunk->dict),
                                            .encoding = LM_PARQUET_PLAIN};
    lm_page_header header = {.type = LM_PARQUET_DICTIONARY_PAGE,
                             .dictionary_page_header = &dictionary};
    lm_page_record *page = &chunk->dictionary;
    page->uncompressed_size = size;
    page->encoding = LM_PARQUET_PLAIN;
    return header_put(chunk, page, &header, &body, scratch, error);
}

lm_status lm__page_data(lm_chunk *chunk, lm_page_record *page, size_t first_entry,
                        lm_cursor *cursor, lm_scratch *scratch, lm_error *error)
{
    size_t repetition_bytes, definition_bytes;
    bool v2 = chunk->options->data_page_version == 2;
    page_body body;
    LM_TRY(page_begin(scratch, error));
    LM_TRY(repetition_levels(chunk, first_entry, page->entries, scratch, &repetition_bytes, error));
    LM_TRY(definition_levels(chunk, cursor, first_entry, page->entries, scratch, &definition_bytes,
                             error));
    size_t levels = body_size(scratch), prefix = v2 ? levels : 0, value_from = cursor->value;
    LM_TRY(lm__page_values(chunk, cursor, page->slots, page->encoding, scratch, error));
    page->values = cursor->value - value_from;
    page->uncompressed_size = body_size(scratch);
    body_kind kind = body_kind_of(chunk->leaf, page->encoding, prefix, levels);
    LM_TRY(body_put(chunk, scratch, &kind, &body, error));
    lm_data_page_header one = {.num_values = (int32_t)page->entries,
                               .encoding = page->encoding,
                               .definition_level_encoding = LM_PARQUET_RLE,
                               .repetition_level_encoding = LM_PARQUET_RLE};
    lm_data_page_header_v2 two = {.has = LM_DATA_PAGE_HEADER_V2_IS_COMPRESSED,
                                  .num_values = (int32_t)page->entries,
                                  .num_nulls = (int32_t)(page->entries - page->values),
                                  .num_rows = (int32_t)page->rows,
                                  .encoding = page->encoding,
                                  .definition_levels_byte_length = (int32_t)definition_bytes,
                                  .repetition_levels_byte_length = (int32_t)repetition_bytes,
                                  .is_compressed = body.compressed};
    lm_page_header header = {.type = v2 ? LM_PARQUET_DATA_PAGE_V2 : LM_PARQUET_DATA_PAGE,
                             .data_page_header = v2 ? NULL : &one,
                             .data_page_header_v2 = v2 ? &two : NULL};
    return header_put(chunk, page, &header, &body, scratch, error);
}
