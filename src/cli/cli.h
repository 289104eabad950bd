/*
 * What the commands share: the run of one command, its output, its interruption.
 *
 * Output rules
 *  1. Results go to standard output, in one piece at the end; messages and the progress line go to
 *     standard error, each message as `lamella: <message>`.
 *  2. With --json standard output is one JSON object, on failure too; it ends with "status", "exit"
 *     and, on failure, "message".
 *  3. A path that is not UTF-8 stands in JSON twice: under its key with U+FFFD for the stray bytes,
 *     and under the key with `_hex` after it, exactly.
 */
#ifndef LM_CLI_CLI_H
#define LM_CLI_CLI_H

#include <signal.h>

#include "base/json.h"
#include "cli/option.h"

#define LM_CLI_EXIT_USAGE 2

struct lm_cli {
    const lm_cli_command *command;
    lm_cli_words words;
    bool json;
    lm_storage storage;    /* of --storage and --trace */
    lm_cancel *cancel;     /* requested by SIGINT, SIGTERM and SIGHUP */
    lm_buffer out;         /* for standard output */
    lm_json_writer writer; /* on `out`, inside the one object, when json is set */
};

/* Every command, in the order of `lamella help`; ends with NULL. */
extern const lm_cli_command *const lm__cli_commands[];

extern const lm_cli_option lm__cli_common_options[];
/* --storage and --trace, for commands that take URLs; they lie in lm_cli_common too. */
extern const lm_cli_option lm__cli_storage_options[];

/* Appends to standard output's text; only when json is not set. */
void lm__cli_print(lm_cli *cli, const char *format, ...) LM_PRINTF(2, 3);
/* `lamella: <message>` on standard error, at once. */
void lm__cli_warn(const char *format, ...) LM_PRINTF(1, 2);
/* An lm_trace_callback: the line on standard error, at once. */
void lm__cli_trace(void *context, const char *line);
/* Ends a command: tells the failure, writes standard output, gives the exit status. */
int lm__cli_end(lm_cli *cli, lm_status status, const lm_error *error);
/* The same with an exit status of the command's own. */
int lm__cli_end_with(lm_cli *cli, int exit_status, lm_status status, const lm_error *error);
/* "exists" for LM_EXISTS. */
const char *lm__cli_status_word(lm_status status, char word[48]);

/* Signals: SIGINT, SIGTERM and SIGHUP set `cancel`, unless they were ignored when the process
 * began. A system call that waits ends with EINTR within 20 ms of the signal, also when the signal
 * came just before the call. */
void lm__cli_signals(lm_cancel *cancel);
/* Adds the signals that a program we start must have as they were before lm__cli_signals. */
void lm__cli_signals_usual(sigset_t *usual);
/* The last such signal, or 0; `*from_terminal` when the terminal sent it to the whole group. */
int lm__cli_signal(bool *from_terminal);

#endif
