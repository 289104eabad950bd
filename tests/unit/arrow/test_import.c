/* Arrays from outside: views of honest ones, refusal of those that lie, release exactly once
 * (view.h 1 to 6, batch.h 1 to 4, import.c 1 to 3). */
#include "arrow/batch.h"

#include "arrow/fixture.h"
#include "arrow/validate.h"

static lm_error error;

static lm_schema *schema_of(const char *text)
{
    lm_schema *schema = NULL;
    CHECK_OK(lm_schema_parse(NULL, text, strlen(text), &schema, &error), error);
    return schema;
}

/* Imports a table of one column. */
static lm_status import_one(const char *type, array_fixture *column, lm_validate validate,
                            lm_batch **batch)
{
    char text[400];
    snprintf(text, sizeof text, "c: %s", type);
    lm_schema *schema = schema_of(text);
    static array_fixture root; /* it is released after the return */
    fixture_init(&root, column->array.length, 1, NULL, NULL, NULL);
    fixture_add(&root, column);
    column->releases = 0;
    lm_error_clear(&error);
    lm_status status = lm__batch_import_take(NULL, schema, &root.array, validate, batch, &error);
    CHECK(root.array.release == NULL);
    if (status == LM_OK) {
        CHECK_INT(root.releases, 0);
    } else {
        CHECK(*batch == NULL);
        CHECK_INT(column->releases, 1);
        column->array.release = fixture_release; /* for the next trial */
    }
    lm_schema_free(schema);
    return status;
}

static void done(array_fixture *column, lm_batch *batch)
{
    CHECK_INT(column->releases, 0);
    lm__batch_unref(batch);
    CHECK_INT(column->releases, 1);
    column->array.release = fixture_release;
}

#define REFUSED(type, column, validate, words)                                                     \
    do {                                                                                           \
        lm_batch *batch_;                                                                          \
        lm_status status_ = import_one(type, column, validate, &batch_);                           \
        if (status_ != LM_DATA && status_ != LM_LIMIT && status_ != LM_INVALID)                    \
            check_fail(__FILE__, __LINE__, "%s: %s", lm_status_name(status_), error.message);      \
        CHECK_TEXT(error.message, words);                                                          \
        lm__batch_unref(batch_);                                                                   \
    } while (0)

static const int32_t numbers[] = {10, 11, 12, 13, 14, 15, 16, 17, 18, 19,
                                  20, 21, 22, 23, 24, 25, 26, 27, 28, 29};
static const uint8_t bits[] = {0x5a, 0xff, 0x0f}; /* 01011010 11111111 … */

TEST(a_slice_is_seen_as_it_is)
{
    array_fixture column;
    lm_batch *batch, *part;
    fixture_init(&column, 10, 2, bits, numbers, NULL);
    column.array.offset = 3;
    REQUIRE(import_one("int32", &column, LM_VALIDATE_FULL, &batch) == LM_OK);
    lm_array view = lm__batch_column(batch, 0);
    CHECK_INT(view.length, 10);
    CHECK_INT(((const int32_t *)lm__array_fixed(&view))[0], 13);
    CHECK_INT(lm__array_null_count(&view), 2); /* of bits 3 to 12, 5 and 7 */
    CHECK(lm__array_valid(&view, 0));
    CHECK(!lm__array_valid(&view, 2));
    CHECK(!lm__array_valid(&view, 4));
    CHECK_STATUS(lm__batch_slice(batch, 4, 7, &part, &error), LM_INVALID);
    CHECK_STATUS(lm__batch_slice(batch, -1, 7, &part, &error), LM_INVALID);
    CHECK_OK(lm__batch_slice(batch, 4, 3, &part, &error), error);
    lm__batch_unref(part);
    CHECK_OK(lm__batch_slice(batch, 4, 3, &part, &error), error);
    view = lm__batch_column(part, 0);
    CHECK_INT(lm__batch_rows(part), 3);
    CHECK_INT(lm__array_null_count(&view), 1);
    CHECK(!lm__array_valid(&view, 0));
    CHECK_INT(((const int32_t *)lm__array_fixed(&view))[2], 19);
    lm__batch_unref(batch);
    CHECK_INT(column.releases, 0); /* the slice holds it */
    lm__batch_unref(part);
    CHECK_INT(column.releases, 1);
}

TEST(a_batch_is_handed_out_piece_by_piece)
{
    for (int64_t most = 0; most <= 11; most++) {
        array_fixture column;
        lm_batch_rest rest = {0};
        lm_batch *piece;
        fixture_init(&column, 10, 2, NULL, numbers, NULL);
        CHECK_OK(lm__batch_rest_next(&rest, most, &piece, &error), error);
        CHECK(piece == NULL);
        REQUIRE(import_one("int32", &column, LM_VALIDATE_FULL, &rest.batch) == LM_OK);
        for (int64_t row = 0; row < 10;) {
            int64_t want = most == 0 || most > 10 - row ? 10 - row : most;
            CHECK_OK(lm__batch_rest_next(&rest, most, &piece, &error), error);
            REQUIRE(piece != NULL);
            lm_array view = lm__batch_column(piece, 0);
            CHECK_INT(view.length, want);
            CHECK_INT(((const int32_t *)lm__array_fixed(&view))[0], numbers[row]);
            row += want;
            CHECK((rest.batch == NULL) == (row == 10));
            lm__batch_unref(piece);
        }
        CHECK_INT(column.releases, 1);
    }
}

TEST(what_is_not_aligned_is_copied)
{
    _Alignas(8) uint8_t bytes[100];
    array_fixture column;
    lm_batch *batch;
    memcpy(bytes + 1, numbers, sizeof numbers);
    fixture_init(&column, 8, 2, bits, bytes + 1, NULL);
    column.array.offset = 11;
    REQUIRE(import_one("int32", &column, LM_VALIDATE_FULL, &batch) == LM_OK);
    lm_array view = lm__batch_column(batch, 0);
    CHECK_INT((uintptr_t)view.values % 4, 0);
    CHECK_BYTES(lm__array_fixed(&view), numbers + 11, 8 * sizeof *numbers);
    CHECK(lm__array_valid(&view, 0));
    CHECK_INT(lm__array_null_count(&view), 0);
    done(&column, batch);
}

TEST(the_structure_is_checked_without_reading_rows)
{
    array_fixture c;
#define FRESH(change)                                                                              \
    do {                                                                                           \
        fixture_init(&c, 4, 2, NULL, numbers, NULL);                                               \
        change;                                                                                    \
    } while (0)
    FRESH(c.array.length = -1);
    REFUSED("int32", &c, LM_VALIDATE_STRUCTURE,
            "the table: an impossible length (-1) or offset (0)");
    FRESH(c.array.offset = -1);
    REFUSED("int32", &c, LM_VALIDATE_STRUCTURE,
            "column c: an impossible length (4) or offset (-1)");
    FRESH(c.array.offset = INT64_MAX);
    REFUSED("int32", &c, LM_VALIDATE_STRUCTURE,
            "column c: an impossible length (4) or offset (9223372036854775807)");
    FRESH(c.array.null_count = 5);
    REFUSED("int32", &c, LM_VALIDATE_STRUCTURE, "column c: 5 nulls in 4 rows");
    FRESH(c.array.null_count = -2);
    REFUSED("int32", &c, LM_VALIDATE_STRUCTURE, "column c: -2 nulls in 4 rows");
    FRESH(c.array.null_count = 1);
    REFUSED("int32", &c, LM_VALIDATE_STRUCTURE, "column c: 1 nulls, but no bitmap that says which");
    FRESH(c.array.n_buffers = 3);
    REFUSED("int32", &c, LM_VALIDATE_STRUCTURE, "column c: int32 with 3 buffers, not 2");
    FRESH(c.array.buffers = NULL);
    REFUSED("int32", &c, LM_VALIDATE_STRUCTURE, "column c: its buffers are missing");
    FRESH(c.buffers[1] = NULL);
    REFUSED("int32", &c, LM_VALIDATE_STRUCTURE, "column c: 4 rows, but buffer 1 is missing");
    FRESH(c.array.n_children = 1);
    REFUSED("int32", &c, LM_VALIDATE_STRUCTURE, "column c: an array with 1 children, not 0");
    FRESH(c.array.n_buffers = 2);
    REFUSED("dictionary<int32, int32>", &c, LM_VALIDATE_STRUCTURE,
            "column c: its dictionary is missing");
    array_fixture other;
    fixture_init(&other, 4, 2, NULL, numbers, NULL);
    FRESH(c.array.dictionary = &other.array);
    REFUSED("int32", &c, LM_VALIDATE_STRUCTURE,
            "column c: a dictionary that its type does not have");
    /* Each child is looked at in its turn. */
    fixture_init(&c, 4, 1, NULL, NULL, NULL);
    REFUSED("struct<a: int32>", &c, LM_VALIDATE_STRUCTURE,
            "column c: an array with 0 children, not 1");
    c.array.n_children = 1;
    c.array.children = NULL;
    REFUSED("struct<a: int32>", &c, LM_VALIDATE_STRUCTURE, "column c: its children are missing");
    c.array.children = c.children;
    REFUSED("struct<a: int32>", &c, LM_VALIDATE_STRUCTURE, "column c.a: its array is missing");
    fixture_init(&other, 3, 2, NULL, numbers, NULL);
    c.children[0] = &other.array;
    REFUSED("struct<a: int32>", &c, LM_VALIDATE_STRUCTURE,
            "column c.a: 3 rows, where 4 are needed");
    other.array.release = NULL;
    REFUSED("struct<a: int32>", &c, LM_VALIDATE_STRUCTURE,
            "column c.a: its array has been released already");
    fixture_init(&c, 4, 1, NULL, NULL, NULL);
    fixture_init(&other, 11, 2, NULL, numbers, NULL);
    fixture_add(&c, &other);
    REFUSED("fixed_list<int32>[3]", &c, LM_VALIDATE_STRUCTURE,
            "column c.item: 11 rows, where 12 are needed");
    c.array.offset = (int64_t)1 << 50;
    other.array.release = fixture_release;
    REFUSED("fixed_list<int32>[2000000000]", &c, LM_VALIDATE_STRUCTURE,
            "column c: more items than there can be");
}

TEST(offsets_are_checked)
{
    array_fixture c, items;
    lm_batch *batch;
    int32_t offsets[] = {1, 3, 3, 7, 8};
    int64_t large[] = {1, 3, 3, 7, 8};
    char bytes[] = "abcdefghij";
    size_t size;
    fixture_init(&c, 4, 3, NULL, offsets, bytes);
    REQUIRE(import_one("utf8", &c, LM_VALIDATE_TEXT, &batch) == LM_OK);
    lm_array view = lm__batch_column(batch, 0);
    CHECK_BYTES(lm__array_bytes(&view, 2, &size), "defg", 4);
    CHECK_INT(size, 4);
    lm__array_bytes(&view, 1, &size);
    CHECK_INT(size, 0);
    done(&c, batch);
    c.buffers[2] = NULL;
    REFUSED("utf8", &c, LM_VALIDATE_STRUCTURE, "column c: 8 bytes, but their buffer is missing");
    c.buffers[2] = bytes;
    offsets[0] = -1;
    REFUSED("utf8", &c, LM_VALIDATE_STRUCTURE, "column c: offsets that go from -1 to 8");
    offsets[0] = 9;
    REFUSED("utf8", &c, LM_VALIDATE_STRUCTURE, "column c: offsets that go from 9 to 8");
    offsets[0] = 4;
    REFUSED("utf8", &c, LM_VALIDATE_FULL, "column c: row 0: its offset falls");
    offsets[0] = 1;
    offsets[3] = 1000000;
    REFUSED("binary", &c, LM_VALIDATE_FULL, "column c: row 3: its offset falls");
    offsets[3] = 7;
    c.buffers[1] = large;
    large[2] = INT64_MIN;
    REFUSED("large_utf8", &c, LM_VALIDATE_FULL, "column c: row 1: its offset falls");
    large[2] = 3;
    fixture_init(&c, 4, 2, NULL, offsets, NULL);
    fixture_init(&items, 7, 2, NULL, numbers, NULL);
    fixture_add(&c, &items);
    REFUSED("list<int32>", &c, LM_VALIDATE_STRUCTURE, "column c: its lists end at item 8 of 7");
    items.array.release = fixture_release;
    items.array.length = 8;
    REQUIRE(import_one("list<int32>", &c, LM_VALIDATE_FULL, &batch) == LM_OK);
    view = lm__batch_column(batch, 0);
    lm_array child = lm__array_child(&view, 0);
    CHECK_INT(child.length, 7);
    CHECK_INT(((const int32_t *)lm__array_fixed(&child))[0], 11);
    int64_t start;
    int64_t count;
    lm__array_list_range(&view, 2, &start, &count);
    CHECK_INT(start, 3);
    CHECK_INT(count, 4);
    done(&c, batch);
    items.array.release = fixture_release;
    c.buffers[1] = large;
    large[3] = 2;
    REFUSED("large_list<int32>", &c, LM_VALIDATE_FULL, "column c: row 2: its offset falls");
}

/* A column of a sliced table: its own first and last offsets are good, those of the slice are not.
 */
TEST(offsets_within_a_slice_are_checked)
{
    static const int32_t bad[][5] = {{0, -1, 2, 2, 4}, {0, 1, 2, 9, 4}};
    for (size_t i = 0; i < 2; i++) {
        array_fixture c, text, root;
        lm_schema *schema = schema_of("c: utf8, l: list<int32>");
        lm_batch *batch;
        array_fixture items;
        fixture_init(&root, 2, 1, NULL, NULL, NULL);
        root.array.offset = 1;
        fixture_init(&text, 4, 3, NULL, i ? bad[1] : bad[0], "abcd");
        fixture_init(&c, 4, 2, NULL, bad[i], NULL);
        fixture_init(&items, 4, 2, NULL, numbers, NULL);
        fixture_add(&root, &text);
        fixture_add(&root, &c);
        fixture_add(&c, &items);
        CHECK_STATUS(
            lm__batch_import_take(NULL, schema, &root.array, LM_VALIDATE_FULL, &batch, &error),
            LM_DATA);
        CHECK_TEXT(error.message,
                   i ? "column c: offsets from 1 to 9 in a part, from 0 to 4 in all"
                     : "column c: offsets from -1 to 2 in a part, from 0 to 4 in all");
        CHECK_INT(root.releases, 1);
        lm_schema_free(schema);
    }
}

TEST(empty_arrays_may_lack_their_buffers)
{
    static const char *const types[] = {"null",
                                        "bool",
                                        "int32",
                                        "utf8",
                                        "large_utf8",
                                        "utf8_view",
                                        "list<int8>",
                                        "large_list<int8>",
                                        "list_view<int8>",
                                        "struct<a: int8>",
                                        "fixed_list<int8>[3]",
                                        "map<utf8, int8>",
                                        "dictionary<int8, utf8>",
                                        "run_end_encoded<int32, int8>"};
    static const int n_buffers[] = {0, 2, 2, 3, 3, 3, 2, 2, 3, 1, 1, 2, 2, 0};
    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        array_fixture c, a, b, d;
        lm_batch *batch;
        fixture_init(&c, 0, n_buffers[i], NULL, NULL, NULL);
        fixture_init(&a, 0, 2, NULL, NULL, NULL);
        fixture_init(&b, 0, 2, NULL, NULL, NULL);
        fixture_init(&d, 0, 3, NULL, NULL, NULL);
        if (strncmp(types[i], "dict", 4) == 0)
            c.array.dictionary = &d.array;
        else if (strncmp(types[i], "map", 3) == 0) {
            fixture_add(&c, &a);
            a.array.n_buffers = 1;
            fixture_add(&a, &d);
            fixture_add(&a, &b);
        } else if (strchr(types[i], '<')) {
            fixture_add(&c, &a);
            if (types[i][0] == 'r') fixture_add(&c, &b);
        }
        lm_status status = import_one(types[i], &c, LM_VALIDATE_TEXT, &batch);
        if (status != LM_OK) {
            check_fail(__FILE__, __LINE__, "%s: %s", types[i], error.message);
            continue;
        }
        lm_array view = lm__batch_column(batch, 0);
        if (view.n_children) CHECK_INT(lm__array_child(&view, 0).length, 0);
        struct ArrowArray out;
        CHECK_OK(lm__batch_export(batch, &out, &error), error);
        out.release(&out);
        done(&c, batch);
    }
}

TEST(text_is_checked_when_asked)
{
    array_fixture c;
    lm_batch *batch;
    int32_t offsets[] = {0, 1, 3, 5};
    char bytes[] = "a\xc3\xa9\xc3\xa9";
    uint8_t second_null = 0x5;
    fixture_init(&c, 3, 3, NULL, offsets, bytes);
    REQUIRE(import_one("utf8", &c, LM_VALIDATE_TEXT, &batch) == LM_OK);
    done(&c, batch);
    offsets[1] = 2; /* between the two bytes of one character */
    REFUSED("utf8", &c, LM_VALIDATE_TEXT, "column c: row 0: byte 1 (0xc3) is not UTF-8");
    REQUIRE(import_one("utf8", &c, LM_VALIDATE_FULL, &batch) == LM_OK);
    done(&c, batch);
    REQUIRE(import_one("binary", &c, LM_VALIDATE_TEXT, &batch) == LM_OK);
    done(&c, batch);
    offsets[1] = 1;
    bytes[2] = 'x';
    REFUSED("utf8", &c, LM_VALIDATE_TEXT, "column c: row 1: byte 0 (0xc3) is not UTF-8");
    c.buffers[0] = &second_null; /* what a null holds is nobody's business */
    c.array.null_count = -1;
    REQUIRE(import_one("utf8", &c, LM_VALIDATE_TEXT, &batch) == LM_OK);
    done(&c, batch);
}

TEST(dictionary_indices_are_checked)
{
    array_fixture c, d;
    lm_batch *batch;
    int8_t small[] = {0, 2, 1, -1};
    uint64_t wide[] = {0, 2, 1, UINT64_MAX};
    uint8_t last_null = 0x7;
    fixture_init(&d, 3, 2, NULL, numbers, NULL);
    fixture_init(&c, 4, 2, NULL, small, NULL);
    c.array.dictionary = &d.array;
    REFUSED("dictionary<int8, int32>", &c, LM_VALIDATE_FULL,
            "column c: row 3: index -1 into a dictionary of 3");
    d.array.release = fixture_release;
    REFUSED("dictionary<uint8, int32>", &c, LM_VALIDATE_FULL,
            "column c: row 3: index 255 into a dictionary of 3");
    d.array.release = fixture_release;
    c.buffers[1] = wide;
    REFUSED("dictionary<uint64, int32>", &c, LM_VALIDATE_FULL,
            "column c: row 3: index -1 into a dictionary of 3");
    d.array.release = fixture_release;
    c.buffers[0] = &last_null;
    c.array.null_count = 0; /* a lie: so the last row counts as valid, and is refused */
    REFUSED("dictionary<uint64, int32>", &c, LM_VALIDATE_FULL,
            "column c: row 3: index -1 into a dictionary of 3");
    d.array.release = fixture_release;
    c.array.null_count = 2; /* another */
    REQUIRE(import_one("dictionary<uint64, int32>", &c, LM_VALIDATE_FULL, &batch) == LM_OK);
    lm_array view = lm__batch_column(batch, 0);
    CHECK_INT(view.null_count, 1);
    CHECK_INT(lm__array_index(&view, 1), 2);
    done(&c, batch);
    CHECK_INT(d.releases, 5);
}

TEST(what_lies_beneath_a_null_does_not_matter)
{
    array_fixture c, lists, d, values;
    lm_batch *batch;
    uint8_t struct_bits = 0x2, list_bits = 0x3;
    int8_t indices[] = {9, -9, 1, 0};
    fixture_init(&c, 2, 1, &struct_bits, NULL, NULL);
    fixture_init(&lists, 2, 1, &list_bits, NULL, NULL);
    fixture_init(&d, 4, 2, NULL, indices, NULL);
    fixture_init(&values, 2, 2, NULL, numbers, NULL);
    fixture_add(&c, &lists);
    fixture_add(&lists, &d);
    d.array.dictionary = &values.array;
    const char *type = "struct<l: fixed_list<dictionary<int8, int32>>[2]>";
    REQUIRE(import_one(type, &c, LM_VALIDATE_FULL, &batch) == LM_OK);
    CHECK_INT(error.code, LM_OK);
    lm_array view = lm__batch_column(batch, 0);
    lm_array list = lm__array_child(&view, 0), items = lm__array_child(&list, 0);
    CHECK_INT(items.null_count, 2);
    CHECK(!lm__array_valid(&items, 1));
    CHECK(lm__array_valid(&items, 2));
    done(&c, batch);
    struct_bits = 0x3;
    lists.array.release = d.array.release = values.array.release = fixture_release;
    REFUSED(type, &c, LM_VALIDATE_FULL, "column c.l.item: item 0: index 9 into a dictionary of 2");
}

static lm_view long_view(int32_t size, int32_t buffer, int32_t offset)
{
    lm_view view = {.size = size};
    view.buffer = buffer;
    view.offset = offset;
    return view;
}

TEST(views_are_checked)
{
    array_fixture c;
    lm_batch *batch;
    char bytes[] = "0123456789abcdefghij";
    int64_t sizes[] = {20, 0};
    lm_view views[] = {{.size = 2, .inlined = "hi"}, long_view(15, 0, 5), {.size = 0}};
    fixture_init(&c, 3, 5, NULL, views, bytes);
    c.buffers[3] = NULL;
    c.buffers[4] = sizes;
    REQUIRE(import_one("utf8_view", &c, LM_VALIDATE_TEXT, &batch) == LM_OK);
    lm_array view = lm__batch_column(batch, 0);
    size_t size;
    CHECK_BYTES(lm__array_bytes(&view, 1, &size), "56789abcdefghij", 15);
    done(&c, batch);
#define BAD(value, words)                                                                          \
    do {                                                                                           \
        views[1] = value;                                                                          \
        REFUSED("utf8_view", &c, LM_VALIDATE_FULL, words);                                         \
    } while (0)
    BAD(long_view(16, 0, 5), "column c: row 1: 16 bytes at 5 of data buffer 0 of 2");
    BAD(long_view(13, 2, 0), "column c: row 1: 13 bytes at 0 of data buffer 2 of 2");
    BAD(long_view(13, -1, 0), "column c: row 1: 13 bytes at 0 of data buffer -1 of 2");
    BAD(long_view(13, 0, -1), "column c: row 1: 13 bytes at -1 of data buffer 0 of 2");
    BAD(long_view(-5, 0, 0), "column c: row 1: -5 bytes at 0 of data buffer 0 of 2");
    BAD(long_view(INT32_MAX, 0, INT32_MAX),
        "column c: row 1: 2147483647 bytes at 2147483647 of data buffer 0 of 2");
    sizes[1] = -1;
    REFUSED("utf8_view", &c, LM_VALIDATE_STRUCTURE,
            "column c: data buffer 1 has an impossible size");
    sizes[1] = 1;
    REFUSED("utf8_view", &c, LM_VALIDATE_STRUCTURE, "column c: data buffer 1 is missing");
    c.buffers[4] = NULL;
    REFUSED("utf8_view", &c, LM_VALIDATE_STRUCTURE,
            "column c: the sizes of its buffers are missing");
    c.array.n_buffers = 2;
    REFUSED("utf8_view", &c, LM_VALIDATE_STRUCTURE, "column c: utf8_view with 2 buffers, not 3");
}

TEST(list_views_are_checked)
{
    array_fixture c, items;
    lm_batch *batch;
    int32_t offsets[] = {4, 0, 8}, sizes[] = {2, 5, 0};
    fixture_init(&c, 3, 3, NULL, offsets, sizes);
    fixture_init(&items, 8, 2, NULL, numbers, NULL);
    fixture_add(&c, &items);
    REQUIRE(import_one("list_view<int32>", &c, LM_VALIDATE_FULL, &batch) == LM_OK);
    done(&c, batch);
    sizes[2] = 1;
    items.array.release = fixture_release;
    REFUSED("list_view<int32>", &c, LM_VALIDATE_FULL,
            "column c: row 2: 1 items from 8, where there are 8");
    sizes[2] = -1;
    items.array.release = fixture_release;
    REFUSED("list_view<int32>", &c, LM_VALIDATE_FULL,
            "column c: row 2: -1 items from 8, where there are 8");
    c.buffers[2] = NULL;
    items.array.release = fixture_release;
    REFUSED("list_view<int32>", &c, LM_VALIDATE_FULL, "column c: 3 rows, but buffer 2 is missing");
}

TEST(run_ends_are_checked)
{
    array_fixture c, ends, values;
    lm_batch *batch;
    int16_t runs[] = {2, 5, 9};
    uint8_t second_null = 0x5;
    fixture_init(&c, 6, 0, NULL, NULL, NULL);
    fixture_init(&ends, 3, 2, NULL, runs, NULL);
    fixture_init(&values, 3, 2, &second_null, numbers, NULL);
    fixture_add(&c, &ends);
    fixture_add(&c, &values);
    c.array.offset = 1;
    REQUIRE(import_one("run_end_encoded<int16, int32>", &c, LM_VALIDATE_FULL, &batch) == LM_OK);
    lm_array view = lm__batch_column(batch, 0);
    int64_t end;
    CHECK_INT(lm__array_run_find(&view, 0, &end), 0);
    CHECK_INT(end, 1);
    CHECK_INT(lm__array_run_find(&view, 1, &end), 1);
    CHECK_INT(end, 4);
    CHECK_INT(lm__array_run_find(&view, 5, &end), 2);
    CHECK_INT(end, 6);
    CHECK(lm__array_valid_logical(&view, 0));
    CHECK(!lm__array_valid_logical(&view, 3));
    CHECK(lm__array_valid(&view, 3));
    done(&c, batch);
#define AGAIN (ends.array.release = values.array.release = fixture_release)
    AGAIN;
    c.array.length = 9;
    REFUSED("run_end_encoded<int16, int32>", &c, LM_VALIDATE_STRUCTURE,
            "column c: its runs end at row 9 of 10");
    AGAIN;
    c.array.length = 6;
    runs[1] = 2;
    REFUSED("run_end_encoded<int16, int32>", &c, LM_VALIDATE_FULL,
            "column c: run 1 ends at 2, after 2");
    AGAIN;
    values.array.length = 2;
    REFUSED("run_end_encoded<int16, int32>", &c, LM_VALIDATE_STRUCTURE,
            "column c: 3 run ends, but 2 values");
    AGAIN;
    values.array.length = 3;
    ends.buffers[0] = &second_null;
    ends.array.null_count = -1;
    REFUSED("run_end_encoded<int16, int32>", &c, LM_VALIDATE_STRUCTURE,
            "column c: a run end that is null");
}

TEST(decimals_have_their_digits)
{
    array_fixture c;
    lm_batch *batch;
    int32_t d4[] = {-999, 999, 1000};
    int64_t d16[] = {999, 0, -999, -1, 0, 1}; /* the last is 2^64 */
    int64_t d32[] = {-1000, -1, -1, -1};
    fixture_init(&c, 2, 2, NULL, d4, NULL);
    REQUIRE(import_one("decimal32(3, 1)", &c, LM_VALIDATE_FULL, &batch) == LM_OK);
    done(&c, batch);
    c.array.length = 3;
    REFUSED("decimal32(3, 1)", &c, LM_VALIDATE_FULL,
            "column c: row 2: 100.0 has more than 3 digits");
    c.buffers[1] = d16;
    REFUSED("decimal128(3, 2)", &c, LM_VALIDATE_FULL,
            "column c: row 2: 184467440737095516.16 has more than 3 digits");
    c.buffers[1] = d32;
    c.array.length = 1;
    REFUSED("decimal256(3, -2)", &c, LM_VALIDATE_FULL,
            "column c: row 0: -100000 has more than 3 digits");
}

TEST(nulls_are_found_where_none_may_be)
{
    array_fixture root, s, a, list, items;
    lm_batch *batch;
    uint8_t parent = 0x5, child = 0xd, item_bits = 0x37; /* rows 0 2; 0 2 3; items 0 1 2 4 5 */
    int32_t offsets[] = {0, 1, 1, 3, 6};
    struct {
        const char *text, *words;
    } rows[] = {
        {"s: struct<a: int32>, l: list<int32>", NULL},
        {"s: struct<a: int32 not null>, l: list<int32>", NULL}, /* only beneath a null */
        {"s: struct<a: int32> not null, l: list<int32>",
         "column s: row 1 is null, but the column is not null"},
        {"s: struct<a: int32>, l: list<int32 not null>",
         "column l.item: row 3 is null, but the column is not null"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        lm_schema *schema = schema_of(rows[i].text);
        fixture_init(&root, 4, 1, NULL, NULL, NULL);
        fixture_init(&s, 4, 1, &parent, NULL, NULL);
        fixture_init(&a, 4, 2, &child, numbers, NULL);
        parent = i == 2 ? 0xd : 0x5;
        fixture_init(&list, 4, 2, NULL, offsets, NULL);
        fixture_init(&items, 6, 2, &item_bits, numbers, NULL);
        fixture_add(&root, &s);
        fixture_add(&s, &a);
        fixture_add(&root, &list);
        fixture_add(&list, &items);
        CHECK_OK(lm__batch_import_take(NULL, schema, &root.array, LM_VALIDATE_FULL, &batch, &error),
                 error);
        lm_status status = lm__array_check_nulls(&batch->root, &schema->root, NULL, 0, &error);
        CHECK_INT(status, rows[i].words ? LM_DATA : LM_OK);
        if (rows[i].words) CHECK_TEXT(error.message, rows[i].words);
        lm__batch_unref(batch);
        CHECK_INT(root.releases, 1);
        lm_schema_free(schema);
    }
}

TEST(rows_null_as_a_whole_are_refused)
{
    array_fixture root;
    lm_batch *batch;
    uint8_t one = 1;
    lm_schema *schema = schema_of("");
    fixture_init(&root, 2, 1, &one, NULL, NULL);
    CHECK_STATUS(lm__batch_import_take(NULL, schema, &root.array, LM_VALIDATE_FULL, &batch, &error),
                 LM_DATA);
    CHECK_TEXT(error.message, "the table has rows that are null as a whole (1 of them)");
    CHECK_INT(root.releases, 1);
    one = 3;
    fixture_init(&root, 2, 1, &one, NULL, NULL);
    CHECK_OK(lm__batch_import_take(NULL, schema, &root.array, LM_VALIDATE_FULL, &batch, &error),
             error);
    lm__batch_unref(batch);
    lm_schema_free(schema);
}

int main(void)
{
    RUN(a_slice_is_seen_as_it_is);
    RUN(a_batch_is_handed_out_piece_by_piece);
    RUN(what_is_not_aligned_is_copied);
    RUN(the_structure_is_checked_without_reading_rows);
    RUN(offsets_are_checked);
    RUN(offsets_within_a_slice_are_checked);
    RUN(empty_arrays_may_lack_their_buffers);
    RUN(text_is_checked_when_asked);
    RUN(dictionary_indices_are_checked);
    RUN(what_lies_beneath_a_null_does_not_matter);
    RUN(views_are_checked);
    RUN(list_views_are_checked);
    RUN(run_ends_are_checked);
    RUN(decimals_have_their_digits);
    RUN(nulls_are_found_where_none_may_be);
    RUN(rows_null_as_a_whole_are_refused);
    return DONE();
}
