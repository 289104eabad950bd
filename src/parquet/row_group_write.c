/*
 * A finished row group: its pages go into the file, and what the footer must know is kept
 * (parquet.thrift, ColumnMetaData, ColumnIndex, OffsetIndex).
 */
#include <string.h>

#include "base/error.h"
#include "parquet/statistics.h"
#include "parquet/writer.h"

static lm_status keep_memory(lm_error *error)
{
    return lm__error_memory(error, "keeping what the footer will say");
}

/* Bounds as they are written: cut where they are long. Floats and integers are copied. */
static lm_status bounds_cut(lm_parquet_writer *writer, const lm_leaf *leaf, const lm_bounds *bounds,
                            lm_statistics *out, lm_error *error)
{
    out->has |= LM_STATISTICS_MIN_EXACT | LM_STATISTICS_MAX_EXACT;
    out->is_min_value_exact = out->is_max_value_exact = true;
    size_t most = leaf->order == LM_ORDER_BYTES && leaf->physical == LM_PARQUET_BYTE_ARRAY
                      ? writer->options.statistics_bytes_max
                      : SIZE_MAX;
    return lm__statistics_cut(&writer->arena, bounds->min, bounds->max, most, leaf->text, out,
                              error);
}

/* NaNs are in no bounds: only by their number can a reader know that there are none
 * (parquet.thrift, ColumnOrder). */
static bool tells_nans(const lm_leaf *leaf)
{
    return leaf->statistics && (leaf->order == LM_ORDER_FLOAT || leaf->order == LM_ORDER_FLOAT16);
}

static lm_status chunk_statistics(lm_parquet_writer *writer, const lm_chunk *chunk,
                                  lm_column_metadata *meta, lm_error *error)
{
    lm_statistics *statistics = lm__arena_zero(&writer->arena, sizeof *statistics);
    if (!statistics) return keep_memory(error);
    statistics->null_count = (int64_t)(chunk->shredded.entries - chunk->values);
    statistics->has |= LM_STATISTICS_NULL_COUNT;
    if (chunk->distinct >= 0) {
        statistics->distinct_count = chunk->distinct;
        statistics->has |= LM_STATISTICS_DISTINCT_COUNT;
    }
    if (tells_nans(chunk->leaf)) {
        statistics->nan_count = (int64_t)chunk->bounds.nans;
        statistics->has |= LM_STATISTICS_NAN_COUNT;
    }
    if (chunk->bounds.there)
        LM_TRY(bounds_cut(writer, chunk->leaf, &chunk->bounds, statistics, error));
    meta->statistics = statistics;
    return LM_OK;
}

static lm_status histogram_keep(lm_arena *arena, const int64_t *counts, unsigned most,
                                lm_int64_list *out, lm_error *error)
{
    size_t count = (size_t)most + 1;
    int64_t *copy = lm__arena_array(arena, count, sizeof *copy);
    if (!copy) return keep_memory(error);
    memcpy(copy, counts, count * sizeof *copy);
    *out = (lm_int64_list){copy, count};
    return LM_OK;
}

static lm_status size_statistics(lm_parquet_writer *writer, const lm_chunk *chunk,
                                 lm_column_metadata *meta, lm_error *error)
{
    const lm_leaf *leaf = chunk->leaf;
    if (!writer->options.size_statistics) return LM_OK;
    if (leaf->store != LM_STORE_STRINGS && !chunk->definition_histogram) return LM_OK;
    lm_size_statistics *sizes = lm__arena_zero(&writer->arena, sizeof *sizes);
    if (!sizes) return keep_memory(error);
    if (leaf->store == LM_STORE_STRINGS) {
        sizes->has |= LM_SIZE_STATISTICS_UNENCODED_BYTES;
        for (size_t i = 0; i < chunk->page_count; i++)
            sizes->unencoded_byte_array_data_bytes += (int64_t)chunk->pages[i].unencoded_bytes;
    }
    if (chunk->definition_histogram)
        LM_TRY(histogram_keep(&writer->arena, chunk->definition_histogram, leaf->definition_max,
                              &sizes->definition_level_histogram, error));
    if (chunk->repetition_histogram)
        LM_TRY(histogram_keep(&writer->arena, chunk->repetition_histogram, leaf->repetition_max,
                              &sizes->repetition_level_histogram, error));
    meta->size_statistics = sizes;
    return LM_OK;
}

static lm_status chunk_encodings(lm_parquet_writer *writer, const lm_chunk *chunk,
                                 lm_column_metadata *meta, lm_error *error)
{
    lm_page_encoding_stats *stats = lm__arena_zero(&writer->arena, 3 * sizeof *stats);
    int32_t *encodings = lm__arena_zero(&writer->arena, 4 * sizeof *encodings);
    if (!stats || !encodings) return keep_memory(error);
    int32_t data_page =
        writer->options.data_page_version == 2 ? LM_PARQUET_DATA_PAGE_V2 : LM_PARQUET_DATA_PAGE;
    size_t count = 0, n = 0;
    if (chunk->dictionary.size) {
        stats[count++] = (lm_page_encoding_stats){
            .page_type = LM_PARQUET_DICTIONARY_PAGE, .encoding = LM_PARQUET_PLAIN, .count = 1};
        encodings[n++] = LM_PARQUET_PLAIN;
    }
    encodings[n++] = LM_PARQUET_RLE; /* of levels */
    for (size_t i = 0; i < chunk->page_count; i++) {
        int32_t encoding = chunk->pages[i].encoding;
        lm_page_encoding_stats *last = count ? &stats[count - 1] : NULL;
        if (last && last->page_type == data_page && last->encoding == encoding) {
            last->count++;
            continue;
        }
        if (last && last->page_type == data_page && count == 3) continue;
        stats[count++] =
            (lm_page_encoding_stats){.page_type = data_page, .encoding = encoding, .count = 1};
        bool listed = false;
        for (size_t k = 0; k < n; k++) listed |= encodings[k] == encoding;
        if (!listed) encodings[n++] = encoding;
    }
    meta->encodings = (lm_int32_list){encodings, n};
    meta->encoding_stats.items = stats;
    meta->encoding_stats.count = count;
    return LM_OK;
}

static lm_status put_page(void *context, const void *data, size_t size, lm_error *error)
{
    return lm__writer_put(context, data, size, error);
}

/* The pages go into the file, unless they are there already; the chunk begins at `at`. */
static lm_status write_pages(lm_parquet_writer *writer, lm_chunk *chunk, uint64_t at,
                             lm_column_metadata *meta, lm_page_location *locations, lm_error *error)
{
    const uint8_t *out = chunk->sink.put ? NULL : chunk->out.data;
    const lm_page_record *dictionary = &chunk->dictionary;
    if (dictionary->size) {
        meta->dictionary_page_offset = (int64_t)at;
        meta->has |= LM_COLUMN_METADATA_DICTIONARY_PAGE_OFFSET;
        meta->total_uncompressed_size +=
            (int64_t)(dictionary->header_size + dictionary->uncompressed_size);
        meta->total_compressed_size += (int64_t)dictionary->size;
        at += dictionary->size;
        if (out) LM_TRY(lm__writer_put(writer, out + dictionary->start, dictionary->size, error));
    }
    meta->data_page_offset = (int64_t)at;
    for (size_t i = 0; i < chunk->page_count; i++) {
        const lm_page_record *page = &chunk->pages[i];
        locations[i] = (lm_page_location){.offset = (int64_t)at,
                                          .compressed_page_size = (int32_t)page->size,
                                          .first_row_index = (int64_t)page->first_row};
        meta->total_uncompressed_size += (int64_t)(page->header_size + page->uncompressed_size);
        meta->total_compressed_size += (int64_t)page->size;
        at += page->size;
        if (out) LM_TRY(lm__writer_put(writer, out + page->start, page->size, error));
    }
    return LM_OK;
}

static lm_status serialized(lm_parquet_writer *writer, lm_buffer *buffer, lm_status status,
                            lm_bytes *out, lm_error *error)
{
    void *copy = status == LM_OK ? lm__arena_aligned(&writer->arena, 1, buffer->size) : NULL;
    if (copy) {
        memcpy(copy, buffer->data, buffer->size);
        *out = lm__bytes(copy, buffer->size);
    }
    lm__buffer_deinit(buffer);
    return copy ? LM_OK : keep_memory(error);
}

static lm_status keep_offset_index(lm_parquet_writer *writer, const lm_chunk *chunk,
                                   const lm_page_location *locations, lm_bytes *out,
                                   lm_error *error)
{
    lm_offset_index index = {.page_locations = {locations, chunk->page_count}};
    int64_t *sizes = NULL;
    if (chunk->leaf->store == LM_STORE_STRINGS && writer->options.size_statistics) {
        sizes = lm__arena_array(&chunk->shredded.arena[0], chunk->page_count, sizeof *sizes);
        if (!sizes) return keep_memory(error);
        for (size_t i = 0; i < chunk->page_count; i++)
            sizes[i] = (int64_t)chunk->pages[i].unencoded_bytes;
        index.unencoded_byte_array_data_bytes = (lm_int64_list){sizes, chunk->page_count};
    }
    lm_buffer buffer;
    lm__buffer_init(&buffer, writer->options.allocator, 0);
    return serialized(writer, &buffer, lm__offset_index_write(&index, &buffer), out, error);
}

/* The order of the pages' bounds, null pages aside (parquet.thrift, BoundaryOrder). */
static int32_t boundary_order(const lm_chunk *chunk)
{
    bool ascending = true, descending = true;
    const lm_bounds *last = NULL;
    for (size_t i = 0; i < chunk->page_count; i++) {
        const lm_bounds *now = &chunk->pages[i].bounds;
        if (!now->there) continue;
        if (last) {
            int min = lm__bounds_compare(chunk->leaf, last->min, now->min);
            int max = lm__bounds_compare(chunk->leaf, last->max, now->max);
            ascending &= min <= 0 && max <= 0;
            descending &= min >= 0 && max >= 0;
        }
        last = now;
    }
    return ascending    ? LM_PARQUET_ASCENDING
           : descending ? LM_PARQUET_DESCENDING
                        : LM_PARQUET_UNORDERED;
}

/* A page that has values and yet no bounds (NaNs alone) leaves the chunk without a column index. */
static bool column_index_possible(const lm_chunk *chunk)
{
    if (!chunk->leaf->statistics || chunk->leaf->order == LM_ORDER_NONE) return false;
    for (size_t i = 0; i < chunk->page_count; i++)
        if (chunk->pages[i].values && !chunk->pages[i].bounds.there) return false;
    return true;
}

static lm_status keep_column_index(lm_parquet_writer *writer, const lm_chunk *chunk, lm_bytes *out,
                                   lm_error *error)
{
    size_t count = chunk->page_count;
    lm_arena *arena = chunk->shredded.arena;
    bool *null_pages = lm__arena_array(arena, count, sizeof *null_pages);
    lm_bytes *mins = lm__arena_array(arena, count, sizeof *mins);
    lm_bytes *maxs = lm__arena_array(arena, count, sizeof *maxs);
    int64_t *nulls = lm__arena_array(arena, count, sizeof *nulls);
    int64_t *nans = lm__arena_array(arena, count, sizeof *nans);
    if (!null_pages || !mins || !maxs || !nulls || !nans) return keep_memory(error);
    for (size_t i = 0; i < count; i++) {
        const lm_page_record *page = &chunk->pages[i];
        nulls[i] = (int64_t)(page->entries - page->values);
        nans[i] = (int64_t)page->bounds.nans;
        null_pages[i] = page->values == 0;
        mins[i] = maxs[i] = lm__bytes(NULL, 0);
        if (null_pages[i]) continue;
        lm_statistics cut = {0};
        LM_TRY(bounds_cut(writer, chunk->leaf, &page->bounds, &cut, error));
        mins[i] = cut.min_value;
        maxs[i] = cut.max_value;
        if (!mins[i].data || !maxs[i].data) return LM_OK; /* a bound that cannot be cut */
    }
    lm_column_index index = {.boundary_order = boundary_order(chunk),
                             .null_pages = {null_pages, count},
                             .min_values = {mins, count},
                             .max_values = {maxs, count},
                             .null_counts = {nulls, count}};
    if (tells_nans(chunk->leaf)) index.nan_counts = (lm_int64_list){nans, count};
    lm_buffer buffer;
    lm__buffer_init(&buffer, writer->options.allocator, 0);
    return serialized(writer, &buffer, lm__column_index_write(&index, &buffer), out, error);
}

static lm_status write_bloom(lm_parquet_writer *writer, lm_chunk *chunk, lm_column_metadata *meta,
                             lm_error *error)
{
    if (!chunk->bloom.blocks) return LM_OK;
    lm_buffer buffer;
    lm__buffer_init(&buffer, writer->options.allocator, 0);
    lm_status status = lm__bloom_write(&chunk->bloom, &buffer);
    if (status != LM_OK) {
        lm__buffer_deinit(&buffer);
        return keep_memory(error);
    }
    meta->bloom_filter_offset = (int64_t)writer->offset;
    meta->bloom_filter_length = (int32_t)buffer.size;
    meta->has |= LM_COLUMN_METADATA_BLOOM_FILTER_OFFSET | LM_COLUMN_METADATA_BLOOM_FILTER_LENGTH;
    status = lm__writer_put(writer, buffer.data, buffer.size, error);
    lm__buffer_deinit(&buffer);
    return status;
}

static lm_status write_chunk(lm_parquet_writer *writer, lm_chunk *chunk, uint64_t at,
                             lm_chunk_done *done, lm_column_metadata *meta, lm_error *error)
{
    lm_page_location *locations =
        lm__arena_array(&chunk->arena, chunk->page_count, sizeof *locations);
    if (!locations) return keep_memory(error);
    meta->type = chunk->leaf->physical;
    meta->path_in_schema = chunk->leaf->path_in_schema;
    meta->codec = (int32_t)chunk->leaf->codec;
    meta->num_values = (int64_t)chunk->shredded.entries;
    LM_TRY(write_pages(writer, chunk, at, meta, locations, error));
    LM_TRY(chunk_encodings(writer, chunk, meta, error));
    LM_TRY(chunk_statistics(writer, chunk, meta, error));
    LM_TRY(size_statistics(writer, chunk, meta, error));
    done->chunk.meta_data = meta;
    if (!writer->options.page_index || chunk->page_count == 0) return LM_OK;
    LM_TRY(keep_offset_index(writer, chunk, locations, &done->offset_index, error));
    if (column_index_possible(chunk))
        LM_TRY(keep_column_index(writer, chunk, &done->column_index, error));
    return LM_OK;
}

static lm_status groups_room(lm_parquet_writer *writer, lm_error *error)
{
    if (writer->group_count > INT16_MAX)
        return lm__error_set(error, LM_LIMIT, "more than %d row groups; make them larger",
                             INT16_MAX + 1);
    size_t capacity = writer->group_capacity, needed = writer->group_count + 1;
    return lm__arena_room(&writer->arena, &writer->groups, &capacity, needed,
                          sizeof *writer->groups) &&
                   lm__arena_room(&writer->arena, &writer->chunks, &writer->group_capacity, needed,
                                  sizeof *writer->chunks)
               ? LM_OK
               : keep_memory(error);
}

/* Makes sure that the chunk is there. One that nobody has begun is made here and now, its pages put
 * into the file as they come: its turn has come, and so no page waits in memory. */
static lm_status finish_chunk(lm_parquet_writer *writer, lm_chunk_job *job, lm_error *error)
{
    if (lm__group_withdraw(&job->group)) {
        job->chunk.sink = (lm_page_sink){put_page, writer};
        lm__chunk_job_run(job);
    } else {
        lm__group_wait_helping(&job->group);
    }
    if (job->status != LM_OK && error) *error = job->error;
    return job->status;
}

lm_status lm__row_group_write(lm_parquet_writer *writer, lm_row_group_work *work, lm_error *error)
{
    size_t count = work->job_count;
    lm_chunk_done *done = lm__arena_zero(&writer->arena, count * sizeof *done);
    lm_column_metadata *metas = lm__arena_zero(&writer->arena, count * sizeof *metas);
    LM_TRY(groups_room(writer, error));
    if (!done || !metas) return keep_memory(error);
    lm_row_group group = {.num_rows = work->row_count,
                          .ordinal = (int16_t)writer->group_count,
                          .file_offset = (int64_t)writer->offset};
    group.has =
        LM_ROW_GROUP_FILE_OFFSET | LM_ROW_GROUP_TOTAL_COMPRESSED_SIZE | LM_ROW_GROUP_ORDINAL;
    for (size_t i = 0; i < count; i++) {
        lm_chunk_job *job = &work->jobs[i];
        uint64_t at = writer->offset;
        LM_TRY(finish_chunk(writer, job, error));
        LM_TRY(write_chunk(writer, &job->chunk, at, &done[i], &metas[i], error));
        lm__shelf_put_pages_take(&writer->shelf, job);
        group.total_byte_size += metas[i].total_uncompressed_size;
        group.total_compressed_size += metas[i].total_compressed_size;
    }
    for (size_t i = 0; i < count; i++)
        LM_TRY(write_bloom(writer, &work->jobs[i].chunk, &metas[i], error));
    writer->groups[writer->group_count] = group;
    writer->chunks[writer->group_count++] = done;
    writer->rows += work->row_count;
    return LM_OK;
}
