/* Merging Parquet files: the files, and the steps in their order; see merge.h. */
#include "parquet/merge.h"

#include <string.h>

#include "arrow/unify.h"
#include "base/alloc.h"
#include "base/cancel.h"
#include "base/error.h"
#include "base/hash.h"
#include "base/limits.h"

static lm_status no_memory(lm_error *error) { return lm__error_memory(error, "merging files"); }

lm_status lm__merge_within(const lm_parquet_merge *merge, lm_status status, lm_error *error)
{
    return lm__reader_within(merge->reader, SIZE_MAX, status, error);
}

/* Writing. */

lm_status lm__merge_flush(lm_parquet_merge *merge, lm_error *error)
{
    size_t size = merge->out.size;
    lm__buffer_clear(&merge->out);
    return size ? lm_sink_write(merge->sink, merge->out.data, size, error) : LM_OK;
}

lm_status lm__merge_put(lm_parquet_merge *merge, const void *data, size_t size, lm_error *error)
{
    if (merge->out.size + size > LM_PARQUET_MERGE_OUT_BYTES) LM_TRY(lm__merge_flush(merge, error));
    merge->offset += size;
    if (size > LM_PARQUET_MERGE_OUT_BYTES) return lm_sink_write(merge->sink, data, size, error);
    return lm__buffer_append(&merge->out, data, size) == LM_OK ? LM_OK : no_memory(error);
}

/* The tail of a file that was open before, in its place. A reader fetches more than the footer at
 * once: what lies before the tail, but for the magic, reads as zeroes, which nobody looks at. */

static const lm_merge_part *part_of_tail(lm_source *source)
{
    const lm_parquet_merge *merge =
        (const lm_parquet_merge *)((char *)source - offsetof(lm_parquet_merge, tail));
    return &merge->parts[merge->part];
}

static lm_status tail_read(lm_source *source, uint64_t offset, void *buffer, size_t size,
                           lm_error *error)
{
    (void)error;
    const lm_merge_part *part = part_of_tail(source);
    uint64_t start = part->size - part->tail_size;
    size_t before = offset >= start ? 0 : start - offset < size ? (size_t)(start - offset) : size;
    memset(buffer, 0, before);
    if (offset == 0 && before >= 4) memcpy(buffer, "PAR1", 4);
    if (before < size)
        memcpy((uint8_t *)buffer + before, part->tail + (offset + before - start), size - before);
    return LM_OK;
}

static const void *tail_view(lm_source *source, uint64_t offset, size_t size)
{
    (void)size;
    const lm_merge_part *part = part_of_tail(source);
    uint64_t start = part->size - part->tail_size;
    return offset >= start ? part->tail + (offset - start) : NULL;
}

static void tail_close(lm_source *source) { (void)source; }

static const lm_source_ops tail_ops = {tail_read, tail_view, tail_close};

/* Files. */

void lm__merge_part_close(lm_parquet_merge *merge)
{
    lm_parquet_reader_close(merge->reader);
    merge->reader = NULL;
    merge->part = SIZE_MAX;
}

static lm_status open_reader(lm_parquet_merge *merge, size_t part, bool by_tail, lm_error *error)
{
    lm_parquet_reader_options options = {.allocator = merge->allocator};
    lm_source *source = &merge->tail;
    merge->part = part;
    merge->part_has_all = !by_tail;
    if (by_tail)
        merge->tail = (lm_source){&tail_ops, merge->parts[part].size, merge->parts[part].name};
    else
        LM_TRY(merge->sources.open(merge->sources.context, part, &source, error));
    return lm_parquet_reader_open(source, &options, &merge->reader, error);
}

/* Invariant 2. */
static lm_status check_same(const lm_parquet_merge *merge, lm_error *error)
{
    const lm_parquet_reader *reader = merge->reader;
    const lm_merge_part *part = &merge->parts[merge->part];
    if (reader->owned->size == part->size &&
        lm__crc32c(0, reader->footer, reader->footer_bytes) == part->footer_sum)
        return LM_OK;
    return lm__merge_within(
        merge,
        lm__error_set(error, LM_CONFLICT,
                      "it was changed while it was merged; run the merge again"),
        error);
}

lm_status lm__merge_part_open(lm_parquet_merge *merge, size_t part, bool whole, lm_error *error)
{
    if (merge->reader && merge->part == part && (merge->part_has_all || !whole)) return LM_OK;
    if (lm__cancel_requested(merge->options.cancel))
        return lm__error_set(error, LM_CANCELLED, "interrupted");
    lm__merge_part_close(merge);
    bool by_tail = !whole && merge->parts[part].tail;
    lm_status status = open_reader(merge, part, by_tail, error);
    if (status == LM_OK && !by_tail) status = check_same(merge, error);
    if (status == LM_OK && !merge->options.rewrite)
        status = lm__merge_within(
            merge, lm__merge_places(&merge->schema, merge->reader, merge->places, error), error);
    if (status != LM_OK) lm__merge_part_close(merge);
    return status;
}

/* The tail from the first index on, where it is small. */
static lm_status keep_tail(lm_parquet_merge *merge, lm_merge_part *part, lm_error *error)
{
    const lm_parquet_reader *reader = merge->reader;
    uint64_t start = part->size - reader->footer_bytes - 8;
    for (size_t g = 0; g < reader->metadata.row_groups.count; g++) {
        const lm_row_group *group = &reader->metadata.row_groups.items[g];
        for (size_t c = 0; c < group->columns.count; c++) {
            const lm_column_chunk *chunk = &group->columns.items[c];
            if (LM_HAS(chunk, LM_COLUMN_CHUNK_COLUMN_INDEX_OFFSET) &&
                (uint64_t)chunk->column_index_offset < start)
                start = (uint64_t)chunk->column_index_offset;
            if (LM_HAS(chunk, LM_COLUMN_CHUNK_OFFSET_INDEX_OFFSET) &&
                (uint64_t)chunk->offset_index_offset < start)
                start = (uint64_t)chunk->offset_index_offset;
        }
    }
    uint64_t size = part->size - start;
    if (size > LM_PARQUET_MERGE_TAIL_BYTES_MAX ||
        size > LM_PARQUET_MERGE_KEPT_BYTES_MAX - merge->kept_bytes)
        return LM_OK;
    part->tail = lm__alloc(merge->allocator, (size_t)size);
    if (!part->tail) return no_memory(error);
    part->tail_size = (size_t)size;
    merge->kept_bytes += (size_t)size;
    return lm_source_read(reader->owned, start, part->tail, (size_t)size, error);
}

static lm_status look_at(lm_parquet_merge *merge, size_t i, lm_error *error)
{
    lm_merge_part *part = &merge->parts[i];
    char name[LM_PATH_BYTES_MAX];
    if (lm__cancel_requested(merge->options.cancel))
        return lm__error_set(error, LM_CANCELLED, "interrupted");
    LM_TRY(open_reader(merge, i, false, error));
    const lm_parquet_reader *reader = merge->reader;
    part->size = reader->owned->size;
    part->footer_sum = lm__crc32c(0, reader->footer, reader->footer_bytes);
    part->name =
        lm__arena_strdup(&merge->arena, lm__printable(name, sizeof name, reader->owned->name));
    if (!part->name) return no_memory(error);
    LM_TRY(lm__merge_survey(merge, part->name, error));
    lm_status status = merge->options.rewrite ? LM_OK : keep_tail(merge, part, error);
    lm__merge_part_close(merge);
    return status;
}

/* Opening. */

static lm_status check_options(const lm_parquet_merge *merge, lm_error *error)
{
    const lm_parquet_merge_options *options = &merge->options;
    if (merge->sources.count == 0) return lm__error_set(error, LM_INVALID, "no files to merge");
    if (merge->sources.count > LM_PARQUET_MERGE_FILES_MAX)
        return lm__error_set(error, LM_LIMIT, "%zu files; the limit is %d", merge->sources.count,
                             LM_PARQUET_MERGE_FILES_MAX);
    if (options->alignment > LM_PARQUET_MERGE_ALIGNMENT_MAX)
        return lm__error_set(error, LM_INVALID, "an alignment of %u; the limit is %zu",
                             options->alignment, LM_PARQUET_MERGE_ALIGNMENT_MAX);
    return LM_OK;
}

static lm_status survey(lm_parquet_merge *merge, lm_error *error)
{
    LM_TRY(check_options(merge, error));
    merge->parts = lm__alloc_zero(merge->allocator, merge->sources.count * sizeof *merge->parts);
    if (!merge->parts) return no_memory(error);
    for (size_t i = 0; i < merge->sources.count; i++) LM_TRY(look_at(merge, i, error));
    merge->summary.files = merge->sources.count;
    return lm__merge_survey_end(merge, error);
}

lm_status lm_parquet_merge_open(const lm_parquet_merge_sources *sources,
                                const lm_parquet_merge_options *options, lm_parquet_merge **merge,
                                lm_error *error)
{
    static const lm_parquet_merge_options defaults;
    if (!options) options = &defaults;
    const lm_allocator *allocator = lm__allocator_or_default(options->allocator);
    lm_parquet_merge *made = lm__alloc_zero(allocator, sizeof *made);
    if (!made) return no_memory(error);
    made->sources = *sources;
    made->options = *options;
    made->allocator = allocator;
    made->write = options->write ? *options->write : lm_parquet_options_default();
    made->write.allocator = allocator;
    if (options->cancel) made->write.cancel = options->cancel;
    made->part = SIZE_MAX;
    lm__arena_init(&made->arena, allocator, 0);
    lm__buffer_init(&made->out, allocator, 0);
    lm__merge_schema_init(&made->schema, allocator, &made->arena);
    lm__merge_metadata_init(&made->metadata, allocator, &made->arena, options->pairs);
    if (options->rewrite) made->metadata.arrow = LM_MERGE_ARROW_NONE; /* the writer makes its own */
    lm_status status = survey(made, error);
    lm__merge_part_close(made);
    if (status != LM_OK) {
        lm_parquet_merge_close(made);
        return status;
    }
    *merge = made;
    return LM_OK;
}

const lm_parquet_merge_summary *lm_parquet_merge_plan(const lm_parquet_merge *merge)
{
    return &merge->summary;
}

void lm_parquet_merge_close(lm_parquet_merge *merge)
{
    if (!merge) return;
    const lm_allocator *allocator = merge->allocator;
    lm__merge_part_close(merge);
    lm_parquet_writer_abort(merge->writer);
    lm__unifier_free(merge->unifier);
    lm_schema_free(merge->rows);
    for (size_t i = 0; merge->parts && i < merge->sources.count; i++)
        lm__free(allocator, merge->parts[i].tail);
    for (lm_merge_segment *segment = merge->segments; segment; segment = segment->next)
        lm__free(allocator, segment->nulls);
    lm__free(allocator, merge->parts);
    lm__free(allocator, merge->copy_room);
    lm__buffer_deinit(&merge->out);
    lm__merge_metadata_deinit(&merge->metadata);
    lm__merge_schema_deinit(&merge->schema);
    lm__arena_deinit(&merge->arena);
    lm__free(allocator, merge);
}

/* Running. */

bool lm__merge_is_small(const lm_parquet_merge *merge, const lm_row_group *group)
{
    const lm_parquet_merge_options *options = &merge->options;
    uint64_t bytes = 0;
    if (group->num_rows == 0 || options->small_rows == 0 || group->num_rows >= options->small_rows)
        return false;
    if (options->small_bytes == 0) return true;
    for (size_t c = 0; c < group->columns.count; c++)
        if (group->columns.items[c].meta_data)
            bytes += (uint64_t)group->columns.items[c].meta_data->total_compressed_size;
    return bytes < options->small_bytes;
}

static lm_status run_part(lm_parquet_merge *merge, size_t part, lm_error *error)
{
    LM_TRY(lm__merge_part_open(merge, part, true, error));
    const lm_row_group *groups = merge->reader->metadata.row_groups.items;
    size_t count = merge->reader->metadata.row_groups.count;
    for (size_t first = 0, end; first < count; first = end) {
        bool small = lm__merge_is_small(merge, &groups[first]);
        for (end = first + 1; end < count; end++)
            if (groups[end].num_rows && lm__merge_is_small(merge, &groups[end]) != small) break;
        if (small) {
            LM_TRY(lm__merge_rewrite(merge, first, end, error));
        } else {
            int64_t rows = 0;
            for (size_t g = first; g < end; g++) rows |= groups[g].num_rows;
            if (rows == 0) continue;
            LM_TRY(lm__merge_rewrite_end(merge, error));
            LM_TRY(lm__merge_carry(merge, first, end, error));
        }
    }
    return LM_OK;
}

static lm_status run(lm_parquet_merge *merge, lm_parquet_result *result, lm_error *error)
{
    uint64_t footer_bytes = 0;
    merge->places =
        lm__arena_array(&merge->arena, merge->schema.leaf_count + 1, sizeof *merge->places);
    if (!merge->places) return no_memory(error);
    if (merge->options.rewrite) return lm__merge_rewrite_all(merge, result, error);
    LM_TRY(lm__merge_put(merge, "PAR1", 4, error));
    for (size_t i = 0; i < merge->sources.count; i++) LM_TRY(run_part(merge, i, error));
    LM_TRY(lm__merge_rewrite_end(merge, error));
    LM_TRY(lm__merge_indexes(merge, error));
    LM_TRY(lm__merge_footer(merge, &footer_bytes, error));
    LM_TRY(lm__merge_flush(merge, error));
    *result = (lm_parquet_result){.rows = merge->rows_written,
                                  .row_groups = merge->groups_written,
                                  .bytes = merge->offset,
                                  .footer_bytes = footer_bytes};
    return LM_OK;
}

lm_status lm_parquet_merge_run(lm_parquet_merge *merge, lm_sink *sink, lm_parquet_result *result,
                               lm_error *error)
{
    lm_parquet_result unused;
    if (merge->sink) return lm__error_set(error, LM_INVALID, "a merge runs once");
    merge->sink = sink;
    lm_status status = run(merge, result ? result : &unused, error);
    lm__merge_part_close(merge);
    return status;
}
