/*
 * Random rows of every type, alone and nested, written by the writer and read by the reader: the
 * schema comes back as it was, and so does every value. fuzz_parquet_write_read looks further; what
 * it found has its schema here.
 */
#include <lamella/parquet.h>
#include <lamella/parquet_read.h>

#include "../arrow/random.h"

static const char *const schemas[] = {
    /* every type */
    "n: null, b: bool, i1: int8, u1: uint8, i2: int16, u2: uint16, i4: int32, u4: uint32",
    "i8: int64, u8: uint64, f2: float16, f4: float32, f8: float64",
    "d4: decimal32(9, 2), d8: decimal64(18, 1), d16: decimal128(20, 3), d32: decimal256(50, 0)",
    "s: utf8, ls: large_utf8, sv: utf8_view, y: binary, ly: large_binary, yv: binary_view",
    "fb: fixed_binary[3], fc: fixed_binary[16], u: extension<arrow.uuid: fixed_binary[16]>",
    "d: date32, t: time64[us], tu: time64[ns], ts: timestamp[us, UTC], tn: timestamp[ns, "
    "Asia/Tokyo]",
    "l: list<utf8>, ll: large_list<int32>, lv: list_view<int16>, llv: large_list_view<utf8_view>",
    "fl: fixed_list<bool>[3], st: struct<a: int8, b: utf8, c: struct<d: bool>>",
    "m: map<utf8, list<int8>>, ls: list<struct<a: list<utf8> not null, b: map<int32, bool>>>",
    "di: dictionary<int16, utf8>, dl: list<dictionary<uint8, "
    "int64>>",
    "a: int64 not null, b: utf8 not null, c: list<item: int32 not null> not null",
    /* found by fuzzing */
    "a: dictionary<int32, bool>, b: dictionary<int8, bool> not null",
    "a: dictionary<uint16, fixed_binary[3]>, b: dictionary<int8, fixed_binary[1]>",
    "a: dictionary<uint16, null>, b: list<dictionary<int8, null>>",
    "a: struct<x: fixed_list<item: large_list<utf8>>[2] not null, y: int8 not null>",
    "a: struct<x: struct<y: fixed_list<int32>[2] not null> not null>, b: fixed_list<int8>[0]",
};

static bool same_batch(const lm_batch *want, const lm_array *got, int64_t at)
{
    for (int32_t i = 0; i < want->root.n_children; i++) {
        lm_array a = lm__batch_column(want, i), b = lm__array_child(got, i);
        for (int64_t row = 0; row < got->length; row++)
            if (!rows_equal(&a, at + row, &b, row)) return false;
    }
    return true;
}

static void check_schema(const char *want, const lm_schema *got)
{
    char texts[2][1024];
    lm_schema *parsed;
    lm_error error;
    CHECK_OK(lm_schema_parse(NULL, want, strlen(want), &parsed, &error), error);
    lm_schema_text(parsed, texts[0], sizeof texts[0]);
    lm_schema_text(got, texts[1], sizeof texts[1]);
    CHECK_TEXT(texts[1], texts[0]);
    lm_schema_free(parsed);
}

static void check_read(const lm_memory_sink *sink, const lm_batch *want, const char *kept,
                       int64_t batch_rows)
{
    lm_memory_source source;
    lm_parquet_reader *reader;
    struct ArrowArrayStream stream;
    struct ArrowSchema told;
    lm_schema *schema;
    lm_error error;
    int64_t at = 0;
    lm_parquet_reader_options options = {.crc_check = true};
    lm_parquet_read_options read = {.threads = 1, .batch_rows = batch_rows};
    lm_memory_source_init(&source, sink->data, sink->size, NULL);
    CHECK_OK(lm_parquet_reader_open(&source.source, &options, &reader, &error), error);
    CHECK_OK(lm_parquet_read_stream(reader, &read, &stream, &error), error);
    lm_parquet_reader_close(reader);
    CHECK_INT(stream.get_schema(&stream, &told), 0);
    CHECK_OK(lm_schema_import_take(NULL, &told, &schema, &error), error);
    check_schema(kept, schema);
    for (;;) {
        struct ArrowArray array;
        lm_batch *batch;
        CHECK_INT(stream.get_next(&stream, &array), 0);
        if (!array.release) break;
        CHECK_OK(lm__batch_import_take(NULL, schema, &array, LM_VALIDATE_TEXT, &batch, &error),
                 error);
        CHECK(same_batch(want, &batch->root, at));
        at += lm__batch_rows(batch);
        lm__batch_unref(batch);
    }
    CHECK_INT(at, lm__batch_rows(want));
    stream.release(&stream);
    lm_schema_free(schema);
}

/* In two pieces, so that the second has an offset. */
static void check_write(lm_batch *batch, const char *kept, const lm_parquet_options *options)
{
    lm_memory_sink sink;
    lm_parquet_writer *writer;
    struct ArrowSchema schema;
    struct ArrowArray array;
    lm_batch *piece;
    lm_error error;
    int64_t rows = lm__batch_rows(batch), half = rows / 3;
    lm_memory_sink_init(&sink, NULL, SIZE_MAX);
    CHECK_OK(lm_schema_export(batch->schema, &schema, &error), error);
    CHECK_OK(lm_parquet_writer_open(&sink.sink, &schema, options, &writer, &error), error);
    schema.release(&schema);
    for (int i = 0; i < 2; i++) {
        int64_t start = i ? half : 0, length = i ? rows - half : half;
        CHECK_OK(lm__batch_slice(batch, start, length, &piece, &error), error);
        CHECK_OK(lm__batch_export(piece, &array, &error), error);
        lm__batch_unref(piece);
        CHECK_OK(lm_parquet_writer_write(writer, &array, &error), error);
    }
    CHECK_OK(lm_parquet_writer_finish(writer, NULL, &error), error);
    check_read(&sink, batch, kept, options->data_page_version == 2 ? 7 : 0);
    lm_memory_sink_deinit(&sink);
}

static void check_schema_rows(const char *text, const char *kept, int64_t rows, int nulls_of_8,
                              uint64_t seed)
{
    lm_schema *schema;
    lm_builder builder;
    lm_batch *batch;
    lm_error error;
    lm_parquet_options options = lm_parquet_options_default();
    options.threads = 1;
    CHECK_OK(lm_schema_parse(NULL, text, strlen(text), &schema, &error), error);
    CHECK_OK(lm__builder_init(&builder, NULL, &schema->root, &error), error);
    CHECK_OK(random_batch(&builder, schema, rows, &seed, nulls_of_8, &batch, &error), error);
    check_write(batch, kept, &options);
    options.data_page_version = 2;
    options.page_rows_max = 5;
    options.row_group_rows_max = 23;
    options.dictionary = false;
    check_write(batch, kept, &options);
    lm__batch_unref(batch);
    lm__builder_deinit(&builder);
    lm_schema_free(schema);
}

static void check_counts(const char *text, const char *kept, uint64_t seed)
{
    static const int64_t counts[] = {0, 1, 8, 65, 200};
    for (size_t k = 0; k < sizeof counts / sizeof *counts && !check_failed; k++) {
        check_schema_rows(text, kept, counts[k], (int)(k % 4), seed + k);
        if (check_failed)
            check_fail(__FILE__, __LINE__, "that was: %s, %lld rows", text, (long long)counts[k]);
    }
}

TEST(what_is_written_is_read)
{
    for (size_t i = 0; i < sizeof schemas / sizeof *schemas; i++)
        check_counts(schemas[i], schemas[i], 1 + i * 10);
}

/* What Parquet keeps as its values: run ends, and dictionaries of what is no leaf. */
TEST(what_parquet_has_not_is_written_as_its_values)
{
    static const char *const pairs[][2] = {
        {"a: run_end_encoded<int32, utf8>, b: run_end_encoded<int16, list<int8>>",
         "a: utf8, b: list<int8>"},
        {"a: list<run_end_encoded<int64, int32>>", "a: list<int32>"},
        {"a: dictionary<int8, struct<x: int32, y: list<utf8>>>",
         "a: struct<x: int32, y: list<utf8>>"},
        {"a: dictionary<uint64, list<item: dictionary<int16, utf8>>>, b: int8",
         "a: list<item: dictionary<int16, utf8>>, b: int8"},
        {"a: list<dictionary<int32, map<utf8, fixed_list<int8>[2]>>>",
         "a: list<map<utf8, fixed_list<int8>[2]>>"},
        {"a: struct<x: dictionary<int32, run_end_encoded<int32, int8>>>", "a: struct<x: int8>"},
    };
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++)
        check_counts(pairs[i][0], pairs[i][1], 7 + i * 10);
}

int main(void)
{
    RUN(what_is_written_is_read);
    RUN(what_parquet_has_not_is_written_as_its_values);
    return check_done();
}
