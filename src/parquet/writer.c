/* The writer's calls: batches in, row groups started and written; see writer.h and
 * lamella/parquet.h. */
#include "parquet/writer.h"

#include <string.h>

#include "arrow/batch.h"
#include "base/alloc.h"
#include "base/error.h"
#include "base/limits.h"

lm_parquet_options lm_parquet_options_default(void)
{
    return (lm_parquet_options){
        .codec = LM_CODEC_SNAPPY,
        .level = LM_CODEC_LEVEL_DEFAULT,
        .dictionary = true,
        .statistics = true,
        .page_index = true,
        .size_statistics = true,
        .page_crc = true,
        .arrow_schema = true,
        .data_page_version = 1,
        .row_group_rows_max = 1 << 20,
        .row_group_bytes_max = 64 * LM_MIB,
        .page_bytes_max = 1 * LM_MIB,
        .page_rows_max = 1 << 16,
        .dictionary_bytes_max = 4 * LM_MIB,
        .statistics_bytes_max = LM_PARQUET_BOUND_BYTES,
        .utf8_check = true,
    };
}

lm_status lm__writer_put(lm_parquet_writer *writer, const void *data, size_t size, lm_error *error)
{
    LM_TRY(lm_sink_write(writer->sink, data, size, error));
    writer->offset += size;
    return LM_OK;
}

static lm_status options_check(const lm_parquet_options *options, lm_error *error)
{
    const struct {
        const char *name;
        bool sound;
    } rules[] = {
        {"data_page_version is 1 or 2",
         options->data_page_version == 1 || options->data_page_version == 2},
        {"row_group_rows_max is at least 1", options->row_group_rows_max >= 1},
        {"row_group_bytes_max is at least 1", options->row_group_bytes_max >= 1},
        {"page_bytes_max is between 1 and 256 MiB",
         options->page_bytes_max >= 1 && options->page_bytes_max <= LM_PARQUET_PAGE_BYTES_MAX},
        {"page_rows_max is at least 1", options->page_rows_max >= 1},
        {"dictionary_bytes_max is between 1 and 256 MiB",
         options->dictionary_bytes_max >= 1 &&
             options->dictionary_bytes_max <= LM_PARQUET_PAGE_BYTES_MAX},
        {"statistics_bytes_max is at least 1", options->statistics_bytes_max >= 1},
        {"threads is at least 0", options->threads >= 0},
    };
    for (size_t i = 0; i < sizeof rules / sizeof *rules; i++)
        if (!rules[i].sound)
            return lm__error_set(error, LM_INVALID, "Parquet options: %s", rules[i].name);
    return lm__codec_check_write((int)options->codec, options->level, error);
}

static lm_status columns_check(lm_parquet_writer *writer, lm_error *error)
{
    const lm_parquet_options *options = &writer->options;
    for (size_t i = 0; i < writer->columns.leaf_count; i++) {
        const lm_leaf *leaf = &writer->columns.leaves[i];
        lm_status status = lm__codec_check_write((int)leaf->codec, leaf->level, error);
        if (status != LM_OK) return lm__error_within(error, status, "column %s", leaf->path);
    }
    for (size_t i = 0; i < options->sorting_count; i++) {
        bool found = false;
        for (size_t k = 0; k < writer->columns.leaf_count && !found; k++)
            found = strcmp(writer->columns.leaves[k].path, options->sorting[i].path) == 0;
        if (!found)
            return lm__error_set(error, LM_INVALID, "sorting names a column %s that is not there",
                                 options->sorting[i].path);
    }
    return LM_OK;
}

/* What the options point to is needed until the footer is written. */
static lm_status options_keep(lm_parquet_writer *writer, lm_error *error)
{
    lm_parquet_options *options = &writer->options;
    lm_arena *arena = &writer->arena;
    lm_parquet_sorting *sorting =
        lm__arena_array(arena, options->sorting_count + 1, sizeof *sorting);
    lm_parquet_key_value *pairs =
        lm__arena_array(arena, options->metadata_count + 1, sizeof *pairs);
    bool whole = sorting && pairs;
    for (size_t i = 0; whole && i < options->sorting_count; i++) {
        sorting[i] = options->sorting[i];
        sorting[i].path = lm__arena_strdup(arena, sorting[i].path);
        whole = sorting[i].path != NULL;
    }
    for (size_t i = 0; whole && i < options->metadata_count; i++) {
        pairs[i].key = lm__arena_strdup(arena, options->metadata[i].key);
        pairs[i].value = lm__arena_strdup(arena, options->metadata[i].value);
        whole = pairs[i].key && pairs[i].value;
    }
    if (whole && options->created_by) {
        options->created_by = lm__arena_strdup(arena, options->created_by);
        whole = options->created_by != NULL;
    }
    if (!whole) return lm__error_memory(error, "opening a Parquet writer");
    options->sorting = sorting;
    options->metadata = pairs;
    options->columns = NULL;
    return LM_OK;
}

lm_status lm__writer_new(lm_sink *sink, const lm_parquet_options *options, lm_schema *schema,
                         lm_parquet_writer **out, lm_error *error)
{
    LM_TRY(options_check(options, error));
    lm_parquet_writer *writer = lm__alloc_zero(options->allocator, sizeof *writer);
    if (!writer) return lm__error_memory(error, "opening a Parquet writer");
    writer->options = *options;
    writer->options.allocator = lm__allocator_or_default(options->allocator);
    writer->sink = sink;
    writer->input = lm_schema_ref(schema);
    lm__arena_init(&writer->arena, writer->options.allocator, 0);
    lm_status status = lm__writer_decode_input(writer, schema, error);
    if (status == LM_OK)
        status =
            lm__write_schema_make(&writer->arena, writer->schema, options, &writer->columns, error);
    if (status == LM_OK) status = columns_check(writer, error);
    if (status == LM_OK)
        status = lm__shelf_init(&writer->shelf, writer->options.allocator,
                                writer->columns.leaf_count, error);
    if (status == LM_OK) status = options_keep(writer, error);
    if (status == LM_OK)
        status = lm__pool_new(writer->options.allocator, options->threads, &writer->pool, error);
    if (status != LM_OK) {
        lm_parquet_writer_abort(writer);
        return status;
    }
    int threads = lm__pool_threads(writer->pool);
    writer->in_flight_max = threads > 1 ? 2 : 1;
    *out = writer;
    return LM_OK;
}

lm_status lm_parquet_writer_open(lm_sink *sink, const struct ArrowSchema *schema,
                                 const lm_parquet_options *options, lm_parquet_writer **writer,
                                 lm_error *error)
{
    lm_parquet_options standard = lm_parquet_options_default();
    if (!options) options = &standard;
    lm_schema *imported;
    LM_TRY(lm__schema_import(options->allocator, schema, &imported, error));
    lm_status status = lm__writer_new(sink, options, imported, writer, error);
    lm_schema_free(imported);
    return status;
}

static void pending_release(lm_parquet_writer *writer)
{
    for (size_t i = 0; i < writer->pending_count; i++)
        lm__batch_unref((lm_batch *)writer->pending[i].batch);
    writer->pending_count = 0;
    writer->pending_rows = 0;
    writer->pending_bytes = 0;
}

void lm_parquet_writer_abort(lm_parquet_writer *writer)
{
    if (!writer) return;
    const lm_allocator *allocator = writer->options.allocator;
    for (lm_row_group_work *work = writer->oldest, *next; work; work = next) {
        next = work->next;
        lm__row_group_free(work);
    }
    pending_release(writer);
    lm__free(allocator, writer->pending);
    lm__pool_free(writer->pool);
    lm__shelf_deinit(&writer->shelf);
    lm__cast_free(writer->decode);
    lm_schema_free(writer->schema);
    lm_schema_free(writer->input);
    lm__arena_deinit(&writer->arena);
    lm__free(allocator, writer);
}

/* Writes the oldest row group that is being made. */
static lm_status drain_one(lm_parquet_writer *writer, lm_error *error)
{
    lm_row_group_work *work = writer->oldest;
    lm_status status = lm__row_group_write(writer, work, error);
    writer->oldest = work->next;
    if (!writer->oldest) writer->newest = NULL;
    writer->in_flight--;
    lm__row_group_free(work);
    return status;
}

static lm_status write_magic(lm_parquet_writer *writer, lm_error *error)
{
    return writer->offset ? LM_OK : lm__writer_put(writer, "PAR1", 4, error);
}

/* The pending rows become a row group. */
static lm_status start_group(lm_parquet_writer *writer, lm_error *error)
{
    LM_TRY(write_magic(writer, error));
    while (writer->in_flight >= writer->in_flight_max) LM_TRY(drain_one(writer, error));
    lm_row_group_work *work;
    size_t count = writer->pending_count;
    writer->pending_count = 0;
    writer->pending_rows = 0;
    writer->pending_bytes = 0;
    LM_TRY(lm__row_group_start_take(&writer->columns, &writer->options, writer->pool,
                                    &writer->shelf, writer->pending, count, &work, error));
    if (writer->newest)
        writer->newest->next = work;
    else
        writer->oldest = work;
    writer->newest = work;
    writer->in_flight++;
    return LM_OK;
}

static lm_status pending_add(lm_parquet_writer *writer, lm_batch *batch, int64_t start,
                             int64_t length, lm_error *error)
{
    if (!lm__array_room(writer->options.allocator, &writer->pending, &writer->pending_capacity,
                        writer->pending_count + 1, sizeof *writer->pending))
        return lm__error_memory(error, "keeping a batch");
    writer->pending[writer->pending_count++] = (lm_rows){lm__batch_ref(batch), start, length};
    writer->pending_rows += length;
    return LM_OK;
}

/* How many of the rows from `start` still fit the row group. */
static int64_t rows_that_fit(const lm_parquet_writer *writer, int64_t left, double row_bytes)
{
    int64_t rows = writer->options.row_group_rows_max - writer->pending_rows;
    double room = (double)writer->options.row_group_bytes_max - (double)writer->pending_bytes;
    if (row_bytes > 0 && room / row_bytes < (double)rows) rows = (int64_t)(room / row_bytes);
    if (rows < 1) rows = 1;
    return rows < left ? rows : left;
}

static bool group_is_full(const lm_parquet_writer *writer)
{
    return writer->pending_rows >= writer->options.row_group_rows_max ||
           writer->pending_bytes >= writer->options.row_group_bytes_max;
}

static lm_status write_rows(lm_parquet_writer *writer, lm_batch *batch, lm_error *error)
{
    int64_t rows = lm__batch_rows(batch), start = 0;
    double row_bytes = lm__batch_row_bytes(batch);
    while (start < rows) {
        int64_t some = rows_that_fit(writer, rows - start, row_bytes);
        LM_TRY(pending_add(writer, batch, start, some, error));
        writer->pending_bytes += (size_t)(row_bytes * (double)some);
        start += some;
        if (group_is_full(writer)) LM_TRY(start_group(writer, error));
    }
    return LM_OK;
}

static lm_status write_batch(lm_parquet_writer *writer, lm_batch *batch, lm_error *error)
{
    if (!writer->decode) return write_rows(writer, batch, error);
    lm_batch *decoded;
    LM_TRY(lm__cast_batch(writer->decode, batch, writer->rows + writer->pending_rows, &decoded,
                          error));
    lm_status status = write_rows(writer, decoded, error);
    lm__batch_unref(decoded);
    return status;
}

static lm_status writer_keep(lm_parquet_writer *writer, lm_status status, const lm_error *failure,
                             lm_error *error)
{
    if (status == LM_OK) return LM_OK;
    writer->failure = *failure;
    writer->failure.code = status;
    if (error) *error = *failure;
    return status;
}

static lm_validate validation(const lm_parquet_writer *writer)
{
    return writer->options.utf8_check ? LM_VALIDATE_TEXT : LM_VALIDATE_FULL;
}

lm_status lm_parquet_writer_write(lm_parquet_writer *writer, struct ArrowArray *take_batch,
                                  lm_error *error)
{
    if (writer->failure.code != LM_OK) {
        if (take_batch->release) take_batch->release(take_batch);
        if (error) *error = writer->failure;
        return writer->failure.code;
    }
    lm_error failure;
    lm_batch *batch;
    lm_status status = lm__batch_import_take(writer->options.allocator, writer->input, take_batch,
                                             validation(writer), &batch, &failure);
    if (status == LM_OK) {
        status = write_batch(writer, batch, &failure);
        lm__batch_unref(batch);
    }
    return writer_keep(writer, status, &failure, error);
}

lm_status lm__writer_flush(lm_parquet_writer *writer, lm_error *error)
{
    if (writer->pending_rows) LM_TRY(start_group(writer, error));
    while (writer->oldest) LM_TRY(drain_one(writer, error));
    return LM_OK;
}

lm_status lm__writer_batches(lm_parquet_writer *writer, lm_batch *const *batches, size_t count,
                             lm_pool *pool, lm_error *error)
{
    lm_pool *own = writer->pool;
    lm_error failure;
    lm_status status = writer->failure.code;
    if (status != LM_OK) {
        if (error) *error = writer->failure;
        return status;
    }
    if (pool) writer->pool = pool;
    for (size_t i = 0; i < count && status == LM_OK; i++)
        status = write_batch(writer, batches[i], &failure);
    if (status == LM_OK) status = lm__writer_flush(writer, &failure);
    for (; status != LM_OK && writer->oldest; writer->in_flight--) { /* jobs of that pool */
        lm_row_group_work *work = writer->oldest;
        writer->oldest = work->next;
        if (!work->next) writer->newest = NULL;
        lm__row_group_free(work);
    }
    writer->pool = own;
    return writer_keep(writer, status, &failure, error);
}

lm_status lm__writer_end(lm_parquet_writer *writer, lm_parquet_result *result, lm_error *error)
{
    uint64_t footer_bytes = 0;
    LM_TRY(write_magic(writer, error));
    LM_TRY(lm__writer_flush(writer, error));
    LM_TRY(lm__writer_footer(writer, &footer_bytes, error));
    if (result)
        *result = (lm_parquet_result){.rows = writer->rows,
                                      .row_groups = (int64_t)writer->group_count,
                                      .bytes = writer->offset,
                                      .footer_bytes = footer_bytes};
    return LM_OK;
}

lm_status lm_parquet_writer_finish(lm_parquet_writer *writer, lm_parquet_result *result,
                                   lm_error *error)
{
    lm_status status = writer->failure.code;
    if (status != LM_OK) {
        if (error) *error = writer->failure;
    } else {
        status = lm__writer_end(writer, result, error);
    }
    lm_parquet_writer_abort(writer);
    return status;
}

lm_status lm__writer_take_all(lm_parquet_writer *writer, lm_stream *stream, lm_error *error)
{
    for (;;) {
        lm_batch *batch;
        LM_TRY(lm__stream_next(stream, &batch, error));
        if (!batch) return LM_OK;
        lm_status status = write_batch(writer, batch, error);
        lm__batch_unref(batch);
        if (status != LM_OK) return status;
    }
}

lm_status lm_parquet_write_stream(lm_sink *sink, struct ArrowArrayStream *take_stream,
                                  const lm_parquet_options *options, lm_parquet_result *result,
                                  lm_error *error)
{
    lm_parquet_options standard = lm_parquet_options_default();
    if (!options) options = &standard;
    lm_stream *stream;
    LM_TRY(lm__stream_import_take(options->allocator, take_stream,
                                  options->utf8_check ? LM_VALIDATE_TEXT : LM_VALIDATE_FULL,
                                  &stream, error));
    lm_parquet_writer *writer = NULL;
    lm_status status = lm__writer_new(sink, options, stream->schema, &writer, error);
    if (status == LM_OK) {
        status = lm__writer_take_all(writer, stream, error);
        if (status == LM_OK)
            status = lm_parquet_writer_finish(writer, result, error);
        else
            lm_parquet_writer_abort(writer);
    }
    lm__stream_close(stream);
    return status;
}
