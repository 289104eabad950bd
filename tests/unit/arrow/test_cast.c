/* Casts: tables of cases, one a line; plans that tell all problems; nested types (cast.h 1 to 4).
 */
#include "arrow/cast.h"

#include "arrow/random.h"

static lm_error error;

static lm_schema *schema_of(const lm_allocator *allocator, const char *text)
{
    lm_schema *schema = NULL;
    if (lm_schema_parse(allocator, text, strlen(text), &schema, &error) != LM_OK) return NULL;
    return schema;
}

/* Takes the batch. */
static lm_status cast_to(const lm_allocator *allocator, lm_batch *source, const char *target,
                         const lm_cast_options *options, lm_batch **out)
{
    *out = NULL;
    lm_error_clear(&error);
    lm_schema *schema = schema_of(allocator, target);
    if (!schema) {
        lm__batch_unref(source);
        return error.code;
    }
    lm_cast *cast;
    lm_status status = lm__cast_new(allocator, source->schema, schema, options, &cast, &error);
    if (status == LM_OK) status = lm__cast_batch(cast, source, 0, out, &error);
    if (status == LM_OK) {
        status = lm__batch_validate(*out, LM_VALIDATE_TEXT, &error);
        CHECK_INT(status, LM_OK);
    }
    lm__cast_free(cast);
    lm_schema_free(schema);
    lm__batch_unref(source);
    return status;
}

static const lm_cast_options safe = {.mode = LM_CAST_SAFE}, strict = {.mode = LM_CAST_STRICT};

/* A table of one utf8 column: values parted by '|', "~" for null. */
static lm_batch *texts(const char *values)
{
    lm_schema *schema = schema_of(NULL, "c: utf8");
    lm_builder root;
    lm_batch *batch = NULL;
    if (!schema || lm__builder_init(&root, NULL, &schema->root, &error) != LM_OK) return NULL;
    lm_status status = LM_OK;
    for (const char *at = values; status == LM_OK;) {
        size_t size = strcspn(at, "|");
        status = size == 1 && *at == '~' ? lm__build_null(&root.children[0])
                                         : lm__build_bytes(&root.children[0], at, size);
        at += size;
        if (!*at++) break;
    }
    if (status == LM_OK) status = lm__builder_finish(&root, schema, &batch, &error);
    lm__builder_deinit(&root);
    lm_schema_free(schema);
    return batch;
}

static const char *texts_of(const lm_batch *batch)
{
    static char text[8192];
    size_t used = 0;
    lm_array view = lm__batch_column(batch, 0);
    for (int64_t row = 0; row < view.length; row++) {
        size_t size = 1;
        const char *bytes = "~";
        if (lm__array_valid(&view, row)) bytes = (const char *)lm__array_bytes(&view, row, &size);
        used += (size_t)snprintf(text + used, sizeof text - used, "%s%.*s", row ? "|" : "",
                                 (int)size, bytes);
    }
    text[used] = '\0';
    return text;
}

typedef struct cast_case {
    const char *from, *values, *to;
    const char *want; /* what comes out, or (with '!' before it) why nothing does */
} cast_case;

static const cast_case cases[] = {
    /* text to numbers */
    {"utf8", "0|-128|127|+5|~|007", "int8", "0|-128|127|5|~|7"},
    {"utf8", "128", "int8", "!row 0: \"128\" does not fit int8"},
    {"utf8", "1|-129", "int8", "!row 1: \"-129\" does not fit int8"},
    {"utf8", "255|0|-0", "uint8", "255|0|0"},
    {"utf8", "-1", "uint8", "!row 0: \"-1\" does not fit uint8"},
    {"utf8", "65535", "uint16", "65535"},
    {"utf8", "4294967296", "uint32", "!row 0: \"4294967296\" does not fit uint32"},
    {"utf8", "-9223372036854775808|9223372036854775807", "int64",
     "-9223372036854775808|9223372036854775807"},
    {"utf8", "9223372036854775808", "int64", "!row 0: \"9223372036854775808\" does not fit int64"},
    {"utf8", "18446744073709551615", "uint64", "18446744073709551615"},
    {"utf8", "18446744073709551616", "uint64",
     "!row 0: \"18446744073709551616\" does not fit uint64"},
    {"utf8", "", "int32", "!row 0: \"\" is not a text of int32"},
    {"utf8", " 1", "int32", "!row 0: \" 1\" is not a text of int32"},
    {"utf8", "1.0", "int32", "!row 0: \"1.0\" is not a text of int32"},
    {"utf8", "0x10", "int32", "!row 0: \"0x10\" is not a text of int32"},
    {"utf8", "1\n", "int32", "!row 0: \"1\\x0a\" is not a text of int32"},
    {"utf8", "1.5|-2|.5|3.|1e3|1E-2|inf|-Infinity|NaN|0.1|-0", "float64",
     "1.5|-2.0|0.5|3.0|1000.0|0.01|inf|-inf|nan|0.1|-0.0"},
    {"utf8", "1e400", "float64", "!row 0: \"1e400\" does not fit float64"},
    {"utf8", "1e39", "float32", "!row 0: \"1e39\" does not fit float32"},
    {"utf8", "70000", "float16", "!row 0: \"70000\" does not fit float16"},
    {"utf8", "0.1|16777216|3.4028235e38|1e-45", "float32", "0.1|16777216.0|3.4028235e+38|1e-45"},
    {"utf8", "1e", "float64", "!row 0: \"1e\" is not a text of float64"},
    {"utf8", ".", "float64", "!row 0: \".\" is not a text of float64"},
    {"utf8", "1,5", "float64", "!row 0: \"1,5\" is not a text of float64"},
    {"utf8", "true|FALSE|1|0|~", "bool", "true|false|true|false|~"},
    {"utf8", "yes", "bool", "!row 0: \"yes\" is not a text of bool"},
    /* text to decimals */
    {"utf8", "1.5|-0.05|100|1e1|.5|0|-0.000", "decimal32(5, 2)",
     "1.50|-0.05|100.00|10.00|0.50|0.00|0.00"},
    {"utf8", "1.005", "decimal64(5, 2)", "!row 0: \"1.005\" does not fit decimal64(5, 2)"},
    {"utf8", "1000", "decimal128(5, 2)", "!row 0: \"1000\" does not fit decimal128(5, 2)"},
    {"utf8", "99999999999999999999999999999999999999", "decimal128(38, 0)",
     "99999999999999999999999999999999999999"},
    {"utf8", "9999999999999999999999999999999999999999999999999999999999999999999999999999",
     "decimal256(76, 0)",
     "9999999999999999999999999999999999999999999999999999999999999999999999999999"},
    {"utf8", "12300|1.2e5", "decimal32(5, -2)", "12300|120000"},
    {"utf8", "12310", "decimal32(5, -2)", "!row 0: \"12310\" does not fit decimal32(5, -2)"},
    {"utf8", "1.2.3", "decimal128(5, 2)", "!row 0: \"1.2.3\" is not a text of decimal128(5, 2)"},
    {"utf8", "abc", "decimal128(5, 2)", "!row 0: \"abc\" is not a text of decimal128(5, 2)"},
    {"utf8", "1e999999999999", "decimal128(5, 2)",
     "!row 0: \"1e999999999999\" does not fit decimal128(5, 2)"},
    {"utf8", "0e999999999999|0e-99", "decimal128(5, 2)", "0.00|0.00"},
    {"utf8", "1000000000000000000000000000000000000000000000000000000000000000000000000000000",
     "decimal256(76, 0)",
     "!row 0: "
     "\"1000000000000000000000000000000000000000000000000000000000000000000000000000000\" does not "
     "fit decimal256(76, 0)"},
    /* text to dates and times */
    {"utf8", "1970-01-01|2024-02-29|1600-12-31|+12345-01-01|-0001-06-15", "date32",
     "1970-01-01|2024-02-29|1600-12-31|+12345-01-01|-0001-06-15"},
    {"utf8", "2023-02-29", "date32", "!row 0: \"2023-02-29\" is not a text of date32"},
    {"utf8", "2023-13-01", "date32", "!row 0: \"2023-13-01\" is not a text of date32"},
    {"utf8", "2023-1-1", "date32", "!row 0: \"2023-1-1\" is not a text of date32"},
    {"utf8", "12345-01-01", "date32", "!row 0: \"12345-01-01\" is not a text of date32"},
    {"utf8", "+99999999-01-01", "date32", "!row 0: \"+99999999-01-01\" does not fit date32"},
    {"utf8", "1969-12-31", "date64", "1969-12-31"},
    {"utf8", "00:00|23:59:59|12:34:56.000", "time32[s]", "00:00:00|23:59:59|12:34:56"},
    {"utf8", "12:34:56.7", "time32[s]", "!row 0: \"12:34:56.7\" does not fit time32[s]"},
    {"utf8", "12:34:56.7", "time32[ms]", "12:34:56.700"},
    {"utf8", "12:34:56.123456", "time64[us]", "12:34:56.123456"},
    {"utf8", "12:34:56.123456789", "time64[ns]", "12:34:56.123456789"},
    {"utf8", "24:00", "time64[ns]", "!row 0: \"24:00\" is not a text of time64[ns]"},
    {"utf8", "12:3", "time64[ns]", "!row 0: \"12:3\" is not a text of time64[ns]"},
    {"utf8", "1970-01-01|2024-05-06 07:08|2024-05-06T07:08:09.5|1969-12-31T23:59:59.999",
     "timestamp[ms]",
     "1970-01-01T00:00:00.000|2024-05-06T07:08:00.000|2024-05-06T07:08:09.500|"
     "1969-12-31T23:59:59.999"},
    {"utf8",
     "2024-05-06T07:08:09Z|2024-05-06 07:08:09+02:00|2024-05-06T07:08:09-0130|"
     "2024-05-06T07:08:09 +05",
     "timestamp[s, Europe/Berlin]",
     "2024-05-06T07:08:09Z|2024-05-06T05:08:09Z|2024-05-06T08:38:09Z|2024-05-06T02:08:09Z"},
    {"utf8", "2024-05-06T07:08:09Z", "timestamp[s]",
     "!row 0: \"2024-05-06T07:08:09Z\" is not a text of timestamp[s]"},
    {"utf8", "2024-05-06T07:08:09", "timestamp[s, UTC]",
     "!row 0: \"2024-05-06T07:08:09\" is not a text of timestamp[s, UTC]"},
    {"utf8", "1677-09-21T00:12:43.145224192|2262-04-11T23:47:16.854775807", "timestamp[ns]",
     "1677-09-21T00:12:43.145224192|2262-04-11T23:47:16.854775807"},
    {"utf8", "1677-09-21T00:12:43.145224191", "timestamp[ns]",
     "!row 0: \"1677-09-21T00:12:43.145224191\" does not fit timestamp[ns]"},
    {"utf8", "2262-04-11T23:47:16.854775808", "timestamp[ns]",
     "!row 0: \"2262-04-11T23:47:16.854775808\" does not fit timestamp[ns]"},
    {"utf8", "2024-05-06 ", "timestamp[s]",
     "!row 0: \"2024-05-06 \" is not a text of timestamp[s]"},
    /* integers */
    {"int64", "-128|127|~", "int8", "-128|127|~"},
    {"int64", "~|128", "int8", "!row 1: 128 cannot become int8 without loss"},
    {"int8", "-1", "uint64", "!row 0: -1 cannot become uint64 without loss"},
    {"int64", "-1", "uint32", "!row 0: -1 cannot become uint32 without loss"},
    {"uint64", "9223372036854775807", "int64", "9223372036854775807"},
    {"uint64", "18446744073709551615", "int64",
     "!row 0: 18446744073709551615 cannot become int64 without loss"},
    {"uint64", "9223372036854775808", "int8",
     "!row 0: 9223372036854775808 cannot become int8 without loss"},
    {"uint8", "255", "int16", "255"},
    {"uint32", "4294967295", "int64", "4294967295"},
    /* floats */
    {"int64", "9007199254740992|-9007199254740993", "float64",
     "!row 1: -9007199254740993 cannot become float64 without loss"},
    {"int64", "9223372036854775807", "float64",
     "!row 0: 9223372036854775807 cannot become float64 without loss"},
    {"int64", "-9223372036854775808", "float64", "-9.223372036854776e+18"},
    {"uint64", "9223372036854775808|18446744073709549568", "float64",
     "9.223372036854776e+18|1.844674407370955e+19"},
    {"uint64", "18446744073709551615", "float64",
     "!row 0: 18446744073709551615 cannot become float64 without loss"},
    {"int32", "16777217", "float32", "!row 0: 16777217 cannot become float32 without loss"},
    {"int32", "2048|-5", "float16", "2048.0|-5.0"},
    {"int32", "2049", "float16", "!row 0: 2049 cannot become float16 without loss"},
    {"float64", "1|-2|0", "int8", "1|-2|0"},
    {"float64", "1.5", "int64", "!row 0: 1.5 cannot become int64 without loss"},
    {"float64", "nan", "int64", "!row 0: nan cannot become int64 without loss"},
    {"float64", "-inf", "int64", "!row 0: -inf cannot become int64 without loss"},
    {"float64", "9223372036854775808", "int64",
     "!row 0: 9.223372036854776e+18 cannot become int64 without loss"},
    {"float64", "18446744073709551616", "uint64",
     "!row 0: 1.8446744073709552e+19 cannot become uint64 without loss"},
    {"float64", "128", "int8", "!row 0: 128.0 cannot become int8 without loss"},
    {"float64", "0.5|inf|nan|~|1e-45", "float32",
     "!row 4: 1e-45 cannot become float32 without loss"},
    {"float64", "0.5|inf|nan|~|-0", "float32", "0.5|inf|nan|~|-0.0"},
    {"float64", "0.1", "float32", "!row 0: 0.1 cannot become float32 without loss"},
    {"float32", "0.5|3.25", "float64", "0.5|3.25"},
    {"float32", "0.5|65504", "float16", "0.5|65504.0"},
    {"float32", "65505", "float16", "!row 0: 65505.0 cannot become float16 without loss"},
    {"float16", "0.5|-2|6e-8|inf", "float64", "0.5|-2.0|5.960464477539063e-08|inf"},
    /* decimals */
    {"decimal32(9, 2)", "1.50|-3.25|~", "decimal128(20, 5)", "1.50000|-3.25000|~"},
    {"decimal128(20, 5)", "1.5|-3.25", "decimal32(4, 2)", "1.50|-3.25"},
    {"decimal128(20, 5)", "1.505", "decimal32(4, 2)",
     "!row 0: 1.50500 cannot become decimal32(4, 2) without loss"},
    {"decimal128(20, 5)", "100", "decimal32(4, 2)",
     "!row 0: 100.00000 cannot become decimal32(4, 2) without loss"},
    {"decimal256(76, 0)", "12345678901234567890123456789012345678901234567890",
     "decimal256(76, 20)",
     "12345678901234567890123456789012345678901234567890.00000000000000000000"},
    {"decimal256(76, 20)", "-170141183460469231731687303715884105728", "decimal256(60, 10)",
     "-170141183460469231731687303715884105728.0000000000"},
    {"decimal256(76, 0)", "100000000000000000000000000000000000000", "decimal128(38, 0)",
     "!row 0: 100000000000000000000000000000000000000 cannot become decimal128(38, 0) without "
     "loss"},
    {"int8", "-5|99", "decimal64(4, 2)", "-5.00|99.00"},
    {"int8", "100", "decimal64(4, 2)", "!row 0: 100 cannot become decimal64(4, 2) without loss"},
    {"uint64", "18446744073709551615", "decimal128(38, 10)", "18446744073709551615.0000000000"},
    {"uint64", "18446744073709551615", "decimal256(76, 50)",
     "18446744073709551615.00000000000000000000000000000000000000000000000000"},
    {"decimal128(10, 2)", "5|-128", "int8", "5|-128"},
    {"decimal128(10, 2)", "5.5", "int8", "!row 0: 5.50 cannot become int8 without loss"},
    {"decimal128(10, 2)", "128", "int8", "!row 0: 128.00 cannot become int8 without loss"},
    {"decimal256(40, 2)", "-1", "uint64", "!row 0: -1.00 cannot become uint64 without loss"},
    {"decimal256(40, 2)", "18446744073709551615", "uint64", "18446744073709551615"},
    {"decimal32(5, -2)", "12300", "int32", "12300"},
    /* dates, times */
    {"date32", "2024-02-29|1969-12-31", "date64", "2024-02-29|1969-12-31"},
    {"date64", "2024-02-29|1969-12-31", "date32", "2024-02-29|1969-12-31"},
    {"date32", "2024-02-29", "timestamp[us]", "2024-02-29T00:00:00.000000"},
    {"date32", "+5000000-01-01", "timestamp[ns]",
     "!row 0: +5000000-01-01 cannot become timestamp[ns] without loss"},
    {"timestamp[ms]", "1969-12-31|2024-02-29 00:00", "date32", "1969-12-31|2024-02-29"},
    {"timestamp[ms]", "2024-02-29 00:00:00.001", "date32",
     "!row 0: 2024-02-29T00:00:00.001 cannot become date32 without loss"},
    {"timestamp[ms]", "2024-02-29 00:00:00.001", "date64",
     "!row 0: 2024-02-29T00:00:00.001 cannot become date64 without loss"},
    {"timestamp[us]", "2024-02-29", "date64", "2024-02-29"},
    {"timestamp[s]", "2024-02-29 01:02:03", "timestamp[ns]", "2024-02-29T01:02:03.000000000"},
    {"timestamp[s]", "2300-01-01", "timestamp[ns]",
     "!row 0: 2300-01-01T00:00:00 cannot become timestamp[ns] without loss"},
    {"timestamp[ns]", "2024-02-29 01:02:03.000001", "timestamp[us]", "2024-02-29T01:02:03.000001"},
    {"timestamp[ns]", "1969-12-31 23:59:59.999999999", "timestamp[us]",
     "!row 0: 1969-12-31T23:59:59.999999999 cannot become timestamp[us] without loss"},
    {"timestamp[ns]", "2024-01-01", "timestamp[us, UTC]", "2024-01-01T00:00:00.000000Z"},
    {"timestamp[us, UTC]", "2024-01-01T00:00Z", "timestamp[us, Asia/Tokyo]",
     "2024-01-01T00:00:00.000000Z"},
    {"time32[s]", "12:34:56", "time64[ns]", "12:34:56.000000000"},
    {"time64[us]", "12:34:56.000001", "time32[ms]",
     "!row 0: 12:34:56.000001 cannot become time32[ms] without loss"},
    {"date32", "1970-01-05", "int32", "4"},
    {"int64", "1000", "timestamp[ms]", "1970-01-01T00:00:01.000"},
    /* text and binary */
    {"utf8", "a|~||\xc3\xa9|0123456789abcdef", "large_utf8", "a|~||\xc3\xa9|0123456789abcdef"},
    {"utf8", "a|~||\xc3\xa9|0123456789abcdef", "utf8_view", "a|~||\xc3\xa9|0123456789abcdef"},
    {"utf8_view", "a|~||0123456789abcdef|0123456789ab", "utf8",
     "a|~||0123456789abcdef|0123456789ab"},
    {"large_utf8", "a|~||b", "utf8", "a|~||b"},
    {"utf8", "ab|~|cd", "fixed_binary[2]", "ab|~|cd"},
    {"utf8", "ab|c", "fixed_binary[2]", "!row 1: \"c\" has 1 bytes, not 2"},
    {"fixed_binary[2]", "ab|~|cd", "binary_view", "ab|~|cd"},
    {"fixed_binary[2]", "ab|~|cd", "large_utf8", "ab|~|cd"},
    {"binary", "ab|\xff|cd", "utf8", "!row 1: \"\\xff\" is not UTF-8"},
    /* dictionaries and run ends */
    {"dictionary<int8, utf8>", "b|a|~|b", "utf8", "b|a|~|b"},
    {"dictionary<int8, utf8>", "5|7|~|5", "int32", "5|7|~|5"},
    {"dictionary<int8, utf8>", "5|x", "int32", "!row 1: \"x\" is not a text of int32"},
    {"dictionary<uint32, int64>", "1|2|1|~", "dictionary<int16, decimal128(5, 1)>",
     "1.0|2.0|1.0|~"},
    {"dictionary<int64, bool>", "1|0|1|~", "utf8", "true|false|true|~"},
};

static void run_case(const cast_case *c)
{
    char from[200], to[200];
    snprintf(from, sizeof from, "c: %s", c->from);
    snprintf(to, sizeof to, "c: %s", c->to);
    lm_batch *source, *target, *text;
    lm_batch *start = texts(c->values);
    if (cast_to(NULL, start, from, &safe, &source) != LM_OK) {
        check_fail(__FILE__, __LINE__, "%s of %s: %s", c->from, c->values, error.message);
        return;
    }
    lm_status status = cast_to(NULL, source, to, &safe, &target);
    if (c->want[0] == '!') {
        const char *got = status == LM_OK ? "it was taken" : error.message;
        if (status != LM_DATA || strncmp(got, "column c: ", 10) != 0 ||
            strcmp(got + 10, c->want + 1) != 0)
            check_fail(__FILE__, __LINE__, "%s of %s to %s: %s, not %s", c->from, c->values, c->to,
                       got, c->want + 1);
        lm__batch_unref(target);
        return;
    }
    if (status != LM_OK) {
        check_fail(__FILE__, __LINE__, "%s of %s to %s: %s", c->from, c->values, c->to,
                   error.message);
        return;
    }
    status = cast_to(NULL, target, "c: utf8", &safe, &text);
    if (status != LM_OK || strcmp(texts_of(text), c->want) != 0)
        check_fail(__FILE__, __LINE__, "%s of %s to %s is %s, not %s", c->from, c->values, c->to,
                   status == LM_OK ? texts_of(text) : error.message, c->want);
    lm__batch_unref(text);
}

TEST(values_become_what_they_should)
{
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) run_case(&cases[i]);
}

TEST(all_problems_are_told_together)
{
    static const struct {
        const char *from, *to;
        bool safe, drop;
        const char *want;
    } rows[] = {
        {"a: int64, b: utf8", "b: utf8, a: int64", false, false, NULL},
        {"a: int64", "a: int64, b: utf8", false, false, NULL},
        {"a: int64", "a: int64, b: utf8 not null", false, false,
         "column b: it is missing, and not null"},
        {"a: int64, x: int8, y: int8", "a: int64", false, false,
         "2 problems: column x: it is not in the schema; column y: it is not in the schema"},
        {"a: int64, x: int8, y: int8", "a: int64", false, true, NULL},
        {"a: int64, a: int64", "a: int64", false, false,
         "column a: there is more than one of that name"},
        {"x: int8, a: int64, a: int64", "x: int8, y: int8, q: int8, a: int64", false, false,
         "3 problems: column a: there is more than one of that name; column a: there is more than "
         "one of that name; column a: there is more than one of that name"},
        {"a: int64, a: int8", "a: int64, a: int8", false, false, NULL},
        {"a: int64", "a: int32", false, false, "column a: it is int64, not int32"},
        {"a: int64", "a: int32", true, false, NULL},
        {"a: dictionary<int8, utf8>", "a: utf8", false, false,
         "column a: it is dictionary<int8, utf8>, not utf8"},
        {"a: timestamp[us, UTC]", "a: timestamp[us, Asia/Tokyo]", false, false, NULL},
        {"a: timestamp[us]", "a: timestamp[us, UTC]", false, false,
         "column a: it is timestamp[us], not timestamp[us, UTC]"},
        {"a: timestamp[us]", "a: timestamp[us, Asia/Tokyo]", true, false,
         "column a: a timestamp without a zone can only become a timestamp in UTC, not in "
         "Asia/Tokyo"},
        {"a: timestamp[us, Asia/Tokyo], b: date32", "a: date32, b: timestamp[s, Asia/Tokyo]", true,
         false,
         "2 problems: column a: a timestamp in zone Asia/Tokyo cannot become a date; column b: a "
         "date can only become a timestamp in UTC, not in Asia/Tokyo"},
        {"a: timestamp[us, UTC], b: date32", "a: date32, b: timestamp[s, UTC]", true, false, NULL},
        {"a: timestamp[us, Asia/Tokyo]", "a: int64", true, false, NULL},
        {"a: timestamp[us, UTC]", "a: timestamp[us]", true, false,
         "column a: a timestamp in zone UTC cannot lose its zone"},
        {"a: list<item: struct<x: int8, y: utf8>>", "a: list<element: struct<y: utf8, x: int8>>",
         false, false, NULL},
        {"a: list<item: struct<x: int8, y: utf8>>", "a: list<item: struct<y: utf8, x: int16>>",
         false, false, "column a.item.x: it is int8, not int16"},
        {"a: list<item: int8>", "a: large_list<item: int8>", false, false,
         "column a: it is list<item: int8>, not large_list<item: int8>"},
        {"a: map<utf8, int8>", "a: map<utf8, int16>", true, false, NULL},
        {"a: map<utf8, int8>", "a: map<utf8, int8>[sorted]", true, false,
         "column a: map<key: utf8 not null, value: int8> cannot become map<key: utf8 not null, "
         "value: int8>[sorted]"},
        {"a: float64", "a: decimal128(5, 2)", true, false,
         "column a: float64 cannot become decimal128(5, 2)"},
        {"a: int8", "a: struct<x: int8>", true, false,
         "column a: int8 cannot become struct<x: int8>"},
        {"a: null", "a: int8 not null", true, false,
         "column a: it has only nulls, and is not null"},
        {"a: utf8", "a: run_end_encoded<int32, utf8>", true, false,
         "column a: utf8 cannot become run_end_encoded<run_ends: int32 not null, values: utf8>"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        lm_schema *from = schema_of(NULL, rows[i].from), *to = schema_of(NULL, rows[i].to);
        lm_cast_options options = {rows[i].safe ? LM_CAST_SAFE : LM_CAST_STRICT, rows[i].drop};
        lm_cast *cast;
        REQUIRE(from && to);
        lm_error_clear(&error);
        lm_status status = lm__cast_new(NULL, from, to, &options, &cast, &error);
        const char *want = rows[i].want ? rows[i].want : "";
        if (status != (rows[i].want ? LM_SCHEMA : LM_OK) || strcmp(error.message, want) != 0)
            check_fail(__FILE__, __LINE__, "%s to %s: %s", rows[i].from, rows[i].to, error.message);
        lm__cast_free(cast);
        lm_schema_free(from);
        lm_schema_free(to);
    }
    char from[8000] = "", to[8000] = "";
    for (int i = 0; i < 200; i++) {
        sprintf(from + strlen(from), "column_%d: int64\n", i);
        sprintf(to + strlen(to), "column_%d: int8\n", i);
    }
    lm_schema *a = schema_of(NULL, from), *b = schema_of(NULL, to);
    lm_cast *cast;
    CHECK_STATUS(lm__cast_new(NULL, a, b, NULL, &cast, &error), LM_SCHEMA);
    CHECK(strncmp(error.message, "200 problems: column column_0: it is int64, not int8; ", 53) ==
          0);
    CHECK(strstr(error.message, " more") != NULL);
    lm_schema_free(a);
    lm_schema_free(b);
}

static lm_batch *random_table(const lm_allocator *allocator, const char *text, int64_t rows,
                              uint64_t seed, int nulls)
{
    lm_schema *schema = schema_of(allocator, text);
    lm_builder root;
    lm_batch *batch = NULL;
    if (!schema) return NULL;
    if (lm__builder_init(&root, allocator, &schema->root, &error) == LM_OK) {
        lm_status status = random_batch(&root, schema, rows, &seed, nulls, &batch, &error);
        if (status != LM_OK) batch = NULL;
        lm__builder_deinit(&root);
    }
    lm_schema_free(schema);
    return batch;
}

/* Casts there and back keep every row; from a slice too. */
static lm_status there_and_back(const lm_allocator *allocator, const char *from, const char *to,
                                int64_t rows, uint64_t seed, int nulls)
{
    lm_batch *source = random_table(allocator, from, rows, seed, nulls), *part, *there, *back;
    if (!source) return LM_NO_MEMORY;
    lm_status status = lm__batch_slice(source, rows / 5, rows / 2, &part, &error);
    lm__batch_unref(source);
    if (status != LM_OK) return status;
    lm__batch_ref(part);
    status = cast_to(allocator, part, to, &safe, &there);
    if (status == LM_OK) {
        lm_array a = lm__batch_column(part, 0), b = lm__batch_column(there, 0);
        bool alike = true;
        for (int64_t row = 0; row < a.length; row++) alike = alike && rows_equal(&a, row, &b, row);
        if (!alike) check_fail(__FILE__, __LINE__, "%s to %s differs", from, to);
        status = cast_to(allocator, there, from, &safe, &back);
    }
    if (status == LM_OK) {
        lm_array a = lm__batch_column(part, 0), b = lm__batch_column(back, 0);
        bool alike = true;
        for (int64_t row = 0; row < a.length; row++) alike = alike && rows_equal(&a, row, &b, row);
        if (!alike) check_fail(__FILE__, __LINE__, "%s to %s and back differs", from, to);
        lm__batch_unref(back);
    }
    lm__batch_unref(part);
    return status;
}

static const char *const pairs[][2] = {
    {"c: list<utf8>", "c: large_list<utf8_view>"},
    {"c: list<utf8>", "c: list_view<large_utf8>"},
    {"c: list_view<utf8>", "c: large_list_view<utf8>"},
    {"c: large_list_view<utf8>", "c: list<utf8>"},
    {"c: fixed_list<int8>[3]", "c: list<int8>"},
    {"c: fixed_list<int8>[3]", "c: large_list_view<int8>"},
    {"c: list<struct<a: utf8, b: int8>>", "c: large_list<struct<a: large_utf8, b: int8>>"},
    {"c: map<utf8, list<int8>>", "c: map<utf8_view, large_list<int8>>"},
    {"c: struct<a: list<list<utf8>>, b: bool>",
     "c: struct<a: large_list<list_view<utf8>>, b: bool>"},
    {"c: dictionary<int16, utf8>", "c: large_utf8"},
    {"c: dictionary<int16, utf8>", "c: dictionary<uint8, utf8_view>"},
    {"c: list<dictionary<int16, int64>>", "c: list<int64>"},
    {"c: fixed_list<fixed_list<utf8>[2]>[2]", "c: list<large_list<utf8>>"},
};

TEST(nested_types_go_there_and_back)
{
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++)
        for (int nulls = 0; nulls < 8; nulls += 2)
            for (int64_t rows = 0; rows < 200; rows = rows * 3 + 1) {
                lm_status status =
                    there_and_back(NULL, pairs[i][0], pairs[i][1], rows, i + 7, nulls);
                if (status != LM_OK)
                    check_fail(__FILE__, __LINE__, "%s to %s: %s", pairs[i][0], pairs[i][1],
                               error.message);
            }
}

TEST(run_ends_are_decoded)
{
    lm_batch *source, *there;
    source = random_table(NULL, "c: run_end_encoded<int32, list<utf8>>", 50, 5, 2);
    REQUIRE(source);
    lm__batch_ref(source);
    CHECK_OK(cast_to(NULL, source, "c: large_list<utf8>", &safe, &there), error);
    lm_array a = lm__batch_column(source, 0), b = lm__batch_column(there, 0);
    for (int64_t row = 0; row < 50; row++) CHECK(rows_equal(&a, row, &b, row));
    lm__batch_unref(source);
    lm__batch_unref(there);
}

TEST(every_allocation_may_fail)
{
    counting c;
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++)
        CHECK_ALLOCATIONS(c, there_and_back(&c.allocator, pairs[i][0], pairs[i][1], 12, 1, 2));
}

TEST(what_fits_is_shared)
{
    lm_batch *source = random_table(NULL, "a: int64, b: utf8", 10, 1, 0), *out;
    REQUIRE(source);
    lm_array a = lm__batch_column(source, 0), b = lm__batch_column(source, 1);
    CHECK_OK(
        cast_to(NULL, source, "b: large_utf8, n: struct<x: int8>, a: int64 not null", &safe, &out),
        error);
    lm_array text = lm__batch_column(out, 0), nulls = lm__batch_column(out, 1),
             number = lm__batch_column(out, 2);
    CHECK(number.values == a.values);
    CHECK(text.values == b.values);
    CHECK_TEXT(number.field->name, "a");
    CHECK_INT(nulls.null_count, 10);
    lm__batch_unref(out);
}

TEST(nulls_are_refused_where_none_may_be)
{
    lm_batch *out;
    CHECK_STATUS(cast_to(NULL, texts("1|~|3"), "c: int8 not null", &safe, &out), LM_DATA);
    CHECK_TEXT(error.message, "column c: row 1 is null, but the column is not null");
    CHECK_STATUS(cast_to(NULL, texts("1|~|3"), "c: utf8 not null", &strict, &out), LM_DATA);
    CHECK_OK(cast_to(NULL, texts("1|3"), "c: utf8 not null", &strict, &out), error);
    lm__batch_unref(out);
}

/* The row in the message is the table's, however deep the value stands; what is beneath a null is
 * never to blame. */
TEST(the_row_is_the_tables)
{
    lm_schema *schema = schema_of(NULL, "s: struct<l: list<fixed_list<utf8>[2]>>");
    lm_builder root;
    lm_batch *batch, *out;
    REQUIRE(schema);
    CHECK_OK(lm__builder_init(&root, NULL, &schema->root, &error), error);
    lm_builder *s = &root.children[0], *l = &s->children[0], *f = &l->children[0],
               *text = &f->children[0];
    for (int row = 0; row < 6; row++) {
        for (int item = 0; item < row; item++) {
            const char *value = row == 3 || (row == 5 && item == 4) ? "x" : "7";
            CHECK_STATUS(lm__build_bytes(text, value, 1), LM_OK);
            CHECK_STATUS(lm__build_bytes(text, "8", 1), LM_OK);
            CHECK_STATUS(lm__build_list_end(f), LM_OK);
        }
        CHECK_STATUS(lm__build_list_end(l), LM_OK);
        CHECK_STATUS(lm__build_struct_end(s), LM_OK);
    }
    CHECK_STATUS(lm__builder_validity(s), LM_OK);
    lm__bit_clear(s->validity, 3);
    s->null_count = 1;
    CHECK_OK(lm__builder_finish(&root, schema, &batch, &error), error);
    CHECK_STATUS(cast_to(NULL, batch, "s: struct<l: large_list<list<int16>>>", &safe, &out),
                 LM_DATA);
    CHECK_TEXT(error.message, "column s.l.item.item: row 5: \"x\" is not a text of int16");
    lm__builder_deinit(&root);
    lm_schema_free(schema);
}

TEST(too_many_values_for_an_index)
{
    char values[4000] = "";
    for (int i = 0; i < 129; i++) sprintf(values + strlen(values), "%s%d", i ? "|" : "", i);
    lm_batch *out;
    CHECK_STATUS(cast_to(NULL, texts(values), "c: dictionary<int8, utf8>", &safe, &out), LM_DATA);
    CHECK_TEXT(error.message, "column c: more than 128 different values in one batch, too many for "
                              "an index of int8");
    CHECK_OK(cast_to(NULL, texts(values), "c: dictionary<uint8, int32>", &safe, &out), error);
    lm_array view = lm__batch_column(out, 0);
    CHECK_INT(view.dictionary->length, 129);
    lm__batch_unref(out);
}

int main(void)
{
    RUN(values_become_what_they_should);
    RUN(all_problems_are_told_together);
    RUN(nested_types_go_there_and_back);
    RUN(run_ends_are_decoded);
    RUN(every_allocation_may_fail);
    RUN(what_fits_is_shared);
    RUN(nulls_are_refused_where_none_may_be);
    RUN(the_row_is_the_tables);
    RUN(too_many_values_for_an_index);
    return DONE();
}
