/*
 * Row groups carried over: which bytes of a file they are (spans), copying them, and chunks of
 * nulls for columns that the file lacks, behind the row group that they belong to; see merge.h.
 */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/cancel.h"
#include "base/error.h"
#include "base/limits.h"
#include "parquet/merge.h"
#include "parquet/read_index.h"

/* Where a row group ends in its file. */
typedef struct group_end {
    uint64_t to;
    size_t group;
} group_end;

typedef struct carry_run {
    lm_parquet_merge *merge;
    lm_merge_segment *segment;
    lm_merge_span *spans;
    size_t count, capacity;
    group_end *ends; /* of the row groups that get chunks of nulls */
    size_t end_count;
    bool widened; /* columns are missing: row groups are kept apart */
    lm_error *error;
} carry_run;

static lm_status no_memory(lm_error *error) { return lm__error_memory(error, "merging files"); }

lm_status lm__merge_segment_new(lm_parquet_merge *merge, size_t part, size_t first, size_t end,
                                lm_merge_segment **segment, lm_error *error)
{
    lm_merge_segment *made = lm__arena_zero(&merge->arena, sizeof *made);
    size_t chunks = (end - first) * merge->schema.leaf_count;
    if (!made) return no_memory(error);
    *made = (lm_merge_segment){.part = part, .first = first, .end = end};
    made->index_sizes = lm__arena_zero(&merge->arena, (2 * chunks + 1) * sizeof(int32_t));
    if (!made->index_sizes) return no_memory(error);
    if (merge->last_segment)
        merge->last_segment->next = made;
    else
        merge->segments = made;
    merge->last_segment = made;
    *segment = made;
    return LM_OK;
}

/* Spans. */

static lm_status add_span(carry_run *run, uint64_t from, uint64_t to, bool touching)
{
    lm_merge_span *last = run->count ? &run->spans[run->count - 1] : NULL;
    if (from == to) return LM_OK;
    if (last && from >= last->from && (touching ? from <= last->to : from < last->to)) {
        if (to > last->to) last->to = to;
        return LM_OK;
    }
    if (!lm__array_room(run->merge->allocator, &run->spans, &run->capacity, run->count + 1,
                        sizeof *run->spans))
        return no_memory(run->error);
    run->spans[run->count++] = (lm_merge_span){.from = from, .to = to};
    return LM_OK;
}

static lm_status chunk_spans(carry_run *run, size_t group)
{
    const lm_parquet_reader *reader = run->merge->reader;
    const lm_row_group *all = &reader->metadata.row_groups.items[group];
    uint64_t from, to, last = 0;
    for (size_t c = 0; c < all->columns.count; c++) {
        LM_TRY(
            lm__merge_chunk_range(reader, all->columns.items[c].meta_data, &from, &to, run->error));
        LM_TRY(add_span(run, from, to, !run->widened || c > 0));
        if (to > last) last = to;
    }
    if (run->widened) run->ends[run->end_count++] = (group_end){last, group};
    return LM_OK;
}

static lm_status bloom_spans(carry_run *run, size_t group)
{
    const lm_parquet_reader *reader = run->merge->reader;
    for (uint32_t leaf = 0; leaf < reader->schema.leaf_count; leaf++) {
        lm_read_bloom_place place;
        lm_status status =
            lm__read_bloom_place(reader, group, reader->schema.leaves[leaf], &place, run->error);
        if (status == LM_CORRUPT)
            lm__error_within(run->error, status,
                             "row group %zu can only be written anew, with --rewrite", group);
        if (status != LM_OK) return status;
        if (place.there)
            LM_TRY(add_span(run, place.offset, place.offset + place.size, !run->widened));
    }
    return LM_OK;
}

static int compare_spans(const void *a, const void *b)
{
    const lm_merge_span *x = a, *y = b;
    return x->from < y->from ? -1 : x->from > y->from ? 1 : (x->to > y->to) - (x->to < y->to);
}

static int compare_ends(const void *a, const void *b)
{
    const group_end *x = a, *y = b;
    if (x->to != y->to) return x->to < y->to ? -1 : 1;
    return x->group < y->group ? -1 : x->group > y->group;
}

/* By their places, none over another: invariant 3. */
static lm_status settle_spans(carry_run *run)
{
    size_t count = 0;
    if (run->count) qsort(run->spans, run->count, sizeof *run->spans, compare_spans);
    for (size_t i = 0; i < run->count; i++) {
        lm_merge_span *last = count ? &run->spans[count - 1] : NULL, span = run->spans[i];
        bool joins = last && (run->widened ? span.from < last->to : span.from <= last->to);
        if (!joins)
            run->spans[count++] = span;
        else if (span.to > last->to)
            last->to = span.to;
    }
    if (run->end_count) qsort(run->ends, run->end_count, sizeof *run->ends, compare_ends);
    run->segment->spans =
        lm__arena_array(&run->merge->arena, count + 1, sizeof *run->segment->spans);
    if (!run->segment->spans) return no_memory(run->error);
    if (count) memcpy(run->segment->spans, run->spans, count * sizeof *run->spans);
    run->segment->span_count = count;
    return LM_OK;
}

static lm_status gather_spans(carry_run *run)
{
    const lm_row_group *groups = run->merge->reader->metadata.row_groups.items;
    for (size_t g = run->segment->first; g < run->segment->end; g++)
        if (groups[g].num_rows) LM_TRY(chunk_spans(run, g));
    for (size_t g = run->segment->first; g < run->segment->end; g++)
        if (groups[g].num_rows) LM_TRY(bloom_spans(run, g));
    return settle_spans(run);
}

bool lm__merge_moved(const lm_merge_segment *segment, int64_t offset, int64_t *moved)
{
    size_t low = 0, high = segment->span_count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (segment->spans[middle].to <= (uint64_t)offset)
            low = middle + 1;
        else
            high = middle;
    }
    if (offset < 0 || low == segment->span_count || segment->spans[low].from > (uint64_t)offset)
        return false;
    *moved = (int64_t)(segment->spans[low].at + ((uint64_t)offset - segment->spans[low].from));
    return true;
}

/* Copying. */

static lm_status copy_plain(lm_parquet_merge *merge, lm_source *source, uint64_t offset,
                            uint64_t size, lm_error *error)
{
    while (size) {
        size_t some =
            size < LM_PARQUET_MERGE_VIEW_BYTES ? (size_t)size : LM_PARQUET_MERGE_VIEW_BYTES;
        const void *bytes = lm_source_view(source, offset, some);
        if (lm__cancel_requested(merge->options.cancel))
            return lm__error_set(error, LM_CANCELLED, "interrupted");
        if (!bytes) {
            if (some > LM_PARQUET_MERGE_COPY_BYTES) some = LM_PARQUET_MERGE_COPY_BYTES;
            if (!merge->copy_room)
                merge->copy_room = lm__alloc(merge->allocator, LM_PARQUET_MERGE_COPY_BYTES);
            if (!merge->copy_room) return no_memory(error);
            LM_TRY(lm_source_read(source, offset, merge->copy_room, some, error));
            bytes = merge->copy_room;
        }
        LM_TRY(lm_sink_write(merge->sink, bytes, some, error));
        lm_source_passed(source, offset, some);
        offset += some;
        size -= some;
    }
    return LM_OK;
}

static lm_status copy_span(lm_parquet_merge *merge, lm_merge_span *span, lm_error *error)
{
    static const uint8_t zeroes[256];
    const lm_parquet_merge_sources *sources = &merge->sources;
    uint64_t size = span->to - span->from, alignment = merge->options.alignment;
    uint64_t pad = alignment ? (span->from + alignment - merge->offset % alignment) % alignment : 0;
    while (pad) {
        size_t some = pad < sizeof zeroes ? (size_t)pad : sizeof zeroes;
        LM_TRY(lm__merge_put(merge, zeroes, some, error));
        pad -= some;
    }
    LM_TRY(lm__merge_flush(merge, error));
    span->at = merge->offset;
    merge->offset += size;
    if (!sources->copy) return copy_plain(merge, merge->reader->owned, span->from, size, error);
    return sources->copy(sources->context, merge->part, merge->reader->owned, span->from, size,
                         merge->sink, error);
}

/* Chunks of nulls. */

static lm_status put_nulls(carry_run *run, size_t group)
{
    lm_parquet_merge *merge = run->merge;
    lm_merge_segment *segment = run->segment;
    for (size_t leaf = 0; leaf < merge->schema.leaf_count; leaf++) {
        if (merge->places[leaf].leaf >= 0) continue;
        if (!lm__array_room(merge->allocator, &segment->nulls, &segment->null_capacity,
                            segment->null_count + 1, sizeof *segment->nulls))
            return no_memory(run->error);
        lm_merge_nulls *nulls = &segment->nulls[segment->null_count];
        *nulls = (lm_merge_nulls){.group = group, .leaf = (uint32_t)leaf};
        LM_TRY(lm__merge_nulls_put(merge, nulls, run->error));
        segment->null_count++;
    }
    return LM_OK;
}

static int compare_nulls(const void *a, const void *b)
{
    const lm_merge_nulls *x = a, *y = b;
    if (x->group != y->group) return x->group < y->group ? -1 : 1;
    return x->leaf < y->leaf ? -1 : x->leaf > y->leaf;
}

static lm_status write_spans(carry_run *run)
{
    lm_merge_segment *segment = run->segment;
    size_t next = 0;
    for (size_t i = 0; i < segment->span_count; i++) {
        LM_TRY(copy_span(run->merge, &segment->spans[i], run->error));
        for (; next < run->end_count && run->ends[next].to <= segment->spans[i].to; next++)
            LM_TRY(put_nulls(run, run->ends[next].group));
    }
    for (; next < run->end_count; next++) LM_TRY(put_nulls(run, run->ends[next].group));
    if (segment->null_count)
        qsort(segment->nulls, segment->null_count, sizeof *segment->nulls, compare_nulls);
    return LM_OK;
}

lm_status lm__merge_carry(lm_parquet_merge *merge, size_t first, size_t end, lm_error *error)
{
    carry_run run = {.merge = merge, .error = error};
    const lm_row_group *groups = merge->reader->metadata.row_groups.items;
    LM_TRY(lm__merge_segment_new(merge, merge->part, first, end, &run.segment, error));
    for (size_t g = first; g < end; g++) {
        merge->groups_written += groups[g].num_rows > 0;
        merge->rows_written += groups[g].num_rows;
    }
    for (size_t leaf = 0; leaf < merge->schema.leaf_count; leaf++)
        run.widened |= merge->places[leaf].leaf < 0;
    lm_status status = LM_OK;
    if (run.widened) {
        run.ends = lm__alloc(merge->allocator, (end - first) * sizeof *run.ends);
        if (!run.ends) status = no_memory(error);
    }
    if (status == LM_OK) status = gather_spans(&run);
    if (status == LM_OK) status = write_spans(&run);
    lm__free(merge->allocator, run.spans);
    lm__free(merge->allocator, run.ends);
    return lm__merge_within(merge, status, error);
}
