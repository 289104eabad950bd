/* What each value becomes (xlsx/cell.h 1 to 3, docs/xlsx.md). */
#include <math.h>

#include "arrow/build.h"
#include "check.h"
#include "xlsx/workbook.h"

static lm_error error;

/* Appends one value to the builder. */
typedef void append(lm_builder *builder, const void *value);

static void append_int(lm_builder *builder, const void *value)
{
    lm__build_int(builder, *(const int64_t *)value);
}
static void append_double(lm_builder *builder, const void *value)
{
    lm__build_f64(builder, *(const double *)value);
}
static void append_float(lm_builder *builder, const void *value)
{
    lm__build_f32(builder, *(const float *)value);
}
static void append_fixed(lm_builder *builder, const void *value)
{
    lm__build_fixed(builder, value);
}
static void append_text(lm_builder *builder, const void *value)
{
    CHECK_INT(lm__build_bytes(builder, value, strlen(value)), LM_OK);
}

/* "n 1.5", "t abc", "b 1", "e #NUM!", "" for blank, or the error's message. */
static const char *shown(const char *type, append *add, const void *value,
                         const lm_xlsx_sheet_options *options)
{
    static char text[80000];
    static const char kinds[] = " ntbe";
    static const lm_xlsx_sheet_options standard;
    char schema_text[100];
    lm_schema *schema = NULL;
    lm_builder builder;
    lm_batch *batch = NULL;
    lm_memory_sink sink;
    lm_xlsx_writer *writer = NULL;
    lm_sheet_plan plan;
    lm_arena arena;
    lm_buffer scratch;
    lm_cell cell;
    int size = snprintf(schema_text, sizeof schema_text, "v: %s", type);
    text[0] = '\0';
    lm__arena_init(&arena, NULL, 0);
    lm__buffer_init(&scratch, NULL, 0);
    lm_memory_sink_init(&sink, NULL, 1000);
    CHECK_OK(lm_schema_parse(NULL, schema_text, (size_t)size, &schema, &error), error);
    CHECK_OK(lm__builder_init(&builder, NULL, &schema->root, &error), error);
    CHECK_INT(lm__builder_reserve(&builder.children[0], 1), LM_OK);
    add(&builder.children[0], value);
    CHECK_OK(lm__builder_finish(&builder, schema, &batch, &error), error);
    CHECK_OK(lm_xlsx_writer_open(&sink.sink, NULL, &writer, &error), error);
    lm_status status =
        lm__sheet_plan_make(writer, &arena, schema, options ? options : &standard, &plan, &error);
    if (status == LM_OK) {
        lm_array array = lm__batch_column(batch, 0);
        status = lm__cell_make(&plan.columns[0], &array, 0, &scratch, &cell, &error);
    }
    if (status != LM_OK)
        snprintf(text, sizeof text, "%s: %s", lm_status_name(status), error.message);
    else if (cell.kind != LM_CELL_BLANK)
        snprintf(text, sizeof text, "%c %.*s", kinds[cell.kind], (int)cell.size,
                 (const char *)cell.text);
    lm_xlsx_writer_abort(writer);
    lm__batch_unref(batch);
    lm__builder_deinit(&builder);
    lm_schema_free(schema);
    lm_memory_sink_deinit(&sink);
    lm__buffer_deinit(&scratch);
    lm__arena_deinit(&arena);
    return text;
}

static const char *integer(const char *type, int64_t value)
{
    return shown(type, append_int, &value, NULL);
}

TEST(integers)
{
    CHECK_TEXT(integer("int8", -128), "n -128");
    CHECK_TEXT(integer("uint8", 255), "n 255");
    CHECK_TEXT(integer("int64", (int64_t)1 << 53), "n 9007199254740992");
    CHECK_TEXT(integer("int64", ((int64_t)1 << 53) + 1), "t 9007199254740993");
    CHECK_TEXT(integer("int64", INT64_MIN), "t -9223372036854775808");
    CHECK_TEXT(integer("uint64", -1), "t 18446744073709551615");
    lm_xlsx_sheet_options number = {.exact = LM_XLSX_EXACT_NUMBER};
    lm_xlsx_sheet_options text = {.exact = LM_XLSX_EXACT_TEXT};
    int64_t value = -1;
    CHECK_TEXT(shown("uint64", append_int, &value, &number), "n 18446744073709551615");
    CHECK_TEXT(shown("int64", append_int, &value, &text), "t -1");
    CHECK_TEXT(shown("int32", append_int, &value, &text), "n -1");
}

TEST(floats)
{
    double value = 0.1;
    CHECK_TEXT(shown("float64", append_double, &value, NULL), "n 0.1");
    value = 5e-324;
    CHECK_TEXT(shown("float64", append_double, &value, NULL), "n 5e-324");
    value = NAN;
    CHECK_TEXT(shown("float64", append_double, &value, NULL), "");
    value = -INFINITY;
    CHECK_TEXT(shown("float64", append_double, &value, NULL), "t -inf");
    lm_xlsx_sheet_options mistake = {.nonfinite = LM_XLSX_NONFINITE_ERROR};
    lm_xlsx_sheet_options refuse = {.nonfinite = LM_XLSX_NONFINITE_REFUSE};
    CHECK_TEXT(shown("float64", append_double, &value, &mistake), "e #DIV/0!");
    CHECK_TEXT(shown("float64", append_double, &value, &refuse),
               "LM_DATA: -inf, which no cell can hold as a number");
    value = NAN;
    CHECK_TEXT(shown("float64", append_double, &value, &mistake), "e #NUM!");
    float single = 0.1f;
    CHECK_TEXT(shown("float32", append_float, &single, NULL), "n 0.1");
    uint16_t half = 0x3e00;
    CHECK_TEXT(shown("float16", append_fixed, &half, NULL), "n 1.5");
}

TEST(decimals)
{
    __int128 value = -1230;
    CHECK_TEXT(shown("decimal128(10, 2)", append_fixed, &value, NULL), "n -12.30");
    value = 123456789012345; /* 15 digits, and 16 */
    CHECK_TEXT(shown("decimal128(38, 20)", append_fixed, &value, NULL), "n 0.00000123456789012345");
    value = 1234567890123456;
    CHECK_TEXT(shown("decimal128(38, 2)", append_fixed, &value, NULL), "t 12345678901234.56");
    lm_xlsx_sheet_options number = {.exact = LM_XLSX_EXACT_NUMBER};
    CHECK_TEXT(shown("decimal128(38, 2)", append_fixed, &value, &number), "n 12345678901234.56");
}

/* The 29th of February 1900 that never was has the number 60. */
TEST(dates)
{
    CHECK_TEXT(integer("date32", 0), "n 25569");
    CHECK_TEXT(integer("date32", -25508), "n 61"); /* 1900-03-01 */
    CHECK_TEXT(integer("date32", -25509), "n 59");
    CHECK_TEXT(integer("date32", -25567), "n 1"); /* 1900-01-01 */
    CHECK_TEXT(integer("date32", -25568), "t 1899-12-31");
    CHECK_TEXT(integer("date32", 2932896), "n 2958465"); /* 9999-12-31 */
    CHECK_TEXT(integer("date32", 2932897), "t +10000-01-01");
    CHECK_TEXT(integer("date64", 86400000), "n 25570");
    CHECK_TEXT(integer("date64", -1), "n 25568");
}

TEST(times)
{
    CHECK_TEXT(integer("timestamp[s]", 43200), "n 25569.5");
    CHECK_TEXT(integer("timestamp[us]", -1000000), "n 25568.999988425927");
    CHECK_TEXT(integer("timestamp[ns, Europe/Oslo]", 0), "n 25569");
    CHECK_TEXT(integer("timestamp[s]", -3000000000), "t 1874-12-07T18:40:00");
    CHECK_TEXT(integer("timestamp[ms, UTC]", -2209161600001), "t 1899-12-29T23:59:59.999Z");
    CHECK_TEXT(integer("time32[s]", 21600), "n 0.25");
    CHECK_TEXT(integer("time64[ns]", 0), "n 0.0");
    CHECK_TEXT(integer("duration[ms]", 129600000), "n 1.5");
    CHECK_TEXT(integer("duration[s]", -86400), "n -1.0");
}

TEST(text_and_bytes)
{
    static char text[40000];
    CHECK_TEXT(shown("utf8", append_text, "=SUM(A1)", NULL), "t =SUM(A1)");
    CHECK_TEXT(shown("large_utf8", append_text, "http://a.b", NULL), "t http://a.b");
    CHECK_TEXT(shown("utf8_view", append_text, "longer than twelve", NULL), "t longer than twelve");
    memset(text, 'x', 32768);
    CHECK_TEXT(shown("utf8", append_text, text, NULL),
               "LM_DATA: a text of 32768 characters, and a cell holds 32767; have such texts cut, "
               "or leave the column out");
    lm_xlsx_sheet_options cut = {.cut = true};
    CHECK_INT(strlen(shown("utf8", append_text, text, &cut)), 2 + 32767);
    text[32767] = '\0';
    CHECK_INT(strlen(shown("utf8", append_text, text, NULL)), 2 + 32767);
    lm_xlsx_sheet_options base64 = {.binary = LM_XLSX_BINARY_BASE64};
    lm_xlsx_sheet_options refuse = {.binary = LM_XLSX_BINARY_REFUSE};
    CHECK_TEXT(shown("binary", append_text, "ab\x01", NULL), "t 616201");
    CHECK_TEXT(shown("binary", append_text, "", NULL), "t ");
    CHECK_TEXT(shown("binary", append_text, "foobar", &base64), "t Zm9vYmFy");
    CHECK_TEXT(shown("binary", append_text, "foob", &base64), "t Zm9vYg==");
    CHECK_TEXT(shown("binary", append_text, "fooba", &base64), "t Zm9vYmE=");
    CHECK_TEXT(shown("binary", append_text, "a", &refuse),
               "LM_SCHEMA: column v: it is binary, which is to be refused");
    CHECK_TEXT(
        shown("extension<arrow.uuid: fixed_binary[16]>", append_fixed, "0123456789abcdef", NULL),
        "t 30313233-3435-3637-3839-616263646566");
}

int main(void)
{
    RUN(integers);
    RUN(floats);
    RUN(decimals);
    RUN(dates);
    RUN(times);
    RUN(text_and_bytes);
    return DONE();
}
