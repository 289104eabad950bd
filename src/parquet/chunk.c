/* Making a column chunk; see chunk.h. */
#include "parquet/chunk.h"

#include <string.h>

#include "base/alloc.h"
#include "base/cancel.h"
#include "base/error.h"
#include "parquet/values.h"

lm_status lm__scratch_new(const lm_allocator *allocator, lm_scratch **out, lm_error *error)
{
    lm_scratch *scratch = lm__alloc_zero(allocator, sizeof *scratch);
    if (!scratch) return lm__error_memory(error, "starting a writer");
    scratch->allocator = allocator;
    lm__buffer_init(&scratch->page, allocator, 0);
    lm__buffer_init(&scratch->dense, allocator, 0);
    lm__buffer_init(&scratch->header, allocator, 0);
    lm__arena_init(&scratch->levels, allocator, 0);
    lm_status status = lm__codec_context_new(allocator, &scratch->codec, error);
    if (status != LM_OK) {
        lm__scratch_free(scratch);
        return status;
    }
    *out = scratch;
    return LM_OK;
}

void lm__scratch_free(lm_scratch *scratch)
{
    if (!scratch) return;
    lm__codec_context_free(scratch->codec);
    lm__buffer_deinit(&scratch->page);
    lm__buffer_deinit(&scratch->dense);
    lm__buffer_deinit(&scratch->header);
    lm__arena_deinit(&scratch->levels);
    lm__free_aligned(scratch->allocator, scratch->indices);
    lm__free(scratch->allocator, scratch);
}

void lm__chunk_init(lm_chunk *chunk, const lm_leaf *leaf, const lm_parquet_options *options)
{
    *chunk = (lm_chunk){.leaf = leaf, .options = options, .distinct = -1};
    lm__arena_init(&chunk->arena, options->allocator, 0);
    lm__buffer_init(&chunk->out, options->allocator, 0);
}

void lm__chunk_deinit(lm_chunk *chunk)
{
    lm__dict_free(chunk->dict);
    lm__bloom_deinit(&chunk->bloom);
    lm__buffer_deinit(&chunk->out);
    lm__arena_deinit(&chunk->arena);
}

static int32_t plain_encoding(const lm_leaf *leaf)
{
    if (leaf->encoding == LM_ENCODING_AUTO || leaf->encoding == LM_ENCODING_RLE_DICTIONARY)
        return LM_PARQUET_PLAIN;
    return (int32_t)leaf->encoding;
}

/* What an entry takes in a page, on the average, times 1024. */
static size_t entry_cost(const lm_chunk *chunk, bool by_dictionary)
{
    const lm_shredded *shredded = &chunk->shredded;
    size_t entries = shredded->entries ? shredded->entries : 1;
    if (by_dictionary) return (chunk->index_width + 1) * 128;
    if (chunk->leaf->store == LM_STORE_BITS) return 256;
    if (chunk->leaf->width)
        return (shredded->slots - shredded->nulls) * chunk->leaf->width * 1024 / entries + 128;
    double bytes = 0;
    for (size_t i = 0; i < shredded->piece_count; i++) {
        const lm_piece *piece = &shredded->pieces[i];
        bytes += (double)lm__strings_bytes(&piece->strings,
                                           piece->nulls ? piece->valid : LM_BITS_ALL, piece->count);
    }
    return (size_t)(bytes / (double)entries * 1024) + 4 * 1024;
}

/* Where pages begin: what has been given out so far. */
typedef struct page_plan {
    size_t entry, row;
    lm_cursor cursor;
    size_t wanted_coded, wanted_plain; /* entries of a page, with the dictionary and without */
} page_plan;

static size_t wanted_entries(const lm_chunk *chunk, bool by_dictionary)
{
    size_t wanted = chunk->options->page_bytes_max * 1024 / entry_cost(chunk, by_dictionary);
    return wanted ? wanted : 1;
}

static size_t count_rows(const lm_shredded *shredded, size_t first, size_t entries)
{
    if (!shredded->repetitions) return entries;
    return lm__bytes_count_equal(shredded->repetitions + first, entries, 0);
}

/* Where the row after the first `rows` rows begins: block by block, then entry by entry. */
static size_t rows_end(const uint8_t *repetitions, size_t count, size_t rows)
{
    enum { BLOCK = 1024 };
    size_t at = 0;
    while (count - at > BLOCK) {
        size_t here = lm__bytes_count_equal(repetitions + at, BLOCK, 0);
        if (here > rows) break;
        rows -= here;
        at += BLOCK;
    }
    for (; at < count; at++)
        if (!repetitions[at] && rows-- == 0) return at;
    return count;
}

/* The entries of a page that wants `wanted` of them and at most `rows_max` rows: whole rows, at
 * least one. */
static size_t whole_rows(const lm_shredded *shredded, size_t first, size_t wanted, size_t rows_max)
{
    size_t left = shredded->entries - first;
    if (!shredded->repetitions) {
        if (wanted > rows_max) wanted = rows_max;
        return wanted < left ? wanted : left;
    }
    const uint8_t *repetitions = shredded->repetitions + first;
    if (wanted > left) wanted = left;
    if (count_rows(shredded, first, wanted) > rows_max)
        return rows_end(repetitions, wanted, rows_max);
    const uint8_t *next = wanted < left ? memchr(repetitions + wanted, 0, left - wanted) : NULL;
    return next ? (size_t)(next - repetitions) : left;
}

/* How many of the entries have a slot. */
static size_t count_slots(const lm_chunk *chunk, size_t first, size_t entries)
{
    const lm_shredded *shredded = &chunk->shredded;
    if (shredded->kind != LM_LEVELS_ARRAYS) return entries;
    const lm_leaf *leaf = chunk->leaf;
    /* A slot is there from the level of the last list or struct on; the leaf's own null is one
     * below the most. */
    uint8_t least = (uint8_t)(leaf->definition_max - leaf->steps[leaf->step_count - 1].optional);
    return lm__bytes_count_least(shredded->definitions + first, entries, least);
}

static size_t strings_bytes_ahead(const lm_chunk *chunk, lm_cursor cursor, size_t slots)
{
    size_t bytes = 0;
    while (slots) {
        lm_span span = lm__cursor_next(chunk, &cursor, slots);
        lm_strings strings = lm__strings_skip(span.piece->strings, span.from);
        lm_bits valid =
            span.piece->nulls ? lm__bits_skip(span.piece->valid, span.from) : LM_BITS_ALL;
        bytes += lm__strings_bytes(&strings, valid, span.count);
        slots -= span.count;
    }
    return bytes;
}

static lm_page_record *add_page(lm_chunk *chunk)
{
    if (!lm__arena_room(&chunk->arena, &chunk->pages, &chunk->page_capacity, chunk->page_count + 1,
                        sizeof *chunk->pages))
        return NULL;
    lm_page_record *page = &chunk->pages[chunk->page_count++];
    memset(page, 0, sizeof *page);
    return page;
}

/* Entries of the dictionary, as the bounds of byte strings want them. */
static lm_status dictionary_entries(lm_chunk *chunk, lm_error *error)
{
    size_t count = lm__dict_count(chunk->dict), size;
    const uint8_t *at = lm__dict_bytes(chunk->dict, &size);
    lm_bytes *entries = lm__arena_array(&chunk->arena, count, sizeof *entries);
    uint8_t *copy = lm__arena_aligned(&chunk->arena, 1, size);
    if (!entries || !copy) return lm__error_memory(error, "keeping statistics");
    memcpy(copy, at, size);
    for (size_t i = 0; i < count; i++) {
        uint32_t length = lm__load32(copy);
        entries[i] = lm__bytes(copy + 4, length);
        copy += 4 + length;
    }
    chunk->entries = entries;
    return LM_OK;
}

/* Only the entries that the page uses are compared: far fewer than its values. */
static lm_status bounds_by_dictionary(lm_chunk *chunk, lm_page_record *page, size_t value,
                                      lm_scratch *scratch, lm_error *error)
{
    size_t count = lm__dict_count(chunk->dict);
    if (!chunk->entries) LM_TRY(dictionary_entries(chunk, error));
    lm__buffer_clear(&scratch->dense);
    if (lm__buffer_reserve(&scratch->dense, count) != LM_OK)
        return lm__error_memory(error, "keeping statistics");
    uint8_t *used = scratch->dense.data;
    memset(used, 0, count);
    const uint32_t *indices = scratch->indices + value;
    for (size_t i = 0; i < page->values; i++) used[indices[i]] = 1;
    for (size_t i = 0; i < count; i++) {
        if (!used[i]) continue;
        lm_bounds one = {.there = true, .min = chunk->entries[i], .max = chunk->entries[i]};
        lm__bounds_merge(chunk->leaf, &page->bounds, &one);
    }
    return LM_OK;
}

static size_t values_ahead(const lm_chunk *chunk, lm_cursor cursor, size_t slots)
{
    size_t from = cursor.value;
    while (slots) slots -= lm__cursor_next(chunk, &cursor, slots).count;
    return cursor.value - from;
}

static lm_status page_statistics(lm_chunk *chunk, lm_page_record *page, lm_cursor cursor,
                                 lm_scratch *scratch, lm_error *error)
{
    bool is_string = chunk->leaf->store == LM_STORE_STRINGS;
    if (is_string && chunk->options->size_statistics)
        page->unencoded_bytes = strings_bytes_ahead(chunk, cursor, page->slots);
    if (!chunk->leaf->statistics) return LM_OK;
    page->values = values_ahead(chunk, cursor, page->slots);
    bool by_dictionary = is_string && page->encoding == LM_PARQUET_RLE_DICTIONARY &&
                         lm__dict_count(chunk->dict) < page->values / 4;
    if (by_dictionary) LM_TRY(bounds_by_dictionary(chunk, page, cursor.value, scratch, error));
    for (size_t left = by_dictionary ? 0 : page->slots; left;) {
        lm_span span = lm__cursor_next(chunk, &cursor, left);
        lm_bounds bounds;
        LM_TRY(lm__bounds_of(chunk->leaf, span.piece, span.from, span.count, &chunk->arena, &bounds,
                             error));
        lm__bounds_merge(chunk->leaf, &page->bounds, &bounds);
        left -= span.count;
    }
    lm__bounds_merge(chunk->leaf, &chunk->bounds, &page->bounds);
    return LM_OK;
}

/* One page, from where the plan stands. */
static lm_status make_page(lm_chunk *chunk, page_plan *plan, lm_scratch *scratch, lm_error *error)
{
    const lm_parquet_options *options = chunk->options;
    bool by_dictionary = plan->cursor.value < chunk->dictionary_values;
    size_t wanted = by_dictionary ? plan->wanted_coded : plan->wanted_plain;
    size_t rows_max = (size_t)options->page_rows_max, entries, slots;
    for (;; wanted = (wanted + 1) / 2) {
        entries = whole_rows(&chunk->shredded, plan->entry, wanted, rows_max);
        slots = count_slots(chunk, plan->entry, entries);
        lm_cursor end = plan->cursor;
        for (size_t left = slots; left;) left -= lm__cursor_next(chunk, &end, left).count;
        /* The dictionary ends within a page: make it smaller until it ends there. */
        bool straddles = by_dictionary && end.value > chunk->dictionary_values;
        bool large = !by_dictionary && chunk->leaf->store == LM_STORE_STRINGS &&
                     strings_bytes_ahead(chunk, plan->cursor, slots) > 2 * options->page_bytes_max;
        if ((!straddles && !large) || wanted <= 1) {
            by_dictionary = by_dictionary && !straddles;
            break;
        }
    }
    lm_page_record *page = add_page(chunk);
    if (!page) return lm__error_memory(error, "making pages");
    page->encoding = by_dictionary ? LM_PARQUET_RLE_DICTIONARY : plain_encoding(chunk->leaf);
    page->first_row = plan->row;
    page->entries = entries;
    page->slots = slots;
    page->rows = count_rows(&chunk->shredded, plan->entry, entries);
    LM_TRY(page_statistics(chunk, page, plan->cursor, scratch, error));
    LM_TRY(lm__page_data(chunk, page, plan->entry, &plan->cursor, scratch, error));
    plan->entry += entries;
    plan->row += page->rows;
    chunk->values += page->values;
    return LM_OK;
}

/* Every distinct value of the chunk goes into the filter: the dictionary's, and those of pages
 * without it. */
static lm_status make_bloom(lm_chunk *chunk, lm_scratch *scratch, lm_error *error)
{
    const lm_leaf *leaf = chunk->leaf;
    size_t values = chunk->shredded.slots - chunk->shredded.nulls;
    if (!leaf->bloom || values == 0) return LM_OK;
    uint64_t distinct = leaf->bloom_distinct   ? (uint64_t)leaf->bloom_distinct
                        : chunk->distinct >= 0 ? (uint64_t)chunk->distinct
                                               : values;
    LM_TRY(lm__bloom_init(&chunk->bloom, chunk->options->allocator,
                          lm__bloom_bytes(distinct, leaf->bloom_false_share, 0), error));
    lm_cursor cursor = {0};
    for (size_t left = chunk->shredded.slots; left;) {
        lm_span span = lm__cursor_next(chunk, &cursor, left);
        left -= span.count;
        const lm_piece *piece = span.piece;
        if (leaf->store == LM_STORE_STRINGS || leaf->physical == LM_PARQUET_FIXED_LEN_BYTE_ARRAY) {
            for (size_t i = 0; i < span.count; i++) {
                if (piece->nulls && !lm__bits_get(piece->valid, span.from + i)) continue;
                lm_slice value = lm__strings_get(&piece->strings, span.from + i);
                lm__bloom_insert_bytes(&chunk->bloom, value.data, value.size);
            }
            continue;
        }
        lm_cursor again = {.piece = cursor.piece, .slot = span.from};
        int32_t plain = LM_PARQUET_PLAIN;
        lm__buffer_clear(&scratch->page);
        LM_TRY(lm__page_values(chunk, &again, span.count, plain, scratch, error));
        if (leaf->width == 4)
            lm__bloom_insert_4(&chunk->bloom, scratch->page.data, scratch->page.size / 4);
        else
            lm__bloom_insert_8(&chunk->bloom, scratch->page.data, scratch->page.size / 8);
    }
    return LM_OK;
}

/* Level by level: there are few, and a comparison of all entries runs at the speed of memory. */
static int64_t *histogram(lm_arena *arena, const uint8_t *levels, size_t count, unsigned most)
{
    int64_t *counts = lm__arena_zero(arena, (most + 1) * sizeof *counts);
    size_t left = count;
    for (unsigned level = 0; counts && level < most; level++) {
        counts[level] = (int64_t)lm__bytes_count_equal(levels, count, (uint8_t)level);
        left -= (size_t)counts[level];
    }
    if (counts) counts[most] = (int64_t)left;
    return counts;
}

static lm_status make_histograms(lm_chunk *chunk, lm_error *error)
{
    const lm_leaf *leaf = chunk->leaf;
    const lm_shredded *shredded = &chunk->shredded;
    if (!chunk->options->size_statistics || shredded->kind != LM_LEVELS_ARRAYS ||
        leaf->definition_max <= 1)
        return LM_OK;
    chunk->definition_histogram =
        histogram(&chunk->arena, shredded->definitions, shredded->entries, leaf->definition_max);
    if (leaf->repetition_max)
        chunk->repetition_histogram = histogram(&chunk->arena, shredded->repetitions,
                                                shredded->entries, leaf->repetition_max);
    bool whole =
        chunk->definition_histogram && (chunk->repetition_histogram || !leaf->repetition_max);
    return whole ? LM_OK : lm__error_memory(error, "keeping statistics");
}

lm_status lm__chunk_make(lm_chunk *chunk, const lm_rows *rows, size_t row_ranges,
                         lm_scratch *scratch, lm_error *error)
{
    const lm_cancel *cancel = chunk->options->cancel;
    lm__arena_reset(&scratch->levels);
    LM_TRY(lm__shred(chunk->leaf, rows, row_ranges, &chunk->arena, &scratch->levels,
                     &chunk->shredded, error));
    LM_TRY(make_histograms(chunk, error));
    LM_TRY(lm__chunk_build_dictionary(chunk, scratch, error));
    if (chunk->dictionary_values) LM_TRY(lm__page_dictionary(chunk, scratch, error));
    page_plan plan = {.wanted_coded = wanted_entries(chunk, true),
                      .wanted_plain = wanted_entries(chunk, false)};
    while (plan.entry < chunk->shredded.entries) {
        if (lm__cancel_requested(cancel))
            return lm__error_set(error, LM_CANCELLED, "writing Parquet was interrupted");
        LM_TRY(make_page(chunk, &plan, scratch, error));
    }
    LM_TRY(make_bloom(chunk, scratch, error));
    lm__dict_free(chunk->dict);
    chunk->dict = NULL;
    return LM_OK;
}
