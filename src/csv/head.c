/* A text's first rows; see head.h. */
#include "csv/head.h"

#include <string.h>

#include "base/error.h"
#include "base/limits.h"

static lm_status no_memory(lm_error *error) { return lm__error_memory(error, "reading a header"); }

bool lm__csv_is_names(const lm_csv_span *spans, size_t cells, const uint8_t *text)
{
    for (size_t i = 0; i < cells; i++) {
        size_t size = lm__csv_span_size(spans[i]);
        if (size == 0 || lm__csv_is_typed((const char *)text + spans[i].at, size)) return false;
    }
    return true;
}

static bool any_typed(const lm_csv_span *spans, size_t cells, const uint8_t *text)
{
    for (size_t i = 0; i < cells; i++) {
        size_t size = lm__csv_span_size(spans[i]);
        if (size > 0 && lm__csv_is_typed((const char *)text + spans[i].at, size)) return true;
    }
    return false;
}

/* A row's cells. The walk takes quotes out in place: of a copy. */
static lm_status cut_row(lm_arena *arena, const lm_csv_dialect *dialect, const uint8_t *row,
                         size_t size, size_t cells, uint8_t **text, lm_csv_span **spans,
                         lm_error *error)
{
    lm_csv_row walked;
    *text = lm__arena_aligned(arena, 1, size + 1);
    *spans = lm__arena_array(arena, cells, sizeof **spans);
    if (!*text || !*spans) return no_memory(error);
    memcpy(*text, row, size);
    (void)!lm__csv_row_walk(dialect, *text, size, 0, true, *spans, cells, &walked);
    return LM_OK;
}

/* The next row that is not empty, from `at` on; false where none is whole. */
static bool find_row(const lm_csv_dialect *dialect, const uint8_t *text, size_t size, bool last,
                     size_t *at, lm_csv_row *row)
{
    while (*at < size && lm__csv_row_empty(text, size, *at, at)) continue;
    return *at < size &&
           lm__csv_row_walk(dialect, (uint8_t *)text, size, *at, last, NULL, 0, row) == LM_CSV_ROW;
}

lm_status lm__csv_head(lm_arena *arena, const lm_csv_dialect *dialect, const uint8_t *text,
                       size_t size, bool last, lm_csv_head *head, lm_error *error)
{
    lm_csv_row row;
    uint8_t *copy;
    lm_csv_span *spans;
    *head = (lm_csv_head){0};
    if (!find_row(dialect, text, size, last, &head->begin, &row)) return LM_OK;
    if (row.cells > LM_ARROW_CHILDREN_MAX)
        return lm__error_set(error, LM_LIMIT,
                             "the first line has %zu cells, and a table has at most %d columns",
                             row.cells, LM_ARROW_CHILDREN_MAX);
    head->whole = true;
    head->cells = row.cells;
    head->next = head->end = row.end;
    if (head->end > head->begin && text[head->end - 1] == '\n') head->end--;
    if (head->end > head->begin && text[head->end - 1] == '\r') head->end--;
    LM_TRY(cut_row(arena, dialect, text + head->begin, row.end - head->begin, row.cells, &copy,
                   &spans, error));
    head->names = lm__csv_is_names(spans, row.cells, copy);
    head->typed = any_typed(spans, row.cells, copy);
    size_t at = head->next;
    if (!head->names || !find_row(dialect, text, size, last, &at, &row)) return LM_OK;
    if (row.cells > LM_ARROW_CHILDREN_MAX) return LM_OK;
    LM_TRY(cut_row(arena, dialect, text + at, row.end - at, row.cells, &copy, &spans, error));
    head->evident = any_typed(spans, row.cells, copy);
    return LM_OK;
}

lm_status lm__csv_head_cells(lm_arena *arena, const lm_csv_dialect *dialect, const uint8_t *row,
                             size_t size, const char ***cells, size_t *count, lm_error *error)
{
    lm_csv_row walked;
    uint8_t *copy;
    lm_csv_span *spans;
    *count = 0;
    if (lm__csv_row_walk(dialect, (uint8_t *)row, size, 0, true, NULL, 0, &walked) != LM_CSV_ROW)
        return lm__error_set(error, LM_DATA, "a quote is opened and never closed");
    LM_TRY(cut_row(arena, dialect, row, size, walked.cells, &copy, &spans, error));
    *cells = lm__arena_array(arena, walked.cells, sizeof **cells);
    if (!*cells) return no_memory(error);
    for (; *count < walked.cells; ++*count) {
        lm_csv_span span = spans[*count];
        (*cells)[*count] =
            lm__arena_strndup(arena, (const char *)copy + span.at, lm__csv_span_size(span));
        if (!(*cells)[*count]) return no_memory(error);
    }
    return LM_OK;
}
