/*
 * The end of a merged file: indexes and the footer, of one row group after another, from the files'
 * own footers, which are read once more for it; see merge.h.
 */
#include <string.h>

#include "base/alloc.h"
#include "base/cancel.h"
#include "base/error.h"
#include "base/limits.h"
#include "parquet/merge.h"
#include "parquet/read_index.h"

enum { COLUMN_INDEX, OFFSET_INDEX, INDEX_KINDS };

/* A row group on its way into the footer. */
typedef struct footer_run {
    lm_parquet_merge *merge;
    const lm_merge_segment *segment;
    lm_arena arena; /* of one row group */
    uint64_t index_at;
    size_t ordinal;
    lm_error *error;
} footer_run;

static lm_status no_memory(lm_error *error) { return lm__error_memory(error, "merging files"); }

/* After a structure was written into merge->out. */
static lm_status put_done(lm_parquet_merge *merge, size_t before, lm_status status, lm_error *error)
{
    if (status != LM_OK) return no_memory(error);
    merge->offset += merge->out.size - before;
    return merge->out.size < LM_PARQUET_MERGE_OUT_BYTES ? LM_OK : lm__merge_flush(merge, error);
}

static int32_t *index_size(const lm_parquet_merge *merge, const lm_merge_segment *segment,
                           size_t group, size_t leaf, int kind)
{
    size_t chunk = (group - segment->first) * merge->schema.leaf_count + leaf;
    return &segment->index_sizes[INDEX_KINDS * chunk + (size_t)kind];
}

static bool has_index(const lm_column_chunk *chunk, int kind)
{
    return kind == COLUMN_INDEX ? LM_HAS(chunk, LM_COLUMN_CHUNK_COLUMN_INDEX_OFFSET) &&
                                      LM_HAS(chunk, LM_COLUMN_CHUNK_COLUMN_INDEX_LENGTH)
                                : LM_HAS(chunk, LM_COLUMN_CHUNK_OFFSET_INDEX_OFFSET) &&
                                      LM_HAS(chunk, LM_COLUMN_CHUNK_OFFSET_INDEX_LENGTH);
}

static const lm_merge_nulls *find_nulls(const lm_merge_segment *segment, size_t group, size_t leaf)
{
    size_t low = 0, high = segment->null_count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        const lm_merge_nulls *at = &segment->nulls[middle];
        if (at->group < group || (at->group == group && at->leaf < leaf))
            low = middle + 1;
        else
            high = middle;
    }
    return &segment->nulls[low];
}

/* Indexes. */

/* As it lies in the file: it holds no offsets. */
static lm_status put_column_index(lm_parquet_merge *merge, const lm_column_chunk *chunk,
                                  lm_arena *arena, lm_error *error)
{
    lm_source *source = merge->reader->owned;
    int64_t offset = chunk->column_index_offset;
    int32_t size = chunk->column_index_length;
    if (offset < 0 || size < 0 || (uint64_t)offset > source->size ||
        (uint64_t)size > source->size - (uint64_t)offset)
        return lm__error_set(error, LM_CORRUPT, "a column index outside of the file");
    const void *bytes = lm_source_view(source, (uint64_t)offset, (size_t)size);
    if (!bytes) {
        void *copy = lm__arena_alloc(arena, (size_t)size + 1);
        if (!copy) return no_memory(error);
        LM_TRY(lm_source_read(source, (uint64_t)offset, copy, (size_t)size, error));
        bytes = copy;
    }
    return lm__merge_put(merge, bytes, (size_t)size, error);
}

static lm_status put_offset_index(lm_parquet_merge *merge, const lm_merge_segment *segment,
                                  size_t group, uint32_t leaf, lm_arena *arena, lm_error *error)
{
    const lm_parquet_reader *reader = merge->reader;
    const lm_column_chunk *chunk = &reader->metadata.row_groups.items[group].columns.items[leaf];
    const lm_offset_index *index;
    uint64_t from, to;
    LM_TRY(lm__merge_chunk_range(reader, chunk->meta_data, &from, &to, error));
    LM_TRY(lm__read_offset_index(reader, group, reader->schema.leaves[leaf], arena, &index, error));
    lm_page_location *places = (lm_page_location *)index->page_locations.items;
    for (size_t i = 0; i < index->page_locations.count; i++) {
        int64_t offset = places[i].offset, size = places[i].compressed_page_size;
        if (offset < 0 || size < 0 || (uint64_t)offset < from || (uint64_t)offset > to ||
            (uint64_t)size > to - (uint64_t)offset ||
            !lm__merge_moved(segment, offset, &places[i].offset))
            return lm__error_set(error, LM_CORRUPT,
                                 "its offset index has a page outside of the chunk; use --rewrite");
    }
    size_t before = merge->out.size;
    return put_done(merge, before, lm__offset_index_write(index, &merge->out), error);
}

static lm_status put_nulls_index(lm_parquet_merge *merge, const lm_merge_nulls *nulls, int kind,
                                 lm_error *error)
{
    size_t before = merge->out.size;
    return put_done(merge, before,
                    kind == COLUMN_INDEX ? lm__merge_nulls_column_index(nulls, &merge->out)
                                         : lm__merge_nulls_offset_index(nulls, &merge->out),
                    error);
}

static lm_status put_index(lm_parquet_merge *merge, const lm_merge_segment *segment, size_t group,
                           size_t leaf, int kind, bool any, lm_arena *arena, lm_error *error)
{
    const lm_row_group *all = &merge->reader->metadata.row_groups.items[group];
    int64_t theirs = merge->places[leaf].leaf;
    uint64_t before = merge->offset;
    lm_status status = LM_OK;
    if (theirs < 0 && any)
        status = put_nulls_index(merge, find_nulls(segment, group, leaf), kind, error);
    else if (theirs >= 0 && has_index(&all->columns.items[theirs], kind))
        status = kind == COLUMN_INDEX
                     ? put_column_index(merge, &all->columns.items[theirs], arena, error)
                     : put_offset_index(merge, segment, group, (uint32_t)theirs, arena, error);
    if (status == LM_OK && merge->offset - before > INT32_MAX)
        status = lm__error_set(error, LM_LIMIT, "an index of %llu bytes",
                               (unsigned long long)(merge->offset - before));
    *index_size(merge, segment, group, leaf, kind) = (int32_t)(merge->offset - before);
    if (status == LM_OK) return LM_OK;
    char path[LM_READ_PATH_MAX];
    lm__error_within(error, status, "column %s", lm__merge_path(merge->schema.leaves[leaf], path));
    return lm__reader_within(merge->reader, group, status, error);
}

static lm_status put_group_indexes(lm_parquet_merge *merge, const lm_merge_segment *segment,
                                   size_t group, lm_arena *arena, lm_error *error)
{
    const lm_row_group *all = &merge->reader->metadata.row_groups.items[group];
    for (int kind = 0; kind < INDEX_KINDS; kind++) {
        bool any = false;
        for (size_t c = 0; c < all->columns.count && !any; c++)
            any = has_index(&all->columns.items[c], kind);
        for (size_t leaf = 0; leaf < merge->schema.leaf_count; leaf++) {
            lm__arena_reset(arena);
            LM_TRY(put_index(merge, segment, group, leaf, kind, any, arena, error));
        }
    }
    return LM_OK;
}

static lm_status put_written_indexes(lm_parquet_merge *merge, const lm_merge_segment *segment,
                                     size_t group, lm_error *error)
{
    for (int kind = 0; kind < INDEX_KINDS; kind++)
        for (size_t leaf = 0; leaf < merge->schema.leaf_count; leaf++) {
            const lm_chunk_done *done = &merge->writer->chunks[group][leaf];
            const lm_bytes *bytes =
                kind == COLUMN_INDEX ? &done->column_index : &done->offset_index;
            *index_size(merge, segment, group, leaf, kind) = (int32_t)bytes->size;
            LM_TRY(lm__merge_put(merge, bytes->data, bytes->size, error));
        }
    return LM_OK;
}

static lm_status put_segment_indexes(lm_parquet_merge *merge, lm_merge_segment *segment,
                                     lm_arena *arena, lm_error *error)
{
    bool written = segment->part == SIZE_MAX;
    if (!written) LM_TRY(lm__merge_part_open(merge, segment->part, false, error));
    segment->index_at = merge->offset;
    for (size_t g = segment->first; g < segment->end; g++) {
        if (written)
            LM_TRY(put_written_indexes(merge, segment, g, error));
        else if (merge->reader->metadata.row_groups.items[g].num_rows)
            LM_TRY(put_group_indexes(merge, segment, g, arena, error));
    }
    return LM_OK;
}

lm_status lm__merge_indexes(lm_parquet_merge *merge, lm_error *error)
{
    lm_arena arena;
    lm_status status = LM_OK;
    lm__arena_init(&arena, merge->allocator, 0);
    for (lm_merge_segment *segment = merge->segments; segment && status == LM_OK;
         segment = segment->next)
        status = put_segment_indexes(merge, segment, &arena, error);
    lm__arena_deinit(&arena);
    return status;
}

/* Row groups. */

static void take_index_places(footer_run *run, size_t group, lm_column_chunk *chunks)
{
    const lm_parquet_merge *merge = run->merge;
    for (int kind = 0; kind < INDEX_KINDS; kind++)
        for (size_t leaf = 0; leaf < merge->schema.leaf_count; leaf++) {
            int32_t size = *index_size(merge, run->segment, group, leaf, kind);
            lm_column_chunk *chunk = &chunks[leaf];
            if (kind == COLUMN_INDEX) {
                chunk->column_index_offset = (int64_t)run->index_at;
                chunk->column_index_length = size;
            } else {
                chunk->offset_index_offset = (int64_t)run->index_at;
                chunk->offset_index_length = size;
            }
            uint32_t bits =
                kind == COLUMN_INDEX
                    ? LM_COLUMN_CHUNK_COLUMN_INDEX_OFFSET | LM_COLUMN_CHUNK_COLUMN_INDEX_LENGTH
                    : LM_COLUMN_CHUNK_OFFSET_INDEX_OFFSET | LM_COLUMN_CHUNK_OFFSET_INDEX_LENGTH;
            chunk->has = size ? chunk->has | bits : chunk->has & ~bits;
            run->index_at += (uint64_t)size;
        }
}

/* An optional offset within [from, to) moves along; any other says nothing that is true. */
static void move_optional(const lm_merge_segment *segment, uint64_t from, uint64_t to,
                          lm_column_metadata *metadata, uint32_t bit, int64_t *offset)
{
    if (!LM_HAS(metadata, bit)) return;
    if (*offset < 0 || (uint64_t)*offset < from || (uint64_t)*offset >= to ||
        !lm__merge_moved(segment, *offset, offset))
        metadata->has &= ~bit;
}

static lm_status move_chunk(footer_run *run, const lm_column_chunk *old, size_t leaf,
                            lm_column_chunk *chunk)
{
    const lm_merge_segment *segment = run->segment;
    lm_column_metadata *metadata = lm__arena_alloc(&run->arena, sizeof *metadata);
    uint64_t from, to;
    if (!metadata) return no_memory(run->error);
    *metadata = *old->meta_data;
    LM_TRY(lm__merge_chunk_range(run->merge->reader, old->meta_data, &from, &to, run->error));
    metadata->path_in_schema = run->merge->schema.paths[leaf];
    if (from == to)
        metadata->data_page_offset = 4; /* there is nothing to lead to */
    else if (!lm__merge_moved(segment, metadata->data_page_offset, &metadata->data_page_offset))
        return lm__error_set(run->error, LM_CORRUPT, "a chunk whose pages lie outside of it");
    move_optional(segment, from, to, metadata, LM_COLUMN_METADATA_INDEX_PAGE_OFFSET,
                  &metadata->index_page_offset);
    move_optional(segment, from, to, metadata, LM_COLUMN_METADATA_DICTIONARY_PAGE_OFFSET,
                  &metadata->dictionary_page_offset);
    move_optional(segment, 0, UINT64_MAX, metadata, LM_COLUMN_METADATA_BLOOM_FILTER_OFFSET,
                  &metadata->bloom_filter_offset);
    *chunk = (lm_column_chunk){.meta_data = metadata};
    if ((uint64_t)old->file_offset < from || (uint64_t)old->file_offset >= to ||
        !lm__merge_moved(segment, old->file_offset, &chunk->file_offset))
        chunk->file_offset = 0; /* as the format wants it now */
    return LM_OK;
}

static lm_status nulls_chunk(footer_run *run, size_t group, size_t leaf, lm_column_chunk *chunk)
{
    lm_column_metadata *metadata = lm__arena_alloc(&run->arena, sizeof *metadata);
    if (!metadata) return no_memory(run->error);
    *chunk = (lm_column_chunk){.meta_data = metadata};
    return lm__merge_nulls_metadata(run->merge, find_nulls(run->segment, group, leaf), &run->arena,
                                    metadata, run->error);
}

/* By the leaves of the new file; one that is not there ends the list. */
static lm_status move_sorting(footer_run *run, lm_row_group *group)
{
    size_t count = 0;
    if (group->sorting_columns.count == 0) return LM_OK;
    lm_sorting_column *columns =
        lm__arena_array(&run->arena, group->sorting_columns.count, sizeof *columns);
    if (!columns) return no_memory(run->error);
    for (; count < group->sorting_columns.count; count++) {
        size_t leaf = 0;
        columns[count] = group->sorting_columns.items[count];
        while (leaf < run->merge->schema.leaf_count &&
               run->merge->places[leaf].leaf != columns[count].column_idx)
            leaf++;
        if (columns[count].column_idx < 0 || leaf == run->merge->schema.leaf_count) break;
        columns[count].column_idx = (int32_t)leaf;
    }
    group->sorting_columns.items = count ? columns : NULL;
    group->sorting_columns.count = count;
    return LM_OK;
}

/* Sizes from outside: what does not fit wraps, as whoever wrote it would have it. */
static void add_sizes(lm_row_group *group, const lm_column_metadata *metadata, bool away)
{
    uint64_t plain = (uint64_t)metadata->total_uncompressed_size;
    uint64_t packed = (uint64_t)metadata->total_compressed_size;
    group->total_byte_size = (int64_t)((uint64_t)group->total_byte_size + (away ? -plain : plain));
    group->total_compressed_size =
        (int64_t)((uint64_t)group->total_compressed_size + (away ? -packed : packed));
}

static lm_status move_group(footer_run *run, size_t at, lm_row_group *group,
                            lm_column_chunk *chunks)
{
    const lm_parquet_merge *merge = run->merge;
    int64_t first = INT64_MAX;
    for (size_t c = 0; c < group->columns.count; c++) /* some may not be among the new ones */
        add_sizes(group, group->columns.items[c].meta_data, true);
    for (size_t leaf = 0; leaf < merge->schema.leaf_count; leaf++) {
        int64_t theirs = merge->places[leaf].leaf;
        if (theirs >= 0)
            LM_TRY(move_chunk(run, &group->columns.items[theirs], leaf, &chunks[leaf]));
        else
            LM_TRY(nulls_chunk(run, at, leaf, &chunks[leaf]));
        add_sizes(group, chunks[leaf].meta_data, false);
        int64_t start = (int64_t)lm__read_chunk_start(chunks[leaf].meta_data);
        if (chunks[leaf].meta_data->total_compressed_size && start < first) first = start;
    }
    if (LM_HAS(group, LM_ROW_GROUP_FILE_OFFSET))
        group->file_offset = first == INT64_MAX ? 4 : first;
    return move_sorting(run, group);
}

/* Chunks of our writer have their places already; their names may be others. */
static lm_status written_group(footer_run *run, size_t at, lm_column_chunk *chunks)
{
    for (size_t leaf = 0; leaf < run->merge->schema.leaf_count; leaf++) {
        lm_column_metadata *metadata = lm__arena_alloc(&run->arena, sizeof *metadata);
        if (!metadata) return no_memory(run->error);
        chunks[leaf] = run->merge->writer->chunks[at][leaf].chunk;
        *metadata = *chunks[leaf].meta_data;
        metadata->path_in_schema = run->merge->schema.paths[leaf];
        chunks[leaf].meta_data = metadata;
    }
    return LM_OK;
}

static lm_status put_group(footer_run *run, size_t at)
{
    lm_parquet_merge *merge = run->merge;
    bool written = run->segment->part == SIZE_MAX;
    lm_row_group group =
        written ? merge->writer->groups[at] : merge->reader->metadata.row_groups.items[at];
    size_t count = merge->schema.leaf_count;
    lm__arena_reset(&run->arena);
    lm_column_chunk *chunks = lm__arena_array(&run->arena, count + 1, sizeof *chunks);
    if (!chunks) return no_memory(run->error);
    LM_TRY(written ? written_group(run, at, chunks) : move_group(run, at, &group, chunks));
    take_index_places(run, at, chunks);
    group.columns.items = chunks;
    group.columns.count = count;
    group.ordinal = (int16_t)run->ordinal++;
    group.has = merge->groups_written <= INT16_MAX ? group.has | LM_ROW_GROUP_ORDINAL
                                                   : group.has & ~LM_ROW_GROUP_ORDINAL;
    size_t before = merge->out.size;
    return put_done(merge, before, lm__footer_write_row_group(&group, &merge->out), run->error);
}

static lm_status put_segment(footer_run *run, const lm_merge_segment *segment)
{
    lm_parquet_merge *merge = run->merge;
    bool written = segment->part == SIZE_MAX;
    if (!written) LM_TRY(lm__merge_part_open(merge, segment->part, false, run->error));
    run->segment = segment;
    run->index_at = segment->index_at;
    for (size_t g = segment->first; g < segment->end; g++) {
        if (!written && merge->reader->metadata.row_groups.items[g].num_rows == 0) continue;
        lm_status status = put_group(run, g);
        if (status != LM_OK)
            return written ? status : lm__reader_within(merge->reader, g, status, run->error);
    }
    return LM_OK;
}

/* The footer. */

static lm_status file_metadata(lm_parquet_merge *merge, lm_file_metadata *out, lm_error *error)
{
    *out = (lm_file_metadata){.version = merge->version,
                              .num_rows = merge->rows_written,
                              .key_value_metadata = merge->pairs,
                              .created_by = merge->created_by};
    out->schema.items = merge->schema.elements;
    out->schema.count = merge->schema.element_count;
    if (merge->created_by_differs) {
        char *ours = lm__arena_printf(&merge->arena, "lamella version %s", lm_version());
        if (!ours) return no_memory(error);
        out->created_by = lm__bytes(ours, strlen(ours));
    }
    if (merge->orders && merge->schema.leaf_count)
        out->column_orders = (lm_int32_list){merge->orders, merge->schema.leaf_count};
    return LM_OK;
}

static lm_status put_row_groups(lm_parquet_merge *merge, lm_error *error)
{
    footer_run run = {.merge = merge, .error = error};
    lm_status status = LM_OK;
    lm__arena_init(&run.arena, merge->allocator, 0);
    for (const lm_merge_segment *segment = merge->segments; segment && status == LM_OK;
         segment = segment->next)
        status = put_segment(&run, segment);
    lm__arena_deinit(&run.arena);
    return status;
}

lm_status lm__merge_footer(lm_parquet_merge *merge, uint64_t *footer_bytes, lm_error *error)
{
    lm_file_metadata metadata;
    uint64_t start = merge->offset;
    size_t before = merge->out.size;
    LM_TRY(file_metadata(merge, &metadata, error));
    LM_TRY(put_done(merge, before,
                    lm__footer_write_head(&metadata, (size_t)merge->groups_written, &merge->out),
                    error));
    LM_TRY(put_row_groups(merge, error));
    before = merge->out.size;
    LM_TRY(put_done(merge, before, lm__footer_write_rest(&metadata, &merge->out), error));
    uint64_t size = merge->offset - start;
    if (size > LM_PARQUET_FOOTER_BYTES_MAX)
        return lm__error_set(error, LM_LIMIT,
                             "a footer of %llu bytes; the limit is %zu: --rewrite makes fewer row "
                             "groups",
                             (unsigned long long)size, LM_PARQUET_FOOTER_BYTES_MAX);
    uint32_t length = (uint32_t)size;
    *footer_bytes = size + 8;
    LM_TRY(lm__merge_put(merge, &length, 4, error));
    return lm__merge_put(merge, "PAR1", 4, error);
}

lm_status lm__merge_empty_file(lm_parquet_merge *merge, lm_buffer *out, lm_error *error)
{
    lm_file_metadata metadata;
    LM_TRY(file_metadata(merge, &metadata, error));
    metadata.num_rows = 0;
    metadata.row_groups.items = (const void *)lm_thrift_empty;
    lm_status status = lm__buffer_append(out, "PAR1", 4);
    if (status == LM_OK) status = lm__footer_write(&metadata, out);
    uint32_t size = (uint32_t)out->size - 4;
    if (status == LM_OK) status = lm__buffer_append(out, &size, 4);
    if (status == LM_OK) status = lm__buffer_append(out, "PAR1", 4);
    return status == LM_OK ? LM_OK : no_memory(error);
}
