/* The options of reading; see reading.h. */
#include "cli/reading.h"

#include <string.h>

#include "arrow/text.h"
#include "base/alloc.h"
#include "base/error.h"
#include "base/limits.h"
#include "cli/csv_options.h"
#include "store/place.h"

/* In the order of lm_format. */
static const char *const formats[] = {"auto", "parquet", "arrow", "arrows", "jsonl", "csv", NULL};
static const char *const headers[] = {"auto", "yes", "no", NULL};
static const char *const raggeds[] = {"refuse", "pad", "skip", NULL};
static const char *const typings[] = {"sample", "all", "text", NULL};
enum { TYPES_BY_ALL = 1, TYPES_ARE_TEXT = 2 };

static const char *const int96_units[] = {"ns", "us", "ms", NULL};
static const int int96_per_second[] = {0, 1000000, 1000};

const lm_cli_option lm__cli_reading_options[] = {
    {"from", LM_CLI_CHOICE, offsetof(lm_cli_reading, from), "auto|parquet|arrow|arrows|jsonl|csv",
     "The format of what is read; auto (the default) goes by its first bytes, then by its suffix.",
     formats},
    {"read-schema", LM_CLI_TEXT, offsetof(lm_cli_reading, schema), "TEXT|@PATH",
     "What the table is (docs/schema-text.md; @PATH is a file that has it, or a table that has it "
     "for its own): formats without types are read so, of others the "
     "columns are converted where nothing is lost. Columns that it has not are left out.",
     NULL},
    {"read-types", LM_CLI_TEXT, offsetof(lm_cli_reading, types), "TEXT|@PATH",
     "Types of some columns of CSV and JSON lines, in the same form; those of the others are found "
     "out.",
     NULL},
    {"columns", LM_CLI_TEXT, offsetof(lm_cli_reading, columns), "NAME,...",
     "Only these columns, in this order; a.b is the field b of the struct a. A comma or a "
     "backslash that belongs to a name has a backslash before it.",
     NULL},
    {"where", LM_CLI_TEXT, offsetof(lm_cli_reading, where), "CONDITION",
     "Only rows for which this is true (docs/expressions.md): \"amount > 10 and city in ('Oslo', "
     "'Bergen')\". --limit and --offset count what it leaves.",
     NULL},
    {"limit", LM_CLI_COUNT, offsetof(lm_cli_reading, limit), "N", "The most rows.", NULL},
    {"offset", LM_CLI_COUNT, offsetof(lm_cli_reading, offset), "N",
     "Rows that are passed over before the first.", NULL},
    {"version", LM_CLI_COUNT, offsetof(lm_cli_reading, version), "N",
     "Of a table (docs/tables.md): as it was at this version.", NULL},
    {"as-of", LM_CLI_TEXT, offsetof(lm_cli_reading, as_of), "TIME",
     "Of a table: as it was at this time: 2026-01-31, or 2026-01-31T12:00:00Z (without a zone, "
     "UTC).",
     NULL},
    {"read-page-bytes", LM_CLI_COUNT, offsetof(lm_cli_reading, page_bytes), "N",
     "Of Parquet that is read: the most bytes of one page, decompressed; 1 GiB and a sixteenth by "
     "default.",
     NULL},
    {"int96", LM_CLI_CHOICE, offsetof(lm_cli_reading, int96), "ns|us|ms",
     "Of Parquet that is read: the unit of times of 96 bits, which is ns for the old INT96 and "
     "TIMESTAMP's own in 12 bytes; ns reaches from 1677 to 2262, and times outside need a coarser "
     "one.",
     int96_units},
    {"csv-separator", LM_CLI_TEXT, offsetof(lm_cli_reading, csv.separator), "CHAR",
     "Of CSV that is read: what separates cells; `tab` is a tab. Found out by default, as is the "
     "quote.",
     NULL},
    {"csv-quote", LM_CLI_TEXT, offsetof(lm_cli_reading, csv.quote), "CHAR",
     "The quote character; `none` takes quotes as text.", NULL},
    {"csv-escape", LM_CLI_TEXT, offsetof(lm_cli_reading, csv.escape), "CHAR",
     "A character that takes the next one as it is; none by default.", NULL},
    {"csv-header", LM_CLI_CHOICE, offsetof(lm_cli_reading, csv.header), "auto|yes|no",
     "Whether the first row has the columns' names; auto: unless a cell of it is a number or a "
     "date (docs/csv.md).",
     headers},
    {"csv-null", LM_CLI_TEXT, offsetof(lm_cli_reading, csv.nulls), "TEXT,...",
     "Cells that are null when they are not quoted, besides empty ones.", NULL},
    {"csv-types", LM_CLI_CHOICE, offsetof(lm_cli_reading, csv.types), "sample|all|text",
     "What columns' types are found out by: the first rows (the default; a later value that does "
     "not fit is an error), all rows, or not at all: all columns are text.",
     typings},
    {"csv-ragged", LM_CLI_CHOICE, offsetof(lm_cli_reading, csv.ragged), "refuse|pad|skip",
     "Rows with more or fewer cells than the first: an error (the default), missing cells are "
     "null, or such rows are left out and counted.",
     raggeds},
    {"csv-replace-invalid", LM_CLI_FLAG, offsetof(lm_cli_reading, csv.replace_invalid), NULL,
     "What is not UTF-8 becomes U+FFFD, instead of an error.", NULL},
    {"csv-skip-lines", LM_CLI_COUNT, offsetof(lm_cli_reading, csv.skip_lines), "N",
     "Pass over so many lines at the beginning: a title, remarks.", NULL},
    {"csv-row-bytes", LM_CLI_COUNT, offsetof(lm_cli_reading, csv.row_bytes), "N",
     "The most bytes of one row, 64 MiB by default.", NULL},
    {NULL},
};

/* What of the options of CSV must outlive the command line's reading. */
typedef struct csv_reading {
    lm_csv_read_options options; /* first */
    lm_csv_report report;
    char *nulls; /* the texts of options.null_texts */
} csv_reading;

static lm_status read_nulls(const char *text, csv_reading *csv, lm_error *error)
{
    size_t size = strlen(text), count = 0;
    csv->nulls = lm__strdup(NULL, text);
    const char **texts = lm__alloc_array(NULL, size + 2, sizeof *texts);
    csv->options.null_texts = texts;
    if (!csv->nulls || !texts) return lm__error_memory(error, "reading the command line");
    texts[count++] = "";
    for (char *at = csv->nulls; at;) {
        texts[count++] = at;
        at = strchr(at, ',');
        if (at) *at++ = '\0';
    }
    csv->options.null_count = count;
    return LM_OK;
}

static lm_status read_csv(const lm_cli_csv_reading *given, lm_scan_options *options,
                          lm_error *error)
{
    csv_reading *csv = lm__alloc_zero(NULL, sizeof *csv);
    if (!csv) return lm__error_memory(error, "reading the command line");
    options->csv = &csv->options;
    csv->options.header = (lm_csv_header)given->header;
    csv->options.ragged = (lm_csv_ragged)given->ragged;
    csv->options.all_text = given->types == TYPES_ARE_TEXT;
    csv->options.whole_sample = given->types == TYPES_BY_ALL;
    csv->options.replace_invalid = given->replace_invalid;
    csv->options.row_bytes_max = (size_t)given->row_bytes;
    csv->options.lines_skipped = (size_t)given->skip_lines;
    csv->options.report = &csv->report;
    csv->options.no_quotes = given->quote && strcmp(given->quote, "none") == 0;
    LM_TRY(lm__cli_character(given->separator, "csv-separator", &csv->options.separator, error));
    if (!csv->options.no_quotes)
        LM_TRY(lm__cli_character(given->quote, "csv-quote", &csv->options.quote, error));
    LM_TRY(lm__cli_character(given->escape, "csv-escape", &csv->options.escape, error));
    return given->nulls ? read_nulls(given->nulls, csv, error) : LM_OK;
}

/* "a,b\,c" becomes "a" and "b,c". */
static lm_status split_columns(const char *text, lm_scan_options *options, lm_error *error)
{
    size_t size = strlen(text), count = 0;
    char *names = lm__alloc(NULL, size + 1), *to = names;
    const char **columns = lm__alloc_array(NULL, size + 1, sizeof *columns);
    if (!names || !columns) {
        lm__free(NULL, names);
        lm__free(NULL, columns);
        return lm__error_memory(error, "reading the command line");
    }
    columns[count++] = to;
    for (; *text; text++) {
        if (*text == '\\' && (text[1] == ',' || text[1] == '\\')) {
            *to++ = *++text;
        } else if (*text == ',') {
            *to++ = '\0';
            columns[count++] = to;
        } else {
            *to++ = *text;
        }
    }
    *to = '\0';
    options->columns = columns;
    options->column_count = count;
    return LM_OK;
}

lm_status lm__cli_time(const char *text, const char *option, int64_t *time_ms, lm_error *error)
{
    bool zoned;
    if (lm__text_to_timestamp(text, strlen(text), LM_UNIT_MICRO, time_ms, &zoned) == LM_TEXT_OK) {
        *time_ms = *time_ms / 1000 - (*time_ms % 1000 < 0);
        return LM_OK;
    }
    return lm__error_set(error, LM_INVALID,
                         "--%s: \"%s\" is no time: 2026-01-31, or 2026-01-31T12:00:00Z", option,
                         text);
}

static lm_status read_at(const lm_cli_reading *settings, lm_scan_options *options, lm_error *error)
{
    options->has_version = settings->version != UINT64_MAX;
    options->has_time = settings->as_of != NULL;
    if (options->has_version && options->has_time)
        return lm__error_set(error, LM_INVALID, "--version and --as-of: one of them");
    if (options->has_version && settings->version > INT64_MAX)
        return lm__error_set(error, LM_INVALID, "--version: beyond 2^63");
    options->version = (int64_t)settings->version;
    if (!options->has_time) return LM_OK;
    return lm__cli_time(settings->as_of, "as-of", &options->time_ms, error);
}

/* The schema that the table at `path` has. */
static lm_status schema_of_table(const lm_cli *cli, const char *path, lm_schema **schema,
                                 lm_error *error)
{
    const lm_scan_options how = {
        .without_rows = true, .storage = &cli->storage, .cancel = cli->cancel};
    struct ArrowSchema exported;
    lm_scan *scan;
    LM_TRY(lm_scan_open(path, &how, &scan, error));
    lm_status status = lm_scan_schema(scan, &exported, error);
    if (status == LM_OK) status = lm_schema_import_take(NULL, &exported, schema, error);
    lm_scan_close(scan);
    return status;
}

lm_status lm__cli_read_schema(const lm_cli *cli, const char *text, lm_schema **schema,
                              lm_error *error)
{
    lm_store *store;
    uint8_t *data;
    size_t size;
    if (text[0] != '@') return lm_schema_parse(NULL, text, strlen(text), schema, error);
    const char *path = text + 1;
    if (lm_format_of_path(path) != LM_FORMAT_AUTO) return schema_of_table(cli, path, schema, error);
    LM_TRY(lm__store_for(NULL, path, &cli->storage, &store, &path, error));
    lm_status status =
        lm__store_read(store, path, NULL, LM_ARROW_TEXT_BYTES_MAX, &data, &size, error);
    lm__store_close(store);
    LM_TRY(status);
    status = lm_schema_parse(NULL, (const char *)data, size, schema, error);
    lm__free(NULL, data);
    return status == LM_OK ? LM_OK : lm__error_within(error, status, "%s", text + 1);
}

lm_status lm__cli_scan_options(const lm_cli *cli, const lm_cli_reading *settings,
                               lm_scan_options *options, lm_error *error)
{
    *options = (lm_scan_options){
        .format = (lm_format)settings->from,
        .offset = settings->offset,
        .limit = settings->limit,
        .limited = settings->limit != UINT64_MAX,
        .page_bytes_max = (size_t)settings->page_bytes,
        .int96_per_second = int96_per_second[settings->int96],
        .storage = &cli->storage,
        .cancel = cli->cancel,
    };
    if (settings->schema) {
        lm_status status = lm__cli_read_schema(cli, settings->schema, &options->schema, error);
        if (status != LM_OK) return lm__error_within(error, status, "--read-schema");
    }
    if (settings->types) {
        lm_status status = lm__cli_read_schema(cli, settings->types, &options->types, error);
        if (status != LM_OK) return lm__error_within(error, status, "--read-types");
    }
    LM_TRY(read_at(settings, options, error));
    LM_TRY(read_csv(&settings->csv, options, error));
    if (settings->columns) LM_TRY(split_columns(settings->columns, options, error));
    if (!settings->where) return LM_OK;
    lm_status status =
        lm_expr_parse(NULL, settings->where, strlen(settings->where), &options->filter, error);
    return status == LM_OK ? LM_OK : lm__error_within(error, status, "--where");
}

void lm__cli_scan_options_free(lm_scan_options *options)
{
    csv_reading *csv = (csv_reading *)(void *)options->csv;
    if (csv && csv->report.rows_skipped > 0)
        lm__cli_warn(
            "warning: %llu rows with more or fewer cells than the first were left out, the "
            "first of them in line %llu",
            (unsigned long long)csv->report.rows_skipped,
            (unsigned long long)csv->report.first_skipped_line);
    if (csv) lm__free(NULL, (void *)csv->options.null_texts);
    if (csv) lm__free(NULL, csv->nulls);
    lm__free(NULL, csv);
    if (options->columns) lm__free(NULL, (void *)options->columns[0]); /* all the names */
    lm__free(NULL, (void *)options->columns);
    lm_expr_free(options->filter);
    lm_schema_free(options->schema);
    lm_schema_free(options->types);
}

lm_status lm__cli_source(const lm_cli *cli, const char *path, lm_source **source, lm_error *error)
{
    lm_store *store;
    LM_TRY(lm__store_for(NULL, path, &cli->storage, &store, &path, error));
    lm_status status = lm__store_open(store, path, source, error);
    lm__store_close(store);
    return status;
}

bool lm__cli_reading_is_part(const lm_cli_reading *settings)
{
    return settings->schema || settings->columns || settings->where ||
           settings->limit != UINT64_MAX || settings->offset;
}

bool lm__cli_reading_filters(const lm_cli_reading *settings) { return settings->where != NULL; }
