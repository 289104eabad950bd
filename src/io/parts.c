/*
 * The rows of a dataset's parts, one part after another, some parts ahead of whoever reads.
 *
 * Of each part: its reader's stream → the rows that count → the columns of the whole (cast, nulls
 * where it has none) → partition columns → filter → the columns that are wanted.
 *
 * Small parts are read whole by one thread each, several at a time; large ones one after another,
 * by all threads, and the next one is opened, and its first rows read, while one is being read.
 *
 * Invariants
 *  1. Rows come in the order of the parts, whatever is read first.
 *  2. The rows of parts that have been read ahead, and what the readers hold ahead of them, are
 *     estimated at no more than memory_bytes_max: a part that is larger than its share is read on
 *     when its turn comes.
 *  3. One thread (threads = 1): nothing is read before it is asked for.
 */
#include <string.h>

#include "arrow/build.h"
#include "arrow/cast.h"
#include "arrow/filter.h"
#include "base/alloc.h"
#include "base/error.h"
#include "base/limits.h"
#include "base/pool.h"
#include "io/conjuncts.h"
#include "io/dataset.h"
#include "io/project.h"
#include "parquet/writer.h"
#include "table/deletion_vector.h"

#define SEED_ROWS 1024

/* What is read of each part: the same for all of them. */
typedef struct parts_plan {
    lm_dataset *dataset;
    const lm_allocator *allocator;
    lm_arena arena;
    lm_read_request request; /* of a part; its columns are set for each */
    const char **paths;      /* what is wanted, and then what the filter wants; dotted */
    size_t path_count;
    lm_expr *filter;  /* what pruning has left, or NULL */
    lm_expr *pushed;  /* the part of it that needs no partition column, or NULL */
    lm_schema *wide;  /* what is wanted and what the filter looks at */
    lm_schema *files; /* the same without partition columns */
    lm_schema *typed; /* formats without types: what a part is read as whose schema is not known */
    lm_schema *out;
} parts_plan;

typedef struct parts_stream parts_stream;

/* A part that is being read, or has been opened ahead. */
typedef struct part_slot {
    lm_job job; /* first: the job is found by it */
    lm_group group;
    struct part_slot *next;
    parts_stream *owner;
    const lm_part *part;
    lm_stream *stream;
    lm_batch **batches; /* read ahead, from `at` on */
    size_t count, capacity, at;
    int threads;
    size_t ahead_bytes_max;
    bool large, ended;
    lm_status status;
    lm_error error;
} part_slot;

struct parts_stream {
    lm_stream stream; /* first */
    parts_plan plan;
    lm_pool *pool;
    int threads;
    size_t memory_bytes_max;
    size_t next_part;
    part_slot *head, *tail;
    size_t slots, slots_max;
    atomic_bool stop;
};

static lm_status no_memory(lm_error *error) { return lm__error_memory(error, "reading a dataset"); }

/* Partition columns: a stream whose columns of that name get one value. */

typedef struct attached_stream {
    lm_stream stream; /* first */
    const parts_plan *plan;
    lm_stream *inner; /* in the schema `files` */
    lm_cast *widen;   /* to `wide`, with nulls for partition columns */
    lm_batch *seeds;  /* SEED_ROWS rows of them, in the schema `wide`; NULL where there are none */
    int64_t place;
} attached_stream;

/* The column of a batch in the making gets `rows` rows of the one value. */
static lm_status put_constant(lm_batch *batch, int32_t column, const lm_array *from, int64_t first,
                              int64_t step, int64_t rows, lm_error *error)
{
    lm_builder builder;
    lm_array *out = &lm__batch_columns(batch)[column];
    LM_TRY(
        lm__builder_init(&builder, batch->allocator, &batch->schema->root.children[column], error));
    lm_status status = LM_OK;
    for (int64_t left = rows; left > 0 && status == LM_OK;) {
        int64_t some = left < step ? left : step;
        status = lm__build_rows(&builder, from, first, some);
        left -= some;
    }
    if (status == LM_LIMIT)
        status = lm__error_set(error, status,
                               "a partition column of more than 2 GiB in one batch: "
                               "take smaller batches");
    else if (status != LM_OK)
        status = no_memory(error);
    if (status == LM_OK) status = lm__builder_take(&builder, batch, out, error);
    lm__builder_deinit(&builder);
    return status;
}

/* The partition column that the column of `wide` is, or -1. */
static int32_t partition_of(const parts_plan *plan, int32_t column)
{
    const lm_field *field = &plan->wide->root.children[column];
    return lm__dataset_partition(plan->dataset, field->name, field->name_size);
}

static lm_status make_seeds(attached_stream *a, lm_error *error)
{
    const parts_plan *plan = a->plan;
    for (int32_t i = 0; i < plan->wide->root.n_children; i++) {
        int32_t key = partition_of(plan, i);
        if (key < 0) continue;
        if (!a->seeds)
            LM_TRY(lm__batch_new(plan->allocator, plan->wide, SEED_ROWS, &a->seeds, error));
        lm_array values = lm__batch_column(plan->dataset->partitions, key);
        LM_TRY(put_constant(a->seeds, i, &values, a->place, 1, SEED_ROWS, error));
    }
    return LM_OK;
}

static lm_status attached_next(lm_stream *stream, lm_batch **batch, lm_error *error)
{
    attached_stream *a = (attached_stream *)stream;
    lm_batch *inner, *made = NULL;
    LM_TRY(lm__stream_next(a->inner, &inner, error));
    if (!inner) return LM_OK;
    int64_t rows = lm__batch_rows(inner);
    lm_status status = lm__cast_batch(a->widen, inner, 0, &made, error);
    lm__batch_unref(inner);
    for (int32_t i = 0; status == LM_OK && a->seeds && i < made->root.n_children; i++) {
        if (partition_of(a->plan, i) < 0) continue;
        lm_array seed = lm__batch_column(a->seeds, i);
        status = put_constant(made, i, &seed, 0, SEED_ROWS, rows, error);
    }
    if (status == LM_OK)
        *batch = made;
    else
        lm__batch_unref(made);
    return status;
}

static void attached_close(lm_stream *stream)
{
    attached_stream *a = (attached_stream *)stream;
    lm__stream_close(a->inner);
    lm__cast_free(a->widen);
    lm__batch_unref(a->seeds);
    lm__free(a->plan->allocator, a);
}

/* Takes the stream, which has the schema `files`. */
static lm_status attach_take(const parts_plan *plan, const lm_part *part, lm_stream *inner,
                             lm_stream **out, lm_error *error)
{
    static const lm_stream_ops ops = {attached_next, attached_close};
    attached_stream *a = lm__alloc_zero(plan->allocator, sizeof *a);
    if (!a) {
        lm__stream_close(inner);
        return no_memory(error);
    }
    lm__stream_init(&a->stream, &ops, plan->wide);
    a->plan = plan;
    a->inner = inner;
    a->place = part->place;
    lm_status status = lm__cast_new(plan->allocator, inner->schema, plan->wide,
                                    &(lm_cast_options){.mode = LM_CAST_STRICT}, &a->widen, error);
    if (status == LM_OK) status = make_seeds(a, error);
    if (status == LM_OK)
        *out = &a->stream;
    else
        lm__stream_close(&a->stream);
    return status;
}

/* Columns of a part. */

/* How much of the dotted path is there, in bytes: up to the end of a field's name. */
static size_t path_found(const lm_field *parent, const char *path)
{
    size_t best = 0;
    for (int32_t i = 0; i < parent->n_children; i++) {
        const lm_field *field = &parent->children[i];
        size_t size = field->name_size;
        if (strncmp(path, field->name, size) != 0) continue;
        if (path[size] == '\0') return size;
        if (path[size] != '.') continue;
        size_t below = path_found(field, path + size + 1);
        if (below) below += 1;
        if (size + below > best) best = size + below;
    }
    return best;
}

/* The paths to ask a part's reader for: those that it has, or the part of them that it has. */
static lm_status part_columns(const parts_plan *plan, const lm_reader *reader, lm_arena *arena,
                              lm_read_request *request, lm_error *error)
{
    const char **columns = lm__arena_array(arena, plan->path_count + 1, sizeof *columns);
    if (!columns) return no_memory(error);
    size_t count = 0;
    for (size_t i = 0; i < plan->path_count; i++) {
        const char *path = plan->paths[i];
        size_t found = path_found(&reader->schema->root, path);
        if (found == 0) continue;
        columns[count] = path[found] ? lm__arena_strndup(arena, path, found) : path;
        if (!columns[count++]) return no_memory(error);
    }
    request->columns = columns;
    request->column_count = count;
    return LM_OK;
}

/* May the part's reader filter by itself? Where it has the filter's columns, and as the dataset has
 * them: what is widened afterwards may compare otherwise. A deletion vector counts all rows. */
static bool is_pushed(const parts_plan *plan, const lm_part *part, const lm_reader *reader,
                      lm_arena *arena)
{
    const lm_field *file = &reader->schema->root, *whole = &plan->dataset->schema->root;
    if (!plan->pushed || !reader->filters || part->vector) return false;
    for (size_t i = 0; i < lm_expr_columns(plan->pushed); i++) {
        const char *text = lm_expr_column(plan->pushed, i), *why;
        lm_expr_path path;
        size_t taken;
        if (lm__expr_path_read(arena, text, strlen(text), &path, &taken, &why) != LM_OK)
            return false;
        size_t size = strlen(path.parts[0]);
        int32_t a = lm__field_find(file, path.parts[0], size);
        int32_t b = lm__field_find(whole, path.parts[0], size);
        if (a < 0 || b < 0 || !lm__field_same_layout(&file->children[a], &whole->children[b]))
            return false;
    }
    return true;
}

static lm_status drop_deleted(const lm_dataset *d, const lm_part *part, lm_stream **stream,
                              lm_error *error)
{
    lm_row_set *deleted;
    lm_stream *all = *stream;
    *stream = NULL;
    lm_status status =
        lm__deletion_vector_read(d->allocator, d->store, d->root, part->vector, &deleted, error);
    if (status == LM_OK) return lm__live_stream_take(d->allocator, all, deleted, stream, error);
    lm__stream_close(all);
    return status;
}

/* The reader's stream with what is wanted of it, or more. */
static lm_status open_reader(const parts_plan *plan, const lm_part *part, int threads,
                             size_t memory_bytes_max, lm_stream **out, lm_error *error)
{
    const lm_dataset *d = plan->dataset;
    lm_read_request request = plan->request;
    const lm_format_row *row;
    lm_reader *reader;
    unsigned done;
    lm_arena arena;
    request.threads = threads;
    request.memory_bytes_max = memory_bytes_max;
    request.schema = part->schema ? part->schema : plan->typed;
    request.schema_found = part->schema != NULL;
    LM_TRY(lm__table_open(d->allocator, d->store, part->path, NULL, d->row->format, &request, &row,
                          &reader, error));
    lm__arena_init(&arena, d->allocator, 0);
    lm_status status = part_columns(plan, reader, &arena, &request, error);
    if (is_pushed(plan, part, reader, &arena)) request.filter = plan->pushed;
    if (status == LM_OK) status = reader->ops->stream(reader, &request, &done, out, error);
    if (status == LM_OK && part->vector) status = drop_deleted(d, part, out, error);
    lm__arena_deinit(&arena);
    lm__reader_close(reader);
    return status;
}

static lm_status cast_take(const parts_plan *plan, lm_schema *target, lm_cast_mode mode,
                           lm_stream **stream, lm_error *error)
{
    lm_cast_options options = {.mode = mode, .drop_extra = true};
    lm_stream *cast = NULL;
    lm_status status =
        lm__cast_stream_take(plan->allocator, *stream, target, &options, &cast, error);
    *stream = cast;
    return status;
}

/* The whole way of a part's rows, up to the schema `out`. */
static lm_status open_part(const parts_plan *plan, const lm_part *part, int threads,
                           size_t memory_bytes_max, lm_stream **out, lm_error *error)
{
    lm_stream *stream = NULL, *next;
    LM_TRY(open_reader(plan, part, threads, memory_bytes_max, &stream, error));
    lm_status status = cast_take(plan, plan->files, LM_CAST_SAFE, &stream, error);
    if (status == LM_OK && plan->dataset->partitions) {
        status = attach_take(plan, part, stream, &next, error);
        stream = status == LM_OK ? next : NULL;
    }
    if (status == LM_OK && plan->filter) {
        status = lm__filter_stream_take(plan->allocator, stream, plan->filter, &next, error);
        stream = status == LM_OK ? next : NULL;
    }
    if (status == LM_OK) status = cast_take(plan, plan->out, LM_CAST_STRICT, &stream, error);
    if (status == LM_OK) *out = stream;
    return status;
}

/* Slots. */

/* Names the file, unless the message does. */
static lm_status within_part(const lm_part *part, lm_status status, lm_error *error)
{
    if (status == LM_OK || status == LM_NO_MEMORY || status == LM_CANCELLED) return status;
    char name[LM_ERROR_MESSAGE_MAX / 2];
    lm__printable(name, sizeof name, part->path);
    if (error && strstr(error->message, name)) return status;
    return lm__error_within(error, status, "%s", name);
}

static lm_status open_slot(part_slot *slot, lm_error *error)
{
    const parts_stream *s = slot->owner;
    size_t memory = slot->large && s->threads > 1 ? s->memory_bytes_max / 2 : slot->ahead_bytes_max;
    return within_part(slot->part,
                       open_part(&s->plan, slot->part, slot->threads, memory, &slot->stream, error),
                       error);
}

static lm_status keep_batch(part_slot *slot, lm_batch *batch, lm_error *error)
{
    if (!lm__array_room(slot->owner->plan.allocator, &slot->batches, &slot->capacity,
                        slot->count + 1, sizeof *slot->batches)) {
        lm__batch_unref(batch);
        return no_memory(error);
    }
    slot->batches[slot->count++] = batch;
    return LM_OK;
}

static lm_status read_ahead(part_slot *slot, lm_error *error)
{
    double bytes = 0;
    LM_TRY(open_slot(slot, error));
    while (!atomic_load_explicit(&slot->owner->stop, memory_order_relaxed)) {
        lm_batch *batch;
        LM_TRY(within_part(slot->part, lm__stream_next(slot->stream, &batch, error), error));
        slot->ended = batch == NULL;
        if (!batch) return LM_OK;
        bytes += lm__batch_row_bytes(batch) * (double)lm__batch_rows(batch);
        LM_TRY(keep_batch(slot, batch, error));
        if (slot->large || bytes >= (double)slot->ahead_bytes_max) return LM_OK;
    }
    return LM_OK;
}

static void run_slot(lm_job *job)
{
    part_slot *slot = (part_slot *)job;
    slot->status = read_ahead(slot, &slot->error);
    if (slot->status == LM_OK && slot->ended) { /* the file need not stay open */
        lm__stream_close(slot->stream);
        slot->stream = NULL;
    }
}

static lm_status add_slot(parts_stream *s, bool large, lm_error *error)
{
    part_slot *slot = lm__alloc_zero(s->plan.allocator, sizeof *slot);
    if (!slot) return no_memory(error);
    slot->owner = s;
    slot->part = &s->plan.dataset->parts[s->next_part++];
    slot->large = large;
    slot->threads = large ? s->threads : 1;
    slot->ahead_bytes_max = s->memory_bytes_max / (2 * s->slots_max);
    slot->job.run = run_slot;
    lm__group_init(&slot->group, s->pool);
    if (s->tail)
        s->tail->next = slot;
    else
        s->head = slot;
    s->tail = slot;
    s->slots++;
    if (s->threads > 1)
        lm__group_submit(&slot->group, &slot->job);
    else
        slot->status = open_slot(slot, &slot->error);
    return LM_OK;
}

static void drop_head(parts_stream *s)
{
    part_slot *slot = s->head;
    for (; slot->at < slot->count; slot->at++) lm__batch_unref(slot->batches[slot->at]);
    lm__stream_close(slot->stream);
    s->head = slot->next;
    if (!s->head) s->tail = NULL;
    s->slots--;
    lm__free(s->plan.allocator, slot->batches);
    lm__free(s->plan.allocator, slot);
}

/* Of large parts there is one after the one that is being read, and nothing past it. */
static lm_status look_ahead(parts_stream *s, lm_error *error)
{
    const lm_dataset *d = s->plan.dataset;
    while (s->next_part < d->count && s->slots < s->slots_max) {
        bool large = d->parts[s->next_part].size > s->memory_bytes_max / (16 * s->slots_max);
        if (s->head && s->head != s->tail && (large || s->tail->large)) return LM_OK;
        LM_TRY(add_slot(s, large, error));
    }
    return LM_OK;
}

static lm_status parts_next(lm_stream *stream, lm_batch **batch, lm_error *error)
{
    parts_stream *s = (parts_stream *)stream;
    for (;;) {
        if (lm__cancel_requested(s->plan.request.cancel))
            return lm__error_set(error, LM_CANCELLED, "interrupted");
        LM_TRY(look_ahead(s, error));
        part_slot *slot = s->head;
        if (!slot) return LM_OK;
        if (s->threads > 1) lm__group_wait(&slot->group);
        if (slot->at < slot->count) {
            *batch = slot->batches[slot->at++];
            return LM_OK;
        }
        if (slot->status != LM_OK) {
            if (error) *error = slot->error;
            return slot->status;
        }
        if (!slot->ended) {
            LM_TRY(within_part(slot->part, lm__stream_next(slot->stream, batch, error), error));
            if (*batch) return LM_OK;
        }
        drop_head(s);
    }
}

/* The plan, and the stream. */

static void plan_deinit(parts_plan *plan)
{
    lm_expr_free(plan->filter);
    lm_expr_free(plan->pushed);
    lm_schema_free(plan->wide);
    lm_schema_free(plan->files);
    lm_schema_free(plan->typed);
    lm_schema_free(plan->out);
    lm__arena_deinit(&plan->arena);
    lm__dataset_unref(plan->dataset);
}

static void parts_close(lm_stream *stream)
{
    parts_stream *s = (parts_stream *)stream;
    const lm_allocator *allocator = s->plan.allocator;
    atomic_store_explicit(&s->stop, true, memory_order_relaxed);
    while (s->head) {
        if (s->threads > 1) lm__group_wait(&s->head->group);
        drop_head(s);
    }
    lm__pool_free(s->pool);
    plan_deinit(&s->plan);
    lm__free(allocator, s);
}

/* The paths of what is wanted and of what the filter looks at. */
static lm_status plan_paths(parts_plan *plan, const lm_read_request *request, lm_error *error)
{
    const lm_field *root = &plan->dataset->schema->root;
    size_t wanted = request->columns ? request->column_count : (size_t)root->n_children;
    size_t filter = plan->filter ? lm_expr_columns(plan->filter) : 0;
    plan->paths = lm__arena_array(&plan->arena, wanted + filter + 1, sizeof *plan->paths);
    if (!plan->paths) return no_memory(error);
    for (size_t i = 0; i < wanted; i++)
        plan->paths[i] = request->columns ? lm__arena_strdup(&plan->arena, request->columns[i])
                                          : root->children[i].name;
    for (size_t i = 0; i < filter; i++)
        plan->paths[wanted + i] = lm__expr_column_dotted(&plan->arena, plan->filter, i);
    plan->path_count = wanted + filter;
    for (size_t i = 0; i < plan->path_count; i++)
        if (!plan->paths[i]) return no_memory(error);
    if (!request->columns) {
        plan->out = lm_schema_ref(plan->dataset->schema);
        plan->wide = lm_schema_ref(plan->dataset->loose);
        return LM_OK;
    }
    LM_TRY(lm__schema_project(plan->dataset->schema, plan->paths, wanted, &plan->out, error));
    return lm__schema_project(plan->dataset->loose, plan->paths, plan->path_count, &plan->wide,
                              error);
}

/* The schema without partition columns. */
static lm_status without_partitions(parts_plan *plan, const lm_schema *schema, lm_schema **out,
                                    lm_error *error)
{
    const lm_field *root = &schema->root;
    int32_t count = 0;
    int32_t *columns = lm__arena_array(&plan->arena, (size_t)root->n_children, sizeof *columns);
    if (!columns) return no_memory(error);
    for (int32_t i = 0; i < root->n_children; i++)
        if (lm__dataset_partition(plan->dataset, root->children[i].name,
                                  root->children[i].name_size) < 0)
            columns[count++] = i;
    return lm__schema_select(schema, columns, count, out, error);
}

static lm_status plan_filter(parts_plan *plan, const lm_read_request *request, lm_error *error)
{
    lm_conjuncts conjuncts;
    const lm_dataset *d = plan->dataset;
    LM_TRY(lm__conjuncts(plan->allocator, request->filter,
                         d->partitions ? d->partitions->schema : NULL, &conjuncts, error));
    lm_expr *rest[] = {conjuncts.files, conjuncts.mixed};
    lm_status status = LM_OK;
    if (rest[0]) plan->pushed = lm_expr_ref(rest[0]);
    if (rest[0] && rest[1])
        status = lm_expr_and(plan->allocator, rest, 2, &plan->filter, error);
    else if (rest[0] || rest[1])
        plan->filter = lm_expr_ref(rest[0] ? rest[0] : rest[1]);
    lm__conjuncts_free(&conjuncts);
    return status;
}

static lm_status plan_make(parts_plan *plan, const lm_read_request *request, lm_error *error)
{
    plan->request = (lm_read_request){
        .batch_rows = request->batch_rows,
        .dictionaries = request->dictionaries,
        .page_bytes_max = request->page_bytes_max,
        .csv = request->csv,
        .cancel = request->cancel,
    };
    LM_TRY(plan_filter(plan, request, error));
    LM_TRY(plan_paths(plan, request, error));
    if (plan->dataset->row->forward)
        LM_TRY(without_partitions(plan, plan->dataset->schema, &plan->typed, error));
    return without_partitions(plan, plan->wide, &plan->files, error);
}

lm_status lm__parts_stream(lm_dataset *dataset, const lm_read_request *request, lm_stream **stream,
                           lm_error *error)
{
    static const lm_stream_ops ops = {parts_next, parts_close};
    parts_stream *s = lm__alloc_zero(dataset->allocator, sizeof *s);
    if (!s) return no_memory(error);
    s->plan.dataset = lm__dataset_ref(dataset);
    s->plan.allocator = dataset->allocator;
    lm__arena_init(&s->plan.arena, dataset->allocator, 0);
    s->memory_bytes_max =
        request->memory_bytes_max ? request->memory_bytes_max : LM_PARQUET_READ_AHEAD_BYTES;
    lm_status status = lm__pool_new(dataset->allocator, request->threads, &s->pool, error);
    if (status == LM_OK) {
        s->threads = lm__pool_threads(s->pool);
        s->slots_max = s->threads > 1 ? (size_t)s->threads + 1 : 1;
        status = plan_make(&s->plan, request, error);
    }
    if (status != LM_OK) {
        parts_close(&s->stream);
        return status;
    }
    lm__stream_init(&s->stream, &ops, s->plan.out);
    *stream = &s->stream;
    return LM_OK;
}

void lm__parts_skip(lm_stream *stream, uint64_t *offset)
{
    parts_stream *s = (parts_stream *)stream;
    const lm_dataset *d = s->plan.dataset;
    for (; s->next_part < d->count; s->next_part++) {
        int64_t rows = d->parts[s->next_part].rows;
        if (rows < 0 || (uint64_t)rows > *offset) return;
        *offset -= (uint64_t)rows;
    }
}
