/* Reading all columns a few rows at a time, and the rows out of them; see canonical.h. */
#include "parquet/canonical.h"

#include "base/alloc.h"
#include "base/error.h"
#include "base/limits.h"
#include "parquet/canonical_rows.h"

#define VALUES_AT_ONCE ((size_t)256 * 1024) /* of all columns, where rows are short */
#define BYTES_AT_ONCE (4 * LM_MIB)          /* of all columns, or one row */

/* As they are stored, byte strings with offsets of 64 bits. */
static lm_read_spec physical_spec(const lm_read_node *leaf)
{
    lm_read_spec spec = {.physical = leaf->physical, .width = leaf->width};
    spec.form = leaf->physical == LM_PARQUET_BOOLEAN      ? LM_FORM_BITS
                : leaf->physical == LM_PARQUET_BYTE_ARRAY ? LM_FORM_STRINGS64
                                                          : LM_FORM_FIXED;
    spec.out_width = leaf->width;
    return spec;
}

static void close_leaf(lm_canonical_leaf *leaf)
{
    if (leaf->open) lm__read_column_close(&leaf->column);
    leaf->open = false;
}

static void leaf_deinit(lm_canonical_leaf *leaf)
{
    close_leaf(leaf);
    lm__buffer_deinit(&leaf->definitions);
    lm__buffer_deinit(&leaf->repetitions);
    lm__read_vector_deinit(&leaf->values);
    lm__read_scratch_free(leaf->scratch);
}

static lm_status state_init(lm_canonical *state, const lm_parquet_reader *reader)
{
    const lm_read_schema *schema = &reader->schema;
    lm__buffer_init(&state->out, state->allocator, 0);
    lm__buffer_init(&state->passed, state->allocator, 0);
    lm__arena_init(&state->arena, state->allocator, 0);
    state->leaves =
        lm__alloc_zero(state->allocator, (schema->leaf_count + 1) * sizeof *state->leaves);
    if (!state->leaves) return lm__error_memory(state->error, "reading rows");
    for (uint32_t i = 0; i < schema->leaf_count; i++) {
        lm_canonical_leaf *leaf = &state->leaves[i];
        leaf->node = schema->leaves[i];
        leaf->spec = physical_spec(leaf->node);
        lm__buffer_init(&leaf->definitions, state->allocator, 0);
        lm__buffer_init(&leaf->repetitions, state->allocator, 0);
        lm__read_vector_init(&leaf->values, state->allocator, leaf->spec.form, leaf->spec.out_width,
                             false);
    }
    for (uint32_t i = 0; i < schema->leaf_count; i++)
        LM_TRY(lm__read_scratch_new(state->allocator, &state->leaves[i].scratch, state->error));
    return LM_OK;
}

static void state_deinit(lm_canonical *state, const lm_parquet_reader *reader)
{
    if (state->leaves)
        for (uint32_t i = 0; i < reader->schema.leaf_count; i++) leaf_deinit(&state->leaves[i]);
    lm__free(state->allocator, state->leaves);
    lm__buffer_deinit(&state->out);
    lm__buffer_deinit(&state->passed);
    lm__arena_deinit(&state->arena);
}

static lm_status open_leaf(lm_canonical *state, const lm_parquet_reader *reader, size_t row_group,
                           lm_canonical_leaf *leaf)
{
    const lm_column_metadata *metadata;
    LM_TRY(lm__reader_chunk(reader, row_group, leaf->node, &metadata, state->error));
    leaf->open = true;
    return lm__read_column_open(&leaf->column, reader->source, leaf->node, metadata,
                                reader->oddities, &leaf->spec, &reader->limits, leaf->scratch,
                                state->error);
}

static lm_status append(lm_canonical *state, lm_buffer *buffer, const uint8_t *levels, size_t count)
{
    if (!levels || lm__buffer_append(buffer, levels, count) == LM_OK) return LM_OK;
    return lm__error_memory(state->error, "reading rows");
}

/* Fills the leaf with exactly `rows` rows. */
static lm_status load_leaf(lm_canonical *state, lm_canonical_leaf *leaf, size_t rows)
{
    size_t got = 0;
    lm__buffer_clear(&leaf->definitions);
    lm__buffer_clear(&leaf->repetitions);
    lm__read_vector_clear(&leaf->values);
    leaf->entries = leaf->at = leaf->value = 0;
    for (;;) {
        lm_read_block block;
        LM_TRY(lm__read_column_block(&leaf->column, rows - got, &block, state->error));
        if (block.entries == 0) break;
        LM_TRY(append(state, &leaf->definitions, block.definitions, block.entries));
        LM_TRY(append(state, &leaf->repetitions, block.repetitions, block.entries));
        LM_TRY(lm__read_column_values(&leaf->column, block.values, block.values, &leaf->values,
                                      state->error));
        leaf->values.count += block.values;
        leaf->entries += block.entries;
        got += block.rows;
    }
    char path[LM_READ_PATH_MAX];
    if (got != rows)
        return lm__error_set(state->error, LM_CORRUPT,
                             "column %s has fewer rows than the row group",
                             lm__read_path(leaf->node, path));
    return LM_OK;
}

/* More rows the next time, or fewer: a dictionary makes much of few bytes. */
static void adapt(lm_canonical *state, uint32_t leaves, size_t most)
{
    size_t bytes = 0;
    for (uint32_t i = 0; i < leaves; i++) bytes += state->leaves[i].values.data_size;
    if (bytes <= BYTES_AT_ONCE / 2)
        state->rows_at_once *= 2;
    else if (bytes > BYTES_AT_ONCE)
        state->rows_at_once /= bytes / BYTES_AT_ONCE + 1;
    if (state->rows_at_once > most) state->rows_at_once = most;
    if (state->rows_at_once == 0) state->rows_at_once = 1;
}

static lm_status write_row_group(lm_canonical *state, const lm_parquet_reader *reader,
                                 size_t row_group)
{
    uint32_t leaves = reader->schema.leaf_count;
    uint64_t rows = (uint64_t)reader->metadata.row_groups.items[row_group].num_rows;
    size_t most = VALUES_AT_ONCE / (leaves + 1) + 16;
    if (most > LM_READ_INDICES) most = LM_READ_INDICES;
    if (leaves == 0 && reader->rows > LM_CANONICAL_EMPTY_ROWS_MAX)
        return lm__error_set(state->error, LM_LIMIT, "%lld rows without columns; the limit is %d",
                             (long long)reader->rows, LM_CANONICAL_EMPTY_ROWS_MAX);
    for (uint32_t i = 0; i < leaves; i++)
        LM_TRY(open_leaf(state, reader, row_group, &state->leaves[i]));
    while (rows > 0) {
        size_t some = rows < state->rows_at_once ? (size_t)rows : state->rows_at_once;
        for (uint32_t i = 0; i < leaves; i++) LM_TRY(load_leaf(state, &state->leaves[i], some));
        for (size_t row = 0; row < some; row++)
            LM_TRY(lm__canonical_row(state, reader->schema.root));
        rows -= some;
        adapt(state, leaves, most);
    }
    for (uint32_t i = 0; i < leaves; i++) {
        LM_TRY(lm__read_column_end(&state->leaves[i].column, state->error));
        close_leaf(&state->leaves[i]);
    }
    return LM_OK;
}

lm_status lm__canonical_write(lm_parquet_reader *reader, lm_sink *sink, lm_error *error)
{
    lm_canonical state = {
        .allocator = reader->allocator, .sink = sink, .rows_at_once = 1, .error = error};
    lm_status status = state_init(&state, reader);
    for (size_t i = 0; i < reader->metadata.row_groups.count && status == LM_OK; i++)
        status = lm__reader_within(reader, i, write_row_group(&state, reader, i), error);
    if (status == LM_OK && state.out.size)
        status = lm_sink_write(sink, state.out.data, state.out.size, error);
    state_deinit(&state, reader);
    return status;
}
