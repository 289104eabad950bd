/*
 * A chunk for a column that a file lacks: one page of levels, without values.
 *
 * A column that is missing at the top is null in every row. Below a group that the file has, how
 * many entries there are and where the group itself is null is told by the levels of a column that
 * stands beside it: those of its entries that begin an item of the group, cut to the group's level.
 */
#include <string.h>

#include "base/alloc.h"
#include "base/error.h"
#include "encode/rle.h"
#include "parquet/crc.h"
#include "parquet/merge.h"
#include "parquet/read_column.h"

#define LEVELS 65536 /* encoded at once; a multiple of 8, so that only the last run is padded */

/* One kind of levels, encoded as they come. */
typedef struct level_run {
    unsigned width;
    uint8_t *values; /* LEVELS of them */
    size_t count;
    lm_buffer out;
} level_run;

typedef struct nulls_run {
    lm_parquet_merge *merge;
    lm_merge_nulls *nulls;
    const lm_read_node *above, *beside; /* the group; a leaf below it */
    level_run repetitions, definitions;
    lm_error *error;
} nulls_run;

static lm_status no_memory(lm_error *error)
{
    return lm__error_memory(error, "making a chunk of nulls");
}

static unsigned width_of(unsigned most) { return most ? 32 - (unsigned)__builtin_clz(most) : 0; }

static lm_status encode(level_run *levels)
{
    if (levels->count == 0) return LM_OK;
    LM_TRY(lm__buffer_reserve(&levels->out, lm__rle_bound(levels->count, levels->width)));
    levels->out.size += lm__rle_encode8(levels->values, levels->count, levels->width,
                                        levels->out.data + levels->out.size);
    levels->count = 0;
    return LM_OK;
}

static lm_status put_level(level_run *levels, uint8_t level)
{
    if (levels->width == 0) return LM_OK;
    levels->values[levels->count++] = level;
    return levels->count == LEVELS ? encode(levels) : LM_OK;
}

static lm_status put_block(nulls_run *run, const lm_read_block *block)
{
    uint8_t definition = run->above->definition, repetition = run->above->repetition;
    for (size_t i = 0; i < block->entries; i++) {
        uint8_t r = block->repetitions ? block->repetitions[i] : 0;
        uint8_t d = block->definitions ? block->definitions[i] : 0;
        if (r > repetition) continue;
        run->nulls->entries++;
        if (put_level(&run->repetitions, r) != LM_OK ||
            put_level(&run->definitions, d < definition ? d : definition) != LM_OK)
            return no_memory(run->error);
    }
    return LM_OK;
}

static lm_status read_blocks(nulls_run *run, lm_read_column *column)
{
    for (;;) {
        lm_read_block block;
        LM_TRY(lm__read_column_block(column, SIZE_MAX, &block, run->error));
        if (block.entries == 0) return LM_OK;
        LM_TRY(put_block(run, &block));
        LM_TRY(lm__read_values_skip(&column->values, block.values, run->error));
    }
}

static lm_status read_levels(nulls_run *run)
{
    const lm_parquet_reader *reader = run->merge->reader;
    const lm_read_node *leaf = run->beside;
    lm_read_limits limits = reader->limits;
    lm_read_spec spec = {
        .physical = leaf->physical,
        .width = leaf->width,
        .out_width = leaf->width,
        .form = leaf->physical == LM_PARQUET_BOOLEAN      ? LM_FORM_BITS
                : leaf->physical == LM_PARQUET_BYTE_ARRAY ? LM_FORM_STRINGS64
                                                          : LM_FORM_FIXED,
    };
    const lm_column_metadata *metadata;
    lm_read_scratch *scratch;
    lm_read_column column;
    limits.cancel = run->merge->options.cancel;
    LM_TRY(lm__reader_chunk(reader, run->nulls->group, leaf, &metadata, run->error));
    LM_TRY(lm__read_scratch_new(reader->allocator, &scratch, run->error));
    lm_status status = lm__read_column_open(&column, reader->source, leaf, metadata,
                                            reader->oddities, &spec, &limits, scratch, run->error);
    if (status == LM_OK) status = read_blocks(run, &column);
    lm__read_column_close(&column);
    lm__read_scratch_free(scratch);
    return status;
}

static lm_status make_levels(nulls_run *run)
{
    const lm_row_group *group = &run->merge->reader->metadata.row_groups.items[run->nulls->group];
    level_run *both[] = {&run->repetitions, &run->definitions};
    if (run->above->definition > 0) {
        for (int i = 0; i < 2; i++) {
            both[i]->values = lm__alloc(run->merge->allocator, LEVELS);
            if (!both[i]->values) return no_memory(run->error);
        }
        LM_TRY(read_levels(run));
        for (int i = 0; i < 2; i++)
            if (encode(both[i]) != LM_OK) return no_memory(run->error);
    } else {
        size_t rows = (size_t)group->num_rows;
        run->nulls->entries = group->num_rows;
        for (int i = 0; i < 2 && rows <= INT32_MAX; i++) {
            if (both[i]->width == 0) continue;
            if (lm__buffer_reserve(&both[i]->out, lm__rle_bound(8, both[i]->width)) != LM_OK)
                return no_memory(run->error);
            both[i]->out.size = lm__rle_encode_repeat(0, rows, both[i]->width, both[i]->out.data);
        }
    }
    if (run->nulls->entries > INT32_MAX)
        return lm__error_set(run->error, LM_LIMIT,
                             "a row group of %lld rows that lacks a column: its page would be more "
                             "than Parquet can say; use --rewrite",
                             (long long)group->num_rows);
    return LM_OK;
}

/* The levels of version 1, each kind behind its length. */
static lm_status page_body(nulls_run *run, lm_buffer *body)
{
    const level_run *both[] = {&run->repetitions, &run->definitions};
    for (int i = 0; i < 2; i++) {
        uint32_t size = (uint32_t)both[i]->out.size;
        if (both[i]->width == 0) continue;
        LM_TRY(lm__buffer_append(body, &size, 4));
        LM_TRY(lm__buffer_append(body, both[i]->out.data, size));
    }
    return LM_OK;
}

static lm_status put_page(nulls_run *run)
{
    lm_parquet_merge *merge = run->merge;
    lm_buffer body, header;
    lm__buffer_init(&body, merge->allocator, INT32_MAX);
    lm__buffer_init(&header, merge->allocator, 0);
    lm_data_page_header data = {.num_values = (int32_t)run->nulls->entries,
                                .encoding = LM_PARQUET_PLAIN,
                                .definition_level_encoding = LM_PARQUET_RLE,
                                .repetition_level_encoding = LM_PARQUET_RLE};
    lm_page_header page = {
        .has = LM_PAGE_HEADER_CRC, .type = LM_PARQUET_DATA_PAGE, .data_page_header = &data};
    lm_status status = page_body(run, &body);
    page.uncompressed_page_size = page.compressed_page_size = (int32_t)body.size;
    page.crc = (int32_t)lm__crc32(0, body.data, body.size);
    if (status == LM_OK) status = lm__page_header_write(&page, &header);
    if (status != LM_OK) {
        no_memory(run->error);
    } else {
        run->nulls->at = merge->offset;
        run->nulls->size = (uint32_t)(header.size + body.size);
        status = lm__merge_put(merge, header.data, header.size, run->error);
        if (status == LM_OK) status = lm__merge_put(merge, body.data, body.size, run->error);
    }
    lm__buffer_deinit(&body);
    lm__buffer_deinit(&header);
    return status;
}

lm_status lm__merge_nulls_put(lm_parquet_merge *merge, lm_merge_nulls *nulls, lm_error *error)
{
    const lm_read_node *leaf = &merge->schema.leaves[nulls->leaf]->like;
    nulls_run run = {.merge = merge, .nulls = nulls, .error = error};
    run.above = merge->places[nulls->leaf].above;
    run.repetitions.width = width_of(leaf->repetition);
    run.definitions.width = width_of(leaf->definition);
    lm__buffer_init(&run.repetitions.out, merge->allocator, INT32_MAX);
    lm__buffer_init(&run.definitions.out, merge->allocator, INT32_MAX);
    lm_status status = LM_OK;
    if (run.above->leaf_count)
        run.beside = merge->reader->schema.leaves[run.above->leaf_first];
    else if (run.above->definition > 0)
        status = lm__error_set(error, LM_CONFLICT, "the schema is no longer what it was");
    if (status == LM_OK) status = make_levels(&run);
    if (status == LM_OK) status = put_page(&run);
    lm__free(merge->allocator, run.repetitions.values);
    lm__free(merge->allocator, run.definitions.values);
    lm__buffer_deinit(&run.repetitions.out);
    lm__buffer_deinit(&run.definitions.out);
    if (status == LM_OK) return LM_OK;
    char path[LM_READ_PATH_MAX];
    return lm__error_within(error, status, "row group %zu, column %s, which it lacks", nulls->group,
                            lm__merge_path(merge->schema.leaves[nulls->leaf], path));
}

/* What is said of it. */

lm_status lm__merge_nulls_metadata(const lm_parquet_merge *merge, const lm_merge_nulls *nulls,
                                   lm_arena *arena, lm_column_metadata *out, lm_error *error)
{
    static const int32_t encodings[] = {LM_PARQUET_RLE, LM_PARQUET_PLAIN};
    static const lm_page_encoding_stats stats = {
        .page_type = LM_PARQUET_DATA_PAGE, .encoding = LM_PARQUET_PLAIN, .count = 1};
    lm_statistics *statistics = lm__arena_zero(arena, sizeof *statistics);
    if (!statistics) return no_memory(error);
    statistics->has = LM_STATISTICS_NULL_COUNT;
    statistics->null_count = nulls->entries;
    *out = (lm_column_metadata){
        .type = merge->schema.leaves[nulls->leaf]->like.physical,
        .encodings = {encodings, 2},
        .path_in_schema = merge->schema.paths[nulls->leaf],
        .codec = LM_CODEC_UNCOMPRESSED,
        .num_values = nulls->entries,
        .total_uncompressed_size = nulls->size,
        .total_compressed_size = nulls->size,
        .data_page_offset = (int64_t)nulls->at,
        .statistics = statistics,
        .encoding_stats = {&stats, 1},
    };
    return LM_OK;
}

lm_status lm__merge_nulls_column_index(const lm_merge_nulls *nulls, lm_buffer *out)
{
    static const bool yes = true;
    lm_bytes none = lm__bytes(NULL, 0);
    lm_column_index index = {.boundary_order = LM_PARQUET_ASCENDING,
                             .null_pages = {&yes, 1},
                             .min_values = {&none, 1},
                             .max_values = {&none, 1},
                             .null_counts = {&nulls->entries, 1}};
    return lm__column_index_write(&index, out);
}

lm_status lm__merge_nulls_offset_index(const lm_merge_nulls *nulls, lm_buffer *out)
{
    lm_page_location place = {.offset = (int64_t)nulls->at,
                              .compressed_page_size = (int32_t)nulls->size};
    lm_offset_index index = {.page_locations = {&place, 1}};
    return lm__offset_index_write(&index, out);
}
