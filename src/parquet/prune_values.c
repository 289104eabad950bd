/*
 * A test against the values of a chunk's pages, each looked at by itself and then forgotten: pages
 * without one that passes need not be decoded.
 *
 * The last of the means of pruning, for what is rare and not in order: a key that a bloom filter
 * says is there lies in one page of a row group, and what the others cost is to decompress them. So
 * pages are searched by all threads, in memory that stays in the processor's cache, plain values
 * and indices as they lie there. Values that pass are then read from their pages again: so where
 * pages that have some turn out to be many, the search is given up.
 */
#include <string.h>

#include "base/alloc.h"
#include "base/bits.h"
#include "base/error.h"
#include "base/limits.h"
#include "parquet/prune.h"

#define ROWS 4096       /* at once */
#define PAGES_MIN 8     /* fewer are not worth it */
#define PAGES_TO_TELL 4 /* by whom a search is judged */

typedef struct search_page {
    uint64_t offset; /* of the header */
    uint64_t row;    /* the first */
    uint32_t entries;
    bool wanted, passes; /* is it to be searched; may a value of it pass? */
} search_page;

/* Which of the dictionary's values pass. */
typedef struct search_dictionary {
    uint8_t *bits; /* NULL: there is no dictionary */
    size_t count, passing, first;
} search_dictionary;

typedef struct search {
    const lm_prune *prune;
    const lm_test *test;
    const lm_read_field *field;
    const lm_column_metadata *metadata;
    lm_field values_field;
    search_page *pages; /* in the arena of the pruning */
    size_t count, capacity;
    search_dictionary dictionary;
    atomic_size_t next, searched, passed;
} search;

typedef struct search_job {
    lm_job job; /* first */
    search *search;
    lm_read_scratch *scratch;
    lm_read_column column;
    lm_read_vector vector; /* of encodings that have to be decoded */
    lm_status status;      /* only LM_NO_MEMORY and LM_CANCELLED */
} search_job;

static lm_status no_memory(lm_error *error) { return lm__error_memory(error, "pruning by values"); }

static bool is_fatal(lm_status status) { return status == LM_NO_MEMORY || status == LM_CANCELLED; }

/* Values. */

static bool any_fixed(const search *s, const uint8_t *values, size_t count, lm_status *status)
{
    lm_array array = {.field = &s->values_field};
    uint64_t bits[ROWS / 64 + 1], aligned[ROWS];
    size_t width = s->field->spec.out_width, step = sizeof aligned / width;
    if (step > ROWS) step = ROWS;
    for (size_t done = 0; done < count && step > 0; done += step) {
        size_t some = count - done < step ? count - done : step;
        uint64_t any = 0;
        memcpy(aligned, values + done * width, some * width);
        array.values = aligned;
        array.length = (int64_t)some;
        *status =
            lm__test_values(s->prune->reader->allocator, s->test, &array, (uint8_t *)bits, NULL);
        if (*status != LM_OK) return true;
        for (size_t w = 0; w < (some + 63) / 64; w++) any |= bits[w];
        if (any) return true;
    }
    return step == 0;
}

/* PLAIN byte strings; what does not end where the page does is left to whoever reads it. */
static bool any_string(const lm_test *test, lm_bytes values)
{
    const uint8_t *at = values.data, *end = at + values.size;
    const lm_value *same = lm__test_same_bytes(test);
    uint64_t begins = 0;
    if (same) memcpy(&begins, same->data, same->size < 8 ? same->size : 8);
    while (end - at >= 4) {
        size_t size = lm__load32(at), left = (size_t)(end - at) - 4;
        const uint8_t *text = at + 4;
        if (size > left) return true;
        if (same && size >= 8) {
            if (size == same->size && lm__load64(text) == begins &&
                memcmp(text, same->data, size) == 0)
                return true;
        } else if (lm__test_has_bytes(test, text, size)) {
            return true;
        }
        at = text + size;
    }
    return at != end;
}

static bool any_index(const search_dictionary *dictionary, lm_bytes values, size_t count,
                      lm_read_scratch *scratch)
{
    lm_rle_decoder decoder;
    uint32_t *indices = scratch->indices;
    if (dictionary->passing == 0 || count == 0) return false;
    if (!dictionary->bits || values.size == 0 ||
        lm__rle_decoder_init(&decoder, values.data + 1, values.size - 1, values.data[0], NULL) !=
            LM_OK)
        return true;
    for (size_t done = 0; done < count;) {
        size_t some = count - done < LM_READ_INDICES ? count - done : LM_READ_INDICES;
        uint32_t any = 0, beyond = 0, first = (uint32_t)dictionary->first;
        if (lm__rle_get32(&decoder, indices, some, NULL) != LM_OK) return true;
        for (size_t i = 0; i < some; i++) any |= indices[i] == first;
        for (size_t i = 0; i < some; i++) beyond |= indices[i] >= dictionary->count;
        if (any || beyond) return true;
        for (size_t i = 0; i < some && dictionary->passing > 1; i++)
            if (dictionary->bits[indices[i] >> 3] >> (indices[i] & 7) & 1) return true;
        done += some;
    }
    return false;
}

/* How many of a page's entries are no null. */
static bool count_present(const search *s, const lm_read_page *page, size_t *count)
{
    lm_rle_decoder levels;
    *count = page->entries;
    if (s->field->node->definition == 0) return true;
    return page->definition_encoding == LM_PARQUET_RLE &&
           lm__rle_decoder_init(&levels, page->definitions.data, page->definitions.size, 1, NULL) ==
               LM_OK &&
           lm__rle_skip(&levels, page->entries, 1, count, NULL) == LM_OK;
}

/* Any encoding: the page is decoded as it would be for the column. */
static bool any_decoded(search_job *job, const search_page *page, lm_status *status)
{
    const search *s = job->search;
    lm_read_vector *vector = &job->vector;
    size_t got, present = 0;
    lm__read_vector_clear(vector);
    job->column.entries_left = 0;
    job->column.ended = false;
    lm__read_pages_seek(&job->column.pages, page->offset);
    *status = lm__read_column_flat(&job->column, page->entries, vector, &got, NULL);
    if (*status != LM_OK || got != page->entries) return true;
    lm_field field;
    lm_array array = lm__prune_array(vector, &s->values_field, &field);
    uint8_t *bits = lm__alloc_zero(s->prune->reader->allocator, lm__filter_bits_bytes(got));
    if (!bits) *status = LM_NO_MEMORY;
    if (!bits) return true;
    array.validity = vector->validity;
    *status = lm__test_values(s->prune->reader->allocator, s->test, &array, bits, NULL);
    if (*status == LM_OK) present = lm__bits_count((lm_bits){bits, 0}, got);
    lm__free(s->prune->reader->allocator, bits);
    return *status != LM_OK || present > 0;
}

/* May one of the page's values pass? *status is only looked at where it is fatal. */
static bool search_one(search_job *job, const search_page *at, lm_status *status)
{
    const search *s = job->search;
    const lm_read_spec *spec = &s->field->spec;
    lm_read_pages *pages = &job->column.pages;
    const lm_read_page *page = &pages->page;
    bool more;
    lm__read_pages_seek(pages, at->offset);
    *status = lm__read_pages_next(pages, &more, NULL);
    if (*status != LM_OK || !more || page->entries != at->entries) return true;
    if (lm__read_column_goes_on(&job->column)) return true; /* alone it has other values */
    bool plain = page->encoding == LM_PARQUET_PLAIN && spec->convert == LM_CONVERT_NONE;
    bool strings = spec->form == LM_FORM_STRINGS32 || spec->form == LM_FORM_STRINGS64;
    if (!lm__read_is_indices(page->encoding) &&
        !(plain && (strings || spec->form == LM_FORM_FIXED)))
        return any_decoded(job, at, status);
    *status = lm__read_pages_load(pages, NULL);
    if (*status != LM_OK) return true;
    if (lm__read_is_indices(page->encoding)) {
        size_t count;
        if (!count_present(s, page, &count)) return true;
        return any_index(&s->dictionary, page->values, count, job->scratch);
    }
    if (strings) return any_string(s->test, page->values);
    return any_fixed(s, page->values.data, page->values.size / spec->width, status);
}

/* Jobs. */

static bool is_in_vain(search *s)
{
    size_t searched = atomic_load_explicit(&s->searched, memory_order_relaxed);
    size_t passed = atomic_load_explicit(&s->passed, memory_order_relaxed);
    return searched >= PAGES_TO_TELL && passed > searched / 2;
}

static lm_status search_page_at(search_job *job, size_t at)
{
    search *s = job->search;
    search_page *page = &s->pages[at];
    lm_status status = LM_OK;
    if (!page->wanted) return LM_OK;
    job->column.pages.next_too = at % 2 == 0 && at + 1 < s->count && page[1].wanted;
    page->passes = search_one(job, page, &status);
    if (is_fatal(status)) return status;
    atomic_fetch_add_explicit(&s->searched, 1, memory_order_relaxed);
    if (page->passes) atomic_fetch_add_explicit(&s->passed, 1, memory_order_relaxed);
    return LM_OK;
}

/* Two pages at a time. */
static void run_search(lm_job *base)
{
    search_job *job = (search_job *)base;
    search *s = job->search;
    while (job->status == LM_OK) {
        size_t at = atomic_fetch_add_explicit(&s->next, 2, memory_order_relaxed);
        if (at >= s->count || is_in_vain(s)) return;
        job->status = search_page_at(job, at);
        if (job->status == LM_OK && at + 1 < s->count) job->status = search_page_at(job, at + 1);
    }
}

static lm_status open_column(const search *s, lm_read_column *column, lm_read_scratch **scratch,
                             lm_error *error)
{
    const lm_parquet_reader *reader = s->prune->reader;
    LM_TRY(lm__read_scratch_new(reader->allocator, scratch, error));
    return lm__read_column_open(column, reader->source, s->field->node, s->metadata,
                                reader->oddities, &s->field->spec, s->prune->limits, *scratch,
                                error);
}

static lm_status open_job(search *s, search_job *job, lm_error *error)
{
    const lm_read_spec *spec = &s->field->spec;
    job->job.run = run_search;
    job->search = s;
    lm__read_vector_init(&job->vector, s->prune->reader->allocator, spec->form, spec->out_width,
                         s->field->node->definition > 0);
    return open_column(s, &job->column, &job->scratch, error);
}

static void close_job(search_job *job)
{
    lm__read_vector_deinit(&job->vector);
    if (!job->scratch) return;
    if (job->column.scratch) lm__read_column_close(&job->column);
    lm__read_scratch_free(job->scratch);
}

static lm_status search_pages(search *s, lm_pool *pool, size_t wanted, lm_error *error)
{
    const lm_allocator *allocator = s->prune->reader->allocator;
    size_t count = (size_t)lm__pool_threads(pool), opened = 0;
    if (count > wanted / 2) count = wanted / 2;
    search_job *jobs = lm__alloc_zero(allocator, count * sizeof *jobs);
    lm_group group;
    if (!jobs) return no_memory(error);
    lm_status status = LM_OK;
    while (opened < count && status == LM_OK) status = open_job(s, &jobs[opened++], error);
    lm__group_init(&group, pool);
    for (size_t i = 0; i < count && status == LM_OK; i++) lm__group_submit(&group, &jobs[i].job);
    lm__group_wait(&group);
    for (size_t i = 0; i < opened; i++) {
        if (status == LM_OK && jobs[i].status == LM_NO_MEMORY) status = no_memory(error);
        if (status == LM_OK && jobs[i].status == LM_CANCELLED)
            status = lm__error_set(error, LM_CANCELLED, "interrupted");
        close_job(&jobs[i]);
    }
    lm__free(allocator, jobs);
    return status;
}

/* What is to be searched. */

static bool add_page(search *s, const lm_read_pages *pages, uint64_t row, bool wanted)
{
    if (!lm__arena_room(s->prune->arena, &s->pages, &s->capacity, s->count + 1, sizeof *s->pages))
        return false;
    bool none = lm__read_is_indices(pages->page.encoding) && s->dictionary.passing == 0;
    s->pages[s->count++] =
        (search_page){pages->header_at, row, pages->page.entries, wanted && !none, !none};
    return true;
}

static lm_status try_dictionary(search *s, const lm_read_vector *dictionary, lm_error *error)
{
    search_dictionary *d = &s->dictionary;
    LM_TRY(lm__prune_dictionary_bits(s->prune, s->test, dictionary, &s->values_field, &d->bits,
                                     error));
    d->count = dictionary->count;
    d->passing = d->count ? lm__bits_count((lm_bits){d->bits, 0}, d->count) : 0;
    while (d->passing && !(d->bits[d->first >> 3] >> (d->first & 7) & 1)) d->first++;
    return LM_OK;
}

/* The chunk's pages, by their headers. */
static lm_status list_pages(search *s, lm_read_column *column, const lm_row_ranges *rows,
                            size_t *wanted, lm_error *error)
{
    lm_read_pages *pages = &column->pages;
    uint64_t row = 0;
    size_t range = 0;
    bool more = true, at_hand;
    s->dictionary.passing = SIZE_MAX; /* indices into no dictionary: the page will tell */
    LM_TRY(lm__read_column_dictionary(column, error));
    if (column->has_dictionary) LM_TRY(try_dictionary(s, &column->dictionary, error));
    at_hand = !column->has_dictionary && pages->ordinal >= 0;
    for (;;) {
        if (!at_hand) LM_TRY(lm__read_pages_next(pages, &more, error));
        at_hand = false;
        if (!more) return LM_OK;
        if (pages->page.is_dictionary) return lm__error_set(error, LM_CORRUPT, "a late dictionary");
        uint64_t end = row + pages->page.entries;
        while (range < rows->count && rows->items[range].end <= row) range++;
        bool is_in = range < rows->count && rows->items[range].start < end;
        if (!add_page(s, pages, row, is_in)) return no_memory(error);
        *wanted += s->pages[s->count - 1].wanted;
        row = end;
    }
}

static lm_status leave_passing(search *s, lm_row_ranges *rows, lm_error *error)
{
    lm_row_ranges passing = {0}, left;
    for (size_t i = 0; i < s->count; i++)
        if (s->pages[i].passes && s->pages[i].entries > 0 &&
            !lm__row_ranges_add(s->prune->arena, &passing, s->pages[i].row,
                                s->pages[i].row + s->pages[i].entries))
            return no_memory(error);
    if (!lm__row_ranges_and(s->prune->arena, rows, &passing, &left)) return no_memory(error);
    *rows = left;
    return LM_OK;
}

static lm_status search_leaf(search *s, lm_pool *pool, lm_row_ranges *rows, bool *in_vain,
                             lm_error *error)
{
    lm_read_column column = {0};
    lm_read_scratch *scratch = NULL;
    size_t wanted = 0;
    lm_status status = open_column(s, &column, &scratch, error);
    if (status == LM_OK) status = list_pages(s, &column, rows, &wanted, error);
    if (status == LM_OK && wanted >= PAGES_MIN) status = search_pages(s, pool, wanted, error);
    if (status == LM_OK) status = leave_passing(s, rows, error);
    *in_vain = is_in_vain(s);
    if (scratch) {
        if (column.scratch) lm__read_column_close(&column);
        lm__read_scratch_free(scratch);
    }
    lm__free(s->prune->reader->allocator, s->dictionary.bits);
    return is_fatal(status) ? status : LM_OK;
}

/* Leaves that are worth a search: values of their own, which lie where they can be looked at. */
static bool is_searchable(search *s)
{
    const lm_test *test = s->test;
    const lm_parquet_reader *reader = s->prune->reader;
    if (test->negated ||
        (test->kind != LM_TEST_RANGE && test->kind != LM_TEST_SET && test->kind != LM_TEST_LIKE))
        return false;
    s->field = lm__prune_field(s->prune, &test->column);
    if (!s->field || !lm__read_is_flat(s->field->node) || test->column.depth != 1 ||
        s->field->spec.form == LM_FORM_NOTHING || s->field->spec.form == LM_FORM_BITS ||
        lm__reader_chunk(reader, s->prune->row_group, s->field->node, &s->metadata, NULL) != LM_OK)
        return false;
    const lm_field *field = s->field->field;
    s->values_field = field->dictionary ? *field->dictionary : *field;
    const lm_row_group *group = &reader->metadata.row_groups.items[s->prune->row_group];
    uint64_t start = lm__read_chunk_start(s->metadata);
    return s->metadata->num_values > 0 && s->metadata->num_values == group->num_rows &&
           lm_source_view(reader->source, start, 1);
}

lm_status lm__prune_values(const lm_prune *prune, lm_pool *pool, lm_row_ranges *rows,
                           uint64_t *in_vain, lm_error *error)
{
    const lm_test *root = &prune->filter->root;
    bool is_and = root->kind == LM_TEST_AND;
    size_t count = is_and ? root->child_count : 1;
    for (size_t i = 0; i < count && i < 64 && rows->count > 0; i++) {
        search s = {.prune = prune, .test = is_and ? &root->children[i] : root};
        bool vain = false;
        if (*in_vain >> i & 1 || !is_searchable(&s)) continue;
        LM_TRY(search_leaf(&s, pool, rows, &vain, error));
        *in_vain |= (uint64_t)vain << i;
    }
    return LM_OK;
}
