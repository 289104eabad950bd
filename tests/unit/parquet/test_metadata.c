/* The structures of parquet.thrift on bytes worked out from it and from the compact protocol: each
 * is written to exactly these bytes, and read from them to what writes them again. */
#include "parquet/metadata.h"

#include "base/limits.h"
#include "check.h"
#include "check_alloc.h"

static lm_error error;

#define BYTES(text) ((lm_bytes){(const uint8_t *)(text), sizeof text - 1})

static void check_written(const lm_buffer *out, const void *want, size_t size)
{
    CHECK_INT(out->size, size);
    if (out->size >= size) CHECK_BYTES(out->data, want, size);
}

/* Reads a footer, writes it again, and compares. */
static void check_footer_again(const uint8_t *bytes, size_t size)
{
    lm_arena arena;
    lm_buffer out;
    lm_file_metadata file;
    lm__arena_init(&arena, NULL, 0);
    lm__buffer_init(&out, NULL, 0);
    CHECK_OK(lm__footer_read(bytes, size, NULL, &arena, &file, &error), error);
    CHECK_STATUS(lm__footer_write(&file, &out), LM_OK);
    check_written(&out, bytes, size);
    lm__buffer_deinit(&out);
    lm__arena_deinit(&arena);
}

/* FileMetaData {1: 1, 2: [{4: "s", 5: 1}, {1: type, 3: REQUIRED, 4: "a", …}], 3: 0, 4: []} */
static const uint8_t file_head[] = {0x15, 0x02, 0x19, 0x2c, 0x48, 0x01, 's', 0x15, 0x02, 0x00};
static const uint8_t file_tail[] = {0x16, 0x00, 0x19, 0x0c, 0x00};

static void check_leaf(const lm_schema_element *leaf, const char *leaf_bytes, size_t leaf_size)
{
    uint8_t want[200];
    size_t size = 0;
    memcpy(want, file_head, sizeof file_head);
    size += sizeof file_head;
    memcpy(want + size, leaf_bytes, leaf_size);
    size += leaf_size;
    memcpy(want + size, file_tail, sizeof file_tail);
    size += sizeof file_tail;
    lm_schema_element elements[2] = {
        {.has = LM_SCHEMA_ELEMENT_NUM_CHILDREN, .name = BYTES("s"), .num_children = 1}, *leaf};
    lm_file_metadata file = {
        .version = 1, .schema = {elements, 2}, .row_groups = {(void *)lm_thrift_empty, 0}};
    lm_buffer out;
    lm__buffer_init(&out, NULL, 0);
    CHECK_STATUS(lm__footer_write(&file, &out), LM_OK);
    check_written(&out, want, size);
    lm__buffer_deinit(&out);
    check_footer_again(want, size);
}

TEST(schema_element)
{
    lm_schema_element leaf = {
        .has = LM_SCHEMA_ELEMENT_TYPE | LM_SCHEMA_ELEMENT_TYPE_LENGTH |
               LM_SCHEMA_ELEMENT_REPETITION | LM_SCHEMA_ELEMENT_CONVERTED |
               LM_SCHEMA_ELEMENT_SCALE | LM_SCHEMA_ELEMENT_PRECISION | LM_SCHEMA_ELEMENT_FIELD_ID,
        .type = LM_PARQUET_FIXED_LEN_BYTE_ARRAY,
        .type_length = 16,
        .repetition_type = LM_PARQUET_OPTIONAL,
        .name = BYTES("ab"),
        .converted_type = LM_PARQUET_CONVERTED_DECIMAL,
        .scale = 10,
        .precision = 38,
        .field_id = -1,
    };
    static const char want[] = "\x15\x0e\x15\x20\x15\x02\x18\x02"
                               "ab\x25\x0a\x15\x14\x15\x4c\x15\x01\x00";
    check_leaf(&leaf, want, sizeof want - 1);
}

/* The union LogicalType, field 10 of SchemaElement, for each of its members. */
TEST(logical_types)
{
    static const struct {
        lm_logical_type logical;
        const char *bytes; /* of field 10 */
        size_t size;
    } cases[] = {
#define CASE(fields, text) {{fields}, text, sizeof text - 1}
#define EMPTY(member_, header) CASE(.choice = {.member = member_}, header "\x00\x00")
        EMPTY(LM_PARQUET_LOGICAL_STRING, "\x1c"),
        EMPTY(LM_PARQUET_LOGICAL_MAP, "\x2c"),
        EMPTY(LM_PARQUET_LOGICAL_LIST, "\x3c"),
        EMPTY(LM_PARQUET_LOGICAL_ENUM, "\x4c"),
        {{.choice = {.member = LM_PARQUET_LOGICAL_DECIMAL}, .scale = 2, .precision = 9},
         "\x5c\x15\x04\x15\x12\x00\x00",
         7},
        EMPTY(LM_PARQUET_LOGICAL_DATE, "\x6c"),
        {{.choice = {.member = LM_PARQUET_LOGICAL_TIME},
          .is_adjusted_to_utc = true,
          .unit = LM_PARQUET_MICROS},
         "\x7c\x11\x1c\x2c\x00\x00\x00\x00",
         8},
        {{.choice = {.member = LM_PARQUET_LOGICAL_TIMESTAMP}, .unit = LM_PARQUET_NANOS},
         "\x8c\x12\x1c\x3c\x00\x00\x00\x00",
         8},
        {{.choice = {.member = LM_PARQUET_LOGICAL_INTEGER}, .bit_width = 16, .is_signed = true},
         "\xac\x13\x10\x11\x00\x00",
         6},
        EMPTY(LM_PARQUET_LOGICAL_UNKNOWN, "\xbc"),
        EMPTY(LM_PARQUET_LOGICAL_JSON, "\xcc"),
        EMPTY(LM_PARQUET_LOGICAL_BSON, "\xdc"),
        EMPTY(LM_PARQUET_LOGICAL_UUID, "\xec"),
        EMPTY(LM_PARQUET_LOGICAL_FLOAT16, "\xfc"),
        {{.choice = {.has = LM_LOGICAL_TYPE_VARIANT_VERSION, .member = LM_PARQUET_LOGICAL_VARIANT},
          .specification_version = 1},
         "\x0c\x20\x13\x01\x00\x00",
         6},
        {{.choice = {.member = LM_PARQUET_LOGICAL_VARIANT}}, "\x0c\x20\x00\x00", 4},
        {{.choice = {.member = LM_PARQUET_LOGICAL_GEOMETRY}}, "\x0c\x22\x00\x00", 4},
        {{.choice = {.member = LM_PARQUET_LOGICAL_GEOMETRY}, .crs = {(const uint8_t *)"srid:0", 6}},
         "\x0c\x22\x18\x06srid:0\x00\x00",
         12},
        {{.choice = {.has = LM_LOGICAL_TYPE_ALGORITHM, .member = LM_PARQUET_LOGICAL_GEOGRAPHY},
          .crs = {(const uint8_t *)"x", 1},
          .algorithm = LM_PARQUET_KARNEY},
         "\x0c\x24\x18\x01x\x15\x08\x00\x00",
         9},
        /* a member of master, and one of the future, as they were */
        {{.choice = {.member = LM_PARQUET_LOGICAL_FILE,
                     .unknown = {(const uint8_t *)"\x18\x01y\x00", 4}}},
         "\x0c\x26\x18\x01y\x00\x00",
         7},
        {{.choice = {.member = 100}}, "\x0c\xc8\x01\x00\x00", 5},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        uint8_t bytes[100] = {0x15, 0x04, 0x25, 0x00, 0x18, 0x01, 'a', 0x6c};
        lm_schema_element leaf = {.has = LM_SCHEMA_ELEMENT_TYPE | LM_SCHEMA_ELEMENT_REPETITION,
                                  .type = LM_PARQUET_INT64,
                                  .name = BYTES("a"),
                                  .logical_type = &cases[i].logical};
        memcpy(bytes + 8, cases[i].bytes, cases[i].size);
        check_leaf(&leaf, (const char *)bytes, 8 + cases[i].size + 1);
    }
}

/* A row group of one chunk with every field that there is. */
static const uint8_t whole_file[] = {
    0x15, 0x04,                                     /* 1 version 2 */
    0x19, 0x2c,                                     /* 2 schema of two */
    0x48, 0x01, 's',  0x15, 0x02, 0x00,             /* root */
    0x15, 0x04, 0x25, 0x00, 0x18, 0x01, 'a',  0x00, /* int64 a, required */
    0x16, 0x06,                                     /* 3 num_rows 3 */
    0x19, 0x1c,                                     /* 4 row_groups of one */
    0x19, 0x1c,                                     /* 1 columns of one */
    0x18, 0x01, 'f',                                /* 1 file_path "f" */
    0x16, 0x08,                                     /* 2 file_offset 4 */
    0x1c,                                           /* 3 meta_data */
    0x15, 0x04,                                     /*   1 type INT64 */
    0x19, 0x25, 0x00, 0x10,                         /*   2 encodings PLAIN, RLE_DICTIONARY */
    0x19, 0x18, 0x01, 'a',                          /*   3 path_in_schema */
    0x15, 0x02,                                     /*   4 codec SNAPPY */
    0x16, 0x06,                                     /*   5 num_values */
    0x16, 0x80, 0x02,                               /*   6 total_uncompressed_size 128 */
    0x16, 0x7e,                                     /*   7 total_compressed_size 63 */
    0x19, 0x1c, 0x18, 0x01, 'k',  0x00,             /*   8 key_value_metadata {k} */
    0x16, 0x50,                                     /*   9 data_page_offset 40 */
    0x16, 0x02,                                     /*   10 index_page_offset 1 */
    0x16, 0x08,                                     /*   11 dictionary_page_offset 4 */
    0x1c,                                           /*   12 statistics */
    0x18, 0x01, 'M',  0x18, 0x01, 'm',              /*     1 max, 2 min */
    0x16, 0x00, 0x16, 0x04,                         /*     3 null_count 0, 4 distinct_count 2 */
    0x18, 0x01, 'X',  0x18, 0x00,                   /*     5 max_value, 6 min_value of no bytes */
    0x12, 0x11, 0x16, 0x02, 0x00,                   /*     7 not exact, 8 exact, 9 nan_count 1 */
    0x19, 0x1c, 0x15, 0x06, 0x15, 0x00, 0x15, 0x02, /*   13 encoding_stats DATA_PAGE_V2, PLAIN, 1 */
    0x00,                                           /* */
    0x16, 0xc8, 0x01,                               /*   14 bloom_filter_offset 100 */
    0x15, 0x60,                                     /*   15 bloom_filter_length 48 */
    0x1c,                                           /*   16 size_statistics */
    0x16, 0x0e,                                     /*     1 unencoded bytes 7 */
    0x19, 0x16, 0x06,                               /*     2 repetition levels [3] */
    0x19, 0x26, 0x02, 0x04, 0x00,                   /*     3 definition levels [1, 2] */
    0x1c, 0x1c,                                     /*   17 geospatial_statistics, 1 bbox */
    0x17, 0,    0,    0,    0,    0,    0,    0xf0, 0xbf,       /*     xmin -1 */
    0x17, 0,    0,    0,    0,    0,    0,    0xf0, 0x3f,       /*     xmax 1 */
    0x17, 0,    0,    0,    0,    0,    0,    0x00, 0xc0,       /*     ymin -2 */
    0x17, 0,    0,    0,    0,    0,    0,    0x00, 0x40,       /*     ymax 2 */
    0x37, 0,    0,    0,    0,    0,    0,    0xe0, 0x3f, 0x00, /*     7 mmin 0.5 */
    0x19, 0x15, 0x02, 0x00,                                     /*     2 geospatial_types [1] */
    0x00,                                                       /* */
    0x16, 0x90, 0x03, 0x15, 0x14,                  /* 4, 5 offset index at 200, of 10 bytes */
    0x16, 0xa4, 0x03, 0x15, 0x28,                  /* 6, 7 column index at 210, of 20 bytes */
    0x1c, 0x2c, 0x19, 0x18, 0x01, 'a',             /* 8 crypto_metadata: the column's key */
    0x18, 0x01, 'K',  0x00, 0x00,                  /* */
    0x18, 0x01, 'E',  0x00,                        /* 9 encrypted_column_metadata */
    0x16, 0x80, 0x02,                              /* 2 total_byte_size 128 */
    0x16, 0x06,                                    /* 3 num_rows */
    0x19, 0x1c, 0x15, 0x00, 0x11, 0x12, 0x00,      /* 4 sorting_columns {0, descending, last} */
    0x16, 0x08, 0x16, 0x7e, 0x14, 0x00, 0x00,      /* 5 file_offset, 6 compressed, 7 ordinal */
    0x19, 0x1c, 0x18, 0x01, 'k',  0x18, 0x01, 'v', /* 5 key_value_metadata {k: v} */
    0x00,                                          /* */
    0x18, 0x07, 'l',  'a',  'm',  'e',  'l',  'l',  'a', /* 6 created_by */
    0x19, 0x1c, 0x2c, 0x00, 0x00,                  /* 7 column_orders [IEEE_754_TOTAL_ORDER] */
    0x1c, 0x1c, 0x18, 0x01, 'p',  0x18, 0x01, 'u', /* 8 encryption_algorithm AES_GCM_V1 */
    0x11, 0x00, 0x00,                              /* */
    0x18, 0x01, 'S',  0x00,                        /* 9 footer_signing_key_metadata */
};

TEST(file_metadata)
{
    lm_arena arena;
    lm_file_metadata file;
    lm__arena_init(&arena, NULL, 0);
    check_footer_again(whole_file, sizeof whole_file);
    CHECK_OK(lm__footer_read(whole_file, sizeof whole_file, NULL, &arena, &file, &error), error);
    CHECK_INT(file.version, 2);
    CHECK_INT(file.schema.count, 2);
    CHECK_INT(file.num_rows, 3);
    CHECK_BYTES(file.created_by.data, "lamella", 7);
    CHECK_INT(file.column_orders.items[0], LM_PARQUET_IEEE_754_TOTAL_ORDER);
    CHECK_INT(file.encryption_algorithm->choice.member, 1);
    CHECK(file.encryption_algorithm->supply_aad_prefix);
    CHECK_INT(file.key_value_metadata.count, 1);
    const lm_row_group *group = &file.row_groups.items[0];
    CHECK_INT(group->total_compressed_size, 63);
    CHECK(LM_HAS(group, LM_ROW_GROUP_ORDINAL));
    CHECK(group->sorting_columns.items[0].descending &&
          !group->sorting_columns.items[0].nulls_first);
    const lm_column_chunk *chunk = &group->columns.items[0];
    CHECK_INT(chunk->column_index_offset, 210);
    CHECK_INT(chunk->column_index_length, 20);
    CHECK_INT(chunk->offset_index_offset, 200);
    CHECK_INT(chunk->offset_index_length, 10);
    CHECK_INT(chunk->crypto_metadata->choice.member, 2);
    CHECK_BYTES(chunk->crypto_metadata->key_metadata.data, "K", 1);
    const lm_column_metadata *meta = chunk->meta_data;
    CHECK_INT(meta->encodings.items[1], LM_PARQUET_RLE_DICTIONARY);
    CHECK_INT(meta->total_uncompressed_size, 128);
    CHECK_INT(meta->data_page_offset, 40);
    CHECK_INT(meta->index_page_offset, 1);
    CHECK_INT(meta->dictionary_page_offset, 4);
    CHECK_INT(meta->bloom_filter_offset, 100);
    CHECK_INT(meta->bloom_filter_length, 48);
    CHECK(meta->key_value_metadata.items[0].value.data == NULL);
    CHECK_INT(meta->encoding_stats.items[0].page_type, LM_PARQUET_DATA_PAGE_V2);
    CHECK_INT(meta->statistics->distinct_count, 2);
    CHECK_INT(meta->statistics->nan_count, 1);
    CHECK(meta->statistics->is_min_value_exact && !meta->statistics->is_max_value_exact);
    CHECK(meta->statistics->min_value.data != NULL && meta->statistics->min_value.size == 0);
    CHECK_INT(meta->size_statistics->unencoded_byte_array_data_bytes, 7);
    CHECK_INT(meta->size_statistics->definition_level_histogram.items[1], 2);
    CHECK(meta->geospatial_statistics->bbox->ymin == -2);
    CHECK(LM_HAS(meta->geospatial_statistics->bbox, LM_BOUNDING_BOX_MMIN));
    CHECK(!LM_HAS(meta->geospatial_statistics->bbox, LM_BOUNDING_BOX_ZMIN));
    /* Without what is not wanted. */
    lm_footer_options options = {.without_row_groups = true};
    CHECK_OK(lm__footer_read(whole_file, sizeof whole_file, &options, &arena, &file, &error),
             error);
    CHECK(file.row_groups.items == NULL && file.num_rows == 3);
    lm__arena_deinit(&arena);
}

/* metadata.h, invariant 1: no cut and no changed byte leads outside. */
TEST(damaged_footers)
{
    uint8_t *bytes = malloc(sizeof whole_file);
    lm_arena arena;
    lm_file_metadata file;
    lm__arena_init(&arena, NULL, 0);
    for (size_t cut = 0; cut < sizeof whole_file; cut++) {
        uint8_t *exact = malloc(cut ? cut : 1);
        memcpy(exact, whole_file, cut);
        CHECK_STATUS(lm__footer_read(exact, cut, NULL, &arena, &file, &error), LM_CORRUPT);
        free(exact);
    }
    for (size_t at = 0; at < sizeof whole_file; at++)
        for (int value = 0; value < 256; value++) {
            memcpy(bytes, whole_file, sizeof whole_file);
            bytes[at] = (uint8_t)value;
            lm__arena_reset(&arena);
            (void)!lm__footer_read(bytes, sizeof whole_file, NULL, &arena, &file, &error);
        }
    for (size_t n = 0;; n++) {
        check_alloc memory;
        lm_arena failing;
        check_alloc_init(&memory, n);
        lm__arena_init(&failing, &memory.allocator, 0);
        lm_status status =
            lm__footer_read(whole_file, sizeof whole_file, NULL, &failing, &file, &error);
        lm__arena_deinit(&failing);
        CHECK_INT(memory.live, 0);
        CHECK_STATUS(status, memory.failed ? LM_NO_MEMORY : LM_OK);
        if (!memory.failed) break;
    }
    lm__arena_deinit(&arena);
    free(bytes);
}

/* Schemas as numbers of children, -1 for a leaf. */
static lm_status read_schema(const int *children, size_t count, size_t columns)
{
    lm_schema_element *elements = calloc(count, sizeof *elements);
    lm_column_chunk *chunks = calloc(columns + 1, sizeof *chunks);
    for (size_t i = 0; i < count; i++) {
        elements[i].name = BYTES("x");
        elements[i].has = children[i] < 0 ? LM_SCHEMA_ELEMENT_TYPE : LM_SCHEMA_ELEMENT_NUM_CHILDREN;
        elements[i].num_children = children[i] == -2 ? -5 : children[i];
        if (children[i] == -2) elements[i].has = LM_SCHEMA_ELEMENT_NUM_CHILDREN;
    }
    lm_row_group group = {.columns = {chunks, columns}};
    lm_file_metadata file = {.version = 1, .schema = {elements, count}, .row_groups = {&group, 1}};
    lm_file_metadata read;
    lm_buffer out;
    lm_arena arena;
    lm__buffer_init(&out, NULL, 0);
    lm__arena_init(&arena, NULL, 0);
    CHECK_STATUS(lm__footer_write(&file, &out), LM_OK);
    lm_status status = lm__footer_read(out.data, out.size, NULL, &arena, &read, &error);
    lm__buffer_deinit(&out);
    lm__arena_deinit(&arena);
    free(elements);
    free(chunks);
    return status;
}

TEST(shapes_of_schemas)
{
#define SHAPE(columns, ...)                                                                        \
    read_schema((const int[]){__VA_ARGS__}, sizeof((const int[]){__VA_ARGS__}) / sizeof(int),      \
                columns)
    CHECK_OK(SHAPE(0, 0), error);
    CHECK_OK(SHAPE(2, 2, -1, -1), error);
    CHECK_OK(SHAPE(3, 2, 2, -1, -1, -1), error);
    CHECK_OK(SHAPE(2, 2, -1, 1, 1, -1), error);
    CHECK_OK(SHAPE(1, 2, 0, -1), error); /* a group of nothing */
    CHECK_STATUS(SHAPE(1, 2, -1, -1), LM_CORRUPT);
    CHECK_TEXT(error.message, "row group 0 has 1 columns where the schema has 2");
    CHECK_STATUS(SHAPE(1, 1, -1, -1), LM_CORRUPT);
    CHECK_TEXT(error.message, "schema element 2 belongs to no group");
    CHECK_STATUS(SHAPE(1, 2, -1), LM_CORRUPT);
    CHECK_TEXT(error.message, "schema element 0 has 2 children");
    CHECK_STATUS(SHAPE(2, 2, 2, -1, -1), LM_CORRUPT);
    CHECK_TEXT(error.message, "the schema ends before its groups do");
    CHECK_STATUS(SHAPE(0, -2), LM_CORRUPT);
    CHECK_TEXT(error.message, "schema element 0 has -5 children");
    int deep[LM_PARQUET_DEPTH_MAX + 3];
    for (size_t i = 0; i < LM_PARQUET_DEPTH_MAX + 3; i++) deep[i] = 1;
    deep[LM_PARQUET_DEPTH_MAX + 1] = -1;
    CHECK_OK(read_schema(deep, LM_PARQUET_DEPTH_MAX + 2, 1), error);
    deep[LM_PARQUET_DEPTH_MAX + 1] = 1;
    deep[LM_PARQUET_DEPTH_MAX + 2] = -1;
    CHECK_STATUS(read_schema(deep, LM_PARQUET_DEPTH_MAX + 3, 1), LM_LIMIT);
}

TEST(negative_rows)
{
    static const uint8_t rows[] = {0x15, 0x02, 0x19, 0x1c, 0x48, 0x01, 's',
                                   0x00, 0x16, 0x01, 0x19, 0x0c, 0x00};
    static const uint8_t none[] = {0x15, 0x02, 0x19, 0x0c, 0x16, 0x00, 0x19, 0x0c, 0x00};
    lm_arena arena;
    lm_file_metadata file;
    lm__arena_init(&arena, NULL, 0);
    CHECK_STATUS(lm__footer_read(rows, sizeof rows, NULL, &arena, &file, &error), LM_CORRUPT);
    CHECK_TEXT(error.message, "the file has -1 rows");
    CHECK_STATUS(lm__footer_read(none, sizeof none, NULL, &arena, &file, &error), LM_CORRUPT);
    CHECK_TEXT(error.message, "the schema has no elements");
    lm__arena_deinit(&arena);
}

TEST(file_crypto_metadata)
{
    /* {1: {2: {2: "u"}}, 2: "key"} */
    static const uint8_t bytes[] = {0x1c, 0x2c, 0x28, 0x01, 'u', 0x00, 0x00,
                                    0x18, 0x03, 'k',  'e',  'y', 0x00, 'x'};
    lm_arena arena;
    lm_file_crypto_metadata crypto;
    size_t taken;
    lm__arena_init(&arena, NULL, 0);
    CHECK_OK(lm__file_crypto_read(bytes, sizeof bytes, &arena, &crypto, &taken, &error), error);
    CHECK_INT(taken, sizeof bytes - 1);
    CHECK_INT(crypto.encryption_algorithm.choice.member, 2);
    CHECK_BYTES(crypto.encryption_algorithm.aad_file_unique.data, "u", 1);
    CHECK_BYTES(crypto.key_metadata.data, "key", 3);
    lm__arena_deinit(&arena);
}

static void check_page_header(const lm_page_header *header, const char *want, size_t size)
{
    lm_buffer out, again;
    lm_arena arena;
    lm_page_header read;
    size_t taken;
    lm__buffer_init(&out, NULL, 0);
    lm__buffer_init(&again, NULL, 0);
    lm__arena_init(&arena, NULL, 0);
    CHECK_STATUS(lm__page_header_write(header, &out), LM_OK);
    check_written(&out, want, size);
    CHECK_STATUS(lm__buffer_text(&out, "what follows"), LM_OK);
    CHECK_OK(lm__page_header_read(out.data, out.size, &arena, &read, &taken, &error), error);
    CHECK_INT(taken, size);
    CHECK_STATUS(lm__page_header_write(&read, &again), LM_OK);
    check_written(&again, want, size);
    for (size_t cut = 0; cut < size; cut++) {
        CHECK_STATUS(lm__page_header_read(want, cut, &arena, &read, &taken, &error), LM_CORRUPT);
        CHECK(taken == SIZE_MAX);
    }
    lm__buffer_deinit(&out);
    lm__buffer_deinit(&again);
    lm__arena_deinit(&arena);
}

TEST(page_headers)
{
    lm_statistics statistics = {.has = LM_STATISTICS_NULL_COUNT, .null_count = 1};
    lm_data_page_header v1 = {.num_values = 100,
                              .encoding = LM_PARQUET_RLE_DICTIONARY,
                              .definition_level_encoding = LM_PARQUET_RLE,
                              .repetition_level_encoding = LM_PARQUET_RLE,
                              .statistics = &statistics};
    lm_page_header header = {.has = LM_PAGE_HEADER_CRC,
                             .type = LM_PARQUET_DATA_PAGE,
                             .uncompressed_page_size = 64,
                             .compressed_page_size = 50,
                             .crc = -2,
                             .data_page_header = &v1};
    static const char want_v1[] = "\x15\x00\x15\x80\x01\x15\x64\x15\x03\x1c\x15\xc8\x01\x15\x10\x15"
                                  "\x06\x15\x06\x1c\x36\x02\x00\x00\x00";
    check_page_header(&header, want_v1, sizeof want_v1 - 1);

    lm_dictionary_page_header dictionary = {
        .has = LM_DICTIONARY_PAGE_HEADER_IS_SORTED, .num_values = 3, .encoding = LM_PARQUET_PLAIN};
    header = (lm_page_header){.type = LM_PARQUET_DICTIONARY_PAGE,
                              .uncompressed_page_size = 1,
                              .compressed_page_size = 1,
                              .dictionary_page_header = &dictionary};
    static const char want_dictionary[] =
        "\x15\x04\x15\x02\x15\x02\x4c\x15\x06\x15\x00\x12\x00\x00";
    check_page_header(&header, want_dictionary, sizeof want_dictionary - 1);

    lm_data_page_header_v2 v2 = {.has = LM_DATA_PAGE_HEADER_V2_IS_COMPRESSED,
                                 .num_values = 10,
                                 .num_nulls = 2,
                                 .num_rows = 9,
                                 .encoding = LM_PARQUET_DELTA_BINARY_PACKED,
                                 .definition_levels_byte_length = 4,
                                 .repetition_levels_byte_length = 5};
    header = (lm_page_header){.type = LM_PARQUET_DATA_PAGE_V2,
                              .uncompressed_page_size = 20,
                              .compressed_page_size = 20,
                              .data_page_header_v2 = &v2};
    static const char want_v2[] = "\x15\x06\x15\x28\x15\x28\x5c\x15\x14\x15\x04\x15\x12\x15\x0a\x15"
                                  "\x08\x15\x0a\x12\x00\x00";
    check_page_header(&header, want_v2, sizeof want_v2 - 1);

    lm_index_page_header index = {0};
    header = (lm_page_header){.type = LM_PARQUET_INDEX_PAGE, .index_page_header = &index};
    static const char want_index[] = "\x15\x02\x15\x00\x15\x00\x3c\x00\x00";
    check_page_header(&header, want_index, sizeof want_index - 1);
}

TEST(page_headers_that_cannot_be)
{
    static const struct {
        const char *bytes;
        size_t size;
        const char *message;
    } cases[] = {
#define CASE2(text, message) {text, sizeof text - 1, message}
        CASE2("\x15\x00\x15\x00\x15\x00\x00",
              "a page of type DATA_PAGE has no header of that type"),
        CASE2("\x15\x04\x15\x00\x15\x00\x00",
              "a page of type DICTIONARY_PAGE has no header of that type"),
        CASE2("\x15\x06\x15\x00\x15\x00\x00",
              "a page of type DATA_PAGE_V2 has no header of that type"),
        CASE2("\x15\x02\x15\x01\x15\x00\x00", "a page has a negative size"),
        CASE2("\x15\x02\x15\x00\x15\x01\x00", "a page has a negative size"),
        CASE2("\x15\x00\x15\x00\x15\x00\x2c\x15\x01\x15\x00\x15\x00\x15\x00\x00\x00",
              "a page's counts cannot be right"),
        CASE2("\x15\x04\x15\x00\x15\x00\x4c\x15\x01\x15\x00\x00\x00",
              "a page's counts cannot be right"),
        CASE2("\x15\x06\x15\x00\x15\x00\x5c\x15\x02\x15\x04\x15\x02\x15\x00\x15\x00\x15\x00\x00"
              "\x00",
              "a page's counts cannot be right"),
        CASE2("\x15\x06\x15\x00\x15\x00\x5c\x15\x02\x15\x00\x15\x02\x15\x00\x15\x01\x15\x00\x00"
              "\x00",
              "a page's levels have a negative size"),
    };
    lm_arena arena;
    lm_page_header header;
    size_t taken;
    lm__arena_init(&arena, NULL, 0);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        CHECK_STATUS(
            lm__page_header_read(cases[i].bytes, cases[i].size, &arena, &header, &taken, &error),
            LM_CORRUPT);
        CHECK_TEXT(error.message, cases[i].message);
        CHECK(taken != SIZE_MAX);
    }
    /* A type of the future is for the reader to pass over; a v2 page is compressed if it does not
     * say that it is not. */
    CHECK_OK(
        lm__page_header_read("\x15\x08\x15\x02\x15\x02\x00", 7, &arena, &header, &taken, &error),
        error);
    CHECK_INT(header.type, 4);
    CHECK_OK(lm__page_header_read("\x15\x06\x15\x00\x15\x00\x5c\x15\x02\x15\x00\x15\x02\x15\x00"
                                  "\x15\x00\x15\x00\x00\x00",
                                  21, &arena, &header, &taken, &error),
             error);
    CHECK(header.data_page_header_v2->is_compressed);
    lm__arena_deinit(&arena);
}

TEST(page_index)
{
    static const uint8_t column_bytes[] = {
        0x19, 0x21, 0x02, 0x01,             /* 1 null_pages [false, true] */
        0x19, 0x28, 0x01, 'a',  0x00,       /* 2 min_values */
        0x19, 0x28, 0x02, 'z',  'z',  0x00, /* 3 max_values */
        0x15, 0x02,                         /* 4 boundary_order ASCENDING */
        0x19, 0x26, 0x00, 0x0a,             /* 5 null_counts [0, 5] */
        0x19, 0x26, 0x02, 0x04,             /* 6 repetition levels [1, 2] */
        0x19, 0x46, 0x02, 0x04, 0x06, 0x08, /* 7 definition levels [1, 2, 3, 4] */
        0x19, 0x26, 0x00, 0x00, 0x00,       /* 8 nan_counts [0, 0] */
    };
    static const bool null_pages[] = {false, true};
    static const lm_bytes mins[] = {{(const uint8_t *)"a", 1}, {(const uint8_t *)"", 0}};
    static const lm_bytes maxs[] = {{(const uint8_t *)"zz", 2}, {(const uint8_t *)"", 0}};
    static const int64_t nulls[] = {0, 5}, repetition[] = {1, 2}, definition[] = {1, 2, 3, 4};
    static const int64_t nans[] = {0, 0};
    lm_column_index column = {.boundary_order = LM_PARQUET_ASCENDING,
                              .null_pages = {null_pages, 2},
                              .min_values = {mins, 2},
                              .max_values = {maxs, 2},
                              .null_counts = {nulls, 2},
                              .repetition_level_histograms = {repetition, 2},
                              .definition_level_histograms = {definition, 4},
                              .nan_counts = {nans, 2}};
    static const uint8_t offset_bytes[] = {
        0x19, 0x2c,                                     /* 1 page_locations */
        0x16, 0x08, 0x15, 0x64, 0x16, 0x00, 0x00,       /* {4, 50, 0} */
        0x16, 0x6c, 0x15, 0x64, 0x16, 0xc8, 0x01, 0x00, /* {54, 50, 100} */
        0x19, 0x26, 0x14, 0x16, 0x00,                   /* 2 unencoded bytes [10, 11] */
    };
    static const lm_page_location places[] = {
        {.offset = 4, .compressed_page_size = 50, .first_row_index = 0},
        {.offset = 54, .compressed_page_size = 50, .first_row_index = 100}};
    static const int64_t unencoded[] = {10, 11};
    lm_offset_index offsets = {.page_locations = {places, 2},
                               .unencoded_byte_array_data_bytes = {unencoded, 2}};
    lm_buffer out;
    lm_arena arena;
    lm__buffer_init(&out, NULL, 0);
    lm__arena_init(&arena, NULL, 0);
    CHECK_STATUS(lm__column_index_write(&column, &out), LM_OK);
    check_written(&out, column_bytes, sizeof column_bytes);
    lm_column_index read;
    CHECK_OK(lm__column_index_read(column_bytes, sizeof column_bytes, &arena, &read, &error),
             error);
    lm__buffer_clear(&out);
    CHECK_STATUS(lm__column_index_write(&read, &out), LM_OK);
    check_written(&out, column_bytes, sizeof column_bytes);
    lm__buffer_clear(&out);
    CHECK_STATUS(lm__offset_index_write(&offsets, &out), LM_OK);
    check_written(&out, offset_bytes, sizeof offset_bytes);
    lm_offset_index read_offsets;
    CHECK_OK(
        lm__offset_index_read(offset_bytes, sizeof offset_bytes, &arena, &read_offsets, &error),
        error);
    lm__buffer_clear(&out);
    CHECK_STATUS(lm__offset_index_write(&read_offsets, &out), LM_OK);
    check_written(&out, offset_bytes, sizeof offset_bytes);
    /* Lists of other lengths. */
    lm_column_index wrong[] = {column, column, column, column};
    wrong[0].min_values.count = 1;
    wrong[1].null_counts.count = 1;
    wrong[2].definition_level_histograms.count = 3;
    wrong[3].nan_counts.count = 0;
    for (size_t i = 0; i < 4; i++) {
        lm__buffer_clear(&out);
        CHECK_STATUS(lm__column_index_write(&wrong[i], &out), LM_OK);
        CHECK_STATUS(lm__column_index_read(out.data, out.size, &arena, &read, &error), LM_CORRUPT);
        CHECK_TEXT(error.message, "the lists of a column index differ in length");
    }
    offsets.unencoded_byte_array_data_bytes.count = 1;
    lm__buffer_clear(&out);
    CHECK_STATUS(lm__offset_index_write(&offsets, &out), LM_OK);
    CHECK_STATUS(lm__offset_index_read(out.data, out.size, &arena, &read_offsets, &error),
                 LM_CORRUPT);
    lm__buffer_deinit(&out);
    lm__arena_deinit(&arena);
}

TEST(names)
{
    CHECK_TEXT(lm__parquet_order_name(3), "INT96_TIMESTAMP_ORDER");
    CHECK(!lm__parquet_order_name(0) && !lm__parquet_order_name(4));
    CHECK_TEXT(lm__parquet_type_name(LM_PARQUET_FIXED_LEN_BYTE_ARRAY), "FIXED_LEN_BYTE_ARRAY");
    CHECK_TEXT(lm__parquet_converted_name(LM_PARQUET_CONVERTED_INTERVAL), "INTERVAL");
    CHECK_TEXT(lm__parquet_converted_name(LM_PARQUET_CONVERTED_INT_8), "INT_8");
    CHECK_TEXT(lm__parquet_repetition_name(LM_PARQUET_REPEATED), "REPEATED");
    CHECK_TEXT(lm__parquet_encoding_name(LM_PARQUET_BYTE_STREAM_SPLIT), "BYTE_STREAM_SPLIT");
    CHECK(lm__parquet_encoding_name(1) == NULL);
    CHECK_TEXT(lm__parquet_page_type_name(LM_PARQUET_DATA_PAGE_V2), "DATA_PAGE_V2");
    CHECK_TEXT(lm__parquet_logical_name(LM_PARQUET_LOGICAL_GEOGRAPHY), "GEOGRAPHY");
    CHECK_TEXT(lm__parquet_logical_name(LM_PARQUET_LOGICAL_TIMESTAMP), "TIMESTAMP");
    CHECK(lm__parquet_type_name(8) == NULL && lm__parquet_type_name(-1) == NULL);
}

int main(void)
{
    RUN(schema_element);
    RUN(logical_types);
    RUN(file_metadata);
    RUN(damaged_footers);
    RUN(shapes_of_schemas);
    RUN(negative_rows);
    RUN(file_crypto_metadata);
    RUN(page_headers);
    RUN(page_headers_that_cannot_be);
    RUN(page_index);
    RUN(names);
    return DONE();
}
