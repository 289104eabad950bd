/*
 * Streams of the rows that a filter selects: prune, decode the filter's columns, decide, and only
 * then decode the rest, and of that only the pages that hold a row that is wanted.
 *
 * A row group that pruning leaves (prune.h) becomes a *scan*: a stream over the filter's columns,
 * of the ranges of rows that the page index leaves. Each batch of it is decided and becomes a
 * *portion*: the columns of it that are asked for are kept, and a second stream reads the other
 * columns, of the ranges that hold selected rows; small gaps are read and dropped rather than
 * skipped. What comes out of it is joined to what was kept, column by column.
 *
 * Invariants
 *  1. What is given satisfies the filter, and nothing that satisfies it is missing: the filter is
 *     held against every row that pruning leaves.
 *  2. Rows come in the order of the row groups asked for.
 *  3. The streams of scans and portions under way have shares of memory_bytes_max.
 */
#include <string.h>

#include "base/alloc.h"
#include "base/error.h"
#include "base/limits.h"
#include "parquet/prune.h"
#include "parquet/read_index.h"
#include "parquet/read_stream.h"

#define PORTIONS_MAX 2
#define SHARES 4 /* of memory: two scans, two portions */

typedef struct filter_scan {
    size_t row_group;
    lm_arena arena; /* of the ranges */
    lm_row_ranges ranges;
    size_t at_range;
    uint64_t in_range; /* rows of that range that have been decided */
    lm_stream *stream; /* NULL: not in use */
} filter_scan;

typedef struct filter_portion {
    struct filter_portion *next;
    lm_batch *kept; /* selected rows of the filter's columns; NULL where none is asked for */
    int64_t kept_at;
    lm_stream *rest; /* NULL where there is nothing else to read */
    int64_t selected;
    uint64_t rows_at; /* rows that came from `rest` */
    uint8_t bits[];   /* of all that come */
} filter_portion;

/* Where a column of the result comes from. */
typedef struct filter_source {
    bool is_kept;
    int32_t column;
} filter_source;

typedef struct filter_stream {
    lm_stream stream; /* first */
    lm_parquet_reader *reader;
    const lm_allocator *allocator;
    lm_read_tally tally;
    lm_parquet_read_counts counts, *told;
    lm_read_plan plan, filter_plan, rest_plan; /* of the result, and of the two kinds of streams */
    lm_filter *filter;
    filter_source *sources; /* one a column of the result */
    bool *kept_columns;     /* of filter_plan */
    bool any_kept, any_rest, no_pruning, done;
    uint64_t in_vain; /* searches of values, by conjunct */
    lm_pool *pool;
    const lm_allocator *blocks; /* of slabs */
    lm_read_asked asked;
    size_t at_group;
    filter_scan scans[2]; /* the one at work, and the next */
    filter_portion *head, *tail;
    size_t portions;
    lm_batch_rest rest;
} filter_stream;

static lm_status no_memory(lm_error *error) { return lm__error_memory(error, "filtering rows"); }

/* Scans. */

static void close_scan(filter_scan *scan)
{
    lm__stream_close(scan->stream);
    scan->stream = NULL;
    scan->ranges = (lm_row_ranges){0};
    scan->at_range = 0;
    scan->in_range = 0;
    lm__arena_reset(&scan->arena);
}

/* Where bounds left most of the row group its values are in no order, and those that are wanted may
 * be few. */
static lm_status prune_values(filter_stream *s, filter_scan *scan, const lm_prune *pruning,
                              lm_error *error)
{
    const lm_row_group *group = &s->reader->metadata.row_groups.items[scan->row_group];
    uint64_t before = lm__row_ranges_rows(&scan->ranges), rows = (uint64_t)group->num_rows;
    if (before < rows / 4) return LM_OK;
    LM_TRY(lm__prune_values(pruning, s->pool, &scan->ranges, &s->in_vain, error));
    s->counts.rows_by_values += before - lm__row_ranges_rows(&scan->ranges);
    return LM_OK;
}

static lm_status prune(filter_stream *s, filter_scan *scan, lm_error *error)
{
    const lm_row_group *group = &s->reader->metadata.row_groups.items[scan->row_group];
    const lm_prune pruning = {s->reader,        &s->filter_plan, s->filter,
                              &s->asked.limits, scan->row_group, &scan->arena};
    int64_t *by[] = {&s->counts.row_groups_by_statistics, &s->counts.row_groups_by_bloom,
                     &s->counts.row_groups_by_dictionary};
    s->counts.row_groups++;
    s->counts.rows += group->num_rows;
    if (s->no_pruning) {
        bool added = lm__row_ranges_add(&scan->arena, &scan->ranges, 0, (uint64_t)group->num_rows);
        return added ? LM_OK : no_memory(error);
    }
    for (int level = LM_PRUNE_STATISTICS; level <= LM_PRUNE_BLOOM; level++) {
        bool may;
        LM_TRY(lm__prune_row_group(&pruning, (lm_prune_level)level, &may, error));
        *by[level] += !may;
        if (!may) return LM_OK;
    }
    LM_TRY(lm__prune_pages(&pruning, &scan->ranges, error));
    s->counts.row_groups_by_pages += scan->ranges.count == 0;
    if (scan->ranges.count == 0) return LM_OK;
    bool may;
    LM_TRY(lm__prune_row_group(&pruning, LM_PRUNE_DICTIONARY, &may, error));
    s->counts.row_groups_by_dictionary += !may;
    if (!may) scan->ranges.count = 0;
    if (may) return prune_values(s, scan, &pruning, error);
    return LM_OK;
}

static lm_status open_part(filter_stream *s, const lm_read_plan *plan, size_t row_group,
                           const lm_row_ranges *ranges, lm_stream **stream, lm_error *error)
{
    const lm_read_part_of part = {
        .plan = plan,
        .pool = s->pool,
        .blocks = s->blocks,
        .limits = &s->asked.limits,
        .row_group = row_group,
        .ranges = ranges->items,
        .range_count = ranges->count,
        .bytes_max = s->asked.bytes_max / SHARES,
        .by_index = !s->no_pruning,
    };
    return lm__parquet_stream_open_part(s->reader, &part, stream, error);
}

/* The next row group that pruning leaves, at work; none is left where the scan has no stream. */
static lm_status open_scan(filter_stream *s, filter_scan *scan, lm_error *error)
{
    while (!scan->stream && s->at_group < s->asked.row_group_count) {
        scan->row_group = s->asked.row_groups[s->at_group++];
        lm_status status = prune(s, scan, error);
        if (status == LM_OK && scan->ranges.count > 0)
            status =
                open_part(s, &s->filter_plan, scan->row_group, &scan->ranges, &scan->stream, error);
        if (status == LM_OK && scan->stream) break;
        close_scan(scan);
        LM_TRY(status);
    }
    return LM_OK;
}

/* The batch of the scan's filter columns that comes next; NULL when there are no more. */
static lm_status next_scanned(filter_stream *s, lm_batch **batch, lm_error *error)
{
    bool ahead = lm__pool_threads(s->pool) > 1;
    *batch = NULL;
    for (;;) {
        if (!s->scans[0].stream) {
            filter_scan first = s->scans[0];
            s->scans[0] = s->scans[1];
            s->scans[1] = first;
        }
        LM_TRY(open_scan(s, &s->scans[0], error));
        if (!s->scans[0].stream) return LM_OK;
        if (ahead) LM_TRY(open_scan(s, &s->scans[1], error));
        LM_TRY(lm__stream_next(s->scans[0].stream, batch, error));
        if (*batch) return LM_OK;
        close_scan(&s->scans[0]);
    }
}

/* Portions. */

/* Clears all but the set bits [skip, skip + most). */
static void trim(uint8_t *bits, int64_t rows, uint64_t skip, uint64_t most)
{
    uint64_t seen = 0;
    for (int64_t row = 0; row < rows; row++) {
        if (!(bits[row >> 3] >> (row & 7) & 1)) continue;
        if (seen < skip || seen - skip >= most) lm__bit_clear(bits, row);
        seen++;
    }
}

/* Which rows of the batch are given: the filter, then offset and limit. */
static lm_status decide(filter_stream *s, lm_batch *batch, uint8_t *bits, int64_t *count,
                        lm_error *error)
{
    int64_t rows = lm__batch_rows(batch);
    LM_TRY(lm__filter_rows(s->filter, &batch->root, bits, count, error));
    s->counts.rows_filtered += rows;
    s->counts.rows_selected += *count;
    uint64_t had = (uint64_t)*count,
             skip = s->asked.rows_to_skip < had ? s->asked.rows_to_skip : had;
    uint64_t most = had - skip < s->asked.rows_left ? had - skip : s->asked.rows_left;
    if (skip > 0 || most < had) trim(bits, rows, skip, most);
    s->asked.rows_to_skip -= skip;
    s->asked.rows_left -= most;
    s->done = s->asked.rows_left == 0;
    *count = (int64_t)most;
    return LM_OK;
}

typedef struct range_maker {
    lm_arena *arena;
    lm_row_ranges ranges;
    const uint8_t *from; /* bits of the batch */
    uint8_t *to;         /* of the rows in the ranges */
    uint64_t rows;
} range_maker;

static bool put_range(range_maker *m, uint64_t row, size_t first, size_t end)
{
    lm__bits_copy(m->to, (size_t)m->rows, (lm_bits){m->from, first}, end - first);
    m->rows += end - first;
    return lm__row_ranges_add(m->arena, &m->ranges, row + first, row + end);
}

/* Bits [at, at + count) of the batch stand for rows [row, row + count) of the row group. Rows are
 * looked at by 64: a range ends where so many in a row are not wanted. */
static bool put_rows(range_maker *m, uint64_t row, size_t at, size_t count)
{
    lm_bits bits = {m->from, at};
    size_t first = 0, end = 0; /* of the range at hand */
    for (size_t i = 0; i < count; i += 64) {
        uint64_t word = lm__bits_word(bits, i, count - i < 64 ? count - i : 64);
        if (word) {
            if (end == 0) first = i + (size_t)__builtin_ctzll(word);
            end = i + 64 - (size_t)__builtin_clzll(word);
        } else if (end > 0) {
            if (!put_range(m, row - at, at + first, at + end)) return false;
            end = 0;
        }
    }
    return end == 0 || put_range(m, row - at, at + first, at + end);
}

/* From bits over the scan's batch to ranges of the row group; the scan moves on by the batch. */
static lm_status make_ranges(filter_scan *scan, int64_t rows, range_maker *m, lm_error *error)
{
    size_t at = 0;
    while (at < (size_t)rows) {
        const lm_row_range *range = &scan->ranges.items[scan->at_range];
        uint64_t row = range->start + scan->in_range, some = range->end - row;
        if (some > (uint64_t)rows - at) some = (uint64_t)rows - at;
        if (m && !put_rows(m, row, at, (size_t)some)) return no_memory(error);
        at += some;
        scan->in_range += some;
        if (row + some < range->end) continue;
        scan->at_range++;
        scan->in_range = 0;
    }
    return LM_OK;
}

static void portion_free(filter_stream *s, filter_portion *portion)
{
    lm__stream_close(portion->rest);
    lm__batch_unref(portion->kept);
    lm__free(s->allocator, portion);
}

static lm_status fill_portion(filter_stream *s, filter_scan *scan, lm_batch *batch,
                              const uint8_t *bits, filter_portion *portion, lm_error *error)
{
    int64_t rows = lm__batch_rows(batch);
    range_maker m = {&scan->arena, {0}, bits, portion->bits, 0};
    if (s->any_kept)
        LM_TRY(lm__batch_take_bits(batch, bits, portion->selected, s->kept_columns, &portion->kept,
                                   error));
    LM_TRY(make_ranges(scan, rows, s->any_rest ? &m : NULL, error));
    if (!s->any_rest) return LM_OK;
    return open_part(s, &s->rest_plan, scan->row_group, &m.ranges, &portion->rest, error);
}

/* Takes the batch. */
static lm_status add_portion(filter_stream *s, lm_batch *batch, lm_error *error)
{
    filter_scan *scan = &s->scans[0];
    int64_t rows = lm__batch_rows(batch), count = 0;
    size_t bytes = lm__filter_bits_bytes(rows) + 8;
    uint8_t *bits = lm__alloc(s->allocator, bytes);
    filter_portion *portion = lm__alloc_zero(s->allocator, sizeof *portion + bytes);
    lm_status status = bits && portion ? decide(s, batch, bits, &count, error) : no_memory(error);
    if (status == LM_OK && count > 0) {
        portion->selected = count;
        status = fill_portion(s, scan, batch, bits, portion, error);
    } else if (status == LM_OK) {
        status = make_ranges(scan, rows, NULL, error);
    }
    lm__batch_unref(batch);
    lm__free(s->allocator, bits);
    if (status != LM_OK || count == 0) {
        if (portion) portion_free(s, portion);
        return status;
    }
    if (s->head)
        s->tail->next = portion;
    else
        s->head = portion;
    s->tail = portion;
    s->portions++;
    return LM_OK;
}

static lm_status look_ahead(filter_stream *s, lm_error *error)
{
    size_t most = lm__pool_threads(s->pool) > 1 && s->any_rest ? PORTIONS_MAX : 1;
    while (s->portions < most && !s->done) {
        lm_batch *batch;
        LM_TRY(next_scanned(s, &batch, error));
        if (!batch)
            s->done = true;
        else
            LM_TRY(add_portion(s, batch, error));
    }
    for (int i = 0; s->done && i < 2; i++) close_scan(&s->scans[i]);
    return LM_OK;
}

/* Results. */

static void unref_batch(void *context, void *batch)
{
    (void)context;
    lm__batch_unref(batch);
}

/* A batch of `count` rows: those of `rest`, and as many of what the portion kept. */
static lm_status join(filter_stream *s, filter_portion *portion, lm_batch *rest, int64_t count,
                      lm_batch **out, lm_error *error)
{
    lm_schema *schema = s->plan.schema;
    LM_TRY(lm__batch_new(s->allocator, schema, count, out, error));
    lm_batch *held[] = {rest, portion->kept};
    lm_status status = LM_OK;
    for (int i = 0; i < 2 && status == LM_OK; i++)
        if (held[i])
            status =
                lm__batch_own_take(*out, (lm_owned){lm__batch_ref(held[i]), unref_batch, NULL});
    if (status != LM_OK) {
        lm__batch_unref(*out);
        *out = NULL;
        return no_memory(error);
    }
    lm_array *columns = lm__batch_columns(*out);
    for (int32_t i = 0; i < s->plan.n_columns; i++) {
        const filter_source *source = &s->sources[i];
        lm_array column = lm__batch_column(source->is_kept ? portion->kept : rest, source->column);
        columns[i] = source->is_kept ? lm__array_slice(&column, portion->kept_at, count) : column;
        columns[i].field = &schema->root.children[i];
    }
    portion->kept_at += count;
    return LM_OK;
}

/* The selected rows of the portion's next batch; *out is NULL where it has none, *more is false at
 * its end. */
static lm_status next_of_portion(filter_stream *s, filter_portion *portion, lm_batch **out,
                                 bool *more, lm_error *error)
{
    lm_batch *all, *rest = NULL;
    *out = NULL;
    *more = false;
    if (!portion->rest) return join(s, portion, NULL, portion->selected, out, error);
    LM_TRY(lm__stream_next(portion->rest, &all, error));
    if (!all) return LM_OK;
    *more = true;
    size_t rows = (size_t)lm__batch_rows(all);
    lm_bits from = {portion->bits, (size_t)portion->rows_at};
    int64_t count = (int64_t)lm__bits_count(from, rows);
    uint8_t *bits = lm__alloc_zero(s->allocator, lm__filter_bits_bytes((int64_t)rows) + 8);
    lm_status status = bits ? LM_OK : no_memory(error);
    portion->rows_at += rows;
    if (status == LM_OK && count > 0) {
        lm__bits_copy(bits, 0, from, rows);
        status = lm__batch_take_bits(all, bits, count, NULL, &rest, error);
        if (status == LM_OK) status = join(s, portion, rest, count, out, error);
    }
    lm__free(s->allocator, bits);
    lm__batch_unref(rest);
    lm__batch_unref(all);
    return status;
}

static lm_status next_rows(filter_stream *s, lm_batch **batch, lm_error *error)
{
    *batch = NULL;
    for (;;) {
        bool more;
        LM_TRY(look_ahead(s, error));
        filter_portion *portion = s->head;
        if (!portion) return LM_OK;
        LM_TRY(next_of_portion(s, portion, batch, &more, error));
        if (!more) {
            s->head = portion->next;
            s->portions--;
            portion_free(s, portion);
        }
        if (*batch) return LM_OK;
    }
}

static void tell_counts(filter_stream *s)
{
    if (!s->told) return;
    s->counts.pages_read = (int64_t)atomic_load(&s->tally.pages);
    s->counts.bytes_read = (int64_t)atomic_load(&s->tally.bytes);
    *s->told = s->counts;
}

static lm_status filter_next(lm_stream *stream, lm_batch **batch, lm_error *error)
{
    filter_stream *s = (filter_stream *)stream;
    if (!s->rest.batch) {
        lm_status status = next_rows(s, &s->rest.batch, error);
        tell_counts(s);
        LM_TRY(status);
    }
    return lm__batch_rest_next(&s->rest, (int64_t)s->asked.batch_rows, batch, error);
}

static void filter_close(lm_stream *stream)
{
    filter_stream *s = (filter_stream *)stream;
    const lm_allocator *allocator = s->allocator;
    while (s->head) {
        filter_portion *portion = s->head;
        s->head = portion->next;
        portion_free(s, portion);
    }
    for (int i = 0; i < 2; i++) {
        close_scan(&s->scans[i]);
        lm__arena_deinit(&s->scans[i].arena);
    }
    lm__batch_unref(s->rest.batch);
    lm__pool_free(s->pool);
    tell_counts(s);
    lm_filter_free(s->filter);
    lm__read_plan_deinit(&s->plan);
    lm__read_plan_deinit(&s->filter_plan);
    lm__read_plan_deinit(&s->rest_plan);
    lm__free(allocator, s->sources);
    lm__free(allocator, s->kept_columns);
    lm__free(allocator, s->asked.row_groups);
    lm_parquet_reader_close(s->reader);
    lm_keeping_allocator_close(s->blocks);
    lm__free(allocator, s);
}

/* Opening. */

/* The leaves of the filter's columns, and of others only the first: of them no more is asked than
 * whether they are null. */
static void mark_test(const lm_read_plan *plan, const lm_test *test, bool *wanted)
{
    const lm_test_column *columns[] = {&test->column, &test->other};
    for (size_t i = 0; i < test->child_count; i++) mark_test(plan, &test->children[i], wanted);
    for (int c = 0; c < 2; c++) {
        if (columns[c]->depth == 0) continue;
        const lm_read_field *field = &plan->columns[columns[c]->path[0]];
        for (int32_t i = 1; i < columns[c]->depth; i++)
            field = &field->children[columns[c]->path[i]];
        if (field->node->leaf_count > 0) wanted[field->node->leaf_first] = true;
    }
}

static void mark_field(const lm_read_field *field, bool *wanted)
{
    if (field->kind == LM_READ_VALUES) wanted[field->node->leaf_first] = true;
    for (int32_t i = 0; i < field->n_children; i++) mark_field(&field->children[i], wanted);
}

static int32_t column_of(const lm_read_plan *plan, const lm_read_node *node)
{
    for (int32_t i = 0; i < plan->n_columns; i++)
        if (plan->columns[i].node == node) return i;
    return -1;
}

/* The path in `to` of what the column's path names in `from`. */
static bool move_column(lm_arena *arena, lm_test_column *column, const lm_read_plan *from,
                        const lm_read_plan *to)
{
    const lm_read_field *old = from->columns, *new = to->columns;
    int32_t count = to->n_columns;
    int32_t *path = lm__arena_array(arena, (size_t)column->depth + 1, sizeof *path);
    for (int32_t i = 0; path && i < column->depth; i++) {
        int32_t at = 0;
        old = &old[column->path[i]];
        while (at + 1 < count && new[at].node != old->node) at++;
        path[i] = at;
        count = new[at].n_children;
        new = new[at].children;
        old = old->children;
    }
    column->path = path;
    return path != NULL;
}

static bool move_test(lm_arena *arena, lm_test *test, const lm_read_plan *from,
                      const lm_read_plan *to)
{
    for (size_t i = 0; i < test->child_count; i++)
        if (!move_test(arena, &test->children[i], from, to)) return false;
    return move_column(arena, &test->column, from, to) &&
           move_column(arena, &test->other, from, to);
}

/* Does the result have one of the leaves for a column? */
static bool any_wanted(const lm_read_plan *plan, const bool *wanted)
{
    for (int32_t i = 0; i < plan->n_columns; i++)
        if (plan->columns[i].kind == LM_READ_VALUES && wanted[plan->columns[i].node->leaf_first])
            return true;
    return false;
}

/* The filter, bound to all of the file's columns, and then to a plan of those that it needs. */
static lm_status plan_filter(filter_stream *s, const lm_parquet_read_options *options,
                             lm_error *error)
{
    lm_read_plan all = {0};
    lm_parquet_read_options of_filter = *options;
    const lm_read_plan *bound = options->columns ? &all : &s->plan;
    bool *wanted = lm__alloc_zero(s->allocator, s->reader->schema.leaf_count + 1);
    if (!wanted) return no_memory(error);
    of_filter.columns = NULL;
    lm_status status = LM_OK;
    if (options->columns) status = lm__read_plan_make(s->reader, &of_filter, &all, error);
    if (status == LM_OK)
        status = lm__reader_within(
            s->reader, SIZE_MAX,
            lm_expr_bind(s->allocator, options->filter, bound->schema, &s->filter, error), error);
    if (status == LM_OK) {
        mark_test(bound, &s->filter->root, wanted);
        if (!any_wanted(&s->plan, wanted)) of_filter.dictionaries = LM_DICTIONARIES_DECODE;
        status = lm__read_plan_make_leaves(s->reader, &of_filter, wanted, &s->filter_plan, error);
    }
    if (status == LM_OK && !move_test(&s->filter->arena, &s->filter->root, bound, &s->filter_plan))
        status = no_memory(error);
    if (all.schema) lm__read_plan_deinit(&all);
    lm__free(s->allocator, wanted);
    return status;
}

/* Columns of the result that the filter needs whole come from it; the others from the rest. */
static lm_status plan_rest(filter_stream *s, const lm_parquet_read_options *options,
                           lm_error *error)
{
    size_t columns = (size_t)s->plan.n_columns;
    bool *wanted = lm__alloc_zero(s->allocator, s->reader->schema.leaf_count + 1);
    s->sources = lm__alloc_array(s->allocator, columns + 1, sizeof *s->sources);
    s->kept_columns = lm__alloc_zero(s->allocator, (size_t)s->filter_plan.n_columns + 1);
    lm_status status = wanted && s->sources && s->kept_columns ? LM_OK : no_memory(error);
    for (size_t i = 0; i < columns && status == LM_OK; i++) {
        const lm_read_field *field = &s->plan.columns[i];
        int32_t at = field->kind == LM_READ_VALUES ? column_of(&s->filter_plan, field->node) : -1;
        s->sources[i] = (filter_source){at >= 0, at};
        if (at >= 0) {
            s->kept_columns[at] = true;
            s->any_kept = true;
        } else {
            mark_field(field, wanted);
            s->any_rest = true;
        }
    }
    if (status == LM_OK)
        status = lm__read_plan_make_leaves(s->reader, options, wanted, &s->rest_plan, error);
    for (size_t i = 0; i < columns && status == LM_OK; i++)
        if (!s->sources[i].is_kept)
            s->sources[i].column = column_of(&s->rest_plan, s->plan.columns[i].node);
    lm__free(s->allocator, wanted);
    return status;
}

static lm_status open_filter(filter_stream *s, const lm_parquet_read_options *options,
                             lm_error *error)
{
    LM_TRY(lm__read_asked_make(s->reader, options, &s->tally, &s->asked, error));
    s->no_pruning = options->no_pruning;
    s->told = options->counts;
    LM_TRY(lm__read_plan_make(s->reader, options, &s->plan, error));
    LM_TRY(plan_filter(s, options, error));
    LM_TRY(plan_rest(s, options, error));
    if (s->filter->root.kind == LM_TEST_NEVER) s->asked.row_group_count = 0;
    LM_TRY(lm_keeping_allocator_new(s->allocator, s->asked.bytes_max / 2, &s->blocks, error));
    if (!s->no_pruning && !lm_source_view(s->reader->source, 0, 1))
        lm__read_indexes_coming(s->reader);
    return lm__read_pool_new(s->reader, options, &s->pool, error);
}

lm_status lm__parquet_filter_open(lm_parquet_reader *reader, const lm_parquet_read_options *options,
                                  lm_stream **stream, lm_error *error)
{
    static const lm_stream_ops ops = {filter_next, filter_close};
    filter_stream *s = lm__alloc_zero(reader->allocator, sizeof *s);
    if (!s) return no_memory(error);
    s->allocator = reader->allocator;
    s->reader = lm__parquet_reader_ref(reader);
    for (int i = 0; i < 2; i++) lm__arena_init(&s->scans[i].arena, s->allocator, 0);
    lm_status status = open_filter(s, options, error);
    if (status == LM_OK && s->filter->root.kind == LM_TEST_ALWAYS) {
        lm_parquet_read_options all = *options;
        all.filter = NULL;
        filter_close(&s->stream);
        return lm__parquet_stream_open(reader, &all, stream, error);
    }
    if (status != LM_OK) {
        filter_close(&s->stream);
        return status;
    }
    lm__stream_init(&s->stream, &ops, s->plan.schema);
    *stream = &s->stream;
    return LM_OK;
}
