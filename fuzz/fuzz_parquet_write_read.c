/*
 * Any table, written with any options, is read back equal: schema, values and nulls. The arrays
 * that are read go through the validation for those of strangers, and many threads write the bytes
 * that one does.
 */
#include <lamella/parquet.h>
#include <lamella/parquet_read.h>

#include <stdio.h>

#include "arrow/cast.h"
#include "base/error.h"
#include "parquet/write_schema.h"
#include "table.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define LEAVES_MAX 64
#define BATCHES_MAX 4

typedef struct made {
    lm_schema *written, *kept;
    lm_batch *batches[BATCHES_MAX];
    size_t batch_count;
    lm_parquet_options options;
    lm_parquet_column_options columns[LEAVES_MAX];
    lm_parquet_sorting sorting;
    char paths[LEAVES_MAX][1024];
    uint32_t slice; /* rows that are handed over at once */
} made;

static lm_codec any_codec(fuzz_input *in)
{
    static const lm_codec codecs[] = {LM_CODEC_UNCOMPRESSED, LM_CODEC_SNAPPY, LM_CODEC_ZSTD,
                                      LM_CODEC_GZIP, LM_CODEC_LZ4_RAW};
    uint32_t choice = fuzz_byte(in);
    return choice >= 250 ? LM_CODEC_BROTLI : codecs[choice % 5]; /* that one is slow */
}

static int64_t any_limit(fuzz_input *in, int64_t usual)
{
    static const int64_t limits[] = {1, 2, 7, 20, 64, 100, 300, 1000};
    uint32_t choice = fuzz_below(in, 12);
    return choice < 8 ? limits[choice] : usual;
}

static lm_encoding any_encoding(fuzz_input *in, const lm_leaf *leaf)
{
    static const lm_encoding encodings[] = {LM_ENCODING_PLAIN,
                                            LM_ENCODING_RLE_DICTIONARY,
                                            LM_ENCODING_DELTA_BINARY_PACKED,
                                            LM_ENCODING_DELTA_LENGTH_BYTE_ARRAY,
                                            LM_ENCODING_DELTA_BYTE_ARRAY,
                                            LM_ENCODING_BYTE_STREAM_SPLIT};
    uint32_t choice = fuzz_below(in, 8);
    switch (leaf->physical) {
    case LM_PARQUET_BOOLEAN: return choice % 2 ? LM_ENCODING_RLE : LM_ENCODING_PLAIN;
    case LM_PARQUET_INT32:
    case LM_PARQUET_INT64:
        if (choice == 3 || choice == 4) choice = 2;
        break;
    case LM_PARQUET_BYTE_ARRAY:
        if (choice == 2 || choice == 5) choice = 4;
        break;
    case LM_PARQUET_FIXED_LEN_BYTE_ARRAY:
        if (choice == 2 || choice == 3) choice = 4;
        break;
    default:
        if (choice >= 2 && choice <= 4) choice = 5;
    }
    return choice < 6 ? encodings[choice] : LM_ENCODING_AUTO;
}

/* Of each leaf something of its own. */
static void make_columns(fuzz_input *in, made *m)
{
    lm_arena arena;
    lm_write_schema leaves;
    lm_error error;
    lm_parquet_options standard = lm_parquet_options_default();
    lm__arena_init(&arena, NULL, 0);
    MUST_TELL(lm__write_schema_make(&arena, m->kept, &standard, &leaves, &error), &error);
    for (size_t i = 0; i < leaves.leaf_count && i < LEAVES_MAX; i++) {
        const lm_leaf *leaf = &leaves.leaves[i];
        lm_parquet_column_options *column = &m->columns[m->options.column_count++];
        strncpy(m->paths[i], fuzz_byte(in) & 1 ? leaf->path : leaf->arrow_path,
                sizeof m->paths[i] - 1);
        *column = (lm_parquet_column_options){
            .path = m->paths[i],
            .encoding = any_encoding(in, leaf),
            .codec_set = fuzz_byte(in) % 8 == 1,
            .codec = any_codec(in),
            .level = LM_CODEC_LEVEL_DEFAULT,
            .dictionary = (lm_choice)fuzz_below(in, 3),
            .statistics = (lm_choice)fuzz_below(in, 3),
            .bloom = fuzz_byte(in) % 4 == 1 ? LM_CHOICE_ON : LM_CHOICE_DEFAULT,
            .bloom_distinct = fuzz_byte(in),
            .field_id = (int32_t)fuzz_below(in, 3) - 1,
        };
        if (i == 0 && fuzz_byte(in) & 1) {
            m->sorting = (lm_parquet_sorting){m->paths[i], fuzz_byte(in) & 1, false};
            m->options.sorting = &m->sorting;
            m->options.sorting_count = strcmp(m->paths[i], leaf->path) == 0;
        }
    }
    m->options.columns = m->columns;
    lm__arena_deinit(&arena);
}

static void make_options(fuzz_input *in, made *m)
{
    lm_parquet_options *o = &m->options;
    *o = lm_parquet_options_default();
    uint8_t flags = fuzz_byte(in), more = fuzz_byte(in);
    o->codec = any_codec(in);
    o->dictionary = !(flags & 1);
    o->statistics = !(flags & 2);
    o->page_index = !(flags & 4);
    o->size_statistics = !(flags & 8);
    o->page_crc = !(flags & 16);
    o->data_page_version = flags & 32 ? 2 : 1;
    o->arrow_schema = more < 200;
    o->row_group_rows_max = any_limit(in, o->row_group_rows_max);
    o->row_group_bytes_max = (size_t)any_limit(in, (int64_t)o->row_group_bytes_max);
    o->page_bytes_max = (size_t)any_limit(in, (int64_t)o->page_bytes_max);
    o->page_rows_max = any_limit(in, o->page_rows_max);
    o->dictionary_bytes_max = (size_t)any_limit(in, (int64_t)o->dictionary_bytes_max);
    o->statistics_bytes_max = (size_t)any_limit(in, (int64_t)o->statistics_bytes_max);
    o->threads = 1;
    if (more & 1) make_columns(in, m);
}

static void make_batches(fuzz_input *in, made *m)
{
    m->batch_count = 1 + fuzz_below(in, BATCHES_MAX);
    m->slice = fuzz_byte(in);
    for (size_t i = 0; i < m->batch_count; i++) {
        uint32_t rows = fuzz_byte(in), ways = 0;
        if (rows < 200) rows %= 40;
        if (rows >= 250) rows *= 8;
        for (int k = 0; k < 4; k++) ways = ways << 8 | fuzz_byte(in);
        in->state = ways;
        m->batches[i] = fuzz_batch(in, ways, m->written, rows);
    }
}

/* A batch in pieces, of which each is an array with an offset. */
static lm_status write_batch(lm_parquet_writer *writer, const made *m, lm_batch *batch,
                             lm_error *error)
{
    int64_t rows = lm__batch_rows(batch), step = m->slice ? m->slice : rows + 1;
    for (int64_t at = 0; at == 0 || at < rows; at += step) {
        lm_batch *slice;
        struct ArrowArray array;
        MUST_TELL(lm__batch_slice(batch, at, rows - at < step ? rows - at : step, &slice, error),
                  error);
        MUST_TELL(lm__batch_export(slice, &array, error), error);
        lm__batch_unref(slice);
        LM_TRY(lm_parquet_writer_write(writer, &array, error));
    }
    return LM_OK;
}

static int64_t write_table(const made *m, lm_memory_sink *sink)
{
    struct ArrowSchema schema;
    lm_parquet_writer *writer;
    lm_parquet_options options = m->options;
    lm_error error;
    MUST_TELL(lm_schema_export(m->written, &schema, &error), &error);
    lm_status status = lm_parquet_writer_open(&sink->sink, &schema, &options, &writer, &error);
    if (status == LM_INVALID && options.column_count) {
        options.column_count = options.sorting_count = 0; /* a path that names another leaf too */
        status = lm_parquet_writer_open(&sink->sink, &schema, &options, &writer, &error);
    }
    MUST_TELL(status, &error);
    schema.release(&schema);
    int64_t rows = 0;
    for (size_t i = 0; i < m->batch_count; i++) {
        rows += lm__batch_rows(m->batches[i]);
        MUST_TELL(write_batch(writer, m, m->batches[i], &error), &error);
    }
    lm_parquet_result result;
    MUST_TELL(lm_parquet_writer_finish(writer, &result, &error), &error);
    if (result.rows != rows || result.bytes != sink->size) abort();
    return result.row_groups;
}

/* What a failure is about. */
static void tell_and_abort(const made *m, const lm_schema *schema, const char *what)
{
    char text[4096];
    lm_schema_text(m->written, text, sizeof text);
    fprintf(stderr, "%s\nwritten:\n%s", what, text);
    lm_schema_text(schema, text, sizeof text);
    fprintf(stderr, "read:\n%s", text);
    abort();
}

/* Where the rows that were written stand. */
typedef struct cursor {
    const made *m;
    size_t batch;
    int64_t row;
} cursor;

static void compare(cursor *at, const lm_batch *batch)
{
    for (int64_t row = 0; row < lm__batch_rows(batch); row++) {
        while (at->batch < at->m->batch_count &&
               at->row == lm__batch_rows(at->m->batches[at->batch])) {
            at->batch++;
            at->row = 0;
        }
        if (at->batch == at->m->batch_count) abort();
        for (int32_t i = 0; i < batch->root.n_children; i++) {
            lm_array want = lm__batch_column(at->m->batches[at->batch], i);
            lm_array got = lm__batch_column(batch, i);
            if (fuzz_rows_equal(&want, at->row, &got, row)) continue;
            fprintf(stderr, "batch %zu row %lld column %d\n", at->batch, (long long)at->row, i);
            tell_and_abort(at->m, batch->schema, "another value");
        }
        at->row++;
    }
}

/* The batch with the types that were written, from those that Parquet alone tells: NULL where a
 * cast knows no way back. */
static lm_batch *cast_back(const made *m, lm_batch *batch)
{
    lm_cast_options safe = {.mode = LM_CAST_SAFE};
    lm_cast *cast;
    lm_error error;
    lm_batch *out;
    lm_status status = lm__cast_new(NULL, batch->schema, m->kept, &safe, &cast, &error);
    if (status != LM_OK) {
        if (status != LM_SCHEMA && status != LM_UNSUPPORTED) abort();
        return NULL;
    }
    MUST_TELL(lm__cast_batch(cast, batch, 0, &out, &error), &error);
    lm__cast_free(cast);
    return out;
}

static void read_table(fuzz_input *in, const made *m, const lm_memory_sink *sink)
{
    lm_memory_source source;
    lm_parquet_reader *reader;
    struct ArrowArrayStream stream;
    struct ArrowSchema told;
    lm_schema *schema;
    lm_error error;
    uint8_t flags = fuzz_byte(in);
    lm_parquet_reader_options options = {.crc_check = true, .no_views = flags & 1};
    lm_parquet_read_options read = {.batch_rows = flags & 2 ? 1 + fuzz_byte(in) : 0,
                                    .threads = flags >= 240 ? 2 : 1,
                                    .ignore_arrow_schema = flags & 8};
    lm_memory_source_init(&source, sink->data, sink->size, NULL);
    MUST_TELL(lm_parquet_reader_open(&source.source, &options, &reader, &error), &error);
    MUST_TELL(lm_parquet_read_stream(reader, &read, &stream, &error), &error);
    lm_parquet_reader_close(reader);
    if (stream.get_schema(&stream, &told) != 0) abort();
    MUST_TELL(lm_schema_import_take(NULL, &told, &schema, &error), &error);
    bool exact = m->options.arrow_schema && !read.ignore_arrow_schema, ended = false;
    if (exact && !lm_schema_equal(schema, m->kept)) tell_and_abort(m, schema, "another schema");
    cursor at = {.m = m};
    while (!ended) {
        struct ArrowArray array;
        lm_batch *batch, *same;
        if (stream.get_next(&stream, &array) != 0)
            tell_and_abort(m, schema, stream.get_last_error(&stream));
        ended = !array.release;
        if (ended) break;
        if (lm__batch_import_take(NULL, schema, &array, LM_VALIDATE_TEXT, &batch, &error) != LM_OK)
            tell_and_abort(m, schema, error.message);
        same = exact ? lm__batch_ref(batch) : cast_back(m, batch);
        if (same) {
            compare(&at, same);
            lm__batch_unref(same);
        } else {
            at.batch = SIZE_MAX;
        }
        lm__batch_unref(batch);
    }
    stream.release(&stream);
    lm_schema_free(schema);
    if (at.batch == SIZE_MAX) return;
    int64_t left = -at.row;
    for (size_t i = at.batch; i < m->batch_count; i++) left += lm__batch_rows(m->batches[i]);
    if (left) abort();
}

static void threads_write_the_same(const made *m, const lm_memory_sink *sink)
{
    made many = *m;
    lm_memory_sink other;
    many.options.threads = 3;
    lm_memory_sink_init(&other, NULL, SIZE_MAX);
    (void)write_table(&many, &other);
    if (other.size != sink->size || memcmp(other.data, sink->data, other.size) != 0) abort();
    lm_memory_sink_deinit(&other);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static made m;
    fuzz_input in = {data, data + size, 0};
    lm_memory_sink sink;
    memset(&m, 0, sizeof m);
    fuzz_schemas(&in, 3, &m.written, &m.kept);
    make_options(&in, &m);
    make_batches(&in, &m);
    lm_memory_sink_init(&sink, NULL, SIZE_MAX);
    int64_t row_groups = write_table(&m, &sink);
    read_table(&in, &m, &sink);
    if (fuzz_byte(&in) >= 248 && row_groups < 64) threads_write_the_same(&m, &sink);
    lm_memory_sink_deinit(&sink);
    for (size_t i = 0; i < m.batch_count; i++) lm__batch_unref(m.batches[i]);
    lm_schema_free(m.written);
    lm_schema_free(m.kept);
    return 0;
}
