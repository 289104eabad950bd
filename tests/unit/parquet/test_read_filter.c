/*
 * Filtered streams: the rows that the filter selects and no others, with and without pruning and
 * views, whatever allocation fails and whatever a page index says (prune.h 1 and 4); ranges of rows
 * (row_ranges.h).
 */
#include <lamella/parquet.h>

#include "arrow/build.h"
#include "base/alloc.h"
#include "check.h"
#include "check_alloc.h"
#include "parquet/read_stream.h"

enum { ROWS = 3000 };
static lm_error error;
static uint8_t *file;
static size_t file_size;

enum { KEYS = 3001 };
static int key_of(int row) { return row * 1237 % KEYS; }

/* id, its half as text (null for every fifth), lists, a struct of both, and keys in no order, as
 * text too. */
static lm_status put_row(lm_builder *root, int row)
{
    char text[16];
    lm_builder *id = &root->children[0], *name = &root->children[1], *l = &root->children[2],
               *s = &root->children[3], *key = &root->children[4], *word = &root->children[5];
    if (lm__builder_reserve(key, 1) || lm__builder_reserve(id, 1) ||
        lm__builder_reserve(&s->children[0], 1))
        return LM_NO_MEMORY;
    lm__build_i32(id, row);
    lm__build_i64(key, key_of(row));
    size_t size = (size_t)snprintf(text, sizeof text, "key %d", key_of(row));
    if (lm__build_bytes(word, text, size)) return LM_NO_MEMORY;
    size = (size_t)snprintf(text, sizeof text, "n%04d", row / 2);
    lm_status status = row % 5 == 0 ? lm__build_null(name) : lm__build_bytes(name, text, size);
    for (int i = 0; i < row % 4 && status == LM_OK; i++) {
        status = lm__builder_reserve(&l->children[0], 1);
        if (status == LM_OK) lm__build_i64(&l->children[0], row + i);
    }
    if (status == LM_OK) status = lm__build_list_end(l);
    if (status == LM_OK && row % 7 == 0) return lm__build_null(s);
    lm__build_i64(&s->children[0], -row);
    return status == LM_OK ? lm__build_struct_end(s) : status;
}

static void write_file(void)
{
    static const char text[] = "id: int32 not null, name: utf8, l: list<int64>, s: struct<x: "
                               "int64>, key: int64, word: utf8";
    lm_schema *schema;
    lm_builder root;
    lm_batch *batch;
    struct ArrowSchema exported;
    struct ArrowArray array;
    lm_parquet_writer *writer;
    static lm_memory_sink sink;
    lm_parquet_options options = lm_parquet_options_default();
    lm_parquet_column_options column = {
        .path = "name", .encoding = LM_ENCODING_AUTO, .bloom = LM_CHOICE_ON, .field_id = -1};
    options.row_group_rows_max = 1000;
    options.page_rows_max = 100;
    options.columns = &column;
    options.column_count = 1;
    CHECK_OK(lm_schema_parse(NULL, text, strlen(text), &schema, &error), error);
    CHECK_OK(lm__builder_init(&root, NULL, &schema->root, &error), error);
    for (int row = 0; row < ROWS; row++) CHECK_INT(put_row(&root, row), LM_OK);
    CHECK_OK(lm__builder_finish(&root, schema, &batch, &error), error);
    lm__builder_deinit(&root);
    CHECK_OK(lm__batch_export(batch, &array, &error), error);
    lm__batch_unref(batch);
    CHECK_OK(lm_schema_export(schema, &exported, &error), error);
    lm_schema_free(schema);
    lm_memory_sink_init(&sink, NULL, SIZE_MAX);
    CHECK_OK(lm_parquet_writer_open(&sink.sink, &exported, &options, &writer, &error), error);
    exported.release(&exported);
    CHECK_OK(lm_parquet_writer_write(writer, &array, &error), error);
    CHECK_OK(lm_parquet_writer_finish(writer, NULL, &error), error);
    file = sink.data;
    file_size = sink.size;
}

/* The ids that a stream of the options gives, at most `most`; *count is how many. */
static lm_status read_ids(const lm_allocator *allocator, bool no_views,
                          const lm_parquet_read_options *options, int32_t *ids, size_t most,
                          size_t *count)
{
    lm_memory_source source;
    lm_parquet_reader *reader;
    lm_stream *stream;
    lm_parquet_reader_options opening = {.no_views = no_views, .allocator = allocator};
    *count = 0;
    lm_error_clear(&error);
    lm_memory_source_init(&source, file, file_size, "test");
    lm_status status = lm_parquet_reader_open(&source.source, &opening, &reader, &error);
    if (status != LM_OK) return status;
    status = lm__parquet_stream_open(reader, options, &stream, &error);
    lm_parquet_reader_close(reader);
    if (status != LM_OK) return status;
    for (;;) {
        lm_batch *batch;
        status = lm__stream_next(stream, &batch, &error);
        if (status != LM_OK || !batch) break;
        lm_array column = lm__batch_column(batch, 0);
        const int32_t *values = (const int32_t *)column.values + column.offset;
        lm_error why;
        CHECK_OK(lm__batch_validate(batch, LM_VALIDATE_TEXT, &why), why);
        for (int64_t i = 0; i < column.length; i++)
            if (*count < most) ids[(*count)++] = values[i];
        lm__batch_unref(batch);
    }
    lm__stream_close(stream);
    return status;
}

static lm_expr *expr_of(const char *text)
{
    lm_expr *expr = NULL;
    CHECK_OK(lm_expr_parse(NULL, text, strlen(text), &expr, &error), error);
    return expr;
}

static bool in_range(int row) { return row >= 950 && row <= 1105; }
static bool named(int row) { return row / 2 == 611 && row % 5; }
static bool by_struct(int row) { return row % 7 && row > 2990; }
static bool lists(int row) { return row % 5 == 0 && row < 20; }
static bool either(int row) { return row == 17 || row == 2048 || row == 2999; }
static bool most_of_them(int row) { return row != 1500; }
static bool by_key(int row) { return key_of(row) == 1500; }
static bool by_key_or_id(int row) { return key_of(row) == 1500 || row == 3; }
static bool by_word(int row) { return (key_of(row) == 1400 || key_of(row) == 1600) && row > 9; }

static const struct {
    const char *text;
    bool (*wanted)(int row);
} cases[] = {
    {"id between 950 and 1105", in_range},
    {"name = 'n0611'", named},
    {"s.x < -2990", by_struct},
    {"name is null and id < 20 and l is not null", lists},
    {"id in (17, 2048, 2999)", either},
    {"id <> 1500", most_of_them},
    {"key = 1500", by_key},
    {"key = 1500 or id = 3", by_key_or_id},
    {"word in ('key 1400', 'key 1600', 'nothing') and id > 9", by_word},
};

TEST(filters_give_the_rows_that_they_select)
{
    static const char *const one[] = {"id"}, *const both[] = {"id", "s", "l"};
    static int32_t ids[ROWS];
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        lm_expr *expr = expr_of(cases[i].text);
        REQUIRE(expr != NULL);
        for (int way = 0; way < 24; way++) {
            size_t count, expected = 0;
            lm_parquet_read_counts counts = {0};
            lm_parquet_read_options options = {
                .columns = way % 3 == 0   ? NULL
                           : way % 3 == 1 ? one
                                          : both,
                .column_count = way % 3 == 0   ? 0
                                : way % 3 == 1 ? 1
                                               : 3,
                .filter = expr,
                .threads = 1 + way / 12,
                .no_pruning = way / 3 % 2,
                .batch_rows = way % 5 * 10,
                .memory_bytes_max = way % 4 == 0 ? 4096 : 0,
                .counts = &counts,
            };
            CHECK_OK(read_ids(NULL, way / 6 % 2, &options, ids, ROWS, &count), error);
            for (int row = 0; row < ROWS; row++) {
                if (!cases[i].wanted(row)) continue;
                if (expected >= count || ids[expected] != row) {
                    check_fail(__FILE__, __LINE__, "%s, way %d: row %d is missing", cases[i].text,
                               way, row);
                    break;
                }
                expected++;
            }
            CHECK_INT(count, expected);
            CHECK_INT(counts.rows_selected, expected);
            CHECK(counts.rows == ROWS && counts.row_groups == 3);
            CHECK(options.no_pruning ? counts.rows_filtered == ROWS : counts.rows_filtered <= ROWS);
        }
        lm_expr_free(expr);
    }
}

TEST(offset_and_limit_count_selected_rows)
{
    lm_expr *expr = expr_of("id in (17, 900, 1300, 2048, 2999)");
    static const int32_t all[] = {17, 900, 1300, 2048, 2999};
    for (int first = 0; first <= 5; first++)
        for (int most = 1; most <= 6; most++) {
            int32_t ids[8];
            size_t count;
            lm_parquet_read_options options = {
                .filter = expr, .row_first = first, .row_count = most, .threads = 1};
            CHECK_OK(read_ids(NULL, false, &options, ids, 8, &count), error);
            CHECK_INT(count, most < 5 - first ? most : 5 - first);
            for (size_t i = 0; i < count; i++) CHECK_INT(ids[i], all[(size_t)first + i]);
        }
    lm_expr_free(expr);
}

TEST(every_allocation_may_fail)
{
    static int32_t ids[ROWS];
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        lm_expr *expr = expr_of(cases[i].text);
        for (size_t n = 0; n < 10000; n++) {
            check_alloc memory;
            size_t count;
            check_alloc_init(&memory, n);
            lm_parquet_read_options options = {.filter = expr, .threads = 1};
            lm_status status = read_ids(&memory.allocator, i % 2 == 1, &options, ids, ROWS, &count);
            CHECK_INT(memory.live, 0);
            if (!memory.failed) {
                CHECK_OK(status, error);
                break;
            }
            if (status != LM_NO_MEMORY && status != LM_OK)
                check_fail(__FILE__, __LINE__, "allocation %zu: %s", n, error.message);
        }
        lm_expr_free(expr);
    }
}

/* An index may lie about pages, and be damaged: rows may be wrong then, memory never. */
TEST(a_damaged_index_does_no_harm)
{
    static int32_t ids[ROWS];
    uint64_t state = 1;
    lm_expr *expr = expr_of("id between 950 and 1105 or name like 'n061%' or s.x in (-7, -2001)");
    size_t footer = 0;
    memcpy(&footer, file + file_size - 8, 4);
    size_t end = file_size - 8 - footer, begin = end > 4000 ? end - 4000 : 0;
    for (int i = 0; i < 600; i++) {
        size_t at = begin + check_random(&state) % (end - begin), count;
        uint8_t was = file[at];
        file[at] ^= (uint8_t)(1u << check_random(&state) % 8);
        lm_parquet_read_options options = {.filter = expr, .threads = 1};
        (void)!read_ids(NULL, i % 2, &options, ids, ROWS, &count);
        file[at] = was;
    }
    lm_expr_free(expr);
}

TEST(what_does_not_fit_is_told_with_the_file)
{
    lm_expr *expr = expr_of("nobody > 1");
    int32_t ids[1];
    size_t count;
    lm_parquet_read_options options = {.filter = expr, .threads = 1};
    CHECK_STATUS(read_ids(NULL, false, &options, ids, 1, &count), LM_SCHEMA);
    CHECK_TEXT(error.message,
               "test: there is no column nobody; the columns are: id, name, l, s, key, "
               "word");
    lm_expr_free(expr);
}

/* Ranges. */

static lm_row_ranges ranges_of(lm_arena *arena, uint64_t bits)
{
    lm_row_ranges ranges = {0};
    for (uint64_t i = 0; i < 64; i++)
        if (bits >> i & 1) CHECK(lm__row_ranges_add(arena, &ranges, i, i + 1));
    return ranges;
}

static uint64_t bits_of(const lm_row_ranges *ranges)
{
    uint64_t bits = 0, last = 0;
    for (size_t i = 0; i < ranges->count; i++) {
        const lm_row_range *range = &ranges->items[i];
        CHECK(range->start < range->end && (i == 0 || range->start > last));
        for (uint64_t k = range->start; k < range->end; k++) bits |= (uint64_t)1 << k;
        last = range->end;
    }
    return bits;
}

TEST(ranges_are_joined_as_sets)
{
    uint64_t state = 7;
    for (int i = 0; i < 500; i++) {
        lm_arena arena;
        lm_row_ranges both, any;
        lm__arena_init(&arena, NULL, 0);
        uint64_t a = check_random(&state) & check_random(&state),
                 b = check_random(&state) | (i % 2 ? check_random(&state) : 0);
        lm_row_ranges x = ranges_of(&arena, a), y = ranges_of(&arena, b);
        CHECK(lm__row_ranges_and(&arena, &x, &y, &both) && bits_of(&both) == (a & b));
        CHECK(lm__row_ranges_or(&arena, &x, &y, &any) && bits_of(&any) == (a | b));
        CHECK_INT(lm__row_ranges_rows(&any), __builtin_popcountll(a | b));
        lm__arena_deinit(&arena);
    }
}

int main(void)
{
    write_file();
    RUN(filters_give_the_rows_that_they_select);
    RUN(offset_and_limit_count_selected_rows);
    RUN(every_allocation_may_fail);
    RUN(a_damaged_index_does_no_harm);
    RUN(what_does_not_fit_is_told_with_the_file);
    RUN(ranges_are_joined_as_sets);
    lm__free(NULL, file);
    return DONE();
}
