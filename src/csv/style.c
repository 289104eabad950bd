/* The options of the writer, checked and filled in. */
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/limits.h"
#include "base/number.h"
#include "csv/cells.h"

static lm_status check_character(char c, const char *what, lm_error *error)
{
    if ((signed char)c > 0 && c != '\n' && c != '\r') return LM_OK;
    return lm__error_set(error, LM_INVALID,
                         "the %s of a CSV is one ASCII character that ends no line", what);
}

static lm_status check_word(const char **text, const char *standard, lm_error *error)
{
    if (!*text) *text = standard;
    if (strlen(*text) <= LM_CSV_WORD_BYTES_MAX) return LM_OK;
    return lm__error_set(error, LM_LIMIT,
                         "the texts of null, true, false and NaN have at most %d bytes each",
                         LM_CSV_WORD_BYTES_MAX);
}

static lm_status read_zone(lm_arena *arena, lm_csv_style *style, const char *zone, lm_error *error)
{
    if (!zone || strcmp(zone, "UTC") == 0 || strcmp(zone, "Z") == 0) return LM_OK;
    style->own_zones = strcmp(zone, "column") == 0;
    return style->own_zones ? LM_OK : lm__csv_zone_load(arena, zone, &style->zone, error);
}

/* The null text stands without quotes. */
static lm_status check_null_text(const lm_csv_style *style, lm_error *error)
{
    for (const char *at = style->null_text; *at; at++)
        if (style->special[(uint8_t)*at])
            return lm__error_set(error, LM_INVALID,
                                 "the text of nulls, '%s', would need quotes, and a null has none",
                                 style->null_text);
    return LM_OK;
}

lm_status lm__csv_style_init(lm_arena *arena, lm_csv_style *style,
                             const lm_csv_write_options *given, lm_error *error)
{
    memset(style, 0, sizeof *style);
    if (given) style->options = *given;
    lm_csv_write_options *options = &style->options;
    style->separator = options->separator ? options->separator : ',';
    style->quote = options->quote ? options->quote : '"';
    style->escape = options->escape;
    LM_TRY(check_character(style->separator, "separator", error));
    LM_TRY(check_character(style->quote, "quote character", error));
    if (style->escape) LM_TRY(check_character(style->escape, "escape character", error));
    if (style->separator == style->quote || style->separator == style->escape)
        return lm__error_set(error, LM_INVALID,
                             "the separator is neither the quote nor the escape character");
    if (style->escape == style->quote) style->escape = 0; /* that is doubling */
    LM_TRY(check_word(&options->null_text, "", error));
    LM_TRY(check_word(&options->true_text, "true", error));
    LM_TRY(check_word(&options->false_text, "false", error));
    LM_TRY(check_word(&options->nan_text, "nan", error));
    if (options->float_places < 0 || options->float_places > LM_FIXED_PLACES_MAX)
        return lm__error_set(error, LM_INVALID, "floats have 0 to %d places after the point",
                             LM_FIXED_PLACES_MAX);
    if (options->date_format) LM_TRY(lm__csv_time_check(options->date_format, LM_CSV_DATE, error));
    if (options->time_format) LM_TRY(lm__csv_time_check(options->time_format, LM_CSV_TIME, error));
    if (options->timestamp_format)
        LM_TRY(lm__csv_time_check(options->timestamp_format, LM_CSV_TIMESTAMP, error));
    LM_TRY(read_zone(arena, style, options->timezone, error));
    style->null_text = options->null_text;
    style->null_size = strlen(options->null_text);
    style->line_end = options->crlf ? "\r\n" : "\n";
    style->line_end_size = options->crlf ? 2 : 1;
    style->special[(uint8_t)style->separator] = true;
    style->special[(uint8_t)style->quote] = true;
    style->special['\n'] = style->special['\r'] = true;
    if (style->escape) style->special[(uint8_t)style->escape] = true;
    return check_null_text(style, error);
}
