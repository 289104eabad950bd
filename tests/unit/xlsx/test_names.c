/* Names and text in a workbook (xlsx/names.h, xlsx/text.h). */
#include "check.h"
#include "xlsx/names.h"
#include "xlsx/text.h"

static lm_error error;

static const char *escaped(const char *text)
{
    static uint8_t to[1000];
    uint8_t *end = lm__xlsx_escape(to, (const uint8_t *)text, strlen(text));
    *end = '\0';
    return (const char *)to;
}

TEST(text_is_escaped)
{
    CHECK_TEXT(escaped("plain"), "plain");
    CHECK_TEXT(escaped(""), "");
    CHECK_TEXT(escaped("a<b>&\"c\"'"), "a&lt;b&gt;&amp;&quot;c&quot;'");
    CHECK_TEXT(escaped("tab\tline\nboth\r\n"), "tab\tline\nboth_x000D_\n");
    CHECK_TEXT(escaped("\x01\x1f"), "_x0001__x001F_");
    CHECK_TEXT(escaped("a_b_x_"), "a_b_x_");
    CHECK_TEXT(escaped("_x0041_"), "_x005F_x0041_");
    CHECK_TEXT(escaped("_x00e_ _xZZZZ_ _x0041"), "_x00e_ _xZZZZ_ _x0041");
    CHECK_TEXT(escaped("\xef\xbf\xbe\xef\xbf\xbf\xef\xbf\xbd"), "_xFFFE__xFFFF_\xef\xbf\xbd");
    CHECK_TEXT(escaped("=1+1 \xf0\x9f\x98\x80"), "=1+1 \xf0\x9f\x98\x80");
}

TEST(units_are_those_of_utf16)
{
    const uint8_t *text = (const uint8_t *)"a\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80z";
    size_t size = strlen((const char *)text);
    CHECK_INT(lm__xlsx_units(text, size), 6);
    CHECK_INT(lm__xlsx_units_prefix(text, size, 6), size);
    CHECK_INT(lm__xlsx_units_prefix(text, size, 5), size - 1);
    CHECK_INT(lm__xlsx_units_prefix(text, size, 4), 6); /* half of a character is none */
    CHECK_INT(lm__xlsx_units_prefix(text, size, 0), 0);
}

TEST(letters_and_ranges)
{
    static const struct {
        uint32_t column;
        const char *letters;
    } rows[] = {{0, "A"}, {25, "Z"}, {26, "AA"}, {701, "ZZ"}, {702, "AAA"}, {16383, "XFD"}};
    char letters[4], range[LM_XLSX_RANGE_TEXT_MAX];
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        lm__xlsx_letters(rows[i].column, letters);
        CHECK_TEXT(letters, rows[i].letters);
    }
    lm__xlsx_range(16384, 1048576, range);
    CHECK_TEXT(range, "A1:XFD1048576");
}

TEST(sheet_names)
{
    static const char *const bad[] = {
        "",     "a[b", "a]b", "a:b",     "a*b",  "a?b",  "a/b",
        "a\\b", "'a",  "a'",  "history", "a\nb", "\xff", "12345678901234567890123456789012"};
    static const char *const good[] = {
        "a",   "it's", "1234567890123456789012345678901", "=1+1", "\xe6\x97\xa5\xe6\x9c\xac",
        "a b", "<&>"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        if (lm__xlsx_sheet_name_check(bad[i], &error) != LM_INVALID)
            check_fail(__FILE__, __LINE__, "%s was let through", bad[i]);
    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        CHECK_OK(lm__xlsx_sheet_name_check(good[i], &error), error);
    CHECK(lm__xlsx_same_name("Data", "dATA"));
    char made[LM_XLSX_SHEET_NAME_BYTES];
    lm__xlsx_sheet_name_numbered("data", 2, made);
    CHECK_TEXT(made, "data (2)");
    lm__xlsx_sheet_name_numbered("1234567890123456789012345678901", 12, made);
    CHECK_TEXT(made, "12345678901234567890123456 (12)");
    CHECK_OK(lm__xlsx_sheet_name_check(made, &error), error);
}

TEST(table_names)
{
    static const char *const bad[] = {"",  "a b", "1a",   "A1",  "xfd1",
                                      "R", "c",   "R1C1", "r2c", "a-b"};
    static const char *const good[] = {"Sales",  "_x",  "ABCD1",
                                       "Table1", "a.b", "\xc3\xa9t\xc3\xa9"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        if (lm__xlsx_table_name_check(bad[i], &error) != LM_INVALID)
            check_fail(__FILE__, __LINE__, "%s was let through", bad[i]);
    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        CHECK_OK(lm__xlsx_table_name_check(good[i], &error), error);
}

int main(void)
{
    RUN(text_is_escaped);
    RUN(units_are_those_of_utf16);
    RUN(letters_and_ranges);
    RUN(sheet_names);
    RUN(table_names);
    return DONE();
}
