/* Reading JSON lines (src/jsonl/read.c): what becomes of values, and what is refused. */
#define _GNU_SOURCE
#include <lamella/jsonl.h>

#include "arrow/batch.h"
#include "base/limits.h"
#include "check.h"
#include "check_alloc.h"

/* All that is read, as JSON lines again: "schema|lines", or "status message". */
static char *read_back(const char *text, size_t size, const lm_jsonl_read_options *options)
{
    static char out[1 << 20];
    lm_memory_source source;
    lm_memory_sink sink;
    struct ArrowArrayStream stream;
    lm_error error = {0};
    lm_memory_source_init(&source, text, size, "given");
    lm_status status = lm_jsonl_read_take(NULL, &source.source, options, &stream, &error);
    lm_memory_sink_init(&sink, NULL, sizeof out / 2);
    if (status == LM_OK) {
        lm_stream *rows;
        CHECK_INT(lm__stream_import_take(NULL, &stream, LM_VALIDATE_NONE, &rows, &error), LM_OK);
        size_t length = lm_schema_text(rows->schema, out, sizeof out / 2);
        out[length] = '|';
        CHECK_INT(lm__stream_export_take(NULL, rows, &stream, &error), LM_OK);
        status = lm_jsonl_write_take(NULL, &stream, &sink.sink, NULL, &error);
        CHECK(sink.size < sizeof out / 2 - length);
        if (sink.size) memcpy(out + length + 1, sink.data, sink.size);
        out[length + 1 + sink.size] = '\0';
    }
    if (status != LM_OK) snprintf(out, sizeof out, "%d %s", status, error.message);
    lm_memory_sink_deinit(&sink);
    return out;
}

static char *as_guessed(const char *text)
{
    lm_jsonl_read_options options = {.threads = 1};
    return read_back(text, strlen(text), &options);
}

/* With a schema; only the lines. */
static char *as_schema(const char *schema_text, const char *text)
{
    lm_error error = {0};
    lm_jsonl_read_options options = {.threads = 1};
    CHECK_INT(lm_schema_parse(NULL, schema_text, strlen(schema_text), &options.schema, &error),
              LM_OK);
    char *out = read_back(text, strlen(text), &options), *bar = strchr(out, '|');
    lm_schema_free(options.schema);
    return bar ? bar + 1 : out;
}

TEST(types_are_guessed)
{
    CHECK_TEXT(as_guessed("{\"a\":1,\"b\":\"x\"}\n{\"b\":null,\"c\":true}\n"),
               "a: int64\nb: utf8\nc: bool\n|{\"a\":1,\"b\":\"x\",\"c\":null}\n"
               "{\"a\":null,\"b\":null,\"c\":true}\n");
    CHECK_TEXT(as_guessed("{\"a\":1}\n{\"a\":\"NaN\"}\n{\"a\":-1e3}"),
               "a: float64\n|{\"a\":1.0}\n{\"a\":\"NaN\"}\n{\"a\":-1000.0}\n");
    CHECK_TEXT(as_guessed("{\"a\":\"NaN\"}\n{\"a\":\"x\"}\n"),
               "a: utf8\n|{\"a\":\"NaN\"}\n{\"a\":\"x\"}\n");
    CHECK_TEXT(as_guessed("{\"a\":9223372036854775808}\n"),
               "a: float64\n|{\"a\":9.223372036854776e+18}\n");
    CHECK_TEXT(as_guessed("{\"a\":9007199254740993}\n{\"a\":1}\n"),
               "a: int64\n|{\"a\":9007199254740993}\n{\"a\":1}\n");
    CHECK(strstr(as_guessed("{\"a\":1.5}\n{\"a\":-9007199254740993}\n"),
                 "line 2: column a: a whole number that float64 would round"));
    CHECK(strstr(as_guessed("{\"a\":12345678901234567890}\n"), "line 1: column a: a whole"));
    CHECK_TEXT(as_guessed("{\"a\":[]}\n{\"a\":[{\"x\":[1]},null]}\n{\"a\":null}"),
               "a: list<item: struct<x: list<item: int64>>>\n|{\"a\":[]}\n"
               "{\"a\":[{\"x\":[1]},null]}\n{\"a\":null}\n");
    CHECK_TEXT(as_guessed("{\"a\":null}"), "a: null\n|{\"a\":null}\n");
    CHECK_TEXT(as_guessed(""), "|");
    CHECK_TEXT(as_guessed("\n \r\n"), "|");
    CHECK_TEXT(as_guessed("\xef\xbb\xbf {\"a\" : 1 } \r\n\n\t{\"a\":2}"),
               "a: int64\n|{\"a\":1}\n{\"a\":2}\n");
    CHECK_TEXT(as_guessed("{}\n{}\n"), "|{}\n{}\n");
}

/* Reads all of it; what went wrong, or "". */
static const char *failure_of(const char *text, const lm_jsonl_read_options *options)
{
    static lm_error error;
    struct ArrowArrayStream stream;
    lm_memory_source source;
    lm_stream *rows;
    lm_batch *batch = NULL;
    lm_error_clear(&error);
    lm_memory_source_init(&source, text, strlen(text), "given");
    lm_status status = lm_jsonl_read_take(NULL, &source.source, options, &stream, &error);
    if (status != LM_OK) return error.message;
    CHECK_INT(lm__stream_import_take(NULL, &stream, LM_VALIDATE_NONE, &rows, &error), LM_OK);
    while ((status = lm__stream_next(rows, &batch, &error)) == LM_OK && batch)
        lm__batch_unref(batch);
    lm__stream_close(rows);
    return status == LM_OK ? "" : error.message;
}

/* 5 MB of floats, then a whole number, far behind what the types are guessed by. */
TEST(whole_numbers_behind_the_guess_are_not_rounded)
{
    enum { LINES = 500000, BYTES = 11 };
    const char *why = "line 500001: column a: a whole number that float64 would round";
    const char *types = "a: float64";
    char *text = malloc(LINES * BYTES + 64), *last = text + (size_t)LINES * BYTES;
    lm_jsonl_read_options options = {.threads = 1};
    lm_error error = {0};
    for (size_t i = 0; i < LINES; i++) memcpy(text + i * BYTES, "{\"a\":0.25}\n", BYTES);
    strcpy(last, "{\"a\":9007199254740993}");
    CHECK(strstr(failure_of(text, &options), why));
    CHECK_INT(lm_schema_parse(NULL, types, strlen(types), &options.types, &error), LM_OK);
    CHECK_TEXT(failure_of(text, &options), "");
    strcpy(last, "{\"a\":9007199254740994}");
    lm_schema_free(options.types);
    options.types = NULL;
    CHECK_TEXT(failure_of(text, &options), "");
    free(text);
}

TEST(types_that_are_given_go_before_those_that_are_guessed)
{
    const char *types = "d: decimal128(20, 2) not null, t: utf8, gone: int64";
    lm_error error = {0};
    lm_jsonl_read_options options = {.threads = 1};
    CHECK_INT(lm_schema_parse(NULL, types, strlen(types), &options.types, &error), LM_OK);
    const char *text = "{\"a\":1,\"d\":1.5}\n{\"t\":1.50,\"d\":null}\n";
    CHECK_TEXT(read_back(text, strlen(text), &options),
               "a: int64\nd: decimal128(20, 2)\nt: utf8\n|{\"a\":1,\"d\":1.50,\"t\":null}\n"
               "{\"a\":null,\"d\":null,\"t\":\"1.50\"}\n");
    lm_schema_free(options.types);
}

TEST(strings_are_unescaped)
{
    CHECK_TEXT(
        as_guessed("{\"a\":\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u00e9\\u20ac\\ud83d\\ude00 z\"}"),
        "a: utf8\n|{\"a\":\"\\\"\\\\/\\b\\f\\n\\r\\t\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80 z\"}\n");
    CHECK_TEXT(as_guessed("{\"\\u0061\":1}\n{\"a\":2}\n"), "a: int64\n|{\"a\":1}\n{\"a\":2}\n");
}

TEST(every_type_is_read_as_it_is_written)
{
    static const struct {
        const char *type, *in, *out; /* out NULL: as in */
    } rows[] = {
        {"int8", "-128", NULL},
        {"uint8", "255", NULL},
        {"int64", "-9223372036854775808", NULL},
        {"uint64", "18446744073709551615", NULL},
        {"float64", "0.1", NULL},
        {"float64", "5", "5.0"},
        {"float64", "\"-Infinity\"", NULL},
        {"float32", "0.1", NULL},
        {"float16", "0.5", NULL},
        {"float32", "\"NaN\"", NULL},
        {"decimal128(20, 2)", "123456789012345678.50", NULL},
        {"decimal128(20, 2)", "\"-1.5\"", "-1.50"},
        {"decimal256(76, 0)",
         "1234567890123456789012345678901234567890123456789012345678901234567890123456", NULL},
        {"bool", "false", NULL},
        {"utf8", "\"x\"", NULL},
        {"utf8", "12.50", "\"12.50\""},
        {"utf8", "{\"k\": [1, null]}", "\"{\\\"k\\\": [1, null]}\""},
        {"large_utf8", "\"x\"", NULL},
        {"utf8_view", "\"a text that is longer than twelve\"", NULL},
        {"binary", "\"\"", NULL},
        {"binary", "\"YQ==\"", NULL},
        {"binary", "\"YWI\"", "\"YWI=\""},
        {"binary", "\"YWJj\"", NULL},
        {"fixed_binary[2]", "\"-_A=\"", "\"+/A=\""},
        {"date32", "\"2026-11-21\"", NULL},
        {"date64", "\"0001-01-01\"", NULL},
        {"time32[s]", "\"12:34:56\"", NULL},
        {"time64[ns]", "\"12:34:56.000000789\"", NULL},
        {"timestamp[us]", "\"2026-11-21T02:43:06.123456\"", NULL},
        {"timestamp[ms, Europe/Oslo]", "\"2026-11-21T02:43:06.123+01:00\"",
         "\"2026-11-21T01:43:06.123Z\""},
        {"duration[ms]", "\"PT-90.5S\"", NULL},
        {"duration[s]", "\"P1DT1H1M1S\"", "\"PT90061S\""},
        {"interval_months", "\"P1Y2M\"", "\"P14M\""},
        {"interval_day_time", "\"P-2DT0.5S\"", NULL},
        {"interval_month_day_nano", "\"P1M-2DT0.000000001S\"", NULL},
        {"list<item: int8>", "[1,null]", NULL},
        {"large_list<item: utf8>", "[]", NULL},
        {"list_view<item: int8>", "[1,2]", NULL},
        {"fixed_list<item: int8>[2]", "[1,2]", NULL},
        {"struct<x: int8, y: utf8>", "{\"y\":\"q\",\"x\":1}", "{\"x\":1,\"y\":\"q\"}"},
        {"struct<x: int8>", "{\"z\":[{}],\"x\":1}", "{\"x\":1}"},
        {"map<key: utf8 not null, value: int8>", "{\"k\":1,\"l\":null}", NULL},
        {"map<key: int32 not null, value: int8>", "{\"5\":1}", NULL},
        {"map<key: bool not null, value: int8>", "{\"true\":1}", NULL},
        {"map<key: utf8 not null, value: int8>", "[{\"key\":\"k\",\"value\":1}]", "{\"k\":1}"},
        {"dictionary<int8, utf8>", "\"v\"", NULL},
        {"null", "null", NULL},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char schema[256], in[512], out[512];
        snprintf(schema, sizeof schema, "a: %s", rows[i].type);
        snprintf(in, sizeof in, "{\"a\":%s}\n{\"a\":null}\n", rows[i].in);
        snprintf(out, sizeof out, "{\"a\":%s}\n{\"a\":null}\n",
                 rows[i].out ? rows[i].out : rows[i].in);
        CHECK_TEXT(as_schema(schema, in), out);
    }
}

TEST(what_does_not_fit_is_told_with_line_and_column)
{
    static const struct {
        const char *schema, *text, *message;
    } rows[] = {
        {"a: int8", "{\"a\":1}\n\n{\"a\":128}", "line 3: column a: it is outside the range"},
        {"a: uint8", "{\"a\":-1}", "line 1: column a: "},
        {"a: int64", "{\"a\":1.0}", "line 1: column a: no integer, where the column is int64"},
        {"a: int64", "{\"a\":\"1\"}", "a string"},
        {"a: utf8 not null", "{\"a\":null}", "not null"},
        {"a: utf8 not null", "{\"b\":1}", "not null"},
        {"a: bool", "{\"a\":1}", "a number"},
        {"a: float64", "{\"a\":1e999}", "outside the range"},
        {"a: float64", "{\"a\":\"x\"}", "a string"},
        {"a: decimal128(3, 1)", "{\"a\":1.25}", "more digits"},
        {"a: decimal128(3, 1)", "{\"a\":100}", "more digits"},
        {"a: binary", "{\"a\":\"a\"}", "no base64"},
        {"a: fixed_binary[2]", "{\"a\":\"YQ==\"}", "as many bytes"},
        {"a: date32", "{\"a\":\"2026-02-30\"}", "no ISO 8601"},
        {"a: timestamp[s]", "{\"a\":\"2026-01-01T00:00:00Z\"}", "with a zone"},
        {"a: timestamp[s, UTC]", "{\"a\":\"2026-01-01T00:00:00\"}", "without a zone"},
        {"a: duration[s]", "{\"a\":\"P1M\"}", "no ISO 8601 duration"},
        {"a: duration[s]", "{\"a\":\"PT0.5S\"}", "no ISO 8601 duration"},
        {"a: duration[s]", "{\"a\":\"PT99999999999999999999S\"}", "no ISO 8601 duration"},
        {"a: fixed_list<item: int8>[2]", "{\"a\":[1]}", "another length"},
        {"a: struct<b: struct<c: int8>>", "{\"a\":{\"b\":{\"c\":[]}}}", "column a.b.c: an array"},
        {"a: list<item: int8>", "{\"a\":{}}", "an object"},
        {"a: map<key: int8 not null, value: int8>", "{\"a\":{\"x\":1}}",
         "column a.key: no integer"},
        {"a: int8", "{\"a\":1,\"a\":2}", "twice"},
        {"a: int8", "{\"a\":01}", "needless zeros"},
        {"a: int8", "{\"a\":1", "',' or '}' is expected"},
        {"a: int8", "{\"a\" 1}", "':' is expected"},
        {"a: int8", "{a:1}", "a name is expected"},
        {"a: int8", "{\"a\":1}{\"a\":2}", "something follows"},
        {"a: int8", "{\"a\":}", "no value"},
        {"a: int8", "{\"a\":+1}", "no value"},
        {"a: int8", "{\"a\":NaN}", "no value"},
        {"a: int8", "[1]", "no object"},
        {"a: utf8", "{\"a\":\"\\x\"}", "no such escape"},
        {"a: utf8", "{\"a\":\"\\ud800\"}", "half of a surrogate"},
        {"a: utf8", "{\"a\":\"\\u12g4\"}", "four digits"},
        {"a: utf8", "{\"a\":\"x", "without an end"},
        {"a: utf8", "{\"a\":\"x\ty\"}", "control character"},
        {"a: utf8", "{\"a\":\"x\"}\n{\"a\":\"\xff\"}", "line 2: a byte that is no UTF-8"},
        {"a: utf8", "{\"a\":[1,}", "no value"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const char *told = as_schema(rows[i].schema, rows[i].text);
        if (!strstr(told, rows[i].message) || strncmp(told, "12 given: line ", 15) != 0)
            check_fail(__FILE__, __LINE__, "%s: %s", rows[i].text, told);
    }
    CHECK(strstr(as_guessed("{\"a\":1}\n{\"a\":[\"x\"]}"),
                 "line 2: column a: an array here, and a number in line 1"));
    CHECK(strstr(as_guessed("{\"a\":{\"b\":1}}\n{\"a\":{\"b\":\"x\"}}"), "column a.b"));
    CHECK(strstr(as_guessed("[{\"a\":1}]"), "one a line"));
    CHECK(strstr(as_guessed("{\"a\\u0000\":1}"), "a NUL in a name"));
}

TEST(nesting_has_a_limit)
{
    char text[4096] = "{\"a\":";
    memset(text + 5, '[', 3000);
    CHECK(strstr(as_guessed(text), "nested too deeply") != NULL);
    CHECK(strstr(as_schema("a: utf8", text), "nested too deeply") != NULL);
}

/* Blocks. */

typedef struct trickle {
    const char *text;
    size_t size, at, step;
    int closed;
} trickle;

static lm_status trickle_read(void *context, void *buffer, size_t size, size_t *got,
                              lm_error *error)
{
    trickle *t = context;
    (void)error;
    *got = t->size - t->at < t->step ? t->size - t->at : t->step;
    if (*got > size) *got = size;
    memcpy(buffer, t->text + t->at, *got);
    t->at += *got;
    return LM_OK;
}

static void trickle_close(void *context) { ((trickle *)context)->closed++; }

static int64_t count_rows(struct ArrowArrayStream *stream, int64_t *sum, lm_status *status,
                          lm_error *error)
{
    lm_stream *rows;
    lm_batch *batch;
    int64_t count = 0;
    *sum = 0;
    if ((*status = lm__stream_import_take(NULL, stream, LM_VALIDATE_NONE, &rows, error)) != LM_OK)
        return 0;
    while ((*status = lm__stream_next(rows, &batch, error)) == LM_OK && batch) {
        lm_array id = lm__batch_column(batch, 0);
        for (int64_t i = 0; i < id.length; i++)
            *sum += ((const int64_t *)lm__array_fixed(&id))[i] * (count + i + 1);
        count += id.length;
        lm__batch_unref(batch);
    }
    lm__stream_close(rows);
    return count;
}

#define MANY 300000

TEST(blocks_are_cut_at_lines)
{
    size_t size = 0, room = (size_t)MANY * 64 + 2 * LM_JSONL_BLOCK_BYTES;
    char *text = malloc(room);
    int64_t sum, want = 0;
    REQUIRE(text != NULL);
    for (int64_t i = 0; i < MANY; i++) {
        size += (size_t)sprintf(text + size, "{\"id\":%" PRId64 ",\"t\":\"%.*s\"}\n", i,
                                (int)(i % 30), "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxx");
        want += i * (i + 1);
        if (i == 1000) { /* a line that is longer than a block */
            size += (size_t)sprintf(text + size - 4, "\"");
            memset(text + size - 5, 'y', LM_JSONL_BLOCK_BYTES + 10);
            size += LM_JSONL_BLOCK_BYTES + 5;
            size += (size_t)sprintf(text + size, "\"}\n");
        }
    }
    for (int threads = 1; threads <= 4; threads++)
        for (int kind = 0; kind < 3; kind++) {
            lm_jsonl_read_options options = {.threads = threads};
            struct ArrowArrayStream stream;
            lm_status status;
            lm_error error = {0};
            trickle t = {text, size, 0, kind == 1 ? 99999 : size, 0};
            lm_feed feed = {trickle_read, trickle_close, &t, "fed"};
            lm_memory_source source;
            lm_memory_source_init(&source, text, size, "given");
            status = kind ? lm_jsonl_feed_take(NULL, &feed, &options, &stream, &error)
                          : lm_jsonl_read_take(NULL, &source.source, &options, &stream, &error);
            CHECK_TEXT(error.message, "");
            if (status != LM_OK) continue;
            CHECK_INT(count_rows(&stream, &sum, &status, &error), MANY);
            CHECK_TEXT(error.message, "");
            CHECK_INT(sum, want);
            CHECK_INT(t.closed, kind > 0);
        }
    /* An error far behind has its line's number; the rows before it have been given. */
    lm_jsonl_read_options options = {.threads = 3};
    struct ArrowArrayStream stream;
    lm_status status;
    lm_error error = {0};
    lm_memory_source source;
    text[size - 2] = '!';
    lm_memory_source_init(&source, text, size, "given");
    REQUIRE(lm_jsonl_read_take(NULL, &source.source, &options, &stream, &error) == LM_OK);
    CHECK(count_rows(&stream, &sum, &status, &error) > 0);
    CHECK_INT(status, LM_DATA);
    CHECK(strstr(error.message, "given: line 300000: ") != NULL);
    /* And a line past the limit. */
    options.line_bytes_max = LM_MIB;
    lm_memory_source_init(&source, text, size, "given");
    status = lm_jsonl_read_take(NULL, &source.source, &options, &stream, &error);
    if (status == LM_OK) (void)count_rows(&stream, &sum, &status, &error);
    CHECK_INT(status, LM_LIMIT);
    CHECK(strstr(error.message, "line 100") != NULL);
    free(text);
}

/* gzip of two lines. */
static const uint8_t packed[] = {0x1f, 0x8b, 0x08, 0x00, 0x00, 0x00, 0x00, 0x00, 0x02, 0xff, 0xab,
                                 0x56, 0x4a, 0x54, 0xb2, 0x32, 0xac, 0xe5, 0xaa, 0x06, 0xd1, 0x46,
                                 0xb5, 0x5c, 0x00, 0x66, 0xc0, 0x5a, 0x19, 0x10, 0x00, 0x00, 0x00};

TEST(what_is_packed_is_unpacked)
{
    lm_jsonl_read_options options = {.threads = 1};
    CHECK_TEXT(read_back((const char *)packed, sizeof packed, &options),
               "a: int64\n|{\"a\":1}\n{\"a\":2}\n");
    for (size_t cut = 4; cut < sizeof packed; cut++) {
        const char *told = read_back((const char *)packed, cut, &options);
        if (strncmp(told, "13 given: ", 10) != 0) check_fail(__FILE__, __LINE__, "%s", told);
    }
}

TEST(names_that_come_late_are_refused)
{
    size_t size = LM_JSONL_BLOCK_BYTES + 100;
    char *text = malloc(size + 64);
    REQUIRE(text != NULL);
    memset(text, '\n', size);
    memcpy(text, "{\"a\":1}", 7);
    size += (size_t)sprintf(text + size, "{\"a\":1,\"late\":2}\n");
    lm_jsonl_read_options options = {.threads = 1};
    CHECK(strstr(read_back(text, size, &options), "'late' is no column") != NULL);
    CHECK_INT(lm_schema_parse(NULL, "a: int64", 8, &options.schema, NULL), LM_OK);
    CHECK_TEXT(read_back(text, size, &options), "a: int64\n|{\"a\":1}\n{\"a\":1}\n");
    options.schema_guessed = true;
    CHECK(strstr(read_back(text, size, &options), "'late' is no column") != NULL);
    lm_schema_free(options.schema);
    free(text);
}

static lm_status read_all(check_alloc *memory, bool fed, bool unpacked)
{
    static const char text[] =
        "{\"a\":1,\"b\":[{\"c\":\"x\\n\"}],\"d\":\"text\"}\n{\"a\":2.5,\"b\":null}\n"
        "{\"d\":\"more\"}";
    lm_jsonl_read_options options = {.threads = 1};
    struct ArrowArrayStream stream;
    lm_memory_source source;
    const char *bytes = unpacked ? text : (const char *)packed;
    size_t size = unpacked ? sizeof text - 1 : sizeof packed;
    trickle t = {bytes, size, 0, 7, 0};
    lm_feed feed = {trickle_read, trickle_close, &t, "fed"};
    lm_memory_source_init(&source, bytes, size, "given");
    lm_status status =
        fed ? lm_jsonl_feed_take(&memory->allocator, &feed, &options, &stream, NULL)
            : lm_jsonl_read_take(&memory->allocator, &source.source, &options, &stream, NULL);
    if (fed && status != LM_OK) CHECK_INT(t.closed, 1);
    if (status != LM_OK) return status;
    lm_stream *rows;
    lm_batch *batch;
    status = lm__stream_import_take(&memory->allocator, &stream, LM_VALIDATE_NONE, &rows, NULL);
    if (status != LM_OK) return status;
    while ((status = lm__stream_next(rows, &batch, NULL)) == LM_OK && batch) lm__batch_unref(batch);
    lm__stream_close(rows);
    return status;
}

TEST(every_allocation_may_fail)
{
    for (int fed = 0; fed < 4; fed++)
        for (size_t n = 0;; n++) {
            check_alloc memory;
            check_alloc_init(&memory, n);
            lm_status status = read_all(&memory, fed & 1, fed & 2);
            CHECK_INT(memory.live, 0);
            CHECK_INT(status, memory.failed ? LM_NO_MEMORY : LM_OK);
            if (!memory.failed || status != LM_NO_MEMORY) break;
        }
}

int main(void)
{
    RUN(types_are_guessed);
    RUN(whole_numbers_behind_the_guess_are_not_rounded);
    RUN(types_that_are_given_go_before_those_that_are_guessed);
    RUN(strings_are_unescaped);
    RUN(every_type_is_read_as_it_is_written);
    RUN(what_does_not_fit_is_told_with_line_and_column);
    RUN(nesting_has_a_limit);
    RUN(blocks_are_cut_at_lines);
    RUN(what_is_packed_is_unpacked);
    RUN(names_that_come_late_are_refused);
    RUN(every_allocation_may_fail);
    return DONE();
}
