/* Levels and values of a chunk, in step; see read_column.h. */
#include "parquet/read_column.h"

#include <string.h>

#include "base/error.h"
#include "base/limits.h"
#include "parquet/read_levels.h"

_Static_assert(LM_READ_INDICES % 8 == 0, "blocks of levels keep to whole bytes of bits");

/* Invariant 3. */
static lm_status within(const lm_read_column *column, lm_status status, lm_error *error)
{
    char path[LM_READ_PATH_MAX];
    if (status == LM_OK) return LM_OK;
    lm__read_path(column->leaf, path);
    if (column->pages.ordinal < 0) return lm__error_within(error, status, "column %s", path);
    return lm__error_within(error, status, "column %s, page %lld", path,
                            (long long)column->pages.ordinal);
}

/* Levels. */

static size_t count_least(const uint8_t *levels, size_t count, uint8_t least)
{
    return lm__level_kernels(lm__cpu_level())->count(levels, count, least);
}

static lm_status start_levels(lm_read_levels *levels, uint8_t max, lm_bytes bytes, int32_t encoding,
                              uint32_t entries, lm_buffer *room, size_t room_at, lm_error *error)
{
    unsigned width = max ? 32 - (unsigned)__builtin_clz(max) : 0;
    levels->max = max;
    levels->packed = false;
    if (max == 0) return LM_OK;
    if (encoding == LM_PARQUET_RLE)
        return lm__rle_decoder_init(&levels->rle, bytes.data, bytes.size, width, error);
    uint16_t wide[LM_READ_INDICES];
    uint8_t *out = room->data + room_at;
    levels->packed = true;
    levels->bytes = out;
    for (size_t done = 0; done < entries;) {
        size_t some = entries - done < LM_READ_INDICES ? entries - done : LM_READ_INDICES, used;
        LM_TRY(lm__bit_packed_levels(bytes.data, bytes.size, some, width, wide, &used, error));
        for (size_t i = 0; i < some; i++) out[done + i] = (uint8_t)wide[i];
        bytes.data += used;
        bytes.size -= used;
        done += some;
    }
    return LM_OK;
}

/* Invariant 2. */
static lm_status get_levels(lm_read_levels *levels, uint8_t *out, size_t count, lm_error *error)
{
    if (levels->packed) {
        memcpy(out, levels->bytes, count);
        levels->bytes += count;
    } else {
        LM_TRY(lm__rle_get8(&levels->rle, out, count, error));
    }
    if ((levels->max & (levels->max + 1)) == 0) return LM_OK; /* its width allows no more */
    if (count_least(out, count, (uint8_t)(levels->max + 1)) == 0) return LM_OK;
    return lm__error_set(error, LM_CORRUPT, "a level above %u, the most that there is",
                         levels->max);
}

/* As bits, of levels that are 0 or 1. */
static lm_status get_level_bits(lm_read_levels *levels, uint8_t *bits, size_t at, size_t count,
                                size_t *ones, lm_error *error)
{
    if (!levels->packed) return lm__rle_get_bits(&levels->rle, bits, at, count, ones, error);
    *ones = 0;
    for (size_t i = 0; i < count; i++) {
        lm__bits_fill(bits, at + i, 1, levels->bytes[i] != 0);
        *ones += levels->bytes[i] != 0;
    }
    levels->bytes += count;
    return LM_OK;
}

static lm_status count_values(const lm_read_column *column, uint32_t entries, size_t *count,
                              lm_error *error)
{
    const lm_read_levels *levels = &column->definitions;
    *count = entries;
    if (levels->max == 0) return LM_OK;
    if (levels->packed) {
        *count = 0;
        for (uint32_t i = 0; i < entries; i++) *count += levels->bytes[i] == levels->max;
        return LM_OK;
    }
    lm_rle_decoder ahead = levels->rle;
    return lm__rle_skip(&ahead, entries, levels->max, count, error);
}

/* Pages. */

/* Values that lie in memory as they do in a page, and that have to be decompressed first. */
static bool is_direct(const lm_read_column *column)
{
    const lm_read_spec *spec = column->spec;
    return spec->form == LM_FORM_FIXED && spec->convert == LM_CONVERT_NONE && spec->width > 0 &&
           column->pages.metadata->codec != LM_CODEC_UNCOMPRESSED;
}

static lm_status load_dictionary(lm_read_column *column, lm_error *error)
{
    lm_read_pages *pages = &column->pages;
    lm_read_vector *dictionary = &column->dictionary;
    size_t entries = pages->page.entries, width = column->spec->width;
    if (column->has_dictionary) return lm__error_set(error, LM_CORRUPT, "a second dictionary page");
    if (is_direct(column) && entries == pages->page.size / width && pages->page.size % width == 0) {
        lm__read_vector_clear(dictionary);
        dictionary->expected = entries;
        LM_TRY(lm__read_vector_reserve(dictionary, entries, error));
        LM_TRY(lm__read_pages_load_into(pages, dictionary->values, error));
    } else {
        LM_TRY(lm__read_pages_load(pages, error));
    }
    column->has_dictionary = true;
    return lm__read_dictionary_load(dictionary, column->spec, &pages->page, column->scratch, error);
}

/* A page that the call under way wants whole is decompressed to where its values shall lie, so that
 * there is nothing to copy (decoding finds them in place). Where levels stand before them they are
 * taken to be as long as the last page's, and what lies before is put back; if they are not, the
 * page is moved to where it would have been. */
static lm_status load_direct(lm_read_column *column, bool *done, lm_error *error)
{
    lm_read_pages *pages = &column->pages;
    lm_read_page *page = &pages->page;
    lm_read_vector *target = column->target;
    size_t head = page->v2 || column->leaf->definition == 0 ? 0 : column->head_size;
    uint8_t before[LM_READ_HEAD_MAX];
    *done = false;
    if (!target || target->coded || column->target_rows < page->entries ||
        page->encoding != LM_PARQUET_PLAIN || !is_direct(column) ||
        (page->v2 && !pages->header.data_page_header_v2->is_compressed))
        return LM_OK;
    if (column->leaf->definition && !page->v2 && head == 0) return LM_OK;
    LM_TRY(lm__read_vector_reserve(target, page->entries, error));
    size_t used = target->count * target->width;
    size_t room = (target->capacity - target->count) * target->width;
    if (head > used || page->size > room + head) return LM_OK;
    uint8_t *values = target->values + used, *to = values - head;
    memcpy(before, to, head);
    LM_TRY(lm__read_pages_load_into(pages, to, error));
    *done = true;
    if (head == 0) return LM_OK;
    if (page->values.data == values && page->definitions.size <= head) {
        memcpy(column->head, page->definitions.data, page->definitions.size);
        page->definitions.data = column->head;
    } else {
        lm_buffer *aside = &column->scratch->page;
        if (lm__read_room(aside, page->size) != LM_OK)
            return lm__error_memory(error, "reading a page");
        memcpy(aside->data, to, page->size);
        page->values.data = aside->data + (page->values.data - to);
        page->definitions.data = aside->data + (page->definitions.data - to);
    }
    memcpy(to, before, head);
    return LM_OK;
}

static lm_status load_page(lm_read_column *column, lm_error *error)
{
    lm_read_page *page = &column->pages.page;
    bool done;
    column->pages.next_too = column->target && column->target_rows > page->entries;
    LM_TRY(load_direct(column, &done, error));
    if (!done) LM_TRY(lm__read_pages_load(&column->pages, error));
    size_t head = page->size - page->values.size;
    column->head_size = page->v2 || head > LM_READ_HEAD_MAX ? 0 : head;
    return LM_OK;
}

/* A seek passed the dictionary over: the first page that has indices goes back for it. */
static lm_status fetch_dictionary(lm_read_column *column, lm_error *error)
{
    lm_read_pages *pages = &column->pages;
    uint64_t page_at = pages->header_at;
    bool more;
    lm__read_pages_seek(pages, column->dictionary_at);
    column->dictionary_at = 0;
    LM_TRY(lm__read_pages_next(pages, &more, error));
    if (more && pages->page.is_dictionary) LM_TRY(load_dictionary(column, error));
    lm__read_pages_seek(pages, page_at);
    return lm__read_pages_next(pages, &more, error);
}

static lm_status start_page(lm_read_column *column, lm_error *error)
{
    const lm_read_page *page = &column->pages.page;
    lm_buffer *room = &column->scratch->levels;
    size_t count = 0;
    if (column->dictionary_at && lm__read_is_indices(page->encoding))
        LM_TRY(fetch_dictionary(column, error));
    LM_TRY(load_page(column, error));
    bool packed = page->repetition_encoding == LM_PARQUET_BIT_PACKED ||
                  page->definition_encoding == LM_PARQUET_BIT_PACKED;
    if (packed && lm__read_room(room, 2 * (size_t)page->entries + 1) != LM_OK)
        return lm__error_memory(error, "reading levels");
    LM_TRY(start_levels(&column->repetitions, column->leaf->repetition, page->repetitions,
                        page->repetition_encoding, page->entries, room, 0, error));
    LM_TRY(start_levels(&column->definitions, column->leaf->definition, page->definitions,
                        page->definition_encoding, page->entries, room, page->entries, error));
    if (lm__read_values_need_count(page->encoding))
        LM_TRY(count_values(column, page->entries, &count, error));
    LM_TRY(lm__read_values_start(
        &column->values, page, column->has_dictionary ? &column->dictionary : NULL, count, error));
    column->entries_left = page->entries;
    return LM_OK;
}

/* A page with entries left, or the end. */
static lm_status next_page(lm_read_column *column, lm_error *error)
{
    while (column->entries_left == 0 && !column->ended) {
        bool more;
        LM_TRY(lm__read_pages_next(&column->pages, &more, error));
        if (!more)
            column->ended = true;
        else if (column->pages.page.is_dictionary)
            LM_TRY(load_dictionary(column, error));
        else
            LM_TRY(start_page(column, error));
    }
    return LM_OK;
}

lm_status lm__read_column_open(lm_read_column *column, lm_source *source, const lm_read_node *leaf,
                               const lm_column_metadata *metadata, lm_writer_oddities oddities,
                               const lm_read_spec *spec, const lm_read_limits *limits,
                               lm_read_scratch *scratch, lm_error *error)
{
    *column = (lm_read_column){.leaf = leaf, .spec = spec, .scratch = scratch, .pages.ordinal = -1};
    lm__read_dictionary_init(&column->dictionary, scratch->allocator, spec);
    lm__read_values_init(&column->values, scratch->allocator, spec, oddities.prefixes_go_on,
                         scratch);
    lm__read_vector_take_kept(&column->dictionary, &scratch->dictionary);
    lm__read_vector_take_kept(&column->values.held, &scratch->held);
    scratch->window.size = 0;
    lm_status status = lm__read_check_leaf(leaf, error);
    if (status == LM_OK)
        status = lm__read_pages_open(&column->pages, source, leaf, metadata, oddities, limits,
                                     scratch, error);
    return within(column, status, error);
}

void lm__read_column_close(lm_read_column *column)
{
    lm__read_vector_give_kept(&column->dictionary, &column->scratch->dictionary);
    lm__read_vector_give_kept(&column->values.held, &column->scratch->held);
}

/* Flat. */

static lm_status flat_part(lm_read_column *column, size_t count, lm_read_vector *vector,
                           lm_error *error)
{
    size_t present = count;
    LM_TRY(lm__read_vector_reserve(vector, count, error));
    if (column->leaf->definition)
        LM_TRY(get_level_bits(&column->definitions, vector->validity, vector->count, count,
                              &present, error));
    LM_TRY(lm__read_values_read(&column->values, present, vector, error));
    LM_TRY(lm__read_vector_expand(vector, present, count, column->scratch, error));
    column->entries_left -= (uint32_t)count;
    return LM_OK;
}

lm_status lm__read_column_flat(lm_read_column *column, size_t rows, lm_read_vector *vector,
                               size_t *got, lm_error *error)
{
    *got = 0;
    while (*got < rows) {
        column->target = vector;
        column->target_rows = rows - *got;
        lm_status status = next_page(column, error);
        column->target = NULL;
        LM_TRY(within(column, status, error));
        if (column->ended) break;
        size_t left = rows - *got, count = column->entries_left;
        if (count > left) count = left;
        LM_TRY(within(column, flat_part(column, count, vector, error), error));
        *got += count;
    }
    return LM_OK;
}

/* Blocks. */

/* The next levels of the page, into the scratch. */
static lm_status fill_block(lm_read_column *column, lm_error *error)
{
    LM_TRY(next_page(column, error));
    size_t count = column->entries_left < LM_READ_INDICES ? column->entries_left : LM_READ_INDICES;
    if (column->leaf->repetition)
        LM_TRY(get_levels(&column->repetitions, column->scratch->repetitions, count, error));
    if (column->leaf->definition)
        LM_TRY(get_levels(&column->definitions, column->scratch->definitions, count, error));
    if (count && !column->begun && column->leaf->repetition && column->scratch->repetitions[0])
        return lm__error_set(error, LM_CORRUPT, "the first entry continues a row");
    if (count) column->begun = true;
    column->entries_left -= (uint32_t)count;
    column->block_at = 0;
    column->block_size = count;
    return LM_OK;
}

/* How many entries up to the one that begins a row too many, and how many rows they begin. */
static size_t whole_rows(const uint8_t *repetitions, size_t entries, size_t rows, size_t *begun)
{
    size_t i = 0, seen = entries - count_least(repetitions, entries, 1);
    *begun = seen;
    if (seen <= rows) return entries;
    for (seen = 0; i < entries; i++) {
        if (repetitions[i] != 0) continue;
        if (seen == rows) break;
        seen++;
    }
    *begun = seen;
    return i;
}

lm_status lm__read_column_block(lm_read_column *column, size_t rows, lm_read_block *block,
                                lm_error *error)
{
    const lm_read_node *leaf = column->leaf;
    lm_read_scratch *scratch = column->scratch;
    if (column->block_at == column->block_size) {
        if (rows == 0 && leaf->repetition == 0) {
            *block = (lm_read_block){0};
            return LM_OK;
        }
        LM_TRY(within(column, fill_block(column, error), error));
    }
    *block = (lm_read_block){.entries = column->block_size - column->block_at};
    if (leaf->repetition) {
        block->repetitions = scratch->repetitions + column->block_at;
        block->entries = whole_rows(block->repetitions, block->entries, rows, &block->rows);
    } else {
        if (block->entries > rows) block->entries = rows;
        block->rows = block->entries;
    }
    block->values = block->entries;
    if (leaf->definition) {
        block->definitions = scratch->definitions + column->block_at;
        block->values = count_least(block->definitions, block->entries, leaf->definition);
    }
    column->block_at += block->entries;
    return LM_OK;
}

lm_status lm__read_column_values(lm_read_column *column, size_t values, size_t slots,
                                 lm_read_vector *vector, lm_error *error)
{
    lm_status status = lm__read_vector_reserve(vector, slots, error);
    if (status == LM_OK) status = lm__read_values_read(&column->values, values, vector, error);
    return within(column, status, error);
}

/* Entries of the page at hand that are rows too. */
static lm_status skip_in_page(lm_read_column *column, size_t count, lm_error *error)
{
    lm_read_levels *levels = &column->definitions;
    size_t present = count;
    if (levels->max && levels->packed) {
        present = 0;
        for (size_t i = 0; i < count; i++) present += levels->bytes[i];
        levels->bytes += count;
    } else if (levels->max) {
        LM_TRY(lm__rle_skip(&levels->rle, count, 1, &present, error));
    }
    column->entries_left -= (uint32_t)count;
    return lm__read_values_skip(&column->values, present, error);
}

bool lm__read_column_goes_on(const lm_read_column *column)
{
    return column->values.prefixes_go_on &&
           column->pages.page.encoding == LM_PARQUET_DELTA_BYTE_ARRAY;
}

/* Without levels to look at, whole pages are passed over unread. */
static lm_status skip_flat(lm_read_column *column, size_t rows, size_t *got, lm_error *error)
{
    while (*got < rows && !column->ended) {
        size_t left = rows - *got;
        if (column->entries_left > 0) {
            size_t count = column->entries_left < left ? column->entries_left : left;
            LM_TRY(skip_in_page(column, count, error));
            *got += count;
            continue;
        }
        bool more;
        LM_TRY(lm__read_pages_next(&column->pages, &more, error));
        if (!more)
            column->ended = true;
        else if (column->pages.page.is_dictionary)
            LM_TRY(load_dictionary(column, error));
        else if (column->pages.page.entries <= left && !lm__read_column_goes_on(column))
            *got += column->pages.page.entries;
        else
            LM_TRY(start_page(column, error));
    }
    return LM_OK;
}

lm_status lm__read_column_skip(lm_read_column *column, size_t rows, size_t *got, lm_error *error)
{
    *got = 0;
    for (;;) {
        lm_read_block block;
        if (lm__read_is_flat(column->leaf) && column->block_at == column->block_size)
            return within(column, skip_flat(column, rows, got, error), error);
        LM_TRY(lm__read_column_block(column, rows - *got, &block, error));
        if (block.entries == 0) return LM_OK;
        *got += block.rows;
        LM_TRY(within(column, lm__read_values_skip(&column->values, block.values, error), error));
    }
}

lm_status lm__read_column_dictionary(lm_read_column *column, lm_error *error)
{
    bool more;
    LM_TRY(within(column, lm__read_pages_next(&column->pages, &more, error), error));
    if (!more || !column->pages.page.is_dictionary) return LM_OK;
    return within(column, load_dictionary(column, error), error);
}

lm_status lm__read_column_seek(lm_read_column *column, uint64_t first, uint64_t offset,
                               lm_error *error)
{
    lm_read_pages *pages = &column->pages;
    if (!column->has_dictionary && pages->ordinal < 0 && pages->at < first)
        column->dictionary_at = pages->at;
    if (offset < first || offset >= pages->end)
        return within(column,
                      lm__error_set(error, LM_CORRUPT, "a page at %llu, outside of its chunk",
                                    (unsigned long long)offset),
                      error);
    lm__buffer_clear(&column->scratch->before);
    column->entries_left = 0;
    column->block_at = column->block_size = 0;
    column->ended = column->begun = false;
    lm__read_pages_seek(pages, offset);
    return LM_OK;
}

lm_status lm__read_column_end(lm_read_column *column, lm_error *error)
{
    LM_TRY(within(column, next_page(column, error), error));
    if (column->ended && column->block_at == column->block_size) return LM_OK;
    return within(
        column, lm__error_set(error, LM_CORRUPT, "more values than the row group has rows"), error);
}
