/*
 * What each file's footer says, looked at before anything is written: whether its row groups can be
 * carried over, and what stands in the way of it; see merge.h and lamella/parquet_merge.h.
 */
#include <string.h>

#include "base/alloc.h"
#include "base/error.h"
#include "parquet/merge.h"
#include "parquet/writer_faults.h"

static lm_status no_memory(lm_error *error) { return lm__error_memory(error, "merging files"); }

lm_status lm__merge_chunk_range(const lm_parquet_reader *reader, const lm_column_metadata *metadata,
                                uint64_t *from, uint64_t *to, lm_error *error)
{
    uint64_t end = reader->owned->size, start = lm__read_chunk_start(metadata);
    uint64_t size = (uint64_t)metadata->total_compressed_size;
    if (metadata->data_page_offset < 0 || metadata->total_compressed_size < 0 || start > end ||
        size > end - start)
        return lm__error_set(error, LM_CORRUPT, "a chunk of %lld bytes at %lld, in a file of %llu",
                             (long long)metadata->total_compressed_size,
                             (long long)metadata->data_page_offset, (unsigned long long)end);
    *from = start;
    *to = size ? lm__read_chunk_end(start + size, reader->oddities, end) : start;
    return LM_OK;
}

/* Bounds. */

static bool has_new_bounds(const lm_column_chunk *chunk)
{
    const lm_statistics *statistics = chunk->meta_data->statistics;
    return (statistics && (statistics->min_value.data || statistics->max_value.data)) ||
           LM_HAS(chunk, LM_COLUMN_CHUNK_COLUMN_INDEX_OFFSET);
}

static bool has_bounds(const lm_column_chunk *chunk)
{
    const lm_statistics *statistics = chunk->meta_data->statistics;
    return has_new_bounds(chunk) || (statistics && (statistics->min.data || statistics->max.data ||
                                                    LM_HAS(statistics, LM_STATISTICS_NULL_COUNT)));
}

static const char *order_name(int32_t order)
{
    switch (order) {
    case 0: return "no order that is told";
    case LM_PARQUET_TYPE_ORDER: return "the order of its type";
    case LM_PARQUET_IEEE_754_TOTAL_ORDER: return "IEEE 754's total order";
    case LM_PARQUET_INT96_TIMESTAMP_ORDER: return "the order of INT96 times";
    default: return "an order that is not known here";
    }
}

/* The order of a leaf's bounds, which is to be the same in all files that have any. */
static lm_status check_order(const lm_parquet_merge *merge, lm_merge_node *node, uint32_t leaf,
                             const char *name, lm_error *error)
{
    const lm_int32_list orders = merge->reader->metadata.column_orders;
    int32_t order = orders.count == merge->reader->schema.leaf_count ? orders.items[leaf] : 0;
    char path[LM_READ_PATH_MAX];
    if (!node->order_from) {
        node->order = order;
        node->order_from = name;
    }
    if (node->order == order) return LM_OK;
    return lm__error_set(error, LM_UNSUPPORTED,
                         "%s: column %s: its bounds have %s, and in %s %s; use --rewrite", name,
                         lm__merge_path(node, path), order_name(order), node->order_from,
                         order_name(node->order));
}

/* Bounds that others would not believe here are told of, for when created_by cannot be kept. */
static lm_status check_doubt(lm_parquet_merge *merge, const lm_merge_node *node, const char *name,
                             lm_error *error)
{
    const lm_bytes by = merge->reader->metadata.created_by;
    char path[LM_READ_PATH_MAX], raw[128], text[256];
    size_t size = by.size < sizeof raw - 1 ? by.size : sizeof raw - 1;
    if (merge->doubt || !lm__writer_is_doubted(by, &node->like)) return LM_OK;
    if (size) memcpy(raw, by.data, size);
    raw[size] = '\0';
    merge->doubt = lm__arena_printf(
        &merge->arena,
        "%s: column %s: its bounds are by %s, which readers doubt; they would "
        "not in a file that others wrote too; use --rewrite",
        name, lm__merge_path(node, path), size ? lm__printable(text, sizeof text, raw) : "nobody");
    return merge->doubt ? LM_OK : no_memory(error);
}

/* Pages that can only be read by who knows the writer, and goes through them in order. */
static lm_status check_prefixes(lm_parquet_merge *merge, const lm_merge_node *node,
                                const lm_column_metadata *metadata, const char *name,
                                lm_error *error)
{
    char path[LM_READ_PATH_MAX];
    if (merge->doubt || !merge->reader->oddities.prefixes_go_on ||
        !lm__read_has_encoding(metadata, LM_PARQUET_DELTA_BYTE_ARRAY))
        return LM_OK;
    merge->doubt = lm__arena_printf(&merge->arena,
                                    "%s: column %s: its strings go on from page to page, as "
                                    "readers know of its writer; use --rewrite",
                                    name, lm__merge_path(node, path));
    return merge->doubt ? LM_OK : no_memory(error);
}

/* Chunks. */

static lm_status within_column(const lm_parquet_merge *merge, const lm_merge_node *node,
                               size_t group, lm_status status, lm_error *error)
{
    char path[LM_READ_PATH_MAX];
    if (status == LM_OK) return LM_OK;
    lm__error_within(error, status, "column %s", lm__merge_path(node, path));
    return lm__reader_within(merge->reader, group, status, error);
}

static lm_status check_chunk(const lm_parquet_merge *merge, size_t group, uint32_t leaf,
                             lm_error *error)
{
    const lm_parquet_reader *reader = merge->reader;
    const lm_column_metadata *metadata;
    uint64_t from, to;
    LM_TRY(lm__reader_chunk(reader, group, reader->schema.leaves[leaf], &metadata, error));
    if (metadata->type != reader->schema.leaves[leaf]->physical)
        return lm__error_set(error, LM_CORRUPT, "a chunk of another type than the schema's");
    return lm__merge_chunk_range(reader, metadata, &from, &to, error);
}

static lm_status check_chunks(lm_parquet_merge *merge, size_t group, lm_merge_node **leaves,
                              const char *name, lm_error *error)
{
    const lm_row_group *all = &merge->reader->metadata.row_groups.items[group];
    bool small = lm__merge_is_small(merge, all);
    uint64_t bytes = 0;
    for (uint32_t leaf = 0; leaf < all->columns.count; leaf++) {
        const lm_column_chunk *chunk = &all->columns.items[leaf];
        LM_TRY(within_column(merge, leaves[leaf], group, check_chunk(merge, group, leaf, error),
                             error));
        bytes += (uint64_t)chunk->meta_data->total_compressed_size;
        if (small) continue;
        LM_TRY(check_prefixes(merge, leaves[leaf], chunk->meta_data, name, error));
        if (has_new_bounds(chunk)) LM_TRY(check_order(merge, leaves[leaf], leaf, name, error));
        if (has_bounds(chunk)) LM_TRY(check_doubt(merge, leaves[leaf], name, error));
    }
    lm_parquet_merge_summary *summary = &merge->summary;
    *(small ? &summary->row_groups_rewritten : &summary->row_groups_carried) += 1;
    *(small ? &summary->bytes_rewritten : &summary->bytes_carried) += bytes;
    return LM_OK;
}

/* Files. */

static lm_status check_writer(lm_parquet_merge *merge, const char *name, lm_error *error)
{
    const lm_file_metadata *metadata = &merge->reader->metadata;
    const lm_bytes by = metadata->created_by;
    if (metadata->encryption_algorithm || metadata->footer_signing_key_metadata.data)
        return lm__error_set(error, LM_UNSUPPORTED, "%s: it is encrypted, or its footer signed",
                             name);
    if (metadata->version > merge->version) merge->version = metadata->version;
    if (merge->part == 0 && by.data) {
        uint8_t *copy = lm__arena_aligned(&merge->arena, 1, by.size + 1);
        if (!copy) return no_memory(error);
        memcpy(copy, by.data, by.size);
        merge->created_by = lm__bytes(copy, by.size);
    }
    if (!by.data != !merge->created_by.data || by.size != merge->created_by.size ||
        (by.size && memcmp(by.data, merge->created_by.data, by.size) != 0))
        merge->created_by_differs = true;
    if (!merge->reader->oddities.short_chunks || merge->doubt) return LM_OK;
    merge->doubt = lm__arena_printf(&merge->arena,
                                    "%s: the sizes of its chunks are wrong, as readers know of "
                                    "its writer; use --rewrite",
                                    name);
    return merge->doubt ? LM_OK : no_memory(error);
}

static lm_status survey_file(lm_parquet_merge *merge, lm_merge_node **leaves, const char *name,
                             lm_error *error)
{
    const lm_parquet_reader *reader = merge->reader;
    LM_TRY(check_writer(merge, name, error));
    LM_TRY(lm__merge_join(&merge->schema, reader, name, leaves, error));
    LM_TRY(lm__merge_metadata_add(&merge->metadata, &merge->schema, reader, name, error));
    for (size_t g = 0; g < reader->metadata.row_groups.count; g++)
        if (reader->metadata.row_groups.items[g].num_rows)
            LM_TRY(check_chunks(merge, g, leaves, name, error));
    return LM_OK;
}

lm_status lm__merge_survey(lm_parquet_merge *merge, const char *name, lm_error *error)
{
    const lm_parquet_reader *reader = merge->reader;
    if (__builtin_add_overflow(merge->summary.rows, reader->rows, &merge->summary.rows))
        return lm__error_set(error, LM_LIMIT, "%s: more rows than 63 bits can count", name);
    merge->parts[merge->part].leaf_count = reader->schema.leaf_count;
    if (merge->options.rewrite) return lm__merge_rewrite_survey(merge, name, error);
    size_t bytes = (reader->schema.leaf_count + 1) * sizeof(lm_merge_node *);
    lm_merge_node **leaves = lm__alloc(merge->allocator, bytes);
    if (!leaves) return no_memory(error);
    lm_status status = survey_file(merge, leaves, name, error);
    lm__free(merge->allocator, leaves);
    return status;
}

/* Columns without bounds have whatever order the others have. */
static lm_status settle_orders(lm_parquet_merge *merge, lm_error *error)
{
    const lm_merge_schema *schema = &merge->schema;
    char path[LM_READ_PATH_MAX];
    const lm_merge_node *with = NULL, *without = NULL;
    int32_t *orders = lm__arena_array(&merge->arena, schema->leaf_count + 1, sizeof *orders);
    if (!orders) return no_memory(error);
    for (size_t i = 0; i < schema->leaf_count; i++) {
        const lm_merge_node *leaf = schema->leaves[i];
        orders[i] = leaf->order ? leaf->order : LM_PARQUET_TYPE_ORDER;
        if (leaf->order_from) *(leaf->order ? &with : &without) = leaf;
    }
    if (!without) merge->orders = orders;
    if (!without || !with) return LM_OK;
    return lm__error_set(error, LM_UNSUPPORTED,
                         "%s: column %s: its bounds have no order that is told, and in %s other "
                         "columns have one; use --rewrite",
                         without->order_from, lm__merge_path(without, path), with->order_from);
}

lm_status lm__merge_survey_end(lm_parquet_merge *merge, lm_error *error)
{
    lm_parquet_merge_summary *summary = &merge->summary;
    if (!merge->options.rewrite) LM_TRY(lm__merge_lay_out(&merge->schema, error));
    LM_TRY(lm__merge_metadata_list(&merge->metadata, &merge->schema, &merge->pairs,
                                   &summary->pairs_dropped, error));
    if (merge->options.rewrite) return lm__merge_rewrite_survey_end(merge, error);
    LM_TRY(settle_orders(merge, error));
    if (summary->row_groups_rewritten) LM_TRY(lm__merge_rewrite_survey_end(merge, error));
    if (merge->created_by_differs && merge->doubt)
        return lm__error_set(error, LM_UNSUPPORTED, "%s", merge->doubt);
    summary->columns = merge->schema.leaf_count;
    summary->created_by_kept = !merge->created_by_differs;
    summary->arrow_schema_kept = merge->metadata.arrow != LM_MERGE_ARROW_NONE;
    for (size_t i = 0; i < merge->sources.count; i++)
        summary->files_widened += merge->parts[i].leaf_count < merge->schema.leaf_count;
    return LM_OK;
}
