/* Ranges of rows and their algebra; see row_ranges.h. */
#include "parquet/row_ranges.h"

bool lm__row_ranges_add(lm_arena *arena, lm_row_ranges *ranges, uint64_t start, uint64_t end)
{
    if (start >= end) return true;
    if (ranges->count > 0 && ranges->items[ranges->count - 1].end >= start) {
        lm_row_range *last = &ranges->items[ranges->count - 1];
        if (last->end < end) last->end = end;
        return true;
    }
    if (!lm__arena_room(arena, &ranges->items, &ranges->capacity, ranges->count + 1,
                        sizeof *ranges->items))
        return false;
    ranges->items[ranges->count++] = (lm_row_range){start, end};
    return true;
}

bool lm__row_ranges_and(lm_arena *arena, const lm_row_ranges *a, const lm_row_ranges *b,
                        lm_row_ranges *out)
{
    *out = (lm_row_ranges){0};
    for (size_t i = 0, k = 0; i < a->count && k < b->count;) {
        const lm_row_range *x = &a->items[i], *y = &b->items[k];
        uint64_t start = x->start > y->start ? x->start : y->start;
        uint64_t end = x->end < y->end ? x->end : y->end;
        if (!lm__row_ranges_add(arena, out, start, end)) return false;
        if (x->end <= y->end)
            i++;
        else
            k++;
    }
    return true;
}

bool lm__row_ranges_or(lm_arena *arena, const lm_row_ranges *a, const lm_row_ranges *b,
                       lm_row_ranges *out)
{
    *out = (lm_row_ranges){0};
    for (size_t i = 0, k = 0; i < a->count || k < b->count;) {
        bool first = k == b->count || (i < a->count && a->items[i].start <= b->items[k].start);
        const lm_row_range *next = first ? &a->items[i++] : &b->items[k++];
        if (!lm__row_ranges_add(arena, out, next->start, next->end)) return false;
    }
    return true;
}

uint64_t lm__row_ranges_rows(const lm_row_ranges *ranges)
{
    uint64_t rows = 0;
    for (size_t i = 0; i < ranges->count; i++)
        rows += ranges->items[i].end - ranges->items[i].start;
    return rows;
}
