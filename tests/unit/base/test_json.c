/* JSON both ways: json.h 1 to 3, json_read.c 1 to 3, json_write.c 1 and 2. */
#include "base/json.h"

#include <locale.h>
#include <math.h>

#include "base/limits.h"
#include "check.h"
#include "check_alloc.h"

static lm_status parse(lm_arena *arena, const char *text, size_t size, const lm_json **root,
                       lm_error *error)
{
    char *exact = malloc(size ? size : 1); /* so that a byte read past the end is found out */
    memcpy(exact, text, size);
    lm_error_clear(error);
    lm_status status = lm__json_parse(arena, exact, size, root, error);
    free(exact);
    return status;
}

typedef struct piece {
    const char *text;
    size_t size;
} piece;
#define P(literal)                                                                                 \
    {                                                                                              \
        literal, sizeof literal - 1                                                                \
    }

TEST(what_is_json)
{
    static const piece good[] = {
        P("[]"),
        P("{}"),
        P("[[]]"),
        P(" [ ] "),
        P("\t\r\n[1]\n"),
        P("null"),
        P("true"),
        P("false"),
        P("\"\""),
        P("0"),
        P("-0"),
        P("-1"),
        P("1.5"),
        P("0.1"),
        P("0e1"),
        P("0e+1"),
        P("1E-2"),
        P("1e400"),
        P("-1e-400"),
        P("123123e100000"),
        P("9223372036854775808"),
        P("[1,2 , 3]"),
        P("{\"a\":1,\"b\":{\"a\":2}}"),
        P("{\"\":0}"),
        P("\"\\u0000\""),
        P("\"\\\"\\\\\\/\\b\\f\\n\\r\\t\""),
        P("\"\\uD801\\udc37\""),
        P("\"\\u00e9\\uFFFF\""),
        P("\"\x7f\""),
        P("\"\xc3\xa9\xe2\x82\xac\xf0\x9d\x84\x9e\""),
        P("{\"a\\u0000b\":1,\"a\":2}"),
        P("[\"\\\\u0000\"]"),
        P("\"\\u2028\xe2\x80\xa8\""),
    };
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        lm_arena arena;
        const lm_json *root;
        lm_error error;
        lm__arena_init(&arena, NULL, 0);
        CHECK_OK(parse(&arena, good[i].text, good[i].size, &root, &error), error);
        CHECK(root);
        lm__arena_deinit(&arena);
    }
}

TEST(what_is_not_json)
{
    static const piece bad[] = {
        P(""),
        P(" "),
        P("["),
        P("]"),
        P("[,]"),
        P("[1,]"),
        P("[1 2]"),
        P("[1"),
        P("[1,"),
        P("[1}"),
        P("{"),
        P("}"),
        P("{,}"),
        P("{\"a\"}"),
        P("{\"a\":}"),
        P("{\"a\":1,}"),
        P("{a:1}"),
        P("{'a':1}"),
        P("{\"a\" 1}"),
        P("{\"a\":1 \"b\":2}"),
        P("{1:1}"),
        P("{\"a\":1"),
        P("{\"a\""),
        P("{\"a\":1]"),
        P("{\"a\":1,,\"b\":2}"),
        P("[1]]"),
        P("1 2"),
        P("[]x"),
        P("nul"),
        P("nulll"),
        P("True"),
        P("NaN"),
        P("Infinity"),
        P("-Infinity"),
        P("-"),
        P("+1"),
        P("01"),
        P("-01"),
        P("1."),
        P(".5"),
        P("-.5"),
        P("1.e1"),
        P("1e"),
        P("1e+"),
        P("0x1"),
        P("1_000"),
        P("1,5"),
        P("--1"),
        P("1e1.5"),
        P("\""),
        P("\"a"),
        P("\"\\"),
        P("\"\\\""),
        P("\"\\x\""),
        P("\"\\u\""),
        P("\"\\u12\"34"),
        P("\"\\u12g4\""),
        P("\"\\U0041\""),
        P("\"\\uD800\""),
        P("\"\\uDC00\""),
        P("\"\\uD800\\u0041\""),
        P("\"\\uD800\\uD800\""),
        P("\"\\uD800x\""),
        P("\"\\uD800\\"),
        P("\"\\uD800\\u\""),
        P("\"\n\""),
        P("\"\t\""),
        P("\"\x1f\""),
        P("\"\0\""),
        P("\0"),
        P("[1]\0"),
        P("\"\xff\""),
        P("\"\xc0\xaf\""),
        P("\"\xed\xa0\x80\""),
        P("\"\xf4\x90\x80\x80\""),
        P("\"\xe2\x82\""),
        P("\"\xe2\x82"),
        P("\"\\\xc3\xa9\""),
        P("\xef\xbb\xbf[]"),
        P("\xe2\x80\xa8[]"),
        P("\x0c[]"),
        P("\xa0"),
        P("[1]//x"),
        P("/**/1"),
        P("{\"a\":1,\"a\":2}"),
        P("{\"a\":1,\"\\u0061\":2}"),
        P("{\"\":1,\"\":2}"),
        P("'a'"),
        P("u\"a\""),
        P("{[1]:2}"),
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        lm_arena arena;
        const lm_json *root;
        lm_error error;
        lm__arena_init(&arena, NULL, 0);
        lm_status status = parse(&arena, bad[i].text, bad[i].size, &root, &error);
        if (status != LM_DATA || root)
            check_fail(__FILE__, __LINE__, "case %zu: %s", i, bad[i].text);
        CHECK(strncmp(error.message, "JSON", 4) == 0);
        lm__arena_deinit(&arena);
    }
}

static void check_message(const char *text, const char *want)
{
    lm_arena arena;
    const lm_json *root;
    lm_error error;
    lm__arena_init(&arena, NULL, 0);
    CHECK_STATUS(parse(&arena, text, strlen(text), &root, &error), LM_DATA);
    CHECK_TEXT(error.message, want);
    lm__arena_deinit(&arena);
}

TEST(messages_say_where)
{
    check_message("", "JSON: the text is empty");
    check_message("[1,\n  2,\n  x]", "JSON, line 3, column 3: not a value");
    check_message("[\"\xc3\xa9\xc3\xa9\", x]", "JSON, line 1, column 8: not a value");
    check_message("[1", "JSON, line 1, column 3: the text ends too early");
    check_message("{\"a\": 1,\n \"a\": 2}",
                  "JSON, line 2, column 2: the key \"a\" occurs twice in one object");
    check_message("{\"a\"; 1}", "JSON, line 1, column 5: a colon must follow the key");
    check_message("[\"a\\q\"]", "JSON, line 1, column 4: not an escape");
    check_message("[\"a\xff\"]", "JSON, line 1, column 4: not UTF-8");
    check_message("[1.x]", "JSON, line 1, column 4: a digit must follow the point");
}

TEST(depth_is_limited)
{
    char text[2 * LM_JSON_DEPTH_MAX + 3];
    lm_arena arena;
    const lm_json *root;
    lm_error error;
    for (size_t depth = LM_JSON_DEPTH_MAX; depth <= LM_JSON_DEPTH_MAX + 1; depth++) {
        memset(text, '[', depth);
        memset(text + depth, ']', depth);
        lm__arena_init(&arena, NULL, 0);
        CHECK_STATUS(parse(&arena, text, 2 * depth, &root, &error),
                     depth == LM_JSON_DEPTH_MAX ? LM_OK : LM_DATA);
        lm__arena_deinit(&arena);
    }
    CHECK_TEXT(error.message, "JSON, line 1, column 65: nested too deeply");
    lm__arena_init(&arena, NULL, 0);
    CHECK_STATUS(lm__json_parse(&arena, "", LM_JSON_BYTES_MAX + 1, &root, &error), LM_LIMIT);
    lm__arena_deinit(&arena);
}

TEST(the_tree)
{
    static const char text[] =
        "{\"s\": \"a\\u0000\\u00e9\\ud834\\udd1e\", \"i\": -9223372036854775808, \"u\": "
        "9223372036854775808, \"d\": 0.1, \"t\": true, \"f\": false, \"n\": null, \"a\": [1, [2]]}";
    lm_arena arena;
    const lm_json *root, *member;
    lm_error error;
    lm__arena_init(&arena, NULL, 0);
    CHECK_OK(parse(&arena, text, sizeof text - 1, &root, &error), error);
    REQUIRE(root);
    CHECK_INT(root->count, 8);
    member = lm__json_member(root, "s");
    REQUIRE(member && member->kind == LM_JSON_STRING);
    CHECK_INT(member->text_size, 8);
    CHECK_BYTES(member->text, "a\0\xc3\xa9\xf0\x9d\x84\x9e", 9);
    CHECK(lm__json_member_int(root, "i", 0) == INT64_MIN);
    member = lm__json_member(root, "u");
    REQUIRE(member && member->kind == LM_JSON_NUMBER);
    CHECK_TEXT(member->text, "9223372036854775808");
    CHECK(member->number == 9223372036854775808.0);
    CHECK(lm__json_member(root, "d")->number == 0.1);
    CHECK(lm__json_member_bool(root, "t", false));
    CHECK(!lm__json_member_bool(root, "f", true));
    CHECK_INT(lm__json_member(root, "n")->kind, LM_JSON_NULL);
    member = lm__json_member(root, "a");
    REQUIRE(member && member->kind == LM_JSON_ARRAY);
    CHECK_INT(member->count, 2);
    CHECK_INT(member->first->next->first->integer, 2);
    CHECK(!lm__json_member(root, "x") && !lm__json_member(NULL, "x") &&
          !lm__json_member(member, "x"));
    CHECK_INT(lm__json_member_int(root, "s", 7), 7);
    CHECK_INT(lm__json_member_int(root, "d", 7), 7);
    CHECK(lm__json_member_bool(root, "n", true));
    CHECK_TEXT(lm__json_member_text(root, "i", "none"), "none");
    lm__arena_deinit(&arena);
}

/* Many keys, in an order and with a pair of equal ones wherever they stand. */
TEST(equal_keys_among_many)
{
    enum { keys = 3000 };
    static const int counts[] = {15, 16, 17, 18, keys};
    static const int twins[][2] = {
        {-1, -1}, {0, 1}, {0, keys - 1}, {keys - 2, keys - 1}, {5, 2000}};
    for (size_t t = 0; t < sizeof twins / sizeof *twins; t++)
        for (size_t c = 0; c < sizeof counts / sizeof *counts; c++) {
            int count = counts[c];
            lm_buffer text;
            lm_arena arena;
            const lm_json *root;
            lm_error error;
            lm_json_writer writer;
            lm__buffer_init(&text, NULL, 0);
            lm__arena_init(&arena, NULL, 0);
            lm__json_writer_init(&writer, &text, false);
            lm__json_open_object(&writer);
            for (int i = 0; i < count; i++) {
                char key[16];
                int named = i == twins[t][1] ? twins[t][0] : i;
                snprintf(key, sizeof key, "k%u", (unsigned)named * 2654435761u % 1000003);
                lm__json_member_int_out(&writer, key, i);
            }
            lm__json_close_object(&writer);
            CHECK_INT(writer.status, LM_OK);
            bool equal = twins[t][1] >= 0 && twins[t][1] < count;
            CHECK_STATUS(parse(&arena, (char *)text.data, text.size, &root, &error),
                         equal ? LM_DATA : LM_OK);
            lm__arena_deinit(&arena);
            lm__buffer_deinit(&text);
        }
}

TEST(reading_fails_at_every_allocation)
{
    lm_buffer text;
    lm__buffer_init(&text, NULL, 0);
    CHECK_INT(lm__buffer_text(&text, "{\"a\": [1.5, 1e300, \"x\\n\"]"), LM_OK);
    for (int i = 0; i < 400; i++)
        CHECK_INT(lm__buffer_printf(&text, ", \"key%d\": {\"b\": [%d, null]}", i, i), LM_OK);
    CHECK_INT(lm__buffer_text(&text, "}"), LM_OK);
    for (size_t n = 0;; n++) {
        check_alloc memory;
        lm_arena arena;
        const lm_json *root;
        lm_error error;
        check_alloc_init(&memory, n);
        lm__arena_init(&arena, &memory.allocator, 0);
        lm_status status = parse(&arena, (char *)text.data, text.size, &root, &error);
        lm__arena_deinit(&arena);
        CHECK_INT(memory.live, 0);
        CHECK_INT(status, memory.failed ? LM_NO_MEMORY : LM_OK);
        if (!memory.failed) break;
        CHECK(!root);
    }
    lm__buffer_deinit(&text);
}

static void check_round_trip(const char *text, bool pretty)
{
    lm_buffer out;
    lm_arena arena;
    const lm_json *root;
    lm_error error;
    lm_json_writer writer;
    lm__buffer_init(&out, NULL, 0);
    lm__arena_init(&arena, NULL, 0);
    CHECK_OK(parse(&arena, text, strlen(text), &root, &error), error);
    REQUIRE(root);
    lm__json_writer_init(&writer, &out, pretty);
    lm__json_tree(&writer, root);
    CHECK_INT(writer.status, LM_OK);
    CHECK_INT(lm__buffer_byte(&out, 0), LM_OK);
    CHECK_TEXT((char *)out.data, text);
    lm__arena_deinit(&arena);
    lm__buffer_deinit(&out);
}

TEST(trees_are_written_as_they_were)
{
    check_round_trip("[]", false);
    check_round_trip(
        "{\"a\":[1,2.50,1E5,-0,\"\\\"\\\\\\u0001\\n\xc3\xa9\\u0000\"],\"b\":{},\"c\":null}", false);
    check_round_trip("[[],{},[{\"a\":true}],false,9223372036854775808]", false);
    check_round_trip("{\n  \"a\": [\n    1,\n    {}\n  ],\n  \"b\": []\n}", true);
    check_round_trip("1", true);
}

static void check_string(const char *bytes, size_t size, const char *want)
{
    lm_buffer out;
    lm_json_writer writer;
    lm__buffer_init(&out, NULL, 0);
    lm__json_writer_init(&writer, &out, false);
    lm__json_string_n(&writer, bytes, size);
    CHECK_INT(writer.status, LM_OK);
    CHECK_INT(lm__buffer_byte(&out, 0), LM_OK);
    CHECK_TEXT((char *)out.data, want);
    lm__buffer_deinit(&out);
}

TEST(strings_are_always_valid)
{
    check_string("", 0, "\"\"");
    check_string(NULL, 0, "\"\"");
    check_string("a\0b", 3, "\"a\\u0000b\"");
    check_string("\x1f/\x7f", 3, "\"\\u001f/\x7f\"");
    check_string("\xff", 1, "\"\xef\xbf\xbd\"");
    check_string("a\xff\xfe"
                 "b\"\xc3\xa9\xc3",
                 8,
                 "\"a\xef\xbf\xbd\xef\xbf\xbd"
                 "b\\\"\xc3\xa9\xef\xbf\xbd\"");
    check_string("\xed\xa0\x80", 3, "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\"");
}

static void check_double(double value, const char *want)
{
    lm_buffer out;
    lm_json_writer writer;
    lm__buffer_init(&out, NULL, 0);
    lm__json_writer_init(&writer, &out, false);
    lm__json_double(&writer, value);
    CHECK_INT(lm__buffer_byte(&out, 0), LM_OK);
    CHECK_TEXT((char *)out.data, want);
    lm__buffer_deinit(&out);
}

static void check_doubles(void)
{
    check_double(0, "0.0");
    check_double(-0.0, "-0.0");
    check_double(1, "1.0");
    check_double(-1.5, "-1.5");
    check_double(0.1, "0.1");
    check_double(100, "100.0");
    check_double(1234567.875, "1234567.875");
    check_double(0.0001, "0.0001");
    check_double(0.000012345, "1.2345e-05");
    check_double(1e15, "1000000000000000.0");
    check_double(1e16, "1e+16");
    check_double(0.1 + 0.2, "0.30000000000000004");
    check_double(5e-324, "5e-324");
    check_double(1.7976931348623157e308, "1.7976931348623157e+308");
    check_double(2.2250738585072014e-308, "2.2250738585072014e-308");
    check_double(9007199254740993.0, "9007199254740992.0");
    check_double(NAN, "null");
    check_double(-INFINITY, "null");
}

TEST(doubles_as_texts)
{
    check_doubles();
}

static double double_read(const char *text)
{
    lm_arena arena;
    const lm_json *root;
    lm_error error;
    lm__arena_init(&arena, NULL, 0);
    CHECK_OK(parse(&arena, text, strlen(text), &root, &error), error);
    double value = root ? root->number : NAN;
    lm__arena_deinit(&arena);
    return value;
}

static void check_numbers_read(void)
{
    CHECK(double_read("0.1") == 0.1);
    CHECK(double_read("-2.5e3") == -2500);
    CHECK(double_read("1e22") == 1e22);
    CHECK(double_read("1e23") == 1e23);
    CHECK(double_read("9007199254740993.0") == 9007199254740992.0);
    CHECK(double_read("1.7976931348623157e308") == 1.7976931348623157e308);
    CHECK(double_read("1e400") == INFINITY);
    CHECK(double_read("-1e400") == -INFINITY);
    CHECK(double_read("1e-400") == 0);
    CHECK(double_read("0.000000000000000000000000000000000000000000012345") == 1.2345e-44);
    CHECK(signbit(double_read("-0")) && signbit(double_read("-0.0")));
}

TEST(numbers_are_rounded_correctly)
{
    check_numbers_read();
}

TEST(the_locale_does_not_matter)
{
    static const char *const names[] = {"de_DE.UTF-8", "de_DE", "fr_FR.UTF-8", "de_DE.utf8"};
    bool set = false;
    for (size_t i = 0; i < sizeof names / sizeof *names && !set; i++)
        set = setlocale(LC_ALL, names[i]) != NULL;
    if (!set) SKIP("no locale with a decimal comma is installed");
    check_doubles();
    check_numbers_read();
    setlocale(LC_ALL, "C");
}

TEST(random_doubles_read_back)
{
    uint64_t seed = 5;
    for (int i = 0; i < 20000; i++) {
        uint64_t bits = check_random(&seed);
        double value, back;
        lm_buffer out;
        lm_json_writer writer;
        if (i % 2) bits = (bits & 0x800fffffffffffffu) | (uint64_t)(1003 + i % 60) << 52;
        memcpy(&value, &bits, sizeof value);
        if (!isfinite(value)) continue;
        lm__buffer_init(&out, NULL, 0);
        lm__json_writer_init(&writer, &out, false);
        lm__json_double(&writer, value);
        CHECK_INT(lm__buffer_byte(&out, 0), LM_OK);
        back = double_read((char *)out.data);
        if (memcmp(&back, &value, sizeof value) != 0)
            check_fail(__FILE__, __LINE__, "%.17g is read back from %s", value, (char *)out.data);
        lm__buffer_deinit(&out);
    }
}

static void write_much(lm_json_writer *writer)
{
    lm__json_open_object(writer);
    lm__json_member_string_out(writer, "s", "text");
    lm__json_member_bool_out(writer, "b", true);
    lm__json_key(writer, "a");
    lm__json_open_array(writer);
    for (uint64_t i = 0; i < 100; i++) lm__json_uint(writer, UINT64_MAX - i);
    lm__json_null(writer);
    lm__json_close_array(writer);
    lm__json_close_object(writer);
}

TEST(the_writer_is_sticky)
{
    lm_buffer out;
    lm_json_writer writer;
    lm__buffer_init(&out, NULL, 100);
    lm__json_writer_init(&writer, &out, true);
    write_much(&writer);
    CHECK_INT(writer.status, LM_LIMIT);
    size_t size = out.size;
    lm__json_null(&writer);
    CHECK_INT(out.size, size);
    lm__buffer_deinit(&out);

    lm__buffer_init(&out, NULL, 0);
    lm__json_writer_init(&writer, &out, true);
    for (int i = 0; i < LM_JSON_DEPTH_MAX; i++) lm__json_open_array(&writer);
    CHECK_INT(writer.status, LM_OK);
    lm__json_open_object(&writer);
    CHECK_INT(writer.status, LM_LIMIT);
    lm__buffer_deinit(&out);
}

TEST(writing_fails_at_every_allocation)
{
    for (size_t n = 0;; n++) {
        check_alloc memory;
        lm_buffer out;
        lm_json_writer writer;
        check_alloc_init(&memory, n);
        lm__buffer_init(&out, &memory.allocator, 0);
        lm__json_writer_init(&writer, &out, false);
        write_much(&writer);
        lm__buffer_deinit(&out);
        CHECK_INT(memory.live, 0);
        CHECK_INT(writer.status, memory.failed ? LM_NO_MEMORY : LM_OK);
        if (!memory.failed) break;
    }
}

int main(void)
{
    RUN(what_is_json);
    RUN(what_is_not_json);
    RUN(messages_say_where);
    RUN(depth_is_limited);
    RUN(the_tree);
    RUN(equal_keys_among_many);
    RUN(reading_fails_at_every_allocation);
    RUN(trees_are_written_as_they_were);
    RUN(strings_are_always_valid);
    RUN(doubles_as_texts);
    RUN(numbers_are_rounded_correctly);
    RUN(the_locale_does_not_matter);
    RUN(random_doubles_read_back);
    RUN(the_writer_is_sticky);
    RUN(writing_fails_at_every_allocation);
    return DONE();
}
