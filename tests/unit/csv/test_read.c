/* Reading CSV: the well-known hard cases, types, ragged rows, bad bytes, limits, failures with
 * their lines (rows.h, reader.c). */
#include <lamella/csv.h>

#include "../check.h"
#include "../check_alloc.h"
#include "arrow/batch.h"
#include "base/error.h"
#include "base/number.h"
#include "csv/read.h"

#include "codec/codec.h"

static lm_error error;

/* All cells as text, "~" for null, cells parted by '|', rows by '/'; before it the types. */
static size_t show_cell(const lm_array *column, int64_t row, char *to)
{
    if (!lm__array_valid(column, row)) return (size_t)sprintf(to, "~");
    int64_t at = column->offset + row;
    switch (column->field->type.id) {
    case LM_TYPE_BOOL: return (size_t)sprintf(to, "%d", lm__bit_get(column->values, at));
    case LM_TYPE_INT64:
    case LM_TYPE_TIME64:
    case LM_TYPE_TIMESTAMP:
        return (size_t)sprintf(to, "%" PRId64, ((const int64_t *)column->values)[at]);
    case LM_TYPE_INT32:
    case LM_TYPE_DATE32: return (size_t)sprintf(to, "%d", ((const int32_t *)column->values)[at]);
    case LM_TYPE_FLOAT32:
        return (size_t)sprintf(to, "%g", (double)((const float *)column->values)[at]);
    case LM_TYPE_FLOAT64: return (size_t)sprintf(to, "%.17g", ((const double *)column->values)[at]);
    default: {
        size_t size;
        const uint8_t *text = lm__array_bytes(column, row, &size);
        memcpy(to, text, size);
        return size;
    }
    }
}

static lm_status show(lm_stream *stream, char *to)
{
    char type[LM_TYPE_TEXT_MAX];
    int32_t count = stream->schema->root.n_children;
    for (int32_t i = 0; i < count; i++) {
        const lm_field *field = &stream->schema->root.children[i];
        to += sprintf(to, "%s%s:%s", i ? "," : "", field->name, lm__type_text_short(field, type));
    }
    for (lm_batch *batch;;) {
        lm_status status = lm__stream_next(stream, &batch, &error);
        *to = '\0';
        if (status != LM_OK || !batch) return status;
        CHECK_STATUS(lm__batch_validate(batch, LM_VALIDATE_TEXT, &error), LM_OK);
        for (int64_t row = 0; row < lm__batch_rows(batch); row++)
            for (int32_t i = 0; i < count; i++) {
                lm_array column = lm__batch_column(batch, i);
                *to++ = i ? '|' : '/';
                to += show_cell(&column, row, to);
            }
        lm__batch_unref(batch);
    }
}

static lm_status read_text(const lm_allocator *allocator, const char *text, size_t size,
                           const lm_csv_read_options *options, char *out)
{
    lm_memory_source source;
    struct ArrowArrayStream exported;
    lm_stream *stream;
    lm_error_clear(&error);
    lm_memory_source_init(&source, text, size, "in.csv");
    *out = '\0';
    LM_TRY(lm_csv_read_take(allocator, &source.source, options, &exported, &error));
    LM_TRY(lm__stream_import_take(allocator, &exported, LM_VALIDATE_NONE, &stream, &error));
    lm_status status = show(stream, out);
    lm__stream_close(stream);
    return status;
}

static void check_at(int line, const char *text, size_t size, const lm_csv_read_options *options,
                     const char *want)
{
    static char out[1 << 16];
    lm_status status = read_text(NULL, text, size, options, out);
    const char *got = status == LM_OK ? out : error.message;
    if (strcmp(got, want) != 0) check_fail(__FILE__, line, "read\n%s\nnot\n%s", got, want);
}
#define CHECK_READ(text, want, ...)                                                                \
    check_at(__LINE__, text, sizeof(text) - 1, &(lm_csv_read_options){__VA_ARGS__}, want)
#define AS_TEXT .all_text = true, .header = LM_CSV_HEADER_NO

TEST(the_hard_cases)
{
    const char *two = "column1:utf8,column2:utf8";
    char want[512];
#define CELLS(text, cells, ...)                                                                    \
    do {                                                                                           \
        snprintf(want, sizeof want, "%s%s", two, cells);                                           \
        CHECK_READ(text, want, AS_TEXT, ##__VA_ARGS__);                                            \
    } while (0)
    CELLS("a,b\n", "/a|b");
    CELLS("a,b", "/a|b");                /* no last line end */
    CELLS("a,b\r\nc,d\r\n", "/a|b/c|d"); /* CR LF */
    CELLS("a,b\rc,d\r", "/a|b/c|d");     /* CR alone */
    CELLS("a,b\rc,d", "/a|b/c|d");
    CELLS("a,b\nc,d\r\ne,f\rg,h", "/a|b/c|d/e|f/g|h"); /* all of them */
    CELLS("a,\"b\"\"c\"\n", "/a|b\"c");                /* quotes in quotes */
    CELLS("a,\"\"\"\"\n", "/a|\"");
    CELLS("a,\"\"\"x\"\"\"\n", "/a|\"x\"");
    CELLS("a,\"x\ny\"\n", "/a|x\ny"); /* line ends in quotes */
    CELLS("a,\"x\r\ny\"\r\n", "/a|x\r\ny");
    CELLS("a,\"x,y\"\n", "/a|x,y");
    CELLS("a,b\"c\n", "/a|b\"c"); /* a quote within a cell */
    CELLS("a,b\"c\"\nd,e\n", "/a|b\"c\"/d|e");
    CELLS("a,\"b\"c\n", "/a|bc"); /* text behind the closing quote */
    CELLS("a,\"b\"\"c\"d\"\n", "/a|b\"cd\"");
    CELLS("a, \"b\"\n", "/a| \"b\""); /* a space before the quote */
    CELLS("a,\"\"\n", "/a|");         /* empty, and not null */
    CELLS("\"\",\n", "/|~");
    CELLS("a,\n", "/a|~");
    CELLS(",\n,\n", "/~|~/~|~");
    CELLS("\n\na,b\n\n\r\nc,d\n\n", "/a|b/c|d"); /* empty lines */
    CELLS("\xef\xbb\xbf"
          "a,b\n",
          "/a|b"); /* a byte order mark */
    CELLS("\xef\xbb\xbf\"a\",b\n", "/a|b");
    CELLS("a;b\n", "/a|b");
    CELLS("a\tb\n", "/a|b");
    CELLS("a|b\n", "/a|b");
    CELLS("'a,x',b\n'c,y',d\n'e',f\n", "/a,x|b/c,y|d/e|f"); /* another quote */
    CELLS("a,\"b\\\"c\"\n", "/a|b\"c", .escape = '\\');
    CELLS("a\\,b,c\\\nd\n", "/a,b|c\nd", .escape = '\\');
    CELLS("a,\"b\n", "/a|\"b", .no_quotes = true);
#undef CELLS
    static const char nul[] = "a,b\0c\n";
    static char out[256];
    CHECK_INT(read_text(NULL, nul, sizeof nul - 1, &(lm_csv_read_options){AS_TEXT}, out), LM_OK);
    CHECK(memcmp(out + 25, "/a|b\0c", 6) == 0);
    CHECK_READ("a\n\n\"\"\nb\n", "column1:utf8/a//b", AS_TEXT);
}

/* Every way of cutting the text into rows gives the same cells, whatever the length of the cells:
 * the walk (forced by a quote at the end) and the masks of 64 bytes. */
TEST(plain_rows_and_walked_rows_are_the_same)
{
    static char text[40000], out[1 << 17], walked[1 << 17];
    uint64_t state = 11;
    for (int turn = 0; turn < 200; turn++) {
        char *to = text;
        for (int row = 0; row < 40; row++) {
            for (int cell = 0; cell < 3; cell++) {
                size_t size = check_random(&state) % (turn % 3 ? 90 : 4);
                if (cell) *to++ = ',';
                memset(to, 'a' + cell, size);
                to += size;
            }
            to += sprintf(to, turn & 1 ? "\n" : "\r\n");
        }
        size_t size = (size_t)(to - text);
        lm_csv_read_options options = {AS_TEXT, .separator = ',', .threads = 1};
        CHECK_INT(read_text(NULL, text, size, &options, out), LM_OK);
        strcpy(to, "x,\"y\",z");
        CHECK_INT(read_text(NULL, text, size + 7, &options, walked), LM_OK);
        CHECK(strncmp(out, walked, strlen(out)) == 0);
        CHECK_TEXT(walked + strlen(out), "/x|y|z");
    }
}

/* Text of few letters, so that quotes, separators and line ends meet in every way; most of it by
 * cells that are well written, some of it by chance. */
static size_t any_text(uint64_t *state, char *text, size_t columns)
{
    static const char *const cells[] = {
        "",           "a",   "bb",       "\"\"",      "\"x\"", "\"x,y\"", "\"x\ny\"", "\"\"\"\"",
        "\"a\"\"b\"", "abc", "\"\r\n\"", "\"a\"\"\"", "a\"b",  "\"a\"b",  "\r",       " \"c\""};
    unsigned strange = check_random(state) % 3 ? 13 : 16; /* the last three are not regular */
    char *to = text;
    for (size_t row = check_random(state) % 60; row > 0; row--) {
        size_t count = check_random(state) % 50 ? columns : check_random(state) % 5;
        for (size_t i = 0; i < count; i++) {
            const char *cell = cells[check_random(state) % strange];
            if (i) *to++ = ',';
            for (unsigned again = check_random(state) % 8 ? 1 : 9; *cell != '"' && again > 1;
                 again--)
                *to++ = 'z';
            to += sprintf(to, "%s", cell);
        }
        to += sprintf(to, check_random(state) % 9 ? "\n" : "\r\n");
    }
    return (size_t)(to - text);
}

/* rows.h, invariant 1: each regular row has the cells, the end and the lines that the walk finds.
 */
TEST(regular_rows_are_what_the_walk_finds)
{
    static char text[1 << 16], walked[1 << 16];
    static lm_csv_span spans[101 * 4 + 64], want[4];
    const lm_csv_dialect dialect = {',', '"', 0};
    uint64_t state = 17;
    size_t found = 0;
    for (int turn = 0; turn < 20000; turn++) {
        size_t columns = 1 + check_random(&state) % 4, size = any_text(&state, text, columns);
        memcpy(walked, text, size);
        size_t end, lines, at = 0, seen = 0;
        bool whole;
        size_t cut = lm__csv_regular_end(&dialect, (uint8_t *)text, size, &whole);
        size_t rows = lm__csv_regular_rows(&dialect, (uint8_t *)text, size, 0, columns, 100, spans,
                                           &end, &lines);
        CHECK(end <= cut);
        for (size_t i = 0; i < rows; i++) {
            lm_csv_row row;
            CHECK_INT(
                lm__csv_row_walk(&dialect, (uint8_t *)walked, size, at, true, want, columns, &row),
                LM_CSV_ROW);
            CHECK_INT(row.cells, columns);
            for (size_t k = 0; k < columns; k++) {
                CHECK_INT(spans[i * columns + k].size, want[k].size);
                CHECK(memcmp(text + spans[i * columns + k].at, walked + want[k].at,
                             lm__csv_span_size(want[k])) == 0);
            }
            at = row.end;
            seen += row.lines;
        }
        CHECK_INT(end, at);
        CHECK_INT(lines, seen);
        found += rows;
    }
    CHECK(found > 30000);
}

TEST(lines_are_counted_where_quotes_hide_some)
{
    CHECK_READ(
        "a,b\n1,\"x\ny\"\n2,\"p\"\"q\n\"\nx,z\n",
        "in.csv: line 6: column a: \"x\" is no int64, as the first rows were: give a schema, or "
        "have the types found out by all rows",
        .sample_bytes = 12);
}

TEST(types_are_found_out)
{
    CHECK_READ(
        "i,f,b,d,t,z,c,s\n"
        "1,0.5,true,2026-11-21,2026-11-21 01:02:03,2026-11-21T01:02:03Z,12:34:56,x\n"
        "-7,1e3,FALSE,1969-12-31,1970-01-01T00:00:00.000001,1970-01-01 01:00+01:00,00:00,1\n"
        ",,,,,,,\n",
        "i:int64,f:float64,b:bool,d:date32,t:timestamp[us],z:timestamp[us, UTC],c:time64[us],"
        "s:utf8/1|0.5|1|20778|1795222923000000|1795222923000000|45296000000|x"
        "/-7|1000|0|-1|1|0|0|1/~|~|~|~|~|~|~|~",
        .threads = 2);
    CHECK_READ("a,b,c,d,e,f\n007,+1,9223372036854775808,1_0,0x1,1.\n",
               "a:utf8,b:utf8,c:utf8,d:utf8,e:utf8,f:float64/007|+1|9223372036854775808|1_0|0x1|1",
               .threads = 1);
    CHECK_READ("a,b,c\n1,9007199254740993,0.5\n2.5,0.5,nan\n3,1,-inf\n",
               "a:float64,b:utf8,c:float64/1|9007199254740993|0.5/2.5|0.5|nan/3|1|-inf",
               .threads = 1);
    CHECK_READ("a,b,c\n2026-11-21,2026-11-21,2026-02-29\n2026-11-21 00:00,12:00,x\n",
               "a:timestamp[us],b:utf8,c:utf8/1795219200000000|2026-11-21|2026-02-29"
               "/1795219200000000|12:00|x",
               .threads = 1);
    CHECK_READ("a\n2026-11-21 00:00:00.123456789\n", "a:timestamp[ns]/1795219200123456789",
               .header = LM_CSV_HEADER_YES);
    CHECK_READ("a,b\n\"1\",\"\"\n", "a:int64,b:utf8/1|", .threads = 1);
    CHECK_READ("a,b\nNA,NA\n1,\"NA\"\n", "a:int64,b:utf8/~|~/1|NA",
               .null_texts = (const char *const[]){"", "NA"}, .null_count = 2);
}

/* A cell of digits, points and signs, most of them numbers; `size` of its room. */
static size_t any_number(uint64_t *state, char *cell)
{
    static const char strange[] = ".-+e5a/:0 ";
    size_t size = 0, digits = check_random(state) % 24, point = check_random(state) % 24;
    if (check_random(state) % 3 == 0) cell[size++] = '-';
    for (size_t i = 0; i < digits; i++) {
        if (i == point) cell[size++] = '.';
        cell[size++] = (char)('0' + (check_random(state) % 4 ? check_random(state) % 10 : 0));
    }
    if (size > 0 && check_random(state) % 8 == 0)
        cell[check_random(state) % size] = strange[check_random(state) % (sizeof strange - 1)];
    return size;
}

/* read_float.c, invariant 1, for all levels against base/number.h; at the text's beginning too,
 * where there is no room to read before the cell. */
TEST(floats_are_read_as_by_the_slow_way)
{
    static const char *const cells[] = {"0",
                                        "-0",
                                        "0.0",
                                        "-0.0",
                                        "1",
                                        "0.5",
                                        "9007199254740993",
                                        "9007199254740992.5",
                                        "9007199254740993.5",
                                        "1.7976931348623157",
                                        "0.1000000000000000055",
                                        "5e-324",
                                        "1e999",
                                        "123456789012345678901",
                                        "9999999999999999999",
                                        "0.9999999999999999999",
                                        "1.",
                                        ".5",
                                        ".",
                                        "-",
                                        "-.",
                                        "nan",
                                        "-inf",
                                        "1..2",
                                        "0.3",
                                        "4503599627370497.5",
                                        "18014398509481985.5"};
    lm_field field = {.type = lm__type_make(LM_TYPE_FLOAT64)};
    lm_csv_column column = {.field = &field};
    const lm_csv_plan plan = {.null_empty_only = true, .n_columns = 1, .columns = &column};
    lm_csv_convert *convert = lm__csv_convert(&field.type);
    uint64_t state = 5;
    for (int turn = 0; turn < 400000; turn++) {
        char text[128 + 64], cell[64];
        double want = 0, got = 0;
        size_t size, good = 9, at = check_random(&state) % 40;
        if (turn < (int)(sizeof cells / sizeof *cells))
            size = (size_t)sprintf(cell, "%s", cells[turn]);
        else if (turn % 4)
            size = any_number(&state, cell);
        else {
            uint64_t bits = check_random(&state);
            memcpy(&want, &bits, sizeof want);
            if (turn % 8) want = (double)(int64_t)bits / 1e18;
            size = want - want == 0 ? lm__double_text(want, cell) : 1;
        }
        if (size == 0) continue;
        memset(text, turn % 2 ? '7' : ',', sizeof text);
        memcpy(text + at, cell, size);
        const lm_csv_span span = {(uint32_t)at, (uint32_t)size};
        lm_csv_values out = {.values = (uint8_t *)&got};
        const lm_csv_slice slice = {(const uint8_t *)text, &span, 1, 1, 0, 1, size};
        CHECK_INT(convert(&plan, 0, &slice, &out, &good), LM_OK);
        bool number = lm__double_parse(cell, size, &want) && want - want == 0;
        bool word = size > 2 && (cell[size - 1] == 'n' || cell[size - 1] == 'f');
        CHECK_INT(good, number || word);
        if (number && memcmp(&got, &want, sizeof got) != 0)
            check_fail(__FILE__, __LINE__, "%.*s is read as %a, not %a", (int)size, cell, got,
                       want);
    }
}

/* room.h, invariant 1: batches share pages, and any may go first. */
TEST(batches_outlive_the_stream)
{
    enum { ROWS = 400000 };
    static char text[ROWS * 24];
    lm_memory_source source;
    struct ArrowArrayStream exported;
    lm_stream *stream;
    lm_batch *batches[64];
    size_t size = 0, count = 0;
    int64_t rows = 0;
    check_alloc memory;
    check_alloc_init(&memory, SIZE_MAX);
    for (int i = 0; i < ROWS; i++) /* the first rows let expect less text than there comes */
        size += (size_t)sprintf(text + size, "%d,\"%.*s\",%s\n", i, i / (ROWS / 12), "abcdefghijkl",
                                i % 7 ? "x" : "");
    lm_memory_source_init(&source, text, size, "in.csv");
    const lm_csv_read_options options = {.threads = 2, .header = LM_CSV_HEADER_NO};
    CHECK_STATUS(lm_csv_read_take(&memory.allocator, &source.source, &options, &exported, &error),
                 LM_OK);
    CHECK_STATUS(
        lm__stream_import_take(&memory.allocator, &exported, LM_VALIDATE_NONE, &stream, &error),
        LM_OK);
    while (lm__stream_next(stream, &batches[count], &error) == LM_OK && batches[count]) count++;
    lm__stream_close(stream);
    CHECK(count > 4);
    for (size_t i = 0; i < count; i++) {
        CHECK_STATUS(lm__batch_validate(batches[i], LM_VALIDATE_TEXT, &error), LM_OK);
        lm_array number = lm__batch_column(batches[i], 0), word = lm__batch_column(batches[i], 1);
        lm_array last = lm__batch_column(batches[i], 2);
        for (int64_t row = 0; row < lm__batch_rows(batches[i]); row++, rows++) {
            size_t length;
            const uint8_t *bytes = lm__array_bytes(&word, row, &length);
            CHECK_INT(((const int64_t *)number.values)[row], rows);
            CHECK_INT(length, (size_t)rows / (ROWS / 12) < 12 ? rows / (ROWS / 12) : 12);
            CHECK(memcmp(bytes, "abcdefghijkl", length) == 0);
            CHECK_INT(lm__array_valid(&last, row), rows % 7 != 0);
        }
    }
    CHECK_INT(rows, ROWS);
    for (size_t i = 0; i < count; i += 2) lm__batch_unref(batches[i]);
    for (size_t i = 1; i < count; i += 2) lm__batch_unref(batches[i]);
    CHECK_INT(memory.live, 0);
}

TEST(only_the_columns_that_are_wanted_are_made)
{
    static const char text[] = "a,b,c,d\n1,x,0.5,\"p\"\n2,,,\"q\"\"r\"\nno,\"y\",no,\"\"\n";
    const char *some[] = {"d", "b"}, *missing[] = {"b", "e"}, *typed[] = {"c", "b"};
    for (int threads = 1; threads <= 2; threads++) {
        CHECK_READ(text, "b:utf8,d:utf8/x|p/~|q\"r/y|", .threads = threads, .columns = some,
                   .column_count = 2, .sample_bytes = 20);
        CHECK_READ(text, "", .threads = threads, .columns = some, .sample_bytes = 20);
    }
    CHECK_READ(text, "in.csv: it has no column e", .columns = missing, .column_count = 2);
    CHECK_READ(text,
               "in.csv: line 4: column c: \"no\" is no float64, as the first rows were: give a "
               "schema, or have the types found out by all rows",
               .columns = typed, .column_count = 2, .sample_bytes = 20);
    CHECK_READ(text, "b:utf8,d:utf8/x|p/~|q\"r/y|", .columns = some, .column_count = 2,
               .whole_sample = true);
    CHECK_READ("a,b\n1,2\n3\n",
               "in.csv: line 3: it has 1 cells, and the first row has 2: have such "
               "rows padded or skipped",
               .columns = missing, .column_count = 1);
}

TEST(headers_are_found_out)
{
    CHECK_READ("a,b\n1,2\n", "a:int64,b:int64/1|2", .threads = 1);
    CHECK_READ("1,2\n3,4\n", "column1:int64,column2:int64/1|2/3|4", .threads = 1);
    CHECK_READ("a,\n1,2\n", "a:int64,column2:int64/1|2", .threads = 1);
    CHECK_READ("a,\nb,2\n", "column1:utf8,column2:int64/a|~/b|2", .threads = 1);
    CHECK_READ("a,\n1,2\n", "a:int64,column2:int64/1|2", .header = LM_CSV_HEADER_YES);
    CHECK_READ("x,y\nz,w\n", "column1:utf8,column2:utf8/x|y/z|w", .header = LM_CSV_HEADER_NO);
    CHECK_READ("a,b\n", "a:utf8,b:utf8", .threads = 1);
    CHECK_READ("", "in.csv: it is empty: a CSV has at least a header", .threads = 1);
    CHECK_READ("\n\r\n", "in.csv: it is empty: a CSV has at least a header", .threads = 1);
    CHECK_READ("\xff\xfe"
               "a\0",
               "in.csv: it is UTF-16, and only UTF-8 is read: convert it first "
               "(iconv -f utf-16 -t utf-8)",
               .threads = 1);
}

TEST(schemas_are_kept_to)
{
    lm_schema *schema;
    const char *text = "b: float32, a: int32, c: decimal128(5, 2)";
    CHECK_OK(lm_schema_parse(NULL, text, strlen(text), &schema, &error), error);
    CHECK_READ("a,b,d\n007,0.1,x\n", "a:int32,b:float32,d:utf8/7|0.1|x", .schema = schema);
    CHECK_READ("a,b\n1,2\n2147483648,1\n", "in.csv: line 3: column a: \"2147483648\" is no int32",
               .schema = schema);
    lm_schema_free(schema);
}

TEST(what_does_not_fit_is_told_with_its_line)
{
    CHECK_READ("a,b\n1,2\n3\n",
               "in.csv: line 3: it has 1 cells, and the first row has 2: have such "
               "rows padded or skipped",
               .threads = 1);
    CHECK_READ("a,b\n\"x\ny\",2\n3,4,5\n",
               "in.csv: line 4: it has 3 cells, and the first row has 2: "
               "have such rows skipped",
               .threads = 1);
    CHECK_READ("a,b\n1,2\n3\n4,5\n", "a:int64,b:int64/1|2/3|~/4|5", .ragged = LM_CSV_RAGGED_PAD);
    CHECK_READ("a,b\n1,x\n3\n", "a:int64,b:utf8/1|x/3|~", .ragged = LM_CSV_RAGGED_PAD,
               .null_texts = (const char *const[]){"NA"}, .null_count = 1);
    lm_csv_report report = {0};
    CHECK_READ("a,b\n1,2\n3\n4,5\n6,7,8\n", "a:int64,b:int64/1|2/4|5", .ragged = LM_CSV_RAGGED_SKIP,
               .report = &report);
    CHECK_INT(report.rows_skipped, 2);
    CHECK_INT(report.first_skipped_line, 3);
    CHECK_READ("a,b\n1,\"x\n", "in.csv: line 2: a quote is opened and never closed", .threads = 1);
    CHECK_READ("a,b\n1,x\n2,\xc3(\n",
               "in.csv: line 3: byte 3 of the line (0xc3) is not UTF-8: "
               "convert the file, or have such bytes replaced",
               .threads = 1);
    CHECK_READ("a,b\n1,x\n2,\xc3(\xed\xa0\x80\n", "a:int64,b:utf8/1|x/2|\xef\xbf\xbd(\xef\xbf\xbd",
               .replace_invalid = true);
}

/* A value past the sample, in a file of several blocks; types by all rows. */
TEST(later_values_are_errors_or_text)
{
    enum { ROWS = 400000 };
    char *text = malloc(ROWS * 16), *to = text, want[200];
    to += sprintf(to, "a,b\n");
    for (int i = 0; i < ROWS; i++) to += sprintf(to, "%d,\"x\ny\"\n", i % 10);
    sprintf(to, "07,z\n");
    static char out[1 << 24];
    for (int threads = 1; threads <= 4; threads *= 4) {
        lm_csv_read_options options = {.threads = threads};
        CHECK_INT(read_text(NULL, text, strlen(text), &options, out), LM_DATA);
        snprintf(want, sizeof want,
                 "in.csv: line %d: column a: \"07\" is no int64, as the first rows were: give a "
                 "schema, or have the types found out by all rows",
                 2 + 2 * ROWS);
        CHECK_TEXT(error.message, want);
        options.whole_sample = true;
        CHECK_INT(read_text(NULL, text, strlen(text), &options, out), LM_OK);
        CHECK(strncmp(out, "a:utf8,b:utf8/0|x\ny/1|x\ny/2", 27) == 0);
        CHECK_TEXT(out + strlen(out) - 11, "/9|x\ny/07|z");
    }
    free(text);
}

/* Among floats past the sample the same is refused that would have been text in it. */
TEST(later_floats_lose_nothing)
{
    enum { ROWS = 200000, BYTES = 8 };
    static const char *const lost[] = {"007",
                                       "07.5",
                                       "-00.5",
                                       "+1.5",
                                       "9007199254740993",
                                       "-9007199254740993",
                                       "12345678901234567890"};
    static const char *const kept[] = {"0",
                                       "-0",
                                       "0.5",
                                       "-0.5",
                                       "9007199254740992",
                                       "1e300",
                                       "0.12345678901234567",
                                       "1234567890123456.5",
                                       "nan",
                                       "5"};
    static char out[1 << 22];
    char *text = malloc(ROWS * BYTES + 64), *last = text + 2 + ROWS * BYTES;
    memcpy(text, "a\n", 2);
    for (int i = 0; i < ROWS; i++) memcpy(text + 2 + i * BYTES, "1234.75\n", BYTES);
    for (int of = 0; of < 17; of++) {
        const char *value = of < 7 ? lost[of] : kept[of - 7];
        sprintf(last, "%s\n1.5\n1.5\n1.5\n1.5\n1.5\n1.5\n1.5\n1.5\n", value);
        lm_csv_read_options options = {.threads = 1};
        CHECK_INT(read_text(NULL, text, strlen(text), &options, out), of < 7 ? LM_DATA : LM_OK);
        if (of < 7) CHECK(strstr(error.message, "line 200002: column a: \""));
        if (of < 7) CHECK(strstr(error.message, "is no float64, as the first rows were"));
        CHECK_INT(lm_schema_parse(NULL, "a: float64", 10, &options.schema, &error), LM_OK);
        CHECK_INT(read_text(NULL, text, strlen(text), &options, out), LM_OK);
        lm_schema_free(options.schema);
    }
    free(text);
}

TEST(long_rows_have_a_limit)
{
    size_t size = 3 << 20;
    char *text = malloc(size + 16);
    static char out[1 << 22];
    memcpy(text, "a,b\n1,", 6);
    memset(text + 6, 'x', size);
    memcpy(text + 6 + size, "\n2,y\n", 6);
    CHECK_INT(read_text(NULL, text, strlen(text), &(lm_csv_read_options){.threads = 2}, out),
              LM_OK);
    CHECK_INT(strlen(out), 14 + 3 + size + 4);
    CHECK_INT(read_text(NULL, text, strlen(text),
                        &(lm_csv_read_options){.threads = 2, .row_bytes_max = 2 << 20}, out),
              LM_LIMIT);
    free(text);
}

/* The sample may end anywhere: within the header, behind it, within a row. */
TEST(samples_of_every_size)
{
    static const char text[] = "a,b\n1,\"x\ny\"\n2,z\n";
    for (size_t size = 4; size < sizeof text; size++)
        CHECK_READ(text, "a:int64,b:utf8/1|x\ny/2|z", .sample_bytes = size);
}

typedef struct drip {
    const char *text;
    size_t size, at, step;
    int closes;
} drip;

static lm_status drip_read(void *context, void *buffer, size_t size, size_t *got, lm_error *to)
{
    drip *d = context;
    (void)to;
    *got = d->size - d->at < d->step ? d->size - d->at : d->step;
    if (*got > size) *got = size;
    memcpy(buffer, d->text + d->at, *got);
    d->at += *got;
    return LM_OK;
}
static void drip_close(void *context) { ((drip *)context)->closes++; }

TEST(pipes_and_packed_text)
{
    static const char text[] = "a,b\n1,x\n2,\"y\nz\"\n";
    static const char want[] = "a:int64,b:utf8/1|x/2|y\nz";
    char packed[2][256], out[256];
    size_t sizes[2];
    const lm_codec codecs[] = {LM_CODEC_GZIP, LM_CODEC_ZSTD};
    lm_codec_context *context;
    CHECK_OK(lm__codec_context_new(NULL, &context, &error), error);
    for (int i = 0; i < 2; i++) { /* two members each */
        size_t first, second;
        CHECK_OK(lm__codec_compress(context, codecs[i], LM_CODEC_LEVEL_DEFAULT, text, 7, packed[i],
                                    128, &first, &error),
                 error);
        CHECK_OK(lm__codec_compress(context, codecs[i], LM_CODEC_LEVEL_DEFAULT, text + 7,
                                    sizeof text - 8, packed[i] + first, 128, &second, &error),
                 error);
        sizes[i] = first + second;
        CHECK_INT(read_text(NULL, packed[i], sizes[i], NULL, out), LM_OK);
        CHECK_TEXT(out, want);
        for (size_t cut = 5; cut < sizes[i]; cut++) { /* but for the end of the first member */
            lm_status status = read_text(NULL, packed[i], cut, NULL, out);
            CHECK_INT(status, cut == first ? LM_OK : LM_CORRUPT);
        }
    }
    lm__codec_context_free(context);
    for (size_t step = 1; step < 20; step++)
        for (int i = -1; i < 2; i++) {
            drip d = {i < 0 ? text : packed[i], i < 0 ? sizeof text - 1 : sizes[i], 0, step, 0};
            lm_feed feed = {drip_read, drip_close, &d, "a pipe"};
            struct ArrowArrayStream exported;
            lm_stream *stream;
            CHECK_OK(lm_csv_pull_take(NULL, &feed, NULL, &exported, &error), error);
            CHECK_OK(lm__stream_import_take(NULL, &exported, LM_VALIDATE_NONE, &stream, &error),
                     error);
            CHECK_INT(show(stream, out), LM_OK);
            CHECK_TEXT(out, want);
            lm__stream_close(stream);
            CHECK_INT(d.closes, 1);
        }
    drip d = {text, sizeof text - 1, 0, 5, 0};
    lm_feed feed = {drip_read, drip_close, &d, "a pipe"};
    struct ArrowArrayStream exported;
    CHECK_STATUS(lm_csv_pull_take(NULL, &feed, &(lm_csv_read_options){.whole_sample = true},
                                  &exported, &error),
                 LM_UNSUPPORTED);
    CHECK_INT(d.closes, 1);
}

/* ISA-L says of it that one byte more was taken than there was. */
TEST(a_damaged_gzip_stream_is_corrupt)
{
    static const char packed[] =
        "\x1f\x8b\x08\0\0\0\0\1\0\3\x4b\xd4\x25\xe2\x32\xd4\x31\xe2\2\0\x7b\x07\x97\x0a\x08\0\0\0";
    char out[256];
    for (size_t size = 3; size < sizeof packed; size++)
        CHECK_INT(read_text(NULL, packed, size, NULL, out), LM_CORRUPT);
}

TEST(every_allocation_may_fail)
{
    static const char text[] = "a,b,c,d\n1,\"x\"\"y\",0.5,true\n,z,,\n3,\xff,1,false\n";
    static char out[512];
    for (size_t n = 0;; n++) {
        check_alloc memory;
        check_alloc_init(&memory, n);
        lm_status status = read_text(
            &memory.allocator, text, sizeof text - 1,
            &(lm_csv_read_options){.threads = 1, .replace_invalid = true, .whole_sample = n % 2},
            out);
        CHECK_INT(memory.live, 0);
        if (!memory.failed) {
            CHECK_INT(status, LM_OK);
            if (n % 2) break;
            continue;
        }
        CHECK_INT(status, LM_NO_MEMORY);
    }
}

int main(void)
{
    RUN(the_hard_cases);
    RUN(plain_rows_and_walked_rows_are_the_same);
    RUN(regular_rows_are_what_the_walk_finds);
    RUN(lines_are_counted_where_quotes_hide_some);
    RUN(types_are_found_out);
    RUN(floats_are_read_as_by_the_slow_way);
    RUN(batches_outlive_the_stream);
    RUN(only_the_columns_that_are_wanted_are_made);
    RUN(headers_are_found_out);
    RUN(schemas_are_kept_to);
    RUN(what_does_not_fit_is_told_with_its_line);
    RUN(later_values_are_errors_or_text);
    RUN(later_floats_lose_nothing);
    RUN(long_rows_have_a_limit);
    RUN(samples_of_every_size);
    RUN(pipes_and_packed_text);
    RUN(a_damaged_gzip_stream_is_corrupt);
    RUN(every_allocation_may_fail);
    return DONE();
}
