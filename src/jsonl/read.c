/*
 * Reading JSON lines: blocks of lines become batches, some blocks ahead of whoever reads.
 *
 * Invariants
 *  1. Batches come in the order of the lines, whatever the order of the jobs.
 *  2. Without a schema the first block tells it, and is then read like all others.
 */
#include <lamella/jsonl.h>

#include "arrow/cast.h"
#include "base/alloc.h"
#include "base/cancel.h"
#include "base/error.h"
#include "base/limits.h"
#include "base/pool.h"
#include "base/utf8.h"
#include "jsonl/blocks.h"
#include "jsonl/infer.h"
#include "jsonl/parse.h"

typedef struct jsonl_reader jsonl_reader;

typedef struct block_job {
    lm_job job; /* first: the job is found by it */
    lm_group group;
    struct block_job *next;
    const jsonl_reader *reader;
    lm_jsonl_block block;
    lm_batch *batch;
    lm_status status;
    lm_error error;
} block_job;

struct jsonl_reader {
    lm_stream stream; /* first */
    const lm_allocator *allocator;
    lm_jsonl_blocks blocks;
    lm_jsonl_block first; /* read already, for the schema */
    lm_jsonl_plan *plan;
    lm_pool *pool;
    int threads;
    block_job *head, *tail;
    int ahead;
    const lm_cancel *cancel;
    char name[256];
};

static lm_status no_memory(lm_error *error)
{
    return lm__error_memory(error, "reading JSON lines");
}

static void run_job(lm_job *base)
{
    block_job *job = (block_job *)base;
    job->status = lm__jsonl_parse(job->reader->plan, job->block.text, job->block.size,
                                  job->block.first_line, &job->batch, &job->error);
    lm__jsonl_block_free(&job->reader->blocks, &job->block);
}

static void drop_head(jsonl_reader *r)
{
    block_job *job = r->head;
    r->head = job->next;
    if (!r->head) r->tail = NULL;
    r->ahead--;
    lm__batch_unref(job->batch);
    lm__jsonl_block_free(&r->blocks, &job->block);
    lm__free(r->allocator, job);
}

/* The next block, in line and at work; *more is false at the end. */
static lm_status add_job(jsonl_reader *r, bool *more, lm_error *error)
{
    lm_jsonl_block block = r->first;
    r->first = (lm_jsonl_block){0};
    if (!block.size) {
        lm__jsonl_block_free(&r->blocks, &block);
        LM_TRY(lm__jsonl_block_next(&r->blocks, &block, error));
    }
    *more = block.size > 0;
    block_job *job = *more ? lm__alloc_zero(r->allocator, sizeof *job) : NULL;
    if (!job) {
        lm__jsonl_block_free(&r->blocks, &block);
        return *more ? no_memory(error) : LM_OK;
    }
    job->job.run = run_job;
    job->reader = r;
    job->block = block;
    lm__group_init(&job->group, r->pool);
    if (r->tail)
        r->tail->next = job;
    else
        r->head = job;
    r->tail = job;
    r->ahead++;
    lm__group_submit(&job->group, &job->job);
    return LM_OK;
}

/* A failure to read ahead waits until the blocks before it have been given. */
static lm_status look_ahead(jsonl_reader *r, lm_error *error)
{
    bool more = true;
    while (more && r->ahead < (r->threads > 1 ? r->threads + 1 : 1)) {
        lm_status status = add_job(r, &more, r->head ? NULL : error);
        if (status != LM_OK) return r->head ? LM_OK : status;
    }
    return LM_OK;
}

static lm_status next_batch(jsonl_reader *r, lm_batch **batch, lm_error *error)
{
    for (;;) {
        if (lm__cancel_requested(r->cancel))
            return lm__error_set(error, LM_CANCELLED, "interrupted");
        LM_TRY(look_ahead(r, error));
        block_job *job = r->head;
        if (!job) return LM_OK;
        lm__group_wait_helping(&job->group);
        lm_status status = job->status;
        if (status != LM_OK && error) *error = job->error;
        if (status == LM_OK && lm__batch_rows(job->batch) > 0) {
            *batch = job->batch;
            job->batch = NULL;
        }
        drop_head(r);
        if (status != LM_OK || *batch) return status;
    }
}

static lm_status reader_next(lm_stream *stream, lm_batch **batch, lm_error *error)
{
    jsonl_reader *r = (jsonl_reader *)stream;
    lm_status status = next_batch(r, batch, error);
    if (status == LM_OK || status == LM_CANCELLED) return status;
    return lm__error_within(error, status, "%s", r->name);
}

static void reader_close(lm_stream *stream)
{
    jsonl_reader *r = (jsonl_reader *)stream;
    const lm_allocator *allocator = r->allocator;
    while (r->head) {
        lm__group_wait(&r->head->group);
        drop_head(r);
    }
    lm__pool_free(r->pool);
    lm__jsonl_plan_free(r->plan);
    lm__jsonl_block_free(&r->blocks, &r->first);
    lm__jsonl_blocks_deinit(&r->blocks);
    lm__free(allocator, r);
}

static lm_status guess_schema(jsonl_reader *r, const lm_schema *types, lm_schema **schema,
                              lm_error *error)
{
    LM_TRY(lm__jsonl_block_next(&r->blocks, &r->first, error));
    if (!lm__utf8_valid(r->first.text, r->first.size))
        return lm__error_set(error, LM_DATA, "it begins with bytes that are no UTF-8");
    return lm__jsonl_infer(r->allocator, types, r->first.text, r->first.size, schema, error);
}

/* *schema with the types that were given, in its place. */
static lm_status give_types(jsonl_reader *r, const lm_schema *types, lm_schema **schema,
                            lm_error *error)
{
    lm_schema *made, *guessed = *schema;
    int32_t count = guessed->root.n_children;
    LM_TRY(lm__schema_new(r->allocator, &made, error));
    lm_status status = LM_OK;
    if (!lm__field_children(&made->arena, &made->root, count)) status = no_memory(error);
    for (int32_t i = 0; i < count && status == LM_OK; i++) {
        const lm_field *field = &guessed->root.children[i];
        int32_t at = lm__field_find(&types->root, field->name, field->name_size);
        if (at >= 0) field = &types->root.children[at];
        status = lm__field_copy(&made->arena, field, &made->root.children[i], error);
        made->root.children[i].nullable = true;
    }
    if (status == LM_OK) status = lm__schema_seal(made, error);
    lm_schema_free(status == LM_OK ? guessed : made);
    if (status == LM_OK) *schema = made;
    return status;
}

/* The stream has the plan's schema, with values where the schema has dictionaries. */
static lm_status open_reader(jsonl_reader *r, const lm_jsonl_read_options *options,
                             lm_schema **schema, lm_error *error)
{
    bool guessed = !options->schema || options->schema_guessed;
    if (options->line_bytes_max > LM_JSONL_LINE_BYTES_MOST)
        return lm__error_set(error, LM_INVALID, "lines of more than %zu bytes are not read",
                             LM_JSONL_LINE_BYTES_MOST);
    if (options->schema)
        *schema = lm_schema_ref(options->schema);
    else
        LM_TRY(guess_schema(r, options->types, schema, error));
    if (!options->schema && options->types) LM_TRY(give_types(r, options->types, schema, error));
    LM_TRY(lm__pool_new(r->allocator, options->threads, &r->pool, error));
    r->threads = lm__pool_threads(r->pool);
    return lm__jsonl_plan_new(r->allocator, *schema, guessed, options->types, &r->plan, error);
}

static lm_status read_take(const lm_allocator *allocator, lm_source *source, const lm_feed *feed,
                           const lm_jsonl_read_options *options, lm_stream **stream,
                           lm_error *error)
{
    static const lm_stream_ops ops = {reader_next, reader_close};
    jsonl_reader *r = lm__alloc_zero(allocator, sizeof *r);
    lm_schema *schema = NULL;
    if (!r) {
        lm_source_close(source);
        if (feed && feed->close) feed->close(feed->context);
        return no_memory(error);
    }
    r->allocator = allocator;
    r->cancel = options->cancel;
    const char *name = source ? source->name : feed->name;
    lm__printable(r->name, sizeof r->name, name ? name : "(a pipe)");
    lm__jsonl_blocks_init(&r->blocks, allocator, source, feed, options->line_bytes_max);
    lm_status status = open_reader(r, options, &schema, error);
    if (status != LM_OK) {
        status = lm__error_within(error, status, "%s", r->name);
        reader_close(&r->stream);
        lm_schema_free(schema);
        return status;
    }
    lm__stream_init(&r->stream, &ops, lm__jsonl_plan_schema(r->plan));
    *stream = &r->stream;
    if (!lm__field_equal(&schema->root, &r->stream.schema->root)) {
        lm_cast_options encode = {.mode = LM_CAST_SAFE};
        status = lm__cast_stream_take(allocator, &r->stream, schema, &encode, stream, error);
    }
    lm_schema_free(schema);
    return status;
}

static lm_status export_take(const lm_allocator *allocator, lm_source *source, const lm_feed *feed,
                             const lm_jsonl_read_options *options, struct ArrowArrayStream *out,
                             lm_error *error)
{
    static const lm_jsonl_read_options defaults;
    lm_stream *stream;
    allocator = lm__allocator_or_default(allocator);
    out->release = NULL;
    LM_TRY(read_take(allocator, source, feed, options ? options : &defaults, &stream, error));
    return lm__stream_export_take(allocator, stream, out, error);
}

lm_status lm_jsonl_read_take(const lm_allocator *allocator, lm_source *take_source,
                             const lm_jsonl_read_options *options, struct ArrowArrayStream *out,
                             lm_error *error)
{
    return export_take(allocator, take_source, NULL, options, out, error);
}

lm_status lm_jsonl_feed_take(const lm_allocator *allocator, const lm_feed *take_feed,
                             const lm_jsonl_read_options *options, struct ArrowArrayStream *out,
                             lm_error *error)
{
    return export_take(allocator, NULL, take_feed, options, out, error);
}
