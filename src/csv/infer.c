/*
 * What is found out by a sample: the dialect, and the types of columns.
 *
 * A type is only believed where the text of every value can be had back from it, but for zeros at
 * the end of a fraction and the form of an exponent: "007" and "+1" are text, as are integers that
 * a double would round among floats.
 */
#include <string.h>
#include <strings.h>

#include "arrow/text.h"
#include "base/limits.h"
#include "base/number.h"
#include "csv/read.h"

enum {
    IS_BOOL = 1 << 0,
    IS_INTEGER = 1 << 1,
    IS_FLOAT = 1 << 2,
    IS_DATE = 1 << 3,
    IS_TIME = 1 << 4,
    IS_TIMESTAMP = 1 << 5, /* without a zone */
    IS_INSTANT = 1 << 6,   /* with one */
    FITS_MICRO = 1 << 7,   /* of times and timestamps: no digits below */
    FITS_NANO = 1 << 8,    /* in the range of nanoseconds */
};

static bool is_digit(char c) { return c >= '0' && c <= '9'; }

static bool is_word(const char *text, size_t size, const char *word)
{
    return strlen(word) == size && strncasecmp(text, word, size) == 0;
}

/* -?(0|[1-9][0-9]*), the number of digits in *digits. */
static bool is_integer(const char *text, size_t size, size_t *digits)
{
    size_t at = size > 0 && text[0] == '-', first = at;
    if (at == size || !is_digit(text[at])) return false;
    if (text[at] == '0' && (size > at + 1 || at > 0)) return false;
    while (at < size && is_digit(text[at])) at++;
    *digits = at - first;
    return at == size;
}

static lm_csv_types number_types(const char *text, size_t size)
{
    size_t digits;
    int64_t integer;
    double value;
    if (is_integer(text, size, &digits)) {
        if (lm__text_to_i64(text, size, &integer) != LM_TEXT_OK) return 0;
        bool exact = integer >= -((int64_t)1 << 53) && integer <= (int64_t)1 << 53;
        return IS_INTEGER | (exact ? IS_FLOAT : 0);
    }
    size_t sign = size > 0 && text[0] == '-';
    if (is_word(text, size, "nan") || is_word(text + sign, size - sign, "inf") ||
        is_word(text + sign, size - sign, "infinity"))
        return IS_FLOAT;
    if (size == sign || text[0] == '+') return 0;
    if (text[sign] == '0' && size > sign + 1 && is_digit(text[sign + 1])) return 0;
    if (!lm__double_parse(text, size, &value) || value - value != 0) return 0;
    return IS_FLOAT;
}

bool lm__csv_is_float(const char *text, size_t size)
{
    return (number_types(text, size) & IS_FLOAT) != 0;
}

static lm_csv_types moment_types(const char *text, size_t size)
{
    int64_t value;
    bool zoned;
    lm_csv_types types = 0;
    if (size < 5 || !is_digit(text[0])) return 0;
    if (text[2] == ':') {
        if (lm__text_to_time(text, size, LM_UNIT_NANO, &value) != LM_TEXT_OK) return 0;
        return IS_TIME | FITS_NANO | (value % 1000 == 0 ? FITS_MICRO : 0);
    }
    if (size < 10 || text[4] != '-') return 0;
    lm_text_result nano = lm__text_to_timestamp(text, size, LM_UNIT_NANO, &value, &zoned);
    if (nano == LM_TEXT_OK) types |= FITS_NANO;
    lm_text_result micro = lm__text_to_timestamp(text, size, LM_UNIT_MICRO, &value, &zoned);
    if (micro == LM_TEXT_OK) types |= FITS_MICRO;
    if (!types) return 0;
    if (lm__text_to_date(text, size, &value) == LM_TEXT_OK) return types | IS_DATE | IS_TIMESTAMP;
    return types | (zoned ? IS_INSTANT : IS_TIMESTAMP);
}

static lm_csv_types types_of(const char *text, size_t size)
{
    if (size == 0 || size > LM_CSV_TYPED_BYTES_MAX) return 0;
    char c = text[0];
    if (is_word(text, size, "true") || is_word(text, size, "false")) return IS_BOOL;
    if (!is_digit(c) && c != '-' && c != '.' && c != 'i' && c != 'I' && c != 'n' && c != 'N')
        return 0;
    lm_csv_types types = number_types(text, size);
    return types ? types : moment_types(text, size);
}

lm_csv_types lm__csv_types_narrow(lm_csv_types types, const char *text, size_t size)
{
    return types ? types & types_of(text, size) : 0;
}

bool lm__csv_is_typed(const char *text, size_t size) { return types_of(text, size) != 0; }

lm_type lm__csv_types_best(lm_csv_types types, bool any)
{
    if (!any) return lm__type_make(LM_TYPE_UTF8);
    if (types & IS_BOOL) return lm__type_make(LM_TYPE_BOOL);
    if (types & IS_INTEGER) return lm__type_make(LM_TYPE_INT64);
    if (types & IS_FLOAT) return lm__type_make(LM_TYPE_FLOAT64);
    lm_time_unit unit = types & FITS_MICRO ? LM_UNIT_MICRO : LM_UNIT_NANO;
    if (!(types & (FITS_MICRO | FITS_NANO))) return lm__type_make(LM_TYPE_UTF8);
    if (types & IS_DATE) return lm__type_make(LM_TYPE_DATE32);
    if (types & IS_TIME) return lm__type_temporal(LM_TYPE_TIME64, unit);
    lm_type type = lm__type_temporal(LM_TYPE_TIMESTAMP, unit);
    if (types & IS_TIMESTAMP) return type;
    type.timezone = "UTC";
    return types & IS_INSTANT ? type : lm__type_make(LM_TYPE_UTF8);
}

/* The dialect. */

/* Rows of the sample that have as many cells as the first, at least two; more for quotes that
 * were of use. 0: this dialect does not fit. */
static size_t score(const lm_csv_dialect *dialect, uint8_t *sample, size_t size, bool last,
                    size_t *columns)
{
    size_t at = 0, rows = 0, alike = 0;
    lm_csv_row row;
    *columns = 0;
    while (at < size && rows < LM_CSV_SNIFF_ROWS) {
        if (lm__csv_row_empty(sample, size, at, &at)) continue;
        if (lm__csv_row_walk(dialect, sample, size, at, last, NULL, 0, &row) != LM_CSV_ROW) break;
        if (rows++ == 0) *columns = row.cells;
        alike += row.cells == *columns;
        at = row.end;
    }
    if (rows == 0 || *columns < 2) return 0;
    return alike * 1000 / rows;
}

/* How often the quote stands where one begins or ends a cell. */
static size_t quote_uses(char quote, char separator, const uint8_t *sample, size_t size)
{
    size_t uses = 0;
    for (size_t i = 0; i < size; i++) {
        if ((char)sample[i] != quote) continue;
        char before = i > 0 ? (char)sample[i - 1] : '\n';
        char after = i + 1 < size ? (char)sample[i + 1] : '\n';
        uses += before == separator || before == '\n' || before == '\r' || after == separator ||
                after == '\n' || after == '\r';
    }
    return uses;
}

void lm__csv_sniff(const lm_csv_read_options *options, const uint8_t *sample, size_t size,
                   bool last, lm_csv_dialect *dialect)
{
    static const char separators[] = {',', ';', '\t', '|'};
    size_t best = 0, best_columns = 0;
    *dialect = (lm_csv_dialect){options->separator, options->quote, options->escape};
    if (!dialect->quote && !options->no_quotes) dialect->quote = '"';
    if (options->no_quotes) dialect->quote = 0;
    if (size > LM_CSV_SNIFF_BYTES) {
        size = LM_CSV_SNIFF_BYTES;
        last = false;
    }
    if (!dialect->separator) {
        dialect->separator = ',';
        for (size_t i = 0; i < sizeof separators; i++) {
            lm_csv_dialect tried = {separators[i], dialect->quote, dialect->escape};
            size_t columns, found = score(&tried, (uint8_t *)sample, size, last, &columns);
            if (found > best || (found == best && columns > best_columns)) {
                best = found;
                best_columns = columns;
                dialect->separator = separators[i];
            }
        }
    }
    if (options->quote || options->no_quotes) return;
    /* Apostrophes are frequent in text: they are quotes only where no other are. */
    if (quote_uses('"', dialect->separator, sample, size) == 0 &&
        quote_uses('\'', dialect->separator, sample, size) >= 4) {
        lm_csv_dialect tried = {dialect->separator, '\'', dialect->escape};
        size_t columns, plain_columns;
        size_t with = score(&tried, (uint8_t *)sample, size, last, &columns);
        size_t without = score(dialect, (uint8_t *)sample, size, last, &plain_columns);
        if (with >= without && with > 0) dialect->quote = '\'';
    }
}
