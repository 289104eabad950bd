/* Between the files of `lamella inspect`: what is asked for, and the two ways to tell it. */
#ifndef LM_CLI_INSPECT_H
#define LM_CLI_INSPECT_H

#include <lamella/parquet_inspect.h>

#include "cli/cli.h"

typedef struct lm_inspection {
    lm_cli *cli;
    lm_parquet_reader *reader;
    const char *path;
    lm_parquet_file_info file;
    int64_t row_group_first, row_group_end;
    const char *column; /* NULL: all */
    bool pages;
} lm_inspection;

/* Whether a column is asked for: it is that one, or lies in that group. */
LM_MUST_USE bool lm__inspect_wants(const lm_inspection *asked, int32_t column);

LM_MUST_USE lm_status lm__inspect_text(const lm_inspection *asked, lm_error *error);
LM_MUST_USE lm_status lm__inspect_json(const lm_inspection *asked, lm_error *error);

/* Room for a text that is shown: paths and values are cut there. */
#define LM_INSPECT_TEXT_MAX 1024

#endif
