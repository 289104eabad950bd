/*
 * Writing CSV: rows of batches become blocks of text, side by side, and go to the sink in order.
 *
 *     batch → blocks of rows → jobs of the pool: text (→ compressed) → the sink, the oldest first
 *
 * Invariants
 *  1. The text does not depend on the number of threads. Where it is cut into compressed blocks
 *     does: by how large those were that came to their end before.
 *  2. Of the rows only those of the blocks under way are held: LM_CSV_BLOCKS_BYTES_MAX of text.
 *  3. The sink is never finished nor aborted here.
 *
 * A failure is that of the first row, in the order of the rows, that failed.
 */
#include <string.h>

#include "arrow/batch.h"
#include "base/alloc.h"
#include "base/cancel.h"
#include "base/error.h"
#include "base/limits.h"
#include "base/pool.h"
#include "codec/codec.h"
#include "csv/cells.h"

typedef struct block {
    lm_job job;
    lm_group group;
    struct writer *writer;
    lm_batch *batch; /* a reference; NULL for a block without rows */
    int64_t first, rows;
    uint64_t first_row; /* of the stream */
    bool head;          /* the header comes before the rows */
    lm_csv_cell *cells;
    lm_csv_out out;
    lm_buffer packed;
    lm_codec_context *codec;
    lm_status status;
    lm_error error;
} block;

typedef struct writer {
    const lm_allocator *allocator;
    lm_csv_style style;
    lm_schema *schema;
    lm_arena arena;
    lm_pool *pool;
    lm_sink *sink;
    lm_codec compression; /* UNCOMPRESSED, GZIP or ZSTD */
    int level;
    size_t row_room, block_bytes;
    block *blocks;
    size_t n_blocks, oldest, under_way;
    bool head_done;
    int64_t block_rows; /* of the next block */
    uint64_t rows, text_bytes;
} writer;

/* A block, on any thread. */

static char *put_header(lm_csv_out *out, const writer *w, char *to)
{
    const lm_csv_style *style = &w->style;
    if (style->options.bom) {
        memcpy(to, "\xef\xbb\xbf", 3);
        to += 3;
    }
    if (style->options.no_header) return to;
    bool quoted = style->options.quoting == LM_CSV_QUOTE_ALL ||
                  style->options.quoting == LM_CSV_QUOTE_NON_NUMERIC;
    for (int32_t i = 0; i < w->schema->root.n_children; i++) {
        const lm_field *field = &w->schema->root.children[i];
        if (i > 0) *to++ = style->separator;
        to = lm__csv_text_put(out, field->name, (const uint8_t *)field->name, field->name_size,
                              quoted, to);
        if (!to) return NULL;
    }
    memcpy(to, style->line_end, 2);
    return to + style->line_end_size;
}

static char *put_row(lm_csv_out *out, block *b, int64_t row, char *to)
{
    const lm_csv_style *style = &b->writer->style;
    int32_t count = b->writer->schema->root.n_children;
    to = lm__csv_room(out, to, 0);
    if (!to) return NULL;
    out->row = (int64_t)b->first_row + row;
    for (int32_t i = 0; i < count; i++) {
        if (i > 0) *to++ = style->separator;
        to = lm__csv_cell_put(out, &b->cells[i], row, to);
        if (__builtin_expect(!to, 0)) return NULL;
    }
    memcpy(to, style->line_end, 2);
    return to + style->line_end_size;
}

static lm_status format(block *b)
{
    writer *w = b->writer;
    lm_csv_out *out = &b->out;
    lm__buffer_clear(&out->text);
    out->end = (char *)out->text.data + out->text.capacity;
    out->status = LM_OK;
    out->error = &b->error;
    char *to = lm__csv_room(out, (char *)out->text.data, 8);
    if (to && b->head) to = put_header(out, w, to);
    if (b->batch)
        for (int32_t i = 0; i < w->schema->root.n_children; i++) {
            lm_array column = lm__batch_column(b->batch, i);
            column = lm__array_slice(&column, b->first, b->rows);
            lm__csv_cell_bind(&b->cells[i], &column);
        }
    for (int64_t row = 0; row < b->rows && to; row++) {
        if ((row & 1023) == 0 && lm__cancel_requested(w->style.options.cancel))
            return lm__error_set(&b->error, LM_CANCELLED, "interrupted while writing CSV");
        to = put_row(out, b, row, to);
    }
    if (!to) return out->status;
    out->text.size = (size_t)(to - (char *)out->text.data);
    return LM_OK;
}

static lm_status pack(block *b)
{
    writer *w = b->writer;
    size_t size = b->out.text.size, bound = lm__codec_bound(w->compression, size);
    lm__buffer_clear(&b->packed);
    lm_status status = bound == SIZE_MAX ? LM_LIMIT : lm__buffer_reserve(&b->packed, bound);
    if (status == LM_NO_MEMORY) return lm__error_memory(&b->error, "compressing CSV");
    if (status != LM_OK) return lm__error_set(&b->error, status, "a row is too large to compress");
    if (!b->codec) LM_TRY(lm__codec_context_new(w->allocator, &b->codec, &b->error));
    return lm__codec_compress(b->codec, w->compression, w->level, b->out.text.data, size,
                              b->packed.data, b->packed.capacity, &b->packed.size, &b->error);
}

static void block_run(lm_job *job)
{
    block *b = (block *)job;
    b->status = format(b);
    if (b->status == LM_OK && b->writer->compression != LM_CODEC_UNCOMPRESSED) b->status = pack(b);
}

/* The ring of blocks, on the caller's thread. */

/* How many rows the next block has. */
static void learn(writer *w, const block *b)
{
    if (b->rows == 0) return;
    size_t bytes = b->out.text.size / (size_t)b->rows + 1;
    int64_t rows = (int64_t)(w->block_bytes / bytes);
    w->block_rows = rows < 1 ? 1 : rows > LM_CSV_BLOCK_ROWS_MAX ? LM_CSV_BLOCK_ROWS_MAX : rows;
}

/* The oldest block goes to the sink. */
static lm_status take_oldest(writer *w, lm_error *error)
{
    block *b = &w->blocks[w->oldest];
    lm__group_wait_helping(&b->group);
    w->oldest = (w->oldest + 1) % w->n_blocks;
    w->under_way--;
    lm__batch_unref(b->batch);
    b->batch = NULL;
    if (b->status != LM_OK) {
        if (error) *error = b->error;
        return b->status;
    }
    learn(w, b);
    w->text_bytes += b->out.text.size;
    const lm_buffer *bytes = w->compression == LM_CODEC_UNCOMPRESSED ? &b->out.text : &b->packed;
    LM_TRY(lm_sink_write(w->sink, bytes->data, bytes->size, error));
    if (b->out.text.capacity > 4 * w->block_bytes) { /* one large row must not stay */
        lm__buffer_deinit(&b->out.text);
        lm__buffer_init(&b->out.text, w->allocator, 0);
    }
    return LM_OK;
}

static lm_status add_block(writer *w, lm_batch *batch, int64_t first, int64_t rows, lm_error *error)
{
    if (w->under_way == w->n_blocks) LM_TRY(take_oldest(w, error));
    block *b = &w->blocks[(w->oldest + w->under_way) % w->n_blocks];
    b->batch = batch ? lm__batch_ref(batch) : NULL;
    b->first = first;
    b->rows = rows;
    b->first_row = w->rows;
    b->head = !w->head_done;
    b->job.run = block_run;
    w->head_done = true;
    w->rows += (uint64_t)rows;
    w->under_way++;
    lm__group_init(&b->group, w->pool);
    lm__group_submit(&b->group, &b->job);
    return LM_OK;
}

/* Of a column of strings, or of indices of strings; of others 0. */
static size_t string_bytes(const lm_array *column)
{
    const lm_array *values = column->dictionary ? column->dictionary : column;
    const lm_layout layout = values->field->type.layout;
    const bool offsets = layout == LM_LAYOUT_BINARY || layout == LM_LAYOUT_LARGE_BINARY;
    size_t sum = 0, size;
    if (!offsets && layout != LM_LAYOUT_VIEW) return 0;
    if (offsets && !column->dictionary) {
        int64_t first, last;
        lm__array_span(column, &first, &last);
        return (size_t)(last - first);
    }
    for (int64_t row = 0; row < column->length; row++) {
        if (!lm__array_valid(column, row)) continue;
        (void)lm__array_bytes(values, column->dictionary ? lm__array_index(column, row) : row,
                              &size);
        sum += size;
    }
    return sum;
}

/* Of the next rows as many as have no more strings than a few blocks: those before may have been
 * shorter, and before the first block nothing is known. */
static int64_t rows_that_fit(const writer *w, const lm_batch *batch, int64_t first, int64_t rows)
{
    while (rows > 1) {
        size_t bytes = 0;
        for (int32_t i = 0; i < w->schema->root.n_children; i++) {
            lm_array column = lm__batch_column(batch, i);
            column = lm__array_slice(&column, first, rows);
            bytes += string_bytes(&column);
        }
        if (bytes <= 4 * w->block_bytes) break;
        double share = 2 * (double)w->block_bytes / (double)bytes; /* at most a half */
        rows = (int64_t)((double)rows * share);
    }
    return rows < 1 ? 1 : rows;
}

static lm_status write_batch(writer *w, lm_batch *batch, lm_error *error)
{
    int64_t left = lm__batch_rows(batch), first = 0;
    while (left > 0) {
        int64_t rows = left < w->block_rows ? left : w->block_rows;
        rows = rows_that_fit(w, batch, first, rows);
        LM_TRY(add_block(w, batch, first, rows, error));
        first += rows;
        left -= rows;
    }
    return LM_OK;
}

static lm_status write_rows(writer *w, lm_stream *stream, lm_error *error)
{
    for (;;) {
        lm_batch *batch;
        LM_TRY(lm__stream_next(stream, &batch, error));
        if (!batch) break;
        lm_status status = write_batch(w, batch, error);
        lm__batch_unref(batch);
        if (status != LM_OK) return status;
    }
    if (!w->head_done) LM_TRY(add_block(w, NULL, 0, 0, error));
    while (w->under_way > 0) LM_TRY(take_oldest(w, error));
    return LM_OK;
}

/* Opening and closing. */

static lm_status make_cells(writer *w, lm_csv_cell **cells, lm_error *error)
{
    int32_t count = w->schema->root.n_children;
    size_t room = 2 * (size_t)count + 16 + LM_CSV_SLACK;
    *cells = lm__arena_array(&w->arena, (size_t)count, sizeof **cells);
    if (!*cells) return lm__error_memory(error, "writing CSV");
    for (int32_t i = 0; i < count; i++) {
        const lm_field *field = &w->schema->root.children[i];
        LM_TRY(lm__csv_cell_make(&w->arena, &w->style, field, &(*cells)[i], error));
        room += (*cells)[i].room + w->style.null_size;
    }
    w->row_room = room;
    return LM_OK;
}

static lm_status choose_compression(writer *w, lm_error *error)
{
    const lm_csv_write_options *options = &w->style.options;
    w->compression = options->compression == LM_CSV_COMPRESSION_GZIP   ? LM_CODEC_GZIP
                     : options->compression == LM_CSV_COMPRESSION_ZSTD ? LM_CODEC_ZSTD
                                                                       : LM_CODEC_UNCOMPRESSED;
    w->level = options->level_set ? options->level : LM_CODEC_LEVEL_DEFAULT;
    return lm__codec_check_write((int)w->compression, w->level, error);
}

static lm_status writer_init(writer *w, lm_error *error)
{
    LM_TRY(choose_compression(w, error));
    if (w->schema->root.n_children == 0)
        return lm__error_set(error, LM_SCHEMA, "a table without columns has no CSV");
    w->style.alone = w->schema->root.n_children == 1;
    LM_TRY(lm__pool_new(w->allocator, w->style.options.threads, &w->pool, error));
    int threads = lm__pool_threads(w->pool);
    w->n_blocks = threads == 1 ? 1 : 2 * (size_t)threads;
    w->block_bytes = LM_CSV_BLOCK_BYTES;
    if (w->block_bytes * w->n_blocks > LM_CSV_BLOCKS_BYTES_MAX)
        w->block_bytes = LM_CSV_BLOCKS_BYTES_MAX / w->n_blocks;
    if (w->block_bytes < LM_CSV_BLOCK_BYTES_MIN) w->block_bytes = LM_CSV_BLOCK_BYTES_MIN;
    w->block_rows = LM_CSV_BLOCK_ROWS_FIRST;
    w->blocks = lm__alloc_array(w->allocator, w->n_blocks, sizeof *w->blocks);
    if (!w->blocks) return lm__error_memory(error, "writing CSV");
    memset(w->blocks, 0, w->n_blocks * sizeof *w->blocks);
    for (size_t i = 0; i < w->n_blocks; i++) {
        block *b = &w->blocks[i];
        b->writer = w;
        lm__buffer_init(&b->out.text, w->allocator, 0);
        lm__buffer_init(&b->out.scratch, w->allocator, 0);
        lm__buffer_init(&b->packed, w->allocator, 0);
        b->out.style = &w->style;
        LM_TRY(make_cells(w, &b->cells, error));
        b->out.row_room = w->row_room;
    }
    return LM_OK;
}

static void writer_deinit(writer *w)
{
    for (size_t i = 0; w->blocks && i < w->n_blocks; i++) {
        block *b = &w->blocks[i];
        if (b->group.pool) lm__group_wait(&b->group);
        lm__batch_unref(b->batch);
        lm__buffer_deinit(&b->out.text);
        lm__buffer_deinit(&b->out.scratch);
        lm__buffer_deinit(&b->packed);
        lm__codec_context_free(b->codec);
    }
    lm__free(w->allocator, w->blocks);
    lm__pool_free(w->pool);
    lm__arena_deinit(&w->arena);
}

lm_status lm_csv_write_stream(lm_sink *sink, struct ArrowArrayStream *take_stream,
                              const lm_csv_write_options *options, lm_csv_write_result *result,
                              lm_error *error)
{
    writer w = {.sink = sink, .allocator = options ? options->allocator : NULL};
    w.allocator = lm__allocator_or_default(w.allocator);
    lm_stream *stream;
    if (result) *result = (lm_csv_write_result){0};
    LM_TRY(lm__stream_import_take(w.allocator, take_stream, LM_VALIDATE_TEXT, &stream, error));
    lm__arena_init(&w.arena, w.allocator, 0);
    w.schema = stream->schema;
    lm_status status = lm__csv_style_init(&w.arena, &w.style, options, error);
    if (status == LM_OK) status = writer_init(&w, error);
    if (status == LM_OK) status = write_rows(&w, stream, error);
    writer_deinit(&w);
    lm__stream_close(stream);
    if (status == LM_OK && result) *result = (lm_csv_write_result){w.rows, w.text_bytes};
    return status;
}
