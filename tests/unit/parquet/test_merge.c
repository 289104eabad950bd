/*
 * Merging: the bytes of row groups are carried over and every offset leads to them (merge.h,
 * invariants 3 and 4), one file is open at a time (1), one that has changed is noticed (2), what
 * does not fit is refused with the remedy, bounds are not believed more than before (5), and
 * nothing leaks whatever fails.
 */
#include "merging.h"

#include "parquet/read_index.h"

#define TABLE                                                                                      \
    "id: int64 not null, name: utf8, share: float64, tags: list<item: int32>, "                    \
    "s: struct<x: int32, y: utf8>"

static lm_parquet_column_options blooms[] = {
    {.path = "id", .encoding = LM_ENCODING_AUTO, .bloom = LM_CHOICE_ON, .field_id = -1},
    {.path = "name", .encoding = LM_ENCODING_AUTO, .bloom = LM_CHOICE_ON, .field_id = -1},
};

static lm_parquet_options bloom_options(void)
{
    lm_parquet_options options = small_options();
    options.columns = blooms;
    options.column_count = 2;
    return options;
}

static void files_free(files *f)
{
    for (size_t i = 0; i < f->count; i++) lm_memory_sink_deinit(&f->items[i]);
}

/* Merges what must go well; the result is the caller's. */
static void merge_well(files *f, const lm_parquet_merge_options *options, lm_memory_sink *out)
{
    lm_parquet_merge_summary summary;
    lm_parquet_result result = {0};
    lm_error error;
    lm_memory_sink_init(out, NULL, SIZE_MAX / 4);
    lm_status status = merge_files(f, options, &out->sink, &summary, &result, &error);
    CHECK_OK(status, error);
    if (status != LM_OK) return;
    CHECK_OK(lm_sink_finish(&out->sink, &error), error);
    CHECK_INT(summary.rows, result.rows);
    CHECK_INT(summary.files, f->count);
    CHECK_INT(result.bytes, out->size);
    if (summary.row_groups_rewritten == 0) CHECK_INT(result.row_groups, summary.row_groups_carried);
    check_rows(f, out);
}

static void merge_badly(files *f, const lm_parquet_merge_options *options, lm_status status,
                        const char *message)
{
    lm_memory_sink out;
    lm_error error = {0};
    lm_memory_sink_init(&out, NULL, SIZE_MAX / 4);
    CHECK_STATUS(merge_files(f, options, &out.sink, NULL, NULL, &error), status);
    if (!strstr(error.message, message))
        check_fail(__FILE__, __LINE__, "\"%s\" is not in \"%s\"", message, error.message);
    lm_memory_sink_deinit(&out);
}

/* Where things lie. */

/* The chunk, its indexes and its bloom filter are the old ones, in their new places. */
static void check_chunk(const lm_memory_sink *old_file, const lm_column_chunk *old,
                        const lm_memory_sink *new_file, const lm_column_chunk *chunk)
{
    const lm_column_metadata *was = old->meta_data, *is = chunk->meta_data;
    uint64_t from = lm__read_chunk_start(was), to = lm__read_chunk_start(is);
    int64_t moved = (int64_t)(to - from);
    lm_offset_index before, after;
    lm_arena arena;
    lm_error error;
    CHECK_INT(is->total_compressed_size, was->total_compressed_size);
    CHECK_BYTES(new_file->data + to, old_file->data + from, was->total_compressed_size);
    CHECK_INT(is->data_page_offset, was->data_page_offset + moved);
    CHECK_INT(is->has & ~LM_COLUMN_METADATA_BLOOM_FILTER_OFFSET,
              was->has & ~LM_COLUMN_METADATA_BLOOM_FILTER_OFFSET);
    if (LM_HAS(was, LM_COLUMN_METADATA_DICTIONARY_PAGE_OFFSET))
        CHECK_INT(is->dictionary_page_offset, was->dictionary_page_offset + moved);
    CHECK_INT(LM_HAS(is, LM_COLUMN_METADATA_BLOOM_FILTER_OFFSET),
              LM_HAS(was, LM_COLUMN_METADATA_BLOOM_FILTER_OFFSET));
    if (LM_HAS(was, LM_COLUMN_METADATA_BLOOM_FILTER_OFFSET))
        CHECK_BYTES(new_file->data + is->bloom_filter_offset,
                    old_file->data + was->bloom_filter_offset, was->bloom_filter_length);
    CHECK_INT(chunk->has, old->has);
    CHECK_INT(chunk->column_index_length, old->column_index_length);
    CHECK_BYTES(new_file->data + chunk->column_index_offset,
                old_file->data + old->column_index_offset, old->column_index_length);
    lm__arena_init(&arena, NULL, 0);
    CHECK_OK(lm__offset_index_read(old_file->data + old->offset_index_offset,
                                   (size_t)old->offset_index_length, &arena, &before, &error),
             error);
    CHECK_OK(lm__offset_index_read(new_file->data + chunk->offset_index_offset,
                                   (size_t)chunk->offset_index_length, &arena, &after, &error),
             error);
    CHECK_INT(after.page_locations.count, before.page_locations.count);
    for (size_t i = 0; i < before.page_locations.count; i++) {
        const lm_page_location *a = &before.page_locations.items[i];
        const lm_page_location *b = &after.page_locations.items[i];
        CHECK_INT(b->offset, a->offset + moved);
        CHECK_INT(b->compressed_page_size, a->compressed_page_size);
        CHECK_INT(b->first_row_index, a->first_row_index);
    }
    lm__arena_deinit(&arena);
}

static void check_places(const files *f, const lm_memory_sink *out)
{
    lm_arena arenas[2];
    lm_file_metadata made, part;
    size_t at = 0;
    read_footer(out, &arenas[0], &made);
    for (size_t i = 0; i < f->count; i++) {
        read_footer(&f->items[i], &arenas[1], &part);
        for (size_t g = 0; g < part.row_groups.count && at < made.row_groups.count; g++, at++) {
            const lm_row_group *a = &part.row_groups.items[g], *b = &made.row_groups.items[at];
            CHECK_INT(b->ordinal, at);
            CHECK_INT(b->num_rows, a->num_rows);
            CHECK_INT(b->total_byte_size, a->total_byte_size);
            CHECK_INT(b->total_compressed_size, a->total_compressed_size);
            CHECK_INT(b->file_offset, lm__read_chunk_start(b->columns.items[0].meta_data));
            for (size_t c = 0; c < a->columns.count; c++)
                check_chunk(&f->items[i], &a->columns.items[c], out, &b->columns.items[c]);
        }
        lm__arena_deinit(&arenas[1]);
    }
    CHECK_INT(at, made.row_groups.count);
    lm__arena_deinit(&arenas[0]);
}

TEST(row_groups_are_carried_over_and_offsets_lead_to_them)
{
    lm_memory_sink items[3], out;
    files f = {.items = items, .count = 3};
    lm_parquet_options bloom = bloom_options(), v2 = small_options();
    v2.data_page_version = 2;
    make_file(&items[0], TABLE, 0, 100, &bloom);
    make_file(&items[1], TABLE, 100, 7, &v2);
    make_file(&items[2], TABLE, 107, 93, NULL);
    merge_well(&f, NULL, &out);
    check_places(&f, &out);
    /* Of one file, the bytes between the magic and the indexes are the same. */
    lm_memory_sink alone;
    f.count = 1;
    merge_well(&f, NULL, &alone);
    CHECK_INT(alone.size, items[0].size);
    CHECK_BYTES(alone.data, items[0].data, items[0].size / 2);
    lm_memory_sink_deinit(&alone);
    /* Reading in place of looking, and opening each file again, give the same. */
    f.count = 3;
    f.no_views = true;
    merge_well(&f, NULL, &alone);
    CHECK_INT(alone.size, out.size);
    CHECK_BYTES(alone.data, out.data, out.size);
    lm_memory_sink_deinit(&alone);
    lm_memory_sink_deinit(&out);
    files_free(&f);
}

TEST(files_whose_tails_are_not_kept_are_opened_again)
{
    lm_memory_sink items[2], once, again;
    files f = {.items = items, .count = 2};
    lm_parquet_merge_sources sources = {.count = 2, .open = files_open, .context = &f};
    lm_parquet_merge *merge;
    lm_error error;
    make_file(&items[0], TABLE, 0, 100, NULL);
    make_file(&items[1], "id: int64 not null, s: struct<y: utf8>", 100, 50, NULL);
    lm_memory_sink_init(&once, NULL, SIZE_MAX / 4);
    lm_memory_sink_init(&again, NULL, SIZE_MAX / 4);
    CHECK_OK(merge_files(&f, NULL, &once.sink, NULL, NULL, &error), error);
    CHECK_OK(lm_parquet_merge_open(&sources, NULL, &merge, &error), error);
    for (size_t i = 0; i < 2; i++) {
        lm__free(merge->allocator, merge->parts[i].tail);
        merge->parts[i].tail = NULL;
    }
    CHECK_OK(lm_parquet_merge_run(merge, &again.sink, NULL, &error), error);
    CHECK_STATUS(lm_parquet_merge_run(merge, &again.sink, NULL, &error), LM_INVALID);
    lm_parquet_merge_close(merge);
    CHECK_INT(again.size, once.size);
    CHECK_BYTES(again.data, once.data, once.size);
    lm_memory_sink_deinit(&once);
    lm_memory_sink_deinit(&again);
    files_free(&f);
}

TEST(padding_keeps_places_modulo_the_alignment)
{
    lm_memory_sink items[2], out;
    files f = {.items = items, .count = 2};
    lm_parquet_merge_options options = {.alignment = 4096};
    lm_arena arenas[2];
    lm_file_metadata made, part;
    make_file(&items[0], TABLE, 0, 100, NULL);
    make_file(&items[1], TABLE, 100, 100, NULL);
    merge_well(&f, &options, &out);
    check_places(&f, &out);
    read_footer(&out, &arenas[0], &made);
    read_footer(&items[1], &arenas[1], &part);
    uint64_t was = lm__read_chunk_start(part.row_groups.items[0].columns.items[0].meta_data);
    uint64_t is = lm__read_chunk_start(made.row_groups.items[3].columns.items[0].meta_data);
    CHECK_INT(is % 4096, was % 4096);
    CHECK(is > 4096);
    lm__arena_deinit(&arenas[0]);
    lm__arena_deinit(&arenas[1]);
    lm_memory_sink_deinit(&out);
    options.alignment = 1 << 20;
    merge_badly(&f, &options, LM_INVALID, "alignment");
    files_free(&f);
}

TEST(row_groups_without_rows_are_left_out)
{
    lm_memory_sink items[3], out;
    files f = {.items = items, .count = 3};
    lm_arena arena;
    lm_file_metadata made;
    make_file(&items[0], TABLE, 0, 0, NULL);
    make_file(&items[1], TABLE, 0, 50, NULL);
    make_file(&items[2], TABLE, 50, 0, NULL);
    merge_well(&f, NULL, &out);
    read_footer(&out, &arena, &made);
    CHECK_INT(made.row_groups.count, 2);
    CHECK_INT(made.num_rows, 50);
    lm__arena_deinit(&arena);
    lm_memory_sink_deinit(&out);
    f.count = 1;
    merge_well(&f, NULL, &out);
    lm_memory_sink_deinit(&out);
    f.count = 0;
    merge_badly(&f, NULL, LM_INVALID, "no files");
    f.count = 3;
    files_free(&f);
}

/* Schemas. */

/* The canonical text of both files merged, with `schema` as what joins them. */
static void check_joined(const char *a, const char *b, const char *joined)
{
    lm_memory_sink items[2], both[2], out, want, got;
    files f = {.items = items, .count = 2};
    lm_error error;
    make_file(&items[0], a, 0, 100, NULL);
    make_file(&items[1], b, 100, 60, NULL);
    lm_memory_sink_init(&out, NULL, SIZE_MAX / 4);
    lm_memory_sink_init(&want, NULL, SIZE_MAX / 4);
    lm_memory_sink_init(&got, NULL, SIZE_MAX / 4);
    lm_status status = merge_files(&f, NULL, &out.sink, NULL, NULL, &error);
    CHECK_OK(status, error);
    if (status == LM_OK) {
        check_sound(&out);
        put_text(&out, &got);
        /* By our own casts: each file alone, written anew in the joined schema. */
        lm_memory_sink empty;
        make_file(&empty, joined, 0, 0, NULL);
        for (size_t i = 0; i < 2; i++) {
            lm_memory_sink pair[2] = {empty, items[i]};
            files one = {.items = pair, .count = 2};
            lm_parquet_merge_options rewrite = {.rewrite = true};
            lm_memory_sink_init(&both[i], NULL, SIZE_MAX / 4);
            CHECK_OK(merge_files(&one, &rewrite, &both[i].sink, NULL, NULL, &error), error);
            put_text(&both[i], &want);
            lm_memory_sink_deinit(&both[i]);
        }
        lm_memory_sink_deinit(&empty);
        CHECK_INT(got.size, want.size);
        if (got.size == want.size) CHECK_BYTES(got.data, want.data, want.size);
    }
    lm_memory_sink_deinit(&want);
    lm_memory_sink_deinit(&got);
    lm_memory_sink_deinit(&out);
    files_free(&f);
}

TEST(columns_that_a_file_lacks_are_null_in_it)
{
    check_joined("id: int64 not null, name: utf8", "id: int64 not null",
                 "id: int64 not null, name: utf8");
    check_joined("id: int64 not null", "name: utf8, id: int64 not null",
                 "id: int64 not null, name: utf8");
    check_joined("b: int32, a: utf8", "a: utf8, b: int32", "b: int32, a: utf8");
    check_joined(
        "id: int64 not null, t: list<item: utf8>, m: struct<p: list<item: int32>, q: bool>",
        "id: int64 not null",
        "id: int64 not null, t: list<item: utf8>, m: struct<p: list<item: int32>, q: "
        "bool>");
    /* Below groups that are there, whose nulls a sibling tells. */
    check_joined("s: struct<x: int32, y: utf8>", "s: struct<x: int32>",
                 "s: struct<x: int32, y: utf8>");
    check_joined("s: struct<x: list<item: int32>>", "s: struct<z: list<item: utf8>>",
                 "s: struct<x: list<item: int32>, z: list<item: utf8>>");
    check_joined("l: list<item: struct<a: int32, b: utf8>>",
                 "l: list<item: struct<c: list<item: int64>>>",
                 "l: list<item: struct<a: int32, b: utf8, c: list<item: int64>>>");
    check_joined("l: list<item: struct<a: struct<b: int32>>>",
                 "l: list<item: struct<a: struct<c: int32>, d: bool>>",
                 "l: list<item: struct<a: struct<b: int32, c: int32>, d: bool>>");
    check_joined("s: struct<x: int32> not null, a: int32", "s: struct<y: int64> not null",
                 "s: struct<x: int32, y: int64> not null, a: int32");
}

TEST(schemas_that_do_not_fit_are_refused_with_the_remedy)
{
    static const struct {
        const char *a, *b, *message;
    } cases[] = {
        {"id: int64", "id: int64 not null", "column id is \"optional int64 id"},
        {"id: int64", "id: int32", "--rewrite"},
        {"id: int64", "id: uint64", "(INTEGER(64,false))"},
        {"t: utf8", "t: binary", "(STRING)"},
        {"s: struct<x: int32>", "s: int32", "column s is \"optional group s"},
        {"l: list<item: int32>", "l: list<item: int32 not null>", "column l.list."},
        {"l: list<item: int32>", "l: struct<item: int32>", "(LIST)"},
        {"d: decimal128(9, 2)", "d: decimal128(9, 3)", "DECIMAL(9,3)"},
        {"t: timestamp[us]", "t: timestamp[us, UTC]", "in a and"},
        {"t: timestamp[us, UTC]", "t: timestamp[ns, UTC]", "NANOS"},
        {"a: int32, b: int32 not null", "a: int32", "column b is REQUIRED in a and not there in b"},
        {"a: int32", "a: int32, b: int32 not null", "column b is REQUIRED in b and not there in a"},
        {"s: struct<a: int32, b: int32 not null>", "s: struct<a: int32>",
         "column s.b is REQUIRED in a and not there in b; --rewrite"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        lm_memory_sink items[2];
        files f = {.items = items, .count = 2};
        make_file(&items[0], cases[i].a, 0, 10, NULL);
        make_file(&items[1], cases[i].b, 0, 10, NULL);
        merge_badly(&f, NULL, LM_SCHEMA, cases[i].message);
        files_free(&f);
    }
}

/* What the old way of annotating says, the new one says too. */
static void annotate_the_old_way(lm_file_metadata *metadata, lm_arena *arena)
{
    (void)arena;
    for (size_t i = 0; i < metadata->schema.count; i++)
        ((lm_schema_element *)&metadata->schema.items[i])->logical_type = NULL;
    ((lm_file_metadata *)metadata)->key_value_metadata.count = 0;
    ((lm_file_metadata *)metadata)->key_value_metadata.items = NULL;
}

TEST(converted_and_logical_types_of_one_meaning_go_together)
{
    lm_memory_sink items[2], out;
    files f = {.items = items, .count = 2};
    static const char text[] =
        "a: utf8, b: timestamp[us, UTC], c: uint8, d: date32, e: decimal128(9, 2), f: int16, "
        "g: list<item: int32>";
    make_file(&items[0], text, 0, 50, NULL);
    make_file(&items[1], text, 50, 50, NULL);
    change_footer(&items[1], annotate_the_old_way);
    merge_well(&f, NULL, &out);
    lm_memory_sink_deinit(&out);
    files_free(&f);
}

/* What is said of the file. */

static const char *writer_name;

static void rename_writer(lm_file_metadata *metadata, lm_arena *arena)
{
    (void)arena;
    metadata->created_by =
        writer_name ? lm__bytes(writer_name, strlen(writer_name)) : (lm_bytes){NULL, 0};
}

static void make_written_by(lm_memory_sink *sink, const char *text, const char *name)
{
    make_file(sink, text, 0, 20, NULL);
    writer_name = name;
    change_footer(sink, rename_writer);
}

TEST(bounds_are_not_believed_more_than_before)
{
    static const char *const doubted[] = {NULL,
                                          "parquet-mr",
                                          "parquet-mr version 1.8.1 (build x)",
                                          "parquet-cpp version 1.5.1-SNAPSHOT",
                                          "parquet-cpp-arrow version 9.0.0",
                                          "Polars",
                                          "impala"};
    for (size_t i = 0; i < 7; i++) {
        bool believed = i == 6;
        lm_memory_sink items[2], out;
        files f = {.items = items, .count = 2};
        lm_arena arena;
        lm_file_metadata made;
        make_written_by(&items[0], "a: int32, t: utf8", doubted[i]);
        make_written_by(&items[1], "a: int32, t: utf8", doubted[i]);
        merge_well(&f, NULL, &out); /* of one writer: his name stays */
        read_footer(&out, &arena, &made);
        CHECK_INT(made.created_by.size, doubted[i] ? strlen(doubted[i]) : 0);
        if (doubted[i]) CHECK_BYTES(made.created_by.data, doubted[i], strlen(doubted[i]));
        lm__arena_deinit(&arena);
        lm_memory_sink_deinit(&out);
        lm_memory_sink_deinit(&items[1]);
        make_written_by(&items[1], "a: int32, t: utf8", "parquet-mr version 1.13.1 (build x)");
        if (!believed) {
            merge_badly(&f, NULL, LM_UNSUPPORTED,
                        i == 1 ? "use --rewrite" : "a: column t: its bounds");
        } else {
            merge_well(&f, NULL, &out);
            read_footer(&out, &arena, &made);
            CHECK_BYTES(made.created_by.data, "lamella version ", 16);
            lm__arena_deinit(&arena);
            lm_memory_sink_deinit(&out);
        }
        files_free(&f);
    }
}

/* Its pages are carried over where the name is that tells how to read them. */
TEST(strings_that_may_go_on_from_page_to_page_keep_their_writer)
{
    static const lm_parquet_column_options column = {
        .path = "t", .encoding = LM_ENCODING_DELTA_BYTE_ARRAY, .field_id = -1};
    lm_parquet_options options = small_options();
    lm_memory_sink items[2], out;
    files f = {.items = items, .count = 2};
    options.columns = &column;
    options.column_count = 1;
    for (int i = 0; i < 2; i++) {
        make_file(&items[i], "a: int32, t: utf8", 20 * i, 20, &options);
        writer_name = "parquet-mr version 1.7.0 (build x)";
        change_footer(&items[i], rename_writer);
    }
    merge_well(&f, NULL, &out);
    lm_memory_sink_deinit(&out);
    writer_name = "parquet-mr version 1.8.0 (build x)";
    change_footer(&items[1], rename_writer);
    merge_badly(&f, NULL, LM_UNSUPPORTED, "a: column t: its strings go on from page to page");
    files_free(&f);
}

static void drop_orders(lm_file_metadata *metadata, lm_arena *arena)
{
    (void)arena;
    metadata->column_orders = (lm_int32_list){NULL, 0};
}

static void drop_orders_and_bounds(lm_file_metadata *metadata, lm_arena *arena)
{
    drop_orders(metadata, arena);
    for (size_t g = 0; g < metadata->row_groups.count; g++)
        for (size_t c = 0; c < metadata->row_groups.items[g].columns.count; c++) {
            lm_column_chunk *chunk =
                (lm_column_chunk *)&metadata->row_groups.items[g].columns.items[c];
            chunk->has = 0;
            ((lm_column_metadata *)chunk->meta_data)->statistics = NULL;
        }
}

TEST(orders_of_bounds_must_agree)
{
    lm_memory_sink items[2], out;
    files f = {.items = items, .count = 2};
    lm_arena arena;
    lm_file_metadata made;
    make_file(&items[0], "a: int32, t: utf8", 0, 20, NULL);
    make_file(&items[1], "a: int32, t: utf8", 20, 20, NULL);
    change_footer(&items[1], drop_orders);
    merge_badly(&f, NULL, LM_UNSUPPORTED, "b: column a: its bounds have no order that is told");
    change_footer(&items[1], drop_orders_and_bounds);
    merge_well(&f, NULL, &out);
    read_footer(&out, &arena, &made);
    CHECK_INT(made.column_orders.count, 2);
    CHECK_INT(made.column_orders.items[1], LM_PARQUET_TYPE_ORDER);
    lm__arena_deinit(&arena);
    lm_memory_sink_deinit(&out);
    change_footer(&items[0], drop_orders);
    merge_well(&f, NULL, &out);
    read_footer(&out, &arena, &made);
    CHECK(made.column_orders.items == NULL);
    lm__arena_deinit(&arena);
    lm_memory_sink_deinit(&out);
    files_free(&f);
}

static const char *value_of(const lm_file_metadata *metadata, const char *key)
{
    static char text[64];
    for (size_t i = 0; i < metadata->key_value_metadata.count; i++) {
        const lm_footer_key_value *pair = &metadata->key_value_metadata.items[i];
        if (pair->key.size != strlen(key) || memcmp(pair->key.data, key, pair->key.size) != 0)
            continue;
        snprintf(text, sizeof text, "%.*s", (int)pair->value.size, (const char *)pair->value.data);
        return text;
    }
    return "(none)";
}

TEST(metadata_that_differs_is_dropped_taken_of_the_first_or_refused)
{
    lm_parquet_key_value pairs[2][3] = {{{"same", "1"}, {"other", "a"}, {"mine", "m"}},
                                        {{"other", "b"}, {"same", "1"}, {"theirs", "t"}}};
    lm_memory_sink items[2], out;
    files f = {.items = items, .count = 2};
    for (int i = 0; i < 2; i++) {
        lm_parquet_options options = small_options();
        options.metadata = pairs[i];
        options.metadata_count = 3;
        make_file(&items[i], "a: int32", 0, 20, &options);
    }
    for (int rewrite = 0; rewrite < 2; rewrite++) {
        for (int mode = 0; mode < 2; mode++) {
            lm_parquet_merge_options options = {.rewrite = rewrite != 0,
                                                .pairs = (lm_parquet_merge_pairs)mode};
            lm_parquet_merge_summary summary = {0};
            lm_arena arena;
            lm_file_metadata made;
            lm_error error;
            lm_memory_sink_init(&out, NULL, SIZE_MAX / 4);
            CHECK_OK(merge_files(&f, &options, &out.sink, &summary, NULL, &error), error);
            read_footer(&out, &arena, &made);
            CHECK_INT(summary.pairs_dropped, 3);
            CHECK_TEXT(value_of(&made, "same"), "1");
            CHECK_TEXT(value_of(&made, "other"), mode ? "a" : "(none)");
            CHECK_TEXT(value_of(&made, "mine"), mode ? "m" : "(none)");
            CHECK_TEXT(value_of(&made, "theirs"), mode ? "t" : "(none)");
            CHECK(strcmp(value_of(&made, "ARROW:schema"), "(none)") != 0);
            lm__arena_deinit(&arena);
            lm_memory_sink_deinit(&out);
        }
        lm_parquet_merge_options refuse = {.rewrite = rewrite != 0,
                                           .pairs = LM_PARQUET_PAIRS_REFUSE};
        merge_badly(&f, &refuse, LM_SCHEMA, "\"other\" is not the same in a and b");
    }
    files_free(&f);
}

/* Sorting columns go by the new numbers of leaves. */
TEST(sorting_columns_are_kept)
{
    lm_memory_sink items[2], out;
    files f = {.items = items, .count = 2};
    lm_parquet_options options = small_options();
    lm_parquet_sorting sorting = {.path = "id", .nulls_first = true};
    lm_arena arena;
    lm_file_metadata made;
    options.sorting = &sorting;
    options.sorting_count = 1;
    make_file(&items[0], "s: struct<x: int32>, id: int64 not null", 0, 20, NULL);
    make_file(&items[1], "id: int64 not null, s: struct<y: utf8>", 20, 20, &options);
    lm_error error;
    lm_memory_sink_init(&out, NULL, SIZE_MAX / 4);
    CHECK_OK(merge_files(&f, NULL, &out.sink, NULL, NULL, &error), error);
    check_sound(&out);
    read_footer(&out, &arena, &made);
    CHECK_INT(made.row_groups.items[0].sorting_columns.count, 0);
    REQUIRE(made.row_groups.items[1].sorting_columns.count == 1);
    CHECK_INT(made.row_groups.items[1].sorting_columns.items[0].column_idx, 2);
    CHECK(made.row_groups.items[1].sorting_columns.items[0].nulls_first);
    lm__arena_deinit(&arena);
    lm_memory_sink_deinit(&out);
    files_free(&f);
}

/* Files that are not what they were, or cannot be had. */

TEST(a_file_that_changes_is_noticed)
{
    lm_memory_sink items[2], other;
    files f = {.items = items, .count = 2, .changed_at = 1, .change = &other};
    lm_error error;
    make_file(&items[0], "a: int32", 0, 20, NULL);
    make_file(&items[1], "a: int32", 20, 20, NULL);
    make_file(&other, "a: int32", 0, 21, NULL);
    merge_badly(&f, NULL, LM_CONFLICT, "a: it was changed");
    /* Of the same size, another footer. */
    lm_memory_sink_deinit(&other);
    lm_memory_sink_init(&other, NULL, SIZE_MAX / 4);
    CHECK_OK(lm_sink_write(&other.sink, items[0].data, items[0].size, &error), error);
    writer_name = "lamella version 9.9.9";
    change_footer(&other, rename_writer);
    CHECK_INT(other.size, items[0].size);
    memset(f.opened, 0, sizeof f.opened);
    merge_badly(&f, NULL, LM_CONFLICT, "a: it was changed");
    lm_parquet_merge_options rewrite = {.rewrite = true};
    memset(f.opened, 0, sizeof f.opened);
    merge_badly(&f, &rewrite, LM_CONFLICT, "a: it was changed");
    /* Cut, it is not a file at all. */
    other.size -= 9;
    memset(f.opened, 0, sizeof f.opened);
    merge_badly(&f, NULL, LM_CORRUPT, "a: ");
    lm_memory_sink_deinit(&other);
    files_free(&f);
}

static void encrypt(lm_file_metadata *metadata, lm_arena *arena)
{
    metadata->encryption_algorithm = lm__arena_zero(arena, sizeof(lm_encryption_algorithm));
    ((lm_encryption_algorithm *)metadata->encryption_algorithm)->choice.member = 1;
}

static void point_outside(lm_file_metadata *metadata, lm_arena *arena)
{
    (void)arena;
    lm_column_chunk *chunk = (lm_column_chunk *)&metadata->row_groups.items[0].columns.items[0];
    ((lm_column_metadata *)chunk->meta_data)->total_compressed_size = INT64_MAX;
}

static void shorten_chunk(lm_file_metadata *metadata, lm_arena *arena)
{
    (void)arena;
    lm_column_chunk *chunk = (lm_column_chunk *)&metadata->row_groups.items[0].columns.items[0];
    ((lm_column_metadata *)chunk->meta_data)->total_compressed_size -= 1;
}

static void lie_elsewhere(lm_file_metadata *metadata, lm_arena *arena)
{
    (void)arena;
    lm_column_chunk *chunk = (lm_column_chunk *)&metadata->row_groups.items[0].columns.items[0];
    chunk->file_path = lm__bytes("part", 4);
}

TEST(what_cannot_be_carried_is_refused)
{
    static const struct {
        void (*change)(lm_file_metadata *metadata, lm_arena *arena);
        lm_status status;
        const char *message;
    } cases[] = {
        {encrypt, LM_UNSUPPORTED, "b: it is encrypted"},
        {point_outside, LM_CORRUPT, "b: row group 0: column a"},
        {shorten_chunk, LM_CORRUPT, "page outside of the chunk; use --rewrite"},
        {lie_elsewhere, LM_UNSUPPORTED, "another file"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        lm_memory_sink items[2];
        files f = {.items = items, .count = 2};
        make_file(&items[0], "a: int32", 0, 20, NULL);
        make_file(&items[1], "a: int32", 20, 20, NULL);
        change_footer(&items[1], cases[i].change);
        merge_badly(&f, NULL, cases[i].status, cases[i].message);
        files_free(&f);
    }
}

/* Writing anew. */

TEST(small_row_groups_become_large_ones)
{
    lm_memory_sink items[3], out;
    files f = {.items = items, .count = 3};
    lm_parquet_options write = small_options(), large = small_options();
    lm_arena arena;
    lm_file_metadata made;
    write.row_group_rows_max = 1000;
    large.row_group_rows_max = 1000;
    make_file(&items[0], TABLE, 0, 90, NULL); /* 40, 40, 10 */
    make_file(&items[1], TABLE, 90, 500, &large);
    make_file(&items[2], TABLE, 590, 70, NULL); /* 40, 30 */
    lm_parquet_merge_options options = {.rewrite = true, .write = &write};
    merge_well(&f, &options, &out);
    read_footer(&out, &arena, &made);
    CHECK_INT(made.row_groups.count, 1);
    lm__arena_deinit(&arena);
    lm_memory_sink_deinit(&out);
    options.rewrite = false;
    options.small_rows = 50;
    merge_well(&f, &options, &out);
    read_footer(&out, &arena, &made);
    REQUIRE(made.row_groups.count == 3);
    CHECK_INT(made.row_groups.items[0].num_rows, 90);
    CHECK_INT(made.row_groups.items[1].num_rows, 500);
    CHECK_INT(made.row_groups.items[2].num_rows, 70);
    lm__arena_deinit(&arena);
    lm_memory_sink_deinit(&out);
    options.small_rows = 40; /* 10 and 30 of them are */
    merge_well(&f, &options, &out);
    read_footer(&out, &arena, &made);
    CHECK_INT(made.row_groups.count, 6);
    lm__arena_deinit(&arena);
    lm_memory_sink_deinit(&out);
    options.small_bytes = 1; /* and none has so few bytes */
    merge_well(&f, &options, &out);
    check_places(&f, &out);
    lm_memory_sink_deinit(&out);
    files_free(&f);
}

TEST(writing_anew_joins_what_cannot_be_carried)
{
    lm_memory_sink items[2], out;
    files f = {.items = items, .count = 2};
    lm_parquet_merge_options options = {.rewrite = true};
    lm_error error;
    make_file(&items[0], "a: int32 not null, b: utf8", 0, 50, NULL);
    make_file(&items[1], "a: int64, c: float64 not null", 50, 50, NULL);
    lm_memory_sink_init(&out, NULL, SIZE_MAX / 4);
    CHECK_OK(merge_files(&f, &options, &out.sink, NULL, NULL, &error), error);
    check_sound(&out);
    lm_memory_sink_deinit(&out);
    files_free(&f);
    make_file(&items[0], "a: int32", 0, 50, NULL);
    make_file(&items[1], "a: utf8", 50, 50, NULL);
    merge_badly(&f, &options, LM_SCHEMA, "column a");
    files_free(&f);
}

/* What fails. */

static void fail_allocations(files *f, lm_parquet_merge_options options)
{
    lm_parquet_options write = small_options();
    lm_error error;
    options.write = &write;
    for (size_t n = 0;; n++) {
        check_alloc memory;
        lm_memory_sink out;
        lm_memory_sink_init(&out, NULL, SIZE_MAX / 4);
        check_alloc_init(&memory, n);
        options.allocator = &memory.allocator;
        lm_status status = merge_files(f, &options, &out.sink, NULL, NULL, &error);
        lm_memory_sink_deinit(&out);
        CHECK_INT(memory.live, 0);
        CHECK_INT(f->live, 0);
        if (!memory.failed) break;
        /* A buffer that cannot be shrunk stays as it is: the reader does not mind. */
        if (status != LM_OK) CHECK_STATUS(status, LM_NO_MEMORY);
    }
}

TEST(failing_memory_leaves_nothing_behind)
{
    lm_memory_sink items[2];
    files f = {.items = items, .count = 2};
    lm_parquet_options bloom = bloom_options();
    make_file(&items[0], TABLE, 0, 60, &bloom);
    make_file(&items[1], "id: int64 not null, s: struct<y: utf8, z: bool>", 60, 30, NULL);
    fail_allocations(&f, (lm_parquet_merge_options){0});
    f.no_views = true;
    fail_allocations(&f, (lm_parquet_merge_options){.pairs = LM_PARQUET_PAIRS_FIRST});
    fail_allocations(&f, (lm_parquet_merge_options){.small_rows = 35});
    fail_allocations(&f, (lm_parquet_merge_options){.rewrite = true});
    files_free(&f);
}

/* A sink that takes so many bytes. */
typedef struct full_sink {
    lm_sink sink;
    uint64_t left;
} full_sink;

static lm_status full_write(lm_sink *sink, const void *data, size_t size, lm_error *error)
{
    full_sink *full = (full_sink *)sink;
    (void)data;
    if (size > full->left) return lm__error_set(error, LM_NO_SPACE, "it is full");
    full->left -= size;
    return LM_OK;
}

static lm_status full_finish(lm_sink *sink, lm_error *error)
{
    (void)sink, (void)error;
    return LM_OK;
}

static void full_abort(lm_sink *sink) { (void)sink; }

TEST(a_sink_that_is_full_is_told_of)
{
    static const lm_sink_ops ops = {full_write, full_finish, full_abort};
    lm_memory_sink items[2], out;
    files f = {.items = items, .count = 2};
    lm_error error;
    make_file(&items[0], TABLE, 0, 60, NULL);
    make_file(&items[1], TABLE, 60, 60, NULL);
    for (int kind = 0; kind < 3; kind++) {
        lm_parquet_merge_options options = {.rewrite = kind == 1, .small_rows = kind == 2 ? 30 : 0};
        merge_well(&f, &options, &out);
        for (uint64_t left = 0; left < out.size; left += 97) {
            full_sink full = {.left = left};
            lm_sink_init(&full.sink, &ops);
            CHECK_STATUS(merge_files(&f, &options, &full.sink, NULL, NULL, &error), LM_NO_SPACE);
        }
        lm_memory_sink_deinit(&out);
    }
    files_free(&f);
}

TEST(a_merge_can_be_interrupted)
{
    lm_memory_sink items[1];
    files f = {.items = items, .count = 1};
    lm_cancel cancel = {1};
    lm_parquet_merge_options options = {.cancel = &cancel};
    make_file(&items[0], TABLE, 0, 60, NULL);
    merge_badly(&f, &options, LM_CANCELLED, "interrupted");
    files_free(&f);
}

int main(void)
{
    RUN(row_groups_are_carried_over_and_offsets_lead_to_them);
    RUN(files_whose_tails_are_not_kept_are_opened_again);
    RUN(padding_keeps_places_modulo_the_alignment);
    RUN(row_groups_without_rows_are_left_out);
    RUN(columns_that_a_file_lacks_are_null_in_it);
    RUN(schemas_that_do_not_fit_are_refused_with_the_remedy);
    RUN(converted_and_logical_types_of_one_meaning_go_together);
    RUN(bounds_are_not_believed_more_than_before);
    RUN(strings_that_may_go_on_from_page_to_page_keep_their_writer);
    RUN(orders_of_bounds_must_agree);
    RUN(metadata_that_differs_is_dropped_taken_of_the_first_or_refused);
    RUN(sorting_columns_are_kept);
    RUN(a_file_that_changes_is_noticed);
    RUN(what_cannot_be_carried_is_refused);
    RUN(small_row_groups_become_large_ones);
    RUN(writing_anew_joins_what_cannot_be_carried);
    RUN(failing_memory_leaves_nothing_behind);
    RUN(a_sink_that_is_full_is_told_of);
    RUN(a_merge_can_be_interrupted);
    return DONE();
}
