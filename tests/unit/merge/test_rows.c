/* Counting rows (src/merge/rows.c): the same whatever the pieces. */
#include "merge/rows.h"

#include "check.h"

static uint64_t count(const char *text, lm_merge_format format, lm_merge_line_end end, size_t step)
{
    lm_rows rows;
    size_t size = strlen(text);
    lm__rows_init(&rows, format, '"', ',', end);
    for (size_t at = 0; at < size; at += step)
        lm__rows_add(&rows, (const uint8_t *)text + at, size - at < step ? size - at : step);
    return lm__rows_total(&rows);
}

typedef struct row_case {
    const char *text;
    lm_merge_format format;
    lm_merge_line_end end;
    uint64_t rows;
} row_case;

TEST(rows_are_those_that_a_reader_sees)
{
    static const row_case cases[] = {
        {"", LM_MERGE_CSV, 1, 0},
        {"a", LM_MERGE_CSV, 1, 1},
        {"a\nb\n", LM_MERGE_CSV, 1, 2},
        {"a\n\n\r\nb", LM_MERGE_CSV, 1, 2},
        {"\xef\xbb\xbf\"a\nb\",c\n1,2\n", LM_MERGE_CSV, 1, 2},
        {"\xef\xbb\xbf", LM_MERGE_CSV, 1, 0},
        {"1,\"x\ny\"\n2,\"\"\"\n\"\"\"\n", LM_MERGE_CSV, 1, 2},
        {"1,a\"b\n2,c\"d\n", LM_MERGE_CSV, 1, 2}, /* no cell begins there */
        {"\"a\"x\n\"\"\n,\"\n\"\n", LM_MERGE_CSV, 1, 3},
        {"a,b\r\n\"c\r\nd\",e\r\n", LM_MERGE_CSV, 2, 2},
        {"a\rb\r\rc", LM_MERGE_CSV, 3, 3},
        {"\"open\nstill", LM_MERGE_CSV, 1, 1},
        {"a\n\nb\n", LM_MERGE_TEXT, 1, 3},
        {"\"a\nb\"\n", LM_MERGE_TEXT, 1, 2},
        {"{}\n\n{\"a\":\"\\n\"}", LM_MERGE_JSONL, 1, 2},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        for (size_t step = 1; step < 20; step++) {
            uint64_t got = count(cases[i].text, cases[i].format, cases[i].end, step);
            if (got != cases[i].rows)
                check_fail(__FILE__, __LINE__, "case %zu by %zu bytes: %d rows", i, step, (int)got);
        }
}

int main(void)
{
    RUN(rows_are_those_that_a_reader_sees);
    return DONE();
}
