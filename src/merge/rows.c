/* Rows, by line ends outside quotes; see rows.h. */
#include "merge/rows.h"

#include <string.h>

void lm__rows_init(lm_rows *rows, lm_merge_format format, char quote, char separator,
                   lm_merge_line_end line_end)
{
    *rows = (lm_rows){
        .csv = format == LM_MERGE_CSV && quote != 0,
        .keeps_empty = format == LM_MERGE_TEXT,
        .quote = quote,
        .separator = separator,
        .end = line_end == LM_MERGE_LINE_CR ? '\r' : '\n',
        .opens = true,
    };
}

/* Is it an empty line that ends so? (CR LF: the CR is no contents.) */
static void end_line(lm_rows *rows)
{
    rows->count += rows->within || rows->keeps_empty;
    rows->within = false;
    rows->opens = true;
}

static void add_plain(lm_rows *rows, const uint8_t *text, size_t size)
{
    const uint8_t *end = text + size;
    while (text < end) {
        const uint8_t *found = memchr(text, rows->end, (size_t)(end - text));
        const uint8_t *stop = found ? found : end;
        bool only_cr = stop - text == 1 && *text == '\r' && rows->end == '\n';
        if (stop > text && !only_cr) rows->within = true;
        if (!found) break;
        end_line(rows);
        text = found + 1;
    }
}

/* Byte for byte; text without quotes does not come here. */
static void add_quoted(lm_rows *rows, const uint8_t *text, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        char c = (char)text[i];
        if (rows->quoted) {
            rows->quoted = c != rows->quote; /* of two in a row the second opens it again */
            rows->opens = !rows->quoted;
        } else if (c == rows->end) {
            end_line(rows);
        } else {
            rows->quoted = c == rows->quote && rows->opens;
            rows->within = rows->within || c != '\r';
            rows->opens = c == rows->separator;
        }
    }
}

void lm__rows_add(lm_rows *rows, const uint8_t *text, size_t size)
{
    if (size == 0) return;
    for (; rows->mark < 3 && size > 0; text++, size--) {
        if (*text != (uint8_t) "\xef\xbb\xbf"[rows->mark]) {
            rows->mark = 3;
            break;
        }
        rows->mark++;
    }
    if (!rows->csv) {
        add_plain(rows, text, size);
        return;
    }
    while (size > 0) {
        const uint8_t *quote = memchr(text, rows->quote, size);
        size_t plain = quote ? (size_t)(quote - text) : size;
        if (rows->quoted) {
            plain = 0;      /* up to and with the quote that closes */
        } else if (quote) { /* up to the line that it stands on */
            while (plain > 0 && (char)text[plain - 1] != rows->end) plain--;
        }
        if (plain > 0 && !rows->within) {
            add_plain(rows, text, plain);
            if (rows->within) rows->opens = (char)text[plain - 1] == rows->separator;
        } else {
            const uint8_t *next = memchr(text, rows->end, size);
            plain = next ? (size_t)(next - text) + 1 : size;
            add_quoted(rows, text, plain);
        }
        text += plain;
        size -= plain;
    }
}

uint64_t lm__rows_total(const lm_rows *rows)
{
    return rows->count + (rows->within || rows->quoted);
}
