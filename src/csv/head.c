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

/* What a column has in the rows that were looked at. */
enum { HAS_TYPED = 1, HAS_TEXT = 2 };

static lm_status look_below(lm_arena *arena, const lm_csv_dialect *dialect, size_t cells,
                            const uint8_t *text, size_t size, bool last, uint8_t *has, size_t *rows,
                            lm_error *error)
{
    size_t at = 0;
    lm_csv_row row;
    for (*rows = 0; *rows < LM_CSV_HEADER_ROWS; ++*rows, at = row.end) {
        uint8_t *copy;
        lm_csv_span *found;
        if (!find_row(dialect, text, size, last, &at, &row) || row.cells != cells) return LM_OK;
        LM_TRY(cut_row(arena, dialect, text + at, row.end - at, row.cells, &copy, &found, error));
        for (size_t i = 0; i < cells; i++) {
            size_t length = lm__csv_span_size(found[i]);
            if (length == 0) continue;
            bool typed = lm__csv_is_typed((const char *)copy + found[i].at, length);
            has[i] |= typed ? HAS_TYPED : HAS_TEXT;
        }
    }
    return LM_OK;
}

lm_status lm__csv_is_names_with_gaps(lm_arena *arena, const lm_csv_dialect *dialect,
                                     const lm_csv_span *spans, size_t cells, const uint8_t *words,
                                     const uint8_t *text, size_t size, bool last, bool *names,
                                     lm_error *error)
{
    size_t gaps = 0, first_word = cells, last_word = 0, rows;
    *names = false;
    if (any_typed(spans, cells, words)) return LM_OK;
    for (size_t i = 0; i < cells; i++) {
        bool is_gap = lm__csv_span_size(spans[i]) == 0;
        gaps += is_gap;
        if (!is_gap && first_word == cells) first_word = i;
        if (!is_gap) last_word = i;
    }
    if (gaps == cells) return LM_OK;
    uint8_t *has = lm__arena_aligned(arena, 1, cells);
    if (!has) return no_memory(error);
    memset(has, 0, cells);
    LM_TRY(look_below(arena, dialect, cells, text, size, last, has, &rows, error));
    if (rows == 0) return LM_OK;
    bool nothing_behind = true;
    for (size_t i = 0; i < cells; i++) {
        if (lm__csv_span_size(spans[i]) > 0 && has[i] == HAS_TYPED) *names = true;
        if (i > last_word && has[i]) nothing_behind = false;
    }
    if (gaps == cells - 1 - last_word && nothing_behind) *names = true;
    if (gaps == 1 && first_word == 1 && has[0] == HAS_TYPED) *names = true;
    return LM_OK;
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
