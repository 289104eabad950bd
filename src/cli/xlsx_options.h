/* How XLSX is written, for put. What CSV has options for as well (--no-header, --binary, --nested,
 * --compression-level) is taken from there. */
#ifndef LM_CLI_XLSX_OPTIONS_H
#define LM_CLI_XLSX_OPTIONS_H

#include <lamella/io.h>

#include "cli/csv_options.h"

typedef struct lm_cli_xlsx {
    const char *sheet_name, *table;
    int exact, nonfinite; /* places in their choices */
    bool split, plain_header, no_freeze, no_widths, filter, cut;
    lm_cli_pairs sheets, formats, kinds, widths;
} lm_cli_xlsx;

extern const lm_cli_option lm__cli_xlsx_options[];

/* What the options say, made of one or several sheets. */
typedef struct lm_cli_workbook {
    lm_xlsx_options file;
    lm_xlsx_sheet_options sheet;
    lm_xlsx_column *columns;
    lm_xlsx_sheet_options *sheet_options; /* one for each of `sheets` */
    lm_put_sheet *sheets;
    size_t sheet_count;
} lm_cli_workbook;

LM_MUST_USE lm_status lm__cli_workbook_read(const lm_cli_xlsx *settings, const lm_cli_csv *csv,
                                            int threads, lm_cli_workbook *workbook,
                                            lm_error *error);
void lm__cli_workbook_free(lm_cli_workbook *workbook);

#endif
