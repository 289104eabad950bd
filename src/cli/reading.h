/* What the commands that read tables share: put, cat, head, count and schema. */
#ifndef LM_CLI_READING_H
#define LM_CLI_READING_H

#include <lamella/scan.h>

#include "cli/cli.h"

/* How CSV is read. */
typedef struct lm_cli_csv_reading {
    const char *separator, *quote, *escape, *nulls;
    int header, types, ragged; /* places in their choices */
    bool replace_invalid;
    uint64_t row_bytes, skip_lines;
} lm_cli_csv_reading;

/* Settings of what is read of a table. */
typedef struct lm_cli_reading {
    int from; /* lm_format */
    const char *columns, *where, *schema, *types;
    uint64_t limit, offset; /* limit UINT64_MAX: all */
    uint64_t page_bytes;
    int int96; /* place in its choices */
    const char *as_of;
    uint64_t version; /* UINT64_MAX: the last */
    lm_cli_csv_reading csv;
} lm_cli_reading;

#define LM_CLI_READING_DEFAULTS                                                                    \
    {                                                                                              \
        .limit = UINT64_MAX, .version = UINT64_MAX                                                 \
    }

extern const lm_cli_option lm__cli_reading_options[];

/* A date, or a time, in UTC unless it says a zone. */
LM_MUST_USE lm_status lm__cli_time(const char *text, const char *option, int64_t *time_ms,
                                   lm_error *error);
/* The schema of an option: its text, or, after an @, the path of a file that has such a text or of
 * a table that has the schema. */
LM_MUST_USE lm_status lm__cli_read_schema(const lm_cli *cli, const char *text, lm_schema **schema,
                                          lm_error *error);

/* Fills `options`, which must be given back, on failure too. */
LM_MUST_USE lm_status lm__cli_scan_options(const lm_cli *cli, const lm_cli_reading *settings,
                                           lm_scan_options *options, lm_error *error);

/* Also says how many rows of CSV were left out. */
void lm__cli_scan_options_free(lm_scan_options *options);

/* The bytes of a file, for what no scan tells. */
LM_MUST_USE lm_status lm__cli_source(const lm_cli *cli, const char *path, lm_source **source,
                                     lm_error *error);

/* Is it not the whole table that is read? And are rows left out by what is in them? */
bool lm__cli_reading_is_part(const lm_cli_reading *settings);
bool lm__cli_reading_filters(const lm_cli_reading *settings);

#endif
