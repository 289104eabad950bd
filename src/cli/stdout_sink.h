/* Standard output as a sink: for the commands whose result is a stream of bytes. */
#ifndef LM_CLI_STDOUT_SINK_H
#define LM_CLI_STDOUT_SINK_H

#include <lamella/sink.h>

#include "cli/cli.h"

typedef struct lm_cli_stdout {
    lm_sink sink; /* first */
    lm_cancel *cancel;
} lm_cli_stdout;

/* What is written goes out at once; finish and abort do nothing more. */
void lm__cli_stdout_init(lm_cli_stdout *output, lm_cancel *cancel);

/* Ends such a command. When whoever read the output has gone away that is no failure worth a word:
 * the exit status is that of a process that SIGPIPE ended. */
int lm__cli_stdout_end(lm_cli *cli, const lm_cli_stdout *output, lm_status status,
                       const lm_error *error);

#endif
