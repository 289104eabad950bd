/* Expressions: their text, read and printed; errors that tell the place; what they are true for, on
 * every type (filter.h 1 to 3); and that all memory comes back whatever fails. */
#include "arrow/build.h"
#include "arrow/cast.h"
#include "arrow/filter.h"

#include "arrow/fixture.h"
#include "check.h"
#include "check_alloc.h"

static lm_error error;

/* Text. */

static void check_format(const char *text, const char *want)
{
    lm_expr *expr, *again;
    char got[512], twice[512];
    lm_status status = lm_expr_parse(NULL, text, strlen(text), &expr, &error);
    CHECK_OK(status, error);
    if (status != LM_OK) return;
    size_t length = lm_expr_format(expr, got, sizeof got);
    CHECK_INT(length, strlen(got));
    CHECK_TEXT(got, want);
    CHECK_OK(lm_expr_parse(NULL, got, strlen(got), &again, &error), error);
    lm_expr_format(again, twice, sizeof twice);
    CHECK_TEXT(twice, got);
    lm_expr_free(again);
    lm_expr_free(expr);
}

TEST(text_is_read_and_printed)
{
    static const char *const cases[][2] = {
        {"amount > 10 and city in ('Oslo','Bergen')", "amount > 10 and city in ('Oslo', 'Bergen')"},
        {"a=1 OR b=2 AND c=3", "a = 1 or b = 2 and c = 3"},
        {"(a=1 or b=2) and c=3", "(a = 1 or b = 2) and c = 3"},
        {"not (a=1 or b=2)", "not (a = 1 or b = 2)"},
        {"not a = 1", "not a = 1"},
        {"not not a", "not not a"},
        {"a != 1 and a <> 2 and a == 3", "a <> 1 and a <> 2 and a = 3"},
        {"5 < a", "a > 5"},
        {"5 >= a and 'x' = b", "a <= 5 and b = 'x'"},
        {"a is null or b is not null", "a is null or b is not null"},
        {"a not in (1, -2.5e3, null)", "a not in (1, -2.5e3, null)"},
        {"a in ()", "a in ()"},
        {"a not between 1 and 2 and b", "a not between 1 and 2 and b"},
        {"a like 'x''y%'", "a like 'x''y%'"},
        {"a not like '50!%%' escape '!'", "a not like '50!%%' escape '!'"},
        {"\"a b\".`c``d`.e = x'00fF'", "\"a b\".\"c`d\".e = x'00ff'"},
        {"\"and\" = date '2024-01-01'", "\"and\" = date '2024-01-01'"},
        {"date = 1 and time < 2 and a.in = 3", "date = 1 and time < 2 and a.in = 3"},
        {"t >= TIMESTAMP '2024-01-01 00:00:00'", "t >= timestamp '2024-01-01 00:00:00'"},
        {"d < interval '90s'", "d < duration '90s'"},
        {"a < b", "a < b"},
        {"true and false", "true and false"},
        {"a = true", "a = true"},
        {"\xc3\xa9t\xc3\xa9 = 1", "\xc3\xa9t\xc3\xa9 = 1"},
        {"a = .5 and b = 5.", "a = .5 and b = 5."},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        check_format(cases[i][0], cases[i][1]);
}

TEST(what_is_no_expression_is_told_with_its_place)
{
    static const char *const cases[][2] = {
        {"", "line 1, column 1, at its end: a column or a value is expected"},
        {"a >", "line 1, column 4, at its end: a column or a value is expected"},
        {"a > 1 b", "line 1, column 7, at \"b\": 'and', 'or' or the end is expected"},
        {"a in 1", "line 1, column 6, at \"1\": '(' is expected after in"},
        {"a in (1", "line 1, column 8, at its end: ',' or ')' is expected"},
        {"a in (1,)", "line 1, column 9, at \")\": a value is expected"},
        {"a = 'x", "line 1, column 5, at \"'x\": a quoted text does not end"},
        {"\"x = 1", ": a quoted name does not end"},
        {"a is 5", "line 1, column 6, at \"5\": 'null' or 'not null' is expected"},
        {"1 = 2", "line 1, column 5, at \"2\": the name of a column is expected"},
        {"5", "line 1, column 2, at its end: a comparison is expected after a value"},
        {"a = 12abc", "line 1, column 7, at \"abc\": what follows the number"},
        {"(a = 1", "line 1, column 7, at its end: ')' is expected"},
        {"a like 5", "like takes a pattern in quotes"},
        {"a like 'x' escape 'ab'", "the escape before is not one ASCII character"},
        {"a like '!x' escape '!'", "a pattern's escape stands before %, _ or itself"},
        {"a between 1 or 2", "between takes two values with 'and' in the middle"},
        {"a not 5", "'in', 'like' or 'between' is expected after not"},
        {"a = x'0'", "pairs of hexadecimal digits"},
        {"a\n= 1\n  ? 2", "line 3, column 3, at \"? 2\""},
        {"and = 1", "a column of that name stands in quotes"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        lm_expr *expr;
        lm_error_clear(&error);
        CHECK_STATUS(lm_expr_parse(NULL, cases[i][0], strlen(cases[i][0]), &expr, &error),
                     LM_INVALID);
        CHECK(expr == NULL);
        const char *want = cases[i][1];
        if (!strstr(error.message, want))
            check_fail(__FILE__, __LINE__, "%s: %s", cases[i][0], error.message);
    }
}

TEST(depth_is_limited_and_chains_are_not_deep)
{
    static char text[400000];
    lm_expr *expr;
    size_t at = 0;
    for (int i = 0; i < 5000; i++) text[at++] = '(';
    CHECK_STATUS(lm_expr_parse(NULL, text, at, &expr, &error), LM_INVALID);
    CHECK(strstr(error.message, "nested too deeply") != NULL);
    at = 0;
    for (int i = 0; i < 50000; i++)
        at += (size_t)sprintf(text + at, "%sa=%d", i ? " or " : "", i % 7);
    REQUIRE(at < sizeof text);
    CHECK_OK(lm_expr_parse(NULL, text, at, &expr, &error), error);
    CHECK_INT(lm_expr_columns(expr), 1);
    CHECK_TEXT(lm_expr_column(expr, 0), "a");
    lm_expr_free(expr);
}

TEST(builders_make_what_text_does)
{
    lm_expr *parts[4], *all, *none;
    char got[256];
    const lm_literal values[] = {
        {.kind = LM_LITERAL_INT, .integer = INT64_MIN},
        {.kind = LM_LITERAL_DOUBLE, .real = 0.1},
        {.kind = LM_LITERAL_TEXT, .data = "it's", .size = 4},
        {.kind = LM_LITERAL_NULL},
        {.kind = LM_LITERAL_BOOL, .integer = 7},
    };
    CHECK_OK(lm_expr_in(NULL, "a.b", values, 5, &parts[0], &error), error);
    CHECK_OK(lm_expr_compare_columns(NULL, "a", LM_LESS, "b", &parts[1], &error), error);
    CHECK_OK(lm_expr_is_null(NULL, "\"c d\"", &parts[2], &error), error);
    CHECK_OK(lm_expr_not(NULL, parts[2], &parts[3], &error), error);
    CHECK_OK(lm_expr_or(NULL, parts, 4, &all, &error), error);
    lm_expr_format(all, got, sizeof got);
    CHECK_TEXT(got, "a.b in (-9223372036854775808, 0.1, 'it''s', null, true) or a < b or "
                    "\"c d\" is null or \"c d\" is not null");
    CHECK_INT(lm_expr_columns(all), 4);
    CHECK_OK(lm_expr_and(NULL, NULL, 0, &none, &error), error);
    lm_expr_format(none, got, sizeof got);
    CHECK_TEXT(got, "true");
    for (int i = 0; i < 4; i++) lm_expr_free(parts[i]);
    lm_expr_free(all);
    lm_expr_free(none);
    CHECK_STATUS(lm_expr_is_null(NULL, "c d", &all, &error), LM_INVALID);
    CHECK(strstr(error.message, "in double quotes") != NULL);
}

/* Rows. */

static lm_schema *schema_of(const char *text)
{
    lm_schema *schema = NULL;
    CHECK_OK(lm_schema_parse(NULL, text, strlen(text), &schema, &error), error);
    return schema;
}

/* A table of a column `c` of the type: values parted by '|', "~" for null. */
static lm_batch *table_of(const char *type, const char *values)
{
    char text[128];
    lm_schema *source = schema_of("c: utf8");
    snprintf(text, sizeof text, "c: %s", type);
    lm_schema *target = schema_of(text);
    lm_builder root;
    lm_batch *batch = NULL, *out = NULL;
    if (!source || !target || lm__builder_init(&root, NULL, &source->root, &error) != LM_OK)
        return NULL;
    lm_status status = LM_OK;
    for (const char *at = values; status == LM_OK;) {
        size_t size = strcspn(at, "|");
        status = size == 1 && *at == '~' ? lm__build_null(&root.children[0])
                                         : lm__build_bytes(&root.children[0], at, size);
        at += size;
        if (!*at++) break;
    }
    if (status == LM_OK) status = lm__builder_finish(&root, source, &batch, &error);
    lm__builder_deinit(&root);
    lm_cast *cast = NULL;
    const lm_cast_options safe = {.mode = LM_CAST_SAFE};
    if (status == LM_OK) status = lm__cast_new(NULL, source, target, &safe, &cast, &error);
    if (status == LM_OK) status = lm__cast_batch(cast, batch, 0, &out, &error);
    CHECK_OK(status, error);
    lm__cast_free(cast);
    lm__batch_unref(batch);
    lm_schema_free(source);
    lm_schema_free(target);
    return out;
}

static lm_status select_rows(const lm_allocator *allocator, lm_batch *batch, const char *text,
                             char *got)
{
    lm_expr *expr;
    lm_filter *filter = NULL;
    int64_t count = 0, rows = lm__batch_rows(batch);
    uint8_t bits[1024];
    lm_error_clear(&error);
    lm_status status = lm_expr_parse(allocator, text, strlen(text), &expr, &error);
    if (status != LM_OK) return status;
    status = lm_expr_bind(allocator, expr, batch->schema, &filter, &error);
    if (status == LM_OK) status = lm__filter_rows(filter, &batch->root, bits, &count, &error);
    for (int64_t i = 0; i < rows && status == LM_OK; i++) {
        got[i] = lm__bit_get(bits, i) ? '1' : '.';
        count -= lm__bit_get(bits, i);
    }
    got[status == LM_OK ? rows : 0] = '\0';
    CHECK_INT(count, 0);
    lm_filter_free(filter);
    lm_expr_free(expr);
    return status;
}

typedef struct eval_case {
    const char *type, *values, *expr, *want;
} eval_case;

static void check_cases(const eval_case *cases, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        char got[256];
        lm_batch *batch = table_of(cases[i].type, cases[i].values);
        REQUIRE(batch != NULL);
        lm_status status = select_rows(NULL, batch, cases[i].expr, got);
        if (status != LM_OK)
            check_fail(__FILE__, __LINE__, "%s, %s: %s", cases[i].type, cases[i].expr,
                       error.message);
        else if (strcmp(got, cases[i].want) != 0)
            check_fail(__FILE__, __LINE__, "%s, %s: %s, not %s", cases[i].type, cases[i].expr, got,
                       cases[i].want);
        lm__batch_unref(batch);
    }
}
#define CASES(cases) check_cases(cases, sizeof(cases) / sizeof *(cases))

TEST(integers_are_compared_exactly)
{
    static const eval_case cases[] = {
        {"int8", "-128|-1|0|1|127|~", "c > 1000", "......"},
        {"int8", "-128|-1|0|1|127|~", "c < 1000", "11111."},
        {"int8", "-128|-1|0|1|127|~", "c <> 1000", "11111."},
        {"int8", "-128|-1|0|1|127|~", "c = 1.5", "......"},
        {"int8", "-128|-1|0|1|127|~", "c < 1.5", "1111.."},
        {"int8", "-128|-1|0|1|127|~", "c > 1.5", "....1."},
        {"int8", "-128|-1|0|1|127|~", "c >= -0.5", "..111."},
        {"int8", "-128|-1|0|1|127|~", "c <= -0.5", "11...."},
        {"int8", "-128|-1|0|1|127|~", "c = 1e0", "...1.."},
        {"int8", "-128|-1|0|1|127|~", "c = 10e-1", "...1.."},
        {"int8", "-128|-1|0|1|127|~", "c > -1e300", "11111."},
        {"int8", "-128|-1|0|1|127|~", "c = 1e-300", "......"},
        {"int8", "-128|-1|0|1|127|~", "c > 1e-300", "...11."},
        {"int8", "-128|-1|0|1|127|~", "c < 'inf' and c > '-inf'", "11111."},
        {"int8", "-128|-1|0|1|127|~", "c < 'nan'", "11111."},
        {"int8", "-128|-1|0|1|127|~", "c between -1 and 1", ".111.."},
        {"int8", "-128|-1|0|1|127|~", "c not between -1 and 1", "1...1."},
        {"int8", "-128|-1|0|1|127|~", "c >= -128 and c <= 127", "11111."},
        {"int8", "-128|-1|0|1|127|~", "not (c > 0)", "111..."},
        {"int8", "-128|-1|0|1|127|~", "c is null or c = 0", "..1..1"},
        {"int8", "-128|-1|0|1|127|~", "c in (1, 127, 1000, 1.5, null)", "...11."},
        {"int8", "-128|-1|0|1|127|~", "c not in (1, 127, 1000)", "111..."},
        {"int8", "-128|-1|0|1|127|~", "c not in (1, null)", "......"},
        {"int8", "-128|-1|0|1|127|~", "c = null or c <> null", "......"},
        {"int8", "-128|-1|0|1|127|~", "c in ()", "......"},
        {"int8", "-128|-1|0|1|127|~", "c not in ()", "111111"},
        {"int8", "-128|-1|0|1|127|~", "true", "111111"},
        {"int8", "-128|-1|0|1|127|~", "not true or c = '0'", "..1..."},
        {"int8", "-128|-1|0|1|127|~", "c in (0,1,2,3,4,5,6,7,8,9,10,-1,-128)", "1111.."},
        {"uint8", "0|1|255|~", "c > -1", "111."},
        {"uint8", "0|1|255|~", "c >= 255", "..1."},
        {"uint8", "0|1|255|~", "c in (255,1,2,3,4,5,6,7,8,9,10,11)", ".11."},
        {"int16", "-32768|0|32767", "c < 0 or c >= 32767", "1.1"},
        {"uint32", "0|4294967295", "c > 4294967294", ".1"},
        {"int64", "-9223372036854775808|0|9223372036854775807", "c > 9223372036854775806", "..1"},
        {"int64", "-9223372036854775808|0|9223372036854775807", "c <= -9223372036854775808", "1.."},
        {"int64", "-9223372036854775808|0|9223372036854775807", "c < 9223372036854775808", "111"},
        {"uint64", "0|18446744073709551615", "c = 18446744073709551615", ".1"},
        {"uint64", "0|9223372036854775808|18446744073709551615", "c > 9223372036854775807", ".11"},
    };
    CASES(cases);
}

TEST(decimals_are_compared_exactly)
{
    static const eval_case cases[] = {
        {"decimal32(9, 2)", "-1.25|0.00|1.25|~", "c > 1.249", "..1."},
        {"decimal64(18, 2)", "-1.25|0.00|1.25|~", "c = 1.25", "..1."},
        {"decimal128(38, 2)", "-1.25|0.00|1.25|~", "c <= -1.245", "1..."},
        {"decimal128(38, 2)", "-1.25|0.00|1.25|~", "c = 1.2501 or c <> 0", "1.1."},
        {"decimal128(38, 2)", "-1.25|0.00|1.25|~", "c in (0, 1.25, 1.255)", ".11."},
        {"decimal256(76, 2)", "-1.25|0.00|1.25|~", "c between 0 and 1.25", ".11."},
        {"decimal256(76, 0)",
         "-9999999999999999999999999999999999999999999999999999999999999999999999999999|1",
         "c < -1e75", "1."},
        {"decimal256(76, 0)", "1|2", "c < 1e100", "11"},
        {"decimal128(10, -2)", "100|200|300", "c > 199", ".11"},
        {"decimal128(10, -2)", "100|200|300", "c = 250", "..."},
    };
    CASES(cases);
}

TEST(nan_is_the_greatest_float_and_zeros_are_equal)
{
    static const eval_case cases[] = {
        {"float64", "-inf|-1|-0.0|0|1|inf|nan|~", "c = 0", "..11...."},
        {"float64", "-inf|-1|-0.0|0|1|inf|nan|~", "c < 0", "11......"},
        {"float64", "-inf|-1|-0.0|0|1|inf|nan|~", "c > -0.0", "....111."},
        {"float64", "-inf|-1|-0.0|0|1|inf|nan|~", "c >= 'inf'", ".....11."},
        {"float64", "-inf|-1|-0.0|0|1|inf|nan|~", "c > 'inf'", "......1."},
        {"float64", "-inf|-1|-0.0|0|1|inf|nan|~", "c = 'nan'", "......1."},
        {"float64", "-inf|-1|-0.0|0|1|inf|nan|~", "c <> 'nan'", "111111.."},
        {"float64", "-inf|-1|-0.0|0|1|inf|nan|~", "c < 'nan'", "111111.."},
        {"float64", "-inf|-1|-0.0|0|1|inf|nan|~", "c <= 'nan'", "1111111."},
        {"float64", "-inf|-1|-0.0|0|1|inf|nan|~", "c > 'nan'", "........"},
        {"float64", "-inf|-1|-0.0|0|1|inf|nan|~", "c < '-inf'", "........"},
        {"float64", "-inf|-1|-0.0|0|1|inf|nan|~", "c <= '-inf'", "1......."},
        {"float64", "-inf|-1|-0.0|0|1|inf|nan|~", "c < 1e400", "11111..."},
        {"float64", "-inf|-1|-0.0|0|1|inf|nan|~", "c = 1e400", "........"},
        {"float64", "-inf|-1|-0.0|0|1|inf|nan|~", "c >= 1e400", ".....11."},
        {"float64", "-inf|-1|-0.0|0|1|inf|nan|~", "c <= -1e400", "1......."},
        {"float64", "-inf|-1|-0.0|0|1|inf|nan|~", "c > -1e400", ".111111."},
        {"float64", "-inf|-1|-0.0|0|1|inf|nan|~", "c not between -1 and 1", "1....11."},
        {"float64", "-inf|-1|-0.0|0|1|inf|nan|~", "c in (0, 'nan', 1)", "..111.1."},
        {"float64", "-inf|-1|-0.0|0|1|inf|nan|~", "c not in (0, 'nan')", "11..11.."},
        {"float64", "-inf|-1|-0.0|0|1|inf|nan|~", "not c <= 1", ".....11."},
        {"float32", "0.1|0.2|nan|inf", "c = 0.1", "1..."},
        {"float32", "0.1|0.2|nan|inf", "c > 0.1 and c < 1e39", ".1.."},
        {"float16", "0.5|65504|nan|inf", "c >= 0.5 and c <= 65519", "11.."},
        {"float16", "0.5|65504|nan|inf", "c < 100000", "11.."},
        {"float16", "0.5|65504|nan|inf", "c in (0.5, 'inf')", "1..1"},
    };
    CASES(cases);
}

TEST(times_are_compared_as_instants)
{
    static const eval_case cases[] = {
        {"date32", "2023-12-31|2024-01-01|2024-01-02|~", "c >= date '2024-01-01'", ".11."},
        {"date32", "2023-12-31|2024-01-01|2024-01-02|~", "c = '2024-01-01'", ".1.."},
        {"date32", "2023-12-31|2024-01-01|2024-01-02|~", "c < '2024-01-01 12:00'", "11.."},
        {"date32", "2023-12-31|2024-01-01|2024-01-02|~", "c = '2024-01-01 12:00'", "...."},
        {"date64", "2023-12-31|2024-01-01|2024-01-02|~", "c <= '2024-01-01'", "11.."},
        {"date32", "1960-01-01|1970-01-01", "c < '1969-12-31 23:59:59.5'", "1."},
        {"timestamp[s]", "2024-01-01T00:00:00|2024-01-01T00:00:01|~", "c > '2024-01-01'", ".1."},
        {"timestamp[s]", "2024-01-01T00:00:00|2024-01-01T00:00:01|~",
         "c < '2024-01-01 00:00:00.25'", "1.."},
        {"timestamp[ns]", "2024-01-01T00:00:00|2024-01-01T00:00:01|~", "c < '9999-01-01'", "11."},
        {"timestamp[ns]", "2024-01-01T00:00:00.000000001|2024-01-01",
         "c > '2024-01-01 00:00:00.0000000005'", "1."},
        {"timestamp[us, UTC]", "2024-01-01T00:00:00Z|2024-01-01T02:00:00Z",
         "c = '2024-01-01 03:00:00+01:00'", ".1"},
        {"timestamp[us, UTC]", "2024-01-01T00:00:00Z|2024-01-01T02:00:00Z", "c = '2024-01-01'",
         "1."},
        {"time32[s]", "00:00:01|12:00:00", "c > '00:00:01.5'", ".1"},
        {"time64[us]", "00:00:01|12:00:00", "c = time '12:00'", ".1"},
    };
    CASES(cases);
}

TEST(bytes_and_patterns)
{
    static const eval_case cases[] = {
        {"utf8", "|a|ab|b|~", "c > 'a'", "..11."},
        {"utf8", "|a|ab|b|~", "c <= 'a'", "11..."},
        {"utf8", "|a|ab|b|~", "c = ''", "1...."},
        {"utf8", "|a|ab|b|~", "c < ''", "....."},
        {"utf8", "|a|ab|b|~", "c >= ''", "1111."},
        {"utf8_view", "|a|ab|a text of more than twelve|~", "c > 'a t'", "..11."},
        {"utf8_view", "|a|ab|a text of more than twelve|~", "c like '%more%'", "...1."},
        {"large_utf8", "|a|ab|b|~", "c in ('b', '', 'zz')", "1..1."},
        {"large_utf8", "|a|ab|b|~", "c not in ('b', '')", ".11.."},
        {"dictionary<int8, utf8>", "|a|ab|b|~|a", "c like 'a%'", ".11..1"},
        {"dictionary<int8, utf8>", "|a|ab|b|~|a", "c is null or c = 'b'", "...11."},
        {"utf8",
         "abc|abd|a%c|a\xc3\xa9"
         "c|ac",
         "c like 'a_c'", "1.11."},
        {"utf8", "abc|abd|a%c|ac|", "c like 'a%c'", "1.11."},
        {"utf8", "abc|abd|a%c|ac|", "c like 'a!%c' escape '!'", "..1.."},
        {"utf8", "abc|abd|a%c|ac|", "c like 'abc'", "1...."},
        {"utf8", "abc|abd|a%c|ac|~", "c not like 'a%c'", ".1..."},
        {"utf8", "abc|abd|a%c|ac|", "c like '%'", "11111"},
        {"utf8", "abc|abd|a%c|ac|", "c like ''", "....1"},
        {"utf8", "abcbc|abcbd|xbc", "c like '%b_'", "111"},
        {"utf8", "abcbc|abcbd|xbc", "c like '%b%c'", "1.1"},
        {"utf8", "abcbc|abcbd|xbc", "c like '_b%bc'", "1.."},
        {"binary", "abc|b", "c = x'616263'", "1."},
        {"binary", "abc|b", "c >= 'b'", ".1"},
        {"binary",
         "a\xc3\xa9"
         "c|abc",
         "c like 'a__c'", "1."},
        {"bool", "true|false|~", "c", "1.."},
        {"bool", "true|false|~", "not c", ".1."},
        {"bool", "true|false|~", "c = false", ".1."},
        {"bool", "true|false|~", "c in (true, false)", "11."},
        {"bool", "true|false|~", "c > false", "1.."},
        {"bool", "true|false|~", "c <> true", ".1."},
    };
    CASES(cases);
}

TEST(many_rows_pass_through_the_same_kernels)
{
    char values[2048], want[256], got[256];
    static const char *const types[] = {"int8",
                                        "uint16",
                                        "int32",
                                        "uint64",
                                        "float32",
                                        "float64",
                                        "float16",
                                        "decimal128(20, 0)",
                                        "dictionary<int32, int64>"};
    for (size_t t = 0; t < sizeof types / sizeof *types; t++) {
        size_t at = 0;
        for (int i = 0; i < 200; i++) {
            at += (size_t)snprintf(values + at, sizeof values - at, "%s%s", i ? "|" : "",
                                   i % 11 == 5 ? "~" : "");
            if (i % 11 != 5) at += (size_t)snprintf(values + at, sizeof values - at, "%d", i % 100);
            want[i] = i % 11 != 5 && i % 100 >= 30 && i % 100 < 70 ? '1' : '.';
        }
        want[200] = '\0';
        lm_batch *batch = table_of(types[t], values);
        REQUIRE(batch != NULL);
        CHECK_OK(select_rows(NULL, batch, "c >= 30 and not c >= 70", got), error);
        CHECK_TEXT(got, want);
        lm_batch *slice;
        CHECK_OK(lm__batch_slice(batch, 37, 101, &slice, &error), error);
        CHECK_OK(select_rows(NULL, slice, "c between 30 and 69", got), error);
        CHECK(strlen(got) == 101 && memcmp(got, want + 37, 101) == 0);
        lm__batch_unref(slice);
        lm__batch_unref(batch);
    }
}

/* An array by hand: a struct s of a (int32) beside b (int64), with nulls at both levels. */
static lm_batch *nested(void)
{
    lm_schema *schema =
        schema_of("s: struct<a: int32, t: struct<x: utf8>>, b: int64, l: list<int32>");
    lm_builder root;
    lm_batch *batch = NULL;
    if (!schema || lm__builder_init(&root, NULL, &schema->root, &error) != LM_OK) return NULL;
    lm_builder *s = &root.children[0], *a = &s->children[0], *t = &s->children[1];
    for (int i = 0; i < 6; i++) {
        if (i == 2) {
            CHECK_INT(lm__build_null(s), LM_OK);
        } else {
            CHECK_INT(lm__builder_reserve(a, 1), LM_OK);
            if (i == 3)
                CHECK_INT(lm__build_null(a), LM_OK);
            else
                lm__build_i32(a, i);
            if (i == 4) {
                CHECK_INT(lm__build_null(t), LM_OK);
            } else {
                CHECK_INT(lm__build_bytes(&t->children[0], "x", 1), LM_OK);
                CHECK_INT(lm__build_struct_end(t), LM_OK);
            }
            CHECK_INT(lm__build_struct_end(s), LM_OK);
        }
        CHECK_INT(lm__builder_reserve(&root.children[1], 1), LM_OK);
        lm__build_i64(&root.children[1], 6 - i);
        CHECK_INT(i % 2 ? lm__build_null(&root.children[2]) : lm__build_list_end(&root.children[2]),
                  LM_OK);
    }
    CHECK_OK(lm__builder_finish(&root, schema, &batch, &error), error);
    lm__builder_deinit(&root);
    lm_schema_free(schema);
    return batch;
}

TEST(fields_of_structs_are_null_where_the_struct_is)
{
    static const char *const cases[][2] = {
        {"s.a >= 0", "11..11"},    {"s.a is null", "..11.."},   {"s is null", "..1..."},
        {"s.t.x = 'x'", "11.1.1"}, {"s.t.x is null", "..1.1."}, {"s.t is not null", "11.1.1"},
        {"l is null", ".1.1.1"},   {"s.a < b", "11...."},       {"s.a <> b", "11..11"},
        {"not s.a = b", "11..11"},
    };
    lm_batch *batch = nested();
    REQUIRE(batch != NULL);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char got[16];
        CHECK_OK(select_rows(NULL, batch, cases[i][0], got), error);
        if (strcmp(got, cases[i][1]) != 0)
            check_fail(__FILE__, __LINE__, "%s: %s, not %s", cases[i][0], got, cases[i][1]);
    }
    lm__batch_unref(batch);
}

TEST(what_cannot_be_compared_is_named)
{
    static const char *const cases[][3] = {
        {"int32", "d = 1", "there is no column d; the columns are: c"},
        {"int32", "c = 'x'",
         "column c (int32) cannot be compared with text 'x': that is no number"},
        {"int32", "c = true", "cannot be compared with a boolean"},
        {"int32", "c = date '2024-01-01'", "cannot be compared with a date '2024-01-01'"},
        {"int32", "c", "column c (int32) is no condition by itself"},
        {"int32", "c like 'x'", "like is for text and binary"},
        {"int32", "c.d = 1", "there is no column c.d"},
        {"utf8", "c = 5", "cannot be compared with a number '5': quote it"},
        {"date32", "c = 5", "cannot be compared with a number"},
        {"date32", "c = 'soon'", "a date is 'YYYY-MM-DD'"},
        {"timestamp[us]", "c = '2024-01-01T00:00:00Z'", "the column has no zone"},
        {"bool", "c = 1", "cannot be compared with a number"},
        {"time64[us]", "c = '25'", "a time is 'HH:MM:SS'"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char got[16];
        lm_batch *batch = table_of(cases[i][0], "~");
        REQUIRE(batch != NULL);
        CHECK_STATUS(select_rows(NULL, batch, cases[i][1], got), LM_SCHEMA);
        if (!strstr(error.message, cases[i][2]))
            check_fail(__FILE__, __LINE__, "%s: %s", cases[i][1], error.message);
        lm__batch_unref(batch);
    }
}

TEST(a_stream_is_filtered)
{
    lm_batch *batch = table_of("int32", "1|2|~|3|4"), *got, *slice;
    struct ArrowArray array;
    lm_expr *expr;
    lm_filter *filter;
    uint8_t bits[8];
    int64_t count;
    REQUIRE(batch != NULL);
    CHECK_OK(lm_expr_parse(NULL, "c > 1 and c < 4", 15, &expr, &error), error);
    CHECK_OK(lm_expr_bind(NULL, expr, batch->schema, &filter, &error), error);
    CHECK_OK(lm__batch_export(batch, &array, &error), error);
    CHECK_OK(lm_filter_select(filter, &array, bits, &count, &error), error);
    CHECK_INT(count, 2);
    CHECK_INT(bits[0], 0x0a);
    array.release(&array);
    CHECK_OK(lm__batch_slice(batch, 1, 4, &slice, &error), error);
    CHECK_OK(lm__filter_rows(filter, &slice->root, bits, &count, &error), error);
    CHECK_INT(bits[0], 0x05);
    CHECK_OK(lm__batch_take_bits(slice, bits, count, NULL, &got, &error), error);
    CHECK_INT(lm__batch_rows(got), 2);
    lm_array column = lm__batch_column(got, 0);
    CHECK_INT(((const int32_t *)column.values)[0], 2);
    CHECK_INT(((const int32_t *)column.values)[1], 3);
    CHECK_INT(column.null_count, 0);
    lm__batch_unref(got);
    lm__batch_unref(slice);
    lm_filter_free(filter);
    lm_expr_free(expr);
    lm__batch_unref(batch);
}

/* Found by fuzzing: text that is empty throughout may have no buffer of bytes. */
TEST(empty_text_without_bytes_is_taken)
{
    static const int32_t offsets[4] = {0};
    static const uint32_t rows[] = {0, 2};
    static array_fixture root, column;
    lm_schema *schema;
    lm_batch *batch, *taken;
    fixture_init(&root, 3, 1, NULL, NULL, NULL);
    fixture_init(&column, 3, 3, NULL, offsets, NULL);
    fixture_add(&root, &column);
    CHECK_OK(lm_schema_parse(NULL, "c: utf8", 7, &schema, &error), error);
    CHECK_OK(lm__batch_import_take(NULL, schema, &root.array, LM_VALIDATE_TEXT, &batch, &error),
             error);
    CHECK_OK(lm__batch_take_rows(batch, rows, 2, NULL, &taken, &error), error);
    CHECK_INT(lm__batch_rows(taken), 2);
    lm__batch_unref(taken);
    lm__batch_unref(batch);
    lm_schema_free(schema);
}

/* Of all lengths around those that are copied by 16 bytes, up to the last byte that there is. */
TEST(text_is_taken_in_any_order)
{
    enum { COUNT = 60 };
    static const char letters[] = "abcdefghijklmnopqrstuvwxyz0123456789";
    static int32_t offsets[COUNT + 1];
    static uint32_t rows[3 * COUNT];
    static array_fixture root, column;
    lm_schema *schema;
    lm_batch *batch, *taken;
    for (int i = 0; i < COUNT; i++) offsets[i + 1] = offsets[i] + i * 7 % 21;
    char *bytes = malloc((size_t)offsets[COUNT]); /* no byte more, so that a sanitizer sees */
    for (int i = 0; i < offsets[COUNT]; i++) bytes[i] = letters[i % 36];
    for (int i = 0; i < 3 * COUNT; i++) rows[i] = (uint32_t)(i < COUNT ? i : (i * 29 + 59) % COUNT);
    fixture_init(&root, COUNT, 1, NULL, NULL, NULL);
    fixture_init(&column, COUNT, 3, NULL, offsets, bytes);
    fixture_add(&root, &column);
    CHECK_OK(lm_schema_parse(NULL, "c: utf8", 7, &schema, &error), error);
    CHECK_OK(lm__batch_import_take(NULL, schema, &root.array, LM_VALIDATE_TEXT, &batch, &error),
             error);
    CHECK_OK(lm__batch_take_rows(batch, rows, 3 * COUNT, NULL, &taken, &error), error);
    lm_array got = lm__batch_column(taken, 0);
    const int32_t *at = got.offsets;
    for (int i = 0; i < 3 * COUNT; i++) {
        int32_t size = offsets[rows[i] + 1] - offsets[rows[i]];
        CHECK_INT(at[i + 1] - at[i], size);
        CHECK_BYTES((const uint8_t *)got.values + at[i], bytes + offsets[rows[i]], (size_t)size);
    }
    lm__batch_unref(taken);
    lm__batch_unref(batch);
    lm_schema_free(schema);
    free(bytes);
}

TEST(every_allocation_may_fail)
{
    static const char text[] =
        "(s.a in (1, 2) or s.t.x like '%x' and \"b\" <> 4) and not l is null "
        "or s.t.x in ('a', 'b') or b not between 1 and 2 or s.a < b";
    lm_batch *batch = nested();
    REQUIRE(batch != NULL);
    for (size_t n = 0; n < 10000; n++) {
        check_alloc memory;
        char got[16];
        check_alloc_init(&memory, n);
        lm_status status = select_rows(&memory.allocator, batch, text, got);
        CHECK_INT(memory.live, 0);
        if (!memory.failed) {
            CHECK_INT(status, LM_OK);
            break;
        }
        CHECK_INT(status, LM_NO_MEMORY);
    }
    lm__batch_unref(batch);
}

int main(void)
{
    RUN(text_is_read_and_printed);
    RUN(what_is_no_expression_is_told_with_its_place);
    RUN(depth_is_limited_and_chains_are_not_deep);
    RUN(builders_make_what_text_does);
    RUN(integers_are_compared_exactly);
    RUN(decimals_are_compared_exactly);
    RUN(nan_is_the_greatest_float_and_zeros_are_equal);
    RUN(times_are_compared_as_instants);
    RUN(bytes_and_patterns);
    RUN(many_rows_pass_through_the_same_kernels);
    RUN(fields_of_structs_are_null_where_the_struct_is);
    RUN(what_cannot_be_compared_is_named);
    RUN(a_stream_is_filtered);
    RUN(empty_text_without_bytes_is_taken);
    RUN(text_is_taken_in_any_order);
    RUN(every_allocation_may_fail);
    return DONE();
}
