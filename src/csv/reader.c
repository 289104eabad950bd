/*
 * Reading CSV: text forward, blocks of whole rows, batches in order.
 *
 *     input → blocks → jobs of the pool → batches
 *
 * Invariants
 *  1. A block begins where a row does, and ends where one does: so blocks are read side by side.
 *  2. At most 2 blocks a thread are under way, each as large as LM_CSV_READ_BYTES, or its one row.
 *  3. Batches come in the order of the text; so does the failure that is told: that of the first
 *     line that fails.
 *
 * A failure names the file and, where it has one, the line.
 */
#include <string.h>

#include "base/alloc.h"
#include "base/cancel.h"
#include "base/error.h"
#include "base/limits.h"
#include "csv/block.h"
#include "csv/open.h"

typedef struct reader {
    lm_stream stream; /* first */
    const lm_allocator *allocator;
    lm_csv_read_options options;
    lm_csv_plan plan;
    lm_arena arena; /* of the plan */
    lm_csv_input input;
    lm_buffer pending; /* text that was read and is in no block yet; from `pending_at` on */
    size_t pending_at;
    bool text_ended;
    lm_pool *pool;
    lm_csv_block *blocks;
    size_t n_blocks, oldest, under_way;
    lm_status fill_status; /* of the text after the last block */
    lm_error fill_error;
    uint64_t line; /* of the oldest block, from 1 */
    bool infer;    /* blocks narrow types */
} reader;

static lm_status no_memory(lm_error *error) { return lm__error_memory(error, "reading CSV"); }

/* More text behind what the buffer has. */
static lm_status read_more(reader *r, lm_buffer *to, size_t size, lm_error *error)
{
    size_t got;
    if (lm__buffer_reserve(to, size + LM_CSV_TEXT_SLACK) != LM_OK) return no_memory(error);
    LM_TRY(lm__csv_input_read(&r->input, to->data + to->size, size, &got, error));
    to->size += got;
    if (got < size) r->text_ended = true;
    return LM_OK;
}

static lm_status too_long(const reader *r, lm_error *error)
{
    return lm__error_set(
        error, LM_LIMIT,
        "%s: a row has more than %zu bytes: is a quote never closed? The limit can "
        "be raised",
        r->input.name, r->options.row_bytes_max);
}

/* Whole rows of text for a block. None: the end. */
static lm_status fill(reader *r, lm_csv_block *b, lm_error *error)
{
    size_t rest = r->pending.size - r->pending_at, wanted = LM_CSV_READ_BYTES, end;
    lm__buffer_clear(&b->text);
    if (rest > 0 && lm__buffer_append(&b->text, r->pending.data + r->pending_at, rest) != LM_OK)
        return no_memory(error);
    lm__buffer_clear(&r->pending);
    r->pending_at = 0;
    for (;;) {
        if (!r->text_ended && b->text.size < wanted)
            LM_TRY(read_more(r, &b->text, wanted - b->text.size, error));
        end = lm__csv_rows_end(&r->plan.dialect, b->text.data, b->text.size, r->text_ended);
        /* What is not whole at the very end is the block's to tell. */
        if (r->text_ended) end = b->text.size;
        if (end > 0 || b->text.size == 0) break;
        if (b->text.size >= r->options.row_bytes_max) return too_long(r, error);
        wanted = 2 * b->text.size;
        if (wanted > r->options.row_bytes_max) wanted = r->options.row_bytes_max;
    }
    rest = b->text.size - end;
    if (rest > 0 && lm__buffer_append(&r->pending, b->text.data + end, rest) != LM_OK)
        return no_memory(error);
    b->text.size = end;
    if (lm__buffer_reserve(&b->text, LM_CSV_TEXT_SLACK) != LM_OK) return no_memory(error);
    memset(b->text.data + end, 0, LM_CSV_TEXT_SLACK);
    return LM_OK;
}

/* Blocks are started as long as there is text and room for them. */
static void start_blocks(reader *r)
{
    while (r->fill_status == LM_OK && r->under_way < r->n_blocks) {
        lm_csv_block *b = &r->blocks[(r->oldest + r->under_way) % r->n_blocks];
        r->fill_status = fill(r, b, &r->fill_error);
        if (r->fill_status != LM_OK || b->text.size == 0) return;
        b->infer = r->infer;
        lm__group_init(&b->group, r->pool);
        lm__group_submit(&b->group, &b->job);
        r->under_way++;
    }
}

/* The block's failure with the file's name and the line. */
static lm_status failed(const reader *r, const lm_csv_block *b, lm_error *error)
{
    if (error) *error = b->error;
    if (b->error_line == SIZE_MAX) return lm__error_within(error, b->status, "%s", r->input.name);
    return lm__error_within(error, b->status, "%s: line %llu", r->input.name,
                            (unsigned long long)(r->line + b->error_line));
}

/* The oldest block, when it is done; NULL at the end. */
static lm_status next_block(reader *r, lm_csv_block **block, lm_error *error)
{
    *block = NULL;
    if (lm__cancel_requested(r->options.cancel))
        return lm__error_set(error, LM_CANCELLED, "interrupted while reading %s", r->input.name);
    start_blocks(r);
    if (r->under_way == 0) {
        if (error && r->fill_status != LM_OK) *error = r->fill_error;
        return r->fill_status;
    }
    lm_csv_block *b = &r->blocks[r->oldest];
    lm__group_wait_helping(&b->group);
    r->oldest = (r->oldest + 1) % r->n_blocks;
    r->under_way--;
    if (b->status != LM_OK) return failed(r, b, error);
    lm_csv_report *report = r->options.report;
    if (report && !r->infer && b->rows_skipped > 0 &&
        __atomic_fetch_add(&report->rows_skipped, b->rows_skipped, __ATOMIC_RELAXED) == 0)
        report->first_skipped_line = r->line + b->first_skipped;
    r->line += b->lines;
    *block = b;
    return LM_OK;
}

static lm_status reader_next(lm_stream *stream, lm_batch **batch, lm_error *error)
{
    reader *r = (reader *)stream;
    lm_csv_block *b;
    *batch = NULL;
    do {
        LM_TRY(next_block(r, &b, error));
        if (!b) return LM_OK;
        *batch = b->batch;
        b->batch = NULL;
    } while (!*batch); /* all rows were skipped */
    return LM_OK;
}

static void drop_blocks(reader *r)
{
    for (size_t i = 0; r->blocks && i < r->n_blocks; i++) {
        if (r->blocks[i].group.pool) lm__group_wait(&r->blocks[i].group);
        lm__csv_block_deinit(&r->blocks[i]);
    }
    lm__free(r->allocator, r->blocks);
    r->blocks = NULL;
    r->oldest = r->under_way = 0;
}

static void reader_free(reader *r)
{
    drop_blocks(r);
    lm__pool_free(r->pool);
    lm__csv_input_deinit(&r->input);
    lm__buffer_deinit(&r->pending);
    lm_schema_free(r->plan.schema);
    lm__arena_deinit(&r->arena);
    lm__free(r->allocator, r);
}

static void reader_close(lm_stream *stream) { reader_free((reader *)stream); }

/* Opening. */

static lm_status make_blocks(reader *r, lm_error *error)
{
    r->n_blocks = 2 * (size_t)lm__pool_threads(r->pool);
    if (lm__pool_threads(r->pool) == 1) r->n_blocks = 1;
    r->blocks = lm__alloc_zero(r->allocator, r->n_blocks * sizeof *r->blocks);
    if (!r->blocks) return no_memory(error);
    for (size_t i = 0; i < r->n_blocks; i++)
        LM_TRY(lm__csv_block_init(&r->blocks[i], r->allocator, &r->plan, error));
    return LM_OK;
}

/* The sample, without the byte order mark. */
static lm_status read_sample(reader *r, lm_error *error)
{
    size_t size = r->options.sample_bytes;
    lm__buffer_clear(&r->pending);
    r->pending_at = 0;
    r->text_ended = false;
    LM_TRY(read_more(r, &r->pending, size, error));
    bool bom = r->pending.size >= 3 && memcmp(r->pending.data, "\xef\xbb\xbf", 3) == 0;
    r->pending_at = bom ? 3 : 0;
    return LM_OK;
}

/* Types by the sample: a block of it, read for its types alone. A row that is not whole is not
 * looked at, nor what is wrong with the sample: that is told when it is read. */
static lm_status types_of_sample(reader *r, lm_csv_types *types, bool *any, lm_error *error)
{
    lm_csv_block block = {0};
    const uint8_t *text;
    size_t size, end;
    for (;;) {
        text = r->pending.data + r->pending_at;
        size = r->pending.size - r->pending_at;
        end = lm__csv_rows_end(&r->plan.dialect, text, size, r->text_ended);
        if (end > 0 || r->text_ended || size >= r->options.row_bytes_max) break;
        size_t left = r->options.row_bytes_max - size;
        size_t more = size < r->options.sample_bytes ? r->options.sample_bytes : size;
        LM_TRY(read_more(r, &r->pending, more < left ? more : left, error));
    }
    lm_status status = lm__csv_block_init(&block, r->allocator, &r->plan, error);
    if (status == LM_OK && end > 0 &&
        (lm__buffer_append(&block.text, text, end) != LM_OK ||
         lm__buffer_reserve(&block.text, LM_CSV_TEXT_SLACK) != LM_OK))
        status = no_memory(error);
    if (status == LM_OK) {
        for (size_t i = 0; i < r->plan.n_columns; i++) block.types[i] = LM_CSV_TYPES_ALL;
        block.infer = true;
        if (end > 0) lm__csv_block_run(&block.job);
        memcpy(types, block.types, r->plan.n_columns * sizeof *types);
        memcpy(any, block.any, r->plan.n_columns * sizeof *any);
        if (block.status == LM_NO_MEMORY) status = no_memory(error);
    }
    lm__csv_block_deinit(&block);
    return status;
}

/* Types by all rows; then the text is at its beginning again. */
static lm_status types_of_all(reader *r, lm_csv_types *types, bool *any, lm_error *error)
{
    if (!r->input.source)
        return lm__error_set(error, LM_UNSUPPORTED,
                             "%s: types by all rows need a file: this can be read only once",
                             r->input.name);
    uint64_t line = r->line;
    LM_TRY(make_blocks(r, error));
    for (size_t k = 0; k < r->n_blocks; k++)
        for (size_t i = 0; i < r->plan.n_columns; i++) r->blocks[k].types[i] = LM_CSV_TYPES_ALL;
    r->infer = true;
    for (lm_csv_block *b;;) {
        LM_TRY(next_block(r, &b, error));
        if (!b) break;
    }
    for (size_t i = 0; i < r->plan.n_columns; i++) types[i] = LM_CSV_TYPES_ALL;
    for (size_t k = 0; k < r->n_blocks; k++)
        for (size_t i = 0; i < r->plan.n_columns; i++) {
            types[i] &= r->blocks[k].types[i];
            any[i] |= r->blocks[k].any[i];
        }
    r->infer = false;
    r->line = line;
    drop_blocks(r);
    lm__csv_input_rewind(&r->input);
    return LM_OK;
}

static lm_status settle_types(reader *r, lm_error *error)
{
    lm_csv_types *types = lm__arena_array(&r->arena, r->plan.n_columns, sizeof *types);
    bool *any = lm__arena_array(&r->arena, r->plan.n_columns, sizeof *any);
    if (!types || !any) return no_memory(error);
    memset(any, 0, r->plan.n_columns * sizeof *any);
    if (!r->options.whole_sample) {
        LM_TRY(types_of_sample(r, types, any, error));
    } else {
        size_t at = r->pending_at;
        LM_TRY(types_of_all(r, types, any, error));
        LM_TRY(read_sample(r, error));
        r->pending_at = at;
    }
    return lm__csv_plan_types(r->allocator, &r->plan, types, any, error);
}

static lm_status reader_open(reader *r, lm_error *error)
{
    size_t used, lines;
    bool narrow;
    LM_TRY(read_sample(r, error));
    LM_TRY(lm__pool_new(r->allocator, r->options.threads, &r->pool, error));
    LM_TRY(lm__csv_plan_make(&r->arena, r->allocator, &r->options, r->input.name,
                             r->pending.data + r->pending_at, r->pending.size - r->pending_at,
                             r->text_ended, &r->plan, &used, &lines, &narrow, error));
    r->pending_at += used;
    r->line = 1 + lines;
    if (narrow) LM_TRY(settle_types(r, error));
    LM_TRY(lm__csv_plan_choose(r->allocator, &r->options, r->input.name, &r->plan, error));
    return make_blocks(r, error);
}

/* Takes the input. */
static lm_status open_take(const lm_allocator *allocator, lm_source *source, const lm_feed *feed,
                           const lm_csv_read_options *options, lm_stream **stream, lm_error *error)
{
    static const lm_stream_ops ops = {reader_next, reader_close};
    lm_csv_input input;
    lm__csv_input_init(&input, lm__allocator_or_default(allocator), source, feed);
    reader *r = lm__alloc_zero(input.allocator, sizeof *r);
    if (!r) {
        lm__csv_input_deinit(&input);
        return no_memory(error);
    }
    r->allocator = input.allocator;
    r->input = input;
    if (options) r->options = *options;
    if (!r->options.row_bytes_max) r->options.row_bytes_max = LM_CSV_ROW_BYTES_MAX;
    if (r->options.row_bytes_max > LM_CSV_ROW_BYTES_LIMIT)
        r->options.row_bytes_max = LM_CSV_ROW_BYTES_LIMIT;
    if (!r->options.sample_bytes) r->options.sample_bytes = LM_CSV_SAMPLE_BYTES;
    if (r->options.sample_bytes > r->options.row_bytes_max)
        r->options.sample_bytes = r->options.row_bytes_max;
    lm__buffer_init(&r->pending, r->allocator, 0);
    lm__arena_init(&r->arena, r->allocator, 0);
    lm_status status = reader_open(r, error);
    if (status != LM_OK) {
        reader_free(r);
        return status;
    }
    lm__stream_init(&r->stream, &ops, r->plan.schema);
    *stream = &r->stream;
    return LM_OK;
}

static lm_status read_take(const lm_allocator *allocator, lm_source *source, const lm_feed *feed,
                           const lm_csv_read_options *options, struct ArrowArrayStream *out,
                           lm_error *error)
{
    lm_stream *stream = NULL;
    allocator = lm__allocator_or_default(allocator);
    LM_TRY(open_take(allocator, source, feed, options, &stream, error));
    return lm__stream_export_take(allocator, stream, out, error);
}

lm_status lm_csv_read_take(const lm_allocator *allocator, lm_source *take_source,
                           const lm_csv_read_options *options, struct ArrowArrayStream *out,
                           lm_error *error)
{
    return read_take(allocator, take_source, NULL, options, out, error);
}

lm_status lm_csv_pull_take(const lm_allocator *allocator, const lm_feed *take_feed,
                           const lm_csv_read_options *options, struct ArrowArrayStream *out,
                           lm_error *error)
{
    return read_take(allocator, NULL, take_feed, options, out, error);
}
