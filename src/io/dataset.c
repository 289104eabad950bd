/* Opening datasets; see dataset.h. */
#include "io/dataset.h"

#include <string.h>

#include "arrow/filter.h"
#include "arrow/unify.h"
#include "base/alloc.h"
#include "base/error.h"
#include "base/pool.h"
#include "io/conjuncts.h"
#include "io/discover.h"
#include "io/partition.h"
#include "io/slice_stream.h"

typedef struct dataset_reader {
    lm_reader reader; /* first */
    const lm_allocator *allocator;
    lm_dataset *dataset;
} dataset_reader;

static lm_status no_memory(lm_error *error) { return lm__error_memory(error, "opening a dataset"); }

lm_dataset *lm__dataset_ref(lm_dataset *dataset)
{
    atomic_fetch_add_explicit(&dataset->references, 1, memory_order_relaxed);
    return dataset;
}

void lm__dataset_unref(lm_dataset *dataset)
{
    if (!dataset || atomic_fetch_sub_explicit(&dataset->references, 1, memory_order_acq_rel) != 1)
        return;
    for (size_t i = 0; i < dataset->kept_count; i++) lm_schema_free(dataset->kept[i]);
    lm__free(dataset->allocator, dataset->kept);
    lm__batch_unref(dataset->partitions);
    lm_schema_free(dataset->schema);
    lm_schema_free(dataset->loose);
    lm__store_close(dataset->store);
    lm__arena_deinit(&dataset->arena);
    lm__free(dataset->allocator, dataset);
}

int32_t lm__dataset_partition(const lm_dataset *dataset, const char *name, size_t name_size)
{
    if (!dataset->partitions) return -1;
    return lm__field_find(&dataset->partitions->schema->root, name, name_size);
}

/* The format: as it was asked for, or that of the first file; all files have the same. */

static lm_status sniff(lm_dataset *d, const lm_found_file *file, lm_error *error)
{
    lm_source *source;
    uint8_t head[LM_FORMAT_HEAD_BYTES];
    LM_TRY(lm__store_open(d->store, file->path, &source, error));
    size_t size = source->size < sizeof head ? (size_t)source->size : sizeof head;
    lm_status status = lm_source_read(source, 0, head, size, error);
    if (status == LM_OK) d->row = lm__format_find(head, size, file->path);
    lm_source_close(source);
    return status;
}

static lm_status settle_format(lm_dataset *d, const lm_found *found, lm_format format,
                               lm_error *error)
{
    char names[LM_FORMAT_NAMES_MAX];
    d->row = lm__format_row(format);
    if (d->row) return LM_OK;
    d->row = lm__format_row(lm_format_of_path(found->files[0].path));
    if (!d->row) LM_TRY(sniff(d, &found->files[0], error));
    for (size_t i = 0; i < found->count && d->row; i++) {
        lm_format other = lm_format_of_path(found->files[i].path);
        if (other != LM_FORMAT_AUTO && other != d->row->format)
            return lm__error_set(error, LM_INVALID,
                                 "%s is %s and %s is %s: one table has files of one format; a "
                                 "pattern ('*.parquet') takes some of them",
                                 found->files[0].path, d->row->name, found->files[i].path,
                                 lm_format_name(other));
    }
    if (d->row) return LM_OK;
    return lm__error_set(error, LM_INVALID,
                         "%s: no format is known by these first bytes, nor by this suffix; say "
                         "which it is (%s), or take some of the files by a pattern ('*.parquet')",
                         found->files[0].path, lm__format_names(names));
}

/* Pruning (invariant 2): the parts for which the condition is true. */
static lm_status prune(lm_dataset *d, const lm_expr *condition, lm_error *error)
{
    lm_filter *filter;
    int64_t count;
    size_t kept = 0;
    LM_TRY(lm_expr_bind(d->allocator, condition, d->partitions->schema, &filter, error));
    uint8_t *bits = lm__alloc(d->allocator, lm__filter_bits_bytes((int64_t)d->count) + 8);
    lm_status status = bits ? lm__filter_rows(filter, &d->partitions->root, bits, &count, error)
                            : no_memory(error);
    for (size_t i = 0; i < d->count && status == LM_OK; i++)
        if (lm__bit_get(bits, (int64_t)i)) d->parts[kept++] = d->parts[i];
    if (status == LM_OK) d->count = kept;
    lm__free(d->allocator, bits);
    lm_filter_free(filter);
    return status;
}

static lm_status make_parts(lm_dataset *d, const lm_found *found, lm_error *error)
{
    d->parts = lm__arena_array(&d->arena, found->count, sizeof *d->parts);
    if (!d->parts) return no_memory(error);
    d->count = found->count;
    for (size_t i = 0; i < found->count; i++)
        d->parts[i] = (lm_part){.path = found->files[i].path,
                                .size = found->files[i].size,
                                .rows = -1,
                                .place = (int64_t)i};
    return LM_OK;
}

/* Schemas. */

static lm_status keep_schema(lm_dataset *d, lm_schema *take_schema, lm_error *error)
{
    lm_schema **more = lm__realloc_array(d->allocator, d->kept, d->kept_count + 1, sizeof *more);
    if (!more) {
        lm_schema_free(take_schema);
        return no_memory(error);
    }
    d->kept = more;
    d->kept[d->kept_count++] = take_schema;
    return LM_OK;
}

/* A look into one file. */
typedef struct look_job {
    lm_job job; /* first: the job is found by it */
    const lm_dataset *dataset;
    const lm_read_request *request;
    const char *path;
    lm_schema *schema;
    int64_t rows;
    lm_status status;
    lm_error error;
} look_job;

static lm_status look_into(look_job *look)
{
    const lm_dataset *d = look->dataset;
    lm_csv_read_options csv = {0};
    if (look->request->csv) csv = *look->request->csv;
    csv.report = NULL; /* which is of the rows */
    lm_read_request light = {.without_rows = true,
                             .types = look->request->types,
                             .csv = look->request->csv ? &csv : NULL,
                             .dictionaries = look->request->dictionaries,
                             .page_bytes_max = look->request->page_bytes_max,
                             .int96_per_second = look->request->int96_per_second,
                             .threads = 1,
                             .cancel = look->request->cancel};
    const lm_format_row *row;
    lm_reader *reader;
    if (lm__cancel_requested(light.cancel))
        return lm__error_set(&look->error, LM_CANCELLED, "interrupted");
    LM_TRY(lm__table_open(d->allocator, d->store, look->path, NULL, d->row->format, &light, &row,
                          &reader, &look->error));
    lm_status status = LM_OK;
    if (reader->ops->rows) status = reader->ops->rows(reader, &light, &look->rows, &look->error);
    if (status == LM_OK) look->schema = lm_schema_ref(reader->schema);
    lm__reader_close(reader);
    return status;
}

static void run_look(lm_job *job)
{
    look_job *look = (look_job *)job;
    look->status = look_into(look);
}

/* What was seen. A file with the schema of the file before costs nothing more. */
static lm_status learn(lm_dataset *d, lm_part *part, look_job *look, lm_unifier *unifier,
                       lm_error *error)
{
    if (look->status != LM_OK) {
        if (error) *error = look->error;
        return look->status;
    }
    lm_schema *last = d->kept_count ? d->kept[d->kept_count - 1] : NULL;
    part->rows = look->rows;
    if (!last || !lm__field_equal(&last->root, &look->schema->root)) {
        LM_TRY(lm__unify(unifier, look->schema, part->path, error));
        LM_TRY(keep_schema(d, lm_schema_ref(look->schema), error));
    }
    part->schema = d->kept[d->kept_count - 1];
    return LM_OK;
}

#define LOOKS_AT_ONCE 64

/* Parts [first, first + count), side by side; they are joined in their order. */
static lm_status learn_some(lm_dataset *d, size_t first, size_t count,
                            const lm_read_request *request, lm_pool *pool, lm_unifier *unifier,
                            lm_error *error)
{
    lm_group group;
    lm_status status = LM_OK;
    look_job *looks = lm__alloc_zero(d->allocator, count * sizeof *looks);
    if (!looks) return no_memory(error);
    lm__group_init(&group, pool);
    for (size_t i = 0; i < count; i++) {
        looks[i] = (look_job){.job.run = run_look,
                              .dataset = d,
                              .request = request,
                              .path = d->parts[first + i].path,
                              .rows = -1};
        lm__group_submit(&group, &looks[i].job);
    }
    lm__group_wait(&group);
    for (size_t i = 0; i < count; i++) {
        if (status == LM_OK) status = learn(d, &d->parts[first + i], &looks[i], unifier, error);
        lm_schema_free(looks[i].schema);
    }
    lm__free(d->allocator, looks);
    return status;
}

static lm_status learn_all(lm_dataset *d, const lm_read_request *request, lm_unifier *unifier,
                           lm_error *error)
{
    /* Where none is left, the first one tells the schema (parts keep their places). */
    size_t count = d->count ? d->count : 1;
    lm_pool *pool;
    LM_TRY(lm__pool_new(d->allocator, count < 4 ? 1 : request->threads, &pool, error));
    lm_status status = LM_OK;
    for (size_t i = 0; i < count && status == LM_OK; i += LOOKS_AT_ONCE) {
        size_t some = count - i < LOOKS_AT_ONCE ? count - i : LOOKS_AT_ONCE;
        status = learn_some(d, i, some, request, pool, unifier, error);
    }
    lm__pool_free(pool);
    return status;
}

/* The columns of the files that no partition column stands for, and the partition columns. */
static lm_status add_partitions(const lm_dataset *d, const lm_schema *files, lm_schema **schema,
                                lm_error *error)
{
    const lm_field *keys = d->partitions ? &d->partitions->schema->root : NULL;
    int32_t key_count = keys ? keys->n_children : 0, count = 0;
    lm_field root = files->root;
    LM_TRY(lm__schema_new(d->allocator, schema, error));
    lm_arena *arena = &(*schema)->arena;
    root.children =
        lm__arena_array(arena, (size_t)(files->root.n_children + key_count), sizeof *root.children);
    lm_status status = root.children ? LM_OK : no_memory(error);
    for (int32_t i = 0; i < files->root.n_children && status == LM_OK; i++) {
        const lm_field *field = &files->root.children[i];
        if (lm__dataset_partition(d, field->name, field->name_size) < 0)
            root.children[count++] = *field;
    }
    for (int32_t i = 0; i < key_count && status == LM_OK; i++)
        root.children[count++] = keys->children[i];
    root.n_children = count;
    if (status == LM_OK) status = lm__field_copy(arena, &root, &(*schema)->root, error);
    if (status == LM_OK) status = lm__schema_seal(*schema, error);
    if (status == LM_OK) return LM_OK;
    lm_schema_free(*schema);
    *schema = NULL;
    return status;
}

/* Formats without types read the columns that they found as the types of the whole. */
static lm_status retype(lm_dataset *d, const lm_schema *files, lm_error *error)
{
    size_t found = d->kept_count;
    for (size_t i = 0; i < found; i++) {
        const lm_field *root = &d->kept[i]->root;
        lm_schema *typed;
        lm_field made = *root;
        LM_TRY(lm__schema_new(d->allocator, &typed, error));
        lm_status status = LM_OK;
        made.children =
            lm__arena_array(&typed->arena, (size_t)root->n_children, sizeof *made.children);
        if (!made.children) status = no_memory(error);
        for (int32_t k = 0; k < root->n_children && status == LM_OK; k++) {
            int32_t at =
                lm__field_find(&files->root, root->children[k].name, root->children[k].name_size);
            made.children[k] = files->root.children[at];
        }
        if (status == LM_OK) status = lm__field_copy(&typed->arena, &made, &typed->root, error);
        if (status == LM_OK) status = lm__schema_seal(typed, error);
        if (status != LM_OK) {
            lm_schema_free(typed);
            return status;
        }
        for (size_t k = 0; k < d->count; k++)
            if (d->parts[k].schema == d->kept[i]) d->parts[k].schema = typed;
        LM_TRY(keep_schema(d, typed, error));
    }
    return LM_OK;
}

static lm_status learn_schemas(lm_dataset *d, const lm_read_request *request, lm_error *error)
{
    lm_unifier *unifier;
    lm_schema *files = NULL;
    LM_TRY(lm__unifier_new(d->allocator, &unifier, error));
    lm_status status = learn_all(d, request, unifier, error);
    if (status == LM_OK) status = lm__unified(unifier, &files, error);
    if (status == LM_OK) status = add_partitions(d, files, &d->schema, error);
    if (status == LM_OK && d->row->forward) status = retype(d, files, error);
    lm_schema_free(files);
    lm__unifier_free(unifier);
    return status;
}

/* While rows are put together their partition columns are null for a moment. */
static lm_status loosen(lm_dataset *d, lm_error *error)
{
    LM_TRY(lm__schema_new(d->allocator, &d->loose, error));
    LM_TRY(lm__field_copy(&d->loose->arena, &d->schema->root, &d->loose->root, error));
    for (int32_t i = 0; i < d->loose->root.n_children; i++) {
        lm_field *field = &d->loose->root.children[i];
        if (lm__dataset_partition(d, field->name, field->name_size) >= 0) field->nullable = true;
    }
    return lm__schema_seal(d->loose, error);
}

lm_status lm__dataset_prune(lm_dataset *d, const lm_read_request *request, lm_error *error)
{
    lm_conjuncts conjuncts = {0};
    if (!d->partitions || !request->filter) return LM_OK;
    LM_TRY(lm__conjuncts(d->allocator, request->filter, d->partitions->schema, &conjuncts, error));
    d->settled = !conjuncts.files && !conjuncts.mixed;
    lm_status status = conjuncts.partitions ? prune(d, conjuncts.partitions, error) : LM_OK;
    lm__conjuncts_free(&conjuncts);
    return status;
}

static lm_status open_dataset(lm_dataset *d, const char *path, bool is_pattern, lm_format format,
                              const lm_read_request *request, lm_error *error)
{
    lm_found found;
    if (is_pattern)
        LM_TRY(lm__discover_pattern(&d->arena, d->store, path, request->cancel, &found, error));
    else
        LM_TRY(lm__discover_directory(&d->arena, d->store, path, request->cancel, &found, error));
    LM_TRY(settle_format(d, &found, format, error));
    LM_TRY(lm__partition_table(d->allocator, &found, request->schema, &d->partitions, error));
    LM_TRY(make_parts(d, &found, error));
    LM_TRY(lm__dataset_prune(d, request, error));
    if (request->schema)
        d->schema = lm_schema_ref(request->schema);
    else
        LM_TRY(learn_schemas(d, request, error));
    return LM_OK;
}

/* The reader. */

static lm_status dataset_rows(lm_reader *reader, const lm_read_request *request, int64_t *rows,
                              lm_error *error)
{
    const lm_dataset *d = ((dataset_reader *)reader)->dataset;
    (void)error;
    *rows = -1;
    if (request->filter && !d->settled) return LM_OK;
    *rows = 0;
    for (size_t i = 0; i < d->count; i++)
        if (d->parts[i].rows < 0 || __builtin_add_overflow(*rows, d->parts[i].rows, rows)) {
            *rows = -1;
            break;
        }
    return LM_OK;
}

static lm_status dataset_stream(lm_reader *reader, const lm_read_request *request, unsigned *done,
                                lm_stream **stream, lm_error *error)
{
    dataset_reader *own = (dataset_reader *)reader;
    lm_stream *all;
    *done = LM_READ_PROJECTED | LM_READ_SLICED | LM_READ_BATCHED;
    LM_TRY(lm__parts_stream(own->dataset, request, &all, error));
    lm_slice slice = {request->offset, request->limit, request->limited, request->batch_rows,
                      request->cancel};
    if (!request->filter) lm__parts_skip(all, &slice.offset);
    return lm__slice_stream_take(own->allocator, all, &slice, stream, error);
}

static void dataset_close(lm_reader *reader)
{
    dataset_reader *own = (dataset_reader *)reader;
    lm__dataset_unref(own->dataset);
    lm__free(own->allocator, own);
}

lm_status lm__dataset_new_take(const lm_allocator *allocator, lm_store *take_store,
                               lm_dataset **dataset, lm_error *error)
{
    lm_dataset *d = *dataset = lm__alloc_zero(allocator, sizeof *d);
    if (!d) {
        lm__store_close(take_store);
        return no_memory(error);
    }
    d->allocator = allocator;
    d->store = take_store;
    atomic_init(&d->references, 1);
    lm__arena_init(&d->arena, allocator, 0);
    return LM_OK;
}

lm_status lm__dataset_reader_take(lm_dataset *take_dataset, bool fits, const lm_format_row **row,
                                  lm_reader **reader, lm_error *error)
{
    static const lm_reader_ops ops = {NULL, dataset_stream, dataset_rows, dataset_close};
    lm_dataset *d = take_dataset;
    dataset_reader *own = NULL;
    lm_status status = loosen(d, error);
    if (status == LM_OK) {
        own = lm__alloc_zero(d->allocator, sizeof *own);
        if (!own) status = no_memory(error);
    }
    if (!own) {
        lm__dataset_unref(d);
        return status;
    }
    *own = (dataset_reader){{&ops, true, fits, lm_schema_ref(d->schema)}, d->allocator, d};
    *row = d->row;
    *reader = &own->reader;
    return LM_OK;
}

lm_status lm__dataset_open_take(const lm_allocator *allocator, lm_store *take_store,
                                const char *path, bool is_pattern, lm_format format,
                                const lm_read_request *request, const lm_format_row **row,
                                lm_reader **reader, lm_error *error)
{
    lm_dataset *d;
    LM_TRY(lm__dataset_new_take(allocator, take_store, &d, error));
    lm_status status = open_dataset(d, path, is_pattern, format, request, error);
    if (status == LM_OK) return lm__dataset_reader_take(d, true, row, reader, error);
    lm__dataset_unref(d);
    return status;
}
