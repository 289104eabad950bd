/* Schemas: every format string both ways, trees that lie, the text form (schema.h 1 to 3). */
#include "arrow/schema.h"

#include "arrow/fixture.h"

static lm_error error;

static struct ArrowSchema leaf(const char *format, const char *name);

static void leaf_release(struct ArrowSchema *schema) { schema->release = NULL; }

static struct ArrowSchema leaf(const char *format, const char *name)
{
    return (struct ArrowSchema){
        .format = format, .name = name, .flags = ARROW_FLAG_NULLABLE, .release = leaf_release};
}

/* A schema text's types, one a line, as the C interface has them. */
static const struct {
    const char *format, *text;
} simple[] = {
    {"n", "null"},
    {"b", "bool"},
    {"c", "int8"},
    {"C", "uint8"},
    {"s", "int16"},
    {"S", "uint16"},
    {"i", "int32"},
    {"I", "uint32"},
    {"l", "int64"},
    {"L", "uint64"},
    {"e", "float16"},
    {"f", "float32"},
    {"g", "float64"},
    {"d:9,2,32", "decimal32(9, 2)"},
    {"d:18,-3,64", "decimal64(18, -3)"},
    {"d:38,10", "decimal128(38, 10)"},
    {"d:76,0,256", "decimal256(76, 0)"},
    {"u", "utf8"},
    {"U", "large_utf8"},
    {"vu", "utf8_view"},
    {"z", "binary"},
    {"Z", "large_binary"},
    {"vz", "binary_view"},
    {"w:16", "fixed_binary[16]"},
    {"w:0", "fixed_binary[0]"},
    {"tdD", "date32"},
    {"tdm", "date64"},
    {"tts", "time32[s]"},
    {"ttm", "time32[ms]"},
    {"ttu", "time64[us]"},
    {"ttn", "time64[ns]"},
    {"tss:", "timestamp[s]"},
    {"tsm:", "timestamp[ms]"},
    {"tsu:UTC", "timestamp[us, UTC]"},
    {"tsn:Europe/Berlin", "timestamp[ns, Europe/Berlin]"},
    {"tsn:+01:30", "timestamp[ns, +01:30]"},
    {"tsn:a \"b\"", "timestamp[ns, \"a \\\"b\\\"\"]"},
    {"tDs", "duration[s]"},
    {"tDm", "duration[ms]"},
    {"tDu", "duration[us]"},
    {"tDn", "duration[ns]"},
    {"tiM", "interval_months"},
    {"tiD", "interval_day_time"},
    {"tin", "interval_month_day_nano"},
};

static lm_status import_one(const lm_allocator *allocator, struct ArrowSchema *column,
                            lm_schema **schema)
{
    struct ArrowSchema *children[] = {column};
    struct ArrowSchema root = leaf("+s", "");
    root.n_children = 1;
    root.children = children;
    lm_error_clear(&error);
    return lm_schema_import_take(allocator, &root, schema, &error);
}

static const char *text_of(const lm_schema *schema)
{
    static char text[4096];
    lm_schema_text(schema, text, sizeof text);
    return text;
}

TEST(every_format_reads_and_writes)
{
    for (size_t i = 0; i < sizeof simple / sizeof *simple; i++) {
        struct ArrowSchema column = leaf(simple[i].format, "a"), out;
        lm_schema *schema, *again;
        REQUIRE(import_one(NULL, &column, &schema) == LM_OK);
        char want[200];
        snprintf(want, sizeof want, "a: %s\n", simple[i].text);
        CHECK_TEXT(text_of(schema), want);
        CHECK_OK(lm_schema_export(schema, &out, &error), error);
        CHECK_TEXT(out.format, "+s");
        CHECK_TEXT(out.children[0]->format, simple[i].format);
        CHECK_TEXT(out.children[0]->name, "a");
        CHECK_INT(out.children[0]->flags, ARROW_FLAG_NULLABLE);
        out.release(&out);
        CHECK(out.release == NULL);
        CHECK_OK(lm_schema_parse(NULL, want, strlen(want), &again, &error), error);
        CHECK(lm_schema_equal(schema, again));
        lm_schema_free(schema);
        lm_schema_free(again);
    }
}

TEST(formats_that_are_none_are_refused)
{
    static const char *const formats[] = {
        "",       "x",        "ll",    "d:",         "d:1",       "d:1,",
        "d:1,2,", "d:1,2,16", "d:0,0", "d:39,0",     "d:10,2,32", "d:1,2,3,4",
        "d: 1,2", "d:+1,2",   "w:",    "w:-1",       "w:1x",      "w:99999999999",
        "td",     "tdd",      "tt",    "ttx",        "tsu",       "tsx:",
        "ts",     "tD",       "tDx",   "ti",         "tix",       "v",
        "vx",     "+",        "+x",    "+w:",        "+w:-2",     "+vx",
        "+v",     "t",        "ttss",  "d:77,0,256", "d:5,39",
    };
    for (size_t i = 0; i < sizeof formats / sizeof *formats; i++) {
        struct ArrowSchema column = leaf(formats[i], "b.c");
        lm_schema *schema;
        lm_status status = import_one(NULL, &column, &schema);
        if (status != LM_SCHEMA) check_fail(__FILE__, __LINE__, "\"%s\" is taken", formats[i]);
        CHECK(strstr(error.message, "column b.c: ") == error.message);
        CHECK(schema == NULL);
        CHECK(column.release); /* a child is its parent's to release */
    }
    struct ArrowSchema column = leaf("+ud:0,1", "u");
    lm_schema *schema;
    CHECK_STATUS(import_one(NULL, &column, &schema), LM_UNSUPPORTED);
    CHECK_TEXT(error.message, "column u: unions (dense_union) are not supported");
}

static int releases;
static void count_release(struct ArrowSchema *schema)
{
    releases++;
    schema->release = NULL;
}

TEST(trees_that_lie_are_refused_and_released_once)
{
    struct ArrowSchema a = leaf("l", "a"), b = leaf("u", "b"), list = leaf("+l", "list");
    struct ArrowSchema *none[] = {NULL}, *two[] = {&a, &b}, *one[] = {&a}, *self[] = {&list};
    lm_schema *schema;
#define REFUSED(setup, want, words)                                                                \
    do {                                                                                           \
        struct ArrowSchema column = leaf("l", "x"), root = leaf("+s", "");                         \
        struct ArrowSchema *columns[] = {&column};                                                 \
        root.children = columns;                                                                   \
        root.n_children = 1;                                                                       \
        root.release = count_release;                                                              \
        setup;                                                                                     \
        releases = 0;                                                                              \
        CHECK_STATUS(lm_schema_import_take(NULL, &root, &schema, &error), want);                   \
        CHECK_TEXT(error.message, words);                                                          \
        CHECK_INT(releases, 1);                                                                    \
        CHECK(root.release == NULL);                                                               \
    } while (0)
    REFUSED(column.format = NULL, LM_SCHEMA, "column x: it has no format");
    REFUSED(column.release = NULL, LM_INVALID, "column x: it has been released already");
    REFUSED(column.n_children = -1, LM_SCHEMA, "column x: its children are missing");
    REFUSED(column.n_children = 1, LM_SCHEMA, "column x: its children are missing");
    REFUSED((column.n_children = 1, column.children = none), LM_SCHEMA,
            "column x.: a child is missing");
    REFUSED((column.n_children = 2, column.children = two), LM_SCHEMA,
            "column x: int64 has 0 child fields, not 2");
    REFUSED((column.format = "+l", column.n_children = 2, column.children = two), LM_SCHEMA,
            "column x: list has 1 child fields, not 2");
    REFUSED((column.format = "+m", column.n_children = 1, column.children = one), LM_SCHEMA,
            "column x: a map's entries are a struct of key and value");
    REFUSED((column.format = "+r", column.n_children = 2, column.children = two, a.format = "g"),
            LM_SCHEMA, "column x: run ends are int16, int32 or int64, not float64");
    REFUSED((column.format = "g", column.dictionary = &b), LM_SCHEMA,
            "column x: a dictionary's index is an integer");
    REFUSED(column.name = "\xff", LM_SCHEMA, "column \\xff: its name is not UTF-8");
    REFUSED(column.n_children = (int64_t)1 << 40, LM_SCHEMA, "column x: its children are missing");
    REFUSED((column.format = "+s", column.children = two, column.n_children = (int64_t)1 << 40),
            LM_LIMIT, "column x: too many child fields");
    REFUSED(root.format = "l", LM_SCHEMA,
            "a table is a struct of columns (\"+s\"), this is int64 alone");
    REFUSED((root.format = "l", root.n_children = 0), LM_SCHEMA,
            "a table is a struct of columns (\"+s\"), this is int64 alone");
    static const char negative[] = "\xff\xff\xff\xff";
    REFUSED(column.metadata = negative, LM_SCHEMA,
            "column x: its metadata has an impossible count");
    static const char size[] = "\x01\0\0\0\xff\xff\xff\xff";
    REFUSED(column.metadata = size, LM_SCHEMA, "column x: its metadata has an impossible size");
    /* A schema that is its own child. */
    list.children = self;
    list.n_children = 1;
    struct ArrowSchema *columns[] = {&list};
    struct ArrowSchema root = leaf("+s", "");
    root.children = columns;
    root.n_children = 1;
    CHECK_STATUS(lm_schema_import_take(NULL, &root, &schema, &error), LM_LIMIT);
    /* A struct twice in itself: 2^64 fields. */
    struct ArrowSchema *twice[] = {&list, &list};
    list.format = "+s";
    list.children = twice;
    list.n_children = 2;
    root = leaf("+s", "");
    root.children = columns;
    root.n_children = 1;
    CHECK_STATUS(lm_schema_import_take(NULL, &root, &schema, &error), LM_LIMIT);
    /* Already released. */
    root.release = NULL;
    CHECK_STATUS(lm_schema_import_take(NULL, &root, &schema, &error), LM_INVALID);
}

static const char nested_text[] =
    "id: int64 not null\n"
    "tags: list<item: utf8 not null>\n"
    "deep: large_list<element: struct<a: int32 not null, b: map<key: utf8 not null, "
    "value: fixed_list<item: float32>[3]>[sorted]>> not null\n"
    "d: dictionary<uint8, large_utf8>[ordered]\n"
    "dl: dictionary<int32, list<item: dictionary<int8, utf8>>>\n"
    "r: run_end_encoded<run_ends: int32 not null, values: float64>\n"
    "u: extension<arrow.uuid: fixed_binary[16]> not null\n"
    "v: list_view<item: large_list_view<item: bool>>\n"
    "\"a b\": struct<>\n"
    "\"\": null\n"
    "\"q\\\"\\\\\\u0001\": int8\n"
    "gr\xc3\xb6\xc3\x9f"
    "e: int8\n";

TEST(nested_texts_come_back_as_they_were)
{
    lm_schema *schema, *again;
    struct ArrowSchema out;
    REQUIRE(lm_schema_parse(NULL, nested_text, strlen(nested_text), &schema, &error) == LM_OK);
    CHECK_TEXT(text_of(schema), nested_text);
    CHECK_OK(lm_schema_export(schema, &out, &error), error);
    CHECK_OK(lm_schema_import_take(NULL, &out, &again, &error), error);
    CHECK(out.release == NULL);
    CHECK(lm_schema_equal(schema, again));
    CHECK_TEXT(text_of(again), nested_text);
    CHECK_INT(again->root.children[4].dictionary_id, 1);
    CHECK_INT(again->root.children[4].dictionary->children[0].dictionary_id, 2);
    lm_schema_free(again);
    static const int32_t columns[] = {6, 0};
    CHECK_OK(lm__schema_select(schema, columns, 2, &again, &error), error);
    CHECK_TEXT(text_of(again),
               "u: extension<arrow.uuid: fixed_binary[16]> not null\nid: int64 not null\n");
    CHECK(!lm_schema_equal(schema, again));
    lm_schema_free(again);
    lm_schema_free(schema);
}

TEST(people_write_it_in_other_ways)
{
    static const struct {
        const char *text, *want;
    } rows[] = {
        {"", ""},
        {"a:int64,b:string", "a: int64\nb: utf8\n"},
        {" a : int64 not null , \n\n b: double\n", "a: int64 not null\nb: float64\n"},
        {"# a comment\na: list<int32> # and one more\nb: struct<\n  x: float,\n  y: float\n>",
         "a: list<item: int32>\nb: struct<x: float32, y: float32>\n"},
        {"m: map<string, list<string not null>>",
         "m: map<key: utf8 not null, value: list<item: utf8 not null>>\n"},
        {"a: decimal(40, 2), b: decimal(5)", "a: decimal256(40, 2)\nb: decimal128(5, 0)\n"},
        {"a: date32[day], b: date64[ms], c: timestamp[us, tz=UTC]",
         "a: date32\nb: date64\nc: timestamp[us, UTC]\n"},
        {"not: bool not null\nnull: null", "not: bool not null\nnull: null\n"},
        {"\"\\u00e9\\ud83d\\ude00\\n\": bool", "\"\xc3\xa9\xf0\x9f\x98\x80\\u000a\": bool\n"},
        {"a: run_end_encoded<int16, utf8>",
         "a: run_end_encoded<run_ends: int16 not null, values: utf8>\n"},
        {"timestamp: timestamp[s]", "timestamp: timestamp[s]\n"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        lm_schema *schema;
        lm_status status =
            lm_schema_parse(NULL, rows[i].text, strlen(rows[i].text), &schema, &error);
        if (status != LM_OK) {
            check_fail(__FILE__, __LINE__, "%s: %s", rows[i].text, error.message);
            continue;
        }
        CHECK_TEXT(text_of(schema), rows[i].want);
        lm_schema_free(schema);
    }
}

TEST(wrong_texts_say_where)
{
    static const struct {
        const char *text, *message;
    } rows[] = {
        {"a", "line 1, column 2: ':' is expected after \"a\""},
        {"a: int64\nb: in64", "line 2, column 8: \"in64\" is no type"},
        {"a: int64 b: int32", "line 1, column 10: a comma or a new line is expected"},
        {"a: list<", "a type is expected"},
        {"a: list<int8", "'>' is expected"},
        {"a: struct<int8>", "':' is expected after \"int8\""},
        {"a: timestamp[x]", "\"x\" is no unit: s, ms, us, ns"},
        {"a: decimal128(99999999999, 1)", "a number that is too large"},
        {"a: dictionary<utf8, int8>", "a dictionary's index is an integer type"},
        {"\"a: int8", "a quoted name does not end"},
        {"\"\\x\": int8", "an escape that JSON does not know"},
        {"\"\\ud800\": int8", "an escape that JSON does not know"},
        {"\"\\u0000\": int8", "an escape that JSON does not know"},
        {"a: int8, \xff", "line 1, column 10: not UTF-8"},
        {"a: sparse_union", "is no type"},
        {"a: extension<x: extension<y: int8>>", "an extension of an extension"},
        {"a: map<int8, int8>[sordid]", "\"sorted\" is expected"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        lm_schema *schema;
        CHECK_STATUS(lm_schema_parse(NULL, rows[i].text, strlen(rows[i].text), &schema, &error),
                     LM_INVALID);
        if (!strstr(error.message, rows[i].message))
            check_fail(__FILE__, __LINE__, "\"%s\" has not \"%s\"", error.message, rows[i].message);
    }
    lm_schema *schema;
    CHECK_STATUS(lm_schema_parse(NULL, "a: decimal32(10, 1)", 19, &schema, &error), LM_SCHEMA);
    char deep[600] = "a: ";
    for (int i = 0; i < 70; i++) strcat(deep, "list<");
    CHECK_STATUS(lm_schema_parse(NULL, deep, strlen(deep), &schema, &error), LM_INVALID);
}

TEST(random_texts_do_no_harm)
{
    uint64_t random = 3;
    char text[sizeof nested_text];
    for (int round = 0; round < 20000; round++) {
        memcpy(text, nested_text, sizeof text);
        size_t size = sizeof text - 1;
        for (int i = 0; i < 2; i++) {
            size_t at = check_random(&random) % size, from = check_random(&random) % size;
            text[at] = round % 3 ? nested_text[from] : (char)check_random(&random);
        }
        lm_schema *schema;
        if (lm_schema_parse(NULL, text, size, &schema, &error) != LM_OK) continue;
        lm_schema *again;
        const char *printed = text_of(schema);
        CHECK_OK(lm_schema_parse(NULL, printed, strlen(printed), &again, &error), error);
        CHECK(again && lm_schema_equal(schema, again));
        lm_schema_free(schema);
        lm_schema_free(again);
    }
}

TEST(metadata_and_extensions_come_through)
{
    static const char metadata[] = "\x03\0\0\0"
                                   "\x03\0\0\0key\x04\0\0\0v\0lu"
                                   "\x14\0\0\0ARROW:extension:name\x0a\0\0\0arrow.json"
                                   "\x18\0\0\0ARROW:extension:metadata\x02\0\0\0{}";
    struct ArrowSchema column = leaf("u", "j"), out;
    column.metadata = metadata;
    lm_schema *schema;
    REQUIRE(import_one(NULL, &column, &schema) == LM_OK);
    const lm_field *field = &schema->root.children[0];
    CHECK_TEXT(field->extension_name, "arrow.json");
    CHECK_TEXT(field->extension_metadata, "{}");
    CHECK_INT(field->n_metadata, 1);
    const lm_key_value *pair = lm__field_metadata(field, "key");
    REQUIRE(pair);
    CHECK_INT(pair->value_size, 4);
    CHECK_BYTES(pair->value, "v\0lu", 4);
    CHECK_TEXT(text_of(schema), "j: extension<arrow.json: utf8>\n");
    CHECK_OK(lm_schema_export(schema, &out, &error), error);
    lm_schema *again;
    CHECK_OK(lm_schema_import_take(NULL, &out, &again, &error), error);
    CHECK(lm__field_metadata_equal(field, &again->root.children[0]));
    CHECK_TEXT(again->root.children[0].extension_metadata, "{}");
    lm_schema_free(again);
    lm_schema_free(schema);
}

TEST(a_child_may_be_moved_out_of_an_export)
{
    lm_schema *schema;
    struct ArrowSchema out, child;
    CHECK_OK(lm_schema_parse(NULL, "a: list<int8>, b: utf8", 22, &schema, &error), error);
    CHECK_OK(lm_schema_export(schema, &out, &error), error);
    lm_schema_free(schema);
    child = *out.children[0];
    out.children[0]->release = NULL;
    out.release(&out);
    CHECK_TEXT(child.name, "a");
    CHECK_TEXT(child.children[0]->format, "c");
    child.release(&child);
}

static lm_status round_trip(const lm_allocator *allocator)
{
    lm_schema *schema, *again;
    struct ArrowSchema out;
    lm_status status =
        lm_schema_parse(allocator, nested_text, strlen(nested_text), &schema, &error);
    if (status != LM_OK) return status;
    status = lm_schema_export(schema, &out, &error);
    lm_schema_free(schema);
    if (status != LM_OK) return status;
    status = lm_schema_import_take(allocator, &out, &again, &error);
    lm_schema_free(again);
    return status;
}

TEST(every_allocation_may_fail)
{
    counting c;
    CHECK_ALLOCATIONS(c, round_trip(&c.allocator));
}

/* printf 'a: int32 not null\nb: utf8\n' | sha256sum */
TEST(the_hash_is_that_of_the_canonical_text)
{
    static const char text[] = " a : int32 not null,b:string # the same";
    lm_schema *schema;
    char hash[LM_SCHEMA_HASH_BYTES];
    CHECK_OK(lm_schema_parse(NULL, text, strlen(text), &schema, &error), error);
    CHECK_OK(lm_schema_hash(schema, hash, &error), error);
    CHECK_TEXT(hash, "sha256:ab3d1b20dfcf165e5b9a62795c03171ab4ddc553bfc60f2dd2343b688c109b87");
    lm_schema_free(schema);
}

TEST(columns_are_found_by_name)
{
    lm_schema *schema;
    CHECK_OK(lm_schema_parse(NULL, "a: int8, b: int8, a: int8", 25, &schema, &error), error);
    CHECK_INT(lm__field_find(&schema->root, "b", 1), 1);
    CHECK_INT(lm__field_find(&schema->root, "a", 1), -2);
    CHECK_INT(lm__field_find(&schema->root, "c", 1), -1);
    CHECK_INT(lm_schema_columns(schema), 3);
    char small[8];
    CHECK_INT(lm_schema_text(schema, small, sizeof small), 24);
    CHECK_TEXT(small, "a: int8");
    lm_schema_free(schema);
}

int main(void)
{
    RUN(every_format_reads_and_writes);
    RUN(formats_that_are_none_are_refused);
    RUN(trees_that_lie_are_refused_and_released_once);
    RUN(nested_texts_come_back_as_they_were);
    RUN(people_write_it_in_other_ways);
    RUN(wrong_texts_say_where);
    RUN(random_texts_do_no_harm);
    RUN(metadata_and_extensions_come_through);
    RUN(a_child_may_be_moved_out_of_an_export);
    RUN(every_allocation_may_fail);
    RUN(the_hash_is_that_of_the_canonical_text);
    RUN(columns_are_found_by_name);
    return DONE();
}
