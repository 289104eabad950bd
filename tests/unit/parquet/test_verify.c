/*
 * Verification finds what is wrong: each claim of the footer and the indexes falsified in turn,
 * each byte of the pages flipped; and inspect tells the same files without believing them. Failing
 * memory leaves nothing behind.
 */
#include <lamella/parquet.h>

#include "arrow/build.h"
#include "base/bits.h"
#include "base/error.h"
#include "check.h"
#include "check_alloc.h"
#include "parquet/canonical.h"
#include "parquet/inspect.h"
#include "parquet/verify.h"

enum { ROWS = 60, ID = 0, NAME = 1, SHARE = 2, TAG = 3 };
static const char schema_text[] =
    "id: int64 not null, name: utf8, share: float64, tags: list<item: int32>, "
    "s: struct<x: int32, y: utf8>";

static lm_memory_sink file; /* what the tests begin with */

static lm_status fill(lm_builder *root)
{
    lm_builder *column = root->children;
    for (int i = 0; i < ROWS; i++) {
        LM_TRY(lm__builder_reserve(&column[0], 1));
        lm__build_i64(&column[0], i * 7);
        LM_TRY(i % 5 ? lm__build_bytes(&column[1], &"abcdefghij"[i % 7], 3)
                     : lm__build_null(&column[1]));
        LM_TRY(lm__builder_reserve(&column[2], 1));
        lm__build_f64(&column[2], i == 9 ? __builtin_nan("") : 1.5 * i);
        for (int k = 0; k < i % 4; k++) {
            LM_TRY(lm__builder_reserve(&column[3].children[0], 1));
            lm__build_i32(&column[3].children[0], i - 10 * k);
        }
        LM_TRY(i % 6 ? lm__build_list_end(&column[3]) : lm__build_null(&column[3]));
        LM_TRY(lm__builder_reserve(&column[4].children[0], 1));
        lm__build_i32(&column[4].children[0], i);
        LM_TRY(i % 3 ? lm__build_bytes(&column[4].children[1], "y", 1)
                     : lm__build_null(&column[4].children[1]));
        LM_TRY(lm__build_struct_end(&column[4]));
    }
    return LM_OK;
}

static lm_status write_file(lm_memory_sink *sink, bool crc, lm_error *error)
{
    lm_parquet_column_options columns[] = {
        {.path = "id", .encoding = LM_ENCODING_AUTO, .bloom = LM_CHOICE_ON, .field_id = -1},
        {.path = "name", .encoding = LM_ENCODING_AUTO, .bloom = LM_CHOICE_ON, .field_id = -1},
    };
    lm_parquet_sorting sorting = {.path = "id"};
    lm_parquet_options options = lm_parquet_options_default();
    struct ArrowSchema exported;
    struct ArrowArray array;
    lm_parquet_writer *writer;
    lm_builder root;
    lm_schema *schema;
    lm_batch *batch;
    options.codec = LM_CODEC_UNCOMPRESSED;
    options.threads = 1;
    options.page_crc = crc;
    options.row_group_rows_max = 40;
    options.page_rows_max = 16;
    options.columns = columns;
    options.column_count = 2;
    options.sorting = &sorting;
    options.sorting_count = 1;
    LM_TRY(lm_schema_parse(NULL, schema_text, strlen(schema_text), &schema, error));
    LM_TRY(lm__builder_init(&root, lm_allocator_default(), &schema->root, error));
    LM_TRY(fill(&root));
    LM_TRY(lm__builder_finish(&root, schema, &batch, error));
    lm__builder_deinit(&root);
    LM_TRY(lm__batch_export(batch, &array, error));
    lm__batch_unref(batch);
    LM_TRY(lm_schema_export(schema, &exported, error));
    lm_schema_free(schema);
    lm_memory_sink_init(sink, NULL, SIZE_MAX / 4);
    LM_TRY(lm_parquet_writer_open(&sink->sink, &exported, &options, &writer, error));
    exported.release(&exported);
    LM_TRY(lm_parquet_writer_write(writer, &array, error));
    LM_TRY(lm_parquet_writer_finish(writer, NULL, error));
    return lm_sink_finish(&sink->sink, error);
}

/* What was found. */
typedef struct found {
    lm_parquet_problem last;
    char column[64], message[256];
    int count;
    lm_parquet_verified result;
} found;

static lm_status keep(void *context, const lm_parquet_problem *problem, lm_error *error)
{
    found *f = context;
    (void)error;
    f->last = *problem;
    (void)snprintf(f->column, sizeof f->column, "%s", problem->column ? problem->column : "");
    (void)snprintf(f->message, sizeof f->message, "%s", problem->message);
    f->count++;
    return LM_OK;
}

static lm_status verify(const lm_allocator *allocator, const void *data, size_t size, found *f,
                        lm_error *error)
{
    lm_parquet_verify_options options = {.callback = keep, .context = f};
    lm_parquet_reader_options how = {.allocator = allocator};
    lm_memory_source source;
    lm_parquet_reader *reader;
    *f = (found){.count = 0};
    lm_memory_source_init(&source, data, size, "test");
    LM_TRY(lm_parquet_reader_open(&source.source, &how, &reader, error));
    lm_status status = lm_parquet_verify(reader, &options, &f->result, error);
    lm_parquet_reader_close(reader);
    return status;
}

TEST(a_sound_file_has_no_problems)
{
    lm_error error;
    found f;
    CHECK_OK(verify(NULL, file.data, file.size, &f, &error), error);
    CHECK_INT(f.count, 0);
    for (size_t n = 0;; n++) {
        check_alloc memory;
        check_alloc_init(&memory, n);
        lm_status status = verify(&memory.allocator, file.data, file.size, &f, &error);
        CHECK_INT(memory.live, 0);
        if (!memory.failed) break;
        CHECK_STATUS(status, LM_NO_MEMORY);
    }
}

/* Falsifying the footer. */

typedef struct opened {
    lm_arena arena;
    lm_file_metadata metadata;
    size_t body; /* bytes before the footer */
} opened;

static void open_footer(opened *o)
{
    size_t footer = lm__load32(file.data + file.size - 8);
    lm_error error;
    o->body = file.size - 8 - footer;
    lm__arena_init(&o->arena, NULL, 0);
    CHECK_OK(lm__footer_read(file.data + o->body, footer, NULL, &o->arena, &o->metadata, &error),
             error);
}

static lm_column_metadata *chunk_of(opened *o, size_t leaf)
{
    return (lm_column_metadata *)o->metadata.row_groups.items[0].columns.items[leaf].meta_data;
}

static lm_statistics *statistics_of(opened *o, size_t leaf)
{
    return (lm_statistics *)chunk_of(o, leaf)->statistics;
}

/* The body, `more` bytes, and the footer as it is now; the problem that it has. */
static void verify_footer(opened *o, const lm_buffer *more, lm_status status, found *f)
{
    lm_buffer whole;
    lm_error error;
    uint8_t tail[8];
    lm__buffer_init(&whole, NULL, 0);
    CHECK_STATUS(lm__buffer_append(&whole, file.data, o->body), LM_OK);
    if (more) CHECK_STATUS(lm__buffer_append(&whole, more->data, more->size), LM_OK);
    size_t start = whole.size;
    CHECK_STATUS(lm__footer_write(&o->metadata, &whole), LM_OK);
    uint32_t size = (uint32_t)(whole.size - start);
    memcpy(tail, &size, 4);
    memcpy(tail + 4, "PAR1", 4);
    CHECK_STATUS(lm__buffer_append(&whole, tail, 8), LM_OK);
    CHECK_STATUS(verify(NULL, whole.data, whole.size, f, &error), status);
    lm__buffer_deinit(&whole);
    lm__arena_deinit(&o->arena);
}

#define FALSE_FOOTER(edit, want_kind, want_column, want_message)                                   \
    do {                                                                                           \
        opened o;                                                                                  \
        found f;                                                                                   \
        open_footer(&o);                                                                           \
        edit;                                                                                      \
        verify_footer(&o, NULL, LM_CORRUPT, &f);                                                   \
        CHECK_INT(f.count, 1);                                                                     \
        CHECK_TEXT(f.last.kind, want_kind);                                                        \
        CHECK_TEXT(f.column, want_column);                                                         \
        CHECK_TEXT(f.message, want_message);                                                       \
    } while (0)

static const int64_t hundred = 100, hundred_ten = 110, one = 1;
static const double two = 2.0;

TEST(false_statistics_of_a_chunk_are_told)
{
    FALSE_FOOTER(statistics_of(&o, NAME)->null_count = 7, "statistics", "name",
                 "it tells of 7 nulls; there are 8");
    FALSE_FOOTER(statistics_of(&o, NAME)->distinct_count = 9, "statistics", "name",
                 "it tells of 9 distinct values; there are 7");
    FALSE_FOOTER(statistics_of(&o, NAME)->max_value = lm__bytes("fgh", 3), "statistics", "name",
                 "max is fgh, and there is the value ghi");
    FALSE_FOOTER(statistics_of(&o, NAME)->max_value = lm__bytes("z", 1), "statistics", "name",
                 "max is z, exactly, but the greatest value is ghi");
    FALSE_FOOTER(statistics_of(&o, ID)->min_value = lm__bytes(&one, 8), "statistics", "id",
                 "min is 1, and there is the value 0");
    FALSE_FOOTER(statistics_of(&o, ID)->max_value = lm__bytes(&hundred, 8), "statistics", "id",
                 "max is 100, and there is the value 273");
    FALSE_FOOTER(statistics_of(&o, ID)->max_value = lm__bytes(&hundred, 7), "statistics", "id",
                 "max has 7 bytes; a value has 8");
    FALSE_FOOTER(statistics_of(&o, SHARE)->min_value = lm__bytes(&two, 8), "statistics", "share",
                 "min is 2.0, and there is the value -0.0");
    FALSE_FOOTER((statistics_of(&o, SHARE)->has |= LM_STATISTICS_NAN_COUNT,
                  statistics_of(&o, SHARE)->nan_count = 3),
                 "statistics", "share", "it tells of 3 NaNs; there are 1");
    FALSE_FOOTER((statistics_of(&o, ID)->max = lm__bytes(&hundred, 8)), "statistics", "id",
                 "max is 100, and there is the value 273");
}

TEST(false_sizes_and_counts_of_a_chunk_are_told)
{
    FALSE_FOOTER(((lm_size_statistics *)chunk_of(&o, NAME)->size_statistics)
                     ->unencoded_byte_array_data_bytes++,
                 "statistics", "name", "it tells of 97 bytes of values; there are 96");
    FALSE_FOOTER(
        (*(int64_t *)&chunk_of(&o, TAG)->size_statistics->definition_level_histogram.items[1])++,
        "statistics", "tags.list.element",
        "it tells of 7 entries with definition level 1; there are 6");
    FALSE_FOOTER(chunk_of(&o, ID)->total_uncompressed_size++, "sizes", "id",
                 f.message); /* the numbers are the writer's affair */
    FALSE_FOOTER(((lm_page_encoding_stats *)chunk_of(&o, ID)->encoding_stats.items)[0].count = 9,
                 "encodings", "id", f.message);
    FALSE_FOOTER(o.metadata.num_rows = 61, "file", "",
                 "the footer tells of 61 rows; its row groups have 60");
    FALSE_FOOTER(
        ((lm_sorting_column *)o.metadata.row_groups.items[0].sorting_columns.items)->descending =
            true,
        "sorting", "id", "the rows are not sorted by this column as the row group says");
    FALSE_FOOTER(
        ((lm_sorting_column *)o.metadata.row_groups.items[0].sorting_columns.items)->column_idx =
            77,
        "row_group", "", "it is sorted by column 77, which is not there");
}

TEST(a_bloom_filter_of_another_column_is_told)
{
    opened o;
    found f;
    open_footer(&o);
    chunk_of(&o, ID)->bloom_filter_offset = chunk_of(&o, NAME)->bloom_filter_offset;
    verify_footer(&o, NULL, LM_CORRUPT, &f);
    CHECK_TEXT(f.last.kind, "bloom_filter");
    CHECK_TEXT(f.column, "id");
}

/* Falsifying the indexes: a new one is put behind the body. */

typedef struct indexes {
    opened o;
    lm_column_chunk *chunk;
    lm_column_index column;
    lm_offset_index offset;
} indexes;

static void open_indexes(indexes *x, size_t leaf)
{
    lm_error error;
    open_footer(&x->o);
    x->chunk = (lm_column_chunk *)&x->o.metadata.row_groups.items[0].columns.items[leaf];
    CHECK_OK(lm__column_index_read(file.data + x->chunk->column_index_offset,
                                   (size_t)x->chunk->column_index_length, &x->o.arena, &x->column,
                                   &error),
             error);
    CHECK_OK(lm__offset_index_read(file.data + x->chunk->offset_index_offset,
                                   (size_t)x->chunk->offset_index_length, &x->o.arena, &x->offset,
                                   &error),
             error);
}

static void verify_indexes(indexes *x, found *f)
{
    lm_buffer more;
    lm__buffer_init(&more, NULL, 0);
    CHECK_STATUS(lm__column_index_write(&x->column, &more), LM_OK);
    x->chunk->column_index_offset = (int64_t)x->o.body;
    x->chunk->column_index_length = (int32_t)more.size;
    CHECK_STATUS(lm__offset_index_write(&x->offset, &more), LM_OK);
    x->chunk->offset_index_offset = (int64_t)x->o.body + x->chunk->column_index_length;
    x->chunk->offset_index_length = (int32_t)more.size - x->chunk->column_index_length;
    verify_footer(&x->o, &more, LM_CORRUPT, f);
    lm__buffer_deinit(&more);
}

#define FALSE_INDEX(leaf, edit, want_kind, want_page, want_message)                                \
    do {                                                                                           \
        indexes x;                                                                                 \
        found f;                                                                                   \
        open_indexes(&x, leaf);                                                                    \
        edit;                                                                                      \
        verify_indexes(&x, &f);                                                                    \
        CHECK_INT(f.count, 1);                                                                     \
        CHECK_TEXT(f.last.kind, want_kind);                                                        \
        CHECK_INT(f.last.page, want_page);                                                         \
        CHECK_TEXT(f.message, want_message);                                                       \
    } while (0)

TEST(false_indexes_are_told)
{
    lm_page_location *places;
    FALSE_INDEX(ID, ((lm_bytes *)x.column.max_values.items)[1] = lm__bytes(&hundred_ten, 8),
                "column_index", 1, "max is 110, and there is the value 217");
    FALSE_INDEX(NAME, (*(int64_t *)&x.column.null_counts.items[0])++, "column_index", 1,
                "it tells of 5 nulls; there are 4");
    FALSE_INDEX(ID, *(bool *)&x.column.null_pages.items[0] = true, "column_index", 0,
                "it says that there are nulls only; there are 16 values");
    FALSE_INDEX(ID, x.column.boundary_order = LM_PARQUET_DESCENDING, "column_index", 1,
                "its bounds are not in the order that the index tells (descending)");
    FALSE_INDEX(ID, (places = (void *)x.offset.page_locations.items, places[1].first_row_index++),
                "offset_index", 1, "it says that the page begins with row 17; it does with 16");
    FALSE_INDEX(ID, (places = (void *)x.offset.page_locations.items, places[2].offset++),
                "offset_index", 2, f.message);
    FALSE_INDEX(ID, x.offset.page_locations.count--, "offset_index", -1,
                "it has 2 pages; the chunk has 3");
    FALSE_INDEX(NAME, (*(int64_t *)&x.offset.unencoded_byte_array_data_bytes.items[0])++,
                "offset_index", 1, "it tells of 37 bytes of values; there are 36");
}

/* Flipping. */

static lm_status text_of(const uint8_t *data, size_t size, lm_memory_sink *text)
{
    lm_memory_source source;
    lm_parquet_reader *reader;
    lm_memory_source_init(&source, data, size, "test");
    LM_TRY(lm_parquet_reader_open(&source.source, NULL, &reader, NULL));
    lm_status status = lm__canonical_write(reader, &text->sink, NULL);
    lm_parquet_reader_close(reader);
    return status == LM_OK ? lm_sink_finish(&text->sink, NULL) : status;
}

static bool is_same_text(const uint8_t *data, size_t size, const lm_memory_sink *want)
{
    lm_memory_sink text;
    lm_memory_sink_init(&text, NULL, SIZE_MAX / 4);
    bool same = text_of(data, size, &text) == LM_OK && text.size == want->size &&
                memcmp(text.data, want->data, want->size) == 0;
    lm_memory_sink_deinit(&text);
    return same;
}

/* Every byte before the footer: with CRCs what is not found changes nothing; without them most of
 * what changes values is found by what is told of them. */
static void flip(bool crc, int bit, int *found_count, int *lost, int *harmless)
{
    lm_memory_sink sound, text;
    lm_error error;
    found f;
    *found_count = *lost = *harmless = 0;
    CHECK_OK(write_file(&sound, crc, &error), error);
    lm_memory_sink_init(&text, NULL, SIZE_MAX / 4);
    CHECK_STATUS(text_of(sound.data, sound.size, &text), LM_OK);
    size_t footer = lm__load32(sound.data + sound.size - 8);
    for (size_t i = 0; i < sound.size - 8 - footer; i++) {
        sound.data[i] ^= (uint8_t)(1 << bit);
        if (verify(NULL, sound.data, sound.size, &f, NULL) != LM_OK)
            ++*found_count;
        else if (is_same_text(sound.data, sound.size, &text))
            ++*harmless;
        else
            ++*lost;
        sound.data[i] ^= (uint8_t)(1 << bit);
    }
    lm_memory_sink_deinit(&text);
    lm_memory_sink_deinit(&sound);
}

TEST(chunks_that_cannot_be_read_are_left_out)
{
    for (int wrong = 0; wrong < 2; wrong++) {
        opened o;
        found f;
        open_footer(&o);
        chunk_of(&o, NAME)->codec = LM_CODEC_LZO;
        if (wrong) statistics_of(&o, SHARE)->null_count = 3;
        verify_footer(&o, NULL, wrong ? LM_CORRUPT : LM_UNSUPPORTED, &f);
        CHECK_INT(f.count, wrong);
        CHECK_INT(f.result.unread, 1);
        CHECK_INT(f.result.problems, wrong);
        CHECK_INT(f.result.rows, ROWS);
        if (wrong) CHECK_TEXT(f.column, "share");
    }
}

TEST(a_flipped_bit_is_found_or_changes_nothing)
{
    int found_count, lost, harmless;
    for (int bit = 0; bit < 8; bit += 5) {
        flip(true, bit, &found_count, &lost, &harmless);
        CHECK_INT(lost, 0);
        CHECK(found_count > 4 * harmless);
        flip(false, bit, &found_count, &lost, &harmless);
        CHECK(found_count > lost + harmless);
    }
}

/* A footer has no checksum: what is wrong in it need not be found, and does no harm. */
TEST(a_flipped_footer_does_no_harm)
{
    lm_error error;
    found f;
    size_t footer = lm__load32(file.data + file.size - 8);
    for (size_t i = file.size - 8 - footer; i < file.size; i++) {
        uint8_t bit = (uint8_t)(1 << i % 8);
        file.data[i] ^= bit;
        lm_status status = verify(NULL, file.data, file.size, &f, &error);
        CHECK(status == LM_OK || status == LM_CORRUPT || status == LM_UNSUPPORTED ||
              status == LM_LIMIT);
        file.data[i] ^= bit;
    }
}

TEST(where_the_problem_is_stands_before_it)
{
    lm_error error;
    found f;
    size_t at = 0;
    opened o;
    open_footer(&o);
    at = (size_t)chunk_of(&o, ID)->data_page_offset + 60;
    lm__arena_deinit(&o.arena);
    file.data[at] ^= 1;
    CHECK_STATUS(verify(NULL, file.data, file.size, &f, &error), LM_CORRUPT);
    file.data[at] ^= 1;
    CHECK_INT(f.last.row_group, 0);
    CHECK_TEXT(f.column, "id");
    CHECK(strncmp(error.message, "test: row group 0, column id, page 0: page: the page's CRC is",
                  61) == 0);
}

/* Inspect. */

static lm_status inspect_page(void *context, const lm_parquet_page_info *page, lm_error *error)
{
    (void)error;
    *(int64_t *)context += page->values;
    return LM_OK;
}

static lm_status inspect(const lm_allocator *allocator, int64_t *values, lm_error *error)
{
    lm_parquet_reader_options how = {.allocator = allocator, .no_views = true};
    lm_memory_source source;
    lm_parquet_reader *reader;
    lm_parquet_chunk_info chunk;
    *values = 0;
    lm_memory_source_init(&source, file.data, file.size, "test");
    LM_TRY(lm_parquet_reader_open(&source.source, &how, &reader, error));
    lm_parquet_file_info info = lm_parquet_inspect_file(reader);
    lm_status status = LM_OK;
    for (int64_t g = 0; g < info.row_groups; g++)
        for (int32_t c = 0; c < info.columns && status == LM_OK; c++) {
            status = lm_parquet_inspect_chunk(reader, g, c, &chunk, error);
            if (status == LM_OK)
                status = lm_parquet_inspect_pages(reader, g, c, inspect_page, values, error);
        }
    lm_parquet_reader_close(reader);
    return status;
}

TEST(inspect_goes_through_all_pages)
{
    lm_error error;
    int64_t values;
    CHECK_OK(inspect(NULL, &values, &error), error);
    CHECK(values > 5 * ROWS);
    for (size_t n = 0;; n++) {
        check_alloc memory;
        check_alloc_init(&memory, n);
        lm_status status = inspect(&memory.allocator, &values, &error);
        CHECK_INT(memory.live, 0);
        if (!memory.failed) break;
        CHECK_STATUS(status, LM_NO_MEMORY);
    }
}

TEST(texts_are_cut_to_their_room)
{
    lm_memory_source source;
    lm_parquet_reader *reader;
    lm_error error;
    char text[6];
    lm_memory_source_init(&source, file.data, file.size, "test");
    CHECK_OK(lm_parquet_reader_open(&source.source, NULL, &reader, &error), error);
    CHECK_INT(lm_parquet_column_path(reader, TAG, text, sizeof text), 17);
    CHECK_TEXT(text, "tags.");
    CHECK_INT(lm_parquet_column_type(reader, NAME, text, 0), 6);
    CHECK_INT(lm_parquet_value_text(reader, ID, (lm_parquet_bytes){"abc", 3}, text, 6), 6);
    CHECK_TEXT(text, "61626"); /* no such value: its bytes */
    lm_parquet_reader_close(reader);
}

int main(void)
{
    lm_error error;
    CHECK_OK(write_file(&file, true, &error), error);
    RUN(a_sound_file_has_no_problems);
    RUN(false_statistics_of_a_chunk_are_told);
    RUN(false_sizes_and_counts_of_a_chunk_are_told);
    RUN(a_bloom_filter_of_another_column_is_told);
    RUN(false_indexes_are_told);
    RUN(chunks_that_cannot_be_read_are_left_out);
    RUN(a_flipped_bit_is_found_or_changes_nothing);
    RUN(a_flipped_footer_does_no_harm);
    RUN(where_the_problem_is_stands_before_it);
    RUN(inspect_goes_through_all_pages);
    RUN(texts_are_cut_to_their_room);
    lm_memory_sink_deinit(&file);
    return DONE();
}
