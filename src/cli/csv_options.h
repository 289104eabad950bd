/* How CSV is written, for the commands that write it: put and cat. */
#ifndef LM_CLI_CSV_OPTIONS_H
#define LM_CLI_CSV_OPTIONS_H

#include <lamella/csv.h>

#include "cli/option.h"

typedef struct lm_cli_csv {
    const char *separator, *quote, *escape;
    int quoting, binary, nested, compression; /* places in their choices */
    bool crlf, bom, no_header, guard_formulas;
    const char *null_text, *true_text, *false_text, *nan_text;
    const char *float_places, *level;
    const char *date_format, *time_format, *timestamp_format, *timezone;
} lm_cli_csv;

/* One character, or `tab`; *out stays as it is where `text` is NULL. */
LM_MUST_USE lm_status lm__cli_character(const char *text, const char *option, char *out,
                                        lm_error *error);

extern const lm_cli_option lm__cli_csv_options[];

/* `options` borrows from the settings. */
LM_MUST_USE lm_status lm__cli_csv(const lm_cli_csv *settings, lm_csv_write_options *options,
                                  lm_error *error);

#endif
