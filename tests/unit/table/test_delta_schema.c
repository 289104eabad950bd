/* What a Delta table can hold, and its schema as text (table/delta_schema.h). */
#include "check.h"
#include "check_alloc.h"

#include "table/delta_schema.h"

static lm_schema *stored(const char *text, lm_error *error)
{
    lm_schema *given, *made;
    lm_error_clear(error);
    if (lm_schema_parse(NULL, text, strlen(text), &given, error) != LM_OK) return NULL;
    if (lm__schema_new(given->allocator, &made, error) != LM_OK) return NULL;
    lm_field *fields = lm__field_children(&made->arena, &made->root, given->root.n_children);
    lm_status status = LM_OK;
    for (int32_t i = 0; i < given->root.n_children && status == LM_OK; i++) {
        const lm_path path = {NULL, given->root.children[i].name};
        status = lm__delta_field(&made->arena, &given->root.children[i], &path, &fields[i], error);
    }
    if (status == LM_OK) status = lm__schema_seal(made, error);
    lm_schema_free(given);
    if (status == LM_OK) return made;
    lm_schema_free(made);
    return NULL;
}

static void check_stored(const char *given, const char *want)
{
    lm_error error;
    char text[4096];
    lm_schema *schema = stored(given, &error);
    if (!schema) {
        check_fail(__FILE__, __LINE__, "%s: %s", given, error.message);
        return;
    }
    lm_schema_text(schema, text, sizeof text);
    CHECK_TEXT(text, want);
    lm_schema_free(schema);
}

TEST(types_are_stored_as_deltas_types)
{
    check_stored("a: bool, b: int8, c: int16, d: int32, e: int64",
                 "a: bool\nb: int8\nc: int16\nd: int32\ne: int64\n");
    check_stored("a: uint8, b: uint16, c: uint32 not null",
                 "a: int16\nb: int32\nc: int64 not null\n");
    check_stored("a: large_utf8, b: utf8_view, c: fixed_binary[4], d: large_binary",
                 "a: utf8\nb: utf8\nc: binary\nd: binary\n");
    check_stored("a: date64, b: timestamp[ns], c: timestamp[s, Europe/Oslo]",
                 "a: date32\nb: timestamp[us]\nc: timestamp[us, UTC]\n");
    check_stored("a: decimal32(5, 2), b: decimal256(38, 0)",
                 "a: decimal128(5, 2)\nb: decimal128(38, 0)\n");
    check_stored("a: dictionary<int8, utf8>, b: large_list<item: uint8 not null>",
                 "a: utf8\nb: list<element: int16 not null>\n");
    check_stored("a: struct<x: date64, y: map<utf8, uint16>>",
                 "a: struct<x: date32, y: map<key: utf8 not null, value: int32>>\n");
    check_stored("a: extension<arrow.uuid: fixed_binary[16]>", "a: binary\n");
}

TEST(what_delta_cannot_hold_is_refused_with_its_column)
{
    static const char *const types[] = {"float16",
                                        "time32[s]",
                                        "time64[ns]",
                                        "duration[us]",
                                        "uint64",
                                        "decimal256(39, 0)",
                                        "decimal128(5, -1)",
                                        "interval_months",
                                        "null",
                                        "list<item: uint64>",
                                        "extension<geo: binary>"};
    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        char text[128];
        lm_error error;
        snprintf(text, sizeof text, "ok: int32, odd: %s", types[i]);
        lm_schema *schema = stored(text, &error);
        CHECK(!schema);
        CHECK(strstr(error.message, "column odd") != NULL);
        CHECK_INT(error.code, LM_SCHEMA);
        lm_schema_free(schema);
    }
}

TEST(same_types_in_other_layouts_are_the_same)
{
    static const struct {
        const char *a, *b;
        bool same;
    } rows[] = {
        {"x: utf8", "x: utf8_view", true},
        {"x: utf8", "x: dictionary<int32, large_utf8>", true},
        {"x: list<item: utf8>", "x: large_list<item: utf8_view>", true},
        {"x: decimal64(9, 2)", "x: decimal128(9, 2)", true},
        {"x: decimal64(9, 2)", "x: decimal128(10, 2)", false},
        {"x: timestamp[us, UTC]", "x: timestamp[us, Europe/Oslo]", true},
        {"x: timestamp[us, UTC]", "x: timestamp[us]", false},
        {"x: timestamp[us]", "x: timestamp[ns]", false},
        {"x: int32", "x: int64", false},
        {"x: utf8", "x: binary", false},
        {"x: struct<a: int32, b: utf8>", "x: struct<b: large_utf8, a: int32>", true},
        {"x: struct<a: int32>", "x: struct<a: int32, b: int32>", false},
        {"x: map<utf8, int32>", "x: map<utf8_view, int32>", true},
        {"x: map<utf8, int32>", "x: map<utf8, int64>", false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        lm_schema *a, *b;
        lm_error error;
        CHECK_OK(lm_schema_parse(NULL, rows[i].a, strlen(rows[i].a), &a, &error), error);
        CHECK_OK(lm_schema_parse(NULL, rows[i].b, strlen(rows[i].b), &b, &error), error);
        CHECK_INT(lm__delta_same(&a->root.children[0], &b->root.children[0]), rows[i].same);
        CHECK_INT(lm__delta_same(&b->root.children[0], &a->root.children[0]), rows[i].same);
        lm_schema_free(a);
        lm_schema_free(b);
    }
}

static const char everything[] =
    "{\"type\":\"struct\",\"fields\":["
    "{\"name\":\"id\",\"type\":\"long\",\"nullable\":false,\"metadata\":{\"comment\":\"the "
    "key\",\"delta.n\":7}},"
    "{\"name\":\"p\",\"type\":\"decimal(10,2)\",\"nullable\":true,\"metadata\":{}},"
    "{\"name\":\"v\",\"type\":\"void\",\"nullable\":true,\"metadata\":{}},"
    "{\"name\":\"t\",\"type\":\"timestamp\",\"nullable\":true,\"metadata\":{}},"
    "{\"name\":\"n\",\"type\":\"timestamp_ntz\",\"nullable\":true,\"metadata\":{}},"
    "{\"name\":\"l\",\"type\":{\"type\":\"array\",\"elementType\":{\"type\":\"map\",\"keyType\":"
    "\"string\",\"valueType\":\"double\",\"valueContainsNull\":true},\"containsNull\":false},"
    "\"nullable\":true,\"metadata\":{}},"
    "{\"name\":\"s\",\"type\":{\"type\":\"struct\",\"fields\":[{\"name\":\"a\",\"type\":\"byte\","
    "\"nullable\":true,\"metadata\":{}}]},\"nullable\":true,\"metadata\":{}}]}";

TEST(the_text_goes_both_ways)
{
    lm_schema *schema;
    lm_error error;
    char text[4096];
    CHECK_OK(lm__delta_schema_parse(lm_allocator_default(), everything, strlen(everything), &schema,
                                    &error),
             error);
    lm_schema_text(schema, text, sizeof text);
    CHECK_TEXT(text, "id: int64 not null\np: decimal128(10, 2)\nv: null\nt: timestamp[us, UTC]\n"
                     "n: timestamp[us]\nl: list<element: map<key: utf8 not null, value: float64> "
                     "not null>\ns: struct<a: int8>\n");
    CHECK(lm__delta_has_ntz(&schema->root));
    lm_buffer out;
    lm__buffer_init(&out, lm_allocator_default(), 0);
    CHECK_STATUS(lm__delta_schema_text(schema, &out), LM_OK);
    CHECK_INT(out.size, strlen(everything));
    CHECK_BYTES(out.data, everything, out.size);
    lm__buffer_deinit(&out);
    lm_schema_free(schema);
}

TEST(schemas_that_are_none_are_refused)
{
    static const struct {
        const char *text;
        lm_status status;
    } rows[] = {
        {"", LM_DATA},
        {"{}", LM_CORRUPT},
        {"{\"type\":\"struct\",\"fields\":[{}]}", LM_CORRUPT},
        {"{\"type\":\"struct\",\"fields\":[{\"name\":\"a\",\"type\":\"int96\"}]}", LM_UNSUPPORTED},
        {"{\"type\":\"struct\",\"fields\":[{\"name\":\"a\",\"type\":\"decimal(39,0)\"}]}",
         LM_UNSUPPORTED},
        {"{\"type\":\"struct\",\"fields\":[{\"name\":\"a\",\"type\":{\"type\":\"variant\"}}]}",
         LM_UNSUPPORTED},
        {"{\"type\":\"struct\",\"fields\":[{\"name\":\"a\",\"type\":{\"type\":\"array\"}}]}",
         LM_CORRUPT},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        lm_schema *schema;
        lm_error error;
        CHECK_STATUS(lm__delta_schema_parse(lm_allocator_default(), rows[i].text,
                                            strlen(rows[i].text), &schema, &error),
                     rows[i].status);
        CHECK(!schema);
    }
}

TEST(every_allocation_may_fail)
{
    for (size_t n = 0;; n++) {
        check_alloc memory;
        lm_schema *schema = NULL;
        lm_buffer out;
        check_alloc_init(&memory, n);
        lm__buffer_init(&out, &memory.allocator, 0);
        lm_status status = lm__delta_schema_parse(&memory.allocator, everything, strlen(everything),
                                                  &schema, NULL);
        if (status == LM_OK) status = lm__delta_schema_text(schema, &out);
        lm__buffer_deinit(&out);
        lm_schema_free(schema);
        CHECK_INT(memory.live, 0);
        if (!memory.failed) {
            CHECK_INT(status, LM_OK);
            break;
        }
        CHECK_INT(status, LM_NO_MEMORY);
    }
}

int main(void)
{
    RUN(types_are_stored_as_deltas_types);
    RUN(what_delta_cannot_hold_is_refused_with_its_column);
    RUN(same_types_in_other_layouts_are_the_same);
    RUN(the_text_goes_both_ways);
    RUN(schemas_that_are_none_are_refused);
    RUN(every_allocation_may_fail);
    return DONE();
}
