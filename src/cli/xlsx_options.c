/* Options of XLSX; see xlsx_options.h. */
#include "cli/xlsx_options.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/error.h"

/* In the order of the enumerations. */
static const char *const exacts[] = {"auto", "text", "number", NULL};
static const char *const nonfinites[] = {"blank", "error", "refuse", NULL};

const lm_cli_option lm__cli_xlsx_options[] = {
    {"sheet", LM_CLI_PAIRS, offsetof(lm_cli_xlsx, sheets), "NAME=SRC ...",
     "A sheet of this name with the table SRC; with several, in this order. Then DST is the only "
     "word. A name with spaces is written --sheet='NAME=SRC'.",
     NULL},
    {"sheet-name", LM_CLI_TEXT, offsetof(lm_cli_xlsx, sheet_name), "NAME",
     "The name of the one sheet, data by default.", NULL},
    {"split-sheets", LM_CLI_FLAG, offsetof(lm_cli_xlsx, split), NULL,
     "Rows past the 1,048,576 of a sheet go to further sheets, \"NAME (2)\" and so on; without "
     "this they are an error.",
     NULL},
    {"plain-header", LM_CLI_FLAG, offsetof(lm_cli_xlsx, plain_header), NULL,
     "The header is not in bold.", NULL},
    {"no-freeze", LM_CLI_FLAG, offsetof(lm_cli_xlsx, no_freeze), NULL,
     "The header scrolls away with the rows.", NULL},
    {"no-widths", LM_CLI_FLAG, offsetof(lm_cli_xlsx, no_widths), NULL,
     "Leave the widths of columns to the program; without this a sample of the rows settles them.",
     NULL},
    {"auto-filter", LM_CLI_FLAG, offsetof(lm_cli_xlsx, filter), NULL,
     "Buttons on the header, to filter and sort by.", NULL},
    {"excel-table", LM_CLI_TEXT, offsetof(lm_cli_xlsx, table), "NAME",
     "Make the rows an Excel table of this name.", NULL},
    {"exact", LM_CLI_CHOICE, offsetof(lm_cli_xlsx, exact), "auto|text|number",
     "64-bit integers and decimals: auto (the default) writes those as text that a number would "
     "round, text all of them, number none.",
     exacts},
    {"nonfinite", LM_CLI_CHOICE, offsetof(lm_cli_xlsx, nonfinite), "blank|error|refuse",
     "NaN and infinities: blank and the texts inf and -inf (the default), #NUM! and #DIV/0!, or an "
     "error.",
     nonfinites},
    {"cut-text", LM_CLI_FLAG, offsetof(lm_cli_xlsx, cut), NULL,
     "Cut texts of more than the 32,767 characters that a cell holds; without this they are an "
     "error.",
     NULL},
    {"number-format", LM_CLI_PAIRS, offsetof(lm_cli_xlsx, formats), "COLUMN=FORMAT ...",
     "The number format of a column, as Excel has it: 0.00, #,##0, dd.mm.yyyy.", NULL},
    {"type-format", LM_CLI_PAIRS, offsetof(lm_cli_xlsx, kinds), "KIND=FORMAT ...",
     "The number format of all columns of a kind that have none of their own: integer, float, "
     "decimal, date, timestamp, time or duration.",
     NULL},
    {"column-width", LM_CLI_PAIRS, offsetof(lm_cli_xlsx, widths), "COLUMN=N ...",
     "The width of a column, in characters.", NULL},
    {NULL},
};

static lm_xlsx_column *column_of(lm_cli_workbook *workbook, const char *name)
{
    lm_xlsx_sheet_options *sheet = &workbook->sheet;
    for (size_t i = 0; i < sheet->column_count; i++)
        if (strcmp(workbook->columns[i].name, name) == 0) return &workbook->columns[i];
    lm_xlsx_column *column = &workbook->columns[sheet->column_count++];
    *column = (lm_xlsx_column){.name = name};
    return column;
}

static lm_status read_columns(const lm_cli_xlsx *settings, lm_cli_workbook *workbook,
                              lm_error *error)
{
    size_t most = settings->formats.count + settings->widths.count;
    workbook->columns = lm__alloc_array(NULL, most + 1, sizeof *workbook->columns);
    if (!workbook->columns) return lm__error_memory(error, "reading the command line");
    workbook->sheet.columns = workbook->columns;
    for (size_t i = 0; i < settings->formats.count; i++) {
        const char *format = lm__cli_pair_value(settings->formats.items[i]);
        column_of(workbook, settings->formats.items[i])->format = format;
    }
    for (size_t i = 0; i < settings->widths.count; i++) {
        char *end, *text = lm__cli_pair_value(settings->widths.items[i]);
        double width = strtod(text, &end);
        if (end == text || *end || !(width > 0 && width <= 255))
            return lm__error_set(error, LM_INVALID,
                                 "--column-width %s=%s: a width is a number from 1 to 255",
                                 settings->widths.items[i], text);
        column_of(workbook, settings->widths.items[i])->width = width;
    }
    return LM_OK;
}

static lm_status read_kinds(const lm_cli_xlsx *settings, lm_xlsx_sheet_options *sheet,
                            lm_error *error)
{
    const struct {
        const char *name;
        const char **format;
    } kinds[] = {{"integer", &sheet->integer_format},     {"float", &sheet->float_format},
                 {"decimal", &sheet->decimal_format},     {"date", &sheet->date_format},
                 {"timestamp", &sheet->timestamp_format}, {"time", &sheet->time_format},
                 {"duration", &sheet->duration_format}};
    for (size_t i = 0; i < settings->kinds.count; i++) {
        const char *format = lm__cli_pair_value(settings->kinds.items[i]);
        const char *name = settings->kinds.items[i]; /* ends there now */
        size_t at = 0, count = sizeof kinds / sizeof *kinds;
        while (at < count && strcmp(kinds[at].name, name) != 0) at++;
        if (at == count)
            return lm__error_set(error, LM_INVALID,
                                 "--type-format %s: a kind is integer, float, decimal, date, "
                                 "timestamp, time or duration",
                                 name);
        *kinds[at].format = format;
    }
    return LM_OK;
}

static lm_status read_sheets(const lm_cli_xlsx *settings, lm_cli_workbook *workbook,
                             lm_error *error)
{
    size_t count = settings->sheets.count;
    if (count && settings->sheet_name)
        return lm__error_set(error, LM_INVALID, "--sheet names its sheet; leave --sheet-name out");
    workbook->sheets = lm__alloc_zero(NULL, (count + 1) * sizeof *workbook->sheets);
    workbook->sheet_options = lm__alloc_array(NULL, count + 1, sizeof *workbook->sheet_options);
    if (!workbook->sheets || !workbook->sheet_options)
        return lm__error_memory(error, "reading the command line");
    for (size_t i = 0; i < count; i++) {
        workbook->sheets[i].source = lm__cli_pair_value(settings->sheets.items[i]);
        workbook->sheets[i].options = &workbook->sheet_options[i];
        workbook->sheet_options[i] = workbook->sheet;
        workbook->sheet_options[i].name = settings->sheets.items[i];
    }
    workbook->sheet_count = count;
    return LM_OK;
}

lm_status lm__cli_workbook_read(const lm_cli_xlsx *settings, const lm_cli_csv *csv, int threads,
                                lm_cli_workbook *workbook, lm_error *error)
{
    *workbook =
        (lm_cli_workbook){.file = {.threads = threads, .level = csv->level ? atoi(csv->level) : 0},
                          .sheet = {.name = settings->sheet_name,
                                    .no_header = csv->no_header,
                                    .plain_header = settings->plain_header,
                                    .no_freeze = settings->no_freeze,
                                    .no_widths = settings->no_widths,
                                    .filter = settings->filter,
                                    .table = settings->table,
                                    .split = settings->split,
                                    .cut = settings->cut,
                                    .refuse_nested = csv->nested != 0,
                                    .exact = (lm_xlsx_exact)settings->exact,
                                    .nonfinite = (lm_xlsx_nonfinite)settings->nonfinite,
                                    .binary = (lm_xlsx_binary)csv->binary}};
    LM_TRY(read_columns(settings, workbook, error));
    LM_TRY(read_kinds(settings, &workbook->sheet, error));
    return read_sheets(settings, workbook, error);
}

void lm__cli_workbook_free(lm_cli_workbook *workbook)
{
    lm__free(NULL, workbook->columns);
    lm__free(NULL, workbook->sheet_options);
    lm__free(NULL, workbook->sheets);
}
