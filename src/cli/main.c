/*
 * The command `lamella`: finds the command, parses its flags, runs it.
 *
 * Start-up is kept bare: no locale, no threads, no library beyond the C library before a command
 * asks for it.
 */
#include <stdalign.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/error.h"
#include "base/limits.h"
#include "cli/cli.h"

#define SETTINGS_BYTES_MAX 1024

const lm_cli_option lm__cli_common_options[] = {
    {"json", LM_CLI_FLAG, offsetof(lm_cli_common, json), NULL,
     "Write one JSON object to standard output.", NULL},
    {"help", LM_CLI_FLAG, offsetof(lm_cli_common, help), NULL, "Show this help.", NULL},
    {NULL},
};

const lm_cli_option lm__cli_storage_options[] = {
    {"storage", LM_CLI_TEXTS, offsetof(lm_cli_common, storage), "KEY=VALUE",
     "How the stores of URLs are reached (docs/storage.md), before what the environment says. May "
     "be given more than once.",
     NULL},
    {"trace", LM_CLI_FLAG, offsetof(lm_cli_common, trace), NULL,
     "Tell each request to a remote store on standard error; secrets are masked.", NULL},
    {NULL},
};

static const lm_cli_command *command_find(const char *name)
{
    for (const lm_cli_command *const *command = lm__cli_commands; *command; command++)
        if (strcmp((*command)->name, name) == 0) return *command;
    return NULL;
}

static int usage_error(lm_buffer *mistakes, const char *command)
{
    lm_status status = lm__buffer_printf(mistakes, "lamella: see `lamella%s%s --help`\n",
                                         command ? " " : "", command ? command : "");
    if (status == LM_OK)
        (void)!write(STDERR_FILENO, mistakes->data, mistakes->size); /* nowhere else to tell it */
    lm__buffer_deinit(mistakes);
    return LM_CLI_EXIT_USAGE;
}

static lm_status read_storage(lm_cli *cli, const lm_cli_common *common, lm_error *error)
{
    const lm_cli_pairs *given = &common->storage;
    if (common->trace) cli->storage.trace = lm__cli_trace;
    if (given->count == 0) return LM_OK;
    lm_storage_pair *pairs = lm__alloc_array(NULL, given->count, sizeof *pairs);
    if (!pairs) return lm__error_memory(error, "reading the command line");
    cli->storage.pairs = pairs;
    for (size_t i = 0; i < given->count; i++) {
        if (given->items[i][0] == '=' || !strchr(given->items[i], '='))
            return lm__error_set(error, LM_INVALID, "--storage takes KEY=VALUE, not '%s'",
                                 given->items[i]);
        pairs[i].value = lm__cli_pair_value(given->items[i]);
        pairs[i].key = given->items[i];
    }
    cli->storage.pair_count = given->count;
    return LM_OK;
}

static int command_run(const lm_cli_command *command, int argc, char **argv)
{
    static lm_cancel cancel;
    alignas(max_align_t) char settings[SETTINGS_BYTES_MAX];
    lm_cli cli = {.command = command, .cancel = &cancel};
    lm_error error;
    lm_buffer mistakes;
    lm_error_clear(&error);
    lm__buffer_init(&mistakes, NULL, LM_MIB);
    lm__buffer_init(&cli.out, NULL, 0);
    lm_status status = lm__cli_parse(command, argc, argv, settings, &cli.words, &mistakes);
    const lm_cli_common *common = (const lm_cli_common *)settings;
    if (status == LM_INVALID) return usage_error(&mistakes, command->name);
    if (status != LM_OK) {
        (void)lm__error_memory(&error, "reading the command line");
        return lm__cli_end(&cli, status, &error);
    }
    if (common->help) {
        cli.writer.status = lm__cli_help(command, &cli.out);
        return lm__cli_end(&cli, LM_OK, &error);
    }
    cli.json = common->json;
    cli.storage.cancel = &cancel;
    if (cli.json) {
        lm__json_writer_init(&cli.writer, &cli.out, false);
        lm__json_open_object(&cli.writer);
        lm__json_member_string_out(&cli.writer, "command", command->name);
    }
    status = read_storage(&cli, common, &error);
    int exit_status;
    if (status == LM_OK) {
        lm__cli_signals(&cancel);
        exit_status = command->run(&cli, settings);
    } else {
        exit_status = lm__cli_end(&cli, status, &error);
    }
    lm__free(NULL, (void *)cli.storage.pairs);
    return exit_status;
}

int main(int argc, char **argv)
{
    const char *name = argc > 1 ? argv[1] : NULL;
    if (name && (strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0)) name = "help";
    if (name && strcmp(name, "--version") == 0) name = "version";
    const lm_cli_command *command = name ? command_find(name) : NULL;
    if (command) return command_run(command, argc - 2, argv + 2);
    lm_buffer mistakes;
    char shown[256];
    lm__buffer_init(&mistakes, NULL, LM_MIB);
    lm_status status = name ? lm__buffer_printf(&mistakes, "lamella: there is no command '%s'\n",
                                                lm__printable(shown, sizeof shown, name))
                            : lm__buffer_text(&mistakes, "lamella: which command?\n");
    (void)status; /* the line after it is told or not in the same way */
    return usage_error(&mistakes, NULL);
}
