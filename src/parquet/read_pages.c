/* From a chunk's bytes to its pages; see read_pages.h. */
#include "parquet/read_pages.h"

#include <string.h>

#include "base/alloc.h"
#include "base/bits.h"
#include "base/cancel.h"
#include "base/error.h"
#include "base/limits.h"
#include "codec/snappy.h"
#include "parquet/crc.h"

#define HEADER_BYTES 1024 /* tried at first */

/* Scratch. */

lm_status lm__read_scratch_new(const lm_allocator *allocator, lm_read_scratch **scratch,
                               lm_error *error)
{
    lm_read_scratch *made = lm__alloc(allocator, sizeof *made);
    if (!made) return lm__error_memory(error, "reading pages");
    made->next = NULL;
    made->allocator = allocator;
    made->dictionary = made->held = (lm_read_kept){0};
    lm__arena_init(&made->arena, allocator, 4 * LM_PARQUET_PAGE_HEADER_BYTES_MAX);
    lm__buffer_init(&made->window, allocator, 0);
    lm__buffer_init(&made->page, allocator, 0);
    lm__buffer_init(&made->ahead, allocator, 0);
    lm__arena_init(&made->ahead_arena, allocator, 4 * LM_PARQUET_PAGE_HEADER_BYTES_MAX);
    lm__buffer_init(&made->levels, allocator, 0);
    lm__buffer_init(&made->values, allocator, 0);
    lm__buffer_init(&made->before, allocator, 0);
    lm_status status = lm__codec_context_new(allocator, &made->codec, error);
    if (status != LM_OK) {
        made->codec = NULL;
        lm__read_scratch_free(made);
        return status;
    }
    *scratch = made;
    return LM_OK;
}

void lm__read_scratch_free(lm_read_scratch *scratch)
{
    if (!scratch) return;
    lm__codec_context_free(scratch->codec);
    lm__arena_deinit(&scratch->arena);
    lm__buffer_deinit(&scratch->window);
    lm__buffer_deinit(&scratch->page);
    lm__buffer_deinit(&scratch->ahead);
    lm__arena_deinit(&scratch->ahead_arena);
    lm__buffer_deinit(&scratch->levels);
    lm__buffer_deinit(&scratch->values);
    lm__buffer_deinit(&scratch->before);
    lm__read_kept_free(scratch->allocator, &scratch->dictionary);
    lm__read_kept_free(scratch->allocator, &scratch->held);
    lm__free(scratch->allocator, scratch);
}

lm_status lm__read_room(lm_buffer *buffer, size_t size)
{
    if (buffer->capacity >= size && buffer->capacity - size <= LM_PARQUET_READ_SPARE_BYTES_MAX)
        return LM_OK;
    lm__free(buffer->allocator, buffer->data);
    buffer->data = NULL;
    buffer->size = buffer->capacity = 0;
    return lm__buffer_grow(buffer, size);
}

/* The chunk. */

uint64_t lm__read_chunk_start(const lm_column_metadata *metadata)
{
    bool dictionary = LM_HAS(metadata, LM_COLUMN_METADATA_DICTIONARY_PAGE_OFFSET) &&
                      metadata->dictionary_page_offset > 0 &&
                      metadata->dictionary_page_offset < metadata->data_page_offset;
    return (uint64_t)(dictionary ? metadata->dictionary_page_offset : metadata->data_page_offset);
}

bool lm__read_has_encoding(const lm_column_metadata *metadata, int32_t encoding)
{
    for (size_t i = 0; i < metadata->encodings.count; i++)
        if (metadata->encodings.items[i] == encoding) return true;
    return false;
}

static const char *name_of(int32_t physical)
{
    const char *name = lm__parquet_type_name(physical);
    return name ? name : "an unknown type";
}

lm_status lm__read_pages_open(lm_read_pages *pages, lm_source *source, const lm_read_node *leaf,
                              const lm_column_metadata *metadata, lm_writer_oddities oddities,
                              const lm_read_limits *limits, lm_read_scratch *scratch,
                              lm_error *error)
{
    *pages = (lm_read_pages){
        .source = source,
        .leaf = leaf,
        .metadata = metadata,
        .scratch = scratch,
        .limits = *limits,
        .entries_left = metadata->num_values,
        .ordinal = -1,
    };
    if (metadata->type != leaf->physical && leaf->meaning != LM_MEANS_NULL)
        return lm__error_set(error, LM_CORRUPT, "a chunk of %s where the schema has %s",
                             name_of(metadata->type), name_of(leaf->physical));
    if (metadata->num_values < 0)
        return lm__error_set(error, LM_CORRUPT, "a chunk of %lld values",
                             (long long)metadata->num_values);
    if (metadata->num_values == 0) return LM_OK;
    LM_TRY(lm__codec_check_read(metadata->codec, error));
    uint64_t size = (uint64_t)metadata->total_compressed_size;
    pages->at = lm__read_chunk_start(metadata);
    if (metadata->data_page_offset < 0 || metadata->total_compressed_size < 0 ||
        pages->at > source->size || size > source->size - pages->at)
        return lm__error_set(
            error, LM_CORRUPT, "a chunk of %lld bytes at %lld, in a file of %llu bytes",
            (long long)metadata->total_compressed_size, (long long)metadata->data_page_offset,
            (unsigned long long)source->size);
    pages->end = lm__read_chunk_end(pages->at + size, oddities, source->size);
    pages->passed_at = pages->at;
    return LM_OK;
}

/* Bytes [at, at + size) of the chunk, which the caller has checked to be there, valid until the
 * next call. Without views a window moves along: reading at least so much at once keeps the number
 * of requests low. */
static lm_status chunk_bytes(lm_read_pages *pages, size_t size, const uint8_t **bytes,
                             lm_error *error)
{
    lm_buffer *window = &pages->scratch->window;
    *bytes = lm_source_view(pages->source, pages->at, size);
    if (*bytes) return LM_OK;
    if (pages->window_at <= pages->at && pages->at - pages->window_at <= window->size &&
        size <= window->size - (size_t)(pages->at - pages->window_at)) {
        *bytes = window->data + (pages->at - pages->window_at);
        return LM_OK;
    }
    uint64_t left = pages->end - pages->at;
    bool goes_on = window->size > 0 && pages->at == pages->window_at + window->size;
    size_t wanted = goes_on ? LM_PARQUET_READ_FAR_BYTES : LM_PARQUET_READ_WINDOW_BYTES;
    if (wanted < size) wanted = size;
    if (wanted > left) wanted = (size_t)left;
    if (lm__read_room(window, wanted) != LM_OK) return lm__error_memory(error, "reading a page");
    window->size = 0;
    LM_TRY(lm_source_read(pages->source, pages->at, window->data, wanted, error));
    window->size = wanted;
    pages->window_at = pages->at;
    *bytes = window->data;
    return LM_OK;
}

/* A header's length is not known before it is read: try with little, then with all there may be. */
static lm_status read_header(lm_read_pages *pages, lm_error *error)
{
    uint64_t left = pages->end - pages->at;
    size_t most =
        left < LM_PARQUET_PAGE_HEADER_BYTES_MAX ? (size_t)left : LM_PARQUET_PAGE_HEADER_BYTES_MAX;
    for (size_t size = most < HEADER_BYTES ? most : HEADER_BYTES;;) {
        const uint8_t *bytes;
        size_t taken;
        LM_TRY(chunk_bytes(pages, size, &bytes, error));
        lm__arena_reset(&pages->scratch->arena);
        lm_status status = lm__page_header_read(bytes, size, &pages->scratch->arena, &pages->header,
                                                &taken, error);
        if (status == LM_OK) {
            pages->at += taken;
            return LM_OK;
        }
        if (taken != SIZE_MAX || size == most) return status;
        size = size > most / 16 ? most : size * 16;
    }
}

/* The most that each codec can make of a byte (invariant 2): a copy of 64 bytes takes 3 in Snappy,
 * a run 255 a byte in LZ4, 258 bytes two bits in deflate, a block of 128 KiB 4 bytes in zstd.
 * Brotli has no such bound that helps. */
static bool codec_can_make(int32_t codec, size_t compressed, size_t size)
{
    size_t most;
    switch (codec) {
    case LM_CODEC_SNAPPY: most = 22; break;
    case LM_CODEC_LZ4_HADOOP:
    case LM_CODEC_LZ4_RAW: most = 256; break;
    case LM_CODEC_GZIP: most = 1040; break;
    case LM_CODEC_ZSTD: most = 64 * LM_KIB; break;
    default: return true;
    }
    return size / most <= compressed;
}

static lm_status check_sizes(lm_read_pages *pages, lm_error *error)
{
    const lm_page_header *header = &pages->header;
    size_t compressed = (size_t)header->compressed_page_size;
    size_t size = (size_t)header->uncompressed_page_size;
    if (compressed > pages->end - pages->at)
        return lm__error_set(error, LM_CORRUPT, "a page of %zu bytes where the chunk has %llu left",
                             compressed, (unsigned long long)(pages->end - pages->at));
    if (pages->metadata->codec == LM_CODEC_UNCOMPRESSED && size != compressed)
        return lm__error_set(error, LM_CORRUPT,
                             "an uncompressed page of %zu bytes that shall be %zu", compressed,
                             size);
    if (size > pages->limits.page_bytes_max)
        return lm__error_set(error, LM_LIMIT,
                             "a page of %zu bytes when uncompressed; the limit is %zu "
                             "(page_bytes_max; --read-page-bytes)",
                             size, pages->limits.page_bytes_max);
    if (!codec_can_make(pages->metadata->codec, compressed, size))
        return lm__error_set(error, LM_CORRUPT,
                             "a page of %zu bytes cannot make %zu bytes in codec %s", compressed,
                             size, lm__codec_name(pages->metadata->codec));
    return LM_OK;
}

/* What the header says of a page that is to be read. */
static lm_status describe(lm_read_pages *pages, lm_error *error)
{
    const lm_page_header *header = &pages->header;
    lm_read_page *page = &pages->page;
    *page = (lm_read_page){.size = (size_t)header->uncompressed_page_size};
    if (header->type == LM_PARQUET_DICTIONARY_PAGE) {
        page->is_dictionary = true;
        page->encoding = header->dictionary_page_header->encoding;
        page->entries = (uint32_t)header->dictionary_page_header->num_values;
        return LM_OK;
    }
    if (header->type == LM_PARQUET_DATA_PAGE) {
        const lm_data_page_header *v1 = header->data_page_header;
        page->encoding = v1->encoding;
        page->entries = (uint32_t)v1->num_values;
        page->definition_encoding = v1->definition_level_encoding;
        page->repetition_encoding = v1->repetition_level_encoding;
    } else {
        const lm_data_page_header_v2 *v2 = header->data_page_header_v2;
        page->v2 = true;
        page->encoding = v2->encoding;
        page->entries = (uint32_t)v2->num_values;
        page->nulls = (uint32_t)v2->num_nulls;
        page->definition_encoding = page->repetition_encoding = LM_PARQUET_RLE;
    }
    if (page->entries > pages->entries_left)
        return lm__error_set(error, LM_CORRUPT, "a page of %u values where the chunk has %lld left",
                             page->entries, (long long)pages->entries_left);
    pages->entries_left -= page->entries;
    return LM_OK;
}

/* What has been read need not stay mapped. */
static void pass(lm_read_pages *pages, size_t least)
{
    if (pages->at - pages->passed_at < least) return;
    lm_source_passed(pages->source, pages->passed_at, (size_t)(pages->at - pages->passed_at));
    pages->passed_at = pages->at;
}

lm_status lm__read_pages_next(lm_read_pages *pages, bool *more, lm_error *error)
{
    for (;;) {
        *more = pages->entries_left > 0 ? !(pages->sought && pages->at >= pages->end)
                                        : pages->to_end && pages->at < pages->end;
        pass(pages, *more ? LM_PARQUET_READ_WINDOW_BYTES : 1);
        if (!*more) return LM_OK;
        if (pages->at == pages->end)
            return lm__error_set(error, LM_CORRUPT, "the chunk ends %lld values too early",
                                 (long long)pages->entries_left);
        if (lm__cancel_requested(pages->limits.cancel))
            return lm__error_set(error, LM_CANCELLED, "interrupted");
        pages->ordinal++;
        pages->header_at = pages->at;
        LM_TRY(read_header(pages, error));
        LM_TRY(check_sizes(pages, error));
        size_t compressed = (size_t)pages->header.compressed_page_size;
        int32_t type = pages->header.type;
        if (type == LM_PARQUET_DATA_PAGE || type == LM_PARQUET_DATA_PAGE_V2 ||
            type == LM_PARQUET_DICTIONARY_PAGE) {
            LM_TRY(describe(pages, error));
            if (compressed > 0) LM_TRY(chunk_bytes(pages, compressed, &pages->body, error));
            pages->at += compressed;
            return LM_OK;
        }
        pages->at += compressed;
    }
}

/* The contents. */

static lm_status check_crc(const lm_read_pages *pages, lm_error *error)
{
    const lm_page_header *header = &pages->header;
    if (!pages->limits.crc_check || !LM_HAS(header, LM_PAGE_HEADER_CRC)) return LM_OK;
    uint32_t crc = lm__crc32(0, pages->body, (size_t)header->compressed_page_size);
    if (crc == (uint32_t)header->crc) return LM_OK;
    return lm__error_set(error, LM_CORRUPT, "the page's CRC is %08x, and the header says %08x", crc,
                         (uint32_t)header->crc);
}

/* The next page's compressed bytes and the room for what they become, where it is sure to be a data
 * page that can be had; what is wrong with it is told when its turn comes. */
static bool find_next(lm_read_pages *pages, lm_snappy_block *next)
{
    lm_read_scratch *scratch = pages->scratch;
    uint64_t left = pages->end - pages->at;
    lm_page_header header;
    size_t some = left < HEADER_BYTES ? (size_t)left : HEADER_BYTES, taken, levels = 0;
    const uint8_t *bytes = lm_source_view(pages->source, pages->at, some);
    lm__arena_reset(&scratch->ahead_arena);
    if (!bytes ||
        lm__page_header_read(bytes, some, &scratch->ahead_arena, &header, &taken, NULL) != LM_OK)
        return false;
    if (header.type == LM_PARQUET_DATA_PAGE_V2) {
        const lm_data_page_header_v2 *v2 = header.data_page_header_v2;
        if (!v2->is_compressed) return false;
        levels = (size_t)v2->repetition_levels_byte_length;
        levels += (size_t)v2->definition_levels_byte_length;
    } else if (header.type != LM_PARQUET_DATA_PAGE) {
        return false;
    }
    size_t compressed = (size_t)header.compressed_page_size;
    size_t size = (size_t)header.uncompressed_page_size;
    if (compressed > left - taken || levels >= compressed || levels >= size ||
        size > pages->limits.page_bytes_max ||
        !codec_can_make(pages->metadata->codec, compressed, size) ||
        lm__read_room(&scratch->ahead, size) != LM_OK)
        return false;
    bytes = lm_source_view(pages->source, pages->at + taken, compressed);
    if (!bytes) return false;
    *next =
        (lm_snappy_block){bytes + levels, compressed - levels, scratch->ahead.data, size - levels};
    return true;
}

/* The page and the next one; false leaves the page to be decompressed by itself. */
static bool decompress_two(lm_read_pages *pages, const lm_snappy_block *page)
{
    lm_snappy_block next;
    if (!pages->next_too || pages->metadata->codec != LM_CODEC_SNAPPY ||
        !lm__snappy_gains_by_two() || !find_next(pages, &next) ||
        !lm__snappy_decompress_two(page, &next))
        return false;
    pages->ahead = next.src;
    pages->ahead_size = next.size;
    return true;
}

/* What was decompressed with the page before. */
static void take_ahead(lm_read_pages *pages, uint8_t *to, size_t size)
{
    lm_read_scratch *scratch = pages->scratch;
    if (to != scratch->page.data) {
        memcpy(to, scratch->ahead.data, size);
        return;
    }
    lm_buffer page = scratch->page;
    scratch->page = scratch->ahead;
    scratch->ahead = page;
}

/* Sets *bytes to `size` bytes that body[0, compressed) holds. */
static lm_status decompress(lm_read_pages *pages, const uint8_t *body, size_t compressed,
                            size_t size, lm_bytes *bytes, lm_error *error)
{
    lm_buffer *buffer = &pages->scratch->page;
    if (pages->metadata->codec == LM_CODEC_UNCOMPRESSED) {
        *bytes = lm__bytes(body, compressed);
        return LM_OK;
    }
    *bytes = lm__bytes(NULL, 0);
    if (size == 0) return LM_OK;
    uint8_t *to = pages->into;
    if (!to) {
        if (lm__read_room(buffer, size) != LM_OK) return lm__error_memory(error, "reading a page");
        to = buffer->data;
    }
    bool is_there = pages->ahead == body && pages->ahead_size == size;
    pages->ahead = NULL;
    if (is_there) {
        take_ahead(pages, to, size);
        *bytes = lm__bytes(pages->into ? to : buffer->data, size);
        return LM_OK;
    }
    *bytes = lm__bytes(to, size);
    if (decompress_two(pages, &(lm_snappy_block){body, compressed, to, size})) return LM_OK;
    return lm__codec_decompress(pages->scratch->codec, pages->metadata->codec, body, compressed, to,
                                size, error);
}

/* Takes the levels of one kind off the front of a v1 page's bytes (README.md, "Data Pages"). */
static lm_status take_levels(lm_bytes *rest, uint32_t entries, uint8_t level_max, int32_t encoding,
                             lm_bytes *levels, lm_error *error)
{
    size_t size;
    *levels = lm__bytes(NULL, 0);
    if (level_max == 0) return LM_OK;
    if (encoding == LM_PARQUET_RLE) {
        if (rest->size < 4 || lm__load32(rest->data) > rest->size - 4)
            return lm__error_set(error, LM_CORRUPT, "levels that are longer than their page");
        size = lm__load32(rest->data);
        rest->data += 4;
        rest->size -= 4;
    } else if (encoding == LM_PARQUET_BIT_PACKED) {
        unsigned width = 32 - (unsigned)__builtin_clz(level_max);
        size = (size_t)(((uint64_t)entries * width + 7) / 8);
        if (size > rest->size)
            return lm__error_set(error, LM_CORRUPT, "levels that are longer than their page");
    } else {
        const char *name = lm__parquet_encoding_name(encoding);
        return lm__error_set(error, LM_UNSUPPORTED, "levels in encoding %d (%s)", encoding,
                             name ? name : "unknown");
    }
    *levels = lm__bytes(rest->data, size);
    rest->data += size;
    rest->size -= size;
    return LM_OK;
}

static lm_status load_v1(lm_read_pages *pages, lm_error *error)
{
    lm_read_page *page = &pages->page;
    lm_bytes rest;
    LM_TRY(decompress(pages, pages->body, (size_t)pages->header.compressed_page_size, page->size,
                      &rest, error));
    if (!page->is_dictionary) {
        LM_TRY(take_levels(&rest, page->entries, pages->leaf->repetition, page->repetition_encoding,
                           &page->repetitions, error));
        LM_TRY(take_levels(&rest, page->entries, pages->leaf->definition, page->definition_encoding,
                           &page->definitions, error));
    }
    page->values = rest;
    return LM_OK;
}

/* Levels stand uncompressed before the values ("DataPageHeaderV2"). */
static lm_status load_v2(lm_read_pages *pages, lm_error *error)
{
    const lm_data_page_header_v2 *v2 = pages->header.data_page_header_v2;
    lm_read_page *page = &pages->page;
    size_t compressed = (size_t)pages->header.compressed_page_size;
    size_t repetitions = (size_t)v2->repetition_levels_byte_length;
    size_t definitions = (size_t)v2->definition_levels_byte_length;
    size_t levels = repetitions + definitions;
    if (levels > compressed || levels > page->size)
        return lm__error_set(error, LM_CORRUPT, "levels that are longer than their page");
    page->repetitions = lm__bytes(pages->body, pages->leaf->repetition ? repetitions : 0);
    page->definitions =
        lm__bytes(pages->body + repetitions, pages->leaf->definition ? definitions : 0);
    const uint8_t *body = pages->body + levels;
    if (!v2->is_compressed) {
        page->values = lm__bytes(body, compressed - levels);
        return LM_OK;
    }
    return decompress(pages, body, compressed - levels, page->size - levels, &page->values, error);
}

void lm__read_pages_seek(lm_read_pages *pages, uint64_t offset)
{
    pass(pages, LM_PARQUET_READ_WINDOW_BYTES);
    pages->at = pages->passed_at = offset;
    pages->entries_left = pages->metadata->num_values;
    pages->sought = true;
}

lm_status lm__read_pages_load(lm_read_pages *pages, lm_error *error)
{
    if (pages->limits.tally) {
        lm_read_tally *tally = pages->limits.tally;
        atomic_fetch_add_explicit(&tally->pages, 1, memory_order_relaxed);
        atomic_fetch_add_explicit(&tally->bytes, (unsigned)pages->header.compressed_page_size,
                                  memory_order_relaxed);
    }
    if (pages->header.compressed_page_size == 0) pages->body = lm__bytes(NULL, 0).data;
    LM_TRY(check_crc(pages, error));
    return pages->page.v2 ? load_v2(pages, error) : load_v1(pages, error);
}

lm_status lm__read_pages_load_into(lm_read_pages *pages, uint8_t *to, lm_error *error)
{
    pages->into = to;
    lm_status status = lm__read_pages_load(pages, error);
    pages->into = NULL;
    return status;
}
