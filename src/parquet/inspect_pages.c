/* The pages of a chunk by their headers, and what the indexes say of them. */
#include "base/error.h"
#include "parquet/inspect.h"
#include "parquet/read_index.h"

typedef struct page_walk {
    const lm_read_node *leaf;
    const lm_column_index *column_index;
    const lm_offset_index *offset_index;
    size_t data_page; /* the next */
    bool pages;       /* have been begun with: */
    int64_t page;
} page_walk;

static void from_header(const lm_read_pages *pages, lm_parquet_page_info *info)
{
    const lm_page_header *header = &pages->header;
    const lm_statistics *statistics = NULL;
    *info = (lm_parquet_page_info){
        .page = pages->ordinal,
        .kind = lm__parquet_page_type_name(header->type),
        .encoding = lm__parquet_encoding_name(pages->page.encoding),
        .offset = pages->header_at,
        .compressed_bytes = (size_t)header->compressed_page_size,
        .bytes = (size_t)header->uncompressed_page_size,
        .values = pages->page.entries,
        .nulls = -1,
        .rows = -1,
        .has_crc = LM_HAS(header, LM_PAGE_HEADER_CRC),
        .crc = (uint32_t)header->crc,
        .first_row = -1,
    };
    info->header_bytes = (size_t)(pages->at - pages->header_at) - info->compressed_bytes;
    if (!info->encoding) info->encoding = "?";
    if (header->type == LM_PARQUET_DATA_PAGE) {
        statistics = header->data_page_header->statistics;
    } else if (header->type == LM_PARQUET_DATA_PAGE_V2) {
        statistics = header->data_page_header_v2->statistics;
        info->nulls = header->data_page_header_v2->num_nulls;
        info->rows = header->data_page_header_v2->num_rows;
    }
    info->statistics = lm__inspect_statistics(statistics);
}

static void from_indexes(page_walk *walk, lm_parquet_page_info *info)
{
    size_t i = walk->data_page++;
    if (walk->offset_index && i < walk->offset_index->page_locations.count)
        info->first_row = walk->offset_index->page_locations.items[i].first_row_index;
    const lm_column_index *index = walk->column_index;
    if (!index || i >= index->null_pages.count || info->statistics.there) return;
    info->from_index = info->statistics.there = true;
    if (!index->null_pages.items[i]) {
        info->statistics.min = lm__inspect_bytes(index->min_values.items[i]);
        info->statistics.max = lm__inspect_bytes(index->max_values.items[i]);
    }
    if (index->null_counts.items) info->statistics.null_count = index->null_counts.items[i];
    if (index->nan_counts.items) info->statistics.nan_count = index->nan_counts.items[i];
}

static lm_status walk_pages(const lm_parquet_reader *reader, size_t row_group, page_walk *walk,
                            lm_read_scratch *scratch, lm_parquet_page_callback callback,
                            void *context, lm_error *error)
{
    const lm_column_metadata *metadata;
    lm_read_pages pages;
    lm_parquet_page_info info;
    bool more;
    LM_TRY(lm__reader_chunk(reader, row_group, walk->leaf, &metadata, error));
    LM_TRY(lm__read_pages_open(&pages, reader->source, walk->leaf, metadata, reader->oddities,
                               &reader->limits, scratch, error));
    for (walk->pages = true;; walk->page++) {
        LM_TRY(lm__read_pages_next(&pages, &more, error));
        if (!more) return LM_OK;
        walk->page = pages.ordinal;
        from_header(&pages, &info);
        if (!pages.page.is_dictionary) from_indexes(walk, &info);
        LM_TRY(callback(context, &info, error));
    }
}

lm_status lm_parquet_inspect_pages(const lm_parquet_reader *reader, int64_t row_group,
                                   int32_t column, lm_parquet_page_callback callback, void *context,
                                   lm_error *error)
{
    page_walk walk = {.leaf = reader->schema.leaves[column]};
    size_t group = (size_t)row_group;
    lm_read_scratch *scratch = NULL;
    lm_arena arena;
    lm__arena_init(&arena, reader->allocator, 0);
    lm_status status =
        lm__read_column_index(reader, group, walk.leaf, &arena, &walk.column_index, error);
    if (status == LM_OK)
        status = lm__read_offset_index(reader, group, walk.leaf, &arena, &walk.offset_index, error);
    if (status == LM_OK) status = lm__read_scratch_new(reader->allocator, &scratch, error);
    if (status == LM_OK)
        status = walk_pages(reader, group, &walk, scratch, callback, context, error);
    lm__read_scratch_free(scratch);
    lm__arena_deinit(&arena);
    char path[LM_READ_PATH_MAX];
    if (status != LM_OK && walk.pages)
        status = lm__error_within(error, status, "column %s, page %lld",
                                  lm__read_path(walk.leaf, path), (long long)walk.page);
    return lm__reader_within(reader, group, status, error);
}
