/* Options of CSV; see csv_options.h. */
#include "cli/csv_options.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"

/* In the order of the enumerations. */
static const char *const quotings[] = {"minimal", "all", "non-numeric", "none", NULL};
static const char *const binaries[] = {"hex", "base64", "refuse", NULL};
static const char *const nestings[] = {"json", "refuse", NULL};
static const char *const compressions[] = {"auto", "none", "gzip", "zstd", NULL};

const lm_cli_option lm__cli_csv_options[] = {
    {"separator", LM_CLI_TEXT, offsetof(lm_cli_csv, separator), "CHAR",
     "What separates cells: a comma, or a tab where DST ends in .tsv; `tab` is a tab.", NULL},
    {"quote", LM_CLI_TEXT, offsetof(lm_cli_csv, quote), "CHAR",
     "The quote character, \" by default.", NULL},
    {"escape", LM_CLI_TEXT, offsetof(lm_cli_csv, escape), "CHAR",
     "What stands before quotes within quotes; without this they are doubled.", NULL},
    {"quoting", LM_CLI_CHOICE, offsetof(lm_cli_csv, quoting), "minimal|all|non-numeric|none",
     "Which cells are quoted: those that need it (the default), all, all but numbers and booleans, "
     "none (--escape then stands before what would need quotes). Nulls never are.",
     quotings},
    {"no-header", LM_CLI_FLAG, offsetof(lm_cli_csv, no_header), NULL, "No line of column names.",
     NULL},
    {"crlf", LM_CLI_FLAG, offsetof(lm_cli_csv, crlf), NULL, "End lines with CR LF.", NULL},
    {"bom", LM_CLI_FLAG, offsetof(lm_cli_csv, bom), NULL,
     "Begin with a byte order mark (utf-8-sig), by which Excel knows UTF-8.", NULL},
    {"null", LM_CLI_TEXT, offsetof(lm_cli_csv, null_text), "TEXT",
     "The text of nulls; nothing at all by default, while empty text is \"\".", NULL},
    {"true", LM_CLI_TEXT, offsetof(lm_cli_csv, true_text), "TEXT", "The text of true.", NULL},
    {"false", LM_CLI_TEXT, offsetof(lm_cli_csv, false_text), "TEXT", "The text of false.", NULL},
    {"nan", LM_CLI_TEXT, offsetof(lm_cli_csv, nan_text), "TEXT",
     "The text of floats that are no number, nan by default.", NULL},
    {"float-places", LM_CLI_TEXT, offsetof(lm_cli_csv, float_places), "N",
     "Floats with so many places after the point, 0 to 20; without this the shortest text that "
     "reads back equal.",
     NULL},
    {"date-format", LM_CLI_TEXT, offsetof(lm_cli_csv, date_format), "FORMAT",
     "Dates by the letters of strftime (docs/csv.md), as %d.%m.%Y.", NULL},
    {"time-format", LM_CLI_TEXT, offsetof(lm_cli_csv, time_format), "FORMAT", "Times likewise.",
     NULL},
    {"timestamp-format", LM_CLI_TEXT, offsetof(lm_cli_csv, timestamp_format), "FORMAT",
     "Timestamps likewise.", NULL},
    {"timezone", LM_CLI_TEXT, offsetof(lm_cli_csv, timezone), "ZONE",
     "Write timestamps that have a zone in this one: an offset as +02:00, a name as Europe/Berlin, "
     "or `column` for each column's own; UTC by default.",
     NULL},
    {"binary", LM_CLI_CHOICE, offsetof(lm_cli_csv, binary), "hex|base64|refuse",
     "Binary columns: hex digits (the default), base64, or an error.", binaries},
    {"nested", LM_CLI_CHOICE, offsetof(lm_cli_csv, nested), "json|refuse",
     "Lists, structs and maps: JSON (the default), or an error.", nestings},
    {"guard-formulas", LM_CLI_FLAG, offsetof(lm_cli_csv, guard_formulas), NULL,
     "Put a ' before text that a spreadsheet would run as a formula.", NULL},
    {"compression", LM_CLI_CHOICE, offsetof(lm_cli_csv, compression), "auto|none|gzip|zstd",
     "Compress CSV and JSON lines; auto (the default) goes by the suffix of DST, .gz or .zst.",
     compressions},
    {"compression-level", LM_CLI_TEXT, offsetof(lm_cli_csv, level), "N",
     "The level of the compression.", NULL},
    {NULL},
};

lm_status lm__cli_character(const char *text, const char *option, char *out, lm_error *error)
{
    if (!text) return LM_OK;
    if (strcmp(text, "tab") == 0 || strcmp(text, "\\t") == 0) text = "\t";
    if (strlen(text) != 1)
        return lm__error_set(error, LM_INVALID, "--%s %s: one character is wanted", option, text);
    *out = *text;
    return LM_OK;
}

static lm_status read_number(const char *text, const char *option, int *out, lm_error *error)
{
    char *end;
    long number = strtol(text, &end, 10);
    if (end == text || *end || number < -1000000 || number > 1000000)
        return lm__error_set(error, LM_INVALID, "--%s %s: a number is wanted", option, text);
    *out = (int)number;
    return LM_OK;
}

lm_status lm__cli_csv(const lm_cli_csv *settings, lm_csv_write_options *options, lm_error *error)
{
    *options = (lm_csv_write_options){
        .no_header = settings->no_header,
        .quoting = (lm_csv_quoting)settings->quoting,
        .crlf = settings->crlf,
        .bom = settings->bom,
        .null_text = settings->null_text,
        .true_text = settings->true_text,
        .false_text = settings->false_text,
        .nan_text = settings->nan_text,
        .date_format = settings->date_format,
        .time_format = settings->time_format,
        .timestamp_format = settings->timestamp_format,
        .timezone = settings->timezone,
        .binary = (lm_csv_binary)settings->binary,
        .nested = (lm_csv_nested)settings->nested,
        .guard_formulas = settings->guard_formulas,
        .compression = (lm_csv_compression)settings->compression,
    };
    LM_TRY(lm__cli_character(settings->separator, "separator", &options->separator, error));
    LM_TRY(lm__cli_character(settings->quote, "quote", &options->quote, error));
    LM_TRY(lm__cli_character(settings->escape, "escape", &options->escape, error));
    options->float_fixed = settings->float_places != NULL;
    if (settings->float_places)
        LM_TRY(read_number(settings->float_places, "float-places", &options->float_places, error));
    options->level_set = settings->level != NULL;
    if (!settings->level) return LM_OK;
    return read_number(settings->level, "compression-level", &options->level, error);
}
