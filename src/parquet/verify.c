/* Going through a file, row group by row group and chunk by chunk; see verify.h. */
#include "parquet/verify.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/alloc.h"
#include "base/error.h"
#include "base/limits.h"
#include "parquet/canonical.h"
#include "parquet/inspect.h"

/* Problems. */

/* Of the values, and not of what is told of them: rows that a chunk lacks, too. */
static bool is_damage(const lm_parquet_problem *problem)
{
    static const char *const kinds[] = {"file", "page", "levels", "text"};
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (strcmp(problem->kind, kinds[i]) == 0) return true;
    return problem->page < 0 && strcmp(problem->kind, "rows") == 0;
}

static void tell(lm_verifier *v, const lm_parquet_problem *problem)
{
    uint64_t most = v->options->problems_max ? v->options->problems_max : LM_VERIFY_PROBLEMS_MAX;
    v->result.damage += is_damage(problem);
    if (v->result.problems++ < most && v->options->callback && v->failed == LM_OK)
        v->failed = v->options->callback(v->options->context, problem, v->error);
}

static void problem_at(lm_verifier *v, int64_t row_group, const lm_read_node *leaf, int64_t page,
                       const char *kind, const char *message)
{
    char path[LM_READ_PATH_MAX] = "", where[64] = "";
    if (leaf) lm__read_path(leaf, path);
    if (page >= 0) (void)snprintf(where, sizeof where, ", page %lld", (long long)page);
    if (v->result.problems == 0) {
        if (row_group >= 0)
            (void)lm__error_set(&v->first, LM_CORRUPT, "row group %lld%s%s%s: %s: %s",
                                (long long)row_group, leaf ? ", column " : "", path, where, kind,
                                message);
        else
            (void)lm__error_set(&v->first, LM_CORRUPT, "%s: %s", kind, message);
    }
    tell(v, &(lm_parquet_problem){row_group, leaf ? path : NULL, page, kind, message});
}

void lm__verify_problem(lm_verifier *v, int64_t page, const char *kind, const char *format, ...)
{
    char message[LM_ERROR_MESSAGE_MAX];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(message, sizeof message, format, args);
    va_end(args);
    problem_at(v, (int64_t)v->row_group, v->leaf, page, kind, message);
}

/* Messages of the reader begin with the column, and the page or the index: the problem has them. */
static const char *without_place(const lm_verifier *v, const char *message)
{
    char path[LM_READ_PATH_MAX], place[LM_READ_PATH_MAX + 16];
    int size = snprintf(place, sizeof place, "column %s", lm__read_path(v->leaf, path));
    if (strncmp(message, place, (size_t)size) != 0) return message;
    const char *end = strstr(message + size, ": ");
    return end && (message[size] == ',' || message[size] == ':') ? end + 2 : message;
}

lm_status lm__verify_failure(lm_verifier *v, int64_t page, const char *kind, lm_status status,
                             const lm_error *error)
{
    if (status == LM_CORRUPT || status == LM_LIMIT || status == LM_DATA) {
        lm__verify_problem(v, page, kind, "%s", without_place(v, error->message));
        return LM_OK;
    }
    if (v->error) *v->error = *error;
    return status;
}

/* A chunk. */

static void open_indexes(lm_verifier *v, lm_status *failed)
{
    const lm_parquet_reader *reader = v->reader;
    lm_read_bloom_place place;
    lm_error error;
    lm_status status =
        lm__read_column_index(reader, v->row_group, v->leaf, &v->arena, &v->column_index, &error);
    if (status != LM_OK) *failed = lm__verify_failure(v, -1, "column_index", status, &error);
    if (*failed != LM_OK) return;
    status =
        lm__read_offset_index(reader, v->row_group, v->leaf, &v->arena, &v->offset_index, &error);
    if (status != LM_OK) *failed = lm__verify_failure(v, -1, "offset_index", status, &error);
    if (*failed != LM_OK) return;
    status = lm__read_bloom_place(reader, v->row_group, v->leaf, &place, &error);
    if (status == LM_OK && place.there) {
        status = lm__read_bloom(reader, v->leaf, &place, &v->bloom_room, &v->bloom, &error);
        v->has_bloom = status == LM_OK;
    }
    if (status != LM_OK && status != LM_UNSUPPORTED)
        *failed = lm__verify_failure(v, -1, "bloom_filter", status, &error);
}

static void chunk_init(lm_verifier *v, const lm_read_node *leaf)
{
    v->leaf = leaf;
    v->order = (lm_leaf){
        .order = lm__verify_order(v->reader, leaf),
        .physical = leaf->physical,
        .width = leaf->width,
    };
    v->spec = (lm_read_spec){
        .physical = leaf->physical,
        .width = leaf->width,
        .out_width = leaf->width,
        .form = leaf->physical == LM_PARQUET_BOOLEAN      ? LM_FORM_BITS
                : leaf->physical == LM_PARQUET_BYTE_ARRAY ? LM_FORM_STRINGS64
                                                          : LM_FORM_FIXED,
    };
    v->column_index = NULL;
    v->offset_index = NULL;
    v->has_bloom = false;
    v->bloom = (lm_bloom){0};
    v->distinct.too_many = false;
    v->distinct.count = 0;
    if (v->distinct.capacity)
        memset(v->distinct.slots, 0, v->distinct.capacity * sizeof *v->distinct.slots);
    lm__arena_reset(&v->arena);
}

static lm_status look_into_chunk(lm_verifier *v, const lm_read_node *leaf)
{
    lm_error error;
    lm_status status;
    chunk_init(v, leaf);
    status = lm__reader_chunk(v->reader, v->row_group, leaf, &v->metadata, &error);
    if (status != LM_OK) return lm__verify_failure(v, -1, "page", status, &error);
    v->distinct.wanted = leaf->physical != LM_PARQUET_BOOLEAN && v->metadata->statistics &&
                         LM_HAS(v->metadata->statistics, LM_STATISTICS_DISTINCT_COUNT);
    open_indexes(v, &status);
    if (status == LM_OK) status = lm__verify_decode(v);
    if (status == LM_OK) lm__verify_claims(v);
    if (v->has_bloom) lm__bloom_deinit(&v->bloom);
    return status;
}

static lm_status verify_chunk(lm_verifier *v, const lm_read_node *leaf)
{
    lm_status status = look_into_chunk(v, leaf);
    if (status == LM_OK) status = v->failed;
    (void)lm__reader_within(v->reader, v->row_group, status, v->error);
    if (status != LM_UNSUPPORTED || v->failed != LM_OK) return status;
    if (v->result.unread++ == 0) v->unread = *v->error;
    return LM_OK;
}

/* The file. */

static void check_footer(lm_verifier *v)
{
    const lm_file_metadata *metadata = &v->reader->metadata;
    char message[128];
    uint8_t magic[4];
    if (metadata->num_rows != v->reader->rows) {
        (void)snprintf(message, sizeof message,
                       "the footer tells of %lld rows; its row groups have %lld",
                       (long long)metadata->num_rows, (long long)v->reader->rows);
        problem_at(v, -1, NULL, -1, "file", message);
    }
    if (lm_source_read(v->reader->source, 0, magic, sizeof magic, NULL) != LM_OK ||
        memcmp(magic, "PAR1", sizeof magic) != 0)
        problem_at(v, -1, NULL, -1, "file", "it does not begin with PAR1");
    for (size_t i = 0; i < metadata->row_groups.count; i++) {
        lm_parquet_row_group_info info = lm_parquet_inspect_row_group(v->reader, (int64_t)i);
        const lm_row_group *group = &metadata->row_groups.items[i];
        if (LM_HAS(group, LM_ROW_GROUP_TOTAL_COMPRESSED_SIZE) &&
            group->total_compressed_size != info.compressed_bytes) {
            (void)snprintf(
                message, sizeof message, "the footer tells of %lld bytes; its chunks have %lld",
                (long long)group->total_compressed_size, (long long)info.compressed_bytes);
            problem_at(v, (int64_t)i, NULL, -1, "row_group", message);
        }
        for (size_t k = 0; k < group->sorting_columns.count; k++) {
            int32_t column = group->sorting_columns.items[k].column_idx;
            if (column >= 0 && (uint32_t)column < v->reader->schema.leaf_count) continue;
            (void)snprintf(message, sizeof message, "it is sorted by column %d, which is not there",
                           column);
            problem_at(v, (int64_t)i, NULL, -1, "row_group", message);
        }
    }
}

/* Columns beside each other in a list or struct must agree on where it is there; a VARIANT must be
 * one. */
static bool has_siblings(const lm_read_node *node)
{
    bool levels = node->parent && node->mode != LM_PARQUET_REQUIRED;
    if ((levels && node->leaf_count > 1) || node->shape == LM_READ_VARIANT) return true;
    for (size_t i = 0; i < node->n_children; i++)
        if (has_siblings(&node->children[i])) return true;
    return false;
}

static lm_status nowhere_write(lm_sink *sink, const void *data, size_t size, lm_error *error)
{
    (void)sink;
    (void)data;
    (void)size;
    (void)error;
    return LM_OK;
}

static lm_status nowhere_finish(lm_sink *sink, lm_error *error)
{
    (void)sink;
    (void)error;
    return LM_OK;
}

static void nowhere_abort(lm_sink *sink) { (void)sink; }

/* Rows are put together as their text would be, and dropped. */
static lm_status check_rows(lm_verifier *v)
{
    static const lm_sink_ops ops = {nowhere_write, nowhere_finish, nowhere_abort};
    lm_error error;
    lm_sink sink;
    if (v->result.problems + v->result.unread > 0 || !has_siblings(v->reader->schema.root))
        return LM_OK;
    lm_sink_init(&sink, &ops);
    lm_status status = lm__canonical_write(v->reader, &sink, &error);
    lm_sink_abort(&sink);
    if (status == LM_CORRUPT || status == LM_DATA) {
        size_t name = strlen(v->reader->owned->name) + 2;
        bool named = strlen(error.message) > name && error.message[name - 2] == ':';
        problem_at(v, -1, NULL, -1, "levels", error.message + (named ? name : 0));
        return LM_OK;
    }
    if (status == LM_LIMIT) return LM_OK; /* a value that has no text is sound all the same */
    if (status != LM_OK && v->error) *v->error = error;
    return status;
}

static lm_status verify_file(lm_verifier *v)
{
    const lm_read_schema *schema = &v->reader->schema;
    LM_TRY(lm__read_scratch_new(v->reader->allocator, &v->scratch, v->error));
    check_footer(v);
    for (size_t i = 0; i < v->reader->metadata.row_groups.count && v->failed == LM_OK; i++) {
        v->row_group = i;
        v->result.rows += (uint64_t)v->reader->metadata.row_groups.items[i].num_rows;
        for (uint32_t k = 0; k < schema->leaf_count; k++)
            LM_TRY(verify_chunk(v, schema->leaves[k]));
    }
    LM_TRY(v->failed);
    LM_TRY(check_rows(v));
    return v->failed;
}

lm_status lm_parquet_verify(lm_parquet_reader *reader, const lm_parquet_verify_options *options,
                            lm_parquet_verified *result, lm_error *error)
{
    static const lm_parquet_verify_options defaults;
    lm_error unheard;
    lm_verifier v = {.reader = reader,
                     .options = options ? options : &defaults,
                     .error = error ? error : &unheard};
    v.limits = reader->limits;
    v.limits.crc_check = true;
    v.limits.cancel = v.options->cancel;
    if (result) *result = (lm_parquet_verified){0};
    if (reader->without_row_groups)
        return lm__error_set(error, LM_INVALID, "the reader was opened without row groups");
    lm__arena_init(&v.arena, reader->allocator, 0);
    lm__buffer_init(&v.bloom_room, reader->allocator, 0);
    lm_status status = verify_file(&v);
    lm__read_scratch_free(v.scratch);
    lm__free(reader->allocator, v.pages);
    lm__free(reader->allocator, v.distinct.slots);
    lm__buffer_deinit(&v.bloom_room);
    lm__arena_deinit(&v.arena);
    if (status != LM_OK) return status;
    if (result) *result = v.result;
    if (v.result.problems == 0 && v.result.unread == 0) return LM_OK;
    if (error) *error = v.result.problems ? v.first : v.unread;
    if (v.result.problems == 0) return LM_UNSUPPORTED;
    return lm__reader_within(reader, SIZE_MAX, LM_CORRUPT, error);
}
