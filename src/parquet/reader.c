/*
 * Opening a Parquet file: magic, footer, schema (README.md, "File format").
 *
 * Invariants
 *  1. Nothing is read outside the source; the footer's length is checked against it first.
 *  2. The magic at the head is looked at where that costs no request of its own.
 *  3. The source is closed exactly once: on failure at once, else with the last reference.
 */
#include "parquet/reader.h"

#include <string.h>

#include "base/alloc.h"
#include "base/bits.h"
#include "base/error.h"
#include "base/limits.h"

#define MAGIC_BYTES 4
#define TAIL_BYTES 8 /* length and magic */
#define FILE_BYTES_MIN (MAGIC_BYTES + TAIL_BYTES)

lm_status lm__reader_within(const lm_parquet_reader *reader, size_t row_group, lm_status status,
                            lm_error *error)
{
    char name[LM_READ_PATH_MAX];
    if (status == LM_OK) return LM_OK;
    lm__printable(name, sizeof name, reader->owned->name);
    if (row_group == SIZE_MAX) return lm__error_within(error, status, "%s", name);
    return lm__error_within(error, status, "%s: row group %zu", name, row_group);
}

/* A source without views, in front of one that has them. */
static lm_parquet_reader *reader_of(lm_source *masked)
{
    return (lm_parquet_reader *)((char *)masked - offsetof(lm_parquet_reader, masked));
}

static lm_status masked_read(lm_source *source, uint64_t offset, void *buffer, size_t size,
                             lm_error *error)
{
    return lm_source_read(reader_of(source)->owned, offset, buffer, size, error);
}

static void masked_close(lm_source *source) { (void)source; }

static const lm_source_ops masked_ops = {masked_read, NULL, masked_close};

/* The last `size` bytes of the source. */
static lm_status read_tail(lm_parquet_reader *reader, size_t size, const uint8_t **bytes,
                           lm_error *error)
{
    uint64_t offset = reader->source->size - size;
    *bytes = lm_source_view(reader->source, offset, size);
    if (*bytes) return LM_OK;
    lm__free(reader->allocator, reader->tail);
    reader->tail = lm__alloc(reader->allocator, size);
    if (!reader->tail) return lm__error_memory(error, "reading a footer");
    *bytes = reader->tail;
    return lm_source_read(reader->source, offset, reader->tail, size, error);
}

static lm_status check_tail(const lm_parquet_reader *reader, const uint8_t *end, size_t *footer,
                            lm_error *error)
{
    const uint8_t *magic = end - MAGIC_BYTES;
    if (memcmp(magic, "PARE", MAGIC_BYTES) == 0)
        return lm__error_set(error, LM_UNSUPPORTED,
                             "an encrypted Parquet file: its footer cannot be read");
    if (memcmp(magic, "PAR1", MAGIC_BYTES) != 0)
        return lm__error_set(error, LM_CORRUPT, "no Parquet file: it does not end with PAR1");
    *footer = lm__load32(end - TAIL_BYTES);
    if (*footer > reader->source->size - FILE_BYTES_MIN)
        return lm__error_set(error, LM_CORRUPT, "a footer of %zu bytes in a file of %llu", *footer,
                             (unsigned long long)reader->source->size);
    if (*footer > LM_PARQUET_FOOTER_BYTES_MAX)
        return lm__error_set(error, LM_LIMIT, "a footer of %zu bytes; the limit is %zu", *footer,
                             LM_PARQUET_FOOTER_BYTES_MAX);
    return LM_OK;
}

/* Invariant 2. */
static lm_status check_head(const lm_parquet_reader *reader, const uint8_t *tail, size_t size,
                            lm_error *error)
{
    const uint8_t *head =
        size == reader->source->size ? tail : lm_source_view(reader->source, 0, MAGIC_BYTES);
    if (head && memcmp(head, "PAR1", MAGIC_BYTES) != 0)
        return lm__error_set(error, LM_CORRUPT, "no Parquet file: it does not begin with PAR1");
    return LM_OK;
}

static lm_status sum_rows(lm_parquet_reader *reader, lm_error *error)
{
    const lm_file_metadata *metadata = &reader->metadata;
    reader->rows = reader->without_row_groups ? metadata->num_rows : 0;
    for (size_t i = 0; i < metadata->row_groups.count; i++)
        if (__builtin_add_overflow(reader->rows, metadata->row_groups.items[i].num_rows,
                                   &reader->rows))
            return lm__error_set(error, LM_CORRUPT, "more rows than 63 bits can count");
    return LM_OK;
}

static lm_status open_file(lm_parquet_reader *reader, lm_error *error)
{
    uint64_t size = reader->source->size;
    size_t footer = 0, wanted = LM_PARQUET_READ_TAIL_BYTES;
    const uint8_t *tail;
    if (size < FILE_BYTES_MIN)
        return lm__error_set(error, LM_CORRUPT, "no Parquet file: it has only %llu bytes",
                             (unsigned long long)size);
    if (wanted > size) wanted = (size_t)size;
    LM_TRY(read_tail(reader, wanted, &tail, error));
    LM_TRY(check_tail(reader, tail + wanted, &footer, error));
    LM_TRY(check_head(reader, tail, wanted, error));
    if (footer + TAIL_BYTES > wanted) {
        wanted = footer + TAIL_BYTES;
        LM_TRY(read_tail(reader, wanted, &tail, error));
    }
    reader->footer = tail + wanted - TAIL_BYTES - footer;
    reader->footer_bytes = footer;
    lm_footer_options options = {.without_row_groups = reader->without_row_groups};
    LM_TRY(lm__footer_read(reader->footer, footer, &options, &reader->arena, &reader->metadata,
                           error));
    LM_TRY(lm__read_schema_make(&reader->arena, &reader->metadata, &reader->schema, error));
    reader->oddities = lm__writer_oddities(reader->metadata.created_by);
    return sum_rows(reader, error);
}

lm_status lm_parquet_reader_open(lm_source *take_source, const lm_parquet_reader_options *options,
                                 lm_parquet_reader **reader, lm_error *error)
{
    static const lm_parquet_reader_options defaults;
    if (!options) options = &defaults;
    const lm_allocator *allocator = lm__allocator_or_default(options->allocator);
    lm_parquet_reader *made = lm__alloc_zero(allocator, sizeof *made);
    if (!made) {
        lm_source_close(take_source);
        return lm__error_memory(error, "opening a Parquet file");
    }
    made->references = 1;
    made->allocator = allocator;
    made->owned = made->source = take_source;
    if (options->no_views) {
        made->masked = (lm_source){&masked_ops, take_source->size, take_source->name};
        made->source = &made->masked;
    }
    lm__arena_init(&made->arena, allocator, 0);
    made->limits.crc_check = options->crc_check;
    made->limits.page_bytes_max =
        options->page_bytes_max ? options->page_bytes_max : LM_PARQUET_READ_PAGE_BYTES_MAX;
    made->without_row_groups = options->without_row_groups;
    lm_status status = lm__reader_within(made, SIZE_MAX, open_file(made, error), error);
    if (status != LM_OK) {
        lm_parquet_reader_close(made);
        return status;
    }
    *reader = made;
    return LM_OK;
}

lm_parquet_reader *lm__parquet_reader_ref(lm_parquet_reader *reader)
{
    atomic_fetch_add_explicit(&reader->references, 1, memory_order_relaxed);
    return reader;
}

void lm_parquet_reader_close(lm_parquet_reader *reader)
{
    if (!reader || atomic_fetch_sub_explicit(&reader->references, 1, memory_order_acq_rel) != 1)
        return;
    lm_source_close(reader->owned);
    lm__arena_deinit(&reader->arena);
    lm__free(reader->allocator, reader->tail);
    lm__free(reader->allocator, reader);
}

int64_t lm_parquet_reader_rows(const lm_parquet_reader *reader) { return reader->rows; }

int64_t lm_parquet_reader_row_groups(const lm_parquet_reader *reader)
{
    return (int64_t)reader->metadata.row_groups.count;
}

lm_status lm__reader_chunk(const lm_parquet_reader *reader, size_t row_group,
                           const lm_read_node *leaf, const lm_column_metadata **metadata,
                           lm_error *error)
{
    const lm_column_chunk *chunk =
        &reader->metadata.row_groups.items[row_group].columns.items[leaf->leaf_first];
    char path[LM_READ_PATH_MAX];
    if (chunk->crypto_metadata || chunk->encrypted_column_metadata.data)
        return lm__error_set(error, LM_UNSUPPORTED, "column %s is encrypted",
                             lm__read_path(leaf, path));
    if (chunk->file_path.size > 0)
        return lm__error_set(error, LM_UNSUPPORTED, "column %s lies in another file",
                             lm__read_path(leaf, path));
    if (!chunk->meta_data)
        return lm__error_set(error, LM_CORRUPT, "column %s has no metadata",
                             lm__read_path(leaf, path));
    *metadata = chunk->meta_data;
    return LM_OK;
}
