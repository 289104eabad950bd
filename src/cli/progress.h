/*
 * The progress line: bytes and rate on standard error, on a terminal only, for work longer than a
 * second.
 *
 * The work calls _add as it goes, from one thread; the line is drawn at most five times a second
 * and wiped away at the end.
 */
#ifndef LM_CLI_PROGRESS_H
#define LM_CLI_PROGRESS_H

#include "cli/option.h"

typedef struct lm_cli_progress {
    bool wanted, drawn;
    const char *what; /* "reading" */
    uint64_t bytes;
    int64_t started_ns, drawn_ns;
} lm_cli_progress;

/* Settings of --progress. */
typedef struct lm_cli_progress_settings {
    int when; /* 0 auto, 1 always, 2 never */
} lm_cli_progress_settings;

extern const lm_cli_option lm__cli_progress_options[];

void lm__cli_progress_begin(lm_cli_progress *progress, const lm_cli_progress_settings *settings,
                            const char *what);
void lm__cli_progress_add(lm_cli_progress *progress, uint64_t bytes);
void lm__cli_progress_end(lm_cli_progress *progress);

#endif
