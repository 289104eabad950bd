/*
 * Pages as the writer puts them into the file, every byte worked out from the specification: levels
 * (README.md, "Data Pages"; Encodings.md, "RLE"), then the values in each encoding (Encodings.md)
 * and each representation (LogicalTypes.md).
 */
#include <lamella/parquet.h>

#include "arrow/build.h"
#include "check.h"
#include "parquet/metadata.h"

#define NO_VALUE INT64_MIN /* a null */

/* A column of the type, with these numbers or texts. */
typedef struct golden {
    const char *name, *type;
    lm_encoding encoding;
    int version;
    const int64_t *numbers; /* or: */
    const char *const *texts;
    size_t count;
    const char *body;
    size_t body_size;
    const char *dictionary; /* the body of the dictionary page */
    size_t dictionary_size;
} golden;

#define NUMBERS(...)                                                                               \
    .numbers = (const int64_t[]){__VA_ARGS__},                                                     \
    .count = sizeof((const int64_t[]){__VA_ARGS__}) / sizeof(int64_t)
#define TEXTS(...)                                                                                 \
    .texts = (const char *const[]){__VA_ARGS__},                                                   \
    .count = sizeof((const char *const[]){__VA_ARGS__}) / sizeof(char *)
#define BODY(text) .body = text, .body_size = sizeof text - 1
#define DICTIONARY(text) .dictionary = text, .dictionary_size = sizeof text - 1
#define SIXTEEN(n) n, n, n, n, n, n, n, n, n, n, n, n, n, n, n, n
#define ZEROS_10 "\0\0\0\0\0\0\0\0\0\0"

static const golden pages[] = {
    /* Levels of an optional column: their size, one run of 1 << 1 | 1 packed groups, bits from the
     * lowest on. Version 2 has no size there. */
    {"plain int32", "int32", LM_ENCODING_PLAIN, 1, NUMBERS(1, NO_VALUE, 2, -1),
     BODY("\2\0\0\0\3\x0d"
          "\1\0\0\0\2\0\0\0\xff\xff\xff\xff")},
    {"plain int32 v2", "int32", LM_ENCODING_PLAIN, 2, NUMBERS(1, NO_VALUE, 2, -1),
     BODY("\3\x0d"
          "\1\0\0\0\2\0\0\0\xff\xff\xff\xff")},
    /* Equal levels are one run: 16 << 1, and the level. */
    {"all null", "int32", LM_ENCODING_PLAIN, 1, NUMBERS(SIXTEEN(NO_VALUE)), BODY("\2\0\0\0\x20\0")},
    {"required int64", "int64 not null", LM_ENCODING_PLAIN, 1, NUMBERS(258, -2),
     BODY("\2\1\0\0\0\0\0\0\xfe\xff\xff\xff\xff\xff\xff\xff")},
    {"small integers are INT32", "int8 not null", LM_ENCODING_PLAIN, 1, NUMBERS(-1, 127),
     BODY("\xff\xff\xff\xff\x7f\0\0\0")},
    {"unsigned ones too", "uint16 not null", LM_ENCODING_PLAIN, 1, NUMBERS(65535, 1),
     BODY("\xff\xff\0\0\1\0\0\0")},
    {"booleans", "bool not null", LM_ENCODING_PLAIN, 1, NUMBERS(1, 0, 1, 1, 0, 0, 0, 0, 1),
     BODY("\x0d\1")},
    /* RLE: a size, then the runs with bit width 1: one of 16 << 1 ones, or packed as levels are. */
    {"booleans in runs", "bool not null", LM_ENCODING_RLE, 1, NUMBERS(SIXTEEN(1)),
     BODY("\2\0\0\0\x20\1")},
    {"booleans, packed", "bool not null", LM_ENCODING_RLE, 2, NUMBERS(1, 0, 1, 1),
     BODY("\2\0\0\0\3\x0d")},
    {"text", "utf8 not null", LM_ENCODING_PLAIN, 1, TEXTS("ab", "", "c"),
     BODY("\2\0\0\0ab\0\0\0\0\1\0\0\0c")},
    /* The example of Encodings.md: block of 128, 4 miniblocks, 8 values, the first 7; least delta
     * -2, widths 2 and three unused, deltas less the least: 0 0 0 3 3 3 3. */
    {"delta", "int32 not null", LM_ENCODING_DELTA_BINARY_PACKED, 1, NUMBERS(7, 5, 3, 1, 2, 3, 4, 5),
     BODY("\x80\1\4\x08\x0e"
          "\3\2\0\0\0"
          "\xc0\x3f\0\0\0\0\0\0")},
    {"delta of one", "int64 not null", LM_ENCODING_DELTA_BINARY_PACKED, 1, NUMBERS(-3),
     BODY("\x80\1\4\1\5")},
    /* Lengths 5 5 6 6 as deltas, then the bytes (the example of Encodings.md). */
    {"delta lengths", "utf8 not null", LM_ENCODING_DELTA_LENGTH_BYTE_ARRAY, 1,
     TEXTS("Hello", "World", "Foobar", "ABCDEF"),
     BODY("\x80\1\4\4\x0a"
          "\0\1\0\0\0"
          "\2\0\0\0"
          "HelloWorldFoobarABCDEF")},
    /* Prefixes 0 2 0 3, then suffixes of 4 2 6 5 bytes (the example of Encodings.md). */
    {"delta strings", "utf8 not null", LM_ENCODING_DELTA_BYTE_ARRAY, 1,
     TEXTS("axis", "axle", "babble", "babyhood"),
     BODY("\x80\1\4\4\0"
          "\3\3\0\0\0"
          "\x44\1" ZEROS_10 "\x80\1\4\4\x08"
          "\3\3\0\0\0"
          "\x70\0" ZEROS_10 "axislebabbleyhood")},
    /* The first bytes of all values, then the second ones (the way of Encodings.md's example). */
    {"split floats", "float32 not null", LM_ENCODING_BYTE_STREAM_SPLIT, 1,
     NUMBERS(0x40302010, 0x41312111), BODY("\x10\x11\x20\x21\x30\x31\x40\x41")},
    {"split int64", "int64 not null", LM_ENCODING_BYTE_STREAM_SPLIT, 2, NUMBERS(1, -1),
     BODY("\1\xff\0\xff\0\xff\0\xff\0\xff\0\xff\0\xff\0\xff")},
    {"split decimals", "decimal128(20, 0) not null", LM_ENCODING_BYTE_STREAM_SPLIT, 1,
     NUMBERS(258, -1), BODY("\0\xff\0\xff\0\xff\0\xff\0\xff\0\xff\0\xff\1\xff\2\xff")},
    /* The dictionary is PLAIN; indices have their width in the first byte, then runs. */
    {"dictionary of text", "utf8 not null", LM_ENCODING_RLE_DICTIONARY, 1,
     TEXTS("b", "a", "b", "b"), BODY("\1\3\2"), DICTIONARY("\1\0\0\0b\1\0\0\0a")},
    /* One value needs no bits, and a run's value no byte. */
    {"dictionary of one value", "int64 not null", LM_ENCODING_RLE_DICTIONARY, 1,
     NUMBERS(SIXTEEN(9)), BODY("\0\x20"), DICTIONARY("\x09\0\0\0\0\0\0\0")},
    {"dictionary among nulls", "int32", LM_ENCODING_RLE_DICTIONARY, 2, NUMBERS(5, NO_VALUE, 6, 7),
     BODY("\3\x0d\2\3\x24\0"), DICTIONARY("\5\0\0\0\6\0\0\0\7\0\0\0")},
    /* Other representations. */
    {"decimals of 9 digits are INT32", "decimal128(9, 2) not null", LM_ENCODING_PLAIN, 1,
     NUMBERS(-2), BODY("\xfe\xff\xff\xff")},
    {"decimals of 18 digits are INT64", "decimal256(18, 2) not null", LM_ENCODING_PLAIN, 1,
     NUMBERS(258), BODY("\2\1\0\0\0\0\0\0")},
    {"longer ones big-endian bytes", "decimal128(19, 2) not null", LM_ENCODING_PLAIN, 1,
     NUMBERS(258, -2), BODY("\0\0\0\0\0\0\0\1\2\xff\xff\xff\xff\xff\xff\xff\xff\xfe")},
    {"seconds are milliseconds", "timestamp[s] not null", LM_ENCODING_PLAIN, 1, NUMBERS(1),
     BODY("\xe8\3\0\0\0\0\0\0")},
    {"milliseconds are days", "date64 not null", LM_ENCODING_PLAIN, 1, NUMBERS(86400000 * 3),
     BODY("\3\0\0\0")},
    {"half floats", "float16 not null", LM_ENCODING_PLAIN, 1, NUMBERS(0x3c01), BODY("\1\x3c")},
    {"intervals", "interval_months not null", LM_ENCODING_PLAIN, 1, NUMBERS(14),
     BODY("\x0e\0\0\0\0\0\0\0\0\0\0\0")},
};

static lm_batch *make_batch(const golden *g, lm_schema *schema)
{
    lm_builder root;
    lm_batch *batch = NULL;
    lm_error error;
    CHECK_OK(lm__builder_init(&root, NULL, &schema->root, &error), error);
    lm_builder *column = &root.children[0];
    for (size_t i = 0; i < g->count; i++) {
        uint8_t bytes[32];
        lm_status status = lm__builder_reserve(column, 1);
        if (status == LM_OK && g->texts) {
            status = lm__build_bytes(column, g->texts[i], strlen(g->texts[i]));
        } else if (status == LM_OK && g->numbers[i] == NO_VALUE) {
            status = lm__build_null(column);
        } else if (status == LM_OK && column->field->type.layout == LM_LAYOUT_BITS) {
            lm__build_bool(column, g->numbers[i]);
        } else if (status == LM_OK) {
            memset(bytes, g->numbers[i] < 0 ? 0xff : 0, sizeof bytes);
            memcpy(bytes, &g->numbers[i], 8);
            lm__build_fixed(column, bytes);
        }
        CHECK_INT(status, LM_OK);
    }
    CHECK_OK(lm__builder_finish(&root, schema, &batch, &error), error);
    lm__builder_deinit(&root);
    return batch;
}

static void write_batch(lm_batch *batch, const lm_parquet_options *options, lm_memory_sink *sink)
{
    struct ArrowSchema schema;
    struct ArrowArray array;
    lm_parquet_writer *writer;
    lm_error error;
    lm_memory_sink_init(sink, NULL, SIZE_MAX);
    CHECK_OK(lm_schema_export(batch->schema, &schema, &error), error);
    CHECK_OK(lm_parquet_writer_open(&sink->sink, &schema, options, &writer, &error), error);
    schema.release(&schema);
    CHECK_OK(lm__batch_export(batch, &array, &error), error);
    CHECK_OK(lm_parquet_writer_write(writer, &array, &error), error);
    CHECK_OK(lm_parquet_writer_finish(writer, NULL, &error), error);
}

/* The body of the page at `offset`, against what it should be. */
static void check_page(const lm_memory_sink *sink, int64_t offset, lm_arena *arena,
                       const char *body, size_t body_size, int encoding)
{
    lm_page_header header;
    size_t header_size;
    lm_error error;
    const uint8_t *at = (const uint8_t *)sink->data + offset;
    CHECK_OK(
        lm__page_header_read(at, sink->size - (size_t)offset, arena, &header, &header_size, &error),
        error);
    CHECK_INT(header.compressed_page_size, body_size);
    CHECK_INT(header.uncompressed_page_size, body_size);
    if ((size_t)header.compressed_page_size == body_size)
        CHECK_BYTES(at + header_size, body, body_size);
    if (header.data_page_header) CHECK_INT(header.data_page_header->encoding, encoding);
    if (header.data_page_header_v2) CHECK_INT(header.data_page_header_v2->encoding, encoding);
}

static void check_file(const golden *g, const lm_memory_sink *sink)
{
    const uint8_t *data = (const uint8_t *)sink->data;
    uint32_t footer_size;
    lm_file_metadata file;
    lm_arena arena;
    lm_error error;
    lm__arena_init(&arena, NULL, 0);
    CHECK_BYTES(data, "PAR1", 4);
    CHECK_BYTES(data + sink->size - 4, "PAR1", 4);
    memcpy(&footer_size, data + sink->size - 8, 4);
    CHECK_OK(lm__footer_read(data + sink->size - 8 - footer_size, footer_size, NULL, &arena, &file,
                             &error),
             error);
    const lm_column_metadata *meta = file.row_groups.items[0].columns.items[0].meta_data;
    check_page(sink, meta->data_page_offset, &arena, g->body, g->body_size, (int)g->encoding);
    if (g->dictionary)
        check_page(sink, meta->dictionary_page_offset, &arena, g->dictionary, g->dictionary_size,
                   0);
    lm__arena_deinit(&arena);
}

static lm_parquet_options bare(int version)
{
    lm_parquet_options options = lm_parquet_options_default();
    options.codec = LM_CODEC_UNCOMPRESSED;
    options.data_page_version = version;
    options.threads = 1;
    return options;
}

static void check_golden(const golden *g)
{
    char text[80];
    lm_schema *schema;
    lm_error error;
    lm_memory_sink sink;
    lm_parquet_column_options column = {.path = "c", .encoding = g->encoding, .field_id = -1};
    lm_parquet_options options = bare(g->version);
    options.columns = &column;
    options.column_count = 1;
    snprintf(text, sizeof text, "c: %s", g->type);
    CHECK_OK(lm_schema_parse(NULL, text, strlen(text), &schema, &error), error);
    lm_batch *batch = make_batch(g, schema);
    write_batch(batch, &options, &sink);
    check_file(g, &sink);
    lm_memory_sink_deinit(&sink);
    lm__batch_unref(batch);
    lm_schema_free(schema);
}

TEST(every_encoding)
{
    for (size_t i = 0; i < sizeof pages / sizeof *pages && !check_failed; i++) {
        check_golden(&pages[i]);
        if (check_failed) check_fail(__FILE__, __LINE__, "that was: %s", pages[i].name);
    }
}

/* [[1, 2], null, [], [null]]: repetition levels 0 1 0 0 0, definition levels 3 3 0 1 2. */
TEST(levels_of_a_list)
{
    static const char text[] = "c: list<int32>";
    static const golden v1 = {.encoding = LM_ENCODING_PLAIN,
                              BODY("\2\0\0\0\3\2"
                                   "\3\0\0\0\3\x4f\2"
                                   "\1\0\0\0\2\0\0\0")},
                        v2 = {.encoding = LM_ENCODING_PLAIN,
                              BODY("\3\2"
                                   "\3\x4f\2"
                                   "\1\0\0\0\2\0\0\0")};
    lm_schema *schema;
    lm_builder root;
    lm_batch *batch;
    lm_error error;
    lm_memory_sink sink;
    CHECK_OK(lm_schema_parse(NULL, text, strlen(text), &schema, &error), error);
    CHECK_OK(lm__builder_init(&root, NULL, &schema->root, &error), error);
    lm_builder *list = &root.children[0], *items = &list->children[0];
    CHECK_STATUS(lm__builder_reserve(items, 2), LM_OK);
    lm__build_i32(items, 1);
    lm__build_i32(items, 2);
    CHECK_STATUS(lm__build_list_end(list), LM_OK);
    CHECK_STATUS(lm__build_null(list), LM_OK);
    CHECK_STATUS(lm__build_list_end(list), LM_OK);
    CHECK_STATUS(lm__build_null(items), LM_OK);
    CHECK_STATUS(lm__build_list_end(list), LM_OK);
    CHECK_OK(lm__builder_finish(&root, schema, &batch, &error), error);
    lm__builder_deinit(&root);
    for (int version = 1; version <= 2; version++) {
        lm_parquet_options options = bare(version);
        options.dictionary = false;
        write_batch(batch, &options, &sink);
        check_file(version == 1 ? &v1 : &v2, &sink);
        lm_memory_sink_deinit(&sink);
    }
    lm__batch_unref(batch);
    lm_schema_free(schema);
}

int main(void)
{
    RUN(every_encoding);
    RUN(levels_of_a_list);
    return check_done();
}
