/*
 * The writer as a whole: what it writes is what the footer says, the bytes do not depend on threads
 * (chunk.h, invariant 1), batches are released exactly once (row_group.h, invariant 1), and nothing
 * leaks when memory or the sink fails at any moment.
 */
#include <lamella/parquet.h>

#include "check.h"
#include "check_alloc.h"
#include "parquet/metadata.h"

enum { ROWS = 1000 };
static const char schema_text[] = "id: int64 not null, name: utf8, tags: list<item: int32>";

/* A batch in static memory. Its columns are read only, so many may share it. */
typedef struct table {
    struct ArrowArray root, columns[3], items;
    struct ArrowArray *children[3], *list_child[1];
    const void *root_buffers[1], *id_buffers[2], *name_buffers[3], *tag_buffers[2],
        *item_buffers[2];
    int released;
} table;

static int64_t ids[ROWS];
static int32_t name_offsets[ROWS + 1], tag_offsets[ROWS + 1], items[3 * ROWS];
static uint8_t name_valid[ROWS / 8 + 1], tag_valid[ROWS / 8 + 1], names[ROWS * 8];

static void fill(void)
{
    int32_t at = 0, item = 0;
    for (int i = 0; i < ROWS; i++) {
        ids[i] = (int64_t)i * i;
        name_offsets[i] = at;
        tag_offsets[i] = item;
        if (i % 5) {
            at += snprintf((char *)names + at, 8, "n%d", i % 40);
            name_valid[i / 8] = (uint8_t)(name_valid[i / 8] | 1u << i % 8);
        }
        if (i % 7) {
            tag_valid[i / 8] = (uint8_t)(tag_valid[i / 8] | 1u << i % 8);
            for (int k = 0; k < i % 3; k++) items[item++] = k;
        }
    }
    name_offsets[ROWS] = at;
    tag_offsets[ROWS] = item;
}

static void table_release(struct ArrowArray *array)
{
    ((table *)array->private_data)->released++;
    array->release = NULL;
}

static void child_release(struct ArrowArray *array) { array->release = NULL; }

static struct ArrowArray child(int64_t length, int64_t nulls, int64_t n_buffers,
                               const void **buffers)
{
    return (struct ArrowArray){.length = length,
                               .null_count = nulls,
                               .n_buffers = n_buffers,
                               .buffers = buffers,
                               .release = child_release};
}

static void table_make(table *t)
{
    memset(t, 0, sizeof *t);
    t->id_buffers[1] = ids;
    t->name_buffers[0] = name_valid;
    t->name_buffers[1] = name_offsets;
    t->name_buffers[2] = names;
    t->tag_buffers[0] = tag_valid;
    t->tag_buffers[1] = tag_offsets;
    t->item_buffers[1] = items;
    t->columns[0] = child(ROWS, 0, 2, t->id_buffers);
    t->columns[1] = child(ROWS, -1, 3, t->name_buffers);
    t->columns[2] = child(ROWS, -1, 2, t->tag_buffers);
    t->items = child(tag_offsets[ROWS], 0, 2, t->item_buffers);
    t->list_child[0] = &t->items;
    t->columns[2].n_children = 1;
    t->columns[2].children = t->list_child;
    for (int i = 0; i < 3; i++) t->children[i] = &t->columns[i];
    t->root = child(ROWS, 0, 1, t->root_buffers);
    t->root.n_children = 3;
    t->root.children = t->children;
    t->root.release = table_release;
    t->root.private_data = t;
}

static lm_parquet_options small_options(const lm_allocator *allocator)
{
    static lm_parquet_column_options bloom = {
        .path = "id", .encoding = LM_ENCODING_AUTO, .bloom = LM_CHOICE_ON, .field_id = -1};
    lm_parquet_options options = lm_parquet_options_default();
    options.allocator = allocator;
    options.threads = 1;
    options.row_group_rows_max = 700;
    options.page_rows_max = 200;
    options.columns = &bloom;
    options.column_count = 1;
    return options;
}

/* Writes `batches` tables; every one of them must have been released afterwards, whatever came. */
static lm_status write_tables(lm_sink *sink, const lm_parquet_options *options, int batches,
                              lm_parquet_result *result, lm_error *error)
{
    static table tables[4];
    lm_schema *schema;
    struct ArrowSchema exported;
    if (lm_schema_parse(NULL, schema_text, strlen(schema_text), &schema, error) != LM_OK)
        return LM_BROKEN;
    lm_status status = lm_schema_export(schema, &exported, error);
    lm_schema_free(schema);
    if (status != LM_OK) return status;
    lm_parquet_writer *writer = NULL;
    status = lm_parquet_writer_open(sink, &exported, options, &writer, error);
    exported.release(&exported);
    if (status != LM_OK) return status;
    for (int i = 0; i < batches; i++) {
        table_make(&tables[i]);
        lm_status written = lm_parquet_writer_write(writer, &tables[i].root, error);
        if (status == LM_OK) status = written;
        if (status != LM_OK) CHECK_STATUS(written, status); /* sticky */
    }
    lm_status finished = lm_parquet_writer_finish(writer, result, error);
    if (status == LM_OK) status = finished;
    for (int i = 0; i < batches; i++) CHECK_INT(tables[i].released, 1);
    return status;
}

TEST(the_footer_says_what_is_there)
{
    lm_memory_sink sink;
    lm_parquet_options options = small_options(NULL);
    lm_parquet_result result;
    lm_error error;
    lm_memory_sink_init(&sink, NULL, SIZE_MAX / 4);
    CHECK_OK(write_tables(&sink.sink, &options, 3, &result, &error), error);
    CHECK_INT(result.rows, 3 * ROWS);
    CHECK_INT(result.row_groups, 5);
    CHECK_INT(result.bytes, sink.size);
    CHECK_BYTES(sink.data, "PAR1", 4);
    CHECK_BYTES(sink.data + sink.size - 4, "PAR1", 4);
    uint32_t length;
    memcpy(&length, sink.data + sink.size - 8, 4);
    CHECK_INT(length + 8, result.footer_bytes);
    lm_arena arena;
    lm_file_metadata meta;
    lm__arena_init(&arena, NULL, 0);
    lm_footer_options whole = {0};
    REQUIRE(lm__footer_read(sink.data + sink.size - 8 - length, length, &whole, &arena, &meta,
                            &error) == LM_OK);
    CHECK_INT(meta.num_rows, 3 * ROWS);
    CHECK_INT(meta.schema.count, 6);
    int64_t at = 4;
    for (size_t g = 0; g < meta.row_groups.count; g++) {
        const lm_row_group *group = &meta.row_groups.items[g];
        CHECK_INT(group->num_rows, g < 4 ? 700 : 200);
        CHECK_INT(group->columns.count, 3);
        for (size_t c = 0; c < 3; c++) { /* chunks follow each other without gaps */
            const lm_column_metadata *chunk = group->columns.items[c].meta_data;
            int64_t start = LM_HAS(chunk, LM_COLUMN_METADATA_DICTIONARY_PAGE_OFFSET)
                                ? chunk->dictionary_page_offset
                                : chunk->data_page_offset;
            CHECK_INT(start, at);
            at += chunk->total_compressed_size;
            if (c == 0) CHECK(LM_HAS(chunk, LM_COLUMN_METADATA_BLOOM_FILTER_OFFSET));
            if (c == 0) CHECK_INT(chunk->statistics->null_count, 0);
        }
        at = group->columns.items[0].meta_data->bloom_filter_offset +
             group->columns.items[0].meta_data->bloom_filter_length;
    }
    lm__arena_deinit(&arena);
    lm_memory_sink_deinit(&sink);
}

/* Rows that were scattered over files come in pieces too small for a sample each: several are one
 * together. Two columns of numbers, of which the second has 40 values; `nulls`: each third is. */
static void write_pieces(int pieces, bool nulls, lm_memory_sink *sink)
{
    enum { SIZE = 500 };
    static int64_t values[2][SIZE];
    static uint8_t valid[SIZE / 8 + 1];
    lm_parquet_options options = lm_parquet_options_default();
    lm_parquet_writer *writer;
    lm_schema *schema;
    lm_error error;
    struct ArrowSchema exported;
    options.threads = 1;
    for (int i = 0; i < SIZE; i++) valid[i / 8] = (uint8_t)(valid[i / 8] | (i % 3 > 0) << i % 8);
    REQUIRE(lm_schema_parse(NULL, "x: int64, k: int64", 18, &schema, &error) == LM_OK);
    REQUIRE(lm_schema_export(schema, &exported, &error) == LM_OK);
    lm_schema_free(schema);
    CHECK_OK(lm_parquet_writer_open(&sink->sink, &exported, &options, &writer, &error), error);
    exported.release(&exported);
    struct ArrowArray roots[64], columns[64][2], *children[64][2];
    static const void *buffers[64][2][2], *none[1];
    static int64_t all[64][2][SIZE];
    for (int p = 0; p < pieces; p++) {
        for (int c = 0; c < 2; c++) {
            for (int i = 0; i < SIZE; i++) {
                uint64_t n = (uint64_t)(p * SIZE + i) * 0x9e3779b97f4a7c15u;
                values[c][i] = c ? (int64_t)(n >> 40) % 40 : (int64_t)n;
            }
            memcpy(all[p][c], values[c], sizeof values[c]);
            buffers[p][c][0] = nulls ? valid : NULL;
            buffers[p][c][1] = all[p][c];
            columns[p][c] = child(SIZE, nulls ? -1 : 0, 2, buffers[p][c]);
            children[p][c] = &columns[p][c];
        }
        roots[p] = child(SIZE, 0, 1, none);
        roots[p].n_children = 2;
        roots[p].children = children[p];
        CHECK_OK(lm_parquet_writer_write(writer, &roots[p], &error), error);
    }
    CHECK_OK(lm_parquet_writer_finish(writer, NULL, &error), error);
}

TEST(small_pieces_are_one_sample)
{
    for (int pieces = 4; pieces <= 64; pieces += 60)
        for (int nulls = 0; nulls < 2; nulls++) {
            lm_memory_sink sink;
            lm_arena arena;
            lm_error error;
            lm_file_metadata meta;
            uint32_t length;
            const lm_footer_options whole = {0};
            lm_memory_sink_init(&sink, NULL, SIZE_MAX / 4);
            write_pieces(pieces, nulls, &sink);
            memcpy(&length, sink.data + sink.size - 8, 4);
            lm__arena_init(&arena, NULL, 0);
            REQUIRE(lm__footer_read(sink.data + sink.size - 8 - length, length, &whole, &arena,
                                    &meta, &error) == LM_OK);
            for (int c = 0; c < 2; c++) {
                const lm_column_metadata *chunk =
                    meta.row_groups.items[0].columns.items[c].meta_data;
                CHECK_INT(LM_HAS(chunk, LM_COLUMN_METADATA_DICTIONARY_PAGE_OFFSET) != 0, c);
            }
            lm__arena_deinit(&arena);
            lm_memory_sink_deinit(&sink);
        }
}

TEST(threads_do_not_change_the_bytes)
{
    lm_memory_sink one, many;
    lm_parquet_options options = small_options(NULL);
    lm_error error;
    lm_memory_sink_init(&one, NULL, SIZE_MAX / 4);
    CHECK_OK(write_tables(&one.sink, &options, 4, NULL, &error), error);
    options.threads = 4;
    for (int round = 0; round < 20; round++) {
        lm_memory_sink_init(&many, NULL, SIZE_MAX / 4);
        CHECK_OK(write_tables(&many.sink, &options, 4, NULL, &error), error);
        CHECK_INT(many.size, one.size);
        if (many.size == one.size) CHECK(memcmp(one.data, many.data, one.size) == 0);
        lm_memory_sink_deinit(&many);
    }
    lm_memory_sink_deinit(&one);
}

TEST(every_allocation_fails_in_turn)
{
    for (size_t n = 0; !check_failed; n++) {
        check_alloc memory;
        check_alloc_init(&memory, n);
        lm_memory_sink sink;
        lm_error error;
        lm_parquet_options options = small_options(&memory.allocator);
        lm_memory_sink_init(&sink, NULL, SIZE_MAX / 4);
        lm_status status = write_tables(&sink.sink, &options, 2, NULL, &error);
        lm_memory_sink_deinit(&sink);
        CHECK_INT(memory.live, 0);
        if (!memory.failed) {
            CHECK_STATUS(status, LM_OK);
            break;
        }
        CHECK_STATUS(status, LM_NO_MEMORY);
    }
}

/* A sink that takes some writes and then no more. */
typedef struct failing_sink {
    lm_sink sink;
    int writes_left;
} failing_sink;

static lm_status failing_write(lm_sink *sink, const void *data, size_t size, lm_error *error)
{
    (void)data;
    (void)size;
    (void)error;
    return ((failing_sink *)sink)->writes_left-- > 0 ? LM_OK : LM_NO_SPACE;
}
static lm_status failing_finish(lm_sink *sink, lm_error *error)
{
    (void)sink;
    (void)error;
    return LM_OK;
}
static void failing_abort(lm_sink *sink) { (void)sink; }

TEST(every_write_fails_in_turn)
{
    static const lm_sink_ops ops = {failing_write, failing_finish, failing_abort};
    for (int threads = 1; threads <= 3; threads += 2)
        for (int n = 0; n < 10000 && !check_failed; n++) {
            failing_sink sink = {.writes_left = n};
            lm_error error;
            lm_parquet_options options = small_options(NULL);
            options.threads = threads;
            lm_sink_init(&sink.sink, &ops);
            lm_status status = write_tables(&sink.sink, &options, 3, NULL, &error);
            if (status == LM_OK) break;
            CHECK_STATUS(status, LM_NO_SPACE);
        }
}

TEST(an_abandoned_writer_gives_everything_back)
{
    lm_schema *schema;
    struct ArrowSchema exported;
    lm_error error;
    lm_memory_sink sink;
    check_alloc memory;
    static table tables[3];
    check_alloc_init(&memory, SIZE_MAX);
    lm_parquet_options options = small_options(&memory.allocator);
    CHECK_OK(lm_schema_parse(NULL, schema_text, strlen(schema_text), &schema, &error), error);
    CHECK_OK(lm_schema_export(schema, &exported, &error), error);
    lm_schema_free(schema);
    lm_memory_sink_init(&sink, NULL, SIZE_MAX / 4);
    lm_parquet_writer *writer;
    CHECK_OK(lm_parquet_writer_open(&sink.sink, &exported, &options, &writer, &error), error);
    exported.release(&exported);
    for (int i = 0; i < 3; i++) {
        table_make(&tables[i]);
        CHECK_OK(lm_parquet_writer_write(writer, &tables[i].root, &error), error);
    }
    lm_parquet_writer_abort(writer);
    for (int i = 0; i < 3; i++) CHECK_INT(tables[i].released, 1);
    CHECK_INT(memory.live, 0);
    lm_memory_sink_deinit(&sink);
}

int main(void)
{
    fill();
    RUN(the_footer_says_what_is_there);
    RUN(small_pieces_are_one_sample);
    RUN(threads_do_not_change_the_bytes);
    RUN(every_allocation_fails_in_turn);
    RUN(every_write_fails_in_turn);
    RUN(an_abandoned_writer_gives_everything_back);
    return DONE();
}
