/* The end of the file: page indexes, then the footer (parquet-format, "File format" and
 * PageIndex.md). */
#include <string.h>

#include "arrow/fb_schema.h"
#include "base/bytes_text.h"
#include "base/error.h"
#include "parquet/writer.h"

static lm_status footer_memory(lm_error *error)
{
    return lm__error_memory(error, "writing the footer");
}

/* Indexes lie together, so that a reader gets them in one request. */
static lm_status write_indexes(lm_parquet_writer *writer, lm_error *error)
{
    for (int kind = 0; kind < 2; kind++)
        for (size_t g = 0; g < writer->group_count; g++)
            for (size_t c = 0; c < writer->columns.leaf_count; c++) {
                lm_chunk_done *done = &writer->chunks[g][c];
                const lm_bytes *bytes = kind ? &done->offset_index : &done->column_index;
                if (!bytes->size) continue;
                int64_t offset = (int64_t)writer->offset;
                if (kind) {
                    done->chunk.offset_index_offset = offset;
                    done->chunk.offset_index_length = (int32_t)bytes->size;
                    done->chunk.has |=
                        LM_COLUMN_CHUNK_OFFSET_INDEX_OFFSET | LM_COLUMN_CHUNK_OFFSET_INDEX_LENGTH;
                } else {
                    done->chunk.column_index_offset = offset;
                    done->chunk.column_index_length = (int32_t)bytes->size;
                    done->chunk.has |=
                        LM_COLUMN_CHUNK_COLUMN_INDEX_OFFSET | LM_COLUMN_CHUNK_COLUMN_INDEX_LENGTH;
                }
                LM_TRY(lm__writer_put(writer, bytes->data, bytes->size, error));
            }
    return LM_OK;
}

static lm_status arrow_schema_text(lm_parquet_writer *writer, char **text, lm_error *error)
{
    lm_buffer message;
    lm__buffer_init(&message, writer->options.allocator, 0);
    lm_status status = lm__fb_schema_message(writer->schema, &message, error);
    if (status == LM_OK) {
        *text = lm__arena_zero(&writer->arena, LM_BASE64_TEXT_BYTES(message.size) + 1);
        if (*text)
            lm__base64_text(*text, message.data, message.size);
        else
            status = footer_memory(error);
    }
    lm__buffer_deinit(&message);
    return status;
}

/* The schema's own metadata, the caller's, and Arrow's schema. */
static lm_status key_values(lm_parquet_writer *writer, lm_footer_key_value_list *list,
                            lm_error *error)
{
    const lm_field *root = &writer->schema->root;
    const lm_parquet_options *options = &writer->options;
    size_t most = root->n_metadata + options->metadata_count + 1, count = 0;
    lm_footer_key_value *items = lm__arena_zero(&writer->arena, most * sizeof *items);
    if (!items) return footer_memory(error);
    for (size_t i = 0; i < root->n_metadata; i++) {
        const lm_key_value *pair = &root->metadata[i];
        items[count].key = lm__bytes(pair->key, pair->key_size);
        items[count++].value = lm__bytes(pair->value, pair->value_size);
    }
    for (size_t i = 0; i < options->metadata_count; i++) {
        const lm_parquet_key_value *pair = &options->metadata[i];
        items[count].key = lm__bytes(pair->key, strlen(pair->key));
        items[count++].value = lm__bytes(pair->value, strlen(pair->value));
    }
    if (options->arrow_schema) {
        char *text;
        LM_TRY(arrow_schema_text(writer, &text, error));
        items[count].key = lm__bytes("ARROW:schema", 12);
        items[count++].value = lm__bytes(text, strlen(text));
    }
    *list = (lm_footer_key_value_list){count ? items : NULL, count};
    return LM_OK;
}

static lm_status sorting_columns(lm_parquet_writer *writer, lm_error *error)
{
    const lm_parquet_options *options = &writer->options;
    if (!options->sorting_count) return LM_OK;
    lm_sorting_column *columns =
        lm__arena_zero(&writer->arena, options->sorting_count * sizeof *columns);
    if (!columns) return footer_memory(error);
    for (size_t i = 0; i < options->sorting_count; i++) {
        size_t leaf = 0;
        while (strcmp(writer->columns.leaves[leaf].path, options->sorting[i].path) != 0) leaf++;
        columns[i].column_idx = (int32_t)leaf;
        columns[i].descending = options->sorting[i].descending;
        columns[i].nulls_first = options->sorting[i].nulls_first;
    }
    for (size_t g = 0; g < writer->group_count; g++) {
        writer->groups[g].sorting_columns.items = columns;
        writer->groups[g].sorting_columns.count = options->sorting_count;
    }
    return LM_OK;
}

/* The chunks, now that their indexes have a place. */
static lm_status finish_groups(lm_parquet_writer *writer, lm_error *error)
{
    size_t leaves = writer->columns.leaf_count;
    for (size_t g = 0; g < writer->group_count; g++) {
        lm_column_chunk *chunks = lm__arena_array(&writer->arena, leaves, sizeof *chunks);
        if (!chunks) return footer_memory(error);
        for (size_t c = 0; c < leaves; c++) chunks[c] = writer->chunks[g][c].chunk;
        writer->groups[g].columns.items = chunks;
        writer->groups[g].columns.count = leaves;
    }
    return sorting_columns(writer, error);
}

lm_status lm__writer_footer(lm_parquet_writer *writer, uint64_t *footer_bytes, lm_error *error)
{
    LM_TRY(write_indexes(writer, error));
    LM_TRY(finish_groups(writer, error));
    size_t leaves = writer->columns.leaf_count;
    int32_t *orders = lm__arena_array(&writer->arena, leaves, sizeof *orders);
    if (!orders) return footer_memory(error);
    for (size_t i = 0; i < leaves; i++) orders[i] = LM_PARQUET_TYPE_ORDER;
    const char *created_by = writer->options.created_by;
    if (!created_by)
        created_by = lm__arena_printf(&writer->arena, "lamella version %s", lm_version());
    if (!created_by) return footer_memory(error);
    lm_file_metadata meta = {.version = 2,
                             .num_rows = writer->rows,
                             .created_by = lm__bytes(created_by, strlen(created_by)),
                             .column_orders = {orders, leaves}};
    meta.schema.items = writer->columns.elements;
    meta.schema.count = writer->columns.element_count;
    meta.row_groups.items = writer->groups ? writer->groups : (const void *)lm_thrift_empty;
    meta.row_groups.count = writer->group_count;
    LM_TRY(key_values(writer, &meta.key_value_metadata, error));
    lm_buffer footer;
    lm__buffer_init(&footer, writer->options.allocator, 0);
    lm_status status = lm__footer_write(&meta, &footer);
    uint32_t size = (uint32_t)footer.size;
    if (status == LM_OK && footer.size <= UINT32_MAX) status = lm__buffer_append(&footer, &size, 4);
    if (status == LM_OK) status = lm__buffer_append(&footer, "PAR1", 4);
    if (status != LM_OK)
        footer_memory(error);
    else
        status = lm__writer_put(writer, footer.data, footer.size, error);
    *footer_bytes = footer.size;
    lm__buffer_deinit(&footer);
    return status;
}
