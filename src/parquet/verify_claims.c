/* What the file says of a chunk, held against what was decoded of it. */
#include "parquet/inspect.h"
#include "parquet/verify.h"

#define VALUE_TEXT_MAX 96

static const char *value_text(const lm_verifier *v, lm_bytes value, char text[VALUE_TEXT_MAX])
{
    (void)lm_parquet_value_text(v->reader, (int32_t)v->leaf->leaf_first, lm__inspect_bytes(value),
                                text, VALUE_TEXT_MAX);
    return text;
}

/* Bounds. */

/* The bytes that a bound must have; 0: any number. Unsigned bytes may be cut in any type. */
static size_t bound_width(const lm_verifier *v)
{
    if (v->order.order == LM_ORDER_BYTES || v->leaf->physical == LM_PARQUET_BYTE_ARRAY) return 0;
    return v->leaf->physical == LM_PARQUET_BOOLEAN ? 1 : v->leaf->width;
}

/* False when it is no value: the problem is told then. */
static bool is_value(lm_verifier *v, int64_t page, const char *kind, const char *name,
                     lm_bytes bound)
{
    size_t width = bound_width(v);
    if (width == 0 || bound.size == width) return true;
    lm__verify_problem(v, page, kind, "%s has %zu bytes; a value has %zu", name, bound.size, width);
    return false;
}

static void check_bound(lm_verifier *v, int64_t page, const char *kind, bool is_max, lm_bytes bound,
                        int exact, const lm_facts *facts)
{
    const char *name = is_max ? "max" : "min";
    char told[VALUE_TEXT_MAX], seen[VALUE_TEXT_MAX];
    if (!bound.data || v->order.order == LM_ORDER_NONE) return;
    if (!is_value(v, page, kind, name, bound) || !facts->bounded || lm__verify_is_nan(v, bound))
        return;
    lm_bytes value = is_max ? facts->max : facts->min;
    int order = lm__verify_compare(v, value, lm__verify_clip(v, bound));
    if (is_max ? order > 0 : order < 0)
        lm__verify_problem(v, page, kind, "%s is %s, and there is the value %s", name,
                           value_text(v, bound, told), value_text(v, value, seen));
    else if (exact == 1 && order != 0)
        lm__verify_problem(v, page, kind, "%s is %s, exactly, but the %s value is %s", name,
                           value_text(v, bound, told), is_max ? "greatest" : "least",
                           value_text(v, value, seen));
}

static void check_count(lm_verifier *v, int64_t page, const char *kind, const char *what,
                        int64_t told, int64_t seen)
{
    if (told != seen)
        lm__verify_problem(v, page, kind, "it tells of %lld %s; there are %lld", (long long)told,
                           what, (long long)seen);
}

/* Nulls. In lists some writers count an entry for each list that is null or empty, others only
 * items that are null: any number between is true in its way. */
static void check_nulls(lm_verifier *v, int64_t page, const char *kind, int64_t told,
                        const lm_facts *facts)
{
    int64_t most = facts->entries - facts->values, least = most;
    if (v->leaf->repetition)
        least =
            v->leaf->mode == LM_PARQUET_OPTIONAL ? facts->definitions[v->leaf->definition - 1] : 0;
    if (told < least || told > most) check_count(v, page, kind, "nulls", told, most);
}

/* Statistics. The deprecated bounds compare signed: they say something of numbers only. */
static void check_statistics(lm_verifier *v, int64_t page, const lm_statistics *statistics,
                             const lm_facts *facts)
{
    if (!statistics) return;
    lm_parquet_statistics_info info = lm__inspect_statistics(statistics);
    lm_leaf_order order = v->order.order;
    bool is_float = order == LM_ORDER_FLOAT || order == LM_ORDER_FLOAT16;
    if (info.null_count >= 0) check_nulls(v, page, "statistics", info.null_count, facts);
    if (info.nan_count >= 0 && is_float)
        check_count(v, page, "statistics", "NaNs", info.nan_count, facts->nans);
    check_bound(v, page, "statistics", false, statistics->min_value, info.min_exact, facts);
    check_bound(v, page, "statistics", true, statistics->max_value, info.max_exact, facts);
    if (order == LM_ORDER_SIGNED || order == LM_ORDER_FLOAT || order == LM_ORDER_BOOL) {
        check_bound(v, page, "statistics", false, statistics->min, -1, facts);
        check_bound(v, page, "statistics", true, statistics->max, -1, facts);
    }
}

static void check_distinct(lm_verifier *v)
{
    const lm_statistics *statistics = v->metadata->statistics;
    if (!v->distinct.wanted || v->distinct.too_many) return;
    check_count(v, -1, "statistics", "distinct values", statistics->distinct_count,
                (int64_t)v->distinct.count);
}

/* Levels. An empty histogram counts as none. */

static void check_histogram(lm_verifier *v, int64_t page, const char *kind, const char *what,
                            const int64_t *told, size_t told_count, const int64_t *seen,
                            uint8_t level_max)
{
    if (told_count == 0 || !seen) return;
    if (told_count != (size_t)level_max + 1) {
        lm__verify_problem(v, page, kind, "a histogram of %zu %s levels; there are %u", told_count,
                           what, level_max + 1u);
        return;
    }
    for (unsigned level = 0; level <= level_max; level++) {
        if (told[level] == seen[level]) continue;
        lm__verify_problem(v, page, kind,
                           "it tells of %lld entries with %s level %u; there are %lld",
                           (long long)told[level], what, level, (long long)seen[level]);
        return;
    }
}

/* Of values in DELTA_BYTE_ARRAY, parquet-cpp counts what they do not share with the one before. */
static void check_unencoded(lm_verifier *v, int64_t page, const char *kind, int64_t told,
                            int64_t seen)
{
    bool shared = lm__read_has_encoding(v->metadata, LM_PARQUET_DELTA_BYTE_ARRAY);
    if (!shared || told < 0 || told > seen)
        check_count(v, page, kind, "bytes of values", told, seen);
}

static void check_size_statistics(lm_verifier *v)
{
    static const char kind[] = "statistics";
    const lm_size_statistics *sizes = v->metadata->size_statistics;
    if (!sizes) return;
    if (LM_HAS(sizes, LM_SIZE_STATISTICS_UNENCODED_BYTES) &&
        v->leaf->physical == LM_PARQUET_BYTE_ARRAY)
        check_unencoded(v, -1, kind, sizes->unencoded_byte_array_data_bytes, v->chunk.unencoded);
    check_histogram(v, -1, kind, "definition", sizes->definition_level_histogram.items,
                    sizes->definition_level_histogram.count, v->chunk.definitions,
                    v->leaf->definition);
    check_histogram(v, -1, kind, "repetition", sizes->repetition_level_histogram.items,
                    sizes->repetition_level_histogram.count, v->chunk.repetitions,
                    v->leaf->repetition);
}

/* Page headers. */

static void check_headers(lm_verifier *v)
{
    for (size_t i = 0; i < v->page_count; i++) {
        const lm_page_facts *page = &v->pages[i];
        if (!page->decoded) continue;
        check_statistics(v, page->ordinal, page->statistics, &page->facts);
        if (page->inside_row && (page->v2 || v->offset_index))
            lm__verify_problem(v, page->ordinal, "rows", "it begins in the middle of a row");
        if (!page->v2) continue;
        check_count(v, page->ordinal, "rows", "rows", page->header_rows, page->facts.rows);
        check_count(v, page->ordinal, "rows", "nulls", page->header_nulls,
                    page->facts.entries - page->facts.values);
    }
}

/* The column index. */

/* The i-th of the histograms of all pages, end to end. */
static void check_page_histogram(lm_verifier *v, const lm_page_facts *page, size_t i,
                                 const char *what, lm_int64_list all, const int64_t *seen,
                                 uint8_t level_max)
{
    if (all.count == 0) return;
    size_t each = all.count / v->page_count;
    check_histogram(v, page->ordinal, "column_index", what, all.items + i * each, each, seen,
                    level_max);
}

static void check_index_page(lm_verifier *v, const lm_column_index *index, size_t i)
{
    static const char kind[] = "column_index";
    const lm_page_facts *page = &v->pages[i];
    const lm_facts *facts = &page->facts;
    bool is_null = index->null_pages.items[i];
    if (is_null != (facts->values == 0))
        lm__verify_problem(v, page->ordinal, kind,
                           is_null ? "it says that there are nulls only; there are %lld values"
                                   : "it says that there are values; there are %lld",
                           (long long)facts->values);
    if (index->null_counts.items)
        check_nulls(v, page->ordinal, kind, index->null_counts.items[i], facts);
    if (index->nan_counts.items)
        check_count(v, page->ordinal, kind, "NaNs", index->nan_counts.items[i], facts->nans);
    check_page_histogram(v, page, i, "definition", index->definition_level_histograms,
                         facts->definitions, v->leaf->definition);
    check_page_histogram(v, page, i, "repetition", index->repetition_level_histograms,
                         facts->repetitions, v->leaf->repetition);
    if (is_null) return;
    check_bound(v, page->ordinal, kind, false, index->min_values.items[i], -1, facts);
    check_bound(v, page->ordinal, kind, true, index->max_values.items[i], -1, facts);
}

/* Null pages aside, the pages' bounds rise or fall as it says. */
static void check_boundary_order(lm_verifier *v, const lm_column_index *index)
{
    bool rises = index->boundary_order == LM_PARQUET_ASCENDING;
    size_t width = bound_width(v), last = SIZE_MAX;
    if (!rises && index->boundary_order != LM_PARQUET_DESCENDING) return;
    for (size_t i = 0; i < index->null_pages.count; i++) {
        lm_bytes min = index->min_values.items[i], max = index->max_values.items[i];
        if (index->null_pages.items[i]) continue;
        if (width && (min.size != width || max.size != width)) return; /* told already */
        if (last != SIZE_MAX) {
            int a = lm__verify_compare(v, index->min_values.items[last], min);
            int b = lm__verify_compare(v, index->max_values.items[last], max);
            if (rises ? a > 0 || b > 0 : a < 0 || b < 0) {
                lm__verify_problem(v, v->pages[i].ordinal, "column_index",
                                   "its bounds are not in the order that the index tells (%s)",
                                   rises ? "ascending" : "descending");
                return;
            }
        }
        last = i;
    }
}

static void check_column_index(lm_verifier *v)
{
    const lm_column_index *index = v->column_index;
    if (!index) return;
    if (index->null_pages.count != v->page_count) {
        lm__verify_problem(v, -1, "column_index", "it has %zu pages; the chunk has %zu",
                           index->null_pages.count, v->page_count);
        return;
    }
    for (size_t i = 0; i < v->page_count; i++)
        if (v->pages[i].decoded) check_index_page(v, index, i);
    if (v->order.order != LM_ORDER_NONE) check_boundary_order(v, index);
}

/* The offset index. */

static void check_offset_index(lm_verifier *v)
{
    static const char kind[] = "offset_index";
    const lm_offset_index *index = v->offset_index;
    if (!index) return;
    if (index->page_locations.count != v->page_count) {
        lm__verify_problem(v, -1, kind, "it has %zu pages; the chunk has %zu",
                           index->page_locations.count, v->page_count);
        return;
    }
    for (size_t i = 0; i < v->page_count; i++) {
        const lm_page_location *told = &index->page_locations.items[i];
        const lm_page_facts *page = &v->pages[i];
        if (told->offset < 0 || (uint64_t)told->offset != page->offset ||
            told->compressed_page_size < 0 || (size_t)told->compressed_page_size != page->size)
            lm__verify_problem(v, page->ordinal, kind,
                               "it tells of %d bytes at %lld; the page has %zu at %llu",
                               told->compressed_page_size, (long long)told->offset, page->size,
                               (unsigned long long)page->offset);
        if (!page->decoded) continue;
        if (told->first_row_index != page->first_row)
            lm__verify_problem(v, page->ordinal, kind,
                               "it says that the page begins with row %lld; it does with %lld",
                               (long long)told->first_row_index, (long long)page->first_row);
        if (index->unencoded_byte_array_data_bytes.count &&
            v->leaf->physical == LM_PARQUET_BYTE_ARRAY)
            check_unencoded(v, page->ordinal, kind, index->unencoded_byte_array_data_bytes.items[i],
                            page->facts.unencoded);
    }
}

void lm__verify_claims(lm_verifier *v)
{
    int64_t rows = v->reader->metadata.row_groups.items[v->row_group].num_rows;
    check_headers(v);
    if (v->page_count > 0 && v->whole) {
        check_column_index(v);
        check_offset_index(v);
    }
    if (!v->whole) return;
    if (v->chunk.rows != rows)
        lm__verify_problem(v, -1, "rows", "it has %lld rows; the row group has %lld",
                           (long long)v->chunk.rows, (long long)rows);
    check_statistics(v, -1, v->metadata->statistics, &v->chunk);
    check_distinct(v);
    check_size_statistics(v);
}
