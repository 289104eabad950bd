/* Writing CSV, byte for byte: quotes, every type, formats, failures (cells.h, write.c). */
#include <lamella/csv.h>

#include "../check_alloc.h"
#include "csv/table.h"

#include "codec/codec.h"
#include "csv/zone.h"

static lm_error error;

/* Terminated; the caller frees it. NULL when it fails. */
static char *written(const char *schema, const char *rows, int turns,
                     const lm_csv_write_options *options, size_t *size)
{
    lm_memory_sink sink;
    struct ArrowArrayStream stream;
    char *text = NULL;
    lm_error_clear(&error);
    lm_memory_sink_init(&sink, NULL, (size_t)1 << 30);
    table_stream_make(schema, rows, turns, &stream);
    lm_status status = lm_csv_write_stream(&sink.sink, &stream, options, NULL, &error);
    if (status == LM_OK) {
        text = calloc(1, sink.size + 1);
        if (sink.size) memcpy(text, sink.data, sink.size);
        if (size) *size = sink.size;
    }
    lm_memory_sink_deinit(&sink);
    return text;
}

static void check_at(int line, const char *schema, const char *rows,
                     const lm_csv_write_options *options, const char *want)
{
    char *text = written(schema, rows, 1, options, NULL);
    const char *got = text ? text : error.message;
    if (strcmp(got, want) != 0) check_fail(__FILE__, line, "wrote\n%s\nnot\n%s", got, want);
    free(text);
}
#define CHECK_CSV(schema, rows, want, ...)                                                         \
    check_at(__LINE__, schema, rows, &(lm_csv_write_options){__VA_ARGS__}, want)

TEST(text_is_quoted_where_it_must_be)
{
    CHECK_CSV("a: utf8, b: utf8", "x|y\n|~\n~|\na,b|c\"d\n",
              "a,b\nx,y\n\"\",\n,\"\"\n\"a,b\",\"c\"\"d\"\n", .threads = 1);
    CHECK_CSV("a: utf8", "a\rb\n", "a\n\"a\rb\"\n", .threads = 1);
    /* In every place of words of every length that are looked at together. */
    for (int size = 1; size < 70; size++)
        for (int at = 0; at < size; at++) {
            char row[80] = {0}, want[100];
            memset(row, 'x', (size_t)size);
            row[at] = ';';
            snprintf(want, sizeof want, "a\n\"%s\"\n", row);
            check_at(__LINE__, "a: utf8", row, &(lm_csv_write_options){.separator = ';'}, want);
            row[at] = ',';
            snprintf(want, sizeof want, "a\n%s\n", row);
            check_at(__LINE__, "a: utf8", row, &(lm_csv_write_options){.separator = ';'}, want);
        }
    CHECK_CSV("a: utf8, b: int32", "\xef\xbb\xbfx|1\n\xef\xbc\x81|2\n",
              "\"\xef\xbb\xbfx\",1\n\xef\xbc\x81,2\n", .no_header = true);
    CHECK_CSV("\"a,b\": int8, \"c\\\"\": int8", "1|2\n", "\"a,b\",\"c\"\"\"\n1,2\n", .threads = 2);
}

TEST(the_one_column_of_a_table_never_has_an_empty_line)
{
    CHECK_CSV("a: int32", "1\n~\n", "a\n1\n\"\"\n", .threads = 1);
    CHECK_CSV("a: int32", "1\n~\n", "a\n1\nNA\n", .null_text = "NA");
}

TEST(nulls_and_text_that_looks_like_them)
{
    CHECK_CSV("a: utf8, b: int32", "NA|~\n~|1\n|2\n", "a,b\n\"NA\",NA\nNA,1\n\"\",2\n",
              .null_text = "NA");
    CHECK_CSV("a: utf8", "x\n", "the text of nulls, 'a,b', would need quotes, and a null has none",
              .null_text = "a,b");
}

TEST(styles_of_quotes)
{
    const char *schema = "i: int32, s: utf8, b: bool, d: date32, f: float64, m: decimal128(5, 2)";
    const char *rows = "1|x|true|2026-11-21|0.5|1.25\n~|~|~|~|~|~\n";
    CHECK_CSV(schema, rows,
              "\"i\",\"s\",\"b\",\"d\",\"f\",\"m\"\n"
              "\"1\",\"x\",\"true\",\"2026-11-21\",\"0.5\",\"1.25\"\n,,,,,\n",
              .quoting = LM_CSV_QUOTE_ALL);
    CHECK_CSV(schema, rows,
              "\"i\",\"s\",\"b\",\"d\",\"f\",\"m\"\n1,\"x\",true,\"2026-11-21\",0.5,1.25\n,,,,,\n",
              .quoting = LM_CSV_QUOTE_NON_NUMERIC);
    CHECK_CSV("a: utf8, b: utf8", "x,y|\"z\\\n", "a,b\nx\\,y,\\\"z\\\\\n",
              .quoting = LM_CSV_QUOTE_NONE, .escape = '\\');
    CHECK_CSV("a: utf8, b: utf8", "x|y\nx,y|z\n",
              "row 1: column a: x,y needs quotes, and quoting is off: give an escape character, or "
              "let text be quoted",
              .quoting = LM_CSV_QUOTE_NONE);
    CHECK_CSV("a: utf8", "x\"y\\z\n", "a\n\"x\\\"y\\\\z\"\n", .escape = '\\');
    CHECK_CSV("a: utf8, b: utf8", "it's|a,b\n", "a;b\r\n'it''s';a,b\r\n", .quote = '\'',
              .separator = ';', .crlf = true);
    /* Numbers and times with a character that separates. */
    CHECK_CSV("f: float64, t: timestamp[s], i: int8", "1.5|2026-11-21T01:02:03|-7\n",
              "f-t-i\n1.5-\"2026-11-21 01:02:03\"-\"-7\"\n", .separator = '-');
    CHECK_CSV("t: timestamp[s], i: int8", "2026-11-21T01:02:03|7\n",
              "t:i\n\"2026-11-21 01:02:03\":7\n", .separator = ':');
}

TEST(every_type_of_number)
{
    CHECK_CSV("a: int8, b: uint8, c: int16, d: uint16, e: int32, f: uint32, g: int64, h: uint64",
              "-128|255|-32768|65535|-2147483648|4294967295|-9223372036854775808|"
              "18446744073709551615\n",
              "a,b,c,d,e,f,g,h\n-128,255,-32768,65535,-2147483648,4294967295,"
              "-9223372036854775808,18446744073709551615\n",
              .threads = 1);
    CHECK_CSV("a: float64, b: float32, c: float16",
              "0.1|0.1|0.5\n-0.0|-0.0|-0.0\nnan|inf|-inf\n1e300|3.4028235e38|65504\n"
              "12.5|1e-45|1\n1000000000000.01|1|2\n-3.99|1|2\n0.30000000000000004|1|2\n"
              "99999999999999.99|1|2\n",
              "a,b,c\n0.1,0.1,0.5\n-0.0,-0.0,-0.0\nnan,inf,-inf\n1e+300,3.4028235e+38,65504.0\n"
              "12.5,1e-45,1.0\n1000000000000.01,1.0,2.0\n-3.99,1.0,2.0\n"
              "0.30000000000000004,1.0,2.0\n99999999999999.98,1.0,2.0\n",
              .threads = 1);
    CHECK_CSV("a: float64, b: float32", "0.125|2.5\nnan|-1\n", "a,b\n0.12,2.50\nNaN,-1.00\n",
              .float_fixed = true, .float_places = 2, .nan_text = "NaN");
    CHECK_CSV(
        "a: decimal128(38, 10), b: decimal256(76, 0), c: decimal32(4, 2)",
        "-0.0000000001|"
        "9999999999999999999999999999999999999999999999999999999999999999999999999999|-12.30\n",
        "a,b,c\n-0.0000000001,"
        "9999999999999999999999999999999999999999999999999999999999999999999999999999,-12.30\n",
        .threads = 1);
    CHECK_CSV("a: bool, b: bool", "true|false\n", "a,b\nJa,Nein\n", .true_text = "Ja",
              .false_text = "Nein");
}

TEST(dates_and_times)
{
    CHECK_CSV(
        "a: date32, b: date64, c: time32[s], d: time64[us], e: timestamp[ns], f: timestamp[ms, "
        "UTC]",
        "1969-12-31|2026-02-28|23:59:59|12:34:56.000789|1969-12-31T23:59:59.999999999|"
        "2026-11-21T12:00:00.5Z\n-0044-03-15|+12345-01-01|00:00:00|00:00:00|"
        "2024-02-29T00:00:00|1900-01-01T00:00:00Z\n",
        "a,b,c,d,e,f\n"
        "1969-12-31,2026-02-28,23:59:59,12:34:56.000789,1969-12-31 23:59:59.999999999,"
        "2026-11-21 12:00:00.500Z\n-0044-03-15,+12345-01-01,00:00:00,00:00:00.000000,"
        "2024-02-29 00:00:00.000000000,1900-01-01 00:00:00.000Z\n",
        .threads = 1);
    CHECK_CSV("a: date32, b: time64[ns], c: timestamp[us, UTC], d: timestamp[s]",
              "2026-11-21|15:04:05.123456789|2026-12-31T23:30:00.25Z|2026-11-21T00:04:05\n",
              "a,b,c,d\n21.11.26 Sat 325,03:04 PM 123456789,\"Friday, 01 January 2027 "
              "01:30:00.250+0200\",\"Saturday, 21 November 2026 00:04:05.000\"\n",
              .date_format = "%d.%m.%y %a %j", .time_format = "%I:%M %p %9f",
              .timestamp_format = "%A, %d %B %Y %T.%3f%z", .timezone = "+02:00");
    CHECK_CSV("c: timestamp[us, UTC], d: int8", "2026-01-01T00:30:00Z|1\n",
              "c,d\n2025-12-31 23:00:00.000000-01:30,1\n", .timezone = "-01:30");
    CHECK_CSV("c: date32", "2026-01-01\n",
              "%d %Q: '%Q' is not known in this format (docs/csv.md lists what is)",
              .date_format = "%d %Q");
    CHECK_CSV("c: date32", "2026-01-01\n",
              "%H: '%H' is not known in this format (docs/csv.md lists what is)",
              .date_format = "%H");
}

/* What a file of the system says: its bytes by hand, one change and rules behind it. */
static size_t zone_file(uint8_t *file, const char *rules)
{
    static const uint8_t types[] = {0, 0, 0x0c, 0x88, 0, 0,
                                    0, 0, 0x0e, 0x10, 0, 0}; /* 3208, 3600 */
    uint8_t *at = file;
    for (int block = 1; block <= 2; block++) {
        memset(at, 0, 44);
        memcpy(at, "TZif2", 5);
        at[43] = 4; /* characters */
        at[39] = 2; /* types */
        at[35] = block == 2;
        at += 44;
        if (block == 2) {
            memcpy(at, "\0\0\0\0\0\0\0\x64\1", 9); /* second 100: the second type */
            at += 9;
        }
        memcpy(at, types, sizeof types);
        memcpy(at + sizeof types, "LMT", 4);
        at += sizeof types + 4;
    }
    return (size_t)(at - file) + (size_t)sprintf((char *)at, "\n%s\n", rules);
}

static int zone_offset(const lm_csv_zone *zone, int64_t second)
{
    lm_csv_zone_span span = {0};
    int offset = lm__csv_zone_offset(zone, second, &span);
    CHECK(span.from <= second && second < span.until);
    return offset;
}

TEST(zones_are_read_from_their_files)
{
    static const char *const bad[] = {
        "C-1",    "CET", "CET-1CEST", "CET-1CEST,M13.1.0,J1", "CET-1CEST,M3.5.0,M10.5.0/",
        "CET-1x", "<-1", "CET-999"};
    uint8_t file[512];
    const lm_csv_zone *zone;
    lm_arena arena;
    lm__arena_init(&arena, NULL, 0);
    size_t size = zone_file(file, "CET-1CEST,M3.5.0,M10.5.0/3");
    CHECK_STATUS(lm__csv_zone_parse(&arena, "x", file, size, &zone, &error), LM_OK);
    CHECK_INT(zone_offset(zone, 99), 3180); /* zone.h, invariant 1 */
    CHECK_INT(zone_offset(zone, 100), 3600);
    CHECK_INT(zone_offset(zone, 1774745999), 3600); /* 2026-03-29 00:59:59Z */
    CHECK_INT(zone_offset(zone, 1774746000), 7200);
    CHECK_INT(zone_offset(zone, 1792889999), 7200); /* 2026-10-25 00:59:59Z */
    CHECK_INT(zone_offset(zone, 1792890000), 3600);
    CHECK_INT(zone_offset(zone, 32503680000 + 181 * 86400), 7200); /* the year 3000 */
    CHECK_INT(zone_offset(zone, INT64_MAX - 1), 3600);
    CHECK_INT(zone_offset(zone, INT64_MIN), 3180);
    for (size_t cut = 0; cut < size; cut++)
        CHECK_INT(lm__csv_zone_parse(&arena, "x", file, cut, &zone, &error), LM_CORRUPT);
    size = zone_file(file, "<+0330>-3:30<+0430>,J79/24,J263/24"); /* Tehran's, of old */
    CHECK_STATUS(lm__csv_zone_parse(&arena, "x", file, size, &zone, &error), LM_OK);
    CHECK_INT(zone_offset(zone, 1774038599), 12600);
    CHECK_INT(zone_offset(zone, 1774038600), 16200); /* 2026-03-20 24:00 +03:30 */
    size = zone_file(file, "EST5EDT,0/0,J365/25");   /* always summer */
    CHECK_STATUS(lm__csv_zone_parse(&arena, "x", file, size, &zone, &error), LM_OK);
    for (int64_t second = 1767200000; second < 1767300000; second += 1000)
        CHECK_INT(zone_offset(zone, second), -14400);
    size = zone_file(file, "");
    CHECK_STATUS(lm__csv_zone_parse(&arena, "x", file, size, &zone, &error), LM_OK);
    CHECK_INT(zone_offset(zone, 1792889999), 3600);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        size = zone_file(file, bad[i]);
        CHECK_INT(lm__csv_zone_parse(&arena, "x", file, size, &zone, &error), LM_CORRUPT);
    }
    lm__arena_deinit(&arena);
    CHECK_CSV("c: timestamp[us, UTC]", "2026-01-01T00:30:00Z\n",
              "../UTC: no such time zone: UTC, an offset such as +02:00, or a name that the system "
              "has in /usr/share/zoneinfo, as Europe/Berlin",
              .timezone = "../UTC");
    CHECK_CSV("a: timestamp[s, +05:30], b: timestamp[s, UTC], c: timestamp[s]",
              "2026-01-01T00:30:00Z|2026-01-01T00:30:00Z|2026-01-01T00:30:00\n",
              "a,b,c\n2026-01-01 06:00:00+05:30,2026-01-01 00:30:00Z,2026-01-01 00:30:00\n",
              .timezone = "column");
    CHECK_CSV("a: timestamp[s, Nowhere]", "2026-01-01T00:30:00Z\n",
              "column a: Nowhere: no such time zone: UTC, an offset such as +02:00, or a name that "
              "the system has in /usr/share/zoneinfo, as Europe/Berlin",
              .timezone = "column");
}

TEST(formulas_are_guarded_when_asked)
{
    CHECK_CSV("a: utf8, b: int32", "=1+1|-1\n@x,y|2\nplain|3\n\tz|4\n~|5\n",
              "a,b\n'=1+1,-1\n\"'@x,y\",2\nplain,3\n'\tz,4\n,5\n", .guard_formulas = true);
    CHECK_CSV("a: utf8", "=1\n", "a\n=1\n", .threads = 1);
}

TEST(what_no_csv_has_is_refused)
{
    CHECK_CSV("a: binary", "~\n", "column a: binary (binary) is refused: write it as hex or base64",
              .binary = LM_CSV_BINARY_REFUSE);
    CHECK_CSV("a: list<int8>, b: int8", "1\n",
              "column a: a nested column (list<item: int8>) is refused: write it as JSON",
              .nested = LM_CSV_NESTED_REFUSE);
    CHECK_CSV("a: int8", "1\n", "the separator is neither the quote nor the escape character",
              .separator = '"');
    CHECK_CSV("a: int8", "1\n", "the separator of a CSV is one ASCII character that ends no line",
              .separator = '\n');
    CHECK_CSV("a: int8", "1\n", "floats have 0 to 20 places after the point", .float_fixed = true,
              .float_places = 21);
}

TEST(a_table_without_rows_has_its_header)
{
    CHECK_CSV("a: int32, b: utf8", "", "a,b\n", .threads = 2);
    CHECK_CSV("a: int32, b: utf8", "",
              "\xef\xbb\xbf"
              "a,b\n",
              .bom = true);
    CHECK_CSV("a: int32, b: utf8", "", "", .no_header = true);
}

/* Blocks of several sizes on several threads give one text. */
TEST(threads_do_not_change_the_text)
{
    enum { ROWS = 5000 };
    char *rows = malloc(ROWS * 64), *to = rows;
    for (int i = 0; i < ROWS; i++)
        to += sprintf(to, "%d|text \"%d\", %s|%d.25\n", i, i, i % 3 ? "x" : "", i * 7);
    const char *schema = "id: int64, s: utf8, f: float64";
    size_t size, others;
    char *one = written(schema, rows, 40, &(lm_csv_write_options){.threads = 1}, &size);
    REQUIRE(one);
    for (int threads = 2; threads <= 8; threads *= 2) {
        char *text =
            written(schema, rows, 40, &(lm_csv_write_options){.threads = threads}, &others);
        REQUIRE(text);
        CHECK_INT(others, size);
        CHECK(others == size && memcmp(text, one, size) == 0);
        free(text);
    }
    free(one);
    free(rows);
}

TEST(the_first_row_that_fails_is_told)
{
    enum { ROWS = 4000 };
    char *rows = malloc(ROWS * 8), *to = rows;
    for (int i = 0; i < ROWS; i++) to += sprintf(to, "%s\n", i >= 3000 ? "a,b" : "ab");
    char *text = written("s: utf8", rows, 3,
                         &(lm_csv_write_options){.threads = 4, .quoting = LM_CSV_QUOTE_NONE}, NULL);
    CHECK(!text);
    CHECK_INT(error.code, LM_DATA);
    CHECK(strncmp(error.message, "row 3000: column s: a,b ", 24) == 0);
    free(text);
    free(rows);
}

/* A sink that fails at its n-th byte. */
typedef struct small_sink {
    lm_sink sink;
    uint64_t room;
} small_sink;

static lm_status small_write(lm_sink *sink, const void *data, size_t size, lm_error *to)
{
    (void)data;
    if (size > ((small_sink *)sink)->room) {
        if (to) to->code = LM_NO_SPACE;
        return LM_NO_SPACE;
    }
    ((small_sink *)sink)->room -= size;
    return LM_OK;
}
static lm_status small_finish(lm_sink *sink, lm_error *to)
{
    (void)sink;
    (void)to;
    return LM_OK;
}
static void small_abort(lm_sink *sink) { (void)sink; }

TEST(a_full_disk_at_any_write_ends_it)
{
    static const lm_sink_ops ops = {small_write, small_finish, small_abort};
    const char *rows = "1|a\n2|b\n3|c\n4|d\n";
    size_t size = 0;
    char *whole = written("i: int32, s: utf8", rows, 2000, NULL, &size);
    free(whole);
    for (uint64_t room = 0; room < size; room += 37) {
        small_sink sink = {.room = room};
        struct ArrowArrayStream stream;
        lm_sink_init(&sink.sink, &ops);
        table_stream_make("i: int32, s: utf8", rows, 2000, &stream);
        CHECK_STATUS(lm_csv_write_stream(&sink.sink, &stream,
                                         &(lm_csv_write_options){.threads = 1 + (int)(room % 3)},
                                         NULL, &error),
                     LM_NO_SPACE);
        if (room > 37 * 50) room += size / 20;
    }
}

static lm_status write_counted(const lm_allocator *allocator, lm_csv_compression compression)
{
    lm_memory_sink sink;
    struct ArrowArrayStream stream;
    lm_csv_write_options options = {
        .threads = 1, .allocator = allocator, .compression = compression};
    lm_memory_sink_init(&sink, NULL, 1 << 20);
    table_stream_make("i: int32, s: utf8, d: dictionary<int8, utf8>, b: binary, l: list<int8>",
                      "1|a|x|y\n2|b,c|~|~\n", 3, &stream);
    lm_status status = lm_csv_write_stream(&sink.sink, &stream, &options, NULL, &error);
    lm_memory_sink_deinit(&sink);
    return status;
}

TEST(every_allocation_may_fail)
{
    for (int packed = 0; packed < 2; packed++)
        for (size_t n = 0;; n++) {
            check_alloc memory;
            check_alloc_init(&memory, n);
            lm_status status = write_counted(&memory.allocator, packed ? LM_CSV_COMPRESSION_GZIP
                                                                       : LM_CSV_COMPRESSION_NONE);
            CHECK_INT(memory.live, 0);
            if (!memory.failed) {
                CHECK_INT(status, LM_OK);
                break;
            }
            CHECK_INT(status, LM_NO_MEMORY);
        }
}

TEST(compressed_blocks_join_to_the_text)
{
    static const lm_codec codecs[] = {LM_CODEC_GZIP, LM_CODEC_ZSTD};
    size_t size = 0, packed = 0;
    char *text = written("i: int32, s: utf8", "1|a\n2|b\n", 5, NULL, &size);
    for (int i = 0; i < 2; i++) {
        lm_csv_write_options options = {
            .compression = i ? LM_CSV_COMPRESSION_ZSTD : LM_CSV_COMPRESSION_GZIP, .threads = 2};
        char *bytes = written("i: int32, s: utf8", "1|a\n2|b\n", 5, &options, &packed);
        lm_codec_context *context;
        char back[256];
        REQUIRE(bytes && lm__codec_context_new(NULL, &context, &error) == LM_OK);
        CHECK_OK(lm__codec_decompress(context, (int)codecs[i], bytes, packed, back, size, &error),
                 error);
        CHECK_BYTES(back, text, size);
        lm__codec_context_free(context);
        free(bytes);
    }
    free(text);
    CHECK(!written("i: int32", "1\n", 1,
                   &(lm_csv_write_options){
                       .compression = LM_CSV_COMPRESSION_GZIP, .level_set = true, .level = 99},
                   NULL));
    CHECK_INT(error.code, LM_INVALID);
}

int main(void)
{
    RUN(text_is_quoted_where_it_must_be);
    RUN(the_one_column_of_a_table_never_has_an_empty_line);
    RUN(nulls_and_text_that_looks_like_them);
    RUN(styles_of_quotes);
    RUN(every_type_of_number);
    RUN(zones_are_read_from_their_files);
    RUN(dates_and_times);
    RUN(formulas_are_guarded_when_asked);
    RUN(what_no_csv_has_is_refused);
    RUN(a_table_without_rows_has_its_header);
    RUN(threads_do_not_change_the_text);
    RUN(the_first_row_that_fails_is_told);
    RUN(a_full_disk_at_any_write_ends_it);
    RUN(every_allocation_may_fail);
    RUN(compressed_blocks_join_to_the_text);
    return DONE();
}
