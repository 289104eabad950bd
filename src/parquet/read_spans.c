/* Forward from range to range; see read_spans.h. */
#include "parquet/read_spans.h"

#include "base/error.h"
#include "parquet/prune.h"

void lm__read_place_init(lm_read_place *place, const lm_allocator *allocator)
{
    *place = (lm_read_place){.row = 0};
    lm__arena_init(&place->arena, allocator, 0);
}

lm_status lm__read_place_open(lm_read_place *place, const lm_parquet_reader *reader,
                              size_t row_group, const lm_read_node *leaf, lm_error *error)
{
    return lm__prune_offsets(reader, row_group, leaf, &place->arena, &place->index, error);
}

void lm__read_place_close(lm_read_place *place) { lm__arena_deinit(&place->arena); }

/* The page that holds the row. */
static size_t page_of(const lm_offset_index *index, uint64_t row)
{
    size_t from = 0, to = index->page_locations.count;
    while (to - from > 1) {
        size_t middle = from + (to - from) / 2;
        if ((uint64_t)index->page_locations.items[middle].first_row_index <= row)
            from = middle;
        else
            to = middle;
    }
    return from;
}

static lm_status advance(const lm_read_leaf *leaf, lm_read_column *column, lm_read_place *place,
                         uint64_t row, lm_error *error)
{
    const lm_offset_index *index = place->index;
    size_t skipped;
    if (place->row == row) return LM_OK;
    if (index && index->page_locations.count > 0) {
        const lm_page_location *pages = index->page_locations.items;
        size_t page = page_of(index, row);
        if ((uint64_t)pages[page].first_row_index > place->row) {
            LM_TRY(lm__read_column_seek(column, (uint64_t)pages[0].offset,
                                        (uint64_t)pages[page].offset, error));
            place->row = (uint64_t)pages[page].first_row_index;
        }
    }
    size_t rows = (size_t)(row - place->row);
    if (rows > 0) LM_TRY(lm__read_column_skip(column, rows, &skipped, error));
    place->row = row;
    if (rows == 0 || skipped == rows) return LM_OK;
    char path[LM_READ_PATH_MAX];
    return lm__error_set(error, LM_CORRUPT, "column %s has fewer rows than the row group",
                         lm__read_path(leaf->node, path));
}

lm_status lm__read_part_spans(lm_read_part *part, const lm_read_leaf *leaf, lm_read_column *column,
                              lm_read_place *place, const lm_row_span *spans, size_t count,
                              size_t start, size_t rows, lm_error *error)
{
    size_t from = 0, to = count;
    while (to - from > 1) { /* the last span that begins at `start` or before */
        size_t middle = from + (to - from) / 2;
        if (spans[middle].at <= start)
            from = middle;
        else
            to = middle;
    }
    for (size_t i = from; rows > 0; i++) {
        uint64_t row = spans[i].range.start + (start - spans[i].at);
        size_t some = (size_t)(spans[i].range.end - row);
        if (some > rows) some = rows;
        LM_TRY(advance(leaf, column, place, row, error));
        LM_TRY(lm__read_part_rows(part, leaf, column, some, error));
        place->row += some;
        start += some;
        rows -= some;
    }
    return LM_OK;
}
