/* lamella help: the list of commands, one command's help, and all of it as docs/commands.md. */
#include "base/error.h"
#include "cli/cli.h"
#include "cli/commands.h"

typedef struct settings {
    lm_cli_common common;
    bool markdown;
} settings;

static const settings defaults;

static const lm_cli_option options[] = {
    {"markdown", LM_CLI_FLAG, offsetof(settings, markdown), NULL,
     "Write the help of all commands as Markdown: docs/commands.md.", NULL},
    {NULL},
};

typedef struct exit_row {
    int exit_status;
    const char *meaning;
} exit_row;

static const exit_row exits[] = {
    {0, "done"},
    {1, "failed; what was at the destination is as it was; diff: the tables differ"},
    {2, "the command line is wrong; diff: any failure that would be 1"},
    {3, "the data, or its schema, is not what it has to be; verify: corrupt"},
    {4, "conflict: the destination is not what --if-match names, or somebody else has it"},
    {5, "--if-absent, and something is there"},
    {6, "the new file is in place, but a power cut may take it back: syncing its directory failed"},
    {7, "it cannot be told whether the new file is in place"},
    {8, "verify: stale, the manifest speaks of something else"},
    {9, "missing: verify, the file or its manifest; undo, a kept file; an input that is not there"},
    {130, "interrupted by SIGINT, SIGTERM or SIGHUP; nothing was published"},
};

const lm_cli_command *const lm__cli_commands[] = {
    &lm__cli_write,   &lm__cli_put,       &lm__cli_merge,   &lm__cli_publish_dir,  &lm__cli_resolve,
    &lm__cli_append,  &lm__cli_overwrite, &lm__cli_delete,  &lm__cli_compact,      &lm__cli_vacuum,
    &lm__cli_history, &lm__cli_repair,    &lm__cli_convert, &lm__cli_guard,        &lm__cli_undo,
    &lm__cli_verify,  &lm__cli_gc,        &lm__cli_cat,     &lm__cli_ls,           &lm__cli_stat,
    &lm__cli_cp,      &lm__cli_rm,        &lm__cli_head,    &lm__cli_count,        &lm__cli_schema,
    &lm__cli_inspect, &lm__cli_diff,      &lm__cli_version, &lm__cli_help_command, NULL,
};

static lm_status overview(lm_buffer *out)
{
    LM_TRY(lm__buffer_text(out, "Lamella publishes files and directories all or nothing: a reader "
                                "sees the old or the new,\nnever half of one.\n\nUsage: lamella "
                                "COMMAND [OPTIONS] ...\n\nCommands:\n"));
    for (const lm_cli_command *const *command = lm__cli_commands; *command; command++)
        LM_TRY(lm__buffer_printf(out, "  %-12s %s\n", (*command)->name, (*command)->summary));
    LM_TRY(lm__buffer_text(out, "\n`lamella COMMAND --help` tells more. Exit statuses:\n"));
    for (size_t i = 0; i < sizeof exits / sizeof *exits; i++)
        LM_TRY(lm__buffer_printf(out, "  %3d  %s\n", exits[i].exit_status, exits[i].meaning));
    return LM_OK;
}

static lm_status markdown(lm_buffer *out)
{
    LM_TRY(lm__buffer_text(
        out, "# The command `lamella`\n\n<!-- Written by `lamella help --markdown`; a test holds "
             "this file to it. -->\n\n"
             "Results go to standard output, messages to standard error as `lamella: <message>`. "
             "With\n`--json` standard output is one JSON object, on failure too; it ends with "
             "`status` (a word),\n`exit` (the exit status) and, on failure, `message`. A path that "
             "is not UTF-8 stands in JSON\ntwice: under its key with U+FFFD for the stray bytes, "
             "and exactly, in hexadecimal, under the\nkey with `_hex` after it.\n\n"
             "Options may stand before and after the words; `--name value` and `--name=value` are "
             "the same; `--`\nends the options.\n\n## Exit statuses\n\n| status | meaning "
             "|\n|---|---|\n"));
    for (size_t i = 0; i < sizeof exits / sizeof *exits; i++)
        LM_TRY(lm__buffer_printf(out, "| %d | %s |\n", exits[i].exit_status, exits[i].meaning));
    LM_TRY(lm__buffer_byte(out, '\n'));
    for (const lm_cli_command *const *command = lm__cli_commands; *command; command++)
        LM_TRY(lm__cli_markdown(*command, out));
    return LM_OK;
}

static int run(lm_cli *cli, void *context)
{
    const settings *given = context;
    const char *name = cli->words.count > 0 ? cli->words.items[0] : NULL;
    lm_buffer text;
    lm_error error;
    lm_error_clear(&error);
    lm__buffer_init(&text, NULL, 0);
    lm_status status = LM_NOT_FOUND;
    if (given->markdown)
        status = markdown(&text);
    else if (!name)
        status = overview(&text);
    for (const lm_cli_command *const *command = lm__cli_commands; name && *command; command++)
        if (strcmp((*command)->name, name) == 0) status = lm__cli_help(*command, &text);
    if (status == LM_NOT_FOUND) {
        status = lm__error_set(&error, LM_INVALID, "there is no command '%s'", name);
        lm__buffer_deinit(&text);
        return lm__cli_end(cli, status, &error);
    }
    if (status == LM_OK && cli->json) {
        lm__json_key(&cli->writer, "text");
        lm__json_string_n(&cli->writer, (const char *)text.data, text.size);
    } else if (status == LM_OK) {
        status = lm__buffer_append(&cli->out, text.data, text.size);
    }
    lm__buffer_deinit(&text);
    if (status != LM_OK) (void)lm__error_memory(&error, "writing help");
    return lm__cli_end(cli, status, &error);
}

const lm_cli_command lm__cli_help_command = {
    .name = "help",
    .usage = "[COMMAND]",
    .summary = "Tell the commands, or one command's options.",
    .about = "Tells the commands and the exit statuses, or one command's options.",
    .groups = {{"Options", options, 0}, {"General", lm__cli_common_options, 0}},
    .words_max = 1,
    .defaults = &defaults,
    .settings_bytes = sizeof defaults,
    .run = run,
};
