/*
 * Going through a chunk: first its pages by their headers, then decoded, block by block. What is
 * wrong with a value is told here, since nobody keeps the values.
 */
#include <string.h>

#include "base/alloc.h"
#include "base/error.h"
#include "base/limits.h"
#include "base/utf8.h"
#include "encode/bits.h"
#include "parquet/verify.h"

/* Of the page at hand. */
typedef struct page_state {
    lm_verifier *v;
    lm_read_column column;
    lm_read_vector values;
    lm_buffer min, max;
    lm_page_facts *page;                    /* NULL before the first */
    uint8_t list[LM_PARQUET_DEPTH_MAX + 1]; /* the definition of the list that a repetition level
                                               continues */
    uint8_t last_definition;
    int64_t bad_text, not_in_bloom;
    /* sorting */
    bool sorted, descending, nulls_first, value_seen, null_seen, out_of_order;
    lm_buffer last_value;
} page_state;

/* Headers. */

static const lm_statistics *keep_statistics(lm_verifier *v, const lm_statistics *statistics)
{
    lm_statistics *kept = lm__arena_alloc(&v->arena, sizeof *kept);
    if (!kept) return NULL;
    *kept = *statistics;
    lm_bytes *bytes[] = {&kept->min, &kept->max, &kept->min_value, &kept->max_value};
    for (size_t i = 0; i < sizeof bytes / sizeof *bytes; i++) {
        if (!bytes[i]->data) continue;
        uint8_t *copy = lm__arena_alloc(&v->arena, bytes[i]->size + 1);
        if (!copy) return NULL;
        memcpy(copy, bytes[i]->data, bytes[i]->size);
        bytes[i]->data = copy;
    }
    return kept;
}

static int64_t *new_histogram(lm_verifier *v, uint8_t level_max)
{
    return lm__arena_zero(&v->arena, ((size_t)level_max + 1) * sizeof(int64_t));
}

static lm_status facts_init(lm_verifier *v, lm_facts *facts)
{
    *facts = (lm_facts){0};
    if (v->leaf->definition) facts->definitions = new_histogram(v, v->leaf->definition);
    if (v->leaf->repetition) facts->repetitions = new_histogram(v, v->leaf->repetition);
    if ((v->leaf->definition && !facts->definitions) ||
        (v->leaf->repetition && !facts->repetitions))
        return lm__error_memory(v->error, "verifying a chunk");
    return LM_OK;
}

static lm_status add_page(lm_verifier *v, const lm_read_pages *pages)
{
    const lm_page_header *header = &pages->header;
    if (!lm__array_room(v->reader->allocator, &v->pages, &v->page_capacity, v->page_count + 1,
                        sizeof *v->pages))
        return lm__error_memory(v->error, "verifying a chunk");
    lm_page_facts *page = &v->pages[v->page_count++];
    *page = (lm_page_facts){
        .ordinal = pages->ordinal,
        .offset = pages->header_at,
        .size = (size_t)(pages->at - pages->header_at),
        .v2 = pages->page.v2,
        .header_entries = pages->page.entries,
    };
    const lm_statistics *statistics;
    if (page->v2) {
        page->header_nulls = header->data_page_header_v2->num_nulls;
        page->header_rows = header->data_page_header_v2->num_rows;
        statistics = header->data_page_header_v2->statistics;
    } else {
        statistics = header->data_page_header->statistics;
    }
    if (statistics && !(page->statistics = keep_statistics(v, statistics)))
        return lm__error_memory(v->error, "verifying a chunk");
    return facts_init(v, &page->facts);
}

static int32_t counted_type(int32_t page_type)
{
    if (page_type == LM_PARQUET_DATA_PAGE_V2) return LM_PARQUET_DATA_PAGE;
    return page_type == LM_PARQUET_DATA_PAGE || page_type == LM_PARQUET_DICTIONARY_PAGE ? page_type
                                                                                        : -1;
}

/* Encodings as the footer counts them, page by page (PageEncodingStats). parquet-cpp calls data
 * pages of version 2 those of version 1 there: both count as one. */
static void check_encodings(lm_verifier *v, const int64_t counts[3][LM_PARQUET_ALP + 1])
{
    int64_t told[3][LM_PARQUET_ALP + 1] = {{0}};
    size_t count = v->metadata->encoding_stats.count;
    for (size_t i = 0; i < count; i++) {
        const lm_page_encoding_stats *stats = &v->metadata->encoding_stats.items[i];
        int32_t type = counted_type(stats->page_type);
        if (type < 0 || stats->encoding < 0 || stats->encoding > LM_PARQUET_ALP) return;
        told[type][stats->encoding] += stats->count;
    }
    for (int32_t type = 0; count && type < 3; type++)
        for (int32_t encoding = 0; encoding <= LM_PARQUET_ALP; encoding++)
            if (told[type][encoding] != counts[type][encoding])
                lm__verify_problem(
                    v, -1, "encodings", "the footer tells of %lld %s in %s; there are %lld",
                    (long long)told[type][encoding],
                    type == LM_PARQUET_DICTIONARY_PAGE ? "dictionaries" : "data pages",
                    lm__parquet_encoding_name(encoding) ? lm__parquet_encoding_name(encoding)
                                                        : "an unknown encoding",
                    (long long)counts[type][encoding]);
}
static void check_sizes(lm_verifier *v, uint64_t compressed, uint64_t size)
{
    const lm_column_metadata *metadata = v->metadata;
    if ((uint64_t)metadata->total_compressed_size != compressed &&
        !v->reader->oddities.short_chunks)
        lm__verify_problem(v, -1, "sizes", "the chunk has %llu bytes; the footer says %lld",
                           (unsigned long long)compressed,
                           (long long)metadata->total_compressed_size);
    if (metadata->total_uncompressed_size != 0 && /* which some writers leave at that */
        (uint64_t)metadata->total_uncompressed_size != size && !v->reader->oddities.short_chunks)
        lm__verify_problem(v, -1, "sizes",
                           "the chunk has %llu bytes uncompressed; the footer says %lld",
                           (unsigned long long)size, (long long)metadata->total_uncompressed_size);
}

static lm_status list_pages(lm_verifier *v)
{
    int64_t counts[3][LM_PARQUET_ALP + 1] = {{0}};
    uint64_t size = 0;
    lm_read_pages pages;
    lm_error error;
    bool more = true;
    v->scratch->window.size = 0;
    lm_status status = lm__read_pages_open(&pages, v->reader->source, v->leaf, v->metadata,
                                           v->reader->oddities, &v->limits, v->scratch, &error);
    pages.to_end = !v->reader->oddities.short_chunks;
    while (status == LM_OK) {
        uint64_t at = pages.at;
        status = lm__read_pages_next(&pages, &more, &error);
        if (status == LM_CORRUPT && pages.entries_left == 0) { /* no page, behind the last value */
            status = LM_OK;
            pages.at = at;
            break;
        }
        if (status != LM_OK || !more) break;
        v->last_ordinal = pages.ordinal;
        size += pages.at - at + /* with index pages that were passed over */
                (uint64_t)pages.header.uncompressed_page_size -
                (uint64_t)pages.header.compressed_page_size;
        if (pages.page.encoding >= 0 && pages.page.encoding <= LM_PARQUET_ALP)
            counts[counted_type(pages.header.type)][pages.page.encoding]++;
        if (!pages.page.is_dictionary) LM_TRY(add_page(v, &pages));
    }
    if (status == LM_CORRUPT || status == LM_LIMIT) return LM_OK; /* decoding tells it */
    if (status != LM_OK) {
        char path[LM_READ_PATH_MAX];
        if (v->error) *v->error = error;
        return lm__error_within(v->error, status, "column %s", lm__read_path(v->leaf, path));
    }
    v->whole = true;
    if (v->metadata->num_values == 0) return LM_OK;
    check_encodings(v, (const int64_t(*)[LM_PARQUET_ALP + 1]) counts);
    check_sizes(v, pages.at - lm__read_chunk_start(v->metadata), size);
    return LM_OK;
}

/* Levels. */

static void count_levels(int64_t *counts, const uint8_t *levels, size_t count)
{
    for (size_t i = 0; counts && i < count; i++) counts[levels[i]]++;
}

/* Where an entry continues a list, the one before must have had an item in it, and so must this.
 * Where neither has, it says nothing, and readers can pass over it. */
static void check_levels(page_state *state, const lm_read_block *block)
{
    bool told[2] = {false, false};
    for (size_t i = 0; i < block->entries; i++) {
        uint8_t repetition = block->repetitions[i], definition = block->definitions[i];
        uint8_t before = i ? block->definitions[i - 1] : state->last_definition;
        uint8_t least = state->list[repetition];
        if (repetition == 0 || (before >= least && definition >= least)) continue;
        bool says_nothing = before < least && definition < least;
        if (told[says_nothing]) continue;
        lm__verify_problem(state->v, state->page->ordinal, says_nothing ? "nulls" : "levels",
                           "entry %lld continues a list that has no items",
                           (long long)(state->page->facts.entries + (int64_t)i));
        told[says_nothing] = true;
    }
    state->last_definition = block->definitions[block->entries - 1];
}

/* Values. */

static lm_status keep(lm_buffer *buffer, lm_bytes value)
{
    lm__buffer_clear(buffer);
    return lm__buffer_append(buffer, value.data, value.size);
}

static lm_status gather_bounds(page_state *state)
{
    lm_verifier *v = state->v;
    lm_facts *facts = &state->page->facts;
    lm_verify_room room[2];
    lm_bytes min, max;
    int64_t nans;
    lm_status status = LM_OK;
    bool there = lm__verify_bounds(v, &state->values, room, &min, &max, &nans);
    facts->nans += nans;
    if (!there) return LM_OK;
    min = lm__verify_clip(v, min);
    max = lm__verify_clip(v, max);
    if (!facts->bounded ||
        lm__verify_compare(v, min, lm__bytes(state->min.data, state->min.size)) < 0)
        status = keep(&state->min, min);
    if (status == LM_OK &&
        (!facts->bounded ||
         lm__verify_compare(v, max, lm__bytes(state->max.data, state->max.size)) > 0))
        status = keep(&state->max, max);
    facts->bounded = true;
    return status == LM_OK ? LM_OK : lm__error_memory(v->error, "verifying a chunk");
}

static uint64_t hash_of(lm_bytes value)
{
    return value.size == 4   ? lm__xxh64_4(value.data)
           : value.size == 8 ? lm__xxh64_8(value.data)
                             : lm__xxh64(value.data, value.size);
}

static lm_status distinct_grow(lm_verifier *v, lm_distinct *set)
{
    size_t grown = set->capacity ? set->capacity * 2 : 1024;
    uint64_t *slots = lm__alloc_zero(v->reader->allocator, grown * sizeof *slots);
    if (!slots) return lm__error_memory(v->error, "counting distinct values");
    for (size_t i = 0; i < set->capacity; i++) {
        size_t at = set->slots[i] & (grown - 1);
        if (!set->slots[i]) continue;
        while (slots[at]) at = (at + 1) & (grown - 1);
        slots[at] = set->slots[i];
    }
    lm__free(v->reader->allocator, set->slots);
    set->slots = slots;
    set->capacity = grown;
    return LM_OK;
}

static lm_status distinct_add(lm_verifier *v, uint64_t hash)
{
    lm_distinct *set = &v->distinct;
    if (hash == 0) hash = 1;
    if (set->count * 2 >= set->capacity) {
        if (set->capacity >= LM_VERIFY_DISTINCT_SLOTS_MAX) {
            set->too_many = true;
            return LM_OK;
        }
        LM_TRY(distinct_grow(v, set));
    }
    size_t at = hash & (set->capacity - 1);
    while (set->slots[at] && set->slots[at] != hash) at = (at + 1) & (set->capacity - 1);
    set->count += set->slots[at] == 0;
    set->slots[at] = hash;
    return LM_OK;
}

static lm_status check_hashes(page_state *state)
{
    lm_verifier *v = state->v;
    bool distinct = v->distinct.wanted && !v->distinct.too_many;
    if (!v->has_bloom && !distinct) return LM_OK;
    for (size_t i = 0; i < state->values.count; i++) {
        uint64_t hash = hash_of(lm__verify_value(&state->values, i));
        state->not_in_bloom += v->has_bloom && !lm__bloom_has_hash(&v->bloom, hash);
        if (distinct && !v->distinct.too_many) LM_TRY(distinct_add(v, hash));
    }
    return LM_OK;
}

static void check_text(page_state *state)
{
    lm_read_meaning meaning = state->v->leaf->meaning;
    if (meaning != LM_MEANS_STRING && meaning != LM_MEANS_ENUM && meaning != LM_MEANS_JSON) return;
    for (size_t i = 0; i < state->values.count; i++) {
        lm_bytes value = lm__verify_value(&state->values, i);
        state->bad_text += !lm__utf8_valid(value.data, value.size);
    }
}

/* Sorting (RowGroup.sorting_columns): of the first column alone each entry can be judged. */
static lm_status check_sorting(page_state *state, const lm_read_block *block)
{
    lm_verifier *v = state->v;
    size_t next = 0;
    if (!state->sorted || state->out_of_order) return LM_OK;
    for (size_t i = 0; i < block->entries && !state->out_of_order; i++) {
        if (block->definitions && block->definitions[i] < v->leaf->definition) {
            state->null_seen = true;
            state->out_of_order = state->nulls_first && state->value_seen;
            continue;
        }
        lm_bytes value = lm__verify_value(&state->values, next);
        int order = state->value_seen && v->order.order != LM_ORDER_NONE
                        ? lm__verify_compare(
                              v,
                              next ? lm__verify_value(&state->values, next - 1)
                                   : lm__bytes(state->last_value.data, state->last_value.size),
                              value)
                        : 0;
        state->out_of_order = (state->null_seen && !state->nulls_first) ||
                              (state->descending ? order < 0 : order > 0);
        state->value_seen = true;
        next++;
    }
    if (state->out_of_order)
        lm__verify_problem(v, state->page->ordinal, "sorting",
                           "the rows are not sorted by this column as the row group says");
    if (next && keep(&state->last_value, lm__verify_value(&state->values, next - 1)) != LM_OK)
        return lm__error_memory(v->error, "verifying a chunk");
    return LM_OK;
}

static lm_status take_block(page_state *state, const lm_read_block *block)
{
    lm_verifier *v = state->v;
    lm_facts *facts = &state->page->facts;
    count_levels(facts->definitions, block->definitions, block->entries);
    count_levels(facts->repetitions, block->repetitions, block->entries);
    if (block->repetitions) check_levels(state, block);
    LM_TRY(gather_bounds(state));
    LM_TRY(check_hashes(state));
    LM_TRY(check_sorting(state, block));
    check_text(state);
    facts->entries += (int64_t)block->entries;
    facts->values += (int64_t)block->values;
    facts->rows += (int64_t)block->rows;
    if (state->values.form == LM_FORM_STRINGS64)
        facts->unencoded += ((const int64_t *)state->values.offsets)[state->values.count];
    v->result.values += block->values;
    return LM_OK;
}

/* Pages. */

static lm_bytes copied(lm_verifier *v, const lm_buffer *from)
{
    uint8_t *copy = lm__arena_alloc(&v->arena, from->size + 1);
    if (copy && from->size) memcpy(copy, from->data, from->size);
    return copy ? (lm_bytes){copy, from->size} : (lm_bytes){0};
}

static void add_counts(int64_t *to, const int64_t *from, size_t count)
{
    for (size_t i = 0; to && i < count; i++) to[i] += from[i];
}

/* The page's facts become part of the chunk's. */
static lm_status end_page(page_state *state)
{
    lm_verifier *v = state->v;
    if (!state->page) return LM_OK;
    lm_facts *page = &state->page->facts, *chunk = &v->chunk;
    state->page->decoded = true;
    if (state->bad_text)
        lm__verify_problem(v, state->page->ordinal, "text", "%lld values are not UTF-8",
                           (long long)state->bad_text);
    if (state->not_in_bloom)
        lm__verify_problem(v, state->page->ordinal, "bloom_filter",
                           "%lld values are not in the bloom filter",
                           (long long)state->not_in_bloom);
    state->bad_text = state->not_in_bloom = 0;
    chunk->entries += page->entries;
    chunk->values += page->values;
    chunk->rows += page->rows;
    chunk->nans += page->nans;
    chunk->unencoded += page->unencoded;
    add_counts(chunk->definitions, page->definitions, (size_t)v->leaf->definition + 1);
    add_counts(chunk->repetitions, page->repetitions, (size_t)v->leaf->repetition + 1);
    if (!page->bounded) return LM_OK;
    page->min = copied(v, &state->min);
    page->max = copied(v, &state->max);
    if (!page->min.data || !page->max.data) return lm__error_memory(v->error, "verifying a chunk");
    if (!chunk->bounded || lm__verify_compare(v, page->min, chunk->min) < 0) chunk->min = page->min;
    if (!chunk->bounded || lm__verify_compare(v, page->max, chunk->max) > 0) chunk->max = page->max;
    chunk->bounded = true;
    return LM_OK;
}

/* Pages without entries never come as blocks: those that are passed are at their end already. */
static lm_status begin_page(page_state *state, const lm_read_block *block)
{
    lm_verifier *v = state->v;
    size_t i = state->page ? (size_t)(state->page - v->pages) : SIZE_MAX;
    if (state->page && state->page->ordinal == state->column.pages.ordinal) return LM_OK;
    LM_TRY(end_page(state));
    for (i++; i < v->page_count && v->pages[i].ordinal < state->column.pages.ordinal; i++) {
        v->pages[i].decoded = true;
        v->pages[i].first_row = v->chunk.rows;
    }
    if (i == v->page_count)
        return lm__error_set(v->error, LM_CORRUPT, "a page that was not there before");
    state->page = &v->pages[i];
    state->page->inside_row = block->repetitions && block->repetitions[0] != 0;
    state->page->first_row = v->chunk.rows;
    v->result.pages++;
    return LM_OK;
}

/* Why the column cannot be read on is told; the pages behind are at least unpacked, up to one
 * whose header is damaged. */
static lm_status go_on(page_state *state, lm_status status, const lm_error *error)
{
    lm_verifier *v = state->v;
    lm_read_pages *pages = &state->column.pages;
    lm_error another;
    bool more;
    v->whole = false;
    LM_TRY(lm__verify_failure(v, pages->ordinal, "page", status, error));
    while (pages->ordinal <= v->last_ordinal && pages->at < pages->end) {
        status = lm__read_pages_next(pages, &more, &another);
        if (status == LM_OK && !more) break;
        if (status == LM_OK) status = lm__read_pages_load(pages, &another);
        if (status != LM_OK)
            LM_TRY(lm__verify_failure(v, pages->ordinal, "page", status, &another));
    }
    return LM_OK;
}

/* So many rows at once that strings of the dictionary, however often they are meant, take little
 * room. */
static size_t rows_at_once(const lm_read_column *column)
{
    size_t longest = column->has_dictionary ? column->dictionary.longest : 0;
    return longest ? 1 + LM_VERIFY_BLOCK_BYTES / longest : SIZE_MAX;
}

static lm_status decode_pages(page_state *state)
{
    lm_verifier *v = state->v;
    lm_error error;
    /* The first row shows whether there is a dictionary. */
    for (size_t rows = 1;; rows = rows_at_once(&state->column)) {
        lm_read_block block;
        lm_status status = lm__read_column_block(&state->column, rows, &block, &error);
        if (status == LM_OK && block.entries == 0) break;
        if (status == LM_OK) LM_TRY(begin_page(state, &block));
        lm__read_vector_clear(&state->values);
        if (status == LM_OK)
            status = lm__read_column_values(&state->column, block.values, block.values,
                                            &state->values, &error);
        if (status != LM_OK) return go_on(state, status, &error);
        state->values.count = block.values;
        LM_TRY(take_block(state, &block));
    }
    LM_TRY(end_page(state));
    size_t last = state->page ? (size_t)(state->page - v->pages) + 1 : 0;
    for (; last < v->page_count; last++) {
        v->pages[last].decoded = true;
        v->pages[last].first_row = v->chunk.rows;
    }
    return LM_OK;
}

static void state_init(page_state *state, lm_verifier *v)
{
    const lm_row_group *group = &v->reader->metadata.row_groups.items[v->row_group];
    const lm_allocator *allocator = v->reader->allocator;
    *state = (page_state){.v = v};
    lm__read_vector_init(&state->values, allocator, v->spec.form, v->spec.out_width, false);
    lm__buffer_init(&state->min, allocator, 0);
    lm__buffer_init(&state->max, allocator, 0);
    lm__buffer_init(&state->last_value, allocator, 0);
    for (const lm_read_node *node = v->leaf; node; node = node->parent)
        if (node->mode == LM_PARQUET_REPEATED) state->list[node->repetition] = node->definition;
    if (group->sorting_columns.count && v->leaf->repetition == 0 &&
        group->sorting_columns.items[0].column_idx == (int32_t)v->leaf->leaf_first) {
        state->sorted = true;
        state->descending = group->sorting_columns.items[0].descending;
        state->nulls_first = group->sorting_columns.items[0].nulls_first;
    }
}

lm_status lm__verify_decode(lm_verifier *v)
{
    page_state state;
    lm_error error;
    v->page_count = 0;
    v->last_ordinal = -1;
    v->whole = false;
    LM_TRY(facts_init(v, &v->chunk));
    LM_TRY(list_pages(v));
    state_init(&state, v);
    lm_status status =
        lm__read_column_open(&state.column, v->reader->source, v->leaf, v->metadata,
                             v->reader->oddities, &v->spec, &v->limits, v->scratch, &error);
    if (status == LM_OK)
        status = decode_pages(&state);
    else
        status = lm__verify_failure(v, -1, "page", status, &error);
    lm__read_column_close(&state.column);
    lm__read_vector_deinit(&state.values);
    lm__buffer_deinit(&state.min);
    lm__buffer_deinit(&state.max);
    lm__buffer_deinit(&state.last_value);
    return status;
}
