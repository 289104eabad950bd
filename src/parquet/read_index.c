/* Reading page indexes and bloom filters; see read_index.h. */
#include "parquet/read_index.h"

#include "base/error.h"
#include "base/limits.h"

#define BLOOM_HEADER_BYTES 256 /* far more than any header has */

static lm_status within(const lm_read_node *leaf, const char *what, lm_status status,
                        lm_error *error)
{
    char path[LM_READ_PATH_MAX];
    if (status == LM_OK) return LM_OK;
    return lm__error_within(error, status, "column %s, %s", lm__read_path(leaf, path), what);
}

static const lm_column_chunk *chunk_of(const lm_parquet_reader *reader, size_t row_group,
                                       const lm_read_node *leaf)
{
    return &reader->metadata.row_groups.items[row_group].columns.items[leaf->leaf_first];
}

/* The bytes where the footer says that they are; invariant 1. */
static lm_status place_bytes(const lm_parquet_reader *reader, lm_arena *arena, int64_t offset,
                             int64_t size, const uint8_t **bytes, lm_error *error)
{
    uint64_t end = reader->source->size;
    if (offset < 0 || size < 0 || (uint64_t)offset > end || (uint64_t)size > end - (uint64_t)offset)
        return lm__error_set(error, LM_CORRUPT, "%lld bytes at %lld in a file of %llu bytes",
                             (long long)size, (long long)offset, (unsigned long long)end);
    *bytes = lm_source_view(reader->source, (uint64_t)offset, (size_t)size);
    if (*bytes) return LM_OK;
    uint8_t *copy = lm__arena_alloc(arena, (size_t)size + 1);
    if (!copy) return lm__error_memory(error, "reading an index");
    *bytes = copy;
    return lm_source_read(reader->source, (uint64_t)offset, copy, (size_t)size, error);
}

static lm_status read_column_index(const lm_parquet_reader *reader, const lm_column_chunk *chunk,
                                   lm_arena *arena, const lm_column_index **index, lm_error *error)
{
    const uint8_t *bytes;
    lm_column_index *made = lm__arena_zero(arena, sizeof *made);
    if (!made) return lm__error_memory(error, "reading an index");
    LM_TRY(place_bytes(reader, arena, chunk->column_index_offset, chunk->column_index_length,
                       &bytes, error));
    LM_TRY(lm__column_index_read(bytes, (size_t)chunk->column_index_length, arena, made, error));
    *index = made;
    return LM_OK;
}

lm_status lm__read_column_index(const lm_parquet_reader *reader, size_t row_group,
                                const lm_read_node *leaf, lm_arena *arena,
                                const lm_column_index **index, lm_error *error)
{
    const lm_column_chunk *chunk = chunk_of(reader, row_group, leaf);
    *index = NULL;
    if (!LM_HAS(chunk, LM_COLUMN_CHUNK_COLUMN_INDEX_OFFSET) ||
        !LM_HAS(chunk, LM_COLUMN_CHUNK_COLUMN_INDEX_LENGTH))
        return LM_OK;
    return within(leaf, "column index", read_column_index(reader, chunk, arena, index, error),
                  error);
}

static lm_status read_offset_index(const lm_parquet_reader *reader, const lm_column_chunk *chunk,
                                   lm_arena *arena, const lm_offset_index **index, lm_error *error)
{
    const uint8_t *bytes;
    lm_offset_index *made = lm__arena_zero(arena, sizeof *made);
    if (!made) return lm__error_memory(error, "reading an index");
    LM_TRY(place_bytes(reader, arena, chunk->offset_index_offset, chunk->offset_index_length,
                       &bytes, error));
    LM_TRY(lm__offset_index_read(bytes, (size_t)chunk->offset_index_length, arena, made, error));
    *index = made;
    return LM_OK;
}

lm_status lm__read_offset_index(const lm_parquet_reader *reader, size_t row_group,
                                const lm_read_node *leaf, lm_arena *arena,
                                const lm_offset_index **index, lm_error *error)
{
    const lm_column_chunk *chunk = chunk_of(reader, row_group, leaf);
    *index = NULL;
    if (!LM_HAS(chunk, LM_COLUMN_CHUNK_OFFSET_INDEX_OFFSET) ||
        !LM_HAS(chunk, LM_COLUMN_CHUNK_OFFSET_INDEX_LENGTH))
        return LM_OK;
    return within(leaf, "offset index", read_offset_index(reader, chunk, arena, index, error),
                  error);
}

static void widen(int64_t offset, int64_t size, uint64_t *from, uint64_t *to)
{
    if (offset <= 0 || size <= 0) return;
    if ((uint64_t)offset < *from) *from = (uint64_t)offset;
    if ((uint64_t)offset + (uint64_t)size > *to) *to = (uint64_t)offset + (uint64_t)size;
}

void lm__read_indexes_coming(const lm_parquet_reader *reader)
{
    const lm_file_metadata *metadata = &reader->metadata;
    uint64_t from = UINT64_MAX, to = 0;
    for (size_t g = 0; g < metadata->row_groups.count; g++)
        for (size_t c = 0; c < metadata->row_groups.items[g].columns.count; c++) {
            const lm_column_chunk *chunk = &metadata->row_groups.items[g].columns.items[c];
            if (LM_HAS(chunk, LM_COLUMN_CHUNK_COLUMN_INDEX_LENGTH))
                widen(chunk->column_index_offset, chunk->column_index_length, &from, &to);
            if (LM_HAS(chunk, LM_COLUMN_CHUNK_OFFSET_INDEX_LENGTH))
                widen(chunk->offset_index_offset, chunk->offset_index_length, &from, &to);
        }
    if (from < to && to - from <= LM_PARQUET_READ_INDEX_BYTES_MAX)
        lm_source_coming(reader->source, from, to - from);
}

/* Bloom filters. */

/* The length in the footer came late to the format: the header alone says it for all. */
static lm_status bloom_place(const lm_parquet_reader *reader, const lm_column_metadata *metadata,
                             lm_read_bloom_place *place, lm_error *error)
{
    uint8_t bytes[BLOOM_HEADER_BYTES];
    size_t taken;
    int64_t offset = metadata->bloom_filter_offset;
    if (offset < 0 || (uint64_t)offset >= reader->source->size)
        return lm__error_set(error, LM_CORRUPT, "it lies at %lld in a file of %llu bytes",
                             (long long)offset, (unsigned long long)reader->source->size);
    uint64_t left = reader->source->size - (uint64_t)offset;
    size_t size = left < sizeof bytes ? (size_t)left : sizeof bytes;
    LM_TRY(lm_source_read(reader->source, (uint64_t)offset, bytes, size, error));
    LM_TRY(lm__bloom_filter_header_read(bytes, size, &place->header, &taken, error));
    if (place->header.num_bytes <= 0 || (uint64_t)place->header.num_bytes > left - taken)
        return lm__error_set(error, LM_CORRUPT, "it says that it has %d bytes",
                             place->header.num_bytes);
    place->there = true;
    place->offset = (uint64_t)offset;
    place->size = taken + (size_t)place->header.num_bytes;
    return LM_OK;
}

lm_status lm__read_bloom_place(const lm_parquet_reader *reader, size_t row_group,
                               const lm_read_node *leaf, lm_read_bloom_place *place,
                               lm_error *error)
{
    const lm_column_metadata *metadata = chunk_of(reader, row_group, leaf)->meta_data;
    *place = (lm_read_bloom_place){0};
    if (!metadata || !LM_HAS(metadata, LM_COLUMN_METADATA_BLOOM_FILTER_OFFSET)) return LM_OK;
    return within(leaf, "bloom filter", bloom_place(reader, metadata, place, error), error);
}

lm_status lm__read_bloom(const lm_parquet_reader *reader, const lm_read_node *leaf,
                         const lm_read_bloom_place *place, lm_buffer *room, lm_bloom *bloom,
                         lm_error *error)
{
    const void *bytes = lm_source_view(reader->source, place->offset, place->size);
    lm_status status = LM_OK;
    *bloom = (lm_bloom){0};
    if (!bytes && place->size > LM_PARQUET_BLOOM_BYTES_MAX + BLOOM_HEADER_BYTES)
        status = lm__error_set(error, LM_LIMIT, "it has %zu bytes; the limit is %zu", place->size,
                               LM_PARQUET_BLOOM_BYTES_MAX);
    if (!bytes && status == LM_OK) {
        if (lm__read_room(room, place->size) != LM_OK)
            status = lm__error_memory(error, "reading a bloom filter");
        else
            status = lm_source_read(reader->source, place->offset, room->data, place->size, error);
        bytes = room->data;
    }
    if (status == LM_OK)
        status = lm__bloom_read(bloom, reader->allocator, bytes, place->size, error);
    return within(leaf, "bloom filter", status, error);
}
