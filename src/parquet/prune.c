/* The tree of a filter over the facts of a row group and of its pages; see prune.h. */
#include "parquet/prune.h"

#include "base/error.h"
#include "parquet/read_index.h"

const lm_read_field *lm__prune_field(const lm_prune *prune, const lm_test_column *column)
{
    const lm_read_field *field = &prune->plan->columns[column->path[0]];
    for (int32_t i = 1; i < column->depth; i++) field = &field->children[column->path[i]];
    return field->kind == LM_READ_VALUES && !field->node->unreadable ? field : NULL;
}

const lm_column_chunk *lm__prune_chunk(const lm_prune *prune, const lm_read_field *field)
{
    const lm_row_group *group = &prune->reader->metadata.row_groups.items[prune->row_group];
    return &group->columns.items[field->node->leaf_first];
}

static lm_prune_facts facts_of_chunk(const lm_column_chunk *chunk)
{
    lm_prune_facts facts = {.values = -1};
    const lm_column_metadata *metadata = chunk->meta_data;
    const lm_statistics *statistics = metadata ? metadata->statistics : NULL;
    if (!statistics) return facts;
    facts.values = metadata->num_values;
    facts.min = statistics->min_value;
    facts.max = statistics->max_value;
    if (!facts.min.data && !facts.max.data) {
        facts.min = statistics->min;
        facts.max = statistics->max;
        facts.deprecated = true;
    }
    facts.has_nulls = LM_HAS(statistics, LM_STATISTICS_NULL_COUNT) && statistics->null_count >= 0;
    facts.nulls = statistics->null_count;
    facts.has_nans = LM_HAS(statistics, LM_STATISTICS_NAN_COUNT) && statistics->nan_count >= 0;
    facts.nans = statistics->nan_count;
    return facts;
}

static lm_status leaf_may(const lm_prune *prune, const lm_test *test, lm_prune_level level,
                          bool *may, lm_error *error)
{
    const lm_read_field *field = lm__prune_field(prune, &test->column);
    *may = true;
    if (!field) return LM_OK;
    lm_prune_facts facts = facts_of_chunk(lm__prune_chunk(prune, field));
    *may = lm__prune_by_facts(prune, test, field, &facts);
    if (*may && level >= LM_PRUNE_BLOOM) *may = lm__prune_by_bloom(prune, test, field);
    if (!*may || level < LM_PRUNE_DICTIONARY) return LM_OK;
    return lm__prune_by_dictionary(prune, test, field, may, error);
}

static lm_status tree_may(const lm_prune *prune, const lm_test *test, lm_prune_level level,
                          bool *may, lm_error *error)
{
    bool is_and = test->kind == LM_TEST_AND;
    *may = test->kind != LM_TEST_NEVER;
    if (test->kind == LM_TEST_NEVER || test->kind == LM_TEST_ALWAYS) return LM_OK;
    if (!is_and && test->kind != LM_TEST_OR) return leaf_may(prune, test, level, may, error);
    for (size_t i = 0; i < test->child_count; i++) {
        LM_TRY(tree_may(prune, &test->children[i], level, may, error));
        if (*may != is_and) return LM_OK;
    }
    return LM_OK;
}

lm_status lm__prune_row_group(const lm_prune *prune, lm_prune_level level, bool *may,
                              lm_error *error)
{
    return tree_may(prune, &prune->filter->root, level, may, error);
}

/* Pages. */

/* Pages begin with row 0 and ascend. */
static bool offsets_hold(const lm_offset_index *index, int64_t rows)
{
    for (size_t i = 0; i < index->page_locations.count; i++) {
        const lm_page_location *page = &index->page_locations.items[i];
        int64_t least = i == 0 ? 0 : page[-1].first_row_index + 1;
        if (page->first_row_index < least || (i == 0 && page->first_row_index != 0)) return false;
        if (page->first_row_index >= rows || page->offset < 0) return false;
    }
    return true;
}

/* What is damaged is as good as absent (invariant 4). */
static lm_status forgive(lm_status status)
{
    return status == LM_NO_MEMORY || status == LM_CANCELLED ? status : LM_OK;
}

lm_status lm__prune_offsets(const lm_parquet_reader *reader, size_t row_group,
                            const lm_read_node *leaf, lm_arena *arena, const lm_offset_index **out,
                            lm_error *error)
{
    const lm_offset_index *index = NULL;
    lm_status status = lm__read_offset_index(reader, row_group, leaf, arena, &index, error);
    int64_t rows = reader->metadata.row_groups.items[row_group].num_rows;
    *out = status == LM_OK && index && offsets_hold(index, rows) ? index : NULL;
    return forgive(status);
}

/* Columns that can be tested have a value for each row. A page that is said to be of nulls alone
 * and to have fewer than rows has something else as well (Polars before 2.1: NaNs). */
static lm_prune_facts facts_of_page(const lm_column_index *index, size_t page, int64_t rows)
{
    lm_prune_facts facts = {.values = -1};
    if (index->null_pages.items[page]) {
        if (index->null_counts.items && index->null_counts.items[page] < rows) return facts;
        facts.values = facts.nulls = 1; /* as if one value of it, a null, stood for all */
        facts.has_nulls = true;
        return facts;
    }
    facts.min = index->min_values.items[page];
    facts.max = index->max_values.items[page];
    if (index->null_counts.items) {
        facts.nulls = index->null_counts.items[page];
        facts.has_nulls = facts.nulls == 0;
    }
    if (index->nan_counts.items) {
        facts.nans = index->nan_counts.items[page];
        facts.has_nans = facts.nans >= 0;
    }
    return facts;
}

static lm_status no_memory(lm_error *error) { return lm__error_memory(error, "pruning pages"); }

static lm_status leaf_rows(const lm_prune *prune, const lm_test *test, lm_row_ranges *rows,
                           lm_error *error)
{
    const lm_row_group *group = &prune->reader->metadata.row_groups.items[prune->row_group];
    const lm_read_field *field = lm__prune_field(prune, &test->column);
    const lm_column_index *index = NULL;
    const lm_offset_index *offsets = NULL;
    *rows = (lm_row_ranges){0};
    if (field) {
        lm_status status = lm__read_column_index(prune->reader, prune->row_group, field->node,
                                                 prune->arena, &index, error);
        if (status != LM_OK) index = NULL;
        LM_TRY(forgive(status));
        LM_TRY(lm__prune_offsets(prune->reader, prune->row_group, field->node, prune->arena,
                                 &offsets, error));
    }
    size_t pages = offsets ? offsets->page_locations.count : 0;
    if (!index || pages == 0 || pages != index->null_pages.count) {
        if (lm__row_ranges_add(prune->arena, rows, 0, (uint64_t)group->num_rows)) return LM_OK;
        return no_memory(error);
    }
    for (size_t i = 0; i < pages; i++) {
        const lm_page_location *page = &offsets->page_locations.items[i];
        int64_t end = i + 1 < pages ? page[1].first_row_index : group->num_rows;
        lm_prune_facts facts = facts_of_page(index, i, end - page->first_row_index);
        if (lm__prune_by_facts(prune, test, field, &facts) &&
            !lm__row_ranges_add(prune->arena, rows, (uint64_t)page->first_row_index, (uint64_t)end))
            return no_memory(error);
    }
    return LM_OK;
}

static lm_status tree_rows(const lm_prune *prune, const lm_test *test, lm_row_ranges *rows,
                           lm_error *error)
{
    const lm_row_group *group = &prune->reader->metadata.row_groups.items[prune->row_group];
    *rows = (lm_row_ranges){0};
    if (test->kind == LM_TEST_NEVER) return LM_OK;
    if (test->kind == LM_TEST_ALWAYS) {
        bool added = lm__row_ranges_add(prune->arena, rows, 0, (uint64_t)group->num_rows);
        return added ? LM_OK : no_memory(error);
    }
    if (test->kind != LM_TEST_AND && test->kind != LM_TEST_OR)
        return leaf_rows(prune, test, rows, error);
    for (size_t i = 0; i < test->child_count; i++) {
        lm_row_ranges more, joined;
        LM_TRY(tree_rows(prune, &test->children[i], &more, error));
        bool made = true;
        if (i == 0)
            joined = more;
        else if (test->kind == LM_TEST_AND)
            made = lm__row_ranges_and(prune->arena, rows, &more, &joined);
        else
            made = lm__row_ranges_or(prune->arena, rows, &more, &joined);
        if (!made) return no_memory(error);
        *rows = joined;
    }
    return LM_OK;
}

lm_status lm__prune_pages(const lm_prune *prune, lm_row_ranges *rows, lm_error *error)
{
    return tree_rows(prune, &prune->filter->root, rows, error);
}
