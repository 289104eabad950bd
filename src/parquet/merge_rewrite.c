/*
 * Row groups written anew: read, brought to the joined schema by safe casts, and written by our
 * writer, which makes its row groups as large as its options say; all of them, or runs of small
 * ones among others that are carried over. See merge.h.
 *
 * Among others, the schema is that of the new file, read as our reader reads it. What the writer
 * makes of it must be the same columns in the same bytes, or it is refused.
 */
#include <stdio.h>
#include <string.h>

#include "arrow/cast.h"
#include "arrow/unify.h"
#include "base/alloc.h"
#include "base/error.h"
#include "base/limits.h"
#include "parquet/merge.h"

static lm_status no_memory(lm_error *error) { return lm__error_memory(error, "merging files"); }

/* The schema that the reader's streams have. */
static lm_status schema_of(const lm_parquet_merge *merge, lm_parquet_reader *reader,
                           lm_schema **schema, lm_error *error)
{
    struct ArrowSchema exported;
    LM_TRY(lm_parquet_reader_schema(reader, NULL, &exported, error));
    return lm_schema_import_take(merge->allocator, &exported, schema, error);
}

/* Everything anew. */

static int maps_above(const lm_read_node *node, bool *variant)
{
    int maps = 0;
    for (; node; node = node->parent) {
        maps += node->shape == LM_READ_MAP;
        *variant |= node->shape == LM_READ_VARIANT;
    }
    return maps;
}

static bool is_kept(const lm_read_node *was, const lm_read_node *is)
{
    bool variant = false;
    if (maps_above(was, &variant) != maps_above(is, &variant) || variant) return false;
    if (was->unreadable) return false;
    if (was->element->logical_type &&
        was->element->logical_type->choice.member >= LM_PARQUET_LOGICAL_FILE)
        return false;
    if (was->meaning == LM_MEANS_DECIMAL)
        return is->meaning == LM_MEANS_DECIMAL && was->scale == is->scale;
    if (was->meaning == LM_MEANS_NOTHING || was->meaning == LM_MEANS_INTEGER)
        return is->meaning == LM_MEANS_NOTHING || is->meaning == LM_MEANS_INTEGER ||
               is->meaning == LM_MEANS_TIMESTAMP || is->meaning == LM_MEANS_TIME;
    return was->meaning == is->meaning || (was->meaning == LM_MEANS_ENUM && /* text it stays */
                                           is->meaning == LM_MEANS_STRING);
}

static const lm_read_node *nowhere_in(const lm_read_node *node)
{
    if (lm__read_is_nowhere(node)) return node;
    for (size_t i = 0; i < node->n_children; i++) {
        const lm_read_node *found = nowhere_in(&node->children[i]);
        if (found) return found;
    }
    return NULL;
}

/* What the writer has no word for would silently become something else. */
static lm_status check_kept(const lm_parquet_reader *reader, lm_schema *schema,
                            const lm_parquet_options *write, lm_arena *arena, lm_error *error)
{
    lm_parquet_options plain = *write; /* options of columns may be of those that it lacks */
    lm_write_schema columns;
    lm_file_metadata metadata = {0};
    lm_read_schema made;
    char path[LM_READ_PATH_MAX];
    const lm_read_node *nowhere = nowhere_in(reader->schema.root);
    if (nowhere)
        return lm__error_set(error, LM_UNSUPPORTED,
                             "column %s is a list of groups without columns, which is not written "
                             "here: row groups can only be carried over, without --rewrite",
                             lm__read_path(nowhere, path));
    plain.column_count = 0;
    LM_TRY(lm__write_schema_make(arena, schema, &plain, &columns, error));
    metadata.schema.items = columns.elements;
    metadata.schema.count = columns.element_count;
    LM_TRY(lm__read_schema_make(arena, &metadata, &made, error));
    for (uint32_t i = 0; i < reader->schema.leaf_count; i++) {
        const lm_read_node *leaf = reader->schema.leaves[i];
        if (made.leaf_count == reader->schema.leaf_count && is_kept(leaf, made.leaves[i])) continue;
        return lm__error_set(error, LM_UNSUPPORTED,
                             "column %s is of a type that is not written here: its row groups can "
                             "only be carried over, without --rewrite",
                             lm__read_path(leaf, path));
    }
    return LM_OK;
}

static lm_status join_rows(lm_parquet_merge *merge, lm_schema *schema, const char *name,
                           lm_error *error)
{
    lm_arena arena;
    lm__arena_init(&arena, merge->allocator, 0);
    lm_status status = check_kept(merge->reader, schema, &merge->write, &arena, error);
    lm__arena_deinit(&arena);
    LM_TRY(lm__merge_within(merge, status, error));
    return lm__unify(merge->unifier, schema, name, error);
}

lm_status lm__merge_rewrite_survey(lm_parquet_merge *merge, const char *name, lm_error *error)
{
    const lm_parquet_reader *reader = merge->reader;
    lm_schema *schema;
    LM_TRY(lm__merge_metadata_add(&merge->metadata, &merge->schema, reader, name, error));
    if (!merge->unifier) LM_TRY(lm__unifier_new(merge->allocator, &merge->unifier, error));
    LM_TRY(schema_of(merge, merge->reader, &schema, error));
    lm_status status = join_rows(merge, schema, name, error);
    lm_schema_free(schema);
    for (size_t g = 0; g < reader->metadata.row_groups.count; g++) {
        const lm_row_group *group = &reader->metadata.row_groups.items[g];
        if (group->num_rows == 0) continue;
        merge->summary.row_groups_rewritten++;
        for (size_t c = 0; c < group->columns.count; c++)
            if (group->columns.items[c].meta_data)
                merge->summary.bytes_rewritten +=
                    (uint64_t)group->columns.items[c].meta_data->total_compressed_size;
    }
    return status;
}

/* The joined schema's own metadata is that which the rules leave. */
static lm_status take_pairs(lm_parquet_merge *merge, lm_schema *schema, lm_error *error)
{
    lm_field *root = &schema->root;
    root->n_metadata = 0;
    root->metadata = NULL;
    for (size_t i = 0; i < merge->pairs.count; i++) {
        const lm_footer_key_value *pair = &merge->pairs.items[i];
        if (!lm__field_add_metadata(&schema->arena, root, (const char *)pair->key.data,
                                    pair->key.size, (const char *)pair->value.data,
                                    pair->value.size))
            return no_memory(error);
    }
    return LM_OK;
}

/* Some row groups anew. */

static lm_status schema_of_new_file(lm_parquet_merge *merge, lm_error *error)
{
    lm_buffer file;
    lm_memory_source source;
    lm_parquet_reader *reader;
    lm_parquet_reader_options options = {.allocator = merge->allocator};
    lm__buffer_init(&file, merge->allocator, 0);
    lm_status status = lm__merge_empty_file(merge, &file, error);
    if (status == LM_OK) {
        lm_memory_source_init(&source, file.data, file.size, "the joined schema");
        status = lm_parquet_reader_open(&source.source, &options, &reader, error);
    }
    if (status == LM_OK) {
        status = schema_of(merge, reader, &merge->rows, error);
        lm_parquet_reader_close(reader);
    }
    lm__buffer_deinit(&file);
    return status;
}

static bool is_written_alike(const lm_merge_node *ours, const lm_read_node *written)
{
    if (ours->n_children != written->n_children || ours->like.shape != written->shape ||
        (ours->parent && ours->like.mode != written->mode))
        return false;
    if (written->shape == LM_READ_LEAF) return lm__merge_alike(&ours->like, written);
    const lm_merge_node *child = ours->first;
    for (size_t i = 0; i < written->n_children; i++, child = child->next)
        if (!is_written_alike(child, &written->children[i])) return false;
    return true;
}

static lm_status check_written(lm_parquet_merge *merge, const lm_write_schema *columns,
                               lm_error *error)
{
    lm_file_metadata metadata = {0};
    lm_read_schema schema;
    char path[LM_READ_PATH_MAX];
    metadata.schema.items = columns->elements;
    metadata.schema.count = columns->element_count;
    LM_TRY(lm__read_schema_make(&merge->arena, &metadata, &schema, error));
    const lm_merge_node *node = merge->schema.root->first;
    for (size_t i = 0; i < schema.root->n_children && node; i++, node = node->next)
        if (!is_written_alike(node, &schema.root->children[i]))
            return lm__error_set(error, LM_UNSUPPORTED,
                                 "column %s cannot be written anew as it is in the other row "
                                 "groups; use --rewrite for all of them",
                                 lm__merge_path(node, path));
    for (size_t i = 0; i < merge->schema.leaf_count; i++)
        if (!merge->orders || merge->orders[i] != LM_PARQUET_TYPE_ORDER)
            return lm__error_set(error, LM_UNSUPPORTED,
                                 "column %s: its bounds do not have the order of its type; use "
                                 "--rewrite for all row groups",
                                 lm__merge_path(merge->schema.leaves[i], path));
    return LM_OK;
}

/* Files that others wrote and we write too are by both. */
static void check_created_by(lm_parquet_merge *merge)
{
    char ours[128];
    const char *by = merge->write.created_by;
    if (!by) {
        snprintf(ours, sizeof ours, "lamella version %s", lm_version());
        by = ours;
    }
    if (merge->created_by.size != strlen(by) ||
        memcmp(merge->created_by.data, by, merge->created_by.size) != 0)
        merge->created_by_differs = true;
}

lm_status lm__merge_rewrite_survey_end(lm_parquet_merge *merge, lm_error *error)
{
    lm_write_schema columns;
    bool all = merge->options.rewrite;
    if (all) {
        LM_TRY(lm__unified(merge->unifier, &merge->rows, error));
        LM_TRY(take_pairs(merge, merge->rows, error));
    } else {
        check_created_by(merge);
        LM_TRY(schema_of_new_file(merge, error));
    }
    LM_TRY(lm__write_schema_make(&merge->arena, merge->rows, &merge->write, &columns, error));
    if (!all) return check_written(merge, &columns, error);
    merge->summary.columns = columns.leaf_count;
    merge->summary.arrow_schema_kept = merge->write.arrow_schema;
    for (size_t i = 0; i < merge->sources.count; i++)
        merge->summary.files_widened += merge->parts[i].leaf_count < columns.leaf_count;
    return LM_OK;
}

/* Rows. */

static lm_status write_groups(lm_parquet_merge *merge, const int64_t *groups, size_t count,
                              lm_error *error)
{
    lm_parquet_read_options options = {.row_groups = groups,
                                       .row_group_count = count,
                                       .threads = merge->write.threads,
                                       .memory_bytes_max = LM_PARQUET_MERGE_AHEAD_BYTES,
                                       .cancel = merge->write.cancel};
    lm_cast_options safe = {.mode = LM_CAST_SAFE};
    struct ArrowArrayStream exported;
    lm_stream *stream = NULL, *cast = NULL;
    if (count == 0) return LM_OK;
    LM_TRY(lm_parquet_read_stream(merge->reader, &options, &exported, error));
    LM_TRY(lm__stream_import_take(merge->allocator, &exported, LM_VALIDATE_NONE, &stream, error));
    LM_TRY(lm__cast_stream_take(merge->allocator, stream, merge->rows, &safe, &cast, error));
    lm_status status = lm__writer_take_all(merge->writer, cast, error);
    lm__stream_close(cast);
    return status;
}

/* Row groups [first, end) of the open file, but for those without rows. */
static lm_status write_part(lm_parquet_merge *merge, size_t first, size_t end, lm_error *error)
{
    const lm_row_group *all = merge->reader->metadata.row_groups.items;
    size_t count = 0;
    int64_t *groups = lm__alloc(merge->allocator, (end - first + 1) * sizeof *groups);
    if (!groups) return no_memory(error);
    for (size_t g = first; g < end; g++)
        if (all[g].num_rows) groups[count++] = (int64_t)g;
    lm_status status = write_groups(merge, groups, count, error);
    lm__free(merge->allocator, groups);
    return status;
}

static lm_status open_writer(lm_parquet_merge *merge, lm_error *error)
{
    if (merge->writer) return LM_OK;
    return lm__writer_new(merge->sink, &merge->write, merge->rows, &merge->writer, error);
}

lm_status lm__merge_rewrite_all(lm_parquet_merge *merge, lm_parquet_result *result, lm_error *error)
{
    LM_TRY(open_writer(merge, error));
    for (size_t i = 0; i < merge->sources.count; i++) {
        LM_TRY(lm__merge_part_open(merge, i, true, error));
        LM_TRY(write_part(merge, 0, merge->reader->metadata.row_groups.count, error));
    }
    lm__merge_part_close(merge);
    lm_parquet_writer *writer = merge->writer;
    merge->writer = NULL;
    return lm_parquet_writer_finish(writer, result, error);
}

lm_status lm__merge_rewrite(lm_parquet_merge *merge, size_t first, size_t end, lm_error *error)
{
    if (!merge->writing) {
        LM_TRY(lm__merge_flush(merge, error));
        LM_TRY(open_writer(merge, error));
        merge->writer->offset = merge->offset;
        merge->writing = true;
    }
    return write_part(merge, first, end, error);
}

lm_status lm__merge_rewrite_end(lm_parquet_merge *merge, lm_error *error)
{
    lm_merge_segment *segment;
    lm_parquet_writer *writer = merge->writer;
    if (!merge->writing) return LM_OK;
    merge->writing = false;
    LM_TRY(lm__writer_flush(writer, error));
    LM_TRY(lm__merge_segment_new(merge, SIZE_MAX, merge->writer_groups, writer->group_count,
                                 &segment, error));
    for (size_t g = merge->writer_groups; g < writer->group_count; g++)
        merge->rows_written += writer->groups[g].num_rows;
    merge->groups_written += (int64_t)(writer->group_count - merge->writer_groups);
    merge->writer_groups = writer->group_count;
    merge->offset = writer->offset;
    return LM_OK;
}
