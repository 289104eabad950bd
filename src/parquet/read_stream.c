/* Units, jobs and their order; see read_stream.h. */
#include "parquet/read_stream.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/error.h"
#include "base/limits.h"
#include "base/pool.h"
#include "parquet/read_rows.h"
#include "parquet/read_spans.h"

typedef struct read_stream read_stream;
typedef struct read_unit read_unit;

/* A row group that is being read: its columns, from unit to unit. */
typedef struct read_track {
    size_t row_group;
    size_t references;     /* units, and the stream while it makes them */
    lm_read_place *places; /* of the columns; NULL without ranges */
    lm_read_column columns[];
} read_track;

typedef struct read_job {
    lm_job job; /* first: the job is found by it */
    read_unit *unit;
    uint32_t leaf;
    bool submitted, done;
    lm_status status;
    lm_error error;
} read_job;

struct read_unit {
    read_stream *stream;
    read_unit *next; /* in the order of the rows */
    read_track *track;
    size_t at_group;    /* among those that were chosen */
    size_t start, rows; /* within the row group */
    size_t bytes;       /* estimated */
    bool first, last;   /* of its track */
    lm_read_slab slab;
    lm_group group;
    lm_read_part *parts;
    read_job jobs[];
};

struct read_stream {
    lm_stream stream; /* first */
    lm_parquet_reader *reader;
    const lm_allocator *allocator;
    const lm_allocator *blocks; /* of slabs: those of batches that were given back serve again.
                                   NULL for a part */
    lm_read_plan plan;
    lm_read_asked asked;
    lm_pool *pool;
    int threads;
    bool is_far; /* the source gives no views: bytes have to be fetched */
    /* Where the next unit begins. */
    size_t at_group, at_row, unit_rows; /* unit_rows 0: not settled for this row group */
    bool apart;                         /* each unit of it is a track of its own */
    read_track *track;                  /* of at_group, when a unit of it has been made */
    /* Units that have been made and not been fetched. */
    read_unit *head, *tail;
    size_t bytes_ahead, units_ahead;
    lm_batch_rest rest;
    pthread_mutex_t lock; /* for the free scratches, and the order of jobs */
    lm_read_scratch *scratches;
    atomic_bool stop;
    /* Of a part (lm_read_part_of). */
    bool is_part, by_index;
    lm_row_span *spans; /* NULL: whole row groups */
    size_t span_count;
    lm_read_tally tally;
    lm_parquet_read_counts *counts;
};

/* How many rows the stream has of the row group. */
static uint64_t rows_of(const read_stream *s, const lm_row_group *group)
{
    if (!s->spans) return (uint64_t)group->num_rows;
    const lm_row_span *last = &s->spans[s->span_count - 1];
    return last->at + (last->range.end - last->range.start);
}

/* Jobs. */

static lm_status take_scratch(read_stream *s, lm_read_scratch **scratch, lm_error *error)
{
    pthread_mutex_lock(&s->lock);
    *scratch = s->scratches;
    if (*scratch) s->scratches = (*scratch)->next;
    pthread_mutex_unlock(&s->lock);
    return *scratch ? LM_OK : lm__read_scratch_new(s->allocator, scratch, error);
}

static void give_scratch(read_stream *s, lm_read_scratch *scratch)
{
    pthread_mutex_lock(&s->lock);
    scratch->next = s->scratches;
    s->scratches = scratch;
    pthread_mutex_unlock(&s->lock);
}

static void close_column(read_stream *s, lm_read_column *column)
{
    if (!column->scratch) return;
    lm__read_column_close(column);
    give_scratch(s, column->scratch);
    column->scratch = NULL;
}

static lm_status open_column(read_stream *s, read_unit *unit, const lm_read_leaf *leaf,
                             lm_read_column *column, lm_error *error)
{
    const lm_column_metadata *metadata;
    lm_read_scratch *scratch;
    size_t got;
    LM_TRY(lm__reader_chunk(s->reader, unit->track->row_group, leaf->node, &metadata, error));
    LM_TRY(take_scratch(s, &scratch, error));
    LM_TRY(lm__read_column_open(column, s->reader->source, leaf->node, metadata,
                                s->reader->oddities, &leaf->field->spec, &s->asked.limits, scratch,
                                error));
    if (unit->start == 0 || s->spans) return LM_OK;
    LM_TRY(lm__read_column_skip(column, unit->start, &got, error));
    if (got == unit->start) return LM_OK;
    return lm__error_set(error, LM_CORRUPT, "fewer rows than the row group");
}

/* What the footer lets expect of a leaf in the unit. */
static lm_read_expected expected_of(const read_stream *s, read_unit *unit, const lm_read_leaf *leaf)
{
    const lm_row_group *group = &s->reader->metadata.row_groups.items[unit->track->row_group];
    const lm_column_metadata *metadata = group->columns.items[leaf->node->leaf_first].meta_data;
    lm_read_expected expected = {unit->rows, unit->rows, 0, &unit->slab};
    if (!metadata || metadata->num_values <= 0) return expected;
    double share = (double)unit->rows / (double)group->num_rows;
    expected.entries = (size_t)((double)metadata->num_values * share) + 1;
    const lm_size_statistics *sizes = metadata->size_statistics;
    if (sizes && LM_HAS(sizes, LM_SIZE_STATISTICS_UNENCODED_BYTES) &&
        sizes->unencoded_byte_array_data_bytes > 0)
        expected.string_bytes =
            (size_t)((double)sizes->unencoded_byte_array_data_bytes * share) + 1;
    return expected;
}

/* One block for all whose size can be told, unless the file is too small to be believed. */
static lm_status make_slab(read_stream *s, read_unit *unit, lm_error *error)
{
    const lm_row_group *group = &s->reader->metadata.row_groups.items[unit->track->row_group];
    uint64_t stored = 0;
    size_t bytes = 0;
    for (uint32_t i = 0; i < s->plan.leaf_count; i++) {
        const lm_read_leaf *leaf = &s->plan.leaves[i];
        const lm_column_metadata *metadata = group->columns.items[leaf->node->leaf_first].meta_data;
        lm_read_expected expected = expected_of(s, unit, leaf);
        bytes += lm__read_part_slab_bytes(leaf, &expected);
        if (metadata && metadata->total_compressed_size > 0)
            stored += (uint64_t)metadata->total_compressed_size;
    }
    if (stored > s->reader->source->size) stored = s->reader->source->size;
    unit->slab.allocator = s->blocks ? s->blocks : s->allocator;
    if (bytes < LM_LARGE_PAGE_BYTES || bytes > s->asked.bytes_max || bytes / 256 > stored)
        return LM_OK;
    unit->slab.memory = lm__alloc_large(unit->slab.allocator, bytes);
    unit->slab.size = bytes;
    return unit->slab.memory ? LM_OK : lm__error_memory(error, "reading rows");
}

static lm_status read_leaf(read_job *job)
{
    read_unit *unit = job->unit;
    read_stream *s = unit->stream;
    const lm_read_leaf *leaf = &s->plan.leaves[job->leaf];
    lm_read_column *column = &unit->track->columns[job->leaf];
    lm_read_part *part = &unit->parts[job->leaf];
    if (atomic_load_explicit(&s->stop, memory_order_relaxed))
        return lm__error_set(&job->error, LM_CANCELLED, "the stream was closed");
    lm_read_expected expected = expected_of(s, unit, leaf);
    LM_TRY(lm__read_part_init(part, s->allocator, leaf, &expected, &job->error));
    if (unit->first) {
        LM_TRY(open_column(s, unit, leaf, column, &job->error));
        if (s->by_index)
            LM_TRY(lm__read_place_open(&unit->track->places[job->leaf], s->reader,
                                       unit->track->row_group, leaf->node, &job->error));
    } else if (!column->scratch)
        return lm__error_set(&job->error, LM_CORRUPT, "the rows before could not be read");
    if (s->spans) {
        lm_read_place *place = &unit->track->places[job->leaf];
        return lm__read_part_spans(part, leaf, column, place, s->spans, s->span_count, unit->start,
                                   unit->rows, &job->error);
    }
    LM_TRY(lm__read_part_rows(part, leaf, column, unit->rows, &job->error));
    const lm_row_group *group = &s->reader->metadata.row_groups.items[unit->track->row_group];
    if (unit->start + unit->rows == (uint64_t)group->num_rows)
        LM_TRY(lm__read_column_end(column, &job->error));
    return LM_OK;
}

static void submit(read_unit *unit, uint32_t leaf)
{
    unit->jobs[leaf].submitted = true;
    lm__group_submit(&unit->group, &unit->jobs[leaf].job);
}

static void run_job(lm_job *base)
{
    read_job *job = (read_job *)base;
    read_unit *unit = job->unit;
    read_stream *s = unit->stream;
    job->status = read_leaf(job);
    if (job->status != LM_OK || unit->last) close_column(s, &unit->track->columns[job->leaf]);
    pthread_mutex_lock(&s->lock);
    job->done = true;
    read_unit *next = unit->next;
    if (next && next->track == unit->track && !next->jobs[job->leaf].submitted)
        submit(next, job->leaf);
    pthread_mutex_unlock(&s->lock);
}

/* Units. */

static size_t leaf_bytes(const read_stream *s, const lm_row_group *group, const lm_read_leaf *leaf)
{
    const lm_column_metadata *metadata = group->columns.items[leaf->node->leaf_first].meta_data;
    if (!metadata || metadata->num_values <= 0) return 0;
    uint64_t values = (uint64_t)metadata->num_values, bytes = values / 8;
    (void)s;
    if (leaf->field->spec.coded) return (size_t)(bytes + 4 * values); /* and the dictionary */
    switch (leaf->field->spec.form) {
    case LM_FORM_NOTHING:
    case LM_FORM_BITS: break;
    case LM_FORM_FIXED: bytes += values * leaf->field->spec.out_width; break;
    default: {
        const lm_size_statistics *sizes = metadata->size_statistics;
        int64_t told = sizes && LM_HAS(sizes, LM_SIZE_STATISTICS_UNENCODED_BYTES)
                           ? sizes->unencoded_byte_array_data_bytes
                           : metadata->total_uncompressed_size;
        bytes += values * 8 + (told > 0 ? (uint64_t)told : 0);
    }
    }
    return bytes > SIZE_MAX / 1024 ? SIZE_MAX / 1024 : (size_t)bytes;
}

static size_t group_bytes(const read_stream *s, const lm_row_group *group)
{
    size_t bytes = 1024;
    for (uint32_t i = 0; i < s->plan.leaf_count && bytes < SIZE_MAX / 4; i++)
        bytes += leaf_bytes(s, group, &s->plan.leaves[i]);
    return bytes;
}

/* A row group whole, where it is no more than half of what may lie ahead; else in pieces of a
 * quarter. */
static size_t rows_of_units(const read_stream *s, const lm_row_group *group)
{
    double bytes = (double)group_bytes(s, group), rows = (double)group->num_rows;
    size_t most = LM_PARQUET_READ_ROWS_MAX;
    if (bytes > (double)s->asked.bytes_max / 2) {
        double piece = rows * ((double)s->asked.bytes_max / 4) / bytes;
        if (piece < (double)most) most = (size_t)piece + 1;
        if (most > 8192) most -= most % 1024;
    }
    if (s->asked.batch_rows && most > s->asked.batch_rows) most -= most % s->asked.batch_rows;
    return most;
}

/* Where the columns of the row groups to come would not keep all threads busy, pieces of a row
 * group are read side by side, each from its own first page on. Rows are found by passing whole
 * pages over, which lists do not allow; and every piece decodes the dictionaries again. */
static void settle_units(read_stream *s, const lm_row_group *group)
{
    size_t threads = (size_t)s->threads, groups = s->asked.row_group_count - s->at_group;
    s->unit_rows = rows_of_units(s, group);
    s->apart = threads > 1 && !s->is_far && groups * s->plan.leaf_count < 4 * threads;
    for (uint32_t i = 0; i < s->plan.leaf_count && s->apart; i++)
        s->apart = lm__read_is_flat(s->plan.leaves[i].node) && s->plan.leaves[i].owned_count == 0;
    size_t piece = ((size_t)rows_of(s, group) + threads - 1) / threads;
    if (piece < LM_PARQUET_READ_PIECE_ROWS_MIN) piece = LM_PARQUET_READ_PIECE_ROWS_MIN;
    if (s->asked.batch_rows && piece > s->asked.batch_rows) piece -= piece % s->asked.batch_rows;
    if (s->apart && piece < s->unit_rows) s->unit_rows = piece;
}

static void track_unref(read_stream *s, read_track *track)
{
    if (--track->references > 0) return;
    for (uint32_t i = 0; i < s->plan.leaf_count; i++) {
        close_column(s, &track->columns[i]);
        if (track->places) lm__read_place_close(&track->places[i]);
    }
    lm__free(s->allocator, track->places);
    lm__free(s->allocator, track);
}

static void drop_track(read_stream *s)
{
    if (s->track) track_unref(s, s->track);
    s->track = NULL;
}

static void unit_free(read_unit *unit)
{
    read_stream *s = unit->stream;
    for (uint32_t i = 0; i < s->plan.leaf_count; i++) lm__read_part_deinit(&unit->parts[i]);
    track_unref(s, unit->track);
    lm__free_aligned(unit->slab.allocator, unit->slab.memory);
    lm__free(s->allocator, unit->parts);
    lm__free(s->allocator, unit);
}

/* Moves on to a row group that has rows to be read, past those to be skipped. */
static bool find_rows(read_stream *s)
{
    for (; s->at_group < s->asked.row_group_count && s->asked.rows_left > 0; s->at_group++) {
        const lm_row_group *group =
            &s->reader->metadata.row_groups.items[s->asked.row_groups[s->at_group]];
        uint64_t rows = rows_of(s, group);
        if (s->asked.rows_to_skip > 0 && s->at_row == 0) {
            uint64_t skip = s->asked.rows_to_skip < rows ? s->asked.rows_to_skip : rows;
            s->asked.rows_to_skip -= skip;
            s->at_row = (size_t)skip;
        }
        if (s->at_row < rows) {
            if (s->unit_rows == 0) settle_units(s, group);
            return true;
        }
        s->at_row = 0;
        s->unit_rows = 0;
    }
    return false;
}

/* Where the chunks of a row group that are wanted are most of a short stretch of the file, that is
 * said beforehand, so that what has to fetch them does so in few pieces, even where not all rows
 * are wanted. Long chunks are fetched side by side by those who read them. */
static void tell_coming(read_stream *s, size_t row_group)
{
    const lm_row_group *group = &s->reader->metadata.row_groups.items[row_group];
    bool is_whole = !s->spans && s->asked.rows_left >= (uint64_t)group->num_rows;
    uint64_t most = is_whole ? LM_PARQUET_READ_FAR_BYTES : LM_PARQUET_READ_WINDOW_BYTES;
    uint64_t from = UINT64_MAX, to = 0, wanted = 0;
    for (uint32_t i = 0; i < s->plan.leaf_count; i++) {
        const lm_column_metadata *metadata =
            group->columns.items[s->plan.leaves[i].node->leaf_first].meta_data;
        if (!metadata || metadata->total_compressed_size <= 0) continue;
        uint64_t start = lm__read_chunk_start(metadata),
                 size = (uint64_t)metadata->total_compressed_size;
        if (start > s->reader->source->size || size > s->reader->source->size - start) return;
        wanted += size;
        if (start < from) from = start;
        if (start + size > to) to = start + size;
    }
    if (wanted > 0 && wanted >= (to - from) / 4 * 3 && to - from <= most)
        lm_source_coming(s->reader->source, from, to - from);
}

static read_track *new_track(read_stream *s)
{
    size_t leaves = s->plan.leaf_count;
    read_track *track =
        lm__alloc_zero(s->allocator, sizeof *track + leaves * sizeof *track->columns);
    if (!track) return NULL;
    track->row_group = s->asked.row_groups[s->at_group];
    track->references = 1;
    if (!s->spans) return track;
    track->places = lm__alloc_array(s->allocator, leaves + 1, sizeof *track->places);
    for (size_t i = 0; i < leaves && track->places; i++)
        lm__read_place_init(&track->places[i], s->allocator);
    if (track->places) return track;
    lm__free(s->allocator, track);
    return NULL;
}

static lm_status new_unit(read_stream *s, read_unit **out, lm_error *error)
{
    uint32_t leaves = s->plan.leaf_count;
    read_unit *unit = lm__alloc_zero(s->allocator, sizeof *unit + leaves * sizeof *unit->jobs);
    lm_read_part *parts = lm__alloc_zero(s->allocator, (leaves + 1) * sizeof *parts);
    if (unit && parts && !s->track) {
        s->track = new_track(s);
        unit->first = true;
        if (s->at_row == 0 && s->is_far) tell_coming(s, s->asked.row_groups[s->at_group]);
    }
    if (!unit || !parts || !s->track) {
        lm__free(s->allocator, unit);
        lm__free(s->allocator, parts);
        return lm__error_memory(error, "reading rows");
    }
    unit->stream = s;
    unit->parts = parts;
    unit->at_group = s->at_group;
    unit->track = s->track;
    unit->track->references++;
    lm__group_init(&unit->group, s->pool);
    for (uint32_t i = 0; i < leaves; i++) {
        unit->jobs[i].job.run = run_job;
        unit->jobs[i].unit = unit;
        unit->jobs[i].leaf = i;
        lm__read_vector_init(&parts[i].vector, s->allocator, LM_FORM_NOTHING, 0, false);
    }
    *out = unit;
    return LM_OK;
}

/* The next unit, in line and at work; its jobs wait for those of the unit before it in the same row
 * group. */
static lm_status add_unit(read_stream *s, size_t bytes, lm_error *error)
{
    const lm_row_group *group =
        &s->reader->metadata.row_groups.items[s->asked.row_groups[s->at_group]];
    read_unit *unit = NULL, *before = s->tail;
    LM_TRY(new_unit(s, &unit, error));
    uint64_t rows = rows_of(s, group) - s->at_row;
    if (rows > s->unit_rows) rows = s->unit_rows;
    if (rows > s->asked.rows_left) rows = s->asked.rows_left;
    unit->start = s->at_row;
    unit->rows = (size_t)rows;
    unit->bytes = bytes;
    lm_status status = make_slab(s, unit, error);
    if (status != LM_OK) {
        unit_free(unit);
        return status;
    }
    s->at_row += unit->rows;
    s->asked.rows_left -= unit->rows;
    unit->last = s->apart || s->at_row == rows_of(s, group) || s->asked.rows_left == 0;
    if (unit->last) drop_track(s);
    s->bytes_ahead += bytes;
    s->units_ahead++;
    pthread_mutex_lock(&s->lock);
    if (before)
        before->next = unit;
    else
        s->head = unit;
    s->tail = unit;
    for (uint32_t i = 0; i < s->plan.leaf_count; i++)
        if (!before || before->track != unit->track || before->jobs[i].done) submit(unit, i);
    pthread_mutex_unlock(&s->lock);
    return LM_OK;
}

static lm_status look_ahead(read_stream *s, lm_error *error)
{
    while (find_rows(s)) {
        const lm_row_group *group =
            &s->reader->metadata.row_groups.items[s->asked.row_groups[s->at_group]];
        uint64_t rows = rows_of(s, group) < s->unit_rows ? rows_of(s, group) : s->unit_rows;
        double share = (double)rows / (double)group->num_rows;
        size_t bytes = (size_t)((double)group_bytes(s, group) * (share < 1 ? share : 1));
        if (s->head && (s->threads == 1 || s->units_ahead >= LM_PARQUET_READ_UNITS_MAX ||
                        s->bytes_ahead + bytes > s->asked.bytes_max))
            break;
        LM_TRY(add_unit(s, bytes, error));
    }
    return LM_OK;
}

static void drop_head(read_stream *s)
{
    read_unit *unit = s->head;
    s->bytes_ahead -= unit->bytes;
    s->units_ahead--;
    pthread_mutex_lock(&s->lock);
    s->head = unit->next;
    if (!s->head) s->tail = NULL;
    pthread_mutex_unlock(&s->lock);
    unit_free(unit);
}

/* Nothing runs and nothing is queued afterwards. */
static void drop_all(read_stream *s)
{
    atomic_store_explicit(&s->stop, true, memory_order_relaxed);
    while (s->head) {
        lm__group_wait_helping(&s->head->group);
        drop_head(s);
    }
    drop_track(s);
    atomic_store_explicit(&s->stop, false, memory_order_relaxed);
}

/* Invariant 4: begins again at the head unit, with half of its rows at once. */
static void halve(read_stream *s)
{
    size_t group = s->head->at_group, row = s->head->start, rows = s->head->rows;
    for (const read_unit *unit = s->head; unit; unit = unit->next) s->asked.rows_left += unit->rows;
    drop_all(s);
    s->at_group = group;
    s->at_row = row;
    s->unit_rows = rows / 2;
}

/* Batches. */

static lm_status check_jobs(read_stream *s, const read_unit *unit, bool *overflow, lm_error *error)
{
    *overflow = false;
    for (uint32_t i = 0; i < s->plan.leaf_count; i++) {
        const read_job *job = &unit->jobs[i];
        if (job->status == LM_OK) continue;
        *overflow = job->status == LM_LIMIT && unit->parts[i].overflow && unit->rows > 1;
        if (error) *error = job->error;
        return lm__reader_within(s->reader, unit->track->row_group, job->status, error);
    }
    return LM_OK;
}

/* The rows of the next unit; *batch is NULL at the end. */
static lm_status next_rows(read_stream *s, lm_batch **batch, lm_error *error)
{
    for (;;) {
        bool overflow;
        *batch = NULL;
        LM_TRY(look_ahead(s, error));
        read_unit *unit = s->head;
        if (!unit) return LM_OK;
        lm__group_wait_helping(&unit->group);
        lm_status status = check_jobs(s, unit, &overflow, error);
        if (overflow) {
            halve(s);
            continue;
        }
        if (status == LM_OK)
            status = lm__reader_within(s->reader, unit->track->row_group,
                                       lm__read_batch_make(s->allocator, &s->plan, unit->parts,
                                                           &unit->slab, unit->rows, batch, error),
                                       error);
        drop_head(s);
        return status;
    }
}

static void tell_counts(const read_stream *s)
{
    if (!s->counts) return;
    s->counts->pages_read = (int64_t)atomic_load(&s->tally.pages);
    s->counts->bytes_read = (int64_t)atomic_load(&s->tally.bytes);
}

static lm_status stream_next(lm_stream *stream, lm_batch **batch, lm_error *error)
{
    read_stream *s = (read_stream *)stream;
    if (!s->rest.batch) {
        LM_TRY(next_rows(s, &s->rest.batch, error));
        tell_counts(s);
    }
    return lm__batch_rest_next(&s->rest, (int64_t)s->asked.batch_rows, batch, error);
}

/* Opening and closing. */

static void stream_close(lm_stream *stream)
{
    read_stream *s = (read_stream *)stream;
    const lm_allocator *allocator = s->allocator;
    drop_all(s);
    tell_counts(s);
    lm__batch_unref(s->rest.batch);
    if (!s->is_part) lm__pool_free(s->pool);
    while (s->scratches) {
        lm_read_scratch *scratch = s->scratches;
        s->scratches = scratch->next;
        lm__read_scratch_free(scratch);
    }
    if (!s->is_part) lm__read_plan_deinit(&s->plan);
    pthread_mutex_destroy(&s->lock);
    lm__free(allocator, s->asked.row_groups);
    lm__free(allocator, s->spans);
    lm_parquet_reader_close(s->reader);
    if (!s->is_part) lm_keeping_allocator_close(s->blocks);
    lm__free(allocator, s);
}

static lm_status choose_row_groups(const lm_parquet_reader *reader,
                                   const lm_parquet_read_options *options, size_t **row_groups,
                                   size_t *row_group_count, lm_error *error)
{
    size_t count = reader->metadata.row_groups.count;
    *row_group_count = options->row_groups ? options->row_group_count : count;
    *row_groups = lm__alloc_array(reader->allocator, *row_group_count + 1, sizeof **row_groups);
    if (!*row_groups) return lm__error_memory(error, "reading rows");
    for (size_t i = 0; i < *row_group_count; i++) {
        int64_t asked = options->row_groups ? options->row_groups[i] : (int64_t)i;
        if (asked < 0 || (uint64_t)asked >= count)
            return lm__error_set(error, LM_INVALID, "there is no row group %lld, the file has %zu",
                                 (long long)asked, count);
        (*row_groups)[i] = (size_t)asked;
    }
    return LM_OK;
}

static lm_status check_options(const lm_parquet_reader *reader,
                               const lm_parquet_read_options *options, lm_error *error)
{
    int per_second = options->int96_per_second;
    if (reader->without_row_groups)
        return lm__error_set(error, LM_INVALID, "the file was opened without its row groups");
    if (options->row_first < 0 || options->row_count < 0 || options->batch_rows < 0)
        return lm__error_set(error, LM_INVALID, "a number of rows below zero");
    if (per_second && per_second != 1000 && per_second != 1000000 && per_second != 1000000000)
        return lm__error_set(error, LM_INVALID, "int96_per_second is 1000, 1000000 or 1000000000");
    return LM_OK;
}

lm_status lm__read_asked_make(const lm_parquet_reader *reader,
                              const lm_parquet_read_options *options, lm_read_tally *tally,
                              lm_read_asked *asked, lm_error *error)
{
    *asked = (lm_read_asked){
        .rows_to_skip = (uint64_t)options->row_first,
        .rows_left = options->row_count ? (uint64_t)options->row_count : UINT64_MAX,
        .batch_rows = (size_t)options->batch_rows,
        .bytes_max =
            options->memory_bytes_max ? options->memory_bytes_max : LM_PARQUET_READ_AHEAD_BYTES,
        .limits = reader->limits,
    };
    asked->limits.cancel = options->cancel;
    asked->limits.tally = tally;
    LM_TRY(check_options(reader, options, error));
    return choose_row_groups(reader, options, &asked->row_groups, &asked->row_group_count, error);
}

lm_status lm__read_pool_new(const lm_parquet_reader *reader, const lm_parquet_read_options *options,
                            lm_pool **pool, lm_error *error)
{
    int threads = options->threads;
    LM_TRY(lm__pool_new(reader->allocator, threads, pool, error));
    if (threads > 0 || getenv("LAMELLA_THREADS") || lm_source_view(reader->source, 0, 1) ||
        lm__pool_threads(*pool) >= LM_PARQUET_READ_FAR_THREADS)
        return LM_OK;
    lm__pool_free(*pool); /* no thread of it has begun */
    return lm__pool_new(reader->allocator, LM_PARQUET_READ_FAR_THREADS, pool, error);
}

static lm_status open_stream(read_stream *s, const lm_parquet_read_options *options,
                             lm_error *error)
{
    LM_TRY(lm__read_asked_make(s->reader, options, &s->tally, &s->asked, error));
    s->counts = options->counts;
    LM_TRY(lm_keeping_allocator_new(s->allocator, s->asked.bytes_max / 2, &s->blocks, error));
    LM_TRY(lm__read_pool_new(s->reader, options, &s->pool, error));
    s->threads = lm__pool_threads(s->pool);
    return lm__read_plan_make(s->reader, options, &s->plan, error);
}

static lm_status open_part(read_stream *s, const lm_read_part_of *part, lm_error *error)
{
    s->is_part = true;
    s->plan = *part->plan;
    s->pool = part->pool;
    s->blocks = part->blocks;
    s->threads = lm__pool_threads(s->pool);
    s->asked.limits = *part->limits;
    s->asked.bytes_max = part->bytes_max;
    s->asked.batch_rows = part->batch_rows;
    s->by_index = part->by_index;
    s->asked.rows_left = UINT64_MAX;
    s->asked.row_group_count = 1;
    s->asked.row_groups = lm__alloc_array(s->allocator, 1, sizeof *s->asked.row_groups);
    s->spans = lm__alloc_array(s->allocator, part->range_count, sizeof *s->spans);
    if (!s->asked.row_groups || !s->spans) return lm__error_memory(error, "reading rows");
    s->asked.row_groups[0] = part->row_group;
    uint64_t at = 0;
    for (size_t i = 0; i < part->range_count; i++) {
        s->spans[i] = (lm_row_span){part->ranges[i], at};
        at += part->ranges[i].end - part->ranges[i].start;
    }
    s->span_count = part->range_count;
    return LM_OK;
}

static lm_status new_stream(lm_parquet_reader *reader, read_stream **stream, lm_error *error)
{
    read_stream *s = lm__alloc_zero(reader->allocator, sizeof *s);
    if (!s) return lm__error_memory(error, "reading rows");
    s->allocator = reader->allocator;
    s->reader = lm__parquet_reader_ref(reader);
    s->is_far = !lm_source_view(reader->source, 0, 1);
    pthread_mutex_init(&s->lock, NULL);
    *stream = s;
    return LM_OK;
}

static const lm_stream_ops stream_ops = {stream_next, stream_close};

lm_status lm__parquet_stream_open(lm_parquet_reader *reader, const lm_parquet_read_options *options,
                                  lm_stream **stream, lm_error *error)
{
    static const lm_parquet_read_options defaults;
    read_stream *s = NULL;
    if (options && options->filter) return lm__parquet_filter_open(reader, options, stream, error);
    LM_TRY(new_stream(reader, &s, error));
    lm_status status = open_stream(s, options ? options : &defaults, error);
    if (status != LM_OK) {
        stream_close(&s->stream);
        return status;
    }
    lm__stream_init(&s->stream, &stream_ops, s->plan.schema);
    *stream = &s->stream;
    return LM_OK;
}

lm_status lm__parquet_stream_open_part(lm_parquet_reader *reader, const lm_read_part_of *part,
                                       lm_stream **stream, lm_error *error)
{
    read_stream *s = NULL;
    LM_TRY(new_stream(reader, &s, error));
    lm_status status = open_part(s, part, error);
    if (status == LM_OK) status = look_ahead(s, error);
    if (status != LM_OK) {
        stream_close(&s->stream);
        return status;
    }
    lm__stream_init(&s->stream, &stream_ops, s->plan.schema);
    *stream = &s->stream;
    return LM_OK;
}

lm_status lm_parquet_read_stream(lm_parquet_reader *reader, const lm_parquet_read_options *options,
                                 struct ArrowArrayStream *out, lm_error *error)
{
    lm_stream *stream;
    LM_TRY(lm__parquet_stream_open(reader, options, &stream, error));
    return lm__stream_export_take(reader->allocator, stream, out, error);
}

lm_status lm_parquet_reader_schema(lm_parquet_reader *reader,
                                   const lm_parquet_read_options *options, struct ArrowSchema *out,
                                   lm_error *error)
{
    static const lm_parquet_read_options defaults;
    lm_read_plan plan;
    LM_TRY(lm__read_plan_make(reader, options ? options : &defaults, &plan, error));
    lm_status status = lm_schema_export(plan.schema, out, error);
    lm__read_plan_deinit(&plan);
    return status;
}
